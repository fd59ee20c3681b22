/* The event queue: a 4-ary heap of 16-byte keys in total order.
 *
 * An event is its key: (time, kind, source). At most one valid event exists per kind and source, so
 * the key is unique and needs no payload; what happens is found through the source. Events that
 * were overtaken (a timer pushed back, a port retimed) stay in the heap and are recognised as stale
 * when they surface, which is cheaper than finding them. Four children share a cache line. */
#ifndef WEFT_BASE_EVENT_QUEUE_I_H
#define WEFT_BASE_EVENT_QUEUE_I_H

#include "base/alloc.h"

struct event {
  weft_time time;
  uint64_t key; /* kind << 32 | source: the order of events of one instant */
};

enum { EVENT_QUEUE_ARITY = 4 };

typedef WEFT_POOL(struct event) event_queue;

static inline int event_before(const struct event *a, const struct event *b) {
  return a->time < b->time || (a->time == b->time && a->key < b->key);
}

static inline void event_queue_sift_down(event_queue *q, struct event event) {
  struct event *at = q->at;
  const uint32_t n = q->n;
  uint32_t hole = 0;
  for (;;) {
    uint32_t child = hole * EVENT_QUEUE_ARITY + 1;
    if (child >= n) break;
    const uint32_t end = child + EVENT_QUEUE_ARITY < n ? child + EVENT_QUEUE_ARITY : n;
    uint32_t least = child;
    for (++child; child < end; ++child)
      if (event_before(&at[child], &at[least])) least = child;
    if (!event_before(&at[least], &event)) break;
    at[hole] = at[least];
    hole = least;
  }
  at[hole] = event;
}

/* Room must have been reserved: event_queue_reserve(). */
static inline void event_queue_push(event_queue *q, struct event event) {
  struct event *at = q->at;
  uint32_t hole = q->n++;
  while (hole > 0) {
    const uint32_t parent = (hole - 1) / EVENT_QUEUE_ARITY;
    if (!event_before(&event, &at[parent])) break;
    at[hole] = at[parent];
    hole = parent;
  }
  at[hole] = event;
}

static inline void event_queue_pop(event_queue *q) {
  const uint32_t last = --q->n;
  if (last > 0) event_queue_sift_down(q, q->at[last]);
}

/* Replace the first event by a later one: one descent instead of two. */
static inline void event_queue_replace(event_queue *q, struct event event) {
  event_queue_sift_down(q, event);
}

#endif
