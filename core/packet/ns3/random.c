/* The random numbers of the ns-3 model: MRG32k3a (L'Ecuyer, "Good Parameters and Implementations
 * for Combined Multiple Recursive Random Number Generators", Operations Research 1999), with
 * streams 2^127 and substreams 2^76 steps apart (L'Ecuyer, Simard, Chen, Kelton, Operations
 * Research 2002).
 *
 * Every draw of that model comes from a variable made for it, so each draw is the first number of
 * the next stream. We keep the state at the beginning of that stream and step by a precomputed
 * 2^127. Objects made at set-up have taken streams before: two by the error model and six by the
 * protocol stack of each node. That rule was inferred from recordings on fabrics of 4, 6, 8,
 * 10 and 12 nodes, where it alone gives the recorded completion times, and confirmed on a fat tree,
 * where links outnumber nodes.
 *
 * The option `seed` is that simulator's RngRun: the substream from which all streams are taken. */
#include <string.h>

#include "packet/ns3/ns3.h"

enum { STREAMS_OF_SETUP = 2, STREAMS_PER_NODE = 6 };

static const uint64_t modulus[2] = {4294967087u, 4294944443u};

typedef struct matrix {
  uint64_t at[3][3];
} matrix;

static matrix multiply(const matrix *a, const matrix *b, uint64_t m) {
  matrix c;
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j) {
      uint64_t sum = 0;
      for (int k = 0; k < 3; ++k) sum = (sum + a->at[i][k] * b->at[k][j] % m) % m;
      c.at[i][j] = sum;
    }
  return c;
}

static void apply(const matrix *a, const uint64_t in[3], uint64_t out[3], uint64_t m) {
  for (int i = 0; i < 3; ++i) {
    uint64_t sum = 0;
    for (int k = 0; k < 3; ++k) sum = (sum + a->at[i][k] * in[k] % m) % m;
    out[i] = sum;
  }
}

/* One step of component c to the power of 2^doublings. */
static matrix step_matrix(int c, int doublings) {
  const uint64_t m = modulus[c];
  matrix a = {{{0, 1, 0}, {0, 0, 1}, {m - 810728, 1403580, 0}}};
  if (c == 1) {
    a.at[2][0] = m - 1370589;
    a.at[2][1] = 0;
    a.at[2][2] = 527612;
  }
  while (doublings-- > 0) a = multiply(&a, &a, m);
  return a;
}

/* A step of `step` repeated n times. */
static matrix repeat_step(matrix step, uint64_t n, uint64_t m) {
  matrix all = {{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}};
  for (; n > 0; n >>= 1) {
    if (n & 1) all = multiply(&step, &all, m);
    step = multiply(&step, &step, m);
  }
  return all;
}

/* sim->ns3.random: state of both components at the beginning of the next stream. */
void weft__ns3_random_init(weft_sim *sim) {
  for (int c = 0; c < 2; ++c) {
    const matrix stream = step_matrix(c, 127);
    const matrix substream = repeat_step(step_matrix(c, 76), sim->config.seed, modulus[c]);
    memcpy(sim->ns3.step[c], stream.at, sizeof stream.at);
    uint64_t *state = &sim->ns3.random[3 * c];
    const uint64_t seed[3] = {1, 1, 1};
    apply(&substream, seed, state, modulus[c]);
    for (uint32_t i = 0; i < STREAMS_OF_SETUP + STREAMS_PER_NODE * sim->fabric.nodes.n; ++i) {
      uint64_t next[3];
      apply(&stream, state, next, modulus[c]);
      memcpy(state, next, sizeof next);
    }
  }
}

double weft__ns3_random(weft_sim *sim) {
  uint64_t *a = sim->ns3.random, *b = a + 3;
  const uint64_t m1 = modulus[0], m2 = modulus[1];
  const uint64_t p1 = (1403580 * a[1] + (m1 - 810728) * a[0] % m1) % m1;
  const uint64_t p2 = (527612 * b[2] + (m2 - 1370589) * b[0] % m2) % m2;
  for (int c = 0; c < 2; ++c) {
    matrix stream;
    uint64_t next[3];
    memcpy(stream.at, sim->ns3.step[c], sizeof stream.at);
    apply(&stream, &sim->ns3.random[3 * c], next, modulus[c]);
    memcpy(&sim->ns3.random[3 * c], next, sizeof next);
  }
  const double norm = 1.0 / (4294967087.0 + 1.0);
  const double d1 = (double)p1, d2 = (double)p2;
  return d1 > d2 ? (d1 - d2) * norm : (d1 - d2 + 4294967087.0) * norm;
}
