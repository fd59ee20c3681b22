/* Sets of packet numbers, the rare parts: growth and release. */
#include "packet/transport/bitmap.h"

#include <string.h>

enum { LOG2_LEAST = 6 }; /* one word */

static int allocate(weft_sim *sim, uint32_t log2, uint32_t *first) {
  const uint32_t words = 1u << (log2 - LOG2_LEAST);
  *first = sim->packet.bitmap_free[log2];
  if (*first != WEFT_NONE) {
    sim->packet.bitmap_free[log2] = (uint32_t)sim->packet.bits.at[*first];
  } else {
    const uint64_t end = (uint64_t)sim->packet.bits.n + words;
    if (end > UINT32_MAX || !pool_reserve(sim, sim->packet.bits, end)) return 0;
    *first = sim->packet.bits.n;
    sim->packet.bits.n = (uint32_t)end;
  }
  memset(&sim->packet.bits.at[*first], 0, words * sizeof *sim->packet.bits.at);
  return 1;
}

void weft__bitmap_release(weft_sim *sim, struct bitmap *set) {
  if (set->log2 == 0) return;
  sim->packet.bits.at[set->first] = sim->packet.bitmap_free[set->log2];
  sim->packet.bitmap_free[set->log2] = set->first;
  set->log2 = 0;
}

int weft__bitmap_make(weft_sim *sim, struct bitmap *set, uint32_t size) {
  set->log2 = LOG2_LEAST;
  while (size > bitmap_size(set)) ++set->log2;
  if (allocate(sim, set->log2, &set->first)) return 1;
  weft__no_memory(sim);
  return 0;
}

/* Make the ring cover `seq`: the least power of two that does. */
static int grow(weft_sim *sim, struct bitmap *set, uint32_t base, uint32_t seq) {
  struct bitmap wide;
  if (!weft__bitmap_make(sim, &wide, seq - base + 1)) return 0;
  for (uint32_t i = base; i - base < bitmap_size(set); ++i)
    if (bitmap_has(sim, set, base, i)) *bitmap_word(sim, &wide, i) |= 1ull << i % 64;
  weft__bitmap_release(sim, set);
  *set = wide;
  return 1;
}

int weft__bitmap_add(weft_sim *sim, struct bitmap *set, uint32_t base, uint32_t seq) {
  WEFT_ASSERT(seq - base < BITMAP_SPAN);
  if (seq - base >= bitmap_size(set) && !grow(sim, set, base, seq)) return 0;
  *bitmap_word(sim, set, seq) |= 1ull << seq % 64;
  return 1;
}
