/* Several threads, as the packet engine sees them; what ports and transport see is
 * packet/hooks.h. */
#ifndef WEFT_DOMAINS_H
#define WEFT_DOMAINS_H

#include "engine.h"

/** A run begins, or goes on. */
void weft__domains_begin(weft_sim *sim);

/** Run ahead on several threads as far as that is possible and pays. Returns how many events are to
 *  be handled on this one before it is tried again. */
uint64_t weft__domains_turn(weft_sim *sim, const struct turn *turn);

/** Threads of a simulation are none of its copy's. */
void weft__domains_forget(weft_sim *copy);

/** Free what a run on several threads has kept. */
void weft__domains_free(weft_sim *sim);

#endif
