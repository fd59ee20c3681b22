/* One simulation on several threads, with the results of one.
 *
 * The nodes are divided into domains. A domain is worked on by one thread through a view: a
 * weft_sim of its own clock, event queue, counters and free lists, whose other pools are those of
 * the simulation itself. So the model's code is the same for both, and one thread pays nothing.
 *
 * A domain owns its nodes, the near ends of their ports, the senders of flows that start at its
 * hosts and the receivers of flows that end there. Ports that lead to another domain are borders.
 * What leaves over a border before t arrives after t + its delay, so with the least such delay as
 * lookahead, domains are independent within a window of that length (conservative synchronisation:
 * Chandy and Misra 1979; windows as in Nicol 1993). After each window domains take over what has
 * come to them, and idle times are jumped. Events are in total order by (time, kind, source), and
 * what domains share is only summed; so results do not depend on the number of threads.
 *
 * What concerns all at once (changes of links, samples, tasks) happens between windows: the views
 * are merged into the simulation, which then goes on by itself for that instant. */
#ifndef WEFT_DOMAIN_H
#define WEFT_DOMAIN_H

#include <pthread.h>
#include <stdatomic.h>

#include "packet/domains/domains.h"

enum { DOMAINS_MAX = 64 };

/* What each view has for itself. Of the packets it has a stretch at the end of the shared pool. */
#define PRIVATE_POOLS(X)        \
  QUEUE_POOLS(X, queues[0])     \
  X(flow, free_slots, uint32_t) \
  X(packet, telemetry_free, uint32_t)

/* A port whose ends are in different domains. The near end appends to the ring, the far end takes
 * from it as far as the last window has brought packets onto the wire. While it is a border, the
 * port's head lags by one, so that its ring is never empty and it asks for no arrivals. */
struct border {
  uint32_t port, near, far; /* domains from 0 */
  uint32_t ring, ring_log2; /* as the far end sees them */
  uint32_t head, limit;
  uint32_t to_node, flags; /* of the port */
};

/* What one domain has for another, and takes effect at the end of a window. */
enum message_kind {
  MESSAGE_EVENT, /* an event of the receiver, a PFC frame */
  MESSAGE_GONE, /* a packet of a flow that starts at the receiver has left the network */
  MESSAGE_RING /* to itself: a ring of a border that has been outgrown */
};

struct message {
  struct event event; /* MESSAGE_GONE: slot in key; MESSAGE_RING: log2 in time, ring in key */
  uint64_t kind;
};

/* Of one domain, written by its thread, read by all after a barrier. */
struct domain_state {
  weft_time next; /* its earliest event or departure over a border; INT64_MAX: idle */
  uint32_t stalled; /* needs memory of the shared pools before it can go on */
  uint32_t unused[13];
};

struct domains {
  weft_sim *sim; /* the simulation itself */
  uint32_t count, raised; /* domains; borders that are */
  uint32_t stop, broken; /* after this window; at once, since memory has run out */
  weft_time lookahead, until, next_start;
  uint64_t budget, retry_at; /* events */
  weft_sim *view[DOMAINS_MAX];
  struct domain_state state[DOMAINS_MAX];
  WEFT_POOL(uint32_t) owner; /* of a node */
  WEFT_POOL(struct border) borders;
  WEFT_POOL(uint32_t) border_of; /* of a port */
  WEFT_POOL(struct event) moved;
  WEFT_POOL(struct event) failed[DOMAINS_MAX]; /* flows: when, slot << 32 | row */
  WEFT_POOL(struct message) outbox[DOMAINS_MAX][DOMAINS_MAX]; /* from, to */
  struct crew *crew; /* of an accelerated run, whose views have no domain: see
                        packet/accel/partitions/crew.c */
  void (*free_crew)(struct domains *domains);
  pthread_mutex_t memory; /* the allocator need not be safe for threads */
  weft_allocator locked;
  atomic_uint threads, arrived, phase; /* the barrier */
};

/* partition.c */

/** Divide the nodes into at most `count` domains of like work with long borders: fills owner,
 *  count, borders and lookahead. Count is 1 when that cannot be. WEFT_OK or WEFT_ENOMEM. */
int weft__domains_divide(struct domains *domains, uint32_t count);

/* views.c: between the simulation and its views */

/** Give the state of the simulation to the views. WEFT_OK or WEFT_ENOMEM. */
int weft__domains_split(struct domains *domains);
/** Take it back. */
void weft__domains_merge(struct domains *domains);
/** Let a view know what has changed of the fabric. */
void weft__view_see(const weft_sim *sim, weft_sim *view);
/** Let a view begin with nothing. */
void weft__view_begin(struct domains *domains, uint32_t index);
/** Add what a view has counted to the simulation, and count anew. */
void weft__view_add_up(weft_sim *sim, weft_sim *view);
/** Take back the memory that it has not used. */
void weft__view_give_back(weft_sim *sim, weft_sim *view);
/** Let the views see shared pools that have grown. WEFT_OK or WEFT_ENOMEM. */
int weft__domains_refresh(struct domains *domains);
/** Give stalled domains memory. WEFT_OK or WEFT_ENOMEM. */
int weft__domains_feed(struct domains *domains);

/* domain.c: between one domain and another */

/** End of a window, near end: what has left is on the wire. */
void weft__domain_settle(struct domains *domains, uint32_t index, weft_time end);
/** End of a window, far end: take over what has come. */
void weft__domain_import(struct domains *domains, uint32_t index);

/** What a view does where another domain is concerned. */
extern const struct domain_hooks weft__domain_hooks;

/** Which domain, from 1, a flow's sender is in. */
uint32_t weft__domain_of_slot(const weft_sim *view, uint32_t slot);

/* The domain, from 0, of a port's near end. */
static inline uint32_t domain_of_port(const struct domains *domains, uint32_t port) {
  return domains->owner.at[domains->sim->packet.ports.at[port].from_node];
}

enum { PACKETS_NEEDED_LOG2 = 2 };

/* Packets that an event of the view may need: one ring is outgrown at most, and doubles. */
static inline uint32_t packets_needed(const weft_sim *view) {
  return 1u << (view->packet.largest_ring + PACKETS_NEEDED_LOG2);
}

/* Whether the shared memory that a domain has suffices for its next event. */
static inline int domain_is_fed(const weft_sim *view) {
  return view->packet.telemetry_free.n >= view->packet.blocks_needed &&
         view->packet.packets.cap - view->packet.packets.n >= packets_needed(view);
}

/* The domain can do nothing by itself: only timers are left. */
static inline int domain_is_idle(const weft_sim *view) {
  if (view->queue->count == view->packet.cc_events) return 1;
  return view->flow.active == 0 &&
         view->queue->count == view->packet.cc_events + view->packet.rto_events;
}

/* threads.c; more of it is in domains.h */

/** A view for each thread; of a domain each, as many as there can be, or for partitions. NULL when
 * out of memory. They are sim->domains.shared then. */
struct domains *weft__domains_make(weft_sim *sim, int for_partitions);

/** Work was shared out to so many threads; why it was not to all that were asked for. */
static inline void threads_were_used(weft_sim *sim, uint32_t threads) {
  if (threads > sim->domains.threads_used) sim->domains.threads_used = threads;
}
static inline void threads_why(weft_sim *sim, enum weft_threads_why why) {
  sim->domains.threads_why = why;
}

#endif
