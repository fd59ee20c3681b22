--- What workloads from traces and schedules have in common: a graph of operations of ranks
-- (weft.formats.graph) becomes tasks on hosts, and a job that tells how long they took.
-- @module weft.workload.schedule

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local rings = require "weft.rings"
local units = require "weft.units"

local M = {}

--- Options that all of them take.
M.rule = {
  file = { type = "string", required = true },
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
}

--- Options of those that have collectives: rings that leave a server by different NICs, and the
-- largest message.
M.collective_rule = base.extend(M.rule, {
  channels = { type = "integer", default = 1, min = 1, max = 64 },
  chunk = { type = "bytes", min = 1 },
})

local has_channels = { allreduce = true, reduce_scatter = true, all_gather = true }

-- ---- operations as tasks ----

-- The tasks that stand for what an operation waits for, each once.
local function dependencies(lowering, id)
  local tasks, seen = {}, {}
  for earlier in lowering.graph:before(id) do
    local task = lowering.task[earlier]
    if task and not seen[task] then
      seen[task] = true
      tasks[#tasks + 1] = task
    end
  end
  return tasks
end

local function put_after(lowering, task, before)
  for _, dependency in ipairs(before) do
    lowering.engine.call(lowering.sim.core, "task_after", task, dependency)
  end
  return task
end

local function task_add(lowering, id, fields)
  fields.tag = lowering.tag
  fields.start_ps = lowering.start_ps + (lowering.graph.not_before[id] or 0)
  return lowering.engine.call(lowering.sim.core, "task_add", fields)
end

local function send_task(lowering, id)
  local net = lowering.graph
  lowering.bytes = lowering.bytes + net.amount[id]
  return task_add(lowering, id, {
    kind = "send", size_bytes = net.amount[id], src = lowering.hosts[net.rank[id] + 1],
    dst = lowering.hosts[net.peer[id] + 1],
  })
end

-- The rings of a collective: as many as `channels` says, but no more than a server has ranks of it,
-- and none that would carry nothing.
local function rings_of(lowering, what, ranks, size)
  local channels = lowering.channels or 1
  if channels == 1 or not has_channels[what.kind] then return { ranks } end
  local servers = rings.by_server(lowering.kind, lowering.sim.fabric, ranks)
  channels = math.min(channels, #servers[1], math.floor(size / #ranks))
  return rings.orders(lowering.sim.fabric, ranks, channels, lowering.kind)
end

-- Bytes that a collective delivers: every rank gets all but its own part, in an AllReduce twice.
local function bytes_of(what, size, place, where)
  local n, bytes = #what.ranks, 0
  if not what.volumes then
    return units.scaled(size, (n - 1) * (what.kind == "allreduce" and 2 or 1), "size", place, where)
  end
  for i, row in ipairs(what.volumes) do
    for j, part in ipairs(row) do bytes = bytes + (i ~= j and part or 0) end
  end
  return bytes
end

-- Hosts and size of a collective that moves something.
local function members_of(lowering, what)
  local ranks = {}
  for i, rank in ipairs(what.ranks) do ranks[i] = lowering.hosts[rank + 1] end
  return ranks, math.max(what.size_bytes, #ranks)
end

-- What the core is told of one of its rings.
local function part_of(lowering, what, order, size)
  return {
    kind = what.kind, ranks = order, size_bytes = size, root = what.root or 0,
    volumes = what.volumes, tag = lowering.tag, start_ps = lowering.start_ps,
    chunk_bytes = lowering.chunk or 0,
  }
end

-- Refuse ranks that send to each other and have no path, before anything is added.
local function check_paths(lowering)
  local net, sim, hosts, seen = lowering.graph, lowering.sim, lowering.hosts, {}
  net:each_pair(function(a, b) base.need_path(sim, hosts[a + 1], hosts[b + 1]) end)
  for id = 1, net.count do
    local what = net.collective[id]
    local key = what and what.kind .. table.concat(what.ranks, " ")
    if what and graph.is_moving(what) and (what.volumes or not seen[key]) then
      seen[key] = true
      local ranks, size = members_of(lowering, what)
      for _, order in ipairs(rings_of(lowering, what, ranks, size)) do
        base.need_collective(sim, lowering.engine,
          part_of(lowering, what, order, math.max(size, #order)))
      end
    end
  end
end

local function collective_task(lowering, id, before)
  local what = lowering.graph.collective[id]
  local ranks, size = members_of(lowering, what)
  lowering.bytes = lowering.bytes + bytes_of(what, size, lowering.graph.place,
    lowering.graph.where[id])
  local orders, parts = rings_of(lowering, what, ranks, size), {}
  for c, order in ipairs(orders) do
    parts[c] = lowering.engine.call(lowering.sim.core, "collective_add",
      part_of(lowering, what, order, base.share(size, #orders, c)))
    lowering.names[parts[c]] = lowering.graph.name[id]
    put_after(lowering, parts[c], before)
  end
  if #parts == 1 then return parts[1] end
  return put_after(lowering, task_add(lowering, id, { kind = "barrier" }), parts)
end

-- The task that stands for an operation; nil if it waits for nothing and takes no time.
local function make(lowering, id, before)
  local net = lowering.graph
  local kind = net.kind[id]
  if kind == graph.SEND and net.peer[id] ~= net.rank[id] then
    return put_after(lowering, send_task(lowering, id), before)
  elseif kind == graph.COMPUTE and net.amount[id] > 0 then
    local host = lowering.hosts[net.rank[id] + 1]
    return put_after(lowering, task_add(lowering, id, {
      kind = "compute", src = host, dst = host, duration_ps = net.amount[id],
    }), before)
  elseif kind == graph.COLLECTIVE and graph.is_moving(net.collective[id]) then
    return collective_task(lowering, id, before)
  elseif #before > 1 or net.not_before[id] then
    return put_after(lowering, task_add(lowering, id, { kind = "barrier" }), before)
  end
  return before[1]
end

-- Tasks of operations that nothing waits for, each once.
local function last_tasks(lowering)
  local net, ends, seen = lowering.graph, {}, {}
  for id = 1, net.count do
    local task = not net.wanted[id] and lowering.task[id]
    if task and not seen[task] then
      seen[task] = true
      ends[#ends + 1] = task
    end
  end
  if #ends == 0 then ends[1] = task_add(lowering, 0, { kind = "barrier" }) end
  return ends
end

local function lower(lowering)
  local net, names, members = lowering.graph, lowering.names, {}
  for _, id in ipairs(net.order) do
    local task = make(lowering, id, dependencies(lowering, id))
    lowering.task[id] = task
    if task and net.name[id] then names[task] = net.name[id] end
    if task and net.members[id] then
      members[task] = {}
      for i, rank in ipairs(net.members[id]) do members[task][i] = lowering.hosts[rank + 1] end
    end
  end
  return {
    ends = last_tasks(lowering), start_ps = lowering.start_ps, ranks = net.ranks,
    operations = net.count, bytes = lowering.bytes, names = names, members = members,
  }
end

-- ---- the job ----

-- What the job reports; see weft.job.
local function result_of(job)
  local started = job.started
  local result = {
    kind = job.kind, complete = true, ranks = started.ranks, operations = started.operations,
    size_bytes = started.bytes,
  }
  local ends, done = job.sim:tasks():column "end_ps", started.start_ps
  for _, task in ipairs(started.ends) do
    if ends[task + 1] < 0 then result.complete = false end
    done = math.max(done, ends[task + 1])
  end
  if result.complete then result.time_ps = done - started.start_ps end
  return result
end

local function describe(_, result)
  return ("%s of %d operations over %d ranks, %s: %s"):format(result.kind, result.operations,
    result.ranks, units.format_bytes(result.size_bytes),
    result.complete and units.format_time(result.time_ps) or "not complete")
end

-- The hosts of the ranks; without a choice the first of the fabric.
local function hosts_of(work, sim, count)
  local hosts = base.resolve_ranks(work.kind, sim.fabric, work.options.ranks)
  if #hosts < count then
    fail.raise("%s: '%s' has %d ranks, got %d hosts%s", work.kind, work.options.file, count, #hosts,
      work.options.ranks and " in option 'ranks'" or " in " .. sim.fabric.name)
  end
  return hosts
end

--- Put a graph to work; what the function `begin` of a workload does.
-- @tparam table work as begin gets it
-- @tparam Simulation sim
-- @tparam table engine
-- @tparam table net weft.formats.graph, finished
-- @treturn table what the job is to know, and for traces `names` and `members` (hosts) of tasks
function M.begin(work, sim, engine, net)
  local hosts = hosts_of(work, sim, net.ranks)
  local lowering = {
    graph = net, sim = sim, engine = engine, tag = work.tag, start_ps = work.start_ps,
    kind = work.kind, channels = work.options.channels, chunk = work.options.chunk,
    hosts = hosts, task = {}, names = {}, bytes = 0,
  }
  check_paths(lowering)
  local started = lower(lowering)
  started.result, started.describe = result_of, describe
  return started
end

local function begin(work, sim, engine)
  return M.begin(work, sim, engine, work.graph)
end

--- A workload of a graph that does not depend on the fabric.
-- @tparam string kind
-- @tparam table options as the user gave them
-- @tparam table rule for them
-- @tparam function read gets the checked options, returns the graph
-- @treturn Workload
function M.new(kind, options, rule, read)
  local checked = check.options(kind, options, rule)
  return base.new { kind = kind, options = checked, graph = read(checked), begin = begin }
end

return M
