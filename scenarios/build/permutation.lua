--- Permutation traffic on a fat tree: every host sends one flow to another host, and every host
-- receives one. Who sends to whom is a derangement drawn by the seed.
-- Options: `k`, `rate`, `delay` of the fat tree, `size`, `seed`, and options of the core.
-- Returns the simulation and its job.

local weft = require "weft"

local OWN = { k = true, rate = true, delay = true, size = true }

return function(options)
  local engine = {
    topology = weft.topology.fat_tree {
      k = options.k or 8, rate = options.rate, delay = options.delay,
    },
  }
  for key, value in pairs(options) do -- order-free: a copy
    if not OWN[key] then engine[key] = value end
  end
  local sim = weft.simulation(engine)
  local hosts = sim.fabric:hosts()
  local flows = {}
  for i, to in ipairs(weft.random.stream(options.seed or 1, "permutation"):derangement(#hosts)) do
    flows[i] = { src = hosts[i], dst = hosts[to], size = options.size or "10MB" }
  end
  return sim, sim:add_job(weft.workload.flows(flows))
end
