/* New paths for flows under way, and packets that meet a path which has changed. */
#include <string.h>

#include "packet/accel/partition.h"
#include "flow/path.h"
#include "packet/transport/transport.h"

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
    if (sim->accel.on) weft__partition_leave(sim, slot);
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
    if (sim->accel.on) weft__partition_join(sim, slot);
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
