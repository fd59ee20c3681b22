--- What an expression stands for, without running it: values of globals and of what they hold, and
-- the class of what a function returns, as its comment says. Nothing is called.
local guard = require "weft.guard"
local source = require "weft.source"

local M = {}

local OPENING = { [")"] = "(", ["]"] = "[", ["}"] = "{" }

-- Assignments that are followed from a name to another.
local DEPTH = 4

local NONE = {}

-- The index of the bracket that the one at `i` closes.
local function opening(tokens, i)
  local depth = 0
  for at = i, 1, -1 do
    local text = tokens[at].kind == "op" and tokens[at].text
    if OPENING[text] then depth = depth + 1 end
    if text == "(" or text == "[" or text == "{" then depth = depth - 1 end
    if depth == 0 then return at end
  end
  return nil
end

-- Whether a token may be the end of what is called or indexed.
local function ends_operand(token)
  if not token then return false end
  return token.kind == "name" or token.kind == "string"
    or token.kind == "op" and OPENING[token.text] ~= nil
end

--- Where the expression of names, indexes and calls begins that ends at token `i`; nil if there is
-- none.
local function start_of(tokens, i)
  while tokens[i] do
    local token, before = tokens[i], tokens[i - 1]
    if token.kind == "name" then
      if not (before and before.kind == "op" and (before.text == "." or before.text == ":")) then
        return i
      end
      i = i - 2
    elseif token.kind == "string" then
      if not ends_operand(before) then return i end
      i = i - 1
    elseif token.kind == "op" and OPENING[token.text] then
      local at = opening(tokens, i)
      if not at then return nil end
      if not ends_operand(tokens[at - 1]) then return token.text == ")" and at or nil end
      i = at - 1
    else
      return nil
    end
  end
  return nil
end

--- The class whose objects a comment calls so: "Simulation".
-- @tparam ?string name
-- @treturn ?table
function M.class_named(name)
  if not name or not name:find "^%u" then return nil end
  name = name:lower()
  for key, entry in pairs(guard.classes) do -- order-free: one at most
    local noun = entry.noun:gsub("[^%a]", "")
    if name == key or name == noun then return entry.class end
  end
  return nil
end

--- What indexing gives, or NONE.
local function index(what, key)
  if what.class then
    local method = what.class[key]
    return method ~= nil and { value = method, class_of = what.class } or NONE
  end
  local object = what.value
  if object == nil then return NONE end
  local good, value = pcall(function() return object[key] end)
  if not good or value == nil then return NONE end
  return { value = value, self = object }
end

local function result_of(what)
  if type(what.value) ~= "function" then return NONE end
  local class = M.class_named(source.returns(what.value))
  return class and { class = class } or NONE
end

local evaluate

-- A name: a global, or what was assigned to it before in the text.
local function name_at(tokens, i, depth)
  local name = tokens[i].text
  for at = i - 1, 2, -1 do
    local behind = tokens[at - 2] and tokens[at - 2].text
    local is_field = behind == "." or behind == "{" or behind == "," and depth > 0
    local is_set = tokens[at].text == "=" and tokens[at].kind == "op" and not is_field
      and tokens[at - 1].text == name
    if is_set and depth < DEPTH then
      local what = evaluate(tokens, at + 1, i - 1, depth + 1)
      if what.value ~= nil or what.class then return what end
    end
  end
  return { value = rawget(_G, name) }
end

-- The value of a key between brackets: text, a number, or a name that stands for one.
local function key_at(tokens, first, last)
  local token = tokens[first]
  if first ~= last then return nil end
  if token.kind == "number" then return tonumber(token.text) end
  if token.kind == "string" then return token.text end
  if token.kind ~= "name" then return nil end
  local value = rawget(_G, token.text)
  return (type(value) == "number" or type(value) == "string") and value or nil
end

local function closing(tokens, i, last)
  local depth = 0
  for at = i, last do
    local text = tokens[at].kind == "op" and tokens[at].text
    if text == "(" or text == "[" or text == "{" then depth = depth + 1 end
    if OPENING[text] then depth = depth - 1 end
    if depth == 0 then return at end
  end
  return nil
end

-- What a call gives: `require "weft"` the module, if it is there; else by the function's comment.
local function call(tokens, what, first, last)
  local argument = tokens[first].kind == "string" and tokens[first]
    or last == first + 2 and tokens[first + 1]
  if what.value == require and argument and argument.kind == "string" then
    local is_own = argument.text == "weft" or argument.text:find "^weft%."
    local good, module = pcall(is_own and require or error, argument.text)
    return good and { value = module } or { value = package.loaded[argument.text] }
  end
  return result_of(what)
end

-- What the first operand in a row of tokens stands for, as far as it reaches.
function evaluate(tokens, first, last, depth)
  local token, i, what = tokens[first], first + 1, NONE
  if not token or first > last then return NONE end
  if token.kind == "name" then
    what = name_at(tokens, first, depth)
  elseif token.kind == "string" then
    what = { value = token.text }
  elseif token.text == "(" and token.kind == "op" then
    local close = closing(tokens, first, last)
    if not close then return NONE end
    what, i = evaluate(tokens, first + 1, close - 1, depth), close + 1
  end
  while i <= last and (what.value ~= nil or what.class) do
    token = tokens[i]
    local is_op = token.kind == "op"
    if is_op and (token.text == "." or token.text == ":") then
      if i == last then return NONE end
      what, i = index(what, tokens[i + 1].text), i + 2
    elseif token.kind == "string" then
      what, i = call(tokens, what, i, i), i + 1
    elseif is_op and (token.text == "(" or token.text == "{" or token.text == "[") then
      local close = closing(tokens, i, last)
      if not close then return NONE end
      if token.text == "[" then
        local key = close > i + 1 and key_at(tokens, i + 1, close - 1)
        what = key and index(what, key) or NONE
      else
        what = call(tokens, what, i, close)
      end
      i = close + 1
    else
      return what
    end
  end
  return what
end

--- What the expression stands for that ends at token `i`.
-- @tparam {table,...} tokens
-- @tparam number i
-- @treturn table `value`, or `class` of a value that is not there yet; of a method its `self`, or
-- `class_of` what has it; empty if nothing is known
function M.ending_at(tokens, i)
  local first = start_of(tokens, i)
  return first and evaluate(tokens, first, i, 0) or NONE
end

return M
