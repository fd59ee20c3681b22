/* What all congestion controls share. */
#include "cc/cc.h"

const struct cc_ops *weft__cc(const weft_sim *sim) {
  static const struct cc_ops *const all[WEFT_CC_COUNT] = {&weft__cc_window, &weft__cc_dctcp,
                                                          &weft__cc_hpcc};
  return all[sim->config.cc];
}

void weft__cc_set_rate(weft_sim *sim, uint32_t slot, double rate_bps) {
  struct tx *tx = &sim->tx.at[slot];
  const struct tx_warm *warm = &sim->tx_warm.at[slot];
  uint64_t rate = rate_bps > 0 ? (uint64_t)rate_bps : 0;
  if (rate < sim->config.min_rate_bps) rate = sim->config.min_rate_bps;
  if (rate > warm->line_bps) rate = warm->line_bps;
  if (rate == tx->rate_bps) return;
  const uint64_t bits = 8ull * (sim->config.mtu_bytes + sim->config.header_bytes +
                                (weft__cc(sim)->uses_telemetry ? sim->config.int_bytes : 0));
  const weft_time gap = (weft_time)(bits * 1000000000000u / rate);
  if (tx->next_at > sim->now) tx->next_at += gap - tx->gap_ps; /* the wait is for the old rate */
  tx->rate_bps = rate;
  tx->gap_ps = gap;
  tx->window = (uint64_t)((double)warm->base_window * (double)rate / (double)warm->line_bps);
}
