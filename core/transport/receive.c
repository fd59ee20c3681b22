/* What a host does with a packet: acknowledge data, act on acknowledgements, recover losses.
 *
 * Every data packet is acknowledged with the packet expected next and the echo of its ECN mark.
 * With go-back-N a gap is reported once by a NACK, upon which the sender goes back to the packet
 * missing, as RoCE NICs do; for selective repeat see selective.c. A lost NACK, ACK or tail is
 * mended by the retransmission timer. Deviation from the ns-3 model: duplicates are acknowledged
 * too, else a lost ACK would never be repeated. */
#include "accel/zone.h"
#include "cc/cc.h"
#include "fabric/port_i.h"
#include "transport/selective.h"

enum { RETRIES_MAX = 12, BACKOFF_MAX = 6 };

/* One RTT at a time, smoothed as RFC 6298 has it, so that a path that has become slow, or waits
 * behind pauses, is not taken for one that loses packets. Retransmissions begin a new measurement
 * behind all that was sent (Karn's rule). */
static void measure_rtt(weft_sim *sim, uint32_t slot, uint32_t acked) {
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  if (acked <= warm->rtt_seq) return;
  const weft_time rtt = sim->now - warm->rtt_begin;
  const weft_time off = rtt > warm->rtt ? rtt - warm->rtt : warm->rtt - rtt;
  const int first = warm->rtt == 0;
  warm->rtt_deviation = first ? rtt / 2 : (3 * warm->rtt_deviation + off) / 4;
  warm->rtt = first ? rtt : (7 * warm->rtt + rtt) / 8;
  warm->rtt_seq = sim->tx.at[slot].next;
  warm->rtt_begin = sim->now;
}

static void forget_rtt(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  warm->rtt_seq = warm->highest;
  warm->rtt_begin = sim->now;
}

void weft__rto_restart(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  if (sim->config.rto_ps == 0 || is_ns3(sim)) return; /* that model has no timeout */
  const uint32_t backoff = warm->retries < BACKOFF_MAX ? warm->retries : BACKOFF_MAX;
  weft_time rto = warm->rtt + 4 * warm->rtt_deviation;
  if (rto < sim->config.rto_ps) rto = sim->config.rto_ps;
  warm->deadline = sim->now + (rto << backoff);
  if (warm->rto_event >= 0) return; /* looks at the deadline when it comes */
  warm->rto_event = warm->deadline;
  ++sim->rto_events;
  event_of_flow(sim, EV_RTO, slot, sim->tx.at[slot].row, warm->deadline);
}

/* Send again what is not acknowledged. */
static void resend(weft_sim *sim, uint32_t slot) {
  forget_rtt(sim, slot);
  struct tx *tx = &sim->tx.at[slot];
  if (sim->config.recovery == WEFT_RECOVERY_NONE) return;
  if (is_selective(sim)) {
    weft__selective_timeout(sim, slot);
    return;
  }
  tx->next = tx->una;
  if (!(tx->flags & TX_IN_LIST)) weft__nic_add(sim, slot);
}

void weft__rto_event(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->tx.at[slot];
  struct tx_warm *warm = &sim->tx_warm.at[slot];
  --sim->rto_events;
  const int is_former = warm->rto_event != sim->now; /* of the slot's former flow */
  if (is_former || (tx->flags & (TX_ACTIVE | TX_PARKED)) != TX_ACTIVE) {
    if (!is_former && !(tx->flags & TX_PARKED)) warm->rto_event = -1;
    event_is_stale(sim);
    return;
  }
  warm->rto_event = -1;
  if (warm->deadline > sim->now) {
    warm->rto_event = warm->deadline;
    ++sim->rto_events;
    event_of_flow(sim, EV_RTO, slot, tx->row, warm->deadline);
    return;
  }
  ++sim->stats.timeouts;
  sim->fingerprint += hash_event(sim->now, EV_RTO, tx->row);
  if (++warm->retries > RETRIES_MAX) {
    weft__flow_fail(sim, slot);
    return;
  }
  resend(sim, slot);
  weft__nic_kick_flow(sim, slot);
  weft__rto_restart(sim, slot);
}

static void acknowledge(weft_sim *sim, const struct packet *data, int nack) {
  const uint32_t port = sim->rx.at[data->flow].port;
  struct packet lost, *ack = &lost;
  const uint32_t flags = sim->ports.at[port].flags, down = flags & PORT_DOWN;
  if (flags & PORT_PARKED) weft__zone_wake_port(sim, port); /* of a duplicate, by another zone */
  if (!down) ack = port_place(sim, port);
  if (ack == NULL) return; /* the run stops */
  weft__make_ack(sim, data, nack, ack);
  if (down)
    weft__packet_drop(sim, port, ack);
  else
    port_commit(sim, port, ack);
}

static void receive_data(weft_sim *sim, const struct packet *packet) {
  struct rx *rx = &sim->rx.at[packet->flow];
  /* A receiver does not know that the sender is through with a flow: it acknowledges what still
   * comes. Only the memory of selective repeat is gone by then. */
  if (is_selective(sim) && !(sim->tx.at[packet->flow].flags & TX_ACTIVE)) {
    weft__packet_release(sim, packet);
    return;
  }
  if (packet->seq > rx->next) {
    if (is_selective(sim)) {
      if (weft__selective_hold(sim, packet))
        acknowledge(sim, packet, 1);
      else
        weft__packet_release(sim, packet);
      return;
    }
    if (sim->config.recovery == WEFT_RECOVERY_NONE || rx->nack_for == rx->next + 1) {
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
    sim->stats.payload_delivered += packet->size - sim->config.header_bytes - sim->cc_header;
    if (is_selective(sim)) weft__selective_pass(sim, packet->flow);
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
  const uint32_t una = tx->una;
  if (packet->seq > una) {
    tx->una = packet->seq;
    warm->retries = 0;
    measure_rtt(sim, slot, packet->seq);
    weft__rto_restart(sim, slot);
    if (tx->next < tx->una) { /* it had gone back too far: the ACK was on its way */
      tx->next = tx->una;
      if (tx->next == tx->total && (tx->flags & TX_IN_LIST)) weft__nic_remove(sim, slot);
    }
  }
  if (is_selective(sim))
    weft__selective_ack(sim, packet, una);
  else if ((packet->flags & PACKET_NACK) && packet->seq == tx->una)
    resend(sim, slot);
  warm->ecn_marks += (packet->flags & PACKET_ECN) != 0;
  weft__cc_on_ack(sim, packet);
  weft__packet_release(sim, packet);
  if (tx->una == tx->total)
    weft__flow_acked(sim, slot);
  else
    weft__nic_kick_flow(sim, slot);
}

void weft__receive(weft_sim *sim, const struct packet *packet) {
  count_delivered(sim, packet);
  if (packet->flags & PACKET_ACK)
    receive_ack(sim, packet);
  else
    receive_data(sim, packet);
}
