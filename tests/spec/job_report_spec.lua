local sharing = require "weft.sharing"
local support = require "support"
local weft = require "weft"

local workload, placement = weft.workload, weft.placement

local function two_flows(options)
  local sim = weft.simulation {
    topology = weft.topology.dumbbell { hosts = 2 }, cc = options.cc or "dctcp",
  }
  for i = 0, 1 do
    sim:add_job(workload.flows { { src = i, dst = 2 + i, size = "4MB", start = options.start } })
  end
  return sim
end

local function collectives(fabric, placed, options)
  local given = { topology = fabric, cc = "dctcp" }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given)
  sim:add_job(workload.allreduce { size = "1MiB", ranks = placed[1] })
  sim:add_job(workload.all_to_all { size = "1MiB", ranks = placed[2], start = "30us" })
  return sim
end

local leaves = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 }

-- Bytes of all jobs and of the script on each port, against the port's own counter.
local function ensure_conserved(sim)
  local usage, busy = sharing.usage(sim), 0
  for port, sent in ipairs(sim:ports():column "tx_bytes") do
    local sum = 0
    for owner = 0, #sim.jobs do sum = sum + usage:bytes(port - 1, owner) end
    assert.equal(sent, sum)
    assert.equal(0, usage:unowned(port - 1))
    if sum > 0 then busy = busy + 1 end
  end
  assert.is_true(busy > 0)
end

describe("bytes of jobs on ports", function()
  it("add up to what the ports have sent", function()
    for _, cc in ipairs { "dctcp", "hpcc", "timely" } do
      local sim = collectives(leaves, placement.spread(leaves, { 4, 4 }), { cc = cc })
      sim:add_flow { src = 0, dst = 7, size = "200KB" }
      sim:run()
      ensure_conserved(sim)
    end
  end)

  it("tell what is still under way", function()
    local sim = two_flows {}
    sim:run { stop_at = "100us" }
    local usage, unowned = sharing.usage(sim), 0
    for port = 0, #sim:ports() - 1 do unowned = unowned + usage:unowned(port) end
    assert.is_true(unowned > 0)
    assert.is_true(unowned <= sim:stats().bytes_in_flight * 4)
  end)

  it("are spread evenly over the time of a flow", function()
    local sim = two_flows {}
    sim:run()
    local usage, middle = sharing.usage(sim), 8
    local own, others = usage:between(middle, 1, 0, sim:now_ps())
    assert.is_true(math.abs(own - usage:bytes(middle, 1)) < 1)
    assert.is_true(math.abs(others - usage:bytes(middle, 2)) < 1)
    own = usage:between(middle, 1, 0, sim:flows():row(1).received_ps / 2)
    assert.is_true(math.abs(own - usage:bytes(middle, 1) / 2) < usage:bytes(middle, 1) / 500)
  end)
end)

describe("a report on jobs", function()
  it("finds that two equal flows take half of the link from each other", function()
    local sim = two_flows {}
    sim:run()
    local report = sim:job_report()
    for j, entry in ipairs(report.jobs) do
      assert.equal(sim:flows():row(j).ideal_ps, entry.alone_ps)
      assert.is_true(entry.slowdown > 1.95 and entry.slowdown < 2.05)
      assert.equal(entry.time_ps - entry.alone_ps, entry.lost_ps)
      local link = entry.links[1]
      assert.same({ "switch0", "switch1", 1, 1 },
        { link.from, link.to, link.share, link.given_flows })
      assert.is_true(math.abs(link.given_ps / entry.lost_ps - 1) < 0.05)
      assert.is_true(math.abs(link.own_utilization - link.others_utilization) < 0.02)
      assert.equal(0, entry.links[2].given_ps)
    end
    assert.equal(0, report.unowned_bytes)
  end)

  it("finds no loss where jobs do not meet", function()
    local sim = collectives(leaves, placement.packed(leaves, { 4, 4 }))
    sim:run()
    local report = sim:job_report()
    for _, entry in ipairs(report.jobs) do
      assert.same({ 1, 0, 0, 1 },
        { entry.slowdown, entry.lost_ps, entry.moved, entry.fct_slowdown })
    end
    assert.truthy(tostring(report):find("no flow gave way to another job", 1, true))
  end)

  it("runs a job alone as it would have run without the others", function()
    local placed = placement.spread(leaves, { 4, 4 })
    local sim = collectives(leaves, placed)
    sim:run()
    local alone = weft.simulation { topology = leaves, cc = "dctcp" }
    local job = alone:add_job(workload.allreduce { size = "1MiB", ranks = placed[1] })
    alone:run()
    assert.equal(job:time_ps(), sim:job_report().jobs[1].alone_ps)
  end)

  it("counts flows that take another way alone, and has none with ways by pair", function()
    local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 4 }
    local moved = {}
    for _, ecmp in ipairs { "mix", "pair" } do
      local sim = collectives(fabric, placement.spread(fabric, { 4, 4 }), { ecmp = ecmp })
      sim:run()
      local jobs = sim:job_report().jobs
      moved[ecmp] = jobs[1].moved + jobs[2].moved
    end
    assert.is_true(moved.mix > 0)
    assert.equal(0, moved.pair)
  end)

  it("keeps failures, and moments at which jobs were added, in the runs alone", function()
    local fabric = weft.topology.star { hosts = 4 }
    local sim = weft.simulation { topology = fabric, cc = "dctcp" }
    sim:degrade(fabric:link("h1", "switch0"), { at = "30us", factor = 1 / 4 })
    sim:add_job(workload.flows { { src = 0, dst = 1, size = "1MB" } })
    sim:run { stop_at = "40us" }
    sim:add_job(workload.flows { { src = 2, dst = 3, size = "1MB" } })
    sim:run()
    for _, entry in ipairs(sim:job_report().jobs) do assert.equal(entry.time_ps, entry.alone_ps) end
    local prepared = 0
    sim:job_report { prepare = function() prepared = prepared + 1 end }
    assert.equal(2, prepared)
  end)

  it("is the same for a fork", function()
    local sim = collectives(leaves, placement.spread(leaves, { 4, 4 }))
    sim:run { stop_at = "50us" }
    local fork = sim:fork()
    sim:run()
    fork:run()
    assert.equal(tostring(sim:job_report()), tostring(fork:job_report()))
  end)

  it("needs jobs", function()
    local sim = weft.simulation { topology = leaves }
    sim:add_flow { src = 0, dst = 1, size = 1000 }
    assert.truthy(support.error_of(sim.job_report, sim):find("expected jobs", 1, true))
    sim:add_job(workload.allreduce { size = "1MiB", keep_flows = false })
    assert.truthy(support.error_of(sim.job_report, sim):find("job 1 (allreduce) has keep_flows", 1,
      true))
  end)

  it("says what is not complete, and of flows that found no way", function()
    local sim = two_flows { start = "1us" }
    sim:fail(4, { at = "50us" })
    sim:run()
    local report = sim:job_report()
    for _, entry in ipairs(report.jobs) do
      assert.is_false(entry.complete)
      assert.is_nil(entry.slowdown)
    end
    assert.truthy(tostring(report):find("belong to no flow", 1, true))
  end)

  it("counts what is sent again, and where packets are dropped", function()
    local sim = collectives(leaves, placement.spread(leaves, { 4, 4 }),
      { pfc = false, buffer = "20KB", rto = "100us" })
    sim:run()
    local report, again, drops = sim:job_report { alone = false }, 0, 0
    for _, entry in ipairs(report.jobs) do again = again + entry.retransmits end
    for _, link in ipairs(report.jobs[1].links) do drops = drops + link.drops end
    assert.equal(sim:stats().retransmits, again)
    assert.is_true(again > 0 and drops > 0 and drops <= sim:stats().packets_dropped)
    assert.is_true(report.unowned_bytes > 0)
  end)

  it("is written as CSV and JSON with the same numbers", function()
    local sim = two_flows {}
    sim:run()
    local report = sim:job_report()
    local path = support.file ""
    report:write_csv(path, path .. ".links")
    local jobs, links = weft.csv.read(path), weft.csv.read(path .. ".links")
    assert.equal(2, #jobs)
    assert.equal(report.jobs[2].lost_ps, tonumber(jobs[2].lost_ps))
    assert.equal(#report.jobs[1].links + #report.jobs[2].links, #links)
    report:write_json(path)
    local text = support.content(path)
    assert.truthy(text:find("\"alone_ps\": " .. weft.csv.field(report.jobs[1].alone_ps), 1, true))
    os.remove(path)
    os.remove(path .. ".links")
  end)

  it("is drawn", function()
    local sim = collectives(leaves, placement.spread(leaves, { 4, 4 }))
    sim:run()
    local path = support.file "" .. ".svg"
    weft.viz.jobs(sim:job_report { alone = false }, { file = path })
    assert.truthy(support.content(path))
    os.remove(path)
    assert.truthy(support.error_of(weft.viz.jobs, {}, { file = path }):find("job_report", 1, true))
  end)
end)
