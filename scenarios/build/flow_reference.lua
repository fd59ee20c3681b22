--- Max-min rates that others have worked out, and the engine "fluid" on the same flows: cases with
-- ways and rates (`max-min`), and m3's flowSim on the lines of ns3-line.

local weft = require "weft"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
local line = dofile(here .. "ns3_line.lua")
local max_min = dofile(here .. "max_min.lua")

local M = {}

local PS_PER_NS = 1000

-- How far off completion times are: of what may be, `allowed(want_ps)`, the largest part.
local function compare(sim, want_ns, allowed)
  local worst = 0
  for i, fct_ps in ipairs(sim:flows():column "fct_ps") do
    local want_ps = want_ns[i] * PS_PER_NS
    worst = math.max(worst, math.abs(fct_ps - want_ps) / allowed(want_ps))
  end
  return worst
end

-- ---- max-min ----

local function max_min_ps(want_ps) return math.max(2, 1e-9 * want_ps) end

--- Replay a folder of cases.
-- @tparam string dir with cases.csv, flows.csv, links.csv
-- @treturn number the largest error, as a part of 2 ps or 1e-9, whichever is more
-- @treturn number flows
function M.max_min(dir)
  local worst, count = 0, 0
  for _, case in ipairs(max_min.read(dir).cases) do
    local sim, want = max_min.simulation(case), {}
    for i, flow in ipairs(case.flows) do want[i] = flow.fct_ns end
    sim:run()
    worst, count = math.max(worst, compare(sim, want, max_min_ps)), count + #want
    sim:close()
  end
  return worst, count
end

-- ---- flowSim ----

-- Rows by a key, in order.
local function grouped(path, columns, key)
  local groups = {}
  for row in weft.csv.rows(path, columns) do
    groups[row[key]] = groups[row[key]] or {}
    table.insert(groups[row[key]], row)
  end
  return groups
end

local function flowsim_ps() return PS_PER_NS end

--- Replay scenarios of ns3-line as flowSim has them.
-- @tparam string dir of ns3-line
-- @tparam string file scenario, flow, flowsim_fct_ns
-- @tparam ?number every only each so many-th scenario
-- @treturn number the largest error, ns
-- @treturn number flows
function M.flowsim(dir, file, every)
  local columns = { { "scenario", type = "integer" }, { "flow", type = "integer" },
    { "flowsim_fct_ns", type = "number" } }
  local recorded = grouped(file, columns, "scenario")
  local worst, count = 0, 0
  for i, scenario in ipairs(line.read(dir).scenarios) do
    if i % (every or 1) == 0 then
      local sim = weft.simulation { topology = weft.topology.from_file(scenario.topology),
        engine = "fluid", compat = "flowsim", max_rate = "10Gbps" }
      local want, by_flow = {}, {}
      for _, row in ipairs(recorded[scenario.scenario]) do by_flow[row.flow] = row.flowsim_fct_ns end
      for n, flow in ipairs(scenario.flows) do
        sim.core:flow_add { src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
          start_ps = flow.start_ns * PS_PER_NS }
        want[n] = by_flow[flow.flow]
      end
      sim:run()
      worst, count = math.max(worst, compare(sim, want, flowsim_ps)), count + #want
    end
  end
  return worst, count
end

return M
