-- Ratios between recorded benchmark rows; starts from the top folder.
--
--   lua5.4 tests/bench/compare.lua [A [B]]            B / A, row by row
--   lua5.4 tests/bench/compare.lua --skeleton [FILE]  the engine against the bare event loops
--   lua5.4 tests/bench/compare.lua --peers [FILE]     against other simulators (peers.csv)
--
-- A recording is "[FILE][@start of a time or version]", FILE being this machine's if not given, and
-- the latest that fits is taken. B is the latest if not given, A the one before. The other two use
-- what was recorded last of each row. All times are as good as the machine was idle.

local recording = dofile("tests/bench/recording.lua")

local function show(one)
  return ("%s %s %s"):format(one.path, one.time, one.version)
end

local function compare(a, b)
  print(("A  %s\nB  %s\n"):format(show(a), show(b)))
  print(("%-30s %12s %12s %8s"):format("row", "A", "B", "B / A"))
  for _, name in ipairs(b.names) do
    local old, new = a.value[name], b.value[name]
    if old then
      print(("%-30s %12.5g %12.5g %8s  %s"):format(name, old, new,
        old ~= 0 and ("%.3f"):format(new / old) or "", b.unit[name]))
    end
  end
end

local function two_recordings(first, second)
  if first then return recording.find(first), recording.find(second or "") end
  local list = recording.recordings(recording.file())
  if #list < 2 then error("expected two recordings to compare, got one", 0) end
  return list[#list - 1], list[#list]
end

local function skeletons(latest)
  print(("%-26s %8s %10s %10s"):format("row", "ns", "x heap", "x wheel"))
  for _, name in ipairs(latest.names) do
    local case = name:match("^hop_ns/([^/]+)/")
    local heap = case and latest.value["skeleton_ns/" .. case]
    local wheel = case and latest.value["wheel_skeleton_ns/" .. case]
    if heap and wheel then
      local ns = latest.value[name]
      print(("%-26s %8.1f %10.2f %10.2f"):format(name, ns, ns / heap, ns / wheel))
    end
  end
end

-- hop_ns of a peer leaves out its start where that was measured; wall_s is the whole process.
local function peers(latest)
  local function ratio(theirs, ours)
    return ours and ("%.1f"):format(tonumber(theirs) / ours) or "-"
  end
  print(("%-10s %-7s %-9s %9s %9s %8s %9s %9s %8s"):format("case", "cc", "peer", "hop, ns",
    "weft, ns", "x faster", "wall, s", "weft, s", "x faster"))
  for _, row in ipairs(recording.rows("tests/bench/peers.csv")) do
    local hop_ns = latest.value[("hop_ns/%s/%s"):format(row.case, row.cc)]
    local wall_s = latest.value[("wall_s/%s/%s"):format(row.case, row.cc)]
    if hop_ns or wall_s then
      print(("%-10s %-7s %-9s %9s %9.1f %8s %9s %9.4g %8s"):format(row.case, row.cc, row.peer,
        row.hop_ns, hop_ns or 0, ratio(row.hop_ns, hop_ns), row.wall_s, wall_s or 0,
        ratio(row.wall_s, wall_s)))
    end
  end
end

local function main()
  local tables = { ["--skeleton"] = skeletons, ["--peers"] = peers }
  local show_table = tables[arg[1]]
  if show_table then return show_table(recording.latest(arg[2] or recording.file())) end
  return compare(two_recordings(arg[1], arg[2]))
end

local good, message = pcall(main)
if not good then
  io.stderr:write("compare: ", tostring(message), "\n")
  os.exit(2)
end
