/* Asking for events and taking them out: the fast path of the queue (base/event_queue_i.h). */
#ifndef WEFT_EVENTS_I_H
#define WEFT_EVENTS_I_H

#include "sim_i.h"

static inline void event_push(weft_sim *sim, struct event event) {
  WEFT_ASSERT(event.time >= sim->now);
  struct event_queue *q = sim->queue;
  const weft_time bucket = event_bucket(q, event.time);
  ++q->count;
  if ((uint64_t)(bucket - q->next_bucket) >= WHEEL_BUCKETS || !event_fits_word(q, &event)) {
    weft__events_push_outside(q, sim, event);
    return;
  }
  const uint32_t slot = (uint32_t)bucket % WHEEL_BUCKETS, newest = q->bucket[slot];
  struct event_chunk *chunk = newest != WEFT_NONE ? &q->chunks.at[newest] : NULL;
  if (chunk == NULL || chunk->n == CHUNK_EVENTS) {
    chunk = weft__events_chunk(q, sim, slot);
    if (chunk == NULL) {
      --q->count;
      weft__no_memory(sim);
      return;
    }
  }
  chunk->at[chunk->n++] = event_word(q, &event);
}

/* Ask for an event with a given place among those of its instant: with compat ns3 the number of
 * the asking; else its kind's, and `order` tells apart those of one kind (0: their source does). */
static inline struct event event_ordered(const weft_sim *sim, uint32_t kind, uint32_t source,
                                         weft_time time, uint32_t order) {
  const uint32_t low = kind << EVENT_KIND_SHIFT | source;
  const uint32_t high = sim->queue->whole_ns ? order : kind << EVENT_KIND_SHIFT | order;
  return (struct event){time, (uint64_t)high << 32 | low};
}

static inline void event_push_ordered(weft_sim *sim, uint32_t kind, uint32_t source, weft_time time,
                                      uint32_t order) {
  event_push(sim, event_ordered(sim, kind, source, time, order));
}

/* Ask for an event. */
static inline struct event event_of(weft_sim *sim, uint32_t kind, uint32_t source, weft_time time) {
  return event_ordered(sim, kind, source, time, sim->queue->whole_ns ? ++sim->queue->asked : 0);
}

static inline void event_at(weft_sim *sim, uint32_t kind, uint32_t source, weft_time time) {
  event_push(sim, event_of(sim, kind, source, time));
}

/* Ask for an event of a flow. Slots are reused, so rows tell flows apart at one instant: the order
 * must not depend on which slot a flow was given. */
static inline void event_of_flow(weft_sim *sim, uint32_t kind, uint32_t source, uint32_t row,
                                 weft_time time) {
  if (sim->queue->whole_ns)
    event_at(sim, kind, source, time);
  else
    event_push_ordered(sim, kind, source, time, row & EVENT_SOURCE_MASK);
}

/* The next event, in total order. There is one; meaningless if memory runs out (sim->failed). */
static inline struct event event_first(weft_sim *sim) {
  struct event_queue *q = sim->queue;
  if (q->first < q->open.n) {
    const struct event event = event_of_word(q, q->open.at[q->first]);
    if (q->far_time > event.time) return event;
  }
  return weft__events_first(q, sim);
}

/* An event that finds nothing to do, as what it was to see to has been put off or done before, is
 * none: how many there are of those depends on how a run was cut into pieces. */
static inline void event_is_stale(weft_sim *sim) {
  --sim->events;
}

/* Take out the event that event_first() has given. */
static inline void event_pop(weft_sim *sim) {
  if (sim->queue->take_far) {
    weft__events_pop_far(sim->queue);
    return;
  }
  ++sim->queue->first;
  --sim->queue->count;
}

/* Take it out and go to its time. */
static inline void event_take(weft_sim *sim, struct event event) {
  WEFT_ASSERT(event.time >= sim->now);
  sim->now = event.time;
  ++sim->events;
  event_pop(sim);
}

#endif
