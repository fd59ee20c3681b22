/* Which nodes go to which thread.
 *
 * Wanted: domains of equal work, whose borders have long delays (they are the lookahead) and are
 * few. Links shorter than a threshold are never cut, hosts stay with their switch; the threshold is
 * the largest that leaves pieces small enough to balance. Domains are then grown one by one, each
 * taking the piece with the most links into it and the fewest elsewhere (as Fiduccia and
 * Mattheyses 1982 choose moves), which finds the pods of a fat tree. */
#include <string.h>

#include "packet/domains/domain.h"

static uint32_t root_of(const uint32_t *parent, uint32_t node) {
  while (parent[node] != node) node = parent[node];
  return node;
}

/* The lower number names a piece, so that the outcome depends on nothing else. */
static void join(uint32_t *parent, uint32_t a, uint32_t b) {
  a = root_of(parent, a);
  b = root_of(parent, b);
  if (a < b)
    parent[b] = a;
  else
    parent[a] = b;
}

/* Work at a node: packets come in through its ports, and at hosts meet transport as well. */
static uint64_t weight_of(const weft_sim *sim, uint32_t node) {
  const struct node *at = &sim->fabric.nodes.at[node];
  return at->port_count * (at->kind == WEFT_HOST ? 2u : 1u);
}

static void contract(const weft_sim *sim, weft_time threshold, uint32_t *parent) {
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) parent[n] = n;
  for (uint32_t p = 0; p < sim->packet.ports.n; p += 2) {
    const struct port *port = &sim->packet.ports.at[p];
    const weft_time there = port->delay_ps, back = sim->packet.ports.at[p + 1].delay_ps;
    if ((there < back ? there : back) < threshold) join(parent, port->from_node, port->to_node);
  }
  for (uint32_t n = 0; n < sim->fabric.nodes.n;
       ++n) /* a host's last link: rails come after NVLink */
    if (sim->fabric.nodes.at[n].kind == WEFT_HOST && sim->fabric.nodes.at[n].port_count == 1)
      join(parent, n,
           sim->packet.ports.at[sim->fabric.adjacency.at[sim->fabric.nodes.at[n].first_port]]
               .to_node);
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) parent[n] = root_of(parent, n);
}

static uint64_t heaviest(const weft_sim *sim, const uint32_t *parent, uint64_t *weight) {
  uint64_t most = 0;
  memset(weight, 0, sim->fabric.nodes.n * sizeof *weight);
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    weight[parent[n]] += weight_of(sim, n);
    if (weight[parent[n]] > most) most = weight[parent[n]];
  }
  return most;
}

/* The longest delay such that all shorter links can be left whole; 0 if there is none. */
static weft_time choose_threshold(const weft_sim *sim, uint32_t count, uint64_t total,
                                  uint32_t *parent, uint64_t *weight) {
  weft_time below = INT64_MAX;
  for (;;) {
    weft_time threshold = 0;
    for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
      const weft_time delay = sim->packet.ports.at[p].delay_ps;
      if (delay < below && delay > threshold) threshold = delay;
    }
    if (threshold == 0) return 0;
    contract(sim, threshold, parent);
    if (heaviest(sim, parent, weight) <= total / count + total / (4 * count)) return threshold;
    below = threshold;
  }
}

/* Grow domain `index` until it has its share. */
static void grow(struct domains *domains, uint32_t index, uint64_t share, const uint32_t *parent,
                 uint64_t *weight, int32_t *gain) {
  const weft_sim *sim = domains->sim;
  uint32_t *owner = domains->owner.at;
  memset(gain, 0, sim->fabric.nodes.n * sizeof *gain);
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    const uint32_t from = parent[sim->packet.ports.at[p].from_node],
                   to = parent[sim->packet.ports.at[p].to_node];
    if (from != to && owner[to] == WEFT_NONE) --gain[from];
  }
  for (uint64_t taken = 0; taken < share;) {
    uint32_t best = WEFT_NONE;
    for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n)
      if (parent[n] == n && owner[n] == WEFT_NONE && (best == WEFT_NONE || gain[n] > gain[best]))
        best = n;
    if (best == WEFT_NONE || (taken > 0 && taken + weight[best] / 2 > share)) return;
    owner[best] = index;
    taken += weight[best];
    for (uint32_t p = 0; p < sim->packet.ports.n; ++p) /* links into it count double from now on */
      if (parent[sim->packet.ports.at[p].to_node] == best)
        gain[parent[sim->packet.ports.at[p].from_node]] += 2;
  }
}

static int collect_borders(struct domains *domains) {
  weft_sim *sim = domains->sim;
  if (!pool_reserve(sim, domains->border_of, sim->packet.ports.n)) return WEFT_ENOMEM;
  domains->lookahead = INT64_MAX;
  domains->borders.n = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    const struct port *port = &sim->packet.ports.at[p];
    const uint32_t near = domains->owner.at[port->from_node];
    const uint32_t far = domains->owner.at[port->to_node];
    domains->border_of.at[p] = WEFT_NONE;
    if (near == far) continue;
    const uint32_t n = domains->borders.n;
    if (!pool_reserve(sim, domains->borders, n + 1u)) return WEFT_ENOMEM;
    domains->borders.at[n] =
        (struct border){.port = p, .near = near, .far = far, .to_node = port->to_node};
    domains->border_of.at[p] = n;
    domains->borders.n = n + 1;
    if (port->delay_ps < domains->lookahead) domains->lookahead = port->delay_ps;
  }
  return WEFT_OK;
}

int weft__domains_divide(struct domains *domains, uint32_t count) {
  weft_sim *sim = domains->sim;
  const uint32_t nodes = sim->fabric.nodes.n;
  domains->count = 1;
  if (!pool_reserve(sim, domains->owner, nodes)) return WEFT_ENOMEM;
  const size_t bytes = nodes * (sizeof(uint64_t) + sizeof(uint32_t) + sizeof(int32_t));
  uint64_t *weight = weft__resize(sim, NULL, 0, bytes);
  if (weight == NULL) return WEFT_ENOMEM;
  uint32_t *parent = (uint32_t *)(weight + nodes);
  int32_t *gain = (int32_t *)(parent + nodes);
  uint64_t total = 0;
  for (uint32_t n = 0; n < nodes; ++n) {
    total += weight_of(sim, n);
    domains->owner.at[n] = WEFT_NONE;
  }
  if (count > DOMAINS_MAX) count = DOMAINS_MAX;
  while (count > 1 && choose_threshold(sim, count, total, parent, weight) == 0) --count;
  for (uint32_t i = 0; i + 1 < count; ++i) grow(domains, i, total / count, parent, weight, gain);
  for (uint32_t n = 0; n < nodes; ++n) /* the last domain is what is left */
    if (domains->owner.at[n] == WEFT_NONE && parent[n] == n) domains->owner.at[n] = count - 1;
  for (uint32_t n = 0; n < nodes; ++n) domains->owner.at[n] = domains->owner.at[parent[n]];
  weft__resize(sim, weight, bytes, 0);
  domains->count = count;
  return count > 1 ? collect_borders(domains) : WEFT_OK;
}
