-- Wide-area fabrics, files of networks, caps of data centres, plans on engines.

local support = require "support"
local weft = require "weft"

local geo = weft.geo

local function fails(text, f, ...)
  local message = support.error_of(f, ...)
  assert.truthy(message:find(text, 1, true), message)
end

-- A file whose name ends in something.
local function write(ending, content)
  local path = os.tmpname() .. ending
  weft.util.write_file(path, content)
  return path
end

-- Three data centres in a row, 8 Mbit/s each way: 1 MB takes a second.
local function row(options)
  local overlay = geo.overlay.new { name = "row", links = {
    { 1, 2, 8e6 }, { 2, 1, 8e6 }, { 2, 3, 8e6 }, { 3, 2, 8e6 },
  } }
  return options and overlay:with(options) or overlay
end

-- All up to 2 and down from it, in pieces of 1 MB.
local function to_the_middle(overlay, pieces)
  local plan = geo.plan.new(overlay)
  local tree = plan:add_tree { root = 2, parent = { [1] = 2, [3] = 2 } }
  local chunks = {}
  for i = 1, pieces do chunks[i] = { elements = 250000, key = i } end
  plan:add_pieces(chunks, function() return tree end)
  return plan
end

local BARE = { header = 0, int_header = 0, ack = 1 }

describe("topology.wan", function()
  it("has the evaluation's rates per direction, by draw", function()
    local fabric = weft.topology.wan {}
    assert.equal(9, #fabric:hosts())
    assert.equal(9 + 13, #fabric.links)
    -- The first numbers of random.seed(1): 1-2, 1-3, 2-3 and 2-1.
    local link = fabric:link("dc1:wan", "dc2:wan")
    assert.same({ 38e6, 54e6 }, { link.rate_bps, link.back.rate_bps })
    link = fabric:link("dc1:wan", "dc3:wan")
    assert.same({ 135e6, 81e6 }, { link.rate_bps, link.back.rate_bps })
    local other = weft.topology.wan { draw = 1 }:link("dc1:wan", "dc2:wan")
    assert.not_equal(38e6, other.rate_bps)
    local sim = weft.simulation { topology = fabric, engine = "fluid", header = 0 }
    sim:add_flow { src = "dc2", dst = "dc1", size = "54MB" } -- 8 s at 54 Mbit/s
    sim:run()
    assert.is_true(math.abs(sim:flow(0).fct_ps / 8e12 - 1) < 1e-3)
  end)

  it("caps what a data centre sends and receives in all, with one host or more", function()
    for hosts = 1, 2 do
      local fabric = weft.topology.wan { overlay = row(), hosts = hosts, egress = { [2] = "4Mbps" },
        ingress = { [1] = "2Mbps" } }
      local function name(dc, i) return hosts == 1 and "dc" .. dc or ("dc%d.%d"):format(dc, i) end
      for _, engine in ipairs { "fluid", "packet" } do
        local options = { topology = fabric, engine = engine, header = 0, mtu = 1000 }
        if engine == "packet" then
          options.cc, options.window, options.pfc, options.int_header = "window", "1MB", false, 0
        end
        local sim = weft.simulation(options)
        sim:add_flow { src = name(2, 0), dst = name(3, 0), size = "1MB" }
        sim:add_flow { src = name(2, hosts - 1), dst = name(1, 0), size = "1MB" }
        sim:run()
        -- 2 Mbit/s each: 4 s; no link alone would take more than 1 s, nor the cap of 1 more.
        for id = 0, 1 do
          assert.is_true(math.abs(sim:flow(id).fct_ps / 4e12 - 1) < 0.02, sim:flow(id).fct_ps)
        end
      end
    end
  end)

  it("draws a random geometric overlay by its seed, and says when it cannot", function()
    local function new(seed, radius)
      return weft.topology.wan { overlay = "geometric", nodes = 12, seed = seed, side = "20ms",
        radius = radius }
    end
    local a, b = new(3), new(3)
    assert.equal(#a.links, #b.links)
    for i, link in ipairs(a.links) do assert.equal(tostring(link), tostring(b.links[i])) end
    assert.not_equal(tostring(a.links[20]), tostring(new(4).links[20]))
    local x, y = a:node("dc1:wan").place, a:node("dc2:wan").place
    for _, link in ipairs(a:links_between("dc1:wan", "dc2:wan")) do
      local length = math.sqrt((x[1] - y[1]) ^ 2 + (x[2] - y[2]) ^ 2)
      assert.is_true(math.abs(link.delay_ps - length * 20e9) <= 1)
    end
    fails("option 'radius': in none of 100 squares 12 data centres can all reach each other", new,
      1, 0.01)
  end)

  it("refuses what is no overlay", function()
    fails("expected an overlay, its name or a file, got 3", weft.topology.wan, { overlay = 3 })
    fails("cannot read 'nowhere.csv'", weft.topology.wan, { overlay = "nowhere.csv" })
    fails("no data centre 7 in row", weft.topology.wan,
      { overlay = row(), egress = { [7] = "1Gbps" } })
    fails("there is no route from 1 to 3", geo.overlay.new,
      { links = { { 1, 2, 1e6 }, { 2, 1, 1e6 }, { 3, 2, 1e6 } } })
    fails("expected a rate of more than 0, got 0", geo.overlay.new,
      { links = { { 1, 2, 0 }, { 2, 1, 1e6 } } })
    fails("has no other direction", weft.topology.wan, { overlay = geo.overlay.new { links = {
      { 1, 2, 1e6 }, { 2, 3, 1e6 }, { 3, 1, 1e6 } } } })
  end)
end)

describe("files of networks", function()
  it("are CSV with delay, jitter and loss, or a round trip", function()
    local overlay = geo.overlay.read(write(".csv",
      "src,dst,mbps,rtt_ms,loss\na,b,10,30,0.5\nb,a,20,50,\n"))[1]
    assert.same({ 0.5, 0 }, overlay.loss)
    local link = weft.topology.wan { overlay = overlay }:link("a:wan", "b:wan")
    assert.same({ 15e9, 25e9 }, { link.delay_ps, link.back.delay_ps })
    fails(".csv:2: column 'delay_ms'", geo.overlay.read,
      write(".csv", "u,v,mbps,delay_ms\n1,2,3,-1\n"))
  end)

  local HEAD = [[<?xml version="1.0"?>
<graphml xmlns="http://graphml.graphdrawing.org/xmlns">
  <key attr.name="LinkSpeedRaw" attr.type="double" for="edge" id="d1" />
  <key attr.name="Longitude" attr.type="double" for="node" id="d2" />
  <key attr.name="Latitude" attr.type="double" for="node" id="d3" />
  <key attr.name="label" attr.type="string" for="node" id="d4" />
  <graph edgedefault="undirected">
    <node id="0"><data key="d2">0</data><data key="d3">0</data><data key="d4">A &amp; B</data>
    </node>
    <node id="1"><data key="d2">90</data><data key="d3">0</data><data key="d4">C</data></node>
]]

  it("are GraphML of the Topology Zoo, with delays along the great circle", function()
    local overlay = geo.overlay.read(write(".graphml", HEAD .. [[
    <!-- a comment with <node id="9"/> -->
    <edge source="0" target="1"><data key="d1">1000000000.0</data></edge>
    <edge source="1" target="0">
      <data key="d1">5e8</data>
    </edge>
  </graph>
</graphml>
]]))[1]
    assert.same({ "A & B", "C" }, overlay.names)
    assert.same({ 1.5e9, 1.5e9 }, overlay.rate_bps) -- two links side by side
    -- A quarter of the equator, 10,007.5 km, at 5 us a km.
    assert.is_true(math.abs(overlay.delay_s[1] - 0.050038) < 1e-6, overlay.delay_s[1])
    assert.same({ 90, 0 }, overlay.places[2])
  end)

  it("tell what is wrong with GraphML by its line", function()
    local function with(text) return write(".graphml", HEAD .. text) end
    fails(".graphml:11: edge from '0' to '1': expected a rate", geo.overlay.read,
      with "<edge source='0' target='1'/></graph>")
    local given = geo.overlay.read(with "<edge source='0' target='1'/></graph></graphml>",
      { rate = "1Gbps", delay = "5ms" })[1]
    assert.same({ { 1e9, 1e9 }, { 0.005, 0.005 } }, { given.rate_bps, given.delay_s })
    fails(".graphml:12: edge: target '7' is no node above it", geo.overlay.read,
      with "\n<edge source='0' target='7'/></graph>")
    fails("LinkSpeedRaw: expected a number, got 'fast'", geo.overlay.read,
      with "<edge source='0' target='1'><data key='d1'>fast</data></edge></graph>")
    fails(".graphml:11: node '1' is there twice", geo.overlay.read, with "<node id='1'/></graph>")
    fails("expected GraphML, got no <graph>", geo.overlay.read, write(".graphml", "hello"))
  end)

  local GRAPH = "NODES 2\nlabel x y\na -74.0 40.7\nb -0.1 51.5\n\nEDGES 2\n"
    .. "label src dest weight bw delay\n"

  it("are texts of REPETITA: kbit/s and us", function()
    local overlay = geo.overlay.read(write(".graph",
      GRAPH .. "edge_0 0 1 1 9953280 1913\nedge_1 1 0 1 100000 2000\n"))[1]
    assert.same({ 9953280000, 100000000 }, overlay.rate_bps)
    assert.is_true(math.abs(overlay.delay_s[1] - 0.001913) < 1e-12)
    assert.same({ -74.0, 40.7 }, overlay.places[1])
    local function read(text) return geo.overlay.read, write(".graph", text) end
    fails(".graph:8: dest: expected 0 to 1, got 2", read(GRAPH .. "e 0 2 1 5 5\n"))
    fails(".graph:8: bw: expected more than 0 kbit/s, got 0", read(GRAPH .. "e 0 1 1 0 5\n"))
    fails(".graph:9: expected an edge", read(GRAPH .. "e 0 1 1 5 5\n"))
    fails(".graph:1: expected 'NODES' and how many", read "EDGES 3\n")
  end)
end)

describe("the picture of an overlay", function()
  it("has coordinates where there are some, forces where not, names and rates", function()
    local file = write(".svg", "")
    local overlay = geo.overlay.new { links = { { "a", "b", 3e6 }, { "b", "a", 4e6 },
      { "b", "c", 5e6 }, { "c", "b", 6e6 } },
      places = { a = { 0, 0 }, b = { 1, 0 }, c = { 2, 1 } } }
    local page = weft.viz.overlay(overlay, { file = file, title = "three" })
    local a, b, c = page.places[1], page.places[2], page.places[3]
    assert.is_true(math.abs(b[1] - a[1] - (c[1] - b[1])) < 1e-9)
    assert.is_true(math.abs(b[2] - a[2]) < 1e-9 and c[2] < b[2]) -- y grows upwards
    assert.is_true(math.abs((c[1] - b[1]) - (b[2] - c[2])) < 1e-9)
    assert.equal(2 + 3 + 4, #page.boxes)
    local plan = geo.strategies.get("netstorm").plan(geo.overlay.evaluation(), { 4e6 }, {})
    page = weft.viz.overlay(plan.overlay, { file = file, plan = plan })
    for u = 1, 9 do
      for v = u + 1, 9 do
        local x, y = page.places[u][1] - page.places[v][1], page.places[u][2] - page.places[v][2]
        assert.is_true(math.sqrt(x * x + y * y) > 20)
      end
    end
    fails("expected an overlay, got 3", weft.viz.overlay, 3, { file = file })
    fails("expected a plan", weft.viz.overlay, overlay, { file = file, plan = 3 })
  end)
end)

describe("caps of data centres", function()
  it("bound what any trees and any cut can do", function()
    local bits = 8e6
    local open, capped = row(), row { egress = { [2] = "4Mbps" } }
    -- Each link takes 1 s for 1 MB.
    assert.is_true(math.abs(bits / geo.bounds.cut_bps(open) - 1) < 1e-9)
    -- Alone, 3 gets what 2 sends: 4 Mbit/s. Both get all: 2 MB at 4 Mbit/s.
    assert.is_true(math.abs(bits / geo.bounds.cut_bps(capped) - 2) < 1e-9)
    assert.is_true(math.abs(geo.bounds.best_trees(capped, bits) - 4) < 1e-6)
    assert.is_true(math.abs(to_the_middle(capped, 1):bound_s() - 4) < 1e-9)
  end)

  it("are shared by links that are busy at once, chunk by chunk and by flows", function()
    -- Up: 1 s for a piece on both links. Down: both links at 2 Mbit/s, 4 s a piece.
    local plan = to_the_middle(row { egress = { [2] = "4Mbps" } }, 2)
    assert.is_true(math.abs(geo.fifo.run(plan) - 9) < 1e-9)
    assert.is_true(math.abs(geo.fifo.run(plan, { in_sequence = true }) - 10) < 1e-9)
    for _, engine in ipairs { "fluid", "packet" } do
      local seconds = geo.engine.run(plan, { engine = engine, mtu = 1000,
        set = engine == "packet" and BARE or { header = 0 } })
      assert.is_true(math.abs(seconds / 9 - 1) < 0.01, seconds)
    end
    -- A link that is slower than its share leaves the rest to the other.
    local uneven = geo.overlay.new { links = { { 1, 2, 8e6 }, { 2, 1, 1e6 }, { 2, 3, 8e6 },
      { 3, 2, 8e6 } }, egress = { [2] = 4e6 } }
    assert.is_true(math.abs(geo.fifo.run(to_the_middle(uneven, 1)) - 9) < 1e-9)
    local trace = geo.trace.of_overlays({ uneven, row() }, 2)
    -- 1 Mbit by 2 s, and at 2 Mbit/s (3 Mbit of the other are there: 5 are left, 2.5 s) until
    -- 4.5 s: 5 more; the last 2 Mbit at 4 Mbit/s.
    assert.is_true(math.abs(geo.fifo.run(to_the_middle(uneven, 1), { trace = trace }) - 5) < 1e-9)
  end)
end)

describe("plans on engines", function()
  it("take what they take chunk by chunk", function()
    local plan = to_the_middle(row(), 3)
    for _, engine in ipairs { "fluid", "packet" } do
      for _, sequence in ipairs { false, true } do
        -- Pushes: 3 s. Pulls follow at once, a second each; or after all.
        local wanted = sequence and 6 or 4
        local set = { header = 0 }
        for key, value in pairs(engine == "packet" and BARE or {}) do set[key] = value end
        local seconds, details = geo.engine.run(plan, { engine = engine, mtu = 1000, set = set,
          in_sequence = sequence })
        assert.is_true(math.abs(details.chunk_s - wanted) < 1e-9)
        assert.is_true(math.abs(seconds / wanted - 1) < 0.003, seconds)
        assert.equal(12, details.messages)
      end
    end
  end)

  it("come within 1 % of the chunk level on NetStorm's overlay, goodput for goodput", function()
    local tensors = { 2500000, 400000, 3100000 }
    for draw = 0, 1 do
      local overlay = geo.overlay.evaluation(draw)
      for _, one in ipairs { { "star" }, { "kary_tree" }, { "netstorm", 1 }, { "netstorm", 9 } } do
        local plan = geo.strategies.get(one[1]).plan(overlay, tensors, { roots = one[2] })
        for engine, most in pairs { fluid = 1e-3, packet = 0.02 } do -- order-free: checks
          local seconds, details = geo.engine.run(plan, { engine = engine })
          local off = math.abs(seconds * details.payload / details.chunk_s - 1)
          assert.is_true(off < most, ("%s %s %g"):format(one[1], engine, off))
        end
      end
    end
  end)

  it("keep links busy over long ways, and make up for what they lose", function()
    local far = to_the_middle(row { delay = "100ms" }, 3)
    -- 4 s on links; of the last piece the delay up and the one down.
    assert.is_true(math.abs(geo.engine.run(far, { engine = "fluid", set = { header = 0 } }) - 4.2)
      < 0.01)
    local seconds = geo.engine.run(far, { set = BARE, mtu = 1000 })
    assert.is_true(math.abs(seconds - 4.2) < 0.05, seconds)
    local lossy = geo.engine.run(to_the_middle(row { delay = "1ms", loss = 1e-3 }, 2))
    assert.is_true(lossy > 3 and lossy < 6, lossy)
    fails("engine 'fluid' has no loss", geo.engine.run,
      to_the_middle(row { loss = 1e-3 }, 2), { engine = "fluid" })
  end)

  it("follow rates that change, and say what stands still", function()
    local slow = row():with_rates { 8e6, 8e6, 8e6, 4e6 }
    local trace = geo.trace.of_overlays({ row(), slow }, 1.5)
    local plan = to_the_middle(row(), 2)
    -- 3 to 2: 12 Mbit by 1.5 s, 4 more at half the rate: 2.5 s. Down: a second.
    for _, engine in ipairs { "fluid", "packet" } do
      local seconds, details = geo.engine.run(plan, { engine = engine, trace = trace, mtu = 1000,
        set = { header = 0 } })
      assert.is_true(math.abs(details.chunk_s - 3.5) < 1e-9)
      assert.is_true(math.abs(seconds / 3.5 - 1) < 0.01, seconds)
    end
    local dead = geo.trace.new(row(), { 0, 1.5 }, { { 8e6, 8e6, 8e6, 8e6 }, { 8e6, 8e6, 8e6, 0 } })
    fails("overlay row: link 3 to 2 stands still for ever", geo.engine.run, plan, { trace = dead })
    local back = geo.trace.new(row(), { 0, 1.5, 3 }, { { 8e6, 8e6, 8e6, 8e6 },
      { 8e6, 8e6, 8e6, 0 }, { 8e6, 8e6, 8e6, 8e6 } })
    local seconds = geo.engine.run(plan, { engine = "fluid", trace = back, set = { header = 0 } })
    assert.is_true(math.abs(seconds - 4.5) < 0.01, seconds)
  end)
end)

describe("sim:vary", function()
  local function rates(break_it, times)
    local fabric = weft.fabric.new "pair"
    fabric:add_node("a", "host")
    fabric:add_node("b", "host")
    fabric:add_link("a", "b", { "100Mbps", "50Mbps" }, "1ms")
    local sim, list = weft.simulation { topology = fabric, engine = "fluid" }, {}
    break_it(sim)
    for i, time in ipairs(times) do
      sim:run { stop_at = time }
      list[i] = { sim.core:port_info(0).rate_bps, sim.core:port_info(1).rate_bps,
        sim.core:port_info(0).up }
    end
    return list, sim
  end

  it("draws rates anew each period, in each direction, by its seed", function()
    local function draw(seed)
      return function(sim)
        sim:vary("a-b", { by = "redraw", min = "20Mbps", max = "155Mbps", period = "10s",
          duration = "30s", seed = seed })
      end
    end
    local times = { 5, 15, 25, 35 }
    local first = rates(draw(1), times)
    assert.same(first, rates(draw(1), times))
    assert.not_same(first, (rates(draw(2), times)))
    for i = 1, 3 do
      for side = 1, 2 do
        assert.equal(0, first[i][side] % 1e6)
        assert.is_true(first[i][side] >= 20e6 and first[i][side] <= 155e6)
      end
    end
    assert.not_equal(first[1][1], first[2][1])
    assert.not_equal(first[1][1], first[1][2])
    assert.same({ 100e6, 50e6, 1 }, first[4]) -- as built
  end)

  it("wanders about the rate as built, or follows the day", function()
    local list = rates(function(sim)
      sim:vary("a-b", { by = "ar1", sigma = 0, duration = "1h", direction = "a_to_b" })
    end, { 100, 500 })
    assert.same({ { 100e6, 50e6, 1 }, { 100e6, 50e6, 1 } }, list)
    list = rates(function(sim)
      sim:vary("a-b", { by = "diurnal", depth = 0.5, day = 40, period = "10s",
        duration = "40s" })
    end, { 5, 15, 25, 35 })
    -- Half a day apart a sine has the other sign: two such rates make up twice that as built.
    for i = 1, 2 do
      assert.is_true(math.abs(list[i][1] + list[i + 2][1] - 200e6) <= 2e3)
      assert.is_true(math.abs(list[i][2] + list[i + 2][2] - 100e6) <= 2e3)
    end
  end)

  it("follows a trace, in which 0 is a link that is down", function()
    local path = write(".csv", "at,mbps\n0,40\n10,0\n20s,80\n")
    local function vary(options)
      options.by, options.file = "trace", path
      return function(sim) sim:vary("a-b", options) end
    end
    local list, sim = rates(vary { direction = "b_to_a" }, { 5, 15, 25 })
    assert.same({ 100e6, 40e6, 1 }, list[1])
    assert.equal(0, sim.core:port_info(1).up - 1)
    assert.same({ 100e6, 80e6, 1 }, list[3])
    assert.equal(0, rates(vary {}, { 5, 15 })[2][3])
    assert.same({ 100e6, 50e6, 1 }, rates(vary { duration = "12s" }, { 13 })[1])
    assert.matches("vary a%-b: trace, of .*, b_to_a", tostring(sim:failures()[1]))
  end)

  it("refuses gaps, ways back in time and options of other kinds", function()
    local function vary(options)
      return function() rates(function(sim) sim:vary("a-b", options) end, {}) end
    end
    local function trace(text, period)
      return vary { by = "trace", file = write(".csv", text), period = period }
    end
    fails(".csv:4: column 'at': expected more than 10 s, the row before, got 5 s",
      trace "at,mbps\n0,40\n10,30\n5,20\n")
    fails(".csv:3: column 'at': expected more than 0 s", trace "at,mbps\n0,40\n0,30\n")
    fails(".csv:4: column 'at': a gap: expected at most 20 s, a period behind the row before, got"
      .. " 30 s", trace("at,mbps\n0,40\n10,40\n30,30\n", "10s"))
    fails(".csv:2: column 'mbps': expected 0 or more, got -1", trace "at,mbps\n0,-1\n")
    fails("expected a column mbps, gbps, rate_bps or factor", trace "at,speed\n0,1\n")
    fails("needs option 'duration'", vary { by = "ar1" })
    fails("by = 'ar1' has no option 'min'", vary { by = "ar1", duration = 1, min = 1e6 })
    fails("option 'max': expected at least min", vary { by = "redraw", duration = 1, min = "2Mbps",
      max = "1Mbps" })
    fails("option 'by'", vary { by = "dice", duration = 1 })
  end)
end)
