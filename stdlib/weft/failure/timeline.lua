--- Timelines: lists of failures, from a table or a CSV file.
-- An entry has `kind` (degrade, fail, repair, storm, slow, vary), `target`, and the options of that
-- kind:
-- `{ kind = "degrade", target = "gpu3-leaf3", at = "2ms", factor = 1 / 4, duration = "1ms" }`.
-- @module weft.failure.timeline

local check = require "weft.check"
local csv = require "weft.csv"
local fail = require "weft.fail"
local kinds = require "weft.failure.kinds"
local units = require "weft.units"
local util = require "weft.util"

local M = {}

local function parse_factors(text)
  local list = {}
  for word in text:gmatch("%S+") do
    local value = units.decimal(word)
    if not value then return nil, "expected numbers with blanks between them" end
    list[#list + 1] = value
  end
  return list
end

-- Columns of a file, in the order in which they are written. Quantities stay text: they carry their
-- unit, and are checked with the rest of the entry.
local columns = {
  { "at" }, { "kind" }, { "target" }, { "towards" }, { "direction" },
  { "factor", type = "number" }, { "factors", type = parse_factors }, { "every" }, { "over" },
  { "steps", type = "integer" }, { "loss", type = "number" },
  { "burst_loss", type = "number" }, { "burst_length", type = "number" },
  { "delay" }, { "jitter" }, { "duration" }, { "period" }, { "duty", type = "number" },
  { "pause" }, { "detect" },
  { "by" }, { "file" }, { "seed", type = "integer" }, { "min" }, { "max" },
  { "sigma", type = "number" }, { "memory", type = "number" }, { "depth", type = "number" },
  { "day", type = "number" },
}

local names = {}
for i, column in ipairs(columns) do names[i] = column[1] end
local required = { at = true, kind = true, target = true }

-- A column that is not known would be ignored, and with it a part of the failure.
local function columns_of(header, place)
  for _, name in ipairs(header) do
    local known = false
    for _, one in ipairs(names) do known = known or one == name end
    if not known then
      fail.at(place, "unknown column %s%s", fail.show(name), fail.hint(name, names))
    end
  end
  local wanted = {}
  for i, column in ipairs(columns) do
    wanted[i] = { column[1], type = column.type, optional = not required[column[1]] }
  end
  return wanted
end

--- Read a timeline from a CSV file with a header line. Every row needs `at`, `kind` and `target`;
-- other fields may be empty, other columns absent.
-- @tparam string path
-- @treturn table list of entries, each with its `place`, "path:line"
function M.read(path)
  local list = {}
  for row, line in csv.rows(path, columns_of) do
    row.place = ("%s:%d"):format(path, line)
    for _, name in ipairs { "at", "kind", "target" } do
      if row[name] == "" then
        fail.at(row.place, "column '%s': expected a value, got none", name)
      end
    end
    if row.burst_loss or row.burst_length then
      row.burst = { loss = row.burst_loss, length = row.burst_length }
      row.burst_loss, row.burst_length = nil, nil
    end
    list[#list + 1] = row
  end
  return list
end

local function name_of(target)
  if type(target) ~= "table" then return target end
  if target.name and type(target.name) ~= "function" then return target.name end
  if type(target.name) == "function" then return target:name() end
  fail.raise("timeline: expected targets by name, got a pair of nodes")
end

local function time_text(value)
  if type(value) ~= "number" then return value end
  return ("%.0fps"):format(value * 1e12)
end

-- The shortest text that reads back as the same number.
local function plain(value) return type(value) == "number" and fail.show(value) or value end

local TIMES = { "at", "every", "over", "delay", "jitter", "duration", "period", "pause", "detect" }

--- Write a timeline so that M.read gives it back.
-- @tparam string path
-- @tparam table list entries
function M.write(path, list)
  check.argument("failure.write", list, "list")
  local rows = {}
  for i, entry in ipairs(list) do
    local what, row = "failure.write: entry " .. i, {}
    check.argument(what, entry, "table")
    if entry.factors then check.argument(what .. ": factors", entry.factors, "numbers") end
    if entry.burst then check.argument(what .. ": burst", entry.burst, "table") end
    for _, name in ipairs(names) do row[name] = plain(entry[name]) end
    for _, name in ipairs(TIMES) do row[name] = time_text(entry[name]) end
    row.target, row.towards = name_of(entry.target), name_of(entry.towards)
    if entry.factors then row.factors = table.concat(entry.factors, " ") end
    if entry.burst then
      row.burst_loss, row.burst_length = plain(entry.burst.loss), plain(entry.burst.length)
      if not row.burst_loss then fail.raise("timeline: expected bursts by loss and length") end
    end
    rows[i] = row
  end
  csv.write(path, names, rows)
end

local own = { kind = true, target = true, place = true }

local function plan(sim, entry, what)
  check.value(what .. ": option 'kind'", entry.kind, { type = "enum", choices = kinds.names })
  if entry.target == nil then fail.raise("%s: option 'target' is missing", what) end
  local options = {}
  for _, key in ipairs(util.sorted_keys(entry)) do
    if not own[key] then options[key] = entry[key] end
  end
  return kinds.plan(sim, entry.kind, entry.target, options)
end

--- Check all entries and work out what they come down to. A mistake in any is an error, at the line
-- of the file where it came from one.
-- @tparam Simulation sim
-- @tparam table|string list entries, or the name of a CSV file
-- @treturn table list of plans; see weft.failure.kinds
function M.plans(sim, list)
  if type(list) == "string" then list = M.read(list) end
  if type(list) ~= "table" then
    fail.raise("inject: expected a list of failures or the name of a CSV file, got %s",
      fail.show(list))
  end
  check.argument("inject", list, "list")
  local plans = {}
  for i, entry in ipairs(list) do
    local what = "failure " .. i
    if type(entry) ~= "table" then
      fail.raise("inject: %s: expected a table, got %s", what, fail.show(entry))
    end
    if entry.place then
      plans[i] = fail.blame(entry.place, nil, plan, sim, entry, "timeline")
    else
      plans[i] = plan(sim, entry, "inject: " .. what)
    end
  end
  return plans
end

return M
