--- Training of a model as a workload: its plan before it runs, its tasks when it is put to work.
-- @module weft.workload.model_job

local base = require "weft.workload.base"
local fail = require "weft.fail"
local options = require "weft.workload.model_options"
local planning = require "weft.workload.model_plan"
local results = require "weft.workload.model_result"
local tasks = require "weft.workload.model_tasks"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local TIME_MAX_PS = 1e18 -- 11 days

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

-- Computations that end beyond what the core counts are refused before anything is added.
local function check_end(kind, plan, slow)
  local longest = 0
  for rank = 0, #slow do longest = math.max(longest, slow[rank]) end
  local time_ps = plan.makespan_ps * plan.options.iterations * longest
  if time_ps > TIME_MAX_PS then
    fail.raise("%s: expected at most %s of computing, got %s", kind,
      units.format_time(TIME_MAX_PS), units.format_time(time_ps))
  end
end

-- Tasks for which the sources of the engine's events have numbers.
local TASKS_MAX = 2 ^ 28 - 1

-- Each operation computes on every rank of its stage: that many tasks at least.
local function check_tasks(kind, plan)
  local least = plan.options.iterations * #plan.order * plan.layout.size / plan.layout.pp
  if least > TASKS_MAX then
    fail.raise("%s: expected at most %d tasks, got at least %.0f: %s of %s on %s each", kind,
      TASKS_MAX, least, util.counted(plan.options.iterations, "iteration"),
      util.counted(#plan.order, "operation"), util.counted(plan.layout.size / plan.layout.pp,
      "rank"))
  end
end

-- Put the workload to work.
local function begin(work, sim, engine)
  local plan = work:plan()
  local hosts = resolve_hosts(work.kind, plan, sim.fabric)
  local slow = resolve_slow(work.kind, plan, sim.fabric, hosts)
  check_end(work.kind, plan, slow)
  check_tasks(work.kind, plan)
  local added = tasks.add(plan, {
    kind = work.kind, options = work.options, sim = sim, fabric = sim.fabric, core = sim.core,
    engine = engine, hosts = hosts, slow = slow, tag = work.tag, start_ps = work.start_ps,
  })
  local bytes = 0
  for _, row in ipairs(plan.traffic) do bytes = bytes + row.sent_bytes end
  return {
    ranks = #hosts, hosts = hosts, ends = added.ends, marks = added.marks, plan = plan,
    collectives = added.collectives, start_ps = work.start_ps,
    bytes = bytes * plan.options.iterations,
    title = ("%s %s"):format(work.kind, plan.shape.name),
    result = results.result, describe = results.describe, names = results.names,
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
