return [[
A fabric is a passive value: nodes and links. Simulations are built from it.

  weft.topology.star { hosts = 9, rate = "100Gbps", delay = "1us" }
  weft.topology.dumbbell { ... }         two groups and one link between them
  weft.topology.fat_tree { k = 8 }       k^3/4 hosts
  weft.topology.leaf_spine { ... }
  weft.topology.rail_optimized { servers = 4, gpus_per_server = 8 }   NVLink inside, rails outside
  weft.topology.wan { overlay = "evaluation" }   data centres; files of networks; caps (docs/fabric)
  weft.topology.from_file "fabric.txt"   HPCC (ns-3), SimAI or htsim (.topo) format; a second
                                         argument, { lenient = true }, leaves out links behind the
                                         count

Your own:

  local net = weft.fabric.new("mine")
  net:add_node("a", "host")  net:add_node("s", "switch")
  net:add_link("a", "s", "100Gbps", "1us")

net:node("a"), net:link("a", "s"), net:hosts() find things again. help(weft.topology.fat_tree) and
its neighbours tell the options and the numbering.
]]
