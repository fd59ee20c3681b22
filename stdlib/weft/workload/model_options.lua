--- Options of weft.workload.gpt and weft.workload.moe, and what follows from them: how many ranks
-- each axis has, how many micro-batches there are, how long a layer takes.
-- @module weft.workload.model_options

local check = require "weft.check"
local effects = require "weft.workload.model_effect"
local fail = require "weft.fail"
local model = require "weft.workload.model"
local parallel = require "weft.workload.parallel"
local units = require "weft.units"

local M = {}

local COUNT_MAX = 2 ^ 20

local function count(default, max)
  return { type = "integer", min = 1, max = max or COUNT_MAX, default = default }
end

local PRECISIONS = { "bf16", "fp16", "fp32" }

local REDUCING = {
  "ring", "bidirectional", "tree", "double_tree", "halving_doubling", "hierarchical",
}

local RULES = {
  layers = count(), hidden = count(), heads = count(), kv_heads = count(), ffn = count(),
  vocabulary = count(), sequence = count(),
  block = { type = "enum", choices = { "gpt", "llama" } },
  precision = { type = "enum", choices = PRECISIONS, default = "bf16" },
  gradient_precision = { type = "enum", choices = PRECISIONS },
  micro_batch = count(1), global_batch = count(),
  tp = count(1), pp = count(1), dp = count(), virtual_stages = count(1),
  order = { type = "string", default = "tp-dp-pp" },
  ranks = { type = "any" },
  zero = { type = "integer", min = 0, max = 3, default = 0 },
  bucket = { type = "bytes", min = 1, default = 25 * 2 ^ 20 },
  overlap = { type = "boolean", default = true },
  sequence_parallel = { type = "boolean", default = true },
  dp_algorithm = { type = "enum", choices = REDUCING, default = "ring" },
  tp_algorithm = { type = "enum", choices = REDUCING, default = "ring" },
  channels = count(nil, 64),
  tp_traffic = { type = "enum", choices = { "simulate", "time", "ignore" }, default = "simulate" },
  embedding_traffic = { type = "enum", choices = { "simulate", "ignore" }, default = "simulate" },
  tp_rate = { type = "rate", min = 1e6, default = 2.4e12 },
  recompute = { type = "enum", choices = { "none", "selective", "full" }, default = "none" },
  gpu = { type = "enum", choices = model.gpus, default = "A100" },
  flops = { type = "number", min = 1e6 },
  mfu = { type = "number", min = 1e-3, max = 1, default = 0.4 },
  compute = { type = "table" },
  optimizer = { type = "time", min = 0, default = 0 },
  slow_gpus = { type = "table", default = {} },
  iterations = count(1, 10000),
  keep_flows = { type = "boolean", default = true },
  granularity = { type = "enum", choices = { "stage", "layer" }, default = "stage" },
  scale_bytes = { type = "number", min = 1e-9, max = 1000, default = 1 },
  scale_compute = { type = "number", min = 0, max = 1000, default = 1 },
  start = { type = "time", min = 0 },
}

local MOE_RULES = {
  experts = count(), top_k = count(), ep = count(1),
  capacity_factor = { type = "number", min = 1e-3, max = 1000, default = 1 },
  expert_loads = { type = "list" },
  ep_algorithm = { type = "enum", choices = { "direct", "pairwise", "hierarchical" },
    default = "direct" },
}

local COMPUTE_RULES = {
  forward = { type = "time", min = 0, required = true },
  backward = { type = "time", min = 0, required = true },
  head_forward = { type = "time", min = 0, default = 0 },
  head_backward = { type = "time", min = 0, default = 0 },
}

-- Names of the presets in the order of their size.
local NAMES = {
  gpt = { "7B", "13B", "22B", "175B" },
  moe = { "8x7B", "8x13B", "32x22B" },
}

local function rules_of(kind)
  local rules = {}
  for name, rule in pairs(RULES) do rules[name] = rule end -- order-free: a copy
  if kind == "moe" then
    for name, rule in pairs(MOE_RULES) do rules[name] = rule end -- order-free: a copy
  end
  rules.model = { type = "enum", choices = NAMES[kind] }
  return rules
end

local function expect_divisor(kind, name, value, of, whole)
  if whole % value == 0 then return end
  fail.raise("%s: option '%s': expected a divisor of %s (%d), got %d", kind, name, of, whole, value)
end

-- Ranks along dp: given, or what the given number of ranks leaves.
local function data_parallel(kind, o)
  local ranks = type(o.ranks) == "table" and #o.ranks or o.ranks
  if ranks == nil then return o.dp or 1 end
  if type(ranks) ~= "number" then
    fail.raise("%s: option 'ranks': expected a list of hosts or a number, got %s", kind,
      fail.show(o.ranks))
  end
  local dp = o.dp or ranks / (o.tp * o.pp)
  if dp < 1 or dp % 1 ~= 0 or dp * o.tp * o.pp ~= ranks then
    fail.raise("%s: option 'ranks': expected %s, got %s", kind, o.dp
      and ("tp x dp x pp (%d)"):format(o.tp * o.dp * o.pp)
      or ("a multiple of tp x pp (%d)"):format(o.tp * o.pp), fail.show(ranks))
  end
  return dp
end

-- Micro-batches of a replica. A global batch of dp x pp micro-batches just fills the pipeline.
local function micro_batches(kind, o, dp)
  local step = dp * o.micro_batch
  local global = o.global_batch or step * o.pp
  if global % step ~= 0 then
    fail.raise("%s: option 'global_batch': expected a multiple of dp x micro_batch (%d), got %d",
      kind, step, global)
  end
  return global / step, global
end

local function check_pipeline(kind, o, shape, m)
  if o.virtual_stages > 1 and o.pp == 1 then
    fail.raise("%s: option 'virtual_stages': expected pp of 2 or more, got 1", kind)
  elseif o.virtual_stages > 1 and m % o.pp ~= 0 then
    fail.raise("%s: option 'virtual_stages': expected a number of micro-batches that pp (%d)"
      .. " divides, got %d", kind, o.pp, m)
  end
  if o.zero > 1 and o.pp > 1 then
    fail.raise("%s: option 'zero': expected 0 or 1 with a pipeline (gradients and parameters that"
      .. " are split would cross the network for every micro-batch), got %d", kind, o.zero)
  end
  local scatters = { ring = true, bidirectional = true, halving_doubling = true }
  if o.zero > 0 and not scatters[o.dp_algorithm] then
    fail.raise("%s: option 'dp_algorithm': expected ring, bidirectional or halving_doubling with"
      .. " ZeRO %d, got '%s'", kind, o.zero, o.dp_algorithm)
  end
  if o.virtual_stages > 1 and shape.layers % (o.pp * o.virtual_stages) ~= 0 then
    fail.raise("%s: option 'virtual_stages': expected pp x virtual_stages (%d) to divide layers"
      .. " (%d)", kind, o.pp * o.virtual_stages, shape.layers)
  end
  expect_divisor(kind, "pp", o.pp, "layers", shape.layers)
end

-- Times of a layer, its part that goes with the load of experts, and the output layer, for one
-- micro-batch on one GPU, in ps.
local function layer_times(kind, o, shape)
  if o.compute then
    local c = check.options(kind .. ": compute", o.compute, COMPUTE_RULES)
    local k = o.scale_compute
    return {
      forward = c.forward * k, backward = c.backward * k, expert_forward = 0, expert_backward = 0,
      head_forward = c.head_forward * k, head_backward = c.head_backward * k,
    }
  end
  local flops = model.forward_flops(shape, o.micro_batch * shape.sequence)
  local peak = o.flops or model.peak_flops(o.gpu, o.precision)
  local ps = 1e12 / (peak * o.mfu * o.tp) * o.scale_compute
  local again = ({ none = 0, selective = flops.attention, full = flops.layer })[o.recompute]
  local twice = o.recompute == "full" and 3 or 2
  return {
    forward = flops.layer * ps, backward = (2 * flops.layer + again) * ps,
    expert_forward = flops.expert * ps, expert_backward = twice * flops.expert * ps,
    head_forward = flops.head * ps, head_backward = 2 * flops.head * ps,
  }
end

-- Sizes and times beyond these are slips, and further on more than the core counts with.
local PARAMETERS_MAX, LAYER_MAX_PS, RANKS_MAX = 1e14, 1e15, 2 ^ 20

local function check_limits(kind, shape, times, layout, m)
  local total = model.parameters(shape).total
  if total > PARAMETERS_MAX then
    fail.raise("%s: expected at most %g parameters, got %g", kind, PARAMETERS_MAX, total)
  elseif layout.size > RANKS_MAX then
    fail.raise("%s: expected at most %d ranks, got tp %d x dp %d x pp %d", kind, RANKS_MAX,
      layout.tp, layout.dp, layout.pp)
  elseif times.backward + times.head_backward > LAYER_MAX_PS then
    fail.raise("%s: expected at most %s for a backward pass of a layer, got %s", kind,
      units.format_time(LAYER_MAX_PS), units.format_time(times.backward + times.head_backward))
  elseif m > RANKS_MAX then
    fail.raise("%s: expected at most %d micro-batches, got %s", kind, RANKS_MAX, fail.show(m))
  end
end

local function check_slow(kind, slow)
  for which, factor in pairs(slow) do -- order-free: each is checked alone
    local good = type(which) == "string" or type(which) == "number"
    if not good or type(factor) ~= "number" or not (factor >= 1e-3 and factor <= 1e6) then
      fail.raise("%s: option 'slow_gpus': expected hosts or ranks and how many times as long they"
        .. " take, 0.001 to 1000000, such as { gpu3 = 1.5 }, got %s = %s", kind, fail.show(which),
        fail.show(factor))
    end
  end
end

-- What part of the tokens each rank of an expert group gets, from 1; nil: the same for all.
local function expert_shares(o, shape)
  local loads = o.expert_loads
  if not loads then return nil end
  local sum, each = 0, shape.experts / o.ep
  for i = 1, math.max(#loads, 1) do
    if type(loads[i]) ~= "number" or not (loads[i] >= 0 and loads[i] <= 1e12) then
      fail.raise("moe: option 'expert_loads': expected tokens of each expert, 0 to 1e12, got %s",
        fail.show(loads[i]))
    end
    sum = sum + loads[i]
  end
  if #loads ~= shape.experts or sum == 0 then
    fail.raise("moe: option 'expert_loads': expected %d numbers, not all 0, got %d", shape.experts,
      #loads)
  end
  local shares = {}
  for e = 1, o.ep do
    shares[e] = 0
    for i = 1, each do shares[e] = shares[e] + loads[(e - 1) * each + i] / sum end
  end
  return shares
end

--- Check options and work out what follows from them.
-- @tparam string kind "gpt" or "moe"
-- @tparam table given
-- @treturn table setup: `options`, `shape` (weft.workload.model), `layout`
-- (weft.workload.parallel), `micro_batches`, `global_batch`, `times` (ps), `expert_shares`
function M.setup(kind, given)
  local rules = rules_of(kind)
  local o = check.options(kind, given, rules)
  if not o.model and not o.layers and not o.hidden then
    fail.raise("%s: expected a 'model' (%s), or 'layers', 'hidden' and 'heads'", kind,
      table.concat(NAMES[kind], ", "))
  end
  local shape = model.resolve(kind, o, model[kind])
  if kind == "moe" then
    if shape.experts < 2 then
      fail.raise("moe: option 'experts': expected at least 2, got %d", shape.experts)
    end
    expect_divisor(kind, "ep", o.ep, "experts", shape.experts)
  end
  expect_divisor(kind, "tp", o.tp, "heads", shape.heads)
  local dp = data_parallel(kind, o)
  local layout = parallel.new(kind, { tp = o.tp, dp = dp, pp = o.pp, ep = o.ep }, o.order)
  local m, global = micro_batches(kind, o, dp)
  check_pipeline(kind, o, shape, m)
  check_slow(kind, o.slow_gpus)
  local times = layer_times(kind, o, shape)
  check_limits(kind, shape, times, layout, m)
  local setup = {
    kind = kind, options = o, shape = shape, layout = layout, micro_batches = m,
    global_batch = global, times = times,
    expert_shares = kind == "moe" and expert_shares(o, shape) or nil,
  }
  effects.say(given, rules, setup)
  return setup
end

return M
