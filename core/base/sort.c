/* Sorting without memory of its own. */
#include "sort.h"

static void sift(uint64_t *at, uint32_t hole, uint32_t n) {
  const uint64_t word = at[hole];
  for (uint32_t child; (child = 2 * hole + 1) < n; hole = child) {
    if (child + 1 < n && at[child] < at[child + 1]) ++child;
    if (word >= at[child]) break;
    at[hole] = at[child];
  }
  at[hole] = word;
}

enum { FEW = 24 };

static void insert_rest(uint64_t *at, uint32_t sorted, uint32_t n) {
  for (; sorted < n; ++sorted) {
    const uint64_t word = at[sorted];
    uint32_t i = sorted;
    for (; i > 0 && at[i - 1] > word; --i) at[i] = at[i - 1];
    at[i] = word;
  }
}

/* Heap sort, but of few: no memory, no bad case. */
void weft__sort_words(uint64_t *at, uint32_t n) {
  uint32_t sorted = 1;
  while (sorted < n && at[sorted - 1] <= at[sorted]) ++sorted;
  if (sorted >= n) return;
  if (n <= FEW) {
    insert_rest(at, sorted, n);
    return;
  }
  for (uint32_t i = n / 2; i-- > 0;) sift(at, i, n);
  for (uint32_t end = n; end-- > 1;) {
    const uint64_t last = at[0];
    at[0] = at[end];
    at[end] = last;
    sift(at, 0, end);
  }
}
