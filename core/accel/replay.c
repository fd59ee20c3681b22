/* A zone by itself: simulated from where it was parked, while the rest of the simulation stands
 * still.
 *
 * It owns its ports and flows, and nothing of it has happened since it was parked, so its events
 * can be handled in a queue of their own; the result is what it would have been among all others.
 * That is what makes a memo hit safe: whatever comes into a span that was taken for known, the span
 * is simulated after all up to that instant. Should a flow end in it, what waits for that begins
 * now: later than it should, but no record that is taken lets a flow come near its end. And what
 * can be done later need not be done among all other events: see apart.c. */
#include "accel/zone.h"
#include "engine/domain.h"

#define SWAP_POOLS(a, b)              \
  do {                                \
    const __typeof__(a) before = (a); \
    (a).at = (b).at;                  \
    (a).n = (b).n;                    \
    (a).cap = (b).cap;                \
    (b).at = before.at;               \
    (b).n = before.n;                 \
    (b).cap = before.cap;             \
  } while (0)

static void swap_events(weft_sim *sim) {
  SWAP_POOLS(sim->event_open, sim->other_open);
  SWAP_POOLS(sim->event_far, sim->other_far);
  SWAP_POOLS(sim->event_chunks, sim->other_chunks);
}

void weft__replay(weft_sim *sim, uint32_t zone, weft_time last) {
  const weft_time now = sim->now;
  const uint32_t rto_events = sim->rto_events, cc_events = sim->cc_events;
  const uint32_t known = sim->late_news.n;
  weft__zone_list_ports(sim, zone);
  sim->queue = &sim->queues[1];
  sim->queue->shift = sim->queues[0].shift;
  swap_events(sim);
  sim->now = sim->zones.at[zone].parked_at;
  weft__events_reset(sim, sim->now);
  sim->replaying = 1;
  weft__zone_arm(sim, zone);
  weft__domain_run(sim, last + 1, RUN_IDLE | RUN_UNFED); /* what is left is made anew */
  sim->queue = &sim->queues[0];
  swap_events(sim);
  sim->now = now;
  sim->replaying = 0;
  sim->rto_events = rto_events;
  sim->cc_events = cc_events;
  if (known == 0 && sim->late_news.n > 0) event_at(sim, EV_TASK, LATE_NEWS, now);
  if (sim->gone_records > 0) weft__memo_bury(sim);
}
