--- Synthetic traffic: flows that arrive at random, with sizes of a distribution, between hosts of a
-- matrix, at a load.
--
-- The load is that of payload on the most loaded NIC: 1 when the host that sends or receives most
-- would, on average, be given as many bytes as its NIC can carry; of a uniform matrix that is every
-- host. Headers come on top. With `load_on = "uplinks"` it is that of the rack whose links to the
-- other racks are loaded most, as if ECMP split perfectly.
--
-- Arrivals are one process for all hosts: Poisson, or with log-normal gaps of the same mean, whose
-- bursts grow with `sigma`. Arrivals, sizes and ends of flows are drawn from streams of their own
-- (weft.random): the same seed gives the same flows on every Lua, and another matrix, say, leaves
-- sizes and arrivals as they are. Two jobs side by side need two seeds.
-- @module weft.workload.synthetic

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local matrix = require "weft.workload.matrix"
local random = require "weft.random"
local sizes = require "weft.workload.sizes"
local streamed = require "weft.workload.stream"
local units = require "weft.units"

local M = {}

local PS_PER_S = 1e12

-- Rows of the table of flows, in the engine.
local FLOWS_MAX = 2 ^ 31 - 1

local rule = {
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
  load = { type = "number", required = true, min = 1e-6, max = 10 },
  load_on = { type = "enum", choices = { "nics", "uplinks" }, default = "nics" },
  arrivals = { type = "enum", choices = { "poisson", "lognormal" }, default = "poisson" },
  sigma = { type = "number", min = 0, max = 10 },
  sizes = { type = "any", default = "websearch" },
  matrix = { type = "any", default = "uniform" },
  flows = { type = "integer", min = 1, max = FLOWS_MAX },
  duration = { type = "time", min = 1 },
  exact = { type = "boolean", default = false },
  seed = { type = "integer", default = 1, min = 0 },
}

local function read_options(options)
  local o = check.options("synthetic", options, rule)
  if (o.flows == nil) == (o.duration == nil) then
    fail.raise("synthetic: expected 'flows' or 'duration', got %s", o.flows and "both" or "neither")
  end
  if o.sigma and o.arrivals ~= "lognormal" then
    fail.raise("synthetic: option 'sigma' belongs to arrivals = \"lognormal\"")
  end
  if o.exact and not o.flows then
    fail.raise("synthetic: option 'exact' belongs to 'flows', a number of them")
  end
  return o
end

-- Rate of a host's links into the network; of its NVLink if it has no others.
local function nic_bps(fabric, id)
  local network, all = 0, 0
  for _, link in ipairs(fabric:links_of(id)) do
    local other = fabric.nodes[(link.a == id and link.b or link.a) + 1]
    local rate_bps = link:direction(id).rate_bps
    all = all + rate_bps
    if other.kind ~= "nvswitch" then network = network + rate_bps end
  end
  return network > 0 and network or all
end

-- The rate of all payload at which the most loaded of some rates is used fully.
local function full_rate(capacity, ...)
  local least = math.huge
  for i = 1, select("#", ...) do
    for key, share in pairs((select(i, ...))) do -- order-free: a minimum
      if share > 1e-12 then least = math.min(least, capacity[key] / share) end
    end
  end
  return least
end

-- Rate from each rack's leaf switches to the rest of the network.
local function uplink_capacity(fabric, group_of)
  local capacity, seen = {}, {}
  for _, id in ipairs(fabric:hosts()) do
    for _, link in ipairs(fabric:links_of(id)) do
      local leaf = link.a == id and link.b or link.a
      if fabric.nodes[leaf + 1].kind == "switch" and not seen[leaf] then
        seen[leaf] = true
        local group = group_of[id]
        for _, up in ipairs(fabric:links_of(leaf)) do
          local other = fabric.nodes[(up.a == leaf and up.b or up.a) + 1]
          if other.kind == "switch" then
            capacity[group] = (capacity[group] or 0) + up:direction(leaf).rate_bps
          end
        end
      end
    end
  end
  return capacity
end

local function payload_bps(fabric, hosts, traffic, o)
  if o.load_on == "nics" then
    local capacity = {}
    for _, id in ipairs(hosts) do
      capacity[id] = nic_bps(fabric, id)
      if capacity[id] == 0 then
        fail.raise("synthetic: host '%s' has no link; option 'ranks' chooses the hosts",
          fabric.nodes[id + 1].name)
      end
    end
    return o.load * full_rate(capacity, traffic:marginals())
  end
  local group_of = matrix.racks(fabric, hosts, "leaf")
  local capacity = uplink_capacity(fabric, group_of)
  local leave, enter = traffic:crossing(group_of)
  for _, share in ipairs { leave, enter } do
    for group, part in pairs(share) do -- order-free: any one will do
      if part > 1e-12 and not capacity[group] then
        fail.raise("synthetic: load_on = \"uplinks\": %s has hosts on leaf switches without links"
          .. " to other switches", fabric.name)
      end
    end
  end
  local full = full_rate(capacity, leave, enter)
  if full == math.huge then
    fail.raise("synthetic: load_on = \"uplinks\": no flow leaves its rack")
  end
  return o.load * full
end

-- A function that gives the next gap between arrivals, in ps.
local function gaps(o, mean_ps)
  local stream = random.stream(o.seed, "synthetic: arrivals")
  if o.arrivals == "poisson" then
    return function() return stream:exponential(mean_ps) end
  end
  local sigma = o.sigma or 1
  local mu = math.log(mean_ps) - sigma * sigma / 2
  return function() return math.exp(mu + sigma * stream:normal()) end
end

local function size_stream(o)
  return random.stream(o.seed, "synthetic: sizes")
end

-- Mean of the sizes that will be drawn. Of a heavy tail few flows say little: the mean of a
-- thousand flows of "websearch" is off by 7 %, of "googlerpc" by 70 % (standard deviations).
local function drawn_mean(distribution, o)
  local stream, sum = size_stream(o), 0
  for _ = 1, o.flows do sum = sum + distribution.draw(stream) end
  return sum / o.flows
end

-- The traffic over some hosts of a fabric, to draw from.
local function plan(fabric, o)
  local hosts = base.resolve_ranks("synthetic", fabric, o.ranks)
  if #hosts < 2 then fail.raise("synthetic: expected at least 2 hosts, got %d", #hosts) end
  local distribution = sizes.new(o.sizes)
  local traffic = matrix.new(fabric, hosts, o.matrix, random.stream(o.seed, "synthetic: matrix"))
  local rate = payload_bps(fabric, hosts, traffic, o)
  local mean = o.exact and drawn_mean(distribution, o) or distribution.mean
  local gap_ps = mean * 8 * PS_PER_S / rate
  if o.duration and o.duration / gap_ps > FLOWS_MAX then
    fail.raise("synthetic: option 'duration': expected at most %d flows, the rows that the table of"
      .. " flows has numbers for, got about %.3g in %s", FLOWS_MAX, o.duration / gap_ps,
      units.format_time(o.duration))
  end
  return {
    options = o, sizes = distribution, matrix = traffic, payload_bps = rate, gap_ps = gap_ps,
  }
end

-- A function that gives src, dst, size_bytes, start_ps of one flow after the other, in the order of
-- their starts, and keeps none of them; nil at the end.
local function draw(planned, start_ps)
  local o, traffic, distribution = planned.options, planned.matrix, planned.sizes
  local pick = traffic:picker(random.stream(o.seed, "synthetic: ends"))
  local next_gap = gaps(o, planned.gap_ps * traffic.fan)
  local bytes, time, count, at = size_stream(o), start_ps, 0, 0
  local stop_ps = o.duration and start_ps + o.duration
  return function()
    if count % traffic.fan == 0 then
      time = time + next_gap()
      if stop_ps and time >= stop_ps then return nil end
      at = units.scaled(time, 1, "synthetic: start of a flow (ps)")
    end
    if count == o.flows then return nil end
    count = count + 1
    local src, dst = pick()
    return src, dst, distribution.draw(bytes), at
  end
end

local function begin(work, sim)
  local planned = plan(sim.fabric, work.options)
  local started = streamed.start(work, sim, {
    what = "synthetic: flow",
    open = function(skip)
      local next_flow = draw(planned, work.start_ps)
      for _ = 1, skip do next_flow() end
      return next_flow
    end,
  })
  started.offered_bps = planned.payload_bps
  return started
end

--- Synthetic traffic.
-- @tparam table options `load` (see above; of `load_on`: "nics" or "uplinks"), `sizes`
-- ("websearch"; see weft.workload.sizes), `matrix` ("uniform"; see weft.workload.matrix),
-- `arrivals` ("poisson" or "lognormal" with `sigma`, 1), `flows` (how many) or `duration`, `exact`
-- (with `flows`: space arrivals by the mean of the sizes drawn, not of the distribution), `seed`
-- (1), `ranks` (hosts that take part; default: all), `start`
-- @treturn Workload
-- @usage weft.workload.synthetic { load = 0.5, sizes = "websearch", flows = 10000 }
function M.synthetic(options)
  local o = read_options(options)
  sizes.new(o.sizes) -- what is wrong with them is told here
  return base.new { kind = "synthetic", options = o, begin = begin }
end

--- The flows of synthetic traffic, to be written to a file.
-- @tparam weft.Fabric fabric
-- @tparam table options as of weft.workload.synthetic
-- @treturn function gives `{ src, dst, size_bytes, start_ps }` for each flow, in the order of their
-- starts
-- @usage require("weft.formats.flows").write("flows.csv", synthetic.rows(fabric, options))
function M.rows(fabric, options)
  local o = read_options(options)
  local next_flow = draw(plan(fabric, o), o.start or 0)
  return function()
    local src, dst, size_bytes, start_ps = next_flow()
    if src then return { src = src, dst = dst, size_bytes = size_bytes, start_ps = start_ps } end
  end
end

return M
