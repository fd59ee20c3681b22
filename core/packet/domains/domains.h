/* Several threads, as the packet engine sees them; what ports and transport see is
 * packet/hooks.h. */
#ifndef WEFT_DOMAINS_H
#define WEFT_DOMAINS_H

#include "sim_i.h"

/** Run ahead on several threads as far as that is possible and pays: some `budget` events at most.
 *  WEFT_OK or a negative status. */
int weft__domains_run(weft_sim *sim, weft_time limit, uint64_t budget);

/** Free what a run on several threads has kept. */
void weft__domains_free(weft_sim *sim);

#endif
