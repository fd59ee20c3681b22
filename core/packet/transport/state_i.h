/* Flows, their senders and receivers: the state of transport. */
#ifndef WEFT_TRANSPORT_STATE_H
#define WEFT_TRANSPORT_STATE_H

#include "base/fields.h"

enum tx_flags {
  TX_ACTIVE = 1,
  TX_PACED = 2,
  TX_IN_LIST = 4,
  TX_CUT_OFF = 8, /* its way loses everything: retries wait for a change of a link */
  TX_RESEND = 16, /* selective repeat: lost packets go before new ones */
  TX_PARKED = 32 /* of a partition that is skipped */
};

/* Sender side of an active flow, the part that every packet and ACK touches: one cache line. */
struct tx {
  uint64_t rate_bps; /* 8 */
  weft_time next_at; /* 8  pacing: not before */
  weft_time gap_ps; /* 8  full packet at rate_bps; valid when TX_PACED */
  uint64_t window; /* 8  bytes in flight below which the next packet may go */
  uint32_t next, una, total; /* 12 packet numbers: next to send, oldest not acknowledged, count */
  uint32_t port; /* 4  first port of its path */
  uint32_t list_next, list_prev; /* 8  round-robin list of its NIC */
  uint32_t row; /* 4  in flows */
  uint16_t last_bytes; /* 2  payload of the last packet */
  uint8_t flags; /* 1 */
  uint8_t hops; /* 1  ports on the data path; the ACK path follows in the pool */
};

/* Sender side, touched once per window or on trouble. */
struct tx_warm {
  weft_time base_rtt_ps;
  /* The retransmission timer, see timer.c. */
  weft_time progress_at; /* last time that una moved, or the start */
  weft_time restarted_at; /* something left when nothing was on its way, or went again */
  weft_time rto_event; /* time of the valid EV_RTO, or -1 */
  weft_time asked_at; /* it ran out; void once progress_at or restarted_at is later */
  weft_time answer_at; /* whether anything is gone is known then, or -1; cut off: next retry */
  weft_time gone_at; /* a packet has gone since it was asked, or -1 */
  weft_time nack_at; /* compat ns3: no second NACK for the same packet before */
  uint64_t line_bps; /* of its NIC when it started */
  uint64_t base_window; /* at line rate, bytes */
  uint32_t packets_out; /* in the network: the slot lives until they are gone */
  int32_t missing; /* when it was asked: packets on their way that were none */
  uint32_t retries; /* timeouts without progress */
  uint32_t highest; /* packets ever sent: below this a packet is a retransmission */
  uint32_t retransmits, ecn_marks;
  uint32_t last_size; /* on the wire, of the last packet sent */
  uint32_t path_seq; /* ACKs up to this packet may tell of a path before the present one */
  uint32_t rtt_seq; /* the ACK that passes this packet ends the measurement of an RTT */
  weft_time rtt_begin; /* when that left */
  weft_time rtt, rtt_deviation; /* smoothed; 0 before the first */
};

/* Receiver side: all that it needs, so that it never looks at the sender's part. */
struct rx {
  uint32_t next; /* packet expected */
  uint32_t total;
  uint32_t nack_for; /* gap already reported, + 1 */
  uint32_t row;
  uint32_t port; /* first port of the ACKs' path */
  uint32_t hop; /* and the place in the slot's path of their second */
};

/* A set of packet numbers in a ring of bits; see packet/transport/bitmap.h. */
struct bitmap {
  uint32_t first; /* word in sim->packet.bits */
  uint32_t log2; /* the ring has 1 << log2 bits; 0: nothing allocated yet */
};

/* Selective repeat, both sides of a flow. A pool of its own: other recoveries don't have it. */
struct selective {
  struct bitmap sacked; /* sender: arrived beyond una, as far as NACKs have told */
  struct bitmap held; /* receiver: arrived beyond next */
  uint32_t resend; /* sender: the next packet to send again, if it is below lost_end */
  uint32_t lost_end; /* sender: what is below it and not sacked counts as lost */
};

/* Telemetry that one switch wrote into a packet at its departure (HPCC section 3.3). */
#define TELEMETRY_FIELDS(X)                                              \
  X(TIME, KEPT, weft_time, time)                                         \
  X(SENT, KEPT, uint32_t, tx_bytes) /* of the port before this packet */ \
  X(VALUE, KEPT, uint32_t, queue_bytes) /* left behind */

FIELDS_STRUCT(telemetry, TELEMETRY_FIELDS);

/* A host port: round robin over its flows that have packets left. */
struct nic {
  weft_time wake; /* time of the valid EV_NIC, or -1 */
  uint32_t first; /* flow slot that joined first, or WEFT_NONE */
  uint32_t last; /* flow slot served last, or WEFT_NONE */
};

#endif
