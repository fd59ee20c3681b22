local random = require "weft.random"
local stats = require "weft.stats"
local support = require "support"

local function counting(n)
  local values = {}
  for i = 1, n do values[i] = n + 1 - i end
  return values
end

describe("rebin", function()
  it("gives means of values in a row, the last of as many as are left", function()
    assert.same({ 1.5, 3.5, 5 }, stats.rebin({ 1, 2, 3, 4, 5 }, 2))
    assert.same({ 1, 2 }, stats.rebin({ 1, 2 }, 1))
    assert.same({}, stats.rebin({}, 3))
  end)
end)

describe("stats", function()
  it("takes percentiles by nearest rank", function()
    -- The example of the rule's usual description: ranks 1, 2, 2, 3, 5 of five values.
    local values = { 15, 20, 35, 40, 50 }
    local expected = { [5] = 15, [30] = 20, [40] = 20, [50] = 35, [100] = 50 }
    for p, value in pairs(expected) do assert.equal(value, stats.percentile(values, p)) end
  end)

  it("is not led to the next rank by rounding", function()
    assert.equal(999, stats.percentile(counting(1000), 99.9))
    assert.equal(99, stats.percentile(counting(100), 99))
    assert.equal(7, stats.percentile(counting(10), 70))
  end)

  it("gives minimum and maximum at 0 and 100", function()
    assert.equal(1, stats.percentile(counting(7), 0))
    assert.equal(7, stats.percentile(counting(7), 100))
  end)

  it("does not change its argument", function()
    local values = { 3, 1, 2 }
    stats.percentile(values, 50)
    stats.cdf(values)
    assert.same({ 3, 1, 2 }, values)
  end)

  it("sums up", function()
    assert.same({ count = 4, mean = 2.5, min = 1, p50 = 2, p95 = 4, p99 = 4, max = 4 },
      stats.summary { 4, 1, 3, 2 })
  end)

  it("divides completion times by ideal ones and leaves out flows that are not done", function()
    assert.same({ 2, 1 }, stats.slowdown({ 20, -1, 7 }, { 10, 10, 7 }))
  end)

  it("gives each different value its share", function()
    local x, share = stats.cdf { 2, 1, 2, 5 }
    assert.same({ 1, 2, 5 }, x)
    assert.same({ 0.25, 0.75, 1 }, share)
  end)

  it("gives Student's interval of a mean", function()
    local low, high = stats.interval(5, 2, 4) -- t of 3 degrees of freedom: 3.182
    assert.near(5 - 3.182, low, 1e-9)
    assert.near(5 + 3.182, high, 1e-9)
    local _, far = stats.interval(0, 1, 61) -- t of 60: 2.0003
    assert.near(2.0003 / math.sqrt(61), far, 1e-4)
    assert.is_nil(stats.interval(1, 0, 1))
  end)

  it("knows Jain's index", function()
    assert.equal(1, stats.jain { 3, 3, 3 })
    assert.equal(0.25, stats.jain { 0, 8, 0, 0 })
  end)

  it("refuses what it cannot do", function()
    assert.truthy(support.error_of(stats.mean, {}):find("mean: expected values, got none", 1, true))
    assert.truthy(support.error_of(stats.percentile, { 1 }, 101):find("0 to 100, got 101", 1, true))
    assert.truthy(support.error_of(stats.slowdown, { 1 }, {}):find("one length", 1, true))
  end)
end)

describe("a random stream", function()
  it("is the same on every Lua", function()
    local stream = random.stream(1, "x")
    local shown = {}
    for i = 1, 3 do shown[i] = ("%.17g"):format(stream:uniform()) end
    assert.same({ "0.60439064347028126", "0.58257378735005572", "0.081704221198912241" }, shown)
  end)

  it("differs by seed and by purpose", function()
    local first = random.stream(1, "x"):uniform()
    assert.not_equal(first, random.stream(2, "x"):uniform())
    assert.not_equal(first, random.stream(1, "y"):uniform())
  end)

  it("is even", function()
    local stream, bins = random.stream(3, "bins"), {}
    for i = 1, 10 do bins[i] = 0 end
    for _ = 1, 100000 do
      local i = stream:integer(10)
      bins[i] = bins[i] + 1
    end
    local chi2 = 0
    for i = 1, 10 do chi2 = chi2 + (bins[i] - 10000) ^ 2 / 10000 end
    assert.is_true(chi2 < 21.7, "chi2: " .. chi2) -- 9 degrees of freedom, 1 %
  end)

  it("leaves nothing in its place in a derangement", function()
    local order, seen = random.stream(1, "d"):derangement(50), {}
    for i, to in ipairs(order) do
      assert.not_equal(i, to)
      seen[to] = true
    end
    assert.equal(50, #seen)
  end)

  it("samples without repeating, in the list's order", function()
    local list = { 10, 20, 30, 40, 50, 60 }
    for seed = 1, 20 do
      local chosen = random.stream(seed, "s"):sample(list, 3)
      assert.equal(3, #chosen)
      assert.is_true(chosen[1] < chosen[2] and chosen[2] < chosen[3])
    end
    assert.same(list, random.stream(1, "all"):sample(list, 6))
  end)
end)
