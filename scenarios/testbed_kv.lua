--- m4's testbed, simulated: how long a key-value application takes on 12 machines at 10 Gbit/s,
-- beside the recorded times of the hardware.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local kv = dofile(here .. "build/kv.lua")
local plot = dofile(here .. "build/kv_plot.lua")

local args = weft.params {
  name = "testbed_kv",
  brief = "Completion time of a key-value application against hardware: values of 100 to 1000 KB,"
    .. " window 1, 2, 4.",
  { name = "data", help = "folder with completion_ms.csv and what was recorded of the hosts;"
    .. " default: tests/reference/testbed" },
  { name = "engine", engine = true, default = "packet", help = "what simulates" },
  { name = "case", help = "this one only, such as 250_1: KB and window" },
  { name = "operations", type = "integer", default = 650, min = 91, max = 100000,
    help = "of each client, as on the testbed; at least 91, as the last 1,000 of all count" },
  { name = "overheads", choices = { "recorded", "mean", "none" }, default = "recorded",
    help = "time that hosts take: drawn from recorded ones, the mean of these, or none" },
  { name = "start", type = "time", default = "45ms", min = 0,
    help = "clients begin at random within this time" },
  { name = "plot", help = "draw completion.png and medians.png into this folder" },
  { name = "explain", type = "boolean", help = "print the engine's configuration on stderr" },
}

-- The published medians leave these out.
local UNCOUNTED_KB = 100

local data = args:blame("data", kv.read, args.data or here .. "../tests/reference/testbed")
local cases = {}
for _, case in ipairs(data.cases) do
  if not args.case or case.case == args.case then cases[#cases + 1] = case end
end
if #cases == 0 then
  local names = {}
  for i, case in ipairs(data.cases) do names[i] = case.case end
  args:blame("case", weft.fail.raise, "no recorded case '%s'%s", args.case,
    weft.fail.hint(args.case, names))
end

local function build(case)
  return args:blame(nil, kv.build, case, {
    overheads = data.overheads, kind = args.overheads, operations = args.operations,
    start = args.start, seed = args.seed, set = args.set, engine = args.engine,
  })
end

local first = build(cases[1]) -- what is wrong with the core's options is found before any folder
local path = args:blame("out", weft.results.folder, args.out)
local plot_path = args.plot and args:blame("plot", weft.results.folder, args.plot)
if args.explain then weft.report.explain(first) end

local function one_digit(value) return ("%.1f"):format(value) end
local function two_digits(value) return ("%+.2f"):format(value) end
local function three_digits(value) return ("%.3f"):format(value) end

-- One case run: its row, or nil when it was interrupted.
local function run(case)
  local sim, job = build(case)
  local outcome = sim:run()
  if outcome == "interrupted" then return nil end
  local weft_ms, complete = kv.completion_ms(job)
  local row = {
    case = case.case, size_kb = case.size_kb, window = case.window,
    hardware_ms = case.hardware_ms, weft_ms = weft_ms,
    error_pct = weft_ms and 100 * (weft_ms / case.hardware_ms - 1),
    incomplete = job:result().operations - complete,
    fingerprint = sim:stats().fingerprint,
  }
  if complete > 0 then row.reply_us, row.read_us = kv.parts_us(job) end
  return row
end

local rows, interrupted = {}, false
for i, case in ipairs(cases) do
  rows[i] = run(case)
  if not rows[i] then
    interrupted = true
    break
  end
  if not args.quiet and #cases > 1 then
    io.stderr:write(("%d of %d: %s\n"):format(i, #cases, case.case))
  end
end

local columns = {
  { "case" },
  { "size_kb", "KB" },
  { "window", "window" },
  { "hardware_ms", "hardware ms", three_digits },
  { "weft_ms", "weft ms", three_digits },
  { "error_pct", "error %", two_digits },
  { "reply_us", "reply us", one_digit },
  { "read_us", "read us", one_digit },
}
if args.format ~= "table" then columns[#columns + 1] = { "fingerprint" } end

-- Absolute errors of the rows that `counts` takes.
local function errors_of(counts)
  local sizes = {}
  for _, row in ipairs(rows) do
    if row.error_pct and counts(row) then sizes[#sizes + 1] = math.abs(row.error_pct) end
  end
  return #sizes > 0 and weft.stats.summary(sizes) or nil
end

local out = weft.report.new(args.format)
local function print_errors(what, errors)
  if not errors then return end
  out:line("%-22s %2d cases: median %.2f %%, mean %.2f %%, largest %.2f %%", what, errors.count,
    errors.p50, errors.mean, errors.max)
end

out:table(columns, rows)
out:line("")
local errors = errors_of(function(row) return row.size_kb ~= UNCOUNTED_KB end)
print_errors("error, as published", errors)
for _, window in ipairs { 1, 2, 4 } do
  print_errors("  window " .. window, errors_of(function(row)
    return row.size_kb ~= UNCOUNTED_KB and row.window == window
  end))
end
for _, one in ipairs(data.published) do
  out:line("%-22s           median %.1f %%", "  published, " .. one.backend, one.median_error_pct)
end

weft.util.write_file(path "completion.csv", function(file)
  local names = {}
  for i, column in ipairs(columns) do names[i] = column[1] end
  weft.csv.write_rows(file, names, rows)
end)
weft.util.write_file(path "run.json", weft.json.encode({
  scenario = "testbed_kv", version = weft.version, parameters = args:parameters(),
  configuration = weft.report.configuration_values(first), errors = errors, cases = rows,
}, "  ") .. "\n")
local drawn = plot_path and #rows > 0 and plot(plot_path, rows, errors, data.published)
out:line("")
out:line("written to %s: completion.csv run.json", args.out)
if drawn then out:line("written to %s: %s", args.plot, drawn) end

if interrupted then
  io.stderr:write("weft: interrupted; results so far are in ", args.out, "\n")
  os.exit(130, true)
end
local incomplete = 0
for _, row in ipairs(rows) do
  if row.incomplete > 0 then
    io.stderr:write(("weft: case %s: %d operations are not complete\n"):format(row.case,
      row.incomplete))
  end
  incomplete = incomplete + row.incomplete
end
if incomplete > 0 then os.exit(1, true) end
