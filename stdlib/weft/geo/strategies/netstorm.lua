--- NetStorm (Li et al., IEEE/ACM ToN 2024): several roots, each with the tree of cheapest routes
-- towards it; roots are chosen and get chunks by their quality; where a link is busy, messages may
-- begin on an auxiliary route.
-- @module weft.geo.strategies.netstorm

local check = require "weft.check"
local fail = require "weft.fail"
local models = require "weft.geo.models"
local plans = require "weft.geo.plan"
local roots = require "weft.geo.roots"
local routing = require "weft.geo.routes"

local M = { name = "netstorm", brief = "trees of several roots, by rates that are known" }

M.options = {
  roots = { type = "integer", min = 1, brief = "how many; default: all data centres" },
  metric = { type = "enum", choices = roots.METRICS, default = "down",
    brief = "of a root's quality" },
  pull = { type = "enum", choices = { "path", "reverse", "out" }, default = "path",
    brief = "results by the cheapest route from parent to child, the link of the tree, or a tree"
      .. " of cheapest routes out of the root" },
  auxiliary = { type = "enum", choices = { "none", "messages", "bytes" }, default = "none",
    brief = "auxiliary routes where more than 2 messages wait, or by what arrives first" },
  chunk = { type = "number", default = models.BOUND, min = 1, brief = "elements" },
}

--- The tree of a root.
-- @tparam Plan plan
-- @tparam number root
-- @tparam string pull as in the options
-- @treturn number of the tree
function M.add_root(plan, root, pull)
  local cheapest = plan:routes_by "bw"
  return plan:add_tree {
    root = root, parent = roots.tree(cheapest, root), up = "direct",
    pull_parent = pull == "out" and roots.tree_out(cheapest, root) or nil,
    down = pull == "path" and "bw" or "direct",
  }
end

-- Messages that may wait for the primary route's first link before another is looked for; one may
-- be taken if none waits for its first link (SECOND_QUEUE_LIMIT = 1 in the code).
local BUSY = 2

-- The first auxiliary route whose link is free, as the code has it.
local function by_messages(network, candidates, primary)
  if network:waiting(primary[1]) <= BUSY then return primary end
  for k = 2, #candidates do
    if network:waiting(candidates[k][1]) == 0 then return candidates[k] end
  end
  return primary
end

-- The route on which the message is estimated to arrive first, from the bits that wait for the
-- first link and the time of the message on all.
local function by_bytes(network, candidates, _, bits)
  local best, least
  for _, route in ipairs(candidates) do
    local estimate = network:waiting_bits(route[1]) / network.overlay.rate_bps[route[1]]
    for _, link in ipairs(route) do estimate = estimate + bits / network.overlay.rate_bps[link] end
    if not least or estimate < least then best, least = route, estimate end
  end
  return best
end

-- As fifo.run takes it: what picks the route of each message that begins.
local function chooser(overlay, rule)
  local known = {}
  return function(network, from, to, primary, bits)
    local key = from * overlay.nodes + to
    local candidates = known[key]
    if not candidates then
      candidates = {}
      for k, route in ipairs(routing.auxiliary(overlay, from, to)) do
        candidates[k] = overlay:links_of(route)
      end
      known[key] = candidates
    end
    return rule(network, candidates, primary, bits)
  end
end

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.netstorm", options or {}, M.options)
  if given.roots and given.roots > overlay.nodes then
    fail.raise("geo.netstorm: roots: expected 1 to %d, got %d", overlay.nodes, given.roots)
  end
  if given.auxiliary ~= "none" and given.pull ~= "path" then
    fail.raise("geo.netstorm: auxiliary routes go with pull = 'path', got '%s'", given.pull)
  end
  local plan = plans.new(overlay)
  local quality = roots.quality(plan:routes_by "bw", given.metric)
  local selected = roots.select(quality, given.roots or overlay.nodes)
  local chunks = models.chunks(tensors, given.chunk)
  local quotas = roots.quotas(quality, selected, models.elements(tensors))
  local root_of = roots.assign(chunks, selected, quotas)
  local tree_of = {}
  for _, root in ipairs(selected) do tree_of[root] = M.add_root(plan, root, given.pull) end
  plan:add_pieces(chunks, function(_, i) return tree_of[root_of[i]] end)
  if given.auxiliary ~= "none" then
    plan.choose = chooser(overlay, given.auxiliary == "bytes" and by_bytes or by_messages)
  end
  return plan
end

return M
