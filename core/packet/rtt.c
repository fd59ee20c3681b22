/* The empty round trip that windows and HPCC's T are made of, unless config says.
 *
 * In a datacenter one window for all flows, as HPCC has it: its experiments take one T, a little
 * above the longest round trip (section 5.1; GLOBAL_T in the authors' simulator). Each flow's own
 * path was tried and given up: over NVLink it is 0.1 us, and a window of that starves
 * as soon as its ACKs meet a queue; that of a rack is smaller than the queue at which marks begin.
 *
 * Not over wide areas: a host 1 ms away must not give all others windows of 25 MB and a T in which
 * HPCC averages a thousand of their round trips. So pairs further apart than a datacenter is wide
 * have no say, and a flow between them has the round trip of its own path. The models that compat
 * stands for have one value, whatever the distance: of whole ns, for a payload without headers, and
 * an ACK takes no time but the delay (pairRtt and pairBdp in the ns-3 model's scratch/third.cc).
 *
 * What is measured over a round trip is measured over the flow's own: HPCC renews its rate once in
 * it, and with an average over forty of them it would cut forty times for what it saw once. */
#include "packet/rtt.h"

#include "fabric/farthest.h"
#include "fabric/path.h"
#include "flow/flow.h"
#include "packet/model.h"
#include "packet/sizes_i.h"

/* 10 km of fibre there and back: what one datacenter's fabric reaches, its queues included, and
 * below it thresholds that are times (TIMELY's 50 to 500 us) can work. */
enum { DATACENTER_PS = 100000000 };

weft_time weft__path_rtt(const weft_sim *sim, const uint32_t *data, int hops, const uint32_t *ack,
                         int ack_hops) {
  const uint64_t frame = full_frame(sim);
  return weft__path_one_way(sim, data, hops, frame) +
         weft__path_one_way(sim, ack, ack_hops, ack_size(sim));
}

int weft__fabric_rtt(weft_sim *sim) {
  if (sim->packet.model->one_rtt)
    return weft__farthest(sim, sim->config.mtu_bytes, 0, INT64_MAX, &sim->packet.fabric_rtt,
                          &sim->packet.longest_rtt);
  return weft__farthest(sim, full_frame(sim), ack_size(sim), DATACENTER_PS, &sim->packet.fabric_rtt,
                        &sim->packet.longest_rtt);
}

/* A full packet on its way out, its ACK on its way back, at the rates as built. */
static weft_time rtt_as_built(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *way = &sim->flow.slots.at[slot];
  return weft__path_as_built(sim, path, way->hops, full_frame(sim)) +
         weft__path_as_built(sim, path + way->hops, way->ack_hops, ack_size(sim));
}

weft_time weft__flow_own_rtt(const weft_sim *sim, uint32_t slot) {
  if (sim->config.base_rtt_ps != 0 || sim->packet.model->one_rtt)
    return sim->packet.tx_warm.at[slot].base_rtt_ps;
  return rtt_as_built(sim, slot);
}

weft_time weft__flow_base_rtt(const weft_sim *sim, uint32_t slot) {
  if (sim->config.base_rtt_ps != 0) return sim->config.base_rtt_ps;
  if (sim->packet.model->one_rtt) return sim->packet.fabric_rtt;
  const weft_time own = rtt_as_built(sim, slot);
  return own > sim->packet.fabric_rtt ? own : sim->packet.fabric_rtt;
}
