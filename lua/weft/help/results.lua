return [[
After a run, or between two:

  sim:stats()                  totals, with the fingerprint of all events
  sim:flows(), sim:ports(), sim:tasks()    tables
    t:column "fct_ps"          a column as an array
    t:row(1), t:rows(), #t     row by row
    t:describe()               names and meanings of the columns
    t:write_csv "flows.csv"
  weft.stats.percentile(values, 99), weft.stats.cdf(values), weft.stats.slowdown(fct, ideal)

  sim:unfinished()             flows that are not complete, and why; a script that leaves work
                               undone for good, and asks for none of this, ends with status 1
  sim:close()                  free the engine's part now, not when it is collected

Over time, in bounded memory; ask before the run:

  sim:sample { period = "1us", ports = { 12, 13 }, queues = { 12 } }
  sim:series("port_bytes", 12)

At a moment of a run:

  print(sim:partitions())      which flows contend, and which groups do so in the same way

With memoize = true or fast_forward = true:

  print(sim:acceleration())    what was skipped, why not more, how large the error is
  sim:spans()                  the skipped spans as a table; weft.simulation { spans = 10000 }
  sim:flow_phase(0)            what the partition of a flow does now

Pictures, PNG, SVG or PDF by the name:

  weft.viz.fct(sim, { file = "slowdown.png" })                       slowdown by size of flow
  weft.viz.gantt(sim, { file = "hosts.png" })                       what each host did when
  weft.viz.topology(sim, { file = "fabric.svg", color = "utilization" })
  weft.viz.rates(sim, { file = "rates.png", ports = { 12, 13 } })
  weft.viz.rates(sim, { file = "skipped.png", flows = { 0 }, spans = sim })    what was skipped
  weft.viz.phases(sim, { file = "phases.png" })                                of each partition
  weft.viz.jobs(sim:job_report(), { file = "jobs.png" })
  weft.viz.partition(sim:partitions(), 1, { file = "partition.png" })
]]
