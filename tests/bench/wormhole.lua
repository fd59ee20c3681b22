-- What memoizing and skipping gain in training iterations, and what they cost in accuracy: runs of
-- scenarios/wormhole.lua one after the other, most of them also on the plain engine, which takes
-- minutes. `make bench-wormhole` starts it from the top folder; with arguments, only runs whose
-- names contain one of them. Prints "name value unit" rows and which of the bars hold, and writes
-- the rows to results/bench_wormhole/rows.csv in the columns of tests/bench/<machine>.csv.

local recording = dofile("tests/bench/recording.lua")

local BUILD = os.getenv("WEFT_BUILD") or "build/release"
local OUT = "results/bench_wormhole"

-- A bar: field of the report, whether it is a least or a most, and the limit.
local function least(field, limit) return { field = field, limit = limit, least = true } end
local function most(field, limit) return { field = field, limit = limit } end

local HEADLINE = {
  least("events_skipped_pct", 99.9), least("speedup", 500), most("fct_mean_err_pct", 0.1),
  most("fct_p99_err_pct", 1), most("iteration_err_pct", 0.1),
}
local MIXTURE = { least("speedup", 300), most("fct_mean_err_pct", 0.5), most("fct_p99_err_pct", 2) }
local BY_CC = { least("speedup", 100), most("fct_mean_err_pct", 1) }
local WORST = { least("speedup", 1 / 1.15), most("fct_mean_err_pct", 1) }

local SCENARIO = "scenarios/wormhole.lua"

-- Runs in their order: name, options, and bars. Those of 1,024 GPUs would take the plain engine the
-- better part of an hour: a shortened one is compared, and the full one audited.
local RUNS = {
  { "gpt13b_128/hpcc", "--compare --twin --model gpt13b --gpus 128", HEADLINE },
  { "moe8x13b_128/hpcc", "--compare --twin --model moe8x13b --gpus 128", MIXTURE },
}
for _, cc in ipairs { "hpcc", "dcqcn", "timely", "dctcp" } do
  for _, model in ipairs { "gpt7b", "moe8x7b" } do
    RUNS[#RUNS + 1] = {
      ("%s_64/%s"):format(model, cc), ("--compare --model %s --gpus 64 --cc %s"):format(model, cc),
      BY_CC,
    }
  end
end
for _, run in ipairs {
  { "moe8x13b_128_pp2/hpcc", "--compare --twin --model moe8x13b --gpus 128 --pp 2", {} },
  { "gpt22b_256/hpcc", "--compare --model gpt22b --gpus 256", {} },
  { "moe32x22b_256/hpcc", "--compare --model moe32x22b --gpus 256", {} },
  { "gpt175b_1024/hpcc", "--audit 0.01 --model gpt175b --gpus 1024", {} },
  { "gpt175b_1024_short/hpcc", "--compare --model gpt175b --gpus 1024 --scale-bytes 0.015625", {} },
  { "moe32x22b_1024/hpcc", "--audit 0.01 --model moe32x22b --gpus 1024", {} },
  { "moe32x22b_1024_short/hpcc",
    "--compare --model moe32x22b --gpus 1024 --scale-bytes 0.0625", {} },
  { "gpt13b_128_twice/hpcc", "--model gpt13b --gpus 128 --iterations 2",
    { most("second_iteration_pct", 5) } },
  { "gpt13b_128_steady/hpcc", "--model gpt13b --gpus 128 --scale-bytes 0.05 --accel steady", {} },
  { "gpt13b_128_steady_threads2/hpcc",
    "--model gpt13b --gpus 128 --scale-bytes 0.05 --accel steady --threads 2", {} },
  { "websearch/hpcc", "", WORST, script = "tests/bench/wormhole_worst.lua" },
  { "websearch/dctcp", "--cc dctcp", WORST, script = "tests/bench/wormhole_worst.lua" },
} do
  RUNS[#RUNS + 1] = run
end

-- Fields of the report that are kept, with their units.
local FIELDS = {
  { "speedup", "x" }, { "wall_s", "s" }, { "total_wall_s", "s" }, { "plain_wall_s", "s" },
  { "events", "1" }, { "plain_events", "1" }, { "events_skipped_pct", "%" },
  { "fct_mean_err_pct", "%" }, { "fct_p99_err_pct", "%" }, { "fct_max_err_pct", "%" },
  { "twin_mean_err_pct", "%" }, { "twin_p99_err_pct", "%" }, { "twin_max_err_pct", "%" },
  { "iteration_err_pct", "%" }, { "iteration_s", "s" }, { "second_iteration_pct", "%" },
  { "hits", "1" }, { "misses", "1" }, { "followers", "1" }, { "steady_spans", "1" },
  { "memo_spans", "1" }, { "memo_bytes", "B" }, { "memory_bytes", "B" },
  { "error_estimate", "1" }, { "audited", "1" }, { "audit_mean_pct", "%" },
  { "audit_high_pct", "%" }, { "audit_largest_pct", "%" },
}

-- The report of a run: numbers by name, of its JSON, which has one to a line.
local function report_of(run)
  local command = ("%s/weft %s %s --format json --out %s/%s 2>/dev/null"):format(BUILD,
    run.script or SCENARIO, run[2], OUT, (run[1]:gsub("/", "_")))
  local pipe = assert(io.popen(command))
  local report, count = {}, 0
  for line in pipe:lines() do
    local name, value = line:match("^%s*\"([%w_]+)\": (.-),?$")
    if name then report[name], count = tonumber(value), count + 1 end
  end
  local ended = pipe:close()
  return ended and count > 0 and report or nil
end

-- What the second of two iterations simulates, against the first: that alone is another run.
local function add_second_iteration(report)
  for _, run in ipairs(RUNS) do
    if run[1] == "gpt13b_128/hpcc" then
      local first = report_of { run[1] .. "_once", (run[2]:gsub("%-%-compare %-%-twin ", "")) }
      if first then
        report.second_iteration_pct = 100 * (report.events - first.events) / first.events
      end
    end
  end
end

local function judge(run, report)
  local failed = 0
  for _, bar in ipairs(run[3]) do
    local value = report[bar.field]
    local above, below = value and value >= bar.limit, value and value <= bar.limit
    local holds = bar.least and above or not bar.least and below
    print(("%s  %s/%s: %s, wanted at %s %g"):format(holds and "holds " or "FAILS ", run[1],
      bar.field, value and ("%.5g"):format(value) or "nothing", bar.least and "least" or "most",
      bar.limit))
    if not holds then failed = failed + 1 end
  end
  return failed
end

local function wanted(name)
  for _, part in ipairs(arg) do
    if name:find(part, 1, true) then return true end
  end
  return #arg == 0
end

os.execute("mkdir -p " .. OUT)
local version = recording.first_line("git describe --always --dirty") or "unversioned"
local when = os.date("!%Y-%m-%dT%H:%MZ")
local out = assert(io.open(OUT .. "/rows.csv", "w"))
out:write(recording.HEADER, "\n")

-- Rows of a run, shown and recorded.
local function record(run, report)
  for _, field in ipairs(FIELDS) do
    local value = report[field[1]]
    if value then
      local name = ("%s/wormhole/%s"):format(field[1], run[1])
      print(("%s %.6g %s"):format(name, value, field[2]))
      out:write(("%s,%s,%s,%.6g,%s\n"):format(when, version, name, value, field[2]))
    end
  end
  out:flush()
end

local failed, broken = 0, 0
for i, run in ipairs(RUNS) do
  if wanted(run[1]) then
    io.stderr:write(("%d of %d: %s\n"):format(i, #RUNS, run[1]))
    local report = report_of(run)
    if report then
      if run[1]:find("twice") then add_second_iteration(report) end
      record(run, report)
      failed = failed + judge(run, report)
    else
      broken = broken + 1
      print(("FAILS   %s did not end well"):format(run[1]))
    end
    io.stdout:flush()
  end
end
out:close()
print(("%s; %d bars do not hold, %d runs did not end well"):format(OUT .. "/rows.csv", failed,
  broken))
if broken > 0 then os.exit(1) end
