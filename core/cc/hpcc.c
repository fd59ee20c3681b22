/* HPCC (Li et al., "HPCC: High Precision Congestion Control", SIGCOMM 2019), algorithm 1.
 *
 * Every ACK brings each hop's telemetry; the utilisation of hop j is
 *   U_j = min(q_now, q_before) / (B_j T) + txRate_j / B_j              (lines 3-6)
 * U, an average of the largest U_j over one T, sets the rate to R_c / (U / eta) + AI, or R_c + AI while
 * U < eta for at most max_stage steps (lines 13-20). R_c is the reference rate, renewed once per round trip;
 * in between the rate reacts to every ACK from the same R_c (fast react). The window is the rate times
 * T. Deviation: rates instead of windows, as in the authors' simulator; T is config.base_rtt or the
 * flow's own empty round trip. */
#include "cc/cc.h"

struct hop {
  struct telemetry last;
  double bps;
};

struct hpcc {
  double u;
  double reference_bps; /* R_c */
  uint32_t stage;
  uint32_t update_seq; /* R_c is renewed when this packet is acknowledged; 0: no ACK yet */
  uint32_t rate_epoch; /* for which hop[].bps hold */
  uint32_t unused;
  struct hop hop[];
};

static uint32_t state_words(uint32_t path_ports) {
  return (uint32_t)((sizeof(struct hpcc) + path_ports * sizeof(struct hop)) / sizeof(uint64_t));
}

static void learn_rates(weft_sim *sim, uint32_t slot, struct hpcc *hpcc) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i + 1 < sim->tx.at[slot].hops; ++i)
    hpcc->hop[i].bps = (double)sim->port_cold.at[path[i + 1]].rate_bps;
  hpcc->rate_epoch = sim->rate_epoch;
}

static void start(weft_sim *sim, uint32_t slot) {
  struct hpcc *hpcc = cc_state(sim, slot);
  hpcc->u = 1;
  hpcc->reference_bps = (double)sim->tx.at[slot].rate_bps;
  learn_rates(sim, slot, hpcc);
}

/* Fold the telemetry of an ACK into U. Returns 0 if no hop has moved on. */
static int measure(struct hpcc *hpcc, const struct cc_ack *ack, double rtt_ps) {
  double worst = 0, interval = 0;
  int any = 0;
  for (uint32_t i = 0; i < ack->hops; ++i) {
    struct hop *hop = &hpcc->hop[i];
    const struct telemetry *now = &ack->telemetry[i];
    const double ps = (double)(now->time - hop->last.time);
    if (ps > 0) {
      const double sent_bits = 8.0 * (now->tx_bytes - hop->last.tx_bytes);
      const uint32_t queue = now->queue_bytes < hop->last.queue_bytes ? now->queue_bytes
                                                                      : hop->last.queue_bytes;
      const double u = sent_bits * 1e12 / (ps * hop->bps) + 8e12 * queue / (hop->bps * rtt_ps);
      if (!any || u > worst) {
        worst = u;
        interval = ps;
      }
      any = 1;
    }
    hop->last = *now;
  }
  if (!any) return 0;
  if (interval > rtt_ps) interval = rtt_ps;
  hpcc->u = (hpcc->u * (rtt_ps - interval) + worst * interval) / rtt_ps;
  return 1;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct hpcc *hpcc = cc_state(sim, slot);
  const weft_config *config = &sim->config;
  const uint32_t next = sim->tx.at[slot].next;
  if (ack->telemetry == NULL) return;
  if (hpcc->rate_epoch != sim->rate_epoch) learn_rates(sim, slot, hpcc);
  if (hpcc->update_seq == 0) { /* the first ACK has nothing to compare with */
    hpcc->update_seq = next;
    for (uint32_t i = 0; i < ack->hops; ++i) hpcc->hop[i].last = ack->telemetry[i];
    return;
  }
  const int renew = ack->seq > hpcc->update_seq;
  const int measured = measure(hpcc, ack, (double)sim->tx_warm.at[slot].base_rtt_ps);
  if (!renew && !config->hpcc_fast_react) return;
  if (measured) {
    const double excess = hpcc->u / config->hpcc_eta;
    const int decrease = excess >= 1 || hpcc->stage >= config->hpcc_max_stage;
    const double base = decrease ? hpcc->reference_bps / excess : hpcc->reference_bps;
    weft__cc_set_rate(sim, slot, base + (double)config->hpcc_ai_bps);
    if (renew) {
      hpcc->reference_bps = (double)sim->tx.at[slot].rate_bps;
      hpcc->stage = decrease ? 0 : hpcc->stage + 1;
    }
  }
  if (renew) hpcc->update_seq = next;
}

const struct cc_ops weft__cc_hpcc = {"hpcc", 1, 1, state_words, start, on_ack};
