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
local fail = require "weft.fail"
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
  DISTRIBUTED_INFERENCE = "inference",
  MICRO = "micro",
}

-- Keys of the header, what they are called here.
local KEYS = {
  ["model_parallel_NPU_group:"] = "tp", ["ep:"] = "ep", ["pp:"] = "pp", ["vpp:"] = "vpp",
  ["ga:"] = "ga", ["all_gpus:"] = "all_gpus", ["pp_comm"] = "pp_comm", ["pp_comm:"] = "pp_comm",
}

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

local function read_header(reader)
  local words = reader:fields()
  if not words then
    reader:fail("expected a policy such as HYBRID_TRANSFORMER, got end of file")
  end
  local policy = POLICIES[words[1]]
  if not policy then
    reader:fail("policy: got %s%s", fail.show(words[1]),
      fail.hint(words[1], util.sorted_keys(POLICIES)))
  end
  local model = { policy = policy, tp = 1, ep = 1, checkpoints = {}, initiates = {}, layers = {} }
  local i = 2
  while i <= #words do
    local word = words[i]
    local key = KEYS[word]
    if key then
      model[key] = reader:integer(words[i + 1] or "", word, key == "pp_comm" and 0 or 1, 2 ^ 53)
      i = i + 2
    elseif word == "checkpoints:" then
      i = read_layers(reader, words, i, model.checkpoints)
    elseif word == "checkpoint_initiates:" then
      i = read_layers(reader, words, i, model.initiates)
    else
      reader:fail("header: unknown word %s%s", fail.show(word), fail.hint(word, KEY_WORDS))
    end
  end
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

-- A collective by its name in the file: the engine's kind and the group of ranks.
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

local PHASES = { { "forward", "tp" }, { "input", "tp" }, { "weight", "dp" } }

local function read_layer(reader, fields)
  if #fields ~= 12 then
    reader:fail("expected 12 fields (name, dependency, 3 x (ns, collective, bytes), ns), got %d",
      #fields)
  end
  local layer = { name = fields[1], line = reader.number }
  if not fields[2]:find("^%-?%d+$") then
    reader:fail("dependency: expected a whole number, got %s", fail.show(fields[2]))
  end
  for p, phase in ipairs(PHASES) do
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
-- @treturn table `policy` (training, inference, micro), `tp`, `ep`, `all_gpus` (may be missing) and
-- `layers`: `{ name, line, forward, input, weight, update_ns }`, the three with `compute_ns`,
-- `kind` ("none" or a kind of the engine), `group` (tp, dp, ep, dp_ep), `size_bytes`
function aicb.read(path, count)
  local reader = text.open(path)
  local model = read_header(reader)
  local fields = reader:fields()
  if not fields or #fields ~= 1 then
    reader:fail("expected the number of layers, got %s", reader:shown())
  end
  local said = reader:integer(fields[1], "number of layers", 1, COUNT_MAX)
  count = math.min(count or said, said)
  for i = 1, count do
    fields = reader:fields()
    if not fields then
      reader:fail("expected layer %d of %d, got end of file; option 'layers' reads fewer", i, said)
    end
    model.layers[i] = read_layer(reader, fields)
  end
  if count == said and reader:fields() then
    reader:fail("expected end of file after %d layers, got %s", said, reader:shown())
  end
  check_checkpoints(reader, model)
  reader:close()
  return model
end

return aicb
