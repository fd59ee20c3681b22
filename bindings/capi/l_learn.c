/* Models, examples and trainings in Lua: boxes that are freed when they are collected, and
 * functions of the module on them. What comes from files gives nil and a message when it is
 * wrong. */
#include <stddef.h>
#include <stdio.h>

#include "l_util.h"

#define MODEL "weft.core.model"
#define EXAMPLES "weft.core.examples"
#define TRAINER "weft.core.trainer"

enum { ERROR_SIZE = 512 };

/* ---- boxes ---- */

typedef struct model_box {
  weft_model *model;
} model_box;

typedef struct examples_box {
  weft_examples *examples;
  int held; /* trainings that stand on them: they must stay as they are */
} examples_box;

typedef struct trainer_box {
  weft_trainer *trainer;
  int examples; /* a reference that keeps them */
} trainer_box;

static int model_gc(lua_State *L) {
  model_box *box = (model_box *)lua_touserdata(L, 1);
  weft_model_free(box->model);
  box->model = NULL;
  return 0;
}

static int examples_gc(lua_State *L) {
  examples_box *box = (examples_box *)lua_touserdata(L, 1);
  weft_examples_free(box->examples);
  box->examples = NULL;
  return 0;
}

/* When a state is closed, examples may be collected first: a trainer reads nothing of them here. */
static int trainer_gc(lua_State *L) {
  trainer_box *box = (trainer_box *)lua_touserdata(L, 1);
  weft_trainer_free(box->trainer);
  box->trainer = NULL;
  luaL_unref(L, LUA_REGISTRYINDEX, box->examples);
  box->examples = LUA_NOREF;
  return 0;
}

static void set_class(lua_State *L, const char *name, lua_CFunction gc) {
  if (luaL_newmetatable(L, name)) {
    lua_pushcfunction(L, gc);
    lua_setfield(L, -2, "__gc");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
  }
  lua_setmetatable(L, -2);
}

static model_box *new_model(lua_State *L) {
  model_box *box = (model_box *)lua_newuserdata(L, sizeof *box);
  box->model = NULL;
  set_class(L, MODEL, model_gc);
  return box;
}

static examples_box *new_examples(lua_State *L) {
  examples_box *box = (examples_box *)lua_newuserdata(L, sizeof *box);
  *box = (examples_box){0};
  set_class(L, EXAMPLES, examples_gc);
  return box;
}

/* The value at `index` if it is one of that class. */
static void *check_class(lua_State *L, int index, const char *what, const char *name) {
  void *at = lua_touserdata(L, index);
  int is_one = 0;
  if (at && lua_getmetatable(L, index)) {
    luaL_getmetatable(L, name);
    is_one = lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
  }
  if (!is_one) l_wrong(L, index, what, what);
  return at;
}

static weft_model *check_model(lua_State *L, int index) {
  return ((model_box *)check_class(L, index, "model", MODEL))->model;
}

static examples_box *check_examples(lua_State *L, int index) {
  return (examples_box *)check_class(L, index, "examples", EXAMPLES);
}

static weft_trainer *check_trainer(lua_State *L, int index) {
  return ((trainer_box *)check_class(L, index, "trainer", TRAINER))->trainer;
}

static const char *check_text(lua_State *L, int index, const char *what) {
  if (lua_type(L, index) != LUA_TSTRING) l_wrong(L, index, what, "string");
  return lua_tostring(L, index);
}

/* true, or what is on top; or nil and a message. Memory is nobody's mistake. */
static int push_outcome(lua_State *L, int status, const char *error, int has_result) {
  if (status == WEFT_ENOMEM) l_status(L, NULL, status);
  if (status < 0) {
    lua_pushnil(L);
    lua_pushstring(L, error);
    return 2;
  }
  if (!has_result) lua_pushboolean(L, 1);
  return 1;
}

/* ---- lists of numbers ---- */

static size_t list_length(lua_State *L, int index, const char *what) {
  l_check_table(L, index, what);
  const size_t n = lua_rawlen(L, index);
  if (n > INT32_MAX / 16) luaL_error(L, "argument `%s`: too many numbers", what);
  return n;
}

static double item(lua_State *L, int index, size_t i, const char *what) {
  lua_rawgeti(L, index, (int)i + 1);
  if (lua_type(L, -1) != LUA_TNUMBER) l_wrong(L, -1, what, "list of numbers");
  const double value = (double)lua_tonumber(L, -1);
  lua_pop(L, 1);
  return value;
}

/* As a C array: a userdata left on the stack, so that an error frees it. */
static float *read_floats(lua_State *L, int index, const char *what, size_t *n) {
  *n = list_length(L, index, what);
  float *list = (float *)lua_newuserdata(L, *n * sizeof *list + 1);
  for (size_t i = 0; i < *n; i++) list[i] = (float)item(L, index, i, what);
  return list;
}

/* ---- models ---- */

/* core.model_load(path) -> model, or nil and a message */
static int model_load(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const char *path = check_text(L, 1, "path");
  model_box *box = new_model(L);
  return push_outcome(L, weft_model_load(path, &box->model, error, sizeof error), error, 1);
}

/* core.model_save(model, path) -> true, or nil and a message */
static int model_save(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const weft_model *model = check_model(L, 1);
  return push_outcome(L, weft_model_save(model, check_text(L, 2, "path"), error, sizeof error),
                      error, 0);
}

static void set_text(lua_State *L, const char *key, const char *value) {
  lua_pushstring(L, value);
  lua_setfield(L, -2, key);
}

static void set_number(lua_State *L, const char *key, double value) {
  lua_pushnumber(L, (lua_Number)value);
  lua_setfield(L, -2, key);
}

static void set_count(lua_State *L, const char *key, uint32_t value) {
  l_push_uint(L, value);
  lua_setfield(L, -2, key);
}

/* core.model_info(model) -> {architecture=, ...} */
static int model_info(lua_State *L) {
  weft_model_info info;
  weft_model_info_get(check_model(L, 1), &info);
  lua_createtable(L, 0, 11);
  set_text(L, "architecture", info.architecture);
  set_text(L, "base", info.base);
  set_text(L, "version", info.version);
  set_text(L, "command", info.command);
  set_count(L, "hidden", info.hidden);
  set_count(L, "parameters", info.parameters);
  set_count(L, "flow_features", info.flow_features);
  set_count(L, "link_features", info.link_features);
  set_count(L, "metrics", info.metrics);
  set_number(L, "limit", info.limit);
  char sum[24];
  snprintf(sum, sizeof sum, "%016llx", (unsigned long long)info.checksum);
  set_text(L, "checksum", sum);
  return 1;
}

/* core.model_feature(model, links, index) -> {name=, ...}; nil behind the last */
static int model_feature(lua_State *L) {
  weft_model_feature feature;
  const weft_model *model = check_model(L, 1);
  const int links = lua_toboolean(L, 2);
  if (weft_model_feature_get(model, links, l_check_u32(L, 3, "index"), &feature) < 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 5);
  set_text(L, "name", feature.name);
  set_number(L, "mean", feature.mean);
  set_number(L, "deviation", feature.deviation);
  set_number(L, "low", feature.low);
  set_number(L, "high", feature.high);
  return 1;
}

/* core.model_metric(model, index) -> name, value; nil behind the last */
static int model_metric(lua_State *L) {
  const char *name;
  double value;
  const weft_model *model = check_model(L, 1);
  if (weft_model_metric_get(model, l_check_u32(L, 2, "index"), &name, &value) < 0) {
    lua_pushnil(L);
    return 1;
  }
  lua_pushstring(L, name);
  lua_pushnumber(L, (lua_Number)value);
  return 2;
}

static int model_set_metric(lua_State *L) {
  weft_model *model = check_model(L, 1);
  const char *name = check_text(L, 2, "name");
  l_status(L, NULL, weft_model_set_metric(model, name, l_check_number(L, 3, "value")));
  return 0;
}

static int model_set_texts(lua_State *L) {
  weft_model *model = check_model(L, 1);
  const char *base = check_text(L, 2, "base");
  l_status(L, NULL, weft_model_set_texts(model, base, check_text(L, 3, "command")));
  return 0;
}

/* core.model_predict(model, flow, links) -> factor */
static int model_predict(lua_State *L) {
  weft_model_info info;
  const weft_model *model = check_model(L, 1);
  size_t flows, links;
  const float *flow = read_floats(L, 2, "flow", &flows);
  const float *link = read_floats(L, 3, "links", &links);
  weft_model_info_get(model, &info);
  if (flows != info.flow_features)
    return luaL_error(L, "argument `flow`: expected %d numbers, got %d", (int)info.flow_features,
                      (int)flows);
  const size_t each = info.link_features;
  if (each == 0 ? links > 0 : links % each != 0)
    return luaL_error(L, "argument `links`: expected %d numbers for each link, got %d", (int)each,
                      (int)links);
  double factor;
  const uint32_t n = each > 0 ? (uint32_t)(links / each) : 0;
  l_status(L, NULL, weft_model_predict(model, flow, link, n, &factor));
  lua_pushnumber(L, (lua_Number)factor);
  return 1;
}

/* ---- examples ---- */

/* core.examples_create(flow_features, link_features) -> examples */
static int examples_create(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const char *flow = check_text(L, 1, "flow_features"), *link = check_text(L, 2, "link_features");
  examples_box *box = new_examples(L);
  const int status = weft_examples_create(flow, link, &box->examples, error, sizeof error);
  if (status == WEFT_EINVAL) return luaL_error(L, "WEFT_EINVAL: %s", error);
  l_status(L, NULL, status);
  return 1;
}

static void check_free(lua_State *L, const examples_box *box) {
  if (box->held) luaL_error(L, "WEFT_ESTATE: examples: a training stands on them");
}

/* core.examples_add(examples, group, flow, counts, links, truth, base, ideal) */
static int examples_add(lua_State *L) {
  char error[ERROR_SIZE] = "";
  examples_box *box = check_examples(L, 1);
  check_free(L, box);
  const uint32_t group = l_check_u32(L, 2, "group");
  size_t flows, links;
  lua_settop(L, 8);
  const float *flow = read_floats(L, 3, "flow", &flows), *link = read_floats(L, 5, "links", &links);
  const size_t n = list_length(L, 4, "counts");
  uint32_t *counts = (uint32_t *)lua_newuserdata(L, n * sizeof *counts + 1);
  weft_example_times *times = (weft_example_times *)lua_newuserdata(L, n * sizeof *times + 1);
  static const char *const names[] = {"truth", "base", "ideal"};
  for (int k = 0; k < 3; k++) {
    if (list_length(L, 6 + k, names[k]) != n)
      return luaL_error(L, "argument `%s`: expected as many numbers as counts", names[k]);
  }
  uint64_t all = 0;
  for (size_t i = 0; i < n; i++) {
    lua_rawgeti(L, 4, (int)i + 1);
    counts[i] = (uint32_t)l_check_int(L, lua_gettop(L), "counts", 0, WEFT_PATH_MAX);
    lua_pop(L, 1);
    all += counts[i];
    times[i] = (weft_example_times){.truth = item(L, 6, i, "truth"),
                                    .base = item(L, 7, i, "base"),
                                    .ideal = item(L, 8, i, "ideal")};
  }
  uint32_t width_flow, width_link;
  weft_examples_widths(box->examples, &width_flow, &width_link);
  if (flows != n * width_flow || links != all * width_link)
    return luaL_error(L, "argument `flow`: expected %d numbers for each, and %d for each link",
                      (int)width_flow, (int)width_link);
  const int status = weft_examples_add(box->examples, (uint32_t)n, group, flow, counts, link, times,
                                       error, sizeof error);
  if (status == WEFT_EINVAL) return luaL_error(L, "WEFT_EINVAL: %s", error);
  l_status(L, NULL, status);
  return 0;
}

static int examples_count(lua_State *L) {
  l_push_uint(L, weft_examples_count(check_examples(L, 1)->examples));
  return 1;
}

/* core.examples_save(examples, path) -> true, or nil and a message */
static int examples_save(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const weft_examples *examples = check_examples(L, 1)->examples;
  return push_outcome(
      L, weft_examples_save(examples, check_text(L, 2, "path"), error, sizeof error), error, 0);
}

/* core.examples_load(path, examples = new ones) -> examples, or nil and a message */
static int examples_load(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const char *path = check_text(L, 1, "path");
  lua_settop(L, 2);
  examples_box *box = lua_isnil(L, 2) ? new_examples(L) : check_examples(L, 2);
  check_free(L, box);
  return push_outcome(L, weft_examples_load(path, &box->examples, error, sizeof error), error, 1);
}

/* ---- trainings ---- */

#define NUMBER(member) \
  { #member, L_F64, (uint32_t)offsetof(weft_training, member), 0, 0 }
#define WHOLE(member) \
  { #member, L_U32, (uint32_t)offsetof(weft_training, member), 0, 0 }

static const l_field training_fields[] = {
    {"seed", L_U64, (uint32_t)offsetof(weft_training, seed), 0, 0},
    NUMBER(rate),
    NUMBER(decay),
    NUMBER(clip),
    NUMBER(limit),
    NUMBER(held_out),
    WHOLE(hidden),
    WHOLE(batch),
    WHOLE(steps),
    WHOLE(evaluations),
    WHOLE(patience),
    {"schedule", L_ENUM, (uint32_t)offsetof(weft_training, schedule), 0, WEFT_ENUM_SCHEDULE},
    WHOLE(threads),
};

static const l_struct training_struct = {"weft_training", sizeof(weft_training),
                                         sizeof training_fields / sizeof *training_fields,
                                         training_fields};

/* core.training_default() -> {seed=, rate=, ...} */
static int training_default(lua_State *L) {
  const weft_training training = weft_training_default();
  l_push_struct(L, &training_struct, &training);
  return 1;
}

/* core.trainer_create(examples, architecture, options, from = nil) -> trainer, or nil and a
 * message: what is wrong may be what a file says */
static int trainer_create(lua_State *L) {
  char error[ERROR_SIZE] = "";
  lua_settop(L, 4);
  examples_box *examples = check_examples(L, 1);
  const char *architecture = check_text(L, 2, "architecture");
  weft_training training = weft_training_default();
  l_read_struct(L, 3, &training_struct, NULL, &training);
  const weft_model *from = lua_isnil(L, 4) ? NULL : check_model(L, 4);
  trainer_box *box = (trainer_box *)lua_newuserdata(L, sizeof *box);
  *box = (trainer_box){NULL, LUA_NOREF};
  set_class(L, TRAINER, trainer_gc);
  const int status = weft_trainer_create(examples->examples, architecture, &training, from,
                                         &box->trainer, error, sizeof error);
  if (status >= 0) {
    examples->held = 1;
    lua_pushvalue(L, 1);
    box->examples = luaL_ref(L, LUA_REGISTRYINDEX);
  }
  return push_outcome(L, status, error, 1);
}

/* core.trainer_run(trainer, steps) -> whether there is more to do */
static int trainer_run(lua_State *L) {
  weft_trainer *trainer = check_trainer(L, 1);
  lua_pushboolean(L, l_status(L, NULL, weft_trainer_run(trainer, l_check_u32(L, 2, "steps"))));
  return 1;
}

static void set_errors(lua_State *L, const char *key, const weft_training_errors *errors) {
  lua_createtable(L, 0, 3);
  set_number(L, "mean", errors->mean);
  set_number(L, "p90", errors->p90);
  set_number(L, "p99", errors->p99);
  lua_setfield(L, -2, key);
}

/* core.trainer_state(trainer) -> {step=, ..., best = {mean=, p90=, p99=}} */
static int trainer_state(lua_State *L) {
  weft_training_state s;
  weft_trainer_state_get(check_trainer(L, 1), &s);
  lua_createtable(L, 0, 16);
  set_count(L, "step", s.step);
  set_count(L, "steps", s.steps);
  set_count(L, "best_step", s.best_step);
  set_count(L, "evaluations", s.evaluations);
  set_count(L, "parameters", s.parameters);
  set_count(L, "examples", s.examples);
  set_count(L, "held_examples", s.held_examples);
  set_count(L, "groups", s.groups);
  set_count(L, "held_groups", s.held_groups);
  set_number(L, "rate", s.rate);
  set_number(L, "loss", s.loss);
  lua_pushboolean(L, s.is_over != 0);
  lua_setfield(L, -2, "is_over");
  set_errors(L, "base", &s.base);
  set_errors(L, "last", &s.last);
  set_errors(L, "best", &s.best);
  return 1;
}

/* core.trainer_model(trainer) -> model */
static int trainer_model(lua_State *L) {
  const weft_trainer *trainer = check_trainer(L, 1);
  model_box *box = new_model(L);
  l_status(L, NULL, weft_trainer_model(trainer, &box->model));
  return 1;
}

static int trainer_save(lua_State *L) {
  char error[ERROR_SIZE] = "";
  const weft_trainer *trainer = check_trainer(L, 1);
  return push_outcome(L, weft_trainer_save(trainer, check_text(L, 2, "path"), error, sizeof error),
                      error, 0);
}

static int trainer_resume(lua_State *L) {
  char error[ERROR_SIZE] = "";
  weft_trainer *trainer = check_trainer(L, 1);
  return push_outcome(
      L, weft_trainer_resume(trainer, check_text(L, 2, "path"), error, sizeof error), error, 0);
}

const luaL_Reg l_learn_functions[] = {
    {"model_load", model_load},
    {"model_save", model_save},
    {"model_info", model_info},
    {"model_feature", model_feature},
    {"model_metric", model_metric},
    {"model_set_metric", model_set_metric},
    {"model_set_texts", model_set_texts},
    {"model_predict", model_predict},
    {"examples_create", examples_create},
    {"examples_add", examples_add},
    {"examples_count", examples_count},
    {"examples_save", examples_save},
    {"examples_load", examples_load},
    {"training_default", training_default},
    {"trainer_create", trainer_create},
    {"trainer_run", trainer_run},
    {"trainer_state", trainer_state},
    {"trainer_model", trainer_model},
    {"trainer_save", trainer_save},
    {"trainer_resume", trainer_resume},
    {NULL, NULL},
};
