--- Cheapest trees out of a root, or towards it, over directed links (Chu and Liu 1965, Edmonds
-- 1967). Of equals the link with the lower number is taken.
-- @module weft.geo.arborescence

local M = {}

-- The cheapest link into each node but the root, among `edges` of { from, to, cost, ... }.
local function cheapest(count, root, edges)
  local best = {}
  for i = 1, #edges do
    local edge = edges[i]
    local v = edge.to
    if v ~= root and edge.from ~= v and (not best[v] or edge.cost < best[v].cost) then
      best[v] = edge
    end
  end
  for v = 1, count do
    if v ~= root and not best[v] then return nil end
  end
  return best
end

-- Nodes numbered anew with each circle of the links as one; nil if there is none.
local function contract(count, root, best)
  local group, groups, mark, circles = {}, 0, {}, {}
  for start = 1, count do
    local v = start
    while v ~= root and not group[v] and mark[v] ~= start do
      mark[v] = start
      v = best[v].from
    end
    if v ~= root and not group[v] then -- back at a node of this walk
      groups = groups + 1
      circles[groups] = true
      repeat
        group[v] = groups
        v = best[v].from
      until group[v]
    end
    v = start
    while not group[v] do
      groups = groups + 1
      group[v] = groups
      if v == root then break end
      v = best[v].from
    end
  end
  return next(circles) and group or nil, groups, circles
end

local function solve(count, root, edges)
  local best = cheapest(count, root, edges)
  if not best then return nil end
  local group, groups, circles = contract(count, root, best)
  if not group then return best end
  local inner, between = {}, {} -- of several between two groups only the cheapest matters
  for i = 1, #edges do
    local edge = edges[i]
    local from, to = group[edge.from], group[edge.to]
    if from ~= to then
      local cost = edge.cost
      if circles[to] then cost = cost - best[edge.to].cost end
      local key = from * groups + to
      local other = between[key]
      if not other then
        other = { from = from, to = to, cost = cost, outer = edge }
        between[key], inner[#inner + 1] = other, other
      elseif cost < other.cost then
        other.cost, other.outer = cost, edge
      end
    end
  end
  local chosen = solve(groups, group[root], inner)
  if not chosen then return nil end
  -- Into a circle leads one link from outside; the circle's own link into that node goes.
  for _, edge in pairs(chosen) do -- order-free: each into a node of its own
    best[edge.outer.to] = edge.outer
  end
  return best
end

--- The cheapest tree.
-- @tparam Overlay overlay
-- @tparam number root
-- @tparam {number,...} costs by link, 0 or more
-- @tparam boolean towards the tree leads to the root, not out of it
-- @treturn table parents by node
-- @treturn number cost
function M.tree(overlay, root, costs, towards)
  local edges = {}
  for link = 1, overlay.links do
    local from, to = overlay.from[link], overlay.to[link]
    if towards then from, to = to, from end
    edges[link] = { from = from, to = to, cost = costs[link], link = link }
  end
  local best, parent, sum = solve(overlay.nodes, root, edges), {}, 0
  for v = 1, overlay.nodes do
    if v ~= root then
      parent[v], sum = best[v].from, sum + costs[best[v].link]
    end
  end
  return parent, sum
end

return M
