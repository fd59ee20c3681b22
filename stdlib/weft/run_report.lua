--- What a run was like, on one page: how far it came, congestion, threads, what was skipped.
-- @module weft.run_report
-- @usage print(sim:report())

local acceleration = require "weft.acceleration"
local core = require "weft.core"
local effect = require "weft.effect"
local report = require "weft.report"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local Report = {}
Report.__index = Report

local function threads_line(threads)
  local asked, used = threads.asked, threads.used
  if asked == 1 then return "1" end
  local text = ("%d of %d"):format(used, asked)
  return threads.text and used < asked and text .. ": " .. threads.text or text
end

local function congestion_line(stats, engine_name)
  if not core.engine_can(engine_name, "packets") then
    return ("engine '%s' has none; failed flows %.0f"):format(engine_name, stats.flows_failed)
  end
  local parts = {}
  for _, column in ipairs(report.congestion_columns) do
    local name, title, format = column[1], column[2], column[3]
    parts[#parts + 1] = ("%s %s"):format(title,
      format and format(stats[name]) or ("%.0f"):format(stats[name]))
  end
  return table.concat(parts, ", ")
end

--- Text: a line for each thing that one would ask.
function Report:__tostring()
  local stats = self.stats
  local lines = {
    { "run", ("%s at %s"):format(self.outcome or "not run", units.format_time(stats.now_ps)) },
    { "flows", ("%.0f of %.0f done, %.0f failed"):format(stats.flows_done, stats.flows_added,
      stats.flows_failed) },
    { "tasks", ("%.0f of %.0f done"):format(stats.tasks_done, stats.tasks_added) },
    { "events", ("%.0f; %s; fingerprint %s"):format(stats.events,
      util.counted(stats.packet_hops, "packet-hop"), stats.fingerprint) },
    { "congestion", congestion_line(stats, self.engine) },
    { "threads", threads_line(self.threads) },
  }
  local text = {}
  for i, line in ipairs(lines) do text[i] = ("%-16s%s"):format(line[1], line[2]) end
  if self.acceleration then text[#text + 1] = tostring(self.acceleration) end
  return table.concat(text, "\n")
end

--- @tparam Simulation sim
-- @treturn table prints as text; `outcome`, `engine` (its name), `stats` (as sim:stats()),
-- `threads` (as sim:threads()), `acceleration` (as sim:acceleration(), nil when it is off)
function M.new(sim)
  return setmetatable({
    outcome = sim.outcome, engine = sim.core:config().engine, stats = sim:stats(),
    threads = effect.threads(sim),
    acceleration = acceleration.is_on(sim) and sim:acceleration() or nil,
  }, Report)
end

return M
