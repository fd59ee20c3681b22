--- Words that may stand at the cursor: names, fields and methods; inside the table of a call its
-- options and their values; inside a string names of nodes and links, columns, topics of help.
-- What is offered continues the text so that it can still become a program.
local core = require "weft.core"
local fabric = require "weft.fabric"
local lexer = require "weft.complete.lexer"
local resolve = require "weft.complete.resolve"
local source = require "weft.source"
local util = require "weft.util"

local M = {}

-- Objects whose fields are looked through, from the object to what it inherits.
local INHERITED = 10

local compile = loadstring or load

--- Whether more text can make a program of this.
local function may_go_on(text)
  for _, before in ipairs { "", "return " } do
    local chunk, message = compile(before .. text)
    if chunk or message:find "near '?<eof>'?$" then return true end
  end
  return false
end

-- ---- what there is --------------------------------------------------------------------------

local function is_name(key) return type(key) == "string" and key:find "^%a[%w_]*$" ~= nil end

-- Whether the comment of a function says that it is not for scripts.
local function is_local(f)
  local doc = type(f) == "function" and source.doc(f)
  return doc and table.concat(doc.comment, "\n"):find "@local" ~= nil
end

local function each_key(object, f)
  for count = 1, INHERITED do
    if type(object) == "table" then
      for key, value in pairs(object) do -- order-free: the caller sorts
        f(key, value, count > 1)
      end
    end
    local meta = object ~= nil and getmetatable(object)
    if type(meta) ~= "table" then return end
    -- Modules that load their parts when asked say what these are.
    for _, key in ipairs(rawget(meta, "names") or {}) do f(key, nil, false) end
    object = rawget(meta, "__index")
    if type(object) ~= "table" then return end
  end
end

local function is_results(value)
  local results = package.loaded["weft.results"]
  return results ~= nil and results.is(value)
end

-- Names of methods behind a colon, or of fields behind a dot: an object's methods take a colon.
local function members(what, mark)
  local found, meta = {}, what.value ~= nil and getmetatable(what.value)
  local internal = type(meta) == "table" and rawget(meta, "_internal") or {}
  local function add(key, value, is_inherited)
    if not is_name(key) or internal[key] then return end
    local is_method = type(value) == "function"
    if mark == ":" and is_method and not is_local(value) then found[key] = true end
    if mark == "." and not (is_method and is_inherited) then found[key] = true end
  end
  local class = what.class or is_results(what.value) and package.loaded["weft.results"].methods
  if class then
    each_key(class, function(key, value) add(key, value, true) end)
  elseif what.value ~= nil then
    each_key(what.value, add)
  end
  return util.sorted_keys(found)
end

local function globals()
  local found = {}
  each_key(_G, function(key) if is_name(key) then found[key] = true end end)
  for _, word in ipairs(lexer.keywords) do found[word] = true end
  return util.sorted_keys(found)
end

-- Fabrics that a call is about: of its object, else all that globals hold.
local function fabrics_of(call)
  local function of(value)
    local good, found = pcall(function()
      return fabric.is(value) and value or type(value) == "table" and rawget(value, "fabric")
    end)
    return good and found and pcall(fabric.is, found) and fabric.is(found) and found or nil
  end
  local one = of(call and call.what.self)
  if one then return { one } end
  local list = {}
  for _, value in util.sorted_pairs(_G) do list[#list + 1] = of(value) end
  return list
end

local function names_in_fabrics(call)
  local found = {}
  for _, one in ipairs(fabrics_of(call)) do
    for _, node in ipairs(one.nodes) do found[node.name] = true end
    for _, link in ipairs(one.links) do found[link:name()] = true end
  end
  return util.sorted_keys(found)
end

-- ---- where the cursor is --------------------------------------------------------------------

-- The call whose arguments the cursor is among: the function, and the number of the argument;
-- inside its table of options also the key whose value is being written.
local function find_call(tokens)
  local depth, commas, i, in_table, key = 0, 0, #tokens, nil, nil
  while i >= 1 do
    local token = tokens[i]
    local text = token.kind == "op" and token.text
    if text == ")" or text == "]" or text == "}" then
      depth = depth + 1
    elseif text == "(" or text == "[" or text == "{" then
      if depth > 0 then
        depth = depth - 1
      elseif text == "[" then
        return nil
      else
        local what = resolve.ending_at(tokens, i - 1)
        if what.value ~= nil then
          return { what = what, argument = commas + 1, in_table = in_table or text == "{" and i,
            key = key }
        end
        if text == "(" then return nil end
        if in_table and not key then return nil end
        in_table, commas = in_table or i, 0
        key = tokens[i - 1] and tokens[i - 1].text == "=" and tokens[i - 2] and tokens[i - 2].text
          or key
      end
    elseif text == "," and depth == 0 then
      commas = commas + 1
    end
    i = i - 1
  end
  return nil
end

-- Options of the call that the cursor is in the table of.
local function rules_of(call)
  if not call or not call.in_table or type(call.what.value) ~= "function" then return nil end
  local what = call.what
  local class = what.class_of or type(what.self) == "table" and getmetatable(what.self)
    or package.loaded["weft.simulation"] and package.loaded["weft.simulation"].methods
  local rules = source.options(what.value, class)
  if not rules or (call.key and call.key ~= "set") then return nil end
  return rules
end

-- Keys that the table which the cursor is in has already.
local function given_keys(tokens, first)
  local given, depth = {}, 0
  for i = first + 1, #tokens do
    local text = tokens[i].kind == "op" and tokens[i].text
    if text == "{" or text == "(" or text == "[" then depth = depth + 1 end
    if text == "}" or text == ")" or text == "]" then depth = depth - 1 end
    if text == "=" and depth == 0 then given[tokens[i - 1].text] = true end
  end
  return given
end

local function keys_of(rules, tokens, call)
  local given, list = given_keys(tokens, call.in_table), {}
  for _, key in ipairs(util.sorted_keys(rules)) do
    if not given[key] then list[#list + 1] = key .. " = " end
  end
  return list
end

-- What may be the value of an option: its words, true or false.
local function values_of(rule, quote)
  local list = {}
  for i, choice in ipairs(rule and rule.choices or {}) do
    list[i] = quote .. tostring(choice) .. quote
  end
  if rule and rule.type == "boolean" and quote ~= "" then return { "true", "false" } end
  return list
end

-- ---- inside a string ------------------------------------------------------------------------

local function files(content)
  local host = package.loaded["weft.host"]
  local folder = content:match "^.*/" or ""
  local list = {}
  for _, name in ipairs(host and host.entries(folder == "" and "." or folder) or {}) do
    if not name:find "^%." then list[#list + 1] = folder .. name end
  end
  table.sort(list)
  return list
end

local function is_column(name) return name == "column" or name == "name" end

local function results_class()
  return package.loaded["weft.results"] and package.loaded["weft.results"].methods
end

-- Of a table, or of all that there are.
local function column_names(of)
  local found = {}
  if of ~= nil then
    for _, column in ipairs(of.columns) do found[column.name] = true end
    return util.sorted_keys(found)
  end
  for _, entry in ipairs(require("weft.help").columns()) do found[entry.name] = true end
  return util.sorted_keys(found)
end

-- What a text argument of a function may be, by the name of the parameter.
local function argument_words(call, content)
  local what = call.what
  local name = type(what.value) == "function" and source.parameters(what.value)[call.argument]
  if is_column(name) and (is_results(what.self) or what.class_of == results_class()) then
    return column_names(what.self)
  elseif name == "metric" then
    return core.constants.metric
  elseif name and (name:find "path$" or name:find "file$" or name == "folder") then
    return files(content)
  end
  return names_in_fabrics(call)
end

-- `open` is the string that the cursor is in.
local function string_words(tokens, open)
  local before = tokens[#tokens]
  local direct = resolve.ending_at(tokens, #tokens)
  if before and before.kind == "op" and before.text == "[" then
    return members(resolve.ending_at(tokens, #tokens - 1), ".")
  end
  local call = direct.value ~= nil and { what = direct, argument = 1 } or find_call(tokens)
  if not call then return names_in_fabrics(nil) end
  if call.what.value == require then
    local list = { "weft" }
    for _, name in ipairs(getmetatable(require "weft").names) do
      list[#list + 1] = "weft." .. name
    end
    return list
  elseif call.what.value == rawget(_G, "help") then
    return require("weft.help").names()
  elseif not call.in_table then
    return argument_words(call, open.content)
  end
  local rules = rules_of(call)
  local key = before and before.text == "=" and tokens[#tokens - 1].text
  local rule = rules and key and rules[key]
  if rule and rule.choices then return values_of(rule, "") end
  if key and key:find "file$" then return files(open.content) end
  return names_in_fabrics(call)
end

-- ---- candidates -----------------------------------------------------------------------------

local function last_is(tokens, ...)
  local last = tokens[#tokens]
  for i = 1, select("#", ...) do
    if last and last.kind == "op" and last.text == select(i, ...) then return true end
  end
  return false
end

-- What may stand behind the tokens.
local function words_behind(tokens)
  for _, mark in ipairs { ".", ":" } do
    if last_is(tokens, mark) then return members(resolve.ending_at(tokens, #tokens - 1), mark) end
  end
  local call = find_call(tokens)
  local rules = rules_of(call)
  if rules and last_is(tokens, "{", ",", ";") then return keys_of(rules, tokens, call), true end
  if rules and last_is(tokens, "=") then
    local list = values_of(rules[tokens[#tokens - 1].text], "\"")
    if #list > 0 then return list, true end
  end
  return globals(), false
end

local function beginning_with(typed, words)
  local list = {}
  for _, word in ipairs(words) do
    if word:sub(1, #typed) == typed then list[#list + 1] = word end
  end
  return list
end

--- What continues a text whose end is the cursor's place.
-- @tparam string text all of the input so far
-- @treturn string what the candidates begin with: the end of the text
-- @treturn {string,...} candidates
function M.at(text)
  local tokens, open = lexer.tokens(text)
  if open then
    if open.kind ~= "string" or not open.quote then return "", {} end
    local typed, list = open.content, {}
    if text:sub(-#typed - 1) ~= open.quote .. typed then return "", {} end -- with escapes
    for _, word in ipairs(beginning_with(typed, string_words(tokens, open))) do
      if not word:find "[%c\"'\\]" then list[#list + 1] = word end
    end
    if not may_go_on(text) then list = {} end
    if #list == 1 and not list[1]:find "/$" then list[1] = list[1] .. open.quote end
    return typed, list
  end
  local last = tokens[#tokens]
  local typed = ""
  if last and last.last == #text and (last.kind == "name" or last.kind == "keyword") then
    typed, tokens[#tokens] = last.text, nil
  elseif last and last.last == #text and (last.kind == "number" or last.kind == "string") then
    return "", {}
  end
  local words, is_known = words_behind(tokens)
  -- All globals are no answer to a question that was not asked.
  local is_member = last_is(tokens, ".", ":")
  if typed == "" and not is_known and not is_member then return "", {} end
  local head, list = text:sub(1, #text - #typed), {}
  if is_known and #beginning_with(typed, words) == 0 and typed ~= "" then words = globals() end
  for _, word in ipairs(beginning_with(typed, words)) do
    if may_go_on(head .. word) then list[#list + 1] = word end
  end
  return typed, list
end

return M
