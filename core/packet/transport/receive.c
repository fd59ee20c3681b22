/* What a host does with a packet: acknowledge data, act on acknowledgements, recover losses.
 *
 * Every data packet is acknowledged with the packet expected next and the echo of its ECN mark.
 * With go-back-N a gap is reported once by a NACK, upon which the sender goes back to the packet
 * missing, as RoCE NICs do; for selective repeat see selective.c. A lost NACK, ACK or tail is
 * mended by the retransmission timer. Deviation from the ns-3 model: duplicates are acknowledged
 * too, else a lost ACK would never be repeated. */
#include "packet/hooks.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "packet/sizes_i.h"
#include "packet/transport/sack.h"
#include "packet/transport/selective.h"

/* One RTT at a time, smoothed as RFC 6298 has it. Of a packet that is sent again there is none
 * (Karn's rule; see weft__make_data). */
static void measure_rtt(weft_sim *sim, uint32_t slot, uint32_t acked) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (acked <= warm->rtt_seq) return;
  warm->rtt_seq = sim->packet.tx.at[slot].next;
  weft__rto_measured(sim, slot, sim->now - warm->rtt_begin);
}

static void acknowledge(weft_sim *sim, const struct packet *data, int nack) {
  const uint32_t port = sim->packet.rx.at[data->flow].port;
  struct packet lost, *ack = &lost;
  const uint32_t flags = sim->packet.ports.at[port].flags, down = flags & PORT_DOWN;
  if (flags & PORT_PARKED) accel_wake_port(sim, port); /* of a duplicate, by another partition */
  if (!down) ack = port_place(sim, port);
  if (ack == NULL) return; /* the run stops */
  weft__make_ack(sim, data, nack, ack);
  if (down)
    weft__packet_drop(sim, port, ack);
  else
    port_commit(sim, port, ack);
}

static void receive_data(weft_sim *sim, const struct packet *packet) {
  struct rx *rx = &sim->packet.rx.at[packet->flow];
  /* A receiver does not know that the sender is through with a flow: it acknowledges what still
   * comes. Only the memory of selective repeat is gone by then. */
  if (is_selective(sim) && !(sim->packet.tx.at[packet->flow].flags & TX_ACTIVE)) {
    sim->stats.retransmits_spurious += packet->seq < rx->next;
    weft__packet_gone(sim, packet);
    return;
  }
  if (packet->seq > rx->next) {
    if (is_selective(sim)) {
      if (weft__selective_hold(sim, packet))
        acknowledge(sim, packet, 1);
      else
        weft__packet_gone(sim, packet);
      return;
    }
    if (sim->packet.recovery == WEFT_RECOVERY_NONE || rx->nack_for == rx->next + 1) {
      weft__packet_gone(sim, packet);
      return;
    }
    rx->nack_for = rx->next + 1;
    acknowledge(sim, packet, 1);
    return;
  }
  int nack = 0;
  const int in_order = packet->seq == rx->next;
  if (in_order) {
    ++rx->next;
    sim->stats.payload_delivered += packet->size - data_headers(sim);
    if (is_selective(sim)) nack = weft__selective_pass(sim, packet->flow);
  } else {
    ++sim->stats.retransmits_spurious;
  }
  const int last = in_order && rx->next == rx->total;
  const uint32_t slot = packet->flow;
  acknowledge(sim, packet, nack);
  if (last) weft__flow_received(sim, slot);
}

/* What the ACK says of losses comes before congestion control, which hears of them; with selective
 * acknowledgement what may be sent comes after. */
static __attribute__((noinline)) void hear_selective(weft_sim *sim, const struct packet *packet,
                                                     uint32_t una) {
  if (!is_sack(sim)) {
    weft__selective_ack(sim, packet, una);
    weft__cc_on_ack(sim, packet);
    return;
  }
  weft__sack_hear(sim, packet, una);
  weft__cc_on_ack(sim, packet);
  weft__sack_permit(sim, packet->flow);
}

static void receive_ack(weft_sim *sim, const struct packet *packet) {
  const uint32_t slot = packet->flow;
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if ((tx->flags & (TX_ACTIVE | TX_CUT_OFF | TX_DEAF)) != TX_ACTIVE) {
    if (!(tx->flags & TX_ACTIVE)) {
      weft__packet_release(sim, packet);
      return;
    }
    const int was_cut_off = tx->flags & TX_CUT_OFF;
    if (was_cut_off || packet->seq > tx->una) weft__rto_rejoin(sim, slot);
    if (was_cut_off) weft__rto_resend(sim, slot);
  }
  const uint32_t una = tx->una;
  if (packet->seq > una) {
    tx->una = packet->seq;
    if (warm->retries > 0) weft__rto_progress(sim, slot);
    measure_rtt(sim, slot, packet->seq);
    warm->progress_at = sim->now;
    if (warm->rto_event < 0) weft__rto_arm(sim, slot);
    if (tx->next < tx->una) { /* it had gone back too far: the ACK was on its way */
      tx->next = tx->una;
      if (tx->next == tx->total && (tx->flags & TX_IN_LIST)) weft__nic_remove(sim, slot);
    }
  } else {
    weft__rto_gone(sim, slot, sim->now);
  }
  warm->ecn_marks += (packet->flags & PACKET_ECN) != 0;
  if (is_selective(sim)) {
    hear_selective(sim, packet, una);
  } else {
    if ((packet->flags & PACKET_NACK) && packet->seq == tx->una) weft__resend(sim, slot);
    weft__cc_on_ack(sim, packet);
  }
  if (sim->packet.ack_capacity > 0) weft__trace_ack(sim, packet);
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
