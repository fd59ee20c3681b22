--- Pictures of scenarios/geo_training.lua: iteration times beside the bounds, iterations while
-- rates change, and when which link is busy.

local weft = require "weft"

local geo = weft.geo

local M = {}

-- Bins of time in the picture of links.
local BINS = 120

--- Times of strategies as bars, with the bounds as lines.
-- @tparam function path from a file's name to its path
-- @tparam {table,...} summary rows by strategy
-- @tparam {table,...} rows of all overlays, with `cut_s` and `trees_s`
-- @treturn string what was drawn
function M.bars(path, summary, rows)
  local names, seconds, low = {}, {}, math.huge
  for i, row in ipairs(summary) do
    names[i], seconds[i] = row.strategy, row.iteration_s
    low = math.min(low, row.iteration_s)
  end
  local series = { { kind = "bars", y = seconds } }
  local function bound(label, name, dash)
    local values, x, y = {}, {}, {}
    for _, row in ipairs(rows) do values[#values + 1] = row[name] end
    if #values ~= #rows then return end
    local mean = weft.stats.mean(values)
    low = math.min(low, mean)
    for i = 1, #names do x[i], y[i] = i, mean end
    series[#series + 1] = { kind = "line", label = label, x = x, y = y, dash = dash,
      color = { 0.2, 0.2, 0.2 } }
  end
  bound("best packing of trees", "trees_s", false)
  bound("smallest cut", "cut_s", { 4, 3 })
  weft.viz.chart.new({
    title = "an iteration", x = { categories = names },
    y = { label = "time", unit = "s", scale = "log", min = low / 2 }, series = series,
  }):write(path "strategies.png")
  return "strategies.png"
end

-- Changes of rates that are marked.
local CHANGES = 40

--- Iterations over time, of each strategy.
-- @tparam function path from a file's name to its path
-- @tparam {table,...} rows iterations
-- @tparam Trace trace
-- @treturn string what was drawn
function M.iterations(path, rows, trace)
  local series, last = {}, 0
  for _, group in ipairs(weft.util.group_by(rows, function(row) return row.strategy end)) do
    local x, y = {}, {}
    for i, row in ipairs(group) do
      x[i], y[i], last = row.start_s, row.seconds, math.max(last, row.start_s)
    end
    series[#series + 1] = { kind = "step", label = group[1].strategy, x = x, y = y }
  end
  local events = {}
  for k = 2, #trace.starts <= CHANGES and #trace.starts or 0 do
    if trace.starts[k] < last then events[#events + 1] = { at = trace.starts[k] } end
  end
  weft.viz.chart.new({
    title = "iterations while rates change", x = { label = "begins at", unit = "s" },
    y = { label = "time", unit = "s", scale = "log" }, series = series, events = events,
  }):write(path "iterations.png")
  return "iterations.png"
end

-- Part of each bin in which each link is busy.
local function busy(plan)
  local spans, overlay = {}, plan.overlay
  local seconds = geo.fifo.run(plan, { observe = function(link, _, took, now)
    spans[#spans + 1] = { link, now - took, now }
  end })
  local width, values = seconds / BINS, {}
  for link = 1, overlay.links do
    values[link] = {}
    for bin = 1, BINS do values[link][bin] = 0 end
  end
  for _, span in ipairs(spans) do
    local row, from, to = values[span[1]], span[2], span[3]
    for bin = math.floor(from / width) + 1, math.min(BINS, math.ceil(to / width)) do
      local part = math.min(to, bin * width) - math.max(from, (bin - 1) * width)
      row[bin] = row[bin] + math.max(part, 0) / width
    end
  end
  return values, width
end

-- Links that fit into a picture by name.
local LINKS = 60

--- When each link of an overlay is busy, by strategy.
-- @tparam function path from a file's name to its path
-- @tparam Overlay overlay
-- @tparam {number,...} tensors
-- @tparam {table,...} list strategies
-- @treturn ?string what was drawn; nil with too many links
function M.links(path, overlay, tensors, list)
  local panels, names = {}, {}
  if overlay.links > LINKS then return nil end
  for link = 1, overlay.links do
    names[link] = ("%s-%s"):format(overlay.names[overlay.from[link]],
      overlay.names[overlay.to[link]])
  end
  for _, one in ipairs(list) do
    if one.strategy.plan and #panels < 8 then
      local values, width = busy(one.strategy.plan(overlay, tensors, one.options))
      local edges = {}
      for bin = 0, BINS do edges[bin + 1] = bin * width end
      panels[#panels + 1] = {
        title = one.strategy.name, x = { label = "time", unit = "s" },
        heat = { x = edges, rows = names, values = values, label = "busy", min = 0, max = 1 },
      }
    end
  end
  if #panels == 0 then return nil end
  local columns = math.min(2, #panels)
  weft.viz.chart.new({ columns = columns, height = 3.6 * math.ceil(#panels / columns),
    panels = panels }):write(path "links.png")
  return "links.png"
end

-- Data centres of a picture that can be looked at.
local NODES = 40

--- The overlay, with trees of the last strategy that has a plan.
-- @tparam function path from a file's name to its path
-- @tparam Overlay overlay
-- @tparam {number,...} tensors
-- @tparam {table,...} list strategies
-- @treturn ?string what was drawn; nil with too many data centres
function M.overlay(path, overlay, tensors, list)
  if overlay.nodes > NODES then return nil end
  local plan, name
  for _, one in ipairs(list) do
    if one.strategy.plan then
      plan, name = one.strategy.plan(overlay, tensors, one.options), one.strategy.name
    end
  end
  weft.viz.overlay(overlay, { file = path "overlay.png", plan = plan,
    title = name and ("%s: %s"):format(overlay.name, name) or overlay.name })
  return "overlay.png"
end

return M
