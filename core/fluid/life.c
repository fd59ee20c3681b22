/* The life of a flow: it has a share until all is sent, and is done when the last of it arrives. It
 * waits while a link of its way is down. */
#include <string.h>

#include "fabric/path.h"
#include "flow/flow.h"
#include "fluid/fluid_i.h"

/* ---- what it has moved ---- */

static double bits_left(const weft_sim *sim, const struct fluid_flow *flow) {
  if (flow->state == FLUID_ARRIVES) return 0;
  if (flow->state == FLUID_WAITS) return flow->end;
  const struct fluid_class *class = &sim->fluid.classes.at[flow->class];
  const double left = flow->end - fluid_service(class, (struct fluid_time){sim->now, 0});
  return left > 0 ? left : 0;
}

uint64_t weft__fluid_delivered(const weft_sim *sim, uint32_t slot) {
  const struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  const uint64_t size = sim->flow.rows.at[sim->flow.slots.at[slot].row].size_bytes;
  if (flow->state == FLUID_ARRIVES) return size;
  const double part = 1 - bits_left(sim, flow) / flow->bits;
  const uint64_t payload = part > 0 ? (uint64_t)((double)size * part) : 0;
  return payload < flow->least ? flow->least : payload > size ? size : payload;
}

uint64_t weft__fluid_frames(const weft_sim *sim, uint32_t row, uint64_t payload) {
  return payload + weft__flow_packets(sim, row, payload) * frame_headers(&sim->config, 0);
}

uint64_t weft__fluid_acks(const weft_sim *sim, uint32_t row, uint64_t payload) {
  return weft__flow_packets(sim, row, payload) * sim->config.ack_bytes;
}

void weft__fluid_count(weft_sim *sim, uint32_t slot, uint64_t payload) {
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  if (payload <= flow->counted) return;
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *its = &sim->flow.slots.at[slot];
  const uint64_t bytes =
      weft__fluid_frames(sim, its->row, payload) - weft__fluid_frames(sim, its->row, flow->counted);
  for (uint32_t i = 0; i < its->hops; ++i) sim->fluid.bytes.at[path[i]] += bytes;
  sim->fluid.sent += bytes;
  if (sim->fluid.ack_load > 0) {
    const uint64_t acks =
        weft__fluid_acks(sim, its->row, payload) - weft__fluid_acks(sim, its->row, flow->counted);
    for (uint32_t i = 0; i < its->ack_hops; ++i) sim->fluid.bytes.at[path[its->hops + i]] += acks;
    sim->fluid.sent_acks += acks;
  }
  sim->stats.payload_delivered += payload - flow->counted;
  flow->counted = payload;
}

/* ---- what it asks for ---- */

/* The rate at which a full window goes out once in an empty round trip, bit/s on the wire. */
static double window_bps(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *its = &sim->flow.slots.at[slot];
  const double full = frame_full(&sim->config, 0), mtu = sim->config.mtu_bytes;
  double window = (double)sim->config.window_bytes;
  if (window == 0)
    window =
        (double)sim->fabric.ports.at[path[0]].rate_bps * (double)sim->config.base_rtt_ps / 8e12;
  if (window == 0) return INFINITY; /* that of the fabric's longest round trip bounds nobody */
  if (window < mtu) window = mtu;
  const weft_time rtt =
      weft__path_one_way(sim, path, its->hops, frame_full(&sim->config, 0)) +
      weft__path_one_way(sim, path + its->hops, its->ack_hops, sim->config.ack_bytes);
  return window * 8e12 / (double)rtt * full / mtu;
}

static struct fluid_claim claim_of(const weft_sim *sim, uint32_t slot) {
  const struct slot *its = &sim->flow.slots.at[slot];
  const struct flow_terms *terms = weft__flow_terms(sim, its->row);
  double cap = INFINITY;
  if (sim->config.max_rate_bps != 0) cap = (double)sim->config.max_rate_bps;
  if (terms != NULL && terms->rate_bps != 0 && (double)terms->rate_bps < cap)
    cap = (double)terms->rate_bps;
  if (sim->config.fluid_cap == WEFT_FLUID_CAP_WINDOW) {
    const double window = window_bps(sim, slot);
    if (window < cap) cap = window;
  }
  const double weight = terms != NULL ? terms->weight : 1;
  return (struct fluid_claim){.path = slot_path(sim, slot),
                              .hops = its->hops,
                              .ack_hops = sim->fluid.ack_load > 0 ? its->ack_hops : 0,
                              .weight = weight,
                              .cap = cap / 1e12 / weight};
}

/* What an ideal time is beyond sending all at the rate of the slowest link, ps. */
static double latency_of(const weft_sim *sim, uint32_t slot, weft_time ideal_ps) {
  const uint32_t *path = slot_path(sim, slot);
  double slowest = INFINITY;
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i) {
    const double rate = sim->fluid.ports.at[path[i]].rate;
    if (rate < slowest) slowest = rate;
  }
  const double latency = (double)ideal_ps - sim->fluid.flows.at[slot].bits / slowest;
  return latency > 0 && !sim->fluid.has_no_latency ? latency : 0;
}

/* Ports that it loads: of its ACKs' way only where they load links. */
static uint32_t ports_of(const weft_sim *sim, uint32_t slot) {
  const struct slot *its = &sim->flow.slots.at[slot];
  return (uint32_t)its->hops + (sim->fluid.ack_load > 0 ? its->ack_hops : 0);
}

/* None of them is down: without ACKs a flow stands still as well. */
static int way_is_up(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0, n = ports_of(sim, slot); i < n; ++i)
    if (sim->fabric.ports.at[path[i]].down) return 0;
  return 1;
}

/* It goes on, or begins to wait, with so many bits to send. */
static void go_on(weft_sim *sim, uint32_t slot, double bits) {
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  if (way_is_up(sim, slot)) {
    const struct fluid_claim claim = claim_of(sim, slot);
    weft__fluid_join(sim, slot, &claim, bits);
    sim->fluid.is_asked = 1;
    return;
  }
  flow->state = FLUID_WAITS;
  flow->end = bits;
  flow->since = sim->now;
  if (sim->config.give_up_ps != 0)
    event_of_flow(sim, EV_FLUID_GIVE_UP, slot, sim->flow.slots.at[slot].row,
                  sim->now + sim->config.give_up_ps);
}

void weft__fluid_launch(weft_sim *sim, uint32_t row) {
  int waits;
  const uint32_t slot = weft__flow_begin(sim, row, &waits);
  if (slot == WEFT_NONE) return;
  flow_is_under_way(sim);
  const struct flow *its = &sim->flow.rows.at[row];
  const double bits = 8 * (double)weft__fluid_frames(sim, row, its->size_bytes);
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  *flow = (struct fluid_flow){.bits = bits};
  flow->latency = latency_of(sim, slot, its->ideal_ps);
  go_on(sim, slot, bits);
}

/* ---- its end ---- */

/* All is sent, at a time up to now. */
static void is_sent(weft_sim *sim, uint32_t slot, struct fluid_time time) {
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  const uint32_t row = sim->flow.slots.at[slot].row;
  weft__fluid_leave(sim, slot, time);
  flow->state = FLUID_ARRIVES;
  weft__fluid_count(sim, slot, sim->flow.rows.at[row].size_bytes);
  const weft_time done = fluid_due(fluid_after(time, flow->latency));
  flow->since = done > sim->now ? done : sim->now;
  event_of_flow(sim, EV_FLUID_DONE, slot, row, flow->since);
  if (flow_wants(sim, row) & FLOW_TELLS_SENT)
    event_of_flow(sim, EV_FLUID_SENT, slot, row, sim->now);
}

void weft__fluid_catch_up(weft_sim *sim) {
  const struct fluid_due *next;
  while ((next = fluid_next(sim)) != NULL && fluid_due(next->end) <= sim->now && !sim->failed) {
    const struct fluid_time time = next->end;
    for (; next != NULL && fluid_between(time, next->end) <= FLUID_SAME_PS; next = fluid_next(sim))
      is_sent(sim, sim->fluid.classes.at[next->class].first, time);
    weft__fluid_fill(sim, time);
  }
}

static void end_flow(weft_sim *sim, uint32_t slot, uint64_t payload, enum flow_state state) {
  const uint32_t row = sim->flow.slots.at[slot].row;
  weft__fluid_count(sim, slot, payload);
  flow_row_note(sim, row, payload, 0, 0);
  weft__flow_over(sim, slot, state);
  if (state == FLOW_FAILED) {
    weft__flow_has_failed(sim, row);
  } else {
    weft__flow_is_received(sim, row);
    weft__flow_is_acked(sim, row);
  }
  weft__slot_free(sim, slot);
}

/* ---- events ---- */

static void gives_up(weft_sim *sim, uint32_t slot) {
  const struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  if (!sim->flow.slots.at[slot].active || flow->state != FLUID_WAITS ||
      flow->since + sim->config.give_up_ps != sim->now) {
    --sim->fluid.stale;
    event_is_stale(sim);
  } else {
    end_flow(sim, slot, weft__fluid_delivered(sim, slot), FLOW_FAILED);
  }
}

void weft__fluid_event(weft_sim *sim, uint32_t kind, uint32_t source) {
  if (kind == EV_FLUID_SENT) {
    weft__flow_tell(sim, sim->flow.slots.at[source].row, NEWS_SENT);
  } else if (kind == EV_FLUID_DONE) {
    const uint32_t row = sim->flow.slots.at[source].row;
    end_flow(sim, source, sim->flow.rows.at[row].size_bytes, FLOW_DONE);
  } else {
    gives_up(sim, source);
  }
}

/* ---- changes of the fabric ---- */

/* Its way has changed, by `data` and `ack` if that is another one. */
static void change_way(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                       const uint32_t *ack, int ack_hops) {
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  const struct slot *its = &sim->flow.slots.at[slot];
  const int ran = flow->state == FLUID_RUNS, was_up = ran && data == NULL;
  if (flow->state == FLUID_ARRIVES) return;
  const double left = bits_left(sim, flow);
  flow->least = weft__fluid_delivered(sim, slot);
  weft__fluid_count(sim, slot, flow->least); /* on the way that it has taken */
  if (data != NULL || !way_is_up(sim, slot) || !was_up) {
    if (ran) weft__fluid_leave(sim, slot, (struct fluid_time){sim->now, 0});
    if (data != NULL && !weft__slot_take_path(sim, slot, data, hops, ack, ack_hops)) {
      weft__no_memory(sim);
      return;
    }
    if (ran || way_is_up(sim, slot)) {
      sim->fluid.stale += !ran && sim->config.give_up_ps != 0;
      go_on(sim, slot, left);
    }
  }
  flow->latency =
      latency_of(sim, slot, weft__flow_ideal(sim, its->row, slot_path(sim, slot), its->hops));
}

static int uses(const weft_sim *sim, uint32_t slot, uint32_t port) {
  if (!sim->flow.slots.at[slot].active) return 0;
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0, n = ports_of(sim, slot); i < n; ++i)
    if (path[i] == port) return 1;
  return 0;
}

void weft__fluid_port_changed(weft_sim *sim, uint32_t port, unsigned what) {
  if (!(what & CHANGED_RATE)) return;
  weft__fluid_catch_up(sim);
  sim->fluid.ports.at[port].rate = (double)sim->fabric.ports.at[port].rate_bps / 1e12;
  ++sim->fluid.ports.at[port].age; /* its water is another one */
  weft__fluid_mark(sim, port);
  sim->fluid.is_asked = 1;
  for (uint32_t slot = 0; slot < sim->flow.slots.n && !sim->failed; ++slot)
    if (uses(sim, slot, port)) change_way(sim, slot, NULL, 0, NULL, 0);
}

/* A flow for which there is no way keeps that which it has. */
void weft__fluid_rerouted(weft_sim *sim) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  weft__fluid_catch_up(sim);
  for (uint32_t slot = 0; slot < sim->flow.slots.n && !sim->failed; ++slot) {
    const struct slot *its = &sim->flow.slots.at[slot];
    if (!its->active || sim->fluid.flows.at[slot].state == FLUID_ARRIVES) continue;
    int back;
    const int hops = weft__flow_paths(sim, its->row, data, ack, &back);
    const uint32_t *path = slot_path(sim, slot);
    const uint64_t bytes = sizeof *path;
    const int is_same = hops == its->hops && memcmp(path, data, its->hops * bytes) == 0;
    const int is_back =
        sim->flow.is_one_way || /* on which nothing here depends */
        (back == its->ack_hops && memcmp(path + its->hops, ack, its->ack_hops * bytes) == 0);
    if (hops > 0 && !(is_same && is_back)) change_way(sim, slot, data, hops, ack, back);
  }
}
