/* The way of a parcel: from port to port, to the receiver, and back as an ACK. */
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
      (sim->config.cc == WEFT_CC_HPCC && !pool_reserve(sim, room->telemetry, n * hops))) {
    weft__no_memory(sim);
    return WEFT_NONE;
  }
  room->parcels.at[p] = (struct fcc_parcel){0};
  room->parcels.n = (uint32_t)n;
  if (sim->config.cc == WEFT_CC_HPCC) room->telemetry.n = (uint32_t)n * hops;
  return p;
}

/* Its generation is none that a flow has, so that inflows of it find nobody. */
void weft__fcc_parcel_free(weft_sim *sim, uint32_t p) {
  sim->fluid_cc.parcels.at[p].generation = sim->fluid_cc.parcels.at[p].under_way = 0;
  sim->fluid_cc.parcels.at[p].next = sim->fluid_cc.free_parcel;
  sim->fluid_cc.free_parcel = p;
}

/* Of a flow that has taken another way since, or has failed: it arrives nowhere. */
static int is_void(weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  return parcel->generation != sim->fluid_cc.flows.at[parcel->slot].generation;
}

static void drop(weft_sim *sim, uint32_t p, uint32_t in_port) {
  const double bytes = sim->fluid_cc.parcels.at[p].bytes;
  sim->fluid_cc.dropped += bytes;
  if (in_port != WEFT_NONE) weft__fcc_ingress(sim, in_port, -bytes);
  weft__fcc_parcel_free(sim, p);
}

/* The ACK of its first packet, or of a flow's last, sets out now. */
static void acknowledge(weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  const struct slot *way = &sim->flow.slots.at[parcel->slot];
  const uint32_t *ports = slot_path(sim, parcel->slot) + way->hops;
  weft_time back = 0;
  for (uint32_t i = 0; i < way->ack_hops; ++i)
    back += weft__fcc_pass_acks(sim, ports[i], flow->ack_bytes, parcel->n);
  event_at(sim, EV_FCC_ACK, p, sim->now + back);
}

static void arrived(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  const uint32_t slot = parcel->slot, last = parcel->seq + parcel->n;
  sim->fluid_cc.arrived += parcel->bytes;
  parcel->under_way = 0;
  flow->received = last;
  acknowledge(sim, p);
  if (last == flow->total) weft__fcc_received(sim, slot);
}

void weft__fcc_tail(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  if (is_void(sim, p)) {
    drop(sim, p, WEFT_NONE);
    return;
  }
  const struct slot *way = &sim->flow.slots.at[parcel->slot];
  const uint32_t port = slot_path(sim, parcel->slot)[way->hops - 1];
  if (way->hops > 1) weft__fcc_advance(sim, port);
  const weft_time at = parcel->tail_left + sim->fabric.ports.at[port].delay_ps;
  if (parcel->tail_left >= 0 && at > sim->now) { /* more has come before it than could be seen */
    parcel->tail = at;
    event_at(sim, EV_FCC_TAIL, p, at);
    return;
  }
  parcel->came = parcel->tail = sim->now;
  arrived(sim, p);
}

static void at_receiver(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  parcel->came = sim->now;
  if (parcel->n > 1 && parcel->seq + parcel->n == flow->total && parcel->tail > sim->now)
    event_at(sim, EV_FCC_TAIL, p, parcel->tail);
  else
    arrived(sim, p);
}

void weft__fcc_hop(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const uint32_t *ports = slot_path(sim, parcel->slot);
  const uint32_t hop = parcel->hop;
  if (is_void(sim, p)) { /* its way is another's by now: what holds it is not known any more */
    drop(sim, p, parcel->in_port);
    return;
  }
  if (hop > 1) {
    if (!weft__fcc_has_left(sim, ports[hop - 1], p)) return;
    weft__fcc_leave(sim, ports[hop - 1], p);
    if (parcel->in_port != WEFT_NONE) weft__fcc_ingress(sim, parcel->in_port, -parcel->bytes);
    parcel->in_port = WEFT_NONE;
  }
  if (hop == sim->flow.slots.at[parcel->slot].hops) {
    at_receiver(sim, p);
    return;
  }
  parcel->hop = hop + 1;
  parcel->in_port = ports[hop - 1];
  weft__fcc_ingress(sim, parcel->in_port, parcel->bytes);
  weft__fcc_enter(sim, ports[hop], p);
}

void weft__fcc_ack(weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const uint32_t slot = parcel->slot;
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (is_void(sim, p)) {
    weft__fcc_parcel_free(sim, p);
    return;
  }
  const double part = 1 - parcel->unmarked;
  const struct fcc_feedback back = {.n = parcel->n,
                                    .marked = part * parcel->n,
                                    .any = weft__fcc_any_marked(sim, p),
                                    .rtt = sim->now - parcel->sent_at,
                                    .parcel = p};
  flow->una = parcel->seq + parcel->n;
  flow->acked_n = parcel->n;
  flow->ack_gap = parcel->n > 1 ? (parcel->tail - parcel->came) / (parcel->n - 1) : 0;
  flow->fed_at = sim->now;
  weft__fcc_law_feed(sim, slot, &back);
  weft__fcc_parcel_free(sim, p);
  if (flow->una == flow->total)
    weft__fcc_done(sim, slot);
  else if (flow->listed)
    weft__fcc_nic_kick(sim, slot_path(sim, slot)[0]);
}
