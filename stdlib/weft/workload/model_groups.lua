--- How the collectives of a group are run: on which hosts, with which algorithm, in how many rings.
--
-- A ring that goes through several GPUs of a server leaves it by one NIC only. So a group of which
-- every server has g > 1 ranks shares a buffer between g rings that leave by different NICs
-- (weft.rings), as NCCL does, unless `channels` says otherwise. A group with a rank in each server,
-- or in one server only, has one ring.
-- @module weft.workload.model_groups

local fail = require "weft.fail"
local rings = require "weft.rings"

local M = {}

-- Ranks of a group in each server, if that is the same number in all of them and they are listed
-- server by server; and the number of servers.
local function ranks_of_server(fabric, hosts)
  local counts, seen = {}, {}
  local last
  for _, host in ipairs(hosts) do
    local server = fabric.nodes[host + 1].group
    if server == nil then return nil end
    if server ~= last then
      if seen[server] then return nil end
      seen[server], last = true, server
      counts[#counts + 1] = 0
    end
    counts[#counts] = counts[#counts] + 1
  end
  for _, count in ipairs(counts) do
    if count ~= counts[1] then return nil end
  end
  return counts[1], #counts
end

--- How a group runs its collectives.
-- @tparam table job `kind`, `fabric`, `hosts` (of each rank, from 1), `options`
-- @tparam string group tp, dp, ep, edp or embedding
-- @tparam {number,...} ranks
-- @treturn table `algorithm`, `orders` (list of rings, each a list of hosts; one, in the order of
-- the ranks, for other algorithms), `ranks_of_server` (hierarchical)
function M.new(job, group, ranks)
  local hosts, o = {}, job.options
  for i, rank in ipairs(ranks) do hosts[i] = job.hosts[rank + 1] end
  local algorithm = o[(group == "edp" and "dp" or group) .. "_algorithm"] or "ring"
  local each, servers = ranks_of_server(job.fabric, hosts)
  if algorithm == "hierarchical" then
    if not each then
      fail.raise("%s: option '%s_algorithm': hierarchical needs groups with the same number of"
        .. " ranks in each server, server by server", job.kind, group == "edp" and "dp" or group)
    end
    return { algorithm = algorithm, orders = { hosts }, ranks_of_server = each }
  end
  local channels = 1
  if algorithm == "ring" and each and each > 1 and servers > 1 then
    channels = o.channels or each
  end
  return { algorithm = algorithm, orders = rings.orders(job.fabric, hosts, channels) }
end

return M
