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
 * stands for have one value, whatever the distance.
 *
 * What is measured over a round trip is measured over the flow's own: HPCC renews its rate once in
 * it, and with an average over forty of them it would cut forty times for what it saw once. */
#include "packet/cc/cc.h"
#include "fabric/farthest.h"
#include "fabric/path.h"

/* 10 km of fibre there and back: what one datacenter's fabric reaches, its queues included, and
 * below it thresholds that are times (TIMELY's 50 to 500 us) can work. */
enum { DATACENTER_PS = 100000000 };

weft_time weft__path_rtt(const weft_sim *sim, const uint32_t *data, int hops, const uint32_t *ack,
                         int ack_hops) {
  const uint64_t frame = full_frame(sim);
  return weft__path_one_way(sim, data, hops, frame) +
         weft__path_one_way(sim, ack, ack_hops, weft__ack_size(sim));
}

int weft__fabric_rtt(weft_sim *sim) {
  const weft_time limit = is_ns3(sim) ? INT64_MAX : DATACENTER_PS;
  return weft__farthest(sim, full_frame(sim), weft__ack_size(sim), limit, &sim->packet.fabric_rtt,
                        &sim->packet.longest_rtt);
}

/* The window at line rate that a round trip calls for. */
static uint64_t window_of(const weft_sim *sim, const struct tx_warm *warm) {
  if (sim->config.window_mode == WEFT_WINDOW_NONE) return UINT64_MAX;
  if (sim->config.window_bytes != 0) return sim->config.window_bytes;
  return (uint64_t)((double)warm->line_bps * (double)warm->base_rtt_ps / 8e12) + 1;
}

/* A full packet on its way out, its ACK on its way back, at the rates as built. */
static weft_time rtt_as_built(const weft_sim *sim, const uint32_t *data, int hops,
                              const uint32_t *ack, int ack_hops) {
  return weft__path_as_built(sim, data, hops, full_frame(sim)) +
         weft__path_as_built(sim, ack, ack_hops, weft__ack_size(sim));
}

weft_time weft__flow_own_rtt(const weft_sim *sim, uint32_t slot) {
  const weft_time base = sim->packet.tx_warm.at[slot].base_rtt_ps;
  if (sim->config.base_rtt_ps != 0 || is_ns3(sim)) return base;
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *way = &sim->flow.slots.at[slot];
  return rtt_as_built(sim, path, way->hops, path + way->hops, way->ack_hops);
}

void weft__flow_take_rtt(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  weft_time rtt = sim->config.base_rtt_ps;
  if (rtt == 0) {
    const uint32_t *path = slot_path(sim, slot);
    const struct slot *way = &sim->flow.slots.at[slot];
    const weft_time own = rtt_as_built(sim, path, way->hops, path + way->hops, way->ack_hops);
    rtt = own > sim->packet.fabric_rtt && !is_ns3(sim) ? own : sim->packet.fabric_rtt;
  }
  if (rtt <= warm->base_rtt_ps) return; /* a detour may be longer; who was there before stays */
  warm->base_rtt_ps = rtt;
  warm->base_window = window_of(sim, warm);
  weft__cc_set_window(sim, slot);
}
