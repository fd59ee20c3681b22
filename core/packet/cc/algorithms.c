/* The list of all congestion controls. */
#include "packet/cc/algorithms.h"

static const struct {
  const struct cc_ops *variants;
  uint32_t count;
} all[WEFT_CC_COUNT] = {
#define LINE(kind, table, count) [kind] = {table, count},
    CC_ALGORITHMS(LINE)
#undef LINE
};

static uint32_t variant(const weft_sim *sim) {
  if (sim->config.cc == WEFT_CC_HPCC) return sim->config.hpcc_multi_rate;
  return sim->config.cc == WEFT_CC_SCRIPT ? sim->packet.script.needs : 0;
}

void weft__cc_choose(weft_sim *sim) {
  weft__cc_use(sim, &all[sim->config.cc].variants[variant(sim)]);
}

uint64_t weft__cc_fields_hash(uint64_t hash) {
  for (uint32_t i = 0; i < WEFT_CC_COUNT; ++i)
    for (uint32_t v = 0; v < all[i].count; ++v) {
      const struct cc_ops *cc = &all[i].variants[v];
      hash = weft__fields_hash(weft__fields_hash(hash, &cc->state), &cc->hop);
    }
  return hash;
}
