--- What a picture of a fabric shows of each link: utilization, rate, and whether it is degraded.
local check = require "weft.check"
local fail = require "weft.fail"
local format = require "weft.viz.format"
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

-- Columns of the table of ports by the word for a colour.
links.columns = {
  queue = { column = "max_queue_bytes", title = "longest queue", unit = "B" },
  marks = { column = "ecn_marks", title = "packets marked" },
  pauses = { column = "pauses", title = "PFC pauses" },
  drops = { column = "drops", title = "packets lost" },
}

-- Of each link the larger of its two directions.
local function counted(sim, what)
  local given, result = sim:ports():column(links.columns[what].column), {}
  for i = 1, #given, 2 do result[(i + 1) / 2] = math.max(given[i], given[i + 1]) end
  return result
end

local function span_text(from_ps, to_ps)
  local from = format.time(from_ps / 1e12)
  return to_ps and ("from %s to %s"):format(from, format.time(to_ps / 1e12)) or "since " .. from
end

-- When each link was bad so far, from the changes that were announced: { [id] = { since_ps, to_ps,
-- factor } }. Links may get bad and well several times; the first and the last count.
local function bad_times(sim)
  local now_ps, bad, list = sim:now_ps(), {}, {}
  for i, change in ipairs(sim.changes) do list[i] = { n = i, call = change[1], is = change[2] } end
  table.sort(list, function(a, b)
    local u, v = a.is.at_ps or 0, b.is.at_ps or 0
    if u ~= v then return u < v end
    return a.n < b.n
  end)
  for _, one in ipairs(list) do
    local is, link = one.is, one.is.link
    if link and (is.at_ps or 0) <= now_ps then
      local factor = is.factor and is.factor >= 0 and is.factor or nil
      local was = bad[link]
      local worse = factor and factor < 1 or (is.loss or 0) > 0 or (is.delay_ps or 0) > 0
        or (is.jitter_ps or 0) > 0 or (is.enter or 0) > 0
      if worse and not was then
        bad[link] = { since_ps = is.at_ps or 0, factor = factor }
      elseif worse then
        was.to_ps, was.factor = nil, math.min(was.factor or 1, factor or 1)
      elseif was and not was.to_ps then
        was.to_ps = is.at_ps
      end
    end
  end
  return bad
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
  local states, bad = {}, sim and bad_times(sim) or {}
  local column = links.columns[options.color]
  if column and not sim then
    fail.raise("topology: option 'color': %s is of a simulation, got a fabric", options.color)
  end
  local values = column and counted(sim, options.color)
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
    state.value = values and values[i] or state.utilization
    local was = bad[link.id]
    if was then
      state.was_bad, state.when = true, span_text(was.since_ps, was.to_ps)
      state.factor = state.factor or was.factor
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
