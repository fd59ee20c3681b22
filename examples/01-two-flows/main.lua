-- Two flows share a link: how long does each take, and how fair is it?

local weft = require "weft"

local fabric = weft.topology.dumbbell { hosts = 2, rate = "100Gbps", delay = "1us" }
local sim = weft.simulation { topology = fabric, cc = "hpcc" }

sim:add_flow { src = "h0", dst = "h2", size = "10MB" }
sim:add_flow { src = "h1", dst = "h3", size = "10MB", start = "100us" }
sim:run()

print(fabric)
for i, flow in sim:flows():rows() do
  print(("flow %d  %s -> %s  %s in %s, %.2f times its time alone"):format(i - 1, flow.src_name,
    flow.dst_name, weft.units.format_bytes(flow.size_bytes), weft.units.format_time(flow.fct_ps),
    flow.slowdown))
end

local slowdown = sim:flows():column "slowdown"
print(("fairness of the slowdowns (Jain): %.3f"):format(weft.stats.jain(slowdown)))
print("longest queue: " .. weft.units.format_bytes(sim:stats().max_queue_bytes))
