--- Engines compared: the same scenario run with each, and how far its flows are off.
--
-- Errors are per flow, |time / time of the truth - 1|. The floor is what the truth is off itself
-- when it is run again with something changed that nobody knows of a real fabric: packets depend on
-- details, and no engine can be expected below it.
-- @module weft.compare
-- @usage
-- local compared = weft.compare { engines = { "packet", "ideal" }, function(engine)
--   local sim = weft.simulation { topology = net, engine = engine }
--   sim:add_job(weft.workload.allreduce { size = "1MB" })
--   return sim
-- end }
-- print(compared)

local check = require "weft.check"
local engines = require "weft.engines"
local fail = require "weft.fail"
local guard = require "weft.guard"
local incomplete = require "weft.incomplete"
local random = require "weft.random"
local report = require "weft.report"
local simulation = require "weft.simulation"
local stats = require "weft.stats"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local Comparison = {}
Comparison.__index = Comparison

--- Edges of the classes of sizes, in bytes: those of m4's figures.
M.SIZES = { 1000, 200e3, 1e6 }

-- ---- samples ----------------------------------------------------------------------------------

-- What a flow is known by in another run, where rows may be in another order: flows of a task graph
-- get theirs when they start.
local KEY = { "tag", "task", "src", "dst", "size_bytes" }

local function key_of(flows, i)
  local parts = {}
  for k, name in ipairs(KEY) do parts[k] = ("%.0f"):format(flows[name][i]) end
  return table.concat(parts, " ")
end

local COLUMNS = { "start_ps", "fct_ps", "ideal_ps" }
for _, name in ipairs(KEY) do COLUMNS[#COLUMNS + 1] = name end

-- The flows of a simulation, and when the last of its work was done.
local function collect(sim)
  local flows, all, last = {}, sim:flows(), 0
  for _, name in ipairs(COLUMNS) do flows[name] = all:column(name) end
  for i, fct in ipairs(flows.fct_ps) do
    if fct >= 0 then last = math.max(last, flows.start_ps[i] + fct) end
  end
  for _, job in ipairs(sim.jobs) do
    local result = job:result()
    if result.time_ps then last = math.max(last, (job.started.start_ps or 0) + result.time_ps) end
  end
  flows.completion_ps = last > 0 and util.integer(last) or nil
  return flows
end

local function are_alike(flows, other)
  for _, name in ipairs(KEY) do
    local ours, theirs = flows[name], other[name]
    if #ours ~= #theirs then return false end
    for i = 1, #ours do if ours[i] ~= theirs[i] then return false end end
  end
  return true
end

-- Rows of `other` for those of `flows`, by key; the k-th of a key is the k-th of the other.
local function matching(flows, other)
  local rows, taken, of = {}, {}, {}
  if are_alike(flows, other) then
    for i = 1, #flows.fct_ps do of[i] = i end
    return of
  end
  for i = 1, #other.fct_ps do
    local key = key_of(other, i)
    rows[key] = rows[key] or {}
    table.insert(rows[key], i)
  end
  for i = 1, #flows.fct_ps do
    local key = key_of(flows, i)
    taken[key] = (taken[key] or 0) + 1
    of[i] = rows[key] and rows[key][taken[key]]
  end
  return of
end

-- What an engine made of the flows that the truth has completed.
local function sample_of(word, truth, flows, wall_s)
  local sample = {
    engine = word, wall_s = wall_s, completion_ps = flows.completion_ps, missing = 0,
    size_bytes = {}, truth_ps = {}, fct_ps = {}, ideal_ps = {},
  }
  local of, n = matching(truth, flows), 0
  for i, truth_ps in ipairs(truth.fct_ps) do
    local fct_ps = of[i] and flows.fct_ps[of[i]] or -1
    if truth_ps >= 0 and fct_ps >= 0 then
      n = n + 1
      sample.size_bytes[n], sample.ideal_ps[n] = truth.size_bytes[i], truth.ideal_ps[i]
      sample.truth_ps[n], sample.fct_ps[n] = truth_ps, fct_ps
    elseif truth_ps >= 0 then
      sample.missing = sample.missing + 1
    end
  end
  return sample
end

-- ---- figures ----------------------------------------------------------------------------------

local LISTS = { "size_bytes", "truth_ps", "fct_ps", "ideal_ps" }

local function check_sample(what, sample)
  check.argument(what, sample, "table")
  for _, name in ipairs(LISTS) do
    check.argument(what .. ": " .. name, sample[name], "numbers")
    if #sample[name] ~= #sample.size_bytes then
      fail.raise("%s: %s: expected %d values, as of size_bytes, got %d", what, name,
        #sample.size_bytes, #sample[name])
    end
  end
end

local function errors_of(sample, wanted)
  local errors, bias = {}, 0
  for i, fct_ps in ipairs(sample.fct_ps) do
    if not wanted or wanted(sample.size_bytes[i]) then
      local off = 100 * (fct_ps / sample.truth_ps[i] - 1)
      errors[#errors + 1], bias = math.abs(off), bias + off
    end
  end
  return errors, #errors > 0 and bias / #errors or nil
end

local function slowdown_of(sample, times)
  local list = {}
  for i, ps in ipairs(times) do list[i] = ps / sample.ideal_ps[i] end
  return list
end

--- Errors and slowdowns of an engine over some flows.
-- @tparam table sample lists `size_bytes`, `truth_ps`, `fct_ps`, `ideal_ps`
-- @treturn table `flows`, and if there are any `mean_err_pct`, `p50_err_pct`, `p90_err_pct`,
-- `p99_err_pct` (of |time / truth - 1|), `bias_pct` (its signed mean), `slowdown_p50`,
-- `slowdown_p99`, `p99_slowdown_err_pct` (of the 99th percentile against the truth's)
function M.figures(sample)
  check_sample("compare.figures", sample)
  local errors, bias = errors_of(sample)
  local row = { flows = util.integer(#errors) }
  if #errors == 0 then return row end
  local slowdown = slowdown_of(sample, sample.fct_ps)
  local true_p99 = stats.percentile(slowdown_of(sample, sample.truth_ps), 99)
  row.mean_err_pct, row.bias_pct = stats.mean(errors), bias
  row.p50_err_pct = stats.percentile(errors, 50)
  row.p90_err_pct = stats.percentile(errors, 90)
  row.p99_err_pct = stats.percentile(errors, 99)
  row.slowdown_p50 = stats.percentile(slowdown, 50)
  row.slowdown_p99 = stats.percentile(slowdown, 99)
  row.p99_slowdown_err_pct = 100 * math.abs(row.slowdown_p99 / true_p99 - 1)
  return row
end

-- Classes of sizes: names, and whether a size is in each.
local function classes(edges)
  local list = {}
  for i = 1, #edges + 1 do
    local low, high = edges[i - 1] or 0, edges[i] or math.huge
    local name = high == math.huge and "above " .. units.format_bytes(low)
      or "up to " .. units.format_bytes(high)
    list[i] = { name = name, holds = function(bytes) return bytes > low and bytes <= high end }
  end
  return list
end

--- A row for each engine, and one for the floor.
-- @treturn {table,...} `engine` (the last is "floor"), what M.figures gives, `missing` (flows that
-- the truth has completed and the engine has not), `completion_ps`, `completion_err_pct`, `wall_s`
function Comparison:rows()
  local rows = {}
  for i, sample in ipairs(self.samples) do
    local row = M.figures(sample)
    row.engine, row.wall_s, row.missing = sample.engine, sample.wall_s, sample.missing
    row.completion_ps = sample.completion_ps
    local truth_ps = self.completion_ps
    if truth_ps and row.completion_ps then
      row.completion_err_pct = 100 * math.abs(row.completion_ps / truth_ps - 1)
    end
    rows[i] = row
  end
  return rows
end

--- The errors by size of flow.
-- @treturn {table,...} `engine`, `size` (class), `flows`, `mean_err_pct`, `p90_err_pct`
function Comparison:by_size()
  local rows = {}
  for _, class in ipairs(classes(self.sizes)) do
    for _, sample in ipairs(self.samples) do
      local errors = errors_of(sample, class.holds)
      if #errors > 0 then
        rows[#rows + 1] = {
          engine = sample.engine, size = class.name, flows = util.integer(#errors),
          mean_err_pct = stats.mean(errors), p90_err_pct = stats.percentile(errors, 90),
        }
      end
    end
  end
  return rows
end

--- Errors, flow by flow, and slowdowns: what figures draw.
-- @tparam string engine or "floor"
-- @treturn {number,...} errors in per cent
-- @treturn {number,...} slowdowns
-- @treturn {number,...} slowdowns of the truth
function Comparison:distribution(engine)
  for _, sample in ipairs(self.samples) do
    if sample.engine == engine then
      return errors_of(sample), slowdown_of(sample, sample.fct_ps),
        slowdown_of(sample, sample.truth_ps)
    end
  end
  return fail.raise("compare: distribution: no engine %s here", fail.show(engine))
end

--- What the comparison says of time: where packets are the cheaper way, for example.
-- @treturn {string,...} lines
function Comparison:verdict()
  local lines, packet = {}, nil
  for _, sample in ipairs(self.samples) do
    if sample.engine == "packet" then packet = sample end
  end
  if not (packet and packet.wall_s) then return lines end
  for _, sample in ipairs(self.samples) do
    local wall_s = sample.wall_s
    if wall_s and sample ~= packet and sample.engine ~= "floor" then
      local is_slower = wall_s >= packet.wall_s
      lines[#lines + 1] = is_slower
        and ("packets are the cheaper way here: %s takes %s s, packets %s s"):format(sample.engine,
          units.digits(wall_s, 3), units.digits(packet.wall_s, 3))
        or ("%s is %s times faster than packets"):format(sample.engine,
          units.digits(packet.wall_s / wall_s, 3))
    end
  end
  return lines
end

-- ---- output -----------------------------------------------------------------------------------

local function two_digits(value) return units.fixed(value, 2) end
local function three_digits(value) return units.fixed(value, 3) end

local ROW_COLUMNS = {
  { "engine" }, { "flows" }, { "mean_err_pct", "mean %", two_digits },
  { "p50_err_pct", "p50 %", two_digits }, { "p90_err_pct", "p90 %", two_digits },
  { "p99_err_pct", "p99 %", two_digits }, { "bias_pct", "bias %", two_digits },
  { "slowdown_p50", "slowdown p50", three_digits },
  { "slowdown_p99", "slowdown p99", three_digits },
  { "p99_slowdown_err_pct", "its error %", two_digits },
  { "completion_ps", "completion", units.format_time },
  { "completion_err_pct", "its error %", two_digits }, { "wall_s", "s", three_digits },
}

local SIZE_COLUMNS = {
  { "size" }, { "engine" }, { "flows" }, { "mean_err_pct", "mean %", two_digits },
  { "p90_err_pct", "p90 %", two_digits },
}

--- Print it: for people a table of all flows, one by size and what is to be said; as CSV or JSON
-- the rows alone.
-- @tparam[opt] string format "table" (default), "csv" or "json"
-- @param[opt] file where to; default: standard output
function Comparison:print(format, file)
  local out = report.new(format or "table", file)
  out:table(ROW_COLUMNS, self:rows())
  if out.format ~= "table" then return end
  out:line("")
  out:line("errors per flow against %s, by size of flow", self.truth)
  out:table(SIZE_COLUMNS, self:by_size())
  for _, sample in ipairs(self.samples) do
    if sample.missing > 0 then
      out:line("%s: %s not completed, which %s has", sample.engine,
        util.counted(sample.missing, "flow"), self.truth)
    end
  end
  for _, line in ipairs(self:verdict()) do out:line("%s", line) end
end

function Comparison:__tostring()
  return util.text_of(function(file) self:print("table", file) end)
end

--- Write the rows to a CSV file.
-- @tparam string path
function Comparison:write_csv(path)
  util.write_file(path, function(file) self:print("csv", file) end)
end

--- Write the rows to a JSON file.
-- @tparam string path
function Comparison:write_json(path)
  util.write_file(path, function(file) self:print("json", file) end)
end

-- ---- running ----------------------------------------------------------------------------------

--- A comparison of samples that were made before, of many runs for example.
-- @tparam table given `truth` (word), `samples` (list: `engine`, lists as for M.figures, `wall_s`,
-- `completion_ps`), `completion_ps` (of the truth), `sizes` (edges of classes; default M.SIZES)
-- @treturn Comparison
function M.of(given)
  local o = check.options("compare.of", given, {
    truth = { type = "string", required = true }, samples = { type = "list", required = true },
    completion_ps = { type = "number" }, sizes = { type = "list", default = M.SIZES },
  })
  for i, sample in ipairs(o.samples) do
    check_sample("compare.of: sample " .. i, sample)
    check.argument(("compare.of: engine of sample %d"):format(i), sample.engine, "text")
    sample.missing = sample.missing or 0
  end
  return setmetatable(o, Comparison)
end

local rule = {
  engines = { type = "any", required = true }, run = { type = "any" },
  truth = { type = "string" }, floor = { type = "any", default = true },
  seed = { type = "integer", default = 1, min = 0 },
  sizes = { type = "list", default = M.SIZES },
}

local function read_options(options)
  local listed, named = check.apart("compare", options)
  local o = check.options("compare", named, rule)
  if #listed > 1 or #listed == 1 and o.run then
    fail.raise("compare: expected one function that builds and runs the scenario, got more")
  end
  o.run = o.run or listed[1]
  if type(o.run) ~= "function" then
    fail.raise("compare: expected a function that builds the scenario for an engine, got %s",
      o.run == nil and "none" or fail.show(o.run))
  elseif type(o.floor) ~= "boolean" and type(o.floor) ~= "function" then
    fail.raise("compare: option 'floor': expected true, false or a function, got %s",
      fail.show(o.floor))
  end
  o.engines = engines.list("compare: option 'engines'", o.engines)
  local is_listed = {}
  for _, word in ipairs(o.engines) do is_listed[word] = true end
  o.truth = o.truth or is_listed.packet and "packet" or o.engines[1]
  if not is_listed[o.truth] then
    fail.raise("compare: option 'truth': '%s' is not among the engines, %s", o.truth,
      table.concat(o.engines, ", "))
  end
  for i, edge in ipairs(o.sizes) do
    if type(edge) ~= "number" or edge <= (o.sizes[i - 1] or 0) then
      fail.raise("compare: option 'sizes': expected numbers of bytes that ascend, got %s",
        fail.show(edge))
    end
  end
  return o
end

-- One run: its flows and how long it took on the clock, building included.
local function run_once(f, word)
  local began = util.wall_s()
  local sim = f(word)
  check.argument("compare: what the function returns", sim, "simulation")
  if sim.outcome == nil then sim:run() end
  incomplete.looked(sim.core) -- flows that are not complete are counted
  return collect(sim), util.wall_s() - began, sim.outcome == "interrupted"
end

--- Links longer by up to a nanosecond, each by a draw of its own. A model that counts in ns gets
-- whole ones.
local function longer_links(seed)
  local stream = random.stream(seed, "compare: longer links")
  return function(is_whole)
    local x = stream:uniform()
    return is_whole and 1000 * math.floor(2 * x) or math.floor(1001 * x)
  end
end

--- Run a scenario with several engines.
-- @tparam table options `engines` (list of words, see weft.engines, or text with commas), the
-- function or `run` (gets a word, returns the simulation; one that has not been run is run),
-- `truth` (word; default "packet", or the first), `floor` (true: the truth again, links longer by
-- draws of 0 to 1 ns; false: none; or a function that builds it, and gets the word), `seed` (of
-- the draws), `sizes` (edges of classes of sizes, in bytes)
-- @treturn Comparison `interrupted` is true if Ctrl-C ended it: engines so far are in it
function M.run(options)
  local o = read_options(options)
  local self = setmetatable({ truth = o.truth, sizes = o.sizes, samples = {} }, Comparison)
  local truth, truth_wall, stopped = run_once(o.run, o.truth)
  self.completion_ps, self.interrupted = truth.completion_ps, stopped
  local function add(word, label, f)
    if self.interrupted then return end
    local flows, wall_s, is_stopped = run_once(f, word)
    self.interrupted = is_stopped
    if not is_stopped then
      self.samples[#self.samples + 1] = sample_of(label, truth, flows, wall_s)
    end
  end
  for _, word in ipairs(o.engines) do
    if word == o.truth then
      self.samples[#self.samples + 1] = sample_of(word, truth, truth, truth_wall)
    else
      add(word, word, o.run)
    end
  end
  if o.floor == true then
    add(o.truth, "floor", function(word)
      return simulation.with_longer_links(longer_links(o.seed), o.run, word)
    end)
  elseif o.floor then
    add(o.truth, "floor", o.floor)
  end
  return self
end

--- Whether a value is a comparison.
function M.is(value) return getmetatable(value) == Comparison end

guard.class("comparison", "comparison", Comparison)

return guard.module("compare", M)
