--- Which options of weft.workload.gpt and weft.workload.moe have no effect beside the others.
-- @module weft.workload.model_effect

local effect = require "weft.effect"
local model = require "weft.workload.model"

local M = {}

-- Each gets the setup of weft.workload.model_options, and says what the option lacks.

local function needs_tp(setup) return setup.options.tp == 1 and "with tp = 1" or nil end

local function needs_dp(setup) return setup.layout.dp == 1 and "with dp = 1" or nil end

local function needs_ep(setup) return setup.layout.ep == 1 and "with ep = 1" or nil end

local function needs_pp(setup) return setup.options.pp == 1 and "with pp = 1" or nil end

local function needs_tp_traffic(wanted)
  return function(setup)
    local traffic = setup.options.tp_traffic
    return needs_tp(setup)
      or traffic ~= wanted and ("with tp_traffic = '%s'"):format(traffic) or nil
  end
end

local function beside_compute(setup) return setup.options.compute and "beside compute" or nil end

local function embedding(setup)
  return needs_pp(setup) or not model.is_tied(setup.shape)
    and "with a block that has an embedding of its own for the output" or nil
end

-- Whether the gradients of a table with two copies are summed.
local function sums_embedding(setup)
  return not embedding(setup) and setup.options.embedding_traffic == "simulate"
end

local function has_rings(setup)
  local o = setup.options
  return setup.layout.dp > 1 or o.tp > 1 and o.tp_traffic == "simulate" or sums_embedding(setup)
end

local NEEDS = {
  gpu = function(setup)
    return beside_compute(setup) or setup.options.flops and "beside flops" or nil
  end,
  flops = beside_compute, mfu = beside_compute,
  recompute = function(setup)
    local o = setup.options
    -- What is computed again is also sent again.
    local is_sent = o.tp > 1 and o.tp_traffic ~= "ignore" or setup.layout.ep > 1
    return o.compute and not (o.recompute == "full" and is_sent) and "beside compute" or nil
  end,
  tp_traffic = needs_tp, tp_algorithm = needs_tp_traffic "simulate",
  tp_rate = needs_tp_traffic "time",
  sequence_parallel = function(setup)
    return needs_tp(setup) or setup.layout.ep == 1 and needs_pp(setup) or nil
  end,
  embedding_traffic = embedding,
  dp_algorithm = needs_dp, zero = needs_dp, overlap = needs_dp,
  bucket = function(setup)
    return needs_dp(setup) or not setup.options.overlap and "with overlap = false" or nil
  end,
  gradient_precision = function(setup)
    local o = setup.options
    if o.gradient_precision == o.precision then return nil end
    return not sums_embedding(setup) and needs_dp(setup) or nil
  end,
  channels = function(setup)
    return not has_rings(setup) and "where nothing is sent in rings" or nil
  end,
  order = function(setup)
    local axes = 0
    for _, axis in ipairs { "tp", "dp", "pp" } do
      if setup.layout[axis] > 1 then axes = axes + 1 end
    end
    return axes < 2 and "where less than two of tp, dp and pp are above 1" or nil
  end,
  scale_bytes = function(setup) return setup.layout.size == 1 and "with one rank" or nil end,
  expert_loads = needs_ep, capacity_factor = needs_ep, ep_algorithm = needs_ep,
}

--- Say what has no effect.
-- @tparam table given options as the script gave them
-- @tparam table rules of weft.check
-- @tparam table setup of weft.workload.model_options
function M.say(given, rules, setup)
  effect.of_work(setup.kind, given, setup.options, rules, NEEDS, setup)
end

return M
