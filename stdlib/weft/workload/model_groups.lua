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
  if algorithm == "hierarchical" then
    local what = ("%s: option '%s'"):format(job.kind, option)
    local order, each = rings.tiers(what, job.fabric, hosts)
    -- What ranks exchange all-to-all depends on their order.
    if group == "ep" and table.concat(order, " ") ~= table.concat(hosts, " ") then
      fail.raise("%s: hierarchical needs groups whose ranks are listed server by server", what)
    end
    return { algorithm = algorithm, orders = { order }, ranks_of_server = each }
  elseif algorithm ~= "ring" then
    return { algorithm = algorithm, orders = { hosts } }
  end
  local channels = o.channels or rings.channels(job.fabric, hosts)
  return { algorithm = algorithm, orders = rings.orders(job.fabric, hosts, channels, job.kind) }
end

return M
