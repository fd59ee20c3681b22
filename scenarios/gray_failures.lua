--- m4's gray-failure study: AllReduces of a training step on 105 fabrics with N of 32 GPUs at 1/R
-- of their rates, beside the recorded results of ns-3, flowSim and m4.

local pool = require "weft.pool"
local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local gray = dofile(here .. "build/gray_failures.lua")
local sweep = dofile(here .. "build/gray_sweep.lua")

local args = weft.params {
  name = "gray_failures",
  brief = "Completion times of a training step on fabrics with degraded GPUs, against recorded ones"
    .. " of ns-3, flowSim and m4.",
  { name = "data", help = "folder with completion_times.csv and topologies/, such as"
    .. " tests/reference/gray-failures; without it, or a file in it, fabrics are made by rule" },
  { name = "engine", engine = true, default = "packet", help = "what simulates" },
  { name = "degraded", type = "integer", min = 2, max = 16, help = "this N only" },
  { name = "factor", type = "integer", min = 4, max = 10, help = "this R only" },
  { name = "recorded", type = "boolean", help = "only what ns-3's results are there for" },
  { name = "repeats", type = "integer", default = 2, min = 1, max = 100,
    help = "runs of each scenario, with seeds from --seed on; their mean counts" },
  { name = "shrink", type = "integer", default = 1, min = 1, max = 65536,
    help = "divisor of the two sizes, for a quick look; nothing is compared then" },
  { name = "jobs", type = "integer", min = 1, max = 1024,
    help = "processes at a time; default: as many as cores" },
  { name = "plot", help = "draw figures into this folder" },
  { name = "run", help = "this scenario, such as n08_r04, into the folder and no more: what the"
    .. " processes of a sweep do" },
}

local INTERRUPTED = 130
local COLUMNS = {
  "degraded_gpus", "reduction_factor", "backend", "allreduce_16mib_us", "allreduce_256mib_us",
  "total_us",
}

local backend = "weft_" .. args.engine

local recorded = args.data and sweep.recorded(args.data .. "/completion_times.csv") or {}

local scenarios = {}
for _, one in ipairs(args:blame("data", gray.scenarios, args.data)) do
  if (not args.degraded or one.degraded == args.degraded)
    and (not args.factor or one.factor == args.factor)
    and (not args.recorded or recorded.ns3 and recorded.ns3[one.name])
    and (not args.run or one.name == args.run) then
    scenarios[#scenarios + 1] = one
  end
end
local quiet = args.quiet
if #scenarios == 0 then
  args:blame(args.run and "run" or "recorded", weft.fail.raise, "no such scenario%s",
    args.data and " in " .. args.data or "; say where with --data")
end
-- Times of smaller AllReduces compare with nothing.
if args.shrink > 1 then recorded = {} end

local function build(scenario, seed)
  return args:blame(nil, gray.build, scenario, {
    engine = args.engine, seed = seed, set = args.set, shrink = args.shrink,
  })
end

-- One run of a scenario: its row, or nil when it was interrupted.
local function run_once(scenario, seed)
  local sim, job = build(scenario, seed)
  local began = os.clock()
  if sim:run { progress = not quiet and nil } == "interrupted" then os.exit(INTERRUPTED, true) end
  local row = gray.times(job)
  if not row then
    io.stderr:write(("weft: %s: %s\n"):format(scenario.name, job:summary()))
    os.exit(1, true)
  end
  row.degraded_gpus, row.reduction_factor = scenario.degraded, scenario.factor
  row.backend, row.seed, row.cpu_s = backend, seed, os.clock() - began
  row.fingerprint = sim:stats().fingerprint
  sim.core:close()
  return row
end

-- What is wrong with the core or its options is found before any folder is made.
build(scenarios[1], args.seed)
local folder = args:blame("out", weft.results.folder, args.out)

if args.run then
  local rows = {}
  for i = 1, args.repeats do rows[i] = run_once(scenarios[1], args.seed + i - 1) end
  sweep.store(folder, scenarios[1], rows)
  print(scenarios[1].name)
  return
end

args:blame("out", sweep.claim, folder, {
  scenario = "gray_failures", version = weft.version, engine = args.engine, seed = args.seed,
  repeats = args.repeats, shrink = args.shrink, set = args.set, data = args.data ~= nil,
})
local plot_folder = args.plot and args:blame("plot", weft.results.folder, args.plot)

local results, missing = {}, {}
for _, one in ipairs(scenarios) do
  results[one.name] = sweep.load(folder, one)
  if not results[one.name] then missing[#missing + 1] = one end
end

-- ---- the sweep --------------------------------------------------------------------------------

local function arguments()
  local list = {
    "--engine", args.engine, "--seed", args.seed, "--repeats", args.repeats,
    "--shrink", args.shrink, "--out", args.out, "--quiet",
  }
  if args.data then
    list[#list + 1] = "--data"
    list[#list + 1] = args.data
  end
  for name, value in weft.util.sorted_pairs(args.set) do
    list[#list + 1] = "--set"
    list[#list + 1] = ("%s=%s"):format(name, tostring(value))
  end
  return list
end

local began, through = os.time(), 0

local function done(name)
  through = through + 1
  for _, one in ipairs(missing) do
    if one.name == name then results[name] = sweep.load(folder, one) end
  end
  if quiet then return end
  local left_s = (os.time() - began) / through * (#missing - through)
  local truth = recorded.ns3 and recorded.ns3[name]
  io.stderr:write(("%d of %d: %s %.3f ms%s; %s left\n"):format(through, #missing, name,
    results[name].total_us / 1000, truth and (", ns-3 %.3f ms (%+.1f %%)"):format(
      truth.total_us / 1000, 100 * (results[name].total_us / truth.total_us - 1)) or "",
    weft.units.format_time(math.ceil(left_s) * 1e12)))
end

local outcome = "done"
if #missing > 0 then
  local jobs, names = math.min(args.jobs or pool.cores(), #missing), {}
  for i, one in ipairs(missing) do names[i] = one.name end
  if not quiet then
    io.stderr:write(("%d of %d scenarios are there; the others, %d at a time\n"):format(
      #scenarios - #missing, #scenarios, jobs))
  end
  outcome = pool.run {
    program = arg[-1], script = arg[0], arguments = arguments(), jobs = jobs, items = names,
    done = done,
  }
end

-- ---- results ----------------------------------------------------------------------------------

local rows, by_name = {}, {}
for _, one in ipairs(scenarios) do
  local row = results[one.name]
  if row then
    local truth = recorded.ns3 and recorded.ns3[one.name]
    row.ns3_total_us = truth and truth.total_us
    row.error_pct = truth and 100 * (row.total_us / truth.total_us - 1)
    rows[#rows + 1], by_name[one.name] = row, row
  end
end

local function one_digit(value) return ("%.1f"):format(value) end
local function two_digits(value) return ("%.2f"):format(value) end
local function signed(value) return ("%+.2f"):format(value) end

local function summary()
  local list = {}
  if recorded.ns3 then
    list[1] = sweep.summary(backend, by_name, recorded.ns3)
    for name, one in weft.util.sorted_pairs(recorded) do
      if name ~= "ns3" then list[#list + 1] = sweep.summary(name, one, recorded.ns3) end
    end
  end
  return list
end

-- Times in whole ns, as recorded ones are.
local function rounded(list)
  local copies = {}
  for i, row in ipairs(list) do
    local copy = {}
    for _, name in ipairs(COLUMNS) do copy[name] = row[name] end
    for _, name in ipairs { "allreduce_16mib_us", "allreduce_256mib_us", "total_us" } do
      copy[name] = args.format == "csv" and ("%.3f"):format(row[name]) or row[name]
    end
    copies[i] = copy
  end
  return copies
end

local function print_summary(out)
  local list, spread, count = summary(), 0, 0
  for _, row in ipairs(rows) do
    if row.spread_pct then spread, count = spread + row.spread_pct, count + 1 end
  end
  if count > 0 then
    out:line("totals of weft's own runs differ by %.1f %% from seed to seed (standard deviation)",
      spread / count)
  end
  if #list == 0 then return end
  out:line("")
  out:line("against ns-3, per cent: mean absolute error of each AllReduce and of the total")
  out:table({
    { "backend" }, { "scenarios" },
    { "allreduce_16mib_us", "16 MiB", two_digits },
    { "allreduce_256mib_us", "256 MiB", two_digits },
    { "total_us", "total", two_digits }, { "signed_pct", "mean of total", signed },
    { "largest_pct", "largest of total", two_digits },
  }, list)
end

local out = weft.report.new(args.format)
if args.format == "table" then
  out:table({
    { "degraded_gpus", "N" }, { "reduction_factor", "R" },
    { "allreduce_16mib_us", "16 MiB us", one_digit },
    { "allreduce_256mib_us", "256 MiB us", one_digit }, { "total_us", "total us", one_digit },
    { "spread_pct", "spread %", two_digits }, { "cpu_s", "s a run", one_digit },
    { "ns3_total_us", "ns-3 us", one_digit }, { "error_pct", "error %", signed },
  }, rows)
  out:line("")
  print_summary(out)
else
  local columns = {}
  for i, name in ipairs(COLUMNS) do columns[i] = { name } end
  out:table(columns, rounded(rows))
  if not quiet then print_summary(weft.report.new("table", io.stderr)) end
end
if plot_folder and #rows > 0 then
  local drawn = dofile(here .. "build/gray_plot.lua")(plot_folder, {
    rows = rows, recorded = recorded, backend = backend, sweep = sweep, gray = gray,
  })
  out:line("")
  out:line("drawn in %s: %s", args.plot, drawn)
end

if outcome ~= "done" then
  io.stderr:write(("weft: %s: %d of %d scenarios have no result; the same again goes on\n"):format(
    outcome, #scenarios - #rows, #scenarios))
  os.exit(outcome == "interrupted" and INTERRUPTED or 1, true)
end
