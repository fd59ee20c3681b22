--- Scenarios of the m3 authors' simulator, on lines of hosts (ns3-line) or one switch (ns3-star).
-- A folder of them has scenarios.csv (a row per scenario: congestion control and its parameters),
-- flows.csv (flows with recorded completion times) and topology-<hosts>.txt or topology.txt.

local effect = require "weft.effect"
local hpcc = require "weft.families.hpcc"
local hpcc_compat = require "weft.formats.hpcc_compat"
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

local PS_PER_NS = 1000

M.options = hpcc.options

-- When a flow really starts: lists said 1 s + start_ns with nine decimals.
local OFFSET_PS = 1e12

local function real_start_ps(start_ns)
  return hpcc_compat.start_ps(OFFSET_PS + start_ns * PS_PER_NS) - OFFSET_PS
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
  local fabric = weft.topology.from_file(scenario.topology)
  local sim = weft.simulation(weft.engines.fitting("packet", {
    topology = fabric, set = effect.only(compare.with(M.options(scenario, fabric), set)),
  }))
  local count = {}
  for _, flow in ipairs(scenario.flows) do
    local pair = flow.src .. "," .. flow.dst
    count[pair] = (count[pair] or 0) + 1
    sim.core:flow_add {
      src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
      start_ps = real_start_ps(flow.start_ns), sport = 9999 + count[pair], dport = 100,
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
