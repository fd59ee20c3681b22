/* Examples in memory. */
#include "learn/examples.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash_i.h"
#include "learn/architecture.h"
#include "learn/file.h"
#include "learn/math_i.h"
#include "weft.h"

/* By what share a time can be off and still be learned from: e^12. */
static const double FARTHEST = 12;

int weft__learn_split(const char *text, size_t length, learn_name *names, const char *what,
                      const struct learn_error *error) {
  int n = 0;
  for (const char *at = text, *end = text + length; at < end; ++n) {
    const char *blank = memchr(at, ' ', (size_t)(end - at));
    const size_t size = (size_t)((blank != NULL ? blank : end) - at);
    if (!weft__learn_is_name(at, size))
      return weft__learn_fail(error, WEFT_EINVAL, "%s: expected a name as number %d", what, n + 1);
    if (n == LEARN_FEATURES_MAX)
      return weft__learn_fail(error, WEFT_EINVAL, "%s: expected at most %d names", what,
                              LEARN_FEATURES_MAX);
    if (names != NULL) {
      memcpy(names[n], at, size);
      names[n][size] = '\0';
      for (int k = 0; k < n; ++k)
        if (strcmp(names[k], names[n]) == 0)
          return weft__learn_fail(error, WEFT_EINVAL, "%s: '%s' comes twice", what, names[n]);
    }
    at += size + (blank != NULL);
  }
  return n;
}

int weft_examples_create(const char *flow_features, const char *link_features,
                         weft_examples **examples, char *error, size_t size) {
  const struct learn_error told = {error, size};
  const char *text[LEARN_SIDES] = {flow_features, link_features};
  *examples = NULL;
  weft_examples *made = calloc(1, sizeof *made);
  int status = made != NULL ? WEFT_OK : WEFT_ENOMEM;
  for (uint32_t s = 0; s < LEARN_SIDES && status >= 0; ++s) {
    const char *what = s == LEARN_FLOW ? "flow_features" : "link_features";
    status = weft__learn_split(text[s], strlen(text[s]), NULL, what, &told);
    if (status < 0) break;
    made->width[s] = (uint32_t)status;
    made->names[s] = calloc(made->width[s] + 1, LEARN_NAME_MAX);
    if (made->names[s] == NULL) status = WEFT_ENOMEM;
    if (status >= 0)
      status = weft__learn_split(text[s], strlen(text[s]), made->names[s], what, &told);
  }
  if (status == WEFT_ENOMEM) weft__learn_fail(&told, status, "out of memory");
  if (status < 0) {
    weft_examples_free(made);
    return status;
  }
  *examples = made;
  return WEFT_OK;
}

void weft_examples_free(weft_examples *examples) {
  if (examples == NULL) return;
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) free(examples->names[s]);
  free(examples->flow);
  free(examples->link);
  free(examples->first);
  free(examples->target);
  free(examples->base);
  free(examples->group);
  free(examples);
}

uint32_t weft_examples_count(const weft_examples *examples) {
  return examples->n;
}

void weft_examples_widths(const weft_examples *examples, uint32_t *flow, uint32_t *link) {
  *flow = examples->width[LEARN_FLOW];
  *link = examples->width[LEARN_LINK];
}

/* ---- adding ---- */

static int resize(void *array, uint64_t bytes) {
  void *old, *at;
  memcpy(&old, array, sizeof old);
  at = bytes < SIZE_MAX ? realloc(old, (size_t)bytes + 1) : NULL;
  if (at == NULL) return 0;
  memcpy(array, &at, sizeof at);
  return 1;
}

static uint64_t larger(uint64_t have, uint64_t need) {
  return need > 2 * have ? need : 2 * have;
}

/* Room for so many examples and links in all. */
static int reserve(weft_examples *e, uint64_t n, uint64_t links) {
  if (n > e->capacity) {
    const uint64_t to = larger(e->capacity, n);
    if (to > UINT32_MAX || !resize(&e->flow, to * e->width[LEARN_FLOW] * sizeof(float)) ||
        !resize(&e->first, (to + 1) * sizeof *e->first) ||
        !resize(&e->target, to * sizeof *e->target) || !resize(&e->base, to * sizeof *e->base) ||
        !resize(&e->group, to * sizeof *e->group))
      return 0;
    e->capacity = (uint32_t)to;
  }
  if (links > e->link_capacity) {
    const uint64_t to = larger(e->link_capacity, links);
    if (!resize(&e->link, to * e->width[LEARN_LINK] * sizeof(float))) return 0;
    e->link_capacity = to;
  }
  return 1;
}

/* The first feature of rows that is no finite number is told. */
static int check_features(const weft_examples *e, uint32_t side, const float *at, uint64_t rows,
                          const struct learn_error *error) {
  const uint32_t width = e->width[side];
  for (uint64_t i = 0; i < rows * width; ++i)
    if (!(at[i] - at[i] == 0))
      return weft__learn_fail(error, WEFT_EINVAL, "%s %llu: %s is no finite number",
                              side == LEARN_FLOW ? "example" : "link",
                              (unsigned long long)(i / width), e->names[side][i % width]);
  return WEFT_OK;
}

static int check_times(const weft_example_times *t, uint32_t i, const struct learn_error *error) {
  const double all[3] = {t->truth, t->base, t->ideal};
  static const char *const names[3] = {"true", "base", "ideal"};
  for (int k = 0; k < 3; ++k)
    if (!(all[k] > 0 && all[k] < 1e300))
      return weft__learn_fail(error, WEFT_EINVAL, "example %u: expected a %s time > 0, got %g", i,
                              names[k], all[k]);
  const double far = learn_log(t->truth) - learn_log(t->base);
  if (far > FARTHEST || far < -FARTHEST)
    return weft__learn_fail(error, WEFT_EINVAL,
                            "example %u: a base time of %g for a true one of %g", i, t->base,
                            t->truth);
  return WEFT_OK;
}

int weft_examples_add(weft_examples *examples, uint32_t count, uint32_t group, const float *flow,
                      const uint32_t *link_counts, const float *links,
                      const weft_example_times *times, char *error, size_t size) {
  weft_examples *e = examples;
  const struct learn_error told = {error, size};
  uint64_t more = 0;
  int status = WEFT_OK;
  for (uint32_t i = 0; i < count && status >= 0; ++i) {
    more += link_counts[i];
    status = check_times(&times[i], i, &told);
  }
  if (status >= 0) status = check_features(e, LEARN_FLOW, flow, count, &told);
  if (status >= 0) status = check_features(e, LEARN_LINK, links, more, &told);
  if (status < 0) return status;
  if (!reserve(e, (uint64_t)e->n + count, e->links + more))
    return weft__learn_fail(&told, WEFT_ENOMEM, "out of memory");
  if (count > 0)
    memcpy(e->flow + (size_t)e->n * e->width[LEARN_FLOW], flow,
           (size_t)count * e->width[LEARN_FLOW] * sizeof *flow);
  if (more > 0)
    memcpy(e->link + (size_t)e->links * e->width[LEARN_LINK], links,
           (size_t)more * e->width[LEARN_LINK] * sizeof *links);
  for (uint32_t i = 0; i < count; ++i, ++e->n) {
    const double slow = learn_log(times[i].base) - learn_log(times[i].ideal);
    e->first[e->n] = e->links;
    e->links += link_counts[i];
    e->first[e->n + 1] = e->links;
    e->target[e->n] = (float)(learn_log(times[i].truth) - learn_log(times[i].base));
    e->base[e->n] = slow > 0 ? (float)slow : 0;
    e->group[e->n] = group;
  }
  return WEFT_OK;
}

/* ---- files ---- */

static uint64_t fold(uint64_t sum, const void *at, uint64_t bytes) {
  const unsigned char *b = at;
  for (uint64_t i = 0; i < bytes; i += 8) {
    uint64_t word = 0;
    memcpy(&word, b + i, bytes - i < 8 ? bytes - i : 8);
    sum = hash_mix(sum ^ word);
  }
  return sum;
}

uint64_t weft__examples_digest(const weft_examples *e) {
  uint64_t sum = hash_mix(e->n);
  for (uint32_t s = 0; s < LEARN_SIDES; ++s)
    sum = fold(sum, e->names[s], (uint64_t)e->width[s] * LEARN_NAME_MAX);
  sum = fold(sum, e->flow, (uint64_t)e->n * e->width[LEARN_FLOW] * sizeof(float));
  sum = fold(sum, e->link, e->links * e->width[LEARN_LINK] * sizeof(float));
  sum = fold(sum, e->target, (uint64_t)e->n * sizeof(float));
  return fold(sum, e->group, (uint64_t)e->n * sizeof *e->group);
}

/* Whole numbers of 24 bits are floats; groups are two of them. */
enum { HALF = 1 << 16 };

int weft_examples_save(const weft_examples *e, const char *path, char *error, size_t size) {
  struct learn_out out = {.n = 0};
  weft__out_text(&out, "weft examples 1\nexamples = %u\nlinks = %llu\n", e->n,
                 (unsigned long long)e->links);
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    weft__out_text(&out, s == LEARN_FLOW ? "flow_features =" : "link_features =");
    for (uint32_t i = 0; i < e->width[s]; ++i) weft__out_text(&out, " %s", e->names[s][i]);
    weft__out_text(&out, "\n");
  }
  const uint64_t flow = (uint64_t)e->n * e->width[LEARN_FLOW],
                 link = e->links * e->width[LEARN_LINK];
  weft__out_data(&out, flow + link + (uint64_t)e->n * 5);
  weft__out_floats(&out, e->flow, flow);
  weft__out_floats(&out, e->link, link);
  for (uint32_t i = 0; i < e->n; ++i) {
    const float its[5] = {(float)(e->first[i + 1] - e->first[i]), e->target[i], e->base[i],
                          (float)(e->group[i] / HALF), (float)(e->group[i] % HALF)};
    weft__out_floats(&out, its, 5);
  }
  weft__out_end(&out);
  return weft__out_commit(&out, path, error, size);
}

/* Whether a file has the features that there are; makes the examples if there are none. */
static int agree(struct learn_in *in, weft_examples **examples) {
  static const char *const keys[LEARN_SIDES] = {"flow_features", "link_features"};
  char *text[LEARN_SIDES] = {NULL, NULL};
  int status = WEFT_OK;
  for (uint32_t s = 0; s < LEARN_SIDES && status >= 0; ++s) {
    size_t length;
    const char *value = weft__in_value(in, keys[s], &length);
    if (value == NULL) {
      status = weft__learn_fail(&in->error, WEFT_EINVAL, "no line '%s = '", keys[s]);
    } else if ((text[s] = calloc(1, length + 1)) == NULL) {
      status = weft__learn_fail(&in->error, WEFT_ENOMEM, "out of memory");
    } else {
      memcpy(text[s], value, length);
    }
  }
  weft_examples *its = NULL;
  if (status >= 0)
    status = weft_examples_create(text[0], text[1], &its, in->error.at, in->error.size);
  free(text[0]);
  free(text[1]);
  if (status < 0) return status;
  if (*examples == NULL) {
    *examples = its;
    return WEFT_OK;
  }
  for (uint32_t s = 0; s < LEARN_SIDES && status >= 0; ++s)
    if (its->width[s] != (*examples)->width[s] ||
        memcmp(its->names[s], (*examples)->names[s], (size_t)its->width[s] * LEARN_NAME_MAX) != 0)
      status = weft__learn_fail(&in->error, WEFT_EINVAL, "%s: others than before", keys[s]);
  weft_examples_free(its);
  return status;
}

/* A whole number of at least 0 and less than `end`, else `end`. */
static uint32_t whole(float x, uint32_t end) {
  return x >= 0 && x < (float)end && (float)(uint32_t)x == x ? (uint32_t)x : end;
}

static int take(struct learn_in *in, weft_examples *e, uint32_t n, uint64_t links) {
  const uint64_t wanted =
      (uint64_t)n * e->width[LEARN_FLOW] + links * e->width[LEARN_LINK] + (uint64_t)n * 5;
  if (in->left != wanted)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "floats: expected %llu, got %llu",
                            (unsigned long long)wanted, (unsigned long long)in->left);
  if (!reserve(e, (uint64_t)e->n + n, e->links + links))
    return weft__learn_fail(&in->error, WEFT_ENOMEM, "out of memory");
  weft__in_floats(in, e->flow + (size_t)e->n * e->width[LEARN_FLOW],
                  (uint64_t)n * e->width[LEARN_FLOW]);
  weft__in_floats(in, e->link + (size_t)e->links * e->width[LEARN_LINK],
                  links * e->width[LEARN_LINK]);
  uint64_t upto = 0;
  for (uint32_t i = 0; i < n; ++i) {
    float its[5];
    weft__in_floats(in, its, 5);
    const uint32_t count = whole(its[0], WEFT_PATH_MAX + 1u), high = whole(its[3], HALF),
                   low = whole(its[4], HALF);
    upto += count;
    const int near = its[1] <= (float)FARTHEST && its[1] >= -(float)FARTHEST && its[2] >= 0;
    if (count > WEFT_PATH_MAX || upto > links || high == HALF || low == HALF || !near)
      return weft__learn_fail(&in->error, WEFT_EINVAL, "example %u makes no sense", i);
    const uint32_t at = e->n + i;
    e->first[at] = e->links + upto - count;
    e->first[at + 1] = e->links + upto;
    e->target[at] = its[1];
    e->base[at] = its[2];
    e->group[at] = high * HALF + low;
  }
  if (upto != links)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "links: expected %llu, got %llu",
                            (unsigned long long)upto, (unsigned long long)links);
  e->n += n;
  e->links += links;
  return WEFT_OK;
}

int weft_examples_load(const char *path, weft_examples **examples, char *error, size_t size) {
  const struct learn_error told = {error, size};
  struct learn_in in;
  uint64_t length, n = 0, links = 0;
  int status;
  char *bytes = weft__in_read(path, &length, &status, &told);
  if (bytes == NULL) return status;
  weft_examples *given = *examples;
  status = weft__in_open(&in, "examples", bytes, length, &told);
  if (status >= 0) status = weft__in_count(&in, "examples", 0, UINT32_MAX / 2, &n);
  if (status >= 0) status = weft__in_count(&in, "links", 0, UINT32_MAX, &links);
  if (status >= 0) status = agree(&in, examples);
  if (status >= 0) status = take(&in, *examples, (uint32_t)n, links);
  free(bytes);
  if (status < 0 && given == NULL) {
    weft_examples_free(*examples);
    *examples = NULL;
  }
  return status;
}
