/* Partitions: what the engine tells acceleration, and what acceleration does. */
#ifndef WEFT_ZONE_H
#define WEFT_ZONE_H

#include "sim_i.h"

/* For the slot of each flow of a partition, which may be none. */
#define FOR_MEMBERS(slot, sim, partition)                                                       \
  for (uint32_t slot = (partition)->first, slot##s_left = (partition)->flows; slot##s_left > 0; \
       --slot##s_left, slot = (sim)->accel.members.at[slot].next)

static inline void partition_set_unarmed(weft_sim *sim, struct partition *z, int unarmed) {
  sim->accel.unarmed += (uint32_t)unarmed - z->unarmed;
  z->unarmed = (uint8_t)unarmed;
}

/* partition.c: what the engine tells */

/** A flow has a slot and its ways and has sent nothing there yet. */
void weft__partition_join(weft_sim *sim, uint32_t slot);

/** Its last byte has arrived. */
void weft__partition_received(weft_sim *sim, uint32_t slot);

/** It is over, or about to change its ways. */
void weft__partition_leave(weft_sim *sim, uint32_t slot);

/** Let partitions go on by packets: that of a port, all. */
void weft__partition_wake_port(weft_sim *sim, uint32_t port);
void weft__partitions_wake_all(weft_sim *sim);

/** A port of it has been paused or let go. */
void weft__partition_disturbed(weft_sim *sim, uint32_t port);

/** Ask to look at a partition; with its event, or without (some other event will come to it). */
void weft__partition_ask(weft_sim *sim, uint32_t partition, weft_time at);
void weft__partition_call(weft_sim *sim, uint32_t partition, weft_time at);

/** Go on with a partition that has come to the present outside its own event; look at it at `look`.
 */
void weft__partition_resume(weft_sim *sim, uint32_t partition, weft_time look);

/** A partition without flows, which is live; WEFT_NONE when out of memory. */
uint32_t weft__partition_new(weft_sim *sim);

/** Let a flow be another partition's. */
void weft__partition_take(weft_sim *sim, uint32_t slot, uint32_t partition);

/** From now on the events of a live partition are handled among all others. */
void weft__partition_go_live(weft_sim *sim, uint32_t partition);

/* look.c */

/** EV_PARTITION. */
void weft__partition_event(weft_sim *sim, uint32_t partition);

/** The credit before anything is simulated. */
void weft__credit_init(weft_sim *sim);

/** Take so many events' worth of work off the credit, if there is that much. */
int weft__afford(weft_sim *sim, int64_t cost);

/* steady.c */

/** theta, samples and period as the algorithm calls for, where the configuration does not say. */
void weft__steady_defaults(weft_sim *sim);

/** Forget what has been sampled of a partition. */
void weft__steady_begin(weft_sim *sim, uint32_t partition);

/** Until the next sample: a period, or longer where flows are slow. */
weft_time weft__steady_wait(const weft_sim *sim, uint32_t partition);

/** Take a sample if enough has come since the last. Returns whether there are enough to test. */
int weft__steady_sample(weft_sim *sim, uint32_t partition);

/** Whether all rates are steady over the samples; if so members have their rates, else there is
 *  room for more samples. */
int weft__steady_test(weft_sim *sim, uint32_t partition);

/* park.c */

/** Let depart on all its ports what has departed by a time, and list them in partition_ports. */
void weft__partition_settle(weft_sim *sim, uint32_t partition, weft_time time);

/** Why a partition cannot be parked now (enum weft_refusal), or -1. */
int weft__park_refusal(weft_sim *sim, uint32_t partition);

/** Stop simulating a partition. Its members have rates, if the phase is steady. */
void weft__park(weft_sim *sim, uint32_t partition, enum partition_phase phase);

/** Mark its ports, listed in partition_ports, and flows as parked or not. */
void weft__partition_mark(weft_sim *sim, uint32_t partition, int parked);

/** Let it go on, with its events up to and including `last` handled, which is now or just before.
 *  It is live then, and unarmed; or free, if all its flows have ended in a replay. */
void weft__unpark(weft_sim *sim, uint32_t partition, weft_time last);

/** Whether a flow has received all, or can be through before a transient by classes is worth its
 *  making; and whether one of a partition. */
int weft__is_near_end(const weft_sim *sim, uint32_t slot);
int weft__has_near_end(const weft_sim *sim, uint32_t partition);

/** When a flow can have sent so many more packets at the earliest, which is at line rate. */
weft_time weft__line_time(const weft_sim *sim, uint32_t slot, double packets);

/** When a flow may have so few packets left that its end is no part of a record. */
weft_time weft__close_time(const weft_sim *sim, uint32_t slot);

/** When the first flow of a parked partition must be simulated again. */
weft_time weft__park_end(const weft_sim *sim, uint32_t partition);

/* progress.c */

/** Packets by which a flow of a parked partition is further now than its state says. */
uint64_t weft__parked_sent(const weft_sim *sim, uint32_t slot);
uint64_t weft__parked_received(const weft_sim *sim, uint32_t slot);

/** Whether a flow makes progress that its state does not show. */
int weft__goes_on_unseen(const weft_sim *sim, uint32_t slot);

/** Bytes and packets that a parked port has sent since it was parked. */
uint64_t weft__parked_port(const weft_sim *sim, uint32_t port, uint64_t *packets);

/** Add what parked flows have done since. */
void weft__parked_stats(const weft_sim *sim, weft_stats *stats);

/* apart.c */

/** Go on with a live partition by itself, if that is possible and pays. Returns whether. */
int weft__apart_begin(weft_sim *sim, uint32_t partition);

/** Simulate a partition that is apart through `last`; it stays apart, unless it is free then. */
void weft__apart_catch_up(weft_sim *sim, uint32_t partition, weft_time last);

/** The same for all of them, for who looks at what they hold. `last` is now if nothing else of this
 *  instant is to come, else just before: what a flow's end brings about must come in its turn. */
void weft__apart_catch_up_all(weft_sim *sim, weft_time last);

/** Its events through `last`; it is live and unarmed then, or free if all its flows have ended. */
void weft__apart_end(weft_sim *sim, uint32_t partition, weft_time last);

/* crew.c */

/** Simulate all partitions that are apart through `last` on several threads, if there are and it
 * pays. None comes to where it is to be looked at by then. */
void weft__crew_advance(weft_sim *sim, weft_time last);

/** Let the threads go, until they are needed again. */
void weft__crew_rest(weft_sim *sim);

/* exact.c */

/** Note the state of each flow of a partition; its ports are listed and settled. 0: no memory. */
int weft__exact_note(weft_sim *sim, uint32_t partition);

/** Is the end of a flow with so many packets left to send too far away to matter to its state? */
int weft__is_far(const weft_sim *sim, uint32_t slot, uint32_t left);

/* tail.c */

/** When the last data packet of a flow of a partition, or the last ACK of one that has received
 * all, can have crossed its way: at the earliest, and exactly if it is on its last wire. */
weft_time weft__tail_time(const weft_sim *sim, uint32_t partition);

/* shift.c */

/** List the ports of a partition in partition_ports; as a visit whose number is no other's. */
void weft__partition_list_ports(weft_sim *sim, uint32_t partition);
void weft__partition_list_ports_as(weft_sim *sim, uint32_t partition, uint32_t visit);

/** Move all that a partition knows of the past by a time, its flows by members.skip packets and its
 *  ports by port_shares.bytes. */
void weft__partition_shift(weft_sim *sim, uint32_t partition, weft_time time);

/** The same for flows that have gone on at constant rates; counts what has been skipped. */
void weft__partition_advance(weft_sim *sim, uint32_t partition, weft_time time);

/** What the congestion control of a flow would be, had the present been time 0 and `bytes` more
 *  been sent: cc_words words at `moved`. */
void weft__cc_from_now(weft_sim *sim, uint32_t slot, uint64_t bytes, uint64_t *moved);

/** Packets and bytes of data that a flow has sent, and packets that it has received, have gone
 *  through its ports. */
void weft__share_out(weft_sim *sim, uint32_t slot, int64_t sent, int64_t bytes, int64_t received);

/** Ask for all events of a partition. */
void weft__partition_arm(weft_sim *sim, uint32_t partition);

/** Count packets skipped of a flow: so many sent, received, acknowledged. */
void weft__count_skipped(weft_sim *sim, uint32_t slot, uint64_t sent, uint64_t received,
                         uint64_t acked);

/* replay.c */

/** Simulate a partition that is not marked as parked by itself, from parked_at through `last`. None
 * of its events is in the queue then. */
void weft__replay(weft_sim *sim, uint32_t partition, weft_time last);

/* audit.c */

/** Whether a span of a partition that is parked at a time is among those that are audited. */
int weft__audit_is_drawn(const weft_sim *sim, uint32_t partition, weft_time parked_at);

/** Replay the span of a partition that ends now on a copy and compare. */
void weft__audit(weft_sim *sim, uint32_t partition);

/** Simulate the flows of a partition that is about to be parked on a copy, to their end. */
void weft__audit_flows(weft_sim *sim, uint32_t partition);

/** What has come of those that are over. */
void weft__audit_report(const weft_sim *sim, weft_acceleration *out);

/* memo.c */

/** Look up the pattern of a partition that is conflict `index` of sim->accel.divided: park it, or
 * begin a record. 0 if its transient is known but too long for what its flows have left. */
int weft__memo_look_up(weft_sim *sim, uint32_t partition, uint32_t index);

/** The transient of a partition is over: rates are steady, and members have them; or it is as far
 * as it can be known, since a flow is about to end or another comes. Completes its record, if any.
 */
void weft__memo_close(weft_sim *sim, uint32_t partition, int steady);

/** When a record that a partition makes must be closed, if it is not before: so that no end of a
 * flow is part of it. In the past if that is so now. */
weft_time weft__memo_close_time(const weft_sim *sim, uint32_t partition);

/** Whether the record that a partition makes or goes by is one of its state. */
int weft__memo_is_exact(const weft_sim *sim, uint32_t partition);

/** It has changed before it was over. */
void weft__memo_drop(weft_sim *sim, uint32_t partition);

/** Behind a replay: who follows a record that was dropped in it goes on by itself. */
void weft__memo_bury(weft_sim *sim);

/** Until when no flow of a partition that follows a record can be through: it does what the leader
 * has done, and no more than line rate from now on. */
weft_time weft__follow_end(weft_sim *sim, uint32_t partition);

/** The slots of a partition by the flows of its record, from the arena; NULL when out of memory. */
const uint32_t *weft__partition_slots(weft_sim *sim, uint32_t partition);

/** Whether a parked partition is steady behind its known transient. */
int weft__memo_is_steady(const weft_sim *sim, uint32_t partition);

/** The end of a known transient, at which a partition is put by its record. */
weft_time weft__memo_end(const weft_sim *sim, uint32_t partition);
void weft__memo_install(weft_sim *sim, uint32_t partition);

/** Packets that flow sends in the known transient. */
uint32_t weft__memo_sent(const weft_sim *sim, uint32_t slot);

#endif
