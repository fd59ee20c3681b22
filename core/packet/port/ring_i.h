/* The ring of a port: where its packets are, and when they leave and arrive. */
#ifndef WEFT_RING_I_H
#define WEFT_RING_I_H

#include "packet/port/port.h"

static inline struct packet *port_packet(const weft_sim *sim, const struct port *port,
                                         uint32_t cursor) {
  return &sim->packet.packets.at[port->ring + (cursor & ((1u << port->ring_log2) - 1))];
}

static inline int port_is_full(const struct port *port) {
  return port->tail - port->head == 1u << port->ring_log2;
}

static inline weft_time packet_departure(const struct port *port, const struct packet *packet) {
  return packet->arrive - port->delay_ps - packet->ser_ps;
}

/* Fix when the packet leaves and arrives: it is next in line behind free_at. */
static inline void port_assign(weft_sim *sim, uint32_t index, struct port *port,
                               struct packet *packet, weft_time now) {
  const int idle = port->free_at < now;
  const weft_time start = idle ? now : port->free_at;
  packet->ser_ps = packet->size * port->byte_ps;
  if (port->flags & PORT_INEXACT)
    packet->ser_ps += weft__port_residue(sim, index, packet->size, idle);
  port->free_at = start + packet->ser_ps;
  packet->arrive = port->free_at + port->delay_ps;
}

#endif
