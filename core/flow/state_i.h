/* Flows: their rows, the list of those that are to start, slots and paths. */
#ifndef WEFT_FLOW_STATE_H
#define WEFT_FLOW_STATE_H

#include "base/alloc.h"

enum flow_state { FLOW_WAITING = 0, FLOW_ACTIVE = 1, FLOW_DONE = 2, FLOW_FAILED = 3 };

/* A row of the flow table: what remains of a flow when it is over. */
struct flow {
  uint64_t size_bytes;
  weft_time start_ps;
  weft_time received_ps; /* last byte at the destination, or -1 */
  weft_time acked_ps; /* last ACK at the source, or -1 */
  weft_time fct_ps; /* from start to whichever of them config.completion says, or -1 */
  weft_time ideal_ps;
  uint64_t delivered_bytes; /* payload in order so far */
  uint32_t src, dst, tag, task;
  uint32_t slot, state;
  uint32_t retransmits, ecn_marks;
  uint16_t sport, dport;
  uint32_t part; /* of a collective: which of its messages; see work/collective_i.h */
};

/* What the watchdog last saw of a slot's flow. */
struct sighting {
  weft_time since; /* when it first saw this much */
  uint32_t row, next; /* of rx */
};

#define FLOW_POOLS(X)               \
  X(flow, rows, struct flow)        \
  X(flow, starts, uint32_t)         \
  X(flow, paths, uint32_t)          \
  X(flow, free_slots, uint32_t)     \
  X(flow, forgotten_rows, uint32_t) \
  X(flow, generations, uint32_t)    \
  X(flow, sightings, struct sighting)

/* generations: by row, how many flows had it before; shorter than rows, 0 where it ends. */
struct flow_room {
  FLOW_POOLS(WEFT_POOL_MEMBER)
  uint32_t path_ports; /* ports per direction that a slot has room for */
  uint32_t next_start; /* in starts */
  uint32_t sorted_starts; /* starts behind this are not sorted yet */
  uint32_t active; /* flows */
};

#endif
