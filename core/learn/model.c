/* Models: their memory, their features, who holds them. */
#include "learn/model.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "learn/architecture.h"
#include "weft.h"

enum { ROWS = 4 }; /* of numbers for each feature */

static const struct learn_network *const networks[] = {&weft__learn_sets};

_Static_assert(sizeof networks / sizeof *networks == LEARN_ARCHITECTURES, "architectures");

/* Behind a model: its names, then its floats. */
struct learn_owned {
  atomic_uint holders;
  uint32_t unused;
  learn_name *names[LEARN_SIDES];
  float *rows[LEARN_SIDES];
  float *weights;
  uint64_t weight_count;
};

struct whole {
  weft_model model;
  struct learn_owned owned;
};

const struct learn_network *weft__learn_network(uint32_t architecture) {
  return networks[architecture];
}

int weft__learn_architecture(const char *name) {
  for (int i = 0; i < LEARN_ARCHITECTURES; ++i)
    if (strcmp(networks[i]->name, name) == 0) return i;
  return -1;
}

const char *weft__learn_architectures(void) {
  return "sets";
}

static void lay_out(struct whole *whole, const struct learn_shape *shape) {
  learn_name *name = (learn_name *)(whole + 1);
  float *at = (float *)(void *)(name + shape->n[LEARN_FLOW] + shape->n[LEARN_LINK]);
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    const uint32_t n = shape->n[s];
    whole->owned.names[s] = name;
    whole->owned.rows[s] = at;
    whole->model.side[s] = (struct learn_features){
        .n = n, .name = name, .mean = at, .scale = at + n, .low = at + 2 * n, .high = at + 3 * n};
    name += n;
    at += ROWS * n;
  }
  whole->owned.weights = at;
  for (uint32_t t = 0; t < whole->model.tensor_count; ++t) {
    whole->model.tensors[t].at = at;
    at += (size_t)whole->model.tensors[t].rows * whole->model.tensors[t].columns;
  }
  whole->owned.weight_count = (uint64_t)(at - whole->owned.weights);
}

weft_model *weft__model_new(const struct learn_shape *shape) {
  struct learn_tensor tensors[LEARN_TENSORS_MAX];
  const uint32_t count = networks[shape->architecture]->tensors(shape, tensors);
  uint64_t floats = 0;
  for (uint32_t t = 0; t < count; ++t) floats += (uint64_t)tensors[t].rows * tensors[t].columns;
  const uint64_t features = (uint64_t)shape->n[LEARN_FLOW] + shape->n[LEARN_LINK];
  const uint64_t bytes =
      sizeof(struct whole) + features * LEARN_NAME_MAX + (ROWS * features + floats) * sizeof(float);
  struct whole *whole = bytes < SIZE_MAX ? calloc(1, (size_t)bytes) : NULL;
  if (whole == NULL) return NULL;
  whole->model.architecture = shape->architecture;
  whole->model.hidden = shape->hidden;
  whole->model.tensor_count = count;
  memcpy(whole->model.tensors, tensors, count * sizeof *tensors);
  whole->model.owned = &whole->owned;
  atomic_init(&whole->owned.holders, 1);
  lay_out(whole, shape);
  return &whole->model;
}

struct learn_shape weft__model_shape(const weft_model *model) {
  return (struct learn_shape){.architecture = model->architecture,
                              .hidden = model->hidden,
                              .n = {model->side[LEARN_FLOW].n, model->side[LEARN_LINK].n}};
}

weft_model *weft__model_retain(weft_model *model) {
  atomic_fetch_add_explicit(&model->owned->holders, 1, memory_order_relaxed);
  return model;
}

void weft_model_free(weft_model *model) {
  if (model == NULL) return;
  if (atomic_fetch_sub_explicit(&model->owned->holders, 1, memory_order_acq_rel) == 1) free(model);
}

learn_name *weft__model_names(weft_model *model, uint32_t side) {
  return model->owned->names[side];
}

float *weft__model_rows(weft_model *model, uint32_t side) {
  return model->owned->rows[side];
}

float *weft__model_weights(weft_model *model, uint64_t *count) {
  *count = model->owned->weight_count;
  return model->owned->weights;
}

uint64_t weft__model_floats(const weft_model *model) {
  return ROWS * ((uint64_t)model->side[LEARN_FLOW].n + model->side[LEARN_LINK].n) +
         model->owned->weight_count;
}

int weft__learn_is_name(const char *text, size_t length) {
  if (length == 0 || length >= LEARN_NAME_MAX) return 0;
  for (size_t i = 0; i < length; ++i) {
    const char c = text[i];
    const int good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '_' || c == '-' || c == '.';
    if (!good) return 0;
  }
  return 1;
}

int weft__model_feature(const weft_model *model, uint32_t side, const char *name) {
  for (uint32_t i = 0; i < model->side[side].n; ++i)
    if (strcmp(model->side[side].name[i], name) == 0) return (int)i;
  return -1;
}

int weft__model_outside(const weft_model *model, uint32_t side, const float *features) {
  const struct learn_features *its = &model->side[side];
  for (uint32_t i = 0; i < its->n; ++i) {
    const float low = its->low[i], high = its->high[i], size = low < 0 ? -low : low;
    const float slack = 0.01f * (high - low) + 1e-5f * size;
    if (!(features[i] >= low - slack && features[i] <= high + slack)) return (int)i;
  }
  return -1;
}

void weft__model_normalise(const weft_model *model, uint32_t side, const float *in, float *out) {
  const struct learn_features *its = &model->side[side];
  for (uint32_t i = 0; i < its->n; ++i) {
    float x = in[i];
    if (!(x - x == 0)) x = its->mean[i];
    x = x < its->low[i] ? its->low[i] : x;
    x = x > its->high[i] ? its->high[i] : x;
    out[i] = (x - its->mean[i]) * its->scale[i];
  }
}
