/* The fluid engine, inside: its files and what they give each other. */
#ifndef WEFT_FLUID_I_H
#define WEFT_FLUID_I_H

#include <math.h>

#include "engine.h"

/* Its kinds of events, among those of all. What happens at one instant is filled once, at its end.
 */
enum {
  EV_FLUID_SENT = 1, /* source: slot whose last packet has left, for who waits for that */
  EV_FLUID_END = 2, /* source: 0; the next flow has sent all */
  EV_FLUID_DONE = 3, /* source: slot whose last bit arrives */
  EV_FLUID_GIVE_UP = 4, /* source: slot that has waited too long */
  EV_FLUID_FILL = 14 /* source: 0 */
};

/* Times closer than this are one: sums of doubles are not exact. A quarter of a fs. */
#define FLUID_SAME_PS 0x1p-12

/** The time from one to another, ps. */
static inline double fluid_between(struct fluid_time from, struct fluid_time to) {
  return (double)(to.ps - from.ps) + (to.part - from.part);
}

/** The first whole ps that is not before. */
static inline weft_time fluid_due(struct fluid_time time) {
  return time.ps + (time.part > FLUID_SAME_PS);
}

/** Later by so many ps. */
static inline struct fluid_time fluid_after(struct fluid_time time, double ps) {
  const double sum = time.part + ps;
  if (!(sum < (double)(LATEST_PS - time.ps))) return (struct fluid_time){LATEST_PS, 0};
  const double whole = floor(sum);
  return (struct fluid_time){time.ps + (weft_time)whole, sum - whole};
}

/** What each flow of a class has been served at a time, bits. */
static inline double fluid_service(const struct fluid_class *class, struct fluid_time time) {
  return class->service + class->rate * fluid_between(class->since, time);
}

static inline struct fluid_member *fluid_members(const weft_sim *sim, uint32_t class) {
  return &sim->fluid.members.at[(uint64_t) class * sim->fluid.width];
}

/** Ports of its way, with those of ACKs. */
static inline uint32_t fluid_hops(const struct fluid_share *share) {
  return (uint32_t)share->hops + share->ack_hops;
}

/* ends.c: which flow ends next, of a class and of all */

/** A flow joins its class, leaves it. */
void weft__fluid_end_add(weft_sim *sim, uint32_t slot);
void weft__fluid_end_remove(weft_sim *sim, uint32_t slot);

/** The rate of a class has changed, or its first flow: 0 when out of memory. */
int weft__fluid_end_moved(weft_sim *sim, uint32_t class);

/** A class has no end. */
void weft__fluid_end_none(weft_sim *sim, uint32_t class);

/* classes.c */

/** Room for classes with ways of so many ports; 0 when out of memory. */
int weft__fluid_widen(weft_sim *sim, uint32_t ports);

/** What a flow asks of the links of its way. */
struct fluid_claim {
  const uint32_t *path; /* data, then ACKs where these load links */
  uint32_t hops, ack_hops;
  double weight, cap;
};

/** Let a slot's flow have a share, with so many bits to send from now on. */
void weft__fluid_join(weft_sim *sim, uint32_t slot, const struct fluid_claim *claim, double bits);

/** It gives its share back at that time. */
void weft__fluid_leave(weft_sim *sim, uint32_t slot, struct fluid_time time);

/* fill.c */

/** The weights of a class's flows together; 0: it has none, or had none. */
void weft__fluid_load(weft_sim *sim, uint32_t class, double load);

/** More may be asked of a port, or it gives more or less. */
void weft__fluid_mark(weft_sim *sim, uint32_t port);

/** Less is asked of it. */
void weft__fluid_relieve(weft_sim *sim, uint32_t port);

/** Room for the order in which ports are looked at, once all are there; 0: no memory. */
int weft__fluid_tournament(weft_sim *sim);

/** A new class has a cap. */
void weft__fluid_mark_cap(weft_sim *sim, uint32_t class);

/** Share anew what has changed; rates are others from that time on. */
void weft__fluid_fill(weft_sim *sim, struct fluid_time time);

/** Whether a class has the most that links let it have: WEFT_OK or WEFT_EINTERNAL. */
int weft__fluid_check_shares(weft_sim *sim);

/* life.c */

void weft__fluid_launch(weft_sim *sim, uint32_t row);
void weft__fluid_event(weft_sim *sim, uint32_t kind, uint32_t source);
void weft__fluid_port_changed(weft_sim *sim, uint32_t port, unsigned what);
void weft__fluid_rerouted(weft_sim *sim);

/** Payload of an active flow up to now. */
uint64_t weft__fluid_delivered(const weft_sim *sim, uint32_t slot);

/** Bring what its ports and the totals have of it up to so much payload. */
void weft__fluid_count(weft_sim *sim, uint32_t slot, uint64_t payload);

#endif
