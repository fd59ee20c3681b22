--- Kinds of series in a plot: their extent, their drawing, and the places that a legend must avoid.
-- A series is a table: kind, x, y (arrays of numbers), label, color, dash, width, alpha; "band" has
-- low and high instead of y, "cdf" has values only.
local palette = require "weft.viz.palette"

local series = {}

--- Kinds and the arrays that each needs.
series.kinds = {
  line = { "x", "y" }, -- straight from point to point
  step = { "x", "y" }, -- y[i] holds from x[i] to x[i + 1]; one more x than y closes the last
  scatter = { "x", "y" },
  cdf = { "values" }, -- share of values at or below x
  bars = { "y" }, -- one bar for each category of the x axis
  band = { "x", "low", "high" }, -- filled between, with steps as for "step" if step = true
}

local function finite(v)
  return v == v and v ~= math.huge and v ~= -math.huge
end

--- Turn a CDF into steps: x sorted, y the share at or below.
local function cdf_points(values)
  local x, y = {}, {}
  for _, v in ipairs(values) do
    if finite(v) then x[#x + 1] = v end
  end
  table.sort(x)
  for i = 1, #x do y[i] = i / #x end
  return x, y
end

--- Copy of a series with what drawing needs: arrays of numbers, colour, dash.
-- @tparam table given the caller's
-- @tparam number n which of the labelled series of its panel this is
function series.prepare(given, n)
  local item = {}
  for key, value in pairs(given) do item[key] = value end -- order-free
  if item.kind == "cdf" then item.x, item.y = cdf_points(item.values) end
  if item.kind == "bars" then
    item.x = {}
    for i = 1, #item.y do item.x[i] = i end
  end
  local colour, dash = palette.category(n)
  if item.dash == nil and item.color == nil then item.dash = dash end
  item.color = item.color or colour
  item.dash = item.dash or nil
  return item
end

local function widen(range, values, log)
  for _, v in ipairs(values or {}) do
    if finite(v) and not (log and v <= 0) then
      range[1] = math.min(range[1] or v, v)
      range[2] = math.max(range[2] or v, v)
    end
  end
end

--- Smallest and largest x and y of some series.
function series.extent(list, x_log, y_log)
  local x, y = {}, {}
  for _, item in ipairs(list) do
    widen(x, item.x, x_log)
    widen(y, item.y, y_log)
    widen(y, item.low, y_log)
    widen(y, item.high, y_log)
    if item.kind == "bars" or item.kind == "cdf" then widen(y, { 0 }, y_log) end
  end
  return x, y
end

--- Runs of points { x1, y1, x2, y2, ... } on the page; a value that is not finite ends a run.
local function runs(item, ys, x_axis, y_axis)
  local result, run, stepped = {}, nil, item.kind ~= "line"
  for i = 1, #ys do
    local value = ys[i]
    if finite(value) and not (y_axis.log and value <= 0) then
      if not run then
        run = {}
        result[#result + 1] = run
      end
      local y = y_axis:at(value)
      run[#run + 1], run[#run + 2] = x_axis:at(item.x[i]), y
      if stepped and item.x[i + 1] then
        run[#run + 1], run[#run + 2] = x_axis:at(item.x[i + 1]), y
      end
    else
      run = nil
    end
  end
  return result
end

--- A CDF begins on the floor and stays at 1 until the right end.
local function cdf_run(item, x_axis, y_axis)
  if #item.x == 0 then return {} end
  local first = runs({ x = item.x, kind = "step" }, item.y, x_axis, y_axis)
  local run = { x_axis:at(item.x[1]), y_axis:at(0) }
  for _, v in ipairs(first[1]) do run[#run + 1] = v end
  run[#run + 1], run[#run + 2] = x_axis.to, y_axis:at(1)
  return { run }
end

local function stroke_runs(page, list, item)
  local style = { stroke = item.color, dash = item.dash, alpha = item.alpha }
  style.width = item.width or 1.2
  for _, run in ipairs(list) do page:polyline(run, style) end
end

-- One shape for each series in turn, so that colour is not the only difference.
local shapes = {
  function(page, x, y, style) page:circle(x, y, 1.9, style) end,
  function(page, x, y, style) page:rectangle(x - 1.7, y - 1.7, 3.4, 3.4, style) end,
  function(page, x, y, style)
    page:polyline({ x, y - 2.3, x + 2.2, y + 1.6, x - 2.2, y + 1.6 }, style, true)
  end,
  function(page, x, y, style)
    page:polyline({ x, y - 2.4, x + 2.4, y, x, y + 2.4, x - 2.4, y }, style, true)
  end,
}

local function draw_mark(page, item, x, y)
  local style = { fill = item.color, alpha = item.alpha or 0.8 }
  shapes[((item.mark or 1) - 1) % #shapes + 1](page, x, y, style)
end

local function band_outline(item, x_axis, y_axis)
  local kind = item.step and "step" or "line"
  local top = runs({ x = item.x, kind = kind }, item.high, x_axis, y_axis)[1]
  local low = runs({ x = item.x, kind = kind }, item.low, x_axis, y_axis)[1]
  if not top or not low then return nil end
  local outline = {}
  for i = 1, #top do outline[i] = top[i] end
  for i = #low - 1, 1, -2 do
    outline[#outline + 1], outline[#outline + 2] = low[i], low[i + 1]
  end
  return outline
end

--- Left end and width of a bar: those of one category stand side by side.
local function bar_place(item, i, x_axis)
  local whole = x_axis:at(i + 0.5) - x_axis:at(i - 0.5)
  local width = 0.76 * whole / item.bar_count
  return x_axis:at(i) - 0.38 * whole + (item.bar - 1) * width, width
end

--- Draw one series.
function series.draw(page, item, x_axis, y_axis)
  if item.kind == "scatter" then
    for i = 1, #item.y do
      if finite(item.x[i]) and finite(item.y[i]) then
        draw_mark(page, item, x_axis:at(item.x[i]), y_axis:at(item.y[i]))
      end
    end
  elseif item.kind == "bars" then
    for i = 1, #item.y do
      local left, width = bar_place(item, i, x_axis)
      local top = y_axis:at(item.y[i])
      page:rectangle(left, top, width * 0.94, y_axis.from - top, { fill = item.color })
    end
  elseif item.kind == "band" then
    local outline = band_outline(item, x_axis, y_axis)
    local style = { fill = item.color, alpha = item.alpha or 0.25 }
    if outline then page:polyline(outline, style, true) end
  elseif item.kind == "cdf" then
    stroke_runs(page, cdf_run(item, x_axis, y_axis), item)
  else
    stroke_runs(page, runs(item, item.y, x_axis, y_axis), item)
  end
end

--- Draw the sample of a series that a legend shows, 18 points wide around the middle height y.
function series.sample(page, item, x, y)
  if item.kind == "scatter" then
    draw_mark(page, item, x + 9, y)
  elseif item.kind == "bars" then
    page:rectangle(x + 4, y - 3, 10, 6, { fill = item.color })
  elseif item.kind == "band" then
    page:rectangle(x, y - 3, 18, 6, { fill = item.color, alpha = item.alpha or 0.25 })
  else
    page:line(x, y, x + 18, y,
      { stroke = item.color, width = item.width or 1.2, dash = item.dash, alpha = item.alpha })
  end
end

--- Call mark(x, y) along everything that a series draws, at most 3 points apart.
function series.trace(item, x_axis, y_axis, mark)
  local function along(run)
    for i = 1, #run - 3, 2 do
      local dx, dy = run[i + 2] - run[i], run[i + 3] - run[i + 1]
      local steps = math.min(2000, math.max(1, math.ceil(math.max(math.abs(dx), math.abs(dy)) / 3)))
      for k = 0, steps do mark(run[i] + dx * k / steps, run[i + 1] + dy * k / steps) end
    end
  end
  if item.kind == "bars" then
    for i = 1, #item.y do
      local left, width = bar_place(item, i, x_axis)
      for x = left, left + width, 3 do along { x, y_axis.from, x, y_axis:at(item.y[i]) } end
    end
  elseif item.kind == "band" then
    local outline = band_outline(item, x_axis, y_axis)
    local half = outline and #outline / 2 or 0
    for i = 1, half - 1, 2 do
      along { outline[i], outline[i + 1], outline[#outline - i], outline[#outline - i + 1] }
    end
  elseif item.kind == "scatter" then
    for i = 1, #item.y do
      if finite(item.x[i]) and finite(item.y[i]) then
        mark(x_axis:at(item.x[i]), y_axis:at(item.y[i]))
      end
    end
  else
    local list = item.kind == "cdf" and cdf_run(item, x_axis, y_axis)
      or runs(item, item.y, x_axis, y_axis)
    for _, run in ipairs(list) do along(run) end
  end
end

return series
