--- Orders of ranks for collectives: rings and trees over several NICs, servers one after the other.
-- One ring over servers of g GPUs leaves each server by one NIC only. With c channels the buffer is
-- split over c rings that leave by different NICs and that change servers on one rail: in the first
-- server ring c visits GPUs c, c+1, ... around to c-1; it enters the next server at GPU c-1, on the
-- same rail, and goes the other way round, and so on in turns. With an even number of servers every
-- hop between servers, the closing one included, stays on a rail, and with g channels every NIC
-- carries the same.
-- @module weft.rings

local fail = require "weft.fail"
local util = require "weft.util"

local M = {}

-- Ranks by their group (server), in the order of first appearance.
local function servers_of(what, why, fabric, ranks)
  return util.group_by(ranks, function(id)
    local node = fabric.nodes[id + 1]
    if node.group == nil then
      fail.raise("%s: %s hosts that are grouped into servers, and '%s' of %s is not", what, why,
        node.name, fabric.name)
    end
    return node.group
  end)
end

--- Ranks by their group (server), in the order of first appearance; all of one size, or an error.
-- @tparam string what for messages
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @treturn table list of lists of host ids
function M.by_server(what, fabric, ranks)
  local servers = servers_of(what, "channels need", fabric, ranks)
  for s = 2, #servers do
    if #servers[s] ~= #servers[1] then
      fail.raise("%s: channels: expected the same number of ranks in each server, got %d and %d",
        what, #servers[1], #servers[s])
    end
  end
  return servers
end

--- How many rings let every NIC carry the same: as many as there are ranks in each server. 1 for
-- ranks of one server, and where servers differ or are not known.
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @treturn number
function M.channels(fabric, ranks)
  local counts, servers = {}, 0
  for _, id in ipairs(ranks) do
    local group = fabric.nodes[id + 1].group
    if group == nil then return 1 end
    if not counts[group] then servers = servers + 1 end
    counts[group] = (counts[group] or 0) + 1
  end
  local each = #ranks / servers
  for _, count in pairs(counts) do -- order-free: all are the same, or it is 1
    if count ~= each then return 1 end
  end
  return servers > 1 and each or 1
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
-- @tparam[opt="allreduce"] string what for messages
-- @treturn table list of lists of host ids
function M.orders(fabric, ranks, channels, what)
  if channels == 1 then return { ranks } end
  local servers, orders = M.by_server(what or "allreduce", fabric, ranks), {}
  for c = 0, channels - 1 do orders[c + 1] = ring(servers, c) end
  return orders
end

--- The ranks server by server, and in a server by the numbers of its hosts, so that equal places
-- are on one rail. One server may have fewer than the others; it comes last.
-- @tparam string what for messages
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @tparam[opt] number per_server so many ranks at a time; default: as the fabric groups its hosts
-- @tparam[opt="hierarchical"] string algorithm for messages
-- @treturn table host ids
-- @treturn number ranks of a server
function M.tiers(what, fabric, ranks, per_server, algorithm)
  algorithm = algorithm or "hierarchical"
  if per_server then
    if per_server > #ranks then
      fail.raise("%s: per_server: expected at most the %d ranks, got %d", what, #ranks, per_server)
    end
    return ranks, per_server
  end
  local why = ("algorithm '%s' needs"):format(algorithm)
  local servers = servers_of(what, why, fabric, ranks)
  local most, order, short = 0, {}, nil
  for _, members in ipairs(servers) do
    table.sort(members)
    most = math.max(most, #members)
  end
  for _, members in ipairs(servers) do
    if #members == most then
      for _, id in ipairs(members) do order[#order + 1] = id end
    elseif short then
      fail.raise("%s: algorithm '%s': expected the same number of ranks in each server but one, "
        .. "got %d, %d and %d", what, algorithm, most, #short, #members)
    else
      short = members
    end
  end
  for _, id in ipairs(short or {}) do order[#order + 1] = id end
  return order, most
end

--- An order for each channel in which another rank of every server comes first.
-- @tparam table order host ids, server by server
-- @tparam number per_server
-- @tparam number channels
-- @treturn table list of lists of host ids
function M.rotations(order, per_server, channels)
  local orders = {}
  for c = 0, channels - 1 do
    local turned = {}
    for first = 0, #order - 1, per_server do
      local size = math.min(per_server, #order - first)
      for i = 0, size - 1 do turned[#turned + 1] = order[first + (i + c) % size + 1] end
    end
    orders[c + 1] = turned
  end
  return orders
end

return M
