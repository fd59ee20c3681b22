--- Workload files of SimAI, as AICB writes them:
--
--   HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 8 ep: 1 pp: 1 vpp: 1 ga: 1
--     all_gpus: 32 checkpoints: 0 checkpoint_initiates: 0        (all of this on one line)
--   1
--   attention -1 1750 ALLGATHER 4096 875 REDUCESCATTER 4096 875 NONE 0 100
--
-- A line is a layer: its name, a dependency that nobody uses, then for the forward pass, the
-- gradient of the input and the gradient of the weights each a time to compute (ns), a collective
-- and its size (bytes), and last the time to update after a collective (ns). A collective is among
-- the tensor parallel ranks (forward, input) or the data parallel ones (weights); with _EP behind
-- its name among the expert parallel ranks, with _DP_EP among the data parallel ones of an expert.
--
-- What the header asks for and nothing simulates is said once, as a notice with its line.
local fail = require "weft.fail"
local notice = require "weft.notice"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local aicb = {}

local COUNT_MAX = 2 ^ 24

-- How the layers are gone through, by the first word of the file.
local POLICIES = {
  HYBRID_TRANSFORMER = "training",
  HYBRID_TRANSFORMER_FWD_IN_BCKWD = "training",
  DATA = "training",
  MODEL = "model",
  HYBRID_DLRM = "dlrm",
  HYBRID_DLRM_ENHANCED = "dlrm",
  DISTRIBUTED_INFERENCE = "inference",
  MICRO = "micro",
}

-- Policies that SimAI knows and nothing here can run: their groups are not in the file.
local UNKNOWN_GROUPS = "%s takes its groups from the dimensions of a topology, which the file does"
  .. " not name; HYBRID_TRANSFORMER with model_parallel_NPU_group says them"
local REFUSED = {
  HYBRID_DATA_MODEL = UNKNOWN_GROUPS, HYBRID_MODEL_DATA = UNKNOWN_GROUPS,
  HYBRID_CUSTOMIZED = UNKNOWN_GROUPS,
}

-- Keys of the header, what they are called here. `mode:` tells inference from training; what is
-- run the columns say, as in SimAI.
local KEYS = {
  ["model_parallel_NPU_group:"] = "tp", ["ep:"] = "ep", ["expert_parallel_npu_group:"] = "ep",
  ["pp:"] = "pp", ["vpp:"] = "vpp", ["ga:"] = "ga", ["all_gpus:"] = "all_gpus", ["mode:"] = "mode",
  ["pp_comm"] = "pp_comm", ["pp_comm:"] = "pp_comm", ["DLRM_LAST_BOTTOM_LAYER:"] = "last_bottom",
}
-- The least that a key may be, where that is not 1.
local LEAST = { pp_comm = 0, mode = 0, last_bottom = 0 }

local KEY_WORDS = util.sorted_keys(KEYS)
KEY_WORDS[#KEY_WORDS + 1] = "checkpoints:"
KEY_WORDS[#KEY_WORDS + 1] = "checkpoint_initiates:"

local COLLECTIVES = {
  NONE = "none", ALLREDUCE = "allreduce", ALLGATHER = "all_gather",
  REDUCESCATTER = "reduce_scatter", ALLTOALL = "all_to_all", BROADCAST = "broadcast",
}
local COLLECTIVE_NAMES = util.sorted_keys(COLLECTIVES)

-- ---- header ----

-- "checkpoints: 2 0 12": a count and so many layers, counted from 0; returns where it goes on.
local function read_layers(reader, words, i, set)
  local what = words[i]
  local count = reader:integer(words[i + 1] or "", what, 0, COUNT_MAX)
  for k = 1, count do
    set[reader:integer(words[i + 1 + k] or "", what, 0, COUNT_MAX) + 1] = true
  end
  return i + 2 + count
end

-- The value of a key. Python writes what it has divided with a point: "1048576.0". Only pp_comm,
-- which nothing here uses, may have a fraction.
local function read_value(reader, word, field)
  local key = KEYS[word]
  local whole = field:match(key == "pp_comm" and "^(%d+)%.%d*$" or "^(%d+)%.0*$")
  return reader:integer(whole or field, word, LEAST[key] or 1, 2 ^ 53)
end

-- A word that no generator writes: one like a known one is a slip, all others are remembered, with
-- what stands behind them up to the next key. Returns where it goes on.
local function pass_over(reader, words, i, unknown)
  local word = words[i]
  local near = fail.nearest(word, KEY_WORDS)
  if near and near:sub(1, 1):lower() == word:sub(1, 1):lower() then
    reader:fail("header: unknown word %s; did you mean '%s'?", fail.show(word), near)
  end
  repeat
    unknown[#unknown + 1] = words[i]
    i = i + 1
  until not words[i] or KEYS[words[i]] or words[i]:find(":$")
  return i
end

local function read_policy(reader, word)
  if REFUSED[word] then reader:fail("policy: " .. REFUSED[word], word) end
  -- What AICB writes beside: calls of NCCL for a cluster, a row each.
  if word:find("^comm_type,") or word:find("^%[rank") then
    reader:fail("expected a workload for SimAI, got AICB's list of calls for a run on a cluster")
  end
  local policy = POLICIES[word]
  if not policy then
    reader:fail("policy: got %s%s", fail.show(word), fail.hint(word, util.sorted_keys(POLICIES)))
  end
  return policy
end

local function say_what_is_left_out(reader, model, unknown)
  if #unknown > 0 then
    notice.say("%s: header: not known and left out: %s", reader:place(),
      fail.show(table.concat(unknown, " ")))
  end
  if (model.pp or 1) > 1 then
    notice.say("%s: pp: %.0f: pipeline stages and their messages are not simulated; the lines are"
      .. " those of one stage", reader:place(), model.pp)
  end
end

local function read_header(reader)
  local words = reader:fields()
  if not words then
    reader:fail("expected a policy such as HYBRID_TRANSFORMER, got end of file")
  end
  local model = { policy = read_policy(reader, words[1]), name = words[1], tp = 1, ep = 1,
    checkpoints = {}, initiates = {}, layers = {} }
  local i, unknown, seen = 2, {}, {}
  -- Chakra's converter has the number of the last bottom layer without a word before it.
  if model.policy == "dlrm" and words[2] and words[2]:find("^%d+$") then
    table.insert(words, 2, "DLRM_LAST_BOTTOM_LAYER:")
  end
  while i <= #words do
    local word = words[i]
    local what = KEYS[word] or word:find "^checkpoint" and word
    if what and seen[what] then reader:fail("header: '%s' is there twice", word) end
    if what then seen[what] = true end
    if KEYS[word] then
      model[KEYS[word]] = read_value(reader, word, words[i + 1] or "")
      i = i + 2
    elseif word == "checkpoints:" then
      i = read_layers(reader, words, i, model.checkpoints)
    elseif word == "checkpoint_initiates:" then
      i = read_layers(reader, words, i, model.initiates)
    else
      i = pass_over(reader, words, i, unknown)
    end
  end
  if model.policy == "dlrm" and not model.last_bottom then
    reader:fail("header: 'DLRM_LAST_BOTTOM_LAYER:' is missing")
  end
  say_what_is_left_out(reader, model, unknown)
  return model
end

-- ---- layers ----

local function number(reader, field, what)
  local value = units.whole(field)
  if not value or value < 0 then
    reader:fail("%s: expected a whole number, 0 or more, got %s", what, fail.show(field))
  end
  return value
end

-- A collective by its name in the file: the core's kind and the group of ranks.
local function collective(reader, field, plain_group, what)
  local name, group = field, plain_group
  for suffix, of in util.sorted_pairs { _DP_EP = "dp_ep", _EP = "ep" } do
    if group == plain_group and #field > #suffix and field:sub(-#suffix) == suffix then
      name, group = field:sub(1, -#suffix - 1), of
    end
  end
  local kind = COLLECTIVES[name]
  if not kind then
    reader:fail("%s: got %s%s", what, fail.show(field), fail.hint(name, COLLECTIVE_NAMES))
  end
  return kind, group
end

-- The groups of the three phases, where a collective does not name its own.
local PHASES = { { "forward", "tp" }, { "input", "tp" }, { "weight", "dp" } }
local ALL_PHASES = { { "forward", "all" }, { "input", "all" }, { "weight", "all" } }
local ALL_RANKS = { model = true, dlrm = true }

local function read_layer(reader, fields, phases)
  if #fields ~= 12 then
    reader:fail("expected 12 fields (name, dependency, 3 x (ns, collective, bytes), ns), got %d",
      #fields)
  end
  local layer = { name = fields[1], line = reader.number }
  if not fields[2]:find("^%-?%d+$") then
    reader:fail("dependency: expected a whole number, got %s", fail.show(fields[2]))
  end
  layer.depends = tonumber(fields[2]) >= 0
  for p, phase in ipairs(phases) do
    local what, at = phase[1], 3 * p
    local kind, group = collective(reader, fields[at + 1], phase[2], what .. " collective")
    layer[what] = {
      compute_ns = number(reader, fields[at], what .. " compute time"),
      kind = kind, group = group,
      size_bytes = number(reader, fields[at + 2], what .. " size"),
    }
  end
  layer.update_ns = number(reader, fields[12], "update time")
  return layer
end

-- Layers of DLRM behind the first take part in nothing but the sum of their weights' gradients.
local function passes_no_activations(layer)
  return layer.forward.kind == "none" and layer.input.kind == "none"
end

-- Say of the first layer that asks for what is not run.
local function say_of_layers(reader, model)
  local function say(wanted, format, ...)
    for i, layer in ipairs(model.layers) do
      if wanted(i, layer) then
        notice.say("%s:%d: " .. format, reader.path, layer.line, ...)
        return
      end
    end
  end
  say(function(_, layer) return layer.depends end,
    "dependency: layers are run in the order of the file, as in SimAI")
  if model.policy == "dlrm" then
    say(function(i, layer) return i > 1 and not passes_no_activations(layer) end,
      "%s: only the first layer has collectives forward and of its input's gradient, as in SimAI",
      model.name)
    say(function(i, layer)
      return i == 1 and layer.input.kind ~= "none" and model.last_bottom + 1 >= #model.layers
    end, "%s: the collective of the input's gradient is not run: it begins with the layer behind"
      .. " the last bottom layer, and there is none", model.name)
  end
  if model.policy == "model" then
    say(function(_, layer) return layer.weight.kind ~= "none" end,
      "MODEL: collectives of weights' gradients are not run, as in SimAI")
  end
end

-- Forward in the backward pass needs a layer to begin with.
local function check_checkpoints(reader, model)
  for i in util.sorted_pairs(model.initiates) do
    local found = false
    for k = 1, math.min(i, #model.layers) do found = found or model.checkpoints[k] end
    if i > #model.layers or not found then
      fail.at(reader.path .. ":1", "checkpoint_initiates: layer %d has no checkpoint before it",
        i - 1)
    end
  end
end

--- Read a workload.
-- @tparam string path
-- @tparam ?integer count only so many of the first layers
-- @treturn table `policy` (training, model, dlrm, inference, micro), `name` (the file's word for
-- it), `tp`, `ep`, `all_gpus` (may be missing), `last_bottom` (dlrm: layers counted from 0) and
-- `layers`: `{ name, line, forward, input, weight, update_ns }`, the three with `compute_ns`,
-- `kind` ("none" or a kind of the core), `group` (tp, dp, ep, dp_ep, all), `size_bytes`
function aicb.read(path, count)
  local reader = text.open(path)
  local model = read_header(reader)
  local fields = reader:fields()
  if not fields or #fields ~= 1 then
    reader:fail("expected the number of layers, got %s", reader:shown())
  end
  local said = reader:integer(fields[1], "number of layers", 1, COUNT_MAX)
  count = math.min(count or said, said)
  local phases = ALL_RANKS[model.policy] and ALL_PHASES or PHASES
  for i = 1, count do
    fields = reader:fields()
    if not fields then
      reader:fail("expected layer %d of %d, got end of file; option 'layers' reads fewer", i, said)
    end
    model.layers[i] = read_layer(reader, fields, phases)
  end
  if count == said and reader:fields() then
    reader:fail("expected end of file after %d layers, got %s", said, reader:shown())
  end
  check_checkpoints(reader, model)
  say_of_layers(reader, model)
  reader:close()
  return model
end

return aicb
