/* The event queue, off the fast path: see event_queue_i.h. */
#include "base/event_queue_i.h"

#include <string.h>

#include "sim_i.h"

enum { HEAP_ARITY = 4, INSERTION_SORT_MAX = 48 };

void weft__events_init(struct event_queue *q, weft_time bucket_ps) {
  memset(q->occupied, 0, sizeof q->occupied);
  memset(q->bucket, 0xff, sizeof q->bucket); /* WEFT_NONE */
  q->words = 0;
  q->shift = 0;
  while (q->shift < 31 && (1ll << q->shift) < bucket_ps) ++q->shift;
  weft__events_reset(q, 0);
}

void weft__events_reset(struct event_queue *q, weft_time now) {
  for (; q->words != 0; q->words &= q->words - 1) {
    const uint32_t w = (uint32_t)__builtin_ctzll(q->words);
    for (uint64_t bits = q->occupied[w]; bits != 0; bits &= bits - 1)
      q->bucket[64 * w + (uint32_t)__builtin_ctzll(bits)] = WEFT_NONE;
    q->occupied[w] = 0;
  }
  q->free_chunk = WEFT_NONE;
  q->far_time = INT64_MAX;
  q->first = q->count = q->take_far = 0;
  q->open_start = 0;
  q->next_bucket = event_bucket(q, now);
  q->open.n = q->far.n = q->chunks.n = 0;
}

/* ---- the heap ---- */

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

void weft__events_pop_far(struct event_queue *q) {
  /* Nothing is before it: the wheel's horizon follows. Not when it is looked at only, since what is
   * asked for until it is taken would miss the wheel. */
  const weft_time bucket = event_bucket(q, q->far_time);
  if (bucket > q->next_bucket) q->next_bucket = bucket;
  const uint32_t n = --q->far.n;
  if (n > 0) heap_sift_down(q->far.at, n, q->far.at[n]);
  q->far_time = n > 0 ? q->far.at[0].time : INT64_MAX;
  q->take_far = 0;
  --q->count;
}

/* ---- pushing ---- */

/* Keep event_open sorted. What is new is mostly late among the few that are left. */
static void insert_open(struct event_queue *q, weft_sim *memory, uint64_t word) {
  if (!pool_reserve(memory, q->open, q->open.n + 1u)) {
    --q->count;
    weft__no_memory(memory);
    return;
  }
  if (q->first == q->open.n) q->first = q->open.n = 0;
  q->take_far = 0; /* the heap's first may have been looked at, and comes later now */
  uint64_t *at = q->open.at;
  uint32_t hole = q->open.n++;
  for (; hole > q->first && word < at[hole - 1]; --hole) at[hole] = at[hole - 1];
  at[hole] = word;
}

void weft__events_push_outside(struct event_queue *q, weft_sim *memory, struct event event) {
  const weft_time bucket = event_bucket(q, event.time);
  if (bucket < q->next_bucket && event_bucket_start(q, bucket) == q->open_start &&
      event_fits_word(q, &event)) {
    insert_open(q, memory, event_word(q, &event));
    return;
  }
  if (!pool_reserve(memory, q->far, q->far.n + 1u)) {
    --q->count;
    weft__no_memory(memory);
    return;
  }
  heap_push(q->far.at, q->far.n++, event);
  q->far_time = q->far.at[0].time;
}

struct event_chunk *weft__events_chunk(struct event_queue *q, weft_sim *memory, uint32_t slot) {
  uint32_t index = q->free_chunk;
  if (index != WEFT_NONE) {
    q->free_chunk = q->chunks.at[index].next;
  } else {
    index = q->chunks.n;
    if (!pool_reserve(memory, q->chunks, index + 1u)) return NULL;
    q->chunks.n = index + 1;
  }
  struct event_chunk *chunk = &q->chunks.at[index];
  const uint32_t newest = q->bucket[slot];
  chunk->n = 0;
  chunk->next = index;
  if (newest != WEFT_NONE) {
    chunk->next = q->chunks.at[newest].next;
    q->chunks.at[newest].next = index;
  }
  q->bucket[slot] = index;
  q->occupied[slot / 64] |= 1ull << slot % 64;
  q->words |= 1ull << slot / 64;
  return chunk;
}

/* ---- opening a bucket ---- */

/* Radix sort by the bytes in which the words differ; flows that start together make many. */
static int radix_sort(struct event_queue *q, weft_sim *memory, uint32_t n) {
  if (!pool_reserve(memory, q->sort, n)) return 0;
  uint64_t *from = q->open.at, *to = q->sort.at, differ = 0;
  for (uint32_t i = 1; i < n; ++i) differ |= from[i] ^ from[0];
  for (uint32_t shift = 0; shift < 64; shift += 8) {
    if ((differ >> shift & 0xff) == 0) continue;
    uint32_t start[257] = {0};
    for (uint32_t i = 0; i < n; ++i) ++start[(from[i] >> shift & 0xff) + 1];
    for (uint32_t b = 1; b < 256; ++b) start[b] += start[b - 1];
    for (uint32_t i = 0; i < n; ++i) to[start[from[i] >> shift & 0xff]++] = from[i];
    uint64_t *const swap = from;
    from = to;
    to = swap;
  }
  if (from != q->open.at) memcpy(q->open.at, from, n * sizeof *from);
  return 1;
}

static int sort_open(struct event_queue *q, weft_sim *memory) {
  const uint32_t n = q->open.n;
  uint64_t *at = q->open.at;
  if (n > INSERTION_SORT_MAX) return radix_sort(q, memory, n);
  for (uint32_t i = 1; i < n; ++i) {
    const uint64_t word = at[i];
    uint32_t hole = i;
    for (; hole > 0 && word < at[hole - 1]; --hole) at[hole] = at[hole - 1];
    at[hole] = word;
  }
  return 1;
}

/* Number of the first occupied bucket, or INT64_MAX. */
static weft_time first_occupied(const struct event_queue *q) {
  if (q->words == 0) return INT64_MAX;
  const uint32_t from = (uint32_t)q->next_bucket % WHEEL_BUCKETS, word = from / 64;
  const uint64_t here = q->occupied[word] & (UINT64_MAX << from % 64);
  uint32_t slot = word * 64;
  if (here != 0) {
    slot += (uint32_t)__builtin_ctzll(here);
  } else {
    const uint64_t later = word == 63 ? 0 : q->words & (UINT64_MAX << (word + 1));
    const uint32_t next = (uint32_t)__builtin_ctzll(later != 0 ? later : q->words);
    slot = next * 64 + (uint32_t)__builtin_ctzll(q->occupied[next]);
  }
  return q->next_bucket + (slot - from) % WHEEL_BUCKETS;
}

static int open_bucket(struct event_queue *q, weft_sim *memory, weft_time bucket) {
  const uint32_t slot = (uint32_t)bucket % WHEEL_BUCKETS;
  const uint32_t newest = q->bucket[slot];
  q->first = 0;
  q->open.n = 0;
  q->next_bucket = bucket + 1;
  q->open_start = event_bucket_start(q, bucket);
  uint32_t chunk = newest;
  do {
    chunk = q->chunks.at[chunk].next;
    const struct event_chunk *c = &q->chunks.at[chunk];
    if (!pool_reserve(memory, q->open, q->open.n + CHUNK_EVENTS)) return 0;
    memcpy(q->open.at + q->open.n, c->at, sizeof c->at);
    q->open.n += c->n;
  } while (chunk != newest);
  const uint32_t oldest = q->chunks.at[newest].next;
  q->chunks.at[newest].next = q->free_chunk;
  q->free_chunk = oldest;
  q->bucket[slot] = WEFT_NONE;
  q->occupied[slot / 64] &= ~(1ull << slot % 64);
  if (q->occupied[slot / 64] == 0) q->words &= ~(1ull << slot / 64);
  return sort_open(q, memory);
}

struct event weft__events_first(struct event_queue *q, weft_sim *memory) {
  if (q->first == q->open.n) {
    const weft_time bucket = first_occupied(q);
    const weft_time start = bucket == INT64_MAX ? INT64_MAX : event_bucket_start(q, bucket);
    if (q->far_time < start) {
      q->take_far = 1;
      return q->far.at[0];
    }
    if (!open_bucket(q, memory, bucket)) {
      weft__no_memory(memory);
      return (struct event){0, 0};
    }
  }
  const struct event event = event_of_word(q, q->open.at[q->first]);
  q->take_far = q->far_time <= event.time && event_before(&q->far.at[0], &event);
  return q->take_far ? q->far.at[0] : event;
}
