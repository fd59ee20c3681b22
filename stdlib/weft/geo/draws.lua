--- Random numbers as other programs draw them, so that their experiments can be set up again:
-- Python's Mersenne Twister and glibc's rand(). weft's own are in weft.random.
-- Whole numbers stay under 2^53, so that both virtual machines compute the same.
-- @module weft.geo.draws

local check = require "weft.check"
local guard = require "weft.guard"

local M = {}

local WORD = 4294967296 -- 2^32

local function xor(a, b)
  local result, bit = 0, 1
  while a > 0 or b > 0 do
    local low_a, low_b = a % 2, b % 2
    if low_a ~= low_b then result = result + bit end
    a, b, bit = (a - low_a) / 2, (b - low_b) / 2, bit * 2
  end
  return result
end

local function band(a, b) return (a + b - xor(a, b)) / 2 end

local function shift_right(a, by) return math.floor(a / 2 ^ by) end

local function shift_left(a, by) return a % 2 ^ (32 - by) * 2 ^ by end

-- a * b modulo 2^32: halves of 16 bits keep each product exact.
local function multiply(a, b)
  local low = b % 65536
  return (a * low + a * ((b - low) / 65536) % 65536 * 65536) % WORD
end

-- Matsumoto and Nishimura, ACM TOMACS 8 (1998), with initialisation by array of 2002.
local N, MIDDLE = 624, 397

local function initialise(seed)
  local state = { [0] = 19650218 }
  for i = 1, N - 1 do
    local before = state[i - 1]
    state[i] = (multiply(1812433253, xor(before, shift_right(before, 30))) + i) % WORD
  end
  local i = 1
  local function step(factor, add)
    local before = state[i - 1]
    local mixed = xor(state[i], multiply(factor, xor(before, shift_right(before, 30))))
    state[i] = (mixed + add) % WORD
    i = i + 1
    if i >= N then state[0], i = state[N - 1], 1 end
  end
  for _ = 1, N do step(1664525, seed) end
  for _ = 1, N - 1 do step(1566083941, WORD - i) end
  state[0] = 2147483648
  return state
end

local function refill(state)
  for i = 0, N - 1 do
    local top = state[i] >= 2147483648 and 2147483648 or 0
    local y = top + state[(i + 1) % N] % 2147483648
    local mixed = xor(state[(i + MIDDLE) % N], (y - y % 2) / 2)
    state[i] = y % 2 == 1 and xor(mixed, 2567483615) or mixed
  end
end

local function temper(y)
  y = xor(y, shift_right(y, 11))
  y = xor(y, band(shift_left(y, 7), 2636928640))
  y = xor(y, band(shift_left(y, 15), 4022730752))
  return xor(y, shift_right(y, 18))
end

--- `random.random()` of Python 2 and 3 after `random.seed(seed)`.
-- @tparam number seed 0 to 2^32 - 1
-- @treturn function gives the next number: 0 to less than 1
function M.python(seed)
  check.value("geo.draws.python: seed", seed, { type = "integer", min = 0, max = WORD - 1 })
  local state, next_word = initialise(seed), N
  local function word()
    if next_word == N then
      refill(state)
      next_word = 0
    end
    next_word = next_word + 1
    return temper(state[next_word - 1])
  end
  return function()
    local high = shift_right(word(), 5)
    return (high * 67108864 + shift_right(word(), 6)) / 9007199254740992
  end
end

--- `rand()` of glibc after `srand(seed)`: its additive feedback generator of 31 words.
-- @tparam number seed 0 to 2^31 - 1; 0 is as 1
-- @treturn function gives the next number: 0 to 2^31 - 1
function M.glibc(seed)
  check.value("geo.draws.glibc: seed", seed, { type = "integer", min = 0, max = 2147483647 })
  local words = { [0] = math.max(seed, 1) }
  for i = 1, 30 do words[i] = 16807 * words[i - 1] % 2147483647 end
  for i = 31, 33 do words[i] = words[i - 31] end
  local count = 34
  local function step()
    local value = (words[count - 31] + words[count - 3]) % WORD
    words[count], words[count - 34] = value, nil
    count = count + 1
    return value
  end
  for _ = 1, 310 do step() end
  return function() return shift_right(step(), 1) end
end

return guard.module("geo.draws", M)
