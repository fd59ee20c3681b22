-- What weft writes for other tools, and reads back.
local support = require "support"
local weft = require "weft"

local temporary

before_each(function() temporary = os.tmpname() end)
after_each(function() os.remove(temporary) end)

local function simulate(fabric, work, options)
  local given = { topology = fabric, cc = "window" }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given)
  local job = work and sim:add_job(work)
  sim:run()
  return sim, job
end

local function star(hosts) return weft.topology.star { hosts = hosts } end

-- Flows as text, in the order in which they started.
local function flows_of(sim)
  local list = {}
  for _, row in sim:flows():rows() do
    list[#list + 1] = ("%.0f %d %d %d"):format(row.start_ps, row.src, row.dst, row.size_bytes)
  end
  table.sort(list)
  return list
end

local some_flows = {
  { src = "h1", dst = "h2", size = 123457, start = "3ns" },
  { src = "h0", dst = "h2", size = 1, start = 0 },
  { src = "h2", dst = "h0", size = "200kB", start = "1.5us" },
}

describe("HPCC files", function()
  it("hold the same fabric and the same flows", function()
    local topology = os.tmpname()
    local sim = simulate(star(3), weft.workload.flows(some_flows))
    weft.export.hpcc(sim, { topology = topology, flows = temporary })
    local fabric = weft.topology.from_file(topology)
    os.remove(topology)
    for i, link in ipairs(sim.fabric.links) do
      for _, key in ipairs { "a", "b", "rate_bps", "delay_ps", "loss" } do
        assert.equal(link[key], fabric.links[i][key])
      end
    end
    local back = simulate(fabric, weft.workload.flows { file = temporary })
    assert.same(flows_of(sim), flows_of(back))
    -- The order of the file is the order of starts.
    local fct = sim:flows():column "fct_ps"
    assert.same({ fct[2], fct[1], fct[3] }, back:flows():column "fct_ps")
  end)

  it("have SimAI's header where there is NVLink", function()
    local fabric = weft.topology.rail_optimized { servers = 2, gpus_per_server = 2 }
    weft.export.hpcc(weft.simulation { topology = fabric }, { topology = temporary })
    assert.equal(2, #require("weft.formats.hpcc").ids_of_kind(
      weft.topology.from_file(temporary), "nvswitch"))
  end)

  it("are not written for what is not there", function()
    local sim = weft.simulation { topology = star(2) }
    local function fails(fragment, ...)
      assert.truthy(support.error_of(...):find(fragment, 1, true))
    end
    os.remove(temporary)
    fails("export.hpcc: there are no flows", weft.export.hpcc, sim, { flows = temporary })
    fails("expected option 'topology' or 'flows', got neither", weft.export.hpcc, sim, {})
    fails("export.goal: expected a simulation or a job, got 3", weft.export.goal, 3, {})
    fails("export.trace: option 'file' is missing", weft.export.trace, sim, {})
    assert.is_nil(support.content(temporary))
  end)
end)

describe("Connection matrix", function()
  it("holds the same flows", function()
    local sim = simulate(star(3), weft.workload.flows(some_flows))
    weft.export.connections(sim, { file = temporary })
    assert.same(flows_of(sim),
      flows_of(simulate(star(3), weft.workload.connections { file = temporary })))
  end)
end)

describe("GOAL schedule", function()
  it("of a schedule is the same schedule", function()
    local matrix = support.file("Nodes 3\nConnections 3\nTriggers 2\n"
      .. "0->1 start 7000 size 100 recv_done_trigger 1\n1->2 trigger 1 size 900 "
      .. "send_done_trigger 2\n1->0 trigger 2 size 50\n"
      .. "trigger id 1 oneshot\ntrigger id 2 oneshot\n")
    local order = { "h3", "h1", "h0" }
    for _, work in ipairs {
      weft.workload.goal { file = "tests/fixtures/pingpong.goal", ranks = order },
      weft.workload.connections { file = matrix, ranks = order },
    } do
      local sim, job = simulate(star(4), work)
      weft.export.goal(job, { file = temporary })
      local back, again = simulate(star(4),
        weft.workload.goal { file = temporary, ranks = order })
      assert.equal(job:time_ps(), again:time_ps())
      assert.same(flows_of(sim), flows_of(back))
    end
    os.remove(matrix)
  end)

  it("of a list of flows starts each at its time", function()
    local sim = simulate(star(3), weft.workload.flows(some_flows))
    weft.export.goal(sim, { file = temporary })
    assert.same(flows_of(sim),
      flows_of(simulate(star(3), weft.workload.goal { file = temporary })))
  end)

  it("of a collective lets a message wait for the one before it", function()
    local sim, job = simulate(star(4), weft.workload.allreduce { size = "1MB" })
    weft.export.goal(job, { file = temporary })
    local back, again = simulate(star(4), weft.workload.goal { file = temporary })
    assert.equal(job:time_ps(), again:time_ps())
    assert.same(flows_of(sim), flows_of(back))
    -- On links of half the rate everything moves with the messages that it waits for.
    local slow = weft.topology.star { hosts = 4, rate = "50Gbps" }
    local _, slower = simulate(slow, weft.workload.allreduce { size = "1MB" })
    local _, replayed = simulate(slow, weft.workload.goal { file = temporary })
    assert.equal(slower:time_ps(), replayed:time_ps())
  end)

  it("has no words for a connection that waits for others' ends", function()
    local work = weft.workload.connections {
      file = support.file("Nodes 4\nConnections 2\nTriggers 1\n0->1 start 0 size 1 "
        .. "recv_done_trigger 1\n2->3 trigger 1 size 1\ntrigger id 1 oneshot\n"),
    }
    local _, job = simulate(star(4), work)
    os.remove(work.options.file)
    assert.matches(":5: waits for rank 0 without a message from it, which GOAL cannot say$",
      support.error_of(weft.export.goal, job, { file = temporary }))
  end)
end)

describe("Trace", function()
  -- Spans of a trace by category: list of "process name begin us duration us".
  local function spans_of(path)
    local process, spans = {}, {}
    for line in io.lines(path) do
      local pid, name =
        line:match('"ph":"M","pid":(%d+),"name":"process_name","args":{"name":"(.-)"}')
      if pid then process[pid] = name end
      local of, kind, what, from, took =
        line:match('"ph":"X","pid":(%d+),.-"cat":"(.-)","name":"(.-)","ts":([%d.]+),"dur":([%d.]+)')
      if of then
        spans[kind] = spans[kind] or {}
        table.insert(spans[kind], ("%s %s %s %s"):format(process[of], what, from, took))
      end
    end
    return spans
  end

  it("shows hosts that compute, send and take part in collectives", function()
    local sim = weft.simulation { topology = star(3), cc = "window" }
    local job = sim:add_job(weft.workload.allreduce { size = 3000, ranks = 2 })
    local compute = sim.core:task_add { kind = "compute", src = 2, duration_ps = 1500000 }
    local send = sim.core:task_add { kind = "send", src = 2, dst = 0, size_bytes = 5 }
    sim.core:task_after(send, compute)
    sim:run()
    weft.export.trace(sim, { file = temporary })
    local spans, us = spans_of(temporary), function(ps) return (("%.6f"):format(ps / 1e6)) end
    assert.same({ "h2 compute 0 1.500000" }, spans.compute)
    assert.equal(2, #spans.collectives)
    assert.equal("h0 allreduce 0 " .. us(job:time_ps()), spans.collectives[1])
    assert.equal("jobs job 1: allreduce 0 " .. us(job:time_ps()), spans.jobs[1])
    assert.equal(5, #spans.send)
    assert.matches("^h2 to h0 1%.500000 ", spans.send[5])
    weft.export.trace(job, { file = temporary, flows = false })
    spans = spans_of(temporary)
    assert.is_nil(spans.send)
    assert.is_nil(spans.compute)
    assert.equal(2, #spans.collectives)
  end)

  it("keeps events that overlap on tracks of their own", function()
    local sim = weft.simulation { topology = star(4), cc = "window" }
    for i = 1, 3 do sim:add_flow { src = "h0", dst = "h" .. i, size = 10000 } end
    sim:run { stop_at = "1us" }
    weft.export.trace(sim, { file = temporary })
    local tracks, unfinished = {}, 0
    for line in io.lines(temporary) do
      local track = line:match('"ph":"X".-"tid":(%d+)')
      if track then tracks[#tracks + 1] = track end
      if line:find('"unfinished":true', 1, true) then unfinished = unfinished + 1 end
    end
    assert.same({ "1", "2", "3" }, tracks)
    assert.equal(3, unfinished)
  end)

  it("has the series that were sampled", function()
    local sim = weft.simulation { topology = star(2), cc = "window" }
    local port = sim:port("h0", "switch0")
    sim:sample { period = "1us", ports = { port } }
    sim:add_flow { src = "h0", dst = "h1", size = 100000 }
    sim:run()
    weft.export.trace(sim, { file = temporary })
    local sum, count = 0, 0
    local sample = '"name":"sent h0 to switch0","ts":%d+,"args":{"bytes":(%d+)}'
    for value in support.content(temporary):gmatch(sample) do
      sum, count = sum + value, count + 1
    end
    local series = sim:series("port_bytes", port)
    assert.equal(series.count, count)
    assert.is_true(sum > 100000)
  end)
end)
