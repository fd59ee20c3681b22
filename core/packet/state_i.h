/* The packet model: everything that a packet touches. */
#ifndef WEFT_PACKET_STATE_H
#define WEFT_PACKET_STATE_H

#include "base/alloc.h"
#include "packet/port/state_i.h"
#include "packet/transport/state_i.h"
#include "tables_i.h"

/* Its kinds of events, in the order in which they happen at one instant among those of all (enum
 * event_kind): departures before arrivals, as a packet that leaves at t makes room for one that
 * comes at t. With compat ns3 the order in which events were asked for comes first. */
enum packet_event {
  EV_DEQUEUE = 1, /* source: port of a switch that tracks its buffer */
  EV_ARRIVE = 2, /* source: port whose oldest packet reaches the far end, * 2 + 1 if by a border */
  EV_PFC = 3, /* source: port, * 2 + 1 if it is to pause */
  EV_NIC = 4, /* source: host port that may send next */
  EV_RTO = 5, /* source: flow slot */
  EV_CC = 6, /* source: flow slot * 4 + timer of its congestion control */
  EV_NS3_INIT = 9,
  EV_NS3_START = 10, /* source: flow row, on its two steps to its start */
  EV_NS3_SENT = 11, /* source: port whose transmission ends */
  EV_WIRE = 12, /* source: port whose oldest delayed packet reaches the far end */
  EV_PARTITION = 14 /* source: partition that is to be looked at, after all else of the instant */
};

enum { RING_CLASSES = 33, BITMAP_CLASSES = 23 };

#define PACKET_POOLS(X)                  \
  X(packet, ports, struct port)          \
  X(packet, port_cold, struct port_cold) \
  X(packet, buffers, struct buffer)      \
  X(packet, nics, struct nic)            \
  X(packet, ecn, struct ecn)             \
  X(packet, packets, struct packet)      \
  X(packet, wires, struct wire)          \
  X(packet, tx, struct tx)               \
  X(packet, tx_warm, struct tx_warm)     \
  X(packet, rx, struct rx)               \
  X(packet, selective, struct selective) \
  X(packet, sack, struct sack)           \
  X(packet, bits, uint64_t)              \
  X(packet, cc_state, uint64_t)          \
  X(packet, telemetry, struct telemetry) \
  X(packet, telemetry_free, uint32_t)    \
  X(packet, triggers, uint32_t)          \
  X(packet, notes, struct sack_note)     \
  X(packet, ack_rows, struct ack_row)

/* Whether weft_sim_set_cc() has been called; DUE: flows begin anew when the next run does. */
enum cc_swap { CC_SWAP_NONE, CC_SWAP_DUE, CC_SWAP_DONE };

struct packet_room {
  PACKET_POOLS(WEFT_POOL_MEMBER)
  const struct accel_hooks *accel_hooks; /* NULL: nothing is skipped; see packet/hooks.h */
  const struct domain_hooks *domain_hooks; /* of a domain's view, else NULL */
  int (*run_part)(weft_sim *part, weft_time end, int how); /* see packet/hooks.h */
  uint32_t replaying; /* the clock shows the past: a part is simulated by itself */
  weft_script script; /* cc = script */
  const struct packet_model *model; /* what config.compat says; see packet/model.h */
  const struct cc_ops *cc; /* what config.cc and script say */
  uint32_t recovery; /* enum weft_recovery that is in effect: never AUTO */
  uint32_t cc_header; /* bytes that it adds to a data packet */
  uint32_t ack_size; /* bytes of an ACK on the wire */
  uint32_t cc_step_grows; /* its steps grow with fast NICs: see weft__cc_step() */
  uint32_t cc_stretches; /* its times grow with long round trips: see weft__cc_stretch() */
  uint32_t cc_words; /* 64-bit words of CC state per slot */
  uint32_t cc_swap; /* enum cc_swap */
  uint32_t cc_due, cc_timers; /* words before its timers' times, and how many those are */
  uint32_t rto_events, cc_events; /* timers in the queue: alone they don't keep a run alive */
  uint32_t cut_off; /* flows: see packet/transport/rto.c */
  weft_time fabric_rtt; /* longest empty round trip of a datacenter: see packet/rtt.c */
  weft_time longest_rtt; /* of all pairs of hosts */
  uint32_t ring_free[RING_CLASSES]; /* freed rings by log2 size, chained through packet.seq */
  uint32_t bitmap_free[BITMAP_CLASSES]; /* freed bitmaps by log2 bits, chained through word 0 */
  uint32_t ack_capacity; /* rows of the table of ACKs at most */
  uint32_t largest_ring, blocks_needed; /* of a view: see domain_is_fed() */
};

#endif
