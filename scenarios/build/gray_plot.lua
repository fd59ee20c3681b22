--- Figures of scenarios/gray_failures.lua: completion time against N and R, errors per backend as
-- distribution, map and scatter, and a fabric with its degraded links.

local weft = require "weft"

local LABELS = {
  ns3 = "ns-3", flowsim = "flowSim", m4 = "m4", weft_packet = "weft, packets",
  weft_accelerated = "weft, accelerated", weft_fluid = "weft, max-min",
  ["weft_fluid-cc"] = "weft, fluid with CC",
}

local function label(backend)
  return LABELS[backend] or (backend:gsub("_", ", ", 1))
end

-- Totals in seconds of rows that `wanted` picks, in the order of `key`.
local function totals(rows, key, wanted)
  local list, x, y = {}, {}, {}
  for _, row in ipairs(rows) do
    if wanted(row) then list[#list + 1] = row end
  end
  table.sort(list, function(a, b) return a[key] < b[key] end)
  for i, row in ipairs(list) do x[i], y[i] = row[key], row.total_us / 1e6 end
  return x, y
end

local function as_list(by_name)
  local list = {}
  for _, row in weft.util.sorted_pairs(by_name or {}) do list[#list + 1] = row end
  return list
end

-- A lone point as a dash that can be seen beside a mark.
local DASH = 0.3

-- Lines for weft, and marks for ns-3 where there is one, in one colour for each value of `fixed`.
local function curves(data, key, fixed, values, letter)
  local series = {}
  local palette = require "weft.viz.palette"
  local truth = as_list(data.recorded.ns3)
  for i, value in ipairs(values) do
    local function wanted(row) return row[fixed] == value end
    local color = palette.category(i)
    local x, y = totals(data.rows, key, wanted)
    if #x == 1 then x, y = { x[1] - DASH, x[1] + DASH }, { y[1], y[1] } end
    if #x > 0 then
      series[#series + 1] = { kind = "line", label = ("%s = %d"):format(letter, value), x = x,
        y = y, color = color }
    end
    local true_x, true_y = totals(truth, key, wanted)
    if #x > 0 and #true_x > 0 then
      series[#series + 1] = { kind = "scatter", x = true_x, y = true_y, color = color }
    end
  end
  return series
end

local function draw_completion(data, path)
  local note = data.recorded.ns3 and " (marks: ns-3)" or ""
  weft.viz.chart.new({
    columns = 2, height = 3, share_y = true, title = "completion time of the workload" .. note,
    panels = {
      { title = "against the degraded GPUs",
        x = { label = "degraded GPUs N", min = 1, max = 17 },
        y = { label = "completion time", unit = "s", min = 0 },
        series = curves(data, "degraded_gpus", "reduction_factor", { 4, 7, 10 }, "R") },
      { title = "against the reduction factor",
        x = { label = "reduction factor R", min = 3, max = 11 },
        y = { label = "completion time", unit = "s", min = 0 },
        series = curves(data, "reduction_factor", "degraded_gpus", { 2, 8, 16 }, "N") },
    },
  }):write(path "completion.png")
  return "completion.png"
end

local function backends(data)
  local list = { { name = data.backend, rows = {} } }
  for _, row in ipairs(data.rows) do
    list[1].rows[("n%02d_r%02d"):format(row.degraded_gpus, row.reduction_factor)] = row
  end
  for name, rows in weft.util.sorted_pairs(data.recorded) do
    if name ~= "ns3" then list[#list + 1] = { name = name, rows = rows } end
  end
  return list
end

local function draw_errors(data, path)
  local distribution, scatter = {}, {}
  local truth, largest = data.recorded.ns3, 0
  for _, backend in ipairs(backends(data)) do
    local values, x, y = {}, {}, {}
    for i, one in ipairs(data.sweep.errors(backend.rows, truth, "total_us")) do
      values[i] = math.abs(one.error_pct)
      x[i], y[i] = truth[one.name].total_us / 1e6, backend.rows[one.name].total_us / 1e6
      largest = math.max(largest, x[i], y[i])
    end
    if #values > 0 then
      distribution[#distribution + 1] = { kind = "cdf", label = label(backend.name),
        values = values }
      scatter[#scatter + 1] = { kind = "scatter", label = label(backend.name), x = x, y = y }
    end
  end
  scatter[#scatter + 1] = { kind = "line", label = "equal", x = { 0, largest },
    y = { 0, largest }, color = { 0.6, 0.6, 0.6 }, width = 0.7, dash = false }
  weft.viz.chart.new({
    columns = 2, height = 3.2, title = "completion time against ns-3",
    panels = {
      { title = "distribution of the error", x = { label = "absolute error, %", min = 0 },
        y = { label = "share of scenarios", min = 0, max = 1 }, series = distribution },
      { title = "each scenario",
        x = { label = "ns-3", unit = "s", min = 0, max = 1.05 * largest },
        y = { label = "simulated", unit = "s", min = 0, max = 1.05 * largest },
        series = scatter },
    },
  }):write(path "errors.png")
  return "errors.png"
end

-- A map over N (rows) and R (columns); scenarios without a value stay blank.
local function heat(data, value_of)
  local ranges, rows, values = data.gray, {}, {}
  local edges = {}
  for r = ranges.FACTORS.first, ranges.FACTORS.last + 1 do edges[#edges + 1] = r - 0.5 end
  local found = {}
  for _, row in ipairs(data.rows) do
    found[row.degraded_gpus] = found[row.degraded_gpus] or {}
    found[row.degraded_gpus][row.reduction_factor] = value_of(row)
  end
  for n = ranges.DEGRADED.first, ranges.DEGRADED.last do
    local line = {}
    for r = ranges.FACTORS.first, ranges.FACTORS.last do
      line[#line + 1] = (found[n] or {})[r] or 0 / 0
    end
    rows[#rows + 1], values[#values + 1] = ("%d"):format(n), line
  end
  return { x = edges, rows = rows, values = values }
end

local function draw_maps(data, path)
  local time = heat(data, function(row) return row.total_us / 1e6 end)
  time.label, time.unit, time.min = "completion time", "s", 0
  local factors = { label = "reduction factor R", min = time.x[1], max = time.x[#time.x] }
  local panels = { {
    title = "completion time", heat = time, x = factors, y = { label = "degraded GPUs N" },
  } }
  if data.recorded.ns3 then
    local errors = heat(data, function(row) return row.error_pct and math.abs(row.error_pct) end)
    errors.label, errors.min = "absolute error against ns-3, %", 0
    panels[2] = {
      title = "error where ns-3 is known", heat = errors, x = factors,
      y = { label = "degraded GPUs N" },
    }
  end
  weft.viz.chart.new({ columns = #panels, height = 4, panels = panels }):write(path "maps.png")
  return "maps.png"
end

-- The fabric of the scenario with most degraded GPUs that fit into two servers.
local function draw_fabric(data, path)
  local n, factor = 8, data.rows[1].reduction_factor
  local net, degraded = data.gray.fabric(data.gray.degraded(n), factor), {}
  for _, gpu in ipairs(data.gray.degraded(n)) do
    for _, link in ipairs(net:links_of(net:host(gpu))) do
      degraded[#degraded + 1] = { link = link.id, factor = 1 / factor }
    end
  end
  weft.viz.topology(net, {
    file = path "fabric.png", color = "rate", degraded = degraded,
    title = ("%d GPUs degraded to 1/%d"):format(n, factor),
  })
  return "fabric.png"
end

--- Draw what there is.
-- @tparam function path from a file's name to its path
-- @tparam table data `rows`, `recorded`, `backend`, `sweep`, `gray`
-- @treturn string names of the files
return function(path, data)
  local drawn = { draw_completion(data, path), draw_maps(data, path), draw_fabric(data, path) }
  if data.recorded.ns3 then drawn[#drawn + 1] = draw_errors(data, path) end
  return table.concat(drawn, " ")
end
