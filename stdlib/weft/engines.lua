--- Words for engines, as scripts, `--engine` and columns have them: an engine of the core, or one
-- with certain options.
--
-- | word | options |
-- |---|---|
-- | packet | `engine = "packet"` |
-- | accelerated | `engine = "packet", memoize = true, fast_forward = true` |
-- | fluid | `engine = "fluid"`, whose `dynamics` are "max-min" |
-- | fluid-cc | `engine = "fluid", dynamics = "cc"` |
-- | learned | `engine = "learned"`: fluid-cc, corrected by a model |
-- | ideal | `engine = "ideal"` |
-- @module weft.engines

local check = require "weft.check"
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

-- In the order in which they are told: from the most exact to the least.
local WORDS = {
  { name = "packet", core = "packet" },
  { name = "accelerated", core = "packet", accelerate = true },
  { name = "fluid-cc", core = "fluid-cc" },
  { name = "learned", core = "learned" },
  { name = "fluid", core = "fluid" },
  { name = "ideal", core = "ideal" },
}

M.DYNAMICS = { "max-min", "cc" }

-- The engine of the core for each of the fluid's dynamics.
local OF_DYNAMICS = { ["max-min"] = "fluid", cc = "fluid-cc" }

-- Names of the core's engines that are built in, by word: C has no hyphens in names.
local is_built = {}
for _, name in ipairs(core.constants.engine) do is_built[name] = true end
for _, word in ipairs(WORDS) do
  local name = word.core:gsub("-", "_")
  if not is_built[word.core] and is_built[name] then word.core = name end
end

local function core_name(name)
  local other = name:gsub("-", "_")
  return is_built[name] and name or other
end

--- The words, without those of engines that are not built in.
-- @treturn {string,...}
function M.words()
  local list = {}
  for _, word in ipairs(WORDS) do
    if is_built[word.core] then list[#list + 1] = word.name end
  end
  return list
end

local function find(name)
  for _, word in ipairs(WORDS) do
    if word.name == name and is_built[word.core] then return word end
  end
  return nil
end

--- Read a list of words.
-- @tparam string what the list is, for messages: "compare: engines"
-- @tparam string|{string,...} list text has commas between them: "packet,fluid"
-- @treturn {string,...} each once
function M.list(what, list)
  local words, seen = {}, {}
  if type(list) == "string" then
    local parts = {}
    for part in (list .. ","):gmatch "%s*(.-)%s*," do parts[#parts + 1] = part end
    list = parts
  end
  check.argument(what, list, "list")
  for _, name in ipairs(list) do
    if not find(name) then
      fail.raise("%s: no engine %s%s", what, fail.show(name), fail.hint(tostring(name), M.words()))
    elseif seen[name] then
      fail.raise("%s: '%s' is there twice", what, name)
    end
    words[#words + 1], seen[name] = name, true
  end
  if #words == 0 then
    fail.raise("%s: expected words of %s, got none", what, table.concat(M.words(), ", "))
  end
  return words
end

-- Make options of a simulation those of the core: `engine` a name of it, `dynamics` none. `config`
-- is as checked, and is changed.
function M._resolve(config)
  local name, dynamics = config.engine or "packet", config.dynamics
  config.dynamics = nil
  if dynamics then
    if name ~= "fluid" and name ~= "fluid-cc" then
      fail.raise("simulation: option 'dynamics': engine '%s' has none; expected engine = 'fluid'",
        name)
    elseif name == "fluid-cc" and dynamics ~= "cc" then
      fail.raise("simulation: option 'dynamics': engine 'fluid-cc' has 'cc', got '%s'; expected"
        .. " engine = 'fluid'", dynamics)
    end
    name = core_name(OF_DYNAMICS[dynamics])
    if not is_built[name] then
      fail.raise("simulation: option 'dynamics': '%s' is not built in", dynamics)
    end
    config.engine = name
  end
  local word = find(name)
  if word then config.engine = word.core end
  if not (word and word.accelerate) then return end
  if config.memoize == false and config.fast_forward == false then
    fail.raise("simulation: engine 'accelerated' has memoize, fast_forward or both, and both are"
      .. " false; expected engine = 'packet'")
  end
  if config.memoize == nil then config.memoize = true end
  if config.fast_forward == nil then config.fast_forward = true end
end

--- The word for what a simulation runs on.
-- @tparam Simulation sim
-- @treturn string
function M.word_of(sim)
  check.argument("engines.word_of", sim, "simulation")
  local config = sim.core:config()
  local is_accelerated = config.memoize or config.fast_forward
  if config.engine == "packet" and is_accelerated then return "accelerated" end
  return (config.engine:gsub("_", "-"))
end

local needs

-- What an option needs of an engine, by name.
local function need_of(name)
  if not needs then
    needs = { ecn_by_rate = "cc", memo = "accelerate", spans = "accelerate" }
    for _, option in ipairs(core.options()) do needs[option.name] = option.needs end
  end
  return needs[name]
end

-- What is read with compat alone, and which words have which models of others.
local OF_COMPAT = { ack_priority = true, hpcc_int_multi = true }
local PACKETS = { ns3 = true, simai = true }
local COMPAT = {
  packet = PACKETS, ["fluid-cc"] = PACKETS, learned = PACKETS, fluid = { flowsim = true },
}

-- Whether an engine has a use for an option. What is accelerated has no compat: its events cannot
-- be foreseen.
local function takes(word, name, value, compat)
  local models, need = COMPAT[word.name] or {}, need_of(name)
  if name == "compat" then return value == "none" or models[value] == true end
  if OF_COMPAT[name] and not models[compat] then return false end
  return not need or core.engine_can(word.core, need)
end

--- Options for an engine: those given without what it has no use for, which it would refuse or call
-- without effect. For sets of options that serve several engines.
-- @tparam string word
-- @tparam table given options of a simulation; `engine` and `dynamics` are replaced, unless `set`,
-- whose options win over others, has an engine
-- @treturn table a copy with `engine`
-- @usage weft.simulation(weft.engines.fitting("ideal", { topology = net, compat = "ns3" }))
function M.fitting(word, given)
  check.argument("engines.fitting: options", given, "table")
  local set = type(given.set) == "table" and given.set or {}
  local name = set.engine or word
  if name == "fluid" and set.dynamics == "cc" then name = "fluid-cc" end
  local found = find(name)
  if not found then
    fail.raise("engines.fitting: no engine %s%s", fail.show(name),
      fail.hint(tostring(name), M.words()))
  end
  local compat = set.compat or given.compat
  local function fitting(part)
    local copy = {}
    for key, value in pairs(part) do -- order-free: a copy
      if takes(found, key, value, compat) then copy[key] = value end
    end
    copy.engine, copy.dynamics = nil, nil
    return copy
  end
  local copy = fitting(given)
  copy.engine = name
  if given.set == set then copy.set = fitting(set) end
  return copy
end

return guard.module("engines", M)
