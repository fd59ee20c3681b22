--- AllReduce as SimAI lowers it to flows (MockNccl, algorithm RING): the traffic of its ns-3 runs.
--
-- GPUs in the order of their numbers form groups of `group`. With g ranks in each server a group
-- has g rings. Ring c visits ranks c, c+1, ... around to c-1 of the first server, then those of
-- the next server in the same order, and so on: where it changes servers it changes rails, from
-- rank c-1 to rank c. Each ring carries 1/g of the buffer in 2 (ranks - 1) steps of size / ranks
-- / g bytes, rounded down: SimAI loses the remainders.
--
-- In a step a rank sends one message to its neighbour. It decides on step s+1 when the message of
-- step s from its other neighbour is acknowledged at that neighbour (half a round trip after it
-- came) and its own step s has been decided on. It does not wait for its own messages to be
-- delivered, so several of one ring can be under way on a slow hop. A decision takes 10 ns, and
-- the message enters the NIC `latency` later.
--
-- Every rank goes through the layers on its own: computes, takes part in the layer's AllReduce,
-- and begins the next layer when all that it was to get has come and its last messages are in the
-- NIC. SimAI reports rank 0.
-- @module weft.workload.simai

local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local rings = require "weft.rings"
local units = require "weft.units"

local M = {}

local DECISION_PS = 10000

local rule = {
  layers = { type = "list", required = true },
  group = { type = "integer", min = 2 },
  latency = { type = "time", min = 0, default = "6us" },
  start = { type = "time", min = 0 },
}

local layer_rule = {
  compute = { type = "time", min = 0, default = 0 },
  allreduce = { type = "bytes", required = true, min = 1 },
}

--- The rings of one group.
-- @tparam weft.Fabric fabric
-- @tparam table ranks host ids
-- @treturn table list of lists of host ids, ring 0 first
function M.rings(fabric, ranks)
  local servers, orders = rings.by_server("simai", fabric, ranks), {}
  local g = #servers[1]
  for c = 0, g - 1 do
    local order = {}
    for _, members in ipairs(servers) do
      for i = 0, g - 1 do order[#order + 1] = members[(c + i) % g + 1] end
    end
    orders[c + 1] = order
  end
  return orders
end

local function message_bytes(group, size)
  return math.floor(math.floor(size / #group.ranks) / #group.rings)
end

-- Tasks of one job, added one by one.
local Lowering = {}
Lowering.__index = Lowering

function Lowering:add(task, ...)
  task.tag = self.tag
  local id = self.engine.call(self.core, "task_add", task)
  for i = 1, select("#", ...) do
    local before = select(i, ...)
    if before then self.engine.call(self.core, "task_after", id, before) end
  end
  return id
end

function Lowering:compute(duration_ps, ...)
  return self:add({ kind = "compute", duration_ps = duration_ps }, ...)
end

--- One ring. `begin` and `pending` go from host to task and to the list of tasks that the host has
-- to await.
function Lowering:ring(order, bytes, begin, pending)
  local n = #order
  local decided, sent, entered = {}, {}, {}
  for step = 1, 2 * (n - 1) do
    local decided_now, sent_now = {}, {}
    for i = 1, n do
      local previous = (i - 2) % n + 1
      decided_now[i] = step == 1 and self:compute(DECISION_PS, begin[order[i]])
        or self:compute(DECISION_PS, sent[previous], decided[i])
      entered[i] = self:compute(self.latency_ps, decided_now[i])
      sent_now[i] = self:add({
        kind = "send", src = order[i], dst = order[i % n + 1], size_bytes = bytes,
      }, entered[i])
    end
    decided, sent = decided_now, sent_now
  end
  for i = 1, n do
    local list = pending[order[i]]
    list[#list + 1] = sent[(i - 2) % n + 1]
    list[#list + 1] = entered[i]
  end
end

--- One AllReduce of a group; returns the tasks with which its ranks are done, by host.
function Lowering:allreduce(group, size, begin)
  local pending, done = {}, {}
  for _, host in ipairs(group.ranks) do pending[host] = {} end
  local bytes = message_bytes(group, size)
  for _, order in ipairs(group.rings) do self:ring(order, bytes, begin, pending) end
  for _, host in ipairs(group.ranks) do
    done[host] = self:add({ kind = "barrier" })
    for _, task in ipairs(pending[host]) do
      self.engine.call(self.core, "task_after", done[host], task)
    end
  end
  return done
end

local function split(fabric, group_size)
  local hosts = fabric:hosts()
  local size = group_size or #hosts
  if #hosts < 2 or #hosts % size ~= 0 then
    fail.raise("simai: group: expected a divisor of the %d hosts of %s, got %d", #hosts,
      fabric.name, size)
  end
  local groups = {}
  for first = 1, #hosts, size do
    local ranks = {}
    for i = 1, size do ranks[i] = hosts[first + i - 1] end
    groups[#groups + 1] = { ranks = ranks, rings = M.rings(fabric, ranks) }
  end
  return groups
end

-- Time that the first rank has spent in the AllReduce of each layer; nil where it is not through.
local function result_of(job)
  local ends = job.sim:tasks():column "end_ps"
  local result = { kind = "simai", complete = true, layers = {} }
  for l, layer in ipairs(job.started.layers) do
    local begin_ps, end_ps = ends[layer.begin + 1], ends[layer.done + 1]
    result.layers[l] = {
      size_bytes = layer.size_bytes, time_ps = end_ps >= 0 and end_ps - begin_ps or nil,
    }
  end
  for _, task in ipairs(job.started.ends) do
    if ends[task + 1] < 0 then result.complete = false end
  end
  local last = ends[job.started.layers[#job.started.layers].done + 1]
  if last >= 0 then result.time_ps = last - job.started.start_ps end
  return result
end

local function describe(job, result)
  local parts = {}
  for l, layer in ipairs(result.layers) do
    parts[l] = ("allreduce of %s: %s"):format(units.format_bytes(layer.size_bytes),
      layer.time_ps and units.format_time(layer.time_ps) or "not complete")
  end
  return ("simai, %d groups of %d, rank 0: %s"):format(job.started.groups, job.started.ranks,
    table.concat(parts, ", "))
end

-- Refuse what cannot run, before anything is added.
local function check_groups(work, sim, groups)
  for _, group in ipairs(groups) do
    for l, layer in ipairs(work.layers) do
      if layer.allreduce < #group.ranks * #group.rings then
        fail.raise("simai: layer %d: allreduce: expected at least a byte for each of %d ranks and"
          .. " %d rings, got %s", l, #group.ranks, #group.rings,
          units.format_bytes(layer.allreduce))
      end
    end
    for _, order in ipairs(group.rings) do
      for i = 1, #order do base.need_path(sim, order[i], order[i % #order + 1]) end
    end
  end
end

-- All layers of one group: tasks with which its ranks are done, and what its first rank begins and
-- ends each AllReduce with.
local function add_group(lowering, group, layers, start_ps)
  local done, first, marks = {}, group.ranks[1], {}
  for _, host in ipairs(group.ranks) do
    done[host] = lowering:add { kind = "compute", duration_ps = 0, start_ps = start_ps }
  end
  for l, layer in ipairs(layers) do
    local through = {}
    for _, host in ipairs(group.ranks) do
      through[host] = lowering:compute(layer.compute, done[host])
    end
    done = lowering:allreduce(group, layer.allreduce, through)
    marks[l] = { begin = through[first], done = done[first], size_bytes = layer.allreduce }
  end
  return done, marks
end

local function begin(work, sim, engine)
  local groups = split(sim.fabric, work.options.group)
  check_groups(work, sim, groups)
  local lowering = setmetatable({
    core = sim.core, engine = engine, tag = work.tag, latency_ps = work.options.latency,
  }, Lowering)
  local started = {
    groups = #groups, ranks = #groups[1].ranks, start_ps = work.start_ps, ends = {}, bytes = 0,
    result = result_of, describe = describe,
  }
  for _, group in ipairs(groups) do
    local done, marks = add_group(lowering, group, work.layers, work.start_ps)
    started.layers = started.layers or marks
    for _, host in ipairs(group.ranks) do started.ends[#started.ends + 1] = done[host] end
    for _, layer in ipairs(work.layers) do
      started.bytes = started.bytes + message_bytes(group, layer.allreduce)
        * 2 * (#group.ranks - 1) * #group.ranks * #group.rings
    end
  end
  return started
end

--- Layers of computation and AllReduce, lowered as SimAI does for groups of tensor parallelism.
-- @tparam table options `layers` (list of `{ compute, allreduce }`: time and bytes of each rank's
-- buffer), `group` (ranks in a group: consecutive GPUs; default: all), `latency` (from the decision
-- to send to the NIC: SimAI's AS_SEND_LAT, 6us by default there too), `start`
-- @treturn Workload; `job:result().layers[l].time_ps` is rank 0's time in the AllReduce of layer l
-- @usage weft.workload.simai { group = 16, layers = { { compute = "1ms", allreduce = "1MiB" } } }
function M.simai(options)
  local checked = check.options("simai", options, rule)
  if #checked.layers == 0 then fail.raise("simai: layers: expected a list, got an empty one") end
  local layers = {}
  for l, given in ipairs(checked.layers) do
    layers[l] = check.options("simai: layer " .. l, given, layer_rule)
  end
  return base.new { kind = "simai", options = checked, layers = layers, begin = begin }
end

return M
