--- Routes over an overlay: cheapest, with fewest links, and auxiliary ones.
--
-- Cost of a link is 1/rate. Of several cheapest routes the one whose sequence of nodes comes first
-- is taken: the rule of NetStorm's own code, and what makes routes to a root a tree.
-- @module weft.geo.routes

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

-- Sums of the same costs in another order differ by rounding; costs that differ do so by more.
local TOLERANCE = 1e-12

local function link_cost(overlay, kind, link)
  return kind == "hop" and 1 or 1e6 / overlay.rate_bps[link]
end

-- Dijkstra towards `root` over nodes and links that `allowed(from, to)` admits; costs by node.
local function costs_to(overlay, kind, root, allowed)
  local cost, done = { [root] = 0 }, {}
  for _ = 1, overlay.nodes do
    local nearest
    for u = 1, overlay.nodes do
      if cost[u] and not done[u] and (not nearest or cost[u] < cost[nearest]) then nearest = u end
    end
    if not nearest then break end
    done[nearest] = true
    for _, u in ipairs(overlay.sources[nearest]) do
      if not allowed or allowed(u, nearest) then
        local sum = cost[nearest] + link_cost(overlay, kind, overlay.out[u][nearest])
        if not cost[u] or sum < cost[u] then cost[u] = sum end
      end
    end
  end
  return cost
end

-- The lowest neighbour of `u` on a cheapest way to where `cost` counts from.
local function step(overlay, kind, cost, u, allowed)
  for _, v in ipairs(overlay.neighbours[u]) do
    if cost[v] and (not allowed or allowed(u, v)) then
      local sum = cost[v] + link_cost(overlay, kind, overlay.out[u][v])
      if sum <= cost[u] * (1 + TOLERANCE) then return v end
    end
  end
  return nil
end

local Routes = {}
Routes.__index = Routes

--- Routes between all pairs.
-- @tparam Overlay overlay
-- @tparam string kind "bw": cheapest; "hop": fewest links
-- @treturn Routes
function M.all(overlay, kind)
  if not require("weft.geo.overlay").is(overlay) then
    fail.raise("geo.routes: expected an overlay, got %s", fail.show(overlay))
  end
  check.value("geo.routes: kind", kind, { type = "enum", choices = { "bw", "hop" } })
  local self = setmetatable({ overlay = overlay, kind = kind, next = {} }, Routes)
  for root = 1, overlay.nodes do
    local cost, next_of = costs_to(overlay, kind, root), {}
    for u = 1, overlay.nodes do
      if u ~= root then next_of[u] = step(overlay, kind, cost, u) end
    end
    self.next[root] = next_of
  end
  return self
end

--- The second node of a route.
-- @tparam number from
-- @tparam number to
-- @treturn number
function Routes:step(from, to) return self.next[to][from] end

--- A route.
-- @tparam number from
-- @tparam number to
-- @treturn {number,...} nodes, both ends included
function Routes:route(from, to)
  local route, next_of = { from }, self.next[to]
  while route[#route] ~= to do route[#route + 1] = next_of[route[#route]] end
  return route
end

--- The primary route and the auxiliary ones, which share no node between their ends with it or
-- with each other: always the cheapest that is left.
-- @tparam Overlay overlay
-- @tparam number from
-- @tparam number to
-- @treturn {{number,...},...} the primary route first
function M.auxiliary(overlay, from, to)
  local used, direct_taken, found = {}, false, {}
  local function allowed(u, v)
    if used[u] or used[v] then return false end
    return not (direct_taken and u == from and v == to)
  end
  while true do
    local cost = costs_to(overlay, "bw", to, allowed)
    if not cost[from] then return found end
    local route = { from }
    while route[#route] ~= to do
      route[#route + 1] = step(overlay, "bw", cost, route[#route], allowed)
    end
    found[#found + 1] = route
    if #route == 2 then direct_taken = true end
    for i = 2, #route - 1 do used[route[i]] = true end
  end
end

guard.class("routes", "table of routes", Routes)

return guard.module("geo.routes", M)
