--- help(): topics, functions of the core from their manifest, other functions from the comment
-- above them in their source.
local core = require "weft.core"
local fail = require "weft.fail"
local manifest = require "api.manifest"
local names = require "weft.help.names"
local source = require "weft.source"
local util = require "weft.util"

local help = {}

--- Names of topics, in the order to read them. Each but "options" is a module weft.help.NAME.
help.topics = {
  "overview", "prompt", "topology", "workload", "engines", "compare", "cc", "results", "failures",
  "geo", "learning", "config", "options",
}

local INDENT = "  "
local BRIEF_MAX = 76

-- A search for a word: lines shown at most, and letters that it must have.
local FOUND_MAX, FOUND_LETTERS = 30, 3

--- The options of the core as text.
local function options_text()
  local lines = {
    "Options of weft.simulation{}. Text with a unit (\"4MiB\", \"1us\", \"100Gbps\") or numbers in",
    "bytes, seconds, bit/s. Defaults here are as the core stores them: bytes, ps, bit/s.", "",
  }
  for _, option in ipairs(core.options()) do
    local default = option.default
    if type(default) == "number" then default = ("%.10g"):format(default) end
    local kind = option.choices and table.concat(option.choices, "|") or option.unit
    if option.choices and option.min then kind = option.unit .. "|" .. kind end
    lines[#lines + 1] = ("%s%-16s %s, default %s"):format(INDENT, option.name, kind,
      tostring(default))
    lines[#lines + 1] = INDENT:rep(3) .. option.brief
  end
  return table.concat(lines, "\n") .. "\n"
end

local function topic_text(name)
  if name == "options" then return options_text() end
  return require("weft.help." .. name)
end

--- "sim:flow_add(flow) -> flow" and what the manifest says about it.
local function function_text(entry)
  local lines = { manifest.signature(entry), INDENT .. entry.brief }
  if #entry.params > 0 then lines[#lines + 1] = "" end
  for _, param in ipairs(entry.params) do
    lines[#lines + 1] = ("%s%-12s %s, %s"):format(INDENT, param[1], param[2], param[3])
  end
  if entry.returns then
    lines[#lines + 1] = ""
    lines[#lines + 1] = ("%sReturns %s, %s."):format(INDENT, entry.returns[1], entry.returns[2])
  end
  if entry.example then
    lines[#lines + 1] = ""
    lines[#lines + 1] = INDENT .. "Example: " .. entry.example
  end
  lines[#lines + 1] = ("%sIn C: %s"):format(INDENT, entry.c)
  return table.concat(lines, "\n") .. "\n"
end

--- The manifest's entry for a function value, or nil. The overlay's methods count as the binding's.
local function entry_of(value)
  for _, entry in ipairs(manifest.functions) do
    local owner = entry.receiver == "sim" and core._sim.__index or core
    if owner[entry.name] == value then return entry end
  end
  return nil
end

local function entry_named(name)
  for _, entry in ipairs(manifest.functions) do
    local full = entry.receiver .. (entry.receiver == "sim" and ":" or ".") .. entry.name
    if name == entry.name or name == full or name == "weft." .. full then return entry end
  end
  return nil
end

-- The class that a method is of, by its value.
local function class_of(method)
  for _, entry in util.sorted_pairs(names.classes()) do
    for _, value in pairs(entry.class) do -- order-free: whether it is there
      if value == method then return entry.class end
    end
  end
  return nil
end

--- Help on a Lua function from its source, and on the options that it takes from their checks; nil
-- when there is none to read.
local function source_text(value)
  local doc = source.doc(value)
  if not doc then return nil end
  local lines = { doc.signature }
  for _, text in ipairs(doc.comment) do lines[#lines + 1] = INDENT .. text end
  local rules = source.options(value, class_of(value))
  local text = table.concat(lines, "\n") .. "\n"
  return rules and text .. "\nOptions:\n" .. names.rules_text(rules) or text
end

-- Names in a table, with those of parts that it loads when they are asked for.
local function sorted_names(object)
  local meta, seen = getmetatable(object), {}
  for name in pairs(object) do -- order-free: sorted next
    if type(name) == "string" and not name:find("^_") then seen[name] = true end
  end
  for _, name in ipairs(type(meta) == "table" and meta.names or {}) do seen[name] = true end
  return util.sorted_keys(seen)
end

local function cut(text)
  return #text > BRIEF_MAX and text:sub(1, BRIEF_MAX - 3) .. "..." or text
end

--- The first sentence about a function, cut to a line.
local function brief_of(value)
  local entry, doc = entry_of(value), source.doc(value)
  local text = entry and entry.brief or doc and source.brief(doc)
  return text and cut(text) or "function"
end

--- What a table holds, a line per name.
local function table_text(object)
  local lines = {}
  for _, name in ipairs(sorted_names(object)) do
    local value = object[name]
    local brief = type(value) == "function" and brief_of(value) or type(value)
    lines[#lines + 1] = ("%s%-18s %s"):format(INDENT, name, brief)
  end
  return #lines > 0 and table.concat(lines, "\n") .. "\n" or nil
end

-- A module of weft that is no part of it by name, as comments name them: "weft.ecn".
local function module_named(name)
  local good, module = pcall(require, name)
  return good and type(module) == "table" and module or nil
end

--- "weft.topology.star", "topology.star" or "sim:run" as a value, or nil.
local function value_named(name)
  local receiver = name:match("^(%a[%w_]*):")
  local class = receiver and names.classes()[receiver]
  if receiver and not class then return nil end
  local object = class and class.class or require "weft"
  for part in name:gsub(class and "^[%w_]+:" or "^weft%.", ""):gmatch("[^%.:]+") do
    local good, value = pcall(function() return object[part] end)
    if not good or value == nil then return module_named(name) end
    object = value
  end
  return type(object) ~= "string" and object or nil
end

-- Those of the index that have a name, or whose name ends with it behind a dot or a colon.
local function named(word)
  local list = {}
  for _, entry in ipairs(names.all()) do
    if entry.name == word or entry.name:match "[%.:]([%w_]+)$" == word then
      list[#list + 1] = entry
    end
  end
  return list
end

local function entry_text(entry)
  if entry.value then return help.text(entry.value) or "" end
  local lines = { ("%s: %s"):format(entry.name, entry.kind) }
  if entry.brief ~= "" then lines[#lines + 1] = INDENT .. entry.brief end
  if entry.rule then lines[#lines + 1] = INDENT .. names.rule_text(entry.rule) end
  local other = entry.is_value and entry.option or entry.method
    or entry.kind == "option of a simulation" and "options"
  if other then lines[#lines + 1] = ("%sSee also: help %q"):format(INDENT, other) end
  return table.concat(lines, "\n") .. "\n"
end

-- Texts on all that has a name, or of one kind of it.
local function text_of_named(word, kind)
  local parts, seen = {}, {}
  for _, entry in ipairs(named(word)) do
    local text = (not kind or entry.kind == kind) and entry_text(entry) or ""
    if not seen[text] and text ~= "" then
      seen[text] = true
      parts[#parts + 1] = text
    end
  end
  return #parts > 0 and table.concat(parts, "\n") or nil
end

local function mentions(text, word) return text:lower():find(word, 1, true) ~= nil end

--- Lines on all that mentions a word, or nil.
local function search(word)
  local lines, seen, more = {}, {}, 0
  word = word:lower()
  if not word:find "^%a[%w_]+$" or #word < FOUND_LETTERS then return nil end
  local function add(name, brief)
    if seen[name] then return end
    seen[name] = true
    if #lines < FOUND_MAX then
      lines[#lines + 1] = ("%s%-24s %s"):format(INDENT, name, cut(brief))
    else
      more = more + 1
    end
  end
  for _, topic in ipairs(help.topics) do
    if topic ~= "options" and mentions(topic_text(topic), word) then add(topic, "topic") end
  end
  for _, entry in ipairs(names.all()) do
    if mentions(entry.name, word) or mentions(entry.brief, word) or mentions(entry.more, word) then
      add(entry.name, entry.brief ~= "" and entry.brief or entry.kind)
    end
  end
  for _, entry in ipairs(manifest.functions) do
    if mentions(entry.name, word) or mentions(entry.brief, word) then
      add(entry.name, entry.brief)
    end
  end
  if #lines == 0 then return nil end
  if more > 0 then lines[#lines + 1] = ("%s... and %d more"):format(INDENT, more) end
  return ("'%s' is found in (help \"NAME\" tells more):\n%s\n"):format(word,
    table.concat(lines, "\n"))
end

--- All names that help.text takes, sorted.
-- @treturn {string,...}
function help.names()
  local seen = {}
  for _, topic in ipairs(help.topics) do seen[topic] = true end
  for _, entry in ipairs(manifest.functions) do seen[entry.name] = true end
  for _, entry in ipairs(names.all()) do seen[entry.name] = true end
  return util.sorted_keys(seen)
end

--- Columns of all tables, as weft.help.names has them.
help.columns = names.columns

local function text_of_name(name)
  for _, topic in ipairs(help.topics) do
    if topic == name then
      local option = text_of_named(name, "option of a simulation")
      return option and topic_text(topic) .. "\n" .. option or topic_text(topic)
    end
  end
  -- A script's sim and the core's, sim.core, both have "sim:run": the one that is meant first.
  local value, entry = value_named(name), entry_named(name)
  local text, hint
  if value ~= nil then
    text, hint = help.text(value)
    local other = entry and not entry_of(value)
    text = text and text .. (other and "\n" .. function_text(entry) or "")
  elseif entry then
    text = function_text(entry)
  end
  local found = not name:find "[%.:]" and text_of_named(name) or nil
  if text and found and text ~= found then text = text .. "\n" .. found end
  text = text or found
  if text then return text, hint end
  local near = fail.nearest(name, help.names())
  return search(name), near and ("; did you mean '%s'?"):format(near)
    or "; topics: " .. table.concat(help.topics, ", ")
end

--- Help on a topic, a name, a function, a module or an object.
-- @tparam any subject
-- @treturn ?string text that ends in a line end; nil when there is none
-- @treturn ?string then: the end of a message, with what might have been meant
function help.text(subject)
  local kind = type(subject)
  local text, hint
  if kind == "string" then
    text, hint = text_of_name(subject)
  elseif kind == "function" then
    local entry = entry_of(subject)
    text = entry and function_text(entry) or source_text(subject)
  elseif kind == "table" then
    local meta = getmetatable(subject)
    local class = type(meta) == "table" and rawget(meta, "__index")
    text = table_text(type(class) == "table" and class or subject)
  elseif getmetatable(subject) == core._sim then
    text = table_text(core._sim.__index)
  end
  return text, hint or "; topics: " .. table.concat(help.topics, ", ")
end

--- "star(options)" and what it is about, in a line; nil if nothing is known of the function.
-- @tparam function f
-- @treturn ?string signature
-- @treturn ?string brief
function help.line(f)
  local entry = entry_of(f)
  if entry then return manifest.signature(entry), cut(entry.brief) end
  local doc = source.doc(f)
  if doc then return doc.signature, cut(source.brief(doc)) end
  return nil
end

-- Show text: by a pager where a person reads it and it is longer than the terminal.
local function show(text)
  local good, host = pcall(require, "weft.host")
  local rows = good and host.terminal_rows()
  local _, lines = text:gsub("\n", "")
  local pager = os.getenv "PAGER" or "less -FRX"
  local program = pager:match "^[%w_./-]+"
  if not rows or lines < rows or not program then return io.write(text) end
  local there = os.execute("command -v " .. program .. " >/dev/null 2>&1")
  if there ~= true and there ~= 0 then return io.write(text) end
  local path = os.tmpname()
  util.write_file(path, text)
  os.execute(pager .. " " .. path)
  os.remove(path)
end

--- Help at the prompt: on a topic, a name as text ("sim:run", "rto", "fct_ps", any word), a
-- function, a module or an object.
function help.print(...)
  local subject = ...
  if select("#", ...) == 0 then subject = "overview" end
  local text, hint = help.text(subject)
  if text then
    show(text)
  else
    local name = type(subject) == "string" and "'" .. subject .. "'" or "this " .. type(subject)
    io.write("no help on ", name, hint, "\n")
  end
end

return help
