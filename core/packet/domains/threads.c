/* Windows: the threads that run domains, and where they meet. */
#include <sched.h>
#include <string.h>

#include "engine.h"
#include "flow/flow.h"
#include "packet/hooks.h"
#include "packet/model.h"
#include "packet/cc/cc.h"
#include "packet/domains/domain.h"
#include "packet/transport/transport.h"

enum {
  SPINS = 4096, /* at a barrier before the core is offered to others */
  TRIAL_WINDOWS = 64, /* after which the work per window is looked at */
  WORK_PER_WINDOW = 48, /* events per window and thread that pay for two barriers */
  PATIENCE = 200000, /* events until the next try after one that did not pay */
  SHORTEST = 8, /* windows worth a split */
  FEWEST = 65536, /* events allowed: who asks for fewer wants them counted exactly */
  TURN = 2048, /* events between two tries */
  SHORT_TURN = 8 /* the same in tests */
};

static void meet(struct domains *domains) {
  const unsigned phase = atomic_load(&domains->phase);
  if (atomic_fetch_add(&domains->arrived, 1) + 1 == domains->threads) {
    atomic_store(&domains->arrived, 0);
    atomic_store(&domains->phase, phase + 1);
    return;
  }
  for (unsigned spins = 0; atomic_load(&domains->phase) == phase;)
    if (++spins > SPINS) sched_yield();
}

/* ---- the first thread's duties ---- */

/* Views may not even see the shared pools any more: all return from here. */
static void fail_all(struct domains *domains) {
  domains->sim->failed = WEFT_ENOMEM;
  domains->broken = 1;
}

/* A slot for a flow of the view: one that has become free there, or a new one. Not one of another
 * domain, which may still have timers for it. */
static uint32_t prepare_in(weft_sim *sim, weft_sim *view, uint32_t row) {
  weft__flow_move_free_slot(view, sim);
  const uint32_t slot = weft__flow_prepare(sim, row);
  weft__flow_move_free_slot(sim, view); /* if it was not taken */
  return slot;
}

/* Flows that start within the window: their slots are shared memory, so they are made by one
 * thread while the others wait. They begin to send by an event of their domain. */
static void start_flows(struct domains *domains, weft_time end) {
  weft_sim *sim = domains->sim;
  const weft_time now = sim->now;
  for (weft_time at; (at = weft__flow_next_start(sim)) < end;) {
    const uint32_t order = sim->flow.next_start & EVENT_SOURCE_MASK;
    const uint32_t row = weft__flow_take_start(sim);
    sim->now = at;
    weft_sim *view = domains->view[domains->owner.at[sim->flow.rows.at[row].src]];
    const uint32_t slot = prepare_in(sim, view, row);
    if (slot == WEFT_NONE) continue;
    event_push_ordered(view, EV_START, slot, at, order);
  }
  sim->now = now;
  if (sim->failed || weft__domains_refresh(domains) != WEFT_OK) fail_all(domains);
}

static void supervise(struct domains *domains, uint32_t windows) {
  weft_sim *sim = domains->sim;
  domains->next_start = weft__flow_next_start(sim);
  uint64_t events = 0;
  for (uint32_t i = 0; i < domains->count; ++i) {
    events += domains->view[i]->events;
    if (domains->view[i]->failed) domains->stop = 1;
  }
  if (sim->interrupted || sim->failed || events >= domains->budget) domains->stop = 1;
  if (windows % TRIAL_WINDOWS == 0 && !sim->domains.always_split &&
      events < (uint64_t)windows * domains->count * WORK_PER_WINDOW) {
    domains->retry_at = sim->events + events + PATIENCE;
    domains->stop = 1;
  }
}

/* ---- every thread ---- */

/* Where the next window begins: the same for all, from what all have published. */
static weft_time window_start(const struct domains *domains) {
  weft_time start = domains->next_start;
  for (uint32_t i = 0; i < domains->count; ++i)
    if (domains->state[i].next < start) start = domains->state[i].next;
  return start;
}

static int someone_stalls(const struct domains *domains) {
  int any = 0;
  for (uint32_t i = 0; i < domains->count; ++i) any |= domains->state[i].stalled != 0;
  return any;
}

/* 0: memory has run out. */
static int run_window(struct domains *domains, uint32_t index, weft_time end) {
  struct domain_state *own = &domains->state[index];
  own->stalled = !part_run(domains->view[index], end, 0);
  if (!own->stalled) weft__domain_settle(domains, index, end);
  meet(domains);
  while (someone_stalls(domains)) {
    meet(domains);
    if (index == 0 && weft__domains_feed(domains) != WEFT_OK) fail_all(domains);
    meet(domains);
    if (domains->broken) return 0;
    if (own->stalled) {
      own->stalled = !part_run(domains->view[index], end, 0);
      if (!own->stalled) weft__domain_settle(domains, index, end);
    }
    meet(domains);
  }
  return 1;
}

static void work(struct domains *domains, uint32_t index) {
  for (uint32_t windows = 1;; ++windows) {
    weft__domain_import(domains, index);
    meet(domains);
    if (index == 0) supervise(domains, windows);
    meet(domains);
    const weft_time start = window_start(domains);
    if (domains->stop || start >= domains->until) return;
    weft_time end = domains->until;
    if (end - start > domains->lookahead) end = start + domains->lookahead;
    if (domains->next_start < end) {
      if (index == 0) start_flows(domains, end);
      meet(domains);
      if (domains->broken) return;
    }
    if (!run_window(domains, index, end)) return;
  }
}

/* Timers of idle domains were put off; a run on one thread would have handled those before its
 * last event. They move nothing. A domain may not be idle any more since the last window has
 * brought something; its earlier events are such timers as well. If no window was run, what it has
 * to do now is not its alone. */
static void finish(struct domains *domains) {
  weft_time last = 0;
  for (uint32_t i = 0; i < domains->count; ++i)
    if (domains->view[i]->now > last) last = domains->view[i]->now;
  for (uint32_t i = 0; i < domains->count; ++i)
    if (last > domains->sim->now || domain_is_idle(domains->view[i]))
      part_run(domains->view[i], last + 1, RUN_IDLE | RUN_UNFED);
}

struct task_of_thread {
  struct domains *domains;
  uint32_t index;
};

static void *thread_main(void *given) {
  const struct task_of_thread *task = given;
  work(task->domains, task->index);
  return NULL;
}

/* A thread that cannot be had would leave its domain's work undone: then nothing is run. */
static void run_windows(struct domains *domains) {
  pthread_t threads[DOMAINS_MAX];
  struct task_of_thread tasks[DOMAINS_MAX];
  uint32_t made = 1;
  atomic_store(&domains->arrived, 0);
  domains->threads = domains->count;
  for (; made < domains->count; ++made) {
    tasks[made] = (struct task_of_thread){domains, made};
    if (pthread_create(&threads[made], NULL, thread_main, &tasks[made]) != 0) break;
  }
  if (made < domains->count) { /* those that exist wait at the first barrier for fewer */
    domains->stop = 1;
    domains->retry_at = UINT64_MAX;
    domains->sim->domains.threads_why = WEFT_THREADS_SYSTEM;
    domains->threads = made;
  }
  work(domains, 0);
  for (uint32_t i = 1; i < made; ++i) pthread_join(threads[i], NULL);
}

/* ---- the run ---- */

static void *resize_locked(void *user, void *block, size_t old_size, size_t new_size) {
  struct domains *domains = user;
  const weft_allocator *from = &domains->sim->allocator;
  pthread_mutex_lock(&domains->memory);
  void *resized = from->resize(from->user, block, old_size, new_size);
  pthread_mutex_unlock(&domains->memory);
  return resized;
}

static int make_views(struct domains *domains, int for_partitions) {
  weft_sim *sim = domains->sim;
  for (uint32_t i = 0; i < domains->count; ++i) {
    weft_sim *view = weft__resize(sim, NULL, 0, sizeof *view);
    if (view == NULL) return WEFT_ENOMEM;
    memcpy(view, sim, sizeof *view);
#define X(room, pool, type)  \
  view->room.pool.at = NULL; \
  view->room.pool.n = view->room.pool.cap = 0;
    WEFT_POOLS(X)
#undef X
    view->allocator = (weft_allocator){resize_locked, domains};
    view->domains.index = for_partitions ? 0 : i + 1; /* nothing of these is another's */
    view->packet.domain_hooks = for_partitions ? NULL : &weft__domain_hooks;
    view->packet.largest_ring = 0;
    view->arena = (struct arena){0}; /* views take none */
    view->queue = &view->queues[0];
    weft__events_init(view->queue, 1);
    view->queue->shift = sim->queue->shift;
    domains->view[i] = view;
  }
  return WEFT_OK;
}

struct domains *weft__domains_make(weft_sim *sim, int for_partitions) {
  struct domains *domains = weft__resize(sim, NULL, 0, sizeof *domains);
  if (domains == NULL) return NULL;
  memset(domains, 0, sizeof *domains);
  domains->sim = sim;
  sim->domains.shared = domains;
  pthread_mutex_init(&domains->memory, NULL);
  const uint32_t threads = sim->config.threads;
  int status = WEFT_OK;
  if (for_partitions)
    domains->count = threads < DOMAINS_MAX ? threads : DOMAINS_MAX;
  else
    status = weft__domains_divide(domains, threads);
  if (status == WEFT_OK && (domains->count < 2 || make_views(domains, for_partitions) == WEFT_OK))
    return domains;
  weft__domains_free(sim);
  return NULL;
}

void weft__domains_free(weft_sim *sim) {
  struct domains *domains = sim->domains.shared;
  if (domains == NULL) return;
  if (domains->free_crew != NULL) domains->free_crew(domains);
#define FREE(pool) weft__resize(sim, (pool).at, (pool).cap * sizeof *(pool).at, 0)
  for (uint32_t i = 0; i < DOMAINS_MAX && domains->view[i] != NULL; ++i) {
    weft_sim *view = domains->view[i];
#define X(room, pool, type) \
  if (view->room.pool.at != NULL) FREE(view->room.pool);
    PRIVATE_POOLS(X)
#undef X
    weft__resize(sim, view, sizeof *view, 0);
    if (domains->failed[i].at != NULL) FREE(domains->failed[i]);
    for (uint32_t to = 0; to < DOMAINS_MAX; ++to)
      if (domains->outbox[i][to].at != NULL) FREE(domains->outbox[i][to]);
  }
  if (domains->owner.at != NULL) FREE(domains->owner);
  if (domains->borders.at != NULL) FREE(domains->borders);
  if (domains->border_of.at != NULL) FREE(domains->border_of);
  if (domains->moved.at != NULL) FREE(domains->moved);
#undef FREE
  pthread_mutex_destroy(&domains->memory);
  weft__resize(sim, domains, sizeof *domains, 0);
  sim->domains.shared = NULL;
}

/* What domains cannot do by themselves: orders of asking, memory of both ends of a flow, tasks that
 * wait for one another without delay, what scripts and tables see in order. */
static uint32_t why_whole(const weft_sim *sim, const struct turn *turn) {
  if (sim->packet.model->asked_order) return WEFT_THREADS_COMPAT;
  if (sim->packet.cc->outside) return WEFT_THREADS_SCRIPT;
  if (is_selective(sim)) return WEFT_THREADS_SELECTIVE;
  if (sim->packet.ack_capacity != 0) return WEFT_THREADS_TRACE;
  if (sim->fabric.route_epoch > 1) return WEFT_THREADS_ROUTES;
  if (sim->packet.wires.n != 0) return WEFT_THREADS_WIRES;
  if (turn->tasks || weft__flow_rows_wait(sim)) return WEFT_THREADS_TASKS;
  return WEFT_THREADS_ENOUGH;
}

static int stay_whole(weft_sim *sim, uint32_t why) {
  sim->domains.threads_why = why;
  return WEFT_OK;
}

/* Tries that did not pay are no use: a quarter of the events is. */
int weft_threads_used(const weft_sim *sim, uint32_t *why) {
  const int in_use = accel_is_on(sim) || sim->domains.threaded_events >= sim->events / 4;
  const uint32_t used = in_use && sim->domains.threads_used > 1 ? sim->domains.threads_used : 1;
  /* Partitions that are never two at a time do not even ask. */
  const int asked =
      sim->domains.threads_why != WEFT_THREADS_ENOUGH || !accel_is_on(sim) || !sim->events;
  uint32_t reason = asked ? sim->domains.threads_why : WEFT_THREADS_LITTLE;
  if (!engine_can(sim, WEFT_CAN_THREADS)) reason = WEFT_THREADS_ENGINE;
  if (why != NULL) *why = used < sim->config.threads ? reason : WEFT_THREADS_ENOUGH;
  return (int)used;
}

/* As far as that is possible and pays. WEFT_OK or a negative status. */
static int run(weft_sim *sim, const struct turn *turn) {
  const uint64_t budget = turn->last - sim->events;
  /* Accelerated runs have threads of their own: packet/accel/partitions/crew.c. */
  if (sim->config.threads < 2 || accel_is_on(sim)) return WEFT_OK;
  const uint32_t why = why_whole(sim, turn);
  if (why != WEFT_THREADS_ENOUGH) return stay_whole(sim, why);
  if (budget < FEWEST && !sim->domains.always_split) return stay_whole(sim, WEFT_THREADS_BUDGET);
  struct domains *domains =
      sim->domains.shared != NULL ? sim->domains.shared : weft__domains_make(sim, 0);
  if (domains == NULL) return sim->failed = WEFT_ENOMEM;
  if (domains->count < 2) return stay_whole(sim, WEFT_THREADS_FABRIC);
  if (sim->events < domains->retry_at) return WEFT_OK;
  domains->until = turn->limit == INT64_MAX ? turn->limit : turn->limit + 1;
  domains->budget = budget;
  domains->stop = domains->broken = 0;
  if (weft__domains_split(domains) != WEFT_OK) {
    sim->failed = WEFT_ENOMEM;
  } else if ((domains->until - sim->now) / SHORTEST < domains->lookahead &&
             !sim->domains.always_split) {
    domains->retry_at = sim->events + PATIENCE;
    sim->domains.threads_why = WEFT_THREADS_LITTLE;
  } else {
    sim->domains.threads_why = WEFT_THREADS_LITTLE; /* should it be given up */
    run_windows(domains);
    if (!domains->broken) finish(domains);
    sim->domains.threads_used = domains->threads;
  }
  const uint64_t before = sim->events;
  weft__domains_merge(domains);
  sim->domains.threaded_events += sim->events - before;
  return sim->failed;
}

void weft__domains_begin(weft_sim *sim) {
  sim->domains.next_try = 0;
}

uint64_t weft__domains_turn(weft_sim *sim, const struct turn *turn) {
  if (sim->config.threads < 2) return UINT64_MAX;
  if (sim->events >= sim->domains.next_try) {
    if (sim->events < turn->last) run(sim, turn);
    sim->domains.next_try = sim->events + (sim->domains.always_split ? SHORT_TURN : TURN);
  }
  return sim->domains.next_try - sim->events;
}

void weft__domains_forget(weft_sim *copy) {
  copy->domains.shared = NULL;
}
