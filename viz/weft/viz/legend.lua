--- Legends: what the colours, lines and shapes of a picture mean.
local format = require "weft.viz.format"
local palette = require "weft.viz.palette"
local series = require "weft.viz.series"

local legend = {}

local SIZE = 7 -- of texts, points
local ROW = 13 -- height of a line of entries, of a fabric
local LINE = 10 -- the same, of series
local GAP = 14 -- between entries

--- Put entries { width, draw(x, y) } side by side, in as many rows as needed; y is the middle of
-- the first row. Returns the y below the last row.
local function flow(entries, left, right, y)
  local x = left
  for _, entry in ipairs(entries) do
    if x > left and x + entry.width > right then
      x, y = left, y + ROW
    end
    entry.draw(x, y)
    x = x + entry.width + GAP
  end
  return y + ROW / 2
end

--- An entry of a sample (drawn by `sample`, `sample_width` points wide) and a text.
local function entry(page, sample_width, sample, text)
  return {
    width = sample_width + 4 + page:measure(text, SIZE),
    draw = function(x, y)
      sample(x, y)
      page:text(x + sample_width + 4, y, text, { size = SIZE, valign = "middle" })
    end,
  }
end

--- A bar of the sequential map from 0 to `max`, with its title in front and values below.
local function bar_entry(page, bar)
  local title, max = bar.title or "link utilization, busier direction", bar.max
  local text = bar.text or function(value) return format.number(100 * value) .. " %" end
  local title_width, length, height = page:measure(title, SIZE) + 8, 110, 7
  return {
    width = title_width + length + 12,
    draw = function(x, y)
      page:text(x, y, title, { size = SIZE, valign = "middle" })
      local from, steps, thin = x + title_width, 64, { stroke = palette.faint, width = 0.4 }
      for i = 0, steps - 1 do
        -- Each strip reaches under the next, so that no seam shows.
        local width = math.min(2, steps - i) * length / steps
        page:rectangle(from + i * length / steps, y - height / 2, width, height,
          { fill = palette.sequential(i / (steps - 1)) })
      end
      page:rectangle(from, y - height / 2, length, height, thin)
      for _, part in ipairs { 0, 0.5, 1 } do
        local at = from + part * length
        page:line(at, y + height / 2, at, y + height / 2 + 2, thin)
        page:text(at, y + height / 2 + 3.5, text(max * part),
          { size = 6, align = "center", valign = "top" })
      end
    end,
  }
end

--- Legend of a fabric: kinds of nodes, degraded links, colours of links.
-- @tparam canvas page
-- @tparam table key { kinds = { [kind] = true }, degraded, bar = { max = } or nil, colours = { {
-- label =, colour = } } or nil }
-- @tparam number left
-- @tparam number top
-- @tparam table shapes draw_node and stroke_degraded, as in the picture
-- @treturn number y below the legend
function legend.fabric(page, key, left, top, shapes)
  local entries = {}
  local sizes = { host = { 7, 7 }, switch = { 14, 8 }, nvswitch = { 14, 8 } }
  local called = { host = "host", switch = "switch", nvswitch = "NVSwitch" }
  for _, kind in ipairs { "host", "switch", "nvswitch" } do
    local node = { width = sizes[kind][1], height = sizes[kind][2], kind = kind }
    entries[#entries + 1] = key.kinds[kind] and entry(page, node.width, function(x, y)
      node.x, node.y = x + node.width / 2, y
      shapes.draw_node(page, node)
    end, called[kind]) or nil
  end
  if key.degraded then
    entries[#entries + 1] = entry(page, 18, function(x, y)
      shapes.stroke_degraded(page, { x, y, x + 18, y }, {}, palette.sequential(0.7), 1)
    end, "link that is or was bad, with the share of its rate that is left")
  end
  for _, item in ipairs(key.colours or {}) do
    entries[#entries + 1] = entry(page, 16, function(x, y)
      page:line(x, y, x + 16, y, { stroke = item.colour, width = 2 })
    end, item.label)
  end
  local right = page.width - left
  local bottom = flow(entries, left, right, top + ROW / 2)
  if key.bar then
    local bar = bar_entry(page, key.bar)
    bottom = flow({ bar }, left, right, bottom + ROW / 2) + 9
  end
  return bottom
end

--- Columns and their pitch for a legend of series: as many as fit into `width`, or one.
local function grid(page, items, width)
  local widest = 0
  for _, item in ipairs(items) do
    widest = math.max(widest, 22 + page:measure(item.label, SIZE))
  end
  local columns = width and math.max(1, math.floor((width + GAP) / (widest + GAP))) or 1
  return columns, widest
end

--- Width and height of a legend of series, in one column or in rows of `width` at most.
-- @tparam canvas page
-- @tparam table items series that have a label
-- @tparam[opt] number width
function legend.size(page, items, width)
  local columns, widest = grid(page, items, width)
  return columns * (widest + GAP) - GAP, math.ceil(#items / columns) * LINE
end

--- Draw a legend of series from a corner.
function legend.series(page, items, left, top, width)
  local columns, widest = grid(page, items, width)
  for i, item in ipairs(items) do
    local row, column = math.floor((i - 1) / columns), (i - 1) % columns
    local x, y = left + column * (widest + GAP), top + (row + 0.5) * LINE
    series.sample(page, item, x, y)
    page:text(x + 22, y, item.label, { size = SIZE, valign = "middle" })
  end
end

--- A vertical bar of the sequential map beside a heat map, with the ticks of an axis that has its
-- place already, and its label along it.
function legend.scale(page, axis, left)
  local steps, width = 64, 8
  local part = (axis.to - axis.from) / steps
  for i = 0, steps - 1 do
    local reach = math.min(2, steps - i)
    page:rectangle(left, axis.from + part * (i + reach), width, -part * reach,
      { fill = palette.sequential(i / (steps - 1)) })
  end
  local thin = { stroke = palette.faint, width = 0.4 }
  page:rectangle(left, axis.to, width, axis.from - axis.to, thin)
  for _, tick in ipairs(axis.ticks) do
    local y = axis:at(tick)
    page:line(left + width, y, left + width + 2, y, thin)
    page:text(left + width + 4, y, axis:text(tick), { size = 6.5, valign = "middle" })
  end
  page:text(left + width + 8 + axis:text_width(page), (axis.from + axis.to) / 2, axis.label or "",
    { size = 7.5, align = "center", valign = "top", turned = true })
end

return legend
