--- How far engines are off packets, flow by flow, on a family of random workloads: m4's setting.
-- Or, with --max-min, completion times under max-min sharing of flows on given paths.

local pool = require "weft.pool"
local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local level = dofile(here .. "build/flow_level.lua")

local args = weft.params {
  name = "flow_level", out = false, format = "csv",
  brief = "Errors of engines against packets (compat = \"ns3\"), per flow, on random workloads.",
  { name = "family", choices = { "m4" }, default = "m4", help = "of workloads" },
  { name = "cases", type = "integer", default = 8, min = 1, max = 100000,
    help = "how many; case i has seed --seed + i - 1; seeds above 1000 are for judging" },
  { name = "engines", default = "packet,fluid,fluid-cc",
    help = "words with commas between them, of: " .. table.concat(weft.engines.words(), ", ") },
  { name = "flows", type = "integer", default = 2000, min = 1, max = 1000000, help = "of a case" },
  { name = "hosts", type = "integer", default = 32, help = "32, 64 or 128" },
  { name = "rate", type = "rate", default = "10Gbps",
    help = "of hosts; links between switches have four times it" },
  { name = "sizes", choices = { "meta", "synthetic" }, default = "meta",
    help = "distribution of flow sizes" },
  { name = "cc", choices = level.family.CCS, help = "in all cases; default: each in turn" },
  { name = "jobs", type = "integer", min = 1, max = 1024,
    help = "processes at a time; default: as many as cores" },
  { name = "keep", help = "folder for the times of all flows" },
  { name = "plot", help = "draw figures into this folder" },
  { name = "max_min", help = "folder with cases.csv, flows.csv and links.csv: print the completion"
    .. " time of each flow with engine fluid, and no more" },
  { name = "run", help = "this case only, its flows into --keep: what the processes do" },
}

local INTERRUPTED = 130

if args.max_min then
  local max_min = dofile(here .. "build/max_min.lua")
  os.exit(args:blame("max_min", max_min.run, args.max_min) and 0 or INTERRUPTED, true)
end

local words = args:blame(nil, weft.engines.list, "option --engines", args.engines)

local function case_of(number, flows)
  return level.family.case(args.seed + number - 1, {
    flows = flows or args.flows, hosts = args.hosts, rate_bps = args.rate, sizes = args.sizes,
    cc = args.cc,
  })
end

local hosts_are_known = false
for _, count in ipairs(level.family.HOSTS) do
  hosts_are_known = hosts_are_known or count == args.hosts
end
if not hosts_are_known then
  args:blame("hosts", weft.fail.raise, "expected 32, 64 or 128, got %d", args.hosts)
end

local quiet = args.quiet

local function name_of(number) return ("case-%05d"):format(number) end

if args.run then
  local number = tonumber(args.run)
  local folder = args:blame("keep", weft.results.folder, args.keep)
  level.store(folder, name_of(number), args:blame(nil, level.run, case_of(number), words, args.set))
  print(args.run)
  return
end

-- What is wrong with options is found before any process is started.
for _, word in ipairs(words) do
  args:blame(nil, level.simulation, case_of(1, 1), word, { set = args.set }):close()
end
local kept = args.keep
if not kept then
  kept = os.tmpname()
  os.remove(kept)
end
local folder = args:blame("keep", weft.results.folder, kept)
local plot_folder = args.plot and args:blame("plot", weft.results.folder, args.plot)

-- ---- the cases --------------------------------------------------------------------------------

local function arguments()
  local list = {
    "--family", args.family, "--seed", args.seed, "--engines", args.engines, "--flows", args.flows,
    "--hosts", args.hosts, "--rate", ("%.0fbps"):format(args.rate), "--sizes", args.sizes,
    "--keep", kept, "--quiet",
  }
  if args.cc then list[#list + 1], list[#list + 2] = "--cc", args.cc end
  for name, value in weft.util.sorted_pairs(args.set) do
    list[#list + 1] = "--set"
    list[#list + 1] = ("%s=%s"):format(name, tostring(value))
  end
  return list
end

local rows_of, samples_of, done_count = {}, {}, 0

local function done(text)
  local number = tonumber(text)
  local case = case_of(number, 1)
  samples_of[number] = level.load(folder, name_of(number))
  rows_of[number] = level.rows(number, case, samples_of[number], words)
  done_count = done_count + 1
  if quiet then return end
  local parts = {}
  for i, row in ipairs(rows_of[number]) do
    parts[i] = ("%s %s %%"):format(row.engine, weft.units.fixed(row.mean_err_pct or 0, 2))
  end
  io.stderr:write(("%d of %d: case %d, %s: mean error %s, floor %s %%\n"):format(done_count,
    args.cases, number, case.cc, table.concat(parts, ", "),
    weft.units.fixed(rows_of[number][1].floor_mean_pct or 0, 2)))
end

local numbers = {}
for i = 1, args.cases do numbers[i] = weft.util.integer(i) end
local outcome = pool.run {
  program = arg[-1], script = arg[0], arguments = arguments(), items = numbers, jobs = args.jobs,
  done = done,
}
if not args.keep then os.execute(("rm -r '%s'"):format(kept)) end

-- ---- results ----------------------------------------------------------------------------------

local rows, cases = {}, {}
for i = 1, args.cases do
  for _, row in ipairs(rows_of[i] or {}) do rows[#rows + 1] = row end
  cases[#cases + 1] = samples_of[i]
end

local pooled = level.pooled(cases)

local function two_digits(value) return weft.units.fixed(value, 2) end
local function three_digits(value) return weft.units.fixed(value, 3) end

local function print_summary(out)
  out:line("means over cases, per cent; floor: packets again, starts up to 100 ns later")
  out:table({
    { "engine" }, { "cc" }, { "cases" }, { "mean_err_pct", "mean", two_digits },
    { "p90_err_pct", "p90", two_digits },
    { "p99_slowdown_err_pct", "p99 slowdown", two_digits }, { "wall_s", "s a case", three_digits },
    { "floor_mean_pct", "floor: mean", two_digits }, { "floor_p90_err_pct", "p90", two_digits },
    { "floor_p99_slowdown_err_pct", "p99 slowdown", two_digits },
  }, level.summary(rows, words))
  for _, line in ipairs(pooled:verdict()) do out:line("%s", line) end
end

local columns = {
  { "case" }, { "cc" }, { "engine" }, { "flows" }, { "mean_err_pct", "mean %", two_digits },
  { "p90_err_pct", "p90 %", two_digits },
  { "p99_slowdown_err_pct", "p99 slowdown %", two_digits }, { "wall_s", "s", three_digits },
  { "floor_mean_pct", "floor mean %", two_digits },
}
if args.format == "json" then
  for _, name in ipairs { "seed", "missing", "bias_pct", "floor_p90_err_pct",
    "floor_p99_slowdown_err_pct" } do
    columns[#columns + 1] = { name }
  end
end
local out = weft.report.new(args.format)
out:table(columns, rows)
out:line("")
if args.format == "table" then
  print_summary(out)
elseif not quiet and #rows > 0 then
  print_summary(weft.report.new("table", io.stderr))
end
if plot_folder and #rows > 0 then
  local drawn = dofile(here .. "build/flow_level_plot.lua")(plot_folder, {
    rows = rows, words = words, pooled = pooled, summary = level.summary(rows, words),
  })
  if not quiet then io.stderr:write(("drawn in %s: %s\n"):format(args.plot, drawn)) end
end
for _, row in ipairs(rows) do
  if row.missing > 0 then
    io.stderr:write(("weft: case %d: %s does not complete %s that packets do\n"):format(row.case,
      row.engine, weft.util.counted(row.missing, "flow")))
  end
end
if outcome ~= "done" then
  io.stderr:write(("weft: %s: %d of %d cases have no result\n"):format(outcome,
    args.cases - done_count, args.cases))
  os.exit(outcome == "interrupted" and INTERRUPTED or 1, true)
end
