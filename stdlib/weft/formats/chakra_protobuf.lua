--- Nodes of a Chakra trace in Protocol Buffers: one GlobalMetadata and then the nodes, each message
-- behind its length.
local fail = require "weft.fail"
local protobuf = require "weft.formats.protobuf"
local units = require "weft.units"

local chakra_protobuf = {}

-- Fields of a Node.
local ID, NAME, TYPE, CTRL_DEPS, DATA_DEPS, DURATION, INPUTS, ATTR = 1, 2, 3, 4, 5, 7, 8, 10

local WIRE = {
  [ID] = protobuf.VARINT, [NAME] = protobuf.BYTES, [TYPE] = protobuf.VARINT,
  [DURATION] = protobuf.VARINT, [INPUTS] = protobuf.BYTES, [ATTR] = protobuf.BYTES,
}

-- How the value of an attribute is read, by the number of its field.
local CONVERT = {
  [7] = protobuf.signed, [9] = protobuf.signed, [11] = protobuf.unsigned,
  [13] = protobuf.unsigned, [15] = protobuf.zigzag, [17] = protobuf.zigzag,
  [19] = protobuf.unsigned, [21] = protobuf.unsigned, [23] = protobuf.signed,
  [25] = protobuf.signed, [27] = protobuf.unsigned,
}
-- Lists of varints, bool_list among them.
local LISTS = { [8] = true, [10] = true, [12] = true, [14] = true, [28] = true }
local DOC_STRING, STRING = 2, 29

local Source = {}
Source.__index = Source

local function unsigned(reader, at, low, high, what)
  local value = protobuf.unsigned(low, high)
  if not value then reader:fail(at, "%s: expected a number below 2^53", what) end
  return value
end

local function number(reader, at, name, field, kind, low, high)
  local convert = CONVERT[field]
  if not convert or kind == protobuf.BYTES then
    reader:fail(at, "attribute '%s': expected a whole number", name)
  end
  local value = convert(low, high)
  if not value or value < 0 then reader:fail(at, "attribute '%s': expected 0 to 2^53", name) end
  return value
end

-- The numbers of a list, packed or one by one; nil if it is none.
local function list_of(reader, data, first, last)
  local list = {}
  for field, kind, at, a, b in reader:fields(data, first, last) do
    if field == 1 and kind == protobuf.VARINT then
      list[#list + 1] = protobuf.unsigned(a, b)
    elseif field == 1 and kind == protobuf.BYTES then
      for low, high in protobuf.packed(data, a, b) do
        if not low then reader:fail(at, "a list: expected varints") end
        list[#list + 1] = protobuf.unsigned(low, high)
      end
    end
  end
  return list
end

local function read_attribute(self, data, first, last, node)
  local reader, name, wanted, value = self.reader, nil, nil, nil
  for field, kind, at, a, b in reader:fields(data, first, last) do
    if field == 1 and kind == protobuf.BYTES then
      name = data:sub(a, b)
      wanted = self.wanted[name]
    elseif wanted == "number" and field ~= DOC_STRING then
      value = number(reader, at, name, field, kind, a, b)
    elseif wanted == "text" and field == STRING and kind == protobuf.BYTES then
      value = data:sub(a, b)
    elseif wanted == "hint" and kind ~= protobuf.BYTES then
      value = CONVERT[field] and CONVERT[field](a, b) or -1
    elseif wanted == "list" and LISTS[field] and kind == protobuf.BYTES then
      value = list_of(reader, data, a, b)
    elseif wanted == "list" and field == STRING and kind == protobuf.BYTES then
      value = chakra_protobuf.list_in(data:sub(a, b))
    end
  end
  -- A number that is 0 may be left out, as proto3 does outside of a oneof.
  if wanted == "number" then node[name] = value or 0 end
  if wanted == "text" then node[name] = value or "" end
  if wanted == "hint" or wanted == "list" then node[name] = value end
end

--- The whole numbers in a text such as "[1, 2]"; nil if something else is in it.
function chakra_protobuf.list_in(words)
  local list = {}
  if words:find("[^%d%s,%[%]]") then return nil end
  for digits in words:gmatch("%d+") do
    local value = units.whole(digits)
    if not value then return nil end
    list[#list + 1] = value
  end
  return list
end

local function read_dependencies(reader, data, kind, at, a, b, node)
  local list = node.dependencies
  if kind == protobuf.VARINT then
    list[#list + 1] = unsigned(reader, at, a, b, "dependency")
    return
  end
  for low, high in protobuf.packed(data, a, b) do
    if not low then reader:fail(at, "dependencies: expected varints") end
    list[#list + 1] = unsigned(reader, at, low, high, "dependency")
  end
end

-- The values of a node's inputs, where metadata nodes keep process groups.
local function read_values(reader, data, first, last)
  for field, kind, _, a, b in reader:fields(data, first, last) do
    if field == 1 and kind == protobuf.BYTES then return data:sub(a, b) end
  end
  return nil
end

--- Open a trace.
-- @tparam string path
-- @tparam table options `control` (whether control dependencies count), `wanted` (attributes by
-- name: "number", "text", "hint" (a number that nothing depends on), "list"), `type_max`
function chakra_protobuf.open(path, options)
  local reader = protobuf.open(path)
  local self = setmetatable({
    path = path, reader = reader, wanted = options.wanted, with_control = options.control,
    type_max = options.type_max, number = 0,
  }, Source)
  -- The GlobalMetadata in front: a version and attributes. A node there would be lost unseen.
  local data = reader:message()
  if not data then fail.at(path, "expected a Chakra trace, got an empty file") end
  for field, kind, at in reader:fields(data) do
    if field > 2 or kind ~= protobuf.BYTES then
      reader:fail(at, "expected GlobalMetadata (a version and attributes) in front of the nodes")
    end
  end
  return self
end

--- The next node, or nil at the end: `id`, `name`, `type`, `duration` (us), `dependencies` (ids),
-- `values` (of its inputs, as text) and the attributes that are wanted.
function Source:node()
  local reader = self.reader
  local data = reader:message()
  if not data then return nil end
  self.number = reader.number
  local node = { id = 0, name = "", type = 0, duration = 0, dependencies = {} }
  for field, kind, at, a, b in reader:fields(data) do
    if WIRE[field] and kind ~= WIRE[field] then
      reader:fail(at, "field %d of a node: expected type %d on the wire, got %d", field,
        WIRE[field], kind)
    end
    if field == ID then
      node.id = unsigned(reader, at, a, b, "id")
    elseif field == NAME then
      node.name = data:sub(a, b)
    elseif field == TYPE then
      node.type = unsigned(reader, at, a, b, "type")
      if node.type > self.type_max then
        reader:fail(at, "type of a node: expected 0 to %d, got %d", self.type_max, node.type)
      end
    elseif field == DATA_DEPS or (field == CTRL_DEPS and self.with_control) then
      read_dependencies(reader, data, kind, at, a, b, node)
    elseif field == DURATION then
      node.duration = unsigned(reader, at, a, b, "duration_micros")
    elseif field == INPUTS then
      node.values = read_values(reader, data, a, b)
    elseif field == ATTR then
      read_attribute(self, data, a, b, node)
    end
  end
  return node
end

--- Where a node is, from its number.
function chakra_protobuf.place(path, number_of)
  return ("%s: message %d"):format(path, number_of)
end

--- Raise a user error at the present node.
function Source:fail(...)
  self.reader:fail(1, ...)
end

function Source:close()
  self.reader:close()
end

return chakra_protobuf
