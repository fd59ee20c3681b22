/* Whether a record takes its flows forward only.
 *
 * A pattern by classes says roughly how much of a flow is under way, and not where on its way it
 * is. The flow of the record may have begun the transient with its packets queued at the sender,
 * and ended it there, having sent little; one that takes the record may have had as many all but
 * acknowledged. At the end of the record these would be back at the sender: sent once more, counted
 * backwards by every port that they had left, and waited for for ever, as the receiver has them. So
 * of each flow no port may have passed fewer packets at the end than it has passed now, and neither
 * what is expected nor what is acknowledged may be less. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/record.h"
#include "packet/port/port_i.h"

/* Packets of each flow that pass each port of its way, there and back, in the transient. */
struct passing {
  int64_t *at; /* of a flow, then of a hop */
  uint32_t hops; /* of a flow: room for so many */
};

/* A packet that has not left some port of its way yet: not yet at the begin, they are passed in
 * the transient (1); not yet at the end, they are not (-1). */
static void count_packet(const weft_sim *sim, const struct passing *passing, uint32_t slot,
                         const struct packet *packet, int has_left, int sign) {
  const uint32_t hops = sim->packet.tx.at[slot].hops;
  const uint32_t end =
      packet->flags & PACKET_ACK ? weft__flow_ports(sim, slot, WEFT_ACKS_ALL) : hops;
  int64_t *at = &passing->at[(uint64_t)sim->accel.members.at[slot].as * passing->hops];
  for (uint32_t h = packet->hop - (has_left ? 0u : 1u); h < end; ++h) at[h] += sign;
}

static void count_begin(weft_sim *sim, uint32_t partition, const struct passing *passing) {
  weft__partition_list_ports(sim, partition);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    for (uint32_t k = port->head; k != port->tail; ++k) {
      const struct packet *packet = port_packet(sim, port, k);
      count_packet(sim, passing, packet->flow, packet, (int32_t)(k - port->deq) < 0, 1);
    }
  }
}

static void count_end(const weft_sim *sim, const struct memo_record *r,
                      const struct record_parts *parts, const struct passing *passing,
                      const uint32_t *slots) {
  const struct packet *packet = parts->packets;
  for (uint32_t p = 0; p < r->ports; ++p)
    for (uint32_t i = 0; i < parts->ports[p].packets; ++i, ++packet)
      count_packet(sim, passing, slots[packet->flow], packet, i < parts->ports[p].on_wire, -1);
}

static int goes_forward(const weft_sim *sim, uint32_t slot, const struct record_parts *parts,
                        const struct passing *passing) {
  const struct memo_move move = memo_move_of(sim, slot, parts);
  if (move.sent < 0 || move.received < 0 || move.acked < 0) return 0;
  const int64_t *at = &passing->at[(uint64_t)sim->accel.members.at[slot].as * passing->hops];
  const uint32_t hops = sim->packet.tx.at[slot].hops,
                 n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  for (uint32_t h = 0; h < n; ++h)
    if (at[h] + (h < hops ? move.sent : move.received) < 0) return 0;
  return 1;
}

static int is_forward(weft_sim *sim, uint32_t partition, const struct passing *passing,
                      const uint32_t *slots) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  const struct memo_record *r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record);
  for (uint64_t i = 0; i < (uint64_t)r->flows * passing->hops; ++i) passing->at[i] = 0;
  count_begin(sim, partition, passing);
  count_end(sim, r, &parts, passing, slots);
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (!goes_forward(sim, slot, &parts, passing)) return 0;
  return 1;
}

int weft__memo_is_forward(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint32_t hops = 2 * sim->flow.path_ports;
  const uint64_t bytes = (uint64_t)sim->accel.records.at[p->record - 1].flows * hops * 8;
  const uint32_t *slots = weft__partition_slots(sim, partition);
  const struct passing passing = {weft__arena_take(sim, &sim->arena, bytes), hops};
  const int forward =
      slots != NULL && passing.at != NULL && is_forward(sim, partition, &passing, slots);
  weft__arena_reset(sim, &sim->arena, mark);
  return forward;
}
