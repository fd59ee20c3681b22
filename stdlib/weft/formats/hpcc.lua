--- Files of the HPCC simulator (ns-3, Li et al., SIGCOMM 2019).
--
-- Topology: a line `nodes switches links`, the switches' ids, then `a b rate delay loss` for each
-- link. Flow list: the number of flows, then `src dst priority port bytes start_s`; conweave's, its
-- descendant, leaves out the port, and m3's has the number of the flow in front. Completion times:
-- `sip dip sport dport bytes start_ns fct_ns ideal_ns`, addresses in hexadecimal.
--
-- The simulator reads as much as the counts in front say, and files hold more, as its own examples
-- do: notes, or links and flows that are not to be read. Of links behind the count a reader here
-- says nothing only if it is told to (`lenient`), because a wrong count is the likelier reason.
local core = require "weft.core"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local notice = require "weft.notice"
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

-- The fields of the next line, if they look like a link.
local function next_link(reader)
  local fields = reader:fields()
  local is_link = fields and #fields == LINK_FIELDS and fields[1]:find("^%d+$")
    and fields[2]:find("^%d+$")
  return is_link and fields or nil
end

-- What is behind the links that count: notes may follow, another link may not, unless `lenient`.
local function end_links(reader, count, lenient)
  if not next_link(reader) then return end
  if not lenient then
    reader:fail("expected end of file after %d links, got %s; lenient = true leaves out what is"
      .. " behind them", count, reader:shown())
  end
  local place, left_out = reader:place(), 0
  repeat left_out = left_out + 1 until not next_link(reader)
  notice.say("%s: %d more links than the %d that the first line says are left out", place,
    left_out, count)
end

--- Read `count` link lines into a fabric whose nodes are there.
-- @tparam table reader
-- @tparam table net
-- @tparam integer count
-- @tparam ?boolean lenient links behind them are no error, but left out
function hpcc.read_links(reader, net, count, lenient)
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
  end_links(reader, count, lenient)
end

--- Read a topology. Hosts are called `h<id>`, switches `switch<id>`, with the file's ids.
-- @tparam string path
-- @tparam[opt] table options `lenient`: links behind those that the first line counts are left out
-- @treturn table fabric
function hpcc.read_topology(path, options)
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
  hpcc.read_links(reader, net, links, options and options.lenient)
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

--- Write the link lines of a fabric. What they cannot say is said to the user.
function hpcc.write_links(output, net, path)
  local lost = 0
  for _, link in ipairs(net.links) do
    if next(link.back) or link.jitter_ps > 0 then
      fail.raise("%s: link %s: the format has links that are alike in both directions and have no"
        .. " jitter, got %s", path, link:name(), tostring(link))
    end
  end
  for _, link in ipairs(net.links) do
    if link.class or link.cost ~= 1 then lost = lost + 1 end
    output:write(("%d %d %s %s %.17g\n"):format(link.a, link.b, units.exact(link.rate_bps, "rate"),
      units.exact(link.delay_ps, "time"), link.loss))
  end
  if lost > 0 then
    notice.say("%s: the format has no classes and costs of links: those of %s are left out", path,
      util.counted(lost, "link"))
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
    hpcc.write_links(output, net, path)
  end)
end

local PS_PER_S = 1e12

--- Seconds as exact decimal text.
local function seconds_text(ps)
  local fraction = ps % PS_PER_S
  local digits = ("%012.0f"):format(fraction):gsub("0+$", "")
  return ("%.0f.%s"):format((ps - fraction) / PS_PER_S, digits == "" and "0" or digits)
end

-- Where a list has each value, by its number of fields.
local FLOW_FORMS = {
  [7] = { text = "id src dst priority port bytes start_s", src = 2, port = 5, bytes = 6,
    start = 7 },
  [6] = { text = "src dst priority port bytes start_s", src = 1, port = 4, bytes = 5, start = 6 },
  [5] = { text = "src dst priority bytes start_s", src = 1, bytes = 4, start = 5 },
}

-- The form of a list, by its first flow. The six columns of the simulator that HPCC's was made from
-- are others: packets instead of bytes, and two times.
local function form_of(reader, fields)
  local form = FLOW_FORMS[#fields]
  if not form then
    reader:fail("expected '%s', got %s", FLOW_FORMS[6].text, reader:shown())
  elseif #fields == 6 and fields[5]:find("^%d*%.%d*$") then
    reader:fail("expected '%s', got 'src dst priority packets start_s stop_s' of an older"
      .. " simulator: write bytes instead of packets, and no stop", form.text)
  end
  return form
end

-- The fields of the next flow, or nil when all that count have been read.
local function flow_fields(self)
  local reader = self.reader
  local fields = self.done < self.count and reader:fields() or nil
  if self.done < self.count and not fields then
    if not self.lenient then
      reader:fail("expected flow %d of %d, got end of file", self.done + 1, self.count)
    end
    notice.say("%s:1: %d flows, where the first line says %d", reader.path, self.done, self.count)
  elseif not fields then
    local first = reader:fields()
    if first and FLOW_FORMS[#first] and table.concat(first, " "):find("^[%d%s.]+$") then
      notice.say("%s: lines behind the %d flows that the first line says are left out, as the"
        .. " simulator does", reader:place(), self.count)
    end
  end
  return fields
end

-- Groups other than the first flow's would have queues of their own: say so once.
local function say_group(self, priority)
  self.priority = self.priority or priority
  if priority ~= self.priority and not self.said_group then
    self.said_group = true
    notice.say("%s: priority group %d, flows before it have %d: classes are not simulated, all"
      .. " flows share one", self.reader:place(), priority, self.priority)
  end
end

local function read_flow(self, fields)
  local reader, form = self.reader, self.form or form_of(self.reader, fields)
  self.form = form
  if FLOW_FORMS[#fields] ~= form then
    reader:fail("expected '%s', got %s", form.text, reader:shown())
  end
  local src = reader:integer(fields[form.src], "src", 0, hpcc.NODES_MAX)
  local dst = reader:integer(fields[form.src + 1], "dst", 0, hpcc.NODES_MAX)
  local priority = reader:integer(fields[form.src + 2], "priority", 0, 7)
  local port = form.port and reader:integer(fields[form.port], "port", 0, 65535)
  local size_bytes = reader:integer(fields[form.bytes], "bytes", 1, 2 ^ 53)
  local start = fields[form.start]
  if not units.decimal(start) then
    reader:fail("start: expected a number of seconds, got %s", fail.show(start))
  elseif start:find "^%-.*[1-9]" then
    reader:fail("start: expected a number of seconds, 0 or more, got %s", fail.show(start))
  end
  local start_ps = quantity(reader, start .. "s", "time")
  say_group(self, priority)
  return src, dst, size_bytes, start_ps, reader.number, priority, port or nil
end

--- Iterate over a flow list, in bounded memory and without a table for each.
--
-- As in the simulator itself, the number on the first line says how many lines count: a file may
-- hold more, and does in the simulator's own example.
-- @tparam string path
-- @tparam[opt] table options `lenient`: fewer flows than the first line says are no error
-- @treturn function yields src, dst, size_bytes, start_ps, line, priority, port (nil: none)
function hpcc.values(path, options)
  local reader = text.open(path)
  local header = reader:fields()
  if not header or #header ~= 1 then
    reader:fail("expected the number of flows, got %s", reader:shown())
  end
  local self = {
    reader = reader, count = reader:integer(header[1], "number of flows", 0, 2 ^ 40), done = 0,
    lenient = options and options.lenient,
  }
  return function()
    if not self.reader then return nil end
    local fields = flow_fields(self)
    if not fields then
      reader:close()
      self.reader = nil
      return nil
    end
    self.done = self.done + 1
    return read_flow(self, fields)
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
