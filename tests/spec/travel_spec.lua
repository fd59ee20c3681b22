-- Time travel: stopping where one wants, going back, and going on in another way.
local weft = require "weft"
local support = require "support"

local error_of = support.error_of

dofile("examples/06-own-cc/dctcp.lua")

-- A fabric of 8 hosts, of which 7 send to the last.
local function many(options)
  local given = { topology = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4 } }
  for name, value in pairs(options) do given[name] = value end -- order-free: a copy
  local sim = weft.simulation(given)
  for i = 1, 10 do sim:add_flow { src = "h" .. i % 7, dst = "h7", size = 50000 * i } end
  return sim
end

local function incast(cc, options)
  local given = { cc = cc or "dctcp" }
  for name, value in pairs(options or {}) do given[name] = value end -- order-free: a copy
  return many(given)
end

local function fingerprint(sim)
  assert.equal("done", (sim:run()))
  assert.is_true(sim.core:check())
  return sim:stats().fingerprint
end

local function alone(size)
  local sim = weft.simulation { topology = weft.topology.star { hosts = 3 }, cc = "dctcp" }
  sim:add_flow { src = "h1", dst = "h2", size = size }
  return sim
end

describe("a run stops", function()
  it("after a time from now", function()
    local sim = alone "1MB"
    assert.equal("until", sim:run { stop_at = "10us" })
    assert.equal("until", sim:run { stop_at = "+20us" })
    assert.equal(30e6, sim:now_ps())
    assert.equal("until", sim:run { stop_at = " + 1.5 us" })
    assert.equal(31.5e6, sim:now_ps())
    assert.equal("until", sim:run { stop_at = 40e-6 })
    assert.equal(40e6, sim:now_ps())
    assert.matches("option 'stop_at': time 'soon': expected a number",
      error_of(sim.run, sim, { stop_at = "+soon" }))
  end)

  it("when a job is complete, in the instant in which it is", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "dctcp" }
    local first = sim:add_job(weft.workload.allreduce { size = "64KiB" })
    local second = sim:add_job(weft.workload.allreduce { size = "1MiB" })
    assert.equal("until", sim:run { stop_at = first })
    assert.equal(first:time_ps(), sim:now_ps())
    assert.is_false(second:result().complete)
    assert.equal("until", sim:run { stop_at = first }) -- it is
    assert.equal(first:time_ps(), sim:now_ps())
    sim:run()
    local straight = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "dctcp" }
    straight:add_job(weft.workload.allreduce { size = "64KiB" })
    straight:add_job(weft.workload.allreduce { size = "1MiB" })
    assert.equal(fingerprint(straight), sim:stats().fingerprint)
    local fork = sim:fork()
    assert.matches("expected a job of this simulation", error_of(fork.run, fork,
      { stop_at = first }))
  end)

  it("when a function says so", function()
    local sim, asked = incast(), 0
    local outcome = sim:run { stop_at = function(now)
      asked = asked + 1
      assert.equal(sim, now)
      return now:stats().flows_done >= 2
    end }
    assert.equal("until", outcome)
    assert.equal(2, sim:stats().flows_done)
    local ends = {}
    for i, fct in ipairs(sim:flows():column "fct_ps") do ends[i] = fct end
    table.sort(ends)
    assert.equal(ends[#ends], sim:now_ps())
    assert.equal(sim:stats().events + 1, asked) -- also before the first
    assert.equal(fingerprint(incast()), fingerprint(sim))
  end)

  it("after events", function()
    local sim = alone "1MB"
    assert.equal("budget", sim:step())
    assert.equal(1, sim:stats().events)
    assert.equal("budget", sim:step(9))
    assert.equal(10, sim:stats().events)
    assert.equal("done", sim:step(1e6))
    assert.matches("step: expected", error_of(sim.step, sim, 0))
  end)
end)

describe("a breakpoint", function()
  it("stops a run when a flow is done", function()
    local sim = alone(100000)
    local breakpoint = sim:break_at { flow = 0 }
    local outcome, hit = sim:run()
    assert.equal("break", outcome)
    assert.equal(breakpoint, hit.breakpoint)
    assert.equal(sim:flow(0).fct_ps, sim:now_ps())
    assert.equal(sim:flow(0).ideal_ps, hit.at_ps)
    assert.matches("^at .*: flow 0 %(h1 to h2%) is done %(breakpoint 1%)$", tostring(hit))
    assert.equal("done", sim:run()) -- with what its ACKs do
  end)

  it("stops a run in the instant of a mark, and not before", function()
    local sim = incast()
    local port = sim:port("leaf1", "h7")
    sim:break_at { port = "leaf1-h7", event = "mark" }
    local outcome, hit = sim:run()
    assert.equal("break", outcome)
    assert.equal("leaf1 to h7 marked a packet", hit.what)
    assert.equal(1, sim:ports():at(port).ecn_marks)
    local other = incast()
    other:run { stop_at = ("%d ps"):format(hit.at_ps - 1) }
    assert.equal(0, other:ports():at(port).ecn_marks)
    other:run { stop_at = ("%d ps"):format(hit.at_ps) }
    assert.equal(1, other:ports():at(port).ecn_marks)
    sim:run()
    assert.equal(2, sim:ports():at(port).ecn_marks)
    sim:breakpoints()[1]:remove()
    assert.equal("no breakpoints", tostring(sim:breakpoints()))
    assert.equal(fingerprint(incast()), fingerprint(sim))
  end)

  it("knows pauses, drops and packets that are sent again", function()
    local sim = incast("window", { buffer = "300kB" })
    sim:break_at { event = "pause" }
    local outcome, hit = sim:run()
    assert.equal("break", outcome)
    assert.matches("was paused$", hit.what)
    assert.equal(1, sim:stats().pfc_pauses)
    sim = incast("window", { buffer = "200kB", pfc = false })
    sim:break_at { port = { "leaf1", "h7" }, event = "drop" }
    outcome, hit = sim:run()
    assert.equal("break", outcome)
    assert.equal(1, sim:ports():at(sim:port("leaf1", "h7")).drops)
    assert.equal("leaf1 to h7 lost a packet", hit.what)
    sim:break_at { event = "retransmit" }
    sim:breakpoints()[1]:remove()
    outcome, hit = sim:run()
    assert.equal("break", outcome)
    assert.matches("^flow %d.* sent a packet again$", hit.what)
  end)

  it("is refused for what is not counted", function()
    local sim = incast()
    assert.matches("a flow has no event 'drop'; expected one of: done, mark, retransmit",
      error_of(sim.break_at, sim, { flow = 0, event = "drop" }))
    assert.matches("option 'event' is missing", error_of(sim.break_at, sim, { port = 1 }))
    assert.matches("one of 'flow' and 'port'", error_of(sim.break_at, sim,
      { flow = 1, port = 1, event = "mark" }))
    assert.matches("'event'", error_of(sim.break_at, sim, { event = "marks" }))
    assert.matches("unknown node or link 'h9", error_of(sim.break_at, sim,
      { port = "h9-leaf1", event = "mark" }))
    local ideal = weft.simulation { topology = weft.topology.star { hosts = 3 }, engine = "ideal" }
    assert.matches("engine 'ideal' has no event 'mark'", error_of(ideal.break_at, ideal,
      { event = "mark" }))
    ideal:add_flow { src = 0, dst = 1, size = 1000 }
    ideal:break_at { flow = 0, event = "done" }
    assert.equal("break", (ideal:run()))
    assert.equal(ideal:flow(0).fct_ps, ideal:now_ps())
  end)
end)

describe("going back", function()
  it("leads to the same bits, whatever the engine and the congestion control", function()
    for _, one in ipairs {
      { cc = "dctcp" }, { cc = "hpcc" }, { cc = "dcqcn" }, { cc = "swift" }, { cc = "lua_dctcp" },
      { cc = "dctcp", threads = 2 }, { cc = "dctcp", compat = "ns3" },
      { engine = "fluid" }, { engine = "ideal" }, { engine = "fluid-cc", cc = "dctcp" },
      { cc = "dctcp", fast_forward = true },
    } do
      local straight, sim = fingerprint(many(one)), many(one)
      sim:run { stop_at = "50us" }
      sim:run { stop_at = "120us" }
      sim:back "20us"
      assert.equal(20e6, sim:now_ps())
      assert.equal(straight, fingerprint(sim))
      sim:back "0s"
      assert.equal(straight, fingerprint(sim))
      sim:back "-30us"
      assert.equal(straight, fingerprint(sim))
    end
  end)

  it("undoes what was done since, and takes something else", function()
    local sim = incast()
    sim:run { stop_at = "20us" }
    sim:degrade("leaf1-h7", { factor = 1 / 4 })
    local extra = sim:add_flow { src = "h0", dst = "h7", size = "1MB" }
    sim:run()
    local slow = sim:now_ps()
    sim:back "20us"
    assert.equal(0, #sim:failures())
    assert.equal(10, extra)
    assert.equal(10, #sim:flows())
    assert.equal(fingerprint(incast()), fingerprint(sim))
    assert.is_true(sim:now_ps() < slow)
    sim:back()
    sim:degrade("leaf1-h7", { factor = 1 / 4 })
    sim:add_flow { src = "h0", dst = "h7", size = "1MB" }
    sim:run()
    assert.equal(slow, sim:now_ps())
  end)

  it("leaves handles valid, or they say that they are of the future", function()
    local sim = incast()
    local flow, table_of = sim:flow(3), sim:flows()
    sim:sample { period = "1us", queues = { sim:port("leaf1", "h7") } }
    sim:run { stop_at = "40us" }
    local ahead = sim:flow(sim:add_flow { src = "h0", dst = "h7", size = "1MB" })
    local job = sim:add_job(weft.workload.allreduce { size = "1MiB", start = "50us" })
    local now = sim:flows()
    sim:run { stop_at = "60us" }
    local later = flow.delivered_bytes
    sim:back "30us"
    assert.is_true(flow.delivered_bytes < later)
    assert.equal(30, sim:series("port_queue", sim:port("leaf1", "h7")).count)
    assert.matches("flow 10 is of the future: sim:back went to 30 us", error_of(function()
      return ahead.size_bytes
    end))
    assert.matches("flow 10  is of the future", tostring(ahead))
    assert.matches("job:summary: expected a job, got one of the future: sim:back went to 30 us",
      error_of(job.summary, job))
    assert.matches("^job 1: one of the future", tostring(job))
    assert.equal(0, #sim.jobs)
    assert.matches("gone back in time since", error_of(now.column, now, "fct_ps"))
    assert.matches("since; ask for the table again", error_of(table_of.column, table_of, "fct_ps"))
    assert.equal(10, sim:add_flow { src = "h1", dst = "h7", size = 77 })
    assert.equal(77, sim:flow(10).size_bytes)
    assert.matches("of the future", error_of(function() return ahead.size_bytes end))
  end)

  it("goes to where a breakpoint has stopped a run", function()
    local sim = incast()
    local breakpoint = sim:break_at { event = "done" }
    assert.matches("has not stopped a run yet", error_of(sim.back, sim, breakpoint))
    sim:run()
    local at_ps = sim:now_ps()
    breakpoint:remove()
    sim:run()
    sim:back(breakpoint)
    assert.equal(at_ps, sim:now_ps())
    assert.equal(1, sim:stats().flows_done)
    sim:back "1us"
    assert.equal(0, #breakpoint.hits)
  end)

  it("takes what a congestion control in Lua keeps with it, where it is kept", function()
    local log, calls = {}, 0
    weft.cc.define("spec_log", {
      start = function(f) f.own = { count = 0 } end,
      on_ack = function(f)
        f.own.count = f.own.count + 1
        calls = calls + 1
        log[#log + 1] = f.id
        f.rate = f.line_rate / (1 + f.own.count % 3)
      end,
    })
    local sim = incast("spec_log")
    sim:run { stop_at = "30us" }
    local count, kept = calls, #log
    sim:run { stop_at = "60us" }
    assert.is_true(calls > count)
    sim:back "30us"
    assert.equal(count, calls)
    assert.equal(kept, #log)
    local straight = sim:fork()
    sim:break_at { event = "done" }
    sim:run()
    local at_break = calls
    sim:back "30us"
    sim:run()
    assert.equal(at_break, calls)
    sim:breakpoints()[1]:remove()
    assert.equal(fingerprint(straight), fingerprint(sim))
    assert.equal(fingerprint(incast("spec_log")), fingerprint(sim:back "0s"))
  end)

  it("goes back over flows that are read as the run goes", function()
    local function make()
      local sim = weft.simulation { topology = weft.topology.star { hosts = 8 }, cc = "dctcp" }
      local job = sim:add_job(weft.workload.synthetic {
        load = 0.3, sizes = { kind = "fixed", size = 2000 }, flows = 40000,
      })
      return sim, job
    end
    local sim, job = make()
    sim:run()
    local straight, all = sim:stats().fingerprint, job:result().flows
    sim:back(sim:now() / 2)
    assert.is_true(job:result().done < all)
    sim:run()
    assert.equal(straight, sim:stats().fingerprint)
    assert.equal(all, job:result().done)
    sim:back "0s"
    sim:run()
    assert.equal(straight, sim:stats().fingerprint)
  end)

  it("is refused where no snapshot leads", function()
    local sim = incast()
    assert.matches("has not run yet", error_of(sim.back, sim))
    sim:run { stop_at = "10us" }
    assert.matches("expected a time up to the present, 10 us, got '20us'", error_of(sim.back, sim,
      "20us"))
    assert.matches("back: time 'soon': expected a number", error_of(sim.back, sim, "soon"))
    assert.matches("0 s: .*kB\n.* of 256 MiB$", tostring(sim:snapshots()))
    assert.equal(0, #sim:snapshots { memory = 0 })
    sim:run()
    assert.matches("a time to which a snapshot leads, got 5 us", error_of(sim.back, sim, "5us"))
  end)
end)

describe("another congestion control on the way", function()
  local names = { "hpcc", "dcqcn", "timely", "swift", "window", "dctcp", "lua_dctcp" }

  it("completes what the former one began, and can be undone", function()
    for i, from in ipairs(names) do
      local sim, straight = incast(from), fingerprint(incast(from))
      sim:run { stop_at = "30us" }
      local to = names[i % #names + 1]
      sim:set_cc(to)
      assert.matches("cc " .. to .. ";", tostring(sim))
      assert.equal("done", (sim:run()))
      assert.is_true(sim.core:check())
      assert.equal(10, sim:stats().flows_done)
      local other = sim:stats().fingerprint
      sim:back "30us"
      assert.matches("cc " .. from .. ";", tostring(sim))
      assert.equal(straight, fingerprint(sim))
      sim:back "30us":set_cc(to)
      assert.equal(other, fingerprint(sim))
    end
  end)

  it("is in force for flows that start later as if it had been from the beginning", function()
    local function later(cc)
      local sim = weft.simulation { topology = weft.topology.star { hosts = 5 }, cc = cc }
      for host = 1, 4 do
        sim:add_flow { src = host, dst = 0, size = 200000 + host, start = "10us" }
      end
      sim:run { stop_at = "5us" }
      return sim
    end
    for _, name in ipairs(names) do
      local sim = later "window"
      sim:set_cc(name)
      assert.equal(fingerprint(later(name)), fingerprint(sim))
    end
  end)

  it("is refused where it cannot be", function()
    local sim = incast()
    assert.matches("did you mean 'hpcc'", error_of(sim.set_cc, sim, "hpc"))
    sim = incast("dctcp", { compat = "ns3" })
    assert.matches("with compat = 'ns3'", error_of(sim.set_cc, sim, "hpcc"))
    sim = incast("dctcp", { fast_forward = true })
    assert.matches("with fast_forward or memoize", error_of(sim.set_cc, sim, "hpcc"))
    sim = many { engine = "fluid" }
    assert.matches("engine 'fluid' has no packets", error_of(sim.set_cc, sim, "hpcc"))
  end)
end)

describe("a watched run", function()
  it("draws a line for each queue, port and flow, and changes nothing", function()
    local sim, printed, print_before = incast(), {}, print
    _G.print = function(text) printed[#printed + 1] = text end -- luacheck: ignore
    local good, outcome = pcall(sim.watch, sim, {
      queues = { "leaf1-h7" }, ports = { { "leaf1", "h7" } }, flows = { 3 }, stop_at = "+100us",
    })
    local rest = good and sim:watch { flows = { 9 } }
    _G.print = print_before -- luacheck: ignore
    assert.is_true(good, outcome)
    assert.equal("until", outcome)
    assert.equal("done", rest)
    local lines = {}
    for line in printed[1]:gmatch "[^\n]+" do lines[#lines + 1] = line end
    assert.equal(4, #lines)
    assert.matches("^queue leaf1 to h7  .* kB, at most ", lines[1])
    assert.matches("^leaf1 to h7 .* at most 12.50 GB/s$", lines[2])
    assert.matches("^flow 3 %(h4 to h7%)", lines[3])
    assert.equal("at 100 us, 2 us a column", lines[4])
    assert.equal(fingerprint(incast()), sim:stats().fingerprint)
  end)

  it("stops at breakpoints, and is refused without anything to watch", function()
    local sim = incast()
    assert.matches("expected one of queues, ports and flows", error_of(sim.watch, sim))
    assert.matches("unknown node or link", error_of(sim.watch, sim, { queues = { "h9-x" } }))
    assert.matches("flows', number 1: expected", error_of(sim.watch, sim, { flows = { 99 } }))
  end)

  it("has blocks from nothing to the largest", function()
    local watch = require "weft.watch"
    assert.equal("▁▁▄█", watch.sparkline { 0, 1, 4, 8 })
    assert.equal("▁▁", watch.sparkline { 0, 0 })
  end)
end)
