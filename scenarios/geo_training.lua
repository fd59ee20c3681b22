--- Training across data centres: how long an iteration takes by each strategy, beside what no
-- strategy can be faster than.

local weft = require "weft"

local here = arg[0]:match("^(.*/)") or ""
local reference = dofile(here .. "build/geo_reference.lua")

local args = weft.params {
  name = "geo_training",
  brief = "Time of a training iteration across data centres, by strategy, beside its bounds.",
  { name = "reference", help = "folder with overlays.csv, meta.csv and more: write all files of"
    .. " tests/reference/netstorm for them into --out" },
}

local function say(text)
  if not args.quiet then io.stderr:write(text, "\n") end
end

local function run_reference()
  local data = args:blame("reference", reference.read, args.reference)
  local path = args:blame("out", weft.results.folder, args.out)
  if not weft.geo.lp.is_available() then
    weft.notice.say("glpsol is not installed (make deps): there are no rows lp_*")
  end
  local rows, written = reference.compute(data, say), {}
  for _, file in ipairs(reference.files) do
    local name, columns = file[1], {}
    for i = 2, #file do columns[i - 1] = file[i] end
    if rows[name] then
      weft.csv.write(path(name .. ".csv"), columns, rows[name])
      written[#written + 1] = name .. ".csv"
    end
  end
  print(("written to %s: %s"):format(args.out, table.concat(written, " ")))
end

run_reference()
