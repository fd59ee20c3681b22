--- One plot of a chart: axes, series or a heat map, spans, events, legend.
local axes = require "weft.viz.axes"
local legend = require "weft.viz.legend"
local palette = require "weft.viz.palette"
local series = require "weft.viz.series"

local panel = {}
panel.__index = panel

local NOTE_ROW = 9 -- height of a row of labels of spans and events above a plot
local CELL = 5 -- of the grid that finds room for a legend; all in points

--- Prepare a panel from checked options.
-- @tparam table options title, x, y, series, spans, events, legend, heat
function panel.new(options)
  local self = setmetatable({ options = options, items = {}, labelled = {} }, panel)
  local bars, n, marks = {}, 0, 0
  for _, given in ipairs(options.series or {}) do
    if not given.color then n = n + 1 end
    local item = series.prepare(given, math.max(n, 1))
    self.items[#self.items + 1] = item
    if item.label then self.labelled[#self.labelled + 1] = item end
    if item.kind == "bars" then
      bars[#bars + 1] = item
      item.bar = #bars
    elseif item.kind == "scatter" then
      marks = marks + 1
      item.mark = marks
    end
  end
  for _, item in ipairs(bars) do item.bar_count = #bars end
  return self
end

--- Extents of the data: for charts whose panels share an axis. Categories have a place each and
-- share none.
function panel:x_extent()
  if self.options.x.categories then return {} end
  if self.options.heat then
    local x = self.options.heat.x
    return { x[1], x[#x] }
  end
  return (series.extent(self.items, self.options.x.scale == "log", self.options.y.scale == "log"))
end

function panel:y_extent()
  local options = self.options
  local _, y = series.extent(self.items, options.x.scale == "log", options.y.scale == "log")
  return y
end

--- Build the axes for a panel of a size. The ranges are the extents of x, and of y if it is shared.
function panel:build_axes(width, height, x_range, y_range)
  local options, heat = self.options, self.options.heat
  if heat then
    self.x = axes.new({ label = options.x.label, unit = options.x.unit, tight = true,
      min = options.x.min, max = options.x.max }, x_range[1], x_range[2], width / 55)
    self.y = axes.new({ label = options.y.label, categories = heat.rows })
    self.y.min, self.y.max = 0.5, #heat.rows + 0.5
    local low, high = math.huge, -math.huge
    for _, row in ipairs(heat.values) do
      for _, v in ipairs(row) do
        if v == v then low, high = math.min(low, v), math.max(high, v) end
      end
    end
    self.z = axes.new(heat, low, high, math.max(2, height / 26))
    return
  end
  y_range = y_range or self:y_extent()
  local x_options = setmetatable({ tight = true }, { __index = options.x })
  if options.x.scale == "log" then x_options = options.x end
  self.x = axes.new(x_options, x_range[1], x_range[2], math.max(2, width / 55))
  self.y = axes.new(options.y, y_range[1], y_range[2], math.max(2, height / 22))
end

--- Labels of spans and events above the plot, in as many rows as keep them apart.
local function place_notes(self, page)
  local notes, ends = {}, {}
  local function add(text, middle, color)
    if not text then return end
    local width = page:measure(text, axes.tick_size)
    local left = math.max(self.x.from, math.min(self.x.to - width, middle - width / 2))
    local row = 1
    while ends[row] and ends[row] + 5 > left do row = row + 1 end
    ends[row] = left + width
    notes[#notes + 1] = { text = text, left = left, row = row, color = color }
  end
  local sorted = {}
  for _, span in ipairs(self.options.spans or {}) do
    local at = (span.from + span.to) / 2
    sorted[#sorted + 1] = { at = at, label = span.label, color = palette.faint }
  end
  for _, event in ipairs(self.options.events or {}) do
    sorted[#sorted + 1] = { at = event.at, label = event.label, color = palette.alarm }
  end
  for i, item in ipairs(sorted) do item.order = i end
  table.sort(sorted, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.order < b.order
  end)
  for _, item in ipairs(sorted) do
    local inside = math.max(self.x.min, math.min(self.x.max, item.at))
    add(item.label, self.x:at(inside), item.color)
  end
  return notes, #ends
end

--- Width at the left that the panel needs for its y axis.
function panel:left_width(page)
  return axes.left_width(self.y, page)
end

--- Which cells of the plot have something drawn on them.
local function occupancy(self, plot)
  local columns = math.ceil(plot.width / CELL)
  local taken = {}
  local function mark(x, y)
    local column, row = math.floor((x - plot.x) / CELL), math.floor((y - plot.y) / CELL)
    if column >= 0 and column < columns then taken[row * columns + column] = true end
  end
  for _, item in ipairs(self.items) do series.trace(item, self.x, self.y, mark) end
  return function(box)
    for row = math.floor((box[2] - plot.y) / CELL), math.floor((box[2] + box[4] - plot.y) / CELL) do
      for column = math.floor((box[1] - plot.x) / CELL),
        math.floor((box[1] + box[3] - plot.x) / CELL) do
        if taken[row * columns + column] then return false end
      end
    end
    return true
  end
end

--- A corner or edge of the plot where a legend covers nothing, or nil.
local function inside_place(self, page, plot)
  local width, height = legend.size(page, self.labelled)
  local free, pad = occupancy(self, plot), 5
  local right, bottom = plot.x + plot.width - width - pad, plot.y + plot.height - height - pad
  local middle = plot.x + (plot.width - width) / 2
  local places = {
    { right, plot.y + pad }, { plot.x + pad, plot.y + pad }, { right, bottom },
    { plot.x + pad, bottom }, { middle, plot.y + pad }, { middle, bottom },
  }
  if width > plot.width * 0.6 or height > plot.height - 2 * pad then return nil end
  for _, place in ipairs(places) do
    local box = { place[1] - 3, place[2] - 2, width + 6, height + 4 }
    if free(box) then return box end
  end
end

--- Decide where the legend goes: mode "inside", "below" or "none", and the room it takes.
local function plan_legend(self, page, plot, room)
  local wish = self.options.legend
  if #self.labelled == 0 or wish == "none" then return "none", 0 end
  if wish ~= "below" then
    local box = inside_place(self, page, plot)
    if box then return box, 0 end
  end
  local _, height = legend.size(page, self.labelled, room.width)
  return "below", height + 6
end

local function draw_spans(self, page, plot)
  for _, span in ipairs(self.options.spans or {}) do
    local from, to = self.x:at(span.from), self.x:at(span.to)
    page:rectangle(from, plot.y, to - from, plot.height, { fill = span.color or palette.span })
  end
end

local function draw_events(self, page, plot)
  for _, event in ipairs(self.options.events or {}) do
    local x = self.x:at(event.at)
    page:line(x, plot.y, x, plot.y + plot.height,
      { stroke = palette.alarm, width = 0.8, dash = { 3, 2 } })
  end
end

local function draw_heat(self, page)
  local heat = self.options.heat
  for row, values in ipairs(heat.values) do
    local top, bottom = self.y:at(row + 0.5), self.y:at(row - 0.5)
    for column, value in ipairs(values) do
      local left, right = self.x:at(heat.x[column]), self.x:at(heat.x[column + 1])
      local t = (self.z:at(value) - self.z.from) / (self.z.to - self.z.from)
      -- Reaching under the next cells, so that no seam shows.
      page:rectangle(left, top, right - left + 0.5, bottom - top + 0.5,
        { fill = value == value and palette.sequential(t) or palette.paper })
    end
  end
end

--- Everything within the plot's rectangle, and its frame.
local function draw_plot(self, page, plot)
  page:clipped(plot.x, plot.y, plot.width, plot.height, function()
    draw_spans(self, page, plot)
    if self.options.heat then
      draw_heat(self, page)
    else
      axes.draw_grid(page, self.x, self.y)
    end
  end)
  -- Lines along the rim keep their full width.
  page:clipped(plot.x - 1, plot.y - 2.5, plot.width + 2, plot.height + 3.5, function()
    for _, item in ipairs(self.items) do series.draw(page, item, self.x, self.y) end
    draw_events(self, page, plot)
  end)
end

--- Draw the panel, whose axes are built, into a rectangle. `left_width` is the room for y axes that
-- a column of panels shares.
-- @tparam canvas page
-- @tparam table room { x, y, width, height }
-- @tparam number left_width
function panel:draw(page, room, left_width)
  local own_left = self:left_width(page)
  left_width = math.max(left_width, own_left)
  local right = self.z and 8 + 8 + 8 + self.z:text_width(page) + 10 or 6
  local plot = { x = room.x + left_width, width = room.width - left_width - right, y = room.y }
  self.x:place(plot.x, plot.x + plot.width)
  local title_height = self.options.title and 13 or 0
  local notes, note_rows = place_notes(self, page)
  plot.y = room.y + title_height + note_rows * NOTE_ROW + 3
  plot.height = room.y + room.height - plot.y - axes.bottom_height(self.x)
  local function place_y()
    self.y:place(plot.y + plot.height, plot.y)
    if self.z then self.z:place(plot.y + plot.height, plot.y) end
  end
  place_y()
  local place, extra = plan_legend(self, page, plot, room)
  plot.height = plot.height - extra
  self.extra = extra
  place_y()
  draw_plot(self, page, plot)
  axes.draw_bottom(page, self.x, plot.y + plot.height)
  axes.draw_left(page, self.y, plot.x, own_left)
  if self.options.title then
    page:text(plot.x, room.y, self.options.title, { size = 8, weight = "bold", valign = "top" })
  end
  for _, note in ipairs(notes) do
    page:text(note.left, plot.y - 3 - (note.row - 1) * NOTE_ROW, note.text,
      { size = axes.tick_size, color = note.color })
  end
  if self.z then legend.scale(page, self.z, plot.x + plot.width + 8) end
  if place == "below" then
    local top = plot.y + plot.height + axes.bottom_height(self.x) + 6
    legend.series(page, self.labelled, room.x, top, room.width)
  elseif place ~= "none" then
    page:rectangle(place[1], place[2], place[3], place[4], { fill = palette.paper, alpha = 0.8 })
    legend.series(page, self.labelled, place[1] + 3, place[2] + 2)
  end
end

return panel
