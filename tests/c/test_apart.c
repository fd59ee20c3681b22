/* Partitions that are simulated by themselves: where a run is cut, who looks at it and how many
 * threads work on it changes nothing, and no partition holds more in a switch than it has reserved
 * there. */
#include <stdlib.h>

#include "fixture.h"
#include "sim_i.h"

enum { MEMOIZE = 1, SKIP = 2 };

static weft_config config_of(uint32_t cc, int mode, uint32_t threads) {
  weft_config config = weft_config_default();
  config.cc = cc;
  config.memoize = mode & MEMOIZE;
  config.fast_forward = (mode & SKIP) != 0;
  config.threads = threads;
  return config;
}

/* Four groups that do the same at the same time, so that flows of several partitions end in one
 * instant, and then the same again, each behind another group. */
static weft_sim *alike(uint32_t algorithm, uint32_t cc, int mode, uint32_t threads) {
  enum { GROUPS = 4, SIZE = 4 };
  const weft_config config = config_of(cc, mode, threads);
  weft_sim *sim = star(&config, GROUPS * SIZE, 100 * (uint64_t)GBPS, US);
  uint32_t task[GROUPS] = {0}, ranks[SIZE];
  sim->domains.always_split = 1;
  for (uint32_t i = 0; i < 2 * GROUPS; i++) {
    for (uint32_t k = 0; k < SIZE; k++) ranks[k] = i % GROUPS * SIZE + k;
    const weft_collective_def def = {.kind = WEFT_ALLREDUCE,
                                     .algorithm = algorithm,
                                     .rank_count = SIZE,
                                     .ranks = ranks,
                                     .size_bytes = i < GROUPS ? 2000000 : 1000000,
                                     .after = i < GROUPS ? 0 : task[(i + 1) % GROUPS] + 1};
    const uint32_t added = (uint32_t)MUST(sim, weft_collective_add(sim, &def));
    if (i < GROUPS) task[i] = added;
  }
  return sim;
}

static const uint32_t ALGORITHMS[] = {WEFT_RING, WEFT_TREE, WEFT_HALVING_DOUBLING};
static const uint32_t CONTROLS[] = {WEFT_CC_WINDOW, WEFT_CC_HPCC, WEFT_CC_DCQCN};

static uint64_t fingerprint_at_end(weft_sim *sim) {
  run_to_end(sim);
  const uint64_t fingerprint = stats_of(sim).fingerprint;
  weft_sim_destroy(sim);
  return fingerprint;
}

TEST(partitions_apart_do_not_mind_where_a_run_is_cut) {
  for (uint32_t i = 0; i < 9; i++) {
    const uint32_t algorithm = ALGORITHMS[i % 3], cc = CONTROLS[i / 3];
    const uint64_t whole = fingerprint_at_end(alike(algorithm, cc, MEMOIZE | SKIP, 1));
    ENSURE_EQ(fingerprint_at_end(alike(algorithm, cc, MEMOIZE | SKIP, 3)), whole);
    for (uint64_t events = 1; events < 40; events = 3 * events + 1) {
      weft_sim *sim = alike(algorithm, cc, MEMOIZE | SKIP, 1 + (uint32_t)events % 2);
      while (MUST(sim, weft_run(sim, -1, events)) != WEFT_RUN_DONE) {
      }
      ENSURE_EQ(fingerprint_at_end(sim), whole);
    }
  }
}

TEST(partitions_apart_do_not_mind_samples_at_the_end_of_a_flow) {
  for (uint32_t i = 0; i < 9; i++) {
    const uint32_t algorithm = ALGORITHMS[i % 3], cc = CONTROLS[i / 3];
    weft_sim *first = alike(algorithm, cc, MEMOIZE | SKIP, 1);
    run_to_end(first);
    const uint64_t whole = stats_of(first).fingerprint;
    for (uint32_t row = 0; row < 24; row += 5) {
      weft_sim *sim = alike(algorithm, cc, MEMOIZE | SKIP, 1);
      MUST(sim, weft_sample(sim, cell(first, WEFT_TABLE_FLOWS, "received_ps", row), 100));
      MUST(sim, weft_watch(sim, WEFT_PORT_BYTES, 0));
      ENSURE_EQ(fingerprint_at_end(sim), whole);
    }
    weft_sim_destroy(first);
  }
}

/* Microsecond by microsecond; returns how often a partition was apart. */
static uint32_t check_bounds(weft_sim *sim) {
  uint32_t apart = 0;
  int result = WEFT_RUN_UNTIL;
  while (result != WEFT_RUN_DONE) {
    result = MUST(sim, weft_run(sim, sim->now + US, 0));
    apart += sim->accel.apart.n > 0;
    for (uint32_t p = 0; p < sim->packet.ports.n; p++)
      if (sim->accel.port_shares.at[p].reserved)
        ENSURE(sim->packet.ports.at[p].queue_bytes <= sim->accel.port_shares.at[p].bound);
    if (sim->now % (100 * US) == 0) MUST(sim, weft_check(sim));
  }
  return apart;
}

TEST(partitions_apart_reserve_what_they_can_hold) {
  for (uint32_t n = 1; n < 24; n += 5) { /* flows of one pair, with nothing to hold them back */
    weft_config config = config_of(WEFT_CC_DCQCN, SKIP, 1);
    config.window_mode = WEFT_WINDOW_NONE;
    weft_sim *sim = star(&config, 4, 100 * (uint64_t)GBPS, US);
    for (uint32_t i = 0; i < n; i++) add_flow(sim, 0, 1, 3000000, 0);
    ENSURE(check_bounds(sim) > 0);
    weft_sim_destroy(sim);
  }
  for (uint32_t rto = 4; rto < 40; rto *= 2) { /* timeouts while all goes well */
    weft_config config = config_of(WEFT_CC_WINDOW, SKIP, 1);
    config.rto_ps = rto * (weft_time)US;
    weft_sim *sim = star(&config, 6, 100 * (uint64_t)GBPS, US);
    for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, 4 + i / 3, 3000000, i * US);
    check_bounds(sim);
    weft_sim_destroy(sim);
  }
}

/* What is on a long wire as it becomes slow comes at the rate of before. */
TEST(partitions_apart_know_of_links_that_have_become_slow) {
  uint64_t fingerprint[2];
  for (uint32_t i = 0; i < 2; i++) {
    weft_config config = config_of(WEFT_CC_WINDOW, SKIP, 1 + 2 * i);
    config.buffer_bytes = 10900000;
    config.pfc = 0;
    weft_sim *sim = star(&config, 4, 400 * (uint64_t)GBPS, 50 * (weft_time)US);
    sim->domains.always_split = 1;
    for (uint32_t k = 0; k < 2; k++) add_flow(sim, k, 2 + k, 20000000, 0);
    for (uint32_t k = 0; k < weft_link_count(sim); k++) {
      const weft_link_change slow = {
          .at_ps = 260 * (weft_time)US, .link = k, .factor = 0.025, .loss = -1};
      MUST(sim, weft_link_schedule(sim, &slow));
    }
    check_bounds(sim);
    fingerprint[i] = fingerprint_at_end(sim);
  }
  ENSURE_EQ(fingerprint[0], fingerprint[1]);
}

/* What is counted of phases as they change is what a walk over all partitions finds. */
TEST(partitions_are_counted_by_their_phases) {
  uint32_t seen[PARTITION_APART + 1] = {0};
  for (uint32_t i = 0; i < 9; i++) {
    weft_sim *sim = alike(ALGORITHMS[i % 3], CONTROLS[i / 3], MEMOIZE | SKIP, 1);
    int result = WEFT_RUN_BUDGET;
    for (uint64_t events = 7; result != WEFT_RUN_DONE; events += 5) {
      result = MUST(sim, weft_run(sim, -1, events));
      uint32_t counts[PARTITION_APART + 1] = {0}, unarmed = 0;
      for (uint32_t p = 0; p < sim->accel.partitions.n; p++) {
        ++counts[sim->accel.partitions.at[p].phase];
        unarmed += sim->accel.partitions.at[p].unarmed;
      }
      ENSURE_EQ(counts[PARTITION_FREE], sim->accel.free_partitions.n);
      ENSURE_EQ(counts[PARTITION_FOLLOW], sim->accel.followers);
      ENSURE_EQ(counts[PARTITION_APART], sim->accel.apart.n);
      ENSURE_EQ(sim->accel.partitions.n - counts[PARTITION_FREE] - counts[PARTITION_LIVE],
                sim->accel.parked);
      ENSURE_EQ(unarmed, sim->accel.unarmed);
      for (uint32_t phase = 0; phase <= PARTITION_APART; phase++) seen[phase] += counts[phase];
    }
    ENSURE_EQ(sim->accel.free_partitions.n, sim->accel.partitions.n); /* all flows are over */
    weft_sim_destroy(sim);
  }
  for (uint32_t phase = 0; phase <= PARTITION_APART; phase++) ENSURE(seen[phase] > 0);
}
