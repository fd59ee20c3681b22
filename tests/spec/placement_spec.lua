local support = require "support"
local weft = require "weft"

local placement = weft.placement

local leaves = weft.topology.leaf_spine { leaves = 4, hosts_per_leaf = 4, spines = 2 }
local rails = weft.topology.rail_optimized { servers = 4, gpus_per_server = 4 }

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("placement", function()
  it("packs jobs side by side", function()
    assert.same({ { 0, 1, 2, 3, 4, 5 }, { 6, 7, 8, 9, 10, 11 } },
      placement.packed(leaves, { 6, 6 }))
  end)

  it("keeps whole groups apart if told to", function()
    assert.same({ { 0, 1, 2, 3, 4, 5 }, { 8, 9, 10, 11, 12, 13 } },
      placement.packed(leaves, { 6, 6 }, { whole = true }))
    fails("no group left for job 3 (0 of 5 ranks placed)", placement.packed, leaves, { 5, 5, 5 },
      { whole = true })
  end)

  it("spreads every job over all leaves", function()
    assert.same({ { 0, 1, 4, 5, 8, 9, 12, 13 }, { 2, 3, 6, 7, 10, 11, 14, 15 } },
      placement.spread(leaves, { 8, 8 }))
  end)

  it("takes servers for groups where there is NVLink, and leaves if told to", function()
    assert.same({ { 0, 4, 8, 12 } }, placement.spread(rails, { 4 }))
    assert.same({ 0, 1, 2, 3 }, placement.groups(rails)[1])
    assert.same({ 0, 4, 8, 12 }, placement.groups(rails, "leaf")[1])
  end)

  it("draws by the seed, and every host once", function()
    local first = placement.random(leaves, { 7, 9 }, { seed = 3 })
    assert.same(first, placement.random(leaves, { 7, 9 }, { seed = 3 }))
    assert.not_same(first, placement.random(leaves, { 7, 9 }, { seed = 4 }))
    local all = {}
    for _, ranks in ipairs(first) do
      for i, id in ipairs(ranks) do
        all[#all + 1] = id
        assert.is_true(i == 1 or ranks[i - 1] < id)
      end
    end
    table.sort(all)
    assert.same(leaves:hosts(), all)
  end)

  it("draws whole servers", function()
    for _, ranks in ipairs(placement.random(rails, { 4, 4 }, { whole = true })) do
      assert.equal(0, ranks[1] % 4)
      assert.equal(ranks[1] + 3, ranks[4])
    end
  end)

  it("leaves ranks as drawn if told to", function()
    local drawn = placement.random(leaves, { 16 }, { shuffle_ranks = true })[1]
    assert.not_same(leaves:hosts(), drawn)
    table.sort(drawn)
    assert.same(leaves:hosts(), drawn)
  end)

  it("takes lists of hosts, and no host twice", function()
    assert.same({ { 3, 1 }, { 0 } }, placement.explicit(leaves, { { "h3", 1 }, { "h0" } }))
    fails("job 2: 'h1' is in job 1 already", placement.explicit, leaves, { { 1 }, { "h1" } })
    fails("job 2: expected a list of hosts", placement.explicit, leaves, { { 1 }, 2 })
    fails("did you mean 'h3'?", placement.explicit, leaves, { { "h33" } })
  end)

  it("refuses more ranks than hosts", function()
    fails("at most the 16 hosts of leaf_spine, got 17 ranks", placement.spread, leaves, { 16, 1 })
    fails("ranks of job 2: expected at least 1", placement.packed, leaves, { 4, 0 })
    fails("an empty list", placement.random, leaves, {})
  end)

  it("gives ranks that workloads take", function()
    local sim = weft.simulation { topology = leaves, cc = "dctcp" }
    local jobs = {}
    for j, ranks in ipairs(placement.spread(leaves, { 4, 4 })) do
      jobs[j] = sim:add_job(weft.workload.allreduce { size = "64KiB", ranks = ranks })
    end
    sim:run()
    assert.is_true(jobs[1]:result().complete and jobs[2]:result().complete)
  end)
end)
