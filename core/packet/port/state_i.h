/* Packets, the ports that hold them and the wires: with the bytes that the hot path touches. */
#ifndef WEFT_PORT_STATE_H
#define WEFT_PORT_STATE_H

#include "base/fields.h"

/* A packet in a port's ring: 32 bytes, two to a cache line. Payload is never stored. */
#define PACKET_FIELDS(X)                                                                          \
  X(TIME, STATE, weft_time, arrive) /* when its last bit reaches the far end, once it is known */ \
  X(VALUE, STATE, uint32_t, ser_ps) /* time on the wire; departure = arrive - delay - ser */      \
  X(SLOT, KEPT, uint32_t, flow)                                                                   \
  X(SEQUENCE, STATE, uint32_t, seq) /* data: its number; ACK: next packet expected */             \
  X(PLACE, KEPT, uint32_t, telemetry) /* block of telemetry or timestamp + 1, or 0 */             \
  X(PORT, KEPT, uint32_t, in_port) /* that brought it to this node, or WEFT_NONE at its source */ \
  X(VALUE, STATE, uint16_t, size) /* bytes on the wire */                                         \
  X(VALUE, STATE, uint8_t, flags) /* enum packet_flags */                                         \
  X(VALUE, STATE, uint8_t, hop) /* its next port is path[hop] of its slot, or HOP_OFF_PATH */

FIELDS_STRUCT(packet, PACKET_FIELDS);
_Static_assert(sizeof(struct packet) == 32, "two packets to a cache line");

enum { HOP_OFF_PATH = UINT8_MAX }; /* beyond 2 x WEFT_PATH_MAX */

enum packet_flags {
  PACKET_ACK = 1,
  PACKET_NACK = 2,
  PACKET_ECN = 4,
  PACKET_INT = 8, /* switches write telemetry into it */
  PACKET_PFC = 16 /* compat ns3: a pause frame; seq says whether to pause */
};

enum port_flags {
  PORT_TO_HOST = 1, /* far end is a host */
  PORT_OF_SWITCH = 2, /* near end is a switch: its buffer, ECN and INT apply */
  PORT_INEXACT = 4, /* a byte does not take a whole number of ps */
  PORT_LOSSY = 8, /* the wire loses or delays packets: see wire.c */
  PORT_PAUSED = 16, /* by PFC from the far end */
  PORT_DOWN = 32,
  PORT_EXPLICIT = 64, /* compat ns3: departures are decided one by one, queues are in ns3_ports */
  PORT_BORDER = 128, /* the far end is in another domain: see packet/domains/domain.h */
  PORT_PARKED = 256, /* of a partition that is skipped: see packet/accel/partitions/park.c */
  PORT_HELD = PORT_PAUSED | PORT_DOWN | PORT_EXPLICIT | PORT_PARKED /* assigns no departures */
};

/* A directed port: an egress queue and the wire behind it. Its ends, its delay and some flags are
 * copies of what the fabric says, for the hot path. The ring holds, oldest first, packets
 * on the wire [head, deq) and queued ones [deq, tail); cursors run freely and are masked on use. A
 * port that is not held gives every packet its departure when it is enqueued (FIFO, known rate),
 * so a hop costs one event: the arrival at the far end of the ring's oldest packet. What must be
 * known at departure is computed when the port is next looked at (port_settle). Exactly one cache
 * line. */
#define PORT_FIELDS(X)                                                                            \
  X(TIME, STATE, weft_time, free_at) /* end of the last assigned transmission */                  \
  X(VALUE, OWN, weft_time, delay_ps) /* propagation */                                            \
  X(PLACE, OWN, uint32_t, head)                                                                   \
  X(PLACE, OWN, uint32_t, deq)                                                                    \
  X(PLACE, OWN, uint32_t, tail)                                                                   \
  X(PLACE, OWN, uint32_t, ring) /* first packet in sim->packet.packets */                         \
  X(VALUE, OWN, uint32_t, queue_bytes) /* waiting (settled) */                                    \
  X(VALUE, OWN, uint32_t, max_queue_bytes)                                                        \
  X(SENT, KEPT, uint32_t, tx_bytes) /* that began transmission (settled); port_cold.tx_wraps */   \
  X(VALUE, OWN, uint32_t, kmin) /* ECN: a longer queue left behind may mark; UINT32_MAX: never */ \
  X(VALUE, OWN, uint32_t, byte_ps) /* whole ps per byte */                                        \
  X(VALUE, OWN, uint32_t, from_node)                                                              \
  X(VALUE, OWN, uint32_t, to_node)                                                                \
  X(VALUE, OWN, uint16_t, flags) /* enum port_flags */                                            \
  X(VALUE, OWN, uint8_t, ring_log2) /* ring size is 1 << ring_log2 */                             \
  X(VALUE, OWN, uint8_t, unused)

FIELDS_STRUCT(port, PORT_FIELDS);
_Static_assert(sizeof(struct port) == 64, "a port is one cache line");

/* The rest of a port: touched on marks, PFC, rate changes and by reports. */
#define PORT_COLD_FIELDS(X)                                                                       \
  X(VALUE, STATE, uint64_t, carry) /* of the running busy period, in ps x rate */                 \
  X(VALUE, OWN, uint64_t, ecn_marks)                                                              \
  X(DATE, OWN, weft_time, paused_since)                                                           \
  X(VALUE, OWN, weft_time, paused_ps)                                                             \
  X(DATE, OWN, weft_time, frame_free_at) /* end of the last PFC frame sent from here */           \
  X(DATE, OWN, weft_time, dequeue_event) /* time of the valid EV_DEQUEUE, or -1 */                \
  X(VALUE, OWN, uint64_t, in_bytes) /* of what came by this port, in the far shared buffer */     \
  X(VALUE, OWN, uint64_t, in_headroom) /* likewise in its headroom */                             \
  X(VALUE, OWN, uint64_t, headroom_cap)                                                           \
  X(PASSED, OWN, uint64_t,                                                                        \
    skipped) /* packets that port.deq does not count, as it does not move */                      \
  X(WRAPS, OWN, uint32_t, tx_wraps) /* of port.tx_bytes */                                        \
  X(VALUE, OWN, uint32_t, unsent) /* packets that port.deq counts, but dropped from the queue */  \
  X(VALUE, OWN, uint32_t, drops)                                                                  \
  X(VALUE, OWN, uint32_t, pauses) /* pause frames that the far end sent to this port */           \
  X(PLACE, OWN, uint32_t, ecn) /* in ecn */                                                       \
  X(PLACE, OWN, uint32_t, wire) /* in wires + 1, or 0 */                                          \
  X(VALUE, OWN, uint32_t, storms) /* PFC storms that pause it now */                              \
  X(VALUE, OWN, uint32_t, draws) /* marks that were left to chance, drawn or not */               \
  X(VALUE, OWN, uint8_t, pausing) /* the far switch has paused this port */                       \
  X(VALUE, OWN, uint8_t, far_pause) /* in a storm: whether the far switch would have it paused */ \
  X(VALUE, OWN, uint16_t, unused)                                                                 \
  X(VALUE, OWN, uint32_t, unused_too)

FIELDS_STRUCT(port_cold, PORT_COLD_FIELDS);

/* The shared buffer of a switch, by node; see buffer.c. What each packet looks at comes first. */
struct buffer {
  uint64_t used; /* bytes; an upper bound while not tracked */
  uint64_t safe; /* no threshold can be crossed while used stays within */
  uint32_t tracked; /* ingress accounting is exact and departures are events */
  uint32_t unused;
  uint64_t shared_cap; /* buffer less headroom and reserve of all ports */
  uint64_t shared_used; /* exact while tracked */
};

/* Upper ECN threshold and the probability of a mark there; most ports share a few. */
struct ecn {
  uint64_t kmax;
  double pmax;
};

/* A wire that is impaired: what it has done so far; see wire.c. */
struct wire {
  weft_time last_ps; /* arrival of the last packet that it delayed */
  weft_time frame_ps; /* arrival of the last PFC frame */
  weft_time frames_lost_ps; /* PFC frames that arrive until then were on it as it failed */
  uint32_t bad; /* state of its burst loss */
  uint32_t ring, ring_log2, head, tail; /* packets that are late, in sim->packet.packets */
  uint32_t unused;
};

#endif
