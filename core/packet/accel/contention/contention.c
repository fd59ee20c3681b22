/* Conflicts: active flows joined by the directed ports that they share (Wormhole, Long et al.,
 * NSDI 2026, section on partitioning), by union-find over the ports of their paths. Worked out when
 * asked for, in O(active flows x path), so that a run pays nothing.
 *
 * Wormhole joins flows by their data paths alone. But ACKs take 6 % of a port that carries data the
 * other way, 9 % with telemetry, as in every ring; so by default an ACK that meets data joins its
 * flow to the data's. ACKs that meet only ACKs do not: they would have to come of 10 flows at line
 * rate to fill a port. */
#include <inttypes.h>
#include <string.h>

#include "packet/accel/contention/contention.h"
#include "packet/transport/transport.h"

uint32_t weft__flow_ports(const weft_sim *sim, uint32_t slot, int acks) {
  const uint32_t hops = sim->packet.tx.at[slot].hops;
  return acks == WEFT_ACKS_NONE ? hops : hops + (uint32_t)weft__slot_ack_hops(sim, slot);
}

static uint32_t find_root(struct port_use *uses, uint32_t port) {
  while (uses[port].parent != port) {
    uses[port].parent = uses[uses[port].parent].parent; /* halve the way for the next */
    port = uses[port].parent;
  }
  return port;
}

/* The lower number becomes the root: with halving that is O(log n) amortised. */
static void join(struct port_use *uses, uint32_t a, uint32_t b) {
  a = find_root(uses, a);
  b = find_root(uses, b);
  if (a < b)
    uses[b].parent = a;
  else
    uses[a].parent = b;
}

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

/* Join the ports of each flow. Only what is on a path is touched, so it is cleared first. */
static void join_ports(const weft_sim *sim, struct port_use *uses, const uint64_t *flows,
                       uint32_t n, int acks) {
  for (int pass = 0; pass < 3; ++pass)
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t slot = (uint32_t)flows[i];
      const uint32_t *path = slot_path(sim, slot), n_ports = weft__flow_ports(sim, slot, acks);
      for (uint32_t h = 0; h < n_ports; ++h) {
        struct port_use *use = &uses[path[h]];
        if (pass == 0)
          *use = (struct port_use){.parent = path[h], .mark = WEFT_NONE};
        else if (pass == 1)
          ++*(h < sim->packet.tx.at[slot].hops ? &use->data : &use->acks);
        else if (port_use_count(use, acks) > 0)
          join(uses, path[0], path[h]);
      }
    }
}

/* Conflicts in the order of their first flows, and the flows of each in the order of rows; `of` is
 * room for the conflict of each. */
static int list_flows(weft_sim *sim, struct conflict_set *set, const uint64_t *flows, uint32_t n,
                      uint32_t *of) {
  struct port_use *uses = set->port_uses.at;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t root = find_root(uses, slot_path(sim, (uint32_t)flows[i])[0]);
    if (uses[root].mark == WEFT_NONE) {
      if (!pool_reserve(sim, set->conflicts, set->conflicts.n + 1u)) return 0;
      uses[root].mark = set->conflicts.n;
      set->conflicts.at[set->conflicts.n++] = (struct conflict){.flows = 0};
    }
    of[i] = uses[root].mark;
    ++set->conflicts.at[of[i]].flows;
  }
  uint32_t first = 0;
  for (uint32_t p = 0; p < set->conflicts.n; ++p) {
    set->conflicts.at[p].first_flow = first;
    first += set->conflicts.at[p].flows;
    set->conflicts.at[p].flows = 0;
  }
  for (uint32_t i = 0; i < n; ++i) {
    struct conflict *conflict = &set->conflicts.at[of[i]];
    set->flows.at[conflict->first_flow + conflict->flows++] = (uint32_t)(flows[i] >> 32);
  }
  set->flows.n = n;
  for (uint32_t i = 0; i < n; ++i) /* marks of roots are no longer needed */
    uses[find_root(uses, slot_path(sim, (uint32_t)flows[i])[0])].mark = WEFT_NONE;
  return 1;
}

static void forget(struct conflict_set *set) {
  set->conflicts.n = set->flows.n = set->ports.n = 0;
  set->uses.n = set->vertices.n = set->arcs.n = 0;
}

int weft__conflicts_find(weft_sim *sim, struct conflict_set *set, const uint64_t *flows, uint32_t n,
                         int acks) {
  const size_t mark = weft__arena_mark(&sim->arena);
  forget(set);
  if (!pool_reserve(sim, set->port_uses, sim->packet.ports.n) || !pool_reserve(sim, set->flows, n))
    return 0;
  join_ports(sim, set->port_uses.at, flows, n, acks);
  uint32_t *of = weft__arena_take(sim, &sim->arena, n * sizeof *of);
  const int listed = of != NULL && list_flows(sim, set, flows, n, of);
  weft__arena_reset(sim, &sim->arena, mark);
  return listed;
}

/* ---- what users ask ---- */

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
  if (acks < WEFT_ACKS_NONE || acks > WEFT_ACKS_ALL)
    return weft__fail(sim, WEFT_EINVAL, "partitions acks: expected 0 to %d, got %d", WEFT_ACKS_ALL,
                      acks);
  struct colouring colouring = {.acks = acks, .rate_steps = rate_steps};
  colouring.namespace = weft__graph_namespace(sim, &colouring);
  const size_t mark = weft__arena_mark(&sim->arena);
  const int found = find_all(sim, &sim->accel.asked, &colouring);
  weft__arena_reset(sim, &sim->arena, mark);
  if (found) return (int)sim->accel.asked.conflicts.n;
  forget(&sim->accel.asked);
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
