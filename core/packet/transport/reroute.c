/* The paths that flows have: to begin with, other ones for flows under way, and what becomes of
 * packets that meet a path which has changed. */
#include <string.h>

#include "flow/path.h"
#include "packet/cc/cc.h"
#include "packet/hooks.h"
#include "packet/model.h"
#include "packet/rtt.h"
#include "packet/transport/transport.h"

void weft__flow_take_path(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->flow.slots.at[slot].hops;
  sim->packet.tx.at[slot].hops = (uint8_t)hops;
  sim->packet.tx.at[slot].port = path[0];
  sim->packet.rx.at[slot].port = path[hops];
  sim->packet.rx.at[slot].hop = hops + 1;
}

/* The window at line rate that a round trip calls for. */
static uint64_t window_of(const weft_sim *sim, const struct tx_warm *warm) {
  if (sim->config.window_mode == WEFT_WINDOW_NONE) return UINT64_MAX;
  if (sim->config.window_bytes != 0) return sim->config.window_bytes;
  return sim->packet.model->window(warm->line_bps, warm->base_rtt_ps);
}

void weft__flow_take_rtt(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const weft_time rtt = weft__flow_base_rtt(sim, slot);
  if (rtt <= warm->base_rtt_ps) return; /* a detour may be longer; who was there before stays */
  warm->base_rtt_ps = rtt;
  if (sim->packet.cc->windowed) return;
  warm->base_window = window_of(sim, warm);
  weft__cc_set_window(sim, slot);
}

static int same_path(const weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                     const uint32_t *ack, int ack_hops) {
  const uint32_t *path = slot_path(sim, slot);
  return sim->packet.tx.at[slot].hops == hops &&
         memcmp(path, data, (size_t)hops * sizeof *path) == 0 &&
         memcmp(path + hops, ack, (size_t)ack_hops * sizeof *path) == 0;
}

/* Most come in order. */
void weft__list_by_row(weft_sim *sim, uint32_t *first, uint32_t *last, uint32_t slot) {
  struct tx *tx = sim->packet.tx.at;
  uint32_t *link = first;
  if (*last != WEFT_NONE && tx[*last].row < tx[slot].row) link = &tx[*last].list_next;
  while (*link != WEFT_NONE && tx[*link].row < tx[slot].row) link = &tx[*link].list_next;
  tx[slot].list_next = *link;
  if (*link == WEFT_NONE) *last = slot;
  *link = slot;
}

void weft__reroute_flows(weft_sim *sim) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  uint32_t first = WEFT_NONE, last = WEFT_NONE; /* flows that go to another NIC port */
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    if (!(sim->packet.tx.at[slot].flags & TX_ACTIVE)) continue;
    int ack_hops;
    const int hops = weft__flow_paths(sim, sim->packet.tx.at[slot].row, data, ack, &ack_hops);
    if (hops == 0) continue; /* no way now: it keeps its path and times out until repair */
    if (same_path(sim, slot, data, hops, ack, ack_hops)) continue;
    accel_left(sim, slot);
    const struct tx *tx = &sim->packet.tx.at[slot];
    const int moves = (tx->flags & TX_IN_LIST) && tx->port != data[0];
    if (moves) weft__nic_remove(sim, slot);
    if (!weft__slot_take_path(sim, slot, data, hops, ack, ack_hops)) {
      weft__no_memory(sim);
      return;
    }
    weft__flow_take_path(sim, slot);
    weft__flow_take_rtt(sim, slot);
    if (moves) weft__list_by_row(sim, &first, &last, slot);
    sim->packet.tx_warm.at[slot].path_seq = sim->packet.tx_warm.at[slot].highest;
    accel_joined(sim, slot);
  }
  for (uint32_t slot = first, next; slot != WEFT_NONE; slot = next) {
    next = sim->packet.tx.at[slot].list_next;
    weft__nic_add(sim, slot);
    weft__nic_kick_flow(sim, slot);
  }
}

/* Data and ACK look only at their own half of the path: the other one leads to the other end. */
uint32_t weft__path_after_change(weft_sim *sim, const struct packet *packet, uint32_t node,
                                 uint8_t *at) {
  const uint32_t *path = slot_path(sim, packet->flow);
  const int ack = packet->flags & PACKET_ACK;
  const uint32_t first = ack ? sim->packet.tx.at[packet->flow].hops : 0;
  const uint32_t end = ack ? 2 * sim->flow.path_ports : sim->packet.tx.at[packet->flow].hops;
  uint32_t hop = *at;
  if (hop < first || hop >= end || path[hop] == WEFT_NONE ||
      sim->packet.ports.at[path[hop]].from_node != node)
    for (hop = first; hop < end; ++hop)
      if (path[hop] != WEFT_NONE && sim->packet.ports.at[path[hop]].from_node == node) break;
  if (hop < end) {
    *at = (uint8_t)(hop + 1);
    return path[hop];
  }
  *at = HOP_OFF_PATH;
  const uint32_t row = sim->packet.rx.at[packet->flow].row;
  const struct flow *flow = &sim->flow.rows.at[row];
  return weft__route_next(sim, node, flow->src, flow->dst, row, ack);
}
