--- Random streams for experiment scripts: the same numbers on every Lua and every machine.
-- The generator is MRG32k3a (L'Ecuyer, Operations Research 47, 1999), whose arithmetic is exact in
-- the 53 bits of a double. A stream is keyed by a seed and a purpose, so that drawing more numbers
-- for one purpose changes nothing elsewhere. The core has streams of its own.
-- @module weft.random
-- @usage local order = weft.random.stream(1, "permutation"):shuffle { "a", "b", "c" }

local check = require "weft.check"
local guard = require "weft.guard"

local M = {}

local M1, M2 = 4294967087, 4294944443

local Stream = {}
Stream.__index = Stream

-- Fold text into the state of a multiplicative generator modulo 2^32; each step stays under 2^49.
local function fold(text, from)
  local state = from
  for i = 1, #text do state = (state * 69069 + text:byte(i) + 1) % 4294967296 end
  return state
end

--- A stream of random numbers.
-- @tparam number seed
-- @tparam string purpose what the numbers are for, such as "start times"
-- @treturn Stream
function M.stream(seed, purpose)
  check.value("random.stream: seed", seed, { type = "number", min = -2 ^ 53, max = 2 ^ 53 })
  check.argument("random.stream: purpose", purpose, "text")
  local key = ("%.0f:%s"):format(seed, purpose)
  local self = setmetatable({}, Stream)
  local state = fold(key, 12345)
  for i = 1, 6 do
    state = fold(key, state + i)
    self[i] = state % (i <= 3 and M1 or M2)
  end
  self[1], self[4] = math.max(self[1], 1), math.max(self[4], 1) -- not all zero
  for _ = 1, 12 do self:uniform() end -- let similar keys part
  return self
end

--- The next number.
-- @treturn number more than 0, less than 1
function Stream:uniform()
  local p1 = (1403580 * self[2] - 810728 * self[1]) % M1
  local p2 = (527612 * self[6] - 1370589 * self[4]) % M2
  self[1], self[2], self[3] = self[2], self[3], p1
  self[4], self[5], self[6] = self[5], self[6], p2
  local difference = p1 - p2
  if difference <= 0 then difference = difference + M1 end
  return difference / (M1 + 1)
end

local uniform = Stream.uniform -- as it is before it is guarded below

--- A whole number.
-- @tparam number n
-- @treturn number 1 to n
function Stream:integer(n)
  check.value("integer", n, { type = "integer", min = 1 })
  return math.floor(uniform(self) * n) + 1
end

--- A number from the exponential distribution: gaps of a Poisson process.
-- @tparam number mean
-- @treturn number
function Stream:exponential(mean)
  check.argument("exponential: mean", mean, "number")
  return -mean * math.log(uniform(self))
end

--- A number from the normal distribution of mean 0 and variance 1 (the polar method of Marsaglia
-- and Bray, SIAM Review 6, 1964, which takes a logarithm and a square root only).
-- @treturn number
function Stream:normal()
  if self.spare then
    local value = self.spare
    self.spare = nil
    return value
  end
  local x, y, square
  repeat
    x, y = 2 * uniform(self) - 1, 2 * uniform(self) - 1
    square = x * x + y * y
  until square < 1 and square > 0
  local factor = math.sqrt(-2 * math.log(square) / square)
  self.spare = y * factor
  return x * factor
end

--- Bring a list into random order, in place (Fisher and Yates).
-- @tparam table list
-- @treturn table the same list
function Stream:shuffle(list)
  check.argument("shuffle", list, "list")
  for i = #list, 2, -1 do
    local j = math.floor(uniform(self) * i) + 1
    list[i], list[j] = list[j], list[i]
  end
  return list
end

--- Some members of a list, in the list's order.
-- @tparam table list
-- @tparam number count at most #list
-- @treturn table
function Stream:sample(list, count)
  check.argument("sample", list, "list")
  check.value("sample: count", count, { type = "integer", min = 0, max = #list })
  local left, chosen = count, {}
  for i = 1, #list do
    if uniform(self) * (#list - i + 1) < left then
      chosen[#chosen + 1] = list[i]
      left = left - 1
    end
  end
  return chosen
end

--- A permutation of 1 to n that leaves nothing in its place.
-- @tparam number n 2 or more
-- @treturn table
function Stream:derangement(n)
  check.value("derangement", n, { type = "integer", min = 2, max = 2 ^ 24 })
  local order = {}
  for i = 1, n do order[i] = i end
  local fixed
  repeat
    self:shuffle(order)
    fixed = false
    for i = 1, n do fixed = fixed or order[i] == i end
  until not fixed
  return order
end

guard.class("stream", "stream of random numbers", Stream)

return guard.module("random", M)
