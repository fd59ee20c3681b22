--- What may point where in core/, as gates and as a page of figures. What is not so yet is recorded
-- in tests/rooms_known.lua, whose numbers may only become smaller.

local M = {}

local KNOWN = "tests/rooms_known.lua"

local function list(words)
  local set = {}
  for word in words:gmatch("%S+") do set[word] = true end
  return set
end

-- Arrows between rooms that may be. `root` (sim_i.h, the public headers, the engine's table) is
-- composition, and may be named by all. The packet engine is port, transport and cc, and ns3 beside
-- them; domains and accel stand above it, and are called by hooks that it has. Files right in
-- packet/ put these together.
local LOW = " flow fabric base"
local ENGINE = " packet packet/port packet/cc packet/transport packet/ns3"
M.may = {
  base = list "",
  fabric = list "base",
  flow = list "fabric base",
  learn = list "base",
  ["packet/port"] = list("packet" .. LOW),
  ["packet/cc"] = list("packet" .. LOW),
  ["packet/transport"] = list("packet packet/port packet/cc" .. LOW),
  ["packet/ns3"] = list("packet packet/port packet/cc packet/transport" .. LOW),
  ["packet/domains"] = list("packet packet/port packet/cc packet/transport" .. LOW),
  ["packet/accel/contention"] = list("packet packet/port packet/cc packet/transport packet/accel"
    .. LOW),
  ["packet/accel/memo"] = list("packet packet/port packet/cc packet/transport packet/accel"
    .. " packet/accel/contention" .. LOW),
  ["packet/accel/partitions"] = list("packet packet/port packet/cc packet/transport"
    .. " packet/domains packet/accel packet/accel/contention packet/accel/memo" .. LOW),
  ["packet/accel"] = list("packet packet/port packet/cc packet/transport packet/domains"
    .. " packet/accel/contention packet/accel/memo packet/accel/partitions" .. LOW),
  packet = list(ENGINE .. " packet/domains packet/accel" .. LOW),
  ideal = list(LOW),
  learned = list("fluid_cc learn" .. LOW), -- watches it, and passes on what is asked of it
  work = list(LOW),
  results = list(LOW),
}

-- Who may point from `from` to `to`; run/ puts all together.
-- A folder of its own that is none of these is an engine.
local function may(from, to)
  local allowed = M.may[from] or not from:find("/", 1, true) and M.may.ideal
  return from == "run" or allowed and allowed[to]
end

-- Structs with functions that a room declares and calls, and others fill: the ways up. Every engine
-- fills its table; what a room fills itself needs no line.
M.filled = {
  engine_ops = list "packet ideal learned",
  sim_ops = list "run",
  fcc_watch = list "learned",
  accel_hooks = list "packet/accel",
  domain_hooks = list "packet/domains",
  packet_model = list "packet/ns3",
  domains = list "packet/accel/partitions", -- free_crew: threads for partitions, with theirs
}

-- Where config.compat is asked for: in the folder of that model, and where a model is chosen.
local NS3 = { "^core/packet/ns3/", "^core/packet/model%.c$", "^core/fluid/fluid%.c$",
  "^core/fluid_cc/model%.c$" }

-- Where a congestion control may be named besides its own file: the list of all, numbers, options.
local CC_LISTS = { ["core/algorithms_i.h"] = true, ["core/weft_types.h"] = true,
  ["core/base/options.c"] = true,
  ["core/learned/features.c"] = true } -- what models are told

local function sorted_keys(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end -- order-free: sorted below
  table.sort(keys)
  return keys
end

-- What is recorded, as it is now: { circle = number, arrows, written, ns3 = { [what] = number } }.
local function measured(arrows, graph)
  local now = { circle = #(arrows.circles(graph)[1] or {}), arrows = {}, written = {}, ns3 = {} }
  for key, places in pairs(arrows.arrows(graph)) do -- order-free
    local from, to = key:match("^(%S+) %-> (%S+)$")
    if not may(from, to) then now.arrows[key] = #places end
  end
  for path, rooms in pairs(arrows.touches(graph)) do -- order-free
    for room, touch in pairs(rooms) do -- order-free
      if touch.written > 0 then now.written[path .. " " .. room] = touch.written end
    end
  end
  now.ns3 = arrows.uses(graph, "compat", NS3)
  return now
end

-- A gate's problems: what is more than recorded, and what is less and not recorded yet.
local function compare(now, known, what)
  local problems = {}
  for _, key in ipairs(sorted_keys(now)) do
    if now[key] > (known[key] or 0) then
      problems[#problems + 1] = ("%s: %d %s, at most %d may be"):format(key, now[key], what,
        known[key] or 0)
    end
  end
  for _, key in ipairs(sorted_keys(known)) do
    if (now[key] or 0) < known[key] then
      problems[#problems + 1] = ("%s: %d %s, %d are recorded: lua5.4 tests/arrows.lua --shrink")
        :format(key, now[key] or 0, what, known[key])
    end
  end
  return problems
end

-- Places that name a congestion control, its table or an option of its own and are none of its own:
-- what others want to know of it, it says of itself (struct cc_ops).
local function named_algorithms(graph)
  local of = {}
  for name, small in graph.code["core/algorithms_i.h"]:gmatch("X%(with, (%u[%u%d_]*), ([%w_]+)") do
    of["WEFT_CC_" .. name], of["weft__cc_" .. small] = small, small
  end
  for member, name in graph.code["core/base/options.c"]:gmatch("OWN%(([%w_]+), ([%w_]+)%)") do
    of[member] = of["WEFT_CC_" .. name]
  end
  local problems = {}
  for _, path in ipairs(graph.files) do
    for word in graph.code[path]:gmatch("[%a_][%w_]*") do
      local its = of[word] and ("core/packet/cc/%s.c"):format(of[word])
      local law = of[word] and ("core/fluid_cc/law_%s.c"):format(of[word])
      if its and path ~= its and path ~= law and not CC_LISTS[path] then
        problems[#problems + 1] = ("%s: names %s; may be in %s"):format(path, word, its)
      end
    end
  end
  return problems
end

-- Tables that are filled by another room than that which declares them, and may not be.
local function wrongly_filled(arrows, graph)
  local problems, tables = {}, arrows.tables(graph)
  for _, name in ipairs(sorted_keys(tables)) do
    for _, room in ipairs(sorted_keys(tables[name].fillers)) do
      local is_engine = name == "engine_ops" and not M.may[room] and not room:find("/", 1, true)
      local allowed = M.filled[name]
      if room ~= tables[name].room and not is_engine and not (allowed and allowed[room]) then
        problems[#problems + 1] = ("struct %s of %s is filled by %s: %s"):format(name,
          tables[name].room, room, table.concat(tables[name].fillers[room], ", "))
      end
    end
  end
  return problems
end

-- The gates, through `gate(name, check)`; `build` has the objects.
function M.gates(arrows, build, gate)
  local known, graph, now = dofile(KNOWN), nil, nil
  local function measure()
    graph = graph or arrows.read(arrows.sources())
    now = now or measured(arrows, graph)
    return now
  end
  gate("rooms of the core point where they may", function()
    return compare(measure().arrows, known.arrows, "uses")
  end)
  gate("the largest circle of files is no larger than recorded", function()
    return compare({ circle = measure().circle }, { circle = known.circle }, "files")
  end)
  gate("state is written by the room that owns it", function()
    return compare(measure().written, known.written, "writes")
  end)
  gate("compat is asked for in packet/ns3, and where an engine chooses its model", function()
    return compare(measure().ns3, known.ns3, "uses of .compat")
  end)
  gate("tables of functions are filled by rooms that may", function()
    measure()
    return wrongly_filled(arrows, graph)
  end)
  gate("what is asked of a congestion control it says of itself, in its file", function()
    measure()
    return named_algorithms(graph)
  end)
  gate("objects have no calls that the text does not show", function()
    measure()
    return arrows.unseen(graph, build)
  end)
end

local function save(known)
  local file = assert(io.open(KNOWN, "w"))
  file:write("-- What is not yet as tests/rooms.lua wants it. Numbers may only become smaller:\n",
    "-- `lua5.4 tests/arrows.lua --shrink` writes this file.\n", "return {\n",
    ("  circle = %d, -- files\n"):format(known.circle))
  for _, name in ipairs { "arrows", "written", "ns3" } do
    file:write("  ", name, " = {\n")
    for _, key in ipairs(sorted_keys(known[name])) do
      file:write(("    [%q] = %d,\n"):format(key, known[name][key]))
    end
    file:write("  },\n")
  end
  file:write("}\n")
  file:close()
end

-- Record what has become less; false if something has become more.
local function shrink(now, known)
  local is_more = now.circle > known.circle
  known.circle = math.min(known.circle, now.circle)
  for _, name in ipairs { "arrows", "written", "ns3" } do
    for _, problem in ipairs(compare(now[name], known[name], name)) do
      if problem:find("at most") then
        is_more = true
        print("not recorded: " .. problem)
      end
    end
    for _, key in ipairs(sorted_keys(known[name])) do
      local less = math.min(known[name][key], now[name][key] or 0)
      known[name][key] = less > 0 and less or nil
    end
  end
  save(known)
  return not is_more
end

local function report(arrows, graph)
  local all, count = arrows.arrows(graph), { [true] = 0, [false] = 0 }
  print("Arrows between rooms (uses; ! may not be):")
  for _, key in ipairs(sorted_keys(all)) do
    local from, to = key:match("^(%S+) %-> (%S+)$")
    local good = may(from, to) and true or false
    count[good] = count[good] + 1
    print(("  %s %-50s %4d"):format(good and " " or "!", key, #all[key]))
  end
  print(("  %d that may be, %d that may not"):format(count[true], count[false]))
  print("Tables of functions that one room declares and another fills:")
  local tables = arrows.tables(graph)
  for _, name in ipairs(sorted_keys(tables)) do
    for _, room in ipairs(sorted_keys(tables[name].fillers)) do
      if room ~= tables[name].room then
        print(("    %-46s %s"):format(tables[name].room .. " -> " .. room .. ": " .. name,
          table.concat(tables[name].fillers[room], ", ")))
      end
    end
  end
  print("Circles of files that call each other:")
  for _, circle in ipairs(arrows.circles(graph)) do
    print(("  %d of %d: %s%s"):format(#circle, #graph.files,
      table.concat(circle, " ", 1, math.min(#circle, 6)), #circle > 6 and " ..." or ""))
  end
  print("Files that touch state of another room (named/written):")
  local touches, files, written = arrows.touches(graph), 0, 0
  for _, path in ipairs(sorted_keys(touches)) do
    local parts, writes = {}, 0
    for _, room in ipairs(sorted_keys(touches[path])) do
      local touch = touches[path][room]
      parts[#parts + 1] = ("%s %d/%d"):format(room, touch.named, touch.written)
      writes = writes + touch.written
    end
    files, written = files + 1, written + (writes > 0 and 1 or 0)
    print(("    %-46s %s"):format(path, table.concat(parts, ", ")))
  end
  print(("  %d files of %d, %d of them write"):format(files, #graph.files, written))
  local total = 0
  for _, n in pairs(arrows.uses(graph, "compat", NS3)) do total = total + n end -- order-free
  print(("uses of .compat outside packet/ns3 and packet/model.c: %d"):format(total))
end

-- Print the figures, every use of one arrow, or record what has become less.
function M.main(arrows, what)
  local graph = arrows.read(arrows.sources())
  if what == "--shrink" then
    os.exit(shrink(measured(arrows, graph), dofile(KNOWN)) and 0 or 1)
  elseif what then
    for _, place in ipairs(arrows.arrows(graph)[what] or {}) do print(place) end
  else
    report(arrows, graph)
  end
end

M.save, M.measured = save, measured

return M
