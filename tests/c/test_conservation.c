/* Packets and bytes are neither made nor lost: injected = delivered + dropped + in flight, at every
 * stop of every run, whatever goes wrong on the way. */
#include "fixture.h"

static void ensure_conserved(weft_sim *sim) {
  weft_stats s = stats_of(sim);
  ENSURE_EQ(s.packets_injected, s.packets_delivered + s.packets_dropped + s.packets_in_flight);
  ENSURE_EQ(s.bytes_injected, s.bytes_delivered + s.bytes_dropped + s.bytes_in_flight);
  ENSURE(s.flows_done + s.flows_failed <= s.flows_started && s.flows_started <= s.flows_added);
  MUST(sim, weft_check(sim));
}

/* Run in steps of `events`, checking at each stop; returns the totals. */
static weft_stats run_in_steps(weft_sim *sim, uint64_t events) {
  int result;
  do {
    result = MUST(sim, weft_run(sim, -1, events));
    ensure_conserved(sim);
  } while (result == WEFT_RUN_BUDGET);
  ENSURE_EQ(result, WEFT_RUN_DONE);
  weft_stats s = stats_of(sim);
  ENSURE_EQ(s.packets_in_flight, 0);
  ENSURE_EQ(s.bytes_in_flight, 0);
  return s;
}

static void add_incast(weft_sim *sim, uint32_t senders, uint64_t bytes) {
  for (uint32_t i = 1; i <= senders; i++) add_flow(sim, i, 0, bytes, (weft_time)i * 100);
}

TEST(incast_conserves_packets_under_every_congestion_control) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    weft_config config = weft_config_default();
    config.cc = cc;
    weft_sim *sim = star(&config, 17, 100 * (uint64_t)GBPS, US);
    add_incast(sim, 16, 200000);
    weft_stats s = run_in_steps(sim, 997);
    ENSURE_EQ(s.flows_done, 16);
    ENSURE_EQ(s.payload_delivered, 16 * 200000);
    ENSURE_EQ(s.packets_dropped, 0);
    weft_sim_destroy(sim);
  }
}

TEST(a_full_buffer_drops_and_every_byte_still_arrives) {
  weft_config config = quiet_config();
  config.pfc = 0;
  config.buffer_bytes = 100000;
  weft_sim *sim = star(&config, 17, 100 * (uint64_t)GBPS, US);
  add_incast(sim, 16, 200000);
  weft_stats s = run_in_steps(sim, 997);
  ENSURE(s.packets_dropped > 0);
  ENSURE(s.retransmits > 0);
  ENSURE_EQ(s.flows_done, 16);
  ENSURE_EQ(s.payload_delivered, 16 * 200000);
  weft_sim_destroy(sim);
}

TEST(pauses_keep_a_small_buffer_lossless) {
  weft_config config = quiet_config();
  config.buffer_bytes = 1 << 20;
  weft_sim *sim = dumbbell(&config, 8, 100 * (uint64_t)GBPS, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 8; i++) add_flow(sim, i, 8 + i, 500000, 0);
  weft_stats s = run_in_steps(sim, 997);
  ENSURE(s.pfc_pauses > 0);
  ENSURE_EQ(s.packets_dropped, 0);
  ENSURE_EQ(s.payload_delivered, 8 * 500000);
  weft_sim_destroy(sim);
}

TEST(a_lossy_link_loses_packets_and_every_byte_still_arrives) {
  weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 2; i++) add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_SWITCH);
  weft_link_def lossy = {
      .a = 0, .b = 2, .rate_bps = 10 * (uint64_t)GBPS, .delay_ps = US, .loss = 0.01};
  MUST(sim, weft_link_add(sim, &lossy));
  add_link(sim, 2, 1, 10 * (uint64_t)GBPS, US);
  MUST(sim, weft_fabric_ready(sim));
  add_flow(sim, 0, 1, 1000000, 0);
  weft_stats s = run_in_steps(sim, 100);
  ENSURE(s.packets_dropped > 0);
  ENSURE_EQ(s.payload_delivered, 1000000);
  ENSURE_EQ(s.flows_done, 1);
  weft_sim_destroy(sim);
}

TEST(a_link_that_fails_and_is_repaired_conserves_packets) {
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 16; i++) add_flow(sim, i, (i + 5) % 16, 400000, 0);
  /* Link 16 is the first above an edge switch; host 3's only link goes down too. */
  const weft_link_change changes[] = {
      {.at_ps = 10 * US, .link = 16, .factor = 0, .loss = -1},
      {.at_ps = 12 * US, .link = 3, .factor = 0, .loss = -1},
      {.at_ps = 15 * US, .link = 20, .factor = 0.25, .loss = -1},
      {.at_ps = 60 * US, .link = 16, .factor = 1, .loss = -1},
      {.at_ps = 70 * US, .link = 3, .factor = 1, .loss = -1},
  };
  for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
    MUST(sim, weft_link_schedule(sim, &changes[i]));
  }
  weft_stats s = run_in_steps(sim, 499);
  ENSURE(s.packets_dropped > 0);
  ENSURE_EQ(s.flows_done, 16);
  ENSURE_EQ(s.payload_delivered, 16 * 400000);
  weft_sim_destroy(sim);
}
