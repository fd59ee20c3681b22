/* The fluid with the congestion control's own laws: flows, their parcels, and ports. See fluid_cc.h
 * for what a parcel is. Amounts of fluid are bytes on the wire in double; rates bytes per ps. */
#ifndef WEFT_FLUID_CC_STATE_H
#define WEFT_FLUID_CC_STATE_H

#include "base/alloc.h"

enum { FCC_DCQCN_TIMERS = 3 };

/* What a law keeps of a flow; each uses what it needs. Rates are bit/s, sequences packets. */
struct fcc_law {
  double alpha; /* DCTCP, DCQCN: the estimate of marks */
  double target; /* DCQCN: the target rate; HPCC: the reference rate; Swift: the window, packets */
  double u; /* HPCC: the average utilisation; TIMELY: the averaged difference of RTTs, ps */
  double marked; /* packets: DCTCP in this window, DCQCN since alpha's update */
  weft_time last_rtt; /* TIMELY */
  weft_time due[FCC_DCQCN_TIMERS]; /* DCQCN: -1: not running */
  weft_time last_decrease; /* Swift */
  uint32_t window_end; /* whose ACK ends the window of marks, or brings the next update */
  uint32_t recovery_end; /* DCTCP: no second cut before it is acknowledged */
  uint32_t sent; /* DCTCP: packets of this window */
  uint32_t stage; /* increases in a row */
  uint32_t acked; /* Swift: by the ACK before */
  uint8_t begun; /* it has had feedback */
  uint8_t in_recovery;
  uint8_t to_decrease; /* DCQCN: marked since the last cut */
  uint8_t has_last; /* HPCC: there is telemetry to compare with */
};

enum fcc_flow_state {
  FCC_SENDS = 1, /* in parcels */
  FCC_ALONE = 2, /* in closed form: see alone.c */
  FCC_WAITS = 3 /* a link of its way is down */
};

struct fcc_flow {
  struct fcc_law law;
  double marks; /* packets whose ACKs carried a mark */
  double rate_bps;
  double line_bps; /* of its NIC as built, or max_rate */
  double base_window; /* bytes of payload in flight at line rate */
  weft_time base_rtt, own_rtt, empty_rtt; /* of windows; of the way as built; of the way now */
  weft_time next_at; /* pacing: its next packet not before */
  weft_time busy_until; /* its NIC is sending the parcel before */
  weft_time sent_from, sent_gap; /* its last parcel: when the first packet left, and one by one */
  weft_time ack_gap; /* between the packets whose ACKs open its window */
  weft_time since; /* alone: its start; waiting: since when */
  weft_time fed_at; /* of the last ACK */
  weft_time foreseen; /* when it is complete, whatever parcels do; -1: when all has come */
  uint32_t row, generation; /* counts ways that it has had, over all flows of the slot */
  uint32_t total, next, una, received; /* packets */
  uint32_t window; /* packets that it may have out */
  uint32_t list_next, list_prev; /* of its NIC */
  uint32_t sent_n; /* packets of that parcel */
  uint32_t parcel; /* the one that its NIC sends, or has sent last */
  uint32_t acked_n; /* packets that the last ACK acknowledged */
  uint32_t ack_bytes, headers; /* on the wire: an ACK; what a packet has beside its payload */
  weft_time due[2]; /* alone: when its last packet leaves its NIC, when it is done */
  uint16_t last_bytes; /* payload of its last packet */
  uint8_t state; /* enum fcc_flow_state */
  uint8_t is_received; /* it is complete for its receiver */
  uint8_t listed, told; /* on its NIC's list; its last packet has been told of */
};

/* Consecutive packets of a flow under way: the first is at a node, the last somewhere behind. */
struct fcc_parcel {
  double bytes; /* on the wire */
  double before; /* bytes that leave its present port before it */
  double unmarked; /* the part of it that no port has marked */
  weft_time sent_at; /* by its NIC, the first packet */
  weft_time sent_gap; /* from packet to packet */
  weft_time came,
      left; /* the first packet: to its present port, and from it, if nothing stops it */
  weft_time tail; /* when its last packet comes to the present port, and once that is known ... */
  weft_time tail_left; /* ... when that leaves it; -1: not known yet */
  uint32_t slot, generation;
  uint32_t seq, n; /* packets */
  uint32_t first_bytes, last_bytes; /* its first packet and its last, on the wire */
  uint32_t hop; /* links crossed when its event comes */
  uint32_t in_port; /* that brought it to the switch which holds it, or WEFT_NONE */
  uint32_t next; /* free, or held by the same port */
  uint32_t unhindered; /* it was alone at its present port, and has left it by what alone.c says */
  uint32_t under_way; /* 0: it has arrived, and is its ACK, or it is free */
};

/* A parcel that is entering a port: its inflow until its last packet has come. */
struct fcc_inflow {
  weft_time end;
  double rate;
  uint32_t parcel, generation, hop;
  uint32_t next; /* the one that ends next, or free */
};

struct fcc_port {
  double rate;
  double byte_ps; /* time of a byte */
  double queue; /* bytes, at `at` */
  double served; /* bytes since the beginning */
  double in_rate; /* sum of inflows */
  double kmin, kmax, pmax; /* ECN */
  double marks; /* packets */
  double most; /* longest queue */
  double alpha; /* PFC: its threshold is this part of what is free in the far switch */
  double ingress; /* bytes in the far switch that came by this port */
  double queue_ps, users_ps; /* integrals over time of the queue and of users, up to `users_at` */
  weft_time at;
  weft_time users_at;
  weft_time paused_since, paused_ps;
  weft_time pause_due; /* when it hears what it was told last */
  weft_time free_at, wake; /* NICs: end of the last packet given to the wire; -1: no event */
  uint32_t inflows, inflow_count; /* first, or WEFT_NONE; how many */
  uint32_t held, held_last; /* parcels that wait as it stands still */
  uint32_t users, acks; /* flows whose data goes this way; whose ACKs do */
  uint32_t alone; /* slot of the one in closed form, or WEFT_NONE */
  uint32_t first, last, listed; /* NICs: flows with something to send, whose turn was last */
  uint32_t pauses;
  uint32_t arrivals; /* how many it has noted; the last of them are in arrivals */
  uint8_t paused, down, pausing; /* by PFC; its link; whether the far end has it paused */
  uint8_t of_switch;
};

/* What a switch has read out for a parcel's first packet, by hop (HPCC). */
struct fcc_telemetry {
  weft_time time;
  double served, queue;
};

/* Bytes that had come to a port by a time, and how they came from then on. */
struct fcc_arrival {
  weft_time at;
  double bytes, rate;
};

enum { FCC_ARRIVALS = 32 }; /* that each port remembers */

struct fcc_switch {
  double cap, shared; /* bytes of the shared buffer, and of it in use beyond reserves */
};

#define FLUID_CC_POOLS(X)                      \
  X(fluid_cc, flows, struct fcc_flow)          \
  X(fluid_cc, ports, struct fcc_port)          \
  X(fluid_cc, parcels, struct fcc_parcel)      \
  X(fluid_cc, inflows, struct fcc_inflow)      \
  X(fluid_cc, telemetry, struct fcc_telemetry) \
  X(fluid_cc, last_seen, struct fcc_telemetry) \
  X(fluid_cc, arrivals, struct fcc_arrival)    \
  X(fluid_cc, switches, struct fcc_switch)

struct fcc_law_ops; /* fluid_cc.h */

/* Who watches flows and foresees when they are complete; see core/learned. */
struct fcc_watch {
  /** A flow begins, and is not on its ports yet. */
  void (*begins)(weft_sim *sim, uint32_t slot);
  /** The last of it comes to the last port of its way, and would be at the receiver at a time: when
   *  is it complete? Not before now. */
  weft_time (*ends)(weft_sim *sim, uint32_t slot, weft_time at);
};

struct fluid_cc_room {
  FLUID_CC_POOLS(WEFT_POOL_MEMBER)
  weft_time fabric_rtt, longest_rtt;
  uint32_t free_parcel, free_inflow;
  uint32_t path_ports; /* hops of telemetry and of last_seen */
  const struct fcc_law_ops *law; /* of config.cc */
  const struct fcc_watch *watch; /* NULL: nobody does */
  uint32_t most_n; /* packets of a parcel, of any flow */
  uint32_t times_grow, steps_grow; /* defaults of the law, with round trips and NICs */
  uint32_t stale; /* events in the queue that will find nothing to do */
  uint64_t parcels_sent, packets_sent;
  double sent, arrived,
      dropped; /* bytes on the wire: of parcels that left hosts, and what became */
};

#endif
