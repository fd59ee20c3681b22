--- Flows that are not complete, and why: one that makes no progress must not go unnoticed.
-- @module weft.unfinished
-- @usage for _, flow in ipairs(sim:unfinished()) do print(flow.src_name, flow.why) end

local trouble = require "weft.trouble"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- Rows that a line of text names before it only counts.
local NAMED = 3

local WAITING, ACTIVE, FAILED = 0, 1, 3
local state_name = { [WAITING] = "waiting", [ACTIVE] = "active", [FAILED] = "failed" }

local function state_of(sim, row)
  if row.state == WAITING then return "starts at " .. units.format_time(row.start_ps) end
  if row.state == ACTIVE then
    if sim.outcome ~= "done" then return "under way" end
    return "waits for ever, nothing more will happen"
  end
  if row.ideal_ps < 0 then return "found no way at its start" end
  if row.received_ps >= 0 then return "all has arrived, but the last ACK has not" end
  local config = sim.core:config()
  if config.recovery == "none" then return "a packet was lost, and nothing is sent again" end
  return ("gave up after %s without progress"):format(units.format_time(config.give_up_after))
end

-- "h0 to h1 after 3 kB of 1 MB (why)"
local Row = {}

function Row:__tostring()
  return ("%s to %s after %s of %s (%s)"):format(self.src_name, self.dst_name,
    units.format_bytes(self.delivered_bytes), units.format_bytes(self.size_bytes), self.why)
end

-- What became of the flow, and what is wrong on its way now.
local function describe_row(sim, flow, row, known)
  local why = state_of(sim, row)
  local wrong = row.state == WAITING and {} or trouble.between(sim, row.src, row.dst, flow, known)
  if #wrong > 0 then why = why .. "; " .. table.concat(wrong, ", ") end
  return setmetatable({
    flow = flow,
    src_name = row.src_name,
    dst_name = row.dst_name,
    size_bytes = row.size_bytes,
    delivered_bytes = row.delivered_bytes,
    state = state_name[row.state],
    stuck = row.state == FAILED or sim.outcome == "done",
    why = why,
    trouble = wrong,
  }, Row)
end

--- One flow, as in M.rows.
-- @tparam Simulation sim
-- @param flows its table of flows, sim:flows()
-- @tparam number flow its number, counted from 0
-- @tparam[opt] table known as for weft.trouble.between
-- @treturn table
function M.row(sim, flows, flow, known)
  return describe_row(sim, flow, flows:row(flow + 1), known)
end

--- Flows without a completion time, in the order of their numbers.
-- @tparam Simulation sim
-- @tparam[opt] number tag only flows with this tag
-- @treturn table list of `{ flow, src_name, dst_name, size_bytes, delivered_bytes, state, stuck,
-- why, trouble }`; state is "waiting", "active" or "failed"; stuck: running on will not help;
-- trouble: what is wrong on its way at present, a list of text. Each prints as a line.
function M.rows(sim, tag)
  local flows, rows, known = sim:flows(), {}, {}
  local tags = flows:column "tag"
  for i, fct in ipairs(flows:column "fct_ps") do
    if fct < 0 and (tag == nil or tags[i] == tag) then
      rows[#rows + 1] = describe_row(sim, i - 1, flows:row(i), known)
    end
  end
  return rows
end

--- "3 flows <what>: h0 to h1 after 3 kB of 1 MB (why), ... and 1 more".
-- @tparam table rows as M.rows gives
-- @tparam string what
-- @treturn string
function M.sentence(rows, what)
  local named = {}
  for i = 1, math.min(#rows, NAMED) do named[i] = tostring(rows[i]) end
  if #rows > NAMED then named[#named + 1] = ("and %d more"):format(#rows - NAMED) end
  return ("%s %s: %s"):format(util.counted(#rows, "flow"), what, table.concat(named, ", "))
end

--- One line about the flows that are stuck, or nil if none is.
-- @tparam table rows as M.rows gives
-- @treturn string
function M.describe(rows)
  local stuck = {}
  for _, row in ipairs(rows) do
    if row.stuck then stuck[#stuck + 1] = row end
  end
  return #stuck > 0 and M.sentence(stuck, "got stuck") or nil
end

return M
