--- Execution traces of Chakra (Sridharan et al., "Chakra: Advancing Performance Benchmarking and
-- Co-design using Standardized Execution Traces", 2023; schema et_def.proto of MLCommons): a file
-- NAME.RANK.et (Protocol Buffers) or NAME.RANK.json per rank.
--
-- Computations and memory accesses take their recorded duration; sends, receives and collectives
-- are simulated. The k-th collective of a rank in a process group belongs together with the k-th of
-- every other rank of that group, in the order of the files. Groups come from metadata nodes as
-- PyTorch writes them, or from a file of groups as ASTRA-sim reads it; without a group, or in one
-- called "0" that nothing defines, all ranks take part. Data dependencies decide the order; control
-- dependencies repeat, in traces of PyTorch, who called whom.
--
-- What nodes ask for and nothing simulates is said once for each kind of it.
local chakra_json = require "weft.formats.chakra_json"
local chakra_protobuf = require "weft.formats.chakra_protobuf"
local collectives = require "weft.formats.chakra_collectives"
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local notice = require "weft.notice"
local units = require "weft.units"
local util = require "weft.util"

local chakra = {}

local PS_PER_US = 1000000

-- Types of nodes.
local COMP, SEND, RECEIVE, COLLECTIVE, TYPE_MAX = 4, 5, 6, 7, 7

-- Attributes that matter here, and what they hold; a hint is a number that nothing depends on.
local WANTED = {
  comm_type = "number", comm_size = "number", comm_src = "number", comm_dst = "number",
  comm_tag = "number", tensor_size = "number", pg_name = "text", is_cpu_op = "number",
  comm_priority = "hint", num_ops = "hint", involved_dim = "list",
}
for name, kind in util.sorted_pairs(collectives.WANTED) do WANTED[name] = kind end

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
local function read_groups(self, source, values)
  for name, list in values:gmatch('"pg_name"%s*:%s*"([^"]*)".-"ranks"%s*:%s*%[([^%]]*)%]') do
    local ranks = rank_list(list, self.ranks, function(...) source:fail(...) end)
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

local function attribute(source, node, name)
  local value = node[name]
  if not value then
    source:fail("node %s '%s': attribute '%s' is missing", fail.show(node.id), node.name, name)
  end
  return value
end

local function peer_of(self, source, node, name)
  local rank = attribute(source, node, name)
  if rank >= self.ranks then
    source:fail("%s: expected a rank, 0 to %d, got %s", name, self.ranks - 1, fail.show(rank))
  end
  return rank
end

local function group_of(self, source, node)
  local name = node.pg_name or ""
  local ranks = self.own_groups[name] or self.groups[name]
  if ranks then return name, ranks end
  if name == "" or name == "0" then return name, self.everyone end
  local known = util.sorted_keys(self.groups)
  for _, own in ipairs(util.sorted_keys(self.own_groups)) do known[#known + 1] = own end
  return source:fail("node %s: there is no process group '%s'%s", fail.show(node.id), name,
    fail.hint(name, known))
end

-- The collective that a node takes part in; one for all ranks of its group.
local function collective_of(self, source, node)
  local what = collectives.KINDS[attribute(source, node, "comm_type")]
  if not what then
    source:fail("node %s: collective %s is not supported; expected 0 to 9", fail.show(node.id),
      fail.show(node.comm_type))
  end
  local name, ranks = group_of(self, source, node)
  local key = name .. ":" .. table.concat(ranks, ",")
  local count = (self.used[key] or 0) + 1
  self.used[key] = count
  key = key .. "/" .. count
  if what.kind ~= "barrier" and not node.comm_size and not collectives.splits_of(node) then
    attribute(source, node, "comm_size")
  end
  local known = self.collectives[key]
  if not known then
    known = collectives.new(what, ranks, self.where, self.rank)
    known.id = self.graph:collect(known, self.where, node.name)
    self.collectives[key] = known
    self.order[#self.order + 1] = known
  elseif known.kind ~= what.kind then
    source:fail("node %s: rank %d has %s where rank %d has %s (collective %d of group '%s')",
      fail.show(node.id), self.rank, what.kind, known.rank, known.kind, count, name)
  end
  collectives.join(known, self.rank, node, function(...) source:fail(...) end)
  return known
end

local function add_collective(self, source, node)
  local net = self.graph
  local collective = collective_of(self, source, node)
  local id = net:join(self.rank, self.where)
  net:enclose(id, collective.id)
  return id
end

local function duration_ps(self, node)
  return units.scaled(node.duration, PS_PER_US, "duration_micros", self.graph.place, self.where)
end

-- ---- what is not simulated ----

local function say(self, what, format, ...)
  if self.said[what] then return end
  self.said[what] = true
  notice.say("%s: " .. format, self.graph.place(self.where), ...)
end

local function say_what_is_left_out(self, node)
  if node.type >= SEND then
    local priority = node.comm_priority or 0
    self.priority = self.priority or priority
    if priority ~= self.priority then
      say(self, "priority", "comm_priority %.0f, nodes before it have %.0f: classes are not"
        .. " simulated, all messages share one", priority, self.priority)
    end
    for _, one in ipairs(node.involved_dim or {}) do
      if one == 0 then
        say(self, "dimension", "involved_dim: dimensions of a topology are not known here: all"
          .. " ranks of the group take part")
      end
    end
  elseif node.duration == 0 and node.type == COMP and (node.num_ops or 0) ~= 0 then
    say(self, "num_ops", "num_ops without a duration: the computation takes no time")
  elseif node.duration == 0 and node.type < COMP and (node.tensor_size or 0) > 0 then
    say(self, "memory", "a memory access of %s without a duration takes no time",
      units.format_bytes(node.tensor_size))
  end
end

local function add_operation(self, source, node)
  local net, rank = self.graph, self.rank
  -- The host's side of a collective, which launches it, is work of the host.
  if node.is_cpu_op == 1 then
    return net:compute(rank, duration_ps(self, node), self.where, node.name)
  end
  say_what_is_left_out(self, node)
  if node.type == SEND then
    local size = node.comm_size or node.tensor_size or attribute(source, node, "comm_size")
    return net:send(rank, peer_of(self, source, node, "comm_dst"), size, node.comm_tag or 0,
      self.where, node.name)
  elseif node.type == RECEIVE then
    return net:receive(rank, peer_of(self, source, node, "comm_src"), node.comm_tag or 0,
      self.where)
  elseif node.type == COLLECTIVE then
    return add_collective(self, source, node)
  elseif node.type < COMP and node.values then
    read_groups(self, source, node.values)
  end
  return net:compute(rank, duration_ps(self, node), self.where, node.name)
end

-- Places of operations are kept as rank and number within its file (message or line) in one number.
local PLACE_BASE = 2 ^ 32

local function settle_dependencies(self, waiting)
  for _, one in ipairs(waiting) do
    self.graph.called[one.operation] = "node " .. fail.show(one.id)
    for _, id in ipairs(one.dependencies) do
      local earlier = self.ids[id]
      if not earlier then
        fail.at(self.graph.place(self.graph.where[one.operation]),
          "node %s waits for node %s, which is not in the file", fail.show(one.id), fail.show(id))
      end
      self.graph:after(one.operation, earlier)
    end
  end
end

local function format_of(path)
  return path:lower():find("%.json$") and chakra_json or chakra_protobuf
end

local function read_rank(self, path, rank)
  local source = format_of(path).open(path, {
    control = self.with_control, wanted = WANTED, type_max = TYPE_MAX,
  })
  local waiting = {}
  self.rank, self.ids, self.used, self.own_groups = rank, {}, {}, {}
  for node in function() return source:node() end do
    self.where = rank * PLACE_BASE + source.number
    if self.ids[node.id] then source:fail("node %s is there twice", fail.show(node.id)) end
    local operation = add_operation(self, source, node)
    self.ids[node.id] = operation
    if #node.dependencies > 0 then
      waiting[#waiting + 1] = {
        operation = operation, id = node.id, dependencies = node.dependencies,
      }
    end
  end
  settle_dependencies(self, waiting)
  source:close()
end

local function finish_collectives(self)
  for _, one in ipairs(self.order) do
    local place = self.graph.place(one.where)
    if one.missing ~= 0 then
      fail.at(place, "%s: %d of the %d ranks of its process group have no such node", one.kind,
        one.missing, #one.ranks)
    end
    collectives.finish(one, function(format, ...)
      self.where = one.where
      say(self, "sizes", format, ...)
    end)
  end
end

--- Read traces, in JSON where their names end so.
-- @tparam {string,...} paths one per rank, from rank 0
-- @tparam[opt] table options `groups` (lists of ranks by name), `control` (true: control
-- dependencies count too; in traces of PyTorch they are the call stack and may run in circles)
-- @treturn table weft.formats.graph, receives matched with sends
function chakra.read(paths, options)
  local self = {
    ranks = #paths, groups = options and options.groups or {}, everyone = {}, collectives = {},
    order = {}, with_control = options and options.control, said = {},
  }
  for rank = 0, #paths - 1 do self.everyone[rank + 1] = rank end
  self.graph = graph.new(function(where)
    local number = where % PLACE_BASE
    local path = paths[(where - number) / PLACE_BASE + 1]
    return format_of(path).place(path, number)
  end)
  for i, path in ipairs(paths) do read_rank(self, path, i - 1) end
  finish_collectives(self)
  self.graph.ranks = #paths
  return self.graph:finish()
end

-- The files NAME.RANK.et or NAME.RANK.json of a folder: name, count and paths by rank.
local function find_traces(folder, extension)
  local by_rank, base, count = {}, nil, 0
  for name in require("lfs").dir(folder) do
    local stem, rank = name:match("^(.*)%.(%d+)%." .. extension .. "$")
    if stem then
      if base and base ~= stem then
        fail.raise("'%s' holds traces of '%s' and of '%s': name them with 'files'", folder,
          base < stem and base or stem, base < stem and stem or base)
      end
      base, count = stem, count + 1
      by_rank[tonumber(rank)] = folder .. "/" .. name
    end
  end
  return base, count, by_rank
end

--- The traces in a folder, in the order of their ranks: all files NAME.RANK.et, of one NAME; where
-- there are none, all files NAME.RANK.json.
-- @tparam string folder
-- @treturn {string,...}
function chakra.files(folder)
  if require("lfs").attributes(folder, "mode") ~= "directory" then
    fail.raise("cannot read traces from '%s': no such folder", folder)
  end
  local extension = "et"
  local base, count, by_rank = find_traces(folder, extension)
  if count == 0 then
    extension = "json"
    base, count, by_rank = find_traces(folder, extension)
  end
  if count == 0 then fail.raise("'%s' holds no traces NAME.RANK.et or NAME.RANK.json", folder) end
  for rank = 0, count - 1 do
    if not by_rank[rank] then
      fail.raise("'%s' holds %d traces of '%s', but not '%s.%d.%s'", folder, count, base, base,
        rank, extension)
    end
  end
  local files = {}
  for rank = 0, count - 1 do files[rank + 1] = by_rank[rank] end
  return files
end

return chakra
