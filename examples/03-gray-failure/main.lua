-- A GPU gets slow in the middle of an AllReduce and recovers: nothing fails, and all wait.

local weft = require "weft"

local fabric = weft.topology.rail_optimized { servers = 4, gpus_per_server = 8 }

local function run(name, prepare)
  local sim = weft.simulation { topology = fabric, cc = "dctcp" }
  local job = sim:add_job(weft.workload.allreduce { size = "16MiB", channels = 8 })
  prepare(sim)
  sim:run()
  local row = { run = name, time_ps = job:time_ps() }
  return weft.report.add_congestion(sim, row)
end

local rows = {
  run("healthy", function() end),
  run("NIC of gpu3 at 1/4", function(sim)
    sim:degrade(fabric:link("gpu3", "leaf3"), { factor = 1 / 4 })
  end),
  run("the same, 20 to 60 us", function(sim)
    local link = fabric:link("gpu3", "leaf3")
    sim:degrade(link, { at = "20us", factor = 1 / 4 })
    sim:repair(link, { at = "60us" })
  end),
  run("all links of gpu3", function(sim)
    weft.failure.degrade_hosts(sim, { "gpu3" }, { factor = 1 / 4 })
  end),
}

local columns = { { "run" }, { "time_ps", "completion", weft.units.format_time } }
for _, column in ipairs(weft.report.congestion_columns) do columns[#columns + 1] = column end
weft.report.new("table"):table(columns, rows)
