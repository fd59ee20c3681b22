/* DCTCP, packet by packet in packet/cc/dctcp.c: marks are summed over a window of data. */
#include "fluid_cc/law.h"

static int window_has_ended(const weft_sim *sim, struct fcc_flow *flow) {
  struct fcc_law *law = &flow->law;
  if (flow->una <= law->window_end) return 0;
  if (!law->begun) {
    law->begun = 1;
    law->sent = fcc_sent(sim, flow) + 1;
  } else {
    double fraction = law->marked / law->sent;
    if (fraction > 1) fraction = 1;
    law->alpha = (1 - sim->config.dctcp_g) * law->alpha + sim->config.dctcp_g * fraction;
    law->sent = fcc_sent(sim, flow) - flow->una + 1;
    law->marked = 0;
  }
  law->window_end = fcc_sent(sim, flow);
  return 1;
}

static void feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  law->marked += back->marked;
  const int ended = window_has_ended(sim, flow);
  if (law->in_recovery && flow->una > law->recovery_end) law->in_recovery = 0;
  if (back->any && !law->in_recovery) {
    weft__fcc_set_rate(sim, flow, flow->rate_bps * (1 - law->alpha / 2));
    law->in_recovery = 1;
    law->recovery_end = fcc_sent(sim, flow);
  }
  if (!law->in_recovery && ended)
    weft__fcc_set_rate(sim, flow, flow->rate_bps + (double)sim->config.dctcp_ai_bps);
}

/* Alpha of a flow whose windows had no mark. */
static void unmarked(weft_sim *sim, uint32_t slot, uint32_t windows) {
  struct fcc_law *law = &sim->fluid_cc.flows.at[slot].law;
  for (uint32_t i = 0; i < windows && law->alpha > 1e-4; ++i) law->alpha *= 1 - sim->config.dctcp_g;
}

const struct fcc_law_ops weft__fcc_dctcp = {.feed = feed, .unmarked = unmarked};
