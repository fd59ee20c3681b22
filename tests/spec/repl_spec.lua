-- The prompt, with lines from a file: what is shown, and what survives.
local program = require "program"

local function typed(input)
  return program.run("", input)
end

local function shows(expected, input)
  local output, errors, status = typed(input)
  assert.same({ expected, "", 0 }, { output, errors, status })
end

describe("the prompt", function()
  it("shows the value of an expression", function()
    shows("3\n", "1 + 2\n")
    shows("a\tnil\ttrue\n", "'a', nil, true\n")
    shows("5\n", "= 5\n")
  end)

  it("shows nothing for a statement or a call without results", function()
    shows("", "x = 5\n(function() end)()\n\n-- a comment\n")
  end)

  it("continues input that is not complete", function()
    shows("1\n2\n", "for i = 1, 2 do\nprint(i)\nend\n")
    shows("3\n", "1 +\n2\n")
    shows("{ 1, 2 }\n", "{ 1,\n2 }\n")
    shows("a\nb\n", "[[a\nb]]\n")
  end)

  it("keeps locals that start the input", function()
    shows("7\n", "local x = 7\nx\n")
    shows("1\t2\n", "local a, b = 1, 2\na, b\n")
    shows("4\n", "local function f(n)\nreturn 2 * n\nend\nf(2)\n")
    shows("nil\n", "x = 1\nlocal x\nx\n")
    shows("5\n", "local a <const> = 5\na\n")
    shows("1\t2\t3\n", "local x = 1; local y <const>, z = 2, 3\nx, y, z\n")
    shows("nil\t1\n", "local w do local v = 2 end local u = 1\nv, u\n")
  end)

  it("shows the value of what stands behind statements", function()
    shows("4\n", "x = 3; x + 1\n")
    shows("2\tb\n", "local x = 'a;'; local y = 'b'; #x, y\n")
    shows("", "x = 1; y = 2;\n")
  end)

  it("shows functions by their signatures, and what modules load later", function()
    shows("topology.star(options)\n  One switch, `switch0`, and hosts `h0`, `h1`, ... around it; "
      .. "links in the ...\n", "weft.topology.star\n")
    local output = typed("weft\n")
    assert.matches("loaded when used: cc, check, ", output, 1, true)
    assert.is_nil(output:find("0x", 1, true))
  end)

  it("shows quantities within tables with their units, and digits that matter", function()
    shows("{ 0.333333, size_bytes = 1.5 kB, time_ps = 2 ns }\n",
      "{ 1 / 3, time_ps = 2000, size_bytes = 1500 }\n")
    shows("{ fct_ps = -, n = 3 }\n", "{ fct_ps = -1, n = 3 }\n")
  end)

  it("spells tables out in sorted order", function()
    shows("{ 1, 2, a = 3, b = { c = \"x\" } }\n", "{ b = { c = 'x' }, 1, 2, a = 3 }\n")
    shows("{ { { {...} } } }\n", "{ { { { 1 } } } }\n")
    shows("{ me = { (itself) } }\n", "t = {}; t.me = t\nt\n")
  end)

  it("survives errors", function()
    local output, errors, status = typed("error('boo')\nx = = 1\nnil + 1\nerror({ 1 })\n'alive'\n")
    assert.equal("alive\n", output)
    assert.equal(1, status) -- typed from a pipe, whose writer reads no messages
    assert.matches("stdin:1: boo\nstack traceback:", errors, 1, true)
    assert.matches("unexpected symbol near", errors, 1, true)
    assert.matches("{ 1 }\n", errors, 1, true)
    assert.is_nil(errors:find("repl.lua", 1, true))
  end)

  it("shows user errors without a traceback", function()
    local _, errors = typed("weft.topology.star { host = 2 }\n")
    assert.matches("^[^\n]*host[^\n]*\n$", errors)
  end)

  it("has weft and help at hand", function()
    local output, errors, status = typed("weft.version\nhelp 'cc'\nhelp(weft.topology.star)\n")
    assert.matches("^%d+%.%d+%.%d+\n", output)
    assert.matches("hpcc", output)
    assert.same({ "", 0 }, { errors, status })
  end)

  it("shows simulations, tables of results and failures as lines", function()
    local output, errors = typed([[
sim = weft.simulation { topology = weft.topology.star { hosts = 3 } }
sim:add_flow { src = "h0", dst = "h1", size = 1000 }
sim
sim:flows()
sim:fail("h1", { at = "1us" })
sim:failures()
sim:unfinished()
]])
    assert.equal([[
0
simulation of star: 3 hosts, 1 switch, 3 links (3 x 100 Gbit/s); 0 jobs, 1 flow, now 0 s
]], output:match("^.-\n.-\n"))
    assert.matches("flows: 1 row of src, dst, size_bytes, ", output, 1, true)
    assert.matches("{ 1 us fail h1 }\n{ h0 to h1 after 0 B of 1 kB (starts at 0 s) }\n", output, 1,
      true)
    assert.equal("", errors)
  end)

  it("shows closed simulations, and values that cannot show themselves", function()
    shows("closed simulation\n{ closed simulation }\n1\n",
      "s = weft.simulation { topology = weft.topology.star { hosts = 2 } }\n"
      .. "s.core:close()\ns\n{ s }\n1\n")
    shows("(table that cannot be shown: no)\n2\n",
      "setmetatable({}, { __tostring = function() error('no', 0) end })\n2\n")
    local output, errors, status = typed(
      "s = weft.simulation { topology = weft.topology.star { hosts = 2 } }\n"
      .. "j = s:add_job(weft.workload.allreduce { size = 9 })\ns.core:close()\nj\n3\n")
    assert.same({ "", 0 }, { errors, status })
    assert.matches("3\n$", output)
  end)

  it("reads a last line without an end", function()
    shows("2\n", "1 + 1")
  end)

  it("reports input that is never completed", function()
    local _, errors, status = typed("for i = 1, 2 do\n")
    assert.matches("<eof>", errors, 1, true)
    assert.equal(1, status)
  end)

  it("runs a simulation", function()
    shows("done\n1\n", "s = weft.simulation { topology = weft.topology.star { hosts = 2 } }\n"
      .. "id = s:add_flow { src = 'h0', dst = 'h1', size = '1MB' }\ns:run()\n#s:flows()\n")
  end)
end)

describe("history", function()
  local code = "for _, entry in ipairs(require(\"weft.repl\").history_entries(io.read(\"*a\"))) do"
    .. " print(entry) end"

  local function kept(text)
    return (program.run("-e '" .. code .. "'", text))
  end

  it("has one line for an input of several", function()
    assert.equal("for i = 1, 2 do   print(i) end\n", kept("for i = 1, 2 do\n  print(i)\nend"))
  end)

  it("keeps the lines that comments and long text need", function()
    assert.equal("for i = 1, 2 do -- twice\nprint(i)\nend\n",
      kept("for i = 1, 2 do -- twice\nprint(i)\nend"))
    assert.equal("x = [==[a\nb]==]\n", kept("x = [==[a\n\nb]==]"))
    assert.equal("x = 'a\\\nb'\n", kept("x = 'a\\\nb'"))
  end)
end)

describe("completion", function()
  local code = "for _, word in ipairs(require(\"weft.repl\").complete([[%s]])) do print(word) end"

  local function words(text)
    local found = {}
    for line in program.run("-e '" .. code:format(text) .. "'"):gmatch("[^\n]+") do
      found[#found + 1] = line
    end
    return found
  end

  it("continues globals, fields and modules not loaded yet", function()
    assert.same({ "setmetatable" }, words("x = setme"))
    assert.same({ "string.rep" }, words("print(string.rep"))
    assert.same({ "weft.topology" }, words("weft.topol"))
    assert.same({ "weft.topology.star" }, words("weft.topology.st"))
  end)

  it("continues nothing from nothing", function()
    assert.same({}, words("no.such.thi"))
  end)
end)
