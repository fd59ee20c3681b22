/* The longest empty round trip between hosts of a fabric. */
#ifndef WEFT_FABRIC_FARTHEST_H
#define WEFT_FABRIC_FARTHEST_H

#include "sim_i.h"

/** Over all pairs of hosts, and for each over all ways that its data and its ACKs may take: the
 *  longest round trip (0 without a pair that has a way), and in `near` the longest of those that
 *  are at most `limit`, or the shortest if none is. A round trip is a packet of `data_bytes` there
 *  and one of `ack_bytes` back; with compat in whole ns. Returns a status without a message. */
int weft__farthest(weft_sim *sim, uint64_t data_bytes, uint64_t ack_bytes, weft_time limit,
                   weft_time *near, weft_time *longest);

#endif
