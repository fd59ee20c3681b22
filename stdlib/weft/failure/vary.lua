--- Rates of links that change with time: drawn anew each period, wandering, by the time of day, or
-- from a file. What sim:vary comes down to.
-- @module weft.failure.vary

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local random = require "weft.random"
local units = require "weft.units"

local M = {}

local RATE = { type = "rate", min = 1e6, max = 1e14 }
local SPAN = { type = "time", min = 1 }

--- Options besides those of all failures.
M.rule = {
  by = { type = "enum", choices = { "redraw", "ar1", "diurnal", "trace" }, required = true },
  period = SPAN,
  seed = { type = "integer", min = 0, default = 1 },
  min = RATE, max = RATE,
  sigma = { type = "number", min = 0, max = 10 },
  memory = { type = "number", min = 0, max = 0.9999 },
  depth = { type = "number", min = 0, max = 0.9999 },
  day = { type = "number", min = 1e-3, max = 1e9 }, -- in s: longer than the core's times may be
  file = { type = "string" },
}

-- Options of each kind; true: it must be there.
local OF_KIND = {
  redraw = { period = false, duration = true, seed = false, min = true, max = true },
  ar1 = { period = false, duration = true, seed = false, sigma = false, memory = false },
  diurnal = { period = false, duration = true, seed = false, depth = false, day = false },
  trace = { period = false, duration = false, file = true },
}

local function check_by(o)
  local own = OF_KIND[o.by]
  for _, name in ipairs { "duration", "min", "max", "sigma", "memory", "depth", "day", "file" } do
    if own[name] and o[name] == nil then
      fail.raise("vary: by = '%s' needs option '%s'", o.by, name)
    elseif own[name] == nil and o[name] ~= nil then
      fail.raise("vary: by = '%s' has no option '%s'", o.by, name)
    end
  end
  if o.by == "redraw" and o.max < o.min then
    fail.raise("vary: option 'max': expected at least min, %s, got %s", units.format_rate(o.min),
      units.format_rate(o.max))
  end
end

local MBPS, KBPS = 1e6, 1e3

-- Whole kbit/s, so that exp and sin of different C libraries come to the same.
local function whole(rate_bps) return math.floor(rate_bps / KBPS + 0.5) * KBPS end

local DEFAULT_PERIOD_PS, DAY_S = 180e12, 86400

-- Functions that give the rate of the n-th period, from 0, of a direction as built.
local generators = {}

-- Uniform among whole Mbit/s from the least on, as the overlay of NetStorm's evaluation has it.
function generators.redraw(o, stream)
  return function()
    local rate = o.min + math.floor(stream:uniform() * ((o.max - o.min) / MBPS + 1)) * MBPS
    return math.min(rate, o.max)
  end
end

-- The logarithm of the rate over that as built is autoregressive of first order.
function generators.ar1(o, stream, built)
  local sigma, memory = o.sigma or 0.5, o.memory or 0.9
  local state = stream:normal()
  return function()
    local rate = whole(built * math.exp(sigma * state))
    state = memory * state + math.sqrt(1 - memory * memory) * stream:normal()
    return rate
  end
end

-- A sine about the rate as built, each direction with a phase of its own.
function generators.diurnal(o, stream, built)
  local phase, depth = stream:uniform(), o.depth or 0.5
  return function(n)
    local days = n * (o.period or DEFAULT_PERIOD_PS) * 1e-12 / (o.day or DAY_S)
    return whole(built * (1 + depth * math.sin(2 * math.pi * (days + phase))))
  end
end

-- ---- files ----

local COLUMNS = { { "mbps", 1e6 }, { "gbps", 1e9 }, { "rate_bps", 1 }, { "factor" } }

-- A time is a number of seconds, or has a unit.
local function time_of(field)
  local seconds = units.decimal(field)
  if seconds then return math.floor(seconds * 1e12 + 0.5) end
  local good, value = pcall(check.value, "at", field, { type = "time" })
  if good then return value end
  return nil, "expected a time"
end

local function columns_of(found)
  return function(header, place)
    for _, column in ipairs(COLUMNS) do
      for _, name in ipairs(header) do
        if name == column[1] and not found.name then found.name, found.unit = name, column[2] end
      end
    end
    if not found.name then fail.at(place, "expected a column mbps, gbps, rate_bps or factor") end
    return { { "at", type = time_of }, { found.name, type = "number" } }
  end
end

-- Rows of a file: `at_ps`, and `rate_bps` or `factor`. Each is later than the one before, and with
-- `period` no further from it than that.
local function read(path, period_ps)
  local found, list = {}, {}
  for row, line in csv.rows(path, columns_of(found)) do
    local place, before = ("%s:%d"):format(path, line), list[#list]
    local value = row[found.name]
    if row.at < 0 then
      fail.at(place, "column 'at': expected 0 or more, got %s", units.format_time(row.at))
    elseif before and row.at <= before.at_ps then
      fail.at(place, "column 'at': expected more than %s, the row before, got %s",
        units.format_time(before.at_ps), units.format_time(row.at))
    elseif before and period_ps and row.at > before.at_ps + period_ps then
      fail.at(place, "column 'at': a gap: expected at most %s, a period behind the row before, got"
        .. " %s", units.format_time(before.at_ps + period_ps), units.format_time(row.at))
    elseif value < 0 then
      fail.at(place, "column '%s': expected 0 or more, got %s", found.name, fail.show(value))
    end
    list[#list + 1] = { at_ps = row.at, rate_bps = found.unit and value * found.unit,
      factor = not found.unit and value or nil }
  end
  if #list == 0 then fail.at(path, "expected rows, got none") end
  return list
end

-- ---- plans ----

local function series(o, stream, built)
  local list, period = {}, o.period or DEFAULT_PERIOD_PS
  local rate_of = generators[o.by](o, stream, built)
  for n = 0, math.ceil(o.duration / period) - 1 do
    list[n + 1] = { at_ps = n * period, rate_bps = rate_of(n) }
  end
  return list
end

--- Changes of one link.
-- @tparam table o checked options
-- @tparam Link link
-- @tparam function change gets the time since the begin in ps, direction and factor of the rate as
-- built; 0 is a link that is down
function M.link(o, link, change)
  local rows = o.by == "trace" and read(o.file, o.period)
  for _, side in ipairs { { link.a, "a_to_b" }, { link.b, "b_to_a" } } do
    local from, direction = side[1], side[2]
    if o.direction == "both" or o.direction == direction then
      local built = link:direction(from).rate_bps
      local list = rows or series(o,
        random.stream(o.seed, ("rate of %s %s"):format(link:name(), direction)), built)
      for _, row in ipairs(list) do
        if not o.duration or row.at_ps < o.duration then
          change(row.at_ps, direction, row.factor or row.rate_bps / built)
        end
      end
      if o.duration then change(o.duration, direction, 1) end
    end
  end
end

--- Check what rules of single options cannot.
M.check = check_by

return M
