-- A slip of a script is a user error at its own line, whatever was given where: never a traceback
-- into weft.
local fail = require "weft.fail"
local notice = require "weft.notice"
local program = require "program"
local support = require "support"
local weft = require "weft"

local OWN = "^tests/spec/slips_spec.lua:%d+$"

local function nothing() end

-- What is hardly ever right; "nil" stands for nil. No text is the name of a file that can be made.
local WRONG = {
  "nil", -1, 0, 1.5, 2 ^ 31, 2 ^ 53, 2 ^ 63, -2 ^ 63, 1e300, math.huge, -math.huge, 0 / 0, "",
  "no/x", ("x"):rep(10000), {}, { 1 }, { "h0" }, { a = 1 }, { {} }, nothing, true, io.stdout,
}
if math.mininteger then WRONG[#WRONG + 1] = math.mininteger end

local problems, folder

local function try(what, f, ...)
  local good, err = pcall(f, ...)
  if good then return end
  local place = fail.is(err) and err.place or ""
  local is_mine = place:find(OWN) or place:find(folder, 1, true)
  local told = is_mine and not tostring(err):find "\n"
  if told then return end
  problems[#problems + 1] = ("%s: %s"):format(what, tostring(err):sub(1, 200))
end

local function shown(value)
  return type(value) == "string" and value:sub(1, 9) or tostring(value)
end

local unpack = table.unpack or unpack

-- Call f with each of its arguments wrong, and with each option of a last table wrong.
local function wrongly(what, f, ...)
  local given, count = { ... }, select("#", ...)
  for i = 1, count do
    for _, wrong in ipairs(WRONG) do
      local arguments = { unpack(given, 1, count) }
      if wrong == "nil" then arguments[i] = nil else arguments[i] = wrong end
      try(("%s, argument %d = %s"):format(what, i, shown(wrong)), f, unpack(arguments, 1, count))
    end
  end
  local options = given[count]
  if type(options) ~= "table" or getmetatable(options) or options[1] ~= nil then return end
  for key in pairs(options) do -- order-free: each by itself
    for _, wrong in ipairs(WRONG) do
      local copy, arguments = {}, { unpack(given, 1, count) }
      for name, value in pairs(options) do copy[name] = value end -- order-free: a copy
      if wrong == "nil" then copy[key] = nil else copy[key] = wrong end
      arguments[count] = copy
      try(("%s { %s = %s }"):format(what, key, shown(wrong)), f, unpack(arguments, 1, count))
    end
  end
end

local function star() return weft.topology.star { hosts = 4 } end

local function simulation() return weft.simulation { topology = star() } end

local write

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

before_each(function() problems = {} end)
after_each(function() assert.equal("", table.concat(problems, "\n")) end)

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
