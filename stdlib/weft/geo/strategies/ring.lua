--- AllReduce by a ring: each of N equal shares goes round once to be summed up, and once more as
-- the result, so that each edge of the ring carries 2 (N - 1) / N of the gradients.
-- @module weft.geo.strategies.ring

local check = require "weft.check"
local fail = require "weft.fail"
local models = require "weft.geo.models"
local plans = require "weft.geo.plan"

local M = { name = "ring", brief = "AllReduce by a ring" }

M.options = {
  order = { type = "list", brief = "data centres around the ring; default: by number" },
  best = { type = "boolean", default = false,
    brief = "the ring of links whose slowest is fastest; an error if there is none" },
  routes = { type = "enum", choices = { "hop", "bw", "direct" }, default = "hop",
    brief = "from one to the next" },
}

-- A ring through all data centres over links of at least `rate`, the first by its sequence.
local function search(overlay, rate)
  local order, used = { 1 }, { true }
  local function extend()
    local last = order[#order]
    if #order == overlay.nodes then
      local back = overlay.out[last][1]
      return back and overlay.rate_bps[back] >= rate
    end
    for _, v in ipairs(overlay.neighbours[last]) do
      if not used[v] and overlay.rate_bps[overlay.out[last][v]] >= rate then
        used[v], order[#order + 1] = true, v
        if extend() then return true end
        used[v], order[#order] = nil, nil
      end
    end
    return false
  end
  return extend() and order or nil
end

--- The ring of links whose slowest link is fastest; of several the one whose sequence of data
-- centres, from 1 on, comes first. The search may take long beyond a dozen of data centres.
-- @tparam Overlay overlay
-- @treturn ?{number,...} data centres; nil if links form no ring
function M.best(overlay)
  local rates = {}
  for link = 1, overlay.links do rates[link] = overlay.rate_bps[link] end
  table.sort(rates)
  -- Slower links admit all rings that faster ones do: bisect.
  local best = search(overlay, rates[1])
  if not best then return nil end
  local low, high = 1, #rates + 1
  while high - low > 1 do
    local middle = math.floor((low + high) / 2)
    local order = search(overlay, rates[middle])
    if order then
      best, low = order, middle
    else
      high = middle
    end
  end
  return best
end

local function check_order(overlay, order)
  local seen = {}
  for _, u in ipairs(order) do
    if not overlay.neighbours[u] or seen[u] then
      fail.raise("geo.ring: order: expected each of 1 to %d once, got %s", overlay.nodes,
        fail.show(u))
    end
    seen[u] = true
  end
  if #order ~= overlay.nodes then
    fail.raise("geo.ring: order: expected each of 1 to %d once, got %d", overlay.nodes, #order)
  end
  return order
end

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.ring", options or {}, M.options)
  local order = given.order and check_order(overlay, given.order)
  if given.best then
    order = M.best(overlay)
    if not order then fail.raise("geo.ring: the links of %s form no ring", overlay.name) end
  end
  local n = overlay.nodes
  local function at(i) return order and order[(i - 1) % n + 1] or (i - 1) % n + 1 end
  local plan, pieces = plans.new(overlay), {}
  for i = 1, n do
    local parent, pull_parent = {}, {}
    for step = 1, n - 1 do
      parent[at(i + step)] = at(i + step + 1)
      pull_parent[at(i + step)] = at(i + step - 1)
    end
    plan:add_tree { root = at(i), parent = parent, pull_parent = pull_parent,
      up = given.best and "direct" or given.routes }
    pieces[i] = { elements = models.elements(tensors) / n, key = 0 }
  end
  plan:add_pieces(pieces, function(_, i) return i end)
  return plan
end

return M
