--- The watchdog: while a simulation runs, name the flows that make no progress.
-- A flow stalls when it is active and no byte has been delivered for the watchdog's patience. The
-- engine is asked four times in that while, between two slices of the run, so events, results and
-- fingerprint are the same with and without it.
-- @module weft.watchdog
-- @usage sim:run { watchdog = "5ms" }

local core = require "weft.core"
local fail = require "weft.fail"
local units = require "weft.units"
local unfinished = require "weft.unfinished"

local M = {}

-- Stalls that are described; in a fabric that is overloaded there may be one for every flow.
local MOST = 1000

-- Lines that are printed in a run.
local LINES = 20

-- Looks in the time of its patience: a stall is found at most a quarter late.
local LOOKS = 4

local Watchdog = {}
Watchdog.__index = Watchdog

--- @local
-- @tparam Simulation sim
-- @tparam number patience_ps
-- @tparam ?function report gets the list of flows that have stalled since its last call; nil:
-- they are printed on standard error
function M.new(sim, patience_ps, report)
  local self = setmetatable({
    sim = sim, patience_ps = patience_ps, report = report, known = {}, ever = {}, lines = 0,
    period_ps = math.max(1, math.floor(patience_ps / LOOKS)),
  }, Watchdog)
  self:look()
  return self
end

--- When to look next.
function Watchdog:next_look() return self.sim:now_ps() + self.period_ps end

-- Flows that are under way.
local function active_flows(sim)
  local rows = {}
  for _, row in ipairs(unfinished.rows(sim)) do
    if row.state == "active" then rows[#rows + 1] = row.flow end
  end
  return rows
end

--- Look, and report what is new. A flow that moves and stalls again is reported again.
-- @tparam[opt] boolean is_over nothing more will happen: whoever is under way has stalled, even if
-- it was not patience that ran out
function Watchdog:look(is_over)
  local sim, known, news = self.sim, {}, {}
  local flows, ports = sim:flows(), {}
  local rows = is_over and active_flows(sim) or sim.core:stalled(self.patience_ps)
  table.sort(rows)
  for _, flow in ipairs(rows) do
    known[flow] = true
    if not self.known[flow] and #sim.stalls >= MOST then
      sim.stalls.more = (sim.stalls.more or 0) + 1
    elseif not self.known[flow] then
      local row = unfinished.row(sim, flows, flow, ports)
      row.at_ps, row.again = sim:now_ps(), self.ever[flow]
      row.why = #row.trouble > 0 and table.concat(row.trouble, ", ") or "nothing wrong on its way"
      self.ever[flow] = true
      news[#news + 1] = row
      sim.stalls[#sim.stalls + 1] = row
    end
  end
  self.known = known
  -- Who is stuck at the end of a run is printed by that.
  if #news > 0 and (self.report or not is_over) then self:tell(news) end
end

-- The script's function. What it raises is the script's mistake, where it says.
local function call_report(report, rows)
  local good, err = pcall(report, rows)
  if good then return end
  local place, message = tostring(err):match("^([^\n]-:%d+): (.*)$")
  if type(err) ~= "string" or not place or core._is_interruption(err) then error(err, 0) end
  fail.at(place, "run: option 'on_stall': %s", message)
end

-- Give the news to the script, or print on standard error which flows have stalled for the first
-- time.
function Watchdog:tell(rows)
  if self.report then
    call_report(self.report, rows)
    return
  end
  local first = {}
  for _, row in ipairs(rows) do
    if not row.again then first[#first + 1] = row end
  end
  if #first == 0 or self.lines > LINES then return end
  self.lines = self.lines + 1
  local text = self.lines > LINES and "more flows without progress; see sim.stalls"
    or unfinished.sentence(first, "without progress for " .. units.format_time(self.patience_ps))
  io.stderr:write(("weft: at %s: %s\n"):format(units.format_time(first[1].at_ps),
    fail.printable(text)))
end

return M
