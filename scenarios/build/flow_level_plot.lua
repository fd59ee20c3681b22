--- Figures of scenarios/flow_level.lua: errors of flows as distributions and by size, tails of
-- slowdown case by case, and errors by congestion control.

local weft = require "weft"

local FLOOR = "floor"
local GREY = { 0.6, 0.6, 0.6 }

-- Colours as weft.viz.compare has them: engines in their order, the truth none.
local function colors_of(words)
  local colors, n = {}, 0
  for _, word in ipairs(words) do
    if word ~= "packet" then
      n = n + 1
      colors[word] = require("weft.viz.palette").category(n)
    end
  end
  return colors
end

local function draw_tails(data, path)
  local series, largest, colors = {}, 1, colors_of(data.words)
  for _, word in ipairs(data.words) do
    local x, y = {}, {}
    for _, row in ipairs(data.rows) do
      if row.engine == word and row.slowdown_p99 then
        x[#x + 1], y[#y + 1] = row.true_slowdown_p99, row.slowdown_p99
        largest = math.max(largest, row.true_slowdown_p99, row.slowdown_p99)
      end
    end
    if word ~= "packet" and #x > 0 then
      series[#series + 1] = { kind = "scatter", label = word, x = x, y = y, color = colors[word] }
    end
  end
  series[#series + 1] = { kind = "line", label = "equal", x = { 1, largest }, y = { 1, largest },
    color = GREY, width = 0.7, dash = false }
  weft.viz.chart.new({
    width = "column", height = 3.2, title = "99th percentile of slowdown",
    x = { label = "packets", scale = "log", min = 1, max = 1.1 * largest },
    y = { label = "engine", scale = "log", min = 1, max = 1.1 * largest }, series = series,
  }):write(path "tails.png")
  return "tails.png"
end

local function draw_by_cc(data, path)
  local categories, series, taken, colors = {}, {}, {}, colors_of(data.words)
  for _, row in ipairs(data.summary) do
    if not taken[row.cc] then
      categories[#categories + 1], taken[row.cc] = row.cc, true
    end
  end
  local function bars(label, wanted, name, color)
    local y, some = {}, false
    for i, cc in ipairs(categories) do
      y[i] = 0
      for _, row in ipairs(data.summary) do
        if row.cc == cc and row.engine == wanted and row[name] then
          y[i], some = row[name], some or row[name] > 0
        end
      end
    end
    if some then
      series[#series + 1] = { kind = "bars", label = label, y = y, color = color }
    end
  end
  for _, word in ipairs(data.words) do bars(word, word, "mean_err_pct", colors[word]) end
  bars(FLOOR, data.words[1], "floor_mean_pct", GREY)
  weft.viz.chart.new({
    width = "column", height = 2.8, title = "mean error of a flow",
    x = { categories = categories }, y = { label = "mean of cases, %", min = 0 }, series = series,
  }):write(path "by_cc.png")
  return "by_cc.png"
end

--- Draw what there is.
-- @tparam function path from a file's name to its path
-- @tparam table data `rows`, `words`, `summary`, `pooled` (Comparison of all cases)
-- @treturn string names of the files
return function(path, data)
  weft.viz.compare(data.pooled, {
    file = path "errors.png", title = "error of completion times against packets, all flows",
  })
  return table.concat({ "errors.png", draw_tails(data, path), draw_by_cc(data, path) }, " ")
end
