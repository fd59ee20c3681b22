--- What the comment above a Lua function says of it, and what options the function takes.
local check = require "weft.check"
local guard = require "weft.guard"

local M = {}

local lines_of_file = {}

local function file_lines(path)
  if lines_of_file[path] == nil then
    local lines, file = {}, io.open(path)
    for line in file and file:lines() or function() end do lines[#lines + 1] = line end
    if file then file:close() end
    lines_of_file[path] = #lines > 0 and lines or false
  end
  return lines_of_file[path]
end

local docs = setmetatable({}, { __mode = "k" })

local function read(f)
  local info = debug.getinfo(f, "S")
  local path = info.source:match "^@(.*)$"
  local lines = path and file_lines(path)
  if not lines or not lines[info.linedefined] then return nil end
  local first = info.linedefined
  while first > 1 and lines[first - 1]:find "^%s*%-%-" do first = first - 1 end
  if first == info.linedefined then return nil end
  local comment = {}
  for i = first, info.linedefined - 1 do
    comment[#comment + 1] = lines[i]:match "^%s*%-%-%-*%s?(.*)$"
  end
  local line = lines[info.linedefined]
  return {
    comment = comment,
    signature = (line:gsub("^[%s%a]-function%s+", ""):gsub("^M%.", ""):gsub("%).*$", ")")),
  }
end

--- The comment above a function.
-- @tparam function f
-- @treturn ?table `signature`, `comment` (list of lines); nil when there is none to read
function M.doc(f)
  f = guard.original(f)
  if docs[f] == nil then docs[f] = read(f) or false end
  return docs[f] or nil
end

--- The text of a comment before its first tag, as one line.
-- @tparam table doc
-- @treturn string
function M.brief(doc)
  local text = table.concat(doc.comment, "\n"):gsub("^@[^\n]*", ""):gsub("\n%s*@.*$", "")
  return (text:gsub("%s+", " "):gsub("^ ", ""):gsub("([^%.])%. .*$", "%1."))
end

--- What a function returns first, by its comment: "Simulation".
-- @tparam function f
-- @treturn ?string
function M.returns(f)
  local doc = M.doc(f)
  for _, line in ipairs(doc and doc.comment or {}) do
    local name = line:match "^@treturn %??([%a]+)"
    if name then return name end
  end
  return nil
end

--- Names of the parameters of a function, without `self`.
-- @tparam function f
-- @treturn {string,...}
function M.parameters(f)
  f = guard.original(f)
  local names, info = {}, debug.getinfo(f, "S")
  if info.what == "C" then return names end
  for i = 1, math.huge do
    local name = debug.getlocal(f, i)
    if not name then return names end
    if name ~= "self" then names[#names + 1] = name end
  end
end

-- The place of the parameter that is a table of options, by the comment: "@tparam table options".
local function options_place(f)
  local doc, wanted = M.doc(f), nil
  for _, line in ipairs(doc and doc.comment or {}) do
    wanted = wanted or line:find "^@tparam%S* %??table options%f[%W]"
  end
  for i, name in ipairs(wanted and M.parameters(f) or {}) do
    if name == "options" then return i end
  end
  return nil
end

-- An object without state, whose methods are what they were before they were guarded.
local function ghost(class)
  return setmetatable({}, { __index = function(_, key)
    local value = class[key]
    return type(value) == "function" and guard.original(value) or value
  end })
end

-- "options as for sim:degrade": the function whose options they are, and its class.
local function other_function(f)
  local doc = M.doc(f)
  local receiver, name = table.concat(doc and doc.comment or {}, " "):match(
    "@tparam%S* %??table options as for (%a+):([%w_]+)")
  local entry = receiver and guard.classes[receiver]
  if not entry then return nil end
  return entry.class[name], entry.class
end

local known = setmetatable({}, { __mode = "k" })

local unpack = table.unpack or unpack

local function ask(f, class)
  local place = options_place(f)
  if not place then return nil end
  local arguments, has_self = {}, debug.getlocal(guard.original(f), 1) == "self"
  if has_self and not class then return nil end
  if has_self then
    arguments[1] = ghost(class)
    place = place + 1
  end
  arguments[place] = {}
  return check.rules_of(guard.original(f), unpack(arguments, 1, place))
end

--- The rules of the options that a function takes, which are those that it checks them by.
-- @tparam function f
-- @tparam[opt] table class whose method it is
-- @treturn ?table rules as for weft.check.options
-- @treturn ?number place of the table of options among the arguments
function M.options(f, class)
  if known[f] == nil then
    local other, other_class = other_function(f)
    known[f] = ask(other or f, other_class or class) or false
  end
  if not known[f] then return nil end
  return known[f], options_place(f)
end

return M
