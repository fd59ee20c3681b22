--- GOAL schedules as jobs.
-- @module weft.workload.goal

local base = require "weft.workload.base"
local goal = require "weft.formats.goal"
local schedule = require "weft.workload.schedule"

local M = {}

local rule = base.extend(schedule.rule, {
  calc = { type = "time", min = 1, default = "1ns" },
})

--- A schedule in the GOAL language, in text or in binary, as LogGOPSim and ATLAHS have it; see
-- weft.formats.goal.
-- @tparam table options `file`; `ranks` (hosts in the order of the file's ranks; default: the first
-- of the fabric), `start`, `calc` (what one unit of calc takes; default 1ns)
-- @treturn Workload
-- @usage sim:add_job(weft.workload.goal { file = "allreduce.goal" })
function M.goal(options)
  return schedule.new("goal", options, rule, function(checked)
    return goal.read(checked.file, checked.calc)
  end)
end

return M
