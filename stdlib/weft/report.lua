--- What a script prints: an aligned table for people, or rows of CSV or JSON for programs, and then
-- nothing else on standard output.
-- @module weft.report
-- @usage
-- local out = weft.report.new(args.format)
-- out:line("fabric: %s", fabric)
-- out:table({ { "run" }, { "time_ps", "completion", weft.units.format_time } }, rows)

local acceleration = require "weft.acceleration"
local check = require "weft.check"
local core = require "weft.core"
local csv = require "weft.csv"
local fail = require "weft.fail"
local guard = require "weft.guard"
local json = require "weft.json"
local units = require "weft.units"

local M = {}

local Report = {}
Report.__index = Report

--- A report.
-- @tparam string format table, csv or json
-- @param[opt] file where to print; default: standard output
-- @treturn Report
function M.new(format, file)
  if file ~= nil and not pcall(function() return assert(file.write) end) then
    fail.raise("report.new: expected a file to print to, got %s", fail.show(file))
  end
  local formats = { "table", "csv", "json" }
  for _, name in ipairs(formats) do
    if name == format then
      return setmetatable({ format = format, file = file or io.stdout }, Report)
    end
  end
  if type(format) ~= "string" then
    fail.raise("report.new: expected a format, one of: %s, got %s", table.concat(formats, ", "),
      fail.show(format))
  end
  fail.raise("report: no format '%s'%s", format, fail.hint(format, formats))
end

--- A line of text for people; dropped when the format is for programs.
-- @tparam string format as string.format
function Report:line(format, ...)
  if self.format ~= "table" then return end
  check.argument("report: line", format, "text")
  local good, text = true, format
  if select("#", ...) > 0 then good, text = pcall(string.format, format, ...) end
  if not good then fail.raise("report: line: %s", (text:gsub("^.-bad arg", "bad arg"))) end
  self.file:write(text, "\n")
end

local function plain(value)
  if value == nil then return "-" end
  if type(value) == "number" then return json.number(value) end
  return tostring(value)
end

-- Whether a column has no text: then it is aligned to the right.
local function is_numeric(rows, key)
  for _, row in ipairs(rows) do
    if type(row[key]) == "string" or type(row[key]) == "boolean" then return false end
  end
  return true
end

-- Columns in the order given; numbers to the right, text to the left.
local function print_table(file, columns, rows)
  local cells, widths, right = { {} }, {}, {}
  for c, column in ipairs(columns) do
    cells[1][c] = column[2] or column[1]
    widths[c] = #cells[1][c]
    right[c] = is_numeric(rows, column[1])
  end
  for r, row in ipairs(rows) do
    cells[r + 1] = {}
    for c, column in ipairs(columns) do
      local value = row[column[1]]
      local text = value ~= nil and column[3] and column[3](value) or plain(value)
      text = fail.printable(text)
      cells[r + 1][c] = text
      widths[c] = math.max(widths[c], #text)
    end
  end
  for _, line in ipairs(cells) do
    local padded = {}
    for c, text in ipairs(line) do
      local space = (" "):rep(widths[c] - #text)
      padded[c] = right[c] and space .. text or text .. space
    end
    file:write((table.concat(padded, "  "):gsub("%s+$", "")), "\n")
  end
end

local function print_csv(file, columns, rows)
  local names = {}
  for c, column in ipairs(columns) do names[c] = column[1] end
  csv.write_rows(file, names, rows)
end

local function print_json(file, columns, rows)
  local lines = {}
  for r, row in ipairs(rows) do
    local object = {}
    for _, column in ipairs(columns) do object[column[1]] = row[column[1]] end
    lines[r] = "  " .. json.encode(object)
  end
  file:write("[\n", table.concat(lines, ",\n"), "\n]\n")
end

--- A table, in the format of the report.
-- @tparam table columns list of `{ key, title, format }`: key of a row (in CSV and JSON the name of
-- the column, so with its unit), its title, and a function that makes text for people of its value
-- @tparam table rows
function Report:table(columns, rows)
  check.argument("report: columns", columns, "list")
  check.argument("report: rows", rows, "list")
  for i, column in ipairs(columns) do
    check.argument("report: column " .. i, column, "table")
    check.argument("report: key of column " .. i, column[1], "text")
    if column[2] ~= nil then check.argument("report: title of column " .. i, column[2], "text") end
    if column[3] ~= nil then
      check.argument("report: format of column " .. i, column[3], "function")
    end
  end
  for i, row in ipairs(rows) do check.argument("report: row " .. i, row, "table") end
  local print_rows = self.format == "csv" and print_csv or self.format == "json" and print_json
    or print_table
  print_rows(self.file, columns, rows)
end

--- What congestion there was, as columns for a table.
M.congestion_columns = {
  { "ecn_marks", "marks" },
  { "pfc_pauses", "pauses" },
  { "packets_dropped", "drops" },
  { "retransmits", "retransmits" },
  { "retransmits_spurious", "needless" },
  { "timeouts", "timeouts" },
  { "flows_failed", "failed flows" },
  { "max_queue_bytes", "max queue", units.format_bytes },
}

--- Put the congestion counters of a simulation into a row.
-- @tparam Simulation sim
-- @tparam table row
-- @treturn table the same row
function M.add_congestion(sim, row)
  check.argument("report.add_congestion", sim, "simulation")
  check.argument("report.add_congestion: row", row, "table")
  local totals = sim:stats()
  for _, column in ipairs(M.congestion_columns) do row[column[1]] = totals[column[1]] end
  return row
end

local function three_digits(value) return units.fixed(value, 3) end

local acceleration_columns = {
  { "events", "events" },
  { "events_skipped", "skipped" },
  { "events_skipped_pct", "skipped %", three_digits },
  { "steady_spans", "steady spans" },
  { "memo_spans", "known transients" },
  { "hits", "hits" },
  { "misses", "misses" },
  { "expected_error_pct", "expected error %", three_digits },
}

--- What acceleration did, as columns for a table.
-- @tparam Simulation sim
-- @treturn table columns; none if neither memoize nor fast_forward is on
function M.acceleration_columns(sim)
  check.argument("report.acceleration_columns", sim, "simulation")
  return acceleration.is_on(sim) and acceleration_columns or {}
end

--- Put what acceleration did into a row, if it is on.
-- @tparam Simulation sim
-- @tparam table row
-- @treturn table the same row
function M.add_acceleration(sim, row)
  check.argument("report.add_acceleration", sim, "simulation")
  check.argument("report.add_acceleration: row", row, "table")
  local done = sim:acceleration()
  for _, column in ipairs(M.acceleration_columns(sim)) do row[column[1]] = done[column[1]] end
  return row
end

local configuration_format = {
  time = units.format_time,
  rate = units.format_rate,
  bytes = units.format_bytes,
}

--- The configuration in effect, for an answer to "my knob did nothing".
-- @tparam Simulation sim
-- @treturn table columns
-- @treturn table rows: `option`, `value` (in ps, bit/s, bytes), `text`, `changed` (from the
-- default), `brief`
function M.configuration(sim)
  check.argument("report.configuration", sim, "simulation")
  local config, rows = sim.core:config(), {}
  for i, option in ipairs(core.options()) do
    local value = config[option.name]
    local format = configuration_format[option.unit]
    rows[i] = {
      option = option.name,
      value = value,
      text = format and type(value) == "number" and format(value) or plain(value),
      changed = value ~= option.default and "changed" or "",
      brief = option.brief,
    }
  end
  return { { "option" }, { "text", "value" }, { "changed", "" }, { "brief", "meaning" } }, rows
end

local unit_suffix = { time = "_ps", rate = "_bps", bytes = "_bytes" }

--- The configuration in effect, for files: quantities have their unit at the end of the name.
-- @tparam Simulation sim
-- @treturn table such as `{ cc = "hpcc", mtu_bytes = 1000, rto_ps = 1000000000 }`; a word that
-- stands for a time is there under the name alone, with the core's number for it under the
-- other: `{ rto = "adaptive", rto_ps = -1 }`
function M.configuration_values(sim)
  check.argument("report.configuration_values", sim, "simulation")
  local config, values = sim.core:config(), {}
  for _, option in ipairs(core.options()) do
    local value, suffix = config[option.name], unit_suffix[option.unit]
    for word, choice in ipairs(suffix and option.choices or {}) do
      if value == choice then values[option.name], value = choice, -word end
    end
    values[option.name .. (suffix or "")] = value
  end
  return values
end

--- Print the configuration in effect on standard error, where it disturbs no results.
-- @tparam Simulation sim
function M.explain(sim)
  M.new("table", io.stderr):table(M.configuration(sim))
end

guard.class("report", "report", Report)

--- Whether a value is a report.
function M.is(value) return getmetatable(value) == Report end

return guard.module("report", M)
