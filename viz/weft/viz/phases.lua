--- Picture of what partitions did over time: what was skipped, as a steady state or as a known
-- transient, and what was simulated in between. A partition is a bar; those that follow one another
-- share a lane.
local axes = require "weft.viz.axes"
local canvas = require "weft.viz.canvas"
local fail = require "weft.fail"
local format = require "weft.viz.format"
local legend = require "weft.viz.legend"
local palette = require "weft.viz.palette"
local skipped = require "weft.viz.spans"
local util = require "weft.util"

local phases = {}

local MARGIN, SIZE = 8, 7 -- points
local PITCH, LEAST_PITCH, COLUMN = 9, 1, 300 -- of lanes; height wanted of all at most
local GAP = 0.004 -- of the time shown, between bars of a lane, so that they can be told apart

--- Partitions with their spans, by their beginning, and how much of their time was skipped.
local function partitions_of(rows)
  local list = {}
  for i, spans in ipairs(util.group_by(rows, function(row) return row.partition end)) do
    local one = {
      number = spans[1].partition, from = math.huge, to = 0, skipped = 0, spans = spans,
    }
    for _, row in ipairs(spans) do
      one.from, one.to = math.min(one.from, row.begin_ps), math.max(one.to, row.end_ps)
      one.skipped = one.skipped + row.end_ps - row.begin_ps
    end
    list[i] = one
  end
  table.sort(list, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.number < b.number
  end)
  return list
end

--- Put each partition into the first lane that is free when it begins.
-- @treturn number how many lanes there are
local function assign_lanes(list, gap)
  local free_from = {}
  for _, one in ipairs(list) do
    local lane = 1
    while free_from[lane] and free_from[lane] > one.from do lane = lane + 1 end
    free_from[lane], one.lane = one.to + gap, lane
  end
  return #free_from
end

local function draw_bars(page, graph, x, top, pitch)
  local height = pitch > 3 and 0.8 * pitch or pitch
  for _, one in ipairs(graph.list) do
    local y = top + (one.lane - 1) * pitch
    local function bar(row, colour)
      local left = x:at(row[1] / 1e12)
      page:rectangle(left, y, math.max(0.3, x:at(row[2] / 1e12) - left), height, { fill = colour })
    end
    bar({ one.from, one.to }, palette.muted)
    for _, row in ipairs(one.spans) do
      bar({ row.begin_ps, row.end_ps }, skipped.strong[row.phase])
    end
  end
end

local key = {
  { kind = "bars", label = "steady state, skipped", color = skipped.strong[2] },
  { kind = "bars", label = "known transient, skipped", color = skipped.strong[3] },
  { kind = "bars", label = "simulated in between", color = palette.muted },
}

local function draw(page, graph, options)
  local y = MARGIN
  if options.title then
    local box = page:text(MARGIN, y, options.title, { size = 9, weight = "bold", valign = "top" })
    y = y + box[4] + 4
  end
  page:text(MARGIN, y, graph.subtitle, { size = SIZE, valign = "top", color = palette.faint })
  y = y + SIZE + 8
  local pitch = math.max(LEAST_PITCH, math.min(PITCH, COLUMN / graph.lanes))
  local height = graph.lanes * pitch
  local x = axes.new({ label = "time", unit = "s", tight = true }, graph.from / 1e12,
    graph.to / 1e12, page.width / 55)
  x:place(MARGIN + 4, page.width - MARGIN - 4)
  for _, tick in ipairs(x.ticks) do
    page:line(x:at(tick), y, x:at(tick), y + height, { stroke = palette.grid, width = 0.5 })
  end
  draw_bars(page, graph, x, y, pitch)
  axes.draw_bottom(page, x, y + height + 2)
  local below = y + height + 2 + axes.bottom_height(x) + 6
  local width = page.width - 2 * MARGIN
  legend.series(page, key, MARGIN, below, width)
  local _, legend_height = legend.size(page, key, width)
  return below + legend_height + MARGIN
end

--- Draw what partitions did.
-- @param from simulation, sim:spans(), or rows of it
-- @tparam table options as checked by weft.viz.phases
-- @treturn canvas the page that was written
function phases.draw(from, options)
  local rows = skipped.rows(from)
  if not rows then
    fail.raise("phases: expected a simulation or sim:spans(), got %s", fail.show(from))
  elseif #rows == 0 then
    fail.raise "phases: no spans: either nothing was skipped, or spans = N was not given before"
  end
  local graph = { list = partitions_of(rows), from = math.huge, to = 0 }
  local lasted, left_out = 0, 0
  for _, one in ipairs(graph.list) do
    graph.from, graph.to = math.min(graph.from, one.from), math.max(graph.to, one.to)
    lasted, left_out = lasted + one.to - one.from, left_out + one.skipped
  end
  graph.lanes = assign_lanes(graph.list, GAP * (graph.to - graph.from))
  graph.subtitle = ("%s of %s: %.4g %% of their time"):format(format.count(#rows, "span"),
    format.count(#graph.list, "partition"), lasted > 0 and 100 * left_out / lasted or 0)
  return canvas.fit(options.file, options.width, 2000, function(page)
    return draw(page, graph, options)
  end)
end

return phases
