/* Loss and what mends it: go-back-N and selective repeat, and flows that nothing mends.
 *
 * Packets are lost on purpose by making a link lose all that arrives in a short time. The line has
 * two hosts, a and b, at 10 Gbit/s around one switch; link 0 is a's. A packet takes 838.4 ns and
 * link 0 1 us, so packet n of a flow reaches the switch at (n + 1) x 838.4 ns + 1 us, as long as
 * the window keeps the wire busy. */
#include <math.h>

#include "fixture.h"

enum { PACKET_PS = 838400, WINDOW = 6, PACKETS = 100 };

static weft_config line_config(uint32_t recovery, uint32_t window_packets) {
  weft_config config = quiet_config();
  config.recovery = recovery;
  config.window_bytes = (uint64_t)window_packets * config.mtu_bytes;
  return config;
}

static weft_sim *line(uint32_t recovery, uint32_t window_packets, uint32_t packets) {
  const weft_config config = line_config(recovery, window_packets);
  weft_sim *sim = star(&config, 2, 10 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, (uint64_t)packets * config.mtu_bytes, 0);
  return sim;
}

/* Lose all that reaches the end of link 0 from `from` to `until`. */
static void lose(weft_sim *sim, uint32_t direction, weft_time from, weft_time until) {
  weft_link_change change = {.at_ps = from, .direction = direction, .factor = 1, .loss = 1};
  MUST(sim, weft_link_schedule(sim, &change));
  change = (weft_link_change){.at_ps = until, .direction = direction, .factor = 1};
  MUST(sim, weft_link_schedule(sim, &change));
}

/* Lose the data packets `first` to `last`. */
static void lose_data(weft_sim *sim, uint32_t first, uint32_t last) {
  const weft_time half = PACKET_PS / 2;
  lose(sim, WEFT_A_TO_B, US + first * (weft_time)PACKET_PS + half,
       US + (last + 1) * (weft_time)PACKET_PS + half);
}

/* Run; all must have arrived, once. */
static weft_stats finish(weft_sim *sim, uint64_t packets) {
  run_to_end(sim);
  weft_stats s = stats_of(sim);
  ENSURE_EQ(s.flows_done, s.flows_added);
  ENSURE_EQ(s.payload_delivered, packets * 1000);
  ENSURE(cell(sim, WEFT_TABLE_FLOWS, "acked_ps", 0) > 0);
  weft_sim_destroy(sim);
  return s;
}

/* Whether receivers keep what comes out of order. */
static bool keeps(uint32_t recovery) {
  return recovery == WEFT_RECOVERY_SELECTIVE || recovery == WEFT_RECOVERY_SACK;
}

/* With the window below what the path holds, the sender waits for the packet that was lost. */
TEST(a_lost_packet_costs_selective_repeat_itself_and_go_back_n_the_window) {
  for (uint32_t recovery = WEFT_RECOVERY_GO_BACK_N; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, WINDOW, PACKETS);
    lose_data(sim, 3, 3);
    weft_stats s = finish(sim, PACKETS);
    ENSURE_EQ(s.packets_dropped, 1);
    ENSURE_EQ(s.timeouts, 0);
    ENSURE_EQ(s.retransmits, keeps(recovery) ? 1 : WINDOW);
  }
}

TEST(selective_repeat_sends_again_what_was_lost_and_nothing_else) {
  weft_sim *sim = line(WEFT_RECOVERY_SELECTIVE, 40, PACKETS);
  lose_data(sim, 3, 3);
  lose_data(sim, 5, 8);
  lose_data(sim, 12, 12);
  weft_stats s = finish(sim, PACKETS);
  ENSURE_EQ(s.packets_dropped, 6);
  ENSURE_EQ(s.retransmits, 6);
  ENSURE_EQ(s.timeouts, 0);
}

/* The window is wider than a word of the bitmaps, and packets come from far beyond the gap. */
TEST(a_gap_may_be_as_wide_as_the_window) {
  weft_config config = line_config(WEFT_RECOVERY_SELECTIVE, 1000);
  config.rto_ps = 1000 * (weft_time)US; /* longer than the gap, in which nothing arrives */
  weft_sim *sim = star(&config, 2, 10 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, 3000 * (uint64_t)config.mtu_bytes, 0);
  lose_data(sim, 0, 0);
  lose_data(sim, 100, 699);
  weft_stats s = finish(sim, 3000);
  ENSURE_EQ(s.packets_dropped, 601);
  ENSURE_EQ(s.retransmits, 601);
  ENSURE_EQ(s.timeouts, 0);
}

TEST(a_lost_tail_takes_one_timeout) {
  for (uint32_t recovery = WEFT_RECOVERY_GO_BACK_N; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, 40, PACKETS);
    lose_data(sim, PACKETS - 3, PACKETS - 1);
    weft_stats s = finish(sim, PACKETS);
    ENSURE_EQ(s.packets_dropped, 3);
    ENSURE_EQ(s.retransmits, 3);
    ENSURE_EQ(s.timeouts, 1);
  }
}

/* The NACK of packet 4 is back after 9.1 us and the retransmission at the switch after 10.9 us,
 * alone: the window is used up. The timeout sends again only what is not sacked. */
TEST(a_lost_retransmission_takes_one_timeout) {
  weft_sim *sim = line(WEFT_RECOVERY_SELECTIVE, WINDOW, PACKETS);
  lose_data(sim, 3, 3);
  lose(sim, WEFT_A_TO_B, 10 * (weft_time)US, 30 * (weft_time)US);
  weft_stats s = finish(sim, PACKETS);
  ENSURE_EQ(s.packets_dropped, 2);
  ENSURE_EQ(s.retransmits, 2);
  ENSURE_EQ(s.timeouts, 1);
}

/* A receiver keeps no more than 2^20 packets beyond a gap. Here more come while the first packet
 * and its retransmission are lost; what is refused is sent again after the timeout. */
TEST(a_receiver_refuses_what_is_too_far_beyond_a_gap) {
  weft_config config = quiet_config();
  config.recovery = WEFT_RECOVERY_SELECTIVE;
  config.mtu_bytes = 64;
  config.rto_ps = 3000 * (weft_time)US;
  config.window_mode = WEFT_WINDOW_NONE;
  weft_sim *sim = star(&config, 2, 400 * (uint64_t)GBPS, US);
  const uint64_t packets = (1 << 20) + 200000;
  add_flow(sim, 0, 1, packets * config.mtu_bytes, 0);
  lose(sim, WEFT_A_TO_B, US, US + 3000); /* a packet takes 2240 ps */
  lose(sim, WEFT_A_TO_B, 5 * US + 5000, 5 * US + 25000);
  run_to_end(sim);
  const weft_stats s = stats_of(sim);
  ENSURE_EQ(s.flows_done, 1);
  ENSURE_EQ(s.payload_delivered, packets * config.mtu_bytes);
  ENSURE_EQ(s.timeouts, 1);
  ENSURE(s.retransmits > 190000 && s.retransmits < 200100);
  weft_sim_destroy(sim);
}

TEST(lost_acks_are_made_up_for_by_later_ones) {
  for (uint32_t recovery = WEFT_RECOVERY_GO_BACK_N; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, 40, PACKETS);
    lose(sim, WEFT_B_TO_A, 20 * (weft_time)US, 30 * (weft_time)US);
    weft_stats s = finish(sim, PACKETS);
    ENSURE(s.packets_dropped > 5);
    ENSURE_EQ(s.retransmits, 0);
    ENSURE_EQ(s.timeouts, 0);
  }
}

TEST(lost_last_acks_take_one_timeout) {
  for (uint32_t recovery = WEFT_RECOVERY_GO_BACK_N; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, 40, PACKETS);
    lose(sim, WEFT_B_TO_A, 80 * (weft_time)US, 200 * (weft_time)US);
    weft_stats s = finish(sim, PACKETS);
    ENSURE(s.retransmits > 0 && s.retransmits <= 40);
    ENSURE_EQ(s.timeouts, 1);
  }
}

/* Selective repeat learns of the gap from any later NACK; packets whose NACKs are lost it has to
 * take for lost. Go-back-N reports a gap once. The NACK of packet 4 is at a after 5 packets, 4 us
 * and an ACK (48 ns) each way; that of packet 5 a packet later. */
TEST(a_lost_nack_costs_selective_repeat_no_timeout) {
  for (uint32_t recovery = WEFT_RECOVERY_GO_BACK_N; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, 40, PACKETS);
    lose_data(sim, 3, 3);
    const weft_time nack = 6 * PACKET_PS + 4 * US + 96000;
    lose(sim, WEFT_B_TO_A, nack - PACKET_PS / 2, nack + PACKET_PS / 2);
    weft_stats s = finish(sim, PACKETS);
    ENSURE_EQ(s.packets_dropped, 2);
    ENSURE_EQ(s.timeouts, keeps(recovery) ? 0 : 1);
    if (recovery == WEFT_RECOVERY_SELECTIVE) ENSURE_EQ(s.retransmits, 2);
    if (recovery == WEFT_RECOVERY_SACK) ENSURE_EQ(s.retransmits, 1); /* the next ACK tells too */
  }
}

/* Payload in order at the receivers of four flows that share a link for 10 ms, and what the link
 * could carry. Gaps stop a flow for a round trip with either recovery; with go-back-N it sends its
 * window again besides, at the cost of the others. */
static double goodput(uint32_t recovery, double loss) {
  weft_config config = quiet_config();
  config.recovery = recovery;
  config.rto_ps = 100 * (weft_time)US;
  weft_sim *sim = dumbbell(&config, 4, 100 * (uint64_t)GBPS, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, 4 + i, 1000000000, 0);
  weft_link_change change = {.link = weft_link_count(sim) - 1, .factor = 1, .loss = loss};
  MUST(sim, weft_link_schedule(sim, &change));
  ENSURE_EQ(MUST(sim, weft_run(sim, 10000 * (weft_time)US, 0)), WEFT_RUN_UNTIL);
  const double share = (double)stats_of(sim).payload_delivered / (125e6 * 1000 / 1048);
  weft_sim_destroy(sim);
  return share;
}

TEST(selective_repeat_keeps_its_goodput_under_loss) {
  const double selective = goodput(WEFT_RECOVERY_SELECTIVE, 0.01);
  const double back = goodput(WEFT_RECOVERY_GO_BACK_N, 0.01);
  ENSURE(selective > 0.95);
  ENSURE(selective > 1.5 * back);
  ENSURE(goodput(WEFT_RECOVERY_SELECTIVE, 0) == goodput(WEFT_RECOVERY_GO_BACK_N, 0));
}

/* What the application has read never shrinks, never exceeds the flow, and is all of it at the
 * end; wherever the run is looked at. */
TEST(bytes_are_delivered_once_and_in_order) {
  for (uint32_t i = 0; i < 2 * WEFT_CC_COUNT; i++) {
    weft_config config = weft_config_default();
    config.cc = i / 2;
    config.recovery = i % 2 ? WEFT_RECOVERY_SACK : WEFT_RECOVERY_SELECTIVE;
    if (config.cc == WEFT_CC_SCRIPT) continue;
    if (config.cc == WEFT_CC_BBR && i % 2 == 0) continue; /* has but one recovery */
    weft_sim *sim = star(&config, 3, 100 * (uint64_t)GBPS, US);
    for (uint32_t h = 0; h < 2; h++) add_flow(sim, h, 2, 999999, 0);
    for (uint32_t l = 0; l < 3; l++) {
      weft_link_change lossy = {.link = l, .factor = 1, .loss = 0.05};
      MUST(sim, weft_link_schedule(sim, &lossy));
    }
    int64_t before = 0;
    int result = WEFT_RUN_BUDGET;
    while (result == WEFT_RUN_BUDGET) {
      result = MUST(sim, weft_run(sim, -1, 50));
      MUST(sim, weft_check(sim));
      const int64_t now = cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 0) +
                          cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 1);
      ENSURE(now >= before && now <= 2 * 999999);
      ENSURE_EQ(stats_of(sim).payload_delivered, now);
      before = now;
    }
    ENSURE_EQ(before, 2 * 999999);
    ENSURE_EQ(stats_of(sim).flows_done, 2);
    weft_sim_destroy(sim);
  }
}

/* Losses of link 0, which 20,000 packets or more pass. */
static weft_stats lossy_run(uint64_t seed, double loss, int64_t *sent, int64_t *lost) {
  weft_config config = line_config(WEFT_RECOVERY_SELECTIVE, 40);
  config.seed = seed;
  weft_sim *sim = star(&config, 2, 10 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, 20000000, 0);
  weft_link_change change = {.direction = WEFT_A_TO_B, .factor = 1, .loss = loss};
  MUST(sim, weft_link_schedule(sim, &change));
  run_to_end(sim);
  *sent = cell(sim, WEFT_TABLE_PORTS, "tx_packets", 0);
  *lost = cell(sim, WEFT_TABLE_PORTS, "drops", 0);
  return finish(sim, 20000);
}

TEST(random_loss_is_binomial) {
  const double losses[] = {0.001, 0.01, 0.2};
  for (int i = 0; i < 3; i++) {
    double all_sent = 0, all_lost = 0;
    for (uint64_t seed = 1; seed <= 10; seed++) {
      int64_t sent, lost;
      lossy_run(seed, losses[i], &sent, &lost);
      const double mean = (double)sent * losses[i];
      ENSURE(fabs((double)lost - mean) < 4 * sqrt(mean * (1 - losses[i])));
      all_sent += (double)sent;
      all_lost += (double)lost;
    }
    const double mean = all_sent * losses[i];
    ENSURE(fabs(all_lost - mean) < 4 * sqrt(mean * (1 - losses[i])));
  }
}

TEST(random_loss_follows_the_seed) {
  int64_t sent, lost;
  const uint64_t first = lossy_run(7, 0.01, &sent, &lost).fingerprint;
  ENSURE_EQ(lossy_run(7, 0.01, &sent, &lost).fingerprint, first);
  ENSURE(lossy_run(8, 0.01, &sent, &lost).fingerprint != first);
}

/* Of the first flow something is lost, so its timer runs out once; the other has no way from its
 * start, and waits for one. */
TEST(a_flow_without_a_way_waits_and_the_run_ends) {
  for (uint32_t recovery = 0; recovery < WEFT_RECOVERY_COUNT; recovery++) {
    weft_sim *sim = line(recovery, 40, PACKETS);
    add_flow(sim, 1, 0, 5000, 200 * (weft_time)US);
    weft_link_change down = {.at_ps = 20 * (weft_time)US, .loss = -1};
    MUST(sim, weft_link_schedule(sim, &down));
    run_to_end(sim);
    weft_stats s = stats_of(sim);
    ENSURE_EQ(s.flows_done, 0);
    ENSURE_EQ(s.flows_failed, recovery == WEFT_RECOVERY_NONE ? 1 : 0);
    ENSURE_EQ(s.packets_in_flight, 0);
    ENSURE_EQ(s.timeouts, 1);
    ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", 0), recovery == WEFT_RECOVERY_NONE ? 3 : 1);
    ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", 1), 1);
    for (uint64_t row = 0; row < 2; row++)
      ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "fct_ps", row), -1);
    ENSURE(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 0) > 10000);
    weft_sim_destroy(sim);
  }
}
