--- More scenes: what options do together, all that may fail, all ways in which a run is
-- accelerated, and runs in parts. Returns a function that adds them.
local weft = require "weft"

local topology, workload = weft.topology, weft.workload
local CCS = { "window", "dctcp", "hpcc", "dcqcn", "timely", "swift" }

-- Copy of two tables of options.
local function with(options, more)
  local all = {}
  for _, from in ipairs { options, more or {} } do
    for key, value in pairs(from) do all[key] = value end -- order-free: a copy
  end
  return all
end

local function simulation(options, fabric)
  return weft.simulation(with(options, { topology = fabric }))
end

local function ran(sim, options)
  sim:run(options)
  return sim
end

local function pods(options)
  return topology.leaf_spine(with({ leaves = 2, hosts_per_leaf = 4, spines = 2,
    rate = "100Gbps" }, options))
end

local function rails(options)
  return topology.rail_optimized(with({ servers = 2, gpus_per_server = 4, spines = 1 }, options))
end

local function add_across(sim, size)
  for i = 0, 3 do sim:add_flow { src = i, dst = 4 + (i + 1) % 4, size = size + 5000 * i } end
end

-- Each recovery with each congestion control, where a link loses packets and one is slower.
local function add_recovery(scene)
  for _, cc in ipairs(CCS) do
    for _, recovery in ipairs { "go_back_n", "selective" } do
      scene(("lossy middle %s %s"):format(cc, recovery), function()
        local sim = simulation({ cc = cc, recovery = recovery, pfc = false, buffer = "200kB" },
          pods())
        sim:degrade("leaf0-spine0", { factor = 0.5, loss = 2e-3 })
        add_across(sim, 200000)
        return ran(sim)
      end)
    end
  end
  for _, rto in ipairs { "adaptive", "rfc6298", "400us" } do
    for _, recovery in ipairs { "go_back_n", "selective" } do
      scene(("black hole rto %s %s"):format(rto, recovery), function()
        local sim = simulation({ cc = "dctcp", rto = rto, recovery = recovery, seed = 9 }, pods())
        sim:fail("leaf1-spine0", { at = "10us", detect = "900us", duration = "2ms" })
        sim:fail("h5-leaf1", { at = "20us", duration = "700us" })
        add_across(sim, 300000)
        return ran(sim)
      end)
    end
  end
  scene("given up", function()
    local sim = simulation({ cc = "hpcc", give_up_after = "3ms" }, pods())
    sim:fail("h6-leaf1", { at = "15us" })
    add_across(sim, 400000)
    return ran(sim)
  end)
end

-- The models of ns-3, with what decides in them.
local function add_compat(scene)
  for _, compat in ipairs { "ns3", "simai" } do
    for _, cc in ipairs { "dctcp", "hpcc", "dcqcn", "timely" } do
      scene(("pods %s %s"):format(compat, cc), function()
        local sim = simulation({ cc = cc, compat = compat, ecmp = "ns3", ecn_kmin = "30kB",
          ecn_kmax = "120kB" }, pods())
        add_across(sim, 150000)
        for i = 0, 2 do sim:add_flow { src = i, dst = 7, size = 90000, start = i * 2e-6 } end
        return ran(sim)
      end)
    end
    scene("gray " .. compat, function()
      local sim = simulation({ cc = "hpcc", compat = compat }, pods())
      sim:degrade("leaf0-spine1", { at = "5us", factor = 0.25 })
      sim:degrade("h1-leaf0", { at = "8us", factor = 1, loss = 0.01 })
      add_across(sim, 120000)
      return ran(sim)
    end)
    scene("allreduce " .. compat, function()
      local sim = simulation({ cc = "dcqcn", compat = compat, ecmp = "ns3" }, rails())
      sim:add_job(workload.allreduce { size = "400kB", channels = 2, chunk = "50kB" })
      return ran(sim)
    end)
  end
  scene("closed loop ns3", function()
    local sim = simulation({ cc = "dctcp", compat = "ns3" }, topology.star { hosts = 4 })
    sim:add_job(workload.closed_loop {
      server = 0, clients = { 1, 2, 3 }, operations = 8, window = 2,
      steps = { { from = "client", size = "1kB" }, { from = "server", size = "20kB" } },
    })
    return ran(sim)
  end)
end

local function add_options(scene)
  for name, options in weft.util.sorted_pairs {
    ["completion sender"] = { cc = "dcqcn", completion = "sender" },
    ["no window"] = { cc = "dcqcn", window_mode = "none" },
    ["fast react off"] = { cc = "hpcc", hpcc_fast_react = false },
    ["multi rate"] = { cc = "hpcc", hpcc_multi_rate = true },
    ["clamp"] = { cc = "dcqcn", dcqcn_clamp = true, ecn_kmin = "10kB", ecn_kmax = "20kB" },
    ["chance"] = { cc = "dctcp", ecn_kmin = "10kB", ecn_kmax = "80kB", ecn_pmax = 0.1 },
    ["small frames"] = { cc = "swift", mtu = 257, header = 20, ack = 40 },
    ["slow start rate"] = { cc = "timely", max_rate = "30Gbps" },
    ["shallow PFC"] = { cc = "window", window = "400kB", buffer = "300kB" },
    ["three threads"] = { cc = "hpcc", threads = 3, seed = 8 },
  } do
    scene("options: " .. name, function()
      local sim = simulation(options, pods { spines = 1 })
      add_across(sim, 180000)
      for i = 0, 2 do sim:add_flow { src = i, dst = 7, size = 60000, start = 10e-6 } end
      return ran(sim)
    end)
  end
  scene("slower one way", function()
    local net = topology.dumbbell { hosts = 4, rate = "100Gbps" }
    local sim = simulation({ cc = "dctcp" }, net)
    sim:add_flow { src = 0, dst = 4, size = "1MB" }
    sim:add_flow { src = 1, dst = 5, size = "1MB" }
    sim:degrade("switch0-switch1", { at = "30us", factor = 0.3, direction = "a_to_b" })
    return ran(sim)
  end)
  scene("congestion control in Lua", function()
    weft.cc.define("golden_aimd", {
      start = function(f) f.rate = f.rate / 2 end,
      on_ack = function(f, ack)
        f.rate = ack.ecn and math.max(1e8, f.rate * 0.9) or f.rate + 1e8
      end,
    })
    local sim = simulation({ cc = "golden_aimd" }, pods())
    add_across(sim, 100000)
    return ran(sim)
  end)
end

-- All that may go wrong, to some flows, jobs and tasks.
local function add_failures(scene)
  local function failing(name, options, break_it)
    scene("failing: " .. name, function()
      local sim = simulation(options, pods())
      add_across(sim, 500000)
      break_it(sim)
      return ran(sim)
    end)
  end
  failing("storm in parts", { cc = "hpcc" }, function(sim)
    sim:storm("h6", { at = "10us", duration = "400us", period = "50us", pause = "20us" })
  end)
  failing("storm of a switch", { cc = "dcqcn" }, function(sim)
    sim:storm("leaf1", { at = "12us", duration = "60us", towards = "spine0" })
  end)
  failing("slow steps", { cc = "swift" }, function(sim)
    sim:degrade("h0-leaf0", { at = "8us", factors = { 0.5, 0.25, 1 }, every = "20us" })
  end)
  failing("bursts by parameters", { cc = "dctcp" }, function(sim)
    sim:degrade("leaf0-spine1", { burst = { p = 0.01, r = 0.2, h = 0.3, k = 0.999 } })
  end)
  failing("late and lossy one way", { cc = "timely", recovery = "selective" }, function(sim)
    sim:degrade("leaf0-spine1", { at = "20us", delay = "4us", jitter = "1us", loss = 1e-3,
      direction = "b_to_a", duration = "150us" })
  end)
  failing("flapping slow", { cc = "hpcc" }, function(sim)
    sim:degrade("leaf0-spine0", { factor = 0.1, at = "5us", period = "40us", duty = 0.3,
      duration = "300us" })
  end)
  failing("leaf and repair", { cc = "window" }, function(sim)
    sim:fail("leaf1", { at = "25us", detect = "40us" })
    sim:repair("leaf1", { at = "300us", detect = "10us" })
  end)
  failing("from a seed", { cc = "dctcp", seed = 4 }, function(sim)
    sim:inject(weft.failure.random(sim.fabric, {
      seed = 6, count = 8, span = "200us", duration = "60us",
      kinds = { "degrade", "burst", "fail" },
    }))
  end)
  scene("straggler", function()
    local sim = simulation({ cc = "hpcc" }, rails())
    sim:slow("gpu2", { at = "30us", factor = 3, duration = "500us" })
    sim:add_job(workload.gpt { model = "7B", layers = 2, tp = 1, pp = 2, dp = 4, global_batch = 8,
      scale_bytes = 2e-4, scale_compute = 2e-3 })
    return ran(sim)
  end)
  scene("rail fails under allreduce", function()
    local sim = simulation({ cc = "dctcp", ecmp = "pair" }, rails { spines = 2 })
    sim:fail("leaf1", { at = "15us", detect = "30us", duration = "400us" })
    sim:add_job(workload.allreduce { size = "1MB", channels = 2 })
    return ran(sim)
  end)
  scene("failure in a skip", function()
    local sim = simulation({ cc = "hpcc", fast_forward = true, memoize = true }, pods())
    add_across(sim, 30000000)
    sim:run { stop_at = "2ms" }
    sim:degrade("h0-leaf0", { factor = 0.5, duration = "100us" })
    sim:fail("leaf0-spine1", { at = "4ms", detect = "20us" })
    return ran(sim)
  end)
end

-- What is made of one message after the other.
local function add_work(scene)
  for _, kind in ipairs { "reduce_scatter", "all_gather" } do
    for _, algorithm in ipairs { "bidirectional", "halving_doubling" } do
      scene(kind .. " " .. algorithm, function()
        local sim = simulation({ cc = "swift" }, topology.star { hosts = 6 })
        sim:add_job(workload[kind] { size = "300kB", algorithm = algorithm, ranks = 6 })
        return ran(sim)
      end)
    end
  end
  for _, kind in ipairs { "broadcast", "reduce" } do
    scene(kind .. " ring in chunks", function()
      local sim = simulation({ cc = "dctcp" }, topology.star { hosts = 5 })
      sim:add_job(workload[kind] { size = "200kB", algorithm = "ring", root = 3, chunk = "16kB" })
      return ran(sim)
    end)
  end
  scene("skewed all-to-all", function()
    local sim = simulation({ cc = "dctcp" }, rails())
    sim:add_job(workload.all_to_all { size = "400kB", ranks = 4, loads = { 7, 1, 2, 5 } })
    return ran(sim)
  end)
  scene("rows used again", function()
    local sim = simulation({ cc = "dctcp", ecmp = "pair" }, rails())
    sim:add_job(workload.allreduce { size = "400kB", channels = 2, chunk = "20kB",
      keep_flows = false })
    sim:add_flow { src = 0, dst = 5, size = "100kB", start = "30us" }
    return ran(sim)
  end)
  scene("task graph", function()
    local sim = simulation({ cc = "dcqcn" }, pods())
    local core, before = sim.core, nil
    for i = 0, 11 do
      local compute = core:task_add { kind = "compute", src = i % 8, duration_ps = 3000000 + i }
      local send = core:task_add { kind = "send", src = i % 8, dst = (i + 3) % 8,
        size_bytes = 20000 + 3000 * i }
      core:task_after(send, compute)
      if before and i % 3 == 0 then core:task_after(compute, before) end
      local join = core:task_add { kind = "barrier" }
      core:task_after(join, send)
      before = join
    end
    local last = core:collective_add { kind = "allreduce", size_bytes = 80000,
      ranks = { 0, 2, 4, 6 }, after = before }
    core:task_after(core:task_add { kind = "send", src = 1, dst = 0, size_bytes = 1 }, last)
    return ran(sim)
  end)
  scene("simai layers", function()
    local sim = simulation({ cc = "hpcc" }, rails())
    sim:add_job(workload.simai { layers = {
      { compute = "20us", allreduce = "300kB" }, { compute = "5us", allreduce = "100kB" },
    } })
    return ran(sim)
  end)
  scene("goal", function()
    local sim = simulation({ cc = "dctcp" }, pods())
    sim:add_job(workload.goal { file = "tests/fixtures/pingpong.goal" })
    return ran(sim)
  end)
  scene("connections", function()
    local sim = simulation({ cc = "swift" }, pods())
    sim:add_job(workload.flows { file = "tests/fixtures/chain.cm" })
    return ran(sim)
  end)
  for _, matrix in ipairs { "rack_local", "permutation", "incast", "hotspot" } do
    scene("synthetic " .. matrix, function()
      local sim = simulation({ cc = "dctcp" }, pods())
      sim:add_job(workload.synthetic { load = 0.4, flows = 60, sizes = "alistorage", exact = true,
        matrix = matrix == "incast" and { kind = "incast", fan_in = 3 } or matrix, seed = 2 })
      return ran(sim)
    end)
  end
  scene("interleaved pipeline", function()
    local sim = simulation({ cc = "dcqcn" }, rails())
    sim:add_job(workload.gpt { model = "7B", layers = 8, tp = 2, pp = 2, dp = 2, global_batch = 8,
      virtual_stages = 2, zero = 1, scale_bytes = 2e-4, scale_compute = 1e-3,
      tp_traffic = "time", granularity = "layer" })
    return ran(sim)
  end)
  scene("ZeRO 3", function()
    local sim = simulation({ cc = "hpcc", ecmp = "pair" }, rails())
    sim:add_job(workload.gpt { model = "7B", layers = 2, dp = 8, zero = 3, recompute = "full",
      scale_bytes = 3e-4, scale_compute = 1e-3 })
    return ran(sim)
  end)
end

-- Two iterations of training and a job beside it: what is skipped is different in each way.
local function train(options)
  local sim = simulation(with({ cc = "hpcc", ecmp = "pair" }, options), rails())
  sim:add_job(workload.gpt { model = "7B", layers = 1, tp = 2, dp = 4, iterations = 3,
    scale_bytes = 1e-3, scale_compute = 1e-3 })
  return sim
end

local function add_accelerated(scene)
  for _, cc in ipairs(CCS) do
    for name, how in weft.util.sorted_pairs {
      forward = { fast_forward = true }, memo = { memoize = true },
      both = { fast_forward = true, memoize = true, spans = 10000 },
    } do
      scene(("long %s %s"):format(cc, name), function()
        local sim = simulation(with({ cc = cc }, how), pods())
        add_across(sim, 20000000)
        sim:add_flow { src = 0, dst = 6, size = "6MB", start = "900us" }
        return ran(sim)
      end)
    end
    scene(("rings %s"):format(cc), function()
      local sim = simulation({ cc = cc, ecmp = "pair", fast_forward = true, memoize = true },
        pods { spines = 4 })
      for i = 0, 1 do
        sim:add_job(workload.allreduce { size = "8MB", ranks = { i, 4 + i, 2 + i, 6 + i } })
      end
      return ran(sim)
    end)
  end
  for _, threads in ipairs { 1, 2, 4 } do
    for _, theta in ipairs { -1, 0.02 } do
      scene(("training %d threads theta %g"):format(threads, theta), function()
        return ran(train { fast_forward = true, memoize = true, threads = threads, theta = theta })
      end)
    end
  end
  for _, threads in ipairs { 1, 2, 4 } do
    scene(("permutation forward %d threads"):format(threads), function()
      local sim = simulation({ cc = "timely", threads = threads, fast_forward = true },
        topology.fat_tree { k = 4, rate = "100Gbps" })
      for i = 0, 15 do sim:add_flow { src = i, dst = (i * 5 + 3) % 16, size = "8MB" } end
      return ran(sim)
    end)
  end
  scene("audited", function()
    local sim = simulation({ cc = "swift", fast_forward = true, memoize = true, audit = 0.5 },
      pods())
    add_across(sim, 20000000)
    return ran(sim)
  end)
  scene("steady by hand", function()
    return ran(train { fast_forward = true, theta = 0.1, steady_samples = 6,
      steady_period = "2us" })
  end)
  scene("memory of another", function()
    local first = ran(train { memoize = true, fast_forward = true })
    return ran(train { memo = first, fast_forward = true })
  end)
  scene("memory of a file", function()
    local path = os.tmpname()
    os.remove(path)
    ran(train { memo = path, fast_forward = true, seed = 2 })
    local again = ran(train { memo = path, fast_forward = true, seed = 3 })
    os.remove(path)
    return again
  end)
  scene("memory, and a slower link", function()
    local first = ran(train { memoize = true, fast_forward = true })
    local sim = train { memo = first, fast_forward = true }
    sim:degrade("gpu1-leaf1", { at = "100us", factor = 0.5, duration = "80us" })
    return ran(sim)
  end)
  scene("chance, accelerated", function()
    local sim = simulation({ cc = "dctcp", fast_forward = true, memoize = true, ecn_kmin = "30kB",
      ecn_kmax = "300kB", ecn_pmax = 0.05 }, topology.dumbbell { hosts = 4, rate = "100Gbps" })
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "3MB", start = i * 20e-6 } end
    return ran(sim)
  end)
  scene("sampled skips", function()
    local sim = simulation({ cc = "hpcc", fast_forward = true, memoize = true }, pods())
    add_across(sim, 20000000)
    sim:sample { period = "10us", capacity = 32, ports = { 0, 3, 16 }, queues = { 8, 16 },
      flows = { 0, 2 } }
    return ran(sim)
  end)
  scene("a fork in a skip", function()
    local sim = simulation({ cc = "timely", fast_forward = true, memoize = true }, pods())
    add_across(sim, 30000000)
    sim:run { stop_at = "3ms" }
    local fork = sim:fork()
    fork:add_flow { src = 1, dst = 6, size = "3MB" }
    ran(fork)
    sim:run()
    return fork
  end)
end

-- Runs in parts, forks, series, traces.
local function add_runs(scene)
  for _, threads in ipairs { 1, 2, 4 } do
    scene(("slices, threads %d"):format(threads), function()
      local sim = simulation({ cc = "dctcp", threads = threads },
        topology.fat_tree { k = 4, rate = "40Gbps" })
      for i = 0, 15 do sim:add_flow { src = i, dst = (i * 7 + 3) % 16, size = "200kB" } end
      for i = 1, 6 do sim:run { stop_at = i * 9e-6 } end
      return ran(sim)
    end)
  end
  scene("series and ACKs", function()
    local sim = simulation({ cc = "timely" }, pods())
    add_across(sim, 200000)
    sim:sample { period = "3us", capacity = 16, ports = { 0, 2, 17 }, queues = { 9, 17 },
      flows = { 1 } }
    sim:trace_acks(400)
    return ran(sim)
  end)
  scene("watchdog", function()
    local sim = simulation({ cc = "dctcp" }, pods())
    sim:fail("h4-leaf1", { at = "10us", duration = "3ms" })
    add_across(sim, 200000)
    return ran(sim, { watchdog = "500us", on_stall = function() end })
  end)
  scene("fork with failures under way", function()
    local sim = simulation({ cc = "hpcc", recovery = "selective" }, pods())
    sim:degrade("leaf0-spine0", { burst = { loss = 0.02, length = 5 }, jitter = "500ns" })
    sim:fail("leaf1-spine1", { at = "40us", detect = "30us", duration = "500us" })
    add_across(sim, 400000)
    sim:run { stop_at = "50us" }
    return ran(sim:fork())
  end)
  scene("fork of a training", function()
    local sim = train {}
    sim:run { stop_at = "20us" }
    return ran(sim:fork())
  end)
  scene("jobs in turn", function()
    local sim = simulation({ cc = "swift", ecmp = "pair" }, pods())
    sim:add_job(workload.all_to_all { size = "80kB", ranks = { 0, 1, 2, 3 } })
    sim:add_job(workload.allreduce { size = "200kB", ranks = { 4, 5, 6, 7 }, start = "5us" })
    sim:run { stop_at = "12us" }
    sim:add_job(workload.broadcast { size = "90kB", algorithm = "tree" })
    return ran(sim)
  end)
end

-- The ideal engine: flows, tasks, failures, forks.
local function add_ideal(scene)
  local function ideal(options)
    options.engine = "ideal"
    return simulation(options, pods())
  end
  scene("ideal, incast and across", function()
    local sim = ideal {}
    add_across(sim, 200000)
    for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "90kB", start = i * 1e-6 } end
    sim:sample { period = "3us", capacity = 16, ports = { 0, 2, 17 }, flows = { 1 } }
    return ran(sim)
  end)
  scene("ideal, failures", function()
    local sim = ideal { give_up_after = "300us" }
    sim:fail("leaf1-spine1", { at = "10us", detect = "5us", duration = "500us" })
    sim:fail("h4-leaf1", { at = "8us" })
    sim:degrade("h2-leaf0", { at = "12us", factor = 0.3, duration = "20us" })
    add_across(sim, 400000)
    return ran(sim)
  end)
  scene("ideal, jobs", function()
    local sim = ideal { ecmp = "pair" }
    sim:add_job(workload.all_to_all { size = "80kB", ranks = { 0, 1, 2, 3 }, keep_flows = false })
    sim:add_job(workload.allreduce { size = "200kB", chunk = "10kB", ranks = { 4, 5, 6, 7 } })
    sim:run { stop_at = "5us" }
    sim:add_job(workload.broadcast { size = "90kB", algorithm = "tree" })
    return ran(sim:fork())
  end)
  scene("ideal, training", function() return ran(train { engine = "ideal" }) end)
end

-- The fluid engine: the same, and what is its own: weights, caps, ways, ACKs, flowSim.
local function add_fluid(scene)
  local function fluid(options, net)
    return simulation(with({ engine = "fluid" }, options), net or pods())
  end
  local function add_incast(sim)
    for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "90kB", start = i * 1e-6 } end
  end
  scene("fluid, incast and across", function()
    local sim = fluid {}
    add_across(sim, 200000)
    add_incast(sim)
    sim:sample { period = "3us", capacity = 16, ports = { 0, 2, 17 }, flows = { 1 } }
    return ran(sim)
  end)
  for _, options in ipairs {
    { fluid_acks = true }, { fluid_cap = "window", window = "30kB" }, { max_rate = "30Gbps" },
    { fluid_cap = "window", base_rtt = "8us", fluid_acks = true }, { compat = "flowsim" },
  } do
    local names = {}
    for name, value in weft.util.sorted_pairs(options) do
      names[#names + 1] = name .. " " .. tostring(value)
    end
    scene("fluid, " .. table.concat(names, ", "), function()
      local sim = fluid(options)
      add_across(sim, 150000)
      add_incast(sim)
      return ran(sim)
    end)
  end
  scene("fluid, weights, rates and ways", function()
    local sim = fluid {}
    for i = 0, 15 do
      sim:add_flow { src = i % 4, dst = 4 + i % 3, size = 60000 + 977 * i, weight = 1 + i % 3,
        rate = i % 5 == 0 and "9Gbps" or nil, start = i % 4 * 1e-6,
        path = { "h" .. i % 4, "leaf0", "spine" .. i % 2, "leaf1", "h" .. 4 + i % 3 } }
    end
    return ran(sim)
  end)
  scene("fluid, uneven rates", function()
    local sim = fluid({}, pods { rate = "70Gbps", uplink = "300Gbps" })
    add_across(sim, 300000)
    add_incast(sim)
    return ran(sim)
  end)
  scene("fluid, failures", function()
    local sim = fluid { give_up_after = "300us" }
    sim:fail("leaf1-spine1", { at = "10us", detect = "5us", duration = "500us" })
    sim:fail("h4-leaf1", { at = "8us" })
    sim:degrade("h2-leaf0", { at = "12us", factor = 0.3, duration = "20us" })
    add_across(sim, 400000)
    return ran(sim)
  end)
  scene("fluid, jobs", function()
    local sim = fluid { ecmp = "pair" }
    sim:add_job(workload.all_to_all { size = "80kB", ranks = { 0, 1, 2, 3 }, keep_flows = false })
    sim:add_job(workload.allreduce { size = "200kB", chunk = "10kB", ranks = { 4, 5, 6, 7 } })
    sim:run { stop_at = "5us" }
    sim:add_job(workload.broadcast { size = "90kB", algorithm = "tree" })
    return ran(sim:fork())
  end)
  scene("fluid, many collectives", function()
    local sim = fluid({ ecmp = "pair" }, rails { servers = 4 })
    for _, algorithm in ipairs { "ring", "halving_doubling", "double_tree" } do
      sim:add_job(workload.allreduce { size = "1MB", algorithm = algorithm })
    end
    sim:add_job(workload.all_to_all { size = "300kB", start = "20us" })
    return ran(sim)
  end)
  scene("fluid, training", function() return ran(train { engine = "fluid" }) end)
end

-- The fluid with the laws of congestion controls: each of them, pauses, failures, jobs, forks.
local function add_fluid_cc(scene)
  local function fluid(options)
    options.engine, options.dynamics = "fluid", "cc"
    return simulation(options, pods())
  end
  for _, cc in ipairs { "window", "dctcp", "hpcc", "dcqcn", "timely", "swift" } do
    scene("fluid-cc, incast and across, " .. cc, function()
      local sim = fluid { cc = cc, ecn_kmin = "20kB", ecn_kmax = "80kB" }
      add_across(sim, 200000)
      for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "90kB", start = i * 1e-6 } end
      sim:sample { period = "3us", capacity = 16, ports = { 0, 2, 17 }, flows = { 1 } }
      return ran(sim)
    end)
  end
  scene("fluid-cc, pauses", function()
    local sim = fluid { cc = "window", window = "200kB", buffer = "500kB", pfc_headroom = "20kB" }
    for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "400kB", start = i * 1e-6 } end
    return ran(sim)
  end)
  scene("fluid-cc, failures", function()
    local sim = fluid { cc = "dctcp", give_up_after = "300us" }
    sim:fail("leaf1-spine1", { at = "10us", detect = "5us", duration = "500us" })
    sim:fail("h4-leaf1", { at = "8us" })
    sim:degrade("h2-leaf0", { at = "12us", factor = 0.3, duration = "20us" })
    add_across(sim, 400000)
    return ran(sim)
  end)
  scene("fluid-cc, jobs", function()
    local sim = fluid { ecmp = "pair", cc = "swift" }
    sim:add_job(workload.all_to_all { size = "80kB", ranks = { 0, 1, 2, 3 }, keep_flows = false })
    sim:add_job(workload.allreduce { size = "200kB", chunk = "10kB", ranks = { 4, 5, 6, 7 } })
    sim:run { stop_at = "5us" }
    sim:add_job(workload.broadcast { size = "90kB", algorithm = "tree" })
    return ran(sim:fork())
  end)
end

return function(scene)
  add_recovery(scene)
  add_compat(scene)
  add_options(scene)
  add_failures(scene)
  add_work(scene)
  add_accelerated(scene)
  add_runs(scene)
  add_ideal(scene)
  add_fluid(scene)
  add_fluid_cc(scene)
end
