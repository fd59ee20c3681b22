--- Picture of a fabric: tiers in rows, links coloured by utilization or rate, degraded ones marked.
local canvas = require "weft.viz.canvas"
local format = require "weft.viz.format"
local groups = require "weft.viz.groups"
local layout = require "weft.viz.layout"
local legend = require "weft.viz.legend"
local links = require "weft.viz.links"
local names = require "weft.viz.names"
local palette = require "weft.viz.palette"

local topology = {}

local MARGIN = 8 -- points, around everything
local SMALL, LEAST = 6.5, 5 -- sizes of labels: wanted, and still readable in print
local LABEL_GAP = 1.5 -- between neighbouring labels

local fills = {
  host = palette.paper, switch = { 0.91, 0.93, 0.95 }, nvswitch = { 0.98, 0.94, 0.84 },
}
local called = { host = "host", switch = "switch", nvswitch = "NVSwitch" }
local class_names = { net = "network", nvlink = "NVLink", pcie = "PCIe" }

--- One node at its place; weight grows with its size.
local function draw_node(page, place)
  local style = { fill = fills[place.kind], stroke = palette.ink }
  style.width = math.min(0.7, 0.08 * place.height + 0.1)
  if place.kind == "host" then
    page:circle(place.x, place.y, place.width / 2, style)
  else
    local width, height = place.width, place.height
    style.radius = place.kind == "nvswitch" and height / 2 or 1.5
    page:rectangle(place.x - width / 2, place.y - height / 2, width, height, style)
  end
end

topology.draw_node = draw_node

local HOSTS_MOST = 256 -- beyond it nodes are drawn in groups

-- Colours by a count of the table of ports, and the bar that says what they mean.
local function by_count(states, what)
  local highest, column = 0, links.columns[what]
  for _, state in ipairs(states) do highest = math.max(highest, state.value or 0) end
  local scale, prefix = format.prefix(highest)
  local unit = column.unit and prefix .. column.unit or prefix
  return function(state)
    if not state.value or state.value == 0 then return palette.grid end
    return palette.sequential(state.value / highest)
  end, { bar = {
    title = column.title .. ", busier direction", max = math.max(highest, 1),
    text = function(value)
      local shown = format.number(tonumber(("%.3g"):format(value / scale)))
      return unit == "" and shown or shown .. " " .. unit
    end,
  } }
end

--- Colour of each link, and what the legend must say about it.
-- Returns colour(state), { bar = { max = } } or { colours = { { label, colour } } } or {}.
local function colouring(states, mode)
  if mode == "utilization" then
    local highest = 0
    for _, state in ipairs(states) do highest = math.max(highest, state.utilization or 0) end
    local max = format.bound(highest)
    return function(state)
      return state.utilization and palette.sequential(state.utilization / max) or palette.muted
    end, { bar = { max = max } }
  end
  if links.columns[mode] then return by_count(states, mode) end
  if mode == "rate" then
    local list, seen = {}, {}
    for _, state in ipairs(states) do
      if not seen[state.rate_bps] then
        seen[state.rate_bps] = true
        list[#list + 1] = state.rate_bps
      end
    end
    table.sort(list)
    local rates = {}
    for i, rate in ipairs(list) do
      local t = #list > 1 and 0.25 + 0.75 * (i - 1) / (#list - 1) or 0.6
      seen[rate] = palette.sequential(t)
      rates[i] = { label = format.si(rate, "bit/s"), colour = seen[rate] }
    end
    return function(state) return seen[state.rate_bps] end, { colours = rates }
  end
  if mode == "class" then
    local seen, classes = {}, {}
    for _, state in ipairs(states) do seen[state.class] = true end
    for i, class in ipairs { "net", "nvlink", "pcie" } do
      local colour = palette.category(i)
      if seen[class] then table.insert(classes, { label = class_names[class], colour = colour }) end
      seen[class] = colour
    end
    return function(state) return seen[state.class] end, { colours = classes }
  end
  return function() return palette.faint end, {}
end

--- Width of an ordinary link: thinner in crowded pictures, a little thicker for higher rates.
local function link_width(fabric, states, hosts)
  local slowest = math.huge
  for i, link in ipairs(fabric.links) do
    if not states[i].degraded then slowest = math.min(slowest, link.rate_bps) end
  end
  local base = hosts <= 40 and 1 or hosts <= 160 and 0.75 or 0.4
  return function(link)
    return base * math.max(1, math.min(1.8, (link.rate_bps / slowest) ^ 0.25))
  end
end

--- Ends of a link, parallel links beside one another; far = nodes of the same row are between.
local function ends_of(fabric, plan)
  local seen, rank, places = {}, {}, plan.places
  for _, row in ipairs(plan.rows) do
    for i, id in ipairs(row.ids) do rank[id] = i end
  end
  return function(link)
    local a, b = places[link.a], places[link.b]
    local key = math.min(link.a, link.b) * #fabric.nodes + math.max(link.a, link.b)
    seen[key] = (seen[key] or 0) + 1
    local aside = (seen[key] - 1) * 2
    local far = math.abs(rank[link.a] - rank[link.b]) > 1
    return { a.x + aside, a.y, b.x + aside, b.y, far = a.tier == b.tier and far }
  end
end

local function stroke_link(page, line, style)
  local x1, y1, x2, y2 = line[1], line[2], line[3], line[4]
  if line.far then
    -- Within a row: an arc above the nodes between the two.
    local rise = math.min(24, 6 + 0.12 * math.abs(x1 - x2))
    page:curve(x1, y1, x1, y1 - rise, x2, y2 - rise, x2, y2, style)
  else
    page:line(x1, y1, x2, y2, style)
  end
end

--- A degraded link: its colour within white within vermillion; only broken vermillion when down.
local function stroke_degraded(page, line, state, colour, width)
  if state.degraded and state.factor == 0 then
    stroke_link(page, line, { stroke = palette.alarm, width = width + 1.5, dash = { 4, 2.5 } })
  else
    stroke_link(page, line, { stroke = palette.alarm, width = width + 3.4 })
    stroke_link(page, line, { stroke = palette.paper, width = width + 1.2 })
    stroke_link(page, line, { stroke = colour, width = width })
  end
end

topology.stroke_degraded = stroke_degraded

--- All links: the busiest on top of the others, degraded ones on top of all.
local function draw_links(page, fabric, plan, states, colour, width_of)
  local line_of, order, lines = ends_of(fabric, plan), {}, {}
  for i, link in ipairs(fabric.links) do
    lines[i] = line_of(link)
    order[i] = i
  end
  table.sort(order, function(i, j)
    local a, b = states[i], states[j]
    local a_bad, b_bad = a.degraded or a.was_bad or false, b.degraded or b.was_bad or false
    if a_bad ~= b_bad then return b_bad end
    local u, v = a.value or 0, b.value or 0
    if u ~= v then return u < v end
    return i < j
  end)
  for _, i in ipairs(order) do
    local state, width = states[i], width_of(fabric.links[i])
    if state.degraded or state.was_bad then
      stroke_degraded(page, lines[i], state, colour(state), width)
    else
      stroke_link(page, lines[i], { stroke = colour(state), width = width })
    end
  end
  return lines
end

--- Boxes behind servers and pods.
local function draw_boxes(page, plan)
  local style = { fill = palette.shade, stroke = palette.edge, width = 0.5, radius = 3 }
  for _, pod in ipairs(plan.pods) do
    page:rectangle(pod.x1 - 3, pod.y1 - 4, pod.x2 - pod.x1 + 6, pod.y2 - pod.y1 + 8, style)
  end
  local hosts
  for _, row in ipairs(plan.rows) do hosts = row.tier == 0 and row or hosts end
  for _, block in ipairs(plan.blocks) do
    if block.server then
      local top = hosts.y - plan.places[block.hosts[1]].height / 2 - 3
      page:rectangle(block.x - 1, top, block.width + 2, plan.bottom + 4 - top, style)
    end
  end
end

--- The first of several ways to label for which all texts fit; a way is { size, turned, texts },
-- and texts[i] has the room rooms[i].
local function first_fitting(page, ways, rooms)
  for _, way in ipairs(ways) do
    local fits = true
    for i, text in ipairs(way.texts) do
      local width, height = page:measure(text, way.size)
      fits = fits and (way.turned and height or width) + LABEL_GAP <= rooms[i]
    end
    if fits then return way end
  end
end

--- Labels inside the nodes of a row: the number, or the whole name; none if they don't fit.
local function label_nodes(page, fabric, plan, row)
  local full, rooms = {}, {}
  for i, id in ipairs(row.ids) do
    full[i] = fabric.nodes[id + 1].name
    rooms[i] = plan.places[id].width + (row.tier == 0 and 0.6 or 0)
  end
  local _, numbers = names.common(full)
  local ways = {}
  for _, size in ipairs { SMALL, 6, 5.5, LEAST } do
    if size <= plan.places[row.ids[1]].height then
      if #row.ids == 1 or not numbers then ways[#ways + 1] = { size = size, texts = full } end
      if numbers then
        local short = {}
        for i, n in ipairs(numbers) do short[i] = ("%d"):format(n) end
        ways[#ways + 1] = { size = size, texts = short }
      end
    end
  end
  local way = first_fitting(page, ways, rooms)
  for i, id in ipairs(way and row.ids or {}) do
    local place = plan.places[id]
    page:text(place.x, place.y, way.texts[i],
      { size = way.size, align = "center", valign = "middle" })
  end
  return way ~= nil
end

--- Captions under the blocks of hosts: server and range, as much of it as fits.
local function label_blocks(page, fabric, plan, hosts_labelled, y)
  local all, rooms, ranges, titles, both = {}, {}, {}, {}, {}
  for _, node in ipairs(fabric.nodes) do
    if node.kind == "host" then all[#all + 1] = node.name end
  end
  local prefix = names.common(all)
  for i, block in ipairs(plan.blocks) do
    local inside = {}
    for k, id in ipairs(block.hosts) do inside[k] = fabric.nodes[id + 1].name end
    local _, numbers = names.common(inside)
    ranges[i] = numbers and names.ranges(numbers) or ("%d hosts"):format(#inside)
    titles[i] = numbers and prefix and prefix .. ranges[i] or ranges[i]
    both[i] = ("server %d: %s"):format(i - 1, titles[i])
    rooms[i] = block.width
  end
  local servers = plan.blocks[1] and plan.blocks[1].server
  if not servers and (hosts_labelled or not prefix) then return y end
  local ways = {}
  if servers then ways[1] = { size = SMALL, texts = both } end
  for _, size in ipairs { SMALL, 6, 5.5 } do ways[#ways + 1] = { size = size, texts = titles } end
  for _, size in ipairs { 6, 5.5, LEAST } do ways[#ways + 1] = { size = size, texts = ranges } end
  for _, size in ipairs { 6, LEAST } do
    ways[#ways + 1] = { size = size, texts = ranges, turned = true }
  end
  local way, lowest = first_fitting(page, ways, rooms), y
  for i, block in ipairs(way and plan.blocks or {}) do
    local style = { size = way.size, color = palette.faint, align = "center", valign = "top" }
    local x, at = block.x + block.width / 2, y + 3
    if way.turned then
      style.turned, style.align, style.valign = true, "right", "middle"
    end
    local box = page:text(x, at, way.texts[i], style)
    lowest = math.max(lowest, box[2] + box[4])
  end
  return lowest
end

--- Names of the pods, under everything that belongs to them.
local function label_pods(page, plan, y)
  local bottom = y
  for i, pod in ipairs(plan.pods) do
    local box = page:text((pod.x1 + pod.x2) / 2, y + 4, ("pod %d"):format(i - 1),
      { size = SMALL, align = "center", valign = "top" })
    bottom = box[2] + box[4]
  end
  return bottom
end

--- Names of the rows at the left.
local function label_rows(page, fabric, plan, left)
  for _, row in ipairs(plan.rows) do
    local list = {}
    for i, id in ipairs(row.ids) do list[i] = fabric.nodes[id + 1].name end
    local text = names.summary(list, called[plan.places[row.ids[1]].kind])
    page:text(left, row.y, text, { size = 7, valign = "middle" })
  end
end

--- Width that the names of the rows need.
local function row_label_width(page, fabric)
  local by_tier, widest = {}, 0
  for _, node in ipairs(fabric.nodes) do
    local key = node.kind .. tostring(node.tier)
    by_tier[key] = by_tier[key] or {}
    table.insert(by_tier[key], node.name)
  end
  for key, list in pairs(by_tier) do -- order-free
    widest = math.max(widest, (page:measure(names.summary(list, key:match "%a+"), 7)))
  end
  return widest
end

--- Does a straight line pass through a box? Looked at every 2 points along it.
local function crosses(line, box)
  local dx, dy = line[3] - line[1], line[4] - line[2]
  local steps = math.ceil(math.max(math.abs(dx), math.abs(dy)) / 2)
  for i = 0, steps do
    local x, y = line[1] + dx * i / steps, line[2] + dy * i / steps
    local inside = x > box[1] and x < box[1] + box[3] and y > box[2] and y < box[2] + box[4]
    if inside then return true end
  end
  return false
end

--- A test for boxes that cover no text and no node, nor (if strict) a degraded link but their own.
local function free_space(page, plan, states, lines)
  local obstacles = {}
  for _, row in ipairs(plan.rows) do
    for _, id in ipairs(row.ids) do
      local p = plan.places[id]
      obstacles[#obstacles + 1] = { p.x - p.width / 2, p.y - p.height / 2, p.width, p.height }
    end
  end
  return function(box, own, strict)
    for _, other in ipairs(obstacles) do
      if canvas.overlap(box, other) then return false end
    end
    for i, line in ipairs(strict and lines or {}) do
      local is_marked = states[i].degraded or states[i].was_bad
      if i ~= own and is_marked and crosses(line, box) then return false end
    end
    return page:is_free(box)
  end
end

-- Shares of a link's length at which its label may stand, the best first.
local label_places = { 0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82 }

--- "1/4" on degraded links, at the first place along each where nothing is in the way.
local function label_degraded(page, plan, states, lines)
  local free = free_space(page, plan, states, lines)
  local plate = { fill = palette.paper, radius = 1.5, alpha = 0.92 }
  local style = { size = 6, weight = "bold", color = palette.alarm }
  style.align, style.valign = "center", "middle"
  local function try(i, text, strict)
    local line = lines[i]
    for _, part in ipairs(label_places) do
      local x, y = line[1] + (line[3] - line[1]) * part, line[2] + (line[4] - line[2]) * part
      local box = page:text_box(x, y, text, style)
      local around = { box[1] - 1.2, box[2] - 1.2, box[3] + 2.4, box[4] + 2.4 }
      if free(around, i, strict) then
        page:rectangle(around[1], around[2], around[3], around[4], plate)
        page:text(x, y, text, style)
        return true
      end
    end
    return false
  end
  for i, state in ipairs(states) do
    local text = state.degraded and links.factor_text(state.factor)
    if state.was_bad then
      local what = links.factor_text(state.factor)
      text = (what and what .. " " or "") .. state.when
    end
    -- Short links that lie close together share the few labels that find room.
    local long = math.abs(lines[i][2] - lines[i][4]) > 40
    if text and not try(i, text, true) and long then try(i, text, false) end
  end
end

--- Title, and one line that says what is drawn.
local function draw_title(page, title, subtitle)
  local y, width = MARGIN, page.width - 2 * MARGIN
  if title then y = page:wrapped(MARGIN, y, title, { size = 9, weight = "bold" }, width) + 4 end
  return page:wrapped(MARGIN, y, subtitle, { size = 7, color = palette.faint }, width) + 12
end

local function subtitle_of(fabric, target)
  local counts, parts = {}, {}
  for _, node in ipairs(fabric.nodes) do counts[node.kind] = (counts[node.kind] or 0) + 1 end
  for _, kind in ipairs { "host", "switch", "nvswitch" } do
    if counts[kind] then parts[#parts + 1] = format.count(counts[kind], called[kind]) end
  end
  parts[#parts + 1] = format.count(#fabric.links, "link")
  local text = table.concat(parts, ", ")
  if target ~= fabric and target.stats then
    text = text .. "; mean from the start to " .. format.time(target:stats().now_ps / 1e12)
  end
  return text
end

--- Everything, on a page; returns the height used.
local function draw(page, target, fabric, states, options)
  local colour, key = colouring(states, options.color)
  local y = draw_title(page, options.title, subtitle_of(fabric, target))
  key.degraded, key.kinds = false, {}
  for _, state in ipairs(states) do
    key.degraded = key.degraded or state.degraded or state.was_bad
  end
  if #fabric:hosts() > HOSTS_MOST then
    key.degraded = false
    local below = groups.draw(page, fabric, states, colour, y - 4)
    return legend.fabric(page, key, MARGIN, below + 4, topology) + MARGIN
  end
  local left = MARGIN + row_label_width(page, fabric) + 10
  local plan = layout.new(fabric, left, page.width - MARGIN, y)
  local hosts = 0
  for _, block in ipairs(plan.blocks) do hosts = hosts + #block.hosts end
  draw_boxes(page, plan)
  local width_of = link_width(fabric, states, hosts)
  local lines = draw_links(page, fabric, plan, states, colour, width_of)
  local hosts_labelled = true
  for _, row in ipairs(plan.rows) do
    for _, id in ipairs(row.ids) do draw_node(page, plan.places[id]) end
    local labelled = label_nodes(page, fabric, plan, row)
    if row.tier == 0 then hosts_labelled = labelled end
  end
  label_rows(page, fabric, plan, MARGIN)
  label_degraded(page, plan, states, lines)
  local bottom = label_blocks(page, fabric, plan, hosts_labelled, plan.bottom + 4)
  bottom = label_pods(page, plan, bottom)
  for _, node in ipairs(fabric.nodes) do key.kinds[node.kind] = true end
  page.plan = plan
  return legend.fabric(page, key, MARGIN, bottom + 12, topology) + MARGIN
end

--- Draw a fabric, or the state of a simulation on its fabric.
-- @param target simulation or fabric
-- @tparam table options as checked by weft.viz.topology
-- @treturn canvas the page that was written: `boxes` of its texts, and `plan` (see layout.new)
function topology.draw(target, options)
  local fabric = links.fabric_of(target)
  local states = links.states(target, options)
  return canvas.fit(options.file, options.width, options.width, function(page)
    return draw(page, target, fabric, states, options)
  end)
end

return topology
