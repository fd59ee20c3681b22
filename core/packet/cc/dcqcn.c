/* DCQCN (Zhu et al., "Congestion Control for Large-Scale RDMA Deployments", SIGCOMM 2015), the
 * reaction point, as Mellanox NICs and the HPCC ns-3 model have it.
 *
 * A marked packet sets alpha towards 1 and, at most once per decrease interval, cuts the rate by
 * alpha/2 (eq. 1); without marks alpha decays (eq. 2). After a cut the rate returns half way to
 * the target each increase interval: fast recovery (eq. 3), then additive (eq. 4), then hyper
 * increase. Deviations: no byte counter; no CNP packets, the ACK's echo stands for them; the
 * target stays where it is at a cut that follows another cut, unless dcqcn_clamp. */
#include "packet/cc/algorithms.h"

enum timer { ALPHA = 0, DECREASE = 1, INCREASE = 2, TIMERS };

typedef weft_time timer_times[TIMERS];

#define DCQCN_FIELDS(X)                                               \
  X(VALUE, STATE, double, alpha)                                      \
  X(VALUE, STATE, uint64_t, target_bps)                               \
  X(DUE, STATE, timer_times, due) /* -1: not running */               \
  X(VALUE, STATE, uint32_t, stage) /* increases since the last cut */ \
  X(VALUE, STATE, uint32_t, marked_for_alpha)                         \
  X(VALUE, STATE, uint32_t, marked_for_decrease)                      \
  X(VALUE, STATE, uint32_t, reacting) /* the first mark has been seen */

FIELDS_STRUCT(dcqcn, DCQCN_FIELDS);
static const struct field_desc fields[] = {DCQCN_FIELDS(FIELD_LINE)};

static void start(weft_sim *sim, uint32_t slot) {
  struct dcqcn *dcqcn = cc_state(sim, slot);
  dcqcn->alpha = 1;
  dcqcn->target_bps = cc_nic_rate(sim, slot);
  for (int i = 0; i < TIMERS; ++i) dcqcn->due[i] = -1;
}

static void restart(weft_sim *sim, uint32_t slot, enum timer timer, weft_time after_ps) {
  struct dcqcn *dcqcn = cc_state(sim, slot);
  const weft_time after = weft__cc_stretch(sim, slot, after_ps, sim->config.dcqcn_decrease_ps);
  weft__cc_timer(sim, slot, timer, &dcqcn->due[timer], after);
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct dcqcn *dcqcn = cc_state(sim, slot);
  if (!ack->ecn) return;
  dcqcn->marked_for_alpha = dcqcn->marked_for_decrease = 1;
  if (dcqcn->reacting) return;
  dcqcn->reacting = 1;
  dcqcn->alpha = 1;
  dcqcn->marked_for_alpha = 0;
  restart(sim, slot, ALPHA, sim->config.dcqcn_alpha_ps);
  restart(sim, slot, DECREASE,
          sim->config.dcqcn_decrease_ps + 1000); /* 1 ns: after alpha's update */
  dcqcn->target_bps = sim->packet.tx.at[slot].rate_bps;
}

static void update_alpha(weft_sim *sim, uint32_t slot, struct dcqcn *dcqcn) {
  const double g = sim->config.dcqcn_g;
  dcqcn->alpha = (1 - g) * dcqcn->alpha;
  if (dcqcn->marked_for_alpha) dcqcn->alpha += g;
  dcqcn->marked_for_alpha = 0;
  restart(sim, slot, ALPHA, sim->config.dcqcn_alpha_ps);
}

static void decrease(weft_sim *sim, uint32_t slot, struct dcqcn *dcqcn) {
  restart(sim, slot, DECREASE, sim->config.dcqcn_decrease_ps);
  if (!dcqcn->marked_for_decrease) return;
  const uint64_t rate = sim->packet.tx.at[slot].rate_bps;
  if (sim->config.dcqcn_clamp || dcqcn->stage != 0) dcqcn->target_bps = rate;
  const uint64_t cut = cc_whole((double)rate * (1 - dcqcn->alpha / 2));
  weft__cc_set_rate(sim, slot, cc_at_least(cut, sim->config.min_rate_bps));
  dcqcn->stage = 0;
  dcqcn->marked_for_decrease = 0;
  restart(sim, slot, INCREASE, sim->config.dcqcn_increase_ps);
}

static void increase(weft_sim *sim, uint32_t slot, struct dcqcn *dcqcn) {
  const weft_config *config = &sim->config;
  const struct tx *tx = &sim->packet.tx.at[slot];
  restart(sim, slot, INCREASE, config->dcqcn_increase_ps);
  if (dcqcn->stage >= config->dcqcn_recovery_steps) {
    dcqcn->target_bps +=
        dcqcn->stage == config->dcqcn_recovery_steps ? config->dcqcn_ai_bps : config->dcqcn_hai_bps;
    dcqcn->target_bps = cc_at_most(dcqcn->target_bps, cc_nic_rate(sim, slot));
  }
  weft__cc_set_rate(sim, slot, tx->rate_bps / 2 + dcqcn->target_bps / 2);
  ++dcqcn->stage;
}

static void on_timer(weft_sim *sim, uint32_t slot, uint32_t timer) {
  struct dcqcn *dcqcn = cc_state(sim, slot);
  switch (timer) {
    case ALPHA:
      update_alpha(sim, slot, dcqcn);
      break;
    case DECREASE:
      decrease(sim, slot, dcqcn);
      break;
    default:
      increase(sim, slot, dcqcn);
      break;
  }
}

/* Back at line rate it is not marked any more, as far as can be known: then alpha decays. */
/* It moves by timers. */
static double swing(const weft_config *config, double rtt_ps, double window_packets) {
  (void)window_packets;
  return (double)config->dcqcn_increase_ps / rtt_ps;
}

static void relax(weft_sim *sim, uint32_t slot, weft_time time, uint64_t bytes) {
  struct dcqcn *dcqcn = cc_state(sim, slot);
  const weft_config *config = &sim->config;
  (void)bytes;
  if (!dcqcn->reacting || dcqcn->marked_for_alpha || dcqcn->stage <= config->dcqcn_recovery_steps ||
      sim->packet.tx.at[slot].rate_bps < cc_nic_rate(sim, slot))
    return;
  const weft_time step =
      weft__cc_stretch(sim, slot, config->dcqcn_alpha_ps, config->dcqcn_decrease_ps);
  dcqcn->alpha = weft__cc_decayed(dcqcn->alpha, config->dcqcn_g, (double)time / (double)step);
}

const struct cc_ops weft__cc_dcqcn[1] = {{.name = "dcqcn",
                                          .extra = CC_NOTHING,
                                          .paced = 1,
                                          .state = FIELDS_OF("dcqcn", fields, sizeof(struct dcqcn)),
                                          .start = start,
                                          .on_ack = on_ack,
                                          .on_timer = on_timer,
                                          .theta = 0.1,
                                          .swing = swing,
                                          .relax = relax}};
