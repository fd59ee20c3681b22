-- What if, from here on? A simulation is a value: copy it in the middle and change one copy.

local weft = require "weft"

local fabric = weft.topology.fat_tree { k = 4, rate = "100Gbps", delay = "1us" }
local sim = weft.simulation { topology = fabric, cc = "dctcp" }
local job = sim:add_job(weft.workload.all_to_all { size = "8MiB" })

sim:run { stop_at = "200us" }
print(("at %s %d of %d flows are done"):format(weft.units.format_time(sim:now_ps()),
  sim:stats().flows_done, sim:stats().flows_started))

-- The same present, three futures.
local slow, down = sim:fork(), sim:fork()
slow:degrade(fabric:link("agg0", "core0"), { factor = 1 / 10 })
down:fail(fabric:link("agg0", "core0"))

local function finish(name, future)
  future:run()
  local totals = future:stats()
  print(("%-22s %s, %d packets dropped, %d sent again, fingerprint %s"):format(name,
    weft.units.format_time(future.jobs[1]:time_ps()), totals.packets_dropped, totals.retransmits,
    totals.fingerprint))
end

finish("undisturbed", sim)
finish("agg0-core0 at 1/10", slow)
finish("agg0-core0 down", down)
print(job:summary())
