local support = require "support"
local weft = require "weft"

local workload = weft.workload

local function rail(servers)
  return weft.topology.rail_optimized { servers = servers or 2, gpus_per_server = 4 }
end

local function simulate(fabric, work, options)
  local given = { topology = fabric, cc = "window" }
  for key, value in pairs(options or {}) do given[key] = value end
  local sim = weft.simulation(given)
  local job = sim:add_job(work)
  sim:run()
  return job, sim
end

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("AllReduce", function()
  it("sends 2 (n - 1) pieces from every rank", function()
    local job, sim = simulate(weft.topology.star { hosts = 5 }, workload.allreduce { size = 1003 })
    assert.equal(40, #job:flows())
    local sum = 0
    for _, bytes in ipairs(sim:flows():column "size_bytes") do sum = sum + bytes end
    assert.equal(2 * 4 * 1003, sum)
    assert.is_true(job:result().complete)
  end)

  it("has the bandwidths of nccl-tests", function()
    local result = simulate(weft.topology.star { hosts = 4 },
      workload.allreduce { size = "4MiB" }):result()
    assert.equal(4 * 2 ^ 20 * 8e12 / result.time_ps, result.algorithm_bps)
    assert.equal(result.algorithm_bps * 1.5, result.bus_bps)
    -- A ring of 100 Gbit/s links is bound by them; headers and latency take some of it.
    assert.is_true(result.bus_bps > 85e9 and result.bus_bps < 100e9)
  end)

  it("counts its time from its start", function()
    local at_once = simulate(weft.topology.star { hosts = 4 }, workload.allreduce { size = "1MB" })
    local later = simulate(weft.topology.star { hosts = 4 },
      workload.allreduce { size = "1MB", start = "3ms" })
    assert.equal(at_once:time_ps(), later:time_ps())
  end)

  it("goes over every rail with as many channels as NICs", function()
    local _, sim = simulate(rail(2), workload.allreduce { size = "1MiB", channels = 4 })
    local used = {}
    for _, row in sim:ports():rows() do
      if row.from_name:find("^gpu") and row.to_name:find("^leaf") then
        used[#used + 1] = row.tx_packets > 250
      elseif row.from_name:find("^leaf") and row.to_name:find("^spine") then
        assert.equal(0, row.tx_packets)
      end
    end
    assert.same({ true, true, true, true, true, true, true, true }, used)
  end)

  it("visits every rank once in each channel", function()
    local fabric = rail(4)
    for _, order in ipairs(require("weft.rings").orders(fabric, fabric:hosts(), 4)) do
      local seen = {}
      for _, id in ipairs(order) do seen[id] = (seen[id] or 0) + 1 end
      for _, id in ipairs(fabric:hosts()) do assert.equal(1, seen[id]) end
    end
  end)

  it("takes ranks by name, in their order, or so many of the first", function()
    local fabric = weft.topology.star { hosts = 6 }
    local job, sim = simulate(fabric, workload.allreduce { size = 9, ranks = { "h4", "h1", "h2" } })
    local next_of = {}
    for _, row in sim:flows():rows() do next_of[row.src_name] = row.dst_name end
    assert.same({ h4 = "h1", h1 = "h2", h2 = "h4" }, next_of)
    assert.equal(3, job:result().ranks)
    assert.equal(3, simulate(fabric, workload.allreduce { size = 100, ranks = 3 }):result().ranks)
  end)

  it("refuses what does not fit", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
    local function add(options)
      return function() sim:add_job(workload.allreduce(options)) end
    end
    fails("at most the 4 hosts of star, got 5 ranks", add { size = 100, ranks = 5 })
    fails("did you mean 'h3'?", add { size = 100, ranks = { "h0", "h33" } })
    fails("'h1' is rank 1 already", add { size = 100, ranks = { "h1", "h0", "h1" } })
    fails("expected at least 2 ranks, got 1", add { size = 100, ranks = 1 })
    fails("a byte for each of 4 ranks", add { size = 3 })
    fails("channels need hosts that are grouped", add { size = 100, channels = 2 })
    fails("unknown option 'sise'; did you mean 'size'?", add { sise = 1 })
    fails("did you mean 'tree'?", add { size = 100, algorithm = "treee" })
    fails("expected a workload", function() sim:add_job { size = 1 } end)
    assert.equal(0, sim:stats().tasks_added)
  end)

  it("says that it is not complete", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
    local job = sim:add_job(workload.allreduce { size = "1MB" })
    sim:run { stop_at = "10us" }
    assert.is_false(job:result().complete)
    assert.truthy(job:summary():find("not complete", 1, true))
    fails("job 1 (allreduce) is not complete", job.time_ps, job)
  end)

  it("names the flows that stop it", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
    local job = sim:add_job(workload.allreduce { size = "1MB" })
    sim:fail(1, { at = "10us" })
    sim:run()
    local text = job:summary()
    assert.truthy(text:find("not complete; %d flows got stuck: h%d to h%d after "), text)
    assert.truthy(text:find("h1 to switch0 is down", 1, true), text)
  end)
end)

describe("all-to-all", function()
  it("has a flow for every ordered pair and the bus bandwidth of nccl-tests", function()
    local job = simulate(weft.topology.star { hosts = 5 }, workload.all_to_all { size = "5MB" })
    assert.equal(20, #job:flows())
    local result = job:result()
    assert.equal(result.algorithm_bps * (4 / 5), result.bus_bps)
    assert.is_true(result.bus_bps < 100e9)
  end)
end)

describe("a list of flows", function()
  local list = {
    { src = "h0", dst = "h1", size = "1MB" },
    { src = 2, dst = "h1", size = 500, start = "10us" },
  }

  it("runs, and tells how it went", function()
    local job, sim = simulate(weft.topology.star { hosts = 3 }, workload.flows(list))
    local result = job:result()
    assert.same({ 2, 2, true }, { result.flows, result.done, result.complete })
    assert.same({ 0, 10e6 }, sim:flows():column "start_ps")
    assert.truthy(job:summary():find("2 of 2 flows complete", 1, true))
    assert.equal(1, #job:slowest(1))
  end)

  it("may start later", function()
    local later = { list[1], list[2], start = "5us" }
    local _, sim = simulate(weft.topology.star { hosts = 3 }, workload.flows(later))
    assert.same({ 5e6, 15e6 }, sim:flows():column "start_ps")
    fails("flows: unknown option 'strat'; did you mean 'start'?", workload.flows,
      { list[1], strat = 1 })
  end)

  it("keeps jobs apart by their tags", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    local first = sim:add_job(workload.flows(list))
    local second = sim:add_job(workload.flows(list))
    sim:run()
    assert.same({ 0, 1 }, first:flows())
    assert.same({ 2, 3 }, second:flows())
  end)

  it("is kept apart from the script's own flows, whatever their tags", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    sim:add_flow { src = "h0", dst = "h1", size = "1MB", tag = 1 }
    local job = sim:add_job(workload.flows(list))
    sim:run()
    assert.same({ 1, 2 }, job:flows())
    assert.same({ 2, 2, true }, { job:result().flows, job:result().done, job:result().complete })
    assert.truthy(tostring(job):find("^job 1: "))
    fails("option 'tag': expected 0 to 2147483647, got 2147483649", function()
      sim:add_flow { src = "h0", dst = "h1", size = "1MB", tag = job.tag }
    end)
  end)

  it("refuses a flow from a host to itself", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    fails("flow 1: expected different hosts, got 'h0' twice", function()
      sim:add_job(workload.flows { { src = "h0", dst = 0, size = 1 } })
    end)
    fails("add_flow: expected different hosts, got 'h0' twice", function()
      sim:add_flow { src = "h0", dst = "h0", size = 1 }
    end)
  end)

  it("is read from CSV and from the HPCC simulator's format", function()
    local csv = support.file("src,dst,size_bytes,start_ns\n0,1,1000000,0\n2,h1,500,10000\n")
    assert.is_true(os.rename(csv, csv .. ".csv"))
    local hpcc = support.file("2\n0 1 3 100 1000000 0\n2 1 3 100 500 0.00001\n")
    local prints = {}
    for i, work in ipairs { workload.flows(list), workload.flows { file = csv .. ".csv" },
      workload.flows { file = hpcc } } do
      local _, sim = simulate(weft.topology.star { hosts = 3 }, work)
      prints[i] = sim:stats().fingerprint
    end
    os.remove(csv .. ".csv")
    os.remove(hpcc)
    assert.equal(prints[1], prints[2])
    assert.equal(prints[1], prints[3])
  end)

  it("names the line of a file that does not fit the fabric", function()
    local path = support.file("src,dst,size_bytes,start_ns\n0,1,1000,0\n2,77,500,0\n")
    assert.is_true(os.rename(path, path .. ".csv"))
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    fails(path .. ".csv:3: ", function()
      sim:add_job(workload.flows { file = path .. ".csv" })
    end)
    os.remove(path .. ".csv")
    assert.equal(0, #sim:flows())
  end)

  it("refuses wrong lists", function()
    fails("an empty list", workload.flows, {})
    fails("flow 2: unknown option 'sizee'", workload.flows, { list[1], { sizee = 1 } })
    fails("cannot read 'nowhere.csv'", workload.flows, { file = "nowhere.csv" })
  end)
end)

describe("failures", function()
  it("choose the same hosts for the same seed", function()
    local fabric = rail(4)
    local first = weft.failure.choose(fabric, { count = 5, seed = 3 })
    assert.same(first, weft.failure.choose(fabric, { count = 5, seed = 3 }))
    assert.not_same(first, weft.failure.choose(fabric, { count = 5, seed = 4 }))
    assert.equal(5, #first)
  end)

  it("spread as the recorded sweep does: half in the first server, half in the second", function()
    local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 8 }
    assert.same({ 0, 1, 2, 8, 9 }, weft.failure.choose(fabric, { count = 5, rule = "spread" }))
    fails("at most 16 hosts", weft.failure.choose, fabric, { count = 17, rule = "spread" })
  end)

  it("degrade and repair all links of a host", function()
    local sim = weft.simulation { topology = rail(2) }
    local links = weft.failure.degrade_hosts(sim, { "gpu1" }, { factor = 0.25 })
    weft.failure.repair_hosts(sim, { "gpu1" }, { at = "1us" })
    assert.equal(2, #links)
    sim:add_flow { src = "gpu0", dst = "gpu2", size = 1000000 }
    sim:run { stop_at = "500ns" }
    for _, link in ipairs(links) do
      assert.equal(link.rate_bps / 4, sim.core:port_info(2 * link.id).rate_bps)
    end
    sim:run()
    for _, link in ipairs(links) do
      assert.equal(link.rate_bps, sim.core:port_info(2 * link.id).rate_bps)
    end
  end)
end)
