/* The longest empty round trip, exact over all pairs and ways, by less work than a look at each.
 *
 * Links cost the same in both directions, whatever their rates and delays, so the ways back are the
 * ways there, reversed, and one search from a destination gives both: to the length of each
 * switch's ways comes the longest time that a data packet needs on one of them, and an ACK on one
 * of them, worked out in the order of lengths, with the longest of equal ways in place of a choice.
 *
 * Hosts with the same links into the network are one *place*. Those with one such link share the
 * search of its switch, to which the link is added; of their sources only the farthest counts. What
 * tells hosts of a place apart is *inside*: switches that lead nowhere but to hosts which all have
 * other links too (the NVLink switch of a server), and links from host to host. Pairs that meet
 * inside are looked at one by one; they are few.
 *
 * Of switches with the same links to other switches (the edge switches of a pod) one is searched
 * for only: to exchange two changes no way but those between hosts of the same switch. */
#include "fabric/farthest.h"

#include <stdlib.h>

#include "fabric/fabric.h"
#include "fabric/path.h"
#include "fabric/ways.h"

struct place {
  uint32_t first, last; /* its hosts, chained through next */
  uint32_t next; /* place at the same switch, or WEFT_NONE */
  uint32_t ports; /* outside */
  uint32_t met; /* stamp: there is a pair with the destination that does not meet inside */
};

/* A way by its class and length, and the longest times on ways that are as good. */
struct best {
  uint32_t level, length;
  weft_time data, ack;
};

struct survey {
  weft_sim *sim;
  weft_time *data, *ack; /* of each port: of data through it, and of ACKs the other way */
  uint8_t *inside; /* of each node: a switch that is inside */
  uint32_t *next, *place_at, *stamp; /* of each node */
  uint32_t *searched; /* hosts with a single link that have been searched for */
  uint32_t *switches; /* by rank */
  struct place *place; /* at most as many as nodes */
  uint32_t places;
  uint8_t *row; /* lengths at each level */
  weft_time *data_from, *ack_from; /* of each switch at each level */
  uint64_t *order; /* switches that were reached: length << 32 | node */
  uint32_t root; /* the switch searched for, or WEFT_NONE: a host was */
  uint32_t last; /* the link from there to the destination, as its port; WEFT_NONE: none */
  uint32_t ranked; /* for destinations whose link is of this level, or WEFT_NONE: */
  uint32_t top[2]; /* the farthest places */
  weft_time limit, near, longest, shortest; /* near: the longest within the limit */
};

static const uint32_t *ports_of(const weft_sim *sim, uint32_t node) {
  return sim->fabric.adjacency.at + sim->fabric.nodes.at[node].first_port;
}

static int is_host(const weft_sim *sim, uint32_t node) {
  return sim->fabric.nodes.at[node].kind == WEFT_HOST;
}

/* Does a host's port lead into the network? */
static int is_outside(const struct survey *s, uint32_t out) {
  const uint32_t to = s->sim->fabric.ports.at[out].to_node;
  return !is_host(s->sim, to) && !s->inside[to];
}

static void find_inside(struct survey *s) {
  const weft_sim *sim = s->sim;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    s->inside[n] = !is_host(sim, n);
    for (uint32_t i = 0; i < sim->fabric.nodes.at[n].port_count && s->inside[n]; ++i) {
      const uint32_t to = sim->fabric.ports.at[ports_of(sim, n)[i]].to_node;
      s->inside[n] = is_host(sim, to) && sim->fabric.nodes.at[to].port_count > 1;
    }
  }
}

static int same_wire(const weft_sim *sim, uint32_t a, uint32_t b) {
  const struct fabric_port *x = &sim->fabric.ports.at[a], *y = &sim->fabric.ports.at[b];
  return x->built_rate_bps == y->built_rate_bps && x->link_class == y->link_class &&
         x->cost == y->cost && x->delay_ps == y->delay_ps;
}

static int same_cable(const weft_sim *sim, uint32_t a, uint32_t b) {
  return same_wire(sim, a, b) && same_wire(sim, a ^ 1, b ^ 1);
}

static int same_link(const weft_sim *sim, uint32_t a, uint32_t b) {
  return sim->fabric.ports.at[a].to_node == sim->fabric.ports.at[b].to_node &&
         same_cable(sim, a, b);
}

/* The next port from i on that leads outside; the count of ports if there is none. */
static uint32_t next_outside(const struct survey *s, uint32_t host, uint32_t i) {
  const uint32_t count = s->sim->fabric.nodes.at[host].port_count;
  while (i < count && !is_outside(s, ports_of(s->sim, host)[i])) ++i;
  return i;
}

static int same_place(const struct survey *s, uint32_t a, uint32_t b) {
  const weft_sim *sim = s->sim;
  uint32_t i = next_outside(s, a, 0), j = next_outside(s, b, 0);
  while (i < sim->fabric.nodes.at[a].port_count && j < sim->fabric.nodes.at[b].port_count) {
    if (!same_link(sim, ports_of(sim, a)[i], ports_of(sim, b)[j])) return 0;
    i = next_outside(s, a, i + 1);
    j = next_outside(s, b, j + 1);
  }
  return i == sim->fabric.nodes.at[a].port_count && j == sim->fabric.nodes.at[b].port_count;
}

/* Hosts without a link outside are places too, each its own: they are reached inside only. */
static void find_places(struct survey *s) {
  const weft_sim *sim = s->sim;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) s->place_at[n] = s->next[n] = WEFT_NONE;
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n) {
    if (!is_host(sim, n)) continue;
    const uint32_t i = next_outside(s, n, 0);
    const int none = i == sim->fabric.nodes.at[n].port_count;
    const uint32_t at = none ? n : sim->fabric.ports.at[ports_of(sim, n)[i]].to_node;
    uint32_t p = s->place_at[at];
    while (p != WEFT_NONE && !same_place(s, s->place[p].first, n)) p = s->place[p].next;
    if (p == WEFT_NONE) {
      s->place[s->places] = (struct place){n, n, s->place_at[at], !none, 0};
      s->place_at[at] = s->places++;
    } else {
      s->next[s->place[p].last] = n;
      s->place[p].last = n;
    }
  }
}

/* ---- from a destination ---- */

static int by_length(const void *a, const void *b) {
  const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
  return x < y ? -1 : x > y;
}

static void keep_longer(weft_time *longest, weft_time time) {
  if (time > *longest) *longest = time;
}

/* The longest times of a switch's ways that have the length found. */
static void time_switch(struct survey *s, uint32_t host, uint32_t level, uint32_t at) {
  weft_sim *sim = s->sim;
  const uint8_t *row = s->row + level * way_row_bytes(sim);
  weft_time *data = s->data_from + (size_t)level * sim->fabric.switch_count;
  weft_time *ack = s->ack_from + (size_t)level * sim->fabric.switch_count;
  const uint32_t length = way_length(sim, row, at), rank = sim->fabric.nodes.at[at].rank;
  data[rank] = ack[rank] = 0;
  for (uint32_t i = 0; i < sim->fabric.nodes.at[at].port_count; ++i) {
    const uint32_t out = ports_of(sim, at)[i], to = sim->fabric.ports.at[out].to_node;
    if (!way_allows(sim, level, out)) continue;
    weft_time data_rest = 0, ack_rest = 0;
    uint32_t rest = 0;
    if (is_host(sim, to)) {
      if (to != host) continue;
    } else {
      rest = way_length(sim, row, to);
      if (rest >= length) continue;
      data_rest = data[sim->fabric.nodes.at[to].rank];
      ack_rest = ack[sim->fabric.nodes.at[to].rank];
    }
    if (way_add(sim, rest, way_weight(sim, out)) != length) continue;
    keep_longer(&data[rank], data_rest + s->data[out]);
    keep_longer(&ack[rank], ack_rest + s->ack[out]);
  }
}

/* To a host, or to a switch. */
static void search_to(struct survey *s, uint32_t node) {
  weft_sim *sim = s->sim;
  const int to_host = is_host(sim, node);
  const uint32_t host = to_host ? node : WEFT_NONE;
  for (uint32_t level = 0; level < sim->fabric.levels; ++level) {
    uint8_t *row = s->row + level * way_row_bytes(sim);
    weft__ways_begin(sim, row);
    if (!to_host) weft__ways_reach(sim, row, node, 0);
    for (uint32_t i = 0; to_host && i < sim->fabric.nodes.at[host].port_count; ++i) {
      const uint32_t out = ports_of(sim, host)[i];
      if (is_outside(s, out) && way_allows(sim, level, out))
        weft__ways_reach(sim, row, sim->fabric.ports.at[out].to_node, way_weight(sim, out));
    }
    weft__ways_search(sim, row, level);
    uint32_t reached = 0;
    for (uint32_t i = 0; i < sim->fabric.switch_count; ++i) {
      const uint32_t length = way_length(sim, row, s->switches[i]);
      if (length != WAY_NONE) s->order[reached++] = (uint64_t)length << 32 | s->switches[i];
    }
    qsort(s->order, reached, sizeof *s->order, by_length);
    for (uint32_t i = 0; i < reached; ++i) time_switch(s, host, level, (uint32_t)s->order[i]);
  }
}

static void offer(struct best *best, uint32_t level, uint32_t length, weft_time data,
                  weft_time ack) {
  if (level > best->level || (level == best->level && length > best->length)) return;
  if (level < best->level || length < best->length) *best = (struct best){level, length, 0, 0};
  keep_longer(&best->data, data);
  keep_longer(&best->ack, ack);
}

static uint32_t level_of(const weft_sim *sim, uint32_t a, uint32_t b) {
  uint32_t level = 0;
  while (!way_allows(sim, level, a) || !way_allows(sim, level, b)) ++level;
  return level;
}

/* The ways of a host through the network to the destination searched for. */
static struct best outside_ways(const struct survey *s, uint32_t host) {
  const weft_sim *sim = s->sim;
  struct best best = {UINT32_MAX, WAY_NONE, 0, 0};
  const uint32_t last = s->last;
  uint32_t level = last != WEFT_NONE ? level_of(sim, last, last) : 0;
  for (; level < sim->fabric.levels && best.length == WAY_NONE; ++level) {
    const uint8_t *row = s->row + level * way_row_bytes(sim);
    const size_t base = (size_t)level * sim->fabric.switch_count;
    for (uint32_t i = 0; i < sim->fabric.nodes.at[host].port_count; ++i) {
      const uint32_t out = ports_of(sim, host)[i], to = sim->fabric.ports.at[out].to_node;
      if (!is_outside(s, out) || !way_allows(sim, level, out)) continue;
      const uint32_t rest = way_length(sim, row, to), rank = sim->fabric.nodes.at[to].rank;
      if (rest == WAY_NONE) continue;
      offer(&best, level, way_add(sim, rest, way_weight(sim, out)),
            s->data[out] + s->data_from[base + rank], s->ack[out] + s->ack_from[base + rank]);
    }
  }
  if (last == WEFT_NONE || best.length == WAY_NONE) return best;
  best.length = way_add(sim, best.length, way_weight(sim, last));
  best.data += s->data[last ^ 1];
  best.ack += s->ack[last ^ 1];
  return best;
}

/* The ways of two hosts that meet inside, added to those outside. */
static void offer_inside(const struct survey *s, uint32_t a, uint32_t b, struct best *best) {
  const weft_sim *sim = s->sim;
  for (uint32_t i = 0; i < sim->fabric.nodes.at[a].port_count; ++i) {
    const uint32_t out = ports_of(sim, a)[i], to = sim->fabric.ports.at[out].to_node;
    if (to == b)
      offer(best, level_of(sim, out, out), way_weight(sim, out), s->data[out], s->ack[out]);
    if (!s->inside[to]) continue;
    for (uint32_t j = 0; j < sim->fabric.nodes.at[b].port_count; ++j) {
      const uint32_t in = ports_of(sim, b)[j];
      if (sim->fabric.ports.at[in].to_node == to)
        offer(best, level_of(sim, out, in), way_add(sim, way_weight(sim, out), way_weight(sim, in)),
              s->data[out] + s->data[in ^ 1], s->ack[out] + s->ack[in ^ 1]);
    }
  }
}

static void consider(struct survey *s, const struct best *best) {
  if (best->length == WAY_NONE) return;
  const weft_time rtt = best->data + best->ack;
  if (rtt < s->shortest) s->shortest = rtt;
  keep_longer(&s->longest, rtt);
  if (rtt <= s->limit) keep_longer(&s->near, rtt);
}

/* Pairs with a host that meet it inside. Their stamp is the host's number + 1. */
static void look_inside(struct survey *s, uint32_t b) {
  const weft_sim *sim = s->sim;
  s->stamp[b] = b + 1;
  for (uint32_t i = 0; i < sim->fabric.nodes.at[b].port_count; ++i) {
    const uint32_t to = sim->fabric.ports.at[ports_of(sim, b)[i]].to_node;
    if (!is_host(sim, to) && !s->inside[to]) continue;
    const uint32_t count = is_host(sim, to) ? 1 : sim->fabric.nodes.at[to].port_count;
    for (uint32_t j = 0; j < count; ++j) {
      const uint32_t a = is_host(sim, to) ? to : sim->fabric.ports.at[ports_of(sim, to)[j]].to_node;
      if (s->stamp[a] == b + 1) continue;
      s->stamp[a] = b + 1;
      struct best best = outside_ways(s, a);
      offer_inside(s, a, b, &best);
      consider(s, &best);
    }
  }
}

/* A host of a place that does not meet host b inside, nor is it: look_inside() stamps those. */
static uint32_t stranger(const struct survey *s, uint32_t place, uint32_t b) {
  uint32_t a = s->place[place].first;
  while (a != WEFT_NONE && s->stamp[a] == b + 1) a = s->next[a];
  return a;
}

/* The two places from which it is farthest. */
static void rank_sources(struct survey *s) {
  weft_time far[2] = {-1, -1};
  s->top[0] = s->top[1] = WEFT_NONE;
  for (uint32_t p = 0; p < s->places; ++p) {
    const struct best best = outside_ways(s, s->place[p].first);
    const weft_time rtt = best.data + best.ack;
    if (!s->place[p].ports || best.length == WAY_NONE || rtt <= far[1]) continue;
    const int i = rtt <= far[0];
    if (i == 0) {
      far[1] = far[0];
      s->top[1] = s->top[0];
    }
    far[i] = rtt;
    s->top[i] = p;
  }
}

/* Pairs with host b that meet outside: from the farthest place; or, where no host of it will do or
 * it is beyond the limit, from all. */
static void look_outside(struct survey *s, uint32_t b) {
  for (int i = 0; i < 2 && s->top[i] != WEFT_NONE; ++i) {
    const uint32_t a = stranger(s, s->top[i], b);
    if (a == WEFT_NONE) continue;
    const struct best best = outside_ways(s, a);
    consider(s, &best);
    if (best.data + best.ack <= s->limit) return;
    break;
  }
  for (uint32_t p = 0; p < s->places; ++p) {
    const uint32_t a = s->place[p].ports ? stranger(s, p, b) : WEFT_NONE;
    if (a == WEFT_NONE) continue;
    const struct best best = outside_ways(s, a);
    consider(s, &best);
  }
}

/* All pairs with hosts of a place of one link into the network. */
static void look_behind(struct survey *s, uint32_t to, uint32_t out) {
  const uint32_t at = s->sim->fabric.ports.at[out].to_node, level = level_of(s->sim, out, out);
  if (s->root != at) {
    search_to(s, at);
    s->root = at;
    s->ranked = WEFT_NONE;
  }
  s->last = out;
  if (s->ranked != level) rank_sources(s);
  s->ranked = level;
  for (uint32_t b = s->place[to].first; b != WEFT_NONE; b = s->next[b]) {
    look_inside(s, b);
    look_outside(s, b);
  }
}

/* All pairs with hosts of a place. Once a pair of two places does not meet inside, others of them
 * have nothing to add. */
static void look_at(struct survey *s, uint32_t to) {
  const struct place *destination = &s->place[to];
  const uint32_t host = destination->first, count = s->sim->fabric.nodes.at[host].port_count;
  const uint32_t i = next_outside(s, host, 0);
  if (i < count && next_outside(s, host, i + 1) == count) {
    look_behind(s, to, ports_of(s->sim, host)[i]);
    return;
  }
  s->root = s->last = WEFT_NONE;
  search_to(s, host);
  for (uint32_t b = host; b != WEFT_NONE; b = s->next[b]) {
    look_inside(s, b);
    for (uint32_t from = 0; destination->ports && from < s->places; ++from) {
      struct place *source = &s->place[from];
      if (source->met == to + 1 || !source->ports) continue;
      const uint32_t a = stranger(s, from, b);
      if (a == WEFT_NONE) continue;
      source->met = to + 1;
      const struct best best = outside_ways(s, a);
      consider(s, &best);
    }
  }
}

/* ---- twins ---- */

/* Does a switch have hosts with a single link, and no others? */
static int is_leaf(const weft_sim *sim, uint32_t node) {
  for (uint32_t i = 0; i < sim->fabric.nodes.at[node].port_count; ++i) {
    const uint32_t to = sim->fabric.ports.at[ports_of(sim, node)[i]].to_node;
    if (is_host(sim, to) && sim->fabric.nodes.at[to].port_count > 1) return 0;
  }
  return 1;
}

static uint32_t next_switch(const weft_sim *sim, uint32_t node, uint32_t i) {
  const uint32_t count = sim->fabric.nodes.at[node].port_count;
  while (i < count && is_host(sim, sim->fabric.ports.at[ports_of(sim, node)[i]].to_node)) ++i;
  return i;
}

static int are_twins(const weft_sim *sim, uint32_t a, uint32_t b) {
  uint32_t i = next_switch(sim, a, 0), j = next_switch(sim, b, 0);
  while (i < sim->fabric.nodes.at[a].port_count && j < sim->fabric.nodes.at[b].port_count) {
    if (!same_link(sim, ports_of(sim, a)[i], ports_of(sim, b)[j])) return 0;
    i = next_switch(sim, a, i + 1);
    j = next_switch(sim, b, j + 1);
  }
  return i == sim->fabric.nodes.at[a].port_count && j == sim->fabric.nodes.at[b].port_count;
}

/* Has a place been searched for that stands for this one? `done` of them are in s->searched. */
static int is_done(const struct survey *s, uint32_t done, uint32_t host) {
  const weft_sim *sim = s->sim;
  const uint32_t out = *ports_of(sim, host), at = sim->fabric.ports.at[out].to_node;
  if (is_host(sim, at) || !is_leaf(sim, at)) return 0;
  for (uint32_t i = 0; i < done; ++i) {
    const uint32_t other = *ports_of(sim, s->searched[i]);
    if (same_cable(sim, out, other) && are_twins(sim, at, sim->fabric.ports.at[other].to_node))
      return 1;
  }
  return 0;
}

/* Hosts with a single link to the same switch. */
static void look_beside(struct survey *s, uint32_t to) {
  const weft_sim *sim = s->sim;
  const uint32_t b = s->place[to].first, out = *ports_of(sim, b);
  for (uint32_t p = s->place_at[sim->fabric.ports.at[out].to_node]; p != WEFT_NONE;
       p = s->place[p].next) {
    if (p == to && s->place[p].first == s->place[p].last) continue;
    const uint32_t other = *ports_of(sim, s->place[p].first);
    struct best best = {UINT32_MAX, WAY_NONE, 0, 0};
    offer(&best, 0, 2, s->data[other] + s->data[out ^ 1], s->ack[other] + s->ack[out ^ 1]);
    consider(s, &best);
  }
}

/* Place by place, those of a switch one after the other. */
static void look_at_all(struct survey *s) {
  uint32_t done = 0;
  s->root = WEFT_NONE;
  for (uint32_t n = 0; n < s->sim->fabric.nodes.n; ++n)
    for (uint32_t p = s->place_at[n]; p != WEFT_NONE; p = s->place[p].next) {
      const uint32_t host = s->place[p].first;
      const int single = s->sim->fabric.nodes.at[host].port_count == 1;
      if (single && s->root != n && is_done(s, done, host)) {
        look_beside(s, p);
        continue;
      }
      if (single) s->searched[done++] = host;
      look_at(s, p);
    }
}

/* ---- memory ---- */

static void *take(char *block, size_t *used, size_t count, size_t size) {
  void *at = block == NULL ? NULL : block + *used;
  *used += (count * size + 15) / 16 * 16;
  return at;
}

/* Lay the arrays out in a block, if there is one; returns its size. */
static size_t lay_out(struct survey *s, char *block) {
  const weft_sim *sim = s->sim;
  const size_t nodes = sim->fabric.nodes.n, ports = sim->fabric.ports.n,
               levels = sim->fabric.levels;
  const size_t times = levels * sim->fabric.switch_count;
  size_t used = 0;
  s->data = take(block, &used, ports, sizeof *s->data);
  s->ack = take(block, &used, ports, sizeof *s->ack);
  s->inside = take(block, &used, nodes, sizeof *s->inside);
  s->next = take(block, &used, nodes, sizeof *s->next);
  s->place_at = take(block, &used, nodes, sizeof *s->place_at);
  s->stamp = take(block, &used, nodes, sizeof *s->stamp);
  s->searched = take(block, &used, nodes, sizeof *s->searched);
  s->place = take(block, &used, nodes, sizeof *s->place);
  s->switches = take(block, &used, sim->fabric.switch_count, sizeof *s->switches);
  s->row = take(block, &used, levels, way_row_bytes(sim));
  s->data_from = take(block, &used, times, sizeof *s->data_from);
  s->ack_from = take(block, &used, times, sizeof *s->ack_from);
  s->order = take(block, &used, sim->fabric.switch_count, sizeof *s->order);
  return used;
}

/* The models that compat stands for count whole ns, of delays and of transmissions. */
static weft_time cross(const weft_sim *sim, uint32_t port, uint64_t bytes) {
  const weft_time time = weft__path_as_built(sim, &port, 1, bytes);
  if (!sim->queue->whole_ns) return time;
  const weft_time delay = sim->fabric.ports.at[port].delay_ps;
  return delay / 1000 * 1000 + (time - delay) / 1000 * 1000;
}

static void fill(struct survey *s, uint64_t data_bytes, uint64_t ack_bytes) {
  const weft_sim *sim = s->sim;
  memset(s->stamp, 0, sim->fabric.nodes.n * sizeof *s->stamp);
  for (uint32_t n = 0; n < sim->fabric.nodes.n; ++n)
    if (!is_host(sim, n)) s->switches[sim->fabric.nodes.at[n].rank] = n;
  for (uint32_t port = 0; port < sim->fabric.ports.n; ++port) {
    s->data[port] = cross(sim, port, data_bytes);
    s->ack[port] = cross(sim, port ^ 1, ack_bytes);
  }
  find_inside(s);
  find_places(s);
}

int weft__farthest(weft_sim *sim, uint64_t data_bytes, uint64_t ack_bytes, weft_time limit,
                   weft_time *near, weft_time *longest) {
  struct survey s = {.sim = sim, .limit = limit, .near = -1, .shortest = INT64_MAX};
  const size_t size = lay_out(&s, NULL);
  char *block = weft__resize(sim, NULL, 0, size);
  if (block == NULL) return WEFT_ENOMEM;
  lay_out(&s, block);
  fill(&s, data_bytes, ack_bytes);
  look_at_all(&s);
  weft__resize(sim, block, size, 0);
  *near = s.near >= 0 ? s.near : s.shortest < INT64_MAX ? s.shortest : 0;
  *longest = s.longest;
  return WEFT_OK;
}
