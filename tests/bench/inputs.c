/* Fabrics and flow lists that benchmarks run: by rule, or recorded with other simulators' runs. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng_i.h"
#include "bench.h"

#define RECORDED "tests/reference/ns3-fabric/inputs/"

/* ---- fabrics ---- */

static weft_sim *create(const weft_config *config) {
  weft_sim *sim = NULL;
  must(sim, weft_sim_create(config, NULL, &sim));
  return sim;
}

static void add_nodes(weft_sim *sim, uint32_t hosts, uint32_t switches) {
  for (uint32_t i = 0; i < hosts; i++) must(sim, weft_node_add(sim, WEFT_HOST));
  for (uint32_t i = 0; i < switches; i++) must(sim, weft_node_add(sim, WEFT_SWITCH));
}

weft_sim *fat_tree(const weft_config *config, uint32_t k) {
  weft_sim *sim = create(config);
  const uint32_t half = k / 2, hosts = k * half * half;
  const uint32_t edge = hosts, above = edge + k * half, core = above + k * half;
  weft_link_def link = {.rate_bps = 100 * (uint64_t)GBPS, .delay_ps = US};
  add_nodes(sim, hosts, core + half * half - hosts);
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

weft_sim *star(const weft_config *config, uint32_t hosts) {
  weft_sim *sim = create(config);
  weft_link_def link = {.b = hosts, .rate_bps = 100 * (uint64_t)GBPS, .delay_ps = US};
  add_nodes(sim, hosts, 1);
  for (link.a = 0; link.a < hosts; link.a++) must(sim, weft_link_add(sim, &link));
  must(sim, weft_fabric_ready(sim));
  return sim;
}

static FILE *open_recorded(const char *name, const char *suffix) {
  char path[256];
  snprintf(path, sizeof path, RECORDED "%s%s", name, suffix);
  FILE *file = fopen(path, "r");
  if (file == NULL) {
    fprintf(stderr, "bench: cannot read '%s': run from the top folder\n", path);
    exit(EXIT_FAILURE);
  }
  return file;
}

/* "nodes switches links", the switches, then "a b <n>Gbps <x>ms loss"; hosts are numbered first. */
weft_sim *recorded_fabric(const weft_config *config, const char *name) {
  FILE *file = open_recorded(name, ".topo.txt");
  weft_sim *sim = create(config);
  uint32_t nodes, switches, links, id;
  int good = fscanf(file, "%u %u %u", &nodes, &switches, &links) == 3;
  if (good) add_nodes(sim, nodes - switches, switches);
  for (uint32_t i = 0; good && i < switches; i++) good = fscanf(file, "%u", &id) == 1;
  for (uint32_t i = 0; good && i < links; i++) {
    double gbps, ms, loss;
    weft_link_def link = {0};
    good = fscanf(file, "%u %u %lfGbps %lfms %lf", &link.a, &link.b, &gbps, &ms, &loss) == 5;
    link.rate_bps = (uint64_t)(gbps * GBPS);
    link.delay_ps = (weft_time)(ms * 1e9 + 0.5);
    if (good) must(sim, weft_link_add(sim, &link));
  }
  fclose(file);
  if (!good) must(sim, WEFT_EINVAL);
  must(sim, weft_fabric_ready(sim));
  return sim;
}

/* ---- flows ---- */

static void append(struct flow_list *list, weft_flow_def flow) {
  if ((list->count & (list->count - 1)) == 0) { /* full at every power of two */
    const size_t room = list->count == 0 ? 1 : 2 * (size_t)list->count;
    list->flows = realloc(list->flows, room * sizeof flow);
    if (list->flows == NULL) must(NULL, WEFT_ENOMEM);
  }
  list->flows[list->count++] = flow;
}

struct flow_list permutation(uint32_t hosts, uint64_t size) {
  struct flow_list list = {0};
  /* 53 is odd, so this permutes; no host is its own partner as 52 i + 29 is odd. */
  for (uint32_t i = 0; i < hosts; i++)
    append(&list, (weft_flow_def){.src = i, .dst = (53 * i + 29) % hosts, .size_bytes = size});
  return list;
}

struct flow_list incast(uint32_t hosts, uint64_t size) {
  struct flow_list list = {0};
  for (uint32_t i = 0; i + 1 < hosts; i++)
    append(&list, (weft_flow_def){.src = i, .dst = hosts - 1, .size_bytes = size});
  return list;
}

/* Sizes of the web-search workload (Alizadeh et al., SIGCOMM 2010) in the ten-step form in which
 * the HPCC authors use it: a part of all flows is no longer than so many bytes, linear between. */
static uint64_t web_search_size(double u) {
  static const double part[] = {0, .15, .2, .3, .4, .53, .6, .7, .8, .9, .97, 1};
  static const double bytes[] = {1, 1e4, 2e4, 3e4, 5e4, 8e4, 2e5, 1e6, 2e6, 5e6, 1e7, 3e7};
  int i = 1;
  while (u > part[i]) i++;
  const double along = (u - part[i - 1]) / (part[i] - part[i - 1]);
  return (uint64_t)(bytes[i - 1] + along * (bytes[i] - bytes[i - 1])) + 1;
}

struct flow_list web_search(uint32_t hosts, double load, weft_time until_ps) {
  const double mean_bytes = 1711250; /* of web_search_size */
  const double gap_ps = mean_bytes * 8e12 / (load * 100e9 * hosts);
  struct flow_list list = {0};
  double time = 0;
  for (uint64_t n = 0;; n++) {
    time -= gap_ps * log(1 - rng_uniform(7, 100, 0, n));
    if (time >= (double)until_ps) return list;
    const uint32_t src = (uint32_t)(rng_uniform(7, 101, 0, n) * hosts);
    const uint32_t other = (uint32_t)(rng_uniform(7, 102, 0, n) * (hosts - 1));
    append(&list, (weft_flow_def){.src = src,
                                  .dst = other + (other >= src),
                                  .size_bytes = web_search_size(rng_uniform(7, 103, 0, n)),
                                  .start_ps = (weft_time)time});
  }
}

struct flow_list recorded_flows(const char *name) {
  FILE *file = open_recorded(name, ".flows.csv");
  struct flow_list list = {0};
  char line[128];
  unsigned src, dst;
  unsigned long long size, start_ns;
  while (fgets(line, sizeof line, file) != NULL) {
    if (sscanf(line, "%*u,%u,%u,%llu,%llu", &src, &dst, &size, &start_ns) != 4) continue;
    uint32_t same_pair = 0;
    for (uint32_t i = 0; i < list.count; i++)
      same_pair += list.flows[i].src == src && list.flows[i].dst == dst;
    append(&list, (weft_flow_def){.src = src,
                                  .dst = dst,
                                  .size_bytes = size,
                                  .start_ps = (weft_time)start_ns * 1000,
                                  .sport = 10000 + same_pair,
                                  .dport = 100});
  }
  fclose(file);
  return list;
}

struct flow_list recorded_ring(void) {
  struct flow_list list = {0};
  for (uint32_t i = 0; i < 30 * 16; i++)
    append(&list, (weft_flow_def){.src = i % 16,
                                  .dst = (i + 1) % 16,
                                  .size_bytes = 1000000,
                                  .sport = 10000 + i / 16,
                                  .dport = 20000 + i / 16});
  return list;
}
