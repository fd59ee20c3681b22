/* The packet engine's part of the loop: its events, and what happens at the far end of a link. */
#include "base/hash_i.h"
#include "engine.h"
#include "packet/hooks.h"
#include "packet/cc/cc.h"
#include "packet/domains/domain.h"
#include "packet/model.h"
#include "packet/packet.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

/* A packet enters a switch: next port of its path, buffer, queue. */
static inline void forward(weft_sim *sim, uint32_t node_index, uint32_t in_port,
                           const struct packet *packet) {
  uint8_t hop = packet->hop;
  const uint32_t out = sim->fabric.route_epoch > 1
                           ? weft__path_after_change(sim, packet, node_index, &hop)
                           : slot_path(sim, packet->flow)[hop++];
  struct packet moved; /* before what may move all packets */
  if (out == WEFT_NONE || (sim->packet.ports.at[out].flags & (PORT_DOWN | PORT_PARKED))) {
    moved = *packet;
    packet = &moved;
    if (out != WEFT_NONE) accel_wake_port(sim, out);
    if (out == WEFT_NONE || (sim->packet.ports.at[out].flags & PORT_DOWN)) {
      weft__packet_drop(sim, out == WEFT_NONE ? in_port : out, packet);
      return;
    }
  }
  const struct buffer *buffer = &sim->packet.buffers.at[node_index];
  if (buffer->tracked || buffer->used + packet->size > buffer->safe) {
    moved = *packet;
    packet = &moved;
    if (!weft__buffer_admit(sim, node_index, out, in_port, packet->size)) {
      weft__packet_drop(sim, out, packet);
      return;
    }
  }
  if (port_is_full(
          &sim->packet.ports.at[out])) { /* settling makes no room, so its ring will grow */
    moved = *packet;
    packet = &moved;
  }
  struct packet *slot = port_place(sim, out);
  if (slot == NULL) {
    weft__packet_drop(sim, out, packet);
    return;
  }
  *slot = *packet;
  slot->in_port = in_port;
  slot->hop = hop;
  port_commit(sim, out, slot);
  if (buffer->tracked) weft__buffer_enqueued(sim, node_index, out);
}

/* A packet has come out of the wire. */
static inline void deliver(weft_sim *sim, uint32_t index, uint32_t flags, uint32_t to_node,
                           const struct packet *packet) {
  if (flags & PORT_EXPLICIT)
    sim->packet.model->arrive(sim, index, packet);
  else if (flags & PORT_TO_HOST)
    weft__receive(sim, packet);
  else
    forward(sim, to_node, index, packet);
}

static inline void count_hop(weft_sim *sim, uint32_t index, const struct packet *packet) {
  ++sim->stats.packet_hops;
  sim->fingerprint += hash_event(
      sim->now, (uint64_t)index << 32 | (uint64_t)packet->size << 8 | packet->flags, packet->seq);
}

/* Does it come out of a wire that is impaired now? */
static int passes(weft_sim *sim, uint32_t index, uint32_t cursor, const struct packet *packet) {
  const enum wire_fate fate = weft__wire_pass(sim, index, cursor, packet);
  if (fate == WIRE_LOSES) weft__packet_drop(sim, index, packet);
  return fate == WIRE_PASSES;
}

/* The oldest packet of a port reaches the far end. */
static inline void arrive(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  uint32_t limit = port->tail;
  if (port->flags & PORT_HELD) limit = port->flags & PORT_PARKED ? port->head : port->deq;
  const weft_time now = sim->now;
  /* A head that was retimed has an event of its own; this one is stale. */
  if (port->head == limit || port_packet(sim, port, port->head)->arrive != now) {
    event_is_stale(sim);
    return;
  }
  if (port->deq == port->head) port_settle(sim, index, port, now);
  if (port->head + 1 != limit) { /* after settling, which may have retimed it */
    const struct packet *next = port_packet(sim, port, port->head + 1);
    event_push_ordered(sim, EV_ARRIVE, 2 * index, next->arrive,
                       port->flags & PORT_EXPLICIT ? next->ser_ps : 0);
  }
  const struct packet *packet = port_packet(sim, port, port->head);
  struct packet copy; /* for what may send, and so move all packets */
  if (port->flags & (PORT_TO_HOST | PORT_EXPLICIT | PORT_LOSSY)) {
    copy = *packet;
    packet = &copy;
  }
  ++port->head;
  count_hop(sim, index, packet);
  if ((port->flags & PORT_LOSSY) && !passes(sim, index, port->head, packet)) return;
  deliver(sim, index, port->flags, port->to_node, packet);
}

/* The same at the far end of a border: the port belongs to another thread, the ring up to the limit
 * does not change. */
static void arrive_border(weft_sim *sim, uint32_t index) {
  const struct domains *domains = sim->domains.shared;
  struct border *border = &domains->borders.at[domains->border_of.at[index]];
  const uint32_t mask = (1u << border->ring_log2) - 1;
  const struct packet *ring = &sim->packet.packets.at[border->ring];
  if (border->head == border->limit || ring[border->head & mask].arrive != sim->now) {
    event_is_stale(sim);
    return;
  }
  const struct packet packet = ring[border->head & mask];
  if (++border->head != border->limit)
    event_at(sim, EV_ARRIVE, 2 * index + 1, ring[border->head & mask].arrive);
  count_hop(sim, index, &packet);
  if ((border->flags & PORT_LOSSY) && !passes(sim, index, border->head, &packet)) return;
  deliver(sim, index, border->flags, border->to_node, &packet);
}

static void arrive_late(weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  struct packet packet;
  if (weft__wire_take(sim, index, &packet))
    deliver(sim, index, port->flags, port->to_node, &packet);
}

/* The packets of the events to come are two misses each in a large fabric, so they are asked for
 * ahead. A word of another kind than EV_ARRIVE names something else, so the index is bounded
 * instead of the kind looked at. */
static inline void look_ahead(const weft_sim *sim) {
  const uint32_t next = sim->queue->first + 1;
  if (next + 1 >= sim->queue->open.n) return;
  const uint32_t near = ((uint32_t)sim->queue->open.at[next] & EVENT_SOURCE_MASK) / 2;
  const uint32_t far = ((uint32_t)sim->queue->open.at[next + 1] & EVENT_SOURCE_MASK) / 2;
  if (far < sim->packet.ports.n) __builtin_prefetch(&sim->packet.ports.at[far]);
  if (near >= sim->packet.ports.n) return;
  const struct port *port = &sim->packet.ports.at[near];
  __builtin_prefetch(port_packet(sim, port, port->head));
}

/* All but arrivals. */
static void handle(weft_sim *sim, uint32_t kind, uint32_t source, uint32_t order) {
  switch (kind) {
    case EV_DEQUEUE:
      weft__buffer_dequeue_event(sim, source);
      break;
    case EV_WIRE:
      arrive_late(sim, source);
      break;
    case EV_PFC:
      if (weft__port_pause(sim, source / 2, source % 2)) weft__nic_kick(sim, source / 2);
      break;
    case EV_NIC:
      sim->packet.model->wake(sim, source, order);
      break;
    case EV_RTO:
      weft__rto_event(sim, source);
      break;
    case EV_CC:
      weft__cc_timer_event(sim, source / CC_TIMERS, source % CC_TIMERS);
      break;
    case EV_NS3_INIT:
    case EV_NS3_START:
    case EV_NS3_SENT:
      sim->packet.model->event(sim, kind, source);
      break;
    case EV_PARTITION:
      accel_event(sim, source);
      break;
    case EV_START: /* of a view: see packet/domains/threads.c */
      weft__flow_activate(sim, source);
      break;
    default:
      WEFT_ASSERT(!"known kind of event");
      break;
  }
}

static inline uint32_t kind_of(struct event event) {
  return (uint32_t)event.key >> EVENT_KIND_SHIFT;
}

static inline void step(weft_sim *sim, struct event event) {
  event_take(sim, event);
  look_ahead(sim);
  const uint32_t source = event.key & EVENT_SOURCE_MASK;
  const uint32_t kind = kind_of(event);
  if (kind != EV_ARRIVE)
    handle(sim, kind, source, (uint32_t)(event.key >> 32));
  else if (source & 1)
    arrive_border(sim, source / 2);
  else
    arrive(sim, source / 2);
}

int weft__packet_run_part(weft_sim *part, weft_time end, int how) {
  while (part->queue->count > 0 && !part->failed && (how & RUN_IDLE || !domain_is_idle(part))) {
    const struct event event = event_first(part);
    if (event.time >= end || part->failed) return 1;
    if (!(how & RUN_UNFED) && !domain_is_fed(part)) return 0; /* timers need nothing */
    step(part, event);
  }
  return 1;
}

/* Timers of congestion control move nothing by themselves, nor do the `idle` events of others;
 * retransmission timers do as long as there is a flow. */
static inline int nothing_left(const weft_sim *sim, uint32_t idle) {
  if (accel_is_busy(sim)) return 0;
  const uint32_t timers = idle + sim->packet.cc_events + accel_events(sim);
  if (sim->queue->count == timers) return 1;
  return sim->flow.active == 0 && sim->queue->count == timers + sim->packet.rto_events;
}

enum { TURN_OVER = -2 };

/* At most `turns` events on this thread, or all there are; `last`: events of all time, of which one
 * may be many, of a partition apart. */
static int run_turn(weft_sim *sim, const struct turn *turn, uint64_t turns) {
  while (!nothing_left(sim, turn->idle)) {
    const struct event event = event_first(sim);
    if (sim->failed) return WEFT_RUN_DONE;
    if (event.time > turn->limit) return WEFT_RUN_UNTIL;
    if (turns-- == 0) return TURN_OVER;
    if (sim->interrupted || sim->events >= turn->last) {
      const int result = sim->interrupted ? WEFT_RUN_INTERRUPTED : WEFT_RUN_BUDGET;
      sim->interrupted = 0; /* not on entry: it may have come between two runs */
      return result;
    }
    if (EVENTS_OF_ALL >> kind_of(event) & 1) return RUN_ON;
    step(sim, event);
#if WEFT_CHECK
    if (sim->events % 1024 == 0) WEFT_ASSERT(weft__packet_check(sim) == WEFT_OK);
#endif
    if (sim->flow.news.n > 0) return RUN_ON;
  }
  return WEFT_RUN_DONE;
}

int weft__packet_run(weft_sim *sim, const struct turn *turn) {
  int result = TURN_OVER;
  while (result == TURN_OVER && !sim->failed) {
    const uint64_t turns = weft__domains_turn(sim, turn);
    if (!sim->failed) result = run_turn(sim, turn, turns);
  }
  return result;
}
