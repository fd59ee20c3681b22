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
  return describe_row(sim, flow, flows:at(flow), known)
end

-- Call f(number) for each flow without a completion time, in order, reading a slice at a time.
local function each(flows, tag, f)
  for slice in flows:slices() do
    local fct, tags = slice:column "fct_ps", tag and slice:column "tag"
    for i = 1, slice.count do
      if fct[i] < 0 and (not tag or tags[i] == tag) then f(slice.first + i - 1, slice, i) end
    end
  end
end

--- Flows without a completion time, in the order of their numbers.
-- @tparam Simulation sim
-- @tparam[opt] number tag only flows with this tag
-- @treturn table list of `{ flow, src_name, dst_name, size_bytes, delivered_bytes, state, stuck,
-- why, trouble }`; state is "waiting", "active" or "failed"; stuck: running on will not help;
-- trouble: what is wrong on its way at present, a list of text. Each prints as a line.
function M.rows(sim, tag)
  local flows, rows, known = sim:flows(), {}, {}
  each(flows, tag, function(flow) rows[#rows + 1] = M.row(sim, flows, flow, known) end)
  return rows
end

local function sentence(named, count, what)
  local parts = {}
  for i, row in ipairs(named) do parts[i] = tostring(row) end
  if count > #named then parts[#parts + 1] = ("and %d more"):format(count - #named) end
  return ("%s %s: %s"):format(util.counted(count, "flow"), what, table.concat(parts, ", "))
end

--- "3 flows <what>: h0 to h1 after 3 kB of 1 MB (why), ... and 1 more".
-- @tparam table rows as M.rows gives
-- @tparam string what
-- @treturn string
function M.sentence(rows, what)
  local named = {}
  for i = 1, math.min(#rows, NAMED) do named[i] = rows[i] end
  return sentence(named, #rows, what)
end

--- One line about the flows that are stuck, or nil if none is. Only those that it names are looked
-- at more closely, however many there are.
-- @tparam Simulation sim
-- @tparam[opt] number tag only flows with this tag
-- @treturn ?string
function M.describe(sim, tag)
  local is_over = sim.outcome == "done"
  if not is_over and sim.core:stats().flows_failed == 0 then return nil end
  local flows, named, known, count = sim:flows(), {}, {}, 0
  each(flows, tag, function(flow, slice, i)
    if not is_over and slice:column "state"[i] ~= FAILED then return end
    count = count + 1
    if count <= NAMED then named[count] = M.row(sim, flows, flow, known) end
  end)
  return count > 0 and sentence(named, count, "got stuck") or nil
end

return M
