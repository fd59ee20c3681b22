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

local function note(set, scenario, samples, sim)
  local figures, stats = compare.figures(samples), sim:stats()
  if figures.unmatched > 0 or args.verbose then
    io.stderr:write(("%s %d: %s, %d of %d flows exact, largest error %.4f %%, "
      .. "%d finished in one only; %d drops, %d pauses, %d marks\n"):format(set.name,
      scenario.scenario, scenario.cc, figures.exact, figures.flows, figures.max_abs_err_pct or 0,
      figures.unmatched, stats.packets_dropped, stats.pfc_pauses, stats.ecn_marks))
  end
end

local set = line.read(args.data)
local results, entries = compare.new(set.name), {}
for _, scenario in ipairs(set.scenarios) do
  if not args.scenario or scenario.scenario == args.scenario then
    local samples, sim = line.run(scenario)
    note(set, scenario, samples, sim)
    local hosts = scenario.hosts or #sim.fabric:hosts()
    entries[#entries + 1] = { hosts = hosts, cc = scenario.cc, samples = samples }
    sim.core:close()
  end
end
table.sort(entries, function(a, b)
  if a.hosts ~= b.hosts then return a.hosts < b.hosts end
  return a.cc < b.cc
end)
for _, entry in ipairs(entries) do results:add(entry.hosts, entry.cc, entry.samples) end
compare.print(results:rows(), args.format)
if args.plot then compare.plot(args.plot, { results }) end
