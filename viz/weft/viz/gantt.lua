--- What each host did when: computing, taking part in collectives, sending; a row for each host.
local canvas = require "weft.viz.canvas"
local axes = require "weft.viz.axes"
local fail = require "weft.fail"
local legend = require "weft.viz.legend"
local palette = require "weft.viz.palette"
local util = require "weft.util"

local gantt = {}

local MARGIN, ROW_MOST, ROW_LEAST, HEIGHT = 8, 14, 0.8, 360 -- points
local COMPUTE, COLLECTIVE = 0, 3 -- kinds of tasks

-- Bars { host, from_ps, to_ps, kind }: of tasks that stand for a host, and of what hosts have sent
-- or got for a collective, from its beginning to the last that they had to do with.
local function bars_of(sim, tag)
  local tasks, flows, now_ps = sim:tasks(), sim:flows(), sim:now_ps()
  local bars, parts, kinds, begins = {}, {}, tasks:column "kind", tasks:column "begin_ps"
  local ends, hosts, tags = tasks:column "end_ps", tasks:column "src", tasks:column "tag"
  for i, kind in ipairs(kinds) do
    if kind == COMPUTE and begins[i] >= 0 and (not tag or tags[i] == tag) then
      bars[#bars + 1] = { host = hosts[i], from = begins[i],
        to = ends[i] >= 0 and ends[i] or now_ps, kind = "compute" }
    end
  end
  local src, dst, task, start = flows:column "src", flows:column "dst", flows:column "task",
    flows:column "start_ps"
  local fct, ideal, owner = flows:column "fct_ps", flows:column "ideal_ps", flows:column "tag"
  for i, of in ipairs(task) do
    if ideal[i] >= 0 and (not tag or owner[i] == tag) then
      local is_collective = kinds[of + 1] == COLLECTIVE
      local to = fct[i] >= 0 and start[i] + fct[i] or now_ps
      for _, host in ipairs(is_collective and { src[i], dst[i] } or { src[i] }) do
        local key = is_collective and of * 2 ^ 20 + host or -i
        local bar = parts[key]
        if not bar then
          bar = { host = host, from = is_collective and begins[of + 1] or start[i], to = to,
            kind = is_collective and "collective" or "send" }
          parts[key] = bar
          bars[#bars + 1] = bar
        end
        bar.to = math.max(bar.to, to)
      end
    end
  end
  return bars
end

local ORDER = { "compute", "collective", "send" }
local COLOURS = {
  compute = palette.category(2), collective = palette.category(1), send = palette.category(5),
}

local function draw_rows(page, sim, bars, hosts, room, x)
  local pitch, row = (room.bottom - room.top) / #hosts, {}
  for i, host in ipairs(hosts) do row[host] = i end
  local each = math.max(1, math.ceil(8 / pitch))
  for i, host in ipairs(hosts) do
    local y = room.top + (i - 0.5) * pitch
    if (i - 1) % each == 0 then
      page:text(room.left - 4, y, sim.fabric.nodes[host + 1].name,
        { size = 6.5, align = "right", valign = "middle" })
    end
    page:line(room.left, y, room.right, y, { stroke = palette.grid, width = 0.3 })
  end
  for _, kind in ipairs(ORDER) do
    for _, bar in ipairs(bars) do
      if bar.kind == kind then
        local from, to = x:at(bar.from / 1e12), x:at(bar.to / 1e12)
        local thick = pitch * (kind == "send" and 0.35 or 0.75)
        page:rectangle(from, room.top + (row[bar.host] - 0.5) * pitch - thick / 2,
          math.max(0.4, to - from), thick, { fill = COLOURS[kind], alpha = 0.85 })
      end
    end
  end
end

local function draw(page, sim, options, bars, hosts)
  local y = MARGIN
  if options.title then
    y = page:wrapped(MARGIN, y, options.title, { size = 9, weight = "bold" },
      page.width - 2 * MARGIN) + 6
  end
  local first, last, names = math.huge, 0, 0
  for _, bar in ipairs(bars) do first, last = math.min(first, bar.from), math.max(last, bar.to) end
  for _, host in ipairs(hosts) do
    names = math.max(names, (page:measure(sim.fabric.nodes[host + 1].name, 6.5)))
  end
  local pitch = math.max(ROW_LEAST, math.min(ROW_MOST, HEIGHT / #hosts))
  local room = { left = MARGIN + names + 6, right = page.width - MARGIN - 8, top = y,
    bottom = y + pitch * #hosts }
  local x = axes.new({ label = "time", unit = "s", tight = true }, first / 1e12, last / 1e12, 8)
  x:place(room.left, room.right)
  draw_rows(page, sim, bars, hosts, room, x)
  axes.draw_bottom(page, x, room.bottom + 2)
  local items, seen = {}, {}
  for _, bar in ipairs(bars) do seen[bar.kind] = true end
  for _, kind in ipairs(ORDER) do
    if seen[kind] then
      items[#items + 1] = { kind = "line", label = kind, color = COLOURS[kind], width = 5 }
    end
  end
  local below = room.bottom + axes.bottom_height(x) + 8
  local _, height = legend.size(page, items, page.width - 2 * MARGIN)
  legend.series(page, items, room.left, below, page.width - 2 * MARGIN)
  return below + height + MARGIN
end

--- Draw.
-- @tparam Simulation sim
-- @tparam table options as checked by weft.viz.gantt
-- @treturn canvas
function gantt.draw(sim, options)
  local bars, hosts = bars_of(sim, options.job and options.job.tag), {}
  for _, bar in ipairs(bars) do hosts[bar.host] = true end
  hosts = util.sorted_keys(hosts)
  if #bars == 0 then fail.raise "gantt: nothing has begun: expected a simulation that has run" end
  return canvas.fit(options.file, options.width, options.width, function(page)
    return draw(page, sim, options, bars, hosts)
  end)
end

return gantt
