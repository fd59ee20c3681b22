--- Placement: which hosts each of several jobs gets. Each function gives a list of ranks for every
-- job, to hand to workloads as `ranks`; no host is given twice.
-- @module weft.placement
-- @usage
-- local placed = weft.placement.spread(fabric, { 8, 8 })
-- sim:add_job(weft.workload.allreduce { size = "16MiB", ranks = placed[1] })

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local random = require "weft.random"
local util = require "weft.util"

local M = {}

-- The first switch of a host that is not inside its server.
local function leaf_of(fabric, id)
  for _, link in ipairs(fabric:links_of(id)) do
    local other = fabric.nodes[(link.a == id and link.b or link.a) + 1]
    if other.kind == "switch" then return other.id end
  end
  return nil
end

-- Servers are known by their NVLink switches, or by what a file says.
local function has_servers(fabric)
  if (fabric.attributes.gpus_per_server or 1) > 1 then return true end
  for _, node in ipairs(fabric.nodes) do
    if node.kind == "nvswitch" then return true end
  end
  return false
end

local BY = { type = "enum", choices = { "leaf", "group" } }

--- Hosts by what they have in common.
-- @tparam weft.Fabric fabric
-- @tparam[opt] string by "leaf" (the switch they hang on) or "group" (as the fabric groups them:
-- servers, pods); default: servers where there is NVLink, else leaves
-- @treturn {table,...} lists of host ids, in the order of their first hosts
function M.groups(fabric, by)
  check.argument("placement.groups", fabric, "fabric")
  if by ~= nil then check.value("placement.groups: by", by, BY) end
  by = by or (has_servers(fabric) and "group" or "leaf")
  return util.group_by(fabric:hosts(), function(id)
    local key
    if by == "leaf" then key = leaf_of(fabric, id) else key = fabric.nodes[id + 1].group end
    return key == nil and "none" or key
  end)
end

local function check_sizes(what, fabric, sizes)
  check.argument(what, fabric, "fabric")
  if type(sizes) ~= "table" or #sizes == 0 then
    fail.raise("%s: expected a list of the jobs' numbers of ranks, got %s", what,
      type(sizes) == "table" and "an empty list" or fail.show(sizes))
  end
  check.argument(what .. ": sizes", sizes, "list")
  local sum = 0
  for i, size in ipairs(sizes) do
    check.value(("%s: ranks of job %d"):format(what, i), size, { type = "integer", min = 1 })
    sum = sum + size
  end
  local hosts = #fabric:hosts()
  if sum > hosts then
    fail.raise("%s: expected at most the %d hosts of %s, got %d ranks", what, hosts, fabric.name,
      sum)
  end
end

-- Deal a list of hosts to the jobs, one after the other; ranks in the order of the fabric, in which
-- neighbours in rank are neighbours in place, unless they are to stay as dealt.
local function deal(hosts, sizes, as_dealt)
  local jobs, next_host = {}, 1
  for j, size in ipairs(sizes) do
    local ranks = {}
    for i = 1, size do ranks[i] = hosts[next_host + i - 1] end
    next_host = next_host + size
    if not as_dealt then table.sort(ranks) end
    jobs[j] = ranks
  end
  return jobs
end

-- As deal, but each job begins in a group of its own.
local function deal_whole(what, groups, sizes)
  local jobs, next_group = {}, 1
  for j, size in ipairs(sizes) do
    local ranks = {}
    while #ranks < size do
      local members = groups[next_group]
      if not members then
        fail.raise("%s: whole groups: no group left for job %d (%d of %d ranks placed)", what, j,
          #ranks, size)
      end
      for _, id in ipairs(members) do
        if #ranks < size then ranks[#ranks + 1] = id end
      end
      next_group = next_group + 1
    end
    table.sort(ranks)
    jobs[j] = ranks
  end
  return jobs
end

local function flatten(groups)
  local hosts = {}
  for _, members in ipairs(groups) do
    for _, id in ipairs(members) do hosts[#hosts + 1] = id end
  end
  return hosts
end

local packed_rule = { by = BY, whole = { type = "boolean", default = false } }

--- Jobs side by side: each fills one group of hosts after the other.
-- @tparam weft.Fabric fabric
-- @tparam {integer,...} sizes ranks of each job
-- @tparam[opt] table options `by` (see weft.placement.groups), `whole` (no two jobs share a group;
-- false)
-- @treturn {table,...} for each job a list of host ids
function M.packed(fabric, sizes, options)
  local what = "placement.packed"
  local o = check.options(what, options, packed_rule)
  check_sizes(what, fabric, sizes)
  local groups = M.groups(fabric, o.by)
  if o.whole then return deal_whole(what, groups, sizes) end
  return deal(flatten(groups), sizes)
end

local spread_rule = { by = BY }

--- Every job over as many groups as there are: hosts are dealt from each group in turn.
-- @tparam weft.Fabric fabric
-- @tparam {integer,...} sizes ranks of each job
-- @tparam[opt] table options `by` (see weft.placement.groups)
-- @treturn {table,...} for each job a list of host ids
function M.spread(fabric, sizes, options)
  local what = "placement.spread"
  local o = check.options(what, options, spread_rule)
  check_sizes(what, fabric, sizes)
  local groups, hosts, round = M.groups(fabric, o.by), {}, 0
  local found
  repeat
    round, found = round + 1, false
    for _, members in ipairs(groups) do
      if members[round] then
        hosts[#hosts + 1] = members[round]
        found = true
      end
    end
  until not found
  return deal(hosts, sizes)
end

local random_rule = {
  by = BY, whole = packed_rule.whole,
  seed = { type = "integer", default = 1, min = 0 },
  shuffle_ranks = { type = "boolean", default = false },
}

--- Hosts drawn at random.
-- @tparam weft.Fabric fabric
-- @tparam {integer,...} sizes ranks of each job
-- @tparam[opt] table options `seed` (1), `whole` (draw whole groups; false), `by`, `shuffle_ranks`
-- (ranks in the order drawn, not in that of the fabric; false)
-- @treturn {table,...} for each job a list of host ids
function M.random(fabric, sizes, options)
  local what = "placement.random"
  local o = check.options(what, options, random_rule)
  check_sizes(what, fabric, sizes)
  if o.whole and o.shuffle_ranks then
    fail.raise("%s: expected 'whole' or 'shuffle_ranks', got both", what)
  end
  local stream = random.stream(o.seed, "placement")
  if o.whole then return deal_whole(what, stream:shuffle(M.groups(fabric, o.by)), sizes) end
  return deal(stream:shuffle(fabric:hosts()), sizes, o.shuffle_ranks)
end

--- Hosts as listed, checked: all are hosts of the fabric, and none is in two jobs or twice in one.
-- @tparam weft.Fabric fabric
-- @tparam {table,...} lists for each job hosts by name or id, in the order of ranks
-- @treturn {table,...} for each job a list of host ids
function M.explicit(fabric, lists)
  check.argument("placement.explicit", fabric, "fabric")
  if type(lists) ~= "table" or #lists == 0 then
    fail.raise("placement.explicit: expected a list of hosts for each job, got %s",
      type(lists) == "table" and "an empty list" or fail.show(lists))
  end
  check.argument("placement.explicit", lists, "list")
  local jobs, owner = {}, {}
  for j, list in ipairs(lists) do
    if type(list) ~= "table" or #list == 0 then
      fail.raise("placement.explicit: job %d: expected a list of hosts, got %s", j,
        type(list) == "table" and "an empty list" or fail.show(list))
    end
    check.argument("placement.explicit: job " .. j, list, "list")
    jobs[j] = {}
    for i, which in ipairs(list) do
      local host = fabric:host(which)
      if owner[host.id] then
        fail.raise("placement.explicit: job %d: '%s' is in job %d already", j, host.name,
          owner[host.id])
      end
      jobs[j][i], owner[host.id] = host.id, j
    end
  end
  return jobs
end

return guard.module("placement", M)
