--- CSV files: typed reading row by row (libcsv does the parsing) and writing, whole or not at all.
local check = require "weft.check"
local core = require "weft.core"
local csvcore = require "weft.csvcore"
local fail = require "weft.fail"
local guard = require "weft.guard"
local units = require "weft.units"
local util = require "weft.util"

local csv = {}

-- How each type reads a field; nil, reason if the text is no such value.
local PARSERS = {}

function PARSERS.string(field)
  return field
end

function PARSERS.integer(field)
  if not field:find("^%-?%d+$") then return nil, "expected a whole number" end
  local value = units.whole(field)
  if not value then return nil, "expected a whole number up to 2^53" end
  return value
end

function PARSERS.number(field)
  local value = units.decimal(field)
  if not value then return nil, "expected a number" end
  return value
end

local function quantity_parser(unit)
  return function(field)
    local value, message = core.parse(field, unit)
    if value then return value end
    return nil, message
  end
end

for _, unit in ipairs { "time", "rate", "bytes" } do PARSERS[unit] = quantity_parser(unit) end

local TYPES = util.sorted_keys(PARSERS)

--- Turn the caller's columns into { name =, parse =, min =, optional =, default = } records.
local function resolve_columns(columns)
  local resolved = {}
  check.argument("csv: columns", columns, "list")
  for i, column in ipairs(columns) do
    if type(column) == "string" then column = { column } end
    local what = "csv: column " .. i
    check.argument(what, column, "table")
    check.argument(what .. ": name", column[1], "text")
    if column.min ~= nil then check.argument(what .. ": min", column.min, "number") end
    if column.scale ~= nil then check.argument(what .. ": scale", column.scale, "number") end
    local kind = column.type or "string"
    local parse = type(kind) == "function" and kind or PARSERS[kind]
    if not parse then
      fail.raise("csv: unknown type %s of column '%s'%s", fail.show(kind), column[1],
        fail.hint(tostring(kind), TYPES))
    end
    resolved[i] = {
      name = column[1],
      parse = parse,
      scale = column.scale or (kind == "integer" and 1 or nil),
      min = column.min,
      optional = column.optional or column.default ~= nil,
      default = column.default,
    }
  end
  return resolved
end

local NO_MEMORY = "WEFT_ENOMEM"

local function open(path)
  check.argument("csv: file", path, "text")
  local reader, message, code = csvcore.open(util.readable(path))
  if code == NO_MEMORY then fail.broken("cannot read '%s': %s", path, message) end
  if not reader then fail.raise("cannot read '%s': %s", path, message) end
  return reader
end

--- End of a file, or what keeps it from being read further.
local function finish(path, reader, message, code, line)
  reader:close()
  if code == NO_MEMORY then fail.broken("%s:%d: %s", path, line, message) end
  if code then fail.at(("%s:%d"):format(path, line), "%s", message) end
  return nil
end

--- The first row of a file and its line.
local function first_row(path, reader)
  local fields, line_or_message, code, line = reader:row()
  if fields then return fields, line_or_message end
  return finish(path, reader, line_or_message, code, line)
end

--- Find each wanted column in the header: index by name.
local function read_header(path, header, line)
  if not header then fail.at(path .. ":1", "expected a header line, got an empty file") end
  local other = #header == 1 and header[1]:match "[%w_\"]%s*([;\t|])%s*[%w_\"]"
  if other then
    fail.at(("%s:%d"):format(path, line), "expected commas between columns, got %s",
      other == "\t" and "tabs" or ("'%s'"):format(other))
  end
  local index = {}
  for i, name in ipairs(header) do
    if index[name] then
      fail.at(("%s:%d"):format(path, line), "column '%s' is there twice", name)
    end
    index[name] = i
  end
  return index
end

--- Let each column know where it is; a missing one that is not optional is an error.
local function locate(place, columns, index, header)
  for _, column in ipairs(columns) do
    column.index = index[column.name]
    if not column.index and not column.optional then
      fail.at(place, "column '%s' is missing%s", column.name, fail.hint(column.name, header))
    end
  end
end

--- Refuse a field. It may have come as a number.
local function refuse(path, line, column, reason, field)
  fail.at(("%s:%d"):format(path, line), "column '%s': %s, got %s", column.name, reason,
    fail.show(type(field) == "number" and ("%.0f"):format(field) or field))
end

--- The value of a field: text, a number where the reader made it one, or nil if there is none.
local function convert(column, field, path, line)
  if field == nil or (field == "" and column.optional) then return column.default end
  local value, reason
  if type(field) == "number" then
    value = field * column.scale
  else
    value, reason = column.parse(field)
  end
  if value == nil then
    refuse(path, line, column, reason or "wrong value", field)
  elseif column.min and type(value) == "number" and value < column.min then
    refuse(path, line, column, "expected at least " .. fail.show(column.min), field)
  end
  return value
end

-- Rows that are read at a time.
local BATCH = 1024

--- As csv.rows, but the values come as an array in the order of `columns`, the same one for every
-- row: what takes the least time and memory for files of millions of rows.
-- @treturn function yields the array and the number of the row's line
-- @treturn {table,...} the columns, with their names
function csv.values(path, columns)
  local reader = open(path)
  local header, header_line = first_row(path, reader)
  local index = read_header(path, header, header_line)
  local place = ("%s:%d"):format(path, header_line)
  if type(columns) == "function" then columns = columns(header, place) end
  local wanted = resolve_columns(columns or header)
  locate(place, wanted, index, header)
  local indices, numeric, in_batch = {}, {}, {}
  for c, column in ipairs(wanted) do
    if column.index then
      indices[#indices + 1] = column.index
      numeric[#indices] = column.scale ~= nil
      in_batch[c] = #indices
    end
  end
  local batch, i, values = { count = 0 }, 0, {}
  return function()
    if not batch then return nil end
    if i == batch.count then
      local message, code, line
      batch, message, code, line = reader:batch(indices, numeric, #header, BATCH)
      if not batch then return finish(path, reader, message, code, line) end
      i = 0
    end
    i = i + 1
    local line = batch.line[i]
    for c = 1, #wanted do
      values[c] = convert(wanted[c], in_batch[c] and batch[in_batch[c]][i], path, line)
    end
    return values, line
  end, wanted
end

--- Iterate over the rows of a file with a header line, in bounded memory.
--
-- A column is a name or `{ name, type =, min =, optional =, default =, scale = }`. Types are
-- "string", "integer", "number", "time" (to ps), "rate" (to bit/s), "bytes", or a function that
-- gets the text and returns the value, or nil and what was expected; with `scale` a field of plain
-- digits is its number times that instead. Further columns of the file are ignored; without
-- `columns` all are read, as strings. `columns` may be a function that gets the names in the header
-- and its place, "path:1", and returns the columns.
-- @tparam string path
-- @tparam ?{string|table,...}|function columns
-- @treturn function yields a table by column name, and the number of the row's line
-- @usage for row, line in csv.rows("flows.csv", { "src", { "size_bytes", type = "integer" } }) do
function csv.rows(path, columns)
  local next_values, wanted = csv.values(path, columns)
  return function()
    local values, line = next_values()
    if not values then return nil end
    local row = {}
    for c, column in ipairs(wanted) do row[column.name] = values[c] end
    return row, line
  end
end

--- All rows of a file, as an array; for files known to be small.
function csv.read(path, columns)
  local rows = {}
  for row in csv.rows(path, columns) do rows[#rows + 1] = row end
  return rows
end

--- A value as a field: numbers with all their digits, the same on both virtual machines; text in
-- quotes where it holds a separator, a quote, a line break or outer blanks; nil as nothing.
function csv.field(value)
  if value == nil then return "" end
  if type(value) == "number" then
    if value ~= value then return "nan" end
    if value % 1 == 0 and math.abs(value) <= 2 ^ 53 then return ("%.0f"):format(value) end
    return ("%.17g"):format(value)
  end
  local text = tostring(value)
  if text:find("[,\"\r\n]") or text:find("^[ \t]") or text:find("[ \t]$") then
    return "\"" .. text:gsub("\"", "\"\"") .. "\""
  end
  return text
end

local function write_record(output, columns, value_of)
  local fields = {}
  for i = 1, #columns do fields[i] = csv.field(value_of(i)) end
  -- A single empty field would be a blank line, which readers skip.
  if #fields == 1 and fields[1] == "" then fields[1] = "\"\"" end
  output:write(table.concat(fields, ","), "\n")
end

local function check_columns(columns)
  check.argument("csv: columns", columns, "list")
  for i = 1, #columns do check.argument("csv: column " .. i, columns[i], "text") end
end

--- Write a file with a header line.
-- @tparam string path
-- @tparam {string,...} columns
-- @tparam table|function rows an array of tables by column name, or an iterator over them
function csv.write(path, columns, rows)
  util.write_file(path, function(output)
    csv.write_rows(output, columns, rows)
  end)
end

--- As csv.write, to anything with a `write` method (io.stdout, for example).
function csv.write_rows(output, columns, rows)
  check_columns(columns)
  if type(rows) ~= "function" then check.argument("csv: rows", rows, "list") end
  if not (type(output) == "table" or type(output) == "userdata") or not output.write then
    fail.raise("csv.write_rows: expected something with a method 'write', got %s",
      fail.show(output))
  end
  write_record(output, columns, function(i) return columns[i] end)
  local i = 0
  local next_row = type(rows) == "function" and rows or function()
    i = i + 1
    return rows[i]
  end
  for row in next_row do
    check.argument("csv: row", row, "table")
    write_record(output, columns, function(c) return row[columns[c]] end)
  end
end

return guard.module("csv", csv)
