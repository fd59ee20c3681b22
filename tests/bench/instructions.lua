-- Instructions per packet-hop, by part of the engine, counted by callgrind: the same on a busy
-- machine and on an idle one. Set-up is not counted. Starts from the top folder, after
-- `make build/release/tests/cbench`:
--
--   lua5.4 tests/bench/instructions.lua [CASE/CC ...]      default: W4k8_1MB, dctcp and hpcc
--
-- The heap skeleton of a case is counted as CASE/skeleton.

local build = os.getenv("WEFT_BUILD") or "build/release"
local runs = #arg > 0 and arg or { "perm_k4/skeleton", "perm_k4/dctcp", "perm_k4/hpcc",
  "W4k8_1MB/dctcp", "W4k8_1MB/hpcc" }

-- Parts by the file that an instruction comes from, inlined or not; the first that fits.
local PARTS = {
  { "event queue", "core/base/event_queue" }, { "event queue", "core/events_i%.h" },
  { "loop", "core/run/" }, { "loop", "core/packet/loop%.c" }, { "random, hash", "core/base/" },
  { "routes", "core/fabric/route" },
  { "ports, buffers", "core/packet/port/" },
  { "ports, buffers", "core/fabric/" }, { "transport", "core/packet/transport/" },
  { "cc", "core/packet/cc/" }, { "flows", "core/flow/" }, { "domains", "core/packet/domains/" },
  { "acceleration", "core/packet/accel/" }, { "acceleration", "core/packet/hooks%.h" },
  { "skeleton", "tests/bench/" }, { "rest", "" },
}

local function part_of(place)
  for _, part in ipairs(PARTS) do
    if place:find(part[2]) then return part[1] end
  end
end

local function read(command)
  local pipe = assert(io.popen(command))
  local text = pipe:read("*a")
  pipe:close()
  return text
end

-- Instructions by part, and all; per packet-hop.
local function count(run)
  local case, cc = run:match("^([^/]+)/(.+)$")
  if not case then error(("expected CASE/CC, got '%s'"):format(run), 0) end
  local skeleton = cc == "skeleton"
  local out = os.tmpname()
  -- The engine of the same case says how many packet-hops there are.
  local rows = ("hop_ns/%s/%s"):format(case, skeleton and "dctcp" or cc)
  if skeleton then rows = rows .. " skeleton_ns/" .. case end
  local printed = read(("valgrind --tool=callgrind --toggle-collect=%s --callgrind-out-file=%s"
    .. " %s/tests/cbench --once %s 2>%s.log"):format(skeleton and "run_heap" or "weft_run", out,
    build, rows, out))
  local hops = tonumber(printed:match("packet_hops/%S+%s+(%S+)"))
  if not hops then error(("%s: no such case, or no valgrind: see %s.log"):format(run, out), 0) end
  local parts, total = {}, 0
  for line in read("callgrind_annotate --auto=no --threshold=100 " .. out):gmatch("[^\n]+") do
    local number, place = line:match("^%s*([%d,]+)%s*%(.-%)%s+(%S+:%S+)")
    if number then
      local value = tonumber((number:gsub(",", ""))) / hops
      local part = part_of(place)
      parts[part] = (parts[part] or 0) + value
      total = total + value
    end
  end
  os.remove(out)
  os.remove(out .. ".log")
  return parts, total
end

local function main()
  for _, run in ipairs(runs) do
    local parts, total = count(run)
    local seen = {}
    for _, part in ipairs(PARTS) do
      local name = part[1]
      if parts[name] and not seen[name] then
        seen[name] = true
        print(("%-16s %-16s %8.1f"):format(run, name, parts[name]))
      end
    end
    print(("%-16s %-16s %8.1f\n"):format(run, "all", total))
  end
end

local good, message = pcall(main)
if not good then
  io.stderr:write("instructions: ", tostring(message), "\n")
  os.exit(2)
end
