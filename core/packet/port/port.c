/* Ports, the rare parts: what they take from the fabric, ring growth, uneven rates, retiming. */
#include "packet/port/port_i.h"

#include <string.h>

#include "packet/domains/domains.h"

void weft__port_take_rate(weft_sim *sim, uint32_t index) {
  const uint64_t byte_ps_bps = 8000000000000; /* 8 bit x 1e12 ps/s */
  const uint64_t rate_bps = sim->fabric.ports.at[index].rate_bps;
  struct port *port = &sim->packet.ports.at[index];
  sim->packet.port_cold.at[index].carry = 0;
  port->byte_ps = (uint32_t)(byte_ps_bps / rate_bps);
  const int inexact = byte_ps_bps % rate_bps != 0;
  port->flags = (uint16_t)(inexact ? port->flags | PORT_INEXACT : port->flags & ~PORT_INEXACT);
}

void weft__port_init(weft_sim *sim, uint32_t index) {
  const struct fabric_port *built = &sim->fabric.ports.at[index];
  struct port *port = &sim->packet.ports.at[index];
  *port = (struct port){.delay_ps = built->delay_ps,
                        .from_node = built->from_node,
                        .to_node = built->to_node,
                        .ring = WEFT_NONE,
                        .kmin = UINT32_MAX};
  sim->packet.port_cold.at[index] = (struct port_cold){.dequeue_event = -1};
  if (sim->fabric.nodes.at[port->to_node].kind == WEFT_HOST) port->flags |= PORT_TO_HOST;
  if (sim->fabric.nodes.at[port->from_node].kind != WEFT_HOST) port->flags |= PORT_OF_SWITCH;
  if (built->loss > 0) port->flags |= PORT_LOSSY;
  weft__port_take_rate(sim, index);
  weft__ecn_init(sim, index);
}

int weft__rings_init(weft_sim *sim) {
  const uint32_t log2 = WEFT_CHECK ? 0 : 1;
  const uint64_t packets = (uint64_t)sim->packet.ports.n << log2;
  if (packets > UINT32_MAX || !pool_reserve(sim, sim->packet.packets, packets)) return WEFT_ENOMEM;
  sim->packet.packets.n = (uint32_t)packets;
  if (packets > 0) memset(sim->packet.packets.at, 0, packets * sizeof *sim->packet.packets.at);
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    sim->packet.ports.at[p].ring = p << log2;
    sim->packet.ports.at[p].ring_log2 = (uint8_t)log2;
  }
  return WEFT_OK;
}

/* Rings are blocks of 1 << log2 packets inside sim->packet.packets; freed ones are chained by size
 * through the first packet's seq. Growing keeps the cursors, so a packet's place is its cursor
 * masked. */
int weft__ring_allocate(weft_sim *sim, uint32_t log2, uint32_t *ring) {
  *ring = sim->packet.ring_free[log2];
  if (*ring != WEFT_NONE) {
    sim->packet.ring_free[log2] = sim->packet.packets.at[*ring].seq;
    return 1;
  }
  const uint64_t end = sim->packet.packets.n + (1ull << log2);
  if (sim->domains.index != 0 && end > sim->packet.packets.cap)
    return 0; /* a view's stretch cannot grow */
  if (end > UINT32_MAX || !pool_reserve(sim, sim->packet.packets, end)) return 0;
  *ring = sim->packet.packets.n;
  sim->packet.packets.n = (uint32_t)end;
  memset(&sim->packet.packets.at[*ring], 0, sizeof(struct packet) << log2);
  return 1;
}

void weft__ring_release(weft_sim *sim, uint32_t log2, uint32_t ring) {
  sim->packet.packets.at[ring].seq = sim->packet.ring_free[log2];
  sim->packet.ring_free[log2] = ring;
}

int weft__ring_grow(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  const uint32_t log2 = port->ring_log2 + 1u;
  uint32_t ring;
  if (log2 >= RING_CLASSES - 1 || !weft__ring_allocate(sim, log2, &ring)) {
    weft__no_memory(sim);
    return 0;
  }
  const uint32_t old_ring = port->ring, old_log2 = port->ring_log2;
  for (uint32_t i = port->head; i != port->tail; ++i)
    sim->packet.packets.at[ring + (i & ((1u << log2) - 1))] = *port_packet(sim, port, i);
  port->ring = ring;
  port->ring_log2 = (uint8_t)log2;
  if (log2 > sim->packet.largest_ring) sim->packet.largest_ring = log2;
  if (port->flags & PORT_BORDER)
    weft__domain_retire_ring(sim, old_log2, old_ring);
  else
    weft__ring_release(sim, old_log2, old_ring);
  return 1;
}

/* bytes x 8e12 / rate = bytes x byte_ps + bytes x residue / rate. The fraction is carried through a
 * busy period, so n packets take exactly the time of their sum, rounded down. */
uint32_t weft__port_residue(weft_sim *sim, uint32_t index, uint32_t size, int idle) {
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const uint64_t sum = (idle ? 0 : cold->carry) + size * port_residue(sim, index);
  const uint64_t rate_bps = sim->fabric.ports.at[index].rate_bps;
  cold->carry = sum % rate_bps;
  return (uint32_t)(sum / rate_bps);
}

weft_time weft__port_busy_until(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  if (port->deq == port->tail) return port->free_at; /* nothing waits: the last one assigned */
  if (port->deq == port->head) return sim->now;
  return port_packet(sim, port, port->deq - 1)->arrive - port->delay_ps;
}

void weft__port_retime(weft_sim *sim, uint32_t index, weft_time from) {
  struct port *port = &sim->packet.ports.at[index];
  port->free_at = from;
  for (uint32_t i = port->deq; i != port->tail; ++i)
    port_assign(sim, index, port, port_packet(sim, port, i), from);
  if (port->deq == port->tail) return;
  /* With nothing on the wire the head is one of those that moved. An older event for it is
   * stale. */
  if (port->head == port->deq)
    event_at(sim, EV_ARRIVE, 2 * index, port_packet(sim, port, port->head)->arrive);
}
