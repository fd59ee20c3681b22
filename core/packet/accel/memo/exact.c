/* The exact state of a partition, as a part of its pattern.
 *
 * Classes of rates and queues (packet/accel/contention/graph.c) say how a partition goes on in the
 * long run, and nothing of the time at which a flow that is nearly through will be. So where an end
 * is near, all that the partition's flows hold of the engine is hashed instead, relative to the
 * present, to what each flow has acknowledged and to what each port has sent: what is the same then
 * goes on in the same way, packet by packet, until something comes from outside. (But for marks
 * that are drawn between two thresholds, and what ties of an instant the numbers of ports and rows
 * break: those are the record's.) Times that are past and mean only that something is allowed count
 * as the present. How much a flow has left does not count while it is a lot. */

#include "packet/accel/contention/contention.h"
#include "packet/accel/memo/memo.h"
#include "base/hash_i.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

enum { FAR_PERIODS = 8 }; /* a flow's end is far if it takes longer than so many sampling periods */

/* There are many words, so each costs a multiplication; what comes of them is mixed at the end. */
static uint64_t add(uint64_t hash, uint64_t value) {
  const uint64_t product = (hash ^ value) * 0x9e3779b97f4a7c15u;
  return product ^ product >> 32;
}

static uint64_t from_now(const weft_sim *sim, weft_time time) {
  return time > sim->now ? (uint64_t)(time - sim->now) : 0;
}

int weft__is_far(const weft_sim *sim, uint32_t slot, uint32_t left) {
  return weft__line_time(sim, slot, left) - sim->now > FAR_PERIODS * sim->accel.steady_period;
}

/* What fields say of a state: times that are past count as the present, packet numbers from the
 * oldest that is not acknowledged on. */
#define NOTE(class, keeper, type, name) NOTE_##keeper(class, at->name)
#define NOTE_KEPT(class, field)
#define NOTE_OWN(class, field)
#define NOTE_STATE(class, field) NOTE_##class(field)
#define NOTE_VALUE(field) hash = add(hash, (field));
#define NOTE_TIME(field) hash = add(hash, from_now(sim, (field)));
#define NOTE_TIME_OR_NONE(field) hash = add(hash, (field) >= 0 ? 1 + from_now(sim, (field)) : 0);
#define NOTE_SEQUENCE(field) hash = add(hash, (field)-una);
#define NOTE_FUNCTION(tag, list)                                                       \
  static uint64_t tag##_hash(const weft_sim *sim, uint64_t hash, const struct tag *at, \
                             uint32_t una) {                                           \
    (void)sim;                                                                         \
    (void)una;                                                                         \
    list(NOTE) return hash;                                                            \
  }
NOTE_FUNCTION(port, PORT_FIELDS)
NOTE_FUNCTION(port_cold, PORT_COLD_FIELDS)
NOTE_FUNCTION(packet, PACKET_FIELDS)
NOTE_FUNCTION(nic, NIC_FIELDS)
NOTE_FUNCTION(tx, TX_FIELDS)
NOTE_FUNCTION(rx, RX_FIELDS)

/* ---- ports ---- */

static uint64_t port_state(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  uint64_t hash = port_hash(sim, 0, port, 0);
  if (port->free_at > sim->now) /* an idle port forgets the rest */
    hash = port_cold_hash(sim, hash, &sim->packet.port_cold.at[index], 0);
  if (port->flags & PORT_OF_SWITCH) return hash;
  return nic_hash(sim, hash, &sim->packet.nics.at[index], 0);
}

/* The turns of the flows of a NIC, from the one to be looked at first. */
static void note_turns(weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  if (port->flags & PORT_OF_SWITCH || sim->packet.nics.at[index].first == WEFT_NONE) return;
  const struct nic *nic = &sim->packet.nics.at[index];
  uint32_t slot = nic->last;
  uint64_t turn = 1;
  do {
    slot = sim->packet.tx.at[slot].list_next;
    sim->accel.members.at[slot].state += hash_mix(2 * turn++ + (slot == nic->first));
  } while (slot != nic->last);
}

/* ---- packets ---- */

/* Entries of telemetry that switches have written into a packet so far. */
static uint32_t written(const weft_sim *sim, const struct packet *packet, int departed) {
  if (packet->flags & PACKET_ACK) return sim->packet.tx.at[packet->flow].hops - 1u;
  const uint32_t unwritten = departed ? 1 : 2;
  return packet->hop > unwritten ? packet->hop - unwritten : 0;
}

static uint64_t telemetry_state(const weft_sim *sim, const struct packet *packet, int departed) {
  const struct telemetry *block =
      &sim->packet.telemetry.at[(uint64_t)(packet->telemetry - 1) * sim->flow.path_ports];
  if (sim->packet.cc->extra == CC_TIMESTAMP) return (uint64_t)(block->time - sim->now);
  /* What it carries may be of a way that its flow has left: like no other. */
  if (sim->fabric.route_epoch > 1)
    return add(add((uint64_t)sim->now, sim->packet.tx.at[packet->flow].row), packet->seq);
  const uint32_t *path = slot_path(sim, packet->flow), n = written(sim, packet, departed);
  uint64_t hash = n;
  for (uint32_t i = 0; i < n; ++i) {
    const uint32_t sent = sim->packet.ports.at[path[i + 1]].tx_bytes - block[i].tx_bytes;
    hash = add(add(hash, (uint64_t)(block[i].time - sim->now)),
               (uint64_t)sent << 32 | block[i].queue_bytes);
  }
  return hash;
}

static void note_packets(weft_sim *sim, uint32_t partition, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  for (uint32_t k = port->head; k != port->tail; ++k) {
    const struct packet *packet = port_packet(sim, port, k);
    struct member *m = &sim->accel.members.at[packet->flow];
    if (m->partition != partition) continue; /* such a partition is not looked up */
    uint64_t hash = packet_hash(sim, 0, packet, sim->packet.tx.at[packet->flow].una);
    if (packet->telemetry != 0)
      hash = add(hash, telemetry_state(sim, packet, (int32_t)(k - port->deq) < 0));
    m->state += hash_mix(hash);
  }
}

/* ---- flows ---- */

/* Congestion control, moved to time 0, its first byte and ports that have sent nothing. */
static uint64_t cc_hash(weft_sim *sim, uint32_t slot, uint64_t *moved) {
  uint64_t hash = 0;
  weft__cc_from_now(sim, slot, 0 - (uint64_t)sim->packet.tx.at[slot].una * sim->config.mtu_bytes,
                    moved);
  for (uint32_t i = 0; i < sim->packet.cc_words; ++i) hash = add(hash, moved[i]);
  return hash;
}

/* An adaptive timer does nothing while nothing is lost, as in a partition that is kept. Of others,
 * what the timeout will be is enough of the round trips measured for it. */
static uint64_t timer_state(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) return 0;
  const weft_time rto = weft__rto_least(sim, slot), at = weft__rto_deadline(sim, slot);
  const uint64_t longer = rto > sim->config.rto_ps ? (uint64_t)rto : 0;
  const uint64_t backoff = (uint64_t)warm->backoff << 32 | warm->retries;
  return add(add(at != INT64_MAX ? from_now(sim, at) : 0, longer), backoff);
}

static void note_flow(weft_sim *sim, uint32_t slot, uint64_t *words) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t *path = slot_path(sim, slot), n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const uint32_t left = tx->total - tx->next;
  uint64_t hash = add(cc_hash(sim, slot, words), timer_state(sim, slot));
  if (!weft__is_far(sim, slot, left)) hash = add(add(hash, left + 1ull), tx->last_bytes);
  struct tx sender = *tx;
  sender.flags &= (uint8_t)~TX_PARKED;
  if (left == 0) sender.next_at = 0; /* it waits for nothing */
  hash = tx_hash(sim, hash, &sender, tx->una);
  hash = rx_hash(sim, hash, &sim->packet.rx.at[slot], tx->una);
  hash = add(hash, sim->flow.rows.at[tx->row].received_ps >= 0);
  hash = add(hash, left > 0 && (flow_wants(sim, tx->row) & FLOW_TELLS_SENT));
  for (uint32_t h = 0; h < n; ++h) hash = add(hash, port_state(sim, path[h]));
  sim->accel.members.at[slot].state = hash;
}

int weft__exact_note(weft_sim *sim, uint32_t partition) {
  const size_t mark = weft__arena_mark(&sim->arena);
  uint64_t *words = weft__arena_take(sim, &sim->arena, sim->packet.cc_words * sizeof *words);
  if (words == NULL) return 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t index = sim->accel.partition_ports.at[i];
    sim->accel.port_shares.at[index].bytes = -(int64_t)sim->packet.ports.at[index].tx_bytes;
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  note_flow(sim, slot, words);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t index = sim->accel.partition_ports.at[i];
    note_turns(sim, index);
    note_packets(sim, partition, index);
    sim->accel.port_shares.at[index].bytes = 0;
  }
  weft__arena_reset(sim, &sim->arena, mark);
  return 1;
}
