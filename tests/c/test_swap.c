/* Another congestion control in mid-run, and forks of simulations with one from outside. */
#include "fixture.h"

/* A rate that falls with each ACK of a flow, from a count that the script keeps by slot. */
struct counts {
  uint32_t acks[64];
};

static int count_acks(void *user, int what, weft_script_flow *flow, const weft_script_ack *ack) {
  struct counts *counts = (struct counts *)user;
  if (what == WEFT_SCRIPT_START) counts->acks[flow->slot] = 0;
  if (ack != NULL) flow->rate_bps = (double)(flow->line_bps / (1 + counts->acks[flow->slot]++ % 7));
  return 0;
}

static weft_sim *incast(uint32_t cc, struct counts *counts) {
  weft_config config = weft_config_default();
  config.cc = cc;
  weft_sim *sim = fat_tree_open(&config, NULL, 4, 100ull * GBPS, US);
  const weft_script script = {.call = count_acks, .user = counts};
  if (cc == WEFT_CC_SCRIPT) MUST(sim, weft_sim_set_script(sim, &script));
  MUST(sim, weft_fabric_ready(sim));
  for (uint32_t host = 1; host < 16; host++) add_flow(sim, host, 0, 100000 + host, host * US);
  return sim;
}

TEST(a_fork_goes_on_with_a_copy_of_what_a_script_keeps) {
  struct counts counts = {{0}};
  weft_sim *sim = incast(WEFT_CC_SCRIPT, &counts), *copy = NULL;
  ENSURE_EQ(weft_run(sim, 40 * US, 0), WEFT_RUN_UNTIL);
  struct counts own = counts;
  ENSURE_EQ(weft_sim_fork(sim, &copy), WEFT_OK);
  const weft_script script = {.call = count_acks, .user = &own};
  MUST(copy, weft_sim_set_script(copy, &script));
  run_to_end(sim);
  run_to_end(copy);
  ENSURE_EQ(stats_of(copy).fingerprint, stats_of(sim).fingerprint);
  ENSURE(memcmp(&own, &counts, sizeof own) == 0);
  weft_sim_destroy(copy);
  weft_sim_destroy(sim);
}

TEST(flows_under_way_end_with_any_other_congestion_control) {
  struct counts counts = {{0}};
  const weft_script script = {.call = count_acks, .user = &counts};
  for (uint32_t from = 0; from < WEFT_CC_COUNT; from++)
    for (uint32_t to = 0; to < WEFT_CC_COUNT; to++) {
      weft_sim *sim = incast(from, &counts);
      ENSURE_EQ(weft_run(sim, 25 * US, 0), WEFT_RUN_UNTIL);
      MUST(sim, weft_sim_set_script(sim, &script));
      /* BBR counts what SACK tells of, and recovery stays what it was. */
      const int has_sack = from == WEFT_CC_RENO || from == WEFT_CC_CUBIC || from == WEFT_CC_BBR;
      const int may = to != WEFT_CC_BBR || has_sack;
      ENSURE_EQ(weft_sim_set_cc(sim, (int)to), may ? WEFT_OK : WEFT_EINVAL);
      ENSURE_EQ(weft_sim_config(sim).cc, may ? to : from);
      ENSURE_EQ(weft_run(sim, 30 * US, 0), WEFT_RUN_UNTIL);
      MUST(sim, weft_check(sim));
      run_to_end(sim);
      MUST(sim, weft_check(sim));
      ENSURE_EQ(stats_of(sim).flows_done, 15);
      weft_sim_destroy(sim);
    }
}

TEST(a_congestion_control_that_cannot_be_is_refused_and_changes_nothing) {
  struct counts counts = {{0}};
  weft_sim *sim = incast(WEFT_CC_DCTCP, &counts), *other = incast(WEFT_CC_DCTCP, &counts);
  ENSURE_EQ(weft_sim_set_cc(sim, WEFT_CC_COUNT), WEFT_EINVAL);
  ENSURE_EQ(weft_sim_set_cc(sim, WEFT_CC_SCRIPT), WEFT_ESTATE);
  ENSURE_HAS(weft_sim_error(sim), "weft_sim_set_script");
  run_to_end(sim);
  run_to_end(other);
  ENSURE_EQ(stats_of(sim).fingerprint, stats_of(other).fingerprint);
  weft_sim_destroy(sim);
  weft_sim_destroy(other);
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_DCTCP;
  sim = fat_tree_open(&config, NULL, 4, 100ull * GBPS, US);
  ENSURE_EQ(weft_sim_set_cc(sim, WEFT_CC_HPCC), WEFT_ESTATE);
  weft_sim_destroy(sim);
}
