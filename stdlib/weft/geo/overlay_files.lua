--- Files that overlays are read from: CSV, GraphML and the `.graph` text of REPETITA. What is wrong
-- is told with its line.
-- @module weft.geo.overlay_files

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local notice = require "weft.notice"
local overlays = require "weft.geo.overlay"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- Rates measured in one direction only hold for both, as do the rest.
local function complete_directions(links)
  local there = {}
  for _, link in ipairs(links) do there[link[1] .. "\0" .. link[2]] = true end
  for i = 1, #links do
    local link = links[i]
    if there[link[2] .. "\0" .. link[1]] then return end
    links[#links + 1] = { link[2], link[1], link[3], delay = link.delay, jitter = link.jitter,
      loss = link.loss }
  end
end

local function file_name(path) return path:match "([^/]*)$" end

-- ---- CSV ----

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

-- Columns with what else a link has, the field, and the unit in s.
local OTHERS = { { "delay_ms", "delay", 1e-3 }, { "rtt_ms", "delay", 0.5e-3 },
  { "jitter_ms", "jitter", 1e-3 }, { "loss", "loss", 1 } }

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
    local columns = { { "overlay", default = "" }, { found.from, type = node },
      { found.to, type = node }, { found.rate, type = "number" } }
    for _, other in ipairs(OTHERS) do
      if has(header, other[1]) then
        columns[#columns + 1] = { other[1], type = "number", min = 0, optional = true }
      end
    end
    return columns
  end
end

local function link_of(row, found, place)
  local rate = row[found.rate]
  if rate <= 0 then
    fail.at(place, "column '%s': expected a rate of more than 0, got %s", found.rate,
      fail.show(rate))
  end
  local link = { row[found.from], row[found.to], rate * found.unit }
  for _, other in ipairs(OTHERS) do
    local value, field = row[other[1]], other[2]
    if value and not link[field] then link[field] = value * other[3] end
  end
  return link
end

local function read_csv(path)
  local links_of, names, found = {}, {}, {}
  for row, line in csv.rows(path, columns_of(found)) do
    local place = ("%s:%d"):format(path, line)
    local link = link_of(row, found, place)
    local links = links_of[row.overlay]
    if not links then
      links = {}
      links_of[row.overlay], names[#names + 1] = links, row.overlay
    end
    if link[1] ~= link[2] then
      links[#links + 1] = link
    else
      notice.once("geo.overlay " .. path, "%s: a rate inside a data centre is left out", place)
    end
  end
  if #names == 0 then fail.at(path, "expected links, got none") end
  local list = {}
  for i, name in ipairs(names) do
    complete_directions(links_of[name])
    if name == "" then name = file_name(path) end
    list[i] = fail.blame(path, names[i] ~= "" and name or nil, overlays.new,
      { name = name, links = links_of[names[i]] })
    list[name] = list[i]
  end
  return list
end

-- ---- networks: nodes with places, links one after the other ----

local DEGREE = math.pi / 180
local EARTH_KM, FIBRE_S_PER_KM = 6371, 5e-6

-- What light takes in fibre along the great circle (the haversine formula), in whole us: sines of
-- different C libraries agree to there.
local function delay_of(a, b)
  local x1, y1, x2, y2 = a[1] * DEGREE, a[2] * DEGREE, b[1] * DEGREE, b[2] * DEGREE
  local h = math.sin((y2 - y1) / 2) ^ 2
    + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ^ 2
  local km = 2 * EARTH_KM * math.asin(math.sqrt(math.min(h, 1)))
  return math.floor(km * FIBRE_S_PER_KM * 1e6 + 0.5) * 1e-6
end

-- An overlay of what was read: `nodes` by id (name, place) in the order of `ids`; `links`. Several
-- links side by side count as one with the sum of their rates.
local function network(path, name, found)
  local seen, names, places, links, merged = {}, {}, {}, {}, 0
  for _, id in ipairs(found.ids) do
    local own = found.nodes[id].name
    if seen[own] then own = ("%s #%s"):format(own, id) end
    seen[own], names[id] = true, own
    places[own] = found.nodes[id].place
  end
  local by_ends = {}
  for _, link in ipairs(found.links) do
    local key = link.from .. "\0" .. link.to
    if by_ends[key] then
      by_ends[key][3], merged = by_ends[key][3] + link.rate, merged + 1
    else
      local a, b = found.nodes[link.from].place, found.nodes[link.to].place
      by_ends[key] = { names[link.from], names[link.to], link.rate,
        delay = link.delay or a and b and delay_of(a, b) or nil }
      links[#links + 1] = by_ends[key]
    end
  end
  if #links == 0 then fail.at(path, "expected links, got none") end
  if merged > 0 then
    notice.once("geo.overlay " .. path, "%s: %s beside others between the same ends: rates are"
      .. " added up", path, util.counted(merged, "link"))
  end
  local overlay = fail.blame(path, nil, overlays.new, { name = name, links = links,
    places = next(places) and places or nil })
  return { overlay, [overlay.name] = overlay }
end

-- ---- GraphML ----

local ENTITIES = { amp = "&", lt = "<", gt = ">", quot = "\"", apos = "'" }

local function plain(value)
  value = value:gsub("&(#?%w+);", function(name)
    if ENTITIES[name] then return ENTITIES[name] end
    local number = tonumber(name:match "^#(%d+)$") or tonumber(name:match "^#x(%x+)$" or "", 16)
    return number and number >= 32 and number < 127 and string.char(number) or "?"
  end)
  return (value:gsub("^%s+", ""):gsub("%s+$", ""))
end

local function attributes_of(tag)
  local attributes = {}
  for name, _, value in tag:gmatch "([%w_.:-]+)%s*=%s*([\"'])(.-)%2" do
    attributes[name] = plain(value)
  end
  return attributes
end

-- Elements one after the other: name, attributes, the text behind the tag, line; "/name" at ends.
local function elements(path)
  local file = text.open_file(path)
  local all = text.without_mark(path, file:read "*a")
  file:close()
  all = all:gsub("<!%-%-.-%-%->", function(comment) return (comment:gsub("[^\n]", " ")) end)
  local at, line, counted = 1, 1, 1
  return function()
    while true do
      local from, to, tag = all:find("<([^>]*)>", at)
      if not from then return nil end
      line = line + select(2, all:sub(counted, from):gsub("\n", ""))
      counted, at = from + 1, to + 1
      local name = tag:match "^/?[%w_:-]+"
      if name then
        local behind = all:sub(at, (all:find("<", at, true) or #all + 1) - 1)
        return name:gsub("^(/?)%w+:", "%1"), attributes_of(tag), plain(behind), line, tag:find "/$"
      end
    end
  end
end

-- Names that keys have for a link's rate, and their unit in bit/s; nil: with a unit, or in bit/s.
local RATE_KEYS = { { "rate_bps", 1 }, { "LinkSpeedRaw", 1 }, { "gbps", 1e9 }, { "mbps", 1e6 },
  { "rate" }, { "bandwidth" }, { "capacity" } }
local DELAY_KEYS = { { "delay_ms", 1e-3 }, { "latency_ms", 1e-3 }, { "delay" }, { "latency" } }

-- A value that is there under one of several names, or nil.
local function value_of(data, keys, kind, scale, place)
  for _, key in ipairs(keys) do
    local given = data[key[1]]
    if given and given ~= "" then
      local number = units.decimal(given)
      if key[2] and not number then
        fail.at(place, "%s: expected a number, got %s", key[1], fail.show(given))
      end
      local value = number and key[2] and number * key[2] or number
      if not value then value = fail.blame(place, nil, check.value, key[1], given, kind) * scale end
      if value < 0 or kind.type == "rate" and value == 0 then
        fail.at(place, "%s: expected a %s of more than 0, got %s", key[1], kind.type,
          fail.show(given))
      end
      return value
    end
  end
  return nil
end

local function place_of(data, place)
  local found = {}
  for i, keys in ipairs { { "Longitude", "longitude", "lon", "x" }, { "Latitude", "latitude", "lat",
    "y" } } do
    for _, key in ipairs(keys) do
      if data[key] and not found[i] then
        found[i] = units.decimal(data[key])
        if not found[i] then
          fail.at(place, "%s: expected a number, got %s", key, fail.show(data[key]))
        end
      end
    end
  end
  return found[1] and found[2] and found or nil
end

local Graphml = {}
Graphml.__index = Graphml

function Graphml:node(own, place)
  local id = own.attributes.id
  if not id then fail.at(place, "node without an id") end
  if self.nodes[id] then fail.at(place, "node '%s' is there twice", id) end
  local name = own.data.label or own.data.name
  self.nodes[id] = { name = name and name ~= "" and name or id, place = place_of(own.data, place) }
  self.ids[#self.ids + 1] = id
end

function Graphml:edge(own, place)
  local from, to = own.attributes.source, own.attributes.target
  for what, id in util.sorted_pairs { source = from or "", target = to or "" } do
    if not self.nodes[id] then fail.at(place, "edge: %s '%s' is no node above it", what, id) end
  end
  if from == to then return end
  local rate = value_of(own.data, RATE_KEYS, { type = "rate" }, 1, place) or self.rate
  if not rate then
    fail.at(place, "edge from '%s' to '%s': expected a rate (one of LinkSpeedRaw, rate_bps, gbps,"
      .. " mbps, rate, bandwidth), got none; option 'rate' is for those without", from, to)
  end
  local delay = value_of(own.data, DELAY_KEYS, { type = "time" }, 1e-12, place) or self.delay
  self.links[#self.links + 1] = { from = from, to = to, rate = rate, delay = delay }
  local directed = own.attributes.directed or self.directed
  if directed ~= "true" then
    self.links[#self.links + 1] = { from = to, to = from, rate = rate, delay = delay }
  end
end

local function read_graphml(path, given)
  local self = setmetatable({ nodes = {}, ids = {}, links = {}, keys = {}, rate = given.rate,
    delay = given.delay and given.delay * 1e-12 }, Graphml)
  local own, graphs = nil, 0
  for name, attributes, behind, line, is_empty in elements(path) do
    local place = ("%s:%d"):format(path, line)
    if name == "key" then
      self.keys[attributes.id or ""] = attributes["attr.name"] or attributes.id
    elseif name == "graph" then
      graphs = graphs + 1
      self.directed = attributes.edgedefault == "directed" and "true" or "false"
    elseif name == "node" or name == "edge" then
      own = { kind = name, attributes = attributes, data = {}, place = place }
      if is_empty then self[name](self, own, place) end
    elseif name == "data" and own then
      own.data[self.keys[attributes.key or ""] or attributes.key or ""] = behind
    elseif (name == "/node" or name == "/edge") and own then
      self[own.kind](self, own, own.place)
      own = nil
    end
  end
  if graphs == 0 then fail.at(path .. ":1", "expected GraphML, got no <graph>") end
  return network(path, file_name(path):gsub("%.graphml$", ""), self)
end

-- ---- REPETITA's text ----

-- `NODES n`, a line of headings, n lines `label x y`; `EDGES n`, headings, n lines `label src dest
-- weight bw delay`: kbit/s and us, ends counted from 0, each direction for itself.
local function section(reader, word)
  local fields = reader:fields()
  if not fields or fields[1] ~= word or #fields ~= 2 then
    reader:fail("expected '%s' and how many, got %s", word, reader:shown())
  end
  local count = reader:integer(fields[2], word, 0, 1e6)
  if not reader:fields() then reader:fail("expected headings, got %s", reader:shown()) end
  return count
end

local function number(reader, field, what)
  local value = units.decimal(field)
  if not value then reader:fail("%s: expected a number, got %s", what, fail.show(field)) end
  return value
end

local function row(reader, count, what)
  local fields = reader:fields()
  if not fields or #fields ~= count then
    reader:fail("expected %s, got %s", what, reader:shown())
  end
  return fields
end

local function read_graph(path)
  local reader, found = text.open(path), { nodes = {}, ids = {}, links = {} }
  local nodes = section(reader, "NODES")
  for i = 0, nodes - 1 do
    local fields = row(reader, 3, "a node: label x y")
    local x, y = number(reader, fields[2], "x"), number(reader, fields[3], "y")
    found.nodes[i], found.ids[i + 1] = { name = fields[1], place = { x, y } }, i
  end
  for _ = 1, section(reader, "EDGES") do
    local fields = row(reader, 6, "an edge: label src dest weight bw delay")
    local from = reader:integer(fields[2], "src", 0, nodes - 1)
    local to = reader:integer(fields[3], "dest", 0, nodes - 1)
    local kbps, us = number(reader, fields[5], "bw"), number(reader, fields[6], "delay")
    if kbps <= 0 then reader:fail("bw: expected more than 0 kbit/s, got %s", fields[5]) end
    if us < 0 then reader:fail("delay: expected 0 us or more, got %s", fields[6]) end
    if from ~= to then
      found.links[#found.links + 1] = { from = from, to = to, rate = kbps * 1e3, delay = us * 1e-6 }
    end
  end
  local more = reader:fields()
  if more then reader:fail("expected the end of the file, got %s", reader:shown()) end
  reader:close()
  return network(path, file_name(path):gsub("%.graph$", ""), found)
end

-- ---- all ----

local defaults_rule = {
  rate = { type = "rate", min = 1, brief = "of links of GraphML that have none" },
  delay = { type = "time", min = 0, brief = "of links of GraphML that have none" },
}

--- All overlays of a file, by what its name ends in; see weft.geo.overlay.read.
-- @tparam string path
-- @tparam ?table defaults `rate` and `delay` of links of GraphML that have none
-- @treturn {Overlay,...}
function M.read(path, defaults)
  check.value("geo.overlay.read", path, { type = "string" })
  local given = check.options("geo.overlay.read", defaults or {}, defaults_rule)
  if path:find "%.graphml$" then return read_graphml(path, given) end
  if path:find "%.graph$" then return read_graph(path) end
  return read_csv(path)
end

return M
