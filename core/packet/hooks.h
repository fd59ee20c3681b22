/* What acceleration and domains are told, and asked, by the packet engine that they belong to.
 *
 * Both are extras: ports and transport work without knowing of them. Each is a table of functions
 * that the engine calls at the few places where something happens that matters to it, and no table
 * where it is not in use: then a place costs a load and a branch. accel/acceleration.c installs the
 * one, domains/threads.c the other. Flags of the engine's own state (PORT_PARKED, TX_PARKED,
 * PORT_BORDER) say which ports and flows are concerned, so a packet asks for nothing more. */
#ifndef WEFT_PACKET_HOOKS_H
#define WEFT_PACKET_HOOKS_H

#include "sim_i.h"

/* Acceleration: what it is told of flows and ports, and what it knows of those it skips. */
struct accel_hooks {
  /* A flow has a slot and its ways, and has sent nothing there yet; its last byte has arrived; it
   * is over, or about to change its ways. */
  void (*joined)(weft_sim *sim, uint32_t slot);
  void (*received)(weft_sim *sim, uint32_t slot);
  void (*left)(weft_sim *sim, uint32_t slot);
  /* Something is about to touch a port that may be parked; any. All is as it should be then. */
  void (*wake_port)(weft_sim *sim, uint32_t port);
  void (*wake_all)(weft_sim *sim);
  /* A port has been paused or let go. */
  void (*disturbed)(weft_sim *sim, uint32_t port);
  /* EV_PARTITION. */
  void (*event)(weft_sim *sim, uint32_t partition);
  /* Let state show all that has happened through `last`, which is now if nothing else of this
   * instant is to come, else just before: what a flow's end brings about must come in its turn. */
  void (*catch_up)(weft_sim *sim, weft_time last);
  /* No more is run for now: let threads go. */
  void (*rest)(weft_sim *sim);
  /* Whether something goes on of which no event is in the queue; how many events of its own are,
   * which alone keep no run alive. */
  int (*is_busy)(const weft_sim *sim);
  uint32_t (*events)(const weft_sim *sim);
  /* Packets that a parked flow has received beyond what its state says; whether it makes progress
   * that its state does not show. */
  uint64_t (*parked_received)(const weft_sim *sim, uint32_t slot);
  int (*goes_on_unseen)(const weft_sim *sim, uint32_t slot);
  /* Bytes and packets that a parked port has sent since it was parked. */
  uint64_t (*parked_port)(const weft_sim *sim, uint32_t port, uint64_t *packets);
  /* Add what parked flows have done since. */
  void (*parked_stats)(const weft_sim *sim, weft_stats *stats);
  /* What a switch counts for the queue of one of its ports, bytes. */
  uint64_t (*held)(const weft_sim *sim, uint32_t port);
  /* Rows of the table of spans. */
  const struct span_row *(*spans)(const weft_sim *sim, uint32_t *count);
};

/* The domain of a view: what it has for others. */
struct domain_hooks {
  /* A packet has left the network. Whether its flow's sender is another domain's, which hears. */
  int (*gone)(weft_sim *view, uint32_t slot);
  /* An event at the near end of a port, which is another domain's. */
  void (*send_event)(weft_sim *view, uint32_t port, struct event event);
  /* A flow fails: what its receiver made of it is settled when the views are merged. */
  void (*failed)(weft_sim *view, uint32_t slot);
  /* A ring of a border has been outgrown: it is free when the far end has ceased to read it. */
  void (*retire_ring)(weft_sim *view, uint32_t log2, uint32_t ring);
};

/* What both ask of the engine is one thing: to handle the events of a part of the simulation by
 * themselves, be it of a domain or of a partition. */
enum part_run {
  RUN_IDLE = 1, /* timers even if only those are left */
  RUN_UNFED = 2 /* take memory from the pools, which nobody else uses meanwhile */
};

/** Those of `part`'s queue before `end`. Returns 0 if it stopped short of memory. */
static inline int part_run(weft_sim *part, weft_time end, int how) {
  return part->packet.run_part(part, end, how);
}

static inline int accel_is_on(const weft_sim *sim) {
  return sim->packet.accel_hooks != NULL;
}

static inline void accel_joined(weft_sim *sim, uint32_t slot) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->joined(sim, slot);
}

static inline void accel_received(weft_sim *sim, uint32_t slot) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->received(sim, slot);
}

static inline void accel_left(weft_sim *sim, uint32_t slot) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->left(sim, slot);
}

static inline void accel_wake_port(weft_sim *sim, uint32_t port) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->wake_port(sim, port);
}

static inline void accel_wake_all(weft_sim *sim) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->wake_all(sim);
}

static inline void accel_disturbed(weft_sim *sim, uint32_t port) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->disturbed(sim, port);
}

static inline void accel_event(weft_sim *sim, uint32_t partition) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->event(sim, partition);
}

static inline void accel_catch_up(weft_sim *sim, weft_time last) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->catch_up(sim, last);
}

static inline void accel_rest(weft_sim *sim) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->rest(sim);
}

static inline int accel_is_busy(const weft_sim *sim) {
  return accel_is_on(sim) && sim->packet.accel_hooks->is_busy(sim);
}

static inline uint32_t accel_events(const weft_sim *sim) {
  return accel_is_on(sim) ? sim->packet.accel_hooks->events(sim) : 0;
}

static inline uint64_t accel_parked_received(const weft_sim *sim, uint32_t slot) {
  const int parked = accel_is_on(sim) && sim->packet.tx.at[slot].flags & TX_PARKED;
  return parked ? sim->packet.accel_hooks->parked_received(sim, slot) : 0;
}

static inline int accel_goes_on_unseen(const weft_sim *sim, uint32_t slot) {
  const int parked = accel_is_on(sim) && sim->packet.tx.at[slot].flags & TX_PARKED;
  return parked && sim->packet.accel_hooks->goes_on_unseen(sim, slot);
}

static inline uint64_t accel_parked_port(const weft_sim *sim, uint32_t port, uint64_t *packets) {
  const int parked = accel_is_on(sim) && sim->packet.ports.at[port].flags & PORT_PARKED;
  *packets = 0;
  return parked ? sim->packet.accel_hooks->parked_port(sim, port, packets) : 0;
}

static inline void accel_parked_stats(const weft_sim *sim, weft_stats *stats) {
  if (accel_is_on(sim)) sim->packet.accel_hooks->parked_stats(sim, stats);
}

static inline uint64_t accel_held(const weft_sim *sim, uint32_t port) {
  return accel_is_on(sim) ? sim->packet.accel_hooks->held(sim, port)
                          : sim->packet.ports.at[port].queue_bytes;
}

static inline const struct span_row *accel_spans(const weft_sim *sim, uint32_t *count) {
  *count = 0;
  return accel_is_on(sim) ? sim->packet.accel_hooks->spans(sim, count) : NULL;
}

#endif
