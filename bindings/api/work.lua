-- Flows, tasks, collectives.
return {
  name = "work",
  title = "Workload",
  brief = "Flows, and a graph of tasks that lets flows wait for one another.",
  receiver = "sim",
  functions = {
    { name = "flow_add", c = "weft_flow_add", brief = "Add a transfer of bytes between two hosts.",
      params = { { "flow", "table", "{ src, dst, size_bytes, start_ps, tag }; with an engine "
        .. "that can \"shares\": weight, rate_bps, path (list of directed ports)" } },
      returns = { "integer", "its index, which is its row in the table \"flows\"" },
      example = "sim:flow_add { src = 0, dst = 3, size_bytes = 1000000 }" },
    { name = "flows_add", c = "weft_flows_add",
      brief = "Add many flows, all or none. An error begins with the number of the flow it is "
        .. "about, \"flow 17: ...\", counted from 0.",
      params = { { "flows", "table", "lists src, dst, size_bytes and start_ps of one length; "
        .. "tag, a number for all" } },
      returns = { "integer", "index of the first; the others follow" },
      example = "sim:flows_add { src = { 0, 1 }, dst = { 3, 3 }, size_bytes = { 1e6, 2e6 }, "
        .. "start_ps = { 0, 0 } }" },
    { name = "task_add", c = "weft_task_add",
      brief = "Add a task. It begins when all it was put after are done, not before start_ps.",
      params = { { "task", "table",
        "{ kind (compute, send, barrier), src (compute: the host that computes), dst, size_bytes, "
          .. "duration_ps, start_ps, tag, "
          .. "sport, dport }" } },
      returns = { "integer", "its index, which is its row in the table \"tasks\"" },
      example = "sim:task_add { kind = \"send\", src = 0, dst = 3, size_bytes = 4096 }" },
    { name = "task_after", c = "weft_task_after", brief = "Let a task wait for an earlier one.",
      params = { { "task", "integer", "the one that waits" },
        { "dependency", "integer", "the one that was added before it" } },
      example = "sim:task_after(second, first)" },
    { name = "task_behind", c = "weft_task_behind",
      brief = "Let a task wait until all of an earlier send, which has not begun, has left its "
        .. "host: messages of one connection.",
      params = { { "task", "integer", "the one that waits" },
        { "dependency", "integer", "the send that it follows" } },
      example = "sim:task_behind(second, first)" },
    { name = "collective_check", c = "weft_collective_check",
      brief = "Raise what collective_add would, and for ranks without a way to whom they send to; "
        .. "add nothing.",
      params = { { "collective", "table", "as for collective_add" } },
      example =
        "sim:collective_check { kind = \"allreduce\", ranks = { 0, 1 }, size_bytes = 3000 }" },
    { name = "collective_add", c = "weft_collective_add",
      brief = "Add a collective: one task, whose sends are flows that come as it goes on.",
      params = { { "collective", "table",
        "{ kind (allreduce, all_to_all, reduce_scatter, all_gather, broadcast, reduce), "
        .. "algorithm (default, ring, direct, bidirectional, tree, double_tree, "
        .. "halving_doubling, hierarchical, pairwise), ranks (array of hosts), size_bytes "
        .. "(per rank), chunk_bytes, root (rank), local (ranks of a server), volumes (all_to_all: "
        .. "list of lists of bytes), forget (1: no rows of flows that are over), start_ps, tag, "
        .. "after (task that must be done first + 1; 0: none) }" } },
      returns = { "integer", "its task" },
      example =
        "sim:collective_add { kind = \"allreduce\", ranks = { 0, 1 }, size_bytes = 3000 }" },
  },
}
