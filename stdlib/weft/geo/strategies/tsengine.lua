--- TSEngine (Zhou et al., IEEE TNSM 2021), with rates known and whole models: who is ready to send
-- is paired with who else is; results are handed on to whom it is fastest.
-- @module weft.geo.strategies.tsengine

local check = require "weft.check"
local fail = require "weft.fail"
local maxmin = require "weft.geo.maxmin"
local models = require "weft.geo.models"
local routing = require "weft.geo.routes"

local M = { name = "tsengine", brief = "pairs of data centres that are ready, whole models" }

M.options = {
  root = { type = "integer", default = 1, min = 1 },
  routes = { type = "enum", choices = { "hop", "bw" }, default = "hop" },
}

-- By pair: links of the route, and its slowest rate.
local function pairs_of(overlay, kind)
  local routes, route_of, rate_of = routing.all(overlay, kind), {}, {}
  for u = 1, overlay.nodes do
    route_of[u], rate_of[u] = {}, {}
    for v = 1, overlay.nodes do
      if u ~= v then
        route_of[u][v], rate_of[u][v] = overlay:links_of(routes:route(u, v)), math.huge
        for _, link in ipairs(route_of[u][v]) do
          rate_of[u][v] = math.min(rate_of[u][v], overlay.rate_bps[link])
        end
      end
    end
  end
  return route_of, rate_of
end

-- Two are ready whenever this is asked: the one sends to the other.
local function push(overlay, root, rate_of, send)
  local ready = { root }
  for u = 1, overlay.nodes do
    if u ~= root then ready[#ready + 1] = u end
  end
  local function pair()
    while #ready >= 2 do
      local a, b = table.remove(ready, 1), table.remove(ready, 1)
      local sender, receiver = b, a
      if b == root or (a ~= root and rate_of[a][b] > rate_of[b][a]) then
        sender, receiver = a, b
      end
      send(sender, receiver, function()
        ready[#ready + 1] = receiver
        pair()
      end)
    end
  end
  pair()
end

local function pull(overlay, root, rate_of, send)
  local served = { [root] = true }
  local function ask(owner)
    local best
    for v = 1, overlay.nodes do
      if not served[v] and (not best or rate_of[owner][v] > rate_of[owner][best]) then best = v end
    end
    if not best then return end
    served[best] = true
    send(owner, best, function()
      ask(owner)
      ask(best)
    end)
  end
  ask(root)
end

--- One iteration; transfers share links by max-min fairness.
-- @tparam Overlay overlay
-- @tparam {number,...} tensors
-- @tparam ?table options
-- @treturn number seconds
-- @treturn {table,...} transfers in the order in which they begin: `phase`, `start_s`, `sender`,
-- `receiver`
function M.iterate(overlay, tensors, options)
  local given = check.options("geo.tsengine", options or {}, M.options)
  if given.root > overlay.nodes then
    fail.raise("geo.tsengine: root: expected 1 to %d, got %d", overlay.nodes, given.root)
  end
  local route_of, rate_of = pairs_of(overlay, given.routes)
  local bits = models.elements(tensors) * 32
  local network, transfers = maxmin.new(overlay), {}
  local function sender_of(phase)
    return function(sender, receiver, done)
      transfers[#transfers + 1] = { phase = phase, start_s = network.now, sender = sender,
        receiver = receiver }
      network:add(route_of[sender][receiver], bits, done)
    end
  end
  push(overlay, given.root, rate_of, sender_of "push")
  network:run()
  pull(overlay, given.root, rate_of, sender_of "pull")
  return network:run(), transfers
end

return M
