/* Rows of results that are not state of anything else. */
#ifndef WEFT_RESULTS_STATE_H
#define WEFT_RESULTS_STATE_H

#include "base/alloc.h"
#include "tables_i.h"

struct watch {
  uint32_t metric, object;
  uint64_t last; /* counter at the last sample */
  uint32_t first_bin; /* in bins */
  uint32_t generation; /* of the flow's row */
};

#define RESULTS_POOLS(X)            \
  X(results, watches, struct watch) \
  X(results, bins, uint64_t)        \
  X(results, port_rows, struct port_row)

struct results_room {
  RESULTS_POOLS(WEFT_POOL_MEMBER)
  weft_time sample_period; /* 0: not sampling */
  weft_time sample_start;
  uint32_t sample_capacity, sample_bins;
  int sample_armed;
};

#endif
