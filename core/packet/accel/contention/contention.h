/* Accelerators: which flows contend, and which groups of flows contend in the same way. */
#ifndef WEFT_CONTENTION_H
#define WEFT_CONTENTION_H

#include "sim_i.h"

/** A conflict graph, wherever it is kept. */
struct conflict_graph {
  const struct conflict_vertex *vertices;
  const struct conflict_arc *arcs;
  uint32_t n, arc_count;
};

static inline struct conflict_graph conflict_graph_of(const weft_sim *sim, uint32_t index) {
  const struct conflict *p = &sim->accel.conflicts.at[index];
  return (struct conflict_graph){&sim->accel.conflict_vertices.at[p->first_vertex],
                                 &sim->accel.conflict_arcs.at[p->first_arc], p->vertices, p->arcs};
}

/** How many flows meet at a port, by what counts as meeting (enum weft_partition_acks). */
static inline uint32_t port_use_count(const struct port_use *use, int acks) {
  if (acks == WEFT_ACKS_NONE) return use->data;
  if (acks == WEFT_ACKS_DATA && use->data == 0) return 0;
  return use->data + use->acks;
}

/** What tells flows apart in a conflict graph. */
struct colouring {
  int acks; /* enum weft_partition_acks */
  uint32_t rate_steps;
  uint64_t namespace; /* what all flows have in common; 0: to be worked out */
  int kept; /* every hop counts, and how far a flow is: for what is kept and used again */
  int without_graph; /* only who is with whom */
  int noted; /* by the states of flows that have been noted: 1 where an end is near, 2 everywhere */
};

/* partition.c */

/** Divide the active flows listed in accel_words, n times row << 32 | slot in the order of rows,
 *  into sim->accel.conflicts. 0 when out of memory. */
int weft__conflicts_among(weft_sim *sim, uint32_t n, const struct colouring *colouring);

/** How many ports an active flow takes: its data (the first tx.hops of its path) and, if they
 *  count, its ACKs. */
uint32_t weft__flow_ports(const weft_sim *sim, uint32_t slot, int acks);

/* graph.c */

/** Build the conflict graph of a partition whose flows and ports are listed, and its key. 0 when
 *  out of memory. */
int weft__graph_build(weft_sim *sim, uint32_t index, const struct colouring *colouring);

/** What all flows have in common: congestion control and its parameters, packets, buffers. */
uint64_t weft__graph_namespace(const weft_sim *sim, const struct colouring *colouring);

/** Whether a flow is in its first round trips and has not been held back. */
int weft__is_fresh(const weft_sim *sim, uint32_t slot);

/* pattern.c */

/** Sort in place, ascending. */
void weft__sort_words(uint64_t *at, uint32_t n);

/** Refine the colours of a graph, at first those of what its vertices stand for, until no round
 *  tells more vertices apart; sort its arcs; make its key. 0 when out of memory. */
int weft__graph_refine(weft_sim *sim, struct conflict_vertex *vertices, uint32_t n,
                       struct conflict_arc *arcs, uint64_t *key);

/** Number the patterns of all partitions. 0 when out of memory. */
int weft__patterns_number(weft_sim *sim);

/* match.c */

/** Look for an isomorphism of refined graphs: 1 if there is one, 0 if not, WEFT_ELIMIT if the
 *  search was given up, WEFT_ENOMEM. The map is at accel_indices, vertex by vertex of `a`. */
int weft__graph_match(weft_sim *sim, const struct conflict_graph *a,
                      const struct conflict_graph *b);

#endif
