--- What became of training: the time of each iteration, and what it consists of.
--
-- compute: mean time of the ranks at work. bubble: what more the iteration would take if messages
-- took no time, because stages wait for one another and all for the slowest. exposed: the rest,
-- which is communication that nothing hides. Computations count as long as they took, so a GPU
-- that was slow for a while is no fault of the network.
-- @module weft.workload.model_result

local schedule = require "weft.workload.model_schedule"
local traffic = require "weft.workload.model_traffic"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local COMPUTE = 0 -- kind of a task in the table of tasks

-- Time that each rank computes in the tasks from first to last.
local function work_of_ranks(columns, rank_of, first, last)
  local sums = {}
  for task = first + 1, last + 1 do
    if columns.kind[task] == COMPUTE then
      local rank = rank_of[columns.src[task]]
      sums[rank] = (sums[rank] or 0) + columns.end_ps[task] - columns.begin_ps[task]
    end
  end
  return sums
end

-- Mean time that a rank computes in an iteration, and the time of the iteration without messages:
-- its longest replica, of which the slowest tensor rank of each stage sets the pace.
local function without_communication(started, columns, rank_of, number)
  local plan, marks = started.plan, started.marks[number]
  local layout, work, optimizer = plan.layout, 0, 0
  local paces = {} -- operation -> replica -> time
  for i in ipairs(plan.order) do
    local sums = work_of_ranks(columns, rank_of, marks[i], marks[i + 1] - 1)
    paces[i] = {}
    for rank = 0, layout.size - 1 do
      if sums[rank] then
        local _, d = layout:place(rank)
        work = work + sums[rank]
        paces[i][d] = math.max(paces[i][d] or 0, sums[rank])
      end
    end
  end
  local sums = work_of_ranks(columns, rank_of, marks[#marks], started.ends[number])
  for rank = 0, layout.size - 1 do
    work = work + (sums[rank] or 0)
    optimizer = math.max(optimizer, sums[rank] or 0)
  end
  local longest = 0
  for d = 0, layout.dp - 1 do
    local i = 0
    local time = schedule.makespan(plan.order, function()
      i = i + 1
      return paces[i][d]
    end)
    longest = math.max(longest, time)
  end
  return work / layout.size, longest + optimizer
end

-- Bus bandwidth of each kind of group: over all of its collectives, bytes by time.
local function bus_bandwidths(collectives, columns)
  local rows = {}
  for _, group in ipairs { "tp", "ep", "dp", "edp", "embedding" } do
    local moved, time_ps, done = 0, 0, 0
    for _, one in ipairs(collectives[group] or {}) do
      local first, last = columns.begin_ps[one.first + 1], columns.end_ps[one.last + 1]
      if first >= 0 and last > first then
        moved = moved + one.bytes * traffic.rounds[one.kind] * (one.ranks - 1) / one.ranks
        time_ps, done = time_ps + last - first, done + 1
      end
    end
    if done > 0 then
      rows[#rows + 1] = { group = group, collectives = done, bus_bps = moved * 8e12 / time_ps }
    end
  end
  return rows
end

--- Numbers of a job as far as it has come.
-- @tparam Job job
-- @treturn table `kind`, `complete`, `ranks`, `size_bytes`, `iterations` (list of `{ time_ps,
-- compute, bubble, exposed }`, parts of 1), `groups` (list of `{ group, collectives, bus_bps }`),
-- when complete `time_ps`
function M.result(job)
  local started, columns, rank_of = job.started, {}, {}
  local tasks = job.sim:tasks()
  for _, name in ipairs { "kind", "src", "begin_ps", "end_ps" } do
    columns[name] = tasks:column(name)
  end
  for i, host in ipairs(started.hosts) do rank_of[host] = i - 1 end
  local found = { kind = job.kind, ranks = started.ranks, size_bytes = started.bytes,
    iterations = {}, complete = true }
  local before = started.start_ps
  for i, task in ipairs(started.ends) do
    local done = columns.end_ps[task + 1]
    if done < 0 then
      found.complete = false
      break
    end
    local time_ps = done - before
    local work, chain = without_communication(started, columns, rank_of, i)
    -- A rank may begin an iteration while others still end the one before, so it can look shorter
    -- than its longest chain.
    chain = math.min(chain, time_ps)
    found.iterations[i] = {
      time_ps = time_ps, compute = work / time_ps, bubble = math.max(0, chain - work) / time_ps,
      exposed = (time_ps - chain) / time_ps,
    }
    before = done
  end
  if found.complete then found.time_ps = before - started.start_ps end
  found.groups = bus_bandwidths(started.collectives, columns)
  return found
end

--- Names of the tasks of a job, for its timeline: "forward 3" is micro-batch 3 on its way through
-- a stage, "allreduce dp" a collective.
-- @tparam table started what the job knows
-- @treturn table task -> name
function M.names(started)
  local names, plan = {}, started.plan
  for number, marks in ipairs(started.marks) do
    for i, op in ipairs(plan.order) do
      local name = ("%s %d"):format(op.backward and "backward" or "forward", op.micro)
      if plan.options.virtual_stages > 1 then name = ("%s, chunk %d"):format(name, op.chunk) end
      for task = marks[i], marks[i + 1] - 1 do names[task] = name end
    end
    for task = marks[#marks], started.ends[number] do names[task] = "optimizer" end
  end
  for group, list in util.sorted_pairs(started.collectives) do
    for _, one in ipairs(list) do
      for task = one.first, one.last do names[task] = one.kind .. " " .. group end
    end
  end
  return names
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

--- The result in a line.
-- @tparam Job job
-- @tparam table found of M.result
-- @treturn string
function M.describe(job, found)
  local list = found.iterations
  local text = ("%s over %s: "):format(job.started.title, util.counted(found.ranks, "GPU"))
  if #list < #job.started.ends then
    text = text .. ("%d of %d iterations complete"):format(#list, #job.started.ends)
    if #list == 0 then return text end
    text = text .. ", "
  end
  local function percent(name) return units.fixed(100 * mean(list, name), 1) end
  text = text .. ("%s %s; compute %s %%, bubble %s %%, communication exposed %s %%"):format(
    #list == 1 and "iteration" or "iterations", describe_times(list), percent "compute",
    percent "bubble", percent "exposed")
  local bus = {}
  for i, row in ipairs(found.groups) do
    bus[i] = ("%s %s"):format(row.group, units.format_bandwidth(row.bus_bps))
  end
  if #bus == 0 then return text end
  return text .. "; bus bandwidth " .. table.concat(bus, ", ")
end

return M
