/* The net `sets`: of each link of a flow's way the same layers, whose sum, with the features of the
 * flow, goes through two more. So the order of links does not matter, nor how many there are.
 * Single floats, every sum in one order: the same bits on every machine. */
#include <string.h>

#include "learned/learned_i.h"

double weft__learned_exp(double x) {
  if (x < -700) return 0;
  const double twos = x * 1.4426950408889634; /* 1 / ln 2 */
  const double whole = twos < 0 ? (double)(int64_t)(twos - 0.5) : (double)(int64_t)(twos + 0.5);
  const double r = x - whole * 0.6931471805599453;
  double sum = 1;
  for (int i = 13; i > 0; --i) sum = 1 + r / i * sum;
  const uint64_t bits = (uint64_t)(1023 + (int64_t)whole) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof scale);
  return sum * scale;
}

static double tanh_of(double x) {
  if (x > 20) return 1;
  if (x < -20) return -1;
  return 1 - 2 / (weft__learned_exp(2 * x) + 1);
}

/* out[j] += sum of in[k] x weights[k][j] */
static const float *add_product(float *out, uint32_t n, const float *in, uint32_t k,
                                const float *weights) {
  for (uint32_t i = 0; i < k; ++i, weights += n)
    for (uint32_t j = 0; j < n; ++j) out[j] += in[i] * weights[j];
  return weights;
}

static void relu(float *x, uint32_t n) {
  for (uint32_t j = 0; j < n; ++j) x[j] = x[j] > 0 ? x[j] : 0;
}

/* What a model's floats are, in the order of its file. Layers: link and flow to H; H to H; flow and
 * H to 2 H; 2 H to H; H to 1. */
struct parts {
  const float *flow_mean, *flow_scale, *link_mean, *link_scale;
  const float *link_in, *link_bias, *flow_in; /* [features][H] */
  const float *inner, *inner_bias; /* [H][H] */
  const float *out1, *bias1; /* [flow features + H][2 H] */
  const float *out2, *bias2, *out3, *bias3; /* [2 H][H], [H] */
};

/* Where they are behind `begin`, which may be NULL; and how many there are. */
static struct parts parts_of(const float *begin, uint32_t h, uint64_t *count) {
  const uint64_t nf = weft__learned_flow_features(), nl = weft__learned_link_features();
  uint64_t at = 0;
  struct parts p;
#define TAKE(name, n) (p.name = begin != NULL ? begin + at : NULL, at += (n))
  TAKE(flow_mean, nf);
  TAKE(flow_scale, nf);
  TAKE(link_mean, nl);
  TAKE(link_scale, nl);
  TAKE(link_in, nl * h);
  TAKE(link_bias, h);
  TAKE(flow_in, nf * h);
  TAKE(inner, (uint64_t)h * h);
  TAKE(inner_bias, h);
  TAKE(out1, (nf + h) * 2 * h);
  TAKE(bias1, 2ull * h);
  TAKE(out2, 2ull * h * h);
  TAKE(bias2, h);
  TAKE(out3, h);
  TAKE(bias3, 1);
#undef TAKE
  *count = at;
  return p;
}

uint64_t weft__learned_weights(uint32_t hidden) {
  uint64_t count;
  parts_of(NULL, hidden, &count);
  return count;
}

uint64_t weft__learned_scratch(uint32_t hidden) {
  return 2ull * LEARNED_FEATURES_MOST + 7ull * hidden;
}

double weft__learned_apply(weft_sim *sim, const float *flow, const float *links, uint32_t count) {
  const uint32_t h = sim->learned.hidden;
  const uint32_t nf = weft__learned_flow_features(), nl = weft__learned_link_features();
  uint64_t floats;
  const struct parts p = parts_of(sim->learned.weights.at, h, &floats);
  float *x = sim->learned.scratch.at, *sum = x + nf; /* side by side: the input of out1 */
  float *link = x + nf + h, *of_flow = link + nl, *a = of_flow + h, *b = a + h, *c = b + 2 * h;
  for (uint32_t i = 0; i < nf; ++i) x[i] = (flow[i] - p.flow_mean[i]) * p.flow_scale[i];
  memcpy(of_flow, p.link_bias, h * sizeof *of_flow);
  add_product(of_flow, h, x, nf, p.flow_in);
  memset(sum, 0, h * sizeof *sum);
  for (uint32_t l = 0; l < count; ++l, links += nl) {
    for (uint32_t i = 0; i < nl; ++i) link[i] = (links[i] - p.link_mean[i]) * p.link_scale[i];
    memcpy(a, of_flow, h * sizeof *a);
    add_product(a, h, link, nl, p.link_in);
    relu(a, h);
    memcpy(b, p.inner_bias, h * sizeof *b);
    add_product(b, h, a, h, p.inner);
    relu(b, h);
    for (uint32_t j = 0; j < h; ++j) sum[j] += b[j];
  }
  memcpy(b, p.bias1, 2ull * h * sizeof *b);
  add_product(b, 2 * h, x, nf + h, p.out1);
  relu(b, 2 * h);
  memcpy(c, p.bias2, h * sizeof *c);
  add_product(c, h, b, 2 * h, p.out2);
  relu(c, h);
  double z = p.bias3[0];
  for (uint32_t j = 0; j < h; ++j) z += (double)(c[j] * p.out3[j]);
  const double bound = sim->learned.bound; /* nets without one explode on what they do not know */
  return bound * tanh_of(z / bound);
}
