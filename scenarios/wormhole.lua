--- How much faster are training iterations with memoized transients and skipped steady states, and
-- how far off? The setting of Wormhole's evaluation; docs/wormhole.md has what came out.

local notice = require "weft.notice"
local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local wormhole = dofile(here .. "build/wormhole.lua")
local comparison = dofile(here .. "build/wormhole_compare.lua")
local plot = dofile(here .. "build/wormhole_plot.lua")

local args = weft.params {
  name = "wormhole",
  brief = "A training iteration on a rail-optimised fabric, accelerated, and against the plain"
    .. " engine.",
  { name = "model", choices = wormhole.models, default = "gpt13b", help = "what is trained" },
  { name = "engine", engine = true, default = "packet",
    help = "what moves the flows; another than packet is compared with it" },
  { name = "gpus", type = "integer", default = 128, min = 16, max = 65536,
    help = "GPUs, 8 to a server" },
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "accel", choices = wormhole.accelerations,
    help = "skip steady states, take transients from memory, or both (default with packets)" },
  { name = "compare", type = "boolean", help = "run plain packets too, and compare every flow" },
  { name = "twin", type = "boolean",
    help = "and once more with links 10 ps longer: how far the plain engine is off itself" },
  { name = "audit", type = "number", default = 0, min = 0, max = 1,
    help = "part of the skipped spans that is simulated all the same, to measure the error" },
  { name = "memo", help = "file that transients are taken from, and kept in" },
  { name = "threads", type = "integer", default = 1, min = 1, max = 1024,
    help = "that may work on a run" },
  { name = "nic", type = "rate", default = "100Gbps", min = 1e6, help = "rate of a GPU's NIC" },
  { name = "iterations", type = "integer", default = 1, min = 1, max = 1000, help = "how many" },
  { name = "scale_bytes", type = "number", default = 1, min = 1e-9, max = 1000,
    help = "factor on all messages: a shortened run" },
  { name = "merge_steps", type = "integer", min = 1,
    help = "with engine fluid: steps of a ring that are one flow; default: 1, more where all rings"
      .. " would have over 4 million messages" },
  { name = "pp", type = "integer", min = 1, help = "stages of the pipeline, not the model's" },
  { name = "ep", type = "integer", min = 1,
    help = "ranks that share a set of experts; default: as many as there are experts" },
  { name = "embedding", type = "boolean",
    help = "sum the embedding's gradients over first and last stage too" },
  { name = "plot", help = "draw pictures into this folder" },
  { name = "plan", type = "boolean", help = "print groups and what they move, and run nothing" },
  { name = "explain", type = "boolean", help = "print the engine's configuration on stderr" },
}

local has_packets = args.engine == "packet"
local accel = args.accel or (has_packets and "both" or "none")
if not has_packets and accel ~= "none" then
  args:blame("accel", weft.fail.raise, "expected none with engine %s, got %s", args.engine, accel)
end

if args.merge_steps and args.engine ~= "fluid" then
  args:blame("merge_steps", weft.fail.raise, "expected none with engine %s, got %d", args.engine,
    args.merge_steps)
end

local groups = args:blame("gpus", wormhole.groups, args.model, args.gpus, args.pp, args.ep)

if args.memo and accel ~= "memo" and accel ~= "both" then
  args:blame("memo", weft.fail.raise, "expected --accel memo or both, got %s", accel)
end

-- Steps of a ring that the fluid engine takes together: it takes about a us for each flow.
local RING_MESSAGES = 4000000

local function merge_steps()
  if args.merge_steps or args.engine ~= "fluid" then return args.merge_steps end
  if args.set.merge_steps then return nil end
  local messages = args.iterations * args.gpus * 2 * (groups.dp - 1)
  local steps = math.ceil(messages / RING_MESSAGES)
  if steps <= 1 then return nil end
  notice.say("wormhole: %d steps of each ring are one flow, as there are %.3g messages; "
    .. "--merge-steps 1 sends each by itself", steps, messages)
  return steps
end

-- A run that is ready, accelerated in a way; `more`: options of the core; `twin`: with links that
-- are a little longer.
local function prepare(method, more, twin)
  local engine = { seed = args.seed, threads = args.threads }
  for key, value in pairs(more or {}) do engine[key] = value end -- order-free: a copy
  if weft.core.engine_can(engine.engine or "packet", "cc") then engine.cc = args.cc end
  return args:blame(nil, wormhole.build, {
    model = args.model, gpus = args.gpus, groups = groups, nic = args.nic, accel = method,
    iterations = args.iterations, scale_bytes = args.scale_bytes, embedding = args.embedding,
    twin = twin, set = args.set, engine = engine,
  })
end

-- What was skipped is in the table of the runs.
for _, method in ipairs { "memoize", "fast_forward", "fast_forward and memoize" } do
  notice.known(method .. " skipped nothing")
end

-- Run it; the plain engine takes long enough to say how far it is.
local function complete(run)
  wormhole.run(run, run.accel == "none" and not run.engine and not args.quiet)
  if run.outcome == "interrupted" then
    io.stderr:write("weft: interrupted\n")
    os.exit(130, true)
  end
  if not args.quiet then
    local what = run.engine and "engine " .. run.engine or "accel " .. run.accel
    io.stderr:write(("%s: %.3f s\n"):format(what, run.wall_s))
  end
  return run
end

-- All that can be wrong is found before any folder is made.
local run = prepare(accel, has_packets and { audit = args.audit, memo = args.memo }
  or { engine = args.engine, merge_steps = merge_steps() })
if args.plan then
  print(run.job.work)
  os.exit(0, true)
end
local path = args:blame("out", weft.results.folder, args.out)
local plot_path = args.plot and args:blame("plot", weft.results.folder, args.plot)
if args.explain then weft.report.explain(run.sim) end

complete(run)
local plain = (args.compare or args.twin) and complete(prepare "none")
local twin = args.twin and complete(prepare("none", nil, true))
local row, errors = comparison.row(run, plain, twin)
row.model, row.gpus, row.scale_bytes = args.model, args.gpus, args.scale_bytes
row.engine, row.cc = args.engine, weft.core.engine_can(args.engine, "cc") and args.cc or nil
row.tp, row.pp, row.dp, row.ep = groups.tp, groups.pp, groups.dp, groups.ep
row.iterations = args.iterations

-- ---- what is printed ---------------------------------------------------------------------------

local function seconds(value) return ("%.4g s"):format(value) end
local function percent(value) return ("%.4g %%"):format(value) end
local function share(value) return percent(100 * value) end
local function times(value) return ("%.1f x"):format(value) end

-- Fields of the row in the order in which they are printed: { key, name, format }.
local FIELDS = {
  { "model" }, { "gpus", "GPUs" }, { "tp" }, { "pp" }, { "dp" }, { "ep" }, { "engine" }, { "cc" },
  { "iterations" }, { "scale_bytes", "bytes x" }, { "accel" },
  { "flows" }, { "iteration_s", "iteration", seconds },
  { "wall_s", "wall, run", seconds }, { "cpu_s", "processor, run", seconds },
  { "total_wall_s", "wall, with building", seconds },
  { "plain_wall_s", "plain wall, run", seconds }, { "plain_cpu_s", "plain processor", seconds },
  { "plain_total_wall_s", "plain, with building", seconds }, { "speedup", "speed-up", times },
  { "events" }, { "plain_events", "plain events" }, { "events_skipped", "events skipped" },
  { "events_skipped_pct", "  of all", percent },
  { "hits" }, { "misses" }, { "followers" }, { "steady_spans", "steady spans" },
  { "memo_spans", "memo spans" }, { "interruptions" }, { "largest_partition", "most flows in one" },
  { "records" }, { "memo_bytes", "memo", weft.units.format_bytes },
  { "memory_bytes", "memory", weft.units.format_bytes },
  { "fct_mean_err_pct", "FCT error, mean", percent }, { "fct_p99_err_pct", "  p99", percent },
  { "fct_max_err_pct", "  largest", percent }, { "flows_unmatched", "flows not compared" },
  { "iteration_err_pct", "iteration error", percent },
  { "twin_mean_err_pct", "10 ps longer, mean", percent }, { "twin_p99_err_pct", "  p99", percent },
  { "twin_max_err_pct", "  largest", percent },
  { "plain_iteration_s", "plain iteration", seconds },
  { "error_estimate", "rate error, expected", share }, { "audited", "flows audited" },
  { "audit_mean_pct", "  error, mean", percent }, { "audit_low_pct", "  95 %, from", percent },
  { "audit_high_pct", "  to", percent }, { "audit_largest_pct", "  largest", percent },
  { "fingerprint" }, { "plain_fingerprint", "plain fingerprint" },
}

local function text_of(field)
  local value = row[field[1]]
  if value == nil then return nil end
  return field[3] and field[3](value) or type(value) == "number" and weft.json.number(value)
    or tostring(value)
end

local function print_row()
  if args.format == "json" then
    print(weft.json.encode(row, "  "))
    return
  end
  local out = weft.report.new(args.format)
  if args.format == "csv" then
    out:table(FIELDS, { row })
    return
  end
  for _, field in ipairs(FIELDS) do
    local text = text_of(field)
    if text then out:line("%-22s%s", field[2] or field[1], text) end
  end
  out:line("\nparallel groups are our choice: the paper's table of them could not be read")
end

print_row()
weft.util.write_file(path "run.json", weft.json.encode({
  scenario = "wormhole", version = weft.version, parameters = args:parameters(),
  configuration = weft.report.configuration_values(run.sim), result = row,
}, "  ") .. "\n")
local written = "written to " .. args.out .. ": run.json"
if plot_path then
  local drawn = plot(plot_path, {
    run = run, plain = plain, row = row, errors = errors, prepare = prepare, complete = complete,
    compare = comparison.row,
  })
  written = written .. "\nwritten to " .. args.plot .. ": " .. drawn
end
if args.format == "table" then print(written) end

if not run.job:result().complete then
  io.stderr:write("weft: ", run.job:summary(), "\n")
  os.exit(1, true)
end
