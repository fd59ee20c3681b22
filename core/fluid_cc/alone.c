/* A flow alone on its way whose NIC is the slowest port of it and whose window does not close has
 * no queue, and its law leaves it at line rate: it takes its ideal time, and nothing needs to be
 * moved until another flow comes to a port of its way. Then what it has under way becomes
 * parcels. */
#include "fluid_cc/fluid_cc.h"

/* Between its packets at its NIC. */
static weft_time gap_of(const weft_sim *sim, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  return fcc_wire_time(sim, slot_path(sim, slot)[0], sim->config.mtu_bytes + flow->headers);
}

/* Its window does not close. What is alone takes its ideal time whatever its law: HPCC's target
 * utilisation, telemetry and timestamps, of which ideal_ps knows nothing, count among others. */
static int is_open(const weft_sim *sim, uint32_t slot) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_time gap = gap_of(sim, slot);
  const uint64_t round_trip = (uint64_t)(flow->empty_rtt / gap) + 2; /* packets */
  if (flow->line_bps < (double)sim->fabric.ports.at[slot_path(sim, slot)[0]].rate_bps) return 0;
  const uint32_t window = flow->window;
  return window >= round_trip || window >= flow->total;
}

int weft__fcc_is_alone(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->flow.slots.at[slot].hops;
  const uint64_t rate = sim->fabric.ports.at[path[0]].rate_bps;
  for (uint32_t i = 0; i < hops; ++i) {
    const struct fcc_port *port = &sim->fluid_cc.ports.at[path[i]];
    if (port->users > 0 || port->acks > 0 || port->down || port->paused ||
        sim->fabric.ports.at[path[i]].loss > 0 || port->inflows != WEFT_NONE ||
        sim->fabric.ports.at[path[i]].rate_bps < rate)
      return 0;
    if (port->of_switch ? weft__fcc_level(sim, path[i], sim->now).queue >= 1
                        : port->free_at > sim->now)
      return 0;
  }
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].ack_hops; ++i)
    if (sim->fabric.ports.at[path[hops + i]].loss > 0) return 0;
  return is_open(sim, slot);
}

void weft__fcc_alone_begin(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const weft_time ideal = sim->flow.rows.at[flow->row].ideal_ps;
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i)
    sim->fluid_cc.ports.at[path[i]].alone = slot;
  flow->state = FCC_ALONE;
  flow->since = sim->now;
  flow->due[0] = sim->now + gap_of(sim, slot) * (flow->total - 1);
  flow->due[1] = sim->now + ideal;
  event_of_flow(sim, EV_FCC_ALONE, slot, flow->row, flow->due[1]);
  if (!flow->told) event_of_flow(sim, EV_FCC_SENT, slot, flow->row, flow->due[0]);
}

/* When its first packet is at the end of link `hop` of its way, after it was sent. */
static weft_time arrival(const weft_sim *sim, uint32_t slot, uint32_t hop) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t frame = flow->total > 1 ? sim->config.mtu_bytes : flow->last_bytes;
  return weft__path_one_way(sim, slot_path(sim, slot), (int)hop, frame + flow->headers);
}

/* Packets whose event, that of the first being so long after the start, has come by a time. */
static uint32_t count(const weft_sim *sim, uint32_t slot, weft_time first, weft_time at) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const weft_time since = at - flow->since - first;
  if (since < 0) return 0;
  const uint64_t n = (uint64_t)(since / gap_of(sim, slot)) + 1;
  return n < flow->total ? (uint32_t)n : flow->total;
}

uint32_t weft__fcc_alone_sent(const weft_sim *sim, uint32_t slot, weft_time at) {
  return count(sim, slot, 0, at);
}

/* The last one, which may be short, by the event of its end alone. */
uint32_t weft__fcc_alone_received(const weft_sim *sim, uint32_t slot, weft_time at) {
  const uint32_t n = count(sim, slot, arrival(sim, slot, sim->flow.slots.at[slot].hops), at);
  const uint32_t total = sim->fluid_cc.flows.at[slot].total;
  return n < total ? n : total - 1;
}

static void leave_closed_form(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i < sim->flow.slots.at[slot].hops; ++i)
    sim->fluid_cc.ports.at[path[i]].alone = WEFT_NONE;
}

/* Bytes have gone over the first `hops` links of its way. */
static void have_passed(weft_sim *sim, uint32_t slot, uint32_t hops, double bytes) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i < hops; ++i) {
    if (sim->fluid_cc.ports.at[path[i]].of_switch) weft__fcc_advance(sim, path[i]);
    sim->fluid_cc.ports.at[path[i]].served += bytes;
  }
}

static weft_time way_back(const weft_sim *sim, uint32_t slot) {
  const struct slot *way = &sim->flow.slots.at[slot];
  return weft__path_one_way(sim, slot_path(sim, slot) + way->hops, way->ack_hops,
                            sim->fluid_cc.flows.at[slot].ack_bytes);
}

/* Its end: for the sender with the last ACK, which nothing delays. */
void weft__fcc_alone_end(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const double bytes = weft__fcc_bytes(sim, flow, 0, flow->total);
  leave_closed_form(sim, slot);
  have_passed(sim, slot, sim->flow.slots.at[slot].hops, bytes);
  sim->fluid_cc.sent += bytes;
  sim->fluid_cc.arrived += bytes;
  flow->state = FCC_SENDS;
  flow->next = flow->highest = flow->received = flow->total;
  const uint32_t p = weft__fcc_parcel_take(sim);
  if (p == WEFT_NONE) return;
  sim->fluid_cc.parcels.at[p] = (struct fcc_parcel){.unmarked = 1,
                                                    .slot = slot,
                                                    .generation = flow->generation,
                                                    .seq = flow->total - 1,
                                                    .acks = flow->total,
                                                    .n = 1,
                                                    .came = sim->now,
                                                    .tail = sim->now,
                                                    .sent_at = sim->now - flow->empty_rtt,
                                                    .in_port = WEFT_NONE};
  const struct slot *way = &sim->flow.slots.at[slot];
  const uint32_t *back = slot_path(sim, slot) + way->hops;
  for (uint32_t i = 0; i < way->ack_hops; ++i)
    sim->fluid_cc.ports.at[back[i]].served += (double)flow->ack_bytes * flow->total;
  event_at(sim, EV_FCC_ACK, p, sim->now + way_back(sim, slot));
  weft__flow_is_received(sim, flow->row);
}

/* What the switches that its first packet has left would have told of it. */
static void was_read_out(weft_sim *sim, uint32_t slot, uint32_t p) {
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 1; i < parcel->hop; ++i) {
    parcel->before = sim->fluid_cc.ports.at[path[i]].served - parcel->bytes;
    if (fcc_reads_telemetry(sim))
      sim->fluid_cc.telemetry.at[(uint64_t)p * sim->fluid_cc.path_ports + i - 1] =
          (struct fcc_telemetry){parcel->sent_at + arrival(sim, slot, i), parcel->before, 0};
  }
}

/* Packets [seq, seq + n) are under way, or their ACK is. */
static void make_parcel(weft_sim *sim, uint32_t slot, uint32_t seq, uint32_t n) {
  const uint32_t p = weft__fcc_parcel_take(sim);
  if (p == WEFT_NONE) return;
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const struct slot *way = &sim->flow.slots.at[slot];
  const weft_time gap = gap_of(sim, slot), sent_at = flow->since + gap * seq;
  const uint32_t frame = sim->config.mtu_bytes + flow->headers;
  const uint32_t last = seq + n == flow->total ? flow->last_bytes + flow->headers : frame;
  const double bytes = weft__fcc_bytes(sim, flow, seq, n);
  uint32_t hop = 1;
  while (hop <= way->hops && sent_at + arrival(sim, slot, hop) <= sim->now) ++hop;
  sim->fluid_cc.parcels.at[p] = (struct fcc_parcel){.bytes = bytes,
                                                    .under_way = 1,
                                                    .unhindered = 1,
                                                    .unmarked = 1,
                                                    .sent_at = sent_at,
                                                    .tail_left = -1,
                                                    .slot = slot,
                                                    .generation = flow->generation,
                                                    .seq = seq,
                                                    .n = n,
                                                    .first_bytes = n > 1 ? frame : last,
                                                    .last_bytes = last,
                                                    .in_port = WEFT_NONE,
                                                    .hop = hop <= way->hops ? hop : way->hops};
  struct fcc_parcel *parcel = &sim->fluid_cc.parcels.at[p];
  have_passed(sim, slot, parcel->hop, bytes);
  was_read_out(sim, slot, p);
  ++sim->fluid_cc.parcels_sent;
  sim->fluid_cc.packets_sent += n;
  sim->fluid_cc.sent += bytes;
  if (hop > way->hops && seq + n < flow->total) {
    parcel->came = sent_at + arrival(sim, slot, way->hops);
    parcel->tail = parcel->came + gap * (n - 1);
    flow->received = seq + n;
    parcel->under_way = 0;
    parcel->acks = seq + n;
    sim->fluid_cc.arrived += bytes;
    const weft_time acked = parcel->came + way_back(sim, slot);
    event_at(sim, EV_FCC_ACK, p, acked > sim->now ? acked : sim->now);
    return;
  }
  const weft_time at = sent_at + arrival(sim, slot, parcel->hop);
  parcel->came = parcel->left =
      at - (arrival(sim, slot, parcel->hop) - arrival(sim, slot, parcel->hop - 1));
  parcel->tail = (parcel->hop > 1 ? parcel->came : at) + gap * (n - 1);
  event_at(sim, EV_FCC_HOP, p, at > sim->now ? at : sim->now);
}

static void make_parcels(weft_sim *sim, uint32_t slot, uint32_t from, uint32_t to) {
  const uint32_t part = from < to && (to - from) / 4 > 0 ? (to - from) / 4 : 1;
  for (uint32_t seq = from; seq < to && !sim->failed; seq += part)
    make_parcel(sim, slot, seq, to - seq < part ? to - seq : part);
}

void weft__fcc_alone_break(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t hops = sim->flow.slots.at[slot].hops;
  const uint32_t sent = weft__fcc_alone_sent(sim, slot, sim->now);
  const uint32_t acked = count(sim, slot, arrival(sim, slot, hops) + way_back(sim, slot), sim->now);
  const uint32_t una = acked < flow->total ? acked : flow->total - 1;
  const double bytes = weft__fcc_bytes(sim, flow, 0, una);
  leave_closed_form(sim, slot);
  sim->fluid_cc.stale += flow->told ? 1 : 2;
  flow->state = FCC_SENDS;
  have_passed(sim, slot, hops, bytes);
  sim->fluid_cc.sent += bytes;
  sim->fluid_cc.arrived += bytes;
  flow->una = flow->received = una;
  flow->next = flow->highest = sent;
  const uint32_t arrived = weft__fcc_alone_received(sim, slot, sim->now);
  make_parcels(sim, slot, una, arrived); /* whose ACKs are under way */
  make_parcels(sim, slot, arrived > una ? arrived : una, sent);
  flow->next_at = flow->busy_until = flow->since + gap_of(sim, slot) * sent;
  flow->fed_at = sim->now;
  struct fcc_port *nic = &sim->fluid_cc.ports.at[slot_path(sim, slot)[0]];
  if (sent < flow->total) {
    if (nic->free_at < flow->next_at) nic->free_at = flow->next_at;
    weft__fcc_nic_add(sim, slot);
    weft__fcc_nic_kick(sim, slot_path(sim, slot)[0]);
  } else if (!flow->told) {
    flow->told = 1;
    weft__flow_tell(sim, flow->row, NEWS_SENT);
  }
  weft__fcc_law_unmarked(sim, slot, acked / (sent - una + 1));
}
