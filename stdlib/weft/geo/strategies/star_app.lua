--- One parameter server as NetStorm's application drives it: a worker pushes all tensors in the
-- order of their keys, then pulls one after the other and waits for each.
-- @module weft.geo.strategies.star_app

local check = require "weft.check"
local fail = require "weft.fail"
local fifo = require "weft.geo.fifo"
local models = require "weft.geo.models"
local routing = require "weft.geo.routes"

local M = { name = "star_app", brief = "one parameter server, pulls one by one" }

M.options = {
  root = { type = "integer", default = 1, min = 1, brief = "where the server is" },
  routes = { type = "enum", choices = { "hop", "bw" }, default = "hop" },
  chunk = { type = "number", min = 1, brief = "elements of a message; default: a whole tensor" },
}

-- Pieces of each key: bits, contributions that the server lacks, and workers that wait for it.
local function keys_of(tensors, bound, workers)
  local keys = {}
  for _, chunk in ipairs(models.chunks(tensors, bound)) do
    local pieces = keys[chunk.key + 1] or {}
    keys[chunk.key + 1] = pieces
    pieces[#pieces + 1] = { bits = chunk.elements * 32, missing = workers, waiting = {} }
  end
  return keys
end

--- One iteration.
-- @tparam Overlay overlay
-- @tparam {number,...} tensors
-- @tparam ?table options
-- @treturn number seconds
function M.iterate(overlay, tensors, options)
  local given = check.options("geo.star_app", options or {}, M.options)
  local root = given.root
  if root > overlay.nodes then
    fail.raise("geo.star_app: root: expected 1 to %d, got %d", overlay.nodes, root)
  end
  local routes, up, down = routing.all(overlay, given.routes), {}, {}
  local keys = keys_of(tensors, given.chunk or math.huge, overlay.nodes - 1)
  local network = fifo.Network.new(overlay, {})
  local lacks = {} -- by worker: pieces of the key that it waits for
  for node = 1, overlay.nodes do
    if node ~= root then
      up[node] = overlay:links_of(routes:route(node, root))
      down[node] = overlay:links_of(routes:route(root, node))
    end
  end
  local function send(route, key, piece, node, is_pull)
    network:enqueue { route = route, hop = 1, bits = piece.bits, key = key, piece = piece,
      node = node, is_pull = is_pull }
  end
  -- The server answers piece by piece, each when it has been summed up.
  local function ask(key, node)
    if not keys[key] then return end
    lacks[node] = #keys[key]
    for _, piece in ipairs(keys[key]) do
      if piece.missing == 0 then
        send(down[node], key, piece, node, true)
      else
        table.insert(piece.waiting, node)
      end
    end
  end
  for key, pieces in ipairs(keys) do
    for node = 1, overlay.nodes do
      if node ~= root then
        for _, piece in ipairs(pieces) do send(up[node], key, piece, node, false) end
      end
    end
  end
  for node = 1, overlay.nodes do
    if node ~= root then ask(1, node) end
  end
  return (network:run(function(message)
    local key, piece, node = message.key, message.piece, message.node
    if message.is_pull then
      lacks[node] = lacks[node] - 1
      if lacks[node] == 0 then ask(key + 1, node) end
      return
    end
    piece.missing = piece.missing - 1
    if piece.missing > 0 then return end
    for _, one in ipairs(piece.waiting) do send(down[one], key, piece, one, true) end
  end))
end

return M
