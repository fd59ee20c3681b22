--- A simulation: a fabric, what happens on it, and the results.
-- Wraps a simulation of the core (`sim.core`) with names, units and checks. A mistake is an error
-- at the line of the script that made it.
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
local consistent = require "weft.consistent"
local core = require "weft.core"
local ecn = require "weft.ecn"
local effect = require "weft.effect"
local engine = require "weft.engine"
local engines = require "weft.engines"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local failure_methods = require "weft.failure.methods"
local guard = require "weft.guard"
local incomplete = require "weft.incomplete"
local job = require "weft.job"
local flow_handle = require "weft.flow"
local learned = require "weft.learned"
local notice = require "weft.notice"
local progress = require "weft.progress"
local results = require "weft.results"
local running = require "weft.running"
local stops = require "weft.stops"
local travel = require "weft.travel"
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

-- Fields that are its own business.
Simulation._internal = {
  announced = true, breaks = true, cc = true, changes = true, found_partitions = true,
  given = true, is_touched = true, said_spurious = true, streams = true, total_bytes = true,
  travel = true, watches = true,
}

--- Options of the core as rules for weft.check: the same names, units and ranges. Engines go by
-- the words of weft.engines.
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
  spec.engine.choices = engines.words()
  spec.dynamics = {
    type = "enum", choices = engines.DYNAMICS,
    brief = "What engine fluid moves flows by: max-min shares, or the congestion control's laws.",
  }
  return spec
end

local function rules()
  local spec = M.engine_rules()
  spec.topology = { type = "any", required = true }
  spec.set = { type = "table", default = {} }
  spec.ecn_by_rate = ecn.rule
  for name, rule in pairs(acceleration.rules) do spec[name] = rule end -- order-free: a copy
  for name, rule in pairs(learned.rules) do spec[name] = rule end -- order-free: a copy
  return spec
end

local function call(sim, method, ...) return engine.call(sim[method], sim, ...) end

-- The engine's simulation. What it refuses of an option is told by the option's name.
local function new_core(config)
  local good, sim = pcall(core.new, config)
  if good then return sim end
  local name, message = tostring(sim):match "argument `([%w_]+)`: (.*)$"
  if name then fail.raise("simulation: option '%s': %s", name, message) end
  engine.raise(sim)
end

-- What is added to the delays of links while simulations are built, or nil.
local longer

--- Call a function, and build the simulations in it with longer links than their fabrics have.
-- @tparam function draw gets whether the engine's model counts in ns, returns ps
-- @tparam function f
-- @return what f returns first
function M.with_longer_links(draw, f, ...)
  local before = longer
  longer = draw
  local good, result = pcall(f, ...)
  longer = before
  if not good then error(result, 0) end
  return result
end

local function build_fabric(topology, sim)
  local delays, is_whole = {}, sim:config().compat ~= "none"
  for i, link in ipairs(longer and topology.links or {}) do
    delays[i] = link.delay_ps
    link.delay_ps = link.delay_ps + longer(is_whole)
  end
  local good, err = pcall(topology.build, topology, sim)
  for i, delay_ps in ipairs(delays) do topology.links[i].delay_ps = delay_ps end
  if not good then engine.raise(err, sim) end
end

--- Build a simulation. Every engine option may be given by its name; those in `set` win.
-- @tparam table options `topology` (a fabric), `cc`, `seed`, ..., `set` (more options by name),
-- `engine` (a word: see weft.engines) and `dynamics` (of engine fluid: "max-min" or "cc"),
-- `memo` (sets memoize; a file: transients are read from it now and written to it after runs; a
-- simulation: those that it remembers are copied), `spans` (rows that sim:spans() keeps at most),
-- `ecn_by_rate` (ECN thresholds of ports by their rate; see weft.ecn)
-- @treturn Simulation
function M.new(options)
  if options ~= nil and type(options) ~= "table" then
    fail.raise("simulation: expected a table of options, got %s", fail.show(options))
  elseif fabric.is(options) then
    fail.raise("simulation: expected { topology = fabric }, got a fabric alone")
  end
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
  config.topology, config.set = nil, nil
  given.set = nil
  local thresholds = config.ecn_by_rate
  config.ecn_by_rate = nil
  engines._resolve(config)
  local taken = acceleration.take_options(config, function(value)
    return getmetatable(value) == Simulation
  end)
  local model = learned.take_options(config)
  local script = cc.find(config.cc)
  if script then config.cc = "script" end
  local sim = new_core(config)
  engine.know(sim, topology)
  effect.of_options(given, sim:config(), script and given.cc or sim:config().cc)
  consistent.check(given, sim:config(), topology)
  local has_cc = core.engine_can(sim:config().engine, "cc")
  if script and has_cc then sim:set_script(script) end
  build_fabric(topology, sim)
  call(sim, "fabric_ready")
  if thresholds and has_cc then ecn.apply(sim, topology, thresholds) end
  local self = setmetatable({
    core = sim, fabric = topology, jobs = {}, watches = {}, streams = {}, total_bytes = 0,
    given = given, changes = {}, announced = {}, stalls = {},
  }, Simulation)
  acceleration.begin(self, taken)
  learned.begin(self, model)
  return self
end

--- A copy that continues on its own: what if, from here on?
-- @treturn Simulation
function Simulation:fork()
  local copy = setmetatable({
    core = call(self.core, "fork"), fabric = self.fabric, jobs = {}, watches = {},
    streams = {}, total_bytes = self.total_bytes, outcome = self.outcome, given = self.given,
    changes = {}, announced = {}, stalls = {}, cc = self.cc,
  }, Simulation)
  engine.know(copy.core, self.fabric)
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
  weight = { type = "number", min = 1e-6, max = 1e6 },
  rate = { type = "rate", min = 1 },
  path = { type = "table" },
  connections = base.connections_rule,
}

-- The ports from node to node of a path, which may name each by name or number.
local function path_ports(self, path)
  local ports = {}
  if #path < 2 then
    fail.raise("add_flow: option 'path': expected the nodes from src to dst, got %s",
      #path == 0 and "none" or fail.show(path[1]) .. " alone")
  end
  for i = 1, #path - 1 do
    local link = self.fabric:link(path[i], path[i + 1])
    ports[i] = 2 * link.id + (link.a == self.fabric:node(path[i]).id and 0 or 1)
  end
  return ports
end

-- Add a flow given in the core's units. An unreachable destination is named by its name.
local function add_flow(self, flow)
  local good, id = pcall(self.core.flow_add, self.core, flow)
  if not good then
    if tostring(id):find("WEFT_ENOROUTE", 1, true) then
      base.unreachable(self.fabric, flow.src, flow.dst)
    end
    id = call(self.core, "flow_add", flow)
  end
  self.total_bytes = self.total_bytes + flow.size_bytes
  self.is_touched = true
  return id
end

--- Add a flow.
-- @tparam table options `src`, `dst` (hosts by name or number), `size`, `start` (default: now),
-- `tag` (any number below 2^31, for you to find it again), `connections` (1): so many flows share
-- its bytes; with engine = "fluid" also `weight` (its
-- share is as large as that of so many flows), `rate` (it is never faster), `path` (list of nodes
-- from src to dst by name or number, whatever routing says; of parallel links the first)
-- @treturn number its number, counted from 0: sim:flows():at(number) is its row; of several
-- connections that of the first, and the others follow
function Simulation:add_flow(options)
  local flow = check.options("add_flow", options, flow_rule)
  local src, dst = self.fabric:host(flow.src), self.fabric:host(flow.dst)
  base.start_of("add_flow", flow.start, self:now_ps())
  if src == dst then base.same_host("add_flow", src) end
  local path = flow.path and path_ports(self, flow.path)
  local first
  for _, size in ipairs(base.split("add_flow", flow.size, flow.connections)) do
    local number = add_flow(self, {
      src = src.id,
      dst = dst.id,
      size_bytes = size,
      start_ps = flow.start or self:now_ps(),
      tag = flow.tag,
      weight = flow.weight,
      rate_bps = flow.rate,
      path = path,
    })
    first = first or number
  end
  return first
end

--- Add a job: a workload of weft.workload.
-- @tparam Workload work
-- @treturn Job with `job:summary()`, `job:result()`, `job:slowest(n)`, `job.tag`
function Simulation:add_job(work)
  self.is_touched = true
  return workload.add_to(self, work, { add_flow = add_flow, call = call })
end

failure_methods.install(Simulation, call)
acceleration.install(Simulation, call)
travel.install(Simulation)
stops.install(Simulation)

--- Number of the directed port of a node towards its neighbour.
-- @param from node
-- @param to node
-- @treturn number
function Simulation:port(from, to)
  local link = self.fabric:link(from, to)
  return 2 * link.id + (link.a == self.fabric:node(from).id and 0 or 1)
end

local run_rule = {
  stop_at = { type = "time", min = 0,
    brief = "Since the beginning, or \"+20us\" from now; or a job; or a function of the present." },
  events = { type = "integer", min = 1 },
  progress = { type = "boolean",
    brief = "On standard error; by default of long runs, if that is a terminal." },
  watchdog = { type = "time", min = 1 },
  on_stall = { type = "function" },
}

-- What a run in progress has to tell at its end.
local function say_stuck(self)
  local text = unfinished.describe(self)
  if text then io.stderr:write("weft: ", fail.printable(text), "\n") end
end

-- Time-outs by the clock that came too soon cost a network that loses nothing, and little else
-- shows. (Adaptive ones need a loss; if it was of ACKs alone, data goes twice as well.)
local function say_spurious(self)
  local totals, rto = self:stats(), self.core:config().rto
  if totals.timeouts == 0 or totals.retransmits_spurious == 0 or rto == "adaptive" then return end
  if self.said_spurious then return end
  self.said_spurious = true
  notice.each("spurious time-outs",
    "time-outs sent packets again that had not been lost: %d of %s that were sent again (rto = %s)",
    totals.retransmits_spurious, util.counted(totals.retransmits, "packet"),
    type(rto) == "number" and units.format_time(rto) or rto)
end

local function start_progress(self, limits)
  local wanted = limits.progress
  -- Each look cuts a run, which acceleration would count as an interruption.
  if wanted == false or wanted == nil and acceleration.is_on(self) then return nil end
  return progress.start({
    until_ps = limits.stop_at, total_bytes = self.total_bytes, on_terminal_only = wanted == nil,
  }, self.core:stats())
end

-- Run between the beginning and the end that travel sees. Ctrl-C between two slices, while no
-- engine runs, stops Lua with an error.
local function run_whole(self, limits, parts)
  travel.begin(self)
  local good, outcome, stop = pcall(running.run, self, limits, parts)
  if parts.reporter then parts.reporter:finish() end
  travel.finish(self)
  local stopped = not good and core._is_interruption(outcome)
  if stopped then core._note_interrupted(self.core) end
  if good and stop then outcome = stop.hit and "break" or "until" end
  if good or stopped then self.outcome = stopped and "interrupted" or outcome end
  return good, outcome, stop and stop.hit and stop:hit(self) or nil
end

local function after_run(self, outcome, limits, parts)
  acceleration.keep(self)
  say_spurious(self)
  if outcome ~= "interrupted" then effect.of_run(self, outcome == "done") end
  learned.looked(self)
  local watched = parts.dog and not limits.on_stall and outcome == "done"
  local totals = self:stats()
  local short = totals.flows_failed > 0
    or outcome == "done" and totals.flows_done < totals.flows_added
  if watched or limits.progress and short then say_stuck(self) end
end

--- Run until nothing is left to happen, or until a limit or a breakpoint (sim:break_at).
-- @tparam table options `stop_at` (simulated time since its beginning; "+20us": from now; a job:
-- until it is complete; a function: until it is true of the simulation, which it gets after each
-- event), `events` (how many more), `progress` (on standard error; default: of long runs, at a
-- terminal), `watchdog` (simulated time: a flow to which nothing is delivered for so long is named
-- on standard error, and kept in sim.stalls), `on_stall` (function that gets the list of such
-- flows, instead of standard error)
-- @treturn string "done", "until" (what it was to stop at was reached), "budget" (the events were
-- spent), "break" or "interrupted" (Ctrl-C; the results so far are valid and the run can go on)
-- @treturn ?table of a break: `at_ps`, `what`, `breakpoint`; prints as a line
function Simulation:run(options)
  local given, stop_at = stops.take(self, options)
  local limits = check.options("run", given, run_rule)
  if limits.on_stall and not limits.watchdog then
    fail.raise("run: option 'on_stall' needs 'watchdog'")
  end
  if limits.stop_at and limits.stop_at < self:now_ps() then
    fail.raise("run: option 'stop_at': expected a time from now on, %s, got %s",
      units.format_time(self:now_ps()), units.format_time(limits.stop_at))
  end
  if self.outcome ~= "interrupted" then core._go_on(self.core) end
  local parts = {
    stops = stops.of(self, stop_at),
    reporter = start_progress(self, limits),
    dog = limits.watchdog and watchdog.new(self, limits.watchdog, limits.on_stall),
    is_kept = travel.wants_slices(self),
  }
  self.outcome = nil
  local good, outcome, hit = run_whole(self, limits, parts)
  if good then
    after_run(self, outcome, limits, parts)
    incomplete.note(self, limits.on_stall and #self.stalls > 0) -- which looks at who has called
    if hit then return outcome, hit end
    return outcome
  end
  if self.outcome == "interrupted" then return self.outcome end
  error(outcome, 0)
end

local step_rule = { type = "integer", min = 1, max = 2 ^ 53 }

--- Run for some events.
-- @tparam[opt] number n how many; default: one
-- @treturn string as sim:run: "budget" unless there is something else
-- @treturn ?table as sim:run
function Simulation:step(n)
  return self:run { events = check.value("step", n or 1, step_rule), progress = false }
end

-- How the last run ended, for people.
local OUTCOMES = {
  none = "not run yet", done = "run to its end", ["until"] = "run to a time",
  budget = "run for some events", interrupted = "interrupted",
  ["break"] = "stopped by a breakpoint",
}

local function cc_name(self)
  local given = self.cc or self.given.cc
  return type(given) == "string" and given or self.core:config().cc
end

--- Run, and draw as it goes what queues, ports or flows do: a line of blocks for each; see
-- weft.watch.
-- @tparam table options `queues`, `ports` (numbers, or "from-to"), `flows` (numbers), `every` (time
-- of a column at first; it doubles when a line is full), `stop_at` (a time, "+20us" from now)
-- @treturn string as sim:run
-- @treturn ?table as sim:run
-- @usage sim:watch { queues = { "switch0-h1" }, flows = { 0 }, stop_at = "+1ms" }
function Simulation:watch(options) return require("weft.watch").run(self, options) end

--- Another congestion control from now on. Flows under way begin anew with it, as at their start;
-- its parameters are those that the simulation was built with. Not with `compat`, `fast_forward` or
-- `memoize`.
-- @tparam string name as the option `cc`
-- @usage sim:back "20us"; sim:set_cc "hpcc"; sim:run()
function Simulation:set_cc(name)
  local config = self.core:config()
  check.value("set_cc", name, { type = "enum", choices = cc.names() })
  if not core.engine_can(config.engine, "packets") then
    fail.raise("set_cc: engine '%s' has no packets; expected engine = 'packet'", config.engine)
  elseif config.compat ~= "none" then
    fail.raise("set_cc: the congestion control cannot change with compat = '%s'", config.compat)
  elseif acceleration.is_on(self) then
    fail.raise("set_cc: the congestion control cannot change with fast_forward or memoize")
  end
  local script = cc.find(name)
  if script then call(self.core, "set_script", script) end
  call(self.core, "set_cc", script and "script" or name)
  self.cc, self.is_touched = name, true
end

function Simulation:__tostring()
  if not core._is_open(self.core) then return "closed simulation" end
  local totals, config = self.core:stats(), self.core:config()
  local text = ("simulation of %s; %s, %s, now %s"):format(self.fabric:describe(),
    util.counted(#self.jobs, "job"), util.counted(#self:flows(), "flow"),
    units.format_time(totals.now_ps))
  return ("%s\n  engine %s%s; %.0f flows done, %.0f failed; %s"):format(text, config.engine,
    core.engine_can(config.engine, "cc") and ", cc " .. cc_name(self) or "", totals.flows_done,
    totals.flows_failed, OUTCOMES[self.outcome or "none"])
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
function Simulation:stats()
  incomplete.looked(self.core)
  return self.core:stats()
end

--- The table of flows.
-- @treturn Table see weft.results
function Simulation:flows() return results.table(self.core, "flows", self.fabric) end

--- One flow by its number: its columns are fields, as they are whenever they are asked for. An
-- error once its row is another flow's, as with `keep_flows = false`.
-- @tparam number number from 0, as sim:add_flow gives it
-- @treturn table see weft.flow
function Simulation:flow(number) return flow_handle.new(self, number) end

--- What the run was like, on one page.
-- @treturn table prints as text; `outcome`, `stats`, `threads`, `acceleration` (nil when it is
-- off); see weft.run_report
function Simulation:report()
  incomplete.looked(self.core)
  return require("weft.run_report").new(self)
end

--- What a model was told of each flow, with engine learned and option examples.
-- @treturn table see weft.learned
function Simulation:examples() return learned.examples(self) end

--- How many threads have worked at once so far, and why not as many as the option says.
-- @treturn table `{ asked, used, why, text }`; `why` is "enough" if there is nothing to say
function Simulation:threads() return effect.threads(self) end

--- Flows that are not complete, and why; see weft.unfinished.
-- @tparam[opt] number tag only flows with this tag
-- @treturn table list of `{ flow, src_name, dst_name, size_bytes, delivered_bytes, state, stuck,
-- why }`
function Simulation:unfinished(tag)
  incomplete.looked(self.core)
  return unfinished.rows(self, tag)
end

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
-- @treturn Table see weft.results
function Simulation:ports() return results.table(self.core, "ports", self.fabric) end

--- The table of tasks.
-- @treturn Table see weft.results
function Simulation:tasks() return results.table(self.core, "tasks", self.fabric) end

local trace_rule = { type = "integer", min = 0, max = 2 ^ 32 - 1 }

--- Keep every ACK that a sender processes from now on.
-- @tparam[opt] number capacity rows at most; default: a million
function Simulation:trace_acks(capacity)
  local rows = check.value("trace_acks: capacity", capacity or 1000000, trace_rule)
  call(self.core, "trace_acks", rows)
  self.is_touched = true
end

--- The table of ACKs; empty without sim:trace_acks before the run.
-- @treturn Table see weft.results
function Simulation:acks() return results.table(self.core, "acks", self.fabric) end

local sample_rule = {
  period = { type = "time", required = true, min = 1 },
  capacity = { type = "integer", default = 1024, min = 16, max = 2 ^ 24 },
  ports = { type = "list", default = {} },
  queues = { type = "list", default = {} },
  flows = { type = "list", default = {} },
}

local metric_rule = { type = "enum", choices = core.constants.metric }

local object_rule = { type = "integer", min = 0, max = 2 ^ 32 - 1 }

-- Refuse a number of an object that is not there: of a flow, perhaps not yet.
local function need_objects(option, objects, kind, count)
  for i, object in ipairs(objects) do
    local what = ("sample: option '%s', number %d"):format(option, i)
    check.value(what, object, object_rule)
    if object >= count and count == 0 then
      fail.raise("%s: got %s, and the simulation has no %ss yet", what, fail.show(object), kind)
    elseif object >= count then
      fail.raise("%s: expected a %s, 0 to %d, got %s", what, kind, count - 1, fail.show(object))
    end
  end
end

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
  local ports, engine_name = 2 * #self.fabric.links, self.core:config().engine
  if #wanted.queues > 0 and not core.engine_can(engine_name, "queues") then
    fail.raise("sample: option 'queues': engine '%s' has no queues; expected engine = 'packet'",
      engine_name)
  end
  need_objects("ports", wanted.ports, "port", ports)
  need_objects("queues", wanted.queues, "port", ports)
  need_objects("flows", wanted.flows, "flow", #wanted.flows > 0 and #self:flows() or 0)
  self.is_touched = true
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
  check.value("series: metric", metric, metric_rule)
  check.value("series: object", object, object_rule)
  local id = self.watches[metric] and self.watches[metric][object]
  if not id then
    fail.raise("series: %s of %s is not sampled; name it in sim:sample before the run", metric,
      fail.show(object))
  end
  return call(self.core, "series", id)
end

local function is_simulation(value) return getmetatable(value) == Simulation end

guard.class("sim", "simulation", Simulation, function(value)
  if not is_simulation(value) then return false end
  if core._is_open(value.core) then return true end
  return false, "a closed one"
end)

--- Free what the engine keeps of the simulation, now instead of when it is collected. Only closing
-- it again may follow.
function Simulation:close()
  travel.close(self)
  self.core:close()
end

Simulation.close = guard.method("sim:close", "simulation", is_simulation, Simulation.close)

return M
