/* The event queue: a wheel of buckets over the near future, a heap for the rest.
 *
 * An event is (time, key), and the key says its order among those of its instant, its kind and its
 * source. At most one valid event exists per kind and source, so the order is total, and what
 * happens is found through the source. Events that were overtaken (a timer pushed back, a port
 * retimed) stay and are recognised as stale when they surface, which is cheaper than finding them.
 *
 * Almost all events are heads of links: due within a link's delay, a few per nanosecond. The wheel
 * takes those in O(1) as one word each: offset in the bucket, kind, source. A bucket is a chain of
 * cache lines in the order of asking, which is nearly that of time, since what is asked for later
 * mostly happens later; so sorting it into `open` when its turn comes is a few moves. Timers, and
 * what lies beyond the wheel, wait in a 4-ary heap and are compared with the wheel's next. What
 * was tried against this is in docs/cost-model.md. */
#ifndef WEFT_BASE_EVENT_QUEUE_I_H
#define WEFT_BASE_EVENT_QUEUE_I_H

#include "base/alloc.h"

struct event {
  weft_time time;
  uint64_t key; /* order << 32 | kind << 27 | source */
};

enum { EVENT_KIND_SHIFT = 27, EVENT_SOURCE_MASK = (1 << EVENT_KIND_SHIFT) - 1 };

enum { CHUNK_EVENTS = 7, WHEEL_BUCKETS = 4096, WHEEL_WORDS = WHEEL_BUCKETS / 64 };

/* Events of one bucket: a cache line. `low` is the lower half of the key. With compat ns3 a bucket
 * is one nanosecond, the grain of its time, and the upper half of the word is the order. */
struct event_chunk {
  uint64_t at[CHUNK_EVENTS]; /* offset in the bucket << 32 | low */
  uint32_t n;
  uint32_t next; /* circular: the newest chunk names the oldest */
};

#define QUEUE_POOLS(X, queue)          \
  X(queue, open, uint64_t)             \
  X(queue, far, struct event)          \
  X(queue, chunks, struct event_chunk) \
  X(queue, sort, uint64_t)

struct event_queue {
  QUEUE_POOLS(WEFT_POOL_MEMBER, )
  weft_time open_start; /* of the bucket in open */
  weft_time far_time; /* of the heap's first event; INT64_MAX: it is empty */
  weft_time next_bucket; /* buckets before this one have been opened */
  uint32_t first; /* next event in open */
  uint32_t count; /* of all events */
  uint32_t free_chunk; /* list through event_chunk.next */
  uint32_t shift; /* a bucket spans 1 << shift ps */
  uint32_t whole_ns; /* or one ns, the grain of its times; events of an instant then have the order
                      * in which they were asked for, else that of their kinds and sources */
  uint32_t asked; /* whole_ns: events asked for so far */
  uint32_t take_far; /* the event that was looked at last is the heap's */
  uint64_t words; /* bit w: occupied[w] != 0 */
  uint64_t occupied[WHEEL_WORDS];
  uint32_t bucket[WHEEL_BUCKETS]; /* newest chunk, or WEFT_NONE */
};

static inline int event_before(const struct event *a, const struct event *b) {
  return a->time < b->time || (a->time == b->time && a->key < b->key);
}

static inline weft_time event_bucket(const struct event_queue *q, weft_time time) {
  return q->whole_ns ? time / 1000 : time >> q->shift;
}

static inline weft_time event_bucket_start(const struct event_queue *q, weft_time bucket) {
  return q->whole_ns ? bucket * 1000 : bucket << q->shift;
}

/* Whether a word says all of the event: its time is a whole nanosecond, or its place among those
 * of its instant is that of its kind. */
static inline int event_fits_word(const struct event_queue *q, const struct event *event) {
  if (q->whole_ns) return event->time % 1000 == 0;
  return event->key >> 32 == ((uint32_t)event->key & ~(uint32_t)EVENT_SOURCE_MASK);
}

static inline uint64_t event_word(const struct event_queue *q, const struct event *event) {
  if (q->whole_ns) return event->key;
  const weft_time start = event_bucket_start(q, event_bucket(q, event->time));
  return (uint64_t)(event->time - start) << 32 | (uint32_t)event->key;
}

static inline struct event event_of_word(const struct event_queue *q, uint64_t word) {
  if (q->whole_ns) return (struct event){q->open_start, word};
  const uint64_t order = (uint32_t)word & ~(uint32_t)EVENT_SOURCE_MASK;
  return (struct event){q->open_start + (weft_time)(word >> 32), order << 32 | (uint32_t)word};
}

/* `memory` is the simulation from which the queue takes memory; it is all that it knows of one. */

/** Empty the queue and set the span of the wheel: bucket_ps is rounded up to a power of two. */
void weft__events_init(struct event_queue *q, weft_time bucket_ps);

/** Begin anew at a time, with the wheel that it has; forgets what there is. */
void weft__events_reset(struct event_queue *q, weft_time now);

/** The next event where it isn't simply that at `first` of open. There is one. */
struct event weft__events_first(struct event_queue *q, weft_sim *memory);

/** Insert where the wheel does not take it: in the open bucket, beyond the horizon, a timer. */
void weft__events_push_outside(struct event_queue *q, weft_sim *memory, struct event event);

/** A chunk for a bucket that has none or whose newest is full. NULL when out of memory. */
struct event_chunk *weft__events_chunk(struct event_queue *q, weft_sim *memory, uint32_t slot);

/** Take the heap's first event out. */
void weft__events_pop_far(struct event_queue *q);

#endif
