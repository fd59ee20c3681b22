-- Retransmission timeouts and flows that wait for a way, as a script sees them. The engine's part
-- is in tests/c/test_timer.c.
local helper = require "helper"
local support = require "support"
local notice = require "weft.notice"
local weft = require "weft"

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

local function last_ms(sim)
  local last = 0
  local fct = sim:flows():column "fct_ps"
  for i, start in ipairs(sim:flows():column "start_ps") do last = math.max(last, start + fct[i]) end
  return last / 1e9
end

local function within(wanted, part, got)
  assert.is_true(math.abs(got - wanted) <= part * wanted,
    ("expected %g, got %g"):format(wanted, got))
end

-- The lines that a run says as notices.
local function said_by(f)
  local lines, write = {}, notice.write
  notice.forget()
  notice.write = function(text) lines[#lines + 1] = text end
  local good, problem = pcall(f)
  notice.write = write
  assert(good, problem)
  return lines
end

describe("option rto", function()
  local star = weft.topology.star { hosts = 2 }

  it("is a word or a time", function()
    local function rto(value)
      return weft.simulation({ topology = star, rto = value }).core:config().rto
    end
    assert.same({ "adaptive", "adaptive", "rfc6298", 2e9, 0 },
      { rto(nil), rto "adaptive", rto "rfc6298", rto "2ms", rto(0) })
  end)

  it("is refused with the words that it may be", function()
    local function given(value)
      return function() weft.simulation { topology = star, rto = value } end
    end
    fails("did you mean 'adaptive'", given "adaptve")
    fails("or one of: adaptive, rfc6298", given "soon")
    fails("option 'rto': expected 0 s to 10 s", given(-1e-12))
    fails("option 'give_up_after'", function()
      weft.simulation { topology = star, give_up_after = "soon" }
    end)
  end)

  it("keeps its former number with a compat mode, whose model has no timeout", function()
    local sim = weft.simulation { topology = star, compat = "ns3" }
    assert.equal(1e9, sim.core:config().rto)
  end)
end)

describe("nothing is sent twice where nothing is lost", function()
  -- The receiver's link is busy to the end: flows x (size + headers) x 8 / rate.
  it("in an incast", function()
    for _, case in ipairs {
      { leaves = 9, hosts = 16, flows = 1000, size = 8000, gbps = 10, mtu = 9000 },
      { leaves = 4, hosts = 8, flows = 400, size = 20000, gbps = 25, mtu = 4000 },
      { leaves = 2, hosts = 4, flows = 300, size = 100000, gbps = 100, mtu = 1000 },
    } do
      local n = case.leaves * case.hosts - 1
      local sim = weft.simulation {
        cc = "window", mtu = case.mtu, topology = weft.topology.leaf_spine {
          leaves = case.leaves, hosts_per_leaf = case.hosts, spines = 2, delay = "1us",
          rate = case.gbps .. "Gbps", uplink = 4 * case.gbps .. "Gbps",
        },
      }
      for i = 0, case.flows - 1 do
        sim:add_flow { src = 1 + i % n, dst = 0, size = case.size }
      end
      sim:run()
      local totals = sim:stats()
      assert.same({ case.flows, 0, 0, 0 }, { totals.flows_done, totals.retransmits,
        totals.timeouts, totals.packets_dropped })
      assert.is_true(totals.timeouts_put_off > 0)
      local frames = math.ceil(case.size / case.mtu)
      within(case.flows * (case.size + 48 * frames) * 8 / (case.gbps * 1e6), 0.01, last_ms(sim))
    end
  end)

  -- A leaf's uplinks carry what its hosts send to others; ACKs of the other way take 60/1048.
  it("in an all-to-all over oversubscribed leaves", function()
    local function time(rto)
      local sim = weft.simulation {
        cc = "dcqcn", rto = rto, topology = weft.topology.leaf_spine {
          leaves = 4, hosts_per_leaf = 8, oversubscription = 8, rate = "25Gbps", delay = "1us",
        },
      }
      sim:add_job(weft.workload.all_to_all { size = "4MB" })
      sim:run()
      return last_ms(sim), sim:stats()
    end
    local adaptive, totals = time "adaptive"
    assert.same({ 0, 0 }, { totals.retransmits, totals.timeouts })
    assert.equal(time(0), adaptive)
    local bytes = 8 * 4e6 * 24 / 32 * 1.048 * (1 + 60 / 1048)
    within(bytes * 8 / 25e6, 0.08, adaptive)
    local lines = said_by(function()
      local clock, spurious = time "rfc6298"
      assert.is_true(clock > 1.03 * adaptive)
      assert.is_true(spurious.retransmits_spurious > 2000)
    end)
    assert.equal(1, #lines)
    assert.truthy(lines[1]:find("^time%-outs sent packets again that had not been lost: %d+ of "))
  end)

  it("by a lone flow, from a rack to half round the world", function()
    for _, case in ipairs {
      { "100Gbps", "1us", "10MB" }, { "100Gbps", "200us", "40MB" }, { "400Gbps", "5ms", "20MB" },
      { "1Gbps", "25ms", "5MB" }, { "1Gbps", "100ms", "5MB" }, { "10Mbps", "1ms", "1MB" },
      { "3.2Tbps", "10us", "10MB" },
    } do
      for _, rto in ipairs { "adaptive", "rfc6298", "1ms" } do
        local sim = weft.simulation {
          topology = weft.topology.star { hosts = 2, rate = case[1], delay = case[2] },
          cc = "window", rto = rto, buffer = "10GB",
        }
        sim:add_flow { src = 0, dst = 1, size = case[3] }
        assert.equal("done", sim:run())
        assert.same({ 0, 0 }, { sim:stats().timeouts, sim:stats().retransmits })
        within(1, 1e-9, sim:flows():row(1).slowdown)
      end
    end
  end)
end)

describe("a flapping NIC", function()
  it("stretches a job, and does not end it", function()
    for _, make in ipairs {
      function() return weft.workload.all_to_all { size = "1MB" } end,
      function() return weft.workload.allreduce { size = "4MiB" } end,
      function() return weft.workload.allreduce { size = "2MiB", algorithm = "tree" } end,
    } do
      for _, detect in ipairs { 0, "30us" } do
        for _, cc in ipairs { "dcqcn", "hpcc" } do
          local function time(period)
            local sim = weft.simulation {
              cc = cc,
              topology = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 },
            }
            local job = sim:add_job(make())
            if period then
              sim:fail("h3-leaf0", { at = "20us", period = period, duty = 0.4, duration = "40ms",
                detect = detect })
            end
            assert.equal("done", sim:run())
            assert.same({}, sim:unfinished())
            assert.equal(0, sim:stats().flows_failed)
            return job:time_ps()
          end
          local healthy = time()
          for _, period in ipairs { "100us", "640us" } do
            assert.is_true(time(period) > healthy)
          end
        end
      end
    end
  end)
end)

describe("a training iteration", function()
  it("outlives a NIC that flaps", function()
    local jobs = {
      weft.workload.gpt { model = "7B", layers = 2, tp = 2, pp = 1, dp = 4, scale_bytes = 2e-3,
        scale_compute = 2e-3 },
      weft.workload.moe { model = "8x7B", layers = 2, tp = 1, dp = 8, ep = 4, scale_bytes = 1e-3,
        scale_compute = 1e-3 },
      weft.workload.moe { model = "8x7B", layers = 2, tp = 2, dp = 4, ep = 4, scale_bytes = 1e-3,
        scale_compute = 1e-3 },
    }
    for _, work in ipairs(jobs) do
      for _, how in ipairs { {}, { memoize = true, fast_forward = true }, { cc = "hpcc" } } do
        local options = { topology = weft.topology.leaf_spine {
          leaves = 2, hosts_per_leaf = 4, spines = 2,
        }, cc = "dcqcn" }
        for key, value in pairs(how) do options[key] = value end -- order-free: a copy
        local sim = weft.simulation(options)
        local job = sim:add_job(work)
        sim:fail("h5-leaf1", { at = "5us", period = "150us", duty = 0.5, duration = "30ms",
          detect = "10us" })
        assert.equal("done", sim:run())
        assert.same({}, sim:unfinished())
        assert.is_true(job:time_ps() > 0)
      end
    end
  end)
end)

describe("a flow that starts while its host is cut off", function()
  local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 }

  local function cut(options)
    local given = { topology = fabric, cc = "dcqcn" }
    for key, value in pairs(options or {}) do given[key] = value end -- order-free: a copy
    local sim = weft.simulation(given)
    return sim
  end

  it("waits like one that was under way, and both are named", function()
    local sim = cut()
    sim:fail("h0-leaf0", { at = "10us" })
    sim:add_flow { src = "h0", dst = "h4", size = "10MB" }
    sim:add_flow { src = "h0", dst = "h5", size = "1MB", start = "50us" }
    sim:add_flow { src = "h6", dst = "h0", size = "1MB", start = "60us" }
    local seen = {}
    assert.equal("done", sim:run { watchdog = "5ms", on_stall = function(flows)
      for _, flow in ipairs(flows) do seen[#seen + 1] = ("%d: %s"):format(flow.flow, flow.why) end
    end })
    assert.same({ "0: h0 to leaf0 is down", "1: h0 to leaf0 is down", "2: h0 to leaf0 is down" },
      seen)
    assert.equal(3, #sim:unfinished())
    for _, flow in ipairs(sim:unfinished()) do
      assert.same({ "active", true }, { flow.state, flow.stuck })
      assert.equal("waits for ever, nothing more will happen; h0 to leaf0 is down", flow.why)
    end
    assert.is_true(sim:stats().events < 5000)
    sim:repair("h0-leaf0") -- now: they go on
    assert.equal("done", sim:run())
    assert.same({ 3, 0 }, { sim:stats().flows_done, sim:stats().flows_failed })
  end)

  it("may be added then, alone and in a job", function()
    local sim = cut()
    sim:fail("h4-leaf1", { at = 0, duration = "3ms", detect = "10us" })
    sim:run { stop_at = "100us" }
    sim:add_flow { src = 0, dst = 4, size = "1MB" }
    local job = sim:add_job(weft.workload.all_to_all { size = "1MB" })
    assert.equal("done", sim:run())
    assert.same({}, sim:unfinished())
    assert.is_true(job:time_ps() > 2.9e9 and job:time_ps() < 4e9)
  end)

  it("fails after the patience that it was given", function()
    for _, patience in ipairs { "1ms", "7ms" } do
      local sim = cut { give_up_after = patience }
      sim:fail("h4-leaf1", { at = "10us" })
      sim:add_flow { src = 0, dst = 4, size = "1MB", start = "100us" }
      assert.equal("done", sim:run())
      assert.equal(100e6 + weft.units.time_ps(patience), sim:now_ps())
      local flow = sim:unfinished()[1]
      assert.same({ "failed", 1 }, { flow.state, sim:stats().flows_failed })
      assert.equal(("gave up after %s without progress; h4 to leaf1 is down"):format(
        weft.units.format_time(weft.units.time_ps(patience))), flow.why)
    end
  end)

  it("is complete when all has arrived, whatever becomes of its ACKs", function()
    for completion, stalls in pairs { receiver = 1, sender = 2 } do -- order-free
      local sim = cut { completion = completion, give_up_after = "20ms" }
      sim:fail("h4-leaf1", { at = 0, direction = "a_to_b", detect = "1s" })
      sim:add_flow { src = 0, dst = 4, size = 1000 } -- of a window, whose ACKs are lost
      sim:add_flow { src = 1, dst = 4, size = "10MB" } -- of many
      assert.equal("done", sim:run { watchdog = "3ms", on_stall = function() end })
      assert.equal(stalls, #sim.stalls)
      assert.equal(stalls, #sim:unfinished())
      assert.equal(1, sim:unfinished()[stalls].flow)
      assert.same({ 2 - stalls, stalls }, { sim:stats().flows_done, sim:stats().flows_failed })
      assert.equal(stalls == 1 and 2 or 3, sim:flows():row(1).state)
    end
  end)

  it("is refused where the fabric as built has no way", function()
    local net = weft.fabric.new("apart")
    for i = 0, 2 do net:add_node("h" .. i, "host") end
    net:add_node("s", "switch")
    net:add_link("h0", "s", "100Gbps", "1us")
    net:add_link("h1", "s", "100Gbps", "1us")
    local sim = weft.simulation { topology = net }
    fails("no path from 'h0' to 'h2'", function()
      sim:add_flow { src = "h0", dst = "h2", size = 1 }
    end)
  end)
end)

describe("what timeouts did", function()
  it("is told by the program and its help", function()
    local pipe = assert(io.popen(helper.program .. " help options"))
    local printed = pipe:read("*a")
    pipe:close()
    assert.truthy(printed:find("rto +time|adaptive|rfc6298, default adaptive"), printed)
    assert.truthy(printed:find("give_up_after", 1, true), printed)
    local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
    local row = weft.report.add_congestion(sim, {})
    assert.same({ 0, 0 }, { row.retransmits_spurious, row.timeouts })
    local values = weft.report.configuration_values(sim)
    assert.same({ "adaptive", -1, 0 }, { values.rto, values.rto_ps, values.give_up_after_ps })
  end)
end)

describe("a fixed timeout", function()
  -- A round trip of 202 us, and 8 of it when the windows of all stand in the receiver's queue,
  -- whose link is busy to the end: 8 x 5 MB x 1.048 and two hops of 50 us and a packet's 0.84 us.
  it("below the round trip is one of the round trip", function()
    for _, rto in ipairs { "100us", "10us" } do
      local sim = weft.simulation {
        topology = weft.topology.star { hosts = 9, rate = "10Gbps", delay = "50us" },
        cc = "window", rto = rto, buffer = "1GB",
      }
      for i = 1, 8 do sim:add_flow { src = i, dst = 0, size = "5MB" } end
      sim:run()
      assert.same({ 0, 0 }, { sim:stats().timeouts, sim:stats().retransmits })
      within(33.536 + 0.1017, 1e-3, last_ms(sim))
    end
  end)

  -- A flow is under way for 5 ms, of which 100 us, doubled, make 5 timeouts (3.1 ms, and up to a
  -- half more) before the first measurement. If progress ended the doubling there would be 20.
  it("stays doubled until it has been measured", function()
    local said = said_by(function()
      local sim = weft.simulation {
        topology = weft.topology.leaf_spine {
          leaves = 4, hosts_per_leaf = 8, oversubscription = 8, rate = "25Gbps", delay = "1us",
        },
        cc = "dcqcn", rto = "100us",
      }
      sim:add_job(weft.workload.all_to_all { size = "1MB" })
      sim:run()
      local flows, timeouts = 32 * 31, sim:stats().timeouts
      assert.is_true(timeouts > 0 and timeouts <= 5 * flows, timeouts)
    end)
    assert.equal(1, #said)
  end)

  it("falls out of step with a link that flaps", function()
    for seed = 1, 3 do
      local net = weft.topology.leaf_spine {
        leaves = 2, hosts_per_leaf = 4, spines = 1, rate = "25Gbps", delay = "1us",
      }
      local sim = weft.simulation { topology = net, cc = "dctcp", rto = "1ms", seed = seed }
      sim:fail("h5-leaf1", { at = "3us", period = "1ms", duty = 0.4, duration = "2s",
        detect = "10s" })
      sim:add_flow { src = 0, dst = 5, size = "300kB" }
      sim:run()
      assert(sim:flows():row(1).fct_ps < 60e9, sim:flows():row(1).fct_ps)
    end
  end)
end)
