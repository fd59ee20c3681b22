--- What do a few slow GPUs cost? A ring AllReduce, healthy and with N GPUs at 1/R of their rates.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local build = dofile(here .. "build/gray_allreduce.lua")

local args = weft.params {
  name = "gray_allreduce",
  brief = "Ring AllReduce on a rail-optimised fabric, healthy and with N GPUs degraded to 1/R.",
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "size", type = "bytes", default = "16MiB", min = 2, help = "buffer of each GPU" },
  { name = "degraded", type = "integer", default = 4, min = 0,
    help = "N, GPUs that have all their links degraded" },
  { name = "factor", type = "number", default = 4, min = 1, max = 1e5,
    help = "R, their links run at 1/R" },
  { name = "pick", choices = { "random", "spread" }, default = "random",
    help = "which GPUs: by the seed, or the first ones of the first two servers" },
  { name = "channels", type = "integer", default = 8, min = 1, max = 64,
    help = "rings that share the buffer, each over other NICs" },
  { name = "topology", help = "file (HPCC or SimAI format) instead of 32 GPUs on 8 rails" },
  { name = "explain", type = "boolean", help = "print the engine's configuration on stderr" },
}

-- Time between samples at the start; it doubles when a run gets longer than the samples' room.
local SAMPLE_PERIOD, SAMPLE_CAPACITY = "1us", 512

-- Intervals in the picture of rates over the longest run. Shorter ones show the steps of the rings
-- instead of rates.
local DRAWN_INTERVALS = 80

--- The ports by which hosts enter the network, NVLink left out.
local function nic_ports(fabric)
  local ports = {}
  for _, host in ipairs(fabric:hosts()) do
    for _, link in ipairs(fabric:links_of(host)) do
      local far = link.a == host and link.b or link.a
      if fabric.nodes[far + 1].kind ~= "nvswitch" then
        ports[#ports + 1] = { host = host, port = 2 * link.id + (link.a == host and 0 or 1) }
      end
    end
  end
  return ports
end

local function prepare(name, fabric, degraded, nics)
  local ports = {}
  for i, nic in ipairs(nics) do ports[i] = nic.port end
  local sim, job, links = args:blame(nil, build, {
    topology = fabric, cc = args.cc, seed = args.seed, set = args.set,
    size = args.size, channels = args.channels, degraded = degraded, factor = 1 / args.factor,
  })
  sim:sample { period = SAMPLE_PERIOD, capacity = SAMPLE_CAPACITY, ports = ports }
  return { name = name, sim = sim, job = job, links = links }
end

local function row_of(one, healthy)
  local result = one.job:result()
  local row = {
    run = one.name, time_ps = result.time_ps, fingerprint = one.sim:stats().fingerprint,
  }
  if result.complete then
    local healthy_ps = healthy.job:result().time_ps
    row.slowdown = healthy_ps and result.time_ps / healthy_ps
    row.algorithm_bandwidth_gb_s = result.algorithm_bps / 8e9
    row.bus_bandwidth_gb_s = result.bus_bps / 8e9
  end
  weft.report.add_acceleration(one.sim, row)
  return weft.report.add_congestion(one.sim, row)
end

local function two_digits(value) return ("%.2f"):format(value) end

local function columns(sim)
  local list = {
    { "run" },
    { "time_ps", "completion", weft.units.format_time },
    { "slowdown", "slowdown", two_digits },
    { "algorithm_bandwidth_gb_s", "alg GB/s", two_digits },
    { "bus_bandwidth_gb_s", "bus GB/s", two_digits },
  }
  for _, column in ipairs(weft.report.congestion_columns) do list[#list + 1] = column end
  for _, column in ipairs(weft.report.acceleration_columns(sim)) do list[#list + 1] = column end
  if args.format ~= "table" then list[#list + 1] = { "fingerprint" } end
  return list
end

--- Mean rate of some of the NICs in intervals, as a curve of weft.viz.rates.
local function mean_rate(one, nics, interval_ps, chosen, label)
  local sums, count, times = {}, 0, nil
  for _, nic in ipairs(nics) do
    if chosen(nic.host) then
      count = count + 1
      local series = one.sim:series("port_bytes", nic.port)
      for i = 1, series.count do
        sums[i] = (sums[i] or 0) + series.value[i] * 8e12 / series.period_ps
      end
      times = series -- the same for all ports
    end
  end
  if #sums == 0 then return nil end
  for i = 1, #sums do sums[i] = sums[i] / count end
  local width = math.max(1, math.floor(interval_ps / times.period_ps + 0.5))
  local curve = { label = label, time_s = {}, value = weft.stats.rebin(sums, width) }
  for i = 0, #curve.value do
    curve.time_s[i + 1] = (times.start_ps + math.min(i * width, #sums) * times.period_ps) / 1e12
  end
  return curve
end

local function draw(path, runs, nics, degraded)
  local is_degraded = {}
  for _, host in ipairs(degraded) do is_degraded[host] = true end
  local last = runs[#runs]
  weft.viz.topology(last.sim, {
    file = path "fabric.png", color = "utilization", degraded = last.links,
    title = ("%s run: mean link utilization"):format(last.name),
  })
  local curves, longest_ps = {}, 0
  for _, one in ipairs(runs) do longest_ps = math.max(longest_ps, one.sim:now_ps()) end
  local function add(one, chosen, label)
    curves[#curves + 1] = mean_rate(one, nics, longest_ps / DRAWN_INTERVALS, chosen, label)
  end
  add(runs[1], function() return true end, "healthy run")
  if runs[2] then
    add(runs[2], function(host) return not is_degraded[host] end, "degraded run, healthy GPUs")
    add(runs[2], function(host) return is_degraded[host] end, "degraded run, degraded GPUs")
  end
  if #curves == 0 then return end
  weft.viz.rates(last.sim, {
    file = path "rates.png", series = curves, title = "mean rate of a GPU's NIC",
  })
end

local function names_of(fabric, hosts)
  local names = weft.json.array {}
  for i, host in ipairs(hosts) do names[i] = fabric:node(host).name end
  return names
end

local function write(path, fabric, runs, rows, nics, degraded)
  local flows, ports = {}, {}
  for i, one in ipairs(runs) do
    flows[i] = { run = one.name, table = one.sim:flows() }
    ports[i] = { run = one.name, table = one.sim:ports() }
  end
  weft.results.write_runs(path "flows.csv", flows)
  weft.results.write_runs(path "ports.csv", ports)
  draw(path, runs, nics, degraded)
  weft.util.write_file(path "run.json", weft.json.encode({
    scenario = "gray_allreduce", version = weft.version, parameters = args:parameters(),
    configuration = weft.report.configuration_values(runs[1].sim), fabric = tostring(fabric),
    degraded = names_of(fabric, degraded), runs = rows,
  }, "  ") .. "\n")
end

local fabric = args:blame("topology", weft.topology.from_file,
  args.topology or here .. "data/rail_32gpu.txt")
local degraded = args:blame("degraded", weft.failure.choose, fabric, {
  count = args.degraded, seed = args.seed, rule = args.pick,
})
local nics = nic_ports(fabric)

-- All that can be wrong is found before the folder is made.
local prepared = {
  prepare("healthy", fabric, {}, nics), prepare("degraded", fabric, degraded, nics),
}
local path = args:blame("out", weft.results.folder, args.out)

local runs, outcome = {}, nil
for i, one in ipairs(prepared) do
  if outcome ~= "interrupted" then
    outcome = one.sim:run { progress = not args.quiet }
    runs[i] = one
  end
end
local rows = {}
for i, one in ipairs(runs) do rows[i] = row_of(one, runs[1]) end

if args.explain then weft.report.explain(runs[1].sim) end
local out = weft.report.new(args.format)
out:line("ring AllReduce of %s over %d GPUs, %d channels, %s, seed %d",
  weft.units.format_bytes(args.size), #fabric:hosts(), args.channels, args.cc, args.seed)
out:line("fabric:   %s", tostring(fabric))
out:line("degraded: %s; links at 1/%g", table.concat(names_of(fabric, degraded), " "), args.factor)
out:line("")
out:table(columns(runs[1].sim), rows)
write(path, fabric, runs, rows, nics, degraded)
out:line("")
out:line("written to %s: flows.csv ports.csv run.json fabric.png rates.png", args.out)

if outcome == "interrupted" then
  io.stderr:write("weft: interrupted; results so far are in ", args.out, "\n")
  os.exit(130, true)
end
local status = 0
for _, one in ipairs(runs) do
  if not one.job:result().complete then
    io.stderr:write(("weft: %s run: %s\n"):format(one.name, one.job:summary()))
    status = 1
  end
end
if status ~= 0 then os.exit(status, true) end
