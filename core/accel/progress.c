/* How far parked zones are, for who asks while they are: results, samples, the audit. What is known
 * of a transient is its end, so inside it progress is drawn as a line. */
#include "accel/record.h"
#include "transport/transport.h"

/* Packets from where the flow was parked, of those that `at_end` says were sent or received up to
 * the end of the known transient. */
static uint64_t progress(const weft_sim *sim, uint32_t slot, uint32_t at_end) {
  const struct member *m = &sim->members.at[slot];
  const struct zone *z = &sim->zones.at[m->zone];
  if (z->phase == ZONE_STEADY) return (uint64_t)(m->rate * (double)(sim->now - z->parked_at) + 0.5);
  const weft_time end = weft__memo_end(sim, m->zone);
  if (sim->now >= end) return at_end + (uint64_t)(m->rate * (double)(sim->now - end) + 0.5);
  return (uint64_t)(at_end * ((double)(sim->now - z->parked_at) / (double)(end - z->parked_at)));
}

uint64_t weft__parked_sent(const weft_sim *sim, uint32_t slot) {
  const struct zone *z = &sim->zones.at[sim->members.at[slot].zone];
  if (z->phase == ZONE_FOLLOW || z->phase == ZONE_APART) return 0;
  return progress(sim, slot, z->phase == ZONE_MEMO ? weft__memo_sent(sim, slot) : 0);
}

/* A zone that follows is where its leader is. */
static uint64_t follower_received(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->members.at[slot];
  const uint32_t record = sim->zones.at[m->zone].record - 1;
  const uint32_t first = sim->zones.at[sim->records.at[record].zone].first;
  uint32_t leader = first;
  while (sim->members.at[leader].as != m->as) {
    leader = sim->members.at[leader].next;
    if (leader == first) return 0;
  }
  return sim->rx.at[leader].next - record_parts(sim, record).begin[m->as].received;
}

uint64_t weft__parked_received(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->members.at[slot];
  const struct zone *z = &sim->zones.at[m->zone];
  if (z->phase == ZONE_APART) return 0; /* it is where its state says: apart.c */
  if (z->phase == ZONE_FOLLOW) return follower_received(sim, slot);
  if (z->phase == ZONE_STEADY) return progress(sim, slot, 0);
  const struct record_parts parts = record_parts(sim, z->record - 1);
  return progress(sim, slot, (uint32_t)memo_move_of(sim, slot, &parts).received);
}

int weft__goes_on_unseen(const weft_sim *sim, uint32_t slot) {
  return (sim->tx.at[slot].flags & TX_PARKED) != 0 &&
         sim->zones.at[sim->members.at[slot].zone].phase != ZONE_APART;
}

/* Packets that have passed the ports of a flow's way, there and back. Where a flow fills its way or
 * empties it that is not the same everywhere: then what has passed all of them, and no last packet,
 * which may be short, as no counter can be put back where nothing comes behind it. */
static uint64_t parked_passed(const weft_sim *sim, uint32_t slot) {
  const struct member *m = &sim->members.at[slot];
  const uint32_t phase = sim->zones.at[m->zone].phase;
  if (phase == ZONE_STEADY || phase == ZONE_APART || !weft__memo_is_exact(sim, m->zone))
    return weft__parked_received(sim, slot);
  if (phase == ZONE_FOLLOW) return 0;
  const struct record_parts parts = record_parts(sim, sim->zones.at[m->zone].record - 1);
  const struct memo_move move = memo_move_of(sim, slot, &parts);
  const struct tx *tx = &sim->tx.at[slot];
  const uint32_t received = (uint32_t)move.received, acked = (uint32_t)move.acked;
  uint32_t least = (uint32_t)move.sent;
  if (least > 0 && tx->next + least == tx->total) --least;
  if (received < least) least = received;
  return progress(sim, slot, acked < least ? acked : least);
}

uint64_t weft__parked_port(const weft_sim *sim, uint32_t port, uint64_t *packets) {
  const struct zone *z = &sim->zones.at[sim->port_shares.at[port].zone];
  const uint32_t data = full_frame(sim);
  uint64_t bytes = 0;
  *packets = 0;
  FOR_MEMBERS(slot, sim, z) {
    const uint32_t *path = slot_path(sim, slot), hops = sim->tx.at[slot].hops;
    const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
    for (uint32_t h = 0; h < n; ++h) {
      if (path[h] != port) continue;
      const uint64_t passed = parked_passed(sim, slot);
      *packets += passed;
      bytes += passed * (h < hops ? data : weft__ack_size(sim));
    }
  }
  return bytes;
}

static void add_flow(const weft_sim *sim, uint32_t slot, weft_stats *stats) {
  const uint64_t packets = parked_passed(sim, slot);
  const uint64_t data = full_frame(sim);
  const uint64_t bytes = packets * (data + weft__ack_size(sim));
  stats->packets_injected += 2 * packets;
  stats->packets_delivered += 2 * packets;
  stats->bytes_injected += bytes;
  stats->bytes_delivered += bytes;
  stats->payload_delivered += packets * sim->config.mtu_bytes;
  stats->packet_hops += packets * weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
}

void weft__parked_stats(const weft_sim *sim, weft_stats *stats) {
  if (sim->parked == 0) return;
  for (uint32_t slot = 0; slot < sim->tx.n; ++slot)
    if (sim->tx.at[slot].flags & TX_PARKED) add_flow(sim, slot, stats);
}
