--- Examples to train models from: runs of a family of workloads, with packets as the truth, or a
-- user's own recordings.
-- @module weft.learn_runs

local csv = require "weft.csv"
local effect = require "weft.effect"
local engine = require "weft.engine"
local engines = require "weft.engines"
local fail = require "weft.fail"
local family = require "weft.families.m4"
local learn = require "weft.learn"
local random = require "weft.random"
local simulation = require "weft.simulation"
local util = require "weft.util"

local M = {}

local LATER_PS = 100000 -- by how much flows start later, at most, for the floor

--- Case `number` of a training: every second one has sizes of a distribution of its own, from 64 B
-- with a heavy tail; the others have those of Meta's clusters.
-- @tparam number number counted from 1
-- @tparam table given `seed` (of the first), `flows`, `hosts`, `rate_bps`, `sizes` ("mixed",
-- "meta", "synthetic")
-- @treturn table a case of weft.families.m4
function M.case(number, given)
  local sizes = given.sizes
  if sizes == "mixed" then
    -- In pairs of four, so that each congestion control has both.
    sizes = math.floor((number - 1) / #family.CCS) % 2 == 0 and "synthetic" or "meta"
  end
  return family.case(given.seed + number - 1,
    { flows = given.flows, hosts = given.hosts, rate_bps = given.rate_bps, sizes = sizes })
end

local function simulate(case, word, more, later)
  local net = family.fabric(case)
  local options = effect.only(family.options(case, net))
  options.topology, options.set = net, more.set
  options.model, options.examples = more.model, more.examples
  local sim = simulation.new(engines.fitting(word, options))
  family.add_flows(case, sim, later)
  return sim
end

local function truth_of(case, set, later)
  local sim = simulate(case, "packet", { set = set }, later)
  if sim:run() == "interrupted" then return nil end
  local fct = sim.core:column("flows", "fct_ps")
  sim:unfinished() -- flows that are not complete are no examples
  sim:close()
  return fct
end

-- By how much completion times change when flows start up to 100 ns later, per cent: less cannot be
-- known of a flow.
local function floor_of(case, set, truth)
  local stream = random.stream(case.seed, "learn: later starts")
  local later = truth_of(case, set, function() return stream:integer(LATER_PS + 1) - 1 end)
  local sum, n = 0, 0
  for i, fct in ipairs(later or {}) do
    if fct > 0 and truth[i] > 0 then
      sum, n = sum + math.abs(fct - truth[i]) / truth[i], n + 1
    end
  end
  return n > 0 and 100 * sum / n or nil
end

--- Run a case with packets, and with the engine that is to be corrected.
-- @tparam table case
-- @tparam[opt] table given `set` (more options of the simulations), `floor` (work it out, too)
-- @treturn ?Examples nil if it was interrupted
-- @treturn ?number the floor, per cent
function M.run(case, given)
  given = given or {}
  local truth = truth_of(case, given.set)
  if not truth then return nil end
  local sim = simulate(case, "learned", { set = given.set, model = "none", examples = true })
  if sim:run() == "interrupted" then return nil end
  local recorded = sim:examples()
  sim:unfinished()
  sim:close()
  local examples = learn.of_run(recorded, truth, function() return case.seed end)
  return examples, given.floor and floor_of(case, given.set, truth) or nil
end

--- Begin the simulations of a case, so that what is wrong with their options is found.
-- @tparam table case
-- @tparam[opt] table set more options
function M.probe(case, set)
  simulate(case, "packet", { set = set }):close()
  simulate(case, "learned", { set = set, model = "none", examples = true }):close()
end

-- ---- recordings -------------------------------------------------------------------------------

local PS = { ps = 1, ns = 1e3, us = 1e6, s = 1e12 }
local GROUPS = 10 -- of a recording that does not say which flows are of one run

local COLUMNS = {
  { "src", type = "integer", min = 0 }, { "dst", type = "integer", min = 0 },
  { "size_bytes", type = "integer", min = 1 }, { "run", type = "integer", min = 0, default = -1 },
}
for _, name in ipairs { "start", "fct" } do
  for unit in util.sorted_pairs(PS) do
    COLUMNS[#COLUMNS + 1] = { name .. "_" .. unit, type = "number", default = false }
  end
end

local function time_of(row, name, place)
  for unit, factor in util.sorted_pairs(PS) do
    local value = row[name .. "_" .. unit]
    if value then return math.floor(value * factor + 0.5) end
  end
  return fail.at(place, "expected %s_ps, %s_ns, %s_us or %s_s", name, name,
    name, name)
end

-- Flows of a recording by their runs, in order.
local function read(path)
  local runs, order, number = {}, {}, 1
  for row in csv.rows(path, COLUMNS) do
    number = number + 1
    local place = ("%s:%d"):format(path, number)
    local flow = { src = row.src, dst = row.dst, size_bytes = row.size_bytes, place = place,
      start_ps = time_of(row, "start", place), fct_ps = time_of(row, "fct", place) }
    if not runs[row.run] then
      runs[row.run] = {}
      order[#order + 1] = row.run
    end
    table.insert(runs[row.run], flow)
  end
  table.sort(order)
  local list = {}
  for i, run in ipairs(order) do list[i] = runs[run] end
  if #list == 0 then fail.at(path, "expected flows, got none") end
  return list
end

--- Examples of recordings: CSV files with columns `src`, `dst` (numbers of hosts), `size_bytes`,
-- `start_ps` and `fct_ps` (or _ns, _us, _s), and `run` where a file has several. A run is a group;
-- the flows of a file that has one are ten, by the order of their starts.
-- @tparam {string,...} paths
-- @tparam table options of a simulation: `topology`, `cc`, ...
-- @treturn ?Examples nil if it was interrupted
function M.of_recordings(paths, options)
  local all, group = nil, 0
  for _, path in ipairs(paths) do
    local runs = read(path)
    for _, flows in ipairs(runs) do
      table.sort(flows, function(a, b) return a.start_ps < b.start_ps end)
      local truth = {}
      for i, flow in ipairs(flows) do truth[i] = flow.fct_ps end
      local recorded = M.record(flows, options)
      if not recorded then return nil end
      local parts, first = #runs == 1 and GROUPS or 1, group
      all = learn.of_run(recorded, truth, function(flow)
        return util.integer(first + math.floor(flow * parts / #flows))
      end, all)
      group = group + parts
    end
  end
  return all
end

--- What a model would be told of flows.
-- @tparam {table,...} flows `src`, `dst`, `size_bytes`, `start_ps`
-- @tparam table options of a simulation
-- @treturn ?table as sim:examples() gives it; nil if it was interrupted
function M.record(flows, options)
  local own = { model = "none", examples = true }
  for name, value in pairs(options) do own[name] = value end -- order-free: a copy
  local sim = simulation.new(engines.fitting("learned", own))
  for _, flow in ipairs(flows) do
    local src, dst = sim.fabric:host(flow.src, flow.place), sim.fabric:host(flow.dst, flow.place)
    engine.call(sim.core.flow_add, sim.core, { src = src.id, dst = dst.id,
      size_bytes = flow.size_bytes, start_ps = flow.start_ps })
  end
  if sim:run() == "interrupted" then return nil end
  local recorded = sim:examples()
  sim:unfinished()
  sim:close()
  return recorded
end

return M
