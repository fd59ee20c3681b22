/* Scratch memory: what a function needs until it returns, or hands to who has called it.
 *
 * A bump allocator over blocks that never move, so pointers stay valid as more is taken: unlike
 * those into a pool. Who takes, or calls what hands him something, keeps the mark from before and
 * goes back to it:
 *
 *   const size_t mark = weft__arena_mark(&sim->arena);
 *   uint32_t *slots = weft__arena_take(sim, &sim->arena, n * sizeof *slots);
 *   ...
 *   weft__arena_reset(sim, &sim->arena, mark);
 *
 * It is no part of the simulation's value: empty between calls, and a fork begins with none. Once
 * all that is ever needed at a time has been taken, there is one block, and nothing is allocated
 * any more. */
#ifndef WEFT_BASE_ARENA_H
#define WEFT_BASE_ARENA_H

#include <stddef.h>

#include "weft_types.h"

struct arena_block;

struct arena {
  struct arena_block *top;
  size_t used, most; /* bytes now; at most so far */
};

static inline size_t weft__arena_mark(const struct arena *arena) {
  return arena->used;
}

/** So many bytes for anything made of words of 8, not initialised; NULL when out of memory. */
void *weft__arena_take(weft_sim *sim, struct arena *arena, uint64_t bytes);

/** Give back all that was taken since a mark. */
void weft__arena_reset(weft_sim *sim, struct arena *arena, size_t mark);

/** Give back all, and the memory itself. */
void weft__arena_free(weft_sim *sim, struct arena *arena);

#endif
