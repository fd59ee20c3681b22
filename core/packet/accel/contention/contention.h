/* Which flows contend, and which groups of flows contend in the same way.
 *
 * Active flows that meet at directed ports, or that others connect, are a conflict (contention.c):
 * a group that goes its way independently of all others (Wormhole, Long et al., NSDI 2026, calls it
 * a partition). Its conflict graph (graph.c) says who meets whom at which kind of port; two groups
 * whose graphs are isomorphic contend in the same way. A graph's key does not depend on how flows
 * and ports are numbered (pattern.c); equal keys are then matched, vertex by vertex (match.c).
 *
 * All is worked out into a set of pools that the caller names: sim->accel.asked is what users see
 * of it, sim->accel.divided what the accelerator works with. */
#ifndef WEFT_CONTENTION_H
#define WEFT_CONTENTION_H

#include "packet/accel/contention/graph.h"

/** What tells flows apart in a conflict graph. */
struct colouring {
  int acks; /* enum weft_partition_acks */
  uint32_t rate_steps;
  uint64_t namespace; /* what all flows have in common: weft__graph_namespace() */
  int kept; /* every hop counts, and how far a flow is: for what is kept and used again */
  int by_state; /* by the states of flows, which have been noted */
};

/* contention.c; what users ask of it is asked.c */

/** Divide n active flows, row << 32 | slot in the order of rows, into conflicts: those of `set`, in
 *  the order of their first flows. Their graphs are not made. 0 when out of memory. */
int weft__conflicts_find(weft_sim *sim, struct conflict_set *set, const uint64_t *flows, uint32_t n,
                         int acks);

/** Let a set be empty. */
void weft__conflicts_forget(struct conflict_set *set);

/** How many ports an active flow takes: its data (the first tx.hops of its path) and, if they
 *  count, its ACKs. */
uint32_t weft__flow_ports(const weft_sim *sim, uint32_t slot, int acks);

/* graph.c */

/** Build the conflict graph of a conflict that was found last, and its key. One after another. 0
 *  when out of memory. */
int weft__graph_build(weft_sim *sim, struct conflict_set *set, uint32_t index,
                      const struct colouring *colouring);

/** What all flows have in common: congestion control and its parameters, packets, buffers. */
uint64_t weft__graph_namespace(const weft_sim *sim, const struct colouring *colouring);

/** Whether a flow is in its first round trips and has not been held back. */
int weft__is_fresh(const weft_sim *sim, uint32_t slot);

/* pattern.c */

/** Refine the colours of a graph, at first those of what its vertices stand for, until no round
 *  tells more vertices apart; sort its arcs; make its key. 0 when out of memory. */
int weft__graph_refine(weft_sim *sim, struct conflict_vertex *vertices, uint32_t n,
                       struct conflict_arc *arcs, uint64_t *key);

/** Number the patterns of all conflicts. 0 when out of memory. */
int weft__patterns_number(weft_sim *sim, struct conflict_set *set);

/* match.c */

/** Look for an isomorphism of refined graphs: 1 if there is one, 0 if not, WEFT_ELIMIT if the
 *  search was given up, WEFT_ENOMEM. `map`, of a->n, says vertex by vertex of `a` which of `b`. */
int weft__graph_match(weft_sim *sim, const struct conflict_graph *a, const struct conflict_graph *b,
                      uint32_t *map);

#endif
