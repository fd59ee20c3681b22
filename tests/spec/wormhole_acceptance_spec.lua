-- What a clone of Wormhole (Long et al., NSDI 2026) has to show, as far as the paper says it, and
-- what must not change by skipping.
local helper = require "helper"
local support = require "support"
local weft = require "weft"

local BOTH = { memoize = true, fast_forward = true }

local function with(base, more)
  local all = {}
  for _, options in ipairs { base, more } do
    for key, value in pairs(options) do all[key] = value end -- order-free: a copy
  end
  return all
end

local function completion_times(sim)
  return sim:flows():column "fct_ps"
end

-- A alone until 1 ms, or a little longer, B joins, and is over at about 2.4 ms.
local function two_flows(options, start)
  local sim = weft.simulation(with({
    topology = weft.topology.dumbbell { hosts = 2, rate = "100Gbps", delay = "1us" },
    cc = "window", spans = 100,
  }, options))
  sim:add_flow { src = 0, dst = 2, size = "40MB" }
  sim:add_flow { src = 1, dst = 3, size = "8.5MB", start = start or "1ms" }
  return sim
end

local function fingerprint(sim)
  return sim.core:stats().fingerprint
end

describe("two flows on a dumbbell", function()
  it("take as long as in the plain engine, within 0.1 %", function()
    -- When a sawtooth is found steady depends on its phase, so the share is a mean of three.
    for _, cc in ipairs { "window", "dctcp", "dcqcn", "timely", "swift" } do
      local share = 0
      for _, start in ipairs { "1ms", "1003us", "1007us" } do
        local plain = two_flows({ cc = cc }, start)
        local fast = two_flows(with(BOTH, { cc = cc }), start)
        plain:run()
        fast:run()
        local exact, skipped = completion_times(plain), completion_times(fast)
        for i = 1, 2 do
          assert.is_true(math.abs(skipped[i] / exact[i] - 1) < 1e-3,
            ("%s: flow %d takes %d ps instead of %d"):format(cc, i, skipped[i], exact[i]))
        end
        share = share + fast:acceleration().events_skipped_pct / 3
      end
      assert.is_true(share > 60, cc)
    end
  end)

  it("share as they might have without, where HPCC leaves that to chance", function()
    -- Who gets how much depends on the phase in which B meets A: a few us make 5 % of B's time.
    local function lasts(start, options)
      local sim = weft.simulation(with({
        topology = weft.topology.dumbbell { hosts = 2, rate = "100Gbps", delay = "1us" },
        cc = "hpcc",
      }, options or {}))
      sim:add_flow { src = 0, dst = 2, size = "16MB" }
      sim:add_flow { src = 1, dst = 3, size = "3MB", start = start }
      sim:run()
      local times = completion_times(sim)
      return times[1], times[2]
    end
    local a, b = lasts(1e-3, BOTH)
    local least_a, most_a, least_b, most_b = math.huge, 0, math.huge, 0
    for i = 1, 12 do
      local plain_a, plain_b = lasts(1e-3 + i * 17.3e-6)
      least_a, most_a = math.min(least_a, plain_a), math.max(most_a, plain_a)
      least_b, most_b = math.min(least_b, plain_b), math.max(most_b, plain_b)
    end
    assert.is_true(most_b / least_b > 1.03)
    assert.is_true(b > least_b and b < most_b, ("%d, not %d to %d"):format(b, least_b, most_b))
    assert.is_true(a > least_a and a < most_a, ("%d, not %d to %d"):format(a, least_a, most_a))
  end)

  it("are seven patterns, none of them known at first, all of them the next time", function()
    -- A alone, with B, alone again; and of either the last packets, and the ACKs behind them.
    local first = two_flows(BOTH)
    first:run()
    local report = first:acceleration()
    assert.same({ 0, 7, 7 }, { report.hits, report.misses, report.records })
    local again = two_flows(with(BOTH, { memo = first }))
    again:run()
    report = again:acceleration()
    assert.same({ 7, 0, 7 }, { report.hits, report.misses, report.records })
    assert.is_true(report.events < first:acceleration().events / 100)
    assert.same(completion_times(first), completion_times(again))
  end)

  it("take the same time if the second comes unannounced", function()
    for _, options in ipairs { BOTH, { fast_forward = true }, { memoize = true } } do
      local announced = two_flows(options)
      announced:run()
      local typed = weft.simulation(with({ topology = announced.fabric, cc = "window" }, options))
      typed:add_flow { src = 0, dst = 2, size = "40MB" }
      typed:run { stop_at = "1ms" }
      if options.fast_forward then assert.equal("steady", (typed:flow_phase(0))) end
      typed:add_flow { src = 1, dst = 3, size = "8.5MB" }
      typed:run()
      assert.same(completion_times(announced), completion_times(typed))
      assert.equal(fingerprint(announced), fingerprint(typed))
    end
  end)

  it("take the same time if a link fails them half way, announced or not", function()
    for _, options in ipairs { BOTH, { fast_forward = true }, { memoize = true } } do
      local announced, typed = two_flows(options), two_flows(options)
      local function degrade(sim, at)
        sim:degrade(sim.fabric:link("switch0", "switch1"), { at = at, factor = 1 / 4 })
      end
      degrade(announced, "1.7ms")
      announced:run()
      typed:run { stop_at = "1.7ms" }
      degrade(typed, "1.7ms")
      typed:run()
      local plain = two_flows {}
      degrade(plain, "1.7ms")
      plain:run()
      assert.same(completion_times(announced), completion_times(typed))
      for i = 1, 2 do
        assert.is_true(math.abs(completion_times(typed)[i] / completion_times(plain)[i] - 1) < 2e-3)
      end
    end
  end)

  it("are measured by an audit as by the plain engine", function()
    local plain, fast = two_flows {}, two_flows { fast_forward = true, audit = 1 }
    plain:run()
    fast:run()
    local audit, worst = fast:acceleration().audit, 0
    for i = 1, 2 do
      local off = completion_times(fast)[i] / completion_times(plain)[i] - 1
      worst = math.max(worst, math.abs(off))
    end
    assert.equal(4, audit.flows) -- A in three spans, B in one
    assert.is_true(worst < 1e-3 and audit.largest < 1e-3)
    assert.is_true(worst <= 3 * audit.largest + 5e-5, ("%g %g"):format(worst, audit.largest))
  end)

  it("have the errors that the audit says, where a window was too short", function()
    local short = { fast_forward = true, theta = 0.3, steady_samples = 4, steady_period = "10us" }
    for _, cc in ipairs { "hpcc", "swift" } do
      local function run(options)
        local sim = weft.simulation(with({
          topology = weft.topology.star { hosts = 3, rate = "100Gbps" }, cc = cc, audit = 1,
        }, options))
        sim:add_flow { src = 0, dst = 2, size = "6MB" }
        sim:add_flow { src = 1, dst = 2, size = "6MB", start = "50us" }
        sim:run()
        return completion_times(sim), sim:acceleration().audit
      end
      local exact = run {}
      local times, audit = run(short)
      local worst = 0
      for i = 1, 2 do worst = math.max(worst, math.abs(times[i] / exact[i] - 1)) end
      assert.is_true(worst > 5e-4, cc)
      assert.is_true(worst > audit.largest / 2 and worst < audit.largest * 2,
        ("%s: %g, audit: %g"):format(cc, worst, audit.largest))
    end
  end)
end)

-- Two AllReduces at once, on hosts that share no port.
local function rings(options, order)
  local ranks = order or { { 0, 8, 16, 24 }, { 1, 9, 17, 25 } }
  local sim = weft.simulation(with({
    topology = weft.topology.rail_optimized {
      servers = 4, spines = 2, nic = options.nic or "100Gbps",
    },
    cc = "hpcc", memo = options.memory,
  }, options.engine or BOTH))
  return sim, function()
    local before = sim:acceleration()
    for _, ring in ipairs(ranks) do
      local names = {}
      for k, rank in ipairs(ring) do names[k] = "gpu" .. rank end
      sim:add_job(weft.workload.allreduce { size = "32MiB", ranks = names, channels = 1 })
    end
    sim:run()
    local after = sim:acceleration()
    return {
      events = after.events - before.events, hits = after.hits - before.hits,
      misses = after.misses - before.misses,
      whole = after.events - before.events + after.events_skipped - before.events_skipped,
    }
  end
end

describe("the same AllReduce twice", function()
  it("is known the second time", function()
    for _, cc in ipairs { "hpcc", "dctcp", "dcqcn", "timely", "swift", "window" } do
      local sim, iterate = rings { engine = with(BOTH, { cc = cc }) }
      local first, second = iterate(), iterate()
      -- All its steps are one pattern, and all their ends three. Where congestion control asks for
      -- line rate, packets take turns as flows have met, and the first step, which meets no ACKs
      -- of one before, is another state than the next.
      if cc == "hpcc" then assert.equal(4, first.misses) end
      assert.is_true(first.misses <= 8, cc)
      assert.equal(0, second.misses, cc)
      assert.equal(36, second.hits, cc)
      assert.is_true(second.events < 0.05 * first.events, cc)
      assert.is_true(second.events < 1e-3 * second.whole, cc)
      local times = completion_times(sim)
      for i = 1, #times / 2 do assert.equal(times[i], times[#times / 2 + i], cc) end
    end
  end)

  it("is known to its end whatever is left for the last packet of a message", function()
    for _, size in ipairs { "32000001B", "33554399B" } do
      local ranks = { "gpu0", "gpu8", "gpu16", "gpu24" }
      local sim = weft.simulation(with(BOTH, {
        topology = weft.topology.rail_optimized { servers = 4, nic = "100Gbps" }, cc = "hpcc",
      }))
      local events = { 0 }
      for i = 1, 2 do
        sim:add_job(weft.workload.allreduce { size = size, ranks = ranks, channels = 1 })
        sim:run()
        sim.core:check()
        events[i + 1] = sim:acceleration().events
      end
      assert.is_true(events[3] - events[2] < 0.05 * events[2], size)
      local sent = 0
      for _, bytes in ipairs(sim:flows():column "size_bytes") do sent = sent + bytes end
      local stats = sim:stats()
      assert.equal(stats.payload_delivered, sent)
      assert.equal(stats.bytes_injected, stats.bytes_delivered)
    end
  end)

  it("is known whatever the hosts are called, and not on links of another rate", function()
    local sim, iterate = rings {}
    local first = iterate()
    local function repeated(options, order)
      options.memory = sim
      local _, again = rings(options, order)
      return again()
    end
    local permuted = repeated({}, { { 18, 26, 10, 2 }, { 31, 7, 23, 15 } })
    assert.same({ 36, 0 }, { permuted.hits, permuted.misses })
    local faster = repeated { nic = "200Gbps" }
    assert.equal(first.misses, faster.misses)
    local engine = with(BOTH, { cc = "window" })
    local other = repeated { engine = engine }
    local _, alone = rings { engine = engine }
    assert.equal(alone().misses, other.misses)
  end)
end)

describe("partitions as in the paper's figure 4", function()
  it("are a triangle and a path", function()
    -- F1, F2, F3 end at one host; F4 meets F5 at its sender and F6 at its receiver, and these two
    -- meet nobody else. F2's data take the cable of F4's sender the other way.
    local sim = weft.simulation { topology = weft.topology.star { hosts = 9 }, cc = "hpcc" }
    for _, pair in ipairs { { 0, 3 }, { 1, 3 }, { 2, 3 }, { 3, 5 }, { 3, 6 }, { 7, 5 } } do
      sim:add_flow { src = pair[1], dst = pair[2], size = "1MB" }
    end
    sim:run { stop_at = "5us" }
    local found = sim:partitions { acks = "none" }
    assert.equal(2, #found)
    local function edges(partition)
      local at, count = {}, 0
      for _, use in ipairs(partition.uses) do at[use.port] = (at[use.port] or 0) + 1 end
      for _, port in ipairs(partition.shared) do count = count + at[port] * (at[port] - 1) / 2 end
      return count
    end
    assert.same({ 0, 1, 2 }, found[1].flows)
    assert.equal(3, edges(found[1])) -- K3
    assert.same({ 3, 4, 5 }, found[2].flows)
    assert.equal(2, edges(found[2])) -- P3: F5 - F4 - F6
  end)
end)

describe("acceleration that finds nothing steady", function()
  it("is the plain engine, to the last event", function()
    for _, cc in ipairs { "hpcc", "dcqcn" } do
      local plain, iterate_plain = rings { engine = { cc = cc } }
      local off, iterate_off = rings { engine = with(BOTH, { cc = cc, theta = 0 }) }
      iterate_plain()
      iterate_off()
      assert.equal(fingerprint(plain), fingerprint(off))
      assert.equal(plain.core:stats().events, off.core:stats().events)
      assert.equal(0, off:acceleration().events_skipped)
    end
  end)
end)

describe("acceleration", function()
  it("is the same on both Lua machines", function()
    local script = support.file [[
      local weft = require "weft"
      local sim = weft.simulation {
        topology = weft.topology.rail_optimized { servers = 4, spines = 2, nic = "100Gbps" },
        cc = "dcqcn", memoize = true, fast_forward = true, audit = 0.5,
      }
      local job = sim:add_job(weft.workload.allreduce { size = "48MiB", channels = 2, ranks = 16 })
      sim:degrade(sim.fabric:link("gpu0", "leaf0"), { at = "1ms", factor = 1 / 2 })
      for i = 1, 5 do sim:run { stop_at = i * 1e-3 } end
      sim:run()
      print(job:summary())
      print(sim:acceleration())
      print(sim:stats().fingerprint)
    ]]
    local said = {}
    for i, program in ipairs { "weft", "weftjit" } do
      local pipe = assert(io.popen(("%s/%s %s 2>&1"):format(helper.build, program, script)))
      said[i] = pipe:read "*a"
      pipe:close()
    end
    os.remove(script)
    assert.truthy(said[1]:find("acceleration +memoize, fast_forward\n"), said[1])
    assert.equal(said[1], said[2])
  end)

  it("skips what an algorithm in Lua makes, as it does for the engine's own", function()
    dofile "examples/06-own-cc/dctcp.lua"
    local function run(cc, options)
      local sim = weft.simulation(with({
        topology = weft.topology.star { hosts = 5, rate = "100Gbps" }, cc = cc,
      }, options))
      sim:add_flow { src = 0, dst = 2, size = "12MB" }
      sim:add_flow { src = 1, dst = 2, size = "6MB", start = "300us" }
      sim:add_flow { src = 3, dst = 4, size = "6MB", start = "300us" }
      sim:run()
      return completion_times(sim), sim:acceleration()
    end
    local skip = {
      fast_forward = true, theta = 0.1, steady_samples = 8, steady_period = "20us",
    }
    local exact = run("dctcp", {})
    for _, cc in ipairs { "dctcp", "lua_dctcp" } do
      local times, report = run(cc, skip)
      assert.is_true(report.events_skipped_pct > 50, cc)
      for i = 1, 3 do
        assert.is_true(math.abs(times[i] / exact[i] - 1) < 1e-3, cc)
      end
    end
  end)
end)

-- Flows that start others when they end, on all rails at once.
describe("a training iteration", function()
  local scenario = dofile "scenarios/build/wormhole.lua"

  local function iteration(model, cc, accel, threads)
    local sim = scenario.build({
      model = model, gpus = 32, groups = scenario.groups(model, 32), nic = "100Gbps",
      accel = accel or "both", iterations = 1, scale_bytes = 0.05,
      engine = { cc = cc, seed = 1, threads = threads, audit = 0.1 },
    }).sim
    return sim, function(at)
      sim:degrade(sim.fabric:link("gpu3", "leaf3"), { at = at, factor = 1 / 4 })
    end
  end

  it("is the same on any number of threads, in all that is reported", function()
    for _, case in ipairs {
      { "gpt7b", "hpcc", "both" }, { "gpt7b", "dcqcn", "steady" }, { "moe8x7b", "dctcp", "memo" },
    } do
      local name, reports = table.concat(case, " "), {}
      for threads = 1, 3 do
        local sim = iteration(case[1], case[2], case[3], threads)
        sim:run()
        local stats = sim.core:stats()
        reports[threads] = {
          stats.fingerprint, stats.events, stats.packet_hops, tostring(sim:acceleration()),
          completion_times(sim),
        }
      end
      assert.same(reports[1], reports[2], name)
      assert.same(reports[1], reports[3], name)
    end
  end)

  it("is the same in steps, forked, and if a failure is announced or typed", function()
    for _, case in ipairs { { "gpt7b", "hpcc" }, { "gpt7b", "dcqcn" }, { "moe8x7b", "swift" } } do
      local name = table.concat(case, " ")
      local whole, steps = iteration(case[1], case[2]), iteration(case[1], case[2])
      whole:run()
      local time = whole:now_ps() * 1e-12
      for i = 1, 17 do steps:run { stop_at = time * i / 17 } end
      steps:run()
      assert.equal(fingerprint(whole), fingerprint(steps), name)
      assert.same(completion_times(whole), completion_times(steps), name)

      local at = math.floor(whole:now_ps() * 0.613) * 1e-12
      local announced, degrade = iteration(case[1], case[2])
      degrade(at)
      announced:run()
      local typed, degrade_now = iteration(case[1], case[2])
      typed:run { stop_at = at }
      degrade_now(at)
      local fork = typed:fork()
      typed:run()
      fork:run()
      assert.is_true(typed:now_ps() > whole:now_ps(), name)
      assert.same(completion_times(announced), completion_times(typed), name)
      assert.equal(fingerprint(announced), fingerprint(typed), name)
      assert.equal(fingerprint(fork), fingerprint(typed), name)
      assert.is_true(typed.core:check(), name)
      assert.is_true(typed:acceleration().events_skipped_pct > 50, name)
    end
  end)
end)
