/* A simulation as a value: creation, copying, destruction, totals. */
#include <stdio.h>
#include <string.h>

#include "base/options.h"
#include "base/resource.h"
#include "engine.h"

weft_config weft_sim_config(const weft_sim *sim) {
  return sim->config;
}

/* Is the engine complete, and does the configuration ask for nothing that it refuses? */
static int check_engine(weft_sim *sim) {
  const char *lacks = weft__engine_lacks(sim->engine);
  if (lacks != NULL)
    return weft__fail(sim, WEFT_EINTERNAL, "engine %u: '%s' is missing from its table",
                      sim->config.engine, lacks);
  uint32_t count;
  const weft_option *option = weft_options(&count);
  const weft_config defaults = weft_config_default();
  for (uint32_t i = 0; i < count; ++i) {
    if (!(option[i].flags & WEFT_OPTION_REFUSED) || engine_can(sim, option[i].needs)) continue;
    if (weft__option_value(&option[i], &sim->config) == weft__option_value(&option[i], &defaults))
      continue;
    char what[64];
    snprintf(what, sizeof what, "option %s", option[i].name);
    const int of_a_fluid = strcmp(option[i].name, "compat") == 0 &&
                           weft__option_value(&option[i], &sim->config) == WEFT_COMPAT_FLOWSIM;
    if (of_a_fluid) return weft__engine_needs(sim, WEFT_CAN_SHARES, what, "flowsim");
    return weft__engine_needs(sim, option[i].needs, what, option[i].name);
  }
  return WEFT_OK;
}

static const void *tasks(const weft_sim *sim, uint64_t *count) {
  *count = sim->work.tasks.n;
  return sim->work.tasks.at;
}

static const struct sim_ops whole = {
    .fork = weft_sim_fork, .run = weft_run, .destroy = weft_sim_destroy, .tasks = tasks};

int weft_sim_create(const weft_config *config, const weft_allocator *allocator, weft_sim **out) {
  const weft_allocator from = weft__allocator(allocator);
  weft_sim *sim = from.resize(from.user, NULL, 0, sizeof *sim);
  *out = sim;
  if (sim == NULL) return WEFT_ENOMEM;
  memset(sim, 0, sizeof *sim);
  sim->allocator = from;
  sim->memory_bytes = sizeof *sim;
  sim->config = *config;
  for (int i = 2; i-- > 0;) {
    sim->queue = &sim->queues[i];
    weft__events_init(sim->queue, 1);
  }
  sim->whole = &whole;
  sim->engine = weft__engine(config->engine);
  if (sim->engine == NULL) sim->engine = weft__engine(WEFT_ENGINE_PACKET); /* to be refused */
  int status = weft__options_check(sim);
  if (status == WEFT_OK) status = check_engine(sim);
  return status == WEFT_OK && sim->engine->create != NULL ? sim->engine->create(sim) : status;
}

void weft_sim_destroy(weft_sim *sim) {
  if (sim == NULL) return;
  const weft_allocator from = sim->allocator;
  if (sim->engine != NULL && sim->engine->destroy != NULL) sim->engine->destroy(sim);
  weft__arena_free(sim, &sim->arena);
  weft__resources_release(sim);
#define X(room, pool, type)      \
  if (sim->room.pool.at != NULL) \
    from.resize(from.user, sim->room.pool.at, sim->room.pool.cap * sizeof(type), 0);
  WEFT_POOLS(X)
#undef X
  from.resize(from.user, sim, sizeof *sim, 0);
}

int weft_sim_fork(const weft_sim *sim, weft_sim **out) {
  weft_sim *copy = sim->allocator.resize(sim->allocator.user, NULL, 0, sizeof *copy);
  *out = NULL;
  if (copy == NULL) return WEFT_ENOMEM;
  *copy = *sim;
  copy->memory_bytes = sizeof *copy;
  copy->arena = (struct arena){0};
  copy->queue = &copy->queues[0];
  /* First cut all ties, so that a failure half way frees only what is the copy's own. */
#define X(room, pool, type)  \
  copy->room.pool.at = NULL; \
  copy->room.pool.cap = 0;
  WEFT_POOLS(X)
#undef X
  const int status = sim->engine->copied != NULL ? sim->engine->copied(copy) : WEFT_OK;
  if (status != WEFT_OK) {
    *out = copy; /* which has the message */
    return status;
  }
  /* The same capacities, because stacks are reserved when what they may hold is added. */
#define X(room, pool, type)                                                              \
  if (sim->room.pool.cap > 0) {                                                          \
    copy->room.pool.at = weft__resize(copy, NULL, 0, sim->room.pool.cap * sizeof(type)); \
    if (copy->room.pool.at == NULL) {                                                    \
      weft_sim_destroy(copy);                                                            \
      return WEFT_ENOMEM;                                                                \
    }                                                                                    \
    copy->room.pool.cap = sim->room.pool.cap;                                            \
    if (sim->room.pool.n > 0)                                                            \
      memcpy(copy->room.pool.at, sim->room.pool.at, sim->room.pool.n * sizeof(type));    \
  }
  WEFT_POOLS(X)
#undef X
  weft__resources_retain(copy); /* behind the last pool, as without that none is held */
  copy->interrupted = 0;
  *out = copy;
  return WEFT_OK;
}

void weft_interrupt(weft_sim *sim) {
  sim->interrupted = 1;
}

void weft_stats_get(weft_sim *sim, weft_stats *stats) {
  sim->engine->settle(sim);
  *stats = sim->stats;
  stats->now_ps = sim->now;
  stats->events = sim->events;
  stats->fingerprint = sim->fingerprint;
  stats->flows_added += sim->flow.rows.n;
  stats->tasks_added = sim->work.tasks.n;
  stats->memory_bytes = sim->memory_bytes;
  if (sim->engine->stats != NULL) sim->engine->stats(sim, stats);
}

int weft_check(weft_sim *sim) {
  return sim->engine->check(sim);
}
