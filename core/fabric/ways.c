/* Lengths of ways, in little memory.
 *
 * Ways compare by the worst class of their links (NVLink, PCIe, network), then by the sum of costs,
 * then by the number of links. So there is a level for each class that the fabric has, whose ways
 * take links of this class and better ones, and a pair of hosts uses the first level at which there
 * is a way. Compared hop by hop instead, a switch in mid-way could leave the way that is best from
 * its begin: the worst link of a way may be behind one.
 *
 * A table of next hops per switch and host would take 21 MB at k=32. What is kept is the length of
 * each switch's way to each group of destinations: hosts that hang on the same switch by a single
 * link share a group, so a k=32 fat tree of 8192 hosts has 512 groups and 650 KB of 8-bit lengths,
 * filled by one search per group and level when it is first used. */
#include "fabric/ways.h"

#include "fabric/fabric.h"

/* Of ways: nothing has failed, or routing has not noticed. */
enum { FIRST_EPOCH = 1 };

int weft__ways_have_changed(const weft_sim *sim) {
  return sim->fabric.route_epoch != FIRST_EPOCH;
}

/* The group of a host: its only switch, or the host itself when it has several ports. */
static uint32_t group_root(const weft_sim *sim, uint32_t host) {
  const struct node *node = &sim->fabric.nodes.at[host];
  if (node->port_count != 1) return host;
  const uint32_t neighbour =
      sim->fabric.ports.at[sim->fabric.adjacency.at[node->first_port]].to_node;
  return sim->fabric.nodes.at[neighbour].kind == WEFT_HOST ? host : neighbour;
}

/* Which classes there are, and whether links differ in cost. */
static void find_levels(weft_sim *sim) {
  uint32_t links[WEFT_LINK_CLASS_COUNT] = {0};
  sim->fabric.way_bytes = 1;
  sim->fabric.levels = 0;
  for (uint32_t p = 0; p < sim->fabric.ports.n && !sim->fabric.limits.counts_links; ++p) {
    ++links[sim->fabric.ports.at[p].link_class];
    if (sim->fabric.ports.at[p].cost != 1) sim->fabric.way_bytes = sizeof(uint32_t);
  }
  for (uint8_t class = 0; class < WEFT_LINK_CLASS_COUNT; ++class)
    if (links[class] > 0) sim->fabric.level_class[sim->fabric.levels++] = class;
  if (sim->fabric.levels == 0) sim->fabric.levels = 1;
}

/* A group is its root and, for each level, the epoch of its lengths and that since which they are
 * the same. */
static uint32_t *group_at(const weft_sim *sim, uint32_t group) {
  return &sim->fabric.groups.at[(size_t)group * (1 + 2 * sim->fabric.levels)];
}

static int find_groups(weft_sim *sim) {
  const uint32_t nodes = sim->fabric.nodes.n, words = 1 + 2 * sim->fabric.levels;
  if (!pool_reserve(sim, sim->fabric.groups, (uint64_t)words * nodes) ||
      !pool_reserve(sim, sim->fabric.search, 2ull * nodes))
    return WEFT_ENOMEM;
  sim->fabric.search.n = 2 * nodes;
  for (uint32_t n = 0; n < nodes; ++n) {
    sim->fabric.search.at[n] = WEFT_NONE;
    if (sim->fabric.nodes.at[n].kind != WEFT_HOST)
      sim->fabric.nodes.at[n].rank = sim->fabric.switch_count++;
  }
  for (uint32_t n = 0; n < nodes; ++n) {
    if (sim->fabric.nodes.at[n].kind != WEFT_HOST) continue;
    const uint32_t root = group_root(sim, n);
    if (sim->fabric.search.at[root] == WEFT_NONE) {
      sim->fabric.search.at[root] = sim->fabric.group_count;
      uint32_t *group = group_at(sim, sim->fabric.group_count++);
      memset(group, 0, words * sizeof *group); /* epoch 0: no lengths yet */
      *group = root;
    }
    sim->fabric.nodes.at[n].group = sim->fabric.search.at[root];
  }
  sim->fabric.groups.n = words * sim->fabric.group_count;
  return WEFT_OK;
}

/* Number the parts of the network that no link joins: node.group of switches. */
static void find_parts(weft_sim *sim) {
  uint32_t parts = 0, *queue = sim->fabric.search.at;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    if (sim->fabric.nodes.at[n].kind == WEFT_HOST || sim->fabric.nodes.at[n].group != WEFT_NONE)
      continue;
    uint32_t first = 0, last = 0;
    queue[last++] = n;
    sim->fabric.nodes.at[n].group = parts;
    while (first < last) {
      const struct node *node = &sim->fabric.nodes.at[queue[first++]];
      for (uint32_t i = 0; i < node->port_count; ++i) {
        const uint32_t to =
            sim->fabric.ports.at[sim->fabric.adjacency.at[node->first_port + i]].to_node;
        if (sim->fabric.nodes.at[to].kind == WEFT_HOST ||
            sim->fabric.nodes.at[to].group != WEFT_NONE)
          continue;
        sim->fabric.nodes.at[to].group = parts;
        queue[last++] = to;
      }
    }
    ++parts;
  }
}

static void find_dead_ends(weft_sim *sim) {
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n)
    sim->fabric.nodes.at[n].is_dead_end = sim->fabric.nodes.at[n].kind != WEFT_HOST;
  for (uint32_t p = 0; p < sim->fabric.ports.n; ++p)
    if (sim->fabric.nodes.at[sim->fabric.ports.at[p].to_node].kind != WEFT_HOST)
      sim->fabric.nodes.at[sim->fabric.ports.at[p].from_node].is_dead_end = 0;
}

int weft__ways_connect(const weft_sim *sim, uint32_t a, uint32_t b) {
  const struct node *from = &sim->fabric.nodes.at[a], *to = &sim->fabric.nodes.at[b];
  for (uint32_t i = 0; i < from->port_count; ++i) {
    const uint32_t near =
        sim->fabric.ports.at[sim->fabric.adjacency.at[from->first_port + i]].to_node;
    if (near == b) return 1;
    if (sim->fabric.nodes.at[near].kind == WEFT_HOST) continue;
    for (uint32_t j = 0; j < to->port_count; ++j) {
      const uint32_t far =
          sim->fabric.ports.at[sim->fabric.adjacency.at[to->first_port + j]].to_node;
      if (sim->fabric.nodes.at[far].kind != WEFT_HOST &&
          sim->fabric.nodes.at[far].group == sim->fabric.nodes.at[near].group)
        return 1;
    }
  }
  return 0;
}

int weft__ways_init(weft_sim *sim) {
  sim->fabric.route_epoch = FIRST_EPOCH;
  sim->fabric.group_count = sim->fabric.switch_count = 0; /* closing it may have failed before */
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) sim->fabric.nodes.at[n].group = WEFT_NONE;
  find_levels(sim);
  const int status = find_groups(sim);
  if (status != WEFT_OK) return status;
  /* A row more, for comparing; and a byte, so that none is NULL: hosts may do without switches. */
  const uint64_t rows = (uint64_t)sim->fabric.group_count * sim->fabric.levels + 1;
  const uint64_t bytes = rows * way_row_bytes(sim) + 1;
  if (!pool_reserve(sim, sim->fabric.ways, bytes)) return WEFT_ENOMEM;
  sim->fabric.ways.n = (uint32_t)bytes;
  find_parts(sim);
  find_dead_ends(sim);
  memset(sim->fabric.search.at, 0, sim->fabric.search.n * sizeof *sim->fabric.search.at);
  return WEFT_OK;
}

/* ---- search ----
 *
 * From a destination against the direction of travel, through switches only. The queue is a ring
 * of nodes, each in it once at most; where links differ in cost a switch that is reached by a
 * shorter way comes again. */

void weft__ways_begin(weft_sim *sim, uint8_t *row) {
  memset(row, 0xff, way_row_bytes(sim));
  sim->fabric.search_first = sim->fabric.search_count = 0;
}

/* Inlined: once per link of each search. */
static inline void reach(weft_sim *sim, uint8_t *row, uint32_t node, uint32_t length, int narrow) {
  const uint32_t nodes = sim->fabric.nodes.n, rank = sim->fabric.nodes.at[node].rank;
  if (length >= way_length(sim, row, node)) return;
  if (narrow)
    row[rank] = (uint8_t)length;
  else
    memcpy(row + (size_t)rank * sizeof length, &length, sizeof length);
  if (sim->fabric.search.at[nodes + node]) return;
  sim->fabric.search.at[nodes + node] = 1;
  uint32_t last = sim->fabric.search_first + sim->fabric.search_count++;
  if (last >= nodes) last -= nodes;
  sim->fabric.search.at[last] = node;
}

void weft__ways_reach(weft_sim *sim, uint8_t *row, uint32_t node, uint32_t length) {
  reach(sim, row, node, length, sim->fabric.way_bytes == 1);
}

/* To the switches around a node, from which a way of `here` leads on. */
static inline void spread(weft_sim *sim, uint8_t *row, uint32_t level, uint32_t at, uint32_t here,
                          int narrow) {
  const struct node *node = &sim->fabric.nodes.at[at];
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i], in = out ^ 1;
    const uint32_t from = sim->fabric.ports.at[out].to_node;
    if (sim->fabric.nodes.at[from].kind == WEFT_HOST) continue;
    /* Without costs the first to come is the shortest. */
    if (narrow && row[sim->fabric.nodes.at[from].rank] != UINT8_MAX) continue;
    if (way_avoids(sim, in) || !way_allows(sim, level, in)) continue;
    reach(sim, row, from, way_add(sim, here, way_weight(sim, in)), narrow);
  }
}

static inline void search(weft_sim *sim, uint8_t *row, uint32_t level, int narrow) {
  const uint32_t nodes = sim->fabric.nodes.n;
  while (sim->fabric.search_count > 0) {
    const uint32_t at = sim->fabric.search.at[sim->fabric.search_first];
    if (++sim->fabric.search_first == nodes) sim->fabric.search_first = 0;
    --sim->fabric.search_count;
    sim->fabric.search.at[nodes + at] = 0;
    spread(sim, row, level, at, way_length(sim, row, at), narrow);
  }
}

void weft__ways_search(weft_sim *sim, uint8_t *row, uint32_t level) {
  if (sim->fabric.way_bytes == 1)
    search(sim, row, level, 1);
  else
    search(sim, row, level, 0);
}

/* What is behind the root's last link is the same for all ways to a host of its group, so that link
 * counts as any. It is there also where it is down: who asks looks at it. */
static void search_group(weft_sim *sim, uint32_t root, uint32_t level, uint8_t *row) {
  const int narrow = sim->fabric.way_bytes == 1;
  weft__ways_begin(sim, row);
  if (sim->fabric.nodes.at[root].kind == WEFT_HOST)
    spread(sim, row, level, root, 0, narrow);
  else
    weft__ways_reach(sim, row, root, narrow ? 1 : 1 << WAY_COST_SHIFT | 1);
  weft__ways_search(sim, row, level);
}

/* A host whose only link is of a worse class has no ways at a level. */
static int has_ways(const weft_sim *sim, uint32_t host, uint32_t root, uint32_t level) {
  return root == host ||
         way_allows(sim, level, sim->fabric.adjacency.at[sim->fabric.nodes.at[host].first_port]);
}

/* ---- twins ----
 *
 * GPUs have a port to their server and one to the network, so each is a group; yet those on one
 * switch of the network have the same ways through it, and a search each would take the square of
 * the cluster's size. */

/* The only port of a host that leads on, beside those to dead ends; WEFT_NONE: there are more, or
 * none, or neighbours that are hosts. */
static uint32_t way_on(const weft_sim *sim, uint32_t host) {
  const struct node *node = &sim->fabric.nodes.at[host];
  uint32_t found = WEFT_NONE;
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t port = sim->fabric.adjacency.at[node->first_port + i];
    const uint32_t to = sim->fabric.ports.at[port].to_node;
    if (sim->fabric.nodes.at[to].kind == WEFT_HOST) return WEFT_NONE;
    if (sim->fabric.nodes.at[to].is_dead_end) continue;
    if (found != WEFT_NONE) return WEFT_NONE;
    found = port;
  }
  return found;
}

/* Of the dead ends around a host: the ways that a host of these ends has, or none. */
static void set_dead_ends(weft_sim *sim, uint32_t host, uint32_t level, int is_its, uint8_t *row) {
  const struct node *node = &sim->fabric.nodes.at[host];
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t in = sim->fabric.adjacency.at[node->first_port + i] ^ 1;
    const uint32_t from = sim->fabric.ports.at[in].from_node;
    if (sim->fabric.nodes.at[from].is_dead_end)
      row[sim->fabric.nodes.at[from].rank] = is_its && way_allows(sim, level, in) ? 1 : UINT8_MAX;
  }
}

/* Take the ways of another host on the same switch, if these are known; 0: there is none. */
static int take_twin(weft_sim *sim, uint32_t root, uint32_t level, uint8_t *row) {
  if (sim->fabric.way_bytes != 1 || weft__ways_have_changed(sim) || sim->fabric.as_built) return 0;
  const uint32_t port = way_on(sim, root);
  if (port == WEFT_NONE || !way_allows(sim, level, port ^ 1)) return 0;
  const struct node *near = &sim->fabric.nodes.at[sim->fabric.ports.at[port].to_node];
  for (uint32_t i = 0; i < near->port_count; ++i) {
    const uint32_t in = sim->fabric.adjacency.at[near->first_port + i];
    const uint32_t other = sim->fabric.ports.at[in].to_node;
    const struct node *twin = &sim->fabric.nodes.at[other];
    if (twin->kind != WEFT_HOST || other == root || !way_allows(sim, level, in)) continue;
    const uint32_t *group = group_at(sim, twin->group);
    if (group[0] != other || group[1 + 2 * level] != sim->fabric.route_epoch) continue;
    if (way_on(sim, other) != (in ^ 1)) continue;
    const size_t bytes = way_row_bytes(sim);
    memcpy(row, sim->fabric.ways.at + ((size_t)twin->group * sim->fabric.levels + level) * bytes,
           bytes);
    set_dead_ends(sim, other, level, 0, row);
    set_dead_ends(sim, root, level, 1, row);
    return 1;
  }
  return 0;
}

int weft__ways_into(weft_sim *sim, uint32_t host, uint32_t level, uint8_t *row) {
  const uint32_t root = *group_at(sim, sim->fabric.nodes.at[host].group);
  if (!has_ways(sim, host, root, level)) return 0;
  search_group(sim, root, level, row);
  return 1;
}

int weft__ways_to(weft_sim *sim, uint32_t host, uint32_t level, const uint8_t **found) {
  const struct node *node = &sim->fabric.nodes.at[host];
  uint32_t *group = group_at(sim, node->group);
  const uint32_t root = group[0];
  if (!has_ways(sim, host, root, level)) return 0;
  uint8_t *row =
      sim->fabric.ways.at + ((size_t)node->group * sim->fabric.levels + level) * way_row_bytes(sim);
  uint32_t *epoch = &group[1 + 2 * level], *since = epoch + 1;
  if (*epoch != sim->fabric.route_epoch) {
    const size_t bytes = way_row_bytes(sim);
    uint8_t *before = sim->fabric.ways.at + sim->fabric.ways.n - 1 - bytes;
    memcpy(before, row, bytes);
    if (root != host || !take_twin(sim, root, level, row)) search_group(sim, root, level, row);
    if (*epoch + 1 != sim->fabric.route_epoch || memcmp(before, row, bytes) != 0)
      *since = sim->fabric.route_epoch;
    *epoch = sim->fabric.route_epoch;
  }
  *found = row;
  return 1;
}

/* May a port of the link that ways have changed by be, or have been, among those that a node may
 * choose? Not, if ways through it are longer, now that lengths are as before. */
static int is_choice(const weft_sim *sim, const uint8_t *row, uint32_t out) {
  const struct fabric_port *port = &sim->fabric.ports.at[out];
  if (sim->fabric.nodes.at[port->from_node].kind == WEFT_HOST ||
      sim->fabric.nodes.at[port->to_node].kind == WEFT_HOST)
    return 1;
  const uint32_t rest = way_length(sim, row, port->to_node);
  return rest != WAY_NONE &&
         way_add(sim, rest, way_weight(sim, out)) == way_length(sim, row, port->from_node);
}

/* Does a way go through a node that may choose a port? */
static int passes(const weft_sim *sim, const uint32_t *ports, uint32_t hops, uint32_t out) {
  const uint32_t node = sim->fabric.ports.at[out].from_node;
  for (uint32_t i = 0; i < hops; ++i)
    if (sim->fabric.ports.at[ports[i]].from_node == node) return 1;
  return 0;
}

/* A node chooses by the lengths from around it to the destination, and by which of its own links
 * there are. */
int weft__way_may_change(weft_sim *sim, const uint32_t *ports, uint32_t hops) {
  const uint32_t dst = sim->fabric.ports.at[ports[hops - 1]].to_node;
  const uint32_t *group = group_at(sim, sim->fabric.nodes.at[dst].group);
  const uint32_t outs[2] = {2 * sim->fabric.noticed, 2 * sim->fabric.noticed + 1};
  const int may[2] = {passes(sim, ports, hops, outs[0]), passes(sim, ports, hops, outs[1])};
  int may_change = 0;
  for (uint32_t level = 0; level < sim->fabric.levels; ++level) {
    const uint8_t *row;
    if (!weft__ways_to(sim, dst, level, &row)) continue;
    may_change |= group[2 + 2 * level] == sim->fabric.route_epoch;
    for (int i = 0; i < 2; ++i) may_change |= may[i] && is_choice(sim, row, outs[i]);
  }
  return may_change;
}
