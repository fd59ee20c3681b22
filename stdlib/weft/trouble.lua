--- What is wrong on the way of a flow at present, in words: links that are down, slow, lossy or
-- paused, and what they are paused by.
-- @module weft.trouble

local fail = require "weft.fail"
local units = require "weft.units"

local M = {}

-- A link is called slow below this part of its rate.
local SLOW = 1 / 2

local function name(sim, node) return sim.fabric.nodes[node + 1].name end

-- Whether a node as a whole was announced to fail and not to be repaired since.
local function has_failed(sim, node)
  local last, now_ps = nil, sim:now_ps()
  for _, row in ipairs(sim.announced) do
    if row.at_ps <= now_ps and row.target == name(sim, node)
      and (row.kind == "fail" or row.kind == "repair")
      and (not last or row.at_ps >= last.at_ps) then
      last = row
    end
  end
  return last ~= nil and last.kind == "fail"
end

-- The directed ports that leave a node.
local function ports_from(sim, node)
  local ports = {}
  for i, link in ipairs(sim.fabric:links_of(node)) do
    ports[i] = 2 * link.id + (link.a == node and 0 or 1)
  end
  return ports
end

-- A paused port that leaves the far end of a paused port; one in a storm rather than another.
local function paused_behind(sim, port, info)
  local found, found_info
  for _, out in ipairs(ports_from(sim, info.to)) do
    local next_info = sim.core:port_info(out)
    local back = out - out % 2 == port - port % 2
    if not back and next_info.paused_since_ps >= 0 and (not found or next_info.storms > 0) then
      found, found_info = out, next_info
    end
  end
  return found, found_info
end

-- Names of the switches of a circle of paused ports, which begins with the first of them.
local function circle(sim, nodes, first)
  local lowest, names = first, {}
  for i = first, #nodes do
    if nodes[i] < nodes[lowest] then lowest = i end
  end
  for i = lowest, #nodes do names[#names + 1] = name(sim, nodes[i]) end
  for i = first, lowest - 1 do names[#names + 1] = name(sim, nodes[i]) end
  return table.concat(names, ", ")
end

-- What a PFC pause comes from: switches pause who feeds them because they cannot send on
-- themselves. Follows paused ports onwards to a storm, or back to where it began: a circle, which
-- is a deadlock when nothing can happen any more.
local function cause_of_pause(sim, port, info)
  local seen, nodes = {}, {}
  while info.storms == 0 do
    if seen[port] then
      return ("a %s of pauses between %s"):format(sim.outcome == "done" and "deadlock" or "circle",
        circle(sim, nodes, seen[port]))
    end
    nodes[#nodes + 1] = info.from
    seen[port] = #nodes
    port, info = paused_behind(sim, port, info)
    if not port then return "PFC" end
  end
  return "a PFC storm of " .. name(sim, info.to)
end

-- What is wrong with a directed port that is not paused, or nil.
local function of_port(sim, info)
  local ends = ("%s to %s"):format(name(sim, info.from), name(sim, info.to))
  if info.up == 0 then
    for _, node in ipairs { info.from, info.to } do
      if has_failed(sim, node) then return name(sim, node) .. " is down" end
    end
    return ends .. " is down"
  end
  local loss = 1 - (1 - info.loss) * (1 - info.burst_loss)
  if loss > 0 then return ("%s loses %s %% of packets"):format(ends, fail.show(100 * loss)) end
  if info.rate_bps < SLOW * info.built_rate_bps then
    return ("%s runs at %s of %s"):format(ends, units.format_rate(info.rate_bps),
      units.format_rate(info.built_rate_bps))
  elseif info.added_delay_ps + info.jitter_ps > 0 then
    return ("%s is late by up to %s"):format(ends,
      units.format_time(info.added_delay_ps + info.jitter_ps))
  end
  return nil
end

-- A link of a host that is down, in words, or nil.
local function down_link(sim, host)
  for _, link in ipairs(sim.fabric:links_of(host)) do
    for port = 2 * link.id, 2 * link.id + 1 do
      local info = sim.core:port_info(port)
      if info.up == 0 then return of_port(sim, info) end
    end
  end
  return nil
end

-- Paused ports by what they are paused by, in one phrase each: the one that stood still first, and
-- how many more.
local function add_pauses(sim, list, paused)
  local groups, order = {}, {}
  for _, one in ipairs(paused) do
    one.cause = one.cause or cause_of_pause(sim, one.port, one.info)
    local cause = one.cause
    if not groups[cause] then
      groups[cause] = { count = 0, first = one.info }
      order[#order + 1] = cause
    end
    local group = groups[cause]
    group.count = group.count + 1
    if one.info.paused_since_ps < group.first.paused_since_ps then group.first = one.info end
  end
  for _, cause in ipairs(order) do
    local group = groups[cause]
    local first, more = group.first, group.count - 1
    list[#list + 1] = ("%s to %s %s paused since %s by %s"):format(name(sim, first.from),
      name(sim, first.to), more > 0 and ("and %d more are"):format(more) or "is",
      units.format_time(first.paused_since_ps), cause)
  end
end

-- What is known of a port, once.
local function look_at(sim, port, known)
  if not known[port] then
    local info = sim.core:port_info(port)
    known[port] = {
      port = port, info = info, text = of_port(sim, info),
      paused = info.up == 1 and info.paused_since_ps >= 0,
    }
  end
  return known[port]
end

--- What is wrong between two hosts, there and on the way of the ACKs back, for a flow with a number
-- (ECMP: which decides on its way).
-- @tparam Simulation sim
-- @tparam number src
-- @tparam number dst
-- @tparam number flow
-- @tparam[opt] table known what a call at the same instant has found out, to be given to the next
-- @treturn table list of text, each once; empty if all is well
function M.between(sim, src, dst, flow, known)
  local there, ports = pcall(sim.core.path, sim.core, src, dst, flow)
  local back, ack_ports = pcall(sim.core.ack_path, sim.core, src, dst, flow)
  if not there or not back then
    return { down_link(sim, src) or down_link(sim, dst) or "links between them are down" }
  end
  known = known or {}
  local list, paused, seen = {}, {}, {}
  for _, port in ipairs(ack_ports) do ports[#ports + 1] = port end
  for _, port in ipairs(ports) do
    local one = look_at(sim, port, known)
    if one.paused then paused[#paused + 1] = one end
    if one.text and not seen[one.text] then
      seen[one.text] = true
      list[#list + 1] = one.text
    end
  end
  add_pauses(sim, list, paused)
  return list
end

return M
