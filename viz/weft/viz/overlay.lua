--- Picture of an overlay: data centres by their coordinates where all have some, else by forces,
-- links with their rates, trees in colours.
local canvas = require "weft.viz.canvas"
local format = require "weft.viz.format"
local palette = require "weft.viz.palette"

local overlay_picture = {}

local MARGIN, LABELS = 8, 28 -- points around everything, and more around nodes, for their names
local SMALL, LEAST = 6.5, 5

-- ---- places ----

-- Whether all data centres have coordinates, which are not all the same.
local function has_places(overlay)
  local first = overlay.places[1]
  local apart = false
  for u = 1, overlay.nodes do
    local place = overlay.places[u]
    if not place then return false end
    apart = apart or place[1] ~= first[1] or place[2] ~= first[2]
  end
  return apart
end

-- Steps of the forces, and how far a node may move in the first, as part of the picture.
local STEPS, REACH = 300, 0.1

-- Fruchterman and Reingold (Software: Practice and Experience 21, 1991): links draw their ends
-- together, all nodes push each other away; from a circle, so that the picture is always the same.
local function by_forces(overlay)
  local n, places = overlay.nodes, {}
  for u = 1, n do
    local angle = 2 * math.pi * (u - 1) / n
    places[u] = { math.cos(angle), math.sin(angle) }
  end
  local length = 2 / math.sqrt(n)
  for step = 1, STEPS do
    local moves = {}
    for u = 1, n do moves[u] = { 0, 0 } end
    local function push(u, v, strength)
      local x, y = places[u][1] - places[v][1], places[u][2] - places[v][2]
      local distance = math.max(math.sqrt(x * x + y * y), 1e-6)
      local force = strength(distance) / distance
      moves[u][1], moves[u][2] = moves[u][1] + x * force, moves[u][2] + y * force
    end
    for u = 1, n do
      for v = 1, n do
        if u ~= v then push(u, v, function(d) return length * length / d end) end
      end
      for _, v in ipairs(overlay.neighbours[u]) do
        push(u, v, function(d) return -d * d / length end)
        push(v, u, function(d) return -d * d / length end)
      end
    end
    local most = REACH * (1 - step / (STEPS + 1))
    for u = 1, n do
      local x, y = moves[u][1], moves[u][2]
      local scale = math.min(1, most / math.max(math.sqrt(x * x + y * y), 1e-9))
      places[u][1], places[u][2] = places[u][1] + x * scale, places[u][2] + y * scale
    end
  end
  return places
end

-- Turned by a quarter if that is wider: pages are.
local function lying(places)
  local low, high = { math.huge, math.huge }, { -math.huge, -math.huge }
  for _, place in ipairs(places) do
    for i = 1, 2 do low[i], high[i] = math.min(low[i], place[i]), math.max(high[i], place[i]) end
  end
  if high[1] - low[1] >= high[2] - low[2] then return places end
  local turned = {}
  for u, place in ipairs(places) do turned[u] = { place[2], -place[1] } end
  return turned
end

-- Places within a box, in proportion; y grows upwards in coordinates and downwards on paper.
local function fit(overlay, places, box)
  local low, high = { math.huge, math.huge }, { -math.huge, -math.huge }
  for u = 1, overlay.nodes do
    for i = 1, 2 do
      low[i], high[i] = math.min(low[i], places[u][i]), math.max(high[i], places[u][i])
    end
  end
  local wide, tall = high[1] - low[1], high[2] - low[2]
  local scale = math.min(box[3] / math.max(wide, 1e-9), box[4] / math.max(tall, 1e-9))
  local fitted = {}
  for u = 1, overlay.nodes do
    fitted[u] = {
      box[1] + box[3] / 2 + (places[u][1] - (low[1] + high[1]) / 2) * scale,
      box[2] + box[4] / 2 - (places[u][2] - (low[2] + high[2]) / 2) * scale,
    }
  end
  return fitted
end

-- ---- drawing ----

-- A line from a to b, moved aside to its right by some points.
local function beside(a, b, aside)
  local x, y = b[1] - a[1], b[2] - a[2]
  local length = math.max(math.sqrt(x * x + y * y), 1e-9)
  local dx, dy = -y / length * aside, x / length * aside
  return a[1] + dx, a[2] + dy, b[1] + dx, b[2] + dy
end

-- "54" Mbit/s at the end where the direction begins; left out where texts are.
local function label_link(page, a, b, rate_bps, aside)
  local style = { size = LEAST, color = palette.faint, align = "center", valign = "middle" }
  local text = ("%.4g"):format(rate_bps / 1e6)
  for _, part in ipairs { 0.3, 0.24, 0.36, 0.2, 0.42 } do
    local x1, y1, x2, y2 = beside(a, b, aside)
    local x, y = x1 + (x2 - x1) * part, y1 + (y2 - y1) * part
    if page:is_free(page:text_box(x, y, text, style)) then
      page:text(x, y, text, style)
      return
    end
  end
end

-- Above this many links rates would cover the picture.
local LABELLED = 60

local function draw_links(page, overlay, places)
  local slowest = math.huge
  for link = 1, overlay.links do slowest = math.min(slowest, overlay.rate_bps[link]) end
  for link = 1, overlay.links do
    local a, b = places[overlay.from[link]], places[overlay.to[link]]
    local x1, y1, x2, y2 = beside(a, b, 0.8)
    local width = math.min(2, 0.4 * (overlay.rate_bps[link] / slowest) ^ 0.5)
    page:line(x1, y1, x2, y2, { stroke = palette.muted, width = width })
  end
end

-- Trees that are told apart, and how far they are from each other.
local TREES, ASIDE = 7, 1.6

-- The trees with most bits, from each data centre to its parent.
local function draw_trees(page, plan, places)
  local order, bits, drawn = {}, plan:tree_bits(), {}
  for i = 1, #plan.trees do order[i] = i end
  table.sort(order, function(a, b)
    if bits[a] ~= bits[b] then return bits[a] > bits[b] end
    return a < b
  end)
  for k = 1, math.min(TREES, #order) do
    local tree, colour = plan.trees[order[k]], palette.category(k)
    for u = 1, plan.overlay.nodes do
      for _, link in ipairs(u ~= tree.root and tree.up[u] or {}) do
        local from, to = plan.overlay.from[link], plan.overlay.to[link]
        local x1, y1, x2, y2 = beside(places[from], places[to], 1 + ASIDE * k)
        page:line(x1, y1, x2, y2, { stroke = colour, width = 1.2 })
      end
    end
    drawn[k] = { root = tree.root, colour = colour }
  end
  return drawn
end

local function draw_nodes(page, overlay, places, drawn)
  local is_root = {}
  for k = #drawn, 1, -1 do is_root[drawn[k].root] = drawn[k].colour end
  for u = 1, overlay.nodes do
    local x, y = places[u][1], places[u][2]
    page:circle(x, y, 6, { fill = palette.paper, stroke = is_root[u] or palette.ink,
      width = is_root[u] and 1.8 or 0.7 })
    local text = tostring(overlay.names[u])
    if page:measure(text, SMALL) <= 10 then
      page:text(x, y, text, { size = SMALL, align = "center", valign = "middle" })
    else
      page:text(x, y + 8, text, { size = LEAST, align = "center", valign = "top" })
    end
  end
end

--- Draw an overlay.
-- @tparam Overlay overlay
-- @tparam table options as checked by weft.viz.overlay
-- @treturn canvas the page that was written: `boxes` of its texts, and `places` of data centres
function overlay_picture.draw(overlay, options)
  local known = has_places(overlay)
  local places = known and overlay.places or lying(by_forces(overlay))
  local width, height = options.width, options.width * 0.75
  local page = canvas.new(options.file, width, height)
  local y = MARGIN
  if options.title then
    local box = page:text(MARGIN, y, options.title, { size = 9, weight = "bold", valign = "top" })
    y = y + box[4] + 4
  end
  local text = ("%s, %s, rates in Mbit/s"):format(format.count(overlay.nodes, "data centre"),
    format.count(overlay.links, "link"))
  if options.plan then text = text .. "; trees by their roots, up" end
  page:text(MARGIN, y, text, { size = 7, valign = "top", color = palette.faint })
  y = y + 12
  local fitted = fit(overlay, places, { LABELS, y + LABELS / 2, width - 2 * LABELS,
    height - y - LABELS * 1.5 })
  draw_links(page, overlay, fitted)
  local drawn = options.plan and draw_trees(page, options.plan, fitted) or {}
  draw_nodes(page, overlay, fitted, drawn)
  for link = 1, overlay.links <= LABELLED and overlay.links or 0 do
    label_link(page, fitted[overlay.from[link]], fitted[overlay.to[link]], overlay.rate_bps[link],
      5 + ASIDE * #drawn)
  end
  page:finish()
  page.places = fitted
  return page
end

return overlay_picture
