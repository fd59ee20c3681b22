/* The laws of the congestion controls, on the ACK of a parcel: those of packet/cc, whose files name
 * the papers and the deviations, with sums over the packets of a parcel in place of steps. */
#include <math.h>

#include "fluid_cc/fluid_cc.h"

enum { HAI_STAGE = 5 };
enum { ALPHA = 0, DECREASE = 1, INCREASE = 2 };
#define STEP_LINE_BPS 1e11 /* for which TIMELY's default steps are made */

/* (1 - part)^n, by squaring: the same wherever it is worked out. */
static double kept(double part, uint32_t n) {
  double result = 1;
  for (double factor = 1 - part; n > 0; n /= 2, factor *= factor)
    if (n % 2) result *= factor;
  return result;
}

/* Packets that its window lets a flow have out. */
static uint32_t window_of(const weft_sim *sim, const struct fcc_flow *flow) {
  if (sim->config.window_mode == WEFT_WINDOW_NONE) return UINT32_MAX;
  double bytes = flow->base_window;
  if (sim->config.window_mode == WEFT_WINDOW_RATE) bytes *= flow->rate_bps / flow->line_bps;
  const double mtu = sim->config.mtu_bytes;
  const double packets = bytes / mtu;
  const uint32_t whole = packets < 1e9 ? (uint32_t)packets : 1000000000;
  return whole + (packets > whole || whole == 0); /* a packet may go while fewer bytes are out */
}

static void set_rate(const weft_sim *sim, struct fcc_flow *flow, double rate) {
  const double least = (double)sim->config.min_rate_bps;
  if (rate < least) rate = least;
  flow->rate_bps = rate < flow->line_bps ? rate : flow->line_bps;
  flow->window = window_of(sim, flow);
}

/* ---- defaults that grow with the round trip, and with the NIC: packet/cc/cc.c ---- */

static int has_default_times(const weft_config *config) {
  const weft_config def = weft_config_default();
  return config->timely_low_ps == def.timely_low_ps &&
         config->timely_high_ps == def.timely_high_ps &&
         config->timely_min_rtt_ps == def.timely_min_rtt_ps &&
         config->dcqcn_alpha_ps == def.dcqcn_alpha_ps &&
         config->dcqcn_decrease_ps == def.dcqcn_decrease_ps &&
         config->dcqcn_increase_ps == def.dcqcn_increase_ps;
}

static weft_time stretched(const weft_sim *sim, const struct fcc_flow *flow, weft_time time,
                           weft_time reference) {
  if (flow->base_rtt <= reference || weft__fcc_fixed_times(&sim->config) ||
      !has_default_times(&sim->config))
    return time;
  return fcc_time((double)time * (double)flow->base_rtt / (double)reference);
}

static double step_of(const weft_sim *sim, const struct fcc_flow *flow, uint64_t step_bps) {
  const weft_config def = weft_config_default(), *config = &sim->config;
  if (flow->line_bps <= STEP_LINE_BPS || weft__fcc_fixed_times(config) ||
      config->timely_ai_bps != def.timely_ai_bps || config->timely_hai_bps != def.timely_hai_bps)
    return (double)step_bps;
  return (double)step_bps * flow->line_bps / STEP_LINE_BPS;
}

/* ---- DCTCP ---- */

static int window_has_ended(const weft_sim *sim, struct fcc_flow *flow) {
  struct fcc_law *law = &flow->law;
  if (flow->una <= law->window_end) return 0;
  if (!law->begun) {
    law->begun = 1;
    law->sent = flow->next + 1;
  } else {
    double fraction = law->marked / law->sent;
    if (fraction > 1) fraction = 1;
    law->alpha = (1 - sim->config.dctcp_g) * law->alpha + sim->config.dctcp_g * fraction;
    law->sent = flow->next - flow->una + 1;
    law->marked = 0;
  }
  law->window_end = flow->next;
  return 1;
}

static void dctcp(const weft_sim *sim, struct fcc_flow *flow, const struct fcc_feedback *back) {
  struct fcc_law *law = &flow->law;
  law->marked += back->marked;
  const int ended = window_has_ended(sim, flow);
  if (law->in_recovery && flow->una > law->recovery_end) law->in_recovery = 0;
  if (back->any && !law->in_recovery) {
    set_rate(sim, flow, flow->rate_bps * (1 - law->alpha / 2));
    law->in_recovery = 1;
    law->recovery_end = flow->next;
  }
  if (!law->in_recovery && ended)
    set_rate(sim, flow, flow->rate_bps + (double)sim->config.dctcp_ai_bps);
}

/* ---- HPCC ---- */

/* The largest utilisation of a hop since the telemetry before, and over how long. */
static double measure(weft_sim *sim, uint32_t slot, uint32_t p, weft_time *over) {
  const struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t *ports = slot_path(sim, slot);
  const uint32_t hops = sim->flow.slots.at[slot].hops - 1u, stride = sim->fluid_cc.path_ports;
  const double window = flow->base_window * 8 / flow->line_bps; /* T, s */
  double worst = 0;
  *over = 0;
  for (uint32_t i = 0; i < hops; ++i) {
    const struct fcc_telemetry *now = &sim->fluid_cc.telemetry.at[(uint64_t)p * stride + i];
    struct fcc_telemetry *last = &sim->fluid_cc.last_seen.at[(uint64_t)slot * stride + i];
    const double bps = (double)sim->fabric.ports.at[ports[i + 1]].rate_bps;
    const weft_time time = now->time - last->time;
    const double queue = now->queue < last->queue ? now->queue : last->queue;
    const double sent = (now->served - last->served) * 8e12 / (double)(time > 0 ? time : 1);
    const double u = sent / bps + queue * 8 / bps / window;
    *last = *now;
    if (flow->law.has_last && time > 0 && u > worst) {
      worst = u;
      *over = time;
    }
  }
  return worst;
}

static void hpcc(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  const int renew = flow->una > law->window_end || !law->begun;
  if (!renew && !config->hpcc_fast_react) return;
  weft_time over;
  const double u = measure(sim, slot, back->parcel, &over);
  if (!law->has_last) {
    law->has_last = law->begun = 1;
    law->window_end = flow->next;
    return;
  }
  const double rtt = (double)flow->own_rtt;
  double part = (double)over / rtt / back->n; /* of the average, by each of its ACKs */
  if (part > 1) part = 1;
  const double before = kept(part, back->n);
  law->u = law->u * before + u * (1 - before);
  const double excess = law->u / config->hpcc_eta;
  const int decrease = excess >= 1 || law->stage >= config->hpcc_max_stage;
  set_rate(sim, flow,
           (decrease ? law->target / excess : law->target) + (double)config->hpcc_ai_bps);
  if (!renew) return;
  law->target = flow->rate_bps;
  law->stage = decrease ? 0 : law->stage + 1;
  law->window_end = flow->next;
}

/* ---- DCQCN ---- */

static void restart(weft_sim *sim, struct fcc_flow *flow, int timer, weft_time at,
                    weft_time after) {
  flow->law.due[timer] = at + stretched(sim, flow, after, sim->config.dcqcn_decrease_ps);
}

static void update_alpha(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  law->alpha *= 1 - sim->config.dcqcn_g;
  if (law->marked > 0) law->alpha += sim->config.dcqcn_g;
  law->marked = 0;
  restart(sim, flow, ALPHA, at, sim->config.dcqcn_alpha_ps);
}

static void decrease(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  restart(sim, flow, DECREASE, at, sim->config.dcqcn_decrease_ps);
  if (!law->to_decrease) return;
  if (sim->config.dcqcn_clamp || law->stage != 0) law->target = flow->rate_bps;
  set_rate(sim, flow, flow->rate_bps * (1 - law->alpha / 2));
  law->stage = 0;
  law->to_decrease = 0;
  restart(sim, flow, INCREASE, at, sim->config.dcqcn_increase_ps);
}

static void increase(weft_sim *sim, struct fcc_flow *flow, weft_time at) {
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  restart(sim, flow, INCREASE, at, config->dcqcn_increase_ps);
  if (law->stage >= config->dcqcn_recovery_steps) {
    law->target += (double)(law->stage == config->dcqcn_recovery_steps ? config->dcqcn_ai_bps
                                                                       : config->dcqcn_hai_bps);
    if (law->target > flow->line_bps) law->target = flow->line_bps;
  }
  set_rate(sim, flow, (flow->rate_bps + law->target) / 2);
  ++law->stage;
}

void weft__fcc_law_catch_up(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  if (sim->config.cc != WEFT_CC_DCQCN || !law->begun) return;
  for (;;) {
    int timer = ALPHA;
    for (int i = DECREASE; i <= INCREASE; ++i)
      if (law->due[i] >= 0 && law->due[i] < law->due[timer]) timer = i;
    const weft_time at = law->due[timer];
    if (at > sim->now) return;
    if (timer == ALPHA)
      update_alpha(sim, flow, at);
    else if (timer == DECREASE)
      decrease(sim, flow, at);
    else
      increase(sim, flow, at);
  }
}

static void dcqcn(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  struct fcc_law *law = &flow->law;
  weft__fcc_law_catch_up(sim, slot);
  if (!back->any) return;
  law->marked = 1;
  law->to_decrease = 1;
  if (law->begun) return;
  law->begun = 1;
  law->alpha = 1;
  law->marked = 0;
  restart(sim, flow, ALPHA, sim->now, sim->config.dcqcn_alpha_ps);
  restart(sim, flow, DECREASE, sim->now, sim->config.dcqcn_decrease_ps + 1000);
  law->target = flow->rate_bps;
}

/* ---- TIMELY ---- */

static void timely_update(const weft_sim *sim, struct fcc_flow *flow, weft_time rtt) {
  struct fcc_law *law = &flow->law;
  const weft_config *config = &sim->config;
  const weft_time reference = config->timely_min_rtt_ps;
  const weft_time low = stretched(sim, flow, config->timely_low_ps, reference);
  const weft_time high = stretched(sim, flow, config->timely_high_ps, reference);
  law->u =
      (1 - config->timely_alpha) * law->u + config->timely_alpha * (double)(rtt - law->last_rtt);
  const double gradient = law->u / (double)stretched(sim, flow, reference, reference);
  if (rtt < low || (rtt <= high && gradient <= 0)) {
    const uint64_t step = law->stage < HAI_STAGE ? config->timely_ai_bps : config->timely_hai_bps;
    set_rate(sim, flow, flow->rate_bps + step_of(sim, flow, step));
    ++law->stage;
    return;
  }
  double factor = 1 - config->timely_beta * gradient;
  if (rtt > high) factor = 1 - config->timely_beta * (1 - (double)high / (double)rtt);
  set_rate(sim, flow, factor > 0 ? flow->rate_bps * factor : 0);
  law->stage = 0;
}

static void timely(const weft_sim *sim, struct fcc_flow *flow, const struct fcc_feedback *back) {
  struct fcc_law *law = &flow->law;
  if (flow->una <= law->window_end) return;
  if (law->begun) timely_update(sim, flow, back->rtt);
  if (flow->next <= law->window_end) return;
  law->begun = 1;
  law->window_end = flow->next;
  law->last_rtt = back->rtt;
}

/* ---- Swift ---- */

static double cwnd_of(const weft_sim *sim, const struct fcc_flow *flow, double rate_bps) {
  return rate_bps * (double)flow->own_rtt * 1e-12 / (8.0 * sim->config.mtu_bytes);
}

static double swift_target(const weft_config *config, const struct fcc_flow *flow, uint32_t hops) {
  const weft_time base =
      config->swift_base_target_ps != 0 ? config->swift_base_target_ps : flow->empty_rtt;
  const double range = (double)config->swift_fs_range_ps;
  const double end = 1 / sqrt(config->swift_fs_max_cwnd);
  const double a = range / (1 / sqrt(config->swift_fs_min_cwnd) - end);
  double scaling = a / sqrt(flow->law.target) - a * end;
  if (scaling > range) scaling = range;
  return (double)(base + hops * config->swift_hop_ps) + (scaling > 0 ? scaling : 0);
}

static double swift_react(const weft_sim *sim, struct fcc_flow *flow, uint32_t hops,
                          const struct fcc_feedback *back) {
  const weft_config *config = &sim->config;
  struct fcc_law *law = &flow->law;
  const double cwnd = law->target, target = swift_target(config, flow, hops);
  const double delay = (double)back->rtt;
  if (delay < target) return cwnd + config->swift_ai * back->n / (cwnd >= 1 ? cwnd : 1);
  if (sim->now - law->last_decrease < back->rtt) return cwnd;
  law->last_decrease = sim->now;
  const double factor = 1 - config->swift_beta * (delay - target) / delay;
  const double least = 1 - config->swift_max_mdf;
  return (factor > least ? factor : least) * cwnd;
}

static void swift(const weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t hops = sim->flow.slots.at[slot].hops - 1u;
  double least = cwnd_of(sim, flow, (double)sim->config.min_rate_bps);
  if (least < sim->config.swift_min_cwnd) least = sim->config.swift_min_cwnd;
  const double most = cwnd_of(sim, flow, flow->line_bps);
  double cwnd = swift_react(sim, flow, hops, back);
  if (cwnd < least) cwnd = least;
  if (cwnd > most) cwnd = most;
  flow->law.target = cwnd;
  set_rate(sim, flow, flow->line_bps * (cwnd / most));
}

/* ---- all ---- */

void weft__fcc_law_start(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  flow->law = (struct fcc_law){.alpha = 1, .target = flow->line_bps, .due = {-1, -1, -1}};
  flow->law.last_decrease = sim->now;
  if (sim->config.cc == WEFT_CC_HPCC) flow->law.u = 1;
  if (sim->config.cc == WEFT_CC_SWIFT) flow->law.target = cwnd_of(sim, flow, flow->line_bps);
  set_rate(sim, flow, flow->line_bps);
}

void weft__fcc_law_feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  switch (sim->config.cc) {
    case WEFT_CC_DCTCP:
      dctcp(sim, flow, back);
      break;
    case WEFT_CC_HPCC:
      hpcc(sim, slot, back);
      break;
    case WEFT_CC_DCQCN:
      dcqcn(sim, slot, back);
      break;
    case WEFT_CC_TIMELY:
      timely(sim, flow, back);
      break;
    case WEFT_CC_SWIFT:
      swift(sim, slot, back);
      break;
    default: /* a fixed window does not react */
      break;
  }
}
