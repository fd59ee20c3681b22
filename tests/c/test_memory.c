/* Memory: sizes given back are those that were taken, nothing is allocated once a run is warm, and
 * a simulation survives the failure of any single allocation. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

typedef struct ledger {
  uint64_t calls; /* that asked for memory */
  uint64_t bytes; /* held now */
  uint64_t fail_at; /* the call that gets nothing; 0: none */
  bool wrong_size; /* an old size was not what had been asked for */
} ledger;

/* Each block begins with its size, in a slot that keeps the alignment of malloc. */
typedef union header {
  size_t size;
  max_align_t align;
} header;

static void *count_resize(void *user, void *block, size_t old_size, size_t new_size) {
  ledger *book = user;
  header *old = block == NULL ? NULL : (header *)block - 1;
  if ((old == NULL ? 0 : old->size) != old_size) book->wrong_size = true;
  if (new_size == 0) {
    book->bytes -= old_size;
    free(old);
    return NULL;
  }
  if (++book->calls == book->fail_at) return NULL;
  header *grown = malloc(sizeof *grown + new_size);
  if (grown == NULL) return NULL;
  grown->size = new_size;
  if (old != NULL) memcpy(grown + 1, block, old_size < new_size ? old_size : new_size);
  free(old);
  book->bytes += new_size - old_size;
  return grown + 1;
}

static weft_sim *permutation(ledger *book, uint32_t cc) {
  weft_allocator allocator = {count_resize, book};
  weft_config config = weft_config_default();
  config.cc = cc;
  weft_sim *sim = fat_tree_open(&config, &allocator, 4, 100 * (uint64_t)GBPS, US);
  MUST(sim, weft_fabric_ready(sim));
  for (uint32_t i = 0; i < 16; i++) add_flow(sim, i, (i + 5) % 16, 12000000, 0);
  return sim;
}

TEST(a_warm_run_allocates_nothing) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    ledger book = {0};
    weft_sim *sim = permutation(&book, cc);
    ENSURE_EQ(MUST(sim, weft_run(sim, 400 * (weft_time)US, 0)), WEFT_RUN_UNTIL);
    uint64_t calls = book.calls;
    ENSURE(calls > 0);
    ENSURE_EQ(MUST(sim, weft_run(sim, 800 * (weft_time)US, 0)), WEFT_RUN_UNTIL);
    ENSURE(stats_of(sim).flows_done == 0);
    ENSURE_EQ(book.calls, calls);
    weft_sim_destroy(sim);
  }
}

TEST(finding_partitions_again_allocates_nothing) {
  ledger book = {0};
  weft_sim *sim = permutation(&book, WEFT_CC_HPCC);
  MUST(sim, weft_run(sim, 20 * (weft_time)US, 0));
  ENSURE(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)) > 1);
  uint64_t calls = book.calls;
  ENSURE(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)) > 1);
  ENSURE_EQ(book.calls, calls);
  weft_sim_destroy(sim);
  ENSURE_EQ(book.bytes, 0);
}

TEST(everything_is_given_back_in_the_size_it_was_taken) {
  ledger book = {0};
  weft_sim *sim = permutation(&book, WEFT_CC_HPCC);
  weft_sim *fork = NULL;
  MUST(sim, weft_run(sim, -1, 20000));
  MUST(sim, weft_sim_fork(sim, &fork));
  run_to_end(sim);
  weft_sim_destroy(sim);
  run_to_end(fork);
  ENSURE(cell(fork, WEFT_TABLE_PORTS, "tx_bytes", 0) > 0);
  weft_sim_destroy(fork);
  ENSURE_EQ(book.bytes, 0);
  ENSURE(!book.wrong_size);
}

TEST(the_memory_in_stats_is_what_is_held) {
  ledger book = {0};
  weft_sim *sim = permutation(&book, WEFT_CC_HPCC);
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).memory_bytes, book.bytes);
  weft_sim_destroy(sim);
}

TEST(destroying_nothing_is_allowed) {
  weft_sim_destroy(NULL);
}

static bool copying; /* it is the fork that failed, of which there is only the status then */

static int copy(weft_sim *sim, weft_sim **fork) {
  copying = true;
  const int status = weft_sim_fork(sim, fork);
  copying = status < 0;
  return status;
}

/* What has failed says so, in one of the two. */
static void ensure_text(const weft_sim *sim, const weft_sim *fork) {
  const bool in_sim = strstr(weft_sim_error(sim), "out of memory") != NULL;
  ENSURE(in_sim || (fork != NULL && strstr(weft_sim_error(fork), "out of memory") != NULL));
}

/* A small life with a bit of everything. Returns the first error, WEFT_OK at the end. */
static int live(weft_allocator *allocator, weft_sim **sim, weft_sim **fork) {
  const uint32_t ranks[] = {0, 1, 2};
  weft_config config = weft_config_default();
  config.recovery = WEFT_RECOVERY_SELECTIVE;
  const weft_flow_def flow = {.src = 2, .dst = 0, .size_bytes = 30000};
  const weft_link_change gray = {.at_ps = 2 * US, .link = 1, .factor = 0.5, .loss = 0.1};
  const weft_link_impairment late = {.at_ps = 2 * US, .delay_ps = 9 * US, .jitter_ps = US};
  const weft_storm storm = {.at_ps = 3 * US, .port = 3, .duration_ps = 9 * US};
  const weft_host_change slow = {.host = 1, .factor = 2};
  const weft_collective_def ring = {.size_bytes = 9000, .ranks = ranks, .rank_count = 3};
  weft_column column;
  int status = weft_sim_create(&config, allocator, sim);
  for (int i = 0; i < 4 && status >= 0; i++) {
    status = weft_node_add(*sim, i < 3 ? WEFT_HOST : WEFT_SWITCH);
  }
  for (uint32_t i = 0; i < 3 && status >= 0; i++) {
    weft_link_def def = {.a = i, .b = 3, .rate_bps = 100 * (uint64_t)GBPS, .delay_ps = US};
    if (i == 2) def.jitter_ps = US;
    status = weft_link_add(*sim, &def);
  }
  if (status >= 0) status = weft_fabric_ready(*sim);
  if (status >= 0) status = weft_sample(*sim, US, 16);
  if (status >= 0) status = weft_flow_add(*sim, &flow);
  if (status >= 0) status = weft_watch(*sim, WEFT_FLOW_BYTES, 0);
  if (status >= 0) status = weft_watch(*sim, WEFT_PORT_BYTES, 0);
  if (status >= 0) status = weft_link_schedule(*sim, &gray);
  if (status >= 0) status = weft_link_impair(*sim, &late);
  if (status >= 0) status = weft_storm_add(*sim, &storm);
  if (status >= 0) status = weft_host_schedule(*sim, &slow);
  if (status >= 0) status = weft_collective_add(*sim, &ring);
  if (status >= 0) status = weft_run(*sim, -1, 50);
  if (status >= 0) status = weft_partitions_find(*sim, WEFT_ACKS_DATA, 0);
  if (status >= 0) status = copy(*sim, fork);
  if (status >= 0) status = weft_partitions_find(*fork, WEFT_ACKS_ALL, 8);
  if (status > 0) status = weft_partition_match(*fork, 0, 0, NULL);
  if (status >= 0) status = weft_stalled(*fork, US, NULL, 0);
  if (status >= 0) status = weft_run(*fork, -1, 0);
  if (status >= 0) status = weft_run(*sim, -1, 0);
  for (int table = 0; table < WEFT_TABLE_COUNT && status >= 0; table++) {
    status = weft_column_get(*sim, table, 0, &column);
  }
  return status < 0 ? status : WEFT_OK;
}

/* Two pairs that do the same, one of them interrupted, with transients from memory, from a file and
 * from another simulation, everything audited. */
static int live_accelerated(weft_allocator *allocator, weft_sim **sim, weft_sim **fork) {
  char file[64];
  snprintf(file, sizeof file, "/tmp/weft_memory_%d.memo", (int)getpid());
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  config.memoize = config.fast_forward = 1;
  config.audit = 0.25;
  config.theta = 0.3;
  config.steady_samples = 4;
  config.steady_period_ps = 4 * US;
  int status = weft_sim_create(&config, allocator, sim);
  for (int i = 0; i < 7 && status >= 0; i++)
    status = weft_node_add(*sim, i < 6 ? WEFT_HOST : WEFT_SWITCH);
  for (uint32_t i = 0; i < 6 && status >= 0; i++) {
    weft_link_def def = {.a = i, .b = 6, .rate_bps = 100 * (uint64_t)GBPS, .delay_ps = US};
    status = weft_link_add(*sim, &def);
  }
  if (status >= 0) status = weft_fabric_ready(*sim);
  if (status >= 0) status = weft_trace_spans(*sim, 9);
  for (uint32_t i = 0; i < 7 && status >= 0; i++) {
    const weft_flow_def flow = {.src = i % 4 == 1 ? 2 : 0,
                                .dst = i % 4 == 1 ? 3 : 1,
                                .size_bytes = 500000,
                                .start_ps = i / 2 * 70 * (weft_time)US};
    const weft_flow_def late = {.src = 4, .dst = 3, .size_bytes = 90000, .start_ps = 155 * US};
    status = weft_flow_add(*sim, i < 6 ? &flow : &late);
  }
  if (status >= 0) status = weft_run(*sim, 66 * (weft_time)US, 0);
  if (status >= 0) status = weft_memo_save(*sim, file);
  if (status >= 0) status = copy(*sim, fork);
  if (status >= 0) status = weft_memo_load(*fork, file);
  if (status >= 0) status = weft_memo_copy(*fork, *sim);
  if (status >= 0) status = weft_run(*fork, -1, 0);
  if (status >= 0) status = weft_run(*sim, -1, 0);
  if (status >= 0) status = weft_check(*sim);
  remove(file);
  return status < 0 ? status : WEFT_OK;
}

/* Live again and again, until no allocation is left to fail. Who is told to forget may go on
 * without: its life can succeed nevertheless. */
static void survive(int (*life)(weft_allocator *allocator, weft_sim **sim, weft_sim **fork),
                    bool may_forget) {
  bool failed = true;
  for (uint64_t n = 1; failed; n++) {
    ledger book = {.fail_at = n};
    copying = false;
    weft_allocator allocator = {count_resize, &book};
    weft_sim *sim = NULL;
    weft_sim *fork = NULL;
    int status = life(&allocator, &sim, &fork);
    if (status == WEFT_ENOMEM && sim != NULL && !copying) ensure_text(sim, fork);
    weft_sim_destroy(fork);
    weft_sim_destroy(sim);
    failed = book.calls >= n;
    if (book.bytes != 0 || book.wrong_size) {
      test_fail(__FILE__, __LINE__, "allocation %" PRIu64 " failed: %" PRIu64 " bytes leaked", n,
                book.bytes);
    }
    if (status != WEFT_OK && (status != WEFT_ENOMEM || !failed)) {
      test_fail(__FILE__, __LINE__, "allocation %" PRIu64 " failed: got %s, wanted WEFT_ENOMEM", n,
                weft_error_name(status));
    }
    if (failed && status == WEFT_OK) ENSURE(may_forget);
    ENSURE(n < 100000);
  }
}

TEST(the_failure_of_any_allocation_is_survived) {
  survive(live, false);
}

TEST(the_failure_of_any_allocation_is_survived_when_accelerated) {
  survive(live_accelerated, true);
}
