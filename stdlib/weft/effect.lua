--- What had no effect, said once: options that the rest of the configuration leaves unread, threads
-- that were not used, skipping that skipped nothing.
-- @module weft.effect

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local notice = require "weft.notice"
local sharing = require "weft.sharing"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- ---- options ----

local function has_compat(config) return config.compat ~= "none", "without compat" end

local function has_pfc(config) return config.pfc, "with pfc = false" end

local function is_accelerated(config)
  return config.memoize or config.fast_forward, "without fast_forward or memoize"
end

local function looks_for_steady(config)
  local good, what = is_accelerated(config)
  if not good then return false, what end
  return config.theta ~= 0, "with theta = 0, by which nothing is steady"
end

local function has_no_compat(config)
  return config.compat == "none", ("with compat = '%s'"):format(config.compat)
end

local function has_window_cap(config)
  return config.fluid_cap == "window", ("with fluid_cap = '%s'"):format(config.fluid_cap)
end

-- Congestion controls that set a window, and not a rate of which one follows.
local WINDOWED = { reno = true, cubic = true, bbr = true }

local function has_own_window(config)
  return WINDOWED[config.cc], ("with cc = '%s'"):format(config.cc)
end

local function has_no_own_window(config)
  return not WINDOWED[config.cc], ("with cc = '%s'"):format(config.cc)
end

local function grows_slowly(config)
  return config.cc == "reno" or config.cc == "cubic", ("with cc = '%s'"):format(config.cc)
end

-- DCTCP and a constant rate read the round trip for their window alone.
local function reads_base_rtt(config)
  if config.engine == "fluid" then
    if config.fluid_cap ~= "window" then return has_window_cap(config) end
    return config.window == 0, "beside window"
  end
  if config.cc == "reno" or config.cc == "cubic" then return has_no_own_window(config) end
  if config.cc ~= "window" and config.cc ~= "dctcp" then return true end
  if config.window_mode == "none" then
    return false, ("with cc = '%s' and window_mode = 'none'"):format(config.cc)
  end
  return config.window == 0, ("with cc = '%s' beside window"):format(config.cc)
end

-- The models that compat stands for have no timer.
local function has_timer(config)
  return config.compat == "none",
    ("with compat = '%s', which has no time-outs"):format(config.compat)
end

-- The fluid with laws of its own goes back to what is lost, or does nothing.
local function repairs(config)
  if config.engine == "fluid-cc" and config.recovery == "selective" then
    return false, "with engine = 'fluid-cc', which goes back to what is lost"
  end
  return has_no_compat(config)
end

local function has_no_map(_, given) return given.ecn_by_rate == nil, "beside ecn_by_rate" end

local function draws_below_kmax(config, given)
  local good, what = has_no_map(config, given)
  if not good then return false, what end
  return config.ecn_kmin < config.ecn_kmax, "with ecn_kmin = ecn_kmax"
end

local function marks_below_kmax(config, given)
  local good, what = has_no_map(config, given)
  if not good then return false, what end
  return config.ecn_pmax > 0, "with ecn_pmax = 0"
end

local function scales_flows(config)
  return config.swift_fs_range > 0, "with swift_fs_range = 0"
end

local function has_headroom(config)
  local good, what = has_pfc(config)
  if not good then return false, what end
  return has_no_compat(config)
end

local function counts_acks(config)
  if config.engine == "fluid" then return config.fluid_acks, "without fluid_acks" end
  return has_no_compat(config)
end

-- What an option needs to be read at all: a function of the configuration and of what was given,
-- which gives whether it has that, and what it lacks.
local NEEDS = {
  rto = has_timer, give_up_after = has_timer,
  ack = counts_acks, recovery = repairs, base_rtt = reads_base_rtt,
  ecn_kmin = marks_below_kmax, ecn_kmax = has_no_map, ecn_pmax = draws_below_kmax,
  min_rate = function(config)
    return config.cc ~= "window" and not WINDOWED[config.cc], ("with cc = '%s'"):format(config.cc)
  end,
  window_mode = has_no_own_window, initial_window = has_own_window,
  hystart = grows_slowly, tcp_ecn = grows_slowly,
  int_header = function(config)
    return config.cc == "hpcc" or config.cc == "script", ("with cc = '%s'"):format(config.cc)
  end,
  hpcc_multi_rate = function(config)
    return config.engine ~= "fluid-cc", "with engine = 'fluid-cc', by which a flow has one rate"
  end,
  window = function(config)
    if config.engine == "fluid" then return has_window_cap(config) end
    return config.window_mode ~= "none", "with window_mode = 'none'"
  end,
  swift_fs_min_cwnd = scales_flows, swift_fs_max_cwnd = scales_flows,
  ack_priority = has_compat, hpcc_int_multi = has_compat,
  pfc_reserve = has_pfc, pfc_resume = has_pfc, pfc_headroom = has_headroom,
  theta = is_accelerated, steady_samples = looks_for_steady, steady_period = looks_for_steady,
  audit = looks_for_steady, spans = looks_for_steady,
}

local core_options

-- The core's option of that name, or nil.
local function option_of(name)
  if not core_options then
    core_options = {}
    for _, option in ipairs(core.options()) do core_options[option.name] = option end
  end
  return core_options[name]
end

-- What options that are not the core's need of an engine.
local ENGINE_NEEDS = { ecn_by_rate = "cc", spans = "accelerate" }

-- All reasons why an option is not read, the first of them.
local function lacking(name, config, given)
  local option = option_of(name)
  local needed = option and option.needs or ENGINE_NEEDS[name]
  local is_reported = option and option.is_reported
  if needed and not is_reported and not core.engine_can(config.engine, needed) then
    return ("with engine = '%s'"):format(config.engine)
  end
  if option and option.cc and option.cc ~= config.cc then
    return ("with cc = '%s'"):format(config.cc)
  end
  local need = NEEDS[name]
  if not need then return nil end
  local good, what = need(config, given)
  return not good and what or nil
end

--- Options without those of other congestion controls than the one in use, nor a round trip that
-- it does not read: for sets of parameters that serve several.
-- @tparam table options with `cc`
-- @treturn table a copy
function M.only(options)
  local copy = {}
  for name, value in pairs(options) do -- order-free: a copy
    local option = option_of(name)
    local is_of_other = option and option.cc and option.cc ~= options.cc
    if not is_of_other then copy[name] = value end
  end
  local is_window_given = (copy.window or 0) ~= 0
  if is_window_given and (copy.cc == "window" or copy.cc == "dctcp") then copy.base_rtt = nil end
  return copy
end

local function default_of(name)
  local option = option_of(name)
  return option and option.default
end

-- Values that come from files of other simulators, by option.
local accepted = {}

--- Take options of a file of another simulator as they are: it has some for all congestion
-- controls, and the script has not asked for them.
-- @tparam table options
function M.accept(options)
  for name, value in pairs(options) do -- order-free: a set
    accepted[name] = accepted[name] or {}
    accepted[name][tostring(value)] = true
  end
end

--- Whether a value came from such a file.
-- @tparam string name of an option
-- @param value
-- @treturn boolean
function M.is_accepted(name, value)
  return accepted[name] ~= nil and accepted[name][tostring(value)] == true
end

-- Say a list of options for each reason why they have no effect.
local function say_options(what, by_reason)
  for reason, names in util.sorted_pairs(by_reason) do
    local which = #names == 1 and ("option '%s' has"):format(names[1])
      or ("options %s have"):format(table.concat(names, ", "))
    notice.say("%s: %s: %s no effect %s", fail.place() or "script", what, which, reason)
  end
end

local function add(by_reason, reason, name)
  by_reason[reason] = by_reason[reason] or {}
  table.insert(by_reason[reason], name)
end

--- Say which of the options of a workload have no effect beside the others.
-- @tparam string what the workload
-- @tparam table given options as the script gave them
-- @tparam table options as weft.check made them
-- @tparam table rules those of weft.check
-- @tparam table needs of some options: a function that gets `setup`, and gives what keeps the
-- option from having an effect, such as "with tp = 1", or nil
-- @param setup
function M.of_work(what, given, options, rules, needs, setup)
  local by_reason = {}
  for _, name in ipairs(util.sorted_keys(given)) do
    local default = rules[name].default
    if default ~= nil then default = check.value(what, default, rules[name]) end
    local reason = needs[name] and options[name] ~= default and needs[name](setup)
    if reason then add(by_reason, reason, name) end
  end
  say_options(what, by_reason)
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
    -- Who names a congestion control means it, the default too.
    local is_asked = name == "cc" or default_of(name) == nil or config[name] ~= default_of(name)
    if what and is_asked and not M.is_accepted(name, given[name]) then
      if cc ~= config.cc then what = what:gsub("'script'", "'" .. cc .. "'") end
      add(by_reason, what, name)
    end
  end
  say_options("simulation", by_reason)
end

-- ---- threads ----

local WHY = {
  compat = "compat keeps the order of events of its model",
  script = "a congestion control in Lua runs on one",
  selective = "selective repeat and selective acknowledgement run on one",
  trace = "sim:trace_acks runs on one",
  routes = "links have been down",
  wires = "wires that lose or delay packets at random run on one",
  tasks = "tasks, and so collectives, run on one; with fast_forward or memoize they need not",
  fabric = "the fabric has no parts of like work with links between them",
  budget = "few events were allowed at a time",
  little = "too little happens at a time to pay for more",
  system = "the system gave no threads",
  engine = "the engine works with one",
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

-- Flows of one kind of work: those of each job, and those that were added one by one.
local function classes_of(sim)
  local classes, list, now_ps = {}, {}, sim:now_ps()
  for slice in sim:flows():slices() do
    local tags, fct = slice:column "tag", slice:column "fct_ps"
    local start, again = slice:column "start_ps", slice:column "retransmits"
    for i, tag in ipairs(tags) do
      local owner = sharing.owner(tag)
      local one = classes[owner]
      if not one then
        one = { owner = owner, flows = 0, longest_ps = 0, repaired = 0 }
        classes[owner], list[#list + 1] = one, one
      end
      local lasted = fct[i] >= 0 and fct[i] or math.max(0, now_ps - start[i])
      one.flows, one.longest_ps = one.flows + 1, math.max(one.longest_ps, lasted)
      if again[i] > 0 then one.repaired = one.repaired + 1 end
    end
  end
  table.sort(list, function(x, y) return x.owner < y.owner end)
  return list
end

-- More are counted.
local CLASSES_NAMED = 4

-- "job 1 (allreduce): 56 flows, none longer than 9.2 us", for each class.
local function class_texts(sim)
  local texts, classes = {}, classes_of(sim)
  for i, one in ipairs(classes) do
    if i > CLASSES_NAMED then
      texts[i] = ("%d more jobs"):format(#classes - CLASSES_NAMED)
      break
    end
    local job = sim.jobs[one.owner]
    local name = job and ("job %d (%s)"):format(one.owner, job.kind) or "flows of no job"
    local text = ("%s: %s, none longer than %s"):format(name, util.counted(one.flows, "flow"),
      units.format_time(one.longest_ps))
    if one.repaired > 0 then text = ("%s, %d repaired losses"):format(text, one.repaired) end
    texts[i] = text
  end
  return texts
end

-- Why the engine did not skip, by how often it came up.
local function refusals_of(done)
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
  return reasons
end

-- Once for a simulation; of simulations that differ in numbers alone, one says it.
local function say_skipping(sim, config, is_over)
  if not (config.fast_forward or config.memoize) or sim.said_skipping then return end
  local done = sim.core:acceleration()
  local reasons = refusals_of(done)
  local has_worked = sim.core:stats().flows_done > 0 or not is_over and #reasons > 0
  if done.events_skipped > 0 or not has_worked then return end
  sim.said_skipping = true
  local methods, none = {}, {}
  if config.fast_forward then methods[1], none[1] = "fast_forward", "no rates were steady" end
  if config.memoize then
    methods[#methods + 1], none[#none + 1] = "memoize", "no transient came again"
  end
  local what = table.concat(methods, " and ") .. " skipped nothing"
  if notice.knows(what) then return end
  local until_now = is_over and "" or " up to " .. units.format_time(sim:now_ps())
  local text = ("%s%s: %s; %s"):format(what, until_now,
    table.concat(#reasons > 0 and reasons or none, ", "), table.concat(class_texts(sim), "; "))
  notice.once((text:gsub("[%d.]+ ?[munp]?s?", "N")), "%s", text)
end

--- Say what had no effect in a run that has ended, or has stopped at a limit.
-- @tparam Simulation sim
-- @tparam boolean is_over nothing is left to happen
function M.of_run(sim, is_over)
  local config = sim.core:config()
  say_threads(sim)
  say_skipping(sim, config, is_over)
end

return M
