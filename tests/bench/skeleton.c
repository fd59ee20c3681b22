/* The least that a packet engine must do: a queue of link heads, a ring per link, nothing else.
 *
 * Each flow keeps a window of packets going along the path that the engine itself would take; at
 * the end of the path a packet turns into an ACK, and an ACK releases the next packet. No NIC, no
 * buffer, no congestion control, no counters. What the engine costs beyond this is what its model
 * costs; the row makes machines comparable. Two queues: a 4-ary heap, and a wheel whose buckets
 * are sorted lists about as wide as one event is apart from the next. */
#include "skeleton.h"

#include <stdlib.h>
#include <string.h>

enum { ARITY = 4, WINDOW = 150, DATA = 1048, ACK = 60, BYTE_PS = 80, DELAY_PS = US };
enum { NONE = -1, HORIZON_PS = DELAY_PS + DATA * BYTE_PS };

typedef struct packet {
  int64_t arrive;
  uint32_t flow;
  uint16_t size;
  uint8_t hop, is_ack;
} packet;

typedef struct link {
  int64_t free_at;
  packet *ring;
  uint32_t head, tail, mask; /* cursors run freely */
} link;

typedef struct event {
  int64_t time;
  uint32_t link, next; /* next: of the bucket, in the wheel */
} event;

typedef struct skeleton {
  link *links;
  event *heap; /* of pending events, or the wheel's: one a link */
  uint32_t pending;
  int32_t *bucket; /* first link of each */
  uint32_t shift, buckets; /* a bucket is 1 << shift ps wide */
  int64_t now_bucket;
  uint32_t (*path)[2 * WEFT_PATH_MAX]; /* data ports, then ACK ports */
  uint8_t (*hops)[2];
  uint32_t *left;
  uint64_t moved;
} skeleton;

static inline int before(const event *a, const event *b) {
  return a->time < b->time || (a->time == b->time && a->link < b->link);
}

/* ---- heap ---- */

static void sift_down(skeleton *s, event e) {
  uint32_t hole = 0;
  for (uint32_t child; (child = hole * ARITY + 1) < s->pending;) {
    uint32_t end = child + ARITY < s->pending ? child + ARITY : s->pending, least = child;
    while (++child < end)
      if (before(&s->heap[child], &s->heap[least])) least = child;
    if (!before(&s->heap[least], &e)) break;
    s->heap[hole] = s->heap[least];
    hole = least;
  }
  s->heap[hole] = e;
}

static void heap_push(skeleton *s, event e) {
  uint32_t hole = s->pending++;
  for (; hole > 0 && before(&e, &s->heap[(hole - 1) / ARITY]); hole = (hole - 1) / ARITY)
    s->heap[hole] = s->heap[(hole - 1) / ARITY];
  s->heap[hole] = e;
}

/* ---- wheel: events of one instant come in no set order, which takes no time to keep ---- */

static inline void wheel_push(skeleton *s, event e) {
  int32_t *at = &s->bucket[(e.time >> s->shift) & (s->buckets - 1)];
  while (*at != NONE && s->heap[*at].time < e.time) at = (int32_t *)&s->heap[*at].next;
  e.next = (uint32_t)*at;
  s->heap[e.link] = e;
  *at = (int32_t)e.link;
  ++s->pending;
}

static inline event wheel_pop(skeleton *s) {
  int32_t *at = &s->bucket[s->now_bucket & (s->buckets - 1)];
  while (*at == NONE) at = &s->bucket[++s->now_bucket & (s->buckets - 1)];
  const event e = s->heap[*at];
  *at = (int32_t)e.next;
  --s->pending;
  return e;
}

/* ---- links and flows; `queue` is a constant wherever this is inlined ---- */

static inline void push(skeleton *s, event e, enum skeleton_queue queue) {
  if (queue == SKELETON_HEAP)
    heap_push(s, e);
  else
    wheel_push(s, e);
}

static inline void enqueue(skeleton *s, uint32_t index, packet p, int64_t now,
                           enum skeleton_queue queue) {
  link *l = &s->links[index];
  l->free_at = (l->free_at > now ? l->free_at : now) + p.size * BYTE_PS;
  p.arrive = l->free_at + DELAY_PS;
  l->ring[l->tail & l->mask] = p;
  if (l->head == l->tail++) push(s, (event){p.arrive, index, 0}, queue);
}

static inline void send_data(skeleton *s, uint32_t flow, int64_t now, enum skeleton_queue queue) {
  if (s->left[flow] == 0) return;
  --s->left[flow];
  enqueue(s, s->path[flow][0], (packet){0, flow, DATA, 1, 0}, now, queue);
}

/* Take the head of the next link off and let the one behind it be the head. */
static inline packet next_packet(skeleton *s, enum skeleton_queue queue) {
  const event e = queue == SKELETON_HEAP ? s->heap[0] : wheel_pop(s);
  link *l = &s->links[e.link];
  const packet p = l->ring[l->head++ & l->mask];
  const int more = l->head != l->tail;
  const event following = {more ? l->ring[l->head & l->mask].arrive : 0, e.link, 0};
  if (queue == SKELETON_WHEEL) {
    if (more) wheel_push(s, following);
  } else if (more) {
    sift_down(s, following);
  } else if (--s->pending > 0) {
    sift_down(s, s->heap[s->pending]);
  }
  return p;
}

static inline void run(skeleton *s, enum skeleton_queue queue) {
  while (s->pending > 0) {
    packet p = next_packet(s, queue);
    const int64_t now = p.arrive;
    ++s->moved;
    if (p.hop < s->hops[p.flow][p.is_ack]) {
      const uint32_t next = s->path[p.flow][p.hop++ + (p.is_ack ? WEFT_PATH_MAX : 0)];
      enqueue(s, next, p, now, queue);
    } else if (p.is_ack) {
      send_data(s, p.flow, now, queue);
    } else {
      enqueue(s, s->path[p.flow][WEFT_PATH_MAX], (packet){0, p.flow, ACK, 1, 1}, now, queue);
    }
  }
}

__attribute__((noinline)) static void run_heap(skeleton *s) {
  run(s, SKELETON_HEAP);
}

__attribute__((noinline)) static void run_wheel(skeleton *s) {
  run(s, SKELETON_WHEEL);
}

/* ---- set-up ---- */

static void *zeroed(size_t count, size_t size) {
  void *block = calloc(count, size);
  if (block == NULL) must(NULL, WEFT_ENOMEM);
  return block;
}

static uint32_t power_of_two(uint32_t least) {
  uint32_t n = 1;
  while (n < least) n *= 2;
  return n;
}

/* Paths, and for each link a ring for all that its flows may have under way. */
static packet *build(skeleton *s, weft_sim *sim, const struct flow_list *list, uint32_t links) {
  uint32_t *room = zeroed(links, sizeof *room);
  for (uint32_t f = 0; f < list->count; f++) {
    const uint32_t src = list->flows[f].src, dst = list->flows[f].dst;
    s->left[f] = (uint32_t)(list->flows[f].size_bytes / 1000);
    s->hops[f][0] = (uint8_t)must(sim, weft_path(sim, src, dst, f, s->path[f]));
    s->hops[f][1] = (uint8_t)must(sim, weft_path(sim, dst, src, f, s->path[f] + WEFT_PATH_MAX));
    for (int way = 0; way < 2; way++)
      for (int h = 0; h < s->hops[f][way]; h++)
        room[s->path[f][way * WEFT_PATH_MAX + h]] += s->left[f] < WINDOW ? s->left[f] : WINDOW;
  }
  size_t total = 0;
  for (uint32_t i = 0; i < links; i++) total += power_of_two(room[i]);
  packet *rings = zeroed(total, sizeof *rings), *ring = rings;
  for (uint32_t i = 0; i < links; i++) {
    s->links[i].ring = ring;
    s->links[i].mask = power_of_two(room[i]) - 1;
    ring += power_of_two(room[i]);
  }
  free(room);
  return rings;
}

static void build_wheel(skeleton *s, uint32_t links) {
  while ((2u << s->shift) * links < DATA * BYTE_PS) ++s->shift;
  s->buckets = power_of_two((uint32_t)(HORIZON_PS >> s->shift) + 2);
  s->bucket = zeroed(s->buckets, sizeof *s->bucket);
  memset(s->bucket, 0xff, s->buckets * sizeof *s->bucket); /* NONE */
}

double skeleton_hop_ns(weft_sim *sim, const struct flow_list *list, enum skeleton_queue queue) {
  skeleton s = {0};
  const uint32_t links = 2 * weft_link_count(sim), count = list->count;
  s.links = zeroed(links, sizeof *s.links);
  s.heap = zeroed(links, sizeof *s.heap);
  s.path = zeroed(count, sizeof *s.path);
  s.hops = zeroed(count, sizeof *s.hops);
  s.left = zeroed(count, sizeof *s.left);
  packet *rings = build(&s, sim, list, links);
  build_wheel(&s, links);
  for (uint32_t f = 0; f < count; f++)
    for (int i = 0; i < WINDOW; i++) send_data(&s, f, 0, queue);
  const double begin = cpu_seconds();
  if (queue == SKELETON_HEAP)
    run_heap(&s);
  else
    run_wheel(&s);
  const double took = cpu_seconds() - begin;
  free(s.links);
  free(s.heap);
  free(s.path);
  free(s.hops);
  free(s.left);
  free(s.bucket);
  free(rings);
  return took * 1e9 / (double)s.moved;
}
