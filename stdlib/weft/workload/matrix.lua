--- Who sends to whom in synthetic traffic. A matrix is a mixture of blocks: with a block's weight
-- as its probability, a flow goes from one of its `from` to another of its `to`, each as likely as
-- the others. So its marginals, from which loads are computed, are exact sums, and a uniform matrix
-- of many hosts takes no more memory than their list.
-- @module weft.workload.matrix

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local placement = require "weft.placement"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local Matrix = {}
Matrix.__index = Matrix

-- Position of each host in a list.
local function positions(list)
  local at = {}
  for i, id in ipairs(list) do at[id] = i end
  return at
end

local function block(weight, from, to, at)
  return { weight = weight, from = from, to = to, at = at or positions(to) }
end

-- Blocks with weights that sum up to 1, and `upto`, the running sums to draw by.
local function new(name, blocks, fan)
  local total, sum, upto = 0.0, 0, {}
  for _, one in ipairs(blocks) do total = total + one.weight end -- a float, which does not wrap
  for i, one in ipairs(blocks) do
    one.weight = one.weight / total
    sum = sum + one.weight
    upto[i] = sum
  end
  return setmetatable({ name = name, blocks = blocks, upto = upto, fan = fan or 1 }, Matrix)
end

local function pick_block(self, stream)
  local upto = self.upto
  if #upto == 1 then return self.blocks[1] end
  local u, low, high = stream:uniform(), 1, #upto
  while low < high do
    local middle = math.floor((low + high) / 2)
    if upto[middle] < u then low = middle + 1 else high = middle end
  end
  return self.blocks[low]
end

--- A function that draws the ends of one flow after the other.
-- @tparam Stream stream
-- @treturn function gives the host ids of source and destination
function Matrix:picker(stream)
  return function()
    local one = pick_block(self, stream)
    local src = one.from[#one.from == 1 and 1 or stream:integer(#one.from)]
    local own, count = one.at[src], #one.to
    if not own then return src, one.to[count == 1 and 1 or stream:integer(count)] end
    local i = stream:integer(count - 1)
    return src, one.to[i < own and i or i + 1]
  end
end

-- Sources of a block that are among its destinations.
local function overlap(one)
  local count = 0
  for _, id in ipairs(one.from) do
    if one.at[id] then count = count + 1 end
  end
  return count
end

--- The share of all flows that each host sends, and receives.
-- @treturn table host id -> share
-- @treturn table host id -> share
function Matrix:marginals()
  local send, receive = {}, {}
  for _, one in ipairs(self.blocks) do
    local sources, each = positions(one.from), one.weight / #one.from
    for _, id in ipairs(one.from) do send[id] = (send[id] or 0) + each end
    local inside = overlap(one)
    local outside = #one.from - inside
    for _, id in ipairs(one.to) do
      local share = outside / #one.to
      if inside > 0 then share = share + (inside - (sources[id] and 1 or 0)) / (#one.to - 1) end
      receive[id] = (receive[id] or 0) + each * share
    end
  end
  return send, receive
end

--- The share of all flows that leave, and that enter, each group of hosts.
-- @tparam table group_of host id -> number of its group
-- @treturn table group -> share
-- @treturn table group -> share
function Matrix:crossing(group_of)
  local leave, enter = {}, {}
  for _, one in ipairs(self.blocks) do
    local members = {}
    for _, id in ipairs(one.to) do
      members[group_of[id]] = (members[group_of[id]] or 0) + 1
    end
    local inside = {} -- group -> share of flows that stay in it
    for _, id in ipairs(one.from) do
      local group, own = group_of[id], one.at[id] and 1 or 0
      local stays = ((members[group] or 0) - own) / (#one.to - own)
      leave[group] = (leave[group] or 0) + one.weight / #one.from * (1 - stays)
      inside[group] = (inside[group] or 0) + one.weight / #one.from * stays
    end
    local _, receive = new("", { block(1, one.from, one.to, one.at) }):marginals()
    for _, id in ipairs(one.to) do
      local group = group_of[id]
      enter[group] = (enter[group] or 0) + one.weight * receive[id]
    end
    for group, share in pairs(inside) do -- order-free: one sum each
      if enter[group] then enter[group] = enter[group] - share end
    end
  end
  return leave, enter
end

local rules = {
  uniform = {},
  rack_local = {
    inside = { type = "number", default = 0.8, min = 0, max = 1 },
    by = { type = "enum", choices = { "leaf", "group" }, default = "leaf" },
  },
  permutation = {},
  incast = { fan_in = { type = "integer", min = 1 }, target = { type = "any" } },
  hotspot = {
    hosts = { type = "any", default = 1 },
    share = { type = "number", default = 0.5, min = 0, max = 1 },
  },
}

local make = {}

function make.uniform(_, hosts)
  return new("uniform", { block(1, hosts, hosts) })
end

--- Group numbers of hosts, and the groups cut down to these hosts.
-- @treturn table host id -> number
-- @treturn table number -> list of host ids
function M.racks(fabric, hosts, by)
  local wanted, group_of, groups = positions(hosts), {}, {}
  for g, members in ipairs(placement.groups(fabric, by)) do
    groups[g] = {}
    for _, id in ipairs(members) do
      group_of[id] = g
      if wanted[id] then groups[g][#groups[g] + 1] = id end
    end
  end
  return group_of, groups
end

-- A uniform matrix has a part inside the racks already; the rest of `inside` is made up for by
-- flows between hosts of one rack.
function make.rack_local(fabric, hosts, o)
  local _, groups = M.racks(fabric, hosts, o.by)
  local pairs_inside, several = 0, 0
  for _, members in ipairs(groups) do
    pairs_inside = pairs_inside + #members * (#members - 1)
    if #members > 1 then several = several + #members end
  end
  local by_chance = pairs_inside / (#hosts * (#hosts - 1))
  if several == 0 then fail.raise("synthetic: rack_local: no two hosts share a rack") end
  if o.inside < by_chance - 1e-12 then
    fail.raise("synthetic: rack_local: inside: expected at least %.4g, the share of a uniform"
      .. " matrix, got %g", by_chance, o.inside)
  end
  local extra = by_chance < 1 and (o.inside - by_chance) / (1 - by_chance) or 0
  local blocks = { block(1 - extra, hosts, hosts) }
  for _, members in ipairs(groups) do
    if #members > 1 then
      blocks[#blocks + 1] = block(extra * #members / several, members, members)
    end
  end
  return new("rack_local", blocks)
end

function make.permutation(_, hosts, _, stream)
  local blocks = {}
  for i, j in ipairs(stream:derangement(#hosts)) do
    blocks[i] = block(1, { hosts[i] }, { hosts[j] })
  end
  return new("permutation", blocks)
end

-- Sources of a burst are the head of a list that is shuffled only so far. A target that is drawn
-- goes to the list's end first, out of the way.
local function burst_picker(stream, senders, target, fan)
  local list, drawn, to = {}, 0, target
  for i, id in ipairs(senders) do list[i] = id end
  return function()
    local last = target and #list or #list - 1
    if drawn == 0 and not target then
      local i = stream:integer(#list)
      list[i], list[#list] = list[#list], list[i]
      to = list[#list]
    end
    local i = drawn + stream:integer(last - drawn)
    drawn = drawn + 1
    list[drawn], list[i] = list[i], list[drawn]
    local src = list[drawn]
    if drawn == fan then drawn = 0 end
    return src, to
  end
end

-- Flows come `fan_in` at a time, from different hosts to one: the target, or one drawn each time.
function make.incast(fabric, hosts, o)
  local most = #hosts - 1
  if o.fan_in and o.fan_in > most then
    fail.raise("synthetic: incast: fan_in: expected at most %d, got %d", most, o.fan_in)
  end
  local fan, target = o.fan_in or math.min(16, most), nil
  if o.target ~= nil then target = fabric:host(o.target).id end
  local others = {}
  for _, id in ipairs(hosts) do
    if id ~= target then others[#others + 1] = id end
  end
  if #others == #hosts and target then
    fail.raise("synthetic: incast: target: '%s' is not among the hosts", fabric:host(target).name)
  end
  local made = new("incast", { target and block(1, others, { target }) or block(1, hosts, hosts) },
    fan)
  made.picker = function(_, stream) return burst_picker(stream, others, target, fan) end
  return made
end

function make.hotspot(fabric, hosts, o)
  local hot = {}
  if type(o.hosts) == "number" then
    check.value("synthetic: hotspot: hosts", o.hosts, { type = "integer", min = 1, max = #hosts })
    for i = 1, o.hosts do hot[i] = hosts[i] end
  elseif type(o.hosts) == "table" and next(o.hosts) ~= nil then
    check.argument("synthetic: hotspot: hosts", o.hosts, "list")
    local known = positions(hosts)
    for i, which in ipairs(o.hosts) do
      local host = fabric:host(which)
      if not known[host.id] then
        fail.raise("synthetic: hotspot: '%s' is not among the hosts", host.name)
      end
      hot[i] = host.id
    end
  else
    fail.raise("synthetic: hotspot: hosts: expected how many, or a list, got %s",
      fail.show(o.hosts))
  end
  local from = hosts
  if #hot == 1 then
    from = {}
    for _, id in ipairs(hosts) do
      if id ~= hot[1] then from[#from + 1] = id end
    end
  end
  return new("hotspot", { block(1 - o.share, hosts, hosts), block(o.share, from, hot) })
end

local function from_file(fabric, hosts, path)
  local known, blocks = positions(hosts), {}
  local columns = { "src", "dst", { "weight", type = "number", min = 0 } }
  for row, line in csv.rows(path, columns) do
    local place, ends = ("%s:%d"):format(path, line), {}
    for i, which in ipairs { row.src, row.dst } do
      local host = fabric:host(units.whole(which) or which, place)
      if not known[host.id] then fail.at(place, "'%s' is not among the hosts", host.name) end
      ends[i] = host.id
    end
    if ends[1] == ends[2] then
      fail.at(place, "expected different hosts, got %s twice", fail.show(row.src))
    end
    if row.weight > 0 then
      blocks[#blocks + 1] = block(row.weight, { ends[1] }, { ends[2] })
    end
  end
  if #blocks == 0 then fail.at(path .. ":1", "expected a row with a weight above 0") end
  return new(path, blocks)
end

--- A matrix over some hosts of a fabric: a name, `{ kind = name, ... }` with its options, or
-- `{ file = path }`, CSV with the columns src, dst, weight. Names: "uniform"; "rack_local"
-- (`inside`: share of flows within the rack, 0.8; `by`: see weft.placement.groups); "permutation"
-- (each host to one other); "incast" (`fan_in` flows at a time, 16 or all others, to `target`,
-- default: one drawn each time); "hotspot" (`share` of the flows, 0.5, go to `hosts`: how many of
-- the first, 1, or a list).
-- @tparam weft.Fabric fabric
-- @tparam {integer,...} hosts ids, at least 2
-- @tparam string|table given
-- @tparam Stream stream for what is drawn once
-- @treturn Matrix
function M.new(fabric, hosts, given, stream)
  if type(given) == "table" and given.file ~= nil then
    local o = check.options("synthetic: matrix", given, { file = { type = "string" } })
    return from_file(fabric, hosts, o.file)
  end
  local kind, options = given, {}
  if type(given) == "table" then
    kind = given.kind
    if kind == nil then fail.raise("synthetic: matrix: option 'kind' or 'file' is missing") end
    for key, value in pairs(given) do -- order-free: a copy
      if key ~= "kind" then options[key] = value end
    end
  end
  if not rules[kind] then
    fail.raise("synthetic: matrix: got %s%s", fail.show(kind),
      fail.hint(tostring(kind), util.sorted_keys(rules)))
  end
  local o = check.options("synthetic: matrix: " .. kind, options, rules[kind])
  return make[kind](fabric, hosts, o, stream)
end

return M
