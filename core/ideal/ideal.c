/* The ideal engine: every flow takes the time that it would take alone on its way, whatever else is
 * there. No flow can be faster, so it is the bound that other engines are measured against.
 *
 * A flow goes on evenly: of its bytes, at each time, the part that has passed of its ideal time.
 * When a link of its way changes its rate, or routing gives it another way, what is left takes that
 * part of the new ideal time. It waits while a link of its way is down. There are no packets: what
 * a flow has moved, it has moved on all links of its way. */
#include <string.h>

#include "engine.h"
#include "fabric/path.h"
#include "fabric/ways.h"
#include "flow/flow.h"

/* Its kinds of events, among those of all. */
enum {
  EV_IDEAL_SENT = 1, /* source: slot whose last packet would leave its NIC */
  EV_IDEAL_DONE = 2, /* source: slot */
  EV_IDEAL_GIVE_UP = 3 /* source: slot that has waited too long */
};

__extension__ typedef unsigned __int128 wide;

/* Rounded down: what is left is never more, so nothing moves back. */
static uint64_t scaled(uint64_t value, uint64_t to, uint64_t from) {
  return from == 0 ? 0 : (uint64_t)((wide)value * to / from);
}

/* ---- a flow under way ---- */

static weft_time left_of(const weft_sim *sim, const struct ideal_flow *flow) {
  return flow->runs ? flow->left - (sim->now - flow->since) : flow->left;
}

static uint64_t delivered(const weft_sim *sim, uint32_t slot) {
  const struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const uint64_t size = sim->flow.rows.at[sim->flow.slots.at[slot].row].size_bytes;
  return scaled(size, (uint64_t)(flow->whole - left_of(sim, flow)), (uint64_t)flow->whole);
}

/* Bring what its ports and the totals have of it up to so much payload. */
static void count(weft_sim *sim, uint32_t slot, uint64_t payload) {
  struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const uint64_t bytes =
      frames_bytes(&sim->config, 0, payload) - frames_bytes(&sim->config, 0, flow->counted);
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i)
    sim->ideal.port_bytes.at[path[i]] += bytes;
  sim->ideal.sent += bytes;
  sim->stats.payload_delivered += payload - flow->counted;
  flow->counted = payload;
}

/* Until its last packet would begin to leave its NIC, from `since` on. */
static weft_time left_to_send(const weft_sim *sim, uint32_t slot) {
  const struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const uint64_t size = sim->flow.rows.at[sim->flow.slots.at[slot].row].size_bytes;
  const uint64_t before =
      frames_bytes(&sim->config, 0, size - 1 - (size - 1) % sim->config.mtu_bytes);
  const uint32_t *path = slot_path(sim, slot);
  const weft_time span =
      weft__path_one_way(sim, path, 1, before) - weft__path_one_way(sim, path, 1, 0);
  const weft_time after = flow->whole - span;
  return flow->left > after ? flow->left - after : 0;
}

/* It goes on, or begins to wait. */
static void go_on(weft_sim *sim, uint32_t slot) {
  struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const uint32_t row = sim->flow.slots.at[slot].row;
  flow->since = sim->now;
  flow->runs = (uint32_t)slot_way_is_up(sim, slot);
  if (flow->runs) event_of_flow(sim, EV_IDEAL_DONE, slot, row, sim->now + flow->left);
  if (flow->runs && !flow->sent)
    event_of_flow(sim, EV_IDEAL_SENT, slot, row, sim->now + left_to_send(sim, slot));
  if (!flow->runs && sim->config.give_up_ps != 0)
    event_of_flow(sim, EV_IDEAL_GIVE_UP, slot, row, sim->now + sim->config.give_up_ps);
}

static void launch(weft_sim *sim, uint32_t row) {
  int waits;
  const uint32_t slot = weft__flow_begin(sim, row, &waits);
  if (slot == WEFT_NONE) return;
  flow_is_under_way(sim);
  const weft_time ideal = sim->flow.rows.at[row].ideal_ps;
  const int tells = (flow_wants(sim, row) & FLOW_TELLS_SENT) != 0;
  sim->ideal.flows.at[slot] =
      (struct ideal_flow){.whole = ideal, .left = ideal, .has_way = !waits, .sent = !tells};
  go_on(sim, slot);
}

/* Its way has changed, by `data` and `ack` if that is another one. */
static void change_way(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                       const uint32_t *ack, int ack_hops) {
  struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const struct slot *its = &sim->flow.slots.at[slot];
  const uint32_t ran = flow->runs;
  const uint64_t left = (uint64_t)left_of(sim, flow);
  if (left == 0) return; /* all has arrived: its end is yet to come in this instant */
  count(sim, slot, delivered(sim, slot)); /* on the way that it has taken */
  if (data != NULL && !weft__slot_take_path(sim, slot, data, hops, ack, ack_hops)) {
    weft__no_memory(sim);
    return;
  }
  const uint64_t size = sim->flow.rows.at[its->row].size_bytes;
  const weft_time whole = weft__path_ideal(sim, slot_path(sim, slot), its->hops, size);
  flow->left = (weft_time)scaled(left, (uint64_t)whole, (uint64_t)flow->whole);
  flow->whole = whole;
  if (!ran && !slot_way_is_up(sim, slot)) return; /* it has waited, and goes on waiting */
  sim->ideal.stale += ran ? 2 - flow->sent : sim->config.give_up_ps != 0;
  go_on(sim, slot);
}

static void port_changed(weft_sim *sim, uint32_t port, unsigned what) {
  for (uint32_t slot = 0; (what & CHANGED_RATE) && slot < sim->flow.slots.n; ++slot) {
    const struct slot *its = &sim->flow.slots.at[slot];
    const uint32_t *path = slot_path(sim, slot);
    uint32_t i = 0;
    while (its->active && i < its->hops && path[i] != port) ++i;
    if (its->active && i < its->hops) change_way(sim, slot, NULL, 0, NULL, 0);
  }
}

/* A flow for which there is no way keeps that which it has. */
static void rerouted(weft_sim *sim) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  for (uint32_t slot = 0; slot < sim->flow.slots.n && !sim->failed; ++slot) {
    const struct slot *its = &sim->flow.slots.at[slot];
    if (!its->active) continue;
    const uint32_t *path = slot_path(sim, slot);
    struct ideal_flow *flow = &sim->ideal.flows.at[slot];
    if (!weft__way_may_change(sim, path, its->hops) && flow->has_way) continue;
    int ack_hops;
    const int hops = weft__flow_paths(sim, its->row, data, ack, &ack_hops);
    flow->has_way = hops > 0;
    if (hops > 0 && (hops != its->hops || memcmp(path, data, its->hops * sizeof *data) != 0))
      change_way(sim, slot, data, hops, ack, ack_hops);
  }
}

/* ---- its end ---- */

static void end_flow(weft_sim *sim, uint32_t slot, uint64_t payload, enum flow_state state) {
  const uint32_t row = sim->flow.slots.at[slot].row;
  count(sim, slot, payload);
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

static void event(weft_sim *sim, uint32_t kind, uint32_t slot) {
  struct ideal_flow *flow = &sim->ideal.flows.at[slot];
  const struct slot *its = &sim->flow.slots.at[slot];
  const int waits = kind == EV_IDEAL_GIVE_UP, to_send = kind == EV_IDEAL_SENT;
  weft_time due = flow->since + (waits ? sim->config.give_up_ps : flow->left);
  if (its->active && to_send) due = flow->since + left_to_send(sim, slot);
  if (!its->active || flow->runs == (uint32_t)waits || (to_send && flow->sent) || due != sim->now) {
    --sim->ideal.stale;
    event_is_stale(sim);
  } else if (to_send) {
    flow->sent = 1;
    weft__flow_tell(sim, its->row, NEWS_SENT);
  } else if (waits) {
    end_flow(sim, slot, delivered(sim, slot), FLOW_FAILED);
  } else {
    end_flow(sim, slot, sim->flow.rows.at[its->row].size_bytes, FLOW_DONE);
  }
}

/* ---- what it answers ---- */

static int link_added(weft_sim *sim, uint32_t link) {
  if (!pool_reserve(sim, sim->ideal.port_bytes, 2 * link + 2)) return WEFT_ENOMEM;
  for (sim->ideal.port_bytes.n = 2 * link; sim->ideal.port_bytes.n < 2 * link + 2;)
    sim->ideal.port_bytes.at[sim->ideal.port_bytes.n++] = 0;
  return WEFT_OK;
}

static int slots(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  (void)path_ports;
  if (!pool_reserve(sim, sim->ideal.flows, n)) return 0;
  sim->ideal.flows.n = n;
  return 1;
}

static uint32_t stale(const weft_sim *sim) {
  return sim->ideal.stale;
}

static void settle(weft_sim *sim) {
  if (sim->ideal.settled_at == sim->now) return;
  sim->ideal.settled_at = sim->now;
  for (uint32_t slot = 0; slot < sim->flow.slots.n; ++slot)
    if (sim->flow.slots.at[slot].active) count(sim, slot, delivered(sim, slot));
}

static uint64_t port_bytes(weft_sim *sim, uint32_t port) {
  settle(sim);
  return sim->ideal.port_bytes.at[port];
}

/* Hosts don't forward: what leaves them has arrived at others. */
static int check(weft_sim *sim) {
  uint64_t out = 0, in = 0;
  for (uint32_t p = 0; p < sim->ideal.port_bytes.n; ++p) {
    const struct fabric_port *port = &sim->fabric.ports.at[p];
    if (sim->fabric.nodes.at[port->from_node].kind == WEFT_HOST) out += sim->ideal.port_bytes.at[p];
    if (sim->fabric.nodes.at[port->to_node].kind == WEFT_HOST) in += sim->ideal.port_bytes.at[p];
  }
  if (out == sim->ideal.sent && in == out) return WEFT_OK;
  return weft__fail(sim, WEFT_EINTERNAL, "ideal: bytes that left hosts and arrived differ");
}

const struct engine_ops weft__ideal_engine = {.link_added = link_added,
                                              .event = event,
                                              .stale = stale,
                                              .port_changed = port_changed,
                                              .rerouted = rerouted,
                                              .launch = launch,
                                              .slots = slots,
                                              .delivered = delivered,
                                              .settle = settle,
                                              .port_bytes = port_bytes,
                                              .check = check};
