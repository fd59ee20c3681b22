--- JSON text. Keys are sorted and numbers are the shortest text that reads back as the same number,
-- so the same value gives the same bytes on every Lua.
-- @module weft.json

local check = require "weft.check"
local fail = require "weft.fail"
local guard = require "weft.guard"

local M = {}

local array_mark = {}

--- Mark a table as a list, so that it is written as `[]` even when it is empty.
-- @tparam table list
-- @treturn table the same table
function M.array(list)
  check.argument("json.array", list, "list")
  return setmetatable(list, array_mark)
end

--- Text of a number: 17 digits only where fewer would read back as another number.
-- @tparam number value finite
-- @treturn string
function M.number(value)
  if type(value) ~= "number" or value ~= value or value == math.huge or value == -math.huge then
    fail.raise("json: expected a finite number, got %s", fail.show(value))
  end
  if value % 1 == 0 and value > -2 ^ 53 and value < 2 ^ 53 then return ("%.0f"):format(value) end
  for digits = 15, 17 do
    local text = ("%." .. digits .. "g"):format(value)
    if tonumber(text) == value then return text end
  end
end

local escapes = { ["\""] = "\\\"", ["\\"] = "\\\\", ["\n"] = "\\n", ["\t"] = "\\t", ["\r"] = "\\r" }

local function quote(text)
  return "\"" .. text:gsub("[%c\"\\\127]", function(c)
    return escapes[c] or ("\\u%04x"):format(c:byte())
  end) .. "\""
end

local function sorted_keys(value)
  local keys = {}
  for key in pairs(value) do -- order-free: sorted below
    if type(key) ~= "string" then fail.raise("json: expected text keys, got %s", fail.show(key)) end
    keys[#keys + 1] = key
  end
  table.sort(keys)
  return keys
end

local write

-- Members of a list or an object. With an indent each is on its own line.
local function write_members(out, open, close, members, indent, depth)
  local line = indent and "\n" .. indent:rep(depth + 1) or ""
  out[#out + 1] = open
  for i, member in ipairs(members) do
    out[#out + 1] = (i > 1 and "," or "") .. line
    if member.key then out[#out + 1] = quote(member.key) .. (indent and ": " or ":") end
    write(out, member.value, indent, depth + 1)
  end
  if #members > 0 and indent then out[#out + 1] = "\n" .. indent:rep(depth) end
  out[#out + 1] = close
end

local function write_table(out, value, indent, depth)
  local members = {}
  if #value > 0 or getmetatable(value) == array_mark then
    check.argument("json", value, "list")
    for i = 1, #value do members[i] = { value = value[i] } end
    write_members(out, "[", "]", members, indent, depth)
  else
    for i, key in ipairs(sorted_keys(value)) do members[i] = { key = key, value = value[key] } end
    write_members(out, "{", "}", members, indent, depth)
  end
end

function write(out, value, indent, depth)
  local kind = type(value)
  if kind == "table" then
    if out.inside[value] then fail.raise "json: cannot write a table that contains itself" end
    out.inside[value] = true
    write_table(out, value, indent, depth)
    out.inside[value] = nil
  elseif kind == "string" then
    out[#out + 1] = quote(value)
  elseif kind == "number" then
    out[#out + 1] = M.number(value)
  elseif kind == "boolean" then
    out[#out + 1] = tostring(value)
  else
    fail.raise("json: cannot write a %s", kind)
  end
end

--- Text of a value made of tables, strings, numbers and booleans.
-- @param value
-- @tparam[opt] string indent such as two spaces; without it all is on one line
-- @treturn string without a newline at its end
function M.encode(value, indent)
  if indent ~= nil then check.argument("json.encode: indent", indent, "text") end
  local out = { inside = {} }
  write(out, value, indent, 0)
  return table.concat(out)
end

return guard.module("json", M)
