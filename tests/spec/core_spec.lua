-- The binding: weft.core mirrors weft.h, checks what it is given and frees what it owns.
local core = require "weft.core"

--- A star: hosts 0 to n - 1 around a switch, fabric closed.
local function star(n, options)
  local sim = core.new(options)
  for _ = 1, n do sim:node_add("host") end
  local switch = sim:node_add("switch")
  for host = 0, n - 1 do
    sim:link_add { a = host, b = switch, rate_bps = 100e9, delay_ps = 1000000 }
  end
  sim:fabric_ready()
  return sim
end

local function assert_fails(fragment, call, ...)
  local arguments, count = { ... }, select("#", ...)
  local unpack = table.unpack or unpack
  assert.error_matches(function() call(unpack(arguments, 1, count)) end, fragment, 1, true)
end

describe("weft.core", function()
  it("has a version of three numbers", function()
    assert.matches("^%d+%.%d+%.%d+$", core.version())
  end)

  it("parses quantities to stored units", function()
    assert.equal(1500000, core.parse("1.5us", "time"))
    assert.equal(100e9, core.parse("100Gbps", "rate"))
    assert.equal(16 * 2 ^ 20, core.parse("16MiB", "bytes"))
  end)

  it("returns nil and a message for text that is no quantity", function()
    local value, message = core.parse("1 parsec", "time")
    assert.is_nil(value)
    assert.matches("parsec", message)
  end)

  it("lists every option with its default", function()
    for _, option in ipairs(core.options()) do
      assert.is_string(option.name)
      assert.is_string(option.brief)
      assert.not_nil(option.default)
    end
  end)

  it("reports the configuration that it was given", function()
    local sim = core.new { cc = "dctcp", rto = "2ms", pfc = false, buffer_alpha = 0.5, seed = 9 }
    local config = sim:config()
    assert.equal("dctcp", config.cc)
    assert.equal(2e9, config.rto)
    assert.is_false(config.pfc)
    assert.equal(0.5, config.buffer_alpha)
    assert.equal(9, config.seed)
  end)

  it("has every option's default in effect without options", function()
    local config = core.new():config()
    for _, option in ipairs(core.options()) do
      assert.equal(option.default, config[option.name], option.name)
    end
  end)

  it("accepts every option's default as a value", function()
    local options = {}
    for _, option in ipairs(core.options()) do options[option.name] = option.default end
    core.new(options):close()
  end)
end)

describe("a wrong argument", function()
  local sim
  before_each(function() sim = star(3) end)
  after_each(function() sim:close() end)

  it("names the nearest option", function()
    assert_fails("unknown option 'rtoo'; did you mean 'rto'?", core.new, { rtoo = 1 })
  end)

  it("names the nearest field", function()
    assert_fails("unknown field 'sise_bytes'; did you mean 'size_bytes'?", sim.flow_add, sim,
      { sise_bytes = 1 })
  end)

  it("names the choices and the nearest", function()
    assert_fails("argument `cc`: expected one of ", core.new, { cc = "hpc" })
    assert_fails("did you mean 'hpcc'?", core.new, { cc = "hpc" })
    assert_fails("did you mean 'flows'?", sim.column, sim, "flow", 0)
    assert_fails("unknown column 'fct'; did you mean 'fct_ps'?", sim.column, sim, "flows", "fct")
  end)

  it("is told with its range", function()
    assert_fails("argument `size_bytes`: expected integer >= 1, got -5", sim.flow_add, sim,
      { src = 0, dst = 1, size_bytes = -5 })
    assert_fails("argument `src`: expected integer 0 to 4294967295, got 0.5", sim.flow_add, sim,
      { src = 0.5 })
    assert_fails("argument `node`: expected integer 0 to 4294967295, got -1", sim.node_kind, sim,
      -1)
    assert_fails("argument `ecn_pmax`: expected number 0 to 1, got 2", core.new, { ecn_pmax = 2 })
  end)

  it("may not be a number in disguise", function()
    assert_fails("got nan", core.new, { mtu = 0 / 0 })
    assert_fails("got nan", core.new, { buffer_alpha = 0 / 0 })
    assert_fails("got inf", core.new, { mtu = math.huge })
    assert_fails("got '5'", sim.node_kind, sim, "5")
    assert_fails("got no value", sim.node_kind, sim)
    assert_fails("expected boolean, got 1", core.new, { pfc = 1 })
  end)

  it("carries the engine's status and message", function()
    assert_fails("WEFT_EINVAL: ", sim.flow_add, sim, { src = 0, dst = 99, size_bytes = 1 })
    assert_fails("WEFT_ESTATE: ", sim.node_add, sim, "host")
  end)

  it("is reported at the caller's line", function()
    local _, message = pcall(function() sim:node_kind(99) end)
    assert.matches("core_spec%.lua:%d+: WEFT_EINVAL", message)
  end)

  it("changes nothing", function()
    pcall(sim.flow_add, sim, { src = 0, dst = 99, size_bytes = 1 })
    assert.equal(0, sim:stats().flows_added)
  end)
end)

describe("a closed sim", function()
  it("refuses every method but close", function()
    local sim = star(2)
    sim:close()
    for name, method in pairs(core._sim.__index) do -- order-free: all are tried
      if name ~= "close" then assert_fails("closed sim", method, sim) end
    end
    sim:close()
    assert.equal("weft.core sim (closed)", tostring(sim))
  end)

  it("is only ever a sim", function()
    assert.has_error(function() core._sim.__index.stats(io.stdout) end)
    assert.has_error(function() core._sim.__index.stats({}) end)
    assert.has_error(function() core._sim.__index.close(nil) end)
  end)
end)

describe("a sim", function()
  it("runs flows to completion", function()
    local sim = star(4)
    for src = 0, 2 do sim:flow_add { src = src, dst = 3, size_bytes = 100000, tag = src } end
    assert.equal("done", sim:run())
    local stats = sim:stats()
    assert.equal(3, stats.flows_done)
    assert.matches("^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x$", stats.fingerprint)
    assert.is_true(sim:check())
    assert.same({ 0, 1, 2 }, sim:column("flows", "tag"))
  end)

  it("stops at a time or after a number of events", function()
    local sim = star(2)
    sim:flow_add { src = 0, dst = 1, size_bytes = 1000000 }
    assert.equal("until", sim:run(1000000))
    assert.equal("budget", sim:run(-1, 10))
    assert.equal("done", sim:run())
  end)

  it("forks into one that continues alike and alone", function()
    local sim = star(3)
    sim:flow_add { src = 0, dst = 2, size_bytes = 50000 }
    sim:run(3000000)
    local copy = sim:fork()
    sim:run()
    assert.equal(0, copy:stats().flows_done)
    copy:run()
    assert.equal(sim:stats().fingerprint, copy:stats().fingerprint)
    sim:close()
    assert.equal(1, copy:stats().flows_done)
  end)

  it("describes nodes, ports and paths", function()
    local sim = star(3)
    assert.equal(4, sim:node_count())
    assert.equal(3, sim:link_count())
    assert.equal("switch", sim:node_kind(3))
    assert.same({ 0, 3 }, sim:path(0, 1, 7))
    local port = sim:port_info(3)
    assert.same({ 1, 3, 1, 1, 100e9 }, { port.link, port.from, port.to, port.up, port.rate_bps })
  end)

  it("takes an ideal flow's time on an idle path", function()
    local sim = star(2, { cc = "window" }) -- without telemetry, which ideal times do not count
    sim:flow_add { src = 0, dst = 1, size_bytes = 12345 }
    sim:run()
    assert.equal(sim:ideal_fct(0, 1, 12345), sim:column("flows", "fct_ps")[1])
  end)

  it("changes links at a time", function()
    local sim = star(2)
    sim:link_schedule { at_ps = 1000, link = 0, direction = "both", factor = 0.25, loss = -1 }
    sim:run()
    assert.equal(25e9, sim:port_info(0).rate_bps)
    assert.equal(100e9, sim:port_info(0).built_rate_bps)
  end)

  it("leaves what a change does not name as it was", function()
    local sim = star(2)
    sim:link_schedule { link = 0, loss = 0.25 }
    sim:link_impair { link = 0, delay_ps = 7000, enter = 0.5, leave = 0.5, loss_bad = 1 }
    sim:run(10)
    sim:link_schedule { link = 0, factor = 0.5, at_ps = 20 }
    sim:link_impair { link = 0, enter = 0, at_ps = 20 }
    sim:run(30)
    local port = sim:port_info(0)
    assert.same({ 50e9, 0.25, 7000, 0 }, { port.rate_bps, port.loss, port.added_delay_ps,
      port.burst_loss })
    sim:link_impair { link = 0, jitter_ps = 500, at_ps = 40 } -- a jitter alone has no delay
    sim:run(50)
    assert.same({ 0, 500 }, { sim:port_info(0).added_delay_ps, sim:port_info(0).jitter_ps })
  end)

  it("refuses changes that change nothing", function()
    local sim = star(2)
    assert.error_matches(function() sim:link_schedule { link = 0 } end, "factor or loss", 1, true)
    assert.error_matches(function() sim:link_impair { link = 0 } end, "delay_ps or enter", 1, true)
  end)

  it("runs tasks in the order of their dependencies", function()
    local sim = star(2)
    local first = sim:task_add { kind = "compute", duration_ps = 5000 }
    local second = sim:task_add { kind = "send", src = 0, dst = 1, size_bytes = 10 }
    sim:task_after(second, first)
    sim:run()
    assert.equal(5000, sim:column("tasks", "begin_ps")[2])
  end)

  it("checks the ports of a task's flow", function()
    local sim = star(2)
    local task = { kind = "send", src = 0, dst = 1, size_bytes = 10, sport = 65536 }
    assert_fails("flow sport, dport: expected at most 65535, got 65536, 0", sim.task_add, sim, task)
    task.sport, task.dport = 65535, 20000
    sim:task_add(task)
    sim:run()
    assert.equal(1, sim:stats().flows_done)
  end)

  it("lowers collectives to tasks, in order", function()
    local sim = star(3)
    local ring = sim:collective_add {
      kind = "allreduce", ranks = { 0, 1, 2 }, size_bytes = 3000,
    }
    local all = sim:collective_add {
      kind = "all_to_all", ranks = { 2, 1, 0 }, size_bytes = 3000, after = ring + 1,
    }
    sim:run()
    local done = sim:column("tasks", "end_ps")
    assert.is_true(done[all + 1] > done[ring + 1])
    assert_fails("argument `ranks`: expected array of hosts, got nil", sim.collective_add, sim,
      { kind = "all_to_all", size_bytes = 1 })
  end)

  it("samples what is watched", function()
    local sim = star(2)
    sim:sample(1000000, 64)
    local watch = sim:watch("port_bytes", 0)
    sim:flow_add { src = 0, dst = 1, size_bytes = 1000000 }
    sim:run()
    local series = sim:series(watch)
    assert.equal(series.count, #series.value)
    local sum = 0
    for _, bytes in ipairs(series.value) do sum = sum + bytes end
    -- The period in which the run ended may not be over.
    assert.is_true(sum > 0 and sum <= sim:column("ports", "tx_bytes")[1])
  end)

  it("says what it is", function()
    assert.matches("4 nodes, 3 links, 0 flows, now 0 ps", tostring(star(3)), 1, true)
  end)

  it("is collected whenever the collector likes", function()
    for _ = 1, 50 do star(4):fork() end
    collectgarbage()
    collectgarbage()
  end)
end)
