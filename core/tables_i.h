/* Rows of tables that an engine fills and results show. */
#ifndef WEFT_TABLES_I_H
#define WEFT_TABLES_I_H

#include "weft_types.h"

/* A row of the table of ports; see results/columns.c. What an engine doesn't have stays 0 and is no
 * column (weft_engine_can). */
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
