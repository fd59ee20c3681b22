--- Pictures of scenarios/wormhole.lua: rates with skipped spans shaded, a partition, and beside a
-- run of the plain engine speed-ups and the distribution of errors.

local spans = require "weft.viz.spans"
local weft = require "weft"

-- Intervals in each panel of rates.
local PERIODS = 800

local MEMO = 3 -- phase of a span, enum weft_phase

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

-- The first GPU of each stage, few at most: all on one rail.
local function senders(run)
  local plan, hosts, list = run.job.started.plan, run.job.started.hosts, {}
  for stage = 0, math.min(plan.layout.pp, 3) - 1 do
    list[#list + 1] = hosts[plan.layout:rank(0, 0, stage) + 1]
  end
  return list
end

-- What arrived of a host's flows by each of some moments, as a function of the moment, for a run
-- like one that is over. Not a port's bytes: those of a skip all count when it ends.
local function arrivals(over, sim, host)
  local flows, waiting = over.sim:flows(), {}
  local src, start, size = flows:column "src", flows:column "start_ps", flows:column "size_bytes"
  for i = 1, #flows do
    if src[i] == host then
      waiting[#waiting + 1] = { row = i - 1, start_ps = start[i], size_bytes = size[i] }
    end
  end
  table.sort(waiting, function(x, y) return x.start_ps < y.start_ps end)
  local begun, ended_bytes = 1, 0
  return function(now_ps)
    local bytes = 0
    for i = begun, #waiting do
      local flow = waiting[i]
      if flow.start_ps >= now_ps then break end
      local delivered = sim.core:column("flows", "delivered_bytes", flow.row, 1)[1]
      bytes = bytes + delivered
      if i == begun and delivered == flow.size_bytes then
        begun, ended_bytes = begun + 1, ended_bytes + delivered
        bytes = bytes - delivered
      end
    end
    return ended_bytes + bytes
  end
end

-- Rows of skipped spans of partitions on the rail of the first GPU, cut to what is shown.
local function skipped(run, from_ps, to_ps)
  local rows, rails = {}, run.job.started.plan.layout.tp
  local src = run.sim:flows():column "src"
  for _, row in run.sim:spans():rows() do
    local here = src[row.flow + 1] % rails == 0
    if here and row.end_ps > from_ps and row.begin_ps < to_ps then
      row.begin_ps, row.end_ps = math.max(row.begin_ps, from_ps), math.min(row.end_ps, to_ps)
      rows[#rows + 1] = row
    end
  end
  return rows
end

-- Of a known transient only the end is known, and when another partition is still in it not even
-- that: it is drawn with its mean rates.
local function level_out(rates, rows, from_ps, width_ps)
  for _, row in ipairs(rows) do
    if row.phase == MEMO then
      local first = math.floor((row.begin_ps - from_ps) / width_ps) + 1
      local last = math.min(#rates, math.floor((row.end_ps - from_ps) / width_ps) + 1)
      local sum = 0
      for k = first, last do sum = sum + rates[k] end
      for k = first, last do rates[k] = sum / (last - first + 1) end
    end
  end
end

-- Run once more, looking at equal intervals between two moments: a panel.
local function rate_panel(data, title, from_ps, to_ps)
  local run = data.prepare(data.run.accel, { spans = SPANS })
  local sim, curves, width_ps = run.sim, {}, (to_ps - from_ps) / PERIODS
  local arrived, last = {}, {}
  for i, host in ipairs(senders(run)) do
    arrived[i] = arrivals(data.run, sim, host)
    curves[i] = {
      kind = "step", label = sim.fabric:node(host).name, x = {}, y = {}, width = 0.8, dash = false,
    }
  end
  for k = 0, PERIODS do
    local now_ps = math.floor(from_ps + k * width_ps)
    sim:run { stop_at = now_ps / 1e12 }
    for i, curve in ipairs(curves) do
      local bytes = arrived[i](now_ps)
      curve.x[k + 1] = now_ps / 1e12
      if k > 0 then curve.y[k] = (bytes - last[i]) * 8e12 / width_ps end
      last[i] = bytes
    end
  end
  local rows = skipped(run, from_ps, to_ps)
  for _, curve in ipairs(curves) do level_out(curve.y, rows, from_ps, width_ps) end
  local shades, names = spans.shades(rows)
  for _, name in ipairs(names) do curves[#curves + 1] = name end
  return {
    title = title, series = curves, spans = shades, legend = "below",
    x = { label = "time", unit = "s", min = from_ps / 1e12, max = to_ps / 1e12 },
    y = { label = "payload arrived", unit = "bit/s", min = 0 },
  }
end

local function draw_rates(path, data)
  local begin_ps, end_ps, message_ps = close_up(data.run)
  if not begin_ps then return nil end
  local iteration_ps = data.run.sim:now_ps()
  local before_ps = math.max(0, begin_ps - math.floor(message_ps / 4))
  weft.viz.chart.new({
    height = 5.2, title = "rates; shaded: skipped on this rail",
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
  local names, speedups, curves = {}, {}, {}
  for i, accel in ipairs(ACCELERATIONS) do
    local row, errors = data.row, data.errors
    if accel ~= data.run.accel then
      row, errors = data.compare(data.complete(data.prepare(accel)), data.plain)
    end
    names[i], speedups[i] = ("%s, %.0f x"):format(accel, row.speedup), row.speedup
    local percents = {}
    for k, one in ipairs(errors) do percents[k] = math.max(100 * one, LEAST_PCT) end
    curves[i] = { kind = "cdf", label = accel, values = percents }
  end
  weft.viz.chart.new({
    title = "speed-up against the plain engine", width = "column",
    x = { categories = names }, y = { label = "plain wall time over wall time", min = 0 },
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
