-- Two jobs of 8 hosts each on one fabric, placed in three ways: what each loses to the other, and
-- on which links.

local weft = require "weft"

local args = weft.params {
  name = "08-two-jobs", brief = "AllReduce beside an all-to-all that starts later.", out = false,
  { name = "cc", engine = true, default = "dctcp", help = "congestion control" },
  { name = "size", type = "bytes", default = "2MiB", help = "of each rank's buffer" },
}

-- Two leaves of 8 hosts, 4 uplinks each: both jobs want more between the leaves than there is.
local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 8, spines = 4 }

local placements = {
  { "packed", weft.placement.packed(fabric, { 8, 8 }) },
  { "spread", weft.placement.spread(fabric, { 8, 8 }) },
  { "random", weft.placement.random(fabric, { 8, 8 }, { seed = args.seed }) },
}

local rows, reports = {}, {}
for _, placement in ipairs(placements) do
  local name, ranks = placement[1], placement[2]
  -- Messages of a pair stay on one way, so that a job alone takes the ways that it takes here.
  local sim = weft.simulation {
    topology = fabric, cc = args.cc, ecmp = "pair", seed = args.seed, set = args.set,
  }
  sim:add_job(weft.workload.allreduce { size = args.size, ranks = ranks[1] })
  sim:add_job(weft.workload.all_to_all { size = args.size, ranks = ranks[2], start = "50us" })
  sim:run { progress = not args.quiet }
  reports[name] = sim:job_report()
  for _, entry in ipairs(reports[name].jobs) do
    rows[#rows + 1] = {
      placement = name, job = entry.kind, alone_ps = entry.alone_ps, time_ps = entry.time_ps,
      slowdown = entry.slowdown,
    }
  end
end

local out = weft.report.new(args.format)
out:table({
  { "placement" }, { "job" },
  { "alone_ps", "alone", weft.units.format_time },
  { "time_ps", "together", weft.units.format_time },
  { "slowdown", "slowdown", function(value) return ("%.2f"):format(value) end },
}, rows)
out:line("")
out:line("spread:")
out:line(tostring(reports.spread))
