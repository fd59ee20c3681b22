/* The state of a simulation, of the parts that each folder has in its state_i.h.
 *
 * A simulation is a value. All state lives in the pools of `struct weft_sim`, addressed by 32-bit
 * index; nothing in a pool is a pointer, but those to resources, which never change. So a copy of
 * the pools is a copy of the simulation (weft_sim_fork). Where each pool is worked on is said
 * beside it. */
#ifndef WEFT_SIM_I_H
#define WEFT_SIM_I_H

#ifndef WEFT_CHECK
#define WEFT_CHECK 0
#endif

#include <signal.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/event_queue_i.h"
#include "base/frame_i.h"
#include "base/state_i.h"
#include "engines_i.h"
#include "fabric/state_i.h"
#include "flow/state_i.h"
#include "packet/accel/state_i.h"
#include "packet/domains/state_i.h"
#include "packet/ns3/state_i.h"
#include "results/state_i.h"
#include "weft.h"
#include "work/state_i.h"

#define WEFT_NONE UINT32_MAX

/* Nothing can be asked for later: sums with delays and timeouts must not overflow. 53 days. */
#define LATEST_PS (INT64_MAX / 2)

/* Our own mistakes stop the program in debug and check builds; elsewhere they cost nothing. */
#if WEFT_CHECK
void weft__assert_failed(const char *what, const char *file, int line);
#define WEFT_ASSERT(x) ((x) ? (void)0 : weft__assert_failed(#x, __FILE__, __LINE__))
#else
#define WEFT_ASSERT(x) ((void)0)
#endif

/* Kinds of events that are the same whatever the engine, of 0 to 15, in the order in which they
 * happen at one instant: changes of links first. The numbers between are the engine's, for kinds of
 * its own in its folder. */
enum event_kind {
  EV_CHANGE = 0, /* source: index into changes */
  EV_TASK = 7, /* source: task */
  EV_START = 8, /* source: 0; the next flow of the start list */
  EV_FLOW_DONE = 13, /* not in the queue: marks completions in the fingerprint */
  EV_SAMPLE = 15 /* source: 0; what it sees is all of the instant */
};

#define POOLS_OF(X, name, NAME, table, word) NAME##_POOLS(X)
#define ROOM_OF(_, name, NAME, table, word) struct name##_room name;

/* Every pool, for what treats them alike: copying, freeing. */
#define WEFT_POOLS(X)       \
  FABRIC_POOLS(X)           \
  FLOW_POOLS(X)             \
  ENGINES(POOLS_OF, X)      \
  NS3_POOLS(X)              \
  ACCEL_POOLS(X)            \
  WORK_POOLS(X)             \
  RESULTS_POOLS(X)          \
  QUEUE_POOLS(X, queues[0]) \
  QUEUE_POOLS(X, queues[1]) \
  BASE_POOLS(X) /* last: see weft_sim_fork() */

struct engine_ops; /* engine.h */

/* What a part may ask of the whole that it is part of: run/ has it, which stands above all rooms.
 * Acceleration takes copies of a simulation and sees what becomes of them (audit.c), and results
 * show the rows of tasks. */
struct sim_ops {
  int (*fork)(const weft_sim *sim, weft_sim **out);
  int (*run)(weft_sim *sim, weft_time until, uint64_t max_events);
  void (*destroy)(weft_sim *sim);
  const void *(*tasks)(const weft_sim *sim, uint64_t *count);
};

struct weft_sim {
  weft_config config;
  weft_allocator allocator;
  uint64_t memory_bytes;
  void *scratch; /* of pool_reserve; meaningless between calls */
  struct arena arena; /* empty between calls */
  char error[256];
  int failed; /* a negative status that stops the run */
  int ready; /* the fabric is closed */
  volatile sig_atomic_t interrupted;

  weft_time now;
  uint64_t events, fingerprint;
  weft_stats stats; /* running totals; completed by weft_stats_get */
  const struct engine_ops *engine; /* config.engine */
  const struct sim_ops *whole;
  struct event_queue *queue; /* the first, or the other while a partition is simulated by itself */

  struct base_room base;
  struct fabric_room fabric;
  struct flow_room flow;
  ENGINES(ROOM_OF, )
  struct ns3_room ns3;
  struct accel_room accel;
  struct domains_room domains;
  struct work_room work;
  struct results_room results;
  struct event_queue queues[2];
};

/* Keep a message and give back the status: `return weft__fail(sim, WEFT_EINVAL, "...", ...)`. */
int weft__fail(weft_sim *sim, int status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Out of memory inside the loop: the run stops before the next event. */
static inline void weft__no_memory(weft_sim *sim) {
  sim->failed = WEFT_ENOMEM;
}

/* A layout that the cost model counts on; others are with their structs. */
_Static_assert(sizeof(struct event_chunk) == 64, "a chunk of events is one cache line");

#include "events_i.h"

#endif
