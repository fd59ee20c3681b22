/* Ways of flows through the fabric. */
#ifndef WEFT_FLOW_PATH_H
#define WEFT_FLOW_PATH_H

#include "fabric/path.h"

/** Write the ports from src to dst for the flow number, or of its ACKs back; returns how many, or a
 *  negative status without a message (WEFT_ENOROUTE, WEFT_ELIMIT, WEFT_ENOMEM). */
int weft__route(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack, uint32_t *ports);

/** The same for the fabric as built, whatever has failed since: the way on which a flow that finds
 *  none waits for a repair. Slow, and keeps nothing. */
int weft__route_as_built(weft_sim *sim, uint32_t src, uint32_t dst, uint32_t flow, int ack,
                         uint32_t *ports);

/** Next port from a switch towards a host, or WEFT_NONE. For packets whose path has changed. */
uint32_t weft__route_next(weft_sim *sim, uint32_t node, uint32_t src, uint32_t dst, uint32_t flow,
                          int ack);

#endif
