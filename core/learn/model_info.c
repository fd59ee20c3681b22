/* What a model says of itself, and predicts. */
#include <stdlib.h>
#include <string.h>

#include "learn/architecture.h"
#include "learn/math_i.h"
#include "weft.h"

void weft_model_info_get(const weft_model *model, weft_model_info *info) {
  const struct learn_features *side = model->side;
  *info = (weft_model_info){
      .architecture = weft__learn_network(model->architecture)->name,
      .base = model->base,
      .version = model->version,
      .command = model->command,
      .hidden = model->hidden,
      .parameters = (uint32_t)(weft__model_floats(model) -
                               4 * ((uint64_t)side[LEARN_FLOW].n + side[LEARN_LINK].n)),
      .flow_features = side[LEARN_FLOW].n,
      .link_features = side[LEARN_LINK].n,
      .metrics = model->metric_count,
      .limit = (double)model->limit,
      .checksum = model->checksum};
}

int weft_model_feature_get(const weft_model *model, int links, uint32_t index,
                           weft_model_feature *feature) {
  const struct learn_features *side = &model->side[links != 0 ? LEARN_LINK : LEARN_FLOW];
  if (index >= side->n) return WEFT_EINVAL;
  *feature = (weft_model_feature){.name = side->name[index],
                                  .mean = (double)side->mean[index],
                                  .deviation = 1 / (double)side->scale[index],
                                  .low = (double)side->low[index],
                                  .high = (double)side->high[index]};
  return WEFT_OK;
}

int weft_model_metric_get(const weft_model *model, uint32_t index, const char **name,
                          double *value) {
  if (index >= model->metric_count) return WEFT_EINVAL;
  *name = model->metric_name[index];
  *value = model->metric[index];
  return WEFT_OK;
}

int weft_model_set_metric(weft_model *model, const char *name, double value) {
  if (!weft__learn_is_name(name, strlen(name)) || !(value - value == 0)) return WEFT_EINVAL;
  uint32_t i = 0;
  while (i < model->metric_count && strcmp(model->metric_name[i], name) != 0) ++i;
  if (i == LEARN_METRICS_MAX) return WEFT_ELIMIT;
  if (i == model->metric_count) ++model->metric_count;
  strcpy(model->metric_name[i], name);
  model->metric[i] = value;
  return WEFT_OK;
}

/* A line of a file, with the room it has; what would end it becomes a blank. */
static void set_text(char *to, size_t size, const char *text) {
  size_t n = 0;
  for (; text[n] != '\0' && n + 1 < size; ++n) {
    const unsigned char c = (unsigned char)text[n];
    to[n] = c < ' ' || c == 127 ? ' ' : text[n];
  }
  to[n] = '\0';
}

int weft_model_set_texts(weft_model *model, const char *base, const char *command) {
  if (!weft__learn_is_name(base, strlen(base))) return WEFT_EINVAL;
  set_text(model->base, sizeof model->base, base);
  set_text(model->command, sizeof model->command, command);
  return WEFT_OK;
}

int weft_model_predict(const weft_model *model, const float *flow, const float *links,
                       uint32_t n_links, double *factor) {
  const uint64_t n = weft__model_scratch(model, n_links);
  float *scratch = n < SIZE_MAX / sizeof(float) ? malloc((size_t)n * sizeof *scratch) : NULL;
  if (scratch == NULL) return WEFT_ENOMEM;
  float log_factor = 0;
  const int status = weft__model_sets(model, flow, links, n_links, scratch, &log_factor);
  free(scratch);
  *factor = (double)learn_exp(log_factor);
  return status;
}
