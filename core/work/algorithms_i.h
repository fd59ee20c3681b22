/* The algorithms of collectives, a file or two of them each. */
#ifndef WEFT_ALGORITHMS_I_H
#define WEFT_ALGORITHMS_I_H

#include "work/collective_i.h"

extern const struct algorithm weft__ring, weft__chain, weft__tree, weft__halving_doubling;
extern const struct algorithm weft__hierarchical, weft__pairs, weft__tiers;

/** The algorithm of a collective. */
const struct algorithm *weft__collective_algorithm(const struct collective *collective);

#endif
