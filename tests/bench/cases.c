/* Whole simulations, engine and skeletons in turn so that what disturbs one run disturbs all.
 *
 * A case has a list of variants: a congestion control, "/ns3" for the ns-3 model, "/tN" for N
 * threads. Times are of this process's work, those of "/tN" by the wall. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "skeleton.h"

enum { VARIANTS_MAX = 16, NAME_BYTES = 64 };
static const double ENOUGH_SECONDS = 0.3; /* a case that takes longer runs three times */

struct bench_case {
  const char *name;
  const char *variants; /* separated by blanks */
  const char *topology, *list; /* recorded inputs, or NULL */
  uint32_t fat_tree, hosts; /* fat_tree: its k; 0: a star of `hosts` */
  uint64_t flow_bytes; /* of a permutation or incast; 0: web search */
  double load;
  weft_time until_ps; /* of arrivals */
  int skeletons;
};

#define ALL_CC "window dctcp hpcc dcqcn timely swift"
#define RECORDED_CC "dctcp hpcc dcqcn timely"
#define THREADS "dctcp hpcc dctcp/t1 dctcp/t2 hpcc/t1 hpcc/t2"

static const struct bench_case cases[] = {
    {.name = "W1", .variants = RECORDED_CC, .topology = "star9", .list = "W1"},
    {.name = "W2", .variants = RECORDED_CC, .topology = "dumbbell", .list = "W2"},
    {.name = "W3", .variants = RECORDED_CC, .topology = "ft4"},
    {.name = "W4k4", .variants = "dctcp hpcc", .topology = "ft4", .list = "W4k4"},
    {.name = "W4k8_1MB", .variants = "dctcp hpcc", .topology = "ft8", .list = "W4k8_1MB"},
    {.name = "W4", .variants = RECORDED_CC, .topology = "ft8", .list = "W4"},
    {.name = "W4k16_1MB", .variants = "dctcp hpcc", .topology = "ft16", .list = "W4k16_1MB"},
    {.name = "W5", .variants = RECORDED_CC " hpcc/ns3", .topology = "ft4", .list = "W5"},
    {.name = "W6", .variants = RECORDED_CC, .topology = "ft4", .list = "W6"},
    {.name = "perm_k4", .variants = ALL_CC, .fat_tree = 4, .flow_bytes = 4000000, .skeletons = 1},
    {.name = "perm_k8", .variants = THREADS, .fat_tree = 8, .flow_bytes = 10000000, .skeletons = 1},
    {.name = "perm_k16",
     .variants = THREADS,
     .fat_tree = 16,
     .flow_bytes = 1000000,
     .skeletons = 1},
    {.name = "perm_k32",
     .variants = "dctcp hpcc",
     .fat_tree = 32,
     .flow_bytes = 64000,
     .skeletons = 1},
    {.name = "incast_64",
     .variants = "dctcp hpcc",
     .hosts = 65,
     .flow_bytes = 1000000,
     .skeletons = 1},
    {.name = "web50_k8",
     .variants = "dctcp hpcc",
     .fat_tree = 8,
     .load = 0.5,
     .until_ps = 1000 * US},
    {.name = "web80_k8",
     .variants = "dctcp hpcc",
     .fat_tree = 8,
     .load = 0.8,
     .until_ps = 1000 * US},
};

static weft_sim *fabric_of(const struct bench_case *c, const weft_config *config) {
  if (c->topology != NULL) return recorded_fabric(config, c->topology);
  return c->fat_tree != 0 ? fat_tree(config, c->fat_tree) : star(config, c->hosts);
}

static struct flow_list flows_of(const struct bench_case *c) {
  if (c->list != NULL) return recorded_flows(c->list);
  if (c->topology != NULL) return recorded_ring();
  if (c->fat_tree == 0) return incast(c->hosts, c->flow_bytes);
  const uint32_t hosts = c->fat_tree * c->fat_tree * c->fat_tree / 4;
  return c->flow_bytes != 0 ? permutation(hosts, c->flow_bytes)
                            : web_search(hosts, c->load, c->until_ps);
}

/* W3: a step of host j waits for the end, at its sender, of the step before that came to j. */
static void add_ring(weft_sim *sim, const struct flow_list *list) {
  for (uint32_t i = 0; i < list->count; i++) {
    const weft_flow_def *flow = &list->flows[i];
    const weft_task_def task = {.kind = WEFT_TASK_SEND,
                                .src = flow->src,
                                .dst = flow->dst,
                                .size_bytes = flow->size_bytes,
                                .sport = flow->sport,
                                .dport = flow->dport};
    must(sim, weft_task_add(sim, &task));
    if (i >= 16) must(sim, weft_task_after(sim, i, (i / 16 - 1) * 16 + (flow->src + 15) % 16));
  }
}

/* ---- variants ---- */

struct variant {
  weft_config config;
  char name[NAME_BYTES]; /* "perm_k8/hpcc/t2" */
  int by_wall;
  double hop_ns[REPEATS_MAX], total_s[REPEATS_MAX], hops;
};

/* The ns-3 recordings' parameters, where they are not the defaults. */
static void use_recorded_options(weft_config *config) {
  const int dctcp = config->cc == WEFT_CC_DCTCP;
  config->ecmp = WEFT_ECMP_NS3;
  config->completion = WEFT_AT_SENDER;
  config->min_rate_bps = 1 * (uint64_t)GBPS;
  config->ecn_kmin_bytes = dctcp ? 300000 : 400000;
  config->ecn_kmax_bytes = dctcp ? 300000 : 1600000;
  config->ecn_pmax = dctcp ? 1 : 0.2;
  config->hpcc_max_stage = 0;
  config->hpcc_int_multi = 4;
  config->hpcc_ai_bps = 40000000;
  if (config->cc == WEFT_CC_DCQCN || config->cc == WEFT_CC_TIMELY)
    config->window_mode = WEFT_WINDOW_NONE;
  config->dcqcn_alpha_ps = 1 * US;
  config->dcqcn_decrease_ps = 4 * US;
  config->dcqcn_increase_ps = 300 * US;
  config->dcqcn_recovery_steps = 1;
}

/* Read "hpcc/t2"; 0 if this engine cannot do it, or nobody asked for it. */
static int read_variant(const struct bench_case *c, const char *text, int length,
                        struct variant *v) {
  char words[NAME_BYTES], row_name[2 * NAME_BYTES];
  memset(v, 0, sizeof *v);
  v->config = weft_config_default();
  snprintf(v->name, sizeof v->name, "%s/%.*s", c->name, length, text);
  snprintf(row_name, sizeof row_name, "hop_ns/%s", v->name);
  int asked = wanted(row_name);
  snprintf(row_name, sizeof row_name, "wall_s/%s", v->name);
  if (!asked && !(c->topology != NULL && wanted(row_name))) return 0;
  snprintf(words, sizeof words, "%.*s", length, text);
  char *rest = strchr(words, '/');
  if (rest != NULL) *rest++ = '\0';
  if (!set_option(&v->config, "cc", words)) return 0;
  if (c->topology != NULL) use_recorded_options(&v->config);
  if (rest == NULL) return 1;
  if (strcmp(rest, "ns3") == 0) return set_option(&v->config, "compat", "ns3");
  v->by_wall = 1;
  return set_option(&v->config, "threads", rest + 1);
}

static void measure(const struct bench_case *c, const struct flow_list *list, struct variant *v,
                    int n) {
  double (*const clock)(void) = v->by_wall ? wall_seconds : cpu_seconds;
  const double begin = clock();
  weft_sim *sim = fabric_of(c, &v->config);
  if (c->topology != NULL && c->list == NULL)
    add_ring(sim, list);
  else
    for (uint32_t i = 0; i < list->count; i++) must(sim, weft_flow_add(sim, &list->flows[i]));
  const double ready = clock();
  must(sim, weft_run(sim, -1, 0));
  const double end = clock();
  weft_stats stats;
  weft_stats_get(sim, &stats);
  if (stats.flows_done != list->count) must(sim, WEFT_EINTERNAL);
  v->hop_ns[n] = (end - ready) * 1e9 / (double)stats.packet_hops;
  v->total_s[n] = end - begin;
  v->hops = (double)stats.packet_hops;
  weft_sim_destroy(sim);
}

/* ---- a case ---- */

static int skeleton_wanted(const struct bench_case *c, const char *kind, char *name) {
  snprintf(name, NAME_BYTES, "%s/%s", kind, c->name);
  return c->skeletons && wanted(name);
}

static void run_case(const struct bench_case *c) {
  static struct variant variants[VARIANTS_MAX];
  double heap[REPEATS_MAX], wheel[REPEATS_MAX];
  char heap_name[NAME_BYTES], wheel_name[NAME_BYTES], name[2 * NAME_BYTES];
  const int want_heap = skeleton_wanted(c, "skeleton_ns", heap_name);
  const int want_wheel = skeleton_wanted(c, "wheel_skeleton_ns", wheel_name);
  int count = 0, repeats = 0;
  for (const char *at = c->variants; *at != '\0' && count < VARIANTS_MAX;) {
    const int length = (int)strcspn(at, " ");
    count += read_variant(c, at, length, &variants[count]);
    at += length + (at[length] == ' ');
  }
  if (count == 0 && !want_heap && !want_wheel) return;
  const struct flow_list list = flows_of(c);
  const weft_config config = weft_config_default();
  weft_sim *sim = fabric_of(c, &config);
  const double begin = wall_seconds();
  while (repeats < (once ? 1 : 3) ||
         (!once && repeats < REPEATS_MAX && wall_seconds() - begin < ENOUGH_SECONDS)) {
    for (int i = 0; i < count; i++) measure(c, &list, &variants[i], repeats);
    if (want_heap) heap[repeats] = skeleton_hop_ns(sim, &list, SKELETON_HEAP);
    if (want_wheel) wheel[repeats] = skeleton_hop_ns(sim, &list, SKELETON_WHEEL);
    ++repeats;
  }
  weft_sim_destroy(sim);
  free(list.flows);
  for (int i = 0; i < count; i++) {
    snprintf(name, sizeof name, "hop_ns/%s", variants[i].name);
    if (wanted(name)) row(name, median(variants[i].hop_ns, repeats), "ns");
    snprintf(name, sizeof name, "packet_hops/%s", variants[i].name);
    if (once) row(name, variants[i].hops, "1");
    snprintf(name, sizeof name, "wall_s/%s", variants[i].name);
    if (c->topology != NULL && wanted(name)) row(name, median(variants[i].total_s, repeats), "s");
  }
  if (want_heap) row(heap_name, median(heap, repeats), "ns");
  if (want_wheel) row(wheel_name, median(wheel, repeats), "ns");
}

void bench_cases(void) {
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) run_case(&cases[i]);
}
