/* Features: what a model is told of a flow and of the links of its way, as the last of the flow
 * comes to the last link. All are without units, so that what is learned at one rate may hold at
 * another: times in round trips, bytes in what a link carries in one, rates in the link's. */
#include <string.h>

#include "base/frame_i.h"
#include "learned/learned_i.h"

/* What features of a flow are worked out from. */
struct of_flow {
  const weft_config *config;
  const struct fcc_flow *fluid;
  double bytes, rtt, bdp; /* payload; ps; bytes that its NIC sends in a round trip */
  double fct, ideal, to_come; /* ps: as the fluid has it; alone; from now on */
  double hops, wait, mean_wait, paused; /* sums over ports: round trips, round trips, of its life */
};

struct of_link {
  const struct learned_hop *then, *now;
  const struct fcc_port *port, *back;
  double bdp, life, nic; /* bytes; ps; bytes per ps */
  double frame; /* bytes */
  int is_first, is_last;
};

/* The logarithm to base 2, to 1e-7: by the series of artanh, and so the same on every machine. */
static double lg(double x) {
  if (!(x > 1e-30)) x = 1e-30;
  uint64_t bits;
  memcpy(&bits, &x, sizeof bits);
  const double exponent = (double)(int)(bits >> 52) - 1023;
  bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
  double m;
  memcpy(&m, &bits, sizeof m);
  const double s = (m - 1) / (m + 1), q = s * s;
  const double sum = 1 + q * (1. / 3 + q * (1. / 5 + q * (1. / 7 + q * (1. / 9 + q / 11))));
  return exponent + 2.8853900817779268 * s * sum; /* 2 / ln 2 */
}

static double lg1(double x) {
  return lg(1 + (x > 0 ? x : 0));
}

static double at_most(double x, double bound) {
  return x < bound ? x : bound;
}

#define CC(kind, value) (f->config->cc == WEFT_CC_##kind ? (value) : 0)
#define RATE(member) ((double)f->config->member / f->fluid->line_bps)
#define TIME(member) ((double)f->config->member / f->rtt)

#define FLOW_FEATURES(X)                                       \
  X(size, lg1(f->bytes / 1000))                                \
  X(packets, lg1(f->fluid->total))                             \
  X(few_packets, at_most(f->fluid->total, 30) / 30)            \
  X(hops, f->hops)                                             \
  X(round_trips, lg(f->bytes / f->bdp))                        \
  X(window, lg(f->fluid->base_window / f->bdp))                \
  X(windows, lg(f->bytes / f->fluid->base_window))             \
  X(slowdown, lg(f->fct / f->ideal))                           \
  X(ideal, lg(f->ideal / f->rtt))                              \
  X(time, lg(f->fct / f->rtt))                                 \
  X(to_come, at_most(f->to_come / f->rtt, 20))                 \
  X(part_to_come, f->to_come / f->fct)                         \
  X(own_rtt, (double)f->fluid->empty_rtt / f->rtt)             \
  X(rate, f->fluid->rate_bps / f->fluid->line_bps)             \
  X(window_now, lg1(f->fluid->window))                         \
  X(marks, lg1(f->fluid->marks))                               \
  X(marked, f->fluid->marks / f->fluid->total)                 \
  X(alpha, f->fluid->law.alpha)                                \
  X(waited, at_most(f->wait, 50))                              \
  X(mean_wait, at_most(f->mean_wait, 50))                      \
  X(paused, f->paused)                                         \
  X(cc_window, CC(WINDOW, 1))                                  \
  X(cc_dctcp, CC(DCTCP, 1))                                    \
  X(cc_hpcc, CC(HPCC, 1))                                      \
  X(cc_dcqcn, CC(DCQCN, 1))                                    \
  X(cc_timely, CC(TIMELY, 1))                                  \
  X(cc_swift, CC(SWIFT, 1))                                    \
  X(window_fixed, f->config->window_mode == WEFT_WINDOW_FIXED) \
  X(window_none, f->config->window_mode == WEFT_WINDOW_NONE)   \
  X(min_rate, RATE(min_rate_bps))                              \
  X(buffer, lg((double)f->config->buffer_bytes / f->bdp))      \
  X(pfc, f->config->pfc)                                       \
  X(dctcp_ai, CC(DCTCP, RATE(dctcp_ai_bps)))                   \
  X(hpcc_eta, CC(HPCC, f->config->hpcc_eta))                   \
  X(hpcc_ai, CC(HPCC, RATE(hpcc_ai_bps)))                      \
  X(dcqcn_ai, CC(DCQCN, RATE(dcqcn_ai_bps)))                   \
  X(dcqcn_increase, CC(DCQCN, lg1(TIME(dcqcn_increase_ps))))   \
  X(timely_low, CC(TIMELY, TIME(timely_low_ps)))               \
  X(timely_high, CC(TIMELY, TIME(timely_high_ps)))             \
  X(timely_ai, CC(TIMELY, RATE(timely_ai_bps)))

#define GREW(member) (l->now->member - l->then->member)

#define LINK_FEATURES(X)                                               \
  X(is_first, l->is_first)                                             \
  X(is_last, l->is_last)                                               \
  X(speed, lg(l->port->rate / l->nic))                                 \
  X(kmin, lg1(l->port->kmin / l->bdp))                                 \
  X(kmax, lg1(l->port->kmax / l->bdp))                                 \
  X(queue_then, lg1(l->then->queue / l->bdp))                          \
  X(queue_then_linear, at_most(l->then->queue / l->bdp, 10))           \
  X(packets_then, lg1(l->then->queue / l->frame))                      \
  X(users_then, lg1(l->then->users))                                   \
  X(queue_now, lg1(l->now->queue / l->bdp))                            \
  X(queue_now_linear, at_most(l->now->queue / l->bdp, 10))             \
  X(users_now, lg1(l->now->users))                                     \
  X(used, GREW(served) / l->life / l->port->rate)                      \
  X(queue_mean, lg1(GREW(queue_ps) / l->life / l->bdp))                \
  X(queue_mean_linear, at_most(GREW(queue_ps) / l->life / l->bdp, 10)) \
  X(users_mean, lg1(GREW(users_ps) / l->life))                         \
  X(marks, lg1(GREW(marks)))                                           \
  X(marked, GREW(marks) / (l->life * l->port->rate / l->frame + 1))    \
  X(paused, GREW(paused_ps) / l->life)                                 \
  X(came, lg1(GREW(came) - 1))                                         \
  X(came_bytes, lg1(GREW(came_bytes) / l->bdp))                        \
  X(back_users, lg1(l->back->users))                                   \
  X(back_queue, lg1(l->back->queue / l->bdp))

#define ONE(name, value) +1
enum { FLOW_COUNT = 0 FLOW_FEATURES(ONE), LINK_COUNT = 0 LINK_FEATURES(ONE) };
_Static_assert((int)FLOW_COUNT <= (int)LEARNED_FEATURES_MOST, "features of a flow have room");
_Static_assert((int)LINK_COUNT <= (int)LEARNED_FEATURES_MOST, "features of a link have room");

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

#define PUT(name, value) *out++ = (float)(value);

static void put_flow(const struct of_flow *f, float *out) {
  FLOW_FEATURES(PUT)
}

static void put_link(const struct of_link *l, float *out) {
  LINK_FEATURES(PUT)
}

struct learned_hop weft__learned_look(weft_sim *sim, uint32_t index) {
  const struct fcc_port *port = &sim->fluid_cc.ports.at[index];
  if (port->of_switch) weft__fcc_advance(sim, index);
  const double to_send = port->free_at > sim->now ? (double)(port->free_at - sim->now) : 0;
  const double used = (double)(sim->now - port->users_at);
  const weft_time paused = port->paused ? sim->now - port->paused_since : 0;
  return (struct learned_hop){.queue = port->of_switch ? port->queue : to_send * port->rate,
                              .users = port->users,
                              .served = port->served,
                              .queue_ps = port->queue_ps,
                              .users_ps = port->users_ps + port->users * used,
                              .marks = port->marks,
                              .paused_ps = (double)(port->paused_ps + paused),
                              .came = sim->learned.ports.at[index].came,
                              .came_bytes = sim->learned.ports.at[index].came_bytes};
}

void weft__learned_features(weft_sim *sim, uint32_t slot, weft_time at, float *flow, float *links) {
  const struct slot *its = &sim->flow.slots.at[slot];
  const struct fcc_flow *fluid = &sim->fluid_cc.flows.at[slot];
  const struct flow *row = &sim->flow.rows.at[its->row];
  const uint32_t *path = slot_path(sim, slot);
  const double nic = fluid->line_bps / 8e12, rtt = (double)fluid->base_rtt;
  const double life = sim->now > row->start_ps ? (double)(sim->now - row->start_ps) : 1;
  struct of_flow f = {.config = &sim->config,
                      .fluid = fluid,
                      .bytes = (double)row->size_bytes,
                      .rtt = rtt,
                      .bdp = nic * rtt,
                      .fct = (double)(at - row->start_ps),
                      .ideal = (double)row->ideal_ps,
                      .to_come = (double)(at - sim->now),
                      .hops = its->hops};
  for (uint32_t i = 0; i < its->hops; ++i) {
    const struct learned_hop now = weft__learned_look(sim, path[i]);
    const struct learned_hop *then = &learned_hops(sim, slot)[i];
    const struct fcc_port *port = &sim->fluid_cc.ports.at[path[i]];
    const struct of_link link = {.then = then,
                                 .now = &now,
                                 .port = port,
                                 .back = &sim->fluid_cc.ports.at[path[i] ^ 1u],
                                 .bdp = port->rate * rtt,
                                 .life = life,
                                 .nic = nic,
                                 .frame = sim->config.mtu_bytes + fluid->headers,
                                 .is_first = i == 0,
                                 .is_last = i + 1u == its->hops};
    f.wait += then->queue / port->rate / rtt;
    f.mean_wait += (now.queue_ps - then->queue_ps) / life / port->rate / rtt;
    f.paused += (now.paused_ps - then->paused_ps) / life;
    put_link(&link, links + (uint64_t)i * LINK_COUNT);
  }
  put_flow(&f, flow);
}
