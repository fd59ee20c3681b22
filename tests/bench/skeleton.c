/* The least that a packet engine must do: a heap of link heads, a ring per link, nothing else.
 *
 * Each flow keeps a window of packets going along the path that the engine itself would take; at
 * the end of the path a packet turns into an ACK, and an ACK releases the next packet. No NIC, no
 * buffer, no congestion control, no counters. What the engine costs beyond this is what its model
 * costs; the row makes machines comparable. */
#include "skeleton.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RING = 2048, ARITY = 4, FLOWS_MAX = 1024 };
enum { WINDOW = 150, DATA = 1048, ACK = 60, BYTE_PS = 80 };

typedef struct packet {
  int64_t arrive;
  uint32_t flow;
  uint16_t size;
  uint8_t hop, is_ack;
} packet;

typedef struct link {
  int64_t free_at;
  uint32_t head, tail;
  packet *ring;
} link;

typedef struct event {
  int64_t time;
  uint64_t link;
} event;

typedef struct skeleton {
  link *links;
  event *heap;
  uint32_t pending;
  uint32_t (*path)[2 * WEFT_PATH_MAX]; /* data ports, then ACK ports */
  uint8_t (*hops)[2];
  uint32_t left[FLOWS_MAX];
  int64_t delay_ps;
  uint64_t moved;
} skeleton;

static int before(const event *a, const event *b) {
  return a->time < b->time || (a->time == b->time && a->link < b->link);
}

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

static void push(skeleton *s, event e) {
  uint32_t hole = s->pending++;
  for (; hole > 0 && before(&e, &s->heap[(hole - 1) / ARITY]); hole = (hole - 1) / ARITY)
    s->heap[hole] = s->heap[(hole - 1) / ARITY];
  s->heap[hole] = e;
}

static void enqueue(skeleton *s, uint32_t index, packet p, int64_t now) {
  link *l = &s->links[index];
  l->free_at = (l->free_at > now ? l->free_at : now) + p.size * BYTE_PS;
  p.arrive = l->free_at + s->delay_ps;
  l->ring[l->tail % RING] = p;
  if (l->head == l->tail++) push(s, (event){p.arrive, index});
}

static void send_data(skeleton *s, uint32_t flow, int64_t now) {
  if (s->left[flow] == 0) return;
  --s->left[flow];
  enqueue(s, s->path[flow][0], (packet){0, flow, DATA, 1, 0}, now);
}

static void step(skeleton *s) {
  const event e = s->heap[0];
  link *l = &s->links[e.link];
  packet p = l->ring[l->head++ % RING];
  if (l->head != l->tail)
    sift_down(s, (event){l->ring[l->head % RING].arrive, e.link});
  else if (--s->pending > 0)
    sift_down(s, s->heap[s->pending]);
  ++s->moved;
  if (p.hop < s->hops[p.flow][p.is_ack]) {
    const uint32_t next = s->path[p.flow][p.hop++ + (p.is_ack ? WEFT_PATH_MAX : 0)];
    enqueue(s, next, p, e.time);
  } else if (p.is_ack) {
    send_data(s, p.flow, e.time);
  } else {
    enqueue(s, s->path[p.flow][WEFT_PATH_MAX], (packet){0, p.flow, ACK, 1, 1}, e.time);
  }
}

double skeleton_hop_ns(weft_sim *sim, const weft_flow_def *flows, uint32_t count) {
  skeleton s = {.delay_ps = 1000000};
  const uint32_t links = 2 * weft_link_count(sim);
  s.links = calloc(links, sizeof *s.links);
  s.heap = calloc(links, sizeof *s.heap);
  s.path = calloc(count, sizeof *s.path);
  s.hops = calloc(count, sizeof *s.hops);
  packet *rings = calloc((size_t)links * RING, sizeof *rings);
  for (uint32_t i = 0; i < links; i++) s.links[i].ring = rings + (size_t)i * RING;
  for (uint32_t f = 0; f < count; f++) {
    const uint32_t src = flows[f].src, dst = flows[f].dst;
    s.hops[f][0] = (uint8_t)weft_path(sim, src, dst, f, s.path[f]);
    s.hops[f][1] = (uint8_t)weft_path(sim, dst, src, f, s.path[f] + WEFT_PATH_MAX);
    s.left[f] = (uint32_t)(flows[f].size_bytes / 1000);
    for (int i = 0; i < WINDOW; i++) send_data(&s, f, 0);
  }
  struct timespec begin, end;
  clock_gettime(CLOCK_MONOTONIC, &begin);
  while (s.pending > 0) step(&s);
  clock_gettime(CLOCK_MONOTONIC, &end);
  free(s.links);
  free(s.heap);
  free(s.path);
  free(s.hops);
  free(rings);
  return ((double)(end.tv_sec - begin.tv_sec) * 1e9 + (double)(end.tv_nsec - begin.tv_nsec)) /
         (double)s.moved;
}
