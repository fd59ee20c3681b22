/* Parts of the engine alone: set-up and routing, fork, the event queue. */
#include <stdio.h>
#include <stdlib.h>

#include "base/rng_i.h"
#include "bench.h"
#include "sim_i.h"

enum { RUNS = 3 };

/* Nodes, links, weft_fabric_ready() and a route from every host. */
static double setup_seconds(uint32_t k) {
  double values[RUNS];
  const weft_config config = weft_config_default();
  for (int r = 0; r < RUNS; r++) {
    const double begin = cpu_seconds();
    weft_sim *sim = fat_tree(&config, k);
    const uint32_t hosts = k * k * k / 4;
    uint32_t ports[WEFT_PATH_MAX];
    for (uint32_t i = 0; i < hosts; i++)
      must(sim, weft_path(sim, i, (i + hosts / 2) % hosts, i, ports));
    values[r] = cpu_seconds() - begin;
    weft_sim_destroy(sim);
  }
  return median(values, RUNS);
}

/* A fork of a permutation under way, HPCC. */
static double fork_seconds(uint32_t k, uint64_t flow_bytes, double *mebibytes) {
  double values[RUNS];
  const weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, k), *copy;
  const struct flow_list list = permutation(k * k * k / 4, flow_bytes);
  for (uint32_t i = 0; i < list.count; i++) must(sim, weft_flow_add(sim, &list.flows[i]));
  must(sim, weft_run(sim, 50 * US, 0));
  for (int r = 0; r < RUNS; r++) {
    const double begin = cpu_seconds();
    must(copy, weft_sim_fork(sim, &copy));
    values[r] = cpu_seconds() - begin;
    weft_sim_destroy(copy);
  }
  weft_stats stats;
  weft_stats_get(sim, &stats);
  *mebibytes = (double)stats.memory_bytes / (1 << 20);
  weft_sim_destroy(sim);
  free(list.flows);
  return median(values, RUNS);
}

/* A push and a pop with `depth` events in the queue, each due within a link's delay: what the
 * queue costs by itself, with everything in the cache that can be. */
static double event_ns(uint32_t depth) {
  enum { EVENTS = 1 << 20, SPAN_PS = US + 84 * 1000 };
  double values[RUNS];
  const weft_config config = weft_config_default();
  for (int r = 0; r < RUNS; r++) {
    weft_sim *sim = star(&config, 2);
    uint64_t draw = 1, sum = 0;
    for (uint32_t i = 0; i < depth; i++)
      event_at(sim, EV_ARRIVE, i, (weft_time)(hash_mix(draw++) % SPAN_PS));
    const double begin = cpu_seconds();
    for (uint32_t i = 0; i < EVENTS; i++) {
      const struct event event = event_first(sim);
      event_pop(sim);
      sim->now = event.time;
      const uint32_t source = event.key & EVENT_SOURCE_MASK;
      sum += source;
      event_at(sim, EV_ARRIVE, source, event.time + 1 + (weft_time)(hash_mix(draw++) % SPAN_PS));
    }
    values[r] = (cpu_seconds() - begin) * 1e9 / EVENTS;
    if (sum == 0) must(sim, WEFT_EINTERNAL);
    weft_sim_destroy(sim);
  }
  return median(values, RUNS);
}

void bench_parts(void) {
  static const uint32_t ks[] = {4, 8, 16, 32}, depths[] = {30, 700, 6000, 50000};
  char name[64];
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "setup_s/k%u", ks[i]);
    if (wanted(name)) row(name, setup_seconds(ks[i]), "s");
  }
  for (int i = 1; i < 3; i++) {
    double mebibytes = 0, seconds = 0;
    snprintf(name, sizeof name, "fork_s/perm_k%u", ks[i]);
    if (!wanted(name)) continue;
    seconds = fork_seconds(ks[i], 1000000, &mebibytes);
    row(name, seconds, "s");
    snprintf(name, sizeof name, "fork_size/perm_k%u", ks[i]);
    row(name, mebibytes, "MiB");
  }
  for (int i = 0; i < 4; i++) {
    snprintf(name, sizeof name, "event_ns/%u", depths[i]);
    if (wanted(name)) row(name, event_ns(depths[i]), "ns");
  }
}
