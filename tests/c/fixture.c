#include "fixture.h"

int fixture_must(const char *file, int line, const char *what, const weft_sim *sim, int status) {
  if (status < 0) {
    test_fail(file, line, "%s: %s: %s", what, weft_error_name(status), weft_sim_error(sim));
  }
  return status;
}

weft_config quiet_config(void) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_WINDOW;
  return config;
}

weft_sim *new_sim(const weft_config *config, const weft_allocator *allocator) {
  weft_sim *sim = NULL;
  int status = weft_sim_create(config, allocator, &sim);
  if (status < 0) {
    test_fail(__FILE__, __LINE__, "weft_sim_create: %s: %s", weft_error_name(status),
              sim == NULL ? "" : weft_sim_error(sim));
  }
  return sim;
}

uint32_t add_node(weft_sim *sim, int kind) {
  return (uint32_t)MUST(sim, weft_node_add(sim, kind));
}

uint32_t add_link(weft_sim *sim, uint32_t a, uint32_t b, uint64_t rate_bps, weft_time delay_ps) {
  weft_link_def def = {.a = a, .b = b, .rate_bps = rate_bps, .delay_ps = delay_ps};
  return (uint32_t)MUST(sim, weft_link_add(sim, &def));
}

weft_sim *star(const weft_config *config, uint32_t hosts, uint64_t rate_bps, weft_time delay_ps) {
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i < hosts; i++) add_node(sim, WEFT_HOST);
  uint32_t hub = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < hosts; i++) add_link(sim, i, hub, rate_bps, delay_ps);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

weft_sim *dumbbell(const weft_config *config, uint32_t pairs, uint64_t rate_bps,
                   uint64_t middle_bps, weft_time delay_ps) {
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i < 2 * pairs; i++) add_node(sim, WEFT_HOST);
  uint32_t left = add_node(sim, WEFT_SWITCH);
  uint32_t right = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < 2 * pairs; i++) {
    add_link(sim, i, i < pairs ? left : right, rate_bps, delay_ps);
  }
  add_link(sim, left, right, middle_bps, delay_ps);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

weft_sim *fat_tree_open(const weft_config *config, const weft_allocator *allocator, uint32_t k,
                        uint64_t rate_bps, weft_time delay_ps) {
  weft_sim *sim = new_sim(config, allocator);
  uint32_t half = k / 2;
  uint32_t hosts = k * half * half;
  uint32_t edge = hosts; /* first of k * half */
  uint32_t aggregation = edge + k * half;
  uint32_t core = aggregation + k * half;
  for (uint32_t i = 0; i < hosts; i++) add_node(sim, WEFT_HOST);
  for (uint32_t i = 0; i < 2 * k * half + half * half; i++) add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < hosts; i++) add_link(sim, i, edge + i / half, rate_bps, delay_ps);
  for (uint32_t pod = 0; pod < k; pod++) {
    for (uint32_t a = 0; a < half; a++) {
      uint32_t above = aggregation + pod * half + a;
      for (uint32_t e = 0; e < half; e++) {
        add_link(sim, edge + pod * half + e, above, rate_bps, delay_ps);
      }
      for (uint32_t c = 0; c < half; c++) {
        add_link(sim, above, core + a * half + c, rate_bps, delay_ps);
      }
    }
  }
  return sim;
}

weft_sim *fat_tree(const weft_config *config, uint32_t k, uint64_t rate_bps, weft_time delay_ps) {
  weft_sim *sim = fat_tree_open(config, NULL, k, rate_bps, delay_ps);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

uint32_t add_flow(weft_sim *sim, uint32_t src, uint32_t dst, uint64_t bytes, weft_time start_ps) {
  weft_flow_def def = {.src = src, .dst = dst, .size_bytes = bytes, .start_ps = start_ps};
  return (uint32_t)MUST(sim, weft_flow_add(sim, &def));
}

weft_stats stats_of(weft_sim *sim) {
  weft_stats stats;
  weft_stats_get(sim, &stats);
  return stats;
}

void run_to_end(weft_sim *sim) {
  ENSURE_EQ(MUST(sim, weft_run(sim, -1, 0)), WEFT_RUN_DONE);
  MUST(sim, weft_check(sim));
}

int64_t cell(weft_sim *sim, int table, const char *name, uint64_t row) {
  weft_column column;
  for (uint32_t i = 0; weft_column_get(sim, table, i, &column) == WEFT_OK; i++) {
    if (strcmp(column.name, name) != 0) continue;
    ENSURE(row < column.count);
    const char *at = (const char *)column.data + row * column.stride;
    if (column.type == WEFT_COL_U32) return *(const uint32_t *)(const void *)at;
    return *(const int64_t *)(const void *)at;
  }
  test_fail(__FILE__, __LINE__, "table %d has no column '%s'", table, name);
}

double uniform(uint64_t key, uint64_t n) {
  uint64_t z = key * 0x9e3779b97f4a7c15u + n * 0xbf58476d1ce4e5b9u;
  for (int round = 0; round < 3; round++) {
    z ^= z >> 32;
    z *= 0xd6e8feb86659fd93u;
  }
  z ^= z >> 32;
  return ((double)(z >> 11) + 1) * 0x1p-53;
}
