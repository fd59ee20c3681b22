/* Random fabrics, traffic and trouble. Whatever happens: packets are conserved, a run in steps
 * with a fork in its middle equals the run at once, and with links repaired every byte arrives.
 * WEFT_FUZZ_FIRST and WEFT_FUZZ_COUNT choose other scenes than the first few. */
#include <stdlib.h>

#include "fixture.h"

typedef struct dice {
  uint64_t key, n;
} dice;

static uint32_t roll(dice *d, uint32_t sides) {
  uint32_t side = (uint32_t)(uniform(d->key, d->n++) * sides);
  return side < sides ? side : sides - 1;
}

static uint64_t pick_rate(dice *d) {
  const uint64_t rates[] = {100, 400, 2400, 25, 30, 7, 1};
  return rates[roll(d, 7)] * (uint64_t)GBPS;
}

static weft_config random_config(dice *d) {
  weft_config config = weft_config_default();
  config.seed = d->key;
  config.cc = roll(d, WEFT_CC_SCRIPT);
  config.ecmp = roll(d, 4);
  config.completion = roll(d, 2);
  config.recovery = WEFT_RECOVERY_GO_BACK_N + roll(d, 2);
  config.mtu_bytes = 500 + roll(d, 3) * 1750;
  config.pfc = roll(d, 2);
  /* Lossless switches must be able to hold their headroom; lossy ones may be tiny. */
  if (config.pfc) config.pfc_headroom_bytes = 20000 + roll(d, 200000);
  config.buffer_bytes = config.pfc ? 3000000 + roll(d, 3000000) : 100000 + roll(d, 500000);
  config.ecn_kmin_bytes = 1000 + roll(d, 100000);
  config.ecn_kmax_bytes = config.ecn_kmin_bytes + roll(d, 300000);
  const uint32_t law = roll(d, 3);
  if (roll(d, 3) == 0) config.recovery = WEFT_RECOVERY_SACK;
  if (roll(d, 3) == 0) {
    config.cc = WEFT_CC_RENO + roll(d, 3);
    config.recovery = WEFT_RECOVERY_AUTO;
    config.tcp_ecn = roll(d, 2);
  }
  config.rto_ps = law == 2 ? (100 + (weft_time)roll(d, 1000)) * US : -1 - (weft_time)law;
  return config;
}

/* Two or three switches in a row or ring, a few hosts on each. */
static weft_sim *random_fabric(dice *d, uint32_t *hosts) {
  weft_config config = random_config(d);
  weft_sim *sim = new_sim(&config, NULL);
  const uint32_t switches = 1 + roll(d, 4);
  *hosts = 3 + roll(d, 8);
  for (uint32_t i = 0; i < *hosts; i++) add_node(sim, WEFT_HOST);
  for (uint32_t i = 0; i < switches; i++) add_node(sim, WEFT_SWITCH);
  const uint64_t edge = pick_rate(d);
  for (uint32_t i = 0; i < *hosts; i++) {
    add_link(sim, i, *hosts + i % switches, roll(d, 4) ? edge : pick_rate(d), roll(d, 2 * US));
  }
  for (uint32_t i = 0; i < switches; i++) {
    for (uint32_t j = i + 1; j < switches; j++) {
      if (j == i + 1 || roll(d, 2)) {
        add_link(sim, *hosts + i, *hosts + j, pick_rate(d), roll(d, 2 * US));
      }
    }
  }
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

static uint64_t add_random_flows(weft_sim *sim, dice *d, uint32_t hosts) {
  uint64_t bytes = 0;
  const uint32_t count = 1 + roll(d, 40);
  const uint32_t victim = roll(d, hosts);
  for (uint32_t i = 0; i < count; i++) {
    uint32_t dst = roll(d, 3) ? roll(d, hosts) : victim;
    uint32_t src = (dst + 1 + roll(d, hosts - 1)) % hosts;
    uint64_t size = 1 + roll(d, 1u << roll(d, 19));
    add_flow(sim, src, dst, size, roll(d, 50 * US));
    bytes += size;
  }
  return bytes;
}

/* Slow, lossy and dead links, all as new in the end. No link dies before the last flow has begun,
 * as a flow fails that finds no route at its start. */
static void add_random_trouble(weft_sim *sim, dice *d, bool dead) {
  const uint32_t count = roll(d, 6);
  for (uint32_t i = 0; i < count; i++) {
    const double factors[] = {0, 0.5, 0.125, 2};
    weft_link_change change = {.at_ps = (50 + roll(d, 100)) * US,
                               .link = roll(d, weft_link_count(sim)),
                               .direction = roll(d, 3),
                               .factor = dead ? factors[roll(d, 4)] : 0.25,
                               .loss = roll(d, 2) ? -1 : 0.02,
                               .detect_ps = roll(d, 2) ? roll(d, 100 * US) : 0};
    MUST(sim, weft_link_schedule(sim, &change));
    change = (weft_link_change){.at_ps = 200 * (weft_time)US, .link = change.link, .factor = 1};
    MUST(sim, weft_link_schedule(sim, &change));
  }
}

/* Late packets, bursts of losses, storms, slow detection; over when the links are as new. */
static void add_random_impairments(weft_sim *sim, dice *d, bool pfc) {
  const uint32_t count = roll(d, 4);
  for (uint32_t i = 0; i < count; i++) {
    weft_link_impairment wire = {.at_ps = roll(d, 150) * (weft_time)US,
                                 .link = roll(d, weft_link_count(sim)),
                                 .direction = roll(d, 3)};
    wire.delay_ps = roll(d, 3) ? (weft_time)roll(d, 20 * US) : -1;
    wire.jitter_ps = roll(d, 2) ? roll(d, 10 * US) : 0;
    if (roll(d, 2)) {
      wire.enter = 0.02;
      wire.leave = 0.3;
      wire.loss_bad = 0.5;
    }
    MUST(sim, weft_link_impair(sim, &wire));
    wire = (weft_link_impairment){.at_ps = 200 * (weft_time)US, .link = wire.link};
    MUST(sim, weft_link_impair(sim, &wire));
  }
  for (uint32_t i = roll(d, 3); pfc && i > 0; i--) {
    const weft_storm storm = {.at_ps = roll(d, 150) * (weft_time)US,
                              .port = roll(d, 2 * weft_link_count(sim)),
                              .duration_ps = 1 + roll(d, 300 * US),
                              .period_ps = roll(d, 2) ? 9 * US : 0,
                              .pause_ps = 2 * US};
    MUST(sim, weft_storm_add(sim, &storm));
  }
}

/* Any collective among three hosts, whole or in chunks; returns the bytes that it moves. */
static uint64_t add_random_collective(weft_sim *sim, dice *d) {
  static const uint32_t choices[][3] = {
      /* kind, algorithm, how often the size is moved between three ranks */
      {WEFT_ALLREDUCE, WEFT_RING, 4},
      {WEFT_ALLREDUCE, WEFT_BIDIRECTIONAL, 4},
      {WEFT_ALLREDUCE, WEFT_TREE, 4},
      {WEFT_ALLREDUCE, WEFT_DOUBLE_TREE, 4},
      {WEFT_ALLREDUCE, WEFT_HALVING_DOUBLING, 4},
      {WEFT_ALLREDUCE, WEFT_HIERARCHICAL, 4},
      {WEFT_ALL_TO_ALL, WEFT_DIRECT, 2},
      {WEFT_ALL_TO_ALL, WEFT_PAIRWISE, 2},
      {WEFT_REDUCE_SCATTER, WEFT_RING, 2},
      {WEFT_ALL_GATHER, WEFT_HALVING_DOUBLING, 2},
      {WEFT_BROADCAST, WEFT_RING, 2},
      {WEFT_REDUCE, WEFT_TREE, 2},
  };
  const uint32_t *choice = choices[roll(d, sizeof choices / sizeof *choices)];
  const uint32_t ranks[3] = {2, 0, 1};
  weft_collective_def def = {.kind = choice[0],
                             .algorithm = choice[1],
                             .ranks = ranks,
                             .rank_count = 3,
                             .forget = roll(d, 2)};
  if (def.kind == WEFT_ALLREDUCE || def.kind == WEFT_ALL_TO_ALL) def.local = 2;
  def.size_bytes = 6 * (uint64_t)(1 + roll(d, 30000));
  if (roll(d, 2)) def.chunk_bytes = 500 + roll(d, 10000);
  MUST(sim, weft_collective_add(sim, &def));
  return def.size_bytes * choice[2];
}

static weft_sim *random_scene(uint64_t key, uint64_t *bytes) {
  dice d = {key, 0};
  uint32_t hosts;
  weft_sim *sim = random_fabric(&d, &hosts);
  *bytes = add_random_flows(sim, &d, hosts);
  const bool collective = roll(&d, 3) == 0;
  add_random_trouble(sim, &d, !collective);
  add_random_impairments(sim, &d, weft_sim_config(sim).pfc);
  if (collective) *bytes += add_random_collective(sim, &d);
  return sim;
}

static void run_with_forks(weft_sim **sim, dice *d) {
  int result = WEFT_RUN_BUDGET;
  while (result == WEFT_RUN_BUDGET) {
    result = MUST(*sim, weft_run(*sim, -1, 1 + roll(d, 2000)));
    weft_stats s = stats_of(*sim);
    ENSURE_EQ(s.packets_injected, s.packets_delivered + s.packets_dropped + s.packets_in_flight);
    MUST(*sim, weft_check(*sim));
    if (roll(d, 20) != 0) continue;
    weft_sim *fork = NULL;
    MUST(*sim, weft_sim_fork(*sim, &fork));
    weft_sim_destroy(*sim);
    *sim = fork;
  }
  ENSURE_EQ(result, WEFT_RUN_DONE);
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *text = getenv(variable);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

TEST(random_scenes_conserve_packets_and_deliver_every_byte) {
  const uint64_t first = number_from("WEFT_FUZZ_FIRST", 0);
  const uint64_t count = number_from("WEFT_FUZZ_COUNT", 300);
  for (uint64_t key = first; key < first + count; key++) {
    uint64_t bytes;
    dice d = {~key, 0};
    weft_sim *sim = random_scene(key, &bytes);
    weft_sim *again = random_scene(key, &bytes);
    run_with_forks(&sim, &d);
    run_to_end(again);
    weft_stats s = stats_of(sim);
    if (s.fingerprint != stats_of(again).fingerprint || s.flows_done != s.flows_added ||
        s.payload_delivered != bytes || s.packets_in_flight != 0) {
      test_fail(__FILE__, __LINE__,
                "scene %" PRIu64 ": %" PRIu64 " of %" PRIu64 " flows, %" PRIu64 " of %" PRIu64
                " bytes, fingerprint %s, %" PRIu64 " in flight",
                key, s.flows_done, s.flows_added, s.payload_delivered, bytes,
                s.fingerprint == stats_of(again).fingerprint ? "same" : "differs",
                s.packets_in_flight);
    }
    weft_sim_destroy(sim);
    weft_sim_destroy(again);
  }
}
