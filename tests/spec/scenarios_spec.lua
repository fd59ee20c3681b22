-- The builders that scenarios, benchmarks and examples share.

local weft = require "weft"

local function build(name, options)
  return dofile("scenarios/build/" .. name .. ".lua")(options)
end

describe("permutation", function()
  it("has every host send once and receive once", function()
    local sim, job = build("permutation", { k = 4, size = "10kB", cc = "dctcp", seed = 3 })
    assert.equal("done", sim:run())
    local sends, receives = {}, {}
    for _, row in sim:flows():rows() do
      sends[row.src] = (sends[row.src] or 0) + 1
      receives[row.dst] = (receives[row.dst] or 0) + 1
      assert.not_equal(row.src, row.dst)
    end
    for _, host in ipairs(sim.fabric:hosts()) do
      assert.same({ 1, 1 }, { sends[host], receives[host] })
    end
    assert.is_true(job:result().complete)
  end)

  it("depends on the seed alone", function()
    local function print_of(seed)
      local sim = build("permutation", { k = 4, size = "10kB", seed = seed })
      sim:run()
      return sim:stats().fingerprint
    end
    assert.equal(print_of(1), print_of(1))
    assert.not_equal(print_of(1), print_of(2))
  end)
end)

describe("incast", function()
  it("fills the receiver's link", function()
    local sim, job = build("incast", { senders = 8, size = "1MB", cc = "dctcp", delay = "1us" })
    sim:run()
    local result = job:result()
    -- 8 MB with headers at 100 Gbit/s take 671 us.
    assert.is_true(result.time_ps > 671e6 and result.time_ps < 720e6, result.time_ps)
    assert.is_true(sim:stats().ecn_marks > 0)
  end)
end)

describe("gray_allreduce", function()
  it("takes engine options and degrades the chosen hosts", function()
    local sim, job, links = build("gray_allreduce", {
      topology = weft.topology.rail_optimized { servers = 2, gpus_per_server = 4 },
      size = "64KiB", channels = 4, degraded = { 1, 5 }, factor = 0.1, cc = "window",
    })
    assert.equal(4, #links)
    sim:run()
    assert.is_true(job:result().complete)
    assert.equal("window", sim.core:config().cc)
  end)
end)
