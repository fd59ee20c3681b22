--- Training across data centres: how long an iteration takes by each strategy, beside what no
-- strategy can be faster than.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local reference = dofile(here .. "build/geo_reference.lua")
local training = dofile(here .. "build/geo_training.lua")

local plot = dofile(here .. "build/geo_plot.lua")

local geo = weft.geo

local args = weft.params {
  name = "geo_training",
  brief = "Time of a training iteration across data centres, by strategy, beside its bounds.",
  { name = "strategy", help = "one or several, with commas: "
    .. table.concat(geo.strategies.names, ", ") .. "; default: all" },
  { name = "model", choices = geo.models.names, default = "alexnet" },
  { name = "overlay", default = "evaluation",
    help = "evaluation: 9 data centres of NetStorm's; or a CSV file of links" },
  { name = "only", help = "this overlay of the file" },
  { name = "seeds", type = "integer", min = 1, max = 1000, default = 14,
    help = "draws of the evaluation's rates" },
  { name = "engine", choices = { "chunk", "packet", "fluid" }, default = "chunk",
    help = "chunk by chunk, or by an engine: strategies with a plan, static" },
  { name = "mtu", type = "bytes", min = 64, max = 65536, help = "payload of packets" },
  { name = "delay", type = "time", min = 0, help = "of every link; engines know it" },
  { name = "jitter", type = "time", min = 0, help = "of every link; packets know it" },
  { name = "loss", type = "number", min = 0, max = 1, help = "on every link; packets know it" },
  { name = "egress", type = "rate", min = 1e6,
    help = "what a data centre sends at in all" },
  { name = "ingress", type = "rate", min = 1e6,
    help = "what a data centre receives at in all" },
  { name = "static", type = "boolean", help = "rates do not change (default)" },
  { name = "dynamic", type = "boolean", help = "rates change to the next draw, or by --trace" },
  { name = "period", type = "time", default = "180s", min = 1, help = "of change" },
  { name = "trace", help = "CSV file of rates over time: scenario, period_s, set, u, v, mbps" },
  { name = "knows", choices = { "frozen", "lag1", "oracle", "measured" }, default = "oracle",
    help = "rates that plans are made by when they change" },
  { name = "policy", choices = { "iteration", "chunk" }, default = "iteration",
    help = "a plan holds for an iteration, or for each chunk that enters" },
  { name = "compute", type = "time", default = 0, min = 0,
    help = "before an iteration's gradients are there, when rates change" },
  { name = "iterations", type = "integer", min = 1, help = "when rates change" },
  { name = "roots", type = "integer", min = 1, help = "of netstorm" },
  { name = "chunk", type = "number", min = 1, help = "elements" },
  { name = "metric", choices = geo.roots.METRICS, help = "of netstorm's roots" },
  { name = "pull", choices = { "path", "reverse", "out" }, help = "of netstorm" },
  { name = "auxiliary", choices = { "none", "messages", "bytes" }, help = "routes of netstorm" },
  { name = "degree", type = "integer", min = 1, help = "of kary_tree" },
  { name = "root", type = "integer", min = 1, help = "of star, kary_tree, tsengine" },
  { name = "servers", type = "integer", min = 1, help = "of star" },
  { name = "plot", help = "draw pictures into this folder" },
  { name = "reference", help = "folder with overlays.csv, meta.csv and more: write all files of"
    .. " tests/reference/netstorm for them into --out" },
}

-- All strategies, and those that can do with rates that change.
local EVERY = "star,star_app,kary_tree,tsengine,ring,even,netstorm,packing"
-- (the same go onto engines)
local PLANNING = "star,kary_tree,ring,even,netstorm,packing"

local quiet = args.quiet

local function say(text)
  if not quiet then io.stderr:write(text, "\n") end
end

local function run_reference()
  local data = args:blame("reference", reference.read, args.reference)
  local path = args:blame("out", weft.results.folder, args.out)
  local rows, written = reference.compute(data, say), {}
  for _, file in ipairs(reference.files) do
    local name, columns = file[1], {}
    for i = 2, #file do columns[i - 1] = file[i] end
    if rows[name] then
      weft.csv.write(path(name .. ".csv"), columns, rows[name])
      written[#written + 1] = name .. ".csv"
    end
  end
  weft.report.new(args.format):line("written to %s: %s", args.out, table.concat(written, " "))
end

local function digits(format)
  return function(value) return format:format(value) end
end

local function write_run(path, summary)
  weft.util.write_file(path "run.json", weft.json.encode({
    scenario = "geo_training", version = weft.version, parameters = args:parameters(),
    strategies = summary,
  }, "  ") .. "\n")
end

local function plot_folder()
  return args.plot and args:blame("plot", weft.results.folder, args.plot)
end

local function run_static(strategies, overlays, tensors)
  local path, pictures = args:blame("out", weft.results.folder, args.out), plot_folder()
  local rows, links = args:blame(nil, training.static, overlays, tensors, strategies,
    { engine = args.engine, mtu = args.mtu })
  local summary, out = training.summary(rows), weft.report.new(args.format)
  local bounds = training.has_trees_bound(overlays[1]) and "best trees" or "cut"
  out:line("%s of %s; first %s; %s, %.1f MB", weft.util.counted(#overlays, "overlay"), args.overlay,
    overlays[1], args.model, 4e-6 * geo.models.elements(tensors))
  out:table({
    { "strategy" },
    { "iteration_s", "iteration, s", digits "%.2f" },
    { "ci_s", "+-", digits "%.2f" },
    { "sequence_s", "push, then pull, s", digits "%.2f" },
    { "of_bound", "of the bound (" .. bounds .. ")", digits "%.2f" },
    { "vs_star", "faster than star", digits "%.2f" },
    { "gigabytes", "GB on links", digits "%.2f" },
    args.engine ~= "chunk" and { "of_chunks", "goodput over chunks", digits "%.4f" } or nil,
  }, summary)
  weft.csv.write(path "iterations.csv", { "overlay", "strategy", "iteration_s", "sequence_s",
    "load_s", "bytes", "cut_s", "trees_s", "chunk_s", "goodput_s", "events" }, rows)
  weft.csv.write(path "links.csv", { "overlay", "strategy", "from", "to", "rate_bps", "bytes",
    "busy" }, links)
  write_run(path, summary)
  out:line("")
  out:line("written to %s: iterations.csv links.csv run.json", args.out)
  if not pictures then return end
  local drawn = { plot.bars(pictures, summary, rows) }
  for _, draw in ipairs { plot.links, plot.overlay } do
    drawn[#drawn + 1] = draw(pictures, overlays[1], tensors, strategies)
  end
  out:line("written to %s: %s", args.plot, table.concat(drawn, " "))
end

local function trace_of(overlays)
  if not args.trace then
    if #overlays == 1 then return geo.trace.constant(overlays[1]) end
    return args:blame("overlay", geo.trace.of_overlays, overlays, args.period)
  end
  local traces, names = args:blame("trace", geo.trace.read, args.trace), {}
  for i, one in ipairs(traces) do
    names[i] = one.name
    if not args.only or args.only == one.name then return one.trace end
  end
  return args:blame("only", weft.fail.raise, "no scenario '%s'%s", args.only or "",
    weft.fail.hint(args.only or "", names))
end

local function run_dynamic(strategies, overlays, tensors)
  local trace = trace_of(overlays)
  local path, pictures = args:blame("out", weft.results.folder, args.out), plot_folder()
  -- What the evaluation's own scheduler believes before it has measured.
  local believes_published = args.knows == "measured" and args.overlay == "evaluation"
    and not args.trace
  local rows = args:blame(nil, training.dynamic, trace, tensors, strategies,
    { knows = args.knows, policy = args.policy,
      compute_s = args.compute, iterations = args.iterations,
      believed = believes_published and geo.overlay.evaluation_believed() or nil })
  local summary, out = training.dynamic_summary(rows), weft.report.new(args.format)
  out:line("%s: %s, %.1f MB, rates change %d times, planned by: %s", trace.overlay, args.model,
    4e-6 * geo.models.elements(tensors), #trace.starts - 1, args.knows)
  out:table({
    { "strategy" },
    { "iterations", "iterations" },
    { "mean_s", "iteration, s", digits "%.2f" },
    { "min_s", "least, s", digits "%.2f" },
    { "max_s", "most, s", digits "%.2f" },
    { "vs_star", "faster than star", digits "%.2f" },
  }, summary)
  weft.csv.write(path "iterations.csv", { "strategy", "iteration", "start_s", "end_s", "seconds" },
    rows)
  write_run(path, summary)
  out:line("")
  out:line("written to %s: iterations.csv run.json", args.out)
  if pictures then
    out:line("written to %s: %s", args.plot, plot.iterations(pictures, rows, trace))
  end
end

if args.reference then
  run_reference()
else
  if args.static and args.dynamic then
    args:blame(nil, weft.fail.raise, "expected one of --static and --dynamic, got both")
  end
  if args.engine ~= "chunk" and args.dynamic then
    args:blame("engine", weft.fail.raise, "%s goes with --static", args.engine)
  end
  if args.engine == "chunk" then
    for _, name in ipairs { "mtu", "delay", "jitter", "loss" } do
      if args[name] then
        args:blame(name, weft.fail.raise, "goes with --engine packet or fluid")
      end
    end
  end
  if args.trace and not args.dynamic then
    args:blame("trace", weft.fail.raise, "goes with --dynamic")
  end
  local planning = args.dynamic or args.engine ~= "chunk"
  local names = args.strategy or planning and PLANNING or EVERY
  local strategies = args:blame("strategy", training.strategies, names, args)
  local overlays = args:blame("overlay", training.overlays, args)
  local tensors = geo.models.tensors(args.model)
  local run = args.dynamic and run_dynamic or run_static
  run(strategies, overlays, tensors)
end
