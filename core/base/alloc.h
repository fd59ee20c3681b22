/* Memory of a simulation: one counted allocator, growable pools addressed by index. */
#ifndef WEFT_BASE_ALLOC_H
#define WEFT_BASE_ALLOC_H

#include "weft_types.h"

/** Resize through the simulation's allocator and keep its byte count. NULL when out of memory. */
void *weft__resize(weft_sim *sim, void *block, size_t old_size, size_t new_size);

/** Grow an array to hold `need` elements, doubling; returns the new base and updates *cap. NULL on
 *  failure (the old array stays valid). New elements are not initialised. */
void *weft__grow(weft_sim *sim, void *base, uint32_t *cap, size_t element, uint64_t need);

/** Give back what an array of `n` used elements has too much; as weft__grow. */
void *weft__trim(weft_sim *sim, void *base, uint32_t *cap, size_t element, uint32_t n);

/** The allocator that was given, or with NULL that of the C library. */
weft_allocator weft__allocator(const weft_allocator *given);

/* A pool is an array with a fill count. No pointer into one may be kept across a call that can add
 * to it: that is what the indices are for. */
#define WEFT_POOL(type) \
  struct {              \
    type *at;           \
    uint32_t n, cap;    \
  }

/* A room lists its pools as X(room, name, type), so that what treats all alike (copying, freeing)
 * can reach them. */
#define WEFT_POOL_MEMBER(room, name, type) WEFT_POOL(type) name;

/* Make room for `need` elements in all; true on success. `sim->scratch` carries the new base, so
 * that the macro stays an expression in standard C. */
#define pool_reserve(sim, pool, need)                                                      \
  ((uint64_t)(need) <= (pool).cap ||                                                       \
   ((sim)->scratch = weft__grow((sim), (pool).at, &(pool).cap, sizeof *(pool).at, (need)), \
    (sim)->scratch != NULL ? ((pool).at = (sim)->scratch, 1) : 0))

/* Give back what a pool that will not grow has too much; true on success. */
#define pool_trim(sim, pool)                                                                 \
  ((pool).n == 0 ||                                                                          \
   ((sim)->scratch = weft__trim((sim), (pool).at, &(pool).cap, sizeof *(pool).at, (pool).n), \
    (sim)->scratch != NULL ? ((pool).at = (sim)->scratch, 1) : 0))

#endif
