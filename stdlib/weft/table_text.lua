--- Tables of results as text for people: the first rows and the last, with units and names instead
-- of numbers that stand for something. What a number stands for is read from the core's own
-- description of its column, so a new column needs no line here.
-- @module weft.table_text

local fail = require "weft.fail"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

-- Rows shown at each end of a table that has more than both and two.
local ENDS = 5

-- Characters of a line.
local WIDTH = 100

local NONE = "-"

local function count_text(value) return ("%.0f"):format(value) end

local function short(value)
  if value ~= value or value == math.huge or value == -math.huge then return fail.show(value) end
  return value % 1 == 0 and count_text(value) or units.digits(value, 4)
end

-- By the end of a name, which has the unit.
local UNITS = {
  { "_ps$", units.format_time }, { "_bytes$", units.format_bytes },
  { "_bps$", units.format_rate },
}

-- "0 waiting, 1 active, 2 done": the first word after each number; nil if a brief is no such list.
local function names_in(brief)
  local names, count = {}, 0
  for number, word in (", " .. brief):gmatch "[,:] (%d+) ([%a_]+)" do
    names[tonumber(number)] = word
    count = count + 1
  end
  return count > 1 and names or nil
end

--- What makes text of the values of a column.
-- @tparam table column `name`, `brief`, `type`
-- @treturn function
function M.formatter(column)
  if column.type == "string" then return tostring end
  local brief = column.brief or ""
  local none = tonumber(brief:match "(%-?%d+) if n") or tonumber(brief:match "(%-?%d+) before")
    or column.name:find "_ps$" and -1 or nil
  local names, is_flag = names_in(brief), brief:find "^1 if "
  local format = column.type == "f64" and short or count_text
  for _, unit in ipairs(UNITS) do
    if column.name:find(unit[1]) then format = unit[2] end
  end
  return function(value)
    if value == none or value == nil then return NONE end
    if names then return names[value] or count_text(value) end
    if is_flag then return value == 0 and "no" or "yes" end
    return format(value)
  end
end

--- The name of a column without the unit, which its values are shown with.
-- @tparam string name
-- @treturn string
function M.title(name)
  return (name:gsub("_ps$", ""):gsub("_bytes$", ""):gsub("_bps$", ""))
end

-- Columns in the order in which people want them: those that are named first, then the others. A
-- column "src" gives way to "src_name" under its title.
local function ordered(columns, first, special)
  local by_name, list, taken = {}, {}, {}
  for _, column in ipairs(columns) do by_name[column.name] = column end
  local function add(name)
    local column = by_name[name]
    if not column or taken[name] then return end
    local shown = by_name[name .. "_name"] or column
    taken[name], taken[shown.name] = true, true
    list[#list + 1] = {
      name = shown.name, title = M.title(name), is_text = shown.type == "string",
      format = special[name] or M.formatter(shown),
    }
  end
  for _, name in ipairs(first) do add(name) end
  for _, column in ipairs(columns) do add(column.name) end
  return list
end

-- Cells of the rows that are shown, by column.
local function cells_of(columns, slices)
  for _, column in ipairs(columns) do
    column.cells, column.width = {}, #column.title
    for _, slice in ipairs(slices) do
      for i, value in ipairs(slice:column(column.name)) do
        local text = fail.printable(column.format(value, slice, i))
        column.cells[#column.cells + 1] = text
        column.width = math.max(column.width, #text)
      end
    end
  end
end

local function pad(text, width, to_the_left)
  local space = (" "):rep(width - #text)
  return to_the_left and text .. space or space .. text
end

local function line_of(columns, index)
  local parts = {}
  for i, column in ipairs(columns) do
    parts[i] = pad(index and column.cells[index] or column.title, column.width, column.is_text)
  end
  return (table.concat(parts, "  "):gsub("%s+$", ""))
end

-- The numbers of the rows as a column of its own.
local function row_column(slices)
  local column = { title = "row", cells = {}, width = 3 }
  for _, slice in ipairs(slices) do
    for i = 1, slice.count do
      local text = count_text(slice.first + i)
      column.cells[#column.cells + 1] = text
      column.width = math.max(column.width, #text)
    end
  end
  return column
end

--- Words with commas between them, in lines; the first goes on from `head`.
-- @tparam string head
-- @tparam {string,...} words
-- @treturn string
function M.wrap(head, words)
  local lines, line = {}, head
  for i, word in ipairs(words) do
    local text = " " .. word .. (i < #words and "," or "")
    if #line + #text > WIDTH then
      lines[#lines + 1], line = line, "  "
    end
    line = line .. text
  end
  lines[#lines + 1] = line
  return table.concat(lines, "\n")
end

--- The first and the last rows of a table, in as many columns as a line has room for: what is not
-- shown is not read.
-- @tparam table from `columns`, `count`, `slice(first, count)`
-- @tparam table first names of columns to begin with
-- @tparam table special by the name of a column, what makes text of its values: function(value,
-- slice, i)
-- @treturn {string,...} lines
function M.lines(from, first, special)
  local slices = {}
  if from.count <= 2 * ENDS + 2 then
    slices[1] = from.slice(0, from.count)
  else
    slices[1], slices[2] = from.slice(0, ENDS), from.slice(from.count - ENDS, ENDS)
  end
  local columns, shown = ordered(from.columns, first, special), { row_column(slices) }
  local width = shown[1].width
  for _, column in ipairs(columns) do
    cells_of({ column }, slices)
    if width + 2 + column.width > WIDTH then break end
    shown[#shown + 1], width = column, width + 2 + column.width
  end
  local lines = { line_of(shown) }
  for i = 1, #shown[1].cells do
    if slices[2] and i == ENDS + 1 then
      lines[#lines + 1] = ("... %s"):format(util.counted(from.count - 2 * ENDS, "more row"))
    end
    lines[#lines + 1] = line_of(shown, i)
  end
  return lines
end

--- All columns of one row, in lines of "title value".
-- @tparam table from as for M.lines, of one row
-- @tparam table first as there
-- @tparam table special as there
-- @treturn string
function M.row_text(from, first, special)
  local slice, words = from.slice(), {}
  for i, column in ipairs(ordered(from.columns, first, special)) do
    local value = slice:column(column.name)[1]
    words[i] = column.title .. " " .. fail.printable(column.format(value, slice, 1))
  end
  return M.wrap(" ", words)
end

return M
