--- Flows that are read or made while the simulation runs, so that memory grows with the flows that
-- have been read and not with what is yet to come.
--
-- A *source* says where they come from: a table with `open(skip)`, which gives an iterator over the
-- flows behind the first `skip`. It yields `src, dst, size_bytes, start_ps` (hosts by number or
-- name; start_ps nil: now) and, for flows of a file, the number of the line; nil at the end. A
-- source has `file` (its path) or `what` (a name for messages), and `whole` if all its flows are to
-- be added at once. `open` is called again for a fork, so it must give the same flows every time.
--
-- Flows are read CHUNK at a time: the first of them by add_job, the others when simulated time
-- comes to the last start that has been read. When they are read is thus a matter of simulated
-- time alone, not of how a run is cut into pieces, and results are those of adding all at once.
-- Beyond the first chunk, starts have to come in order.
-- @module weft.workload.stream

local base = require "weft.workload.base"
local engine = require "weft.engine"
local fail = require "weft.fail"
local units = require "weft.units"

local M = {}

--- Flows that are read at a time.
M.CHUNK = 32768

local Stream = {}
Stream.__index = Stream

-- Where a flow of the source is named in messages.
local function place_of(self, line)
  return self.source.file and line and ("%s:%d"):format(self.source.file, line)
end

-- Raise an error about a flow: at its line of the file, or at the script's.
local function refuse(self, number, line, format, ...)
  local place = place_of(self, line)
  if place then fail.at(place, format, ...) end
  fail.raise(("%s %d: "):format(self.source.what or "flow", number) .. format, ...)
end

-- Id of a host given by number or name.
local function host_id(self, which, line)
  local id = self.host_ids[which]
  if not id then
    local host = self.sim.fabric:host(which, place_of(self, line))
    id = host.id
    self.host_ids[which] = id
  end
  return id
end

local function check_start(self, start_ps, now_ps, number, line)
  if start_ps <= self.passed_ps and not self.source.whole then
    refuse(self, number, line, "start: expected at least %s, which flows before it have reached, "
      .. "got %s; more than %d flows have to be in the order of their starts",
      units.format_time(self.passed_ps + 1), units.format_time(start_ps), M.CHUNK)
  elseif start_ps < now_ps then
    refuse(self, number, line, "start: expected at least the present, %s, got %s",
      units.format_time(now_ps), units.format_time(start_ps))
  end
end

-- Read the next flows as lists. They are all checked before any is added.
local function read_chunk(self, now_ps)
  local src, dst, size, start, lines = {}, {}, {}, {}, {}
  local latest = self.latest_ps
  while #src < M.CHUNK do
    local from, to, size_bytes, start_ps, line = self.next_flow()
    if from == nil then
      self.ended, self.next_flow = true, nil
      break
    end
    local n = #src + 1
    local number = self.count + n
    start_ps = start_ps or now_ps
    src[n], dst[n] = host_id(self, from, line), host_id(self, to, line)
    if src[n] == dst[n] then
      base.same_host("flow " .. number, self.sim.fabric:host(from), place_of(self, line))
    end
    check_start(self, start_ps, now_ps, number, line)
    size[n], start[n], lines[n] = size_bytes, start_ps, line or false
    if start_ps > latest then latest = start_ps end
  end
  local chunk = { src = src, dst = dst, size_bytes = size, start_ps = start, tag = self.tag }
  return chunk, lines, latest
end

-- Add a chunk; what the core refuses is named by its place.
local function add_chunk(self, chunk, lines)
  if #chunk.src == 0 then return end
  local core = self.sim.core
  local good, message = pcall(core.flows_add, core, chunk)
  if not good then
    local status, n, text = tostring(message):match("WEFT_(%u+): flow (%d+): (.*)$")
    if not n then engine.raise(message) end
    n = n + 1
    local line = lines[n]
    if status == "ENOROUTE" then
      text = base.no_path(self.sim.fabric, chunk.src[n], chunk.dst[n])
    end
    if place_of(self, line) then fail.at(place_of(self, line), "%s", text) end
    fail.raise("%s", text)
  end
  local bytes = 0
  for _, size_bytes in ipairs(chunk.size_bytes) do bytes = bytes + size_bytes end
  self.count = self.count + #chunk.src
  self.bytes = self.bytes + bytes
  self.sim.total_bytes = self.sim.total_bytes + bytes
end

--- Read on until a start lies ahead, or the source has ended.
function Stream:pull()
  local now_ps = self.sim:now_ps()
  self.next_flow = self.next_flow or self.source.open(self.count)
  repeat
    local chunk, lines, latest_ps = read_chunk(self, now_ps)
    add_chunk(self, chunk, lines)
    self.latest_ps, self.passed_ps = latest_ps, latest_ps - 1
  until self.ended or (self.passed_ps > now_ps and not self.source.whole)
end

--- How far the simulation may run before the next pull, or nil: as far as it likes.
function Stream:horizon_ps()
  if not self.ended then return self.passed_ps end
end

--- The same flows for a fork of the simulation, from where they are.
function Stream:copy_to(sim)
  local copy = {}
  for key, value in pairs(self) do copy[key] = value end -- order-free: a copy
  copy.sim, copy.next_flow = sim, nil
  return setmetatable(copy, Stream)
end

--- Begin to add the flows of a source; to be returned by the `begin` of a workload.
-- @tparam table work with the `tag` of the job
-- @tparam Simulation sim
-- @tparam table source
-- @treturn table with `count` and `bytes` of the flows so far, and `ended`
function M.start(work, sim, source)
  local self = setmetatable({
    source = source, sim = sim, tag = work.tag, count = 0, bytes = 0, ended = false,
    latest_ps = 0, passed_ps = -1, host_ids = {},
  }, Stream)
  self:pull()
  if not self.ended then sim.streams[#sim.streams + 1] = self end
  return self
end

--- A source of the flows of a list.
-- @tparam {table,...} flows with `src`, `dst`, `size_bytes` and, if wanted, `start_ps`
function M.list(flows)
  return { whole = true, open = function(skip)
    local i = skip
    return function()
      i = i + 1
      local flow = flows[i]
      if flow then return flow.src, flow.dst, flow.size_bytes, flow.start_ps end
    end
  end }
end

--- The earliest time at which a stream of the simulation is to be pulled, or nil.
function M.horizon_ps(sim)
  local earliest
  for _, stream in ipairs(sim.streams) do
    local horizon = stream:horizon_ps()
    if horizon and (not earliest or horizon < earliest) then earliest = horizon end
  end
  return earliest
end

--- Pull the streams that are due, and forget those that have ended.
function M.pull(sim)
  local now_ps, live = sim:now_ps(), {}
  for _, stream in ipairs(sim.streams) do
    if stream:horizon_ps() <= now_ps then stream:pull() end
    if not stream.ended then live[#live + 1] = stream end
  end
  sim.streams = live
end

return M
