--- Completion times of weft against recorded ones: counts, errors, rows to print, a picture.
-- A sample is `{ weft_ns, ns3_ns, ideal_ns }`; the first two are false for a flow that has not
-- finished there.

local weft = require "weft"

local M = {}

--- Columns of what the replays print.
M.columns = {
  "set", "group", "cc", "flows", "exact_pct", "median_abs_err_pct", "p99_abs_err_pct",
  "max_abs_err_pct", "mean_signed_err_pct", "p99_slowdown_err_pct",
}

--- Figures of some samples. A flow is exact when both finished at the same ns or neither finished.
-- @tparam {table,...} samples
-- @treturn table by column, and `exact` and `unmatched` (finished in one of the two only)
function M.figures(samples)
  local row = { flows = #samples, exact = 0, unmatched = 0 }
  local errors, sizes, ours, theirs = {}, {}, {}, {}
  for _, sample in ipairs(samples) do
    if sample.weft_ns == sample.ns3_ns then row.exact = row.exact + 1 end
    if (not sample.weft_ns) ~= (not sample.ns3_ns) then row.unmatched = row.unmatched + 1 end
    if sample.weft_ns and sample.ns3_ns then
      local error_pct = 100 * (sample.weft_ns - sample.ns3_ns) / sample.ns3_ns
      errors[#errors + 1] = error_pct
      sizes[#sizes + 1] = math.abs(error_pct)
      ours[#ours + 1] = sample.weft_ns / sample.ideal_ns
      theirs[#theirs + 1] = sample.ns3_ns / sample.ideal_ns
    end
  end
  row.exact_pct = 100 * row.exact / row.flows
  if #errors == 0 then return row end
  local percentile = weft.stats.percentile
  row.median_abs_err_pct = percentile(sizes, 50)
  row.p99_abs_err_pct = percentile(sizes, 99)
  row.max_abs_err_pct = percentile(sizes, 100)
  row.mean_signed_err_pct = weft.stats.mean(errors)
  row.p99_slowdown_err_pct = 100 * (percentile(ours, 99) / percentile(theirs, 99) - 1)
  return row
end

--- One run in words.
function M.describe(figures)
  return ("%d of %d flows exact, largest error %.4f %%, %d finished in one only"):format(
    figures.exact, figures.flows, figures.max_abs_err_pct or 0, figures.unmatched)
end

--- A `note` for the replays: lines on standard error; without `verbose` only what is wrong.
function M.notes(verbose)
  return function(line, is_wrong)
    if verbose or is_wrong then io.stderr:write(line, "\n") end
  end
end

--- Engine options of a run, with those that the user gave on top.
function M.with(options, given)
  for name, value in pairs(given or {}) do options[name] = value end -- order-free: a copy
  return options
end

--- Samples by group and congestion control, in the order of their first appearance.
local Table = {}
Table.__index = Table

function M.new(set)
  return setmetatable({ set = set, groups = {}, by_key = {} }, Table)
end

--- Take in the samples of one run.
function Table:add(group, cc, samples)
  local key = group .. "," .. cc
  local entry = self.by_key[key]
  if not entry then
    entry = { group = group, cc = cc, samples = {} }
    self.by_key[key] = entry
    self.groups[#self.groups + 1] = entry
  end
  for _, sample in ipairs(samples) do entry.samples[#entry.samples + 1] = sample end
end

--- The rows, one per group and congestion control.
function Table:rows()
  local rows = {}
  for i, entry in ipairs(self.groups) do
    local row = M.figures(entry.samples)
    row.set, row.group, row.cc = self.set, entry.group, entry.cc
    rows[i] = row
  end
  return rows
end

-- Per cent with the digits that matter: 1e-4 % is a ns in a ms.
local function percent(value) return ("%.4f"):format(value) end

--- Print rows in a format of weft.report.
function M.print(rows, format)
  local columns, shown = {}, rows
  for i, name in ipairs(M.columns) do
    columns[i] = { name, name, name:find("_pct$") and percent or nil }
  end
  if format == "csv" then
    shown = {}
    for r, row in ipairs(rows) do
      shown[r] = {}
      for _, column in ipairs(columns) do
        local value = row[column[1]]
        shown[r][column[1]] = value and column[3] and column[3](value) or value
      end
    end
  end
  weft.report.new(format):table(columns, shown)
end

-- Errors of an exact replay are zero; the smallest shown keeps them on a logarithmic axis.
local SMALLEST_PCT = 1e-5

--- Draw weft against ns-3: completion times, and the distribution of errors.
-- @tparam string file .png, .svg or .pdf
-- @tparam Table results
function M.plot(file, results)
  local scatter, cdf, by_cc = {}, {}, {}
  for _, entry in ipairs(results.groups) do
    local points = by_cc[entry.cc]
    if not points then
      points = { x = {}, y = {}, errors = {} }
      by_cc[entry.cc] = points
      scatter[#scatter + 1] = { kind = "scatter", label = entry.cc, x = points.x, y = points.y }
      cdf[#cdf + 1] = { kind = "cdf", label = entry.cc, values = points.errors }
    end
    for _, sample in ipairs(entry.samples) do
      if sample.weft_ns and sample.ns3_ns then
        points.x[#points.x + 1] = sample.ns3_ns / 1e9
        points.y[#points.y + 1] = sample.weft_ns / 1e9
        local error_pct = 100 * math.abs(sample.weft_ns - sample.ns3_ns) / sample.ns3_ns
        points.errors[#points.errors + 1] = math.max(error_pct, SMALLEST_PCT)
      end
    end
  end
  weft.viz.chart.new({
    columns = 2, height = 3.4,
    panels = {
      { title = "completion time", series = scatter,
        x = { label = "ns-3", unit = "s", scale = "log" },
        y = { label = "weft", unit = "s", scale = "log" } },
      { title = "error per flow", series = cdf,
        x = { label = "absolute error, % (at 1e-5: exact)", scale = "log", min = SMALLEST_PCT,
          max = 100 },
        y = { label = "share of flows", min = 0, max = 1 } },
    },
  }):write(file)
end

return M
