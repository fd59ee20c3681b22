--- A fabric: named nodes and the links between them. A passive value that a simulation is built
-- from, that files are read into and that pictures are drawn of.
--
-- Node and link ids count from 0 in the order of creation, as in the core; the order of a node's
-- links is the order of its ports, which decides ECMP choices.
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"
local units = require "weft.units"
local util = require "weft.util"

local unpack = table.unpack or unpack

local Fabric = {}
Fabric.__index = Fabric

local Node = {}
Node.__index = Node

local Link = {}
Link.__index = Link

-- Tier of a node that does not say: NVLink switches are drawn below the hosts.
local KIND_TIER = { host = 0, switch = 1, nvswitch = -1 }
local KINDS = core.constants.node_kind

-- The core's limits of a link (weft_link_def).
local TIER_MAX = 100

local RATE_MIN_BPS, RATE_MAX_BPS = 1e6, 1e14
local DELAY_MAX_PS = 1e13
local COST_MAX = 65535
local LINKS_MAX = 2 ^ 26 - 1 -- two ports each, for which events have 28 bits, one in reserve

-- Classes of links, best first.
local CLASSES, IS_CLASS = {}, {}
for _, class in ipairs(core.constants.link_class) do
  if class ~= "by_ends" then CLASSES[#CLASSES + 1], IS_CLASS[class] = class, true end
end

function Node:__tostring()
  return ("node %d  %s  %s  tier %d"):format(self.id, self.name, self.kind, self.tier)
end

function Link:__tostring()
  local there, back = self:direction(self.a), self:direction(self.b)
  -- "1 Gbit/s", or "1 Gbit/s, back 2 Gbit/s".
  local function both(key, show)
    if there[key] == back[key] then return show(there[key]) end
    return ("%s, back %s"):format(show(there[key]), show(back[key]))
  end
  local text = ("link %d  %s - %s  %s  %s"):format(self.id, self.fabric.nodes[self.a + 1].name,
    self.fabric.nodes[self.b + 1].name, both("rate_bps", units.format_rate),
    both("delay_ps", units.format_time))
  if there.jitter_ps + back.jitter_ps > 0 then
    text = ("%s  jitter %s"):format(text, both("jitter_ps", units.format_time))
  end
  if there.loss + back.loss > 0 then
    text = ("%s  loss %s"):format(text, both("loss", function(loss) return ("%g"):format(loss) end))
  end
  local class = self:link_class()
  if class ~= "net" then text = text .. "  " .. class end
  if self.cost ~= 1 then text = ("%s  cost %d"):format(text, self.cost) end
  return text
end

--- What a link is in the direction out of one of its ends.
-- @tparam integer from id of that end
-- @treturn table `rate_bps`, `delay_ps`, `jitter_ps`, `loss`
function Link:direction(from)
  local there = { rate_bps = self.rate_bps, delay_ps = self.delay_ps, jitter_ps = self.jitter_ps,
    loss = self.loss }
  if from == self.a then return there end
  if from ~= self.b then
    fail.raise("link %d: expected an end of it, %d or %d, got %s", self.id, self.a, self.b,
      fail.show(from))
  end
  for key, value in pairs(self.back) do there[key] = value end -- order-free: a copy
  return there
end

--- "nvlink", "pcie" or "net": as given, else by the ends. To an NVLink switch, or between two hosts
-- of one group, it is NVLink.
function Link:link_class()
  if self.class then return self.class end
  local a, b = self.fabric.nodes[self.a + 1], self.fabric.nodes[self.b + 1]
  local nvlink = a.kind == "nvswitch" or b.kind == "nvswitch"
    or a.kind == "host" and b.kind == "host" and a.group ~= nil and a.group == b.group
  return nvlink and "nvlink" or "net"
end

--- "gpu3-leaf3"; the second of parallel links is "gpu3-leaf3#2".
function Link:name()
  local nodes = self.fabric.nodes
  local name = nodes[self.a + 1].name .. "-" .. nodes[self.b + 1].name
  for n, link in ipairs(self.fabric:links_between(self.a, self.b)) do
    if link == self and n > 1 then return ("%s#%d"):format(name, n) end
  end
  return name
end

-- Names go into tables, files, pictures and onto terminals.
local function check_name(what, name)
  if type(name) ~= "string" or name == "" then
    fail.raise("%s: expected a name, got %s", what, fail.show(name))
  elseif name:find("[%c\128-\255]") and fail.printable(name) ~= name then
    fail.raise("%s: expected a name in UTF-8 without control characters, got '%s'", what, name)
  end
end

-- Pictures have a row for every tier.
local function check_tier(name, tier)
  local fits = tier == nil or type(tier) == "number" and tier >= -TIER_MAX and tier <= TIER_MAX
  if fits and (tier == nil or tier % 1 == 0) then return util.integer(tier) end
  return fail.raise("add_node: tier of '%s': expected a whole number, -%d to %d, got %s", name,
    TIER_MAX, TIER_MAX, fail.show(tier))
end

local function check_group(name, group)
  if group == nil or type(group) == "string" or type(group) == "number" and group - group == 0 then
    return group
  end
  return fail.raise("add_node: group of '%s': expected a number, got %s", name, fail.show(group))
end

-- Coordinates, of any unit: pictures fit them in.
local function check_place(name, place)
  local good = place == nil or type(place) == "table" and #place == 2
    and type(place[1]) == "number" and type(place[2]) == "number"
    and place[1] - place[1] == 0 and place[2] - place[2] == 0
  if good then return place and { place[1], place[2] } end
  return fail.raise("add_node: place of '%s': expected { x, y }, got %s", name, fail.show(place))
end

local NODE_OPTIONS = { "group", "place", "tier" }

local function check_node_options(name, options)
  if type(options) ~= "table" then
    fail.raise("add_node: expected options of '%s', such as { tier = 1 }, got %s", name,
      fail.show(options))
  end
  for key in util.sorted_pairs(options) do
    if key ~= "group" and key ~= "tier" and key ~= "place" then
      fail.raise("add_node: unknown option %s of '%s'%s", fail.show(key), name,
        fail.hint(tostring(key), NODE_OPTIONS))
    end
  end
end

--- Raise at `place` ("topology.txt:17"), or at the calling script if there is none.
local function complain(place, ...)
  if type(place) == "string" then fail.at(place, ...) end
  fail.raise(...)
end

--- Add a node.
-- @tparam string name unique in the fabric
-- @tparam string kind "host", "switch" or "nvswitch"
-- @tparam ?table options `tier` (0 host, 1 leaf, 2 aggregation or spine, 3 core; -1 NVLink
-- switch), `group` (pod or server, any number) and `place` ({ x, y }) tell pictures where the node
-- belongs
-- @treturn integer node id
function Fabric:add_node(name, kind, options)
  check_name("add_node", name)
  if options ~= nil then check_node_options(name, options) end
  local tier = check_tier(name, options and options.tier)
  local group = check_group(name, options and options.group)
  local place = check_place(name, options and options.place)
  if self.by_name[name] then
    fail.raise("add_node: there is a node '%s' already", name)
  elseif not KIND_TIER[kind] then
    fail.raise("add_node: kind of '%s': got %s%s", name, fail.show(kind),
      fail.hint(tostring(kind), KINDS))
  end
  local id = #self.nodes
  local node = setmetatable({
    id = id,
    name = name,
    kind = kind,
    tier = tier or KIND_TIER[kind],
    group = group,
    place = place,
  }, Node)
  self.nodes[id + 1] = node
  self.by_name[name] = node
  self.adjacent[id + 1] = {}
  if kind == "host" then self.host_ids[#self.host_ids + 1] = id end
  return id
end

--- Give a node another name, which must be free.
function Fabric:rename_node(which, name)
  local node = self:node(which)
  check_name("rename_node", name)
  if node.name == name then return end
  if self.by_name[name] then fail.raise("rename_node: there is a node '%s' already", name) end
  self.by_name[node.name] = nil
  self.by_name[name] = node
  node.name = name
end

--- Names of all nodes, in order.
function Fabric:node_names()
  local names = {}
  for i, node in ipairs(self.nodes) do names[i] = node.name end
  return names
end

--- A node by its name or id. An unknown one is an error, at `place` if given.
-- @tparam string|integer|table which a node is returned as it is
-- @treturn table node
function Fabric:node(which, place)
  if getmetatable(which) == Node and self.nodes[which.id + 1] == which then return which end
  local node = self.by_name[which] or (type(which) == "number" and self.nodes[which + 1])
  if node then return node end
  if type(which) == "number" then
    complain(place, "unknown node %s: expected 0 to %d", fail.show(which), #self.nodes - 1)
  elseif type(which) == "string" then
    complain(place, "unknown node '%s' in %s%s", which, self.name,
      fail.hint(which, self:node_names()))
  end
  return complain(place, "expected the name of a node of %s, got %s", self.name, fail.show(which))
end

--- A host by its name or id; anything else is an error.
function Fabric:host(which, place)
  local node = self:node(which, place)
  if node.kind == "host" then return node end
  return complain(place, "expected a host, got %s '%s'", node.kind, node.name)
end

-- What can differ by direction, with its limits: what it may be, and how it is said.
local DIRECTED = {
  { "rate_bps", "rate", "a number of bit/s", RATE_MIN_BPS, RATE_MAX_BPS, "1 Mbit/s to 100 Tbit/s",
    units.format_rate },
  { "delay_ps", "delay", "a number of ps", 0, DELAY_MAX_PS, "0 to 10 s", units.format_time },
  { "jitter_ps", "jitter", "a number of ps", 0, DELAY_MAX_PS, "0 to 10 s", units.format_time },
  { "loss", "loss", "a probability, 0 to 1", 0, 1, "a probability, 0 to 1", fail.show },
}

-- A value for both directions, or one for each: there, and back if that differs.
local function directions(value, what, expect)
  if type(value) ~= "table" then return value, nil end
  expect(#value == 2, what, "one for both directions, or { there, back }", fail.show(value))
  if value[1] == value[2] then return value[1], nil end
  return value[1], value[2]
end

local MORE = { "class", "cost", "jitter", "loss" }

-- What a link has beyond ends, rate and delay: its loss, or a table of options.
local function more_of_link(more, expect)
  if type(more) ~= "table" then return { loss = more or 0, jitter = 0, cost = 1 } end
  for key in util.sorted_pairs(more) do
    local known = key == "loss" or key == "class" or key == "cost" or key == "jitter"
    expect(known, "options", "loss, jitter, class or cost", fail.show(key)
      .. fail.hint(tostring(key), MORE))
  end
  local class, cost = more.class, more.cost or 1
  expect(class == nil or IS_CLASS[class], "class",
    "a class", fail.show(class) .. fail.hint(tostring(class), CLASSES))
  expect(type(cost) == "number" and cost >= 1 and cost <= COST_MAX and cost % 1 == 0, "cost",
    "a whole number, 1 to 65535", fail.show(cost))
  return { loss = more.loss or 0, jitter = more.jitter or 0, class = class,
    cost = util.integer(cost) }
end

--- Add a link between two nodes given by id, in the core's units. Readers of files use it, with
-- the place of the line. Rate, delay, and of `more` jitter (in ps) and loss may be
-- `{ there, back }`.
-- @treturn integer link id
function Fabric:connect(a, b, rate_bps, delay_ps, more, place)
  local node_a, node_b = self:node(a, place), self:node(b, place)
  if node_a == node_b then complain(place, "link from '%s' to itself", node_a.name) end
  local function expect(good, what, range, got)
    if good then return end
    complain(place, "%s of link %s-%s: expected %s, got %s", what, node_a.name, node_b.name, range,
      got)
  end
  local of = more_of_link(more, expect)
  local given = { rate_bps = rate_bps, delay_ps = delay_ps, jitter_ps = of.jitter, loss = of.loss }
  local there, back = {}, {}
  for _, one in ipairs(DIRECTED) do
    local key, what, kind, least, most, range, show = unpack(one)
    there[key], back[key] = directions(given[key], what, expect)
    for _, value in ipairs { there[key] == nil and "nothing" or there[key], back[key] } do
      expect(type(value) == "number", what, kind, fail.show(value))
      expect(value >= least and value <= most, what, range, show(value))
    end
  end
  local id = #self.links
  expect(id < LINKS_MAX, "number", ("at most %d links in a fabric"):format(LINKS_MAX), "more")
  self.links[id + 1] = setmetatable({
    id = id,
    a = node_a.id,
    b = node_b.id,
    rate_bps = there.rate_bps,
    delay_ps = there.delay_ps,
    jitter_ps = there.jitter_ps,
    loss = there.loss,
    back = back, -- of these, what is otherwise from b to a
    class = of.class,
    cost = of.cost,
    fabric = self,
  }, Link)
  local at_a, at_b = self.adjacent[node_a.id + 1], self.adjacent[node_b.id + 1]
  at_a[#at_a + 1] = id
  at_b[#at_b + 1] = id
  return id
end

-- A quantity in the core's unit, or two of them.
local function quantity(convert, value, what)
  if type(value) ~= "table" then return convert(value, what) end
  local converted = {}
  for i, one in ipairs(value) do converted[i] = convert(one, what) end
  return converted
end

--- Add a full-duplex link. Nodes are given by name or id.
--
-- Ways compare by their worst class, then by the sum of costs, then by the number of links.
-- @tparam string|integer a
-- @tparam string|integer b
-- @tparam string|number|table rate of each direction: "400Gbps", or bit/s; of one from a to b and
-- one back: `{ "1Gbps", "200Mbps" }`. So may be delay, jitter and loss
-- @tparam string|number|table delay of propagation: "500ns", or seconds
-- @tparam ?table|number more `class` ("nvlink", "pcie", "net"; without it a link to an NVLink
-- switch or between hosts of one group is NVLink, all else network), `cost` (1), `jitter` (each
-- packet up to this much later, 0), `loss` (probability that a packet is lost, 0); or that
-- probability alone
-- @treturn integer link id
function Fabric:add_link(a, b, rate, delay, more)
  local from, to = self:node(a), self:node(b)
  local what = (" of link %s-%s"):format(from.name, to.name)
  if type(more) == "table" and more.jitter then
    local copy = {}
    for key, value in pairs(more) do copy[key] = value end -- order-free: a copy
    copy.jitter = quantity(units.time_ps, more.jitter, "jitter" .. what)
    more = copy
  end
  return self:connect(from.id, to.id, quantity(units.rate_bps, rate, "rate" .. what),
    quantity(units.time_ps, delay, "delay" .. what), more)
end

--- All links at a node, in the order of its ports.
-- @treturn {table,...}
function Fabric:links_of(node)
  local found = {}
  for i, id in ipairs(self.adjacent[self:node(node).id + 1]) do found[i] = self.links[id + 1] end
  return found
end

--- The links between two nodes, in order; several if they are parallel.
function Fabric:links_between(a, b)
  local from, to = self:node(a).id, self:node(b).id
  if #self.adjacent[to + 1] < #self.adjacent[from + 1] then from, to = to, from end
  local found = {}
  for _, id in ipairs(self.adjacent[from + 1]) do
    local link = self.links[id + 1]
    if link.a == to or link.b == to then found[#found + 1] = link end
  end
  return found
end

--- Names of the nodes next to one, for messages.
local function neighbour_text(self, node)
  local names = {}
  for i, link in ipairs(self:links_of(node)) do
    if i > 8 then
      names[i] = "..."
      break
    end
    names[i] = self.nodes[(link.a == node.id and link.b or link.a) + 1].name
  end
  return #names == 0 and "no links" or "links to " .. table.concat(names, ", ")
end

--- A link: `fabric:link("gpu3", "leaf3")`, the n-th of parallel ones `fabric:link(a, b, n)`, or by
-- id `fabric:link(12)`. One that does not exist is an error.
-- @treturn table link
function Fabric:link(a, b, n)
  if b == nil then
    if getmetatable(a) == Link and self.links[a.id + 1] == a then return a end
    local link = type(a) == "number" and self.links[a + 1]
    if link then return link end
    fail.raise("expected a link of %s (two nodes, or an id 0 to %d), got %s", self.name,
      #self.links - 1, fail.show(a))
  end
  local from, to = self:node(a), self:node(b)
  local found = self:links_between(from, to)
  local link = found[n or 1]
  if link then return link end
  if #found > 0 then
    fail.raise("link %s of '%s' and '%s': expected 1 to %d", fail.show(n), from.name, to.name,
      #found)
  end
  return fail.raise("no link between '%s' and '%s': '%s' has %s", from.name, to.name, from.name,
    neighbour_text(self, from))
end

--- Ids of all hosts, in order.
-- @treturn {integer,...}
function Fabric:hosts()
  local ids = {}
  for i, id in ipairs(self.host_ids) do ids[i] = id end
  return ids
end

--- Links on the shortest way from a node to every node: element id + 1, nil where there is none.
function Fabric:distances(from)
  return self:distances_from({ self:node(from).id })
end

--- As distances, from the nearest of several node ids. Hosts are ends: no way leads through one.
function Fabric:distances_from(sources)
  local distance, queue = {}, {}
  -- Not at the top: weft.check asks what a fabric is.
  require("weft.check").argument("distances_from", sources, "list")
  for i, which in ipairs(sources) do
    local id = self:node(which).id
    distance[id + 1] = 0
    queue[i] = id
  end
  local head = 1
  while queue[head] do
    local id = queue[head]
    head = head + 1
    if self.nodes[id + 1].kind ~= "host" or distance[id + 1] == 0 then
      for _, link_id in ipairs(self.adjacent[id + 1]) do
        local link = self.links[link_id + 1]
        local other = link.a == id and link.b or link.a
        if not distance[other + 1] then
          distance[other + 1] = distance[id + 1] + 1
          queue[#queue + 1] = other
        end
      end
    end
  end
  return distance
end

--- Set each switch's tier to its distance from the nearest host. For fabrics read from files that
-- do not tell.
function Fabric:assign_tiers()
  local distance = self:distances_from(self.host_ids)
  for i, node in ipairs(self.nodes) do
    if node.kind == "switch" then node.tier = distance[i] or KIND_TIER.switch end
  end
end

--- The nodes by tier, lowest first: an array of `{ tier =, nodes = { id, ... } }`.
function Fabric:tiers()
  local by_tier = {}
  for _, node in ipairs(self.nodes) do
    local ids = by_tier[node.tier] or {}
    by_tier[node.tier] = ids
    ids[#ids + 1] = node.id
  end
  local result = {}
  for tier, ids in util.sorted_pairs(by_tier) do
    result[#result + 1] = { tier = tier, nodes = ids }
  end
  return result
end

-- "32 x 400 Gbit/s, 4 x 2.4 Tbit/s"; of many rates, or of directions that differ, their bounds.
local function speeds_of(links)
  local count, rates, apart = {}, {}, false
  for _, link in ipairs(links) do
    for _, rate in ipairs { link.rate_bps, link.back.rate_bps } do
      if not count[rate] then rates[#rates + 1] = rate end
      count[rate] = (count[rate] or 0) + 1
    end
    apart = apart or link.back.rate_bps ~= nil
  end
  table.sort(rates)
  if apart or #rates > 8 then
    return ("%s to %s"):format(units.format_rate(rates[1]), units.format_rate(rates[#rates]))
  end
  local parts = {}
  for i, rate in ipairs(rates) do
    parts[i] = ("%d x %s"):format(count[rate], units.format_rate(rate))
  end
  return table.concat(parts, ", ")
end

--- One line: "rail_optimized: 32 hosts, 4 NVLink switches, 9 switches, 72 links (...)".
function Fabric:describe()
  local kinds = { host = 0, switch = 0, nvswitch = 0 }
  for _, node in ipairs(self.nodes) do kinds[node.kind] = kinds[node.kind] + 1 end
  local parts = { util.counted(kinds.host, "host") }
  if kinds.nvswitch > 0 then
    parts[#parts + 1] = util.counted(kinds.nvswitch, "NVLink switch", "NVLink switches")
  end
  if kinds.switch > 0 then parts[#parts + 1] = util.counted(kinds.switch, "switch", "switches") end
  local speeds = speeds_of(self.links)
  parts[#parts + 1] = util.counted(#self.links, "link")
    .. (#speeds > 0 and (" (%s)"):format(speeds) or "")
  return self.name .. ": " .. table.concat(parts, ", ")
end

Fabric.__tostring = Fabric.describe

--- Add all nodes and links to a simulation of the core (weft.core), with the same ids.
function Fabric:build(core_sim)
  if not core._is_open(core_sim) then
    fail.raise("fabric:build: expected an open simulation of weft.core, got %s",
      fail.show(core_sim))
  end
  for _, node in ipairs(self.nodes) do core_sim:node_add(node.kind) end
  for _, link in ipairs(self.links) do
    local back = link:direction(link.b)
    core_sim:link_add {
      a = link.a,
      b = link.b,
      rate_bps = link.rate_bps,
      delay_ps = link.delay_ps,
      jitter_ps = link.jitter_ps,
      loss = link.loss,
      link_class = link:link_class(),
      cost = link.cost,
      apart = next(link.back) and 1 or 0,
      rate_back_bps = back.rate_bps,
      delay_back_ps = back.delay_ps,
      jitter_back_ps = back.jitter_ps,
      loss_back = back.loss,
    }
  end
end

local fabric = {}

--- An empty fabric.
-- @tparam ?string name for messages and pictures
function fabric.new(name)
  if name ~= nil and type(name) ~= "string" then
    fail.raise("fabric.new: expected a name, got %s", fail.show(name))
  end
  return setmetatable({
    name = fail.printable(name or "fabric"),
    nodes = {},
    links = {},
    attributes = {}, -- what a file's header says beyond nodes and links
    by_name = {},
    adjacent = {}, -- node id + 1 -> link ids in the order of ports
    host_ids = {},
  }, Fabric)
end

--- Whether a value is a fabric.
function fabric.is(value)
  return getmetatable(value) == Fabric
end

guard.class("fabric", "fabric", Fabric)

guard.class("link", "link", Link)

return guard.module("fabric", fabric)
