--- Distributions of flow sizes for synthetic traffic. Each has its exact `mean`, from which a load
-- is turned into a rate of arrivals, and `draw(stream)`, which gives a whole number of bytes, at
-- least 1: what was drawn, rounded.
-- @module weft.workload.sizes

local check = require "weft.check"
local fail = require "weft.fail"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local tables = { "websearch", "fbhdp", "alistorage", "googlerpc" }

-- What the core counts exactly on every Lua.
local MOST_BYTES = 2 ^ 53

local function whole(bytes)
  if bytes > MOST_BYTES then
    fail.raise("synthetic: sizes: a flow of %s bytes was drawn, expected at most 2^53; give a 'max'"
      .. " or a smaller mean", fail.show(bytes))
  end
  return util.integer(math.max(1, math.floor(bytes + 0.5)))
end

-- Check points `{ bytes, share }`; shares end at 1 or at 100. `complain(i, text, ...)` raises.
local function check_points(points, complain)
  if #points < 1 then complain(1, "expected points { bytes, percent }, got none") end
  for i, point in ipairs(points) do
    local bytes, share
    if type(point) == "table" then bytes, share = point[1], point[2] end
    if type(bytes) ~= "number" or type(share) ~= "number" or not (bytes >= 0 and share >= 0) then
      complain(i, "expected { bytes, percent }, both 0 or more")
    elseif bytes > MOST_BYTES or share > 100 then
      complain(i, "expected at most 2^53 bytes and 100 percent, got %s, %s", fail.show(bytes),
        fail.show(share))
    end
    local before = points[i - 1]
    if before and (bytes < before[1] or share < before[2]) then
      complain(i, "expected points that ascend, got %s, %s after %s, %s", fail.show(bytes),
        fail.show(share), fail.show(before[1]), fail.show(before[2]))
    end
  end
  local last = points[#points][2]
  if last ~= 100 and last ~= 1 then
    complain(#points, "expected the last point at 100 percent (or at 1), got %s", fail.show(last))
  end
end

-- Points with shares up to 1. What the first point has of its own is as large as it says.
local function tabulated(name, points)
  local scale, size, share = points[#points][2], {}, {}
  local mean = points[1][1] * points[1][2] / scale
  for i, point in ipairs(points) do
    size[i], share[i] = point[1], point[2] / scale
    if i > 1 then mean = mean + (size[i - 1] + size[i]) / 2 * (share[i] - share[i - 1]) end
  end
  -- The size that a share `p` of flows do not exceed, linear between points.
  local function quantile(p)
    if p <= share[1] then return size[1] end
    local low, high = 1, #share -- share[low] < p <= share[high]
    while high - low > 1 do
      local middle = math.floor((low + high) / 2)
      if share[middle] < p then low = middle else high = middle end
    end
    return size[low] + (size[high] - size[low]) * (p - share[low]) / (share[high] - share[low])
  end
  return {
    name = name, mean = mean, quantile = quantile,
    draw = function(stream) return whole(quantile(stream:uniform())) end,
  }
end

local MEAN = { type = "bytes", required = true, min = 1 }

local rules = {
  exponential = { mean = MEAN },
  pareto = {
    mean = MEAN,
    shape = { type = "number", required = true, min = 1.01, max = 100 },
    max = { type = "bytes", min = 1 },
  },
  lognormal = { mean = MEAN, sigma = { type = "number", required = true, min = 0, max = 10 } },
  fixed = { size = MEAN },
}

local make = {}

function make.fixed(o)
  return { mean = o.size, draw = function() return o.size end }
end

function make.exponential(o)
  return {
    mean = o.mean,
    draw = function(stream) return whole(stream:exponential(o.mean)) end,
  }
end

-- P(X > x) = (least / x) ^ shape. Cut at `max`, the mean is that of min(X, max).
function make.pareto(o)
  local least, shape, mean = o.mean * (o.shape - 1) / o.shape, o.shape, o.mean
  if o.max then
    if o.max <= least then
      fail.raise("synthetic: sizes: pareto: expected 'max' above the least size, %.0f, got %s",
        least, fail.show(o.max))
    end
    mean = mean - least * math.exp((shape - 1) * math.log(least / o.max)) / (shape - 1)
  end
  return {
    mean = mean,
    draw = function(stream)
      local bytes = least * math.exp(-math.log(stream:uniform()) / shape)
      return whole(o.max and math.min(bytes, o.max) or bytes)
    end,
  }
end

function make.lognormal(o)
  local mu = math.log(o.mean) - o.sigma * o.sigma / 2
  return {
    mean = o.mean,
    draw = function(stream) return whole(math.exp(mu + o.sigma * stream:normal())) end,
  }
end

-- Lines `bytes percent`, as the HPCC simulator has them.
local function read(path)
  local reader, points, places = text.open(path), {}, {}
  for fields in function() return reader:fields() end do
    local bytes = units.decimal(fields[1])
    local share = bytes and #fields == 2 and units.decimal(fields[2])
    if not share then
      reader:fail("expected 'bytes percent', got %s", reader:shown())
    end
    points[#points + 1] = { bytes, share }
    places[#points] = reader:place()
  end
  reader:close()
  check_points(points, function(i, ...) fail.at(places[i] or path .. ":1", ...) end)
  return tabulated(path, points)
end

local function names()
  local list = {}
  for _, name in ipairs(tables) do list[#list + 1] = name end
  for _, name in ipairs(util.sorted_keys(rules)) do list[#list + 1] = name end
  return list
end

local function parametric(given)
  local kind, options = given.kind, {}
  if kind == nil then
    fail.raise("synthetic: sizes: option 'kind', 'cdf' or 'file' is missing")
  end
  for key, value in pairs(given) do -- order-free: a copy
    if key ~= "kind" then options[key] = value end
  end
  if not rules[kind] then
    fail.raise("synthetic: sizes: got kind %s%s", fail.show(kind),
      fail.hint(tostring(kind), util.sorted_keys(rules)))
  end
  local made = make[kind](check.options("synthetic: sizes: " .. kind, options, rules[kind]))
  made.name = kind
  return made
end

--- A distribution.
-- @tparam string|table given "websearch", "fbhdp", "alistorage" or "googlerpc"
-- (weft.workload.size_tables); `{ cdf = { { bytes, percent }, ... } }` or `{ file = path }` with
-- lines `bytes percent`, linear between points; `{ kind = "exponential", mean }`, `{ kind =
-- "pareto", mean, shape, max }` (larger ones are cut to `max`), `{ kind = "lognormal", mean, sigma
-- }` or `{ kind = "fixed", size }`
-- @treturn table `name`, `mean` (bytes), `draw(stream)`; tabulated ones have `quantile(share)`
function M.new(given)
  if type(given) == "table" then
    if given.cdf == nil and given.file == nil then return parametric(given) end
    local o = check.options("synthetic: sizes", given,
      { cdf = { type = "list" }, file = { type = "string" } })
    if o.cdf and o.file then fail.raise("synthetic: sizes: expected 'cdf' or 'file', got both") end
    if o.file then return read(o.file) end
    check_points(o.cdf, function(i, format, ...)
      fail.raise("synthetic: sizes: point %d of the cdf: %s", i, format:format(...))
    end)
    return tabulated("cdf", o.cdf)
  end
  for _, name in ipairs(tables) do
    if name == given then
      return tabulated(name, require("weft.workload.size_tables")[name])
    end
  end
  if rules[given] then
    fail.raise("synthetic: sizes: '%s' needs its options: { kind = \"%s\", ... }", given, given)
  end
  return fail.raise("synthetic: sizes: got %s%s", fail.show(given),
    fail.hint(tostring(given), names()))
end

return M
