/* Training: steps of AdamW over batches of examples, judged now and then by groups that are held
 * out; the best weights are kept. */
#include "learn/train.h"

#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rng_i.h"
#include "learn/file.h"
#include "weft.h"

enum {
  RNG_WEIGHTS = 100, /* purposes of draws, apart from those of simulations */
  BATCH_MAX = 1 << 20,
  FALLS = 3 /* of the rate, by patience */
};

static const double LOSS_KEPT = 0.98, FALL = 0.2, BETTER = 1 - 1e-4;

weft_training weft_training_default(void) {
  return (weft_training){.seed = 1,
                         .rate = 4e-3,
                         .decay = 1e-4,
                         .clip = 1,
                         .limit = 0.7,
                         .held_out = 0.1,
                         .hidden = 64,
                         .batch = 1024,
                         .steps = 4000,
                         .evaluations = 20,
                         .patience = 0,
                         .schedule = WEFT_SCHEDULE_ONE_CYCLE,
                         .threads = 0};
}

/* ---- threads ---- */

struct hand {
  weft_trainer *trainer;
  void (*work)(weft_trainer *, uint32_t);
  uint32_t first, stride;
};

static void *do_shards(void *argument) {
  const struct hand *hand = argument;
  for (uint32_t s = hand->first; s < LEARN_SHARDS; s += hand->stride) hand->work(hand->trainer, s);
  return NULL;
}

/* A thread lives for a step of milliseconds: making one costs a hundredth of that. What cannot be
 * given to a thread is done here. */
void weft__train_shards(weft_trainer *trainer, void (*work)(weft_trainer *, uint32_t)) {
  const uint32_t n = trainer->training.threads;
  struct hand hands[LEARN_SHARDS];
  pthread_t threads[LEARN_SHARDS];
  int runs[LEARN_SHARDS] = {0};
  for (uint32_t t = 0; t < n; ++t) {
    hands[t] = (struct hand){trainer, work, t, n};
    runs[t] = t > 0 && pthread_create(&threads[t], NULL, do_shards, &hands[t]) == 0;
  }
  for (uint32_t t = 0; t < n; ++t)
    if (!runs[t]) do_shards(&hands[t]);
  for (uint32_t t = 0; t < n; ++t)
    if (runs[t]) pthread_join(threads[t], NULL);
}

/* ---- a step ---- */

int weft__train_batch(const weft_trainer *trainer, struct tape *tape, const uint32_t *which,
                      uint32_t n, struct learn_batch *batch) {
  const weft_examples *e = trainer->examples;
  uint32_t links = 0;
  for (uint32_t i = 0; i < n; ++i) links += (uint32_t)(e->first[which[i] + 1] - e->first[which[i]]);
  batch->flow = weft__tape_input(tape, n, e->width[LEARN_FLOW]);
  batch->link = weft__tape_input(tape, links, e->width[LEARN_LINK]);
  uint32_t *owner = (uint32_t *)(void *)weft__tape_floats(tape, links);
  if (tape->failed) return 0;
  batch->owner = owner;
  float *flow = tape->nodes[batch->flow].value, *link = tape->nodes[batch->link].value;
  for (uint32_t i = 0; i < n; ++i, flow += e->width[LEARN_FLOW]) {
    weft__model_normalise(trainer->model, LEARN_FLOW,
                          e->flow + (size_t)which[i] * e->width[LEARN_FLOW], flow);
    for (uint64_t l = e->first[which[i]]; l < e->first[which[i] + 1]; ++l) {
      weft__model_normalise(trainer->model, LEARN_LINK, e->link + l * e->width[LEARN_LINK], link);
      link += e->width[LEARN_LINK];
      *owner++ = i;
    }
  }
  return 1;
}

/* The slice of the batch that is a shard's. */
static void slice(const weft_trainer *trainer, uint32_t shard, const uint32_t **which,
                  uint32_t *n) {
  const uint32_t batch = trainer->training.batch, train = trainer->state.examples;
  const uint32_t each = train / batch;
  const uint64_t first = (uint64_t)(trainer->state.step % each) * batch;
  const uint64_t from = (uint64_t)shard * batch / LEARN_SHARDS,
                 to = (uint64_t)(shard + 1) * batch / LEARN_SHARDS;
  *which = trainer->chosen + first + from;
  *n = (uint32_t)(to - from);
}

static void step_shard(weft_trainer *trainer, uint32_t s) {
  struct learn_shard *shard = &trainer->shards[s];
  const uint32_t *which;
  uint32_t n;
  slice(trainer, s, &which, &n);
  memset(shard->gradient, 0, trainer->optim.n * sizeof(float));
  weft__tape_reset(&shard->tape);
  uint32_t parameters = 0;
  float *gradient = shard->gradient;
  for (uint32_t t = 0; t < trainer->model->tensor_count; ++t) {
    const struct learn_tensor *its = &trainer->model->tensors[t];
    const uint32_t node =
        weft__tape_parameter(&shard->tape, its->rows, its->columns, its->at, gradient);
    if (t == 0) parameters = node;
    gradient += (size_t)its->rows * its->columns;
  }
  struct learn_batch batch;
  float *target = weft__tape_floats(&shard->tape, n);
  if (n == 0 || !weft__train_batch(trainer, &shard->tape, which, n, &batch) || target == NULL)
    return;
  for (uint32_t i = 0; i < n; ++i) target[i] = trainer->examples->target[which[i]];
  const uint32_t z =
      weft__learn_network(trainer->model->architecture)->forward(&shard->tape, parameters, &batch);
  const uint32_t error = weft__tape_error(
      &shard->tape, z, target, 1.0f / (float)trainer->training.batch, trainer->model->limit);
  weft__tape_backward(&shard->tape, error);
  shard->loss = shard->tape.failed ? 0 : (double)shard->tape.nodes[error].value[0];
}

static double rate_now(const weft_trainer *trainer) {
  const weft_training *t = &trainer->training;
  const double rise = t->schedule == WEFT_SCHEDULE_ONE_CYCLE
                          ? weft__learn_one_cycle(trainer->state.step, t->steps)
                          : trainer->plateau;
  return t->rate * rise;
}

static int step(weft_trainer *trainer) {
  const uint32_t each = trainer->state.examples / trainer->training.batch;
  const uint32_t epoch = trainer->state.step / each + 1;
  if (epoch != trainer->epoch) weft__train_shuffle(trainer, epoch);
  weft__train_shards(trainer, step_shard);
  float *sum = trainer->shards[0].gradient;
  double loss = 0;
  for (uint32_t s = 0; s < LEARN_SHARDS; ++s) {
    if (trainer->shards[s].tape.failed) return WEFT_ENOMEM;
    loss += trainer->shards[s].loss;
    const float *more = trainer->shards[s].gradient;
    for (uint64_t i = 0; s > 0 && i < trainer->optim.n; ++i) sum[i] += more[i];
  }
  weft__learn_clip(sum, trainer->optim.n, trainer->training.clip);
  trainer->state.rate = rate_now(trainer);
  weft__learn_step(&trainer->optim, sum, trainer->state.rate, trainer->training.decay);
  trainer->loss_weight = LOSS_KEPT * trainer->loss_weight + (1 - LOSS_KEPT);
  trainer->state.loss += (1 - LOSS_KEPT) / trainer->loss_weight * (loss - trainer->state.loss);
  ++trainer->state.step;
  return WEFT_OK;
}

/* ---- judging ---- */

/* Without anything held out, the latest is the best. */
static int judge(weft_trainer *trainer) {
  weft_training_state *state = &trainer->state;
  const int status = weft__train_judge(trainer, &state->last);
  if (status < 0) return status;
  ++state->evaluations;
  const int is_better = state->held_examples == 0 || state->last.mean < state->best.mean * BETTER;
  trainer->waited = is_better ? 0 : trainer->waited + 1;
  if (is_better) {
    state->best = state->last;
    state->best_step = state->step;
    memcpy(trainer->best, trainer->optim.weights, trainer->optim.n * sizeof(float));
  }
  const uint32_t patience = trainer->training.patience;
  if (patience == 0 || trainer->waited < patience) return WEFT_OK;
  trainer->waited = 0;
  trainer->plateau *= FALL;
  if (trainer->training.schedule == WEFT_SCHEDULE_ONE_CYCLE || ++trainer->falls == FALLS)
    state->is_over = 1;
  return WEFT_OK;
}

int weft_trainer_run(weft_trainer *trainer, uint32_t steps) {
  weft_training_state *state = &trainer->state;
  const uint32_t every = trainer->training.steps / trainer->training.evaluations;
  for (uint32_t i = 0; i < steps && !state->is_over; ++i) {
    int status = step(trainer);
    const int is_last = state->step == state->steps;
    if (status >= 0 && (is_last || state->step % (every > 0 ? every : 1) == 0))
      status = judge(trainer);
    if (status < 0) return status;
    if (is_last) state->is_over = 1;
  }
  return !state->is_over;
}

void weft_trainer_state_get(const weft_trainer *trainer, weft_training_state *state) {
  *state = trainer->state;
}

int weft_trainer_model(const weft_trainer *trainer, weft_model **model) {
  const struct learn_shape shape = weft__model_shape(trainer->model);
  uint64_t n;
  *model = weft__model_new(&shape);
  if (*model == NULL) return WEFT_ENOMEM;
  weft_model *to = *model;
  for (uint32_t s = 0; s < LEARN_SIDES; ++s)
    memcpy(weft__model_names(to, s), trainer->examples->names[s],
           (size_t)shape.n[s] * LEARN_NAME_MAX);
  memcpy(weft__model_rows(to, LEARN_FLOW), weft__model_rows(trainer->model, LEARN_FLOW),
         weft__model_floats(to) * sizeof(float));
  memcpy(weft__model_weights(to, &n), trainer->best, trainer->optim.n * sizeof(float));
  to->limit = trainer->model->limit;
  strcpy(to->version, weft_version());
  const weft_training_state *state = &trainer->state;
  weft_model_set_metric(to, "steps", state->best_step);
  weft_model_set_metric(to, "examples", state->examples);
  weft_model_set_metric(to, "groups", state->groups - state->held_groups);
  if (state->held_examples == 0) return WEFT_OK;
  weft_model_set_metric(to, "held_groups", state->held_groups);
  weft_model_set_metric(to, "held_mean_pct", 100 * state->best.mean);
  weft_model_set_metric(to, "held_p90_pct", 100 * state->best.p90);
  weft_model_set_metric(to, "held_p99_pct", 100 * state->best.p99);
  weft_model_set_metric(to, "base_mean_pct", 100 * state->base.mean);
  weft_model_set_metric(to, "base_p90_pct", 100 * state->base.p90);
  weft_model_set_metric(to, "base_p99_pct", 100 * state->base.p99);
  return WEFT_OK;
}

/* ---- beginning ---- */

static int check_number(const struct learn_error *error, const char *name, double value, double min,
                        double max) {
  if (value >= min && value <= max) return WEFT_OK;
  return weft__learn_fail(error, WEFT_EINVAL, "%s: expected %.15g to %.15g, got %.15g", name, min,
                          max, value);
}

static int check(const weft_training *t, const struct learn_error *error) {
  const struct {
    const char *name;
    double value, min, max;
  } all[] = {{"rate", t->rate, 1e-9, 1},
             {"decay", t->decay, 0, 1},
             {"clip", t->clip, 0, 1e9},
             {"limit", t->limit, 0.01, 10},
             {"held_out", t->held_out, 0, 0.9},
             {"hidden", t->hidden, 1, LEARN_HIDDEN_MAX},
             {"batch", t->batch, 1, BATCH_MAX},
             {"steps", t->steps, 1, INT32_MAX},
             {"evaluations", t->evaluations, 1, INT32_MAX},
             {"schedule", t->schedule, 0, WEFT_SCHEDULE_COUNT - 1}};
  int status = WEFT_OK;
  for (size_t i = 0; i < sizeof all / sizeof *all && status >= 0; ++i)
    status = check_number(error, all[i].name, all[i].value, all[i].min, all[i].max);
  return status;
}

/* He et al. (ICCV 2015), uniform; biases are 0, and so are the weights of the last layer: it begins
 * as the engine that it corrects. */
static void draw_weights(weft_trainer *trainer) {
  const weft_model *model = trainer->model;
  for (uint32_t t = 0; t + 2 < model->tensor_count; ++t) {
    const struct learn_tensor *its = &model->tensors[t];
    const double reach = its->rows > 1 ? sqrt(6.0 / its->rows) / sqrt(2.0) : 0;
    for (uint64_t i = 0; i < (uint64_t)its->rows * its->columns; ++i)
      its->at[i] =
          (float)(reach * (2 * rng_uniform(trainer->training.seed, RNG_WEIGHTS, t, i) - 1));
  }
}

/* Begin with the weights of a model, and its means and scales; bounds are those of both. */
static int begin_from(weft_trainer *trainer, const weft_model *from,
                      const struct learn_error *error) {
  const weft_examples *e = trainer->examples;
  weft_model *to = trainer->model;
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    const uint32_t n = e->width[s];
    float *rows = weft__model_rows(to, s);
    for (uint32_t i = 0; i < n; ++i)
      if (i >= from->side[s].n || strcmp(from->side[s].name[i], e->names[s][i]) != 0)
        return weft__learn_fail(error, WEFT_EINVAL,
                                "the model to begin from has other features: no '%s' as number %u",
                                e->names[s][i], i + 1);
    memcpy(rows, from->side[s].mean, 2 * n * sizeof *rows);
    for (uint32_t i = 0; i < n; ++i) {
      const float low = from->side[s].low[i], high = from->side[s].high[i];
      if (low < rows[2 * n + i]) rows[2 * n + i] = low;
      if (high > rows[3 * n + i]) rows[3 * n + i] = high;
    }
  }
  if (weft__model_floats(from) != weft__model_floats(to))
    return weft__learn_fail(error, WEFT_EINVAL, "the model to begin from has another shape");
  memcpy(trainer->optim.weights, from->tensors[0].at, trainer->optim.n * sizeof(float));
  to->limit = from->limit;
  return WEFT_OK;
}

static int allocate(weft_trainer *trainer) {
  struct learn_optim *o = &trainer->optim;
  o->weights = weft__model_weights(trainer->model, &o->n);
  o->first = o->second = 1;
  o->mean = calloc((size_t)o->n, sizeof(float));
  o->square = calloc((size_t)o->n, sizeof(float));
  trainer->best = calloc((size_t)o->n, sizeof(float));
  int good = o->mean != NULL && o->square != NULL && trainer->best != NULL;
  for (uint32_t s = 0; s < LEARN_SHARDS; ++s) {
    trainer->shards[s].gradient = calloc((size_t)o->n, sizeof(float));
    good = good && trainer->shards[s].gradient != NULL;
  }
  return good ? WEFT_OK : WEFT_ENOMEM;
}

/* Nothing is smaller than its part: a batch of all that there is at most, eight threads. */
static void settle_training(weft_trainer *trainer) {
  weft_training *t = &trainer->training;
  const long cores = t->threads != 0 ? (long)t->threads : sysconf(_SC_NPROCESSORS_ONLN);
  t->threads = cores < 1 ? 1 : cores > LEARN_SHARDS ? LEARN_SHARDS : (uint32_t)cores;
  if (t->batch > trainer->state.examples) t->batch = trainer->state.examples;
  if (t->evaluations > t->steps) t->evaluations = t->steps;
  trainer->state.steps = t->steps;
  trainer->plateau = 1;
}

static uint64_t digest(const weft_trainer *trainer) {
  weft_training t = trainer->training;
  t.threads = t.unused = 0;
  uint64_t sum = weft__examples_digest(trainer->examples), word;
  for (size_t i = 0; i + sizeof word <= sizeof t; i += sizeof word) {
    memcpy(&word, (const char *)&t + i, sizeof word);
    sum = hash_mix(sum ^ word);
  }
  for (uint64_t i = 0; i < trainer->optim.n; ++i) {
    uint32_t bits;
    memcpy(&bits, &trainer->optim.weights[i], sizeof bits);
    sum = hash_mix(sum ^ bits);
  }
  return sum;
}

static int begin(weft_trainer *trainer, int architecture, const weft_model *from,
                 const struct learn_error *error) {
  const weft_examples *e = trainer->examples;
  const uint32_t hidden = from != NULL ? from->hidden : trainer->training.hidden;
  const struct learn_shape shape = {.architecture = (uint32_t)architecture,
                                    .hidden = hidden,
                                    .n = {e->width[LEARN_FLOW], e->width[LEARN_LINK]}};
  trainer->model = weft__model_new(&shape);
  int status = trainer->model != NULL ? allocate(trainer) : WEFT_ENOMEM;
  if (status >= 0) status = weft__train_divide(trainer);
  if (status == WEFT_ENOMEM) return weft__learn_fail(error, status, "out of memory");
  settle_training(trainer);
  trainer->model->limit = (float)trainer->training.limit;
  weft__train_normalise(trainer);
  if (from == NULL) {
    draw_weights(trainer);
  } else {
    status = begin_from(trainer, from, error);
    if (status < 0) return status;
  }
  trainer->state.parameters = (uint32_t)trainer->optim.n;
  trainer->digest = digest(trainer);
  memcpy(trainer->best, trainer->optim.weights, trainer->optim.n * sizeof(float));
  /* As it begins it is the best so far: nothing is made worse by being trained. */
  if (weft__train_judge(trainer, &trainer->state.last) < 0)
    return weft__learn_fail(error, WEFT_ENOMEM, "out of memory");
  trainer->state.best = trainer->state.last;
  return WEFT_OK;
}

int weft_trainer_create(const weft_examples *examples, const char *architecture,
                        const weft_training *training, const weft_model *from,
                        weft_trainer **trainer, char *error, size_t size) {
  const struct learn_error told = {error, size};
  *trainer = NULL;
  const int number = weft__learn_architecture(architecture);
  if (number < 0)
    return weft__learn_fail(&told, WEFT_EINVAL, "architecture: expected one of %s, got '%s'",
                            weft__learn_architectures(), architecture);
  if (examples->n < 2)
    return weft__learn_fail(&told, WEFT_EINVAL, "examples: expected 2 or more, got %u",
                            examples->n);
  int status = check(training, &told);
  if (status < 0) return status;
  weft_trainer *made = calloc(1, sizeof *made);
  if (made == NULL) return weft__learn_fail(&told, WEFT_ENOMEM, "out of memory");
  made->examples = examples;
  made->training = *training;
  status = begin(made, number, from, &told);
  if (status < 0) {
    weft_trainer_free(made);
    return status;
  }
  *trainer = made;
  return WEFT_OK;
}

void weft_trainer_free(weft_trainer *trainer) {
  if (trainer == NULL) return;
  for (uint32_t s = 0; s < LEARN_SHARDS; ++s) {
    weft__tape_free(&trainer->shards[s].tape);
    free(trainer->shards[s].gradient);
  }
  free(trainer->optim.mean);
  free(trainer->optim.square);
  free(trainer->best);
  free(trainer->chosen);
  free(trainer->held);
  free(trainer->held_ends);
  free(trainer->answers);
  weft_model_free(trainer->model);
  free(trainer);
}
