--- Roots of NetStorm: the trees towards them, how good each is, which are taken, how much of the
-- gradients each gets (Li et al., IEEE/ACM ToN 2024, and the system's own code).
-- @module weft.geo.roots

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

local METRICS = { "down", "up", "both" }
M.METRICS = METRICS

-- Numbers that are equal but for rounding.
local TOLERANCE = 1e-12

--- The tree towards a root: each node's parent is the second node of its cheapest route there.
-- @tparam Routes routes cheapest ones
-- @tparam number root
-- @treturn table parents by node
function M.tree(routes, root)
  local parent = {}
  for u = 1, routes.overlay.nodes do
    if u ~= root then parent[u] = routes:step(u, root) end
  end
  return parent
end

--- The tree of the cheapest routes out of a root.
-- @tparam Routes routes cheapest ones
-- @tparam number root
-- @treturn table parents by node
function M.tree_out(routes, root)
  local parent = {}
  for u = 1, routes.overlay.nodes do
    if u ~= root then
      local route = routes:route(root, u)
      parent[u] = route[#route - 1]
    end
  end
  return parent
end

-- 1 / sum of 1 / the smallest rate of each layer.
local function quality_of(layers)
  local sum = 0
  for _, rate in ipairs(layers) do sum = sum + 1 / rate end
  return 1 / sum
end

local function add(layers, depth, rate)
  layers[depth] = math.min(layers[depth] or math.huge, rate)
end

local function quality_down(routes, root)
  local overlay, layers = routes.overlay, {}
  for u = 1, overlay.nodes do
    if u ~= root then
      for hop, link in ipairs(overlay:links_of(routes:route(root, u))) do
        add(layers, hop, overlay.rate_bps[link])
      end
    end
  end
  return quality_of(layers)
end

local function quality_up(routes, root)
  local overlay, layers = routes.overlay, {}
  for u = 1, overlay.nodes do
    if u ~= root then
      local depth = #routes:route(u, root) - 1
      add(layers, depth, overlay.rate_bps[overlay:link(u, routes:step(u, root))])
    end
  end
  return quality_of(layers)
end

--- Quality of each node as a root, in bit/s.
-- @tparam Routes routes cheapest ones
-- @tparam string metric "down": by the slowest link of each hop on the routes out of it, as
-- NetStorm's code has it; "up": of each depth of the tree towards it; "both"
-- @treturn {number,...} by node
function M.quality(routes, metric)
  check.value("geo.roots: metric", metric, { type = "enum", choices = METRICS })
  local quality = {}
  for root = 1, routes.overlay.nodes do
    local down = metric ~= "up" and quality_down(routes, root)
    local up = metric ~= "down" and quality_up(routes, root)
    quality[root] = down and up and 1 / (1 / up + 1 / down) or down or up
  end
  return quality
end

--- Nodes from the best root to the worst; of equals the one with the larger number is better, as
-- the code drops roots one by one, the first of the worst before others.
-- @tparam {number,...} quality by node
-- @treturn {number,...} nodes
function M.rank(quality)
  local order = {}
  for i = 1, #quality do order[i] = i end
  table.sort(order, function(a, b)
    if quality[a] ~= quality[b] then return quality[a] > quality[b] end
    return a > b
  end)
  -- Equal but for rounding: a run of such is put into the order of equals.
  local first = 1
  while first <= #order do
    local last = first
    while order[last + 1]
      and quality[order[last + 1]] >= quality[order[last]] * (1 - TOLERANCE) do
      last = last + 1
    end
    local run = {}
    for i = first, last do run[#run + 1] = order[i] end
    table.sort(run, function(a, b) return a > b end)
    for i, node in ipairs(run) do order[first + i - 1] = node end
    first = last + 1
  end
  return order
end

--- The best roots, in ascending order.
-- @tparam {number,...} quality by node
-- @tparam number count
-- @treturn {number,...} nodes
function M.select(quality, count)
  local order, selected = M.rank(quality), {}
  for i = 1, math.min(count, #order) do selected[i] = order[i] end
  table.sort(selected)
  return selected
end

-- The quotient is exact to a few units of its last place; what is whole stays whole.
local function ceiling(value)
  local whole = math.floor(value + 0.5)
  return math.abs(value - whole) <= value * 1e-14 and whole or math.ceil(value)
end

--- Elements that each root may get, in proportion to its quality.
-- @tparam {number,...} quality by node
-- @tparam {number,...} selected nodes
-- @tparam number elements of the whole model
-- @treturn table by node
function M.quotas(quality, selected, elements)
  local sum, quotas = 0, {}
  for _, root in ipairs(selected) do sum = sum + quality[root] end
  for _, root in ipairs(selected) do quotas[root] = ceiling(quality[root] * elements / sum) end
  return quotas
end

--- The root of each chunk: one after the other, without those that have their quota. A root may
-- get most of a chunk more than that.
-- @tparam {table,...} chunks with `elements`
-- @tparam {number,...} selected nodes, ascending
-- @tparam table quotas by node
-- @treturn {number,...} by chunk
-- @treturn table elements by node
function M.assign(chunks, selected, quotas)
  local roots, assigned, at = {}, {}, 1
  for _, root in ipairs(selected) do assigned[root] = 0 end
  for i, chunk in ipairs(chunks) do
    for skipped = 0, #selected do
      if assigned[selected[at]] < quotas[selected[at]] then break end
      if skipped == #selected then fail.raise "geo.roots.assign: the quotas are too small" end
      at = at % #selected + 1
    end
    local root = selected[at]
    roots[i], assigned[root] = root, assigned[root] + chunk.elements
    at = at % #selected + 1
  end
  return roots, assigned
end

return guard.module("geo.roots", M)
