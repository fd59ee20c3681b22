return [[
weft simulates the networks that train large models, packet by packet.

  local weft = require "weft"
  local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 8 }
  local sim = weft.simulation { topology = fabric, cc = "hpcc", seed = 1 }
  local job = sim:add_job(weft.workload.allreduce { size = "16MiB" })
  sim:run { progress = true }
  print(job:summary())
  sim:flows():write_csv "flows.csv"

Quantities are text with a unit ("400Gbps", "500ns", "16MiB") or numbers in bit/s, seconds, bytes.
Mistakes are told in one line with their place. What had no effect (an option, threads, arguments)
is said once, on standard error.

  help "topology"   fabrics: built-in shapes, your own, from a file
  help "workload"   flows, collectives, jobs
  help "engines"    packets, or the ideal time of each flow
  help "compare"    how far each engine is off, on your scenario
  help "cc"         congestion control
  help "failures"   gray failures, links that go down and come back
  help "results"    tables, series, pictures
  help "geo"        training across data centres
  help "config"     experiments of other simulators, moved over
  help "options"    every parameter of a simulation
  help "prompt"     what you can do where you type
  help(weft.topology)           what a module offers
  help(weft.topology.fat_tree)  one function, from its source
  help "sim:degrade"            what a simulation can be asked; "job:result" of a job
  help "flow_add"               a call of the core below (weft.core)
]]
