/* Partitions apart: what is simulated is simulated partition by partition.
 *
 * A partition owns its ports and flows, so until something else comes to it, it can be simulated by
 * itself, and when does not matter: it is left where it is, and simulated in one go up to where it
 * is looked at, or up to the present when something comes to it. So its few flows stay in cache,
 * the main queue holds none of its events, and several partitions can be simulated at the same
 * time, on several cores (crew.c). The result does not depend on how far which partition was taken
 * when.
 *
 * Two things are in the way. Tasks answer to the end of a flow: so it is looked at not later than
 * one can end (tail.c). And partitions share the buffers of switches, which matter only near a
 * threshold: so a partition that goes apart reserves there all that its ports could hold meanwhile,
 * and stays with the others where there is too little left. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"
#include "packet/transport/transport.h"

enum {
  SHORTEST = 8, /* of a base round trip, for what is in the main queue already */
  LONGEST = 16, /* sample periods, so that a run can be interrupted */
  PAYS = 8 /* hops for an event that is made anew: then it was no loss */
};

/* ---- what may come together in a switch ---- */

/* Packets that a flow can have under way, each as data or as its ACK: the window is tested before
 * one is sent. */
static double flow_packets(const weft_sim *sim, uint32_t slot) {
  return (double)sim->packet.tx_warm.at[slot].base_window / sim->config.mtu_bytes + 2;
}

/* What may come to the ports of switches on a flow's way within a time: data at the rate of the
 * port before, beside a packet each for what has begun, and ACKs. */
static void add_flow(weft_sim *sim, uint32_t slot, double time_s) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->packet.tx.at[slot].hops;
  const uint32_t n = weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  const double packets = flow_packets(sim, slot), frame = full_frame(sim);
  const double ack = ack_size(sim), line = (double)sim->fabric.ports.at[path[0]].rate_bps;
  for (uint32_t h = 1; h < n; ++h) {
    if (h == hops || !(sim->packet.ports.at[path[h]].flags & PORT_OF_SWITCH)) continue;
    struct port_share *share = &sim->accel.port_shares.at[path[h]];
    if (h > hops) { /* ACKs of packets that are out, and of those that are sent meanwhile */
      const double out = sim->packet.tx_warm.at[slot].packets_out;
      share->burst += (out + line * time_s / 8 / frame + 2) * ack;
      share->most += packets * ack;
      continue;
    }
    share->most += packets * frame;
    if (share->from == path[h - 1]) continue; /* whose rate has been counted */
    share->from = path[h - 1];
    share->feed += (double)sim->fabric.ports.at[path[h - 1]].rate_bps;
    share->burst += 2 * frame;
  }
}

/* What the port of a switch can hold at any moment of that time. */
static uint64_t bound_of(const weft_sim *sim, uint32_t port, double time_s) {
  const struct port_share *share = &sim->accel.port_shares.at[port];
  const double queued = sim->packet.ports.at[port].queue_bytes;
  const double surplus = share->feed - (double)sim->fabric.ports.at[port].rate_bps;
  double bound = queued + share->burst;
  if (surplus > 0) bound += surplus * time_s / 8;
  if (bound > share->most) bound = share->most;
  return (uint64_t)(bound > queued ? bound : queued);
}

/* Count in switches what the ports of the partition, which are listed, could hold instead of what
 * they do; or no longer (sign -1). */
static void reserve(weft_sim *sim, int sign) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    if (!(port->flags & PORT_OF_SWITCH)) continue;
    struct port_share *share = &sim->accel.port_shares.at[sim->accel.partition_ports.at[i]];
    const uint64_t beyond = share->bound - port->queue_bytes;
    sim->packet.buffers.at[port->from_node].used += sign > 0 ? beyond : -beyond;
    share->reserved = sign > 0;
  }
}

/* Reserve in switches all that the partition could put there until `end`. 0 if there is too little.
 */
static int reserve_until(weft_sim *sim, uint32_t partition, weft_time end) {
  const double time_s = (double)(end - sim->now) / 1e12;
  int fits = 1;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) add_flow(sim, slot, time_s);
  const uint32_t visit = ++sim->accel.visits;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t port = sim->accel.partition_ports.at[i],
                   node = sim->packet.ports.at[port].from_node;
    if (!(sim->packet.ports.at[port].flags & PORT_OF_SWITCH)) continue;
    if (sim->accel.node_visits.at[node] != visit) weft__node_settle(sim, node);
    sim->accel.node_visits.at[node] = visit;
    sim->accel.port_shares.at[port].bound = bound_of(sim, port, time_s);
  }
  reserve(sim, 1);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t node = sim->packet.ports.at[sim->accel.partition_ports.at[i]].from_node;
    const struct buffer *buffer = &sim->packet.buffers.at[node];
    fits &= sim->fabric.nodes.at[node].kind == WEFT_HOST || buffer->used <= buffer->safe;
  }
  if (!fits) reserve(sim, -1);
  return fits;
}

/* ---- may it be apart? ---- */

/* No packet on its wire was sent at a higher rate than the port has now. */
static int is_even(const weft_sim *sim, const struct port *port) {
  for (uint32_t k = port->head; k != port->deq; ++k) {
    const struct packet *packet = port_packet(sim, port, k);
    if (packet->ser_ps < packet->size * port->byte_ps) return 0;
  }
  return 1;
}

/* All is where it belongs, and ports feed one another at the rates that they have. */
static int is_calm(weft_sim *sim, uint32_t partition) {
  if (weft__park_refusal(sim, partition) >= 0) return 0;
  for (uint32_t i = 0; sim->fabric.rate_epoch > 0 && i < sim->accel.partition_ports.n; ++i)
    if (!is_even(sim, &sim->packet.ports.at[sim->accel.partition_ports.at[i]])) return 0;
  return 1;
}

/* Before it no flow of a calm partition sends anything twice, or fails. */
static weft_time first_timeout(const weft_sim *sim, uint32_t partition) {
  weft_time at = LATEST_PS;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const weft_time harm = weft__rto_harms_at(sim, slot);
    if (harm - 1 < at) at = harm - 1;
  }
  return at;
}

static int is_possible(const weft_sim *sim) {
  return !sim->packet.cc->outside && sim->fabric.route_epoch <= 1 && !is_selective(sim);
}

/* ---- apart ---- */

int weft__apart_begin(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (!is_possible(sim)) return 0;
  weft_time end = sim->now + LONGEST * sim->accel.steady_period;
  if (p->look < end) end = p->look;
  const weft_time least = p->unarmed ? 1 : base_rtt(sim) / SHORTEST;
  if (end - sim->now < least) return 0;
  if (!weft__afford(sim, p->flows)) return 0; /* of which there may be many with much queued */
  const weft_time tail = weft__tail_time(sim, partition), timeout = first_timeout(sim, partition);
  if (tail < end) end = tail;
  if (timeout < end) end = timeout;
  if (end - sim->now < least || !is_calm(sim, partition)) return 0;
  const uint32_t anew = sim->accel.partition_ports.n + p->flows; /* events */
  p->apart_cost = anew + p->flows;
  if (!weft__afford(sim, anew) || !reserve_until(sim, partition, end)) return 0;
  weft__partition_mark(sim, partition, 1);
  weft__partition_become(sim, partition, PARTITION_APART);
  p->apart_index = sim->accel.apart.n;
  sim->accel.apart.at[sim->accel.apart.n++] = partition; /* there is room for all partitions */
  weft__partition_call(sim, partition, end);
  return 1;
}

/* Its events through `last`. It is live then, or free. */
static void take(weft_sim *sim, uint32_t partition, weft_time last) {
  struct partition *p = &sim->accel.partitions.at[partition];
  const uint64_t before = sim->stats.packet_hops;
  weft__partition_list_ports(sim, partition);
  reserve(sim, -1);
  weft__partition_mark(sim, partition, 0);
  weft__partition_become(sim, partition, PARTITION_LIVE);
  if (p->parked_at <= last) weft__replay(sim, partition, last);
  p = &sim->accel.partitions.at[partition];
  p->apart_hops += sim->stats.packet_hops - before;
  sim->accel.apart_hops += sim->stats.packet_hops - before;
}

/* Its events are counted, now that it is its turn. */
static void leave(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  const uint64_t paid = p->apart_hops / PAYS;
  sim->accel.credit += (int64_t)(paid < p->apart_cost ? paid : p->apart_cost);
  sim->accel.apart_hops -= p->apart_hops;
  p->apart_hops = 0;
  const uint32_t last = sim->accel.apart.at[--sim->accel.apart.n];
  sim->accel.apart.at[p->apart_index] = last;
  sim->accel.partitions.at[last].apart_index = p->apart_index;
}

void weft__apart_end(weft_sim *sim, uint32_t partition, weft_time last) {
  take(sim, partition, last);
  leave(sim, partition);
  if (sim->accel.partitions.at[partition].phase != PARTITION_FREE)
    weft__partition_set_unarmed(sim, &sim->accel.partitions.at[partition], 1);
}

void weft__apart_catch_up(weft_sim *sim, uint32_t partition, weft_time last) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase != PARTITION_APART || p->parked_at >= last) return;
  take(sim, partition, last);
  p = &sim->accel.partitions.at[partition];
  if (p->phase == PARTITION_FREE) {
    leave(sim, partition);
    return;
  }
  weft__partition_settle(sim, partition, last); /* ports may be fewer */
  reserve(sim, 1);
  weft__partition_mark(sim, partition, 1);
  weft__partition_become(sim, partition, PARTITION_APART);
  p->parked_at = last;
}

void weft__apart_catch_up_all(weft_sim *sim, weft_time last) {
  weft__crew_advance(sim, last < sim->now ? last : sim->now - 1);
  for (uint32_t i = sim->accel.apart.n; i-- > 0 && !sim->failed;)
    weft__apart_catch_up(sim, sim->accel.apart.at[i], last);
}
