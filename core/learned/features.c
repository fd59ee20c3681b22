/* Features: what a model is told of a flow and of the links of its way. All are without units, so
 * that what is learned at one rate may hold at another: times in round trips, bytes in what a link
 * carries in one, rates in the link's. */
#include <string.h>

#include "base/frame_i.h"
#include "flow/flow.h"
#include "learned/learned_i.h"

/* What features are worked out from. */
struct of_flow {
  const weft_config *config;
  const struct flow *row;
  const struct learned_flow *flow;
  const struct fluid_flow *fluid;
  double nic; /* rate, bit/ps */
  double rtt; /* ps */
  double fct, ideal; /* ps */
  double hops, rate, packets, capped;
  double wait; /* of bursts, averaged over its life, all ports: ps */
  double crowd; /* the most flows on a port, averaged over its life */
};

struct of_link {
  const struct learned_hop *hop;
  const struct learned_port *port;
  double rate, bdp; /* bit/ps; bits in a round trip */
  double rtt, nic;
  double life; /* of the flow up to now, ps */
  double frame; /* bits */
  double wait;
  int is_first, is_last, is_at;
};

/* The logarithm to base 2, to 1e-4: linear between powers of 2 and a parabola between, so that it
 * is the same on every machine. */
static double lg(double x) {
  if (!(x > 1e-30)) return -100;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const double exponent = (double)(int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  memcpy(&m, &bits, sizeof m);
  const double s = (m - 1) / (m + 1), s2 = s * s;
  return exponent + 2.8853900817779268 * s * (1 + s2 * (1.0 / 3 + s2 * (1.0 / 5 + s2 * (1.0 / 7 + s2 / 9))));
}

static double lg1(double x) {
  return lg(1 + (x > 0 ? x : 0));
}

static double at_most(double x, double bound) {
  return x < bound ? x : bound;
}

#define CC(kind, value) (f->config->cc == WEFT_CC_##kind ? (value) : 0)
#define BPS(member) ((double)f->config->member / 1e12 / f->nic)
#define TIME(member) ((double)f->config->member / f->rtt)
#define BYTES(value) (8 * (double)(value) / (f->nic * f->rtt))

#define FLOW_FEATURES(X) \
  X(size, lg1((double)f->row->size_bytes / 1000)) \
  X(packets, lg1(f->packets)) \
  X(few_packets, at_most(f->packets, 30) / 30) \
  X(hops, f->hops) \
  X(bdps, lg(f->fluid->bits / (f->nic * f->rtt))) \
  X(window, lg(f->flow->window / (f->nic * f->rtt))) \
  X(windows, lg(f->fluid->bits / f->flow->window)) \
  X(base, lg(f->fct / f->ideal)) \
  X(ideal, lg(f->ideal / f->rtt)) \
  X(base_rtts, lg(f->fct / f->rtt)) \
  X(own_rtt, (double)f->flow->rtt / f->rtt) \
  X(burst, lg(f->flow->alone / f->ideal + 1)) \
  X(burst_late, lg(f->flow->alone_late / f->ideal + 1)) \
  X(queued, lg(f->flow->wait / f->ideal + 1)) \
  X(queued_late, lg(f->flow->wait_late / f->ideal + 1)) \
  X(queued_rtts, at_most(f->flow->wait / f->rtt, 20)) \
  X(mean_wait, at_most(f->wait / f->rtt, 20)) \
  X(crowd, lg1(f->crowd)) \
  X(rate, f->rate / f->nic) \
  X(capped, f->capped) \
  X(base_over_queue, lg(f->fct / (f->ideal + f->flow->wait))) \
  X(cc_window, CC(WINDOW, 1)) \
  X(cc_dctcp, CC(DCTCP, 1)) \
  X(cc_hpcc, CC(HPCC, 1)) \
  X(cc_dcqcn, CC(DCQCN, 1)) \
  X(cc_timely, CC(TIMELY, 1)) \
  X(cc_swift, CC(SWIFT, 1)) \
  X(window_fixed, f->config->window_mode == WEFT_WINDOW_FIXED) \
  X(window_none, f->config->window_mode == WEFT_WINDOW_NONE) \
  X(min_rate, BPS(min_rate_bps)) \
  X(pfc, f->config->pfc) \
  X(buffer, lg(BYTES(f->config->buffer_bytes))) \
  X(dctcp_g, CC(DCTCP, lg(f->config->dctcp_g + 1e-6))) \
  X(dctcp_ai, CC(DCTCP, BPS(dctcp_ai_bps))) \
  X(hpcc_eta, CC(HPCC, f->config->hpcc_eta)) \
  X(hpcc_ai, CC(HPCC, BPS(hpcc_ai_bps))) \
  X(hpcc_stages, CC(HPCC, f->config->hpcc_max_stage)) \
  X(hpcc_fast, CC(HPCC, f->config->hpcc_fast_react)) \
  X(dcqcn_g, CC(DCQCN, lg(f->config->dcqcn_g + 1e-6))) \
  X(dcqcn_alpha, CC(DCQCN, lg(TIME(dcqcn_alpha_ps)))) \
  X(dcqcn_decrease, CC(DCQCN, lg(TIME(dcqcn_decrease_ps)))) \
  X(dcqcn_increase, CC(DCQCN, lg(TIME(dcqcn_increase_ps)))) \
  X(dcqcn_ai, CC(DCQCN, BPS(dcqcn_ai_bps))) \
  X(dcqcn_hai, CC(DCQCN, BPS(dcqcn_hai_bps))) \
  X(timely_low, CC(TIMELY, TIME(timely_low_ps))) \
  X(timely_high, CC(TIMELY, TIME(timely_high_ps))) \
  X(timely_beta, CC(TIMELY, f->config->timely_beta)) \
  X(timely_ai, CC(TIMELY, BPS(timely_ai_bps))) \
  X(timely_hai, CC(TIMELY, BPS(timely_hai_bps))) \
  X(swift_target, CC(SWIFT, TIME(swift_base_target_ps))) \
  X(swift_ai, CC(SWIFT, f->config->swift_ai))

/* `s`: sums over its life. */
#define LINK_FEATURES(X) \
  X(is_first, l->is_first) \
  X(is_last, l->is_last) \
  X(is_bound, l->is_at) \
  X(speed, lg(l->rate / l->nic)) \
  X(kmin, lg1(8 * l->port->kmin / l->bdp)) \
  X(kmax, lg1(8 * l->port->kmax / l->bdp)) \
  X(pmax, l->port->pmax) \
  X(flows_then, lg1(l->hop->flows)) \
  X(used_then, l->hop->used / l->rate) \
  X(bound_then, lg1(l->hop->bound)) \
  X(windows_then, lg1(l->hop->windows / l->bdp)) \
  X(recent_then, lg1(l->hop->recent[0] / l->bdp)) \
  X(recent_long_then, lg1(l->hop->recent[1] / l->bdp)) \
  X(wait, lg1(l->hop->wait / l->rtt)) \
  X(wait_linear, at_most(l->hop->wait / l->rtt, 10)) \
  X(wait_late, lg1(l->hop->wait_late / l->rtt)) \
  X(wait_packets, lg1(l->hop->wait * l->rate / l->frame)) \
  X(flows_now, lg1(l->port->flows)) \
  X(used_now, l->port->rates / l->rate) \
  X(windows_now, lg1(l->port->windows / l->bdp)) \
  X(wait_now, lg1(l->wait / l->rtt)) \
  X(flows_mean, lg1(s->flows / l->life)) \
  X(used_mean, s->used / l->life / l->rate) \
  X(bound_mean, lg1(s->bound / l->life)) \
  X(wait_mean, lg1(s->wait / l->life / l->rtt)) \
  X(arrivals, lg1(s->arrivals)) \
  X(arrived, lg1(s->bits / l->bdp)) \
  X(arrived_rate, lg1(s->bits / l->life / l->rate))

#define COUNT(name, value) +1
enum { FLOW_COUNT = 0 FLOW_FEATURES(COUNT), LINK_COUNT = 0 LINK_FEATURES(COUNT) };

#define NAME(name, value) #name,
static const char *const flow_names[] = {FLOW_FEATURES(NAME)};
static const char *const link_names[] = {LINK_FEATURES(NAME)};

uint32_t weft__learned_flow_features(void) {
  return FLOW_COUNT;
}

uint32_t weft__learned_link_features(void) {
  return LINK_COUNT;
}

const char *weft__learned_flow_feature(uint32_t i) {
  return flow_names[i];
}

const char *weft__learned_link_feature(uint32_t i) {
  return link_names[i];
}

static struct learned_sums less(const struct learned_sums *a, const struct learned_sums *b) {
  return (struct learned_sums){.flows = a->flows - b->flows,
                               .used = a->used - b->used,
                               .bound = a->bound - b->bound,
                               .wait = a->wait - b->wait,
                               .arrivals = a->arrivals - b->arrivals,
                               .bits = a->bits - b->bits};
}

#define PUT(name, value) *out++ = (float)(value);

static void put_flow(const struct of_flow *f, float *out) {
  FLOW_FEATURES(PUT)
}

static void put_link(const struct of_link *l, const struct learned_sums *s, float *out) {
  LINK_FEATURES(PUT)
}

void weft__learned_features(weft_sim *sim, uint32_t slot, double done, float *flow, float *links) {
  const struct slot *its = &sim->flow.slots.at[slot];
  const struct learned_flow *of = &sim->learned.flows.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  const struct learned_class *class = &sim->learned.classes.at[sim->fluid.flows.at[slot].class];
  const struct flow *row = &sim->flow.rows.at[its->row];
  const double nic = sim->fluid.ports.at[path[0]].rate;
  double life = (double)(sim->now - row->start_ps);
  if (life < 1) life = 1;
  struct of_flow f = {.config = &sim->config,
                      .row = row,
                      .flow = of,
                      .fluid = &sim->fluid.flows.at[slot],
                      .nic = nic,
                      .rtt = (double)sim->learned.rtt,
                      .fct = done - (double)row->start_ps,
                      .ideal = (double)row->ideal_ps,
                      .hops = its->hops,
                      .rate = class->rate,
                      .packets = (double)((row->size_bytes + sim->config.mtu_bytes - 1) /
                                          sim->config.mtu_bytes),
                      .capped = class->at == FLUID_AT_CAP};
  for (uint32_t i = 0; i < its->hops; ++i) {
    const struct learned_port *port = weft__learned_port(sim, path[i]);
    const struct learned_hop *hop = &learned_hops(sim, slot)[i];
    const double rate = sim->fluid.ports.at[path[i]].rate;
    struct learned_sums sums = less(&port->sums, &hop->sums);
    sums.arrivals -= 1;
    sums.bits -= of->burst;
    const struct of_link l = {.hop = hop,
                              .port = port,
                              .rate = rate,
                              .bdp = rate * f.rtt,
                              .rtt = f.rtt,
                              .nic = nic,
                              .life = life,
                              .frame = 8.0 * frame_full(&sim->config, 0),
                              .wait = port->free_at > sim->now ? (double)(port->free_at - sim->now) : 0,
                              .is_first = i == 0,
                              .is_last = i + 1u == its->hops,
                              .is_at = class->at == path[i]};
    f.wait += sums.wait / life;
    if (sums.flows / life > f.crowd) f.crowd = sums.flows / life;
    put_link(&l, &sums, links + (uint64_t)i * LINK_COUNT);
  }
  put_flow(&f, flow);
}
