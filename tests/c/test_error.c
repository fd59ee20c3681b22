#include "test.h"
#include "weft.h"

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
