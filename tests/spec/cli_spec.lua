-- The program: what it prints, where, and its status.
local program = require "program"
local support = require "support"

local weft = program.run

--- Write a script to a temporary file; returns its path.
local function script(text)
  local path = support.file(text)
  finally(function() os.remove(path) end)
  return path
end

describe("weft", function()
  it("prints its version and its Lua", function()
    local output, errors, status = weft("--version")
    assert.matches("^weft %d+%.%d+%.%d+ %(Lua", output)
    assert.same({ "", 0 }, { errors, status })
  end)

  it("prints its usage", function()
    local output, _, status = weft("--help")
    assert.matches("^usage: weft ", output)
    assert.equal(0, status)
  end)

  it("helps on topics", function()
    local output, errors, status = weft("help options")
    assert.matches("hpcc_eta", output)
    assert.same({ "", 0 }, { errors, status })
    assert.matches("weft simulates", (weft("help")))
  end)

  it("helps on parts, on functions and on what can be asked of simulations and jobs", function()
    assert.matches("synthetic +Synthetic traffic", (weft("help weft.workload")))
    assert.matches("^gpt%(options%)\n", (weft("help workload.gpt")))
    assert.equal((weft("help weft.placement.spread")), (weft("help placement.spread")))
    assert.matches("A PFC storm", (weft("help sim:storm")))
    assert.matches("^Job:result%(", (weft("help job:result")))
    local _, errors, status = weft("help sim:strom")
    assert.same({ "weft: no help on 'sim:strom'; did you mean 'sim:storm'?\n", 2 },
      { errors, status })
  end)

  it("names the nearest topic", function()
    local output, errors, status = weft("help topolgy")
    assert.same({ "", "weft: no help on 'topolgy'; did you mean 'topology'?\n", 2 },
      { output, errors, status })
  end)

  it("runs code", function()
    assert.same({ "3\n", "", 0 }, { weft("-e 'print(1 + 2)'") })
    assert.same({ "table\n", "", 0 }, { weft("-e 'print(type(weft.topology))'") })
  end)

  it("hands a script its arguments as Lua does", function()
    local path = script("print(arg[0], arg[1], arg[2], #arg, select('#', ...), (...))")
    assert.same({ path .. "\t--cc\thpcc\t2\t2\t--cc\n", "", 0 }, { weft(path .. " --cc hpcc") })
  end)

  it("runs a script from standard input", function()
    assert.same({ "a\tb\n", "", 0 }, { weft("- b", "print('a', arg[1])") })
  end)

  it("has the whole library", function()
    local path = script([[
      local weft = require "weft"
      require "weft.csvcore"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      print(sim:run())]])
    assert.same({ "done\n", "", 0 }, { weft(path) })
  end)

  it("ends with 2 and one line after a user error", function()
    local path = script("local weft = require 'weft'\nweft.topology.star { host = 2 }\n")
    local output, errors, status = weft(path)
    assert.equal("", output)
    assert.matches("^weft: [^\n]*:2: [^\n]*host[^\n]*\n$", errors)
    assert.equal(2, status)
  end)

  it("ends with 1 and a traceback after any other error", function()
    local path = script("local function f() error('boo') end\nf()\n")
    local output, errors, status = weft(path)
    assert.equal("", output)
    assert.matches("^weft: [^\n]*:1: boo\nstack traceback:\n", errors)
    assert.is_nil(errors:find("cli.lua", 1, true))
    assert.equal(1, status)
  end)

  it("ends with 2 and one line after a syntax error", function()
    for _, call in ipairs { script("x = = 1"), "-e 'x = = 1'" } do
      local _, errors, status = weft(call)
      assert.matches("^weft: [^\n]*:1: [^\n]*\n$", errors)
      assert.equal(2, status)
    end
  end)

  it("ends with a script's own status", function()
    local _, _, status = weft("-e 'os.exit(7)'")
    assert.equal(7, status)
  end)

  it("ends with 1 when what it prints cannot be written", function()
    local many = "print(('x'):rep(1e6)) os.exit(0, true)"
    for _, code in ipairs { "print(1)", "print(1) os.exit(0)", many } do
      for _, to in ipairs { "/dev/full", "&-" } do
        local call = ("%s -e \"%s\" 2>&1 >%s; echo $?"):format(program.path, code, to)
        local pipe = io.popen(call)
        assert.matches("^weft: cannot write standard output[^\n]*\n1\n$", pipe:read("*a"))
        pipe:close()
      end
    end
  end)

  it("writes no result into a standard stream that is closed", function()
    local path = os.tmpname()
    local code = ("weft.util.write_file('%s', function(file) file:write('a result') "
      .. "io.write('printed') io.stderr:write('said') end)"):format(path)
    os.execute(("%s -e \"%s\" <&- >&- 2>&-"):format(program.path, code))
    assert.equal("a result", support.content(path))
    os.remove(path)
  end)

  it("names the nearest option", function()
    assert.same({ "", "weft: unknown option '--verison'; did you mean '--version'?\n", 2 },
      { weft("--verison") })
  end)

  it("names the nearest script", function()
    local _, errors, status = weft("tests/spec/cli_spek.lua")
    assert.equal("weft: cannot open 'tests/spec/cli_spek.lua': no such file or directory; "
      .. "did you mean 'tests/spec/cli_spec.lua'?\n", errors)
    assert.equal(2, status)
  end)

  it("does not take a folder for a script", function()
    local _, errors, status = weft("tests")
    assert.matches("^weft: cannot open 'tests': [^\n]*\n$", errors)
    assert.equal(2, status)
  end)

  it("asks for the code of -e", function()
    assert.same({ "", "weft: option '-e': expected code, got nothing\n", 2 }, { weft("-e") })
  end)
end)

describe("Ctrl-C", function()
  -- The script has its shell interrupt it, so that no clock decides. os.execute would not do: the
  -- C library ignores the signal meanwhile.
  local interrupt = [[
    if jit then jit.off() end -- compiled loops do not look for Ctrl-C
    local function interrupt() io.popen("kill -INT $PPID"):close() end
  ]]

  it("stops a script that runs no simulation", function()
    local _, errors, status = weft(script(interrupt .. [[
      interrupt()
      while true do end]]))
    assert.matches("^weft: [^\n]*interrupted\n$", errors)
    assert.equal(130, status)
  end)

  it("stops the simulation that runs next, and leaves the script its results", function()
    local output, errors, status = weft(script(interrupt .. [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      interrupt()
      print(sim:run(), #sim:flows())
      print(sim:run())]]))
    assert.same({ "interrupted\t1\ndone\n", "", 0 }, { output, errors, status })
  end)

  it("ends with 143 after SIGTERM, with what a run has given until then", function()
    local terminate = [[
      local function terminate() io.popen("kill -TERM $PPID"):close() end
    ]]
    local output, errors, status = weft(script(terminate .. [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
      sim:add_flow { src = 0, dst = 1, size = "1MB" }
      terminate()
      print(sim:run(), #sim:flows())]]))
    assert.same({ "interrupted\t1\n", "", 143 }, { output, errors, status })
    if not jit then -- which ends compiled code after a grace of seconds
      local _, _, plain = weft(script(terminate .. "terminate() while true do end"))
      assert.equal(143, plain)
    end
  end)

  it("is the status of a script that goes on without looking", function()
    local output, errors, status = weft(script(interrupt .. [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      interrupt()
      sim:run()
      print("written")]]))
    assert.same({ "written\n", "", 130 }, { output, errors, status })
  end)

  it("is told from errors that end in the same word", function()
    local sim = [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 }, rto = "10ms" }
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      sim:fail("h1", { at = "20us" })
      local limits = { watchdog = "10us" }
    ]]
    local output, errors, status = weft(script(sim .. [[
      limits.on_stall = function() error "the database was interrupted" end
      print(sim:run(limits))]]))
    assert.same({ "", 2 }, { output, status })
    local wanted = "^weft: [^\n]*:6: run: option 'on_stall': the database was interrupted\n$"
    assert.matches(wanted, errors)
    output, errors, status = weft(script(interrupt .. sim .. [[
      limits.on_stall = function() interrupt() while true do end end
      print(sim:run(limits))]]))
    assert.same({ "interrupted\n", "", 130 }, { output, errors, status })
  end)

  it("is the status of a script that has kept the error, or uses the engine alone", function()
    local output, errors, status = weft(script(interrupt .. [[
      interrupt()
      print(pcall(function() while true do end end))]]))
    assert.same({ "", 130 }, { errors, status })
    assert.matches("^false\t[^\n]*interrupted\n$", output)
    local core = [[
      local sim = require("weft.core").new { cc = "window" }
      for _ = 1, 2 do sim:node_add "host" end
      sim:link_add { a = 0, b = 1, rate_bps = 100e9, delay_ps = 1000 }
      sim:fabric_ready()
      sim:flow_add { src = 0, dst = 1, size_bytes = 1e6 }
      interrupt()
    ]]
    output, errors, status = weft(script(interrupt .. core .. "sim:run() print 'end'"))
    assert.same({ "end\n", "", 130 }, { output, errors, status })
    output, errors, status = weft(script(interrupt .. core .. "sim:run() print(sim:run())"))
    assert.same({ "done\n", "", 0 }, { output, errors, status })
  end)

  it("stops what runs in a coroutine", function()
    for _, start in ipairs { "coroutine.wrap(f)()", "print(coroutine.resume(coroutine.create(f)))",
      "coroutine.wrap(function() coroutine.wrap(f)() end)()",
      "local w = coroutine.wrap(function() coroutine.yield() f() end) w() w()" } do
      local _, _, status = weft(script(interrupt .. [[
        local function f() interrupt() while true do end end
      ]] .. start))
      assert.equal(130, status, start)
    end
    local output, _, status = weft(script(interrupt .. [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 2 } }
      sim:add_flow { src = "h0", dst = "h1", size = "1MB" }
      local step = coroutine.wrap(function()
        while true do coroutine.yield(sim:run { events = 10 }) end
      end)
      print(step())
      interrupt()
      print(step())]]))
    assert.same({ "budget\ninterrupted\n", 130 }, { output, status })
  end)

  it("leaves the means of a cut run out of a report on jobs", function()
    local output, errors, status = weft(script(interrupt .. [[
      local weft = require "weft"
      local sim = weft.simulation { topology = weft.topology.star { hosts = 4 } }
      for i = 0, 2 do sim:add_job(weft.workload.send { src = i, dst = 3, size = "1MB" }) end
      sim:run()
      local runs = 0
      local report = sim:job_report { prepare = function()
        runs = runs + 1
        if runs == 2 then interrupt() end
      end }
      for _, job in ipairs(report.jobs) do
        print(job.alone_ps ~= nil, job.alone_mean_fct_ps ~= nil)
      end
      print(runs, (tostring(report):match("interrupted[^\n]*")))]]))
    assert.same({ "true\ttrue\nfalse\tfalse\nfalse\tfalse\n2\tinterrupted: jobs 2 to 3 were not "
      .. "run alone to the end\n", "", 130 }, { output, errors, status })
  end)

  it("ends the program when pressed twice", function()
    local output, _, status = weft(script(interrupt .. [[
      interrupt()
      interrupt()
      print("still here")]]))
    assert.same({ "", 130 }, { output, status })
  end)

  it("runs a script from a pipe, and one that sets where modules are looked for", function()
    local path = support.file "print('piped', ...)"
    local fifo = os.tmpname()
    os.remove(fifo)
    assert(os.execute(("mkfifo %s && (cat %s > %s &)"):format(fifo, path, fifo)))
    local output, _, status = program.run(fifo .. " a")
    assert.same({ "piped\ta\n", 0 }, { output, status })
    os.remove(fifo)
    os.remove(path)
    path = support.file "package.path = './nowhere/?.lua' print 'set'"
    output, _, status = program.run(path .. " --seed 3")
    assert.same({ "set\n", 0 }, { output, status })
    os.remove(path)
  end)
end)
