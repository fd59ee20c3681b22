/* Losses and their repair in the fluid with the congestion control's own laws. Where single packets
 * are lost the packets of the packet engine say when each flow is done, to the ps. */
#include "fixture.h"

/* A full packet of 1000 + 48 bytes takes 83,840 ps at 100 Gbit/s. */
enum { FRAME_PS = 83840, FRAME = 1048 };
#define MSEC ((weft_time)1000 * US)

static weft_config lossy(uint32_t engine) {
  weft_config config = quiet_config();
  config.engine = engine;
  config.cc = WEFT_CC_WINDOW;
  config.pfc = 0;
  config.completion = WEFT_AT_RECEIVER;
  return config;
}

static int64_t of_flow(weft_sim *sim, const char *column, uint32_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, column, flow);
}

static void set_loss(weft_sim *sim, uint32_t link, weft_time at_ps, double loss) {
  weft_link_change change = weft_link_change_default();
  change.link = link;
  change.at_ps = at_ps;
  change.factor = 1;
  change.loss = loss;
  MUST(sim, weft_link_schedule(sim, &change));
}

/* Four packets come at once. One goes on, two fit into the buffer, the fourth is lost, and is sent
 * again when its timer of 100 us runs out; nothing is in its way then. */
static void drop_one(uint32_t engine) {
  weft_config config = lossy(engine);
  config.buffer_bytes = 2 * FRAME + 100;
  config.buffer_alpha = 64;
  config.rto_ps = 100 * US;
  weft_sim *sim = star(&config, 5, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 5; i++) add_flow(sim, i, 0, 1000, 0);
  run_to_end(sim);
  for (uint32_t i = 0; i < 3; i++)
    ENSURE_EQ(of_flow(sim, "fct_ps", i), (2 + i) * FRAME_PS + 2 * US);
  ENSURE_EQ(of_flow(sim, "fct_ps", 3), 100 * US + 2 * FRAME_PS + 2 * US);
  ENSURE_EQ(of_flow(sim, "retransmits", 3), 1);
  ENSURE_EQ(of_flow(sim, "retransmits", 0), 0);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "drops", 1), 1);
  const weft_stats stats = stats_of(sim);
  ENSURE_EQ(stats.packets_dropped, 1);
  ENSURE_EQ(stats.bytes_dropped, FRAME);
  ENSURE_EQ(stats.retransmits, 1);
  ENSURE_EQ(stats.timeouts, 1);
  ENSURE_EQ(stats.payload_delivered, 4000);
  weft_sim_destroy(sim);
}

TEST(fluid_cc_loses_what_a_full_buffer_does_not_take) {
  drop_one(WEFT_ENGINE_PACKET);
  drop_one(WEFT_ENGINE_FLUID_CC);
}

/* All the time there is a queue, so as many packets arrive as the port lets out. */
TEST(fluid_cc_incasts_into_small_buffers_deliver_all) {
  for (uint32_t kb = 20; kb <= 500; kb *= 5) {
    weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
    config.buffer_bytes = kb * 1000;
    weft_sim *sim = star(&config, 17, 100ull * GBPS, 1 * US);
    for (uint32_t i = 1; i < 17; i++) add_flow(sim, i, 0, 200000, 0);
    for (uint32_t i = 1; i < 40; i++) {
      MUST(sim, weft_run(sim, i * 25 * US, 0));
      MUST(sim, weft_check(sim));
      ENSURE(cell(sim, WEFT_TABLE_PORTS, "queue_bytes", 1) <= (int64_t)kb * 1000 + 2 * FRAME);
    }
    run_to_end(sim);
    const weft_stats stats = stats_of(sim);
    ENSURE_EQ(stats.payload_delivered, 16 * 200000);
    ENSURE(stats.packets_dropped > 0 && stats.retransmits >= stats.packets_dropped / 2);
    uint64_t again = 0;
    for (uint32_t i = 0; i < 16; i++) again += (uint64_t)of_flow(sim, "retransmits", i);
    ENSURE_EQ(again, stats.retransmits);
    weft_sim_destroy(sim);
  }
}

/* A buffer that holds all of it loses nothing, and none is ever sent twice. */
TEST(fluid_cc_large_buffers_lose_nothing_without_pfc) {
  weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
  config.buffer_bytes = 16 * 200 * FRAME * 2;
  config.buffer_alpha = 64;
  weft_sim *sim = star(&config, 17, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 17; i++) add_flow(sim, i, 0, 200000, 0);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  ENSURE_EQ(stats_of(sim).retransmits, 0);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1), 16 * 200 * FRAME);
  weft_sim_destroy(sim);
}

/* Each loss costs go-back-N a round trip of packets: 10,000 packets lose some 10 of 1 in 1,000, and
 * what is out then is sent again, 25 packets and more. */
static weft_time lose_by_chance(uint32_t engine, uint64_t seed) {
  weft_config config = lossy(engine);
  config.pfc = 1;
  config.seed = seed;
  weft_sim *sim = star(&config, 2, 100ull * GBPS, 1 * US);
  set_loss(sim, 0, 0, 0.001);
  add_flow(sim, 0, 1, 10000000, 1);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).payload_delivered, 10000000);
  ENSURE(stats_of(sim).retransmits > 0 && stats_of(sim).packets_dropped > 0);
  const weft_time fct = of_flow(sim, "fct_ps", 0);
  weft_sim_destroy(sim);
  return fct;
}

TEST(fluid_cc_wires_lose_packets_by_chance) {
  double packets = 0, fluid = 0;
  for (uint64_t seed = 1; seed <= 20; seed++) {
    packets += (double)lose_by_chance(WEFT_ENGINE_PACKET, seed);
    fluid += (double)lose_by_chance(WEFT_ENGINE_FLUID_CC, seed);
  }
  ENSURE(fluid > 0.98 * packets && fluid < 1.02 * packets);
}

/* Nothing passes until the wire is whole again; of 1 MB some have arrived before. */
TEST(fluid_cc_a_wire_that_loses_all_is_waited_for) {
  const weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
  weft_sim *sim = star(&config, 2, 100ull * GBPS, 1 * US);
  set_loss(sim, 1, 40 * US, 1);
  set_loss(sim, 1, 5 * MSEC, 0);
  add_flow(sim, 0, 1, 1000000, 0);
  MUST(sim, weft_run(sim, 4 * MSEC, 0));
  const int64_t before = of_flow(sim, "delivered_bytes", 0);
  ENSURE(before > 400000 && before < 480000);
  ENSURE_EQ(of_flow(sim, "rate_bps", 0), 0);
  run_to_end(sim);
  ENSURE(of_flow(sim, "fct_ps", 0) > 5 * MSEC && of_flow(sim, "fct_ps", 0) < 6 * MSEC);
  ENSURE_EQ(stats_of(sim).payload_delivered, 1000000);
  weft_sim_destroy(sim);
}

/* Without repair a flow that has lost something fails as its timer runs out. */
TEST(fluid_cc_flows_fail_without_recovery) {
  weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
  config.recovery = WEFT_RECOVERY_NONE;
  config.buffer_bytes = 2 * FRAME + 100;
  config.buffer_alpha = 64;
  weft_sim *sim = star(&config, 5, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 5; i++) add_flow(sim, i, 0, 1000, 0);
  run_to_end(sim);
  ENSURE_EQ(of_flow(sim, "state", 3), 3);
  ENSURE_EQ(of_flow(sim, "state", 2), 2);
  ENSURE_EQ(stats_of(sim).flows_failed, 1);
  weft_sim_destroy(sim);
}

/* Two flows share a port of 100 Gbit/s evenly; before its start and after its end one has none. */
TEST(fluid_rates_of_flows_are_those_now) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_FLUID;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 1, 0, 1000000, 0);
  add_flow(sim, 2, 0, 10000000, 10 * US);
  MUST(sim, weft_run(sim, 5 * US, 0));
  ENSURE_EQ(of_flow(sim, "rate_bps", 0), 100ll * GBPS);
  ENSURE_EQ(of_flow(sim, "rate_bps", 1), 0);
  MUST(sim, weft_run(sim, 20 * US, 0));
  ENSURE_EQ(of_flow(sim, "rate_bps", 0), 50ll * GBPS);
  ENSURE_EQ(of_flow(sim, "rate_bps", 1), 50ll * GBPS);
  MUST(sim, weft_run(sim, 300 * US, 0));
  ENSURE_EQ(of_flow(sim, "rate_bps", 0), 0);
  ENSURE_EQ(of_flow(sim, "rate_bps", 1), 100ll * GBPS);
  run_to_end(sim);
  ENSURE_EQ(of_flow(sim, "rate_bps", 1), 0);
  weft_sim_destroy(sim);
}

/* A window that two flows fill is what they get of the port: some half of it each. */
TEST(fluid_cc_rates_of_flows_follow_their_windows) {
  const weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 1, 0, 5000000, 0);
  add_flow(sim, 2, 0, 5000000, 0);
  MUST(sim, weft_run(sim, 400 * US, 0));
  for (uint32_t i = 0; i < 2; i++) {
    ENSURE(of_flow(sim, "rate_bps", i) > 40ll * GBPS);
    ENSURE(of_flow(sim, "rate_bps", i) < 60ll * GBPS);
  }
  weft_sim_destroy(sim);
}

static weft_sim *lossy_incast(uint32_t cc) {
  weft_config config = lossy(WEFT_ENGINE_FLUID_CC);
  config.cc = cc;
  config.buffer_bytes = 200000;
  weft_sim *sim = star(&config, 9, 100ull * GBPS, 1 * US);
  set_loss(sim, 4, 0, 0.01);
  for (uint32_t i = 1; i < 9; i++) add_flow(sim, i, 0, 300000 + 1000 * i, i * 77000);
  return sim;
}

TEST(fluid_cc_losses_in_steps_and_forked_are_the_same) {
  static const uint32_t ccs[] = {WEFT_CC_WINDOW, WEFT_CC_DCTCP,  WEFT_CC_HPCC,
                                 WEFT_CC_DCQCN,  WEFT_CC_TIMELY, WEFT_CC_SWIFT};
  for (uint32_t c = 0; c < 6; c++) {
    weft_sim *whole = lossy_incast(ccs[c]), *steps = lossy_incast(ccs[c]), *fork = NULL;
    run_to_end(whole);
    for (weft_time t = 0; t < 700 * US; t += 7 * US) {
      MUST(steps, weft_run(steps, t, 0));
      MUST(steps, weft_check(steps));
      cell(steps, WEFT_TABLE_PORTS, "queue_bytes", 1); /* looking changes nothing */
      of_flow(steps, "rate_bps", 1);
      if (t == 77 * US) MUST(steps, weft_sim_fork(steps, &fork));
    }
    run_to_end(steps);
    run_to_end(fork);
    ENSURE(stats_of(whole).packets_dropped > 0 && stats_of(whole).timeouts > 0);
    ENSURE_EQ(stats_of(whole).flows_done, 8);
    ENSURE_EQ(stats_of(steps).fingerprint, stats_of(whole).fingerprint);
    ENSURE_EQ(stats_of(fork).fingerprint, stats_of(whole).fingerprint);
    ENSURE_EQ(stats_of(steps).events, stats_of(whole).events);
    ENSURE_EQ(stats_of(fork).retransmits, stats_of(whole).retransmits);
    weft_sim_destroy(whole);
    weft_sim_destroy(steps);
    weft_sim_destroy(fork);
  }
}
