--- What no strategy, or none of a kind, can be faster than.
-- @module weft.geo.bounds

local arborescence = require "weft.geo.arborescence"
local check = require "weft.check"
local columns = require "weft.geo.columns"
local fail = require "weft.fail"
local guard = require "weft.guard"
local overlays = require "weft.geo.overlay"
local packing = require "weft.geo.packing"
local resources = require "weft.geo.resources"

local M = {}

local function need_overlay(what, overlay)
  if not overlays.is(overlay) then
    fail.raise("%s: expected an overlay, got %s", what, fail.show(overlay))
  end
end

-- What may pass between nodes of the flow problem: data centres, and where they are capped a node
-- of each for what comes in and one for what goes out. Relays are data centres, and capped too.
local function capacities(overlay)
  local left, nodes = {}, overlay.nodes
  local is_capped = overlay:is_capped()
  local count = is_capped and 3 * nodes or nodes
  for u = 1, count do left[u] = {} end
  for link = 1, overlay.links do
    local u, v = overlay.from[link], overlay.to[link]
    if is_capped then u, v = u + 2 * nodes, v + nodes end
    left[u][v] = overlay.rate_bps[link]
  end
  for u = 1, is_capped and nodes or 0 do
    left[u + nodes][u] = overlay.ingress_bps[u] or math.huge
    left[u][u + 2 * nodes] = overlay.egress_bps[u] or math.huge
  end
  return left, count
end

-- Edmonds and Karp: the largest flow between two nodes, in bit/s.
local function max_flow(overlay, from, to)
  local left, count = capacities(overlay)
  local total = 0
  while true do
    local before, list = { [from] = from }, { from }
    for _, u in ipairs(list) do
      for v = 1, count do
        if not before[v] and (left[u][v] or 0) > 0 then
          before[v], list[#list + 1] = u, v
        end
      end
    end
    if not before[to] then return total end
    local least, v = math.huge, to
    while v ~= from do
      least, v = math.min(least, left[before[v]][v]), before[v]
    end
    v = to
    while v ~= from do
      local u = before[v]
      left[u][v], left[v][u] = left[u][v] - least, (left[v][u] or 0) + least
      v = u
    end
    total = total + least
  end
end

--- Rate of the smallest directed cut: what is on one side gets to the other no faster, and all
-- gradients must.
-- @tparam Overlay overlay
-- @treturn number bit/s
function M.cut_bps(overlay)
  need_overlay("geo.bounds.cut_bps", overlay)
  local least = math.huge
  for v = 2, overlay.nodes do
    least = math.min(least, max_flow(overlay, 1, v), max_flow(overlay, v, 1))
  end
  return least
end

-- ---- linear programs ----
--
-- Shares x of trees, each link within its rate for T seconds: with y = x / T the sum of y is
-- largest where T is least. In sequence a part of T is for pushes and the rest for pulls: half of
-- it, and a shift, which has a column for more and one for less.

-- Rows: links, then caps; for both ways, or up before down.
local function right_sides(overlay, in_sequence)
  local rhs, rows = {}, resources.of(overlay).count
  for row = 1, in_sequence and 2 * rows or rows do
    rhs[row] = in_sequence and 0.5 or 1
  end
  return rhs
end

-- Seconds that a link or a cap takes for one Mbit: numbers near 1 solve best.
local function unit(used, row) return 1e6 / used.rate_bps[row] end

local function shift_columns(overlay)
  local shifts, rows = {}, resources.of(overlay).count
  for i, sign in ipairs { 1, -1 } do
    local column = { rows = {}, values = {}, cost = 0 }
    for link = 1, rows do
      column.rows[link], column.values[link] = link, -sign
      local row = rows + link
      column.rows[row], column.values[row] = row, sign
    end
    shifts[i] = column
  end
  return shifts
end

-- The column of a tree from how often it uses each link on the way up and down.
local function tree_column(overlay, up, down, in_sequence)
  local column, used = { rows = {}, values = {}, cost = 1 }, resources.of(overlay)
  local function add(row, value)
    if value > 0 then
      column.rows[#column.rows + 1], column.values[#column.values + 1] = row, value
    end
  end
  up, down = used:counts(up), used:counts(down)
  for row = 1, used.count do
    if in_sequence then
      add(row, up[row] * unit(used, row))
    else
      add(row, (up[row] + down[row]) * unit(used, row))
    end
  end
  for row = 1, in_sequence and used.count or 0 do
    add(used.count + row, down[row] * unit(used, row))
  end
  return column
end

local function gain_of(column, prices)
  local gain = column.cost
  for i = 1, #column.rows do gain = gain - column.values[i] * prices[column.rows[i]] end
  return gain
end

-- Trees that are known are used before others are looked for, which takes longer.
local ENOUGH = 1e-9

-- The best of a list of columns.
local function best_of(list, prices)
  local best, most
  for _, column in ipairs(list) do
    local gain = gain_of(column, prices)
    if not most or gain > most then best, most = column, gain end
  end
  return best, most
end

-- What is said where the method has not come to an end.
local UNSOLVED = "the linear program takes too long"

--- The best shares of a plan's trees.
-- @tparam Plan plan its trees; pieces do not matter
-- @tparam number bits of the model
-- @tparam[opt] boolean in_sequence nothing comes down before all is summed up
-- @treturn ?number seconds; nil if that takes too long to find
-- @treturn {number,...} share of each tree
function M.best_shares(plan, bits, in_sequence)
  local overlay = plan.overlay
  local list = in_sequence and shift_columns(overlay) or {}
  for i, tree in ipairs(plan.trees) do
    local up, down = plan:tree_links(tree)
    local column = tree_column(overlay, up, down, in_sequence)
    column.tree = i
    list[#list + 1] = column
  end
  local value, used = columns.maximise(right_sides(overlay, in_sequence), function(prices)
    return best_of(list, prices)
  end)
  if not value then return nil, UNSOLVED end
  local shares = {}
  for i = 1, #plan.trees do shares[i] = 0 end
  for _, column in ipairs(used) do
    if column.tree then shares[column.tree] = column.level / value end
  end
  return bits / 1e6 / value, shares
end

-- The column of one tree: up to a root, or down from it. What goes up to a root comes down from it:
-- that is a row for each root.
local function half_column(overlay, root, parent, is_down, in_sequence)
  local column = { rows = {}, values = {}, cost = is_down and 0 or 1, root = root,
    parent = parent, is_down = is_down }
  local used = resources.of(overlay)
  local before = is_down and in_sequence and used.count or 0
  local caps = {}
  for v = 1, overlay.nodes do
    if v ~= root then
      local link = is_down and overlay.out[parent[v]][v] or overlay.out[v][parent[v]]
      column.rows[v], column.values[v] = before + link, unit(used, link)
      for _, cap in ipairs(used.caps_of[link]) do caps[cap] = (caps[cap] or 0) + 1 end
    end
  end
  column.rows[root] = (in_sequence and 2 or 1) * used.count + root
  column.values[root] = is_down and -1 or 1
  for cap = overlay.links + 1, used.count do
    if caps[cap] then
      table.insert(column.rows, before + cap)
      table.insert(column.values, caps[cap] * unit(used, cap))
    end
  end
  return column
end

-- Find the cheapest trees of each root at prices of rows; those that gain are known from now on.
local function find_trees(overlay, known, prices, in_sequence)
  local used, up_prices, down_prices = resources.of(overlay), {}, {}
  local function price(link, before)
    local sum = math.max(prices[before + link], 0) * unit(used, link)
    for _, cap in ipairs(used.caps_of[link]) do
      sum = sum + math.max(prices[before + cap], 0) * unit(used, cap)
    end
    return sum
  end
  for link = 1, overlay.links do
    up_prices[link] = price(link, 0)
    down_prices[link] = price(link, in_sequence and used.count or 0)
  end
  for root = 1, overlay.nodes do
    for _, is_down in ipairs { false, true } do
      local parent = arborescence.tree(overlay, root, is_down and down_prices or up_prices,
        not is_down)
      local column = half_column(overlay, root, parent, is_down, in_sequence)
      if gain_of(column, prices) > 0 then known[#known + 1] = column end
    end
  end
end

-- Where it begins: a packing after a few rounds. On sparse overlays nothing is as quick, on meshes
-- a closer one is.
local START_SLACK, START_ROUNDS = 0.02, 20

--- The best packing of any trees of any roots: the best that adding up in data centres can do.
-- @tparam Overlay overlay
-- @tparam number bits of the model
-- @tparam[opt] boolean in_sequence nothing comes down before all is summed up
-- @treturn ?number seconds; nil if that takes too long to find, as it may on large meshes
-- @treturn {table,...} trees: `root`, `parent` by node, `is_down`, `share`; for each root those up
-- to it have the shares of those down from it
function M.best_trees(overlay, bits, in_sequence)
  need_overlay("geo.bounds.best_trees", overlay)
  local known = in_sequence and shift_columns(overlay) or {}
  for _, pair in ipairs((packing.pack(overlay, START_SLACK, START_ROUNDS))) do
    known[#known + 1] = half_column(overlay, pair.root, pair.up, false, in_sequence)
    known[#known + 1] = half_column(overlay, pair.root, pair.down, true, in_sequence)
  end
  local rhs = right_sides(overlay, in_sequence)
  for _ = 1, overlay.nodes do rhs[#rhs + 1] = 0 end
  local value, used = columns.maximise(rhs, function(prices)
    local column, gain = best_of(known, prices)
    if gain > ENOUGH then return column, gain end
    find_trees(overlay, known, prices, in_sequence)
    return best_of(known, prices)
  end)
  if not value then return nil, UNSOLVED end
  local trees = {}
  for _, column in ipairs(used) do
    if column.parent then
      trees[#trees + 1] = { root = column.root, parent = column.parent, is_down = column.is_down,
        share = column.level / value }
    end
  end
  return bits / 1e6 / value, trees
end

--- A plan of NetStorm's trees of all roots, without pieces: what best_shares takes.
-- @tparam Overlay overlay
-- @tparam string pull "path", "reverse" or "out"
-- @treturn Plan
function M.all_roots(overlay, pull)
  need_overlay("geo.bounds.all_roots", overlay)
  check.value("geo.bounds.all_roots: pull", pull,
    { type = "enum", choices = { "path", "reverse", "out" } })
  local netstorm = require "weft.geo.strategies.netstorm"
  local plan = require("weft.geo.plan").new(overlay)
  for root = 1, overlay.nodes do netstorm.add_root(plan, root, pull) end
  return plan
end

return guard.module("geo.bounds", M)
