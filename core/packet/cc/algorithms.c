/* The list of all congestion controls. */
#include "packet/cc/algorithms.h"

static const struct {
  const struct cc_ops *variants;
  uint32_t count;
} all[WEFT_CC_COUNT] = {
#define LINE(_, NAME, name, table, variants) [WEFT_CC_##NAME] = {table, variants},
    ALGORITHMS(LINE, )
#undef LINE
};

void weft__cc_choose(weft_sim *sim) {
  const struct cc_ops *first = all[sim->config.cc].variants;
  weft__cc_use(sim, &first[first->variant != NULL ? first->variant(sim) : 0]);
}

uint32_t weft__cc_recovery(uint32_t cc) {
  return all[cc].variants[0].windowed ? WEFT_RECOVERY_SACK : WEFT_RECOVERY_GO_BACK_N;
}

uint64_t weft__cc_fields_hash(uint64_t hash) {
  for (uint32_t i = 0; i < WEFT_CC_COUNT; ++i)
    for (uint32_t v = 0; v < all[i].count; ++v) {
      const struct cc_ops *cc = &all[i].variants[v];
      hash = weft__fields_hash(weft__fields_hash(hash, &cc->state), &cc->hop);
    }
  return hash;
}
