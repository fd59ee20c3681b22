--- Execution traces of Chakra (Sridharan et al., "Chakra: Advancing Performance Benchmarking and
-- Co-design using Standardized Execution Traces", 2023; schema et_def.proto of MLCommons): a file
-- NAME.RANK.et per rank, one GlobalMetadata and then the nodes, each message behind its length.
--
-- Computations and memory accesses take their recorded duration; sends, receives and collectives
-- are simulated. The k-th collective of a rank in a process group belongs together with the k-th of
-- every other rank of that group, in the order of the files. Groups come from metadata nodes as
-- PyTorch writes them, or from a file of groups as ASTRA-sim reads it; without a group, or in one
-- called "0" that nothing defines, all ranks take part. Data dependencies decide the order; control
-- dependencies repeat, in traces of PyTorch, who called whom.
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local protobuf = require "weft.formats.protobuf"
local units = require "weft.units"
local util = require "weft.util"

local chakra = {}

local PS_PER_US = 1000000

-- Fields of a Node.
local ID, NAME, TYPE, CTRL_DEPS, DATA_DEPS, DURATION, INPUTS, ATTR = 1, 2, 3, 4, 5, 7, 8, 10
-- Types of nodes.
local COMP, SEND, RECEIVE, COLLECTIVE, TYPE_MAX = 4, 5, 6, 7, 7

-- Collectives by their number in the schema. The size of an AllGather is what a rank contributes,
-- in the engine what it ends with.
local COLLECTIVES = {
  [0] = { kind = "allreduce" },
  [1] = { kind = "reduce" },
  [2] = { kind = "all_gather", grows = true },
  [3] = { title = "GATHER" },
  [4] = { title = "SCATTER" },
  [5] = { kind = "broadcast" },
  [6] = { kind = "all_to_all" },
  [7] = { kind = "reduce_scatter" },
  [8] = { kind = "reduce_scatter" },
  [9] = { kind = "barrier" },
}

-- ---- messages ----

-- How the values of an attribute are read, by the number of their field.
local INTEGER = {
  [7] = protobuf.signed, [9] = protobuf.signed, [11] = protobuf.unsigned,
  [13] = protobuf.unsigned, [15] = protobuf.zigzag, [17] = protobuf.zigzag,
  [19] = protobuf.unsigned, [21] = protobuf.unsigned, [23] = protobuf.signed,
  [25] = protobuf.signed, [27] = protobuf.unsigned,
}
local STRING = 29

-- Attributes that matter here, and whether they are numbers.
local WANTED = {
  comm_type = INTEGER, comm_size = INTEGER, comm_src = INTEGER, comm_dst = INTEGER,
  comm_tag = INTEGER, tensor_size = INTEGER, pg_name = STRING, is_cpu_op = INTEGER,
}

local function unsigned(reader, at, low, high, what)
  local value = protobuf.unsigned(low, high)
  if not value then reader:fail(at, "%s: expected a number below 2^53", what) end
  return value
end

local function read_attribute(reader, data, first, last, node)
  local name, value
  for field, kind, where, a, b in reader:fields(data, first, last) do
    if field == 1 and kind == protobuf.BYTES then
      name = data:sub(a, b)
    elseif WANTED[name] == INTEGER then
      local convert = INTEGER[field]
      if not convert or kind == protobuf.BYTES then
        reader:fail(where, "attribute '%s': expected a whole number", name)
      end
      value = convert(a, b)
      if not value or value < 0 then
        reader:fail(where, "attribute '%s': expected 0 to 2^53", name)
      end
    elseif WANTED[name] == STRING and field == STRING and kind == protobuf.BYTES then
      value = data:sub(a, b)
    end
  end
  -- A number that is 0 may be left out, as proto3 does outside of a oneof.
  if WANTED[name] then node[name] = value or (WANTED[name] == INTEGER and 0 or "") end
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

local WIRE = {
  [ID] = protobuf.VARINT, [NAME] = protobuf.BYTES, [TYPE] = protobuf.VARINT,
  [DURATION] = protobuf.VARINT, [INPUTS] = protobuf.BYTES, [ATTR] = protobuf.BYTES,
}

local function read_node(reader, data, with_control)
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
      if node.type > TYPE_MAX then
        reader:fail(at, "type of a node: expected 0 to %d, got %d", TYPE_MAX, node.type)
      end
    elseif field == DATA_DEPS or (field == CTRL_DEPS and with_control) then
      read_dependencies(reader, data, kind, at, a, b, node)
    elseif field == DURATION then
      node.duration = unsigned(reader, at, a, b, "duration_micros")
    elseif field == INPUTS then
      node.values = read_values(reader, data, a, b)
    elseif field == ATTR then
      read_attribute(reader, data, a, b, node)
    end
  end
  return node
end

-- ---- process groups ----

local function rank_list(text, count, complain)
  local ranks = {}
  for word in text:gmatch("[^,%s]+") do
    local rank = word:find("^%d+$") and tonumber(word)
    if not rank or rank >= count then
      complain("ranks of a process group: expected 0 to %d, got %s", count - 1, fail.show(word))
    end
    ranks[#ranks + 1] = rank
  end
  return ranks
end

-- Groups in the values of a metadata node, as PyTorch writes them; an empty list is all ranks.
local function read_groups(self, reader, values)
  for name, list in values:gmatch('"pg_name"%s*:%s*"([^"]*)".-"ranks"%s*:%s*%[([^%]]*)%]') do
    local ranks = rank_list(list, self.ranks, function(...) reader:fail(1, ...) end)
    self.own_groups[name] = #ranks > 0 and ranks or self.everyone
  end
end

--- Read a file of process groups, as ASTRA-sim does: a JSON object of lists of ranks by name.
-- @tparam string path
-- @tparam integer count of ranks
-- @treturn table lists of ranks by name
function chakra.read_groups(path, count)
  local text = require("weft.formats.text").open(path)
  local groups, open = {}, false
  -- A group is on one line or on several; its name begins it.
  local pending = ""
  for line in function() return text:line() end do
    pending = pending .. line .. " "
    if not open and pending:find("{", 1, true) then
      open, pending = true, pending:gsub("^%s*{", "")
    end
    pending = pending:gsub('^[%s,]*"([^"]*)"%s*:%s*%[([^%]]*)%]', function(name, list)
      groups[name] = rank_list(list, count, function(...) text:fail(...) end)
      return ""
    end)
  end
  if not open or not pending:find("^[%s,]*}%s*$") then
    text:fail("expected an object of lists of ranks, such as { \"1\": [0, 1] }")
  end
  text:close()
  return groups
end

-- ---- nodes as operations ----

local function attribute(reader, node, name, default)
  local value = node[name] or default
  if not value then
    reader:fail(1, "node %s '%s': attribute '%s' is missing", fail.show(node.id), node.name, name)
  end
  return value
end

local function peer_of(self, reader, node, name)
  local rank = attribute(reader, node, name)
  if rank >= self.ranks then
    reader:fail(1, "%s: expected a rank, 0 to %d, got %s", name, self.ranks - 1, fail.show(rank))
  end
  return rank
end

local function group_of(self, reader, node)
  local name = node.pg_name or ""
  local ranks = self.own_groups[name] or self.groups[name]
  if ranks then return name, ranks end
  if name == "" or name == "0" then return name, self.everyone end
  local known = util.sorted_keys(self.groups)
  for _, own in ipairs(util.sorted_keys(self.own_groups)) do known[#known + 1] = own end
  return reader:fail(1, "node %s: there is no process group '%s'%s", fail.show(node.id), name,
    fail.hint(name, known))
end

-- The collective that a node takes part in; one for all ranks of its group.
local function collective_of(self, reader, node)
  local what = COLLECTIVES[attribute(reader, node, "comm_type")]
  if not what or what.title then
    reader:fail(1, "node %s: collective %s is not supported%s", fail.show(node.id),
      what and what.title or fail.show(node.comm_type), what and "" or "; expected 0 to 9")
  end
  local name, ranks = group_of(self, reader, node)
  local key = name .. ":" .. table.concat(ranks, ",")
  local count = (self.used[key] or 0) + 1
  self.used[key] = count
  key = key .. "/" .. count
  local size = what.kind == "barrier" and 0 or attribute(reader, node, "comm_size")
  if what.grows then
    size = units.scaled(size, #ranks, "comm_size", self.graph.place, self.where)
  end
  local known = self.collectives[key]
  if not known then
    known = { kind = what.kind, size_bytes = size, ranks = ranks, missing = #ranks,
      where = self.where, rank = self.rank }
    known.id = self.graph:collect(known, self.where, node.name)
    self.collectives[key] = known
    self.order[#self.order + 1] = known
  elseif known.kind ~= what.kind then
    reader:fail(1, "node %s: rank %d has %s where rank %d has %s (collective %d of group '%s')",
      fail.show(node.id), self.rank, what.kind, known.rank, known.kind, count, name)
  end
  known.size_bytes = math.max(known.size_bytes, size)
  known.missing = known.missing - 1
  return known
end

local function add_collective(self, reader, node)
  local net = self.graph
  local collective = collective_of(self, reader, node)
  local id = net:join(self.rank, self.where)
  net:enclose(id, collective.id)
  return id
end

local function duration_ps(self, node)
  return units.scaled(node.duration, PS_PER_US, "duration_micros", self.graph.place, self.where)
end

local function add_operation(self, reader, node)
  local net, rank = self.graph, self.rank
  -- The host's side of a collective, which launches it, is work of the host.
  if node.is_cpu_op == 1 then
    return net:compute(rank, duration_ps(self, node), self.where, node.name)
  elseif node.type == SEND then
    local size = node.comm_size or node.tensor_size or attribute(reader, node, "comm_size")
    return net:send(rank, peer_of(self, reader, node, "comm_dst"), size, node.comm_tag or 0,
      self.where, node.name)
  elseif node.type == RECEIVE then
    return net:receive(rank, peer_of(self, reader, node, "comm_src"), node.comm_tag or 0,
      self.where)
  elseif node.type == COLLECTIVE then
    return add_collective(self, reader, node)
  elseif node.type < COMP and node.values then
    read_groups(self, reader, node.values)
  end
  return net:compute(rank, duration_ps(self, node), self.where, node.name)
end

-- Places of operations are kept as rank and message number in one number.
local PLACE_BASE = 2 ^ 32

local function settle_dependencies(self, reader, waiting)
  for _, one in ipairs(waiting) do
    for _, id in ipairs(one.dependencies) do
      local earlier = self.ids[id]
      if not earlier then
        fail.at(self.graph.place(self.graph.where[one.operation]),
          "node %s waits for node %s, which is not in the file", fail.show(one.id), fail.show(id))
      end
      self.graph:after(one.operation, earlier)
    end
  end
  reader:close()
end

-- The GlobalMetadata in front: a version and attributes. A node there would be lost unseen.
local function skip_metadata(reader, path)
  local data = reader:message()
  if not data then fail.at(path, "expected a Chakra trace, got an empty file") end
  for field, kind, at in reader:fields(data) do
    if field > 2 or kind ~= protobuf.BYTES then
      reader:fail(at, "expected GlobalMetadata (a version and attributes) in front of the nodes")
    end
  end
end

local function read_rank(self, path, rank)
  local reader, waiting = protobuf.open(path), {}
  self.rank, self.ids, self.used, self.own_groups = rank, {}, {}, {}
  skip_metadata(reader, path)
  for data in function() return reader:message() end do
    local node = read_node(reader, data, self.with_control)
    self.where = rank * PLACE_BASE + reader.number
    if self.ids[node.id] then reader:fail(1, "node %s is there twice", fail.show(node.id)) end
    local operation = add_operation(self, reader, node)
    self.ids[node.id] = operation
    if #node.dependencies > 0 then
      waiting[#waiting + 1] = {
        operation = operation, id = node.id, dependencies = node.dependencies,
      }
    end
  end
  settle_dependencies(self, reader, waiting)
end

local function check_collectives(self)
  for _, one in ipairs(self.order) do
    if one.missing ~= 0 then
      fail.at(self.graph.place(one.where), "%s: %d of the %d ranks of its process group have no"
        .. " such node", one.kind, one.missing, #one.ranks)
    end
  end
end

--- Read traces.
-- @tparam {string,...} paths one per rank, from rank 0
-- @tparam[opt] table options `groups` (lists of ranks by name), `control` (true: control
-- dependencies count too; in traces of PyTorch they are the call stack and may run in circles)
-- @treturn table weft.formats.graph, receives matched with sends
function chakra.read(paths, options)
  local self = {
    ranks = #paths, groups = options and options.groups or {}, everyone = {}, collectives = {},
    order = {}, with_control = options and options.control,
  }
  for rank = 0, #paths - 1 do self.everyone[rank + 1] = rank end
  self.graph = graph.new(function(where)
    local number = where % PLACE_BASE
    return ("%s: message %d"):format(paths[(where - number) / PLACE_BASE + 1], number)
  end)
  for i, path in ipairs(paths) do read_rank(self, path, i - 1) end
  check_collectives(self)
  self.graph.ranks = #paths
  return self.graph:finish()
end

--- The traces in a folder, in the order of their ranks: all files NAME.RANK.et, of one NAME.
-- @tparam string folder
-- @treturn {string,...}
function chakra.files(folder)
  local lfs = require "lfs"
  if lfs.attributes(folder, "mode") ~= "directory" then
    fail.raise("cannot read traces from '%s': no such folder", folder)
  end
  local by_rank, base, count = {}, nil, 0
  for name in lfs.dir(folder) do
    local stem, rank = name:match("^(.*)%.(%d+)%.et$")
    if stem then
      if base and base ~= stem then
        fail.raise("'%s' holds traces of '%s' and of '%s': name them with 'files'", folder,
          base < stem and base or stem, base < stem and stem or base)
      end
      base, count = stem, count + 1
      by_rank[tonumber(rank)] = folder .. "/" .. name
    end
  end
  if count == 0 then fail.raise("'%s' holds no traces NAME.RANK.et", folder) end
  for rank = 0, count - 1 do
    if not by_rank[rank] then
      fail.raise("'%s' holds %d traces of '%s', but not '%s.%d.et'", folder, count, base, base,
        rank)
    end
  end
  local files = {}
  for rank = 0, count - 1 do files[rank + 1] = by_rank[rank] end
  return files
end

return chakra
