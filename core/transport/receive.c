/* What a host does with a packet: acknowledge data, act on acknowledgements, recover losses.
 *
 * Every data packet is acknowledged with the packet expected next and the echo of its ECN mark. A
 * gap is reported once by a NACK, upon which the sender goes back to the packet missing (go-back-N,
 * as RoCE NICs do); a lost NACK, ACK or tail is mended by the retransmission timer. Deviation from
 * the ns-3 model: duplicates are acknowledged too, else a lost ACK would never be repeated. */
#include "cc/cc.h"
#include "fabric/port_i.h"

enum { RETRIES_MAX = 12, BACKOFF_MAX = 6 };

void weft__rto_restart(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  if (sim->config.rto_ps == 0) return;
  const uint32_t backoff = warm->retries < BACKOFF_MAX ? warm->retries : BACKOFF_MAX;
  warm->deadline = sim->now + (sim->config.rto_ps << backoff);
  if (warm->rto_event >= 0) return; /* looks at the deadline when it comes */
  warm->rto_event = warm->deadline;
  ++sim->lazy_events;
  event_at(sim, EV_RTO, slot, warm->deadline);
}

/* Send again from the oldest packet that is not acknowledged. */
static void go_back(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->tx.at[slot];
  if (sim->config.recovery == 0) return;
  tx->next = tx->una;
  if (!(tx->flags & TX_IN_LIST)) weft__nic_add(sim, slot);
}

void weft__rto_event(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->tx.at[slot];
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  --sim->lazy_events;
  if (warm->rto_event != sim->now) return; /* of the slot's former flow */
  warm->rto_event = -1;
  if (!(tx->flags & TX_ACTIVE)) return;
  if (warm->deadline > sim->now) {
    warm->rto_event = warm->deadline;
    ++sim->lazy_events;
    event_at(sim, EV_RTO, slot, warm->deadline);
    return;
  }
  ++sim->stats.timeouts;
  sim->fingerprint += hash_event(sim->now, EV_RTO, slot);
  if (++warm->retries > RETRIES_MAX) {
    weft__flow_fail(sim, slot);
    return;
  }
  go_back(sim, slot);
  weft__nic_kick_flow(sim, slot);
  weft__rto_restart(sim, slot);
}

/* The ACK takes over the data packet's telemetry and its place among the flow's packets. */
static void acknowledge(weft_sim *sim, const struct packet *data, int nack) {
  const int telemetry = weft__cc(sim)->uses_telemetry;
  const uint32_t hops = sim->tx.at[data->flow].hops;
  const uint32_t size = sim->config.ack_bytes + (telemetry ? sim->config.int_bytes : 0);
  const struct packet ack = {
      .flow = data->flow,
      .seq = sim->rx.at[data->flow].next,
      .telemetry = data->telemetry,
      .in_port = WEFT_NONE,
      .size = (uint16_t)size,
      .flags = (uint8_t)(PACKET_ACK | (nack ? PACKET_NACK : 0) | (data->flags & PACKET_ECN)),
      .hop = (uint8_t)(hops + 1)};
  ++sim->stats.packets_injected;
  sim->stats.bytes_injected += size;
  const uint32_t port = slot_path(sim, data->flow)[hops];
  if (sim->ports.at[port].flags & PORT_DOWN)
    weft__packet_drop(sim, port, &ack);
  else
    port_enqueue(sim, port, &ack);
}

static void receive_data(weft_sim *sim, const struct packet *packet) {
  struct rx *rx = &sim->rx.at[packet->flow];
  if (!(sim->tx.at[packet->flow].flags & TX_ACTIVE)) {
    weft__packet_release(sim, packet);
    return;
  }
  if (packet->seq > rx->next) {
    if (sim->config.recovery == 0 || rx->nack_for == rx->next + 1) {
      weft__packet_release(sim, packet);
      return;
    }
    rx->nack_for = rx->next + 1;
    acknowledge(sim, packet, 1);
    return;
  }
  const int in_order = packet->seq == rx->next;
  if (in_order) {
    ++rx->next;
    const uint32_t overhead = sim->config.header_bytes +
                              (weft__cc(sim)->uses_telemetry ? sim->config.int_bytes : 0);
    sim->stats.payload_delivered += packet->size - overhead;
  }
  const int last = in_order && rx->next == rx->total;
  const uint32_t slot = packet->flow;
  acknowledge(sim, packet, 0);
  if (last) weft__flow_received(sim, slot);
}

static void receive_ack(weft_sim *sim, const struct packet *packet) {
  const uint32_t slot = packet->flow;
  struct tx *tx = &sim->tx.at[slot];
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  if (!(tx->flags & TX_ACTIVE)) {
    weft__packet_release(sim, packet);
    return;
  }
  if (packet->seq > tx->una) {
    tx->una = packet->seq;
    warm->retries = 0;
    weft__rto_restart(sim, slot);
    if (tx->next < tx->una) { /* it had gone back too far: the ACK was on its way */
      tx->next = tx->una;
      if (tx->next == tx->total && (tx->flags & TX_IN_LIST)) weft__nic_remove(sim, slot);
    }
  }
  if ((packet->flags & PACKET_NACK) && packet->seq == tx->una) go_back(sim, slot);
  warm->ecn_marks += (packet->flags & PACKET_ECN) != 0;
  const uint64_t block = (uint64_t)(packet->telemetry - 1) * sim->path_ports;
  const struct cc_ack ack = {
      .seq = packet->seq,
      .ecn = packet->flags & PACKET_ECN,
      .telemetry = packet->telemetry != 0 ? &sim->telemetry.at[block] : NULL,
      .hops = tx->hops - 1u};
  weft__cc(sim)->on_ack(sim, slot, &ack);
  weft__packet_release(sim, packet);
  if (tx->una == tx->total)
    weft__flow_acked(sim, slot);
  else
    weft__nic_kick_flow(sim, slot);
}

void weft__receive(weft_sim *sim, const struct packet *packet) {
  ++sim->stats.packets_delivered;
  sim->stats.bytes_delivered += packet->size;
  if (packet->flags & PACKET_ACK)
    receive_ack(sim, packet);
  else
    receive_data(sim, packet);
}
