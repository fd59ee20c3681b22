local support = require "support"
local weft = require "weft"

local function star(options)
  local given = { topology = weft.topology.star { hosts = 4 } }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given) -- no tail call: errors name this line
  return sim
end

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
  return text
end

describe("weft", function()
  it("has a version", function()
    assert.truthy(weft.version:find("^%d+%.%d+%.%d+$"))
  end)

  it("names the part that was meant", function()
    fails("weft has no 'topolgy'; did you mean 'topology'?", function() return weft.topolgy end)
  end)
end)

describe("a simulation", function()
  it("runs one flow in its ideal time", function()
    local sim = star { cc = "window" }
    assert.equal(0, sim:add_flow { src = "h0", dst = "h3", size = "10MB" })
    assert.equal("done", sim:run())
    local row = sim:flows():row(1)
    assert.equal(row.ideal_ps, row.fct_ps)
    assert.equal(1, row.slowdown)
  end)

  it("takes every engine option by name, with units", function()
    local sim = star { cc = "dctcp", buffer = "1MiB", rto = "2ms", pfc = false, buffer_alpha = 0.5,
      seed = 7, min_rate = "1Gbps" }
    local config = sim.core:config()
    assert.same({ "dctcp", 2 ^ 20, 2e9, false, 0.5, 7, 1e9 }, {
      config.cc, config.buffer, config.rto, config.pfc, config.buffer_alpha, config.seed,
      config.min_rate,
    })
  end)

  it("refuses options that contradict each other", function()
    fails("ecn_kmin = 1000000", star, { ecn_kmin = "1MB" })
  end)

  it("shows limits in few digits", function()
    fails("option 'factor': expected 1e-06 to 1000, got 0", function()
      star():degrade(0, { factor = 0 })
    end)
  end)

  it("lets `set` win over named options", function()
    assert.equal("dctcp", star { cc = "hpcc", set = { cc = "dctcp" } }.core:config().cc)
  end)

  it("refuses what it does not know, at the script's line", function()
    local text = fails("simulation: unknown option 'buffr'; did you mean 'buffer'?", function()
      local sim = star { buffr = 1 }
      return sim
    end)
    assert.truthy(text:find("simulation_spec.lua:%d+: "), text)
    fails("did you mean 'dctcp'?", star, { cc = "dctpc" })
    fails("option 'topology': expected a fabric, got 3", weft.simulation, { topology = 3 })
    fails("option 'topology' is missing", weft.simulation, {})
    fails("option 'buffer'", star, { buffer = "1ns" })
    fails("expected one of: packet", star, { engine = "flow" })
  end)

  it("refuses wrong flows", function()
    local sim = star()
    local function add(flow) return function() sim:add_flow(flow) end end
    fails("did you mean 'h2'?", add { src = "h22", dst = "h1", size = 1 })
    fails("expected a host, got switch 'switch0'", add { src = "h0", dst = "switch0", size = 1 })
    fails("option 'size' is missing", add { src = "h0", dst = "h1" })
    fails("unknown option 'sise'; did you mean 'size'?", add { src = "h0", dst = "h1", sise = 1 })
    fails("expected different hosts, got 'h0' twice", add { src = "h0", dst = "h0", size = 1 })
    fails("option 'size'", add { src = "h0", dst = "h1", size = 0 })
    assert.equal(0, #sim:flows())
  end)

  it("names hosts that cannot reach each other", function()
    local net = weft.fabric.new "islands"
    for _, name in ipairs { "a", "b", "c", "d" } do net:add_node(name, "host") end
    net:add_link("a", "b", "1Gbps", 0)
    net:add_link("c", "d", "1Gbps", 0)
    local sim = weft.simulation { topology = net }
    fails("no path from 'a' to 'c'", function() sim:add_flow { src = "a", dst = "c", size = 1 } end)
    fails("no path from 'b' to 'c'", function()
      sim:add_job(weft.workload.allreduce { size = "1MB" })
    end)
    fails("no path from 'a' to 'd': no chain of links joins them", function()
      sim:add_job(weft.workload.all_to_all { size = "1MB" })
    end)
    assert.equal(0, sim:stats().tasks_added)
  end)

  it("stops at a time and goes on", function()
    local function finish(pauses)
      local sim = star()
      for i = 0, 2 do sim:add_flow { src = i, dst = 3, size = "1MB" } end
      for _, pause in ipairs(pauses) do
        assert.equal("until", sim:run { stop_at = pause })
        assert.is_true(sim:now_ps() <= weft.units.time_ps(pause))
      end
      assert.equal("done", sim:run())
      return sim:stats().fingerprint
    end
    assert.equal(finish {}, finish { "10us", "11us", 50e-6 })
  end)

  it("stops after a number of events and goes on", function()
    local function finish(step)
      local sim, runs = star(), 0
      sim:add_flow { src = 0, dst = 1, size = "1MB" }
      while sim:run { events = step } == "budget" do runs = runs + 1 end
      return sim:stats().fingerprint, runs
    end
    local whole = finish(1e9)
    local stepped, runs = finish(777)
    assert.equal(whole, stepped)
    assert.is_true(runs > 2)
  end)

  it("can be forked: the copy starts the same and goes its own way", function()
    local sim = star()
    local job = sim:add_job(weft.workload.all_to_all { size = "4MB" })
    sim:run { stop_at = "50us" }
    local same, other = sim:fork(), sim:fork()
    other:degrade(0, { factor = 0.1 })
    for _, one in ipairs { sim, same, other } do one:run() end
    assert.equal(sim:stats().fingerprint, same:stats().fingerprint)
    assert.not_equal(sim:stats().fingerprint, other:stats().fingerprint)
    assert.equal(job:time_ps(), same.jobs[1]:time_ps())
    assert.is_true(other.jobs[1]:time_ps() > 2 * job:time_ps())
  end)

  it("changes links at their times", function()
    local function time(change)
      local sim = star { cc = "window" }
      sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
      if change then change(sim, sim.fabric:link("h0", "switch0")) end
      sim:run()
      return sim:flows():column("fct_ps")[1]
    end
    local whole = time()
    local slow = time(function(sim, link) sim:degrade(link, { factor = 1 / 4 }) end)
    local back = time(function(sim, link)
      sim:degrade(link, { factor = 1 / 4, direction = "b_to_a" })
    end)
    local part = time(function(sim, link)
      sim:degrade(link, { factor = 1 / 4, at = "100us" })
      sim:repair(link, { at = "200us" })
    end)
    assert.is_true(slow > 3.9 * whole and slow < 4.1 * whole)
    assert.is_true(back < 1.1 * whole)
    assert.is_true(part - whole > 70e6 and part - whole < 80e6) -- 3/4 of 100 us
  end)

  it("recovers when a failed link is repaired", function()
    local sim = star()
    sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
    sim:fail(0, { at = "100us" })
    sim:repair(0, { at = "3ms" })
    assert.equal("done", sim:run())
    assert.equal(1, sim:stats().flows_done)
    assert.is_true(sim:stats().packets_dropped > 0)
    assert.is_true(sim:flows():column("fct_ps")[1] > 3e9)
  end)

  it("ends a run though a link stays down, and names the flows that got stuck", function()
    for _, recovery in ipairs { "none", "go_back_n", "selective" } do
      local sim = star { recovery = recovery }
      sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
      sim:add_flow { src = "h2", dst = "h0", size = "1kB", start = "200us" }
      sim:add_flow { src = "h1", dst = "h2", size = "1kB" }
      sim:fail(0, { at = "100us" })
      assert.equal("done", sim:run())
      local first, second = sim:unfinished()[1], sim:unfinished()[2]
      assert.equal(2, #sim:unfinished())
      local none = recovery == "none"
      assert.equal(none and 1 or 0, sim:stats().flows_failed)
      assert.same({ 0, "h0", "h1", none and "failed" or "active" }, { first.flow,
        first.src_name, first.dst_name, first.state })
      assert.is_true(first.delivered_bytes > 0 and first.delivered_bytes < 2e6)
      local forever = "waits for ever, nothing more will happen; h0 to switch0 is down"
      local lost = "a packet was lost, and nothing is sent again; h0 to switch0 is down"
      assert.equal(none and lost or forever, first.why)
      assert.equal(forever, second.why)
    end
  end)

  it("tells flows that are under way from those that wait for ever", function()
    local sim = star { rto = 0 }
    sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
    sim:degrade(0, { at = "100us", factor = 1, loss = 1 })
    sim:run { stop_at = "50us" }
    assert.same({ "under way", false }, { sim:unfinished()[1].why, sim:unfinished()[1].stuck })
    assert.equal("done", sim:run())
    assert.same({ "active", true }, { sim:unfinished()[1].state, sim:unfinished()[1].stuck })
    assert.truthy(sim:unfinished()[1].why:find("waits for ever", 1, true))
  end)

  it("refuses wrong changes", function()
    local sim = star()
    fails("expected one of 'factor', 'factors', 'loss'", function() sim:degrade(0, {}) end)
    fails("option 'factor'", function() sim:degrade(0, { factor = 0 }) end)
    fails("unknown option 'facter'", function() sim:degrade(0, { facter = 1 }) end)
    fails("expected a link of star", function() sim:degrade(99, { factor = 1 }) end)
    fails("expected one of: both, a_to_b, b_to_a", function()
      sim:fail(0, { direction = "up" })
    end)
  end)

  it("samples ports, queues and flows", function()
    local sim = star { cc = "window" }
    local flow = sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
    local port = sim:port("h0", "switch0")
    sim:sample {
      period = "1us", capacity = 64, ports = { port }, queues = { port }, flows = { flow },
    }
    sim:run()
    local sum = 0
    local bytes = sim:series("port_bytes", port)
    for i = 1, bytes.count do sum = sum + bytes.value[i] end
    assert.is_true(bytes.count <= 64 and bytes.period_ps >= 1e6)
    assert.is_true(sum > 0 and sum <= sim:ports():column("tx_bytes")[port + 1])
    assert.is_true(sim:series("flow_bytes", flow).count > 0)
    fails("is not sampled", function() sim:series("port_bytes", 999) end)
    fails("unknown option 'flow'", function() sim:sample { period = 1, flow = {} } end)
  end)
end)
