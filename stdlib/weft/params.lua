--- Parameters of a script, declared once: the command line, its checks and its `--help`.
-- @module weft.params
-- @usage
-- local args = weft.params {
--   name = "gray", brief = "AllReduce with degraded GPUs.",
--   { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
--   { name = "size", type = "bytes", default = "16MiB", help = "of the buffer" },
-- }
-- print(args.cc, args.size)

local argparse = require "argparse"
local check = require "weft.check"
local fail = require "weft.fail"
local simulation = require "weft.simulation"
local units = require "weft.units"

local M = {}

-- What every script takes beside its own.
local common = {
  { name = "seed", type = "integer", default = 1, min = 0, max = 2 ^ 53,
    help = "of all randomness" },
  { name = "format", choices = { "table", "csv", "json" }, default = "table",
    help = "of what is printed" },
  { name = "out", type = "string", help = "folder for results" },
  { name = "quiet", type = "boolean", help = "no progress" },
  { name = "set", type = "setting",
    help = "an option of a simulation, such as buffer=4MiB; repeatable" },
}

-- These change nothing in the results.
local presentation = { format = true, out = true, quiet = true, explain = true }

local declaration_rule = {
  name = { type = "string", required = true },
  brief = { type = "string", default = "" },
  out = { type = "any" },
  format = { type = "enum", choices = { "table", "csv", "json" }, default = "table" },
}

local parameter_rule = {
  name = { type = "string", required = true },
  type = { type = "enum", default = "string",
    choices = { "string", "integer", "number", "boolean", "bytes", "rate", "time", "setting" } },
  choices = { type = "list" },
  default = { type = "any" },
  min = { type = "number" },
  max = { type = "number" },
  help = { type = "string", default = "" },
  required = { type = "boolean", default = false },
  engine = { type = "boolean", default = false },
}

-- Times leave in seconds: everything that takes a time reads a bare number so.
local PS_PER_S = 1e12

local function flag_of(parameter)
  return "--" .. parameter.name:gsub("_", "-")
end

-- A parameter that is an option of the core has its choices, so that no list of them ages.
local function with_choices(parameter)
  if not parameter.engine then return parameter end
  local rule = simulation.engine_rules()[parameter.name]
  if not (rule and rule.choices) then
    fail.raise("params: '%s' is no engine option with choices", parameter.name)
  end
  parameter.choices = rule.choices
  return parameter
end

local function split_declaration(declaration)
  if type(declaration) ~= "table" then
    fail.raise("params: expected a table, got %s", fail.show(declaration))
  end
  local parameters, taken, listed, named = {}, {}, check.apart("params", declaration)
  local head = check.options("params", named, declaration_rule)
  local function add(given)
    local parameter = check.options("params: parameter " .. #parameters + 1, given, parameter_rule)
    if taken[parameter.name] then fail.raise("params: '%s' is declared twice", parameter.name) end
    taken[parameter.name] = true
    parameters[#parameters + 1] = with_choices(parameter)
  end
  for _, given in ipairs(listed) do add(given) end
  for _, given in ipairs(common) do
    if not (given.name == "out" and head.out == false) then add(given) end
  end
  return head, parameters
end

-- The option's text in argparse. Values stay text: they are converted below, all in one way.
local function declare(parser, parameter, default)
  local flag = flag_of(parameter)
  if parameter.type == "boolean" then
    parser:flag(flag, parameter.help):target(parameter.name)
    return
  end
  local option = parser:option(flag, parameter.help):target(parameter.name)
  option:argname(parameter.choices and "<" .. table.concat(parameter.choices, "|") .. ">"
    or parameter.type == "setting" and "<option=value>" or "<" .. parameter.type .. ">")
  if parameter.type == "setting" then option:count("*") end
  if default ~= nil then option:default(tostring(default)) end
end

-- Hexadecimal is for people; a file has none.
local function number_of(text)
  local is_hexadecimal = #text < 15 and text:find("^%-?0[xX]%x+$")
  return is_hexadecimal and tonumber(text) or units.number(text)
end

local function convert_settings(texts, what, place, complain)
  local settings, rules = {}, simulation.engine_rules()
  for _, text in ipairs(texts) do
    local name, value = text:match("^([%w_]+)=(.+)$")
    if not name then complain("expected option=value, got " .. fail.show(text)) end
    local given = number_of(value) or value
    if value == "true" or value == "false" then given = value == "true" end
    fail.blame(place, what, check.options, text, { [name] = given }, rules)
    settings[name] = given
  end
  return settings
end

local function convert(parameter, text, place)
  local what = "option " .. flag_of(parameter)
  local function complain(message) fail.at(place, "%s: %s", what, message) end
  if parameter.type == "boolean" then return text == true end
  if parameter.type == "setting" then return convert_settings(text or {}, what, place, complain) end
  if text == nil then
    if parameter.required then complain("is missing") end
    return nil
  end
  local rule = { type = parameter.type, min = parameter.min, max = parameter.max }
  local value = text
  if parameter.choices then
    rule = { type = "enum", choices = parameter.choices }
  elseif rule.type == "integer" or rule.type == "number" then
    value = number_of(text) or text
  end
  -- The mistake is on the command line, not in the line of the script that reads it.
  local result = fail.blame(place, nil, check.value, what, value, rule)
  return rule.type == "time" and result / PS_PER_S or result
end

local Arguments = {}

local unit_suffix = { bytes = "_bytes", rate = "_bps", time = "_s" }

--- The parameters that decide the results: all but where and how these are shown.
-- @treturn table by name; quantities have their unit at the end of the name, such as `size_bytes`
function Arguments:parameters()
  local copy, types = {}, getmetatable(self).types
  local function add(name, value)
    if not presentation[name] then copy[name .. (unit_suffix[types[name]] or "")] = value end
  end
  for name, value in pairs(self) do add(name, value) end -- order-free: a copy
  for name in pairs(getmetatable(self).aside) do -- order-free: a copy
    if not presentation[name] then add(name, self[name]) end
  end
  return copy
end

--- Call a function whose user errors are mistakes on the command line.
-- @tparam ?string name the parameter that is to blame; nil if it may be several
-- @tparam function f
-- @return what f returns
-- @usage local fabric = args:blame("topology", weft.topology.from_file, args.topology)
function Arguments:blame(name, f, ...)
  return fail.blame(getmetatable(self).place, name and "option " .. flag_of { name = name }, f, ...)
end

-- What every script takes, and this one may have no use for: given on the command line, until the
-- script asks for it.
local MAY_BE_UNREAD = { out = true, seed = true, format = true, set = true, quiet = true }
local unread, script_name = {}, nil

--- What the command line asked for and the script did not, or nil; for the end of the script.
-- @treturn ?string
function M.unread()
  for _, name in ipairs { "seed", "set", "format", "out", "quiet" } do
    if unread[name] ~= nil then
      return ("%s: option --%s had no effect: the script asks for no args.%s"):format(script_name,
        name, name)
    end
  end
  return nil
end

local function strict(args, parameters, place)
  local names, declared, types = {}, {}, {}
  for i, parameter in ipairs(parameters) do
    names[i] = parameter.name
    declared[parameter.name] = true
    types[parameter.name] = parameter.type
  end
  local aside = {} -- so that asking for them is seen
  for name in pairs(MAY_BE_UNREAD) do -- order-free: moved one by one
    if name == "out" or unread[name] then aside[name], args[name] = args[name], nil end
  end
  return setmetatable(args, {
    types = types, place = place, aside = aside,
    __index = function(_, name)
      if declared[name] and MAY_BE_UNREAD[name] then
        unread[name] = nil
        return aside[name]
      end
      if Arguments[name] then return Arguments[name] end
      if declared[name] then return nil end
      fail.raise("the script has no parameter '%s'%s", tostring(name),
        fail.hint(tostring(name), names))
    end,
  })
end

-- argparse puts its suggestion on a second line.
local function one_line(message)
  return (message:gsub("\nDid you mean", "; did you mean"):gsub("\n", " "))
end

--- Read the command line in the global `arg`. `--help` prints the parameters and ends the program;
-- a mistake is a user error.
-- @tparam table declaration `name`, `brief`, `out` (default folder for results; false if the script
-- writes none), `format` (default of what is printed: table), and a list of parameters: `name`,
-- `type` (string, integer, number, boolean, bytes,
-- rate, time), `choices`, `default`, `min`, `max`, `help`, `required`, `engine` (true: choices are
-- those of the core option of this name)
-- @treturn table values by name; numbers in bytes, bit/s, seconds
function M.read(declaration)
  local head, parameters = split_declaration(declaration)
  local parser = argparse(head.name, head.brief)
  parser:help_max_width(100):usage_max_width(100):help_description_margin(34)
  for _, parameter in ipairs(parameters) do
    local default = parameter.default
    if parameter.name == "out" then default = head.out or "results/" .. head.name end
    if parameter.name == "format" then default = head.format end
    declare(parser, parameter, default)
  end
  local line = {}
  for _, text in ipairs(rawget(_G, "arg") or {}) do
    -- argparse takes a number below 0 for an option of its own.
    local is_value = text:find "^%-%.?%d" and (line[#line] or ""):find "^%-%-[^=]+$"
    if is_value then line[#line] = line[#line] .. "=" .. text else line[#line + 1] = text end
  end
  -- argparse does not say which argument is too many.
  parser:argument("rest"):args("*"):hidden(true)
  local good, result = parser:pparse(line)
  if not good then fail.at(head.name, "%s", one_line(result)) end
  if result.rest[1] then
    fail.at(head.name, "expected options only, got %s", fail.show(result.rest[1]))
  end
  local args = {}
  for _, parameter in ipairs(parameters) do
    args[parameter.name] = convert(parameter, result[parameter.name], head.name)
  end
  unread, script_name = {}, head.name
  for _, text in ipairs(line) do
    local name = text:match "^%-%-([%w-]+)"
    if name and MAY_BE_UNREAD[name] then unread[name] = true end
  end
  return strict(args, parameters, head.name)
end

return M
