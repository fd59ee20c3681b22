/* Links that change, fail and come back, and switches that pause: what must hold in trouble. Each
 * fact was once broken. */
#include "fixture.h"

static const uint64_t FAST = 100 * (uint64_t)GBPS;

static weft_config big_window(uint64_t buffer_bytes) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_WINDOW;
  config.window_bytes = 4000000;
  config.buffer_bytes = buffer_bytes;
  return config;
}

static void schedule(weft_sim *sim, uint32_t link, weft_time at_ps, double factor, int direction) {
  const weft_link_change change = {
      .at_ps = at_ps, .link = link, .direction = (uint32_t)direction, .factor = factor, .loss = -1};
  MUST(sim, weft_link_schedule(sim, &change));
}

/* Hosts 0 and 1 on switch 3, host 2 on switch 4 behind a slow link; the middle link is number 2. */
static weft_sim *two_to_one(const weft_config *config, weft_time middle_delay_ps, uint64_t last_bps,
                            uint64_t bytes) {
  weft_sim *sim = new_sim(config, NULL);
  for (int i = 0; i < 5; i++) add_node(sim, i < 3 ? WEFT_HOST : WEFT_SWITCH);
  add_link(sim, 0, 3, FAST, US);
  add_link(sim, 1, 3, FAST, US);
  add_link(sim, 3, 4, FAST, middle_delay_ps);
  add_link(sim, 4, 2, last_bps, US);
  MUST(sim, weft_fabric_ready(sim));
  add_flow(sim, 0, 2, bytes, 0);
  add_flow(sim, 1, 2, bytes, 0);
  return sim;
}

TEST(packets_of_a_flow_arrive_at_its_destination_though_its_path_changes) {
  weft_config config = big_window(32 << 20);
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 6; i++) add_node(sim, i < 2 ? WEFT_HOST : WEFT_SWITCH);
  add_link(sim, 0, 2, FAST, US);
  const uint32_t last = add_link(sim, 3, 1, FAST, US);
  const uint32_t direct = add_link(sim, 2, 3, FAST, US);
  add_link(sim, 2, 4, FAST, 5 * US);
  add_link(sim, 4, 5, FAST, 5 * US);
  add_link(sim, 5, 3, FAST, 5 * US);
  MUST(sim, weft_fabric_ready(sim));
  schedule(sim, direct, 0, 0, WEFT_BOTH);
  schedule(sim, direct, 20 * (weft_time)US, 1, WEFT_BOTH);
  add_flow(sim, 0, 1, 200000, 1000);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 1);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 2 * last), 200 * 1048);
  weft_sim_destroy(sim);
}

TEST(the_default_headroom_holds_what_arrives_after_a_pause) {
  enum { SENDERS = 8 };
  for (uint32_t seed = 0; seed < 20; seed++) {
    weft_config config = big_window(1500000);
    config.mtu_bytes = 4000;
    config.rto_ps = 0;
    weft_sim *sim = new_sim(&config, NULL);
    for (uint32_t i = 0; i < 2 * SENDERS + 1; i++) add_node(sim, WEFT_HOST);
    const uint32_t middle = add_node(sim, WEFT_SWITCH);
    for (uint32_t i = 0; i < middle; i++)
      add_link(sim, i, middle, 4 * FAST, i < SENDERS ? 50000 : US);
    MUST(sim, weft_fabric_ready(sim));
    for (uint32_t i = 0; i < SENDERS; i++) { /* traffic both ways: PFC frames have to wait */
      add_flow(sim, i, 2 * SENDERS, 1000000 + seed * 1000, i * 1313 + seed * 777);
      add_flow(sim, SENDERS + i, i, 1000000, seed * 999 + i * 717);
    }
    run_to_end(sim);
    ENSURE(stats_of(sim).pfc_pauses > 0);
    ENSURE_EQ(stats_of(sim).packets_dropped, 0);
    weft_sim_destroy(sim);
  }
}

TEST(a_pause_ends_when_the_way_of_its_resume_fails) {
  weft_config config = big_window(420000);
  weft_sim *sim = two_to_one(&config, US, FAST / 10, 1000000);
  ENSURE_EQ(MUST(sim, weft_run(sim, 30 * (weft_time)US, 0)), WEFT_RUN_UNTIL);
  ENSURE(cell(sim, WEFT_TABLE_PORTS, "pauses", 4) > 0);
  for (weft_time at = 30; at < 200; at += 10) {
    weft_sim *fork = NULL;
    MUST(sim, weft_sim_fork(sim, &fork));
    schedule(fork, 2, at * US + 1000, 0, WEFT_B_TO_A);
    schedule(fork, 2, (at + 200) * US, 1, WEFT_B_TO_A);
    run_to_end(fork);
    ENSURE_EQ(stats_of(fork).flows_done, 2);
    weft_sim_destroy(fork);
  }
  weft_sim_destroy(sim);
}

TEST(a_pause_frame_on_a_wire_that_fails_is_lost_with_it) {
  weft_config config = big_window(4000000);
  config.window_bytes = 40000000;
  weft_sim *sim = two_to_one(&config, 20 * (weft_time)US, FAST / 5 * 4, 5000000);
  for (weft_time at = 50; at < 400; at += 7) {
    weft_sim *fork = NULL;
    MUST(sim, weft_sim_fork(sim, &fork));
    schedule(fork, 2, at * US, 0, WEFT_BOTH);
    schedule(fork, 2, (at + 15) * US, 1, WEFT_BOTH);
    run_to_end(fork);
    ENSURE_EQ(stats_of(fork).flows_done, 2);
    weft_sim_destroy(fork);
  }
  weft_sim_destroy(sim);
}

TEST(a_flow_that_began_on_a_slow_nic_is_fast_after_repair) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    weft_config config = weft_config_default();
    config.cc = cc;
    weft_sim *sim = star(&config, 2, FAST, US);
    schedule(sim, 0, 0, 0.1, WEFT_BOTH);
    schedule(sim, 0, 20 * (weft_time)US, 1, WEFT_BOTH);
    add_flow(sim, 0, 1, 10000000, 10 * (weft_time)US);
    run_to_end(sim);
    /* 10 us at a tenth, then 10 MB at 100 Gbit/s: 0.84 ms, and 0.92 ms under HPCC. */
    ENSURE(cell(sim, WEFT_TABLE_FLOWS, "fct_ps", 0) < 1000 * (weft_time)US);
    weft_sim_destroy(sim);
  }
}

TEST(a_slow_lossless_fabric_repeats_nothing) {
  weft_config config = big_window(32 << 20);
  weft_sim *sim = star(&config, 5, FAST, US);
  schedule(sim, 4, 0, 1.0 / 50, WEFT_BOTH); /* 2 Gbit/s: a window takes far longer than the RTO */
  for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, 4, 3000000, 0);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 4);
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  ENSURE_EQ(stats_of(sim).retransmits, 0);
  weft_sim_destroy(sim);
}

TEST(a_rate_at_which_a_packet_takes_too_long_is_refused) {
  weft_config config = quiet_config();
  config.mtu_bytes = 9000;
  weft_sim *sim = new_sim(&config, NULL);
  add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_HOST);
  const weft_link_def slow = {.a = 0, .b = 1, .rate_bps = 10000000, .delay_ps = US};
  ENSURE_EQ(weft_link_add(sim, &slow), WEFT_EINVAL);
  add_link(sim, 0, 1, FAST, US);
  MUST(sim, weft_fabric_ready(sim));
  const weft_link_change change = {.link = 0, .factor = 1e-4, .loss = -1};
  ENSURE_EQ(weft_link_schedule(sim, &change), WEFT_EINVAL);
  weft_sim_destroy(sim);
}

/* One that never had a link would be: see test_timer.c. */
TEST(a_host_behind_a_dead_link_can_be_waited_for) {
  weft_config config = quiet_config();
  weft_sim *sim = fat_tree(&config, 4, FAST, US);
  schedule(sim, 5, 0, 0, WEFT_BOTH); /* host links come first: that of host 5 */
  weft_run(sim, 1, 0);
  const weft_flow_def flow = {.src = 0, .dst = 5, .size_bytes = 1, .start_ps = US};
  ENSURE_EQ(MUST(sim, weft_flow_add(sim, &flow)), 0);
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", 0), 1);
  weft_sim_destroy(sim);
}

TEST(lost_pause_frames_of_the_ns3_model_belong_to_no_flow) {
  weft_config config = big_window(400000);
  config.compat = WEFT_COMPAT_NS3;
  weft_sim *sim = two_to_one(&config, US, FAST / 10, 1000000);
  const weft_link_change change = {.link = 2, .factor = 1, .loss = 0.5};
  MUST(sim, weft_link_schedule(sim, &change));
  MUST(sim, weft_run(sim, 1000 * (weft_time)US, 0));
  MUST(sim, weft_check(sim));
  weft_sim_destroy(sim);
}

TEST(a_series_holds_every_byte) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 2, FAST, US);
  MUST(sim, weft_sample(sim, 10 * (weft_time)US, 16));
  add_flow(sim, 0, 1, 1000000, 0);
  const uint32_t watch = (uint32_t)MUST(sim, weft_watch(sim, WEFT_FLOW_BYTES, 0));
  run_to_end(sim);
  weft_series series;
  MUST(sim, weft_series_get(sim, watch, &series));
  uint64_t sum = 0;
  for (uint64_t i = 0; i < series.count; i++) sum += series.value[i];
  ENSURE_EQ(sum, 1000000);
  weft_sim_destroy(sim);
}
