--- Cases of scenarios/m3_paths.lua: estimates of the tail of slowdown by paths, beside that of all
-- flows in a run of the whole network by packets.

local fail = require "weft.fail"
local paths = require "weft.paths"
local stats = require "weft.stats"
local util = require "weft.util"
local weft = require "weft"

local here = debug.getinfo(1, "S").source:match("^@(.*/)") or ""
local level = dofile(here .. "flow_level.lua")
local line = dofile(here .. "ns3_line.lua")

local M = { CCS = level.family.CCS }

local LINK = "link"

--- Words of backends: of engines that have flows of their own speed, and "link".
-- @tparam string text with commas
-- @treturn {string,...}
function M.backends(text)
  local list = {}
  for word in (text .. ","):gmatch "([^,]*)," do
    word = word:match "^%s*(.-)%s*$"
    if word ~= LINK then word = weft.engines.list("backends", word)[1] end
    list[#list + 1] = word
  end
  if #list == 0 then fail.raise "expected words of engines, got none" end
  return list
end

--- Where a word is in a list.
function M.place(list, word)
  for i, one in ipairs(list) do if one == word then return i end end
  return #list + 1
end

local NAMES = {
  "case", "cc", "backend", "flows", "paths", "p99_slowdown", "true_p99_slowdown", "p99_err_pct",
  "low", "high", "wall_s", "true_wall_s",
}
local IS_TEXT = { cc = true, backend = true }

--- A row as a line that a process prints, and back.
function M.line(row)
  local parts = {}
  for i, name in ipairs(NAMES) do
    parts[i] = IS_TEXT[name] and row[name] or ("%.9g"):format(row[name] or 0)
  end
  return table.concat(parts, ",")
end

function M.row(text)
  local row, i = {}, 0
  for part in (text .. ","):gmatch "([^,]*)," do
    i = i + 1
    row[NAMES[i]] = IS_TEXT[NAMES[i]] and part or tonumber(part)
  end
  for _, name in ipairs { "case", "flows", "paths" } do row[name] = util.integer(row[name]) end
  return row
end

--- A case with all backends.
-- @tparam number seed of the workload
-- @tparam number number of the case
-- @tparam {string,...} backends
-- @tparam table given `flows`, `hosts`, `cc`, `paths`
-- @treturn {table,...} rows
function M.case(seed, number, backends, given)
  local case = level.family.case(seed, { flows = given.flows, hosts = given.hosts, cc = given.cc })
  local function simulation() return level.simulation(case, "packet", {}) end
  local truth = paths.whole { simulation = simulation }
  local true_p99, rows = truth:percentile(99), {}
  for i, backend in ipairs(backends) do
    local estimate = paths.estimate {
      simulation = simulation, backend = backend == LINK and "packet" or backend,
      by = backend == LINK and "link" or "path", paths = given.paths, seed = seed,
    }
    local p99 = estimate:percentile(99)
    local low, high = estimate:interval(99)
    rows[i] = {
      case = number, cc = case.cc, backend = backend, flows = given.flows, paths = given.paths,
      p99_slowdown = p99, true_p99_slowdown = true_p99, p99_err_pct = 100 * (p99 / true_p99 - 1),
      low = low, high = high, wall_s = estimate.wall_s, true_wall_s = truth.wall_s,
    }
  end
  return rows
end

-- The tail of slowdown of a recorded path's own flows: from its first host to its last.
local function tail(scenario, samples, name)
  local list = {}
  for i, flow in ipairs(scenario.flows) do
    local one = samples[i]
    if flow.src == 0 and flow.dst == scenario.hosts - 1 and one[name] and one.ideal_ns then
      list[#list + 1] = math.max(1, one[name] / one.ideal_ns)
    end
  end
  return #list > 0 and stats.percentile(list, 99) or nil, #list
end

--- Recorded paths with all engines.
-- @tparam string dir
-- @tparam {string,...} backends
-- @treturn {table,...} rows
function M.recorded(dir, backends)
  local rows = {}
  for _, scenario in ipairs(line.read(dir).scenarios) do
    for _, backend in ipairs(backends) do
      if backend ~= LINK then
        local began = util.wall_s()
        local samples, sim = line.run(scenario, { engine = backend })
        local true_p99, count = tail(scenario, samples, "ns3_ns")
        local p99 = tail(scenario, samples, "weft_ns")
        sim:close()
        if p99 and true_p99 then
          rows[#rows + 1] = {
            case = util.integer(scenario.scenario), cc = scenario.cc, backend = backend,
            flows = util.integer(count), paths = util.integer(1), p99_slowdown = p99,
            true_p99_slowdown = true_p99, p99_err_pct = 100 * (p99 / true_p99 - 1),
            wall_s = util.wall_s() - began,
          }
        end
      end
    end
  end
  return rows
end

return M
