--- Replay recordings of the HPCC simulator (ns-3) on stars, dumbbells and fat trees, flow by flow.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local fabric = dofile(here .. "build/ns3_fabric.lua")
local compare = dofile(here .. "build/ns3_compare.lua")

local args = weft.params {
  name = "ns3_fabric", out = false, format = "csv",
  brief = "Completion times of recorded ns-3 runs on stars, dumbbells and fat trees, replayed.",
  { name = "data", required = true, help = "folder with runs.csv, fct/ and inputs/" },
  { name = "inputs", help = "folder of topologies and flow lists; default: <data>/inputs" },
  { name = "run", help = "this one only, such as W1-hpcc" },
  { name = "plot", help = "draw weft against ns-3 into this file (png, svg, pdf)" },
  { name = "verbose", type = "boolean", help = "a line per run on standard error" },
}

local results = fabric.replay(args.data, args.inputs, {
  only = args.run and function(one) return one.run == args.run end,
  note = compare.notes(args.verbose),
  set = compare.with({ seed = args.seed }, args.set),
})
compare.print(results:rows(), args.format)
if args.plot then compare.plot(args.plot, results) end
