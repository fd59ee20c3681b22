/* Moving a partition in time: what it holds of the engine stays as it was, but at another time and
 * with its flows further on.
 *
 * A steady partition that is skipped from t0 to t1 is at t1 what it was at t0, except that every
 * time in it is t1 - t0 later, every packet number of a flow is greater by the packets that the
 * flow has sent meanwhile, and every byte counter of a port by what went through it. So queues,
 * windows, telemetry, timers and the state of congestion control agree afterwards without any of
 * them being worked out, and what is measured across the gap (RTT, utilisation) is as if there were
 * none. */
#include "packet/accel/memo/memo.h"

#include <string.h>

#include "packet/accel/contention/contention.h"
#include "packet/cc/cc.h"
#include "packet/fields.h"
#include "packet/port/port_i.h"

void weft__partition_list_ports(weft_sim *sim, uint32_t partition) {
  weft__partition_list_ports_as(sim, partition, ++sim->accel.visits);
}

void weft__partition_list_ports_as(weft_sim *sim, uint32_t partition, uint32_t visit) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  sim->accel.partition_ports.n = 0;
  FOR_MEMBERS(slot, sim, p) {
    const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
    for (uint32_t h = 0; h < n; ++h) {
      struct port_share *share = &sim->accel.port_shares.at[path[h]];
      if (share->visit == visit) continue;
      share->visit = visit;
      share->bytes = share->packets = 0;
      share->feed = share->burst = share->most = 0;
      share->from = WEFT_NONE;
      share->index = sim->accel.partition_ports.n;
      sim->accel.partition_ports.at[sim->accel.partition_ports.n++] =
          path[h]; /* there is room for all ports */
    }
  }
}

void weft__partition_settle(weft_sim *sim, uint32_t partition, weft_time time) {
  weft__partition_list_ports(sim, partition);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t port = sim->accel.partition_ports.at[i];
    port_settle(sim, port, &sim->packet.ports.at[port], time);
  }
}

/* ---- moving ---- */

static void shift_packet(weft_sim *sim, struct packet *packet, weft_time time) {
  struct field_move by = {.time = time,
                          .packets = (uint32_t)sim->accel.members.at[packet->flow].skip};
  packet_move(packet, &by);
  if (packet->telemetry == 0) return;
  struct telemetry *block =
      &sim->packet.telemetry.at[(uint64_t)(packet->telemetry - 1) * sim->flow.path_ports];
  if (sim->packet.cc->extra == CC_TIMESTAMP) {
    telemetry_move(block, &by);
    return;
  }
  const uint32_t *path = slot_path(sim, packet->flow);
  for (uint32_t i = 0; i + 1 < sim->packet.tx.at[packet->flow].hops; ++i) {
    by.sent = (uint32_t)sim->accel.port_shares.at[path[i + 1]].bytes;
    telemetry_move(&block[i], &by);
  }
}

static void shift_port(weft_sim *sim, uint32_t index, weft_time time) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct port_share *share = &sim->accel.port_shares.at[index];
  for (uint32_t i = port->head; i != port->tail; ++i)
    shift_packet(sim, port_packet(sim, port, i), time);
  const struct field_move by = {
      .time = time, .passed = (uint64_t)share->packets, .sent = (uint32_t)share->bytes};
  const uint64_t sent = port_tx_bytes(sim, index) + (uint64_t)share->bytes;
  port_move(port, &by);
  port_cold_move(cold, &by);
  cold->tx_wraps = (uint32_t)(sent >> 32);
  if (!(port->flags & PORT_OF_SWITCH)) nic_move(&sim->packet.nics.at[index], &by);
}

static void shift_cc(weft_sim *sim, uint32_t slot, struct field_move by) {
  const struct cc_ops *cc = sim->packet.cc;
  char *state = cc_state(sim, slot);
  if (!weft__fields_move(&cc->state, state, &by) || cc->hop.size == 0) return;
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i + 1 < sim->packet.tx.at[slot].hops; ++i) {
    by.sent = (uint32_t)sim->accel.port_shares.at[path[i + 1]].bytes;
    weft__fields_move(&cc->hop, state + cc->state.size + i * cc->hop.size, &by);
  }
}

/* Congestion control moves its own times where they are, so it goes there and back. */
void weft__cc_from_now(weft_sim *sim, uint32_t slot, uint64_t bytes, uint64_t *moved) {
  const uint32_t words = sim->packet.cc_words;
  if (words == 0) return;
  uint64_t *state = cc_state(sim, slot);
  memcpy(moved, state, words * sizeof *state);
  shift_cc(sim, slot, (struct field_move){.time = -sim->now, .bytes = bytes});
  for (uint32_t i = 0; i < words; ++i) {
    const uint64_t there = state[i];
    state[i] = moved[i];
    moved[i] = there;
  }
}

static void shift_flow(weft_sim *sim, uint32_t slot, weft_time time) {
  const int64_t skip = sim->accel.members.at[slot].skip;
  const struct field_move by = {
      .time = time, .bytes = (uint64_t)skip * sim->config.mtu_bytes, .packets = (uint32_t)skip};
  tx_move(&sim->packet.tx.at[slot], &by);
  tx_warm_move(&sim->packet.tx_warm.at[slot], &by);
  rx_move(&sim->packet.rx.at[slot], &by);
  shift_cc(sim, slot, by);
}

void weft__partition_shift(weft_sim *sim, uint32_t partition, weft_time time) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i)
    shift_port(sim, sim->accel.partition_ports.at[i], time);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) shift_flow(sim, slot, time);
}

/* ---- what was skipped ---- */

/* Departures of NICs are events besides arrivals, one for a data packet. */
void weft__count_skipped(weft_sim *sim, uint32_t slot, uint64_t sent, uint64_t received,
                         uint64_t acked) {
  const uint64_t data = full_frame(sim), ack = ack_size(sim);
  const uint32_t hops = sim->packet.tx.at[slot].hops;
  const uint32_t ack_hops = weft__flow_ports(sim, slot, WEFT_ACKS_ALL) - hops;
  weft_stats *stats = &sim->stats;
  stats->packets_injected += sent + received;
  stats->packets_delivered += received + acked;
  stats->bytes_injected += sent * data + received * ack;
  stats->bytes_delivered += received * data + acked * ack;
  stats->payload_delivered += received * sim->config.mtu_bytes;
  const uint64_t crossed = sent * hops + received * ack_hops;
  stats->packet_hops += crossed;
  sim->accel.skipped_hops += crossed;
  sim->accel.totals.packets_skipped += received + acked;
  sim->accel.totals.events_skipped += crossed + sent;
}

void weft__share_out(weft_sim *sim, uint32_t slot, int64_t sent, int64_t bytes, int64_t received) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->packet.tx.at[slot].hops;
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  for (uint32_t h = 0; h < n; ++h) {
    struct port_share *share = &sim->accel.port_shares.at[path[h]];
    share->packets += h < hops ? sent : received;
    share->bytes += h < hops ? bytes : received * ack_size(sim);
  }
}

void weft__partition_advance(weft_sim *sim, uint32_t partition, weft_time time) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    struct member *m = &sim->accel.members.at[slot];
    const struct tx *tx = &sim->packet.tx.at[slot];
    const uint32_t left = tx->total - tx->next;
    uint32_t packets = (uint32_t)(m->rate * (double)time + 0.5);
    if (packets >= left) packets = left > 0 ? left - 1 : 0;
    m->skip = packets;
    if (sim->packet.cc->relax != NULL)
      sim->packet.cc->relax(sim, slot, time, (uint64_t)packets * sim->config.mtu_bytes);
    weft__share_out(sim, slot, packets, (int64_t)packets * full_frame(sim), packets);
    weft__count_skipped(sim, slot, packets, packets, packets);
    sim->accel.doubt_ps += m->uncertainty * (double)time;
    sim->accel.skipped_ps += (double)time;
  }
  weft__partition_shift(sim, partition, time);
}

/* ---- events ---- */

static void arm_port(weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  if (port->head != port->tail)
    event_at(sim, EV_ARRIVE, 2 * index, port_packet(sim, port, port->head)->arrive);
  if (!(port->flags & PORT_OF_SWITCH)) {
    if (sim->packet.nics.at[index].wake >= 0)
      event_at(sim, EV_NIC, index, sim->packet.nics.at[index].wake);
  } else if (sim->packet.buffers.at[port->from_node].tracked) {
    sim->packet.port_cold.at[index].dequeue_event = -1;
    weft__buffer_arm(sim, index);
  }
}

static void arm_flow(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  const weft_time rto = sim->packet.tx_warm.at[slot].rto_event;
  if (rto >= 0) {
    ++sim->packet.rto_events;
    event_of_flow(sim, EV_RTO, slot, row, rto);
  }
  for (uint32_t i = 0; i < sim->packet.cc_timers; ++i) {
    const weft_time due = cc_due(sim, slot)[i];
    if (due < 0) continue;
    ++sim->packet.cc_events;
    event_of_flow(sim, EV_CC, slot * CC_TIMERS + i, row, due);
  }
}

void weft__partition_arm(weft_sim *sim, uint32_t partition) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i)
    arm_port(sim, sim->accel.partition_ports.at[i]);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) arm_flow(sim, slot);
}
