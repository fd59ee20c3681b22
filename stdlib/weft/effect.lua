--- What had no effect, said once: options that the rest of the configuration leaves unread, threads
-- that were not used, skipping that skipped nothing.
-- @module weft.effect

local core = require "weft.core"
local fail = require "weft.fail"
local notice = require "weft.notice"
local util = require "weft.util"

local M = {}

-- ---- options ----

local function uses_cc(name)
  return function(config) return config.cc == name, ("with cc = '%s'"):format(config.cc) end
end

local function has_compat(config) return config.compat ~= "none", "without compat" end

local function has_pfc(config) return config.pfc, "with pfc = false" end

local function is_accelerated(config)
  return config.memoize or config.fast_forward, "without fast_forward or memoize"
end

-- The models that compat stands for have no timer.
local function has_timer(config)
  return config.compat == "none",
    ("with compat = '%s', which has no time-outs"):format(config.compat)
end

local function has_no_map(_, given) return given.ecn_by_rate == nil, "beside ecn_by_rate" end

-- What an option needs to be read at all: a function of the configuration and of what was given,
-- which gives whether it has that, and what it lacks.
local NEEDS = {
  rto = has_timer, give_up_after = has_timer,
  ecn_kmin = has_no_map, ecn_kmax = has_no_map, ecn_pmax = has_no_map,
  min_rate = function(config) return config.cc ~= "window", "with cc = 'window'" end,
  int_header = function(config)
    return config.cc == "hpcc" or config.cc == "script", ("with cc = '%s'"):format(config.cc)
  end,
  window = function(config)
    return config.window_mode ~= "none", "with window_mode = 'none'"
  end,
  ack_priority = has_compat, hpcc_int_multi = has_compat,
  pfc_reserve = has_pfc, pfc_resume = has_pfc, pfc_headroom = has_pfc,
  theta = is_accelerated, steady_samples = is_accelerated, steady_period = is_accelerated,
  audit = is_accelerated, spans = is_accelerated,
}

-- Options of one congestion control begin with its name.
local CC_OPTIONS = { "dctcp", "hpcc", "dcqcn", "timely", "swift" }

-- All reasons why an option is not read, the first of them.
local function lacking(name, config, given)
  local prefix = name:match("^(%a+)_")
  for _, cc in ipairs(CC_OPTIONS) do
    if cc == prefix then
      local good, what = uses_cc(cc)(config)
      if not good then return what end
    end
  end
  local need = NEEDS[name]
  if not need then return nil end
  local good, what = need(config, given)
  return not good and what or nil
end

--- Options without those of other congestion controls than the one in use: for sets of parameters
-- that serve several.
-- @tparam table options with `cc`
-- @treturn table a copy
function M.only(options)
  local copy = {}
  for name, value in pairs(options) do -- order-free: a copy
    local prefix, other = name:match("^(%a+)_"), false
    for _, cc in ipairs(CC_OPTIONS) do other = other or cc == prefix and cc ~= options.cc end
    if not other then copy[name] = value end
  end
  return copy
end

local defaults

local function default_of(name)
  if not defaults then
    defaults = {}
    for _, option in ipairs(core.options()) do defaults[option.name] = option.default end
  end
  return defaults[name]
end

--- Say which of the options that a script gave have no effect. One that has its default anyway
-- changes nothing, wherever it is given.
-- @tparam table given options as the script gave them
-- @tparam table config the core's configuration
-- @tparam string cc as the script knows it
function M.of_options(given, config, cc)
  local by_reason = {}
  for _, name in ipairs(util.sorted_keys(given)) do
    local what = given[name] ~= 0 and lacking(name, config, given)
    if what and (default_of(name) == nil or config[name] ~= default_of(name)) then
      by_reason[what] = by_reason[what] or {}
      table.insert(by_reason[what], name)
    end
  end
  for what, names in util.sorted_pairs(by_reason) do
    if cc ~= config.cc then what = what:gsub("'script'", "'" .. cc .. "'") end
    local which = #names == 1 and ("option '%s' has"):format(names[1])
      or ("options %s have"):format(table.concat(names, ", "))
    notice.say("%s: simulation: %s no effect %s", fail.place() or "script", which, what)
  end
end

-- ---- threads ----

local WHY = {
  compat = "compat keeps the order of events of its model",
  script = "a congestion control in Lua runs on one",
  selective = "selective repeat runs on one",
  trace = "sim:trace_acks runs on one",
  routes = "links have been down",
  wires = "wires that lose or delay packets at random run on one",
  tasks = "tasks, and so collectives, run on one; with fast_forward or memoize they need not",
  fabric = "the fabric has no parts of like work with links between them",
  budget = "few events were allowed at a time",
  little = "too little happens at a time to pay for more",
  system = "the system gave no threads",
}

-- By names of enumerations of the core: for a test that none is without a text.
M.why_threads = WHY

--- How many threads a simulation was allowed, how many have worked at once, and why not more.
-- @tparam Simulation sim
-- @treturn table `{ asked, used, why, text }`; `why` is a name: "enough" if there is nothing to
-- say, and `text` is then nil
function M.threads(sim)
  local used, why = sim.core:threads_used()
  return { asked = sim.core:config().threads, used = used, why = why, text = WHY[why] }
end

local function say_threads(sim)
  local threads = M.threads(sim)
  if threads.asked < 2 or threads.used > 1 or not threads.text then return end
  notice.say("threads = %d had no effect: %s", threads.asked, threads.text)
end

-- ---- skipping ----

local REFUSALS = {
  paused = "a port was paused by PFC",
  buffer = "a switch was near a threshold of its buffer",
  lossy = "a wire loses or delays packets at random, or was down",
  recovery = "a flow repaired a loss",
  strays = "packets of flows before were on the way",
  trace = "every ACK is recorded",
  short = "a flow ended too soon",
  cut = "something known came before",
  match = "the pattern is too symmetric",
}

M.refusals = REFUSALS

local function say_skipping(sim, config)
  if not (config.fast_forward or config.memoize) then return end
  local done = sim.core:acceleration()
  if done.events_skipped > 0 or sim.core:stats().flows_done == 0 then return end
  local reasons = {}
  for _, why in ipairs(core.constants.refusal) do
    local count = done.refused[why]
    if count > 0 then
      reasons[#reasons + 1] = ("%s %d x"):format(REFUSALS[why] or why, count)
    end
  end
  if done.left_to_chance > 0 then
    reasons[#reasons + 1] = ("marks were drawn at random %d x"):format(done.left_to_chance)
  end
  local methods, none = {}, {}
  if config.fast_forward then methods[1], none[1] = "fast_forward", "no rates were steady" end
  if config.memoize then
    methods[#methods + 1], none[#none + 1] = "memoize", "no transient came again"
  end
  local method = table.concat(methods, " and ")
  notice.once(method .. " skipped nothing", "%s skipped nothing: %s", method,
    table.concat(#reasons > 0 and reasons or none, ", "))
end

--- Say what had no effect in a run that is over.
-- @tparam Simulation sim
function M.of_run(sim)
  local config = sim.core:config()
  say_threads(sim)
  say_skipping(sim, config)
end

return M
