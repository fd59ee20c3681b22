--- Nodes of a Chakra trace in JSON, in the forms that Chakra's tools have: one object for the
-- GlobalMetadata and one for each node, one behind the other (chakra_jsonizer; numbers of 64 bits
-- and enumerators are text there); an object with a list `workload_graph` (its feeder); an object
-- with a list `nodes`, or a list of nodes. Attributes are in a list `attr`, or members of the node.
local fail = require "weft.fail"
local json_reader = require "weft.formats.json_reader"
local list_in = require("weft.formats.chakra_protobuf").list_in
local units = require "weft.units"
local util = require "weft.util"

local chakra_json = {}

local AT, NULL = json_reader.AT, json_reader.null

-- The members of a node, by the names that they have.
local MEMBERS = {
  id = { "id", "Id" },
  name = { "name", "Name" },
  type = { "type", "NodeType", "node_type", "nodeType" },
  ctrl_deps = { "ctrl_deps", "ctrlDeps" },
  data_deps = { "data_deps", "dataDeps" },
  duration = { "duration_micros", "durationMicros", "runtime" },
  inputs = { "inputs" },
  attributes = { "attr", "attrs" },
}
-- A member like one of these is a slip.
local NAMES = {
  "attr", "ctrlDeps", "ctrl_deps", "dataDeps", "data_deps", "durationMicros", "duration_micros",
  "runtime",
}

local TYPES = {
  INVALID_NODE = 0, METADATA_NODE = 1, MEM_LOAD_NODE = 2, MEM_STORE_NODE = 3, COMP_NODE = 4,
  COMM_SEND_NODE = 5, COMM_RECV_NODE = 6, COMM_COLL_NODE = 7,
}
local COLLECTIVES = {
  ALL_REDUCE = 0, REDUCE = 1, ALL_GATHER = 2, GATHER = 3, SCATTER = 4, BROADCAST = 5,
  ALL_TO_ALL = 6, REDUCE_SCATTER = 7, REDUCE_SCATTER_BLOCK = 8, BARRIER = 9,
}

local Source = {}
Source.__index = Source

local function member(object, what)
  for _, name in ipairs(MEMBERS[what]) do
    if object[name] ~= nil and object[name] ~= NULL then return object[name] end
  end
  return nil
end

-- A whole number from 0 on, as a number, as text, as an enumerator or as a truth value.
local function number(self, value, what, names)
  if type(value) == "boolean" then value = value and 1 or 0 end
  local given = value
  if type(value) == "string" then
    value = names and names[value] or value:find "^%d+$" and units.whole(value)
  end
  if type(value) ~= "number" or value % 1 ~= 0 or value < 0 or value > 2 ^ 53 then
    self:fail("%s: expected a whole number, 0 to 2^53, got %s%s", what, fail.show(given),
      names and ", which is no enumerator either" or "")
  end
  return util.integer(value)
end

-- What an attribute's object holds: a member such as int64Val, int64_list or value.
local function value_of(attribute)
  if attribute.value ~= nil then return attribute.value end
  for key, value in pairs(attribute) do -- order-free: there is one
    if type(key) == "string" and key:find("[Vv]al$") then return value end
    if type(key) == "string" and key:find("[Ll]ist$") then
      return type(value) == "table" and (value.values or value) or value
    end
  end
  return nil
end

-- A text; a number is one too.
local function text_of(self, value, what)
  if type(value) ~= "string" and type(value) ~= "number" then
    self:fail("%s: expected text, got %s", what, fail.show(value))
  end
  return type(value) == "number" and fail.show(value) or value
end

local function keep(self, node, name, value)
  local wanted = self.wanted[name]
  if not wanted or value == NULL then return end
  if wanted == "number" then
    node[name] = number(self, value == nil and 0 or value, ("attribute '%s'"):format(name),
      name == "comm_type" and COLLECTIVES)
  elseif wanted == "text" then
    node[name] = text_of(self, value == nil and "" or value, ("attribute '%s'"):format(name))
  elseif wanted == "hint" then
    node[name] = tonumber(value) or -1
  elseif type(value) == "string" then
    node[name] = list_in(value)
  elseif type(value) == "table" and not value[AT] then
    node[name] = {}
    for i, one in ipairs(value) do node[name][i] = number(self, one, name) end
  end
end

-- Names of attributes in the style of JSON: commSize for comm_size.
local function snake(name)
  return (name:gsub("%u", function(letter) return "_" .. letter:lower() end))
end

local function read_attributes(self, object, node)
  for key, value in pairs(object) do -- order-free: each is kept under its own name
    if type(key) == "string" then keep(self, node, snake(key), value) end
  end
  local list = member(object, "attributes")
  if list == nil then return end
  if type(list) ~= "table" or list[AT] then
    self:fail("attributes of a node: expected a list, got %s", fail.show(list))
  end
  for _, one in ipairs(list) do
    if type(one) ~= "table" or type(one.name) ~= "string" then
      self:fail("expected an attribute with a name, got %s", fail.show(one))
    end
    keep(self, node, one.name, value_of(one))
  end
end

-- A member that looks like another one, once for each name in a file.
local function check_names(self, object)
  for key in pairs(object) do -- order-free: each is checked on its own
    if type(key) == "string" and not self.known[key] then
      local near = fail.nearest(key, NAMES)
      if near and not self.wanted[snake(key)] then
        self:fail("a node: unknown member '%s'; did you mean '%s'?", key, near)
      end
      self.known[key] = true
    end
  end
end

local function dependencies(self, object, what, list)
  local given = member(object, what)
  if given == nil then return end
  if type(given) ~= "table" or given[AT] then
    self:fail("%s: expected a list of ids, got %s", what, fail.show(given))
  end
  for _, id in ipairs(given) do list[#list + 1] = number(self, id, what) end
end

-- The values of inputs are text in the schema, and lists in traces of PyTorch.
local function values_of(object)
  local inputs = member(object, "inputs")
  local values = type(inputs) == "table" and inputs.values
  if type(values) == "table" then values = values[1] end
  return type(values) == "string" and values or nil
end

local function read_node(self, object)
  self.at = object[AT]
  self.number = self.reader:line_of(self.at)
  check_names(self, object)
  local kind = member(object, "type")
  if kind == nil and (object.parent or type(member(object, "ctrl_deps")) == "number") then
    self:fail("expected an execution trace, got a host trace of PyTorch, whose nodes have no types:"
      .. " chakra_trace_link and chakra_converter make traces of those")
  end
  local node = {
    id = number(self, member(object, "id") or 0, "id"),
    name = text_of(self, member(object, "name") or "", "name"),
    type = number(self, kind or 0, "type of a node", TYPES), dependencies = {},
    duration = number(self, member(object, "duration") or 0, "duration"),
    values = values_of(object),
  }
  if node.type > self.type_max then
    self:fail("type of a node: expected 0 to %d, got %d", self.type_max, node.type)
  end
  dependencies(self, object, "data_deps", node.dependencies)
  if self.with_control then dependencies(self, object, "ctrl_deps", node.dependencies) end
  read_attributes(self, object, node)
  return node
end

-- The list of nodes in a value, if there is one.
local function nodes_in(value)
  if type(value) ~= "table" then return nil end
  if not value[AT] then return value end
  return value.workload_graph or value.nodes
end

local METADATA = { version = true, attr = true, attrs = true, [AT] = true }

local function is_metadata(object)
  for key in pairs(object) do -- order-free: one is enough
    if not METADATA[key] then return false end
  end
  return true
end

--- Open a trace.
-- @tparam string path
-- @tparam table options as for weft.formats.chakra_protobuf
function chakra_json.open(path, options)
  local self = setmetatable({
    path = path, reader = json_reader.open(path), wanted = options.wanted, known = {},
    with_control = options.control, type_max = options.type_max, number = 0, at = 1, index = 0,
  }, Source)
  for _, names in pairs(MEMBERS) do -- order-free: a set is filled
    for _, name in ipairs(names) do self.known[name] = true end
  end
  local first = self.reader:value()
  if first == nil then fail.at(path, "expected a Chakra trace, got an empty file") end
  self.list = nodes_in(first)
  if self.list and type(self.list) ~= "table" or type(first) ~= "table" then
    self:fail("expected an object or a list of nodes, got %s", fail.show(self.list or first))
  elseif first.traceEvents then
    self:fail("expected an execution trace, got a profile of Kineto: chakra_trace_link and"
      .. " chakra_converter make traces of those")
  elseif not self.list and not is_metadata(first) then
    self.list = { first }
  end
  return self
end

--- The next node, or nil at the end; see weft.formats.chakra_protobuf.
function Source:node()
  local object
  if self.list then
    self.index = self.index + 1
    object = self.list[self.index]
    if object == nil then self.list = nil end
  end
  if object == nil then object = self.reader:value() end
  if object == nil then return nil end
  if type(object) ~= "table" or not object[AT] then
    self:fail("expected a node, got %s", fail.show(object))
  end
  return read_node(self, object)
end

--- Where a node is, from its number.
function chakra_json.place(path, line)
  return ("%s:%d"):format(path, line)
end

--- Raise a user error at the present node.
function Source:fail(...)
  self.reader:fail(self.at, ...)
end

function Source:close()
  self.reader = nil
end

return chakra_json
