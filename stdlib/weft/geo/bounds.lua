--- What no strategy, or none of a kind, can be faster than.
-- @module weft.geo.bounds

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local lp = require "weft.geo.lp"
local overlays = require "weft.geo.overlay"

local M = {}

-- Rates in LPs are in Mbit/s: numbers near 1 solve best.
local BPS_PER_MBPS = 1e6

local function need_overlay(what, overlay)
  if not overlays.is(overlay) then
    fail.raise("%s: expected an overlay, got %s", what, fail.show(overlay))
  end
end

-- Edmonds and Karp: the largest flow between two nodes, in bit/s.
local function max_flow(overlay, from, to)
  local left, total = {}, 0
  for u = 1, overlay.nodes do left[u] = {} end
  for link = 1, overlay.links do
    left[overlay.from[link]][overlay.to[link]] = overlay.rate_bps[link]
  end
  while true do
    local before, list = { [from] = from }, { from }
    for _, u in ipairs(list) do
      for v = 1, overlay.nodes do
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

-- Time as a variable, or as two of them: one for pushes, one for pulls.
local function times(program, in_sequence)
  local push = program:variable(1)
  return push, in_sequence and program:variable(1) or push
end

-- Rows that keep what each link carries within its rate: `up` and `down` by link are terms.
local function limit_links(program, overlay, up, down, in_sequence)
  local push, pull = times(program, in_sequence)
  for link = 1, overlay.links do
    local mbps = overlay.rate_bps[link] / BPS_PER_MBPS
    local terms = {}
    local function add(list)
      for _, term in ipairs(list) do terms[#terms + 1] = term end
    end
    add(up[link])
    if in_sequence then
      terms[#terms + 1] = { -mbps, push }
      program:row(terms, "<=", 0)
      terms = {}
    end
    add(down[link])
    terms[#terms + 1] = { -mbps, pull }
    program:row(terms, "<=", 0)
  end
end

-- Sum terms of the same variable: LPs have each once.
local function merged(up, down)
  local sums, order = {}, {}
  for _, list in ipairs { up, down } do
    for _, term in ipairs(list) do
      if not sums[term[2]] then order[#order + 1] = term[2] end
      sums[term[2]] = (sums[term[2]] or 0) + term[1]
    end
  end
  local terms = {}
  for i, variable in ipairs(order) do terms[i] = { sums[variable], variable } end
  return terms
end

local function seconds(objective, reason, bits)
  if not objective then return nil, reason end
  return objective * bits / BPS_PER_MBPS, reason
end

--- The best shares of a plan's trees.
-- @tparam Plan plan its trees; pieces do not matter
-- @tparam number bits of the model
-- @tparam[opt] boolean in_sequence nothing comes down before all is summed up
-- @treturn ?number seconds; nil without an LP solver
-- @treturn {number,...} share of each tree, or what went wrong
function M.best_shares(plan, bits, in_sequence)
  local program, overlay = lp.new(), plan.overlay
  local shares, all, up, down = {}, {}, {}, {}
  for link = 1, overlay.links do up[link], down[link] = {}, {} end
  for i, tree in ipairs(plan.trees) do
    shares[i] = program:variable()
    all[i] = { 1, shares[i] }
    local tree_up, tree_down = plan:tree_links(tree)
    for link = 1, overlay.links do
      if tree_up[link] > 0 then table.insert(up[link], { tree_up[link], shares[i] }) end
      if tree_down[link] > 0 then table.insert(down[link], { tree_down[link], shares[i] }) end
    end
  end
  program:row(all, "=", 1)
  if not in_sequence then
    for link = 1, overlay.links do up[link], down[link] = merged(up[link], down[link]), {} end
  end
  limit_links(program, overlay, up, down, in_sequence)
  local objective, values = program:solve()
  if not objective then return nil, values end
  local best = {}
  for i, variable in ipairs(shares) do best[i] = values[variable] end
  return seconds(objective, best, bits)
end

-- Flows of 1 from every node to where `root_share` takes them up, each within what links have for
-- all: by Edmonds' theorem of branchings such capacities hold trees with just these shares of
-- roots. `forward` is the way up; down is the same against the links.
local function add_branchings(program, overlay, root_share, forward)
  local capacity, terms = {}, {}
  for link = 1, overlay.links do
    capacity[link] = program:variable()
    terms[link] = { { 1, capacity[link] } }
  end
  for v = 1, overlay.nodes do
    local balance = {}
    for u = 1, overlay.nodes do balance[u] = { { 1, root_share[u] } } end
    for link = 1, overlay.links do
      local flow = program:variable()
      program:row({ { 1, flow }, { -1, capacity[link] } }, "<=", 0)
      local from, to = overlay.from[link], overlay.to[link]
      if not forward then from, to = to, from end
      table.insert(balance[from], { 1, flow })
      table.insert(balance[to], { -1, flow })
    end
    for u = 1, overlay.nodes do program:row(balance[u], "=", u == v and 1 or 0) end
  end
  return terms, capacity
end

--- The best packing of any trees of any roots: the best that adding up in data centres can do.
-- @tparam Overlay overlay
-- @tparam number bits of the model
-- @tparam[opt] boolean in_sequence nothing comes down before all is summed up
-- @treturn ?number seconds; nil without an LP solver
-- @treturn table `roots`: share of each, `up` and `down`: share of the model over each link; or
-- what went wrong
function M.best_trees(overlay, bits, in_sequence)
  need_overlay("geo.bounds.best_trees", overlay)
  local program, root_share, all = lp.new(), {}, {}
  for u = 1, overlay.nodes do
    root_share[u] = program:variable()
    all[u] = { 1, root_share[u] }
  end
  program:row(all, "=", 1)
  local up, up_capacity = add_branchings(program, overlay, root_share, true)
  local down, down_capacity = add_branchings(program, overlay, root_share, false)
  limit_links(program, overlay, up, down, in_sequence)
  local objective, values = program:solve()
  if not objective then return nil, values end
  local function pick(variables)
    local picked = {}
    for i, variable in ipairs(variables) do picked[i] = values[variable] end
    return picked
  end
  return seconds(objective, { roots = pick(root_share), up = pick(up_capacity),
    down = pick(down_capacity) }, bits)
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
