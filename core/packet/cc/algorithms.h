/* The congestion controls that there are: ALGORITHMS. */
#ifndef WEFT_CC_ALGORITHMS_H
#define WEFT_CC_ALGORITHMS_H

#include "algorithms_i.h"
#include "packet/cc/cc.h"

#define DECLARE_ALGORITHM(_, NAME, name, table, variants) \
  extern const struct cc_ops table[variants];
ALGORITHMS(DECLARE_ALGORITHM, )

/** Use the one that the configuration says, and the script. */
void weft__cc_choose(weft_sim *sim);

/** What recovery suits one of them, if it is not said. */
uint32_t weft__cc_recovery(uint32_t cc);

/** A hash of what all of them say of their state. */
uint64_t weft__cc_fields_hash(uint64_t hash);

#endif
