--- Values as text for people: tables with sorted keys, to a limited depth and length.
local units = require "weft.units"

local DEPTH_MAX = 3 -- tables within tables
local ITEMS_MAX = 40 -- of one table
local LINE_MAX = 80 -- a table that fits is one line

local function order(a, b)
  local type_a, type_b = type(a), type(b)
  if type_a ~= type_b then return type_a < type_b end
  if type_a == "number" or type_a == "string" then return a < b end
  return tostring(a) < tostring(b)
end

--- Keys behind the array part, sorted.
local function other_keys(value, length)
  local keys = {}
  for key in pairs(value) do -- order-free: sorted below
    local in_array = type(key) == "number" and key >= 1 and key <= length and key % 1 == 0
    if not in_array then keys[#keys + 1] = key end
  end
  table.sort(keys, order)
  return keys
end

local function quote(text)
  local short = #text > 200 and text:sub(1, 197) .. "..." or text
  return '"' .. short:gsub('[%c"\\]', function(char)
    if char == "\n" then return "\\n" end
    return char:find("%c") and ("\\%d"):format(char:byte()) or "\\" .. char
  end) .. '"'
end

local show

-- Quantities by the end of their names.
local UNITS = {
  { "_ps$", units.format_time }, { "_bytes$", units.format_bytes }, { "_bps$", units.format_rate },
}

local DIGITS = 6 -- of a fraction within a table

-- The value of a key: with its unit where the name has it, and -1 for a time that is not there.
local function show_named(key, value, depth, inside)
  for _, unit in ipairs(type(key) == "string" and type(value) == "number" and UNITS or {}) do
    if key:find(unit[1]) then return value < 0 and "-" or unit[2](value) end
  end
  return show(value, depth, inside)
end

-- A function by its signature; alone, with a line on what it does.
local function show_function(value, depth)
  local help = package.loaded["weft.help"]
  local good, signature, brief = pcall(help and help.line or error, value)
  if not good or not signature then return tostring(value) end
  return depth == 0 and signature .. "\n  " .. brief or signature
end

local function show_key(key)
  if type(key) == "string" and key:find("^[%a_][%w_]*$") then return key end
  return "[" .. (type(key) == "string" and quote(key) or tostring(key)) .. "]"
end

--- The items of a table as texts, the array part first.
local function items_of(value, depth, inside)
  local items, length = {}, #value
  for i = 1, math.min(length, ITEMS_MAX) do items[i] = show(value[i], depth + 1, inside) end
  if length > ITEMS_MAX then items[#items + 1] = ("... %d more"):format(length - ITEMS_MAX) end
  local keys = other_keys(value, length)
  for i = 1, math.min(#keys, ITEMS_MAX) do
    items[#items + 1] = show_key(keys[i]) .. " = "
      .. show_named(keys[i], value[keys[i]], depth + 1, inside)
  end
  -- Modules say what parts they load when they are asked for.
  local meta = getmetatable(value)
  local late = {}
  for _, name in ipairs(type(meta) == "table" and rawget(meta, "names") or {}) do
    if rawget(value, name) == nil then late[#late + 1] = name end
  end
  if #late > 0 then items[#items + 1] = "loaded when used: " .. table.concat(late, ", ") end
  if #keys > ITEMS_MAX then items[#items + 1] = ("... %d more"):format(#keys - ITEMS_MAX) end
  return items
end

local function show_table(value, depth, inside)
  if inside[value] then return "{ (itself) }" end
  if next(value) == nil then return "{}" end
  if depth >= DEPTH_MAX then return "{...}" end
  inside[value] = true
  local items = items_of(value, depth, inside)
  inside[value] = nil
  local line = "{ " .. table.concat(items, ", ") .. " }"
  if #line <= LINE_MAX and not line:find("\n") then return line end
  local margin = ("  "):rep(depth + 1)
  return "{\n" .. margin .. table.concat(items, ",\n" .. margin) .. "\n" .. ("  "):rep(depth) .. "}"
end

function show(value, depth, inside)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if kind == "function" then return show_function(value, depth) end
  if kind == "number" and depth > 0 and value % 1 ~= 0 and math.abs(value) < math.huge then
    return units.digits(value, DIGITS)
  end
  local meta = (kind == "table" or kind == "userdata") and getmetatable(value)
  local describes_itself = type(meta) == "table" and rawget(meta, "__tostring")
  if kind ~= "table" or describes_itself then
    local text = tostring(value)
    return depth > 0 and text:match "^[^\n]*" or text -- one line of what has several
  end
  return show_table(value, depth, inside)
end

--- A value as the prompt shows it: text as it is, tables spelled out.
-- @treturn string
local function inspect(value)
  if type(value) == "string" then return value end
  return show(value, 0, {})
end

return inspect
