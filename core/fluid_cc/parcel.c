/* The way of a parcel: from port to port, to the receiver, and back as an ACK. */
#include "base/rng_i.h"
#include "fluid_cc/fluid_cc.h"

/* Of a flow that has taken another way since, or has failed: it arrives nowhere. */
static int is_void(weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  return parcel->generation != sim->fluid_cc.flows.at[parcel->slot].generation;
}

static void drop(weft_sim *sim, uint32_t p, uint32_t in_port) {
  const double bytes = sim->fluid_cc.parcels.at[p].bytes;
  sim->fluid_cc.dropped += bytes;
  sim->fluid_cc.packets_dropped += sim->fluid_cc.parcels.at[p].n;
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
  for (uint32_t i = 0; i < way->ack_hops; ++i) {
    back += weft__fcc_pass_acks(sim, ports[i], flow->ack_bytes, parcel->n);
    weft__fcc_buffer_takes(sim, ports[i], (double)flow->ack_bytes * parcel->n);
  }
  const int one = parcel->nack || parcel->acks == flow->total; /* that no other makes up for */
  if (weft__fcc_acks_pass(sim, ports, way->ack_hops, one ? 1 : parcel->n)) {
    event_at(sim, EV_FCC_ACK, p, sim->now + back);
    return;
  }
  weft__fcc_has_lost(sim, parcel->slot);
  weft__fcc_parcel_free(sim, p);
}

static void arrived(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  const uint32_t before = flow->received;
  sim->fluid_cc.arrived += parcel->bytes;
  parcel->under_way = 0;
  if (weft__fcc_received(sim, p))
    acknowledge(sim, p);
  else
    weft__fcc_parcel_free(sim, p);
  if (flow->received != flow->total || before == flow->total || flow->is_received) return;
  fcc_forget_foreseen(sim, flow);
  flow->is_received = 1;
  weft__flow_is_received(sim, flow->row);
}

/* ---- what is foreseen ---- */

/* The last packet of a parcel that is entering its last port would be at the receiver. */
static weft_time expected(const weft_sim *sim, uint32_t index, const struct fcc_parcel *parcel) {
  const weft_time delay = sim->fabric.ports.at[index].delay_ps;
  const weft_time first = parcel->left + fcc_wire_time(sim, index, parcel->first_bytes);
  if (parcel->n == 1) return first + delay;
  const weft_time all = parcel->left + fcc_wire_time(sim, index, parcel->bytes);
  const weft_time slow = parcel->tail + fcc_wire_time(sim, index, parcel->last_bytes);
  return (all > slow ? all : slow) + delay;
}

/* The last parcel of a flow is at the last port: when will the flow be complete? */
static void foresee(weft_sim *sim, uint32_t index, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (parcel->seq + parcel->n != flow->total || port->paused || port->down) return;
  if (parcel->generation != flow->generation || flow->foreseen >= 0 || flow->is_received) return;
  const weft_time at = sim->fluid_cc.watch->ends(sim, parcel->slot, expected(sim, index, parcel));
  if (at < 0) return;
  WEFT_ASSERT(at >= sim->now);
  flow->foreseen = at;
  event_of_flow(sim, EV_FCC_FORESEEN, parcel->slot, flow->row, at);
}

void weft__fcc_foreseen(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (!sim->flow.slots.at[slot].active || flow->foreseen != sim->now) {
    --sim->fluid_cc.stale;
    event_is_stale(sim);
    return;
  }
  flow->foreseen = -1;
  flow->is_received = 1;
  weft__flow_is_received(sim, flow->row);
}

/* All of a flow has come before it is to be complete: the last of it comes then. */
static int is_too_early(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  if (parcel->seq + parcel->n != flow->total || flow->foreseen <= sim->now) return 0;
  parcel->tail = flow->foreseen;
  parcel->tail_left = -1;
  event_at(sim, EV_FCC_TAIL, p, parcel->tail);
  return 1;
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
  if (is_too_early(sim, p)) return;
  parcel->came = parcel->tail = sim->now;
  arrived(sim, p);
}

static void at_receiver(weft_sim *sim, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[parcel->slot];
  parcel->came = sim->now;
  if (parcel->n > 1 && parcel->seq + parcel->n == flow->total && parcel->tail > sim->now)
    event_at(sim, EV_FCC_TAIL, p, parcel->tail);
  else if (!is_too_early(sim, p))
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
  if (!weft__fcc_wire_passes(sim, ports[hop - 1], p)) {
    drop(sim, p, WEFT_NONE);
    return;
  }
  if (hop == sim->flow.slots.at[parcel->slot].hops) {
    at_receiver(sim, p);
    return;
  }
  parcel->hop = hop + 1;
  if (!weft__fcc_buffer_admits(sim, ports[hop], p)) {
    drop(sim, p, WEFT_NONE);
    return;
  }
  parcel->in_port = ports[hop - 1];
  weft__fcc_ingress(sim, parcel->in_port, parcel->bytes);
  weft__fcc_enter(sim, ports[hop], p);
  if (sim->fluid_cc.watch != NULL && parcel->hop == sim->flow.slots.at[parcel->slot].hops)
    foresee(sim, ports[hop], p);
}

/* Whether a packet of it carries a mark, by the seed. */
static int any_marked(const weft_sim *sim, uint32_t p) {
  const struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  if (parcel->unmarked >= 1) return 0;
  double none = 1;
  for (uint32_t i = 0; i < parcel->n; ++i) none *= parcel->unmarked;
  const uint32_t row = sim->fluid_cc.flows.at[parcel->slot].row;
  return rng_uniform(sim->config.seed, RNG_ECN, row, parcel->seq) >= none;
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
  struct fcc_feedback back = {.n = parcel->n,
                              .marked = part * parcel->n,
                              .any = any_marked(sim, p),
                              .seq = parcel->seq,
                              .rtt = sim->now - parcel->sent_at,
                              .parcel = p};
  flow->marks += part * parcel->n;
  flow->acked_n = parcel->n;
  flow->ack_gap = parcel->n > 1 ? (parcel->tail - parcel->came) / (parcel->n - 1) : 0;
  weft__fcc_acked(sim, p);
  if (parcel->n > 1) back.rtt_step = flow->ack_gap - parcel->sent_gap;
  weft__fcc_law_feed(sim, slot, &back);
  weft__fcc_parcel_free(sim, p);
  if (flow->una == flow->total)
    weft__fcc_done(sim, slot);
  else
    weft__fcc_nic_kick_flow(sim, slot);
}
