-- Every public function, called with what no function wants, succeeds or is a user error at the
-- line of the script: never an error from inside weft.
local core = require "weft.core"
local fail = require "weft.fail"
local manifest = require "api.manifest"
local notice = require "weft.notice"
local util = require "weft.util"
local weft = require "weft"
local wrong_calls = require "wrongly"

local OWN = "^tests/spec/arguments_spec.lua:%d+$"

local unpack = table.unpack or unpack

local function nothing() end

-- A table in itself, which no depth of looking ends.
local ring = {}
ring.ring = ring

local cyclic_list = {}
cyclic_list[1] = cyclic_list

-- Lists of arguments; the count goes along, for there are nils. No text is the name of a file that
-- can be made.
local SHAPES = {
  { 0 }, { 1, nil }, { 2, nil, nil }, { 3, nil, nil, nil }, { 1, 5 }, { 1, -1.5 }, { 1, 0 / 0 },
  { 1, "/dev/null/x" }, { 1, true }, { 1, {} }, { 1, { 1, nil, 3 } }, { 1, { { a = 1 } } },
  { 1, nothing }, { 1, io.tmpfile() }, { 1, ring }, { 1, cyclic_list }, { 1, { 1, "x" } },
  { 2, {}, {} }, { 2, "/dev/null/x", 5 }, { 2, "/dev/null/x", {} }, { 2, 5, 5 },
  { 3, {}, {}, {} }, { 3, "/dev/null/x", { "a" }, { 5 } }, { 3, 1, nil, 2 }, { 2, nil, {} },
  { 2, {}, "/dev/null/x" }, { 3, "/dev/null/y", nothing, true },
  { 2, { x = { y = 1 } }, { file = "/dev/null/x.png" } },
  { 2, nil, { file = "/dev/null/x.png" } }, { 3, nil, 1, { file = "/dev/null/x.png" } },
}

local problems, write

setup(function() write, notice.write = notice.write, function() end end)
teardown(function() notice.write = write end)
before_each(function() problems = {} end)
after_each(function()
  assert(#problems == 0, ("%d problems:\n"):format(#problems) .. table.concat(problems, "\n"))
end)

local function shown(shape)
  local words = {}
  for i = 1, shape[1] do
    local value = shape[i + 1]
    words[i] = type(value) == "string" and ("%q"):format(value) or tostring(value):gsub(":.*", "")
  end
  return table.concat(words, ", ")
end

-- Errors that the engine raises itself, which the program makes user errors.
local function is_of_engine(err)
  if type(err) ~= "string" or err:find("\n", 1, true) then return false end
  local message = err:gsub("^[^ ]+:%d+: ", "")
  return message:find "^argument `[%w_]+`: " or message:find "^WEFT_E%u+: "
    or message:find "^unknown %a+ '"
end

local INTERNAL = { "attempt to", "bad argument", "stdlib/", "viz/", "for iterator", "table: 0x" }

-- A place may be an argument.
local function is_mine(place) return place:find(OWN) or place == "/dev/null/x" end

local function is_proper(err, engine)
  if engine and is_of_engine(err) then return true end
  if not fail.is(err) or not is_mine(tostring(err.place)) then return false end
  for _, word in ipairs(INTERNAL) do
    if err.message:find(word, 1, true) then return false end
  end
  return not tostring(err):find("\n", 1, true)
end

local function try(what, engine, f, shape)
  local good, err = pcall(f, unpack(shape, 2, shape[1] + 1))
  if good or is_proper(err, engine) then return end
  problems[#problems + 1] = ("%s(%s): %s"):format(what, shown(shape), tostring(err):sub(1, 160))
end

-- Call a function with every shape.
local function try_all(what, f, engine)
  for _, shape in ipairs(SHAPES) do try(what, engine, f, shape) end
end

-- The same behind an object that `make` gives, and without the object: a dot instead of a colon.
local function try_method(what, make, f, engine)
  try_all(what:gsub(":", "."), f, engine)
  local object = make()
  for _, shape in ipairs(SHAPES) do
    local behind = { shape[1] + 1, object, unpack(shape, 2, shape[1] + 1) }
    try(what, engine, f, behind)
  end
end

local function each_function(object)
  local names = {}
  for _, name in ipairs(util.sorted_keys(object)) do
    local is_public = type(name) == "string" and name:sub(1, 1) ~= "_"
    if is_public and type(object[name]) == "function" then names[#names + 1] = name end
  end
  local i = 0
  return function()
    i = i + 1
    if names[i] then return names[i], object[names[i]] end
  end
end

local function star() return weft.topology.star { hosts = 4 } end

local function simulation()
  local sim = weft.simulation { topology = star() }
  sim:sample { period = "1us", ports = { 0 } }
  sim:add_flow { src = 0, dst = 1, size = 1000 }
  return sim
end

local function finished()
  local sim = simulation()
  sim:add_job(weft.workload.allreduce { size = 4000 })
  sim:run()
  return sim
end

-- Functions that are weft's own business, or that raise what they are given.
local SKIPPED = {
  ["fail.raise"] = true, ["fail.broken"] = true, ["fail.at"] = true, ["fail.blame"] = true,
}

describe("wrong arguments", function()
  it("of functions of modules", function()
    for _, part in ipairs(getmetatable(weft).names) do
      local module = weft[part]
      for name, f in each_function(module) do
        local what = part .. "." .. name
        if not SKIPPED[what] then try_all(what, f, part == "core") end
      end
    end
    try_all("weft.simulation", weft.simulation)
    try_all("weft.params", weft.params)
    try_all("viz.chart.new", weft.viz.chart.new)
  end)

  it("of workloads", function()
    for _, name in ipairs(getmetatable(weft.workload).names) do
      try_all("workload." .. name, weft.workload[name])
      local sim = weft.simulation { topology = star() }
      try_all("add_job of " .. name, function(...) sim:add_job(weft.workload[name](...)) end)
    end
  end)

  it("of methods of the engine", function()
    for _, entry in ipairs(manifest.functions) do
      local owner = entry.receiver == "sim" and core._sim.__index or core
      if entry.receiver == "sim" then
        try_method("core:" .. entry.name, function() return finished().core end,
          owner[entry.name], true)
      end
    end
  end)

  it("of methods of objects", function()
    local net = star()
    net:add_node("z", "host")
    local stream = weft.random.stream(1, "x")
    local chart = weft.viz.chart.new { series = { { kind = "cdf", values = { 1, 2 } } } }
    local report = weft.report.new("table", { write = nothing })
    local config = weft.config.from_table({ cc = "dctcp" })
    local objects = {
      { "fabric", star }, { "node", function() return net:node(0) end },
      { "link", function() return net:link(0) end },
      { "sim", simulation }, { "sim", finished },
      { "job", function() return finished().jobs[1] end },
      { "job_report", function() return finished():job_report() end },
      { "partitions", function() return finished():partitions() end },
      { "stream", function() return stream end }, { "chart", function() return chart end },
      { "report", function() return report end }, { "config", function() return config end },
    }
    for _, object in ipairs(objects) do
      local class = getmetatable(object[2]()).__index
      for name, f in each_function(class) do
        try_method(object[1] .. ":" .. name, object[2], f)
      end
    end
    for _, name in ipairs { "column", "slices", "describe", "row", "rows", "write_csv" } do
      local flows = finished():flows()
      try_method("flows:" .. name, function() return flows end, flows[name])
    end
  end)
end)

-- Functions with all that they want, of which one thing at a time is wrong.
describe("one wrong argument", function()
  local calls, wrongly

  before_each(function()
    calls = wrong_calls.new(function(place)
      return place:find "^tests/spec/wrongly.lua:%d+$" or place:find(OWN)
    end)
    wrongly = calls.each
  end)
  after_each(function() assert.equal("", table.concat(calls.problems, "\n")) end)

  local NOWHERE = "/dev/null/x"

  it("of pictures", function()
    local sim, viz, png = finished(), weft.viz, NOWHERE .. ".png"
    local list, cdf = { 1, 2 }, { kind = "cdf", values = { 1, 2 } }
    wrongly("viz.topology", viz.topology, sim, { file = png, color = "rate", title = "x",
      degraded = { 0 }, utilization = { [0] = 0.5 }, width = "page" })
    wrongly("viz.rates", viz.rates, sim, { file = png, ports = { 0 }, style = "lines",
      highlight = { 1 }, events = { { at = 0, label = "x" } }, title = "x", height = 3 })
    wrongly("viz.rates", viz.rates, nil, { file = png, spans = { { from = 0, to = 1 } },
      series = { { label = "a", time_s = list, value = list } } })
    wrongly("viz.rates", viz.rates, sim, { file = png, ports = { 0 }, spans = sim, partition = 1 })
    wrongly("viz.rates", viz.rates, sim, { file = png, flows = { 0 } })
    wrongly("viz.rate_series", viz.rate_series, sim, { ports = { 0 } })
    wrongly("viz.jobs", viz.jobs, sim:job_report(), { file = png, links = 2, title = "x" })
    wrongly("viz.phases", viz.phases, sim, { file = png, title = "x" })
    wrongly("viz.partition", viz.partition, sim:partitions(), 1, { file = png, title = "x" })
    local function chart_with(name)
      return function(value)
        viz.chart.new({ [name] = value, series = name ~= "series" and { cdf } or value }):write(png)
      end
    end
    for _, name in ipairs { "title", "x", "y", "series", "spans", "events", "legend", "heat",
      "width", "height", "columns", "share_y", "panels" } do
      wrongly("chart: " .. name, chart_with(name), {})
    end
    local function chart_of(series) viz.chart.new({ series = { series } }):write(png) end
    for _, kind in ipairs { "line", "step", "scatter", "bars" } do
      wrongly("series: " .. kind, chart_of, { kind = kind, label = "x", x = list, y = list })
    end
    wrongly("series: cdf", chart_of, cdf)
    wrongly("series: band", chart_of, { kind = "band", x = list, low = list, high = list,
      color = { 0, 0, 0 }, dash = { 1, 1 }, width = 1, alpha = 1, step = false })
    wrongly("axis", function(x) viz.chart.new({ x = x, series = { cdf } }):write(png) end,
      { label = "x", unit = "s", scale = "linear", min = 0, max = 1, categories = { "a" } })
    wrongly("heat", function(heat) viz.chart.new({ heat = heat }):write(png) end,
      { x = { 0, 1, 2 }, rows = { "a" }, values = { list }, label = "x", unit = "s", min = 0,
        max = 1 })
    wrongly("span", function(span) chart_with "spans" { span } end, { from = 0, to = 1,
      label = "x", color = { 0, 0, 0 } })
    local chart = viz.chart.new { series = { cdf } }
    for _, name in ipairs { "write", "write_csv" } do
      wrongly("chart:" .. name, chart[name], chart, NOWHERE .. ".png")
    end
  end)

  it("of results, reports and files", function()
    local sim = finished()
    for _, name in ipairs { "hpcc", "connections", "goal", "trace" } do
      local options = name == "hpcc" and { topology = NOWHERE, flows = NOWHERE }
        or { file = NOWHERE, flows = name == "trace" or nil }
      wrongly("export." .. name, weft.export[name], sim, options)
      wrongly("export." .. name, weft.export[name], sim.jobs[1], options)
    end
    wrongly("results.write_runs", weft.results.write_runs, NOWHERE,
      { { run = "a", table = sim:flows() } })
    wrongly("results.write_runs", function(one) weft.results.write_runs(NOWHERE, { one }) end,
      { run = "a", table = sim:flows() })
    wrongly("results.folder", weft.results.folder, NOWHERE)
    wrongly("results.table", weft.results.table, sim.core, "flows", sim.fabric)
    local flows = sim:flows()
    for name, argument in pairs { column = "src", row = 1, write_csv = NOWHERE } do -- order-free
      wrongly("flows:" .. name, flows[name], flows, argument)
    end
    local nowhere = { write = nothing }
    for _, format in ipairs { "table", "csv", "json" } do
      local out = weft.report.new(format, nowhere)
      wrongly("report:table", out.table, out, { { "a", "b", tostring } }, { { a = 1 } })
      wrongly("report:table", function(column) out:table({ column }, { { a = 1 } }) end,
        { "a", "b", tostring })
      wrongly("report:line", out.line, out, "%s", 1)
    end
    wrongly("report.new", weft.report.new, "table", nowhere)
    for _, name in ipairs { "configuration", "configuration_values", "acceleration_columns" } do
      wrongly("report." .. name, weft.report[name], sim)
    end
    for _, name in ipairs { "add_acceleration", "add_congestion" } do
      wrongly("report." .. name, weft.report[name], sim, {})
    end
    local jobs = sim:job_report()
    wrongly("job_report", sim.job_report, sim, { alone = true, prepare = nothing })
    wrongly("report:write_csv", jobs.write_csv, jobs, NOWHERE, NOWHERE)
    wrongly("report:write_json", jobs.write_json, jobs, NOWHERE)
    wrongly("report:print_jobs", jobs.print_jobs, jobs, weft.report.new("table", nowhere))
    wrongly("report:print_links", jobs.print_links, jobs, weft.report.new("table", nowhere), 1)
    local partitions = sim:partitions()
    wrongly("partitions:match", partitions.match, partitions, 1, 1)
    wrongly("csv.write_rows", weft.csv.write_rows, nowhere, { "a" }, { { a = 1 } })
    wrongly("csv.values", weft.csv.values, NOWHERE, { "a" })
    wrongly("csv.rows", weft.csv.rows, NOWHERE, { "a", { "b", type = "number", min = 0 } })
  end)

  it("of workloads of models and clients", function()
    local function job(name)
      return function(options)
        local sim = weft.simulation { topology = weft.topology.star { hosts = 8 } }
        sim:add_job(weft.workload[name](options))
        sim:run { events = 300 }
      end
    end
    local model = { layers = 2, hidden = 64, heads = 4, sequence = 16, vocabulary = 100, tp = 2,
      dp = 2, pp = 2, micro_batch = 1, global_batch = 4, gpu = "A100", flops = 1e12, mfu = 0.5,
      ranks = 8, slow_gpus = { [0] = 2 }, zero = 0, order = "tp-dp-pp", iterations = 1,
      optimizer = 0, channels = 1, start = 0 }
    wrongly("gpt", job "gpt", model)
    local moe = { experts = 4, expert_loads = { 1, 1, 1, 1 }, ep = 2 }
    for key, value in pairs(model) do moe[key] = value end -- order-free: a copy
    wrongly("moe", job "moe", moe)
    wrongly("all_to_all", job "all_to_all", { ranks = 2, algorithm = "direct", chunk = 100,
      volumes = { { 0, 5 }, { 5, 0 } } })
    wrongly("all_to_all", job "all_to_all", { ranks = 2, size = 1000, loads = { 1, 2 } })
    wrongly("volumes", function(row)
      job "all_to_all" { ranks = 2, volumes = { { 0, 5 }, row } }
    end, { 5, 0 })
    wrongly("flows", job "flows", { { src = 0, dst = 1, size = 5 }, start = 0 })
    wrongly("flow", function(flow) job "flows" { flow } end, { src = 0, dst = 1, size = 5,
      start = 0 })
    wrongly("send", job "send", { src = 0, dst = 1, size = 5, start = 0 })
    wrongly("closed_loop", job "closed_loop", { clients = { 0 }, requests = 3, start = 0,
      steps = { { to = "server", size = 100 } }, servers = { 1 }, delays = {} })
    wrongly("simai", job "simai", { layers = { { name = "x" } }, ranks = 2 })
    for _, matrix in ipairs { { kind = "hotspot", hosts = { 0 }, share = 0.5 },
      { kind = "incast", target = 0, fan_in = 2 }, { kind = "rack_local", inside = 0.5 },
      { file = NOWHERE } } do
      wrongly("matrix", function(given)
        job "synthetic" { load = 0.3, flows = 5, sizes = { kind = "fixed", size = 9 },
          matrix = given }
      end, matrix)
    end
  end)

  it("of failures and simulations", function()
    local function inject(entry) simulation():inject { entry } end
    wrongly("inject", inject, { kind = "degrade", target = "h0", at = 1, factor = 0.5,
      factors = { 0.5, 1 }, every = 1, over = 1, loss = 0.1, burst = { loss = 0.1, length = 3 },
      delay = 1, jitter = 1, duration = 1, direction = "both" })
    wrongly("inject", inject, { kind = "degrade", target = { "h0", "switch0" }, at = 1,
      burst = { p = 0.1, r = 0.5, h = 0, k = 1 } })
    wrongly("inject", inject, { kind = "storm", target = "h0", at = 1, duration = 9, period = 2,
      pause = 1, towards = "switch0" })
    wrongly("failure.random", weft.failure.random, star(), { count = 2, seed = 1, span = 1,
      kinds = { "fail", "degrade" }, start = 0, duration = 1, where = "any", detect = 0 })
    for _, name in ipairs { "degrade_hosts", "repair_hosts" } do
      wrongly("failure." .. name, weft.failure[name], simulation(), { 0 },
        name == "degrade_hosts" and { factor = 0.5 } or {})
    end
    wrongly("simulation", weft.simulation, { topology = star(), cc = "dctcp", set = { rto = 1 },
      ecn_by_rate = { { rate = "100Gbps", kmin = 1, kmax = 2 } }, memo = NOWHERE, spans = 10 })
    wrongly("cc.define", weft.cc.define, "mine", { start = nothing, on_ack = nothing })
    wrongly("config.from_table", weft.config.from_table, { cc = "dctcp" }, {})
    local config = weft.config.from_table { CC_MODE = 3 }
    wrongly("config:simulation", config.simulation, config, { topology = star() })
    wrongly("params", weft.params, { "about", { "size", default = 1, type = "bytes" } })
    wrongly("params", weft.params, { size = { type = "bytes", default = 5, help = "x",
      choices = { 5 } } })
  end)
end)
