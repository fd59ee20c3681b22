--- Scenarios of the m3 authors' simulator, on lines of hosts (ns3-line) or one switch (ns3-star).
-- A folder of them has scenarios.csv (a row per scenario: congestion control and its parameters),
-- flows.csv (flows with recorded completion times) and topology-<hosts>.txt or topology.txt.

local effect = require "weft.effect"
local weft = require "weft"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
local compare = dofile(here .. "ns3_compare.lua")

local M = {}

local SCENARIO = {
  { "cc" },
  { "hosts", type = "integer", optional = true },
}
for _, name in ipairs {
  "scenario", "init_window_bytes", "has_window", "window_follows_rate", "pfc", "buffer_kib",
  "ecn_kmin_kb", "ecn_kmax_kb", "ecn_pmax", "ack_high_priority", "rate_ai_mbps", "rate_hai_mbps",
  "min_rate_mbps", "max_rate_mbps", "dctcp_rate_ai_mbps", "ewma_gain", "hpcc_u_target",
  "hpcc_mi_thresh", "hpcc_fast_react", "hpcc_multi_rate", "timely_t_low_ns", "timely_t_high_ns",
  "timely_beta", "dcqcn_rp_timer_us", "dcqcn_alpha_resume_us", "dcqcn_rate_decrease_us",
  "dcqcn_fast_recovery_times", "base_rtt_ns",
} do
  SCENARIO[#SCENARIO + 1] = { name, type = "number" }
end

local FLOW = {
  { "scenario", type = "integer" }, { "flow", type = "integer" }, { "src", type = "integer" },
  { "dst", type = "integer" }, { "size_bytes", type = "integer", min = 1 },
  { "start_ns", type = "integer", min = 0 }, { "ns3_fct_ns", type = "integer", default = false },
  { "ideal_fct_ns", type = "integer", min = 1, default = false },
}

local function exists(path)
  local file = io.open(path)
  if file then file:close() end
  return file ~= nil
end

--- Read a folder.
-- @treturn table `name` (of the set), `scenarios` (with their `flows`), `dir`
function M.read(dir)
  local is_star = exists(dir .. "/topology.txt")
  local scenarios = weft.csv.read(dir .. "/scenarios.csv", SCENARIO)
  local by_number = {}
  for _, scenario in ipairs(scenarios) do
    scenario.flows = {}
    by_number[scenario.scenario] = scenario.flows
    local file = is_star and "/topology.txt" or ("/topology-%d.txt"):format(scenario.hosts)
    scenario.topology = dir .. file
  end
  for flow in weft.csv.rows(dir .. "/flows.csv", FLOW) do
    local flows = by_number[flow.scenario]
    if flows then flows[#flows + 1] = flow end
  end
  return { name = is_star and "ns3-star" or "ns3-line", scenarios = scenarios, dir = dir }
end

local MBPS, KIB, PS_PER_NS = 1e6, 1024, 1000

local function ns(value) return ("%.0fns"):format(value) end

-- That simulator's intervals are whole us.
local function us(value) return ("%.0fus"):format(math.floor(value)) end

--- Engine options of a scenario.
local function options(scenario)
  local s = scenario
  local window_mode = s.has_window == 0 and "none"
    or s.window_follows_rate == 1 and "rate" or "fixed"
  return {
    compat = "ns3", ecmp = "ns3", completion = "receiver", rto = 0, cc = s.cc,
    mtu = 1000, header = 48, int_header = 42,
    window = s.init_window_bytes, window_mode = window_mode, base_rtt = ns(s.base_rtt_ns),
    min_rate = s.min_rate_mbps * MBPS, max_rate = s.max_rate_mbps * MBPS,
    buffer = s.buffer_kib * KIB, buffer_alpha = 1 / 4, pfc = s.pfc == 1,
    pfc_reserve = 4 * KIB, pfc_resume = 3 * KIB,
    ack_priority = s.ack_high_priority == 1 and "all" or "fifo",
    dctcp_g = s.ewma_gain, dctcp_ai = s.dctcp_rate_ai_mbps * MBPS,
    hpcc_eta = s.hpcc_u_target, hpcc_max_stage = s.hpcc_mi_thresh, hpcc_int_multi = 1,
    hpcc_fast_react = s.hpcc_fast_react == 1, hpcc_multi_rate = s.hpcc_multi_rate == 1,
    hpcc_ai = s.rate_ai_mbps * MBPS,
    dcqcn_g = s.ewma_gain, dcqcn_alpha = us(s.dcqcn_alpha_resume_us),
    dcqcn_decrease = us(s.dcqcn_rate_decrease_us), dcqcn_increase = us(s.dcqcn_rp_timer_us),
    dcqcn_recovery_steps = s.dcqcn_fast_recovery_times,
    dcqcn_ai = s.rate_ai_mbps * MBPS, dcqcn_hai = s.rate_hai_mbps * MBPS,
    timely_low = ns(s.timely_t_low_ns), timely_high = ns(s.timely_t_high_ns),
    timely_beta = s.timely_beta, timely_ai = s.rate_ai_mbps * MBPS,
    timely_hai = s.rate_hai_mbps * MBPS,
  }
end

-- The thresholds hold at 10 Gbit/s and grow with the rate up to 40 Gbit/s; faster ports got none,
-- and mark every packet that leaves others behind.
local ECN_FACTOR = { [10e9] = 1, [40e9] = 4 }

local function set_ecn(sim, scenario)
  for _, link in ipairs(sim.fabric.links) do
    local factor = 1000 * (ECN_FACTOR[link.rate_bps] or 0)
    for port = 2 * link.id, 2 * link.id + 1 do
      sim.core:port_set_ecn(port, scenario.ecn_kmin_kb * factor, scenario.ecn_kmax_kb * factor,
        scenario.ecn_pmax)
    end
  end
end

--- When a flow really starts. Flow lists said 1 s + start_ns with nine decimals; read as a double
-- and cut to whole ns, that is often one ns less.
local function real_start_ns(start_ns)
  local whole = math.floor(start_ns / 1e9)
  local listed = tonumber(("%.0f.%09.0f"):format(1 + whole, start_ns - 1e9 * whole))
  local seconds, rest = ("%.60f"):format(listed):match("^(%d+)%.(%d%d%d%d%d%d%d%d%d)")
  return (tonumber(seconds) - 1) * 1e9 + tonumber(rest)
end

-- Scenarios below this number were recorded by the authors, who put completion times that came out
-- shorter than the ideal to the ideal.
local FIRST_AS_RUN = 1000

--- Run a scenario.
-- @tparam table scenario
-- @tparam[opt] table set more engine options
-- @treturn {table,...} samples for ns3_compare, in the order of its flows
-- @treturn table the simulation
function M.run(scenario, set)
  local sim = weft.simulation {
    topology = weft.topology.from_file(scenario.topology),
    set = effect.only(compare.with(options(scenario), set)),
  }
  set_ecn(sim, scenario)
  local count = {}
  for _, flow in ipairs(scenario.flows) do
    local pair = flow.src .. "," .. flow.dst
    count[pair] = (count[pair] or 0) + 1
    sim.core:flow_add {
      src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
      start_ps = real_start_ns(flow.start_ns) * PS_PER_NS, sport = 9999 + count[pair], dport = 100,
    }
  end
  sim:run()
  local fct, samples = sim.core:column("flows", "fct_ps"), {}
  for i, flow in ipairs(scenario.flows) do
    local ours = fct[i] >= 0 and fct[i] / PS_PER_NS
    if ours and flow.ideal_fct_ns and scenario.scenario < FIRST_AS_RUN then
      ours = math.max(ours, flow.ideal_fct_ns)
    end
    samples[i] = { weft_ns = ours, ns3_ns = flow.ns3_fct_ns, ideal_ns = flow.ideal_fct_ns }
  end
  return samples, sim
end

local function describe(set, scenario, samples, sim)
  local figures, stats = compare.figures(samples), sim:stats()
  return ("%s %d: %s, %s; %d drops, %d pauses, %d marks"):format(set.name, scenario.scenario,
    scenario.cc, compare.describe(figures), stats.packets_dropped, stats.pfc_pauses,
    stats.ecn_marks), figures.unmatched > 0
end

--- Replay a folder.
-- @tparam string dir
-- @tparam[opt] table given `only` (says of a scenario whether it is wanted), `note` (called with
-- a line on each scenario, and whether something is wrong), `set` (more engine options)
-- @treturn Table of ns3_compare: groups are numbers of hosts
function M.replay(dir, given)
  given = given or {}
  local note = given.note or function() end
  local set, entries = M.read(dir), {}
  for _, scenario in ipairs(set.scenarios) do
    if not given.only or given.only(scenario) then
      local samples, sim = M.run(scenario, given.set)
      note(describe(set, scenario, samples, sim))
      local hosts = scenario.hosts or #sim.fabric:hosts()
      entries[#entries + 1] = { hosts = hosts, cc = scenario.cc, samples = samples }
      sim.core:close()
    end
  end
  table.sort(entries, function(a, b)
    if a.hosts ~= b.hosts then return a.hosts < b.hosts end
    return a.cc < b.cc
  end)
  local results = compare.new(set.name)
  for _, entry in ipairs(entries) do results:add(entry.hosts, entry.cc, entry.samples) end
  return results
end

return M
