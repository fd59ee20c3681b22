/* DCTCP (Alizadeh et al., "Data Center TCP", SIGCOMM 2010), in the form that RDMA NIC models use.
 *
 * The fraction of marked packets per window F updates alpha = (1-g) alpha + g F (eq. 1); the first mark of
 * a window cuts by alpha/2 (eq. 2). Deviations, as in the HPCC ns-3 model: the state is a rate, the
 * window follows it; no slow start, flows begin at line rate; increase is a fixed rate per window
 * of data; alpha begins at 1. */
#include "cc/cc.h"

struct dctcp {
  double alpha;
  uint32_t window_end; /* packet that ends the current window of marks; 0: none yet */
  uint32_t marked, sent; /* in the current window */
  uint32_t recovery_end; /* no second cut before this packet is acknowledged */
  uint32_t in_recovery;
  uint32_t unused;
};

static uint32_t state_words(uint32_t path_ports) {
  (void)path_ports;
  return sizeof(struct dctcp) / sizeof(uint64_t);
}

static void start(weft_sim *sim, uint32_t slot) {
  struct dctcp *dctcp = cc_state(sim, slot);
  dctcp->alpha = 1;
}

/* Returns whether a window of data has been acknowledged. */
static int end_window(struct dctcp *dctcp, double g, uint32_t acked, uint32_t next) {
  if (acked <= dctcp->window_end) return 0;
  if (dctcp->window_end == 0) {
    dctcp->sent = next + 1;
  } else {
    double fraction = (double)dctcp->marked / dctcp->sent;
    if (fraction > 1) fraction = 1;
    dctcp->alpha = (1 - g) * dctcp->alpha + g * fraction;
    dctcp->sent = next - acked + 1;
    dctcp->marked = 0;
  }
  dctcp->window_end = next;
  return 1;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct dctcp *dctcp = cc_state(sim, slot);
  const struct tx *tx = &sim->tx.at[slot];
  dctcp->marked += ack->ecn != 0;
  const int window_ended = end_window(dctcp, sim->config.dctcp_g, ack->seq, tx->next);
  if (dctcp->in_recovery && ack->seq > dctcp->recovery_end) dctcp->in_recovery = 0;
  if (ack->ecn && !dctcp->in_recovery) {
    dctcp->in_recovery = 1;
    dctcp->recovery_end = tx->next;
    weft__cc_set_rate(sim, slot, (double)tx->rate_bps * (1 - dctcp->alpha / 2));
  }
  if (!dctcp->in_recovery && window_ended)
    weft__cc_set_rate(sim, slot, (double)tx->rate_bps + (double)sim->config.dctcp_ai_bps);
}

const struct cc_ops weft__cc_dctcp = {"dctcp", 0, 1, state_words, start, on_ack};
