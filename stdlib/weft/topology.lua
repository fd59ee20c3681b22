--- Builders of common fabrics. Each takes a table of checked options and returns a weft.fabric.
--
-- Hosts come first in the numbering, then the switches tier by tier; the order of links (and so of
-- ports) is stated with each builder, because ECMP choices follow it.
local check = require "weft.check"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local hpcc = require "weft.formats.hpcc"
local htsim_topo = require "weft.formats.htsim_topo"
local simai = require "weft.formats.simai"
local text = require "weft.formats.text"
local guard = require "weft.guard"
local util = require "weft.util"

local topology = {}

-- Limits of a link in the core; the upper bound on hosts keeps a slip from filling the memory.
local RATE = { type = "rate", min = 1e6, max = 1e14 }
local DELAY = { type = "time", min = 0, max = 1e13 }
local HOSTS_MAX = 2 ^ 20

--- A rule with a default, made from a shared one.
local function rule(base, default, brief)
  return { type = base.type, min = base.min, max = base.max, default = default, brief = brief }
end

local function count(default, brief, max)
  return { type = "integer", min = 1, max = max or HOSTS_MAX, default = default, brief = brief,
    required = default == nil }
end

-- Links for which the sources of the engine's events have numbers: two directed ports of 2^27 each.
local LINKS_MAX = 2 ^ 26 - 1

--- Refuse a product of options that is a slip, before it fills the memory.
local function check_size(what, hosts, links)
  if hosts > HOSTS_MAX then
    fail.raise("%s: expected at most %d hosts, got %.0f", what, HOSTS_MAX, hosts)
  elseif links > LINKS_MAX then
    fail.raise("%s: expected at most %d links (events have 28 bits for their port), got %.0f", what,
      LINKS_MAX, links)
  end
end

--- Add `n` nodes PREFIX0, PREFIX1, ...; returns the id of the first.
-- @tparam ?function group_of index -> group
local function add_nodes(net, prefix, n, kind, tier, group_of)
  local first = #net.nodes
  for i = 0, n - 1 do
    local group = group_of and group_of(i)
    net:add_node(("%s%d"):format(prefix, i), kind, { tier = tier, group = group })
  end
  return first
end

--- i div n, an integer on both virtual machines.
local function quotient(i, n)
  return util.integer((i - i % n) / n)
end

local STAR = {
  hosts = count(nil, "number of hosts"),
  rate = rule(RATE, "100Gbps", "rate of every link"),
  delay = rule(DELAY, "1us", "propagation delay of every link"),
}

--- One switch, `switch0`, and hosts `h0`, `h1`, ... around it; links in the order of hosts.
-- @tparam table options hosts, rate ("100Gbps"), delay ("1us")
-- @usage weft.topology.star { hosts = 9, rate = "100Gbps", delay = "1us" }
function topology.star(options)
  local o = check.options("topology.star", options, STAR)
  local net = fabric.new("star")
  add_nodes(net, "h", o.hosts, "host", 0)
  local switch = add_nodes(net, "switch", 1, "switch", 1)
  for host = 0, o.hosts - 1 do net:connect(host, switch, o.rate, o.delay) end
  return net
end

local DUMBBELL = {
  hosts = count(2, "hosts on each side", HOSTS_MAX / 2),
  rate = rule(RATE, "100Gbps", "rate of the hosts' links"),
  bottleneck = rule(RATE, nil, "rate of the link between the switches; as `rate` if not given"),
  delay = rule(DELAY, "1us", "propagation delay of every link"),
}

--- Two switches joined by one link; the first half of the hosts on `switch0`, the second on
-- `switch1`. Links: hosts in order, then the bottleneck.
-- @tparam table options hosts (on each side), rate, bottleneck, delay
function topology.dumbbell(options)
  local o = check.options("topology.dumbbell", options, DUMBBELL)
  local net = fabric.new("dumbbell")
  add_nodes(net, "h", 2 * o.hosts, "host", 0, function(i) return quotient(i, o.hosts) end)
  local switch = add_nodes(net, "switch", 2, "switch", 1, function(i) return i end)
  for host = 0, 2 * o.hosts - 1 do
    net:connect(host, switch + quotient(host, o.hosts), o.rate, o.delay)
  end
  net:connect(switch, switch + 1, o.bottleneck or o.rate, o.delay)
  return net
end

local FAT_TREE = {
  k = { type = "integer", min = 2, max = 128, required = true, brief = "ports of a switch, even" },
  rate = rule(RATE, "100Gbps", "rate of every link"),
  delay = rule(DELAY, "1us", "propagation delay of every link"),
}

--- The k-ary fat tree of Al-Fares et al. (SIGCOMM 2008): k pods of k/2 edge and k/2 aggregation
-- switches, (k/2)^2 core switches, k^3/4 hosts. Aggregation switch number a of each pod reaches the
-- cores a*k/2 .. a*k/2 + k/2 - 1. Links: hosts in order, then pod by pod and edge by edge to the
-- aggregation switches, then pod by pod and aggregation switch by aggregation switch to the cores.
-- @tparam table options k, rate, delay
-- @usage weft.topology.fat_tree { k = 8 }    -- 128 hosts
function topology.fat_tree(options)
  local o = check.options("topology.fat_tree", options, FAT_TREE)
  local k, half = o.k, quotient(o.k, 2)
  if k % 2 ~= 0 then
    fail.raise("topology.fat_tree: option 'k': expected an even number, got %d", k)
  end
  local net = fabric.new("fat_tree")
  local function pod_of(i) return quotient(i, half) end
  add_nodes(net, "h", k * half * half, "host", 0, function(i) return quotient(i, half * half) end)
  local edge = add_nodes(net, "edge", k * half, "switch", 1, pod_of)
  local agg = add_nodes(net, "agg", k * half, "switch", 2, pod_of)
  local core = add_nodes(net, "core", half * half, "switch", 3)
  for host = 0, k * half * half - 1 do
    net:connect(host, edge + quotient(host, half), o.rate, o.delay)
  end
  for e = 0, k * half - 1 do
    for a = 0, half - 1 do
      net:connect(edge + e, agg + quotient(e, half) * half + a, o.rate, o.delay)
    end
  end
  for a = 0, k * half - 1 do
    for c = 0, half - 1 do
      net:connect(agg + a, core + a % half * half + c, o.rate, o.delay)
    end
  end
  return net
end

local UPLINKS = {
  spines = { type = "integer", min = 1, max = HOSTS_MAX, brief = "number of spine switches" },
  uplink = rule(RATE, nil, "rate between leaf and spine; as the hosts' links if not given"),
  oversubscription = { type = "number", min = 1, max = 1e6,
    brief = "bandwidth of a leaf's hosts over that of its uplinks; sets the number of spines" },
}

--- How many spines a leaf with `down_bps` towards hosts needs: it has one link to each of them.
local function spine_count(what, o, down_bps, uplink_bps)
  if o.spines and o.oversubscription then
    fail.raise("%s: expected 'spines' or 'oversubscription', got both", what)
  elseif o.spines then
    return o.spines
  end
  local spines = down_bps / uplink_bps / (o.oversubscription or 1)
  local whole = math.floor(spines + 0.5)
  if whole < 1 or math.abs(spines - whole) > 1e-9 * spines then
    fail.raise("%s: oversubscription %g: expected a whole number of spines, got %g", what,
      o.oversubscription or 1, spines)
  end
  return util.integer(whole)
end

local function add_uplinks(net, leaf, leaves, spine, spines, rate_bps, delay_ps)
  for l = 0, leaves - 1 do
    for s = 0, spines - 1 do net:connect(leaf + l, spine + s, rate_bps, delay_ps) end
  end
end

local LEAF_SPINE = {
  leaves = count(nil, "number of leaf switches"),
  hosts_per_leaf = count(nil, "hosts on each leaf"),
  spines = UPLINKS.spines,
  uplink = UPLINKS.uplink,
  oversubscription = UPLINKS.oversubscription,
  rate = rule(RATE, "100Gbps", "rate of the hosts' links"),
  delay = rule(DELAY, "1us", "propagation delay of every link"),
}

--- Leaves and spines, every leaf linked to every spine; without `spines` or `oversubscription`
-- there are enough spines for full bandwidth. Links: hosts in order, then leaf by leaf to the
-- spines.
-- @tparam table options leaves, hosts_per_leaf, spines or oversubscription, rate, uplink, delay
-- @usage weft.topology.leaf_spine { leaves = 4, hosts_per_leaf = 16, oversubscription = 2 }
function topology.leaf_spine(options)
  local what = "topology.leaf_spine"
  local o = check.options(what, options, LEAF_SPINE)
  local uplink = o.uplink or o.rate
  local spines = spine_count(what, o, o.hosts_per_leaf * o.rate, uplink)
  local hosts = o.leaves * o.hosts_per_leaf
  check_size(what, hosts, hosts + o.leaves * spines)
  local net = fabric.new("leaf_spine")
  add_nodes(net, "h", hosts, "host", 0, function(i) return quotient(i, o.hosts_per_leaf) end)
  local leaf = add_nodes(net, "leaf", o.leaves, "switch", 1, function(i) return i end)
  local spine = add_nodes(net, "spine", spines, "switch", 2)
  for host = 0, hosts - 1 do
    net:connect(host, leaf + quotient(host, o.hosts_per_leaf), o.rate, o.delay)
  end
  add_uplinks(net, leaf, o.leaves, spine, spines, uplink, o.delay)
  return net
end

local RAIL_OPTIMIZED = {
  servers = count(nil, "number of servers"),
  gpus_per_server = count(8, "GPUs in a server, each with a NIC of its own"),
  rails = { type = "integer", min = 1, max = HOSTS_MAX,
    brief = "leaf switches of a pod; one for each GPU of a server if not given" },
  servers_per_pod = { type = "integer", min = 1, max = HOSTS_MAX,
    brief = "servers that share their rails; all if not given" },
  spines = UPLINKS.spines,
  uplink = UPLINKS.uplink,
  oversubscription = UPLINKS.oversubscription,
  nic = rule(RATE, "400Gbps", "rate of a GPU's NIC"),
  nvlink = rule(RATE, "2400Gbps", "rate between a GPU and the NVLink switch of its server"),
  delay = rule(DELAY, "500ns", "propagation delay of the network's links"),
  nvlink_delay = rule(DELAY, "25ns", "propagation delay of NVLink"),
}

--- Raise unless `part` divides `whole`.
local function expect_divisor(what, part_name, part, whole_name, whole)
  if whole % part == 0 then return end
  fail.raise("%s: option '%s': expected a divisor of %s (%d), got %d", what, part_name, whole_name,
    whole, part)
end

--- Servers of GPUs on an NVLink switch each; the NIC of GPU number r in its server is on the leaf
-- (rail) r of the server's pod, and all leaves are on all spines. Without `spines` or
-- `oversubscription` there are enough spines for full bandwidth.
--
-- Numbering: GPUs `gpu0`..., NVLink switches `nvswitch0`..., leaves pod by pod `leaf0`..., spines
-- `spine0`... Links: GPU by GPU its NVLink and its NIC, then leaf by leaf to the spines. With
-- `servers = 4, spines = 1` this is the fabric of SimAI's gray-failure study (45 nodes, 72 links).
-- @tparam table options servers, gpus_per_server (8), rails, servers_per_pod, spines or
-- oversubscription, nic, nvlink, uplink, delay, nvlink_delay
function topology.rail_optimized(options)
  local what = "topology.rail_optimized"
  local o = check.options(what, options, RAIL_OPTIMIZED)
  local per_server = o.gpus_per_server
  local rails, per_pod = o.rails or per_server, o.servers_per_pod or o.servers
  expect_divisor(what, "rails", rails, "gpus_per_server", per_server)
  expect_divisor(what, "servers_per_pod", per_pod, "servers", o.servers)
  local uplink = o.uplink or o.nic
  local spines = spine_count(what, o, per_pod * per_server / rails * o.nic, uplink)
  local gpus, leaves = o.servers * per_server, quotient(o.servers, per_pod) * rails
  check_size(what, gpus, 2 * gpus + leaves * spines)

  local net = fabric.new("rail_optimized")
  net.attributes.gpus_per_server = per_server
  add_nodes(net, "gpu", gpus, "host", 0, function(i) return quotient(i, per_server) end)
  local nvswitch = add_nodes(net, "nvswitch", o.servers, "nvswitch", -1, function(i) return i end)
  local function pod_of(i) return quotient(i, rails) end
  local leaf = add_nodes(net, "leaf", leaves, "switch", 1, pod_of)
  local spine = add_nodes(net, "spine", spines, "switch", 2)
  for gpu = 0, gpus - 1 do
    local server = quotient(gpu, per_server)
    local rail = quotient(server, per_pod) * rails + gpu % per_server % rails
    net:connect(gpu, nvswitch + server, o.nvlink, o.nvlink_delay)
    net:connect(gpu, leaf + rail, o.nic, o.delay)
  end
  add_uplinks(net, leaf, leaves, spine, spines, uplink, o.delay)
  return net
end

--- A wide-area fabric of data centres; see weft.topology.wan.
-- @tparam table options `overlay` ("evaluation", with `draw`; "geometric", with `nodes`, `radius`,
-- `seed`, `side`; a file that ends in .csv, .graphml or .graph, with `only`, `rate`; an overlay of
-- weft.geo), `hosts` (of each, 1), `access` (rate of a host's link), `egress`, `ingress` (what a
-- data centre sends and receives at in all: a rate, or a table by data centre), `delay`, `jitter`,
-- `loss` (of all links)
-- @usage weft.topology.wan { overlay = "evaluation", draw = 3, egress = "200Mbps" }
function topology.wan(options)
  return require("weft.topology.wan").wan(options)
end

--- Read a topology file of the HPCC simulator, of SimAI or of htsim (.topo), told apart by the
-- first line.
-- @tparam string path
-- @tparam[opt] table options `lenient` (false): links behind those that the first line counts are
-- left out, and said so; without it they are an error
-- @treturn table fabric
function topology.from_file(path, options)
  options = check.options("topology.from_file", options, { lenient = { type = "boolean" } })
  if htsim_topo.is(path) then return (htsim_topo.read_topology(path)) end
  local reader = text.open(path)
  local header = reader:fields() or {}
  reader:close()
  if #header == hpcc.HEADER_FIELDS then return hpcc.read_topology(path, options) end
  if #header == simai.HEADER_FIELDS then return simai.read_topology(path, options) end
  return fail.at(path .. ":1", "expected %s, or %s, or %s, got %d fields", hpcc.HEADER,
    simai.HEADER, htsim_topo.HEADER, #header)
end

return guard.module("topology", topology)
