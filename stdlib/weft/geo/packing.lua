--- Many trees at once, so that no link has to carry much more than it must: a packing of pairs of
-- trees, one up to a root and one down from it, by prices of links.
--
-- The busiest link's time is approached by a norm of all links' times, whose gradient is a price
-- per link; the cheapest pair of trees at these prices gets shares of the dearest ones. The prices
-- also tell how far the best packing can be: no pair of trees costs less than the cheapest.
-- Multiplication alone decides, so that all machines find the same trees.
-- @module weft.geo.packing

local arborescence = require "weft.geo.arborescence"
local resources = require "weft.geo.resources"

local M = {}

-- Squarings of the gradient's power: of 26 equal links the norm is 1.3 % above the largest.
local SQUARINGS = 8

local function power(value)
  for _ = 1, SQUARINGS do value = value * value end
  return value
end

local Packing = {}
Packing.__index = Packing

-- Time of each link, and of each cap, per unit of flow, as a part of the time on the slowest link.
local function unit_times(overlay, used)
  local slowest, times = math.huge, {}
  for link = 1, overlay.links do slowest = math.min(slowest, overlay.rate_bps[link]) end
  for row = 1, used.count do times[row] = slowest / used.rate_bps[row] end
  return times
end

local function largest(values)
  local most = 0
  for i = 1, #values do
    if values[i] > most then most = values[i] end
  end
  return most
end

-- Idle links cost as much as this part of the busiest one: of those the fast ones are taken.
local IDLE = 1e-4

-- Prices of links at these times.
local function price(self, times)
  local most, prices = largest(times), self.prices
  for link = 1, #times do
    prices[link] = (power(times[link] / most) + IDLE) * self.unit[link]
  end
  return prices
end

-- A pair of trees with how often each link is used: { root, up, down, links, uses }.
local function pair_of(self, root, up, down)
  local overlay, uses, links, counts = self.overlay, {}, {}, {}
  local function count(row)
    if not uses[row] then links[#links + 1] = row end
    uses[row] = (uses[row] or 0) + 1
  end
  local function use(link)
    count(link)
    for _, cap in ipairs(self.used.caps_of[link]) do count(cap) end
  end
  for v = 1, overlay.nodes do
    if v ~= root then
      use(overlay.out[v][up[v]])
      use(overlay.out[down[v]][v])
    end
  end
  for i, link in ipairs(links) do counts[i] = uses[link] end
  return { root = root, up = up, down = down, links = links, counts = counts, share = 0 }
end

local function cost_of(pair, prices)
  local sum = 0
  for i = 1, #pair.links do sum = sum + pair.counts[i] * prices[pair.links[i]] end
  return sum
end

-- Prices of links with those of the caps that they count against.
local function link_costs(self, prices)
  if self.used.count == self.overlay.links then return prices end
  local costs = {}
  for link = 1, self.overlay.links do
    costs[link] = prices[link]
    for _, cap in ipairs(self.used.caps_of[link]) do costs[link] = costs[link] + prices[cap] end
  end
  return costs
end

-- With more data centres than this, a few roots are looked at in a round, in turns.
local ROOTS, FEW = 16, 4

-- The cheapest pair of trees of a round.
local function cheapest(self, prices, round)
  local best, least
  local nodes = self.overlay.nodes
  prices = link_costs(self, prices)
  local step = nodes > ROOTS and math.floor(nodes / FEW) or 1
  for root = 1 + round % step, nodes, step do
    local up, up_cost = arborescence.tree(self.overlay, root, prices, true)
    local down, down_cost = arborescence.tree(self.overlay, root, prices, false)
    if not least or up_cost + down_cost < least then
      best, least = { root, up, down }, up_cost + down_cost
    end
  end
  return pair_of(self, best[1], best[2], best[3]), least
end

local function add_flow(self, pair, flow)
  for i = 1, #pair.links do
    local link = pair.links[i]
    self.times[link] = self.times[link] + flow * pair.counts[i] * self.unit[link]
  end
  pair.share = pair.share + flow
end

-- Whether the norm still falls when flow has gone from one pair to the other.
local function still_falls(self, from, to, flow)
  local times = {}
  for link = 1, #self.times do times[link] = self.times[link] end
  for i = 1, #from.links do
    local link = from.links[i]
    times[link] = times[link] - flow * from.counts[i] * self.unit[link]
  end
  for i = 1, #to.links do
    local link = to.links[i]
    times[link] = times[link] + flow * to.counts[i] * self.unit[link]
  end
  for link = 1, #times do times[link] = math.max(times[link], 0) end
  local prices = price(self, times)
  return cost_of(to, prices) < cost_of(from, prices)
end

-- Halvings in search of how much to move.
local HALVINGS = 12

local function move(self, from, to)
  local low, high = 0, from.share
  if still_falls(self, from, to, high) then
    low = high
  else
    for _ = 1, HALVINGS do
      local middle = (low + high) / 2
      if still_falls(self, from, to, middle) then low = middle else high = middle end
    end
  end
  if low == 0 then return false end
  local all = low == from.share
  add_flow(self, from, -low)
  if all then from.share = 0 end
  add_flow(self, to, low)
  return true
end

-- Move shares from the dearest pair in use to the cheapest known, some times.
local function settle(self, steps)
  for _ = 1, steps do
    local prices, cheap, dear, least, most = price(self, self.times), nil, nil, nil, nil
    for _, pair in ipairs(self.pairs) do
      local cost = cost_of(pair, prices)
      if not least or cost < least then cheap, least = pair, cost end
      if pair.share > 0 and (not most or cost > most) then dear, most = pair, cost end
    end
    if cheap == dear or most <= least * 1.001 or not move(self, dear, cheap) then return end
  end
end

local function same(a, b, nodes)
  if a.root ~= b.root then return false end
  for v = 1, nodes do
    if a.up[v] ~= b.up[v] or a.down[v] ~= b.down[v] then return false end
  end
  return true
end

-- Links times rounds: what keeps a mesh of 60 data centres to a minute.
local WORK = 800000

--- Pack trees.
-- @tparam Overlay overlay
-- @tparam ?number slack how much more than the best the busiest link may take; default 0.02
-- @tparam ?number rounds at most; default 400, fewer for very many links
-- @treturn {table,...} pairs of trees: `root`, `up` and `down` (parents by node), `share`
-- @treturn number what the busiest link takes for one bit, in s
-- @treturn number what it takes at least, whatever the trees; 0, which says nothing, with more than
-- 16 data centres
function M.pack(overlay, slack, rounds)
  local used_by = resources.of(overlay)
  local self = setmetatable({ overlay = overlay, used = used_by,
    unit = unit_times(overlay, used_by), times = {}, prices = {}, pairs = {} }, Packing)
  local slowest = math.huge
  for row = 1, used_by.count do self.times[row] = 0 end
  for link = 1, overlay.links do slowest = math.min(slowest, overlay.rate_bps[link]) end
  local first = cheapest(self, self.unit, 0)
  self.pairs[1] = first
  add_flow(self, first, 1)
  local bound = 0
  for round = 1, rounds or math.min(400, math.ceil(WORK / overlay.links)) do
    local prices = price(self, self.times)
    local pair, least = cheapest(self, prices, round)
    if overlay.nodes <= ROOTS then
      local weight = 0
      for row = 1, used_by.count do weight = weight + prices[row] / self.unit[row] end
      bound = math.max(bound, least / weight)
    end
    if largest(self.times) <= bound * (1 + (slack or 0.02)) then break end
    local known
    for _, other in ipairs(self.pairs) do known = known or same(other, pair, overlay.nodes) end
    if not known then self.pairs[#self.pairs + 1] = pair end
    settle(self, known and 60 or 20)
  end
  local used = {}
  for _, pair in ipairs(self.pairs) do
    if pair.share > 0 then used[#used + 1] = pair end
  end
  return used, largest(self.times) / slowest, bound / slowest
end

return M
