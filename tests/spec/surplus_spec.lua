-- What is given beyond what is read: surplus arguments, options and elements of lists, and names of
-- methods and functions that are none.
local fail = require "weft.fail"
local guard = require "weft.guard"
local program = require "program"
local util = require "weft.util"
local weft = require "weft"

local function star() return weft.topology.star { hosts = 4 } end

local function simulation() return weft.simulation { topology = star() } end

local function work() return weft.workload.allreduce { size = "1MB" } end

local function refuses(text, f, ...)
  local good, err = pcall(f, ...)
  assert.is_false(good, text)
  assert.is_true(fail.is(err), tostring(err))
  assert.equal(text, err.message)
  assert.matches("surplus_spec%.lua:%d+$", err.place)
end

describe("surplus arguments", function()
  it("of methods are refused by their name", function()
    local sim = simulation()
    local flow = { src = 0, dst = 1, size = 1000 }
    refuses("sim:fork: expected no arguments, got a table as number 1",
      function() sim:fork { cc = "dctcp" } end)
    refuses("sim:add_job: expected 1 argument, got a table as number 2",
      function() sim:add_job(work(), { start = "1ms" }) end)
    refuses("sim:add_flow: expected 1 argument, got a table as number 2",
      function() sim:add_flow(flow, flow) end)
    refuses("sim:run: expected 1 argument, got a table as number 2",
      function() sim:run({}, {}) end)
    refuses("sim:degrade: expected 2 arguments, got 5 as number 4",
      function() sim:degrade("h0", { factor = 0.5 }, nil, 5) end)
    assert.equal(0, sim:stats().flows_added)
  end)

  it("of functions are refused by their name", function()
    refuses("topology.star: expected 1 argument, got a table as number 2",
      function() weft.topology.star({ hosts = 3 }, {}) end)
    refuses("simulation: expected 1 argument, got a table as number 2",
      function() weft.simulation({ topology = star() }, { cc = "dctcp" }) end)
    refuses("workload.allreduce: expected 1 argument, got a table as number 2",
      function() weft.workload.allreduce({ size = 9 }, { chunks = 2 }) end)
    refuses("cc.names: expected no arguments, got 1 as number 1", function() weft.cc.names(1) end)
  end)

  it("are none when they are nil", function()
    local sim = simulation()
    assert.equal("done", sim:run(nil, nil))
    assert.equal(2, weft.stats.mean({ 1, 3 }, nil, nil))
  end)

  it("are refused by every public function and method that counts them", function()
    local many = {}
    for i = 1, 12 do many[i] = i end
    for _, part in ipairs { "cc", "config", "csv", "export", "fabric", "failure", "json",
      "placement", "random", "report", "results", "stats", "topology", "units", "viz" } do
      for name, f in util.sorted_pairs(weft[part]) do
        local is_counted = type(f) == "function" and not debug.getinfo(guard.original(f),
          "u").isvararg
        if is_counted then
          local good, err = pcall(f, (table.unpack or unpack)(many))
          assert(not good and tostring(err):find("as number %d+$"), part .. "." .. name
            .. ": " .. tostring(err))
        end
      end
    end
  end)

  it("behind a loss given alone are refused, not dropped", function()
    local net = weft.fabric.new "x"
    net:add_node("a", "host")
    net:add_node("b", "host")
    refuses("fabric:add_link: expected 5 arguments, got a table as number 6",
      function() net:add_link("a", "b", "1Gbps", "1us", 0, { class = "nvlink" }) end)
  end)
end)

describe("options", function()
  it("of a node are known by name", function()
    local net = weft.fabric.new "x"
    refuses("add_node: unknown option 'gruop' of 'a'; did you mean 'group'?",
      function() net:add_node("a", "host", { gruop = 0 }) end)
    refuses("add_node: unknown option 'server' of 'a'; expected one of: group, place, tier",
      function() net:add_node("a", "host", { server = 0 }) end)
    refuses("add_node: group of 'a': expected a number, got inf",
      function() net:add_node("a", "host", { group = math.huge }) end)
    assert.equal(0, #net.nodes)
  end)

  it("of a congestion control are a table", function()
    refuses("cc.define 'mine': expected a table, got nil",
      function() weft.cc.define("mine", nil) end)
    assert.is_nil(weft.cc.find "mine")
  end)

  it("of a simulation are not a fabric alone", function()
    refuses("simulation: expected { topology = fabric }, got a fabric alone",
      function() weft.simulation(star()) end)
  end)
end)

describe("lists", function()
  local function too(what, stray)
    return what .. ": expected a list, whose elements are numbered from 1, got one with " .. stray
      .. " too"
  end

  it("have nothing but elements from 1", function()
    local flow = { src = 0, dst = 1, size = 1000 }
    refuses(too("flows", "0"), function() weft.workload.flows { [0] = flow, flow } end)
    for stray, list in util.sorted_pairs {
      ["0"] = { [0] = 0, 1, 2 }, ["'x'"] = { 0, 1, x = 2 }, ["1.5"] = { 0, 1, [1.5] = 2 },
      ["-1"] = { 0, 1, [-1] = 3 }, ["'n'"] = { 0, 1, n = 3 },
    } do
      refuses(too("allreduce: ranks", stray), function()
        simulation():add_job(weft.workload.allreduce { size = "1MB", ranks = list })
      end)
    end
    local failure = { kind = "fail", target = "h0", at = "1us" }
    refuses(too("inject", "0"), function() simulation():inject { [0] = failure, failure } end)
    refuses(too("placement.packed: sizes", "0"),
      function() weft.placement.packed(star(), { [0] = 1, 2 }) end)
    refuses(too("target", "'at'"), function() simulation():fail { "h0", "switch0", at = "1us" } end)
    refuses(too("params", "0"), function()
      weft.params { name = "x", [0] = { name = "a", help = "b" }, { name = "c", help = "d" } }
    end)
  end)

  it("may say how many they are, as table.pack does", function()
    local job = simulation():add_job(weft.workload.allreduce {
      size = "1MB", ranks = { 0, 1, n = 2 },
    })
    assert.equal(2, job.started.ranks)
  end)
end)

describe("a call by the wrong name or mark", function()
  local SIM = "local s = weft.simulation { topology = weft.topology.star { hosts = 3 } } "

  it("of a method or a function says which is nearest", function()
    for call, text in util.sorted_pairs {
      [SIM .. "s:add_flows {}"] = "sim has no method 'add_flows'; did you mean 'add_flow'?",
      ["weft.topology.strar {}"] = "weft.topology has no function 'strar'; did you mean 'star'?",
      ["weft.topology.star { hosts = 2 }:add_lnk()"] =
        "fabric has no method 'add_lnk'; did you mean 'add_link'?",
      [SIM .. "s:add_job(weft.workload.allreduce { size = 9 }):sumary()"] =
        "job has no method 'sumary'; did you mean 'summary'?",
      [SIM .. "s:flows():colum 'fct_ps'"] = "table has no method 'colum'; did you mean 'column'?",
      ["weft.viz.chrt.new {}"] = "weft.viz has no part 'chrt'; did you mean 'chart'?",
    } do
      local _, errors, status = program.run(("-e \"%s\""):format(call))
      assert.same({ "weft: (-e):1: " .. text .. "\n", 2 }, { errors, status })
    end
  end)

  it("of a value that is not weft's stays an error of Lua", function()
    local _, errors, status = program.run "-e 'local x = weft.topology.strar; local y = {} y.foo()'"
    assert.equal(1, status)
    assert.matches("attempt to call", errors)
  end)

  it("leaves asking for a name alone", function()
    assert.is_nil(weft.topology.strar)
    assert.is_nil(simulation().strar)
  end)

  it("by a colon for a function is told", function()
    refuses("topology.star: expected a call with a dot, as in weft.topology.star(), got one with a "
      .. "colon", function() return (weft.topology:star { hosts = 3 }) end)
    refuses("simulation: expected a call with a dot, as in weft.simulation(), got one with a colon",
      function() weft:simulation {} end)
    refuses("workload.allreduce: expected a call with a dot, as in weft.workload.allreduce(), got "
      .. "one with a colon", function() return (weft.workload:allreduce { size = 3 }) end)
  end)
end)
