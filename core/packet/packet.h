/* The packet model: one engine, of all that a packet touches. */
#ifndef WEFT_PACKET_H
#define WEFT_PACKET_H

#include "engine.h"

extern const struct engine_ops weft__packet_engine;

/* build.c: see struct engine_ops. */

int weft__packet_create(weft_sim *sim);
int weft__packet_link_added(weft_sim *sim, uint32_t link);
int weft__packet_ready(weft_sim *sim);
void weft__packet_port_info(const weft_sim *sim, uint32_t port, weft_port_info *info);

/* reaction.c: what changes of the fabric do to packets, see struct engine_ops. */

void weft__packet_port_changed(weft_sim *sim, uint32_t port, unsigned what);
void weft__packet_storm(weft_sim *sim, uint32_t change);
void weft__packet_change_ends(weft_sim *sim, uint32_t link);

#endif
