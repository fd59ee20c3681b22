/* What the laws of congestion controls share. */
#ifndef WEFT_FLUID_CC_LAW_H
#define WEFT_FLUID_CC_LAW_H

#include "fluid_cc/fluid_cc.h"

extern const struct fcc_law_ops weft__fcc_window, weft__fcc_dctcp, weft__fcc_hpcc, weft__fcc_dcqcn,
    weft__fcc_timely, weft__fcc_swift;

/** Packets that have left its NIC: those of its last parcel leave one by one. */
static inline uint32_t fcc_sent(const weft_sim *sim, const struct fcc_flow *flow) {
  const weft_time since = sim->now - flow->sent_from;
  if (flow->sent_n == 0 || since >= flow->sent_gap * (flow->sent_n - 1)) return flow->next;
  const uint32_t gone = since < 0 ? 0 : (uint32_t)(since / flow->sent_gap) + 1;
  const uint32_t sent = flow->next - flow->sent_n + gone;
  return sent > flow->una ? sent : flow->una; /* a parcel is acknowledged by its first packet */
}

/** A rate within its bounds, bits/s, and the window that goes with it. */
void weft__fcc_set_rate(const weft_sim *sim, struct fcc_flow *flow, double rate);

/** A default time, which is for round trips up to `reference`: longer where they are. */
weft_time weft__fcc_stretched(const weft_sim *sim, const struct fcc_flow *flow, weft_time time,
                              weft_time reference);

/** A default step of a rate, which is for NICs up to 100 Gbit/s: larger where they are faster. */
double weft__fcc_step_of(const weft_sim *sim, const struct fcc_flow *flow, uint64_t step_bps);

#endif
