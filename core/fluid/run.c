/* Its part of a run: events of the queue, and between them what is known without one: when the next
 * flows end, and that an instant in which something has changed is to be filled at its end. */
#include "events_i.h"
#include "fluid/fluid_i.h"

/* An event of the queue or one that is not in it. `time` INT64_MAX: there is none. */
struct coming {
  weft_time time;
  uint32_t kind;
};

static struct coming own_next(const weft_sim *sim) {
  const struct fluid_due *next = fluid_next(sim);
  const weft_time due = next != NULL ? fluid_due(next->end) : INT64_MAX;
  if (sim->fluid.is_asked && due > sim->now) return (struct coming){sim->now, EV_FLUID_FILL};
  return (struct coming){due < sim->now ? sim->now : due, EV_FLUID_ENDS};
}

static int is_before(struct coming a, struct coming b) {
  return a.time < b.time || (a.time == b.time && a.kind < b.kind);
}

static void handle_own(weft_sim *sim, struct coming own) {
  sim->now = own.time;
  ++sim->events;
  if (own.kind == EV_FLUID_ENDS) {
    weft__fluid_catch_up(sim);
  } else {
    sim->fluid.is_asked = 0;
    weft__fluid_fill(sim, (struct fluid_time){sim->now, 0});
  }
}

int weft__fluid_run(weft_sim *sim, const struct turn *turn) {
  while (!sim->failed) {
    const struct coming own = own_next(sim);
    if (own.time == INT64_MAX && sim->queue->count <= turn->idle + sim->fluid.stale) break;
    struct event event = {INT64_MAX, 0};
    if (sim->queue->count > 0) event = event_first(sim);
    if (sim->failed) break;
    const struct coming other = {event.time, (uint32_t)event.key >> EVENT_KIND_SHIFT};
    const int is_own = is_before(own, other);
    if ((is_own ? own.time : other.time) > turn->limit) return WEFT_RUN_UNTIL;
    if (sim->interrupted || sim->events >= turn->last) {
      const int result = sim->interrupted ? WEFT_RUN_INTERRUPTED : WEFT_RUN_BUDGET;
      sim->interrupted = 0; /* not on entry: it may have come between two runs */
      return result;
    }
    if (!is_own && (EVENTS_OF_ALL >> other.kind & 1)) return RUN_ON;
    if (is_own) {
      handle_own(sim, own);
    } else {
      event_take(sim, event);
      weft__fluid_event(sim, other.kind, event.key & EVENT_SOURCE_MASK);
    }
    if (sim->flow.news.n > 0) return RUN_ON;
  }
  return WEFT_RUN_DONE;
}
