/* Parking: a partition that need not be simulated is left as it is, and put where it has got to
 * only when something happens to it.
 *
 * Its ports and flows are marked, so that their events, which stay in the queue, find nothing to do
 * when they come. No time is worked out at which it must go on but that of its own flows' ends: a
 * flow that starts on its ports, a link that changes, a pause, whether announced or not, wakes it
 * at that very instant (Wormhole shifts its events ahead and, at an interrupt, back again). Waking
 * costs in proportion to the packets under way: less than simulating one round trip. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/partition.h"
#include "packet/cc/cc.h"
#include "packet/port/port_i.h"

enum {
  LAST_PACKETS = 4, /* of a flow, sent packet by packet behind those under way */
  CLOSE_PACKETS = 32 /* left when a record ends before a flow does: more than a hit asks for */
};

/* ---- may it be parked? ---- */

static int port_refusal(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->packet.ports.at[index];
  const struct port_cold *cold = &sim->packet.port_cold.at[index];
  if (port->flags & (PORT_LOSSY | PORT_DOWN) || cold->wire != 0) return WEFT_REFUSED_LOSSY;
  if (port->flags & PORT_PAUSED || cold->pausing || cold->storms > 0) return WEFT_REFUSED_PAUSED;
  if (sim->packet.buffers.at[port->from_node].tracked ||
      sim->packet.buffers.at[port->to_node].tracked)
    return WEFT_REFUSED_BUFFER;
  return -1;
}

/* All packets on the ports are the partition's, and all of the partition's are there. */
static int has_strays(const weft_sim *sim, uint32_t partition) {
  uint64_t there = 0, out = 0;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    there += port->tail - port->head;
    for (uint32_t k = port->head; k != port->tail; ++k) {
      const struct packet *packet = port_packet(sim, port, k);
      const int is_off = packet->hop == HOP_OFF_PATH || packet->flags & PACKET_NACK;
      if (is_off || sim->accel.members.at[packet->flow].partition != partition) return 1;
    }
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  out += sim->packet.tx_warm.at[slot].packets_out;
  return there != out;
}

static int is_recovering(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  /* What is lost is not known at once, but each packet under way makes one ACK that has to come. */
  const int lost = tx->next - tx->una != warm->packets_out;
  return lost || tx->flags & (TX_RESEND | TX_CUT_OFF) || tx->next < warm->highest ||
         warm->retries > 0;
}

void weft__partition_settle(weft_sim *sim, uint32_t partition, weft_time time) {
  weft__partition_list_ports(sim, partition);
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const uint32_t port = sim->accel.partition_ports.at[i];
    port_settle(sim, port, &sim->packet.ports.at[port], time);
  }
}

int weft__park_refusal(weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  weft__partition_settle(sim, partition, sim->now);
  if (sim->packet.ack_capacity > 0 || z->plain) return WEFT_REFUSED_TRACE;
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    const int refusal = port_refusal(sim, sim->accel.partition_ports.at[i]);
    if (refusal >= 0) return refusal;
  }
  FOR_MEMBERS(slot, sim, z)
  if (is_recovering(sim, slot)) return WEFT_REFUSED_RECOVERY;
  return has_strays(sim, partition) ? WEFT_REFUSED_STRAYS : -1;
}

/* ---- how long? ---- */

/* When a flow that sends at its rate from `from` on, with so many packets sent until then, has only
 * its last ones left. */
static weft_time flow_end(const weft_sim *sim, uint32_t slot, weft_time from, uint32_t sent) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint64_t left = (uint64_t)tx->total - tx->next, keep = (uint64_t)sent + LAST_PACKETS;
  if (left <= keep) return from;
  const double time = (double)(left - keep) / sim->accel.members.at[slot].rate;
  return time < (double)(LATEST_PS - from) ? from + (weft_time)time : LATEST_PS;
}

weft_time weft__park_end(const weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  const int by_memo = z->phase == PARTITION_MEMO;
  if (by_memo && (!sim->config.fast_forward || !weft__memo_is_steady(sim, partition)))
    return weft__memo_end(sim, partition);
  const weft_time from = by_memo                        ? weft__memo_end(sim, partition)
                         : z->phase == PARTITION_STEADY ? z->parked_at
                                                        : sim->now;
  weft_time end = LATEST_PS;
  FOR_MEMBERS(slot, sim, z) {
    const weft_time at = flow_end(sim, slot, from, by_memo ? weft__memo_sent(sim, slot) : 0);
    if (at < end) end = at;
  }
  return end;
}

weft_time weft__line_time(const weft_sim *sim, uint32_t slot, double packets) {
  const double bits = 8.0 * full_frame(sim);
  const double line = (double)sim->fabric.ports.at[sim->packet.tx.at[slot].port].rate_bps;
  return sim->now + (weft_time)(packets > 0 ? packets * bits / line * 1e12 : 0);
}

weft_time weft__close_time(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  return weft__line_time(sim, slot, (double)(tx->total - tx->next) - CLOSE_PACKETS);
}

int weft__is_near_end(const weft_sim *sim, uint32_t slot) {
  return sim->flow.rows.at[sim->packet.tx.at[slot].row].received_ps >= 0 ||
         weft__close_time(sim, slot) < sim->now + sim->accel.steady_period;
}

int weft__has_near_end(const weft_sim *sim, uint32_t partition) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (weft__is_near_end(sim, slot)) return 1;
  return 0;
}

/* ---- stopping and going on ---- */

void weft__partition_mark(weft_sim *sim, uint32_t partition, int parked) {
  for (uint32_t i = 0; i < sim->accel.partition_ports.n; ++i) {
    struct port *port = &sim->packet.ports.at[sim->accel.partition_ports.at[i]];
    port->flags = (uint16_t)(parked ? port->flags | PORT_PARKED : port->flags & ~PORT_PARKED);
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    struct tx *tx = &sim->packet.tx.at[slot];
    tx->flags = (uint8_t)(parked ? tx->flags | TX_PARKED : tx->flags & ~TX_PARKED);
  }
}

void weft__park(weft_sim *sim, uint32_t partition, enum partition_phase phase) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (phase != PARTITION_FOLLOW && weft__audit_is_drawn(sim, partition, sim->now))
    weft__audit_flows(sim, partition);
  sim->accel.totals.transient_ps += sim->now - z->since;
  weft__partition_list_ports(sim, partition);
  z->phase = (uint8_t)phase;
  partition_set_unarmed(sim, z, 0);
  z->since = z->parked_at = sim->now;
  weft__partition_mark(sim, partition, 1);
  ++sim->accel.parked;
  const weft_time end =
      phase == PARTITION_FOLLOW ? weft__follow_end(sim, partition) : weft__park_end(sim, partition);
  if (end < LATEST_PS) weft__partition_ask(sim, partition, end);
}

static void note_span(weft_sim *sim, const struct partition *z, enum weft_phase phase,
                      weft_time begin, weft_time end, uint64_t packets) {
  if (end <= begin) return;
  if (phase == WEFT_PHASE_STEADY) {
    ++sim->accel.totals.steady_spans;
    sim->accel.totals.steady_ps += end - begin;
  } else {
    ++sim->accel.totals.memo_spans;
    sim->accel.totals.memo_ps += end - begin;
  }
  if (sim->accel.span_rows.n >= sim->accel.span_capacity) return;
  sim->accel.span_rows.at[sim->accel.span_rows.n++] =
      (struct span_row){.begin_ps = begin,
                        .end_ps = end,
                        .packets = packets,
                        .phase = phase,
                        .partition = z->serial,
                        .flows = z->flows,
                        .flow = sim->packet.tx.at[z->first].row};
}

static uint64_t data_skipped(const weft_sim *sim) {
  return sim->accel.totals.packets_skipped / 2;
}

/* Put the partition where it is now. */
static void go_on(weft_sim *sim, uint32_t partition) {
  struct partition *z = &sim->accel.partitions.at[partition];
  weft_time from = z->parked_at;
  if (z->phase == PARTITION_MEMO) {
    const uint64_t before = data_skipped(sim);
    from = weft__memo_end(sim, partition);
    weft__memo_install(sim, partition);
    note_span(sim, z, WEFT_PHASE_MEMO, z->parked_at, from, data_skipped(sim) - before);
  }
  const uint64_t before = data_skipped(sim);
  weft__partition_list_ports(sim, partition); /* which clears what they were moved on by */
  weft__partition_advance(sim, partition, sim->now - from);
  note_span(sim, z, WEFT_PHASE_STEADY, from, sim->now, data_skipped(sim) - before);
}

static void live_again(weft_sim *sim, uint32_t partition) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (z->phase == PARTITION_FOLLOW) --sim->accel.followers;
  if (z->phase != PARTITION_LIVE) z->record = 0;
  z->phase = PARTITION_LIVE;
}

void weft__unpark(weft_sim *sim, uint32_t partition, weft_time last) {
  struct partition *z = &sim->accel.partitions.at[partition];
  if (z->phase == PARTITION_APART) {
    weft__apart_end(sim, partition, last);
    return;
  }
  const int is_known = z->phase == PARTITION_STEADY ||
                       (z->phase == PARTITION_MEMO && weft__memo_end(sim, partition) <= sim->now);
  if (is_known && weft__audit_is_drawn(sim, partition, z->parked_at)) weft__audit(sim, partition);
  z = &sim->accel.partitions.at[partition];
  weft__partition_list_ports(sim, partition);
  weft__partition_mark(sim, partition, 0);
  --sim->accel.parked;
  if (is_known) {
    go_on(sim, partition);
  } else {
    const uint64_t events = sim->events;
    live_again(sim, partition);
    weft__replay(sim, partition, last);
    sim->accel.totals.events_replayed += sim->events - events;
    if (sim->accel.partitions.at[partition].phase == PARTITION_FREE)
      return; /* all its flows have ended in it */
  }
  z = &sim->accel.partitions.at[partition];
  partition_set_unarmed(sim, z, 1);
  live_again(sim, partition);
  weft__steady_begin(sim, partition);
  z->since = sim->now;
}
