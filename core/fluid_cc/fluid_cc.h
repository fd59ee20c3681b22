/* A fluid whose rates follow the laws of the congestion control.
 *
 * The fluid of a flow moves in parcels: consecutive packets between which it is even. What is worked
 * out of a parcel is when its first packet and its last come to each port of its way, so the fluid
 * is followed along its way (Lagrange), and not looked at everywhere at fixed times (Euler). A port
 * is a queue with an inflow that is constant between first and last packets; in between its length
 * is a line, so it is known in closed form whenever somebody asks. A parcel comes back as an ACK, on
 * which the flow's law acts, and which opens its window. Parcels are a part of a window, so steps
 * are as long as a part of a round trip, wherever something moves, and there are none elsewhere. A
 * flow that is alone on its way and at line rate is not moved at all: see alone.c.
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
  EV_FLUID_PAUSE = 1, /* source: port x 2 + whether it is to stand still */
  EV_FLUID_HOP = 2, /* source: parcel whose first packet is at the next node */
  EV_FLUID_TAIL = 3, /* source: the last parcel of a flow, all of which is at the receiver */
  EV_FLUID_ACK = 4, /* source: parcel, whose ACK is at the sender */
  EV_FLUID_NIC = 5, /* source: port of a host that may send */
  EV_FLUID_SENT = 6, /* source: slot alone, whose last packet would leave its NIC */
  EV_FLUID_ALONE = 9, /* source: slot alone, which is done */
  EV_FLUID_GIVE_UP = 10 /* source: slot that has waited too long */
};

/* Times of doubles: nearest ps. */
static inline weft_time fluid_time(double ps) {
  return ps > 0 ? (weft_time)(ps + 0.5) : 0;
}

/* Time of so many bytes on the wire of a port, rounded down, as packets have it. */
static inline weft_time fluid_wire_time(const weft_sim *sim, uint32_t port, double bytes) {
  return (weft_time)(bytes * sim->fluid_cc.ports.at[port].byte_ps);
}

/* port.c: queues */

/** What a port has at a time, without changing anything. */
struct fluid_level {
  double queue, served, in_rate;
};
struct fluid_level weft__fluid_level(const weft_sim *sim, uint32_t port, weft_time at);

/** Bring a port to the present. */
void weft__fluid_advance(weft_sim *sim, uint32_t port);

/** A parcel's first packet has come to a port; the last one comes at parcel.tail. */
void weft__fluid_enter(weft_sim *sim, uint32_t port, uint32_t parcel);

/** The last packet of a parcel that is entering a port comes so much later. */
void weft__fluid_stretch(weft_sim *sim, uint32_t port, uint32_t parcel, weft_time by);

/** So many bytes of ACKs have come to a port; they leave it after so long. */
weft_time weft__fluid_pass_acks(weft_sim *sim, uint32_t port, uint32_t bytes, uint32_t packets);

/** Its rate has changed, or whether it stands still. */
void weft__fluid_retime(weft_sim *sim, uint32_t port);

/** The first packet of a parcel should have left the port: 0 if not, and it will come again. */
int weft__fluid_has_left(weft_sim *sim, uint32_t port, uint32_t parcel);

/** It has: when the last one comes to the next node, and which part is marked. */
void weft__fluid_leave(weft_sim *sim, uint32_t port, uint32_t parcel);

/* pause.c: PFC */
int weft__fluid_buffers_init(weft_sim *sim);
void weft__fluid_ingress(weft_sim *sim, uint32_t in_port, double bytes);
void weft__fluid_pause_event(weft_sim *sim, uint32_t port, int pause);

/* parcel.c: the way of a parcel */
uint32_t weft__fluid_parcel_take(weft_sim *sim);
void weft__fluid_parcel_free(weft_sim *sim, uint32_t parcel);
void weft__fluid_hop(weft_sim *sim, uint32_t parcel);
void weft__fluid_tail(weft_sim *sim, uint32_t parcel);
void weft__fluid_ack(weft_sim *sim, uint32_t parcel);

/* send.c: NICs */
/** Whether a packet of a parcel carries a mark, by the seed. */
int weft__fluid_any_marked(const weft_sim *sim, uint32_t parcel);
void weft__fluid_nic_add(weft_sim *sim, uint32_t slot);
void weft__fluid_nic_remove(weft_sim *sim, uint32_t slot);
void weft__fluid_nic_kick(weft_sim *sim, uint32_t port);
void weft__fluid_nic_event(weft_sim *sim, uint32_t port);
/** Packets that its window lets a flow have out. */
uint32_t weft__fluid_window(const weft_sim *sim, const struct fluid_flow *flow);

/* alone.c: a flow alone on its way */
int weft__fluid_is_alone(const weft_sim *sim, uint32_t slot);
void weft__fluid_alone_begin(weft_sim *sim, uint32_t slot);
void weft__fluid_alone_end(weft_sim *sim, uint32_t slot);
/** What it has sent, and what has arrived, packets, at a time. */
uint32_t weft__fluid_alone_sent(const weft_sim *sim, uint32_t slot, weft_time at);
uint32_t weft__fluid_alone_received(const weft_sim *sim, uint32_t slot, weft_time at);
/** Let it go on in parcels. */
void weft__fluid_alone_break(weft_sim *sim, uint32_t slot);

/* flow.c: the life of a flow */
void weft__fluid_launch(weft_sim *sim, uint32_t row);
void weft__fluid_received(weft_sim *sim, uint32_t slot);
void weft__fluid_done(weft_sim *sim, uint32_t slot);
void weft__fluid_give_up_event(weft_sim *sim, uint32_t slot);
void weft__fluid_way_changed(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                             const uint32_t *ack, int ack_hops);
void weft__fluid_join_ports(weft_sim *sim, uint32_t slot);
void weft__fluid_leave_ports(weft_sim *sim, uint32_t slot);
/** Wire bytes of packets [seq, seq + n) of a flow. */
double weft__fluid_bytes(const weft_sim *sim, const struct fluid_flow *flow, uint32_t seq,
                         uint32_t n);

/* model.c: what depends on compat */
int weft__fluid_choose_model(weft_sim *sim);
int weft__fluid_fixed_times(const weft_config *config);
uint32_t weft__fluid_ack_bytes(const weft_config *config);
int weft__fluid_find_rtt(weft_sim *sim);
void weft__fluid_take_rtt(const weft_sim *sim, struct fluid_flow *flow, weft_time as_built);
double weft__fluid_headroom(const weft_sim *sim, uint32_t in_port);
double weft__fluid_alpha(const weft_sim *sim, uint32_t port);
double weft__fluid_shared(const weft_sim *sim, double kept);

/* law.c: the congestion controls */
struct fluid_feedback {
  uint32_t n; /* packets acknowledged */
  double marked; /* of them, on average */
  int any; /* whether one of them is */
  weft_time rtt;
  uint32_t parcel; /* whose telemetry it brings */
};
uint32_t weft__fluid_extra(const weft_config *config);
void weft__fluid_law_start(weft_sim *sim, uint32_t slot);
/** Timers that have run out by now. */
void weft__fluid_law_catch_up(weft_sim *sim, uint32_t slot);
void weft__fluid_law_feed(weft_sim *sim, uint32_t slot, const struct fluid_feedback *back);

#endif
