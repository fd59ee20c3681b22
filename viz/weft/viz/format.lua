--- Numbers as people write them on plots. Text is the same on every Lua.
local units = require "weft.units"

local format = {}

local prefixes = {
  { 1e15, "P" }, { 1e12, "T" }, { 1e9, "G" }, { 1e6, "M" }, { 1e3, "k" }, { 1, "" }, { 1e-3, "m" },
  { 1e-6, "\194\181" }, { 1e-9, "n" }, { 1e-12, "p" },
}

--- Shortest decimal text of a number: "3", "2.5", "0.001", "-1e+20".
function format.number(value)
  if value == 0 then return "0" end -- also of -0
  return ("%.10g"):format(value)
end

--- Scale and SI prefix in which the largest of some values reads well: 1e9, "G" for 4e11.
function format.prefix(largest)
  largest = math.abs(largest)
  for _, entry in ipairs(prefixes) do
    if largest >= entry[1] * (1 - 1e-9) then return entry[1], entry[2] end
  end
  return 1, ""
end

--- A value with SI prefix and unit: "400 Gbit/s", "1.2 ms".
function format.si(value, unit)
  local scale, prefix = format.prefix(value)
  return ("%s %s%s"):format(units.digits(value / scale, 4), prefix, unit)
end

--- Seconds as "1.234 ms".
function format.time(seconds)
  return format.si(seconds, "s")
end

--- "1 host", "2 hosts", "9 switches".
function format.count(n, what)
  if n == 1 then return "1 " .. what end
  return ("%d %s"):format(n, what:match "ch$" and what .. "es" or what .. "s")
end

--- Round fraction at or above a value in 0..1, for the end of a scale: 1 %, 2 %, 5 %, 10 %, ...
function format.bound(fraction)
  for _, bound in ipairs { 0.01, 0.02, 0.05, 0.1, 0.2, 0.5 } do
    if fraction <= bound then return bound end
  end
  return 1
end

return format
