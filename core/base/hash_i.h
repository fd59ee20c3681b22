/* 64-bit mixing: fingerprints, keyed random numbers, flow hashes. */
#ifndef WEFT_BASE_HASH_I_H
#define WEFT_BASE_HASH_I_H

#include <stdint.h>

/* A bijection of 64-bit words in which every input bit reaches every output bit: the finaliser of
 * SplitMix64 (Steele, Lea, Flood, OOPSLA 2014). */
static inline uint64_t hash_mix(uint64_t x) {
  x ^= x >> 30;
  x *= 0xbf58476d1ce4e5b9u;
  x ^= x >> 27;
  x *= 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

/* What an event adds to the fingerprint. Contributions are summed, so that the total does not
 * depend on the order in which threads handle independent events. */
static inline uint64_t hash_event(int64_t time, uint64_t what, uint64_t object) {
  uint64_t x = (uint64_t)time * 0x9e3779b97f4a7c15u + what * 0xd6e8feb86659fd93u;
  x = (x ^ (x >> 32) ^ object) * 0xff51afd7ed558ccdu;
  return x ^ (x >> 29);
}

#endif
