/* The fabric: nodes, links, routing, changes. */
#ifndef WEFT_FABRIC_H
#define WEFT_FABRIC_H

#include "sim_i.h"

/* The time of a byte x the rate: 8 bit x 1e12 ps/s. */
#define PS_PER_BYTE_BPS 8000000000000u

/* fabric.c */

/** Let the fabric have less than it may, for a model of which less is known. Before nodes come. */
void weft__fabric_restrict(weft_sim *sim, struct fabric_limits limits);

/** Slowest rate at which a full packet's time on the wire fits the 32 bits of packet.ser_ps,
 *  bit/s. */
uint64_t weft__min_rate(const weft_sim *sim);

/* route.c */

/** Forget all lengths of ways: reachability has changed. */
void weft__route_reset(weft_sim *sim);

/* Whose way it is, by which ECMP chooses among ways that are as good. */
struct flow_key {
  uint32_t src, dst, flow; /* also for the way of its ACKs, from dst to src */
  uint16_t sport, dport; /* UDP ports that the flow was given; 0: they follow from its number */
  int ack;
};

/** Write the ports of a flow's way; returns how many, or a negative status without a message
 *  (WEFT_ENOROUTE, WEFT_ELIMIT, WEFT_ENOMEM). */
int weft__ecmp_route(weft_sim *sim, const struct flow_key *key, uint32_t *ports);

/** The same for the fabric as built, whatever has failed since. Slow, and keeps nothing. */
int weft__ecmp_route_as_built(weft_sim *sim, const struct flow_key *key, uint32_t *ports);

/** Next port of its way from a switch, or WEFT_NONE. For packets whose path has changed. */
uint32_t weft__ecmp_next(weft_sim *sim, const struct flow_key *key, uint32_t node);

/** How many ports a way from host to host has, or its status, without walking it. */
int weft__route_hops(weft_sim *sim, uint32_t src, uint32_t dst);

/* change.c */

/** Let the view of a part (packet/domains) know how often the fabric has changed. */
static inline void fabric_view_see(const weft_sim *sim, weft_sim *view) {
  view->fabric.rate_epoch = sim->fabric.rate_epoch;
  view->fabric.route_epoch = sim->fabric.route_epoch;
}

/** Add a change for a time to the list, and make room for `count` of them in all. */
int weft__change_add(weft_sim *sim, const struct change *change, weft_time at_ps, uint32_t count);

/** The impairment of a port, which is none so far if it is new; there is room for it. */
struct impairment *weft__impairment_of(weft_sim *sim, uint32_t port);

/** EV_CHANGE: carry out a change, of another kind than CHANGE_HOST. */
void weft__change_event(weft_sim *sim, uint32_t change);

#endif
