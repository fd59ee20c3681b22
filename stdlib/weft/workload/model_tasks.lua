--- A plan as tasks of the core: computations, collectives, messages, and what waits for what.
--
-- Replicas and tensor ranks do the same work at the same place of the schedule, so an operation is
-- added for all of them before the next one. Messages of the pipeline do not hold up their sender.
-- Sums of gradients of a group run one behind the other, as on a stream of NCCL, and so do gathered
-- parameters; if both were one stream, the next parameters would wait for the last gradients.
-- @module weft.workload.model_tasks

local base = require "weft.workload.base"
local groups = require "weft.workload.model_groups"

local M = {}

-- Of a rank, in a collective of which only the paths are looked at: no piece is empty.
local BYTES_TO_CHECK = 1024

local Builder = {}
Builder.__index = Builder

function Builder:after(task, before)
  if before then self.core:task_after(task, before) end
end

-- How a group runs its collectives, worked out once. A first rank names a group of its kind.
function Builder:group(group, ranks)
  local known = self.groups[group] or {}
  self.groups[group] = known
  known[ranks[1]] = known[ranks[1]] or groups.new(self.job, group, ranks)
  return known[ranks[1]]
end

-- Refuse a group whose members cannot send each other what its collectives ask for.
function Builder:check_group(group, ranks)
  if #ranks < 2 then return end
  local how, kinds = self:group(group, ranks), { "allreduce" }
  if group == "ep" then kinds = { "all_to_all" } end
  if group == "dp" or group == "edp" then
    kinds = self.plan.options.zero == 0 and kinds or { "reduce_scatter", "all_gather" }
  end
  for _, kind in ipairs(kinds) do
    for _, order in ipairs(how.orders) do
      base.need_collective(self.job.sim, self.engine, {
        kind = kind, ranks = order, size_bytes = BYTES_TO_CHECK * #order,
        algorithm = how.algorithm, ["local"] = how.ranks_of_server,
      })
    end
  end
end

-- The same for messages between neighbouring stages, which go both ways, and from the last to the
-- first where a stage has several chunks; and for the first and the last, which share a table.
function Builder:check_stages(group)
  local hosts, wraps = self.hosts, self.plan.options.virtual_stages > 1
  for _, ranks in ipairs(self.plan.layout:groups "pp") do
    local to_first = wraps or group == "embedding"
    for i = group == "pp" and 1 or #ranks, to_first and #ranks or #ranks - 1 do
      local a, b = hosts[ranks[i] + 1], hosts[ranks[i % #ranks + 1] + 1]
      base.need_path(self.job.sim, a, b)
      base.need_path(self.job.sim, b, a)
    end
  end
end

-- A collective over ranks, which waits for the last task of each and is then their last task,
-- unless it runs beside them. With several rings it is done when all of them are.
function Builder:collective(kind, group, ranks, bytes, beside, volumes)
  local how, join, first = self:group(group, ranks), nil, nil
  local rings = bytes >= #how.orders * #ranks and #how.orders or 1
  for i = 1, rings do
    local task = self.engine.call(self.core, "collective_add", {
      kind = kind, ranks = how.orders[i], size_bytes = base.share(bytes, rings, i), tag = self.tag,
      volumes = volumes, algorithm = how.algorithm, ["local"] = how.ranks_of_server,
      forget = self.plan.options.keep_flows and 0 or 1,
    })
    for _, rank in ipairs(ranks) do self:after(task, self.tail[rank]) end
    first, join = first or task, task
  end
  if rings > 1 then
    join = self.core:task_add { kind = "barrier", tag = self.tag }
    for i = 0, rings - 1 do self:after(join, first + i) end
  end
  if not beside then
    for _, rank in ipairs(ranks) do self.tail[rank] = join end
  end
  local list = self.collectives[group] or {}
  self.collectives[group] = list
  list[#list + 1] = { first = first, last = join, kind = kind, ranks = #ranks, bytes = bytes }
  return join, first
end

-- Data parallel collectives of a stage: `sizes.dp` over its dp groups, `sizes.edp` over the ranks
-- that hold the same experts. With a `stream` they run beside the ranks' other tasks, one behind
-- the other; the stream has the last one of each rank.
function Builder:over_replicas(kind, stage, sizes, stream)
  local layout = self.plan.layout
  local function run(name, ranks)
    local done, first = self:collective(kind, name, ranks, sizes[name], stream ~= nil)
    if not stream then return end
    local before = stream[name][ranks[1]]
    for task = first, math.max(first, done - 1) do self:after(task, before) end
    for _, rank in ipairs(ranks) do stream[name][rank] = done end
  end
  for t = 0, layout.tp - 1 do
    if sizes.dp then run("dp", layout:dp_group(t, stage)) end
    if sizes.edp then
      for e = 0, layout.ep - 1 do run("edp", layout:edp_group(t, e, stage)) end
    end
  end
end

-- Computations of a segment on every rank of a stage.
function Builder:compute(stage, segment, arrivals, gathered)
  for _, rank in ipairs(self.ranks_of[stage]) do
    local _, d = self.plan.layout:place(rank)
    local task = self.core:task_add {
      kind = "compute", src = self.hosts[rank + 1], tag = self.tag, start_ps = self.start_ps,
      duration_ps = math.floor(self.plan:segment_ps(segment, d) * self.slow[rank] + 0.5),
    }
    self:after(task, self.tail[rank])
    if arrivals then self:after(task, arrivals[rank]) end
    if gathered then
      self:after(task, self.gathers.dp[rank])
      self:after(task, self.gathers.edp[rank])
    end
    self.tail[rank] = task
  end
end

-- Parameters for a segment, gathered while the segment before it computes (ZeRO 3).
function Builder:gather(stage, sizes, previous)
  local tail = self.tail
  self.tail = previous or tail
  self:over_replicas("all_gather", stage, sizes, self.gathers)
  self.tail = tail
end

local function copy(self, stage)
  local tails = {}
  for _, rank in ipairs(self.ranks_of[stage]) do tails[rank] = self.tail[rank] end
  return tails
end

function Builder:segment(stage, segment, arrivals, before)
  local layout = self.plan.layout
  if segment.gather then self:gather(stage, segment.gather, before) end
  self:compute(stage, segment, arrivals, segment.gather)
  if segment.ep_bytes then
    for t = 0, layout.tp - 1 do
      for e = 0, layout.dp / layout.ep - 1 do
        self:collective("all_to_all", "ep", layout:ep_group(t, e, stage), segment.ep_bytes, false,
          segment.ep_volumes)
      end
    end
  end
  if segment.tp_bytes then
    for d = 0, layout.dp - 1 do
      self:collective("allreduce", "tp", layout:tp_group(d, stage), segment.tp_bytes)
    end
  end
  if segment.reduce then
    if self.plan.options.overlap then
      self:over_replicas(self.reduction, stage, segment.reduce, self.sums)
    else
      local later = self.deferred[stage]
      later[#later + 1] = segment.reduce
    end
  end
end

-- Messages to the stage of the next chunk, from each rank to its peer there.
function Builder:pass_on(op, chunk)
  local layout, arrivals = self.plan.layout, {}
  for _, rank in ipairs(self.ranks_of[op.stage]) do
    local t, d = layout:place(rank)
    local peer = layout:rank(t, d, chunk.stage)
    local task = self.core:task_add {
      kind = "send", src = self.hosts[rank + 1], dst = self.hosts[peer + 1],
      size_bytes = self.plan.message_bytes, tag = self.tag,
    }
    self:after(task, self.tail[rank])
    arrivals[peer] = task
  end
  return arrivals
end

function Builder:operation(op, arrivals)
  local before
  for _, segment in ipairs(self.plan:segments(op)) do
    local tails = copy(self, op.stage)
    self:segment(op.stage, segment, arrivals, before)
    arrivals, before = nil, tails
  end
  local chunk = self.plan:next_chunk(op)
  return chunk and self:pass_on(op, chunk)
end

-- Gradients of the table that the first and the last stage hold a copy of.
function Builder:sum_embeddings()
  local layout, bytes = self.plan.layout, self.plan.embedding_bytes
  if not bytes then return end
  for _, first in ipairs(self.ranks_of[0]) do
    local t, d = layout:place(first)
    local last = layout:rank(t, d, layout.pp - 1)
    self:collective("allreduce", "embedding", { first, last }, bytes)
  end
end

-- The end of an iteration at every rank: what is left of the sums, the optimizer, and the
-- parameters that it changed.
function Builder:update()
  local plan = self.plan
  for stage = 0, plan.layout.pp - 1 do
    for _, sizes in ipairs(self.deferred[stage]) do
      self:over_replicas(self.reduction, stage, sizes, self.sums)
    end
    self.deferred[stage] = {}
  end
  self:sum_embeddings()
  local kind = plan.options.optimizer > 0 and "compute" or "barrier"
  for rank = 0, plan.layout.size - 1 do
    local task = self.core:task_add {
      kind = kind, src = self.hosts[rank + 1], tag = self.tag,
      duration_ps = math.floor(plan.options.optimizer * self.slow[rank] + 0.5),
    }
    self:after(task, self.tail[rank])
    self:after(task, self.sums.dp[rank])
    self:after(task, self.sums.edp[rank])
    self.tail[rank], self.sums.dp[rank], self.sums.edp[rank] = task, nil, nil
  end
  for index = 0, #plan.chunks do
    local chunk = plan.chunks[index]
    if chunk.update then self:over_replicas("all_gather", chunk.stage, chunk.update) end
  end
end

function Builder:iteration()
  local arrivals, marks = {}, {}
  self.marks[#self.marks + 1] = marks
  for i, op in ipairs(self.plan.order) do
    marks[i] = self.core:stats().tasks_added
    arrivals[i] = self:operation(op, op.input and arrivals[op.input] or nil)
  end
  marks[#marks + 1] = self.core:stats().tasks_added
  self:update()
  local done = self.core:task_add { kind = "barrier", tag = self.tag }
  for rank = 0, self.plan.layout.size - 1 do self:after(done, self.tail[rank]) end
  return done
end

--- Add all iterations of a plan.
-- @tparam table plan of weft.workload.model_plan
-- @tparam table job `kind`, `options`, `sim`, `fabric`, `core` (the core's simulation), `engine`
-- (with `call`), `hosts` (node of each rank, from 1), `slow` (rank -> how many times as long it
-- computes), `tag`, `start_ps`
-- @treturn table `ends` (task at the end of each iteration), `marks` (of each iteration: the first
-- task of each operation of the schedule, and of what comes behind the last), `collectives` (kind
-- of group -> list of `{ first, last, kind, ranks, bytes }`: tasks that begin and end with it)
function M.add(plan, job)
  local builder = setmetatable({
    plan = plan, job = job, core = job.core, engine = job.engine, hosts = job.hosts,
    slow = job.slow, tag = job.tag, start_ps = job.start_ps,
    tail = {}, -- rank -> its last task
    sums = { dp = {}, edp = {} }, gathers = { dp = {}, edp = {} }, -- streams beside those
    groups = {}, ranks_of = {}, deferred = {}, collectives = {}, marks = {},
    reduction = plan.options.zero == 0 and "allreduce" or "reduce_scatter",
  }, Builder)
  -- What a group cannot do is found before anything is added.
  for _, row in ipairs(plan.traffic) do
    if row.group == "pp" or row.group == "embedding" then
      builder:check_stages(row.group)
    else
      for _, ranks in ipairs(plan.layout:groups(row.group)) do
        builder:check_group(row.group, ranks)
      end
    end
  end
  for stage = 0, plan.layout.pp - 1 do
    builder.ranks_of[stage], builder.deferred[stage] = {}, {}
  end
  for rank = 0, plan.layout.size - 1 do
    local _, _, stage = plan.layout:place(rank)
    table.insert(builder.ranks_of[stage], rank)
  end
  local ends = {}
  for i = 1, plan.options.iterations do ends[i] = builder:iteration() end
  return { ends = ends, marks = builder.marks, collectives = builder.collectives }
end

return M
