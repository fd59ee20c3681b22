/* Benchmarks of the engine: prints "name value unit" rows. Wall-clock times are medians of three
 * runs on one core. `cbench [part of a name ...]` runs those whose names contain a part. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "skeleton.h"
#include "weft.h"

enum { REPEATS = 3, GBPS = 1000000000, US = 1000000 };

static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static int must(weft_sim *sim, int status) {
  if (status >= 0) return status;
  fprintf(stderr, "bench: %s: %s\n", weft_error_name(status),
          sim == NULL ? "" : weft_sim_error(sim));
  exit(EXIT_FAILURE);
}

static double median(double *values) {
  for (int i = 1; i < REPEATS; i++) {
    for (int j = i; j > 0 && values[j] < values[j - 1]; j--) {
      double swap = values[j];
      values[j] = values[j - 1];
      values[j - 1] = swap;
    }
  }
  return values[REPEATS / 2];
}

static weft_sim *fat_tree(const weft_config *config, uint32_t k) {
  weft_sim *sim = NULL;
  must(NULL, weft_sim_create(config, NULL, &sim));
  uint32_t half = k / 2, hosts = k * half * half;
  uint32_t edge = hosts, above = edge + k * half, core = above + k * half;
  weft_link_def link = {.rate_bps = 100 * (uint64_t)GBPS, .delay_ps = US};
  for (uint32_t i = 0; i < core + half * half; i++) {
    must(sim, weft_node_add(sim, i < hosts ? WEFT_HOST : WEFT_SWITCH));
  }
  for (link.a = 0; link.a < hosts; link.a++) {
    link.b = edge + link.a / half;
    must(sim, weft_link_add(sim, &link));
  }
  for (uint32_t i = 0; i < k * half; i++) {
    for (uint32_t j = 0; j < half; j++) {
      link.a = edge + i;
      link.b = above + i / half * half + j;
      must(sim, weft_link_add(sim, &link));
      link.a = above + i;
      link.b = core + i % half * half + j;
      must(sim, weft_link_add(sim, &link));
    }
  }
  must(sim, weft_fabric_ready(sim));
  return sim;
}

/* Every host sends 10 MB to another one and receives 10 MB. */
static weft_flow_def permutation_flow(uint32_t i) {
  /* 53 is odd, so this permutes; no host is its own partner as 52 i + 29 is odd. */
  return (weft_flow_def){.src = i, .dst = (53 * i + 29) % 128, .size_bytes = 10000000};
}

static double hop_ns(uint32_t cc) {
  double values[REPEATS];
  weft_config config = weft_config_default();
  config.cc = cc;
  for (int r = 0; r < REPEATS; r++) {
    weft_sim *sim = fat_tree(&config, 8);
    for (uint32_t i = 0; i < 128; i++) {
      const weft_flow_def flow = permutation_flow(i);
      must(sim, weft_flow_add(sim, &flow));
    }
    double begin = seconds();
    must(sim, weft_run(sim, -1, 0));
    double took = seconds() - begin;
    weft_stats stats;
    weft_stats_get(sim, &stats);
    if (stats.flows_done != 128) must(sim, WEFT_EINTERNAL);
    values[r] = took * 1e9 / (double)stats.packet_hops;
    weft_sim_destroy(sim);
  }
  return median(values);
}

static double hop_ns_dctcp(void) {
  return hop_ns(WEFT_CC_DCTCP);
}

static double hop_ns_hpcc(void) {
  return hop_ns(WEFT_CC_HPCC);
}

static double skeleton_ns(void) {
  double values[REPEATS];
  weft_flow_def flows[128];
  weft_config config = weft_config_default();
  for (uint32_t i = 0; i < 128; i++) flows[i] = permutation_flow(i);
  for (int r = 0; r < REPEATS; r++) {
    weft_sim *sim = fat_tree(&config, 8);
    values[r] = skeleton_hop_ns(sim, flows, 128);
    weft_sim_destroy(sim);
  }
  return median(values);
}

static uint64_t memory(weft_sim *sim) {
  weft_stats stats;
  weft_stats_get(sim, &stats);
  return stats.memory_bytes;
}

/* Memory that a flow leaves behind when it is over: 100000 short flows, few at a time. */
static double bytes_per_flow(void) {
  enum { FLOWS = 100000 };
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 8);
  uint64_t before = memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    weft_flow_def flow = {.src = i % 128, .dst = (i + 37) % 128, .size_bytes = 1000,
                          .start_ps = (weft_time)i * 10000};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, -1, 0));
  double bytes = (double)(memory(sim) - before) / FLOWS;
  weft_sim_destroy(sim);
  return bytes;
}

/* Memory of a flow in flight, its packets included: 12800 flows at once. */
static double bytes_per_active_flow(void) {
  enum { FLOWS = 12800 };
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 8);
  uint64_t before = memory(sim);
  for (uint32_t i = 0; i < FLOWS; i++) {
    weft_flow_def flow = {.src = i % 128, .dst = (53 * i + 29) % 128, .size_bytes = 1000000};
    must(sim, weft_flow_add(sim, &flow));
  }
  must(sim, weft_run(sim, 100 * (weft_time)US, 0));
  double bytes = (double)(memory(sim) - before) / FLOWS;
  weft_sim_destroy(sim);
  return bytes;
}

static double bytes_per_port(void) {
  weft_config config = weft_config_default();
  weft_sim *sim = fat_tree(&config, 16);
  double bytes = (double)memory(sim) / (2.0 * weft_link_count(sim));
  weft_sim_destroy(sim);
  return bytes;
}

/* Nodes, links, weft_fabric_ready() and a route from every host. */
static double setup_seconds(uint32_t k) {
  double values[REPEATS];
  weft_config config = weft_config_default();
  for (int r = 0; r < REPEATS; r++) {
    double begin = seconds();
    weft_sim *sim = fat_tree(&config, k);
    uint32_t hosts = k * k * k / 4, ports[WEFT_PATH_MAX];
    for (uint32_t i = 0; i < hosts; i++) {
      must(sim, weft_path(sim, i, (i + hosts / 2) % hosts, i, ports));
    }
    values[r] = seconds() - begin;
    weft_sim_destroy(sim);
  }
  return median(values);
}

static double setup_k16(void) {
  return setup_seconds(16);
}

static double setup_k32(void) {
  return setup_seconds(32);
}

int main(int argc, char **argv) {
  static const struct {
    const char *name, *unit;
    double (*measure)(void);
  } rows[] = {
    {"hop_ns/perm_k8/dctcp", "ns", hop_ns_dctcp},
    {"hop_ns/perm_k8/hpcc", "ns", hop_ns_hpcc},
    {"skeleton_ns/perm_k8", "ns", skeleton_ns},
    {"bytes/flow", "B", bytes_per_flow},
    {"bytes/active_flow", "B", bytes_per_active_flow},
    {"bytes/port", "B", bytes_per_port},
    {"setup_s/k16", "s", setup_k16},
    {"setup_s/k32", "s", setup_k32},
  };
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    bool wanted = argc == 1;
    for (int a = 1; a < argc; a++) wanted = wanted || strstr(rows[i].name, argv[a]) != NULL;
    if (!wanted) continue;
    printf("%-22s %10.4g %s\n", rows[i].name, rows[i].measure(), rows[i].unit);
    fflush(stdout);
  }
  return EXIT_SUCCESS;
}
