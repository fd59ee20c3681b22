--- Completion times: slowdown by size of flow, as percentiles, and as a distribution.
local chart = require "weft.viz.chart"
local fail = require "weft.fail"
local results = require "weft.results"
local stats = require "weft.stats"

local fct = {}

local CLASSES = 10 -- of sizes, each with as many flows
local PERCENTILES = { 50, 95, 99 }

-- A list of { label, sizes, slowdowns } from what was given: a simulation, a table of flows, or a
-- table of these by label in order.
local function runs_of(given)
  local function one(label, source)
    local flows = source
    if type(source) == "table" and source.core and source.flows then flows = source:flows() end
    if not results.is(flows) then
      fail.raise("fct: expected a simulation or its table of flows, got %s", fail.show(source))
    end
    local run = { label = label, sizes = {}, slowdowns = {} }
    local sizes, slowdowns = flows:column "size_bytes", flows:column "slowdown"
    for i, slowdown in ipairs(slowdowns) do
      if slowdown >= 0 then
        run.sizes[#run.sizes + 1], run.slowdowns[#run.slowdowns + 1] = sizes[i], slowdown
      end
    end
    if #run.sizes == 0 then
      fail.raise("fct: no flow is complete%s", label and " of " .. label or "")
    end
    return run
  end
  if results.is(given) or type(given) == "table" and given.core then return { one(nil, given) } end
  if type(given) ~= "table" or #given == 0 then
    fail.raise("fct: expected a simulation, or a list of { label, simulation }, got %s",
      fail.show(given))
  end
  local runs = {}
  for i, pair in ipairs(given) do
    if type(pair) ~= "table" or type(pair[1]) ~= "string" then
      fail.raise("fct: run %d: expected { label, simulation }, got %s", i, fail.show(pair))
    end
    runs[i] = one(pair[1], pair[2])
  end
  return runs
end

-- Flows in the order of their sizes, cut into classes of as many each; equal sizes stay together.
local function classes_of(run)
  local order, classes = {}, {}
  for i = 1, #run.sizes do order[i] = i end
  table.sort(order, function(a, b)
    if run.sizes[a] ~= run.sizes[b] then return run.sizes[a] < run.sizes[b] end
    return a < b
  end)
  local each, i = math.max(1, math.ceil(#order / CLASSES)), 1
  while i <= #order do
    local last = math.min(#order, i + each - 1)
    local largest = run.sizes[order[last]]
    while last < #order and run.sizes[order[last + 1]] == largest do last = last + 1 end
    local class = { size = run.sizes[order[math.floor((i + last) / 2)]], slowdowns = {} }
    for k = i, last do class.slowdowns[#class.slowdowns + 1] = run.slowdowns[order[k]] end
    classes[#classes + 1] = class
    i = last + 1
  end
  return classes
end

local function by_size(runs)
  local series = {}
  for n, run in ipairs(runs) do
    local classes = classes_of(run)
    for _, p in ipairs(#runs > 2 and { 99 } or PERCENTILES) do
      local x, y = {}, {}
      for i, class in ipairs(classes) do
        x[i], y[i] = class.size, stats.percentile(class.slowdowns, p)
      end
      local name = "p" .. p
      series[#series + 1] = {
        kind = #x > 1 and "line" or "scatter", x = x, y = y,
        label = run.label and run.label .. " " .. name or name,
        width = p == 99 and 1.6 or 1, color = fct.color(n, p),
      }
    end
  end
  return {
    title = #runs > 2 and "p99 of slowdown by size" or "slowdown by size",
    x = { label = "size of flow", unit = "B", scale = "log" },
    y = { label = "slowdown", scale = "log", min = 1 }, series = series,
  }
end

--- Colour of the n-th run: darker for higher percentiles.
function fct.color(n, p)
  local palette = require "weft.viz.palette"
  local colour, light = palette.category(n), p == 50 and 0.55 or p == 95 and 0.3 or 0
  local mixed = {}
  for i = 1, 3 do mixed[i] = colour[i] + (1 - colour[i]) * light end
  return mixed
end

local function distribution(runs)
  local series = {}
  for n, run in ipairs(runs) do
    series[n] = {
      kind = "cdf", values = run.slowdowns, label = run.label, color = fct.color(n, 99),
    }
  end
  return { title = "distribution", x = { label = "slowdown", scale = "log", min = 1 },
    y = { label = "share of flows" }, series = series }
end

--- Draw.
-- @param given simulation, its table of flows, or a list of { label, either }
-- @tparam table options as checked by weft.viz.fct
-- @treturn canvas
function fct.draw(given, options)
  local runs, is_narrow = runs_of(given), options.points < 300
  return chart.new({
    title = options.title, width = options.width, height = options.height,
    columns = is_narrow and 1 or 2,
    panels = { by_size(runs), distribution(runs) },
  }):write(options.file)
end

return fct
