/* The congestion controls that there are. */
#ifndef WEFT_CC_ALGORITHMS_H
#define WEFT_CC_ALGORITHMS_H

#include "packet/cc/cc.h"

extern const struct cc_ops weft__cc_window, weft__cc_dctcp, weft__cc_hpcc[2], weft__cc_dcqcn,
    weft__cc_timely, weft__cc_swift, weft__cc_script[WEFT_SCRIPT_NEEDS_COUNT];

/** Use the one that the configuration says, and the script. */
void weft__cc_choose(weft_sim *sim);

/** A hash of what all of them say of their state. */
uint64_t weft__cc_fields_hash(uint64_t hash);

#endif
