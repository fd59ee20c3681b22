--- Picture of a large fabric: nodes that belong together are one box, and the links between two
-- boxes a strip of cells, sorted, the worst at the left: one hot link of a thousand is seen.
local links = require "weft.viz.links"
local names = require "weft.viz.names"
local palette = require "weft.viz.palette"
local util = require "weft.util"

local groups = {}

local GROUPS_MOST = 40 -- columns
local BOX, STRIP, ROW = 13, 9, 30 -- heights, and from one row to the next, points
local MARGIN, GAP, LABEL = 8, 3, 6.5 -- around all; between columns; size of texts
local NAMED = 6 -- links that are named below the picture

-- What each node hangs together with by links below a tier: a number for each, and how many.
local function components(fabric, tier)
  local root = {}
  for i = 0, #fabric.nodes - 1 do root[i] = i end
  local function find(id)
    while root[id] ~= id do
      root[id] = root[root[id]]
      id = root[id]
    end
    return id
  end
  for _, link in ipairs(fabric.links) do
    local a, b = fabric.nodes[link.a + 1], fabric.nodes[link.b + 1]
    if a.tier < tier and b.tier < tier then
      local x, y = find(link.a), find(link.b)
      root[math.max(x, y)] = math.min(x, y)
    end
  end
  local number, count, of = {}, 0, {}
  for _, node in ipairs(fabric.nodes) do
    if node.tier < tier then
      local x = find(node.id)
      if not number[x] then
        count = count + 1
        number[x] = count
      end
      of[node.id] = number[x]
    end
  end
  return of, count
end

-- Columns: what is left in one piece when the upper tiers are taken away; many of them are put
-- together, one after another.
local function divide(fabric)
  local tiers = fabric:tiers()
  local of, count, cut = {}, 1, math.huge
  for i = #tiers, 2, -1 do
    local found, pieces = components(fabric, tiers[i].tier)
    if pieces > 1 then
      of, count, cut = found, pieces, tiers[i].tier
      break
    end
  end
  if cut == math.huge then
    for _, node in ipairs(fabric.nodes) do of[node.id] = 1 end
  end
  local each = math.ceil(count / GROUPS_MOST)
  for id, number in pairs(of) do of[id] = math.floor((number - 1) / each) + 1 end -- order-free
  return of, math.ceil(count / each), cut, each
end

-- Boxes by tier and column (0: across all), and strips by the pair of boxes.
local function gather(fabric, states)
  local of, columns, cut, each = divide(fabric)
  local plan = { columns = columns, cut = cut, each = each, tiers = fabric:tiers(), boxes = {},
    strips = {}, order = {} }
  local level = {}
  for i, tier in ipairs(plan.tiers) do
    level[tier.tier] = i
    plan.boxes[i] = {}
    for _, id in ipairs(tier.nodes) do
      local column = of[id] or 0
      plan.boxes[i][column] = (plan.boxes[i][column] or 0) + 1
    end
  end
  for i, link in ipairs(fabric.links) do
    local a, b = fabric.nodes[link.a + 1], fabric.nodes[link.b + 1]
    if a.tier > b.tier then a, b = b, a end
    local low, high, column = level[a.tier], level[b.tier], of[a.id] or of[b.id] or 0
    local key = (low * 64 + high) * 64 + column
    local strip = plan.strips[key]
    if not strip then
      strip = { low = low, high = high, column = column, states = {} }
      plan.strips[key] = strip
      plan.order[#plan.order + 1] = key
    end
    strip.states[#strip.states + 1] = states[i]
  end
  table.sort(plan.order)
  return plan
end

-- Columns of a strip from left to right: the worst first.
local function sort_strip(strip)
  for i, state in ipairs(strip.states) do state.place = i end
  table.sort(strip.states, function(a, b)
    local a_bad, b_bad = a.degraded or a.was_bad or false, b.degraded or b.was_bad or false
    if a_bad ~= b_bad then return a_bad end
    local u, v = a.value or a.rate_bps, b.value or b.rate_bps
    if u ~= v then return u > v end
    return a.place < b.place
  end)
end

local function draw_strip(page, strip, box, colour)
  sort_strip(strip)
  local cells = math.max(1, math.min(#strip.states, math.floor(box.width / 1.5)))
  local width, bad = box.width / cells, 0
  for i = 1, cells do
    -- Of the links in a cell the worst, which is its first.
    local state = strip.states[math.floor((i - 1) * #strip.states / cells) + 1]
    local fill = colour(state)
    page:rectangle(box.x + (i - 1) * width, box.y, i < cells and width + 0.3 or width, STRIP,
      { fill = fill == palette.faint and palette.muted or fill })
  end
  for _, state in ipairs(strip.states) do
    if state.degraded or state.was_bad then bad = bad + 1 end
  end
  page:rectangle(box.x, box.y, box.width, STRIP, { stroke = palette.edge, width = 0.4 })
  if bad == 0 then return end
  page:rectangle(box.x - 1, box.y - 1, box.width + 2, STRIP + 2,
    { stroke = palette.alarm, width = 1.2 })
  local text, style = ("%d"):format(bad), { size = 5.5, weight = "bold", color = palette.alarm,
    align = "center", valign = "bottom" }
  local around = page:text_box(box.x + box.width / 2, box.y - 2, text, style)
  if page:is_free(around) then page:text(box.x + box.width / 2, box.y - 2, text, style) end
end

local called = { host = "host", switch = "switch", nvswitch = "NVSwitch" }

local function row_name(fabric, tier)
  local list = {}
  for i, id in ipairs(tier.nodes) do list[i] = fabric.nodes[id + 1].name end
  return names.summary(list, called[fabric.nodes[tier.nodes[1] + 1].kind])
end

local function draw_boxes(page, plan, level, y, left, width)
  local pitch = width / plan.columns
  for column = 0, plan.columns do
    local count = plan.boxes[level][column]
    if count then
      local x = column == 0 and left or left + (column - 1) * pitch
      local wide = (column == 0 and width or pitch) - GAP
      page:rectangle(x, y, wide, BOX, { fill = palette.shade, stroke = palette.ink, width = 0.5,
        radius = 2 })
      local text = ("%d"):format(count)
      if page:measure(text, 6) < wide - 2 then
        page:text(x + wide / 2, y + BOX / 2, text, { size = 6, align = "center",
          valign = "middle", color = palette.faint })
      end
    end
  end
end

-- Rows from the top: the uppermost tier first; what joins nodes of a server below the hosts. Strips
-- stand above the lower of the two boxes that they join.
local function rows_of(plan)
  local lanes = {}
  for _, key in ipairs(plan.order) do
    local strip = plan.strips[key]
    local lane = lanes[strip.low] or { n = 0 }
    lanes[strip.low] = lane
    if not lane[strip.high] then
      lane.n = lane.n + 1
      lane[strip.high] = lane.n
    end
  end
  return lanes
end

local function strip_name(plan, fabric, low, high)
  local function one(level)
    local node = fabric.nodes[plan.tiers[level].nodes[1] + 1]
    return (node.name:gsub("[_%-%.]*%d+$", ""):gsub("%d+", ""))
  end
  return one(low) .. "\226\128\147" .. one(high)
end

local function draw_rows(page, fabric, plan, colour, y, left, width)
  local lanes, pitch = rows_of(plan), width / plan.columns
  for level = #plan.tiers, 1, -1 do
    local lane = lanes[level]
    for _, high in ipairs(lane and util.sorted_keys(lane) or {}) do
      if high ~= "n" then
        page:text(MARGIN, y + STRIP / 2, strip_name(plan, fabric, level, high),
          { size = LABEL, valign = "middle", color = palette.faint })
        for column = 0, plan.columns do
          local strip = plan.strips[(level * 64 + high) * 64 + column]
          if strip then
            draw_strip(page, strip, {
              x = column == 0 and left or left + (column - 1) * pitch, y = y,
              width = (column == 0 and width or pitch) - GAP,
            }, colour)
          end
        end
        y = y + STRIP + 9
      end
    end
    draw_boxes(page, plan, level, y, left, width)
    page:text(MARGIN, y + BOX / 2, row_name(fabric, plan.tiers[level]),
      { size = 7, valign = "middle" })
    y = y + ROW
  end
  return y
end

-- The links that are or were bad, in words, as far as there is room.
local function name_bad(page, fabric, states, y)
  local bad = {}
  for i, state in ipairs(states) do
    if state.degraded or state.was_bad then bad[#bad + 1] = { fabric.links[i], state } end
  end
  for n, one in ipairs(bad) do
    if n > NAMED then
      page:text(MARGIN, y, ("and %d more"):format(#bad - NAMED), { size = LABEL, valign = "top" })
      return y + 10
    end
    local what = links.factor_text(one[2].factor)
    local when = one[2].when and (what and ", " or "") .. one[2].when or ""
    page:text(MARGIN, y, ("%s: %s%s"):format(one[1]:name(), what or "", when),
      { size = LABEL, valign = "top", color = palette.alarm })
    y = y + 10
  end
  return y
end

-- What columns, numbers and strips are.
local function about(plan)
  local column = plan.columns == 1 and "is the whole fabric"
    or plan.each == 1 and "hangs together below the upper switches"
    or ("is %d groups that hang together below the upper switches"):format(plan.each)
  return ("each column %s; numbers count nodes; strips are links, the worst at the left"):format(
    column)
end

--- Draw on a page, from `y` on; returns the y below.
-- @tparam canvas page
-- @tparam weft.Fabric fabric
-- @tparam table states of links
-- @tparam function colour of a state
-- @tparam number y
function groups.draw(page, fabric, states, colour, y)
  local plan, left = gather(fabric, states), MARGIN
  for _, tier in ipairs(plan.tiers) do
    left = math.max(left, MARGIN + page:measure(row_name(fabric, tier), 7))
  end
  for _, key in ipairs(plan.order) do
    local strip = plan.strips[key]
    local name = strip_name(plan, fabric, strip.low, strip.high)
    left = math.max(left, MARGIN + page:measure(name, LABEL))
  end
  left = left + 8
  y = page:wrapped(MARGIN, y, about(plan), { size = LABEL, color = palette.faint },
    page.width - 2 * MARGIN)
  local below = draw_rows(page, fabric, plan, colour, y + 9, left, page.width - left - MARGIN)
  page.groups = plan
  return name_bad(page, fabric, states, below - 6)
end

return groups
