--- Recorded queues and ACKs of runs of ns3-fabric against weft's.
-- A trace `<run>.qlen.txt` has `ns switch port bytes` every us for queues that are not empty,
-- `<run>.ack.txt` has `ns host dst sport ackseq ecn snd_nxt snd_una rate_bps win_bytes` for every
-- ACK after the sender's reaction.

local M = {}

local PS_PER_NS = 1000

-- The recorder looked at 1 ns first.
local FIRST_LOOK_PS, PERIOD_PS = 1 * PS_PER_NS, 1000 * PS_PER_NS

local function lines_of(path)
  local file = io.open(path)
  if not file then return nil end
  local lines = {}
  for text in file:lines() do lines[#lines + 1] = text end
  file:close()
  return lines
end

--- Ports of switches towards their links, numbered from 1 in the order of the links.
local function switch_ports(fabric)
  local ports = {}
  for _, node in ipairs(fabric.nodes) do
    if node.kind ~= "host" then
      for number, link in ipairs(fabric:links_of(node.id)) do
        ports[#ports + 1] = {
          switch = node.id, number = number, port = 2 * link.id + (link.a == node.id and 0 or 1),
        }
      end
    end
  end
  return ports
end

local function queue_lines(core, ports)
  local lines, series = {}, {}
  for i, port in ipairs(ports) do series[i] = core:series(port.watch) end
  for look = 1, series[1].count do
    local ns = (series[1].start_ps + look * series[1].period_ps) / PS_PER_NS
    for i, port in ipairs(ports) do
      if series[i].value[look] > 0 then
        lines[#lines + 1] = ("%.0f %d %d %.0f"):format(ns, port.switch, port.number,
          series[i].value[look])
      end
    end
  end
  return lines
end

local function ack_lines(core, flows)
  local column = {}
  for _, name in ipairs {
    "time_ps", "flow", "ack_bytes", "ecn", "sent_bytes", "acked_bytes", "rate_bps", "window_bytes",
  } do
    column[name] = core:column("acks", name)
  end
  local lines = {}
  for i, flow in ipairs(column.flow) do
    local of = flows[flow + 1]
    lines[i] = ("%.0f %d %d %d %.0f %d %.0f %.0f %.0f %.0f"):format(column.time_ps[i] / PS_PER_NS,
      of.src, of.dst, of.sport, column.ack_bytes[i], column.ecn[i], column.sent_bytes[i],
      column.acked_bytes[i], column.rate_bps[i], column.window_bytes[i])
  end
  return lines
end

local function differences(recorded, ours)
  if not recorded then return nil end
  local count, first = math.abs(#recorded - #ours), nil
  for i = 1, math.min(#recorded, #ours) do
    if recorded[i] ~= ours[i] then
      count = count + 1
      first = first or ("%s, recorded %s"):format(ours[i], recorded[i])
    end
  end
  return { lines = #recorded, different = count, first = first }
end

--- Run a prepared simulation and compare what is recorded of it.
-- @tparam table sim with its flows, not yet run
-- @tparam {table,...} flows with src, dst, sport
-- @tparam string path of the traces, without `.qlen.txt` and `.ack.txt`
-- @tparam number end_ns when the last flow ended
-- @treturn table `queues` and `acks`, each nil or `lines`, `different` (how many), `first`
function M.compare(sim, flows, path, end_ns)
  local queues, acks = lines_of(path .. ".qlen.txt"), lines_of(path .. ".ack.txt")
  if not queues and not acks then return {} end
  local core, ports = sim.core, switch_ports(sim.fabric)
  core:trace_acks(#(acks or {})) -- a recording may be cut short
  core:run(FIRST_LOOK_PS, 0)
  core:sample(PERIOD_PS, 2 * math.ceil(end_ns * PS_PER_NS / PERIOD_PS / 2) + 16)
  for _, port in ipairs(ports) do port.watch = core:watch("port_queue", port.port) end
  core:run(-1, 0)
  return {
    queues = differences(queues, queue_lines(core, ports)),
    acks = differences(acks, ack_lines(core, flows)),
  }
end

return M
