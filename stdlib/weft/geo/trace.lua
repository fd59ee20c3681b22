--- Rates of an overlay's links that change with time: sets that hold from one moment to the next,
-- the last one for ever.
-- @module weft.geo.trace

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local guard = require "weft.guard"
local overlays = require "weft.geo.overlay"
local random = require "weft.random"

local M = {}

local Trace = {}
Trace.__index = Trace

--- A trace.
-- @tparam Overlay overlay whose links they are
-- @tparam {number,...} starts when each set begins, in s: the first at 0, ascending
-- @tparam {table,...} rates of each set by link, in bit/s; 0 is a link that stands still
-- @treturn Trace
function M.new(overlay, starts, rates)
  if not overlays.is(overlay) then
    fail.raise("geo.trace: expected an overlay, got %s", fail.show(overlay))
  end
  check.argument("geo.trace: starts", starts, "numbers")
  check.argument("geo.trace: rates", rates, "list")
  if #starts == 0 or #starts ~= #rates then
    fail.raise("geo.trace: expected as many sets of rates as starts, got %d and %d", #rates,
      #starts)
  end
  for k, start in ipairs(starts) do
    if k == 1 and start ~= 0 or k > 1 and start <= starts[k - 1] then
      fail.raise("geo.trace: set %d: expected a start %s, got %s", k,
        k == 1 and "at 0" or "after " .. fail.show(starts[k - 1]), fail.show(start))
    end
    for link = 1, overlay.links do
      local rate = rates[k][link]
      if type(rate) ~= "number" or not (rate >= 0 and rate < math.huge) then
        fail.raise("geo.trace: set %d: link %s to %s: expected a rate of 0 or more, got %s", k,
          tostring(overlay.names[overlay.from[link]]), tostring(overlay.names[overlay.to[link]]),
          fail.show(rate))
      end
    end
  end
  return setmetatable({ overlay = overlay, starts = starts, rates = rates, at = {} }, Trace)
end

--- The number of the set that holds at a time.
function Trace:set_at(time)
  local low, high = 1, #self.starts
  while low < high do
    local middle = math.floor((low + high + 1) / 2)
    if self.starts[middle] <= time then low = middle else high = middle - 1 end
  end
  return low
end

--- When a link is through with a message that it begins now.
-- @tparam number link
-- @tparam number time in s
-- @tparam number bits
-- @treturn number in s; math.huge if it never is
function Trace:finish(link, time, bits)
  local k = self:set_at(time)
  while true do
    local rate, following = self.rates[k][link], self.starts[k + 1]
    local done = rate > 0 and time + bits / rate or math.huge
    if not following or done <= following then return done end
    bits, time, k = bits - rate * (following - time), following, k + 1
  end
end

-- Routes avoid a link that stands still, unless there is no other.
local STILL_BPS = 1

--- The overlay with the rates of a time.
-- @tparam number time in s
-- @treturn Overlay
function Trace:overlay_at(time)
  local k = self:set_at(time)
  if not self.at[k] then
    local rates = {}
    for link = 1, self.overlay.links do rates[link] = math.max(self.rates[k][link], STILL_BPS) end
    self.at[k] = self.overlay:with_rates(rates)
  end
  return self.at[k]
end

--- When the last set begins to be the last: its start and a period as long as the one before.
-- @treturn number in s
function Trace:covered_s()
  local count = #self.starts
  if count == 1 then return 0 end
  return 2 * self.starts[count] - self.starts[count - 1]
end

--- A trace of rates that never change.
-- @tparam Overlay overlay
-- @treturn Trace
function M.constant(overlay)
  local rates = {}
  for link = 1, overlay.links do rates[link] = overlay.rate_bps[link] end
  return M.new(overlay, { 0 }, { rates })
end

--- The rates of several overlays of the same links, one after the other.
-- @tparam {Overlay,...} list
-- @tparam number period_s how long each holds; the last one holds for ever
-- @treturn Trace
function M.of_overlays(list, period_s)
  check.argument("geo.trace.of_overlays", list, "list")
  check.value("geo.trace.of_overlays: period", period_s, { type = "number", min = 1e-9 })
  local starts, rates = {}, {}
  for k, overlay in ipairs(list) do
    starts[k], rates[k] = (k - 1) * period_s, {}
    for link = 1, list[1].links do
      local from, to = list[1].from[link], list[1].to[link]
      rates[k][link] = overlay.rate_bps[overlay:link(from, to)]
    end
  end
  return M.new(list[1], starts, rates)
end

local synthetic_rule = {
  kind = { type = "enum", choices = { "ar1", "diurnal" }, default = "ar1" },
  period_s = { type = "number", default = 180, min = 1e-9, brief = "how long a set holds" },
  sets = { type = "integer", default = 100, min = 1 },
  seed = { type = "integer", default = 1, min = 0 },
  memory = { type = "number", default = 0.9, min = 0, max = 0.9999,
    brief = "ar1: what is left of a deviation in the next set" },
  sigma = { type = "number", default = 0.5, min = 0,
    brief = "ar1: standard deviation of the rate's natural logarithm" },
  depth = { type = "number", default = 0.5, min = 0, max = 0.9999,
    brief = "diurnal: rates are the overlay's times 1 - depth to 1 + depth" },
  day_s = { type = "number", default = 86400, min = 1e-9 },
}

--- Rates that wander about those of an overlay.
-- @tparam Overlay overlay
-- @tparam ?table options `kind`: "ar1" (the logarithm of each rate is autoregressive of first
-- order) or "diurnal" (each link has a sine of its own phase); `period_s`, `sets`, `seed`; `memory`
-- and `sigma`; `depth` and `day_s`. Last digits of rates may differ between C libraries, which have
-- exp and sin.
-- @treturn Trace
function M.synthetic(overlay, options)
  if not overlays.is(overlay) then
    fail.raise("geo.trace: expected an overlay, got %s", fail.show(overlay))
  end
  local given = check.options("geo.trace.synthetic", options or {}, synthetic_rule)
  local starts, rates = {}, {}
  for k = 1, given.sets do starts[k], rates[k] = (k - 1) * given.period_s, {} end
  for link = 1, overlay.links do
    local stream = random.stream(given.seed, ("rate of link %d"):format(link))
    local state, phase = stream:normal(), stream:uniform()
    for k = 1, given.sets do
      local factor = math.exp(given.sigma * state)
      if given.kind == "diurnal" then
        factor = 1 + given.depth * math.sin(2 * math.pi * (starts[k] / given.day_s + phase))
      end
      rates[k][link] = overlay.rate_bps[link] * factor
      state = given.memory * state + math.sqrt(1 - given.memory ^ 2) * stream:normal()
    end
  end
  return M.new(overlay, starts, rates)
end

-- ---- files ----

local COLUMNS = {
  "scenario", { "period_s", type = "number" }, { "set", type = "integer", min = 0 },
  { "u", type = "integer", min = 1 }, { "v", type = "integer", min = 1 },
  { "mbps", type = "number", min = 0 },
}

-- Rows of one scenario as sets of links; what is wrong is told with its line.
local function add_row(scenario, row, place)
  if scenario.period_s and row.period_s ~= scenario.period_s then
    fail.at(place, "column 'period_s': expected %s as before, got %s",
      fail.show(scenario.period_s), fail.show(row.period_s))
  elseif row.period_s <= 0 then
    fail.at(place, "column 'period_s': expected more than 0, got %s", fail.show(row.period_s))
  end
  scenario.period_s = row.period_s
  local count = #scenario
  if row.set ~= count - 1 and row.set ~= count then
    fail.at(place, "column 'set': expected %s, got %d",
      count == 0 and "0" or ("%d or %d"):format(count - 1, count), row.set)
  end
  if row.set == count then scenario[count + 1] = { place = place } end
  local links = scenario[row.set + 1]
  links[#links + 1] = { row.u, row.v, row.mbps * 1e6, place }
end

-- Rates of a set by link of the first set's overlay.
local function rates_of(overlay, set)
  local rates = {}
  for _, link in ipairs(set) do
    local index = overlay.out[link[1]] and overlay.out[link[1]][link[2]]
    if not index then
      fail.at(link[4], "link %d to %d: not in the first set", link[1], link[2])
    elseif rates[index] then
      fail.at(link[4], "link %d to %d: twice in this set", link[1], link[2])
    end
    rates[index] = link[3]
  end
  for index = 1, overlay.links do
    if not rates[index] then
      fail.at(set.place, "link %d to %d: missing in this set", overlay.from[index],
        overlay.to[index])
    end
  end
  return rates
end

--- All traces of a file with columns scenario, period_s, set, u, v, mbps: set k holds from
-- k times the period.
-- @tparam string path
-- @treturn {table,...} `{ name, trace }` in the file's order
function M.read(path)
  local scenarios, names = {}, {}
  for row, line in csv.rows(path, COLUMNS) do
    if not scenarios[row.scenario] then
      scenarios[row.scenario], names[#names + 1] = {}, row.scenario
    end
    add_row(scenarios[row.scenario], row, ("%s:%d"):format(path, line))
  end
  local traces = {}
  for i, name in ipairs(names) do
    local sets, links = scenarios[name], {}
    for k, link in ipairs(sets[1]) do links[k] = { link[1], link[2], math.max(link[3], 1) } end
    local overlay = fail.blame(sets[1].place, name, overlays.new, { name = name, links = links })
    local starts, rates = {}, {}
    for k, set in ipairs(sets) do
      starts[k], rates[k] = (k - 1) * sets.period_s, rates_of(overlay, set)
    end
    traces[i] = { name = name, trace = M.new(overlay, starts, rates) }
  end
  return traces
end

guard.class("trace", "trace of rates", Trace)

return guard.module("geo.trace", M)
