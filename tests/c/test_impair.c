/* Wires that delay and lose, PFC storms, failures that are noticed late, stragglers: each against
 * what can be worked out by hand. */
#include "fixture.h"
#include "sim_i.h"

static const uint64_t FAST = 100 * (uint64_t)GBPS;
enum { PACKET = 1048, PACKET_PS = 83840 }; /* at 100 Gbit/s */

static weft_config plain(void) {
  weft_config config = quiet_config();
  config.mtu_bytes = 1000;
  config.header_bytes = 48;
  config.window_bytes = 100000000;
  return config;
}

static weft_sim *pair(const weft_config *config) {
  weft_sim *sim = new_sim(config, NULL);
  add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_HOST);
  add_link(sim, 0, 1, FAST, US);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

static weft_time sim_now(weft_sim *sim) {
  return stats_of(sim).now_ps;
}

static weft_time fct(weft_sim *sim, uint64_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
}

static weft_time ideal(weft_sim *sim, uint64_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", flow);
}

static void impair(weft_sim *sim, weft_link_impairment impairment) {
  MUST(sim, weft_link_impair(sim, &impairment));
}

/* ---- delay ---- */

TEST(added_delay_adds_itself_to_a_completion_time) {
  weft_config config = plain();
  weft_sim *sim = star(&config, 2, FAST, US);
  impair(sim, (weft_link_impairment){.link = 1, .delay_ps = 7777777, .direction = WEFT_B_TO_A});
  add_flow(sim, 0, 1, 3000000, 0);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, 0), ideal(sim, 0) + 7777777);
  weft_sim_destroy(sim);
}

/* A packet that overtook another would be out of order, which go-back-N repeats. */
TEST(jitter_keeps_packets_in_order_and_within_its_bound) {
  const weft_time delay = 5 * (weft_time)US, jitter = 20 * (weft_time)US;
  weft_time least = INT64_MAX, most = 0;
  for (uint64_t seed = 0; seed < 50; seed++) {
    weft_config config = plain();
    config.seed = seed;
    weft_sim *sim = star(&config, 2, FAST, US);
    const weft_link_impairment both = {.link = 1, .delay_ps = delay, .jitter_ps = jitter};
    impair(sim, both);
    add_flow(sim, 0, 1, 50 * 1000, 0);
    const uint32_t lone = add_flow(sim, 0, 1, 1, 200 * (weft_time)US);
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).packets_dropped, 0);
    ENSURE_EQ(stats_of(sim).retransmits, 0);
    for (uint64_t flow = 0; flow < 2; flow++) {
      const weft_time late = fct(sim, flow) - ideal(sim, flow);
      ENSURE(late >= delay && late <= delay + jitter);
    }
    const weft_time late = fct(sim, lone) - ideal(sim, lone);
    if (late < least) least = late;
    if (late > most) most = late;
    weft_sim_destroy(sim);
  }
  ENSURE(least < delay + jitter / 8 && most > delay + jitter - jitter / 8); /* it is used up */
}

TEST(a_jittery_wire_carries_line_rate) {
  weft_config config = plain();
  weft_sim *sim = pair(&config);
  impair(sim, (weft_link_impairment){.jitter_ps = 10 * (weft_time)US, .direction = WEFT_A_TO_B});
  add_flow(sim, 0, 1, 10000000, 0);
  while (weft_run(sim, sim_now(sim) + 10000, 0) == WEFT_RUN_UNTIL) {
    /* Never more than line rate at the far end, in any window. */
    const uint64_t packets = stats_of(sim).payload_delivered / 1000;
    const weft_time since = sim_now(sim) - (weft_time)US;
    ENSURE(packets == 0 || (weft_time)(packets * PACKET_PS) <= since + PACKET_PS);
  }
  ENSURE(fct(sim, 0) <= ideal(sim, 0) + 10 * (weft_time)US);
  weft_sim_destroy(sim);
}

TEST(a_delay_that_ends_lets_nothing_overtake) {
  weft_config config = plain();
  weft_sim *sim = pair(&config);
  for (int i = 0; i < 20; i++) /* 0, 40 us, 0, 40 us ... */
    impair(sim, (weft_link_impairment){.at_ps = i * 5 * (weft_time)US,
                                       .delay_ps = i % 2 * 40 * (weft_time)US});
  impair(sim, (weft_link_impairment){.at_ps = 100 * (weft_time)US});
  add_flow(sim, 0, 1, 3000000, 0);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).retransmits, 0);
  ENSURE_EQ(fct(sim, 0), ideal(sim, 0) + 40 * US); /* at line rate nothing is made up for */
  weft_sim_destroy(sim);
}

TEST(a_link_that_fails_loses_what_is_late_on_it) {
  weft_config config = plain();
  weft_sim *sim = pair(&config);
  impair(sim, (weft_link_impairment){.delay_ps = 50 * (weft_time)US});
  weft_link_change change = {.at_ps = 30 * (weft_time)US, .loss = -1};
  MUST(sim, weft_link_schedule(sim, &change));
  change = (weft_link_change){.at_ps = 60 * (weft_time)US, .factor = 1};
  MUST(sim, weft_link_schedule(sim, &change));
  impair(sim, (weft_link_impairment){.at_ps = 60 * (weft_time)US});
  const uint32_t after = add_flow(sim, 0, 1, 1000, 61 * (weft_time)US);
  add_flow(sim, 0, 1, 1000000, 0);
  MUST(sim, weft_run(sim, 40 * (weft_time)US, 0));
  ENSURE_EQ(stats_of(sim).packets_in_flight, 0);
  ENSURE(stats_of(sim).packets_dropped > 300);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 2);
  ENSURE(fct(sim, after) < 2 * ideal(sim, after)); /* not behind what was lost */
  weft_sim_destroy(sim);
}

/* ---- burst loss ---- */

TEST(burst_loss_is_that_of_gilbert_and_elliott) {
  enum { PACKETS = 100000 };
  const struct {
    double enter, leave, good, bad;
  } models[] = {{0.01, 0.1, 0, 1}, {0.02, 0.5, 0, 1}, {0.05, 0.2, 0.01, 0.6}, {1, 1, 0, 1}};
  for (size_t m = 0; m < sizeof models / sizeof models[0]; m++) {
    const double p = models[m].enter, r = models[m].leave;
    weft_config config = plain();
    config.recovery = WEFT_RECOVERY_NONE;
    config.window_mode = WEFT_WINDOW_NONE;
    config.rto_ps = 0;
    weft_sim *sim = pair(&config);
    impair(sim, (weft_link_impairment){.direction = WEFT_A_TO_B,
                                       .enter = p,
                                       .leave = r,
                                       .loss_good = models[m].good,
                                       .loss_bad = models[m].bad});
    weft_run(sim, 0, 0);
    weft_port_info info;
    MUST(sim, weft_port_info_get(sim, 0, &info));
    const double mean = (r * models[m].good + p * models[m].bad) / (p + r);
    ENSURE_NEAR(info.burst_loss, mean, 1e-12);
    add_flow(sim, 0, 1, PACKETS * 1000, 1);
    uint64_t lost = 0, bursts = 0, before = 0;
    bool in_burst = false;
    while (weft_run(sim, -1, 1) == WEFT_RUN_BUDGET) { /* an arrival is lost or received */
      const weft_stats s = stats_of(sim);
      const uint64_t arrivals = s.packet_hops;
      if (arrivals == before) continue;
      before = arrivals;
      const bool gone = s.packets_dropped > lost;
      lost = s.packets_dropped;
      bursts += gone && !in_burst;
      in_burst = gone;
    }
    ENSURE_NEAR((double)lost / PACKETS, mean, 0.08);
    if (models[m].good == 0) ENSURE_NEAR((double)lost / (double)bursts, 1 / r, 0.08);
    weft_sim_destroy(sim);
  }
}

/* ---- failures that are noticed late ---- */

/* Hosts 0 and 1 on switches 2 and 3, which links 2 (taken first) and 3 connect. */
static weft_sim *two_ways(void) {
  weft_config config = plain();
  config.ecmp = WEFT_ECMP_FIRST;
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 4; i++) add_node(sim, i < 2 ? WEFT_HOST : WEFT_SWITCH);
  add_link(sim, 0, 2, FAST, US);
  add_link(sim, 1, 3, FAST, US);
  add_link(sim, 2, 3, FAST, US);
  add_link(sim, 2, 3, FAST, US);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

static void turn(weft_sim *sim, weft_time at_us, double factor, weft_time detect_us) {
  const weft_link_change change = {
      .at_ps = at_us * US, .link = 2, .factor = factor, .loss = -1, .detect_ps = detect_us * US};
  MUST(sim, weft_link_schedule(sim, &change));
}

static uint32_t way(weft_sim *sim, weft_time at_us) {
  uint32_t ports[WEFT_PATH_MAX];
  MUST(sim, weft_run(sim, at_us * US, 0));
  ENSURE_EQ(MUST(sim, weft_path(sim, 0, 1, 0, ports)), 3);
  return ports[1] / 2;
}

TEST(a_dead_link_is_a_black_hole_until_it_is_noticed) {
  weft_sim *sim = two_ways();
  turn(sim, 100, 0, 50);
  turn(sim, 400, 1, 30);
  add_flow(sim, 0, 1, 100000000, 0);
  ENSURE_EQ(way(sim, 149), 2);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 6), 0);
  const uint64_t lost = (uint64_t)cell(sim, WEFT_TABLE_PORTS, "drops", 4);
  ENSURE(lost * PACKET_PS > 40 * (uint64_t)US); /* at line rate for 49 us, and what was on it */
  ENSURE_EQ(way(sim, 151), 3);
  ENSURE(way(sim, 160) == 3 && cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 6) > 0);
  ENSURE_EQ(way(sim, 429), 3);
  ENSURE_EQ(way(sim, 431), 2);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 1);
  weft_sim_destroy(sim);
}

TEST(a_failure_that_is_over_before_it_is_noticed_changes_no_path) {
  weft_sim *sim = two_ways();
  turn(sim, 100, 0, 50);
  turn(sim, 120, 1, 50);
  turn(sim, 160, 0, 50); /* its own 50 us, not the rest of the first failure's */
  turn(sim, 300, 1, 0);
  for (weft_time at = 90; at < 209; at += 7) ENSURE_EQ(way(sim, at), 2);
  ENSURE_EQ(way(sim, 211), 3);
  ENSURE_EQ(way(sim, 299), 3);
  ENSURE_EQ(way(sim, 301), 2);
  weft_sim_destroy(sim);
}

/* ---- new paths ---- */

TEST(a_flow_goes_on_at_once_by_the_other_port_of_its_host) {
  weft_config config = plain();
  config.window_bytes = 200000;
  config.rto_ps = 10000 * (weft_time)US;
  config.ecmp = WEFT_ECMP_FIRST;
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 4; i++) add_node(sim, i < 2 ? WEFT_HOST : WEFT_SWITCH);
  for (uint32_t i = 0; i < 4; i++) add_link(sim, i / 2, 2 + i % 2, FAST, US);
  MUST(sim, weft_fabric_ready(sim));
  const weft_link_change down = {.at_ps = 100 * (weft_time)US, .link = 0, .loss = -1};
  MUST(sim, weft_link_schedule(sim, &down));
  for (int i = 0; i < 3; i++) add_flow(sim, 0, 1, 3000000, 0);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 3);
  ENSURE(sim_now(sim) < config.rto_ps); /* a NACK told of the gap */
  ENSURE(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 2) > 7500000);
  weft_sim_destroy(sim);
}

/* A longer path than any before gives all flows room for it; what is new there leads nowhere. */
TEST(no_packet_follows_what_is_left_of_other_paths) {
  weft_config config = plain();
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 7; i++) add_node(sim, i < 3 ? WEFT_HOST : WEFT_SWITCH);
  add_link(sim, 0, 3, FAST, US);
  add_link(sim, 1, 3, FAST, US);
  add_link(sim, 2, 6, FAST, US);
  for (uint32_t i = 3; i < 6; i++) add_link(sim, i, i + 1, FAST, US);
  MUST(sim, weft_fabric_ready(sim));
  for (int i = 0; i < 20; i++) add_flow(sim, (uint32_t)i % 2, 1 - (uint32_t)i % 2, 1000000, 0);
  add_flow(sim, 0, 2, 1000000, US);
  MUST(sim, weft_run(sim, 2 * US, 0));
  for (uint32_t slot = 0; slot < 20; slot++)
    for (uint32_t i = 4; i < 2 * sim->flow.path_ports; i++)
      ENSURE_EQ(sim->flow.paths.at[slot * 2 * sim->flow.path_ports + i], WEFT_NONE);
  ENSURE_EQ(sim->flow.path_ports, 5);
  weft_sim_destroy(sim);
}

/* ---- PFC storms ---- */

static void storm(weft_sim *sim, uint32_t port, weft_time at_us, weft_time duration_us,
                  weft_time period_us, weft_time pause_us) {
  const weft_storm def = {.at_ps = at_us * US,
                          .port = port,
                          .duration_ps = duration_us * US,
                          .period_ps = period_us * US,
                          .pause_ps = pause_us * US};
  MUST(sim, weft_storm_add(sim, &def));
}

TEST(a_storm_stops_a_port_for_its_duration) {
  weft_config config = plain();
  config.rto_ps = 0;
  weft_sim *sim = star(&config, 4, FAST, US);
  storm(sim, 3, 20, 300, 0, 0); /* switch to host 1 */
  add_flow(sim, 0, 1, 1000000, 0);
  add_flow(sim, 2, 3, 1000000, 0); /* a bystander */
  run_to_end(sim);
  /* The packet in transmission at 20 us goes on; the rest takes up its time again at 320 us. */
  const weft_time lost = fct(sim, 0) - ideal(sim, 0);
  ENSURE(lost <= 300 * (weft_time)US && lost >= 300 * (weft_time)US - PACKET_PS);
  ENSURE_EQ(fct(sim, 1), ideal(sim, 1));
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 3), 300 * (weft_time)US);
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  weft_sim_destroy(sim);
}

TEST(a_storm_spreads_through_pfc_and_all_completes_when_it_ends) {
  weft_config config = plain();
  config.buffer_bytes = 1500000;
  weft_sim *sim = dumbbell(&config, 4, FAST, 4 * FAST, US);
  const uint32_t last = weft_link_count(sim) - 1;
  storm(sim, 2 * 4 + 1, 20, 2000, 0, 0); /* right switch to host 4 */
  for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, 4 + i, 4000000, 0);
  MUST(sim, weft_run(sim, 1000 * (weft_time)US, 0));
  ENSURE(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 2 * last) > 0); /* between the switches */
  ENSURE(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 0) > 0); /* and a NIC */
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 4);
  ENSURE(fct(sim, 1) > 2000 * (weft_time)US); /* not one of the storm's own flows */
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  weft_sim_destroy(sim);
}

TEST(a_periodic_storm_takes_its_share_of_a_link) {
  weft_config config = plain();
  config.rto_ps = 0;
  weft_sim *sim = pair(&config);
  storm(sim, 0, 0, 100000, 10, 4);
  add_flow(sim, 0, 1, 60000000, 0);
  run_to_end(sim);
  ENSURE_NEAR((double)fct(sim, 0), (double)ideal(sim, 0) * 10 / 6, 0.01);
  weft_sim_destroy(sim);
}

TEST(a_storm_goes_on_after_a_repair_and_overlaps_with_others) {
  weft_config config = plain();
  weft_sim *sim = pair(&config);
  storm(sim, 0, 10, 490, 0, 0);
  storm(sim, 0, 300, 400, 0, 0);
  const weft_link_change down = {
      .at_ps = 100 * (weft_time)US, .direction = WEFT_B_TO_A, .loss = -1};
  const weft_link_change up = {.at_ps = 110 * (weft_time)US, .factor = 1, .loss = -1};
  MUST(sim, weft_link_schedule(sim, &down));
  MUST(sim, weft_link_schedule(sim, &up));
  add_flow(sim, 0, 1, 2000000, 0);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).flows_done, 1);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 0), 680 * (weft_time)US);
  weft_sim_destroy(sim);
}

/* Hosts 0 and 1 on switch 3, host 2 on switch 4 behind a slower link; the middle link is number
 * 2. */
static weft_sim *congested(uint64_t buffer_bytes, uint32_t headroom_bytes, uint64_t last_bps,
                           uint64_t bytes) {
  weft_config config = plain();
  config.buffer_bytes = buffer_bytes;
  config.pfc_headroom_bytes = headroom_bytes;
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 5; i++) add_node(sim, i < 3 ? WEFT_HOST : WEFT_SWITCH);
  add_link(sim, 0, 3, FAST, US);
  add_link(sim, 1, 3, FAST, US);
  add_link(sim, 3, 4, FAST, US);
  add_link(sim, 4, 2, last_bps, US);
  MUST(sim, weft_fabric_ready(sim));
  add_flow(sim, 0, 2, bytes, 0);
  add_flow(sim, 1, 2, bytes, 0);
  return sim;
}

TEST(what_a_buffer_asks_for_in_a_storm_holds_after_it) {
  uint64_t paused = 0;
  for (weft_time at = 5; at < 120; at += 3)
    for (weft_time length = 1; length < 600; length *= 3) {
      weft_sim *sim = congested(420000, 0, FAST / 10, 1000000);
      storm(sim, 4, at, length, 0, 0);
      run_to_end(sim);
      ENSURE_EQ(stats_of(sim).flows_done, 2);
      ENSURE_EQ(stats_of(sim).packets_dropped, 0); /* its headroom was heeded */
      ENSURE(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 4) >= length * US);
      paused += cell(sim, WEFT_TABLE_PORTS, "paused_ps", 4) > length * US;
      weft_sim_destroy(sim);
    }
  ENSURE(paused > 100); /* mostly there were both */
}

TEST(a_storm_forgets_the_pause_of_a_link_that_failed_in_it) {
  for (weft_time at = 20; at < 120; at += 5) {
    weft_sim *sim = congested(420000, 0, FAST / 10, 1000000);
    storm(sim, 4, at, 300, 0, 0);
    turn(sim, at + 3, 0, 0);
    turn(sim, at + 60, 1, 0);
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).flows_done, 2);
    weft_sim_destroy(sim);
  }
}

/* The switch has drained meanwhile, so the late frame alone would pause the port, for ever. */
TEST(a_late_pause_frame_is_lost_with_its_wire) {
  for (weft_time at = 12; at < 100; at += 2) {
    weft_sim *sim = congested(2500000, 500000, FAST / 2, 1000000);
    impair(sim, (weft_link_impairment){
                    .link = 2, .direction = WEFT_B_TO_A, .delay_ps = 60 * (weft_time)US});
    turn(sim, at, 0, 0);
    turn(sim, at + 45, 1, 0);
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).flows_done, 2);
    weft_sim_destroy(sim);
  }
}

/* A burst that ends by itself: the resume is sent before the late pause arrives. */
TEST(a_resume_does_not_overtake_its_pause) {
  for (weft_time at = 10; at < 100; at += 5) {
    weft_sim *sim = congested(2500000, 500000, FAST / 2, 200000);
    impair(sim, (weft_link_impairment){
                    .link = 2, .direction = WEFT_B_TO_A, .delay_ps = 400 * (weft_time)US});
    impair(sim, (weft_link_impairment){.at_ps = at * US, .link = 2});
    add_flow(sim, 0, 2, 1000000, 2000 * (weft_time)US);
    run_to_end(sim);
    ENSURE(stats_of(sim).pfc_pauses > 0);
    ENSURE_EQ(stats_of(sim).flows_done, 3);
    weft_sim_destroy(sim);
  }
}

TEST(a_storm_without_end_ends_its_flows_and_the_run) {
  weft_config config = plain();
  for (int timeout = 0; timeout < 2; timeout++) {
    config.give_up_ps = timeout * 100 * (weft_time)US;
    weft_sim *sim = star(&config, 2, FAST, US);
    storm(sim, 3, 0, 0, 0, 0);
    add_flow(sim, 0, 1, 1000000, 0);
    uint32_t row = 99;
    ENSURE_EQ(MUST(sim, weft_stalled(sim, US, &row, 1)), 0);
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).flows_failed, timeout);
    ENSURE_EQ(stats_of(sim).flows_done, 0);
    if (!timeout) {
      ENSURE_EQ(MUST(sim, weft_stalled(sim, 50 * (weft_time)US, &row, 1)), 0);
      MUST(sim, weft_run(sim, sim_now(sim), 0));
      weft_link_change nudge = {.at_ps = sim_now(sim) + 50 * US, .factor = 1, .loss = -1};
      MUST(sim, weft_link_schedule(sim, &nudge));
      run_to_end(sim);
      ENSURE_EQ(MUST(sim, weft_stalled(sim, 50 * (weft_time)US, &row, 1)), 1);
      ENSURE_EQ(row, 0);
    }
    weft_sim_destroy(sim);
  }
}

/* ---- stragglers, and what is refused ---- */

TEST(a_straggler_takes_longer_for_what_it_begins) {
  weft_config config = plain();
  weft_sim *sim = star(&config, 3, FAST, US);
  const weft_host_change slow = {.at_ps = 5 * US, .host = 1, .factor = 2.5};
  const weft_host_change well = {.at_ps = 40 * US, .host = 1, .factor = 1};
  MUST(sim, weft_host_schedule(sim, &slow));
  MUST(sim, weft_host_schedule(sim, &well));
  for (uint32_t host = 0; host < 3; host++)
    for (uint32_t i = 0; i < 4; i++) {
      const weft_task_def task = {.kind = WEFT_TASK_COMPUTE, .src = host, .duration_ps = 10 * US};
      const uint32_t id = (uint32_t)MUST(sim, weft_task_add(sim, &task));
      if (i > 0) MUST(sim, weft_task_after(sim, id, id - 1));
    }
  run_to_end(sim);
  const weft_time ends[] = {10, 35, 60, 70}; /* the third began slow; the first did not */
  for (uint64_t i = 0; i < 4; i++) {
    ENSURE_EQ(cell(sim, WEFT_TABLE_TASKS, "end_ps", i), (weft_time)(i + 1) * 10 * US);
    ENSURE_EQ(cell(sim, WEFT_TABLE_TASKS, "end_ps", 4 + i), ends[i] * US);
  }
  weft_sim_destroy(sim);
}

TEST(what_cannot_be_is_refused) {
  weft_config config = plain();
  weft_sim *sim = pair(&config);
  const weft_link_impairment wrong[] = {
      {.link = 1},       {.direction = 3}, {.delay_ps = INT64_MAX},
      {.jitter_ps = -1}, {.enter = 1.5},   {.loss_bad = -0.1},
      {.at_ps = -1}};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
    ENSURE_EQ(weft_link_impair(sim, &wrong[i]), WEFT_EINVAL);
  const weft_storm storms[] = {{.port = 2},
                               {.duration_ps = -1},
                               {.period_ps = 5, .pause_ps = 2},
                               {.duration_ps = 9, .period_ps = 5, .pause_ps = 5},
                               {.at_ps = -1}};
  for (size_t i = 0; i < sizeof storms / sizeof storms[0]; i++)
    ENSURE_EQ(weft_storm_add(sim, &storms[i]), WEFT_EINVAL);
  const weft_host_change hosts[] = {{.host = 2, .factor = 1}, {.factor = 0}, {.factor = 1e9}};
  for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
    ENSURE_EQ(weft_host_schedule(sim, &hosts[i]), WEFT_EINVAL);
  ENSURE_EQ(weft_stalled(sim, 0, NULL, 0), WEFT_EINVAL);
  weft_sim_destroy(sim);
  config.compat = WEFT_COMPAT_NS3;
  sim = pair(&config);
  const weft_link_impairment delay = {.delay_ps = US};
  ENSURE_EQ(weft_link_impair(sim, &delay), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "compat ns3");
  const weft_storm storm_def = {.duration_ps = US};
  ENSURE_EQ(weft_storm_add(sim, &storm_def), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "compat ns3");
  weft_sim_destroy(sim);
  config.compat = WEFT_COMPAT_NONE;
  config.pfc = 0;
  sim = pair(&config);
  ENSURE_EQ(weft_storm_add(sim, &storm_def), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "pfc = true");
  weft_sim_destroy(sim);
}
