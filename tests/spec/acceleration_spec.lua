-- Acceleration as scripts see it: options, report, spans, memory in files.
local canvas = require "weft.viz.canvas"
local support = require "support"
local viz_spans = require "weft.viz.spans"
local weft = require "weft"

local function star(options)
  local given = { topology = weft.topology.star { hosts = 4 } }
  for key, value in pairs(options or {}) do given[key] = value end -- order-free: a copy
  local sim = weft.simulation(given) -- no tail call: errors name this line
  return sim
end

local function refuses(fragment, options)
  local text = support.error_of(star, options)
  assert.truthy(text:find(fragment, 1, true), text)
end

describe("acceleration", function()
  it("is off by default", function()
    local sim = star()
    local config = sim.core:config()
    assert.same({ false, false, -1, 0 },
      { config.memoize, config.fast_forward, config.theta, config.audit })
    assert.truthy(tostring(sim:acceleration()):find("^acceleration: off"))
    assert.same({}, weft.report.acceleration_columns(sim))
  end)

  it("reports what the engine counts, and refusals by reason", function()
    local report = star { fast_forward = true }:acceleration()
    for name, value in pairs(star().core:acceleration()) do -- order-free: all are compared
      assert.same(value, report[name], name)
    end
    local reasons = {}
    for i, why in ipairs(weft.core.constants.refusal) do
      reasons[i] = why
      assert.equal(0, report.refused[why], why)
    end
    assert.equal(9, #reasons)
  end)

  it("derives percentages and leaves open what has no base", function()
    local report = star { memoize = true }:acceleration()
    assert.equal(0, report.events_skipped_pct)
    assert.is_nil(report.hit_rate)
    assert.same({ flows = 0, mean = 0, largest = 0 }, report.audit)
  end)

  it("prints memory only where there is some, and an audit where one was asked for", function()
    local plain = tostring(star { fast_forward = true }:acceleration())
    assert.truthy(plain:find("\nevents +0 simulated, 0 skipped %(0 %%%)\n"))
    assert.truthy(plain:find("\nrefused +nothing\n"))
    assert.falsy(plain:find("\nmemory ") or plain:find("\naudit "))
    local both = tostring(star { memoize = true, audit = 0.5 }:acceleration())
    assert.truthy(both:find("\nmemory ") and both:find("\naudit +nothing so far$"))
  end)

  it("puts columns into tables of reports", function()
    local sim, row = star { fast_forward = true }, {}
    assert.equal(row, weft.report.add_acceleration(sim, row))
    for _, column in ipairs(weft.report.acceleration_columns(sim)) do
      assert.equal(0, row[column[1]], column[1])
    end
  end)

  it("names the phase of a flow", function()
    local sim = star()
    sim:add_flow { src = 0, dst = 1, size = "1MB" }
    assert.equal("none", (sim:flow_phase(0)))
    assert.truthy(support.error_of(sim.flow_phase, sim, 1)
      :find("expected the number of a flow below 1, got 1", 1, true))
  end)

  it("has an empty table of spans before anything is skipped", function()
    local spans = star { spans = 10 }:spans()
    assert.equal(0, #spans)
    assert.same({}, spans:column "phase_name")
    refuses("option 'spans': expected 1 to 4294967295, got 0", { spans = 0 })
  end)
end)

describe("the option memo", function()
  it("sets memoize", function()
    assert.is_true(star { memo = star() }.core:config().memoize)
    refuses("option 'memo' needs memoize, which is false", { memo = star(), memoize = false })
  end)

  it("is a file or a simulation", function()
    for _, wrong in ipairs { 3, "", {}, true } do
      refuses("option 'memo': expected the name of a file or a simulation", { memo = wrong })
    end
    local sim = star()
    assert.truthy(support.error_of(sim.load_memo, sim, 3)
      :find("load_memo: expected the name of a file or a simulation, got 3", 1, true))
  end)

  it("is refused at once if the file could not be written", function()
    refuses("cannot write '/nonexistent/", { memo = "/nonexistent/ring.memo" })
  end)
end)

describe("pictures of acceleration", function()
  -- Rows as sim:spans() has them: two partitions in a row, and one beside them.
  local function rows()
    local list = {}
    for i, span in ipairs {
      { 10, 30, 3, 1 }, { 30, 60, 2, 1 }, { 80, 90, 3, 2 }, { 90, 120, 2, 2 }, { 20, 100, 2, 3 },
    } do
      list[i] = { begin_ps = span[1] * 1e6, end_ps = span[2] * 1e6, phase = span[3],
        partition = span[4], flow = i, flows = 1, packets = 10 }
    end
    return list
  end

  local function picture()
    local path = os.tmpname()
    os.remove(path)
    return path .. ".png", function() os.remove(path .. ".png") end
  end

  -- Texts that overlap or leave the page, or nil.
  local function misplaced(page)
    for i, box in ipairs(page.boxes) do
      if box[1] < 0 or box[1] + box[3] > page.width or box[2] + box[4] > page.height then
        return box.text
      end
      for k = i + 1, #page.boxes do
        if canvas.overlap(box, page.boxes[k], 0.5) then
          return ("'%s' and '%s'"):format(box.text, page.boxes[k].text)
        end
      end
    end
  end

  local function has_text(page, text)
    for _, box in ipairs(page.boxes) do
      if box.text:find(text, 1, true) then return true end
    end
    return false
  end

  local curve = { label = "one", time_s = { 0, 5e-5, 1.2e-4 }, value = { 1e9, 2e9 } }

  it("shade skipped spans behind rates, and say what the tints mean", function()
    local file, remove = picture()
    finally(remove)
    local function drawn(partition)
      local page = weft.viz.rates(nil, {
        file = file, series = { curve }, spans = rows(), partition = partition, width = "column",
      })
      return page
    end
    assert.is_nil(misplaced(drawn()))
    assert.is_true(has_text(drawn(), "known transient, skipped"))
    assert.is_true(has_text(drawn { 1, 3 }, "known transient, skipped"))
    assert.is_false(has_text(drawn(3), "known transient, skipped"))
    assert.is_true(has_text(drawn(3), "steady state, skipped"))
  end)

  it("join spans that touch", function()
    local list = rows()
    list[6] = { begin_ps = 60e6, end_ps = 80e6, phase = 2, partition = 1 }
    local shades = viz_spans.shades(list, { 1 })
    assert.equal(2, #shades)
    assert.same({ 3e-5, 8e-5 }, { shades[1].from, shades[1].to })
  end)

  it("take the spans of a simulation, or none", function()
    local sim = star { spans = 10, fast_forward = true }
    assert.same({}, viz_spans.rows(sim))
    assert.same({}, viz_spans.rows(sim:spans()))
    assert.is_nil(viz_spans.rows { { from = 1, to = 2 } })
  end)

  it("show phases by partition over time", function()
    local file, remove = picture()
    finally(remove)
    for _, width in ipairs { "column", "page" } do
      local page = weft.viz.phases(rows(), { file = file, title = "phases", width = width })
      assert.is_nil(misplaced(page))
      assert.is_true(has_text(page, "5 spans of 3 partitions: 100 % of their time"))
    end
  end)

  it("say in which phase a partition is", function()
    local sim = star { cc = "hpcc", fast_forward = true, theta = 0 }
    for src = 0, 2 do sim:add_flow { src = src, dst = 3, size = "1MB" } end
    sim:run { stop_at = "2us" }
    local partitions = sim:partitions()
    assert.truthy(tostring(partitions):find("phase"))
    partitions[1].phase, partitions[1].since_ps = "memo", 1e6
    local file, remove = picture()
    finally(remove)
    local page = weft.viz.partition(partitions, 1, { file = file })
    assert.is_nil(misplaced(page))
    assert.is_true(has_text(page, "known transient since 1 "))
  end)

  it("refuse what they cannot shade", function()
    local function fails(fragment, draw, from, options)
      options.file = "/nowhere/x.png"
      local text = support.error_of(draw, from, options)
      assert.truthy(text:find(fragment, 1, true), text)
    end
    local one = { curve }
    fails("expected a list, sim:spans() or a simulation", weft.viz.rates, nil,
      { series = one, spans = 3 })
    fails("option 'partition' needs spans", weft.viz.rates, nil, { series = one, partition = 3 })
    fails("spans[2]: expected a row of sim:spans()", weft.viz.rates, nil,
      { series = one, spans = { rows()[1], {} } })
    fails("style heat would cover", weft.viz.rates, nil,
      { series = one, spans = rows(), style = "heat" })
    fails("phases: no spans", weft.viz.phases, star(), {})
    fails("phases: expected a simulation or sim:spans(), got 3", weft.viz.phases, 3, {})
  end)
end)

describe("a skip", function()
  -- Two pairs of flows that do not meet; the second pair begins when the first is long steady.
  local function pairs_of_flows(options)
    local given = { topology = weft.topology.star { hosts = 8 }, cc = "hpcc" }
    for key, value in pairs(options) do given[key] = value end -- order-free: a copy
    local sim = weft.simulation(given)
    for i = 0, 1 do
      sim:add_flow { src = 4 * i, dst = 4 * i + 2, size = "8MB", start = i * 400e-6 }
      sim:add_flow { src = 4 * i + 1, dst = 4 * i + 2, size = "8MB", start = i * 400e-6 }
    end
    return sim
  end
  local both = { memoize = true, fast_forward = true, spans = 1000 }

  local function finished(options)
    local sim = pairs_of_flows(options)
    assert.equal("done", sim:run())
    return sim
  end

  it("is told by the report, and by rows that agree with it", function()
    local sim = finished(both)
    local report, spans = sim:acceleration(), sim:spans()
    assert.is_true(report.events_skipped > 0)
    assert.near(100 * report.events_skipped / (report.events_skipped + report.events),
      report.events_skipped_pct, 1e-9)
    assert.equal(report.steady_spans + report.memo_spans, #spans)
    local time = { steady = 0, memo = 0 }
    for _, row in spans:rows() do
      time[row.phase_name] = time[row.phase_name] + row.end_ps - row.begin_ps
    end
    assert.same({ steady = report.steady_ps, memo = report.memo_ps }, time)
  end)

  it("takes the same transient of other flows from memory", function()
    local report = finished(both):acceleration()
    assert.is_true(report.hits > 0)
    assert.equal(report.hits / (report.hits + report.misses), report.hit_rate)
  end)

  it("is the phase of the flows that it skips", function()
    local sim, seen = pairs_of_flows(both), {}
    while sim:run { stop_at = sim:now() + 20e-6 } == "until" do
      local phase, since_ps = sim:flow_phase(0)
      seen[phase] = true
      assert.is_true(since_ps <= sim:now_ps())
      for _, partition in ipairs(sim:partitions()) do
        assert.equal((sim:flow_phase(partition.flows[1])), partition.phase)
      end
    end
    assert.is_true(seen.transient and seen.steady)
  end)

  it("is audited with a confidence interval", function()
    local audit = finished { fast_forward = true, audit = 1 }:acceleration().audit
    assert.is_true(audit.flows > 1)
    assert.is_true(0 <= audit.low and audit.low <= audit.mean and audit.mean <= audit.high)
    assert.is_true(audit.mean <= audit.largest and audit.largest < 0.01)
  end)

  it("is told on both VMs alike, and by a fork", function()
    local sim = pairs_of_flows(both)
    sim:run { stop_at = "500us" }
    local fork = sim:fork()
    sim:run()
    fork:run()
    assert.equal(tostring(sim:acceleration()), tostring(fork:acceleration()))
    assert.equal(sim:stats().fingerprint, fork:stats().fingerprint)
  end)

  it("does not happen with theta = 0", function()
    local plain, never = finished {}, finished { memoize = true, fast_forward = true, theta = 0 }
    assert.equal(0, never:acceleration().events_skipped)
    assert.equal(plain:stats().fingerprint, never:stats().fingerprint)
  end)

  it("is refused by what cannot be accelerated", function()
    weft.cc.define("spec_acceleration", { on_ack = function() end })
    refuses("option memoize", { cc = "spec_acceleration", memoize = true })
    refuses("option fast_forward", { compat = "ns3", fast_forward = true })
    refuses("option steady_samples: expected 0 or 4 to 64, got 3",
      { fast_forward = true, steady_samples = 3 })
  end)

  describe("from memory", function()
    local function memo_file()
      local path = os.tmpname()
      os.remove(path)
      return path, function() os.remove(path) end
    end

    it("comes from the file of an earlier run", function()
      local path, remove = memo_file()
      finally(remove)
      local options = { memo = path, fast_forward = true }
      local first = finished(options):acceleration()
      assert.truthy(support.content(path))
      local second = finished(options):acceleration()
      assert.is_true(second.hits > first.hits and second.misses < first.misses)
      assert.is_true(second.events < first.events)
      assert.equal(first.records, second.records)
    end)

    it("comes from another simulation", function()
      local from = finished(both)
      local sim = pairs_of_flows { memo = from, fast_forward = true }
      assert.equal(from:acceleration().records, sim:acceleration().records)
      assert.equal(0, sim:load_memo(from))
      sim:run()
      assert.is_true(sim:acceleration().hits > from:acceleration().hits)
    end)

    it("can be kept and read by name", function()
      local path, remove = memo_file()
      finally(remove)
      local from, to = finished(both), pairs_of_flows(both)
      assert.equal(0, to:load_memo(path))
      from:save_memo(path)
      assert.equal(from:acceleration().records, to:load_memo(path))
    end)

    it("is refused if the file is none of ours, which stays as it is", function()
      for _, content in ipairs { "a,b\n1,2\n", "", "weftmemo", ("x"):rep(1000) } do
        local path = support.file(content)
        finally(function() os.remove(path) end)
        local text = support.error_of(star, { memo = path })
        assert.truthy(text:find(path, 1, true), text)
        assert.equal(content, support.content(path))
        os.remove(path)
      end
    end)

    it("is refused if the file is damaged", function()
      local path, remove = memo_file()
      finally(remove)
      finished { memo = path, fast_forward = true }
      local content = support.content(path)
      for _, length in ipairs { 20, 100, #content - 1 } do
        local file = assert(io.open(path, "wb"))
        file:write(content:sub(1, length))
        file:close()
        assert.truthy(support.error_of(star, { memo = path }):find(path, 1, true))
      end
    end)
  end)
end)
