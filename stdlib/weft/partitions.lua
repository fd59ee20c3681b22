--- Which flows contend, now: the active flows in partitions, two in one if they meet at a directed
-- port or are connected by flows that do; and which partitions contend in the same way, whatever
-- their hosts: those have one pattern. docs/partitions.md says what a pattern holds.
-- @module weft.partitions
-- @usage
-- sim:run { stop_at = "50us" }
-- local partitions = sim:partitions()
-- print(partitions)
-- print(#partitions[1].flows, partitions[1].pattern)

local acceleration = require "weft.acceleration"
local check = require "weft.check"
local engine = require "weft.engine"
local fail = require "weft.fail"
local guard = require "weft.guard"
local report = require "weft.report"
local units = require "weft.units"

local M = {}

local Partitions = {}
Partitions.__index = Partitions

-- Patterns that the text names.
local NAMED = 20

local PHASES = require("weft.core").constants.phase

local rule = {
  acks = { type = "enum", choices = { "none", "data", "all" }, default = "data",
    brief = "Which ACKs make flows contend." },
  rates = { type = "integer", default = 0, min = 0, max = 1000000,
    brief = "Patterns tell rates apart in so many steps of the line rate; 0: not at all." },
}

local function read(sim, index)
  local found = sim.core:partition(index - 1)
  local shared = {}
  for i = 1, found.shared_count do shared[i] = found.ports[i] end
  return {
    flows = found.flows, ports = found.ports, shared = shared, uses = found.uses,
    pattern = found.pattern + 1, key = found.key,
  }
end

-- What a partition does now. What is simulated or skipped as a whole is a partition by all ACKs, so
-- its flows, and those of partitions within it, are in one phase.
local function set_phase(sim, partition)
  partition.phase, partition.since_ps = sim.core:flow_phase(partition.flows[1])
end

--- The partitions of this moment.
-- @tparam Simulation sim
-- @tparam[opt] table options see rule
-- @treturn Partitions
function M.find(sim, options)
  local o = check.options("partitions", options or {}, rule)
  local self = { patterns = 0, flows = 0, now_ps = sim:now_ps(), sim = sim, acks = o.acks,
    accelerated = acceleration.is_on(sim) }
  for i = 1, engine.call(sim.core.partitions_find, sim.core, o.acks, o.rates) do
    self[i] = read(sim, i)
    if self.accelerated then set_phase(sim, self[i]) end
    self.flows = self.flows + #self[i].flows
    self.patterns = math.max(self.patterns, self[i].pattern)
  end
  return setmetatable(self, Partitions)
end

-- The shared port that most flows of a partition take, and how many they are.
local function busiest(partition)
  local count, best = {}, nil
  for _, use in ipairs(partition.uses) do count[use.port] = (count[use.port] or 0) + 1 end
  for _, port in ipairs(partition.shared) do
    if not best or count[port] > count[best] then best = port end
  end
  return best, best and count[best]
end

--- Name of a directed port: "leaf3 -> gpu7".
-- @tparam Simulation sim
-- @tparam number port
-- @treturn string
function M.port_name(sim, port)
  local info = sim.core:port_info(port)
  local nodes = sim.fabric.nodes
  return ("%s -> %s"):format(nodes[info.from + 1].name, nodes[info.to + 1].name)
end

--- A row for each pattern, those of the most flows first.
-- @treturn table list of `{ pattern, partitions, flows, ports, shared, first, meet, meeting }`: how
-- many partitions have it, flows, ports and shared ports of each, the number of the first of them,
-- and of that one the port that most flows share and how many they are; with acceleration also
-- `phases`, how many of the partitions are in which phase
function Partitions:by_pattern()
  local rows = {}
  for i, partition in ipairs(self) do
    local row = rows[partition.pattern]
    if not row then
      local port, meeting = busiest(partition)
      row = {
        pattern = partition.pattern, partitions = 0, flows = #partition.flows,
        ports = #partition.ports, shared = #partition.shared, first = i,
        meet = port and M.port_name(self.sim, port) or nil, meeting = meeting,
        phases = self.accelerated and {} or nil,
      }
      rows[partition.pattern] = row
    end
    row.partitions = row.partitions + 1
    if row.phases then row.phases[partition.phase] = (row.phases[partition.phase] or 0) + 1 end
  end
  table.sort(rows, function(a, b)
    local x, y = a.partitions * a.flows, b.partitions * b.flows
    if x ~= y then return x > y end
    return a.pattern < b.pattern
  end)
  return rows
end

--- Which flow of another partition of the same pattern is the counterpart of which.
-- Valid until partitions are asked for again.
-- @tparam number a number of a partition, from 1
-- @tparam number b of another
-- @treturn table from each flow of `a` to one of `b`; nil if they contend in different ways
function Partitions:match(a, b)
  for i = 1, 2 do
    local index = i == 1 and a
    if i == 2 then index = b end
    if type(index) ~= "number" or not self[index] then
      fail.raise("partitions: match: expected a partition from 1 to %d, got %s", #self,
        fail.show(index))
    end
  end
  check.argument("partitions: match", self.sim, "simulation")
  if self.sim.found_partitions ~= self then
    fail.raise("partitions: match: partitions were asked for again since; use those")
  end
  local flows = self.sim.core:partition_match(a - 1, b - 1)
  if not flows then return nil end
  local map = {}
  for i, flow in ipairs(self[a].flows) do map[flow] = flows[i] end
  return map
end

local function count(n, what)
  return ("%d %s%s"):format(n, what, n == 1 and "" or "s")
end

local function columns_of(self)
  local columns = {
    { "pattern" }, { "partitions" }, { "flows", "flows each" }, { "ports" },
    { "shared", "shared ports" }, { "first", "first" },
    { "where", "most flows meet at (first)" },
  }
  if self.accelerated then table.insert(columns, 3, { "phase" }) end
  return columns
end

-- "3 steady, 1 transient", in the order of the core's phases.
local function phases_text(phases)
  local parts = {}
  for _, phase in ipairs(PHASES) do
    if phases[phase] then parts[#parts + 1] = ("%d %s"):format(phases[phase], phase) end
  end
  return table.concat(parts, ", ")
end

--- Text: how many there are, and a row for each pattern.
function Partitions:__tostring()
  local rows, parts = self:by_pattern(), {}
  local out = report.new("table", {
    write = function(_, ...)
      for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
    end,
  })
  out:line("%s in %s of %s at %s", count(self.flows, "flow"), count(#self, "partition"),
    count(self.patterns, "pattern"), units.format_time(self.now_ps))
  local shown = {}
  for i = 1, math.min(#rows, NAMED) do
    shown[i] = rows[i]
    rows[i].phase = rows[i].phases and phases_text(rows[i].phases)
    rows[i].where = rows[i].meet and ("%s (%d)"):format(rows[i].meet, rows[i].meeting) or "alone"
  end
  if #rows > 0 then out:table(columns_of(self), shown) end
  if #rows > NAMED then out:line("... and %s", count(#rows - NAMED, "pattern")) end
  return (table.concat(parts):gsub("\n$", ""))
end

guard.class("partitions", "list of partitions", Partitions)

return M
