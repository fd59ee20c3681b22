--- Topology files of SimAI: the HPCC simulator's, with an extended header
-- `nodes gpus_per_server nvswitches switches links gpu` and the ids of the NVLink switches before
-- those of the other switches.
local fabric = require "weft.fabric"
local hpcc = require "weft.formats.hpcc"
local notice = require "weft.notice"
local text = require "weft.formats.text"
local util = require "weft.util"

local simai = {}

simai.HEADER = "'nodes gpus_per_server nvswitches switches links gpu' (SimAI)"
simai.HEADER_FIELDS = 6

-- Names of switches by their distance from the GPUs.
local TIER_PREFIX = { "leaf", "spine", "core" }

--- Name nodes as weft.topology.rail_optimized does: gpu0, nvswitch0, leaf0, spine0, ...
local function name_nodes(net)
  local used = {}
  for _, node in ipairs(net.nodes) do
    local prefix = node.kind == "host" and "gpu" or node.kind == "nvswitch" and "nvswitch"
      or TIER_PREFIX[node.tier] or "switch"
    local number = used[prefix] or 0
    used[prefix] = number + 1
    net:rename_node(node, ("%s%d"):format(prefix, number))
  end
end

--- Put each GPU into the group of its NVLink switch; where there are none, into that of its
-- server, which has so many GPUs in the order of their ids, as the header says.
local function group_servers(net, per_server)
  local nvswitches = hpcc.ids_of_kind(net, "nvswitch")
  for i, id in ipairs(#nvswitches == 0 and net:hosts() or {}) do
    net.nodes[id + 1].group = util.integer((i - 1 - (i - 1) % per_server) / per_server)
  end
  for i, id in ipairs(nvswitches) do
    local node = net.nodes[id + 1]
    node.group = i - 1
    for _, link in ipairs(net:links_of(node)) do
      local other = net.nodes[(link.a == id and link.b or link.a) + 1]
      if other.kind == "host" then other.group = node.group end
    end
  end
end

-- Say where the header has other servers than the NVLink switches make.
local function say_servers(net, per_server, path)
  local counts = {}
  for _, id in ipairs(net:hosts()) do
    local group = net.nodes[id + 1].group
    if group then counts[group] = (counts[group] or 0) + 1 end
  end
  for _, count in util.sorted_pairs(counts) do
    if count ~= per_server and #hpcc.ids_of_kind(net, "nvswitch") > 0 then
      notice.say("%s:1: gpus_per_server is %d, and an NVLink switch has %d: servers are what "
        .. "NVLink joins", path, per_server, count)
      return
    end
  end
end

--- Read a topology. GPUs are called gpu0, gpu1, ..., and switches nvswitch0, leaf0, spine0, core0
-- by kind and distance from the GPUs, in the order of their ids.
-- @tparam string path
-- @tparam[opt] table options `lenient`, as for weft.formats.hpcc
-- @treturn table fabric; `attributes` holds gpus_per_server and gpu (its type)
function simai.read_topology(path, options)
  local reader = text.open(path)
  local header = reader:fields()
  if not header or #header ~= simai.HEADER_FIELDS then
    reader:fail("expected %s, got %s", simai.HEADER, reader:shown())
  end
  local nodes = reader:integer(header[1], "nodes", 1, hpcc.NODES_MAX)
  local per_server = reader:integer(header[2], "gpus_per_server", 1, nodes)
  local nvswitches = reader:integer(header[3], "nvswitches", 0, nodes)
  local switches = reader:integer(header[4], "switches", 0, nodes - nvswitches)
  local links = reader:integer(header[5], "links", 0, hpcc.LINKS_MAX)
  hpcc.check_counts(reader, nodes, links)
  local kind = {}
  for i, id in ipairs(hpcc.read_ids(reader, nvswitches + switches, nodes)) do
    kind[id] = i <= nvswitches and "nvswitch" or "switch"
  end
  local net = fabric.new(path:match("[^/]*$"))
  net.attributes.gpus_per_server = per_server
  net.attributes.gpu = header[6]
  -- Plain names first, for messages about lines: a switch's tier is known only behind the last.
  for id = 0, nodes - 1 do
    net:add_node(("node%d"):format(id), kind[id] or "host")
  end
  hpcc.read_links(reader, net, links, options and options.lenient)
  reader:close()
  net:assign_tiers()
  name_nodes(net)
  group_servers(net, per_server)
  say_servers(net, per_server, path)
  return net
end

-- GPUs of a server: as the fabric says, or as many as its groups have, if all have the same.
local function gpus_per_server(net)
  if net.attributes.gpus_per_server then return net.attributes.gpus_per_server end
  local counts, each = {}, nil
  for _, id in ipairs(net:hosts()) do
    local group = net.nodes[id + 1].group
    if group == nil then return 1 end
    counts[group] = (counts[group] or 0) + 1
  end
  for _, count in util.sorted_pairs(counts) do
    if each and each ~= count then return 1 end
    each = count
  end
  return each or 1
end

--- Write a topology.
-- @tparam string path
-- @tparam table net fabric; `attributes.gpus_per_server` (default: by groups) and `attributes.gpu`
-- (default "A100") go into the header
function simai.write_topology(path, net)
  local nvswitches = hpcc.ids_of_kind(net, "nvswitch")
  local switches = hpcc.ids_of_kind(net, "switch")
  local ids = {}
  for _, id in ipairs(nvswitches) do ids[#ids + 1] = id end
  for _, id in ipairs(switches) do ids[#ids + 1] = id end
  util.write_file(path, function(output)
    output:write(("%d %d %d %d %d %s\n"):format(#net.nodes, gpus_per_server(net),
      #nvswitches, #switches, #net.links, net.attributes.gpu or "A100"))
    output:write(table.concat(ids, " "), "\n")
    hpcc.write_links(output, net, path)
  end)
end

return simai
