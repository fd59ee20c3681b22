/* The congestion controls that there are. */
#ifndef WEFT_CC_ALGORITHMS_H
#define WEFT_CC_ALGORITHMS_H

#include "packet/cc/cc.h"

/* X(enum weft_cc_kind, table, variants) for each; which variant is used, weft__cc_choose() says. */
#define CC_ALGORITHMS(X)                                     \
  X(WEFT_CC_WINDOW, weft__cc_window, 1)                      \
  X(WEFT_CC_DCTCP, weft__cc_dctcp, 1)                        \
  X(WEFT_CC_HPCC, weft__cc_hpcc, 2) /* by hpcc_multi_rate */ \
  X(WEFT_CC_DCQCN, weft__cc_dcqcn, 1)                        \
  X(WEFT_CC_TIMELY, weft__cc_timely, 1)                      \
  X(WEFT_CC_SWIFT, weft__cc_swift, 1)                        \
  X(WEFT_CC_SCRIPT, weft__cc_script, WEFT_SCRIPT_NEEDS_COUNT)

#define CC_EXTERN(kind, table, variants) extern const struct cc_ops table[variants];
CC_ALGORITHMS(CC_EXTERN)
#undef CC_EXTERN

/** Use the one that the configuration says, and the script. */
void weft__cc_choose(weft_sim *sim);

/** A hash of what all of them say of their state. */
uint64_t weft__cc_fields_hash(uint64_t hash);

#endif
