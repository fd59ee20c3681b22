/* What a training makes of its examples: who is held out, in which order they come, how features
 * are scaled, and how far off a model is. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng_i.h"
#include "learn/math_i.h"
#include "learn/train.h"

enum { RNG_HELD = 101, RNG_ORDER = 102, AT_ONCE = 256 };

/* A group, and where it is in the order in which groups are taken to be held out. */
struct group {
  uint64_t draw;
  uint32_t id, is_held;
};

static int by_draw(const void *a, const void *b) {
  const struct group *x = a, *y = b;
  if (x->draw != y->draw) return x->draw < y->draw ? -1 : 1;
  return x->id < y->id ? -1 : x->id > y->id;
}

static int by_id(const void *a, const void *b) {
  const uint32_t x = ((const struct group *)a)->id, y = ((const struct group *)b)->id;
  return x < y ? -1 : x > y;
}

static const struct group *find(const struct group *groups, uint32_t n, uint32_t id) {
  const struct group key = {.id = id};
  return bsearch(&key, groups, n, sizeof key, by_id);
}

/* The groups that there are, by their ids, each once. */
static struct group *all_groups(const weft_examples *e, uint64_t seed, uint32_t *count) {
  struct group *groups = calloc(e->n, sizeof *groups);
  if (groups == NULL) return NULL;
  for (uint32_t i = 0; i < e->n; ++i) groups[i].id = e->group[i];
  qsort(groups, e->n, sizeof *groups, by_id);
  uint32_t n = 0;
  for (uint32_t i = 0; i < e->n; ++i)
    if (n == 0 || groups[n - 1].id != groups[i].id) groups[n++] = groups[i];
  for (uint32_t i = 0; i < n; ++i) groups[i].draw = rng_bits(seed, RNG_HELD, 0, groups[i].id);
  *count = n;
  return groups;
}

static int held_first(const weft_trainer *trainer, struct group *groups, uint32_t n) {
  const double share = trainer->training.held_out;
  uint32_t held = (uint32_t)(share * n + 0.5);
  if (share > 0 && held == 0) held = 1;
  if (held >= n) held = n - 1; /* one at least is to train from */
  qsort(groups, n, sizeof *groups, by_draw);
  for (uint32_t i = 0; i < held; ++i) groups[i].is_held = 1;
  qsort(groups, n, sizeof *groups, by_id);
  return (int)held;
}

/* `held` becomes group by group, in the order of ids. */
static void fill(weft_trainer *trainer, const struct group *groups, uint32_t n, uint32_t *next) {
  const weft_examples *e = trainer->examples;
  uint32_t chosen = 0, upto = 0, ends = 0;
  for (uint32_t i = 0; i < e->n; ++i) ++next[find(groups, n, e->group[i]) - groups];
  for (uint32_t g = 0; g < n; ++g) {
    const uint32_t size = next[g];
    next[g] = upto;
    if (!groups[g].is_held) continue;
    upto += size;
    trainer->held_ends[ends++] = upto;
  }
  for (uint32_t i = 0; i < e->n; ++i) {
    const struct group *its = find(groups, n, e->group[i]);
    if (its->is_held) {
      trainer->held[next[its - groups]++] = i;
    } else {
      trainer->chosen[chosen++] = i;
    }
  }
  trainer->state.examples = chosen;
  trainer->state.held_examples = upto;
}

int weft__train_divide(weft_trainer *trainer) {
  const weft_examples *e = trainer->examples;
  uint32_t n = 0;
  struct group *groups = all_groups(e, trainer->training.seed, &n);
  if (groups == NULL) return WEFT_ENOMEM;
  const uint32_t held = (uint32_t)held_first(trainer, groups, n);
  uint32_t *next = calloc(n, sizeof *next);
  trainer->chosen = calloc(e->n, sizeof *trainer->chosen);
  trainer->held = calloc(e->n, sizeof *trainer->held);
  trainer->held_ends = calloc(held + 1, sizeof *trainer->held_ends);
  trainer->answers = calloc(e->n, sizeof *trainer->answers);
  const int good = next != NULL && trainer->chosen != NULL && trainer->held != NULL &&
                   trainer->held_ends != NULL && trainer->answers != NULL;
  trainer->state.groups = n;
  trainer->state.held_groups = held;
  if (good) fill(trainer, groups, n, next);
  free(groups);
  free(next);
  if (!good) return WEFT_ENOMEM;
  return weft__train_errors(trainer, &trainer->state.base); /* answers are 0 */
}

static int by_number(const void *a, const void *b) {
  const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  return x < y ? -1 : x > y;
}

/* Fisher and Yates, from the order of the examples. */
void weft__train_shuffle(weft_trainer *trainer, uint32_t epoch) {
  uint32_t *chosen = trainer->chosen;
  const uint32_t n = trainer->state.examples;
  if (trainer->epoch != 0) qsort(chosen, n, sizeof *chosen, by_number);
  for (uint32_t i = n; i-- > 1;) {
    const uint64_t bits = rng_bits(trainer->training.seed, RNG_ORDER, epoch, i);
    const uint32_t k = (uint32_t)((bits >> 32) * ((uint64_t)i + 1) >> 32);
    const uint32_t one = chosen[i];
    chosen[i] = chosen[k];
    chosen[k] = one;
  }
  trainer->epoch = epoch;
}

/* ---- scales ---- */

struct sums {
  double sum, square, n;
  float low, high;
};

static void take(struct sums *sums, uint32_t width, const float *row) {
  for (uint32_t i = 0; i < width; ++i) {
    struct sums *s = &sums[i];
    if (s->n == 0) s->low = s->high = row[i];
    s->sum += (double)row[i];
    s->square += (double)row[i] * (double)row[i];
    s->n += 1;
    s->low = row[i] < s->low ? row[i] : s->low;
    s->high = row[i] > s->high ? row[i] : s->high;
  }
}

/* A feature that is always the same has nothing to tell; so little is what a deviation is at
 * least. */
static const double LEAST_DEVIATION = 1e-3;

static void put(weft_model *model, uint32_t side, const struct sums *sums, uint32_t width) {
  float *rows = weft__model_rows(model, side);
  for (uint32_t i = 0; i < width; ++i) {
    const struct sums *s = &sums[i];
    const double n = s->n > 0 ? s->n : 1, mean = s->sum / n, variance = s->square / n - mean * mean;
    rows[i] = (float)mean;
    rows[width + i] = (float)(1 / (sqrt(variance > 0 ? variance : 0) + LEAST_DEVIATION));
    rows[2 * width + i] = s->low;
    rows[3 * width + i] = s->high;
  }
}

void weft__train_normalise(weft_trainer *trainer) {
  const weft_examples *e = trainer->examples;
  struct sums flow[LEARN_FEATURES_MAX] = {{.n = 0}}, link[LEARN_FEATURES_MAX] = {{.n = 0}};
  const uint32_t nx = e->width[LEARN_FLOW], nl = e->width[LEARN_LINK];
  for (uint32_t k = 0; k < trainer->state.examples; ++k) {
    const uint32_t i = trainer->chosen[k];
    take(flow, nx, e->flow + (size_t)i * nx);
    for (uint64_t l = e->first[i]; l < e->first[i + 1]; ++l) take(link, nl, e->link + l * nl);
  }
  put(trainer->model, LEARN_FLOW, flow, nx);
  put(trainer->model, LEARN_LINK, link, nl);
}

/* ---- how far off ---- */

static int ascending(const void *a, const void *b) {
  const double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

/* The smallest value that so many percent of all do not exceed; they get sorted. */
static double percentile(double *values, uint32_t n, uint32_t percent) {
  qsort(values, n, sizeof *values, ascending);
  const uint64_t rank = ((uint64_t)n * percent + 99) / 100;
  return values[rank > 0 ? rank - 1 : 0];
}

/* Slowdowns are 1 or more. `held`: examples; `answers`: logarithms of their factors. */
static void errors_of(const weft_examples *e, const uint32_t *held, const float *answers,
                      uint32_t n, double *space, weft_training_errors *sum) {
  double *error = space, *truth = space + n, *guess = space + 2 * (size_t)n, mean = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const float base = e->base[held[i]], log_guess = base + answers[i];
    truth[i] = (double)learn_exp(base + e->target[held[i]]);
    guess[i] = (double)learn_exp(log_guess > 0 ? log_guess : 0);
    error[i] = fabs(guess[i] - truth[i]) / truth[i];
    mean += error[i];
  }
  const double true_p99 = percentile(truth, n, 99), p99 = percentile(guess, n, 99);
  sum->mean += mean / n;
  sum->p90 += percentile(error, n, 90);
  sum->p99 += fabs(p99 - true_p99) / true_p99;
}

int weft__train_errors(const weft_trainer *trainer, weft_training_errors *errors) {
  const uint32_t groups = trainer->state.held_groups;
  double *space = malloc(3 * ((size_t)trainer->state.held_examples + 1) * sizeof *space);
  *errors = (weft_training_errors){.mean = 0};
  if (space == NULL) return WEFT_ENOMEM;
  for (uint32_t g = 0, first = 0; g < groups; first = trainer->held_ends[g++])
    errors_of(trainer->examples, trainer->held + first, trainer->answers + first,
              trainer->held_ends[g] - first, space, errors);
  free(space);
  if (groups == 0) return WEFT_OK;
  errors->mean /= groups;
  errors->p90 /= groups;
  errors->p99 /= groups;
  return WEFT_OK;
}

/* A shard's part of what is held out, some at a time. */
static void answer(weft_trainer *trainer, uint32_t s) {
  struct tape *tape = &trainer->shards[s].tape;
  const uint32_t n = trainer->state.held_examples;
  const uint32_t end = (uint32_t)((uint64_t)(s + 1) * n / LEARN_SHARDS);
  for (uint32_t i = (uint32_t)((uint64_t)s * n / LEARN_SHARDS), some; i < end; i += some) {
    some = end - i < AT_ONCE ? end - i : AT_ONCE;
    weft__tape_reset(tape);
    uint32_t parameters = 0;
    for (uint32_t t = 0; t < trainer->model->tensor_count; ++t) {
      const struct learn_tensor *its = &trainer->model->tensors[t];
      const uint32_t node = weft__tape_parameter(tape, its->rows, its->columns, its->at, NULL);
      if (t == 0) parameters = node;
    }
    struct learn_batch batch;
    if (!weft__train_batch(trainer, tape, trainer->held + i, some, &batch)) return;
    const uint32_t z =
        weft__learn_network(trainer->model->architecture)->forward(tape, parameters, &batch);
    if (tape->failed) return;
    const float limit = trainer->model->limit;
    for (uint32_t k = 0; k < some; ++k)
      trainer->answers[i + k] = limit * learn_tanh(tape->nodes[z].value[k] / limit);
  }
}

int weft__train_judge(weft_trainer *trainer, weft_training_errors *errors) {
  weft__train_shards(trainer, answer);
  for (uint32_t s = 0; s < LEARN_SHARDS; ++s)
    if (trainer->shards[s].tape.failed) return WEFT_ENOMEM;
  return weft__train_errors(trainer, errors);
}
