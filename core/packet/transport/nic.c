/* The NIC of a host port: which flow sends the next packet.
 *
 * Round robin, a packet each, over flows that have packets left; a flow is eligible when its
 * window is open (bytes in flight below it, tested before the packet) and its pacing time has
 * come. With selective repeat lost packets need no window: bytes in flight, which count from the
 * oldest packet not acknowledged, don't grow by them (BDP-FC in IRN, section 3.2). ACKs do not pass
 * through here: they are queued at the port when they arise, and data is chosen only when the port
 * is free, so ACKs go first (as in the HPCC NIC model). */
#include "packet/model.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

static void wake_at(weft_sim *sim, uint32_t port, weft_time at) {
  struct nic *nic = &sim->packet.nics.at[port];
  if (nic->wake >= 0 && nic->wake <= at) return;
  nic->wake = at;
  event_at(sim, EV_NIC, port, at);
}

static int window_open(const weft_sim *sim, const struct tx *tx) {
  return (tx->flags & TX_RESEND) ||
         (uint64_t)(tx->next - tx->una) * sim->config.mtu_bytes < tx->window;
}

/* One packet of the flow onto its free port; then see when the port is to be looked at again. */
static void send(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t port = tx->port;
  struct packet *packet = port_place(sim, port);
  if (packet == NULL) return; /* the run stops */
  weft__make_data(sim, slot, packet);
  tx->next_at = sim->now + tx->gap_ps;
  const int all_sent = tx->next == tx->total && !(tx->flags & TX_RESEND);
  if (all_sent)
    weft__nic_remove(sim, slot);
  else
    sim->packet.nics.at[port].last = slot;
  port_commit(sim, port, packet);
  if (all_sent) weft__flow_tell(sim, tx->row, NEWS_SENT);
  const struct nic *nic = &sim->packet.nics.at[port];
  if (nic->first == WEFT_NONE) return;
  weft_time next = sim->packet.ports.at[port].free_at;
  if (nic->first == slot && tx->list_next == slot) { /* alone: nothing to do before it can go on */
    if (!window_open(sim, tx)) return;
    if ((tx->flags & TX_PACED) && tx->next_at > next) next = tx->next_at;
  }
  wake_at(sim, port, next);
}

/* A port that assigns no departures has nothing to be sent, but where its model decides. */
static void kick_held(weft_sim *sim, uint32_t port) {
  if (sim->packet.ports.at[port].flags & PORT_EXPLICIT) sim->packet.model->kick(sim, port);
}

void weft__nic_kick(weft_sim *sim, uint32_t port) {
  const struct nic *nic = &sim->packet.nics.at[port];
  if (sim->packet.ports.at[port].flags & PORT_HELD) {
    kick_held(sim, port);
    return;
  }
  if (nic->first == WEFT_NONE) return;
  if (sim->packet.ports.at[port].free_at > sim->now) {
    wake_at(sim, port, sim->packet.ports.at[port].free_at);
    return;
  }
  weft_time earliest = INT64_MAX;
  uint32_t slot = nic->last;
  do {
    slot = sim->packet.tx.at[slot].list_next;
    const struct tx *tx = &sim->packet.tx.at[slot];
    if (!window_open(sim, tx)) continue;
    if (!(tx->flags & TX_PACED) || tx->next_at <= sim->now) {
      send(sim, slot);
      return;
    }
    if (tx->next_at < earliest) earliest = tx->next_at;
  } while (slot != nic->last);
  if (earliest != INT64_MAX) wake_at(sim, port, earliest);
}

void weft__nic_kick_flow(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct port *port = &sim->packet.ports.at[tx->port];
  if (port->flags & PORT_HELD) {
    kick_held(sim, tx->port);
    return;
  }
  if (!(tx->flags & TX_IN_LIST) || !window_open(sim, tx)) return;
  if (port->free_at > sim->now)
    wake_at(sim, tx->port, port->free_at);
  else if ((tx->flags & TX_PACED) && tx->next_at > sim->now)
    wake_at(sim, tx->port, tx->next_at);
  else
    send(sim, slot);
}

void weft__nic_event(weft_sim *sim, uint32_t port) {
  const int is_overtaken = sim->packet.nics.at[port].wake != sim->now;
  if (is_overtaken || sim->packet.ports.at[port].flags & PORT_PARKED) {
    event_is_stale(sim);
    return;
  }
  sim->packet.nics.at[port].wake = -1;
  weft__nic_kick(sim, port);
}
