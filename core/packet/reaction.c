/* What changes of the fabric do to packets: they are lost, leave at another time, may be sent. */
#include "packet/packet.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

/* Packets on the wire and in the queue are lost. */
static void lose_all(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  struct buffer *buffer = &sim->packet.buffers.at[port->from_node];
  for (; port->head != port->deq; ++port->head)
    weft__packet_drop(sim, index, port_packet(sim, port, port->head));
  while (port->deq != port->tail) {
    struct packet *packet = port_packet(sim, port, port->deq);
    ++port->deq;
    ++sim->packet.port_cold.at[index].unsent;
    port->queue_bytes -= packet->size;
    if (port->flags & PORT_OF_SWITCH) {
      buffer->used -= packet->size;
      if (buffer->tracked) weft__buffer_release(sim, port->from_node, packet);
    }
    weft__packet_drop(sim, index, packet);
  }
  port->head = port->tail;
  for (const struct packet *late; (late = weft__wire_lose(sim, index)) != NULL;)
    weft__packet_drop(sim, index, late);
}

static void fail(weft_sim *sim, uint32_t index) {
  sim->packet.ports.at[index].flags |= PORT_DOWN;
  lose_all(sim, index);
  if (weft__pauses_forget(sim, index)) weft__nic_kick(sim, index ^ 1);
}

static void take_rate(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  const weft_time busy_until = weft__port_busy_until(sim, index);
  if (port->flags & PORT_DOWN) port->free_at = sim->now;
  port->flags &= (uint16_t)~PORT_DOWN;
  weft__port_take_rate(sim, index);
  if (!(port->flags & PORT_HELD) && port->deq != port->tail)
    weft__port_retime(sim, index, busy_until > sim->now ? busy_until : sim->now);
  if (sim->packet.buffers.at[port->from_node].tracked) weft__buffer_arm(sim, index);
  weft__buffer_rate_changed(sim, index);
  weft__buffer_rate_changed(sim, index ^ 1);
}

void weft__packet_port_changed(weft_sim *sim, uint32_t index, unsigned what) {
  struct port *port = &sim->packet.ports.at[index];
  if (what & (CHANGED_DELAY | CHANGED_BURSTS)) weft__wire_changed(sim, index, what);
  if (what & (CHANGED_LOSS | CHANGED_RATE)) port_settle(sim, index, port, sim->now);
  if (what & CHANGED_LOSS) {
    const int lossy =
        sim->fabric.ports.at[index].loss > 0 || sim->packet.port_cold.at[index].wire != 0;
    port->flags = (uint16_t)(lossy ? port->flags | PORT_LOSSY : port->flags & ~PORT_LOSSY);
  }
  if (!(what & CHANGED_RATE)) return;
  if (sim->fabric.ports.at[index].down)
    fail(sim, index);
  else
    take_rate(sim, index);
}

void weft__packet_storm(weft_sim *sim, uint32_t change) {
  if (weft__storm_change(sim, change))
    weft__nic_kick(sim, sim->fabric.changes.at[change].of.storm.port);
}

void weft__packet_change_ends(weft_sim *sim, uint32_t link) {
  for (uint32_t side = 0; link != WEFT_NONE && side < 2; ++side) {
    weft__storm_resume(sim, 2 * link + side);
    weft__nic_kick(sim, 2 * link + side);
  }
  weft__rto_wake_all(sim);
}
