--- Short names for nodes that stand in a row: "gpu0".."gpu31" share "gpu", so each needs its number
-- only, and the row is "gpu0-31" (with an en dash).
local format = require "weft.viz.format"

local names = {}

local DASH = "\226\128\147" -- en dash

--- What a list of names has in common.
-- Returns prefix, numbers when all are the same letters followed by a number; nil otherwise.
function names.common(list)
  local prefix, numbers
  numbers = {}
  for i, name in ipairs(list) do
    local letters, digits = name:match "^(.-)(%d+)$"
    if not letters or (prefix and letters ~= prefix) then return nil end
    prefix, numbers[i] = letters, tonumber(digits)
  end
  return prefix, numbers
end

--- Numbers as ranges: { 0, 1, 2, 5 } is "0-2, 5" (with an en dash).
function names.ranges(numbers)
  local sorted = {}
  for i, n in ipairs(numbers) do sorted[i] = n end
  table.sort(sorted)
  local parts, first = {}, 1
  for i = 1, #sorted do
    if sorted[i + 1] ~= sorted[i] + 1 then
      local text = ("%d"):format(sorted[first])
      if i > first then text = text .. DASH .. ("%d"):format(sorted[i]) end
      parts[#parts + 1] = text
      first = i + 1
    end
  end
  return table.concat(parts, ", ")
end

--- One line for a list of names: "gpu0-31", or "12 switches" when they have nothing in common.
-- @tparam table list names
-- @tparam string kind what to call them otherwise: "switch", "host", "NVSwitch"
function names.summary(list, kind)
  if #list == 1 then return list[1] end
  local prefix, numbers = names.common(list)
  local ranges = prefix and names.ranges(numbers)
  if ranges and not ranges:find ", .*, " then return prefix .. ranges end
  return format.count(#list, kind)
end

return names
