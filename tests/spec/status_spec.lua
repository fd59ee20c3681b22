-- With what status the program ends when a script does not get its work done.
local program = require "program"
local support = require "support"

local STAR = [[
  local sim = weft.simulation { topology = weft.topology.star { hosts = 3 }, %s }
  sim:add_flow { src = 0, dst = 1, size = "1MB" }
  local job = sim:add_job(weft.workload.flows { { src = 2, dst = 0, size = "1kB" } })
  sim:fail("h1", { at = "10us" })
  %s]]

-- Run a script by a file of the name s.lua.
local function run(text)
  local path = support.file('local weft = require "weft"\n' .. text)
  local output, errors, status = program.run(path)
  os.remove(path)
  return output, (errors:gsub(path:gsub("%p", "%%%0"), "s.lua")), status
end

local function star(actions, options) return run(STAR:format(options or "", actions)) end

describe("work that cannot be completed", function()
  it("ends the program with 1 and a line that names a flow", function()
    local output, errors, status = star "sim:run()"
    assert.same({ "", 1 }, { output, status })
    assert.truthy(errors:find("^weft: s%.lua:6: 1 of 2 flows not completed: h0 to h1 after [%d.]+ "
      .. "kB of 1 MB %(waits for ever, nothing more will happen; h1 is down%)\n$"), errors)
  end)

  it("is told of tasks, and of several runs in one line", function()
    local _, errors, status = run [[
for _ = 1, 3 do
  local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
  sim:add_job(weft.workload.allreduce { size = "1MB" })
  sim:fail("h1", { at = "1us" })
  sim:run()
end]]
    assert.equal(1, status)
    assert.truthy(errors:find("^weft: s%.lua:6: 2 of 2 flows and 1 of 1 task not completed: h1 to "
      .. "h0 [^\n]*; and so 2 more runs\n$"), errors)
  end)

  it("is a flow that gave up, though the run stopped at a limit", function()
    local _, errors, status = star('sim:run { stop_at = "1s" }', 'give_up_after = "1ms"')
    assert.equal(1, status)
    assert.truthy(errors:find("gave up after 1 ms without progress", 1, true), errors)
  end)

  it("is none when the run stopped at a limit of the script", function()
    assert.same({ "", "", 0 }, { star 'sim:run { stop_at = "20us" }' })
    assert.same({ "", "", 0 }, { star "sim:run { events = 100 }" })
  end)

  it("is none when a later run completes it", function()
    assert.same({ "", "", 0 }, { star 'sim:run() sim:repair("h1") sim:run()' })
  end)

  it("is the script's business once it has looked", function()
    for _, look in ipairs {
      "assert(#sim:unfinished() == 1)", "assert(sim:stats().flows_done == 1)",
      "assert(job:result().complete)", "assert(job:time_ps() > 0)", "assert(sim:flows():row(1))",
      "for _, row in sim:flows():rows() do assert(row) end",
      'assert(#sim:flows():column "state" == 2)', "assert(sim:flow(0).fct_ps == -1)",
      "assert(sim:report().stats.flows_done == 1)",
    } do
      assert.same({ look, "", 0 }, { look, select(2, star("sim:run() " .. look)) })
    end
    assert.same({ "", "", 0 }, { star 'sim:run { watchdog = "1ms", on_stall = function() end }' })
  end)

  it("is not what weft runs itself, to compare", function()
    local _, errors, status = star(
      'sim:run() assert(#sim:unfinished() == 1) assert(sim:job_report())')
    assert.same({ "", 0 }, { errors, status })
  end)

  it("stays looked at while nothing else is left", function()
    assert.same({ "", "", 0 }, { star "sim:run() sim:unfinished() sim:run()" })
    assert.equal(1, select(3, star [[sim:run() sim:unfinished()
      sim:add_flow { src = 0, dst = 1, size = 9 } sim:run()]]))
  end)

  it("stays so when the script has only printed it, or looked before the run", function()
    for _, look in ipairs {
      "sim:run() assert(job:summary() and tostring(sim))", "sim:stats() sim:run()",
      'sim:run() sim:flows():write_csv "/dev/null"', "sim:run() job:flows()",
    } do
      assert.same({ look, 1 }, { look, select(3, star(look)) })
    end
  end)
end)

describe("Ctrl-C", function()
  -- As many runs as are asked for, in the second of which Ctrl-C comes.
  local SWEEP = [[
    if jit then jit.off() end -- compiled loops do not look for Ctrl-C
    weft.cc.define("cut", { start = function() io.popen("kill -INT $PPID"):close() end })
    for i = 1, 4 do
      local cc = i == 2 and "cut" or "dctcp"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, cc = cc }
      sim:add_flow { src = 0, dst = 1, size = "1MB" }
      local outcome = sim:run()
      print(i, outcome)
      %s
    end
    print "end"]]

  it("ends a loop over simulations at the next run", function()
    local output, errors, status = run(SWEEP:format "")
    assert.same({ "1\tdone\n2\tinterrupted\n", "weft: s.lua:8: interrupted\n", 130 },
      { output, errors, status })
  end)

  it("lets the script run on with the simulation that was cut, then others", function()
    local output, errors, status = run(SWEEP:format 'if i == 2 then print(sim:run()) end')
    assert.same({ "1\tdone\n2\tinterrupted\ndone\n3\tdone\n4\tdone\nend\n", "", 0 },
      { output, errors, status })
  end)

  it("while the script reads a line ends the program with 130", function()
    local read = [[io.popen("kill -INT $PPID"):close() local line = nil print(%s)]]
    assert.same({ "nil\n", "", 130 }, { run(read:format "line") })
    local _, errors, status = run(read:format "#line")
    assert.equal(130, status)
    assert.truthy(errors:find("^weft: interrupted, and then: s.lua:2: attempt to get length"),
      errors)
  end)

  it("names the line of the script, not one of weft's own", function()
    local _, errors, status = run [[
if jit then jit.off() end
local net = weft.topology.star { hosts = 64 }
io.popen("kill -INT $PPID"):close()
while true do net:distances(0) end]]
    assert.same({ "weft: s.lua:5: interrupted\n", 130 }, { errors, status })
  end)
end)
