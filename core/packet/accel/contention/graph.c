/* The conflict graph of a partition: its flows, the ports where they meet, and switches that have
 * several of these, whose buffer they share.
 *
 * Wormhole draws an edge between two flows for the links that they share. Here a port is a vertex
 * of its own with an arc to each of its flows: n flows at one port are n arcs and not n^2 / 2
 * edges, and a port has room for what decides how it is shared. Of ports that a flow has for itself
 * the slowest counts, and what is wrong with any; how many there are does not, but in the flow's
 * round trip. */
#include <stddef.h>
#include <string.h>

#include "base/sort.h"
#include "packet/accel/contention/contention.h"
#include "base/hash_i.h"
#include "packet/cc/cc.h"
#include "packet/transport/transport.h"

static uint64_t add(uint64_t hash, uint64_t value) {
  return hash_mix(hash_mix(hash + 0x9e3779b97f4a7c15u) ^ value);
}

static uint64_t add_real(uint64_t hash, double value) {
  uint64_t bits;
  memcpy(&bits, &value, sizeof bits);
  return add(hash, bits);
}

/* ---- what all flows have in common ---- */

static size_t option_size(const weft_option *option) {
  return option->type == WEFT_OPT_U32 ? sizeof(uint32_t) : sizeof(uint64_t);
}

/* Options that decide who runs what and where, not how flows share; and those of an algorithm of
 * congestion control that is not in use. */
static int is_irrelevant(const weft_sim *sim, const weft_option *option) {
  static const char *const apart[] = {"seed",    "threads",      "ecmp", "completion",
                                      "memoize", "fast_forward", "audit"};
  for (size_t i = 0; i < sizeof apart / sizeof apart[0]; ++i)
    if (strcmp(option->name, apart[i]) == 0) return 1;
  return option->cc != WEFT_CC_COUNT && option->cc != sim->config.cc;
}

static uint64_t name_hash(const char *name) {
  uint64_t hash = 1;
  for (; *name != '\0'; ++name) hash = add(hash, (unsigned char)*name);
  return hash;
}

uint64_t weft__graph_namespace(const weft_sim *sim, const struct colouring *colouring) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  uint64_t hash = add(add(1, (uint64_t)colouring->acks), colouring->rate_steps);
  hash = add(add(hash, (uint64_t)colouring->kept), sim->packet.cc_header);
  for (uint32_t i = 0; i < count; ++i) {
    if (is_irrelevant(sim, &options[i])) continue;
    uint64_t value = 0;
    memcpy(&value, (const char *)&sim->config + options[i].offset, option_size(&options[i]));
    hash = add(add(hash, name_hash(options[i].name)), value);
  }
  return hash;
}

/* ---- what a vertex stands for ---- */

enum { OF_FLOW = 2, OF_PORT = 3, OF_SWITCH = 4, OF_STATE = 5 };

/* What is wrong with a port's wire; 0: nothing. */
static uint64_t port_trouble(const weft_sim *sim, uint32_t port) {
  const struct port_cold *cold = &sim->packet.port_cold.at[port];
  const uint32_t flags = sim->packet.ports.at[port].flags & (PORT_DOWN | PORT_LOSSY);
  if (flags == 0 && cold->storms == 0) return 0;
  const struct fabric_port *link = &sim->fabric.ports.at[port];
  uint64_t hash = add_real(add(add(OF_PORT, flags), cold->storms), link->loss);
  if (link->impairment == 0) return hash;
  const struct impairment *by = &sim->fabric.impairments.at[link->impairment - 1];
  hash = add(add(hash, (uint64_t)by->delay_ps), (uint64_t)by->jitter_ps);
  hash = add_real(add_real(hash, by->enter), by->leave);
  return add_real(add_real(hash, by->loss_good), by->loss_bad);
}

/* How a port queues and marks. */
static uint64_t port_queueing(const weft_sim *sim, uint32_t port) {
  const struct port *p = &sim->packet.ports.at[port];
  const struct port_cold *cold = &sim->packet.port_cold.at[port];
  uint64_t hash = add(add(OF_PORT, sim->fabric.ports.at[port].rate_bps),
                      p->flags & (PORT_TO_HOST | PORT_OF_SWITCH));
  if (!(p->flags & PORT_OF_SWITCH)) return hash;
  hash = add(add(hash, p->kmin), sim->packet.buffers.at[p->from_node].shared_cap);
  if (p->kmin == UINT32_MAX) return hash;
  const struct ecn *ecn = &sim->packet.ecn.at[cold->ecn];
  return add_real(add(hash, ecn->kmax), ecn->pmax);
}

static uint64_t port_colour(const weft_sim *sim, struct port_use *uses, uint32_t port) {
  struct port_use *use = &uses[port];
  const uint64_t delay = (uint64_t)sim->packet.ports.at[port].delay_ps;
  if (use->colour == 0)
    use->colour = add(add(port_queueing(sim, port), delay), port_trouble(sim, port));
  return use->colour;
}

/* Sixteen classes to an octave. */
static uint64_t class_of(uint64_t x) {
  if (x < 16) return x;
  const uint32_t log2 = 63u - (uint32_t)__builtin_clzll(x);
  return 16 * (log2 - 4) + (x >> (log2 - 4));
}

/* The ports that a flow has for itself: the slowest of its data path, and all troubles. */
static uint64_t own_ports(const weft_sim *sim, const struct port_use *uses, uint32_t slot,
                          int acks) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->packet.tx.at[slot].hops;
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  uint64_t slowest = UINT64_MAX, queueing = 0, trouble = 0;
  for (uint32_t h = 0; h < n; ++h) {
    const struct port_use *use = &uses[path[h]];
    if ((h < hops || acks != WEFT_ACKS_NONE) && port_use_count(use, acks) > 1) continue;
    trouble += hash_mix(port_trouble(sim, path[h])) * (h < hops ? 1 : 3);
    const uint64_t rate = sim->fabric.ports.at[path[h]].rate_bps;
    if (h >= hops || rate > slowest) continue;
    const uint64_t here = port_queueing(sim, path[h]);
    if (rate < slowest || here < queueing) queueing = here;
    slowest = rate;
  }
  return add(queueing, trouble);
}

/* In quarters of what the port sends in an empty round trip: what flows that begin anew have there
 * by then is in the first of them. */
static uint64_t queue_class(const weft_sim *sim, uint32_t port) {
  const double round_bytes =
      (double)sim->fabric.ports.at[port].rate_bps * (double)base_rtt(sim) / 8e12;
  return (uint64_t)(4 * sim->packet.ports.at[port].queue_bytes / round_bytes + 0.5);
}

/* Of a pattern that is kept: all hops as they are, with what is queued there, and how far the flow
 * is. Flows in their first round trips that have not been held back are all where their algorithm
 * starts: what makes them differ is less than what they send meanwhile, and would be told apart in
 * every one of the rate classes that they go through. */

enum { FRESH_RTTS = 8 };

int weft__is_fresh(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const double round_bytes = (double)warm->line_bps * (double)warm->base_rtt_ps / 8e12;
  const double received = (double)sim->packet.rx.at[slot].next * sim->config.mtu_bytes;
  return received < FRESH_RTTS * round_bytes &&
         sim->packet.tx.at[slot].rate_bps >= warm->line_bps / 2;
}

static uint64_t kept_colour(const weft_sim *sim, struct port_use *uses, uint32_t slot,
                            const struct colouring *colouring) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const int of_state = colouring->by_state;
  uint64_t hash = add(add(OF_FLOW, colouring->namespace), warm->line_bps);
  hash = add(add(hash, (uint64_t)warm->base_rtt_ps), warm->base_window);
  hash = add(add(hash, tx->hops), n);
  for (uint32_t h = 0; h < n; ++h) {
    hash = add(hash, port_colour(sim, uses, path[h]));
    if (!of_state) hash = add(hash, queue_class(sim, path[h]));
    hash = add(hash, port_use_count(&uses[path[h]], WEFT_ACKS_ALL) > 1);
  }
  if (of_state) return add(add(hash, OF_STATE), sim->accel.members.at[slot].state);
  const double round_bytes = (double)warm->line_bps * (double)warm->base_rtt_ps / 8e12;
  if (weft__is_fresh(sim, slot)) return add(hash, 0);
  const double under_way =
      (double)(tx->next - sim->packet.rx.at[slot].next) * sim->config.mtu_bytes;
  const uint64_t halves = (uint64_t)(2 * under_way / round_bytes + 0.5); /* with what is queued */
  return add(add(hash, 1 + class_of(tx->rate_bps) / 2), halves);
}

static uint64_t flow_colour(const weft_sim *sim, struct port_use *uses, uint32_t slot,
                            const struct colouring *colouring) {
  if (colouring->kept) return kept_colour(sim, uses, slot, colouring);
  const int acks = colouring->acks;
  const uint32_t rate_steps = colouring->rate_steps;
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const weft_time rtt = weft__path_rtt(sim, path, tx->hops, path + tx->hops, (int)(n - tx->hops));
  uint64_t hash = add(add(OF_FLOW, colouring->namespace), warm->line_bps);
  hash = add(add(hash, (uint64_t)warm->base_rtt_ps), warm->base_window);
  hash = add(add(hash, class_of((uint64_t)rtt)), own_ports(sim, uses, slot, acks));
  if (sim->packet.cc->counts_hops) hash = add(hash, tx->hops);
  const double share = (double)tx->rate_bps / (double)warm->line_bps;
  return add(hash, rate_steps > 0 ? (uint64_t)(share * rate_steps + 0.5) : 0);
}

/* ---- vertices and arcs ---- */

/* A port's vertex, and the arcs that it has so far. */
struct builder {
  struct conflict_vertex *vertices;
  struct conflict_arc *arcs;
  uint32_t n;
};

static void put_arc(struct builder *graph, uint32_t from, uint32_t to, uint32_t label) {
  struct conflict_vertex *vertex = &graph->vertices[from];
  graph->arcs[vertex->first_arc + vertex->arcs++] = (struct conflict_arc){to, label};
}

/* Switches with several shared ports become vertices; words are their node << 32 | port's vertex.
 * Pass 0 counts, pass 1 puts arcs. Returns how many switches. */
static uint32_t join_switches(const weft_sim *sim, struct builder *graph, const uint64_t *words,
                              uint32_t n, uint32_t first, int pass) {
  uint32_t switches = 0;
  for (uint32_t i = 0, end; i < n; i = end) {
    const uint32_t node = (uint32_t)(words[i] >> 32);
    for (end = i + 1; end < n && words[end] >> 32 == node; ++end) {
    }
    if (end - i < 2 || sim->fabric.nodes.at[node].kind == WEFT_HOST) continue;
    const uint32_t vertex = first + switches++;
    if (pass == 0) {
      const uint64_t colour = add(add(OF_SWITCH, sim->packet.buffers.at[node].shared_cap), end - i);
      graph->vertices[vertex] = (struct conflict_vertex){.colour = colour, .arcs = end - i};
    }
    for (uint32_t k = i; k < end; ++k) {
      const uint32_t port = (uint32_t)words[k];
      if (pass == 0) {
        ++graph->vertices[port].arcs;
      } else {
        put_arc(graph, vertex, port, 0);
        put_arc(graph, port, vertex, 0);
      }
    }
  }
  return switches;
}

/* Arcs between a flow and its shared ports, labelled with what it sends there and their order on
 * its way. Pass 0 counts, pass 1 puts them and the uses. */
static void join_flow(const weft_sim *sim, struct conflict_set *set, struct builder *graph,
                      uint32_t slot, uint32_t vertex, int acks, int pass) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, acks);
  for (uint32_t h = 0, rank = 0; h < n; ++h) {
    const struct port_use *use = &set->port_uses.at[path[h]];
    const uint32_t ack = h >= sim->packet.tx.at[slot].hops;
    if (port_use_count(use, acks) < 2) continue;
    if (pass == 0) {
      ++graph->vertices[vertex].arcs;
      ++graph->vertices[use->mark].arcs;
      continue;
    }
    const uint32_t label = 1 + 2 * rank++ + ack;
    put_arc(graph, vertex, use->mark, label);
    put_arc(graph, use->mark, vertex, label);
    set->uses.at[set->uses.n++] = (weft_partition_use){sim->packet.tx.at[slot].row, path[h], ack};
  }
}

/* First arcs from the counts, which start anew. Returns the number of arcs. */
static uint32_t place_arcs(struct builder *graph) {
  uint32_t first = 0;
  for (uint32_t v = 0; v < graph->n; ++v) {
    struct conflict_vertex *vertex = &graph->vertices[v];
    vertex->first_arc = first;
    first += vertex->arcs;
    vertex->arcs = 0;
  }
  return first;
}

static uint32_t slot_of(const weft_sim *sim, const struct conflict_set *set,
                        const struct conflict *conflict, uint32_t flow) {
  return sim->flow.rows.at[set->flows.at[conflict->first_flow + flow]].slot;
}

enum { LISTED = WEFT_NONE - 1 };

/* The ports of a conflict, shared ones first, each part in the order of numbers. */
static int list_ports(weft_sim *sim, struct conflict_set *set, struct conflict *conflict,
                      int acks) {
  const uint64_t most = 2 * (uint64_t)sim->flow.path_ports * conflict->flows;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *words = weft__arena_take(sim, &sim->arena, most * sizeof *words);
  if (words == NULL || !pool_reserve(sim, set->ports, set->ports.n + most)) return 0;
  uint32_t n = 0;
  for (uint32_t f = 0; f < conflict->flows; ++f) {
    const uint32_t slot = slot_of(sim, set, conflict, f);
    const uint32_t *path = slot_path(sim, slot), n_ports = weft__flow_ports(sim, slot, acks);
    for (uint32_t h = 0; h < n_ports; ++h) {
      struct port_use *use = &set->port_uses.at[path[h]];
      const uint32_t count = port_use_count(use, acks);
      if (count == 0 || use->mark == LISTED) continue;
      use->mark = LISTED;
      conflict->shared += count > 1;
      words[n++] = (uint64_t)(count < 2) << 32 | path[h];
    }
  }
  weft__sort_words(words, n);
  conflict->first_port = set->ports.n;
  conflict->ports = n;
  for (uint32_t i = 0; i < n; ++i) set->ports.at[set->ports.n++] = (uint32_t)words[i];
  weft__arena_reset(sim, &sim->arena, mark);
  return 1;
}

/* Vertices of a conflict; `words` is room for its shared ports, which are left there as node << 32
 * | vertex. */
static void put_vertices(const weft_sim *sim, struct conflict_set *set, const struct conflict *p,
                         const struct colouring *colouring, struct builder *graph,
                         uint64_t *words) {
  struct port_use *uses = set->port_uses.at;
  const uint32_t flows = p->flows, shared = p->shared;
  for (uint32_t f = 0; f < flows; ++f) {
    const uint64_t colour = flow_colour(sim, uses, slot_of(sim, set, p, f), colouring);
    graph->vertices[f] = (struct conflict_vertex){.colour = colour};
  }
  for (uint32_t i = 0; i < shared; ++i) {
    const uint32_t port = set->ports.at[p->first_port + i], vertex = flows + i;
    uses[port].mark = vertex;
    graph->vertices[vertex] = (struct conflict_vertex){.colour = port_colour(sim, uses, port)};
    words[i] = (uint64_t)sim->packet.ports.at[port].from_node << 32 | vertex;
  }
  weft__sort_words(words, shared);
  const uint32_t first = flows + shared;
  graph->n = first + join_switches(sim, graph, words, shared, first, 0);
}

static int build(weft_sim *sim, struct conflict_set *set, struct conflict *p,
                 const struct colouring *colouring, uint64_t *words) {
  const int acks = colouring->acks;
  const uint32_t flows = p->flows, shared = p->shared;
  const uint64_t most = flows + 2 * (uint64_t)shared; /* no more switches than shared ports */
  if (words == NULL || !pool_reserve(sim, set->vertices, set->vertices.n + most)) return 0;
  p->exact = (uint32_t)colouring->by_state;
  p->first_vertex = set->vertices.n;
  struct builder graph = {.vertices = &set->vertices.at[p->first_vertex]};
  put_vertices(sim, set, p, colouring, &graph, words);
  for (uint32_t f = 0; f < flows; ++f)
    join_flow(sim, set, &graph, slot_of(sim, set, p, f), f, acks, 0);
  p->arcs = place_arcs(&graph);
  p->first_arc = set->arcs.n;
  p->first_use = set->uses.n;
  if (!pool_reserve(sim, set->arcs, (uint64_t)p->first_arc + p->arcs) ||
      !pool_reserve(sim, set->uses, (uint64_t)p->first_use + p->arcs / 2))
    return 0;
  graph.arcs = &set->arcs.at[p->first_arc];
  for (uint32_t f = 0; f < flows; ++f)
    join_flow(sim, set, &graph, slot_of(sim, set, p, f), f, acks, 1);
  join_switches(sim, &graph, words, shared, flows + shared, 1);
  p->uses = set->uses.n - p->first_use;
  p->vertices = graph.n;
  set->vertices.n += graph.n;
  set->arcs.n += p->arcs;
  return weft__graph_refine(sim, graph.vertices, graph.n, graph.arcs, &p->key);
}

int weft__graph_build(weft_sim *sim, struct conflict_set *set, uint32_t index,
                      const struct colouring *colouring) {
  struct conflict *p = &set->conflicts.at[index];
  const size_t mark = weft__arena_mark(&sim->arena);
  if (!list_ports(sim, set, p, colouring->acks)) return 0;
  uint64_t *words = weft__arena_take(sim, &sim->arena, p->shared * sizeof *words);
  const int built = build(sim, set, p, colouring, words);
  weft__arena_reset(sim, &sim->arena, mark);
  return built;
}
