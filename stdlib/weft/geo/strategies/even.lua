--- One server in every data centre, each with the same share of every byte.
-- @module weft.geo.strategies.even

local check = require "weft.check"
local models = require "weft.geo.models"
local plans = require "weft.geo.plan"
local star = require "weft.geo.strategies.star"

local M = { name = "even", brief = "a server in every data centre, equal shares" }

M.options = { routes = { type = "enum", choices = { "hop", "bw" }, default = "hop" } }

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.even", options or {}, M.options)
  local plan, pieces = plans.new(overlay), {}
  for root = 1, overlay.nodes do
    star.add_server(plan, root, given.routes)
    pieces[root] = { elements = models.elements(tensors) / overlay.nodes, key = 0 }
  end
  plan:add_pieces(pieces, function(_, i) return i end)
  return plan
end

return M
