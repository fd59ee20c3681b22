/* Rows of results that are not state of anything else. */
#ifndef WEFT_RESULTS_STATE_H
#define WEFT_RESULTS_STATE_H

#include "weft_types.h"

struct watch {
  uint32_t metric, object;
  uint64_t last; /* counter at the last sample */
  uint32_t first_bin; /* in bins */
  uint32_t unused;
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

/* A row of the table of skipped spans. */
struct span_row {
  weft_time begin_ps, end_ps;
  uint64_t packets; /* data packets skipped, of all its flows */
  uint32_t phase; /* enum weft_phase */
  uint32_t partition; /* a number that no other partition of the run has */
  uint32_t flows; /* how many */
  uint32_t flow; /* row of one of them */
};

#endif
