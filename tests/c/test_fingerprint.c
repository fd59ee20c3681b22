/* The same input gives the same events, however the run is cut up, and a fork is its original. */
#include "fixture.h"

/* Everything at once: uneven rates, incast, marks, a gray link, a task graph. */
static weft_sim *scene(uint32_t cc) {
  weft_config config = weft_config_default();
  config.cc = cc;
  config.buffer_bytes = 4 << 20;
  weft_sim *sim = fat_tree(&config, 4, 30 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 16; i++) add_flow(sim, i, (i + 7) % 16, 100000 + 777 * i, i * 31);
  for (uint32_t i = 1; i < 8; i++) add_flow(sim, i, 0, 50000, 5 * US);
  weft_link_change gray = {.at_ps = 9 * US, .link = 5, .factor = 0.25, .loss = -1};
  MUST(sim, weft_link_schedule(sim, &gray));
  uint32_t ranks[] = {0, 4, 8, 12, 2};
  weft_collective_def ring = {
      .kind = WEFT_ALLREDUCE, .size_bytes = 200000, .ranks = ranks, .rank_count = 5};
  MUST(sim, weft_collective_add(sim, &ring));
  return sim;
}

static uint64_t print_of(weft_sim *sim) {
  return stats_of(sim).fingerprint;
}

TEST(the_same_run_twice_has_the_same_fingerprint) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    weft_sim *a = scene(cc);
    weft_sim *b = scene(cc);
    run_to_end(a);
    run_to_end(b);
    ENSURE(print_of(a) != 0);
    ENSURE_EQ(print_of(a), print_of(b));
    ENSURE_EQ(stats_of(a).events, stats_of(b).events);
    weft_sim_destroy(a);
    weft_sim_destroy(b);
  }
}

TEST(a_run_in_small_steps_has_the_same_fingerprint) {
  weft_sim *whole = scene(WEFT_CC_HPCC);
  weft_sim *steps = scene(WEFT_CC_HPCC);
  weft_sim *until = scene(WEFT_CC_HPCC);
  run_to_end(whole);
  while (MUST(steps, weft_run(steps, -1, 7)) == WEFT_RUN_BUDGET) {
    stats_of(steps);
  }
  for (weft_time t = 0; MUST(until, weft_run(until, t, 0)) == WEFT_RUN_UNTIL; t += 1234567) {
    ENSURE_EQ(stats_of(until).now_ps, t);
  }
  ENSURE_EQ(print_of(steps), print_of(whole));
  ENSURE_EQ(print_of(until), print_of(whole));
  weft_sim_destroy(whole);
  weft_sim_destroy(steps);
  weft_sim_destroy(until);
}

TEST(a_fork_continues_as_its_original) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    weft_sim *original = scene(cc);
    ENSURE_EQ(MUST(original, weft_run(original, -1, 3000)), WEFT_RUN_BUDGET);
    weft_sim *fork = NULL;
    MUST(original, weft_sim_fork(original, &fork));
    ENSURE_EQ(print_of(fork), print_of(original));
    run_to_end(fork);
    uint64_t alone = print_of(fork);
    weft_sim_destroy(fork);
    run_to_end(original);
    ENSURE_EQ(print_of(original), alone);
    weft_sim_destroy(original);
  }
}

TEST(what_a_fork_does_leaves_the_original_alone) {
  weft_sim *original = scene(WEFT_CC_DCTCP);
  weft_sim *untouched = scene(WEFT_CC_DCTCP);
  MUST(original, weft_run(original, -1, 2000));
  weft_sim *fork = NULL;
  MUST(original, weft_sim_fork(original, &fork));
  add_flow(fork, 3, 9, 1000000, stats_of(fork).now_ps);
  run_to_end(fork);
  run_to_end(original);
  run_to_end(untouched);
  ENSURE_EQ(print_of(original), print_of(untouched));
  ENSURE(print_of(fork) != print_of(original));
  weft_sim_destroy(fork);
  weft_sim_destroy(original);
  weft_sim_destroy(untouched);
}

TEST(another_seed_gives_another_fingerprint) {
  uint64_t prints[2];
  for (uint32_t i = 0; i < 2; i++) {
    weft_config config = weft_config_default();
    config.seed = i + 1;
    weft_sim *sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
    for (uint32_t h = 0; h < 8; h++) add_flow(sim, h, 8 + h, 50000, 0);
    run_to_end(sim);
    prints[i] = print_of(sim);
    weft_sim_destroy(sim);
  }
  ENSURE(prints[0] != prints[1]);
}
