/* Putting a partition to the end of a transient that is known: what it held is let go, and what the
 * record holds takes its place, flow by flow as they have been matched. */
#include <string.h>

#include "packet/accel/memo/record.h"
#include "packet/cc/cc.h"
#include "packet/transport/transport.h"
#include "packet/fields.h"
#include "packet/port/port_i.h"

/* Packets that have not left a port yet, of what its flows have sent, times a sign: with the
 * packets sent in between this makes what has left it. Those on the wire have left it, and have not
 * crossed it. */
static void count_waiting(weft_sim *sim, const struct port *port, uint32_t cursor, int sign) {
  const struct packet *packet = port_packet(sim, port, cursor);
  const uint32_t *path = slot_path(sim, packet->flow), hops = sim->packet.tx.at[packet->flow].hops;
  const uint32_t end =
      packet->flags & PACKET_ACK ? weft__flow_ports(sim, packet->flow, WEFT_ACKS_ALL) : hops;
  const int has_left = (int32_t)(cursor - port->deq) < 0;
  const uint64_t left = (uint64_t)sign * (end - packet->hop + 1);
  sim->stats.packet_hops += left;
  sim->accel.totals.events_skipped += left;
  for (uint32_t h = packet->hop - (has_left ? 0u : 1u); h < end; ++h) {
    struct port_share *share = &sim->accel.port_shares.at[path[h]];
    share->packets += sign;
    share->bytes += sign * (int64_t)packet->size;
  }
}

static void count_all_waiting(weft_sim *sim, int sign) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    for (uint32_t k = port->head; k != port->tail; ++k) count_waiting(sim, port, k, sign);
  }
}

/* ---- what it held ---- */

static void empty_port(weft_sim *sim, uint32_t index) {
  struct port *port = &sim->packet.ports.at[index];
  for (uint32_t k = port->head; k != port->tail; ++k) {
    const struct packet *packet = port_packet(sim, port, k);
    if (packet->telemetry != 0)
      sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] = packet->telemetry;
  }
  if (port->flags & PORT_OF_SWITCH)
    sim->packet.buffers.at[port->from_node].used -= port->queue_bytes;
  sim->accel.port_shares.at[index].packets += port->deq; /* less what it will be */
  port->head = port->deq = port->tail;
  port->queue_bytes = 0;
}

/* ---- what it gets ---- */

static uint32_t put_telemetry(weft_sim *sim, const struct memo_record *r,
                              const struct record_parts *parts, uint32_t kept) {
  const uint32_t taken = weft__telemetry_take(sim);
  if (taken == 0) return 0;
  const uint32_t from = r->path_ports, to = sim->flow.path_ports;
  const struct telemetry *block = &parts->blocks[(uint64_t)(kept - 1) * from];
  memcpy(&sim->packet.telemetry.at[(uint64_t)(taken - 1) * to], block,
         (from < to ? from : to) * sizeof *block);
  return taken;
}

static int make_ring(weft_sim *sim, uint32_t index, uint32_t packets) {
  while (1u << sim->packet.ports.at[index].ring_log2 < packets)
    if (!weft__ring_grow(sim, index)) return 0;
  return 1;
}

/* Those of a port of the record, of which they are the packets from `first` on. */
static void put_packets(weft_sim *sim, const struct memo_record *r,
                        const struct record_parts *parts, uint32_t index, uint32_t first,
                        const struct memo_port *kept, const struct field_names *slots) {
  if (!make_ring(sim, index, kept->packets)) return;
  struct port *port = &sim->packet.ports.at[index];
  for (uint32_t i = 0; i < kept->packets; ++i) {
    struct packet packet = parts->packets[first + i];
    packet_rename(&packet, slots);
    packet.in_port = WEFT_NONE;
    if (port->flags & PORT_OF_SWITCH) /* it came by the port before on its way */
      packet.in_port = slot_path(sim, packet.flow)[packet.hop - 2];
    if (packet.telemetry != 0) packet.telemetry = put_telemetry(sim, r, parts, packet.telemetry);
    *port_packet(sim, port, port->tail++) = packet;
    if (i >= kept->on_wire) port->queue_bytes += packet.size;
  }
  port->deq = port->head + kept->on_wire;
  if (port->queue_bytes > port->max_queue_bytes) port->max_queue_bytes = port->queue_bytes;
  if (port->flags & PORT_OF_SWITCH)
    sim->packet.buffers.at[port->from_node].used += port->queue_bytes;
}

static void put_port_fields(struct port *at, const struct memo_port *from) {
  PORT_FIELDS(FIELD_TAKE)
}

static void put_cold_fields(struct port_cold *at, const struct memo_port *from) {
  PORT_COLD_FIELDS(FIELD_TAKE)
}

/* Telemetry and congestion control of the record know its port's counter, which therefore is put
 * here, with the way from it to what this port has sent as that by which all of them move. */
static void put_port(weft_sim *sim, uint32_t index, const struct memo_port *kept,
                     const struct field_names *slots) {
  struct port *port = &sim->packet.ports.at[index];
  struct port_share *share = &sim->accel.port_shares.at[index];
  share->bytes += (int64_t)(port_tx_bytes(sim, index) - kept->tx_bytes);
  share->packets -= port->deq;
  put_port_fields(port, kept);
  put_cold_fields(&sim->packet.port_cold.at[index], kept);
  sim->packet.port_cold.at[index].tx_wraps = 0;
  if (port->flags & PORT_OF_SWITCH) return;
  struct nic *nic = &sim->packet.nics.at[index];
  nic_take(nic, &kept->nic);
  nic_rename(nic, slots);
}

/* By how much the last packet of a flow is shorter than others, if it is sent in the transient. */
static uint32_t last_is_shorter(const weft_sim *sim, uint32_t slot, uint64_t sent) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const int has_last = sent > 0 && tx->next + sent == tx->total;
  return has_last ? sim->config.mtu_bytes - tx->last_bytes : 0;
}

static void put_flow(weft_sim *sim, uint32_t slot, const struct memo_record *r,
                     const struct record_parts *parts, const struct field_names *slots) {
  struct member *m = &sim->accel.members.at[slot];
  const struct memo_flow *f = &parts->flows[m->as];
  struct tx *tx = &sim->packet.tx.at[slot];
  const struct memo_move move = memo_move_of(sim, slot, parts);
  weft__count_skipped(sim, slot, (uint64_t)move.sent, (uint64_t)move.received,
                      (uint64_t)move.acked);
  sim->stats.bytes_injected -= last_is_shorter(sim, slot, (uint64_t)move.sent);
  m->skip = (int32_t)move.skip;
  m->rate = f->rate;
  m->uncertainty = f->uncertainty;
  tx_take(tx, &f->tx);
  tx_rename(tx, slots);
  tx_warm_take(&sim->packet.tx_warm.at[slot], &f->warm);
  rx_take(&sim->packet.rx.at[slot], &f->rx);
  const uint32_t words = r->cc_words < sim->packet.cc_words ? r->cc_words : sim->packet.cc_words;
  if (words > 0)
    memcpy(cc_state(sim, slot), parts->cc + (uint64_t)m->as * r->cc_words,
           words * sizeof(uint64_t));
}

/* What each flow has sent and received in the transient has gone through its ports. */
static void share_transient(weft_sim *sim, uint32_t slot, const struct record_parts *parts) {
  const struct memo_move move = memo_move_of(sim, slot, parts);
  const int64_t data =
      move.sent * (int64_t)full_frame(sim) - last_is_shorter(sim, slot, (uint64_t)move.sent);
  weft__share_out(sim, slot, move.sent, data, move.received);
}

const uint32_t *weft__partition_slots(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  uint32_t *slots = weft__arena_take(sim, &sim->arena, p->flows * sizeof *slots);
  if (slots == NULL) {
    weft__no_memory(sim);
    return NULL;
  }
  FOR_MEMBERS(slot, sim, p) slots[sim->accel.members.at[slot].as] = slot;
  return slots;
}

/* `slots` are those of the flows of its record. */
static void install(weft_sim *sim, uint32_t partition, const uint32_t *slots) {
  const uint32_t record = sim->accel.partitions.at[partition].record - 1;
  const struct memo_record *r = &sim->accel.records.at[record];
  const struct record_parts parts = record_parts(sim, record); /* nothing grows that it is in */
  const struct field_names names = {slots, sizeof *slots};
  count_all_waiting(sim, 1);
  for (uint32_t f = 0; f < r->flows; ++f) share_transient(sim, slots[f], &parts);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i)
    empty_port(sim, sim->accel.partition_ports.at[i]);
  for (uint32_t p = 0, first = 0; p < r->ports && !sim->failed; ++p) {
    const struct memo_port *kept = &parts.ports[p];
    const uint32_t index = slot_path(sim, slots[kept->flow])[kept->hop];
    put_packets(sim, r, &parts, index, first, kept, &names);
    put_port(sim, index, kept, &names);
    first += kept->packets;
  }
  if (sim->failed) return;
  count_all_waiting(sim, -1);
  for (uint32_t f = 0; f < r->flows; ++f) put_flow(sim, slots[f], r, &parts, &names);
  weft__partition_shift(sim, partition, weft__memo_end(sim, partition));
}

void weft__memo_install(weft_sim *sim, uint32_t partition) {
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint32_t *slots = weft__partition_slots(sim, partition);
  if (slots != NULL) install(sim, partition, slots);
  weft__arena_reset(sim, &sim->arena, mark);
}
