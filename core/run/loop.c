/* The loop: turns of the engine, and between them what is not an engine's: changes of the fabric,
 * starts of flows, tasks, samples, and the news that flows tell to work. */
#include "engine.h"
#include "fabric/fabric.h"
#include "flow/flow.h"
#include "results/results.h"
#include "work/work.h"

static void handle(weft_sim *sim, struct event event) {
  const uint32_t source = event.key & EVENT_SOURCE_MASK;
  switch ((uint32_t)event.key >> EVENT_KIND_SHIFT) {
    case EV_CHANGE:
      if (sim->fabric.changes.at[source].kind == CHANGE_HOST)
        weft__pace_change(sim, &sim->fabric.changes.at[source].of.host);
      else
        weft__change_event(sim, source);
      break;
    case EV_TASK:
      weft__task_event(sim, source);
      break;
    case EV_START:
      weft__flow_start_due(sim);
      break;
    case EV_SAMPLE:
      weft__sample_event(sim);
      break;
    default:
      WEFT_ASSERT(!"known kind of event");
      break;
  }
}

/* A turn of an engine that has nothing of its own to do between its events. */
static int run_events(weft_sim *sim, const struct turn *turn) {
  while (sim->queue->count > turn->idle + sim->engine->stale(sim)) {
    const struct event event = event_first(sim);
    const uint32_t kind = (uint32_t)event.key >> EVENT_KIND_SHIFT;
    if (sim->failed) break;
    if (event.time > turn->limit) return WEFT_RUN_UNTIL;
    if (sim->interrupted || sim->events >= turn->last) {
      const int result = sim->interrupted ? WEFT_RUN_INTERRUPTED : WEFT_RUN_BUDGET;
      sim->interrupted = 0; /* not on entry: it may have come between two runs */
      return result;
    }
    if (EVENTS_OF_ALL >> kind & 1) return RUN_ON;
    event_take(sim, event);
    sim->engine->event(sim, kind, event.key & EVENT_SOURCE_MASK);
    if (sim->flow.news.n > 0) return RUN_ON;
  }
  return WEFT_RUN_DONE;
}

/* What the engine left for others: news, or else the next event. */
static void handle_others(weft_sim *sim) {
  if (sim->flow.news.n == 0) {
    const struct event event = event_first(sim);
    if (sim->failed) return;
    event_take(sim, event);
    handle(sim, event);
  }
  weft__work_hear(sim);
}

static int prepare(weft_sim *sim) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "run: call weft_fabric_ready first");
  if (sim->failed) return weft__fail(sim, sim->failed, "run: the simulation has failed before");
  int status = sim->engine->begin != NULL ? sim->engine->begin(sim) : WEFT_OK;
  if (status == WEFT_OK) status = weft__flow_sort_starts(sim);
  if (status == WEFT_OK) weft__work_hear(sim);
  if (status == WEFT_OK) weft__tasks_begin_new(sim);
  if (status == WEFT_OK) weft__work_hear(sim);
  if (status == WEFT_OK) weft__sample_arm(sim);
  return status == WEFT_OK ? sim->failed : status;
}

static int stopped(weft_sim *sim) {
  return weft__fail(sim, sim->failed,
                    sim->failed == WEFT_ESCRIPT ? "run: the script failed" : "run: out of memory");
}

int weft_run(weft_sim *sim, weft_time until, uint64_t max_events) {
  const int status = prepare(sim);
  if (status == WEFT_ENOMEM) return weft__fail(sim, status, "run: out of memory");
  if (status != WEFT_OK) return status;
  const uint64_t most = UINT64_MAX - sim->events;
  const int is_all = max_events == 0 || max_events > most;
  struct turn turn = {.limit = until < 0 ? INT64_MAX : until,
                      .last = is_all ? UINT64_MAX : sim->events + max_events};
  int result = RUN_ON;
  while (result == RUN_ON && !sim->failed) {
    turn.idle = (uint32_t)sim->results.sample_armed;
    turn.tasks = sim->work.tasks.n - (uint32_t)sim->stats.tasks_done;
    result = sim->engine->run != NULL ? sim->engine->run(sim, &turn) : run_events(sim, &turn);
    if (result == RUN_ON && !sim->failed) handle_others(sim);
  }
  if (result == WEFT_RUN_UNTIL && sim->now < turn.limit) sim->now = turn.limit;
  const int is_whole = result == WEFT_RUN_UNTIL || result == WEFT_RUN_DONE; /* this instant */
  if (!sim->failed && sim->engine->end != NULL) sim->engine->end(sim, is_whole);
  return sim->failed ? stopped(sim) : result;
}
