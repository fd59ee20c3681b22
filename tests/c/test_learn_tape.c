/* Derivatives: each operation of the tape, and each architecture, against finite differences. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "learn/architecture.h"
#include "learn/kernels.h"
#include "learn/math_i.h"
#include "learn/tape.h"

enum { LEAVES = 16, MOST = 4096 };

/* Leaves with their numbers and gradients, and what is made of them. */
struct trial {
  uint32_t rows[LEAVES], columns[LEAVES];
  float value[LEAVES][MOST], gradient[LEAVES][MOST];
  uint32_t count;
  uint32_t (*make)(struct tape *tape, const uint32_t *leaf);
};

static float draw(uint64_t key, uint64_t n) {
  return (float)(2 * uniform(key, n) - 1);
}

static uint32_t leaf(struct trial *t, uint32_t rows, uint32_t columns) {
  ENSURE(rows * columns <= MOST);
  t->rows[t->count] = rows;
  t->columns[t->count] = columns;
  for (uint32_t i = 0; i < rows * columns; i++) t->value[t->count][i] = draw(t->count + 7, i);
  return t->count++;
}

/* The sum of the result's elements, each with a weight of its own. */
static double play(struct trial *t, struct tape *tape, bool backward) {
  uint32_t nodes[LEAVES];
  weft__tape_reset(tape);
  for (uint32_t i = 0; i < t->count; i++)
    nodes[i] = weft__tape_parameter(tape, t->rows[i], t->columns[i], t->value[i], t->gradient[i]);
  uint32_t node = t->make(tape, nodes);
  ENSURE(node != 0 && !tape->failed);
  const uint32_t rows = tape->nodes[node].rows, columns = tape->nodes[node].columns;
  const uint32_t weights = weft__tape_input(tape, rows, columns);
  double sum = 0;
  for (uint32_t i = 0; i < rows * columns; i++) {
    tape->nodes[weights].value[i] = draw(99, i);
    sum += (double)tape->nodes[node].value[i] * (double)draw(99, i);
  }
  if (backward) {
    for (uint32_t i = 0; i < t->count; i++) memset(t->gradient[i], 0, sizeof t->gradient[i]);
    node = weft__tape_mean(tape, weft__tape_multiply(tape, node, weights));
    weft__tape_backward(tape, weft__tape_scale(tape, node, (float)(rows * columns)));
  }
  return sum;
}

/* Central differences; where a step crosses a kink the two one-sided ones differ, and one holds. */
static void check_gradients(struct trial *t) {
  struct tape tape = {0};
  const double here = play(t, &tape, true);
  for (uint32_t i = 0; i < t->count; i++) {
    for (uint32_t k = 0; k < t->rows[i] * t->columns[i]; k++) {
      const float was = t->value[i][k], h = 2e-3f;
      t->value[i][k] = was + h;
      const double up = play(t, &tape, false);
      t->value[i][k] = was - h;
      const double down = play(t, &tape, false);
      t->value[i][k] = was;
      const double got = (double)t->gradient[i][k], both = (up - down) / (2 * (double)h);
      const double right = (up - here) / (double)h, left = (here - down) / (double)h;
      double off = fabs(got - both);
      if (fabs(right - left) > 0.05) off = fmin(fabs(got - right), fabs(got - left));
      if (!(off < 4e-3 * (1 + fabs(got))))
        test_fail(__FILE__, __LINE__, "leaf %u, element %u: got %g, wanted %g", i, k, got, both);
    }
  }
  weft__tape_free(&tape);
}

static void check_1(uint32_t rows, uint32_t columns,
                    uint32_t (*make)(struct tape *, const uint32_t *)) {
  struct trial *t = calloc(1, sizeof *t);
  t->make = make;
  leaf(t, rows, columns);
  check_gradients(t);
  free(t);
}

static void check_n(uint32_t n, const uint32_t (*size)[2],
                    uint32_t (*make)(struct tape *, const uint32_t *)) {
  struct trial *t = calloc(1, sizeof *t);
  t->make = make;
  for (uint32_t i = 0; i < n; i++) leaf(t, size[i][0], size[i][1]);
  check_gradients(t);
  free(t);
}

static uint32_t linear(struct tape *tape, const uint32_t *l) {
  return weft__tape_linear(tape, l[0], l[1], l[2]);
}
static uint32_t linear_alone(struct tape *tape, const uint32_t *l) {
  return weft__tape_linear(tape, l[0], l[1], 0);
}
static uint32_t add(struct tape *tape, const uint32_t *l) {
  return weft__tape_add(tape, weft__tape_add(tape, l[0], l[1]), l[2]);
}
static uint32_t multiply(struct tape *tape, const uint32_t *l) {
  return weft__tape_multiply(tape, weft__tape_multiply(tape, l[0], l[1]), l[2]);
}
static uint32_t square(struct tape *tape, const uint32_t *l) {
  return weft__tape_multiply(tape, l[0], l[0]);
}
static uint32_t relu(struct tape *tape, const uint32_t *l) {
  return weft__tape_relu(tape, l[0]);
}
static uint32_t hyperbolic(struct tape *tape, const uint32_t *l) {
  return weft__tape_tanh(tape, weft__tape_scale(tape, l[0], 2));
}
static uint32_t sigmoid(struct tape *tape, const uint32_t *l) {
  return weft__tape_sigmoid(tape, weft__tape_scale(tape, l[0], 3));
}
static uint32_t concat(struct tape *tape, const uint32_t *l) {
  return weft__tape_concat(tape, weft__tape_concat(tape, l[0], l[1]), l[0]);
}
static uint32_t columns(struct tape *tape, const uint32_t *l) {
  return weft__tape_concat(tape, weft__tape_columns(tape, l[0], 1, 3),
                           weft__tape_columns(tape, l[0], 2, 2));
}
static uint32_t gather(struct tape *tape, const uint32_t *l) {
  static const uint32_t index[] = {4, 0, 0, 2, 4};
  return weft__tape_gather(tape, l[0], index, 5);
}
static uint32_t scatter(struct tape *tape, const uint32_t *l) {
  static const uint32_t index[] = {2, 0, 2, 2, 1};
  return weft__tape_scatter(tape, l[0], index, 4);
}
static uint32_t layer_norm(struct tape *tape, const uint32_t *l) {
  return weft__tape_layer_norm(tape, l[0], l[1], l[2]);
}
static uint32_t rms_norm(struct tape *tape, const uint32_t *l) {
  return weft__tape_rms_norm(tape, l[0], l[1]);
}
static uint32_t attention(struct tape *tape, const uint32_t *l) {
  static const uint32_t ends[] = {3, 4, 6};
  return weft__tape_attention(tape, l[0], l[1], l[2], ends, 3);
}
static uint32_t mean(struct tape *tape, const uint32_t *l) {
  return weft__tape_mean(tape, l[0]);
}
static uint32_t error(struct tape *tape, const uint32_t *l) {
  static const float target[] = {0.4f, -0.3f, 1.5f, -1.2f, 0};
  return weft__tape_error(tape, weft__tape_scale(tape, l[0], 2), target, 0.25f, 0.7f);
}

TEST(derivatives_of_products_are_those_of_finite_differences) {
  check_n(3, (const uint32_t[][2]){{5, 7}, {7, 19}, {1, 19}}, linear);
  check_n(2, (const uint32_t[][2]){{9, 3}, {3, 1}}, linear_alone);
}

TEST(derivatives_of_elements_are_those_of_finite_differences) {
  check_n(3, (const uint32_t[][2]){{3, 4}, {3, 4}, {1, 4}}, add);
  check_n(3, (const uint32_t[][2]){{3, 4}, {3, 4}, {1, 4}}, multiply);
  check_1(3, 5, square);
  check_1(3, 5, relu);
  check_1(3, 5, hyperbolic);
  check_1(3, 5, sigmoid);
}

TEST(derivatives_of_columns_and_rows_are_those_of_finite_differences) {
  check_n(2, (const uint32_t[][2]){{3, 4}, {3, 2}}, concat);
  check_1(3, 5, columns);
  check_1(5, 3, gather);
  check_1(5, 3, scatter);
}

TEST(derivatives_of_norms_and_attention_are_those_of_finite_differences) {
  check_n(3, (const uint32_t[][2]){{4, 6}, {1, 6}, {1, 6}}, layer_norm);
  check_n(2, (const uint32_t[][2]){{4, 6}, {1, 6}}, rms_norm);
  check_n(3, (const uint32_t[][2]){{6, 4}, {6, 4}, {6, 5}}, attention);
}

TEST(derivatives_of_means_and_errors_are_those_of_finite_differences) {
  check_1(4, 3, mean);
  check_1(5, 1, error);
}

static uint32_t sets(struct tape *tape, const uint32_t *l) {
  static const uint32_t owner[] = {0, 0, 1, 2, 2, 2};
  struct learn_batch batch = {
      .flow = weft__tape_input(tape, 3, 4), .link = weft__tape_input(tape, 6, 3), .owner = owner};
  for (uint32_t i = 0; i < 12; i++) tape->nodes[batch.flow].value[i] = draw(31, i);
  for (uint32_t i = 0; i < 18; i++) tape->nodes[batch.link].value[i] = draw(32, i);
  return weft__learn_sets.forward(tape, l[0], &batch);
}

TEST(derivatives_of_sets_are_those_of_finite_differences) {
  const struct learn_shape shape = {.architecture = LEARN_SETS, .hidden = 5, .n = {4, 3}};
  struct learn_tensor tensors[LEARN_TENSORS_MAX];
  struct trial *t = calloc(1, sizeof *t);
  const uint32_t n = weft__learn_sets.tensors(&shape, tensors);
  for (uint32_t i = 0; i < n; i++) leaf(t, tensors[i].rows, tensors[i].columns);
  t->make = sets;
  check_gradients(t);
  free(t);
}

/* The plain product: sums in the order of k. */
static void plain(uint32_t m, uint32_t n, uint32_t k, const float *a, const float *b, float *c) {
  for (uint32_t i = 0; i < m; i++) {
    for (uint32_t j = 0; j < n; j++) {
      float sum = 0;
      for (uint32_t x = 0; x < k; x++) sum += a[i * k + x] * b[x * n + j];
      c[i * n + j] = sum;
    }
  }
}

TEST(products_have_the_bits_of_plain_sums_whatever_their_blocks) {
  static float a[70 * 40], b[40 * 70], c[70 * 70], d[70 * 70];
  for (uint32_t i = 0; i < 70 * 40; i++) {
    a[i] = draw(1, i);
    b[i] = draw(2, i);
  }
  for (uint32_t m = 1; m < 10; m++) {
    for (uint32_t n = 1; n < 70; n++) {
      const uint32_t k = 1 + (m * n) % 40;
      plain(m, n, k, a, b, c);
      weft__learn_product(m, n, k, (struct learn_view){a, k, 1}, b, NULL, d);
      ENSURE(memcmp(c, d, m * n * sizeof *c) == 0);
    }
  }
}

TEST(exponential_tangent_and_logarithm_are_near_those_of_the_c_library) {
  double worst_exp = 0, worst_tanh = 0, worst_log = 0;
  for (double x = -80; x < 80; x += 0.0173) {
    worst_exp = fmax(worst_exp, fabs((double)learn_exp((float)x) / exp((double)(float)x) - 1));
    const double t = tanh((double)(float)(x / 8));
    worst_tanh = fmax(worst_tanh, fabs((double)learn_tanh((float)(x / 8)) - t));
    if (fabs(x) < 1) ENSURE_NEAR((double)learn_tanh((float)x), tanh((double)(float)x), 3e-7);
    const double y = exp(x);
    worst_log = fmax(worst_log, fabs(learn_log(y) - log(y)));
  }
  ENSURE(worst_exp < 2.5e-7);
  ENSURE(worst_tanh < 2.5e-7);
  ENSURE(worst_log < 1e-13);
  ENSURE(learn_tanh(0) == 0 && learn_tanh(50) == 1 && learn_exp(0) == 1);
}
