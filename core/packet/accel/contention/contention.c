/* Partitions: active flows joined by the directed ports that they share (Wormhole, Long et al.,
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
  return acks == WEFT_ACKS_NONE ? hops : hops + sim->flow.slots.at[slot].ack_hops;
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
static int list_active(weft_sim *sim, uint32_t *count) {
  uint32_t n = 0;
  if (!pool_reserve(sim, sim->accel.words, sim->packet.tx.n)) return 0;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    if (sim->packet.tx.at[slot].flags & TX_ACTIVE && sim->flow.rows.at[row].received_ps < 0)
      sim->accel.words.at[n++] = (uint64_t)row << 32 | slot;
  }
  weft__sort_words(sim->accel.words.at, n);
  *count = n;
  return 1;
}

/* Join the ports of each flow. Only what is on a path is touched, so it is cleared first. */
static void join_ports(weft_sim *sim, int acks, uint32_t n) {
  struct port_use *uses = sim->accel.port_uses.at;
  for (int pass = 0; pass < 3; ++pass)
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t slot = (uint32_t)sim->accel.words.at[i];
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

/* Partitions in the order of their first flows, and the flows of each in the order of rows. */
static int list_flows(weft_sim *sim, uint32_t n) {
  struct port_use *uses = sim->accel.port_uses.at;
  if (!pool_reserve(sim, sim->accel.conflict_flows, n) || !pool_reserve(sim, sim->accel.indices, n))
    return 0;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t slot = (uint32_t)sim->accel.words.at[i];
    const uint32_t root = find_root(uses, slot_path(sim, slot)[0]);
    if (uses[root].mark == WEFT_NONE) {
      if (!pool_reserve(sim, sim->accel.conflicts, sim->accel.conflicts.n + 1u)) return 0;
      uses[root].mark = sim->accel.conflicts.n;
      sim->accel.conflicts.at[sim->accel.conflicts.n++] = (struct conflict){.flows = 0};
    }
    sim->accel.indices.at[i] = uses[root].mark;
    ++sim->accel.conflicts.at[uses[root].mark].flows;
  }
  uint32_t first = 0;
  for (uint32_t p = 0; p < sim->accel.conflicts.n; ++p) {
    sim->accel.conflicts.at[p].first_flow = first;
    first += sim->accel.conflicts.at[p].flows;
    sim->accel.conflicts.at[p].flows = 0;
  }
  for (uint32_t i = 0; i < n; ++i) {
    struct conflict *conflict = &sim->accel.conflicts.at[sim->accel.indices.at[i]];
    sim->accel.conflict_flows.at[conflict->first_flow + conflict->flows++] =
        (uint32_t)(sim->accel.words.at[i] >> 32);
  }
  sim->accel.conflict_flows.n = n;
  for (uint32_t i = 0; i < n; ++i) { /* marks of roots are no longer needed */
    const uint32_t slot = (uint32_t)sim->accel.words.at[i];
    uses[find_root(uses, slot_path(sim, slot)[0])].mark = WEFT_NONE;
  }
  return 1;
}

enum { LISTED = WEFT_NONE - 1 };

/* The ports of a conflict, shared ones first, each part in the order of numbers. */
static int list_ports(weft_sim *sim, uint32_t index, int acks) {
  struct conflict *conflict = &sim->accel.conflicts.at[index];
  const uint64_t most = 2 * (uint64_t)sim->flow.path_ports * conflict->flows;
  if (!pool_reserve(sim, sim->accel.words, most) ||
      !pool_reserve(sim, sim->accel.conflict_ports, sim->accel.conflict_ports.n + most))
    return 0;
  uint64_t *words = sim->accel.words.at;
  uint32_t n = 0;
  for (uint32_t f = 0; f < conflict->flows; ++f) {
    const uint32_t row = sim->accel.conflict_flows.at[conflict->first_flow + f];
    const uint32_t slot = sim->flow.rows.at[row].slot;
    const uint32_t *path = slot_path(sim, slot), n_ports = weft__flow_ports(sim, slot, acks);
    for (uint32_t h = 0; h < n_ports; ++h) {
      struct port_use *use = &sim->accel.port_uses.at[path[h]];
      const uint32_t count = port_use_count(use, acks);
      if (count == 0 || use->mark == LISTED) continue;
      use->mark = LISTED;
      conflict->shared += count > 1;
      words[n++] = (uint64_t)(count < 2) << 32 | path[h];
    }
  }
  weft__sort_words(words, n);
  conflict->first_port = sim->accel.conflict_ports.n;
  conflict->ports = n;
  for (uint32_t i = 0; i < n; ++i)
    sim->accel.conflict_ports.at[sim->accel.conflict_ports.n++] = (uint32_t)words[i];
  return 1;
}

static void forget(weft_sim *sim) {
  sim->accel.conflicts.n = sim->accel.conflict_flows.n = sim->accel.conflict_ports.n = 0;
  sim->accel.conflict_uses.n = sim->accel.conflict_vertices.n = sim->accel.conflict_arcs.n = 0;
  sim->accel.pattern_count = 0;
}

int weft__conflicts_among(weft_sim *sim, uint32_t n, const struct colouring *colouring) {
  struct colouring full = *colouring;
  forget(sim);
  if (!pool_reserve(sim, sim->accel.port_uses, sim->packet.ports.n)) return 0;
  join_ports(sim, full.acks, n);
  if (!list_flows(sim, n)) return 0;
  if (full.without_graph) return 1;
  if (full.namespace == 0) full.namespace = weft__graph_namespace(sim, &full);
  for (uint32_t p = 0; p < sim->accel.conflicts.n; ++p)
    if (!list_ports(sim, p, full.acks) || !weft__graph_build(sim, p, &full)) return 0;
  return 1;
}

int weft_partitions_find(weft_sim *sim, int acks, uint32_t rate_steps) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "partitions: call weft_fabric_ready first");
  if (acks < WEFT_ACKS_NONE || acks > WEFT_ACKS_ALL)
    return weft__fail(sim, WEFT_EINVAL, "partitions acks: expected 0 to %d, got %d", WEFT_ACKS_ALL,
                      acks);
  const struct colouring colouring = {.acks = acks, .rate_steps = rate_steps};
  uint32_t n;
  if (!list_active(sim, &n) || !weft__conflicts_among(sim, n, &colouring) ||
      !weft__patterns_number(sim)) {
    forget(sim);
    return weft__fail(sim, WEFT_ENOMEM, "partitions: out of memory");
  }
  return (int)sim->accel.conflicts.n;
}

static int check_index(weft_sim *sim, const char *what, uint32_t index) {
  if (index < sim->accel.conflicts.n) return WEFT_OK;
  return weft__fail(sim, WEFT_EINVAL,
                    "%s: expected less than the %" PRIu32 " partitions found, got %" PRIu32, what,
                    sim->accel.conflicts.n, index);
}

int weft_partition_get(weft_sim *sim, uint32_t index, weft_partition *out) {
  const int status = check_index(sim, "partition", index);
  if (status != WEFT_OK) return status;
  const struct conflict *p = &sim->accel.conflicts.at[index];
  *out = (weft_partition){.key = p->key,
                          .pattern = p->pattern,
                          .flow_count = p->flows,
                          .port_count = p->ports,
                          .shared_count = p->shared,
                          .use_count = p->uses,
                          .flows = &sim->accel.conflict_flows.at[p->first_flow],
                          .ports = &sim->accel.conflict_ports.at[p->first_port],
                          .uses = p->uses > 0 ? &sim->accel.conflict_uses.at[p->first_use] : NULL};
  return WEFT_OK;
}

int weft_partition_match(weft_sim *sim, uint32_t a, uint32_t b, uint32_t *flows) {
  int status = check_index(sim, "partition a", a);
  if (status == WEFT_OK) status = check_index(sim, "partition b", b);
  if (status != WEFT_OK) return status;
  if (sim->accel.conflicts.at[a].key != sim->accel.conflicts.at[b].key) return 0;
  const struct conflict_graph of_a = conflict_graph_of(sim, a), of_b = conflict_graph_of(sim, b);
  status = weft__graph_match(sim, &of_a, &of_b);
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "partitions: out of memory");
  if (status == WEFT_ELIMIT)
    return weft__fail(sim, status, "partitions %" PRIu32 ", %" PRIu32 ": too symmetric to match", a,
                      b);
  const struct conflict *from = &sim->accel.conflicts.at[a], *to = &sim->accel.conflicts.at[b];
  for (uint32_t i = 0; status == 1 && flows != NULL && i < from->flows; ++i)
    flows[i] = sim->accel.conflict_flows.at[to->first_flow + sim->accel.indices.at[i]];
  return status;
}
