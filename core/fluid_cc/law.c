/* The laws of the congestion controls, on the ACK of a parcel: those of packet/cc, whose files name
 * the papers and the deviations, with sums over the packets of a parcel in place of steps. Each is
 * a file beside this one, law_NAME.c. */
#include "fluid_cc/law.h"

#include "base/options.h"

/* Those that have one here, by number. */
#define LAWS(X)               \
  X(WINDOW, weft__fcc_window) \
  X(DCTCP, weft__fcc_dctcp)   \
  X(HPCC, weft__fcc_hpcc)     \
  X(DCQCN, weft__fcc_dcqcn)   \
  X(TIMELY, weft__fcc_timely) \
  X(SWIFT, weft__fcc_swift)

#define LAW_OF(NAME, table) [WEFT_CC_##NAME] = &table,
static const struct fcc_law_ops *const laws[WEFT_CC_COUNT] = {LAWS(LAW_OF)};

int weft__fcc_law_init(weft_sim *sim) {
  const weft_config *config = &sim->config;
  sim->fluid_cc.law = laws[config->cc];
  const int may = !weft__fcc_fixed_times(config);
  sim->fluid_cc.times_grow = may && weft__options_are_default(config, config->cc, WEFT_UNIT_TIME);
  sim->fluid_cc.steps_grow = may && weft__options_are_default(config, config->cc, WEFT_UNIT_RATE);
  return sim->fluid_cc.law != NULL;
}

void weft__fcc_law_start(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  flow->law = (struct fcc_law){.alpha = 1, .target = flow->line_bps, .due = {-1, -1, -1}};
  flow->law.last_decrease = sim->now;
  const struct fcc_law_ops *law = sim->fluid_cc.law;
  if (law->start != NULL) law->start(sim, slot);
  weft__fcc_set_rate(sim, flow, flow->line_bps);
}

void weft__fcc_law_feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  const struct fcc_law_ops *law = sim->fluid_cc.law;
  if (law->feed != NULL) law->feed(sim, slot, back);
}

void weft__fcc_law_catch_up(weft_sim *sim, uint32_t slot) {
  const struct fcc_law_ops *law = sim->fluid_cc.law;
  if (law->catch_up != NULL) law->catch_up(sim, slot);
}

void weft__fcc_law_unmarked(weft_sim *sim, uint32_t slot, uint32_t windows) {
  const struct fcc_law_ops *law = sim->fluid_cc.law;
  if (law->unmarked != NULL) law->unmarked(sim, slot, windows);
}
