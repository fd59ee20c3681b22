--- Orders of ranks for ring collectives with several channels.
-- One ring over servers of g GPUs leaves each server by one NIC only. With c channels the buffer is
-- split over c rings that leave by different NICs and that change servers on one rail: in the first
-- server ring c visits GPUs c, c+1, ... around to c-1; it enters the next server at GPU c-1, on the
-- same rail, and goes the other way round, and so on in turns. With an even number of servers every
-- hop between servers, the closing one included, stays on a rail, and with g channels every NIC
-- carries the same.
-- @module weft.rings

local fail = require "weft.fail"

local M = {}

--- Ranks by their group (server), in the order of first appearance; all of one size, or an error.
-- @tparam string what for messages
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @treturn table list of lists of host ids
function M.by_server(what, fabric, ranks)
  local servers, index = {}, {}
  for _, id in ipairs(ranks) do
    local node = fabric.nodes[id + 1]
    local group = node.group
    if group == nil then
      fail.raise("%s: channels need hosts that are grouped into servers, and '%s' of %s is not",
        what, node.name, fabric.name)
    end
    if not index[group] then
      index[group] = #servers + 1
      servers[#servers + 1] = {}
    end
    local members = servers[index[group]]
    members[#members + 1] = id
  end
  for s = 2, #servers do
    if #servers[s] ~= #servers[1] then
      fail.raise("%s: channels: expected the same number of ranks in each server, got %d and %d",
        what, #servers[1], #servers[s])
    end
  end
  return servers
end

local function ring(servers, channel)
  local order = {}
  for s, members in ipairs(servers) do
    local g = #members
    for i = 0, g - 1 do
      local step = s % 2 == 1 and channel + i or channel - 1 - i
      order[#order + 1] = members[step % g + 1]
    end
  end
  return order
end

--- The ring of each channel.
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @tparam number channels 1: one ring in the order of the ranks
-- @treturn table list of lists of host ids
function M.orders(fabric, ranks, channels)
  if channels == 1 then return { ranks } end
  local servers, orders = M.by_server("allreduce", fabric, ranks), {}
  for c = 0, channels - 1 do orders[c + 1] = ring(servers, c) end
  return orders
end

return M
