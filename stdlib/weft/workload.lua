--- Workloads: what is sent over a fabric. A workload is a passive value; `sim:add_job(workload)`
-- puts it to work and gives a job, from which results are read.
-- @module weft.workload
-- @usage
-- local job = sim:add_job(weft.workload.allreduce { size = "16MiB" })
-- sim:run()
-- print(job:summary())

local check = require "weft.check"
local fail = require "weft.fail"
local job = require "weft.job"
local rings = require "weft.rings"
local units = require "weft.units"

local M = {}

local Workload = {}
Workload.__index = Workload

function Workload:__tostring()
  return "workload " .. self.kind
end

local function is_workload(value)
  return getmetatable(value) == Workload
end

--- Raise the error for a pair of hosts between which there is no path.
function M.unreachable(fabric, src, dst)
  fail.raise("no path from '%s' to '%s'", fabric:node(src).name, fabric:node(dst).name)
end

--- Raise the error for a flow from a host to itself.
-- @tparam string what
-- @tparam table host
-- @tparam[opt] string place in a file; default: the line of the script
function M.same_host(what, host, place)
  local raise = place and function(...) fail.at(place, ...) end or fail.raise
  raise("%s: expected different hosts, got '%s' twice", what, host.name)
end

-- Refuse pairs that cannot reach each other before anything is added.
local function need_path(sim, engine, src, dst)
  local good, message = pcall(sim.core.path, sim.core, src, dst, 0)
  if good then return end
  if tostring(message):find("WEFT_ENOROUTE", 1, true) then M.unreachable(sim.fabric, src, dst) end
  engine.call(sim.core, "path", src, dst, 0)
end

-- Hosts by name or number, or so many of the first, as node ids; all hosts if not said.
local function resolve_ranks(what, fabric, ranks)
  local hosts = fabric:hosts()
  if ranks == nil then return hosts end
  local ids, seen = {}, {}
  if type(ranks) == "number" then
    if ranks > #hosts then
      fail.raise("%s: expected at most the %d hosts of %s, got %s ranks", what, #hosts, fabric.name,
        fail.show(ranks))
    end
    for i = 1, ranks do ids[i] = hosts[i] end
    return ids
  end
  if type(ranks) ~= "table" then
    fail.raise("%s: ranks: expected a list of hosts or a number, got %s", what, fail.show(ranks))
  end
  for i, which in ipairs(ranks) do
    local host = fabric:host(which)
    if seen[host.id] then
      fail.raise("%s: rank %d: '%s' is rank %d already", what, i, host.name, seen[host.id])
    end
    ids[i], seen[host.id] = host.id, i
  end
  return ids
end

local function check_ranks(what, ranks, size)
  if #ranks < 2 then fail.raise("%s: expected at least 2 ranks, got %d", what, #ranks) end
  if size < #ranks then
    fail.raise("%s: size: expected at least a byte for each of %d ranks, got %s", what, #ranks,
      units.format_bytes(size))
  end
end

-- Bytes of part i of n; the first parts take what does not divide.
local function share(bytes, n, i)
  local rest = bytes % n
  return (bytes - rest) / n + (i <= rest and 1 or 0)
end

local collective_rule = {
  size = { type = "bytes", required = true, min = 2 },
  ranks = { type = "any" },
  start = { type = "time", min = 0 },
}

local function extend(base, more)
  local rule = {}
  for key, value in pairs(base) do rule[key] = value end -- order-free: a copy
  for key, value in pairs(more) do rule[key] = value end -- order-free: a copy
  return rule
end

local allreduce_rule = extend(collective_rule, {
  algorithm = { type = "enum", choices = { "ring" }, default = "ring" },
  channels = { type = "integer", default = 1, min = 1, max = 64 },
})

-- When something starts: now, unless it says when.
local function start_of(what, start_ps, now_ps)
  if start_ps and start_ps < now_ps then
    fail.raise("%s: start: expected at least the present, %s, got %s", what,
      units.format_time(now_ps), units.format_time(start_ps))
  end
  return start_ps or now_ps
end

local function add_collective(sim, engine, kind, work, ranks, size)
  return engine.call(sim.core, "collective_add", {
    kind = kind, ranks = ranks, size_bytes = size, tag = work.tag, start_ps = work.start_ps,
  })
end

local function begin_allreduce(work, sim, engine)
  local options = work.options
  local ranks = resolve_ranks("allreduce", sim.fabric, options.ranks)
  check_ranks("allreduce", ranks, share(options.size, options.channels, options.channels))
  local orders = rings.orders(sim.fabric, ranks, options.channels)
  for _, order in ipairs(orders) do
    for i = 1, #order do need_path(sim, engine, order[i], order[i % #order + 1]) end
  end
  local ends = {}
  for c, order in ipairs(orders) do
    ends[c] = add_collective(sim, engine, "allreduce_ring", work, order,
      share(options.size, options.channels, c))
  end
  return {
    ranks = #ranks, ends = ends, start_ps = work.start_ps,
    bytes = 2 * (#ranks - 1) * options.size,
  }
end

local function begin_alltoall(work, sim, engine)
  local ranks = resolve_ranks("alltoall", sim.fabric, work.options.ranks)
  check_ranks("alltoall", ranks, work.options.size)
  for _, src in ipairs(ranks) do
    for _, dst in ipairs(ranks) do
      if src ~= dst then need_path(sim, engine, src, dst) end
    end
  end
  local done = add_collective(sim, engine, "alltoall", work, ranks, work.options.size)
  return {
    ranks = #ranks, ends = { done }, start_ps = work.start_ps,
    bytes = (#ranks - 1) * work.options.size,
  }
end

local flow_rule = {
  src = { type = "any", required = true },
  dst = { type = "any", required = true },
  size = { type = "bytes", required = true, min = 1 },
  start = { type = "time", min = 0 },
}

local function begin_flows(work, sim, engine)
  local fabric, now_ps, bytes, resolved = sim.fabric, sim:now_ps(), 0, {}
  for i, flow in ipairs(work.flows) do
    local place = work.file and ("%s:%d"):format(work.file, flow.line)
    local src, dst = fabric:host(flow.src, place), fabric:host(flow.dst, place)
    if src == dst then M.same_host("flow " .. i, src, place) end
    resolved[i] = {
      src = src.id, dst = dst.id, size_bytes = flow.size_bytes, tag = work.tag,
      start_ps = start_of("flow " .. i, flow.start_ps, now_ps),
    }
    need_path(sim, engine, resolved[i].src, resolved[i].dst)
  end
  for _, flow in ipairs(resolved) do
    engine.add_flow(sim, flow)
    bytes = bytes + flow.size_bytes
  end
  return { count = #resolved, bytes = bytes }
end

--- AllReduce as one or more rings.
-- @tparam table options `size` (of each rank's buffer), `ranks` (hosts in ring order, or how many
-- of the first; default: all hosts), `start`, `algorithm` ("ring"), `channels` (rings to share the
-- buffer; more than one leave a server by different NICs: weft.rings)
-- @treturn Workload
function M.allreduce(options)
  return setmetatable({
    kind = "allreduce", options = check.options("allreduce", options, allreduce_rule),
    begin = begin_allreduce,
  }, Workload)
end

--- All-to-all: every rank sends a part of its buffer to every other, all at once.
-- @tparam table options `size` (of each rank's buffer, its own part included), `ranks`, `start`
-- @treturn Workload
function M.alltoall(options)
  return setmetatable({
    kind = "alltoall", options = check.options("alltoall", options, collective_rule),
    begin = begin_alltoall,
  }, Workload)
end

-- A name that ends in .csv is a CSV file, any other one a flow list of the HPCC simulator.
local function read_flows(path)
  if path:lower():find("%.csv$") then return require("weft.formats.flows").read(path) end
  local flows = {}
  for flow in require("weft.formats.hpcc").flows(path) do flows[#flows + 1] = flow end
  return flows
end

--- Single flows, from a list or from a file.
-- @tparam table options a list of `{ src, dst, size, start }`, or `{ file = path }`: CSV if its
-- name ends in .csv, else a flow list of the HPCC simulator
-- @treturn Workload
-- @usage weft.workload.flows { { src = "h0", dst = "h1", size = "1MB", start = "10us" } }
function M.flows(options)
  local flows = {}
  if type(options) == "table" and options.file ~= nil then
    check.options("flows", options, { file = { type = "string" } })
    flows = read_flows(options.file)
  else
    if type(options) ~= "table" or #options == 0 then
      fail.raise("flows: expected a list of flows or a file, got %s",
        type(options) == "table" and "an empty list" or fail.show(options))
    end
    for i, given in ipairs(options) do
      local flow = check.options("flows: flow " .. i, given, flow_rule)
      flows[i] = { src = flow.src, dst = flow.dst, size_bytes = flow.size, start_ps = flow.start }
    end
  end
  return setmetatable({
    kind = "flows", options = {}, flows = flows, file = options.file, begin = begin_flows,
  }, Workload)
end

--- Put a workload to work; called by sim:add_job.
function M.add_to(sim, work, engine)
  if not is_workload(work) then
    fail.raise("add_job: expected a workload such as weft.workload.allreduce { size = \"1MiB\" },"
      .. " got %s", fail.show(work))
  end
  local number = #sim.jobs + 1
  local tag = job.FIRST_TAG + number
  local start_ps = start_of(work.kind, work.options.start, sim:now_ps())
  local tagged = setmetatable({ tag = tag, start_ps = start_ps }, { __index = work })
  local started = work.begin(tagged, sim, engine)
  if work.kind ~= "flows" then sim.total_bytes = sim.total_bytes + started.bytes end
  local added = job.new(sim, work, number, tag, started)
  sim.jobs[number] = added
  return added
end

return M
