/* How far parked partitions are, for who asks while they are: results, samples, the audit. What is
 * known of a transient is its end, so inside it progress is drawn as a line. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/record.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/transport/transport.h"

/* Packets from where the flow was parked, of those that `at_end` says were sent or received up to
 * the end of the known transient. */
static uint64_t progress(const weft_sim *sim, uint32_t slot, uint32_t at_end) {
  const struct member *m = &sim->accel.members.at[slot];
  const struct partition *p = &sim->accel.partitions.at[m->partition];
  if (p->phase == PARTITION_STEADY)
    return (uint64_t)(m->rate * (double)(sim->now - p->parked_at) + 0.5);
  const weft_time end = weft__memo_end(sim, m->partition);
  if (sim->now >= end) return at_end + (uint64_t)(m->rate * (double)(sim->now - end) + 0.5);
  return (uint64_t)(at_end * ((double)(sim->now - p->parked_at) / (double)(end - p->parked_at)));
}

uint64_t weft__parked_sent(const weft_sim *sim, uint32_t slot) {
  const struct partition *p = &sim->accel.partitions.at[sim->accel.members.at[slot].partition];
  if (p->phase == PARTITION_FOLLOW || p->phase == PARTITION_APART) return 0;
  return progress(sim, slot, p->phase == PARTITION_MEMO ? weft__memo_sent(sim, slot) : 0);
}

/* A partition that follows is where its leader is. */
static uint64_t follower_received(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->accel.members.at[slot];
  const uint32_t record = sim->accel.partitions.at[m->partition].record - 1;
  const uint32_t first = sim->accel.partitions.at[sim->accel.records.at[record].partition].first;
  uint32_t leader = first;
  while (sim->accel.members.at[leader].as != m->as) {
    leader = sim->accel.members.at[leader].next;
    if (leader == first) return 0;
  }
  return sim->packet.rx.at[leader].next - record_parts(sim, record).begin[m->as].received;
}

uint64_t weft__parked_received(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->accel.members.at[slot];
  const struct partition *p = &sim->accel.partitions.at[m->partition];
  if (p->phase == PARTITION_APART) return 0; /* it is where its state says: apart.c */
  if (p->phase == PARTITION_FOLLOW) return follower_received(sim, slot);
  if (p->phase == PARTITION_STEADY) return progress(sim, slot, 0);
  const struct record_parts parts = record_parts(sim, p->record - 1);
  return progress(sim, slot, (uint32_t)memo_move_of(sim, slot, &parts).received);
}

int weft__goes_on_unseen(const weft_sim *sim, uint32_t slot) {
  return (sim->packet.tx.at[slot].flags & TX_PARKED) != 0 &&
         sim->accel.partitions.at[sim->accel.members.at[slot].partition].phase != PARTITION_APART;
}

/* Packets that have passed the ports of a flow's way, there and back. Where a flow fills its way or
 * empties it that is not the same everywhere: then what has passed all of them, and no last packet,
 * which may be short, as no counter can be put back where nothing comes behind it. */
static uint64_t parked_passed(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->accel.members.at[slot];
  const uint32_t phase = sim->accel.partitions.at[m->partition].phase;
  if (phase == PARTITION_STEADY || phase == PARTITION_APART ||
      !weft__memo_is_exact(sim, m->partition))
    return weft__parked_received(sim, slot);
  if (phase == PARTITION_FOLLOW) return 0;
  const struct record_parts parts =
      record_parts(sim, sim->accel.partitions.at[m->partition].record - 1);
  const struct memo_move move = memo_move_of(sim, slot, &parts);
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t received = (uint32_t)move.received, acked = (uint32_t)move.acked;
  uint32_t least = (uint32_t)move.sent;
  if (least > 0 && tx->next + least == tx->total) --least;
  if (received < least) least = received;
  return progress(sim, slot, acked < least ? acked : least);
}

uint64_t weft__parked_port(const weft_sim *sim, uint32_t port, uint64_t *packets) {
  const struct partition *p = &sim->accel.partitions.at[sim->accel.port_shares.at[port].partition];
  const uint32_t data = full_frame(sim);
  uint64_t bytes = 0;
  *packets = 0;
  FOR_MEMBERS(slot, sim, p) {
    const uint32_t *path = slot_path(sim, slot), hops = sim->packet.tx.at[slot].hops;
    const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
    for (uint32_t h = 0; h < n; ++h) {
      if (path[h] != port) continue;
      const uint64_t passed = parked_passed(sim, slot);
      *packets += passed;
      bytes += passed * (h < hops ? data : ack_size(sim));
    }
  }
  return bytes;
}

static void add_flow(const weft_sim *sim, uint32_t slot, weft_stats *stats) {
  const uint64_t packets = parked_passed(sim, slot);
  const uint64_t data = full_frame(sim);
  const uint64_t bytes = packets * (data + ack_size(sim));
  stats->packets_injected += 2 * packets;
  stats->packets_delivered += 2 * packets;
  stats->bytes_injected += bytes;
  stats->bytes_delivered += bytes;
  stats->payload_delivered += packets * sim->config.mtu_bytes;
  stats->packet_hops += packets * weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
}

void weft__parked_stats(const weft_sim *sim, weft_stats *stats) {
  if (sim->accel.parked == 0) return;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot)
    if (sim->packet.tx.at[slot].flags & TX_PARKED) add_flow(sim, slot, stats);
}
