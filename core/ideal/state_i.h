/* The ideal engine: what is left of each flow, and what has gone through each port. */
#ifndef WEFT_IDEAL_STATE_H
#define WEFT_IDEAL_STATE_H

#include "base/alloc.h"

/* What a flow has moved of its bytes is 1 - left / whole of them. */
struct ideal_flow {
  weft_time whole; /* completion time alone on its way, as that is now */
  weft_time left; /* of it, at `since` */
  weft_time since; /* when it went on, or began to wait */
  uint64_t counted; /* payload that the ports of its way have been given */
  uint32_t runs; /* 0: a link of its way is down, and it waits */
  uint16_t has_way; /* 0: routing has found none, and it keeps an old one */
  uint16_t sent; /* nobody waits any more to be told that its last packet would have gone */
};

#define IDEAL_POOLS(X)               \
  X(ideal, flows, struct ideal_flow) \
  X(ideal, port_bytes, uint64_t)

struct ideal_room {
  IDEAL_POOLS(WEFT_POOL_MEMBER)
  weft_time settled_at; /* all flows have been counted up to then */
  uint64_t sent; /* bytes on the wire, of all flows once */
  uint32_t stale; /* events in the queue that will find nothing to do */
};

#endif
