/* Packets, the ports that hold them and the wires: with the bytes that the hot path touches. */
#ifndef WEFT_PORT_STATE_H
#define WEFT_PORT_STATE_H

#include "weft_types.h"

/* A packet in a port's ring: 32 bytes, two to a cache line. Payload is never stored. */
struct packet {
  weft_time arrive; /* 8  when its last bit reaches the far end; set once its turn is known */
  uint32_t ser_ps; /* 4  time on the wire; departure = arrive - delay - ser */
  uint32_t flow; /* 4  slot */
  uint32_t seq; /* 4  data: packet number in the flow; ACK: next packet expected */
  uint32_t telemetry; /* 4  block of telemetry or timestamp + 1, or 0 */
  uint32_t in_port; /* 4  port that brought it to this node, or WEFT_NONE at its source */
  uint16_t size; /* 2  bytes on the wire */
  uint8_t flags; /* 1  enum packet_flags */
  uint8_t hop; /* 1  its next port is path[hop] of its slot, or HOP_OFF_PATH */
};

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
struct port {
  weft_time free_at; /* 8  end of the last assigned transmission */
  weft_time delay_ps; /* 8  propagation */
  uint32_t head, deq, tail; /* 12 */
  uint32_t ring; /* 4  first packet in sim->packet.packets */
  uint32_t queue_bytes; /* 4  waiting (settled) */
  uint32_t max_queue_bytes; /* 4 */
  uint32_t tx_bytes; /* 4  that began transmission (settled), modulo 2^32; see port_cold.tx_wraps */
  uint32_t kmin; /* 4  ECN: a longer queue left behind may mark; UINT32_MAX: never */
  uint32_t byte_ps; /* 4  whole ps per byte */
  uint32_t from_node, to_node; /* 8 */
  uint16_t flags; /* 2  enum port_flags */
  uint8_t ring_log2; /* 1  ring size is 1 << ring_log2 */
  uint8_t unused; /* 1 */
};

/* The rest of a port: touched on marks, PFC, rate changes and by reports. */
struct port_cold {
  uint64_t carry; /* of the running busy period, in ps x rate */
  uint64_t ecn_marks;
  weft_time paused_since, paused_ps;
  weft_time frame_free_at; /* end of the last PFC frame sent from here */
  weft_time dequeue_event; /* time of the valid EV_DEQUEUE, or -1 */
  uint64_t in_bytes; /* of what came through this port, in the far switch's shared buffer */
  uint64_t in_headroom; /* likewise in its headroom */
  uint64_t headroom_cap;
  uint64_t skipped; /* packets that port.deq does not count: see packet/accel/partitions/shift.c */
  uint32_t tx_wraps; /* of port.tx_bytes */
  uint32_t unsent; /* packets that port.deq counts but that were dropped from the queue */
  uint32_t drops;
  uint32_t pauses; /* pause frames that the far end sent to this port */
  uint32_t ecn; /* in ecn */
  uint32_t wire; /* in wires + 1, or 0 */
  uint32_t storms; /* PFC storms that pause it now */
  uint32_t draws; /* marks that were left to chance, drawn or not */
  uint8_t pausing; /* the far switch has paused this port */
  uint8_t far_pause; /* during a storm: whether the far switch would have it paused */
};

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
