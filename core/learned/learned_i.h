/* The learned engine, inside: its files and what they give each other. */
#ifndef WEFT_LEARNED_I_H
#define WEFT_LEARNED_I_H

#include "engine.h"
#include "fluid_cc/fluid_cc.h"
#include "learn/math_i.h"
#include "learn/model.h"

static inline struct learned_hop *learned_hops(const weft_sim *sim, uint32_t slot) {
  return &sim->learned.hops.at[(uint64_t)slot * sim->learned.width];
}

/* features.c */

enum { LEARNED_FEATURES_MOST = 64 };

/** How many there are of a flow, and of a link of its way; their names. */
uint32_t weft__learned_flow_features(void);
uint32_t weft__learned_link_features(void);
const char *weft__learned_flow_feature(uint32_t i);
const char *weft__learned_link_feature(uint32_t i);

/** A port as it is now. */
struct learned_hop weft__learned_look(weft_sim *sim, uint32_t port);

/** Features of a flow that would be complete at a time, and of the links of its way. */
void weft__learned_features(weft_sim *sim, uint32_t slot, weft_time at, float *flow, float *links);

/* model.c */

/** Take the model that the simulation holds: WEFT_OK, or an error with a message. */
int weft__learned_take_model(weft_sim *sim);

/** The factor by which a flow takes longer than the fluid says. */
double weft__learned_factor(weft_sim *sim, const float *flow, const float *links, uint32_t n);

/** Note which features are outside of what the model was trained on. */
void weft__learned_watch_range(weft_sim *sim, const float *flow, const float *links,
                               uint32_t count);

#endif
