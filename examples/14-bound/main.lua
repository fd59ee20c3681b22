-- How much of a collective's time is congestion: each algorithm with packets and with the ideal
-- engine, in which every flow takes the time that it would take alone.

local weft = require "weft"

local args = weft.params {
  name = "14-bound", brief = "Collectives against their bound.", out = false,
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "size", type = "bytes", default = "4MB", help = "of each rank" },
}

local fabric = weft.topology.leaf_spine { leaves = 4, hosts_per_leaf = 4, oversubscription = 2 }

local works = {
  { "allreduce", "ring" }, { "allreduce", "halving_doubling" }, { "allreduce", "double_tree" },
  { "all_to_all", "direct" }, { "all_to_all", "pairwise" },
}

local function time_ps(engine, kind, algorithm)
  local sim = weft.simulation {
    topology = fabric, engine = engine, ecmp = "pair", seed = args.seed,
    cc = engine == "packet" and args.cc or nil, set = args.set,
  }
  local job = sim:add_job(weft.workload[kind] { size = args.size, algorithm = algorithm })
  sim:run { progress = not args.quiet }
  return job:result().time_ps
end

local rows = {}
for i, work in ipairs(works) do
  local packet = time_ps("packet", work[1], work[2])
  local ideal = time_ps("ideal", work[1], work[2])
  rows[i] = { kind = work[1], algorithm = work[2], packet_ps = packet, ideal_ps = ideal,
    ratio = packet / ideal }
end

local out = weft.report.new(args.format)
out:line("collectives of %s on %s", weft.units.format_bytes(args.size), tostring(fabric))
out:line("")
out:table({
  { "kind" }, { "algorithm" }, { "packet_ps", "packets", weft.units.format_time },
  { "ideal_ps", "ideal", weft.units.format_time },
  { "ratio", "ratio", function(value) return ("%.2f"):format(value) end },
}, rows)
