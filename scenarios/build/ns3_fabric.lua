--- Recorded runs of the HPCC simulator on stars, dumbbells and fat trees (ns3-fabric).
-- A folder of them has runs.csv (a row per run: workload, topology and the parameters as that
-- simulator names them) and fct/<run>.csv; the inputs are <topology>.topo.txt and
-- <workload>.flows.csv.

local effect = require "weft.effect"
local weft = require "weft"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
local compare = dofile(here .. "ns3_compare.lua")
local traces = dofile(here .. "ns3_traces.lua")

local M = {}

local RUN = {
  { "run" }, { "workload" }, { "topology" }, { "variant" },
  { "rate_ai" }, { "rate_hai" }, { "min_rate" }, { "dctcp_rate_ai" },
  { "kmin_map" }, { "kmax_map" }, { "pmax_map" },
}
for _, name in ipairs {
  "cc_mode", "has_win", "var_win", "fast_react", "u_target", "mi_thresh", "int_multi", "multi_rate",
  "ewma_gain", "alpha_resume_interval", "rate_decrease_interval", "rp_timer",
  "fast_recovery_times", "clamp_target_rate", "buffer_size", "ack_high_prio",
  "packet_payload_size", "rate_bound",
} do
  RUN[#RUN + 1] = { name, type = "number" }
end
for _, name in ipairs { "pfc_frames", "drops", "packet_hops" } do
  RUN[#RUN + 1] = { name, type = "integer", optional = true }
end

local FLOW = {
  { "id", type = "integer", min = 0 }, { "src", type = "integer" }, { "dst", type = "integer" },
  { "size_bytes", type = "integer", min = 1 }, { "start_ns", type = "integer", min = 0 },
}

local RECORD = {
  { "fct_ns", type = "integer", default = false }, { "ideal_fct_ns", type = "integer", min = 1 },
}
for _, column in ipairs(FLOW) do RECORD[#RECORD + 1] = column end

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- Read a folder. Runs that have no completion times in it are left out.
-- @tparam string dir
-- @tparam[opt] string inputs folder of topologies and flow lists; default: DIR/inputs
-- @treturn {table,...} runs
function M.read(dir, inputs)
  inputs = inputs or dir .. "/inputs"
  local runs = {}
  for _, run in ipairs(weft.csv.read(dir .. "/runs.csv", RUN)) do
    run.fct_file = ("%s/fct/%s.csv"):format(dir, run.run)
    run.topology_file = ("%s/%s.topo.txt"):format(inputs, run.topology)
    run.flows_file = ("%s/%s.flows.csv"):format(inputs, run.workload)
    run.paths_file = ("%s/paths/%s.txt"):format(dir, run.workload)
    run.traces = ("%s/traces/%s"):format(dir, run.run)
    if exists(run.fct_file) then runs[#runs + 1] = run end
  end
  return runs
end

-- ---- parameters -------------------------------------------------------------------------------

local PS_PER_NS = 1000

-- The keys of that simulator's configuration, as columns in lower case.
local KEYS = {
  "ACK_HIGH_PRIO", "ALPHA_RESUME_INTERVAL", "BUFFER_SIZE", "CC_MODE", "CLAMP_TARGET_RATE",
  "DCTCP_RATE_AI", "EWMA_GAIN", "FAST_REACT", "FAST_RECOVERY_TIMES", "HAS_WIN", "INT_MULTI",
  "KMAX_MAP", "KMIN_MAP", "MIN_RATE", "MI_THRESH", "MULTI_RATE", "PACKET_PAYLOAD_SIZE", "PMAX_MAP",
  "RATE_AI", "RATE_BOUND", "RATE_DECREASE_INTERVAL", "RATE_HAI", "RP_TIMER", "U_TARGET", "VAR_WIN",
}

--- Options of a run on a fabric.
local function options(run, fabric)
  local values = {}
  for _, key in ipairs(KEYS) do values[key] = run[key:lower()] end
  return weft.config.from_table(values, { compat = true, topology = fabric }).options
end

-- ---- workload ---------------------------------------------------------------------------------

-- Without a flow list the driver ran a ring AllReduce: flow step x n + i goes from host i to the
-- next one, after flow (step - 1) x n + i - 1 has come to its end at its sender.
local function is_ring(run, records, hosts)
  if exists(run.flows_file) then return false end
  for i, record in ipairs(records) do
    local from = (i - 1) % hosts
    if record.id ~= i - 1 or record.src ~= from or record.dst ~= (from + 1) % hosts then
      return false
    end
  end
  return true
end

--- Flows of a run, in the order in which that simulator got them, with their ports.
local function flows_of(run, records, hosts)
  local ring = is_ring(run, records, hosts)
  local flows, count = {}, {}
  for _, flow in ipairs(exists(run.flows_file) and weft.csv.read(run.flows_file, FLOW)
    or records) do
    local pair = flow.src .. "," .. flow.dst
    local step = count[pair] or 0
    count[pair] = step + 1
    flows[#flows + 1] = {
      src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
      start_ps = ring and 0 or flow.start_ns * PS_PER_NS,
      sport = 10000 + step, dport = ring and 20000 + step or 100,
    }
  end
  return flows, ring
end

local function add(sim, flows, ring, hosts)
  for i, flow in ipairs(flows) do
    if ring then
      local task = sim.core:task_add {
        kind = "send", src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
        sport = flow.sport, dport = flow.dport,
      }
      if task >= hosts then
        local step = math.floor((i - 1) / hosts) - 1
        sim.core:task_after(task, step * hosts + (flow.src + hosts - 1) % hosts)
      end
    else
      sim.core:flow_add(flow)
    end
  end
end

--- The simulation of a run, without flows, and what it is to be compared with.
local function load(run, set)
  local fabric = weft.topology.from_file(run.topology_file)
  local records = {}
  for record in weft.csv.rows(run.fct_file, RECORD) do records[record.id + 1] = record end
  local sim = weft.simulation {
    topology = fabric, set = effect.only(compare.with(options(run, fabric), set)),
  }
  local hosts = #fabric:hosts()
  local flows, ring = flows_of(run, records, hosts)
  return { sim = sim, records = records, flows = flows, ring = ring, hosts = hosts }
end

-- ---- paths ------------------------------------------------------------------------------------

-- The route of a flow as the recording writes it: every node after the first.
local function route(core, src, dst, flow)
  local nodes = {}
  for i, port in ipairs(core:path(src, dst, flow)) do nodes[i] = core:port_info(port).to end
  return table.concat(nodes, " ")
end

--- Compare the paths of a workload's flows and their ACKs with the recorded ones.
-- @treturn[1] number of paths that differ
-- @treturn[1] number of paths compared
-- @return[2] nil if none are recorded
function M.compare_paths(run)
  if not exists(run.paths_file) then return nil end
  local loaded = load(run)
  local core, flows = loaded.sim.core, loaded.flows
  -- An ACK is hashed with addresses and ports swapped, like a flow that goes back.
  for _, flow in ipairs(flows) do
    core:flow_add { src = flow.src, dst = flow.dst, size_bytes = 1, sport = flow.sport,
      dport = flow.dport }
    core:flow_add { src = flow.dst, dst = flow.src, size_bytes = 1, sport = flow.dport,
      dport = flow.sport }
  end
  local different, count = 0, 0
  for text in io.lines(run.paths_file) do
    local id, kind, recorded = text:match("^(%d+) (%a+) %d+: (.*)$")
    local flow = id and flows[tonumber(id) + 1]
    if flow then
      local back = kind == "ack"
      local ours = route(core, back and flow.dst or flow.src, back and flow.src or flow.dst,
        2 * tonumber(id) + (back and 1 or 0))
      count = count + 1
      if ours ~= recorded then different = different + 1 end
    end
  end
  core:close()
  return different, count
end

-- ---- running ----------------------------------------------------------------------------------

--- Run it.
-- @tparam table run
-- @tparam[opt] table set more engine options
-- @treturn {table,...} samples for ns3_compare, by the flows' ids
-- @treturn table the simulation
function M.run(run, set)
  local loaded = load(run, set)
  local sim = loaded.sim
  add(sim, loaded.flows, loaded.ring, loaded.hosts)
  sim:run()
  local fct = sim.core:column("flows", "fct_ps")
  local row_of = loaded.ring and sim.core:column("tasks", "flow")
  local samples = {}
  for i = 1, #loaded.flows do
    local record = loaded.records[i] or {}
    local ours = fct[row_of and row_of[i] + 1 or i]
    samples[i] = {
      weft_ns = ours and ours >= 0 and ours / PS_PER_NS, ns3_ns = record.fct_ns or false,
      ideal_ns = record.ideal_fct_ns,
    }
  end
  return samples, sim
end

--- Compare the recorded queues and ACKs of a run, if there are any.
-- @tparam table run
-- @tparam[opt] table set more engine options
-- @treturn table as of ns3_traces
function M.compare_traces(run, set)
  local loaded = load(run, set)
  add(loaded.sim, loaded.flows, loaded.ring, loaded.hosts)
  local end_ns = 0
  for _, record in ipairs(loaded.records) do
    end_ns = math.max(end_ns, record.start_ns + (record.fct_ns or 0))
  end
  local result = traces.compare(loaded.sim, loaded.flows, run.traces, end_ns)
  loaded.sim.core:close()
  return result
end

local function describe(run, samples, sim)
  local figures, stats = compare.figures(samples), sim:stats()
  return ("%s: %s; %d drops, %d pauses, %.0f packet hops; ns-3: %s drops, %s PFC frames, %s hops")
    :format(run.run, compare.describe(figures), stats.packets_dropped, stats.pfc_pauses,
      stats.packet_hops, run.drops or "?", run.pfc_frames or "?", run.packet_hops or "?"),
    figures.unmatched > 0
end

--- Replay a folder.
-- @tparam string dir
-- @tparam[opt] string inputs
-- @tparam[opt] table given `only` (says of a run whether it is wanted), `note` (called with a line
-- on each run or workload, and whether something is wrong), `set` (more engine options)
-- @treturn Table of ns3_compare: groups are workloads
function M.replay(dir, inputs, given)
  given = given or {}
  local note = given.note or function() end
  local results, checked = compare.new("ns3-fabric"), {}
  for _, run in ipairs(M.read(dir, inputs)) do
    if not given.only or given.only(run) then
      if not checked[run.workload] then
        checked[run.workload] = true
        local different, count = M.compare_paths(run)
        if different then
          note(("%s: %d of %d paths differ"):format(run.workload, different, count), different > 0)
        end
      end
      local samples, sim = M.run(run, given.set)
      note(describe(run, samples, sim))
      results:add(run.workload, run.variant, samples)
      sim.core:close()
      local found = M.compare_traces(run, given.set)
      for _, what in ipairs { "queues", "acks" } do
        local one = found[what]
        if one then
          note(("%s: %d of %d lines of %s differ%s"):format(run.run, one.different, one.lines, what,
            one.first and "; first " .. one.first or ""), one.different > 0)
        end
      end
    end
  end
  return results
end

return M
