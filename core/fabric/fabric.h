/* The fabric: nodes, links, ports, routing, shared buffers. */
#ifndef WEFT_FABRIC_H
#define WEFT_FABRIC_H

#include "sim_i.h"

/* fabric.c */

/** Derive what the hot path needs (byte_ps, residue, ECN thresholds) from a port's rate. */
void weft__port_set_rate(weft_sim *sim, uint32_t port, uint64_t rate_bps);

/** Slowest rate at which a full packet's time on the wire fits the 32 bits of packet.ser_ps,
 *  bit/s. */
uint64_t weft__min_rate(const weft_sim *sim);

/* route.c */

/** Forget all distances: reachability has changed. */
void weft__route_reset(weft_sim *sim);

/** Prepare routing for a closed fabric. */
int weft__route_init(weft_sim *sim);

/** Write the ports from src to dst for the flow number; returns how many, or a negative status
 *  without a message (WEFT_ENOROUTE, WEFT_ELIMIT, WEFT_ENOMEM). */
int weft__route(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack, uint32_t *ports);

/** Next port from a switch towards a host, or WEFT_NONE. For packets whose path has changed. */
uint32_t weft__route_next(weft_sim *sim, uint32_t node, uint32_t src, uint32_t dst, uint32_t flow,
                          int ack);

/* change.c */

/** Carry out the scheduled change. */
void weft__link_change(weft_sim *sim, uint32_t change);

/** Take or release a port's pause; the PFC frame has arrived. */
void weft__port_pause(weft_sim *sim, uint32_t port, int pause);

/* buffer.c */

int weft__buffer_init(weft_sim *sim);

/** The rate of a link has changed: size the headroom of in_port anew, at the cost of the shared
 *  part. */
void weft__buffer_rate_changed(weft_sim *sim, uint32_t in_port);

/** Decide on a packet that came through in_port when the quick bound does not: returns 0 to drop
 *  it. Sends pause frames. */
int weft__buffer_admit(weft_sim *sim, uint32_t node, uint32_t out_port,
                       const struct packet *packet);

/** The packet admitted last has entered the queue of out_port, in a tracked switch. */
void weft__buffer_enqueued(weft_sim *sim, uint32_t node, uint32_t out_port);

/** The next departure of a tracked switch's port becomes an event. */
void weft__buffer_arm(weft_sim *sim, uint32_t port);

/** A packet has left a tracked switch: settle its ingress and send a resume frame if it is time. */
void weft__buffer_release(weft_sim *sim, uint32_t node, const struct packet *packet);

/** EV_DEQUEUE of a port. */
void weft__buffer_dequeue_event(weft_sim *sim, uint32_t port);

#endif
