--- What an iteration does, worked out before anything runs: for each chunk of the model its
-- computations and collectives as a list of segments, and the sums over all groups.
--
-- A segment computes some layers and then runs their collectives, all calls of the segment in one.
-- With granularity "stage" a chunk is one segment, with "layer" each layer is. Bytes of a call:
--
-- - tensor parallel: two AllReduce forward and two backward a layer, of micro_batch x sequence x
--   hidden numbers (Shoeybi et al., Megatron-LM, 2019; Narayanan et al., SC 2021, section 3.2).
--   With sequence parallelism each is a ReduceScatter and an AllGather of the same bytes
--   (Korthikanti et al., 2022).
-- - pipeline: one message of as many numbers for each micro-batch, direction and pair of chunks
--   that follow each other; with sequence parallelism each tensor rank sends 1/tp of it.
-- - data parallel: an AllReduce of the gradients; ZeRO 1 makes of it a ReduceScatter and, after
--   the optimizer, an AllGather of the parameters; ZeRO 2 scatters the gradients of every
--   micro-batch; ZeRO 3 also gathers the parameters for every pass (Rajbhandari et al., ZeRO, SC
--   2020, section 7).
-- - experts: two all-to-all forward and two backward a layer, of tokens x top_k x capacity_factor x
--   hidden numbers a rank (Lepikhin et al., GShard, 2021, section 2.2).
--
-- Not modelled: the AllReduce of the embedding and of the loss over tensor ranks, which is one of
-- 2 l + 1, and those of norms and scalars.
-- @module weft.workload.model_plan

local fail = require "weft.fail"
local model = require "weft.workload.model"
local schedule = require "weft.workload.model_schedule"
local traffic = require "weft.workload.model_traffic"
local units = require "weft.units"

local M = {}

local Plan = { __tostring = traffic.describe }
Plan.__index = Plan

local function round(value) return math.floor(value + 0.5) end

local BYTES_MAX = 2 ^ 50

-- Bytes of a message or of the buffer of n ranks as they are simulated.
local function scaled(setup, bytes, n)
  local size = math.max(n, round(bytes * setup.options.scale_bytes))
  if size > BYTES_MAX then
    fail.raise("%s: expected at most %s in a message or a buffer, got %s", setup.kind,
      units.format_bytes(BYTES_MAX), units.format_bytes(size))
  end
  return size
end

-- Parameters of a chunk on one GPU: `layer` and `expert` of each layer, `first` (embedding) and
-- `last` (head) on top of them where the chunk has those.
local function chunk_parameters(setup, index, chunks)
  local all, tp = model.parameters(setup.shape), setup.options.tp
  local head = all.head
  if chunks > 1 and model.is_tied(setup.shape) then
    head = head + setup.shape.vocabulary * setup.shape.hidden -- a copy of the table
  end
  return {
    layer = all.layer / tp,
    expert = setup.shape.experts * all.expert / setup.layout.ep / tp,
    first = index == 0 and all.embedding / tp or 0,
    last = index == chunks - 1 and head / tp or 0,
  }
end

-- Layers of each bucket in the order of the backward pass. A bucket is full when its gradients
-- reach `bucket`; without overlap all layers are one.
local function buckets_of(setup, layers, gradient_bytes)
  if not setup.options.overlap then return { layers } end
  local each = math.min(layers, math.max(1, math.ceil(setup.options.bucket / gradient_bytes)))
  local list = {}
  for first = 1, layers, each do list[#list + 1] = math.min(each, layers - first + 1) end
  return list
end

-- Cut layers into segments. `buckets` (layers of each) makes the cuts follow them, and marks the
-- segments that begin and end one.
local function cut(setup, layers, buckets)
  local by_layer, list = setup.options.granularity == "layer", {}
  for b, size in ipairs(buckets or { layers }) do
    local pieces = by_layer and size or 1
    for i = 1, pieces do
      list[#list + 1] = {
        layers = size / pieces,
        begins = buckets and i == 1 and b or nil, ends = buckets and i == pieces and b or nil,
      }
    end
  end
  return list
end

-- Parameters of a bucket: of its layers, and of the embedding or the head if it is at that end.
local function bucket_parameters(parameters, buckets, b)
  local dense = buckets[b] * parameters.layer
  if b == 1 then dense = dense + parameters.last end
  if b == #buckets then dense = dense + parameters.first end
  return dense, buckets[b] * parameters.expert
end

-- Buffers of the data parallel collectives of a bucket, nil for groups of one.
local function bucket_bytes(setup, parameters, buckets, b, bytes_each)
  local layout = setup.layout
  local dense, expert = bucket_parameters(parameters, buckets, b)
  local edp = layout.dp / layout.ep
  local sizes = {}
  if layout.dp > 1 then sizes.dp = scaled(setup, dense * bytes_each, layout.dp) end
  if expert > 0 and edp > 1 then sizes.edp = scaled(setup, expert * bytes_each, edp) end
  return sizes
end

-- Fill in what a segment computes and what its layers exchange.
local function fill(setup, segment, is_backward, at_head)
  local o, shape, times = setup.options, setup.shape, setup.times
  local way = is_backward and "backward" or "forward"
  local layer_ps, head_ps = times[way], at_head and times["head_" .. way] or 0
  local passes = is_backward and o.recompute == "full" and 2 or 1
  local calls = 2 * passes * segment.layers
  segment.compute_ps = segment.layers * layer_ps + head_ps
  segment.expert_ps = segment.layers * times["expert_" .. way]
  if o.tp > 1 and o.tp_traffic ~= "ignore" then
    local bytes = calls * setup.activation_bytes
    if o.tp_traffic == "simulate" then
      segment.tp_calls, segment.tp_bytes = calls, scaled(setup, bytes, o.tp)
    else
      segment.compute_ps = segment.compute_ps
        + 2 * (o.tp - 1) / o.tp * scaled(setup, bytes, o.tp) * 8e12 / o.tp_rate
    end
  end
  if shape.experts > 1 and setup.layout.ep > 1 then
    local split = o.sequence_parallel and o.tp or 1
    segment.ep_calls = calls
    segment.ep_bytes = scaled(setup,
      calls * setup.activation_bytes / split * shape.top_k * o.capacity_factor, setup.layout.ep)
    segment.ep_volumes = setup:volumes(segment.ep_bytes)
  end
  segment.compute_ps = round(segment.compute_ps)
end

local function reversed(list)
  local result = {}
  for i, value in ipairs(list) do result[#list + 1 - i] = value end
  return result
end

-- Segments of a pass. `reduce`: gradients are summed behind it; `gather`: parameters are gathered
-- before it.
local function pass(setup, chunk, is_backward, reduce, gather)
  local last = chunk.index == chunk.of - 1
  local buckets = (reduce or gather) and chunk.buckets or nil
  if buckets and not is_backward then buckets = reversed(buckets) end
  local segments = cut(setup, chunk.layers, buckets)
  for i, segment in ipairs(segments) do
    local at_head = last and i == (is_backward and 1 or #segments)
    fill(setup, segment, is_backward, at_head)
    local function sizes(b, bytes_each)
      local at = is_backward and b or #chunk.buckets + 1 - b
      return bucket_bytes(setup, chunk.parameters, chunk.buckets, at, bytes_each)
    end
    if gather and segment.begins then
      segment.gather = sizes(segment.begins, setup.parameter_bytes)
    end
    if reduce and segment.ends then
      segment.reduce = sizes(segment.ends, setup.gradient_bytes)
    end
  end
  return segments
end

local function new_chunk(setup, index, chunks)
  local layers = setup.shape.layers / chunks
  local parameters = chunk_parameters(setup, index, chunks)
  local chunk = {
    index = index, of = chunks, stage = index % setup.options.pp, layers = layers,
    first_layer = index * layers, parameters = parameters,
    buckets = buckets_of(setup, layers,
      (parameters.layer + parameters.expert) * setup.gradient_bytes),
  }
  local zero = setup.options.zero
  chunk.forward = pass(setup, chunk, false, false, zero == 3)
  chunk.backward = pass(setup, chunk, true, zero >= 2, zero == 3)
  chunk.last_backward = pass(setup, chunk, true, true, zero == 3)
  if zero == 1 or zero == 2 then
    chunk.update = bucket_bytes(setup, parameters, { layers }, 1, setup.parameter_bytes)
  end
  return chunk
end

--- Segments of an operation of the schedule.
function Plan:segments(op)
  local chunk = self.chunks[op.chunk]
  if not op.backward then return chunk.forward end
  return op.last and chunk.last_backward or chunk.backward
end

--- Time that a segment computes on a replica: longer where more than a fair share of the tokens
-- goes to its experts.
-- @tparam table segment
-- @tparam ?number d replica; nil: with fair shares
function Plan:segment_ps(segment, d)
  local shares, ep = self.expert_shares, self.layout.ep
  if not shares or not d then return segment.compute_ps end
  return segment.compute_ps + segment.expert_ps * (shares[d % ep + 1] * ep - 1)
end

--- Time that the computations of an operation take, on a replica or with fair shares of tokens.
function Plan:compute_ps(op, d)
  local sum = 0
  for _, segment in ipairs(self:segments(op)) do sum = sum + self:segment_ps(segment, d) end
  return sum
end

--- Bytes from each rank of an expert group to each, for an all-to-all of so many bytes a rank: half
-- of them go to the experts, by their shares of the tokens, and half of them come back.
-- @treturn ?table bytes from rank i to rank j at [i][j]; nil: the same for all pairs
function Plan:volumes(bytes)
  local shares = self.expert_shares
  if not shares then return nil end
  local rows = {}
  for i = 1, #shares do
    rows[i] = {}
    for j = 1, #shares do
      rows[i][j] = i == j and 0 or round(bytes / 2 * shares[j]) + round(bytes / 2 * shares[i])
    end
  end
  return rows
end

--- The chunk that takes the output of an operation; nil for the last of its direction, and without
-- a pipeline.
function Plan:next_chunk(op)
  local to = op.chunk + (op.backward and -1 or 1)
  return self.options.pp > 1 and self.chunks[to] or nil
end

--- The plan of a workload.
-- @tparam table setup of weft.workload.model_options
-- @treturn table the setup and `chunks` (from 0), `order` (weft.workload.model_schedule),
-- `parameters` (weft.workload.model), `message_bytes` (pipeline), `embedding_bytes` (gradients of a
-- table with two copies, or nil), `makespan_ps` and `busy_ps` (of each stage, from 0) without
-- communication, `traffic` (weft.workload.model_traffic). It prints as tables.
function M.new(setup)
  local o, shape, bytes = setup.options, setup.shape, model.bytes
  local plan = setmetatable({}, Plan)
  for key, value in pairs(setup) do plan[key] = value end -- order-free: a copy
  plan.parameter_bytes = bytes[o.precision]
  plan.gradient_bytes = bytes[o.gradient_precision or o.precision]
  plan.activation_bytes = o.micro_batch * shape.sequence * shape.hidden * plan.parameter_bytes
  local split = o.sequence_parallel and o.tp or 1
  plan.message_bytes = scaled(plan, plan.activation_bytes / split, 1)
  if o.pp > 1 and model.is_tied(shape) and o.embedding_traffic == "simulate" then
    plan.embedding_bytes =
      scaled(plan, shape.vocabulary * shape.hidden / o.tp * plan.gradient_bytes, 2)
  end
  plan.chunks = {}
  local chunks = o.pp * o.virtual_stages
  for index = 0, chunks - 1 do plan.chunks[index] = new_chunk(plan, index, chunks) end
  plan.order = schedule.order(o.pp, setup.micro_batches, o.virtual_stages)
  plan.makespan_ps, plan.busy_ps = schedule.makespan(plan.order, function(op)
    return plan:compute_ps(op)
  end)
  plan.makespan_ps = plan.makespan_ps + o.optimizer
  plan.parameters = model.parameters(shape)
  plan.traffic = traffic.rows(plan)
  return plan
end

return M
