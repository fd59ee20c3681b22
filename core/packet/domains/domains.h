/* The engine, as the rest of the core sees it. */
#ifndef WEFT_DOMAINS_H
#define WEFT_DOMAINS_H

#include "sim_i.h"

/** Run ahead on several threads as far as that is possible and pays: some `budget` events at most.
 *  WEFT_OK or a negative status. */
int weft__domains_run(weft_sim *sim, weft_time limit, uint64_t budget);

/** Free what a run on several threads has kept. */
void weft__domains_free(weft_sim *sim);

/* For a view (sim->domains.index != 0) inside a window; see domain.h. */

/** Which domain, from 1, a flow's sender is in. */
uint32_t weft__domain_of_slot(const weft_sim *view, uint32_t slot);

/** Tell the domain of a port's near end of an event there. */
void weft__domain_send_event(weft_sim *view, uint32_t port, struct event event);

/** Tell the domain of a flow's sender that a packet is gone. */
void weft__domain_send_gone(weft_sim *view, uint32_t slot);

/** The flow of a slot fails: what its receiver made of it is settled when the views are merged. */
void weft__domain_note_failed(weft_sim *view, uint32_t slot);

/** Give a ring free when the far end has ceased to read it. */
void weft__domain_retire_ring(weft_sim *view, uint32_t log2, uint32_t ring);

#endif
