--- Reading JSON: a file that holds one value, or several one behind the other. Whole files are held
-- in memory. An object is a table by its keys, an array a list, null is `json_reader.null`. A whole
-- number beyond 2^53 stays text, as Protocol Buffers write 64-bit numbers anyway.
local fail = require "weft.fail"
local text = require "weft.formats.text"
local units = require "weft.units"

local json_reader = {}

--- What stands for null.
json_reader.null = setmetatable({}, { __tostring = function() return "null" end })

--- The key under which an object has the byte of the file that it begins at.
json_reader.AT = {}

-- Deeper nesting is damage, and would overflow the stack.
local DEPTH_MAX = 100

local Reader = {}
Reader.__index = Reader

--- Open a file.
function json_reader.open(path)
  local file = text.open_file(path)
  local content = text.without_mark(path, file:read("*a"))
  file:close()
  return setmetatable({ path = path, text = content, at = 1, number = 1, counted = 1 }, Reader)
end

--- The line of a position in the file; positions asked for one after the other must not go back.
function Reader:line_of(at)
  while true do
    local newline = self.text:find("\n", self.counted, true)
    if not newline or newline >= at then return self.number end
    self.number, self.counted = self.number + 1, newline + 1
  end
end

--- Raise a user error at a position, by default that which is read.
function Reader:fail(at, ...)
  fail.at(("%s:%d"):format(self.path, self:line_of(at or self.at)), ...)
end

-- The next byte that is no blank, as text; "" at the end of the file.
local function peek(self)
  self.at = self.text:find("[^ \t\r\n]", self.at) or #self.text + 1
  return self.text:sub(self.at, self.at)
end

local function complain(self, wanted)
  local found = peek(self)
  self:fail(self.at, "expected %s, got %s", wanted,
    found == "" and "end of file" or fail.show(self.text:match("^[%w_.+-]+", self.at) or found))
end

local function utf8_text(code)
  if code < 0x80 then return string.char(code) end
  if code < 0x800 then
    return string.char(0xc0 + (code - code % 64) / 64, 0x80 + code % 64)
  end
  local low, middle = code % 64, (code - code % 64) / 64
  local high = (middle - middle % 64) / 64
  if code < 0x10000 then return string.char(0xe0 + high, 0x80 + middle % 64, 0x80 + low) end
  return string.char(0xf0 + (high - high % 64) / 64, 0x80 + high % 64, 0x80 + middle % 64,
    0x80 + low)
end

local ESCAPES = {
  ["\""] = "\"", ["\\"] = "\\", ["/"] = "/", b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

-- What stands for the escape whose backslash is at `at`, and where it ends.
local function escape(self, at)
  local plain = ESCAPES[self.text:sub(at + 1, at + 1)]
  if plain then return plain, at + 2 end
  local code = tonumber(self.text:match("^u(%x%x%x%x)", at + 1) or "", 16)
  if not code then
    self:fail(at, "expected an escape, got %s", fail.show(self.text:sub(at, at + 5)))
  end
  local low = self.text:match("^\\u([dD][c-fC-F]%x%x)", at + 6)
  if code >= 0xd800 and code < 0xdc00 and low then
    return utf8_text(0x10000 + (code - 0xd800) * 1024 + tonumber(low, 16) - 0xdc00), at + 12
  end
  return utf8_text(code), at + 6
end

local function read_string(self)
  local parts, from = {}, self.at + 1
  while true do
    local stop = self.text:find("[\"\\\n]", from)
    local found = stop and self.text:sub(stop, stop)
    if not stop or found == "\n" then self:fail(self.at, "expected '\"' at the end of a text") end
    parts[#parts + 1] = self.text:sub(from, stop - 1)
    if found == "\"" then
      self.at = stop + 1
      return table.concat(parts)
    end
    parts[#parts + 1], from = escape(self, stop)
  end
end

local function read_number(self)
  local word = self.text:match("^-?%d[%d.eE+-]*", self.at)
  local value = word and tonumber(word)
  if not value then complain(self, "a value") end
  self.at = self.at + #word
  -- Not by the value: on LuaJIT that of 2^53 + 1 is 2^53.
  if word:find "^-?%d+$" then return units.whole(word) or word end
  return value
end

local read_value

local function read_array(self, depth)
  local list = {}
  self.at = self.at + 1
  if peek(self) == "]" then
    self.at = self.at + 1
    return list
  end
  while true do
    list[#list + 1] = read_value(self, depth)
    local found = peek(self)
    if found ~= "," and found ~= "]" then complain(self, "',' or ']' behind a value of a list") end
    self.at = self.at + 1
    if found == "]" then return list end
  end
end

local function read_object(self, depth)
  local object = { [json_reader.AT] = self.at }
  self.at = self.at + 1
  if peek(self) == "}" then
    self.at = self.at + 1
    return object
  end
  while true do
    if peek(self) ~= "\"" then complain(self, "a name in quotes") end
    local key = read_string(self)
    if peek(self) ~= ":" then complain(self, ("':' behind '%s'"):format(key)) end
    self.at = self.at + 1
    object[key] = read_value(self, depth)
    local found = peek(self)
    if found ~= "," and found ~= "}" then complain(self, "',' or '}' behind a value") end
    self.at = self.at + 1
    if found == "}" then return object end
  end
end

local WORDS = { ["true"] = true, ["false"] = false, null = json_reader.null }

function read_value(self, depth)
  if depth > DEPTH_MAX then self:fail(self.at, "expected at most %d levels", DEPTH_MAX) end
  local found = peek(self)
  if found == "{" then return read_object(self, depth + 1) end
  if found == "[" then return read_array(self, depth + 1) end
  if found == "\"" then return read_string(self) end
  local word = self.text:match("^%a+", self.at)
  if word and WORDS[word] ~= nil then
    self.at = self.at + #word
    return WORDS[word]
  end
  return read_number(self)
end

--- The next value of the file; nil at its end. A comma between values is passed over.
function Reader:value()
  if peek(self) == "," then self.at = self.at + 1 end
  if peek(self) == "" then return nil end
  return read_value(self, 1)
end

return json_reader
