--- Wide-area fabrics: data centres of an overlay (weft.geo.overlay) as hosts and switches.
-- @module weft.topology.wan

local check = require "weft.check"
local fabric = require "weft.fabric"
local fail = require "weft.fail"
local overlay_module = require "weft.geo.overlay"

local M = {}

local rule = {
  overlay = { type = "any", default = "evaluation",
    brief = "an overlay; \"evaluation\", \"geometric\"; or a file: .csv, .graphml, .graph" },
  only = { type = "string", brief = "this overlay of a file" },
  draw = { type = "integer", min = 0, default = 0, brief = "of the evaluation's rates" },
  nodes = { type = "integer", min = 2, max = 200, default = 9, brief = "of a geometric overlay" },
  radius = { type = "number", min = 0, max = 2, default = 0.5, brief = "of a geometric overlay" },
  seed = { type = "integer", min = 0, default = 1, brief = "of a geometric overlay" },
  side = { type = "time", min = 0, max = 1e13, default = 0, brief = "of a geometric overlay" },
  hosts = { type = "integer", min = 1, max = 65536, default = 1, brief = "of each data centre" },
  access = { type = "rate", min = 1e6, max = 1e14,
    brief = "of a host's link; default: ten times the rates of its data centre's links in all" },
  rate = { type = "rate", min = 1e6, max = 1e14, brief = "of links of a file that have none" },
  delay = { type = "any" }, jitter = { type = "any" }, loss = { type = "any" },
  egress = { type = "any", brief = "what a data centre sends at in all: a rate, or a table" },
  ingress = { type = "any", brief = "what one receives at in all: a rate, or a table" },
}

local function overlay_of(o)
  if overlay_module.is(o.overlay) then return o.overlay end
  if o.overlay == "evaluation" then return overlay_module.evaluation(o.draw) end
  if o.overlay == "geometric" then
    return overlay_module.geometric { nodes = o.nodes, radius = o.radius, seed = o.seed,
      side = o.side * 1e-12 }
  end
  if type(o.overlay) ~= "string" then
    fail.raise("topology.wan: option 'overlay': expected an overlay, its name or a file, got %s",
      fail.show(o.overlay))
  end
  local list, names = overlay_module.read(o.overlay, { rate = o.rate }), {}
  for i, one in ipairs(list) do names[i] = one.name end
  local found = o.only and list[o.only] or not o.only and list[1]
  if not found then
    fail.raise("topology.wan: option 'only': no overlay '%s' in %s%s", o.only, o.overlay,
      fail.hint(o.only, names))
  end
  return found
end

-- What a data centre's links carry in all, each way, in bit/s.
local function sums_of(overlay, u)
  local sums = { 0, 0 }
  for link = 1, overlay.links do
    if overlay.from[link] == u then sums[1] = sums[1] + overlay.rate_bps[link] end
    if overlay.to[link] == u then sums[2] = sums[2] + overlay.rate_bps[link] end
  end
  return sums
end

-- Rates in whole Mbit/s, so that ten times their sum is whole too.
local function access_rates(overlay, u, given)
  local sums = sums_of(overlay, u)
  local rates = {}
  for i = 1, 2 do
    rates[i] = given or math.min(1e14, math.max(1e9, math.ceil(sums[i] / 1e6) * 1e7))
  end
  return rates
end

local function name_of(overlay, u)
  local name = overlay.names[u]
  return type(name) == "number" and ("dc%d"):format(name) or name
end

-- Products of measured rates are no whole numbers, which the core takes.
local function whole(bps) return bps and math.floor(bps + 0.5) end

-- The hosts of a data centre and its switch, with a second one in between where many hosts share a
-- cap.
local function add_site(net, overlay, u, o, hosts, wan)
  local caps = { whole(overlay.egress_bps[u]), whole(overlay.ingress_bps[u]) }
  local access, at = access_rates(overlay, u, o.access), wan[u]
  local inner = access
  if o.hosts > 1 and (caps[1] or caps[2]) then
    at = net:add_node(name_of(overlay, u) .. ":lan", "switch", { tier = 1, group = u })
    net:connect(at, wan[u], { caps[1] or access[1], caps[2] or access[2] }, 0)
  elseif o.hosts == 1 then
    inner = { math.min(access[1], caps[1] or access[1]), math.min(access[2], caps[2] or access[2]) }
  end
  for _, host in ipairs(hosts[u]) do net:connect(host, at, inner, 0) end
end

local function ps(seconds) return math.floor(seconds * 1e12 + 0.5) end

-- Both directions of the links between two sites as one link.
local function add_way(net, overlay, wan, u, v)
  local there, back = overlay.out[u][v], overlay.out[v][u]
  if not back then
    fail.raise("topology.wan: overlay %s: link %s to %s has no other direction, which its"
      .. " acknowledgements need", overlay.name, tostring(overlay.names[u]),
      tostring(overlay.names[v]))
  end
  local function both(list, convert)
    local a, b = list[there], list[back]
    if convert then a, b = convert(a), convert(b) end
    return { a, b }
  end
  net:connect(wan[u], wan[v], both(overlay.rate_bps, whole), both(overlay.delay_s, ps),
    { jitter = both(overlay.jitter_s, ps), loss = both(overlay.loss) })
end

--- Data centres of an overlay: `dc1`, `dc2`, ... (or by their names), one host each, or several
-- (`dc1.0`, `dc1.1`, ...); their switches `dc1:wan`, ...; then the overlay's links, both directions
-- of each as one, in the order of the overlay. A cap on what a data centre sends or receives in all
-- is the rate of the link between its hosts and its switch: what only passes through its switch
-- does not count. `attributes.overlay` of the fabric is the overlay.
-- @tparam table options `overlay` ("evaluation", with `draw`; "geometric", with `nodes`, `radius`,
-- `seed`, `side`; a file, with `only`, `rate`; or an overlay), `hosts` (1), `access`, `egress`,
-- `ingress`, `delay`, `jitter`, `loss`
-- @usage weft.topology.wan { overlay = "evaluation", draw = 3, egress = "200Mbps" }
function M.wan(options)
  local o = check.options("topology.wan", options, rule)
  local overlay = overlay_of(o)
  if o.delay or o.jitter or o.loss or o.egress or o.ingress then
    overlay = overlay:with { delay = o.delay, jitter = o.jitter, loss = o.loss, egress = o.egress,
      ingress = o.ingress }
  end
  local net, hosts, wan = fabric.new(overlay.name), {}, {}
  net.attributes.overlay = overlay
  for u = 1, overlay.nodes do
    hosts[u] = {}
    for i = 1, o.hosts do
      local name = name_of(overlay, u)
      if o.hosts > 1 then name = ("%s.%d"):format(name, i - 1) end
      hosts[u][i] = net:add_node(name, "host", { group = u })
    end
  end
  for u = 1, overlay.nodes do
    wan[u] = net:add_node(name_of(overlay, u) .. ":wan", "switch",
      { tier = 1, group = u, place = overlay.places[u] })
  end
  for u = 1, overlay.nodes do add_site(net, overlay, u, o, hosts, wan) end
  for link = 1, overlay.links do
    local u, v = overlay.from[link], overlay.to[link]
    local back = overlay.out[v][u]
    if not back or back > link then add_way(net, overlay, wan, u, v) end
  end
  return net
end

return M
