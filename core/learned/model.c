/* The model of a simulation: which one it is, and what it has been asked that it does not know. */
#include <string.h>

#include "learned/learned_i.h"

static uint32_t count(uint32_t side) {
  return side == LEARN_FLOW ? weft__learned_flow_features() : weft__learned_link_features();
}

static const char *feature(uint32_t side, uint32_t i) {
  return side == LEARN_FLOW ? weft__learned_flow_feature(i) : weft__learned_link_feature(i);
}

/* It must be told what this engine tells, in this order. */
static int check(weft_sim *sim, const weft_model *model) {
  if (strcmp(model->base, "fluid-cc") != 0)
    return weft__fail(sim, WEFT_EINVAL, "model: base: expected fluid-cc, got '%s'", model->base);
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    const struct learn_features *its = &model->side[s];
    for (uint32_t i = 0; i < its->n || i < count(s); ++i) {
      const char *got = i < its->n ? its->name[i] : "", *wanted = i < count(s) ? feature(s, i) : "";
      if (strcmp(got, wanted) != 0)
        return weft__fail(sim, WEFT_EINVAL,
                          "model: %s_features: expected '%s' as number %u, got '%s'",
                          s == LEARN_FLOW ? "flow" : "link", wanted, i + 1, got);
    }
  }
  return WEFT_OK;
}

static int take(weft_sim *sim, const void *data, uint64_t size) {
  char error[200];
  weft_model *model;
  int status = weft__model_read(data, size, &model, error, sizeof error);
  if (status < 0) return weft__fail(sim, status, "model: %s", error);
  const uint32_t features = count(LEARN_FLOW) + count(LEARN_LINK);
  const uint64_t scratch = weft__model_scratch(model, WEFT_PATH_MAX);
  status = check(sim, model);
  if (status == WEFT_OK && (!pool_reserve(sim, sim->learned.seen, features) ||
                            !pool_reserve(sim, sim->learned.scratch, scratch)))
    status = WEFT_ENOMEM;
  if (status != WEFT_OK) {
    weft_model_free(model);
    return status;
  }
  const uint32_t flows = count(LEARN_FLOW);
  sim->learned.seen.n = features;
  sim->learned.scratch.n = (uint32_t)scratch;
  for (uint32_t i = 0; i < features; ++i)
    sim->learned.seen.at[i] =
        i < flows ? model->side[LEARN_FLOW].low[i] : model->side[LEARN_LINK].low[i - flows];
  sim->learned.model = model;
  return WEFT_OK;
}

int weft__learned_take_model(weft_sim *sim) {
  if (sim->learned.is_looked_for) return WEFT_OK;
  for (uint32_t i = 0; i < sim->base.held.n; ++i) {
    uint32_t kind;
    uint64_t size;
    weft_resource_name(sim->base.held.at[i], &kind);
    if (kind != WEFT_RESOURCE_WEIGHTS) continue;
    const void *data = weft_resource_data(sim->base.held.at[i], &size);
    const int status = take(sim, data, size);
    if (status != WEFT_OK) return status;
    break;
  }
  sim->learned.is_looked_for = 1;
  return WEFT_OK;
}

double weft__learned_factor(weft_sim *sim, const float *flow, const float *links, uint32_t n) {
  float log_factor = 0;
  weft__model_sets(sim->learned.model, flow, links, n, sim->learned.scratch.at, &log_factor);
  return (double)learn_exp(log_factor);
}

/* ---- what it does not know ---- */

/* By how much a value is outside of a range. */
static float beyond(float value, float least, float most) {
  return value < least ? least - value : value > most ? value - most : 0;
}

static void watch(const struct learn_features *its, const float *values, float *seen) {
  for (uint32_t i = 0; i < its->n; ++i)
    if (beyond(values[i], its->low[i], its->high[i]) > beyond(seen[i], its->low[i], its->high[i]))
      seen[i] = values[i];
}

void weft__learned_watch_range(weft_sim *sim, const float *flow, const float *links, uint32_t n) {
  const struct learn_features *side = sim->learned.model->side;
  watch(&side[LEARN_FLOW], flow, sim->learned.seen.at);
  for (uint32_t l = 0; l < n; ++l)
    watch(&side[LEARN_LINK], links + (size_t)l * side[LEARN_LINK].n,
          sim->learned.seen.at + side[LEARN_FLOW].n);
}

const char *weft_learned_feature(const weft_sim *sim, uint32_t index, double range[3]) {
  const uint32_t flows = count(LEARN_FLOW);
  if (index >= flows + count(LEARN_LINK)) return NULL;
  const uint32_t side = index < flows ? LEARN_FLOW : LEARN_LINK,
                 i = index < flows ? index : index - flows;
  const weft_model *model = sim->learned.model;
  if (range != NULL) {
    range[0] = model != NULL ? (double)model->side[side].low[i] : 0;
    range[1] = model != NULL ? (double)model->side[side].high[i] : 0;
    range[2] = model != NULL ? (double)sim->learned.seen.at[index] : 0;
  }
  return feature(side, i);
}
