--- weft's own: many pairs of trees, up to a root and down from it, whose shares keep every link
-- within a few per cent of what the best packing of trees needs; pieces take turns on them.
-- @module weft.geo.strategies.packing

local check = require "weft.check"
local models = require "weft.geo.models"
local packing = require "weft.geo.packing"
local plans = require "weft.geo.plan"

local M = { name = "packing", brief = "many trees at once, near the best packing" }

M.options = {
  chunk = { type = "number", default = models.BOUND / 10, min = 1,
    brief = "elements; small ones follow the shares better, and are passed on sooner" },
  slack = { type = "number", default = 0.02, min = 0.001, max = 1,
    brief = "how much more than the best packing a link may take" },
}

-- The pair of trees that is furthest behind its share.
local function turns(pairs_of_trees)
  local given, sum = {}, 0
  for i = 1, #pairs_of_trees do given[i] = 0 end
  return function(elements)
    local best, most
    for i, pair in ipairs(pairs_of_trees) do
      local behind = pair.share * (sum + elements) - given[i]
      if not most or behind > most then best, most = i, behind end
    end
    given[best], sum = given[best] + elements, sum + elements
    return best
  end
end

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.packing", options or {}, M.options)
  local plan, found = plans.new(overlay), packing.pack(overlay, given.slack)
  for _, pair in ipairs(found) do
    plan:add_tree { root = pair.root, parent = pair.up, pull_parent = pair.down, up = "direct" }
  end
  -- Were pushes before pulls in queues, as they are made before, these would not overlap.
  plan.by_piece = true
  local turn = turns(found)
  plan:add_pieces(models.chunks(tensors, given.chunk), function(chunk)
    return turn(chunk.elements)
  end)
  return plan
end

return M
