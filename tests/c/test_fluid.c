/* The fluid engine, with times worked out by hand. */
#include <stdlib.h>

#include "fixture.h"

/* A full packet of 1000 + 48 bytes takes 83,840 ps at 100 Gbit/s. */
enum { MSEC = 1000 * US, FRAME_PS = 83840 };

static weft_config fluid_config(void) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_FLUID;
  return config;
}

/* The time on the wire alone, without headers: 80,000 ps for 1000 B at 100 Gbit/s. */
static weft_config bare_config(void) {
  weft_config config = fluid_config();
  config.compat = WEFT_COMPAT_FLOWSIM;
  config.header_bytes = 0;
  return config;
}

static void change_link(weft_sim *sim, uint32_t link, weft_time at_ps, double factor) {
  weft_link_change change = weft_link_change_default();
  change.link = link;
  change.at_ps = at_ps;
  change.factor = factor;
  MUST(sim, weft_link_schedule(sim, &change));
}

static int64_t fct(weft_sim *sim, uint32_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
}

TEST(a_lone_fluid_flow_takes_its_ideal_time) {
  const weft_config config = fluid_config();
  static const uint64_t SIZES[] = {1, 999, 1000, 1001, 64000, 100000, 12345678};
  for (uint32_t rate = 1; rate <= 400; rate += 57) {
    weft_sim *sim = dumbbell(&config, 2, rate * (uint64_t)GBPS, 40ull * GBPS, 1 * US);
    for (uint32_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++)
      add_flow(sim, 0, 2, SIZES[i], (int64_t)i * 100000 * US);
    run_to_end(sim);
    for (uint32_t i = 0; i < sizeof SIZES / sizeof SIZES[0]; i++)
      ENSURE_EQ(fct(sim, i), cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", i));
    weft_sim_destroy(sim);
  }
}

TEST(fluid_flows_share_a_link) {
  const weft_config config = fluid_config();
  weft_sim *sim = star(&config, 9, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 9; i++) add_flow(sim, i, 0, 100000, 0);
  run_to_end(sim);
  /* 800 packets leave the switch one after the other, behind one on the first link. */
  for (uint32_t i = 0; i < 8; i++) ENSURE_EQ(fct(sim, i), 801 * FRAME_PS + 2 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1), 8 * 104800);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 2), 104800);
  ENSURE_EQ(stats_of(sim).payload_delivered, 800000);
  ENSURE_EQ(stats_of(sim).events, 1 + 1 + 1 + 8); /* starts, shares, ends, arrivals */
  weft_sim_destroy(sim);
}

TEST(fluid_shares_go_by_weight_and_end_at_a_cap) {
  const weft_config config = bare_config();
  weft_sim *sim = star(&config, 5, 100ull * GBPS, 0);
  weft_flow_def def = weft_flow_def_default();
  def.size_bytes = 300000;
  for (def.src = 1; def.src < 5; def.src++) {
    def.weight = def.src;
    def.rate_bps = def.src == 4 ? 10ull * GBPS : 0;
    MUST(sim, weft_flow_add(sim, &def));
  }
  /* 10 for the last; 90 as 15, 30 and 45. After 300 kB at 45 (53.333 us): 30 and 60. */
  ENSURE_EQ(MUST(sim, weft_run(sim, 20 * US, 0)), WEFT_RUN_UNTIL);
  MUST(sim, weft_check(sim));
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 0), 37500);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 1), 75000);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 2), 112500);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 3), 25000);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, 2), 53333334);
  ENSURE_EQ(fct(sim, 1), 66666667); /* 100 kB of it were left, at 60 */
  ENSURE_EQ(fct(sim, 3), 240 * US);
  /* 15 for 53.3 us, 30 for 13.3 us, and 1.2 Mbit at 90. */
  ENSURE_EQ(fct(sim, 0), 80 * US);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_leaves_when_it_has_sent_all_and_one_that_comes_then_has_its_share) {
  const weft_config config = bare_config();
  weft_sim *sim = star(&config, 4, 100ull * GBPS, 0);
  add_flow(sim, 1, 0, 100000, 0); /* alone until 8 us */
  add_flow(sim, 2, 0, 100000, 8 * US);
  add_flow(sim, 3, 0, 100000, 12 * US);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, 0), 8 * US);
  ENSURE_EQ(fct(sim, 1), 12 * US);
  ENSURE_EQ(fct(sim, 2), 12 * US);
  weft_sim_destroy(sim);
}

TEST(fluid_acks_load_the_way_back) {
  weft_config config = fluid_config();
  config.fluid_acks = 1;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  add_flow(sim, 1, 0, 10000000, 0);
  add_flow(sim, 0, 1, 10000000, 0);
  run_to_end(sim);
  /* 10,000 ACKs of 60 bytes among as many packets of 1048 on each port, and a packet's time. */
  const int64_t want = 10000LL * (1048 + 60) * 80 + FRAME_PS;
  ENSURE(llabs(fct(sim, 0) - want) <= 1 && fct(sim, 1) == fct(sim, 0));
  for (uint64_t port = 0; port < 4; port++)
    ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", port), 10000LL * (1048 + 60));
  weft_sim_destroy(sim);
}

TEST(a_window_per_round_trip_bounds_a_fluid_flow) {
  weft_config config = fluid_config();
  config.fluid_cap = WEFT_FLUID_CAP_WINDOW;
  config.window_bytes = 10000;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 1, 0, 1000000, 0);
  run_to_end(sim);
  /* The round trip: a packet and an ACK of 60 bytes over two links, 4 us of wire. 10 packets in it.
   * All but the last packet's way is the time of sending. */
  const int64_t rtt = 2 * FRAME_PS + 2 * 4800 + 4 * US;
  const int64_t want = 100 * rtt + FRAME_PS + 2 * US;
  ENSURE(llabs(fct(sim, 0) - want) <= 1);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_takes_the_way_that_it_is_given) {
  const weft_config config = bare_config();
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 0);
  uint32_t ports[WEFT_PATH_MAX], ways[2][WEFT_PATH_MAX];
  uint32_t found = 0;
  for (uint32_t flow = 1000; found < 2; flow++) { /* two ways that part at once */
    MUST(sim, weft_path(sim, 0, 15, flow, ports));
    if (found == 0 || ports[1] != ways[0][1]) memcpy(ways[found++], ports, sizeof ports);
  }
  weft_flow_def def = {.src = 0, .dst = 15, .size_bytes = 100000, .path_ports = 6};
  for (def.path = ways[0]; def.tag < 8; def.tag++) MUST(sim, weft_flow_add(sim, &def));
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", ways[0][1]), 800000);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", ways[1][1]), 0);
  for (uint32_t i = 0; i < 8; i++) ENSURE_EQ(fct(sim, i), 64 * US);
  def.path_ports = 5;
  ENSURE_EQ(weft_flow_add(sim, &def), WEFT_EINVAL);
  ENSURE(strstr(weft_sim_error(sim), "flow path: expected it to end at 15, got") != NULL);
  def.path_ports = 6;
  def.src = 1;
  ENSURE_EQ(weft_flow_add(sim, &def), WEFT_EINVAL);
  weft_sim_destroy(sim);
}

TEST(terms_of_single_flows_need_an_engine_that_shares) {
  const weft_config config = quiet_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  weft_flow_def def = {.src = 1, .dst = 0, .size_bytes = 1000, .weight = 2};
  ENSURE_EQ(weft_flow_add(sim, &def), WEFT_EINVAL);
  ENSURE(strcmp(weft_sim_error(sim),
                "flow weight: engine 'packet' has no terms of single flows; "
                "expected engine = 'fluid'") == 0);
  def.weight = 1;
  MUST(sim, weft_flow_add(sim, &def));
  weft_sim_destroy(sim);
}

/* ---- failures ---- */

TEST(a_fluid_flow_goes_on_at_the_rate_of_a_degraded_link) {
  const weft_config config = bare_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t flow = add_flow(sim, 1, 0, 100000, 0);
  change_link(sim, 1, 4 * US, 0.5);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, flow), 12 * US);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_waits_while_its_link_is_down_and_others_have_its_share) {
  const weft_config config = bare_config();
  weft_sim *sim = star(&config, 4, 100ull * GBPS, 0);
  const uint32_t early = add_flow(sim, 1, 0, 100000, 0);
  const uint32_t other = add_flow(sim, 2, 0, 100000, 0);
  const uint32_t late = add_flow(sim, 1, 3, 100000, 6 * US);
  change_link(sim, 1, 4 * US, 0);
  change_link(sim, 1, 14 * US, 1);
  ENSURE_EQ(MUST(sim, weft_run(sim, 7 * US, 0)), WEFT_RUN_UNTIL);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", early), 25000);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", other), 62500);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", late), 0);
  MUST(sim, weft_check(sim));
  run_to_end(sim);
  ENSURE_EQ(fct(sim, other), 10 * US);
  /* From 14 us on two share link 1: 75 kB take 12 us, and then 25 kB are left of the other. */
  ENSURE_EQ(fct(sim, early), 26 * US);
  ENSURE_EQ(fct(sim, late), 22 * US);
  ENSURE_EQ(stats_of(sim).now_ps, 28 * US);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_whose_end_is_now_is_complete_though_its_link_fails) {
  weft_config config = bare_config();
  config.give_up_ps = 1 * MSEC;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t flow = add_flow(sim, 1, 0, 100000, 0);
  change_link(sim, 1, 8 * US, 0); /* changes come first in an instant */
  run_to_end(sim);
  ENSURE_EQ(fct(sim, flow), 8 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", flow), 2);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_gives_up) {
  weft_config config = bare_config();
  config.give_up_ps = 1 * MSEC;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t lost = add_flow(sim, 1, 0, 100000, 0);
  const uint32_t saved = add_flow(sim, 2, 0, 100000, 0);
  change_link(sim, 1, 4 * US, 0);
  change_link(sim, 2, 4 * US, 0);
  change_link(sim, 2, 1 * MSEC, 1);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, lost), -1);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", lost), 3);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", lost), 25000);
  ENSURE_EQ(fct(sim, saved), 1 * MSEC + 6 * US);
  ENSURE_EQ(stats_of(sim).now_ps, 1 * MSEC + 6 * US);
  weft_sim_destroy(sim);
}

TEST(a_fluid_flow_takes_another_way) {
  const weft_config config = bare_config();
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 0);
  uint32_t ports[WEFT_PATH_MAX];
  const uint32_t flow = add_flow(sim, 0, 15, 100000, 0);
  ENSURE_EQ(MUST(sim, weft_path(sim, 0, 15, flow, ports)), 6);
  weft_link_change change = weft_link_change_default();
  change.link = ports[2] / 2;
  change.at_ps = 4 * US;
  change.factor = 0;
  change.detect_ps = 3 * US;
  MUST(sim, weft_link_schedule(sim, &change));
  run_to_end(sim);
  ENSURE_EQ(fct(sim, flow), 11 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", ports[2]), 50000);
  weft_sim_destroy(sim);
}

/* ---- steps of rings ---- */

/* An AllReduce of 4 MB by 4 hosts on a star: six steps of 1000 packets, each of which takes
 * 1001 packets' time over two links. */
TEST(merged_steps_of_a_fluid_ring_take_as_long_as_one_after_another) {
  enum { HOSTS = 4, STEPS = 6, STEP_PS = 1001 * FRAME_PS + 2 * US };
  for (uint32_t merge = 1; merge <= STEPS + 1; merge++) {
    weft_config config = fluid_config();
    config.merge_steps = merge;
    weft_sim *sim = star(&config, HOSTS, 100ull * GBPS, 1 * US);
    uint32_t ranks[HOSTS] = {0, 1, 2, 3};
    weft_collective_def def = weft_collective_def_default();
    def.kind = WEFT_ALLREDUCE;
    def.size_bytes = HOSTS * 1000000;
    def.ranks = ranks;
    def.rank_count = HOSTS;
    MUST(sim, weft_collective_add(sim, &def));
    run_to_end(sim);
    const uint32_t flows = (STEPS + merge - 1) / merge;
    ENSURE_EQ(stats_of(sim).flows_done, HOSTS * flows);
    ENSURE_EQ(stats_of(sim).now_ps, STEPS * STEP_PS);
    ENSURE_EQ(fct(sim, 0), (merge < STEPS ? merge : STEPS) * STEP_PS);
    ENSURE_EQ(fct(sim, 0), cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", 0));
    ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 0), STEPS * 1048000);
    weft_sim_destroy(sim);
  }
}

/* 10 bytes by 4 ranks are blocks of 3, 3, 2 and 2, whatever steps they go in: all of them but one
 * go over each link of the ring, once in ReduceScatter. */
TEST(merged_steps_carry_the_same_bytes) {
  static const uint32_t ALGORITHMS[] = {WEFT_RING, WEFT_BIDIRECTIONAL};
  for (uint32_t a = 0; a < 2; a++)
    for (uint32_t merge = 1; merge <= 7; merge++)
      for (uint32_t both = 0; both < 2; both++) {
        weft_config config = fluid_config();
        config.merge_steps = merge;
        weft_sim *sim = star(&config, 4, 100ull * GBPS, 1 * US);
        uint32_t ranks[4] = {0, 1, 2, 3};
        weft_collective_def def = weft_collective_def_default();
        def.kind = both ? WEFT_ALLREDUCE : WEFT_REDUCE_SCATTER;
        def.algorithm = ALGORITHMS[a];
        def.size_bytes = 10;
        def.ranks = ranks;
        def.rank_count = 4;
        MUST(sim, weft_collective_add(sim, &def));
        run_to_end(sim);
        ENSURE_EQ(stats_of(sim).payload_delivered, 3 * 10 * (1 + both));
        weft_sim_destroy(sim);
      }
}

/* ---- the same, however it is run ---- */

static void add_work(weft_sim *sim) {
  uint32_t ranks[16];
  for (uint32_t i = 0; i < 16; i++) ranks[i] = i;
  weft_collective_def def = weft_collective_def_default();
  def.kind = WEFT_ALLREDUCE;
  def.size_bytes = 640000;
  def.ranks = ranks;
  def.rank_count = 16;
  def.chunk_bytes = 8000;
  def.forget = 1;
  MUST(sim, weft_collective_add(sim, &def));
  for (uint32_t i = 0; i < 8; i++) add_flow(sim, i, 15 - i, 200000 + i, i * US);
  for (uint32_t i = 0; i < 40; i++) {
    const weft_flow_def flow = {.src = i % 16,
                                .dst = (7 * i + 3) % 16 == i % 16 ? (i + 1) % 16 : (7 * i + 3) % 16,
                                .size_bytes = 1 + 7919 * i,
                                .start_ps = (int64_t)(i % 5) * 3 * US,
                                .weight = 1 + i % 3,
                                .rate_bps = i % 4 == 0 ? 20ull * GBPS : 0};
    MUST(sim, weft_flow_add(sim, &flow));
  }
  change_link(sim, 3, 9 * US, 0.25);
  change_link(sim, 20, 10 * US, 0);
  change_link(sim, 20, 30 * US, 1);
}

static void ensure_same(weft_sim *a, weft_sim *b) {
  ENSURE_EQ(stats_of(a).fingerprint, stats_of(b).fingerprint);
  ENSURE_EQ(stats_of(a).events, stats_of(b).events);
  ENSURE_EQ(stats_of(a).now_ps, stats_of(b).now_ps);
  ENSURE_EQ(stats_of(a).payload_delivered, stats_of(b).payload_delivered);
  for (uint64_t port = 0; port < 2ull * weft_link_count(a); port++)
    ENSURE_EQ(cell(a, WEFT_TABLE_PORTS, "tx_bytes", port),
              cell(b, WEFT_TABLE_PORTS, "tx_bytes", port));
}

TEST(fluid_runs_in_steps_with_samples_and_forks_are_the_whole) {
  weft_config config = fluid_config();
  config.fluid_acks = 1;
  weft_sim *whole = fat_tree(&config, 4, 100ull * GBPS, 500000);
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 500000), *copy;
  add_work(whole);
  add_work(sim);
  run_to_end(whole);
  MUST(sim, weft_sample(sim, 1 * US, 16));
  MUST(sim, weft_watch(sim, WEFT_PORT_BYTES, 5));
  MUST(sim, weft_watch(sim, WEFT_FLOW_BYTES, 3));
  ENSURE_EQ(MUST(sim, weft_run(sim, 12 * US, 0)), WEFT_RUN_UNTIL);
  ENSURE_EQ(weft_sim_fork(sim, &copy), WEFT_OK);
  weft_sim_destroy(sim);
  for (uint32_t i = 0; MUST(copy, weft_run(copy, -1, 1)) == WEFT_RUN_BUDGET; i++) {
    if (i % 7 == 0) MUST(copy, weft_check(copy));
    if (i % 5 == 0) stats_of(copy); /* which brings counters to the present */
  }
  weft_stats a = stats_of(whole), b = stats_of(copy);
  ENSURE_EQ(a.fingerprint, b.fingerprint);
  for (uint64_t port = 0; port < 2ull * weft_link_count(copy); port++)
    ENSURE_EQ(cell(copy, WEFT_TABLE_PORTS, "tx_bytes", port),
              cell(whole, WEFT_TABLE_PORTS, "tx_bytes", port));
  weft_sim_destroy(copy);
  sim = fat_tree(&config, 4, 100ull * GBPS, 500000);
  add_work(sim);
  while (MUST(sim, weft_run(sim, -1, 1)) == WEFT_RUN_BUDGET) continue;
  ensure_same(whole, sim);
  weft_sim_destroy(sim);
  weft_sim_destroy(whole);
}

/* ---- memory ---- */

struct failing {
  uint64_t left;
};

static void *fail_later(void *user, void *block, size_t old_size, size_t new_size) {
  struct failing *failing = user;
  (void)old_size;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  if (failing->left == 0) return NULL;
  --failing->left;
  return realloc(block, new_size);
}

TEST(each_allocation_of_a_fluid_run_may_fail) {
  const weft_config config = fluid_config();
  uint64_t last = 0;
  for (uint64_t n = 0; last == 0; n++) {
    struct failing failing = {UINT64_MAX};
    const weft_allocator allocator = {fail_later, &failing};
    weft_sim *sim = fat_tree_open(&config, &allocator, 4, 100ull * GBPS, 500000);
    MUST(sim, weft_fabric_ready(sim));
    for (uint32_t i = 0; i < 60; i++)
      add_flow(sim, i % 16, (i * 5 + 1) % 16 == i % 16 ? (i + 1) % 16 : (i * 5 + 1) % 16,
               1000 + 777 * i, (int64_t)(i / 20) * US);
    failing.left = n;
    const int status = weft_run(sim, -1, 0);
    ENSURE(status == WEFT_ENOMEM || status == WEFT_RUN_DONE);
    if (status == WEFT_RUN_DONE) last = n;
    failing.left = UINT64_MAX;
    weft_sim_destroy(sim);
  }
  ENSURE(last > 10);
}
