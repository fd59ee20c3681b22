/* A model's file: lines of text, then floats. docs/learning.md has the format. Everything is
 * checked before it is used: a file may be of anybody. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learned/learned_i.h"

enum { HIDDEN_MOST = 256, LINE_MOST = 256 };

/* What is still to be read. */
struct reader {
  const char *at, *end;
};

static int fail(weft_sim *sim, const char *what) {
  return weft__fail(sim, WEFT_EINVAL, "model: %s", what);
}

/* The next line without its end, or 0. */
static int next_line(struct reader *from, char *line) {
  const size_t left = (size_t)(from->end - from->at);
  const char *stop = memchr(from->at, '\n', left < LINE_MOST ? left : LINE_MOST);
  if (stop == NULL) return 0;
  const size_t n = (size_t)(stop - from->at);
  if (n >= LINE_MOST || memchr(from->at, 0, n) != NULL) return 0;
  memcpy(line, from->at, n);
  line[n] = 0;
  from->at = stop + 1;
  return 1;
}

/* The rest of a line that begins with a word, or NULL. */
static const char *after(const char *line, const char *word) {
  const size_t n = strlen(word);
  return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1 : NULL;
}

static int is_finite(float x) {
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  return (bits >> 23 & 0xff) != 0xff;
}

/* "<kind> <name> <least> <most>": of the feature that has that place here. */
static int read_feature(weft_sim *sim, const char *line, const char *kind, const char *name,
                        float range[2]) {
  const char *rest = after(line, kind);
  rest = rest != NULL ? after(rest, name) : NULL;
  if (rest == NULL)
    return weft__fail(sim, WEFT_EINVAL, "model: expected feature '%s %s', got '%.60s'", kind, name,
                      line);
  char *end;
  range[0] = strtof(rest, &end);
  range[1] = strtof(end, &end);
  if (*end != 0 || !is_finite(range[0]) || !is_finite(range[1]) || range[0] > range[1])
    return weft__fail(sim, WEFT_EINVAL, "model: feature '%s': expected a range, got '%.60s'", name,
                      rest);
  return WEFT_OK;
}

static int read_number(weft_sim *sim, struct reader *from, const char *word, uint64_t most,
                       int base, uint64_t *out) {
  char line[LINE_MOST];
  const char *rest = next_line(from, line) ? after(line, word) : NULL;
  char *end = NULL;
  if (rest != NULL) *out = strtoull(rest, &end, base);
  if (rest == NULL || *rest == 0 || *rest == '-' || *end != 0 || *out > most)
    return weft__fail(sim, WEFT_EINVAL, "model: expected a line '%s <number>'", word);
  return WEFT_OK;
}

/* "bound <x>": of corrections, 0.001 to 3. */
static int read_bound(weft_sim *sim, struct reader *from) {
  char line[LINE_MOST], *end;
  const char *rest = next_line(from, line) ? after(line, "bound") : NULL;
  const double bound = rest != NULL ? strtod(rest, &end) : 0;
  if (rest == NULL || *end != 0 || !(bound >= 0.001 && bound <= 3))
    return fail(sim, "expected a line 'bound <number>', 0.001 to 3");
  sim->learned.bound = bound;
  return WEFT_OK;
}

static int expect(weft_sim *sim, struct reader *from, const char *wanted) {
  char line[LINE_MOST];
  if (next_line(from, line) && strcmp(line, wanted) == 0) return WEFT_OK;
  return weft__fail(sim, WEFT_EINVAL, "model: expected the line '%s'", wanted);
}

/* FNV-1a (Fowler, Noll, Vo). */
static uint64_t checksum(const char *at, uint64_t size) {
  uint64_t sum = 14695981039346656037u;
  for (uint64_t i = 0; i < size; ++i) sum = (sum ^ (unsigned char)at[i]) * 1099511628211u;
  return sum;
}

static int read_floats(weft_sim *sim, struct reader *from, uint64_t count, uint64_t sum) {
  const uint64_t bytes = (uint64_t)(from->end - from->at);
  if (bytes != 4 * count)
    return weft__fail(sim, WEFT_EINVAL,
                      "model: expected %" PRIu64 " bytes of weights, got %" PRIu64, 4 * count,
                      bytes);
  if (checksum(from->at, bytes) != sum) return fail(sim, "the weights do not have their checksum");
  for (uint64_t i = 0; i < count; ++i) {
    const unsigned char *b = (const unsigned char *)from->at + 4 * i;
    const uint32_t bits = b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
    memcpy(&sim->learned.weights.at[i], &bits, sizeof bits);
    if (!is_finite(sim->learned.weights.at[i])) return fail(sim, "a weight is no number");
  }
  return WEFT_OK;
}

/* Ranges behind the weights: least of all, most of all, and none seen outside. */
static int read_features(weft_sim *sim, struct reader *from, float *ranges) {
  const uint32_t nf = weft__learned_flow_features(), n = nf + weft__learned_link_features();
  char line[LINE_MOST];
  for (uint32_t i = 0; i < n; ++i) {
    float range[2] = {0, 0};
    const char *name = i < nf ? weft__learned_flow_feature(i) : weft__learned_link_feature(i - nf);
    if (!next_line(from, line)) return fail(sim, "it ends among its features");
    const int status = read_feature(sim, line, i < nf ? "flow" : "link", name, range);
    if (status != WEFT_OK) return status;
    ranges[i] = ranges[2 * n + i] = range[0];
    ranges[n + i] = range[1];
  }
  return WEFT_OK;
}

static int read_model(weft_sim *sim, struct reader from) {
  uint64_t hidden, count, sum;
  int status = expect(sim, &from, "weft-model 1");
  if (status == WEFT_OK) status = expect(sim, &from, "architecture sets");
  if (status == WEFT_OK) status = expect(sim, &from, "base fluid-cc");
  if (status == WEFT_OK) status = read_number(sim, &from, "hidden", HIDDEN_MOST, 10, &hidden);
  if (status == WEFT_OK) status = read_bound(sim, &from);
  if (status != WEFT_OK) return status;
  if (hidden == 0) return fail(sim, "it has no hidden units");
  const uint32_t n = weft__learned_flow_features() + weft__learned_link_features();
  const uint64_t floats = weft__learned_weights((uint32_t)hidden);
  const uint64_t scratch = weft__learned_scratch((uint32_t)hidden);
  if (!pool_reserve(sim, sim->learned.weights, floats + 3ull * n) ||
      !pool_reserve(sim, sim->learned.scratch, scratch))
    return WEFT_ENOMEM;
  status = read_features(sim, &from, sim->learned.weights.at + floats);
  if (status == WEFT_OK) status = read_number(sim, &from, "weights", UINT32_MAX, 10, &count);
  if (status == WEFT_OK) status = read_number(sim, &from, "checksum", UINT64_MAX, 16, &sum);
  char line[LINE_MOST];
  while (status == WEFT_OK && next_line(&from, line) && strcmp(line, "end") != 0)
    if (after(line, "note") == NULL) status = fail(sim, "expected the line 'end'");
  if (status == WEFT_OK && count != floats) status = fail(sim, "its weights are not as many");
  if (status == WEFT_OK) status = read_floats(sim, &from, floats, sum);
  if (status != WEFT_OK) return status;
  sim->learned.weights.n = (uint32_t)(floats + 3ull * n);
  sim->learned.scratch.n = (uint32_t)scratch;
  sim->learned.hidden = (uint32_t)hidden;
  return WEFT_OK;
}

int weft__learned_take_model(weft_sim *sim) {
  if (sim->learned.is_looked_for) return WEFT_OK;
  for (uint32_t i = 0; i < sim->base.held.n; ++i) {
    uint32_t kind;
    uint64_t size;
    weft_resource_name(sim->base.held.at[i], &kind);
    if (kind != WEFT_RESOURCE_WEIGHTS) continue;
    const char *data = weft_resource_data(sim->base.held.at[i], &size);
    const int status = read_model(sim, (struct reader){data, data + size});
    if (status != WEFT_OK) return status;
    break;
  }
  sim->learned.is_looked_for = 1;
  return WEFT_OK;
}

static float *ranges_of(const weft_sim *sim) {
  const uint32_t n = weft__learned_flow_features() + weft__learned_link_features();
  return sim->learned.weights.at + sim->learned.weights.n - 3ull * n;
}

/* By how much a value is outside of a range. */
static float beyond(float value, float least, float most) {
  return value < least ? least - value : value > most ? value - most : 0;
}

static void watch(float *ranges, uint32_t n, uint32_t first, const float *values, uint32_t count) {
  for (uint32_t i = 0; i < count; ++i) {
    const float least = ranges[first + i], most = ranges[n + first + i];
    float *seen = &ranges[2 * n + first + i];
    if (beyond(values[i], least, most) > beyond(*seen, least, most)) *seen = values[i];
  }
}

void weft__learned_watch_range(weft_sim *sim, const float *flow, const float *links,
                               uint32_t count) {
  const uint32_t nf = weft__learned_flow_features(), nl = weft__learned_link_features();
  float *ranges = ranges_of(sim);
  watch(ranges, nf + nl, 0, flow, nf);
  for (uint32_t l = 0; l < count; ++l) watch(ranges, nf + nl, nf, links + l * nl, nl);
}

const char *weft_learned_feature(const weft_sim *sim, uint32_t index, double range[3]) {
  const uint32_t nf = weft__learned_flow_features(), n = nf + weft__learned_link_features();
  if (index >= n) return NULL;
  for (uint32_t i = 0; range != NULL && i < 3; ++i)
    range[i] = sim->learned.hidden > 0 ? (double)ranges_of(sim)[i * n + index] : 0;
  return index < nf ? weft__learned_flow_feature(index) : weft__learned_link_feature(index - nf);
}
