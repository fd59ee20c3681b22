--- Checked option tables: types, ranges, units; an unknown key is an error that names the nearest.
local core = require "weft.core"
local fail = require "weft.fail"
local units = require "weft.units"
local util = require "weft.util"

local check = {}

local QUANTITIES = { time = true, rate = true, bytes = true }

local FORMATTERS = {
  time = units.format_time,
  rate = units.format_rate,
  bytes = units.format_bytes,
}

local ARTICLES = {
  integer = "a whole number",
  number = "a number",
  string = "text",
  boolean = "true or false",
  table = "a table",
  ["function"] = "a function",
}

-- Types of rules.
local RULES = {
  number = true, integer = true, string = true, boolean = true, table = true, list = true,
  ["function"] = true, rate = true, time = true, bytes = true, enum = true, any = true,
}

local function show_limit(kind, limit)
  return (FORMATTERS[kind] or fail.show)(limit)
end

--- "expected 1 to 64", "expected at least 1 bit/s", ...
local function range_text(rule)
  if rule.min and rule.max then
    return ("%s to %s"):format(show_limit(rule.type, rule.min), show_limit(rule.type, rule.max))
  elseif rule.min then
    return "at least " .. show_limit(rule.type, rule.min)
  end
  return "at most " .. show_limit(rule.type, rule.max)
end

-- The last number in a table, the first below it that is missing, and a key that is no place of a
-- list, as 0 and names are; `n` as table.pack has it is none. `#` of a list with nil in it may be
-- any of the places before a nil, another one on each virtual machine.
local function measure(list)
  local last, count, stray = 0, 0, nil
  for key in pairs(list) do -- order-free: a largest, a count and a least
    if type(key) == "number" and key >= 1 and key % 1 == 0 and key < math.huge then
      last, count = math.max(last, key), count + 1
    elseif key ~= "n" then
      local shown = fail.show(key)
      if not stray or shown < stray then stray = shown end
    end
  end
  if list.n ~= nil and list.n ~= last then stray = stray or fail.show "n" end
  if count == last then return last, nil, stray end
  local hole = 1
  while list[hole] ~= nil do hole = hole + 1 end
  return last, hole, stray
end

-- What is wrong with a value that is to be a list; nil if nothing is.
local function wrong_list(value)
  if type(value) ~= "table" then return "expected a list, got " .. fail.show(value) end
  local last, hole, stray = measure(value)
  if hole then
    return ("expected a list without holes, got nil as number %.0f of %.0f"):format(hole, last)
  end
  if not stray or getmetatable(value) then return nil end
  if last == 0 then return ("expected a list, got a table with %s in it"):format(stray) end
  return ("expected a list, whose elements are numbered from 1, got one with %s too"):format(stray)
end

--- Convert one value by its rule; nil and the reason if it does not fit.
local function convert(value, rule)
  local kind = rule.type
  if kind == "any" then return value end
  for _, choice in ipairs(rule.choices or {}) do
    if value == choice then return value end
  end
  if QUANTITIES[kind] then
    local result, reason = units.convert(value, kind)
    if reason and rule.choices then
      local hint = type(value) == "string" and fail.hint(value, rule.choices) or ""
      if not hint:find("did you mean", 1, true) then hint = "" end
      reason = ("%s; or one of: %s%s"):format(reason, table.concat(rule.choices, ", "), hint)
    end
    return result, reason
  end
  if kind == "enum" then
    local hint = type(value) == "string" and fail.hint(value, rule.choices) or ""
    if hint:find("did you mean", 1, true) or hint == "" then
      hint = ("; expected one of: %s%s"):format(table.concat(rule.choices, ", "), hint)
    end
    return nil, "got " .. fail.show(value) .. hint
  end
  if kind == "integer" then
    -- Not math.abs: of the least integer of Lua 5.4 it is that integer.
    local fits = type(value) == "number" and value >= -2 ^ 53 and value <= 2 ^ 53
    if not fits or value % 1 ~= 0 then
      return nil, "expected a whole number, got " .. fail.show(value)
    end
    return util.integer(value)
  end
  if kind == "list" then
    local reason = wrong_list(value)
    return not reason and value or nil, reason
  end
  local endless = value == math.huge or value == -math.huge
  if type(value) ~= kind or value ~= value or endless then
    return nil, ("expected %s, got %s"):format(ARTICLES[kind] or kind, fail.show(value))
  end
  return value
end

--- Check one value against a rule as in check.options.
-- @tparam string what name of the value in messages
-- @param value
-- @tparam table rule
-- @return the value, quantities in the core's unit
function check.value(what, value, rule)
  if type(what) ~= "string" or type(rule) ~= "table" or not RULES[rule.type] then
    fail.raise("check.value: expected a name, a value and a rule with a type, got %s and %s",
      fail.show(what), type(rule) == "table" and "the type " .. fail.show(rule.type)
      or fail.show(rule))
  end
  local result, reason = convert(value, rule)
  if reason then fail.raise("%s: %s", what, reason) end
  local is_word = QUANTITIES[rule.type] and type(result) == "string"
  if is_word then return result end
  if (rule.min and result < rule.min) or (rule.max and result > rule.max) then
    local shown = type(value) == "number" and show_limit(rule.type, result) or fail.show(value)
    fail.raise("%s: expected %s, got %s", what, range_text(rule), shown)
  end
  return result
end

-- ---- what a function takes ----

-- While rules are asked for: what check.options is given first goes here.
local asked

--- The rules of the options that a function takes, without doing what it does: it is called, and
-- ends where it checks its options, which all functions do before anything else.
-- @tparam function f
-- @param ... its arguments, the options being an empty table
-- @treturn ?table rules as for check.options
function check.rules_of(f, ...)
  if type(f) ~= "function" then
    fail.raise("check.rules_of: expected a function, got %s", fail.show(f))
  end
  asked = {}
  pcall(f, ...)
  local rules = asked.rules
  asked = nil
  return rules
end

--- Whether a function is only asked for its rules: what it checks before its options is not there.
-- @treturn boolean
function check.is_asked() return asked ~= nil end

-- ---- arguments that are no options ----

local function is_number(value) return type(value) == "number" and value == value end

-- The first place of a list that holds no number.
local function no_number(list)
  for i = 1, #list do
    if type(list[i]) ~= "number" then return i end
  end
  return nil
end

local KINDS = {
  number = { is_number, "a number" },
  text = { function(value) return type(value) == "string" end, "text" },
  list = { nil, "a list" },
  numbers = { nil, "a list of numbers" },
  table = { function(value) return type(value) == "table" end, "a table" },
  ["function"] = { function(value) return type(value) == "function" end, "a function" },
  fabric = { function(value) return require("weft.fabric").is(value) end,
    "a fabric, as weft.topology.star gives" },
  report = { function(value) return require("weft.report").is(value) end,
    "a report, as weft.report.new gives" },
  simulation = {
    function(value)
      local is_simulation = getmetatable(value) == require("weft.simulation").methods
      return is_simulation and core._is_open(value.core)
    end,
    "an open simulation",
  },
}

--- Check an argument of a function: a value of the wrong kind is a mistake of the script.
-- @tparam string what "stats.mean"
-- @param value
-- @tparam string kind "number" (not nan), "text", "list" (without holes), "numbers" (a list of
-- them), "table",
-- "function", "fabric", "report" or "simulation"
-- @return the value
function check.argument(what, value, kind)
  if type(what) ~= "string" or not KINDS[kind] then
    fail.raise("check.argument: expected a name and a kind of argument%s, got %s and %s",
      fail.hint(tostring(kind), util.sorted_keys(KINDS)), fail.show(what), fail.show(kind))
  end
  if asked then return value end
  local is_kind, wanted = KINDS[kind][1], KINDS[kind][2]
  if is_kind and not is_kind(value) or type(value) ~= "table" and not is_kind then
    local closed = kind == "simulation" and tostring(value) == "closed simulation"
    fail.raise("%s: expected %s, got %s", what, wanted, closed and "a closed one"
      or fail.show(value))
  end
  local reason = not is_kind and wrong_list(value)
  if reason then fail.raise("%s: %s", what, reason) end
  local wrong = kind == "numbers" and no_number(value)
  if wrong then
    fail.raise("%s: expected %s, got %s as number %d", what, wanted, fail.show(value[wrong]), wrong)
  end
  return value
end

--- Take a table apart that is a list with named options beside it.
-- @tparam string what
-- @tparam table given
-- @treturn table the list
-- @treturn table the options
function check.apart(what, given)
  check.argument(what, given, "table")
  local list, named = {}, {}
  for key, value in pairs(given) do -- order-free: a copy
    if type(key) == "string" then named[key] = value else list[key] = value end
  end
  return check.argument(what, list, "list"), named
end

--- Check an options table and return a new one with defaults filled in.
--
-- `spec` maps each name to a rule: `type` ("number", "integer", "string", "boolean", "table",
-- "list" (without holes), "function", "rate", "time", "bytes", "enum" or "any"), `default`,
-- `required`, `min` and `max` (inclusive; for quantities in ps, bit/s, bytes), `choices` (enum; of
-- a quantity: words that may stand for it), `brief`.
-- Times come back in ps, rates in bit/s, sizes in bytes.
-- @tparam string what the function whose options these are, such as "topology.star"
-- @tparam ?table given
-- @tparam table spec
-- @treturn table
function check.options(what, given, spec)
  if type(what) ~= "string" or type(spec) ~= "table" then
    fail.raise("check.options: expected a name, options and a table of rules, got %s and %s",
      fail.show(what), fail.show(spec))
  end
  if asked then
    asked.rules = asked.rules or spec
    error(asked, 0)
  end
  if given == nil then given = {} end
  if type(given) ~= "table" then
    fail.raise("%s: expected a table of options, got %s", what, fail.show(given))
  end
  for _, key in ipairs(util.sorted_keys(given)) do
    if type(key) ~= "string" then
      fail.raise("%s: expected named options, got %s without a name", what, fail.show(given[key]))
    elseif not spec[key] then
      fail.raise("%s: unknown option '%s'%s", what, key, fail.hint(key, util.sorted_keys(spec)))
    end
  end
  local result = {}
  for name, rule in util.sorted_pairs(spec) do
    local value = given[name]
    if value == nil then value = rule.default end
    if value ~= nil then
      result[name] = check.value(("%s: option '%s'"):format(what, name), value, rule)
    elseif rule.required then
      fail.raise("%s: option '%s' is missing", what, name)
    end
  end
  return result
end

return check
