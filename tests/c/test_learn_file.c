/* Files of models and examples: what is written is read; what is cut, changed or foreign is refused
 * in one line, and never more is read than there is. WEFT_FUZZ_COUNT changes how often. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash_i.h"
#include "fixture.h"
#include "learn/architecture.h"
#include "learn/file.h"

static char error[512];

static weft_model *make_model(void) {
  const struct learn_shape shape = {.architecture = LEARN_SETS, .hidden = 3, .n = {2, 1}};
  weft_model *model = weft__model_new(&shape);
  uint64_t n;
  strcpy(weft__model_names(model, LEARN_FLOW)[0], "size");
  strcpy(weft__model_names(model, LEARN_FLOW)[1], "cc_dctcp");
  strcpy(weft__model_names(model, LEARN_LINK)[0], "queue");
  float *rows = weft__model_rows(model, LEARN_FLOW);
  for (uint32_t i = 0; i < 12; i++) rows[i] = (float)i + 0.5f;
  float *weights = weft__model_weights(model, &n);
  for (uint64_t i = 0; i < n; i++) weights[i] = (float)uniform(3, i);
  model->limit = 0.7f;
  strcpy(model->version, "1.2.3");
  ENSURE_EQ(weft_model_set_texts(model, "fluid", "weft train sets\n--out x"), WEFT_OK);
  ENSURE_EQ(weft_model_set_metric(model, "held_mean_pct", 4.25), WEFT_OK);
  return model;
}

static char *file_of(const weft_model *model, uint64_t *size) {
  char path[] = "/tmp/weft-model-XXXXXX";
  const struct learn_error told = {error, sizeof error};
  int status;
  close(mkstemp(path));
  ENSURE_EQ(weft_model_save(model, path, error, sizeof error), WEFT_OK);
  char *bytes = weft__in_read(path, size, &status, &told);
  ENSURE(bytes != NULL);
  unlink(path);
  return bytes;
}

/* As the file has it: words of 8 bytes, mixed one after the other. */
static void sign(char *bytes, uint64_t size) {
  const unsigned char *at = (const unsigned char *)bytes;
  const uint64_t n = size - 8;
  uint64_t sum = hash_mix(n + 1);
  for (uint64_t i = 0; i < n; i += 8) {
    uint64_t word = 0;
    for (uint64_t k = 0; k < 8 && i + k < n; k++) word |= (uint64_t)at[i + k] << (8 * k);
    sum = hash_mix(sum ^ word);
  }
  for (int k = 0; k < 8; k++) bytes[n + (uint64_t)k] = (char)(sum >> (8 * k));
}

static int read_copy(const char *bytes, uint64_t size) {
  weft_model *model;
  char *copy = malloc(size > 0 ? size : 1); /* of its size, so that sanitizers see what is beyond */
  if (size > 0) memcpy(copy, bytes, size);
  error[0] = '\0';
  const int status = weft__model_read(copy, size, &model, error, sizeof error);
  free(copy);
  ENSURE((status < 0) == (model == NULL));
  ENSURE((status < 0) == (error[0] != '\0'));
  ENSURE(strchr(error, '\n') == NULL);
  weft_model_free(model);
  return status;
}

TEST(models_are_read_as_they_were_written) {
  weft_model *model = make_model(), *again;
  uint64_t size, n, m;
  char *bytes = file_of(model, &size);
  ENSURE_EQ(weft__model_read(bytes, size, &again, error, sizeof error), WEFT_OK);
  ENSURE_STR(again->base, "fluid");
  ENSURE_STR(again->version, "1.2.3");
  ENSURE_STR(again->command, "weft train sets --out x");
  ENSURE_EQ(again->hidden, 3);
  ENSURE_EQ(again->metric_count, 1);
  ENSURE(again->metric[0] == 4.25);
  ENSURE_EQ(weft__model_feature(again, LEARN_FLOW, "cc_dctcp"), 1);
  ENSURE_EQ(weft__model_feature(again, LEARN_LINK, "size"), -1);
  const float *mine = weft__model_weights(model, &n), *its = weft__model_weights(again, &m);
  ENSURE(n == m && memcmp(mine, its, n * sizeof *mine) == 0);
  ENSURE(again->side[LEARN_LINK].high[0] == 11.5f);
  uint64_t size_again;
  char *bytes_again = file_of(again, &size_again);
  ENSURE(size == size_again && memcmp(bytes, bytes_again, size) == 0);
  free(bytes);
  free(bytes_again);
  weft_model_free(weft__model_retain(again));
  weft_model_free(again);
  weft_model_free(model);
}

TEST(models_that_are_cut_off_or_longer_are_refused) {
  weft_model *model = make_model();
  uint64_t size;
  char *bytes = file_of(model, &size);
  for (uint64_t n = 0; n < size; n++) ENSURE_EQ(read_copy(bytes, n), WEFT_EINVAL);
  char *longer = calloc(1, size + 1);
  memcpy(longer, bytes, size);
  ENSURE_EQ(read_copy(longer, size + 1), WEFT_EINVAL);
  ENSURE_HAS(error, "too long: expected ");
  ENSURE_EQ(read_copy("weft model 2\n", 13), WEFT_EINVAL);
  ENSURE_HAS(error, "a weft model of another version: expected 1");
  ENSURE_EQ(read_copy("\x89PNG\r\n\x1a\n", 8), WEFT_EINVAL);
  ENSURE_HAS(error, "no weft model: expected a file that begins with 'weft model 1'");
  free(longer);
  free(bytes);
  weft_model_free(model);
}

TEST(models_with_any_byte_changed_are_refused) {
  weft_model *model = make_model();
  uint64_t size;
  char *bytes = file_of(model, &size);
  for (uint64_t n = 0; n < size; n++) {
    bytes[n] = (char)(bytes[n] ^ 0x10);
    ENSURE_EQ(read_copy(bytes, size), WEFT_EINVAL);
    bytes[n] = (char)(bytes[n] ^ 0x10);
  }
  ENSURE_EQ(read_copy(bytes, size), WEFT_OK);
  free(bytes);
  weft_model_free(model);
}

/* Replace a part of the text, and sign the file anew. */
static void refuse(const char *bytes, uint64_t size, const char *from, const char *to,
                   const char *message) {
  const char *at = bytes;
  while (at < bytes + size - 40 && memcmp(at, from, strlen(from)) != 0) at++;
  ENSURE(at < bytes + size - 40);
  const uint64_t before = (uint64_t)(at - bytes), changed = size - strlen(from) + strlen(to);
  char *copy = malloc(changed);
  memcpy(copy, bytes, before);
  memcpy(copy + before, to, strlen(to));
  memcpy(copy + before + strlen(to), at + strlen(from), size - before - strlen(from));
  sign(copy, changed);
  ENSURE_EQ(read_copy(copy, changed), WEFT_EINVAL);
  ENSURE_HAS(error, message);
  free(copy);
}

TEST(models_whose_text_is_wrong_are_refused_by_the_line) {
  weft_model *model = make_model();
  uint64_t size;
  char *bytes = file_of(model, &size);
  refuse(bytes, size, "= sets", "= nets", "architecture: expected one of sets, got 'nets'");
  refuse(bytes, size, "hidden = 3", "hidden = 4", "floats: a network of this shape has ");
  refuse(bytes, size, "hidden = 3", "hidden = 99999999999999999999", "hidden: expected 1 to 512");
  refuse(bytes, size, "hidden = 3", "hidden = -3", "hidden: expected 1 to 512, got '-3'");
  refuse(bytes, size, "hidden = 3", "hidden 3", "line 3: expected 'key = value'");
  refuse(bytes, size, "base = fluid\n", "", "no line 'base = '");
  refuse(bytes, size, "base", "hidden", "line 4: 'hidden' comes twice");
  refuse(bytes, size, "limit = 0.7", "limit = nan", "limit: expected 0.01 to 10, got 'nan'");
  refuse(bytes, size, "size cc", "size size cc", "flow_features: 'size' comes twice");
  refuse(bytes, size, "size cc", "size  cc", "flow_features: expected a name as number 2");
  refuse(bytes, size, "held_mean_pct = 4.25", "held_mean_pct = x",
         "metric held_mean_pct: expected -1e+300 to 1e+300, got 'x'");
  refuse(bytes, size, "data:", "dat:", "line 12: expected 'key = value'");
  free(bytes);
  weft_model_free(model);
}

TEST(models_with_numbers_that_are_none_are_refused) {
  weft_model *model = make_model();
  uint64_t size;
  char *bytes = file_of(model, &size);
  const uint64_t floats = weft__model_floats(model);
  memcpy(bytes + size - 8 - 4 * floats + 4 * 20, "\0\0\xc0\x7f", 4);
  sign(bytes, size);
  ENSURE_EQ(read_copy(bytes, size), WEFT_EINVAL);
  ENSURE_STR(error, "float 20 of its data is no finite number");
  weft__model_rows(model, LEARN_FLOW)[2] = -1; /* the scale of size */
  free(bytes);
  bytes = file_of(model, &size);
  ENSURE_EQ(read_copy(bytes, size), WEFT_EINVAL);
  ENSURE_HAS(error, "flow_features: 'size' has a scale of -1 and bounds 4.5 and 6.5");
  free(bytes);
  weft_model_free(model);
}

static double draw(uint64_t *draws) {
  return uniform(11, (*draws)++);
}

/* A copy of a file with bytes and lines changed, moved and cut, mostly in its text; the sum is made
 * right, so that what is behind it is reached. */
static char *change(const char *bytes, uint64_t size, uint64_t *draws, uint64_t *changed) {
  uint64_t n = size;
  char *copy = malloc(2 * size);
  memcpy(copy, bytes, size);
  const int changes = 1 + (int)(4 * draw(draws));
  for (int i = 0; i < changes; i++) {
    const double what = draw(draws);
    const uint64_t text = draw(draws) < 0.8 && n > 260 ? 260 : n;
    const uint64_t from = (uint64_t)((double)text * draw(draws));
    const uint64_t to = (uint64_t)((double)text * draw(draws));
    uint64_t length = (uint64_t)(20 * draw(draws));
    const uint64_t last = from > to ? from : to;
    if (length > n - last) length = n - last;
    if (what < 0.4) {
      copy[from] = (char)(256 * draw(draws));
    } else if (what < 0.6) {
      copy[from] = "0123456789 =\n-.e_"[(int)(17 * draw(draws))];
    } else if (what < 0.75) {
      memmove(copy + to, copy + from, length);
    } else if (what < 0.9 && n > size / 2) {
      memmove(copy + from, copy + from + length, n - from - length);
      n -= length;
    } else if (n + length < 2 * size) {
      memmove(copy + from + length, copy + from, n - from);
      n += length;
    }
  }
  if (n > 8) sign(copy, n);
  *changed = n;
  return copy;
}

static uint64_t rounds(void) {
  const char *count = getenv("WEFT_FUZZ_COUNT");
  return count != NULL ? strtoull(count, NULL, 10) : 3000;
}

/* Whatever comes out is a model or a line of text. */
TEST(models_that_are_changed_at_random_never_do_more_than_be_refused) {
  weft_model *model = make_model();
  uint64_t size, n, draws = 0;
  char *bytes = file_of(model, &size);
  for (uint64_t round = 0; round < rounds(); round++) {
    char *copy = change(bytes, size, &draws, &n);
    read_copy(copy, n);
    free(copy);
  }
  free(bytes);
  weft_model_free(model);
}

static void write_file(const char *path, const char *bytes, uint64_t size) {
  FILE *file = fopen(path, "wb");
  ENSURE(file != NULL && fwrite(bytes, 1, size, file) == size);
  fclose(file);
}

/* The same for examples; those that are taken can be written and read again. */
TEST(examples_that_are_changed_at_random_never_do_more_than_be_refused) {
  char path[] = "/tmp/weft-examples-XXXXXX";
  const struct learn_error told = {error, sizeof error};
  uint64_t size, n, draws = 0;
  int status;
  close(mkstemp(path));
  weft_examples *examples;
  ENSURE_EQ(weft_examples_create("size rate", "queue", &examples, error, sizeof error), WEFT_OK);
  const float flow[] = {1, 2, 3, 4, 5, 6}, links[] = {4, 5, 6};
  const uint32_t counts[] = {2, 0, 1};
  const weft_example_times times[] = {{3, 2, 1}, {1, 2, 1}, {1, 1, 1}};
  ENSURE_EQ(weft_examples_add(examples, 3, 7, flow, counts, links, times, error, sizeof error),
            WEFT_OK);
  ENSURE_EQ(weft_examples_save(examples, path, error, sizeof error), WEFT_OK);
  weft_examples_free(examples);
  char *bytes = weft__in_read(path, &size, &status, &told);
  ENSURE(bytes != NULL);
  for (uint64_t round = 0; round < rounds() / 4; round++) {
    char *copy = change(bytes, size, &draws, &n);
    write_file(path, copy, n);
    free(copy);
    weft_examples *got = NULL;
    error[0] = '\0';
    status = weft_examples_load(path, &got, error, sizeof error);
    ENSURE((status < 0) == (got == NULL));
    ENSURE((status < 0) == (error[0] != '\0'));
    if (status < 0) continue;
    ENSURE_EQ(weft_examples_save(got, path, error, sizeof error), WEFT_OK);
    ENSURE_EQ(weft_examples_load(path, &got, error, sizeof error), WEFT_OK);
    weft_examples_free(got);
  }
  free(bytes);
  unlink(path);
}

TEST(a_feature_outside_of_what_training_has_seen_is_found_and_taken_as_the_bound) {
  weft_model *model = make_model();
  const float inside[] = {5.5f, 6}, above[] = {5.5f, 8}, bound[] = {5.5f, 7.5f};
  ENSURE_EQ(weft__model_outside(model, LEARN_FLOW, inside), -1);
  ENSURE_EQ(weft__model_outside(model, LEARN_FLOW, above), 1);
  const float link[] = {11};
  double a, b;
  ENSURE_EQ(weft_model_predict(model, above, link, 1, &a), WEFT_OK);
  ENSURE_EQ(weft_model_predict(model, bound, link, 1, &b), WEFT_OK);
  ENSURE(a == b);
  weft_model_free(model);
}

TEST(examples_are_read_as_they_were_written_and_added_to_others) {
  char path[] = "/tmp/weft-examples-XXXXXX";
  close(mkstemp(path));
  weft_examples *examples, *again = NULL;
  ENSURE_EQ(weft_examples_create("size", "queue", &examples, error, sizeof error), WEFT_OK);
  const float flow[] = {1, 2, 3}, links[] = {4, 5, 6};
  const uint32_t counts[] = {2, 0, 1};
  const weft_example_times times[] = {{3, 2, 1}, {1, 2, 1}, {1, 1, 1}};
  ENSURE_EQ(
      weft_examples_add(examples, 3, 4000000000u, flow, counts, links, times, error, sizeof error),
      WEFT_OK);
  ENSURE_EQ(weft_examples_save(examples, path, error, sizeof error), WEFT_OK);
  ENSURE_EQ(weft_examples_load(path, &again, error, sizeof error), WEFT_OK);
  ENSURE_EQ(weft_examples_load(path, &again, error, sizeof error), WEFT_OK);
  ENSURE_EQ(weft_examples_count(again), 6);
  ENSURE_EQ(weft_examples_save(again, path, error, sizeof error), WEFT_OK);
  weft_examples *others;
  ENSURE_EQ(weft_examples_create("size", "queues", &others, error, sizeof error), WEFT_OK);
  ENSURE_EQ(weft_examples_load(path, &others, error, sizeof error), WEFT_EINVAL);
  ENSURE_STR(error, "link_features: others than before");
  ENSURE_EQ(weft_examples_count(others), 0);
  weft_examples_free(others);
  weft_examples_free(again);
  weft_examples_free(examples);
  again = NULL;
  unlink(path);
  ENSURE_EQ(weft_examples_load(path, &again, error, sizeof error), WEFT_EINVAL);
  ENSURE_STR(error, "cannot read it: No such file or directory");
  ENSURE(again == NULL);
}
