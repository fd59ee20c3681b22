/* Transport: flows and their slots, NIC scheduling, acknowledgements, loss recovery. */
#ifndef WEFT_TRANSPORT_H
#define WEFT_TRANSPORT_H

#include "sim_i.h"

/* flow.c: the life of a flow */

/** Take the flow of a row into a slot and let it send. Fails the flow when it has no route, not
 *  even in the fabric as built. */
void weft__flow_start(weft_sim *sim, uint32_t row);

/** Its two halves: a slot with all that it needs, WEFT_NONE if there was no route or no memory; and
 *  the first packet. */
uint32_t weft__flow_prepare(weft_sim *sim, uint32_t row);
void weft__flow_activate(weft_sim *sim, uint32_t slot);

/** The last byte is at the receiver, or the last ACK at the sender. */
void weft__flow_received(weft_sim *sim, uint32_t slot);
void weft__flow_acked(weft_sim *sim, uint32_t slot);

/** Payload bytes in order at the receiver so far. */
uint64_t weft__flow_delivered(const weft_sim *sim, uint32_t row);

/** Give up: no progress for too long, or nothing that would mend a loss. */
void weft__flow_fail(weft_sim *sim, uint32_t slot);

/** A flow had failed at a time in a view: what that means for what its receiver has seen since. */
void weft__flow_failed_at(weft_sim *sim, uint32_t slot, uint32_t row, weft_time time);

/** Whether there are rows that will be used again once packets of their flows are gone. Views of
 *  threads don't have the list of those, and the numbers of rows decide paths. */
int weft__flow_rows_wait(const weft_sim *sim);

/** Give all slots room for longer paths than any before; 0 when out of memory. */
int weft__slots_widen(weft_sim *sim, uint32_t path_ports);

/** Ports to the destination of a row's flow and back, and how many; 0 if there is no way. */
int weft__flow_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_hops);

/** Let the flow of a slot use a path, of which there is room for. */
void weft__flow_take_path(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                          const uint32_t *ack, int ack_hops);

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

/** Check a flow's ends and size. */
int weft__flow_check(weft_sim *sim, const weft_flow_def *def);

/** Add a row for a flow without starting it; returns the row or a negative status. */
int weft__flow_row(weft_sim *sim, const weft_flow_def *def, uint32_t task);

/** The same for a flow of a collective that forgets: its row is used again when it is over. */
int weft__flow_row_to_forget(weft_sim *sim, const weft_flow_def *def, uint32_t task);

/* reroute.c */

/** Put a slot into a list, chained through list_next, in the order of rows: slots are numbered by
 *  the accident of their reuse. */
void weft__list_by_row(weft_sim *sim, uint32_t *first, uint32_t *last, uint32_t slot);

/** Find new paths for all active flows. */
void weft__reroute_flows(weft_sim *sim);

/** Next port of a packet at a switch once paths have changed: its own path where that passes here,
 *  else the way from here; WEFT_NONE if there is none. Moves *hop on. */
uint32_t weft__path_after_change(weft_sim *sim, const struct packet *packet, uint32_t node,
                                 uint8_t *hop);

/* starts.c: flows that wait for their start */

/** Start a flow now, by the events that compat ns3 takes for it. */
void weft__flow_launch(weft_sim *sim, uint32_t row);

/** Start all flows of the start list that are due, and ask for the event of the next. */
void weft__flow_start_due(weft_sim *sim);

/** Sort flows that were added since the last run into the start list. */
int weft__flow_sort_starts(weft_sim *sim);

/** Ask for the event of the next start, if there is one. */
void weft__flow_arm_start(weft_sim *sim);

/* rtt.c: the empty round trip of the fabric */

/** Find sim->packet.longest_rtt, the longest empty round trip (a full packet there, its ACK back),
 * and sim->packet.fabric_rtt, that of the pairs of hosts that are no further apart than a
 * datacenter is wide; with compat the same. Returns a status without a message. */
int weft__fabric_rtt(weft_sim *sim);

/** Base RTT and window of a flow that takes a path: those of the fabric, or of the path if that is
 *  longer. They never shrink. */
void weft__flow_take_rtt(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                         const uint32_t *ack, int ack_hops);

/** The empty round trip of a flow's own path as built; base_rtt where that was given, and with
 *  compat. */
weft_time weft__flow_own_rtt(const weft_sim *sim, uint32_t slot);

/** Ports on the way of a slot's ACKs. */
int weft__slot_ack_hops(const weft_sim *sim, uint32_t slot);

/** Of a path: a full packet on its way out, its ACK on its way back, ps. */
weft_time weft__path_rtt(const weft_sim *sim, const uint32_t *data, int hops, const uint32_t *ack,
                         int ack_hops);

/* data.c: making packets, and losing them */

/** Count a packet that is lost at or behind a port and let go what it holds. */
void weft__packet_drop(weft_sim *sim, uint32_t port, const struct packet *packet);

/** Write the next packet of a flow; counts it. */
void weft__make_data(weft_sim *sim, uint32_t slot, struct packet *packet);

/** An ACK on the wire, bytes. */
uint32_t weft__ack_size(const weft_sim *sim);

/** Write the ACK or NACK of a data packet, which it takes the place of; counts it. */
void weft__make_ack(weft_sim *sim, const struct packet *data, int nack, struct packet *ack);

/* nic.c: what a host sends next */

/** Put a flow on the round-robin list of its NIC, or take it off. */
void weft__nic_add(weft_sim *sim, uint32_t slot);
void weft__nic_remove(weft_sim *sim, uint32_t slot);

/** Send if the port is free and a flow is eligible, else make sure of an event when that can be. */
void weft__nic_kick(weft_sim *sim, uint32_t port);

/** The same when only this flow may have become eligible. */
void weft__nic_kick_flow(weft_sim *sim, uint32_t slot);

/** EV_NIC. */
void weft__nic_event(weft_sim *sim, uint32_t port);

/* receive.c: what a host does with a packet */

void weft__receive(weft_sim *sim, const struct packet *packet);

/* timer.c: retransmission */

/** EV_RTO. */
void weft__rto_event(weft_sim *sim, uint32_t slot);

/** The timer runs from now, and no event for it is asked for. */
void weft__rto_arm(weft_sim *sim, uint32_t slot);

/** Timeouts have become much shorter. */
void weft__rto_shorten(weft_sim *sim, uint32_t slot);

/** When it runs out if nothing happens; INT64_MAX: not. */
weft_time weft__rto_deadline(const weft_sim *sim, uint32_t slot);

/** Before then a flow that loses nothing sends nothing twice, and does not fail. */
weft_time weft__rto_harms_at(const weft_sim *sim, uint32_t slot);

/** A packet of the flow has left the network without an effect. */
void weft__rto_gone(weft_sim *sim, uint32_t slot, weft_time time);

/** Send again what is not acknowledged. */
void weft__resend(weft_sim *sim, uint32_t slot);

/** A flow sends nothing until its way is open again, and then again or for the first time. */
void weft__rto_cut_off(weft_sim *sim, uint32_t slot);

/** The flow is not cut off any more. */
void weft__rto_rejoin(weft_sim *sim, uint32_t slot);

/** A link has changed: let flows retry that were cut off. */
void weft__rto_wake_all(weft_sim *sim);

/** Let the timer run from now. */
static inline void rto_restart(weft_sim *sim, uint32_t slot) {
  sim->packet.tx_warm.at[slot].restarted_at = sim->now;
  if (sim->packet.tx_warm.at[slot].rto_event < 0) weft__rto_arm(sim, slot);
}

static inline int is_selective(const weft_sim *sim) {
  return sim->config.recovery == WEFT_RECOVERY_SELECTIVE;
}

/** A full data packet on the wire, bytes. */
static inline uint32_t full_frame(const weft_sim *sim) {
  return sim->config.mtu_bytes + sim->config.header_bytes + sim->packet.cc_header;
}

/** The longest base RTT that a flow may have; its own is tx_warm.base_rtt_ps. */
static inline weft_time base_rtt(const weft_sim *sim) {
  return sim->config.base_rtt_ps != 0 ? sim->config.base_rtt_ps : sim->packet.longest_rtt;
}

/* Slot-sized arrays. */

static inline uint32_t *slot_path(const weft_sim *sim, uint32_t slot) {
  return &sim->flow.paths.at[(uint64_t)slot * 2 * sim->flow.path_ports];
}

/** A packet has left the network at its end: conservation is injected = delivered + dropped +
 *  there. */
static inline void count_delivered(weft_sim *sim, const struct packet *packet) {
  ++sim->stats.packets_delivered;
  sim->stats.bytes_delivered += packet->size;
}

/** Payload bytes before packet `seq` of the flow. */
static inline uint64_t seq_bytes(const weft_sim *sim, const struct tx *tx, uint32_t seq) {
  const uint64_t mtu = sim->config.mtu_bytes;
  return seq < tx->total ? seq * mtu : (tx->total - 1) * mtu + tx->last_bytes;
}

#endif
