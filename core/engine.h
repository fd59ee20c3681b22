/* What the rest of the core asks of an engine, the model that moves the bytes of flows. */
#ifndef WEFT_ENGINE_H
#define WEFT_ENGINE_H

#include "sim_i.h"

/* What a change has done to a port of the fabric. */
enum port_change {
  CHANGED_LOSS = 1,
  CHANGED_RATE = 2, /* it has another rate, has failed or is back: see fabric_port.down */
  CHANGED_DELAY = 4, /* of its impairment */
  CHANGED_BURSTS = 8
};

struct engine_ops {
  const char *name;
  /* The configuration has been checked: take from it what is needed. Returns a status. */
  int (*create)(weft_sim *sim);
  /* A link has been added to the fabric, which counts it afterwards. Returns a status. */
  int (*link_added)(weft_sim *sim, uint32_t link);
  /* The fabric is closed. Returns a status; WEFT_ENOMEM without a message. */
  int (*ready)(weft_sim *sim);
  /* The fabric is about to change. */
  void (*change_begins)(weft_sim *sim);
  /* A port has changed: a mask of enum port_change. */
  void (*port_changed)(weft_sim *sim, uint32_t port, unsigned what);
  /* Ways have changed, as routing has noticed something. */
  void (*rerouted)(weft_sim *sim);
  /* A PFC storm begins or ends a pause. */
  void (*storm)(weft_sim *sim, uint32_t change);
  /* All that the change has done is known; of a link, or WEFT_NONE. */
  void (*change_ends)(weft_sim *sim, uint32_t link);
  /* Fill in what the engine knows of a port. */
  void (*port_info)(const weft_sim *sim, uint32_t port, weft_port_info *info);
};

#endif
