--- Random failures: a timeline from a seed, the same on every Lua and every machine.
-- @module weft.failure.generate

local check = require "weft.check"
local fail = require "weft.fail"
local random = require "weft.random"
local units = require "weft.units"

local M = {}

local rule = {
  seed = { type = "integer", default = 1, min = 0 },
  kinds = { type = "list", default = { "degrade", "loss", "delay", "fail" } },
  count = { type = "integer", min = 0, max = 100000 },
  every = { type = "time", min = 1 },
  start = { type = "time", default = 0, min = 0 },
  span = { type = "time", required = true, min = 1 },
  duration = { type = "time", min = 1 },
  where = { type = "enum", choices = { "any", "hosts", "switches" }, default = "any" },
  detect = { type = "time", default = 0, min = 0 },
}

-- Links that may fail: at a host, between switches, or all. NVLink stays whole.
local function candidates(fabric, where)
  local list = {}
  for _, link in ipairs(fabric.links) do
    local a, b = fabric.nodes[link.a + 1].kind, fabric.nodes[link.b + 1].kind
    local at_host = a == "host" or b == "host"
    local fits = where == "any" or (where == "hosts") == at_host
    if fits and a ~= "nvswitch" and b ~= "nvswitch" then list[#list + 1] = link:name() end
  end
  if #list == 0 then fail.raise("failure.random: %s has no links of '%s'", fabric.name, where) end
  return list
end

local function nodes_of(fabric, kind)
  local list = {}
  for _, node in ipairs(fabric.nodes) do
    if node.kind == kind then list[#list + 1] = node.name end
  end
  if #list == 0 then fail.raise("failure.random: %s has no %s", fabric.name, kind) end
  return list
end

local function pick(stream, list) return list[stream:integer(#list)] end

-- Between low and high, evenly in the logarithm, with three digits.
local function magnitude(stream, low, high)
  return tonumber(("%.3g"):format(low * (high / low) ^ stream:uniform()))
end

local function time_text(ps) return units.exact(math.floor(ps), "time") end

local function detect_text(o) return o.detect > 0 and time_text(o.detect) or nil end

-- What each kind draws: the kind of the entry, and its options.
local makers = {
  degrade = function(stream) return "degrade", { factor = magnitude(stream, 0.01, 0.9) } end,
  flap = function(stream, o)
    local period = magnitude(stream, 0.02, 0.2) * (o.duration or o.span / 10)
    return "fail", { period = time_text(math.max(2, period)), detect = detect_text(o) }
  end,
  loss = function(stream) return "degrade", { loss = magnitude(stream, 1e-5, 1e-2) } end,
  burst = function(stream)
    return "degrade", { burst = { loss = magnitude(stream, 1e-4, 1e-2),
      length = magnitude(stream, 2, 50) } }
  end,
  delay = function(stream)
    return "degrade", { delay = time_text(magnitude(stream, 1e5, 1e8)),
      jitter = time_text(magnitude(stream, 1e5, 1e7)) }
  end,
  fail = function(_, o) return "fail", { detect = detect_text(o) } end,
  switch = function(_, o) return "fail", { detect = detect_text(o) } end,
  storm = function() return "storm", {} end,
  slow = function(stream) return "slow", { factor = magnitude(stream, 1.1, 10) } end,
}

local target_of = { switch = "switch", storm = "host", slow = "host" }

local names = { "degrade", "flap", "loss", "burst", "delay", "fail", "switch", "storm", "slow" }

local function check_options(options)
  local o = check.options("failure.random", options, rule)
  if (o.count == nil) == (o.every == nil) then
    fail.raise("failure.random: expected 'count' or 'every', got %s", o.count and "both"
      or "neither")
  end
  for i, kind in ipairs(o.kinds) do
    check.value("failure.random: kind " .. i, kind, { type = "enum", choices = names })
  end
  if #o.kinds == 0 then fail.raise("failure.random: option 'kinds': expected at least one") end
  return o
end

-- Ascending times: `count` of them evenly at random, or a Poisson process.
local function times(o)
  local stream, list = random.stream(o.seed, "failure times"), {}
  if o.count then
    for i = 1, o.count do list[i] = o.start + math.floor(stream:uniform() * o.span) end
    table.sort(list)
    return list
  end
  local at = stream:exponential(o.every)
  while at < o.span and #list < rule.count.max do
    list[#list + 1] = o.start + math.floor(at)
    at = at + stream:exponential(o.every)
  end
  return list
end

--- Random failures of a fabric.
-- @tparam weft.Fabric fabric
-- @tparam table options `seed`; `count` (how many), or `every` (mean time between them); `span` (of
-- time in which they begin) from `start` on; `duration` (mean, exponential; default: for good,
-- which flapping does not have: it lasts a tenth of the span); `kinds`, of which one is drawn for
-- each: degrade, flap, loss, burst, delay, fail, switch, storm, slow; `where`: links at "hosts",
-- between "switches", or "any" (default); `detect`
-- @treturn table a timeline for sim:inject, weft.failure.write; its values may be changed before
function M.random(fabric, options)
  check.argument("failure.random", fabric, "fabric")
  local o = check_options(options)
  local list, links, nodes = {}, nil, {}
  for i, at_ps in ipairs(times(o)) do
    local stream = random.stream(o.seed, "failure " .. i)
    local chosen = pick(stream, o.kinds)
    local kind, entry = makers[chosen](stream, o)
    local node_kind = target_of[chosen]
    if node_kind then
      nodes[node_kind] = nodes[node_kind] or nodes_of(fabric, node_kind)
      entry.target = pick(stream, nodes[node_kind])
    else
      links = links or candidates(fabric, o.where)
      entry.target = pick(stream, links)
    end
    entry.kind, entry.at = kind, time_text(at_ps)
    local mean = o.duration or (chosen == "flap" and o.span / 10)
    if mean then entry.duration = time_text(math.max(1, stream:exponential(mean))) end
    list[i] = entry
  end
  return list
end

return M
