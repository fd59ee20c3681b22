/* The packet engine: every packet, hop by hop. Its table of functions is in engine.c. */
#ifndef WEFT_PACKET_H
#define WEFT_PACKET_H

#include "engine.h"

/* build.c: see struct engine_ops. */

int weft__packet_create(weft_sim *sim);
int weft__packet_link_added(weft_sim *sim, uint32_t link);
int weft__packet_ready(weft_sim *sim);
void weft__packet_port_info(const weft_sim *sim, uint32_t port, weft_port_info *info);

/* reaction.c: what changes of the fabric do to packets, see struct engine_ops. */

void weft__packet_port_changed(weft_sim *sim, uint32_t port, unsigned what);
void weft__packet_storm(weft_sim *sim, uint32_t change);
void weft__packet_change_ends(weft_sim *sim, uint32_t link);

/* swap.c */

/** A run begins: if there is another congestion control since the last, let flows begin anew. */
void weft__packet_swap_cc(weft_sim *sim);

/* loop.c */

int weft__packet_run(weft_sim *sim, const struct turn *turn);

/** See part_run() in packet/hooks.h. */
int weft__packet_run_part(weft_sim *part, weft_time end, int how);

/* check.c */

int weft__packet_check(weft_sim *sim);

/* totals.c */

/** Let depart on all ports what has departed: marks are made at departures. */
void weft__packet_settle(weft_sim *sim);

/** Add what running totals do not have. */
void weft__packet_stats(weft_sim *sim, weft_stats *stats);

#endif
