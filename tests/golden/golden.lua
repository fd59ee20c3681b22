--- Compares what the scenes of scenes.lua give now with what fingerprints.csv recorded of them, a
-- line "ok name" or "not ok name" each; `--record` writes the file anew and prints what
-- changed. Run from the top folder: `build/weft tests/golden/golden.lua`, or `make golden`.
--
-- A changed row is a changed result: the commit that changes it says why.
local weft = require "weft"
local csv = require "weft.csv"
local results = require "weft.results"

local params = weft.params {
  name = "golden", brief = "Recorded outcomes of small scenes.",
  { name = "record", type = "boolean", help = "write the file anew" },
  { name = "file", default = "tests/golden/fingerprints.csv", help = "what to compare with" },
  { name = "scene", default = "", help = "only scenes whose name contains this" },
}

local COLUMNS = {
  "scene", "fingerprint", "events", "hops", "completion_ps", "done", "failed", "digest",
}

-- What goes into the digest, by name, so that a column that comes to a table changes no row.
local DIGESTED = {
  flows = { "start_ps", "fct_ps", "ideal_ps", "received_ps", "acked_ps", "delivered_bytes",
    "retransmits", "ecn_marks", "state" },
  ports = { "rate_bps", "tx_bytes", "tx_packets", "ecn_marks", "pauses", "paused_ps", "drops",
    "max_queue_bytes", "queue_bytes" },
  tasks = { "begin_ps", "end_ps", "state", "flow" },
  acks = { "time_ps", "flow", "ack_bytes", "acked_bytes", "sent_bytes", "rate_bps",
    "window_bytes" },
  spans = { "begin_ps", "end_ps", "phase", "flows", "packets" },
}
local STATS = { "now_ps", "packets_injected", "packets_delivered", "packets_dropped",
  "bytes_injected", "bytes_delivered", "bytes_dropped", "payload_delivered", "ecn_marks",
  "pfc_pauses", "retransmits", "retransmits_spurious", "timeouts", "timeouts_put_off",
  "flows_added", "flows_started", "tasks_added", "tasks_done", "max_queue_bytes" }
local ACCELERATION = { "events_skipped", "packets_skipped", "events_replayed", "steady_spans",
  "memo_spans", "hits", "misses", "followers", "left_to_chance", "interruptions", "records",
  "transient_ps", "steady_ps", "memo_ps", "largest_partition", "audited", "audited_flows" }

-- A number that depends on the numbers given to `add`, and is the same on all Lua VMs: nothing in
-- it is larger than 2^53. It tells a change of results from none; it keeps nobody from forging one.
local function digest()
  local PRIME, sum = 4294967291, 0
  local function add(value)
    if value == nil then value = -2 end
    if type(value) == "boolean" then value = value and 1 or 0 end
    if type(value) ~= "number" or value ~= value then value = -3 end
    sum = (sum * 65599 + math.floor(value * 8) % PRIME) % PRIME
  end
  return add, function() return ("%.0f"):format(sum) end
end

-- Everything that a user may read of a simulation but memory.
local function digest_of(sim)
  local add, result = digest()
  for _, name in ipairs { "flows", "ports", "tasks", "acks", "spans" } do
    for _, column in ipairs(DIGESTED[name]) do
      if results.has_column(sim.core, name, column) then
        for _, value in ipairs(sim[name](sim):column(column)) do add(value) end
      end
    end
  end
  local stats, acceleration = sim:stats(), sim.core:acceleration()
  for _, name in ipairs(STATS) do add(stats[name]) end
  for _, name in ipairs(ACCELERATION) do add(acceleration[name]) end
  for _, metric in ipairs { "port_bytes", "port_queue", "flow_bytes" } do
    for object = 0, 63 do
      if sim.watches[metric] and sim.watches[metric][object] then
        for _, value in ipairs(sim:series(metric, object).value) do add(value) end
      end
    end
  end
  return result()
end

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
    failed = stats.flows_failed, digest = digest_of(sim) }
end

-- A row as text, to compare and to show.
local function shown(row)
  local parts = {}
  for i = 2, #COLUMNS do
    local value = row[COLUMNS[i]]
    parts[#parts + 1] = COLUMNS[i] .. " "
      .. (type(value) == "number" and ("%.0f"):format(value) or value or "none")
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
