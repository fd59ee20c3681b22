--- A page to draw on: shapes and text with a style each, over weft.cairo.
-- Lengths are points (1/72 inch), y grows downwards. A style is a table with `stroke` (colour),
-- `width`, `dash`, `fill` (colour), `alpha`. The page keeps the box of every text that it has drawn
-- (canvas.boxes), so that placement can avoid them and specs can look for overlaps.
local cairo = require "weft.cairo"
local fail = require "weft.fail"
local palette = require "weft.viz.palette"
local units = require "weft.units"

local canvas = {}
canvas.__index = canvas

canvas.inch = 72 -- points

local TEXT_MAX = 1000

--- Raise what weft.cairo returned as an error of the user, without the code in front.
local function user_error(message)
  if message:find("^WEFT_ENOMEM") then fail.broken("%s", (message:gsub("^WEFT_%u+: ", ""))) end
  fail.raise("%s", (message:gsub("^WEFT_%u+: ", "")))
end

--- New page for a file ending in .png, .svg or .pdf.
-- @tparam string file
-- @tparam number width points
-- @tparam number height points
function canvas.new(file, width, height)
  if type(file) ~= "string" then
    fail.raise("picture: expected the name of a file that ends in .png, .svg or .pdf, got %s",
      fail.show(file))
  end
  local surface, message = cairo.create(file, width, height)
  if not surface then user_error(message) end
  surface:line_join "round"
  return setmetatable({
    surface = surface, file = file, width = width, height = height, boxes = {},
  }, canvas)
end

function canvas:__tostring()
  return ("picture %s, %s x %s inches"):format(self.file, units.fixed(self.width / canvas.inch, 1),
    units.fixed(self.height / canvas.inch, 1))
end

--- Draw a page whose height depends on what is on it: once on a page that is thrown away, to learn
-- the height, then on the file's.
-- @tparam string file
-- @tparam number width points
-- @tparam number height_of_trial points
-- @tparam function draw called with the page; returns the height that it wants
-- @treturn canvas the page, finished
function canvas.fit(file, width, height_of_trial, draw)
  local trial = canvas.new(file, width, height_of_trial)
  local ok, height = pcall(draw, trial)
  trial:discard()
  if not ok then error(height, 0) end
  local page = canvas.new(file, width, height)
  draw(page)
  page:finish()
  return page
end

--- Write the file.
function canvas:finish()
  local ok, message = self.surface:finish()
  if not ok then user_error(message) end
end

--- Leave without a file.
function canvas:discard()
  self.surface:discard()
end

local function paint(self, style)
  local surface, alpha = self.surface, style.alpha or 1
  if style.fill then
    local c = style.fill
    surface:rgba(c[1], c[2], c[3], alpha)
    if style.stroke then surface:fill_preserve() else surface:fill() end
  end
  if style.stroke then
    local c = style.stroke
    surface:rgba(c[1], c[2], c[3], alpha)
    surface:line_width(style.width or 1)
    surface:dash(style.dash)
    surface:line_cap(style.cap or "butt")
    surface:stroke()
  end
end

function canvas:line(x1, y1, x2, y2, style)
  self.surface:move_to(x1, y1)
  self.surface:line_to(x2, y2)
  paint(self, style)
end

--- A line through points { x1, y1, x2, y2, ... }; `closed` makes it a polygon.
function canvas:polyline(points, style, closed)
  if #points < 4 then return end
  self.surface:polyline(points)
  if closed then self.surface:close_path() end
  paint(self, style)
end

function canvas:curve(x1, y1, cx1, cy1, cx2, cy2, x2, y2, style)
  self.surface:move_to(x1, y1)
  self.surface:curve_to(cx1, cy1, cx2, cy2, x2, y2)
  paint(self, style)
end

function canvas:circle(x, y, radius, style)
  self.surface:arc(x, y, radius)
  paint(self, style)
end

--- A rectangle, with rounded corners where style.radius is given.
function canvas:rectangle(x, y, width, height, style)
  local surface = self.surface
  local r = math.min(style.radius or 0, width / 2, height / 2)
  if r > 0 then
    local quarter = math.pi / 2
    surface:move_to(x + r, y)
    surface:arc(x + width - r, y + r, r, -quarter, 0)
    surface:arc(x + width - r, y + height - r, r, 0, quarter)
    surface:arc(x + r, y + height - r, r, quarter, 2 * quarter)
    surface:arc(x + r, y + r, r, 2 * quarter, 3 * quarter)
    surface:close_path()
  else
    surface:rectangle(x, y, width, height)
  end
  paint(self, style)
end

--- Draw with `draw` while everything outside the rectangle stays untouched.
function canvas:clipped(x, y, width, height, draw)
  self.surface:save()
  self.surface:rectangle(x, y, width, height)
  self.surface:clip()
  draw()
  self.surface:restore()
end

--- Width of a text, and height of capitals and digits, in points.
function canvas:measure(text, size, weight)
  if #text > TEXT_MAX then
    fail.raise("picture: expected texts of at most %d characters, got %d", TEXT_MAX, #text)
  end
  self.surface:font(size, weight or "normal")
  return (self.surface:text_extents(text)), size * 0.73
end

-- Corner of the text's box by alignment, before rotation.
local shift = { left = 0, center = -0.5, right = -1, top = 0, middle = -0.5, bottom = -1 }

--- Box { x, y, width, height } that a text would fill.
-- style: size, weight, align = "left"|"center"|"right", valign = "top"|"middle"|"bottom",
-- turned = true for text that reads upwards.
function canvas:text_box(x, y, text, style)
  local width, height = self:measure(text, style.size, style.weight)
  local dx, dy = shift[style.align or "left"] * width, shift[style.valign or "bottom"] * height
  if style.turned then
    -- Upwards: along the text is -y, across it is x; "left" starts at y, "top" is at the left.
    return { x + dy, y - dx - width, height, width }
  end
  return { x + dx, y + dy, width, height }
end

--- Draw a text and keep its box. Returns the box.
function canvas:text(x, y, text, style)
  local box = self:text_box(x, y, text, style)
  local surface, c = self.surface, style.color or palette.ink
  surface:font(style.size, style.weight or "normal")
  surface:rgba(c[1], c[2], c[3], style.alpha or 1)
  if style.turned then
    surface:save()
    surface:translate(box[1] + box[3], box[2] + box[4])
    surface:rotate(-math.pi / 2)
    surface:text(0, 0, text)
    surface:restore()
  else
    surface:text(box[1], box[2] + box[4], text)
  end
  box.text = text
  self.boxes[#self.boxes + 1] = box
  return box
end

-- Lines of words that fit into a width, in points; a word alone may be wider, and is cut.
local function lines_of(self, text, style, width)
  local lines, line = {}, nil
  for word in text:gmatch "%S+" do
    local longer = line and line .. " " .. word or word
    if line and self:measure(longer, style.size, style.weight) > width then
      lines[#lines + 1], line = line, word
    else
      line = longer
    end
    while #line > 1 and self:measure(line, style.size, style.weight) > width do
      local n = #line - 1
      while n > 1 and self:measure(line:sub(1, n), style.size, style.weight) > width do
        n = n - 1
      end
      -- Characters of UTF-8 stay whole.
      while n > 1 and line:sub(n + 1, n + 1):find "[\128-\191]" do n = n - 1 end
      lines[#lines + 1], line = line:sub(1, n), line:sub(n + 1)
    end
  end
  if line then lines[#lines + 1] = line end
  return lines
end

--- Draw a text from the left in as many lines as it takes within a width; returns the y below.
function canvas:wrapped(x, y, text, style, width)
  for i, line in ipairs(lines_of(self, text, style, width)) do
    if i > 1 then y = y + 0.5 * style.size end
    local box = self:text(x, y, line, { size = style.size, weight = style.weight,
      color = style.color, valign = "top" })
    y = y + box[4]
  end
  return y
end

--- Do two boxes overlap by more than `slack` points?
function canvas.overlap(a, b, slack)
  slack = slack or 0
  return a[1] + slack < b[1] + b[3] and b[1] + slack < a[1] + a[3]
    and a[2] + slack < b[2] + b[4] and b[2] + slack < a[2] + a[4]
end

--- Does a box stay clear of every text drawn so far?
function canvas:is_free(box)
  for _, other in ipairs(self.boxes) do
    if canvas.overlap(box, other) then return false end
  end
  return true
end

return canvas
