/* The blocks of kernels.c for one width of vectors, by its names: LANES, LANES_TYPE, IN(name) of a
 * function, TARGET of the machine. */
#define INLINE static inline __attribute__((always_inline)) TARGET

INLINE void IN(begin)(const struct sum *s, const float *c, uint32_t j, LANES_TYPE *x) {
  const float *from = s->adds ? c : s->start != NULL ? s->start + j : NULL;
  if (from == NULL) {
    *x = (LANES_TYPE){0};
  } else {
    memcpy(x, from, sizeof *x);
  }
}

INLINE void IN(rows_of_4)(const struct sum *s, uint32_t i, uint32_t j, float *c) {
  LANES_TYPE x[4][2];
  for (uint32_t r = 0; r < 4; ++r)
    for (uint32_t p = 0; p < 2; ++p)
      IN(begin)(s, c + (size_t)r * s->n + p * LANES, j + p * LANES, &x[r][p]);
  const float *a0 = s->a.at + i * s->a.row, *a1 = a0 + s->a.row, *a2 = a1 + s->a.row,
              *a3 = a2 + s->a.row, *b = s->b + j;
  for (size_t k = 0; k < s->k; ++k, b += s->n) {
    LANES_TYPE low, high;
    memcpy(&low, b, sizeof low);
    memcpy(&high, b + LANES, sizeof high);
    const size_t at = k * s->a.column;
    const float y0 = a0[at], y1 = a1[at], y2 = a2[at], y3 = a3[at];
    x[0][0] += y0 * low;
    x[0][1] += y0 * high;
    x[1][0] += y1 * low;
    x[1][1] += y1 * high;
    x[2][0] += y2 * low;
    x[2][1] += y2 * high;
    x[3][0] += y3 * low;
    x[3][1] += y3 * high;
  }
  for (uint32_t r = 0; r < 4; ++r)
    for (uint32_t p = 0; p < 2; ++p)
      memcpy(c + (size_t)r * s->n + p * LANES, &x[r][p], sizeof x[r][p]);
}

INLINE void IN(row_of_8)(const struct sum *s, uint32_t i, uint32_t j, float *c) {
  LANES_TYPE x[8];
  for (uint32_t p = 0; p < 8; ++p) IN(begin)(s, c + p * LANES, j + p * LANES, &x[p]);
  const float *a = s->a.at + i * s->a.row, *b = s->b + j;
  for (size_t k = 0; k < s->k; ++k, b += s->n) {
    const float y = a[k * s->a.column];
    for (uint32_t p = 0; p < 8; ++p) {
      LANES_TYPE z;
      memcpy(&z, b + p * LANES, sizeof z);
      x[p] += y * z;
    }
  }
  for (uint32_t p = 0; p < 8; ++p) memcpy(c + p * LANES, &x[p], sizeof x[p]);
}

INLINE void IN(row_of_1)(const struct sum *s, uint32_t i, uint32_t j, float *c) {
  LANES_TYPE x, z;
  IN(begin)(s, c, j, &x);
  const float *a = s->a.at + i * s->a.row, *b = s->b + j;
  for (size_t k = 0; k < s->k; ++k, b += s->n) {
    memcpy(&z, b, sizeof z);
    x += a[k * s->a.column] * z;
  }
  memcpy(c, &x, sizeof x);
}

INLINE void IN(row_from)(const struct sum *s, uint32_t i, uint32_t j, float *c) {
  for (; j + 8 * LANES <= s->n; j += 8 * LANES) IN(row_of_8)(s, i, j, c + j);
  for (; j + LANES <= s->n; j += LANES) IN(row_of_1)(s, i, j, c + j);
  for (; j < s->n; ++j) one(s, i, j, c + j);
}

static TARGET void IN(product)(const struct sum *s, uint32_t m, float *c) {
  uint32_t i = 0;
  for (; i + 4 <= m; i += 4, c += (size_t)4 * s->n) {
    uint32_t j = 0;
    for (; j + 2 * LANES <= s->n; j += 2 * LANES) IN(rows_of_4)(s, i, j, c + j);
    if (j == s->n) continue;
    for (uint32_t r = 0; r < 4; ++r) IN(row_from)(s, i + r, j, c + (size_t)r * s->n);
  }
  for (; i < m; ++i, c += s->n) IN(row_from)(s, i, 0, c);
}

#undef INLINE
