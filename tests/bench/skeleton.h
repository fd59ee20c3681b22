/* A bare event loop, as a yardstick for the engine. */
#ifndef WEFT_BENCH_SKELETON_H
#define WEFT_BENCH_SKELETON_H

#include "weft.h"

/** ns per packet-hop of `count` flows (at most 1024) on the fabric of `sim`: 100 Gbit/s, 1 us. */
double skeleton_hop_ns(weft_sim *sim, const weft_flow_def *flows, uint32_t count);

#endif
