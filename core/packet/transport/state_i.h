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
  TX_PARKED = 32, /* of a partition that is skipped */
  TX_DEAF = 64 /* its way back loses everything: a retry is due when that opens */
};

/* Sender side of an active flow, the part that every packet and ACK touches: one cache line. */
#define TX_FIELDS(X)                                                                         \
  X(VALUE, STATE, uint64_t, rate_bps)                                                        \
  X(TIME, STATE, weft_time, next_at) /* pacing: not before */                                \
  X(VALUE, KEPT, weft_time, gap_ps) /* full packet at rate_bps; valid when TX_PACED */       \
  X(VALUE, STATE, uint64_t, window) /* bytes in flight below which the next packet may go */ \
  X(SEQUENCE, STATE, uint32_t, next) /* packet to send next */                               \
  X(SEQUENCE, STATE, uint32_t, una) /* oldest packet not acknowledged */                     \
  X(VALUE, OWN, uint32_t, total) /* packets */                                               \
  X(PORT, OWN, uint32_t, port) /* first of its path */                                       \
  X(SLOT, KEPT, uint32_t, list_next) /* round-robin list of its NIC */                       \
  X(SLOT, KEPT, uint32_t, list_prev)                                                         \
  X(ROW, OWN, uint32_t, row)                                                                 \
  X(VALUE, OWN, uint16_t, last_bytes) /* payload of the last packet */                       \
  X(VALUE, STATE, uint8_t, flags) /* enum tx_flags */                                        \
  X(VALUE, KEPT, uint8_t, hops) /* ports on the data path; the ACK path follows in the pool */

FIELDS_STRUCT(tx, TX_FIELDS);
_Static_assert(sizeof(struct tx) == 64, "a sender is one cache line");

/* Sender side, touched once per window or on trouble. */
#define TX_WARM_FIELDS(X)                                                                          \
  X(VALUE, KEPT, weft_time, base_rtt_ps)                                                           \
  /* The retransmission timer, see rto.c. */                                                       \
  X(TIME, KEPT, weft_time, progress_at) /* last time that una moved, or the start */               \
  X(TIME, KEPT, weft_time, restarted_at) /* first to leave when none was under way, or again */    \
  X(TIME_OR_NONE, KEPT, weft_time, rto_event) /* time of the valid EV_RTO, or -1 */                \
  X(TIME, KEPT, weft_time,                                                                         \
    asked_at) /* it ran out; void if progress_at or restarted_at is later */                       \
  X(TIME_OR_NONE, KEPT, weft_time, answer_at) /* what is gone is known; cut off: next retry; -1 */ \
  X(TIME_OR_NONE, KEPT, weft_time, gone_at) /* a packet has gone since it was asked, or -1 */      \
  X(TIME, KEPT, weft_time, nack_at) /* compat ns3: no second NACK for the same packet before */    \
  X(VALUE, KEPT, uint64_t, line_bps) /* of its NIC when it started */                              \
  X(VALUE, KEPT, uint64_t, base_window) /* at line rate, bytes; windowed: now */                   \
  X(VALUE, KEPT, uint32_t, packets_out) /* in the network: the slot lives until they are gone */   \
  X(VALUE, KEPT, int32_t, missing) /* when it was asked: packets on their way that were none */    \
  X(VALUE, KEPT, uint32_t, retries) /* timeouts without progress */                                \
  X(SEQUENCE, KEPT, uint32_t, highest) /* packets ever sent: what is below it is sent again */     \
  X(VALUE, OWN, uint32_t, retransmits)                                                             \
  X(VALUE, OWN, uint32_t, ecn_marks)                                                               \
  X(VALUE, KEPT, uint32_t, last_size) /* on the wire, of the last packet sent */                   \
  X(RECOVERY, KEPT, uint32_t, path_seq) /* ACKs up to it may tell of a path before the present */  \
  X(SEQUENCE, KEPT, uint32_t, rtt_seq) /* the ACK that passes it ends the measurement of an RTT */ \
  X(VALUE, KEPT, uint32_t, backoff) /* doublings kept from before the last progress, see rto.c */  \
  X(TIME, KEPT, weft_time, rtt_begin) /* when that left */                                         \
  X(VALUE, KEPT, weft_time, rtt) /* smoothed; 0 before the first */                                \
  X(VALUE, KEPT, weft_time, rtt_deviation)

FIELDS_STRUCT(tx_warm, TX_WARM_FIELDS);

/* Receiver side: all that it needs, so that it never looks at the sender's part. */
#define RX_FIELDS(X)                                                   \
  X(SEQUENCE, STATE, uint32_t, next) /* packet expected */             \
  X(VALUE, OWN, uint32_t, total)                                       \
  X(RECOVERY, OWN, uint32_t, nack_for) /* gap already reported, + 1 */ \
  X(ROW, OWN, uint32_t, row)                                           \
  X(PORT, OWN, uint32_t, port) /* first of the ACKs' path */           \
  X(VALUE, OWN, uint32_t, hop) /* and the place in the slot's path of their second */

FIELDS_STRUCT(rx, RX_FIELDS);

/* A set of packet numbers in a ring of bits; see packet/transport/bitmap.h. */
#define BITMAP_FIELDS(X)                                        \
  X(PLACE, OWN, uint32_t, first) /* word in sim->packet.bits */ \
  X(PLACE, OWN, uint32_t, log2) /* the ring has 1 << log2 bits; 0: nothing allocated yet */

FIELDS_STRUCT(bitmap, BITMAP_FIELDS);

/* Selective repeat, both sides of a flow. A pool of its own: other recoveries don't have it. */
#define SELECTIVE_FIELDS(X)                                                                    \
  X(RECOVERY, OWN, struct bitmap, sacked) /* sender: beyond una, as far as NACKs have told */  \
  X(RECOVERY, OWN, struct bitmap, held) /* receiver: arrived beyond next */                    \
  X(RECOVERY, OWN, uint32_t, resend) /* sender: next to send again, if it is below lost_end */ \
  X(RECOVERY, OWN, uint32_t, lost_end) /* sender: what is below it and not sacked is lost */

FIELDS_STRUCT(selective, SELECTIVE_FIELDS);

/* Packets [begin, end) of a flow. */
struct span {
  uint32_t begin, end;
};

enum {
  SACK_SPANS = 3, /* blocks in an ACK: what is left for them beside timestamps (RFC 2018) */
  SACK_TOP = 3 /* a packet is lost when so many that left later have come (RFC 6675) */
};

/* What selective acknowledgement has beyond selective repeat, both sides of a flow: the scoreboard.
 * Also a pool of its own. It is not described: where acceleration moves a flow nothing is lost, and
 * numbers below una and times that are long ago say nothing here. */
struct sack {
  /* receiver */
  struct span holds[SACK_SPANS]; /* what it has beyond a gap, the latest first; empty ones last */
  /* sender */
  struct span told[SACK_SPANS]; /* by the ACK before */
  struct bitmap lost; /* waits to be sent again */
  struct bitmap again; /* ring of what was sent again and when, two words each; see sack.c */
  uint32_t again_head, again_tail;
  uint32_t top[SACK_TOP]; /* the highest that were sacked, in falling order */
  uint32_t sacked, waiting; /* packets beyond una: have arrived; are lost and not sent again */
  uint32_t fresh, found, flight; /* by the last ACK: have arrived, are lost; on their way before */
  weft_time newest; /* departure of the latest that has arrived */
  weft_time measured_at; /* when the round trip was measured last, by timestamps (RFC 7323) */
  /* Delivery, for who models it. */
  uint64_t delivered; /* packets that have arrived */
  weft_time delivered_at; /* when that was last heard of */
  weft_time first_sent_at; /* departure that begins the present sample */
  uint64_t sample_prior; /* `delivered` as the packet left that was just acknowledged */
  weft_time sample_ps; /* what has been delivered since took so long; 0: no sample */
};

/* Beside a block of telemetry, with selective acknowledgement: as the packet left, and what its ACK
 * tells. */
struct sack_note {
  uint64_t delivered; /* as in struct sack */
  weft_time delivered_at, first_sent_at;
  struct span spans[SACK_SPANS]; /* empty ones last */
};

/* Telemetry that one switch wrote into a packet at its departure (HPCC section 3.3). */
#define TELEMETRY_FIELDS(X)                                              \
  X(TIME, KEPT, weft_time, time)                                         \
  X(SENT, KEPT, uint32_t, tx_bytes) /* of the port before this packet */ \
  X(VALUE, KEPT, uint32_t, queue_bytes) /* left behind */

FIELDS_STRUCT(telemetry, TELEMETRY_FIELDS);

/* A host port: round robin over its flows that have packets left. */
#define NIC_FIELDS(X)                                                           \
  X(TIME_OR_NONE, STATE, weft_time, wake) /* time of the valid EV_NIC, or -1 */ \
  X(SLOT, KEPT, uint32_t, first) /* that joined first, or WEFT_NONE */          \
  X(SLOT, KEPT, uint32_t, last) /* that was served last, or WEFT_NONE */

FIELDS_STRUCT(nic, NIC_FIELDS);

#endif
