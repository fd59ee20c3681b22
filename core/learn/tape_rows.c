/* Operations of the tape on rows: sets and graphs, normalisation, attention. */
#include <math.h>
#include <string.h>

#include "learn/math_i.h"
#include "learn/tape_i.h"

/* ---- sets and graphs ---- */

static void add_row(float *to, const float *from, uint32_t columns) {
  for (uint32_t j = 0; j < columns; ++j) to[j] += from[j];
}

static void gather_back(struct tape *tape, const struct tape_node *y) {
  float *to = tape_at(tape, y->a)->gradient;
  for (uint32_t i = 0; i < y->rows; ++i)
    add_row(to + (size_t)y->index[i] * y->columns, y->gradient + (size_t)i * y->columns,
            y->columns);
}

uint32_t weft__tape_gather(struct tape *tape, uint32_t a, const uint32_t *index, uint32_t n) {
  static const struct tape_op op = {gather_back};
  if (tape->failed) return 0;
  const uint32_t columns = tape_at(tape, a)->columns;
  const uint32_t node = weft__tape_node(tape, &op, n, columns, a, 0, 0);
  if (node == 0) return 0;
  struct tape_node *y = tape_at(tape, node);
  y->index = index;
  const float *from = tape_at(tape, a)->value;
  for (uint32_t i = 0; i < n; ++i)
    memcpy(y->value + (size_t)i * columns, from + (size_t)index[i] * columns,
           columns * sizeof(float));
  return node;
}

static void scatter_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *a = tape_at(tape, y->a);
  for (uint32_t i = 0; i < a->rows; ++i)
    add_row(a->gradient + (size_t)i * y->columns, y->gradient + (size_t)y->index[i] * y->columns,
            y->columns);
}

uint32_t weft__tape_scatter(struct tape *tape, uint32_t a, const uint32_t *index, uint32_t rows) {
  static const struct tape_op op = {scatter_back};
  if (tape->failed) return 0;
  const uint32_t columns = tape_at(tape, a)->columns, n = tape_at(tape, a)->rows;
  const uint32_t node = weft__tape_node(tape, &op, rows, columns, a, 0, 0);
  if (node == 0) return 0;
  struct tape_node *y = tape_at(tape, node);
  y->index = index;
  memset(y->value, 0, tape_size(y) * sizeof(float));
  const float *from = tape_at(tape, a)->value;
  for (uint32_t i = 0; i < n; ++i)
    add_row(y->value + (size_t)index[i] * columns, from + (size_t)i * columns, columns);
  return node;
}

/* ---- normalisation ---- */

static const float TINY = 1e-5f; /* added to a variance, as is usual */

/* y = h gain + bias with h = (x - mean) / deviation. `kept`: h, then 1 / deviation of each row.
 * `count`: 1 where the mean is taken off. */
static void norm_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *x = tape_at(tape, y->a), *gain = tape_at(tape, y->b);
  const uint32_t n = y->columns;
  for (uint32_t i = 0; i < y->rows; ++i) {
    const float *g = y->gradient + (size_t)i * n, *h = y->kept + (size_t)i * n;
    for (uint32_t j = 0; gain->gradient != NULL && j < n; ++j) gain->gradient[j] += g[j] * h[j];
    if (y->c != 0 && tape_at(tape, y->c)->gradient != NULL)
      add_row(tape_at(tape, y->c)->gradient, g, n);
    if (x->gradient == NULL) continue;
    float sum = 0, along = 0;
    for (uint32_t j = 0; j < n; ++j) {
      const float d = g[j] * gain->value[j];
      sum += d;
      along += d * h[j];
    }
    const float mean = y->count ? sum / (float)n : 0, inverse = y->kept[tape_size(y) + i];
    float *to = x->gradient + (size_t)i * n;
    for (uint32_t j = 0; j < n; ++j)
      to[j] += inverse * (g[j] * gain->value[j] - mean - h[j] * (along / (float)n));
  }
}

static uint32_t norm(struct tape *tape, uint32_t a, uint32_t gain, uint32_t bias, int centred) {
  static const struct tape_op op = {norm_back};
  if (tape->failed) return 0;
  const uint32_t rows = tape_at(tape, a)->rows, n = tape_at(tape, a)->columns;
  const uint32_t node = weft__tape_node(tape, &op, rows, n, a, gain, bias);
  float *kept = node != 0 ? weft__tape_floats(tape, (uint64_t)rows * n + rows) : NULL;
  if (kept == NULL) return 0;
  struct tape_node *y = tape_at(tape, node);
  y->kept = kept;
  y->count = centred != 0;
  const float *by = tape_at(tape, gain)->value;
  const float *shift = bias != 0 ? tape_at(tape, bias)->value : NULL;
  for (uint32_t i = 0; i < rows; ++i) {
    const float *x = tape_at(tape, a)->value + (size_t)i * n;
    float mean = 0, square = 0;
    for (uint32_t j = 0; centred && j < n; ++j) mean += x[j];
    mean /= (float)n;
    for (uint32_t j = 0; j < n; ++j) square += (x[j] - mean) * (x[j] - mean);
    const float inverse = 1 / sqrtf(square / (float)n + TINY);
    kept[tape_size(y) + i] = inverse;
    for (uint32_t j = 0; j < n; ++j) {
      const float h = (x[j] - mean) * inverse;
      kept[(size_t)i * n + j] = h;
      y->value[(size_t)i * n + j] = h * by[j] + (shift != NULL ? shift[j] : 0);
    }
  }
  return node;
}

uint32_t weft__tape_layer_norm(struct tape *tape, uint32_t a, uint32_t gain, uint32_t bias) {
  return norm(tape, a, gain, bias, 1);
}

uint32_t weft__tape_rms_norm(struct tape *tape, uint32_t a, uint32_t gain) {
  return norm(tape, a, gain, 0, 0);
}

/* ---- attention ---- */

static float dot(const float *a, const float *b, uint32_t n) {
  float sum = 0;
  for (uint32_t j = 0; j < n; ++j) sum += a[j] * b[j];
  return sum;
}

static void add_scaled(float *to, float factor, const float *from, uint32_t n) {
  for (uint32_t j = 0; j < n; ++j) to[j] += factor * from[j];
}

/* `kept`: the shares of each row, segment after segment. With shares p of values v: the derivative
 * by a score is p (d - sum p d), d that by the share. */
static void attention_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *q = tape_at(tape, y->a), *k = tape_at(tape, y->b),
                         *v = tape_at(tape, y->c);
  const uint32_t n = y->columns, d = q->columns;
  const float scale = 1 / sqrtf((float)d);
  const float *share = y->kept;
  for (uint32_t s = 0, first = 0; s < y->count; first = y->index[s++]) {
    for (uint32_t i = first; i < y->index[s]; ++i) {
      const float *g = y->gradient + (size_t)i * n;
      float all = 0;
      for (uint32_t j = first; j < y->index[s]; ++j)
        all += share[j - first] * dot(g, v->value + (size_t)j * n, n);
      for (uint32_t j = first; j < y->index[s]; ++j) {
        const float p = share[j - first];
        const float by = p * (dot(g, v->value + (size_t)j * n, n) - all) * scale;
        if (v->gradient != NULL) add_scaled(v->gradient + (size_t)j * n, p, g, n);
        if (q->gradient != NULL)
          add_scaled(q->gradient + (size_t)i * d, by, k->value + (size_t)j * d, d);
        if (k->gradient != NULL)
          add_scaled(k->gradient + (size_t)j * d, by, q->value + (size_t)i * d, d);
      }
      share += y->index[s] - first;
    }
  }
}

/* Turn scores into shares: e^score, over their sum. */
static void softmax(float *scores, uint32_t n) {
  float most = scores[0], sum = 0;
  for (uint32_t j = 1; j < n; ++j) most = scores[j] > most ? scores[j] : most;
  for (uint32_t j = 0; j < n; ++j) {
    scores[j] = learn_exp(scores[j] - most);
    sum += scores[j];
  }
  for (uint32_t j = 0; j < n; ++j) scores[j] /= sum;
}

uint32_t weft__tape_attention(struct tape *tape, uint32_t query, uint32_t key, uint32_t value,
                              const uint32_t *ends, uint32_t count) {
  static const struct tape_op op = {attention_back};
  if (tape->failed) return 0;
  uint64_t shares = 0;
  for (uint32_t s = 0, first = 0; s < count; first = ends[s++])
    shares += (uint64_t)(ends[s] - first) * (ends[s] - first);
  const uint32_t rows = tape_at(tape, query)->rows, n = tape_at(tape, value)->columns;
  const uint32_t node = weft__tape_node(tape, &op, rows, n, query, key, value);
  float *share = node != 0 ? weft__tape_floats(tape, shares) : NULL;
  if (share == NULL) return 0;
  struct tape_node *y = tape_at(tape, node);
  y->kept = share;
  y->index = ends;
  y->count = count;
  const struct tape_node *q = tape_at(tape, query), *k = tape_at(tape, key),
                         *v = tape_at(tape, value);
  const float scale = 1 / sqrtf((float)q->columns);
  memset(y->value, 0, tape_size(y) * sizeof(float));
  for (uint32_t s = 0, first = 0; s < count; first = ends[s++]) {
    for (uint32_t i = first; i < ends[s]; ++i) {
      for (uint32_t j = first; j < ends[s]; ++j)
        share[j - first] = scale * dot(q->value + (size_t)i * q->columns,
                                       k->value + (size_t)j * q->columns, q->columns);
      softmax(share, ends[s] - first);
      for (uint32_t j = first; j < ends[s]; ++j)
        add_scaled(y->value + (size_t)i * n, share[j - first], v->value + (size_t)j * n, n);
      share += ends[s] - first;
    }
  }
  return node;
}
