--- What happened in a simulation as events on tracks: hosts that compute, take part in collectives
-- and send, and the jobs. See weft.export.trace.
-- @module weft.timeline

local perfetto = require "weft.formats.perfetto"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- Kinds of tasks in the core's table.
local COMPUTE, COLLECTIVE = 0, 3

local function columns_of(results, names)
  local columns = { count = #results }
  for _, name in ipairs(names) do columns[name] = results:column(name) end
  return columns
end

-- Hosts stand below what is not of one host.
local function host_process(self, id)
  local process = self.hosts[id]
  if not process then
    process = self.trace:process(self.sim.fabric.nodes[id + 1].name, 2 + id)
    self.hosts[id] = process
  end
  return process
end

-- The end of what began; what has not ended goes on at the present.
local function end_of(self, end_ps, arguments)
  if end_ps >= 0 then return end_ps end
  arguments.unfinished = true
  return self.now_ps
end

-- ---- names ----

-- Names of tasks, from the jobs that know them (a table, or a function that makes one), and hosts
-- of computations that stand for several.
local function gather_names(self)
  self.names, self.members, self.kinds = {}, {}, {}
  for _, job in ipairs(self.sim.jobs) do
    self.kinds[job.tag] = job.kind
    local names = job.started.names or {}
    if type(names) == "function" then names = names(job.started) end
    for task, name in pairs(names) do self.names[task] = name end -- order-free: a copy
    for task, hosts in pairs(job.started.members or {}) do -- order-free: a copy
      self.members[task] = hosts
    end
  end
end

-- ---- events ----

local function add_computations(self, tasks)
  for i = 1, tasks.count do
    if tasks.kind[i] == COMPUTE and tasks.begin_ps[i] >= 0 and self.wanted(tasks.tag[i]) then
      local arguments = { task = i - 1 }
      local done_ps = end_of(self, tasks.end_ps[i], arguments)
      for _, host in ipairs(self.members[i - 1] or { tasks.src[i] }) do
        host_process(self, host):span("compute", self.names[i - 1] or "compute",
          tasks.begin_ps[i], done_ps, arguments)
      end
    end
  end
end

-- What each host did in a collective: from its begin to the end of the host's last message.
local function parts_of_collectives(self, tasks, flows)
  local parts = {}
  for i = 1, flows.count do
    local task = flows.task[i]
    if tasks.kind[task + 1] == COLLECTIVE and self.wanted(flows.tag[i]) then
      local part = parts[task] or { order = {}, done_ps = {} }
      parts[task] = part
      local done_ps = flows.fct_ps[i] < 0 and math.huge or flows.start_ps[i] + flows.fct_ps[i]
      for _, host in ipairs { flows.src[i], flows.dst[i] } do
        if not part.done_ps[host] then part.order[#part.order + 1] = host end
        part.done_ps[host] = math.max(part.done_ps[host] or 0, done_ps)
      end
    end
  end
  return parts
end

local function add_collectives(self, tasks, flows)
  local parts = parts_of_collectives(self, tasks, flows)
  for i = 1, tasks.count do
    local part = parts[i - 1]
    if part then
      local name = self.names[i - 1] or self.kinds[tasks.tag[i]] or "collective"
      table.sort(part.order)
      for _, host in ipairs(part.order) do
        local arguments = {
          task = i - 1, size = units.format_bytes(tasks.size_bytes[i]), ranks = #part.order,
        }
        local done_ps = part.done_ps[host]
        host_process(self, host):span("collectives", name, tasks.begin_ps[i],
          end_of(self, done_ps < math.huge and done_ps or -1, arguments), arguments)
      end
    end
  end
end

local function add_flows(self, flows)
  local nodes = self.sim.fabric.nodes
  for i = 1, flows.count do
    -- A flow that has not started has nothing to show.
    if flows.ideal_ps[i] >= 0 and self.wanted(flows.tag[i]) then
      local fct_ps, start_ps = flows.fct_ps[i], flows.start_ps[i]
      local arguments = { flow = i - 1, size = units.format_bytes(flows.size_bytes[i]) }
      if fct_ps >= 0 then arguments.slowdown = fct_ps / flows.ideal_ps[i] end
      host_process(self, flows.src[i]):span("send", "to " .. nodes[flows.dst[i] + 1].name, start_ps,
        end_of(self, fct_ps >= 0 and start_ps + fct_ps or -1, arguments), arguments)
    end
  end
end

local function add_jobs(self)
  for _, job in ipairs(self.sim.jobs) do
    local result = job:result()
    local start_ps = job.started.start_ps
    if start_ps and self.wanted(job.tag) and start_ps <= self.now_ps then
      local arguments = { summary = job:summary() }
      local end_ps = result.time_ps and start_ps + result.time_ps or -1
      self.trace:process("jobs", 0):span("jobs", ("job %d: %s"):format(job.number, job.kind),
        start_ps, end_of(self, end_ps, arguments), arguments)
    end
  end
end

-- ---- series ----

local METRICS = {
  { "port_queue", "queue", "bytes" }, { "port_bytes", "sent", "bytes" },
  { "flow_bytes", "flow", "bytes" },
}

local function object_name(sim, metric, object)
  if metric == "flow_bytes" then return ("flow %d"):format(object) end
  local link, nodes = sim.fabric.links[math.floor(object / 2) + 1], sim.fabric.nodes
  local a, b = nodes[link.a + 1].name, nodes[link.b + 1].name
  if object % 2 == 1 then a, b = b, a end
  return a .. " to " .. b
end

local function add_series(self)
  for _, metric in ipairs(METRICS) do
    for object in util.sorted_pairs(self.sim.watches[metric[1]] or {}) do
      local series, times, values = self.sim:series(metric[1], object), {}, {}
      for i = 1, series.count do
        times[i], values[i] = series.start_ps + i * series.period_ps, series.value[i]
      end
      self.trace:process("series", 1):counter(
        metric[2] .. " " .. object_name(self.sim, metric[1], object), metric[3], times, values)
    end
  end
end

--- The trace of a simulation.
-- @tparam Simulation sim
-- @tparam ?Job job only its tasks and flows
-- @tparam boolean with_flows whether to show what hosts send
-- @treturn table weft.formats.perfetto
function M.trace(sim, job, with_flows)
  local self = {
    sim = sim, trace = perfetto.new(), hosts = {}, now_ps = sim:now_ps(),
    wanted = function(tag) return not job or tag == job.tag end,
  }
  gather_names(self)
  local tasks = columns_of(sim:tasks(),
    { "kind", "begin_ps", "end_ps", "src", "size_bytes", "tag" })
  local flows = columns_of(sim:flows(),
    { "src", "dst", "size_bytes", "start_ps", "fct_ps", "ideal_ps", "tag", "task" })
  add_jobs(self)
  add_computations(self, tasks)
  add_collectives(self, tasks, flows)
  if with_flows then add_flows(self, flows) end
  if not job then add_series(self) end
  return self.trace
end

return M
