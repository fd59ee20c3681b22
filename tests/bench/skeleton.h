/* A bare event loop, as a yardstick for the engine. */
#ifndef WEFT_BENCH_SKELETON_H
#define WEFT_BENCH_SKELETON_H

#include "bench.h"

/** How the skeleton finds the next link: a 4-ary heap, or a naive wheel of sorted buckets. */
enum skeleton_queue { SKELETON_HEAP, SKELETON_WHEEL };

/** ns of CPU time per packet-hop of the flows, all started at once, on the fabric of `sim`, whose
 *  links are all of 100 Gbit/s and 1 us. */
double skeleton_hop_ns(weft_sim *sim, const struct flow_list *list, enum skeleton_queue queue);

#endif
