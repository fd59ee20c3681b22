-- weft.compare: one scenario with several engines.

local compare = require "weft.compare"
local support = require "support"
local weft = require "weft"

local function fails(fragment, f, ...)
  local text = support.error_of(f, ...)
  assert.truthy(text:find(fragment, 1, true), text)
end

local function star() return weft.topology.star { hosts = 4, rate = "10Gbps", delay = "1us" } end

-- Three flows into one host, and one that meets nobody.
local function incast(engine)
  local sim = weft.simulation { topology = star(), engine = engine, ecmp = "pair" }
  for i = 1, 3 do sim:add_flow { src = i, dst = 0, size = 100e3 * i } end
  sim:add_flow { src = 0, dst = 1, size = 700 }
  return sim
end

describe("figures of a comparison", function()
  it("are of |time / true time - 1|, and percentiles are values", function()
    -- 10 flows: off by 0, 1, ..., 8 and by -50 per cent; ideal times are half of the true ones.
    local sample = { size_bytes = {}, truth_ps = {}, fct_ps = {}, ideal_ps = {} }
    for i = 1, 10 do
      sample.size_bytes[i], sample.truth_ps[i], sample.ideal_ps[i] = 100, 1000, 500
      sample.fct_ps[i] = i < 10 and 1000 + 10 * (i - 1) or 500
    end
    local row = compare.figures(sample)
    assert.equal(10, row.flows)
    assert.near(8.6, row.mean_err_pct, 1e-9) -- (36 + 50) / 10
    assert.near(-1.4, row.bias_pct, 1e-9) -- (36 - 50) / 10
    assert.near(4, row.p50_err_pct, 1e-9)
    assert.near(8, row.p90_err_pct, 1e-9)
    assert.near(50, row.p99_err_pct, 1e-9)
    assert.near(2.16, row.slowdown_p99, 1e-9) -- 1080 / 500
    assert.near(8, row.p99_slowdown_err_pct, 1e-9) -- 2.16 / 2
  end)

  it("say how many flows there are if there are none", function()
    local none = { size_bytes = {}, truth_ps = {}, fct_ps = {}, ideal_ps = {} }
    assert.same({ flows = 0 }, compare.figures(none))
  end)

  it("come by size of flow", function()
    local compared = compare.of { truth = "packet", sizes = { 1000 }, samples = { {
      engine = "ideal", size_bytes = { 1000, 1001, 5000 }, truth_ps = { 100, 100, 100 },
      fct_ps = { 90, 80, 60 }, ideal_ps = { 90, 80, 60 },
    } } }
    local small, large = compared:by_size()[1], compared:by_size()[2]
    assert.same({ "up to 1 kB", 1, "above 1 kB", 2 },
      { small.size, small.flows, large.size, large.flows })
    assert.near(10, small.mean_err_pct, 1e-9)
    assert.near(30, large.mean_err_pct, 1e-9)
    assert.near(40, large.p90_err_pct, 1e-9)
  end)
end)

describe("weft.compare", function()
  it("runs a scenario with each engine, and the truth again for the floor", function()
    local words = {}
    local compared = weft.compare { engines = { "ideal", "packet" }, function(engine)
      words[#words + 1] = engine
      return incast(engine)
    end }
    assert.same({ "packet", "ideal", "packet" }, words)
    local rows = compared:rows()
    assert.same({ "ideal", "packet", "floor" }, { rows[1].engine, rows[2].engine, rows[3].engine })
    -- By hand from the two simulations.
    local packet, ideal = incast "packet", incast "ideal"
    packet:run()
    ideal:run()
    local sum = 0
    for i = 0, 3 do sum = sum + math.abs(ideal:flow(i).fct_ps / packet:flow(i).fct_ps - 1) end
    assert.near(100 * sum / 4, rows[1].mean_err_pct, 1e-9)
    assert.equal(0, rows[2].mean_err_pct)
    assert.equal(4, rows[3].flows)
    assert.is_true(rows[3].mean_err_pct > 0 and rows[3].mean_err_pct < rows[1].mean_err_pct)
    assert.equal(packet:flow(2).fct_ps, rows[2].completion_ps)
    assert.near(100 * (1 - rows[1].completion_ps / rows[2].completion_ps),
      rows[1].completion_err_pct, 1e-9)
  end)

  it("leaves the fabric as it was, and draws the same longer links for a seed", function()
    local net = star()
    local function floor_of(seed)
      local compared = weft.compare { engines = "packet", seed = seed, function(engine)
        local sim = weft.simulation { topology = net, engine = engine, cc = "window" }
        for i = 1, 3 do sim:add_flow { src = i, dst = 0, size = "10kB" } end
        return sim
      end }
      return compared:rows()[2].mean_err_pct
    end
    local one = floor_of(1)
    assert.equal(one, floor_of(1))
    assert.not_equal(one, floor_of(2))
    for _, link in ipairs(net.links) do assert.equal(1e6, link.delay_ps) end
  end)

  it("finds flows of a task graph in whatever order they start", function()
    local compared = weft.compare { engines = "packet,ideal", floor = false, function(engine)
      local sim = weft.simulation { topology = star(), engine = engine }
      sim:add_job(weft.workload.gpt { model = "7B", layers = 2, tp = 1, dp = 2, pp = 2,
        iterations = 1, scale_bytes = 1e-4, scale_compute = 1e-4 })
      return sim
    end }
    local rows = compared:rows()
    assert.equal(rows[1].flows, rows[2].flows)
    assert.equal(0, rows[2].missing)
    assert.is_true(rows[2].flows > 10 and rows[2].bias_pct <= 0)
  end)

  it("prints tables, CSV and JSON, and draws", function()
    local compared = weft.compare { engines = "packet,ideal", function(engine)
      local sim = incast(engine)
      sim:add_flow { src = 1, dst = 0, size = "50MB" } -- so that packets take a while
      return sim
    end }
    local text = tostring(compared)
    for _, fragment in ipairs { "engine", "floor", "errors per flow against packet, by size of",
      "up to 200 kB", "times faster than packets" } do
      assert.truthy(text:find(fragment, 1, true), fragment)
    end
    local files = support.files()
    local path = files.write("", ".csv")
    compared:write_csv(path)
    assert.matches("^engine,flows,mean_err_pct,p50_err_pct,p90_err_pct,p99_err_pct,bias_pct,"
      .. "slowdown_p50,slowdown_p99,p99_slowdown_err_pct,completion_ps,completion_err_pct,wall_s\n"
      .. "packet,5,0,0,0,0,0,", support.content(path))
    compared:write_json(path)
    assert.matches('"engine":"floor"', support.content(path), 1, true)
    local picture = files.write("", ".png")
    weft.viz.compare(compared, { file = picture })
    assert.truthy(support.content(picture):find "^\137PNG")
    files.remove()
  end)

  it("counts flows that an engine does not complete", function()
    local compared = weft.compare { engines = "packet,ideal", floor = false, function(engine)
      local sim = incast(engine)
      sim:run { stop_at = engine == "ideal" and "50us" or "1s" }
      return sim
    end }
    assert.equal(4, compared:rows()[1].flows)
    assert.is_true(compared:rows()[2].missing > 0)
    assert.truthy(tostring(compared):find "not completed, which packet has")
  end)

  it("says when packets are the cheaper way", function()
    local function sample(engine, wall_s)
      return { engine = engine, wall_s = wall_s, size_bytes = { 1 }, truth_ps = { 1 },
        fct_ps = { 1 }, ideal_ps = { 1 } }
    end
    local compared = compare.of { truth = "packet",
      samples = { sample("packet", 2), sample("accelerated", 3), sample("ideal", 0.5) } }
    assert.same({
      "packets are the cheaper way here: accelerated takes 3 s, packets 2 s",
      "ideal is 4 times faster than packets",
    }, compared:verdict())
  end)

  it("refuses what it cannot use", function()
    fails("expected a function that builds the scenario", weft.compare, { engines = "packet" })
    fails("option 'engines' is missing", weft.compare, { incast })
    fails("did you mean 'ideal'", weft.compare, { engines = "packet,idael", incast })
    fails("'ideal' is not among the engines", weft.compare,
      { engines = "packet", truth = "ideal", incast })
    fails("expected one function", weft.compare, { engines = "packet", incast, incast })
    fails("option 'sizes': expected numbers of bytes that ascend", weft.compare,
      { engines = "packet", sizes = { 10, 5 }, incast })
    fails("what the function returns", weft.compare, { engines = "packet", function() end })
    fails("unknown option 'engine'", weft.compare, { engine = "packet", incast })
  end)
end)
