--- Work that a script leaves behind although it cannot be completed: the program ends with status 1
-- for it, unless the script has looked. A run to a limit is no such thing, but for flows that gave
-- up.
--
-- A look is what gives the script a value to decide on: sim:unfinished, sim:stats, sim:report,
-- job:result, job:time_ps, a flow's row or its state, on_stall. Text for people is none:
-- job:summary, CSV files, pictures.
-- @module weft.incomplete

local fail = require "weft.fail"
local unfinished = require "weft.unfinished"
local util = require "weft.util"

local M = {}

local DONE_NEVER = -1 -- fct_ps of a flow that is not complete

-- What runs have left, in their order, and the last of each simulation of the core. A simulation
-- that is collected leaves its record.
local records = {}
local by_core = setmetatable({}, { __mode = "k" })

-- "h0 to h1 after 3 kB of 1 MB (why)" of the first flow that is not complete, or nil.
local function first_flow(sim)
  local flows = sim:flows()
  for slice in flows:slices() do
    for i, fct in ipairs(slice:column "fct_ps") do
      if fct == DONE_NEVER then return tostring(unfinished.row(sim, flows, slice.first + i - 1)) end
    end
  end
  return nil
end

-- "2 of 6 flows and 3 of 14 tasks"
local function counted(left, total, what)
  return ("%d of %s"):format(left, util.counted(total, what))
end

-- Whether the function that has called the present public one is the script's: what weft runs and
-- asks for itself, as for a report on jobs, is none of the script.
local function is_by_script()
  local caller = debug.getinfo(4, "S")
  return not caller or not fail.is_own(caller.source)
end

--- Note what a run that has ended leaves undone for good. What a look has settled stays so while
-- nothing else is left.
-- @tparam Simulation sim with its `outcome`
-- @tparam[opt] boolean is_told the script was given the flows that stalled
function M.note(sim, is_told)
  local totals, parts = sim.core:stats(), {}
  local is_over, before = sim.outcome == "done", by_core[sim.core]
  local flows = is_over and totals.flows_added - totals.flows_done or totals.flows_failed
  local tasks = is_over and totals.tasks_added - totals.tasks_done or 0
  if before and before.flows == flows and before.tasks == tasks then return end
  if before then before.is_settled = true end
  if flows + tasks == 0 or is_told or not is_by_script() then return end
  if flows > 0 then parts[1] = counted(flows, totals.flows_added, "flow") end
  if tasks > 0 then parts[#parts + 1] = counted(tasks, totals.tasks_added, "task") end
  local first = flows > 0 and first_flow(sim)
  local place = fail.place()
  local record = { flows = flows, tasks = tasks }
  record.text = ("%s%s not completed%s"):format(place and place .. ": " or "",
    table.concat(parts, " and "), first and ": " .. first or "")
  records[#records + 1], by_core[sim.core] = record, record
end

--- The script has been given what tells it. Called by a public function.
-- @param core simulation of the core
function M.looked(core)
  local record = by_core[core]
  if not record or record.is_settled then return end
  record.is_settled = is_by_script()
end

--- What a run has left is undone: the simulation went back to before.
-- @param core simulation of the core
function M.forget(core)
  if by_core[core] then by_core[core].is_settled = true end
  by_core[core] = nil
end

--- One line on what is left, or nil.
-- @treturn ?string
function M.text()
  local first, count = nil, 0
  for _, record in ipairs(records) do
    if not record.is_settled then first, count = first or record.text, count + 1 end
  end
  if count < 2 then return first end
  return ("%s; and so %s"):format(first, util.counted(count - 1, "more run"))
end

return M
