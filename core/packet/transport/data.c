/* Making packets, what data carries and what an ACK takes over from it; and losing them. */
#include "base/hash_i.h"
#include "packet/cc/cc.h"
#include "packet/sizes_i.h"
#include "packet/transport/sack.h"
#include "packet/transport/selective.h"

static void count_injected(weft_sim *sim, uint32_t bytes) {
  ++sim->stats.packets_injected;
  sim->stats.bytes_injected += bytes;
}

void weft__make_data(weft_sim *sim, uint32_t slot, struct packet *packet) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const enum cc_extra extra = sim->packet.cc->extra;
  const uint32_t seq = tx->flags & TX_RESEND ? weft__selective_resend(sim, slot) : tx->next++;
  WEFT_ASSERT(seq < tx->total);
  const uint32_t payload = seq + 1 == tx->total ? tx->last_bytes : sim->config.mtu_bytes;
  const uint32_t telemetry = extra != CC_NOTHING ? weft__telemetry_take(sim) : 0;
  const uint32_t size = payload + data_headers(sim);
  *packet = (struct packet){.flow = slot,
                            .seq = seq,
                            .telemetry = telemetry,
                            .in_port = WEFT_NONE,
                            .size = (uint16_t)size,
                            .flags = extra == CC_TELEMETRY ? PACKET_INT : 0,
                            .hop = 1};
  if (extra == CC_TIMESTAMP && telemetry != 0) {
    sim->packet.telemetry.at[(uint64_t)(telemetry - 1) * sim->flow.path_ports].time = sim->now;
    if (is_sack(sim)) weft__sack_departs(sim, slot, telemetry);
  }
  if (seq < warm->highest) {
    ++warm->retransmits;
    ++sim->stats.retransmits;
    warm->rtt_seq = warm->highest;
  } else {
    warm->highest = seq + 1;
    if (seq == warm->rtt_seq) warm->rtt_begin = sim->now;
  }
  if (seq == tx->una) rto_restart(sim, slot);
  ++warm->packets_out;
  warm->last_size = size;
  count_injected(sim, size);
}

/* It takes over the telemetry, and the data packet's place among the flow's packets. */
void weft__make_ack(weft_sim *sim, const struct packet *data, int nack, struct packet *ack) {
  const uint32_t size = ack_size(sim);
  const uint32_t telemetry =
      nack && is_selective(sim) ? weft__selective_name(sim, data) : data->telemetry;
  count_injected(sim, size);
  const uint32_t flags = PACKET_ACK | (nack ? PACKET_NACK : 0) | (data->flags & PACKET_ECN);
  *ack = (struct packet){.flow = data->flow,
                         .seq = sim->packet.rx.at[data->flow].next,
                         .telemetry = telemetry,
                         .in_port = WEFT_NONE,
                         .size = (uint16_t)size,
                         .flags = (uint8_t)flags,
                         .hop = (uint8_t)sim->packet.rx.at[data->flow].hop};
}

void weft__packet_drop(weft_sim *sim, uint32_t index, const struct packet *packet) {
  /* Of a border, both ends may drop packets at once. */
  __atomic_fetch_add(&sim->packet.port_cold.at[index].drops, 1, __ATOMIC_RELAXED);
  ++sim->stats.packets_dropped;
  sim->stats.bytes_dropped += packet->size;
  sim->fingerprint +=
      hash_event(sim->now, 0x100 + index, (uint64_t)packet->size << 32 | packet->seq);
  if (packet->flags & PACKET_PFC) return; /* of no flow */
  weft__packet_gone(sim, packet);
}
