/* Ports of the packet model: queues, marks, pauses, wires, shared buffers; what is rare enough to
 * stay out of line. For the hot path see port_i.h. */
#ifndef WEFT_PORT_H
#define WEFT_PORT_H

#include "sim_i.h"

/* port.c */

/** A port of the fabric as it is built. */
void weft__port_init(weft_sim *sim, uint32_t port);

/** Give all queued packets new departures, the first not before `from`. */
void weft__port_retime(weft_sim *sim, uint32_t port, weft_time from);

/** End of the transmission in progress, or of the last one. The port is settled. */
weft_time weft__port_busy_until(const weft_sim *sim, uint32_t port);

/* rate.c */

/** The rate of the fabric's port has changed: derive what the hot path needs of it. */
void weft__port_take_rate(weft_sim *sim, uint32_t port);

/** Extra ps of a transmission on a port whose byte time is not whole; carries the remainder. */
uint32_t weft__port_residue(weft_sim *sim, uint32_t port, uint32_t size, int idle);

/* ring.c */

/** The smallest rings, so that the hot path never meets a port without one. A status. */
int weft__rings_init(weft_sim *sim);

/** A block of 1 << log2 packets for a ring; 0 when out of memory. */
int weft__ring_allocate(weft_sim *sim, uint32_t log2, uint32_t *ring);

/** Give a block back. */
void weft__ring_release(weft_sim *sim, uint32_t log2, uint32_t ring);

/** Double the ring. 0 when out of memory. */
int weft__ring_grow(weft_sim *sim, uint32_t port);

/* ecn.c */

/** Thresholds of a new port, which follow its rate. There is room for them. */
void weft__ecn_init(weft_sim *sim, uint32_t port);

/** Set the thresholds of a port. WEFT_OK, or WEFT_ENOMEM. */
int weft__ecn_set(weft_sim *sim, uint32_t port, uint64_t kmin, uint64_t kmax, double pmax);

/** ECN beyond Kmin: mark with the probability that the queue left behind calls for. */
void weft__port_mark(weft_sim *sim, uint32_t port, struct packet *packet);

/* pause.c */

/** Take or release a port's pause; the PFC frame has arrived. Returns whether the port is released,
 *  so that its NIC may have something to send. */
int weft__port_pause(weft_sim *sim, uint32_t port, int pause);

/** The port has failed: pauses of both directions of its link are over. Returns whether that
 *  releases the other direction. */
int weft__pauses_forget(weft_sim *sim, uint32_t port);

/** Begin or end a pause of a storm, and ask for the next. Returns whether its port is released. */
int weft__storm_change(weft_sim *sim, uint32_t change);

/** The link is up again: a storm on this port goes on. */
void weft__storm_resume(weft_sim *sim, uint32_t port);

/* wire.c; for ports with PORT_LOSSY */

enum wire_fate { WIRE_PASSES, WIRE_DELAYS, WIRE_LOSES };

/** What becomes of a packet that would arrive at the far end now. */
enum wire_fate weft__wire_pass(weft_sim *sim, uint32_t port, uint32_t cursor,
                               const struct packet *packet);

/** EV_WIRE: the packet that arrives late; 0 if it was lost in the meantime. */
int weft__wire_take(weft_sim *sim, uint32_t port, struct packet *packet);

/** When a PFC frame arrives that would without impairments at `at`; any port. */
weft_time weft__wire_frame(weft_sim *sim, uint32_t port, weft_time at);

/** The port has failed: take the oldest packet that is late, which is lost; NULL: there is none
 *  left, and PFC frames on the way are lost too. Any port. */
const struct packet *weft__wire_lose(weft_sim *sim, uint32_t port);

/** Add the packets that are late to the totals; any port. */
void weft__wire_count(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes);

/** Whether the wire loses every packet as long as nothing of it is changed; any port. */
int weft__wire_loses_all(const weft_sim *sim, uint32_t port);

/** A port that has been initialised takes the impairment with which its link is built; 0: no
 *  memory. */
int weft__wire_init(weft_sim *sim, uint32_t port);
/** The port's impairment has changed: a mask of enum port_change. */
void weft__wire_changed(weft_sim *sim, uint32_t port, unsigned what);

/* buffer.c */

/** Size the buffers of a closed fabric; returns a status with its message. */
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
