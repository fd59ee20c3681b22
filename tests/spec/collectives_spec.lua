local support = require "support"
local weft = require "weft"

local workload = weft.workload

local function simulate(fabric, work)
  local sim = weft.simulation { topology = fabric, cc = "window" }
  local job = sim:add_job(work)
  sim:run()
  return job, sim
end

local function fails(fragment, work, fabric)
  local text = support.error_of(function()
    local sim = weft.simulation { topology = fabric or weft.topology.star { hosts = 4 } }
    sim:add_job(work())
  end)
  assert.truthy(text:find(fragment, 1, true), text)
end

-- Delivered by all flows of a simulation.
local function delivered(sim)
  local sum = 0
  for _, bytes in ipairs(sim:flows():column "delivered_bytes") do sum = sum + bytes end
  return sum
end

local all = {
  allreduce = { factor = 2 * 4 / 5, "ring", "bidirectional", "tree", "double_tree",
    "halving_doubling" },
  reduce_scatter = { factor = 4 / 5, "ring", "bidirectional" },
  all_gather = { factor = 4 / 5, "ring", "bidirectional", "halving_doubling" },
  broadcast = { factor = 1, "ring", "tree" },
  reduce = { factor = 1, "ring", "tree" },
  all_to_all = { factor = 4 / 5, "direct", "pairwise" },
}

describe("a collective", function()
  for kind, algorithms in pairs(all) do -- order-free: a test each
    for _, algorithm in ipairs(algorithms) do
      it("is " .. kind .. " by " .. algorithm .. ", with the bandwidths of nccl-tests", function()
        for _, chunk in ipairs { "1MiB", "10KB" } do
          local job, sim = simulate(weft.topology.star { hosts = 5 },
            workload[kind] { size = 500003, algorithm = algorithm, chunk = chunk })
          local result = job:result()
          assert.is_true(result.complete)
          assert.equal(500003 * 8e12 / result.time_ps, result.algorithm_bps)
          assert.equal(result.algorithm_bps * algorithms.factor, result.bus_bps)
          assert.is_true(result.bus_bps < 100e9)
          assert.equal(sim.total_bytes, kind == "all_to_all" and 4 * 500003 or delivered(sim))
          if kind ~= "all_to_all" then
            assert.equal(delivered(sim), (kind == "allreduce" and 8 or 4) * 500003)
          end
        end
      end)
    end
  end

  it("is faster in chunks where a rank passes on what it gets", function()
    local fabric = weft.topology.star { hosts = 6 }
    for _, work in ipairs { { "broadcast", "ring" }, { "broadcast", "tree" }, { "reduce", "ring" },
      { "allreduce", "tree" }, { "allreduce", "double_tree" } } do
      local function time(chunk)
        local options = { size = "2MB", algorithm = work[2], chunk = chunk }
        return (simulate(fabric, workload[work[1]](options))):time_ps()
      end
      assert.is_true(time "50KB" < 0.75 * time(nil), table.concat(work, " "))
    end
  end)

  it("starts at its root and ends there", function()
    local fabric = weft.topology.star { hosts = 4 }
    local _, sim = simulate(fabric, workload.broadcast { size = 1000, root = "h2" })
    assert.equal("h2", sim:flows():row(1).src_name)
    _, sim = simulate(fabric, workload.reduce { size = 1000, root = "h2" })
    assert.equal("h2", sim:flows():row(3).dst_name)
  end)

  it("sends from one host to another", function()
    local job, sim = simulate(weft.topology.star { hosts = 3 },
      workload.send { src = "h2", dst = 0, size = "1MB", chunk = "100KB" })
    assert.equal(10, #job:flows())
    assert.equal("h2", sim:flows():row(10).src_name)
    assert.equal(job:result().algorithm_bps, job:result().bus_bps)
    -- One behind the other they keep the link as busy as one message would.
    local whole = simulate(weft.topology.star { hosts = 3 },
      workload.send { src = "h2", dst = 0, size = "1MB" })
    assert.is_true(job:time_ps() < 1.001 * whole:time_ps())
  end)

  it("stays on its rails when it is hierarchical", function()
    local fabric = weft.topology.rail_optimized { servers = 3, gpus_per_server = 4, spines = 1 }
    for _, kind in ipairs { "allreduce", "all_to_all" } do
      local work = workload[kind] { size = 120000, algorithm = "hierarchical" }
      local job, sim = simulate(fabric, work)
      assert.is_true(job:result().complete)
      assert.equal(sim.total_bytes, delivered(sim))
      for _, row in sim:ports():rows() do
        if row.from_name:find("^leaf") and row.to_name:find("^spine") then
          assert.equal(0, row.tx_packets)
        end
      end
    end
  end)

  it("takes a server that is not full", function()
    local fabric = weft.topology.rail_optimized { servers = 3, gpus_per_server = 4, spines = 1 }
    local ranks = { 0, 1, 4, 5, 6, 7, 8, 9, 10, 11 }
    for _, kind in ipairs { "allreduce", "all_to_all" } do
      local job, sim = simulate(fabric,
        workload[kind] { size = 120000, ranks = ranks, algorithm = "hierarchical" })
      assert.is_true(job:result().complete)
      assert.equal(sim.total_bytes, delivered(sim))
    end
    fails("the same number of ranks in each server but one, got 3, 2 and 1", function()
      return workload.allreduce { size = 100, ranks = { 0, 1, 4, 5, 6, 8 },
        algorithm = "hierarchical" }
    end, fabric)
  end)

  it("leaves servers by every NIC with as many trees", function()
    local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 4, spines = 1 }
    local function busiest(channels)
      local job, sim = simulate(fabric,
        workload.allreduce { size = 400000, algorithm = "double_tree", channels = channels })
      assert.equal(30 * 400000, delivered(sim))
      local most = 0
      for _, row in sim:ports():rows() do
        if row.from_name:find("^gpu") and row.to_name:find("^leaf") then
          most = math.max(most, row.tx_bytes)
        elseif channels > 1 and row.to_name:find("^spine") then
          assert.equal(0, row.tx_packets)
        end
      end
      assert.is_true(job:result().complete)
      return most
    end
    assert.is_true(busiest(4) < 0.4 * busiest(1))
  end)

  it("refuses what does not fit", function()
    fails("root: 'h3' is none of the 2 ranks", function()
      return workload.broadcast { size = 100, ranks = 2, root = "h3" }
    end)
    fails("expected 1 with algorithm 'halving_doubling', got 2; rings and trees have", function()
      return workload.allreduce { size = 100, channels = 2, algorithm = "halving_doubling" }
    end)
    fails("algorithm 'tree' needs hosts that are grouped into servers", function()
      return workload.allreduce { size = 100, channels = 2, algorithm = "tree" }
    end)
    fails("expected one of: ring, bidirectional, halving_doubling", function()
      return workload.all_gather { size = 100, algorithm = "tree" }
    end)
    fails("algorithm 'hierarchical' needs hosts that are grouped into servers", function()
      return workload.allreduce { size = 100, algorithm = "hierarchical" }
    end)
    fails("per_server: expected at most the 4 ranks, got 5", function()
      return workload.all_to_all { size = 100, algorithm = "hierarchical", per_server = 5 }
    end)
    fails("expected at least a byte for each of 4 ranks and 1 channel, 8 B in all, got 7 B",
      function() return workload.allreduce { size = 7, algorithm = "bidirectional" } end)
    fails("weft.workload has no 'broadcats'; did you mean 'broadcast'?", function()
      return workload.broadcats { size = 7 }
    end)
    fails("send: expected different hosts, got 'h1' twice", function()
      return workload.send { src = 1, dst = "h1", size = 7 }
    end)
  end)
end)

describe("a skewed all-to-all", function()
  local fabric = weft.topology.star { hosts = 4 }

  -- Bytes delivered from each host to each.
  local function matrix(sim)
    local got = {}
    for i = 1, 4 do got[i] = { 0, 0, 0, 0 } end
    for _, row in sim:flows():rows() do
      got[row.src + 1][row.dst + 1] = got[row.src + 1][row.dst + 1] + row.delivered_bytes
    end
    return got
  end

  it("sends what the loads of experts call for, to the byte", function()
    for _, algorithm in ipairs { "direct", "pairwise" } do
      local job, sim = simulate(fabric,
        workload.all_to_all { size = 1003, loads = { 5, 0, 1, 4 }, algorithm = algorithm })
      assert.same({ { 0, 0, 100, 402 }, { 501, 0, 100, 402 }, { 501, 0, 0, 402 },
        { 501, 0, 100, 0 } }, matrix(sim))
      assert.equal(3 * 501, job:result().size_bytes)
      assert.equal(job:result().algorithm_bps, job:result().bus_bps)
    end
  end)

  it("sends what a matrix says", function()
    local volumes = { { 9, 1, "2KB", 3 }, { 4, 9, 0, 0 }, { 0, 0, 9, 5 }, { 0, 6, 0, 9 } }
    for _, chunk in ipairs { "1MB", 700 } do
      local _, sim = simulate(fabric, workload.all_to_all { volumes = volumes, chunk = chunk })
      assert.same({ { 0, 1, 2000, 3 }, { 4, 0, 0, 0 }, { 0, 0, 0, 5 }, { 0, 6, 0, 0 } },
        matrix(sim))
    end
  end)

  it("keeps the volumes of a rank whatever the order of servers", function()
    local rail = weft.topology.rail_optimized { servers = 2, gpus_per_server = 2, spines = 1 }
    local volumes = { { 0, 0, 0, 7 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 }, { 0, 0, 0, 0 } }
    -- Rank 1 is gpu0 and rank 4 gpu2, on another server and the same rail: one hop.
    local _, sim = simulate(rail, workload.all_to_all { ranks = { 0, 3, 1, 2 }, volumes = volumes,
      algorithm = "hierarchical" })
    local row = sim:flows():row(1)
    assert.same({ 1, "gpu0", "gpu2", 7 }, { #sim:flows(), row.src_name, row.dst_name,
      row.size_bytes })
  end)

  it("refuses what is no load or matrix", function()
    fails("loads: expected 4, one for each rank, got 2", function()
      return workload.all_to_all { size = 100, loads = { 1, 2 } }
    end)
    fails("loads: expected one above 0, got none", function()
      return workload.all_to_all { size = 100, loads = { 0, 0, 0, 0 } }
    end)
    fails("volumes of rank 2: expected a list of sizes, got 7", function()
      return workload.all_to_all { volumes = { { 1, 1, 1, 1 }, 7, 7, 7 } }
    end)
    fails("option 'size' is missing", function() return workload.all_to_all {} end)
    fails("expected volumes, or a size and maybe loads, not both", function()
      return workload.all_to_all { size = 100, volumes = {} }
    end)
  end)
end)
