--- What a picture of a fabric shows of each link: utilization, rate, and whether it is degraded.
local check = require "weft.check"
local fail = require "weft.fail"
local util = require "weft.util"

local links = {}

--- Is this a simulation rather than a fabric?
local function is_sim(target)
  if target.core == nil or target.fabric == nil then return false end
  check.argument("topology", target, "simulation")
  return true
end

--- The fabric of a simulation, or the fabric itself.
function links.fabric_of(target)
  local fabric = type(target) == "table" and (is_sim(target) and target.fabric or target)
  if type(fabric) ~= "table" or type(fabric.nodes) ~= "table" or type(fabric.links) ~= "table" then
    fail.raise("topology: expected a simulation or a fabric, got %s", type(target))
  end
  return fabric
end

--- Mean utilization of each directed port from the start until now: { [port] = 0..1 }.
local function port_utilization(sim)
  local now_s = sim:stats().now_ps / 1e12 -- a float: bit/s times ps would overflow an integer
  local sent = sim:ports():column("tx_bytes")
  local result = {}
  for port = 0, #sent - 1 do
    local possible = sim.core:port_info(port).rate_bps * now_s / 8 -- bytes
    result[port] = possible > 0 and math.min(1, sent[port + 1] / possible) or 0
  end
  return result
end

--- Highest rate of links between the same kinds of nodes: what a degraded one had as built.
local function peer_rates(fabric)
  local function class(link)
    local a, b = fabric.nodes[link.a + 1], fabric.nodes[link.b + 1]
    local x, y = a.kind .. tostring(a.tier), b.kind .. tostring(b.tier)
    return x < y and x .. y or y .. x
  end
  local best = {}
  for _, link in ipairs(fabric.links) do
    local key = class(link)
    best[key] = math.max(best[key] or 0, link.rate_bps)
  end
  return function(link) return best[class(link)] end
end

--- Mark the links that the caller names: ids, link objects, or { link =, factor = }.
local function mark_named(fabric, states, named)
  local peer_rate = peer_rates(fabric)
  for i, item in ipairs(named) do
    local factor, link = nil, item
    if type(item) == "table" and item.link ~= nil then factor, link = item.factor, item.link end
    local id = type(link) == "table" and link.id or link
    local state = type(id) == "number" and states[id + 1]
    if not state then
      fail.raise("topology: degraded[%d]: expected a link of the fabric (0..%d), got %s", i,
        #states - 1, tostring(id))
    end
    local whole = peer_rate(fabric.links[id + 1])
    state.factor = factor or state.factor or math.min(1, state.rate_bps / whole)
    state.degraded = true
  end
end

--- State of each link, in the order of fabric.links:
-- { rate_bps (slower direction), class, utilization (busier one), degraded, factor of the rate as
-- built }.
-- @param target simulation or fabric
-- @tparam table options `degraded` and `utilization` of weft.viz.topology
function links.states(target, options)
  local fabric, sim = links.fabric_of(target), is_sim(target) and target or nil
  local used = options.utilization
  for port, share in util.sorted_pairs(used or {}) do
    if type(port) ~= "number" or type(share) ~= "number" then
      fail.raise("topology: option 'utilization': expected numbers by port, got %s of %s",
        fail.show(share), fail.show(port))
    end
  end
  if not used and sim and options.color == "utilization" then used = port_utilization(sim) end
  local states = {}
  for i, link in ipairs(fabric.links) do
    local state = {
      rate_bps = math.min(link.rate_bps, link.back.rate_bps or math.huge),
      class = link:link_class(),
    }
    if used then
      state.utilization = math.max(used[2 * link.id] or 0, used[2 * link.id + 1] or 0)
    end
    if sim then
      local to, from = sim.core:port_info(2 * link.id), sim.core:port_info(2 * link.id + 1)
      local factor = math.min(to.rate_bps / to.built_rate_bps, from.rate_bps / from.built_rate_bps)
      if to.up == 0 or from.up == 0 then factor = 0 end
      if factor < 1 then state.degraded, state.factor = true, factor end
      state.rate_bps = math.min(to.rate_bps, from.rate_bps)
    end
    states[i] = state
  end
  mark_named(fabric, states, options.degraded or {})
  return states
end

--- Text for what is left of a rate: "1/4", "0.3x", "down"; nil when nothing is known to be missing.
function links.factor_text(factor)
  if not factor or factor >= 1 then return nil end
  if factor <= 0 then return "down" end
  local inverse = math.floor(1 / factor + 0.5)
  if math.abs(inverse * factor - 1) < 0.005 then return ("1/%d"):format(inverse) end
  return ("%.2g\195\151"):format(factor)
end

return links
