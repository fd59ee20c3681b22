/* Congestion control: one interface, one file per algorithm, named for its paper.
 *
 * An algorithm sees the ACKs of a flow and sets its rate; window and pacing follow from the rate
 * (cc_set_rate). Its state is a block of 64-bit words per slot, cleared at the flow's start. */
#ifndef WEFT_CC_H
#define WEFT_CC_H

#include "sim_i.h"
#include "transport/transport.h"

/** What an ACK or NACK tells. */
struct cc_ack {
  uint32_t seq; /* next packet that the receiver expects */
  int ecn; /* the data packet was marked */
  const struct telemetry *telemetry; /* per switch of the data path, or NULL */
  uint32_t hops; /* entries of telemetry */
};

struct cc_ops {
  const char *name;
  int uses_telemetry; /* packets carry INT */
  int paced; /* packets leave no faster than the rate, besides the window */
  uint32_t (*state_words)(uint32_t path_ports); /* per slot */
  void (*start)(weft_sim *sim, uint32_t slot); /* rate is line rate, window is full */
  void (*on_ack)(weft_sim *sim, uint32_t slot, const struct cc_ack *ack);
};

extern const struct cc_ops weft__cc_window, weft__cc_dctcp, weft__cc_hpcc;

const struct cc_ops *weft__cc(const weft_sim *sim);

/** Set the rate within [min_rate, line rate]; the window and a pacing wait in progress follow. */
void weft__cc_set_rate(weft_sim *sim, uint32_t slot, double rate_bps);

static inline void *cc_state(const weft_sim *sim, uint32_t slot) {
  return &sim->cc_state.at[(uint64_t)slot * sim->cc_words];
}

#endif
