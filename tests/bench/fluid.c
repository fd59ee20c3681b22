/* Engines of the flow level: ns of processor time per flow, from its being added to its end. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rng_i.h"
#include "bench.h"

enum { RUNS = 5, LINE_HOSTS = 7, LINE_DELAY_PS = US };

/* A number from 0 on and below 1, of a case. */
static double uniform(uint64_t *draw) {
  return (double)(hash_mix((*draw)++) >> 11) * 0x1p-53;
}

/* m3's line: hosts on a row of switches, links between these at four times the rate of the NICs of
 * the first and the last host; those of the others don't limit. */
static weft_sim *line(const weft_config *given) {
  weft_config config = *given;
  config.compat = WEFT_COMPAT_FLOWSIM;
  config.max_rate_bps = 10ull * GBPS;
  weft_sim *sim = NULL;
  must(sim, weft_sim_create(&config, NULL, &sim));
  for (uint32_t i = 0; i < LINE_HOSTS; i++) must(sim, weft_node_add(sim, WEFT_HOST));
  for (uint32_t i = 0; i < LINE_HOSTS; i++) must(sim, weft_node_add(sim, WEFT_SWITCH));
  for (uint32_t i = 0; i < LINE_HOSTS; i++) {
    const int is_end = i == 0 || i == LINE_HOSTS - 1;
    const weft_link_def nic = {.a = i,
                               .b = LINE_HOSTS + i,
                               .rate_bps = is_end ? 10ull * GBPS : 100000ull * GBPS,
                               .delay_ps = LINE_DELAY_PS};
    must(sim, weft_link_add(sim, &nic));
    const weft_link_def next = {.a = LINE_HOSTS + i,
                                .b = LINE_HOSTS + i + 1,
                                .rate_bps = 40ull * GBPS,
                                .delay_ps = LINE_DELAY_PS};
    if (i + 1 < LINE_HOSTS) must(sim, weft_link_add(sim, &next));
  }
  must(sim, weft_fabric_ready(sim));
  return sim;
}

/* On a line: `lasting` flows of a GB or two from the begin, and `count` short ones, of 20 kB in the
 * mean, that come one after another. */
static void add_to_line(weft_sim *sim, uint32_t lasting, uint32_t count, double apart_ps) {
  uint64_t draw = 1;
  double start = 0;
  for (uint32_t i = 0; i < lasting + count; i++) {
    const uint32_t src = (uint32_t)(uniform(&draw) * (LINE_HOSTS - 1));
    const uint32_t dst = src + 1 + (uint32_t)(uniform(&draw) * (LINE_HOSTS - 1 - src));
    if (i >= lasting) start -= log(1 - uniform(&draw)) * apart_ps;
    const double bytes =
        i < lasting ? 1e9 * (1 + uniform(&draw)) : 1000 - 20000 * log(1 - uniform(&draw));
    const weft_flow_def flow = {
        .src = src, .dst = dst, .size_bytes = (uint64_t)bytes, .start_ps = (weft_time)start};
    must(sim, weft_flow_add(sim, &flow));
  }
}

/* Chains of flows between random hosts, each after the one before it: so many at a time. */
static void add_chains(weft_sim *sim, uint32_t hosts, uint32_t chains, uint32_t length) {
  uint64_t draw = 1;
  for (uint32_t i = 0; i < chains * length; i++) {
    const uint32_t src = (uint32_t)(uniform(&draw) * hosts);
    const uint32_t other = (uint32_t)(uniform(&draw) * (hosts - 1));
    weft_task_def task = weft_task_def_default();
    task.kind = WEFT_TASK_SEND;
    task.src = src;
    task.dst = (src + 1 + other) % hosts;
    task.size_bytes = (uint64_t)(1 - 100000 * log(1 - uniform(&draw)));
    const int id = must(sim, weft_task_add(sim, &task));
    if (i % length > 0) must(sim, weft_task_after(sim, (uint32_t)id, (uint32_t)id - 1));
  }
}

struct fluid_case {
  const char *name;
  uint32_t engine, cc;
  uint32_t lasting, count; /* on a line, or in a k = 8 fat tree */
  double apart_ps; /* 0: in a fat tree */
  uint32_t chains; /* there; 0: flows of web search at half the load */
};

static double run(const struct fluid_case *c) {
  weft_config config = weft_config_default();
  config.engine = c->engine;
  config.cc = c->cc;
  weft_sim *sim = c->apart_ps > 0 ? line(&config) : fat_tree(&config, 8);
  const double begin = cpu_seconds();
  if (c->apart_ps > 0) {
    add_to_line(sim, c->lasting, c->count, c->apart_ps);
  } else if (c->chains > 0) {
    add_chains(sim, 128, c->chains, c->count / c->chains);
  } else {
    const struct flow_list list = web_search(128, 0.5, 1000 * US);
    for (uint32_t i = 0; i < list.count; i++) must(sim, weft_flow_add(sim, &list.flows[i]));
    free(list.flows);
  }
  must(sim, weft_run(sim, -1, 0));
  weft_stats stats;
  weft_stats_get(sim, &stats);
  const double ns = (cpu_seconds() - begin) * 1e9 / (double)stats.flows_done;
  weft_sim_destroy(sim);
  return ns;
}

void bench_fluid(void) {
  static const struct fluid_case cases[] = {
      {"flow_ns/fluid/line", WEFT_ENGINE_FLUID, 0, 0, 30000, 20e6, 0},
      {"flow_ns/fluid/line_1000", WEFT_ENGINE_FLUID, 0, 1000, 10000, 1e6, 0},
      {"flow_ns/fluid/line_10000", WEFT_ENGINE_FLUID, 0, 10000, 1000, 1e7, 0},
      {"flow_ns/fluid/k8_100", WEFT_ENGINE_FLUID, 0, 0, 20000, 0, 100},
      {"flow_ns/fluid/k8_1000", WEFT_ENGINE_FLUID, 0, 0, 20000, 0, 1000},
      {"flow_ns/fluid/web50_k8", WEFT_ENGINE_FLUID, 0, 0, 0, 0, 0},
      {"flow_ns/fluid-cc/web50_k8/dctcp", WEFT_ENGINE_FLUID_CC, WEFT_CC_DCTCP, 0, 0, 0, 0},
      {"flow_ns/fluid-cc/web50_k8/hpcc", WEFT_ENGINE_FLUID_CC, WEFT_CC_HPCC, 0, 0, 0, 0},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    double values[RUNS];
    if (!wanted(cases[i].name)) continue;
    const int runs = once ? 1 : RUNS;
    for (int r = 0; r < runs; r++) values[r] = run(&cases[i]);
    row(cases[i].name, median(values, runs), "ns");
  }
}
