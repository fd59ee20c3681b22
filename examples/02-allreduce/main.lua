-- Bus bandwidth of AllReduce against its size, as nccl-tests report it.

local weft = require "weft"

local args = weft.params {
  name = "02-allreduce", brief = "Bus bandwidth of a ring AllReduce on 2 servers of 8 GPUs.",
  out = false,
  { name = "cc", engine = true, default = "hpcc",
    help = "congestion control" },
  { name = "channels", type = "integer", default = 8, min = 1, max = 8,
    help = "rings that share the buffer" },
}

local fabric = weft.topology.rail_optimized { servers = 2, gpus_per_server = 8 }

local rows = {}
for _, size in ipairs { "64KiB", "256KiB", "1MiB", "4MiB", "16MiB" } do
  local sim = weft.simulation { topology = fabric, cc = args.cc, seed = args.seed, set = args.set }
  local job = sim:add_job(weft.workload.allreduce { size = size, channels = args.channels })
  sim:run { progress = not args.quiet }
  local result = job:result()
  rows[#rows + 1] = {
    size_bytes = result.size_bytes, time_ps = result.time_ps,
    algorithm_gb_s = result.algorithm_bps / 8e9, bus_gb_s = result.bus_bps / 8e9,
  }
end

local function two_digits(value) return ("%.2f"):format(value) end

local out = weft.report.new(args.format)
out:line(tostring(fabric))
out:table({
  { "size_bytes", "size", weft.units.format_bytes },
  { "time_ps", "time", weft.units.format_time },
  { "algorithm_gb_s", "alg GB/s", two_digits },
  { "bus_gb_s", "bus GB/s", two_digits },
}, rows)
