--- What a simulation does about failures: its methods degrade, fail, repair, storm, slow, inject,
-- failures. All may be called before a run or between two; `at` is then the present or later.
--
-- A target is a link or a node (all of its links): an object of the fabric, a name as "gpu3-leaf3"
-- or "leaf3", a pair `{ "gpu3", "leaf3" }`, or the number of a link.
-- @module weft.failure.methods

local check = require "weft.check"
local fail = require "weft.fail"
local kinds = require "weft.failure.kinds"
local timeline = require "weft.failure.timeline"
local units = require "weft.units"

local M = {}

--- Make links worse: gray failures. `factor` (new rate = factor x rate as built), `loss`
-- (probability), `burst` (Gilbert-Elliott: `{ loss, length }`, means, or `{ p, r, h, k }`), `delay`
-- (added) and `jitter` (each packet up to this much more); what is not given stays as it is.
-- The rate may change over time: `factors` with `every` in steps; `over` gradually, in `steps`;
-- `period`, `duty` (part of it that is bad, default 1/2) and `duration`: flapping, all of it.
-- @param target link or node
-- @tparam table options these, `at` (default: now), `duration` (then as built; default: for good),
-- `direction` (both, a_to_b, b_to_a)
-- @usage sim:degrade("gpu3-leaf3", { at = "2ms", factor = 1 / 4, duration = "1ms" })
function M.degrade(self, target, options) self:apply_failure("degrade", target, options) end

--- Take a link or all links of a node down: what is queued for them or on them is lost. Routes
-- avoid them once that is noticed.
-- @param target link or node
-- @tparam[opt] table options `at`, `direction`, `detect` (from then until routes change, for the
-- way back too; default 0), `duration` (then up again), `period` and `duty` (flapping, for
-- `duration`)
-- @usage sim:fail("spine0", { at = "1ms", detect = "200us" })
function M.fail(self, target, options) self:apply_failure("fail", target, options) end

--- Let rates of links change with time. `by`: "redraw" (uniform among whole Mbit/s from `min` to
-- `max`, each `period`), "ar1" (the logarithm of the rate wanders about that as built: `sigma`,
-- `memory`), "diurnal" (a sine about the rate as built: `depth`, `day`), "trace" (CSV `file` with
-- `at` and mbps, gbps, rate_bps or factor). Each direction of each link has draws of its own.
-- @param target link or node
-- @tparam table options `by` and its own; `period` (180s; of a trace: the most between two rows),
-- `seed` (1), `at`, `duration` (then as built), `direction`, `detect` (of a rate of 0, as of
-- sim:fail)
-- @usage sim:vary("dc1:wan-dc2:wan", { by = "redraw", min = "20Mbps", max = "155Mbps",
--   duration = "1h" })
function M.vary(self, target, options) self:apply_failure("vary", target, options) end

--- Bring a link or all links of a node back to the state in which they were built.
-- @param target link or node
-- @tparam[opt] table options `at`, `direction`, `detect`
function M.repair(self, target, options) self:apply_failure("repair", target, options) end

--- A PFC storm: a host or switch goes on sending pause frames to its neighbours.
-- @param target node
-- @tparam[opt] table options `at`, `duration` (default: for ever), `towards` (only this neighbour;
-- default: all but NVLink), `period` and `pause` (paused for `pause` in each `period`; default:
-- throughout)
-- @usage sim:storm("gpu3", { at = "1ms", duration = "5ms" })
function M.storm(self, target, options) self:apply_failure("storm", target, options) end

--- A straggler: compute tasks that a host begins from then on take `factor` times as long.
-- @param target host
-- @tparam table options `factor`, `at`, `duration`
function M.slow(self, target, options) self:apply_failure("slow", target, options) end

--- Several failures at once: a list of `{ kind, target, ... }`, or the name of a CSV file. All are
-- checked before the first is scheduled.
-- @param list entries as weft.failure.timeline describes them, or a file's name
-- @treturn number how many
-- @usage sim:inject { { kind = "fail", target = "spine0", at = "1ms", duration = "2ms" } }
function M.inject(self, list)
  local plans = timeline.plans(self, list)
  for _, plan in ipairs(plans) do self:apply_plan(plan) end
  return #plans
end

-- Make a change of a plan. The rates that a link may have are the engine's, which knows no factors
-- and names.
local function apply_change(sim, plan, method, change, call)
  local good, err = pcall(sim.core[method], sim.core, change)
  if good then return end
  local least = tostring(err):match "link change: expected a rate of (%d+) to"
  if not least then call(sim.core, method, change) end -- refuses it again
  local link, rate = sim.fabric:link(change.link), change.factor < 1 and math.huge or 0
  for _, from in ipairs { link.a, link.b } do
    local concerned = change.direction ~= (from == link.a and "b_to_a" or "a_to_b")
    local built = link:direction(from).rate_bps
    -- Too low, or too high.
    if concerned and (change.factor < 1) == (built < rate) then rate = built end
  end
  fail.raise("%s: factor %s of link %s: expected a rate of %s to 100 Tbit/s, got %s of its %s",
    plan.kind, fail.show(change.factor), link:name(), units.format_rate(tonumber(least)),
    units.format_rate(change.factor * rate), units.format_rate(rate))
end

-- An entry of sim:failures() prints as a line.
local Announced = {}

function Announced:__tostring()
  local text = ("%s %s %s"):format(units.format_time(self.at_ps), self.kind, self.target)
  return self.detail == "" and text or text .. ": " .. self.detail
end

--- What was announced so far, in the order of its times.
-- @treturn table list of `{ at_ps, kind, target, detail }`, all but the time as text; each prints
-- as a line
function M.failures(self)
  local rows = {}
  for i, row in ipairs(self.announced) do rows[i] = row end
  local order = {}
  for i, row in ipairs(rows) do order[row] = i end
  table.sort(rows, function(a, b)
    if a.at_ps ~= b.at_ps then return a.at_ps < b.at_ps end
    return order[a] < order[b]
  end)
  return rows
end

--- Give a class of simulations these methods.
-- @tparam table class
-- @tparam function call calls the core, and turns what it refuses into an error of the script
function M.install(class, call)
  for _, name in ipairs { "degrade", "fail", "repair", "storm", "slow", "vary", "inject",
    "failures" } do
    class[name] = M[name]
  end
  --- Schedule what a plan of weft.failure.kinds says, and note it for sim:failures().
  -- @local
  function class:apply_plan(plan)
    check.argument("apply_plan", plan, "table")
    check.argument("apply_plan: calls", plan.calls, "list")
    self.is_touched = true
    for _, one in ipairs(plan.calls) do
      apply_change(self, plan, one[1], one[2], call)
      self.changes[#self.changes + 1] = one -- sim:fresh() makes them again
    end
    self.announced[#self.announced + 1] = setmetatable({
      at_ps = plan.at_ps, kind = plan.kind, target = plan.name, detail = plan.detail,
    }, Announced)
  end
  --- One failure by its kind; sim:degrade and the others are this.
  -- @local
  function class:apply_failure(kind, target, options)
    self:apply_plan(kinds.plan(self, kind, target, options))
  end
end

return M
