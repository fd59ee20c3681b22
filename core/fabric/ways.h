/* How far it is from every switch to every host, and by links of which class. */
#ifndef WEFT_FABRIC_WAYS_H
#define WEFT_FABRIC_WAYS_H

#include "fabric/ways_i.h"

/** Prepare for a closed fabric. */
int weft__ways_init(weft_sim *sim);

/** Is there a way between two hosts in the fabric as built, whatever has failed since? */
int weft__ways_connect(const weft_sim *sim, uint32_t a, uint32_t b);

/** Have ways been others than at the begin, as routing has noticed a failure or a repair? */
int weft__ways_have_changed(const weft_sim *sim);

/** Lengths of the ways of each switch to a host, in the form that way_length() reads, over links of
 *  the classes of `level`: level l allows the l + 1 best of those that the fabric has. 0: there are
 *  none, as the host's only link is of a worse class. Valid until the next call. */
int weft__ways_to(weft_sim *sim, uint32_t host, uint32_t level, const uint8_t **row);

/** The same, written to room for way_row_bytes(): for what is asked rarely. */
int weft__ways_into(weft_sim *sim, uint32_t host, uint32_t level, uint8_t *row);

/** May a way be another one now, which was the best before the last change of reachability? 0: it
 *  is as it was. Known for so long as it is asked, or the way looked for, at every such change. */
int weft__way_may_change(weft_sim *sim, const uint32_t *ports, uint32_t hops);

/** A search of its own: lengths to whatever has been reached by weft__ways_reach(). `row` is room
 *  for way_row_bytes(). */
void weft__ways_begin(weft_sim *sim, uint8_t *row);
void weft__ways_reach(weft_sim *sim, uint8_t *row, uint32_t node, uint32_t length);
void weft__ways_search(weft_sim *sim, uint8_t *row, uint32_t level);

#endif
