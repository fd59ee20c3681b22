-- How much slower flows of which size get as the load grows: the usual picture of a congestion
-- control, of synthetic traffic.

local weft = require "weft"

local args = weft.params {
  name = "11-load", brief = "Slowdown by size of flow at several loads.", out = false,
  { name = "cc", engine = true, default = "hpcc", help = "congestion control" },
  { name = "sizes", choices = { "websearch", "fbhdp", "alistorage", "googlerpc" },
    default = "fbhdp", help = "distribution of flow sizes" },
  { name = "flows", type = "integer", default = 1500, min = 100, help = "at each load" },
}

local fabric = weft.topology.leaf_spine { leaves = 2, hosts_per_leaf = 8, oversubscription = 2 }
local loads = { 0.2, 0.4, 0.6 }
local parts = 5 -- of the flows in the order of their sizes, as many in each

-- Sizes and slowdowns of all flows, by size.
local function run(load)
  local sim = weft.simulation { topology = fabric, cc = args.cc, seed = args.seed, set = args.set }
  sim:add_job(weft.workload.synthetic {
    load = load, load_on = "uplinks", sizes = args.sizes, flows = args.flows, exact = true,
    seed = args.seed,
  })
  sim:run { progress = not args.quiet }
  local sizes, slowdowns = sim:flows():column "size_bytes", sim:flows():column "slowdown"
  local order = {}
  for i = 1, #sizes do order[i] = i end
  table.sort(order, function(a, b)
    if sizes[a] ~= sizes[b] then return sizes[a] < sizes[b] end
    return a < b
  end)
  local flows = {}
  for i, row in ipairs(order) do flows[i] = { size = sizes[row], slowdown = slowdowns[row] } end
  return flows
end

local function slowdown(flows, part, percent)
  local values = {}
  for i = math.floor((part - 1) * #flows / parts) + 1, math.floor(part * #flows / parts) do
    values[#values + 1] = flows[i].slowdown
  end
  return weft.stats.percentile(values, percent)
end

local function two_digits(value) return ("%.2f"):format(value) end

local columns, rows = { { "to_bytes", "sizes to", weft.units.format_bytes } }, {}
for part = 1, parts do rows[part] = {} end
for _, load in ipairs(loads) do
  local flows = run(load)
  for _, percent in ipairs { 50, 99 } do
    local key = ("p%d_load_%g"):format(percent, load)
    columns[#columns + 1] = { key, ("load %g: p%d"):format(load, percent), two_digits }
    for part = 1, parts do
      rows[part].to_bytes = flows[math.floor(part * #flows / parts)].size -- the same at every load
      rows[part][key] = slowdown(flows, part, percent)
    end
  end
end

local out = weft.report.new(args.format)
out:line("slowdown of %d flows of %s, by their size, on %s", args.flows, args.sizes,
  tostring(fabric))
out:line("")
out:table(columns, rows)
