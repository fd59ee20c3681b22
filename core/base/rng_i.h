/* Random numbers by counter, not by state: the n-th draw of a stream is a function of (seed,
 * purpose, object, n). Adding an object or reordering independent events changes no other draw,
 * and a fork or a thread needs no generator of its own. */
#ifndef WEFT_BASE_RNG_I_H
#define WEFT_BASE_RNG_I_H

#include "base/hash_i.h"

enum rng_purpose {
  RNG_ECN = 1,
  RNG_LOSS = 2,
  RNG_PATH = 3,
  RNG_JITTER = 4,
  RNG_BURST = 5, /* changes of state */
  RNG_BURST_LOSS = 6,
  RNG_AUDIT = 7,
  RNG_TIMEOUT = 8, /* back-off */
  RNG_CYCLE = 9 /* where BBR's cycle begins */
};

static inline uint64_t rng_bits(uint64_t seed, uint32_t purpose, uint32_t object, uint64_t n) {
  const uint64_t key = hash_mix(seed + 0x9e3779b97f4a7c15u * purpose);
  return hash_mix(hash_mix(key ^ object) + 0x9e3779b97f4a7c15u * (n + 1));
}

/* Uniform in [0, 1), 53 bits. */
static inline double rng_uniform(uint64_t seed, uint32_t purpose, uint32_t object, uint64_t n) {
  return (double)(rng_bits(seed, purpose, object, n) >> 11) * 0x1p-53;
}

#endif
