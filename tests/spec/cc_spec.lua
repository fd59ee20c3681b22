-- Congestion control written in Lua.
local weft = require "weft"
local fail = require "weft.fail"

dofile("examples/06-own-cc/dctcp.lua")

local function incast(cc, options)
  local given = { topology = weft.topology.star { hosts = 9 }, cc = cc }
  for name, value in pairs(options or {}) do given[name] = value end -- order-free: a copy
  local sim = weft.simulation(given)
  for host = 1, 8 do sim:add_flow { src = host, dst = 0, size = 200000 + host } end
  return sim
end

local function fingerprint(cc, options)
  local sim = incast(cc, options)
  assert.equal("done", sim:run())
  assert.is_true(sim.core:check())
  return sim:stats().fingerprint
end

describe("a congestion control in Lua", function()
  it("gives the same events as the same one in C", function()
    assert.equal(fingerprint("dctcp"), fingerprint("lua_dctcp"))
    local lossy = { pfc = false, buffer = "200kB", ecn_kmin = "20kB", ecn_kmax = "60kB" }
    assert.equal(fingerprint("dctcp", lossy), fingerprint("lua_dctcp", lossy))
    assert.equal(fingerprint("dctcp", { compat = "ns3" }),
      fingerprint("lua_dctcp", { compat = "ns3" }))
  end)

  it("knows its flow and sets a rate within bounds", function()
    local seen = {}
    weft.cc.define("spec", {
      start = function(f)
        seen.start = { f.id, f.src, f.dst, f.mtu, f.line_rate, f.rate, f.acked, f.now }
        f.rate = 1
      end,
      on_ack = function(f, ack)
        seen.rate, seen.ecn, seen.rtt, seen.hops = f.rate, ack.ecn, ack.rtt, ack.hops
        f.rate = 1e12
      end,
    })
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, cc = "spec" }
    sim:add_flow { src = 1, dst = 0, size = 1000 }
    sim:run()
    assert.same({ 0, 1, 0, 1000, 100e9, 100e9, 0, 0 }, seen.start)
    assert.equal(100e6, seen.rate)
    assert.is_false(seen.ecn)
    assert.is_nil(seen.rtt)
    assert.is_nil(seen.hops)
  end)

  it("sees round-trip times when it needs them", function()
    local rtt
    weft.cc.define("spec", { needs = "timestamp", on_ack = function(_, ack) rtt = ack.rtt end })
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, cc = "spec" }
    sim:add_flow { src = 1, dst = 0, size = 1000 }
    sim:run()
    assert.is_near(4.17856e-6, rtt, 1e-15) -- 2 x (84.48 ns + 1 us) and 2 x (4.8 ns + 1 us)
  end)

  it("sees telemetry when it needs it", function()
    local hops
    weft.cc.define("spec", { needs = "telemetry", on_ack = function(_, ack) hops = ack.hops end })
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, cc = "spec" }
    sim:add_flow { src = 1, dst = 0, size = 1000 }
    sim:run()
    assert.equal(1, #hops)
    assert.equal(100e9, hops[1].rate)
    assert.equal(0, hops[1].queue)
  end)

  it("has a timer", function()
    local times = {}
    weft.cc.define("spec", {
      start = function(f) f.timer = 2e-6 end,
      on_timer = function(f)
        times[#times + 1] = f.now
        if #times < 3 then f.timer = 5e-6 end
      end,
    })
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, cc = "spec" }
    sim:add_flow { src = 1, dst = 0, size = 1000000 }
    sim:run()
    assert.same({ 2e-6, 7e-6, 12e-6 }, times)
  end)
end)

describe("a mistake in a callback", function()
  local function run_with(on_ack)
    weft.cc.define("spec", { on_ack = on_ack })
    local sim = incast("spec")
    local good, message = pcall(sim.run, sim)
    assert.is_false(good)
    return message, sim
  end

  it("stops the run and is raised with its traceback", function()
    local message, sim = run_with(function(f) return f.nothing.here end)
    assert.truthy(tostring(message):find("cc_spec.lua:", 1, true))
    assert.truthy(tostring(message):find("stack traceback", 1, true))
    assert.equal(1, sim:stats().flows_added - 7)
    assert.has_error(function() sim:run() end)
  end)

  it("that is a user error stays one", function()
    local message = run_with(function() fail.raise("too bad") end)
    assert.is_true(fail.is(message))
  end)

  it("such as a rate that is no number is named", function()
    assert.truthy(tostring(run_with(function(f) f.rate = "fast" end)):find("f.rate", 1, true))
    assert.truthy(tostring(run_with(function(f) f.rate = 0 / 0 end)):find("f.rate", 1, true))
  end)

  it("such as a call of the running simulation is refused", function()
    local sim
    weft.cc.define("spec", { on_ack = function() sim:stats() end })
    sim = incast("spec")
    local good, message = pcall(sim.run, sim)
    assert.is_false(good)
    assert.truthy(tostring(message):find("is running", 1, true))
    weft.cc.define("spec", { on_ack = function() sim.core:close() end })
    sim = incast("spec")
    assert.is_false(pcall(sim.run, sim))
  end)
end)

describe("a simulation with a congestion control in Lua", function()
  it("is forked with what it keeps in its flows, of which each has its own", function()
    local sim = incast("lua_dctcp")
    sim:run { stop_at = "20us" }
    local fork = sim:fork()
    assert.equal("done", fork:run())
    assert.equal("done", sim:run())
    assert.equal(fingerprint("lua_dctcp"), fork:stats().fingerprint)
    assert.equal(fork:stats().fingerprint, sim:stats().fingerprint)
  end)

  it("needs a definition", function()
    assert.error_matches(function() incast("script") end, "'cc'", 1, true)
    assert.error_matches(function() weft.cc.define("hpcc", {}) end, "own", 1, true)
    assert.error_matches(function() weft.cc.define("x", { on_akc = print }) end, "on_ack", 1, true)
    assert.error_matches(function() weft.cc.define("x", { start = 1 }) end, "function", 1, true)
  end)
end)
