--- help(): topics, functions of the core from their manifest, other functions from the comment
-- above them in their source.
local core = require "weft.core"
local fail = require "weft.fail"
local guard = require "weft.guard"
local manifest = require "api.manifest"
local util = require "weft.util"

local help = {}

--- Names of topics, in the order to read them. Each but "options" is a module weft.help.NAME.
help.topics = {
  "overview", "prompt", "topology", "workload", "engines", "compare", "cc", "results", "failures",
  "geo",
  "config", "options",
}

local INDENT = "  "
local BRIEF_MAX = 76

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

--- The comment above line `number` of a file, without its dashes, and the line itself.
local function comment_above(path, number)
  local file = io.open(path)
  if not file then return nil end
  local comment, at = {}, 0
  for line in file:lines() do
    at = at + 1
    if at == number then
      file:close()
      return comment, line
    end
    local text = line:match("^%s*%-%-%-*%s?(.*)$")
    if not text then comment = {} else comment[#comment + 1] = text end
  end
  file:close()
  return nil
end

--- Help on a Lua function from its source; nil when there is none to read.
local function source_text(value)
  local info = debug.getinfo(guard.original(value), "S")
  local path = info.source:match("^@(.*)$")
  if not path then return nil end
  local comment, line = comment_above(path, info.linedefined)
  if not comment or #comment == 0 then return nil end
  local lines = { (line:gsub("^[%s%a]-function%s+", ""):gsub("^M%.", ""):gsub("%).*$", ")")) }
  for _, text in ipairs(comment) do lines[#lines + 1] = INDENT .. text end
  return table.concat(lines, "\n") .. "\n"
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

--- The first sentence about a function, cut to a line.
local function brief_of(value)
  local entry = entry_of(value)
  local text = entry and entry.brief or (source_text(value) or ""):match("\n(.*)$")
  if not text then return "function" end
  text = text:gsub("\n%s*@.*$", ""):gsub("%s+", " "):gsub("^ ", ""):gsub("%. .*$", ".")
  return #text > BRIEF_MAX and text:sub(1, BRIEF_MAX - 3) .. "..." or text
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

-- Classes whose methods are asked for as "sim:run": modules that have them as `methods`.
local CLASSES = { config = "weft.config", job = "weft.job", sim = "weft.simulation" }

--- "weft.topology.star", "topology.star" or "sim:run" as a value, or nil.
local function value_named(name)
  local class = CLASSES[name:match("^(%a+):")]
  local object = class and require(class).methods or require "weft"
  for part in name:gsub(class and "^%a+:" or "^weft%.", ""):gmatch("[^%.:]+") do
    local good, value = pcall(function() return object[part] end)
    if not good then return nil end
    object = value
  end
  return type(object) ~= "string" and object or nil
end

local function text_of_name(name)
  for _, topic in ipairs(help.topics) do
    if topic == name then return topic_text(topic) end
  end
  -- A script's sim and the core's, sim.core, both have "sim:run": the one that is meant first.
  local value, entry = value_named(name), entry_named(name)
  if value ~= nil then
    local text, hint = help.text(value)
    local other = entry and not entry_of(value)
    return text and text .. (other and "\n" .. function_text(entry) or ""), hint
  end
  if entry then return function_text(entry) end
  local names = {}
  for _, topic in ipairs(help.topics) do names[#names + 1] = topic end
  for _, other in ipairs(manifest.functions) do names[#names + 1] = other.name end
  for receiver, module in util.sorted_pairs(CLASSES) do
    for _, method in ipairs(sorted_names(require(module).methods)) do
      names[#names + 1] = receiver .. ":" .. method
    end
  end
  local near = fail.nearest(name, names)
  return nil, near and ("; did you mean '%s'?"):format(near)
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

--- The global `help` of the prompt.
function help.print(...)
  if select("#", ...) == 0 then
    io.write(topic_text("overview"))
    return
  end
  local subject = ...
  local text, hint = help.text(subject)
  if text then
    io.write(text)
  else
    local name = type(subject) == "string" and "'" .. subject .. "'" or "this " .. type(subject)
    io.write("no help on ", name, hint, "\n")
  end
end

return help
