-- Functions of the module weft.core itself.
return {
  name = "core",
  title = "Module weft.core",
  brief = "The core in Lua, call by call as core/weft.h has it: stored units (ps, bit/s, bytes), "
    .. "indices from 0. Scripts use `weft.simulation` and its neighbours, which stand on this.",
  receiver = "core",
  functions = {
    { name = "version", c = "weft_version", brief = "The core's version.", params = {},
      returns = { "string", "\"major.minor.patch\"" }, example = "core.version()" },
    { name = "options", c = "weft_options",
      brief = "All parameters of a simulation, in the core's order.", params = {},
      returns = { "table",
        "array of { name, unit, default, brief, needs (what an engine must have for it to have an "
          .. "effect, of core.constants.can), is_refused (by an engine that lacks it), is_reported "
          .. "(the results tell whether it had an effect), cc (the congestion control that alone "
          .. "reads it), min, max (numbers), choices (enumerations, and words of a quantity) }" },
      example = "for _, o in ipairs(core.options()) do print(o.name, o.brief) end" },
    { name = "parse", c = "weft_parse_quantity",
      brief = "Read a quantity; exact, a value that is not a whole number of the unit is an error.",
      params = { { "text", "string", "such as \"1us\", \"100Gbps\", \"16MiB\"" },
        { "unit", "string", "time, rate, bytes or none" } },
      returns = { "integer", "in ps, bit/s or bytes; or nil and a message" },
      example = "core.parse(\"1.5us\", \"time\") --> 1500000" },
    { name = "engine_can", c = "weft_engine_can",
      brief = "Whether an engine has something that others may not have.",
      params = { { "engine", "string", "one of core.constants.engine" },
        { "what", "string", "one of core.constants.can: packets, cc, compat, threads, accelerate, "
          .. "impair, storm, trace_acks, partitions" } },
      returns = { "boolean", "what an engine does not have is refused, or is no column" },
      example = "core.engine_can(\"ideal\", \"packets\") --> false" },
    { name = "column_needs", c = "weft_column_needs",
      brief = "What an engine must have for a table to have a column.",
      params = { { "table", "string", "flows, ports, tasks, acks or spans" },
        { "column", "string", "its name" } },
      returns = { "string|nil", "one of core.constants.can; nil: no engine has such a column" },
      example = "core.column_needs(\"ports\", \"queue_bytes\") --> \"packets\"" },
    { name = "new", c = "weft_sim_create", brief = "Create a simulation.",
      params = { { "options", "table",
        "by name: numbers in stored units, text with a unit, names, booleans" } },
      returns = { "sim", "open until closed or collected" },
      example = "core.new { cc = \"dctcp\", rto = \"1ms\", pfc = false }" },
  },
}
