/* What acceleration may spend on finding out what need not be simulated: a part of what has been
 * simulated and skipped, in events, so that traffic that never becomes steady costs little more
 * than without. */
#include "packet/accel/partitions/partitions.h"

enum {
  CREDIT_OF_SKIPPED = 10, /* 1 / so much of the events skipped may go into looking at partitions */
  CREDIT_OF_SIMULATED = 32, /* and of those simulated */
  CREDIT_FIRST = 1000000, /* before there are any: some 70 ms */
  CREDIT_LEFT = CREDIT_FIRST / 4 /* what looking at states leaves for patterns by classes */
};

void weft__credit_init(weft_sim *sim) {
  sim->accel.credit = CREDIT_FIRST;
}

int weft__afford(weft_sim *sim, int64_t cost) {
  /* Not what partitions apart have done that others need not have taken so far yet. */
  const uint64_t hops = sim->stats.packet_hops - sim->accel.skipped_hops - sim->accel.apart_hops;
  const uint64_t all =
      hops / CREDIT_OF_SIMULATED + sim->accel.totals.events_skipped / CREDIT_OF_SKIPPED;
  sim->accel.credit += (int64_t)(all - sim->accel.credited);
  sim->accel.credited = all;
  if (sim->accel.credit < cost) return 0;
  sim->accel.credit -= cost;
  return 1;
}

int weft__credit_is_ample(const weft_sim *sim) {
  return sim->accel.credit > CREDIT_LEFT;
}
