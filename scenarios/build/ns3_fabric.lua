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
  { "rate_ai", type = "rate" }, { "rate_hai", type = "rate" }, { "min_rate", type = "rate" },
  { "dctcp_rate_ai", type = "rate" }, { "kmin_map" }, { "kmax_map" }, { "pmax_map" },
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

local CC = { [0] = "window", [1] = "dcqcn", [3] = "hpcc", [7] = "timely", [8] = "dctcp" }

local function us(value) return ("%.0fus"):format(math.floor(value)) end

local function rate(value) return math.floor(value) end

--- Round trip and window of that simulator: the largest over all pairs of hosts of twice the delay
-- plus the time of a payload at each hop of one way, in whole ns; and the bytes in it.
local function largest_round_trip(fabric, payload_bytes)
  local rtt_ns, window_bytes = 0, 0
  local seen = {}
  local function from(host)
    local at = { [host] = { delay = 0, send = 0, bps = math.huge } }
    local queue = { host }
    for _, node in ipairs(queue) do
      for _, link in ipairs(fabric:links_of(node)) do
        local far = link.a == node and link.b or link.a
        if not at[far] then
          local near = at[node]
          at[far] = {
            delay = near.delay + link.delay_ps / PS_PER_NS,
            send = near.send + math.floor(payload_bytes * 8e9 / link.rate_bps),
            bps = math.min(near.bps, link.rate_bps),
          }
          if fabric.nodes[far + 1].kind ~= "host" then queue[#queue + 1] = far end
        end
      end
    end
    for _, other in ipairs(fabric:hosts()) do
      local way = other ~= host and at[other]
      if way then
        local rtt = 2 * way.delay + way.send
        rtt_ns = math.max(rtt_ns, rtt)
        window_bytes = math.max(window_bytes, math.floor(math.floor(rtt * way.bps / 1e9) / 8))
      end
    end
  end
  for _, host in ipairs(fabric:hosts()) do
    -- Hosts on one switch by links alike see the same distances.
    local link = fabric:links_of(host)[1]
    local place = ("%d,%.0f,%.0f"):format(link.a == host and link.b or link.a, link.rate_bps,
      link.delay_ps)
    if not seen[place] then
      seen[place] = true
      from(host)
    end
  end
  return rtt_ns, window_bytes
end

-- "count rate value rate value ...", as a table by rate.
local function rate_map(text)
  local map, rest = {}, text:match("^%s*%d+%s+(.*)$")
  for bps, value in rest:gmatch("(%S+)%s+(%S+)") do map[tonumber(bps)] = tonumber(value) end
  return map
end

--- Engine options of a run on a fabric.
local function options(run, fabric)
  local cc = CC[run.cc_mode]
  if not cc then weft.fail.raise("run %s: no cc_mode %g here", run.run, run.cc_mode) end
  if run.rate_bound ~= 1 then weft.fail.raise("run %s: rate_bound 0 is not modelled", run.run) end
  local rtt_ns, window = largest_round_trip(fabric, run.packet_payload_size)
  return {
    compat = "ns3", ecmp = "ns3", completion = "sender", rto = 0, cc = cc,
    mtu = run.packet_payload_size, header = 48, int_header = 42,
    base_rtt = ("%.0fns"):format(rtt_ns), window = window,
    window_mode = run.has_win == 0 and "none" or run.var_win == 1 and "rate" or "fixed",
    min_rate = rate(run.min_rate), max_rate = 0,
    buffer = run.buffer_size * 2 ^ 20, buffer_alpha = 1 / 8, pfc = true,
    pfc_reserve = 4096, pfc_resume = 3072,
    ack_priority = run.ack_high_prio == 1 and "hosts" or "fifo",
    dctcp_g = run.ewma_gain, dctcp_ai = rate(run.dctcp_rate_ai),
    hpcc_eta = run.u_target, hpcc_max_stage = run.mi_thresh, hpcc_int_multi = run.int_multi,
    hpcc_fast_react = run.fast_react == 1, hpcc_multi_rate = run.multi_rate == 1,
    hpcc_ai = rate(run.rate_ai),
    dcqcn_g = run.ewma_gain, dcqcn_alpha = us(run.alpha_resume_interval),
    dcqcn_decrease = us(run.rate_decrease_interval), dcqcn_increase = us(run.rp_timer),
    dcqcn_recovery_steps = run.fast_recovery_times, dcqcn_clamp = run.clamp_target_rate == 1,
    dcqcn_ai = rate(run.rate_ai), dcqcn_hai = rate(run.rate_hai),
    timely_alpha = 0.875, timely_beta = 0.8, timely_low = "50us", timely_high = "500us",
    timely_min_rtt = "20us", timely_ai = rate(run.rate_ai), timely_hai = rate(run.rate_hai),
  }
end

local function set_ecn(sim, run)
  local kmin, kmax, pmax = rate_map(run.kmin_map), rate_map(run.kmax_map), rate_map(run.pmax_map)
  for _, link in ipairs(sim.fabric.links) do
    local bps = link.rate_bps
    if not (kmin[bps] and kmax[bps] and pmax[bps]) then
      weft.fail.raise("run %s: no ECN thresholds for %s", run.run, weft.units.format_rate(bps))
    end
    for port = 2 * link.id, 2 * link.id + 1 do
      sim.core:port_set_ecn(port, kmin[bps] * 1000, kmax[bps] * 1000, pmax[bps])
    end
  end
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
  set_ecn(sim, run)
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
