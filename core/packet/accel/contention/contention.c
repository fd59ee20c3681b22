/* Conflicts: active flows joined by the directed ports that they share (Wormhole, Long et al.,
 * NSDI 2026, section on partitioning), by union-find over the ports of their paths. Worked out when
 * asked for, in O(active flows x path), so that a run pays nothing.
 *
 * Wormhole joins flows by their data paths alone. But ACKs take 6 % of a port that carries data the
 * other way, 9 % with telemetry, as in every ring; so by default an ACK that meets data joins its
 * flow to the data's. ACKs that meet only ACKs do not: they would have to come of 10 flows at line
 * rate to fill a port. */
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

void weft__conflicts_forget(struct conflict_set *set) {
  set->conflicts.n = set->flows.n = set->ports.n = 0;
  set->uses.n = set->vertices.n = set->arcs.n = 0;
}

int weft__conflicts_find(weft_sim *sim, struct conflict_set *set, const uint64_t *flows, uint32_t n,
                         int acks) {
  const size_t mark = weft__arena_mark(&sim->arena);
  weft__conflicts_forget(set);
  if (!pool_reserve(sim, set->port_uses, sim->packet.ports.n) || !pool_reserve(sim, set->flows, n))
    return 0;
  join_ports(sim, set->port_uses.at, flows, n, acks);
  uint32_t *of = weft__arena_take(sim, &sim->arena, n * sizeof *of);
  const int listed = of != NULL && list_flows(sim, set, flows, n, of);
  weft__arena_reset(sim, &sim->arena, mark);
  return listed;
}
