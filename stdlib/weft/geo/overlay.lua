--- Overlays of data centres: nodes 1 to N, and links with a rate of their own per direction.
-- @module weft.geo.overlay

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"
local random = require "weft.random"
local util = require "weft.util"

local M = {}

local Overlay = {}
Overlay.__index = Overlay

local BPS_PER_MBPS = 1e6

-- A data centre as an index: its own number, or that of its name.
local function index_of(self, what, node)
  local index = self.index[node]
  if index then return index end
  if self.fixed then
    fail.raise("%s: no data centre %s; expected 1 to %d", what, fail.show(node), self.fixed)
  end
  index = #self.names + 1
  self.names[index], self.index[node] = node, index
  return index
end

-- What else a link has: its options, of what kind each is, and the field with a value per link.
local LINK_OPTIONS = {
  { "delay", "delay_s", { type = "time", min = 0, max = 1e13 }, 1e-12 },
  { "jitter", "jitter_s", { type = "time", min = 0, max = 1e13 }, 1e-12 },
  { "loss", "loss", { type = "number", min = 0, max = 1 }, 1 },
}

-- Set what else a link has, from a table of options in which quantities may be text.
local function set_options(self, what, link, given)
  for _, option in ipairs(LINK_OPTIONS) do
    local name, field, rule, scale = option[1], option[2], option[3], option[4]
    local value = given[name]
    if value ~= nil then
      value = check.value(("%s: %s"):format(what, name), value, rule) * scale
    end
    self[field][link] = value or self[field][link] or 0
  end
end

local function add_link(self, what, from, to, rate_bps)
  local u, v = index_of(self, what, from), index_of(self, what, to)
  if u == v then fail.raise("%s: a link from %s to itself", what, tostring(from)) end
  if rate_bps ~= rate_bps or rate_bps <= 0 or rate_bps == math.huge then
    fail.raise("%s: link %s to %s: expected a rate of more than 0, got %s", what, tostring(from),
      tostring(to), fail.show(rate_bps))
  end
  self.out[u] = self.out[u] or {}
  if self.out[u][v] then
    fail.raise("%s: link %s to %s is there twice", what, tostring(from), tostring(to))
  end
  local link = #self.from + 1
  self.out[u][v] = link
  self.from[link], self.to[link], self.rate_bps[link] = u, v, rate_bps
  return link
end

-- Neighbours in ascending order, and who can be reached.
local function complete(self, what)
  self.nodes, self.links = #self.names, #self.from
  if self.nodes < 2 then fail.raise("%s: expected at least 2 data centres", what) end
  self.neighbours, self.sources = {}, {}
  for u = 1, self.nodes do
    self.out[u] = self.out[u] or {}
    self.neighbours[u], self.sources[u] = {}, {}
  end
  for u = 1, self.nodes do
    for v = 1, self.nodes do
      if self.out[u][v] then
        table.insert(self.neighbours[u], v)
        table.insert(self.sources[v], u)
      end
    end
  end
  for _, side in ipairs { { self.neighbours, "from" }, { self.sources, "to" } } do
    local seen, list = { true }, { 1 }
    for _, u in ipairs(list) do
      for _, v in ipairs(side[1][u]) do
        if not seen[v] then
          seen[v], list[#list + 1] = true, v
        end
      end
    end
    for v = 1, self.nodes do
      if not seen[v] then
        local from, to = self.names[1], self.names[v]
        if side[2] == "to" then from, to = to, from end
        fail.raise("%s: there is no route from %s to %s", what, tostring(from), tostring(to))
      end
    end
  end
  return self
end

local options_rule = {
  name = { type = "string", default = "overlay" },
  nodes = { type = "integer", min = 2, brief = "how many; default: as links name them" },
  links = { type = "list", required = true, brief = "{ from, to, rate }, one per direction" },
  egress = { type = "any", brief = "rate that a data centre sends at in all, or a table of them" },
  ingress = { type = "any", brief = "rate that one receives at in all, or a table of them" },
  places = { type = "table", brief = "{ x, y } by data centre, for pictures" },
}

local function empty(name)
  return setmetatable({ name = name, names = {}, index = {}, out = {}, from = {}, to = {},
    rate_bps = {}, delay_s = {}, jitter_s = {}, loss = {}, egress_bps = {}, ingress_bps = {},
    places = {} }, Overlay)
end

-- Numbers 1 to N, whoever is named first.
local function number_nodes(self, count)
  for i = 1, count do self.names[i], self.index[i] = i, i end
  self.fixed = count
end

local CAP = { type = "rate", min = 1 }

-- Caps of data centres: one for all, or a table by data centre.
local function set_caps(self, what, caps, given)
  if given == nil then return end
  if type(given) ~= "table" then
    local cap = check.value(what, given, CAP)
    for u = 1, self.nodes do caps[u] = cap end
    return
  end
  for name, cap in util.sorted_pairs(given) do
    local u = self.index[name]
    if not u then fail.raise("%s: no data centre %s in %s", what, fail.show(name), self.name) end
    caps[u] = check.value(("%s of %s"):format(what, tostring(name)), cap, CAP)
  end
end

local function set_places(self, what, places)
  for name, place in util.sorted_pairs(places or {}) do
    local u = self.index[name]
    if not u then fail.raise("%s: no data centre %s in %s", what, fail.show(name), self.name) end
    check.argument(("%s of %s"):format(what, tostring(name)), place, "numbers")
    if #place ~= 2 then
      fail.raise("%s of %s: expected { x, y }, got %s", what, tostring(name),
        util.counted(#place, "number"))
    end
    self.places[u] = { place[1], place[2] }
  end
end

--- An overlay of links.
-- @tparam table options `links`: list of `{ from, to, rate }`, one per direction, with a rate in
-- bit/s or such as "100Mbps", and `delay`, `jitter`, `loss` where engines are to know them
-- (`{ 1, 2, "100Mbps", delay = "10ms" }`); data centres are numbers from 1 (`nodes`: how many), or
-- names; `egress`, `ingress`: what a data centre sends and receives at in all, a rate for each or a
-- table by data centre; `places`: `{ x, y }` by data centre
-- @treturn Overlay
function M.new(options)
  local given = check.options("geo.overlay", options, options_rule)
  local self, largest = empty(given.name), 0
  local numbered = true
  for i, link in ipairs(given.links) do
    check.argument("geo.overlay: link " .. i, link, "table")
    for end_ = 1, 2 do
      local node = link[end_]
      if type(node) ~= "number" and type(node) ~= "string" then
        fail.raise("geo.overlay: link %d: expected two data centres and a rate, got %s", i,
          fail.show(node))
      end
      local is_index = type(node) == "number" and node >= 1 and node % 1 == 0
      numbered = numbered and is_index
      if is_index then largest = math.max(largest, node) end
    end
  end
  if numbered then number_nodes(self, given.nodes or largest) end
  for i, link in ipairs(given.links) do
    local what = ("geo.overlay: link %d: rate"):format(i)
    local rate = link[3]
    if type(rate) ~= "number" then rate = check.value(what, rate, { type = "rate" }) end
    local number = add_link(self, "geo.overlay", link[1], link[2], rate)
    set_options(self, ("geo.overlay: link %d"):format(i), number, link)
  end
  complete(self, "geo.overlay")
  set_caps(self, "geo.overlay: egress", self.egress_bps, given.egress)
  set_caps(self, "geo.overlay: ingress", self.ingress_bps, given.ingress)
  set_places(self, "geo.overlay: place", given.places)
  return self
end

--- All overlays of a file. CSV has a link per row: columns `u`, `v` or `src`, `dst`, which are
-- numbers from 1 or names, and `mbps`, `gbps` or `rate_bps`; `delay_ms` or `rtt_ms` (twice the
-- delay), `jitter_ms` and `loss` if there are any. A column `overlay` parts several. Where no link
-- has its other direction, each rate is for both. Files that end in `.graphml` are GraphML, in
-- `.graph` the text of REPETITA, as both hold networks of the Topology Zoo.
-- @tparam string path
-- @tparam ?table defaults `rate` and `delay` of links of GraphML that have none
-- @treturn {Overlay,...} with their `name`s; also by name
function M.read(path, defaults)
  return require("weft.geo.overlay_files").read(path, defaults)
end

-- The 13 links of NetStorm's evaluation, in the order in which its script draws rates.
local EVALUATION = {
  { 1, 2 }, { 1, 3 }, { 2, 3 }, { 2, 1 }, { 2, 5 }, { 3, 1 }, { 3, 2 }, { 3, 4 }, { 4, 3 },
  { 4, 5 }, { 4, 6 }, { 5, 2 }, { 5, 7 }, { 5, 4 }, { 6, 4 }, { 6, 7 }, { 6, 8 }, { 6, 9 },
  { 7, 5 }, { 7, 6 }, { 7, 8 }, { 8, 6 }, { 8, 7 }, { 8, 9 }, { 9, 6 }, { 9, 8 },
}

--- The overlay of NetStorm's evaluation: 9 data centres, 13 links, 20 to 155 Mbit/s per direction,
-- as its script draws them again every 180 s (Python 2, `random.seed(1)`).
-- @tparam ?number draw from 0; default 0
-- @treturn Overlay
function M.evaluation(draw)
  local draws = require "weft.geo.draws"
  draw = check.value("geo.overlay.evaluation: draw", draw or 0,
    { type = "integer", min = 0, max = 100000 })
  local python = draws.python(1)
  local links = {}
  for k = 0, draw do
    for i, ends in ipairs(EVALUATION) do
      local mbps = 20 + math.floor(136 * python())
      if k == draw then links[i] = { ends[1], ends[2], mbps * BPS_PER_MBPS } end
    end
  end
  return M.new { name = ("evaluation %d"):format(draw), links = links }
end

--- What NetStorm's scheduler believes of that overlay before anything is measured, by glibc's
-- `srand(2)`: 0 to 99.9 MB/s, the same in both directions, as the later draw is taken for both.
-- @treturn Overlay
function M.evaluation_believed()
  local glibc = require("weft.geo.draws").glibc(2)
  local drawn, links = {}, {}
  local overlay = M.evaluation(0)
  for u = 1, overlay.nodes do
    for _, v in ipairs(overlay.neighbours[u]) do
      drawn[math.min(u, v) .. "-" .. math.max(u, v)] = glibc() % 1000 / 10
    end
  end
  for i, ends in ipairs(EVALUATION) do
    local mbytes = drawn[math.min(ends[1], ends[2]) .. "-" .. math.max(ends[1], ends[2])]
    links[i] = { ends[1], ends[2], mbytes * 8e6 }
  end
  return M.new { name = "believed", links = links }
end

-- A copy that shares all but what is changed.
local function copy_of(self)
  local copy = setmetatable({}, Overlay)
  for key, value in pairs(self) do copy[key] = value end -- order-free: a copy
  return copy
end

local function copy_list(list, size)
  local copy = {}
  for i = 1, size do copy[i] = list[i] end
  return copy
end

--- The same overlay with other rates.
-- @tparam {number,...} rates in bit/s, by link
-- @treturn Overlay
function Overlay:with_rates(rates)
  local copy = copy_of(self)
  copy.rate_bps = {}
  for link = 1, self.links do
    local rate = rates[link]
    if type(rate) ~= "number" or rate ~= rate or rate <= 0 or rate == math.huge then
      fail.raise("geo.overlay: link %s to %s: expected a rate of more than 0, got %s",
        tostring(self.names[self.from[link]]), tostring(self.names[self.to[link]]),
        fail.show(rate))
    end
    copy.rate_bps[link] = rate
  end
  return copy
end

local with_rule = {
  delay = { type = "any" }, jitter = { type = "any" }, loss = { type = "any" },
  egress = { type = "any" }, ingress = { type = "any" },
}

--- The same overlay with caps, or with other delay, jitter or loss on all of its links.
-- @tparam table options `egress`, `ingress` (a rate, or a table by data centre), `delay`, `jitter`,
-- `loss`
-- @treturn Overlay
-- @usage overlay:with { egress = "500Mbps", delay = "10ms" }
function Overlay:with(options)
  local given, copy = check.options("overlay:with", options, with_rule), copy_of(self)
  for _, option in ipairs(LINK_OPTIONS) do
    copy[option[2]] = copy_list(self[option[2]], self.links)
  end
  for link = 1, self.links do set_options(copy, "overlay:with", link, given) end
  copy.egress_bps = copy_list(self.egress_bps, self.nodes)
  copy.ingress_bps = copy_list(self.ingress_bps, self.nodes)
  set_caps(copy, "overlay:with: egress", copy.egress_bps, given.egress)
  set_caps(copy, "overlay:with: ingress", copy.ingress_bps, given.ingress)
  return copy
end

--- Whether what some data centre sends or receives in all is capped.
function Overlay:is_capped()
  return next(self.egress_bps) ~= nil or next(self.ingress_bps) ~= nil
end

--- The link between neighbours.
-- @tparam number from index
-- @tparam number to index
-- @treturn number
function Overlay:link(from, to)
  local link = self.out[from] and self.out[from][to]
  if not link then
    fail.raise("overlay %s: no link from %s to %s", self.name, fail.show(from), fail.show(to))
  end
  return link
end

--- A route over nodes as one over links.
-- @tparam {number,...} route nodes
-- @treturn {number,...} links
function Overlay:links_of(route)
  local links = {}
  for i = 1, #route - 1 do links[i] = self:link(route[i], route[i + 1]) end
  return links
end

--- Cost of a route: the sum of 1/(Mbit/s) over its links.
-- @tparam {number,...} route nodes
-- @treturn number
function Overlay:cost(route)
  local sum = 0
  for _, link in ipairs(self:links_of(route)) do sum = sum + BPS_PER_MBPS / self.rate_bps[link] end
  return sum
end

local geometric_rule = {
  nodes = { type = "integer", min = 2, max = 200, required = true },
  radius = { type = "number", min = 0, max = 2, default = 0.5,
    brief = "data centres so near to each other have a link; the square's side is 1" },
  min_rate = { type = "rate", min = 1e6, default = 20e6 },
  max_rate = { type = "rate", min = 1e6, default = 155e6 },
  side = { type = "time", min = 0, max = 1e13, default = 0, brief = "delay across a side" },
  seed = { type = "integer", min = 0, default = 1 },
}

-- Squares are drawn anew until all can reach each other, so often.
local DRAWS = 100

-- Sites in the unit square, and the links between near ones, with their lengths.
local function draw_square(given, attempt)
  local stream = random.stream(given.seed, ("geometric overlay %d"):format(attempt))
  local places, links = {}, {}
  for u = 1, given.nodes do
    places[u] = { stream:uniform(), 0 }
    places[u][2] = stream:uniform()
  end
  for u = 1, given.nodes do
    for v = 1, given.nodes do
      local x, y = places[u][1] - places[v][1], places[u][2] - places[v][2]
      local length = math.sqrt(x * x + y * y)
      if u ~= v and length <= given.radius then
        local mbps = given.min_rate / 1e6
          + math.floor(stream:uniform() * ((given.max_rate - given.min_rate) / 1e6 + 1))
        links[#links + 1] = { u, v, math.min(mbps * 1e6, given.max_rate),
          delay = length * given.side * 1e-12 }
      end
    end
  end
  return links, places
end

-- Whether all can be reached along links that are there in both directions.
local function is_connected(nodes, links)
  local near, seen, list = {}, { true }, { 1 }
  for u = 1, nodes do near[u] = {} end
  for _, link in ipairs(links) do table.insert(near[link[1]], link[2]) end
  for _, u in ipairs(list) do
    for _, v in ipairs(near[u]) do
      if not seen[v] then seen[v], list[#list + 1] = true, v end
    end
  end
  return #list == nodes
end

--- A random geometric overlay: data centres at random in a square, links between those that are
-- near to each other, with a rate of their own per direction, uniform among whole Mbit/s.
-- @tparam table options `nodes`; `radius` (0.5 of a side), `min_rate` (20 Mbit/s), `max_rate`
-- (155 Mbit/s), `side` (delay across a side of the square, 0), `seed`
-- @treturn Overlay
function M.geometric(options)
  local given = check.options("geo.overlay.geometric", options, geometric_rule)
  if given.max_rate < given.min_rate then
    fail.raise("geo.overlay.geometric: option 'max_rate': expected at least min_rate")
  end
  for attempt = 1, DRAWS do
    local links, places = draw_square(given, attempt)
    if is_connected(given.nodes, links) then
      return M.new { name = ("geometric %d"):format(given.seed), links = links,
        nodes = given.nodes, places = places }
    end
  end
  return fail.raise("geo.overlay.geometric: option 'radius': in none of %d squares %d data centres"
    .. " can all reach each other over links up to %g; expected more", DRAWS, given.nodes,
    given.radius)
end

--- Whether a value is an overlay.
function M.is(value) return getmetatable(value) == Overlay end

Overlay.__tostring = function(self)
  return ("%s: %s, %s"):format(self.name, util.counted(self.nodes, "data centre"),
    util.counted(self.links, "link"))
end

guard.class("overlay", "overlay", Overlay)

return guard.module("geo.overlay", M)
