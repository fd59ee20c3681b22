/* Memory of a simulation: see alloc.h. */
#include "alloc.h"

#include <stdlib.h>
#include <string.h>

#include "sim_i.h"

/* Blocks begin with a cache line, so that a port, a sender or a chunk of events is one and not
 * parts of two. realloc() keeps less, but moves large blocks without copying; so a block begins up
 * to a line into what it gives, and the byte before says how far. */
static void *resize_with_libc(void *user, void *block, size_t old_size, size_t new_size) {
  enum { LINE = 64 };
  (void)user;
  unsigned char *old = block;
  const size_t before = old != NULL ? old[-1] : 0;
  if (new_size == 0) {
    free(old != NULL ? old - before : NULL);
    return NULL;
  }
  unsigned char *base = realloc(old != NULL ? old - before : NULL, new_size + LINE);
  if (base == NULL) return NULL;
  const size_t after = LINE - (uintptr_t)base % LINE;
  if (old != NULL && after != before)
    memmove(base + after, base + before, old_size < new_size ? old_size : new_size);
  base[after - 1] = (unsigned char)after;
  return base + after;
}

weft_allocator weft__allocator(const weft_allocator *given) {
  return given != NULL ? *given : (weft_allocator){resize_with_libc, NULL};
}

void *weft__resize(weft_sim *sim, void *block, size_t old_size, size_t new_size) {
  void *grown = sim->allocator.resize(sim->allocator.user, block, old_size, new_size);
  if (grown != NULL || new_size == 0) {
    sim->memory_bytes += new_size - old_size;
  } else {
    weft__fail(sim, WEFT_ENOMEM, "out of memory"); /* who knows what for says more */
  }
  return grown;
}

/* Growing by doubles wastes a third on average, which of large pools is much; by quarters, a ninth,
 * and large blocks are moved by remapping. */
enum { DOUBLE_BYTES = 1 << 16 };

void *weft__grow(weft_sim *sim, void *base, uint32_t *cap, size_t element, uint64_t need) {
  /* Check builds start tiny, so that growth and moving bases are exercised everywhere. */
  const uint64_t least = WEFT_CHECK ? 1 : 64 / element + 8;
  const uint64_t doubles = WEFT_CHECK ? 8 : DOUBLE_BYTES / element;
  uint64_t size = *cap;
  if (size < least) size = least;
  while (size < need) size += size > doubles ? size / 4 : size;
  if (size > UINT32_MAX) size = UINT32_MAX;
  if (size < need) {
    weft__fail(sim, WEFT_ENOMEM, "out of memory: more than 2^32 of a kind");
    return NULL;
  }
  void *grown = weft__resize(sim, base, *cap * element, size * element);
  if (grown != NULL) *cap = (uint32_t)size;
  return grown;
}

void *weft__trim(weft_sim *sim, void *base, uint32_t *cap, size_t element, uint32_t n) {
  if (n == *cap) return base;
  void *trimmed = weft__resize(sim, base, *cap * element, n * element);
  if (trimmed != NULL) *cap = n;
  return trimmed;
}
