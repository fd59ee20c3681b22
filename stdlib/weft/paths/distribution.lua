--- Slowdowns of sampled ways as one distribution of the whole network, by size of flow.
--
-- Ways are drawn with the number of their flows as weight, so each drawn way counts alike, whatever
-- it carries: a flow weighs one over the flows of its way, as often as that was drawn.
-- @module weft.paths.distribution

local guard = require "weft.guard"
local random = require "weft.random"
local report = require "weft.report"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

--- Classes of sizes, as m3 has them: by packets and by what a way holds (rate x round trip).
M.BUCKETS = { "up to a packet", "up to BDP", "up to 5 BDP", "larger" }

local ALL = "all"
local RESAMPLES, LOW, HIGH = 200, 0.025, 0.975

local Distribution = {}
Distribution.__index = Distribution

--- The class of a flow.
function M.bucket_of(size_bytes, mtu, bdp)
  if size_bytes <= mtu then return 1 end
  if size_bytes <= bdp then return 2 end
  return size_bytes <= 5 * bdp and 3 or 4
end

--- A distribution.
-- @tparam {table,...} samples each `slowdown`, `bucket`, `size_bytes`, `way` (number of its way)
-- @tparam {[integer]=table} ways by number: `drawn` (how often), `flows` (how many it has)
-- @tparam number seed of the intervals
-- @tparam table more `backend`, `wall_s`, `paths`
function M.new(samples, ways, seed, more)
  table.sort(samples, function(a, b) return a.slowdown < b.slowdown end)
  local self = setmetatable({ samples = samples, ways = ways, seed = seed }, Distribution)
  for name, value in pairs(more) do self[name] = value end -- order-free: a copy
  return self
end

local function in_bucket(sample, bucket) return bucket == nil or sample.bucket == bucket end

-- The smallest slowdown up to which there is that part of the weight; nil without any.
local function quantile(self, part, bucket, drawn)
  local total, sum = 0, 0
  for _, sample in ipairs(self.samples) do
    if in_bucket(sample, bucket) then
      total = total + drawn[sample.way] / self.ways[sample.way].flows
    end
  end
  if total == 0 then return nil end
  for _, sample in ipairs(self.samples) do
    if in_bucket(sample, bucket) then
      sum = sum + drawn[sample.way] / self.ways[sample.way].flows
      if sum >= part * total * (1 - 1e-12) then return sample.slowdown end
    end
  end
  return self.samples[#self.samples].slowdown
end

local function drawn_of(self)
  local drawn, list = {}, {}
  for number in util.sorted_pairs(self.ways) do
    drawn[number] = self.ways[number].drawn
    for _ = 1, drawn[number] do list[#list + 1] = number end
  end
  return drawn, list
end

--- A percentile of slowdown.
-- @tparam number p 0 to 100
-- @tparam[opt] integer bucket 1 to 4, of M.BUCKETS; default: all flows
-- @treturn ?number nil if no flow of the class was sampled
function Distribution:percentile(p, bucket)
  return quantile(self, p / 100, bucket, (drawn_of(self)))
end

--- What sampling leaves open: the percentile over ways drawn anew from those that were drawn
-- (bootstrap), its middle 95 %.
-- @treturn ?number low
-- @treturn ?number high
function Distribution:interval(p, bucket)
  local _, list = drawn_of(self)
  if #list < 2 then return nil end
  local stream, found = random.stream(self.seed, "paths: intervals"), {}
  for _ = 1, RESAMPLES do
    local drawn = {}
    for number in util.sorted_pairs(self.ways) do drawn[number] = 0 end
    for _ = 1, #list do
      local number = list[stream:integer(#list)]
      drawn[number] = drawn[number] + 1
    end
    found[#found + 1] = quantile(self, p / 100, bucket, drawn)
  end
  if #found == 0 then return nil end
  table.sort(found)
  return found[math.max(1, math.ceil(LOW * #found))], found[math.ceil(HIGH * #found)]
end

--- Rows: all flows, and each class of sizes.
-- @treturn {table,...} `size`, `flows` (sampled), `p50`, `p90`, `p99`, `p99_low`, `p99_high`
function Distribution:rows()
  local rows = {}
  for bucket = 0, #M.BUCKETS do
    local only, count = bucket > 0 and bucket or nil, 0
    for _, sample in ipairs(self.samples) do
      if in_bucket(sample, only) then count = count + 1 end
    end
    local row = { size = only and M.BUCKETS[only] or ALL, flows = util.integer(count) }
    if count > 0 then
      for _, p in ipairs { 50, 90, 99 } do row["p" .. p] = self:percentile(p, only) end
      row.p99_low, row.p99_high = self:interval(99, only)
    end
    rows[#rows + 1] = row
  end
  return rows
end

local function three(value) return units.fixed(value, 3) end

local COLUMNS = {
  { "size" }, { "flows" }, { "p50", "slowdown p50", three }, { "p90", "p90", three },
  { "p99", "p99", three }, { "p99_low", "from", three }, { "p99_high", "to", three },
}

--- Print it.
-- @tparam[opt] string format "table" (default), "csv" or "json"
-- @param[opt] file where to; default: standard output
function Distribution:print(format, file)
  local out = report.new(format or "table", file)
  out:table(COLUMNS, self:rows())
  if out.format ~= "table" then return end
  out:line("%s of %s of %s, each with all that shares a link with it, by %s in %s s",
    util.counted(self.drawn, "draw"), util.counted(self.distinct, "way"),
    util.counted(self.all_flows, "flow"), self.backend, units.digits(self.wall_s, 3))
end

function Distribution:__tostring()
  return util.text_of(function(file) self:print("table", file) end)
end

guard.class("distribution", "distribution", Distribution)

return M
