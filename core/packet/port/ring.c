/* Rings are blocks of 1 << log2 packets inside sim->packet.packets; freed ones are chained by size
 * through the first packet's seq. Growing keeps the cursors, so a packet's place is its cursor
 * masked. */
#include "packet/port/ring_i.h"

#include <string.h>

#include "packet/domains/domains.h"
#include "packet/port/port.h"

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
