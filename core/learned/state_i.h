/* The learned engine: what it keeps beside the fluid's state, of which features are made, and the
 * model. */
#ifndef WEFT_LEARNED_STATE_H
#define WEFT_LEARNED_STATE_H

#include "base/alloc.h"

/* A port of a flow's way when the flow came: amounts, and sums whose growth over its life
 * counts. */
struct learned_hop {
  double queue; /* bytes; at a NIC what is still to be sent of it */
  double users;
  double served, queue_ps, users_ps, marks, paused_ps, came, came_bytes;
};

/* Flows that have ever come to a port, and their first windows. */
struct learned_port {
  double came, came_bytes;
};

/* `hops` has `width` of each slot. `seen`: of each feature, those of flows first, the value
 * furthest outside of what the model was trained on. `examples`: rows of floats (learned.c). */
#define LEARNED_POOLS(X)                 \
  X(learned, ports, struct learned_port) \
  X(learned, hops, struct learned_hop)   \
  X(learned, seen, float)                \
  X(learned, scratch, float)             \
  X(learned, examples, float)

struct learned_room {
  LEARNED_POOLS(WEFT_POOL_MEMBER)
  weft_model *model; /* held; NULL: there is none */
  uint32_t width;
  uint32_t records; /* examples are kept */
  uint32_t is_looked_for; /* a model among what the simulation holds */
  uint32_t unused;
};

#endif
