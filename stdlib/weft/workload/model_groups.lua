--- How the collectives of a group are run: on which hosts, with which algorithm, in how many rings.
--
-- A ring that goes through several GPUs of a server leaves it by one NIC only. So a group of which
-- every server has g > 1 ranks shares a buffer between g rings that leave by different NICs
-- (weft.rings), as NCCL does, unless `channels` says otherwise. A group with one rank in each
-- server, or in one server only, has one ring.
-- @module weft.workload.model_groups

local fail = require "weft.fail"
local rings = require "weft.rings"

local M = {}

-- Hosts by server, in the order of first appearance; nil if they are not grouped into servers, or
-- not as many in each.
local function by_server(fabric, hosts)
  local servers, index = {}, {}
  for _, host in ipairs(hosts) do
    local server = fabric.nodes[host + 1].group
    if server == nil then return nil end
    if not index[server] then
      index[server] = #servers + 1
      servers[#servers + 1] = {}
    end
    local members = servers[index[server]]
    members[#members + 1] = host
  end
  for _, members in ipairs(servers) do
    if #members ~= #servers[1] then return nil end
  end
  return servers
end

-- Hosts such that those of a server follow one another.
local function in_turn(servers)
  local hosts = {}
  for _, members in ipairs(servers) do
    for _, host in ipairs(members) do hosts[#hosts + 1] = host end
  end
  return hosts
end

--- How a group runs its collectives.
-- @tparam table job `kind`, `fabric`, `hosts` (of each rank, from 1), `options`
-- @tparam string group tp, dp, ep, edp or embedding
-- @tparam {number,...} ranks
-- @treturn table `algorithm`, `orders` (list of rings, each a list of hosts; one for other
-- algorithms), `ranks_of_server` (hierarchical)
function M.new(job, group, ranks)
  local hosts, o = {}, job.options
  for i, rank in ipairs(ranks) do hosts[i] = job.hosts[rank + 1] end
  local option = (group == "edp" and "dp" or group) .. "_algorithm"
  local algorithm = o[option] or "ring"
  local servers = by_server(job.fabric, hosts)
  if algorithm == "hierarchical" then
    local sorted = servers and in_turn(servers)
    -- What ranks exchange all-to-all depends on their order.
    if not servers or group == "ep" and table.concat(sorted, " ") ~= table.concat(hosts, " ") then
      fail.raise("%s: option '%s': hierarchical needs groups with the same number of ranks in each"
        .. " server, server by server", job.kind, option)
    end
    return { algorithm = algorithm, orders = { sorted }, ranks_of_server = #servers[1] }
  end
  if algorithm ~= "ring" then return { algorithm = algorithm, orders = { hosts } } end
  local several = servers and #servers > 1 and #servers[1] or 1
  return { algorithm = algorithm, orders = rings.orders(job.fabric, hosts, o.channels or several) }
end

return M
