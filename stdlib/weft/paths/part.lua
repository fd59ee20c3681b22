--- A part of a network as a fabric of its own: a line of consecutive ports, and all flows over some
-- of them, which join and leave where they do in the network.
--
-- m3 (Li et al., SIGCOMM 2024) lets them come over links of any rate. Here they keep the rate of
-- their NIC and their round trip, and those that come over one link of the network share one: what
-- lies behind it is a switch with the hosts, each on a link as slow as the slowest and as long as
-- all of those between.
-- @module weft.paths.part

local effect = require "weft.effect"
local engines = require "weft.engines"
local fabric = require "weft.fabric"
local simulation = require "weft.simulation"
local units = require "weft.units"
local util = require "weft.util"
local ways = require "weft.paths.ways"

local M = {}

-- A switch keeps headroom for each port: many hosts behind one link are on several switches.
local HOSTS_BEHIND = 32

local PS_PER_S = 1e12

local Part = {}
Part.__index = Part

-- What a port is, asked once.
local function info_of(network, port)
  local known = network.info[port]
  if not known then
    known = network.sim.core:port_info(port)
    network.info[port] = known
  end
  return known
end

-- Links one after another as one: the slowest rate, and what a full packet takes of all but for
-- its time at that rate.
local function joined(network, ports, from, to)
  local rate, delay, bits = math.huge, 0, 8 * network.frame
  for i = from, to do
    local port = info_of(network, ports[i])
    rate = math.min(rate, port.built_rate_bps)
    delay = delay + port.delay_ps + bits / port.built_rate_bps * PS_PER_S
  end
  return rate, util.integer(math.floor(delay - bits / rate * PS_PER_S + 0.5))
end

-- A node, made when it is first asked for.
function Part:made(key, kind)
  local id = self.nodes[key]
  if id then return id, false end
  id = self.net:add_node(key, kind)
  self.nodes[key] = id
  return id, true
end

-- The host of a flow beyond `node`, where ports[near] is the link at the node and ports[far] that
-- of the host.
function Part:host_beyond(node, host, ports, near, far)
  local network = self.network
  local low, high = math.min(near, far), math.max(near, far)
  if near == far then
    local id, is_new = self:made(("n%d-h%d"):format(node, host), "host")
    local port = info_of(network, ports[near])
    if is_new then self.net:connect(id, node, port.built_rate_bps, port.delay_ps) end
    return id
  end
  local rate, delay
  if near < far then
    rate, delay = joined(network, ports, low + 1, high)
  else
    rate, delay = joined(network, ports, low, high - 1)
  end
  local link = info_of(network, ports[near]).link
  local key = ("n%d-l%d-h%d-%.0f-%.0f"):format(node, link, host, rate, delay)
  local known = self.nodes[key]
  if known then return known end
  local behind = ("n%d-l%d"):format(node, link)
  local count = (self.behind[behind] or 0) + 1
  self.behind[behind] = count
  local switch, is_new = self:made(("%s-%d"):format(behind,
    math.floor((count - 1) / HOSTS_BEHIND)), "switch")
  local port = info_of(network, ports[near])
  if is_new then self.net:connect(switch, node, port.built_rate_bps, port.delay_ps) end
  local id = self:made(key, "host")
  self.net:connect(id, switch, rate, delay)
  return id
end

-- The line of ports itself: its nodes from the first to the last.
local function lay_line(self, ports)
  local network = self.network
  local function node_of(at)
    local kind = network.sim.core:node_kind(at)
    return (self:made("line-" .. at, kind))
  end
  self.line = { node_of(info_of(network, ports[1]).from) }
  for hop, port in ipairs(ports) do
    local info = info_of(network, port)
    self.line[hop + 1] = node_of(info.to)
    self.net:connect(self.line[hop], self.line[hop + 1], info.built_rate_bps, info.delay_ps)
  end
end

--- Build the part.
-- @tparam table network as of weft.paths.ways, with `sim`, `info` ({}) and `frame` (bytes)
-- @tparam {integer,...} ports consecutive ones
-- @treturn table `net` (a fabric) and `flows` (each `flow`, its number in the network, `src`,
-- `dst`, `whole`: it goes over all of the ports from end to end of its way)
function M.new(network, ports)
  local self = setmetatable({
    network = network, net = fabric.new "part", nodes = {}, behind = {}, flows = {},
  }, Part)
  lay_line(self, ports)
  local flows = network.flows
  for _, over in ipairs(ways.over(network, ports)) do
    local run, its = over.run, over.way.ports
    local src, dst = self.line[run.first], self.line[run.last + 1]
    if run.from > 1 then
      src = self:host_beyond(src, flows.src[over.flow], its, run.from - 1, 1)
    end
    if run.to < #its then
      dst = self:host_beyond(dst, flows.dst[over.flow], its, run.to + 1, #its)
    end
    self.flows[#self.flows + 1] = {
      flow = over.flow, src = src, dst = dst, whole = run.to - run.from + 1 == #its,
    }
  end
  return self
end

-- Thresholds for rates that the part has not are left out.
local function thresholds_of(given, net)
  if not given then return nil end
  local has, list = {}, {}
  for _, link in ipairs(net.links) do has[link.rate_bps] = true end
  for _, one in ipairs(given) do
    if has[units.rate_bps(one.rate, "rate")] then list[#list + 1] = one end
  end
  return #list > 0 and list or nil
end

-- Options that are for a whole simulation.
local WHOLE = { topology = true, memo = true, spans = true, threads = true, set = true }

--- A simulation of a part with its flows.
-- @tparam table part
-- @tparam string word for the engine
-- @tparam table set options that win over those of the network's simulation
-- @treturn Simulation not run; row i is part.flows[i]
function Part:simulation(word, set)
  local network, options = self.network, {}
  for name, value in pairs(network.sim.given) do -- order-free: a copy
    if not WHOLE[name] then options[name] = value end
  end
  for name, value in pairs(set) do options[name] = value end -- order-free: a copy
  local reads_rtt = word ~= "fluid" or options.fluid_cap == "window"
  if reads_rtt then options.base_rtt = options.base_rtt or network.base_rtt end
  options.topology, options.engine = self.net, nil
  options.ecn_by_rate = thresholds_of(options.ecn_by_rate, self.net)
  options.cc = options.cc or network.sim.core:config().cc
  local sim = simulation.new(engines.fitting(word, effect.only(options)))
  for _, one in ipairs(self.flows) do
    sim.core:flow_add {
      src = one.src, dst = one.dst, size_bytes = network.flows.size_bytes[one.flow],
      start_ps = network.flows.start_ps[one.flow],
    }
  end
  return sim
end

return M
