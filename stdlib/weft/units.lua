--- Quantities: parsing through the core's parser, formatting for people.
-- In Lua a bare number is in SI base units (seconds, bit/s, bytes); text carries its unit ("1us",
-- "400Gbps", "16MiB"). The core takes integers: picoseconds, bit/s, bytes.
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"
local util = require "weft.util"

local units = {}

local PS_PER_S = 1e12

--- Beyond it LuaJIT, whose numbers are doubles, has not every integer: it would silently take
-- another time or size than Lua 5.4. In picoseconds it is 9007 s, two hours and a half.
units.EXACT = 2 ^ 53

local EXACT = units.EXACT

--- It as messages have it.
units.LIMITS = { time = "2^53 ps, 9007 s", rate = "2^53 bit/s", bytes = "2^53 bytes" }

-- What a value of a unit looks like, for messages.
local EXAMPLES = {
  time = "a time in seconds or text such as '1us'",
  rate = "a rate in bit/s or text such as '100Gbps'",
  bytes = "a size in bytes or text such as '16MiB'",
}

--- Convert to the core's integer: nil and the reason if that is not possible.
-- @tparam number|string value
-- @tparam string unit "time", "rate" or "bytes"
-- @treturn ?integer
-- @treturn ?string reason
function units.convert(value, unit)
  if not EXAMPLES[unit] then
    fail.raise("units: expected 'time', 'rate' or 'bytes', got %s", fail.show(unit))
  end
  if type(value) == "string" then
    local number, message = core.parse(value, unit)
    if not number then return nil, message end
    return number
  end
  if type(value) ~= "number" then
    return nil, ("expected %s, got %s"):format(EXAMPLES[unit], fail.show(value))
  end
  if value ~= value or value == math.huge or value == -math.huge then
    return nil, ("expected %s, got %s"):format(EXAMPLES[unit], fail.show(value))
  end
  local scaled = unit == "time" and value * PS_PER_S or value
  if scaled > EXACT or scaled < -EXACT then
    return nil, ("expected at most %s, got %s"):format(units.LIMITS[unit], fail.show(value))
  end
  local whole = scaled % 1 == 0 and scaled or math.floor(scaled + 0.5)
  -- A second has no exact binary fraction, so times round to the nearest picosecond. Rates and
  -- sizes are counts: a fraction is a mistake of the caller.
  if unit ~= "time" and whole ~= value then
    return nil, ("expected a whole number of %s, got %s"):format(
      unit == "rate" and "bit/s" or "bytes", fail.show(value))
  end
  return util.integer(whole)
end

-- A name of a value for messages, if it is given.
local function check_name(what, name)
  if name ~= nil and type(name) ~= "string" then
    fail.raise("%s: expected text as the name of the value, got %s", what, fail.show(name))
  end
end

local function need_text(what, text)
  if type(text) ~= "string" then fail.raise("%s: expected text, got %s", what, fail.show(text)) end
end

local function convert_or_raise(value, unit, what)
  check_name("units", what)
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

--- A whole number in decimal digits, as files have them: the same on both virtual machines.
-- @tparam string text
-- @treturn ?number nil if it is none, or beyond 2^53
function units.whole(text)
  need_text("units.whole", text)
  if not text:find("^%-?%d+$") then return nil end
  if #text < 16 then return util.integer(tonumber(text)) end
  return (core.parse(text, "none"))
end

--- A decimal number. tonumber would also take hexadecimal, and on LuaJIT "inf" and "nan".
-- @tparam string text
-- @treturn ?number finite
function units.decimal(text)
  need_text("units.decimal", text)
  -- LuaJIT takes no exponent of many digits, and Lua 5.4 reads it.
  local mantissa, sign, exponent = text:match "^([%d.]+)[eE]([+-]?)0*(%d+)$"
  if exponent and #exponent > 6 and tonumber(mantissa) then
    if sign ~= "-" and tonumber(mantissa) ~= 0 then return nil end
    return 0
  end
  local value = text:find("^[%d.eE+-]+$") and tonumber(text)
  if not value or value == math.huge or value == -math.huge then return nil end
  -- A long integer of Lua 5.4 as the double that it is on LuaJIT.
  return (value > EXACT or value < -EXACT) and value + 0.0 or value
end

--- A number as units.whole or units.decimal read it: never one that stands for another integer.
-- @tparam string text
-- @treturn ?number
function units.number(text)
  need_text("units.number", text)
  if text:find("^%-?%d+$") then return units.whole(text) end
  return units.decimal(text)
end

--- A number of units as the core's integer, and an error where that would not be exact. All that
-- files and scripts give in a unit of their own is multiplied here: a product of integers would
-- wrap on Lua 5.4, and be another number on LuaJIT.
-- @tparam number value
-- @tparam number per_unit ps, bytes or bit/s
-- @tparam string what "calc", for the message
-- @tparam[opt] string|function place in a file, or what gives it when called with the rest;
-- default: the line of the script
-- @treturn number a whole number, at most 2^53
function units.scaled(value, per_unit, what, place, ...)
  if type(value) ~= "number" or type(per_unit) ~= "number" then
    fail.raise("units.scaled: expected a number and how much a unit is, got %s and %s",
      fail.show(value), fail.show(per_unit))
  end
  check_name("units.scaled", what)
  local product = (value + 0.0) * per_unit
  if product >= -EXACT and product <= EXACT then
    return util.integer(product % 1 == 0 and product or math.floor(product + 0.5))
  end
  if type(place) == "function" then place = place(...) end
  local got = fail.show(value)
  if per_unit ~= 1 then got = ("%s times %s"):format(got, fail.show(per_unit)) end
  local message = ("%s: expected at most 2^53 in the engine's unit, got %s"):format(
    what or "units.scaled", got)
  if place then fail.at(place, "%s", message) end
  return fail.raise("%s", message)
end

local function is_whole(value, least, most)
  return type(value) == "number" and value >= least and value <= most and value % 1 == 0
end

-- A value that lies in the middle between two of so many decimals, moved to the even one: the C
-- library rounds it so, and LuaJIT's own string.format away from 0.
local function off_the_tie(value, decimals)
  local size, scale = math.abs(value), tonumber("1e" .. decimals)
  -- What lies in the middle has at most one binary digit more than decimals.
  if size ~= size or size >= 2 ^ 40 or size * 2 ^ (decimals + 1) % 1 ~= 0 then return value end
  local scaled = size * scale
  if scaled % 1 ~= 0.5 then return value end
  local low = scaled - 0.5
  local even = (low % 2 == 0 and low or low + 1) / scale
  return value < 0 and -even or even
end

--- A number with so many decimals, the same on both virtual machines.
-- @tparam number value
-- @tparam number decimals 0 to 9
-- @treturn string as by string.format's "%.2f"
function units.fixed(value, decimals)
  if type(value) ~= "number" then
    fail.raise("units.fixed: expected a number, got %s", fail.show(value))
  elseif not is_whole(decimals, 0, 9) then
    fail.raise("units.fixed: expected 0 to 9 decimals, got %s", fail.show(decimals))
  end
  return ("%." .. ("%.0f"):format(decimals) .. "f"):format(off_the_tie(value, decimals))
end

--- A number with so many significant digits, the same on both virtual machines.
-- @tparam number value
-- @tparam number digits 1 to 9
-- @treturn string as by string.format's "%.4g"
function units.digits(value, digits)
  if type(value) ~= "number" then
    fail.raise("units.digits: expected a number, got %s", fail.show(value))
  elseif not is_whole(digits, 1, 9) then
    fail.raise("units.digits: expected 1 to 9 digits, got %s", fail.show(digits))
  end
  local decimals, bound = digits - 1, 10
  while decimals > 0 and math.abs(value) >= bound do decimals, bound = decimals - 1, bound * 10 end
  bound = 1
  while decimals < 20 and math.abs(value) < bound do decimals, bound = decimals + 1, bound / 10 end
  return ("%." .. ("%.0f"):format(digits) .. "g"):format(off_the_tie(value, decimals))
end

--- Four significant digits, without exponent below a million.
local function short_number(value)
  local text = units.digits(value, 4)
  if text:find("e", 1, true) then text = ("%.0f"):format(off_the_tie(value, 0)) end
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

local function need_number(value)
  if type(value) == "number" then return end
  fail.raise("units: expected a number, got %s", fail.show(value))
end

--- "1.234 ms" from picoseconds.
function units.format_time(ps)
  need_number(ps)
  if ps == 0 then return "0 s" end
  return format_scaled(ps, TIME_NAMES)
end

--- "400 Gbit/s" from bit/s. Fabrics speak of 2400 Gbit/s, so terabits begin at 10.
function units.format_rate(bps)
  need_number(bps)
  if math.abs(bps) >= 1e12 and math.abs(bps) < 1e13 then
    return short_number(bps / 1e9) .. " Gbit/s"
  end
  return format_scaled(bps, RATE_NAMES)
end

local BANDWIDTH_NAMES = { "B/s", "kB/s", "MB/s", "GB/s" }

--- "8.21 GB/s" from bit/s: the bandwidth of a job, which people count in bytes, with two decimals.
function units.format_bandwidth(bps)
  need_number(bps)
  local size, i = math.abs(bps) / 8, 1
  while size >= 999.995 and i < #BANDWIDTH_NAMES do
    size, i = size / 1000, i + 1
  end
  return ("%s%s %s"):format(bps < 0 and "-" or "", units.fixed(size, 2), BANDWIDTH_NAMES[i])
end

--- "16 MiB" or "1.5 MiB" where that is exact and shorter than the decimal form, else "1.573 MB".
function units.format_bytes(bytes)
  need_number(bytes)
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
local SPELLINGS = {
  rate = { { 1e9, "Gbps" }, { 1e6, "Mbps" }, { 1, "bps" } },
  time = { { 1e9, "ms" }, { 1e3, "ns" }, { 1, "ps" } },
}

--- Text that other simulators read and that parses back to the same value: "400Gbps", "500ns".
-- @tparam integer value bit/s or picoseconds
-- @tparam string unit "rate" or "time"
function units.exact(value, unit)
  need_number(value)
  if not SPELLINGS[unit] then
    fail.raise("units.exact: expected 'rate' or 'time', got %s", fail.show(unit))
  end
  for _, choice in ipairs(SPELLINGS[unit]) do
    if value % choice[1] == 0 then return ("%.0f%s"):format(value / choice[1], choice[2]) end
  end
  return ("%.0f%s"):format(value, SPELLINGS[unit][#SPELLINGS[unit]][2])
end

return guard.module("units", units)
