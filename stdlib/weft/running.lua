--- A run, piece by piece: to the next chunk of streamed flows, for the progress line, the watchdog
-- and snapshots, and to where something stops it. However it is cut, what happens is the same.
-- @module weft.running

local engine = require "weft.engine"
local snapshot = require "weft.travel.snapshot"
local stream = require "weft.workload.stream"
local travel = require "weft.travel"

local M = {}

-- Events between looks at the clock: some 50 ms. With a stop less at first, as what is beyond it
-- is run in vain.
local SLICE, FIRST_SLICE = 500000, 4096

local function run_core(sim, target_ps, events)
  return engine.call(sim.core.run, sim.core, target_ps < math.huge and target_ps or -1, events)
end

-- ---- stops ----

-- The first of the stops that has come, or nil.
local function first_due(sim, stops)
  for _, stop in ipairs(stops) do
    if stop:is_due(sim) then return stop end
  end
  return nil
end

-- The simulation has run past the first instant at which a stop is due: put it there. `before` is
-- what it was when none was. Between the two, time is halved until one instant is left.
local function locate(sim, stops, before)
  local first_ps, last_ps = before.at_ps, sim:now_ps()
  before:put_back(sim)
  run_core(sim, first_ps, 0) -- what is left of that instant
  if first_due(sim, stops) then
    last_ps = first_ps
    before:put_back(sim)
  end
  while last_ps - first_ps > 1 do
    local middle_ps = first_ps + math.floor((last_ps - first_ps) / 2)
    run_core(sim, middle_ps, 0)
    if first_due(sim, stops) then
      last_ps = middle_ps
      before:put_back(sim)
    else
      first_ps = middle_ps
      before:close()
      before = snapshot.take(sim, true)
    end
  end
  for _, stop in ipairs(stops) do stop:note(sim) end
  run_core(sim, last_ps, 0)
  before:close()
end

-- Run until a function of the script says so, which is asked after each event.
local function run_asking(sim, asked, target_ps, events)
  for _ = 1, events do
    local outcome = run_core(sim, target_ps, 1)
    if asked.f(sim) then return outcome, true end
    if outcome ~= "budget" then return outcome end
  end
  return "budget"
end

local function run_plainly(sim, _, target_ps, events) return run_core(sim, target_ps, events) end

-- One piece: its outcome, and the stop that has come, where the run then is.
local function run_piece(sim, stops, target_ps, events)
  if not stops then return run_core(sim, target_ps, events) end
  local before = #stops > 0 and snapshot.take(sim, true)
  local run = stops.asked and run_asking or run_plainly
  local outcome, is_there = run(sim, stops.asked, target_ps, events)
  if not first_due(sim, stops) then
    if before then before:close() end
    return outcome, is_there and stops.asked
  end
  locate(sim, stops, before)
  return "until", first_due(sim, stops)
end

-- ---- slices ----

-- How many events a piece may have; 0: as many as there are.
local function size_of(self, left, fewest)
  local size = fewest or (self.reporter or self.is_kept) and SLICE or 0
  if not left then return size end
  return size == 0 and left or math.min(left, size)
end

local function look_around(self, sim, outcome)
  if self.dog then self.dog:look(outcome == "done" and #sim.streams == 0) end
end

local function tell(self, sim)
  if self.is_kept then travel.pass(sim) end
  if not self.reporter then return end
  -- How much is left is known only when all has been read.
  self.reporter.total_bytes = #sim.streams == 0 and sim.total_bytes or 0
  self.reporter:report(sim:stats())
end

--- Run to the end, or to a limit.
-- @tparam Simulation sim
-- @tparam table limits `stop_at` (ps), `events`
-- @tparam table self `reporter`, `dog` (a watchdog), `stops` (see weft.stops), `is_kept` (snapshots
-- are taken), each or nil. Without any of these the core runs in one go, or from one chunk of
-- streamed flows to the next.
-- @treturn string outcome
-- @treturn ?table the stop at which it is
function M.run(sim, limits, self)
  local left, never = limits.events, math.huge
  local fewest = self.stops and FIRST_SLICE
  local asked = self.stops and self.stops.asked
  if asked and asked.f(sim) then return "until", asked end
  while true do
    local horizon, stop_at = stream.horizon_ps(sim), limits.stop_at or never
    local target = math.min(stop_at, horizon or never, self.dog and self.dog:next_look() or never)
    local before = left and sim.core:stats().events
    local outcome, stop = run_piece(sim, self.stops, target, size_of(self, left, fewest))
    if stop then return outcome, stop end
    -- Several threads stop at the end of a window, which may be some events later.
    if left then left = math.max(0, left - (sim.core:stats().events - before)) end
    fewest = fewest and math.min(2 * fewest, SLICE)
    look_around(self, sim, outcome)
    local to_horizon = horizon and horizon < stop_at
    if to_horizon and (outcome == "done" or outcome == "until" and target == horizon) then
      stream.pull(sim)
    elseif outcome ~= "budget" and (outcome ~= "until" or target == stop_at) then
      return outcome
    end
    if left == 0 then return "budget" end
    tell(self, sim)
  end
end

--- Run to a moment, as before.
-- @tparam Simulation sim
-- @tparam number at_ps
function M.to(sim, at_ps) M.run(sim, { stop_at = at_ps }, {}) end

return M
