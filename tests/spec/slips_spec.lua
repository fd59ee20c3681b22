-- A slip of a script is a user error at its own line, whatever was given where: never a traceback
-- into weft.
local notice = require "weft.notice"
local program = require "program"
local support = require "support"
local weft = require "weft"
local wrong_calls = require "wrongly"

local OWN = "^tests/spec/slips_spec.lua:%d+$"

local function nothing() end

local function star() return weft.topology.star { hosts = 4 } end

local function simulation() return weft.simulation { topology = star() } end

local WRONG, shown = wrong_calls.values, wrong_calls.shown

local write, folder, calls, wrongly, try

setup(function()
  write, notice.write = notice.write, function() end
  folder = os.tmpname()
  os.remove(folder)
  weft.util.make_directory(folder)
end)

teardown(function()
  notice.write = write
  os.execute("rm -r " .. folder)
end)

before_each(function()
  calls = wrong_calls.new(function(place)
    return place:find(OWN) or place:find("^tests/spec/wrongly.lua:%d+$")
      or place:find(folder, 1, true)
  end)
  wrongly, try = calls.each, calls.try
end)
after_each(function() assert.equal("", table.concat(calls.problems, "\n")) end)

describe("a slip", function()
  it("in a fabric", function()
    local function on(method)
      return function(...)
        local net = star()
        net[method](net, ...)
        net:tiers()
      end
    end
    wrongly("fabric.new", weft.fabric.new, "x")
    wrongly("add_node", on "add_node", "a", "host", { tier = 1, group = 1 })
    wrongly("add_link", on "add_link", "h0", "h1", "1Gbps", "1us", 0)
    wrongly("connect", on "connect", 0, 1, 1e9, 0, 0)
    wrongly("rename_node", on "rename_node", "h0", "z")
    for _, method in ipairs { "node", "host", "links_of", "distances" } do
      wrongly(method, on(method), "h0")
    end
    wrongly("link", on "link", "h0", "switch0", 1)
    wrongly("distances_from", on "distances_from", { 0 })
    wrongly("star", weft.topology.star, { rate = "1Gbps", delay = 0, hosts = 2 })
    wrongly("rail_optimized", weft.topology.rail_optimized, { servers = 2, nvlink = 1e12 })
    wrongly("from_file", weft.topology.from_file, "/nonexistent/x")
  end)

  it("in a simulation", function()
    local options = { topology = star() }
    for _, option in ipairs(weft.core.options()) do options[option.name] = option.default end
    wrongly("simulation", weft.simulation, options)
    local function on(method)
      return function(...)
        local sim = simulation()
        sim:add_flow { src = 0, dst = 1, size = 1000 }
        sim[method](sim, ...)
        sim:run { events = 300 }
      end
    end
    wrongly("add_flow", on "add_flow", { src = "h0", dst = "h1", size = 1, start = 0, tag = 1 })
    wrongly("add_job", on "add_job", 1)
    wrongly("run", on "run", { stop_at = 1, events = 9, watchdog = 1, on_stall = nothing })
    wrongly("port", on "port", "h0", "switch0")
    for _, method in ipairs { "trace_acks", "trace_spans", "flow_phase", "unfinished", "inject",
      "job_report", "partitions", "save_memo", "load_memo" } do
      wrongly(method, function(value)
        if value == 2 ^ 31 then return end -- rows, for which there may be memory
        on(method)(value)
      end, {})
    end
    wrongly("sample", on "sample", { period = 1, ports = { 0 }, queues = { 0 }, flows = { 0 } })
    wrongly("series", on "series", "port_bytes", 0)
    for _, kind in ipairs { "degrade", "fail", "repair", "storm", "slow" } do
      wrongly(kind, on(kind), "h0", { at = 1, duration = 1, factor = 1, period = 1 })
    end
  end)

  it("in a workload", function()
    local function job(name)
      return function(options)
        local sim = simulation()
        sim:add_job(weft.workload[name](options))
        sim:run { events = 300 }
      end
    end
    local size, ranks = 4096, 2
    for _, name in ipairs { "allreduce", "reduce_scatter", "all_gather", "broadcast", "reduce",
      "all_to_all" } do
      wrongly(name, job(name), { size = size, ranks = ranks, start = 0, chunk = 1024 })
    end
    wrongly("synthetic", job "synthetic", { load = 0.3, flows = 5, seed = 1, sizes = "fbhdp",
      matrix = "uniform", arrivals = "poisson", ranks = ranks })
    for _, kind in ipairs { "exponential", "pareto", "lognormal" } do
      wrongly("sizes " .. kind, function(sizes)
        job "synthetic" { load = 0.3, flows = 5, sizes = sizes }
      end, { kind = kind, mean = 1000, sigma = kind == "lognormal" and 1 or nil,
        shape = kind == "pareto" and 1.1 or nil })
    end
    for _, wrong in ipairs(WRONG) do
      for _, cdf in ipairs { { { wrong, 50 }, { 9, 100 } }, { { 9, wrong }, { 99, 100 } },
        { wrong } } do
        try("cdf " .. shown(wrong), job "synthetic",
          { load = 0.3, flows = 5, sizes = { cdf = cdf } })
      end
    end
    for _, name in ipairs { "aicb", "goal", "chakra", "connections", "flows" } do
      wrongly(name, job(name), { file = "/nonexistent/x", ranks = ranks, start = 0 })
    end
  end)

  it("in statistics, random numbers and placement", function()
    local lists = { { "a" }, { 1, "a" }, { {}, {} }, { 0 / 0, 1 }, { true, false } }
    for name, rest in pairs { percentile = 50, mean = 0, summary = 0, cdf = 0, jain = 0, rebin = 1,
      slowdown = { 1 }, interval = 1 } do -- order-free
      wrongly("stats." .. name, weft.stats[name], { 1, 2 }, rest, 1)
      for _, list in ipairs(lists) do try("stats." .. name, weft.stats[name], list, rest) end
    end
    wrongly("random.stream", weft.random.stream, 1, "x")
    for name, argument in pairs { integer = 2, exponential = 1, shuffle = { 1 }, derangement = 3,
      sample = { 1 } } do -- order-free
      wrongly(name, function(...)
        local stream = weft.random.stream(1, "x")
        stream[name](stream, ...)
      end, argument, 1)
    end
    local net = weft.topology.rail_optimized { servers = 2, spines = 1 }
    for _, name in ipairs { "packed", "spread", "random", "explicit" } do
      wrongly("placement." .. name, weft.placement[name], net, { 2, 2 }, {})
    end
    wrongly("groups", weft.placement.groups, net, "leaf")
    wrongly("choose", weft.failure.choose, net, { count = 1, seed = 1 })
    wrongly("failure.random", weft.failure.random, net, { count = 1, span = 1, kinds = { "fail" } })
    wrongly("links_of", weft.failure.links_of, net, { "gpu0" })
  end)

  it("in files and what is written", function()
    local path = folder .. "/x.csv"
    wrongly("csv.write", weft.csv.write, path, { "a" }, { { a = 1 } })
    wrongly("csv.read", weft.csv.read, path, { "a" })
    wrongly("write_file", weft.util.write_file, path, "x")
    wrongly("json.encode", weft.json.encode, {}, " ")
    for _, wrong in ipairs(WRONG) do try("json", weft.json.encode, { a = wrong }) end
    wrongly("config.from_file", weft.config.from_file, "/nonexistent/x", { compat = true })
    wrongly("failure.write", weft.failure.write, path, { { at = 1, kind = "fail", target = "h0" } })
    wrongly("report.new", weft.report.new, "table", io.stdout)
    for _, name in ipairs { "time", "rate", "bytes" } do
      wrongly("units.format_" .. name, weft.units["format_" .. name], 1)
      wrongly("units.convert", weft.units.convert, 1, name)
    end
    local sim = simulation()
    for _, name in ipairs { "column", "row", "write_csv" } do
      wrongly(name, function(value)
        local flows = sim:flows()
        return flows[name](flows, value)
      end, "x")
    end
  end)
end)

describe("a slip of the engine's own calls", function()
  it("ends the program with 2 and a line", function()
    for code, message in pairs { -- order-free
      ["weft.core.new { seed = 1.5 }"] = "argument `seed`: expected integer >= 0, got 1.5",
      ["weft.core.new { sed = 1 }"] = "unknown option 'sed'; did you mean 'seed'?",
      ["weft.core.new {}:fabric_ready()"] = "fabric: expected nodes, got none",
      ["weft.core.new {}:node_kind(3)"] = "invalid argument",
    } do
      local output, errors, status = program.run(("-e \"%s\""):format(code:gsub("`", "\\`")))
      assert.same({ "", 2 }, { output, status }, errors)
      if message ~= "invalid argument" then
        assert.equal("weft: (-e):1: " .. message .. "\n", errors)
      end
    end
  end)

  it("is told from errors of the script", function()
    local _, errors, status = program.run("-e 'local f = nil f.x()'")
    assert.equal(1, status)
    assert.matches("stack traceback", errors)
  end)
end)

describe("a slip in a script", function()
  -- Run a script of these lines behind "weft"; what it writes to standard error, and its status.
  local function run(lines)
    local path = support.file("local weft = require \"weft\"\n" .. lines .. "\n")
    local _, errors, status = program.run(path)
    os.remove(path)
    return (errors:gsub(path:gsub("%p", "%%%0"), "SCRIPT")), status
  end

  local two = "local s = weft.simulation { topology = weft.topology.star { hosts = 2 } } "

  it("ends with 2 and one line that has its place", function()
    for lines, message in pairs { -- order-free
      [two .. "s.run()"] = "sim:run: expected a simulation before the arguments (a colon, as in"
        .. " sim:run()), got nothing",
      [two .. "s.fabric.host('h0')"] = "fabric:host: expected a fabric before the arguments (a"
        .. " colon, as in fabric:host()), got 'h0'",
      [two .. "s.core:close() s:run()"] = "sim:run: expected an open simulation, got a closed one",
      [two .. "s.core:close() s.core:stats()"] = "argument `sim`: expected an open simulation, got"
        .. " a closed sim",
      [two .. "local f = s:flows() s.core:close() f:column 'src'"] = "table of flows: expected an"
        .. " open simulation, got a closed one",
      ["weft.core.new(5)"] = "argument `options`: expected table, got 5",
      ["weft.viz.rates(nil, { file = '/dev/null/x.png', ports = { 0 } })"] = "rates: expected an"
        .. " open simulation, got nil",
      ["weft.simulation(5)"] = "simulation: expected a table of options, got 5",
      ["weft.cc.define('x', { start = function(f) f.rate = nil end }) local s = weft.simulation { "
        .. "topology = weft.topology.star { hosts = 2 }, cc = 'x' } "
        .. "s:add_flow { src = 0, dst = 1, size = 9 } s:run()"] = "cc: argument `f.rate`: expected"
        .. " number of bit/s, got nil",
      ["weft.units.scaled(nil)"] = "units.scaled: expected a number and how much a unit is, got nil"
        .. " and nil",
      ["local t = {} t.t = t weft.json.encode(t)"] = "json: cannot write a table that contains"
        .. " itself",
      ["require 'no_such_module'"] = "module 'no_such_module' not found in package.path and"
        .. " package.cpath",
      [two .. "s:degrade('h0', { at = 9007, duration = 1, factor = 0.5 })"] = "degrade: option"
        .. " 'duration': expected changes before 2^53 ps, 9007 s, got one at 9008 s",
      [two .. "s:fail('h0', { at = 9000, duration = 100, period = 10 })"] = "fail: options"
        .. " 'duration', 'period': expected changes before 2^53 ps, 9007 s, got one at 9010 s",
      [two .. "s:slow('h0', { at = 9000, duration = 100, factor = 2 })"] = "slow: option"
        .. " 'duration': expected changes before 2^53 ps, 9007 s, got one at 9100 s",
      ["weft.simulation { topology = weft.topology.star { hosts = 2 }, seed = 1.5 }"] =
        "simulation: option 'seed': expected integer >= 0, got 1.5",
      ["weft.simulation { topology = weft.topology.star { hosts = 2 }, threads = 2.5 }"] =
        "simulation: option 'threads': expected integer 1 to 64, got 2.5",
      [two .. "s:sample { period = 1, flows = { 0 } }"] = "sample: option 'flows', number 1: got 0,"
        .. " and the simulation has no flows yet",
      [two .. "s:sample { period = 1, queues = { 4 } }"] = "sample: option 'queues', number 1:"
        .. " expected a port, 0 to 3, got 4",
      [two .. "s:series('bytes', 0)"] = "series: metric: got 'bytes'; expected one of: port_bytes,"
        .. " port_queue, flow_bytes",
      [two .. "s:series('port_queue', 1)"] = "series: port_queue of 1 is not sampled; name it in"
        .. " sim:sample before the run",
      ["weft.config.from_table { CC_MODE = 99 }"] = "config: CC_MODE: expected 1 (DCQCN), 3 (HPCC),"
        .. " 7 (TIMELY), 8 (DCTCP) or 0 (none), got 99",
      ["weft.config.from_table { CC_MODE = {} }"] = "config.from_table: CC_MODE: expected text, a"
        .. " number or true or false, got a table",
      ["local t = weft.topology.star { hosts = 2 } "
        .. "weft.config.from_table({ ERROR_RATE_PER_LINK = 0.1 }, { topology = t })"] = "config:"
        .. " ERROR_RATE_PER_LINK: the fabric that was given has its own losses (none); give its"
        .. " links that loss, and leave the key out with skip = { \"ERROR_RATE_PER_LINK\" }",
      ["local n = weft.fabric.new 'long' n:add_node('s0', 'host') for i = 1, 40 do "
        .. "n:add_node('s' .. i, i < 40 and 'switch' or 'host') "
        .. "n:add_link('s' .. i - 1, 's' .. i, 1e9, 0) end "
        .. "local s = weft.simulation { topology = n } "
        .. "s:add_flow { src = 's0', dst = 's40', size = 1 }"] = "route from 's0' to 's40':"
        .. " expected at most 32 links",
      ["weft.stats.mean { 1, nil, 3 }"] = "mean: expected a list without holes, got nil as number 2"
        .. " of 3",
    } do
      local errors, status = run(lines)
      assert.same({ "weft: SCRIPT:2: " .. message .. "\n", 2 }, { errors, status })
    end
  end)

  it("of a file that does not compile ends with 2 at the file's line", function()
    local bad = folder .. "/does_not_compile.lua"
    weft.util.write_file(bad, "\nlocal x = = 3\n")
    for _, line in ipairs {
      ("package.path = %q .. package.path require 'does_not_compile'"):format(folder .. "/?.lua;"),
      ("dofile(%q)"):format(bad),
    } do
      local errors, status = run(line)
      assert.same({ ("weft: %s:2: unexpected symbol near '='\n"):format(bad), 2 },
        { errors, status })
    end
  end)
end)

describe("a product of options", function()
  it("that nothing has room for is refused before it takes memory", function()
    local function run(name, options)
      weft.simulation { topology = star() }:add_job(weft.workload[name](options))
    end
    local compute = { forward = 1e-9, backward = 1e-9 }
    for _, one in ipairs {
      { "expected at most 1048576 hosts, got 1000000000000", weft.topology.leaf_spine,
        { leaves = 1e6, hosts_per_leaf = 1e6 } },
      { "expected at most 67108863 links (events have 28 bits for their port), got 68720132096",
        weft.topology.leaf_spine, { leaves = 2 ^ 16, hosts_per_leaf = 10, spines = 2 ^ 20 } },
      { "expected at most 1048576 hosts, got 1099511627776", weft.topology.rail_optimized,
        { servers = 2 ^ 20, gpus_per_server = 2 ^ 20 } },
      { "expected at most 1048576 hosts, got 8000000", weft.topology.rail_optimized,
        { servers = 1e6 } },
      { "option 'flows': expected 1 to 2147483647, got 9007199254740992", run, "synthetic",
        { load = 0.5, flows = 2 ^ 53, exact = true } },
      { "option 'duration': expected at most 2147483647 flows", run, "synthetic",
        { load = 0.5, duration = 9000, sizes = { kind = "fixed", size = 100 } } },
      { "gpt: expected at most 268435455 tasks, got at least 1280000000", run, "gpt",
        { layers = 1, hidden = 4, heads = 1, iterations = 10000, global_batch = 64000,
          compute = compute } },
      { "closed_loop: expected at most 268435455 tasks, got 1073741824: 1 client, 1048576 "
        .. "operations, 1024 steps", run, "closed_loop",
        { server = 0, clients = { 1 }, operations = 2 ^ 20, steps = (function()
          local steps = {}
          for i = 1, 1024 do steps[i] = { from = "client", size = 1 } end
          return steps
        end)() } },
    } do
      local before = collectgarbage "count"
      local text = support.error_of(one[2], one[3], one[4])
      assert.is_truthy(text:find(one[1], 1, true), text)
      assert.is_true(collectgarbage "count" - before < 1e5, one[1]) -- kB
    end
  end)
end)

describe("a hole in a list", function()
  it("is an error that names the first missing place, and no shorter list", function()
    local function fabric() return weft.topology.star { hosts = 4 } end
    local function sim() return weft.simulation { topology = fabric() } end
    local function job(name, options) sim():add_job(weft.workload[name](options)) end
    local flow, fault = { src = 0, dst = 1, size = 1 }, { kind = "fail", target = "h0", at = 1 }
    local place = weft.placement
    for i, call in ipairs {
      function(a, b, c) sim():inject { a and fault, b and fault, c and fault } end,
      function(a, b, c) job("flows", { a and flow, b and flow, c and flow }) end,
      function(a, b, c) job("allreduce", { size = 8, ranks = { a and 0, b and 1, c and 2 } }) end,
      function(a, b, c) sim():sample { period = 1, ports = { a and 0, b and 1, c and 2 } } end,
      function(a, b, c)
        local one = sim()
        for _ = 1, 3 do one:add_flow(flow) end
        one:sample { period = 1, flows = { a and 0, b and 1, c and 2 } }
      end,
      function(a, b, c) place.explicit(fabric(), { { a and 0, b and 1, c and 2 } }) end,
      function(a, b, c) place.explicit(fabric(), { a and { 0 }, b and { 1 }, c and { 2 } }) end,
      function(a, b, c) place.packed(fabric(), { a and 1, b and 1, c and 1 }) end,
      function(a, b, c) weft.stats.mean { a, b, c } end,
      function(a, b, c) weft.stats.percentile({ a, b, c }, 50) end,
      function(a, b, c) weft.json.encode { a, b, c } end,
      function(a, b, c) weft.failure.links_of(fabric(), { a and 0, b and 1, c and 2 }) end,
      function(a, b, c) fabric():distances_from { a and 0, b and 1, c and 2 } end,
      function(a, b, c) weft.csv.write("/dev/null", { a and "a", b and "b", c and "c" }, {}) end,
      function(a, b, c)
        weft.viz.chart.new { series = { { kind = "cdf", values = { a, b, c } } } }
      end,
      function(a, b, c)
        local volumes = { { 0, 1, 1 }, { 1, 0, 1 }, { a, b, c } }
        job("all_to_all", { ranks = 3, volumes = volumes })
      end,
      function(a, b, c)
        job("all_to_all", { ranks = 3, size = 9, loads = { a, b, c } })
      end,
      function(a, b, c)
        local matrix = { kind = "hotspot", hosts = { a and 0, b and 1, c and 2 } }
        job("synthetic", { load = 0.1, flows = 1, matrix = matrix, sizes = "websearch" })
      end,
    } do
      local text = support.error_of(call, 1, nil, 3)
      assert.matches("got nil as number 2", text, 1, true, "call " .. i)
      for _, b in ipairs { 2, false } do
        text = support.error_of(call, nil, b or nil, 3)
        assert.matches("got nil as number 1", text, 1, true, "call " .. i)
      end
      call(1, 1, 1)
    end
  end)
end)

describe("memory that runs out", function()
  it("is told in a line, and ends the program with 1", function()
    if program.path:find "asan" then return pending("the sanitizer takes more address space") end
    local path = support.file("ulimit -v 200000; exec \"$@\"")
    for _, lua in ipairs {
      "local net = weft.topology.star { hosts = 2 } "
        .. "weft.simulation { topology = net, fast_forward = true, spans = 2 ^ 32 - 1 }",
      "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
    } do
      local pipe = io.popen(("sh %s %s -e \"%s\" 2>&1; echo $?"):format(path, program.path, lua))
      assert.matches("^weft: [^\n]*out of memory\n1\n$", pipe:read("*a"))
      pipe:close()
    end
    os.remove(path)
  end)
end)

describe("a host without links", function()
  it("is named where random traffic would use it", function()
    local net = weft.fabric.new "half_built"
    for i = 0, 2 do net:add_node("h" .. i, "host") end
    net:add_node("s", "switch")
    for i = 0, 1 do net:add_link("h" .. i, "s", "100Gbps", "1us") end
    local sim = weft.simulation { topology = net }
    assert.matches(":%d+: synthetic: host 'h2' has no link; option 'ranks' chooses the hosts$",
      support.error_of(sim.add_job, sim, weft.workload.synthetic { load = 0.3, flows = 10 }))
    sim:add_job(weft.workload.synthetic { load = 0.3, flows = 10, ranks = { "h0", "h1" } })
    assert.equal("done", sim:run())
  end)
end)
