-- What is not yet as tests/rooms.lua wants it. Numbers may only become smaller:
-- `lua5.4 tests/arrows.lua --shrink` writes this file.
return {
  circle = 17, -- files
  arrows = {
    ["packet/cc -> packet/ns3"] = 2,
    ["packet/cc -> packet/transport"] = 8,
    ["packet/transport -> packet/ns3"] = 3,
  },
  written = {
    ["core/packet/transport/nic.c ns3"] = 1,
    ["core/packet/transport/sender.c flow"] = 5,
    ["core/work/task.c flow"] = 1,
  },
  ns3 = {
    ["core/packet/accel/acceleration.c"] = 1,
    ["core/packet/build.c"] = 2,
    ["core/packet/cc/cc.c"] = 3,
    ["core/packet/cc/cc.h"] = 2,
    ["core/packet/cc/hpcc.c"] = 3,
    ["core/packet/check.c"] = 3,
    ["core/packet/domains/threads.c"] = 1,
    ["core/packet/engine.c"] = 1,
    ["core/packet/loop.c"] = 1,
    ["core/packet/transport/data.c"] = 1,
    ["core/packet/transport/nic.c"] = 3,
    ["core/packet/transport/rtt.c"] = 4,
    ["core/packet/transport/sender.c"] = 1,
    ["core/packet/transport/timer.c"] = 1,
    ["core/run/sim.c"] = 2,
  },
}
