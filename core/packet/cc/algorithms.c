/* The list of all congestion controls. */
#include "packet/cc/algorithms.h"

static const struct cc_ops *const all[] = {&weft__cc_window,    &weft__cc_dctcp,  &weft__cc_hpcc[0],
                                           &weft__cc_dcqcn,     &weft__cc_timely, &weft__cc_swift,
                                           &weft__cc_script[0], &weft__cc_hpcc[1]};

void weft__cc_choose(weft_sim *sim) {
  const struct cc_ops *cc = all[sim->config.cc];
  if (sim->config.cc == WEFT_CC_HPCC) cc += sim->config.hpcc_multi_rate;
  if (sim->config.cc == WEFT_CC_SCRIPT) cc += sim->packet.script.needs;
  weft__cc_use(sim, cc);
}

uint64_t weft__cc_fields_hash(uint64_t hash) {
  for (uint32_t i = 0; i < sizeof all / sizeof *all; ++i)
    hash = weft__fields_hash(weft__fields_hash(hash, &all[i]->state), &all[i]->hop);
  return hash;
}
