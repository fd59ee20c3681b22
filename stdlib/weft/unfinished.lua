--- Flows that are not complete, and why: one that makes no progress must not go unnoticed.
-- @module weft.unfinished
-- @usage for _, flow in ipairs(sim:unfinished()) do print(flow.src_name, flow.why) end

local units = require "weft.units"

local M = {}

-- Rows that a line of text names before it only counts.
local NAMED = 3

local WAITING, ACTIVE, FAILED = 0, 1, 3
local state_name = { [WAITING] = "waiting", [ACTIVE] = "active", [FAILED] = "failed" }

-- A link of a host that is down, in words, or nil.
local function down_link(sim, host)
  for _, link in ipairs(sim.fabric:links_of(host)) do
    for port = 2 * link.id, 2 * link.id + 1 do
      local info = sim.core:port_info(port)
      if info.up == 0 then
        local nodes = sim.fabric.nodes
        return ("%s to %s is down"):format(nodes[info.from + 1].name, nodes[info.to + 1].name)
      end
    end
  end
  return nil
end

-- What is wrong with the way of a flow, there or back, at present; nil if nothing is.
local function broken_way(sim, row)
  local core = sim.core
  if pcall(core.path, core, row.src, row.dst) and pcall(core.path, core, row.dst, row.src) then
    return nil
  end
  return down_link(sim, row.src) or down_link(sim, row.dst) or "links between them are down"
end

local function reason(sim, row)
  if row.state == WAITING then return "starts at " .. units.format_time(row.start_ps) end
  if row.state == ACTIVE then
    if sim.outcome ~= "done" then return "under way" end
    return "waits for ever: no timer sends again what is lost"
  end
  local why = "gave up after repeated timeouts"
  if row.ideal_ps < 0 then
    why = "found no way at its start"
  elseif row.received_ps >= 0 then
    why = "all has arrived, but the last ACK has not"
  end
  local broken = broken_way(sim, row)
  return broken and why .. "; " .. broken or why
end

--- Flows without a completion time, in the order of their numbers.
-- @tparam Simulation sim
-- @tparam[opt] number tag only flows with this tag
-- @treturn table list of `{ flow, src_name, dst_name, size_bytes, delivered_bytes, state, stuck,
-- why }`; state is "waiting", "active" or "failed"; stuck: running on will not help
function M.rows(sim, tag)
  local flows, rows = sim:flows(), {}
  local tags = flows:column "tag"
  for i, fct in ipairs(flows:column "fct_ps") do
    if fct < 0 and (tag == nil or tags[i] == tag) then
      local row = flows:row(i)
      rows[#rows + 1] = {
        flow = i - 1,
        src_name = row.src_name,
        dst_name = row.dst_name,
        size_bytes = row.size_bytes,
        delivered_bytes = row.delivered_bytes,
        state = state_name[row.state],
        stuck = row.state == FAILED or sim.outcome == "done",
        why = reason(sim, row),
      }
    end
  end
  return rows
end

--- One line about the flows that are stuck, or nil if none is.
-- @tparam table rows as M.rows gives
-- @treturn string
function M.describe(rows)
  local named, count = {}, 0
  for _, row in ipairs(rows) do
    if row.stuck then
      count = count + 1
      if count <= NAMED then
        named[count] = ("%s to %s after %s of %s (%s)"):format(row.src_name, row.dst_name,
          units.format_bytes(row.delivered_bytes), units.format_bytes(row.size_bytes), row.why)
      end
    end
  end
  if count == 0 then return nil end
  if count > NAMED then named[#named + 1] = ("and %d more"):format(count - NAMED) end
  return ("%d flow%s got stuck: %s"):format(count, count == 1 and "" or "s",
    table.concat(named, ", "))
end

return M
