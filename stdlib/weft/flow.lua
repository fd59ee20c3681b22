--- One flow, to be asked again and again. Collectives without kept flows use rows of the table
-- again; this one tells when its row is another flow's.
-- @module weft.flow
-- @usage
-- local flow = sim:flow(0)
-- sim:run()
-- print(flow.fct_ps, flow.slowdown)

local check = require "weft.check"
local engine = require "weft.engine"
local era = require "weft.travel.era"
local fail = require "weft.fail"
local incomplete = require "weft.incomplete"
local results = require "weft.results"

local M = {}

local row_rule = { type = "integer", min = 0, max = 2 ^ 31 - 1 }

local Flow = {}

--- Any column of the table of flows, as it is now.
function Flow:__index(name)
  local sim, number = rawget(self, "sim"), rawget(self, "number")
  local undone = era.undone(sim.core, rawget(self, "era"), number)
  if undone then fail.raise("flow %d %s", number, undone) end
  if sim.core:flow_generation(number) ~= rawget(self, "generation") then
    fail.raise("flow %d is over, and its row is another flow's by now (keep_flows = false)", number)
  end
  incomplete.looked(sim.core)
  return results.table(sim.core, "flows", sim.fabric):slice(number, 1):column(name)[1]
end

function Flow:__tostring()
  local undone = era.undone(self.sim.core, self.era, self.number)
  if undone then return ("flow %d  %s"):format(self.number, undone) end
  return ("flow %d  %s -> %s  %.0f B"):format(self.number, self.src_name, self.dst_name,
    self.size_bytes)
end

--- @tparam Simulation sim
-- @tparam number number of the flow, from 0
-- @treturn table its columns as fields
function M.new(sim, number)
  check.value("flow", number, row_rule)
  local generation = engine.call(sim.core.flow_generation, sim.core, number)
  return setmetatable({ sim = sim, number = number, generation = generation,
    era = era.count(sim.core) }, Flow)
end

return M
