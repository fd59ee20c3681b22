--- Values as text for people: tables with sorted keys, to a limited depth and length.

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
    items[#items + 1] = show_key(keys[i]) .. " = " .. show(value[keys[i]], depth + 1, inside)
  end
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
  if type(value) == "string" then return quote(value) end
  local meta = type(value) == "table" and getmetatable(value)
  local describes_itself = type(meta) == "table" and rawget(meta, "__tostring")
  if type(value) ~= "table" or describes_itself then return tostring(value) end
  return show_table(value, depth, inside)
end

--- A value as the prompt shows it: text as it is, tables spelled out.
-- @treturn string
local function inspect(value)
  if type(value) == "string" then return value end
  return show(value, 0, {})
end

return inspect
