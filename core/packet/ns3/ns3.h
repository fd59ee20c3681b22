/* compat = "ns3": the HPCC ns-3 model event by event, for comparison flow by flow.
 *
 * What differs from weft's own model, and must not leak into it, is in this folder: times are
 * whole ns, rounded down; events of one instant happen in the order in which they were asked for;
 * a port decides at the end of each transmission what it sends next; switches count buffers in 32
 * bits; ECN draws from that simulator's random streams. Congestion control is shared (cc/), and
 * exact in both. Sources: alibaba-edu/High-Precision-Congestion-Control and kwzhao's branch m3;
 * docs/ns3.md lists the semantics. */
#ifndef WEFT_NS3_H
#define WEFT_NS3_H

#include "packet/model.h"

/* model.c */

extern const struct packet_model weft__ns3_model;

/* port.c */

int weft__ns3_init(weft_sim *sim);

/** Send the next packet of a port if it may; called at every occasion at which that can have
 *  changed. */
void weft__ns3_transmit(weft_sim *sim, uint32_t port);

/** EV_NIC. */
void weft__ns3_wake_event(weft_sim *sim, uint32_t port, uint32_t order);

/** EV_NS3_SENT: the transmission in progress ends. */
void weft__ns3_sent_event(weft_sim *sim, uint32_t port);

/** Send a pause or resume frame from a device of a switch. */
void weft__ns3_send_pfc(weft_sim *sim, uint32_t device, int pause);

/** Put a packet into a queue of a port and let the port send. */
void weft__ns3_enqueue(weft_sim *sim, uint32_t port, uint32_t class, const struct packet *packet);

/** Bytes in the queues of a port; adds them and their packets to totals. */
uint64_t weft__ns3_waiting(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes);

/* arrive.c */

/** A packet has arrived at the far end of a port. */
void weft__ns3_arrive(weft_sim *sim, uint32_t port, const struct packet *packet);

/* receive.c */

/** A data packet, ACK or NACK reaches its host. */
void weft__ns3_receive(weft_sim *sim, const struct packet *packet);

/* nic.c */

/** A flow has joined the list of a NIC, or has left it. */
void weft__ns3_listed(weft_sim *sim, uint32_t port, int joined);

/** Flow to send from next, or WEFT_NONE; takes finished flows off the list. */
uint32_t weft__ns3_next_flow(weft_sim *sim, uint32_t port);

/** Nothing can be sent now: make sure of an event when pacing allows it. */
void weft__ns3_wait(weft_sim *sim, uint32_t port);

/** Is this EV_NIC of a port the valid one? It is over with that. */
int weft__ns3_wakes(weft_sim *sim, uint32_t port, uint32_t order);

/** A packet of a flow has begun transmission. */
void weft__ns3_packet_sent(weft_sim *sim, uint32_t slot);

/** The flow's rate is about to change: move its next packet in time. */
void weft__ns3_rescale(weft_sim *sim, uint32_t slot, uint64_t new_rate_bps);

/* buffer.c: it says when frames are to be sent, and sends none */

void weft__ns3_buffer_init(weft_sim *sim);

enum ns3_verdict { NS3_DROPS, NS3_TAKES, NS3_PAUSES /* and its ingress is to be paused */ };

/** Count a packet of the data class in. */
enum ns3_verdict weft__ns3_admit(weft_sim *sim, uint32_t node, uint32_t in_device, uint32_t size);

/** A packet of the data class leaves: count it out and mark it. Returns whether its ingress is to
 *  be resumed. */
int weft__ns3_release(weft_sim *sim, uint32_t port, struct packet *packet);

/* random.c */

void weft__ns3_random_init(weft_sim *sim);

/** First number of the next random stream. */
double weft__ns3_random(weft_sim *sim);

/* Time of `bytes` at a rate as that simulator has it: a double of seconds, turned into 64.64 fixed
 * point, times 1e9, cut to whole ns. The cut sees the double: 570 B at 10 Gbit/s, 456 ns, become
 * 455. SimAI's divides integers: an ACK of 60 B at 240 Gbit/s takes 2 ns there, 1 ns here. */
static inline weft_time ns3_time(const weft_sim *sim, uint32_t bytes, uint64_t rate_bps) {
  __extension__ typedef unsigned __int128 wide;
  if (sim->config.compat == WEFT_COMPAT_SIMAI)
    return (weft_time)((uint64_t)bytes * 8000000000u / rate_bps * 1000);
  const double seconds = (double)bytes * 8 / (double)rate_bps;
  const uint64_t whole = (uint64_t)seconds;
  const uint64_t fraction = (uint64_t)((seconds - (double)whole) * 0x1p64);
  const uint64_t ns = whole * 1000000000u + (uint64_t)((wide)fraction * 1000000000u >> 64);
  return (weft_time)(ns * 1000);
}

#endif
