/* What Reno and CUBIC share: slow start, one reaction per round trip, the reading of ACKs. */
#ifndef WEFT_CC_TCP_H
#define WEFT_CC_TCP_H

#include "packet/cc/cc.h"

/* HyStart++ (RFC 9406), section 4.2. */
struct hystart {
  uint64_t round_end; /* the ACK that passes this byte ends the round */
  weft_time last_min, now_min; /* shortest round trips of the last round and of this one; 0: none */
  weft_time baseline; /* the shortest as conservative slow start began */
  uint32_t samples; /* of this round */
  uint32_t conservative; /* rounds left of it; 0: ordinary slow start */
};

/* First in the state of each algorithm. Windows are in packets. */
struct tcp {
  double cwnd, ssthresh; /* INFINITY before the first loss */
  uint64_t acked; /* by the ACK before */
  uint64_t recovery_end; /* no second reaction to what was sent before this byte */
  weft_time rtt; /* smoothed; 0 before the first */
  double peak, last_peak; /* most packets on their way in this round trip, and in the one before */
  uint64_t peak_end; /* the ACK that passes this byte ends it */
  uint64_t full_end; /* up to this byte the window counts as used */
  uint32_t recovers; /* the window does not grow until recovery_end is acknowledged */
  uint32_t timeouts; /* since the last progress */
  struct hystart hystart;
};

/* What an ACK tells. */
struct tcp_ack {
  double fresh; /* packets that have arrived, as the sender now knows */
  int congested; /* this is the first sign of it in a round trip: a loss, or a mark */
  int limited; /* the window, and nothing else, bounded what was on its way */
  weft_time rtt; /* of this packet; 0: not known */
};

/** The flow begins. */
void weft__tcp_start(weft_sim *sim, uint32_t slot, struct tcp *tcp);

/** Read an ACK. */
struct tcp_ack weft__tcp_read(const weft_sim *sim, uint32_t slot, struct tcp *tcp,
                              const struct cc_ack *ack);

/** Whether the window may grow by this ACK, and is below ssthresh: then it has grown. */
int weft__tcp_slow_start(const weft_sim *sim, struct tcp *tcp, const struct cc_ack *ack,
                         const struct tcp_ack *news);

/** The window shrinks to a part, and does not grow until all is acknowledged that has been sent. */
void weft__tcp_reduce(struct tcp *tcp, const struct cc_ack *ack, double part);

/** The retransmission timer has run out: one packet, and slow start up to a part of the window. */
void weft__tcp_timeout(const weft_sim *sim, uint32_t slot, struct tcp *tcp, double part);

/** Make the window what it says. */
void weft__tcp_apply(weft_sim *sim, uint32_t slot, const struct tcp *tcp);

/** The fabric is closed: is there a model of the window of such a control? */
int weft__tcp_ready(weft_sim *sim);

#endif
