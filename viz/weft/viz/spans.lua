--- Skipped spans (sim:spans()) as shades behind a plot: a tint for steady states, another for known
-- transients.
local check = require "weft.check"
local fail = require "weft.fail"
local palette = require "weft.viz.palette"

local spans = {}

local STEADY, MEMO = 2, 3 -- enum weft_phase
local FINEST = 1 / 2000 -- of what is shown: shorter gaps are closed, as no page could show them

local tints = { [STEADY] = palette.steady, [MEMO] = palette.memo }
--- The same hues for bars, which need no curve to be read on top of them; by phase.
spans.strong = { [STEADY] = palette.categories[5], [MEMO] = palette.categories[2] }

local labels = { [STEADY] = "steady state, skipped", [MEMO] = "known transient, skipped" }

--- Whether a value is what sim:spans() gives: a table of results, on LuaJIT a userdata.
local function is_results(value)
  return (type(value) == "userdata" or type(value) == "table") and value.name == "spans"
end

--- Rows { begin_ps, end_ps, phase, partition } of a simulation, of its table of spans, or of a list
-- of rows; nil for anything else.
-- @tparam any given
-- @treturn ?table
function spans.rows(given)
  if type(given) == "table" and given.spans then given = given:spans() end
  if is_results(given) then
    local rows = {}
    for i, row in given:rows() do rows[i] = row end
    return rows
  end
  if type(given) ~= "table" then return nil end
  for i, row in ipairs(given) do
    if type(row) ~= "table" or not (row.begin_ps and row.end_ps and tints[row.phase]) then
      return i > 1 and fail.raise("rates: spans[%d]: expected a row of sim:spans()", i) or nil
    end
  end
  return (given[1] or next(given) == nil) and given or nil
end

--- Rows of one phase and of the chosen partitions, in the order of time, as { from, to } in
-- seconds; those that touch are one.
local function joined(rows, phase, chosen)
  local list = {}
  for _, row in ipairs(rows) do
    if row.phase == phase and (not chosen or chosen[row.partition]) then
      list[#list + 1] = { from = row.begin_ps / 1e12, to = row.end_ps / 1e12 }
    end
  end
  table.sort(list, function(a, b)
    if a.from ~= b.from then return a.from < b.from end
    return a.to < b.to
  end)
  local gap = #list > 0 and FINEST * (list[#list].to - list[1].from) or 0
  local result = {}
  for _, one in ipairs(list) do
    local last = result[#result]
    if last and one.from <= last.to + gap then
      last.to = math.max(last.to, one.to)
    else
      result[#result + 1] = one
    end
  end
  return result
end

--- Numbers of partitions as a set; nil for all.
local function choice(partition)
  if partition == nil then return nil end
  local set, list = {}, type(partition) == "table" and partition or { partition }
  check.argument("rates: partition", list, "list")
  for i, number in ipairs(list) do
    if type(number) ~= "number" or number ~= number then
      fail.raise("rates: partition: expected numbers of partitions, got %s (%d)",
        fail.show(number), i)
    end
    set[number] = true
  end
  return set
end

--- Spans for weft.viz.chart, and series without points for its legend.
-- @tparam table rows see spans.rows
-- @param partition number, or list of numbers, of partitions whose spans are meant; nil: all
-- @treturn table list of { from, to, color }
-- @treturn table list of { kind = "band", label, ... }
function spans.shades(rows, partition)
  local shades, legend, chosen = {}, {}, choice(partition)
  for _, phase in ipairs { STEADY, MEMO } do
    local list = joined(rows, phase, chosen)
    for _, one in ipairs(list) do
      one.color = tints[phase]
      shades[#shades + 1] = one
    end
    if #list > 0 then
      legend[#legend + 1] = {
        kind = "band", x = {}, low = {}, high = {}, alpha = 1, color = tints[phase],
        label = labels[phase],
      }
    end
  end
  return shades, legend
end

return spans
