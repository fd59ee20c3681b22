--- Charts: one plot or several panels of fixed size, as PNG, SVG or PDF.
--
--     local c = weft.viz.chart.new {
--       x = { label = "time", unit = "s" }, y = { label = "rate", unit = "bit/s" },
--       series = { { kind = "line", label = "healthy", x = { ... }, y = { ... } } },
--     }
--     c:write "allreduce.pdf"
local canvas = require "weft.viz.canvas"
local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local panel = require "weft.viz.panel"
local series = require "weft.viz.series"
local size = require "weft.viz.size"
local util = require "weft.util"

local chart = {}
chart.__index = chart

local axis_options = {
  label = { type = "string" },
  unit = { type = "string", brief = "SI unit without prefix, such as \"s\" or \"bit/s\"." },
  scale = { type = "enum", choices = { "linear", "log" }, default = "linear" },
  min = { type = "number" },
  max = { type = "number" },
  categories = { type = "list", brief = "Names; the axis then has one place for each." },
}

local heat_options = {
  x = { type = "list", required = true, brief = "Edges of the columns: one more than columns." },
  rows = { type = "list", required = true, brief = "Names of the rows, from the bottom." },
  values = { type = "list", required = true,
    brief = "Array of rows, each an array of numbers; NaN stays blank." },
  label = { type = "string" },
  unit = { type = "string" },
  min = { type = "number" },
  max = { type = "number" },
}

local panel_options = {
  title = { type = "string" },
  x = { type = "table", default = {} },
  y = { type = "table", default = {} },
  series = { type = "list", default = {} },
  spans = { type = "list", default = {}, brief = "{ from =, to =, label = } shaded." },
  events = { type = "list", default = {}, brief = "{ at =, label = } marked by a line." },
  legend = { type = "enum", choices = { "auto", "below", "none" }, default = "auto" },
  heat = { type = "table", brief = "A heat map instead of series." },
}

local series_options = {
  kind = { type = "enum", choices = { "line", "step", "scatter", "cdf", "bars", "band" },
    default = "line" },
  label = { type = "string" },
  x = { type = "list" }, y = { type = "list" }, values = { type = "list" },
  low = { type = "list" }, high = { type = "list" },
  step = { type = "boolean", brief = "Of a band: steps instead of straight edges." },
  color = { type = "any", brief = "\"#rrggbb\", or { r, g, b }, each 0..1." },
  dash = { type = "any", brief = "{ on, off, ... } in points, or false." },
  width = { type = "number", min = 0.1, max = 20 },
  alpha = { type = "number", min = 0, max = 1 },
}

local span_options = {
  from = { type = "number", required = true },
  to = { type = "number", required = true },
  label = { type = "string" },
  color = series_options.color,
}

local event_options = {
  at = { type = "number", required = true },
  label = { type = "string" },
}

local chart_options = {
  title = { type = "string" },
  width = { type = "any", default = "page", brief = "\"column\", \"page\" or inches." },
  height = { type = "number", min = 1, max = 100, brief = "Inches, of the whole chart." },
  columns = { type = "integer", default = 1, min = 1, max = 8, brief = "Panels side by side." },
  share_y = { type = "boolean", default = false, brief = "One y scale for all panels." },
  panels = { type = "list", brief = "Several plots; else the chart itself describes one." },
}

-- A chart of one panel describes it in the same table.
local single_options = {}
for key, rule in pairs(panel_options) do single_options[key] = rule end -- order-free
for key, rule in pairs(chart_options) do single_options[key] = rule end -- order-free

--- A list of numbers from `low` to `high`.
local function check_numbers(what, list, low, high)
  check.argument(what, list, "numbers")
  for i, value in ipairs(list) do
    if not (value >= low and value <= high) then
      fail.raise("%s: expected numbers from %s to %s, got %s as number %d", what, fail.show(low),
        fail.show(high), fail.show(value), i)
    end
  end
end

local function check_style(what, item)
  if type(item.color) == "string" then
    local red, green, blue = item.color:match "^#(%x%x)(%x%x)(%x%x)$"
    if not red then
      fail.raise("%s: color: expected \"#rrggbb\" or { r, g, b }, got %s", what,
        fail.show(item.color))
    end
    item.color = {
      tonumber(red, 16) / 255, tonumber(green, 16) / 255, tonumber(blue, 16) / 255,
    }
  elseif item.color then
    check.argument(what .. ": color", item.color, "list")
    check_numbers(what .. ": color", item.color, 0, 1)
    if #item.color ~= 3 then
      fail.raise("%s: color: expected { r, g, b }, got %d numbers", what, #item.color)
    end
  end
  if item.dash then check_numbers(what .. ": dash", item.dash, 0.01, 1000) end
end

-- Beyond it, spans of axes are no numbers any more.
local VALUE_MAX = 1e300

--- Check one series; its arrays must be there, hold numbers, and agree in length.
local function check_series(what, given)
  local item = check.options(what, given, series_options)
  check_style(what, item)
  for _, name in ipairs(series.kinds[item.kind]) do
    if type(item[name]) ~= "table" then fail.raise("%s: a %s needs %s", what, item.kind, name) end
  end
  for _, name in ipairs { "x", "y", "values", "low", "high" } do
    for i, v in ipairs(item[name] or {}) do
      if type(v) ~= "number" then
        fail.raise("%s: %s[%d]: expected a number, got %s", what, name, i, type(v))
      elseif v > VALUE_MAX or v < -VALUE_MAX then
        fail.raise("%s: %s[%d]: expected a number up to 1e300, got %s", what, name, i, fail.show(v))
      end
    end
  end
  local count = item.y and #item.y or item.low and #item.low
  if item.low and item.high and #item.high ~= count then
    fail.raise("%s: expected as many high as low values (%d), got %d", what, count, #item.high)
  end
  local steps = item.kind == "step" or item.step
  if item.x and #item.x ~= count and not (steps and #item.x == count + 1) then
    fail.raise("%s: expected %d values of x, got %d", what, count, #item.x)
  end
  return item
end

--- Check a heat map: as many names as rows, rows of one length, one more edge than columns.
local function check_heat(what, given)
  local heat = check.options(what, given, heat_options)
  if #heat.rows ~= #heat.values then
    fail.raise("%s: expected %d rows of values, got %d", what, #heat.rows, #heat.values)
  end
  check.argument(what .. ": x", heat.x, "numbers")
  for i, row in ipairs(heat.values) do
    check.argument(what .. ": row " .. i, row, "numbers")
    check.argument(what .. ": name of row " .. i, heat.rows[i], "text")
    if #row ~= #heat.x - 1 then
      fail.raise("%s: values[%d]: expected %d numbers, got %d", what, i, #heat.x - 1, #row)
    end
  end
  return heat
end

local function check_list(what, given, check_one)
  local list = {}
  for i, item in ipairs(given) do list[i] = check_one(("%s[%d]"):format(what, i), item) end
  return list
end

local function check_span(what, given)
  local span = check.options(what, given, span_options)
  check_style(what, span)
  return span
end

local function check_event(what, given) return check.options(what, given, event_options) end

local function check_panel(what, given, rules)
  local options = check.options(what, given, rules)
  options.x = check.options(what .. ": x", options.x, axis_options)
  options.y = check.options(what .. ": y", options.y, axis_options)
  for _, axis in ipairs { options.x, options.y } do
    for i, name in ipairs(axis.categories or {}) do
      check.argument(what .. ": category " .. i, name, "text")
    end
  end
  options.series = check_list(what .. ": series", options.series, check_series)
  options.spans = check_list(what .. ": spans", options.spans, check_span)
  options.events = check_list(what .. ": events", options.events, check_event)
  if options.heat then options.heat = check_heat(what .. ": heat", options.heat) end
  return options
end

--- New chart. Options: width, height, and those of a panel (title, x, y, series, spans, events,
-- legend, heat) or panels = { ... } with columns.
-- @tparam table options
function chart.new(options)
  local self = setmetatable({ panels = {} }, chart)
  if type(options) == "table" and options.panels then
    local given = check.options("chart", options, chart_options)
    self.options = given
    for i, item in ipairs(given.panels) do
      self.panels[i] = panel.new(check_panel(("chart: panels[%d]"):format(i), item, panel_options))
    end
    if #self.panels == 0 then fail.raise("chart: expected at least one panel, got none") end
  else
    local given = check_panel("chart", options, single_options)
    self.options = given
    self.panels[1] = panel.new(setmetatable({ title = false }, { __index = given }))
  end
  self.width = size.points("chart", self.options.width)
  return self
end

--- Height of the chart in points, where the caller leaves it open: flat panels, easy to compare,
-- and what legends below the plots need (`extra`).
local function height_of(self, rows, extra)
  if self.options.height then return self.options.height * canvas.inch end
  local one = self.width / self.options.columns
  local ratio = one < 300 and 0.62 or 0.36
  return rows * math.max(110, math.min(190, ratio * one)) + 20 + extra
end

--- Smallest and largest of two ranges; a range may be empty.
local function join(a, b)
  if not a[1] then return b end
  if not b[1] then return a end
  return { math.min(a[1], b[1]), math.max(a[2], b[2]) }
end

--- Extent of y that all panels share, or nil when each has its own.
local function shared_y(self)
  if not self.options.share_y then return nil end
  local range = {}
  for _, item in ipairs(self.panels) do range = join(range, item:y_extent()) end
  return range
end

--- Draw on a page.
function chart:draw(page)
  if getmetatable(page) ~= canvas then
    fail.raise("chart:draw: expected a page of weft.viz.canvas, got %s", fail.show(page))
  end
  local margin, columns = 6, self.options.columns
  local top = margin
  if self.options.title then
    top = page:wrapped(margin, top, self.options.title, { size = 9, weight = "bold" },
      page.width - 2 * margin) + 7
  end
  local rows = math.ceil(#self.panels / columns)
  local gap, y_range = 10, shared_y(self)
  local width = (page.width - 2 * margin - (columns - 1) * gap) / columns
  local height = (page.height - top - margin - (rows - 1) * gap) / rows
  for column = 1, columns do
    local x_range, left = {}, 0
    for i = column, #self.panels, columns do
      x_range = join(x_range, self.panels[i]:x_extent())
    end
    for i = column, #self.panels, columns do
      self.panels[i]:build_axes(width, height, x_range, y_range)
      left = math.max(left, self.panels[i]:left_width(page))
    end
    for i = column, #self.panels, columns do
      local row = (i - column) / columns
      local room = {
        x = margin + (column - 1) * (width + gap), y = top + row * (height + gap),
        width = width, height = height,
      }
      self.panels[i]:draw(page, room, left)
    end
  end
end

--- Write the data of the chart as CSV, a line for each point with its panel and series. Bands,
-- which are made from other data, and values that are not numbers are left out.
-- @tparam string file
function chart:write_csv(file)
  util.write_file(file, function(out)
    out:write "panel,series,x,y\n"
    for p, one in ipairs(self.panels) do
      for s, item in ipairs(one.items) do
        local name = (item.label or ("%d"):format(s)):gsub("\"", "\"\"")
        for i, y in ipairs(item.y or {}) do
          if y == y then
            out:write(("%d,\"%s\",%.17g,%.17g\n"):format(p, name, item.x[i], y))
          end
        end
      end
    end
  end)
end

--- Write the chart to a file ending in .png, .svg or .pdf.
-- @tparam string file
-- @treturn canvas the page that was written; `boxes` are those of its texts
function chart:write(file)
  local rows = math.ceil(#self.panels / self.options.columns)
  return canvas.fit(file, self.width, height_of(self, rows, 0), function(page)
    self:draw(page)
    local extra = 0
    for _, item in ipairs(self.panels) do extra = math.max(extra, item.extra) end
    return height_of(self, rows, rows * extra)
  end)
end

function chart:__tostring()
  local lines = { ("chart of %s; chart:write \"file.png\" draws it"):format(
    util.counted(#self.panels, "panel")) }
  for i, one in ipairs(self.panels) do
    local title = one.options.title
    lines[#lines + 1] = ("  %d: %s%s"):format(i, title and title .. ", " or "",
      util.counted(#one.items, "series", "series"))
  end
  return table.concat(lines, "\n")
end

for _, name in ipairs { "draw", "write", "write_csv" } do
  chart[name] = guard.method("chart:" .. name, "chart",
    function(value) return getmetatable(value) == chart end, chart[name])
end

return guard.module("viz.chart", chart)
