--- An accelerated run of scenarios/wormhole.lua in numbers: what was skipped, and how far each flow
-- is off a run of the plain engine.

local util = require "weft.util"
local weft = require "weft"

local M = {}

-- Number of a (task, src, dst); a task sends from a host to another in an order of its own.
local function numbering(nodes)
  return function(task, src, dst) return (task * nodes + src) * nodes + dst end
end

-- Completion times by (task, src, dst), each a list in the order of the flows' beginning.
local function by_message(sim)
  local number, times, count = numbering(#sim.fabric.nodes), {}, 0
  for slice in sim:flows():slices() do
    local task, src, dst = slice:column "task", slice:column "src", slice:column "dst"
    local fct = slice:column "fct_ps"
    for i = 1, slice.count do
      local key = number(task[i], src[i], dst[i])
      local list = times[key]
      if not list then
        list = {}
        times[key] = list
      end
      list[#list + 1], count = fct[i], count + 1
    end
  end
  return times, count
end

--- Relative errors of completion times, a flow against the same one of another run, whichever
-- number it has there: a flow is told by its task, its hosts, and which one of these it is.
-- @tparam Simulation sim
-- @tparam Simulation truth
-- @treturn {number,...} |fct - true fct| / true fct, in the order of sim's flows of no meaning
-- @treturn number flows of either run that are not complete in both
function M.errors(sim, truth)
  local times, count = by_message(sim)
  local true_times, true_count = by_message(truth)
  local errors = {}
  for key, list in util.sorted_pairs(times) do
    local true_list = true_times[key] or {}
    for i, fct in ipairs(list) do
      local true_fct = true_list[i] or -1
      if fct >= 0 and true_fct >= 0 then
        errors[#errors + 1] = math.abs(fct - true_fct) / true_fct
      end
    end
  end
  return errors, math.max(count, true_count) - #errors
end

-- Times of iterations; none of a job that does not train.
local function iterations(job) return job:result().iterations or {} end

local function mean_iteration_s(job)
  local list, sum = iterations(job), 0
  for _, one in ipairs(list) do sum = sum + one.time_ps end
  return #list > 0 and sum / #list / 1e12 or nil
end

-- The largest error of an iteration's time, in per cent.
local function iteration_err_pct(job, true_job)
  local list, true_list, largest = iterations(job), iterations(true_job), nil
  for i, one in ipairs(list) do
    local true_ps = true_list[i] and true_list[i].time_ps
    if true_ps then
      largest = math.max(largest or 0, 100 * math.abs(one.time_ps - true_ps) / true_ps)
    end
  end
  return largest
end

-- What acceleration did, under the names of the report.
local function add_acceleration(row, sim)
  local did = sim:acceleration()
  for _, name in ipairs {
    "events_skipped", "events_skipped_pct", "hits", "misses", "followers", "steady_spans",
    "memo_spans", "interruptions", "largest_partition", "records", "memo_bytes",
    "error_estimate", "audited",
  } do
    row[name] = did[name]
  end
  if did.audited > 0 then
    for _, name in ipairs { "mean", "low", "high", "largest" } do
      row[("audit_%s_pct"):format(name)] = did.audit[name] and 100 * did.audit[name]
    end
  end
end

-- Mean, 99th percentile and largest of errors, in per cent, in fields that begin with a name.
local function add_errors(row, name, errors)
  if #errors == 0 then return end
  local found = weft.stats.summary(errors)
  for _, which in ipairs { "mean", "p99", "max" } do
    row[("%s_%s_err_pct"):format(name, which)] = 100 * found[which]
  end
end

local function add_comparison(row, run, plain)
  row.plain_wall_s, row.plain_cpu_s = plain.wall_s, plain.cpu_s
  row.plain_total_wall_s = plain.building_wall_s + plain.wall_s
  row.plain_iteration_s = mean_iteration_s(plain.job)
  row.iteration_err_pct = iteration_err_pct(run.job, plain.job)
  local stats = plain.sim:stats()
  row.plain_events, row.plain_fingerprint = stats.events, stats.fingerprint
  row.speedup = plain.wall_s / run.wall_s
  -- What the core itself says is what it would have taken for the packets skipped.
  row.events_skipped_pct = 100 * (1 - row.events / stats.events)
  local errors, unmatched = M.errors(run.sim, plain.sim)
  row.flows_unmatched = unmatched
  add_errors(row, "fct", errors)
  return errors
end

--- A run in numbers, beside one of the plain engine if there is one.
-- @tparam table run that has run, of build/wormhole.lua
-- @tparam ?table plain the same with the plain engine
-- @tparam ?table twin the same with links that are a little longer: how far it is off itself
-- @treturn table row
-- @treturn ?{number,...} M.errors of all flows
function M.row(run, plain, twin)
  local stats = run.sim:stats()
  local row = {
    accel = run.accel, wall_s = run.wall_s, cpu_s = run.cpu_s,
    total_wall_s = run.building_wall_s + run.wall_s, events = stats.events,
    flows = stats.flows_done, iteration_s = mean_iteration_s(run.job),
    memory_bytes = stats.memory_bytes, fingerprint = stats.fingerprint,
  }
  add_acceleration(row, run.sim)
  if not plain then return row end
  if twin then add_errors(row, "twin", (M.errors(twin.sim, plain.sim))) end
  return row, add_comparison(row, run, plain)
end

return M
