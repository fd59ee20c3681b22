--- Write what a simulation has for other tools: topologies and flow lists of the HPCC simulator,
-- connection matrices of htsim, GOAL schedules, and traces for ui.perfetto.dev. Each file appears
-- whole or not at all.
-- @module weft.export
-- @usage
-- sim:run()
-- weft.export.trace(sim, { file = "trace.json" })

local check = require "weft.check"
local fail = require "weft.fail"
local goal = require "weft.formats.goal"
local graph = require "weft.formats.graph"
local hpcc = require "weft.formats.hpcc"
local htsim = require "weft.formats.htsim"
local simai = require "weft.formats.simai"
local guard = require "weft.guard"

local M = {}

-- What the table of flows has where no task sent a flow.
local NO_TASK = 4294967295

-- ---- flows ----

-- A simulation, or a job with its simulation.
local function resolve(what, given)
  if check.is_asked() then return nil, nil end
  if type(given) == "table" and given.core and given.fabric then
    return check.argument(what, given, "simulation"), nil
  elseif type(given) == "table" and given.started and given.sim then
    return check.argument(what, given.sim, "simulation"), given
  end
  return fail.raise("%s: expected a simulation or a job, got %s", what, fail.show(given))
end

-- The flows, all or a job's, by start and then by number.
local function flows_of(sim, job)
  local table_of, list = sim:flows(), {}
  local columns = {}
  for _, name in ipairs { "src", "dst", "size_bytes", "start_ps", "fct_ps", "tag", "task" } do
    columns[name] = table_of:column(name)
  end
  for i = 1, #table_of do
    if not job or columns.tag[i] == job.tag then
      list[#list + 1] = {
        number = i - 1, src = columns.src[i], dst = columns.dst[i],
        size_bytes = columns.size_bytes[i], start_ps = columns.start_ps[i],
        fct_ps = columns.fct_ps[i], task = columns.task[i], tag = columns.tag[i],
      }
    end
  end
  table.sort(list, function(a, b)
    if a.start_ps ~= b.start_ps then return a.start_ps < b.start_ps end
    return a.number < b.number
  end)
  return list
end

local function need_flows(what, flows)
  if #flows == 0 then
    fail.raise("%s: there are no flows; those of tasks and collectives come with the run", what)
  end
  return flows
end

-- Ranks are the hosts in the order of the fabric.
local function ranks_of(fabric)
  local rank_of = {}
  for i, id in ipairs(fabric:hosts()) do rank_of[id] = i - 1 end
  return rank_of, #fabric:hosts()
end

local function ranked(sim, flows)
  local rank_of, count = ranks_of(sim.fabric)
  local list = {}
  for i, flow in ipairs(flows) do
    list[i] = {
      src = rank_of[flow.src], dst = rank_of[flow.dst], size_bytes = flow.size_bytes,
      start_ps = flow.start_ps,
    }
  end
  return list, count
end

local hpcc_rule = { topology = { type = "string" }, flows = { type = "string" } }

--- Write a fabric and flows in the format of the HPCC simulator. A fabric with NVLink switches is
-- written with SimAI's header. Flows of tasks and collectives are there once they have started.
-- @param from simulation, or job (its flows only)
-- @tparam table options `topology` and `flows`: names of files; either may be missing
function M.hpcc(from, options)
  local sim, job = resolve("export.hpcc", from)
  local given = check.options("export.hpcc", options, hpcc_rule)
  if not given.topology and not given.flows then
    fail.raise("export.hpcc: expected option 'topology' or 'flows', got neither")
  end
  local flows = given.flows and need_flows("export.hpcc", flows_of(sim, job))
  if given.topology then
    local nvlink = #hpcc.ids_of_kind(sim.fabric, "nvswitch") > 0
    local format = nvlink and simai or hpcc
    format.write_topology(given.topology, sim.fabric)
  end
  if flows then hpcc.write_flows(given.flows, flows) end
end

local file_rule = { file = { type = "string", required = true } }

--- Write flows as a connection matrix of htsim, each with its start. Nodes are the hosts in the
-- order of the fabric.
-- @param from simulation, or job (its flows only)
-- @tparam table options `file`
function M.connections(from, options)
  local sim, job = resolve("export.connections", from)
  local given = check.options("export.connections", options, file_rule)
  local list, count = ranked(sim, need_flows("export.connections", flows_of(sim, job)))
  htsim.write(given.file, count, list)
end

-- ---- GOAL ----

-- When the flows that a host receives are there, in the order of time, by job and host.
local function arrivals_of(flows)
  local by_tag, lists = {}, {}
  for _, flow in ipairs(flows) do
    if flow.task ~= NO_TASK and flow.fct_ps >= 0 then
      local of_job = by_tag[flow.tag] or {}
      by_tag[flow.tag] = of_job
      local list = of_job[flow.dst]
      if not list then
        list = {}
        of_job[flow.dst], lists[#lists + 1] = list, list
      end
      list[#list + 1] = { number = flow.number, at_ps = flow.start_ps + flow.fct_ps }
    end
  end
  for _, list in ipairs(lists) do
    table.sort(list, function(a, b)
      if a.at_ps ~= b.at_ps then return a.at_ps < b.at_ps end
      return a.number < b.number
    end)
  end
  return by_tag
end

-- What a flow of a task waited for: the last message that its host had got for the same job.
local function last_arrival(arrivals, flow)
  local list = arrivals[flow.tag] and arrivals[flow.tag][flow.src]
  if not list then return nil end
  local found, low, high = nil, 1, #list
  while low <= high do
    local middle = math.floor((low + high) / 2)
    if list[middle].at_ps <= flow.start_ps then
      found, low = list[middle], middle + 1
    else
      high = middle - 1
    end
  end
  return found
end

-- Flows as a graph: those that scripts and lists start begin at their time; those of tasks and
-- collectives so long after the last message that their host got as they did in the run.
local function graph_of(sim, flows)
  local net = graph.new(function(number) return ("flow %d"):format(number) end)
  local rank_of, count = ranks_of(sim.fabric)
  local arrivals, receives = arrivals_of(flows), {}
  for _, flow in ipairs(flows) do
    local src, dst = rank_of[flow.src], rank_of[flow.dst]
    local send = net:send(src, dst, flow.size_bytes, flow.number, flow.number)
    receives[flow.number] = net:receive(dst, src, flow.number, flow.number)
    local before = flow.task ~= NO_TASK and last_arrival(arrivals, flow)
    if not before then
      if flow.start_ps > 0 then net.not_before[send] = flow.start_ps end
    else
      local gap_ps, after = flow.start_ps - before.at_ps, receives[before.number]
      if gap_ps > 0 then
        local gap = net:compute(src, gap_ps, flow.number)
        net:after(gap, after)
        after = gap
      end
      net:after(send, after)
    end
  end
  net.ranks = count
  return net:finish()
end

--- Write a GOAL schedule, as LogGOPSim and ATLAHS read it. A job that was read from a schedule, a
-- connection matrix or traces without collectives is written as it was read. Of anything else the
-- flows are written, as they ran: each at its time, or, where a task or a collective sent it, so
-- long after the last message to its host as in the run. Ranks are the hosts in the order of the
-- fabric, or those of the schedule. Times are rounded to whole ns.
-- @param from simulation, or job
-- @tparam table options `file`
function M.goal(from, options)
  local sim, job = resolve("export.goal", from)
  local given = check.options("export.goal", options, file_rule)
  local net = job and job.work.graph
  if not net or net:has_collectives() then
    net = graph_of(sim, need_flows("export.goal", flows_of(sim, job)))
  end
  goal.write(given.file, net)
end

-- ---- traces ----

local trace_rule = {
  file = { type = "string", required = true },
  flows = { type = "boolean", default = true },
}

--- Write a trace that ui.perfetto.dev and Chrome's tracing open: for each host what it computes,
-- the collectives that it takes part in and what it sends, on top the jobs, and the series that
-- were sampled. What has not ended ends at the present.
-- @param from simulation, or job (its tasks and flows only)
-- @tparam table options `file`, `flows` (false: without what hosts send)
function M.trace(from, options)
  local sim, job = resolve("export.trace", from)
  local given = check.options("export.trace", options, trace_rule)
  require("weft.timeline").trace(sim, job, given.flows):write(given.file)
end

return guard.module("export", M)
