/* Routing with ECMP. Lengths of ways lead (ways.c): next hops are the neighbours from which the
 * rest is as much shorter as the link is long. Flows walk their path once, at their start, and keep
 * it. */
#include <inttypes.h>

#include "base/hash_i.h"
#include "base/rng_i.h"
#include "fabric/fabric.h"
#include "fabric/ways.h"

enum { FIRST_SPORT = 10000, SPORTS = 1 << 15, DPORT = 100 };

void weft__route_reset(weft_sim *sim) {
  ++sim->fabric.route_epoch;
}

static uint32_t rotl(uint32_t x, int by) {
  return x << by | x >> (32 - by);
}

/* murmur3-32 of (source address, destination address, ports), seeded by the node, as the HPCC ns-3
 * model hashes. Addresses and ports of an ACK are swapped. */
static uint32_t hash_ns3(const struct flow_key *key, uint32_t node) {
  const uint32_t a = 0x0b000001 + (key->src / 256 << 16) + (key->src % 256 << 8);
  const uint32_t b = 0x0b000001 + (key->dst / 256 << 16) + (key->dst % 256 << 8);
  const uint32_t sport = key->sport != 0 ? key->sport : FIRST_SPORT + key->flow % SPORTS;
  const uint32_t dport = key->dport != 0 ? key->dport : DPORT;
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
      const uint32_t given = (uint32_t)key->sport << 16 | key->dport;
      const uint64_t which = sim->config.ecmp == WEFT_ECMP_PAIR ? given : key->flow;
      return (uint32_t)rng_bits(sim->config.seed ^ hash_mix(ends), RNG_PATH, node,
                                2 * which + (key->ack != 0));
    }
  }
}

/* The ways to a host over links of the classes of a level. */
struct ways {
  const uint8_t *row; /* see way_length() */
  uint32_t level, dst;
};

/* Length of the way to the destination through a port. */
static uint32_t through(const weft_sim *sim, const struct ways *ways, uint32_t out) {
  const struct fabric_port *port = &sim->fabric.ports.at[out];
  if (way_avoids(sim, out) || !way_allows(sim, ways->level, out)) return WAY_NONE;
  const uint32_t weight = way_weight(sim, out);
  if (port->to_node == ways->dst) return weight;
  if (sim->fabric.nodes.at[port->to_node].kind == WEFT_HOST) return WAY_NONE;
  const uint32_t rest = way_length(sim, ways->row, port->to_node);
  return rest == WAY_NONE ? WAY_NONE : way_add(sim, rest, weight);
}

/* Length of the way from a node. */
static uint32_t length_from(const weft_sim *sim, const struct ways *ways, uint32_t at) {
  const struct node *node = &sim->fabric.nodes.at[at];
  if (node->kind != WEFT_HOST) return way_length(sim, ways->row, at);
  uint32_t best = WAY_NONE;
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t length = through(sim, ways, sim->fabric.adjacency.at[node->first_port + i]);
    if (length < best) best = length;
  }
  return best;
}

/* The ways from a node of the first level that has any; returns their length. */
static uint32_t find_ways(weft_sim *sim, uint32_t at, uint32_t dst, struct ways *ways) {
  for (uint32_t level = 0; level < sim->fabric.levels; ++level) {
    *ways = (struct ways){NULL, level, dst};
    if (!weft__ways_to(sim, dst, level, &ways->row)) continue;
    const uint32_t length = length_from(sim, ways, at);
    if (length != WAY_NONE) return length;
  }
  return WAY_NONE;
}

/* The ports among which a next hop is picked, in the order of link creation: port i is
 * out[i] ^ flip, if it is one of `from` that leads to the destination by a way of that length. */
struct choice {
  const uint32_t *out;
  uint32_t flip, count, from, length;
  int last; /* only links to the destination itself; of one that has a single link, any length */
  int nvswitches; /* only NVLink switches: SimAI's rule where they are among shortest ways */
};

static int leads(const weft_sim *sim, const struct ways *ways, const struct choice *choice,
                 uint32_t i) {
  const uint32_t out = choice->out[i] ^ choice->flip;
  const struct fabric_port *port = &sim->fabric.ports.at[out];
  if (port->from_node != choice->from) return 0;
  if (choice->nvswitches && sim->fabric.nodes.at[port->to_node].kind != WEFT_NVSWITCH) return 0;
  if (choice->last && choice->count == 1) return !way_avoids(sim, out);
  return through(sim, ways, out) == choice->length;
}

/* The last step is looked for from the host, which has few ports where a switch may have a
 * thousand. */
static struct choice choose_among(const weft_sim *sim, const struct ways *ways, uint32_t at) {
  const struct node *node = &sim->fabric.nodes.at[at], *to = &sim->fabric.nodes.at[ways->dst];
  struct choice choice = {sim->fabric.adjacency.at + node->first_port,
                          0,
                          node->port_count,
                          at,
                          length_from(sim, ways, at),
                          0,
                          0};
  if (node->kind != WEFT_HOST && way_links(sim, choice.length) == 1) {
    choice.out = sim->fabric.adjacency.at + to->first_port;
    choice.flip = 1;
    choice.count = to->port_count;
    choice.last = 1;
  }
  return choice;
}

static uint32_t count_ways(const weft_sim *sim, const struct ways *ways, struct choice *choice) {
  uint32_t count = 0;
  if (choice->length == WAY_NONE) return 0;
  if (sim->fabric.limits.nvlink_first) {
    choice->nvswitches = 1;
    for (uint32_t i = 0; i < choice->count; ++i) count += (uint32_t)leads(sim, ways, choice, i);
    if (count > 0) return count;
    choice->nvswitches = 0;
  }
  for (uint32_t i = 0; i < choice->count; ++i) count += (uint32_t)leads(sim, ways, choice, i);
  return count;
}

static uint32_t next_hop(const weft_sim *sim, const struct ways *ways, uint32_t at,
                         const struct flow_key *key) {
  struct choice choice = choose_among(sim, ways, at);
  const uint32_t count = count_ways(sim, ways, &choice);
  if (count == 0) return WEFT_NONE;
  uint32_t pick = count == 1 ? 0 : hash_flow(sim, key, at) % count;
  for (uint32_t i = 0;; ++i)
    if (leads(sim, ways, &choice, i) && pick-- == 0) return choice.out[i] ^ choice.flip;
}

/* Where a way begins and ends. */
static uint32_t first_host(const struct flow_key *key) {
  return key->ack ? key->dst : key->src;
}

static uint32_t last_host(const struct flow_key *key) {
  return key->ack ? key->src : key->dst;
}

uint32_t weft__ecmp_next(weft_sim *sim, const struct flow_key *key, uint32_t node) {
  struct ways ways;
  if (find_ways(sim, node, last_host(key), &ways) == WAY_NONE) return WEFT_NONE;
  return next_hop(sim, &ways, node, key);
}

static int walk(const weft_sim *sim, const struct ways *ways, uint32_t at,
                const struct flow_key *key, uint32_t *ports) {
  int hops = 0;
  while (at != ways->dst) {
    if (hops == WEFT_PATH_MAX) return WEFT_ELIMIT;
    const uint32_t port = next_hop(sim, ways, at, key);
    if (port == WEFT_NONE) return WEFT_ENOROUTE;
    ports[hops++] = port;
    at = sim->fabric.ports.at[port].to_node;
  }
  return hops;
}

int weft__ecmp_route(weft_sim *sim, const struct flow_key *key, uint32_t *ports) {
  struct ways ways;
  const uint32_t from = first_host(key);
  if (find_ways(sim, from, last_host(key), &ways) == WAY_NONE) return WEFT_ENOROUTE;
  const int hops = walk(sim, &ways, from, key, ports);
  if (hops == WEFT_ENOROUTE && weft__route_hops(sim, key->src, key->dst) == WEFT_ELIMIT)
    return WEFT_ELIMIT;
  return hops;
}

int weft__ecmp_route_as_built(weft_sim *sim, const struct flow_key *key, uint32_t *ports) {
  const uint32_t from = first_host(key);
  const size_t bytes = way_row_bytes(sim) + 1;
  uint8_t *row = weft__resize(sim, NULL, 0, bytes);
  if (row == NULL) return WEFT_ENOMEM;
  int hops = WEFT_ENOROUTE;
  sim->fabric.as_built = 1;
  for (uint32_t level = 0; level < sim->fabric.levels && hops == WEFT_ENOROUTE; ++level) {
    const struct ways ways = {row, level, last_host(key)};
    if (weft__ways_into(sim, ways.dst, level, row) && length_from(sim, &ways, from) != WAY_NONE)
      hops = walk(sim, &ways, from, key, ports);
  }
  sim->fabric.as_built = 0;
  weft__resize(sim, row, bytes, 0);
  return hops;
}

int weft__route_hops(weft_sim *sim, uint32_t src, uint32_t dst) {
  struct ways ways;
  const uint32_t length = find_ways(sim, src, dst, &ways);
  /* Lengths lead to the only switch of a host also where its own link to it is down. */
  const struct node *to = &sim->fabric.nodes.at[dst];
  uint32_t count = 0;
  for (uint32_t i = 0; i < to->port_count; ++i)
    count += !sim->fabric.ports.at[sim->fabric.adjacency.at[to->first_port + i] ^ 1].down;
  if (length == WAY_NONE || count == 0) return WEFT_ENOROUTE;
  const uint32_t links = way_links(sim, length);
  return links <= WEFT_PATH_MAX ? (int)links : WEFT_ELIMIT;
}
