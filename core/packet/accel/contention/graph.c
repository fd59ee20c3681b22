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

#include "packet/accel/contention/contention.h"
#include "packet/accel/partition.h"
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

/* Does an option begin with the name of the i-th of the choices, "window|dctcp|hpcc"? */
static int is_of(const char *name, const char *choices, uint32_t i) {
  for (; i > 0; --i) choices = strchr(choices, '|') + 1;
  const size_t length = strcspn(choices, "|");
  return strncmp(name, choices, length) == 0 && name[length] == '_';
}

/* Options that decide who runs what and where, not how flows share; and those of an algorithm of
 * congestion control that is not in use. */
static int is_irrelevant(const weft_sim *sim, const weft_option *option, const char *algorithms) {
  static const char *const apart[] = {"seed",    "threads",      "ecmp", "completion",
                                      "memoize", "fast_forward", "audit"};
  for (size_t i = 0; i < sizeof apart / sizeof apart[0]; ++i)
    if (strcmp(option->name, apart[i]) == 0) return 1;
  for (uint32_t cc = WEFT_CC_DCTCP; cc < WEFT_CC_SCRIPT; ++cc)
    if (cc != sim->config.cc && is_of(option->name, algorithms, cc)) return 1;
  return 0;
}

static uint64_t name_hash(const char *name) {
  uint64_t hash = 1;
  for (; *name != '\0'; ++name) hash = add(hash, (unsigned char)*name);
  return hash;
}

uint64_t weft__graph_namespace(const weft_sim *sim, const struct colouring *colouring) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  const char *algorithms = "";
  for (uint32_t i = 0; i < count; ++i)
    if (strcmp(options[i].name, "cc") == 0) algorithms = options[i].choices;
  uint64_t hash = add(add(1, (uint64_t)colouring->acks), colouring->rate_steps);
  hash = add(add(hash, (uint64_t)colouring->kept), sim->packet.cc_header);
  for (uint32_t i = 0; i < count; ++i) {
    if (is_irrelevant(sim, &options[i], algorithms)) continue;
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

static uint64_t port_colour(const weft_sim *sim, uint32_t port) {
  struct port_use *use = &sim->accel.port_uses.at[port];
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
static uint64_t own_ports(const weft_sim *sim, uint32_t slot, int acks) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->packet.tx.at[slot].hops;
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  uint64_t slowest = UINT64_MAX, queueing = 0, trouble = 0;
  for (uint32_t h = 0; h < n; ++h) {
    const struct port_use *use = &sim->accel.port_uses.at[path[h]];
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

static uint64_t kept_colour(const weft_sim *sim, uint32_t slot, uint64_t namespace, int of_state) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  uint64_t hash = add(add(OF_FLOW, namespace), warm->line_bps);
  hash = add(add(hash, (uint64_t)warm->base_rtt_ps), warm->base_window);
  hash = add(add(hash, tx->hops), n);
  for (uint32_t h = 0; h < n; ++h) {
    hash = add(hash, port_colour(sim, path[h]));
    if (!of_state) hash = add(hash, queue_class(sim, path[h]));
    hash = add(hash, port_use_count(&sim->accel.port_uses.at[path[h]], WEFT_ACKS_ALL) > 1);
  }
  if (of_state) return add(add(hash, OF_STATE), sim->accel.members.at[slot].state);
  const double round_bytes = (double)warm->line_bps * (double)warm->base_rtt_ps / 8e12;
  if (weft__is_fresh(sim, slot)) return add(hash, 0);
  const double under_way =
      (double)(tx->next - sim->packet.rx.at[slot].next) * sim->config.mtu_bytes;
  const uint64_t halves = (uint64_t)(2 * under_way / round_bytes + 0.5); /* with what is queued */
  return add(add(hash, 1 + class_of(tx->rate_bps) / 2), halves);
}

static uint64_t flow_colour(const weft_sim *sim, uint32_t slot, const struct colouring *colouring,
                            int of_state) {
  if (colouring->kept) return kept_colour(sim, slot, colouring->namespace, of_state);
  const int acks = colouring->acks;
  const uint32_t rate_steps = colouring->rate_steps;
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const weft_time rtt = weft__path_rtt(sim, path, tx->hops, path + tx->hops, (int)(n - tx->hops));
  uint64_t hash = add(add(OF_FLOW, colouring->namespace), warm->line_bps);
  hash = add(add(hash, (uint64_t)warm->base_rtt_ps), warm->base_window);
  hash = add(add(hash, class_of((uint64_t)rtt)), own_ports(sim, slot, acks));
  if (sim->config.cc == WEFT_CC_SWIFT) hash = add(hash, tx->hops); /* its target counts them */
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
static void join_flow(weft_sim *sim, struct builder *graph, uint32_t slot, uint32_t vertex,
                      int acks, int pass) {
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, acks);
  for (uint32_t h = 0, rank = 0; h < n; ++h) {
    const struct port_use *use = &sim->accel.port_uses.at[path[h]];
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
    sim->accel.conflict_uses.at[sim->accel.conflict_uses.n++] =
        (weft_partition_use){sim->packet.tx.at[slot].row, path[h], ack};
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

static uint32_t slot_of(const weft_sim *sim, const struct conflict *conflict, uint32_t flow) {
  const uint32_t row = sim->accel.conflict_flows.at[conflict->first_flow + flow];
  return sim->flow.rows.at[row].slot;
}

static int is_near_an_end(const weft_sim *sim, const struct conflict *p) {
  for (uint32_t f = 0; f < p->flows; ++f)
    if (weft__is_near_end(sim, slot_of(sim, p, f))) return 1;
  return 0;
}

int weft__graph_build(weft_sim *sim, uint32_t index, const struct colouring *colouring) {
  const int acks = colouring->acks;
  struct conflict *p = &sim->accel.conflicts.at[index];
  const uint32_t flows = p->flows, shared = p->shared;
  const uint64_t most = flows + 2 * (uint64_t)shared; /* no more switches than shared ports */
  if (!pool_reserve(sim, sim->accel.conflict_vertices, sim->accel.conflict_vertices.n + most) ||
      !pool_reserve(sim, sim->accel.words, shared))
    return 0;
  p->exact = colouring->noted == 2 || (colouring->noted == 1 && is_near_an_end(sim, p));
  p->first_vertex = sim->accel.conflict_vertices.n;
  struct builder graph = {.vertices = &sim->accel.conflict_vertices.at[p->first_vertex]};
  const int exact = (int)p->exact;
  for (uint32_t f = 0; f < flows; ++f)
    graph.vertices[f] =
        (struct conflict_vertex){.colour = flow_colour(sim, slot_of(sim, p, f), colouring, exact)};
  uint64_t *words = sim->accel.words.at;
  for (uint32_t i = 0; i < shared; ++i) {
    const uint32_t port = sim->accel.conflict_ports.at[p->first_port + i], vertex = flows + i;
    sim->accel.port_uses.at[port].mark = vertex;
    graph.vertices[vertex] = (struct conflict_vertex){.colour = port_colour(sim, port)};
    words[i] = (uint64_t)sim->packet.ports.at[port].from_node << 32 | vertex;
  }
  weft__sort_words(words, shared);
  graph.n = flows + shared + join_switches(sim, &graph, words, shared, flows + shared, 0);
  for (uint32_t f = 0; f < flows; ++f) join_flow(sim, &graph, slot_of(sim, p, f), f, acks, 0);
  p->arcs = place_arcs(&graph);
  p->first_arc = sim->accel.conflict_arcs.n;
  p->first_use = sim->accel.conflict_uses.n;
  if (!pool_reserve(sim, sim->accel.conflict_arcs, (uint64_t)p->first_arc + p->arcs) ||
      !pool_reserve(sim, sim->accel.conflict_uses, (uint64_t)p->first_use + p->arcs / 2))
    return 0;
  graph.arcs = &sim->accel.conflict_arcs.at[p->first_arc];
  for (uint32_t f = 0; f < flows; ++f) join_flow(sim, &graph, slot_of(sim, p, f), f, acks, 1);
  join_switches(sim, &graph, words, shared, flows + shared, 1);
  p->uses = sim->accel.conflict_uses.n - p->first_use;
  p->vertices = graph.n;
  sim->accel.conflict_vertices.n += graph.n;
  sim->accel.conflict_arcs.n += p->arcs;
  return weft__graph_refine(sim, graph.vertices, graph.n, graph.arcs, &p->key);
}
