-- Where the time of a training iteration goes, and what some changes do to it.

local weft = require "weft"

local args = weft.params {
  name = "07-training", brief = "GPT on 4 servers of 8 GPUs: what an iteration consists of.",
  out = false,
  { name = "model", choices = { "7B", "13B", "22B", "175B" }, default = "13B",
    help = "the model" },
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "scale", type = "number", default = 1 / 1024, min = 1e-6, max = 1,
    help = "messages and computations in proportion" },
}

local fabric = weft.topology.rail_optimized { servers = 4, spines = 8 }

-- What a run may have on top of, or instead of, tp 8 x pp 2 x dp 2.
local variants = {
  { "1F1B" },
  { "interleaved", { virtual_stages = 2 } },
  { "all-reduce at the end", { overlap = false } },
  { "a slow GPU", { slow_gpus = { gpu3 = 1.25 } } },
  { "a slow link", {}, function(sim)
    sim:degrade(fabric:link("gpu3", "leaf3"), { factor = 1 / 8 })
  end },
}

local function workload(more)
  local options = {
    model = args.model, tp = 8, pp = 2, dp = 2, global_batch = 8,
    scale_bytes = args.scale, scale_compute = args.scale,
  }
  for name, value in pairs(more or {}) do options[name] = value end
  return weft.workload.gpt(options)
end

local rows = {}
for i, variant in ipairs(variants) do
  local sim = weft.simulation { topology = fabric, cc = args.cc, seed = args.seed, set = args.set }
  local job = sim:add_job(workload(variant[2]))
  if variant[3] then variant[3](sim) end
  sim:run { progress = not args.quiet }
  local iteration = job:result().iterations[1]
  rows[i] = {
    run = variant[1], time_ps = iteration.time_ps, compute_pct = 100 * iteration.compute,
    bubble_pct = 100 * iteration.bubble, exposed_pct = 100 * iteration.exposed,
  }
end

local function one_digit(value) return ("%.1f"):format(value) end

local out = weft.report.new(args.format)
out:line(tostring(workload()))
out:line("")
out:table({
  { "run" },
  { "time_ps", "iteration", weft.units.format_time },
  { "compute_pct", "compute %", one_digit },
  { "bubble_pct", "bubble %", one_digit },
  { "exposed_pct", "exposed %", one_digit },
}, rows)
