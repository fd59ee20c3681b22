-- weft.geo: worked by hand where a figure stands, and what holds for every overlay.

local support = require "support"
local weft = require "weft"

local geo = weft.geo

-- Three data centres, asymmetric; Mbit/s.
local function triangle()
  return geo.overlay.new { name = "triangle", links = {
    { 1, 2, "100Mbps" }, { 2, 1, "80Mbps" }, { 1, 3, "20Mbps" }, { 3, 1, "40Mbps" },
    { 2, 3, "50Mbps" }, { 3, 2, "100Mbps" },
  } }
end

-- 32, 80 and 22.4 Mbit; chunks of 32, 32, 32, 16, 22.4: 134.4 Mbit in all.
local TENSORS = { 1000000, 2500000, 700000 }

-- A centre 1 with three leaves.
local function wheel()
  return geo.overlay.new { links = {
    { 2, 1, 100e6 }, { 3, 1, 50e6 }, { 4, 1, 25e6 }, { 1, 2, 40e6 }, { 1, 3, 80e6 },
    { 1, 4, 160e6 },
  } }
end

-- A ring of five with a chord, symmetric.
local function chord()
  local links = {}
  for _, link in ipairs { { 1, 2, 100 }, { 2, 3, 60 }, { 3, 4, 100 }, { 4, 5, 50 }, { 5, 1, 80 },
    { 2, 5, 40 } } do
    links[#links + 1] = { link[1], link[2], link[3] * 1e6 }
    links[#links + 1] = { link[2], link[1], link[3] * 1e6 }
  end
  return geo.overlay.new { links = links }
end

local function near(expected, value, tolerance)
  local off = math.abs(value - expected)
  assert.is_true(off <= (tolerance or 1e-9) * math.abs(expected),
    ("expected %.12g, got %.12g"):format(expected, value))
end

local function plan(name, overlay, options)
  return geo.strategies.get(name).plan(overlay, TENSORS, options)
end

describe("geo.routes", function()
  it("takes the cheapest route, though a link leads there", function()
    local routes = geo.routes.all(triangle(), "bw")
    assert.same({ 1, 2, 3 }, routes:route(1, 3))
    assert.same({ 3, 2, 1 }, routes:route(3, 1))
    assert.same({ 2, 1 }, routes:route(2, 1))
    assert.same({ 1, 3 }, geo.routes.all(triangle(), "hop"):route(1, 3))
  end)

  it("takes the first sequence of nodes of equals, though sums round differently", function()
    -- 1-2-5 and 1-3-5 and 1-4-5 all cost 1/30 + 1/70 or the other way round.
    local links = {}
    for i, rates in ipairs { { 30, 70 }, { 70, 30 }, { 30, 70 } } do
      links[#links + 1] = { 1, i + 1, rates[1] * 1e6 }
      links[#links + 1] = { i + 1, 5, rates[2] * 1e6 }
      links[#links + 1] = { 5, i + 1, 1e6 }
      links[#links + 1] = { i + 1, 1, 1e6 }
    end
    assert.same({ 1, 2, 5 }, geo.routes.all(geo.overlay.new { links = links }, "bw"):route(1, 5))
  end)

  it("finds auxiliary routes that share no inner node", function()
    local found = geo.routes.auxiliary(chord(), 2, 5)
    assert.same({ { 2, 1, 5 }, { 2, 5 }, { 2, 3, 4, 5 } }, found)
    near(0.0466666666667, chord():cost(found[3]), 1e-11)
    assert.same({ { 1, 5, 4 }, { 1, 2, 3, 4 } }, geo.routes.auxiliary(chord(), 1, 4))
  end)
end)

describe("geo.roots", function()
  it("rates roots by the slowest link of each layer", function()
    local routes = geo.routes.all(triangle(), "bw")
    local down, up = geo.roots.quality(routes, "down"), geo.roots.quality(routes, "up")
    near(1e6 / 0.03, down[1]) -- layers 100 and 50
    near(50e6, down[2])
    near(1e6 / 0.0225, down[3])
    near(1e6 / 0.0225, up[1]) -- layers 80 and 100
    near(100e6, up[2])
    assert.same({ 2, 3, 1 }, geo.roots.rank(down))
    assert.same({ 2, 1, 3 }, geo.roots.rank(up))
  end)

  it("puts the larger number first among equals", function()
    local quality = geo.roots.quality(geo.routes.all(chord(), "bw"), "down")
    assert.same({ 2, 5, 1, 4, 3 }, geo.roots.rank(quality))
    assert.same({ 1, 2, 5 }, geo.roots.select(quality, 3))
  end)

  it("gives roots chunks in turn until they have their quota", function()
    local quality = geo.roots.quality(geo.routes.all(triangle(), "bw"), "down")
    local quotas = geo.roots.quotas(quality, { 1, 2, 3 }, 4200000)
    assert.same({ 1095653, 1643479, 1460870 }, quotas)
    local roots, elements = geo.roots.assign(geo.models.chunks(TENSORS), { 1, 2, 3 }, quotas)
    assert.same({ 1, 2, 3, 1, 2 }, roots)
    assert.same({ 1500000, 1700000, 1000000 }, elements)
  end)

  it("does not round a quota up that is whole", function()
    assert.same({ 7, 7, 7 }, geo.roots.quotas({ 0.1, 0.1, 0.1 }, { 1, 2, 3 }, 21))
    assert.same({ 8, 8, 8 }, geo.roots.quotas({ 0.1, 0.1, 0.1 }, { 1, 2, 3 }, 22))
  end)
end)

describe("geo.models", function()
  it("cuts tensors into chunks, without an empty one at the end", function()
    local sizes = {}
    for i, chunk in ipairs(geo.models.chunks { 2000000, 1, 1000001 }) do
      sizes[i] = chunk.elements
    end
    assert.same({ 1000000, 1000000, 1, 1000000, 1 }, sizes)
    assert.equal(69, #geo.models.chunks(geo.models.tensors "alexnet"))
  end)

  it("has the elements that are known of each architecture", function()
    for name, elements in weft.util.sorted_pairs {
      alexnet = 57029322, resnet18 = 11175370, resnet34 = 21283530, resnet50 = 23541130,
      resnet101 = 42555018, vgg16 = 134300362, vgg19 = 139610058, mobilenet = 3216650,
      gpt2 = 124439808, gpt2_medium = 354823168, gpt2_large = 774030080, gpt2_xl = 1557611200,
    } do
      assert.equal(elements, geo.models.elements(geo.models.tensors(name)), name)
    end
    -- Of ImageNet: 3 channels, 1,000 classes.
    assert.equal(138357544, geo.models.elements(geo.models.tensors("vgg16",
      { channels = 3, classes = 1000 })))
  end)

  it("names the nearest of a wrong name", function()
    assert.matches("did you mean 'resnet50'", support.error_of(geo.models.tensors, "resnet5"))
  end)
end)

describe("geo.draws", function()
  it("gives what Python and glibc give", function()
    local random = geo.draws.python(1)
    assert.equal(0.13436424411240122, random())
    assert.equal(0.8474337369372327, random())
    local rand = geo.draws.glibc(2)
    assert.equal(1505335290, rand())
    assert.equal(1738766719, rand())
  end)

  it("gives the rates of NetStorm's evaluation", function()
    local first, mbps = geo.overlay.evaluation(), {}
    for link = 1, first.links do mbps[link] = first.rate_bps[link] / 1e6 end
    assert.same({ 38, 135, 123, 54, 87, 81, 108, 127, 32, 23, 133, 78, 123, 20, 80, 118, 51, 148,
      142, 24, 23, 93, 147, 71, 49, 77 }, mbps)
    local believed = geo.overlay.evaluation_believed()
    near(78.8 * 8e6, believed.rate_bps[believed:link(1, 2)])
    near(78.8 * 8e6, believed.rate_bps[believed:link(2, 1)])
    near(3.7 * 8e6, believed.rate_bps[believed:link(4, 6)])
    near(39.1 * 8e6, believed.rate_bps[believed:link(9, 8)])
  end)
end)

describe("geo.fifo", function()
  it("takes the times worked by hand on three data centres", function()
    local one = plan("netstorm", triangle(), { roots = 1 })
    near(3.008, (geo.fifo.run(one)))
    near(4.032, (geo.fifo.run(one, { in_sequence = true })))
    local pipe, sequence = plan("netstorm", triangle()):bound_s()
    near(2.688, pipe)
    near(3.072, sequence)
    pipe, sequence = plan("star", triangle()):bound_s()
    near(6.72, pipe)
    near(10.08, sequence)
    near(6.048, select(2, plan("star", triangle(), { routes = "bw" }):bound_s()))
    near(4.48, (plan("ring", triangle()):bound_s()))
  end)

  it("moves what the plan has on each link, by every strategy and rule", function()
    for _, overlay in ipairs { triangle(), wheel(), chord(), geo.overlay.evaluation(3) } do
      for _, name in ipairs(geo.strategies.names) do
        local strategy = geo.strategies.get(name)
        local made = strategy.plan and strategy.plan(overlay, TENSORS)
        for _, rule in ipairs(made and { {}, { in_sequence = true }, { reverse = true } } or {}) do
          local seconds, bits = geo.fifo.run(made, rule)
          local up, down = made:link_bits()
          for link = 1, overlay.links do near(up[link] + down[link], bits[link]) end
          assert.is_true(seconds >= made:bound_s() * (1 - 1e-12), name)
        end
      end
    end
  end)

  it("is never faster than the smallest cut", function()
    local overlay = geo.overlay.evaluation(2)
    local cut_s = 134.4e6 / geo.bounds.cut_bps(overlay)
    for _, name in ipairs(geo.strategies.names) do
      local strategy = geo.strategies.get(name)
      local seconds = strategy.plan and geo.fifo.run(strategy.plan(overlay, TENSORS))
        or strategy.iterate(overlay, TENSORS)
      assert.is_true(seconds >= cut_s * (1 - 1e-12), name)
    end
  end)

  it("carries auxiliary routes by messages and by bytes, all pieces to all", function()
    for _, rule in ipairs { "messages", "bytes" } do
      local made = geo.strategies.get("netstorm").plan(geo.overlay.evaluation(),
        geo.models.tensors "alexnet", { roots = 1, auxiliary = rule })
      assert.is_function(made.choose)
      assert.is_true(geo.fifo.run(made) > 0)
    end
    assert.matches("go with pull = 'path'", support.error_of(plan, "netstorm", triangle(),
      { pull = "out", auxiliary = "bytes" }))
  end)
end)

describe("geo.bounds", function()
  it("finds the smallest cut", function()
    near(70e6, geo.bounds.cut_bps(triangle())) -- into 3: 20 + 50
    near(25e6, geo.bounds.cut_bps(wheel()))
    near(110e6, geo.bounds.cut_bps(chord())) -- 3 and 4 against the rest: 60 + 50
  end)

  it("packs trees as well as the linear program", function()
    near(5.376, geo.bounds.best_trees(wheel(), 134.4e6), 1e-7)
    near(1.28, geo.bounds.best_trees(chord(), 134.4e6), 1e-7)
    near(5.376, geo.bounds.best_shares(geo.bounds.all_roots(wheel(), "path"), 134.4e6), 1e-7)
    for draw = 0, 1 do
      local overlay = geo.overlay.evaluation(draw)
      local best = geo.bounds.best_trees(overlay, 1)
      local tensors = geo.models.tensors "alexnet"
      local made = geo.strategies.get("packing").plan(overlay, tensors)
      local bits = 32 * geo.models.elements(tensors)
      assert.is_true(made:bound_s() >= best * bits * (1 - 1e-6))
      assert.is_true(made:bound_s() <= best * bits * 1.03)
      assert.is_true(geo.fifo.run(made) <= best * bits * 1.1)
    end
  end)

  it("solves linear programs in sequence, and says which trees have which share", function()
    -- What is not rooted at 4 goes over its way up, 25 Mbit/s, while pushed, the rest while pulled.
    local seconds, trees = geo.bounds.best_trees(wheel(), 134.4e6, true)
    near(134.4 / 25, seconds, 1e-8)
    local up, down = 0, 0
    for _, tree in ipairs(trees) do
      if tree.is_down then down = down + tree.share else up = up + tree.share end
    end
    near(1, up, 1e-4)
    near(1, down, 1e-4)
    -- Between all of 5, at 100 Mbit/s: a tree up and one down have 8 edges, of 20 links.
    local links = {}
    for u = 1, 5 do
      for v = 1, 5 do
        if u ~= v then links[#links + 1] = { u, v, 100e6 } end
      end
    end
    near(10 * 8 / 20, geo.bounds.best_trees(geo.overlay.new { links = links }, 1e9), 1e-8)
  end)

  it("packs trees between its own bound and the linear program's 1.28 s", function()
    local packed, most, least = require("weft.geo.packing").pack(chord())
    local sum = 0
    for _, pair in ipairs(packed) do sum = sum + pair.share end
    near(1, sum)
    assert.is_true(most * 134.4e6 >= 1.28 * (1 - 1e-9) and most * 134.4e6 < 1.28 * 1.03)
    assert.is_true(least * 134.4e6 <= 1.28 and least * 134.4e6 > 1.1)
  end)
end)

describe("geo.overlay", function()
  local files = support.files()
  after_each(files.remove)

  local function refused(links)
    return support.error_of(geo.overlay.new, { links = links })
  end

  it("refuses what is no overlay", function()
    assert.matches("no route from 1 to 3", refused { { 1, 2, 1 }, { 2, 1, 1 }, { 3, 1, 1 } })
    assert.matches("no route from 2 to 1", refused { { 1, 2, 1 } })
    assert.matches("link 1 to 2: expected a rate of more than 0, got 0",
      refused { { 1, 2, 0 }, { 2, 1, 1 } })
    assert.matches("link 1 to 2 is there twice", refused { { 1, 2, 1 }, { 1, 2, 1 } })
    assert.matches("a link from 2 to itself", refused { { 1, 2, 1 }, { 2, 2, 1 } })
    assert.matches("at least 2 data centres", refused {})
    assert.matches("no data centre 3; expected 1 to 2", support.error_of(geo.overlay.new,
      { nodes = 2, links = { { 1, 3, 1 } } }))
  end)

  it("reads names, other units, and rates that hold for both directions", function()
    local path = files.write "src,dst,gbps\nOregon,Ohio,1.1\nOhio,Tokyo,0.5\n"
    local overlay = geo.overlay.read(path)[1]
    assert.same({ "Oregon", "Ohio", "Tokyo" }, overlay.names)
    assert.equal(4, overlay.links)
    near(0.5e9, overlay.rate_bps[overlay:link(3, 2)])
    assert.matches("expected a column with rates: mbps, gbps or rate_bps",
      support.error_of(geo.overlay.read, files.write "src,dst,speed\na,b,1\n"))
    assert.matches(":3: column 'mbps': expected a rate of more than 0, got 0",
      support.error_of(geo.overlay.read, files.write "u,v,mbps\n1,2,3\n2,1,0\n"))
  end)
end)

describe("geo.trace", function()
  local files = support.files()
  after_each(files.remove)

  local function pair()
    return geo.overlay.new { links = { { 1, 2, 10e6 }, { 2, 1, 10e6 } } }
  end

  it("adds up the bits of a message while rates change", function()
    local trace = geo.trace.new(pair(), { 0, 1, 2 }, { { 10e6, 1 }, { 0, 1 }, { 5e6, 1 } })
    near(4, trace:finish(1, 0, 20e6)) -- 10 Mbit in 1 s, none in the next, 10 Mbit in 2 s
    near(0.5, trace:finish(1, 0, 5e6))
    near(3, trace:finish(1, 1.5, 5e6))
    near(10e6, trace:overlay_at(0.99).rate_bps[1])
    near(5e6, trace:overlay_at(2).rate_bps[1])
    assert.equal(3, trace:covered_s())
  end)

  it("makes rates that wander, with the moments asked for", function()
    local trace = geo.trace.synthetic(pair(), { sets = 4000, memory = 0.8, sigma = 0.3, seed = 7 })
    local sum, squares, products, last = 0, 0, 0, nil
    for k = 1, 4000 do
      local x = math.log(trace.rates[k][1] / 10e6)
      sum, squares, products = sum + x, squares + x * x, products + x * (last or 0)
      last = x
    end
    -- Standard errors: 0.3 sqrt(9 / 4000) = 0.014 of the mean, about 0.006 of the deviation.
    assert.is_true(math.abs(sum / 4000) < 0.05)
    assert.is_true(math.abs(math.sqrt(squares / 4000) - 0.3) < 0.03)
    assert.is_true(math.abs(products / squares - 0.8) < 0.05)
    local day = geo.trace.synthetic(pair(), { kind = "diurnal", depth = 0.4, day_s = 100,
      period_s = 1, sets = 100 })
    local least, most = math.huge, 0
    for k = 1, 100 do
      least, most = math.min(least, day.rates[k][1]), math.max(most, day.rates[k][1])
    end
    near(6e6, least, 0.01)
    near(14e6, most, 0.01)
  end)

  it("reports a link that stands still for ever, instead of waiting", function()
    local trace = geo.trace.new(pair(), { 0, 1 }, { { 10e6, 10e6 }, { 10e6, 0 } })
    local made = geo.strategies.get("star").plan(pair(), { 1000000 })
    assert.matches("link 2 to 1 stands still for ever with data on it",
      support.error_of(geo.fifo.run, made, { trace = trace }))
  end)

  it("refuses gaps, steps back and sets that lack links", function()
    local head = "scenario,period_s,set,u,v,mbps\n"
    local function refused(rows)
      return support.error_of(geo.trace.read, files.write(head .. rows))
    end
    local set = "D,60,%d,1,2,5\nD,60,%d,2,1,5\n"
    assert.matches(":4: column 'set': expected 0 or 1, got 2", refused(set:format(0, 0)
      .. set:format(2, 2)))
    assert.matches(":6: column 'set': expected 1 or 2, got 0", refused(set:format(0, 0)
      .. set:format(1, 1) .. set:format(0, 0)))
    assert.matches(":4: link 2 to 1: missing in this set", refused(set:format(0, 0)
      .. "D,60,1,1,2,5\n"))
    assert.matches(":5: link 1 to 2: twice in this set", refused(set:format(0, 0)
      .. "D,60,1,1,2,5\nD,60,1,1,2,5\nD,60,1,2,1,5\n"))
    assert.matches(":4: column 'period_s': expected 60 as before, got 61",
      refused(set:format(0, 0) .. "D,61,1,1,2,5\n"))
    assert.matches("set 3: expected a start after 5, got 5", support.error_of(geo.trace.new,
      pair(), { 0, 5, 5 }, { { 1, 1 }, { 1, 1 }, { 1, 1 } }))
  end)
end)

describe("geo.training", function()
  it("learns the rates of the links it uses", function()
    local overlay = geo.overlay.evaluation()
    local wrong, tensors = geo.overlay.evaluation_believed(), geo.models.tensors "alexnet"
    local function run(options)
      return geo.training.run(geo.trace.constant(overlay), tensors, options)
    end
    local measured = run { knows = "measured", believed = wrong, iterations = 6 }
    local oracle = run { knows = "oracle" }[1].end_s
    assert.is_true(measured[1].end_s > 1.1 * oracle)
    assert.is_true(measured[6].end_s - measured[6].start_s < 1.05 * oracle)
    -- A link that is used is known exactly: rates do not change within a message.
    local known = measured[6].plan.overlay
    local link = overlay:link(6, 9)
    near(overlay.rate_bps[link], known.rate_bps[link])
  end)

  it("gives each chunk its plan, so that no link that falls holds up the rest", function()
    -- 7 to 6 falls to 5 % after 20 s: a plan that holds for its iteration takes 794 s.
    local first = geo.overlay.evaluation()
    local fallen = {}
    for link = 1, first.links do fallen[link] = first.rate_bps[link] end
    fallen[first:link(7, 6)] = 1.2e6
    local trace = geo.trace.of_overlays({ first, first:with_rates(fallen) }, 20)
    local tensors = geo.models.tensors "alexnet"
    local function run(policy)
      return geo.training.run(trace, tensors, { policy = policy })[1].end_s
    end
    near(793.99408, run "iteration")
    assert.is_true(run "chunk" < 3 * 58.7)
  end)

  it("sums up each chunk once from everyone, whatever plans change under way", function()
    local plans, count = {}, 0
    for draw = 0, 4 do
      plans[draw] = geo.strategies.get(draw == 3 and "star" or "netstorm").plan(
        geo.overlay.evaluation(draw), geo.models.tensors "alexnet")
    end
    local function replan()
      count = count + 1
      return plans[count % 5]
    end
    local _, _, sums = geo.fifo.run(plans[0], { window = 5, replan = replan,
      value_of = function(piece, node) return 2 ^ node * piece end })
    assert.equal(69, #sums)
    for piece, sum in ipairs(sums) do assert.equal((2 ^ 10 - 2) * piece, sum) end
  end)

  it("reports what differs by more than the rate, and everything from nothing", function()
    local estimator = geo.awareness.estimator { size_min = 10, count = 2, report_rate = 0.5 }
    assert.is_nil(estimator:add(9, 1))
    assert.is_nil(estimator:add(1e6, 1))
    assert.same({ 1, true }, { estimator:add(1e6, 1) })
    estimator:add(1e6, 1)
    assert.same({ 1.5, false }, { estimator:add(2e6, 1) }) -- 0.5 off: not more than 0.5
  end)

  it("begins to send when gradients have been computed", function()
    local function ends(options)
      local list = geo.training.run(geo.trace.constant(triangle()), TENSORS, options)
      return list[1].end_s, list[2].end_s
    end
    local first, second = ends { iterations = 2, options = { roots = 1 } }
    near(3.008, first)
    near(6.016, second)
    first, second = ends { iterations = 2, options = { roots = 1 }, compute_s = 1.5 }
    near(4.508, first)
    near(9.016, second)
  end)

  it("refuses a strategy that makes no plans", function()
    assert.matches("strategy 'tsengine' makes no plans", support.error_of(geo.training.run,
      geo.trace.constant(triangle()), TENSORS, { strategy = "tsengine" }))
  end)
end)

describe("a strategy of a script", function()
  -- All chunks along a chain of data centres by number, the middle one being the root.
  local chain = { name = "chain", options = {} }
  function chain.plan(overlay, tensors)
    local made, parent, root = geo.plan.new(overlay), {}, math.ceil(overlay.nodes / 2)
    for u = 1, overlay.nodes do
      if u ~= root then parent[u] = u < root and u + 1 or u - 1 end
    end
    local tree = made:add_tree { root = root, parent = parent, up = "hop" }
    made:add_pieces(geo.models.chunks(tensors), function() return tree end)
    return made
  end

  it("is carried out as those that are built in", function()
    local made = geo.strategies.get(chain).plan(triangle(), TENSORS)
    -- 1 to 2 and 3 to 2 at 100 Mbit/s, then 2 to 3 at 50: as the best root of netstorm.
    near(3.008, (geo.fifo.run(made)))
    assert.equal(1, #geo.training.run(geo.trace.constant(triangle()), TENSORS,
      { strategy = chain, options = {} }))
  end)

  it("is told what is wrong with its trees", function()
    local made = geo.plan.new(triangle())
    local function tree(options) return support.error_of(made.add_tree, made, options) end
    assert.matches("tree of 1: expected a parent of 3, got nil",
      tree { root = 1, parent = { [2] = 1 } })
    assert.matches("tree of 1: expected all data centres, got 1 of 3",
      tree { root = 1, parent = { [2] = 3, [3] = 2 } })
    assert.matches("root: expected 1 to 3, got 4", tree { root = 4, parent = {} })
    assert.matches("no link from 3 to 4", support.error_of(triangle().link, triangle(), 3, 4))
    assert.matches("no strategy 'netstrom'; did you mean 'netstorm'",
      support.error_of(geo.strategies.get, "netstrom"))
  end)
end)
