--- The family of workloads on which m4 (arXiv 2503.01770) and m3 (SIGCOMM 2024) are judged: racks
-- in pods, rack-to-rack demand and flow sizes of Meta's clusters, bursty arrivals, and a congestion
-- control with random parameters. A case is a function of its seed alone.
--
-- m4_racks.csv and m4_sizes.csv beside this file are derived from github.com/netiken/parsimon-eval
-- (branch per_flow, workload/), after Roy et al., SIGCOMM 2015: demand in parts of the whole, racks
-- in the order of their pods; sizes to three digits, percent to two.
-- Ranges of parameters are the wider of those that m4 and m3 publish.

-- @module weft.families.m4

local check = require "weft.check"
local csv = require "weft.csv"
local fabric = require "weft.fabric"
local hpcc = require "weft.families.hpcc"
local random = require "weft.random"
local sizes = require "weft.workload.sizes"
local util = require "weft.util"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""

local M = {}

M.CCS = { "dctcp", "dcqcn", "hpcc", "timely" }
M.CLUSTERS = { "A", "B", "C" }
M.META_SIZES = { "webserver", "cachefollower", "hadoop" }
M.OVERSUBSCRIPTIONS = { 1, 2, 4 }
M.HOSTS = { 32, 64, 128 }

--- Seeds above it are for judging: nothing is tuned on them.
M.LAST_TUNING_SEED = 1000

local PODS, PLANES, HOSTS_PER_RACK = 2, 2, 4
local GBPS = 1e9
local LINK_DELAY_PS = 1e6
local FABRIC_TO_HOST_RATE = 4
local BASE_RATE = 10 * GBPS

-- ---- data -------------------------------------------------------------------------------------

local data = {}

local function numbers(text)
  local list = {}
  for word in text:gmatch "%S+" do list[#list + 1] = tonumber(word) end
  return list
end

local function load_data()
  if data.matrices then return end
  local matrices, points = {}, {}
  for row in csv.rows(here .. "m4_racks.csv",
    { "cluster", { "racks", type = "integer" }, { "src", type = "integer" }, "demand" }) do
    local key = ("%s%d"):format(row.cluster, row.racks)
    matrices[key] = matrices[key] or {}
    matrices[key][row.src + 1] = numbers(row.demand)
  end
  for row in csv.rows(here .. "m4_sizes.csv", { "distribution",
    { "bytes", type = "integer" }, { "percent", type = "number" } }) do
    points[row.distribution] = points[row.distribution] or {}
    table.insert(points[row.distribution], { row.bytes, row.percent })
  end
  data.matrices, data.points = matrices, points
end

--- Demand from rack to rack.
-- @tparam string cluster "A", "B" or "C"
-- @tparam number racks 8 or 32, pod after pod
-- @treturn {table,...} rows: racks that send
function M.matrix(cluster, racks)
  load_data()
  return data.matrices[("%s%d"):format(cluster, racks)]
end

--- A distribution of Meta's.
-- @tparam string name of M.META_SIZES
-- @treturn table as weft.workload.sizes gives it
function M.meta_sizes(name)
  load_data()
  return sizes.new { cdf = data.points[name] }
end

-- ---- random draws -----------------------------------------------------------------------------

local LN2 = 0.6931471805599453

-- exp() of the C library may differ in its last bit between machines; starts of flows may not.
local function exp(x)
  local twos = math.floor(x / LN2 + 0.5)
  local rest, sum, term = x - twos * LN2, 1, 1
  for i = 1, 18 do
    term = term * rest / i
    sum = sum + term
  end
  local base = twos < 0 and 0.5 or 2
  for _ = 1, math.abs(twos) do sum = sum * base end
  return sum
end

M.exp = exp

-- Streams of neighbouring seeds differ by a constant (the generator is linear), and few cases would
-- then be much alike. The digits of a drawn number are not linear in the seed.
local function streams(seed)
  local key = random.stream(seed, "m4 family"):integer(2 ^ 31)
  return function(purpose) return random.stream(key, "m4 " .. purpose) end
end

local function between(stream, low, high) return low + (high - low) * stream:uniform() end
local function whole_between(stream, low, high) return low + stream:integer(high - low + 1) - 1 end
local function one_of(stream, list) return list[stream:integer(#list)] end
local function rounded(value, step) return math.floor(value / step + 0.5) * step end

-- From 64 B on, two points an octave: the sizes of synthetic distributions.
local OCTAVES, FIRST_BYTES = 18, 64

--- A random distribution with a heavy tail: one to three bumps over a tail whose density falls by a
-- random factor from octave to octave. Some have half of their flows below 1 KB, as Meta's have.
-- @tparam Stream stream
-- @treturn table as weft.workload.sizes gives it
function M.synthetic_sizes(stream)
  local weights, fall, tail = {}, between(stream, 0.5, 0.9), 1
  for i = 1, 2 * OCTAVES do
    weights[i] = tail * between(stream, 0.2, 1)
    if i % 2 == 0 then tail = tail * fall end
  end
  for _ = 1, stream:integer(3) do
    local at, width = stream:integer(2 * OCTAVES - 8), stream:integer(4)
    local height = between(stream, 1, 8)
    for i = 1, 2 * OCTAVES do
      weights[i] = weights[i] + height * math.max(0, 1 - math.abs(i - at) / width)
    end
  end
  local total, sum, points = 0, 0, { { FIRST_BYTES / 2, 0 } }
  for i = 1, 2 * OCTAVES do total = total + weights[i] end
  for i = 1, 2 * OCTAVES do
    sum = sum + weights[i]
    local octave = FIRST_BYTES * 2 ^ math.floor((i - 1) / 2)
    points[i + 1] = { i % 2 == 1 and octave or 1.5 * octave, math.min(100, 100 * sum / total) }
  end
  points[#points][2] = 100
  return sizes.new { cdf = points }
end

-- ---- fabric -----------------------------------------------------------------------------------

--- The fabric: pods of racks of four hosts, two planes; each rack has a link to the fabric switch
-- of its pod in each plane, and each of these a link to each spine of its plane.
-- @tparam table case `hosts`, `oversubscription`, `rate_bps` (of hosts; others have four times it)
-- @treturn weft.Fabric
function M.fabric(case)
  local net = fabric.new "m4"
  local racks = case.hosts / HOSTS_PER_RACK
  local per_pod, spines = racks / PODS, racks / PODS / case.oversubscription
  for i = 0, case.hosts - 1 do net:add_node("h" .. i, "host", { tier = 0 }) end
  local function switches(prefix, count, tier)
    local first = #net.nodes
    for i = 0, count - 1 do net:add_node(prefix .. i, "switch", { tier = tier }) end
    return first
  end
  local tors = switches("tor", racks, 1)
  local pods = switches("fabric", PODS * PLANES, 2)
  local tops = switches("spine", PLANES * spines, 3)
  local fast = FABRIC_TO_HOST_RATE * case.rate_bps
  for rack = 0, racks - 1 do
    for i = 0, HOSTS_PER_RACK - 1 do
      net:connect(HOSTS_PER_RACK * rack + i, tors + rack, case.rate_bps, LINK_DELAY_PS)
    end
    if (rack + 1) % per_pod == 0 then
      for r = rack + 1 - per_pod, rack do
        for plane = 0, PLANES - 1 do
          net:connect(tors + r, pods + PLANES * math.floor(r / per_pod) + plane, fast,
            LINK_DELAY_PS)
        end
      end
    end
  end
  for pod = 0, PODS - 1 do
    for plane = 0, PLANES - 1 do
      for spine = 0, spines - 1 do
        net:connect(pods + PLANES * pod + plane, tops + plane * spines + spine, fast,
          LINK_DELAY_PS)
      end
    end
  end
  return net
end

-- ---- demand -----------------------------------------------------------------------------------

-- The matrix of a case: pods, and racks in them, in random order; of the large matrix a fabric of
-- 16 racks gets eight random ones of each pod.
local function placed_matrix(cluster, racks, stream)
  local given = M.matrix(cluster, racks == 8 and 8 or 32)
  local of_pod, order = #given / PODS, {}
  for _, pod in ipairs(stream:shuffle { 0, 1 }) do
    local members = {}
    for i = 1, of_pod do members[i] = pod * of_pod + i end
    stream:shuffle(members)
    for i = 1, racks / PODS do order[#order + 1] = members[i] end
  end
  local matrix, total = {}, 0
  for i, from in ipairs(order) do
    matrix[i] = {}
    for j, to in ipairs(order) do
      matrix[i][j] = given[from][to]
      total = total + given[from][to]
    end
  end
  for _, row in ipairs(matrix) do
    for j = 1, #row do row[j] = row[j] / total end
  end
  return matrix
end

--- The largest expected share of all bytes on a link over the link's rate, in units of a host's
-- rate, with ECMP as if it split evenly.
-- @tparam {table,...} matrix shares of all flows, from rack to rack
-- @tparam number spines of a plane
-- @treturn number
function M.largest_share(matrix, spines)
  local racks, largest = #matrix, 0
  local out, into, pod_out, pod_in = {}, {}, { 0, 0 }, { 0, 0 }
  for i = 1, racks do out[i], into[i] = { 0, 0 }, { 0, 0 } end
  local function pod_of(rack) return math.floor((rack - 1) / (racks / PODS)) + 1 end
  for i = 1, racks do
    for j = 1, racks do
      local share = matrix[i][j]
      -- To and from hosts; and what leaves the rack.
      out[i][1], into[j][1] = out[i][1] + share, into[j][1] + share
      if i ~= j then out[i][2], into[j][2] = out[i][2] + share, into[j][2] + share end
      if pod_of(i) ~= pod_of(j) then
        pod_out[pod_of(i)] = pod_out[pod_of(i)] + share
        pod_in[pod_of(j)] = pod_in[pod_of(j)] + share
      end
    end
  end
  local function link(share, links, rate) largest = math.max(largest, share / links / rate) end
  for _, side in ipairs { out, into } do
    for i = 1, racks do
      link(side[i][1], HOSTS_PER_RACK, 1)
      link(side[i][2], PLANES, FABRIC_TO_HOST_RATE)
    end
  end
  for pod = 1, PODS do
    link(pod_out[pod], PLANES * spines, FABRIC_TO_HOST_RATE)
    link(pod_in[pod], PLANES * spines, FABRIC_TO_HOST_RATE)
  end
  return largest
end

-- Draws pairs of racks, counted from 0.
local function pair_drawer(matrix)
  local upto, sum = {}, 0
  for i = 1, #matrix do
    for j = 1, #matrix do
      sum = sum + matrix[i][j]
      upto[#upto + 1] = sum
    end
  end
  return function(stream)
    local x, low, high = stream:uniform() * sum, 1, #upto
    while low < high do
      local middle = math.floor((low + high) / 2)
      if upto[middle] < x then low = middle + 1 else high = middle end
    end
    return math.floor((low - 1) / #matrix), (low - 1) % #matrix
  end
end

local function draw_flows(case, distribution, stream_for)
  local flows, start, pair = {}, 0, pair_drawer(case.matrix)
  local ends, bytes, gaps = stream_for "ends", stream_for "sizes", stream_for "gaps"
  for i = 1, case.flow_count do
    local from, to = pair(ends)
    local src = HOSTS_PER_RACK * from + ends:integer(HOSTS_PER_RACK) - 1
    local dst
    repeat dst = HOSTS_PER_RACK * to + ends:integer(HOSTS_PER_RACK) - 1 until dst ~= src
    flows[i] = {
      src = util.integer(src), dst = util.integer(dst), size_bytes = distribution.draw(bytes),
      start_ns = util.integer(start),
    }
    local z = case.sigma * gaps:normal() - case.sigma * case.sigma / 2
    start = start + math.floor(case.mean_gap_ns * exp(z) + 0.5)
  end
  return flows
end

-- ---- congestion control -----------------------------------------------------------------------

-- What all have: as m3's authors configure their simulator.
local COMMON = {
  has_window = 1, window_follows_rate = 1, pfc = 1, ecn_pmax = 0.2, ack_high_priority = 0,
  rate_ai_mbps = 10, rate_hai_mbps = 10, dctcp_rate_ai_mbps = 1000, ewma_gain = 1 / 256,
  ecn_kmin_kb = 4, ecn_kmax_kb = 16, hpcc_u_target = 0.95, hpcc_mi_thresh = 0, hpcc_fast_react = 0,
  hpcc_multi_rate = 0, timely_t_low_ns = 10000, timely_t_high_ns = 50000, timely_beta = 0.8,
  dcqcn_rp_timer_us = 300, dcqcn_alpha_resume_us = 1, dcqcn_rate_decrease_us = 4,
  dcqcn_fast_recovery_times = 1,
}

-- Thresholds in KB hold at 10 Gbit/s.
local DRAW = {}

function DRAW.dctcp(stream)
  local k = whole_between(stream, 5, 60)
  return {
    ecn_kmin_kb = k, ecn_kmax_kb = k, ecn_pmax = 1, ack_high_priority = 1,
    dctcp_rate_ai_mbps = 615, ewma_gain = 1 / 16,
  }
end

function DRAW.dcqcn(stream)
  return {
    ecn_kmin_kb = whole_between(stream, 4, 20), ecn_kmax_kb = whole_between(stream, 20, 40),
    rate_ai_mbps = 2, rate_hai_mbps = 20, dcqcn_rp_timer_us = 55, dcqcn_alpha_resume_us = 50,
    dcqcn_rate_decrease_us = 50,
  }
end

function DRAW.hpcc(stream)
  local ai = whole_between(stream, 250, 1000)
  return {
    hpcc_u_target = rounded(between(stream, 0.7, 0.95), 1 / 1024), hpcc_fast_react = 1,
    rate_ai_mbps = ai, rate_hai_mbps = ai,
  }
end

function DRAW.timely(stream)
  return {
    timely_t_low_ns = whole_between(stream, 20000, 80000),
    timely_t_high_ns = whole_between(stream, 100000, 200000),
    ack_high_priority = 1, rate_hai_mbps = 50,
  }
end

local BASE_RTT_DELAY_NS, BASE_RTT_FRAMES_NS = 12000, 2400

-- Rates and bytes grow with the hosts' rate; thresholds, which are kept per 10 Gbit/s, do so where
-- they are applied (M.options).
local function parameters(cc, scale, stream)
  local s = { cc = cc }
  for name, value in pairs(COMMON) do s[name] = value end -- order-free: a copy
  s.buffer_kib = scale * whole_between(stream, 100, 500)
  s.init_window_bytes = scale * whole_between(stream, 5000, 30000)
  for name, value in pairs(DRAW[cc](stream)) do s[name] = value end -- order-free: a copy
  for _, name in ipairs { "rate_ai_mbps", "rate_hai_mbps", "dctcp_rate_ai_mbps" } do
    s[name] = scale * s[name]
  end
  s.min_rate_mbps, s.max_rate_mbps = scale * 1000, scale * 10000
  s.base_rtt_ns = BASE_RTT_DELAY_NS + math.floor(BASE_RTT_FRAMES_NS / scale + 0.5)
  return s
end

--- Options of a simulation with packets: m3's ns-3 (see hpcc.lua).
-- @tparam table case
-- @tparam weft.Fabric net
-- @treturn table
function M.options(case, net)
  return hpcc.options(case.parameters, net, function(bps) return bps / BASE_RATE end)
end

-- The first port that ns-3 gives a flow, and where it goes: they decide between ways of equal
-- length.
local FIRST_PORT, TO_PORT = 10000, 100
local PS_PER_NS = 1000

--- Add the flows of a case to a simulation.
-- @tparam table case
-- @tparam Simulation sim
-- @tparam[opt] function later of nothing: by how many ps a flow starts later
function M.add_flows(case, sim, later)
  local count = {}
  for _, flow in ipairs(case.flows) do
    local pair = flow.src * case.hosts + flow.dst
    count[pair] = (count[pair] or 0) + 1
    sim.core:flow_add {
      src = flow.src, dst = flow.dst, size_bytes = flow.size_bytes,
      start_ps = flow.start_ns * PS_PER_NS + (later and later() or 0),
      sport = FIRST_PORT - 1 + count[pair], dport = TO_PORT,
    }
  end
end

-- ---- cases ------------------------------------------------------------------------------------

--- A case.
-- @tparam number seed the same seed gives the same case on every machine
-- @tparam[opt] table given `flows` (2000), `hosts` (32, 64 or 128), `rate_bps` (10e9), `sizes`
-- ("meta", or "synthetic": a distribution of its own for each case), `cc` (one of M.CCS)
-- @treturn table `seed`, `hosts`, `rate_bps`, `oversubscription`, `cluster`, `sizes` (name),
-- `sigma`, `load`, `cc`, `parameters`, `matrix` (shares of flows from rack to rack), `mean_gap_ns`,
-- `mean_bytes`, `flows` (list of `src`, `dst`, `size_bytes`, `start_ns`)
function M.case(seed, given)
  given = given or {}
  check.value("m4 family: hosts", given.hosts or M.HOSTS[1], { type = "enum", choices = M.HOSTS })
  local stream_for = streams(seed)
  local stream = stream_for "case"
  local case = {
    seed = seed, hosts = given.hosts or M.HOSTS[1], rate_bps = given.rate_bps or BASE_RATE,
    flow_count = given.flows or 2000,
    cluster = one_of(stream, M.CLUSTERS), sizes = one_of(stream, M.META_SIZES),
    oversubscription = one_of(stream, M.OVERSUBSCRIPTIONS), sigma = stream:integer(2),
    load = rounded(between(stream, 0.25, 0.75), 1 / 1024),
    -- In turn, so that few cases have all of them.
    cc = given.cc or M.CCS[(seed - 1) % #M.CCS + 1],
  }
  local distribution
  if given.sizes == "synthetic" then
    case.sizes = "synthetic"
    distribution = M.synthetic_sizes(stream_for "distribution")
  else
    distribution = M.meta_sizes(case.sizes)
  end
  local racks = case.hosts / HOSTS_PER_RACK
  case.matrix = placed_matrix(case.cluster, racks, stream_for "racks")
  case.parameters = parameters(case.cc, case.rate_bps / BASE_RATE,
    stream_for("parameters of " .. case.cc))
  local share = M.largest_share(case.matrix, racks / PODS / case.oversubscription)
  case.mean_bytes = distribution.mean
  case.mean_gap_ns = case.mean_bytes * 8 * share / (case.load * case.rate_bps) * 1e9
  case.flows = draw_flows(case, distribution, stream_for)
  return case
end

return M
