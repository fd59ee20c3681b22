return [[
What runs on the fabric:

  sim:add_flow { src = "h0", dst = "h5", size = "1MB", start = "10us" }
  local job = sim:add_job(weft.workload.allreduce { size = "16MiB" })
  local job = sim:add_job(weft.workload.all_to_all { size = "1MiB", ranks = { "h0", "h1", "h2" } })
  local job = sim:add_job(weft.workload.flows { file = "flows.csv" })

Several jobs: weft.placement.packed, spread, random and explicit give each its hosts, as `ranks`:

  local placed = weft.placement.spread(fabric, { 8, 8 })
  sim:add_job(weft.workload.allreduce { size = "16MiB", ranks = placed[1] })

A job has job:summary(), job:result(), job:slowest(n) and a tag that its flows carry.
help(weft.workload.allreduce) tells the options. The engine's own task graph (compute, send,
barrier) is open to scripts through sim.core: help "task_add".
]]
