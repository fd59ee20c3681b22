--- A simulation: a fabric, what happens on it, and the results.
-- Wraps an engine simulation (`sim.core`) with names, units and checks. A mistake is an error at
-- the line of the script that made it.
-- @module weft.simulation
-- @usage
-- local sim = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "dctcp" }
-- sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
-- sim:run()
-- print(sim:flows():row(1).fct_ps)

local acceleration = require "weft.acceleration"
local base = require "weft.workload.base"
local cc = require "weft.cc"
local check = require "weft.check"
local core = require "weft.core"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local failure_methods = require "weft.failure.methods"
local job = require "weft.job"
local notice = require "weft.notice"
local progress = require "weft.progress"
local results = require "weft.results"
local stream = require "weft.workload.stream"
local unfinished = require "weft.unfinished"
local units = require "weft.units"
local util = require "weft.util"
local watchdog = require "weft.watchdog"
local workload = require "weft.workload"

local M = {}

local Simulation = {}
Simulation.__index = Simulation

--- What can be asked of a simulation, for help.
M.methods = Simulation

-- Events between looks at the clock: some 50 ms.
local SLICE = 500000

--- Options of the engine as rules for weft.check: the same names, units and ranges.
-- @treturn table
function M.engine_rules()
  local types = { time = "time", rate = "rate", bytes = "bytes", enum = "enum", bool = "boolean",
    none = "number" }
  local spec = {}
  for _, option in ipairs(core.options()) do
    local ranged = option.unit ~= "enum" and option.unit ~= "bool"
    spec[option.name] = {
      type = types[option.unit], choices = option.choices, brief = option.brief,
      min = ranged and option.min or nil, max = ranged and option.max or nil,
    }
  end
  spec.cc.choices = cc.names()
  return spec
end

local function rules()
  local spec = M.engine_rules()
  spec.topology = { type = "any", required = true }
  spec.engine = { type = "enum", choices = { "packet" }, default = "packet" }
  spec.set = { type = "table", default = {} }
  for name, rule in pairs(acceleration.rules) do spec[name] = rule end -- order-free: a copy
  return spec
end

-- Call a function of the engine. What it refuses is a mistake of the script; what breaks in it is
-- not.
local function call_function(f, ...)
  local good, result = pcall(f, ...)
  if good then return result end
  -- An error of a callback comes as it was raised.
  if type(result) ~= "string" or result:find("\nstack traceback:", 1, true) then
    error(result, 0)
  end
  local status, message = tostring(result):match("WEFT_(%u+): (.*)$")
  if not status or status == "EINTERNAL" or status == "ENOMEM" then error(result, 0) end
  fail.raise("%s", message)
end

local function call(sim, method, ...) return call_function(sim[method], sim, ...) end

--- Build a simulation. Every engine option may be given by its name; those in `set` win.
-- @tparam table options `topology` (a fabric), `cc`, `seed`, ..., `set` (more options by name),
-- `memo` (sets memoize; a file: transients are read from it now and written to it after runs; a
-- simulation: those that it remembers are copied), `spans` (rows that sim:spans() keeps at most)
-- @treturn Simulation
function M.new(options)
  local spec = rules()
  local given = {}
  for key, value in pairs(type(options) == "table" and options or {}) do -- order-free: a copy
    given[key] = value
  end
  for key, value in pairs(type(given.set) == "table" and given.set or {}) do -- order-free: a copy
    given[key] = value
  end
  local config = check.options("simulation", given, spec)
  local topology = config.topology
  if not fabric.is(topology) then
    fail.raise("simulation: option 'topology': expected a fabric, got %s", fail.show(topology))
  end
  config.topology, config.engine, config.set = nil, nil, nil
  given.set = nil
  local taken = acceleration.take_options(config, function(value)
    return getmetatable(value) == Simulation
  end)
  local script = cc.find(config.cc)
  if script then config.cc = "script" end
  local sim = call_function(core.new, config)
  if script then sim:set_script(script) end
  call_function(topology.build, topology, sim)
  call(sim, "fabric_ready")
  local self = setmetatable({
    core = sim, fabric = topology, jobs = {}, watches = {}, streams = {}, total_bytes = 0,
    given = given, changes = {}, announced = {}, stalls = {},
  }, Simulation)
  acceleration.begin(self, taken)
  return self
end

--- A copy that continues on its own: what if, from here on?
-- @treturn Simulation
function Simulation:fork()
  local copy = setmetatable({
    core = call(self.core, "fork"), fabric = self.fabric, jobs = {}, watches = {},
    streams = {}, total_bytes = self.total_bytes, outcome = self.outcome, given = self.given,
    changes = {}, announced = {}, stalls = {},
  }, Simulation)
  for _, list in ipairs { "changes", "announced", "stalls" } do
    for i, one in ipairs(self[list]) do copy[list][i] = one end
  end
  for i, one in ipairs(self.jobs) do copy.jobs[i] = one:copy_to(copy) end
  for metric, objects in pairs(self.watches) do -- order-free: a copy
    copy.watches[metric] = {}
    for object, watch in pairs(objects) do copy.watches[metric][object] = watch end -- order-free
  end
  return copy
end

--- A new simulation as this one was built, at its beginning: its fabric, options and failures, and
-- no work.
-- @treturn Simulation
function Simulation:fresh()
  local copy = M.new(self.given)
  for i, change in ipairs(self.changes) do
    call(copy.core, change[1], change[2])
    copy.changes[i] = change
  end
  for i, row in ipairs(self.announced) do copy.announced[i] = row end
  return copy
end

local flow_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = { type = "time", min = 0 },
  tag = { type = "integer", default = 0, min = 0, max = job.FIRST_TAG - 1 },
}

-- Add a flow given in the engine's units. An unreachable destination is named by its name.
local function add_flow(self, flow)
  local good, id = pcall(self.core.flow_add, self.core, flow)
  if not good then
    if tostring(id):find("WEFT_ENOROUTE", 1, true) then
      base.unreachable(self.fabric, flow.src, flow.dst)
    end
    call(self.core, "flow_add", flow)
  end
  self.total_bytes = self.total_bytes + flow.size_bytes
  return id
end

--- Add a flow.
-- @tparam table options `src`, `dst` (hosts by name or number), `size`, `start` (default: now),
-- `tag` (any number below 2^31, for you to find it again)
-- @treturn number its number, counted from 0; its row in sim:flows() is one more
function Simulation:add_flow(options)
  local flow = check.options("add_flow", options, flow_rule)
  local src, dst = self.fabric:host(flow.src), self.fabric:host(flow.dst)
  if src == dst then base.same_host("add_flow", src) end
  return add_flow(self, {
    src = src.id,
    dst = dst.id,
    size_bytes = flow.size,
    start_ps = flow.start or self:now_ps(),
    tag = flow.tag,
  })
end

--- Add a job: a workload of weft.workload.
-- @tparam Workload work
-- @treturn Job with `job:summary()`, `job:result()`, `job:slowest(n)`, `job.tag`
function Simulation:add_job(work)
  return workload.add_to(self, work, { add_flow = add_flow, call = call })
end

failure_methods.install(Simulation, call)
acceleration.install(Simulation, call)

--- Number of the directed port of a node towards its neighbour.
-- @param from node
-- @param to node
-- @treturn number
function Simulation:port(from, to)
  local link = self.fabric:link(from, to)
  return 2 * link.id + (link.a == self.fabric:node(from).id and 0 or 1)
end

local run_rule = {
  stop_at = { type = "time", min = 0 },
  events = { type = "integer", min = 1 },
  progress = { type = "boolean", default = false },
  watchdog = { type = "time", min = 1 },
  on_stall = { type = "function" },
}

-- Without a reporter and a watchdog the engine runs in one go, or from one chunk of streamed flows
-- to the next.
local function run_slices(self, limits, reporter, dog)
  local sim, left, never = self.core, limits.events, math.huge
  while true do
    local horizon, stop_at = stream.horizon_ps(self), limits.stop_at or never
    local target = math.min(stop_at, horizon or never, dog and dog:next_look() or never)
    local slice = reporter and math.min(left or SLICE, SLICE) or left or 0
    local before = left and sim:stats().events
    local outcome = call(sim, "run", target < never and target or -1, slice)
    -- Several threads stop at the end of a window, which may be some events later.
    if left then left = math.max(0, left - (sim:stats().events - before)) end
    if dog then dog:look(outcome == "done" and #self.streams == 0) end
    local to_horizon = horizon and horizon < stop_at
    if to_horizon and (outcome == "done" or outcome == "until" and target == horizon) then
      stream.pull(self)
    elseif outcome ~= "budget" and (outcome ~= "until" or target == stop_at) then
      return outcome
    end
    if left == 0 then return "budget" end
    if reporter then
      -- How much is left is known only when all has been read.
      reporter.total_bytes = #self.streams == 0 and self.total_bytes or 0
      reporter:report(sim:stats())
    end
  end
end

-- What a run in progress has to tell at its end.
local function say_stuck(self)
  local text = unfinished.describe(self:unfinished())
  if text then io.stderr:write("weft: ", text, "\n") end
end

-- Time-outs by the clock that came too soon cost a network that loses nothing, and little else
-- shows. (Adaptive ones need a loss; if it was of ACKs alone, data goes twice as well.)
local function say_spurious(self)
  local totals, rto = self:stats(), self.core:config().rto
  if totals.timeouts == 0 or totals.retransmits_spurious == 0 or rto == "adaptive" then return end
  notice.once("spurious retransmissions",
    "time-outs sent packets again that had not been lost: %d of %s that were sent again (rto = %s)",
    totals.retransmits_spurious, util.counted(totals.retransmits, "packet"),
    type(rto) == "number" and units.format_time(rto) or rto)
end

--- Run until nothing is left to happen, or until a limit.
-- @tparam[opt] table options `stop_at` (simulated time), `events` (how many more), `progress` (on
-- standard error), `watchdog` (simulated time: a flow to which nothing is delivered for so long is
-- named on standard error, and kept in sim.stalls), `on_stall` (function that gets the list of such
-- flows, instead of standard error)
-- @treturn string "done", "until" (the time was reached), "budget" (the events were spent) or
-- "interrupted" (Ctrl-C; the results so far are valid and the run can go on)
function Simulation:run(options)
  local limits = check.options("run", options or {}, run_rule)
  if limits.on_stall and not limits.watchdog then
    fail.raise("run: option 'on_stall' needs 'watchdog'")
  end
  local reporter = limits.progress and progress.start({
    until_ps = limits.stop_at, total_bytes = self.total_bytes,
  }, self.core:stats())
  local dog = limits.watchdog
    and watchdog.new(self, limits.watchdog, limits.on_stall)
  self.outcome = nil
  local good, outcome = pcall(run_slices, self, limits, reporter, dog)
  if reporter then reporter:finish() end
  if good then
    self.outcome = outcome
    acceleration.keep(self)
    say_spurious(self)
    local watched = dog and not limits.on_stall and outcome == "done"
    local totals = self:stats()
    local short = totals.flows_failed > 0
      or outcome == "done" and totals.flows_done < totals.flows_added
    if watched or reporter and short then say_stuck(self) end
    return outcome
  end
  -- Ctrl-C between two slices, while no engine runs, stops Lua with this error.
  if tostring(outcome):find("interrupted$") then return "interrupted" end
  error(outcome, 0)
end

function Simulation:__tostring()
  return ("simulation of %s; %s, %s, now %s"):format(self.fabric:describe(),
    util.counted(#self.jobs, "job"), util.counted(#self:flows(), "flow"),
    units.format_time(self:now_ps()))
end

--- The present, in picoseconds.
function Simulation:now_ps()
  return self.core:stats().now_ps
end

--- The present, in seconds.
function Simulation:now()
  return self:now_ps() / 1e12
end

--- Totals: time, events, packets, marks, pauses, drops, fingerprint.
function Simulation:stats() return self.core:stats() end

--- The table of flows.
function Simulation:flows() return results.table(self.core, "flows", self.fabric) end

--- Flows that are not complete, and why; see weft.unfinished.
-- @tparam[opt] number tag only flows with this tag
-- @treturn table list of `{ flow, src_name, dst_name, size_bytes, delivered_bytes, state, stuck,
-- why }`
function Simulation:unfinished(tag) return unfinished.rows(self, tag) end

--- What each job lost to the others, and on which links; see weft.job_report.
-- @tparam[opt] table options `alone` (run every job alone, to compare; true), `prepare` (function
-- that gets each of these simulations before its run, for what the script did to this one through
-- sim.core), `progress` (of these runs, on standard error)
-- @treturn JobReport prints as text; `jobs` (list with `time_ps`, `alone_ps`, `lost_ps`,
-- `slowdown`, `mean_fct_ps`, `alone_mean_fct_ps`, `links`), `unowned_bytes`
function Simulation:job_report(options) return require("weft.job_report").new(self, options) end

--- Which flows contend now, and which groups of flows contend in the same way: see
-- weft.partitions.
-- @tparam[opt] table options `acks` ("none": flows contend where data meets data; "data", the
-- default: also where ACKs meet data; "all": also where ACKs meet), `rates` (patterns tell present
-- rates apart in so many steps of the line rate; 0, the default: not at all)
-- @treturn Partitions list of `{ flows, ports, shared, uses, pattern, key }`, prints as text
function Simulation:partitions(options)
  self.found_partitions = require("weft.partitions").find(self, options)
  return self.found_partitions
end

--- The table of directed ports.
function Simulation:ports() return results.table(self.core, "ports", self.fabric) end

--- The table of tasks.
function Simulation:tasks() return results.table(self.core, "tasks", self.fabric) end

--- Keep every ACK that a sender processes from now on.
-- @tparam[opt] number capacity rows at most; default: a million
function Simulation:trace_acks(capacity) call(self.core, "trace_acks", capacity or 1000000) end

--- The table of ACKs; empty without sim:trace_acks before the run.
function Simulation:acks() return results.table(self.core, "acks", self.fabric) end

local sample_rule = {
  period = { type = "time", required = true, min = 1 },
  capacity = { type = "integer", default = 1024, min = 16, max = 2 ^ 24 },
  ports = { type = "table", default = {} },
  queues = { type = "table", default = {} },
  flows = { type = "table", default = {} },
}

local function watch(self, metric, objects)
  local known = self.watches[metric] or {}
  self.watches[metric] = known
  for _, object in ipairs(objects) do
    known[object] = known[object] or call(self.core, "watch", metric, object)
  end
end

--- Sample from now on, in bounded memory: when `capacity` periods are full, the period doubles.
-- @tparam table options `period`, `capacity` (default 1024), `ports` (numbers of ports whose bytes
-- are counted), `queues` (numbers of ports whose queue is read), `flows` (numbers of flows)
function Simulation:sample(options)
  local wanted = check.options("sample", options, sample_rule)
  call(self.core, "sample", wanted.period, wanted.capacity)
  watch(self, "port_bytes", wanted.ports)
  watch(self, "port_queue", wanted.queues)
  watch(self, "flow_bytes", wanted.flows)
end

--- What was sampled of one object.
-- @tparam string metric port_bytes, port_queue or flow_bytes
-- @tparam number object number of the port or flow
-- @treturn table `start_ps`, `period_ps`, `count`, `value` (list); value i belongs to the period
-- that ends at `start_ps + i * period_ps`
function Simulation:series(metric, object)
  local id = self.watches[metric] and self.watches[metric][object]
  if not id then
    fail.raise("series: %s of %s is not sampled; name it in sim:sample before the run",
      tostring(metric), fail.show(object))
  end
  return call(self.core, "series", id)
end

return M
