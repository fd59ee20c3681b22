/* Moving a partition in time: what it holds of the engine stays as it was, but at another time and
 * with its flows further on.
 *
 * A steady partition that is skipped from t0 to t1 is at t1 what it was at t0, except that every
 * time in it is t1 - t0 later, every packet number of a flow is greater by the packets that the
 * flow has sent meanwhile, and every byte counter of a port by what went through it. So queues,
 * windows, telemetry, timers and the state of congestion control agree afterwards without any of
 * them being worked out, and what is measured across the gap (RTT, utilisation) is as if there were
 * none. */
#include "packet/accel/partition.h"

#include <string.h>

#include "packet/accel/contention/contention.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "results/results.h"

void weft__partition_list_ports(weft_sim *sim, uint32_t partition) {
  weft__partition_list_ports_as(sim, partition, ++sim->accel.visits);
}

void weft__partition_list_ports_as(weft_sim *sim, uint32_t partition, uint32_t visit) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  sim->accel.partition_ports.n = 0;
  FOR_MEMBERS(slot, sim, z) {
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

/* ---- moving ---- */

static void shift_packet(weft_sim *sim, struct packet *packet, weft_time time) {
  packet->arrive += time;
  packet->seq += (uint32_t)sim->accel.members.at[packet->flow].skip;
  if (packet->telemetry == 0) return;
  struct telemetry *block =
      &sim->packet.telemetry.at[(uint64_t)(packet->telemetry - 1) * sim->flow.path_ports];
  if (sim->packet.cc->extra == CC_TIMESTAMP) {
    block->time += time;
    return;
  }
  const uint32_t *path = slot_path(sim, packet->flow);
  for (uint32_t i = 0; i + 1 < sim->packet.tx.at[packet->flow].hops; ++i) {
    block[i].time += time;
    block[i].tx_bytes += (uint32_t)sim->accel.port_shares.at[path[i + 1]].bytes;
  }
}

static void shift_port(weft_sim *sim, uint32_t index, weft_time time) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_cold *cold = &sim->packet.port_cold.at[index];
  const struct port_share *share = &sim->accel.port_shares.at[index];
  for (uint32_t i = port->head; i != port->tail; ++i)
    shift_packet(sim, port_packet(sim, port, i), time);
  port->free_at += time;
  const uint64_t sent = port_tx_bytes(sim, index) + (uint64_t)share->bytes;
  port->tx_bytes = (uint32_t)sent;
  cold->tx_wraps = (uint32_t)(sent >> 32);
  cold->skipped += (uint64_t)share->packets; /* which the cursors don't count */
  if (!(port->flags & PORT_OF_SWITCH) && sim->packet.nics.at[index].wake >= 0)
    sim->packet.nics.at[index].wake += time;
}

static void shift_cc(weft_sim *sim, uint32_t slot, weft_time time, uint64_t bytes) {
  if (sim->packet.cc->shift != NULL) sim->packet.cc->shift(sim, slot, time, bytes);
  weft_time *due = sim->packet.cc->due != NULL ? sim->packet.cc->due(sim, slot) : NULL;
  for (uint32_t i = 0; due != NULL && i < sim->packet.cc->timers; ++i)
    if (due[i] >= 0) due[i] += time;
}

/* Congestion control moves its own times where they are, so it goes there and back. */
void weft__cc_from_now(weft_sim *sim, uint32_t slot, uint64_t bytes, uint64_t *moved) {
  const uint32_t words = sim->packet.cc_words;
  if (words == 0) return;
  uint64_t *state = cc_state(sim, slot);
  memcpy(moved, state, words * sizeof *state);
  shift_cc(sim, slot, -sim->now, bytes);
  for (uint32_t i = 0; i < words; ++i) {
    const uint64_t there = state[i];
    state[i] = moved[i];
    moved[i] = there;
  }
}

static void shift_flow(weft_sim *sim, uint32_t slot, weft_time time) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const int64_t skip = sim->accel.members.at[slot].skip;
  const uint32_t packets = (uint32_t)skip;
  tx->next += packets;
  tx->una += packets;
  tx->next_at += time;
  warm->highest += packets;
  warm->rtt_seq += packets;
  warm->rtt_begin += time;
  warm->progress_at += time;
  warm->restarted_at += time;
  warm->asked_at += time;
  if (warm->rto_event >= 0) warm->rto_event += time;
  if (warm->answer_at >= 0) warm->answer_at += time;
  if (warm->gone_at >= 0) warm->gone_at += time;
  sim->packet.rx.at[slot].next += packets;
  shift_cc(sim, slot, time, (uint64_t)skip * sim->config.mtu_bytes);
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
  const uint64_t data = full_frame(sim), ack = weft__ack_size(sim);
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
    share->bytes += h < hops ? bytes : received * weft__ack_size(sim);
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
  const weft_time *due = sim->packet.cc->due != NULL ? sim->packet.cc->due(sim, slot) : NULL;
  for (uint32_t i = 0; due != NULL && i < sim->packet.cc->timers; ++i) {
    if (due[i] < 0) continue;
    ++sim->packet.cc_events;
    event_of_flow(sim, EV_CC, slot * CC_TIMERS + i, row, due[i]);
  }
}

void weft__partition_arm(weft_sim *sim, uint32_t partition) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i)
    arm_port(sim, sim->accel.partition_ports.at[i]);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) arm_flow(sim, slot);
}
