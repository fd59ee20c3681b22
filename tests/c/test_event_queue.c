/* The event queue gives events in total order, near and far ones mixed, however they came in. */
#include "fixture.h"
#include "sim_i.h"

enum { EVENTS = 20000 };

/* How far ahead an event may be: within a bucket, within the wheel, far beyond it. */
static weft_time reach(const weft_sim *sim, int scale) {
  const int bits[] = {0, 6, 11, 13, 20};
  return (weft_time)1 << (sim->queue->shift + (uint32_t)bits[scale]);
}

/* Keep `depth` random events in the queue; none may be before the one taken before it. */
static void churn(weft_sim *sim, int scales, uint32_t depth, uint64_t key) {
  struct event last = {-1, 0};
  uint64_t pushed = 0, popped = 0, sum = 0;
  while (popped < EVENTS) {
    while (sim->queue->count < depth && pushed < EVENTS) {
      const double far = uniform(key, 3 * pushed), which = uniform(key, 3 * pushed + 1);
      const int scale = (int)(which * scales) % scales;
      const uint32_t source = (uint32_t)pushed;
      event_at(sim, EV_NIC, source, sim->now + (weft_time)(far * (double)reach(sim, scale)));
      ++pushed;
      sum += source;
    }
    const struct event event = event_first(sim);
    event_pop(sim);
    ENSURE(event_before(&last, &event));
    ENSURE(event.time >= sim->now);
    last = event;
    sim->now = event.time;
    sum -= event.key & EVENT_SOURCE_MASK;
    ++popped;
  }
  ENSURE_EQ(sim->queue->count, 0);
  ENSURE_EQ(sum, 0);
}

TEST(events_come_out_in_order_whatever_their_distance) {
  const uint32_t depths[] = {1, 2, 30, 3000, EVENTS};
  weft_config config = quiet_config();
  for (int scales = 1; scales <= 5; scales++) {
    for (int d = 0; d < 5; d++) {
      weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
      churn(sim, scales, depths[d], (uint64_t)(scales * 10 + d));
      weft_sim_destroy(sim);
    }
  }
}

TEST(events_of_one_instant_come_out_by_kind_and_source) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
  for (uint32_t source = 100; source-- > 0;) {
    event_at(sim, EV_START, source, US);
    event_at(sim, EV_CHANGE, source, US);
    event_at(sim, EV_ARRIVE, source, US);
  }
  const uint32_t kinds[] = {EV_CHANGE, EV_ARRIVE, EV_START};
  for (int k = 0; k < 3; k++) {
    for (uint32_t source = 0; source < 100; source++) {
      const struct event event = event_first(sim);
      event_pop(sim);
      ENSURE_EQ((uint32_t)event.key, (uint32_t)kinds[k] << EVENT_KIND_SHIFT | source);
    }
  }
  weft_sim_destroy(sim);
}

/* A run that ends before an event has looked at it; what is asked for then may come first. */
TEST(what_comes_between_looking_at_an_event_and_taking_one_is_heeded) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
  event_at(sim, EV_NIC, 1, US);
  sim->now = event_first(sim).time;
  event_pop(sim);
  event_push_ordered(sim, EV_RTO, 2, US + 3, 7); /* its order does not fit a word */
  ENSURE_EQ(event_first(sim).time, US + 3);
  event_at(sim, EV_NIC, 1, US + 1); /* in the bucket that is open */
  for (weft_time after = 1; after <= 3; after += 2) {
    ENSURE_EQ(event_first(sim).time, US + after);
    event_pop(sim);
  }
  ENSURE_EQ(sim->queue->count, 0);
  weft_sim_destroy(sim);
}
