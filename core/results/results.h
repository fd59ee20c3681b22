/* Results that are collected during a run. */
#ifndef WEFT_RESULTS_H
#define WEFT_RESULTS_H

#include "sim_i.h"

/** Ask for the next sample if sampling is on and none is pending. */
void weft__sample_arm(weft_sim *sim);

/** EV_SAMPLE. */
void weft__sample_event(weft_sim *sim);

/** Put an ACK into the table of ACKs, if it is wanted there. */
void weft__trace_ack(weft_sim *sim, const struct packet *packet);

/** Bytes that began transmission at a port so far (settled). */
static inline uint64_t port_tx_bytes(const weft_sim *sim, uint32_t port) {
  return (uint64_t)sim->packet.port_cold.at[port].tx_wraps << 32 |
         sim->packet.ports.at[port].tx_bytes;
}

#endif
