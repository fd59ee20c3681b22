/* The fluid engine: flows as rates, which links share max-min fairly. */
#ifndef WEFT_FLUID_STATE_H
#define WEFT_FLUID_STATE_H

#include "base/alloc.h"

/* A moment between two ps: ends of flows have effect at their true time, so that what rounding
 * them would take from each does not add up. */
struct fluid_time {
  weft_time ps;
  double part; /* 0 to below 1 */
};

enum fluid_state {
  FLUID_RUNS = 0, /* it has a rate */
  FLUID_WAITS = 1, /* a link of its way is down */
  FLUID_ARRIVES = 2 /* all has been sent, and the last of it is on its way */
};

/* What a slot's flow has left. */
struct fluid_flow {
  double end; /* service of its class at which all has been sent; FLUID_WAITS: bits left */
  double bits; /* on the wire, of all its packets */
  double latency; /* of the last bit, ps: alone it would take its ideal time */
  uint64_t counted; /* payload that the ports of its way have been given */
  uint64_t least; /* payload that it had at its last change of class: no less, whatever rounding */
  weft_time since; /* FLUID_WAITS: when it began to; FLUID_ARRIVES: when it will be done */
  uint32_t class;
  uint32_t state; /* enum fluid_state */
};

/* Lists that grow are blocks of 1 << room units of the pool `units`, which are used again. */
struct fluid_unit {
  uint64_t words[2];
};

/* Units of the flows of a class, a heap by `end`; and of all classes, one by the end of the first
 * flow of each. Keys lie beside each other, so that a step down is a cache line or two. */
struct fluid_end {
  double end;
  uint32_t slot, unused;
};

struct fluid_due {
  struct fluid_time end; /* if nothing changes */
  uint32_t class, unused;
};

/* Flows of one way, weight and cap have one rate: a class. A flow that comes when each has been
 * served v bits ends when that is v + its bits, whatever rates do until then. */
struct fluid_class {
  double service; /* of each flow at `since`, bits */
  double rate; /* of each flow, bit/ps */
  double weight;
  double cap; /* its level is never above; INFINITY: no cap */
  struct fluid_time since;
  uint32_t flows, first; /* how many; slot of the one that ends first */
  uint32_t queue; /* block of struct fluid_end, of each; WEFT_NONE: it never had two */
  uint32_t place; /* in ends, or WEFT_NONE: it has no rate yet */
  uint32_t next; /* in its chain of the table, or of those that are free */
  uint32_t hash;
  uint8_t room; /* of queue */
};

/* What filling reads of a class. A class's rate is weight x level. */
struct fluid_share {
  double level; /* bit/ps; of FLUID_OPEN meaningless */
  double load; /* weights of all flows together */
  uint32_t at; /* the port that bounds it, FLUID_AT_CAP or FLUID_OPEN */
  uint32_t touched; /* the last filling that has changed it */
  uint8_t hops, ack_hops; /* of members */
  uint8_t has_cap;
};

enum { FLUID_OPEN = UINT32_MAX, FLUID_AT_CAP = UINT32_MAX - 1 };

/* A port of a class's way, and where in the port's list the class is. */
struct fluid_member {
  uint32_t port, place;
};

/* A cache line. */
struct fluid_port {
  double level; /* at which it is full, bit/ps per weight; INFINITY: it bounds no class */
  double rate; /* bit/ps */
  double water; /* at which it would be full, as it was found last */
  double weights, rates; /* what is asked of it: struct demand of fill.c */
  uint32_t list, count; /* block of uint32_t: class << 1 | is it the way of ACKs; how many */
  uint32_t place; /* in pending, or WEFT_NONE */
  uint32_t rising; /* classes in weights */
  uint32_t filling; /* the last that has visited it */
  uint16_t age; /* how often its sums have changed since they were made */
  uint8_t room; /* of list */
  uint8_t visits : 7, is_marked : 1; /* how often, in that filling; in marked */
};

/* A port that is to be looked at when the water has come to a level. */
struct fluid_pending {
  double level;
  uint32_t port, unused;
};

/* A class that nothing bounds yet, and has a cap. */
struct fluid_capped {
  double cap;
  uint32_t class, unused;
};

enum { FLUID_ROOMS = 28 }; /* blocks have 1 << 0 to 1 << 27 units */

/* `members` has `width` of each class; `table` is of chains through classes, 1 << table_bits;
 * `bytes` of each port are on the wire so far; `alone` are classes to be filled without others, if
 * they are alone still. */
#define FLUID_POOLS(X)                    \
  X(fluid, flows, struct fluid_flow)      \
  X(fluid, classes, struct fluid_class)   \
  X(fluid, shares, struct fluid_share)    \
  X(fluid, members, struct fluid_member)  \
  X(fluid, table, uint32_t)               \
  X(fluid, ports, struct fluid_port)      \
  X(fluid, bytes, uint64_t)               \
  X(fluid, units, struct fluid_unit)      \
  X(fluid, ends, struct fluid_due)        \
  X(fluid, pending, struct fluid_pending) \
  X(fluid, capped, struct fluid_capped)   \
  X(fluid, marked, uint32_t)              \
  X(fluid, alone, uint32_t)               \
  X(fluid, touched, uint32_t)

struct fluid_room {
  FLUID_POOLS(WEFT_POOL_MEMBER)
  uint32_t width, table_bits;
  uint32_t live; /* classes that have flows */
  uint32_t free_class; /* + 1, through next; 0: none */
  uint32_t free_block[FLUID_ROOMS]; /* of that room, + 1, through their first word */
  uint32_t filling; /* counts fillings */
  uint32_t is_asked; /* there is to be one at the end of this instant */
  uint32_t stale; /* events in the queue that will find nothing to do */
  weft_time settled_at; /* all flows have been counted up to then */
  uint64_t sent; /* bytes on the wire of all flows once, data; ACKs */
  uint64_t sent_acks;
  uint32_t has_no_latency; /* what is sent has arrived */
  double ack_load; /* of a bit of data on the way back, bits; 0: none */
};

#endif
