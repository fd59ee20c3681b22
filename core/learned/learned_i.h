/* The learned engine, inside: its files and what they give each other. */
#ifndef WEFT_LEARNED_I_H
#define WEFT_LEARNED_I_H

#include "engine.h"
#include "fluid/fluid_i.h"

/* watch.c: what is kept of ports and flows while rates change */

extern const struct fluid_watch weft__learned_watch;

/** Bring a port to the present. */
struct learned_port *weft__learned_port(weft_sim *sim, uint32_t port);

static inline struct learned_hop *learned_hops(const weft_sim *sim, uint32_t slot) {
  return &sim->learned.hops.at[(uint64_t)slot * sim->learned.width];
}

/* features.c */

/** How many there are of a flow, and of a link of its way. */
uint32_t weft__learned_flow_features(void);
uint32_t weft__learned_link_features(void);

/** Their names. */
const char *weft__learned_flow_feature(uint32_t i);
const char *weft__learned_link_feature(uint32_t i);

/** Of a flow that would be over at a time, as rates are now; of the links of its way. */
void weft__learned_features(weft_sim *sim, uint32_t slot, double done, float *flow, float *links);

#endif
