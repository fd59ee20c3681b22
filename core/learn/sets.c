/* The architecture `sets`: a flow's links are a set (Zaheer et al., Deep Sets, NeurIPS 2017). Each
 * link's features, seen together with the flow's, become a vector; their sum and the flow's
 * features go through three layers:
 *
 *   u = relu(A l + B x),  v = relu(C u),  z = R3 relu(R2 relu(R1 [x, sum v]))
 *
 * The logarithm of the factor is limit * tanh(z / limit): an answer without a bound would explode
 * where nothing like it has been seen. */
#include <string.h>

#include "learn/architecture.h"
#include "learn/kernels.h"
#include "learn/math_i.h"

enum { A, A_BIAS, B, C, C_BIAS, R1, R1_BIAS, R2, R2_BIAS, R3, R3_BIAS, TENSORS };

static uint32_t tensors(const struct learn_shape *shape, struct learn_tensor *list) {
  const uint32_t h = shape->hidden, x = shape->n[LEARN_FLOW], l = shape->n[LEARN_LINK];
  const struct learn_tensor all[TENSORS] = {[A] = {"a", l, h, NULL},
                                            [A_BIAS] = {"a_bias", 1, h, NULL},
                                            [B] = {"b", x, h, NULL},
                                            [C] = {"c", h, h, NULL},
                                            [C_BIAS] = {"c_bias", 1, h, NULL},
                                            [R1] = {"r1", x + h, 2 * h, NULL},
                                            [R1_BIAS] = {"r1_bias", 1, 2 * h, NULL},
                                            [R2] = {"r2", 2 * h, h, NULL},
                                            [R2_BIAS] = {"r2_bias", 1, h, NULL},
                                            [R3] = {"r3", h, 1, NULL},
                                            [R3_BIAS] = {"r3_bias", 1, 1, NULL}};
  memcpy(list, all, sizeof all);
  return TENSORS;
}

static uint32_t forward(struct tape *tape, uint32_t parameters, const struct learn_batch *batch) {
  if (tape->failed) return 0;
  const uint32_t w = parameters, rows = tape->nodes[batch->flow].rows,
                 links = tape->nodes[batch->link].rows;
  const uint32_t of_link = weft__tape_linear(tape, batch->link, w + A, w + A_BIAS);
  const uint32_t of_flow = weft__tape_linear(tape, batch->flow, w + B, 0);
  const uint32_t spread = weft__tape_gather(tape, of_flow, batch->owner, links);
  const uint32_t u = weft__tape_relu(tape, weft__tape_add(tape, of_link, spread));
  const uint32_t v = weft__tape_relu(tape, weft__tape_linear(tape, u, w + C, w + C_BIAS));
  const uint32_t sum = weft__tape_scatter(tape, v, batch->owner, rows);
  uint32_t z = weft__tape_concat(tape, batch->flow, sum);
  z = weft__tape_relu(tape, weft__tape_linear(tape, z, w + R1, w + R1_BIAS));
  z = weft__tape_relu(tape, weft__tape_linear(tape, z, w + R2, w + R2_BIAS));
  return weft__tape_linear(tape, z, w + R3, w + R3_BIAS);
}

const struct learn_network weft__learn_sets = {"sets", tensors, forward};

/* ---- one flow ---- */

uint64_t weft__model_scratch(const weft_model *model, uint32_t links) {
  const uint64_t h = model->hidden, x = model->side[LEARN_FLOW].n, l = model->side[LEARN_LINK].n;
  return x + h + h + 2 * h + h + 1 + links * (l + 2 * h);
}

/* y (rows x out) = x w + bias, as the tape has it. */
static void linear(const weft_model *model, uint32_t w, uint32_t bias, uint32_t rows,
                   const float *x, float *y) {
  const struct learn_tensor *its = &model->tensors[w];
  weft__learn_product(rows, its->columns, its->rows, (struct learn_view){x, its->rows, 1}, its->at,
                      bias != w ? model->tensors[bias].at : NULL, y);
}

static void relu(float *x, size_t n) {
  for (size_t i = 0; i < n; ++i) x[i] = x[i] > 0 ? x[i] : 0;
}

int weft__model_sets(const weft_model *model, const float *flow, const float *links,
                     uint32_t n_links, float *scratch, float *log_factor) {
  if (model->architecture != LEARN_SETS) return WEFT_EINVAL;
  const uint32_t h = model->hidden, nx = model->side[LEARN_FLOW].n, nl = model->side[LEARN_LINK].n;
  float *x = scratch, *sum = x + nx, *of_flow = sum + h, *wide = of_flow + h, *last = wide + 2 * h,
        *z = last + h, *l = z + 1, *u = l + (size_t)n_links * nl, *v = u + (size_t)n_links * h;
  weft__model_normalise(model, LEARN_FLOW, flow, x);
  for (uint32_t i = 0; i < n_links; ++i)
    weft__model_normalise(model, LEARN_LINK, links + (size_t)i * nl, l + (size_t)i * nl);
  linear(model, B, B, 1, x, of_flow);
  linear(model, A, A_BIAS, n_links, l, u);
  for (uint32_t i = 0; i < n_links; ++i)
    for (uint32_t j = 0; j < h; ++j) u[(size_t)i * h + j] += of_flow[j];
  relu(u, (size_t)n_links * h);
  linear(model, C, C_BIAS, n_links, u, v);
  relu(v, (size_t)n_links * h);
  memset(sum, 0, h * sizeof *sum);
  for (uint32_t i = 0; i < n_links; ++i)
    for (uint32_t j = 0; j < h; ++j) sum[j] += v[(size_t)i * h + j];
  linear(model, R1, R1_BIAS, 1, x, wide); /* sum is behind x */
  relu(wide, 2 * h);
  linear(model, R2, R2_BIAS, 1, wide, last);
  relu(last, h);
  linear(model, R3, R3_BIAS, 1, last, z);
  *log_factor = model->limit * learn_tanh(*z / model->limit);
  return WEFT_OK;
}
