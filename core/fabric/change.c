/* Changes of links and ports during a run: rate, loss, down, repair, PFC pause. */
#include <inttypes.h>

#include "fabric/port_i.h"
#include "transport/transport.h"

int weft_link_schedule(weft_sim *sim, const weft_link_change *change) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "link change: call weft_fabric_ready first");
  if (change->link >= sim->ports.n / 2)
    return weft__fail(sim, WEFT_EINVAL, "link: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->ports.n / 2, change->link);
  if (change->direction > WEFT_B_TO_A)
    return weft__fail(sim, WEFT_EINVAL, "direction: expected 0 to 2, got %" PRIu32,
                      change->direction);
  if (change->at_ps < sim->now || change->at_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "link change at_ps: expected %" PRId64 " (the present) to %" PRId64
                      ", got %" PRId64,
                      sim->now, (int64_t)LATEST_PS, change->at_ps);
  if (!(change->factor >= 0 && change->factor <= 1000) || change->loss > 1)
    return weft__fail(sim, WEFT_EINVAL,
                      "link change: expected factor 0 to 1000 and loss at most 1, got "
                      "%g, %g",
                      change->factor, change->loss);
  if (is_ns3(sim) && change->factor == 0)
    return weft__fail(sim, WEFT_EINVAL, "link change: links cannot fail with compat ns3");
  const double rate = change->factor * (double)sim->port_cold.at[2 * change->link].built_rate_bps;
  if (change->factor > 0 && (rate < (double)weft__min_rate(sim) || rate > 1e14))
    return weft__fail(sim, WEFT_EINVAL,
                      "link change: expected a rate of %" PRIu64 " to 1e14 bit/s, got %g",
                      weft__min_rate(sim), rate);
  if (!pool_reserve(sim, sim->changes, sim->changes.n + 1u))
    return weft__fail(sim, WEFT_ENOMEM, "link change: out of memory");
  sim->changes.at[sim->changes.n] = *change;
  event_at(sim, EV_CHANGE, sim->changes.n++, change->at_ps);
  return sim->failed;
}

/* Packets on the wire and in the queue are lost. */
static void lose_all(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->ports.at[index];
  struct node *node = &sim->nodes.at[port->from_node];
  for (; port->head != port->deq; ++port->head)
    weft__packet_drop(sim, index, port_packet(sim, port, port->head));
  while (port->deq != port->tail) {
    struct packet *packet = port_packet(sim, port, port->deq);
    ++port->deq;
    ++sim->port_cold.at[index].unsent;
    port->queue_bytes -= packet->size;
    if (port->flags & PORT_OF_SWITCH) {
      node->used -= packet->size;
      if (node->tracked) weft__buffer_release(sim, port->from_node, packet);
    }
    weft__packet_drop(sim, index, packet);
  }
  port->head = port->tail;
}

static void release_pause(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->ports.at[index];
  struct port_cold *cold = &sim->port_cold.at[index];
  port->flags &= (uint8_t)~PORT_PAUSED;
  cold->paused_ps += sim->now - cold->paused_since;
  weft__port_retime(sim, index, port->free_at > sim->now ? port->free_at : sim->now);
  port_settle(sim, index, port, sim->now);
  if (sim->nodes.at[port->from_node].tracked) weft__buffer_arm(sim, index);
  weft__nic_kick(sim, index);
}

/* Frames in both directions are needed to pause and to resume, so a direction that fails ends the
 * pauses of both. Who still has to pause says so again at its next packet. */
static void forget_pauses(weft_sim *sim, uint32_t index) {
  for (uint32_t side = 0; side < 2; ++side) {
    const uint32_t port = index ^ side;
    struct port_cold *cold = &sim->port_cold.at[port];
    cold->pausing = 0;
    if (!(sim->ports.at[port].flags & PORT_PAUSED)) continue;
    if (sim->ports.at[port].flags & PORT_DOWN) {
      sim->ports.at[port].flags &= (uint8_t)~PORT_PAUSED;
      cold->paused_ps += sim->now - cold->paused_since;
    } else {
      release_pause(sim, port);
    }
  }
}

static void change_port(weft_sim *sim, uint32_t index, const weft_link_change *change) {
  struct port *port = &sim->ports.at[index];
  struct port_cold *cold = &sim->port_cold.at[index];
  port_settle(sim, index, port, sim->now);
  if (change->loss >= 0) {
    cold->loss = change->loss;
    port->flags =
        (uint8_t)(change->loss > 0 ? port->flags | PORT_LOSSY : port->flags & ~PORT_LOSSY);
  }
  if (change->factor <= 0) {
    port->flags |= PORT_DOWN;
    lose_all(sim, index);
    cold->down_at = sim->now;
    forget_pauses(sim, index);
    return;
  }
  const weft_time busy_until = weft__port_busy_until(sim, index);
  const int was_down = port->flags & PORT_DOWN;
  port->flags &= (uint8_t)~PORT_DOWN;
  if (was_down) port->free_at = sim->now;
  weft__port_set_rate(sim, index, (uint64_t)(change->factor * (double)cold->built_rate_bps + 0.5));
  if (!(port->flags & PORT_HELD) && port->deq != port->tail)
    weft__port_retime(sim, index, busy_until > sim->now ? busy_until : sim->now);
  if (sim->nodes.at[port->from_node].tracked) weft__buffer_arm(sim, index);
  weft__buffer_rate_changed(sim, index);
  weft__buffer_rate_changed(sim, index ^ 1);
}

void weft__link_change(weft_sim *sim, uint32_t index) {
  const weft_link_change change = sim->changes.at[index];
  int reachability = 0;
  ++sim->rate_epoch;
  for (uint32_t side = 0; side < 2; ++side) {
    if (change.direction == (side == 0 ? WEFT_B_TO_A : WEFT_A_TO_B)) continue;
    const uint32_t port = 2 * change.link + side;
    const int was_down = sim->ports.at[port].flags & PORT_DOWN;
    change_port(sim, port, &change);
    reachability |= was_down != (sim->ports.at[port].flags & PORT_DOWN);
  }
  if (reachability) {
    weft__route_reset(sim);
    weft__reroute_flows(sim);
  }
  for (uint32_t side = 0; side < 2; ++side) weft__nic_kick(sim, 2 * change.link + side);
}

/* A pause stops the port behind the packet in transmission; what was queued loses its departure.
 * A resume assigns departures anew. A frame that was on the wire when it failed is lost. */
void weft__port_pause(weft_sim *sim, uint32_t index, int pause) {
  struct port *port = &sim->ports.at[index];
  const weft_time sent = sim->now - sim->ports.at[index ^ 1].delay_ps;
  if (sent < sim->port_cold.at[index ^ 1].down_at) return;
  if (port->flags & PORT_DOWN || !(port->flags & PORT_PAUSED) == !pause) return;
  if (!pause) {
    release_pause(sim, index);
    return;
  }
  port_settle(sim, index, port, sim->now);
  port->free_at = weft__port_busy_until(sim, index);
  port->flags |= PORT_PAUSED;
  sim->port_cold.at[index].paused_since = sim->now;
}
