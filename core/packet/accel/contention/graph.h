/* Conflict graphs and the ports that they are made of, to read. */
#ifndef WEFT_CONFLICT_GRAPH_H
#define WEFT_CONFLICT_GRAPH_H

#include "sim_i.h"

/** A conflict graph, wherever it is kept. */
struct conflict_graph {
  const struct conflict_vertex *vertices;
  const struct conflict_arc *arcs;
  uint32_t n, arc_count;
};

static inline struct conflict_graph conflict_graph_of(const struct conflict_set *set,
                                                      uint32_t index) {
  const struct conflict *p = &set->conflicts.at[index];
  return (struct conflict_graph){&set->vertices.at[p->first_vertex], &set->arcs.at[p->first_arc],
                                 p->vertices, p->arcs};
}

/** How many flows meet at a port, by what counts as meeting (enum weft_partition_acks). */
static inline uint32_t port_use_count(const struct port_use *use, int acks) {
  if (acks == WEFT_ACKS_NONE) return use->data;
  if (acks == WEFT_ACKS_DATA && use->data == 0) return 0;
  return use->data + use->acks;
}

#endif
