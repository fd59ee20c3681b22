/* Shortest-path routing with ECMP, in little memory.
 *
 * A table of next hops per switch and host would take 21 MB at k=32. What is kept instead is the
 * distance of each switch to each group of destinations: hosts that hang on the same switch by a
 * single link share a group, so a k=32 fat tree of 8192 hosts has 512 groups and 650 KB of 8-bit
 * distances, filled by one breadth-first search per group when it is first used (paths have at most
 * WEFT_PATH_MAX links, so what is far beyond that counts as 254). Next hops are the neighbours that
 * are one closer; flows walk their path once, at their start, and keep it. */
#include <inttypes.h>

#include "base/hash_i.h"
#include "base/rng_i.h"
#include "fabric/fabric.h"

enum { FAR = UINT8_MAX, FURTHEST = FAR - 1, FIRST_SPORT = 10000, SPORTS = 1 << 15, DPORT = 100 };

struct flow_key {
  uint32_t src, dst, flow;
  uint16_t sport, dport;
  uint32_t given; /* ports that the flow was given: sport << 16 | dport */
  int ack;
};

static struct flow_key make_key(const weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow,
                                int ack) {
  struct flow_key key = {src, dst, flow, (uint16_t)(FIRST_SPORT + flow % SPORTS), DPORT, 0, ack};
  if (flow >= sim->flows.n) return key;
  const struct flow *row = &sim->flows.at[flow];
  if (row->sport != 0) key.sport = row->sport;
  if (row->dport != 0) key.dport = row->dport;
  key.given = (uint32_t)row->sport << 16 | row->dport;
  return key;
}

void weft__route_reset(weft_sim *sim) {
  ++sim->route_epoch;
}

/* The group of a host: its only switch, or the host itself when it has several ports. */
static uint32_t group_root(const weft_sim *sim, uint32_t host) {
  const struct node *node = &sim->nodes.at[host];
  if (node->port_count != 1) return host;
  const uint32_t neighbour = sim->ports.at[sim->adjacency.at[node->first_port]].to_node;
  return sim->nodes.at[neighbour].kind == WEFT_HOST ? host : neighbour;
}

int weft__route_init(weft_sim *sim) {
  const uint32_t nodes = sim->nodes.n;
  sim->route_epoch = 1;
  if (!pool_reserve(sim, sim->groups, 2ull * nodes) || !pool_reserve(sim, sim->bfs, nodes))
    return WEFT_ENOMEM;
  sim->bfs.n = nodes;
  for (uint32_t n = 0; n < nodes; ++n) {
    sim->bfs.at[n] = WEFT_NONE;
    if (sim->nodes.at[n].kind != WEFT_HOST) sim->nodes.at[n].rank = sim->switch_count++;
  }
  for (uint32_t n = 0; n < nodes; ++n) {
    if (sim->nodes.at[n].kind != WEFT_HOST) continue;
    const uint32_t root = group_root(sim, n);
    if (sim->bfs.at[root] == WEFT_NONE) {
      sim->bfs.at[root] = sim->group_count;
      sim->groups.at[2 * sim->group_count] = root;
      sim->groups.at[2 * sim->group_count + 1] = 0; /* epoch of its distances: none yet */
      ++sim->group_count;
    }
    sim->nodes.at[n].group = sim->bfs.at[root];
  }
  sim->groups.n = 2 * sim->group_count;
  const uint64_t distances = (uint64_t)sim->group_count * sim->switch_count;
  if (!pool_reserve(sim, sim->distances, distances)) return WEFT_ENOMEM;
  sim->distances.n = (uint32_t)distances;
  return WEFT_OK;
}

/* Breadth first from the group's root, against the direction of travel, through switches only. */
static const uint8_t *group_distances(weft_sim *sim, uint32_t group) {
  uint8_t *distance = sim->distances.at + (uint64_t)group * sim->switch_count;
  uint32_t *epoch = &sim->groups.at[2 * group + 1];
  if (*epoch == sim->route_epoch) return distance;
  *epoch = sim->route_epoch;
  for (uint32_t i = 0; i < sim->switch_count; ++i) distance[i] = FAR;
  const uint32_t root = sim->groups.at[2 * group];
  uint32_t *fifo = sim->bfs.at, first = 0, last = 0;
  fifo[last++] = root;
  if (sim->nodes.at[root].kind != WEFT_HOST) distance[sim->nodes.at[root].rank] = 1;
  while (first < last) {
    const struct node *node = &sim->nodes.at[fifo[first++]];
    const int here = node->kind == WEFT_HOST ? 0 : distance[node->rank];
    for (uint32_t i = 0; i < node->port_count; ++i) {
      const uint32_t out = sim->adjacency.at[node->first_port + i];
      const struct node *from = &sim->nodes.at[sim->ports.at[out].to_node];
      if (from->kind == WEFT_HOST || sim->ports.at[out ^ 1].avoided) continue;
      if (distance[from->rank] != FAR) continue;
      distance[from->rank] = (uint8_t)(here < FURTHEST ? here + 1 : FURTHEST);
      fifo[last++] = sim->ports.at[out].to_node;
    }
  }
  return distance;
}

static uint32_t rotl(uint32_t x, int by) {
  return x << by | x >> (32 - by);
}

/* murmur3-32 of (source address, destination address, ports), seeded by the node, as the HPCC ns-3
 * model hashes. Addresses and ports of an ACK are swapped. */
static uint32_t hash_ns3(const struct flow_key *key, uint32_t node) {
  const uint32_t a = 0x0b000001 + (key->src / 256 << 16) + (key->src % 256 << 8);
  const uint32_t b = 0x0b000001 + (key->dst / 256 << 16) + (key->dst % 256 << 8);
  const uint32_t sport = key->sport, dport = key->dport;
  const uint32_t words[3] = {key->ack ? b : a, key->ack ? a : b,
                             key->ack ? dport | sport << 16 : sport | dport << 16};
  uint32_t h = node;
  for (int i = 0; i < 3; ++i) {
    h ^= rotl(words[i] * 0xcc9e2d51u, 15) * 0x1b873593u;
    h = rotl(h, 13) * 5 + 0xe6546b64u;
  }
  h ^= sizeof words;
  h = (h ^ h >> 16) * 0x85ebca6bu;
  h = (h ^ h >> 13) * 0xc2b2ae35u;
  return h ^ h >> 16;
}

static uint32_t hash_flow(const weft_sim *sim, const struct flow_key *key, uint32_t node) {
  switch (sim->config.ecmp) {
    case WEFT_ECMP_FIRST:
      return 0;
    case WEFT_ECMP_NS3:
      return hash_ns3(key, node);
    default: {
      /* Of a pair, all flows are one connection, like messages on an RDMA queue pair. */
      const uint64_t ends = (uint64_t)key->src << 32 | key->dst;
      const uint64_t which = sim->config.ecmp == WEFT_ECMP_PAIR ? key->given : key->flow;
      return (uint32_t)rng_bits(sim->config.seed ^ hash_mix(ends), RNG_PATH, node,
                                2 * which + (key->ack != 0));
    }
  }
}

/* Distance to the destination through a port; FAR if it does not lead there. */
static uint32_t through(const weft_sim *sim, const uint8_t *distance, uint32_t out, uint32_t dst) {
  const struct port *port = &sim->ports.at[out];
  if (port->avoided) return FAR;
  if (port->to_node == dst) return 0;
  const struct node *to = &sim->nodes.at[port->to_node];
  return to->kind == WEFT_HOST ? FAR : distance[to->rank];
}

/* The ports among which a next hop is picked, in the order of link creation: port i is
 * out[i] ^ flip, if it is one of `from` that leads closer. */
struct choice {
  const uint32_t *out;
  uint32_t flip, count, from, best; /* best: distance to the destination behind a good port */
};

static uint32_t behind(const weft_sim *sim, const uint8_t *distance, const struct choice *choice,
                       uint32_t i, uint32_t dst) {
  const uint32_t port = choice->out[i] ^ choice->flip;
  if (sim->ports.at[port].from_node != choice->from) return FAR;
  return through(sim, distance, port, dst);
}

/* A switch goes one step closer or nowhere: distances lead to the group's switch also where its own
 * link to the host is down. The last step is looked for from the host, which has few ports where a
 * switch may have a thousand. */
static struct choice choose_among(const weft_sim *sim, const uint8_t *distance, uint32_t at,
                                  uint32_t dst) {
  const struct node *node = &sim->nodes.at[at], *to = &sim->nodes.at[dst];
  struct choice choice = {sim->adjacency.at + node->first_port, 0, node->port_count, at, FAR};
  if (node->kind == WEFT_HOST) {
    for (uint32_t i = 0; i < choice.count; ++i) {
      const uint32_t d = through(sim, distance, choice.out[i], dst);
      if (d < choice.best) choice.best = d;
    }
    return choice;
  }
  if (distance[node->rank] != FAR) choice.best = distance[node->rank] - 1u;
  if (choice.best == 0) {
    choice.out = sim->adjacency.at + to->first_port;
    choice.flip = 1;
    choice.count = to->port_count;
  }
  return choice;
}

static uint32_t next_hop(weft_sim *sim, uint32_t at, const struct flow_key *key) {
  const uint32_t dst = key->ack ? key->src : key->dst;
  const uint8_t *distance = group_distances(sim, sim->nodes.at[dst].group);
  const struct choice choice = choose_among(sim, distance, at, dst);
  uint32_t ways = 0;
  for (uint32_t i = 0; choice.best != FAR && i < choice.count; ++i)
    ways += behind(sim, distance, &choice, i, dst) == choice.best;
  if (ways == 0) return WEFT_NONE;
  uint32_t pick = ways == 1 ? 0 : hash_flow(sim, key, at) % ways;
  for (uint32_t i = 0;; ++i)
    if (behind(sim, distance, &choice, i, dst) == choice.best && pick-- == 0)
      return choice.out[i] ^ choice.flip;
}

uint32_t weft__route_next(weft_sim *sim, uint32_t node, uint32_t src, uint32_t dst, uint32_t flow,
                          int ack) {
  const struct flow_key key = make_key(sim, src, dst, flow, ack);
  return next_hop(sim, node, &key);
}

int weft__route(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                uint32_t *ports) {
  const struct flow_key key = make_key(sim, src, dst, flow, ack);
  const uint32_t to = ack ? src : dst;
  uint32_t at = ack ? dst : src;
  int hops = 0;
  while (at != to) {
    if (hops == WEFT_PATH_MAX) return WEFT_ELIMIT;
    const uint32_t port = next_hop(sim, at, &key);
    if (port == WEFT_NONE)
      return weft__route_hops(sim, src, dst) == WEFT_ELIMIT ? WEFT_ELIMIT : WEFT_ENOROUTE;
    ports[hops++] = port;
    at = sim->ports.at[port].to_node;
  }
  return hops;
}

int weft__route_hops(weft_sim *sim, uint32_t src, uint32_t dst) {
  const uint8_t *distance = group_distances(sim, sim->nodes.at[dst].group);
  const struct node *from = &sim->nodes.at[src], *to = &sim->nodes.at[dst];
  const uint32_t *out = sim->adjacency.at + from->first_port;
  uint32_t hops = FAR;
  for (uint32_t i = 0; i < from->port_count; ++i) {
    const uint32_t d = through(sim, distance, out[i], dst);
    if (d < hops) hops = d;
  }
  /* Distances lead to the group's switch also where its own link to the host is down. */
  uint32_t ways = 0;
  for (uint32_t i = 0; i < to->port_count; ++i)
    ways += !(sim->ports.at[sim->adjacency.at[to->first_port + i] ^ 1].flags & PORT_DOWN);
  if (hops == FAR || ways == 0) return WEFT_ENOROUTE;
  return hops < WEFT_PATH_MAX ? (int)hops + 1 : WEFT_ELIMIT;
}
