--- A ring AllReduce over all GPUs of a fabric, some of them with all their links degraded.
-- Options: `topology` (a fabric), `size`, `channels`, `degraded` (host ids; none: the healthy run),
-- `factor` (rate of a degraded link over its rate as built), and options of the core.
-- Returns the simulation, its job, and the degraded links.

local weft = require "weft"

local OWN = { size = true, channels = true, degraded = true, factor = true }

return function(options)
  local engine = {}
  for key, value in pairs(options) do -- order-free: a copy
    if not OWN[key] then engine[key] = value end
  end
  local sim = weft.simulation(engine)
  local job = sim:add_job(weft.workload.allreduce {
    size = options.size, channels = options.channels,
  })
  local links = weft.failure.degrade_hosts(sim, options.degraded or {}, { factor = options.factor })
  return sim, job, links
end
