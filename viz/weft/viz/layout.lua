--- Where the nodes of a fabric go: tiers in rows, hosts at the bottom grouped under their leaf or
-- around their NVSwitch, pods side by side, switches above what they connect.
-- Works on the plain value of weft.fabric; draws nothing.
local layout = {}

-- Lengths in points.
local HOST_PITCH_MAX = 30 -- between hosts of one block
local BLOCK_GAP, POD_GAP = 0.55, 2.2 -- extra space between blocks, between pods, in host pitches
local POD_GAP_LEAST = 8 -- the same, in points: room for the boxes around pods
local BLOCK_LEAST = 1.9 -- of a block with its gap, in host pitches: a switch stands above it
local SWITCH_PITCH_MAX = 84
local SWITCH_HEIGHT = 11
local NVSWITCH_DROP = 27 -- from the row of hosts down to the NVSwitches
local ROW_MIN, ROW_MAX = 46, 118 -- between rows of switches

--- Neighbours of each node: ids in the order of the links, neighbours[id] = { id, ... }.
local function neighbours_of(fabric)
  local result = {}
  for _, node in ipairs(fabric.nodes) do result[node.id] = {} end
  for _, link in ipairs(fabric.links) do
    table.insert(result[link.a], link.b)
    table.insert(result[link.b], link.a)
  end
  return result
end

--- Tier of each node, as the fabric says; where it doesn't, NVSwitches are -1, hosts 0, and a
-- switch is as far up as its nearest host is away.
local function tiers_of(fabric, neighbours)
  local tier, queue = {}, {}
  for _, node in ipairs(fabric.nodes) do
    if node.kind == "nvswitch" then
      tier[node.id] = -1
    elseif node.kind == "host" then
      tier[node.id] = 0
      queue[#queue + 1] = node.id
    end
  end
  local head = 1
  while queue[head] do
    local id = queue[head]
    head = head + 1
    for _, other in ipairs(neighbours[id]) do
      if not tier[other] then
        tier[other] = tier[id] + 1
        queue[#queue + 1] = other
      end
    end
  end
  for _, node in ipairs(fabric.nodes) do
    if node.kind == "switch" and node.tier then tier[node.id] = node.tier end
    tier[node.id] = tier[node.id] or 1
  end
  return tier
end

--- Pod of each node: what hangs together when the top tier is taken away. Returns pod[id] = number
-- and the number of pods; 0 pods when the parts are no larger than one switch with its hosts.
local function pods_of(fabric, neighbours, tier)
  local top = 0
  for _, node in ipairs(fabric.nodes) do top = math.max(top, tier[node.id]) end
  local pod, count, several = {}, 0, false
  for _, node in ipairs(fabric.nodes) do
    if tier[node.id] < top and not pod[node.id] then
      count = count + 1
      local stack, switches = { node.id }, 0
      pod[node.id] = count
      while #stack > 0 do
        local id = table.remove(stack)
        if tier[id] > 0 then switches = switches + 1 end
        for _, other in ipairs(neighbours[id]) do
          if tier[other] < top and not pod[other] then
            pod[other] = count
            stack[#stack + 1] = other
          end
        end
      end
      several = several or switches > 1
    end
  end
  if count < 2 or not several then return {}, 0 end
  return pod, count
end

--- Blocks of hosts that stand together: those of one NVSwitch (a server), else of one leaf.
-- Each is { hosts = { id, ... }, server = boolean, pod = number or nil }, in order of pod and id.
local function blocks_of(fabric, neighbours, pod)
  local kind, by_owner, blocks = {}, {}, {}
  for _, node in ipairs(fabric.nodes) do kind[node.id] = node.kind end
  for _, node in ipairs(fabric.nodes) do
    if node.kind == "host" then
      local owner
      for _, other in ipairs(neighbours[node.id]) do
        local better = kind[other] == "nvswitch" and kind[owner] ~= "nvswitch"
        if kind[other] ~= "host" and (not owner or better) then owner = other end
      end
      local block = owner and by_owner[owner]
      if not block then
        block = { hosts = {}, pod = pod[node.id], first = node.id }
        block.server = kind[owner] == "nvswitch"
        blocks[#blocks + 1] = block
        if owner then by_owner[owner] = block end
      end
      table.insert(block.hosts, node.id)
    end
  end
  table.sort(blocks, function(a, b)
    if (a.pod or 0) ~= (b.pod or 0) then return (a.pod or 0) < (b.pod or 0) end
    return a.first < b.first
  end)
  return blocks
end

--- Give hosts their x; blocks get their extent. Returns the pitch.
local function place_hosts(blocks, x, left, right)
  local units, last_pod = 0, nil
  local offsets, host_count = {}, 0
  for _, block in ipairs(blocks) do host_count = host_count + #block.hosts end
  local pod_gap = math.max(POD_GAP, POD_GAP_LEAST * host_count / (right - left))
  for i, block in ipairs(blocks) do
    if i > 1 then units = units + BLOCK_GAP end
    if i > 1 and block.pod ~= last_pod then units = units + pod_gap end
    last_pod = block.pod
    local slack = math.max(0, BLOCK_LEAST - BLOCK_GAP - #block.hosts)
    offsets[i] = units + slack / 2
    units = units + #block.hosts + slack
  end
  local pitch = math.min(HOST_PITCH_MAX, (right - left) / math.max(units, 1))
  local start = (left + right - units * pitch) / 2
  for i, block in ipairs(blocks) do
    block.x = start + offsets[i] * pitch
    block.width = #block.hosts * pitch
    for k, id in ipairs(block.hosts) do x[id] = block.x + (k - 0.5) * pitch end
  end
  return pitch
end

--- Positions nearest to the wanted ones (least squares), in the same order, at least `pitch` apart
-- and within left..right: pool adjacent violators.
-- @tparam table wanted ascending
function layout.spread(wanted, pitch, left, right)
  local pools = {}
  for i, want in ipairs(wanted) do
    local pool = { sum = want - (i - 1) * pitch, count = 1 }
    while #pools > 0 and pools[#pools].sum / pools[#pools].count >= pool.sum / pool.count do
      local before = table.remove(pools)
      pool = { sum = pool.sum + before.sum, count = pool.count + before.count }
    end
    pools[#pools + 1] = pool
  end
  local result, highest = {}, right - (#wanted - 1) * pitch
  for _, pool in ipairs(pools) do
    local at = math.max(left, math.min(highest, pool.sum / pool.count))
    for _ = 1, pool.count do result[#result + 1] = at + #result * pitch end
  end
  return result
end

--- Barycentre of the neighbours that have a place already; the middle for those that have none.
local function barycentre(id, neighbours, x, middle)
  local sum, count = 0, 0
  for _, other in ipairs(neighbours[id]) do
    if x[other] then sum, count = sum + x[other], count + 1 end
  end
  return count > 0 and sum / count or middle
end

local function switch_width(pitch)
  return math.min(34, 0.82 * pitch)
end

--- Place one tier of switches above (or NVSwitches below) what is placed. Returns the row.
local function place_tier(ids, neighbours, x, left, right)
  local want = {}
  for _, id in ipairs(ids) do
    local at = barycentre(id, neighbours, x, (left + right) / 2)
    -- Barycentres that differ by rounding only are equal, so that the order is that of the ids.
    want[id] = math.floor(at * 1e6 + 0.5) / 1e6
  end
  table.sort(ids, function(a, b)
    if want[a] ~= want[b] then return want[a] < want[b] end
    return a < b
  end)
  local wanted = {}
  for i, id in ipairs(ids) do wanted[i] = want[id] end
  -- Few switches are kept narrower than their share, so that each can stand above its own hosts,
  -- unless all belong in the middle anyway.
  local spaced = #ids <= 16 and wanted[#ids] - wanted[1] > 0.3 * (right - left)
  local share = (spaced and 0.76 or 0.94) * (right - left) / #ids
  local pitch = math.min(SWITCH_PITCH_MAX, share)
  local half = switch_width(pitch) / 2
  local places = layout.spread(wanted, pitch, left + half, right - half)
  for i, id in ipairs(ids) do x[id] = places[i] end
  return { ids = ids, pitch = pitch }
end

--- Space between two rows: more where links run far sideways.
local function row_gap(upper, lower, neighbours, x)
  local inside, sum, count = {}, 0, 0
  for _, id in ipairs(lower.ids) do inside[id] = true end
  for _, id in ipairs(upper.ids) do
    for _, other in ipairs(neighbours[id]) do
      if inside[other] then sum, count = sum + math.abs(x[id] - x[other]), count + 1 end
    end
  end
  local mean = count > 0 and sum / count or 0
  return math.max(ROW_MIN, math.min(ROW_MAX, 30 + 0.45 * mean))
end

--- Rows from the top tier down to the NVSwitches, with x of all nodes.
local function rows_of(fabric, neighbours, tier, blocks, x, left, right)
  local by_tier, top = {}, 0
  for _, node in ipairs(fabric.nodes) do
    local t = tier[node.id]
    by_tier[t] = by_tier[t] or {}
    table.insert(by_tier[t], node.id)
    top = math.max(top, t)
  end
  local hosts = { tier = 0, ids = {}, pitch = place_hosts(blocks, x, left, right) }
  for _, block in ipairs(blocks) do
    for _, id in ipairs(block.hosts) do table.insert(hosts.ids, id) end
  end
  local rows = {}
  if #hosts.ids > 0 then rows[1] = hosts end
  for t = 1, top do
    if by_tier[t] then
      local row = place_tier(by_tier[t], neighbours, x, left, right)
      row.tier = t
      table.insert(rows, 1, row)
    end
  end
  if by_tier[-1] then
    local row = place_tier(by_tier[-1], neighbours, x, left, right)
    row.tier = -1
    rows[#rows + 1] = row
  end
  return rows
end

--- Width and height of the nodes of a row.
local function node_size(row)
  if row.tier == 0 then
    local diameter = math.min(11.5, 0.8 * row.pitch)
    return diameter, diameter
  end
  local width = switch_width(row.pitch)
  return width, math.min(SWITCH_HEIGHT, math.max(4, 0.8 * width))
end

--- Boxes around pods: from their top switch to their hosts.
local function pod_boxes(fabric, pod, count, places)
  local boxes = {}
  local far = math.huge
  for i = 1, count do boxes[i] = { x1 = far, y1 = far, x2 = -far, y2 = -far } end
  for _, node in ipairs(fabric.nodes) do
    local box, place = boxes[pod[node.id]], places[node.id]
    if box then
      box.x1 = math.min(box.x1, place.x - place.width / 2)
      box.x2 = math.max(box.x2, place.x + place.width / 2)
      box.y1 = math.min(box.y1, place.y - place.height / 2)
      box.y2 = math.max(box.y2, place.y + place.height / 2)
    end
  end
  return boxes
end

--- Lay a fabric out between left and right, from `top` downwards.
-- Returns { places = { [id] = { x, y, width, height, kind, tier } }, rows = { top row first:
-- { tier, y, ids, pitch } }, blocks = { { hosts, server, x, width } },
-- pods = { { x1, y1, x2, y2 } }, bottom = y below all nodes }.
-- @tparam table fabric value of weft.fabric
-- @tparam number left
-- @tparam number right
-- @tparam number top
function layout.new(fabric, left, right, top)
  local neighbours = neighbours_of(fabric)
  local tier = tiers_of(fabric, neighbours)
  local pod, pod_count = pods_of(fabric, neighbours, tier)
  local blocks, x = blocks_of(fabric, neighbours, pod), {}
  local rows = rows_of(fabric, neighbours, tier, blocks, x, left, right)
  local kind, places = {}, {}
  for _, node in ipairs(fabric.nodes) do kind[node.id] = node.kind end
  local y = top + SWITCH_HEIGHT / 2
  for i, row in ipairs(rows) do
    if i > 1 then
      y = y + (row.tier < 0 and NVSWITCH_DROP or row_gap(rows[i - 1], row, neighbours, x))
    end
    row.y = y
    local width, height = node_size(row)
    for _, id in ipairs(row.ids) do
      places[id] = {
        x = x[id], y = y, width = width, height = height, kind = kind[id], tier = row.tier,
      }
    end
  end
  local last = rows[#rows]
  return {
    places = places, rows = rows, blocks = blocks,
    bottom = y + (last and places[last.ids[1]].height / 2 or 0),
    pods = pod_boxes(fabric, pod, pod_count, places),
  }
end

return layout
