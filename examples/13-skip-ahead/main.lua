-- Skip what is known: two AllReduce, one after the other, packet by packet and then with transients
-- that are remembered and steady states that are skipped.

local weft = require "weft"

local args = weft.params {
  name = "13-skip-ahead", brief = "Memoize transients, skip steady states.", out = false,
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "size", type = "bytes", default = "64MiB", min = 4, help = "buffer of each GPU" },
}

local fabric = weft.topology.star { hosts = 4, rate = "100Gbps", delay = "1us" }

-- Both iterations on one simulation: time and events of each.
local function run(accelerate)
  local sim = weft.simulation {
    topology = fabric, cc = args.cc, seed = args.seed, set = args.set,
    memoize = accelerate, fast_forward = accelerate,
  }
  local rows, before = {}, 0
  for i = 1, 2 do
    local job = sim:add_job(weft.workload.allreduce { size = args.size })
    sim:run()
    local events = sim:stats().events
    rows[i] = { iteration = i, time_ps = job:time_ps(), events = events - before }
    before = events
  end
  return rows, sim
end

local plain = run(false)
local rows, sim = run(true)
for i, row in ipairs(rows) do
  row.plain_ps, row.plain_events = plain[i].time_ps, plain[i].events
  row.error_pct = 100 * math.abs(row.time_ps / row.plain_ps - 1)
end

local function percent(value) return ("%.3f %%"):format(value) end

local out = weft.report.new(args.format)
out:table({
  { "iteration" },
  { "plain_ps", "packet by packet", weft.units.format_time }, { "plain_events", "events" },
  { "time_ps", "skipping", weft.units.format_time }, { "events" },
  { "error_pct", "off by", percent },
}, rows)
out:line("")
out:line("%s", tostring(sim:acceleration()))
