/* The groups that flows are in just now, and what is done with each.
 *
 * A partition is a conflict (contention/) that is kept up to date as flows start, end and change
 * their ways (partition.c, set.c). It is looked at again and again (look.c), on credit (credit.c):
 * if its transient is known (known.c) or its rates are steady (steady.c), and nothing speaks
 * against it (refusal.c), it is parked until then (park.c), and put where it has got to when
 * something comes to it; what nobody knows is simulated by itself (replay.c). So is what is live,
 * if that pays (apart.c), on several threads (crew.c). How far parked flows are is in progress.c;
 * some of what is skipped is simulated all the same and compared (audit.c). Phases change in
 * phase.c only. Below, each file calls only those that are named before it: first what a partition
 * is, then what can be done with one, then who decides it. */
#ifndef WEFT_PARTITIONS_H
#define WEFT_PARTITIONS_H

#include "packet/accel/memo/memo.h"

/* phase.c */

/** Let a partition change its phase, with what that means to it and to the counts of all. */
void weft__partition_become(weft_sim *sim, uint32_t partition, enum partition_phase phase);

/** Whether its events are not in the queue, though it is live: for a part of this instant. */
void weft__partition_set_unarmed(weft_sim *sim, struct partition *p, int unarmed);

/* set.c */

/** Ask to look at a partition; with its event, or without (some other event will come to it). */
void weft__partition_ask(weft_sim *sim, uint32_t partition, weft_time at);
void weft__partition_call(weft_sim *sim, uint32_t partition, weft_time at);

/** Go on with a partition that has come to the present outside its own event; look at it at `look`.
 */
void weft__partition_resume(weft_sim *sim, uint32_t partition, weft_time look);

/** A partition without flows, which is live; WEFT_NONE when out of memory. */
uint32_t weft__partition_new(weft_sim *sim);

/** Give back the number of one that has no flows any more, nor a record. */
void weft__partition_free(weft_sim *sim, uint32_t partition);

/** Let a flow be in a partition, in none, in another one. */
void weft__partition_link(weft_sim *sim, uint32_t partition, uint32_t slot);
void weft__partition_unlink(weft_sim *sim, uint32_t slot);
void weft__partition_take(weft_sim *sim, uint32_t slot, uint32_t partition);

/** Let the ports of a flow be a partition's, and `users` more or fewer take them. */
void weft__partition_own(weft_sim *sim, uint32_t slot, uint32_t partition, int users);

/** Mark its ports, listed in partition_ports, and flows as parked or not. */
void weft__partition_mark(weft_sim *sim, uint32_t partition, int parked);

/** From now on the events of a live partition are handled among all others. */
void weft__partition_go_live(weft_sim *sim, uint32_t partition);

/* credit.c */

/** The credit before anything is simulated. */
void weft__credit_init(weft_sim *sim);

/** Take so many events' worth of work off the credit, if there is that much. */
int weft__afford(weft_sim *sim, int64_t cost);

/** Whether there is enough to look at states, and some left for patterns by classes. */
int weft__credit_is_ample(const weft_sim *sim);

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

/* refusal.c */

/** Why a partition cannot be parked now (enum weft_refusal), or -1. Its ports are settled then. */
int weft__park_refusal(weft_sim *sim, uint32_t partition);

/** When the first flow of a parked partition must be simulated again. */
weft_time weft__park_end(const weft_sim *sim, uint32_t partition);

/** The round trip in which a flow sends its fixed window once, in a burst, if that does not fill
 *  its way: the one of an empty way, as what meets a queue comes later each time, until it meets
 *  none. 0 of other flows. */
weft_time weft__burst_rtt(const weft_sim *sim, uint32_t slot);

/** The time in which each flow of a partition at constant rates sends its window once, behind which
 *  all is again as it is now: bursts lie to each other as they did. 0 where flows have none, or
 *  where that is not the same for all to the ps. Its members have rates. */
weft_time weft__park_beat(const weft_sim *sim, uint32_t partition);

#define CLOCKWORK 1e-7 /* how far a rate is known that is one packet after the other */

/* steady.c */

/** theta, samples and period as the algorithm calls for, where the configuration does not say. */
void weft__steady_defaults(weft_sim *sim);

/** Forget what has been sampled of a partition. */
void weft__steady_begin(weft_sim *sim, uint32_t partition);

/** Until the first look at whether there is something to sample. */
weft_time weft__steady_first_wait(const weft_sim *sim, uint32_t partition);

/** Until the next sample: a period, or longer where flows are slow. */
weft_time weft__steady_wait(const weft_sim *sim, uint32_t partition);

/** Take a sample if enough has come since the last. Returns whether there are enough to test. */
int weft__steady_sample(weft_sim *sim, uint32_t partition);

/** Whether all rates are steady over the samples; if so members have their rates, else there is
 *  room for more samples. */
int weft__steady_test(weft_sim *sim, uint32_t partition);

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

/* crew.c */

/** Simulate all partitions that are apart through `last` on several threads, if there are and it
 * pays. None comes to where it is to be looked at by then. */
void weft__crew_advance(weft_sim *sim, weft_time last);

/** Let the threads go, until they are needed again. */
void weft__crew_rest(weft_sim *sim);

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

/* park.c */

/** Stop simulating a partition. Its members have rates, if the phase is steady. */
void weft__park(weft_sim *sim, uint32_t partition, enum partition_phase phase);

/** Let it go on, with its events up to and including `last` handled, which is now or just before.
 *  It is live then, and unarmed; or free, if all its flows have ended in a replay. */
void weft__unpark(weft_sim *sim, uint32_t partition, weft_time last);

/* known.c */

/** Look up the pattern of a partition that is conflict `index` of sim->accel.divided: park it, or
 * begin a record. 0 if its transient is known but too long for what its flows have left. */
int weft__known_look_up(weft_sim *sim, uint32_t partition, uint32_t index);

/** The transient of a partition is over: rates are steady, and members have them; or it is as far
 * as it can be known, since a flow is about to end or another comes. Completes its record, if any.
 */
void weft__known_close(weft_sim *sim, uint32_t partition, int steady);

/** It has changed before it was over. */
void weft__known_drop(weft_sim *sim, uint32_t partition);

/** Until when no flow of a partition that follows a record can be through: it does what the leader
 * has done, and no more than line rate from now on. */
weft_time weft__known_follow_end(weft_sim *sim, uint32_t partition);

/** weft__unpark() and weft__apart_catch_up_all(); who follows a record that was dropped in the past
 * that has been simulated goes on by itself. */
void weft__partition_let_go(weft_sim *sim, uint32_t partition, weft_time last);
void weft__partitions_catch_up(weft_sim *sim, weft_time last);

/* look.c */

/** EV_PARTITION. */
void weft__partition_event(weft_sim *sim, uint32_t partition);

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

#endif
