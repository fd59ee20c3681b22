/* The NIC of a host of the ns-3 model: round robin by position, pacing. */
#include "packet/ns3/ns3.h"
#include "packet/sizes_i.h"
#include "packet/transport/transport.h"

static int finished(const weft_sim *sim, uint32_t slot) {
  return sim->packet.tx.at[slot].una == sim->packet.tx.at[slot].total;
}

static int has_bytes(const struct tx *tx) {
  return tx->next < tx->total;
}

void weft__ns3_listed(weft_sim *sim, uint32_t port, int joined) {
  sim->ns3.ports.at[port].flows += joined ? 1u : UINT32_MAX;
}

/* Take finished flows off the list, from position `from` on, and let go their slots. */
static void sweep(weft_sim *sim, uint32_t port, uint32_t from) {
  const uint32_t left = sim->ns3.ports.at[port].flows;
  uint32_t slot = sim->packet.nics.at[port].first;
  for (uint32_t i = 0; i < from; ++i) slot = sim->packet.tx.at[slot].list_next;
  for (uint32_t i = from; i < left; ++i) {
    const uint32_t next = sim->packet.tx.at[slot].list_next;
    if (finished(sim, slot)) {
      weft__nic_remove(sim, slot);
      weft__flow_free_when_quiet(sim, slot);
    }
    slot = next;
  }
}

/* Positions count from the flow that joined first. The one served last is remembered by its
 * position even where a sweep has moved the flows since, and a sweep happens only over what the
 * search has seen. */
uint32_t weft__ns3_next_flow(weft_sim *sim, uint32_t port) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[port];
  const uint32_t count = ns3->flows;
  if (count == 0) return WEFT_NONE;
  uint32_t at = (1 + ns3->served) % count, slot = sim->packet.nics.at[port].first;
  for (uint32_t i = 0; i < at; ++i) slot = sim->packet.tx.at[slot].list_next;
  uint32_t found = WEFT_NONE, first_finished = WEFT_NONE;
  for (uint32_t i = 0; i < count; ++i) {
    const struct tx *tx = &sim->packet.tx.at[slot];
    const uint64_t in_flight = seq_bytes(sim, tx, tx->next) - seq_bytes(sim, tx, tx->una);
    if (!ns3->paused && has_bytes(tx) && in_flight < tx->window) {
      if (tx->next_at <= sim->now) {
        found = slot;
        break;
      }
    } else if (finished(sim, slot) && at < first_finished) {
      first_finished = at;
    }
    slot = tx->list_next;
    at = at + 1 < count ? at + 1 : 0;
  }
  if (first_finished != WEFT_NONE) {
    uint32_t gone = 0, other = sim->packet.nics.at[port].first;
    for (uint32_t i = 0; i < at && found != WEFT_NONE; ++i) { /* its position after the sweep */
      gone += i >= first_finished && finished(sim, other);
      other = sim->packet.tx.at[other].list_next;
    }
    sweep(sim, port, first_finished);
    at -= gone;
  }
  if (found != WEFT_NONE) ns3->served = at;
  return found;
}

static void wake_at(weft_sim *sim, uint32_t port, weft_time at) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[port];
  ns3->wake = at;
  event_at(sim, EV_NIC, port, at);
  ns3->wake_order = sim->queue->asked;
}

/* SimAI's NIC looks at flows that have sent everything, too. Their time is past, so with one of
 * them on the list it sets no alarm: flows that wait for their pace wait for the next ACK then. */
void weft__ns3_wait(weft_sim *sim, uint32_t port) {
  const struct ns3_port *ns3 = &sim->ns3.ports.at[port];
  const int all = sim->config.compat == WEFT_COMPAT_SIMAI;
  weft_time earliest = INT64_MAX;
  uint32_t slot = sim->packet.nics.at[port].first;
  for (uint32_t i = 0; i < ns3->flows; ++i) {
    const struct tx *tx = &sim->packet.tx.at[slot];
    if ((has_bytes(tx) || all) && tx->next_at < earliest) earliest = tx->next_at;
    slot = tx->list_next;
  }
  if (ns3->wake < 0 && earliest != INT64_MAX && earliest > sim->now) wake_at(sim, port, earliest);
}

int weft__ns3_wakes(weft_sim *sim, uint32_t port, uint32_t order) {
  struct ns3_port *ns3 = &sim->ns3.ports.at[port];
  if (ns3->wake < 0 || ns3->wake_order != order) return 0; /* cancelled */
  ns3->wake = -1;
  return 1;
}

void weft__ns3_packet_sent(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  tx->next_at = sim->now + ns3_time(sim, sim->packet.tx_warm.at[slot].last_size, tx->rate_bps);
}

void weft__ns3_rescale(weft_sim *sim, uint32_t slot, uint64_t new_rate_bps) {
  struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t size = sim->packet.tx_warm.at[slot].last_size;
  tx->next_at += ns3_time(sim, size, new_rate_bps) - ns3_time(sim, size, tx->rate_bps);
  struct ns3_port *ns3 = &sim->ns3.ports.at[tx->port];
  if (ns3->wake >= 0 && tx->next_at < ns3->wake)
    wake_at(sim, tx->port, tx->next_at < sim->now ? sim->now : tx->next_at);
}
