--- Pictures of scenarios/wormhole.lua: rates with skipped spans shaded, a partition, and beside a
-- run of the plain engine speed-ups and the distribution of errors.

local spans = require "weft.viz.spans"
local weft = require "weft"

-- Periods sampled in each panel of rates.
local PERIODS = 800

-- Skipped spans that are kept for shading.
local SPANS = 2 ^ 20

-- Messages of a ring in the close-up. Those of an all-to-all begin together.
local MESSAGES, MESSAGES_AT_ONCE = 3, 1.2

-- Errors of 0 have no place on a logarithmic axis.
local LEAST_PCT, MOST_PCT = 1e-6, 100

local ACCELERATIONS = { "steady", "memo", "both" }

-- The first collective between servers: experts' tokens, or else gradients; and how many of its
-- messages to show.
local function first_collective(job)
  local lists = job.started.collectives
  local list = lists.ep or lists.dp
  return list and list[1].first, lists.ep and MESSAGES_AT_ONCE or MESSAGES
end

-- When the close-up begins and ends: the first messages of that collective, and time before them.
local function close_up(run)
  local task, messages = first_collective(run.job)
  if not task then return nil end
  local begin_ps = run.sim:tasks():column "begin_ps"[task + 1]
  local flows = run.sim:flows()
  local of, start, fct = flows:column "task", flows:column "start_ps", flows:column "fct_ps"
  local longest = 0
  for i = 1, #flows do
    if of[i] == task and start[i] == begin_ps then longest = math.max(longest, fct[i]) end
  end
  return begin_ps, math.floor(begin_ps + messages * longest), longest
end

-- The NICs whose rates are drawn: that of the first GPU of each stage, few at most.
local function nics(run)
  local plan, hosts, list = run.job.started.plan, run.job.started.hosts, {}
  for stage = 0, math.min(plan.layout.pp, 3) - 1 do
    local host = hosts[plan.layout:rank(0, 0, stage) + 1]
    for _, link in ipairs(run.sim.fabric:links_of(host)) do
      local far = link.a == host and link.b or link.a
      if run.sim.fabric.nodes[far + 1].kind == "switch" then
        list[#list + 1] = 2 * link.id + (link.a == host and 0 or 1)
      end
    end
  end
  return list
end

-- Rows of skipped spans of partitions on the rail of the first GPU, cut to what is shown.
local function skipped(run, from_ps, to_ps)
  local rows, rails = {}, run.job.started.plan.layout.tp
  local src = run.sim:flows():column "src"
  for _, row in run.sim:spans():rows() do
    if src[row.flow + 1] % rails == 0 and row.end_ps > from_ps and row.begin_ps < to_ps then
      row.begin_ps, row.end_ps = math.max(row.begin_ps, from_ps), math.min(row.end_ps, to_ps)
      rows[#rows + 1] = row
    end
  end
  return rows
end

-- Run once more, sampled between two moments: a panel.
local function rate_panel(data, title, from_ps, to_ps)
  local run = data.prepare(data.run.accel, { spans = SPANS })
  local ports = nics(run)
  if from_ps > 0 then run.sim:run { stop_at = from_ps / 1e12 } end
  run.sim:sample {
    period = (to_ps - from_ps) / PERIODS / 1e12, capacity = 2 * PERIODS, ports = ports,
  }
  run.sim:run { stop_at = to_ps / 1e12 }
  local series = weft.viz.rate_series(run.sim, { ports = ports })
  for _, one in ipairs(series) do one.width, one.dash = 0.8, false end
  local shades, names = spans.shades(skipped(run, from_ps, to_ps))
  for _, name in ipairs(names) do series[#series + 1] = name end
  return {
    title = title, series = series, spans = shades,
    x = { label = "time", unit = "s", min = from_ps / 1e12, max = to_ps / 1e12 },
    y = { label = "rate of NICs", unit = "bit/s", min = 0 },
  }
end

local function draw_rates(path, data)
  local begin_ps, end_ps, message_ps = close_up(data.run)
  if not begin_ps then return nil end
  local iteration_ps = data.run.sim:now_ps()
  local before_ps = math.max(0, begin_ps - math.floor(message_ps / 4))
  weft.viz.chart.new({
    height = 4.6, title = "rates; shaded: skipped on the rail of the first GPU",
    panels = {
      rate_panel(data, "iteration", 0, iteration_ps),
      rate_panel(data, "the first messages between servers", before_ps,
        math.min(end_ps, iteration_ps)),
    },
  }):write(path "rates.png")
  return "rates.png"
end

-- Flows that contend in the middle of the first message between servers: the largest partition.
local function draw_partition(path, data)
  local begin_ps, _, message_ps = close_up(data.run)
  if not begin_ps then return nil end
  local run = data.prepare(data.run.accel)
  run.sim:run { stop_at = (begin_ps + math.floor(message_ps / 2)) / 1e12 }
  local partitions, chosen = run.sim:partitions { acks = "all" }, 1
  for i, one in ipairs(partitions) do
    if #one.flows > #partitions[chosen].flows then chosen = i end
  end
  if #partitions == 0 then return nil end
  weft.viz.partition(partitions, chosen, {
    file = path "partition.png",
    title = ("one of %d partitions, in the first message"):format(#partitions),
  })
  return "partition.png"
end

local function draw_comparison(path, data)
  local speedups, curves = {}, {}
  for i, accel in ipairs(ACCELERATIONS) do
    local row, errors = data.row, data.errors
    if accel ~= data.run.accel then
      row, errors = data.compare(data.complete(data.prepare(accel)), data.plain)
    end
    speedups[i] = row.speedup
    local percents = {}
    for k, one in ipairs(errors) do percents[k] = math.max(100 * one, LEAST_PCT) end
    curves[i] = { kind = "cdf", label = accel, values = percents }
  end
  weft.viz.chart.new({
    title = "speed-up against the plain engine", width = "column",
    x = { categories = ACCELERATIONS }, y = { label = "plain wall time over wall time", min = 0 },
    series = { { kind = "bars", y = speedups } },
  }):write(path "speedup.png")
  weft.viz.chart.new({
    title = "errors of completion times", width = "column",
    x = { label = ("error of a flow, %% (least: %g)"):format(LEAST_PCT), scale = "log",
      min = LEAST_PCT, max = MOST_PCT },
    y = { label = "share of flows", min = 0, max = 1 }, series = curves,
  }):write(path "errors.png")
  return "speedup.png errors.png"
end

--- Draw rates.png and partition.png, and with a plain run speedup.png and errors.png.
-- @tparam function path from a file's name to its path
-- @tparam table data `run`, `plain`, `row`, `errors`; `prepare` (accel -> a run that is ready),
-- `complete` (runs it), `compare` (rows of two runs)
-- @treturn string what was drawn
return function(path, data)
  local drawn = { draw_rates(path, data) }
  drawn[#drawn + 1] = draw_partition(path, data)
  if data.plain then drawn[#drawn + 1] = draw_comparison(path, data) end
  return table.concat(drawn, " ")
end
