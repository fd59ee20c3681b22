/* The learned engine: what it keeps beside the fluid's rates, of which features are made. */
#ifndef WEFT_LEARNED_STATE_H
#define WEFT_LEARNED_STATE_H

#include "base/alloc.h"

enum { LEARNED_SPANS = 2 }; /* times over which arrivals are forgotten */

/* Integrals over time of what a port has, and counts; a flow takes the difference over its life. */
struct learned_sums {
  double flows, used, bound, wait; /* x ps */
  double arrivals, bits;
};

/* A port. `rates`, `flows` and `bound` are those of the fluid; the rest are estimates of queues
 * from bursts: of each flow its first window comes at once, at the rate of its NIC. */
struct learned_port {
  weft_time since; /* all is as of then */
  weft_time free_at; /* when all bursts so far have been sent, at the port's rate */
  weft_time free_late; /* ... at what flows of more than a window leave of it */
  double rates, long_rates; /* bit/ps; of flows longer than their window */
  double flows, bound; /* on it; of those, whose rate it bounds */
  double windows; /* bits that its flows may have under way */
  double recent[LEARNED_SPANS]; /* bits of bursts, forgotten with time */
  double kmin, kmax, pmax; /* of ECN, bytes */
  struct learned_sums sums;
};

/* What a flow found at a port of its way when it came. */
struct learned_hop {
  double flows, used, bound, windows, recent[LEARNED_SPANS], wait, wait_late;
  struct learned_sums sums;
};

struct learned_flow {
  double window, burst; /* bits on the wire: its window; what of it comes at once */
  double wait, wait_late; /* in queues of bursts, ps */
  double alone; /* its completion time if only bursts that came before it were there, ps */
  double alone_late;
  weft_time rtt; /* empty, of its way */
  uint32_t row; /* whose these are */
  uint32_t is_long; /* has more than its window */
};

/* Of a class of the fluid. */
struct learned_class {
  double rate; /* of each flow, as ports have it */
  uint32_t at; /* the port that bounds it */
  uint32_t flows, longs;
  uint32_t unused;
};

/* hops: `width` of each slot. examples: rows of floats of `example_width`. */
#define LEARNED_POOLS(X)                   \
  X(learned, ports, struct learned_port)   \
  X(learned, flows, struct learned_flow)   \
  X(learned, hops, struct learned_hop)     \
  X(learned, classes, struct learned_class)\
  X(learned, examples, float)

struct learned_room {
  LEARNED_POOLS(WEFT_POOL_MEMBER)
  weft_time rtt; /* of the configuration, or the longest of the fabric: the unit of times */
  uint32_t width;
  uint32_t unused;
};

#endif
