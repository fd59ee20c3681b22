return [[
What runs on the fabric:

  sim:add_flow { src = "h0", dst = "h5", size = "1MB", start = "10us" }
  local job = sim:add_job(weft.workload.allreduce { size = "16MiB" })
  local job = sim:add_job(weft.workload.allreduce { size = "16MiB", algorithm = "double_tree",
    chunk = "128KiB" })
  local job = sim:add_job(weft.workload.all_to_all { size = "1MiB", ranks = { "h0", "h1", "h2" } })
  local job = sim:add_job(weft.workload.gpt { model = "13B", tp = 8, pp = 2, dp = 8 })
  local job = sim:add_job(weft.workload.moe { model = "8x13B", tp = 4, dp = 32, ep = 8 })
  local job = sim:add_job(weft.workload.simai { group = 16, layers = { { allreduce = "16MiB" } } })
  local job = sim:add_job(weft.workload.flows { file = "flows.csv" })
  local job = sim:add_job(weft.workload.synthetic { load = 0.5, sizes = "websearch", flows = 1e4 })
  local job = sim:add_job(weft.workload.goal { file = "schedule.goal" })
  local job = sim:add_job(weft.workload.aicb { file = "gpt.txt", ranks = 16 })
  local job = sim:add_job(weft.workload.chakra { dir = "traces" })

What a file asks for that is not simulated (priority groups, for example) is said once on standard
error, with its line; docs/formats.md has a table for each format.

Several jobs: weft.placement.packed, spread, random and explicit give each its hosts, as `ranks`:

  local placed = weft.placement.spread(fabric, { 8, 8 })
  sim:add_job(weft.workload.allreduce { size = "16MiB", ranks = placed[1] })
  print(sim:job_report())      after the run: what each lost to the others, and on which links

A job has job:summary(), job:result(), job:slowest(n) and a tag that its flows carry.
Print a gpt or moe before it runs: its parallel groups and the bytes that each moves.
The other collectives are reduce_scatter, all_gather, broadcast, reduce and send.
help(weft.workload.allreduce) tells the options. The core's own task graph (compute, send,
barrier) is open to scripts through sim.core: help "task_add".
]]
