/* The event queue, off the fast path: see event_queue_i.h. */
#include <string.h>

#include "sim_i.h"

enum { HEAP_ARITY = 4, INSERTION_SORT_MAX = 24 };

void weft__events_init(weft_sim *sim, weft_time bucket_ps) {
  struct event_queue *q = &sim->queue;
  memset(q, 0, sizeof *q);
  q->free_node = WEFT_NONE;
  while (q->shift < 40 && (1ll << q->shift) < bucket_ps) ++q->shift;
}

/* ---- the heap of far events ---- */

static void heap_push(struct event *at, uint32_t hole, struct event event) {
  while (hole > 0) {
    const uint32_t parent = (hole - 1) / HEAP_ARITY;
    if (!event_before(&event, &at[parent])) break;
    at[hole] = at[parent];
    hole = parent;
  }
  at[hole] = event;
}

static void heap_sift_down(struct event *at, uint32_t n, struct event event) {
  uint32_t hole = 0;
  for (uint32_t child; (child = hole * HEAP_ARITY + 1) < n;) {
    const uint32_t end = child + HEAP_ARITY < n ? child + HEAP_ARITY : n;
    uint32_t least = child;
    while (++child < end)
      if (event_before(&at[child], &at[least])) least = child;
    if (!event_before(&at[least], &event)) break;
    at[hole] = at[least];
    hole = least;
  }
  at[hole] = event;
}

/* ---- the open bucket ---- */

/* Keep event_open sorted. What is new is mostly late among the few that are left. */
static void insert_open(weft_sim *sim, struct event event) {
  if (!pool_reserve(sim, sim->event_open, sim->event_open.n + 1u)) {
    --sim->queue.count;
    weft__no_memory(sim);
    return;
  }
  struct event *at = sim->event_open.at;
  uint32_t hole = sim->event_open.n++;
  for (; hole > sim->queue.first && event_before(&event, &at[hole - 1]); --hole)
    at[hole] = at[hole - 1];
  at[hole] = event;
}

void weft__events_push_outside(weft_sim *sim, struct event event) {
  if (event.time < sim->queue.open_end) {
    insert_open(sim, event);
    return;
  }
  if (!pool_reserve(sim, sim->event_far, sim->event_far.n + 1u)) {
    --sim->queue.count;
    weft__no_memory(sim);
    return;
  }
  heap_push(sim->event_far.at, sim->event_far.n++, event);
}

/* Many at once happen when flows start together: heap sort, reversed by filling from the end. */
static void sort_events(struct event *at, uint32_t n) {
  if (n <= INSERTION_SORT_MAX) {
    for (uint32_t i = 1; i < n; ++i) {
      const struct event event = at[i];
      uint32_t hole = i;
      for (; hole > 0 && event_before(&event, &at[hole - 1]); --hole) at[hole] = at[hole - 1];
      at[hole] = event;
    }
    return;
  }
  for (uint32_t i = 1; i < n; ++i) heap_push(at, i, at[i]);
  for (uint32_t end = n; --end > 0;) {
    const struct event least = at[0], last = at[end];
    heap_sift_down(at, end, last);
    at[end] = least;
  }
  for (uint32_t i = 0; i < n / 2; ++i) {
    const struct event swap = at[i];
    at[i] = at[n - 1 - i];
    at[n - 1 - i] = swap;
  }
}

/* The first occupied bucket at or after `from`, going round; the wheel is not empty. */
static uint32_t next_occupied(const struct event_queue *q, uint32_t from) {
  const uint32_t word = from / 64;
  const uint64_t here = q->occupied[word] & (UINT64_MAX << from % 64);
  if (here != 0) return word * 64 + (uint32_t)__builtin_ctzll(here);
  const uint64_t later = word == 63 ? 0 : q->words & (UINT64_MAX << (word + 1));
  const uint32_t next = (uint32_t)__builtin_ctzll(later != 0 ? later : q->words);
  return next * 64 + (uint32_t)__builtin_ctzll(q->occupied[next]);
}

/* Number of the bucket (time >> shift) to open next: the wheel's next or the heap's, if earlier. */
static weft_time next_bucket(const weft_sim *sim) {
  const struct event_queue *q = &sim->queue;
  const weft_time from = q->open_end >> q->shift;
  weft_time bucket = INT64_MAX;
  if (q->words != 0) {
    const uint32_t start = (uint32_t)from % WHEEL_BUCKETS;
    bucket = from + (next_occupied(q, start) - start) % WHEEL_BUCKETS;
  }
  if (sim->event_far.n > 0) {
    const weft_time far = sim->event_far.at[0].time >> q->shift;
    if (far < bucket) bucket = far;
  }
  return bucket;
}

void weft__events_open(weft_sim *sim) {
  struct event_queue *q = &sim->queue;
  const weft_time bucket = next_bucket(sim);
  const uint32_t slot = (uint32_t)bucket % WHEEL_BUCKETS;
  const uint64_t bit = 1ull << slot % 64;
  q->first = 0;
  sim->event_open.n = 0;
  const weft_time from = q->open_end >> q->shift;
  q->open_end = (bucket + 1) << q->shift;
  if (bucket - from < WHEEL_BUCKETS && (q->occupied[slot / 64] & bit)) {
    for (uint32_t i = q->bucket[slot], next; i != WEFT_NONE; i = next) {
      struct event_node *node = &sim->event_nodes.at[i];
      if (!pool_reserve(sim, sim->event_open, sim->event_open.n + 1u)) {
        weft__no_memory(sim);
        return;
      }
      sim->event_open.at[sim->event_open.n++] = node->event;
      next = node->next;
      node->next = q->free_node;
      q->free_node = i;
    }
    q->occupied[slot / 64] &= ~bit;
    if (q->occupied[slot / 64] == 0) q->words &= ~(1ull << slot / 64);
  }
  while (sim->event_far.n > 0 && sim->event_far.at[0].time < q->open_end) {
    if (!pool_reserve(sim, sim->event_open, sim->event_open.n + 1u)) {
      weft__no_memory(sim);
      return;
    }
    sim->event_open.at[sim->event_open.n++] = sim->event_far.at[0];
    const uint32_t n = --sim->event_far.n;
    if (n > 0) heap_sift_down(sim->event_far.at, n, sim->event_far.at[n]);
  }
  sort_events(sim->event_open.at, sim->event_open.n);
}
