--- Flow lists as CSV: columns id, src, dst, size_bytes, and start_ns or start_ps. Other columns are
-- ignored, so a table of flows that weft has written can be read; one of priorities that are not
-- all the same is said once to be ignored.
local core = require "weft.core"
local csv = require "weft.csv"
local fail = require "weft.fail"
local notice = require "weft.notice"
local units = require "weft.units"

local flows = {}

local unpack = table.unpack or unpack

local PS_PER_NS = 1000

--- A host as an id, or as a name.
local function parse_host(field)
  if field:find("^%d+$") then return tonumber(field) end
  if field ~= "" then return field end
  return nil, "expected a host's id or name"
end

--- Nanoseconds, with up to three decimals, as ps; floats, because integers would wrap.
local function parse_start(field)
  if field:find("^%d+$") and #field > 12 then return tonumber(field) * (PS_PER_NS + 0.0) end
  local ps = field:find("^[%d.]+$") and core.parse(field .. "ns", "time")
  if ps then return ps end
  return nil, "expected a time in ns, 0 or more"
end

local COLUMNS = {
  { "id", type = "integer", min = 0, optional = true },
  { "src", type = parse_host, scale = 1 },
  { "dst", type = parse_host, scale = 1 },
  { "size_bytes", type = "integer", min = 1 },
}

local START_COLUMNS = {
  start_ns = { "start_ns", type = parse_start, scale = PS_PER_NS, default = 0 },
  start_ps = { "start_ps", type = "integer", min = 0, default = 0 },
}

-- Names of columns that would put flows into classes.
local CLASSES = { "priority", "prio", "pg", "class", "traffic_class", "dscp" }

local START_WANTED = "expected a column 'start_ns' or 'start_ps'"

--- The columns to read. A start in a unit that is not known must not be taken for no start at all.
local function columns_of(header, place)
  local start
  for _, name in ipairs(header) do
    if START_COLUMNS[name] then
      if start then fail.at(place, "%s, got both", START_WANTED) end
      start = name
    elseif name:find("^start") then
      fail.at(place, "%s, got %s", START_WANTED, fail.show(name))
    end
  end
  if not start then fail.at(place, "%s, got neither", START_WANTED) end
  local columns = { START_COLUMNS[start] }
  for _, column in ipairs(COLUMNS) do columns[#columns + 1] = column end
  for _, name in ipairs(CLASSES) do
    for _, given in ipairs(header) do
      if given == name and #columns == #COLUMNS + 1 then
        columns[#columns + 1] = { name, type = "string" }
      end
    end
  end
  return columns
end

--- A function that tells whether a number was given before. Numbers that count up, as in most
-- files, take no memory.
local function duplicate_finder()
  local first, last, others = nil, nil, {}
  return function(id)
    if last and (others[id] or (id >= first and id <= last)) then return true end
    if not last then first = id end
    if not last or id == last + 1 then
      last = id
    else
      others[id] = true
    end
    return false
  end
end

--- Iterate over the flows of a file, in bounded memory and without a table for each.
-- @tparam string path
-- @treturn function yields src, dst, size_bytes, start_ps, line, id; ids count from 0 where the
-- file has none; src and dst are ids or names, not yet looked up in a fabric
function flows.values(path)
  local next_values, columns = csv.values(path, columns_of)
  local is_duplicate, count = duplicate_finder(), 0
  local class, first_class, said = columns[#COLUMNS + 2], nil, false
  return function()
    local values, line = next_values()
    if not values then return nil end
    local start_ps, id, src, dst, size_bytes = unpack(values, 1, 5)
    if start_ps > units.EXACT then
      fail.at(("%s:%d"):format(path, line), "flow start_ps: expected at most %s, got %s",
        units.LIMITS.time, fail.show(start_ps))
    end
    if class and not said then
      first_class = first_class or values[6]
      said = values[6] ~= first_class
      if said then
        notice.say("%s:%d: %s %s, flows before it have %s: classes are not simulated, all flows"
          .. " share one", path, line, class.name, fail.show(values[6]), fail.show(first_class))
      end
    end
    id = id or count
    count = count + 1
    if is_duplicate(id) then fail.at(("%s:%d"):format(path, line), "id %d is there twice", id) end
    if src == dst then
      fail.at(("%s:%d"):format(path, line), "expected different hosts, got %s twice",
        fail.show(src))
    end
    return src, dst, size_bytes, start_ps, line, id
  end
end

--- Iterate over the flows of a file, in bounded memory.
-- @tparam string path
-- @treturn function yields { id, src, dst, size_bytes, start_ps, line }, as flows.values
function flows.rows(path)
  local next_flow = flows.values(path)
  return function()
    local src, dst, size_bytes, start_ps, line, id = next_flow()
    if not src then return nil end
    return { id = id, src = src, dst = dst, size_bytes = size_bytes, start_ps = start_ps,
      line = line }
  end
end

--- All flows of a file, as an array.
function flows.read(path)
  local list = {}
  for flow in flows.rows(path) do list[#list + 1] = flow end
  return list
end

local NAMES = { "id", "src", "dst", "size_bytes", "start_ns" }

--- Nanoseconds as exact text.
local function ns_text(ps)
  local rest = ps % PS_PER_NS
  local whole = ("%.0f"):format((ps - rest) / PS_PER_NS)
  if rest == 0 then return whole end
  return ("%s.%03.0f"):format(whole, rest)
end

--- Write flows.
-- @tparam string path
-- @tparam {table,...}|function list flows with src, dst, size_bytes, start_ps and, if wanted, id;
-- an array or an iterator
function flows.write(path, list)
  local count = 0
  local next_flow = type(list) == "function" and list or function()
    return list[count + 1]
  end
  csv.write(path, NAMES, function()
    local flow = next_flow()
    if not flow then return nil end
    count = count + 1
    return {
      id = flow.id or count - 1,
      src = flow.src,
      dst = flow.dst,
      size_bytes = flow.size_bytes,
      start_ns = ns_text(flow.start_ps or 0),
    }
  end)
end

return flows
