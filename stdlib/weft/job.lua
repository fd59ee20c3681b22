--- A workload at work: when it was done and how fast that was.
-- Bandwidths of collectives are those of nccl-tests: algorithm bandwidth = size / time; bus
-- bandwidth = algorithm bandwidth x the bus factor of the workload, such as 2 (n - 1) / n for
-- AllReduce; it does not depend on the number of ranks and compares with the rate of a link.
-- @module weft.job

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"
local incomplete = require "weft.incomplete"
local stats = require "weft.stats"
local unfinished = require "weft.unfinished"
local units = require "weft.units"

local M = {}

-- Flows up to which a job prints its slowdowns: they are sorted.
local SORTED = 100000

--- Engine tags from here on belong to jobs, those below to scripts.
M.FIRST_TAG = 0x80000000

local Job = {}
Job.__index = Job

--- What can be asked of a job, for help.
M.methods = Job

--- @local
function M.new(sim, work, number, tag, started)
  return setmetatable({
    sim = sim, work = work, kind = work.kind, number = number, tag = tag, started = started,
    added_ps = sim:now_ps(),
  }, Job)
end

--- The same job in a fork of its simulation.
-- @local
function Job:copy_to(sim)
  check.argument("job:copy_to", sim, "simulation")
  local started = self.started
  if started.copy_to then -- a stream
    started = started:copy_to(sim)
    if not started.ended then sim.streams[#sim.streams + 1] = started end
  end
  local copy = M.new(sim, self.work, self.number, self.tag, started)
  copy.added_ps = self.added_ps
  return copy
end

-- Rows of the job's flows, as far as they have started.
local function own_rows(self, flows)
  local rows = {}
  for i, tag in ipairs(flows:column "tag") do
    if tag == self.tag then rows[#rows + 1] = i end
  end
  return rows
end

--- Numbers of the job's flows, counted from 0 as in the core. Flows of a collective exist from
-- the moment they start.
-- @treturn table
function Job:flows()
  local ids = own_rows(self, self.sim:flows())
  for i = 1, #ids do ids[i] = ids[i] - 1 end
  return ids
end

--- The flows with the largest slowdown, worst first; flows that are not complete are left out.
-- @tparam number n how many at most
-- @treturn table numbers of flows, counted from 0
function Job:slowest(n)
  check.value("slowest", n, { type = "integer", min = 0 })
  local flows = self.sim:flows()
  local slowdown, rows = flows:column "slowdown", {}
  for _, i in ipairs(own_rows(self, flows)) do
    if slowdown[i] >= 0 then rows[#rows + 1] = i end
  end
  table.sort(rows, function(a, b)
    if slowdown[a] ~= slowdown[b] then return slowdown[a] > slowdown[b] end
    return a < b
  end)
  local ids = {}
  for i = 1, math.min(n, #rows) do ids[i] = rows[i] - 1 end
  return ids
end

local function collective_result(self)
  local result = { kind = self.kind, complete = true, ranks = self.started.ranks,
    size_bytes = self.started.size_bytes or self.work.options.size }
  local tasks, done = self.sim:tasks(), 0
  for _, task in ipairs(self.started.ends) do
    local ended = tasks:slice(task, 1):column "end_ps"[1]
    if ended < 0 then result.complete = false end
    done = math.max(done, ended)
  end
  if result.complete then
    local time_ps = done - self.started.start_ps
    result.time_ps = time_ps
    result.algorithm_bps = result.size_bytes * 8e12 / time_ps
    result.bus_bps = result.algorithm_bps * self.started.bus_factor
  end
  return result
end

local function flows_result(self)
  local result = { kind = self.kind, flows = self.started.count, size_bytes = self.started.bytes,
    done = 0, offered_bps = self.started.offered_bps }
  local first, last, of_done = math.huge, 0, {}
  for slice in self.sim:flows():slices() do
    local tag, fct, start = slice:column "tag", slice:column "fct_ps", slice:column "start_ps"
    local slowdown = slice:column "slowdown"
    for i = 1, slice.count do
      if tag[i] == self.tag then
        first = math.min(first, start[i])
        if fct[i] >= 0 then
          result.done = result.done + 1
          of_done[result.done] = slowdown[i]
          last = math.max(last, start[i] + fct[i])
        end
      end
    end
  end
  result.complete = self.started.ended and result.done == result.flows
  if result.done > 0 then result.slowdown = stats.summary(of_done) end
  if result.complete then result.time_ps = result.done > 0 and last - first or 0 end
  return result
end

--- Numbers about the job as far as it has come.
-- @treturn table `kind`, `complete`, `size_bytes`; when complete `time_ps`; collectives: `ranks`,
-- `algorithm_bps`, `bus_bps`; flows: `flows`, `done`, `slowdown` (as weft.stats.summary),
-- `offered_bps` (synthetic: payload by the load, expected); training:
-- `iterations` and `groups` (docs/workloads.md)
function Job:result()
  incomplete.looked(self.sim.core)
  if self.started.result then return self.started.result(self) end
  if self.started.pull then return flows_result(self) end -- a stream
  return collective_result(self)
end

local function describe_flows(result)
  local text = ("%d of %d flows complete, %s"):format(result.done, result.flows,
    units.format_bytes(result.size_bytes))
  if result.time_ps then text = text .. " in " .. units.format_time(result.time_ps) end
  if not result.slowdown then return text end
  local slowdown, parts = result.slowdown, {}
  for i, name in ipairs { "mean", "p50", "p99", "max" } do
    parts[i] = name .. " " .. units.fixed(slowdown[name], 3)
  end
  return ("%s; slowdown %s"):format(text, table.concat(parts, ", "))
end

-- What stops a job that is not complete.
local function and_stuck(self, text, result)
  local stuck = not result.complete and unfinished.describe(self.sim, self.tag)
  return stuck and text .. "; " .. stuck or text
end

--- One line for people. If flows of the job have failed it names them.
-- @treturn string
function Job:summary()
  local result = self:result()
  if self.started.describe then
    return and_stuck(self, self.started.describe(self, result), result)
  end
  if self.started.pull then return and_stuck(self, describe_flows(result), result) end
  local text = ("%s of %s over %d ranks"):format(self.kind, units.format_bytes(result.size_bytes),
    result.ranks)
  if not result.complete then return and_stuck(self, text .. ": not complete", result) end
  return ("%s: %s, algorithm bandwidth %s, bus bandwidth %s"):format(text,
    units.format_time(result.time_ps), units.format_bandwidth(result.algorithm_bps),
    units.format_bandwidth(result.bus_bps))
end

-- A line on a job of many flows that costs no list of them: what the simulation counts, if all of
-- its flows are the job's.
local function describe_many(self)
  local started, totals = self.started, self.sim.core:stats()
  local text = ("%.0f flows, %s"):format(started.count, units.format_bytes(started.bytes))
  if not started.ended then text = text .. ", and more to come" end
  if totals.flows_added == started.count then
    text = ("%s; %.0f done, %.0f failed"):format(text, totals.flows_done, totals.flows_failed)
  end
  return text .. "; job:summary() and job:result() tell more"
end

-- Text on a job that its simulation has yet to be given again, or nil.
local function undone(self)
  return self.undone_ps and ("one of the future: sim:back went to %s, when it was not there yet")
    :format(units.format_time(self.undone_ps))
end

function Job:__tostring()
  if self.undone_ps then return ("job %d: %s"):format(self.number, undone(self)) end
  local is_many = self.started.pull and self.started.count > SORTED
    and core._is_open(self.sim.core)
  return ("job %d: %s"):format(self.number, is_many and describe_many(self) or self:summary())
end

--- Time to completion, in picoseconds; an error if the job is not complete.
function Job:time_ps()
  incomplete.looked(self.sim.core)
  local result = self:result()
  if not result.time_ps then fail.raise("job %d (%s) is not complete", self.number, self.kind) end
  return result.time_ps
end

guard.class("job", "job", Job, function(value)
  if getmetatable(value) ~= Job then return false end
  local why = undone(value)
  return not why, why
end, "a")

return M
