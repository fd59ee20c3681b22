-- The engine "fluid": max-min rates.
local weft = require "weft"
local support = require "support"

local topology, workload = weft.topology, weft.workload
local reference = dofile("scenarios/build/flow_reference.lua")

local function pods(more)
  local options = { leaves = 2, hosts_per_leaf = 4, spines = 2, rate = "100Gbps" }
  for key, value in pairs(more or {}) do options[key] = value end -- order-free: a copy
  return topology.leaf_spine(options)
end

local function simulation(options, net)
  local given = { topology = net or pods(), engine = "fluid" }
  for key, value in pairs(options or {}) do given[key] = value end -- order-free: a copy
  return weft.simulation(given)
end

describe("fluid", function()
  it("has the max-min rates of a naive filling on fat trees and leaf-spine fabrics", function()
    local worst, flows = reference.max_min "tests/reference/flow-level/max-min"
    assert.equal(5680, flows)
    assert.is_true(worst <= 1)
  end)

  it("is m3's flowSim with compat = 'flowsim'", function()
    local off_ns, flows = reference.flowsim("tests/reference/ns3-line",
      "tests/reference/flow-level/ns3-line-flowsim.csv", 9)
    assert.is_true(flows > 2000)
    assert.is_true(off_ns <= 1)
  end)

  it("gives a lone flow its ideal time, with headers and whatever the rate", function()
    for _, rate in ipairs { "1Gbps", "25Gbps", "300Gbps", "7.2Tbps" } do
      for _, size in ipairs { "1B", "1000B", "1001B", "350kB" } do
        local sim = simulation({}, pods { rate = rate })
        sim:add_flow { src = 1, dst = 6, size = size }
        sim:run()
        local flow = sim:flow(0)
        assert.is_true(math.abs(flow.fct_ps - flow.ideal_ps) <= 1)
      end
    end
  end)

  it("lies between the ideal and what packets take, where flows contend for a while", function()
    local fct = {}
    for _, engine in ipairs { "ideal", "fluid", "packet" } do
      local sim = simulation { engine = engine, ecmp = "pair",
        cc = engine == "packet" and "window" or nil }
      for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "900kB" } end
      assert.equal("done", sim:run())
      fct[engine] = sim:now_ps()
    end
    assert.is_true(fct.ideal < fct.fluid)
    assert.is_true(math.abs(fct.packet / fct.fluid - 1) < 0.01)
  end)

  it("takes weights, rates and ways of single flows", function()
    local sim = simulation { compat = "flowsim", header = 0 }
    local way = { "h0", "leaf0", "spine1", "leaf1", 4 }
    sim:add_flow { src = 0, dst = 4, size = "100kB", path = way, weight = 3 }
    sim:add_flow { src = "h0", dst = "h4", size = "100kB", path = way, weight = 1 }
    sim:add_flow { src = 1, dst = 2, size = "100kB", rate = "10Gbps" }
    sim:run()
    -- 75 and 25 of 100 Gbit/s: 100 kB at 75, then 66.7 kB alone.
    assert.equal(10666667, sim:flow(0).fct_ps)
    assert.equal(16000000, sim:flow(1).fct_ps)
    assert.equal(80000000, sim:flow(2).fct_ps)
    assert.equal(200000, sim:ports():row(sim:port("leaf0", "spine1") + 1).tx_bytes)
  end)

  it("says what a way must be, and which engine has weights", function()
    local sim = simulation()
    local function message(options)
      return support.error_of(function() sim:add_flow(options) end)
    end
    assert.matches("no link between 'h0' and 'spine0'",
      message { src = 0, dst = 4, size = 1, path = { "h0", "spine0", "h4" } }, 1, true)
    assert.matches("option 'path': expected the nodes from src to dst, got none",
      message { src = 0, dst = 4, size = 1, path = {} }, 1, true)
    assert.matches("option 'path': expected the nodes from src to dst, got 'h0' alone",
      message { src = 0, dst = 4, size = 1, path = { "h0" } }, 1, true)
    assert.matches("flow path: expected",
      message { src = 0, dst = 4, size = 1, path = { "h0", "leaf0" } }, 1, true)
    sim = simulation { engine = "packet" }
    assert.matches("flow weight: engine 'packet' has no terms of single flows; expected engine = "
      .. "'fluid'", message { src = 0, dst = 4, size = 1, weight = 2 }, 1, true)
    assert.matches("compat: engine 'packet' has no flowsim; expected engine = 'fluid'",
      support.error_of(simulation, { engine = "packet", compat = "flowsim" }), 1, true)
    assert.matches("compat: engine 'fluid' has none of packets",
      support.error_of(simulation, { compat = "ns3" }), 1, true)
  end)

  it("takes training, closed loops, streams and several jobs", function()
    local sim = simulation({ ecmp = "pair" },
      topology.rail_optimized { servers = 2, gpus_per_server = 4, spines = 1 })
    local job = sim:add_job(workload.gpt { model = "7B", layers = 1, tp = 2, dp = 4,
      iterations = 2, scale_bytes = 1e-3, scale_compute = 1e-3 })
    local other = sim:add_job(workload.all_to_all { size = "80kB", keep_flows = false })
    assert.equal("done", sim:run())
    assert.is_true(job:result().complete)
    assert.is_true(other:result().complete)
    sim.core:check()
  end)

  it("stands still while the way of its ACKs is down, if they load links", function()
    local function fct(acks, fails)
      local sim = simulation { fluid_acks = acks, give_up_after = 0 }
      local flow = 0
      local function link_of(port) return (port - port % 2) / 2 end
      while link_of(sim.core:path(0, 4, flow)[3]) == link_of(sim.core:ack_path(0, 4, flow)[2]) do
        sim:add_flow { src = 1, dst = 2, size = 1 } -- takes a number
        flow = flow + 1
      end
      sim:add_flow { src = 0, dst = 4, size = "1MB" }
      local link = link_of(sim.core:ack_path(0, 4, flow)[2])
      if fails then sim:fail(link, { at = "10us", duration = "100us", detect = "1s" }) end
      sim:run()
      sim.core:check()
      return sim:flow(flow).fct_ps
    end
    assert.equal(fct(false, false), fct(false, true))
    assert.equal(fct(true, false) + 1e8, fct(true, true))
  end)

  it("is the same from a fork, in parts and with samples", function()
    local function run(how)
      local sim = simulation { give_up_after = "1ms", fluid_acks = true }
      for i = 0, 7 do sim:add_flow { src = i, dst = (i + 3) % 8, size = 1000 + 70001 * i } end
      sim:add_job(workload.allreduce { size = "400kB", chunk = "20kB" })
      sim:fail("h1-leaf0", { at = "5us", duration = "9us" })
      sim:fail("leaf0-spine0", { at = "7us", detect = "2us" })
      sim:degrade("h3-leaf0", { at = "6us", factor = 0.5 })
      return how(sim):stats()
    end
    local whole = run(function(sim) sim:run() return sim end)
    local forked = run(function(sim)
      sim:run { stop_at = "8us" }
      sim = sim:fork()
      while sim:run { events = 1 } == "budget" do sim.core:check() end
      return sim
    end)
    for _, key in ipairs { "fingerprint", "events", "now_ps", "payload_delivered" } do
      assert.equal(whole[key], forked[key])
    end
    assert.equal(0, whole.flows_failed)
  end)

  it("has bytes on ports that are the rates over time", function()
    local sim = simulation { compat = "flowsim", header = 0 }
    for i = 0, 2 do sim:add_flow { src = i, dst = 4, size = "1MB" } end
    sim:sample { period = "1us", flows = { 0 }, ports = { sim:port("leaf1", "h4") } }
    sim:run { stop_at = "60us" }
    for _, bytes in ipairs(sim:series("port_bytes", sim:port("leaf1", "h4")).value) do
      assert.is_true(math.abs(bytes - 12500) <= 3)
    end
    sim:run()
    assert.equal(240000000, sim:now_ps())
  end)

  it("says which options it does not read, and that it works with one thread", function()
    local said = table.concat(support.notices(function()
      local sim = simulation { threads = 4, cc = "dctcp", pfc = false, window = "30kB" }
      sim:add_flow { src = 0, dst = 1, size = 1000 }
      sim:run()
      simulation { window = "30kB", fluid_cap = "window", max_rate = "50Gbps" }
      simulation { engine = "packet", fluid_acks = true }
      local packets = simulation { engine = "packet", merge_steps = 100 }
      packets:add_job(workload.allreduce { size = "80kB" })
      packets:run()
      assert.equal(8 * 14, packets:stats().flows_done)
    end), "\n")
    assert.matches("options cc, pfc have no effect with engine = 'fluid'", said, 1, true)
    assert.matches("option 'window' has no effect with fluid_cap = 'none'", said, 1, true)
    assert.matches("option 'fluid_acks' has no effect with engine = 'packet'", said, 1, true)
    assert.matches("option 'merge_steps' has no effect with engine = 'packet'", said, 1, true)
    assert.matches("threads = 4 had no effect: the engine works with one", said, 1, true)
    assert.is_nil(said:find("max_rate", 1, true))
  end)
end)
