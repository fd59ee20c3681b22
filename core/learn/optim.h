/* AdamW (Loshchilov, Hutter, ICLR 2019), gradients that are clipped by their norm, and schedules of
 * its rate: one cycle (Smith, 2018), or by patience. */
#ifndef WEFT_LEARN_OPTIM_H
#define WEFT_LEARN_OPTIM_H

#include <stdint.h>

struct learn_optim {
  float *weights, *mean, *square; /* n of each */
  uint64_t n;
  double first, second; /* powers of the two betas */
};

/** Scale a gradient down so that its norm is at most `most` (0: as it is); returns what it was. */
double weft__learn_clip(float *gradient, uint64_t n, double most);

/** One step against a gradient. */
void weft__learn_step(struct learn_optim *optim, const float *gradient, double rate, double decay);

/** The share of the highest rate that step `step` of `steps` has in one cycle. */
double weft__learn_one_cycle(uint32_t step, uint32_t steps);

#endif
