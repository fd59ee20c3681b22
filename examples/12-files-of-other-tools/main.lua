-- Run a GOAL schedule on two fabrics, and write what happened as a trace or for another tool.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""

local args = weft.params {
  name = "12-files-of-other-tools", brief = "Run a GOAL schedule of LogGOPSim or ATLAHS.",
  out = false,
  { name = "file", default = here .. "tree.goal", help = "GOAL schedule (text)" },
  { name = "cc", engine = true, default = "dctcp", help = "congestion control" },
  { name = "trace", default = "", help = "write a trace for ui.perfetto.dev into this file" },
  { name = "flows", default = "", help = "write the flows for the HPCC simulator into this file" },
}

local fabrics = {
  { "one switch", weft.topology.star { hosts = 8 } },
  { "two leaves, one spine", weft.topology.leaf_spine {
    leaves = 2, hosts_per_leaf = 4, spines = 1,
  } },
}

local work = weft.workload.goal { file = args.file }
local out = weft.report.new(args.format)
local rows, last = {}, nil
for i, fabric in ipairs(fabrics) do
  local sim = weft.simulation {
    topology = fabric[2], cc = args.cc, seed = args.seed, set = args.set,
  }
  local job = sim:add_job(work)
  sim:run { progress = not args.quiet }
  rows[i] = { fabric = fabric[1], time_ps = job:time_ps(), flows = #sim:flows() }
  last = job
end

out:table({
  { "fabric", "fabric" }, { "time_ps", "schedule takes", weft.units.format_time },
  { "flows", "messages" },
}, rows)
out:line(last:summary())

if args.trace ~= "" then weft.export.trace(last, { file = args.trace }) end
if args.flows ~= "" then weft.export.hpcc(last, { flows = args.flows }) end
