--- Plans: along which trees which pieces of the gradients go. All that a strategy decides.
--
-- A piece is summed up along its tree to the root and comes back down from there. The edges of a
-- tree are routes over the overlay; data centres in the middle of such a route pass on only.
-- @module weft.geo.plan
-- @usage
-- local plan = weft.geo.plan.new(overlay)
-- local tree = plan:add_tree { root = 1, parent = { [2] = 1, [3] = 2 } }
-- plan:add_pieces(weft.geo.models.chunks(tensors), function() return tree end)

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local overlays = require "weft.geo.overlay"
local resources = require "weft.geo.resources"
local routing = require "weft.geo.routes"

local M = {}

local Plan = {}
Plan.__index = Plan

-- Gradients are sent in single precision.
local BITS_PER_ELEMENT = 32

--- A plan without trees and pieces. Two fields are a strategy's to set: `choose`, a function that
-- gets the network, the nodes between which a message begins, its route as links and its bits, and
-- gives the route that it takes; and `by_piece`: where messages wait, those of earlier pieces go
-- first, be they on their way up or down.
-- @tparam Overlay overlay
-- @treturn Plan
function M.new(overlay)
  if not overlays.is(overlay) then
    fail.raise("geo.plan: expected an overlay, got %s", fail.show(overlay))
  end
  return setmetatable({ overlay = overlay, trees = {}, pieces = {}, routes = {} }, Plan)
end

--- Routes of the overlay, computed once.
-- @tparam string kind "bw" or "hop"
-- @treturn Routes
function Plan:routes_by(kind)
  self.routes[kind] = self.routes[kind] or routing.all(self.overlay, kind)
  return self.routes[kind]
end

-- Children by node in ascending order; an error unless all nodes lead to the root.
local function children_of(overlay, root, parent)
  local children = {}
  for u = 1, overlay.nodes do children[u] = {} end
  for u = 1, overlay.nodes do
    if u ~= root then
      local p = parent[u]
      if not children[p] or p == u then
        fail.raise("geo.plan: tree of %d: expected a parent of %d, got %s", root, u, fail.show(p))
      end
      table.insert(children[p], u)
    end
  end
  local reached = { root }
  for _, u in ipairs(reached) do
    for _, child in ipairs(children[u]) do reached[#reached + 1] = child end
  end
  if #reached ~= overlay.nodes then
    fail.raise("geo.plan: tree of %d: expected all data centres, got %d of %d", root, #reached,
      overlay.nodes)
  end
  return children
end

local tree_rule = {
  root = { type = "integer", required = true, min = 1 },
  parent = { type = "table", required = true, brief = "by node: who gets its sum" },
  pull_parent = { type = "table", brief = "by node: who sends it the result; default: parent" },
  up = { type = "enum", choices = { "bw", "hop", "direct" }, default = "hop",
    brief = "routes to the parent" },
  down = { type = "enum", choices = { "bw", "hop", "direct" }, brief = "routes from the parent" },
}

-- Routes of a tree's edges as links, by child.
local function edge_routes(self, root, parent, kind, from_parent)
  local routes = {}
  for u = 1, self.overlay.nodes do
    if u ~= root then
      local from, to = u, parent[u]
      if from_parent then from, to = to, from end
      local route = kind == "direct" and { from, to } or self:routes_by(kind):route(from, to)
      routes[u] = self.overlay:links_of(route)
    end
  end
  return routes
end

--- Add a tree.
-- @tparam table options `root`; `parent` by node, and `pull_parent` where results come down
-- another tree; `up` and `down`: along which routes, "bw" (cheapest), "hop" (fewest links) or
-- "direct" (the link); down is as up unless said
-- @treturn number of the tree in this plan
function Plan:add_tree(options)
  local given = check.options("geo.plan: tree", options, tree_rule)
  if given.root > self.overlay.nodes then
    fail.raise("geo.plan: tree: root: expected 1 to %d, got %d", self.overlay.nodes, given.root)
  end
  local pull_parent = given.pull_parent or given.parent
  self.trees[#self.trees + 1] = {
    root = given.root,
    parent = given.parent,
    children = children_of(self.overlay, given.root, given.parent),
    pull_children = children_of(self.overlay, given.root, pull_parent),
    up = edge_routes(self, given.root, given.parent, given.up, false),
    down = edge_routes(self, given.root, pull_parent, given.down or given.up, true),
  }
  return #self.trees
end

--- Add pieces.
-- @tparam {table,...} chunks `{ elements, key }`, as models.chunks gives
-- @tparam function tree_of gets a chunk and its place; gives the number of its tree
function Plan:add_pieces(chunks, tree_of)
  for i, chunk in ipairs(chunks) do
    local tree = tree_of(chunk, i)
    if not self.trees[tree] then
      fail.raise("geo.plan: piece %d: expected a tree from 1 to %d, got %s", i, #self.trees,
        fail.show(tree))
    end
    self.pieces[#self.pieces + 1] = {
      elements = chunk.elements, key = chunk.key, tree = tree,
      bits = chunk.elements * BITS_PER_ELEMENT,
    }
  end
end

--- Bits along each tree.
-- @treturn {number,...} by tree
function Plan:tree_bits()
  local bits = {}
  for i = 1, #self.trees do bits[i] = 0 end
  for _, piece in ipairs(self.pieces) do bits[piece.tree] = bits[piece.tree] + piece.bits end
  return bits
end

--- How often each link is on the edges of a tree, on the way up and down.
-- @tparam table tree of a plan
-- @treturn {number,...} up, by link
-- @treturn {number,...} down, by link
function Plan:tree_links(tree)
  local up, down = {}, {}
  for link = 1, self.overlay.links do up[link], down[link] = 0, 0 end
  for u = 1, self.overlay.nodes do
    if u ~= tree.root then
      for _, link in ipairs(tree.up[u]) do up[link] = up[link] + 1 end
      for _, link in ipairs(tree.down[u]) do down[link] = down[link] + 1 end
    end
  end
  return up, down
end

--- Bits over each link.
-- @treturn {number,...} up to the roots, by link
-- @treturn {number,...} down from the roots, by link
function Plan:link_bits()
  local up, down = {}, {}
  for link = 1, self.overlay.links do up[link], down[link] = 0, 0 end
  for i, bits in ipairs(self:tree_bits()) do
    local tree_up, tree_down = self:tree_links(self.trees[i])
    for link = 1, self.overlay.links do
      up[link] = up[link] + bits * tree_up[link]
      down[link] = down[link] + bits * tree_down[link]
    end
  end
  return up, down
end

--- What the busiest link, or the busiest cap, alone takes: no schedule of this plan is faster.
-- @treturn number seconds, when pieces come down as soon as they are summed up
-- @treturn number seconds, when all is summed up first
function Plan:bound_s()
  local up, down = self:link_bits()
  local both, push, pull = 0, 0, 0
  local used = resources.of(self.overlay)
  up, down = used:counts(up), used:counts(down)
  for link = 1, used.count do
    local rate = used.rate_bps[link]
    push, pull = math.max(push, up[link] / rate), math.max(pull, down[link] / rate)
    both = math.max(both, (up[link] + down[link]) / rate)
  end
  return both, push + pull
end

--- Whether a value is a plan.
function M.is(value) return getmetatable(value) == Plan end

guard.class("plan", "plan", Plan)

return guard.module("geo.plan", M)
