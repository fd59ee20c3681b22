--- Scenes whose outcome is recorded in fingerprints.csv: small worlds that together touch all that
-- decides a result. Most leave options at their defaults, so that a change of a default shows.
--
-- Each is a name and a function that returns a simulation, which has been run.
local weft = require "weft"

local topology, workload = weft.topology, weft.workload
local CCS = { "window", "dctcp", "hpcc", "dcqcn", "timely", "swift" }

local scenes = {}

local function scene(name, build)
  scenes[#scenes + 1] = { name = name, run = build }
end

local function simulation(options, fabric)
  options.topology = fabric
  return weft.simulation(options)
end

-- Copy of a table of options.
local function with(options, more)
  local all = {}
  for _, from in ipairs { options, more or {} } do
    for key, value in pairs(from) do all[key] = value end -- order-free: a copy
  end
  return all
end

local function ran(sim, options)
  sim:run(options)
  return sim
end

local function add_incast(sim, senders, receiver, size, gap_ps)
  for i = 0, senders - 1 do
    sim:add_flow { src = i, dst = receiver, size = size + 1000 * i, start = i * gap_ps * 1e-12 }
  end
end

-- Two bursts over a dumbbell with a slow middle, and one flow against them.
local function contention(options)
  local sim = simulation(options,
    topology.dumbbell { hosts = 4, rate = "100Gbps", bottleneck = "40Gbps" })
  for i = 0, 3 do
    sim:add_flow { src = i, dst = 4 + (i + 1) % 4, size = 150000 + 7777 * i, start = i * 3e-6 }
    sim:add_flow { src = i, dst = 4, size = 40000, start = 20e-6 }
  end
  sim:add_flow { src = 5, dst = 1, size = 200000 }
  return ran(sim)
end

for _, cc in ipairs(CCS) do
  scene("dumbbell " .. cc, function() return contention { cc = cc } end)
  scene("dumbbell lossy " .. cc, function()
    return contention { cc = cc, pfc = false, buffer = "100kB" }
  end)
  scene("incast " .. cc, function()
    local sim = simulation({ cc = cc }, topology.star { hosts = 17, rate = "100Gbps" })
    add_incast(sim, 16, 16, 60000, 700)
    return ran(sim)
  end)
  scene("fat tree " .. cc, function()
    local sim = simulation({ cc = cc, seed = 3 }, topology.fat_tree { k = 4, rate = "40Gbps" })
    sim:add_job(workload.synthetic { load = 0.5, flows = 120, sizes = "alistorage" })
    return ran(sim)
  end)
  scene("fixed window " .. cc, function()
    return contention { cc = cc, window_mode = "fixed", window = "50kB" }
  end)
end
for _, cc in ipairs { "dctcp", "hpcc", "dcqcn", "timely" } do
  scene("dumbbell ns3 " .. cc, function()
    return contention { cc = cc, compat = "ns3", rto = 0 }
  end)
end
for _, priority in ipairs { "hosts", "all" } do
  scene("dumbbell ns3 ack " .. priority, function()
    return contention { cc = "dctcp", compat = "ns3", ack_priority = priority }
  end)
end
for _, cc in ipairs { "dctcp", "hpcc" } do
  scene("dumbbell simai " .. cc, function() return contention { cc = cc, compat = "simai" } end)
end

-- Lone flows: fast, slow, far.
for _, case in ipairs {
  { "100Gbps", "1us", "1MB" }, { "3200Gbps", "10ns", "4MB" }, { "1Gbps", "10us", "300kB" },
  { "10Mbps", "1ms", "20kB" }, { "10Gbps", "2ms", "10MB" },
} do
  for _, cc in ipairs { "window", "hpcc", "swift" } do
    scene(("lone %s %s %s"):format(case[1], case[2], cc), function()
      local sim = simulation({ cc = cc }, topology.star {
        hosts = 2, rate = case[1], delay = case[2],
      })
      sim:add_flow { src = 0, dst = 1, size = case[3] }
      return ran(sim)
    end)
  end
end

-- Routes.
for _, ecmp in ipairs { "mix", "pair", "first", "ns3" } do
  scene("spines " .. ecmp, function()
    local sim = simulation({ cc = "dctcp", ecmp = ecmp }, topology.leaf_spine {
      leaves = 3, hosts_per_leaf = 4, spines = 3, rate = "50Gbps",
    })
    sim:add_job(workload.all_to_all { size = "300kB" })
    return ran(sim)
  end)
  scene("one rail " .. ecmp, function()
    local sim = simulation({ cc = "dctcp", ecmp = ecmp }, topology.rail_optimized {
      servers = 2, rails = 1, gpus_per_server = 4, spines = 2,
    })
    sim:add_job(workload.allreduce { size = "1MB" })
    return ran(sim)
  end)
end
scene("parallel links", function()
  local net = weft.fabric.new "parallel"
  for i = 0, 3 do net:add_node("h" .. i, "host") end
  for i = 0, 1 do net:add_node("s" .. i, "switch", { tier = 1 }) end
  for i = 0, 3 do net:add_link("h" .. i, i < 2 and "s0" or "s1", "100Gbps", "1us") end
  for i = 1, 4 do net:add_link("s0", "s1", "50Gbps", i * 1e-6) end
  local sim = simulation({ cc = "dctcp" }, net)
  for i = 0, 19 do sim:add_flow { src = i % 2, dst = 2 + i % 2, size = 90000 } end
  return ran(sim)
end)
scene("far host", function()
  local net = weft.fabric.new "far"
  for i = 0, 99 do net:add_node("h" .. i, "host") end
  net:add_node("s", "switch")
  for i = 0, 99 do net:add_link(i, "s", "100Gbps", i == 77 and "100us" or "1us") end
  local sim = simulation({ cc = "dctcp" }, net)
  for _, to in ipairs { 77, 1, 78 } do sim:add_flow { src = 0, dst = to, size = "2MB" } end
  return ran(sim)
end)

-- Loss, recovery, time-outs.
for _, recovery in ipairs { "go_back_n", "selective", "none" } do
  for _, loss in ipairs { 1e-3, 0.02 } do
    scene(("loss %g %s"):format(loss, recovery), function()
      local net = topology.dumbbell { hosts = 2, rate = "100Gbps" }
      local sim = simulation({ cc = "dctcp", recovery = recovery }, net)
      sim:degrade("switch0-switch1", { factor = 1, loss = loss })
      for i = 0, 1 do sim:add_flow { src = i, dst = 2 + i, size = "500kB" } end
      return ran(sim)
    end)
  end
  scene("small buffer " .. recovery, function()
    local sim = simulation({ cc = "window", recovery = recovery, pfc = false, buffer = "64kB" },
      topology.star { hosts = 9, rate = "25Gbps" })
    add_incast(sim, 8, 8, 50000, 0)
    return ran(sim)
  end)
end
for _, rto in ipairs { "1ms", "100us", "0ps" } do
  scene("deep incast rto " .. rto, function()
    local sim = simulation({ cc = "window", rto = rto },
      topology.leaf_spine { leaves = 3, hosts_per_leaf = 8, spines = 1, rate = "10Gbps" })
    for i = 0, 199 do sim:add_flow { src = 1 + i % 23, dst = 0, size = 8000 } end
    return ran(sim)
  end)
end
scene("all-to-all 8 to 1", function()
  local sim = simulation({ cc = "dctcp" }, topology.leaf_spine {
    leaves = 4, hosts_per_leaf = 8, oversubscription = 8, rate = "25Gbps",
  })
  sim:add_job(workload.all_to_all { size = "300kB" })
  return ran(sim)
end)
scene("own queue", function()
  local sim = simulation({ cc = "window" }, topology.star { hosts = 3, rate = "10Mbps" })
  for _ = 1, 60 do sim:add_flow { src = 0, dst = 1, size = "10kB" } end
  return ran(sim)
end)

-- Failures and wires.
local function failing(name, options, break_it)
  scene(name, function()
    local sim = simulation(options, topology.leaf_spine {
      leaves = 2, hosts_per_leaf = 4, spines = 2, rate = "100Gbps",
    })
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "600kB" } end
    break_it(sim)
    return ran(sim)
  end)
end
failing("gray link", { cc = "hpcc" }, function(sim)
  sim:degrade("h0-leaf0", { at = "10us", factor = 1 / 4 })
end)
failing("gray steps", { cc = "dcqcn" }, function(sim)
  sim:degrade("h1-leaf0", { at = "5us", factor = 1 / 8, over = "60us", steps = 6 })
end)
failing("link down", { cc = "dctcp" }, function(sim)
  sim:fail("leaf0-spine0", { at = "12us", detect = "20us" })
end)
failing("flap", { cc = "dctcp" }, function(sim)
  sim:fail("h2-leaf0", { at = "10us", period = "100us", duty = 0.5, duration = "1ms" })
end)
failing("host link down at start", { cc = "dctcp" }, function(sim)
  sim:fail("h3-leaf0", { at = "1us", duration = "300us" })
  sim:add_flow { src = "h3", dst = "h7", size = "50kB", start = "100us" }
end)
failing("switch down", { cc = "timely" }, function(sim)
  sim:fail("spine1", { at = "15us", detect = "30us", duration = "500us" })
end)
failing("bursts", { cc = "hpcc", recovery = "selective" }, function(sim)
  sim:degrade("leaf0-spine0", { burst = { loss = 0.01, length = 8 } })
end)
failing("jitter", { cc = "swift" }, function(sim)
  sim:degrade("leaf0-spine1", { delay = "3us", jitter = "2us" })
end)
failing("storm", { cc = "dcqcn" }, function(sim)
  sim:storm("h5", { at = "10us", duration = "80us" })
end)
failing("never repaired", { cc = "dctcp" }, function(sim)
  sim:fail("h1-leaf0", { at = "10us" })
end)

-- Collectives.
local function rails(options)
  return topology.rail_optimized(with({ servers = 2, gpus_per_server = 4, spines = 1 }, options))
end
for _, one in ipairs {
  { "allreduce", "ring" }, { "allreduce", "bidirectional" }, { "allreduce", "tree" },
  { "allreduce", "double_tree" }, { "allreduce", "halving_doubling" },
  { "allreduce", "hierarchical" }, { "reduce_scatter", "ring" }, { "all_gather", "ring" },
  { "broadcast", "tree" }, { "reduce", "ring" }, { "all_to_all", "direct" },
  { "all_to_all", "pairwise" }, { "all_to_all", "hierarchical" },
} do
  local kind, algorithm = one[1], one[2]
  scene(kind .. " " .. algorithm, function()
    local sim = simulation({ cc = "dctcp" }, rails())
    sim:add_job(workload[kind] { size = "800kB", algorithm = algorithm })
    return ran(sim)
  end)
end
scene("allreduce in chunks", function()
  local sim = simulation({ cc = "hpcc" }, rails())
  sim:add_job(workload.allreduce { size = "1MB", channels = 4, chunk = "32kB" })
  return ran(sim)
end)
scene("two jobs", function()
  local sim = simulation({ cc = "dctcp", ecmp = "pair" }, topology.leaf_spine {
    leaves = 2, hosts_per_leaf = 4, spines = 2,
  })
  sim:add_job(workload.allreduce { size = "1MB", ranks = { 0, 2, 4, 6 } })
  sim:add_job(workload.allreduce { size = "1MB", ranks = { 1, 3, 5, 7 }, start = "20us" })
  return ran(sim)
end)

-- Models, and what accelerates them.
local GPT = { model = "7B", layers = 2, tp = 4, pp = 1, dp = 2, iterations = 2,
  scale_bytes = 2e-3, scale_compute = 2e-3 }
local MOE = { model = "8x7B", layers = 2, tp = 1, dp = 8, ep = 4, scale_bytes = 1e-3,
  scale_compute = 1e-3 }
local ACCELERATED = {
  plain = {}, forward = { fast_forward = true }, memo = { memoize = true },
  both = { fast_forward = true, memoize = true },
  ["both, 2 threads"] = { fast_forward = true, memoize = true, threads = 2 },
}
for _, how in ipairs { "plain", "forward", "memo", "both", "both, 2 threads" } do
  local options = ACCELERATED[how]
  scene("gpt " .. how, function()
    local sim = simulation(with({ cc = "hpcc", ecmp = "pair" }, options), rails())
    sim:add_job(workload.gpt(with(GPT)))
    return ran(sim)
  end)
  scene("moe " .. how, function()
    local sim = simulation(with({ cc = "dctcp", ecmp = "pair" }, options), rails())
    sim:add_job(workload.moe(with(MOE)))
    return ran(sim)
  end)
  for _, cc in ipairs { "dcqcn", "hpcc" } do
    scene(("long flows %s %s"):format(cc, how), function()
      local sim = simulation(with({ cc = cc }, options),
        topology.dumbbell { hosts = 4, rate = "100Gbps" })
      for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "4MB", start = i * 1e-6 } end
      return ran(sim)
    end)
  end
end

-- The rest of what scripts can do.
for _, threads in ipairs { 1, 2, 3 } do
  scene(("permutation, threads %d"):format(threads), function()
    local sim = simulation({ cc = "hpcc", threads = threads, seed = 5 },
      topology.fat_tree { k = 4, rate = "100Gbps" })
    for i = 0, 15 do sim:add_flow { src = i, dst = (i * 5 + 3) % 16, size = "400kB" } end
    return ran(sim)
  end)
end
scene("closed loop", function()
  local sim = simulation({ cc = "window", completion = "sender" }, topology.star { hosts = 4 })
  sim:add_job(workload.closed_loop {
    server = 0, clients = { 1, 2, 3 }, operations = 20, window = 2,
    steps = { { from = "client", size = "1kB" }, { from = "server", size = "20kB" } },
  })
  return ran(sim)
end)
scene("a fork", function()
  local sim = simulation({ cc = "dcqcn" }, topology.star { hosts = 6 })
  add_incast(sim, 5, 5, 300000, 1000)
  sim:run { stop_at = "40us" }
  local fork = sim:fork()
  fork:add_flow { src = 5, dst = 0, size = "100kB" }
  return ran(fork)
end)
scene("stopped", function()
  local sim = simulation({ cc = "swift" }, topology.star { hosts = 6 })
  add_incast(sim, 5, 5, 300000, 1000)
  return ran(sim, { stop_at = "50us" })
end)
scene("big frames", function() return contention { cc = "hpcc", mtu = 9000 } end)
scene("no PFC, DCQCN", function() return contention { cc = "dcqcn", pfc = false } end)

dofile "tests/golden/more.lua"(scene)
return scenes
