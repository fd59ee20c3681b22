--- Axes: from values to places, with ticks at round numbers and labels with units.
local format = require "weft.viz.format"
local palette = require "weft.viz.palette"

local axes = {}

local axis = {}
axis.__index = axis

local TICK = 3 -- length, points
axes.tick_size, axes.label_size = 6.5, 7.5 -- of texts, points

--- Step between ticks: 1, 2 or 5 times a power of ten, giving at most `most` steps over `span`.
function axes.step(span, most)
  local raw = span / most
  local power = 10 ^ math.floor(math.log(raw) / math.log(10) + 1e-9)
  for _, factor in ipairs { 1, 2, 5, 10 } do
    if factor * power >= raw * (1 - 1e-9) then return factor * power end
  end
end

--- Multiples of the step from min to max, both included where they fit.
local function multiples(min, max, step)
  local result = {}
  for i = math.ceil(min / step - 1e-9), math.floor(max / step + 1e-9) do
    result[#result + 1] = i * step
  end
  return result
end

local function log10(value)
  return math.log(value) / math.log(10)
end

--- Ticks of a logarithmic axis: powers of ten, thinned when there are many; 1, 2, 5 when few.
local function log_ticks(min, max, most)
  local from, to = math.ceil(log10(min) - 1e-9), math.floor(log10(max) + 1e-9)
  local result = {}
  if to - from >= 2 then
    local every = math.ceil((to - from + 1) / most)
    for power = from, to, every do result[#result + 1] = 10 ^ power end
    return result
  end
  for power = math.floor(log10(min)), to do
    for _, factor in ipairs { 1, 2, 5 } do
      local value = factor * 10 ^ power
      if value >= min * (1 - 1e-9) and value <= max * (1 + 1e-9) then
        result[#result + 1] = value
      end
    end
  end
  return result
end

-- The nearest of 1, 2 and 5 times a power of ten that is not above (sign -1) or not below (1).
local function round_log(value, factors, sign)
  local power = 10 ^ math.floor(log10(value) + 1e-9)
  for _, factor in ipairs(factors) do
    if sign * factor * power >= sign * value * (1 - sign * 1e-9) then return factor * power end
  end
end

--- Limits of an axis around data, widened to round numbers; zero is kept in sight of positive data.
local function limits(options, low, high, most)
  local log = options.scale == "log"
  if not low or low > high then low, high = log and 1 or 0, log and 10 or 1 end
  -- As floats: integers of Lua 5.4 would wrap.
  local min, max = (options.min or low) + 0.0, (options.max or high) + 0.0
  if log then
    local is_wide = min > 0 and max / min >= 1000 -- where only powers of ten have ticks
    if not options.min then min = round_log(min, is_wide and { 1 } or { 5, 2, 1 }, -1) end
    if not options.max then max = round_log(max, is_wide and { 1, 10 } or { 1, 2, 5, 10 }, 1) end
    if max <= min then max = min * 10 end
    return min, max
  end
  if not options.min and min >= 0 and min < 0.5 * max then min = 0 end
  if max <= min then max = min + math.max(math.abs(min) * 0.1, options.max and 0 or 1e-12) end
  if max <= min then min = max - 1 end
  if options.tight then return min, max end
  local step = axes.step(max - min, most)
  if not options.min then min = math.floor(min / step + 1e-9) * step end
  -- A hair above a round number does not cost a whole step; plots leave that much room at the rim.
  if not options.max then max = math.ceil(max / step - 0.05) * step end
  return min, max
end

--- New axis.
-- options: label, unit, scale = "linear"|"log", min, max, tight = limits just as the data,
-- categories = names instead of numbers (they stand at 1, 2, ...).
-- @tparam table options
-- @tparam number low smallest value of the data, or nil
-- @tparam number high largest
-- @tparam[opt=6] number most ticks wanted at most
function axes.new(options, low, high, most)
  most = most or 6
  local self = setmetatable({ label = options.label, log = options.scale == "log" }, axis)
  if options.categories then
    self.min, self.max, self.categories = 0.4, #options.categories + 0.6, options.categories
    self.ticks = {}
    for i = 1, #options.categories do self.ticks[i] = i end
    return self
  end
  self.min, self.max = limits(options, low, high, most)
  if self.log then
    self.ticks = log_ticks(self.min, self.max, most)
  else
    self.ticks = multiples(self.min, self.max, axes.step(self.max - self.min, most))
  end
  self.scale = 1
  if options.unit and self.log then
    self.unit = options.unit -- each tick has its own prefix: 10 us, 1 ms
  elseif options.unit then
    local prefix = ""
    if options.unit ~= "%" then
      self.scale, prefix = format.prefix(math.max(math.abs(self.min), math.abs(self.max)))
    end
    local unit = prefix .. options.unit
    self.label = self.label and ("%s (%s)"):format(self.label, unit) or unit
  end
  return self
end

--- Let the axis run from one coordinate to another, in points.
function axis:place(from, to)
  self.from, self.to = from, to
end

--- Coordinate of a value.
function axis:at(value)
  local part
  if self.log then
    if value <= 0 then return self.from end
    part = (log10(value) - log10(self.min)) / (log10(self.max) - log10(self.min))
  else
    part = (value - self.min) / (self.max - self.min)
  end
  -- Far outside the page is outside all the same, and safe to hand to Cairo.
  part = math.max(-50, math.min(50, part))
  return self.from + part * (self.to - self.from)
end

--- Text of a tick.
function axis:text(value)
  if self.categories then return self.categories[value] end
  if self.unit and self.unit ~= "%" then return format.si(value, self.unit) end
  if self.log and value >= 1e4 then
    local scale, prefix = format.prefix(value)
    return format.number(value / scale) .. prefix
  end
  return format.number(value / self.scale)
end

--- Widest tick label.
function axis:text_width(page)
  local widest = 0
  for _, tick in ipairs(self.ticks) do
    widest = math.max(widest, (page:measure(self:text(tick), axes.tick_size)))
  end
  return widest
end

--- Every how manieth tick gets a label, so that neighbours on a horizontal axis stay apart.
local function label_every(self, page)
  if #self.ticks < 2 then return 1 end
  local distance = math.huge
  for i = 2, #self.ticks do
    distance = math.min(distance, math.abs(self:at(self.ticks[i]) - self:at(self.ticks[i - 1])))
  end
  return math.max(1, math.ceil((self:text_width(page) + 5) / distance))
end

--- Height that a horizontal axis needs below the plot.
function axes.bottom_height(self)
  return TICK + 2 + axes.tick_size + (self.label and axes.label_size + 6 or 2)
end

--- Width that a vertical axis needs left of the plot.
function axes.left_width(self, page)
  return TICK + 2 + self:text_width(page) + (self.label and axes.label_size + 7 or 2)
end

local line = { stroke = palette.ink, width = 0.6 }
local grid = { stroke = palette.grid, width = 0.5 }

--- Draw the grid behind a plot.
function axes.draw_grid(page, x, y)
  for _, tick in ipairs(x.categories and {} or x.ticks) do
    page:line(x:at(tick), y.from, x:at(tick), y.to, grid)
  end
  for _, tick in ipairs(y.categories and {} or y.ticks) do
    page:line(x.from, y:at(tick), x.to, y:at(tick), grid)
  end
end

--- Places of the small ticks of a logarithmic axis: 2 to 9 times the powers of ten.
local function minor_ticks(self)
  local result = {}
  if not self.log then return result end
  local from, to = math.floor(log10(self.min) + 1e-9), math.ceil(log10(self.max) - 1e-9)
  for power = from, to - 1 do
    for factor = to - from <= 6 and 2 or 10, to - from <= 6 and 9 or 10 do
      local value = factor * 10 ^ power
      if value > self.min and value < self.max then result[#result + 1] = value end
    end
  end
  return result
end

--- Draw a horizontal axis at height `base`.
function axes.draw_bottom(page, self, base)
  page:line(self.from, base, self.to, base, line)
  local every, middle = label_every(self, page), (self.from + self.to) / 2
  for _, tick in ipairs(minor_ticks(self)) do
    page:line(self:at(tick), base, self:at(tick), base + 0.6 * TICK, line)
  end
  for i, tick in ipairs(self.ticks) do
    local at = self:at(tick)
    if not self.categories then page:line(at, base, at, base + TICK, line) end
    if (i - 1) % every == 0 then
      page:text(at, base + TICK + 2, self:text(tick),
        { size = axes.tick_size, align = "center", valign = "top" })
    end
  end
  if self.label then
    page:text(middle, base + TICK + 2 + axes.tick_size + 4, self.label,
      { size = axes.label_size, align = "center", valign = "top" })
  end
end

--- Draw a vertical axis at `base`; its label stands `width` to the left.
function axes.draw_left(page, self, base, width)
  page:line(base, self.from, base, self.to, line)
  for _, tick in ipairs(minor_ticks(self)) do
    page:line(base - 0.6 * TICK, self:at(tick), base, self:at(tick), line)
  end
  for _, tick in ipairs(self.ticks) do
    local at = self:at(tick)
    if not self.categories then page:line(base - TICK, at, base, at, line) end
    page:text(base - TICK - 2, at, self:text(tick),
      { size = axes.tick_size, align = "right", valign = "middle" })
  end
  if self.label then
    page:text(base - width, (self.from + self.to) / 2, self.label,
      { size = axes.label_size, align = "center", valign = "top", turned = true })
  end
end

return axes
