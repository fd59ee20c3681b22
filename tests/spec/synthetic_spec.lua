local matrix = require "weft.workload.matrix"
local sizes = require "weft.workload.sizes"
local support = require "support"
local synthetic = require "weft.workload.synthetic"
local weft = require "weft"

local leaves = weft.topology.leaf_spine { leaves = 4, hosts_per_leaf = 4, spines = 2 }

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

local function near(wanted, got, relative)
  assert.is_true(math.abs(got - wanted) <= relative * math.abs(wanted),
    ("expected %.17g within %g, got %.17g"):format(wanted, relative, got))
end

-- `count` numbers of a distribution, sorted, and their mean.
local function sample(distribution, count)
  local stream, drawn, sum = weft.random.stream(5, "sizes spec"), {}, 0
  for i = 1, count do
    drawn[i] = distribution.draw(stream)
    sum = sum + drawn[i]
  end
  table.sort(drawn)
  return drawn, sum / count
end

describe("sizes of flows", function()
  it("are drawn by their published distributions", function()
    local count = 40000
    for _, name in ipairs { "websearch", "fbhdp", "alistorage", "googlerpc" } do
      local distribution = sizes.new(name)
      local drawn = sample(distribution, count)
      -- Kolmogorov and Smirnov: the empirical distribution is nowhere further off than this with a
      -- probability of 0.999; sizes are rounded to bytes, which matters for the small ones.
      local bound = 1.95 / math.sqrt(count)
      for percent = 1, 99 do
        local i = math.floor(percent / 100 * count)
        assert.is_true(drawn[i] + 1 >= distribution.quantile(math.max(percent / 100 - bound, 0)))
        assert.is_true(drawn[i] - 1 <= distribution.quantile(math.min(percent / 100 + bound, 1)))
      end
    end
  end)

  it("have the means of the published tables", function()
    for name, mean in pairs { websearch = 1711250, fbhdp = 120420.75, alistorage = 40869.8 } do
      near(mean, sizes.new(name).mean, 1e-12)
    end
    -- The published points of this one, with percentages to 4 digits, have a mean of 2891.62.
    near(2891.62, sizes.new("googlerpc").mean, 5e-4)
    local points = require("weft.workload.size_tables").googlerpc
    assert.equal(843, #points)
    for i, point in pairs { [6] = { 46, 13.2092 }, [30] = { 402, 70.6643 },
      [200] = { 25921, 98.8894 }, [644] = { 524288, 99.9498 }, [842] = { 13293619, 99.9997 } } do
      assert.equal(point[1], points[i][1])
      assert.is_true(math.abs(point[2] - points[i][2]) < 1.0001e-4)
    end
  end)

  it("have the mean that they are given", function()
    for _, given in ipairs {
      { kind = "exponential", mean = "100KB" }, { kind = "lognormal", mean = "100KB", sigma = 1 },
      { kind = "pareto", mean = "100KB", shape = 3 }, { kind = "fixed", size = "100KB" },
    } do
      local distribution = sizes.new(given)
      assert.equal(100000, distribution.mean)
      local _, mean = sample(distribution, 40000)
      near(100000, mean, 0.03)
    end
    local cut = sizes.new { kind = "pareto", mean = 1000, shape = 1.2, max = 10000 }
    local drawn, mean = sample(cut, 40000)
    assert.equal(10000, drawn[#drawn])
    near(cut.mean, mean, 0.02)
  end)

  it("are linear between the points of a CDF, with a step where two have one size", function()
    local given = sizes.new { cdf = { { 100, 0.25 }, { 200, 0.75 }, { 400, 0.75 }, { 400, 1 } } }
    assert.same({ 100, 100, 150, 200, 400, 400 }, {
      given.quantile(0.1), given.quantile(0.25), given.quantile(0.5), given.quantile(0.75),
      given.quantile(0.76), given.quantile(1),
    })
    assert.equal(0.25 * 100 + 0.5 * 150 + 0.25 * 400, given.mean)
    local path = support.file "0 0\n\n1000 50\n2000 100\n"
    assert.equal(1000, sizes.new({ file = path }).mean)
    os.remove(path)
  end)

  it("are refused with their place", function()
    fails("did you mean 'websearch'?", sizes.new, "webserch")
    fails("'pareto' needs its options", sizes.new, "pareto")
    fails("option 'mean' is missing", sizes.new, { kind = "exponential" })
    fails("point 2 of the cdf: expected points that ascend", sizes.new,
      { cdf = { { 10, 50 }, { 5, 100 } } })
    fails("the last point at 100 percent", sizes.new, { cdf = { { 10, 50 }, { 20, 99 } } })
    local path = support.file "0 0\n10 5O\n"
    fails(path .. ":2: expected 'bytes percent'", sizes.new, { file = path })
    os.remove(path)
  end)
end)

-- Shares of flows that each host sends and receives, of so many drawn.
local function tally(traffic, count)
  local pick, send, receive = traffic:picker(weft.random.stream(9, "matrix spec")), {}, {}
  for _ = 1, count do
    local src, dst = pick()
    assert(src ~= dst)
    send[src] = (send[src] or 0) + 1 / count
    receive[dst] = (receive[dst] or 0) + 1 / count
  end
  return send, receive
end

describe("a traffic matrix", function()
  local hosts = leaves:hosts()
  local function new(given)
    return matrix.new(leaves, hosts, given, weft.random.stream(1, "spec"))
  end

  it("is drawn with the marginals that it computes", function()
    local count = 16000
    for _, given in ipairs {
      "uniform", "rack_local", "permutation", "incast", "hotspot",
      { kind = "hotspot", hosts = { "h1", "h5", "h9" }, share = 0.3 },
      { kind = "incast", fan_in = 4, target = "h3" }, { kind = "rack_local", by = "group" },
    } do
      local traffic = new(given)
      local send, receive = traffic:marginals()
      local sent, received = tally(traffic, count)
      local sums = { 0, 0 }
      for _, id in ipairs(hosts) do
        for i, pair in ipairs { { send, sent }, { receive, received } } do
          local p, got = pair[1][id] or 0, pair[2][id] or 0
          sums[i] = sums[i] + p
          -- Flows to the target of a burst come `fan` at a time.
          local deviation = math.sqrt(p * (1 - p) * traffic.fan / count)
          assert.is_true(math.abs(p - got) <= 4.5 * deviation + 1e-12)
        end
      end
      near(1, sums[1], 1e-12)
      near(1, sums[2], 1e-12)
    end
  end)

  it("knows what crosses racks", function()
    local group_of = matrix.racks(leaves, hosts, "leaf")
    local leave, enter = new("uniform"):crossing(group_of)
    near(12 / 15 / 4, leave[1], 1e-12)
    near(12 / 15 / 4, enter[4], 1e-12)
    leave, enter = new({ kind = "rack_local", inside = 0.9 }):crossing(group_of)
    near(0.1 / 4, leave[2], 1e-9)
    near(0.1 / 4, enter[3], 1e-9)
    leave, enter = new({ kind = "incast", target = "h0" }):crossing(group_of)
    near(12 / 15, enter[1], 1e-12)
    near(4 / 15, leave[2], 1e-12)
    assert.is_true(math.abs(leave[1]) < 1e-12)
  end)

  it("keeps the share inside racks that it is told", function()
    local pick = new({ kind = "rack_local", inside = 0.7 }):picker(weft.random.stream(2, "spec"))
    local inside, count = 0, 10000
    for _ = 1, count do
      local src, dst = pick()
      if math.floor(src / 4) == math.floor(dst / 4) then inside = inside + 1 / count end
    end
    near(0.7, inside, 0.03)
    fails("expected at least 0.2, the share of a uniform matrix", new,
      { kind = "rack_local", inside = 0.1 })
  end)

  it("sends each burst of an incast from different hosts to one", function()
    local pick = new({ kind = "incast", fan_in = 15 }):picker(weft.random.stream(2, "spec"))
    for _ = 1, 50 do
      local seen, target = {}, nil
      for _ = 1, 15 do
        local src, dst = pick()
        target = target or dst
        assert.equal(target, dst)
        assert.is_nil(seen[src])
        seen[src] = true
      end
    end
  end)

  it("is read from a file, with errors at their lines", function()
    local path = support.file "src,dst,weight\nh0,h1,3\n4,5,1\n6,7,0\n"
    local traffic = new { file = path }
    assert.same({ [0] = 0.75, [4] = 0.25 }, (traffic:marginals()))
    os.remove(path)
    for text, message in pairs {
      ["h0,h99,1\n"] = ":2: unknown node 'h99'", ["h0,h0,1\n"] = ":2: expected different hosts",
      ["h0,h1,0\n"] = ":1: expected a row with a weight above 0",
      ["h0,h1,-1\n"] = ":2: column 'weight': expected at least 0",
    } do
      path = support.file("src,dst,weight\n" .. text)
      fails(path .. message, new, { file = path })
      os.remove(path)
    end
  end)

  it("is refused where it does not fit", function()
    fails("did you mean 'uniform'?", new, "unifrom")
    fails("fan_in: expected at most 15, got 16", new, { kind = "incast", fan_in = 16 })
    fails("hotspot: hosts: expected 1 to 16, got 17", new, { kind = "hotspot", hosts = 17 })
    fails("unknown option 'shre'; did you mean 'share'?", new, { kind = "hotspot", shre = 1 })
  end)
end)

-- Payload offered, over what the load calls for, with NICs of 100 Gbit/s.
local function offered(options)
  local bytes, last = 0, 0
  for flow in synthetic.rows(options.fabric or leaves, options.traffic) do
    bytes, last = bytes + flow.size_bytes, flow.start_ps
  end
  return bytes * 8e12 / last
end

describe("synthetic traffic", function()
  local fixed = { kind = "fixed", size = 1000 }

  it("offers its load", function()
    for _, name in ipairs { "websearch", "fbhdp", "alistorage", "googlerpc" } do
      near(0.5 * 16 * 100e9, offered { traffic = {
        load = 0.5, sizes = name, flows = 20000, exact = true, seed = 3,
      } }, 0.02)
    end
    near(0.3 * 16 * 100e9, offered { traffic = {
      load = 0.3, sizes = fixed, duration = "10us", arrivals = "lognormal", sigma = 0.5,
    } }, 0.2)
    near(0.3 * 16 * 100e9, offered { traffic = { load = 0.3, sizes = fixed, duration = "500us" } },
      0.02)
    near(0.3 * 16 * 100e9, offered { traffic = {
      load = 0.3, sizes = fixed, flows = 40000, arrivals = "lognormal", sigma = 1,
    } }, 0.02)
  end)

  it("loads the busiest NIC, or the busiest rack's uplinks", function()
    near(0.8 * 100e9, offered { traffic = {
      load = 0.8, sizes = fixed, flows = 30000, matrix = { kind = "incast", target = "h0" },
    } }, 0.03)
    -- 200 Gbit/s of a rack's uplinks, of which the quarter of the flows that starts there and does
    -- not stay, 12 of 15, has the load.
    near(0.4 * 200e9 * 4 * 15 / 12, offered { traffic = {
      load = 0.4, load_on = "uplinks", sizes = fixed, flows = 30000,
    } }, 0.02)
    fails("no flow leaves its rack", offered, {
      fabric = weft.topology.star { hosts = 4 },
      traffic = { load = 0.4, load_on = "uplinks", flows = 1, matrix = "uniform" },
    })
  end)

  it("has gaps of the asked distribution", function()
    local last, sum, squares, count = 0, 0, 0, 0
    for flow in synthetic.rows(leaves, { load = 0.5, sizes = fixed, flows = 20000 }) do
      local gap = flow.start_ps - last
      last, sum, squares, count = flow.start_ps, sum + gap, squares + gap * gap, count + 1
    end
    -- Poisson: the standard deviation of a gap is its mean.
    near(1, math.sqrt(squares / count - (sum / count) ^ 2) / (sum / count), 0.03)
  end)

  it("is the same for the same seed, and other flows for another", function()
    local function text(seed)
      local lines = {}
      for flow in synthetic.rows(leaves, { load = 0.5, flows = 300, seed = seed }) do
        lines[#lines + 1] = ("%d %d %d %d"):format(flow.src, flow.dst, flow.size_bytes,
          flow.start_ps)
      end
      return table.concat(lines, "\n")
    end
    assert.equal(text(1), text(1))
    assert.not_equal(text(1), text(2))
    local sum = 0
    for flow in synthetic.rows(leaves, {
      load = 0.5, flows = 3000, arrivals = "lognormal", sigma = 1.5, matrix = "rack_local",
      sizes = { kind = "pareto", mean = 1e5, shape = 1.3 },
    }) do
      sum = (sum * 31 + flow.src * 7 + flow.dst * 3 + flow.size_bytes + flow.start_ps) % 4294967291
    end
    assert.equal(1395295232, sum) -- recorded: both virtual machines give these flows
  end)

  it("runs as the same flows from a list", function()
    local options = { load = 0.4, sizes = "fbhdp", flows = 400, start = "5us", ranks = 8 }
    local sim = weft.simulation { topology = leaves, cc = "dctcp" }
    local job = sim:add_job(weft.workload.synthetic(options))
    sim:run()
    local list = weft.simulation { topology = leaves, cc = "dctcp" }
    for flow in synthetic.rows(leaves, options) do
      list:add_flow { src = flow.src, dst = flow.dst, size = flow.size_bytes,
        start = flow.start_ps / 1e12 }
    end
    list:run()
    assert.equal(list:stats().fingerprint, sim:stats().fingerprint)
    local result = job:result()
    assert.same({ "synthetic", 400, 400, true },
      { result.kind, result.flows, result.done, result.complete })
    assert.equal(0.4 * 8 * 100e9, result.offered_bps)
    assert.truthy(job:summary():find("400 of 400 flows complete", 1, true))
  end)

  it("goes on in a fork", function()
    local sim = weft.simulation { topology = leaves, cc = "dctcp" }
    sim:add_job(weft.workload.synthetic { load = 0.4, sizes = fixed, flows = 40000 })
    sim:run { stop_at = "5us" }
    assert.equal(32768, #sim:flows())
    local fork = sim:fork()
    sim:run()
    fork:run()
    assert.equal(40000, #fork:flows())
    assert.equal(sim:stats().fingerprint, fork:stats().fingerprint)
  end)

  it("is refused with what was wanted", function()
    local function new(options) return function() weft.workload.synthetic(options) end end
    fails("option 'load' is missing", new { flows = 1 })
    fails("expected 'flows' or 'duration', got both", new { load = 1, flows = 1, duration = "1us" })
    fails("expected 'flows' or 'duration', got neither", new { load = 1 })
    fails("'sigma' belongs to", new { load = 1, flows = 1, sigma = 1 })
    fails("'exact' belongs to", new { load = 1, duration = "1us", exact = true })
    fails("did you mean 'googlerpc'?", new { load = 1, flows = 1, sizes = "goglerpc" })
  end)
end)
