/* Steady states: samples of what each flow has received, and whether all rates of a partition are
 * flat.
 *
 * Wormhole (section on steady-state identification) calls a flow steady when over its last l
 * samples (max R - min R) / mean R < theta. R is here what has arrived, not the rate that the
 * algorithm asks for, which jitters with every ACK and is not what a flow gets where its window
 * binds. A sample therefore waits until it counts enough packets of each flow that one more or
 * less is a quarter of theta. Slow convergence passes that test, and is what errors come of. So
 * the two halves of the window must also agree, ever more closely the more packets they count; no
 * flow may send at another rate than it receives, which would be a queue that grows; what it asks
 * for must not creep, as windows of whole packets hide that until it is a packet more; no mark may
 * be drawn that its rate feels; and who may be skipped for long, or whose rates are not known well
 * enough by how samples scatter, is looked at for longer: while all is flat, the window doubles. */
#include <math.h>

#include "packet/accel/partitions/partitions.h"
#include "packet/cc/cc.h"
#include "packet/rtt.h"
#include "packet/port/port_i.h"

#define STUDENT 2.4 /* t of 5 % for 7 degrees of freedom */
#define PRECISION 5e-5 /* of all rates together: their deviation, unless the window is long */
#define SCATTER 5e-4 /* likewise of each by itself, root mean square */
#define UNMOVED 1e-7 /* by marks that are drawn: deviation of such a rate */
#define ROUNDS 4.0 /* round trips in a window */
#define DRIFT 1e-4 /* by which a flow may be off at its end, as its rate would creep on */
#define SURELY 3.5 /* t of 1 % for 7 degrees of freedom */
#define FOLLOWS 0.025 /* half of the deviation of a rate that creeps by 1 in the window */
#define BINDING 1.15 /* a flow that asks for more than so much of what it gets: others decide */

enum {
  HALVES = 50, /* theta / HALVES: how closely they agree */
  SKIP_MOST = 256, /* windows that are skipped for one that was looked at, if it is no long one */
  DOUBLINGS_MOST = 3, /* that make a window long */
  SAMPLES_MOST = 64, /* in a window */
  LONGEST_WAIT = 16 /* periods until a sample is tried again */
};

/* Each from its algorithm's own oscillation, of which a sample covers a period or several; see
 * docs/acceleration.md. Times are in base round trips. */
static void by_algorithm(weft_sim *sim, double rtt_ps, double window_packets) {
  const struct cc_ops *cc = sim->packet.cc;
  double rtts = CC_SWING;
  if (cc->swing != NULL) rtts = cc->swing(&sim->config, rtt_ps, window_packets);
  sim->accel.theta = cc->theta > 0 ? cc->theta : CC_THETA;
  sim->accel.steady_samples = 8;
  sim->accel.steady_period = (weft_time)((rtts > 1 ? rtts : 1) * rtt_ps);
}

void weft__steady_defaults(weft_sim *sim) {
  const weft_config *config = &sim->config;
  const double rtt = (double)base_rtt(sim);
  uint64_t line = 0;
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p)
    if (sim->fabric.nodes.at[sim->packet.ports.at[p].from_node].kind != WEFT_NVSWITCH &&
        sim->fabric.nodes.at[sim->packet.ports.at[p].to_node].kind != WEFT_NVSWITCH &&
        sim->fabric.ports.at[p].rate_bps > line)
      line = sim->fabric.ports.at[p].rate_bps;
  by_algorithm(sim, rtt, (double)line * rtt / 8e12 / config->mtu_bytes);
  if (config->theta >= 0) sim->accel.theta = config->theta;
  if (config->steady_samples != 0) sim->accel.steady_samples = config->steady_samples;
  if (config->steady_period_ps != 0) sim->accel.steady_period = config->steady_period_ps;
  if (sim->accel.steady_period < 1) sim->accel.steady_period = 1;
}

static struct sample *samples_of(const weft_sim *sim, uint32_t slot) {
  return &sim->accel.samples.at[(uint64_t)slot * (sim->accel.steady_samples + 1)];
}

/* Marks that were left to chance on the way of a flow so far. Ports are settled, or that would
 * depend on who has looked at them before. */
static uint32_t draws_of(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  uint32_t draws = 0;
  for (uint32_t h = 0; h < sim->packet.tx.at[slot].hops; ++h) {
    port_settle(sim, path[h], &sim->packet.ports.at[path[h]], sim->now);
    draws += sim->packet.port_cold.at[path[h]].draws;
  }
  return draws;
}

/* What a flow has received, and when: at the arrival of its next packet, if that is under way on
 * the last link, so that whole packets blur nothing. */
static struct sample sample_of(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint32_t received = sim->packet.rx.at[slot].next;
  const uint32_t last = slot_path(sim, slot)[tx->hops - 1];
  struct sample sample = {.time = sim->now,
                          .asked = (double)tx->rate_bps,
                          .packets = received,
                          .draws = draws_of(sim, slot),
                          .under_way = (tx->next - received) & INT32_MAX,
                          .blurred = 1};
  const struct port *port = &sim->packet.ports.at[last];
  for (uint32_t i = port->head; i != port->deq; ++i) {
    const struct packet *packet = port_packet(sim, port, i);
    if (packet->flow != slot || packet->seq != received || packet->flags & PACKET_ACK) continue;
    sample.time = packet->arrive;
    ++sample.packets;
    sample.blurred = 0;
    break;
  }
  return sample;
}

/* Has each flow received enough since the last sample? Before the first its way must have filled:
 * what a window holds is no rate yet. */
static int is_full(const weft_sim *sim, const struct partition *p) {
  const double need = 4 / sim->accel.theta;
  FOR_MEMBERS(slot, sim, p) {
    const uint32_t before = p->samples > 0 ? samples_of(sim, slot)[p->samples - 1].packets : 0;
    if (sim->packet.rx.at[slot].next < before + need) return 0;
  }
  return 1;
}

/* How long until a flow has received enough, if it goes on as it has. */
static double time_left(const weft_sim *sim, const struct partition *p, uint32_t slot) {
  const struct sample *last = p->samples > 0 ? &samples_of(sim, slot)[p->samples - 1] : NULL;
  const weft_time begin =
      last ? last->time : sim->flow.rows.at[sim->packet.rx.at[slot].row].start_ps;
  const double got = sim->packet.rx.at[slot].next - (double)(last ? last->packets : 0);
  const double need = 4 / sim->accel.theta;
  return got > 0 && got < need ? (double)(sim->now - begin) * (need - got) / got : 0;
}

/* So much or little more: in step with the bursts of the partition, if all have the same time. */
static weft_time in_step(const weft_sim *sim, const struct partition *p, weft_time time) {
  const weft_time rtt = weft__burst_rtt(sim, p->first);
  FOR_MEMBERS(slot, sim, p)
  if (rtt == 0 || weft__burst_rtt(sim, slot) != rtt) return time;
  return (time + rtt - 1) / rtt * rtt;
}

weft_time weft__steady_first_wait(const weft_sim *sim, uint32_t partition) {
  return in_step(sim, &sim->accel.partitions.at[partition], sim->accel.steady_period);
}

weft_time weft__steady_wait(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const weft_time period = sim->accel.steady_period << p->doublings;
  double wait = (double)period;
  FOR_MEMBERS(slot, sim, p) {
    const double left = time_left(sim, p, slot);
    if (left > wait) wait = left;
  }
  const weft_time most = LONGEST_WAIT * period;
  return in_step(sim, p, wait > (double)most ? most : (weft_time)wait);
}

void weft__steady_begin(weft_sim *sim, uint32_t partition) {
  sim->accel.partitions.at[partition].samples = 0;
  sim->accel.partitions.at[partition].doublings = 0;
}

int weft__steady_sample(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  if (!is_full(sim, p)) return 0;
  const uint32_t at = p->samples++;
  FOR_MEMBERS(slot, sim, p) samples_of(sim, slot)[at] = sample_of(sim, slot);
  return p->samples == sim->accel.steady_samples + 1;
}

/* Make room for half a window: of a window that is to grow, by every other sample; else by the
 * older half. */
static void thin_out(weft_sim *sim, uint32_t partition, int grow) {
  struct partition *p = &sim->accel.partitions.at[partition];
  const uint32_t half = sim->accel.steady_samples / 2;
  FOR_MEMBERS(slot, sim, p) {
    struct sample *samples = samples_of(sim, slot);
    for (uint32_t i = 0; i <= half; ++i) samples[i] = samples[grow ? 2 * i : half + i];
  }
  p->samples = half + 1;
  p->doublings = (uint8_t)(p->doublings + grow);
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

/* A line of least squares through n + 1 points (time, value). */
struct line {
  double time, mean, slope; /* through (time, mean) */
  double tt; /* of times, squared about their mean */
  double deviation; /* of the slope, as the points scatter about the line */
};

static struct line line_through(const struct sample *s, uint32_t n,
                                double (*value)(const struct sample *s, uint32_t i)) {
  double t = 0, v = 0, tt = 0, tv = 0, vv = 0;
  for (uint32_t i = 0; i <= n; ++i) {
    t += time_at(s, i) / (n + 1);
    v += value(s, i) / (n + 1);
  }
  for (uint32_t i = 0; i <= n; ++i) {
    const double dt = time_at(s, i) - t, dv = value(s, i) - v;
    tt += dt * dt;
    tv += dt * dv;
    vv += dv * dv;
  }
  const double left = vv - tv * tv / tt;
  return (struct line){t, v, tv / tt, tt, sqrt((left > 0 ? left : 0) / (n - 1) / tt)};
}

static double asked_at(const struct sample *s, uint32_t i) {
  return s[i].asked;
}

/* Does the rate that congestion control asks for creep? A window of whole packets hides that from
 * what arrives, until it is a packet more. A line through the samples may rise by a part of their
 * mean, or by what their scatter about it explains. Who asks for much more than it gets is held
 * back by others: then it may ask for ever more, but not for less, which may come to bind. */
static int creeps(const weft_sim *sim, const struct sample *s, uint32_t n, double got) {
  const struct line line = line_through(s, n, asked_at);
  const double rise = fabs(line.slope) * time_at(s, n);
  const int binds = line.mean < BINDING * got * 8e12 * full_frame(sim);
  return (binds || line.slope < 0) && rise > line.mean * sim->accel.theta / HALVES &&
         rise > STUDENT * line.deviation * time_at(s, n);
}

/* Has what is asked for gone one way only? */
static int is_one_way(const struct sample *s, uint32_t n) {
  int up = 0, down = 0;
  for (uint32_t i = 0; i < n; ++i) {
    up |= s[i + 1].asked > s[i].asked;
    down |= s[i + 1].asked < s[i].asked;
  }
  return up != down;
}

static double under_way_at(const struct sample *s, uint32_t i) {
  return (double)s[i].under_way;
}

/* Were marks drawn, and do they matter to the rate? Then the rates of the window are one sample of
 * many, and to go on with them for long would make of little luck much: completion times would
 * scatter by the root of span / window more than they do. Who sets theta says that this is wanted.
 * They do not matter to a flow that fills its link whatever its window is. */
static int is_left_to_chance(const weft_sim *sim, const struct sample *s, uint32_t n,
                             double uncertainty) {
  return sim->config.theta < 0 && s[n].draws != s[0].draws && uncertainty > UNMOVED;
}

/* Is the flow steady over all intervals? If so, note its rate. */
static int test_flow(const weft_sim *sim, uint32_t slot) {
  const struct sample *s = samples_of(sim, slot);
  const uint32_t n = sim->accel.steady_samples;
  const uint32_t blurred = s[0].blurred | s[n / 2].blurred | s[n].blurred;
  double least = INFINITY, most = 0;
  for (uint32_t i = 0; i < n; ++i) {
    const double rate = rate_between(s, i, i + 1);
    least = rate < least ? rate : least;
    most = rate > most ? rate : most;
  }
  const double all = packets_at(s, n), mean = rate_between(s, 0, n);
  const double apart = fabs(rate_between(s, 0, n / 2) - rate_between(s, n / 2, n)) / mean;
  const double close = sim->accel.theta / HALVES + (1 + blurred) / all;
  const double grown = fabs((double)s[n].under_way - (double)s[0].under_way) / all;
  if (most - least >= sim->accel.theta * mean || apart > close || grown > close + 1 / all) return 0;
  if (creeps(sim, s, n, mean)) return 0;
  /* Flows take turns, and which was last at the ends alone would count most. */
  const struct line line = line_through(s, n, packets_at);
  const double off = line.deviation / line.slope;
  if (is_left_to_chance(sim, s, n, off)) return 0;
  sim->accel.members.at[slot].rate = line.slope;
  sim->accel.members.at[slot].uncertainty = STUDENT * off;
  return 1;
}

static int are_flat(const weft_sim *sim, const struct partition *p) {
  FOR_MEMBERS(slot, sim, p)
  if (!test_flow(sim, slot)) return 0;
  return 1;
}

/* Are rates known well enough? Of each flow by its scatter; and of all together by what their
 * scatter has in common, as flows of a ring are all off to the same side, those of an incast not.
 * The latter is a mean of residuals, in time. */
static int are_precise(const weft_sim *sim, const struct partition *p) {
  const uint32_t n = sim->accel.steady_samples;
  double common[SAMPLES_MOST + 1] = {0}, squares = 0, sum = 0, tt = 0;
  FOR_MEMBERS(slot, sim, p) {
    const struct sample *s = samples_of(sim, slot);
    const struct line line = line_through(s, n, packets_at);
    const double off = line.deviation / line.slope;
    squares += off * off / p->flows;
    tt = line.tt;
    for (uint32_t i = 0; i <= n; ++i)
      common[i] += (packets_at(s, i) - line.mean - line.slope * (time_at(s, i) - line.time)) /
                   line.slope / p->flows;
  }
  for (uint32_t i = 0; i <= n; ++i) sum += common[i] * common[i];
  return squares <= SCATTER * SCATTER && sum / (n - 1) / tt <= PRECISION * PRECISION;
}

/* Does the window see several round trips of each flow, of which a deep queue makes long ones? In
 * less than one nothing has come of what congestion control has done. */
static int sees_rounds(const weft_sim *sim, const struct partition *p) {
  const uint32_t n = sim->accel.steady_samples;
  FOR_MEMBERS(slot, sim, p) {
    const struct sample *s = samples_of(sim, slot);
    if (packets_at(s, n) < ROUNDS * under_way_at(s, n)) return 0;
  }
  return 1;
}

/* Has what arrives followed what is asked for? A rate that creeps leaves its points scattered about
 * their line by a part of what it creeps; less, and others decide what the flow gets. */
static int follows(const weft_sim *sim, uint32_t slot, double creep) {
  const uint32_t n = sim->accel.steady_samples;
  const struct sample *s = samples_of(sim, slot);
  const struct line got = line_through(s, n, packets_at);
  return got.deviation / got.slope >= FOLLOWS * fabs(creep) * time_at(s, n);
}

/* By what part of it what a flow asks for creeps, per ps: 0 if it does not. What is asked has no
 * noise of packets, so however little that is can be told: it goes one way only, or along a line
 * that its scatter does not explain. A swing does neither. Who asks for ever more and gets no more
 * has a window that is soon a packet more, or fills a queue up to where it is marked; who asks for
 * ever less and gets no less is held back by others. */
static double creep_of(const weft_sim *sim, uint32_t slot) {
  const struct sample *s = samples_of(sim, slot);
  const uint32_t n = sim->accel.steady_samples;
  const struct line asked = line_through(s, n, asked_at);
  const double creep = asked.slope / asked.mean;
  if (!is_one_way(s, n) && fabs(asked.slope) <= SURELY * asked.deviation) return 0;
  return creep > 0 || follows(sim, slot, creep) ? creep : 0;
}

/* What is left of a flow at its rate, ps. A record that ends in this state may be taken by flows
 * that have more left: they are held in it as long as any. */
static double time_to_hold(const weft_sim *sim, const struct partition *p, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const double left = (double)(tx->total - tx->next) / sim->accel.members.at[slot].rate;
  const double most = SKIP_MOST * time_at(samples_of(sim, slot), sim->accel.steady_samples);
  return p->record != 0 && left < most ? most : left;
}

/* Has a flow just been cut, to less than it gets? What arrives does not show it yet. */
static int is_cut(const weft_sim *sim, uint32_t slot) {
  const double got = sim->accel.members.at[slot].rate * 8e12 * full_frame(sim);
  const struct sample *last = &samples_of(sim, slot)[sim->accel.steady_samples];
  return last->asked < (1 - sim->accel.theta) * got;
}

/* Would a flow be off by too much if what is asked stood still for the rest of it? A span that goes
 * by the rate of its begin is off by half of what the rate would have crept in it; and as the creep
 * rests meanwhile, short spans are off by as much together as one, and a flow that goes on when
 * others are over by as much again. */
static int is_drifting(const weft_sim *sim, const struct partition *p) {
  FOR_MEMBERS(slot, sim, p) {
    if (is_cut(sim, slot)) return 1;
    if (fabs(creep_of(sim, slot)) / 2 * time_to_hold(sim, p, slot) > DRIFT) return 1;
  }
  return 0;
}

int weft__steady_test(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const int by_user = sim->config.theta >= 0;
  const int flat = are_flat(sim, p) && (by_user || !is_drifting(sim, p));
  const struct sample *s = samples_of(sim, p->first);
  const weft_time window = s[sim->accel.steady_samples].time - s[0].time;
  const int is_known = by_user || (are_precise(sim, p) && sees_rounds(sim, p));
  const int is_long =
      p->doublings == DOUBLINGS_MOST ||
      (is_known && window >= (weft__park_end(sim, partition) - sim->now) / SKIP_MOST);
  if (flat && is_long) return 1;
  thin_out(sim, partition, flat);
  return 0;
}
