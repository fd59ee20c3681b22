/* Operations of the tape on single elements, columns and products. */
#include <string.h>

#include "learn/kernels.h"
#include "learn/math_i.h"
#include "learn/tape_i.h"

static float *value_of(const struct tape *tape, uint32_t node) {
  return tape_at(tape, node)->value;
}

static float *gradient_of(const struct tape *tape, uint32_t node) {
  return tape_at(tape, node)->gradient;
}

/* ---- linear ---- */

static void linear_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *x = tape_at(tape, y->a), *w = tape_at(tape, y->b);
  const uint32_t in = w->rows, out = w->columns;
  if (x->gradient != NULL) {
    float *turned = weft__tape_floats(tape, tape_size(w));
    if (turned == NULL) return;
    weft__learn_transpose(in, out, w->value, turned);
    weft__learn_add_product(y->rows, in, out, (struct learn_view){y->gradient, out, 1}, turned,
                            x->gradient);
  }
  if (w->gradient != NULL)
    weft__learn_add_product(in, out, y->rows, (struct learn_view){x->value, 1, in}, y->gradient,
                            w->gradient);
  if (y->c == 0 || gradient_of(tape, y->c) == NULL) return;
  float *bias = gradient_of(tape, y->c);
  for (uint32_t i = 0; i < y->rows; ++i)
    for (uint32_t j = 0; j < out; ++j) bias[j] += y->gradient[(size_t)i * out + j];
}

uint32_t weft__tape_linear(struct tape *tape, uint32_t x, uint32_t w, uint32_t bias) {
  static const struct tape_op op = {linear_back};
  if (tape->failed) return 0;
  const uint32_t rows = tape_at(tape, x)->rows, in = tape_at(tape, w)->rows,
                 out = tape_at(tape, w)->columns;
  const uint32_t node = weft__tape_node(tape, &op, rows, out, x, w, bias);
  if (node == 0) return 0;
  weft__learn_product(rows, out, in, (struct learn_view){value_of(tape, x), in, 1},
                      value_of(tape, w), bias != 0 ? value_of(tape, bias) : NULL,
                      value_of(tape, node));
  return node;
}

/* ---- element by element ---- */

/* A second operand of one row is that of every row. */
static size_t second(const struct tape_node *y, const struct tape_node *b, size_t i) {
  return b->rows == y->rows ? i : i % y->columns;
}

static void add_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *a = tape_at(tape, y->a), *b = tape_at(tape, y->b);
  const size_t size = tape_size(y);
  for (size_t i = 0; a->gradient != NULL && i < size; ++i) a->gradient[i] += y->gradient[i];
  for (size_t i = 0; b->gradient != NULL && i < size; ++i)
    b->gradient[second(y, b, i)] += y->gradient[i];
}

uint32_t weft__tape_add(struct tape *tape, uint32_t a, uint32_t b) {
  static const struct tape_op op = {add_back};
  if (tape->failed) return 0;
  const uint32_t node =
      weft__tape_node(tape, &op, tape_at(tape, a)->rows, tape_at(tape, a)->columns, a, b, 0);
  if (node == 0) return 0;
  const struct tape_node *y = tape_at(tape, node), *of = tape_at(tape, b);
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = from[i] + of->value[second(y, of, i)];
  return node;
}

static void multiply_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *a = tape_at(tape, y->a), *b = tape_at(tape, y->b);
  const size_t size = tape_size(y);
  for (size_t i = 0; a->gradient != NULL && i < size; ++i)
    a->gradient[i] += y->gradient[i] * b->value[second(y, b, i)];
  for (size_t i = 0; b->gradient != NULL && i < size; ++i)
    b->gradient[second(y, b, i)] += y->gradient[i] * a->value[i];
}

uint32_t weft__tape_multiply(struct tape *tape, uint32_t a, uint32_t b) {
  static const struct tape_op op = {multiply_back};
  if (tape->failed) return 0;
  const uint32_t node =
      weft__tape_node(tape, &op, tape_at(tape, a)->rows, tape_at(tape, a)->columns, a, b, 0);
  if (node == 0) return 0;
  const struct tape_node *y = tape_at(tape, node), *of = tape_at(tape, b);
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = from[i] * of->value[second(y, of, i)];
  return node;
}

/* A node as large as one, and made of it. */
static struct tape_node *like(struct tape *tape, const struct tape_op *op, uint32_t a,
                              uint32_t *node) {
  *node = 0;
  if (tape->failed) return NULL;
  const uint32_t rows = tape_at(tape, a)->rows, columns = tape_at(tape, a)->columns;
  *node = weft__tape_node(tape, op, rows, columns, a, 0, 0);
  return *node != 0 ? tape_at(tape, *node) : NULL;
}

static void relu_back(struct tape *tape, const struct tape_node *y) {
  float *to = gradient_of(tape, y->a);
  for (size_t i = 0; i < tape_size(y); ++i) to[i] += y->value[i] > 0 ? y->gradient[i] : 0;
}

uint32_t weft__tape_relu(struct tape *tape, uint32_t a) {
  static const struct tape_op op = {relu_back};
  uint32_t node;
  struct tape_node *y = like(tape, &op, a, &node);
  if (y == NULL) return 0;
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = from[i] > 0 ? from[i] : 0;
  return node;
}

static void tanh_back(struct tape *tape, const struct tape_node *y) {
  float *to = gradient_of(tape, y->a);
  for (size_t i = 0; i < tape_size(y); ++i)
    to[i] += y->gradient[i] * (1 - y->value[i] * y->value[i]);
}

uint32_t weft__tape_tanh(struct tape *tape, uint32_t a) {
  static const struct tape_op op = {tanh_back};
  uint32_t node;
  struct tape_node *y = like(tape, &op, a, &node);
  if (y == NULL) return 0;
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = learn_tanh(from[i]);
  return node;
}

static void sigmoid_back(struct tape *tape, const struct tape_node *y) {
  float *to = gradient_of(tape, y->a);
  for (size_t i = 0; i < tape_size(y); ++i)
    to[i] += y->gradient[i] * y->value[i] * (1 - y->value[i]);
}

uint32_t weft__tape_sigmoid(struct tape *tape, uint32_t a) {
  static const struct tape_op op = {sigmoid_back};
  uint32_t node;
  struct tape_node *y = like(tape, &op, a, &node);
  if (y == NULL) return 0;
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = learn_sigmoid(from[i]);
  return node;
}

static void scale_back(struct tape *tape, const struct tape_node *y) {
  float *to = gradient_of(tape, y->a);
  for (size_t i = 0; i < tape_size(y); ++i) to[i] += y->gradient[i] * *y->kept;
}

uint32_t weft__tape_scale(struct tape *tape, uint32_t a, float factor) {
  static const struct tape_op op = {scale_back};
  uint32_t node;
  struct tape_node *y = like(tape, &op, a, &node);
  float *kept = y != NULL ? weft__tape_floats(tape, 1) : NULL;
  if (kept == NULL) return 0;
  y->kept = kept;
  *kept = factor;
  const float *from = value_of(tape, a);
  for (size_t i = 0; i < tape_size(y); ++i) y->value[i] = from[i] * factor;
  return node;
}

/* ---- columns ---- */

static void concat_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *part[2] = {tape_at(tape, y->a), tape_at(tape, y->b)};
  size_t first = 0;
  for (int p = 0; p < 2; first += part[p++]->columns) {
    if (part[p]->gradient == NULL) continue;
    for (uint32_t i = 0; i < y->rows; ++i)
      for (uint32_t j = 0; j < part[p]->columns; ++j)
        part[p]->gradient[(size_t)i * part[p]->columns + j] +=
            y->gradient[(size_t)i * y->columns + first + j];
  }
}

uint32_t weft__tape_concat(struct tape *tape, uint32_t a, uint32_t b) {
  static const struct tape_op op = {concat_back};
  if (tape->failed) return 0;
  const uint32_t rows = tape_at(tape, a)->rows, left = tape_at(tape, a)->columns,
                 right = tape_at(tape, b)->columns;
  const uint32_t node = weft__tape_node(tape, &op, rows, left + right, a, b, 0);
  if (node == 0) return 0;
  float *to = value_of(tape, node);
  const float *x = value_of(tape, a), *y = value_of(tape, b);
  for (uint32_t i = 0; i < rows; ++i, to += left + right, x += left, y += right) {
    memcpy(to, x, left * sizeof *to);
    memcpy(to + left, y, right * sizeof *to);
  }
  return node;
}

static void columns_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *a = tape_at(tape, y->a);
  for (uint32_t i = 0; i < y->rows; ++i)
    for (uint32_t j = 0; j < y->columns; ++j)
      a->gradient[(size_t)i * a->columns + y->count + j] += y->gradient[(size_t)i * y->columns + j];
}

uint32_t weft__tape_columns(struct tape *tape, uint32_t a, uint32_t first, uint32_t count) {
  static const struct tape_op op = {columns_back};
  if (tape->failed) return 0;
  const uint32_t rows = tape_at(tape, a)->rows, columns = tape_at(tape, a)->columns;
  const uint32_t node = weft__tape_node(tape, &op, rows, count, a, 0, 0);
  if (node == 0) return 0;
  tape_at(tape, node)->count = first;
  float *to = value_of(tape, node);
  const float *from = value_of(tape, a) + first;
  for (uint32_t i = 0; i < rows; ++i, to += count, from += columns)
    memcpy(to, from, count * sizeof *to);
  return node;
}

/* ---- to one number ---- */

static void mean_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *a = tape_at(tape, y->a);
  const float each = y->gradient[0] / (float)tape_size(a);
  for (size_t i = 0; i < tape_size(a); ++i) a->gradient[i] += each;
}

uint32_t weft__tape_mean(struct tape *tape, uint32_t a) {
  static const struct tape_op op = {mean_back};
  const uint32_t node = weft__tape_node(tape, &op, 1, 1, a, 0, 0);
  if (node == 0) return 0;
  const size_t size = tape_size(tape_at(tape, a));
  double sum = 0;
  for (size_t i = 0; i < size; ++i) sum += value_of(tape, a)[i];
  value_of(tape, node)[0] = (float)(sum / (double)size);
  return node;
}

static void error_back(struct tape *tape, const struct tape_node *y) {
  const struct tape_node *z = tape_at(tape, y->a);
  for (uint32_t i = 0; i < z->rows; ++i) z->gradient[i] += y->gradient[0] * y->kept[i];
}

uint32_t weft__tape_error(struct tape *tape, uint32_t z, const float *target, float weight,
                          float limit) {
  static const struct tape_op op = {error_back};
  const uint32_t node = weft__tape_node(tape, &op, 1, 1, z, 0, 0);
  const uint32_t rows = node != 0 ? tape_at(tape, z)->rows : 0;
  float *slope = node != 0 ? weft__tape_floats(tape, rows) : NULL;
  if (slope == NULL) return 0;
  double sum = 0;
  for (uint32_t i = 0; i < rows; ++i) {
    const float t = learn_tanh(value_of(tape, z)[i] / limit);
    const float ratio = learn_exp(limit * t - target[i]);
    const float off = ratio - 1;
    sum += off < 0 ? -off : off;
    slope[i] = weight * (off < 0 ? -ratio : ratio) * (1 - t * t);
  }
  value_of(tape, node)[0] = weight * (float)sum;
  tape_at(tape, node)->kept = slope;
  return node;
}
