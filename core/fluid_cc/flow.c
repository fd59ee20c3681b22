/* The life of a flow: it begins, in closed form or in parcels, changes its way, ends. */
#include <string.h>

#include "base/frame_i.h"
#include "fluid_cc/fluid_cc.h"

/* ---- ports of its way ---- */

/* One more flow whose data goes that way, or one less. */
static void use(weft_sim *sim, uint32_t index, int more) {
  struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  port->users_ps += port->users * (double)(sim->now - port->users_at);
  port->users_at = sim->now;
  port->users += (uint32_t)more;
}

void weft__fcc_join_ports(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *way = &sim->flow.slots.at[slot];
  for (uint32_t i = 0; i < (uint32_t)way->hops + way->ack_hops; ++i) {
    struct fcc_port *port = &sim->fluid_cc.ports.at[path[i]];
    if (port->alone != WEFT_NONE && port->alone != slot) weft__fcc_alone_break(sim, port->alone);
    if (i < way->hops)
      use(sim, path[i], 1);
    else
      ++port->acks;
  }
}

void weft__fcc_leave_ports(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *way = &sim->flow.slots.at[slot];
  for (uint32_t i = 0; i < way->hops; ++i) use(sim, path[i], -1);
  for (uint32_t i = 0; i < way->ack_hops; ++i) --sim->fluid_cc.ports.at[path[way->hops + i]].acks;
}

/* There and back: without its ACKs a flow does not go on either. */
static int way_is_up(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const struct slot *way = &sim->flow.slots.at[slot];
  for (uint32_t i = 0; i < (uint32_t)way->hops + way->ack_hops; ++i)
    if (sim->fluid_cc.ports.at[path[i]].down) return 0;
  return 1;
}

/* ---- begin ---- */

/* Round trips and the window: packet/rtt.c, packet/transport. */
static void learn_way(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const struct slot *way = &sim->flow.slots.at[slot];
  const weft_config *config = &sim->config;
  const uint32_t *path = slot_path(sim, slot), *back = path + way->hops;
  const uint32_t frame = config->mtu_bytes + flow->headers;
  flow->empty_rtt = weft__path_one_way(sim, path, way->hops, frame) +
                    weft__path_one_way(sim, back, way->ack_hops, flow->ack_bytes);
  const weft_time built = weft__path_as_built(sim, path, way->hops, frame) +
                          weft__path_as_built(sim, back, way->ack_hops, flow->ack_bytes);
  weft__fcc_take_rtt(sim, flow, built);
  flow->base_window = config->window_bytes != 0
                          ? (double)config->window_bytes
                          : flow->line_bps * (double)flow->base_rtt / 8e12 + 1;
}

static void go_on(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  flow->since = sim->now;
  if (way_is_up(sim, slot)) {
    flow->state = FCC_SENDS;
    if (flow->next < flow->total) {
      weft__fcc_nic_add(sim, slot);
      weft__fcc_nic_kick(sim, slot_path(sim, slot)[0]);
    }
    return;
  }
  flow->state = FCC_WAITS;
  if (sim->config.give_up_ps != 0)
    event_of_flow(sim, EV_FCC_GIVE_UP, slot, flow->row, sim->now + sim->config.give_up_ps);
}

void weft__fcc_launch(weft_sim *sim, uint32_t row) {
  int waits;
  const uint32_t slot = weft__flow_begin(sim, row, &waits);
  if (slot == WEFT_NONE) return;
  flow_is_under_way(sim);
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_config *config = &sim->config;
  const uint64_t size = sim->flow.rows.at[row].size_bytes, mtu = config->mtu_bytes;
  const uint32_t total = (uint32_t)((size + mtu - 1) / mtu), extra = weft__fcc_extra(sim);
  double line = (double)sim->fabric.ports.at[slot_path(sim, slot)[0]].built_rate_bps;
  if (config->max_rate_bps != 0 && (double)config->max_rate_bps < line)
    line = (double)config->max_rate_bps;
  *flow = (struct fcc_flow){.line_bps = line,
                            .row = row,
                            .rto_event = -1,
                            .generation = flow->generation + 1,
                            .total = total,
                            .last_bytes = (uint16_t)(size - (total - 1) * mtu),
                            .headers = frame_headers(config, extra),
                            .ack_bytes = weft__fcc_ack_bytes(sim)};
  flow->told = (flow_wants(sim, row) & FLOW_TELLS_SENT) == 0;
  learn_way(sim, slot);
  weft__fcc_law_start(sim, slot);
  flow->foreseen = -1;
  if (sim->fluid_cc.watch != NULL) sim->fluid_cc.watch->begins(sim, slot);
  const int alone = weft__fcc_is_alone(sim, slot);
  weft__fcc_join_ports(sim, slot);
  if (alone)
    weft__fcc_alone_begin(sim, slot);
  else
    go_on(sim, slot);
}

/* ---- end ---- */

static void end(weft_sim *sim, uint32_t slot, uint64_t payload, enum flow_state state) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  weft__fcc_nic_remove(sim, slot);
  weft__fcc_leave_ports(sim, slot);
  weft__fcc_disarm(sim, slot);
  fcc_forget_foreseen(sim, flow);
  ++flow->generation; /* what is still under way arrives nowhere */
  flow_row_note(sim, flow->row, payload, flow->retransmits, 0);
  sim->stats.payload_delivered += payload;
  weft__flow_over(sim, slot, state);
}

void weft__fcc_done(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->fluid_cc.flows.at[slot].row;
  end(sim, slot, sim->flow.rows.at[row].size_bytes, FLOW_DONE);
  weft__flow_is_acked(sim, row);
  weft__slot_free(sim, slot);
}

void weft__fcc_fail(weft_sim *sim, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t row = flow->row;
  const uint64_t payload = (uint64_t)flow->received * sim->config.mtu_bytes;
  const int complete = weft__flow_is_complete(sim, row);
  end(sim, slot, payload, complete ? FLOW_DONE : FLOW_FAILED);
  weft__flow_has_failed(sim, row);
  weft__slot_free(sim, slot);
}

void weft__fcc_give_up_event(weft_sim *sim, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const int active = sim->flow.slots.at[slot].active && flow->state == FCC_WAITS;
  if (!active || flow->since + sim->config.give_up_ps != sim->now) {
    --sim->fluid_cc.stale;
    event_is_stale(sim);
    return;
  }
  weft__fcc_fail(sim, slot);
}

/* ---- another way, or the same one failed or back ---- */

static weft_time later(weft_time a, weft_time b) {
  return a > b ? a : b;
}

/* What is under way is lost, and sent again from the first that has not arrived, at once where the
 * way is another one only, else when the sender notices. */
static void send_again(weft_sim *sim, uint32_t slot, int lost) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_time heard_at = flow->una > 0 ? flow->fed_at : flow->since;
  flow->busy_until = sim->now;
  if (lost && flow->next > flow->received && flow->received < flow->total)
    flow->busy_until = later(heard_at + weft__fcc_timeout(sim, flow), sim->now);
  fcc_forget_foreseen(sim, flow);
  ++flow->generation;
  weft__fcc_disarm(sim, slot);
  weft__fcc_nic_remove(sim, slot);
  flow->gone = 0;
  flow->nack_for = 0;
  flow->next = flow->una = flow->received;
  flow->acked_n = flow->sent_n = 0;
  flow->next_at = sim->now;
  flow->law.window_end = flow->law.recovery_end = flow->next;
  flow->law.has_last = flow->law.in_recovery = 0;
}

void weft__fcc_way_changed(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                           const uint32_t *ack, int ack_hops) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  if (flow->state == FCC_ALONE) weft__fcc_alone_break(sim, slot);
  const int waited = flow->state == FCC_WAITS;
  if (!waited) send_again(sim, slot, !way_is_up(sim, slot));
  if (data != NULL) {
    weft__fcc_leave_ports(sim, slot);
    if (!weft__slot_take_path(sim, slot, data, hops, ack, ack_hops)) {
      weft__no_memory(sim);
      return;
    }
    weft__fcc_join_ports(sim, slot);
  }
  learn_way(sim, slot);
  if (flow->received == flow->total) { /* all has arrived, and its ACK is lost */
    weft__fcc_done(sim, slot);
    return;
  }
  if (waited && !way_is_up(sim, slot)) return;
  sim->fluid_cc.stale += waited && sim->config.give_up_ps != 0;
  go_on(sim, slot);
}
