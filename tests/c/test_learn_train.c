/* Training: it finds a function that is known, and gives the same bits for a seed, whatever the
 * threads, with or without a break. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"
#include "learn/architecture.h"
#include "learn/examples.h"
#include "learn/math_i.h"

static char error[256];

#define MUST_LEARN(call)                                                   \
  do {                                                                     \
    if ((call) < 0) test_fail(__FILE__, __LINE__, "%s: %s", #call, error); \
  } while (0)

/* Flows with 3 features and 1 to 5 links with 2; what is to be learned is a function of the flow's
 * first feature, and of the sum over links of the product of both of theirs. */
static double known(const float *flow, const float *links, uint32_t n) {
  double sum = 0;
  for (uint32_t i = 0; i < n; i++) sum += (double)links[2 * i] * (double)links[2 * i + 1];
  return 0.25 * (double)flow[0] + 0.2 * fmin(sum, 1);
}

static weft_examples *make_examples(uint32_t groups, uint32_t each) {
  weft_examples *examples;
  MUST_LEARN(weft_examples_create("size rate noise", "load queue", &examples, error, sizeof error));
  uint64_t n = 0;
  for (uint32_t g = 0; g < groups; g++) {
    float *flow = calloc(each * 3, sizeof *flow), *links = calloc(each * 10, sizeof *links);
    uint32_t *counts = calloc(each, sizeof *counts);
    weft_example_times *times = calloc(each, sizeof *times);
    uint32_t upto = 0;
    for (uint32_t i = 0; i < each; i++) {
      for (uint32_t k = 0; k < 3; k++) flow[3 * i + k] = (float)(10 * uniform(5, n++) - 3);
      flow[3 * i] = flow[3 * i] / 10;
      counts[i] = 1 + (uint32_t)(5 * uniform(5, n++));
      for (uint32_t k = 0; k < 2 * counts[i]; k++) links[2 * upto + k] = (float)uniform(5, n++);
      const double factor = exp(known(flow + 3 * i, links + 2 * upto, counts[i]));
      times[i] = (weft_example_times){.truth = 3 * factor, .base = 3, .ideal = 1};
      upto += counts[i];
    }
    MUST_LEARN(weft_examples_add(examples, each, 100 + g, flow, counts, links, times, error,
                                 sizeof error));
    free(flow);
    free(links);
    free(counts);
    free(times);
  }
  return examples;
}

static weft_training small_training(void) {
  weft_training t = weft_training_default();
  t.hidden = 16;
  t.batch = 128;
  t.steps = 60;
  t.evaluations = 6;
  return t;
}

static weft_trainer *begin(const weft_examples *examples, const weft_training *training,
                           const weft_model *from) {
  weft_trainer *trainer;
  MUST_LEARN(weft_trainer_create(examples, "sets", training, from, &trainer, error, sizeof error));
  return trainer;
}

static weft_model *finish(weft_trainer *trainer) {
  weft_model *model;
  while (weft_trainer_run(trainer, 7) > 0) continue;
  ENSURE_EQ(weft_trainer_model(trainer, &model), WEFT_OK);
  weft_trainer_free(trainer);
  return model;
}

static bool same_weights(weft_model *a, weft_model *b) {
  uint64_t n, m;
  const float *x = weft__model_weights(a, &n), *y = weft__model_weights(b, &m);
  return n == m && memcmp(x, y, n * sizeof *x) == 0;
}

TEST(training_finds_a_known_function_in_examples_it_was_not_shown) {
  weft_examples *examples = make_examples(20, 200);
  weft_training training = small_training();
  training.hidden = 32;
  training.steps = 1500;
  weft_trainer *trainer = begin(examples, &training, NULL);
  weft_training_state state;
  while (weft_trainer_run(trainer, 100) > 0) continue;
  weft_trainer_state_get(trainer, &state);
  ENSURE_EQ(state.held_groups, 2);
  ENSURE_EQ(state.held_examples, 400);
  ENSURE_EQ(state.examples, 3600);
  ENSURE(state.base.mean > 0.1);
  ENSURE(state.best.mean < 0.01);
  ENSURE(state.best.p90 < 0.02);
  weft_model *model = finish(trainer);
  const float flow[] = {0.5f, 1, 1}, links[] = {0.5f, 0.5f, 0.2f, 0.3f};
  double factor;
  ENSURE_EQ(weft_model_predict(model, flow, links, 2, &factor), WEFT_OK);
  ENSURE_NEAR(factor, exp(known(flow, links, 2)), 0.03);
  weft_model_free(model);
  weft_examples_free(examples);
}

TEST(training_gives_the_same_bits_for_a_seed_and_any_number_of_threads) {
  weft_examples *examples = make_examples(6, 100);
  weft_training training = small_training();
  weft_model *first = NULL;
  for (uint32_t threads = 1; threads <= 8; threads += threads == 1 ? 1 : 3) {
    training.threads = threads;
    weft_model *model = finish(begin(examples, &training, NULL));
    if (first == NULL) {
      first = model;
      continue;
    }
    ENSURE(same_weights(first, model));
    weft_model_free(model);
  }
  training.seed = 2;
  weft_model *other = finish(begin(examples, &training, NULL));
  ENSURE(!same_weights(first, other));
  weft_model_free(other);
  weft_model_free(first);
  weft_examples_free(examples);
}

TEST(training_goes_on_from_a_file_as_if_it_had_not_been_broken_off) {
  char path[] = "/tmp/weft-training-XXXXXX";
  close(mkstemp(path));
  weft_examples *examples = make_examples(6, 100);
  const weft_training training = small_training();
  weft_model *whole = finish(begin(examples, &training, NULL));
  weft_trainer *trainer = begin(examples, &training, NULL);
  ENSURE_EQ(weft_trainer_run(trainer, 33), 1);
  MUST_LEARN(weft_trainer_save(trainer, path, error, sizeof error));
  weft_trainer_free(trainer);
  trainer = begin(examples, &training, NULL);
  MUST_LEARN(weft_trainer_resume(trainer, path, error, sizeof error));
  weft_training_state state;
  weft_trainer_state_get(trainer, &state);
  ENSURE_EQ(state.step, 33);
  ENSURE_EQ(state.evaluations, 3);
  weft_model *model = finish(trainer);
  ENSURE(same_weights(whole, model));
  weft_training others = training;
  others.rate /= 2;
  trainer = begin(examples, &others, NULL);
  ENSURE_EQ(weft_trainer_resume(trainer, path, error, sizeof error), WEFT_EINVAL);
  ENSURE_HAS(error, "other examples or other settings");
  weft_trainer_free(trainer);
  weft_model_free(model);
  weft_model_free(whole);
  weft_examples_free(examples);
  unlink(path);
}

TEST(one_flow_has_the_bits_that_it_has_in_a_batch) {
  weft_examples *e = make_examples(3, 60);
  const weft_training training = small_training();
  weft_model *model = finish(begin(e, &training, NULL));
  struct tape tape = {0};
  uint32_t parameters = 0, owner[900];
  for (uint32_t t = 0; t < model->tensor_count; t++) {
    const struct learn_tensor *its = &model->tensors[t];
    const uint32_t node = weft__tape_parameter(&tape, its->rows, its->columns, its->at, NULL);
    if (t == 0) parameters = node;
  }
  struct learn_batch batch = {.flow = weft__tape_input(&tape, e->n, 3),
                              .link = weft__tape_input(&tape, (uint32_t)e->links, 2),
                              .owner = owner};
  for (uint32_t i = 0; i < e->n; i++) {
    weft__model_normalise(model, LEARN_FLOW, e->flow + 3 * i, tape.nodes[batch.flow].value + 3 * i);
    for (uint64_t l = e->first[i]; l < e->first[i + 1]; l++) {
      owner[l] = i;
      weft__model_normalise(model, LEARN_LINK, e->link + 2 * l,
                            tape.nodes[batch.link].value + 2 * l);
    }
  }
  const uint32_t z = weft__learn_sets.forward(&tape, parameters, &batch);
  for (uint32_t i = 0; i < e->n; i++) {
    const uint32_t n = (uint32_t)(e->first[i + 1] - e->first[i]);
    float *scratch = calloc(weft__model_scratch(model, n), sizeof *scratch), got;
    ENSURE_EQ(weft__model_sets(model, e->flow + 3 * i, e->link + 2 * e->first[i], n, scratch, &got),
              WEFT_OK);
    const float wanted = model->limit * learn_tanh(tape.nodes[z].value[i] / model->limit);
    ENSURE(got == wanted);
    free(scratch);
  }
  weft__tape_free(&tape);
  weft_model_free(model);
  weft_examples_free(e);
}

TEST(patience_ends_a_training_and_plateaus_lower_its_rate) {
  weft_examples *examples = make_examples(4, 50);
  weft_training training = small_training();
  weft_training_state state;
  training.rate = 1e-9; /* nothing changes */
  training.patience = 2;
  training.evaluations = 60;
  weft_trainer *trainer = begin(examples, &training, NULL);
  while (weft_trainer_run(trainer, 1) > 0) continue;
  weft_trainer_state_get(trainer, &state);
  ENSURE_EQ(state.step, 2); /* neither is better than the beginning */
  weft_trainer_free(trainer);
  training.schedule = WEFT_SCHEDULE_PLATEAU;
  trainer = begin(examples, &training, NULL);
  weft_trainer_run(trainer, 4);
  weft_trainer_state_get(trainer, &state);
  ENSURE_NEAR(state.rate, 2e-10, 1e-9);
  while (weft_trainer_run(trainer, 1) > 0) continue;
  weft_trainer_state_get(trainer, &state);
  ENSURE_EQ(state.step, 6);
  weft_trainer_free(trainer);
  weft_examples_free(examples);
}

TEST(training_from_a_model_begins_as_that_model) {
  weft_examples *examples = make_examples(6, 100);
  weft_training training = small_training();
  weft_model *model = finish(begin(examples, &training, NULL));
  training.rate = 1e-9;
  training.steps = 1;
  weft_trainer *trainer = begin(examples, &training, model);
  weft_training_state state;
  weft_trainer_run(trainer, 1);
  weft_trainer_state_get(trainer, &state);
  ENSURE_NEAR(100 * state.last.mean, model->metric[4], 1e-4);
  ENSURE_STR(model->metric_name[4], "held_mean_pct");
  weft_trainer_free(trainer);
  weft_examples *others;
  MUST_LEARN(weft_examples_create("size rates noise", "load queue", &others, error, sizeof error));
  const float flow[] = {1, 2, 3, 4, 5, 6}, links[] = {1, 2, 3, 4};
  const uint32_t counts[] = {1, 1};
  const weft_example_times times[] = {{2, 2, 1}, {2, 2, 1}};
  MUST_LEARN(weft_examples_add(others, 2, 1, flow, counts, links, times, error, sizeof error));
  ENSURE_EQ(weft_trainer_create(others, "sets", &training, model, &trainer, error, sizeof error),
            WEFT_EINVAL);
  ENSURE_HAS(error, "no 'rates' as number 2");
  weft_examples_free(others);
  weft_model_free(model);
  weft_examples_free(examples);
}

TEST(training_refuses_what_it_cannot_do) {
  weft_examples *examples = make_examples(2, 10);
  weft_training training = small_training();
  weft_trainer *trainer;
  ENSURE_EQ(weft_trainer_create(examples, "set", &training, NULL, &trainer, error, sizeof error),
            WEFT_EINVAL);
  ENSURE_HAS(error, "architecture: expected one of sets, got 'set'");
  training.rate = NAN;
  ENSURE_EQ(weft_trainer_create(examples, "sets", &training, NULL, &trainer, error, sizeof error),
            WEFT_EINVAL);
  ENSURE_HAS(error, "rate: expected 1e-09 to 1, got nan");
  const float flow[] = {1, INFINITY, 3}, links[] = {1, 2};
  const uint32_t counts[] = {1};
  weft_example_times times[] = {{2, 2, 1}};
  ENSURE_EQ(weft_examples_add(examples, 1, 1, flow, counts, links, times, error, sizeof error),
            WEFT_EINVAL);
  ENSURE_STR(error, "example 0: rate is no finite number");
  times[0].base = 0;
  ENSURE_EQ(weft_examples_add(examples, 1, 1, flow, counts, links, times, error, sizeof error),
            WEFT_EINVAL);
  ENSURE_STR(error, "example 0: expected a base time > 0, got 0");
  ENSURE_EQ(weft_examples_count(examples), 20);
  weft_examples_free(examples);
}
