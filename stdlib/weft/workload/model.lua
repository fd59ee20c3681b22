--- Transformers as numbers: parameters, floating point operations and the size of activations.
--
-- Counts are those of Narayanan et al., "Efficient Large-Scale Language Model Training on GPU
-- Clusters Using Megatron-LM" (SC 2021): with layers l, hidden size h, vocabulary V, sequence s and
-- a batch of B sequences a GPT has 12 l h^2 (1 + 13/(12 h) + (V + s)/(12 l h)) parameters (eq. 2)
-- and takes 72 B s l h^2 (1 + s/(6 h) + V/(12 l h)) operations an iteration (section 5.1, without
-- recomputing). Mixtures of experts hold `experts` inner networks a layer, of which each token
-- passes `top_k` (Lepikhin et al., GShard, ICLR 2021; Fedus et al., Switch, JMLR 2022).
-- @module weft.workload.model

local fail = require "weft.fail"
local util = require "weft.util"

local M = {}

-- A block is what a layer is built of. "gpt": biases, LayerNorm, learned positions, an inner
-- network of two matrices, the output layer is the embedding's table. "llama" (Touvron et al.,
-- 2023): no biases, RMSNorm, rotary positions, a gated inner network of three matrices, an output
-- layer of its own.
local BLOCKS = {
  gpt = { matrices = 2, biases = true, norm = 2, positions = true, tied = true },
  llama = { matrices = 3, biases = false, norm = 1, positions = false, tied = false },
}

--- Dense presets. 7B, 13B and 175B are rows of Brown et al. (GPT-3, 2020), table 2.1; its 6.7B is
-- what goes by the name of 7B. 22B is the model of Korthikanti et al. (2022), table 3. All have
-- the padded vocabulary of Megatron-LM.
M.gpt = {
  ["7B"] = { layers = 32, hidden = 4096, heads = 32 },
  ["13B"] = { layers = 40, hidden = 5120, heads = 40 },
  ["22B"] = { layers = 48, hidden = 6144, heads = 64 },
  ["175B"] = { layers = 96, hidden = 12288, heads = 96 },
}

--- Presets of mixtures. 8x7B is Mixtral (Jiang et al., 2024). The other two are the dense model of
-- that name with its inner network replaced by 8 or 32 of the same size.
M.moe = {
  ["8x7B"] = {
    layers = 32, hidden = 4096, heads = 32, kv_heads = 8, ffn = 14336, vocabulary = 32000,
    sequence = 4096, block = "llama", experts = 8, top_k = 2,
  },
  ["8x13B"] = { layers = 40, hidden = 5120, heads = 40, experts = 8, top_k = 2 },
  ["32x22B"] = { layers = 48, hidden = 6144, heads = 64, experts = 32, top_k = 2 },
}

local SHAPE = {
  "layers", "hidden", "heads", "kv_heads", "ffn", "vocabulary", "sequence", "block", "experts",
  "top_k",
}

local function check_shape(what, model)
  for _, name in ipairs { "layers", "hidden", "heads" } do
    if not model[name] then
      fail.raise("%s: option '%s' is missing; give it, or a 'model'", what, name)
    end
  end
  if model.hidden % model.heads ~= 0 then
    fail.raise("%s: option 'heads': expected a divisor of hidden (%d), got %d", what, model.hidden,
      model.heads)
  elseif model.heads % model.kv_heads ~= 0 then
    fail.raise("%s: option 'kv_heads': expected a divisor of heads (%d), got %d", what,
      model.heads, model.kv_heads)
  elseif model.top_k > model.experts then
    fail.raise("%s: option 'top_k': expected at most experts (%d), got %d", what, model.experts,
      model.top_k)
  end
end

--- The shape of a model: the preset's, where options do not say otherwise.
-- @tparam string what name of the workload, for errors
-- @tparam table options checked
-- @tparam table presets M.gpt or M.moe
-- @treturn table name, layers, hidden, heads, kv_heads, ffn, vocabulary, sequence, block, experts
-- (1: dense), top_k
function M.resolve(what, options, presets)
  local preset = presets[options.model] or {}
  local model = { name = options.model or "own" }
  for _, name in ipairs(SHAPE) do
    model[name] = options[name] or preset[name]
    if options[name] and preset[name] and options[name] ~= preset[name] then
      model.name = options.model .. "*" -- not quite the preset
    end
  end
  model.block = model.block or "gpt"
  model.vocabulary = model.vocabulary or 51200
  model.sequence = model.sequence or 2048
  model.experts, model.top_k = model.experts or 1, model.top_k or 1
  model.kv_heads = model.kv_heads or model.heads
  check_shape(what, model)
  model.ffn = model.ffn or 4 * model.hidden
  return model
end

-- Weights of attention's four projections: queries and output are h x h, keys and values are
-- narrower by kv_heads / heads (Ainslie et al., grouped-query attention, 2023).
local function attention_weights(model)
  local h = model.hidden
  return 2 * h * h + 2 * h * (h * model.kv_heads / model.heads)
end

--- Parameters by where they are.
-- @tparam table model
-- @treturn table `layer` (of a layer without its experts), `expert` (one expert, or the inner
-- network of a dense layer is part of `layer` and this is 0), `embedding` (table and positions),
-- `head` (final norm, and the output layer if it has its own), `total`, and `active` (what a
-- token passes)
function M.parameters(model)
  local block, h, f = BLOCKS[model.block], model.hidden, model.ffn
  local kv = h * model.kv_heads / model.heads
  local inner = block.matrices * h * f + (block.biases and f + h or 0)
  local layer = attention_weights(model) + (block.biases and 2 * h + 2 * kv or 0)
    + 2 * block.norm * h
  local expert = 0
  if model.experts > 1 then
    layer, expert = layer + h * model.experts, inner -- the router is h x experts
  else
    layer = layer + inner
  end
  local embedding = model.vocabulary * h + (block.positions and model.sequence * h or 0)
  local head = block.norm * h + (block.tied and 0 or model.vocabulary * h)
  local rest = embedding + head + model.layers * layer
  return {
    layer = layer, expert = expert, embedding = embedding, head = head,
    total = util.integer(rest + model.layers * model.experts * expert),
    active = util.integer(rest + model.layers * model.top_k * expert),
  }
end

--- Whether the output layer is the embedding's table, so that with a pipeline the first and the
-- last stage hold a copy each and sum its gradients.
function M.is_tied(model) return BLOCKS[model.block].tied end

--- Operations of one forward pass of so many tokens, a multiply and an add counted as two. A
-- backward pass takes twice that.
-- @tparam table model
-- @tparam number tokens
-- @treturn table `layer`, `attention` (the part of it that is softmax(QK)V), `expert` (the part of
-- it that is in experts), `head` (logits)
function M.forward_flops(model, tokens)
  local h = model.hidden
  local inner = model.top_k * BLOCKS[model.block].matrices * h * model.ffn
  local router = model.experts > 1 and h * model.experts or 0
  local attention = 4 * tokens * model.sequence * h
  return {
    layer = 2 * tokens * (attention_weights(model) + inner + router) + attention,
    attention = attention,
    expert = model.experts > 1 and 2 * tokens * inner or 0,
    head = 2 * tokens * h * model.vocabulary,
  }
end

--- Bytes of a number by precision.
M.bytes = { fp32 = 4, bf16 = 2, fp16 = 2 }

-- Peak of dense matrix operations, 1e12/s, of 16 and of 32 bit numbers (TF32 where there is one).
-- From the makers' data sheets of the SXM boards.
local PEAK = {
  V100 = { 125, 15.7 }, A100 = { 312, 156 }, H20 = { 148, 74 }, H100 = { 989, 494 },
  H200 = { 989, 494 }, H800 = { 989, 494 }, B200 = { 2250, 1125 },
}

--- Names of the GPUs whose speed is known.
M.gpus = { "V100", "A100", "H20", "H100", "H200", "H800", "B200" }

--- Peak speed of a GPU, operations a second.
function M.peak_flops(gpu, precision)
  return PEAK[gpu][M.bytes[precision] == 4 and 2 or 1] * 1e12
end

return M
