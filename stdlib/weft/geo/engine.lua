--- Plans carried out by an engine: packets, or flows that share links.
--
-- The overlay becomes a fabric (weft.topology.wan), and each message over each link of its route a
-- send between neighbouring data centres, so that a relay has all of a message before it passes it
-- on. A link serves one message after the other, in the order in which it does so chunk by chunk
-- (weft.geo.fifo): the next one begins when all of the one before has left its host.
-- @module weft.geo.engine

local check = require "weft.check"
local engine = require "weft.engine"
local fail = require "weft.fail"
local fifo = require "weft.geo.fifo"
local guard = require "weft.guard"
local simulation = require "weft.simulation"
local wan = require "weft.topology.wan"

local M = {}

-- Packets: a packet takes no longer than the core can count (2^32 ps) on the slowest link, and is
-- a small part of a chunk.
local MTUS = { 9000, 4000, 1500, 1000, 500, 250 }
local PACKET_PS = 2 ^ 32

-- Bytes of a packet's headers, and of an acknowledgement, that leave room in that.
local HEADERS = 128

local function slowest_bps(overlay, trace)
  local least = math.huge
  for link = 1, overlay.links do
    least = math.min(least, overlay.rate_bps[link])
    for k = 1, trace and #trace.starts or 0 do
      local rate = trace.rates[k][link]
      if rate > 0 then least = math.min(least, rate) end
    end
  end
  return least
end

-- The largest packets that the slowest link allows.
local function mtu_for(rate_bps)
  for _, mtu in ipairs(MTUS) do
    if (mtu + HEADERS) * 8e12 / rate_bps < PACKET_PS then return mtu end
  end
  return MTUS[#MTUS]
end

local MOST_BYTES = 1e12 -- of a window and of a buffer

local function loses(overlay)
  for link = 1, overlay.links do
    if overlay.loss[link] > 0 then return true end
  end
  return false
end

-- Options of the simulation for an engine; those that are given win.
local function settings_of(plan, given)
  local overlay = plan.overlay
  local set = { topology = wan.wan { overlay = overlay, egress = given.egress,
    ingress = given.ingress }, engine = given.engine }
  local slowest = slowest_bps(overlay, given.trace)
  set.mtu = given.mtu or mtu_for(slowest)
  if given.engine == "packet" then
    -- Each link has one sender, which has its next messages wait in a queue of their own. So there
    -- is no congestion to control: all of a message may be under way. A smaller window would fill
    -- its link only where no acknowledgement waits behind messages of the other direction.
    set.cc, set.window, set.pfc, set.buffer = "window", MOST_BYTES, false, MOST_BYTES
    set.recovery = loses(overlay) and "selective" or nil
  end
  for key, value in pairs(given.set or {}) do set[key] = value end -- order-free: a copy
  return set
end

-- Sends of all messages, as the chunk level begins with them.
local function add_messages(sim, plan, given)
  local overlay, core = plan.overlay, sim.core
  local last, sends = {}, {}
  -- Hosts come first in the fabric, in the order of data centres.
  local function begin(link, message)
    local task = engine.call(core.task_add, core, { kind = "send", src = overlay.from[link] - 1,
      dst = overlay.to[link] - 1, size_bytes = math.max(1, math.ceil(message.bits / 8)),
      tag = message.piece })
    if last[link] then engine.call(core.task_behind, core, task, last[link]) end
    if message.task then
      engine.call(core.task_after, core, task, message.task)
    else
      for _, cause in ipairs(message.causes or {}) do
        engine.call(core.task_after, core, task, cause.task)
      end
    end
    message.task, last[link] = task, task
    sends[#sends + 1] = { task = task, link = link, piece = message.piece,
      is_pull = message.is_pull, bits = message.bits }
  end
  local chunk_s, bits = fifo.run(plan, { in_sequence = given.in_sequence, trace = given.trace,
    begin = begin })
  return sends, chunk_s, bits
end

-- The rates of a trace from its begin on; a link that stands still is down.
local function follow(sim, trace)
  local overlay, fabric = trace.overlay, sim.fabric
  for link = 1, overlay.links do
    local ends = { overlay.nodes + overlay.from[link] - 1, overlay.nodes + overlay.to[link] - 1 }
    local way, last = fabric:link(ends[1], ends[2]), nil
    local direction = way.a == ends[1] and "a_to_b" or "b_to_a"
    local built = way:direction(ends[1]).rate_bps
    for k, start in ipairs(trace.starts) do
      local rate = trace.rates[k][link]
      if rate ~= last then
        engine.call(sim.core.link_schedule, sim.core, { at_ps = math.floor(start * 1e12 + 0.5),
          link = way.id, direction = direction, factor = rate / built, loss = -1, detect_ps = 0 })
        last = rate
      end
    end
  end
end

local function refuse_stalled(sim, plan, sends)
  local tasks, overlay, open, first = sim:tasks(), plan.overlay, 0, nil
  for _, send in ipairs(sends) do
    if tasks:at(send.task).end_ps < 0 then open, first = open + 1, first or send end
  end
  if open == 0 then return end
  sim:unfinished()
  local from, to = overlay.from[first.link], overlay.to[first.link]
  fail.raise("overlay %s: %d of %d messages do not arrive; the first of them is piece %d from %s to"
    .. " %s", overlay.name, open, #sends, first.piece, tostring(overlay.names[from]),
    tostring(overlay.names[to]))
end

local rule = {
  engine = { type = "enum", choices = { "packet", "fluid" }, default = "packet" },
  in_sequence = { type = "boolean", default = false,
    brief = "nothing comes down before all is summed up" },
  trace = { type = "table", brief = "rates over time, as geo.trace has them" },
  egress = { type = "any" }, ingress = { type = "any" },
  mtu = { type = "bytes", min = 64, max = 65536,
    brief = "payload of a packet; default: up to 9000, as the slowest link allows" },
  set = { type = "table", brief = "more options of the simulation" },
}

--- One iteration of a plan.
-- @tparam Plan plan
-- @tparam ?table options `engine` ("packet" or "fluid"), `in_sequence`, `trace`, `egress`,
-- `ingress`, `mtu`, `set` (more options of the simulation, which win)
-- @treturn number when the last data centre has the last piece, in s
-- @treturn table `sim`, `chunk_s` (the same chunk by chunk, without delays, headers and caps),
-- `payload` (part of the bytes on the wire that are gradients), `messages`, `bits` (by link)
-- @usage weft.geo.engine.run(plan, { engine = "fluid" })
function M.run(plan, options)
  local given = check.options("geo.engine", options or {}, rule)
  if not require("weft.geo.plan").is(plan) then
    fail.raise("geo.engine: expected a plan, got %s", fail.show(plan))
  end
  local settings = settings_of(plan, given)
  local sim = simulation.new(settings)
  local sends, chunk_s, bits = add_messages(sim, plan, given)
  if given.trace then follow(sim, given.trace) end
  sim:run()
  refuse_stalled(sim, plan, sends)
  local last, tasks = 0, sim:tasks()
  for _, send in ipairs(sends) do last = math.max(last, tasks:at(send.task).end_ps) end
  local config = sim.core:config()
  return last * 1e-12, { sim = sim, chunk_s = chunk_s, sends = sends, bits = bits,
    messages = #sends,
    payload = config.mtu / (config.mtu + config.header) }
end

return guard.module("geo.engine", M)
