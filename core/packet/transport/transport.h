/* Transport: flows and their slots, NIC scheduling, acknowledgements, loss recovery. */
#ifndef WEFT_TRANSPORT_H
#define WEFT_TRANSPORT_H

#include "flow/flow.h"
#include "packet/rtt.h"
#include "packet/sizes_i.h"

/* sender.c: the packet model's part of a flow's life */

/** Take the flow of a row into a slot and let it send. */
void weft__flow_start(weft_sim *sim, uint32_t row);

/** Its two halves: a slot with all that it needs, WEFT_NONE if there was no route or no memory; and
 *  the first packet. */
uint32_t weft__flow_prepare(weft_sim *sim, uint32_t row);
void weft__flow_activate(weft_sim *sim, uint32_t slot);

/** The last byte is at the receiver, or the last ACK at the sender. */
void weft__flow_received(weft_sim *sim, uint32_t slot);
void weft__flow_acked(weft_sim *sim, uint32_t slot);

/** Payload bytes in order at the receiver of an active flow, rounded up to packets. */
uint64_t weft__sender_delivered(const weft_sim *sim, uint32_t slot);

/** Give up: no progress for too long, or nothing that would mend a loss. */
void weft__flow_fail(weft_sim *sim, uint32_t slot);

/** A flow had failed at a time in a view: what that means for what its receiver has seen since. */
void weft__flow_failed_at(weft_sim *sim, uint32_t slot, uint32_t row, weft_time time);

/** Let an active flow begin anew with the congestion control, whose state is cleared. */
void weft__flow_renew_cc(weft_sim *sim, uint32_t slot);

/* slots.c */

/** Have room for so many senders and receivers, with paths of so many ports; 0: no memory. */
int weft__senders_reserve(weft_sim *sim, uint32_t n, uint32_t path_ports);

/** Have room for the state of the present congestion control, cleared; 0: no memory. */
int weft__senders_renew_cc(weft_sim *sim);

/** Whether there are rows that will be used again once packets of their flows are gone. Views of
 *  threads don't have the list of those, and the numbers of rows decide paths. */
int weft__flow_rows_wait(const weft_sim *sim);

/** An ACK has been read: forget its telemetry, free its slot if it was the last. */
void weft__packet_release(weft_sim *sim, const struct packet *packet);

/** A packet has left the network without an effect: the same, and its sender's timer may hear. */
void weft__packet_gone(weft_sim *sim, const struct packet *packet);

/** The latter of a packet that went at a time in another domain. */
void weft__packet_gone_at(weft_sim *sim, uint32_t slot, weft_time time);

/** Free the slot of a flow that is over, has no packets out and is on no list. */
void weft__flow_free_when_quiet(weft_sim *sim, uint32_t slot);

/** A telemetry block + 1, for each switch of the path to write into; 0 when out of memory. */
uint32_t weft__telemetry_take(weft_sim *sim);

/** A block that there has not been before. */
uint32_t weft__telemetry_new(weft_sim *sim);

/* reroute.c */

/** Let sender and receiver use the path that their slot has got. */
void weft__flow_take_path(weft_sim *sim, uint32_t slot);

/** Let its base RTT and window be those that its path calls for; they never shrink. */
void weft__flow_take_rtt(weft_sim *sim, uint32_t slot);

/** Put a slot into a list, chained through list_next, in the order of rows: slots are numbered by
 *  the accident of their reuse. */
void weft__list_by_row(weft_sim *sim, uint32_t *first, uint32_t *last, uint32_t slot);

/** Find new paths for all active flows. */
void weft__reroute_flows(weft_sim *sim);

/** Next port of a packet at a switch once paths have changed: its own path where that passes here,
 *  else the way from here; WEFT_NONE if there is none. Moves *hop on. */
uint32_t weft__path_after_change(weft_sim *sim, const struct packet *packet, uint32_t node,
                                 uint8_t *hop);

/* data.c: making packets, and losing them */

/** Count a packet that is lost at or behind a port and let go what it holds. */
void weft__packet_drop(weft_sim *sim, uint32_t port, const struct packet *packet);

/** Write the next packet of a flow; counts it. */
void weft__make_data(weft_sim *sim, uint32_t slot, struct packet *packet);

/** Write the ACK or NACK of a data packet, which it takes the place of; counts it. */
void weft__make_ack(weft_sim *sim, const struct packet *data, int nack, struct packet *ack);

/* nic_list.c */

/** Put a flow on the round-robin list of its NIC, or take it off. */
void weft__nic_add(weft_sim *sim, uint32_t slot);
void weft__nic_remove(weft_sim *sim, uint32_t slot);

/** Have it there if, and only if, it has something to send. */
void weft__nic_relist(weft_sim *sim, uint32_t slot);

/* nic.c: what a host sends next */

/** Send if the port is free and a flow is eligible, else make sure of an event when that can be. */
void weft__nic_kick(weft_sim *sim, uint32_t port);

/** The same when only this flow may have become eligible. */
void weft__nic_kick_flow(weft_sim *sim, uint32_t slot);

/** EV_NIC. */
void weft__nic_event(weft_sim *sim, uint32_t port);

/* acks.c */

/** Put an ACK into the table of ACKs, if it is wanted there. */
void weft__trace_ack(weft_sim *sim, const struct packet *packet);

/* receive.c: what a host does with a packet */

void weft__receive(weft_sim *sim, const struct packet *packet);

/* timeout.c: what happens when the retransmission timer runs out */

/** EV_RTO. */
void weft__rto_event(weft_sim *sim, uint32_t slot);

/** Send again what is not acknowledged; the second: as the timer has run out. */
void weft__resend(weft_sim *sim, uint32_t slot);
void weft__rto_resend(weft_sim *sim, uint32_t slot);

/** A link has changed: let flows retry that were cut off. */
void weft__rto_wake_all(weft_sim *sim);

/* rto.c: when it does */

/** The timer runs from now, and no event for it is asked for. */
void weft__rto_arm(weft_sim *sim, uint32_t slot);

/** An ACK is progress after retries without any. */
void weft__rto_progress(weft_sim *sim, uint32_t slot);

/** A round trip has been measured. */
void weft__rto_measured(weft_sim *sim, uint32_t slot, weft_time rtt);

/** How long it runs where it has not run out since the last measurement. */
weft_time weft__rto_least(const weft_sim *sim, uint32_t slot);

/** When it runs out if nothing happens; INT64_MAX: not. */
weft_time weft__rto_deadline(const weft_sim *sim, uint32_t slot);

/** Before then a flow that loses nothing sends nothing twice, and does not fail. */
weft_time weft__rto_harms_at(const weft_sim *sim, uint32_t slot);

/** A packet of the flow has left the network without an effect. */
void weft__rto_gone(weft_sim *sim, uint32_t slot, weft_time time);

/** A flow sends nothing until its way is open again, and then again or for the first time. */
void weft__rto_cut_off(weft_sim *sim, uint32_t slot);

/** The flow is not cut off any more. */
void weft__rto_rejoin(weft_sim *sim, uint32_t slot);

/** Let the timer run from now. */
static inline void rto_restart(weft_sim *sim, uint32_t slot) {
  sim->packet.tx_warm.at[slot].restarted_at = sim->now;
  if (sim->packet.tx_warm.at[slot].rto_event < 0) weft__rto_arm(sim, slot);
}

/** The receiver keeps what comes out of order. */
static inline int is_selective(const weft_sim *sim) {
  return sim->packet.recovery >= WEFT_RECOVERY_SELECTIVE;
}

/** ... and acknowledges it as TCP does. */
static inline int is_sack(const weft_sim *sim) {
  return sim->packet.recovery == WEFT_RECOVERY_SACK;
}

/** A packet has left the network at its end: conservation is injected = delivered + dropped +
 *  there. */
static inline void count_delivered(weft_sim *sim, const struct packet *packet) {
  ++sim->stats.packets_delivered;
  sim->stats.bytes_delivered += packet->size;
}

#endif
