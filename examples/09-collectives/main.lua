-- Which AllReduce is the fastest? Bus bandwidth of each algorithm against the size.

local weft = require "weft"

local args = weft.params {
  name = "09-collectives", brief = "AllReduce by five algorithms on 4 servers of 8 GPUs.",
  out = false,
  { name = "cc", engine = true, default = "dctcp",
    help = "congestion control" },
  { name = "chunk", type = "bytes", default = "64KiB",
    help = "largest message" },
}

local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 8 }

local algorithms = {
  { "ring" }, { "ring", channels = 8 }, { "double_tree", channels = 8 }, { "halving_doubling" },
  { "hierarchical" },
}

local function bus_bandwidth(size, algorithm)
  local sim = weft.simulation { topology = fabric, cc = args.cc, seed = args.seed, set = args.set }
  local job = sim:add_job(weft.workload.allreduce {
    size = size, algorithm = algorithm[1], channels = algorithm.channels, chunk = args.chunk,
  })
  sim:run { progress = not args.quiet }
  return job:result().bus_bps / 8e9
end

local columns = { { "size" } }
for i, algorithm in ipairs(algorithms) do
  algorithm.name = algorithm[1] .. (algorithm.channels and " x" .. algorithm.channels or "")
  columns[i + 1] = { algorithm.name, algorithm.name, function(v) return ("%.1f"):format(v) end }
end

local rows = {}
for i, size in ipairs { "16KiB", "256KiB", "4MiB" } do
  rows[i] = { size = size }
  for _, algorithm in ipairs(algorithms) do
    rows[i][algorithm.name] = bus_bandwidth(size, algorithm)
  end
end

local out = weft.report.new(args.format)
out:line(tostring(fabric))
out:line("bus bandwidth, GB/s")
out:table(columns, rows)
