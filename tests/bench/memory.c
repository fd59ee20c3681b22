/* Memory of flows and ports, as the simulation's own allocator counts it. */
#include "bench.h"

static uint64_t memory(weft_sim *sim) {
  weft_stats stats;
  weft_stats_get(sim, &stats);
  return stats.memory_bytes;
}

/* What a flow leaves behind when it is over: 100000 short flows, few at a time. */
static double bytes_per_flow(void) {
  enum { FLOWS = 100000 };
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 8);
  const uint64_t before = memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    const weft_flow_def flow = {.src = i % 128, .dst = (i + 37) % 128, .size_bytes = 1000,
                                .start_ps = (weft_time)i * 10000};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, -1, 0));
  const double bytes = (double)(memory(sim) - before) / FLOWS;
  weft_sim_destroy(sim);
  return bytes;
}

/* A flow in flight: 12800 flows at once. With packets of its own that is mostly their rings and
 * telemetry, so a second row has flows that are active and have none: their start is so slow that
 * each sends a single packet. */
static double bytes_per_active(uint32_t cc, uint64_t size, weft_time until_ps) {
  enum { FLOWS = 12800 };
  weft_config config = weft_config_default();
  config.cc = cc;
  weft_sim *sim = fat_tree(&config, 8);
  const uint64_t before = memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    const weft_flow_def flow = {
        .src = i % 128, .dst = (53 * i + 29) % 128, .size_bytes = size};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, until_ps, 0));
  const double bytes = (double)(memory(sim) - before) / FLOWS;
  weft_sim_destroy(sim);
  return bytes;
}

static double bytes_per_port(void) {
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 16);
  const double bytes = (double)memory(sim) / (2.0 * weft_link_count(sim));
  weft_sim_destroy(sim);
  return bytes;
}

void bench_memory(void) {
  if (wanted("bytes/flow")) row("bytes/flow", bytes_per_flow(), "B");
  if (wanted("bytes/active_flow"))
    row("bytes/active_flow", bytes_per_active(WEFT_CC_HPCC, 1000000, 100 * US), "B");
  if (wanted("bytes/active_flow/dctcp"))
    row("bytes/active_flow/dctcp", bytes_per_active(WEFT_CC_DCTCP, 1000000, 100 * US), "B");
  if (wanted("bytes/idle_active_flow"))
    row("bytes/idle_active_flow", bytes_per_active(WEFT_CC_HPCC, 1000000, 0), "B");
  if (wanted("bytes/port")) row("bytes/port", bytes_per_port(), "B");
}
