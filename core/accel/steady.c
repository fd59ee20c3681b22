/* Steady states: samples of what each flow has received, and whether all rates of a zone are flat.
 *
 * Wormhole (section on steady-state identification) calls a flow steady when over its last l
 * samples (max R - min R) / mean R < theta. R is here what has arrived, not the rate that the
 * algorithm asks for, which jitters with every ACK and is not what a flow gets where its window
 * binds. A sample therefore waits until it counts enough packets of each flow that one more or
 * less is half of theta. Slow convergence passes that test, and is what errors come of; so the two
 * halves of the window must also agree, ever more closely the more packets they count. */
#include <math.h>

#include "accel/zone.h"
#include "cc/cc.h"
#include "fabric/port_i.h"

enum { HALVES = 50 }; /* theta / HALVES: how closely the halves agree */

/* Each from its algorithm's own oscillation, of which a sample covers a period or several; see
 * docs/acceleration.md. Times are in base round trips. */
static void by_algorithm(weft_sim *sim, double rtt_ps, double window_packets) {
  double rtts = 4;
  sim->theta = 0.05;
  sim->steady_samples = 8;
  switch (sim->config.cc) {
    case WEFT_CC_DCTCP: /* a sawtooth of sqrt(W / 2) round trips (Alizadeh et al., eq. 8) */
      sim->theta = 0.1;
      rtts = 2 * sqrt(window_packets / 2);
      break;
    case WEFT_CC_DCQCN: /* moves by timers */
      sim->theta = 0.1;
      sim->steady_samples = 6;
      rtts = 2 * (double)sim->config.dcqcn_increase_ps / rtt_ps;
      break;
    case WEFT_CC_TIMELY: /* a step per round trip, and hyper increase after five */
      rtts = 6;
      break;
    default:
      break;
  }
  sim->steady_period = (weft_time)(rtts * rtt_ps);
}

void weft__steady_defaults(weft_sim *sim) {
  const weft_config *config = &sim->config;
  const double rtt = (double)(config->base_rtt_ps != 0 ? config->base_rtt_ps : sim->fabric_rtt);
  uint64_t line = 0;
  for (uint32_t p = 0; p < sim->ports.n; ++p)
    if (!(sim->ports.at[p].flags & PORT_OF_SWITCH) && sim->port_cold.at[p].rate_bps > line &&
        sim->nodes.at[sim->ports.at[p].to_node].kind == WEFT_SWITCH)
      line = sim->port_cold.at[p].rate_bps;
  by_algorithm(sim, rtt, (double)line * rtt / 8e12 / config->mtu_bytes);
  if (config->theta >= 0) sim->theta = config->theta;
  if (config->steady_samples != 0) sim->steady_samples = config->steady_samples;
  if (config->steady_period_ps != 0) sim->steady_period = config->steady_period_ps;
  if (sim->steady_period < 1) sim->steady_period = 1;
}

static struct sample *samples_of(const weft_sim *sim, uint32_t slot) {
  return &sim->samples.at[(uint64_t)slot * (sim->steady_samples + 1)];
}

/* What a flow has received, and when: at the arrival of its next packet, if that is under way on
 * the last link, so that whole packets blur nothing. */
static struct sample sample_of(const weft_sim *sim, uint32_t slot) {
  const uint32_t received = sim->rx.at[slot].next;
  const struct port *port = &sim->ports.at[slot_path(sim, slot)[sim->tx.at[slot].hops - 1]];
  for (uint32_t i = port->head; i != port->tail; ++i) {
    const struct packet *packet = port_packet(sim, port, i);
    if (packet->flow == slot && packet->seq == received && !(packet->flags & PACKET_ACK))
      return (struct sample){packet->arrive, received + 1, 0};
  }
  return (struct sample){sim->now, received, 0};
}

/* Has each flow received enough since the last sample? Before the first its way must have filled:
 * what a window holds is no rate yet. */
static int is_full(const weft_sim *sim, const struct zone *z) {
  const double need = 2 / sim->theta;
  const uint32_t last = z->samples > 0 ? (z->samples - 1) % (sim->steady_samples + 1) : 0;
  uint32_t slot = z->first;
  do {
    const uint32_t before = z->samples > 0 ? samples_of(sim, slot)[last].packets : 0;
    if (sim->rx.at[slot].next < before + need) return 0;
    slot = sim->members.at[slot].next;
  } while (slot != z->first);
  return 1;
}

void weft__steady_sample(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (!is_full(sim, z)) return;
  const uint32_t at = z->samples++ % (sim->steady_samples + 1);
  z->sampled_at = sim->now;
  uint32_t slot = z->first;
  do {
    samples_of(sim, slot)[at] = sample_of(sim, slot);
    slot = sim->members.at[slot].next;
  } while (slot != z->first);
}

/* A window of samples, oldest first, from the ring that they are kept in. */
struct window {
  const struct sample *samples;
  uint32_t first, count; /* count = intervals; there is a sample more */
};

static const struct sample *sample_at(const struct window *w, uint32_t i) {
  return &w->samples[(w->first + i) % (w->count + 1)];
}

static double packets_at(const struct window *w, uint32_t i) {
  return (double)(sample_at(w, i)->packets - sample_at(w, 0)->packets);
}

static double time_at(const struct window *w, uint32_t i) {
  return (double)(sample_at(w, i)->time - sample_at(w, 0)->time);
}

static double rate_between(const struct window *w, uint32_t i, uint32_t k) {
  return (packets_at(w, k) - packets_at(w, i)) / (time_at(w, k) - time_at(w, i));
}

/* Least squares through all samples: whole packets are off by up to one, and that at the ends
 * alone would count most. */
static double slope(const struct window *w) {
  double t = 0, n = 0, tt = 0, tn = 0;
  const double count = w->count + 1;
  for (uint32_t i = 0; i <= w->count; ++i) {
    t += time_at(w, i);
    n += packets_at(w, i);
  }
  t /= count;
  n /= count;
  for (uint32_t i = 0; i <= w->count; ++i) {
    const double dt = time_at(w, i) - t;
    tt += dt * dt;
    tn += dt * (packets_at(w, i) - n);
  }
  return tn / tt;
}

/* Is the flow steady? If so, note its rate. */
static int test_flow(const weft_sim *sim, const struct window *w, struct member *m) {
  double least = INFINITY, most = 0;
  for (uint32_t i = 0; i < w->count; ++i) {
    const double rate = rate_between(w, i, i + 1);
    least = rate < least ? rate : least;
    most = rate > most ? rate : most;
  }
  const uint32_t half = w->count / 2;
  const double all = packets_at(w, w->count), mean = rate_between(w, 0, w->count);
  const double apart = fabs(rate_between(w, 0, half) - rate_between(w, half, w->count)) / mean;
  const double whole = 1 / all; /* flows that share a port take turns */
  if (most - least >= sim->theta * mean || apart > sim->theta / HALVES + whole) return 0;
  m->rate = slope(w);
  m->uncertainty = apart / 4 + 0.5 / all;
  return 1;
}

int weft__steady_test(weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  const uint32_t count = sim->steady_samples;
  if (z->samples <= count || z->sampled_at != sim->now) return 0;
  struct window window = {.first = z->samples, .count = count};
  uint32_t slot = z->first;
  do {
    window.samples = samples_of(sim, slot);
    if (!test_flow(sim, &window, &sim->members.at[slot])) return 0;
    slot = sim->members.at[slot].next;
  } while (slot != z->first);
  return 1;
}
