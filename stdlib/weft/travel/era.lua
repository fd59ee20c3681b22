--- What sim:back has undone: how often a simulation was taken back, and how far, for handles to
-- what came after.
-- @module weft.travel.era

local units = require "weft.units"

local M = {}

-- By simulation of the core: a list of `{ at_ps, flows }`, what was left each time.
local backs = setmetatable({}, { __mode = "k" })

--- Note that a simulation was taken back.
-- @param core
-- @tparam number at_ps
-- @tparam number flows how many it has
function M.turn(core, at_ps, flows)
  local list = backs[core] or {}
  backs[core] = list
  list[#list + 1] = { at_ps = at_ps, flows = flows }
end

--- How often it was.
function M.count(core) return backs[core] and #backs[core] or 0 end

--- Text on a handle of a flow that is undone, or nil.
-- @param core
-- @tparam number since count of then
-- @tparam number number of the flow
-- @treturn ?string
function M.undone(core, since, number)
  local list = backs[core] or {}
  for i = since + 1, #list do
    if number >= list[i].flows then
      return ("is of the future: sim:back went to %s, when it was not there yet"):format(
        units.format_time(list[i].at_ps))
    end
  end
  return nil
end

return M
