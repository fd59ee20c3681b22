-- Memoized transients and skipped steady states.
return {
  name = "accel",
  title = "Acceleration",
  brief = "What the options `memoize` and `fast_forward` do: skipped spans, phases, and the memory "
    .. "of transients.",
  receiver = "sim",
  functions = {
    { name = "acceleration", c = "weft_acceleration_get",
      brief = "What has been skipped so far, and why not more.", params = {},
      returns = { "table", "all fields of weft_acceleration; refused = { paused, buffer, lossy, "
        .. "recovery, strays, trace, short, cut, match }: how often for each reason" },
      example = "print(sim:acceleration().events_skipped)" },
    { name = "trace_spans", c = "weft_trace_spans",
      brief = "Keep a row of the table \"spans\" for every span that is skipped from now on.",
      params = { { "capacity", "integer", "rows at most; 0: no more" } },
      example = "sim:trace_spans(10000)" },
    { name = "flow_phase", c = "weft_flow_phase",
      brief = "What the partition of a flow does, and since when.",
      params = { { "flow", "integer", "its number" } },
      returns = { "string, integer", "none (the flow is not active), transient (simulated), steady "
        .. "or memo (skipped); and since when, ps" },
      example = "local phase, since_ps = sim:flow_phase(0)" },
    { name = "memo_save", c = "weft_memo_save",
      brief = "Write all that has been memoized to a file, which appears whole or not at all.",
      params = { { "path", "string", "of the file" } }, example = "sim:memo_save(\"ring.memo\")" },
    { name = "memo_load", c = "weft_memo_load",
      brief = "Add the records of such a file to those in memory.",
      params = { { "path", "string", "of the file" } },
      returns = { "integer", "how many came; 0 if there is no such file" },
      example = "sim:memo_load(\"ring.memo\")" },
    { name = "memo_copy", c = "weft_memo_copy",
      brief = "Add the records of another simulation to those in memory.",
      params = { { "from", "sim", "the other simulation" } },
      returns = { "integer", "how many came" }, example = "sim:memo_copy(other)" },
  },
}
