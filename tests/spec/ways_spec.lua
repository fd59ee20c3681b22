-- Which way messages go, who must reach whom, and what a round trip is: each against a value worked
-- out by hand.
local support = require "support"
local weft = require "weft"

local ECMP = { "mix", "pair", "first", "ns3" }

-- Time of a lone message over links of these rates (bit/s) and delays (s), s: every packet of
-- 1048 B is stored and forwarded, the slowest link spaces them.
local function alone(bytes, rates, delays)
  local packets, slowest, time = bytes / 1000, math.huge, 0
  for i, rate in ipairs(rates) do
    slowest = math.min(slowest, rate)
    time = time + 1048 * 8 / rate + delays[i]
  end
  return time + (packets - 1) * 1048 * 8 / slowest
end

-- FCT in s of a lone message, and the names of the nodes on its way.
local function send(fabric, options, src, dst, size)
  options.topology = fabric
  options.cc = options.cc or "dctcp"
  local sim = weft.simulation(options)
  local flow = sim:add_flow { src = src, dst = dst, size = size or "10MB" }
  local way = {}
  for i, port in ipairs(sim.core:path(fabric:node(src).id, fabric:node(dst).id, flow)) do
    way[i] = fabric:node(sim.core:port_info(port).to).name
  end
  sim:run()
  return sim:flows():row(flow + 1).fct_ps * 1e-12, table.concat(way, " ")
end

local function near(wanted, got, tolerance)
  assert(math.abs(got / wanted - 1) <= (tolerance or 1e-6),
    ("expected %.9g, got %.9g"):format(wanted, got))
end

-- Two servers of `gpus` GPUs with an NVLink switch each; every GPU has a NIC on each of `tors`.
local function servers(gpus, tors, nvlink, nic)
  local net = weft.fabric.new "servers"
  for g = 0, 2 * gpus - 1 do
    net:add_node("gpu" .. g, "host", { group = g < gpus and 0 or 1 })
  end
  for s = 0, 1 do net:add_node("nv" .. s, "nvswitch", { group = s }) end
  for t = 0, tors - 1 do net:add_node("tor" .. t, "switch", { tier = 1 }) end
  for g = 0, 2 * gpus - 1 do
    for t = 0, tors - 1 do net:add_link(g, "tor" .. t, nic, "500ns") end
    net:add_link(g, g < gpus and "nv0" or "nv1", nvlink, "25ns")
  end
  return net
end

describe("ways", function()
  it("use NVLink where there is a way over it, whatever NICs share", function()
    for _, case in ipairs {
      { 2, 1, "2880Gbps", "400Gbps" }, { 4, 2, "900Gbps", "200Gbps" },
      { 8, 3, "100Gbps", "400Gbps" },
    } do
      local net = servers(case[1], case[2], case[3], case[4])
      local rate = weft.units.rate_bps(case[3])
      for _, ecmp in ipairs(ECMP) do
        local fct, way = send(net, { ecmp = ecmp }, "gpu0", "gpu1")
        assert.equal("nv0 gpu1", way)
        near(alone(1e7, { rate, rate }, { 25e-9, 25e-9 }), fct)
      end
      local _, way = send(net, {}, "gpu0", "gpu" .. case[1])
      assert.matches("^tor%d gpu" .. case[1] .. "$", way)
    end
  end)

  it("use NVLink of several tiers rather than a shorter way over the network", function()
    local net = weft.fabric.new "domain"
    for g = 0, 3 do net:add_node("gpu" .. g, "host", { group = 0 }) end
    for s = 0, 1 do net:add_node("nv" .. s, "nvswitch") end
    net:add_node("nvtop", "nvswitch")
    net:add_node("tor", "switch")
    for g = 0, 3 do
      net:add_link(g, "tor", "400Gbps", "500ns")
      net:add_link(g, g < 2 and "nv0" or "nv1", "800Gbps", "100ns")
    end
    for s = 0, 1 do net:add_link("nv" .. s, "nvtop", "1600Gbps", "100ns") end
    local fct, way = send(net, {}, "gpu0", "gpu3")
    assert.equal("nv0 nvtop nv1 gpu3", way)
    near(alone(1e7, { 8e11, 1.6e12, 1.6e12, 8e11 }, { 1e-7, 1e-7, 1e-7, 1e-7 }), fct)
  end)

  it("stay on PCIe between GPUs that share a NIC", function()
    local net = weft.fabric.new "pcie"
    for g = 0, 3 do net:add_node("gpu" .. g, "host") end
    for p = 0, 1 do net:add_node("pcie" .. p, "switch") end
    net:add_node("tor", "switch")
    for g = 0, 3 do
      net:add_link(g, "pcie" .. (g < 2 and 0 or 1), "256Gbps", "150ns", { class = "pcie" })
      net:add_link(g, "tor", "400Gbps", "10ns")
    end
    for p = 0, 1 do net:add_link("pcie" .. p, "tor", "400Gbps", "500ns") end
    local fct, way = send(net, {}, "gpu0", "gpu1")
    assert.equal("pcie0 gpu1", way)
    near(alone(1e7, { 2.56e11, 2.56e11 }, { 150e-9, 150e-9 }), fct)
    fct, way = send(net, {}, "gpu0", "gpu2")
    assert.equal("tor gpu2", way)
    near(alone(1e7, { 4e11, 4e11 }, { 10e-9, 10e-9 }), fct)
  end)

  it("go by the sum of costs where classes agree, then by the number of links", function()
    local net = weft.fabric.new "costs"
    for h = 0, 1 do net:add_node("h" .. h, "host") end
    for s = 0, 4 do net:add_node("s" .. s, "switch") end
    net:add_link("h0", "s0", "100Gbps", "1us", { cost = 3 })
    net:add_link("h1", "s4", "100Gbps", "1us", { cost = 9 })
    net:add_link("s0", "s4", "100Gbps", "1us", { cost = 4 })
    for i = 1, 2 do -- one link more, and a unit less or as much
      net:add_link("s0", "s" .. i, "100Gbps", "1us", { cost = i })
      net:add_link("s" .. i, "s4", "100Gbps", "1us", { cost = 2 })
    end
    local _, way = send(net, {}, "h0", "h1")
    assert.equal("s0 s1 s4 h1", way)
    net.links[4].cost = 2 -- s0-s1: now both cost 4, and the direct link has fewer hops
    _, way = send(net, {}, "h0", "h1")
    assert.equal("s0 s4 h1", way)
    local over = {}
    net.links[3].cost = 5
    for flow = 0, 39 do
      local sim = weft.simulation { topology = net, seed = flow }
      over[sim.core:port_info(sim.core:path(0, 1, flow)[2]).to] = true
    end
    assert.same({ [net:node("s1").id] = true, [net:node("s2").id] = true }, over)
  end)

  it("leave NVLink for the network when it fails, and come back", function()
    local net = servers(2, 1, "2880Gbps", "400Gbps")
    local sim = weft.simulation { topology = net, cc = "dctcp" }
    sim:fail("gpu0-nv0", { at = "10us", duration = "300us" })
    for _, start in ipairs { "20us", "400us" } do
      sim:add_flow { src = "gpu0", dst = "gpu1", size = "1MB", start = start }
    end
    sim:run()
    near(alone(1e6, { 4e11, 4e11 }, { 5e-7, 5e-7 }), sim:flows():row(1).fct_ps * 1e-12)
    near(alone(1e6, { 2.88e12, 2.88e12 }, { 25e-9, 25e-9 }), sim:flows():row(2).fct_ps * 1e-12)
  end)

  it("keep to the rules of the models that compat stands for", function()
    local net = servers(2, 1, "2880Gbps", "400Gbps")
    local function taken(compat)
      local sim = weft.simulation { topology = net, compat = compat, rto = 0 }
      local seen = {}
      for flow = 0, 63 do
        seen[net:node(sim.core:port_info(sim.core:path(0, 1, flow)[1]).to).name] = true
      end
      return seen
    end
    assert.same({ nv0 = true, tor0 = true }, taken "ns3")
    assert.same({ nv0 = true }, taken "simai")
  end)

  it("leave an AllReduce inside a server to NVLink, for any number of rails", function()
    local times = {}
    for i, rails in ipairs { 8, 4, 2, 1 } do
      local net = weft.topology.rail_optimized { servers = 2, rails = rails, spines = 2 }
      local sim = weft.simulation { topology = net, cc = "dctcp" }
      local job = sim:add_job(weft.workload.allreduce { size = "8MB", ranks = 8 })
      sim:run()
      times[i] = job:result().time_ps
      for _, port in sim:ports():rows() do
        assert(port.class_name == "nvlink" or port.tx_bytes == 0)
      end
    end
    assert.same({ times[1], times[1], times[1], times[1] }, times)
    -- 14 messages of 1 MB at 2400 Gbit/s, with headers and the ACKs of the other way.
    near(14 * 1e6 * (1.048 + 0.060) * 8 / 2.4e12, times[1] * 1e-12, 0.03)
  end)

  it("are shown with their classes", function()
    local net = servers(1, 1, "100Gbps", "100Gbps")
    local sim = weft.simulation { topology = net }
    local ports = sim:ports()
    assert.same({ "net", 3, 1 }, { ports:row(1).class_name, ports:row(1).class, ports:row(1).cost })
    assert.same({ "nvlink", 1 }, { ports:row(3).class_name, ports:row(3).class })
  end)
end)

describe("the round trip of windows", function()
  -- A star whose host `far` has a cable of its own.
  local function star(hosts, far, delay, rate)
    local net = weft.fabric.new "far"
    for i = 0, hosts - 1 do net:add_node("h" .. i, "host") end
    net:add_node("s", "switch", { tier = 1 })
    for i = 0, hosts - 1 do
      net:add_link(i, "s", rate or "100Gbps", i == far and delay or "1us")
    end
    return net
  end

  it("is that of the farthest host too", function()
    for _, case in ipairs {
      { 200, 100, "1ms" }, { 200, 199, "1ms" }, { 130, 65, "30us" }, { 90, 1, "10ms" },
    } do
      for _, cc in ipairs { "window", "dctcp", "dcqcn" } do
        local sim = weft.simulation { topology = star(case[1], case[2], case[3]), cc = cc,
          buffer = "1GB" }
        sim:add_flow { src = 0, dst = case[2], size = "5MB" }
        sim:run()
        local row = sim:flows():row(1)
        assert.equal(row.ideal_ps, row.fct_ps)
      end
    end
  end)

  it("is that of the slower of two ways of equal length", function()
    for _, delays in ipairs { { "1us", "20us" }, { "1us", "2ms" }, { "5us", "90us" } } do
      local net = weft.fabric.new "two ways"
      for i = 0, 3 do net:add_node("h" .. i, "host") end
      for i = 0, 3 do net:add_node("s" .. i, "switch", { tier = i < 2 and 1 or 2 }) end
      for i = 0, 3 do net:add_link(i, i < 2 and "s0" or "s1", "100Gbps", "1us") end
      for leaf = 0, 1 do
        for i = 1, 2 do net:add_link("s" .. leaf, "s" .. i + 1, "100Gbps", delays[i]) end
      end
      for seed = 1, 8 do
        local sim = weft.simulation { topology = net, cc = "window", seed = seed, buffer = "1GB" }
        sim:add_flow { src = 0, dst = 3, size = "10MB" }
        sim:run()
        local row = sim:flows():row(1)
        assert.equal(row.ideal_ps, row.fct_ps)
      end
    end
  end)

  it("is that of the farthest pair with compat, whatever the distance", function()
    local net = star(130, 77, "1ms")
    local sim = weft.simulation { topology = net, cc = "dctcp", compat = "ns3", rto = 0,
      buffer = "1GB" }
    sim:add_flow { src = 0, dst = 77, size = "5MB" }
    sim:run()
    local row = sim:flows():row(1)
    assert(row.fct_ps / row.ideal_ps < 1.001, row.fct_ps / row.ideal_ps)
  end)

  it("leaves flows within a datacenter theirs when a host far away is added", function()
    local function incast(far)
      local sim = weft.simulation { topology = star(20, far, "2ms"), cc = "dctcp", buffer = "1GB" }
      for i = 1, 8 do sim:add_flow { src = i, dst = 0, size = "300kB" } end
      sim:run()
      return sim:flows():column "fct_ps"
    end
    assert.same(incast(nil), incast(19))
  end)
end)

describe("the round trip of a flow's own way", function()
  it("is what Swift turns windows into rates by", function()
    for _, delay in ipairs { "500ns", "5us", "20us" } do
      local net = weft.topology.rail_optimized { servers = 4, spines = 2, delay = delay }
      local sim = weft.simulation { topology = net, cc = "swift" }
      for i = 1, 4 do sim:add_flow { src = "gpu" .. i, dst = "gpu0", size = "5MB" } end
      sim:run()
      local last = 0
      for i = 1, 4 do last = math.max(last, sim:flows():row(i).fct_ps * 1e-12) end
      near(20e6 * 8 * 1.056 / 2.4e12, last, 0.03) -- frames with a timestamp, 8 bytes
    end
    for _, idle in ipairs { "500ns", "45us" } do -- of a host that takes no part
      local net = weft.fabric.new "idle"
      for _, name in ipairs { "a", "b", "c" } do net:add_node(name, "host") end
      net:add_node("s", "switch")
      net:add_link("a", "s", "400Gbps", "500ns")
      net:add_link("b", "s", "100Gbps", "500ns")
      net:add_link("c", "s", "100Gbps", idle)
      -- It overruns the slower link in its first round trip, by a window at most, and once.
      near(20e6 * 8 * 1.056 / 1e11, (send(net, { cc = "swift" }, "a", "b", "20MB")), 0.12)
    end
  end)
end)

describe("who must reach whom", function()
  -- GPUs of servers with NVLink inside; leaf r joins the GPUs r of all servers, and nothing more.
  local function rail_only(count, gpus)
    local net = weft.fabric.new "rail_only"
    for g = 0, count * gpus - 1 do
      net:add_node("gpu" .. g, "host", { group = (g - g % gpus) / gpus })
    end
    for s = 0, count - 1 do net:add_node("nv" .. s, "nvswitch", { group = s }) end
    for r = 0, gpus - 1 do net:add_node("leaf" .. r, "switch", { tier = 1 }) end
    for g = 0, count * gpus - 1 do
      net:add_link(g, ("nv%d"):format((g - g % gpus) / gpus), "2400Gbps", "25ns")
      net:add_link(g, "leaf" .. g % gpus, "400Gbps", "500ns")
    end
    return net
  end

  local function run(net, work)
    local sim = weft.simulation { topology = net, cc = "dctcp" }
    local job = sim:add_job(work)
    sim:run()
    return job:result(), sim
  end

  it("is asked of the pairs that an algorithm uses", function()
    for _, case in ipairs {
      { 2, 4, weft.workload.all_to_all { size = "1MB", algorithm = "hierarchical" } },
      { 4, 2, weft.workload.all_to_all { size = "1MB", algorithm = "hierarchical" } },
      { 3, 4, weft.workload.allreduce { size = "1MB", algorithm = "hierarchical" } },
      { 2, 4, weft.workload.allreduce { size = "1MB", channels = 4 } },
      { 2, 4, weft.workload.allreduce { size = "1MB", ranks = { 1, 5 } } },
      { 2, 4, weft.workload.gpt { model = "7B", layers = 2, tp = 4, pp = 2, dp = 1,
        scale_bytes = 1e-3, scale_compute = 1e-3 } },
      { 4, 2, weft.workload.gpt { model = "7B", layers = 2, tp = 2, pp = 1, dp = 4,
        scale_bytes = 1e-3, scale_compute = 1e-3 } },
    } do
      local result, sim = run(rail_only(case[1], case[2]), case[3])
      assert.truthy(result.time_ps or result.iterations[1].time_ps)
      assert.equal(sim:stats().flows_added, sim:stats().flows_done)
    end
  end)

  it("is told with the reason of flows in files, too", function()
    local net = weft.fabric.new "relay"
    for i = 0, 3 do net:add_node("h" .. i, "host") end
    for i = 0, 1 do net:add_node("s" .. i, "switch") end
    for _, ends in ipairs { { "h0", "s0" }, { "h1", "s0" }, { "h1", "h2" }, { "h2", "s1" },
      { "h3", "s1" } } do
      net:add_link(ends[1], ends[2], "10Gbps", "1us")
    end
    local path = support.file("1\n0 3 3 100 1000 0\n")
    local sim = weft.simulation { topology = net }
    local text = support.error_of(sim.add_job, sim, weft.workload.flows { file = path })
    os.remove(path)
    assert.matches(":2: no path from 'h0' to 'h3': 'h[12]' would have to forward, and hosts do not",
      text)
  end)

  it("takes as long without a spine that nothing uses", function()
    local without = rail_only(2, 4)
    local with = rail_only(2, 4)
    with:add_node("spine", "switch", { tier = 2 })
    for r = 0, 3 do with:add_link("leaf" .. r, "spine", "400Gbps", "500ns") end
    local work = weft.workload.all_to_all { size = "4MB", algorithm = "hierarchical" }
    assert.equal(run(with, work).time_ps, run(without, work).time_ps)
  end)

  it("is refused before anything is added, with the pair and the reason", function()
    local sim = weft.simulation { topology = rail_only(2, 2) }
    for _, work in ipairs {
      weft.workload.all_to_all { size = "1MB" }, weft.workload.allreduce { size = "1MB" },
      weft.workload.gpt { model = "7B", layers = 4, pp = 4 },
    } do
      assert.matches("no path from 'gpu%d' to 'gpu%d': 'gpu%d' would have to forward, and hosts do "
        .. "not: expected a switch between them$", support.error_of(sim.add_job, sim, work))
    end
    assert.equal(0, sim:stats().tasks_added)
    local alone_net = weft.topology.star { hosts = 2 }
    alone_net:add_node("lost", "host")
    sim = weft.simulation { topology = alone_net }
    assert.matches("no path from 'h0' to 'lost': 'lost' has no links$",
      support.error_of(sim.add_flow, sim, { src = "h0", dst = "lost", size = 1 }))
  end)

  it("is answered by links of hosts that relay nothing", function()
    local net = weft.fabric.new "square"
    for i = 0, 3 do net:add_node("gpu" .. i, "host") end
    for i = 0, 3 do net:add_link(i, (i + 1) % 4, "200Gbps", "500ns") end
    assert.truthy(run(net, weft.workload.allreduce { size = "1MB" }).time_ps)
    local sim = weft.simulation { topology = net }
    assert.matches("no path from 'gpu0' to 'gpu2': 'gpu[13]' would have to forward",
      support.error_of(sim.add_job, sim, weft.workload.all_to_all { size = "1MB" }))
  end)
end)

describe("servers of a SimAI file", function()
  -- `gpus` GPUs, every n-th on a switch of its own; the header says `each` per server.
  local function file(gpus, each, switches)
    local lines = { ("%d %d 0 %d %d H100"):format(gpus + switches, each, switches, gpus + 1) }
    local ids = {}
    for s = 0, switches - 1 do ids[s + 1] = gpus + s end
    lines[2] = table.concat(ids, " ")
    for g = 0, gpus - 1 do
      lines[#lines + 1] = ("%d %d 200Gbps 0.0005ms 0"):format(g, gpus + g % switches)
    end
    lines[#lines + 1] = ("%d %d 400Gbps 0.0005ms 0"):format(gpus, gpus + 1)
    return support.file(table.concat(lines, "\n") .. "\n")
  end

  it("are those of its header where there is no NVLink", function()
    for _, case in ipairs {
      { 8, 2, { 2, 2 }, "0 1" }, { 12, 4, { 4, 8 }, "0 1 2 3" }, { 6, 3, { 3 }, "0 1 2" },
    } do
      local path = file(case[1], case[2], 2)
      local net = weft.topology.from_file(path)
      os.remove(path)
      for g = 0, case[1] - 1 do
        assert.equal(math.floor(g / case[2]), net:node("gpu" .. g).group)
      end
      assert.equal(case[4], table.concat(weft.placement.packed(net, case[3])[1], " "))
      local sim = weft.simulation { topology = net, cc = "dctcp" }
      sim:add_job(weft.workload.allreduce { size = "1MB", channels = case[2] })
      sim:run()
      assert.equal(sim:stats().flows_added, sim:stats().flows_done)
    end
  end)
end)
