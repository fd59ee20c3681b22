--- Lua as tokens, up to a cursor in the middle of it.

local M = {}

local KEYWORDS = {}
for word in ([[and break do else elseif end false for function goto if in local nil not or repeat
return then true until while]]):gmatch "%a+" do KEYWORDS[word] = true end

--- Words of the language, sorted.
M.keywords = {}
for word in pairs(KEYWORDS) do M.keywords[#M.keywords + 1] = word end -- order-free: sorted next
table.sort(M.keywords)

local OPERATORS = { "...", "..", "==", "~=", "<=", ">=", "//", "::", "<<", ">>" }

local ESCAPES = { n = "\n", t = "\t", r = "\r" }

-- The content of a string as it is written, without what is not plain.
local function unescaped(text)
  return (text:gsub("\\(.)", function(c) return ESCAPES[c] or c end))
end

-- Where a string that begins at `at` ends; nil if it is open.
local function short_end(text, at)
  local quote, i = text:sub(at, at), at + 1
  while i <= #text do
    local c = text:sub(i, i)
    if c == "\\" then
      i = i + 1
    elseif c == quote then
      return i
    elseif c == "\n" then
      return i - 1 -- an error; go on with the next line
    end
    i = i + 1
  end
  return nil
end

local function read_short(text, at)
  local last = short_end(text, at)
  if not last then
    return nil, { kind = "string", first = at, quote = text:sub(at, at),
      content = unescaped(text:sub(at + 1)) }
  end
  return { kind = "string", first = at, last = last, text = unescaped(text:sub(at + 1, last - 1)) }
end

local function read_long(text, at, kind)
  local equals = text:match("^%[(=*)%[", at)
  local first, last = text:find("]" .. equals .. "]", at, true)
  if not first then return nil, { kind = kind, first = at } end
  return { kind = kind, first = at, last = last,
    text = text:sub(at + #equals + 2, first - 1) }
end

local function read_comment(text, at)
  if text:find("^%[=*%[", at + 2) then
    local token, open = read_long(text, at + 2, "comment")
    if token then token.first = at end
    return token, open
  end
  local last = text:find("\n", at, true)
  if not last then return nil, { kind = "comment", first = at } end
  return { kind = "comment", first = at, last = last }
end

local function read_operator(text, at)
  for _, operator in ipairs(OPERATORS) do
    if text:sub(at, at + #operator - 1) == operator then
      return { kind = "op", first = at, last = at + #operator - 1, text = operator }
    end
  end
  return { kind = "op", first = at, last = at, text = text:sub(at, at) }
end

-- The token that begins at `at`, or what is still open there at the end of the text.
local function read(text, at)
  local c = text:sub(at, at)
  local word = text:match("^[%a_][%w_]*", at)
  if word then
    local kind = KEYWORDS[word] and "keyword" or "name"
    return { kind = kind, first = at, last = at + #word - 1, text = word }
  end
  local number = text:match("^0[xX][%x.]*", at) or text:match("^%d[%w.]*", at)
    or text:match("^%.%d[%w.]*", at)
  if number then
    return { kind = "number", first = at, last = at + #number - 1, text = number }
  elseif c == "\"" or c == "'" then
    return read_short(text, at)
  elseif text:find("^%[=*%[", at) then
    return read_long(text, at, "string")
  elseif text:sub(at, at + 1) == "--" then
    return read_comment(text, at)
  end
  return read_operator(text, at)
end

--- Tokens of a text, without comments.
-- @tparam string text
-- @treturn {table,...} `kind` (name, keyword, number, string, op), `text` (of a string: its
-- content), `first` and `last` (positions)
-- @treturn ?table what is open at the end: `kind` "string" (with `quote` and `content`, unless it
-- is a long one) or "comment"
function M.tokens(text)
  local tokens, at = {}, 1
  while true do
    at = text:find("%S", at)
    if not at then return tokens, nil end
    local token, open = read(text, at)
    if not token then return tokens, open end
    if token.kind ~= "comment" then tokens[#tokens + 1] = token end
    at = token.last + 1
  end
end

return M
