return [[
Training across data centres: gradients summed up over slow, uneven, changing links, chunk by chunk.

  local geo = weft.geo
  local overlay = geo.overlay.evaluation()        9 data centres, NetStorm's; or
  local overlay = geo.overlay.read("links.csv")[1]        u,v,mbps or src,dst,gbps
  local tensors = geo.models.tensors "alexnet"
  local plan = geo.strategies.get("netstorm").plan(overlay, tensors, { roots = 3 })
  geo.fifo.run(plan)                              seconds of an iteration, bits of each link
  geo.fifo.run(plan, { in_sequence = true })      push, then pull
  geo.engine.run(plan, { engine = "packet" })     the same with packets; or "fluid"
  plan:bound_s()                                  what the busiest link alone takes
  32 * geo.models.elements(tensors) / geo.bounds.cut_bps(overlay)     no strategy is faster

Strategies: star, star_app, kary_tree, tsengine, ring, even, netstorm, packing; your own is a table
with a name and a function plan(overlay, tensors, options).

Rates that change:

  local trace = geo.trace.of_overlays({ geo.overlay.evaluation(0), geo.overlay.evaluation(1) }, 180)
  geo.training.run(trace, tensors, { strategy = "packing", knows = "lag1", iterations = 9 })

On the command line: weft scenarios/geo_training.lua --help. More in docs/geo.md.
]]
