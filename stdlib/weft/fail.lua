--- User errors: one line that says where, what was got, what was wanted and the nearest valid name.
-- The program prints them without a traceback and exits 2; any other Lua error is a bug in the
-- script or in weft and keeps its traceback.
local fail = {}

local UserError = {}
UserError.__index = UserError

local ESCAPES = { ["\n"] = "\\n", ["\r"] = "\\r", ["\t"] = "\\t" }

-- Characters of more than one byte in UTF-8, without those that control a terminal.
local WIDE = {
  "^\194[\160-\191]", "^[\195-\223][\128-\191]", "^[\224-\239][\128-\191][\128-\191]",
  "^[\240-\244][\128-\191][\128-\191][\128-\191]",
}

-- Bytes beyond ASCII: characters stay, the rest is spelled out.
local function escape_bytes(run)
  local out, i = {}, 1
  while i <= #run do
    local character
    for _, pattern in ipairs(WIDE) do character = character or run:match(pattern, i) end
    out[#out + 1] = character or ("\\x%02x"):format(run:byte(i))
    i = i + (character and #character or 1)
  end
  return table.concat(out)
end

--- Text as a terminal may have it: what would control the terminal, or is no UTF-8, is spelled out
-- as in "\x1b". Names and lines of files come into messages as they are.
-- @tparam string text
-- @tparam[opt] boolean lines ends of lines and tabs stay
-- @treturn string
function fail.printable(text, lines)
  if type(text) ~= "string" then text = tostring(text) end
  local function escape(c)
    if lines and (c == "\n" or c == "\t") then return nil end
    return ESCAPES[c] or ("\\x%02x"):format(c:byte())
  end
  return (text:gsub("%c", escape):gsub("[\128-\255]+", escape_bytes))
end

--- The line that is printed.
function UserError:__tostring()
  local text = self.place and self.place .. ": " .. self.message or self.message
  return fail.printable(text)
end

-- The folders of weft itself, so that the place of an error is the line of the caller's script.
-- This file is ROOT/stdlib/weft/fail.lua, or stdlib/weft/fail.lua when run from ROOT.
local own_source = debug.getinfo(1, "S").source
local root = own_source:match("^@(.*)stdlib/weft/fail%.lua$") or ""
local own_folders = { "stdlib/", "viz/", "lua/", "bindings/" }

--- Whether a chunk's source is one of weft's own modules.
-- @tparam string source as debug.getinfo has it
function fail.is_own(source)
  if type(source) ~= "string" then return false end
  local path = source:match("^@(.*)$")
  if not path or path:sub(1, #root) ~= root then return false end
  local inside = path:sub(#root + 1)
  for _, folder in ipairs(own_folders) do
    if inside:sub(1, #folder) == folder then return true end
  end
  return false
end

--- "file:line" of the innermost stack frame that is a script's, or nil.
local function caller_place()
  local level = 3
  while true do
    local info = debug.getinfo(level, "Sl")
    if not info then return nil end
    if info.currentline > 0 and not fail.is_own(info.source) then
      local name = info.source:match("^@(.*)$") or info.short_src
      return ("%s:%d"):format(name, info.currentline)
    end
    level = level + 1
  end
end

--- "file:line" of the script that has called into weft, or nil.
function fail.place()
  local place = caller_place() -- no tail call: its level is counted
  return place
end

local function format_message(format, ...)
  if select("#", ...) == 0 then return format end
  return format:format(...)
end

--- Raise a user error at the line of the script that called into weft.
-- Without further arguments `format` is taken literally.
-- @tparam string format lower case, no full stop
function fail.raise(format, ...)
  local err = { place = caller_place(), message = format_message(format, ...), from_script = true }
  error(setmetatable(err, UserError), 0)
end

--- Raise the error of something that is nobody's mistake, memory above all: one line with the
-- script's place as a user error has, but the program ends with 1.
-- @tparam string format
function fail.broken(format, ...)
  local err = { place = caller_place(), message = format_message(format, ...), is_broken = true }
  error(setmetatable(err, UserError), 0)
end

--- Raise a user error at a given place, such as "topology.txt:17".
-- @tparam string place
-- @tparam string format
function fail.at(place, format, ...)
  if type(place) ~= "string" then place = caller_place() end
  error(setmetatable({ place = place, message = format_message(format, ...) }, UserError), 0)
end

--- Call a function; a user error that it raises for the line of the script is raised again for
-- `place`, such as the command line. One with a place of its own, in a file, stays.
-- @tparam string place
-- @tparam ?string what put before the message
-- @tparam function f
-- @return what f returns
function fail.blame(place, what, f, ...)
  local function after(good, err, ...)
    if good then return err, ... end
    if not fail.is(err) or not err.from_script then error(err, 0) end
    fail.at(place, "%s", (what and what .. ": " or "") .. err.message)
  end
  return after(pcall(f, ...))
end

--- Whether a caught error value is a user error, or one of fail.broken.
function fail.is(err)
  return getmetatable(err) == UserError
end

--- Whether a caught error value is one of fail.broken.
function fail.is_broken(err)
  return fail.is(err) and err.is_broken == true
end

--- Edits (insert, delete, replace, swap neighbours) between two words, or `limit` + 1 if more.
local function edit_distance(a, b, limit)
  if math.abs(#a - #b) > limit then return limit + 1 end
  local before, previous, current = {}, {}, {}
  for j = 0, #b do previous[j] = j end
  for i = 1, #a do
    current[0] = i
    local least = i
    for j = 1, #b do
      local cost = a:byte(i) == b:byte(j) and 0 or 1
      local best = math.min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
      local swapped = i > 1 and j > 1 and a:byte(i) == b:byte(j - 1) and a:byte(i - 1) == b:byte(j)
      if swapped then best = math.min(best, before[j - 2] + 1) end
      current[j] = best
      least = math.min(least, best)
    end
    if least > limit then return limit + 1 end
    before, previous, current = previous, current, before
  end
  return previous[#b]
end

local function need_names(what, list)
  if type(list) ~= "table" then
    fail.raise("%s: expected a list of names, got %s", what, fail.show(list))
  end
  for i, name in ipairs(list) do
    if type(name) ~= "string" and type(name) ~= "number" then
      fail.raise("%s: expected a list of names, got %s as number %d", what, fail.show(name), i)
    end
  end
end

--- The name in `list` that `word` most likely meant, or nil. Ties go to the first in the list.
-- @tparam string word
-- @tparam {string,...} list
-- @treturn ?string
function fail.nearest(word, list)
  need_names("fail.nearest", list)
  word = tostring(word):lower()
  -- A third of the letters may be wrong; short words get one edit, a single letter none.
  local best, limit = nil, math.min(#word - 1, math.max(1, math.floor(#word / 3)))
  for _, name in ipairs(list) do
    local distance = edit_distance(word, tostring(name):lower(), limit)
    if distance <= limit then
      best, limit = name, distance - 1
      if limit < 0 then break end
    end
  end
  return best
end

-- A list longer than this is not spelled out in a message.
local LISTED_MAX = 12

--- End of a message about a wrong name: "; did you mean 'rate'?", or the valid names if few.
-- @tparam string word
-- @tparam {string,...} list
-- @treturn string possibly empty
function fail.hint(word, list)
  need_names("fail.hint", list)
  local near = fail.nearest(word, list)
  if near then return ("; did you mean '%s'?"):format(near) end
  if #list == 0 or #list > LISTED_MAX then return "" end
  return "; expected one of: " .. table.concat(list, ", ")
end

--- A value as it is shown in messages: quoted text, plain numbers, types of the rest.
-- @treturn string
function fail.show(value)
  local kind = type(value)
  if kind == "string" then
    local text = #value > 60 and value:sub(1, 57) .. "..." or value
    -- What is neither ASCII nor UTF-8 would garble the terminal.
    local binary = text:gsub("[\194-\244][\128-\191]+", ""):find("[\128-\255]")
    return "'" .. text:gsub(binary and "[%c\128-\255]" or "%c", "?") .. "'"
  elseif kind == "number" then
    -- How these print depends on the C library.
    if value ~= value then return "nan" end
    if value == math.huge or value == -math.huge then return value > 0 and "inf" or "-inf" end
    if value == math.floor(value) and math.abs(value) < 1e15 then return ("%.0f"):format(value) end
    local short = ("%.14g"):format(value)
    return tonumber(short) == value and short or ("%.17g"):format(value)
  elseif kind == "boolean" or kind == "nil" then
    return tostring(value)
  end
  return "a " .. kind
end

return fail
