--- What each kind of group moves in an iteration, and a plan as text.
-- A collective over n ranks with a buffer of S bytes sends, all ranks together, 2 (n - 1) S for
-- AllReduce and (n - 1) S for ReduceScatter, AllGather and all-to-all; in messages around a ring or
-- from each rank to each that is 2 (n - 1) n and (n - 1) n (Thakur et al., IJHPCA 2005).
-- @module weft.workload.model_traffic

local fail = require "weft.fail"
local parallel = require "weft.workload.parallel"
local report = require "weft.report"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

--- How often each byte of a buffer crosses the network but for a rank's own part: a rank sends
-- rounds x (n - 1) / n x S, which is also what nccl-tests count for bus bandwidth.
M.rounds = { allreduce = 2, reduce_scatter = 1, all_gather = 1, all_to_all = 1 }

-- Ranks of a group, and groups at one stage, by kind.
local function shape_of(layout, kind)
  local tp, dp, ep = layout.tp, layout.dp, layout.ep
  if kind == "tp" then return tp, dp end
  if kind == "dp" then return dp, tp end
  if kind == "ep" then return ep, tp * dp / ep end
  if kind == "edp" then return dp / ep, tp * ep end
  return 2, tp * dp -- pp, embedding: pairs of ranks
end

-- The row of a kind of group and a collective, made when it is first needed.
local function row_of(rows, layout, kind, collective)
  for _, row in ipairs(rows) do
    if row.group == kind and row.collective == collective then return row end
  end
  local row = {
    group = kind, collective = collective, ranks = shape_of(layout, kind), calls = 0,
    buffer_bytes = 0, sent_bytes = 0, messages = 0, rank_bytes = 0, by_stage = {},
  }
  rows[#rows + 1] = row
  return row
end

-- What an all-to-all of different volumes sends, in how many messages, and its busiest rank.
local function sum_of(volumes)
  local sent, messages, busiest = 0, 0, 0
  for _, row in ipairs(volumes) do
    local own = 0
    for _, bytes in ipairs(row) do
      own = own + bytes
      if bytes > 0 then messages = messages + 1 end
    end
    sent, busiest = sent + own, math.max(busiest, own)
  end
  return sent, messages, busiest
end

-- Count `times` runs at a stage of a collective that stands for so many calls.
local function count(rows, layout, stage, kind, collective, times, calls, size, volumes)
  local row = row_of(rows, layout, kind, collective)
  local n, groups = shape_of(layout, kind)
  local rounds, sent, messages, busiest = M.rounds[collective], size, 1, size
  if volumes then
    sent, messages, busiest = sum_of(volumes)
  elseif rounds then
    sent, messages = rounds * (n - 1) * size, rounds * (n - 1) * n
    busiest = sent / n
  end
  row.calls = row.calls + times * calls * groups
  row.buffer_bytes = row.buffer_bytes + times * size * groups
  row.sent_bytes = row.sent_bytes + times * sent * groups
  row.messages = row.messages + times * messages * groups
  row.by_stage[stage] = (row.by_stage[stage] or 0) + times * busiest
  row.rank_bytes = math.max(row.rank_bytes, row.by_stage[stage])
end

local function count_segments(rows, plan, stage, segments, times)
  local reduce = plan.options.zero == 0 and "allreduce" or "reduce_scatter"
  for _, segment in ipairs(segments) do
    local function add(kind, collective, calls, size, volumes)
      if size then
        count(rows, plan.layout, stage, kind, collective, times, calls, size, volumes)
      end
    end
    add("tp", "allreduce", segment.tp_calls, segment.tp_bytes)
    add("ep", "all_to_all", segment.ep_calls, segment.ep_bytes, segment.ep_volumes)
    for _, kind in ipairs { "dp", "edp" } do
      if segment.gather then add(kind, "all_gather", 1, segment.gather[kind]) end
      if segment.reduce then add(kind, reduce, 1, segment.reduce[kind]) end
    end
  end
end

local function count_chunk(rows, plan, chunk)
  local m, stage, layout = plan.micro_batches, chunk.stage, plan.layout
  count_segments(rows, plan, stage, chunk.forward, m)
  count_segments(rows, plan, stage, chunk.backward, m - 1)
  count_segments(rows, plan, stage, chunk.last_backward, 1)
  for _, kind in ipairs { "dp", "edp" } do
    local size = chunk.update and chunk.update[kind]
    if size then count(rows, layout, stage, kind, "all_gather", 1, 1, size) end
  end
  if layout.pp > 1 then
    local neighbours = (chunk.index > 0 and 1 or 0) + (chunk.index < chunk.of - 1 and 1 or 0)
    count(rows, layout, stage, "pp", "send", m * neighbours, 1, plan.message_bytes)
  end
end

-- What is counted is that of rings and of direct all-to-all. Other algorithms send as much in all
-- (hierarchical all-to-all: more), but in other messages, and trees not the same from every rank.
local function not_of_rings(row, options)
  local name = row.group == "edp" and "dp" or row.group
  local algorithm = options[name .. "_algorithm"] or "ring"
  if algorithm == "ring" or algorithm == "direct" or algorithm == "pairwise" then return end
  row.messages = nil
  if algorithm == "tree" or algorithm == "double_tree" then row.rank_bytes = nil end
end

local ORDER = { tp = 1, ep = 2, pp = 3, dp = 4, edp = 5, embedding = 6 }

--- What the groups of each kind move in an iteration, after scale_bytes.
-- @tparam table plan of weft.workload.model_plan
-- @treturn table list of `{ group, collective, groups, ranks, calls, buffer_bytes, sent_bytes,
-- messages, rank_bytes }`: sums over all groups of the kind, `rank_bytes` what the busiest rank
-- sends; calls are those of the model, messages those of the simulation
function M.rows(plan)
  local rows, layout = {}, plan.layout
  for index = 0, #plan.chunks do count_chunk(rows, plan, plan.chunks[index]) end
  if plan.embedding_bytes then
    count(rows, layout, 0, "embedding", "allreduce", 1, 1, plan.embedding_bytes)
  end
  for i, row in ipairs(rows) do
    local _, at_stage = shape_of(layout, row.group)
    local across = row.group == "pp" or row.group == "embedding"
    row.groups = across and at_stage or at_stage * layout.pp
    if row.group == "pp" then row.ranks = layout.pp end
    row.at = i
  end
  table.sort(rows, function(a, b)
    if a.group ~= b.group then return ORDER[a.group] < ORDER[b.group] end
    return a.at < b.at
  end)
  for _, row in ipairs(rows) do
    row.at, row.by_stage = nil, nil
    not_of_rings(row, plan.options)
    for key, value in pairs(row) do -- order-free: each is converted alone
      if type(value) == "number" then row[key] = util.integer(value) end
    end
  end
  return rows
end

local function first_group(plan, row)
  local layout = plan.layout
  local ranks = row.group == "embedding" and { 0, layout:rank(0, 0, layout.pp - 1) }
    or layout:groups(row.group)[1]
  return parallel.describe_ranks(ranks)
end

local function billions(value) return ("%.2f G"):format(value / 1e9) end

-- A row of chunks that are alike: most are, but for the first and the last.
local function chunk_rows(plan)
  local rows = {}
  for index = 0, #plan.chunks do
    local chunk, ps = plan.chunks[index], { 0, 0 }
    for _, segment in ipairs(chunk.forward) do ps[1] = ps[1] + segment.compute_ps end
    for _, segment in ipairs(chunk.backward) do ps[2] = ps[2] + segment.compute_ps end
    local own, before = chunk.parameters, rows[#rows]
    local row = {
      first = index, last = index, layers = chunk.layers, buckets = #chunk.buckets,
      parameters = (own.layer + own.expert) * chunk.layers + own.first + own.last,
      forward_ps = ps[1], backward_ps = ps[2],
    }
    if before and before.parameters == row.parameters and before.forward_ps == ps[1]
      and before.backward_ps == ps[2] then
      before.last = index
    else
      rows[#rows + 1] = row
    end
  end
  for _, row in ipairs(rows) do
    row.chunks = row.first == row.last and ("%d"):format(row.first)
      or ("%d-%d"):format(row.first, row.last)
  end
  return rows
end

local function head_lines(plan, out)
  local o, shape, layout = plan.options, plan.shape, plan.layout
  out:line("%s %s: %d layers, hidden %d, %d heads, sequence %d, vocabulary %d%s; %s parameters%s",
    plan.kind, shape.name, shape.layers, shape.hidden, shape.heads, shape.sequence,
    shape.vocabulary, shape.experts > 1
      and (", %d experts, top %d"):format(shape.experts, shape.top_k) or "",
    billions(plan.parameters.total), shape.experts > 1
      and (", %s active"):format(billions(plan.parameters.active)) or "")
  out:line("%s: tp %d, pp %d, dp %d%s, order %s; ZeRO %d; global batch %d in %s of %s",
    util.counted(layout.size, "GPU"), layout.tp, layout.pp, layout.dp,
    shape.experts > 1 and (", ep %d"):format(layout.ep) or "", o.order,
    o.zero, plan.global_batch, util.counted(plan.micro_batches, "micro-batch", "micro-batches"),
    util.counted(o.micro_batch, "sequence"))
end

local function schedule_line(plan, out)
  local o, busy = plan.options, 0
  for stage = 0, o.pp - 1 do busy = math.max(busy, plan.busy_ps[stage]) end
  local name = o.pp > 1 and "1F1B" or "without a pipeline"
  if o.virtual_stages > 1 then
    name = ("interleaved 1F1B, chunk g on stage g mod %d"):format(o.pp)
  end
  out:line("schedule: %s; %s without communication, of which the busiest stage idles %.1f %%", name,
    units.format_time(plan.makespan_ps),
    plan.makespan_ps > 0 and 100 * (1 - busy / plan.makespan_ps) or 0)
end

-- What was thinned, lest its numbers be taken for those of the model.
local function scale_line(plan, out)
  local o = plan.options
  if o.scale_bytes == 1 and o.scale_compute == 1 then return end
  out:line("thinned: bytes x %s, computations x %s", fail.show(o.scale_bytes),
    fail.show(o.scale_compute))
end

--- A plan as text of several lines; what groups move is for one iteration.
-- @tparam table plan
-- @treturn string
function M.describe(plan)
  local parts = {}
  local out = report.new("table", { write = function(_, ...)
    for i = 1, select("#", ...) do parts[#parts + 1] = (select(i, ...)) end
  end })
  head_lines(plan, out)
  schedule_line(plan, out)
  scale_line(plan, out)
  out:line("")
  out:table({ { "chunks", plan.options.virtual_stages > 1 and "chunk" or "stage" }, { "layers" },
    { "parameters", "a GPU", billions }, { "forward_ps", "forward", units.format_time },
    { "backward_ps", "backward", units.format_time }, { "buckets" } }, chunk_rows(plan))
  if #plan.traffic == 0 then return (table.concat(parts):gsub("\n$", "")) end
  out:line("")
  local rows = {}
  for i, row in ipairs(plan.traffic) do
    rows[i] = setmetatable({ first = first_group(plan, row) }, { __index = row })
  end
  out:table({ { "group" }, { "groups" }, { "ranks" }, { "first" }, { "collective" }, { "calls" },
    { "rank_bytes", "sent by a GPU", units.format_bytes },
    { "sent_bytes", "by all", units.format_bytes }, { "messages" } }, rows)
  return (table.concat(parts):gsub("\n$", ""))
end

return M
