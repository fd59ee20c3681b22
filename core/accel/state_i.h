/* Partitions as they were found last, and what finding them needs. */
#ifndef WEFT_ACCEL_STATE_H
#define WEFT_ACCEL_STATE_H

#include "weft_types.h"

/* A port on the path of an active flow, while partitions are looked for. */
struct port_use {
  uint32_t parent; /* union-find */
  uint32_t data, acks; /* flows that send them through it */
  uint32_t mark; /* of a root: its partition; later of a shared port: its vertex; or WEFT_NONE */
};

/* Flows that contend, directly or by others, and their conflict graph: vertices are the flows,
 * then the ports where they meet, then switches with several of those. */
struct partition {
  uint64_t key;
  uint32_t first_flow, flows; /* in partition_flows, rows */
  uint32_t first_port, ports, shared; /* in partition_ports, the shared ones first */
  uint32_t first_use, uses; /* in partition_uses */
  uint32_t first_vertex, vertices; /* in conflict_vertices */
  uint32_t first_arc, arcs; /* in conflict_arcs */
  uint32_t pattern;
  uint32_t next; /* of those that stand for a pattern and have a similar key, + 1 */
};

/* Its arcs are arcs[first_arc ...] of its graph, sorted by label, then by the colour and the number
 * of the far end; numbers count within the graph, so that a graph can be copied. */
struct conflict_vertex {
  uint64_t colour; /* a hash that is the same wherever the surroundings are */
  uint32_t first_arc, arcs;
};

struct conflict_arc {
  uint32_t to, label;
};

#endif
