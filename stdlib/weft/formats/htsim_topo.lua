--- Topology files of htsim (.topo): fat trees of two or three tiers, as its FatTreeTopology builds
-- them.
--
--   Nodes 8            Tier 0                       Tier 1                       Tier 2
--   Tiers 3            Downlink_speed_Gbps 200      Downlink_speed_Gbps 200      ...
--   Podsize 4          Radix_Down 2                 Radix_Down 2                 Radix_Down 4
--                      Radix_Up 2                   Radix_Up 4                   Bundle 2
--                      Downlink_Latency_ns 1000     Downlink_Latency_ns 1000
--
-- Tier 0 is the switches of the hosts. Speed and latency are those of the links below a tier, and
-- Bundle is how many of them run side by side. Switch_Latency_ns is what a packet takes from its
-- arrival to its queue; a fabric of weft has none, so half of it goes to each link of the switch,
-- which is exact for every way, since it leaves a switch by a link as it came by one. Queue_Up and
-- Queue_Down are in the fabric's attributes: switches here share one buffer among their ports.
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local notice = require "weft.notice"
local text = require "weft.formats.text"
local util = require "weft.util"

local M = {}

M.HEADER = "'Nodes n', 'Tiers n', 'Podsize n' (htsim)"

local HOSTS_MAX = 2 ^ 20
local LINKS_MAX = 2 ^ 24

local HEADER = { nodes = HOSTS_MAX, tiers = 3, podsize = HOSTS_MAX }

-- What a tier says, by htsim's name in lower case: field, least and largest value.
local TIER = {
  bundle = { "bundle", 1, 2 ^ 16 },
  downlink_latency_ns = { "latency_ns", 1, 1e10 },
  downlink_speed_gbps = { "speed_gbps", 1, 1e5 },
  oversubscribed = { "oversubscribed", 1, 2 ^ 16 },
  queue_down = { "queue_down", 0, 2 ^ 40 },
  queue_up = { "queue_up", 0, 2 ^ 40 },
  radix_down = { "radix_down", 1, 2 ^ 20 },
  radix_up = { "radix_up", 1, 2 ^ 20 },
  switch_latency_ns = { "switch_latency_ns", 0, 1e9 },
}
local NEEDED = { "downlink_speed_gbps", "downlink_latency_ns", "radix_down" }
local NAMES = util.sorted_keys(TIER)

--- Whether a file begins as a .topo file does: its first line that is no comment tells.
-- @tparam string path
-- @treturn boolean
function M.is(path)
  local reader = text.open(path)
  local words
  repeat words = reader:fields() until not words or words[1]:sub(1, 1) ~= "#"
  reader:close()
  local first = words and words[1]:lower()
  return first ~= nil and (HEADER[first] ~= nil or first == "tier")
end

-- ---- reading ----------------------------------------------------------------------------------

local function value_of(reader, words, what, min, max)
  if #words ~= 2 then
    reader:fail("expected '%s' and a number, got %s", words[1], reader:shown())
  end
  return reader:integer(words[2], what, min, max)
end

local function read_header(reader, words, spec, ignored)
  local name = words[1]:lower()
  if not HEADER[name] then
    ignored[#ignored + 1] = { name = words[1], line = reader.number, value = words[2] or "",
      kind = "unknown", why = "not a word of the header" }
  elseif spec[name] then
    reader:fail("'%s' is there twice", words[1])
  else
    spec[name] = value_of(reader, words, words[1], name == "tiers" and 2 or 1, HEADER[name])
  end
end

local function read_tier(reader, words, spec, ignored, tier)
  local rule = TIER[words[1]:lower()]
  if not rule then
    local near = fail.nearest(words[1], NAMES)
    local why = "not a word of a tier" .. (near and ("; did you mean %s?"):format(near) or "")
    if HEADER[words[1]:lower()] then why = "htsim reads it before the first Tier only" end
    ignored[#ignored + 1] = { name = words[1], line = reader.number, value = words[2] or "",
      kind = "unknown", why = why }
    return
  end
  local field = rule[1]
  if tier[field] then reader:fail("'%s' of tier %d is there twice", words[1], tier.number) end
  if field:find("_up$") and tier.number == spec.tiers - 1 then
    reader:fail("%s: the top tier, %d, has no links up", words[1], tier.number)
  end
  tier[field] = value_of(reader, words, words[1], rule[2], rule[3])
  tier.lines[field] = reader.number
end

local function begin_tier(reader, words, spec, ignored)
  for _, name in ipairs { "nodes", "tiers", "podsize" } do
    if not spec[name] then reader:fail("expected '%s n' before the first Tier", name) end
  end
  local number = value_of(reader, words, "Tier", 0, 2)
  if spec[number] then reader:fail("tier %d is there twice", number) end
  local tier = { number = number, line = reader.number, lines = {} }
  if number < spec.tiers then
    spec[number] = tier
  else
    ignored[#ignored + 1] = { name = "Tier", line = reader.number, value = words[2],
      kind = "unused", why = ("there are %d tiers, from 0"):format(spec.tiers) }
  end
  return tier
end

-- ---- counts, as htsim checks and works them out -------------------------------------------------

local function quotient(a, b) return util.integer((a - a % b) / b) end

local function check_tiers(spec, complain)
  for number = 0, spec.tiers - 1 do
    local tier = spec[number]
    if not tier then complain(nil, "tier %d is missing", number) end
    for _, name in ipairs(NEEDED) do
      if not tier[TIER[name][1]] then complain(tier, "tier %d: '%s' is missing", number, name) end
    end
    if number < spec.tiers - 1 and not tier.radix_up then
      complain(tier, "tier %d: 'radix_up' is missing", number)
    end
    tier.bundle, tier.oversubscribed = tier.bundle or 1, tier.oversubscribed or 1
    tier.switch_latency_ns = tier.switch_latency_ns or 0
    local below = spec[number - 1]
    if tier.radix_down % tier.bundle ~= 0 then
      complain(tier, "tier %d: radix_down: expected a multiple of the bundle, %d, got %d", number,
        tier.bundle, tier.radix_down)
    elseif below and below.radix_up % tier.bundle ~= 0 then
      complain(below, "tier %d: radix_up: expected a multiple of tier %d's bundle, %d, got %d",
        number - 1, number, tier.bundle, below.radix_up)
    end
  end
  if spec[0].bundle ~= 1 then
    complain(spec[0], "tier 0: bundle: expected 1, hosts have one link, got %d", spec[0].bundle)
  end
end

-- Links up from a tier, by the bandwidth that its links down bring.
local function uplinks(spec, number, downlinks, complain)
  local tier, above = spec[number], spec[number + 1]
  local down, up = downlinks * tier.speed_gbps, above.speed_gbps * tier.oversubscribed
  if down % up ~= 0 then
    complain(tier, "tier %d: %d links of %d Gbit/s at oversubscription %d need a whole number of"
      .. " links of %d Gbit/s, got %g", number, downlinks, tier.speed_gbps, tier.oversubscribed,
      above.speed_gbps, down / up)
  end
  return quotient(down, up)
end

local function count_switches(spec, complain)
  local low, high = spec[0], spec[1]
  if spec.nodes % spec.podsize ~= 0 then
    complain(nil, "podsize: expected a divisor of the nodes, %d, got %d", spec.nodes, spec.podsize)
  elseif spec.podsize % low.radix_down ~= 0 then
    complain(low, "tier 0: radix_down: expected a divisor of the podsize, %d, got %d", spec.podsize,
      low.radix_down)
  end
  local pods = quotient(spec.nodes, spec.podsize)
  if spec.tiers == 2 and pods > 1 then
    complain(nil, "podsize: two tiers are one pod, expected the nodes, %d, got %d", spec.nodes,
      spec.podsize)
  end
  local tors = quotient(spec.podsize, low.radix_down)
  if quotient(low.radix_down, low.radix_up) ~= low.oversubscribed then
    complain(low, "tier 0: radix_down %d over radix_up %d: expected the oversubscription, %d",
      low.radix_down, low.radix_up, low.oversubscribed)
  end
  local tor_uplinks = uplinks(spec, 0, spec.nodes, complain)
  local aggs = tor_uplinks / (pods * high.radix_down)
  if aggs % 1 ~= 0 or aggs * high.bundle ~= low.radix_up then
    complain(high, "tier 1: %d links up from tier 0 make %g switches in each of %s, with %d links"
      .. " to each: expected tier 0's radix_up, %d, together", tor_uplinks, aggs,
      util.counted(pods, "pod"), high.bundle, low.radix_up)
  end
  local counts = { pods = pods, tors = tors, aggs = util.integer(aggs), cores = 0 }
  if spec.tiers == 3 then
    local top = spec[2]
    local agg_uplinks = uplinks(spec, 1, tor_uplinks, complain)
    local cores = agg_uplinks / top.radix_down
    if cores % 1 ~= 0 or cores % aggs ~= 0 or cores * top.bundle / aggs ~= high.radix_up then
      complain(top, "tier 2: %d links up from tier 1 make %g switches, with %d links to each, for"
        .. " %d of a pod: expected tier 1's radix_up, %d, for each", agg_uplinks, cores, top.bundle,
        aggs, high.radix_up)
    end
    counts.cores = util.integer(cores)
  end
  return counts
end

-- ---- building ---------------------------------------------------------------------------------

local PS_PER_NS, HALF_NS_PS, BPS_PER_GBPS = 1000, 500, 1000000000

local function add_nodes(net, prefix, count, kind, tier, group_of)
  local first = #net.nodes
  for i = 0, count - 1 do
    net:add_node(("%s%d"):format(prefix, i), kind,
      { tier = tier, group = group_of and group_of(i) })
  end
  return first
end

-- Nodes as weft.topology.fat_tree and leaf_spine name and group them; links in htsim's order.
local function build(path, spec, counts)
  local net = fabric.new(path:match("[^/]*$"))
  local is_flat = spec.tiers == 2
  local tors, aggs = counts.tors * counts.pods, counts.aggs * counts.pods
  local per_tor = spec[0].radix_down
  local function pod_of(size) return function(i) return quotient(i, size) end end
  add_nodes(net, "h", spec.nodes, "host", 0, pod_of(is_flat and per_tor or spec.podsize))
  local tor = add_nodes(net, is_flat and "leaf" or "edge", tors, "switch", 1,
    pod_of(is_flat and 1 or counts.tors))
  local agg = add_nodes(net, is_flat and "spine" or "agg", aggs, "switch", 2,
    not is_flat and pod_of(counts.aggs) or nil)
  local core = add_nodes(net, "core", counts.cores, "switch", 3)
  local function connect(a, b, number)
    local tier, below = spec[number], spec[number - 1]
    local place = ("%s:%d"):format(path, tier.line)
    local switching_ns = tier.switch_latency_ns + (below and below.switch_latency_ns or 0)
    for _ = 1, tier.bundle do
      net:connect(a, b, tier.speed_gbps * BPS_PER_GBPS,
        tier.latency_ns * PS_PER_NS + switching_ns * HALF_NS_PS, 0, place)
    end
  end
  for host = 0, spec.nodes - 1 do connect(host, tor + quotient(host, per_tor), 0) end
  for t = 0, tors - 1 do
    local first = quotient(t, counts.tors) * counts.aggs
    for a = first, first + counts.aggs - 1 do connect(tor + t, agg + a, 1) end
  end
  for a = 0, is_flat and -1 or aggs - 1 do
    for l = 0, quotient(spec[1].radix_up, spec[2].bundle) - 1 do
      connect(agg + a, core + a % counts.aggs + counts.aggs * l, 2)
    end
  end
  return net
end

local function keep_queues(net, spec, ignored)
  local queues = {}
  for number = 0, spec.tiers - 1 do
    local tier = spec[number]
    for _, field in ipairs { "queue_up", "queue_down" } do
      if tier[field] then
        queues[#queues + 1] = { tier = number, field = field, bytes = tier[field] }
        ignored[#ignored + 1] = { name = field, line = tier.lines[field],
          value = tostring(tier[field]), kind = "not simulated",
          why = "ports of a switch share its buffer; see option buffer" }
      end
    end
  end
  if #queues > 0 then net.attributes.queues = queues end
end

--- Read a topology. Hosts are called h0, h1, ..., switches edge, agg and core, with two tiers leaf
-- and spine. What the file says and the fabric does not have is told once on standard error.
-- @tparam string path
-- @treturn table fabric
-- @treturn {table,...} what was ignored: `name`, `value`, `line`, `kind`, `why`
function M.read_topology(path)
  local reader = text.open(path)
  local spec, ignored, tier = {}, {}, nil
  for words in function() return reader:fields() end do
    local word = words[1]:lower()
    if word == "tier" then
      tier = begin_tier(reader, words, spec, ignored)
    elseif word:sub(1, 1) ~= "#" then
      local read = tier and read_tier or read_header
      read(reader, words, spec, ignored, tier)
    end
  end
  if not tier then reader:fail("expected 'Tier 0', got end of file") end
  reader:close()
  local function complain(at, ...)
    fail.at(at and ("%s:%d"):format(path, at.line) or path, ...)
  end
  check_tiers(spec, complain)
  local counts = count_switches(spec, complain)
  local links = spec.nodes + counts.tors * counts.pods * spec[0].radix_up
    + counts.aggs * counts.pods * (spec[1].radix_up or 0)
  if links > LINKS_MAX then
    complain(nil, "expected at most %d links, got %.0f", LINKS_MAX, links)
  end
  local net = build(path, spec, counts)
  keep_queues(net, spec, ignored)
  for _, one in ipairs(ignored) do
    notice.say("%s:%d: %s: ignored, %s", path, one.line, one.name, one.why)
  end
  return net, ignored
end

return M
