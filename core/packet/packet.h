/* The packet engine: every packet, hop by hop. Its table of functions is in engine.c. */
#ifndef WEFT_PACKET_H
#define WEFT_PACKET_H

#include "engine.h"

/* loop.c */

int weft__packet_run(weft_sim *sim, const struct turn *turn);

/* check.c */

int weft__packet_check(weft_sim *sim);

/* engine.c */

/** Let depart on all ports what has departed: marks are made at departures. */
void weft__packet_settle(weft_sim *sim);

/** Add what running totals do not have. */
void weft__packet_stats(weft_sim *sim, weft_stats *stats);

#endif
