--- Iterations of training one after the other, chunk by chunk, while rates change. No time for
-- computing unless said.
-- @module weft.geo.training

local awareness = require "weft.geo.awareness"
local check = require "weft.check"
local fail = require "weft.fail"
local fifo = require "weft.geo.fifo"
local guard = require "weft.guard"
local overlays = require "weft.geo.overlay"
local strategies = require "weft.geo.strategies"

local M = {}

local options_rule = {
  strategy = { type = "any", default = "netstorm", brief = "a name, or a table of your own" },
  options = { type = "table", brief = "of the strategy" },
  knows = { type = "enum", choices = { "frozen", "lag1", "oracle", "measured" },
    default = "oracle", brief = "rates that plans are made by: those at the begin of all, of the"
      .. " iteration before, of this one; or what messages have shown" },
  believed = { type = "table", brief = "an overlay of the same links: what is believed before"
    .. " anything is measured; default: the rates at the begin" },
  measure = { type = "table", brief = "options of awareness.estimator" },
  policy = { type = "enum", choices = { "iteration", "chunk" }, default = "iteration",
    brief = "a plan holds for an iteration, as NetStorm's; or each piece gets one as it enters" },
  window = { type = "integer", default = 8, min = 1,
    brief = "pieces under way at once, where each gets its plan" },
  compute_s = { type = "number", default = 0, min = 0,
    brief = "before an iteration's gradients are there" },
  iterations = { type = "integer", min = 1, brief = "at least this many" },
  till = { type = "number", min = 0, brief = "further ones that begin before, in s" },
}

-- What a scheduler believes: an overlay whose rates are replaced by what estimators report.
local function beliefs(trace, given)
  local first = trace:overlay_at(0)
  local overlay, rates, estimators, changed = given.believed or first, {}, {}, false
  for link = 1, first.links do
    if not overlays.is(overlay) or overlay.from[link] ~= first.from[link]
      or overlay.to[link] ~= first.to[link] or overlay.links ~= first.links then
      fail.raise "geo.training: believed: expected an overlay of the same links in the same order"
    end
    local options = { last_mbytes_s = overlay.rate_bps[link] / 8e6 }
    for name, value in pairs(given.measure or {}) do options[name] = value end -- order-free: a copy
    rates[link], estimators[link] = overlay.rate_bps[link], awareness.estimator(options)
  end
  local self = {}
  function self.observe(link, bits, seconds)
    local estimate, reported = estimators[link]:add(bits / 8, seconds)
    if reported then rates[link], changed = estimate * 8e6, true end
  end
  function self.overlay()
    if changed then overlay, changed = overlay:with_rates(rates), false end
    return overlay
  end
  return self
end

--- Iterations under a trace of rates.
-- @tparam Trace trace
-- @tparam {number,...} tensors
-- @tparam ?table options `strategy` and its `options`; `knows`, `believed` and `measure`;
-- `policy`, `window`; `compute_s`; `iterations`, `till`
-- @treturn {table,...} `start_s`, `end_s` and `plan` of each
function M.run(trace, tensors, options)
  local given = check.options("geo.training", options or {}, options_rule)
  local strategy = strategies.get(given.strategy)
  if not strategy.plan then
    fail.raise("geo.training: strategy '%s' makes no plans, and cannot do with changing rates",
      strategy.name)
  end
  local believed = given.knows == "measured" and beliefs(trace, given)
  local plans = {} -- by overlay: rates come back, and most strategies' plans take a while
  local function plan_for(overlay)
    plans[overlay] = plans[overlay] or strategy.plan(overlay, tensors, given.options)
    return plans[overlay]
  end
  local iterations, now, before = {}, 0, 0
  local function plan_at(time)
    if believed then return plan_for(believed.overlay()) end
    local known = given.knows == "frozen" and 0 or given.knows == "lag1" and before or time
    return plan_for(trace:overlay_at(known))
  end
  while #iterations < (given.iterations or 1) or now < (given.till or 0) do
    local plan, by_chunk = plan_at(now), given.policy == "chunk"
    local finished = fifo.run(plan, { at = now + given.compute_s, trace = trace,
      observe = believed and believed.observe or nil,
      window = by_chunk and given.window or nil, replan = by_chunk and plan_at or nil })
    iterations[#iterations + 1] = { start_s = now, end_s = finished, plan = plan }
    before, now = now, finished
  end
  return iterations
end

return guard.module("geo.training", M)
