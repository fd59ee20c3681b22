/* What users ask: the partitions of all active flows, their patterns, and how two of a pattern
 * match. What was found stays until it is asked for again, whatever the run does meanwhile. */
#include <inttypes.h>

#include "engine.h"
#include "base/sort.h"
#include "packet/accel/contention/contention.h"

/* Flows whose last byte is not there yet, as row << 32 | slot, in the order of rows: which slot a
 * flow was given is chance. */
static uint64_t *list_active(weft_sim *sim, uint32_t *count) {
  uint64_t *words = weft__arena_take(sim, &sim->arena, sim->packet.tx.n * sizeof *words);
  uint32_t n = 0;
  for (uint32_t slot = 0; words != NULL && slot < sim->packet.tx.n; ++slot) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    if (sim->packet.tx.at[slot].flags & TX_ACTIVE && sim->flow.rows.at[row].received_ps < 0)
      words[n++] = (uint64_t)row << 32 | slot;
  }
  if (words != NULL) weft__sort_words(words, n);
  *count = n;
  return words;
}

/* Conflicts of all active flows, with their graphs and patterns. 0 when out of memory. */
static int find_all(weft_sim *sim, struct conflict_set *set, const struct colouring *colouring) {
  uint32_t n;
  const uint64_t *flows = list_active(sim, &n);
  if (flows == NULL || !weft__conflicts_find(sim, set, flows, n, colouring->acks)) return 0;
  for (uint32_t p = 0; p < set->conflicts.n; ++p)
    if (!weft__graph_build(sim, set, p, colouring)) return 0;
  return weft__patterns_number(sim, set);
}

int weft_partitions_find(weft_sim *sim, int acks, uint32_t rate_steps) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "partitions: call weft_fabric_ready first");
  if (!engine_can(sim, WEFT_CAN_PARTITIONS))
    return weft__engine_needs(sim, WEFT_CAN_PARTITIONS, "partitions", "flows that contend");
  if (acks < WEFT_ACKS_NONE || acks > WEFT_ACKS_ALL)
    return weft__fail(sim, WEFT_EINVAL, "partitions acks: expected 0 to %d, got %d", WEFT_ACKS_ALL,
                      acks);
  struct colouring colouring = {.acks = acks, .rate_steps = rate_steps};
  colouring.namespace = weft__graph_namespace(sim, &colouring);
  const size_t mark = weft__arena_mark(&sim->arena);
  const int found = find_all(sim, &sim->accel.asked, &colouring);
  weft__arena_reset(sim, &sim->arena, mark);
  if (found) return (int)sim->accel.asked.conflicts.n;
  weft__conflicts_forget(&sim->accel.asked);
  return weft__fail(sim, WEFT_ENOMEM, "partitions: out of memory");
}

static int check_index(weft_sim *sim, const char *what, uint32_t index) {
  if (index < sim->accel.asked.conflicts.n) return WEFT_OK;
  return weft__fail(sim, WEFT_EINVAL,
                    "%s: expected less than the %" PRIu32 " partitions found, got %" PRIu32, what,
                    sim->accel.asked.conflicts.n, index);
}

int weft_partition_get(weft_sim *sim, uint32_t index, weft_partition *out) {
  const int status = check_index(sim, "partition", index);
  if (status != WEFT_OK) return status;
  const struct conflict_set *set = &sim->accel.asked;
  const struct conflict *p = &set->conflicts.at[index];
  *out = (weft_partition){.key = p->key,
                          .pattern = p->pattern,
                          .flow_count = p->flows,
                          .port_count = p->ports,
                          .shared_count = p->shared,
                          .use_count = p->uses,
                          .flows = &set->flows.at[p->first_flow],
                          .ports = &set->ports.at[p->first_port],
                          .uses = p->uses > 0 ? &set->uses.at[p->first_use] : NULL};
  return WEFT_OK;
}

/* Match conflict a to b, which have equal keys; `map` is room for the vertices of a. */
static int match(weft_sim *sim, uint32_t a, uint32_t b, uint32_t *map, uint32_t *flows) {
  const struct conflict_set *set = &sim->accel.asked;
  const struct conflict_graph of_a = conflict_graph_of(set, a), of_b = conflict_graph_of(set, b);
  const int status = map != NULL ? weft__graph_match(sim, &of_a, &of_b, map) : WEFT_ENOMEM;
  const struct conflict *from = &set->conflicts.at[a], *to = &set->conflicts.at[b];
  for (uint32_t i = 0; status == 1 && flows != NULL && i < from->flows; ++i)
    flows[i] = set->flows.at[to->first_flow + map[i]];
  return status;
}

int weft_partition_match(weft_sim *sim, uint32_t a, uint32_t b, uint32_t *flows) {
  int status = check_index(sim, "partition a", a);
  if (status == WEFT_OK) status = check_index(sim, "partition b", b);
  if (status != WEFT_OK) return status;
  const struct conflict *conflicts = sim->accel.asked.conflicts.at;
  if (conflicts[a].key != conflicts[b].key) return 0;
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint64_t bytes = conflicts[a].vertices * sizeof(uint32_t);
  status = match(sim, a, b, weft__arena_take(sim, &sim->arena, bytes), flows);
  weft__arena_reset(sim, &sim->arena, mark);
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "partitions: out of memory");
  if (status == WEFT_ELIMIT)
    return weft__fail(sim, status, "partitions %" PRIu32 ", %" PRIu32 ": too symmetric to match", a,
                      b);
  return status;
}
