--- Slowdowns of a whole network from a sample of its ways (m3; Li et al., SIGCOMM 2024): the flows
-- of a way, with all those that share a link with it, are a small network of their own.
-- @module weft.paths
-- @usage
-- local estimate = weft.paths.estimate { simulation = sim, paths = 100, backend = "packet" }
-- print(estimate)                    -- slowdowns by size, with what sampling leaves open
-- print(estimate:percentile(99))

local check = require "weft.check"
local core = require "weft.core"
local distribution = require "weft.paths.distribution"
local engines = require "weft.engines"
local fail = require "weft.fail"
local guard = require "weft.guard"
local part = require "weft.paths.part"
local progress = require "weft.progress"
local random = require "weft.random"
local util = require "weft.util"
local ways = require "weft.paths.ways"

local M = { BUCKETS = distribution.BUCKETS }

local PS_PER_S = 1e12
local QUIET_S = 10 -- short runs say nothing

-- ---- the network ------------------------------------------------------------------------------

-- The round trip of a way: a full packet there, an ACK back on the same links, ps.
local function round_trip(network, ports)
  local sum = 0
  for _, port in ipairs(ports) do
    local info = network.info[port] or network.sim.core:port_info(port)
    network.info[port] = info
    local bits = 8 * (network.frame + network.ack)
    sum = sum + 2 * info.delay_ps + bits / info.built_rate_bps * PS_PER_S
  end
  return util.integer(math.floor(sum))
end

local function slowest(network, ports)
  local rate = math.huge
  for _, port in ipairs(ports) do rate = math.min(rate, network.info[port].built_rate_bps) end
  return rate
end

-- The flows of a simulation, their ways, and what its options say of packets and round trips.
local function network_of(what, given)
  local sim = given
  if type(given) == "function" then sim = given() end
  check.argument(what .. ": option 'simulation'", sim, "simulation")
  if #sim.changes > 0 then
    fail.raise("%s: expected a fabric without failures, got %s", what,
      util.counted(#sim.changes, "change"))
  end
  local network, config = ways.of(sim), sim.core:config()
  network.sim, network.info = sim, {}
  local is_exact = config.compat == "ns3" or config.compat == "simai"
  network.mtu = config.mtu
  network.frame = config.mtu + (is_exact and 0 or config.header)
  network.ack = is_exact and 0 or config.ack
  network.base_rtt = 0
  for _, way in ipairs(network.ways) do
    way.rtt_ps = round_trip(network, way.ports)
    way.bdp = slowest(network, way.ports) * way.rtt_ps / PS_PER_S / 8
    network.base_rtt = math.max(network.base_rtt, way.rtt_ps)
  end
  network.base_rtt = network.base_rtt / PS_PER_S -- s, as the option has it
  return network
end

-- ---- backends ---------------------------------------------------------------------------------

-- Slowdowns of the flows of a part, by an engine; false where a flow is not completed.
local function by_engine(word, set)
  return function(one)
    local sim = one:simulation(word, set)
    local outcome = sim:run()
    local fct, ideal = sim.core:column("flows", "fct_ps"), sim.core:column("flows", "ideal_ps")
    local list = {}
    for i = 1, #one.flows do list[i] = fct[i] >= 0 and math.max(1, fct[i] / ideal[i]) end
    sim:unfinished()
    sim:close()
    return list, outcome == "interrupted", fct, ideal
  end
end

local function backend_of(what, o)
  if type(o.backend) == "function" then return o.backend, "a function" end
  local words = engines.list(what .. ": option 'backend'", o.backend)
  if #words ~= 1 then
    fail.raise("%s: option 'backend': expected one engine, got %d", what, #words)
  end
  return by_engine(words[1], o.set), words[1]
end

-- ---- sampling ---------------------------------------------------------------------------------

-- Draw ways, each time with the number of flows as weight; how often each was drawn, by number.
local function draw(network, count, seed)
  local stream, upto, sum = random.stream(seed, "paths: ways"), {}, 0
  for i, way in ipairs(network.ways) do
    sum = sum + #way.flows
    upto[i] = sum
  end
  local drawn, order = {}, {}
  for _ = 1, count do
    local x, low, high = stream:integer(sum), 1, #upto
    while low < high do
      local middle = math.floor((low + high) / 2)
      if upto[middle] < x then low = middle + 1 else high = middle end
    end
    if not drawn[low] then order[#order + 1] = low end
    drawn[low] = (drawn[low] or 0) + 1
  end
  return drawn, order
end

local function sample_of(network, way, flow, slowdown)
  local size = network.flows.size_bytes[flow]
  return {
    slowdown = slowdown, size_bytes = size, way = way.number, flow = flow - 1,
    bucket = distribution.bucket_of(size, network.mtu, way.bdp),
  }
end

-- Slowdowns of a way's own flows, from the part of the network that they share links with.
local function by_part(network, backend)
  return function(way, add)
    local one = part.new(network, way.ports)
    local slowdowns, is_stopped = backend(one)
    for i, flow in ipairs(one.flows) do
      if flow.whole and slowdowns[i] then add(flow.flow, slowdowns[i]) end
    end
    return is_stopped
  end
end

-- Parsimon (Zhao et al., NSDI 2023): each link alone with its flows; what a flow is late there adds
-- up over its way. Its own lateness is taken, where Parsimon draws one of a flow of like size.
local function by_link(network, set, word)
  local late = {} -- by port: lateness of flows, ps
  local run = by_engine(word, set)
  local function lateness(port)
    if late[port] then return late[port], false end
    local one = part.new(network, { port })
    local _, is_stopped, fct, ideal = run(one)
    local list = {}
    for i, flow in ipairs(one.flows) do
      if fct[i] >= 0 then list[flow.flow] = math.max(0, fct[i] - ideal[i]) end
    end
    late[port] = list
    return list, is_stopped
  end
  return function(way, add)
    for _, port in ipairs(way.ports) do
      local _, is_stopped = lateness(port)
      if is_stopped then return true end
    end
    for _, flow in ipairs(way.flows) do
      local sum = 0
      for _, port in ipairs(way.ports) do sum = sum + (late[port][flow] or 0) end
      local alone = network.sim.core:ideal_fct(network.flows.src[flow], network.flows.dst[flow],
        network.flows.size_bytes[flow])
      add(flow, 1 + sum / alone)
    end
    return false
  end
end

-- Says how far it is.
local function reporter(wanted, total)
  local began, line = util.wall_s(), progress.line()
  return function(done)
    local now = util.wall_s()
    if not wanted or now - began < QUIET_S then return end
    if done == total then return line:finish() end
    if not line:is_due(now) then return end
    line:say(("paths: %d of %d ways; %.0f s left"):format(done, total,
      (now - began) / done * (total - done)), now)
  end
end

local rule = {
  simulation = { type = "any", required = true },
  backend = { type = "any", default = "packet" },
  by = { type = "enum", choices = { "path", "link" }, default = "path" },
  paths = { type = "integer", default = 100, min = 1, max = 1e6 },
  seed = { type = "integer", default = 1, min = 0 },
  set = { type = "table", default = {} },
  progress = { type = "boolean", default = false },
}

--- Estimate slowdowns of a whole network.
-- @tparam table options `simulation` (with flows, not run; or a function that builds it), `backend`
-- (a word for an engine, default "packet"; or a function that gets a part and returns the slowdown
-- of each of part.flows), `by` ("path", or "link": Parsimon's way, each link alone), `paths` (how
-- many are drawn, 100), `seed` (1), `set` (options of the parts that win over the simulation's:
-- what if), `progress` (say on standard error how far it is)
-- @treturn Distribution `interrupted` if Ctrl-C ended it: ways so far are in it
function M.estimate(options)
  local o = check.options("paths.estimate", options, rule)
  local began = util.wall_s()
  local network = network_of("paths.estimate", o.simulation)
  local backend, name = backend_of("paths.estimate", o)
  if o.by == "link" and type(o.backend) == "function" then
    fail.raise "paths.estimate: by = 'link' expects a word for an engine as backend"
  end
  local slowdowns_of = o.by == "link" and by_link(network, o.set, name)
    or by_part(network, backend)
  local drawn, order = draw(network, o.paths, o.seed)
  local samples, done, looked = {}, {}, 0
  local report = reporter(o.progress, #order)
  local interrupted = false
  for k, number in ipairs(order) do
    local way = network.ways[number]
    interrupted = slowdowns_of(way, function(flow, slowdown)
      samples[#samples + 1] = sample_of(network, way, flow, slowdown)
    end)
    if interrupted then break end
    done[number] = { drawn = drawn[number], flows = #way.flows }
    looked = looked + drawn[number]
    report(k)
  end
  return distribution.new(samples, done, o.seed, {
    backend = o.by == "link" and name .. ", link by link" or name, wall_s = util.wall_s() - began,
    drawn = looked, distinct = #network.ways, all_flows = #network.flows.src,
    interrupted = interrupted,
  })
end

--- The same figures of all flows, from a run of the whole network.
-- @tparam table options `simulation` (as for M.estimate)
-- @treturn Distribution
function M.whole(options)
  local o = check.options("paths.whole", options, { simulation = rule.simulation })
  local began = util.wall_s()
  local network = network_of("paths.whole", o.simulation)
  local sim = network.sim
  local interrupted = sim:run() == "interrupted"
  local fct, ideal = sim.core:column("flows", "fct_ps"), sim.core:column("flows", "ideal_ps")
  local samples, all = {}, {}
  for _, way in ipairs(network.ways) do
    all[way.number] = { drawn = #way.flows, flows = #way.flows }
    for _, flow in ipairs(way.flows) do
      if fct[flow] >= 0 then
        samples[#samples + 1] = sample_of(network, way, flow, math.max(1, fct[flow] / ideal[flow]))
      end
    end
  end
  return distribution.new(samples, all, 1, {
    backend = sim.core:config().engine:gsub("_", "-"), wall_s = util.wall_s() - began,
    drawn = #network.flows.src, distinct = #network.ways, all_flows = #network.flows.src,
    interrupted = interrupted,
  })
end

--- What if an option had other values: an estimate for each.
-- @tparam table options as for M.estimate, with `option` (name) and `values` (list)
-- @treturn {table,...} `value`, `estimate`; `interrupted` if Ctrl-C ended it
function M.sweep(options)
  check.argument("paths.sweep", options, "table")
  local given = {}
  for name, value in pairs(options) do given[name] = value end -- order-free: a copy
  local o = check.options("paths.sweep", { option = given.option, values = given.values }, {
    option = { type = "string", required = true }, values = { type = "list", required = true },
  })
  given.option, given.values = nil, nil
  local known = false
  for _, option in ipairs(core.options()) do known = known or option.name == o.option end
  if not known and o.option ~= "ecn_by_rate" then
    fail.raise("paths.sweep: no option '%s' of simulations", o.option)
  end
  local list = {}
  for i, value in ipairs(o.values) do
    local set = {}
    for name, one in pairs(given.set or {}) do set[name] = one end -- order-free: a copy
    set[o.option] = value
    given.set = set
    list[i] = { value = value, estimate = M.estimate(given) }
    if list[i].estimate.interrupted then
      list.interrupted = true
      break
    end
  end
  return list
end

return guard.module("paths", M)
