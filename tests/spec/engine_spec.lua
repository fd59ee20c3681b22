-- Engines: the same script with another one, what each can, and what is said of what it cannot.
local weft = require "weft"
local support = require "support"

local topology, workload = weft.topology, weft.workload

local function pods()
  return topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2, rate = "100Gbps" }
end

local function simulation(engine, options)
  local given = { topology = pods(), engine = engine }
  for key, value in pairs(options or {}) do given[key] = value end -- order-free: a copy
  return weft.simulation(given)
end

local function message_of(f)
  local good, err = pcall(f)
  assert.is_false(good)
  return tostring(err)
end

describe("an engine", function()
  it("is an option of the core, and its name is checked", function()
    assert.equal("packet", simulation():report().engine)
    assert.equal("ideal", simulation("ideal").core:config().engine)
    assert.matches("did you mean 'ideal'", message_of(function() simulation("idael") end), 1, true)
  end)

  it("refuses what it cannot do, with its name and one that can", function()
    assert.matches("option memoize: engine 'ideal' has no memoize; expected engine = 'packet'",
      message_of(function() simulation("ideal", { memoize = true }) end), 1, true)
    assert.matches("option compat: engine 'ideal' has no compat; expected engine = 'packet'",
      message_of(function() simulation("ideal", { compat = "ns3" }) end), 1, true)
    local sim = simulation "ideal"
    for _, f in ipairs {
      function() sim:trace_acks() end,
      function() sim:partitions() end,
      function() sim:acks() end,
      function() sim:spans() end,
      function() sim:storm("h0", { at = "1us", duration = "1us" }) end,
      function() sim:degrade("h0-leaf0", { loss = 0.1 }) end,
      function() sim:degrade("h0-leaf0", { jitter = "1us" }) end,
      function() sim:sample { period = "1us", queues = { 0 } } end,
    } do
      assert.matches("engine 'ideal' has no .*; expected engine = 'packet'$", message_of(f))
    end
    sim:sample { period = "1us", ports = { 0 } } -- nothing half-done has stayed
  end)

  it("has only the columns of what it has", function()
    local sim = simulation "ideal"
    sim:add_flow { src = 0, dst = 4, size = "10kB" }
    sim:run()
    assert.equal("table of ports: engine 'ideal' has no column 'queue_bytes'; "
      .. "expected engine = 'packet'",
      message_of(function() sim:ports():column "queue_bytes" end):match "table of.*")
    assert.matches("has no column 'retransmits'",
      message_of(function() return sim:flow(0).retransmits end))
    assert.matches("no column 'quues'", message_of(function() sim:ports():column "quues" end))
    for _, column in ipairs(sim:flows():describe()) do assert.not_equal("acked_ps", column.name) end
    assert.equal(10480, sim:ports():row(1).tx_bytes)
  end)
end)

-- What goes on in several ways; each with its simulation.
local WORK = {
  incast = function(sim)
    for i = 1, 7 do sim:add_flow { src = i, dst = 0, size = "90kB", start = i * 1e-6 } end
  end,
  permutation = function(sim)
    for i = 0, 7 do sim:add_flow { src = i, dst = (i + 3) % 8, size = 1000 + 70001 * i } end
  end,
  collective = function(sim)
    sim:add_job(workload.allreduce { size = "400kB", chunk = "20kB" })
  end,
  jobs = function(sim)
    sim:add_job(workload.all_to_all { size = "160kB" })
    sim:add_job(workload.allreduce { size = "80kB", algorithm = "halving_doubling", start = "3us" })
  end,
}

describe("ideal", function()
  for name, add in weft.util.sorted_pairs(WORK) do
    it("is a bound of what packets do: " .. name, function()
      local ends = {}
      for _, engine in ipairs { "packet", "ideal" } do
        local sim = simulation(engine, { ecmp = "pair" })
        add(sim)
        assert.equal("done", sim:run())
        local flows = sim:flows()
        ends[engine] = sim:now_ps()
        for i, fct in ipairs(flows:column "fct_ps") do
          local ideal = flows:column("ideal_ps")[i]
          if engine == "ideal" then assert.equal(ideal, fct) else assert.is_true(fct >= ideal) end
        end
      end
      assert.is_true(ends.ideal <= ends.packet)
    end)
  end

  it("is what a flow takes alone, with a window that keeps its link busy", function()
    for _, size in ipairs { "1B", "1000B", "1001B", "350kB" } do
      local found = {}
      for _, engine in ipairs { "packet", "ideal" } do
        local sim = simulation(engine, engine == "packet" and { cc = "window" } or {})
        sim:add_flow { src = 1, dst = 6, size = size }
        sim:run()
        found[#found + 1] = sim:flow(0).fct_ps
      end
      assert.equal(found[1], found[2])
    end
  end)

  it("takes training models, closed loops and several jobs", function()
    local sim = weft.simulation { engine = "ideal", ecmp = "pair",
      topology = topology.rail_optimized { servers = 2, gpus_per_server = 4, spines = 1 } }
    local job = sim:add_job(workload.gpt { model = "7B", layers = 1, tp = 2, dp = 4,
      iterations = 2, scale_bytes = 1e-3, scale_compute = 1e-3 })
    local other = sim:add_job(workload.all_to_all { size = "80kB", keep_flows = false })
    assert.equal("done", sim:run())
    assert.is_true(job:result().complete)
    assert.is_true(other:result().complete)
    assert.matches("engine 'ideal' has none", tostring(sim:report()))
  end)

  it("loses nothing to other jobs", function()
    local sim = simulation("ideal", { ecmp = "pair" })
    sim:add_job(workload.all_to_all { size = "80kB" })
    sim:add_job(workload.allreduce { size = "80kB" })
    sim:run()
    local report = sim:job_report()
    for _, job in ipairs(report.jobs) do assert.equal(1, job.slowdown) end
    assert.matches("no flow gave way to another job", tostring(report))
    assert.is_nil(tostring(report):find "retransmits")
    assert.equal(0, report.unowned_bytes)
  end)

  it("goes on from a fork, in parts and with events counted as in one run", function()
    local function run(how)
      local sim = simulation("ideal", { give_up_after = "1ms" })
      WORK.permutation(sim)
      sim:fail("h1-leaf0", { at = "5us", duration = "9us" })
      sim:fail("leaf0-spine0", { at = "7us", detect = "2us" })
      sim:degrade("h3-leaf0", { at = "6us", factor = 0.5 })
      return how(sim):stats()
    end
    local whole = run(function(sim) sim:run() return sim end)
    local forked = run(function(sim)
      sim:run { stop_at = "8us" }
      sim = sim:fork()
      while sim:run { events = 1 } == "budget" do end
      return sim
    end)
    assert.equal(8, whole.flows_done)
    for _, key in ipairs { "fingerprint", "events", "now_ps", "payload_delivered" } do
      assert.equal(whole[key], forked[key])
    end
  end)

  it("delivers evenly, and all that leaves a host arrives", function()
    local sim = simulation "ideal"
    sim:add_flow { src = 0, dst = 5, size = "1MB" }
    local ideal_ps = sim.core:ideal_fct(0, 5, 1000000)
    sim:sample { period = "1us", flows = { 0 }, ports = { sim:port("h0", "leaf0") } }
    sim:run { stop_at = 40e-6 }
    assert.equal(math.floor(1e6 * 40e6 / ideal_ps), sim:flow(0).delivered_bytes)
    sim:run()
    local bytes, sent = 0, 0
    for _, value in ipairs(sim:series("flow_bytes", 0).value) do bytes = bytes + value end
    for _, value in ipairs(sim:series("port_bytes", sim:port("h0", "leaf0")).value) do
      sent = sent + value
    end
    assert.equal(1000000, bytes)
    assert.equal(1048000, sent)
    sim.core:check()
  end)

  it("says which options it does not read, and that it works with one thread", function()
    local said = table.concat(support.notices(function()
      local sim = simulation("ideal", { threads = 4, cc = "dctcp", dctcp_g = 0.5, pfc = false,
        seed = 3 })
      sim:add_flow { src = 0, dst = 1, size = 1000 }
      sim:run()
    end), "\n")
    assert.matches("options cc, dctcp_g, pfc have no effect with engine = 'ideal'", said, 1, true)
    assert.matches("threads = 4 had no effect: the engine works with one", said, 1, true)
  end)
end)

describe("a resource", function()
  it("repairs links and nodes, whichever engine it is", function()
    for _, engine in ipairs { "ideal", "fluid", "fluid-cc" } do
      local sim = simulation(engine)
      local flow = sim:add_flow { src = 0, dst = 4, size = "1MB" }
      sim:fail("h0-leaf0", { at = "20us" })
      sim:repair("h0-leaf0", { at = "50us" })
      sim:run()
      local row = sim:flow(flow)
      assert.is_true(row.fct_ps > row.ideal_ps + 29e6, engine)
    end
  end)

  it("is held by a simulation and its forks", function()
    local sim = simulation()
    local index = sim.core:resource_add("table", "delays", "a\0b")
    local copy = sim:fork()
    sim.core:close()
    assert.same({ kind = "table", name = "delays", bytes = "a\0b" }, copy.core:resource(index))
    assert.is_nil(copy.core:resource(index + 1))
  end)
end)
