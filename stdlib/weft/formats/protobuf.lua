--- The wire format of Protocol Buffers, as far as traces need it: a file of messages, each behind
-- its length, and the fields of a message. Reads on any Lua: 64-bit numbers come as two halves of
-- 32 bits, and as one number up to 2^53.
local fail = require "weft.fail"
local text = require "weft.formats.text"
local util = require "weft.util"

local protobuf = {}

-- Types of a field on the wire.
protobuf.VARINT, protobuf.FIXED64, protobuf.BYTES, protobuf.FIXED32 = 0, 1, 2, 5

local BLOCK_BYTES = 2 ^ 16
-- Longer messages are damage: a length read at a wrong place would fill the memory.
local MESSAGE_BYTES_MAX = 2 ^ 28

local HALF = 2 ^ 32
local byte = string.byte

--- The number at `at`: its low and high 32 bits, and where the next byte is; nil if the text ends
-- within it or it has more than 10 bytes.
function protobuf.varint(data, at)
  local b = byte(data, at)
  if not b then return nil end
  if b < 128 then return b, 0, at + 1 end
  local low, high, scale = b - 128, 0, 128
  for i = 1, 9 do
    b = byte(data, at + i)
    if not b then return nil end
    local seven = b % 128
    if i < 4 then
      low, scale = low + seven * scale, scale * 128
    elseif i == 4 then
      -- Four of these bits belong to the low half.
      low, high, scale = low + seven % 16 * 268435456, (seven - seven % 16) / 16, 8
    else
      high, scale = high + seven * scale, scale * 128
    end
    if b < 128 then return low, high % HALF, at + i + 1 end
  end
  return nil
end

--- Two halves as a number without sign, or nil if it has no exact one.
function protobuf.unsigned(low, high)
  if high >= 2 ^ 21 then return nil end
  return util.integer(high * HALF + low)
end

--- Two halves as int64; negative int32 have the same form.
function protobuf.signed(low, high)
  if high >= 2 ^ 31 then high = high - HALF end
  if high >= 2 ^ 21 or high < -2 ^ 21 then return nil end
  return util.integer(high * HALF + low)
end

--- Two halves as sint64: the sign is the lowest bit.
function protobuf.zigzag(low, high)
  local sign = low % 2
  local value = protobuf.unsigned((low - sign) / 2 + high % 2 * 2 ^ 31, (high - high % 2) / 2)
  if value and sign == 1 then return -value - 1 end
  return value
end

-- Four bytes, lowest first.
local function word(data, at)
  local a, b, c, d = byte(data, at, at + 3)
  return a + b * 256 + c * 65536 + d * 16777216
end

-- ---- messages of a file ----

local Reader = {}
Reader.__index = Reader

local GZIP = "\31\139"

--- Open a file of messages, each behind its length as a varint.
function protobuf.open(path)
  local file = text.open_file(path)
  local buffer = file:read(BLOCK_BYTES) or ""
  if buffer:sub(1, 2) == GZIP then
    fail.at(path, "expected messages of protobuf, got a file compressed by gzip; unpack it first")
  end
  return setmetatable({
    path = path, file = file, buffer = buffer, from = 1, offset = 0, number = 0, start = 0,
  }, Reader)
end

-- At least `count` bytes from `self.from` on, or as many as there are.
local function need(self, count)
  local have = #self.buffer - self.from + 1
  if have >= count then return have end
  local parts = { self.buffer:sub(self.from) }
  while have < count do
    local block = self.file:read(math.max(BLOCK_BYTES, math.min(count - have, MESSAGE_BYTES_MAX)))
    if not block then break end
    parts[#parts + 1] = block
    have = have + #block
  end
  self.buffer, self.from = table.concat(parts), 1
  return have
end

--- The next message as text, or nil at the end of the file. `self.number` is its number, from 1,
-- `self.start` the offset of its first byte.
function Reader:message()
  local have = need(self, 10)
  if have == 0 then return nil end
  self.number, self.start = self.number + 1, self.offset
  local low, high, behind = protobuf.varint(self.buffer, self.from)
  if not low then self:fail(1, "expected the length of a message, got no varint") end
  if high > 0 or low > MESSAGE_BYTES_MAX then
    self:fail(1, "expected a message of at most %.0f bytes, got %.0f", MESSAGE_BYTES_MAX,
      high * HALF + low)
  end
  local head = behind - self.from
  self.from, self.start, self.offset = behind, self.offset + head, self.offset + head
  have = need(self, low)
  if have < low then
    self:fail(1, "expected a message of %.0f bytes, got %.0f before the end of the file", low, have)
  end
  local message = self.buffer:sub(self.from, self.from + low - 1)
  self.from, self.offset = self.from + low, self.offset + low
  return message
end

--- "trace.0.et: message 3, byte 128": a place in the current message.
-- @tparam ?integer at position within it, from 1
function Reader:place(at)
  return ("%s: message %d, byte %.0f"):format(self.path, self.number, self.start + (at or 1) - 1)
end

--- Raise a user error at a position in the current message.
function Reader:fail(at, ...)
  fail.at(self:place(at), ...)
end

function Reader:close()
  self.file:close()
end

--- Iterate over the fields of a message, or of a part of it.
-- @tparam string data
-- @tparam[opt] integer from
-- @tparam[opt] integer to
-- @treturn function yields field number, wire type, where its value begins, and two values: of
-- VARINT and FIXED the low and high half, of BYTES the first and the last position
function Reader:fields(data, from, to)
  local at = from or 1
  to = to or #data
  return function()
    if at > to then return nil end
    local start = at
    local low, high, behind = protobuf.varint(data, at)
    if not low or behind > to + 1 then self:fail(at, "the message ends within a field") end
    local kind = low % 8
    local field = (low - kind) / 8
    if field == 0 or high > 0 then
      self:fail(start, "expected the number of a field, got %.0f", high * HALF + low)
    end
    local value, more
    at = behind
    if kind == protobuf.VARINT then
      value, more, behind = protobuf.varint(data, at)
      if not value then self:fail(at, "field %d: expected a varint", field) end
    elseif kind == protobuf.BYTES then
      local length, top, begin = protobuf.varint(data, at)
      if not length or top > 0 then self:fail(at, "field %d: expected a length", field) end
      value, more, behind = begin, begin + length - 1, begin + length
    elseif kind == protobuf.FIXED64 or kind == protobuf.FIXED32 then
      behind = at + (kind == protobuf.FIXED64 and 8 or 4)
    else
      self:fail(start, "field %d: unknown type %d on the wire", field, kind)
    end
    if behind > to + 1 then
      self:fail(at, "field %d goes beyond the end of its message", field)
    end
    if kind == protobuf.FIXED64 then
      value, more = word(data, at), word(data, at + 4)
    elseif kind == protobuf.FIXED32 then
      value, more = word(data, at), 0
    end
    local where = at
    at = behind
    return field, kind, where, value, more
  end
end

--- Iterate over repeated numbers, packed or one by one.
function protobuf.packed(data, first, last)
  local at = first
  return function()
    if at > last then return nil end
    local low, high, behind = protobuf.varint(data, at)
    if not low then return false end
    at = behind
    return low, high
  end
end

-- ---- writing ----

--- A number from 0 to 2^53 as a varint.
function protobuf.encode(value)
  local bytes = {}
  repeat
    local seven = value % 128
    value = (value - seven) / 128
    bytes[#bytes + 1] = string.char(value > 0 and seven + 128 or seven)
  until value == 0
  return table.concat(bytes)
end

--- A field with a number, or with text.
-- @tparam integer field
-- @tparam number|string value
function protobuf.field(field, value)
  if type(value) == "number" then
    return protobuf.encode(field * 8 + protobuf.VARINT) .. protobuf.encode(value)
  end
  return protobuf.encode(field * 8 + protobuf.BYTES) .. protobuf.encode(#value) .. value
end

return protobuf
