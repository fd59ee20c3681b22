--- A simulation as it was at one moment: a fork of the engine's, and what Lua keeps beside it.
-- @module weft.travel.snapshot

local core = require "weft.core"
local engine = require "weft.engine"
local script = require "weft.travel.script"

local M = {}

local Snapshot = {}
Snapshot.__index = Snapshot

-- A table with what is in another.
local function copy_of(from)
  local copy = {}
  for key, value in pairs(from) do copy[key] = value end -- order-free: a copy
  return copy
end

-- Lists that only grow, and whose first elements stay what they are.
local LISTS = { "jobs", "changes", "announced" }

local FIELDS = { "total_bytes", "outcome", "said_spurious", "cc" }

local function keep_lua(sim)
  local kept = { counts = {}, fields = {}, watches = {}, works = {} }
  kept.streams = copy_of(sim.streams)
  for _, name in ipairs(LISTS) do kept.counts[name] = #sim[name] end
  for _, name in ipairs(FIELDS) do kept.fields[name] = sim[name] end
  for metric, objects in pairs(sim.watches) do -- order-free: a copy
    kept.watches[metric] = copy_of(objects)
  end
  for i, job in ipairs(sim.jobs) do
    if job.started.copy_to then kept.works[i] = copy_of(job.started) end -- a stream
  end
  return kept
end

--- Take one. The engine's part alone does for the time of one call of it.
-- @tparam Simulation sim
-- @tparam[opt] boolean is_bare without what Lua keeps
-- @tparam[opt] table totals of the engine now
-- @treturn Snapshot
function M.take(sim, is_bare, totals)
  totals = totals or sim.core:stats()
  return setmetatable({
    core = engine.call(sim.core.fork, sim.core),
    script = script.keep(sim.core),
    lua = not is_bare and keep_lua(sim) or nil,
    at_ps = totals.now_ps, bytes = totals.memory_bytes,
  }, Snapshot)
end

local function put_lua_back(sim, kept)
  for _, name in ipairs(FIELDS) do sim[name] = kept.fields[name] end
  for _, name in ipairs(LISTS) do
    for i = #sim[name], kept.counts[name] + 1, -1 do sim[name][i] = nil end
  end
  sim.watches, sim.streams = {}, copy_of(kept.streams)
  for metric, objects in pairs(kept.watches) do -- order-free: a copy
    sim.watches[metric] = copy_of(objects)
  end
  for i, job in ipairs(sim.jobs) do
    local was, started = kept.works[i], job.started
    if was then
      for key in pairs(started) do started[key] = was[key] end -- order-free: a copy
      for key, value in pairs(was) do started[key] = value end -- order-free: a copy
      started.next_flow = nil -- its source is opened again
    end
  end
  sim.found_partitions = nil
end

--- Make the simulation what it was. The snapshot stays.
-- @tparam Simulation sim
function Snapshot:put_back(sim)
  local copy = engine.call(self.core.fork, self.core)
  core._swap(sim.core, copy)
  copy:close()
  script.put_back(sim.core, self.script)
  if self.lua then put_lua_back(sim, self.lua) end
end

--- Free it.
function Snapshot:close() self.core:close() end

return M
