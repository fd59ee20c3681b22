--- Kinds of failures: what each takes, and the changes of the core that it comes down to.
-- Everything is checked before anything is scheduled: a plan is a list of calls.
-- @module weft.failure.kinds

local check = require "weft.check"
local fail = require "weft.fail"
local units = require "weft.units"
local vary = require "weft.failure.vary"
local util = require "weft.util"

local M = {}

-- Changes that one failure may come down to.
local MOST_CHANGES = 100000

local at = { type = "time", min = 0 }
local duration = { type = "time", min = 1 }
local direction = { type = "enum", choices = { "both", "a_to_b", "b_to_a" }, default = "both" }
local detect = { type = "time", min = 0, default = 0 }
local duty = { type = "number", min = 1e-6, max = 1 - 1e-6 }

local rules = {
  degrade = {
    at = at, direction = direction, duration = duration,
    factor = { type = "number", min = 1e-6, max = 1000 },
    loss = { type = "number", min = 0, max = 1 },
    burst = { type = "table" },
    delay = { type = "time", min = 0, max = 1e13 },
    jitter = { type = "time", min = 0, max = 1e13 },
    period = duration, duty = duty,
    factors = { type = "list" }, every = duration,
    over = duration, steps = { type = "integer", min = 1, max = 1000 },
  },
  fail = {
    at = at, direction = direction, duration = duration, detect = detect, period = duration,
    duty = duty,
  },
  repair = { at = at, direction = direction, detect = detect },
  storm = {
    at = at, duration = duration, period = duration, pause = duration, towards = { type = "any" },
  },
  slow = {
    at = at, duration = duration,
    factor = { type = "number", required = true, min = 1e-3, max = 1e6 },
  },
}

rules.vary = { at = at, direction = direction, duration = duration, detect = detect }
for name, rule in pairs(vary.rule) do rules.vary[name] = rule end -- order-free: a copy

--- Names of the kinds.
M.names = util.sorted_keys(rules)

-- ---- what fails ----------------------------------------------------------------------------

-- "gpu3-leaf3", "gpu3-leaf3#2": names of nodes may have dashes too.
local function link_named(fabric, text)
  local base, n = text:match("^(.*)#(%d+)$")
  base = base or text
  local from = 1
  while true do
    local dash = base:find("-", from, true)
    if not dash then return nil end
    local a, b = fabric.by_name[base:sub(1, dash - 1)], fabric.by_name[base:sub(dash + 1)]
    if a and b then return fabric:links_between(a, b)[tonumber(n) or 1] end
    from = dash + 1
  end
end

--- A link or a node: an object of the fabric, a pair of nodes, the number of a link, or a name as
-- "gpu3-leaf3" or "leaf3".
-- @treturn table `name`, `links`, and `node` where it is one
function M.target(fabric, which)
  local node, link
  if type(which) == "string" then
    node = fabric.by_name[which]
    link = not node and link_named(fabric, which)
    if not node and not link then
      local names = fabric:node_names()
      for _, one in ipairs(fabric.links) do names[#names + 1] = one:name() end
      fail.raise("unknown node or link '%s' in %s%s", which, fabric.name, fail.hint(which, names))
    end
  elseif type(which) == "table" and type(which.id) == "number"
    and fabric.nodes[which.id + 1] == which then
    node = which
  elseif type(which) == "table" and which[1] ~= nil and which[2] ~= nil then
    check.argument("target", which, "list")
    link = fabric:link(which[1], which[2], which[3])
  else
    link = fabric:link(which)
  end
  if node then return { name = node.name, node = node, links = fabric:links_of(node) } end
  return { name = link:name(), links = { link } }
end

-- ---- plans ---------------------------------------------------------------------------------

-- As far as the engine's times go.
local TIME_MAX_PS = 2 ^ 53

local function add(plan, method, change)
  if #plan.calls >= MOST_CHANGES then
    fail.raise("%s: expected at most %d changes in one failure, got more", plan.kind, MOST_CHANGES)
  end
  local at_ps = change.at_ps
  if at_ps and at_ps > TIME_MAX_PS then
    local o, told = plan.options, {}
    for _, name in ipairs { "duration", "over", "every", "period" } do
      if o[name] then told[#told + 1] = ("'%s'"):format(name) end
    end
    fail.raise("%s: option%s %s: expected changes before 2^53 ps, 9007 s, got one at %s", plan.kind,
      #told > 1 and "s" or "", #told > 0 and table.concat(told, ", ") or "'at'",
      units.format_time(at_ps))
  end
  plan.calls[#plan.calls + 1] = { method, change }
end

-- The rate and the uniform loss of all links; nil leaves them.
local function change_links(plan, at_ps, factor, loss, detect_ps)
  local function change(link, which, new_loss)
    add(plan, "link_schedule", {
      at_ps = at_ps, link = link.id, direction = which, factor = factor or -1,
      loss = new_loss or -1, detect_ps = detect_ps,
    })
  end
  local given = plan.options.direction
  for _, link in ipairs(plan.target.links) do
    if loss ~= "built" then
      change(link, given, loss)
    elseif link.back.loss == nil then
      change(link, given, link.loss)
    else
      if given ~= "b_to_a" then change(link, "a_to_b", link.loss) end
      if given ~= "a_to_b" then change(link, "b_to_a", link.back.loss) end
    end
  end
end

-- Delay and burst loss of all links; nil leaves them.
local function impair_links(plan, at_ps, delay_ps, jitter_ps, burst)
  for _, link in ipairs(plan.target.links) do
    add(plan, "link_impair", {
      at_ps = at_ps, link = link.id, direction = plan.options.direction,
      delay_ps = delay_ps or -1, jitter_ps = delay_ps and jitter_ps or 0,
      enter = burst and burst.enter or -1, leave = burst and burst.leave,
      loss_good = burst and burst.loss_good, loss_bad = burst and burst.loss_bad,
    })
  end
end

local NO_BURST = { enter = 0, leave = 0, loss_good = 0, loss_bad = 0 }

local probability = { type = "number", min = 0, max = 1 }
local burst_rules = {
  means = {
    loss = { type = "number", required = true, min = 1e-9, max = 0.999 },
    length = { type = "number", required = true, min = 1, max = 1e9 },
  },
  gilbert = {
    p = { type = "number", required = true, min = 0, max = 1 },
    r = { type = "number", required = true, min = 0, max = 1 },
    h = probability, k = probability,
  },
}

-- Mean loss and mean burst length, or the parameters of Gilbert and Elliott as Hasslinger and
-- Hohlfeld name them: h and k are probabilities of getting through.
local function read_burst(given)
  if given.p ~= nil or given.r ~= nil then
    local o = check.options("degrade: option 'burst'", given, burst_rules.gilbert)
    return { enter = o.p, leave = o.r, loss_good = 1 - (o.k or 1), loss_bad = 1 - (o.h or 0) }
  end
  local o = check.options("degrade: option 'burst'", given, burst_rules.means)
  local enter = o.loss / (1 - o.loss) / o.length
  if enter > 1 then
    fail.raise("degrade: option 'burst': a mean loss of %g needs a length of at least %g, got %g",
      o.loss, o.loss / (1 - o.loss), o.length)
  end
  return { enter = enter, leave = 1 / o.length, loss_good = 0, loss_bad = 1 }
end

-- ---- kinds ---------------------------------------------------------------------------------

local function worsen(plan, at_ps)
  local o = plan.options
  if o.factor or o.loss then change_links(plan, at_ps, o.factor, o.loss) end
  if plan.delay_ps or plan.burst then
    impair_links(plan, at_ps, plan.delay_ps, o.jitter or 0, plan.burst)
  end
end

-- Undo what worsen does, and nothing else.
local function restore(plan, at_ps)
  local o = plan.options
  if o.factor or o.factors or o.loss then
    change_links(plan, at_ps, (o.factor or o.factors) and 1, o.loss and "built")
  end
  if plan.delay_ps or plan.burst then
    impair_links(plan, at_ps, plan.delay_ps and 0, 0, plan.burst and NO_BURST)
  end
end

local function wants(plan, good, text)
  if not good then fail.raise("%s: %s", plan.kind, text) end
end

-- Bad for a part of each period, from the first on; good at the end.
local function flap(plan, start_ps, bad, good)
  local o = plan.options
  wants(plan, o.duration, "option 'period' needs 'duration'")
  local over, at_ps = start_ps + o.duration, start_ps
  local bad_ps = math.max(1, math.floor(o.period * (o.duty or 0.5)))
  while at_ps < over do
    bad(plan, at_ps)
    good(plan, math.min(at_ps + bad_ps, over))
    at_ps = at_ps + o.period
  end
end

local function step(plan, start_ps)
  local o = plan.options
  wants(plan, o.every, "option 'factors' needs 'every'")
  wants(plan, #o.factors > 0, "option 'factors': expected a list of numbers, got none")
  for i, factor in ipairs(o.factors) do
    check.value(("degrade: option 'factors', number %d"):format(i), factor, rules.degrade.factor)
    change_links(plan, start_ps + (i - 1) * o.every, factor)
  end
end

local function decline(plan, start_ps)
  local o = plan.options
  wants(plan, o.factor, "option 'over' needs 'factor'")
  local steps = o.steps or 16
  for i = 1, steps do
    change_links(plan, start_ps + math.floor(o.over * i / steps), 1 + (o.factor - 1) * i / steps)
  end
end

local makers = {}

function makers.degrade(plan, start_ps)
  local o = plan.options
  wants(plan, o.factor or o.factors or o.loss or o.burst or o.delay or o.jitter,
    "expected one of 'factor', 'factors', 'loss', 'burst', 'delay', 'jitter'")
  local shapes = (o.period and 1 or 0) + (o.factors and 1 or 0) + (o.over and 1 or 0)
  wants(plan, shapes <= 1, "expected one of 'period', 'factors' and 'over', got several")
  wants(plan, not (o.factor and o.factors), "expected 'factor' or 'factors', got both")
  wants(plan, o.period or not o.duty, "option 'duty' needs 'period'")
  wants(plan, o.over or not o.steps, "option 'steps' needs 'over'")
  wants(plan, o.factors or not o.every, "option 'every' needs 'factors'")
  plan.burst = o.burst and read_burst(o.burst)
  plan.delay_ps = o.delay or (o.jitter and 0)
  if o.period then return flap(plan, start_ps, worsen, restore) end
  if o.factors then step(plan, start_ps) end
  if o.over then decline(plan, start_ps) end
  local factor = o.factor
  if o.over then o.factor = nil end -- it is reached later; what else there is begins now
  worsen(plan, start_ps)
  o.factor = factor
  local takes = o.over or (o.factors and (#o.factors - 1) * o.every) or 0
  wants(plan, not o.duration or o.duration > takes, "option 'duration': it ends before it is bad")
  if o.duration then restore(plan, start_ps + o.duration) end
end

local function go_down(plan, at_ps) change_links(plan, at_ps, 0, nil, plan.options.detect) end
local function come_up(plan, at_ps) change_links(plan, at_ps, 1, nil, plan.options.detect) end

function makers.fail(plan, start_ps)
  local o = plan.options
  wants(plan, o.period or not o.duty, "option 'duty' needs 'period'")
  if o.period then return flap(plan, start_ps, go_down, come_up) end
  go_down(plan, start_ps)
  if o.duration then come_up(plan, start_ps + o.duration) end
end

function makers.repair(plan, start_ps)
  change_links(plan, start_ps, 1, "built", plan.options.detect)
  -- Models of other simulators have no impairments that could be undone.
  if not plan.foreign then impair_links(plan, start_ps, 0, 0, NO_BURST) end
end

function makers.vary(plan, start_ps)
  local o = plan.options
  vary.check(o)
  for _, link in ipairs(plan.target.links) do
    vary.link(o, link, function(after_ps, side, factor)
      add(plan, "link_schedule", { at_ps = start_ps + after_ps, link = link.id, direction = side,
        factor = factor, loss = -1, detect_ps = o.detect })
    end)
  end
end

-- A NIC speaks PFC on its network links; NVLink does not.
local function storm_links(plan, fabric)
  local node, towards = plan.target.node, plan.options.towards
  wants(plan, node, "expected the node that sends pause frames, got a link")
  if towards ~= nil then
    local links = fabric:links_between(node, fabric:node(towards))
    if #links == 0 then fabric:link(node, towards) end -- says what there is instead
    return links
  end
  local links = {}
  for _, link in ipairs(plan.target.links) do
    local far = fabric.nodes[(link.a == node.id and link.b or link.a) + 1]
    if far.kind ~= "nvswitch" then links[#links + 1] = link end
  end
  return links
end

function makers.storm(plan, start_ps, fabric)
  local o = plan.options
  wants(plan, not o.period == not o.pause, "options 'period' and 'pause' need each other")
  if o.period then
    wants(plan, o.duration, "option 'period' needs 'duration'")
    wants(plan, o.pause < o.period, "option 'pause': expected less than 'period'")
  end
  for _, link in ipairs(storm_links(plan, fabric)) do
    add(plan, "storm_add", {
      at_ps = start_ps, port = 2 * link.id + (link.a == plan.target.node.id and 1 or 0),
      duration_ps = o.duration, period_ps = o.period, pause_ps = o.pause,
    })
  end
end

function makers.slow(plan, start_ps, fabric)
  local o, host = plan.options, fabric:host(plan.target.node or plan.target.name)
  add(plan, "host_schedule", { at_ps = start_ps, host = host.id, factor = o.factor })
  if o.duration then
    add(plan, "host_schedule", { at_ps = start_ps + o.duration, host = host.id, factor = 1 })
  end
end

-- ---- in words ------------------------------------------------------------------------------

local function number(value) return fail.show(value) end

-- Order, option, words.
local words = {
  { "factor", "x %s", number }, { "factors", "in %s steps", function(list) return #list end },
  { "over", "over %s", units.format_time }, { "loss", "loss %s", number },
  { "burst", "%s", function(burst)
    if burst.length then return ("loss %s in bursts"):format(number(burst.loss)) end
    return "burst loss"
  end },
  { "delay", "delay +%s", units.format_time }, { "jitter", "jitter %s", units.format_time },
  { "towards", "towards %s", function(node)
    return type(node) == "table" and node.name or tostring(node)
  end },
  { "by", "%s", tostring }, { "file", "of %s", tostring },
  { "period", "every %s", units.format_time }, { "duration", "for %s", units.format_time },
  { "direction", "%s", tostring },
  { "detect", "noticed after %s", units.format_time },
}

local function describe(options)
  local parts = {}
  for _, word in ipairs(words) do
    local value = options[word[1]]
    if value ~= nil and value ~= "both" and not (word[1] == "detect" and value == 0) then
      parts[#parts + 1] = word[2]:format(word[3](value))
    end
  end
  return table.concat(parts, ", ")
end

--- Check a failure and work out what it comes down to.
-- @tparam Simulation sim
-- @tparam string kind degrade, fail, repair, storm or slow
-- @param which link or node, see M.target
-- @tparam ?table options
-- @treturn table `calls` (list of `{ method, argument }` of the core), and what it is in words:
-- `at_ps`, `kind`, `name` (of what fails), `detail`
function M.plan(sim, kind, which, options)
  local o = check.options(kind, options, rules[kind])
  local fabric, now_ps = sim.fabric, sim:now_ps()
  if kind == "slow" and type(which) == "number" then which = fabric:host(which) end
  local target = M.target(fabric, which)
  local start_ps = o.at or now_ps
  if start_ps < now_ps then
    fail.raise("%s: option 'at': expected at least the present, %s, got %s", kind,
      units.format_time(now_ps), units.format_time(start_ps))
  end
  local plan = {
    kind = kind, target = target, options = o, calls = {}, at_ps = start_ps, name = target.name,
    foreign = sim.core:config().compat ~= "none", detail = describe(o),
  }
  wants(plan, not target.node or not o.direction or o.direction == "both",
    "option 'direction': expected a link, got a node")
  makers[kind](plan, start_ps, fabric)
  return plan
end

return M
