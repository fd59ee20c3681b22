/* Wires that lose and delay packets.
 *
 * A packet meets the impairments of its wire at the far end, at the time at which it would arrive
 * there: first it may be lost, then it may be held back. So ports know nothing of them but a flag,
 * a lookahead of a link's delay as built stays valid, and everything here is a function of the
 * order of packets on one wire: draws are counted by the packet's cursor on its port.
 *
 * Burst loss has two states, good and bad (Gilbert, BSTJ 39, 1960; Elliott, BSTJ 42, 1963). A
 * packet is lost with the probability of the present state, and then the state changes with
 * probability p = enter (good to bad) or r = leave. In the notation of Hasslinger and Hohlfeld
 * (MMB 2008), loss_good is 1 - k and loss_bad 1 - h. The mean loss is
 * (r loss_good + p loss_bad) / (p + r).
 *
 * Packets that are late wait in a ring of their own, in order: each arrives at
 *   max(its arrival as built + delay + jitter, arrival of the one before + its time on the wire),
 * so that none overtakes another and the far end sees line rate at most. PFC frames are delayed
 * likewise, without jitter, and never lost to chance: real ones are repeated until they arrive. */
#include <inttypes.h>

#include "packet/port/port_i.h"

enum { MOST_DELAY_S = 10 };

static struct wire *wire_of(const weft_sim *sim, uint32_t port) {
  return &sim->packet.wires.at[sim->packet.port_cold.at[port].wire - 1];
}

/* ---- loss ---- */

static int burst_loses(const weft_sim *sim, struct wire *wire, uint32_t port, uint32_t cursor) {
  const uint64_t seed = sim->config.seed;
  const double loss = wire->bad ? wire->loss_bad : wire->loss_good;
  const double turn = wire->bad ? wire->leave : wire->enter;
  const int lost = loss > 0 && rng_uniform(seed, RNG_BURST_LOSS, port, cursor) < loss;
  if (rng_uniform(seed, RNG_BURST, port, cursor) < turn) wire->bad = !wire->bad;
  return lost;
}

double weft__wire_burst_loss(const weft_sim *sim, uint32_t port) {
  if (sim->packet.port_cold.at[port].wire == 0) return 0;
  const struct wire *wire = wire_of(sim, port);
  const double turns = wire->enter + wire->leave;
  /* That never turns: it stays what it is. */
  if (turns <= 0) return wire->bad ? wire->loss_bad : wire->loss_good;
  return (wire->leave * wire->loss_good + wire->enter * wire->loss_bad) / turns;
}

int weft__wire_loses_all(const weft_sim *sim, uint32_t port) {
  const struct port_cold *cold = &sim->packet.port_cold.at[port];
  if (cold->loss >= 1) return 1;
  if (cold->wire == 0) return 0;
  const struct wire *wire = wire_of(sim, port);
  const double here = wire->bad ? wire->loss_bad : wire->loss_good;
  const double there = wire->bad ? wire->loss_good : wire->loss_bad;
  const double turn = wire->bad ? wire->leave : wire->enter;
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
  weft_time at = sim->now + wire->delay_ps;
  if (wire->jitter_ps > 0)
    at += (weft_time)(rng_uniform(sim->config.seed, RNG_JITTER, port, cursor) *
                      (double)(wire->jitter_ps + 1));
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

int weft__wire_pass(weft_sim *sim, uint32_t port, uint32_t cursor, const struct packet *packet) {
  const struct port_cold *cold = &sim->packet.port_cold.at[port];
  int lost = cold->loss > 0 && rng_uniform(sim->config.seed, RNG_LOSS, port, cursor) < cold->loss;
  if (cold->wire != 0) {
    struct wire *wire = wire_of(sim, port);
    lost |= burst_loses(sim, wire, port, cursor);
    const weft_time at = lost ? sim->now : arrival(sim, wire, port, cursor, packet);
    if (at > sim->now && hold_back(sim, port, packet, at)) return 0;
    lost |= at > sim->now; /* out of memory */
  }
  if (lost) weft__packet_drop(sim, port, packet);
  return !lost;
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
  at += wire->delay_ps;
  /* A resume never overtakes its pause. */
  if (at <= wire->frame_ps) at = wire->frame_ps + 1;
  wire->frame_ps = at;
  return at;
}

void weft__wire_fail(weft_sim *sim, uint32_t port) {
  if (sim->packet.port_cold.at[port].wire == 0) return;
  struct wire *wire = wire_of(sim, port);
  for (; wire->head != wire->tail; ++wire->head)
    weft__packet_drop(sim, port, late_packet(sim, wire, wire->head));
  wire->last_ps = sim->now;
  wire->frames_lost_ps = wire->frame_ps;
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

static void add_wire(weft_sim *sim, uint32_t port) {
  struct port_cold *cold = &sim->packet.port_cold.at[port];
  sim->packet.wires.at[sim->packet.wires.n] =
      (struct wire){.ring = WEFT_NONE,
                    .frame_ps = cold->frame_free_at + sim->packet.ports.at[port].delay_ps,
                    .frames_lost_ps = -1};
  cold->wire = ++sim->packet.wires.n;
  sim->packet.ports.at[port].flags |= PORT_LOSSY;
}

void weft__wire_change(weft_sim *sim, const weft_link_impairment *impairment) {
  const int delays = impairment->delay_ps >= 0, bursts = impairment->enter >= 0;
  const int as_built = impairment->delay_ps <= 0 && impairment->jitter_ps <= 0 &&
                       impairment->enter <= 0 && impairment->loss_good <= 0;
  for (uint32_t side = 0; side < 2; ++side) {
    if (impairment->direction == (side == 0 ? WEFT_B_TO_A : WEFT_A_TO_B)) continue;
    const uint32_t port = 2 * impairment->link + side;
    if (sim->packet.port_cold.at[port].wire == 0) {
      if (as_built) continue;
      add_wire(sim, port); /* never taken away: the flag costs a call per packet */
    }
    struct wire *wire = wire_of(sim, port);
    if (delays) {
      wire->delay_ps = impairment->delay_ps;
      wire->jitter_ps = impairment->jitter_ps;
    }
    if (bursts) {
      wire->enter = impairment->enter;
      wire->leave = impairment->leave;
      wire->loss_good = impairment->loss_good;
      wire->loss_bad = impairment->loss_bad;
      wire->bad = 0;
    }
  }
}

static int probability(double p) {
  return p >= 0 && p <= 1;
}

int weft_link_impair(weft_sim *sim, const weft_link_impairment *impairment) {
  const int status = weft__change_check(sim, impairment->link, impairment->direction);
  if (status != WEFT_OK) return status;
  const weft_time most = (weft_time)MOST_DELAY_S * 1000000000000;
  if (impairment->delay_ps > most || impairment->jitter_ps > most ||
      (impairment->delay_ps >= 0 && impairment->jitter_ps < 0))
    return weft__fail(sim, WEFT_EINVAL,
                      "link delay_ps, jitter_ps: expected 0 to %" PRId64 ", got %" PRId64
                      ", %" PRId64,
                      most, impairment->delay_ps, impairment->jitter_ps);
  if (!(impairment->enter < 0) &&
      !(probability(impairment->enter) && probability(impairment->leave) &&
        probability(impairment->loss_good) && probability(impairment->loss_bad)))
    return weft__fail(
        sim, WEFT_EINVAL, "link burst loss: expected probabilities 0 to 1, got %g, %g, %g, %g",
        impairment->enter, impairment->leave, impairment->loss_good, impairment->loss_bad);
  if (is_ns3(sim))
    return weft__fail(sim, WEFT_EINVAL,
                      "link impairment: compat ns3 has neither added delay nor burst loss");
  uint64_t wires =
      2ull * (sim->fabric.changes.n + 1); /* so that the change itself needs no memory */
  if (wires > sim->packet.ports.n) wires = sim->packet.ports.n;
  if (!pool_reserve(sim, sim->packet.wires, wires))
    return weft__fail(sim, WEFT_ENOMEM, "link impairment: out of memory");
  const struct change change = {.kind = CHANGE_WIRE, .of.wire = *impairment};
  return weft__change_add(sim, &change, impairment->at_ps, 1);
}
