/* Files of models. Their lines:
 *
 *   architecture, hidden, base, version, command, limit
 *   flow_features, link_features     names, a blank between two
 *   metric NAME                      any number of them
 *
 * and their floats: for flows and then for links the means, scales, lower and upper bounds of the
 * features; then the tensors of the network in its order. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/architecture.h"
#include "learn/examples.h"
#include "learn/file.h"
#include "weft.h"

static const char *const list_keys[LEARN_SIDES] = {"flow_features", "link_features"};

/* ---- writing ---- */

/* With as few digits as say which float it is. */
static void write_limit(struct learn_out *out, float limit) {
  char text[32];
  int digits = 5;
  do {
    snprintf(text, sizeof text, "%.*g", ++digits, (double)limit);
  } while (digits < 9 && strtof(text, NULL) != limit);
  weft__out_text(out, "limit = %s\n", text);
}

int weft_model_save(const weft_model *model, const char *path, char *error, size_t size) {
  struct learn_out out = {.n = 0};
  weft__out_text(&out, "weft model 1\narchitecture = %s\nhidden = %u\nbase = %s\nversion = %s\n",
                 weft__learn_network(model->architecture)->name, model->hidden, model->base,
                 model->version);
  weft__out_text(&out, "command = %s\n", model->command);
  write_limit(&out, model->limit);
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    weft__out_text(&out, "%s =", list_keys[s]);
    for (uint32_t i = 0; i < model->side[s].n; ++i)
      weft__out_text(&out, " %s", model->side[s].name[i]);
    weft__out_text(&out, "\n");
  }
  for (uint32_t i = 0; i < model->metric_count; ++i)
    weft__out_text(&out, "metric %s = %.9g\n", model->metric_name[i], model->metric[i]);
  weft__out_data(&out, weft__model_floats(model));
  weft__out_floats(&out, model->side[LEARN_FLOW].mean, weft__model_floats(model));
  weft__out_end(&out);
  return weft__out_commit(&out, path, error, size);
}

/* ---- reading ---- */

static int split(const struct learn_in *in, const char *key, learn_name *names) {
  size_t length;
  const char *at = weft__in_value(in, key, &length);
  if (at == NULL) return weft__learn_fail(&in->error, WEFT_EINVAL, "no line '%s = '", key);
  return weft__learn_split(at, length, names, key, &in->error);
}

static int read_shape(const struct learn_in *in, struct learn_shape *shape) {
  char name[LEARN_NAME_MAX];
  uint64_t hidden;
  int status = weft__in_word(in, "architecture", name, sizeof name);
  if (status < 0) return status;
  const int architecture = weft__learn_architecture(name);
  if (architecture < 0)
    return weft__learn_fail(&in->error, WEFT_EINVAL, "architecture: expected one of %s, got '%s'",
                            weft__learn_architectures(), name);
  status = weft__in_count(in, "hidden", 1, LEARN_HIDDEN_MAX, &hidden);
  shape->architecture = (uint32_t)architecture;
  shape->hidden = (uint32_t)hidden;
  for (uint32_t s = 0; s < LEARN_SIDES && status >= 0; ++s) {
    status = split(in, list_keys[s], NULL);
    if (status >= 0) shape->n[s] = (uint32_t)status;
  }
  return status < 0 ? status : WEFT_OK;
}

static int read_metrics(const struct learn_in *in, weft_model *model) {
  const char *line = NULL, *name, *value;
  size_t name_length, length;
  while ((line = weft__in_next(in, line, "metric ", &name, &name_length, &value, &length)) !=
         NULL) {
    char key[LEARN_NAME_MAX + 8];
    if (!weft__learn_is_name(name, name_length) || model->metric_count == LEARN_METRICS_MAX)
      return weft__learn_fail(&in->error, WEFT_EINVAL,
                              "metrics: expected at most %d names of less than %d letters",
                              LEARN_METRICS_MAX, LEARN_NAME_MAX);
    char *to = model->metric_name[model->metric_count];
    memcpy(to, name, name_length);
    snprintf(key, sizeof key, "metric %s", to);
    const int status =
        weft__in_number(in, key, -1e300, 1e300, &model->metric[model->metric_count++]);
    if (status < 0) return status;
  }
  return WEFT_OK;
}

static int read_texts(const struct learn_in *in, weft_model *model) {
  double limit;
  int status = weft__in_word(in, "base", model->base, sizeof model->base);
  if (status >= 0) status = weft__in_word(in, "version", model->version, sizeof model->version);
  if (status >= 0) status = weft__in_word(in, "command", model->command, sizeof model->command);
  if (status >= 0) status = weft__in_number(in, "limit", 0.01, 10, &limit);
  if (status < 0) return status;
  model->limit = (float)limit;
  return read_metrics(in, model);
}

/* Scales are positive, bounds are not the wrong way round. */
static int check_rows(const struct learn_in *in, const weft_model *model) {
  for (uint32_t s = 0; s < LEARN_SIDES; ++s) {
    const struct learn_features *its = &model->side[s];
    for (uint32_t i = 0; i < its->n; ++i)
      if (!(its->scale[i] > 0) || !(its->low[i] <= its->high[i]))
        return weft__learn_fail(&in->error, WEFT_EINVAL,
                                "%s: '%s' has a scale of %g and bounds %g and %g", list_keys[s],
                                its->name[i], (double)its->scale[i], (double)its->low[i],
                                (double)its->high[i]);
  }
  return WEFT_OK;
}

static int fill(struct learn_in *in, weft_model *model) {
  int status = read_texts(in, model);
  for (uint32_t s = 0; s < LEARN_SIDES && status >= 0; ++s)
    status = split(in, list_keys[s], weft__model_names(model, s));
  if (status < 0) return status;
  if (in->left != weft__model_floats(model))
    return weft__learn_fail(
        &in->error, WEFT_EINVAL, "floats: a network of this shape has %llu, got %llu",
        (unsigned long long)weft__model_floats(model), (unsigned long long)in->left);
  status = weft__in_floats(in, weft__model_rows(model, LEARN_FLOW), weft__model_floats(model));
  model->checksum = in->checksum;
  return status < 0 ? status : check_rows(in, model);
}

int weft__model_read(const void *bytes, uint64_t size, weft_model **model, char *error,
                     size_t error_size) {
  const struct learn_error told = {error, error_size};
  struct learn_in in;
  struct learn_shape shape;
  *model = NULL;
  int status = weft__in_open(&in, "model", bytes, size, &told);
  if (status >= 0) status = read_shape(&in, &shape);
  if (status < 0) return status;
  weft_model *made = weft__model_new(&shape);
  if (made == NULL) return weft__learn_fail(&told, WEFT_ENOMEM, "out of memory");
  status = fill(&in, made);
  if (status < 0) {
    weft_model_free(made);
    return status;
  }
  *model = made;
  return WEFT_OK;
}

int weft_model_load(const char *path, weft_model **model, char *error, size_t size) {
  const struct learn_error told = {error, size};
  uint64_t length;
  int status;
  *model = NULL;
  char *bytes = weft__in_read(path, &length, &status, &told);
  if (bytes == NULL) return status;
  status = weft__model_read(bytes, length, model, error, size);
  free(bytes);
  return status;
}
