/* Ports, the rare parts: what they take from the fabric, and packets that get other times. */
#include "packet/port/port.h"
#include "packet/port/ring_i.h"

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
