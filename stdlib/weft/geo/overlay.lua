--- Overlays of data centres: nodes 1 to N, and links with a rate of their own per direction.
-- @module weft.geo.overlay

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local guard = require "weft.guard"
local notice = require "weft.notice"
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
}

local function empty(name)
  return setmetatable({ name = name, names = {}, index = {}, out = {}, from = {}, to = {},
    rate_bps = {} }, Overlay)
end

-- Numbers 1 to N, whoever is named first.
local function number_nodes(self, count)
  for i = 1, count do self.names[i], self.index[i] = i, i end
  self.fixed = count
end

--- An overlay of links.
-- @tparam table options `links`: list of `{ from, to, rate }`, one per direction, with a rate in
-- bit/s or such as "100Mbps"; data centres are numbers from 1 (`nodes`: how many), or names
-- @treturn Overlay
function M.new(options)
  local given = check.options("geo.overlay", options, options_rule)
  local self, largest = empty(given.name), 0
  local numbered = true
  for i, link in ipairs(given.links) do
    check.argument("geo.overlay: link " .. i, link, "list")
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
    add_link(self, "geo.overlay", link[1], link[2], rate)
  end
  return complete(self, "geo.overlay")
end

local function has(header, name)
  for _, other in ipairs(header) do
    if other == name then return true end
  end
  return false
end

-- A data centre is a number, or a name.
local function node(field)
  if field == "" then return nil, "expected a data centre" end
  return field:find "^[1-9]%d*$" and tonumber(field) or field
end

-- Columns with rates, and their unit in bit/s.
local RATES = { { "mbps", 1e6 }, { "gbps", 1e9 }, { "rate_bps", 1 } }

-- Columns of a file by its header; the names of ends and rate go into `found`.
local function columns_of(found)
  return function(header, place)
    found.from, found.to = "u", "v"
    if has(header, "src") then found.from, found.to = "src", "dst" end
    for _, rate in ipairs(RATES) do
      if has(header, rate[1]) and not found.rate then found.rate, found.unit = rate[1], rate[2] end
    end
    if not found.rate then
      fail.at(place, "expected a column with rates: mbps, gbps or rate_bps")
    end
    return { { "overlay", default = "" }, { found.from, type = node }, { found.to, type = node },
      { found.rate, type = "number" } }
  end
end

-- Rates measured in one direction only hold for both.
local function complete_directions(links)
  local there = {}
  for _, link in ipairs(links) do there[link[1] .. "\0" .. link[2]] = true end
  for i = 1, #links do
    local from, to, rate = links[i][1], links[i][2], links[i][3]
    if there[to .. "\0" .. from] then return end
    links[#links + 1] = { to, from, rate }
  end
end

--- All overlays of a CSV file with a link per row: columns `u`, `v` or `src`, `dst`, which are
-- numbers from 1 or names, and `mbps`, `gbps` or `rate_bps`. A column `overlay` parts several.
-- Where no link has its other direction, each rate is for both.
-- @tparam string path
-- @treturn {Overlay,...} with their `name`s; also by name
function M.read(path)
  local links_of, names, found = {}, {}, {}
  for row, line in csv.rows(path, columns_of(found)) do
    local place, rate = ("%s:%d"):format(path, line), row[found.rate]
    if rate <= 0 then
      fail.at(place, "column '%s': expected a rate of more than 0, got %s", found.rate,
        fail.show(rate))
    end
    local links = links_of[row.overlay]
    if not links then
      links = {}
      links_of[row.overlay], names[#names + 1] = links, row.overlay
    end
    if row[found.from] ~= row[found.to] then
      links[#links + 1] = { row[found.from], row[found.to], rate * found.unit }
    else
      notice.once("geo.overlay " .. path, "%s: a rate inside a data centre is left out", place)
    end
  end
  if #names == 0 then fail.at(path, "expected links, got none") end
  local overlays = {}
  for i, name in ipairs(names) do
    complete_directions(links_of[name])
    if name == "" then name = path:match "([^/]*)$" end
    overlays[i] = fail.blame(path, names[i] ~= "" and name or nil, M.new,
      { name = name, links = links_of[names[i]] })
    overlays[name] = overlays[i]
  end
  return overlays
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
  local random = draws.python(1)
  local links = {}
  for k = 0, draw do
    for i, ends in ipairs(EVALUATION) do
      local mbps = 20 + math.floor(136 * random())
      if k == draw then links[i] = { ends[1], ends[2], mbps * BPS_PER_MBPS } end
    end
  end
  return M.new { name = ("evaluation %d"):format(draw), links = links }
end

--- What NetStorm's scheduler believes of that overlay before anything is measured, by glibc's
-- `srand(2)`: 0 to 99.9 MB/s, the same in both directions, as the later draw is taken for both.
-- @treturn Overlay
function M.evaluation_believed()
  local random = require("weft.geo.draws").glibc(2)
  local drawn, links = {}, {}
  local overlay = M.evaluation(0)
  for u = 1, overlay.nodes do
    for _, v in ipairs(overlay.neighbours[u]) do
      drawn[math.min(u, v) .. "-" .. math.max(u, v)] = random() % 1000 / 10
    end
  end
  for i, ends in ipairs(EVALUATION) do
    local mbytes = drawn[math.min(ends[1], ends[2]) .. "-" .. math.max(ends[1], ends[2])]
    links[i] = { ends[1], ends[2], mbytes * 8e6 }
  end
  return M.new { name = "believed", links = links }
end

--- The same overlay with other rates.
-- @tparam {number,...} rates in bit/s, by link
-- @treturn Overlay
function Overlay:with_rates(rates)
  local links = {}
  for link = 1, self.links do
    links[link] = { self.names[self.from[link]], self.names[self.to[link]], rates[link] }
  end
  return M.new { name = self.name, links = links }
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

--- Whether a value is an overlay.
function M.is(value) return getmetatable(value) == Overlay end

Overlay.__tostring = function(self)
  return ("%s: %s, %s"):format(self.name, util.counted(self.nodes, "data centre"),
    util.counted(self.links, "link"))
end

guard.class("overlay", "overlay", Overlay)

return guard.module("geo.overlay", M)
