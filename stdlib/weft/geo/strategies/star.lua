--- Parameter servers, as MXNET has them: every data centre sends its gradients to the server of
-- each tensor, and gets the sum from there. Nobody adds up on the way.
-- @module weft.geo.strategies.star

local check = require "weft.check"
local fail = require "weft.fail"
local models = require "weft.geo.models"
local plans = require "weft.geo.plan"

local M = { name = "star", brief = "parameter servers, nothing added up on the way" }

M.options = {
  root = { type = "integer", default = 1, min = 1, brief = "where the server is, if there is one" },
  servers = { type = "integer", default = 1, min = 1, brief = "servers in data centres 1 to this" },
  routes = { type = "enum", choices = { "hop", "bw" }, default = "hop" },
  chunk = { type = "number", default = models.BOUND, min = 1, brief = "elements" },
}

-- Tensors of this size and more are split over all servers (MXNET_KVSTORE_BIGARRAY_BOUND).
local BIG = 1000000

-- MXNET's rule: small tensors go to one server by their key, large ones are split over all, at
-- places that are rounded, halves up.
local function stock_pieces(tensors, servers)
  local pieces, server_of = {}, {}
  for i, elements in ipairs(tensors) do
    local key = i - 1
    if elements < BIG then
      pieces[#pieces + 1] = { elements = elements, key = key }
      server_of[#pieces] = 9973 * key % servers + 1
    else
      local from = 0
      for s = 1, servers do
        local to = math.floor(elements * s / servers + 0.5)
        pieces[#pieces + 1] = { elements = to - from, key = key }
        server_of[#pieces], from = s, to
      end
    end
  end
  return pieces, server_of
end

--- The tree of one server.
-- @tparam Plan plan
-- @tparam number root
-- @tparam string routes "hop" or "bw"
-- @treturn number of the tree
function M.add_server(plan, root, routes)
  local parent = {}
  for u = 1, plan.overlay.nodes do
    if u ~= root then parent[u] = root end
  end
  return plan:add_tree { root = root, parent = parent, up = routes }
end

--- @see weft.geo.strategies
function M.plan(overlay, tensors, options)
  local given = check.options("geo.star", options or {}, M.options)
  if math.max(given.root, given.servers) > overlay.nodes then
    fail.raise("geo.star: expected servers in data centres 1 to %d, got %d", overlay.nodes,
      math.max(given.root, given.servers))
  end
  local plan = plans.new(overlay)
  if given.servers == 1 then
    local tree = M.add_server(plan, given.root, given.routes)
    plan:add_pieces(models.chunks(tensors, given.chunk), function() return tree end)
    return plan
  end
  for s = 1, given.servers do M.add_server(plan, s, given.routes) end
  local pieces, server_of = stock_pieces(tensors, given.servers)
  plan:add_pieces(pieces, function(_, i) return server_of[i] end)
  return plan
end

return M
