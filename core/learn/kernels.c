/* Products of matrices, in blocks that stay in registers: 4 rows of 2 vectors, 1 row of 8, and
 * what is left over. Vectors of 4 floats are as wide as every 64-bit machine has them; those of 8
 * are for processors with AVX2. Both do the same with each element, so they give the same bits. */
#include "learn/kernels.h"

#include <string.h>

/* c begins with itself (adds), with a row, or with 0. */
struct sum {
  uint32_t k, n;
  struct learn_view a;
  const float *b, *start;
  int adds;
};

static inline __attribute__((always_inline)) void one(const struct sum *s, uint32_t i, uint32_t j,
                                                      float *c) {
  float x = s->adds ? *c : s->start != NULL ? s->start[j] : 0;
  const float *a = s->a.at + i * s->a.row, *b = s->b + j;
  for (size_t k = 0; k < s->k; ++k, b += s->n) x += a[k * s->a.column] * *b;
  *c = x;
}

typedef float lanes_of_4 __attribute__((vector_size(16)));

#define LANES 4u
#define LANES_TYPE lanes_of_4
#define IN(name) name##_by_4
#define TARGET
#include "learn/blocks_i.h"
#undef LANES
#undef LANES_TYPE
#undef IN
#undef TARGET

#if defined __x86_64__
typedef float lanes_of_8 __attribute__((vector_size(32)));

#define LANES 8u
#define LANES_TYPE lanes_of_8
#define IN(name) name##_by_8
#define TARGET __attribute__((target("avx2")))
#include "learn/blocks_i.h"

static void product(const struct sum *s, uint32_t m, float *c) {
  if (__builtin_cpu_supports("avx2")) {
    product_by_8(s, m, c);
  } else {
    product_by_4(s, m, c);
  }
}
#else
static void product(const struct sum *s, uint32_t m, float *c) {
  product_by_4(s, m, c);
}
#endif

void weft__learn_product(uint32_t m, uint32_t n, uint32_t k, struct learn_view a, const float *b,
                         const float *start, float *c) {
  const struct sum s = {.k = k, .n = n, .a = a, .b = b, .start = start};
  product(&s, m, c);
}

void weft__learn_add_product(uint32_t m, uint32_t n, uint32_t k, struct learn_view a,
                             const float *b, float *c) {
  const struct sum s = {.k = k, .n = n, .a = a, .b = b, .adds = 1};
  product(&s, m, c);
}

void weft__learn_transpose(uint32_t rows, uint32_t columns, const float *in, float *out) {
  for (uint32_t i = 0; i < rows; ++i)
    for (uint32_t j = 0; j < columns; ++j) out[(size_t)j * rows + i] = in[(size_t)i * columns + j];
}
