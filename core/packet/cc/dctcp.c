/* DCTCP (Alizadeh et al., "Data Center TCP", SIGCOMM 2010), in the form that RDMA NIC models use.
 *
 * The fraction of marked packets per window F updates alpha = (1-g) alpha + g F (eq. 1); the first
 * mark of a window cuts by alpha/2 (eq. 2). Deviations, as in the HPCC ns-3 model: the state is a
 * rate, the window follows it; no slow start, flows begin at line rate; increase is a fixed rate
 * per window of data; alpha begins at 1. */
#include <math.h>

#include "packet/cc/algorithms.h"

#define DCTCP_FIELDS(X)                                                                        \
  X(VALUE, STATE, double, alpha)                                                               \
  X(BYTES_OR_0, STATE, uint64_t, window_end) /* byte that ends the current window of marks */  \
  X(BYTES, STATE, uint64_t, recovery_end) /* no second cut before this byte is acknowledged */ \
  X(VALUE, STATE, uint32_t, marked) /* packets of the current window */                        \
  X(VALUE, STATE, uint32_t, sent) /* in it */                                                  \
  X(VALUE, STATE, uint32_t, in_recovery)                                                       \
  X(VALUE, STATE, uint32_t, calm) /* windows without a mark, as far as calm_enough() counts */

FIELDS_STRUCT(dctcp, DCTCP_FIELDS);
static const struct field_desc fields[] = {DCTCP_FIELDS(FIELD_LINE)};

/* No sawtooth is that long, with this window: of sqrt(W / 2) round trips (eq. 8). */
static uint32_t calm_enough(const struct dctcp *dctcp) {
  return (uint32_t)(2 * sqrt(dctcp->sent / 2.0)) + 4;
}

static void start(weft_sim *sim, uint32_t slot) {
  struct dctcp *dctcp = cc_state(sim, slot);
  dctcp->alpha = 1;
}

/* Returns whether a window of data has been acknowledged. */
static int end_window(struct dctcp *dctcp, const weft_config *config, const struct cc_ack *ack) {
  if (ack->acked <= dctcp->window_end) return 0;
  if (dctcp->window_end == 0) {
    dctcp->sent = (uint32_t)(ack->sent / config->mtu_bytes + 1);
  } else {
    double fraction = (double)dctcp->marked / dctcp->sent;
    if (fraction > 1) fraction = 1;
    dctcp->alpha = (1 - config->dctcp_g) * dctcp->alpha + config->dctcp_g * fraction;
    dctcp->sent = (uint32_t)((ack->sent - ack->acked) / config->mtu_bytes + 1);
    dctcp->calm = dctcp->marked == 0 ? dctcp->calm + (dctcp->calm < calm_enough(dctcp)) : 0;
    dctcp->marked = 0;
  }
  dctcp->window_end = ack->sent;
  return 1;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct dctcp *dctcp = cc_state(sim, slot);
  const struct tx *tx = &sim->packet.tx.at[slot];
  const weft_config *config = &sim->config;
  dctcp->marked += ack->ecn != 0;
  const int window_ended = end_window(dctcp, config, ack);
  if (dctcp->in_recovery && ack->acked > dctcp->recovery_end) dctcp->in_recovery = 0;
  if (ack->ecn && !dctcp->in_recovery) {
    const uint64_t cut = cc_whole((double)tx->rate_bps * (1 - dctcp->alpha / 2));
    weft__cc_set_rate(sim, slot, cc_at_least(cut, config->min_rate_bps));
    dctcp->in_recovery = 1;
    dctcp->recovery_end = ack->sent;
  }
  if (!dctcp->in_recovery && window_ended)
    weft__cc_set_rate(
        sim, slot,
        cc_at_most(tx->rate_bps + config->dctcp_ai_bps, sim->packet.tx_warm.at[slot].line_bps));
}

/* A sawtooth of sqrt(W / 2) round trips (eq. 8). */
static double swing(const weft_config *config, double rtt_ps, double window_packets) {
  (void)config;
  (void)rtt_ps;
  return sqrt(window_packets / 2);
}

static void relax(weft_sim *sim, uint32_t slot, weft_time time, uint64_t bytes) {
  struct dctcp *dctcp = cc_state(sim, slot);
  (void)time;
  if (dctcp->marked != 0 || dctcp->calm < calm_enough(dctcp)) return;
  const double windows = (double)bytes / sim->config.mtu_bytes / dctcp->sent;
  dctcp->alpha = weft__cc_decayed(dctcp->alpha, sim->config.dctcp_g, windows);
}

const struct cc_ops weft__cc_dctcp[1] = {{.name = "dctcp",
                                          .extra = CC_NOTHING,
                                          .paced = 1,
                                          .state = FIELDS_OF("dctcp", fields, sizeof(struct dctcp)),
                                          .start = start,
                                          .on_ack = on_ack,
                                          .theta = 0.1,
                                          .swing = swing,
                                          .relax = relax}};
