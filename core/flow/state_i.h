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
  uint64_t rate_bps; /* on the wire, as columns have last seen it */
  uint32_t src, dst, tag, task;
  uint32_t slot, state;
  uint32_t retransmits, ecn_marks;
  uint16_t sport, dport;
  uint32_t part; /* of a collective: which of its messages; see work/collective_i.h */
};

/* What work wants of a flow. */
enum flow_wants {
  FLOW_TELLS_END = 1, /* that it is complete, or has failed */
  FLOW_TELLS_SENT = 2, /* that its last packet has been sent, which may be more than once */
  FLOW_FORGETS = 4 /* its row is used again when it is over */
};

/* What has become of a flow that tells. Its row may be another flow's by the time it is heard, so
 * it is named by what sent it. */
enum news_kind { NEWS_FAILED = 0, NEWS_DONE = 1, NEWS_SENT = 2 };

struct news {
  uint32_t task, part, kind;
};

/* A flow that is under way has a slot: small numbers, used again, so that what an engine keeps of
 * flows under way can be arrays. */
struct slot {
  uint32_t row;
  uint8_t hops, ack_hops; /* of its path */
  uint16_t active; /* 0: the flow is over, and the engine has not given the slot back yet */
};

/* What a flow was given beyond its ends and size; few have any. In the order of their rows. */
struct flow_terms {
  double weight;
  uint64_t rate_bps; /* it is never faster; 0: no limit */
  uint32_t row;
  uint32_t first_port, ports; /* of its way, in given_ports; 0: routing finds it */
  uint32_t unused;
};

/* What the watchdog last saw of a slot's flow. */
struct sighting {
  weft_time since; /* when it first saw this much */
  uint64_t progress; /* as the engine says */
  uint32_t row, unused;
};

#define FLOW_POOLS(X)                 \
  X(flow, rows, struct flow)          \
  X(flow, wants, uint8_t)             \
  X(flow, messages, uint32_t)         \
  X(flow, starts, uint32_t)           \
  X(flow, slots, struct slot)         \
  X(flow, news, struct news)          \
  X(flow, paths, uint32_t)            \
  X(flow, free_slots, uint32_t)       \
  X(flow, forgotten_rows, uint32_t)   \
  X(flow, generations, uint32_t)      \
  X(flow, sightings, struct sighting) \
  X(flow, terms, struct flow_terms)   \
  X(flow, given_ports, uint32_t)

/* messages: by row, see row_messages(); shorter than rows, 1 where it ends.
 * generations: by row, how many flows had it before; shorter than rows, 0 where it ends. */
struct flow_room {
  FLOW_POOLS(WEFT_POOL_MEMBER)
  uint32_t path_ports; /* ports per direction that a slot has room for */
  uint32_t next_start; /* in starts */
  uint32_t sorted_starts; /* starts behind this are not sorted yet */
  uint32_t active; /* flows */
  uint32_t is_one_way; /* no ways of ACKs are kept while nothing has failed */
};

#endif
