/* Ports, the rare parts: ring growth, uneven rates, marking, retiming, loss. */
#include "packet/port/port_i.h"

#include <string.h>

#include "packet/hooks.h"
#include "packet/transport/transport.h"

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
  if (sim->packet.domain_hooks != NULL && end > sim->packet.packets.cap)
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
    sim->packet.domain_hooks->retire_ring(sim, old_log2, old_ring);
  else
    weft__ring_release(sim, old_log2, old_ring);
  return 1;
}

/* bytes x 8e12 / rate = bytes x byte_ps + bytes x residue / rate. The fraction is carried through a
 * busy period, so n packets take exactly the time of their sum, rounded down. */
uint32_t weft__port_residue(weft_sim *sim, uint32_t index, uint32_t size, int idle) {
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const uint64_t sum = (idle ? 0 : cold->carry) + size * port_residue(sim, index);
  cold->carry = sum % cold->rate_bps;
  return (uint32_t)(sum / cold->rate_bps);
}

void weft__port_mark(weft_sim *sim, uint32_t index, struct packet *packet) {
  const struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct ecn *ecn = &sim->packet.ecn.at[cold->ecn];
  if (packet->flags & PACKET_ACK) return;
  if (port->queue_bytes <= ecn->kmax) {
    const double span = (double)(ecn->kmax - port->kmin);
    const double p = ecn->pmax * (port->queue_bytes - port->kmin) / span;
    cold->draws += p > 0 && p < 1;
    if (rng_uniform(sim->config.seed, RNG_ECN, index, port->deq + cold->skipped) >= p) return;
  }
  packet->flags |= PACKET_ECN;
  ++cold->ecn_marks;
  ++sim->stats.ecn_marks;
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

void weft__packet_drop(weft_sim *sim, uint32_t index, const struct packet *packet) {
  /* Of a border, both ends may drop packets at once. */
  __atomic_fetch_add(&sim->packet.port_cold.at[index].drops, 1, __ATOMIC_RELAXED);
  ++sim->stats.packets_dropped;
  sim->stats.bytes_dropped += packet->size;
  sim->fingerprint +=
      hash_event(sim->now, 0x100 + index, (uint64_t)packet->size << 32 | packet->seq);
  if (packet->flags & PACKET_PFC) return; /* of no flow */
  weft__packet_gone(sim, packet);
}
