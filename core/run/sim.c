/* A simulation as a value: creation, copying, destruction, messages, totals. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packet/hooks.h"
#include "packet/cc/cc.h"
#include "packet/domains/domains.h"
#include "packet/port/port_i.h"

#if WEFT_CHECK
void weft__assert_failed(const char *what, const char *file, int line) {
  fprintf(stderr, "weft: %s:%d: broken invariant: %s\n", file, line, what);
  abort();
}
#endif

int weft__fail(weft_sim *sim, int status, const char *format, ...) {
  va_list args;
  va_start(args, format);
  vsnprintf(sim->error, sizeof sim->error, format, args);
  va_end(args);
  return status;
}

const char *weft_sim_error(const weft_sim *sim) {
  return sim->error;
}

weft_config weft_sim_config(const weft_sim *sim) {
  return sim->config;
}

/* Blocks begin with a cache line, so that a port, a sender or a chunk of events is one and not
 * parts of two. realloc() keeps less, but moves large blocks without copying; so a block begins up
 * to a line into what it gives, and the byte before says how far. */
static void *resize_with_libc(void *user, void *block, size_t old_size, size_t new_size) {
  enum { LINE = 64 };
  (void)user;
  unsigned char *old = block;
  const size_t before = old != NULL ? old[-1] : 0;
  if (new_size == 0) {
    free(old != NULL ? old - before : NULL);
    return NULL;
  }
  unsigned char *base = realloc(old != NULL ? old - before : NULL, new_size + LINE);
  if (base == NULL) return NULL;
  const size_t after = LINE - (uintptr_t)base % LINE;
  if (old != NULL && after != before)
    memmove(base + after, base + before, old_size < new_size ? old_size : new_size);
  base[after - 1] = (unsigned char)after;
  return base + after;
}

static double option_value(const weft_option *option, const weft_config *config) {
  const char *field = (const char *)config + option->offset;
  switch (option->type) {
    case WEFT_OPT_U32: {
      uint32_t v;
      memcpy(&v, field, sizeof v);
      return v;
    }
    case WEFT_OPT_U64: {
      uint64_t v;
      memcpy(&v, field, sizeof v);
      return (double)v;
    }
    case WEFT_OPT_I64: {
      int64_t v;
      memcpy(&v, field, sizeof v);
      return (double)v;
    }
    default: {
      double v;
      memcpy(&v, field, sizeof v);
      return v;
    }
  }
}

static int check_config(weft_sim *sim) {
  const weft_config *config = &sim->config;
  uint32_t count;
  const weft_option *option = weft_options(&count);
  for (uint32_t i = 0; i < count; ++i) {
    const double value = option_value(&option[i], config);
    if (!(value >= option[i].min && value <= option[i].max))
      return weft__fail(sim, WEFT_EINVAL, "option %s: expected %.15g to %.15g, got %.15g",
                        option[i].name, option[i].min, option[i].max, value);
  }
  if (config->ecn_kmax_bytes < config->ecn_kmin_bytes)
    return weft__fail(sim, WEFT_EINVAL,
                      "option ecn_kmax: expected at least ecn_kmin = %" PRIu32 ", got %" PRIu32,
                      config->ecn_kmin_bytes, config->ecn_kmax_bytes);
  if (!is_ns3(sim) && config->ack_priority == WEFT_ACK_ALL)
    return weft__fail(sim, WEFT_EINVAL,
                      "option ack_priority: all needs compat = ns3; the default model's switches "
                      "keep ACKs among data, expected fifo or hosts");
  if (is_ns3(sim) && config->recovery == WEFT_RECOVERY_SELECTIVE)
    return weft__fail(sim, WEFT_EINVAL,
                      "option recovery: compat ns3 has no selective repeat, expected go_back_n");
  if (config->swift_fs_max_cwnd <= config->swift_fs_min_cwnd)
    return weft__fail(sim, WEFT_EINVAL,
                      "option swift_fs_max_cwnd: expected more than swift_fs_min_cwnd = %g, got %g",
                      config->swift_fs_min_cwnd, config->swift_fs_max_cwnd);
  return WEFT_OK;
}

int weft_sim_create(const weft_config *config, const weft_allocator *allocator, weft_sim **out) {
  static const weft_allocator libc = {resize_with_libc, NULL};
  const weft_allocator from = allocator != NULL ? *allocator : libc;
  weft_sim *sim = from.resize(from.user, NULL, 0, sizeof *sim);
  *out = sim;
  if (sim == NULL) return WEFT_ENOMEM;
  memset(sim, 0, sizeof *sim);
  sim->allocator = from;
  sim->memory_bytes = sizeof *sim;
  sim->config = *config;
  /* That model has no timeout. What its runs show of this option stays what it was. */
  if (is_ns3(sim) && config->rto_ps == WEFT_RTO_ADAPTIVE) sim->config.rto_ps = 1000000000;
  for (int i = 0; i < RING_CLASSES; ++i) sim->packet.ring_free[i] = WEFT_NONE;
  for (int i = 0; i < BITMAP_CLASSES; ++i) sim->packet.bitmap_free[i] = WEFT_NONE;
  for (int i = 2; i-- > 0;) {
    sim->queue = &sim->queues[i];
    weft__events_init(sim, 1);
  }
  const int status = check_config(sim);
  if (status == WEFT_OK) weft__cc_choose(sim);
  return status;
}

void weft_sim_destroy(weft_sim *sim) {
  if (sim == NULL) return;
  const weft_allocator from = sim->allocator;
  weft__domains_free(sim);
  weft__arena_free(sim, &sim->arena);
#define X(room, pool, type)      \
  if (sim->room.pool.at != NULL) \
    from.resize(from.user, sim->room.pool.at, sim->room.pool.cap * sizeof(type), 0);
  WEFT_POOLS(X)
#undef X
  from.resize(from.user, sim, sizeof *sim, 0);
}

int weft_sim_fork(const weft_sim *sim, weft_sim **out) {
  weft_sim *copy = sim->allocator.resize(sim->allocator.user, NULL, 0, sizeof *copy);
  *out = NULL;
  if (copy == NULL) return WEFT_ENOMEM;
  if (sim->packet.script.call != NULL) {
    memset(copy, 0, sizeof *copy);
    copy->allocator = sim->allocator;
    *out = copy;
    return weft__fail(copy, WEFT_ESTATE,
                      "fork: the state of a congestion control from outside cannot be copied");
  }
  *copy = *sim;
  copy->memory_bytes = sizeof *copy;
  copy->domains.shared = NULL;
  copy->arena = (struct arena){0};
  copy->queue = &copy->queues[0];
  /* First cut all ties, so that a failure half way frees only what is the copy's own. */
#define X(room, pool, type)  \
  copy->room.pool.at = NULL; \
  copy->room.pool.cap = 0;
  WEFT_POOLS(X)
#undef X
  /* The same capacities, because stacks are reserved when what they may hold is added. */
#define X(room, pool, type)                                                              \
  if (sim->room.pool.cap > 0) {                                                          \
    copy->room.pool.at = weft__resize(copy, NULL, 0, sim->room.pool.cap * sizeof(type)); \
    if (copy->room.pool.at == NULL) {                                                    \
      weft_sim_destroy(copy);                                                            \
      return WEFT_ENOMEM;                                                                \
    }                                                                                    \
    copy->room.pool.cap = sim->room.pool.cap;                                            \
    if (sim->room.pool.n > 0)                                                            \
      memcpy(copy->room.pool.at, sim->room.pool.at, sim->room.pool.n * sizeof(type));    \
  }
  WEFT_POOLS(X)
#undef X
  copy->interrupted = 0;
  *out = copy;
  return WEFT_OK;
}

void weft_interrupt(weft_sim *sim) {
  sim->interrupted = 1;
}

void weft_stats_get(weft_sim *sim, weft_stats *stats) {
  for (uint32_t p = 0; sim->ready && p < sim->packet.ports.n;
       ++p) /* marks are made at departures */
    port_settle(sim, p, &sim->packet.ports.at[p], sim->now);
  *stats = sim->stats;
  accel_parked_stats(sim, stats);
  stats->now_ps = sim->now;
  stats->events = sim->events;
  stats->fingerprint = sim->fingerprint;
  stats->packets_in_flight =
      stats->packets_injected - stats->packets_delivered - stats->packets_dropped;
  stats->bytes_in_flight = stats->bytes_injected - stats->bytes_delivered - stats->bytes_dropped;
  stats->flows_added += sim->flow.rows.n;
  stats->tasks_added = sim->work.tasks.n;
  stats->memory_bytes = sim->memory_bytes;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p)
    if (sim->packet.ports.at[p].max_queue_bytes > stats->max_queue_bytes)
      stats->max_queue_bytes = sim->packet.ports.at[p].max_queue_bytes;
}

/* Bytes waiting in a port's queue, by its ring; adds what the ring holds to the totals. */
static uint64_t ring_bytes(const weft_sim *sim, const struct port *port, uint64_t *packets,
                           uint64_t *bytes) {
  const uint32_t mask = (1u << port->ring_log2) - 1;
  uint64_t queued = 0;
  for (uint32_t i = port->head; i != port->tail; ++i) {
    const struct packet *packet = &sim->packet.packets.at[port->ring + (i & mask)];
    ++*packets;
    *bytes += packet->size;
    if ((int32_t)(i - port->deq) >= 0) queued += packet->size;
  }
  return queued;
}

/* A switch holds what its queues hold, and a tracked one knows through which ports it came. */
static int check_switch(weft_sim *sim, uint32_t index) {
  const struct node *node = &sim->fabric.nodes.at[index];
  uint64_t queued = 0, ingress = 0;
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i];
    queued += accel_held(sim, out);
    ingress +=
        sim->packet.port_cold.at[out ^ 1].in_bytes + sim->packet.port_cold.at[out ^ 1].in_headroom;
  }
  if (queued != node->used)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "switch %" PRIu32 ": queues hold %" PRIu64 " bytes, buffer counts %" PRIu64,
                      index, queued, node->used);
  if (node->tracked && sim->config.pfc && ingress != queued)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "switch %" PRIu32 ": queues hold %" PRIu64
                      " bytes, ingress ports count %" PRIu64,
                      index, queued, ingress);
  return WEFT_OK;
}

/* Should its first packet have reached the far end already? A port that has lost its event. */
static int is_late(const weft_sim *sim, const struct port *port) {
  const uint32_t end = port->flags & PORT_HELD ? port->deq : port->tail;
  if (is_ns3(sim) || port->flags & PORT_PARKED || port->head == end) return 0;
  return sim->packet.packets.at[port->ring + (port->head & ((1u << port->ring_log2) - 1))].arrive <
         sim->now;
}

/* The packets that the ports hold are the packets that the counters say are in flight. */
int weft_check(weft_sim *sim) {
  weft_stats stats;
  weft_stats_get(sim, &stats);
  uint64_t packets = 0, bytes = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    uint64_t queued = ring_bytes(sim, &sim->packet.ports.at[p], &packets, &bytes);
    if (is_late(sim, &sim->packet.ports.at[p]))
      return weft__fail(sim, WEFT_EINTERNAL, "port %" PRIu32 ": its first packet is late", p);
    for (uint32_t class = 0; is_ns3(sim) && sim->ready && class < 2; ++class) {
      const struct ns3_port *ns3 = &sim->ns3.ports.at[p];
      packets += ns3->queue[class].tail - ns3->queue[class].head;
      bytes += ns3->bytes[class];
      queued += ns3->bytes[class];
    }
    weft__wire_count(sim, p, &packets, &bytes);
    if (queued != sim->packet.ports.at[p].queue_bytes)
      return weft__fail(sim, WEFT_EINTERNAL,
                        "port %" PRIu32 ": queue holds %" PRIu64 " bytes, counter says %" PRIu32, p,
                        queued, sim->packet.ports.at[p].queue_bytes);
  }
  for (uint32_t n = 0; sim->ready && !is_ns3(sim) && n < sim->fabric.nodes.n; ++n) {
    const int status = sim->fabric.nodes.at[n].kind == WEFT_HOST ? WEFT_OK : check_switch(sim, n);
    if (status != WEFT_OK) return status;
  }
  if (packets != stats.packets_in_flight || bytes != stats.bytes_in_flight)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "in flight: ports hold %" PRIu64 " packets, %" PRIu64
                      " bytes; counters say %" PRIu64 ", %" PRIu64,
                      packets, bytes, stats.packets_in_flight, stats.bytes_in_flight);
  return WEFT_OK;
}
