--- What acceleration does (options `memoize` and `fast_forward`; docs/acceleration.md): its report,
-- the spans that it skipped, and memory that is shared between simulations or kept in a file.
-- The methods here are those of simulations.
-- @module weft.acceleration
-- @usage
-- local sim = weft.simulation { topology = fabric, fast_forward = true, memo = "ring.memo" }
-- sim:add_job(job)
-- sim:run()
-- print(sim:acceleration())

local check = require "weft.check"
local fail = require "weft.fail"
local results = require "weft.results"
local stats = require "weft.stats"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local Acceleration = {}
Acceleration.__index = Acceleration

--- Options of weft.simulation that belong here, as rules for weft.check.
M.rules = {
  memo = { type = "any",
    brief = "A file in which transients are kept, or a simulation to copy them from." },
  spans = { type = "integer", min = 1, max = 2 ^ 32 - 1,
    brief = "Keep so many skipped spans at most, for sim:spans()." },
}

--- Whether a simulation may skip anything.
-- @tparam Simulation sim
-- @treturn boolean
function M.is_on(sim)
  local config = sim.core:config()
  return config.memoize or config.fast_forward
end

local function percent_of(part, whole)
  return whole > 0 and 100 * part / whole or 0
end

-- Errors are absolute, so their mean is not below 0; the bias has their signs.
local function tally(flows, mean, deviation, largest, bias)
  local low, high = stats.interval(mean, deviation, flows)
  return {
    flows = flows, mean = mean, low = low and math.max(0, low), high = high, largest = largest,
    bias = flows > 0 and bias or nil,
  }
end

-- What the core says, and what follows from it.
local function read(sim)
  local self, config = sim.core:acceleration(), sim.core:config()
  self.memoize, self.fast_forward = config.memoize, config.fast_forward
  self.audited_part = config.audit
  self.events = sim.core:stats().events
  self.events_skipped_pct = percent_of(self.events_skipped, self.events + self.events_skipped)
  local looked_up = self.hits + self.misses
  self.expected_error_pct = 100 * self.error_estimate
  self.hit_rate = looked_up > 0 and self.hits / looked_up or nil
  self.audit = tally(self.audited, self.audit_mean, self.audit_deviation, self.audit_largest,
    self.audit_bias)
  if self.audited_flows > 0 then
    self.audit.whole = tally(self.audited_flows, self.flows_mean, self.flows_deviation,
      self.flows_largest, self.flows_bias)
  end
  return setmetatable(self, Acceleration)
end

local function percent(value) return units.digits(100 * value, 3) .. " %" end

-- "3 paused, 1 cut", in the order in which the core has them.
local function refusals(self, reasons)
  local parts = {}
  for _, why in ipairs(reasons) do
    if self.refused[why] > 0 then parts[#parts + 1] = ("%d %s"):format(self.refused[why], why) end
  end
  return #parts > 0 and table.concat(parts, ", ") or "nothing"
end

local function audit_text(audit)
  if audit.flows == 0 then return "nothing so far" end
  local interval = audit.low
    and (" (95 %%: %s to %s)"):format(percent(audit.low), percent(audit.high)) or ""
  return ("error of %s: mean %s%s, largest %s, bias %+.3g %%"):format(
    util.counted(audit.flows, "flow"), percent(audit.mean), interval, percent(audit.largest),
    100 * audit.bias)
end

local function audit_lines(audit)
  local lines = { { "audit, spans", audit_text(audit) } }
  if audit.whole then lines[2] = { "audit, flows", audit_text(audit.whole) } end
  if audit.flows == 0 and not audit.whole then lines[1][1] = "audit" end
  return lines
end

local function memory_lines(self)
  local rate = self.hit_rate
    and (" (%s %% known)"):format(units.fixed(100 * self.hit_rate, 1)) or ""
  local chance = self.left_to_chance > 0
    and ("; %d left to chance"):format(self.left_to_chance) or ""
  return {
    { "patterns", ("%s, %s%s; %d waited for another's transient%s"):format(
      util.counted(self.hits, "hit"), util.counted(self.misses, "miss", "misses"), rate,
      self.followers, chance) },
    { "memory", ("%s, %s; %s replayed for interruptions"):format(
      util.counted(self.records, "record"), units.format_bytes(self.memo_bytes),
      util.counted(self.events_replayed, "event")) },
  }
end

local function lines_of(self)
  local method = self.memoize and self.fast_forward and "memoize, fast_forward"
    or self.memoize and "memoize" or "fast_forward"
  local lines = {
    { "acceleration", method },
    { "events", ("%d simulated, %d skipped (%s %%)"):format(self.events, self.events_skipped,
      units.digits(self.events_skipped_pct, 4)) },
    { "spans", ("%s, %s; %d interrupted; %s"):format(
      util.counted(self.steady_spans, "steady state"),
      util.counted(self.memo_spans, "known transient"), self.interruptions,
      util.counted(self.packets_skipped, "packet")) },
    { "partitions", ("%d now, the largest had %s"):format(self.partitions,
      util.counted(self.largest_partition, "flow")) },
    { "their time", ("%s simulated; skipped: %s steady, %s known"):format(
      units.format_time(self.transient_ps), units.format_time(self.steady_ps),
      units.format_time(self.memo_ps)) },
  }
  if self.memoize then
    for _, line in ipairs(memory_lines(self)) do lines[#lines + 1] = line end
  end
  lines[#lines + 1] = { "refused", refusals(self, require("weft.core").constants.refusal) }
  lines[#lines + 1] = { "expected error", percent(self.error_estimate)
    .. " of the rates that skips went by, not of completion times" }
  if self.audited_part > 0 then
    for _, line in ipairs(audit_lines(self.audit)) do lines[#lines + 1] = line end
  end
  return lines
end

--- Text: a line for each thing that one would ask.
function Acceleration:__tostring()
  if not (self.memoize or self.fast_forward) then
    return "acceleration: off; see the options memoize and fast_forward"
  end
  local text = {}
  for i, line in ipairs(lines_of(self)) do text[i] = ("%-16s%s"):format(line[1], line[2]) end
  return table.concat(text, "\n")
end

--- What acceleration has done so far.
-- @treturn Acceleration prints as text. Fields of `weft_acceleration` (core/weft_types.h), among
-- them `events_skipped`, `packets_skipped`, `hits`, `misses`, `followers`, `interruptions`,
-- `left_to_chance`, `transient_ps`, `steady_ps`, `memo_ps`, `error_estimate` (of rates, not of
-- completion times; `expected_error_pct` in per cent); `refused` (how often, by reason);
-- and `events` (simulated), `events_skipped_pct`, `hit_rate` (nil before the first pattern is
-- looked up), `audit` (`{ flows, mean, low, high, largest, bias, whole }`: relative errors of where
-- audited spans put flows, without sign; `low` and `high` are the 95 % confidence interval of the
-- mean, nil for less than two flows; `bias` is the mean with sign, nil for none; `whole` has the
-- same of completion times, nil while no audited flow is over)
function M.acceleration(self) return read(self) end

--- The table of skipped spans: a row for each span of a partition; empty without the option
-- `spans` of weft.simulation, or sim:trace_spans before the run.
function M.spans(self) return results.table(self.core, "spans", self.fabric) end

--- What the partition of a flow does now.
-- @tparam number flow its number, from 0
-- @treturn string "none" (the flow is not active), "transient" (it is simulated), "steady" or
-- "memo" (it is skipped, as a steady state or a known transient)
-- @treturn number since when, ps
function M.flow_phase(self, flow)
  local count = self.core:stats().flows_added
  if type(flow) ~= "number" or flow < 0 or flow >= count or flow % 1 ~= 0 then
    fail.raise("flow_phase: expected the number of a flow below %d, got %s", count,
      fail.show(flow))
  end
  return self.core:flow_phase(util.integer(flow))
end

--- Give a class of simulations these methods.
-- @tparam table class
-- @tparam function call calls the core, and turns what it refuses into an error of the script
function M.install(class, call)
  for _, name in ipairs { "acceleration", "spans", "flow_phase" } do class[name] = M[name] end

  --- Keep skipped spans from now on.
  -- @tparam[opt] number capacity rows at most; default: a million
  function class:trace_spans(capacity)
    local rows = check.value("trace_spans: capacity", capacity or 1000000, M.rules.spans)
    call(self.core, "trace_spans", rows)
    self.is_touched = true
  end

  --- Write what has been memoized to a file, which appears whole or not at all.
  -- @tparam string path
  function class:save_memo(path) call(self.core, "memo_save", path) end

  --- Add what is in such a file, or in another simulation, to what has been memoized.
  -- @param from name of the file, or simulation
  -- @treturn number how many records came; 0 if there is no such file
  function class:load_memo(from)
    self.is_touched = true
    if type(from) == "string" then return call(self.core, "memo_load", from) end
    if getmetatable(from) ~= class then
      fail.raise("load_memo: expected the name of a file or a simulation, got %s", fail.show(from))
    end
    return call(self.core, "memo_copy", from.core)
  end
end

--- Do what the options ask of a new simulation.
-- @tparam Simulation sim
-- @tparam table taken from M.take_options
function M.begin(sim, taken)
  if taken.spans then sim:trace_spans(taken.spans) end
  if not taken.memo then return end
  local is_file = type(taken.memo) == "string"
  -- A file that cannot be written would show at the end of the run, when it is late.
  if is_file then util.check_writable(taken.memo) end
  sim:load_memo(taken.memo)
  if is_file then
    sim.memo = { file = taken.memo, records = sim.core:acceleration().records }
  end
end

--- After a run: the file of the option `memo` gets what is new.
-- @tparam Simulation sim
function M.keep(sim)
  local memo, records = sim.memo, sim.core:acceleration().records
  if not memo or records == memo.records then return end
  sim:save_memo(memo.file)
  memo.records = records
end

--- Take the options that are not the core's out of checked ones.
-- @tparam table config as checked; loses `memo` and `spans`, and gets `memoize`
-- @tparam function is_simulation
-- @treturn table `{ memo, spans }`
function M.take_options(config, is_simulation)
  local taken = { memo = config.memo, spans = config.spans }
  config.memo, config.spans = nil, nil
  local memo = taken.memo
  if memo == nil then return taken end
  if memo == "" or type(memo) ~= "string" and not is_simulation(memo) then
    fail.raise("simulation: option 'memo': expected the name of a file or a simulation, got %s",
      fail.show(memo))
  elseif config.memoize == false then
    fail.raise("simulation: option 'memo' needs memoize, which is false")
  end
  config.memoize = true
  return taken
end

return M
