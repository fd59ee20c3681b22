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

#include "accel/accel.h"
#include "transport/transport.h"

uint32_t weft__flow_ports(const weft_sim *sim, uint32_t slot, int acks) {
  const uint32_t hops = sim->tx.at[slot].hops;
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
static int list_active(weft_sim *sim, uint32_t *count) {
  uint32_t n = 0;
  if (!pool_reserve(sim, sim->accel_words, sim->tx.n)) return 0;
  for (uint32_t slot = 0; slot < sim->tx.n; ++slot) {
    const uint32_t row = sim->tx.at[slot].row;
    if (sim->tx.at[slot].flags & TX_ACTIVE && sim->flows.at[row].received_ps < 0)
      sim->accel_words.at[n++] = (uint64_t)row << 32 | slot;
  }
  weft__sort_words(sim->accel_words.at, n);
  *count = n;
  return 1;
}

/* Join the ports of each flow. Only what is on a path is touched, so it is cleared first. */
static void join_ports(weft_sim *sim, int acks, uint32_t n) {
  struct port_use *uses = sim->port_uses.at;
  for (int pass = 0; pass < 3; ++pass)
    for (uint32_t i = 0; i < n; ++i) {
      const uint32_t slot = (uint32_t)sim->accel_words.at[i];
      const uint32_t *path = slot_path(sim, slot), n_ports = weft__flow_ports(sim, slot, acks);
      for (uint32_t h = 0; h < n_ports; ++h) {
        struct port_use *use = &uses[path[h]];
        if (pass == 0)
          *use = (struct port_use){.parent = path[h], .mark = WEFT_NONE};
        else if (pass == 1)
          ++*(h < sim->tx.at[slot].hops ? &use->data : &use->acks);
        else if (port_use_count(use, acks) > 0)
          join(uses, path[0], path[h]);
      }
    }
}

/* Partitions in the order of their first flows, and the flows of each in the order of rows. */
static int list_flows(weft_sim *sim, uint32_t n) {
  struct port_use *uses = sim->port_uses.at;
  if (!pool_reserve(sim, sim->partition_flows, n) || !pool_reserve(sim, sim->accel_indices, n))
    return 0;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t slot = (uint32_t)sim->accel_words.at[i];
    const uint32_t root = find_root(uses, slot_path(sim, slot)[0]);
    if (uses[root].mark == WEFT_NONE) {
      if (!pool_reserve(sim, sim->partitions, sim->partitions.n + 1u)) return 0;
      uses[root].mark = sim->partitions.n;
      sim->partitions.at[sim->partitions.n++] = (struct partition){.flows = 0};
    }
    sim->accel_indices.at[i] = uses[root].mark;
    ++sim->partitions.at[uses[root].mark].flows;
  }
  uint32_t first = 0;
  for (uint32_t p = 0; p < sim->partitions.n; ++p) {
    sim->partitions.at[p].first_flow = first;
    first += sim->partitions.at[p].flows;
    sim->partitions.at[p].flows = 0;
  }
  for (uint32_t i = 0; i < n; ++i) {
    struct partition *partition = &sim->partitions.at[sim->accel_indices.at[i]];
    sim->partition_flows.at[partition->first_flow + partition->flows++] =
        (uint32_t)(sim->accel_words.at[i] >> 32);
  }
  sim->partition_flows.n = n;
  for (uint32_t i = 0; i < n; ++i) { /* marks of roots are no longer needed */
    const uint32_t slot = (uint32_t)sim->accel_words.at[i];
    uses[find_root(uses, slot_path(sim, slot)[0])].mark = WEFT_NONE;
  }
  return 1;
}

enum { LISTED = WEFT_NONE - 1 };

/* The ports of a partition, shared ones first, each part in the order of numbers. */
static int list_ports(weft_sim *sim, uint32_t index, int acks) {
  struct partition *partition = &sim->partitions.at[index];
  const uint64_t most = 2 * (uint64_t)sim->path_ports * partition->flows;
  if (!pool_reserve(sim, sim->accel_words, most) ||
      !pool_reserve(sim, sim->partition_ports, sim->partition_ports.n + most))
    return 0;
  uint64_t *words = sim->accel_words.at;
  uint32_t n = 0;
  for (uint32_t f = 0; f < partition->flows; ++f) {
    const uint32_t row = sim->partition_flows.at[partition->first_flow + f];
    const uint32_t slot = sim->flows.at[row].slot;
    const uint32_t *path = slot_path(sim, slot), n_ports = weft__flow_ports(sim, slot, acks);
    for (uint32_t h = 0; h < n_ports; ++h) {
      struct port_use *use = &sim->port_uses.at[path[h]];
      const uint32_t count = port_use_count(use, acks);
      if (count == 0 || use->mark == LISTED) continue;
      use->mark = LISTED;
      partition->shared += count > 1;
      words[n++] = (uint64_t)(count < 2) << 32 | path[h];
    }
  }
  weft__sort_words(words, n);
  partition->first_port = sim->partition_ports.n;
  partition->ports = n;
  for (uint32_t i = 0; i < n; ++i)
    sim->partition_ports.at[sim->partition_ports.n++] = (uint32_t)words[i];
  return 1;
}

static void forget(weft_sim *sim) {
  sim->partitions.n = sim->partition_flows.n = sim->partition_ports.n = 0;
  sim->partition_uses.n = sim->conflict_vertices.n = sim->conflict_arcs.n = 0;
  sim->pattern_count = 0;
}

int weft__partitions_among(weft_sim *sim, uint32_t n, const struct colouring *colouring) {
  struct colouring full = *colouring;
  forget(sim);
  if (!pool_reserve(sim, sim->port_uses, sim->ports.n)) return 0;
  join_ports(sim, full.acks, n);
  if (!list_flows(sim, n)) return 0;
  if (full.without_graph) return 1;
  if (full.namespace == 0) full.namespace = weft__graph_namespace(sim, &full);
  for (uint32_t p = 0; p < sim->partitions.n; ++p)
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
  if (!list_active(sim, &n) || !weft__partitions_among(sim, n, &colouring) ||
      !weft__patterns_number(sim)) {
    forget(sim);
    return weft__fail(sim, WEFT_ENOMEM, "partitions: out of memory");
  }
  return (int)sim->partitions.n;
}

static int check_index(weft_sim *sim, const char *what, uint32_t index) {
  if (index < sim->partitions.n) return WEFT_OK;
  return weft__fail(sim, WEFT_EINVAL,
                    "%s: expected less than the %" PRIu32 " partitions found, got %" PRIu32, what,
                    sim->partitions.n, index);
}

int weft_partition_get(weft_sim *sim, uint32_t index, weft_partition *out) {
  const int status = check_index(sim, "partition", index);
  if (status != WEFT_OK) return status;
  const struct partition *p = &sim->partitions.at[index];
  *out = (weft_partition){.key = p->key,
                          .pattern = p->pattern,
                          .flow_count = p->flows,
                          .port_count = p->ports,
                          .shared_count = p->shared,
                          .use_count = p->uses,
                          .flows = &sim->partition_flows.at[p->first_flow],
                          .ports = &sim->partition_ports.at[p->first_port],
                          .uses = p->uses > 0 ? &sim->partition_uses.at[p->first_use] : NULL};
  return WEFT_OK;
}

int weft_partition_match(weft_sim *sim, uint32_t a, uint32_t b, uint32_t *flows) {
  int status = check_index(sim, "partition a", a);
  if (status == WEFT_OK) status = check_index(sim, "partition b", b);
  if (status != WEFT_OK) return status;
  if (sim->partitions.at[a].key != sim->partitions.at[b].key) return 0;
  const struct conflict_graph of_a = partition_graph(sim, a), of_b = partition_graph(sim, b);
  status = weft__graph_match(sim, &of_a, &of_b);
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "partitions: out of memory");
  if (status == WEFT_ELIMIT)
    return weft__fail(sim, status, "partitions %" PRIu32 ", %" PRIu32 ": too symmetric to match", a,
                      b);
  const struct partition *from = &sim->partitions.at[a], *to = &sim->partitions.at[b];
  for (uint32_t i = 0; status == 1 && flows != NULL && i < from->flows; ++i)
    flows[i] = sim->partition_flows.at[to->first_flow + sim->accel_indices.at[i]];
  return status;
}
