--- Line by line reading of files of blank-separated fields; errors carry file and line.
local fail = require "weft.fail"
local units = require "weft.units"
local util = require "weft.util"

local text = {}

local BLOCK_BYTES = 2 ^ 16
local LINE_BYTES_MAX = 2 ^ 20

local Reader = {}
Reader.__index = Reader

--- Open a file as bytes; one that cannot be read is a user error.
function text.open_file(path)
  if type(path) ~= "string" or path:find("\0", 1, true) then
    fail.raise("expected the name of a file, got %s", fail.show(path))
  end
  local file, message = io.open(util.readable(path), "rb")
  -- Opening a folder succeeds on Linux; only reading fails.
  local ok, why = true, nil
  if file then ok, why = file:read(0) end
  if not file or (not ok and why) then
    fail.raise("cannot read '%s': %s", path, tostring(message or why):gsub("^.*: ", ""))
  end
  return file
end

-- Marks that editors put in front of text: of UTF-8, which counts for nothing, and of UTF-16.
local UTF8_MARK, UTF16_MARKS = "\239\187\191", { ["\255\254"] = true, ["\254\255"] = true }

--- A file's text without the mark of its encoding, from its first bytes.
-- @tparam string path for messages
-- @tparam string head what the file begins with
-- @treturn string
function text.without_mark(path, head)
  if head:sub(1, 3) == UTF8_MARK then return head:sub(4) end
  if UTF16_MARKS[head:sub(1, 2)] then
    fail.at(path .. ":1", "expected UTF-8 text, got UTF-16; save the file as UTF-8")
  end
  return head
end

--- A reader of a file's lines.
function text.open(path)
  local file = text.open_file(path)
  local head = text.without_mark(path, file:read(BLOCK_BYTES) or "")
  return setmetatable({ path = path, file = file, number = 0, buffer = head, from = 1 }, Reader)
end

--- The next line, or nil at the end of the file. Not file:lines(), because what LuaJIT's makes of a
-- zero byte differs from Lua 5.4's.
function Reader:line()
  local stop = self.buffer:find("\n", self.from, true)
  while not stop do
    local block = self.file:read(BLOCK_BYTES)
    if not block then break end
    local begun = #self.buffer - self.from + 1
    self.buffer, self.from = self.buffer:sub(self.from) .. block, 1
    stop = self.buffer:find("\n", begun + 1, true)
    if begun > LINE_BYTES_MAX then break end
  end
  if not stop and self.from > #self.buffer then return nil end
  self.number = self.number + 1
  local line = self.buffer:sub(self.from, stop and stop - 1)
  self.from = (stop or #self.buffer) + 1
  self.current = line
  if #line > LINE_BYTES_MAX or line:find("\0", 1, true) then
    self:fail("expected a line of text, got binary data")
  end
  return line
end

--- Fields of the next line that has any, or nil at the end of the file.
-- @treturn ?{string,...}
function Reader:fields()
  for line in function() return self:line() end do
    local fields = {}
    for field in line:gmatch("%S+") do fields[#fields + 1] = field end
    if #fields > 0 then return fields end
  end
  self.at_end = true
  return nil
end

--- "path:17", the line read last; behind the last line at the end of the file.
function Reader:place()
  return ("%s:%d"):format(self.path, self.number + (self.at_end and 1 or 0))
end

--- Raise a user error at the current line.
function Reader:fail(...)
  fail.at(self:place(), ...)
end

--- The current line as it is shown in messages, or "end of file".
function Reader:shown()
  if self.at_end then return "end of file" end
  return fail.show((self.current:gsub("^%s+", ""):gsub("%s+$", "")))
end

--- A field as a whole number from `min` to `max`.
function Reader:integer(field, what, min, max)
  if not field:find("^%-?%d+$") then
    self:fail("%s: expected a whole number, got %s", what, fail.show(field))
  end
  local value = units.whole(field)
  if not value or value < min or value > max then
    self:fail("%s: expected %.0f to %.0f, got %s", what, min, max, field)
  end
  return value
end

--- Bytes of the file; nil of a pipe, whose end nobody knows.
function Reader:size()
  local at = self.file:seek()
  local size = at and self.file:seek("end")
  if at then self.file:seek("set", at) end
  return size
end

function Reader:close()
  self.file:close()
end

return text
