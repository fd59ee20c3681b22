/* The event queue: a wheel of buckets over the near future, a heap for the rest.
 *
 * An event is its key: (time, kind, source). At most one valid event exists per kind and source,
 * so the key is unique, the order is total, and what happens is found through the source. Events
 * that were overtaken (a timer pushed back, a port retimed) stay and are recognised as stale when
 * they surface, which is cheaper than finding them.
 *
 * Almost all events are heads of links: due within a link's delay, about as many per nanosecond as
 * there are busy links. The wheel takes those in O(1): a bucket is an unsorted list, sorted into
 * `open` when its turn comes, which is when it holds one or two. Timers beyond the wheel's horizon
 * wait in a 4-ary heap and join the bucket that they fall into. Measured against the heap alone on
 * a k=8 permutation: docs/cost-model.md. */
#ifndef WEFT_BASE_EVENT_QUEUE_I_H
#define WEFT_BASE_EVENT_QUEUE_I_H

#include "base/alloc.h"

struct event {
  weft_time time;
  uint64_t key; /* order << 32 | kind << 28 | source: the order of events of one instant */
};

struct event_node {
  struct event event;
  uint32_t next;
  uint32_t unused;
};

enum { WHEEL_BUCKETS = 4096, WHEEL_WORDS = WHEEL_BUCKETS / 64 };

/* The pools are members of the simulation (event_open, event_far, event_nodes); this is the
 * rest. */
struct event_queue {
  weft_time open_end; /* events before this time are in event_open */
  uint32_t first; /* next event in event_open */
  uint32_t count; /* of all events */
  uint32_t free_node; /* list through event_node.next */
  uint32_t shift; /* a bucket spans 1 << shift ps */
  uint64_t words; /* bit w: occupied[w] != 0 */
  uint64_t occupied[WHEEL_WORDS];
  uint32_t bucket[WHEEL_BUCKETS]; /* first node; meaningful where occupied */
};

static inline int event_before(const struct event *a, const struct event *b) {
  return a->time < b->time || (a->time == b->time && a->key < b->key);
}

/** Empty the queue and set the span of the wheel: bucket_ps is rounded up to a power of two. */
void weft__events_init(weft_sim *sim, weft_time bucket_ps);

/** Sort the next bucket into event_open. There is an event, and event_open is used up. */
void weft__events_open(weft_sim *sim);

/** Insert where the wheel does not take it: before open_end or beyond the horizon. */
void weft__events_push_outside(weft_sim *sim, struct event event);

#endif
