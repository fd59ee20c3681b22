/* What all laws do: set a rate, and let defaults grow with round trips and NICs. */
#include "fluid_cc/law.h"

#define STEP_LINE_BPS 1e11 /* for which default steps of rates are made */

/* Packets that its window lets a flow have out. */
static uint32_t window_of(const weft_sim *sim, const struct fcc_flow *flow) {
  if (sim->config.window_mode == WEFT_WINDOW_NONE) return UINT32_MAX;
  double bytes = flow->base_window;
  if (sim->config.window_mode == WEFT_WINDOW_RATE) bytes *= flow->rate_bps / flow->line_bps;
  const double mtu = sim->config.mtu_bytes;
  const double packets = bytes / mtu;
  const uint32_t whole = packets < 1e9 ? (uint32_t)packets : 1000000000;
  return whole + (packets > whole || whole == 0); /* a packet may go while fewer bytes are out */
}

void weft__fcc_set_rate(const weft_sim *sim, struct fcc_flow *flow, double rate) {
  const double least = (double)sim->config.min_rate_bps;
  if (rate < least) rate = least;
  flow->rate_bps = rate < flow->line_bps ? rate : flow->line_bps;
  flow->window = window_of(sim, flow);
}

/* ---- defaults that grow with the round trip, and with the NIC: packet/cc/cc.c ---- */

weft_time weft__fcc_stretched(const weft_sim *sim, const struct fcc_flow *flow, weft_time time,
                              weft_time reference) {
  if (flow->base_rtt <= reference || !sim->fluid_cc.times_grow) return time;
  return fcc_time((double)time * (double)flow->base_rtt / (double)reference);
}

double weft__fcc_step_of(const weft_sim *sim, const struct fcc_flow *flow, uint64_t step_bps) {
  if (flow->line_bps <= STEP_LINE_BPS || !sim->fluid_cc.steps_grow) return (double)step_bps;
  return (double)step_bps * flow->line_bps / STEP_LINE_BPS;
}
