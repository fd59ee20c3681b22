/* Parcels that there are, and what they measure. */
#include "fluid_cc/fluid_cc.h"

uint32_t weft__fcc_parcel_take(weft_sim *sim) {
  struct fluid_cc_room *room = &sim->fluid_cc;
  const uint32_t hops = room->path_ports;
  uint32_t p = room->free_parcel;
  if (p != WEFT_NONE) {
    room->free_parcel = room->parcels.at[p].next;
    return p;
  }
  p = room->parcels.n;
  const uint64_t n = p + 1ull;
  if (n > EVENT_SOURCE_MASK || !pool_reserve(sim, room->parcels, n) ||
      (fcc_reads_telemetry(sim) && !pool_reserve(sim, room->telemetry, n * hops))) {
    weft__no_memory(sim);
    return WEFT_NONE;
  }
  room->parcels.at[p] = (struct fcc_parcel){0};
  room->parcels.n = (uint32_t)n;
  if (fcc_reads_telemetry(sim)) room->telemetry.n = (uint32_t)n * hops;
  return p;
}

/* Its generation is none that a flow has, so that inflows of it find nobody. */
void weft__fcc_parcel_free(weft_sim *sim, uint32_t p) {
  sim->fluid_cc.parcels.at[p].generation = 0;
  sim->fluid_cc.parcels.at[p].under_way = 0;
  sim->fluid_cc.parcels.at[p].next = sim->fluid_cc.free_parcel;
  sim->fluid_cc.free_parcel = p;
}

double weft__fcc_bytes(const weft_sim *sim, const struct fcc_flow *flow, uint32_t seq, uint32_t n) {
  const double full = (double)(sim->config.mtu_bytes + flow->headers);
  if (n == 0) return 0;
  const int has_last = seq + n == flow->total;
  return full * n - (has_last ? (double)(sim->config.mtu_bytes - flow->last_bytes) : 0);
}
