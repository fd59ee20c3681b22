--- Colours that survive printing in grey and the common kinds of colour blindness.
-- A colour is an array { r, g, b } of 0..1.
local palette = {}

local function hex(text)
  local function channel(i) return tonumber(text:sub(i, i + 1), 16) / 255 end
  return { channel(1), channel(3), channel(5) }
end

palette.ink = hex "222222" -- text and axes
palette.faint = hex "6b6b6b" -- secondary text
palette.grid = hex "e3e3e3"
palette.muted = hex "b4b8bd" -- curves that only give context
palette.paper = hex "ffffff"
palette.span = hex "edede6" -- a stretch of time
-- What acceleration skipped: apart in hue (blue, orange) and in grey.
palette.steady, palette.memo = hex "dcedf8", hex "f8dfb0"
palette.shade, palette.edge = hex "f8f8f8", hex "cccccc" -- boxes behind what belongs together
palette.alarm = hex "d55e00" -- vermillion: kept for what is degraded, or an event

--- Categories (Okabe and Ito, "Color Universal Design", 2008), in the order in which they stay
-- apart best on white. Vermillion is left to palette.alarm; yellow is too light for lines.
palette.categories = {
  hex "0072b2", hex "e69f00", hex "009e73", hex "cc79a7", hex "56b4e9", hex "000000", hex "8c6d31",
}

--- Dashes that go with the categories, so that colour is never the only difference.
palette.dashes = { false, { 5, 2 }, { 1.5, 1.5 }, { 6, 2, 1.5, 2 }, { 9, 2.5 }, { 3, 3 }, { 1, 3 } }

--- Colour and dash of the n-th category; they repeat after 7 and 49.
function palette.category(n)
  local count = #palette.categories
  local round = math.floor((n - 1) / count)
  local dash = palette.dashes[(n - 1 + round) % count + 1]
  return palette.categories[(n - 1) % count + 1], dash or nil
end

-- Stops of the sequential map in OKLCH (Ottosson 2020): lightness falls evenly from pale green to
-- deep blue, so that equal steps of value look equal, also in grey. No stop is near vermillion.
local stops = {
  { 0.91, 0.050, 165 }, { 0.76, 0.100, 190 }, { 0.61, 0.115, 228 }, { 0.46, 0.130, 262 },
  { 0.30, 0.110, 285 },
}

local function gamma(linear)
  local v = math.max(0, math.min(1, linear))
  if v <= 0.0031308 then return 12.92 * v end
  return 1.055 * v ^ (1 / 2.4) - 0.055
end

local function from_oklch(lightness, chroma, degrees)
  local a, b = chroma * math.cos(math.rad(degrees)), chroma * math.sin(math.rad(degrees))
  local l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ^ 3
  local m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ^ 3
  local s = (lightness - 0.0894841775 * a - 1.2914855480 * b) ^ 3
  return {
    gamma(4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s),
    gamma(-1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s),
    gamma(-0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s),
  }
end

--- Sequential map: 0 is light, 1 is dark. Values outside are clamped.
-- @tparam number t
-- @treturn table colour
function palette.sequential(t)
  t = math.max(0, math.min(1, t == t and t or 0))
  local at = t * (#stops - 1)
  local i = math.min(math.floor(at), #stops - 2)
  local from, to, part = stops[i + 1], stops[i + 2], at - i
  return from_oklch(
    from[1] + (to[1] - from[1]) * part,
    from[2] + (to[2] - from[2]) * part,
    from[3] + (to[3] - from[3]) * part)
end

--- Luminance of a colour (gamma ignored): above 0.5 dark text is readable on it, else light text.
function palette.luminance(colour)
  return 0.2126 * colour[1] + 0.7152 * colour[2] + 0.0722 * colour[3]
end

return palette
