/* Which algorithms there are for each kind of collective. */
#include "work/algorithms_i.h"

static const struct algorithm *find_algorithm(uint32_t kind, uint32_t algorithm) {
  static const struct algorithm *const table[WEFT_COLLECTIVE_COUNT][WEFT_ALGORITHM_COUNT] = {
      [WEFT_ALLREDUCE] = {[WEFT_RING] = &weft__ring,
                          [WEFT_BIDIRECTIONAL] = &weft__ring,
                          [WEFT_TREE] = &weft__tree,
                          [WEFT_DOUBLE_TREE] = &weft__tree,
                          [WEFT_HALVING_DOUBLING] = &weft__halving_doubling,
                          [WEFT_HIERARCHICAL] = &weft__hierarchical},
      [WEFT_ALL_TO_ALL] = {[WEFT_DIRECT] = &weft__pairs,
                           [WEFT_PAIRWISE] = &weft__pairs,
                           [WEFT_HIERARCHICAL] = &weft__tiers},
      [WEFT_REDUCE_SCATTER] = {[WEFT_RING] = &weft__ring,
                               [WEFT_BIDIRECTIONAL] = &weft__ring,
                               [WEFT_HALVING_DOUBLING] = &weft__halving_doubling},
      [WEFT_ALL_GATHER] = {[WEFT_RING] = &weft__ring,
                           [WEFT_BIDIRECTIONAL] = &weft__ring,
                           [WEFT_HALVING_DOUBLING] = &weft__halving_doubling},
      [WEFT_BROADCAST] = {[WEFT_RING] = &weft__chain, [WEFT_TREE] = &weft__tree},
      [WEFT_REDUCE] = {[WEFT_RING] = &weft__chain, [WEFT_TREE] = &weft__tree},
  };
  return table[kind][algorithm];
}

const struct algorithm *weft__collective_algorithm(const struct collective *collective) {
  return find_algorithm(collective->kind, collective->algorithm);
}
