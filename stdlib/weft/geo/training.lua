--- Iterations of training one after the other, chunk by chunk, while rates change. No time for
-- computing.
-- @module weft.geo.training

local check = require "weft.check"
local fail = require "weft.fail"
local fifo = require "weft.geo.fifo"
local guard = require "weft.guard"
local strategies = require "weft.geo.strategies"

local M = {}

local options_rule = {
  strategy = { type = "any", default = "netstorm", brief = "a name, or a table of your own" },
  options = { type = "table", brief = "of the strategy" },
  knows = { type = "enum", choices = { "frozen", "lag1", "oracle" }, default = "oracle",
    brief = "rates that plans are made by: those at the begin of all, of the iteration before,"
      .. " of this one" },
  iterations = { type = "integer", min = 1, brief = "at least this many" },
  till = { type = "number", min = 0, brief = "further ones that begin before, in s" },
}

--- Iterations under a trace of rates. A plan holds for its whole iteration.
-- @tparam Trace trace
-- @tparam {number,...} tensors
-- @tparam ?table options `strategy` and its `options`; `knows`; `iterations`, `till`
-- @treturn {table,...} `start_s` and `end_s` of each
function M.run(trace, tensors, options)
  local given = check.options("geo.training", options or {}, options_rule)
  local strategy = strategies.get(given.strategy)
  if not strategy.plan then
    fail.raise("geo.training: strategy '%s' makes no plans, and cannot do with changing rates",
      strategy.name)
  end
  local plans = {} -- by overlay: rates come back, and most strategies' plans take a while
  local function plan_at(time)
    local overlay = trace:overlay_at(time)
    plans[overlay] = plans[overlay] or strategy.plan(overlay, tensors, given.options)
    return plans[overlay]
  end
  local iterations, now, before = {}, 0, 0
  while #iterations < (given.iterations or 1) or now < (given.till or 0) do
    local known = given.knows == "frozen" and 0 or given.knows == "lag1" and before or now
    local finished = fifo.run(plan_at(known), { at = now, trace = trace })
    iterations[#iterations + 1] = { start_s = now, end_s = finished }
    before, now = now, finished
  end
  return iterations
end

return guard.module("geo.training", M)
