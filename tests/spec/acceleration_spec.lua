-- Acceleration as scripts see it: options, report, spans, memory in files.
local support = require "support"
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
