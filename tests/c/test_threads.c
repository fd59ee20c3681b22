/* Threads change nothing: every result of a run on several is that of the run on one. Scenes are
 * random fabrics with congestion of each kind; splitting is forced, as most are too small to
 * pay. */
#include <string.h>

#include "fixture.h"
#include "sim_i.h"

typedef struct dice {
  uint64_t key, n;
} dice;

static uint32_t roll(dice *d, uint32_t sides) {
  uint32_t side = (uint32_t)(uniform(d->key, d->n++) * sides);
  return side < sides ? side : sides - 1;
}

/* Lossless with pauses, lossy with go-back-N, or with room for all. */
static weft_config random_config(dice *d, uint32_t threads) {
  weft_config config = weft_config_default();
  config.seed = d->key;
  config.threads = threads;
  config.cc = roll(d, WEFT_CC_SCRIPT);
  config.completion = roll(d, 2);
  config.pfc = roll(d, 2);
  if (config.pfc) config.pfc_headroom_bytes = 20000 + roll(d, 200000);
  config.buffer_bytes = config.pfc ? 3000000 + roll(d, 3000000) : 50000 + roll(d, 500000);
  config.ecn_kmin_bytes = 1000 + roll(d, 100000);
  config.ecn_kmax_bytes = config.ecn_kmin_bytes + roll(d, 300000);
  config.rto_ps = (20 + (weft_time)roll(d, 200)) * US;
  return config;
}

/* Switches in a ring with chords, hosts on each. */
static weft_sim *random_scene(uint64_t key, uint32_t threads) {
  dice d = {key, 0};
  const weft_config config = random_config(&d, threads);
  weft_sim *sim = new_sim(&config, NULL);
  sim->always_split = 1;
  const uint32_t switches = 3 + roll(&d, 6), hosts = switches * (1 + roll(&d, 4));
  for (uint32_t i = 0; i < hosts + switches; i++)
    add_node(sim, i < hosts ? WEFT_HOST : WEFT_SWITCH);
  const uint64_t rates[] = {100, 30, 25, 7};
  for (uint32_t i = 0; i < hosts; i++)
    add_link(sim, i, hosts + i % switches, 100 * (uint64_t)GBPS, 1 + roll(&d, US));
  for (uint32_t i = 0; i < switches; i++) {
    add_link(sim, hosts + i, hosts + (i + 1) % switches, rates[roll(&d, 4)] * (uint64_t)GBPS,
             1 + roll(&d, 2 * US));
    const uint32_t other = roll(&d, switches);
    if (roll(&d, 2) && other != i)
      add_link(sim, hosts + i, hosts + other, 100 * (uint64_t)GBPS, 1 + roll(&d, 2 * US));
  }
  MUST(sim, weft_fabric_ready(sim));
  const uint32_t count = 1 + roll(&d, 200), victim = roll(&d, hosts);
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t dst = roll(&d, 3) ? roll(&d, hosts) : victim;
    const uint32_t src = (dst + 1 + roll(&d, hosts - 1)) % hosts;
    add_flow(sim, src, dst, 1 + roll(&d, 1u << roll(&d, 19)), roll(&d, 4) * roll(&d, 100 * US));
  }
  for (uint32_t i = roll(&d, 3); i > 0; i--) { /* slow for a while */
    weft_link_change change = {.at_ps = roll(&d, 100) * (weft_time)US,
                               .link = roll(&d, weft_link_count(sim)), .factor = 0.25,
                               .loss = roll(&d, 2) ? 0.01 : -1};
    MUST(sim, weft_link_schedule(sim, &change));
    change = (weft_link_change){.at_ps = 200 * (weft_time)US, .link = change.link, .factor = 1};
    MUST(sim, weft_link_schedule(sim, &change));
  }
  for (uint32_t i = roll(&d, 3); i > 0; i--) { /* dead, and noticed late */
    weft_link_change change = {.at_ps = (100 + roll(&d, 50)) * (weft_time)US, .loss = -1,
                               .link = roll(&d, weft_link_count(sim)),
                               .detect_ps = roll(&d, 2) * (40 + roll(&d, 200)) * (weft_time)US};
    MUST(sim, weft_link_schedule(sim, &change));
    change = (weft_link_change){.at_ps = 200 * (weft_time)US, .link = change.link, .factor = 1};
    MUST(sim, weft_link_schedule(sim, &change));
  }
  for (uint32_t i = roll(&d, 3); config.pfc && i > 0; i--) {
    const weft_storm storm = {.at_ps = roll(&d, 150) * (weft_time)US,
                              .port = roll(&d, 2 * weft_link_count(sim)),
                              .duration_ps = 1 + roll(&d, 300 * US),
                              .period_ps = roll(&d, 2) ? 29 * US : 0, .pause_ps = 12 * US};
    MUST(sim, weft_storm_add(sim, &storm));
  }
  for (uint32_t i = roll(&d, 4) == 0; i > 0; i--) {
    weft_link_impairment late = {.at_ps = roll(&d, 90) * (weft_time)US, .jitter_ps = 3 * US,
                                 .link = roll(&d, weft_link_count(sim)), .delay_ps = 9 * US};
    MUST(sim, weft_link_impair(sim, &late));
  }
  return sim;
}

/* What is the same however often the engine looked at a port. */
static weft_stats comparable(weft_sim *sim) {
  weft_stats stats = stats_of(sim);
  stats.events = stats.memory_bytes = 0;
  return stats;
}

static void ensure_same(uint64_t key, uint32_t threads, weft_sim *one, weft_sim *many) {
  const weft_stats a = comparable(one), b = comparable(many);
  if (memcmp(&a, &b, sizeof a) != 0)
    test_fail(__FILE__, __LINE__,
              "scene %" PRIu64 " on %" PRIu32 " threads: %" PRIu64 " hops, %" PRId64 " ps, %" PRIu64
              " done; on one %" PRIu64 ", %" PRId64 ", %" PRIu64 "; fingerprint %s",
              key, threads, b.packet_hops, b.now_ps, b.flows_done, a.packet_hops, a.now_ps,
              a.flows_done, a.fingerprint == b.fingerprint ? "same" : "differs");
  const char *columns[] = {"fct_ps", "received_ps", "acked_ps", "delivered_bytes", "retransmits",
                           "ecn_marks", "state"};
  for (size_t c = 0; c < sizeof columns / sizeof columns[0]; c++)
    for (uint64_t row = 0; row < a.flows_added; row++)
      ENSURE_EQ(cell(one, WEFT_TABLE_FLOWS, columns[c], row),
                cell(many, WEFT_TABLE_FLOWS, columns[c], row));
  MUST(many, weft_check(many));
}

TEST(threads_change_nothing) {
  for (uint64_t key = 1000; key < 1040; key++) {
    weft_sim *one = random_scene(key, 1);
    run_to_end(one);
    for (uint32_t threads = 2; threads <= 4; threads += 2) {
      weft_sim *many = random_scene(key, threads);
      run_to_end(many);
      ensure_same(key, threads, one, many);
      weft_sim_destroy(many);
    }
    weft_sim_destroy(one);
  }
}

/* Pieces end where windows do not, and a fork goes on by itself. */
TEST(threads_change_nothing_for_runs_in_pieces) {
  for (uint64_t key = 1200; key < 1210; key++) {
    weft_sim *one = random_scene(key, 1), *many = random_scene(key, 3);
    for (weft_time until = 0; until < 300 * (weft_time)US; until += 7300000 + (weft_time)key) {
      MUST(one, weft_run(one, until, 0));
      MUST(many, weft_run(many, until, 0));
      ensure_same(key, 3, one, many);
    }
    weft_sim *fork = NULL;
    MUST(many, weft_sim_fork(many, &fork));
    weft_sim_destroy(many);
    run_to_end(one);
    run_to_end(fork);
    ensure_same(key, 3, one, fork);
    weft_sim_destroy(one);
    weft_sim_destroy(fork);
  }
}
