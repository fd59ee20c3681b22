/* DCQCN, timer by timer in packet/cc/dcqcn.c: timers are worked off when the flow is looked at. */
#include "fluid_cc/law.h"

enum { ALPHA = 0, DECREASE = 1, INCREASE = 2 };

static void restart(weft_sim *sim, struct fcc_flow *flow, int timer, weft_time at,
                    weft_time after) {
  flow->law.due[timer] = at + weft__fcc_stretched(sim, flow, after, sim->config.dcqcn_decrease_ps);
}

static void update_alpha(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  law->alpha *= 1 - sim->config.dcqcn_g;
  if (law->marked > 0) law->alpha += sim->config.dcqcn_g;
  law->marked = 0;
  restart(sim, flow, ALPHA, at, sim->config.dcqcn_alpha_ps);
}

static void decrease(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  restart(sim, flow, DECREASE, at, sim->config.dcqcn_decrease_ps);
  if (!law->to_decrease) return;
  if (sim->config.dcqcn_clamp || law->stage != 0) law->target = flow->rate_bps;
  weft__fcc_set_rate(sim, flow, flow->rate_bps * (1 - law->alpha / 2));
  law->stage = 0;
  law->to_decrease = 0;
  restart(sim, flow, INCREASE, at, sim->config.dcqcn_increase_ps);
}

static void increase(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  restart(sim, flow, INCREASE, at, config->dcqcn_increase_ps);
  if (law->stage >= config->dcqcn_recovery_steps) {
    law->target += (double)(law->stage == config->dcqcn_recovery_steps ? config->dcqcn_ai_bps
                                                                       : config->dcqcn_hai_bps);
    if (law->target > flow->line_bps) law->target = flow->line_bps;
  }
  weft__fcc_set_rate(sim, flow, (flow->rate_bps + law->target) / 2);
  ++law->stage;
}

static void catch_up(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  if (!law->begun) return;
  for (;;) {
    int timer = ALPHA;
    for (int i = DECREASE; i <= INCREASE; ++i)
      if (law->due[i] >= 0 && law->due[i] < law->due[timer]) timer = i;
    const weft_time at = law->due[timer];
    if (at > sim->now) return;
    if (timer == ALPHA)
      update_alpha(sim, flow, at);
    else if (timer == DECREASE)
      decrease(sim, flow, at);
    else
      increase(sim, flow, at);
  }
}

static void feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  catch_up(sim, slot);
  if (!back->any) return;
  law->marked = 1;
  law->to_decrease = 1;
  if (law->begun) return;
  law->begun = 1;
  law->alpha = 1;
  law->marked = 0;
  restart(sim, flow, ALPHA, sim->now, sim->config.dcqcn_alpha_ps);
  restart(sim, flow, DECREASE, sim->now, sim->config.dcqcn_decrease_ps + 1000);
  law->target = flow->rate_bps;
}

const struct fcc_law_ops weft__fcc_dcqcn = {.feed = feed, .catch_up = catch_up};
