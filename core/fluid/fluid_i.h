/* The fluid engine, inside: its files and what they give each other. */
#ifndef WEFT_FLUID_I_H
#define WEFT_FLUID_I_H

#include <math.h>

#include "engine.h"

/* Its kinds of events, among those of all. Of ENDS and FILL there is one at most, so they are never
 * in the queue, and nothing is left there of an end that has been put off: see run.c. */
enum {
  EV_FLUID_SENT = 1, /* source: slot whose last packet has left, for who waits for that */
  EV_FLUID_ENDS = 2, /* flows have sent all */
  EV_FLUID_DONE = 3, /* source: slot whose last bit arrives */
  EV_FLUID_GIVE_UP = 4, /* source: slot that has waited too long */
  EV_FLUID_FILL = 14 /* what has changed in this instant is shared anew */
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
  const weft_time whole = (weft_time)sum; /* it is not negative */
  return (struct fluid_time){time.ps + whole, sum - (double)whole};
}

/** What each flow of a class has been served at a time, bits. */
static inline double fluid_service(const struct fluid_class *class, struct fluid_time time) {
  return class->service + class->rate * fluid_between(class->since, time);
}

/** The class whose first flow ends next; NULL: there is none. */
static inline const struct fluid_due *fluid_next(const weft_sim *sim) {
  return sim->fluid.ends.n == 0 ? NULL : &sim->fluid.ends.at[0];
}

static inline struct fluid_member *fluid_members(const weft_sim *sim, uint32_t class) {
  return &sim->fluid.members.at[(uint64_t) class * sim->fluid.width];
}

/** Ports of its way, with those of ACKs. */
static inline uint32_t fluid_hops(const struct fluid_share *share) {
  return (uint32_t)share->hops + share->ack_hops;
}

/* blocks.c */

/** A block has twice the room, or that of `least` if there is none yet, and what was in it. 0 when
 *  out of memory. */
int weft__fluid_grow(weft_sim *sim, uint32_t *block, uint8_t *room, uint8_t least);

/** One that is needed no more; or WEFT_NONE. */
void weft__fluid_give_back(weft_sim *sim, uint32_t block, uint32_t room);

/** A port's list of classes. */
static inline uint32_t *fluid_list(const weft_sim *sim, const struct fluid_port *port) {
  return (uint32_t *)(void *)&sim->fluid.units.at[port->list];
}

/* ends.c: which flow ends next, of a class and of all */

/** A flow joins its class (0 when out of memory), leaves it. */
int weft__fluid_end_add(weft_sim *sim, uint32_t slot);
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

/** A class has more flows or fewer, and some: its share is to be found anew. */
void weft__fluid_ask(weft_sim *sim, uint32_t class);

/** Share anew what has changed; rates are others from that time on. */
void weft__fluid_fill(weft_sim *sim, struct fluid_time time);

/** Whether a class has the most that links let it have: WEFT_OK or WEFT_EINTERNAL. */
int weft__fluid_check_shares(weft_sim *sim);

/* alone.c */

/** Whether nobody else uses a port of its way. */
int weft__fluid_is_alone(const weft_sim *sim, uint32_t class);

/** Its share, and what is asked of its ports, if it is alone there. */
void weft__fluid_fill_alone(weft_sim *sim, uint32_t class);

/** It was alone on its ports, and leaves. */
void weft__fluid_leave_empty(weft_sim *sim, uint32_t class);

/* run.c */

int weft__fluid_run(weft_sim *sim, const struct turn *turn);

/* life.c */

void weft__fluid_launch(weft_sim *sim, uint32_t row);

/** An event of the queue. */
void weft__fluid_event(weft_sim *sim, uint32_t kind, uint32_t source);

/** Let all that have sent all by now end, each at its time. */
void weft__fluid_catch_up(weft_sim *sim);

void weft__fluid_port_changed(weft_sim *sim, uint32_t port, unsigned what);
void weft__fluid_rerouted(weft_sim *sim);

/** Bytes on the wire for so much payload of a flow, and of ACKs for it. */
uint64_t weft__fluid_frames(const weft_sim *sim, uint32_t row, uint64_t payload);
uint64_t weft__fluid_acks(const weft_sim *sim, uint32_t row, uint64_t payload);

/** Payload of an active flow up to now. */
uint64_t weft__fluid_delivered(const weft_sim *sim, uint32_t slot);

/** Bring what its ports and the totals have of it up to so much payload. */
void weft__fluid_count(weft_sim *sim, uint32_t slot, uint64_t payload);

#endif
