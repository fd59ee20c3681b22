-- Recorded runs of ns-3 come out of the engine to the nanosecond. `make validate` replays them all.

local line = dofile("scenarios/build/ns3_line.lua")
local fabric = dofile("scenarios/build/ns3_fabric.lua")

local DATA = "tests/reference/"

-- Flows, and those of them that are exact.
local function totals(results)
  local flows, exact = 0, 0
  for _, row in ipairs(results:rows()) do
    flows, exact = flows + row.flows, exact + row.exact
  end
  return flows, exact
end

local function nothing_wrong(text, is_wrong)
  assert.is_false(is_wrong, text)
end

describe("compat ns3", function()
  it("equals ns-3 on a switch with pauses, drops, recovery and lost tails", function()
    local results = line.replay(DATA .. "ns3-star", { note = nothing_wrong })
    assert.same({ 6151, 6151 }, { totals(results) })
  end)

  it("equals ns-3 on lines of hosts", function()
    local left = { dcqcn = 3, dctcp = 3, hpcc = 3, timely = 3 }
    local results = line.replay(DATA .. "ns3-line", {
      note = nothing_wrong,
      only = function(scenario)
        left[scenario.cc] = left[scenario.cc] - 1
        return left[scenario.cc] >= 0 or scenario.hosts == 7
      end,
    })
    local flows, exact = totals(results)
    assert.is_true(flows > 2000)
    assert.equal(flows, exact)
  end)

  local function replayed(pattern)
    return totals(fabric.replay(DATA .. "ns3-fabric", nil, {
      note = nothing_wrong,
      only = function(run) return run.run:find(pattern) ~= nil end,
    }))
  end

  it("has the queues and the ACKs of ns-3", function()
    local compared = 0
    for _, run in ipairs(fabric.read(DATA .. "ns3-fabric")) do
      if run.run:find("^W[12]%-") then
        local found = fabric.compare_traces(run)
        for _, what in ipairs { "queues", "acks" } do
          if found[what] then
            compared = compared + 1
            assert.equal(0, found[what].different, found[what].first)
          end
        end
      end
    end
    assert.equal(12, compared)
  end)

  it("equals ns-3 in incast, with and without PFC pauses", function()
    assert.same({ 64, 64 }, { replayed "^W1%-" })
  end)

  it("equals ns-3 where two flows meet", function()
    assert.same({ 14, 14 }, { replayed "^W2%-" })
  end)

  it("equals ns-3 in a ring AllReduce over ECMP paths", function()
    assert.same({ 480, 480 }, { replayed "^W3%-timely$" })
  end)

  it("equals ns-3 in all-to-all", function()
    assert.same({ 480, 480 }, { replayed "^W6%-[dh]" })
  end)
end)
