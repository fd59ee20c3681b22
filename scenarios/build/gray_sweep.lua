--- Results of many scenarios of scenarios/gray_failures.lua: a file each, so that a sweep that was
-- stopped goes on where it was; recorded ones, and errors against these.

local util = require "weft.util"
local weft = require "weft"

local M = {}

local TIMES = { "allreduce_16mib_us", "allreduce_256mib_us", "total_us" }

-- A scenario's file has a row per repeat.
local FILE_COLUMNS = { "degraded_gpus", "reduction_factor", "backend", "seed" }
local RECORDED = {
  { "backend" }, { "degraded_gpus", type = "integer", min = 0 },
  { "reduction_factor", type = "number" },
}
for _, name in ipairs(TIMES) do
  FILE_COLUMNS[#FILE_COLUMNS + 1] = name
  RECORDED[#RECORDED + 1] = { name, type = "number", min = 0 }
end
FILE_COLUMNS[#FILE_COLUMNS + 1] = "cpu_s"
FILE_COLUMNS[#FILE_COLUMNS + 1] = "fingerprint"

local ROW = { { "seed", type = "integer" }, { "cpu_s", type = "number" }, { "fingerprint" } }
for _, column in ipairs(RECORDED) do ROW[#ROW + 1] = column end

local function file_of(folder, scenario)
  return folder(scenario.name .. ".csv")
end

--- Keep the rows of a scenario, all of them or none.
function M.store(folder, scenario, rows)
  weft.csv.write(file_of(folder, scenario), FILE_COLUMNS, rows)
end

--- A folder serves one set of parameters: results of others would be taken for these.
-- @tparam function folder as of weft.results.folder
-- @tparam table settings
function M.claim(folder, settings)
  local path, text = folder "settings.json", weft.json.encode(settings, "  ") .. "\n"
  local file = io.open(path)
  local found = file and file:read("*a")
  if file then file:close() end
  if found and found ~= text then
    weft.fail.raise("the folder has results of other parameters (see %s): choose another one", path)
  end
  if not found then weft.util.write_file(path, text) end
end

-- Mean and standard deviation (of a sample) in per cent of it.
local function mean_of(rows, name)
  local sum, squares = 0, 0
  for _, row in ipairs(rows) do sum = sum + row[name] end
  local mean = sum / #rows
  for _, row in ipairs(rows) do squares = squares + (row[name] - mean) ^ 2 end
  return mean, #rows > 1 and 100 * math.sqrt(squares / (#rows - 1)) / mean or nil
end

--- The result of a scenario, if there is one: means over its repeats.
-- @treturn ?table `degraded_gpus`, `reduction_factor`, `backend`, the times, `spread_pct` (standard
-- deviation of total_us over the repeats), `cpu_s` (of one repeat)
function M.load(folder, scenario)
  local path = file_of(folder, scenario)
  if not util.exists(path) then return nil end
  local rows = weft.csv.read(path, ROW)
  local result = {
    degraded_gpus = weft.util.integer(scenario.degraded),
    reduction_factor = weft.util.integer(scenario.factor), backend = rows[1].backend,
    cpu_s = mean_of(rows, "cpu_s"),
  }
  for _, name in ipairs(TIMES) do result[name], result.spread_pct = mean_of(rows, name) end
  return result
end

--- Times recorded of other backends.
-- @tparam string path
-- @treturn table by backend, then by name of scenario
function M.recorded(path)
  local by_backend = {}
  if not util.exists(path) then return by_backend end
  for row in weft.csv.rows(path, RECORDED) do
    local name = ("n%02d_r%02d"):format(row.degraded_gpus, row.reduction_factor)
    by_backend[row.backend] = by_backend[row.backend] or {}
    by_backend[row.backend][name] = row
  end
  return by_backend
end

-- ---- errors -----------------------------------------------------------------------------------

--- Errors of a backend against the truth where both are known.
-- @tparam table backend results by name of scenario
-- @tparam table truth the same
-- @tparam string time
-- @treturn {table,...} `name`, `error_pct`, signed; in the order of names
function M.errors(backend, truth, time)
  local list = {}
  for name, true_row in weft.util.sorted_pairs(truth) do
    local row = backend[name]
    if row then
      list[#list + 1] = { name = name, error_pct = 100 * (row[time] / true_row[time] - 1) }
    end
  end
  return list
end

--- A row about a backend: mean absolute error of each time, and of the total also the mean and the
-- largest.
-- @treturn ?table nil if nothing can be compared
function M.summary(label, backend, truth)
  local row = { backend = label }
  for _, time in ipairs(TIMES) do
    local errors, sum, signed, largest = M.errors(backend, truth, time), 0, 0, 0
    for _, one in ipairs(errors) do
      signed = signed + one.error_pct
      sum = sum + math.abs(one.error_pct)
      largest = math.max(largest, math.abs(one.error_pct))
    end
    if #errors == 0 then return nil end
    row.scenarios = weft.util.integer(#errors)
    row[time] = sum / #errors
    row.signed_pct, row.largest_pct = signed / #errors, largest
  end
  return row
end

return M
