/* Parking: a zone that need not be simulated is left as it is, and put where it has got to only
 * when something happens to it.
 *
 * Its ports and flows are marked, so that their events, which stay in the queue, find nothing to do
 * when they come. No time is worked out at which it must go on but that of its own flows' ends: a
 * flow that starts on its ports, a link that changes, a pause, whether announced or not, wakes it
 * at that very instant (Wormhole shifts its events ahead and, at an interrupt, back again). Waking
 * costs in proportion to the packets under way: less than simulating one round trip. */
#include "accel/accel.h"
#include "accel/zone.h"
#include "cc/cc.h"
#include "fabric/port_i.h"

enum {
  LAST_PACKETS = 4, /* of a flow, sent packet by packet behind those under way */
  CLOSE_PACKETS = 32 /* left when a record ends before a flow does: more than a hit asks for */
};

/* ---- may it be parked? ---- */

static int port_refusal(const weft_sim *sim, uint32_t index) {
  const struct port *port = &sim->ports.at[index];
  const struct port_cold *cold = &sim->port_cold.at[index];
  if (port->flags & (PORT_LOSSY | PORT_DOWN) || cold->wire != 0) return WEFT_REFUSED_LOSSY;
  if (port->flags & PORT_PAUSED || cold->pausing || cold->storms > 0) return WEFT_REFUSED_PAUSED;
  if (sim->nodes.at[port->from_node].tracked || sim->nodes.at[port->to_node].tracked)
    return WEFT_REFUSED_BUFFER;
  return -1;
}

/* All packets on the ports are the zone's, and all of the zone's are there. */
static int has_strays(const weft_sim *sim, uint32_t zone) {
  uint64_t there = 0, out = 0;
  for (uint32_t i = 0; i < sim->zone_ports.n; ++i) {
    const struct port *port = &sim->ports.at[sim->zone_ports.at[i]];
    there += port->tail - port->head;
    for (uint32_t k = port->head; k != port->tail; ++k) {
      const struct packet *packet = port_packet(sim, port, k);
      const int is_off = packet->hop == HOP_OFF_PATH || packet->flags & PACKET_NACK;
      if (is_off || sim->members.at[packet->flow].zone != zone) return 1;
    }
  }
  FOR_MEMBERS(slot, sim, &sim->zones.at[zone])
  out += sim->tx_warm.at[slot].packets_out;
  return there != out;
}

static int is_recovering(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->tx.at[slot];
  const struct tx_warm *warm = &sim->tx_warm.at[slot];
  /* What is lost is not known at once, but each packet under way makes one ACK that has to come. */
  const int lost = tx->next - tx->una != warm->packets_out;
  return lost || tx->flags & (TX_RESEND | TX_CUT_OFF) || tx->next < warm->highest ||
         warm->retries > 0;
}

void weft__zone_settle(weft_sim *sim, uint32_t zone, weft_time time) {
  weft__zone_list_ports(sim, zone);
  for (uint32_t i = 0; i < sim->zone_ports.n; ++i) {
    const uint32_t port = sim->zone_ports.at[i];
    port_settle(sim, port, &sim->ports.at[port], time);
  }
}

int weft__park_refusal(weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  weft__zone_settle(sim, zone, sim->now);
  if (sim->ack_capacity > 0 || z->plain) return WEFT_REFUSED_TRACE;
  for (uint32_t i = 0; i < sim->zone_ports.n; ++i) {
    const int refusal = port_refusal(sim, sim->zone_ports.at[i]);
    if (refusal >= 0) return refusal;
  }
  FOR_MEMBERS(slot, sim, z)
  if (is_recovering(sim, slot)) return WEFT_REFUSED_RECOVERY;
  return has_strays(sim, zone) ? WEFT_REFUSED_STRAYS : -1;
}

/* ---- how long? ---- */

/* When a flow that sends at its rate from `from` on, with so many packets sent until then, has only
 * its last ones left. */
static weft_time flow_end(const weft_sim *sim, uint32_t slot, weft_time from, uint32_t sent) {
  const struct tx *tx = &sim->tx.at[slot];
  const uint64_t left = (uint64_t)tx->total - tx->next, keep = (uint64_t)sent + LAST_PACKETS;
  if (left <= keep) return from;
  const double time = (double)(left - keep) / sim->members.at[slot].rate;
  return time < (double)(LATEST_PS - from) ? from + (weft_time)time : LATEST_PS;
}

weft_time weft__park_end(const weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  const int by_memo = z->phase == ZONE_MEMO;
  if (by_memo && (!sim->config.fast_forward || !weft__memo_is_steady(sim, zone)))
    return weft__memo_end(sim, zone);
  const weft_time from = by_memo                   ? weft__memo_end(sim, zone)
                         : z->phase == ZONE_STEADY ? z->parked_at
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
  const double line = (double)sim->port_cold.at[sim->tx.at[slot].port].rate_bps;
  return sim->now + (weft_time)(packets > 0 ? packets * bits / line * 1e12 : 0);
}

weft_time weft__close_time(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->tx.at[slot];
  return weft__line_time(sim, slot, (double)(tx->total - tx->next) - CLOSE_PACKETS);
}

int weft__is_near_end(const weft_sim *sim, uint32_t slot) {
  return sim->flows.at[sim->tx.at[slot].row].received_ps >= 0 ||
         weft__close_time(sim, slot) < sim->now + sim->steady_period;
}

int weft__has_near_end(const weft_sim *sim, uint32_t zone) {
  FOR_MEMBERS(slot, sim, &sim->zones.at[zone])
  if (weft__is_near_end(sim, slot)) return 1;
  return 0;
}

/* ---- stopping and going on ---- */

void weft__zone_mark(weft_sim *sim, uint32_t zone, int parked) {
  for (uint32_t i = 0; i < sim->zone_ports.n; ++i) {
    struct port *port = &sim->ports.at[sim->zone_ports.at[i]];
    port->flags = (uint16_t)(parked ? port->flags | PORT_PARKED : port->flags & ~PORT_PARKED);
  }
  FOR_MEMBERS(slot, sim, &sim->zones.at[zone]) {
    struct tx *tx = &sim->tx.at[slot];
    tx->flags = (uint8_t)(parked ? tx->flags | TX_PARKED : tx->flags & ~TX_PARKED);
  }
}

void weft__park(weft_sim *sim, uint32_t zone, enum zone_phase phase) {
  struct zone *z = &sim->zones.at[zone];
  if (phase != ZONE_FOLLOW && weft__audit_is_drawn(sim, zone, sim->now))
    weft__audit_flows(sim, zone);
  sim->acceleration.transient_ps += sim->now - z->since;
  weft__zone_list_ports(sim, zone);
  z->phase = (uint8_t)phase;
  zone_set_unarmed(sim, z, 0);
  z->since = z->parked_at = sim->now;
  weft__zone_mark(sim, zone, 1);
  ++sim->parked;
  const weft_time end =
      phase == ZONE_FOLLOW ? weft__follow_end(sim, zone) : weft__park_end(sim, zone);
  if (end < LATEST_PS) weft__zone_ask(sim, zone, end);
}

static void note_span(weft_sim *sim, const struct zone *z, enum weft_phase phase, weft_time begin,
                      weft_time end, uint64_t packets) {
  if (end <= begin) return;
  if (phase == WEFT_PHASE_STEADY) {
    ++sim->acceleration.steady_spans;
    sim->acceleration.steady_ps += end - begin;
  } else {
    ++sim->acceleration.memo_spans;
    sim->acceleration.memo_ps += end - begin;
  }
  if (sim->span_rows.n >= sim->span_capacity) return;
  sim->span_rows.at[sim->span_rows.n++] = (struct span_row){.begin_ps = begin,
                                                            .end_ps = end,
                                                            .packets = packets,
                                                            .phase = phase,
                                                            .partition = z->serial,
                                                            .flows = z->flows,
                                                            .flow = sim->tx.at[z->first].row};
}

static uint64_t data_skipped(const weft_sim *sim) {
  return sim->acceleration.packets_skipped / 2;
}

/* Put the zone where it is now. */
static void go_on(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  weft_time from = z->parked_at;
  if (z->phase == ZONE_MEMO) {
    const uint64_t before = data_skipped(sim);
    from = weft__memo_end(sim, zone);
    weft__memo_install(sim, zone);
    note_span(sim, z, WEFT_PHASE_MEMO, z->parked_at, from, data_skipped(sim) - before);
  }
  const uint64_t before = data_skipped(sim);
  weft__zone_list_ports(sim, zone); /* which clears what they were moved on by */
  weft__zone_advance(sim, zone, sim->now - from);
  note_span(sim, z, WEFT_PHASE_STEADY, from, sim->now, data_skipped(sim) - before);
}

static void live_again(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (z->phase == ZONE_FOLLOW) --sim->followers;
  if (z->phase != ZONE_LIVE) z->record = 0;
  z->phase = ZONE_LIVE;
}

void weft__unpark(weft_sim *sim, uint32_t zone, weft_time last) {
  struct zone *z = &sim->zones.at[zone];
  if (z->phase == ZONE_APART) {
    weft__apart_end(sim, zone, last);
    return;
  }
  const int is_known =
      z->phase == ZONE_STEADY || (z->phase == ZONE_MEMO && weft__memo_end(sim, zone) <= sim->now);
  if (is_known && weft__audit_is_drawn(sim, zone, z->parked_at)) weft__audit(sim, zone);
  z = &sim->zones.at[zone];
  weft__zone_list_ports(sim, zone);
  weft__zone_mark(sim, zone, 0);
  --sim->parked;
  if (is_known) {
    go_on(sim, zone);
  } else {
    const uint64_t events = sim->events;
    live_again(sim, zone);
    weft__replay(sim, zone, last);
    sim->acceleration.events_replayed += sim->events - events;
    if (sim->zones.at[zone].phase == ZONE_FREE) return; /* all its flows have ended in it */
  }
  z = &sim->zones.at[zone];
  zone_set_unarmed(sim, z, 1);
  live_again(sim, zone);
  weft__steady_begin(sim, zone);
  z->since = sim->now;
}
