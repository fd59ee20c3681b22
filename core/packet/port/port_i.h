/* The hot path of a port: packets enter, and depart lazily. See struct port for the idea.
 *
 * Invariants, at any instant `now` after port_settle():
 *   - packets before deq have departed (departure <= now), those from deq on have not;
 *   - queue_bytes is the sum of sizes of [deq, tail);
 *   - a port that is not held has a departure and an arrival for every packet, in ring order, and
 *     if its ring is not empty an EV_ARRIVE is in the event queue for the head's arrival.
 *
 * This and buffer.c call each other, and nothing else here does: a departure frees buffer, so that
 * a resume frame may be sent, before which the port that sends it is settled. */
#ifndef WEFT_PORT_I_H
#define WEFT_PORT_I_H

#include "packet/port/port.h"
#include "packet/port/ring_i.h"

/* The switch writes its telemetry as the packet leaves: queue behind it, bytes sent before it. */
static inline void port_write_telemetry(weft_sim *sim, const struct port *port,
                                        const struct packet *packet, uint32_t sent_before) {
  if (packet->hop < 2 || packet->hop - 2u >= sim->flow.path_ports) return;
  const uint64_t block = (uint64_t)(packet->telemetry - 1) * sim->flow.path_ports;
  sim->packet.telemetry.at[block + packet->hop - 2u] =
      (struct telemetry){packet_departure(port, packet), sent_before, port->queue_bytes};
}

/* The packet at deq departs. */
static inline void port_depart(weft_sim *sim, uint32_t index, struct port *port) {
  struct packet *packet = port_packet(sim, port, port->deq);
  ++port->deq;
  port->queue_bytes -= packet->size;
  const uint32_t sent_before = port->tx_bytes;
  port->tx_bytes += packet->size;
  if (port->tx_bytes < sent_before) ++sim->packet.port_cold.at[index].tx_wraps;
  if (!(port->flags & PORT_OF_SWITCH)) return;
  if (port->queue_bytes > port->kmin) weft__port_mark(sim, index, packet);
  if (packet->flags & PACKET_INT) port_write_telemetry(sim, port, packet, sent_before);
  struct buffer *buffer = &sim->packet.buffers.at[port->from_node];
  buffer->used -= packet->size;
  /* Last, because a resume frame may settle other ports, and they this one. */
  if (buffer->tracked) weft__buffer_release(sim, port->from_node, packet);
}

/* Let depart what has departed by `now`. A held port has let go all that it had assigned. */
static inline void port_settle(weft_sim *sim, uint32_t index, struct port *port, weft_time now) {
  if (port->flags & PORT_HELD) return;
  while (port->deq != port->tail &&
         packet_departure(port, port_packet(sim, port, port->deq)) <= now)
    port_depart(sim, index, port);
}

/* Where the next packet of a port is to be written, which moves all packets if the ring is full;
 * NULL when out of memory. The caller has made sure that it may enter, writes all of it but its
 * times, and commits it. Written where it stays, because a packet put together on the stack and
 * copied in wide words waits for its narrow stores, and those for all cache misses before them. */
static inline struct packet *port_place(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  port_settle(sim, index, port, sim->now);
  if (port_is_full(port) && !weft__ring_grow(sim, index)) return NULL;
  return port_packet(sim, port, port->tail);
}

static inline void port_commit(weft_sim *sim, uint32_t index, struct packet *slot) {
  struct port *port = &sim->packet.ports.at[index];
  const weft_time now = sim->now;
  const int was_empty = port->head == port->tail;
  ++port->tail;
  port->queue_bytes += slot->size;
  if (port->flags & PORT_OF_SWITCH) sim->packet.buffers.at[port->from_node].used += slot->size;
  if (!(port->flags & PORT_HELD)) {
    const int departs_now = port->free_at <= now;
    port_assign(sim, index, port, slot, now);
    if (was_empty) event_at(sim, EV_ARRIVE, 2 * index, slot->arrive);
    if (departs_now) port_depart(sim, index, port);
  }
  if (port->queue_bytes > port->max_queue_bytes) port->max_queue_bytes = port->queue_bytes;
}

/** Bytes that began transmission at a port so far (settled). */
static inline uint64_t port_tx_bytes(const weft_sim *sim, uint32_t port) {
  return (uint64_t)sim->packet.port_cold.at[port].tx_wraps << 32 |
         sim->packet.ports.at[port].tx_bytes;
}

#endif
