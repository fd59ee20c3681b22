--- Cases of a family of workloads (weft.families.m4) run with several engines: the runs of one
-- case, the files in which they are kept, and the rows that say how far each engine is off.
--
-- The truth is weft's packets in compat = "ns3". The floor is the same once more, each flow
-- starting up to 100 ns later.

local compare = require "weft.compare"
local effect = require "weft.effect"
local family = require "weft.families.m4"
local weft = require "weft"


local M = { family = family }

local PS_PER_NS = 1000
local LATER_PS = 100 * PS_PER_NS
local INTERRUPTED = 130
local TRUTH, FLOOR = "packet", "floor"

-- ---- runs -------------------------------------------------------------------------------------

--- A simulation of a case with all its flows, ready to run.
-- @tparam table case of the family
-- @tparam string word for the engine
-- @tparam[opt] table given `set` (more options of a simulation), `later` (stream of random numbers:
-- each flow starts up to 100 ns later)
-- @treturn Simulation
function M.simulation(case, word, given)
  given = given or {}
  local net = family.fabric(case)
  local options = effect.only(family.options(case, net))
  options.topology, options.set = net, given.set
  local sim = weft.simulation(weft.engines.fitting(word, options))
  family.add_flows(case, sim, given.later and function()
    return given.later:integer(LATER_PS + 1) - 1
  end)
  return sim
end

-- One run: completion times (below 0 where there is none), ideal ones, s on the clock.
local function run_once(case, word, given)
  local sim = M.simulation(case, word, given)
  local began = weft.util.wall_s()
  if sim:run() == "interrupted" then os.exit(INTERRUPTED, true) end
  local run = { wall_s = weft.util.wall_s() - began, fct_ps = sim.core:column("flows", "fct_ps") }
  run.ideal_ps = sim.core:column("flows", "ideal_ps")
  sim:unfinished() -- flows that an engine does not complete are counted below
  sim:close()
  return run
end

--- Run a case with engines, the truth and the floor.
-- @tparam table case
-- @tparam {string,...} words
-- @tparam[opt] table set more options of a simulation
-- @treturn {table,...} samples for weft.compare, the truth first and the floor last
function M.run(case, words, set)
  local truth = run_once(case, TRUTH, { set = set })
  local later = weft.random.stream(case.seed, "flow level: later starts")
  local runs = { { TRUTH, truth } }
  for _, word in ipairs(words) do
    if word ~= TRUTH then runs[#runs + 1] = { word, run_once(case, word, { set = set }) } end
  end
  runs[#runs + 1] = { FLOOR, run_once(case, TRUTH, { set = set, later = later }) }
  local samples = {}
  for r, named in ipairs(runs) do
    local run, n = named[2], 0
    local sample = {
      engine = named[1], wall_s = run.wall_s, missing = 0,
      size_bytes = {}, truth_ps = {}, fct_ps = {}, ideal_ps = {},
    }
    for i, flow in ipairs(case.flows) do
      local is_known = truth.fct_ps[i] >= 0
      if is_known and run.fct_ps[i] >= 0 then
        n = n + 1
        sample.size_bytes[n], sample.fct_ps[n] = flow.size_bytes, run.fct_ps[i]
        sample.truth_ps[n], sample.ideal_ps[n] = truth.fct_ps[i], truth.ideal_ps[i]
      elseif is_known then
        sample.missing = sample.missing + 1
      end
    end
    samples[r] = sample
  end
  return samples
end

-- ---- files ------------------------------------------------------------------------------------

local LISTS = { "size_bytes", "truth_ps", "fct_ps", "ideal_ps" }
local COUNT = { type = "integer", min = 0 }

local function column(name) return { name, type = COUNT.type, min = COUNT.min } end

--- Keep the samples of a case: `<name>.csv` with its flows, and `<name>-runs.csv`.
-- @tparam function folder as of weft.results.folder
-- @tparam string name
-- @tparam {table,...} samples
function M.store(folder, name, samples)
  weft.util.write_file(folder(name .. ".csv"), function(file)
    file:write("engine,", table.concat(LISTS, ","), "\n")
    for _, sample in ipairs(samples) do
      for i = 1, #sample.fct_ps do
        file:write(("%s,%.0f,%.0f,%.0f,%.0f\n"):format(sample.engine, sample.size_bytes[i],
          sample.truth_ps[i], sample.fct_ps[i], sample.ideal_ps[i]))
      end
    end
  end)
  weft.csv.write(folder(name .. "-runs.csv"), { "engine", "wall_s", "missing" }, samples)
end

--- Read what M.store wrote.
-- @treturn {table,...} samples
function M.load(folder, name)
  local samples, by_name = {}, {}
  for i, row in ipairs(weft.csv.read(folder(name .. "-runs.csv"),
    { "engine", { "wall_s", type = "number" }, column "missing" })) do
    for _, list in ipairs(LISTS) do row[list] = {} end
    samples[i], by_name[row.engine] = row, row
  end
  for row in weft.csv.rows(folder(name .. ".csv"), { "engine", column "size_bytes",
    column "truth_ps", column "fct_ps", column "ideal_ps" }) do
    local sample = by_name[row.engine]
    for _, list in ipairs(LISTS) do table.insert(sample[list], row[list]) end
  end
  return samples
end

-- ---- rows -------------------------------------------------------------------------------------

local FIGURES = { "mean_err_pct", "p90_err_pct", "p99_slowdown_err_pct" }

--- Rows of a case: one for each engine asked for.
-- @tparam number number of the case
-- @tparam table case
-- @tparam {table,...} samples
-- @tparam {string,...} words
-- @treturn {table,...}
function M.rows(number, case, samples, words)
  local by_name, rows = {}, {}
  for _, sample in ipairs(samples) do by_name[sample.engine] = sample end
  local floor = compare.figures(by_name[FLOOR])
  for i, word in ipairs(words) do
    local sample = by_name[word]
    local row = compare.figures(sample)
    row.case, row.seed, row.cc, row.engine = number, case.seed, case.cc, word
    row.wall_s, row.missing = sample.wall_s, sample.missing
    row.true_slowdown_p99 = compare.figures(by_name[TRUTH]).slowdown_p99
    for _, name in ipairs(FIGURES) do row["floor_" .. name] = floor[name] end
    row.floor_mean_pct = floor.mean_err_pct
    rows[i] = row
  end
  return rows
end

-- Means over rows, of those that have a figure.
local function means(rows, names)
  local row = { cases = weft.util.integer(#rows) }
  for _, name in ipairs(names) do
    local sum, count = 0, 0
    for _, one in ipairs(rows) do
      if one[name] then sum, count = sum + one[name], count + 1 end
    end
    row[name] = count > 0 and sum / count or nil
  end
  return row
end

local AVERAGED = { "wall_s", "floor_mean_pct", "floor_p90_err_pct", "floor_p99_slowdown_err_pct" }
for _, name in ipairs(FIGURES) do AVERAGED[#AVERAGED + 1] = name end

--- Means over cases: a row for each engine and congestion control, and one for an engine over all.
-- @tparam {table,...} rows of all cases
-- @tparam {string,...} words
-- @treturn {table,...} `engine`, `cc` ("all" for all of them), `cases`, the means
function M.summary(rows, words)
  local list = {}
  local function add(word, cc)
    local chosen = {}
    for _, row in ipairs(rows) do
      if row.engine == word and (cc == "all" or row.cc == cc) then chosen[#chosen + 1] = row end
    end
    if #chosen == 0 then return end
    local row = means(chosen, AVERAGED)
    row.engine, row.cc = word, cc
    list[#list + 1] = row
  end
  for _, word in ipairs(words) do
    for _, cc in ipairs(family.CCS) do add(word, cc) end
    add(word, "all")
  end
  return list
end

--- All samples of an engine in one, over the cases.
-- @tparam {table,...} cases lists of samples
-- @treturn Comparison
function M.pooled(cases)
  local all, by_name = {}, {}
  for _, samples in ipairs(cases) do
    for _, sample in ipairs(samples) do
      local pool = by_name[sample.engine]
      if not pool then
        pool = { engine = sample.engine, wall_s = 0, missing = 0 }
        for _, list in ipairs(LISTS) do pool[list] = {} end
        by_name[sample.engine], all[#all + 1] = pool, pool
      end
      pool.wall_s = pool.wall_s + sample.wall_s
      pool.missing = pool.missing + sample.missing
      for _, list in ipairs(LISTS) do
        for _, value in ipairs(sample[list]) do table.insert(pool[list], value) end
      end
    end
  end
  return compare.of { truth = TRUTH, samples = all }
end

return M
