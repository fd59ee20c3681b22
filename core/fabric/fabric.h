/* The fabric: nodes, links, routing, changes. */
#ifndef WEFT_FABRIC_H
#define WEFT_FABRIC_H

#include "sim_i.h"

/* fabric.c */

/** Let the fabric have less than it may, for a model of which less is known. Before nodes come. */
void weft__fabric_restrict(weft_sim *sim, struct fabric_limits limits);

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

/** The same for the fabric as built, whatever has failed since: the way on which a flow that finds
 *  none waits for a repair. Slow, and keeps nothing. */
int weft__route_as_built(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                         uint32_t *ports);

/* change.c */

/** Add a change for a time to the list, and make room for `count` of them in all. */
int weft__change_add(weft_sim *sim, const struct change *change, weft_time at_ps, uint32_t count);

/** EV_CHANGE: carry out a change, of another kind than CHANGE_HOST. */
void weft__change_event(weft_sim *sim, uint32_t change);

#endif
