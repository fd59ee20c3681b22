--- Pictures of scenarios/testbed_kv.lua: completion times of hardware and weft, the error of each
-- case, and the median error beside published ones.

local weft = require "weft"

-- Values of rows with one window.
local function series(rows, window, name)
  local x, y = {}, {}
  for _, row in ipairs(rows) do
    if row.weft_ms and (not window or row.window == window) then
      x[#x + 1], y[#y + 1] = row.size_kb, row[name]
    end
  end
  return x, y
end

local function windows_of(rows)
  local seen, windows = {}, {}
  for _, row in ipairs(rows) do
    if not seen[row.window] then windows[#windows + 1] = row.window end
    seen[row.window] = true
  end
  table.sort(windows)
  return windows
end

-- The axis of errors, with 0 on it.
local function error_axis(rows)
  local least, most = 0, 0
  for _, row in ipairs(rows) do
    least, most = math.min(least, row.error_pct or 0), math.max(most, row.error_pct or 0)
  end
  if least == most then most = 1 end
  return { label = "weft against hardware, %", min = 1.1 * least, max = 1.1 * most }
end

--- Draw completion.png, and medians.png if there is anything to compare with.
-- @tparam function path from a file's name to its path
-- @tparam table rows of the scenario
-- @tparam ?table errors their summary, absolute
-- @tparam table published list of `{ backend, median_error_pct }`
-- @treturn string what was drawn
return function(path, rows, errors, published)
  local hardware_x, hardware_y = series(rows, nil, "hardware_ms")
  local weft_x, weft_y = series(rows, nil, "weft_ms")
  local shares = {}
  for i, window in ipairs(windows_of(rows)) do
    local x, y = series(rows, window, "error_pct")
    shares[i] = { kind = "scatter", label = ("window %d"):format(window), x = x, y = y }
  end
  local largest_kb = 0
  for _, row in ipairs(rows) do largest_kb = math.max(largest_kb, row.size_kb) end
  local size = { label = "size of values, KB", min = 0, max = 1.05 * largest_kb }
  weft.viz.chart.new({
    columns = 2, height = 2.6,
    panels = {
      { title = "completion time", x = size, y = { label = "completion time, ms", min = 0 },
        series = {
          { kind = "line", label = "hardware", x = hardware_x, y = hardware_y,
            color = { 0.6, 0.6, 0.6 }, width = 3 },
          { kind = "scatter", label = "weft", x = weft_x, y = weft_y },
        } },
      { title = "error of each case", x = size, y = error_axis(rows), series = shares },
    },
  }):write(path "completion.png")
  if not errors or #published == 0 then return "completion.png" end
  local names, medians = { "weft" }, { errors.p50 }
  for i, one in ipairs(published) do
    names[i + 1], medians[i + 1] = one.backend, one.median_error_pct
  end
  weft.viz.chart.new({
    title = "median error of completion time", width = "column",
    x = { categories = names }, y = { label = "against hardware, %", min = 0 },
    series = { { kind = "bars", y = medians } },
  }):write(path "medians.png")
  return "completion.png medians.png"
end
