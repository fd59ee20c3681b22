/* Invariants of the packet engine: packets and bytes are conserved, at every moment. */
#include <inttypes.h>

#include "packet/hooks.h"
#include "packet/model.h"
#include "packet/packet.h"
#include "packet/port/port_i.h"

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
  const struct buffer *buffer = &sim->packet.buffers.at[index];
  uint64_t queued = 0, ingress = 0;
  for (uint32_t i = 0; i < node->port_count; ++i) {
    const uint32_t out = sim->fabric.adjacency.at[node->first_port + i];
    if (sim->packet.ports.at[out].flags & PORT_EXPLICIT) return WEFT_OK; /* counts by itself */
    queued += accel_held(sim, out);
    ingress +=
        sim->packet.port_cold.at[out ^ 1].in_bytes + sim->packet.port_cold.at[out ^ 1].in_headroom;
  }
  if (queued != buffer->used)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "switch %" PRIu32 ": queues hold %" PRIu64 " bytes, buffer counts %" PRIu64,
                      index, queued, buffer->used);
  if (buffer->tracked && sim->config.pfc && ingress != queued)
    return weft__fail(sim, WEFT_EINTERNAL,
                      "switch %" PRIu32 ": queues hold %" PRIu64
                      " bytes, ingress ports count %" PRIu64,
                      index, queued, ingress);
  return WEFT_OK;
}

/* Should its first packet have reached the far end already? A port that has lost its event. */
static int is_late(const weft_sim *sim, const struct port *port) {
  const uint32_t end = port->flags & PORT_HELD ? port->deq : port->tail;
  if (port->flags & (PORT_EXPLICIT | PORT_PARKED) || port->head == end) return 0;
  return sim->packet.packets.at[port->ring + (port->head & ((1u << port->ring_log2) - 1))].arrive <
         sim->now;
}

/* The packets that the ports hold are the packets that the counters say are in flight. */
int weft__packet_check(weft_sim *sim) {
  weft_stats stats = sim->stats;
  weft__packet_settle(sim);
  weft__packet_stats(sim, &stats);
  uint64_t packets = 0, bytes = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    uint64_t queued = ring_bytes(sim, &sim->packet.ports.at[p], &packets, &bytes);
    if (is_late(sim, &sim->packet.ports.at[p]))
      return weft__fail(sim, WEFT_EINTERNAL, "port %" PRIu32 ": its first packet is late", p);
    if (sim->packet.ports.at[p].flags & PORT_EXPLICIT)
      queued += sim->packet.model->waiting(sim, p, &packets, &bytes);
    weft__wire_count(sim, p, &packets, &bytes);
    if (queued != sim->packet.ports.at[p].queue_bytes)
      return weft__fail(sim, WEFT_EINTERNAL,
                        "port %" PRIu32 ": queue holds %" PRIu64 " bytes, counter says %" PRIu32, p,
                        queued, sim->packet.ports.at[p].queue_bytes);
  }
  for (uint32_t n = 0; sim->ready && n < sim->fabric.nodes.n; ++n) {
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
