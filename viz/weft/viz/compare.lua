--- Engines compared: errors of flows as distributions and by size, and slowdowns.
local chart = require "weft.viz.chart"
local fail = require "weft.fail"
local palette = require "weft.viz.palette"

local compare = {}

local FLOOR, FLOOR_COLOR = "floor", { 0.6, 0.6, 0.6 }
local TRUTH_COLOR = { 0.2, 0.2, 0.2 }

-- Errors are drawn from here on: those of flows that are right are 0.
local LEAST_PCT, MOST_PCT = 0.01, 1000

local function is_comparison(value)
  return type(value) == "table" and type(value.samples) == "table" and value.truth ~= nil
end

local function errors_panel(compared, colors)
  local series = {}
  for _, sample in ipairs(compared.samples) do
    if sample.engine ~= compared.truth then
      local values = compared:distribution(sample.engine)
      for i, value in ipairs(values) do
        values[i] = math.min(math.max(value, LEAST_PCT), MOST_PCT)
      end
      if #values > 0 then
        series[#series + 1] = { kind = "cdf", label = sample.engine, values = values,
          color = colors[sample.engine] }
      end
    end
  end
  return {
    title = "errors",
    x = { label = "error of a flow, %", scale = "log", min = LEAST_PCT, max = MOST_PCT },
    y = { label = "share of flows", min = 0, max = 1 }, series = series, legend = "below",
  }
end

local function sizes_panel(compared, colors)
  local categories, index, by_engine, order = {}, {}, {}, {}
  for _, row in ipairs(compared:by_size()) do
    if not index[row.size] then
      -- Room is short: "200 kB" for "up to 200 kB".
      categories[#categories + 1] = row.size:gsub("^up to ", ""):gsub("^above ", "> ")
      index[row.size] = #categories
    end
    if not by_engine[row.engine] and row.engine ~= compared.truth then
      by_engine[row.engine] = {}
      order[#order + 1] = row.engine
    end
    if by_engine[row.engine] then by_engine[row.engine][index[row.size]] = row.mean_err_pct end
  end
  local series = {}
  for _, engine in ipairs(order) do
    local y = {}
    for i = 1, #categories do y[i] = by_engine[engine][i] or 0 end
    series[#series + 1] = { kind = "bars", label = engine, y = y, color = colors[engine] }
  end
  return {
    title = "by size of flow", x = { categories = categories, label = "size, up to" },
    y = { label = "mean error, %", min = 0 }, series = series, legend = "none",
  }
end

local function slowdown_panel(compared, colors)
  local series, truth = {}, nil
  for _, sample in ipairs(compared.samples) do
    local _, values, true_values = compared:distribution(sample.engine)
    truth = truth or true_values
    if sample.engine ~= compared.truth and sample.engine ~= FLOOR and #values > 0 then
      series[#series + 1] = { kind = "cdf", label = sample.engine, values = values,
        color = colors[sample.engine] }
    end
  end
  if truth and #truth > 0 then
    table.insert(series, 1, { kind = "cdf", label = compared.truth, values = truth,
      color = TRUTH_COLOR })
  end
  return {
    title = "slowdowns", x = { label = "time / ideal time", scale = "log", min = 1 },
    y = { label = "share of flows", min = 0, max = 1 }, series = series, legend = "below",
  }
end

--- Draw a comparison of weft.compare.
function compare.draw(compared, options)
  if not is_comparison(compared) or #compared.samples == 0 then
    fail.raise("compare: expected a comparison of weft.compare, got %s",
      is_comparison(compared) and "one without engines" or fail.show(compared))
  end
  local colors, n = {}, 0
  for _, sample in ipairs(compared.samples) do
    if sample.engine == FLOOR then
      colors[FLOOR] = FLOOR_COLOR
    elseif sample.engine ~= compared.truth then
      n = n + 1
      colors[sample.engine] = palette.category(n)
    end
  end
  local panels = { slowdown_panel(compared, colors) }
  if n > 0 or colors[FLOOR] then
    table.insert(panels, 1, errors_panel(compared, colors))
    table.insert(panels, 2, sizes_panel(compared, colors))
  end
  chart.new({
    title = options.title, width = options.width, height = options.height or 3, columns = #panels,
    panels = panels,
  }):write(options.file)
end

return compare
