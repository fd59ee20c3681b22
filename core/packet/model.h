/* In what models of hosts and switches differ: values, and operations of what is not hot.
 *
 * There are two: weft's own, and that of compat (packet/ns3). model.c chooses one as the engine is
 * created, and nothing else asks for compat. The hot path of the own model is called directly:
 * ports of the other have PORT_EXPLICIT, and only behind that flag are its operations called. */
#ifndef WEFT_PACKET_MODEL_H
#define WEFT_PACKET_MODEL_H

#include "sim_i.h"

/* How a header packs telemetry: each value in units (of bytes; times hpcc_int_multi), so many bits
 * of it. Times are in ticks. */
struct int_format {
  uint32_t byte_unit, queue_unit;
  uint64_t tick_mask;
  uint32_t byte_mask, queue_mask;
};

struct packet_model {
  /* ---- values ---- */

  weft_time tick_ps; /* the grain of times that congestion control measures */
  double tick_s;
  const struct int_format *int_format; /* NULL: telemetry arrives as the switches wrote it */
  int fused; /* HPCC's average is a fused multiply-add */
  int fixed_times; /* times of congestion control don't grow with long round trips, nor its steps
                      with fast NICs */
  int forgets_max_rate; /* rates of DCQCN, HPCC and TIMELY begin and end at the NIC's */
  /* One base RTT for all flows, however far apart: the longest, of a payload without headers and of
   * an ACK that takes no time but the delay. */
  int one_rtt;
  int no_timeouts;
  int keeps_finished; /* finished flows stay on their NIC's list until it takes them off */
  int asked_order; /* events of an instant are in the order of asking: none can be foreseen */

  /* ---- operations ---- */

  /** The configuration has been checked but for this model: WEFT_OK or an error. */
  int (*create)(weft_sim *sim);
  /** The fabric is closed: make its buffers, of which there is one for each node. Likewise. */
  int (*ready)(weft_sim *sim);
  /** The time of a flow has come. */
  void (*launch)(weft_sim *sim, uint32_t row);
  /** EV_NIC of a port. */
  void (*wake)(weft_sim *sim, uint32_t port, uint32_t order);
  /** An ACK on the wire, bytes. */
  uint32_t (*ack_size)(const weft_sim *sim);
  /** The window at line rate that a round trip calls for, bytes. */
  uint64_t (*window)(uint64_t line_bps, weft_time rtt);

  /* The rest only a model with explicit ports has. */

  /** An event of its own. */
  void (*event)(weft_sim *sim, uint32_t kind, uint32_t source);
  /** A packet has arrived at the far end of a port. */
  void (*arrive)(weft_sim *sim, uint32_t port, const struct packet *packet);
  /** Something has changed by which a port may send. */
  void (*kick)(weft_sim *sim, uint32_t port);
  /** A flow has joined the list of a host port's NIC, or has left it. */
  void (*listed)(weft_sim *sim, uint32_t port, int joined);
  /** The flow's rate is about to change: move its next packet in time; NULL: by its gap_ps. */
  void (*rescale)(weft_sim *sim, uint32_t slot, uint64_t rate_bps);
  /** Bytes that wait at a port and are not in its ring; adds them and the packets to totals. */
  uint64_t (*waiting)(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes);
};

/** Set sim->packet.model by the configuration, and let it check that. */
int weft__model_choose(weft_sim *sim);

#endif
