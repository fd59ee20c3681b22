/* Steady states: samples of what each flow has received, and whether all rates of a zone are flat.
 *
 * Wormhole (section on steady-state identification) calls a flow steady when over its last l
 * samples (max R - min R) / mean R < theta. R is here what has arrived, not the rate that the
 * algorithm asks for, which jitters with every ACK and is not what a flow gets where its window
 * binds. A sample therefore waits until it counts enough packets of each flow that one more or
 * less is a quarter of theta. Slow convergence passes that test, and is what errors come of. So
 * the two halves of the window must also agree, ever more closely the more packets they count; no
 * flow may send at another rate than it receives, which would be a queue that grows; and who may
 * be skipped for long is looked at for longer: while all is flat, the window doubles. */
#include <math.h>

#include "accel/zone.h"
#include "cc/cc.h"
#include "fabric/port_i.h"

enum {
  HALVES = 50, /* theta / HALVES: how closely they agree */
  SKIP_MOST = 256, /* windows that are skipped for one that was looked at, if it is no long one */
  DOUBLINGS_MOST = 3, /* that make a window long */
  LONGEST_WAIT = 16 /* periods until a sample is tried again */
};

/* Each from its algorithm's own oscillation, of which a sample covers a period or several; see
 * docs/acceleration.md. Times are in base round trips. */
static void by_algorithm(weft_sim *sim, double rtt_ps, double window_packets) {
  double rtts = 2;
  sim->theta = 0.05;
  sim->steady_samples = 8;
  switch (sim->config.cc) {
    case WEFT_CC_DCTCP: /* a sawtooth of sqrt(W / 2) round trips (Alizadeh et al., eq. 8) */
      sim->theta = 0.1;
      rtts = sqrt(window_packets / 2);
      break;
    case WEFT_CC_DCQCN: /* moves by timers */
      sim->theta = 0.1;
      rtts = (double)sim->config.dcqcn_increase_ps / rtt_ps;
      break;
    case WEFT_CC_TIMELY: /* a step per round trip, and hyper increase after five */
      rtts = 5;
      break;
    default:
      break;
  }
  sim->steady_period = (weft_time)((rtts > 1 ? rtts : 1) * rtt_ps);
}

void weft__steady_defaults(weft_sim *sim) {
  const weft_config *config = &sim->config;
  const double rtt = (double)base_rtt(sim);
  uint64_t line = 0;
  for (uint32_t p = 0; p < sim->ports.n; ++p)
    if (sim->nodes.at[sim->ports.at[p].from_node].kind != WEFT_NVSWITCH &&
        sim->nodes.at[sim->ports.at[p].to_node].kind != WEFT_NVSWITCH &&
        sim->port_cold.at[p].rate_bps > line)
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
static struct sample sample_of(weft_sim *sim, uint32_t slot) {
  const uint32_t received = sim->rx.at[slot].next;
  const uint32_t under_way = sim->tx.at[slot].next - received;
  const uint32_t last = slot_path(sim, slot)[sim->tx.at[slot].hops - 1];
  struct port *port = &sim->ports.at[last];
  port_settle(sim, last, port, sim->now); /* or it depends on who has looked at the port before */
  for (uint32_t i = port->head; i != port->deq; ++i) {
    const struct packet *packet = port_packet(sim, port, i);
    if (packet->flow == slot && packet->seq == received && !(packet->flags & PACKET_ACK))
      return (struct sample){packet->arrive, received + 1, under_way & INT32_MAX, 0};
  }
  return (struct sample){sim->now, received, under_way & INT32_MAX, 1};
}

/* Has each flow received enough since the last sample? Before the first its way must have filled:
 * what a window holds is no rate yet. */
static int is_full(const weft_sim *sim, const struct zone *z) {
  const double need = 4 / sim->theta;
  FOR_MEMBERS(slot, sim, z) {
    const uint32_t before = z->samples > 0 ? samples_of(sim, slot)[z->samples - 1].packets : 0;
    if (sim->rx.at[slot].next < before + need) return 0;
  }
  return 1;
}

/* How long until a flow has received enough, if it goes on as it has. */
static double time_left(const weft_sim *sim, const struct zone *z, uint32_t slot) {
  const struct sample *last = z->samples > 0 ? &samples_of(sim, slot)[z->samples - 1] : NULL;
  const weft_time begin = last ? last->time : sim->flows.at[sim->rx.at[slot].row].start_ps;
  const double got = sim->rx.at[slot].next - (double)(last ? last->packets : 0);
  const double need = 4 / sim->theta;
  return got > 0 && got < need ? (double)(sim->now - begin) * (need - got) / got : 0;
}

weft_time weft__steady_wait(const weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  const weft_time period = sim->steady_period << z->doublings;
  double wait = 0;
  FOR_MEMBERS(slot, sim, z) {
    const double left = time_left(sim, z, slot);
    if (left > wait) wait = left;
  }
  if (wait > (double)(LONGEST_WAIT * period)) return LONGEST_WAIT * period;
  return wait > (double)period ? (weft_time)wait : period;
}

void weft__steady_begin(weft_sim *sim, uint32_t zone) {
  sim->zones.at[zone].samples = 0;
  sim->zones.at[zone].doublings = 0;
}

int weft__steady_sample(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  if (!is_full(sim, z)) return 0;
  const uint32_t at = z->samples++;
  FOR_MEMBERS(slot, sim, z) samples_of(sim, slot)[at] = sample_of(sim, slot);
  return z->samples == sim->steady_samples + 1;
}

/* Make room for half a window: of a window that is to grow, by every other sample; else by the
 * older half. */
static void thin_out(weft_sim *sim, uint32_t zone, int grow) {
  struct zone *z = &sim->zones.at[zone];
  const uint32_t half = sim->steady_samples / 2;
  FOR_MEMBERS(slot, sim, z) {
    struct sample *samples = samples_of(sim, slot);
    for (uint32_t i = 0; i <= half; ++i) samples[i] = samples[grow ? 2 * i : half + i];
  }
  z->samples = half + 1;
  z->doublings = (uint8_t)(z->doublings + grow);
}

static double packets_at(const struct sample *s, uint32_t i) {
  return (double)(s[i].packets - s[0].packets);
}

static double time_at(const struct sample *s, uint32_t i) {
  return (double)(s[i].time - s[0].time);
}

static double rate_between(const struct sample *s, uint32_t i, uint32_t k) {
  return (packets_at(s, k) - packets_at(s, i)) / (time_at(s, k) - time_at(s, i));
}

/* Least squares through n + 1 samples: flows take turns, and which was last at the ends alone would
 * count most. */
static double slope(const struct sample *s, uint32_t n) {
  double t = 0, p = 0, tt = 0, tp = 0;
  for (uint32_t i = 0; i <= n; ++i) {
    t += time_at(s, i) / (n + 1);
    p += packets_at(s, i) / (n + 1);
  }
  for (uint32_t i = 0; i <= n; ++i) {
    const double dt = time_at(s, i) - t;
    tt += dt * dt;
    tp += dt * (packets_at(s, i) - p);
  }
  return tp / tt;
}

/* Is the flow steady over all intervals? If so, note its rate. */
static int test_flow(const weft_sim *sim, uint32_t slot) {
  const struct sample *s = samples_of(sim, slot);
  const uint32_t n = sim->steady_samples;
  const uint32_t blurred = s[0].blurred | s[n / 2].blurred | s[n].blurred;
  double least = INFINITY, most = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const double rate = rate_between(s, i, i + 1);
    least = rate < least ? rate : least;
    most = rate > most ? rate : most;
  }
  const double all = packets_at(s, n), mean = rate_between(s, 0, n);
  const double apart = fabs(rate_between(s, 0, n / 2) - rate_between(s, n / 2, n)) / mean;
  const double close = sim->theta / HALVES + (1 + blurred) / all;
  const double grown = fabs((double)s[n].under_way - (double)s[0].under_way) / all;
  if (most - least >= sim->theta * mean || apart > close || grown > close + 1 / all) return 0;
  sim->members.at[slot].rate = slope(s, n);
  sim->members.at[slot].uncertainty = apart / 4 + 0.5 / all;
  return 1;
}

static int are_flat(const weft_sim *sim, const struct zone *z) {
  FOR_MEMBERS(slot, sim, z)
    if (!test_flow(sim, slot)) return 0;
  return 1;
}

int weft__steady_test(weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  const int flat = are_flat(sim, z);
  const struct sample *s = samples_of(sim, z->first);
  const weft_time window = s[sim->steady_samples].time - s[0].time;
  const int is_long = z->doublings == DOUBLINGS_MOST ||
                      window >= (weft__park_end(sim, zone) - sim->now) / SKIP_MOST;
  if (flat && is_long) return 1;
  thin_out(sim, zone, flat);
  return 0;
}
