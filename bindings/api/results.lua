-- Tables of results and sampled series.
return {
  name = "results",
  title = "Results",
  brief = "Tables \"flows\", \"ports\", \"tasks\", \"acks\" and \"spans\" by column, and series "
    .. "sampled over time.",
  receiver = "sim",
  functions = {
    { name = "columns", c = "weft_column_get", brief = "What columns a table has.",
      params = { { "table", "string", "flows, ports, tasks, acks or spans" } },
      returns = { "table", "array of { name, brief, type, count (rows) }" },
      example = "for _, c in ipairs(sim:columns(\"flows\")) do print(c.name, c.brief) end" },
    { name = "column", c = "weft_column_get", brief = "A column as an array of numbers.",
      params = { { "table", "string", "flows, ports, tasks, acks or spans" },
        { "column", "string|integer", "its name, or its index from 0" },
        { "first", "integer", "row to begin with, from 0; default: 0" },
        { "count", "integer", "rows at most; default: the rest" } },
      returns = { "table", "array; element 1 belongs to row `first`" },
      example = "sim:column(\"flows\", \"fct_ps\")" },
    { name = "flow_traffic", c = "weft_flow_traffic_get",
      brief = "What a flow has put on the links of its way, of what has arrived so far.",
      params = { { "flow", "integer", "its number" } },
      returns = { "table", "{ data_bytes, ack_bytes (on the wire, on each link), data_ports, "
        .. "ack_ports (arrays of directed ports) }" },
      example = "sim:flow_traffic(0).data_bytes" },
    { name = "sample", c = "weft_sample",
      brief = "Sample all watches from now on. Once per simulation.",
      params = { { "period_ps", "integer", "doubles whenever the capacity is reached" },
        { "capacity", "integer", "periods kept at most; even, 16 or more" } },
      example = "sim:sample(1e6, 1024)" },
    { name = "trace_acks", c = "weft_trace_acks",
      brief = "Keep a row of the table \"acks\" for every ACK from now on.",
      params = { { "capacity", "integer", "rows at most; 0: no more" } },
      example = "sim:trace_acks(10000)" },
    { name = "watch", c = "weft_watch", brief = "Watch a port or flow from now on.",
      params = { { "metric", "string", "port_bytes, port_queue or flow_bytes" },
        { "object", "integer", "the directed port or the flow" } },
      returns = { "integer", "the watch" }, example = "local w = sim:watch(\"port_queue\", 7)" },
    { name = "series", c = "weft_series_get",
      brief = "What a watch has seen. Value i belongs to the period that ends at "
        .. "start_ps + i * period_ps.",
      params = { { "watch", "integer", "from watch()" } },
      returns = { "table", "{ start_ps, period_ps, count, value = { ... } }" },
      example = "sim:series(w).value[1]" },
    { name = "partitions_find", c = "weft_partitions_find",
      brief = "Divide the active flows into partitions: those that meet at a directed port, or are "
        .. "connected by flows that do.",
      params = { { "acks", "string", "which ACKs count: none, data (the default: those that meet "
          .. "data) or all" },
        { "rate_steps", "integer", "patterns tell present rates apart in so many steps of the line "
          .. "rate; 0, the default: not at all" } },
      returns = { "integer", "how many" }, example = "sim:partitions_find(\"data\", 0)" },
    { name = "partition", c = "weft_partition_get",
      brief = "One of the partitions found last.",
      params = { { "index", "integer", "from 0, in the order of first flows" } },
      returns = { "table", "{ key (16 hexadecimal digits), pattern, flow_count, port_count, "
        .. "shared_count, use_count, flows, ports (the first shared_count are shared), uses (of "
        .. "shared ports: { flow, port, ack }) }" },
      example = "print(#sim:partition(0).flows)" },
    { name = "partition_match", c = "weft_partition_match",
      brief = "Map the flows of a partition on those of another with the same pattern.",
      params = { { "a", "integer", "index of a partition" }, { "b", "integer", "of another" } },
      returns = { "table|nil", "array: flow i of `a` has this counterpart in `b`; nil if there is "
        .. "no such map" },
      example = "sim:partition_match(0, 1)" },
  },
}
