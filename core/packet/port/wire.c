/* Wires that lose and delay packets.
 *
 * A packet meets the impairments of its wire at the far end, at the time at which it would arrive
 * there: first it may be lost, then it may be held back. So ports know nothing of them but a flag,
 * a lookahead of a link's delay as built stays valid, and everything here is a function of the
 * order of packets on one wire: draws are counted by the packet's cursor on its port.
 *
 * What a wire does is in struct impairment of the fabric, what it has done in struct wire.
 *
 * Packets that are late wait in a ring of their own, in order: each arrives at
 *   max(its arrival as built + delay + jitter, arrival of the one before + its time on the wire),
 * so that none overtakes another and the far end sees line rate at most. PFC frames are delayed
 * likewise, without jitter, and never lost to chance: real ones are repeated until they arrive. */
#include "engine.h"
#include "base/hash_i.h"
#include "base/rng_i.h"
#include "packet/port/port.h"

static struct wire *wire_of(const weft_sim *sim, uint32_t port) {
  return &sim->packet.wires.at[sim->packet.port_cold.at[port].wire - 1];
}

static const struct impairment *impairment_of(const weft_sim *sim, uint32_t port) {
  return &sim->fabric.impairments.at[sim->fabric.ports.at[port].impairment - 1];
}

/* ---- loss ---- */

static int burst_loses(const weft_sim *sim, struct wire *wire, uint32_t port, uint32_t cursor) {
  const uint64_t seed = sim->config.seed;
  const struct impairment *by = impairment_of(sim, port);
  const double loss = wire->bad ? by->loss_bad : by->loss_good;
  const double turn = wire->bad ? by->leave : by->enter;
  const int lost = loss > 0 && rng_uniform(seed, RNG_BURST_LOSS, port, cursor) < loss;
  if (rng_uniform(seed, RNG_BURST, port, cursor) < turn) wire->bad = !wire->bad;
  return lost;
}

int weft__wire_loses_all(const weft_sim *sim, uint32_t port) {
  if (sim->fabric.ports.at[port].loss >= 1) return 1;
  if (sim->packet.port_cold.at[port].wire == 0) return 0;
  const struct impairment *by = impairment_of(sim, port);
  const int bad = wire_of(sim, port)->bad != 0;
  const double here = bad ? by->loss_bad : by->loss_good;
  const double there = bad ? by->loss_good : by->loss_bad;
  const double turn = bad ? by->leave : by->enter;
  return here >= 1 && (turn <= 0 || there >= 1);
}

/* ---- delay ---- */

static int grow(weft_sim *sim, uint32_t port) {
  const struct wire old = *wire_of(sim, port);
  const uint32_t log2 = old.ring == WEFT_NONE ? 2 : old.ring_log2 + 1;
  uint32_t ring;
  if (log2 >= RING_CLASSES - 1 || !weft__ring_allocate(sim, log2, &ring)) {
    weft__no_memory(sim);
    return 0;
  }
  for (uint32_t i = old.head; i != old.tail; ++i)
    sim->packet.packets.at[ring + (i & ((1u << log2) - 1))] =
        sim->packet.packets.at[old.ring + (i & ((1u << old.ring_log2) - 1))];
  if (old.ring != WEFT_NONE) weft__ring_release(sim, old.ring_log2, old.ring);
  wire_of(sim, port)->ring = ring;
  wire_of(sim, port)->ring_log2 = log2;
  return 1;
}

static struct packet *late_packet(const weft_sim *sim, const struct wire *wire, uint32_t cursor) {
  return &sim->packet.packets.at[wire->ring + (cursor & ((1u << wire->ring_log2) - 1))];
}

/* When a packet that would arrive now does arrive. */
static weft_time arrival(const weft_sim *sim, const struct wire *wire, uint32_t port,
                         uint32_t cursor, const struct packet *packet) {
  const struct impairment *by = impairment_of(sim, port);
  weft_time at = sim->now + by->delay_ps;
  if (by->jitter_ps > 0)
    at += (weft_time)(rng_uniform(sim->config.seed, RNG_JITTER, port, cursor) *
                      (double)(by->jitter_ps + 1));
  const weft_time behind = wire->last_ps + packet->ser_ps;
  return at > behind ? at : behind;
}

static int hold_back(weft_sim *sim, uint32_t port, const struct packet *packet, weft_time until) {
  struct wire *wire = wire_of(sim, port);
  wire->last_ps = until;
  const int full = wire->ring == WEFT_NONE || wire->tail - wire->head == 1u << wire->ring_log2;
  if (full && !grow(sim, port)) return 0;
  if (wire->head == wire->tail) event_at(sim, EV_WIRE, port, until);
  struct packet *late = late_packet(sim, wire, wire->tail++);
  *late = *packet;
  late->arrive = until;
  return 1;
}

enum wire_fate weft__wire_pass(weft_sim *sim, uint32_t port, uint32_t cursor,
                               const struct packet *packet) {
  const double loss = sim->fabric.ports.at[port].loss;
  int lost = loss > 0 && rng_uniform(sim->config.seed, RNG_LOSS, port, cursor) < loss;
  if (sim->packet.port_cold.at[port].wire != 0) {
    struct wire *wire = wire_of(sim, port);
    lost |= burst_loses(sim, wire, port, cursor);
    const weft_time at = lost ? sim->now : arrival(sim, wire, port, cursor, packet);
    if (at > sim->now && hold_back(sim, port, packet, at)) return WIRE_DELAYS;
    lost |= at > sim->now; /* out of memory */
  }
  return lost ? WIRE_LOSES : WIRE_PASSES;
}

int weft__wire_take(weft_sim *sim, uint32_t port, struct packet *packet) {
  struct wire *wire = wire_of(sim, port);
  /* The link has failed since: what was on it is lost. */
  if (wire->head == wire->tail || late_packet(sim, wire, wire->head)->arrive != sim->now) return 0;
  *packet = *late_packet(sim, wire, wire->head++);
  sim->fingerprint += hash_event(sim->now, 0x200000000 + port, packet->seq);
  if (wire->head != wire->tail)
    event_at(sim, EV_WIRE, port, late_packet(sim, wire, wire->head)->arrive);
  return 1;
}

weft_time weft__wire_frame(weft_sim *sim, uint32_t port, weft_time at) {
  if (sim->packet.port_cold.at[port].wire == 0) return at;
  struct wire *wire = wire_of(sim, port);
  at += impairment_of(sim, port)->delay_ps;
  /* A resume never overtakes its pause. */
  if (at <= wire->frame_ps) at = wire->frame_ps + 1;
  wire->frame_ps = at;
  return at;
}

const struct packet *weft__wire_lose(weft_sim *sim, uint32_t port) {
  if (sim->packet.port_cold.at[port].wire == 0) return NULL;
  struct wire *wire = wire_of(sim, port);
  if (wire->head != wire->tail) return late_packet(sim, wire, wire->head++);
  wire->last_ps = sim->now;
  wire->frames_lost_ps = wire->frame_ps;
  return NULL;
}

void weft__wire_count(const weft_sim *sim, uint32_t port, uint64_t *packets, uint64_t *bytes) {
  if (sim->packet.port_cold.at[port].wire == 0) return;
  const struct wire *wire = wire_of(sim, port);
  for (uint32_t i = wire->head; i != wire->tail; ++i) {
    ++*packets;
    *bytes += late_packet(sim, wire, i)->size;
  }
}

/* ---- changes ---- */

static int add_wire(weft_sim *sim, uint32_t port) {
  struct port_cold *cold = &sim->packet.port_cold.at[port];
  if (!pool_reserve(sim, sim->packet.wires, sim->packet.wires.n + 1u)) return 0;
  sim->packet.wires.at[sim->packet.wires.n] =
      (struct wire){.ring = WEFT_NONE,
                    .frame_ps = cold->frame_free_at + sim->packet.ports.at[port].delay_ps,
                    .frames_lost_ps = -1};
  cold->wire = ++sim->packet.wires.n;
  sim->packet.ports.at[port].flags |= PORT_LOSSY;
  return 1;
}

int weft__wire_init(weft_sim *sim, uint32_t port) {
  return sim->fabric.ports.at[port].impairment == 0 || add_wire(sim, port);
}

void weft__wire_changed(weft_sim *sim, uint32_t port, unsigned what) {
  /* Never taken away: the flag costs a call per packet. */
  if (sim->packet.port_cold.at[port].wire == 0 && !add_wire(sim, port)) {
    weft__no_memory(sim);
    return;
  }
  if (what & CHANGED_BURSTS) wire_of(sim, port)->bad = 0;
}
