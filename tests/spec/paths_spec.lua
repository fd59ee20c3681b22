-- weft.paths: a network taken apart into its ways.

local part = require "weft.paths.part"
local support = require "support"
local ways = require "weft.paths.ways"
local weft = require "weft"

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

-- Hosts h0 to h3 at switches s0 to s3 in a row.
local function row()
  local net = weft.fabric.new "row"
  for i = 0, 3 do net:add_node("h" .. i, "host") end
  for i = 0, 3 do net:add_node("s" .. i, "switch") end
  for i = 0, 3 do net:add_link("h" .. i, "s" .. i, "10Gbps", "1us") end
  for i = 0, 2 do net:add_link("s" .. i, "s" .. i + 1, "40Gbps", "1us") end
  return net
end

-- From, to, bytes, start in us.
local FLOWS = {
  { 0, 3, 50e3, 0 }, { 1, 3, 70e3, 1 }, { 0, 2, 30e3, 2 }, { 2, 3, 20e3, 3 }, { 1, 2, 90e3, 4 },
  { 3, 0, 40e3, 5 }, { 0, 3, 1e3, 6 },
}

local function simulation(options, one_way)
  return function()
    options = options or {}
    options.topology = row()
    local sim = weft.simulation(options)
    for _, flow in ipairs(FLOWS) do
      if not (one_way and flow[1] > flow[2]) then
        sim:add_flow { src = flow[1], dst = flow[2], size = flow[3], start = flow[4] .. "us" }
      end
    end
    return sim
  end
end

describe("ways of flows", function()
  it("are the ports that they take, and what shares a port is known", function()
    local network = ways.of(simulation()())
    -- 0 -> 3 twice, and each other pair once.
    assert.equal(6, #network.ways)
    assert.same({ 1, 7 }, network.ways[1].flows)
    local over = ways.over(network, network.ways[1].ports)
    local flows = {}
    for i, one in ipairs(over) do flows[i] = one.flow end
    -- All but 3 -> 0, which goes the other way.
    assert.same({ 1, 2, 3, 4, 5, 7 }, flows)
    -- 1 -> 2 shares the link s1-s2 alone, the third of five.
    assert.same({ 3, 3 }, { over[5].run.first, over[5].run.last })
  end)

  it("may share several runs of ports", function()
    local runs = ways.shared({ 1, 9, 3, 4, 8, 6 }, { [1] = 1, [2] = 2, [3] = 3, [4] = 4, [6] = 6 })
    assert.same({
      { from = 1, to = 1, first = 1, last = 1 }, { from = 3, to = 4, first = 3, last = 4 },
      { from = 6, to = 6, first = 6, last = 6 },
    }, runs)
  end)

  it("are of flows that have starts of their own, on a fabric that stays as it is", function()
    local function with_job()
      local sim = weft.simulation { topology = row() }
      sim:add_job(weft.workload.allreduce { size = "1MB" })
      return sim
    end
    fails("got a job of tasks", weft.paths.estimate, { simulation = with_job })
    fails("with flows, got none", weft.paths.estimate,
      { simulation = weft.simulation { topology = row() } })
    local failing = simulation()()
    failing:fail("s0-s1", { at = "1us" })
    fails("without failures", weft.paths.estimate, { simulation = failing })
    local run = simulation()()
    run:run()
    fails("has not run", weft.paths.estimate, { simulation = run })
  end)
end)

describe("an estimate", function()
  it("of a network that is one way is what the whole network does", function()
    -- All flows are on the way 0 -> 3, so its part is the network; nothing meets ACKs.
    for _, word in ipairs { "packet", "fluid-cc", "fluid" } do
      local whole = simulation({ cc = "window", engine = word, window = "50kB" }, true)()
      whole:run()
      local estimate = weft.paths.estimate {
        simulation = simulation({ cc = "window", window = "50kB" }, true), backend = word,
        paths = 30,
      }
      local seen = {}
      for _, sample in ipairs(estimate.samples) do
        local row_of = whole:flow(sample.flow)
        -- 1 -> 2, 2 -> 3 and others have ways of their own, whose parts lack some flows.
        if row_of.src == 0 and row_of.dst == 3 then
          seen[sample.flow] = true
          assert.near(row_of.fct_ps / row_of.ideal_ps, sample.slowdown, 1e-9)
        end
      end
      assert.same({ [0] = true, [5] = true }, seen)
    end
  end)

  it("is the same for a seed, and draws ways by their flows", function()
    local function once(seed)
      return tostring(weft.paths.estimate {
        simulation = simulation(), backend = "fluid", paths = 20, seed = seed,
      }):gsub("in %S+ s", "")
    end
    assert.equal(once(1), once(1))
    local estimate = weft.paths.estimate {
      simulation = simulation(), backend = "fluid", paths = 700,
    }
    -- 0 -> 3 has two flows of seven.
    assert.near(200, estimate.ways[1].drawn, 45)
  end)

  it("weighs flows by how often their way was drawn", function()
    local distribution = require "weft.paths.distribution"
    local one = distribution.new({
      { slowdown = 1, bucket = 1, way = 1 }, { slowdown = 3, bucket = 4, way = 1 },
      { slowdown = 2, bucket = 4, way = 2 },
    }, { { drawn = 1, flows = 2 }, { drawn = 3, flows = 1 } }, 1, {})
    -- Weights 1/2, 3 and 1/2 of 4 in all.
    assert.same({ 1, 2, 2, 3 },
      { one:percentile(12), one:percentile(13), one:percentile(87), one:percentile(88) })
    assert.equal(1, one:percentile(99, 1))
    assert.equal(3, one:percentile(99, 4))
    assert.is_nil(one:percentile(99, 2))
  end)

  it("may come from any function, and from single links", function()
    local estimate = weft.paths.estimate {
      simulation = simulation(), paths = 5,
      backend = function(one)
        local list = {}
        for i in ipairs(one.flows) do list[i] = 7 end
        return list
      end,
    }
    assert.equal(7, estimate:percentile(50))
    local alone = weft.simulation { topology = row() }
    alone:add_flow { src = 0, dst = 3, size = "1MB" }
    local by_link = weft.paths.estimate { simulation = alone, by = "link", backend = "fluid" }
    assert.near(1, by_link:percentile(99), 1e-6)
  end)

  it("asks what if", function()
    local list = weft.paths.sweep {
      simulation = simulation(), backend = "fluid-cc", paths = 10, option = "window",
      values = { 3e3, 100e3 },
    }
    -- Three packets under way do not fill a round trip of 10 us.
    assert.is_true(list[1].estimate:percentile(50) > list[2].estimate:percentile(50))
    fails("no option 'windw'", weft.paths.sweep,
      { simulation = simulation(), option = "windw", values = { 1 } })
  end)
end)

describe("a part", function()
  it("keeps NICs, round trips and the links over which others come", function()
    local sim = simulation()()
    local network = ways.of(sim)
    network.sim, network.info, network.frame = sim, {}, 1048
    -- The link s2-s3: 0 -> 3 twice and 1 -> 3 come over s1-s2, 2 -> 3 from its host.
    local ports = network.ways[1].ports
    local one = part.new(network, { ports[4] })
    assert.equal(4, #one.flows)
    local rates = {}
    for _, link in ipairs(one.net.links) do rates[#rates + 1] = link.rate_bps / 1e9 end
    table.sort(rates)
    -- NICs of 0, 1, 2 and 3; s1-s2 and s2-s3.
    assert.same({ 10, 10, 10, 10, 40, 40 }, rates)
    local part_sim = one:simulation("packet", {})
    part_sim:run()
    for i, flow in ipairs(one.flows) do
      local its, of = part_sim:flow(i - 1), FLOWS[flow.flow]
      local ideal = sim.core:ideal_fct(of[1], of[2], of[3])
      assert.near(1, its.ideal_ps / ideal, 0.01)
    end
  end)
end)
