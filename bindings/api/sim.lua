-- The simulation as a whole.
return {
  name = "sim",
  title = "Simulations",
  brief = "A simulation owns everything in it and depends on nothing outside.",
  receiver = "sim",
  functions = {
    { name = "fork", c = "weft_sim_fork",
      brief = "A copy that continues independently: what-if from here.", params = {},
      returns = { "sim", "the copy" }, example = "local other = sim:fork()" },
    { name = "set_script", c = "weft_sim_set_script",
      brief = "Give a simulation with cc = \"script\" its callbacks, before fabric_ready(); "
        .. "see weft.cc, which does this.",
      params = { { "script", "table", "needs (nothing, telemetry, timestamp), start, on_ack, "
        .. "on_timer" } },
      example = "sim:set_script { on_ack = function(f, ack) f.rate = f.line_rate / 2 end }" },
    { name = "resource_add", c = "weft_sim_hold",
      brief = "Let the simulation hold bytes that never change; forks share them.",
      params = { { "kind", "string", "table, weights or code" }, { "name", "string", "for people" },
        { "bytes", "string", "copied once" } },
      returns = { "integer", "its index" },
      example = "sim:resource_add(\"table\", \"delays\", \"...\")" },
    { name = "resource", c = "weft_sim_resource", brief = "A resource that the simulation holds.",
      params = { { "index", "integer", "from resource_add()" } },
      returns = { "table|nil", "{ kind, name, bytes }; nil: there is none" },
      example = "sim:resource(0).name" },
    { name = "config", c = "weft_sim_config", brief = "The parameters in effect.", params = {},
      returns = { "table", "by option name, in stored units" }, example = "sim:config().rto" },
    { name = "close", c = "weft_sim_destroy",
      brief = "Free everything now; later calls raise \"closed sim\". Closing twice is fine.",
      params = {}, example = "sim:close()" },
  },
}
