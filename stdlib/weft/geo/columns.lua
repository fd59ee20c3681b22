--- Linear programs with few rows and very many columns: the simplex method in which a function
-- finds the column that enters (Dantzig and Wolfe 1960; Gilmore and Gomory 1961).
--
-- maximise cost . x subject to A x <= rhs, x >= 0, with no right side below 0, so that x = 0 is
-- where it begins. A column is { rows, values, cost }: sparse, rows each once.
-- @module weft.geo.columns

local M = {}

-- A column that gains no more than this, of a cost of 1, does not enter: the value is off by no
-- larger a part.
local GAIN = 1e-9

-- Right sides are larger by up to this, each by another: equal ratios would let the method go
-- round in circles. Prices do not see it, and the value comes from them.
local APART = 1e-6

-- Entries below are rounding.
local PIVOT = 1e-11

local function identity(size)
  local matrix = {}
  for i = 1, size do
    matrix[i] = {}
    for k = 1, size do matrix[i][k] = i == k and 1 or 0 end
  end
  return matrix
end

-- The row that leaves: the least ratio.
local function leaving(levels, entering)
  local best, least
  for i = 1, #levels do
    if entering[i] > PIVOT and (not best or levels[i] / entering[i] < least) then
      best, least = i, levels[i] / entering[i]
    end
  end
  return best
end

local function pivot(inverse, levels, entering, row)
  local scale = 1 / entering[row]
  local pivot_row = inverse[row]
  for k = 1, #levels do pivot_row[k] = pivot_row[k] * scale end
  levels[row] = levels[row] * scale
  for i = 1, #levels do
    local factor = entering[i]
    if i ~= row and factor ~= 0 then
      local line = inverse[i]
      for k = 1, #levels do line[k] = line[k] - factor * pivot_row[k] end
      levels[i] = math.max(levels[i] - factor * levels[row], 0)
    end
  end
end

--- Solve.
-- @tparam {number,...} rhs by row, 0 or more
-- @tparam function best gets the price of each row; gives the column that gains most at these, and
-- its gain: its cost less the price of its entries
-- @tparam ?number pivots at most; default 100000
-- @treturn ?number the largest value; nil if there were too many pivots
-- @treturn {table,...} columns in use, with `level`
-- @treturn {number,...} prices of rows
function M.maximise(rhs, best, pivots)
  local size = #rhs
  local inverse, levels, basis, prices = identity(size), {}, {}, {}
  for i = 1, size do
    levels[i] = rhs[i] + APART * (i * 0.6180339887498949 % 1)
    basis[i] = { rows = {}, values = {}, cost = 0 }
  end
  for _ = 1, pivots or 100000 do
    for k = 1, size do prices[k] = 0 end
    for i = 1, size do
      local cost, line = basis[i].cost, inverse[i]
      if cost ~= 0 then
        for k = 1, size do prices[k] = prices[k] + cost * line[k] end
      end
    end
    -- A row whose price is below 0 takes its slack back.
    local column, gain = best(prices)
    for k = 1, size do
      if -prices[k] > gain then
        column, gain = { rows = { k }, values = { 1 }, cost = 0 }, -prices[k]
      end
    end
    if gain <= GAIN then
      local value, used = 0, {}
      for i = 1, size do
        value = value + prices[i] * rhs[i]
        if levels[i] > 0 then
          basis[i].level = levels[i]
          used[#used + 1] = basis[i]
        end
      end
      return value, used, prices
    end
    local entering = {}
    for i = 1, size do
      local sum, line = 0, inverse[i]
      for n = 1, #column.rows do sum = sum + line[column.rows[n]] * column.values[n] end
      entering[i] = sum
    end
    local row = leaving(levels, entering)
    if not row then return nil end
    pivot(inverse, levels, entering, row)
    basis[row] = column
  end
  return nil
end

return M
