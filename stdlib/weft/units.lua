--- Quantities: parsing through the engine's parser, formatting for people.
-- In Lua a bare number is in SI base units (seconds, bit/s, bytes); text carries its unit ("1us",
-- "400Gbps", "16MiB"). The engine takes integers: picoseconds, bit/s, bytes.
local core = require "weft.core"
local fail = require "weft.fail"
local util = require "weft.util"

local units = {}

local PS_PER_S = 1e12

-- What a value of a unit looks like, for messages.
local EXAMPLES = {
  time = "a time in seconds or text such as '1us'",
  rate = "a rate in bit/s or text such as '100Gbps'",
  bytes = "a size in bytes or text such as '16MiB'",
}

--- Convert to the engine's integer: nil and the reason if that is not possible.
-- @tparam number|string value
-- @tparam string unit "time", "rate" or "bytes"
-- @treturn ?integer
-- @treturn ?string reason
function units.convert(value, unit)
  if type(value) == "string" then
    local number, message = core.parse(value, unit)
    if not number then return nil, message end
    return number
  end
  if type(value) ~= "number" then
    return nil, ("expected %s, got %s"):format(EXAMPLES[unit], fail.show(value))
  end
  if value ~= value or math.abs(value) == math.huge then
    return nil, ("expected %s, got %s"):format(EXAMPLES[unit], tostring(value))
  end
  local scaled = unit == "time" and value * PS_PER_S or value
  local whole = math.floor(scaled + 0.5)
  -- A second has no exact binary fraction, so times round to the nearest picosecond. Rates and
  -- sizes are counts: a fraction is a mistake of the caller.
  if unit ~= "time" and whole ~= value then
    return nil, ("expected a whole number of %s, got %s"):format(
      unit == "rate" and "bit/s" or "bytes", fail.show(value))
  end
  return util.integer(whole)
end

local function convert_or_raise(value, unit, what)
  local number, message = units.convert(value, unit)
  if not number then fail.raise("%s: %s", what or unit, message) end
  return number
end

--- A time in picoseconds. `what` names the value in an error.
function units.time_ps(value, what) return convert_or_raise(value, "time", what) end

--- A rate in bit/s.
function units.rate_bps(value, what) return convert_or_raise(value, "rate", what) end

--- A size in bytes.
function units.bytes(value, what) return convert_or_raise(value, "bytes", what) end

--- Four significant digits, without exponent below a million.
local function short_number(value)
  local text = ("%.4g"):format(value)
  if text:find("e", 1, true) then text = ("%.0f"):format(value) end
  return text
end

--- Format with the largest of `names` (each 1000 times the one before) that keeps the number >= 1.
local function format_scaled(value, names)
  local sign = value < 0 and "-" or ""
  local size, i = math.abs(value), 1
  -- 999.96 would print as 1000 with four digits, so the next unit begins at 999.95.
  while size >= 999.95 and i < #names do
    size, i = size / 1000, i + 1
  end
  return sign .. short_number(size) .. " " .. names[i]
end

local TIME_NAMES = { "ps", "ns", "us", "ms", "s" }
local RATE_NAMES = { "bit/s", "kbit/s", "Mbit/s", "Gbit/s", "Tbit/s" }
local SIZE_NAMES = { "B", "kB", "MB", "GB", "TB", "PB" }
local BINARY_NAMES = { "B", "KiB", "MiB", "GiB", "TiB", "PiB" }

--- "1.234 ms" from picoseconds.
function units.format_time(ps)
  if ps == 0 then return "0 s" end
  return format_scaled(ps, TIME_NAMES)
end

--- "400 Gbit/s" from bit/s. Fabrics speak of 2400 Gbit/s, so terabits begin at 10.
function units.format_rate(bps)
  if math.abs(bps) >= 1e12 and math.abs(bps) < 1e13 then
    return short_number(bps / 1e9) .. " Gbit/s"
  end
  return format_scaled(bps, RATE_NAMES)
end

--- "16 MiB" or "1.5 MiB" where that is exact and shorter than the decimal form, else "1.573 MB".
function units.format_bytes(bytes)
  local size, i = math.abs(bytes), 1
  while size >= 1024 and i < #BINARY_NAMES do
    size, i = size / 1024, i + 1
  end
  local decimal = format_scaled(bytes, SIZE_NAMES)
  local number = short_number(size)
  if i == 1 or tonumber(number) ~= size then return decimal end
  if bytes < 0 then number = "-" .. number end
  if #number >= #decimal:match("^%S+") then return decimal end
  return number .. " " .. BINARY_NAMES[i]
end

-- Exact spellings for files: the largest unit in which the value is a whole number.
local EXACT = {
  rate = { { 1e9, "Gbps" }, { 1e6, "Mbps" }, { 1, "bps" } },
  time = { { 1e9, "ms" }, { 1e3, "ns" }, { 1, "ps" } },
}

--- Text that other simulators read and that parses back to the same value: "400Gbps", "500ns".
-- @tparam integer value bit/s or picoseconds
-- @tparam string unit "rate" or "time"
function units.exact(value, unit)
  for _, choice in ipairs(EXACT[unit]) do
    if value % choice[1] == 0 then return ("%.0f%s"):format(value / choice[1], choice[2]) end
  end
  return ("%.0f%s"):format(value, EXACT[unit][#EXACT[unit]][2])
end

return units
