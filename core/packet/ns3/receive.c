/* What a host of the ns-3 model does with a packet. */
#include "packet/cc/cc.h"
#include "packet/ns3/ns3.h"
#include "packet/transport/transport.h"

enum { NACK_INTERVAL_PS = 500000000 };

/* ---- receiver ---- */

static void receive_data(weft_sim *sim, const struct packet *packet) {
  const uint32_t slot = packet->flow;
  struct rx *rx = &sim->packet.rx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  int nack = 0;
  if (packet->seq == rx->next) {
    ++rx->next;
    if (sim->packet.tx.at[slot].flags & TX_ACTIVE)
      sim->stats.payload_delivered += packet->size - data_headers(sim);
  } else if (packet->seq > rx->next && (sim->now >= warm->nack_at || rx->nack_for != rx->next)) {
    warm->nack_at = sim->now + NACK_INTERVAL_PS;
    rx->nack_for = rx->next;
    nack = 1;
  } else { /* a duplicate, or a gap already reported */
    weft__packet_gone(sim, packet);
    return;
  }
  struct packet ack;
  weft__make_ack(sim, packet, nack, &ack);
  weft__ns3_enqueue(sim, slot_path(sim, slot)[sim->packet.tx.at[slot].hops], 0, &ack);
  if (rx->next == rx->total && sim->flow.rows.at[rx->row].received_ps < 0)
    weft__flow_received(sim, slot);
}

/* ---- sender ---- */

static void receive_ack(weft_sim *sim, const struct packet *packet) {
  const uint32_t slot = packet->flow;
  struct tx *tx = &sim->packet.tx.at[slot];
  if (!(tx->flags & TX_ACTIVE)) {
    weft__packet_release(sim, packet);
    return;
  }
  if (packet->seq > tx->una) tx->una = packet->seq;
  sim->packet.tx_warm.at[slot].ecn_marks += (packet->flags & PACKET_ECN) != 0;
  const uint32_t port = tx->port;
  if (tx->una == tx->total) {
    weft__flow_acked(sim, slot);
    /* The receiver forgets the flow: what is still on its way meets a new, empty one. The slot is
     * still the flow's, because this packet is out. */
    sim->packet.rx.at[slot].next = sim->packet.rx.at[slot].nack_for = 0;
    sim->packet.tx_warm.at[slot].nack_at = 0;
  }
  if (packet->flags & PACKET_NACK) sim->packet.tx.at[slot].next = sim->packet.tx.at[slot].una;
  /* Also for a flow that is over: a rate that changes moves the NIC's next look at its flows. */
  weft__cc_on_ack(sim, packet);
  if (sim->packet.ack_capacity > 0) weft__trace_ack(sim, packet);
  weft__packet_release(sim, packet);
  weft__ns3_transmit(sim, port);
}

void weft__ns3_receive(weft_sim *sim, const struct packet *packet) {
  count_delivered(sim, packet);
  if (packet->flags & PACKET_ACK)
    receive_ack(sim, packet);
  else
    receive_data(sim, packet);
}
