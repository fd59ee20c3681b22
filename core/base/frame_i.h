/* Sizes of data packets on the wire: payload, header, and what congestion control adds. */
#ifndef WEFT_BASE_FRAME_H
#define WEFT_BASE_FRAME_H

#include "weft_types.h"

enum { TIMESTAMP_BYTES = 8 }; /* what congestion control adds that wants a time and no telemetry */

/** What a data packet has beside its payload, if congestion control adds `extra`. */
static inline uint32_t frame_headers(const weft_config *config, uint32_t extra) {
  return config->header_bytes + extra;
}

/** A packet with a full payload. */
static inline uint32_t frame_full(const weft_config *config, uint32_t extra) {
  return config->mtu_bytes + frame_headers(config, extra);
}

/** So much payload in packets, of which the last may be shorter. */
static inline uint64_t frames_bytes(const weft_config *config, uint32_t extra, uint64_t payload) {
  const uint64_t packets = (payload + config->mtu_bytes - 1) / config->mtu_bytes;
  return payload + packets * frame_headers(config, extra);
}

/** The largest that there may be, whatever the congestion control: what links and buffers have to
 *  take. */
static inline uint32_t frame_largest(const weft_config *config) {
  return frame_full(config,
                    config->int_bytes > TIMESTAMP_BYTES ? config->int_bytes : TIMESTAMP_BYTES);
}

#endif
