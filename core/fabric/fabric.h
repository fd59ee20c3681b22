/* The fabric: nodes, links, ports, routing, shared buffers. */
#ifndef WEFT_FABRIC_H
#define WEFT_FABRIC_H

#include "sim_i.h"

/* fabric.c */

/** 8e12 mod rate: what a port's byte_ps leaves out of the time of a byte, in ps x rate. */
static inline uint64_t port_residue(const weft_sim *sim, uint32_t port) {
  return 8000000000000u -
         sim->packet.ports.at[port].byte_ps * sim->packet.port_cold.at[port].rate_bps;
}

/** Derive what the hot path needs (byte_ps, flags) from a port's rate. */
void weft__port_set_rate(weft_sim *sim, uint32_t port, uint64_t rate_bps);

/** Slowest rate at which a full packet's time on the wire fits the 32 bits of packet.ser_ps,
 *  bit/s. */
uint64_t weft__min_rate(const weft_sim *sim);

/* route.c */

/** Forget all lengths of ways: reachability has changed. */
void weft__route_reset(weft_sim *sim);

/** Write the ports from src to dst for the flow number; returns how many, or a negative status
 *  without a message (WEFT_ENOROUTE, WEFT_ELIMIT, WEFT_ENOMEM). */
int weft__route(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack, uint32_t *ports);

/** How many ports weft__route() writes, or its status, without walking the path. */
int weft__route_hops(weft_sim *sim, uint32_t src, uint32_t dst);

/** Next port from a switch towards a host, or WEFT_NONE. For packets whose path has changed. */
uint32_t weft__route_next(weft_sim *sim, uint32_t node, uint32_t src, uint32_t dst, uint32_t flow,
                          int ack);

/* built.c */

/** The same for the fabric as built, whatever has failed since: the way on which a flow that finds
 *  none waits for a repair. Slow, and keeps nothing. */
int weft__route_as_built(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                         uint32_t *ports);

/* change.c */

/** Check which ports a change is about; needs a closed fabric. */
int weft__change_check(weft_sim *sim, uint32_t link, uint32_t direction);

/** Add a change for a time to the list, and make room for `count` of them in all. */
int weft__change_add(weft_sim *sim, const struct change *change, weft_time at_ps, uint32_t count);

/** EV_CHANGE: carry out a change. */
void weft__change_event(weft_sim *sim, uint32_t change);

/* pause.c */

/** Take or release a port's pause; the PFC frame has arrived. */
void weft__port_pause(weft_sim *sim, uint32_t port, int pause);

/** The port has failed: pauses of both directions of its link are over. */
void weft__pauses_forget(weft_sim *sim, uint32_t port);

/** Begin or end a pause of a storm, and ask for the next. */
void weft__storm_change(weft_sim *sim, uint32_t change);

/** The link is up again: a storm on this port goes on. */
void weft__storm_resume(weft_sim *sim, uint32_t port);

/* wire.c; for ports with PORT_LOSSY */

/** A packet would arrive at the far end now: 1 if it does, 0 if it is lost or will be late. */
int weft__wire_pass(weft_sim *sim, uint32_t port, uint32_t cursor, const struct packet *packet);

/** EV_WIRE: the packet that arrives late; 0 if it was lost in the meantime. */
int weft__wire_take(weft_sim *sim, uint32_t port, struct packet *packet);

/** When a PFC frame arrives that would without impairments at `at`; any port. */
weft_time weft__wire_frame(weft_sim *sim, uint32_t port, weft_time at);

/** The port has failed: lose what is late, and PFC frames on the way; any port. */
void weft__wire_fail(weft_sim *sim, uint32_t port);

/** Add the packets that are late to the totals; any port. */
void weft__wire_count(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes);

/** Mean loss of the Gilbert-Elliott model; any port. */
double weft__wire_burst_loss(const weft_sim *sim, uint32_t port);

/** Whether the wire loses every packet as long as nothing of it is changed; any port. */
int weft__wire_loses_all(const weft_sim *sim, uint32_t port);

/** Carry out a change. */
void weft__wire_change(weft_sim *sim, const weft_link_impairment *impairment);

/* buffer.c */

int weft__buffer_init(weft_sim *sim);

/** The rate of a link has changed: size the headroom of in_port anew, at the cost of the shared
 *  part. */
void weft__buffer_rate_changed(weft_sim *sim, uint32_t in_port);

/** Let depart on all ports of a node what has departed: what it holds is counted as lazily. */
void weft__node_settle(weft_sim *sim, uint32_t node);

/** Decide on a packet of `size` bytes when the quick bound does not: returns 0 to drop it. Sends
 *  pause frames. */
int weft__buffer_admit(weft_sim *sim, uint32_t node, uint32_t out_port, uint32_t in_port,
                       uint32_t size);

/** The packet admitted last has entered the queue of out_port, in a tracked switch. */
void weft__buffer_enqueued(weft_sim *sim, uint32_t node, uint32_t out_port);

/** The next departure of a tracked switch's port becomes an event. */
void weft__buffer_arm(weft_sim *sim, uint32_t port);

/** A packet has left a tracked switch: settle its ingress and send a resume frame if it is time. */
void weft__buffer_release(weft_sim *sim, uint32_t node, const struct packet *packet);

/** EV_DEQUEUE of a port. */
void weft__buffer_dequeue_event(weft_sim *sim, uint32_t port);

#endif
