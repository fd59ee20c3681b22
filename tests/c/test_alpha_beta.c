/* Collectives take the time of the alpha-beta model on a fabric without congestion: a star, whose
 * hosts have one link each.
 *
 * A message of m bytes takes alpha + m beta: its ideal time on its path, exactly, which the engine
 * gives (packets, headers, store and forward included). Messages that a rank sends or receives at
 * once share its link and take the time of one message with the bytes of all. ACKs are not in the
 * model: one byte here, where a real one takes 6 % of the way back. */
#include "fixture.h"

enum { MB = 1000000 };

static weft_sim *quiet_star(uint32_t n) {
  weft_config config = quiet_config();
  config.ack_bytes = 1;
  config.buffer_bytes = 1 << 30;
  return star(&config, n, 100 * (uint64_t)GBPS, US);
}

static double ideal(weft_sim *sim, uint64_t bytes) {
  weft_time fct;
  MUST(sim, weft_ideal_fct(sim, 0, 1, bytes, &fct));
  return (double)fct;
}

/* What a message adds when others follow it without a gap. */
static double gap(weft_sim *sim, uint64_t bytes) {
  return ideal(sim, 11 * bytes) / 10 - ideal(sim, bytes) / 10;
}

static double time_of(weft_sim *sim, uint32_t n, weft_collective_def def) {
  uint32_t ranks[64];
  for (uint32_t i = 0; i < n; i++) ranks[i] = i;
  def.ranks = ranks;
  def.rank_count = n;
  const uint64_t task = (uint64_t)MUST(sim, weft_collective_add(sim, &def));
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  return (double)(cell(sim, WEFT_TABLE_TASKS, "end_ps", task) -
                  cell(sim, WEFT_TABLE_TASKS, "begin_ps", task));
}

#define TAKES(wanted, ...) \
  ENSURE_NEAR(time_of(sim, n, (weft_collective_def){__VA_ARGS__}), wanted, 0.01)

TEST(rings_take_the_time_of_the_alpha_beta_model) {
  for (uint32_t n = 2; n <= 9; n++) {
    weft_sim *sim = quiet_star(n);
    const uint64_t m = MB / 10, size = n * m;
    const double step = ideal(sim, m);
    TAKES(2 * (n - 1) * step, .kind = WEFT_ALLREDUCE, .size_bytes = size);
    TAKES((n - 1) * step, .kind = WEFT_REDUCE_SCATTER, .size_bytes = size);
    TAKES((n - 1) * step, .kind = WEFT_ALL_GATHER, .size_bytes = size);
    TAKES((n - 1) * ideal(sim, size), .kind = WEFT_BROADCAST, .size_bytes = size);
    TAKES((n - 1) * ideal(sim, size), .kind = WEFT_REDUCE, .size_bytes = size);
    /* Both halves of a message share the link of the rank. */
    TAKES(2 * (n - 1) * step, .kind = WEFT_ALLREDUCE, .algorithm = WEFT_BIDIRECTIONAL,
          .size_bytes = size);
    weft_sim_destroy(sim);
  }
}

/* Ten chunks: the link is never idle, and alpha counts once (ring) or once a hop (chain). */
TEST(chunks_follow_one_another_without_a_gap) {
  for (uint32_t n = 3; n <= 8; n++) {
    weft_sim *sim = quiet_star(n);
    const uint64_t m = MB / 10, size = 10 * n * m;
    TAKES((20 * (n - 1) - 1) * gap(sim, m) + ideal(sim, m), .kind = WEFT_ALLREDUCE,
          .size_bytes = size, .chunk_bytes = m);
    TAKES((n - 1) * ideal(sim, m) + (10 * n - 1) * gap(sim, m), .kind = WEFT_BROADCAST,
          .size_bytes = size, .chunk_bytes = m);
    TAKES((n - 1) * ideal(sim, m) + (10 * n - 1) * gap(sim, m), .kind = WEFT_REDUCE,
          .size_bytes = size, .chunk_bytes = m);
    weft_sim_destroy(sim);
  }
}

/* n = 2^k: the root has one child, every other inner node two, and levels are alike. */
TEST(a_tree_takes_the_time_of_the_alpha_beta_model) {
  for (uint32_t k = 1; k <= 5; k++) {
    const uint32_t n = 1u << k;
    weft_sim *sim = quiet_star(n);
    const double way = ideal(sim, MB) + (k - 1) * ideal(sim, 2 * MB);
    TAKES(way, .kind = WEFT_BROADCAST, .algorithm = WEFT_TREE, .size_bytes = MB, .root = n / 2);
    TAKES(way, .kind = WEFT_REDUCE, .algorithm = WEFT_TREE, .size_bytes = MB, .root = n - 1);
    TAKES(2 * way, .kind = WEFT_ALLREDUCE, .algorithm = WEFT_TREE, .size_bytes = MB);
    weft_sim_destroy(sim);
  }
}

TEST(halving_and_doubling_takes_the_time_of_the_alpha_beta_model) {
  for (uint32_t n = 2; n <= 32; n *= 2) {
    weft_sim *sim = quiet_star(n);
    double rounds = 0;
    for (uint32_t part = 2; part <= n; part *= 2) rounds += ideal(sim, 4 * MB / part);
    TAKES(2 * rounds, .kind = WEFT_ALLREDUCE, .algorithm = WEFT_HALVING_DOUBLING,
          .size_bytes = 4 * MB);
    TAKES(rounds, .kind = WEFT_REDUCE_SCATTER, .algorithm = WEFT_HALVING_DOUBLING,
          .size_bytes = 4 * MB);
    TAKES(rounds, .kind = WEFT_ALL_GATHER, .algorithm = WEFT_HALVING_DOUBLING,
          .size_bytes = 4 * MB);
    weft_sim_destroy(sim);
  }
}

/* Other n have two messages more, of the whole buffer. Ranks that are in no pair don't wait for the
 * first of them: their first message of the rounds shares the receiver's link with it. */
TEST(halving_among_other_numbers_of_ranks_takes_a_little_more) {
  for (uint32_t n = 3; n <= 17; n++) {
    uint32_t members = 2;
    while (2 * members <= n) members *= 2;
    if (n == members) continue;
    weft_sim *sim = quiet_star(n);
    double wanted = 2 * ideal(sim, 4 * MB);
    for (uint32_t part = 2; part <= members; part *= 2) wanted += 2 * ideal(sim, 4 * MB / part);
    const double got = time_of(
        sim, n,
        (weft_collective_def){
            .kind = WEFT_ALLREDUCE, .algorithm = WEFT_HALVING_DOUBLING, .size_bytes = 4 * MB});
    ENSURE(got > 0.99 * wanted && got < 1.25 * wanted);
    weft_sim_destroy(sim);
  }
}

TEST(a_hierarchy_takes_the_time_of_the_alpha_beta_model) {
  for (uint32_t local = 2; local <= 4; local++) {
    for (uint32_t servers = 2; servers <= 4; servers++) {
      const uint32_t n = local * servers;
      weft_sim *sim = quiet_star(n);
      const uint64_t m = MB / 10, size = n * m;
      const double inside = ideal(sim, (local - 1) * servers * m);
      TAKES(2 * inside + 2 * (servers - 1) * ideal(sim, m), .kind = WEFT_ALLREDUCE,
            .algorithm = WEFT_HIERARCHICAL, .local = local, .size_bytes = size);
      TAKES(inside + ideal(sim, (servers - 1) * local * m), .kind = WEFT_ALL_TO_ALL,
            .algorithm = WEFT_HIERARCHICAL, .local = local, .size_bytes = size);
      weft_sim_destroy(sim);
    }
  }
}

TEST(an_all_to_all_takes_the_time_of_the_alpha_beta_model) {
  for (uint32_t n = 2; n <= 12; n++) {
    weft_sim *sim = quiet_star(n);
    const uint64_t m = MB / 10, size = n * m;
    TAKES(ideal(sim, (n - 1) * m), .kind = WEFT_ALL_TO_ALL, .size_bytes = size);
    TAKES((n - 1) * ideal(sim, m), .kind = WEFT_ALL_TO_ALL, .algorithm = WEFT_PAIRWISE,
          .size_bytes = size);
    weft_sim_destroy(sim);
  }
}

/* No closed form, but a bound: every rank receives twice the buffer, less what it starts with. */
TEST(two_trees_use_links_that_one_leaves_idle) {
  const uint32_t n = 16;
  weft_sim *sim = quiet_star(n);
  weft_collective_def def = {.kind = WEFT_ALLREDUCE,
                             .algorithm = WEFT_TREE,
                             .size_bytes = 20 * MB,
                             .chunk_bytes = MB / 10};
  const double one = time_of(sim, n, def);
  def.algorithm = WEFT_DOUBLE_TREE;
  const double two = time_of(sim, n, def);
  const double least = 2 * gap(sim, 20 * MB);
  ENSURE(one > 3 * gap(sim, 20 * MB)); /* an inner node sends to a parent and two children */
  ENSURE(two > least && two < 1.2 * least);
  weft_sim_destroy(sim);
}
