--- Which job used which link, and where its flows gave way to others. Worked out after a run from
-- the flows: each has put known bytes on the ports of its way (`flow_traffic` of the core), and
-- is taken to have done so evenly from its start to its last byte.
--
-- A flow is as fast as the busiest port of its way lets it be. So of its time it gave to others
-- what that port spent on packets of others: their bytes through it in the flow's time, over its
-- rate. Of two endless flows on one link each gives half of its time to the other.
-- @module weft.sharing

local job = require "weft.job"

local M = {}

-- Intervals into which the run is cut; within one, bytes are taken to be spread evenly. Fewer
-- where there are so many ports and jobs that memory, 16 bytes for each in each interval, grows.
local BINS_MOST, BINS_LEAST, CELLS_MOST = 512, 32, 2 ^ 22

local Usage = {}
Usage.__index = Usage

--- Number of the job that a flow's tag names; 0: the script's own.
function M.owner(tag)
  return tag > job.FIRST_TAG and tag - job.FIRST_TAG or 0
end

-- Bytes over time of one owner at one port: `slope` and `offset` change at edges of intervals, and
-- the bytes before edge k are the running slope x k + the running offset.
local function new_curve()
  return { bytes = 0, slope = {}, offset = {} }
end

local function bump(list, k, value)
  list[k] = (list[k] or 0) + value
end

-- Bytes sent evenly from s to e, both in intervals.
local function add_bytes(curve, s, e, bytes)
  local first, last = math.ceil(s), math.ceil(e)
  curve.bytes = curve.bytes + bytes
  if first == last then
    bump(curve.offset, last, bytes)
    return
  end
  local rate = bytes / (e - s)
  bump(curve.slope, first, rate)
  bump(curve.offset, first, -rate * s)
  bump(curve.slope, last, -rate)
  bump(curve.offset, last, rate * e)
end

-- From changes to the bytes before each edge, 0 to the number of intervals.
local function settle(curve, bins)
  local slope, offset, before = 0, 0, {}
  for k = 0, bins do
    slope = slope + (curve.slope[k] or 0)
    offset = offset + (curve.offset[k] or 0)
    before[k] = slope * k + offset
  end
  curve.before, curve.slope, curve.offset = before, nil, nil
end

local function bytes_before(curve, x, bins)
  local k = math.min(math.floor(x), bins - 1)
  local from = curve.before[k]
  return from + (curve.before[k + 1] - from) * (x - k)
end

local function curve_of(self, port, owner)
  local owners = self.ports[port]
  if not owners then
    owners = {}
    self.ports[port] = owners
  end
  local curve = owners[owner]
  if not curve then
    curve = new_curve()
    owners[owner] = curve
  end
  return curve
end

-- A time in intervals, within those that there are.
local function place(self, ps)
  return math.max(0, math.min(self.bins, (ps - self.start_ps) / self.width))
end

-- Flows of which something has arrived, with their time in intervals.
local function each_flow(self, visit)
  local f = self.flows
  for i = 1, f.count do
    if f.delivered[i] > 0 then
      local stop = f.received[i] >= 0 and f.received[i] or self.now_ps
      -- One without a way now, because links are down, has no owner's ports.
      local good, traffic = pcall(self.core.flow_traffic, self.core, i - 1)
      if good then
        visit(M.owner(f.tag[i]), place(self, f.start[i]), place(self, stop), traffic)
      end
    end
  end
end

--- Bytes of a job on a port, on the wire.
-- @tparam number port directed
-- @tparam number owner number of a job; 0: flows of no job
-- @treturn number
function Usage:bytes(port, owner)
  local curve = self.ports[port] and self.ports[port][owner]
  return curve and curve.bytes or 0
end

--- Bytes on a port of a job and of all others in a time.
-- @tparam number port directed
-- @tparam number owner
-- @tparam number from_ps
-- @tparam number to_ps
-- @treturn number of the job
-- @treturn number of others
function Usage:between(port, owner, from_ps, to_ps)
  return self:between_bins(port, owner, place(self, from_ps), place(self, to_ps))
end

--- @local
function Usage:between_bins(port, owner, s, e)
  local own, others, curves = 0, 0, self.ports[port] or {}
  for who = 0, self.jobs do
    if curves[who] then
      local bytes = bytes_before(curves[who], e, self.bins)
        - bytes_before(curves[who], s, self.bins)
      if who == owner then own = own + bytes else others = others + bytes end
    end
  end
  return own, others
end

-- What a flow gave to others at the busiest port of its way.
local function busiest(self, owner, s, e, ports)
  local worst, at, given = -1, nil, 0
  for _, port in ipairs(ports) do
    local own, others = self:between_bins(port, owner, s, e)
    local busy = (own + others) / self.rate[port + 1]
    if busy > worst then worst, at, given = busy, port, others / self.rate[port + 1] end
  end
  return at, given * 8e12
end

--- Where the flows of each job gave way to others.
-- @treturn table job -> port -> `{ given_ps, flows }`: time of the job's flows that went to packets
-- of others there, and how many flows had their busiest port there
function Usage:given()
  local given = {}
  each_flow(self, function(owner, s, e, traffic)
    if owner == 0 then return end
    local port, ps = busiest(self, owner, s, e, traffic.data_ports)
    if not port or ps <= 0 then return end
    given[owner] = given[owner] or {}
    local entry = given[owner][port] or { given_ps = 0, flows = 0 }
    given[owner][port] = entry
    entry.given_ps = entry.given_ps + ps
    entry.flows = entry.flows + 1
  end)
  return given
end

--- Bytes that a port has sent and no flow accounts for: packets sent again or lost, packets under
-- way, and flows that have changed their way.
-- @tparam number port directed
-- @treturn number 0 after a run without any of these; below 0 where a flow has left its way
function Usage:unowned(port)
  local sum = 0
  for who = 0, self.jobs do sum = sum + self:bytes(port, who) end
  return self.tx_bytes[port + 1] - sum
end

-- The time from the first start to the last byte, cut into intervals.
local function cut(self)
  local f, first, last = self.flows, math.huge, 0
  for i = 1, f.count do
    if f.delivered[i] > 0 then
      first = math.min(first, f.start[i])
      last = math.max(last, f.received[i] >= 0 and f.received[i] or self.now_ps)
    end
  end
  self.start_ps = first < last and first or 0
  local bins = math.floor(CELLS_MOST / (#self.rate * (self.jobs + 1)))
  self.bins = math.max(BINS_LEAST, math.min(BINS_MOST, bins))
  self.width = math.max(last - self.start_ps, 1) / self.bins
end

--- What every job has put on every port so far.
-- @tparam Simulation sim
-- @treturn Usage
function M.usage(sim)
  local flows, ports = sim:flows(), sim:ports()
  local self = setmetatable({
    core = sim.core, jobs = #sim.jobs, ports = {}, now_ps = sim:now_ps(),
    rate = ports:column "rate_bps", tx_bytes = ports:column "tx_bytes",
    flows = {
      count = #flows, start = flows:column "start_ps", received = flows:column "received_ps",
      delivered = flows:column "delivered_bytes", tag = flows:column "tag",
    },
  }, Usage)
  cut(self)
  each_flow(self, function(owner, s, e, traffic)
    for _, port in ipairs(traffic.data_ports) do
      add_bytes(curve_of(self, port, owner), s, e, traffic.data_bytes)
    end
    for _, port in ipairs(traffic.ack_ports) do
      add_bytes(curve_of(self, port, owner), s, e, traffic.ack_bytes)
    end
  end)
  for _, owners in pairs(self.ports) do -- order-free: each by itself
    for _, curve in pairs(owners) do settle(curve, self.bins) end -- order-free: the same
  end
  return self
end

return M
