/* Sets of packet numbers near a base: a ring of bits that grows when a number is farther off.
 *
 * The set covers [base, base + size); whoever owns it keeps the base, moves it up, and takes out
 * what falls below. Rings are blocks of words inside sim->packet.bits, found by index; freed ones
 * are chained by size. A flow that loses nothing has none. */
#ifndef WEFT_TRANSPORT_BITMAP_H
#define WEFT_TRANSPORT_BITMAP_H

#include "sim_i.h"

/** Numbers from base + this on don't get in: a bound on what a flow may hold, 512 KiB of bits. */
enum { BITMAP_SPAN = 1 << (BITMAP_CLASSES - 1) };

/** Put in `seq`, less than BITMAP_SPAN above base. 0 when out of memory. */
int weft__bitmap_add(weft_sim *sim, struct bitmap *set, uint32_t base, uint32_t seq);

/** An empty set of at least so many numbers. 0 when out of memory. */
int weft__bitmap_make(weft_sim *sim, struct bitmap *set, uint32_t size);

/** Give back the memory; the set is empty. */
void weft__bitmap_release(weft_sim *sim, struct bitmap *set);

static inline uint32_t bitmap_size(const struct bitmap *set) {
  return set->log2 != 0 ? 1u << set->log2 : 0;
}

static inline uint64_t *bitmap_word(const weft_sim *sim, const struct bitmap *set, uint32_t seq) {
  return &sim->packet.bits.at[set->first + (seq & (bitmap_size(set) - 1)) / 64];
}

static inline int bitmap_has(const weft_sim *sim, const struct bitmap *set, uint32_t base,
                             uint32_t seq) {
  return seq - base < bitmap_size(set) && (*bitmap_word(sim, set, seq) >> seq % 64 & 1);
}

/** Take out `seq`, which the set covers. */
static inline void bitmap_remove(weft_sim *sim, const struct bitmap *set, uint32_t seq) {
  *bitmap_word(sim, set, seq) &= ~(1ull << seq % 64);
}

#endif
