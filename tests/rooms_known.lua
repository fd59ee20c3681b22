-- What is not yet as tests/rooms.lua wants it. Numbers may only become smaller:
-- `lua5.4 tests/arrows.lua --shrink` writes this file.
return {
  circle = 15, -- files
  arrows = {
    ["fabric -> packet"] = 1,
    ["fabric -> packet/accel/memo"] = 1,
    ["packet/accel/contention -> run"] = 1,
    ["packet/accel/memo -> results"] = 2,
    ["packet/accel/partitions -> run"] = 3,
    ["packet/cc -> run"] = 1,
    ["packet/domains -> work"] = 1,
    ["results -> work"] = 1,
  },
  written = {
    ["core/packet/accel/partitions/crew.c domains"] = 2,
    ["core/packet/accel/partitions/crew.c fabric"] = 2,
    ["core/packet/domains/threads.c flow"] = 7,
    ["core/packet/domains/views.c fabric"] = 2,
    ["core/packet/domains/views.c flow"] = 12,
    ["core/packet/engine.c domains"] = 1,
    ["core/packet/loop.c domains"] = 1,
    ["core/run/sim.c domains"] = 1,
    ["core/work/task.c flow"] = 1,
  },
  ns3 = {
  },
}
