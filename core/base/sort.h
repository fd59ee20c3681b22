/* Sorting of words. */
#ifndef WEFT_BASE_SORT_H
#define WEFT_BASE_SORT_H

#include <stdint.h>

/** Sort in place, ascending. */
void weft__sort_words(uint64_t *at, uint32_t n);

#endif
