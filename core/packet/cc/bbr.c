/* BBR, the first version (Cardwell et al., CACM 60(2), 2017; draft-cardwell-iccrg-bbr-congestion-
 * control-00, whose sections the numbers are).
 *
 * A model of the way: the bottleneck's rate is the largest delivery rate of ten round trips, the
 * way's length the shortest round trip of ten seconds. Packets are paced at a gain times the rate,
 * and what is on its way is at most a gain times their product. Startup doubles the rate per round
 * trip until three of them bring less than a quarter; drain takes out the queue that this has made;
 * then cycles of eight round trips probe with a quarter more and then a quarter less; and once in
 * ten seconds four packets alone look for the empty way.
 *
 * Deviations: pacing takes 1 % off, as Linux and the later drafts do, that a rate measured a little
 * too high leaves no queue. There is no handshake, so the first rate is made of the flow's
 * base RTT. Packets leave one by one, so there is no allowance for bursts but three packets. A flow
 * always has something to send, so no sample is bounded by the application. Rates below one packet
 * per round trip do not exist; min_rate does not apply. */
#include "base/rng_i.h"
#include "packet/cc/algorithms.h"
#include "packet/cc/tcp.h"

enum bbr_mode { BBR_STARTUP, BBR_DRAIN, BBR_PROBE_BW, BBR_PROBE_RTT };
enum { CYCLE = 8, BW_ROUNDS = 10, FULL_ROUNDS = 3, CWND_LEAST = 4, BURST = 3, BEST = 3 };

#define HIGH_GAIN 2.88539 /* 2 / ln 2: doubles per round trip whatever the ACKs do */
#define CWND_GAIN 2.0
#define MARGIN 0.99
#define FULL_GROWTH 1.25
#define RTT_WINDOW ((weft_time)10000000000000) /* 10 s */
#define PROBE_TIME ((weft_time)200000000000) /* 200 ms */

static const double cycle_gain[CYCLE] = {1.25, 0.75, 1, 1, 1, 1, 1, 1};

/* A rate, packets per second, and the round trip in which it was seen. */
struct rate {
  double value;
  uint64_t round;
};

struct bbr {
  struct rate best[BEST]; /* the largest of the last rounds, and of those after each */
  double cwnd, prior_cwnd; /* packets; before a recovery or a probe of the round trip */
  double full_rate; /* the largest so far that was a quarter above the one before */
  uint64_t round; /* round trips so far */
  uint64_t round_end; /* the ACK of a packet that left with so many delivered ends it */
  uint64_t recovery_end; /* byte */
  weft_time rtt, rtt_at; /* shortest round trip, and when it was seen */
  weft_time cycle_at; /* when the present phase of the cycle began */
  weft_time probe_end; /* of the round trip; 0: the queue is not out yet */
  uint32_t mode; /* enum bbr_mode */
  uint32_t phase; /* of the cycle */
  uint32_t full_rounds; /* without growth; FULL_ROUNDS: the pipe is full */
  uint32_t recovers, conserves; /* in fast recovery; in its first round trip */
  uint32_t probe_round; /* a round trip has passed within the probe */
};

/* ---- the model ---- */

static double rate_of(const struct bbr *bbr) {
  return bbr->best[0].value;
}

/* Packets on their way with a gain. */
static double product(const struct bbr *bbr, double gain) {
  return gain * rate_of(bbr) * (double)bbr->rtt * 1e-12;
}

/* The maximum of a window of rounds by its three best, each later than the one before (K. Nichols'
 * filter, which Linux has too). */
static void note_rate(struct bbr *bbr, double value) {
  struct rate *best = bbr->best;
  const struct rate now = {value, bbr->round};
  if (value >= best[0].value || now.round - best[2].round > BW_ROUNDS) {
    best[0] = best[1] = best[2] = now;
    return;
  }
  if (value >= best[1].value)
    best[1] = best[2] = now;
  else if (value >= best[2].value)
    best[2] = now;
  const uint64_t age = now.round - best[0].round;
  if (age > BW_ROUNDS) {
    best[0] = best[1];
    best[1] = best[2];
    best[2] = now;
  } else if (best[1].round == best[0].round && age > BW_ROUNDS / 4) {
    best[1] = best[2] = now;
  } else if (best[2].round == best[1].round && age > BW_ROUNDS / 2) {
    best[2] = now;
  }
}

static uint32_t in_flight(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct sack *sack = &sim->packet.sack.at[slot];
  return tx->next - tx->una - sack->sacked - sack->waiting;
}

/* Returns whether a round trip is over. */
static int update_rate(struct bbr *bbr, const struct sack *sack) {
  if (sack->sample_ps <= 0) return 0;
  const int is_over = sack->sample_prior >= bbr->round_end;
  if (is_over) {
    bbr->round_end = sack->delivered;
    ++bbr->round;
    bbr->conserves = 0;
  }
  const uint64_t packets = sack->delivered - sack->sample_prior;
  if (sack->sample_ps >= bbr->rtt)
    note_rate(bbr, (double)packets / ((double)sack->sample_ps * 1e-12));
  return is_over;
}

/* ---- modes ---- */

static double pacing_gain(const struct bbr *bbr) {
  static const double gains[] = {HIGH_GAIN, 1 / HIGH_GAIN, 0, 1};
  return bbr->mode == BBR_PROBE_BW ? cycle_gain[bbr->phase] : gains[bbr->mode];
}

static double cwnd_gain(const struct bbr *bbr) {
  static const double gains[] = {HIGH_GAIN, HIGH_GAIN, CWND_GAIN, 1};
  return gains[bbr->mode];
}

/* Anywhere but where the rate is lower: 4.3.4.3. */
static void enter_probe_bw(const weft_sim *sim, uint32_t slot, struct bbr *bbr) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  const uint32_t draw =
      (uint32_t)(rng_bits(sim->config.seed, RNG_CYCLE, row, bbr->round) % (CYCLE - 1));
  bbr->mode = BBR_PROBE_BW;
  bbr->phase = draw == 0 ? 0 : draw + 1;
  bbr->cycle_at = sim->now;
}

static void check_cycle(const weft_sim *sim, struct bbr *bbr, const struct sack *sack) {
  if (bbr->mode != BBR_PROBE_BW) return;
  const double gain = pacing_gain(bbr);
  int is_over = sim->now - bbr->cycle_at > bbr->rtt;
  if (gain > 1) is_over = is_over && (sack->found > 0 || sack->flight >= product(bbr, gain));
  if (gain < 1) is_over = is_over || sack->flight <= product(bbr, 1);
  if (!is_over) return;
  bbr->phase = (bbr->phase + 1) % CYCLE;
  bbr->cycle_at = sim->now;
}

static void check_full(struct bbr *bbr, int round_over) {
  if (bbr->full_rounds >= FULL_ROUNDS || !round_over) return;
  if (rate_of(bbr) >= bbr->full_rate * FULL_GROWTH) {
    bbr->full_rate = rate_of(bbr);
    bbr->full_rounds = 0;
  } else {
    ++bbr->full_rounds;
  }
}

static void check_drain(const weft_sim *sim, uint32_t slot, struct bbr *bbr) {
  if (bbr->mode == BBR_STARTUP && bbr->full_rounds >= FULL_ROUNDS) bbr->mode = BBR_DRAIN;
  if (bbr->mode == BBR_DRAIN && in_flight(sim, slot) <= product(bbr, 1))
    enter_probe_bw(sim, slot, bbr);
}

static void save_cwnd(struct bbr *bbr) {
  const int is_small = bbr->recovers || bbr->mode == BBR_PROBE_RTT;
  if (!is_small || bbr->cwnd > bbr->prior_cwnd) bbr->prior_cwnd = bbr->cwnd;
}

static void restore_cwnd(struct bbr *bbr) {
  if (bbr->prior_cwnd > bbr->cwnd) bbr->cwnd = bbr->prior_cwnd;
}

static void probe_rtt(const weft_sim *sim, uint32_t slot, struct bbr *bbr, int round_over) {
  if (bbr->probe_end == 0) {
    if (in_flight(sim, slot) > CWND_LEAST) return;
    bbr->probe_end = sim->now + PROBE_TIME;
    bbr->probe_round = 0;
    bbr->round_end = sim->packet.sack.at[slot].delivered;
    return;
  }
  if (round_over) bbr->probe_round = 1;
  if (!bbr->probe_round || sim->now < bbr->probe_end) return;
  bbr->rtt_at = sim->now;
  restore_cwnd(bbr);
  if (bbr->full_rounds >= FULL_ROUNDS)
    enter_probe_bw(sim, slot, bbr);
  else
    bbr->mode = BBR_STARTUP;
}

static void update_rtt(const weft_sim *sim, uint32_t slot, struct bbr *bbr, weft_time rtt,
                       int round_over) {
  const int is_old = sim->now > bbr->rtt_at + RTT_WINDOW;
  if (rtt > 0 && (rtt <= bbr->rtt || is_old)) {
    bbr->rtt = rtt;
    bbr->rtt_at = sim->now;
  }
  if (is_old && bbr->mode != BBR_PROBE_RTT) {
    save_cwnd(bbr);
    bbr->mode = BBR_PROBE_RTT;
    bbr->probe_end = 0;
  }
  if (bbr->mode == BBR_PROBE_RTT) probe_rtt(sim, slot, bbr, round_over);
}

/* ---- what follows from it ---- */

static void pace(weft_sim *sim, uint32_t slot, const struct bbr *bbr) {
  const double bits = 8.0 * full_frame(sim);
  const uint64_t line = sim->packet.tx_warm.at[slot].line_bps;
  const uint64_t rate = cc_whole(pacing_gain(bbr) * MARGIN * rate_of(bbr) * bits);
  const int may_sink = bbr->full_rounds >= FULL_ROUNDS; /* before, a low sample says little */
  if (rate > 0 && (may_sink || rate > sim->packet.tx.at[slot].rate_bps))
    weft__cc_pace(sim, slot, cc_at_most(rate, line));
}

/* 4.2.3.4: in the first round trip of a recovery a packet for each that has arrived. */
static void recover(const weft_sim *sim, uint32_t slot, struct bbr *bbr, const struct cc_ack *ack) {
  const struct sack *sack = &sim->packet.sack.at[slot];
  if (bbr->recovers && ack->acked >= bbr->recovery_end) {
    bbr->recovers = bbr->conserves = 0;
    restore_cwnd(bbr);
  }
  if (sack->found > 0 && !bbr->recovers && ack->acked >= bbr->recovery_end) {
    save_cwnd(bbr);
    bbr->recovers = bbr->conserves = 1;
    bbr->recovery_end = ack->sent;
    bbr->round_end = sack->delivered; /* its first round trip begins now */
    bbr->cwnd = in_flight(sim, slot) + (sack->fresh > 0 ? sack->fresh : 1);
  } else if (bbr->recovers && sack->found > 0) {
    bbr->cwnd = bbr->cwnd > sack->found + 1 ? bbr->cwnd - sack->found : 1;
  }
  const double least = (double)in_flight(sim, slot) + sack->fresh;
  if (bbr->conserves && bbr->cwnd < least) bbr->cwnd = least;
}

static void set_cwnd(weft_sim *sim, uint32_t slot, struct bbr *bbr, const struct cc_ack *ack) {
  const struct sack *sack = &sim->packet.sack.at[slot];
  recover(sim, slot, bbr, ack);
  const double target = product(bbr, cwnd_gain(bbr)) + BURST;
  if (!bbr->conserves && sack->fresh > 0) {
    const int is_full = bbr->full_rounds >= FULL_ROUNDS;
    if (is_full || bbr->cwnd < target || sack->delivered < sim->config.initial_window)
      bbr->cwnd += sack->fresh;
    if (is_full && bbr->cwnd > target) bbr->cwnd = target;
    if (bbr->cwnd < CWND_LEAST) bbr->cwnd = CWND_LEAST;
  }
  if (bbr->mode == BBR_PROBE_RTT && bbr->cwnd > CWND_LEAST) bbr->cwnd = CWND_LEAST;
  weft__cc_set_cwnd(sim, slot, (uint64_t)bbr->cwnd * sim->config.mtu_bytes);
}

/* ---- events ---- */

static int ready(weft_sim *sim) {
  if (sim->packet.recovery == WEFT_RECOVERY_SACK || sim->packet.model->asked_order)
    return weft__tcp_ready(sim);
  return weft__fail(sim, WEFT_EINVAL,
                    "option recovery: cc bbr counts what selective acknowledgements tell of; "
                    "expected sack or auto");
}

static void start(weft_sim *sim, uint32_t slot) {
  struct bbr *bbr = cc_state(sim, slot);
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const double bits = 8.0 * full_frame(sim) * sim->config.initial_window;
  bbr->rtt = INT64_MAX;
  bbr->rtt_at = sim->now;
  bbr->cwnd = sim->config.initial_window;
  const uint64_t rate = cc_whole(HIGH_GAIN * bits / ((double)warm->base_rtt_ps * 1e-12));
  weft__cc_pace(sim, slot, cc_at_most(cc_at_least(rate, 1), warm->line_bps));
  weft__cc_set_cwnd(sim, slot, (uint64_t)bbr->cwnd * sim->config.mtu_bytes);
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct bbr *bbr = cc_state(sim, slot);
  const struct sack *sack = &sim->packet.sack.at[slot];
  const weft_time rtt = ack->sent_at > 0 && sack->fresh > 0 ? sim->now - ack->sent_at : 0;
  if (bbr->rtt == INT64_MAX && rtt > 0) bbr->rtt = rtt;
  const int round_over = update_rate(bbr, sack);
  check_cycle(sim, bbr, sack);
  check_full(bbr, round_over);
  check_drain(sim, slot, bbr);
  update_rtt(sim, slot, bbr, rtt, round_over);
  if (rate_of(bbr) > 0) pace(sim, slot, bbr);
  set_cwnd(sim, slot, bbr, ack);
}

static void on_timeout(weft_sim *sim, uint32_t slot) {
  struct bbr *bbr = cc_state(sim, slot);
  const struct tx *tx = &sim->packet.tx.at[slot];
  save_cwnd(bbr);
  bbr->cwnd = 1;
  bbr->recovers = 1;
  bbr->conserves = 0;
  bbr->recovery_end = seq_bytes(sim, tx, tx->next);
  weft__cc_set_cwnd(sim, slot, sim->config.mtu_bytes);
}

/* Not described, so it cannot be accelerated: its rate stands still between probes, and the probes
 * are what matters. */
const struct cc_ops weft__cc_bbr[1] = {{.name = "bbr",
                                        .extra = CC_TIMESTAMP,
                                        .paced = 1,
                                        .windowed = 1,
                                        .ready = ready,
                                        .state = {.name = "bbr", .size = sizeof(struct bbr)},
                                        .start = start,
                                        .on_ack = on_ack,
                                        .on_timeout = on_timeout}};
