-- Read a topology in the format of the HPCC simulator and a flow list in CSV.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""

local args = weft.params {
  name = "05-read-files", brief = "Run the flows of a file on the fabric of a file.",
  out = false,
  { name = "topology", default = here .. "topology.txt", help = "HPCC or SimAI topology file" },
  { name = "flows", default = here .. "flows.csv", help = "CSV, or a flow list of HPCC" },
  { name = "cc", engine = true, default = "hpcc",
    help = "congestion control" },
}

local fabric = weft.topology.from_file(args.topology)
local sim = weft.simulation {
  topology = fabric, cc = args.cc, seed = args.seed, set = args.set,
}
local job = sim:add_job(weft.workload.flows { file = args.flows })
sim:run { progress = not args.quiet }

local out = weft.report.new(args.format)
out:line(tostring(fabric))
local rows = {}
for i, row in sim:flows():rows() do rows[i] = row end
out:table({
  { "src_name", "from" }, { "dst_name", "to" },
  { "size_bytes", "size", weft.units.format_bytes },
  { "start_ps", "start", weft.units.format_time },
  { "fct_ps", "completion", weft.units.format_time },
  { "slowdown", "slowdown", function(value) return ("%.3f"):format(value) end },
}, rows)
out:line(job:summary())
