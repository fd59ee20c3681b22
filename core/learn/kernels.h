/* Dense kernels in single precision. Each element of a result is a sum in one order, whatever the
 * blocks, the lanes or the threads, so a row has the same bits alone and in a batch. */
#ifndef WEFT_LEARN_KERNELS_H
#define WEFT_LEARN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A matrix to be read: element (i, k) is at[i * row + k * column]. */
struct learn_view {
  const float *at;
  size_t row, column;
};

/** c (m x n, dense) = a (m x k) b (k x n, dense) + start, a row of n, or NULL for 0. */
void weft__learn_product(uint32_t m, uint32_t n, uint32_t k, struct learn_view a, const float *b,
                         const float *start, float *c);

/** c += a b. */
void weft__learn_add_product(uint32_t m, uint32_t n, uint32_t k, struct learn_view a,
                             const float *b, float *c);

/** out (columns x rows) = the transpose of in (rows x columns). */
void weft__learn_transpose(uint32_t rows, uint32_t columns, const float *in, float *out);

#endif
