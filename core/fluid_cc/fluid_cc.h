/* A fluid whose rates follow the laws of the congestion control.
 *
 * The fluid of a flow moves in parcels: consecutive packets between which it is even. What is
 * worked out of a parcel is when its first packet and its last come to each port of its way, so the
 * fluid is followed along its way (Lagrange), and not looked at everywhere at fixed times (Euler).
 * A port is a queue with an inflow that is constant between first and last packets; in between its
 * length is a line, so it is known in closed form when somebody asks. A parcel comes back as an
 * ACK, on which the flow's law acts, and which opens its window. Parcels are a part of a window, so
 * steps are as long as a part of a round trip, wherever something moves, and there are none
 * elsewhere. A flow that is alone on its way and at line rate is not moved at all: see alone.c.
 *
 * Equations, sources, and what is left out: docs/fluid.md. */
#ifndef WEFT_FLUID_CC_H
#define WEFT_FLUID_CC_H

#include "engine.h"
#include "fabric/fabric.h"
#include "fabric/path.h"
#include "flow/flow.h"

/* Its kinds of events, among those of all. */
enum {
  EV_FCC_PAUSE = 1, /* source: port x 2 + whether it is to stand still */
  EV_FCC_HOP = 2, /* source: parcel whose first packet is at the next node */
  EV_FCC_TAIL = 3, /* source: the last parcel of a flow, all of which is at the receiver */
  EV_FCC_ACK = 4, /* source: parcel, whose ACK is at the sender */
  EV_FCC_NIC = 5, /* source: port of a host that may send */
  EV_FCC_SENT = 6, /* source: slot alone, whose last packet would leave its NIC */
  EV_FCC_ALONE = 9, /* source: slot alone, which is done */
  EV_FCC_GIVE_UP = 10, /* source: slot that has waited too long */
  EV_FCC_RTO = 11, /* source: slot that has lost something */
  EV_FCC_FORESEEN = 12 /* source: slot that is complete by what its watch has said */
};

/* Times of doubles: nearest ps. */
static inline weft_time fcc_time(double ps) {
  return ps > 0 ? (weft_time)(ps + 0.5) : 0;
}

/* Time of so many bytes on the wire of a port, rounded down, as packets have it. */
static inline weft_time fcc_wire_time(const weft_sim *sim, uint32_t port, double bytes) {
  return (weft_time)(bytes * sim->fluid_cc.ports.at[port].byte_ps);
}

/** Let somebody foresee when flows are complete. */
static inline void fcc_watch_by(weft_sim *sim, const struct fcc_watch *watch) {
  sim->fluid_cc.watch = watch;
}

/* pool.c: parcels that there are */
uint32_t weft__fcc_parcel_take(weft_sim *sim);
void weft__fcc_parcel_free(weft_sim *sim, uint32_t parcel);
/** Wire bytes of packets [seq, seq + n) of a flow. */
double weft__fcc_bytes(const weft_sim *sim, const struct fcc_flow *flow, uint32_t seq, uint32_t n);

/* port.c: queues */

/** What a port has at a time, without changing anything. */
struct fcc_level {
  double queue, served, in_rate;
};
struct fcc_level weft__fcc_level(const weft_sim *sim, uint32_t port, weft_time at);

/** Bring a port to the present. */
void weft__fcc_advance(weft_sim *sim, uint32_t port);

/** A parcel's first packet has come to a port; the last one comes at parcel.tail. */
void weft__fcc_enter(weft_sim *sim, uint32_t port, uint32_t parcel);

/** The last packet of a parcel that is entering a port comes so much later. */
void weft__fcc_stretch(weft_sim *sim, uint32_t port, uint32_t parcel, weft_time by);

/** So many bytes of ACKs have come to a port; they leave it after so long. */
weft_time weft__fcc_pass_acks(weft_sim *sim, uint32_t port, uint32_t bytes, uint32_t packets);

/** Its rate has changed, or whether it stands still. */
void weft__fcc_retime(weft_sim *sim, uint32_t port);

/** The first packet of a parcel should have left the port: 0 if not, and it will come again. */
int weft__fcc_has_left(weft_sim *sim, uint32_t port, uint32_t parcel);

/** It has: when the last one comes to the next node, and which part is marked. */
void weft__fcc_leave(weft_sim *sim, uint32_t port, uint32_t parcel);

/* pause.c: PFC */
int weft__fcc_buffers_init(weft_sim *sim);
void weft__fcc_ingress(weft_sim *sim, uint32_t in_port, double bytes);
void weft__fcc_pause_event(weft_sim *sim, uint32_t port, int pause);

/* loss.c: what is lost of a parcel */

/** It has crossed the wire of a port; ACKs have crossed those of some. 0: nothing has come. */
int weft__fcc_wire_passes(weft_sim *sim, uint32_t port, uint32_t parcel);
int weft__fcc_acks_pass(weft_sim *sim, const uint32_t *ports, uint32_t hops, uint32_t acks);
/** It is about to enter a port of a switch; 0: there is no room for any of it. */
int weft__fcc_buffer_admits(weft_sim *sim, uint32_t port, uint32_t parcel);
/** ACKs have entered one. */
void weft__fcc_buffer_takes(weft_sim *sim, uint32_t port, double bytes);

/* repair.c: what follows */
void weft__fcc_has_lost(weft_sim *sim, uint32_t slot);
void weft__fcc_rto_event(weft_sim *sim, uint32_t slot);
/** What its timer was to do is of no use any more. */
void weft__fcc_disarm(weft_sim *sim, uint32_t slot);
/** How long a loss goes unnoticed by anything else. */
weft_time weft__fcc_timeout(const weft_sim *sim, const struct fcc_flow *flow);
/** A parcel is at the receiver. Afterwards its n are the ACKs that it is; 0: none. */
int weft__fcc_received(weft_sim *sim, uint32_t parcel);
/** Its ACKs are at the sender. */
void weft__fcc_acked(weft_sim *sim, uint32_t parcel);

/* parcel.c: the way of a parcel */
void weft__fcc_hop(weft_sim *sim, uint32_t parcel);
void weft__fcc_foreseen(weft_sim *sim, uint32_t slot);
/** What was foreseen of a flow is void: its event will find nothing to do. */
static inline void fcc_forget_foreseen(weft_sim *sim, struct fcc_flow *flow) {
  sim->fluid_cc.stale += flow->foreseen >= 0;
  flow->foreseen = -1;
}
void weft__fcc_tail(weft_sim *sim, uint32_t parcel);
void weft__fcc_ack(weft_sim *sim, uint32_t parcel);

/* send.c: NICs */
void weft__fcc_nic_add(weft_sim *sim, uint32_t slot);
void weft__fcc_nic_remove(weft_sim *sim, uint32_t slot);
void weft__fcc_nic_kick(weft_sim *sim, uint32_t port);
/** Only one flow may send that could not before. */
void weft__fcc_nic_kick_flow(weft_sim *sim, uint32_t slot);
void weft__fcc_nic_event(weft_sim *sim, uint32_t port);

/* alone.c: a flow alone on its way */
int weft__fcc_is_alone(const weft_sim *sim, uint32_t slot);
void weft__fcc_alone_begin(weft_sim *sim, uint32_t slot);
void weft__fcc_alone_end(weft_sim *sim, uint32_t slot);
/** What it has sent, and what has arrived, packets, at a time. */
uint32_t weft__fcc_alone_sent(const weft_sim *sim, uint32_t slot, weft_time at);
uint32_t weft__fcc_alone_received(const weft_sim *sim, uint32_t slot, weft_time at);
/** Let it go on in parcels. */
void weft__fcc_alone_break(weft_sim *sim, uint32_t slot);

/* flow.c: the life of a flow */
void weft__fcc_launch(weft_sim *sim, uint32_t row);
void weft__fcc_done(weft_sim *sim, uint32_t slot);
void weft__fcc_fail(weft_sim *sim, uint32_t slot);
void weft__fcc_give_up_event(weft_sim *sim, uint32_t slot);
void weft__fcc_way_changed(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                           const uint32_t *ack, int ack_hops);
void weft__fcc_join_ports(weft_sim *sim, uint32_t slot);
void weft__fcc_leave_ports(weft_sim *sim, uint32_t slot);

/* model.c: what depends on compat */
/** What congestion control adds to a packet, bytes. */
uint32_t weft__fcc_extra(const weft_sim *sim);
int weft__fcc_choose_model(weft_sim *sim);
int weft__fcc_fixed_times(const weft_config *config);
uint32_t weft__fcc_ack_bytes(const weft_sim *sim);
int weft__fcc_find_rtt(weft_sim *sim);
void weft__fcc_take_rtt(const weft_sim *sim, struct fcc_flow *flow, weft_time as_built);
double weft__fcc_headroom(const weft_sim *sim, uint32_t in_port);
double weft__fcc_alpha(const weft_sim *sim, uint32_t port);
double weft__fcc_shared(const weft_sim *sim, double kept);

/* law.c: the congestion controls */
struct fcc_feedback {
  uint32_t n; /* packets acknowledged */
  double marked; /* of them, on average */
  int any; /* whether one of them is */
  uint32_t seq; /* of the first */
  weft_time rtt, rtt_step; /* of the first, and how much more each following one has */
  uint32_t parcel; /* whose telemetry it brings */
};
/** Take the law of config.cc; 0: it has none here. */
int weft__fcc_law_init(weft_sim *sim);
void weft__fcc_law_start(weft_sim *sim, uint32_t slot);
/** Timers that have run out by now. */
void weft__fcc_law_catch_up(weft_sim *sim, uint32_t slot);
void weft__fcc_law_feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back);
/** It has had so many windows without a mark. */
void weft__fcc_law_unmarked(weft_sim *sim, uint32_t slot, uint32_t windows);

/* What a law adds to the headers of a packet. */
enum fcc_header { FCC_NOTHING = 0, FCC_TIMESTAMP = 1, FCC_TELEMETRY = 2 };

/* What is marked with (*) may be NULL: there is nothing to do. */
struct fcc_law_ops {
  /** A flow begins, at line rate. (*) */
  void (*start)(weft_sim *sim, uint32_t slot);
  /** The ACK of a parcel has come. (*) */
  void (*feed)(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back);
  /** Timers that have run out by now. (*) */
  void (*catch_up)(weft_sim *sim, uint32_t slot);
  /** It has had so many windows without a mark. (*) */
  void (*unmarked)(weft_sim *sim, uint32_t slot, uint32_t windows);
  enum fcc_header header;
  int is_unpaced; /* 1: the window alone says when to send */
};

/** Does each switch write into packets what it sees? */
static inline int fcc_reads_telemetry(const weft_sim *sim) {
  return sim->fluid_cc.law->header == FCC_TELEMETRY;
}

#endif
