return [[
How far an engine is off: the same scenario with each, and the times of its flows compared.

  local compared = weft.compare { engines = { "packet", "accelerated", "ideal" }, function(engine)
    local sim = weft.simulation { topology = fabric, engine = engine, cc = "hpcc" }
    sim:add_job(weft.workload.allreduce { size = "16MiB" })
    return sim                       -- run here, if it has not been
  end }
  print(compared)                    errors per flow, by size; slowdowns, completion, wall time
  compared:write_csv "engines.csv"   also write_json, print "csv", rows(), by_size(), verdict()
  weft.viz.compare(compared, { file = "engines.png" })

Words: packet, accelerated (packet with memoize and fast_forward), fluid-cc (engine = "fluid",
dynamics = "cc"), fluid, ideal; weft.engines.words() lists those that are built in.
weft.engines.fitting(word, options) leaves out options that an engine has no use for.

The row "floor" is the truth ("packet"; option truth) again, with links longer by up to 1 ns:
packets themselves are no better. On a family of random workloads: scenarios/flow_level.lua --help.
More: docs/compare.md
]]
