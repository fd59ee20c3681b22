--- Time travel: snapshots that runs take by themselves, and going back to where one was.
--
-- A snapshot is a fork of the simulation. Runs take one as they begin, if there is something new,
-- and from time to time, in bounded memory. sim:back puts the last one before a moment in place of
-- the present, within the same simulation, so that handles stay, and runs from there to the moment:
-- what comes is what came, to the bit.
-- @module weft.travel
-- @usage
-- sim:run { stop_at = "50us" }
-- sim:back "20us"
-- sim:degrade("h1-switch0", { factor = 1 / 4 })
-- sim:run()

local acceleration = require "weft.acceleration"
local check = require "weft.check"
local era = require "weft.travel.era"
local fail = require "weft.fail"
local incomplete = require "weft.incomplete"
local snapshot = require "weft.travel.snapshot"
local units = require "weft.units"

local M = {}

-- Bytes that all snapshots take at most, unless a simulation is given more; of a script's first
-- snapshot of a simulation, half of it.
local BOUND = 256 * 1024 * 1024

-- Seconds from one snapshot to the next at least, and how many times what one costs.
local PAUSE_S, PAUSE = 0.25, 20

-- A script that never goes back pays this part of its time for being able to, beyond the first
-- snapshot of each simulation.
local SHARE, GRACE_S = 0.05, 0.05

--- Whether a person sits there, who may go back at any time.
M.is_interactive = false

local is_wanted = false -- a script has asked for something of this

-- Those of all simulations, for their memory; what they have cost.
local all, spent_s, turn = setmetatable({}, { __mode = "k" }), 0, 0

local function travel_of(sim)
  local self = sim.travel
  if not self then
    self = { list = {}, bound = BOUND, taken_s = 0, cost_s = 0 }
    sim.travel = self
    all[self] = true
  end
  return self
end

-- ---- memory ----

local function used_bytes()
  local bytes = 0
  for one in pairs(all) do -- order-free: a sum
    for _, kept in ipairs(one.list) do bytes = bytes + kept.bytes end
  end
  return bytes
end

-- What ends the time to which a snapshot leads: changes that no later one has.
local function shorten(kept, until_ps)
  if until_ps and until_ps < (kept.until_ps or math.huge) then kept.until_ps = until_ps end
end

local function drop(self, i)
  local kept, before = table.remove(self.list, i), self.list[i - 1]
  kept:close()
  if before then shorten(before, kept.is_new and kept.at_ps or kept.until_ps) end
end

-- The one whose loss is the least: between neighbours that are close; neither the first nor the
-- last.
local function least(list)
  local found, gap = nil, math.huge
  for i = 2, #list - 1 do
    local here = list[i + 1].at_ps - list[i - 1].at_ps
    if not list[i].is_new and here < gap then found, gap = i, here end
  end
  return found or (#list > 2 and 2 or nil)
end

-- The simulation with snapshots that has run the longest ago, but for one.
local function idle_one(but)
  local found
  for other in pairs(all) do -- order-free: the least of a number that no two have
    if other ~= but and #other.list > 0 and (not found or other.turn < found.turn) then
      found = other
    end
  end
  return found
end

-- Have room for so many bytes more; whether there is.
local function make_room(self, bytes)
  if bytes > self.bound / 2 then return false end
  while used_bytes() + bytes > self.bound do
    local other = idle_one(self)
    if other then
      while #other.list > 0 do drop(other, #other.list) end
    else
      local i = least(self.list)
      if not i then return false end
      drop(self, i)
    end
  end
  return true
end

-- ---- taking ----

local function may_spend(self)
  if M.is_interactive or is_wanted or #self.list == 0 then return true end
  return spent_s + self.cost_s < GRACE_S + SHARE * os.clock()
end

-- Take a snapshot, if there is room and it is worth it; whether it was taken.
local function take(sim, self, is_new, totals)
  if not may_spend(self) or not make_room(self, totals.memory_bytes) then return false end
  local began = os.clock()
  local kept = snapshot.take(sim, false, totals)
  self.taken_s = os.clock()
  self.cost_s = self.taken_s - began
  spent_s = spent_s + self.cost_s
  kept.is_new, kept.is_first = is_new, not self.is_begun
  self.is_begun = true
  self.list[#self.list + 1] = kept
  return true
end

-- Whether a script has done something to the simulation since it last ran.
local function is_touched(sim, self, totals)
  local known = self.known
  return sim.is_touched or not known or known.flows ~= totals.flows_added
    or known.tasks ~= totals.tasks_added
end

--- A run begins.
-- @tparam Simulation sim
function M.begin(sim)
  local self = travel_of(sim)
  turn = turn + 1
  self.turn = turn
  local totals = sim.core:stats()
  self.began_ps = totals.now_ps
  if not is_touched(sim, self, totals) then return end
  local last = self.list[#self.list]
  if not take(sim, self, true, totals) and last then shorten(last, self.began_ps) end
  self.is_begun = true
  sim.is_touched = nil
end

--- A run goes on: between two slices of it.
-- @tparam Simulation sim
function M.pass(sim)
  local self = travel_of(sim)
  if os.clock() - self.taken_s < math.max(PAUSE_S, PAUSE * self.cost_s) then return end
  if not take(sim, self, false, sim.core:stats()) then self.taken_s = os.clock() end
end

--- A run is over.
-- @tparam Simulation sim
function M.finish(sim)
  local totals = sim.core:stats()
  travel_of(sim).known = { flows = totals.flows_added, tasks = totals.tasks_added }
end

--- Whether a run is to be cut into slices for snapshots. Where events are skipped, each cut makes
-- the engine look up what it had skipped.
-- @tparam Simulation sim
-- @treturn boolean
function M.wants_slices(sim) return travel_of(sim).bound > 0 and not acceleration.is_on(sim) end

-- ---- going back ----

local time_rule = { type = "time", min = 0 }

-- The moment that is meant: "5us", 5e-6, "-5us" (ago), a breakpoint (its last stop), nil (where
-- the last run began).
local function target_of(sim, self, to)
  local now_ps = sim:now_ps()
  if to == nil then
    if not self.began_ps then fail.raise("back: the simulation has not run yet") end
    return self.began_ps
  end
  if type(to) == "table" and type(to.hits) == "table" then
    local last = to.hits[#to.hits]
    if not last then fail.raise("back: %s has not stopped a run yet", tostring(to)) end
    return last.at_ps
  end
  local ago = type(to) == "string" and to:match "^%s*%-(.*)$"
  local at_ps = check.value("back", ago or to, time_rule)
  if ago then at_ps = now_ps - at_ps end
  if at_ps < 0 or at_ps > now_ps then
    fail.raise("back: expected a time up to the present, %s, got %s", units.format_time(now_ps),
      fail.show(to))
  end
  return at_ps
end

-- The last snapshot from which a run leads to the moment as it was when it first came. What was
-- changed at a moment is undone by going back to it, but for what came before the first run.
local function find(self, at_ps)
  for i = #self.list, 1, -1 do
    local kept = self.list[i]
    local is_there = kept.at_ps == at_ps and (kept.is_first or not kept.is_new)
    if is_there or kept.at_ps < at_ps then
      return at_ps <= (kept.until_ps or math.huge) and i or nil
    end
  end
  return nil
end

local function describe_list(self)
  if #self.list == 0 then
    return "no snapshot is kept, as one takes more than half of the memory for them"
  end
  local parts = {}
  for _, kept in ipairs(self.list) do
    parts[#parts + 1] = units.format_time(kept.at_ps)
      .. (kept.until_ps and " to " .. units.format_time(kept.until_ps) or " on")
  end
  return "snapshots lead from " .. table.concat(parts, ", from ", math.max(1, #parts - 4))
end

-- What is of the future now says so.
local function forget_future(sim, at_ps, jobs_before)
  local now = {}
  for _, job in ipairs(sim.jobs) do now[job] = true end
  for _, job in ipairs(jobs_before) do
    if not now[job] then job.undone_ps = at_ps end
  end
  local stalls = {}
  for _, row in ipairs(sim.stalls) do
    if row.at_ps <= at_ps then stalls[#stalls + 1] = row end
  end
  sim.stalls = stalls
  for _, breakpoint in ipairs(sim.breaks or {}) do breakpoint:forget_after(at_ps) end
end

--- Go back in time: the simulation becomes what it was, and may be changed and run on. What was
-- changed at that moment is undone too; at the beginning of the first run it is as that began.
-- Without snapshots in time (see sim:snapshots) it cannot be.
-- @param[opt] to time since the beginning ("5us"), how long ago ("-5us"), or a breakpoint: when it
-- last stopped a run; default: where the last run began
-- @treturn Simulation itself
-- @usage sim:back "5us"
local function back(sim, to)
  is_wanted = true
  local self = travel_of(sim)
  local at_ps = target_of(sim, self, to)
  local i = find(self, at_ps)
  if not i then
    fail.raise("back: expected a time to which a snapshot leads, got %s; %s",
      units.format_time(at_ps), describe_list(self))
  end
  local jobs_before = {}
  for n, job in ipairs(sim.jobs) do jobs_before[n] = job end
  local kept = self.list[i]
  kept:put_back(sim)
  for n = #self.list, i + 1, -1 do drop(self, n) end
  kept.until_ps = nil
  if not (kept.is_first and kept.at_ps == at_ps) then
    require("weft.running").to(sim, at_ps)
    sim.outcome = "until"
  end
  M.finish(sim)
  self.began_ps = at_ps
  sim.is_touched = nil
  era.turn(sim.core, at_ps, sim.core:stats().flows_added)
  incomplete.forget(sim.core)
  forget_future(sim, at_ps, jobs_before)
  return sim
end

-- ---- what is kept ----

local List = {}

function List:__tostring()
  local text = {}
  for i, one in ipairs(self) do
    text[i] = ("at %s: %s"):format(units.format_time(one.at_ps), units.format_bytes(one.bytes))
  end
  text[#text + 1] = ("%s of %s"):format(units.format_bytes(self.bytes),
    units.format_bytes(self.memory))
  return table.concat(text, "\n")
end

local snapshots_rule = {
  memory = { type = "bytes", min = 0, brief = "Of all snapshots, at most; 0: none are taken." },
}

--- The snapshots that sim:back can go back to, and how much memory all of them may take.
-- @tparam[opt] table options `memory` (from now on; default 256 MiB; 0: none)
-- @treturn table list of `{ at_ps, bytes }`, prints as text; `bytes`, `memory`
-- @usage sim:snapshots { memory = "1GiB" }
local function snapshots(sim, options)
  local given = check.options("snapshots", options, snapshots_rule)
  local self = travel_of(sim)
  is_wanted = true
  if given.memory then
    self.bound = given.memory
    while #self.list > 0 and used_bytes() > self.bound do drop(self, least(self.list) or 1) end
  end
  local list = setmetatable({ bytes = 0, memory = self.bound }, List)
  for i, kept in ipairs(self.list) do
    list[i] = { at_ps = kept.at_ps, bytes = kept.bytes }
    list.bytes = list.bytes + kept.bytes
  end
  return list
end

--- Free the snapshots of a simulation.
-- @tparam Simulation sim
function M.close(sim)
  local self = sim.travel
  while self and #self.list > 0 do drop(self, #self.list) end
end

--- Give a class of simulations these methods.
-- @tparam table class
function M.install(class)
  class.back, class.snapshots = back, snapshots
end

return M
