-- Failures of every shade from one timeline, and who suffers by each: the same traffic with one
-- entry at a time, then with all.

local weft = require "weft"

local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 4, spines = 2 }

local timeline = {
  { kind = "degrade", target = "h0-leaf0", at = "20us", over = "200us", factor = 0.1 },
  { kind = "degrade", target = "h1-leaf0", at = "20us", burst = { loss = 0.002, length = 5 } },
  { kind = "degrade", target = "leaf0-spine0", at = "20us", delay = "20us", jitter = "5us" },
  { kind = "fail", target = "spine1", at = "50us", detect = "100us", duration = "1ms" },
  { kind = "storm", target = "h6", at = "60us", duration = "400us" },
  { kind = "fail", target = "h7-leaf1", at = "80us" }, -- for good
}

local function run(name, failures)
  local sim = weft.simulation { topology = fabric, cc = "dcqcn", seed = 1 }
  for i = 0, 3 do sim:add_flow { src = i, dst = 4 + i, size = "2MB" } end
  sim:inject(failures)
  sim:run { watchdog = "1ms", on_stall = function() end } -- kept in sim.stalls
  local cells = {}
  for i, fct in ipairs(sim:flows():column "fct_ps") do
    cells[i] = ("%9s"):format(fct >= 0 and ("%.0f us"):format(fct / 1e6) or "-")
  end
  print(("%-28s%s  %4d lost"):format(name, table.concat(cells), sim:stats().packets_dropped))
  return sim
end

print((" "):rep(28) .. "  h0 > h4  h1 > h5  h2 > h6  h3 > h7")
run("nothing", {})
for _, failure in ipairs(timeline) do
  run(("%s %s"):format(failure.kind, failure.target), { failure })
end
local all = run("all of it", timeline)

print()
for _, row in ipairs(all:failures()) do
  local detail = row.detail == "" and "for good" or row.detail
  print(("%-7s %-8s %-13s %s"):format(weft.units.format_time(row.at_ps), row.kind, row.target,
    detail))
end
print()
for _, flow in ipairs(all.stalls) do
  print(("at %s no progress: %s > %s: %s"):format(weft.units.format_time(flow.at_ps),
    flow.src_name, flow.dst_name, flow.why))
end
for _, flow in ipairs(all:unfinished()) do
  print(("%s: %s > %s: %s"):format(flow.state, flow.src_name, flow.dst_name, flow.why))
end
