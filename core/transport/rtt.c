/* The empty round trip of the fabric: what windows and HPCC's T are made of unless config says.
 *
 * One value for all flows, as in the HPCC model's experiments (GLOBAL_T). Each flow's own path was
 * tried and given up: over NVLink it is 0.1 us, and a window of that size starves as soon as its
 * ACKs meet a queue. */
#include "cc/cc.h"
#include "fabric/path.h"

weft_time weft__path_rtt(const weft_sim *sim, const uint32_t *data, int hops, const uint32_t *ack,
                         int ack_hops) {
  const uint64_t frame = full_frame(sim);
  return weft__path_one_way(sim, data, hops, frame) +
         weft__path_one_way(sim, ack, ack_hops, weft__ack_size(sim));
}

enum { RTT_HOSTS = 64 };

weft_time weft__fabric_rtt(weft_sim *sim) {
  uint32_t host[RTT_HOSTS], hosts = 0, count = 0, seen = 0;
  for (uint32_t n = 0; n < sim->nodes.n; ++n) hosts += sim->nodes.at[n].kind == WEFT_HOST;
  const uint32_t take = hosts < RTT_HOSTS ? hosts : RTT_HOSTS;
  for (uint32_t n = 0; n < sim->nodes.n && count < take; ++n) {
    if (sim->nodes.at[n].kind != WEFT_HOST) continue;
    /* The last is always among them: with the first it is the longest path of a tree of pods. */
    if (seen++ == (uint64_t)count * (hosts - 1) / (take > 1 ? take - 1 : 1)) host[count++] = n;
  }
  weft_time longest = 0;
  for (uint32_t i = 0; i < count; ++i)
    for (uint32_t j = 0; j < count; ++j) {
      uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
      if (i == j) continue;
      const int hops = weft__route(sim, host[i], host[j], 0, 0, data);
      const int ack_hops = weft__route(sim, host[i], host[j], 0, 1, ack);
      if (hops < 0 || ack_hops < 0) continue;
      const weft_time rtt = weft__path_rtt(sim, data, hops, ack, ack_hops);
      if (rtt > longest) longest = rtt;
    }
  return longest;
}
