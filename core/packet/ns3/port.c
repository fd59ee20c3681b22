/* Ports of the ns-3 model: two queues, one transmission at a time, an event at its end. */
#include "packet/port/port_i.h"
#include "packet/ns3/ns3.h"
#include "packet/transport/transport.h"

enum { PFC_FRAME_BYTES = 43 };

int weft__ns3_init(weft_sim *sim) {
  if (!pool_reserve(sim, sim->ns3.ports, sim->packet.ports.n)) return WEFT_ENOMEM;
  sim->ns3.ports.n = sim->packet.ports.n;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    struct ns3_port *ns3 = &sim->ns3.ports.at[p];
    *ns3 = (struct ns3_port){.wake = -1};
    for (int class = 0; class < 2; ++class)
      if (!weft__ring_allocate(sim, 0, &ns3->queue[class].ring)) return WEFT_ENOMEM;
    sim->packet.ports.at[p].flags |= PORT_EXPLICIT;
  }
  weft__ns3_buffer_init(sim);
  weft__ns3_random_init(sim);
  return WEFT_OK;
}

/* ---- queues ---- */

static struct packet *queue_at(const weft_sim *sim, const struct ns3_queue *queue,
                               uint32_t cursor) {
  return &sim->packet.packets.at[queue->ring + (cursor & ((1u << queue->log2) - 1))];
}

static int queue_grow(weft_sim *sim, struct ns3_queue *queue) {
  struct ns3_queue grown = *queue;
  ++grown.log2;
  if (!weft__ring_allocate(sim, grown.log2, &grown.ring)) {
    weft__no_memory(sim);
    return 0;
  }
  for (uint32_t i = queue->head; i != queue->tail; ++i)
    *queue_at(sim, &grown, i) = *queue_at(sim, queue, i);
  weft__ring_release(sim, queue->log2, queue->ring);
  *queue = grown;
  return 1;
}

void weft__ns3_enqueue(weft_sim *sim, uint32_t index, uint32_t class, const struct packet *packet) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[index];
  struct ns3_queue *queue = &ns3->queue[class];
  struct port *port = &sim->packet.ports.at[index];
  if (queue->tail - queue->head == 1u << queue->log2 && !queue_grow(sim, queue)) return;
  *queue_at(sim, queue, queue->tail++) = *packet;
  ns3->bytes[class] += packet->size;
  port->queue_bytes = ns3->bytes[0] + ns3->bytes[1];
  if (port->queue_bytes > port->max_queue_bytes) port->max_queue_bytes = port->queue_bytes;
  weft__ns3_transmit(sim, index);
}

static struct packet dequeue(weft_sim *sim, uint32_t index, uint32_t class) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[index];
  const struct packet packet = *queue_at(sim, &ns3->queue[class], ns3->queue[class].head++);
  ns3->bytes[class] -= packet.size;
  sim->packet.ports.at[index].queue_bytes = ns3->bytes[0] + ns3->bytes[1];
  return packet;
}

static int waits(const struct ns3_port *ns3, uint32_t class) {
  return ns3->queue[class].head != ns3->queue[class].tail;
}

uint64_t weft__ns3_waiting(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes) {
  uint64_t waiting = 0;
  for (uint32_t class = 0; class < 2; ++class) {
    const struct ns3_port *ns3 = &sim->ns3.ports.at[port];
    *packets += ns3->queue[class].tail - ns3->queue[class].head;
    waiting += ns3->bytes[class];
  }
  *bytes += waiting;
  return waiting;
}

void weft__ns3_send_pfc(weft_sim *sim, uint32_t device, int pause) {
  const struct packet frame = {.flow = WEFT_NONE,
                               .seq = (uint32_t)pause,
                               .in_port = WEFT_NONE,
                               .size = PFC_FRAME_BYTES,
                               .flags = PACKET_PFC};
  weft__ns3_random(sim); /* the frame's IP identification */
  sim->stats.pfc_pauses += pause != 0;
  ++sim->stats.packets_injected;
  sim->stats.bytes_injected += frame.size;
  sim->ns3.ports.at[device].pausing = (uint32_t)pause;
  weft__ns3_enqueue(sim, device, 0, &frame);
}

/* ---- transmission ---- */

/* The end of the transmission is asked for before the arrival: that is their order. */
static void begin(weft_sim *sim, uint32_t index, struct packet *packet) {
  struct port *port = &sim->packet.ports.at[index];
  sim->ns3.ports.at[index].busy = 1;
  const weft_time end =
      sim->now + ns3_time(sim, packet->size, sim->fabric.ports.at[index].rate_bps);
  event_at(sim, EV_NS3_SENT, index, end);
  packet->arrive = end + port->delay_ps;
  packet->ser_ps = ++sim->queue->asked;
  port->free_at = end;
  const uint32_t before = port->tx_bytes;
  port->tx_bytes += packet->size;
  if (port->tx_bytes < before) ++sim->packet.port_cold.at[index].tx_wraps;
  if (port->tail - port->head == 1u << port->ring_log2 && !weft__ring_grow(sim, index)) return;
  const int first = port->head == port->tail;
  *port_packet(sim, port, port->tail++) = *packet;
  port->deq = port->tail;
  if (first) event_push_ordered(sim, EV_ARRIVE, 2 * index, packet->arrive, packet->ser_ps);
}

static void transmit_host(weft_sim *sim, uint32_t index) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[index];
  struct packet packet;
  if (waits(ns3, 0) && !(ns3->paused && sim->config.ack_priority == WEFT_ACK_FIFO)) {
    packet = dequeue(sim, index, 0);
    begin(sim, index, &packet);
    return;
  }
  const uint32_t slot = weft__ns3_next_flow(sim, index);
  if (slot == WEFT_NONE) {
    weft__ns3_wait(sim, index);
    return;
  }
  weft__make_data(sim, slot, &packet);
  begin(sim, index, &packet);
  weft__ns3_packet_sent(sim, slot);
}

static void transmit_switch(weft_sim *sim, uint32_t index) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[index];
  const uint32_t class = waits(ns3, 0) ? 0 : 1;
  if (!waits(ns3, class) || (class == 1 && ns3->paused)) return;
  struct packet packet = dequeue(sim, index, class);
  const uint32_t in_device = packet.in_port ^ 1;
  if (class == 1 && weft__ns3_release(sim, index, &packet)) weft__ns3_send_pfc(sim, in_device, 0);
  const struct port *port = &sim->packet.ports.at[index];
  if ((packet.flags & PACKET_INT) && packet.hop >= 2 && packet.hop - 2u < sim->flow.path_ports) {
    const uint64_t block = (uint64_t)(packet.telemetry - 1) * sim->flow.path_ports;
    sim->packet.telemetry.at[block + packet.hop - 2u] =
        (struct telemetry){sim->now, port->tx_bytes, port->queue_bytes};
  }
  begin(sim, index, &packet);
}

void weft__ns3_transmit(weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  if ((port->flags & PORT_DOWN) || sim->ns3.ports.at[index].busy) return;
  if (port->flags & PORT_OF_SWITCH)
    transmit_switch(sim, index);
  else
    transmit_host(sim, index);
}

void weft__ns3_wake_event(weft_sim *sim, uint32_t index, uint32_t order) {
  if (weft__ns3_wakes(sim, index, order)) weft__ns3_transmit(sim, index);
}

void weft__ns3_sent_event(weft_sim *sim, uint32_t index) {
  sim->ns3.ports.at[index].busy = 0;
  weft__ns3_transmit(sim, index);
}
