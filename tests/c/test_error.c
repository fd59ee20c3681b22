#include "fixture.h"

#include <ctype.h>

TEST(every_status_has_a_name_and_a_text) {
  for (int status = WEFT_OK; status >= WEFT_ESCRIPT; status--) {
    ENSURE(strncmp(weft_error_name(status), "WEFT_", 5) == 0);
    ENSURE(strcmp(weft_error_text(status), "unknown") != 0);
  }
  ENSURE_STR(weft_error_name(WEFT_EINVAL), "WEFT_EINVAL");
  ENSURE_STR(weft_error_name(WEFT_ENOROUTE), "WEFT_ENOROUTE");
}

TEST(other_numbers_are_unknown_statuses) {
  ENSURE_STR(weft_error_name(WEFT_ESCRIPT - 1), "unknown");
  ENSURE_STR(weft_error_text(1), "unknown");
}

TEST(the_version_is_three_numbers) {
  int dots = 0;
  for (const char *p = weft_version(); *p != '\0'; p++) {
    ENSURE(isdigit((unsigned char)*p) || *p == '.');
    dots += *p == '.';
  }
  ENSURE_EQ(dots, 2);
}

TEST(a_fabric_without_nodes_is_refused) {
  const weft_config config = weft_config_default();
  weft_sim *sim;
  ENSURE(weft_sim_create(&config, NULL, &sim) == WEFT_OK);
  ENSURE_EQ(weft_fabric_ready(sim), WEFT_EINVAL);
  ENSURE_STR(weft_sim_error(sim), "fabric: expected nodes, got none");
  ENSURE(weft_node_add(sim, WEFT_SWITCH) == 0);
  ENSURE_EQ(weft_fabric_ready(sim), WEFT_OK);
  weft_sim_destroy(sim);
}

static int keep_the_rate(void *user, int what, weft_script_flow *flow, const weft_script_ack *ack) {
  (void)user, (void)what, (void)flow, (void)ack;
  return 0;
}

/* A k=4 fat tree with a congestion control from outside, which the fabric misses `refusals` times
 * as it is closed. */
static weft_sim *closed_after(int refusals) {
  weft_config config = quiet_config();
  config.cc = WEFT_CC_SCRIPT;
  weft_sim *sim = fat_tree_open(&config, NULL, 4, 100ull * GBPS, US);
  for (int i = 0; i < refusals; i++) {
    ENSURE_EQ(weft_fabric_ready(sim), WEFT_ESTATE);
    ENSURE_STR(weft_sim_error(sim), "fabric: cc = script needs weft_sim_set_script first");
  }
  const weft_script script = {.call = keep_the_rate};
  MUST(sim, weft_sim_set_script(sim, &script));
  MUST(sim, weft_fabric_ready(sim));
  for (uint32_t host = 0; host < 16; host++) add_flow(sim, host, host ^ 15, 100000, 0);
  return sim;
}

TEST(a_fabric_that_was_refused_is_closed_as_if_it_had_not_been) {
  weft_sim *at_once = closed_after(0), *later = closed_after(2);
  ENSURE_EQ(stats_of(later).memory_bytes, stats_of(at_once).memory_bytes);
  run_to_end(at_once);
  run_to_end(later);
  ENSURE_EQ(stats_of(later).fingerprint, stats_of(at_once).fingerprint);
  weft_sim_destroy(at_once);
  weft_sim_destroy(later);
}

/* What has no links at all: no rings, no routes, no buffers to divide. */
TEST(a_fabric_without_links_runs) {
  static const char compats[] = {WEFT_COMPAT_NONE, WEFT_COMPAT_NS3, WEFT_COMPAT_SIMAI};
  for (size_t i = 0; i < sizeof compats; i++) {
    weft_config config = weft_config_default();
    config.compat = (uint32_t)compats[i];
    weft_sim *sim, *copy;
    ENSURE(weft_sim_create(&config, NULL, &sim) == WEFT_OK);
    for (int kind = WEFT_HOST; kind <= WEFT_NVSWITCH; kind++)
      ENSURE(weft_node_add(sim, kind) == kind);
    ENSURE_EQ(weft_fabric_ready(sim), WEFT_OK);
    ENSURE(weft_sim_fork(sim, &copy) == WEFT_OK);
    ENSURE_EQ(weft_run(copy, -1, 0), WEFT_RUN_DONE);
    ENSURE_EQ(weft_check(copy), WEFT_OK);
    weft_sim_destroy(copy);
    weft_sim_destroy(sim);
  }
}

TEST(every_enumeration_has_a_name_for_each_value) {
  static const int counts[][2] = {{WEFT_ENUM_LINK_CLASS, WEFT_LINK_CLASS_COUNT},
                                  {WEFT_ENUM_COLLECTIVE_KIND, WEFT_COLLECTIVE_COUNT},
                                  {WEFT_ENUM_ALGORITHM, WEFT_ALGORITHM_COUNT},
                                  {WEFT_ENUM_TABLE, WEFT_TABLE_COUNT},
                                  {WEFT_ENUM_REFUSAL, WEFT_REFUSED_COUNT},
                                  {WEFT_ENUM_THREADS_WHY, WEFT_THREADS_WHY_COUNT}};
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    int bars = 0;
    for (const char *p = weft_enum_names(counts[i][0]); *p != '\0'; p++) bars += *p == '|';
    ENSURE_EQ(bars + 1, counts[i][1]);
  }
  for (int which = 0; which < WEFT_ENUM_COUNT; which++) {
    ENSURE(weft_enum_id(which) != NULL && weft_enum_names(which) != NULL);
    for (int other = 0; other < which; other++)
      ENSURE(strcmp(weft_enum_id(which), weft_enum_id(other)) != 0);
  }
  ENSURE_STR(weft_enum_names(WEFT_ENUM_NODE_KIND), "host|switch|nvswitch");
  ENSURE(weft_enum_names(-1) == NULL && weft_enum_id(WEFT_ENUM_COUNT) == NULL);
}

TEST(a_name_has_its_value) {
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_LINK_CLASS, "by_ends"), WEFT_LINK_BY_ENDS);
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_ALGORITHM, "tree"), WEFT_TREE);
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_THREADS_WHY, "system"), WEFT_THREADS_SYSTEM);
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_ALGORITHM, "tre"), WEFT_EINVAL);
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_ALGORITHM, ""), WEFT_EINVAL);
  ENSURE_EQ(weft_enum_value(WEFT_ENUM_COUNT, "tree"), WEFT_EINVAL);
}

/* With all zero, the link would go down and its wires be mended. */
TEST(changes_by_default_change_nothing) {
  const weft_config config = weft_config_default();
  weft_sim *sim;
  ENSURE(weft_sim_create(&config, NULL, &sim) == WEFT_OK);
  for (int kind = WEFT_HOST; kind <= WEFT_SWITCH; kind++) ENSURE(weft_node_add(sim, kind) == kind);
  weft_link_def link = weft_link_def_default();
  link.b = 1;
  link.rate_bps = 100000000000;
  link.loss = 0.25;
  ENSURE_EQ(weft_link_add(sim, &link), 0);
  ENSURE_EQ(weft_fabric_ready(sim), WEFT_OK);
  weft_link_impairment late = weft_link_impairment_default();
  late.delay_ps = 5000;
  late.enter = 0.5;
  late.leave = 0.5;
  late.loss_bad = 1;
  ENSURE_EQ(weft_link_impair(sim, &late), WEFT_OK);
  weft_port_info before, after;
  ENSURE(weft_run(sim, 1000, 0) >= 0 && weft_port_info_get(sim, 0, &before) == WEFT_OK);
  weft_link_change change = weft_link_change_default();
  late = weft_link_impairment_default();
  weft_host_change host = weft_host_change_default();
  change.at_ps = late.at_ps = host.at_ps = 2000;
  ENSURE_EQ(weft_link_schedule(sim, &change), WEFT_OK);
  ENSURE_EQ(weft_link_impair(sim, &late), WEFT_OK);
  ENSURE_EQ(weft_host_schedule(sim, &host), WEFT_OK);
  ENSURE(weft_run(sim, 3000, 0) >= 0 && weft_port_info_get(sim, 0, &after) == WEFT_OK);
  ENSURE(before.added_delay_ps == 5000 && before.burst_loss > 0 && before.loss > 0);
  ENSURE(memcmp(&before, &after, sizeof before) == 0);
  weft_sim_destroy(sim);
}
