--- Training of a model as a workload: its plan before it runs, its tasks when it is added to a
-- simulation, and its iterations afterwards.
-- @module weft.workload.model_job

local base = require "weft.workload.base"
local fail = require "weft.fail"
local options = require "weft.workload.model_options"
local planning = require "weft.workload.model_plan"
local schedule = require "weft.workload.model_schedule"
local tasks = require "weft.workload.model_tasks"
local units = require "weft.units"

local M = {}

-- What nccl-tests multiply algorithm bandwidth with to get bus bandwidth.
local BUS = {
  allreduce = function(n) return 2 * (n - 1) / n end,
  reduce_scatter = function(n) return (n - 1) / n end,
  all_gather = function(n) return (n - 1) / n end,
  all_to_all = function(n) return (n - 1) / n end,
}

-- The host of each rank, from 1.
local function resolve_hosts(kind, plan, fabric)
  local layout, given = plan.layout, plan.options.ranks
  if type(given) == "table" then return base.resolve_ranks(kind, fabric, given) end
  local hosts = #fabric:hosts()
  if layout.size > hosts then
    fail.raise("%s: expected at most the %d hosts of %s, got tp %d x dp %d x pp %d = %d ranks",
      kind, hosts, fabric.name, layout.tp, layout.dp, layout.pp, layout.size)
  end
  return base.resolve_ranks(kind, fabric, layout.size)
end

-- rank -> how many times as long it computes; 1 for those that are not named.
local function resolve_slow(kind, plan, fabric, hosts)
  local slow, rank_of = {}, {}
  for i, host in ipairs(hosts) do slow[i - 1], rank_of[host] = 1, i - 1 end
  for which, factor in pairs(plan.options.slow_gpus) do -- order-free: each sets its own rank
    local rank = which
    if type(which) == "string" then rank = rank_of[fabric:host(which).id] end
    if not slow[rank] then
      fail.raise("%s: option 'slow_gpus': expected a host of the job or a rank 0 to %d, got %s",
        kind, #hosts - 1, fail.show(which))
    end
    slow[rank] = factor
  end
  return slow
end

-- Time of an iteration if messages took none, and the mean time that a rank computes in it. The
-- slowest tensor rank of each stage sets the pace of its replica.
local function without_communication(plan, slow)
  local layout, longest, work = plan.layout, 0, 0
  local uniform = true
  for rank = 0, layout.size - 1 do uniform = uniform and slow[rank] == slow[0] end
  for stage = 0, layout.pp - 1 do
    for d = 0, layout.dp - 1 do
      for t = 0, layout.tp - 1 do
        work = work + plan.busy_ps[stage] * slow[layout:rank(t, d, stage)]
      end
    end
  end
  for d = 0, uniform and 0 or layout.dp - 1 do
    local pace = {}
    for stage = 0, layout.pp - 1 do
      pace[stage] = 0
      for t = 0, layout.tp - 1 do
        pace[stage] = math.max(pace[stage], slow[layout:rank(t, d, stage)])
      end
    end
    longest = math.max(longest, (schedule.makespan(plan.order, function(op)
      return planning.compute_ps(plan, op) * pace[op.stage]
    end)))
  end
  return longest + plan.options.optimizer, work / layout.size
end

local function bus_bandwidths(collectives, begin_ps, end_ps)
  local rows = {}
  for _, group in ipairs { "tp", "ep", "dp", "edp", "embedding" } do
    local moved, time_ps, done = 0, 0, 0
    for _, one in ipairs(collectives[group] or {}) do
      local first, last = begin_ps[one.task + 1], end_ps[one.task + 1]
      if first >= 0 and last > first then
        moved = moved + one.bytes * BUS[one.kind](one.ranks)
        time_ps, done = time_ps + last - first, done + 1
      end
    end
    if done > 0 then
      rows[#rows + 1] = { group = group, collectives = done, bus_bps = moved * 8e12 / time_ps }
    end
  end
  return rows
end

-- What job:result() gives.
local function result(job)
  local started, table_of = job.started, job.sim:tasks()
  local ends = table_of:column "end_ps"
  local found = { kind = job.kind, ranks = started.ranks, size_bytes = started.bytes,
    iterations = {}, complete = true }
  local before = started.start_ps
  for i, task in ipairs(started.ends) do
    local done = ends[task + 1]
    if done < 0 then
      found.complete = false
      break
    end
    local time_ps = done - before
    -- A rank may begin an iteration while others still end the one before, so it can look shorter
    -- than its longest chain.
    local chain = math.min(started.chain_ps, time_ps)
    found.iterations[i] = {
      time_ps = time_ps,
      compute = started.work_ps / time_ps,
      bubble = math.max(0, chain - started.work_ps) / time_ps,
      exposed = (time_ps - chain) / time_ps,
    }
    before = done
  end
  if found.complete then found.time_ps = before - started.start_ps end
  found.groups = bus_bandwidths(started.collectives, table_of:column "begin_ps", ends)
  return found
end

local function mean(list, key)
  local sum = 0
  for _, one in ipairs(list) do sum = sum + one[key] end
  return sum / #list
end

-- Times of iterations: each of a few, else the mean and the range.
local function describe_times(list)
  local times, shortest, longest = {}, math.huge, 0
  for i, one in ipairs(list) do
    times[i] = units.format_time(one.time_ps)
    shortest, longest = math.min(shortest, one.time_ps), math.max(longest, one.time_ps)
  end
  if #times <= 4 then return table.concat(times, ", ") end
  return ("mean %s (%s to %s)"):format(units.format_time(mean(list, "time_ps")),
    units.format_time(shortest), units.format_time(longest))
end

-- What job:summary() gives, in a line.
local function describe(job, found)
  local list = found.iterations
  local text = ("%s over %d GPUs: "):format(job.started.title, found.ranks)
  if #list < #job.started.ends then
    text = text .. ("%d of %d iterations complete"):format(#list, #job.started.ends)
    if #list == 0 then return text end
    text = text .. ", "
  end
  text = text .. ("%s %s; compute %.1f %%, bubble %.1f %%, communication exposed %.1f %%"):format(
    #list == 1 and "iteration" or "iterations", describe_times(list), 100 * mean(list, "compute"),
    100 * mean(list, "bubble"), 100 * mean(list, "exposed"))
  local bus = {}
  for i, row in ipairs(found.groups) do
    bus[i] = ("%s %.2f GB/s"):format(row.group, row.bus_bps / 8e9)
  end
  if #bus == 0 then return text end
  return text .. "; bus bandwidth " .. table.concat(bus, ", ")
end

-- Put the workload to work.
local function begin(work, sim, engine)
  local plan = work:plan()
  local hosts = resolve_hosts(work.kind, plan, sim.fabric)
  local slow = resolve_slow(work.kind, plan, sim.fabric, hosts)
  for i = 2, #hosts do
    base.need_path(sim, engine, hosts[1], hosts[i])
    base.need_path(sim, engine, hosts[i], hosts[1])
  end
  local ends, collectives = tasks.add(plan, {
    core = sim.core, engine = engine, hosts = hosts, slow = slow, tag = work.tag,
    start_ps = work.start_ps,
  })
  local bytes = 0
  for _, row in ipairs(plan.traffic) do bytes = bytes + row.sent_bytes end
  local chain_ps, work_ps = without_communication(plan, slow)
  return {
    ranks = #hosts, ends = ends, start_ps = work.start_ps, collectives = collectives,
    bytes = bytes * plan.options.iterations, chain_ps = chain_ps, work_ps = work_ps,
    title = ("%s %s"):format(work.kind, plan.shape.name), result = result, describe = describe,
  }
end

-- The plan, made once; see weft.workload.model_plan.
local function plan_of(work)
  work.planned = work.planned or planning.new(work.setup)
  return work.planned
end

--- A workload that trains a model.
-- @tparam string kind "gpt" or "moe"
-- @tparam table given options
-- @treturn Workload
function M.new(kind, given)
  local setup = options.setup(kind, given)
  return base.new {
    kind = kind, options = setup.options, setup = setup, plan = plan_of, begin = begin,
  }
end

return M
