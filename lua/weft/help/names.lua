--- All that help can be asked for by a word, beside topics and the calls of the core: options,
-- values, columns, methods, functions. Collected from what weft itself checks and offers, so that
-- nothing has to be written down twice.
local core = require "weft.core"
local guard = require "weft.guard"
local source = require "weft.source"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local INDENT = "  "

-- Modules with classes that are no parts of `weft`, and loaded by methods.
local LATE = { "weft.compare", "weft.job_report", "weft.partitions", "weft.simulation" }

local FORMATS = { time = units.format_time, rate = units.format_rate, bytes = units.format_bytes }

local function value_text(kind, value)
  if type(value) == "number" then
    return FORMATS[kind] and FORMATS[kind](value) or ("%.10g"):format(value)
  end
  return tostring(value)
end

--- What an option may be: "time, at least 1 ps, default 1 us".
-- @tparam table rule as for weft.check.options
-- @treturn string
function M.rule_text(rule)
  local kind, parts = rule.type, {}
  parts[1] = kind ~= "enum" and kind or nil
  if rule.choices then
    local words = {}
    for i, choice in ipairs(rule.choices) do words[i] = tostring(choice) end
    parts[#parts + 1] = (kind ~= "enum" and "or " or "") .. table.concat(words, "|")
  end
  if rule.min and rule.max then
    parts[#parts + 1] = ("%s to %s"):format(value_text(kind, rule.min), value_text(kind, rule.max))
  elseif rule.min then
    parts[#parts + 1] = "at least " .. value_text(kind, rule.min)
  end
  if rule.required then parts[#parts + 1] = "required" end
  if type(rule.default) == "table" then
    parts[#parts + 1] = next(rule.default) == nil and "default none" or nil
  elseif rule.default ~= nil then
    parts[#parts + 1] = "default " .. value_text(kind, rule.default)
  end
  return table.concat(parts, ", ")
end

--- The options of a function, a line or two for each.
-- @tparam table rules
-- @treturn string
function M.rules_text(rules)
  local lines = {}
  for name, rule in util.sorted_pairs(rules) do
    lines[#lines + 1] = ("%s%-14s %s"):format(INDENT, name, M.rule_text(rule))
    if rule.brief then lines[#lines + 1] = INDENT:rep(9) .. rule.brief end
  end
  return table.concat(lines, "\n") .. "\n"
end

-- ---- classes and functions ------------------------------------------------------------------

-- What a module loads when it is first asked for it.
local function late_names(module)
  local meta = getmetatable(module)
  return type(meta) == "table" and meta.names or {}
end

--- Classes by the names of their objects: "sim" and so on.
-- @treturn table of `{ noun, class }`
function M.classes()
  local weft = require "weft"
  for _, part in ipairs(getmetatable(weft).names) do
    local module = weft[part]
    for _, name in ipairs(late_names(module)) do local _ = module[name] end
  end
  for _, module in ipairs(LATE) do require(module) end
  return guard.classes
end

local function is_public(name, value)
  local is_named = type(name) == "string" and name:find "^%a"
  if not is_named or type(value) ~= "function" then return false end
  local doc = source.doc(value)
  return not (doc and table.concat(doc.comment, "\n"):find "@local")
end

local function add_function(list, kind, name, f, class)
  local doc = source.doc(f)
  list[#list + 1] = {
    kind = kind, name = name, brief = doc and source.brief(doc) or "", value = f, class = class,
    more = doc and table.concat(doc.comment, " ") or "",
  }
end

local function add_methods(list)
  for receiver, entry in util.sorted_pairs(M.classes()) do
    for name, method in util.sorted_pairs(entry.class) do
      if is_public(name, method) then
        add_function(list, "method of a " .. entry.noun, receiver .. ":" .. name, method,
          entry.class)
      end
    end
  end
end

local function add_module(list, path, module)
  local seen = {}
  for name, value in pairs(module) do -- order-free: sorted below
    if is_public(name, value) then seen[name] = true end
  end
  for _, name in ipairs(late_names(module)) do seen[name] = true end
  for _, name in ipairs(util.sorted_keys(seen)) do
    local value, its = module[name], path .. "." .. name
    if type(value) == "function" then
      add_function(list, "function", its, value)
    else
      add_module(list, its, value)
    end
  end
end

local function add_functions(list)
  local weft = require "weft"
  for _, part in ipairs(getmetatable(weft).names) do
    if part ~= "core" then add_module(list, "weft." .. part, weft[part]) end
  end
  for _, name in ipairs { "compare", "params", "simulation" } do
    add_function(list, "function", "weft." .. name, weft[name])
  end
end

-- ---- options, values, columns ---------------------------------------------------------------

-- Defaults and briefs are the core's.
local function simulation_rules()
  local rules = {}
  for name, rule in util.sorted_pairs(source.options(require("weft").simulation) or {}) do
    rules[name] = {}
    for key, value in pairs(rule) do rules[name][key] = value end -- order-free: a copy
  end
  for _, option in ipairs(core.options()) do
    local rule = rules[option.name]
    if rule then rule.default, rule.needs = option.default, option.needs end
  end
  return rules
end

local function add_options(list)
  for name, rule in util.sorted_pairs(simulation_rules()) do
    list[#list + 1] = { kind = "option of a simulation", name = name, brief = rule.brief or "",
      rule = rule, more = "" }
    for _, choice in ipairs(rule.choices or {}) do
      list[#list + 1] = {
        kind = ("value of the option %s"):format(name), name = tostring(choice), option = name,
        brief = rule.brief or "", rule = rule, more = "", is_value = true,
      }
    end
  end
end

-- By the options of a method: what a failure or a run takes.
local function add_method_options(list)
  for receiver, entry in util.sorted_pairs(M.classes()) do
    for name, method in util.sorted_pairs(entry.class) do
      local rules = is_public(name, method) and source.options(method, entry.class) or {}
      for option, rule in util.sorted_pairs(rules) do
        list[#list + 1] = { kind = ("option of %s:%s"):format(receiver, name), name = option,
          brief = rule.brief or "", rule = rule, more = "", method = receiver .. ":" .. name }
      end
    end
  end
end

local columns

--- Columns of all tables, of all engines.
-- @treturn {table,...} `table`, `name`, `brief`, `type`
function M.columns()
  if columns then return columns end
  columns = {}
  local weft, seen = require "weft", {}
  for _, engine in ipairs(core.constants.engine) do
    local good, sim = pcall(weft.simulation, {
      topology = weft.topology.star { hosts = 2 }, engine = engine,
    })
    for _, name in ipairs(good and core.constants.table or {}) do
      local had, of = pcall(require("weft.results").table, sim.core, name, sim.fabric)
      for _, column in ipairs(had and of.columns or {}) do
        if not seen[name .. "." .. column.name] then
          seen[name .. "." .. column.name] = true
          columns[#columns + 1] = { table = name, name = column.name, brief = column.brief,
            type = column.type }
        end
      end
    end
    if good then sim:close() end
  end
  return columns
end

local function add_columns(list)
  for _, column in ipairs(M.columns()) do
    list[#list + 1] = { kind = ("column of sim:%s()"):format(column.table), name = column.name,
      brief = column.brief, more = column.type, column = column }
  end
end

local index

--- Everything, in a fixed order.
-- @treturn {table,...} `kind`, `name`, `brief`, `more` (text that is searched too), and by kind
-- `value`, `class`, `rule`, `column`
function M.all()
  if not index then
    index = {}
    add_options(index)
    add_methods(index)
    add_method_options(index)
    add_columns(index)
    add_functions(index)
  end
  return index
end

return M
