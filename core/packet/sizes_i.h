/* What the packets of a flow measure, bytes: payload, and what is on the wire. */
#ifndef WEFT_PACKET_SIZES_I_H
#define WEFT_PACKET_SIZES_I_H

#include "sim_i.h"

/** What a data packet has beside its payload; a full one on the wire. */
static inline uint32_t data_headers(const weft_sim *sim) {
  return frame_headers(&sim->config, sim->packet.cc_header);
}

static inline uint32_t full_frame(const weft_sim *sim) {
  return frame_full(&sim->config, sim->packet.cc_header);
}

/** An ACK on the wire. */
static inline uint32_t ack_size(const weft_sim *sim) {
  return sim->packet.ack_size;
}

/** Payload before packet `seq` of the flow. */
static inline uint64_t seq_bytes(const weft_sim *sim, const struct tx *tx, uint32_t seq) {
  const uint64_t mtu = sim->config.mtu_bytes;
  return seq < tx->total ? seq * mtu : (tx->total - 1) * mtu + tx->last_bytes;
}

#endif
