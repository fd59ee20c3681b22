/* Empty round trips: of a path, of a flow, of the fabric. See rtt.c. */
#ifndef WEFT_PACKET_RTT_H
#define WEFT_PACKET_RTT_H

#include "sim_i.h"

/** Find sim->packet.longest_rtt, the longest empty round trip (a full packet there, its ACK back),
 *  and sim->packet.fabric_rtt, that of the pairs of hosts that are no further apart than a
 *  datacenter is wide; with one_rtt (packet/model.h) the same. Returns a status without a
 *  message. */
int weft__fabric_rtt(weft_sim *sim);

/** Base RTT of a flow on the path that it has: that of the fabric, or of the path if that is
 *  longer. */
weft_time weft__flow_base_rtt(const weft_sim *sim, uint32_t slot);

/** The empty round trip of a flow's own path as built; base_rtt where that was given, and with
 *  one_rtt. */
weft_time weft__flow_own_rtt(const weft_sim *sim, uint32_t slot);

/** Of a path: a full packet on its way out, its ACK on its way back, ps. */
weft_time weft__path_rtt(const weft_sim *sim, const uint32_t *data, int hops, const uint32_t *ack,
                         int ack_hops);

/** The longest base RTT that a flow may have; its own is tx_warm.base_rtt_ps. */
static inline weft_time base_rtt(const weft_sim *sim) {
  return sim->config.base_rtt_ps != 0 ? sim->config.base_rtt_ps : sim->packet.longest_rtt;
}

#endif
