/* The table of ACKs: what a sender knew and decided, ACK by ACK. */
#include "engine.h"
#include "packet/hooks.h"
#include "packet/sizes_i.h"
#include "packet/transport/transport.h"

int weft_trace_acks(weft_sim *sim, uint32_t capacity) {
  if (!engine_can(sim, WEFT_CAN_TRACE_ACKS))
    return weft__engine_needs(sim, WEFT_CAN_TRACE_ACKS, "trace of ACKs", "ACKs");
  accel_wake_all(sim); /* what is skipped has no ACKs */
  sim->packet.ack_capacity = capacity;
  return WEFT_OK;
}

void weft__trace_ack(weft_sim *sim, const struct packet *packet) {
  if (sim->packet.ack_rows.n >= sim->packet.ack_capacity) return;
  if (!pool_reserve(sim, sim->packet.ack_rows, sim->packet.ack_rows.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  const struct tx *tx = &sim->packet.tx.at[packet->flow];
  const int is_bounded = sim->config.window_mode != WEFT_WINDOW_NONE;
  sim->packet.ack_rows.at[sim->packet.ack_rows.n++] =
      (struct ack_row){.time_ps = sim->now,
                       .ack_bytes = seq_bytes(sim, tx, packet->seq),
                       .acked_bytes = seq_bytes(sim, tx, tx->una),
                       .sent_bytes = seq_bytes(sim, tx, tx->next),
                       .rate_bps = tx->rate_bps,
                       .window_bytes = is_bounded ? tx->window : 0,
                       .flow = tx->row,
                       .ecn = (packet->flags & PACKET_ECN) != 0};
}
