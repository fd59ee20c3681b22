/* What is known of transients, and what a partition holds of the engine as a value.
 *
 * All that a partition's flows hold (senders, receivers, ports, packets, timers, congestion
 * control) can be moved in time (shift.c), hashed (exact.c), kept in a record (snapshot.c) and put
 * onto the flows of another partition that contends in the same way (install.c). Records (record.c,
 * record.h, memo_file.c) are found by the pattern of a partition, if that is near enough to where
 * they began (memo.c, close.c) and takes nothing back (forward.c). They end before a flow does, so
 * here is also how soon one can (ends.c).
 *
 * Nothing here decides what is done with a partition, or changes its phase: that is partitions/. */
#ifndef WEFT_MEMO_H
#define WEFT_MEMO_H

#include "sim_i.h"

/* For the slot of each flow of a partition, which may be none. */
#define FOR_MEMBERS(slot, sim, partition)                                                       \
  for (uint32_t slot = (partition)->first, slot##s_left = (partition)->flows; slot##s_left > 0; \
       --slot##s_left, slot = (sim)->accel.members.at[slot].next)

/* shift.c */

/** List the ports of a partition in partition_ports; as a visit whose number is no other's. */
void weft__partition_list_ports(weft_sim *sim, uint32_t partition);
void weft__partition_list_ports_as(weft_sim *sim, uint32_t partition, uint32_t visit);

/** List them, and let depart on all what has departed by a time. */
void weft__partition_settle(weft_sim *sim, uint32_t partition, weft_time time);

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

/* exact.c */

/** Note the state of each flow of a partition; its ports are listed and settled. 0: no memory. */
int weft__exact_note(weft_sim *sim, uint32_t partition);

/** Is the end of a flow with so many packets left to send too far away to matter to its state? */
int weft__is_far(const weft_sim *sim, uint32_t slot, uint32_t left);

/* ends.c */

/** When a flow can have sent so many more packets at the earliest, which is at line rate. */
weft_time weft__line_time(const weft_sim *sim, uint32_t slot, double packets);

/** When a flow may have so few packets left that its end is no part of a record. */
weft_time weft__close_time(const weft_sim *sim, uint32_t slot);

/** Whether a flow has received all, or can be through before a transient by classes is worth its
 *  making; and whether one of a partition. */
int weft__is_near_end(const weft_sim *sim, uint32_t slot);
int weft__has_near_end(const weft_sim *sim, uint32_t partition);

/** When the last data packet of a flow of a partition, or the last ACK of one that has received
 * all, can have crossed its way: at the earliest, and exactly if it is on its last wire. */
weft_time weft__tail_time(const weft_sim *sim, uint32_t partition);

/* memo.c */

/** Begin a record with a partition that is conflict `index` of sim->accel.divided, if there is
 * room. */
void weft__memo_begin(weft_sim *sim, uint32_t partition, uint32_t index);

/** The record of the pattern of such a partition, with the flows matched; WEFT_NONE if there is
 * none that it is near enough to. `status` says what came of matching, and `similar` how many
 * records there are that it is too far from, UINT32_MAX if they show that classes don't tell how
 * it goes on. */
uint32_t weft__memo_find(weft_sim *sim, uint32_t partition, uint32_t index, int *status,
                         uint32_t *similar);

/** When a record that a partition makes must be closed, if it is not before: so that no end of a
 * flow is part of it. In the past if that is so now. */
weft_time weft__memo_close_time(const weft_sim *sim, uint32_t partition);

/** Whether marks were drawn in the record that a partition makes; its ports are settled. */
int weft__memo_has_drawn(const weft_sim *sim, uint32_t partition);

/** Complete that record with the state of now. 0 if it is not worth keeping, or there is no memory.
 */
int weft__memo_complete(weft_sim *sim, uint32_t partition, int steady);

/** Whether the record that a partition makes or goes by is one of its state. */
int weft__memo_is_exact(const weft_sim *sim, uint32_t partition);

/** Whether a parked partition is steady behind its known transient. */
int weft__memo_is_steady(const weft_sim *sim, uint32_t partition);

/** The end of a known transient. */
weft_time weft__memo_end(const weft_sim *sim, uint32_t partition);

/** Packets that a flow sends in the known transient. */
uint32_t weft__memo_sent(const weft_sim *sim, uint32_t slot);

/* record.c: records and their blocks */

/** A new record, open and known by its key; WEFT_NONE when out of memory. */
uint32_t weft__record_new(weft_sim *sim, uint64_t key);

/** Whether there may be one more, of a state or not; to be asked before it is made. */
int weft__record_has_room(weft_sim *sim, int exact);

/** Make room for all its parts as it counts them now; keeps those of the begin. 0: no memory. */
int weft__record_fit(weft_sim *sim, uint32_t record);

/** Forget it. */
void weft__record_free(weft_sim *sim, uint32_t record);

/** The first record with a key's hash, and the one after another; WEFT_NONE: none. */
uint32_t weft__record_first(const weft_sim *sim, uint64_t key);
uint32_t weft__record_next(const weft_sim *sim, uint32_t record);

/* snapshot.c */

/** Write the state of a partition into its record, with the present as its end. 0: no memory. */
int weft__snapshot_take(weft_sim *sim, uint32_t partition);

/* install.c */

/** Put a partition to the end of its known transient. Its ports are listed. */
void weft__memo_install(weft_sim *sim, uint32_t partition);

/** The slots of a partition by the flows of its record, from the arena; NULL when out of memory. */
const uint32_t *weft__partition_slots(weft_sim *sim, uint32_t partition);

/* close.c */

/** By how much longer than there a partition goes through the transient of a record that it has
 * been matched to, as its flows began later than those. */
weft_time weft__memo_late(const weft_sim *sim, uint32_t partition, uint32_t record);

/** Are the flows of a partition, matched to a record by classes, near enough to where its flows
 * began that none is off by a noticeable part of what it has left? */
int weft__memo_is_close(const weft_sim *sim, uint32_t partition, uint32_t record);

/* decide.c */

/** Note in the record by classes that a partition has completed whether its classes say how the
 * transient ends; and in those of its pattern that end in another way. */
void weft__memo_decide(weft_sim *sim, uint32_t partition);

/* forward.c */

/** Is all that the flows of a partition hold at the end of their record, matched flow by flow, at
 * or before them now? 0 also when out of memory. */
int weft__memo_is_forward(weft_sim *sim, uint32_t partition);

#endif
