/* Between the simulation and its views: splitting, merging, memory of the pools that they share. */
#include "packet/domains/domain.h"

#include <string.h>

#include "base/stats_i.h"
#include "fabric/fabric.h"
#include "flow/flow.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

enum {
  TELEMETRY_PER_EVENT = 2, /* at most one packet is sent, and a resume may send another */
  TELEMETRY_MEAL = 128,
  PACKETS_MEAL = 8192
};

static uint32_t blocks_of(const weft_sim *sim) {
  return sim->flow.path_ports > 0 ? sim->packet.telemetry.n / sim->flow.path_ports : 0;
}

int weft__domains_refresh(struct domains *domains) {
  const weft_sim *sim = domains->sim;
  for (uint32_t i = 0; i < domains->count; ++i) {
    weft_sim *view = domains->view[i];
    const uint32_t n = view->packet.packets.n, cap = view->packet.packets.cap;
#define X(room, pool, type) const __typeof__(view->room.pool) own_##pool = view->room.pool;
    PRIVATE_POOLS(X)
#undef X
#define X(room, pool, type) view->room.pool = sim->room.pool;
    WEFT_POOLS(X)
#undef X
#define X(room, pool, type) view->room.pool = own_##pool;
    PRIVATE_POOLS(X)
#undef X
    view->packet.packets.n = n;
    view->packet.packets.cap = cap;
    view->packet.cc_words = sim->packet.cc_words;
    /* Before the first flow there is no path, and so no block of telemetry. */
    const int takes = sim->flow.path_ports > 0 && sim->packet.cc->extra != CC_NOTHING;
    view->packet.blocks_needed = takes ? TELEMETRY_PER_EVENT : 0;
    if (!weft__flow_view_see(sim, view) ||
        !pool_reserve(view, view->packet.telemetry_free, blocks_of(sim)))
      return WEFT_ENOMEM;
  }
  return WEFT_OK;
}

/* ---- memory of the shared pools ---- */

/* Packets that a view was given and has not used become free rings of it, the largest first. */
static void recycle_stretch(weft_sim *view) {
  while (view->packet.packets.n < view->packet.packets.cap) {
    const uint32_t left = view->packet.packets.cap - view->packet.packets.n;
    const uint32_t log2 = 31u - (uint32_t)__builtin_clz(left);
    weft__ring_release(view, log2, view->packet.packets.n);
    view->packet.packets.n += 1u << log2;
  }
}

/* A stretch of packets: a free ring that is large enough, such as the stretch of a former split, or
 * new ones. */
static int feed_packets(weft_sim *sim, weft_sim *view) {
  recycle_stretch(view);
  uint32_t log2 = view->packet.largest_ring + PACKETS_NEEDED_LOG2;
  while (log2 < RING_CLASSES && view->packet.ring_free[log2] == WEFT_NONE) ++log2;
  if (log2 < RING_CLASSES) {
    weft__ring_allocate(view, log2, &view->packet.packets.n);
    view->packet.packets.cap = view->packet.packets.n + (1u << log2);
    return 1;
  }
  const uint32_t need = packets_needed(view) + (WEFT_CHECK ? 0 : PACKETS_MEAL);
  const uint64_t end = sim->packet.packets.n + (uint64_t)need;
  if (end > UINT32_MAX || !pool_reserve(sim, sim->packet.packets, end)) return 0;
  memset(&sim->packet.packets.at[sim->packet.packets.n], 0, need * sizeof(struct packet));
  view->packet.packets.n = sim->packet.packets.n;
  view->packet.packets.cap = sim->packet.packets.n = (uint32_t)end;
  return 1;
}

static int feed(struct domains *domains, weft_sim *view) {
  weft_sim *sim = domains->sim;
  view->packet.packets.at = sim->packet.packets.at; /* feeding another may have moved them */
  if (view->packet.packets.cap - view->packet.packets.n < packets_needed(view) &&
      !feed_packets(sim, view))
    return WEFT_ENOMEM;
  const uint32_t meal = view->packet.blocks_needed * (WEFT_CHECK ? 1 : TELEMETRY_MEAL);
  while (view->packet.telemetry_free.n < meal) {
    const uint32_t block = weft__telemetry_new(sim);
    if (block == 0 || !pool_reserve(view, view->packet.telemetry_free, blocks_of(sim)))
      return WEFT_ENOMEM;
    view->packet.telemetry_free.at[view->packet.telemetry_free.n++] = block;
  }
  return WEFT_OK;
}

int weft__domains_feed(struct domains *domains) {
  for (uint32_t i = 0; i < domains->count; ++i)
    if (domains->state[i].stalled && feed(domains, domains->view[i]) != WEFT_OK) return WEFT_ENOMEM;
  return weft__domains_refresh(domains);
}

/* ---- splitting ---- */

static int take_events(struct domains *domains, weft_sim *from) {
  while (from->queue->count > 0) {
    if (!pool_reserve(domains->sim, domains->moved, domains->moved.n + 1u)) return 0;
    const struct event event = event_first(from);
    if (from->failed) return 0;
    event_pop(from);
    domains->moved.at[domains->moved.n++] = event;
  }
  weft__events_reset(from->queue, domains->sim->now);
  return 1;
}

/* The domain that is to handle an event; WEFT_NONE: it concerns all, DOMAINS_MAX: nobody. */
static uint32_t owner_of_event(const struct domains *domains, struct event *event) {
  const uint32_t source = event->key & EVENT_SOURCE_MASK;
  switch ((uint32_t)event->key >> EVENT_KIND_SHIFT) {
    case EV_ARRIVE: {
      const uint32_t index = domains->border_of.at[source / 2];
      if (index == WEFT_NONE) return domain_of_port(domains, source / 2);
      const struct border *border = &domains->borders.at[index];
      if (border->head == border->limit) return DOMAINS_MAX; /* to be asked for when it has left */
      event->key |= 1;
      return border->far;
    }
    case EV_PFC:
      return domain_of_port(domains, source / 2);
    case EV_DEQUEUE:
    case EV_NIC:
      return domain_of_port(domains, source);
    case EV_RTO:
      return weft__domain_of_slot(domains->sim, source) - 1;
    case EV_CC:
      return weft__domain_of_slot(domains->sim, source / CC_TIMERS) - 1;
    case EV_START:
      return DOMAINS_MAX; /* the start list itself is looked at */
    default:
      return WEFT_NONE;
  }
}

static void hand_out_events(struct domains *domains) {
  weft_sim *sim = domains->sim;
  for (uint32_t i = 0; i < domains->moved.n; ++i) {
    struct event event = domains->moved.at[i];
    const uint32_t owner = owner_of_event(domains, &event);
    if (owner == DOMAINS_MAX) continue;
    const uint32_t kind = (uint32_t)event.key >> EVENT_KIND_SHIFT;
    weft_sim *to = owner == WEFT_NONE ? sim : domains->view[owner];
    if (owner == WEFT_NONE && event.time < domains->until) domains->until = event.time;
    to->packet.rto_events += kind == EV_RTO;
    to->packet.cc_events += kind == EV_CC;
    event_push(to, event);
  }
  domains->moved.n = 0;
}

static int raise_borders(struct domains *domains) {
  weft_sim *sim = domains->sim;
  for (uint32_t i = 0; i < domains->borders.n; ++i) {
    struct border *border = &domains->borders.at[i];
    struct port *port = &sim->packet.ports.at[border->port];
    /* Not what leaves now: a tracked switch takes that in its turn among the events of now. */
    port_settle(sim, border->port, port, sim->now - 1);
    if (port_is_full(port) && !weft__ring_grow(sim, border->port)) return 0;
    border->ring = port->ring;
    border->ring_log2 = port->ring_log2;
    border->head = port->head--;
    border->limit = port->deq;
    border->flags = port->flags;
    port->flags |= PORT_BORDER;
    ++domains->raised;
  }
  return 1;
}

void weft__view_see(const weft_sim *sim, weft_sim *view) {
  fabric_view_see(sim, view);
  view->packet.fabric_rtt = sim->packet.fabric_rtt;
  view->packet.longest_rtt = sim->packet.longest_rtt;
}

void weft__view_begin(struct domains *domains, uint32_t index) {
  const weft_sim *sim = domains->sim;
  weft_sim *view = domains->view[index];
  view->now = sim->now;
  view->fingerprint = view->events = view->memory_bytes = 0;
  view->packet.rto_events = view->packet.cc_events = view->packet.cut_off = 0;
  weft__flow_view_begin(view);
  weft__view_see(sim, view);
  view->failed = 0;
  view->packet.packets.n = view->packet.packets.cap = 0;
  memset(&view->stats, 0, sizeof view->stats);
  for (int c = 0; c < RING_CLASSES; ++c) view->packet.ring_free[c] = WEFT_NONE;
  weft__events_reset(view->queue, sim->now);
}

static void share_out(struct domains *domains) {
  weft_sim *sim = domains->sim;
  for (uint32_t n = sim->packet.telemetry_free.n; n-- > 0;) {
    weft_sim *view = domains->view[n % domains->count];
    view->packet.telemetry_free.at[view->packet.telemetry_free.n++] =
        sim->packet.telemetry_free.at[n];
  }
  sim->packet.telemetry_free.n = 0;
  for (uint32_t slot; (slot = weft__flow_free_slot(sim)) != WEFT_NONE;)
    weft__flow_move_free_slot(sim, domains->view[weft__domain_of_slot(sim, slot) - 1]);
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot)
    if (sim->packet.tx.at[slot].flags & TX_ACTIVE)
      weft__flow_move_active(sim, domains->view[weft__domain_of_slot(sim, slot) - 1], 1);
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    weft_sim *view = domains->view[domain_of_port(domains, p)];
    if (sim->packet.ports.at[p].ring_log2 > view->packet.largest_ring)
      view->packet.largest_ring = sim->packet.ports.at[p].ring_log2;
  }
  /* Rings that are free: to one after the other. */
  for (uint32_t log2 = 0, turn = 0; log2 < RING_CLASSES; ++log2)
    for (uint32_t ring; (ring = sim->packet.ring_free[log2]) != WEFT_NONE; ++turn) {
      sim->packet.ring_free[log2] = sim->packet.packets.at[ring].seq;
      weft__ring_release(domains->view[turn % domains->count], log2, ring);
    }
}

int weft__domains_split(struct domains *domains) {
  weft_sim *sim = domains->sim;
  domains->moved.n = domains->raised = 0;
  for (uint32_t i = 0; i < domains->count; ++i) { /* first, so that all can be merged if it fails */
    weft__view_begin(domains, i);
    domains->state[i].stalled = 1;
  }
  if (!raise_borders(domains) || !take_events(domains, sim) ||
      weft__domains_refresh(domains) != WEFT_OK)
    return WEFT_ENOMEM;
  sim->packet.rto_events = sim->packet.cc_events = 0;
  hand_out_events(domains);
  share_out(domains);
  WEFT_ASSERT(sim->flow.active == 0);
  for (uint32_t i = 0; i < domains->count; ++i)
    if (domains->view[i]->failed) return WEFT_ENOMEM;
  return weft__domains_feed(domains);
}

/* ---- merging ---- */

void weft__view_add_up(weft_sim *sim, weft_sim *view) {
  stats_add(&sim->stats, &view->stats);
  sim->fingerprint += view->fingerprint;
  sim->events += view->events;
  sim->packet.rto_events += view->packet.rto_events;
  sim->packet.cc_events += view->packet.cc_events;
  weft__flow_move_active(view, sim, view->flow.active); /* modulo 2^32: less, where flows ended */
  sim->packet.cut_off += view->packet.cut_off; /* likewise, where they have rejoined */
  sim->memory_bytes += view->memory_bytes;
  memset(&view->stats, 0, sizeof view->stats);
  view->fingerprint = view->events = view->memory_bytes = 0;
  view->packet.rto_events = view->packet.cc_events = view->packet.cut_off = 0;
  if (view->failed && !sim->failed) sim->failed = view->failed;
  if (view->now > sim->now) sim->now = view->now;
}

void weft__view_give_back(weft_sim *sim, weft_sim *view) {
  view->packet.packets.at = sim->packet.packets.at; /* it may not have seen the last move */
  recycle_stretch(view);
  for (uint32_t log2 = 0; log2 < RING_CLASSES; ++log2)
    for (uint32_t ring; (ring = view->packet.ring_free[log2]) != WEFT_NONE;) {
      view->packet.ring_free[log2] = sim->packet.packets.at[ring].seq;
      weft__ring_release(sim, log2, ring);
    }
  /* Both were reserved for all that there is. */
  while (view->flow.free_slots.n > 0) weft__flow_move_free_slot(view, sim);
  for (; view->packet.telemetry_free.n > 0; --view->packet.telemetry_free.n)
    sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] =
        view->packet.telemetry_free.at[view->packet.telemetry_free.n - 1];
}

static void lower_borders(struct domains *domains) {
  weft_sim *sim = domains->sim;
  for (uint32_t i = 0; i < domains->raised; ++i) {
    const struct border *border = &domains->borders.at[i];
    struct port *port = &sim->packet.ports.at[border->port];
    port->head = border->head;
    port->flags &= (uint16_t)~PORT_BORDER;
    if (port->head == port->deq && port->deq != port->tail && !(port->flags & PORT_HELD) &&
        !sim->failed)
      event_at(sim, EV_ARRIVE, 2 * border->port, port_packet(sim, port, port->head)->arrive);
  }
}

void weft__domains_merge(struct domains *domains) {
  weft_sim *sim = domains->sim;
  domains->moved.n = 0;
  int taken = take_events(domains, sim);
  for (uint32_t i = 0; i < domains->count; ++i) {
    weft_sim *view = domains->view[i];
    weft__view_add_up(sim, view);
    weft__view_give_back(sim, view);
    taken = taken && take_events(domains, view);
  }
  for (uint32_t i = 0; i < domains->count; ++i) { /* after all views have been added up */
    for (uint32_t f = 0; f < domains->failed[i].n; ++f)
      weft__flow_failed_at(sim, (uint32_t)(domains->failed[i].at[f].key >> 32),
                           (uint32_t)domains->failed[i].at[f].key, domains->failed[i].at[f].time);
    domains->failed[i].n = 0;
  }
  if (!taken) sim->failed = WEFT_ENOMEM;
  weft__events_reset(sim->queue, sim->now);
  if (sim->failed) domains->moved.n = 0; /* of different times, and nothing will be run again */
  for (uint32_t i = 0; i < domains->moved.n; ++i) {
    struct event event = domains->moved.at[i];
    if ((uint32_t)event.key >> EVENT_KIND_SHIFT == EV_ARRIVE) event.key &= ~(uint64_t)1;
    event_push(sim, event);
  }
  domains->moved.n = 0;
  lower_borders(domains);
  if (!sim->failed) weft__flow_arm_start(sim);
}
