/* TIMELY, round trip by round trip as in packet/cc/timely.c: by that of a parcel's first packet. */
#include "fluid_cc/law.h"

enum { HAI_STAGE = 5 };

static void timely_update(const weft_sim *sim, struct fcc_flow *flow, weft_time rtt) {
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  const weft_time reference = config->timely_min_rtt_ps;
  const weft_time low = weft__fcc_stretched(sim, flow, config->timely_low_ps, reference);
  const weft_time high = weft__fcc_stretched(sim, flow, config->timely_high_ps, reference);
  law->u =
      (1 - config->timely_alpha) * law->u + config->timely_alpha * (double)(rtt - law->last_rtt);
  const double gradient = law->u / (double)weft__fcc_stretched(sim, flow, reference, reference);
  if (rtt < low || (rtt <= high && gradient <= 0)) {
    const uint64_t step = law->stage < HAI_STAGE ? config->timely_ai_bps : config->timely_hai_bps;
    weft__fcc_set_rate(sim, flow, flow->rate_bps + weft__fcc_step_of(sim, flow, step));
    ++law->stage;
    return;
  }
  double factor = 1 - config->timely_beta * gradient;
  if (rtt > high) factor = 1 - config->timely_beta * (1 - (double)high / (double)rtt);
  weft__fcc_set_rate(sim, flow, factor > 0 ? flow->rate_bps * factor : 0);
  law->stage = 0;
}

static void feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  if (flow->una <= law->window_end) return;
  const uint32_t first =
      law->begun && law->window_end > back->seq ? law->window_end - back->seq : 0;
  const weft_time rtt = back->rtt + back->rtt_step * first;
  if (law->begun) timely_update(sim, flow, rtt);
  if (fcc_sent(sim, flow) <= law->window_end) return;
  law->begun = 1;
  law->window_end = fcc_sent(sim, flow);
  law->last_rtt = rtt;
}

const struct fcc_law_ops weft__fcc_timely = {.feed = feed, .header = FCC_TIMESTAMP};
