--- Compares what the scenes of scenes.lua give now with what fingerprints.csv recorded of them, a
-- line "ok name" or "not ok name" each; `--record` writes the file anew and prints what
-- changed. Run from the top folder: `build/weft tests/golden/golden.lua`, or `make golden`.
--
-- A changed row is a changed result: the commit that changes it says why.
local weft = require "weft"
local csv = require "weft.csv"

local params = weft.params {
  name = "golden", brief = "Recorded outcomes of small scenes.",
  { name = "record", type = "boolean", help = "write the file anew" },
  { name = "file", default = "tests/golden/fingerprints.csv", help = "what to compare with" },
  { name = "scene", default = "", help = "only scenes whose name contains this" },
}

local COLUMNS = { "scene", "fingerprint", "events", "hops", "completion_ps", "done", "failed" }

-- What is recorded of a simulation that has been run; `completion_ps`: when its last flow was done.
local function row_of(name, sim)
  local stats, completion_ps = sim:stats(), 0
  for _, flow in sim:flows():rows() do
    if flow.fct_ps and flow.fct_ps >= 0 then
      completion_ps = math.max(completion_ps, flow.start_ps + flow.fct_ps)
    end
  end
  return { scene = name, fingerprint = stats.fingerprint, events = stats.events,
    hops = stats.packet_hops, completion_ps = completion_ps, done = stats.flows_done,
    failed = stats.flows_failed }
end

-- A row as text, to compare and to show.
local function shown(row)
  local parts = {}
  for i = 2, #COLUMNS do
    local value = row[COLUMNS[i]]
    parts[#parts + 1] = COLUMNS[i] .. " "
      .. (type(value) == "number" and ("%.0f"):format(value) or value)
  end
  return table.concat(parts, "  ")
end

local function recorded()
  local rows = {}
  local file = io.open(params.file, "r")
  if not file then return rows end
  file:close()
  for row in csv.rows(params.file) do rows[row.scene] = shown(row) end
  return rows
end

local before, now, passed, failed = recorded(), {}, 0, 0
for _, scene in ipairs(dofile("tests/golden/scenes.lua")) do
  if scene.name:find(params.scene, 1, true) then
    local row = row_of(scene.name, scene.run())
    now[#now + 1] = row
    local was, is = before[scene.name] or "nothing", shown(row)
    if was ~= is then
      failed = failed + 1
      print(("%s\n  was %s\n  is  %s"):format(scene.name, was, is))
    else
      passed = passed + 1
    end
    if not params.record then print((was == is and "ok " or "not ok ") .. scene.name) end
  end
end
if params.record then
  local i = 0
  csv.write(params.file, COLUMNS, function()
    i = i + 1
    return now[i]
  end)
  print(("%d scenes recorded, %d of them changed"):format(#now, failed))
else
  print(("%d passed, %d failed"):format(passed, failed))
  os.exit(failed == 0)
end
