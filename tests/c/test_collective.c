/* Collectives as tasks: what they hold, what waits for them. */
#include "fixture.h"
#include "sim_i.h"

enum { RANKS = 1024 };

static void all_hosts(uint32_t *ranks, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) ranks[i] = i;
}

static weft_collective_def allreduce(const uint32_t *ranks, uint32_t n, uint64_t size) {
  return (weft_collective_def){
      .kind = WEFT_ALLREDUCE, .size_bytes = size, .ranks = ranks, .rank_count = n};
}

TEST(a_collective_of_1024_ranks_holds_no_sends_before_they_go) {
  uint32_t ranks[RANKS];
  all_hosts(ranks, RANKS);
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, RANKS, 100 * (uint64_t)GBPS, US);
  MUST(sim, weft_run(sim, 0, 0)); /* what a run takes by itself */
  weft_collective_def def = allreduce(ranks, RANKS, RANKS * 1000);
  uint64_t before = stats_of(sim).memory_bytes;
  MUST(sim, weft_collective_add(sim, &def));
  ENSURE(stats_of(sim).memory_bytes - before < 16 * RANKS); /* the list of ranks and marks */
  MUST(sim, weft_run(sim, 0, 0));
  ENSURE_EQ(stats_of(sim).flows_started, RANKS); /* of 2 x 1023 x 1024 */
  ENSURE_EQ(sim->work.lanes.n, RANKS);
  before = stats_of(sim).memory_bytes;
  for (uint32_t i = 0; i < 1000; i++) MUST(sim, weft_collective_add(sim, &def));
  ENSURE(stats_of(sim).memory_bytes - before < 1000 * 400); /* not the ranks again */
  weft_sim_destroy(sim);
}

TEST(lanes_are_used_again) {
  uint32_t ranks[8];
  all_hosts(ranks, 8);
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 8, 100 * (uint64_t)GBPS, US);
  weft_collective_def def = allreduce(ranks, 8, 80000);
  for (uint32_t i = 0; i < 5; i++) {
    def.after = 1 + (uint32_t)MUST(sim, weft_collective_add(sim, &def));
  }
  run_to_end(sim);
  ENSURE_EQ(sim->work.lanes.n, 8);
  ENSURE_EQ(stats_of(sim).tasks_done, 5);
  ENSURE_EQ(stats_of(sim).flows_done, 5 * 14 * 8);
  weft_sim_destroy(sim);
}

/* Twice the same collective, of which one keeps no rows. On a star there is one way, so that times
 * do not hang on the numbers of flows. */
TEST(a_collective_that_forgets_takes_the_same_time_in_less_memory) {
  uint32_t ranks[32];
  all_hosts(ranks, 32);
  weft_config config = quiet_config();
  weft_collective_def def = allreduce(ranks, 32, 64000);
  def.chunk_bytes = 1000;
  weft_time end[2];
  for (def.forget = 0; def.forget < 2; def.forget++) {
    weft_sim *sim = star(&config, 32, 100 * (uint64_t)GBPS, US);
    MUST(sim, weft_collective_add(sim, &def));
    run_to_end(sim);
    end[def.forget] = cell(sim, WEFT_TABLE_TASKS, "end_ps", 0);
    ENSURE_EQ(stats_of(sim).flows_done, 32 * 62 * 2);
    ENSURE_EQ(stats_of(sim).flows_added, 32 * 62 * 2);
    if (def.forget) ENSURE(sim->flow.rows.n < 32 * 62 * 2 / 10); /* those under way at once */
    weft_sim_destroy(sim);
  }
  ENSURE_EQ(end[0], end[1]);
}

TEST(a_collective_waits_and_is_waited_for_as_a_whole) {
  uint32_t ranks[5];
  all_hosts(ranks, 5);
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 5, 100 * (uint64_t)GBPS, US);
  const weft_task_def compute = {.kind = WEFT_TASK_COMPUTE, .duration_ps = 7 * US};
  const uint32_t first = (uint32_t)MUST(sim, weft_task_add(sim, &compute));
  const weft_collective_def def = allreduce(ranks, 5, 50000);
  const uint32_t middle = (uint32_t)MUST(sim, weft_collective_add(sim, &def));
  const uint32_t last = (uint32_t)MUST(sim, weft_task_add(sim, &compute));
  MUST(sim, weft_task_after(sim, middle, first));
  MUST(sim, weft_task_after(sim, last, middle));
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_TASKS, "begin_ps", middle), 7 * US);
  const int64_t end = cell(sim, WEFT_TABLE_TASKS, "end_ps", middle);
  int64_t arrived = 0;
  for (uint64_t f = 0; f < stats_of(sim).flows_done; f++) {
    const int64_t at = cell(sim, WEFT_TABLE_FLOWS, "received_ps", f);
    if (at > arrived) arrived = at;
  }
  ENSURE_EQ(end, arrived);
  ENSURE_EQ(cell(sim, WEFT_TABLE_TASKS, "begin_ps", last), end);
  weft_sim_destroy(sim);
}
