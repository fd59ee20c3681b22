--- Incast on one switch: all hosts but the last send to the last, at the same instant.
-- Options: `senders`, `rate`, `delay` of the star, `size` of each flow, and options of the core.
-- Returns the simulation and its job.

local weft = require "weft"

local OWN = { senders = true, rate = true, delay = true, size = true }

return function(options)
  local senders = options.senders or 8
  local engine = {
    topology = weft.topology.star {
      hosts = senders + 1, rate = options.rate, delay = options.delay,
    },
  }
  for key, value in pairs(options) do -- order-free: a copy
    if not OWN[key] then engine[key] = value end
  end
  local sim = weft.simulation(engine)
  local flows = {}
  for i = 0, senders - 1 do
    flows[i + 1] = { src = i, dst = senders, size = options.size or "1MB" }
  end
  return sim, sim:add_job(weft.workload.flows(flows))
end
