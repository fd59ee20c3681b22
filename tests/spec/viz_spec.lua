-- Pictures: written whole, the same bytes each time, with nothing on top of something else.
local support = require "support"
local weft = require "weft"
local viz = require "weft.viz"
local axes = require "weft.viz.axes"
local canvas = require "weft.viz.canvas"
local layout = require "weft.viz.layout"
local links = require "weft.viz.links"
local names = require "weft.viz.names"
local palette = require "weft.viz.palette"

local magic = { png = "\137PNG\r\n\26\n", svg = "<?xml", pdf = "%PDF-" }

-- A name for a picture; the file is removed by `finally`.
local function picture(ending)
  local path = os.tmpname()
  os.remove(path)
  path = path .. "." .. ending
  return path, function() os.remove(path) end
end

local function rail(servers)
  return weft.topology.rail_optimized {
    servers = servers, gpus_per_server = 8, nic = "400Gbps", nvlink = "2400Gbps", delay = "500ns",
  }
end

-- Fabrics of 32 and 128 hosts, and small odd ones.
local fabrics = {
  { "rail-optimised, 32 GPUs", function() return rail(4) end },
  { "rail-optimised, 128 GPUs", function() return rail(16) end },
  { "fat tree k=4", function()
    return weft.topology.fat_tree { k = 4, rate = "100Gbps", delay = "1us" }
  end },
  { "fat tree k=8", function()
    return weft.topology.fat_tree { k = 8, rate = "100Gbps", delay = "1us" }
  end },
  { "star", function()
    return weft.topology.star { hosts = 9, rate = "100Gbps", delay = "1us" }
  end },
}

-- Texts of the boxes that overlap, or nil. Letters are not boxes: half a point may touch.
local function overlapping(boxes)
  for i = 1, #boxes do
    for k = i + 1, #boxes do
      if canvas.overlap(boxes[i], boxes[k], 0.5) then
        return ("'%s' and '%s'"):format(boxes[i].text, boxes[k].text)
      end
    end
  end
end

local function outside(page)
  for _, box in ipairs(page.boxes) do
    local right, bottom = box[1] + box[3], box[2] + box[4]
    if box[1] < 0 or box[2] < 0 or right > page.width or bottom > page.height then
      return box.text
    end
  end
end

describe("a picture of a fabric", function()
  for _, entry in ipairs(fabrics) do
    it("has no text on another or beyond the page: " .. entry[1], function()
      local file, remove = picture "png"
      finally(remove)
      local fabric = entry[2]()
      local page = viz.topology(fabric, {
        file = file, title = entry[1], color = "rate",
        degraded = { { link = 0, factor = 1 / 4 }, { link = #fabric.links - 1, factor = 0 } },
      })
      assert.is_nil(overlapping(page.boxes))
      assert.is_nil(outside(page))
    end)
  end

  it("labels each of 32 GPUs", function()
    local file, remove = picture "svg"
    finally(remove)
    local page = viz.topology(rail(4), { file = file })
    local seen = {}
    for _, box in ipairs(page.boxes) do seen[box.text] = true end
    for gpu = 0, 31 do assert.is_true(seen[("%d"):format(gpu)]) end
  end)

  it("says what is left of a degraded link", function()
    local file, remove = picture "pdf"
    finally(remove)
    local page = viz.topology(rail(4), { file = file, degraded = { { link = 1, factor = 1 / 4 } } })
    local found = false
    for _, box in ipairs(page.boxes) do found = found or box.text == "1/4" end
    assert.is_true(found)
  end)

  for ending, start in require("weft.util").sorted_pairs(magic) do
    it("is a valid " .. ending .. " with the same bytes each time", function()
      local file, remove = picture(ending)
      finally(remove)
      local contents = {}
      for i = 1, 2 do
        viz.topology(rail(4), { file = file, title = "twice" })
        contents[i] = support.content(file)
      end
      assert.are.equal(start, contents[1]:sub(1, #start))
      assert.is_true(contents[1] == contents[2])
      assert.is_nil(support.content(file .. ".tmp"))
    end)
  end
end)

describe("a picture of a simulation", function()
  local function run()
    local sim = weft.simulation {
      topology = weft.topology.star { hosts = 3, rate = "100Gbps", delay = "1us" },
    }
    sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
    sim:degrade(sim.fabric:link("h2", "switch0"), { factor = 1 / 4 })
    sim:sample { period = "1us", ports = { sim:port("h0", "switch0") }, flows = { 0 } }
    sim:run()
    return sim
  end

  it("knows the utilization of links and which are degraded", function()
    local states = links.states(run(), { color = "utilization" })
    assert.is_true(states[1].utilization > 0.5 and states[1].utilization <= 1)
    assert.are.equal(0, states[3].utilization)
    assert.is_nil(states[1].degraded)
    assert.are.equal("1/4", links.factor_text(states[3].factor))
  end)

  it("shows rates of ports and flows", function()
    local file, remove = picture "png"
    finally(remove)
    local sim = run()
    local ports = { sim:port("h0", "switch0") }
    local page = viz.rates(sim, { file = file, ports = ports, flows = { 0 } })
    assert.is_nil(overlapping(page.boxes))
    assert.is_nil(outside(page))
    assert.are.equal(magic.png, support.content(file):sub(1, 8))
  end)
end)

describe("a picture of a large fabric", function()
  for _, entry in ipairs {
    { "fat tree of 1,024 hosts", function() return weft.topology.fat_tree { k = 16 } end, 16 },
    { "rail-optimized, 1,024 GPUs", function() return rail(128) end, 32 },
    { "64 leaves", function()
      return weft.topology.leaf_spine { leaves = 64, hosts_per_leaf = 16 }
    end, 32 },
    { "a star", function() return weft.topology.star { hosts = 300 } end, 38 },
  } do
    it("has groups and strips, and no text on another or beyond the page: " .. entry[1], function()
      local fabric, path, remove = entry[2](), picture "svg"
      finally(remove)
      local page = viz.topology(fabric, { file = path, title = ("a long title "):rep(20) })
      assert.is_nil(overlapping(page.boxes))
      assert.is_nil(outside(page))
      assert.equal(entry[3], page.groups.columns)
      local count = 0
      for _, strip in pairs(page.groups.strips) do count = count + #strip.states end -- order-free
      assert.equal(#fabric.links, count)
    end)
  end

  it("names links that are or were bad, with when", function()
    local sim = weft.simulation { topology = weft.topology.fat_tree { k = 12 } }
    sim:degrade("h2-edge0", { at = "2us", factor = 1 / 2 })
    sim:degrade("agg71-core30", { at = "5us", factor = 1 / 4, duration = "10us" })
    sim:degrade("agg71-core31", { at = "50us", factor = 1 / 4 }) -- yet to come
    sim:run { stop_at = "20us" }
    local path, remove = picture "svg"
    finally(remove)
    local page, said = viz.topology(sim, { file = path, color = "queue" }), {}
    assert.is_nil(overlapping(page.boxes))
    for _, box in ipairs(page.boxes) do said[#said + 1] = box.text end
    local text = table.concat(said, "\n")
    assert.truthy(text:find("h2-edge0: 1/2, since 2 \194\181s", 1, true), text)
    assert.truthy(text:find("agg71-core30: 1/4, from 5 \194\181s to 15 \194\181s", 1, true), text)
    assert.falsy(text:find("agg71-core31", 1, true))
  end)
end)

describe("colours of links", function()
  it("are by what the table of ports counts, the busier direction", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "dctcp" }
    for host = 1, 3 do sim:add_flow { src = host, dst = 0, size = "1MB" } end
    sim:run()
    local ports = sim:ports()
    for color, column in pairs { -- order-free: each is looked at alone
      queue = "max_queue_bytes", marks = "ecn_marks", pauses = "pauses", drops = "drops",
    } do
      for i, state in ipairs(links.states(sim, { color = color })) do
        local a, b = ports:row(2 * i - 1)[column], ports:row(2 * i)[column]
        assert.equal(math.max(a, b), state.value)
      end
      local path, remove = picture "png"
      viz.topology(sim, { file = path, color = color })
      remove()
    end
    assert.matches("is of a simulation", support.error_of(viz.topology, sim.fabric,
      { file = "x.png", color = "queue" }))
  end)
end)

describe("pictures of results", function()
  local function simulation(cc)
    local sim = weft.simulation { topology = weft.topology.star { hosts = 6 }, cc = cc }
    sim:add_job(weft.workload.synthetic { load = 0.4, sizes = "websearch", flows = 200 })
    sim:run()
    return sim
  end

  it("show slowdown by size, of one run and of several, wide and narrow", function()
    local a, b = simulation "dctcp", simulation "hpcc"
    for _, given in ipairs { a, a:flows(), { { "dctcp", a }, { "hpcc", b:flows() } },
      { { "1", a }, { "2", b }, { "3", a } } } do
      for _, width in ipairs { "page", "column" } do
        local path, remove = picture "svg"
        local page = viz.fct(given, { file = path, width = width, title = ("words "):rep(30) })
        remove()
        assert.is_nil(overlapping(page.boxes))
        assert.is_nil(outside(page))
      end
    end
    assert.matches("fct: expected a simulation", support.error_of(viz.fct, {}, { file = "x.png" }))
    local new = weft.simulation { topology = weft.topology.star { hosts = 3 } }
    assert.matches("no flow is complete", support.error_of(viz.fct, new, { file = "x.png" }))
  end)

  it("show what each host did when", function()
    local sim = weft.simulation { topology = rail(4), cc = "dctcp" }
    local job = sim:add_job(weft.workload.allreduce { size = "1MiB" })
    sim:run()
    for _, only in ipairs { false, job } do
      local path, remove = picture "svg"
      local page = viz.gantt(sim, { file = path, job = only or nil, title = "AllReduce" })
      remove()
      assert.is_nil(overlapping(page.boxes))
      assert.is_nil(outside(page))
    end
    local new = weft.simulation { topology = rail(4) }
    assert.matches("nothing has begun", support.error_of(viz.gantt, new, { file = "x.png" }))
  end)
end)

describe("rates", function()
  it("are never above line rate, and their bytes are those that were sampled", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 3 }, cc = "dctcp" }
    sim:add_flow { src = 1, dst = 0, size = "1MB" }
    sim:add_flow { src = 2, dst = 0, size = "1MB" }
    local port = sim:port("switch0", "h0")
    sim:sample { period = "300ns", ports = { port }, flows = { 0, 1 } }
    sim:run()
    local line, above = sim.core:port_info(port).rate_bps, 0
    local sampled = sim:series("port_bytes", port)
    for i = 1, sampled.count do
      if sampled.value[i] * 8e12 / sampled.period_ps > line then above = above + 1 end
    end
    assert.is_true(above > 0) -- a packet counts whole where it begins
    for n, one in ipairs(viz.rate_series(sim, { ports = { port }, flows = { 0, 1 } })) do
      local bytes, all = 0, n == 1 and 0 or 1e6
      for i, rate in ipairs(one.y) do
        assert.is_true(rate <= line * (1 + 1e-12))
        bytes = bytes + rate * (one.x[i + 1] - one.x[i]) / 8
      end
      for i = 1, n == 1 and sampled.count or 0 do all = all + sampled.value[i] end
      assert.is_true(math.abs(bytes - all) < 1)
    end
  end)
end)

describe("a picture of many rates", function()
  local function series(count)
    local list = {}
    for i = 1, count do
      local time, value = {}, {}
      for k = 1, 50 do
        time[k], value[k] = k * 1e-6, 1e9 * ((k * i) % 17)
      end
      time[51] = 51e-6
      list[i] = { label = ("series %d"):format(i), time_s = time, value = value }
    end
    return list
  end

  for _, style in ipairs { "lines", "heat" } do
    for _, count in ipairs { 1, 10, 11, 40 } do
      it(("keeps texts apart: %d, %s"):format(count, style), function()
        local file, remove = picture "png"
        finally(remove)
        local page = viz.rates(nil, {
          file = file, series = series(count), style = style, height = 5,
          events = { { at = 1e-5, label = "one" }, { at = 1.1e-5, label = "another" } },
        })
        assert.is_nil(overlapping(page.boxes))
        assert.is_nil(outside(page))
      end)
    end
  end

  it("fits its legend into a column of a paper", function()
    local file, remove = picture "pdf"
    finally(remove)
    local page = viz.rates(nil, { file = file, series = series(8), width = "column" })
    assert.is_nil(overlapping(page.boxes))
    assert.is_nil(outside(page))
    assert.is_true(page.width > 237 and page.width < 238)
  end)
end)

describe("a mistake in a picture's options", function()
  local function message(call, options, ...)
    return support.error_of(call, ..., options)
  end

  it("names an unknown ending", function()
    local text = message(viz.topology, { file = "fabric.gif" }, rail(1))
    assert.is_truthy(text:find("fabric.gif: expected a file name ending in .png", 1, true))
  end)

  it("names a file that cannot be written", function()
    local text = message(viz.topology, { file = "/nowhere/fabric.png" }, rail(1))
    assert.is_truthy(text:find("/nowhere/fabric.png: No such file", 1, true))
  end)

  it("names an unknown option and the nearest one", function()
    local text = message(viz.topology, { file = "a.png", colour = "rate" }, rail(1))
    assert.is_truthy(text:find("'colour'", 1, true) and text:find("'color'", 1, true))
  end)

  it("names a link that does not exist", function()
    local text = message(viz.topology, { file = "a.png", degraded = { 4711 } }, rail(1))
    assert.is_truthy(text:find("degraded[1]", 1, true) and text:find("4711", 1, true))
  end)

  it("names a wrong key of a span", function()
    local text = support.error_of(viz.chart.new, { spans = { { from = 1, till = 2 } } })
    assert.is_truthy(text:find("spans[1]", 1, true) and text:find("till", 1, true))
  end)

  it("asks for a simulation or a fabric", function()
    local text = support.error_of(viz.topology, nil, { file = "a.png" })
    assert.is_truthy(text:find("expected a simulation or a fabric, got nil", 1, true))
  end)

  it("asks for something to draw", function()
    assert.is_truthy(message(viz.rates, { file = "a.png" }, {}):find("nothing to draw", 1, true))
  end)

  it("asks for as many x as y", function()
    local text = support.error_of(viz.chart.new, { series = { { x = { 1, 2 }, y = { 1 } } } })
    assert.is_truthy(text:find("expected 1 values of x, got 2", 1, true))
  end)
end)

describe("a chart", function()
  it("takes colours as \"#rrggbb\"", function()
    local x = { 1, 2 }
    local one = viz.chart.new { series = { { x = x, y = x, color = "#ff8000" } } }
    assert.same({ 1, 128 / 255, 0 }, one.panels[1].items[1].color)
    assert.matches('"#rrggbb"', support.error_of(viz.chart.new,
      { series = { { x = x, y = x, color = "orange" } } }))
  end)

  it("draws every kind of series", function()
    local file, remove = picture "png"
    finally(remove)
    local x, y = { 1, 2, 3, 4 }, { 2, 1, 0 / 0, 4 }
    local page = viz.chart.new({
      title = "kinds", height = 6,
      panels = {
        { title = "lines", series = {
          { kind = "line", x = x, y = y, label = "line" },
          { kind = "step", x = x, y = y, label = "step" },
          { kind = "scatter", x = x, y = y, label = "scatter" },
          { kind = "band", x = x, low = x, high = { 5, 6, 7, 8 }, label = "band" },
        } },
        { title = "cdf", x = { scale = "log", unit = "s" },
          series = { { kind = "cdf", values = { 1e-6, 3e-6, 9e-6, 1e-3 }, label = "cdf" } } },
        { title = "bars", x = { categories = { "a", "b", "c" } },
          series = { { kind = "bars", y = { 1, 2, 3 }, label = "bars" } } },
      },
    }):write(file)
    assert.is_nil(overlapping(page.boxes))
    assert.is_nil(outside(page))
  end)

  it("keeps categories out of the x axis that panels share", function()
    local chart = viz.chart.new {
      panels = {
        { x = { categories = { "a", "b", "c" } }, series = { { kind = "bars", y = { 1, 2, 3 } } } },
        { series = { { x = { 0, 1e-3 }, y = { 1, 2 } } } },
      },
    }
    local png, remove_png = picture "png"
    finally(remove_png)
    chart:write(png)
    assert.equal(1e-3, chart.panels[2].x.max)
  end)

  it("gives panels one scale when asked, and its data as CSV", function()
    local file, remove = picture "csv"
    finally(remove)
    local chart = viz.chart.new {
      share_y = true, columns = 2,
      panels = {
        { title = "healthy", series = { { label = "a", x = { 1, 2 }, y = { 1, 2 } } } },
        { title = "degraded", series = { { label = "b", x = { 1, 2 }, y = { 1, 900 } } } },
      },
    }
    local png, remove_png = picture "png"
    chart:write(png)
    remove_png()
    assert.is_true(chart.panels[1].y.max >= 900)
    chart:write_csv(file)
    assert.are.equal("panel,series,x,y\n1,\"a\",1,1\n", support.content(file):sub(1, 27))
  end)

  it("leaves no file behind when it fails", function()
    local file = picture "png"
    local chart = viz.chart.new { series = { { x = { 1 }, y = { 1 } } } }
    chart.panels[1].draw = function() error "broken" end
    assert.is_false(pcall(chart.write, chart, file))
    assert.is_nil(support.content(file))
  end)
end)

describe("layout", function()
  for _, entry in ipairs(fabrics) do
    it("keeps nodes apart: " .. entry[1], function()
      local plan, boxes = layout.new(entry[2](), 60, 496, 20), {}
      for _, row in ipairs(plan.rows) do
        for _, id in ipairs(row.ids) do
          local p = plan.places[id]
          local x, y = p.x - p.width / 2, p.y - p.height / 2
          boxes[#boxes + 1] = { x, y, p.width, p.height, text = id }
        end
      end
      assert.is_nil(overlapping(boxes))
    end)
  end

  it("puts a switch above its own hosts", function()
    local fabric = weft.topology.fat_tree { k = 4, rate = "100Gbps", delay = "1us" }
    local places = layout.new(fabric, 60, 496, 20).places
    local edge = fabric:node("edge0").id
    assert.is_true(math.abs(places[edge].x - (places[0].x + places[1].x) / 2) < 2)
  end)

  it("spreads equal wishes evenly and keeps distant ones", function()
    assert.are.same({ 40, 50, 60 }, layout.spread({ 50, 50, 50 }, 10, 0, 100))
    assert.are.same({ 10, 50, 90 }, layout.spread({ 10, 50, 90 }, 10, 0, 100))
    assert.are.same({ 80, 90, 100 }, layout.spread({ 100, 100, 100 }, 10, 0, 100))
  end)
end)

describe("axes", function()
  it("have ticks at 1, 2 or 5 times a power of ten", function()
    for _, case in ipairs { { 0, 437e9 }, { 0, 3.2e-3 }, { 12, 13 }, { -7, 8 }, { 0, 1 } } do
      local axis = axes.new({}, case[1], case[2])
      local step = axis.ticks[2] - axis.ticks[1]
      local mantissa = step / 10 ^ math.floor(math.log(step) / math.log(10) + 1e-9)
      local nice = false
      for _, m in ipairs { 1, 2, 5 } do nice = nice or math.abs(mantissa - m) < 1e-6 end
      assert.is_true(nice)
      assert.is_true(#axis.ticks >= 3 and #axis.ticks <= 8)
    end
  end)

  it("write SI prefixes into the label", function()
    local axis = axes.new({ label = "rate", unit = "bit/s" }, 0, 4e11)
    assert.are.equal("rate (Gbit/s)", axis.label)
    assert.are.equal("400", axis:text(4e11))
  end)

  it("have powers of ten when logarithmic", function()
    local axis = axes.new({ scale = "log", unit = "B" }, 1500, 3e6)
    assert.are.equal("1 kB", axis:text(axis.ticks[1]))
    assert.are.equal("10 MB", axis:text(axis.ticks[#axis.ticks]))
  end)

  it("survive data that is empty or constant", function()
    assert.is_true(axes.new({}, nil, nil).max > 0)
    assert.is_true(axes.new({}, 5, 5).max > 5)
    assert.is_true(axes.new({ scale = "log" }, 5, 5).max > 5)
  end)
end)

describe("names", function()
  it("are shortened to what differs", function()
    assert.are.equal("gpu0\226\128\1473", names.summary({ "gpu0", "gpu1", "gpu2", "gpu3" }, "host"))
    assert.are.equal("2 switches", names.summary({ "tor", "core" }, "switch"))
  end)
end)

describe("the sequential colours", function()
  it("grow darker evenly", function()
    local last = 2
    for i = 0, 20 do
      local luminance = palette.luminance(palette.sequential(i / 20))
      assert.is_true(luminance < last)
      last = luminance
    end
  end)
end)
