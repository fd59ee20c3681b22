-- How far flows as rates, and the bound, are off packets: web search traffic at a load.

local weft = require "weft"

local args = weft.params {
  name = "15-compare", brief = "Engines compared on synthetic traffic.", out = false,
  { name = "cc", engine = true, default = "dctcp", help = "congestion control" },
  { name = "engines", default = "packet,fluid,ideal", help = "words with commas between them" },
  { name = "load", type = "number", default = 0.4, help = "of the NICs" },
  { name = "plot", help = "draw into this file" },
}

local fabric = weft.topology.leaf_spine { leaves = 4, hosts_per_leaf = 4, rate = "25Gbps" }

local compared = weft.compare { engines = args.engines, seed = args.seed, function(engine)
  local sim = weft.simulation(weft.engines.fitting(engine, {
    topology = fabric, cc = args.cc, seed = args.seed, set = args.set,
  }))
  sim:add_job(weft.workload.synthetic {
    flows = 300, load = args.load, sizes = "websearch", seed = args.seed,
  })
  return sim
end }

local function two_digits(value) return weft.units.fixed(value, 2) end

local out = weft.report.new(args.format)
out:line("errors of completion times against packets, %; floor: links longer by up to 1 ns")
out:table({
  { "engine" }, { "flows" }, { "mean_err_pct", "mean", two_digits },
  { "p90_err_pct", "p90", two_digits }, { "bias_pct", "bias", two_digits },
  { "slowdown_p99", "slowdown p99", two_digits },
}, compared:rows())
if args.plot then weft.viz.compare(compared, { file = args.plot }) end
