-- Links whose two directions differ: rate, delay, jitter, loss of their own.
local support = require "support"
local weft = require "weft"

local MS = 1e9 -- in ps

-- a - s - b; the first link is asymmetric, the second fast.
local function line(rate, delay, more)
  local fabric = weft.fabric.new "line"
  fabric:add_node("a", "host")
  fabric:add_node("s", "switch")
  fabric:add_node("b", "host")
  fabric:add_link("a", "s", rate, delay, more)
  fabric:add_link("s", "b", "8Gbps", "1ms")
  return fabric
end

-- No headers, so that times can be worked out: packets of 1000 B, so 1 MB are 1000 of them.
local function run(fabric, engine, src, dst, break_it)
  local sim = weft.simulation {
    topology = fabric, engine = engine, mtu = 1000, header = 0, int_header = 0,
    cc = engine == "packet" and "window" or nil, window = engine == "packet" and "100MB" or nil,
  }
  if break_it then break_it(sim) end
  sim:add_flow { src = src, dst = dst, size = "1MB" }
  sim:run()
  return sim:flow(0).fct_ps, sim
end

local ENGINES = { "packet", "fluid", "ideal" }

describe("directions of a link", function()
  it("have a rate and a delay of their own with every engine", function()
    local fabric = line({ "1Gbps", "2Gbps" }, { "1ms", "3ms" })
    for _, engine in ipairs(ENGINES) do
      -- a to b: 8 ms at 1 Gbit/s, 1 + 1 ms of delay, the last 1000 B at 8 Gbit/s: 1 us.
      assert.equal(10001e6, (run(fabric, engine, "a", "b")))
      -- b to a: the first 1000 B at 8 Gbit/s, 4 ms at 2 Gbit/s, 1 + 3 ms.
      assert.equal(8001e6, (run(fabric, engine, "b", "a")))
    end
  end)

  it("change one by one, as parts of their own rates as built", function()
    local fabric = line({ "1Gbps", "2Gbps" }, { "1ms", "3ms" })
    for _, engine in ipairs(ENGINES) do
      local function halve(sim) sim:degrade("a-s", { factor = 0.5, direction = "b_to_a" }) end
      assert.equal(10001e6, (run(fabric, engine, "a", "b", halve)))
      assert.equal(12001e6, (run(fabric, engine, "b", "a", halve)))
    end
  end)

  it("are told by ports", function()
    local sim = weft.simulation { topology = line({ "1Gbps", "2Gbps" }, { "1ms", "3ms" },
      { jitter = { 0, "2us" }, loss = { 0.25, 0 } }) }
    local there, back = sim.core:port_info(0), sim.core:port_info(1)
    assert.same({ 1e9, 1 * MS, 0, 0.25 },
      { there.rate_bps, there.delay_ps, there.jitter_ps, there.loss })
    assert.same({ 2e9, 3 * MS, 2e6, 0 },
      { back.rate_bps, back.delay_ps, back.jitter_ps, back.loss })
    assert.equal("link 0  a - s  1 Gbit/s, back 2 Gbit/s  1 ms, back 3 ms  jitter 0 s, back 2 us"
      .. "  loss 0.25, back 0", tostring(sim.fabric:link(0)))
    local link = sim.fabric:link(0)
    assert.equal(2e9, link:direction(1).rate_bps)
    assert.equal(1e9, link:direction(0).rate_bps)
    assert.matches("expected an end of it, 0 or 1, got 2",
      support.error_of(link.direction, link, 2))
  end)

  it("make a flow late by their jitter alone, by its seed, and stay in order", function()
    local jitter = { jitter = { 0, "5ms" } }
    local fabric = line({ "1Gbps", "2Gbps" }, { "1ms", "3ms" }, jitter)
    -- ACKs of the way there meet the jitter; data does not.
    assert.equal(10001e6, (run(fabric, "packet", "a", "b")))
    local late, sim = run(fabric, "packet", "b", "a")
    assert.is_true(late > 8001e6 and late < 13001e6)
    assert.equal(0, sim:stats().retransmits)
    assert.equal(late, (run(fabric, "packet", "b", "a")))
    -- What is built stays when a failure is over.
    local sim2 = weft.simulation { topology = fabric, cc = "window" }
    sim2:degrade("a-s", { delay = "1ms", jitter = "1ms", duration = "1ms" })
    sim2:run { stop_at = "0.5ms" }
    assert.equal(6 * MS, sim2.core:port_info(1).jitter_ps)
    sim2:run { stop_at = "2ms" }
    assert.equal(5 * MS, sim2.core:port_info(1).jitter_ps)
    assert.equal(0, sim2.core:port_info(0).jitter_ps)
  end)

  it("lose packets one by one, also after a failure is over", function()
    local sim = weft.simulation { topology = line("1Gbps", "1us", { loss = { 0, 0.5 } }) }
    sim:degrade("a-s", { loss = 0.125, duration = "1ms" })
    sim:run { stop_at = "0.5ms" }
    assert.same({ 0.125, 0.125 }, { sim.core:port_info(0).loss, sim.core:port_info(1).loss })
    sim:run { stop_at = "2ms" }
    assert.same({ 0, 0.5 }, { sim.core:port_info(0).loss, sim.core:port_info(1).loss })
  end)

  it("are refused where they cannot be, with their place", function()
    local function fails(text, f, ...)
      assert.matches(text, support.error_of(f, ...))
    end
    fails("rate of link a%-s: expected 1 Mbit/s to 100 Tbit/s, got 1 kbit/s", line,
      { "1Gbps", "1kbps" }, "1us")
    fails("delay of link a%-s: expected one for both directions, or { there, back }", line, "1Gbps",
      { "1us", "2us", "3us" })
    fails("loss of link a%-s: expected a probability, 0 to 1, got 2", line, "1Gbps", "1us",
      { loss = { 0, 2 } })
    fails("jitter of link a%-s", line, "1Gbps", "1us", { jitter = "11s" })
    local late = line("1Gbps", "1us", { jitter = "1us" })
    fails("engine 'fluid' has no jitter; expected engine = 'packet'", weft.simulation,
      { topology = late, engine = "fluid" })
    fails("compat ns3", weft.simulation, { topology = late, compat = "ns3" })
    fails("both directions have the same rate", weft.simulation,
      { topology = line({ "1Gbps", "2Gbps" }, "1us"), compat = "ns3" })
    local hpcc = require "weft.formats.hpcc"
    fails("alike in both directions", hpcc.write_topology, os.tmpname(),
      line({ "1Gbps", "2Gbps" }, "1us"))
    local sim = weft.simulation { topology = line({ "1Gbps", "20Mbps" }, "1us") }
    fails("factor 0.01 of link a%-s: expected a rate of .* got 200 kbit/s of its 20 Mbit/s",
      sim.degrade, sim, "a-s", { factor = 0.01 })
    sim:degrade("a-s", { factor = 0.01, direction = "a_to_b" })
  end)
end)
