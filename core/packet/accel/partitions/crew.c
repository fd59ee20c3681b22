/* Threads that simulate partitions apart.
 *
 * When a partition that is apart is to be simulated, all others that are apart can be brought to
 * the same time, each by any thread: they share no port and no flow. Each thread works with a view
 * of the simulation, as threads with domains do (packet/domains/domain.h): own clock, queue,
 * counters and free lists, all else is the simulation's. What partitions share is what switches
 * hold, where partitions apart have reserved their part (apart.c), so a view counts nodes of its
 * own, which nobody asks. Tasks, starts, looks and ends of flows are the first thread's, between
 * rounds. How far a partition is taken in which round changes nothing, so results do not depend on
 * the number of threads. */
#include <string.h>

#include "base/sort.h"
#include "packet/accel/contention/contention.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/domains/domain.h"
#include "packet/hooks.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

enum {
  WORK_OF_ROUND = 2048, /* events that others can take over: some 100 us */
  WHERE_VIEWS_COUNT = 1 << 30 /* bytes in a switch: neither limit is near */
};

struct job {
  uint32_t partition, view, visit;
  uint64_t hops;
};

/* Of one view. */
struct worker {
  pthread_t thread;
  struct crew *crew;
  uint32_t index;
  uint32_t job; /* the one that it is at */
  uint32_t begun; /* the events of that are in its queue */
  uint64_t load; /* work that it was given in this round */
  WEFT_POOL(struct buffer) buffers;
  WEFT_POOL(uint32_t) ports;
};

struct crew {
  weft_sim *sim;
  struct domains *domains;
  weft_time last; /* of this round */
  uint32_t running; /* threads besides the first */
  uint32_t started; /* views have begun */
  uint32_t copied, rate_epoch; /* buffers, and when */
  uint32_t round, working, quit; /* under the mutex */
  pthread_mutex_t mutex;
  pthread_cond_t begin, done;
  WEFT_POOL(struct job) jobs;
  struct worker worker[DOMAINS_MAX];
};

/* ---- every thread ---- */

static void begin_job(weft_sim *view, const struct job *job) {
  view->now = view->accel.partitions.at[job->partition].parked_at;
  weft__events_reset(view->queue, view->now);
  weft__partition_list_ports_as(view, job->partition, job->visit);
  weft__partition_mark(view, job->partition, 0);
  for (uint32_t i = 0; i < view->accel.partition_ports.n; ++i) {
    const uint8_t log2 = view->packet.ports.at[view->accel.partition_ports.at[i]].ring_log2;
    if (log2 > view->packet.largest_ring) view->packet.largest_ring = log2;
  }
  weft__partition_arm(view, job->partition);
}

static void end_job(weft_sim *view, const struct job *job, weft_time last) {
  for (uint32_t i = 0; i < view->accel.partition_ports.n; ++i) {
    const uint32_t port = view->accel.partition_ports.at[i];
    port_settle(view, port, &view->packet.ports.at[port], last);
  }
  weft__partition_mark(view, job->partition, 1);
  view->accel.partitions.at[job->partition].parked_at = last;
}

static void work(struct worker *worker) {
  struct crew *crew = worker->crew;
  weft_sim *view = crew->domains->view[worker->index];
  struct domain_state *state = &crew->domains->state[worker->index];
  for (state->stalled = 0; worker->job < crew->jobs.n; ++worker->job, worker->begun = 0) {
    struct job *job = &crew->jobs.at[worker->job];
    if (job->view != worker->index) continue;
    if (!worker->begun) begin_job(view, job);
    worker->begun = 1;
    worker->ports.n = view->accel.partition_ports.n;
    const uint64_t before = view->stats.packet_hops;
    state->stalled = !part_run(view, crew->last + 1, RUN_IDLE);
    job->hops += view->stats.packet_hops - before;
    if (state->stalled || view->failed) return;
    end_job(view, job, crew->last);
  }
}

static void *thread_main(void *given) {
  struct worker *worker = given;
  struct crew *crew = worker->crew;
  pthread_mutex_lock(&crew->mutex);
  for (uint32_t seen = 0;;) {
    while (crew->round == seen && !crew->quit) pthread_cond_wait(&crew->begin, &crew->mutex);
    if (crew->quit) break;
    seen = crew->round;
    pthread_mutex_unlock(&crew->mutex);
    work(worker);
    pthread_mutex_lock(&crew->mutex);
    if (--crew->working == 0) pthread_cond_signal(&crew->done);
  }
  pthread_mutex_unlock(&crew->mutex);
  return NULL;
}

/* ---- the first thread ---- */

/* Its threads are gone. */
static void free_crew(struct domains *domains) {
  weft_sim *sim = domains->sim;
  struct crew *crew = domains->crew;
#define FREE(pool) weft__resize(sim, (pool).at, (pool).cap * sizeof *(pool).at, 0)
  if (crew->jobs.at != NULL) FREE(crew->jobs);
  for (uint32_t i = 0; i < crew->domains->count; ++i) {
    if (crew->worker[i].buffers.at != NULL) FREE(crew->worker[i].buffers);
    if (crew->worker[i].ports.at != NULL) FREE(crew->worker[i].ports);
  }
#undef FREE
  pthread_mutex_destroy(&crew->mutex);
  pthread_cond_destroy(&crew->begin);
  pthread_cond_destroy(&crew->done);
  domains->crew = NULL;
  weft__resize(sim, crew, sizeof *crew, 0);
}

static struct crew *make_crew(weft_sim *sim) {
  struct domains *domains = weft__domains_make(sim, 1);
  if (domains == NULL) return NULL;
  struct crew *crew = weft__resize(sim, NULL, 0, sizeof *crew);
  if (crew == NULL) return NULL;
  memset(crew, 0, sizeof *crew);
  domains->crew = crew;
  domains->free_crew = free_crew;
  crew->sim = sim;
  crew->domains = domains;
  pthread_mutex_init(&crew->mutex, NULL);
  pthread_cond_init(&crew->begin, NULL);
  pthread_cond_init(&crew->done, NULL);
  for (uint32_t i = 0; i < domains->count; ++i) {
    domains->view[i]->packet.replaying = 1;
    crew->worker[i].crew = crew;
    crew->worker[i].index = i;
    if (!pool_reserve(sim, crew->worker[i].buffers, sim->packet.buffers.n) ||
        !pool_reserve(sim, crew->worker[i].ports, sim->packet.ports.n))
      return NULL;
  }
  return crew;
}

/* Threads that cannot be had are done without. */
static void start_threads(struct crew *crew) {
  crew->started = 1;
  crew->round = crew->quit = 0;
  for (uint32_t i = 0; i < crew->domains->count; ++i) {
    weft__view_begin(crew->domains, i);
    crew->domains->state[i].stalled = 1;
  }
  while (crew->running + 1 < crew->domains->count) {
    struct worker *worker = &crew->worker[crew->running + 1];
    if (pthread_create(&worker->thread, NULL, thread_main, worker) != 0) break;
    ++crew->running;
  }
}

static void copy_buffers(struct crew *crew) {
  const weft_sim *sim = crew->sim;
  crew->copied = 1;
  crew->rate_epoch = sim->fabric.rate_epoch;
  for (uint32_t i = 0; i < crew->domains->count; ++i) {
    struct buffer *buffers = crew->worker[i].buffers.at;
    memcpy(buffers, sim->packet.buffers.at, sim->packet.buffers.n * sizeof *buffers);
    for (uint32_t n = 0; n < sim->packet.buffers.n; ++n) {
      buffers[n].used = WHERE_VIEWS_COUNT;
      buffers[n].safe = UINT64_MAX;
      buffers[n].tracked = 0;
    }
  }
}

/* Memory for those who need some, and what is a view's own. 0: there is none. */
static int prepare(struct crew *crew) {
  const weft_sim *sim = crew->sim;
  if (weft__domains_feed(crew->domains) != WEFT_OK) return 0;
  for (uint32_t i = 0; i < crew->domains->count; ++i) {
    weft_sim *view = crew->domains->view[i];
    weft__view_see(sim, view);
    view->packet.buffers.at = crew->worker[i].buffers.at;
    view->accel.partition_ports.at = crew->worker[i].ports.at;
    view->accel.partition_ports.n = crew->worker[i].ports.n; /* of a job that has stalled */
  }
  return 1;
}

static void run_round(struct crew *crew) {
  pthread_mutex_lock(&crew->mutex);
  crew->working = crew->running;
  ++crew->round;
  pthread_cond_broadcast(&crew->begin);
  pthread_mutex_unlock(&crew->mutex);
  work(&crew->worker[0]);
  pthread_mutex_lock(&crew->mutex);
  while (crew->working > 0) pthread_cond_wait(&crew->done, &crew->mutex);
  pthread_mutex_unlock(&crew->mutex);
}

static int someone_stalls(const struct crew *crew) {
  for (uint32_t i = 0; i <= crew->running; ++i)
    if (crew->domains->state[i].stalled) return 1;
  return 0;
}

static void collect(struct crew *crew) {
  weft_sim *sim = crew->sim;
  for (uint32_t i = 0; i < crew->jobs.n; ++i) {
    const struct job *job = &crew->jobs.at[i];
    sim->accel.partitions.at[job->partition].apart_hops += job->hops;
    sim->accel.apart_hops += job->hops;
  }
  for (uint32_t i = 0; i < crew->domains->count; ++i) {
    weft_sim *view = crew->domains->view[i];
    view->packet.rto_events = view->packet.cc_events = 0; /* those that are left are in no queue */
    weft__view_add_up(sim, view);
  }
}

/* ---- what there is to do ---- */

/* Some events: a packet a port in the time that it takes. */
static uint64_t work_of(const weft_sim *sim, uint32_t partition, weft_time last) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  if (p->parked_at >= last) return 0;
  const double packet = (double)(weft__line_time(sim, p->first, 1) - sim->now);
  const double events = p->apart_cost * ((double)(last - p->parked_at) / packet);
  return events < UINT32_MAX ? (uint64_t)events : UINT32_MAX;
}

/* Partitions that are behind, most work first, into `words`, which has room for all that are apart.
 * Returns how many, 0 if they are not worth a round. */
static uint32_t list_work(const weft_sim *sim, weft_time last, uint64_t *words) {
  uint64_t sum = 0, most = 0;
  uint32_t n = 0;
  for (uint32_t i = 0; i < sim->accel.apart.n; ++i) {
    const uint64_t events = work_of(sim, sim->accel.apart.at[i], last);
    if (events == 0) continue;
    sum += events;
    if (events > most) most = events;
    words[n++] = (UINT32_MAX - events) << 32 | sim->accel.apart.at[i];
  }
  if (n < 2 || (sum - most < WORK_OF_ROUND && !sim->domains.always_split)) return 0;
  weft__sort_words(words, n);
  return n;
}

/* Each to who has least to do. 0 when out of memory. */
static int share_out(struct crew *crew, const uint64_t *words, uint32_t n) {
  weft_sim *sim = crew->sim;
  crew->jobs.n = 0;
  if (!pool_reserve(sim, crew->jobs, n)) return 0;
  for (uint32_t i = 0; i <= crew->running; ++i)
    crew->worker[i].load = crew->worker[i].job = crew->worker[i].begun = 0;
  for (; crew->jobs.n < n; ++crew->jobs.n) {
    const uint64_t word = words[crew->jobs.n];
    uint32_t view = 0;
    for (uint32_t i = 1; i <= crew->running; ++i)
      if (crew->worker[i].load < crew->worker[view].load) view = i;
    crew->worker[view].load += UINT32_MAX - (word >> 32);
    crew->jobs.at[crew->jobs.n] =
        (struct job){.partition = (uint32_t)word, .view = view, .visit = ++sim->accel.visits};
  }
  return 1;
}

/* Bring the n partitions of `words` to `last`. */
static void advance(weft_sim *sim, weft_time last, const uint64_t *words, uint32_t n) {
  struct crew *crew = sim->domains.shared != NULL ? sim->domains.shared->crew : make_crew(sim);
  if (crew == NULL) {
    weft__no_memory(sim);
    return;
  }
  if (!crew->started) start_threads(crew);
  if (!crew->copied || crew->rate_epoch != sim->fabric.rate_epoch) copy_buffers(crew);
  crew->last = last;
  int fed = share_out(crew, words, n) && prepare(crew);
  if (fed) run_round(crew);
  threads_were_used(sim, crew->running + 1);
  while (fed && !sim->failed && someone_stalls(crew)) {
    fed = prepare(crew);
    if (fed) run_round(crew);
  }
  if (!fed) weft__no_memory(sim);
  collect(crew);
}

void weft__crew_advance(weft_sim *sim, weft_time last) {
  if (sim->config.threads < 2 || sim->accel.apart.n < 2 || sim->failed) return;
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *words = weft__arena_take(sim, &sim->arena, sim->accel.apart.n * sizeof *words);
  const uint32_t n = words != NULL ? list_work(sim, last, words) : 0;
  threads_why(sim, WEFT_THREADS_LITTLE);
  if (n > 0) advance(sim, last, words, n);
  weft__arena_reset(sim, &sim->arena, mark);
}

void weft__crew_rest(weft_sim *sim) {
  struct crew *crew = sim->domains.shared != NULL ? sim->domains.shared->crew : NULL;
  if (crew == NULL || !crew->started) return;
  pthread_mutex_lock(&crew->mutex);
  crew->quit = 1;
  pthread_cond_broadcast(&crew->begin);
  pthread_mutex_unlock(&crew->mutex);
  for (; crew->running > 0; --crew->running) pthread_join(crew->worker[crew->running].thread, NULL);
  for (uint32_t i = 0; i < crew->domains->count; ++i)
    weft__view_give_back(sim, crew->domains->view[i]);
  crew->started = 0;
}
