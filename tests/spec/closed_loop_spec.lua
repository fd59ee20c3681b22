-- Closed loops: clients that keep operations going against a server.

local closed_loop = require "weft.workload.closed_loop"
local support = require "support"
local weft = require "weft"

local function star(hosts)
  return weft.simulation { topology = weft.topology.star { hosts = hosts }, cc = "window" }
end

-- A job with the options given, those missing filled in.
local function add(sim, given)
  local options = { server = 0, clients = { 1 }, operations = 1, steps = { { compute = "1us" } } }
  for name, value in pairs(given) do options[name] = value end -- order-free: a copy
  return sim:add_job(weft.workload.closed_loop(options))
end

describe("closed loop", function()
  it("keeps a window of operations going", function()
    local sim = star(3)
    local job = add(sim, {
      server = "h0", clients = { "h1", "h2" }, operations = 10, window = 2,
      steps = { { compute = "1us" }, { compute = "2us" } },
    })
    sim:run()
    assert.equal(15e6, job:time_ps())
    local operations = closed_loop.operations(job)
    assert.equal(20, #operations)
    for i, one in ipairs(operations) do
      assert.equal(3e6, one.end_ps - one.begin_ps)
      assert.equal(3e6 * math.floor((i - 1) / 4), one.begin_ps)
    end
  end)

  it("takes the sum of its steps when it is alone", function()
    local sim = star(2)
    local job = add(sim, {
      operations = 3, start = "1ms",
      steps = {
        { from = "client", size = "1kB" }, { compute = 5e-6 }, { from = "server", size = "1MB" },
      },
    })
    sim:run()
    local sum_ps = 3 * 5e6
    for _, flow in sim:flows():rows() do
      -- A request leaves behind the ACK of the value before it.
      assert.is_true(flow.slowdown < 1.01)
      sum_ps = sum_ps + flow.fct_ps
    end
    assert.equal(sum_ps, job:time_ps())
    assert.equal(1e9, closed_loop.operations(job)[1].begin_ps)
    assert.equal(3 * 1001000, job:result().size_bytes)
    assert.equal(6, #job:flows())
  end)

  it("sends in order where it is told to", function()
    for _, in_order in ipairs { false, true } do
      local sim = star(2)
      local job = add(sim, {
        operations = 4, window = 4,
        steps = { { from = "client", size = 20 },
          { from = "server", size = "100kB", in_order = in_order } },
      })
      sim:run()
      local times = closed_loop.operations(job, 2)
      for i = 2, 4 do assert.equal(in_order, times[i].begin_ps >= times[i - 1].end_ps) end
    end
  end)

  it("begins each client at its time, and asks for the time of each computation", function()
    local sim, asked = star(3), {}
    local job = add(sim, {
      clients = { 1, 2 }, operations = 2, delays = { "5us", 0 },
      steps = { { compute = function(client, number)
        asked[#asked + 1] = { client, number }
        return 1e-6 * number
      end } },
    })
    sim:run()
    assert.same({ { 1, 1 }, { 1, 2 }, { 2, 1 }, { 2, 2 } }, asked)
    assert.same({ 1e6, 2e6, 1e6, 2e6 }, closed_loop.step_ps(job, 1))
    assert.equal(8e6, job:time_ps())
  end)

  it("tells how far it has come, also in a fork", function()
    local sim = star(2)
    local job = add(sim, { operations = 4, steps = { { from = "server", size = "10kB" } } })
    sim:run { stop_at = 1.5 * 10480 * 8e-11 }
    local result = job:result()
    assert.same({ 4, 0, false }, { result.operations, result.done, result.complete })
    local fork = sim:fork()
    fork:run()
    assert.equal(4, fork.jobs[1]:result().done)
    assert.equal(0, job:result().done)
    assert.truthy(tostring(fork.jobs[1]):find("job 1: 4 of 4 operations complete, 40 kB in ", 1,
      true), tostring(fork.jobs[1]))
  end)

  it("says what is wrong with it, and adds nothing", function()
    local sim = star(3)
    local function refused(message, options)
      local text = support.error_of(add, sim, options)
      assert.truthy(text:find(message, 1, true), text)
      assert.equal(0, sim:stats().tasks_added)
    end
    for _, step in ipairs { {}, { from = "client" }, { compute = 0, from = "client", size = 1 } } do
      refused("step 1: expected compute, or from and size", { steps = { step } })
    end
    refused("steps: expected at least one, got none", { steps = {} })
    refused("clients: expected at least one, got none", { clients = {} })
    refused("client 2: expected different hosts, got 'h0' twice", { clients = { 1, 0 } })
    refused("h7", { clients = { "h7" } })
    refused("option 'window': expected 1 to 1048576, got 0", { window = 0 })
    refused("delays: client 1: ", { delays = { "soon" } })
    refused("step 1: what compute returns: ", { steps = { { compute = function() end } } })
  end)
end)
