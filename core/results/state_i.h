/* Rows of results that are not state of anything else. */
#ifndef WEFT_RESULTS_STATE_H
#define WEFT_RESULTS_STATE_H

#include "base/alloc.h"

struct watch {
  uint32_t metric, object;
  uint64_t last; /* counter at the last sample */
  uint32_t first_bin; /* in bins */
  uint32_t generation; /* of the flow's row */
};

/* A row of the port table, filled when the table is asked for. */
struct port_row {
  uint64_t rate_bps, tx_bytes, tx_packets, ecn_marks, pauses, drops, max_queue_bytes, queue_bytes;
  weft_time delay_ps, paused_ps;
  uint32_t from, to, link, up, link_class, cost;
};

/* A row of the table of ACKs. */
struct ack_row {
  weft_time time_ps;
  uint64_t ack_bytes, acked_bytes, sent_bytes, rate_bps, window_bytes;
  uint32_t flow, ecn;
};

#define RESULTS_POOLS(X)                 \
  X(results, watches, struct watch)      \
  X(results, bins, uint64_t)             \
  X(results, port_rows, struct port_row) \
  X(results, ack_rows, struct ack_row)

struct results_room {
  RESULTS_POOLS(WEFT_POOL_MEMBER)
  weft_time sample_period; /* 0: not sampling */
  weft_time sample_start;
  uint32_t sample_capacity, sample_bins;
  uint32_t ack_capacity; /* rows of the table of ACKs at most */
  int sample_armed;
};

#endif
