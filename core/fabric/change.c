/* Changes during a run: the list of those to come, and links that change their rate and uniform
 * loss, fail and are repaired.
 *
 * A link that fails loses at once what is on it and what is sent into it. Routing may notice later
 * (detect_ps): until then paths lead into the dead link, a black hole, and after a repair they keep
 * off a link that would carry them. A failure that is over before it is noticed changes no path. */
#include <inttypes.h>

#include "packet/hooks.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"
#include "work/work.h"

int weft__change_check(weft_sim *sim, uint32_t link, uint32_t direction) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "link change: call weft_fabric_ready first");
  if (link >= sim->packet.ports.n / 2)
    return weft__fail(sim, WEFT_EINVAL, "link: expected less than %" PRIu32 ", got %" PRIu32,
                      sim->packet.ports.n / 2, link);
  if (direction > WEFT_B_TO_A)
    return weft__fail(sim, WEFT_EINVAL, "direction: expected 0 to 2, got %" PRIu32, direction);
  return WEFT_OK;
}

int weft__change_add(weft_sim *sim, const struct change *change, weft_time at_ps, uint32_t count) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "change: call weft_fabric_ready first");
  if (at_ps < sim->now || at_ps > LATEST_PS)
    return weft__fail(sim, WEFT_EINVAL,
                      "change at_ps: expected %" PRId64 " (the present) to %" PRId64
                      ", got %" PRId64,
                      sim->now, (int64_t)LATEST_PS, at_ps);
  if (sim->fabric.changes.n + count > EVENT_SOURCE_MASK)
    return weft__fail(sim, WEFT_ELIMIT, "change: too many changes");
  if (!pool_reserve(sim, sim->fabric.changes, sim->fabric.changes.n + count))
    return weft__fail(sim, WEFT_ENOMEM, "change: out of memory");
  sim->fabric.changes.at[sim->fabric.changes.n] = *change;
  event_at(sim, EV_CHANGE, sim->fabric.changes.n++, at_ps);
  return sim->failed;
}

int weft_link_schedule(weft_sim *sim, const weft_link_change *link) {
  int status = weft__change_check(sim, link->link, link->direction);
  if (status != WEFT_OK) return status;
  if (!(link->factor <= 1000) || !(link->loss <= 1))
    return weft__fail(sim, WEFT_EINVAL,
                      "link change: expected factor at most 1000 and loss at most 1, got "
                      "%g, %g",
                      link->factor, link->loss);
  if (is_ns3(sim) && link->factor == 0)
    return weft__fail(sim, WEFT_EINVAL, "link change: links cannot fail with compat ns3");
  const double rate =
      link->factor * (double)sim->packet.port_cold.at[2 * link->link].built_rate_bps;
  if (link->factor > 0 && (rate < (double)weft__min_rate(sim) || rate > 1e14))
    return weft__fail(sim, WEFT_EINVAL,
                      "link change: expected a rate of %" PRIu64 " to 1e14 bit/s, got %g",
                      weft__min_rate(sim), rate);
  if (link->detect_ps < 0 || link->detect_ps > LATEST_PS / 2)
    return weft__fail(sim, WEFT_EINVAL,
                      "link change detect_ps: expected 0 to %" PRId64 ", got %" PRId64,
                      (int64_t)LATEST_PS / 2, link->detect_ps);
  struct change change = {.kind = CHANGE_LINK, .of.link = *link};
  status = weft__change_add(sim, &change, link->at_ps, 2); /* room for both, so that both come */
  if (status != WEFT_OK || link->detect_ps == 0) return status;
  change.kind = CHANGE_NOTICED;
  sim->fabric.changes.at[sim->fabric.changes.n] = change;
  event_at(sim, EV_CHANGE, sim->fabric.changes.n++, link->at_ps + link->detect_ps);
  return sim->failed;
}

/* Packets on the wire and in the queue are lost. */
static void lose_all(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  struct node *node = &sim->fabric.nodes.at[port->from_node];
  for (; port->head != port->deq; ++port->head)
    weft__packet_drop(sim, index, port_packet(sim, port, port->head));
  while (port->deq != port->tail) {
    struct packet *packet = port_packet(sim, port, port->deq);
    ++port->deq;
    ++sim->packet.port_cold.at[index].unsent;
    port->queue_bytes -= packet->size;
    if (port->flags & PORT_OF_SWITCH) {
      node->used -= packet->size;
      if (node->tracked) weft__buffer_release(sim, port->from_node, packet);
    }
    weft__packet_drop(sim, index, packet);
  }
  port->head = port->tail;
  weft__wire_fail(sim, index);
}

static void change_port(weft_sim *sim, uint32_t index, const weft_link_change *change) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  port_settle(sim, index, port, sim->now);
  if (change->loss >= 0) {
    cold->loss = change->loss;
    const int lossy = change->loss > 0 || cold->wire != 0;
    port->flags = (uint16_t)(lossy ? port->flags | PORT_LOSSY : port->flags & ~PORT_LOSSY);
  }
  if (change->factor < 0) return;
  if (change->factor == 0) {
    port->flags |= PORT_DOWN;
    cold->down = 1;
    lose_all(sim, index);
    cold->down_at = cold->turned_at = sim->now;
    weft__pauses_forget(sim, index);
    return;
  }
  const weft_time busy_until = weft__port_busy_until(sim, index);
  const int was_down = port->flags & PORT_DOWN;
  port->flags &= (uint16_t)~PORT_DOWN;
  cold->down = 0;
  if (was_down) port->free_at = cold->turned_at = sim->now;
  weft__port_set_rate(sim, index, (uint64_t)(change->factor * (double)cold->built_rate_bps + 0.5));
  if (!(port->flags & PORT_HELD) && port->deq != port->tail)
    weft__port_retime(sim, index, busy_until > sim->now ? busy_until : sim->now);
  if (sim->fabric.nodes.at[port->from_node].tracked) weft__buffer_arm(sim, index);
  weft__buffer_rate_changed(sim, index);
  weft__buffer_rate_changed(sim, index ^ 1);
}

/* Routing takes note of what the change has done, if that still is the last to have happened. */
static void notice(weft_sim *sim, const weft_link_change *change) {
  int news = 0;
  for (uint32_t side = 0; side < 2; ++side) {
    if (change->direction == (side == 0 ? WEFT_B_TO_A : WEFT_A_TO_B)) continue;
    const uint32_t index = 2 * change->link + side;
    struct port *port = &sim->packet.ports.at[index];
    const uint8_t down = (port->flags & PORT_DOWN) != 0;
    if (sim->packet.port_cold.at[index].turned_at > change->at_ps || port->avoided == down)
      continue;
    port->avoided = down;
    news = 1;
  }
  if (!news) return;
  weft__route_reset(sim);
  weft__reroute_flows(sim);
}

static void change_link(weft_sim *sim, const weft_link_change *change) {
  ++sim->fabric.rate_epoch;
  for (uint32_t side = 0; side < 2; ++side)
    if (change->direction != (side == 0 ? WEFT_B_TO_A : WEFT_A_TO_B))
      change_port(sim, 2 * change->link + side, change);
  if (change->detect_ps == 0) notice(sim, change);
  for (uint32_t side = 0; side < 2; ++side) {
    weft__storm_resume(sim, 2 * change->link + side);
    weft__nic_kick(sim, 2 * change->link + side);
  }
}

void weft__change_event(weft_sim *sim, uint32_t index) {
  const struct change change = sim->fabric.changes.at[index];
  if (change.kind != CHANGE_HOST) accel_wake_all(sim);
  switch (change.kind) {
    case CHANGE_LINK:
      change_link(sim, &change.of.link);
      break;
    case CHANGE_NOTICED:
      notice(sim, &change.of.link);
      for (uint32_t side = 0; side < 2; ++side) weft__nic_kick(sim, 2 * change.of.link.link + side);
      break;
    case CHANGE_WIRE:
      weft__wire_change(sim, &change.of.wire);
      break;
    case CHANGE_STORM:
      weft__storm_change(sim, index);
      break;
    default:
      weft__pace_change(sim, &change.of.host);
      break;
  }
  if (change.kind != CHANGE_HOST) weft__rto_wake_all(sim);
}
