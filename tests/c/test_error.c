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
