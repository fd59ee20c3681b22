return [[
What moves the flows: weft.simulation { engine = "packet" }

  packet   every packet, with queues, losses and congestion control; the default
  fluid    every flow has a rate: its max-min share of the links of its way; no queues, no losses
           with dynamics = "cc": a fluid whose rates follow the laws of the congestion control, with
           queues, marks and pauses: docs/fluid.md
  ideal    every flow takes the time that it would take alone on its way (ideal_ps): no contention,
           a bound that nothing can be faster than, at an event or two per flow

Topologies, workloads, failures, tables, samples, forks and pictures are the same. What an engine
cannot do is refused with its name ("engine 'ideal' has no memoize"); options without effect are
said; what it does not have is no column.

  local bound = weft.simulation { topology = fabric, engine = "ideal", ecmp = "pair" }
  weft.core.engine_can("ideal", "packets")   false; names: weft.core.constants.can

With fluid: sim:add_flow { weight = 2, rate = "10Gbps", path = { "h0", "leaf0", "h1" } }; options
fluid_acks, fluid_cap = "window", max_rate, merge_steps; compat = "flowsim" is m3's flowSim.

With ecmp = "pair" flows take the same ways with each engine. More: docs/engines.md
]]
