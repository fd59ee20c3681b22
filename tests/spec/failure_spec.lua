local support = require "support"
local weft = require "weft"

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

local function star(options)
  local given = { topology = weft.topology.star { hosts = 4 }, cc = "window" }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given) -- no tail call: errors name this line
  return sim
end

local function leaf_spine(options)
  local given = {
    topology = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 },
    cc = "dcqcn", rto = "200us",
  }
  for key, value in pairs(options or {}) do given[key] = value end
  return weft.simulation(given)
end

-- Time that a flow of 10 MB at 100 Gbit/s loses to what `break_it` does, in us.
local function lost_us(break_it)
  local function time(change)
    local sim = star { window = "100MB" }
    sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
    if change then change(sim) end
    assert.equal("done", sim:run())
    return sim:flows():column("fct_ps")[1]
  end
  return (time(break_it) - time()) / 1e6
end

local function near(wanted, got)
  assert.is_true(math.abs(got - wanted) < 0.02 * wanted + 0.5, ("%g, %g"):format(wanted, got))
end

describe("a degraded link", function()
  local function losing(options)
    return lost_us(function(sim) sim:degrade("h0-switch0", options) end)
  end

  it("is as built again after its duration", function()
    near(75, losing { at = "100us", factor = 1 / 4, duration = "100us" })
  end)

  it("may go down in steps, gradually, or flap", function()
    near(125, losing { at = "9us", factors = { 0.5, 0.25 }, every = "100us", duration = "200us" })
    near(92, losing { factor = 0.2, over = "160us", duration = "200us" })
    near(100, losing { factor = 0.5, period = "50us", duty = 0.4, duration = "500us" })
  end)

  it("may be late, and late at random", function()
    near(7, losing { delay = "7us", direction = "a_to_b" })
    local late = losing { jitter = "7us", direction = "a_to_b" }
    assert.is_true(late > 6 and late <= 7)
  end)

  it("may lose packets in bursts, by means or by Gilbert's and Elliott's parameters", function()
    local function info(burst)
      local sim = star()
      sim:degrade(0, { burst = burst })
      sim:run { stop_at = 0 }
      return sim.core:port_info(0).burst_loss
    end
    near(1000, 1e5 * info { loss = 0.01, length = 8 })
    near(1000, 1e5 * info { p = 0.01, r = 0.99 })
    near(350, 1e3 * info { p = 0.5, r = 0.5, h = 0.4, k = 0.9 })
  end)

  it("is named in every way that names a link", function()
    local function finish(target)
      local sim = star()
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      sim:degrade(target(sim.fabric), { factor = 0.5 })
      sim:run()
      return sim:stats().fingerprint
    end
    local wanted = finish(function() return 1 end)
    assert.equal(wanted, finish(function(fabric) return fabric:link(1) end))
    assert.equal(wanted, finish(function() return "h1-switch0" end))
    assert.equal(wanted, finish(function() return "switch0-h1" end))
    assert.equal(wanted, finish(function() return { "h1", "switch0" } end))
    assert.equal(wanted, finish(function() return "h1" end))
    assert.equal(wanted, finish(function(fabric) return fabric:node("h1") end))
    assert.not_equal(wanted, finish(function() return 0 end))
  end)

  it("is one of parallel links by its number, though names have dashes", function()
    local net = weft.fabric.new("dashes")
    net:add_node("a-1", "host")
    net:add_node("s-1", "switch")
    net:add_node("b", "host")
    net:add_link("a-1", "s-1", "100Gbps", 0)
    net:add_link("a-1", "s-1", "100Gbps", 0)
    net:add_link("b", "s-1", "100Gbps", 0)
    local sim = weft.simulation { topology = net }
    sim:fail("a-1-s-1#2")
    sim:run { stop_at = 0 }
    assert.same({ 1, 0 }, { sim.core:port_info(0).up, sim.core:port_info(2).up })
    fails("did you mean 'a-1-s-1#2'", function() sim:fail("a-1-s-1#3") end)
  end)
end)

describe("a switch that fails", function()
  it("takes its links with it, and is named where it hurts", function()
    local sim = leaf_spine()
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
    sim:fail("leaf1", { at = "50us" })
    assert.equal("done", sim:run())
    local stuck = sim:unfinished()
    assert.equal(4, #stuck)
    for _, flow in ipairs(stuck) do
      assert.equal("waits for ever, nothing more will happen; leaf1 is down", flow.why)
    end
    assert.same({ { at_ps = 50e6, kind = "fail", target = "leaf1", detail = "" } }, sim:failures())
  end)

  it("hurts less the sooner it is noticed", function()
    local function finish(detect)
      local sim = leaf_spine()
      for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
      sim:fail("spine0", { at = "50us", detect = detect })
      assert.equal("done", sim:run())
      assert.equal(4, sim:stats().flows_done)
      return sim:stats().packets_dropped, sim:now_ps()
    end
    local drops, time = finish(0)
    local more_drops, more_time = finish("1ms")
    assert.is_true(more_drops > drops and more_time > time)
  end)

  it("comes back", function()
    local sim = leaf_spine()
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
    sim:fail("leaf1", { at = "50us", duration = "300us" })
    sim:fail("leaf0", { at = "400us" })
    sim:repair("leaf0", { at = "500us" })
    sim:run()
    assert.equal(4, sim:stats().flows_done)
  end)
end)

describe("a PFC storm", function()
  it("is told from the pauses that it causes elsewhere", function()
    local sim = leaf_spine {
      topology = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 1 },
      buffer = "1500kB", cc = "window",
    }
    for i = 0, 3 do sim:add_flow { src = i, dst = "h5", size = "2MB" } end
    sim:add_flow { src = "h0", dst = "h6", size = "2MB" }
    sim:storm("h5", { at = "20us" })
    assert.equal("done", sim:run())
    local last = sim:unfinished()[5]
    assert.equal("h6", last.dst_name)
    assert.truthy(last.why:find("^waits for ever, nothing more will happen; "), last.why)
    assert.truthy(last.why:find("spine0 to leaf1 .*paused since [%d.]+ us by a PFC storm of h5"),
      last.why)
  end)

  it("may be periodic, towards one neighbour, and end", function()
    local function paused(options)
      local sim = leaf_spine()
      for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
      options.at = "20us"
      sim:storm("leaf1", options)
      assert.equal("done", sim:run())
      assert.equal(4, sim:stats().flows_done)
      local ports = 0
      for _, time in ipairs(sim:ports():column "paused_ps") do
        ports = ports + (time > 0 and 1 or 0)
      end
      return ports
    end
    assert.is_true(paused { duration = "90us" } >= 6)
    assert.equal(1, paused { duration = "90us", towards = "h7", period = "9us", pause = "4us" })
  end)

  it("leaves NVLink alone", function()
    local fabric = weft.topology.rail_optimized { servers = 2, gpus_per_server = 4, spines = 1 }
    local sim = weft.simulation { topology = fabric }
    sim:storm("gpu1", { at = 0 })
    sim:run { stop_at = 0 }
    for port = 0, 2 * #fabric.links - 1 do
      local info = sim.core:port_info(port)
      local to_gpu1 = fabric.nodes[info.to + 1].name == "gpu1"
      local from_switch = fabric.nodes[info.from + 1].kind == "switch"
      assert.equal(to_gpu1 and from_switch and 1 or 0, info.storms)
    end
  end)
end)

describe("a circle of pauses", function()
  -- Every flow takes two links round the ring; they wait for one another once all buffers are full.
  it("is named as the deadlock that it is, and ends the run", function()
    local net = weft.fabric.new("ring")
    for i = 0, 4 do
      net:add_node("h" .. i, "host")
      net:add_node("s" .. i, "switch")
      net:add_link("h" .. i, "s" .. i, "100Gbps", "1us")
    end
    for i = 0, 4 do net:add_link("s" .. i, "s" .. (i + 1) % 5, "100Gbps", "1us") end
    for n, rto in ipairs { 0, "200us", "rfc6298", "adaptive", "adaptive" } do
      local patience = n == 5 and "2ms" or 0
      local wanted = n == 5 and "gave up after 2 ms without progress; "
        or "waits for ever, nothing more will happen; "
      local sim = weft.simulation {
        topology = net, cc = "window", window = "2MB", buffer = "400kB", rto = rto,
        give_up_after = patience,
      }
      for i = 0, 4 do
        sim:add_flow { src = "h" .. i, dst = "h" .. (i + 2) % 5, size = "5MB" }
      end
      assert.equal("done", sim:run())
      local stuck = sim:unfinished()
      assert.equal(5, #stuck)
      for i, flow in ipairs(stuck) do
        local phrase = ("s%d to s%d and 3 more are paused since "):format(i - 1, i % 5)
        assert.equal(1, flow.why:find(wanted .. phrase, 1, true), flow.why)
        assert.truthy(flow.why:find("us by a deadlock of pauses between s0, s1, s2, s3, s4$"))
      end
    end
  end)
end)

describe("a straggler", function()
  it("stretches what it begins to compute", function()
    local sim = star()
    sim:slow("h1", { factor = 3, at = "5us", duration = "10us" })
    for host = 0, 1 do
      for _, at in ipairs { 0, 10e6, 20e6 } do
        sim.core:task_add { kind = "compute", src = host, duration_ps = 4e6, start_ps = at }
      end
    end
    sim:run()
    assert.same({ 4e6, 14e6, 24e6, 4e6, 22e6, 24e6 }, sim:tasks():column "end_ps")
  end)
end)

describe("a timeline", function()
  local list = {
    { kind = "degrade", target = "h0-leaf0", at = "10us", factor = 0.25, duration = "1ms" },
    { kind = "degrade", target = "h1-leaf0", at = "20us", factors = { 0.5, 0.2 }, every = "50us" },
    { kind = "degrade", target = "leaf0-spine0", at = "20us", delay = "5us", jitter = 1e-6,
      direction = "b_to_a" },
    { kind = "degrade", target = "leaf1-spine1", at = 3e-5, burst = { loss = 0.01, length = 4 } },
    { kind = "fail", target = "spine1", at = "90us", detect = "20us", duration = "200us" },
    { kind = "storm", target = "h6", at = "30us", duration = "100us", period = "5us",
      pause = "2us" },
    { kind = "slow", target = "h2", at = 0, factor = 2 },
    { kind = "repair", target = "h1", at = "400us" },
  }

  local function finish(timeline)
    local sim = leaf_spine()
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
    assert.equal(#list, sim:inject(timeline))
    assert.equal("done", sim:run())
    assert.equal(4, sim:stats().flows_done)
    return sim:stats().fingerprint, sim:failures()
  end

  it("is the same from a table and from a file", function()
    local path = os.tmpname()
    weft.failure.write(path, list)
    local print_table, rows_table = finish(list)
    local print_file, rows_file = finish(path)
    assert.equal(print_table, print_file)
    assert.same(rows_table, rows_file)
    os.remove(path)
  end)

  it("is checked as a whole before anything is scheduled", function()
    local sim = leaf_spine()
    fails("inject: failure 2: option 'kind': got 'fial'; expected one of", function()
      sim:inject { { kind = "fail", target = 0 }, { kind = "fial", target = 0 } }
    end)
    fails("failure 1: option 'target' is missing", function() sim:inject { { kind = "fail" } } end)
    assert.equal(0, #sim:failures())
  end)

  it("has errors with the line of the file", function()
    local header = "at,kind,target,factor,duration,burst_loss,burst_length,towards,factors,every\n"
    for text, wanted in pairs {
      ["1us,degrade,h0-leaf0,x,,,,,,"] = ":3: column 'factor': expected a number, got 'x'",
      ["1us,degrade,h0-leaf9,0.5,,,,,,"] = ":3: unknown node or link 'h0-leaf9'",
      ["1us,degrade,h0-leaf0,0,,,,,,"] = ":3: degrade: option 'factor': expected 1e-06 to 1000",
      ["1us,degrade,h0-leaf0,,,,,,,"] = ":3: degrade: expected one of 'factor'",
      ["1 lightyear,fail,h0-leaf0,,,,,,,"] = ":3: fail: option 'at'",
      ["1us,fail,h0-leaf0,0.5,,,,,,"] = ":3: fail: unknown option 'factor'",
      ["1us,fall,h0-leaf0,,,,,,,"] = ":3: timeline: option 'kind': got 'fall'",
      [",fail,h0-leaf0,,,,,,,"] = ":3: column 'at': expected a value, got none",
      ["1us,fail,,,,,,,,"] = ":3: column 'target': expected a value, got none",
      ["1us,fail"] = ":3: expected 10 fields, got 2",
      ["1us,degrade,h0-leaf0,,,0.1,,,,"] = ":3: degrade: option 'burst': option 'length'",
      ["1us,degrade,h0-leaf0,,,,,,0.5 y,1us"] = ":3: column 'factors': expected numbers",
      ["1us,storm,h0-leaf0,,,,,,,"] = ":3: storm: expected the node that sends pause frames",
      ["1us,storm,h0,,,,,leaf1,,"] = ":3: no link between 'h0' and 'leaf1'",
      ["1us,slow,leaf0,2,,,,,,"] = ":3: expected a host, got switch 'leaf0'",
    } do -- order-free: each on its own
      local path = support.file(header .. "1us,fail,h0-leaf0,,,,,,,\n" .. text .. "\n")
      fails(path .. wanted, function() leaf_spine():inject(path) end)
      os.remove(path)
    end
    local path = support.file("at,kind,target,facter\n1us,fail,h0-leaf0,1\n")
    fails(path .. ":1: unknown column 'facter'; did you mean 'factor'?", function()
      leaf_spine():inject(path)
    end)
    os.remove(path)
  end)
end)

describe("random failures", function()
  local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 }
  local every_kind = {
    "degrade", "flap", "loss", "burst", "delay", "fail", "switch", "storm", "slow",
  }

  it("follow from the seed, on every Lua", function()
    local options = { seed = 7, count = 40, span = "1ms", duration = "100us", kinds = every_kind }
    local list = weft.failure.random(fabric, options)
    assert.same(list, weft.failure.random(fabric, options))
    options.seed = 8
    assert.not_same(list, weft.failure.random(fabric, options))
    assert.same({
      kind = "slow", target = "h2", at = "4415977ps", duration = "30547598ps", factor = 1.7,
    }, list[1])
    assert.same({
      kind = "degrade", target = "leaf0-spine1", at = "951283786ps", duration = "225020368ps",
      factor = 0.0372,
    }, list[40])
  end)

  it("come as a Poisson process or in a number, in their span", function()
    local list = weft.failure.random(fabric, { every = "1us", start = "1ms", span = "1ms" })
    assert.is_true(#list > 900 and #list < 1100)
    local last = 0
    for _, entry in ipairs(list) do
      local at = weft.units.time_ps(entry.at)
      assert.is_true(at >= 1e9 and at < 2e9 and at >= last)
      last = at
    end
  end)

  it("may spare hosts, or switches", function()
    local function targets(where)
      local options = { count = 50, span = 1, where = where, kinds = { "fail" } }
      local text = {}
      for i, entry in ipairs(weft.failure.random(fabric, options)) do text[i] = entry.target end
      return table.concat(text, " ")
    end
    assert.falsy(targets("switches"):find("h%d"))
    assert.falsy(targets("hosts"):find("spine"))
    assert.truthy(targets("any"):find("spine"))
  end)

  it("leave every flow complete or stuck for a reason, and end", function()
    for seed = 1, 12 do
      local sim = leaf_spine { recovery = seed % 2 == 0 and "selective" or "go_back_n" }
      for i = 0, 7 do sim:add_flow { src = i, dst = (i + 3) % 8, size = "300kB" } end
      sim:inject(weft.failure.random(sim.fabric, {
        seed = seed, count = 12, span = "200us", kinds = every_kind, detect = "20us",
        duration = seed % 3 > 0 and "100us" or nil,
      }))
      assert.equal("done", sim:run())
      local stuck = sim:unfinished()
      assert.equal(8, sim:stats().flows_done + #stuck)
      for _, flow in ipairs(stuck) do
        assert.is_true(flow.stuck and flow.state == "active")
        assert.truthy(flow.why:find("; "), flow.why)
      end
    end
  end)

  it("are refused with a reason", function()
    local function random(options)
      return function() weft.failure.random(fabric, options) end
    end
    fails("expected 'count' or 'every', got neither", random { span = 1 })
    fails("expected 'count' or 'every', got both", random { span = 1, count = 1, every = 1 })
    fails("kind 1: got 'strom'", random { span = 1, count = 1, kinds = { "strom" } })
    fails("option 'span' is missing", random { count = 1 })
  end)
end)

describe("a failure", function()
  it("is the same announced before the run and in its middle", function()
    local function finish(early)
      local sim = leaf_spine()
      for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
      local function announce()
        sim:degrade("h0-leaf0", { at = "60us", factor = 0.1, duration = "100us" })
        sim:degrade("leaf0-spine1", { at = "61us", delay = "3us", loss = 0.001 })
        sim:fail("spine0", { at = "70us", detect = "9us", duration = "100us" })
        sim:storm("h5", { at = "80us", duration = "50us" })
      end
      if early then announce() end
      sim:run { stop_at = "50us" }
      if not early then announce() end
      sim:run()
      return sim:stats().fingerprint
    end
    assert.equal(finish(true), finish(false))
  end)

  it("happens now when it is given no time, also in a fork", function()
    local sim = star()
    sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
    sim:run { stop_at = "20us" }
    local copy = sim:fork()
    copy:storm("h1", { duration = "500us" })
    copy:run()
    sim:run()
    assert.is_true(copy:now_ps() > 500e6 and sim:now_ps() < 200e6)
    assert.same({ 0, 1 }, { #sim:failures(), #copy:failures() })
  end)

  it("that cannot be is refused at the script's line", function()
    local sim = star()
    sim:add_flow { src = "h0", dst = "h1", size = "10MB" }
    sim:run { stop_at = "50us" }
    local function degrade(options) return function() sim:degrade(0, options) end end
    fails("degrade: option 'at': expected at least the present, 50 us, got 10 us",
      degrade { at = "10us", factor = 0.5 })
    fails("failure_spec.lua:", degrade { at = "10us", factor = 0.5 })
    fails("got several", degrade { factor = 0.5, period = "1us", over = "1us", duration = 1 })
    fails("'period' needs 'duration'", degrade { factor = 0.5, period = "1us" })
    fails("'factors' needs 'every'", degrade { factors = { 0.5 } })
    fails("'factors', number 2: expected 1e-06 to 1000, got 0",
      degrade { factors = { 0.5, 0 }, every = "1us" })
    fails("'over' needs 'factor'", degrade { loss = 0.1, over = "1us" })
    fails("'duty' needs 'period'", degrade { factor = 0.1, duty = 0.1 })
    fails("it ends before it is bad", degrade { factor = 0.1, over = "2us", duration = "1us" })
    fails("needs a length of at least 9", degrade { burst = { loss = 0.9, length = 2 } })
    fails("option 'p': expected 0 to 1", degrade { burst = { p = 2, r = 0.1 } })
    fails("at most 100000 changes", degrade { factor = 0.5, period = "1ns", duration = "1s" })
    fails("did you mean 'h0-switch0'", function() sim:fail("h0-swich0") end)
    fails("expected a link, got a node", function() sim:fail("h0", { direction = "a_to_b" }) end)
    fails("'period' and 'pause' need each other", function() sim:storm("h0", { pause = "1us" }) end)
    fails("'pause': expected less", function()
      sim:storm("h0", { pause = "1us", period = "1us", duration = "1ms" })
    end)
    fails("expected a host, got switch", function() sim:slow("switch0", { factor = 2 }) end)
    fails("expected option pfc = true", function() star({ pfc = false }):storm("h0") end)
    assert.equal(0, #sim:failures())
  end)

  it("that the ns-3 model does not have is refused there", function()
    local sim = star { compat = "ns3" }
    fails("compat ns3 has neither added delay nor burst loss", function()
      sim:degrade(0, { delay = "1us" })
    end)
    fails("links cannot fail with compat ns3", function() sim:fail(0) end)
    fails("compat ns3 has no PFC storms", function() sim:storm("h0") end)
    sim:degrade(0, { factor = 0.5, duration = "1ms" })
    sim:repair(0)
  end)
end)

describe("the watchdog", function()
  local function stuck_sim()
    local sim = leaf_spine()
    for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
    sim:storm("h5", { at = "20us" })
    return sim
  end

  it("names the flows that make no progress, and why", function()
    local sim, calls = stuck_sim(), {}
    assert.equal("done", sim:run {
      watchdog = "1ms", on_stall = function(rows) calls[#calls + 1] = rows end,
    })
    assert.same({ 1, 1 }, { #calls, #calls[1] })
    local row = calls[1][1]
    assert.equal(row, sim.stalls[1])
    assert.same({ 1, "h1", "h5", 1250e6 }, { row.flow, row.src_name, row.dst_name, row.at_ps })
    assert.equal("leaf1 to h5 is paused since 20 us by a PFC storm of h5", row.why)
  end)

  it("changes nothing, and keeps the limits of a run", function()
    local plain, watched = stuck_sim(), stuck_sim()
    local function quiet() end
    plain:run()
    assert.equal("until", watched:run { watchdog = "10us", on_stall = quiet, stop_at = "33us" })
    assert.equal(33e6, watched:now_ps())
    local before = watched:stats().events
    assert.equal("budget", watched:run { watchdog = "10us", on_stall = quiet, events = 2000 })
    assert.equal(2000, watched:stats().events - before)
    assert.equal("done", watched:run { watchdog = "100us", on_stall = quiet })
    assert.equal(plain:stats().fingerprint, watched:stats().fingerprint)
    assert.equal(plain:stats().events, watched:stats().events)
  end)

  it("describes a thousand stalls and counts the rest", function()
    local sim = star()
    for _ = 1, 1100 do sim:add_flow { src = "h0", dst = "h1", size = "1kB" } end
    sim:storm("h1")
    sim:run { watchdog = "400us", on_stall = function() end, stop_at = "600us" }
    assert.same({ 1000, 100 }, { #sim.stalls, sim.stalls.more })
  end)

  it("refuses a function for stalls that nothing looks for", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
    assert.error_matches(function() sim:run { on_stall = print } end,
      "option 'on_stall' needs 'watchdog'", 1, true)
  end)

  it("tells of a flow again that moved and stalled again", function()
    local sim = leaf_spine()
    sim:add_flow { src = "h0", dst = "h5", size = "2MB" }
    sim:storm("h5", { at = "20us", duration = "900us", period = "450us", pause = "400us" })
    sim:run { watchdog = "100us", on_stall = function() end }
    assert.equal(2, #sim.stalls)
    assert.same({ nil, true }, { sim.stalls[1].again, sim.stalls[2].again })
  end)
end)
