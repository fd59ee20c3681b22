-- One flow by its number, and rows that are used again.
local weft = require "weft"

local function fails(text, f, ...)
  local good, err = pcall(f, ...)
  assert.is_false(good)
  assert.is_truthy(tostring(err):find(text, 1, true), tostring(err))
end

local function ring(options)
  local sim = weft.simulation { topology = weft.topology.star { hosts = 4 }, cc = "dctcp" }
  options.size, options.chunk = "100kB", "5kB"
  sim:add_job(weft.workload.allreduce(options))
  sim:run { stop_at = "1us" }
  return sim
end

describe("a flow by its number", function()
  it("has the columns of the table, as they are when asked for", function()
    local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
    local flow = sim:flow(sim:add_flow { src = 1, dst = 2, size = "1MB" })
    assert.equal(-1, flow.fct_ps)
    sim:run()
    local row = sim:flows():row(1)
    assert.same({ row.fct_ps, row.slowdown, "h1" }, { flow.fct_ps, flow.slowdown, flow.src_name })
    assert.equal("flow 0  h1 -> h2  1000000 B", tostring(flow))
    fails("no column 'fct'", function() return flow.fct end)
    fails("expected less than 1, got 1", sim.flow, sim, 1)
  end)

  it("stays the same one while its row is its own", function()
    local sim = ring { keep_flows = true }
    local flow = sim:flow(0)
    sim:run()
    assert.is_true(flow.fct_ps > 0)
    assert.equal(0, sim.core:flow_generation(0))
  end)

  it("is an error when its row is another's", function()
    local sim = ring { keep_flows = false }
    local flow = sim:flow(0)
    local size = flow.size_bytes
    local fork = sim:fork()
    sim:run()
    assert.is_true(sim.core:flow_generation(0) > 0)
    fails("flow 0 is over, and its row is another flow's by now", function() return flow.fct_ps end)
    assert.is_true(sim:flow(0).fct_ps > 0) -- the last that had the row
    assert.equal(size, fork:flow(0).size_bytes)
  end)
end)

describe("a series of a flow", function()
  it("does not go on with the next flow of its row", function()
    local sim = ring { keep_flows = false }
    sim:sample { period = "1us", flows = { 0 } }
    local size = sim:flow(0).size_bytes
    sim:run()
    local sum = 0
    for _, bytes in ipairs(sim:series("flow_bytes", 0).value) do sum = sum + bytes end
    assert.is_true(sum <= size, sum)
    assert.is_true(sim.core:flow_generation(0) > 1)
  end)
end)
