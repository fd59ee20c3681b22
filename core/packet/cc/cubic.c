/* CUBIC (RFC 9438). The numbers are those of its sections.
 *
 * After a reduction the window follows C (t - K)^3 + w_max (4.2), concave up to where the last loss
 * was and convex beyond, so that it grows by the time and not by round trips; and never below what
 * Reno would have (4.3). The window is in packets of mtu bytes. It is applied in whole packets and
 * kept in parts. Where a flow is not bounded by its window the clock t stands still (5.8).
 *
 * Deviations: the reduction is of the window, not of what is on its way (4.6 allows it where the
 * window is what bounds the flow, which is when it grows here). Spurious losses are not undone
 * (4.9). Slow start, HyStart++ (4.10) and what is shared with Reno are in tcp.c. */
#include "packet/cc/algorithms.h"
#include "packet/cc/tcp.h"

#include <math.h>

struct cubic {
  struct tcp tcp;
  double w_max; /* before the last reduction */
  double w_est; /* Reno's window */
  double k; /* s until the window is w_max again */
  double prior; /* the window before the last reduction, which w_est grows like Reno's beyond */
  weft_time epoch; /* when congestion avoidance began; -1: not yet */
  weft_time last; /* ACK */
};

/* A cube root that is the same on every machine: cbrt() is not. Newton's steps converge from any
 * start above it, and double the digits once near. */
static double cube_root(double x) {
  if (!(x > 0)) return 0;
  double root = x > 1 ? x : 1;
  for (;;) {
    const double next = (2 * root + x / (root * root)) / 3;
    if (!(next < root)) return root;
    root = next;
  }
}

static void start(weft_sim *sim, uint32_t slot) {
  struct cubic *cubic = cc_state(sim, slot);
  weft__tcp_start(sim, slot, &cubic->tcp);
  cubic->epoch = -1;
  cubic->last = sim->now;
}

/* 4.6, 4.7 */
static void reduce(const weft_config *config, struct cubic *cubic) {
  const double cwnd = cubic->tcp.cwnd, beta = config->cubic_beta;
  const int gives = config->cubic_fast_convergence && cwnd < cubic->w_max;
  cubic->w_max = gives ? cwnd * (1 + beta) / 2 : cwnd;
  cubic->prior = cwnd;
  cubic->epoch = -1;
}

/* Congestion avoidance begins: behind a reduction below w_max; behind slow start that ended by
 * itself, or a timeout, w_max is the window as it is (4.8, 4.10). */
static void begin(const weft_sim *sim, struct cubic *cubic) {
  const double cwnd = cubic->tcp.cwnd;
  cubic->epoch = cubic->last = sim->now;
  cubic->w_est = cwnd;
  if (cubic->w_max <= cwnd || cubic->prior == 0) {
    cubic->w_max = cubic->prior = cwnd;
    cubic->k = 0;
  } else {
    cubic->k = cube_root((cubic->w_max - cwnd) / sim->config.cubic_c);
  }
}

/* 4.2 */
static double window_at(const weft_config *config, const struct cubic *cubic, double t) {
  const double off = t - cubic->k;
  return config->cubic_c * off * off * off + cubic->w_max;
}

static void avoid(const weft_sim *sim, struct cubic *cubic, const struct tcp_ack *news) {
  const weft_config *config = &sim->config;
  const double beta = config->cubic_beta, cwnd = cubic->tcp.cwnd;
  if (cubic->epoch < 0) begin(sim, cubic);
  if (!news->limited) cubic->epoch += sim->now - cubic->last;
  cubic->last = sim->now;
  if (!news->limited) return;
  const double alpha = cubic->w_est >= cubic->prior ? 1 : 3 * (1 - beta) / (1 + beta);
  cubic->w_est += alpha * news->fresh / cwnd;
  const double t = (double)(sim->now - cubic->epoch) * 1e-12;
  if (config->cubic_friendly && window_at(config, cubic, t) < cubic->w_est) {
    cubic->tcp.cwnd = fmax(cwnd, cubic->w_est);
    return;
  }
  double target = window_at(config, cubic, t + (double)cubic->tcp.rtt * 1e-12);
  target = fmin(fmax(target, cwnd), 1.5 * cwnd);
  cubic->tcp.cwnd += (target - cwnd) / cwnd * news->fresh;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct cubic *cubic = cc_state(sim, slot);
  struct tcp *tcp = &cubic->tcp;
  const struct tcp_ack news = weft__tcp_read(sim, slot, tcp, ack);
  if (news.congested) {
    reduce(&sim->config, cubic);
    weft__tcp_reduce(tcp, ack, sim->config.cubic_beta);
  } else if (!weft__tcp_slow_start(sim, tcp, ack, &news) && !tcp->recovers) {
    avoid(sim, cubic, &news);
  }
  weft__tcp_apply(sim, slot, tcp);
}

static void on_timeout(weft_sim *sim, uint32_t slot) {
  struct cubic *cubic = cc_state(sim, slot);
  if (cubic->tcp.timeouts == 0) reduce(&sim->config, cubic);
  weft__tcp_timeout(sim, slot, &cubic->tcp, sim->config.cubic_beta);
  cubic->w_max = cubic->prior = 0; /* 4.8: the next avoidance begins at its own window */
  weft__tcp_apply(sim, slot, &cubic->tcp);
}

/* Not described, for the reason that reno.c gives. */
const struct cc_ops weft__cc_cubic[1] = {{.name = "cubic",
                                          .extra = CC_TIMESTAMP,
                                          .windowed = 1,
                                          .ready = weft__tcp_ready,
                                          .state = {.name = "cubic", .size = sizeof(struct cubic)},
                                          .start = start,
                                          .on_ack = on_ack,
                                          .on_timeout = on_timeout}};
