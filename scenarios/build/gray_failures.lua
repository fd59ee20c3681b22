--- The gray-failure study of m4: 32 GPUs in 4 servers, N of them degraded to 1/R of their rates,
-- and a workload of two AllReduces in groups of 16, as `liecn/SimAI` simulated it with ns-3.
--
-- Fabrics, workload and parameters are those of its files and of the source as it was when the
-- recorded results were added (docs/gray-failures.md has the evidence for each).

local effect = require "weft.effect"
local util = require "weft.util"
local weft = require "weft"

local M = {}

M.DEGRADED = { first = 2, last = 16 }
M.FACTORS = { first = 4, last = 10 }
M.SIZES = { 16 * 2 ^ 20, 256 * 2 ^ 20 }

local PER_SERVER, GROUP = 8, 16
local GBPS = 1e9
local COMPUTE_US = 556

-- Between its layers SimAI spends some ns on bookkeeping events: 10 in the whole workload.
local BOOKKEEPING_US = 0.01

-- ---- fabrics ----------------------------------------------------------------------------------

--- Which GPUs are degraded: up to 8, half of them in server 0 and half in server 1; beyond 8, all
-- of server 0 and the others in server 2.
-- @tparam number n
-- @treturn {number,...} in ascending order
function M.degraded(n)
  local list, first = {}, n <= 8 and math.ceil(n / 2) or 8
  local second = n <= 8 and PER_SERVER or 2 * PER_SERVER
  for i = 0, n - 1 do list[i + 1] = i < first and i or second + i - first end
  return list
end

--- The fabric: rails with one spine. Degraded GPUs have both links at 1/factor, in whole Gbit/s.
-- @tparam {number,...} degraded numbers of GPUs
-- @tparam number factor
-- @treturn weft.Fabric
function M.fabric(degraded, factor)
  local net = weft.topology.rail_optimized {
    servers = 4, gpus_per_server = PER_SERVER, spines = 1,
    nvlink = "2400Gbps", nvlink_delay = "25ns", nic = "400Gbps", delay = "500ns",
  }
  for _, gpu in ipairs(degraded) do
    for _, link in ipairs(net:links_of(net:host(gpu))) do
      link.rate_bps = math.floor(link.rate_bps / GBPS / factor) * GBPS
    end
  end
  return net
end

--- The scenario of a number of degraded GPUs and a factor, its fabric read from a file or made.
-- @tparam number degraded
-- @tparam number factor
-- @tparam[opt] string file
-- @treturn table `degraded`, `factor`, `file`, `name`
function M.scenario(degraded, factor, file)
  return {
    degraded = degraded, factor = factor, file = file,
    name = ("n%02d_r%02d"):format(degraded, factor),
  }
end

--- All scenarios of the study. Fabrics that a folder has are read from it, others made by rule: the
-- files say the same.
-- @tparam[opt] string dir has topologies/gray_topo_N<n>_R<r>.txt or completion_times.csv
-- @treturn {table,...}
function M.scenarios(dir)
  local list, files = {}, 0
  for n = M.DEGRADED.first, M.DEGRADED.last do
    for r = M.FACTORS.first, M.FACTORS.last do
      local file = dir and ("%s/topologies/gray_topo_N%d_R%d.txt"):format(dir, n, r)
      if file and not util.exists(file) then file = nil end
      if file then files = files + 1 end
      list[#list + 1] = M.scenario(n, r, file)
    end
  end
  if dir and files == 0 and not util.exists(dir .. "/completion_times.csv") then
    weft.fail.raise("expected topologies/gray_topo_N<n>_R<r>.txt or completion_times.csv in '%s'",
      dir)
  end
  return list
end

--- The fabric of a scenario.
function M.fabric_of(scenario)
  if scenario.file then return weft.topology.from_file(scenario.file) end
  return M.fabric(M.degraded(scenario.degraded), scenario.factor)
end

-- ---- simulation -------------------------------------------------------------------------------

local ENGINE = {
  compat = "simai", ecmp = "ns3", completion = "sender", rto = 0,
  cc = "dctcp", dctcp_g = 1 / 16, dctcp_ai = "2Gbps", min_rate = "1Gbps", max_rate = 0,
  -- 14 B link layer, 20 B IP, 8 B UDP, 10 B with a sequence number of 64 bits.
  mtu = 1000, header = 52,
  -- Its largest product of round trip and rate: four healthy hops, 2 x 2 us + 4 x 20 ns at
  -- 400 Gbit/s, for every flow, NVLink included.
  window = 204000, window_mode = "rate", base_rtt = "4080ns",
  buffer = "100000KiB", buffer_alpha = 1 / 2, pfc = true, pfc_reserve = "4KiB",
  pfc_resume = "3KiB", ack_priority = "hosts",
}

-- KMIN_MAP, KMAX_MAP, PMAX_MAP: 1 KB and 4 KB for each Gbit/s of a port, marked with up to 0.2.
local function thresholds(net)
  local list, seen = {}, {}
  for _, link in ipairs(net.links) do
    local bps = link.rate_bps
    if not seen[bps] then
      seen[bps] = true
      local kmin = bps / GBPS * 1000
      list[#list + 1] = { rate = bps, kmin = kmin, kmax = 4 * kmin, pmax = 0.2 }
    end
  end
  return list
end

--- A simulation of a scenario with its job.
-- @tparam table scenario
-- @tparam table options `engine` (word), `seed`, `set` (more engine options), `sizes` (default:
-- M.SIZES), `shrink` (their divisor)
-- @treturn Simulation
-- @treturn Job
function M.build(scenario, options)
  local net = M.fabric_of(scenario)
  local given = {
    topology = net, ecn_by_rate = thresholds(net), seed = options.seed, set = options.set,
  }
  for name, value in pairs(ENGINE) do given[name] = value end -- order-free: a copy
  local sim = weft.simulation(weft.engines.fitting(options.engine or "packet", effect.only(given)))
  local layers = {}
  for i, size in ipairs(options.sizes or M.SIZES) do
    layers[i] = {
      compute = ("%dus"):format(COMPUTE_US), allreduce = math.floor(size / (options.shrink or 1)),
    }
  end
  local job = sim:add_job(weft.workload.simai { layers = layers, group = GROUP, latency = "3us" })
  return sim, job
end

--- What the recordings have of a run: rank 0's times.
-- @tparam Job job
-- @treturn ?table `allreduce_16mib_us`, `allreduce_256mib_us`, `total_us`; nil: not complete
function M.times(job)
  local layers = job:result().layers
  local small, large = layers[1].time_ps, layers[2].time_ps
  if not (small and large) then return nil end
  return {
    allreduce_16mib_us = small / 1e6, allreduce_256mib_us = large / 1e6,
    total_us = (small + large) / 1e6 + 2 * COMPUTE_US + BOOKKEEPING_US,
  }
end

return M
