--- Statistics of lists of numbers. No function changes its argument.
-- Percentiles follow one rule, nearest rank: the p-th percentile is the smallest value that at
-- least p percent of the values do not exceed. It is one of the values; nothing is interpolated.
-- @module weft.stats

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

local function sorted(values, what)
  local copy = {}
  for i = 1, #values do
    copy[i] = values[i]
    if copy[i] ~= copy[i] then fail.raise("%s: expected numbers, got nan as number %d", what, i) end
  end
  table.sort(copy)
  return copy
end

local function need_values(values, what)
  check.argument(what, values, "numbers")
  if #values == 0 then fail.raise("%s: expected values, got none", what) end
end

local function at_rank(ascending, p)
  -- The small term keeps rounding in p * n from reaching the next rank: 99.9 of 1000 is 999.
  local rank = math.ceil(p * #ascending / 100 - 1e-9)
  return ascending[math.max(rank, 1)]
end

--- Percentile by nearest rank.
-- @tparam table values
-- @tparam number p 0 (the minimum) to 100 (the maximum)
-- @treturn number
function M.percentile(values, p)
  need_values(values, "percentile")
  if type(p) ~= "number" or not (p >= 0 and p <= 100) then
    fail.raise("percentile: expected 0 to 100, got %s", fail.show(p))
  end
  return at_rank(sorted(values, "percentile"), p)
end

--- Arithmetic mean.
-- @tparam table values
-- @treturn number
function M.mean(values)
  need_values(values, "mean")
  local sum = 0
  for i = 1, #values do sum = sum + values[i] end
  return sum / #values
end

-- Quantiles of Student's t for 0.975, by degrees of freedom.
local STUDENT = {
  12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160,
  2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056,
  2.052, 2.048, 2.045, 2.042,
}

--- The 95 % confidence interval of a mean (Student's t).
-- @tparam number mean of a sample
-- @tparam number deviation its standard deviation
-- @tparam number count of values
-- @treturn ?number lower end; nil for less than two values
-- @treturn ?number upper end
function M.interval(mean, deviation, count)
  check.argument("interval: mean", mean, "number")
  check.argument("interval: deviation", deviation, "number")
  check.value("interval: count", count, { type = "integer", min = 0 })
  if count < 2 then return nil end
  local freedom = count - 1
  -- Beyond the table, the first term of its expansion around the normal quantile.
  local t = STUDENT[freedom] or 1.960 + 2.372 / freedom
  local half = t * deviation / math.sqrt(count)
  return mean - half, mean + half
end

--- Count, mean and the usual percentiles.
-- @tparam table values
-- @treturn table `count, mean, min, p50, p95, p99, max`
function M.summary(values)
  need_values(values, "summary")
  local ascending = sorted(values, "summary")
  return {
    count = #values,
    mean = M.mean(values),
    min = ascending[1],
    p50 = at_rank(ascending, 50),
    p95 = at_rank(ascending, 95),
    p99 = at_rank(ascending, 99),
    max = ascending[#ascending],
  }
end

--- Slowdowns: completion time over the completion time of the same flow alone on its path.
-- Flows that are not done (a completion time below 0) are left out.
-- @tparam table fct completion times
-- @tparam table ideal ideal completion times, in the same unit
-- @treturn table
function M.slowdown(fct, ideal)
  check.argument("slowdown", fct, "numbers")
  check.argument("slowdown", ideal, "numbers")
  if #fct ~= #ideal then
    fail.raise("slowdown: expected lists of one length, got %d and %d", #fct, #ideal)
  end
  local out = {}
  for i = 1, #fct do
    if fct[i] >= 0 then out[#out + 1] = fct[i] / ideal[i] end
  end
  return out
end

--- Empirical distribution: the share of values at most x, for each different value x.
-- @tparam table values
-- @treturn table the different values, ascending
-- @treturn table their shares, the last of them 1
function M.cdf(values)
  check.argument("cdf", values, "numbers")
  local ascending = sorted(values, "cdf")
  local x, share = {}, {}
  for i = 1, #ascending do
    if ascending[i] ~= ascending[i + 1] then
      x[#x + 1] = ascending[i]
      share[#share + 1] = i / #ascending
    end
  end
  return x, share
end

--- Fairness index of Jain, Chiu and Hawe (1984): 1 when all are equal, 1/n when one has all.
-- @tparam table values 0 or more
-- @treturn number
function M.jain(values)
  need_values(values, "jain")
  local sum, squares = 0, 0
  for i = 1, #values do
    sum = sum + values[i]
    squares = squares + values[i] ^ 2
  end
  return squares == 0 and 1 or sum ^ 2 / (#values * squares)
end

--- Means of `width` values in a row each; the last may be of fewer.
-- @tparam table values
-- @tparam number width at least 1
-- @treturn table
function M.rebin(values, width)
  check.argument("rebin", values, "numbers")
  check.value("rebin: width", width, { type = "integer", min = 1 })
  local means = {}
  for first = 1, #values, width do
    local last, sum = math.min(first + width - 1, #values), 0
    for i = first, last do sum = sum + values[i] end
    means[#means + 1] = sum / (last - first + 1)
  end
  return means
end

return guard.module("stats", M)
