#include "learn/optim.h"

#include <math.h>

static const double BETA_1 = 0.9, BETA_2 = 0.999, TINY = 1e-8;

/* One cycle: from a 25th of the rate up over a tenth of the steps, and down to a ten-thousandth of
 * where it began. */
static const double START = 1.0 / 25, END = 1e-4 / 25, RISE = 0.1;

double weft__learn_clip(float *gradient, uint64_t n, double most) {
  double sum = 0;
  for (uint64_t i = 0; i < n; ++i) sum += (double)gradient[i] * (double)gradient[i];
  const double norm = sqrt(sum);
  if (most > 0 && norm > most) {
    const float by = (float)(most / norm);
    for (uint64_t i = 0; i < n; ++i) gradient[i] *= by;
  }
  return norm;
}

void weft__learn_step(struct learn_optim *o, const float *gradient, double rate, double decay) {
  o->first *= BETA_1;
  o->second *= BETA_2;
  const float b1 = (float)BETA_1, b2 = (float)BETA_2, keep = (float)(1 - rate * decay);
  const float by = (float)(rate / (1 - o->first)), unbias = (float)(1 / (1 - o->second));
  for (uint64_t i = 0; i < o->n; ++i) {
    const float g = gradient[i];
    o->mean[i] = b1 * o->mean[i] + (1 - b1) * g;
    o->square[i] = b2 * o->square[i] + (1 - b2) * g * g;
    o->weights[i] =
        o->weights[i] * keep - by * o->mean[i] / (sqrtf(o->square[i] * unbias) + (float)TINY);
  }
}

/* From 0 to 1 without a kink: a cubic, where others have a cosine, which is not the same on every
 * machine. */
static double smooth(double x) {
  return x * x * (3 - 2 * x);
}

double weft__learn_one_cycle(uint32_t step, uint32_t steps) {
  const double at = steps > 1 ? (double)step / (double)(steps - 1) : 1;
  if (at < RISE) return START + (1 - START) * smooth(at / RISE);
  return 1 - (1 - END) * smooth((at - RISE) / (1 - RISE));
}
