-- Running, and looking at the whole.
return {
  name = "run",
  title = "Run",
  brief = "Running, and totals. More work may be added between runs.",
  receiver = "sim",
  functions = {
    { name = "run", c = "weft_run", brief = "Run until nothing is left to happen, or to a limit.",
      params = { { "until_ps", "integer", "inclusive; negative, the default: no limit" },
        { "max_events", "integer", "how many more; 0, the default: no limit" } },
      returns = { "string", "done, until, budget or interrupted" }, example = "sim:run(1e9)" },
    { name = "interrupt", c = "weft_interrupt",
      brief = "Make a running run() return before the next event; for hooks and signal handlers.",
      params = {}, example = "sim:interrupt()" },
    { name = "stats", c = "weft_stats_get", brief = "Totals so far.", params = {},
      returns = { "table", "all fields of weft_stats; fingerprint as 16 hexadecimal digits" },
      example = "print(sim:stats().events)" },
    { name = "stalled", c = "weft_stalled",
      brief = "The watchdog: flows that are active and to which nothing has been delivered for "
        .. "some time, by what it saw when it was last called.",
      params = { { "patience_ps", "integer", "1 or more" } },
      returns = { "table", "array of rows of the table \"flows\", counted from 0" },
      example = "sim:stalled(1e9)" },
    { name = "threads_used", c = "weft_threads_used", params = {},
      brief = "How many threads have worked at once so far, at most, and why not as many as the "
        .. "option `threads` says.",
      returns = { "integer, string", "1: the caller's alone; then enough, compat, script, "
        .. "selective, trace, routes, wires, tasks, fabric, budget, little or system" },
      example = "print(sim:threads_used())" },
    { name = "check", c = "weft_check", params = {},
      brief = "Verify conservation of packets and bytes and the consistency of queues.",
      returns = { "boolean", "true; raises WEFT_EINTERNAL when an invariant is broken" },
      example = "assert(sim:check())" },
  },
}
