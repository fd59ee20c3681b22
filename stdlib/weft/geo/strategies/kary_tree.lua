--- A balanced tree over the data centres in the order of their numbers, the root first: sums go
-- up, results come down (MLNET: Mai, Hong and Costa, HotCloud 2015; its paper leaves degree and
-- order open).
-- @module weft.geo.strategies.kary_tree

local check = require "weft.check"
local fail = require "weft.fail"
local models = require "weft.geo.models"
local plans = require "weft.geo.plan"

local M = { name = "kary_tree", brief = "a balanced tree in order of number (MLNET)" }

M.options = {
  degree = { type = "integer", default = 2, min = 1, brief = "children of a data centre" },
  root = { type = "integer", default = 1, min = 1 },
  routes = { type = "enum", choices = { "hop", "bw" }, default = "hop" },
  chunk = { type = "number", default = models.BOUND, min = 1, brief = "elements" },
}

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.kary_tree", options or {}, M.options)
  if given.root > overlay.nodes then
    fail.raise("geo.kary_tree: root: expected 1 to %d, got %d", overlay.nodes, given.root)
  end
  local order, parent = { given.root }, {}
  for u = 1, overlay.nodes do
    if u ~= given.root then order[#order + 1] = u end
  end
  for i = 2, #order do
    parent[order[i]] = order[math.floor((i - 2) / given.degree) + 1]
  end
  local plan = plans.new(overlay)
  local tree = plan:add_tree { root = given.root, parent = parent, up = given.routes }
  plan:add_pieces(models.chunks(tensors, given.chunk), function() return tree end)
  return plan
end

return M
