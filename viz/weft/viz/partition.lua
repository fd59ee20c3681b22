--- Picture of a partition's conflict graph: its flows at the left, the ports where they meet at the
-- right, and a line for each flow at a port. Ports that the same flows take in the same way are one
-- point. Both columns are put in an order with few crossings. What acceleration is skipping has a
-- tinted ground.
local canvas = require "weft.viz.canvas"
local check = require "weft.check"
local fail = require "weft.fail"
local format = require "weft.viz.format"
local palette = require "weft.viz.palette"

local partition = {}

local MARGIN, SIZE = 8, 7 -- points
local PITCH, LEAST_PITCH, COLUMN = 12, 2.5, 560 -- between rows; height wanted of a column at most
local NARROW = 40 -- no room between the columns: their names are left out
local SWEEPS = 12 -- of the ordering: more change nothing on the usual graphs
local skipped = { steady = "steady state", memo = "known transient" }
local ARROW = "\226\134\146"

local function port_label(sim, port)
  local info, nodes = sim.core:port_info(port), sim.fabric.nodes
  return nodes[info.from + 1].name .. ARROW .. nodes[info.to + 1].name
end

-- Rows of the left column.
local function flow_rows(sim, one)
  local rows, by_flow, flows = {}, {}, sim:flows()
  local src, dst = flows:column "src_name", flows:column "dst_name"
  for i, flow in ipairs(one.flows) do
    rows[i] = {
      number = i, text = src[flow + 1] .. ARROW .. dst[flow + 1], to = {}, place = i,
    }
    by_flow[flow] = rows[i]
  end
  return rows, by_flow
end

-- Rows of the right column: shared ports by who takes them.
local function port_rows(sim, one)
  local users, rows, by_key = {}, {}, {}
  for _, use in ipairs(one.uses) do
    users[use.port] = users[use.port] or {}
    table.insert(users[use.port], ("%d%s"):format(use.flow, use.ack == 1 and "a" or "d"))
  end
  local by_port = {}
  for _, port in ipairs(one.shared) do
    local key = table.concat(users[port], ",")
    local row = by_key[key]
    if not row then
      row = { number = #rows + 1, ports = {}, to = {}, place = #rows + 1 }
      rows[#rows + 1], by_key[key] = row, row
    end
    row.ports[#row.ports + 1] = port
    by_port[port] = row
  end
  for _, row in ipairs(rows) do
    row.text = port_label(sim, row.ports[1])
    if #row.ports > 1 then
      row.text = ("%s and %d more"):format(row.text, #row.ports - 1)
    end
  end
  return rows, by_port
end

-- Each line once: a group of ports is one point.
local function connect(one, by_flow, by_port)
  local edges = {}
  for _, use in ipairs(one.uses) do
    local flow, port = by_flow[use.flow], by_port[use.port]
    if port.ports[1] == use.port then
      edges[#edges + 1] = { flow = flow, port = port, ack = use.ack == 1 }
      flow.to[#flow.to + 1], port.to[#port.to + 1] = port, flow
    end
  end
  return edges
end

-- Sort rows by the mean place of what they lead to (Sugiyama's barycentres), in 0..1.
local function sort_rows(rows)
  local wanted = {}
  for _, row in ipairs(rows) do
    local sum = 0
    for _, other in ipairs(row.to) do sum = sum + other.place end
    wanted[row] = #row.to > 0 and sum / #row.to or row.place
  end
  table.sort(rows, function(a, b)
    if wanted[a] ~= wanted[b] then return wanted[a] < wanted[b] end
    return a.number < b.number
  end)
  for i, row in ipairs(rows) do row.place = (i - 0.5) / #rows end
end

local function draw_edges(page, edges, left, right, many)
  for _, edge in ipairs(edges) do
    local colour = many and palette.categories[1] or palette.category(edge.port.number)
    local middle = (left + right) / 2
    page:curve(left, edge.flow.y, middle, edge.flow.y, middle, edge.port.y, right, edge.port.y, {
      stroke = colour, width = edge.ack and 0.6 or 1, dash = edge.ack and { 2, 2 } or nil,
      alpha = many and 0.45 or 0.8,
    })
  end
end

-- What the lines mean, and the box around a partition that is being skipped.
local function draw_key(page, y, x, graph)
  local function entry(text, sample)
    sample()
    local box = page:text(x + 22, y, text, { size = SIZE, valign = "middle" })
    x = box[1] + box[3] + 14
  end
  entry("data", function()
    page:line(x, y, x + 18, y, { stroke = palette.ink, width = 1 })
  end)
  if graph.has_acks then
    entry("ACKs", function()
      page:line(x, y, x + 18, y, { stroke = palette.ink, width = 0.6, dash = { 2, 2 } })
    end)
  end
  if graph.tint then
    entry(graph.skipped, function()
      page:rectangle(x, y - 3, 18, 6, { fill = graph.tint })
    end)
  end
end

local function widest(page, rows)
  local width = 0
  for _, row in ipairs(rows) do width = math.max(width, (page:measure(row.text, SIZE))) end
  return width
end

local function draw(page, graph, options)
  local y = MARGIN
  if options.title then
    local box = page:text(MARGIN, y, options.title, { size = 9, weight = "bold", valign = "top" })
    y = y + box[4] + 4
  end
  page:text(MARGIN, y, graph.subtitle, { size = SIZE, valign = "top", color = palette.faint })
  y = y + SIZE + 12
  local rows = math.max(#graph.flows, #graph.ports)
  local pitch = math.max(LEAST_PITCH, math.min(PITCH, COLUMN / rows))
  local height, labelled = rows * pitch, pitch >= 0.8 * SIZE
  local left, right = MARGIN + 5, page.width - MARGIN - 5
  local names = widest(page, graph.flows) + widest(page, graph.ports)
  if right - left - names < NARROW then labelled = false end
  if labelled then
    left, right = left + widest(page, graph.flows), right - widest(page, graph.ports)
  end
  for _, column in ipairs { graph.flows, graph.ports } do
    for _, row in ipairs(column) do row.y = y + row.place * height end
  end
  if graph.tint then
    page:rectangle(left, y, right - left, height, { fill = graph.tint })
  end
  draw_edges(page, graph.edges, left, right, #graph.ports > #palette.categories)
  local style = { size = SIZE, valign = "middle" }
  for _, row in ipairs(graph.flows) do
    page:circle(left, row.y, math.min(2.5, pitch / 2.5), { fill = palette.ink })
    style.align = "right"
    if labelled then page:text(left - 5, row.y, row.text, style) end
  end
  for _, row in ipairs(graph.ports) do
    local half = math.min(2.5, pitch / 2.5)
    page:rectangle(right - half, row.y - half, 2 * half, 2 * half, { fill = palette.ink })
    style.align = "left"
    if labelled then page:text(right + 5, row.y, row.text, style) end
  end
  draw_key(page, y + height + 10, MARGIN, graph)
  return y + height + 10 + SIZE + MARGIN
end

--- Draw a partition.
-- @param partitions of sim:partitions()
-- @tparam number index from 1
-- @tparam table options as checked by weft.viz.partition
-- @treturn canvas the page that was written
function partition.draw(partitions, index, options)
  if type(partitions) ~= "table" or not partitions.sim or not partitions.now_ps then
    fail.raise("partition: expected the result of sim:partitions(), got %s", fail.show(partitions))
  end
  check.argument("partition", partitions.sim, "simulation")
  local one = index ~= nil and partitions[index]
  if not one then
    fail.raise("partition: expected a partition from 1 to %d, got %s", #partitions,
      fail.show(index))
  end
  local sim, graph = partitions.sim, { has_acks = false }
  local by_flow, by_port
  graph.flows, by_flow = flow_rows(sim, one)
  graph.ports, by_port = port_rows(sim, one)
  graph.edges = connect(one, by_flow, by_port)
  for _, edge in ipairs(graph.edges) do graph.has_acks = graph.has_acks or edge.ack end
  for _ = 1, SWEEPS do
    sort_rows(graph.ports)
    sort_rows(graph.flows)
  end
  graph.subtitle = ("partition %d of %d, pattern %d: %s, %s at %s"):format(index, #partitions,
    one.pattern, format.count(#one.flows, "flow"), format.count(#one.shared, "shared port"),
    format.time(partitions.now_ps / 1e12))
  if skipped[one.phase] then
    graph.tint = palette[one.phase]
    graph.skipped = ("%s since %s"):format(skipped[one.phase], format.time(one.since_ps / 1e12))
  end
  return canvas.fit(options.file, options.width, options.width, function(page)
    return draw(page, graph, options)
  end)
end

return partition
