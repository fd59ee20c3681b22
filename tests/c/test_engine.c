/* Engines: what the ideal one does, worked out by hand; and resources, which forks share. */
#include <pthread.h>
#include <stdlib.h>

#include "engine.h"
#include "fixture.h"

/* A full packet of 1000 + 48 bytes takes 83,840 ps at 100 Gbit/s. */
enum { MSEC = 1000 * US, FRAME_PS = 83840 };

static weft_config ideal_config(void) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_IDEAL;
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

TEST(ideal_flows_do_not_contend) {
  const weft_config config = ideal_config();
  weft_sim *sim = star(&config, 9, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 9; i++) add_flow(sim, i, 0, 100000, 0);
  run_to_end(sim);
  /* 100 packets leave one after the other, the last one twice, over two wires of 1 us. */
  for (uint32_t i = 0; i < 8; i++) ENSURE_EQ(fct(sim, i), 101 * FRAME_PS + 2 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1), 8 * 104800);
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 2), 104800);
  ENSURE_EQ(stats_of(sim).payload_delivered, 800000);
  ENSURE_EQ(stats_of(sim).events, 8 + 1); /* their ends, and one start for all */
  weft_sim_destroy(sim);
}

TEST(an_ideal_flow_goes_on_with_its_part_when_a_link_is_degraded) {
  const weft_config config = ideal_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t flow = add_flow(sim, 1, 0, 99000, 0); /* 100 frames: 8,384,000 ps */
  change_link(sim, 1, 4192000, 0.5);
  run_to_end(sim);
  /* Half of it is left; at half the rate of its first link, 99 frames take twice as long, and one
   * more the second link: 199 frames' time in all. */
  ENSURE_EQ(fct(sim, flow), 4192000 + 199 * FRAME_PS / 2);
  weft_sim_destroy(sim);
}

TEST(an_ideal_flow_waits_while_its_link_is_down) {
  const weft_config config = ideal_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t early = add_flow(sim, 1, 0, 99000, 0);
  const uint32_t late = add_flow(sim, 1, 2, 99000, 5 * US);
  change_link(sim, 1, 4 * US, 0);
  change_link(sim, 1, 10 * US, 1);
  ENSURE_EQ(MUST(sim, weft_run(sim, 7 * US, 0)), WEFT_RUN_UNTIL);
  /* 4 of 8.384 us of 99,000 bytes */
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", early), 47232);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", late), 0);
  MUST(sim, weft_check(sim));
  run_to_end(sim);
  ENSURE_EQ(fct(sim, early), 6 * US + 100 * FRAME_PS);
  ENSURE_EQ(fct(sim, late), 5 * US + 100 * FRAME_PS);
  ENSURE_EQ(stats_of(sim).now_ps, 10 * US + 100 * FRAME_PS);
  weft_sim_destroy(sim);
}

TEST(an_ideal_flow_whose_end_is_now_is_complete_though_its_link_fails) {
  weft_config config = ideal_config();
  config.give_up_ps = 1 * MSEC;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t flow = add_flow(sim, 1, 0, 99000, 0);
  change_link(sim, 1, 100 * FRAME_PS, 0); /* changes come first in an instant */
  run_to_end(sim);
  ENSURE_EQ(fct(sim, flow), 100 * FRAME_PS);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", flow), 2);
  weft_sim_destroy(sim);
}

TEST(an_ideal_flow_gives_up) {
  weft_config config = ideal_config();
  config.give_up_ps = 1 * MSEC;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0);
  const uint32_t lost = add_flow(sim, 1, 0, 99000, 0);
  const uint32_t saved = add_flow(sim, 2, 0, 99000, 0);
  change_link(sim, 1, 4 * US, 0);
  change_link(sim, 2, 4 * US, 0);
  change_link(sim, 2, 1 * MSEC, 1);
  run_to_end(sim);
  ENSURE_EQ(fct(sim, lost), -1);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", lost), 3);
  ENSURE_EQ(fct(sim, saved), 1 * MSEC - 4 * US + 100 * FRAME_PS);
  ENSURE_EQ(stats_of(sim).now_ps, 1 * MSEC - 4 * US + 100 * FRAME_PS); /* the later end */
  weft_sim_destroy(sim);
}

TEST(an_ideal_flow_takes_another_way) {
  const weft_config config = ideal_config();
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 0);
  uint32_t ports[WEFT_PATH_MAX];
  const uint32_t flow = add_flow(sim, 0, 15, 96000, 0); /* six links: 101 frames */
  ENSURE_EQ(MUST(sim, weft_path(sim, 0, 15, flow, ports)), 6);
  weft_link_change change = weft_link_change_default();
  change.link = ports[2] / 2;
  change.at_ps = 4 * US;
  change.factor = 0;
  change.detect_ps = 3 * US;
  MUST(sim, weft_link_schedule(sim, &change));
  run_to_end(sim);
  ENSURE_EQ(fct(sim, flow), 101 * FRAME_PS + 3 * US);
  weft_sim_destroy(sim);
}

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
}

TEST(ideal_forks_go_on_as_the_original_does) {
  const weft_config config = ideal_config();
  weft_sim *whole = fat_tree(&config, 4, 100ull * GBPS, 500000);
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 500000), *copy;
  add_work(whole);
  add_work(sim);
  change_link(whole, 3, 9 * US, 0.25);
  change_link(sim, 3, 9 * US, 0.25);
  run_to_end(whole);
  ENSURE_EQ(MUST(sim, weft_run(sim, 12 * US, 0)), WEFT_RUN_UNTIL);
  ENSURE_EQ(weft_sim_fork(sim, &copy), WEFT_OK);
  ENSURE_EQ(cell(copy, WEFT_TABLE_FLOWS, "delivered_bytes", 0),
            cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 0));
  weft_sim_destroy(sim);
  run_to_end(copy);
  ENSURE_EQ(stats_of(copy).fingerprint, stats_of(whole).fingerprint);
  ENSURE_EQ(stats_of(copy).events, stats_of(whole).events);
  ENSURE_EQ(stats_of(copy).now_ps, stats_of(whole).now_ps);
  for (uint64_t port = 0; port < 2ull * weft_link_count(copy); port++)
    ENSURE_EQ(cell(copy, WEFT_TABLE_PORTS, "tx_bytes", port),
              cell(whole, WEFT_TABLE_PORTS, "tx_bytes", port));
  weft_sim_destroy(copy);
  weft_sim_destroy(whole);
}

TEST(ideal_is_refused_what_it_cannot_do) {
  weft_config config = ideal_config();
  config.memoize = 1;
  weft_sim *sim;
  ENSURE_EQ(weft_sim_create(&config, NULL, &sim), WEFT_EINVAL);
  ENSURE(strcmp(weft_sim_error(sim),
                "option memoize: engine 'ideal' has no memoize; expected engine = 'packet'") == 0);
  weft_sim_destroy(sim);
  config.memoize = 0;
  sim = star(&config, 3, 100ull * GBPS, 0);
  weft_column column;
  ENSURE_EQ(weft_column_get(sim, WEFT_TABLE_ACKS, 0, &column), WEFT_EINVAL);
  for (uint32_t i = 0; weft_column_get(sim, WEFT_TABLE_PORTS, i, &column) == WEFT_OK; i++)
    ENSURE(strcmp(column.name, "queue_bytes") != 0);
  ENSURE_EQ(weft_trace_acks(sim, 10), WEFT_EINVAL);
  ENSURE_EQ(weft_partitions_find(sim, WEFT_ACKS_DATA, 0), WEFT_EINVAL);
  ENSURE_EQ(weft_port_set_ecn(sim, 0, 1, 2, 1), WEFT_EINVAL);
  weft_sim_destroy(sim);
}

/* ---- resources ---- */

enum { HOLDERS = 4, ROUNDS = 2000 };

static void *count_allocations(void *user, void *block, size_t old_size, size_t new_size) {
  int64_t *bytes = user;
  *bytes += (int64_t)new_size - (int64_t)old_size;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  return realloc(block, new_size);
}

TEST(forks_share_a_resource_and_the_last_frees_it) {
  int64_t bytes = 0;
  const weft_allocator allocator = {count_allocations, &bytes};
  weft_resource *resource;
  ENSURE_EQ(weft_resource_create(WEFT_RESOURCE_WEIGHTS, "w", "abcd", 4, &allocator, &resource), 0);
  const weft_config config = quiet_config();
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 0), *copy;
  ENSURE_EQ(weft_sim_hold(sim, resource), 0);
  weft_resource_release(resource);
  ENSURE_EQ(weft_sim_fork(sim, &copy), WEFT_OK);
  ENSURE(weft_sim_resource(copy, 0) == weft_sim_resource(sim, 0));
  ENSURE(weft_sim_resource(copy, 1) == NULL);
  weft_sim_destroy(sim);
  ENSURE(bytes > 0);
  uint64_t size;
  uint32_t kind;
  ENSURE(memcmp(weft_resource_data(weft_sim_resource(copy, 0), &size), "abcd", 4) == 0);
  ENSURE_EQ(size, 4);
  ENSURE(strcmp(weft_resource_name(weft_sim_resource(copy, 0), &kind), "w") == 0);
  ENSURE_EQ(kind, WEFT_RESOURCE_WEIGHTS);
  weft_sim_destroy(copy);
  ENSURE_EQ(bytes, 0);
  weft_resource_release(NULL);
  ENSURE_EQ(weft_resource_create(WEFT_RESOURCE_COUNT, "w", NULL, 0, NULL, &resource), WEFT_EINVAL);
}

static void *hold_and_release(void *of) {
  for (int i = 0; i < ROUNDS; i++) weft_resource_release(weft_resource_retain(of));
  weft_resource_release(of);
  return NULL;
}

TEST(threads_count_a_resource_together) {
  weft_resource *resource;
  ENSURE_EQ(weft_resource_create(WEFT_RESOURCE_TABLE, "t", NULL, 0, NULL, &resource), WEFT_OK);
  pthread_t threads[HOLDERS];
  for (int i = 0; i < HOLDERS; i++)
    ENSURE_EQ(pthread_create(&threads[i], NULL, hold_and_release, weft_resource_retain(resource)),
              0);
  for (int i = 0; i < HOLDERS; i++) pthread_join(threads[i], NULL);
  uint64_t size;
  weft_resource_data(resource, &size);
  ENSURE_EQ(size, 0);
  weft_resource_release(resource);
}

/* ---- their tables ---- */

enum { ENGINES_MOST = 100 };

TEST(tables_of_engines_are_complete) {
  for (uint32_t i = 0; i < ENGINES_MOST && weft__engine(i) != NULL; ++i)
    ENSURE(weft__engine_lacks(weft__engine(i)) == NULL);
}

/* A table without one of its members is refused by the name of that member. */
#define ENSURE_LACKS(from, member)                        \
  do {                                                    \
    struct engine_ops engine = *weft__engine(from);       \
    engine.member = NULL;                                 \
    const char *lacks = weft__engine_lacks(&engine);      \
    ENSURE(lacks != NULL && strcmp(lacks, #member) == 0); \
  } while (0)

TEST(an_engine_that_lacks_a_function_is_told_which) {
  ENSURE_LACKS(WEFT_ENGINE_IDEAL, launch);
  ENSURE_LACKS(WEFT_ENGINE_IDEAL, check);
  ENSURE_LACKS(WEFT_ENGINE_IDEAL, event); /* it has no loop of its own */
  ENSURE_LACKS(WEFT_ENGINE_IDEAL, stale);
  ENSURE_LACKS(WEFT_ENGINE_PACKET, storm); /* it claims to have PFC storms, packets, tables */
  ENSURE_LACKS(WEFT_ENGINE_PACKET, port_queue);
  ENSURE_LACKS(WEFT_ENGINE_PACKET, table);
}

TEST(what_an_engine_does_not_claim_it_may_lack) {
  struct engine_ops engine = *weft__engine(WEFT_ENGINE_PACKET);
  engine.storm = NULL;
  engine.can &= ~CAN(STORM);
  engine.table = NULL;
  engine.can &= ~CAN(TRACE_ACKS);
  ENSURE(strcmp(weft__engine_lacks(&engine), "table") == 0); /* acceleration has one too */
  engine.can &= ~CAN(ACCELERATE);
  ENSURE(weft__engine_lacks(&engine) == NULL);
  engine.run = NULL; /* then the loop of all calls `event` */
  ENSURE(strcmp(weft__engine_lacks(&engine), "event") == 0);
}
