--- Replay recordings of the m3 authors' ns-3, flow by flow: ns3-line and ns3-star.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local line = dofile(here .. "build/ns3_line.lua")
local compare = dofile(here .. "build/ns3_compare.lua")

local args = weft.params {
  name = "ns3_line", out = false, format = "csv",
  brief = "Completion times of recorded ns-3 runs, replayed: lines of hosts, or one switch.",
  { name = "data", required = true,
    help = "folder with scenarios.csv, flows.csv and topology-<hosts>.txt or topology.txt" },
  { name = "scenario", type = "integer", help = "this one only" },
  { name = "plot", help = "draw weft against ns-3 into this file (png, svg, pdf)" },
  { name = "verbose", type = "boolean", help = "a line per scenario on standard error" },
}

local results = line.replay(args.data, {
  only = args.scenario and function(one) return one.scenario == args.scenario end,
  note = compare.notes(args.verbose),
  set = compare.with({ seed = args.seed }, args.set),
})
compare.print(results:rows(), args.format)
if args.plot then compare.plot(args.plot, results) end
