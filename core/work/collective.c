/* Collectives, lowered to sends that wait for one another. */
#include "work/work.h"

#include <inttypes.h>

struct builder {
  weft_sim *sim;
  const weft_collective_def *def;
  uint32_t first; /* task that all sends of the first step wait for */
  int status;
};

/* Bytes of piece i of n: the remainder goes to the first pieces, one byte each. */
static uint64_t piece(uint64_t bytes, uint32_t n, uint32_t i) {
  return bytes / n + (i < bytes % n);
}

static uint32_t add(struct builder *b, uint32_t kind, uint32_t src, uint32_t dst, uint64_t bytes) {
  if (b->status < 0) return 0;
  const weft_task_def task = {.kind = kind,
                              .src = src,
                              .dst = dst,
                              .tag = b->def->tag,
                              .size_bytes = bytes,
                              .start_ps = kind == WEFT_TASK_BARRIER ? b->def->start_ps : 0};
  b->status = weft_task_add(b->sim, &task);
  return b->status < 0 ? 0 : (uint32_t)b->status;
}

static void after(struct builder *b, uint32_t task, uint32_t dependency) {
  if (b->status >= 0) b->status = weft_task_after(b->sim, task, dependency);
}

/* Ring AllReduce (Patarasuk and Yuan, JPDC 2009): n-1 steps of reduce-scatter, n-1 of all-gather.
 * In step s rank i passes piece (i - s) mod n on to rank i+1, once it has received that piece from
 * rank i-1 in step s-1. */
static uint32_t ring(struct builder *b) {
  const uint32_t n = b->def->rank_count, steps = 2 * (n - 1);
  const uint32_t base = b->sim->tasks.n;
  for (uint32_t s = 0; s < steps; ++s)
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t part = (i + 2 * n - s % n) % n;
      const uint32_t send = add(b, WEFT_TASK_SEND, b->def->ranks[i], b->def->ranks[(i + 1) % n],
                                piece(b->def->size_bytes, n, part));
      after(b, send, s == 0 ? b->first : base + (s - 1) * n + (i + n - 1) % n);
    }
  const uint32_t end = add(b, WEFT_TASK_BARRIER, 0, 0, 0);
  for (uint32_t i = 0; i < n; ++i) after(b, end, base + (steps - 1) * n + i);
  return end;
}

/* Every ordered pair at once. Rank i starts with rank i+1, so that no receiver is everyone's
 * first. */
static uint32_t all_to_all(struct builder *b) {
  const uint32_t n = b->def->rank_count;
  const uint32_t base = b->sim->tasks.n;
  for (uint32_t k = 1; k < n; ++k)
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t to = (i + k) % n;
      after(b,
            add(b, WEFT_TASK_SEND, b->def->ranks[i], b->def->ranks[to],
                piece(b->def->size_bytes, n, to)),
            b->first);
    }
  const uint32_t sends = b->sim->tasks.n - base;
  const uint32_t end = add(b, WEFT_TASK_BARRIER, 0, 0, 0);
  for (uint32_t t = 0; t < sends; ++t) after(b, end, base + t);
  return end;
}

static int check(weft_sim *sim, const weft_collective_def *def) {
  const uint32_t n = def->rank_count;
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "collective: call weft_fabric_ready first");
  if (def->kind > WEFT_ALLTOALL)
    return weft__fail(sim, WEFT_EINVAL, "collective kind: expected 0 or 1, got %" PRIu32,
                      def->kind);
  if (n < 2)
    return weft__fail(sim, WEFT_EINVAL, "collective ranks: expected 2 or more, got %" PRIu32, n);
  if (def->size_bytes < n)
    return weft__fail(sim, WEFT_EINVAL,
                      "collective size_bytes: expected at least a byte per rank, %" PRIu32
                      ", got %" PRIu64,
                      n, def->size_bytes);
  if (def->after > sim->tasks.n)
    return weft__fail(sim, WEFT_EINVAL, "collective after: no task %" PRIu32, def->after - 1);
  for (uint32_t i = 0; i < n; ++i) {
    if (def->ranks[i] >= sim->nodes.n || sim->nodes.at[def->ranks[i]].kind != WEFT_HOST)
      return weft__fail(sim, WEFT_EINVAL,
                        "collective rank %" PRIu32 ": expected a host, got node %" PRIu32, i,
                        def->ranks[i]);
    for (uint32_t j = 0; j < i; ++j)
      if (def->ranks[j] == def->ranks[i])
        return weft__fail(sim, WEFT_EINVAL,
                          "collective ranks %" PRIu32 " and %" PRIu32
                          ": expected different hosts, got node %" PRIu32,
                          j, i, def->ranks[i]);
  }
  return WEFT_OK;
}

/* A collective that does not fit leaves nothing behind: cut the task pools back. Edges to the task
 * that it was to follow are on top of that task's list. */
static void undo(weft_sim *sim, uint32_t tasks, uint32_t edges, uint32_t after_task) {
  if (after_task > 0) {
    uint32_t *head = &sim->tasks.at[after_task - 1].edges;
    while (*head != WEFT_NONE && *head >= edges) *head = sim->task_edges.at[*head].next;
  }
  sim->tasks.n = tasks;
  sim->task_edges.n = edges;
}

int weft_collective_add(weft_sim *sim, const weft_collective_def *def) {
  const int status = check(sim, def);
  if (status != WEFT_OK) return status;
  const uint32_t tasks = sim->tasks.n, edges = sim->task_edges.n;
  struct builder b = {.sim = sim, .def = def};
  b.first = add(&b, WEFT_TASK_BARRIER, 0, 0, 0);
  if (def->after > 0) after(&b, b.first, def->after - 1);
  const uint32_t end = def->kind == WEFT_ALLREDUCE_RING ? ring(&b) : all_to_all(&b);
  if (b.status >= 0) return (int)end;
  undo(sim, tasks, edges, def->after);
  return b.status;
}
