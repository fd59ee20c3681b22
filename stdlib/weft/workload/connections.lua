--- Connection matrices of htsim as jobs.
-- @module weft.workload.connections

local base = require "weft.workload.base"
local htsim = require "weft.formats.htsim"
local schedule = require "weft.workload.schedule"

local M = {}

local rule = base.extend(schedule.rule, { endless = { type = "bytes", min = 1 } })

--- A connection matrix of htsim, triggers included; see weft.formats.htsim.
-- @tparam table options `file`; `ranks` (hosts in the order of the file's nodes; default: the first
-- of the fabric), `start` (of the file's time 0), `endless` (bytes of connections of size 0, which
-- htsim never ends; default: such a connection is an error)
-- @treturn Workload
-- @usage sim:add_job(weft.workload.connections { file = "incast.cm" })
function M.connections(options)
  return schedule.new("connections", options, rule, function(checked)
    return htsim.read(checked.file, checked.endless)
  end)
end

return M
