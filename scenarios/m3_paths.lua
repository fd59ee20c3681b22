--- Tails of slowdown from a sample of paths, as m3 estimates them, against packets: of whole
-- networks with random workloads, or, with --recorded, of recorded runs of single paths.

local pool = require "weft.pool"
local report = require "weft.report"
local stats = require "weft.stats"
local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local build = dofile(here .. "build/m3_paths.lua")

local args = weft.params {
  name = "m3_paths", out = false, format = "csv",
  brief = "Errors of the 99th percentile of slowdown when a network is taken apart into paths.",
  { name = "cases", type = "integer", default = 4, min = 1, max = 10000,
    help = "how many; case i has seed --seed + i - 1" },
  { name = "backends", default = "packet,fluid-cc,fluid,link",
    help = "words with commas between them, of engines; link: packets, each link alone" },
  { name = "paths", type = "integer", default = 100, min = 1, max = 100000, help = "drawn a case" },
  { name = "flows", type = "integer", default = 20000, min = 1, max = 10000000,
    help = "of a case" },
  { name = "hosts", type = "integer", default = 128, help = "32, 64 or 128" },
  { name = "cc", choices = build.CCS, default = "dctcp", help = "congestion control" },
  { name = "recorded", help = "folder with scenarios.csv and flows.csv of recorded paths, such as"
    .. " tests/reference/ns3-line: judge engines on these" },
  { name = "jobs", type = "integer", min = 1, max = 1024,
    help = "processes at a time; default: as many as cores" },
  { name = "run", type = "integer", help = "this case only: what the processes do" },
}

local backends = args:blame("backends", build.backends, args.backends)

local COLUMNS = {
  { "case" }, { "cc" }, { "backend" }, { "flows" }, { "paths" },
  { "p99_slowdown" }, { "true_p99_slowdown" }, { "p99_err_pct" }, { "low" }, { "high" },
  { "wall_s" }, { "true_wall_s" },
}

local function print_rows(rows) report.new(args.format):table(COLUMNS, rows) end

local function summary(rows)
  for _, backend in ipairs(backends) do
    local errors = {}
    for _, row in ipairs(rows) do
      if row.backend == backend then errors[#errors + 1] = math.abs(row.p99_err_pct) end
    end
    if #errors > 0 then
      io.stderr:write(("%s: error of the 99th percentile of slowdown over %d cases: mean %.1f %%,"
        .. " median %.1f, largest %.1f\n"):format(backend, #errors, stats.mean(errors),
        stats.percentile(errors, 50), stats.percentile(errors, 100)))
    end
  end
end

if args.recorded then
  local rows = args:blame("recorded", build.recorded, args.recorded, backends)
  print_rows(rows)
  return summary(rows)
end

if args.run then
  for _, row in ipairs(build.case(args.seed + args.run - 1, args.run, backends, args)) do
    print(build.line(row))
  end
  return
end

local words, items = {}, {}
for _, name in ipairs { "backends", "paths", "flows", "hosts", "cc", "seed" } do
  words[#words + 1] = "--" .. name
  words[#words + 1] = tostring(args[name])
end
for i = 1, args.cases do items[i] = ("%d"):format(i) end
local rows, looked = {}, 0
local outcome = pool.run {
  program = arg[-1], script = arg[0], arguments = words, items = items, jobs = args.jobs,
  done = function(line)
    local row = build.row(line)
    rows[#rows + 1], looked = row, looked + 1 / #backends
    io.stderr:write(("%.0f of %d: case %s, %s: error of p99 %.1f %%\n"):format(looked, args.cases,
      row.case, row.backend, row.p99_err_pct))
  end,
}
table.sort(rows, function(a, b)
  if a.case ~= b.case then return a.case < b.case end
  return build.place(backends, a.backend) < build.place(backends, b.backend)
end)
print_rows(rows)
summary(rows)
if outcome == "interrupted" then os.exit(130, true) end
if outcome == "failed" then os.exit(1, true) end
