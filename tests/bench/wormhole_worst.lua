-- The worst case for memoizing and skipping: many short flows that come at random (web search,
-- Poisson, load 0.5), so that hardly any contention lasts or comes again. Prints what
-- scenarios/wormhole.lua prints, as JSON.

local weft = require "weft"

local wormhole = dofile("scenarios/build/wormhole.lua")
local comparison = dofile("scenarios/build/wormhole_compare.lua")

local args = weft.params {
  name = "wormhole_worst", brief = "Web search traffic, accelerated and plain.",
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "flows", type = "integer", default = 4000, min = 100, help = "how many" },
}

local function run(accelerated)
  local began = weft.util.wall_s()
  local sim = weft.simulation {
    topology = weft.topology.fat_tree { k = 8 }, cc = args.cc, seed = args.seed, set = args.set,
    memoize = accelerated, fast_forward = accelerated,
  }
  local job = sim:add_job(weft.workload.synthetic {
    load = 0.5, sizes = "websearch", flows = args.flows, seed = args.seed,
  })
  return wormhole.run {
    sim = sim, job = job, accel = accelerated and "both" or "none",
    building_wall_s = weft.util.wall_s() - began,
  }
end

local accelerated, plain = run(true), run(false)
local row = comparison.row(accelerated, plain)
print(weft.json.encode(row, "  "))
