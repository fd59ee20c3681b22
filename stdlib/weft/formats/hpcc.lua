--- Files of the HPCC simulator (ns-3, Li et al., SIGCOMM 2019).
--
-- Topology: a line `nodes switches links`, the switches' ids, then `a b rate delay loss` for each
-- link. Flow list: the number of flows, then `src dst priority port bytes start_s`. Completion
-- times: `sip dip sport dport bytes start_ns fct_ns ideal_ns`, addresses in hexadecimal.
local core = require "weft.core"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local text = require "weft.formats.text"
local units = require "weft.units"
local util = require "weft.util"

local hpcc = {}

hpcc.HEADER = "'nodes switches links' (HPCC)"
hpcc.HEADER_FIELDS = 3

-- Counts beyond this are slips of the pen, and would fill the memory before the file ends.
hpcc.NODES_MAX = 2 ^ 22
hpcc.LINKS_MAX = 2 ^ 24

-- "0 1 1Mbps 0 0" and its end of line are more.
local LINK_BYTES_MIN = 10

-- Counts below it take no memory worth a word, and the line that goes wrong says more.
local COUNT_SMALL = 10000

--- Refuse large counts that the rest of the file cannot live up to, before anything is built of
-- them: so many links would make it longer, and more nodes than link ends have no link.
-- @tparam table reader behind the line of the counts
-- @tparam integer nodes
-- @tparam integer links
function hpcc.check_counts(reader, nodes, links)
  local size = reader:size()
  if size and links > COUNT_SMALL and links * LINK_BYTES_MIN > size then
    reader:fail("links: expected at most %d in a file of %s, got %d",
      math.floor(size / LINK_BYTES_MIN), units.format_bytes(size), links)
  elseif nodes > math.max(COUNT_SMALL, 2 * links) then
    reader:fail("nodes: expected at most %d, the ends of %s, got %d", 2 * links,
      util.counted(links, "link"), nodes)
  end
end

--- Read `count` distinct node ids, on one line or several, as a set.
-- @tparam table reader
-- @tparam integer count
-- @tparam integer nodes ids are below it
-- @treturn {integer,...} in the order of the file
function hpcc.read_ids(reader, count, nodes)
  local ids, seen = {}, {}
  while #ids < count do
    local fields = reader:fields()
    if not fields then reader:fail("expected %d switch ids, got %d", count, #ids) end
    for _, field in ipairs(fields) do
      local id = reader:integer(field, "switch id", 0, nodes - 1)
      if seen[id] then reader:fail("switch id %d is there twice", id) end
      if #ids == count then
        reader:fail("expected %d switch ids, got %d or more", count, count + 1)
      end
      seen[id] = true
      ids[#ids + 1] = id
    end
  end
  return ids
end

--- A quantity of a link line; a bad one is an error that quotes it.
local function quantity(reader, field, unit)
  local value, message = core.parse(field, unit)
  if not value then reader:fail("%s", message) end
  return value
end

local LINK_FIELDS = 5

--- Read `count` link lines into a fabric whose nodes are there.
function hpcc.read_links(reader, net, count)
  for i = 1, count do
    local fields = reader:fields()
    if not fields then
      reader:fail("expected link %d of %d, got end of file", i, count)
    elseif #fields ~= LINK_FIELDS then
      reader:fail("expected 'node node rate delay loss', got %s", reader:shown())
    end
    local loss = units.decimal(fields[5])
    if not loss then
      reader:fail("loss: expected a probability, 0 to 1, got %s", fail.show(fields[5]))
    end
    local last = #net.nodes - 1
    net:connect(reader:integer(fields[1], "node of the link", 0, last),
      reader:integer(fields[2], "node of the link", 0, last), quantity(reader, fields[3], "rate"),
      quantity(reader, fields[4], "time"), loss, reader:place())
  end
  -- Notes may follow, as in the simulator's own examples; another link may not.
  local fields = reader:fields()
  if fields and #fields == LINK_FIELDS and fields[1]:find("^%d+$") and fields[2]:find("^%d+$") then
    reader:fail("expected end of file after %d links, got %s", count, reader:shown())
  end
end

--- Read a topology. Hosts are called `h<id>`, switches `switch<id>`, with the file's ids.
-- @tparam string path
-- @treturn table fabric
function hpcc.read_topology(path)
  local reader = text.open(path)
  local header = reader:fields()
  if not header or #header ~= hpcc.HEADER_FIELDS then
    reader:fail("expected %s, got %s", hpcc.HEADER, reader:shown())
  end
  local nodes = reader:integer(header[1], "nodes", 1, hpcc.NODES_MAX)
  local switches = reader:integer(header[2], "switches", 0, nodes)
  local links = reader:integer(header[3], "links", 0, hpcc.LINKS_MAX)
  hpcc.check_counts(reader, nodes, links)
  local is_switch = {}
  for _, id in ipairs(hpcc.read_ids(reader, switches, nodes)) do is_switch[id] = true end
  local net = fabric.new(path:match("[^/]*$"))
  for id = 0, nodes - 1 do
    if is_switch[id] then
      net:add_node(("switch%d"):format(id), "switch")
    else
      net:add_node(("h%d"):format(id), "host")
    end
  end
  hpcc.read_links(reader, net, links)
  reader:close()
  net:assign_tiers()
  return net
end

--- Ids of the nodes of one kind.
function hpcc.ids_of_kind(net, kind)
  local ids = {}
  for _, node in ipairs(net.nodes) do
    if node.kind == kind then ids[#ids + 1] = node.id end
  end
  return ids
end

--- Write the link lines of a fabric.
function hpcc.write_links(output, net)
  for _, link in ipairs(net.links) do
    output:write(("%d %d %s %s %.17g\n"):format(link.a, link.b, units.exact(link.rate_bps, "rate"),
      units.exact(link.delay_ps, "time"), link.loss))
  end
end

--- Write a topology. Names, tiers and groups are not part of the format.
-- @tparam string path
-- @tparam table net fabric
function hpcc.write_topology(path, net)
  if #hpcc.ids_of_kind(net, "nvswitch") > 0 then
    fail.raise("cannot write '%s': the format has no NVLink switches; use weft.formats.simai", path)
  end
  local switches = hpcc.ids_of_kind(net, "switch")
  util.write_file(path, function(output)
    output:write(("%d %d %d\n"):format(#net.nodes, #switches, #net.links))
    output:write(table.concat(switches, " "), "\n")
    hpcc.write_links(output, net)
  end)
end

local PS_PER_S = 1e12

--- Seconds as exact decimal text.
local function seconds_text(ps)
  local fraction = ps % PS_PER_S
  local digits = ("%012.0f"):format(fraction):gsub("0+$", "")
  return ("%.0f.%s"):format((ps - fraction) / PS_PER_S, digits == "" and "0" or digits)
end

--- Iterate over a flow list, in bounded memory and without a table for each.
--
-- As in the simulator itself, the number on the first line says how many lines count: a file may
-- hold more, and does in the simulator's own example.
-- @tparam string path
-- @treturn function yields src, dst, size_bytes, start_ps, line, priority, port
function hpcc.values(path)
  local reader = text.open(path)
  local header = reader:fields()
  if not header or #header ~= 1 then
    reader:fail("expected the number of flows, got %s", reader:shown())
  end
  local count = reader:integer(header[1], "number of flows", 0, 2 ^ 40)
  local done = 0
  return function()
    if done == count then
      if reader then reader:close() end
      reader = nil
      return nil
    end
    local fields = reader:fields()
    if not fields then
      reader:fail("expected flow %d of %d, got end of file", done + 1, count)
    elseif #fields ~= 6 then
      reader:fail("expected 'src dst priority port bytes start_s', got %s", reader:shown())
    end
    done = done + 1
    local src = reader:integer(fields[1], "src", 0, hpcc.NODES_MAX)
    local dst = reader:integer(fields[2], "dst", 0, hpcc.NODES_MAX)
    local priority = reader:integer(fields[3], "priority", 0, 7)
    local port = reader:integer(fields[4], "port", 0, 65535)
    local size_bytes = reader:integer(fields[5], "bytes", 1, 2 ^ 53)
    if not units.decimal(fields[6]) then
      reader:fail("start: expected a number of seconds, got %s", fail.show(fields[6]))
    end
    local start_ps = quantity(reader, fields[6] .. "s", "time")
    return src, dst, size_bytes, start_ps, reader.number, priority, port
  end
end

--- Iterate over a flow list, in bounded memory.
-- @tparam string path
-- @treturn function yields { line, src, dst, priority, port, size_bytes, start_ps } and at the end
-- nothing; `line` is the number of the line
function hpcc.flows(path)
  local next_flow = hpcc.values(path)
  return function()
    local src, dst, size_bytes, start_ps, line, priority, port = next_flow()
    if not src then return nil end
    return { line = line, src = src, dst = dst, priority = priority, port = port,
      size_bytes = size_bytes, start_ps = start_ps }
  end
end

--- Write a flow list.
-- @tparam string path
-- @tparam {table,...} flows with src, dst, size_bytes, start_ps, and if wanted priority (3) and
-- port (100)
function hpcc.write_flows(path, flows)
  util.write_file(path, function(output)
    output:write(("%d\n"):format(#flows))
    for _, flow in ipairs(flows) do
      output:write(("%d %d %d %d %.0f %s\n"):format(flow.src, flow.dst, flow.priority or 3,
        flow.port or 100, flow.size_bytes, seconds_text(flow.start_ps)))
    end
  end)
end

--- The address that the simulator gives to node `id`: 11.0.0.1 plus id in the two middle bytes.
local function address(id)
  local low = id % 256
  return 0x0b000001 + (id - low) / 256 * 0x10000 + low * 0x100
end

--- Write completion times as the simulator does, so that its analysis scripts can read them. Times
-- are rounded down to whole ns.
-- @tparam string path
-- @tparam {table,...} flows with src, dst, size_bytes, start_ps, fct_ps, ideal_ps, and if wanted
-- sport and dport; flows without fct_ps have not finished and are left out
function hpcc.write_fct(path, flows)
  local function ns(ps) return math.floor(ps / 1000) end
  -- The simulator numbers the flows of each pair of hosts by source port.
  local next_port = {}
  util.write_file(path, function(output)
    for _, flow in ipairs(flows) do
      local pair = flow.src * 2 ^ 24 + flow.dst
      local port = flow.sport or next_port[pair] or 10000
      next_port[pair] = port + 1
      if flow.fct_ps then
        output:write(("%08x %08x %d %d %.0f %.0f %.0f %.0f\n"):format(address(flow.src),
          address(flow.dst), port, flow.dport or 100, flow.size_bytes, ns(flow.start_ps),
          ns(flow.fct_ps), ns(flow.ideal_ps)))
      end
    end
  end)
end

return hpcc
