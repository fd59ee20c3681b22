return [[
An experiment as another simulator describes it: topology, flows and parameters.

  local config = weft.config.from_file "mix/config.txt"     HPCC (ns-3), m3, conweave, astra-sim
  local config = weft.config.from_file("SimAI.conf", { topology = "fabric.txt" })
  local config = weft.config.from_file("fat_tree.topo", { flows = "incast.cm" })     htsim

  print(config)             options, files, and what was left out and why
  config.options            for weft.simulation; config.files, config.ignored
  config:topology()         the fabric
  config:simulation { ... } ready to run: fabric, options, flows; your options win
  config:run { ... }        the same, run until config.stop_at

  { compat = true }         that simulator's quirks too, to compare flow by flow
  { flows = false }         no flows; { topology = fabric }: another fabric
  { skip = { "LB_MODE" } }  leave a key out, such as one that is refused

help(weft.config.from_file) tells all options.
]]
