--- What stops a run: `stop_at` of sim:run, and breakpoints, which stop it in the very instant.
-- @module weft.stops
-- @usage
-- sim:break_at { port = sim:port("switch0", "h1"), event = "mark" }
-- print(sim:run())  -- break, and where

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local fabric = require "weft.fabric"
local kinds = require "weft.failure.kinds"
local job = require "weft.job"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- ---- what is counted ----

-- Of an event: its total, its columns by flow and by port, what the engine must have for it.
local EVENTS = {
  mark = { total = "ecn_marks", flow = "ecn_marks", port = "ecn_marks", needs = "packets" },
  pause = { total = "pfc_pauses", port = "pauses", needs = "queues" },
  drop = { total = "packets_dropped", port = "drops", needs = "packets" },
  retransmit = { total = "retransmits", flow = "retransmits", needs = "packets" },
  done = { total = "flows_done", flow = "fct_ps" },
}

local function value_at(sim, name, column, object)
  return sim.core:column(name, column, object, 1)[1]
end

-- How often it has happened so far.
local function count(self, sim)
  local event = EVENTS[self.event]
  if self.port then return value_at(sim, "ports", event.port, self.port) end
  if not self.flow then return sim.core:stats()[event.total] end
  if self.flow >= sim.core:stats().flows_added then return 0 end -- not added yet
  local value = value_at(sim, "flows", event.flow, self.flow)
  return self.event == "done" and (value >= 0 and 1 or 0) or value
end

-- ---- names ----

function M.port_name(sim, port)
  local link, nodes = sim.fabric.links[math.floor(port / 2) + 1], sim.fabric.nodes
  local a, b = nodes[link.a + 1].name, nodes[link.b + 1].name
  if port % 2 == 1 then a, b = b, a end
  return a .. " to " .. b
end

function M.flow_name(sim, flow)
  if flow >= sim.core:stats().flows_added then return ("flow %d"):format(flow) end
  local nodes = sim.fabric.nodes
  return ("flow %d (%s to %s)"):format(flow, nodes[value_at(sim, "flows", "src", flow) + 1].name,
    nodes[value_at(sim, "flows", "dst", flow) + 1].name)
end

local SAID_OF_PORT = {
  mark = "marked a packet", pause = "was paused", drop = "lost a packet",
}
local SAID_OF_FLOW = {
  mark = "heard of a mark", retransmit = "sent a packet again", done = "is done",
}

-- Which objects it has happened to in this instant: those whose column has changed.
local function describe(self, sim)
  local event = EVENTS[self.event]
  if self.port then return M.port_name(sim, self.port) .. " " .. SAID_OF_PORT[self.event] end
  if self.flow then return M.flow_name(sim, self.flow) .. " " .. SAID_OF_FLOW[self.event] end
  local name = event.port and "ports" or "flows"
  local now, names = sim.core:column(name, event.port or event.flow), {}
  for i, value in ipairs(now) do
    if value ~= (self.columns[i] or event.flow and -1 or 0) then
      names[#names + 1] = event.port and M.port_name(sim, i - 1) or M.flow_name(sim, i - 1)
    end
  end
  if #names == 0 then return self.event end
  local said = (event.port and SAID_OF_PORT or SAID_OF_FLOW)[self.event]
  return ("%s%s %s"):format(names[1], #names > 1 and (" and %d more"):format(#names - 1) or "",
    said)
end

-- ---- breakpoints ----

local Breakpoint = {}
Breakpoint.__index = Breakpoint

function Breakpoint:__tostring()
  local of = self.port and " of " .. M.port_name(self.sim, self.port)
    or self.flow and " of " .. M.flow_name(self.sim, self.flow) or ""
  local times = {}
  for i, hit in ipairs(self.hits) do times[i] = units.format_time(hit.at_ps) end
  return ("breakpoint %d: %s%s%s%s"):format(self.number, self.event, of,
    #times > 0 and "; stopped at " .. table.concat(times, ", ", math.max(1, #times - 4)) or "",
    self.is_removed and "; removed" or "")
end

--- Whether it has happened since the run began.
-- @local
function Breakpoint:is_due(sim) return count(self, sim) > self.before end

--- A run begins.
-- @local
function Breakpoint:arm(sim) self.before = count(self, sim) end

--- What there is before the instant in which a run will stop.
-- @local
function Breakpoint:note(sim)
  if self.port or self.flow then return end
  local event = EVENTS[self.event]
  self.columns = sim.core:column(event.port and "ports" or "flows", event.port or event.flow)
end

local Hit = {}

function Hit:__tostring()
  return ("at %s: %s (breakpoint %d)"):format(units.format_time(self.at_ps), self.what,
    self.breakpoint.number)
end

--- A run has stopped for it.
-- @local
-- @treturn Hit prints as a line; `at_ps`, `what`, `breakpoint`
function Breakpoint:hit(sim)
  local hit = setmetatable({ at_ps = sim:now_ps(), what = describe(self, sim), breakpoint = self },
    Hit)
  self.columns = nil
  self.hits[#self.hits + 1] = hit
  return hit
end

--- The simulation went back: stops after that have not been.
-- @local
function Breakpoint:forget_after(at_ps)
  while #self.hits > 0 and self.hits[#self.hits].at_ps > at_ps do
    self.hits[#self.hits] = nil
  end
end

--- Stop no more runs.
function Breakpoint:remove()
  self.is_removed = true
end

-- Those of a simulation that are set. All that ever were are kept: sim:back may lead to one.
local function set_ones(sim)
  local list = {}
  for _, one in ipairs(sim.breaks or {}) do
    if not one.is_removed then list[#list + 1] = one end
  end
  return list
end

local EVENT_NAMES = util.sorted_keys(EVENTS)

local break_rule = {
  flow = { type = "integer", min = 0, max = 2 ^ 31 - 1, brief = "Its number." },
  port = { type = "any", brief = "Its number, \"from-to\" or { from, to }." },
  event = { type = "enum", choices = EVENT_NAMES,
    brief = "What is waited for; of a flow done, if not given." },
}

--- Number of a port that is given by number, as "from-to" or as { from, to }.
-- @tparam Simulation sim
-- @param port
-- @tparam string what prefix of the message
-- @treturn number
function M.port_of(sim, port, what)
  if type(port) == "table" and not fabric.is(port) and #port == 2 then
    return sim:port(port[1], port[2])
  elseif type(port) == "string" then
    local links, nodes = kinds.target(sim.fabric, port).links, sim.fabric.nodes
    if #links ~= 1 then
      fail.raise("%s: expected \"from-to\" of one link, got %s", what, fail.show(port))
    end
    local link = links[1]
    local a = nodes[link.a + 1].name
    return 2 * link.id + (port:sub(1, #a + 1) == a .. "-" and 0 or 1)
  end
  return check.value(what, port,
    { type = "integer", min = 0, max = 2 * #sim.fabric.links - 1 })
end

local function of_what(kind)
  local names = {}
  for _, name in ipairs(EVENT_NAMES) do
    if EVENTS[name][kind] then names[#names + 1] = name end
  end
  return table.concat(names, ", ")
end

--- Stop runs in the instant in which something happens: sim:run then gives "break", and what it
-- was. `mark` of a flow is when its sender hears of one, of a port when that marks a packet; `drop`
-- and `pause` are of ports, `retransmit` and `done` of flows. Of no flow and no port: of any.
-- @tparam table options `flow`, `port`, `event`
-- @treturn Breakpoint `hits` (when it has stopped runs), `breakpoint:remove()`
-- @usage sim:break_at { flow = 0, event = "done" }
local function break_at(sim, options)
  local given = check.options("break_at", options, break_rule)
  if given.flow and given.port ~= nil then
    fail.raise("break_at: expected one of 'flow' and 'port', got both")
  end
  local event = given.event or given.flow and "done"
  if not event then fail.raise("break_at: option 'event' is missing") end
  local kind = given.flow and "flow" or given.port ~= nil and "port"
  if kind and not EVENTS[event][kind] then
    fail.raise("break_at: a %s has no event '%s'; expected one of: %s", kind, event, of_what(kind))
  end
  local needs, name = EVENTS[event].needs, sim.core:config().engine
  if needs and not core.engine_can(name, needs) then
    fail.raise("break_at: engine '%s' has no event '%s'; expected engine = 'packet'", name, event)
  end
  sim.breaks = sim.breaks or {}
  local breakpoint = setmetatable({
    sim = sim, number = #sim.breaks + 1, event = event, flow = given.flow, hits = {},
    port = given.port ~= nil and M.port_of(sim, given.port, "break_at: option 'port'") or nil,
  }, Breakpoint)
  sim.breaks[#sim.breaks + 1] = breakpoint
  return breakpoint
end

local List = {}

function List:__tostring()
  local text = {}
  for i, one in ipairs(self) do text[i] = tostring(one) end
  return #text > 0 and table.concat(text, "\n") or "no breakpoints"
end

--- The breakpoints that are set.
-- @treturn table list, prints as text
local function breakpoints(sim) return setmetatable(set_ones(sim), List) end

-- ---- stop_at ----

local JobEnd = {}
JobEnd.__index = JobEnd

function JobEnd:is_due() return self.job:result().complete end

function JobEnd.arm() end

function JobEnd.note() end

--- Options whose `stop_at`, a time from now ("+20us"), has become one since the beginning.
-- @tparam Simulation sim
-- @param options
-- @tparam string what calls, for messages
-- @return options, or a copy
function M.since_beginning(sim, options, what)
  local stop_at = type(options) == "table" and options.stop_at
  local from_now = type(stop_at) == "string" and stop_at:match "^%s*%+(.*)$"
  if not from_now then return options end
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end -- order-free: a copy
  local after_ps = check.value(what .. ": option 'stop_at'", from_now, { type = "time", min = 0 })
  copy.stop_at = ("%.0f ps"):format(sim:now_ps() + after_ps)
  return copy
end

--- Take what is no time out of the options of a run: times from now become times since the
-- beginning.
-- @tparam Simulation sim
-- @param options as given to sim:run
-- @treturn table options whose `stop_at` is a time, or nil
-- @treturn ?table a job or a function
function M.take(sim, options)
  if type(options) ~= "table" then return options, nil end
  local stop_at = options.stop_at
  local is_job = getmetatable(stop_at) == job.methods
  if not is_job and type(stop_at) ~= "function" then
    return M.since_beginning(sim, options, "run"), nil
  elseif is_job and stop_at.sim ~= sim then
    fail.raise("run: option 'stop_at': expected a job of this simulation, got one of another")
  end
  local copy = {}
  for key, value in pairs(options) do copy[key] = value end -- order-free: a copy
  copy.stop_at = nil
  return copy, stop_at
end

--- All that stops a run which begins now.
-- @tparam Simulation sim
-- @param stop_at from M.take
-- @treturn ?table list of stops, with `asked` for a function; nil if there is none
function M.of(sim, stop_at)
  local stops = set_ones(sim)
  if type(stop_at) == "function" then stops.asked = { f = stop_at } end
  if type(stop_at) == "table" then
    stops[#stops + 1] = setmetatable({ job = stop_at }, JobEnd)
  end
  for _, one in ipairs(stops) do one:arm(sim) end
  return (#stops > 0 or stops.asked) and stops or nil
end

--- Give a class of simulations these methods.
-- @tparam table class
function M.install(class)
  class.break_at, class.breakpoints = break_at, breakpoints
end

return M
