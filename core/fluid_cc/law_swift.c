/* Swift, ACK by ACK in packet/cc/swift.c: the growth by the ACKs of a parcel in one step. */
#include <math.h>

#include "fluid_cc/law.h"

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

static void feed(weft_sim *sim, uint32_t slot, const struct fcc_feedback *back) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  const uint32_t hops = sim->flow.slots.at[slot].hops - 1u;
  double least = cwnd_of(sim, flow, (double)sim->config.min_rate_bps);
  if (least < sim->config.swift_min_cwnd) least = sim->config.swift_min_cwnd;
  const double most = cwnd_of(sim, flow, flow->line_bps);
  double cwnd = swift_react(sim, flow, hops, back);
  if (cwnd < least) cwnd = least;
  if (cwnd > most) cwnd = most;
  flow->law.target = cwnd;
  weft__fcc_set_rate(sim, flow, flow->line_bps * (cwnd / most));
}

static void start(weft_sim *sim, uint32_t slot) {
  struct fcc_flow *flow = &sim->fluid_cc.flows.at[slot];
  flow->law.target = cwnd_of(sim, flow, flow->line_bps);
}

const struct fcc_law_ops weft__fcc_swift = {.start = start, .feed = feed, .header = FCC_TIMESTAMP};
