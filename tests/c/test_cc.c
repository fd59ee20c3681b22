/* The congestion controls, step by step, against sequences worked out by hand from the papers. The
 * algorithms are called as the transport calls them, with ACKs made here. Rates are whole bit/s,
 * rounded down at every step, so they are compared within EXACT. */
#include <string.h>

#include "packet/cc/cc.h"
#include "fixture.h"

#define EXACT 1e-9

enum { LINE = 100, MTU = 1000, SLOT = 0 };

/* One flow that has just begun: 100 Gbit/s, base RTT 8 us, window 100 packets of 1000 B. */
static weft_sim *one_flow(weft_config *config, uint32_t cc, uint32_t switches) {
  config->cc = cc;
  config->base_rtt_ps = 8 * US;
  config->window_bytes = 100 * MTU;
  const uint64_t line = LINE * (uint64_t)GBPS;
  weft_sim *sim = switches == 1 ? star(config, 2, line, US)
                                : dumbbell(config, 1, line, 50 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, LINE * (uint64_t)GBPS, 0);
  MUST(sim, weft_run(sim, -1, 1)); /* the event of its start */
  return sim;
}

static double rate(const weft_sim *sim) {
  return (double)sim->packet.tx.at[SLOT].rate_bps;
}

/* The estimate that the states of DCTCP and DCQCN begin with. */
static double alpha(const weft_sim *sim) {
  return *(const double *)cc_state(sim, SLOT);
}

static void give_ack(weft_sim *sim, const struct cc_ack *ack) {
  sim->packet.cc->on_ack(sim, SLOT, ack);
}

static void give_marked(weft_sim *sim, uint64_t acked, uint64_t sent, int ecn) {
  const struct cc_ack ack = {.acked = acked, .sent = sent, .ecn = ecn};
  give_ack(sim, &ack);
}

/* An ACK that arrives at a time, of a packet that was sent `rtt` before. */
static void give_delay(weft_sim *sim, weft_time at, weft_time rtt, uint64_t acked, int nack) {
  const struct cc_ack ack = {
      .acked = acked, .sent = acked + 50 * MTU, .hops = 1, .nack = nack, .sent_at = at - rtt};
  sim->now = at;
  give_ack(sim, &ack);
}

/* ---- DCTCP: g = 1/16, additive increase 615 Mbit/s ---- */

TEST(dctcp_estimates_and_cuts_as_in_its_paper) {
  weft_config config = weft_config_default();
  weft_sim *sim = one_flow(&config, WEFT_CC_DCTCP, 1);
  ENSURE_EQ(alpha(sim), 1);
  give_marked(sim, 1000, 50000, 0); /* the first window: up to byte 50000, 51 packets */
  ENSURE_EQ(rate(sim), 100e9);
  give_marked(sim, 2000, 51000, 1); /* eq. 2: 100 (1 - 1/2); no other cut up to byte 51000 */
  ENSURE_EQ(rate(sim), 50e9);
  give_marked(sim, 3000, 52000, 1);
  ENSURE_EQ(rate(sim), 50e9);
  /* The window ends with 2 of 51 marked. Eq. 1: 15/16 x 1 + 1/16 x 2/51 = 767/816 = 0.93995. Still
   * recovering, so no increase. The next one: up to byte 99000, (99 - 51) + 1 = 49 packets. */
  give_marked(sim, 51000, 99000, 0);
  ENSURE_NEAR(alpha(sim), 767.0 / 816, EXACT);
  ENSURE_EQ(rate(sim), 50e9);
  /* 50 (1 - 0.93995 / 2) = 26.501 Gbit/s */
  give_marked(sim, 52000, 100000, 1);
  ENSURE_NEAR(rate(sim), 50e9 * (1 - 767.0 / 1632), EXACT);
  /* 15/16 x 0.93995 + 1/16 x 1/49 = 0.88248; byte 100000 still belongs to the recovery. */
  give_marked(sim, 100000, 130000, 0);
  ENSURE_NEAR(alpha(sim), 15.0 / 16 * 767 / 816 + 1.0 / 16 / 49, EXACT);
  ENSURE_NEAR(rate(sim), 26.501225490e9, EXACT);
  /* A window without marks: alpha x 15/16, and the additive increase. */
  give_marked(sim, 131000, 160000, 0);
  ENSURE_NEAR(alpha(sim), 15.0 / 16 * (15.0 / 16 * 767 / 816 + 1.0 / 16 / 49), EXACT);
  ENSURE_NEAR(rate(sim), 27.116225490e9, EXACT);
  ENSURE_EQ(sim->packet.tx.at[SLOT].window, 27116); /* the window of 100 kB in proportion */
  weft_sim_destroy(sim);
}

/* ---- HPCC: eta = 0.95, maxStage = 5, additive increase 50 Mbit/s ---- */

/* ACK `acked` with what a hop says: bytes sent and queue at a time. */
static void give_int(weft_sim *sim, uint64_t acked, uint64_t sent, weft_time at, uint32_t tx,
                     uint32_t queue) {
  const struct telemetry hop = {at, tx, queue};
  const struct cc_ack ack = {.acked = acked, .sent = sent, .telemetry = &hop, .hops = 1};
  give_ack(sim, &ack);
}

TEST(hpcc_follows_its_algorithm_1) {
  weft_config config = weft_config_default();
  weft_sim *sim = one_flow(&config, WEFT_CC_HPCC, 1);
  give_int(sim, 1000, 100000, 0, 0, 0); /* nothing to compare with; the round ends at 100000 */
  ENSURE_EQ(rate(sim), 100e9);
  /* u = 50 kB / 4 us / B + min(20 kB, 0) / BT = 1; U = (4 us x 1 + 4 us x 1) / 8 us = 1; with the
   * reference 100: 100 / (1 / 0.95) + 0.05 = 95.05 */
  give_int(sim, 2000, 101000, 4 * US, 50000, 20000);
  ENSURE_NEAR(rate(sim), 95.05e9, EXACT);
  /* u = 1 + 20 kB / 100 kB = 1.2; U = (4 x 1 + 4 x 1.2) / 8 = 1.1; the reference is still 100:
   * 100 x 0.95 / 1.1 + 0.05 = 86.41 */
  give_int(sim, 3000, 102000, 8 * US, 100000, 20000);
  ENSURE_NEAR(rate(sim), 100e9 * 0.95 / 1.1 + 50e6, EXACT);
  /* The round ends. u = 110 kB / 8 us / B + 0.2 = 1.3, and as a whole T has passed, U = u.
   * 100 x 0.95 / 1.3 + 0.05 = 73.127 is the new reference. */
  give_int(sim, 101000, 200000, 16 * US, 210000, 30000);
  double reference = 100e9 * 0.95 / 1.3 + 50e6;
  ENSURE_NEAR(rate(sim), reference, EXACT);
  weft_sim_destroy(sim);
}

/* Rounds at U = 0.9 < eta: five additive steps, then a multiplicative one, then additive again. */
TEST(hpcc_probes_by_stages) {
  weft_config config = weft_config_default();
  weft_sim *sim = one_flow(&config, WEFT_CC_HPCC, 1);
  uint32_t tx = 100000;
  uint64_t acked = 101000;
  give_int(sim, 1000, 100000, 0, 0, 50000);
  /* u = 1 + 50 kB / 100 kB = 1.5 over a whole T: 100 x 0.95 / 1.5 + 0.05 = 63.383 */
  give_int(sim, acked, acked + 99000, 8 * US, tx, 50000);
  double reference = 100e9 * 0.95 / 1.5 + 50e6;
  ENSURE_NEAR(rate(sim), reference, EXACT);
  for (int round = 1; round <= 8; round++) {
    acked += 100000;
    give_int(sim, acked, acked + 99000, (8 + 8 * round) * (weft_time)US, tx += 90000, 0);
    reference = round == 6 ? reference * 0.95 / 0.9 + 50e6 : reference + 50e6;
    ENSURE_NEAR(rate(sim), reference, EXACT);
  }
  weft_sim_destroy(sim);
}

/* Two hops at 50 and 100 Gbit/s, a flow of at most 50. Over a whole T each, first
 * u = 30 kB / 8 us / 50 Gbit/s + min(10 kB, 20 kB) (50 / 50) / 100 kB = 0.6 + 0.1 at the first hop
 * and 60 kB / 8 us / 100 Gbit/s = 0.6 at the second: below eta. Then 1.0 + 0.2 and 0.6 again: the
 * larger divides the reference, which is the limit of 50. */
TEST(hpcc_takes_the_busiest_hop) {
  weft_config config = weft_config_default();
  config.max_rate_bps = 50 * (uint64_t)GBPS;
  weft_sim *sim = one_flow(&config, WEFT_CC_HPCC, 2);
  const struct telemetry hops[3][2] = {{{0, 0, 10000}, {0, 0, 0}},
                                       {{8 * US, 30000, 20000}, {8 * US, 60000, 0}},
                                       {{16 * US, 80000, 20000}, {16 * US, 120000, 0}}};
  struct cc_ack ack = {.acked = 1000, .sent = 50000, .hops = 2};
  for (int i = 0; i < 3; i++, ack.acked += 50000, ack.sent += 50000) {
    ack.telemetry = hops[i];
    give_ack(sim, &ack);
    if (i < 2) ENSURE_EQ(rate(sim), 50e9);
  }
  ENSURE_NEAR(rate(sim), 50e9 * 0.95 / 1.2 + 50e6, EXACT);
  weft_sim_destroy(sim);
}

/* Without a switch there is no telemetry, and the rate stays that of the line, as in its simulator:
 * 1,000 packets of 1000 + 48 + 42 bytes, 87,200 ps each at 100 Gbit/s, and 1 us of wire. */
TEST(hpcc_has_nothing_to_react_to_without_a_switch) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  config.completion = WEFT_AT_RECEIVER;
  weft_sim *sim = new_sim(&config, NULL);
  add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_HOST);
  add_link(sim, 0, 1, LINE * (uint64_t)GBPS, US);
  MUST(sim, weft_fabric_ready(sim));
  add_flow(sim, 0, 1, 1000000, 0);
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "fct_ps", 0), 1000 * 87200 + US);
  weft_sim_destroy(sim);
}

/* ---- DCQCN: g = 1/256; alpha every 55 us, cuts every 50 us, increases every 55 us ---- */

static double dcqcn_rate_at(weft_sim *sim, weft_time ns) {
  MUST(sim, weft_run(sim, ns * 1000, 0));
  return rate(sim);
}

/* The flow is alone, so its own ACKs are not marked; marks are given here. The timers are real. */
TEST(dcqcn_cuts_recovers_and_increases) {
  weft_config config = weft_config_default();
  weft_sim *sim = one_flow(&config, WEFT_CC_DCQCN, 1);
  const double step = 255.0 / 256;
  give_marked(sim, 0, 0, 1);
  ENSURE_EQ(dcqcn_rate_at(sim, 50000), 100e9);
  ENSURE_EQ(dcqcn_rate_at(sim, 50001), 50e9); /* eq. 1: 100 (1 - 1/2) */
  ENSURE_EQ(alpha(sim), 1);
  ENSURE_EQ(dcqcn_rate_at(sim, 105000), 50e9); /* no mark at 100.001 us: no cut */
  ENSURE_NEAR(alpha(sim), step, EXACT); /* eq. 2, at 55 us */
  ENSURE_EQ(dcqcn_rate_at(sim, 105001), 75e9); /* eq. 3: (50 + 100) / 2 */
  ENSURE_EQ(dcqcn_rate_at(sim, 160001), 87.5e9); /* (75 + 100) / 2 */
  MUST(sim, weft_run(sim, 170 * (weft_time)US, 0));
  ENSURE_NEAR(alpha(sim), step * step * step, EXACT); /* 55, 110, 165 us */
  /* A mark, which the cut at 200.001 us and the alpha of 220 us see. The target is 87.5 now. */
  give_marked(sim, 0, 0, 1);
  const double cut = 87.5e9 * (1 - step * step * step / 2);
  ENSURE_EQ(dcqcn_rate_at(sim, 200000), 87.5e9);
  ENSURE_NEAR(dcqcn_rate_at(sim, 200001), cut, EXACT);
  MUST(sim, weft_run(sim, 220 * (weft_time)US, 0));
  ENSURE_NEAR(alpha(sim), step * step * step * step + 1.0 / 256, EXACT);
  double expected = cut;
  for (int i = 0; i < 5; i++) { /* fast recovery */
    expected = (expected + 87.5e9) / 2;
    ENSURE_NEAR(dcqcn_rate_at(sim, 255001 + 55000 * i), expected, EXACT);
  }
  expected = (expected + 87.52e9) / 2; /* eq. 4: the target grows by 20 Mbit/s */
  ENSURE_NEAR(dcqcn_rate_at(sim, 530001), expected, EXACT);
  expected = (expected + 87.72e9) / 2; /* hyper: by 200 Mbit/s */
  ENSURE_NEAR(dcqcn_rate_at(sim, 585001), expected, EXACT);
  expected = (expected + 87.92e9) / 2;
  ENSURE_NEAR(dcqcn_rate_at(sim, 640001), expected, EXACT);
  weft_sim_destroy(sim);
}

/* ---- TIMELY: T_low 50 us, T_high 500 us, min RTT 20 us, beta 0.8, weight 0.875 ---- */

TEST(timely_follows_the_gradient) {
  weft_config config = weft_config_default();
  weft_sim *sim = one_flow(&config, WEFT_CC_TIMELY, 1);
  static const struct {
    int rtt_us;
    double rate_gbps;
  } steps[] = {
      {100, 100}, /* the first RTT: nothing to compare with */
      {120, 30}, /* diff 0.875 x 20 = 17.5 us, gradient 0.875: 100 (1 - 0.8 x 0.875) */
      {120, 27.375}, /* diff 0.125 x 17.5 = 2.1875 us, gradient 0.109375: x 0.9125 */
      {110, 27.475}, /* diff 0.125 x 2.1875 - 0.875 x 10 < 0: + 0.1 */
      {600, 27.475 * 13 / 15}, /* above T_high: 1 - 0.8 (1 - 500 / 600) = 13/15 */
      {40, 27.475 * 13 / 15 + 0.1}, /* below T_low: + 0.1, five times */
      {40, 27.475 * 13 / 15 + 0.2},
      {40, 27.475 * 13 / 15 + 0.3},
      {40, 27.475 * 13 / 15 + 0.4},
      {40, 27.475 * 13 / 15 + 0.5},
      {40, 27.475 * 13 / 15 + 1.0}, /* then hyper increase, + 0.5 */
      {40, 27.475 * 13 / 15 + 1.5},
  };
  uint64_t acked = MTU;
  for (int i = 0; i < (int)(sizeof steps / sizeof steps[0]); i++, acked += 51 * MTU) {
    const weft_time rtt = steps[i].rtt_us * (weft_time)US;
    give_delay(sim, sim->now + 1000 * (weft_time)US, rtt, acked, 0);
    ENSURE_NEAR(rate(sim), steps[i].rate_gbps * 1e9, EXACT);
    give_delay(sim, sim->now + US, 4 * rtt, acked + MTU, 0); /* the same round: not looked at */
    ENSURE_NEAR(rate(sim), steps[i].rate_gbps * 1e9, EXACT);
  }
  weft_sim_destroy(sim);
}

/* The defaults are those at 100 Gbit/s: 0.1, and 0.5 after five in a row. At 1.6 Tbit/s 16 times
 * as much; not where one of them was given, nor with compat. */
TEST(timely_steps_grow_with_fast_nics) {
  static const struct {
    uint64_t gbps, ai_bps, first_mbps, sixth_mbps;
    uint32_t compat;
  } cases[] = {{10, 0, 100, 500, 0},
               {100, 0, 100, 500, 0},
               {1600, 0, 1600, 8000, 0},
               {1600, 200000000, 200, 500, 0},
               {1600, 0, 100, 500, WEFT_COMPAT_NS3}};
  for (int i = 0; i < (int)(sizeof cases / sizeof cases[0]); i++) {
    weft_config config = weft_config_default();
    config.cc = WEFT_CC_TIMELY;
    config.compat = cases[i].compat;
    if (cases[i].ai_bps != 0) config.timely_ai_bps = cases[i].ai_bps;
    weft_sim *sim = star(&config, 2, cases[i].gbps * (uint64_t)GBPS, US);
    add_flow(sim, 0, 1, 100000000, 0);
    MUST(sim, weft_run(sim, 1000, 0)); /* it has begun */
    uint64_t acked = MTU;
    give_delay(sim, US * 1000, 40 * US, acked, 0);
    give_delay(sim, US * 2000, 400 * (weft_time)US, acked += 51 * MTU, 0); /* to min_rate */
    ENSURE_EQ(rate(sim), 1e8);
    double before = 1e8;
    for (weft_time k = 1; k <= 7; before = rate(sim), k++) {
      give_delay(sim, US * (2000 + 1000 * k), 40 * US, acked += 51 * MTU, 0);
      const uint64_t mbps = k <= 5 ? cases[i].first_mbps : cases[i].sixth_mbps;
      ENSURE_NEAR(rate(sim) - before, (double)mbps * 1e6, EXACT);
    }
    weft_sim_destroy(sim);
  }
}

/* ---- Swift: ai 1, beta 0.8, max_mdf 0.5; base target 10 us, 1 us per switch, range 20 us ----
 * Windows are in packets; 1 packet per base RTT of 8 us is 1 Gbit/s. */

static weft_sim *swift_flow(void) {
  weft_config config = weft_config_default();
  config.swift_base_target_ps = 10 * US;
  return one_flow(&config, WEFT_CC_SWIFT, 1);
}

TEST(swift_holds_its_target_delay) {
  weft_sim *sim = swift_flow();
  /* Flow scaling is 0 at 100 packets: the target is 10 + 1 us. A decrease waits for an RTT. */
  give_delay(sim, 20 * US, 22 * US, 1 * MTU, 0);
  ENSURE_NEAR(rate(sim), 100e9, EXACT);
  give_delay(sim, 22 * US, 22 * US, 2 * MTU, 0); /* 1 - 0.8 (22 - 11) / 22 = 0.6 */
  ENSURE_NEAR(rate(sim), 60e9, EXACT);
  give_delay(sim, 30 * US, 22 * US, 3 * MTU, 0); /* 8 us after the last */
  ENSURE_NEAR(rate(sim), 60e9, EXACT);
  /* a = 20 us / (1 / sqrt(0.1) - 1 / sqrt(100)) = 6.531 us; at 60 packets the target is
   * 11 + 6.531 (1 / sqrt(60) - 0.1) = 11.19 us: 1 - 0.8 (44 - 11.19) / 44 = 0.40, at least 0.5 */
  give_delay(sim, 66 * US, 44 * US, 4 * MTU, 0);
  ENSURE_NEAR(rate(sim), 30e9, EXACT);
  give_delay(sim, 67 * US, 10 * US, 6 * MTU, 0); /* below: two packets acked, + 2 / 30 */
  ENSURE_NEAR(rate(sim), 1e9 * (30 + 2.0 / 30), EXACT);
  give_delay(sim, 80 * US, 10 * US, 6 * MTU, 1); /* a loss halves whatever the delay */
  ENSURE_NEAR(rate(sim), 1e9 * (15 + 1.0 / 30), EXACT);
  give_delay(sim, 81 * US, 10 * US, 6 * MTU, 1); /* but once per RTT */
  ENSURE_NEAR(rate(sim), 1e9 * (15 + 1.0 / 30), EXACT);
  weft_sim_destroy(sim);
}

/* The fewer packets in the window, the more flows share the link, the longer the target. */
TEST(swift_scales_its_target_with_flows) {
  weft_sim *sim = swift_flow();
  give_delay(sim, 100 * US, 100 * US, 0, 0); /* 100 to 50: 1 - 0.8 x 0.89 is below 0.5 */
  give_delay(sim, 200 * US, 100 * US, 0, 0); /* 25 */
  ENSURE_NEAR(rate(sim), 25e9, EXACT);
  /* At 25 packets: 11 + 6.53109 (1 / sqrt(25) - 1 / sqrt(100)) = 11.653109 us. */
  give_delay(sim, 300 * US, 11653100, 1 * MTU, 0); /* below: + 1 / 25 */
  ENSURE_NEAR(rate(sim), 25.04e9, EXACT);
  /* At 25.04 packets: 11.652065 us. The excess of 8.348 us of 20 us takes 0.8 x 0.4174. */
  give_delay(sim, 400 * US, 20 * US, 1 * MTU, 0);
  const double a = 20 / (1 / 0.316227766016838 - 0.1);
  const double target = 11 + a * (1 / 5.00399840127872 - 0.1);
  ENSURE_NEAR(target, 11.652065, 1e-6);
  ENSURE_NEAR(rate(sim), 25.04e9 * (1 - 0.8 * (20 - target) / 20), EXACT);
  weft_sim_destroy(sim);
}

TEST(swift_paces_windows_below_a_packet) {
  weft_sim *sim = swift_flow();
  weft_time at = 0;
  const weft_time ms = 1000 * (weft_time)US;
  for (int i = 0; i < 7; i++) give_delay(sim, at += ms, ms, 0, 0);
  ENSURE_NEAR(rate(sim), 1e9 * 100 / 128, EXACT); /* halved seven times */
  /* A packet, 1000 B + 48 B + 8 B of timestamp, at 0.78 Gbit/s; and never more than one out. */
  ENSURE_NEAR((double)sim->packet.tx.at[SLOT].gap_ps, 8e3 * 1056 / (100.0 / 128), 1e-6);
  ENSURE(sim->packet.tx.at[SLOT].window < MTU);
  give_delay(sim, at + US, 10 * US, 1 * MTU, 0); /* below one packet: + ai for each acked */
  ENSURE_NEAR(rate(sim), 1e9 * (100.0 / 128 + 1), EXACT);
  for (int i = 0; i < 7; i++) give_delay(sim, at += 2 * ms, ms, 0, 0);
  ENSURE_EQ(rate(sim), 100e6); /* min_rate */
  weft_sim_destroy(sim);
}

/* The base target is by default the path's own empty RTT, exactly: 2 x (84.48 ns + 1 us) for data
 * and 2 x (4.8 ns + 1 us) for the ACK are 4.17856 us. So a lone flow stays at line rate even with
 * nothing added for the switch. */
TEST(swift_leaves_a_lone_flow_at_line_rate) {
  weft_config config = weft_config_default();
  config.swift_hop_ps = 1;
  weft_sim *sim = one_flow(&config, WEFT_CC_SWIFT, 1);
  MUST(sim, weft_run(sim, 1000 * (weft_time)US, 0));
  ENSURE_EQ(rate(sim), 100e9);
  give_delay(sim, 1100 * (weft_time)US, 4178600, 1 << 20, 0);
  ENSURE(rate(sim) < 100e9);
  weft_sim_destroy(sim);
}

/* Four senders into one link, without a reaction to marks. */
static void mark_queue(uint32_t kmin, uint32_t kmax, double pmax, uint32_t *draws,
                       uint64_t *marks) {
  weft_config config = quiet_config();
  config.ecn_kmin_bytes = kmin;
  config.ecn_kmax_bytes = kmax;
  config.ecn_pmax = pmax;
  weft_sim *sim = star(&config, 5, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 4; ++i) add_flow(sim, i, 4, 300000, 0);
  run_to_end(sim);
  *draws = sim->packet.port_cold.at[2 * 4 + 1].draws;
  *marks = sim->packet.port_cold.at[2 * 4 + 1].ecn_marks;
  weft_sim_destroy(sim);
}

/* Three windows of 52 kB or so stand before the link: some packets more than 100 kB. */
TEST(marks_are_drawn_between_two_thresholds_and_nowhere_else) {
  uint32_t draws;
  uint64_t marks, all;
  mark_queue(100000, 100000, 1, &draws, &all);
  ENSURE_EQ(draws, 0);
  ENSURE(all > 100);
  mark_queue(100000, 100000, 0.2, &draws, &marks);
  ENSURE_EQ(draws, 0);
  ENSURE_EQ(marks, all);
  mark_queue(100000, 1000000, 0, &draws, &marks);
  ENSURE_EQ(draws, 0);
  ENSURE_EQ(marks, 0);
  mark_queue(100000, 1000000, 1, &draws, &marks);
  ENSURE_EQ(draws, all);
  ENSURE(marks > 0 && marks < all);
}

/* ---- options ---- */

/* Another value than the default for every option that only other congestion controls read. */
static void change_others(weft_config *config) {
  uint32_t count;
  const weft_option *options = weft_options(&count);
  for (uint32_t i = 0; i < count; ++i) {
    if (options[i].cc == WEFT_CC_COUNT || options[i].cc == config->cc) continue;
    const int is_low = strstr(options[i].name, "min") != NULL;
    const double value = is_low ? options[i].min : options[i].max;
    void *to = (char *)config + options[i].offset;
    if (options[i].type == WEFT_OPT_F64)
      *(double *)to = value;
    else if (options[i].type == WEFT_OPT_U32)
      *(uint32_t *)to = (uint32_t)value;
    else
      *(int64_t *)to = (int64_t)value;
  }
}

/* Two flows to one host, with round trips of 80 us: longer than TIMELY and DCQCN are made for, and
 * NICs faster than TIMELY's steps are for. */
static uint64_t incast(uint32_t cc, int of_others) {
  weft_config config = weft_config_default();
  config.cc = cc;
  if (of_others) change_others(&config);
  weft_sim *sim = star(&config, 3, 200 * (uint64_t)GBPS, 20 * US);
  for (uint32_t i = 0; i < 2; ++i) add_flow(sim, i, 2, 4000000, 0);
  run_to_end(sim);
  const uint64_t fingerprint = stats_of(sim).fingerprint;
  weft_sim_destroy(sim);
  return fingerprint;
}

TEST(no_congestion_control_reads_the_options_of_another) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; ++cc) ENSURE_EQ(incast(cc, 0), incast(cc, 1));
}

/* From NIC to NIC there is no switch to mark, to read out telemetry or to queue: line rate, but for
 * what headers and the windows of a few laws cost. */
TEST(hosts_side_by_side_send_at_line_rate) {
  static const uint32_t all[] = {WEFT_CC_WINDOW, WEFT_CC_DCTCP,  WEFT_CC_HPCC,
                                 WEFT_CC_DCQCN,  WEFT_CC_TIMELY, WEFT_CC_SWIFT};
  for (uint32_t i = 0; i < 6; i++) {
    weft_config config = weft_config_default();
    config.cc = all[i];
    weft_sim *sim = new_sim(&config, NULL);
    const uint32_t a = add_node(sim, WEFT_HOST), b = add_node(sim, WEFT_HOST);
    add_link(sim, a, b, LINE * (uint64_t)GBPS, US);
    MUST(sim, weft_fabric_ready(sim));
    add_flow(sim, a, b, 1000000, 0);
    run_to_end(sim);
    const double slowdown = (double)cell(sim, WEFT_TABLE_FLOWS, "fct_ps", 0) /
                            (double)cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", 0);
    ENSURE(slowdown >= 1 && slowdown < 1.05);
    weft_sim_destroy(sim);
  }
}

/* Without windows HPCC's rates alone hold the queue: an incast's first round trip of 8 us at 8 x
 * line rate is 700 kB at the most, and it is gone soon. */
TEST(hpcc_holds_queues_without_windows) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  config.window_mode = WEFT_WINDOW_NONE;
  weft_sim *sim = star(&config, 9, LINE * (uint64_t)GBPS, US);
  for (uint32_t i = 1; i < 9; i++) add_flow(sim, i, 0, 2000000, 0);
  MUST(sim, weft_run(sim, 300 * US, 0));
  uint64_t queue = 0;
  for (uint32_t port = 0; port < 18; port++)
    queue += (uint64_t)cell(sim, WEFT_TABLE_PORTS, "queue_bytes", port);
  ENSURE(queue < 100000);
  run_to_end(sim);
  weft_sim_destroy(sim);
}
