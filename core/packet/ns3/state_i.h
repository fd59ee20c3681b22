/* What a port of the ns-3 model keeps. */
#ifndef WEFT_NS3_STATE_H
#define WEFT_NS3_STATE_H

#include "base/alloc.h"

struct ns3_queue {
  uint32_t ring, log2, head, tail;
};

/* What a port of the ns-3 model keeps besides its wire. Class 0 is served first: ACKs of a host,
 * PFC frames and (ack_priority all) ACKs of a switch; class 1 is the lossless data class. */
struct ns3_port {
  struct ns3_queue queue[2];
  uint32_t bytes[2];
  weft_time wake; /* of the valid EV_NIC, or -1 */
  uint32_t wake_order;
  uint32_t busy, paused;
  uint32_t served, flows; /* hosts: round robin position; flows in the list */
  /* Switches: ingress accounting of what came in through this device, in 32-bit arithmetic. */
  uint32_t in_bytes, in_headroom, headroom, shift, pausing;
};

#define NS3_POOLS(X) X(ns3, ports, struct ns3_port)

struct ns3_room {
  NS3_POOLS(WEFT_POOL_MEMBER)
  uint64_t random[6], step[2][3][3]; /* see random.c */
};

#endif
