--- What each of several jobs on one fabric lost to the others, and on which links.
--
-- Every job is run once more alone: on a fresh simulation of the same fabric, options and failures,
-- with the same start. Where a fabric has several equal paths, ecmp = "mix" draws a flow's by its
-- number, so that a job alone may have other collisions than beside others; `moved` counts the
-- flows that took another way. With ecmp = "pair" none does. Links are explained as weft.sharing
-- says.
-- @module weft.job_report
-- @usage
-- sim:run()
-- local report = sim:job_report()
-- print(report)
-- report:write_csv("jobs.csv", "links.csv")

local check = require "weft.check"
local core = require "weft.core"
local csv = require "weft.csv"
local fail = require "weft.fail"
local guard = require "weft.guard"
local json = require "weft.json"
local report = require "weft.report"
local results = require "weft.results"
local sharing = require "weft.sharing"
local stats = require "weft.stats"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local JobReport = {}
JobReport.__index = JobReport

-- Links that the text names for each job.
local NAMED = 5

-- Rows of the flows of each job, in the order of their numbers.
local function rows_by_job(flows, jobs)
  local rows = {}
  for j = 1, jobs do rows[j] = {} end
  for i, tag in ipairs(flows:column "tag") do
    local owner = sharing.owner(tag)
    if owner > 0 then rows[owner][#rows[owner] + 1] = i end
  end
  return rows
end

-- What the numbers leave out, in words: jobs that have not ended, and those that were to run alone.
local function gaps_of(self)
  local lines = {}
  for _, entry in ipairs(self.jobs) do
    if not entry.complete then
      lines[#lines + 1] = ("job %d is not complete: means are of its %s"):format(entry.job,
        util.counted(entry.done, "complete flow"))
    end
  end
  if self.cut_at then
    local last = #self.jobs
    lines[#lines + 1] = ("interrupted: %s not run alone to the end"):format(last == self.cut_at
      and ("job %d was"):format(last) or ("jobs %d to %d were"):format(self.cut_at, last))
  end
  return lines
end

-- Completion times of the job's flows that are complete.
local function completion_times(flows, rows)
  local fct, done = flows:column "fct_ps", {}
  for _, i in ipairs(rows) do
    if fct[i] >= 0 then done[#done + 1] = fct[i] end
  end
  return done
end

local function first_start(flows, rows)
  local start, first = flows:column "start_ps", math.huge
  for _, i in ipairs(rows) do first = math.min(first, start[i]) end
  return first
end

-- The ways of a job's flows by their ends: the n-th flow between two hosts is that of the other
-- run, whatever its number there.
local function ways(sim, flows, rows)
  local src, dst, found = flows:column "src", flows:column "dst", {}
  for _, i in ipairs(rows) do
    local key = ("%d>%d"):format(src[i], dst[i])
    local good, traffic = pcall(sim.core.flow_traffic, sim.core, i - 1)
    local list = found[key] or {}
    found[key] = list
    list[#list + 1] = good and table.concat(traffic.data_ports, ",") or ""
  end
  return found
end

local function count_moved(here, alone)
  local moved = 0
  for key, list in pairs(here) do -- order-free: a count
    for n, way in ipairs(list) do
      local other = alone[key] and alone[key][n]
      if other and way ~= "" and other ~= "" and way ~= other then moved = moved + 1 end
    end
  end
  return moved
end

-- The job on its own, from the same moment.
local function run_alone(self, one, o)
  local sim = one.sim:fresh()
  if o.prepare then o.prepare(sim) end
  if one.added_ps > 0 then sim:run { stop_at = one.added_ps / 1e12 } end
  local alone = sim:add_job(one.work)
  if sim.outcome == "interrupted" or sim:run { progress = o.progress } == "interrupted" then
    self.cut_at = one.number
    return
  end
  local flows = sim:flows()
  local rows = rows_by_job(flows, 1)[1]
  local entry = self.jobs[one.number]
  entry.alone_ps = alone:result().time_ps
  local done = completion_times(flows, rows)
  entry.alone_mean_fct_ps = #done > 0 and stats.mean(done) or nil
  entry.moved = count_moved(ways(one.sim, self.flows, self.rows[one.number]),
    ways(sim, flows, rows))
  if entry.time_ps and entry.alone_ps then
    entry.lost_ps = entry.time_ps - entry.alone_ps
    entry.slowdown = entry.time_ps / entry.alone_ps
  end
  if entry.mean_fct_ps and entry.alone_mean_fct_ps then
    entry.fct_slowdown = entry.mean_fct_ps / entry.alone_mean_fct_ps
  end
end

local function job_entry(self, one)
  local rows, result = self.rows[one.number], one:result()
  local done = completion_times(self.flows, rows)
  local entry = {
    job = one.number, kind = one.kind, flows = #rows, complete = result.complete,
    time_ps = result.time_ps, bytes = 0, done = #done,
  }
  if #rows > 0 then entry.start_ps = one.started.start_ps or first_start(self.flows, rows) end
  if #done > 0 then entry.mean_fct_ps = stats.mean(done) end
  if results.has_column(self.sim.core, "flows", "retransmits") then
    local again = self.flows:column "retransmits"
    entry.retransmits = 0
    for _, i in ipairs(rows) do entry.retransmits = entry.retransmits + again[i] end
  end
  return entry
end

-- What one job did on one port, and what the others did there while it ran.
local function link_entry(self, entry, port, given, sum_ps)
  local usage, row = self.usage, self.ports:row(port + 1)
  local stop_ps = entry.time_ps and entry.start_ps + entry.time_ps or self.now_ps
  local own, others = usage:between(port, entry.job, entry.start_ps, stop_ps)
  local room = row.rate_bps / 8e12 * (stop_ps - entry.start_ps) -- bytes
  return {
    job = entry.job, port = port, from = row.from_name, to = row.to_name,
    bytes = usage:bytes(port, entry.job), sent_bytes = row.tx_bytes,
    own_utilization = own / room, others_utilization = others / room,
    given_ps = given and given.given_ps or 0, given_flows = given and given.flows or 0,
    share = given and given.given_ps / sum_ps or 0,
    max_queue_bytes = row.max_queue_bytes, ecn_marks = row.ecn_marks, pauses = row.pauses,
    drops = row.drops,
  }
end

-- Links of a job, those first where its flows gave most to others.
local function links_of(self, entry, given)
  local links, sum = {}, 0
  for _, one in util.sorted_pairs(given) do sum = sum + one.given_ps end
  for port = 0, #self.ports - 1 do
    local bytes = self.usage:bytes(port, entry.job)
    if bytes > 0 then
      links[#links + 1] = link_entry(self, entry, port, given[port], sum)
      entry.bytes = entry.bytes + bytes
    end
  end
  table.sort(links, function(a, b)
    if a.given_ps ~= b.given_ps then return a.given_ps > b.given_ps end
    if a.others_utilization ~= b.others_utilization then
      return a.others_utilization > b.others_utilization
    end
    return a.port < b.port
  end)
  return links
end

local rule = {
  alone = { type = "boolean", default = true },
  prepare = { type = "function" },
  progress = { type = "boolean", default = false },
}

-- What is on which link is known from the flows of all jobs.
local function need_flows(sim)
  if #sim.jobs == 0 then fail.raise("job_report: expected jobs, and the simulation has none") end
  for _, one in ipairs(sim.jobs) do
    if one.work.options.keep_flows == false then
      fail.raise("job_report: job %d (%s) has keep_flows = false, so that what it has put on links"
        .. " is not known", one.number, one.kind)
    end
  end
end

--- Report on the jobs of a simulation as far as it has come; see Simulation:job_report.
-- @tparam Simulation sim
-- @tparam[opt] table options
-- @treturn JobReport
function M.new(sim, options)
  local o = check.options("job_report", options, rule)
  need_flows(sim)
  local self = setmetatable({
    sim = sim, flows = sim:flows(), ports = sim:ports(), now_ps = sim:now_ps(),
    usage = sharing.usage(sim), jobs = {},
  }, JobReport)
  self.rows = rows_by_job(self.flows, #sim.jobs)
  -- Without queues nobody waits for anybody.
  local has_queues = core.engine_can(sim.core:config().engine, "packets")
  local given = has_queues and self.usage:given() or {}
  for j, one in ipairs(sim.jobs) do
    local entry = job_entry(self, one)
    self.jobs[j] = entry
    entry.links = entry.start_ps and links_of(self, entry, given[j] or {}) or {}
    if o.alone and not self.cut_at then run_alone(self, one, o) end
  end
  self.unowned_bytes = 0
  for port = 0, #self.ports - 1 do
    self.unowned_bytes = self.unowned_bytes + math.abs(self.usage:unowned(port))
  end
  return self
end

local function ratio(value) return units.fixed(value, 3) end
local function percent(value) return units.fixed(100 * value, 1) .. " %" end

local job_columns = {
  { "job" }, { "kind" }, { "flows" }, { "bytes", "bytes on links", units.format_bytes },
  { "start_ps", "start", units.format_time }, { "time_ps", "time", units.format_time },
  { "alone_ps", "alone", units.format_time }, { "lost_ps", "lost", units.format_time },
  { "slowdown", "slowdown", ratio }, { "mean_fct_ps", "mean FCT", units.format_time },
  { "alone_mean_fct_ps", "FCT alone", units.format_time }, { "fct_slowdown", "ratio", ratio },
  { "moved" }, { "retransmits" },
}

local link_columns = {
  { "job" }, { "port" }, { "from" }, { "to" }, { "share", "share", percent },
  { "given_flows", "flows" }, { "given_ps", "given", units.format_time },
  { "own_utilization", "own", percent }, { "others_utilization", "others", percent },
  { "bytes", "bytes", units.format_bytes }, { "sent_bytes", "of", units.format_bytes },
  { "max_queue_bytes", "max queue", units.format_bytes }, { "ecn_marks", "marks" }, { "pauses" },
  { "drops" },
}

-- Columns without those of results that the engine does not have.
local function shown(self, columns, table_name)
  local list = {}
  for _, column in ipairs(columns) do
    local is_result = core.column_needs(table_name, column[1]) ~= nil
    if not is_result or results.has_column(self.sim.core, table_name, column[1]) then
      list[#list + 1] = column
    end
  end
  return list
end

-- Rows of all jobs' links.
local function link_rows(self, most)
  local rows = {}
  for _, entry in ipairs(self.jobs) do
    for i, link in ipairs(entry.links) do
      if i <= most then rows[#rows + 1] = link end
    end
  end
  return rows
end

--- Print a row for each job.
-- @tparam Report out of weft.report.new
function JobReport:print_jobs(out)
  check.argument("print_jobs", out, "report")
  out:table(shown(self, job_columns, "flows"), self.jobs)
end

--- Print a row for each job and link.
-- @tparam Report out of weft.report.new
-- @tparam[opt] number most links of a job; default: all that it used
function JobReport:print_links(out, most)
  check.argument("print_links", out, "report")
  if most ~= nil then check.argument("print_links: most", most, "number") end
  out:table(shown(self, link_columns, "ports"), link_rows(self, most or math.huge))
end

--- Text: the jobs, and where the flows of each gave way to others.
function JobReport:__tostring()
  local parts = {}
  local out = report.new("table", {
    write = function(_, ...)
      for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
    end,
  })
  self:print_jobs(out)
  local rows = {}
  for _, entry in ipairs(self.jobs) do
    for i, link in ipairs(entry.links) do
      if i <= NAMED and link.given_ps > 0 then rows[#rows + 1] = link end
    end
  end
  out:line("")
  if #rows == 0 then
    out:line("no flow gave way to another job")
  else
    out:line("where flows gave way to others (own, others: utilization while the job ran)")
    out:table(shown(self, link_columns, "ports"), rows)
  end
  for _, line in ipairs(gaps_of(self)) do out:line("%s", line) end
  if self.unowned_bytes > 0 then
    out:line("%s on links belong to no flow: sent again, lost, under way, or on a way left since",
      units.format_bytes(self.unowned_bytes))
  end
  return (table.concat(parts):gsub("\n$", ""))
end

local function names_of(columns)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column[1] end
  return names
end

--- Write the jobs, and if wanted their links, as CSV.
-- @tparam string jobs_path
-- @tparam[opt] string links_path
function JobReport:write_csv(jobs_path, links_path)
  csv.write(jobs_path, names_of(shown(self, job_columns, "flows")), self.jobs)
  if not links_path then return end
  csv.write(links_path, names_of(shown(self, link_columns, "ports")), link_rows(self, math.huge))
end

local function pick(columns, row)
  local object = {}
  for _, column in ipairs(columns) do object[column[1]] = row[column[1]] end
  return object
end

--- Write jobs with their links as JSON.
-- @tparam string path
function JobReport:write_json(path)
  local jobs = json.array {}
  for j, entry in ipairs(self.jobs) do
    jobs[j] = pick(job_columns, entry)
    jobs[j].links = json.array {}
    for i, link in ipairs(entry.links) do jobs[j].links[i] = pick(link_columns, link) end
  end
  util.write_file(path, json.encode({
    jobs = jobs, unowned_bytes = self.unowned_bytes, interrupted_at_job = self.cut_at,
  }, "  ") .. "\n")
end

guard.class("report", "job report", JobReport)

return M
