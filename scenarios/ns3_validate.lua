--- All recordings of ns-3 in tests/reference/, replayed: one table, and an error when weft has left
-- them.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local line = dofile(here .. "build/ns3_line.lua")
local fabric = dofile(here .. "build/ns3_fabric.lua")
local compare = dofile(here .. "build/ns3_compare.lua")

local args = weft.params {
  name = "ns3_validate", out = false,
  brief = "Replays all recordings of ns-3 and checks that completion times are equal.",
  { name = "data", help = "folder with ns3-line, ns3-star, ns3-fabric; default: tests/reference" },
  { name = "verbose", type = "boolean", help = "a line per run on standard error" },
}

local data = args.data or here .. "../tests/reference"
local note = compare.notes(args.verbose)
local rows = {}
for _, results in ipairs {
  line.replay(data .. "/ns3-line", { note = note }),
  line.replay(data .. "/ns3-star", { note = note }),
  fabric.replay(data .. "/ns3-fabric", nil, { note = note }),
} do
  for _, row in ipairs(results:rows()) do rows[#rows + 1] = row end
end
compare.print(rows, args.format)

local LEAST_EXACT_PCT = 100
for _, row in ipairs(rows) do
  if row.exact_pct < LEAST_EXACT_PCT or row.unmatched > 0 or row.p99_abs_err_pct > 0 then
    weft.fail.raise("%s %s %s: %.4f %% of %d flows exact, %d finished in one only", row.set,
      row.group, row.cc, row.exact_pct, row.flows, row.unmatched)
  end
end
