--- Workloads of SimAI and AICB as jobs: every rank goes through the layers of the file, and waits
-- for the others where the file has a collective.
--
-- Training: forward through all layers, then backward; the collectives of a forward pass and of an
-- input's gradient hold their ranks up, those of a weight's gradient go on beside the rest until
-- the layer comes again or all is over. Inference: forward only. Micro benchmark: one line after
-- the other, where SimAI runs the first line alone. With checkpoints, a layer that initiates one
-- repeats the forward pass from the checkpoint before it. After a collective its update time goes
-- by.
--
-- MODEL: forward as in training; backward the collective of an input's gradient goes on beside the
-- gradient of the layer's weights, which are not summed up. DLRM (as in ASTRA-sim 1.0): the first
-- layer's collectives, of the embeddings, go on beside the bottom layers; forward the last of those
-- waits for it, backward it begins with the layer behind, and only HYBRID_DLRM waits for it.
--
-- Groups, as in SimAI: tensor parallel ranks are neighbours; those with the same place in it are
-- data parallel; `ep` neighbouring tensor parallel groups share experts. Under MODEL and DLRM all
-- ranks are one group. Pipeline stages are not told apart: the file has the lines of one stage, and
-- not what stages send each other.
-- @module weft.workload.aicb

local aicb = require "weft.formats.aicb"
local base = require "weft.workload.base"
local check = require "weft.check"
local fail = require "weft.fail"
local graph = require "weft.formats.graph"
local schedule = require "weft.workload.schedule"
local units = require "weft.units"

local M = {}

local PS_PER_NS = 1000

-- SimAI sends no less in a forward pass of this policy.
local FORWARD_BYTES_MIN = { HYBRID_TRANSFORMER_FWD_IN_BCKWD = 4096 }

local rule = base.extend(schedule.collective_rule, {
  iterations = { type = "integer", default = 1, min = 1, max = 1000 },
  layers = { type = "integer", min = 1 },
  scale_bytes = { type = "number", default = 1, min = 1e-9, max = 1e3 },
  scale_compute = { type = "number", default = 1, min = 0, max = 1e6 },
})

-- ---- groups of ranks ----

-- `count` ranks from `first` on, `step` apart.
local function stride(first, step, count)
  local ranks = {}
  for i = 1, count do ranks[i] = first + (i - 1) * step end
  return ranks
end

-- The groups of each kind, as lists of ranks counted from 0.
local function groups_of(model, count)
  local tp, ep = model.tp, model.ep
  local dp = count / tp
  local groups = { tp = {}, dp = {}, ep = {}, dp_ep = {}, all = { stride(0, 1, count) } }
  for first = 0, count - 1, tp do groups.tp[#groups.tp + 1] = stride(first, 1, tp) end
  for place = 0, tp - 1 do
    groups.dp[#groups.dp + 1] = stride(place, tp, dp)
    for first = 0, count - 1, tp * ep do
      groups.ep[#groups.ep + 1] = stride(first + place, tp, ep)
    end
    for expert = 0, ep - 1 do
      groups.dp_ep[#groups.dp_ep + 1] = stride(expert * tp + place, tp * ep, dp / ep)
    end
  end
  return groups
end

-- ---- ranks that go through the layers ----

-- What each rank waits for next is in `last`. All compute the same time, which adds up in
-- `pending_ps` until a collective; ranks that wait for the same compute as one operation.
local function flush(run, line, name)
  if run.pending_ps == 0 then return end
  local made = {}
  for rank = 0, run.count - 1 do
    local before = run.last[rank]
    local id = made[before or 0]
    if not id then
      id = run.net:compute(rank, run.pending_ps, line, name, {})
      if before then run.net:after(id, before) end
      made[before or 0] = id
    end
    local members = run.net.members[id]
    members[#members + 1] = rank
    run.last[rank] = id
  end
  run.pending_ps = 0
end

local function duration_ps(run, layer, ns)
  return units.scaled(ns, run.scale_compute * PS_PER_NS, "computing time (ns)",
    run.net.place, layer.line)
end

local function compute(run, layer, ns)
  run.pending_ps = units.scaled(run.pending_ps + duration_ps(run, layer, ns), 1,
    "computing times (ps)", run.net.place, layer.line)
end

-- One collective in each group of the phase; nil if it moves nothing.
local function collectives(run, layer, phase, name)
  local what = layer[phase]
  local groups = run.groups[what.group]
  if what.kind == "none" or what.size_bytes == 0 or #groups[1] < 2 then return nil end
  local size = what.size_bytes
  if phase == "forward" then size = math.max(size, FORWARD_BYTES_MIN[run.policy] or 0) end
  size = math.max(units.scaled(size, run.scale_bytes, "size", run.net.place, layer.line), 1)
  flush(run, layer.line, name)
  local ids = {}
  for g, ranks in ipairs(groups) do
    local collective = { kind = what.kind, size_bytes = size, ranks = ranks }
    local id = run.net:collect(collective, layer.line, name)
    local seen = {}
    for _, rank in ipairs(ranks) do
      local before = run.last[rank]
      if before and not seen[before] then
        seen[before] = true
        run.net:after(id, before)
      end
    end
    ids[g] = id
  end
  return ids, groups
end

local function blocking(run, layer, phase)
  local name = layer.name .. " " .. phase
  compute(run, layer, layer[phase].compute_ns)
  local ids, groups = collectives(run, layer, phase, name)
  for g, id in ipairs(ids or {}) do
    for _, rank in ipairs(groups[g]) do run.last[rank] = id end
  end
  if ids then compute(run, layer, layer.update_ns) end
end

-- Collectives that go on beside what follows, until settle().
local function beside(run, layer, phase)
  local name = layer.name .. " " .. phase
  local ids, groups = collectives(run, layer, phase, name)
  if not ids then return end
  local update_ps = duration_ps(run, layer, layer.update_ns)
  for g, id in ipairs(ids) do
    if update_ps > 0 then
      ids[g] = run.net:compute(groups[g][1], update_ps, layer.line, layer.name .. " update",
        groups[g])
      run.net:after(ids[g], id)
    end
  end
  run.outstanding[phase][layer] = { ids = ids, groups = groups }
end

-- Let the ranks wait for the collectives of a layer that go on beside.
local function settle(run, layer, phase)
  local open = run.outstanding[phase][layer]
  if not open then return end
  run.outstanding[phase][layer] = nil
  flush(run, layer.line, layer.name)
  for g, id in ipairs(open.ids) do
    local joined = {}
    for _, rank in ipairs(open.groups[g]) do
      local before = run.last[rank] or 0
      if not joined[before] then
        joined[before] = run.net:join(rank, layer.line)
        run.net:after(joined[before], id)
        if before ~= 0 then run.net:after(joined[before], before) end
      end
      run.last[rank] = joined[before]
    end
  end
end

local function weights(run, layer)
  compute(run, layer, layer.weight.compute_ns)
  beside(run, layer, "weight")
end

local function forward(run, layer)
  settle(run, layer, "weight")
  blocking(run, layer, "forward")
end

-- ---- policies: how the ranks go through the layers ----

local iterate = {}

local function backward(run, model, i)
  local layers = model.layers
  if model.initiates[i] then
    local from = i
    while not model.checkpoints[from] do from = from - 1 end
    for k = from, i - 1 do forward(run, layers[k]) end
  end
  blocking(run, layers[i], "input")
  weights(run, layers[i])
end

function iterate.training(run, model)
  for _, layer in ipairs(model.layers) do forward(run, layer) end
  for i = #model.layers, 1, -1 do backward(run, model, i) end
end

function iterate.inference(run, model)
  for _, layer in ipairs(model.layers) do forward(run, layer) end
end

function iterate.micro(run, model)
  for _, layer in ipairs(model.layers) do
    weights(run, layer)
    settle(run, layer, "weight")
  end
end

-- Nothing is upstream of the first layer, so that its input's gradient goes nowhere.
function iterate.model(run, model)
  for _, layer in ipairs(model.layers) do forward(run, layer) end
  for i = #model.layers, 1, -1 do
    local layer = model.layers[i]
    compute(run, layer, layer.input.compute_ns)
    if i > 1 then beside(run, layer, "input") end
    compute(run, layer, layer.weight.compute_ns)
    settle(run, layer, "input")
  end
end

function iterate.dlrm(run, model)
  local layers, embedding = model.layers, model.layers[1]
  local last_bottom = model.last_bottom + 1
  for i, layer in ipairs(layers) do
    settle(run, layer, "weight")
    compute(run, layer, layer.forward.compute_ns)
    if i == 1 then beside(run, layer, "forward") end
    if i == last_bottom then settle(run, embedding, "forward") end
  end
  for i = #layers, 1, -1 do
    weights(run, layers[i])
    if i > 1 then compute(run, layers[i], layers[i].input.compute_ns) end
    if i == last_bottom + 1 then beside(run, embedding, "input") end
  end
  if model.name == "HYBRID_DLRM" then settle(run, embedding, "input") end
end

-- The graph of `count` ranks.
local function expand(work, count)
  local model, options = work.model, work.options
  local run = {
    net = graph.new(function(line) return ("%s:%d"):format(options.file, line) end),
    count = count, last = {}, pending_ps = 0, policy = model.name,
    outstanding = { forward = {}, input = {}, weight = {} },
    groups = groups_of(model, count), scale_bytes = options.scale_bytes,
    scale_compute = options.scale_compute,
  }
  for _ = 1, options.iterations do iterate[model.policy](run, model) end
  for _, layer in ipairs(model.layers) do
    for _, phase in ipairs { "forward", "input", "weight" } do settle(run, layer, phase) end
  end
  flush(run, model.layers[#model.layers].line, "end")
  run.net.ranks = count
  return run.net:finish()
end

-- How many ranks: as many as the file says, or as many as the user or the fabric has.
local function count_of(work, sim)
  local model, options = work.model, work.options
  local count = #base.resolve_ranks("aicb", sim.fabric, options.ranks)
  if options.ranks == nil and model.all_gpus then
    if model.all_gpus > count then
      fail.raise("aicb: '%s' is for %d GPUs, and %s has %d hosts; option 'ranks' takes fewer, with"
        .. " fewer data parallel replicas", options.file, model.all_gpus, sim.fabric.name, count)
    end
    count = model.all_gpus
  end
  local unit = model.tp * model.ep
  if count % unit ~= 0 then
    fail.raise("aicb: '%s' has groups of %d tensor parallel times %d expert parallel ranks:"
      .. " expected a multiple of %d ranks, got %d", options.file, model.tp, model.ep, unit, count)
  end
  return count
end

local function begin(work, sim, engine)
  return schedule.begin(work, sim, engine, expand(work, count_of(work, sim)))
end

--- A workload file of SimAI, as AICB writes it; see weft.formats.aicb.
-- @tparam table options `file`; `ranks` (hosts, or how many of the first; default: as many as the
-- file says), `start`, `iterations` (1), `layers` (only so many of the first), `scale_bytes` and
-- `scale_compute` (factors for all sizes and for all computing times), `channels` (1: rings that
-- share a collective and leave a server by different NICs; no more than the server has ranks),
-- `chunk` (largest message; default: no limit)
-- @treturn Workload
-- @usage sim:add_job(weft.workload.aicb { file = "gpt.txt", ranks = 16, scale_bytes = 1 / 64 })
function M.aicb(options)
  local checked = check.options("aicb", options, rule)
  local model = aicb.read(checked.file, checked.layers)
  return base.new { kind = "aicb", options = checked, model = model, begin = begin }
end

return M
