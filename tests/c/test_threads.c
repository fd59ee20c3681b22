/* Threads change nothing: every result of a run on several is that of the run on one. Scenes are
 * random fabrics with congestion of each kind; splitting is forced, as most are too small to
 * pay. */
#include <stdlib.h>
#include <string.h>

#include "packet/domains/domain.h"
#include "fixture.h"

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
  const uint32_t law = roll(d, 3);
  config.rto_ps = law == 2 ? (20 + (weft_time)roll(d, 200)) * US : -1 - (weft_time)law;
  if (roll(d, 4) == 0) config.give_up_ps = (50 + (weft_time)roll(d, 500)) * US;
  return config;
}

/* Switches in a ring with chords, hosts on each. */
static weft_sim *random_scene(uint64_t key, uint32_t threads) {
  dice d = {key, 0};
  const weft_config config = random_config(&d, threads);
  weft_sim *sim = new_sim(&config, NULL);
  sim->domains.always_split = 1;
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
                               .link = roll(&d, weft_link_count(sim)),
                               .factor = 0.25,
                               .loss = roll(&d, 2) ? 0.01 : -1};
    MUST(sim, weft_link_schedule(sim, &change));
    change = (weft_link_change){.at_ps = 200 * (weft_time)US, .link = change.link, .factor = 1};
    MUST(sim, weft_link_schedule(sim, &change));
  }
  for (uint32_t i = roll(&d, 3); i > 0; i--) { /* dead, and noticed late */
    weft_link_change change = {.at_ps = (100 + roll(&d, 50)) * (weft_time)US,
                               .loss = -1,
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
                              .period_ps = roll(&d, 2) ? 29 * US : 0,
                              .pause_ps = 12 * US};
    MUST(sim, weft_storm_add(sim, &storm));
  }
  for (uint32_t i = roll(&d, 4) == 0; i > 0; i--) {
    weft_link_impairment late = {.at_ps = roll(&d, 90) * (weft_time)US,
                                 .jitter_ps = 3 * US,
                                 .link = roll(&d, weft_link_count(sim)),
                                 .delay_ps = 9 * US};
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
  const char *columns[] = {"fct_ps",      "received_ps", "acked_ps", "delivered_bytes",
                           "retransmits", "ecn_marks",   "state"};
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

/* ---- fabrics of the usual kinds ---- */

/* Servers of 4 hosts around an NVLink switch; host i of each is on rail i. */
static weft_sim *rails(const weft_config *config) {
  enum {
    SERVERS = 4,
    GPUS = 4,
    HOSTS = SERVERS * GPUS,
    NVLINK = HOSTS,
    LEAF = NVLINK + SERVERS,
    SPINE = LEAF + GPUS
  };
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i <= SPINE; i++) add_node(sim, i < HOSTS ? WEFT_HOST : WEFT_SWITCH);
  for (uint32_t i = 0; i < HOSTS; i++) {
    add_link(sim, i, NVLINK + i / GPUS, 900 * (uint64_t)GBPS, US / 10);
    add_link(sim, i, LEAF + i % GPUS, 100 * (uint64_t)GBPS, US);
  }
  for (uint32_t i = 0; i < GPUS; i++) add_link(sim, LEAF + i, SPINE, 400 * (uint64_t)GBPS, US);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

enum kind { FAT_TREE, RAILS, DUMBBELL, STAR, KINDS };

/* Everybody to everybody else and to one victim, with links that slow down, fail and come back. */
static weft_sim *usual_scene(enum kind kind, uint32_t cc, uint32_t threads) {
  weft_config config = weft_config_default();
  config.cc = cc;
  config.threads = threads;
  config.pfc = 1;
  config.pfc_headroom_bytes = 60000;
  config.buffer_bytes = 1500000;
  config.rto_ps = 300 * (weft_time)US;
  config.window_bytes = cc == WEFT_CC_WINDOW ? 500000 : 0;
  weft_sim *sim = kind == FAT_TREE ? fat_tree(&config, 4, 100 * (uint64_t)GBPS, US)
                  : kind == RAILS  ? rails(&config)
                  : kind == DUMBBELL
                      ? dumbbell(&config, 8, 100 * (uint64_t)GBPS, 200 * (uint64_t)GBPS, US)
                      : star(&config, 16, 100 * (uint64_t)GBPS, US);
  sim->domains.always_split = 1;
  for (uint32_t i = 0; i < 16; i++)
    add_flow(sim, i, (i + 5) % 16, 100000 + 1000 * i, i % 3 * (weft_time)US);
  for (uint32_t i = 0; i < 15; i++) add_flow(sim, i, 15, 150000, 2 * US);
  const weft_link_change changes[] = {
      {.at_ps = 5 * US, .link = 1, .factor = 0.5, .loss = 0.002},
      {.at_ps = 9 * US, .link = 2, .factor = 0, .loss = -1, .detect_ps = 90 * (weft_time)US},
      {.at_ps = 30 * (weft_time)US, .link = 2, .factor = 1, .loss = -1}};
  for (int i = 0; i < 3; i++) MUST(sim, weft_link_schedule(sim, &changes[i]));
  MUST(sim, weft_sample(sim, 3 * US, 64));
  MUST(sim, weft_watch(sim, WEFT_PORT_QUEUE, 31));
  MUST(sim, weft_watch(sim, WEFT_PORT_BYTES, 31));
  MUST(sim, weft_watch(sim, WEFT_FLOW_BYTES, 3));
  return sim;
}

static void ensure_same_series(weft_sim *one, weft_sim *many) {
  for (uint32_t w = 0; w < 3; w++) {
    weft_series a, b;
    MUST(one, weft_series_get(one, w, &a));
    MUST(many, weft_series_get(many, w, &b));
    ENSURE_EQ(a.count, b.count);
    for (uint32_t i = 0; i < a.count; i++) ENSURE_EQ(a.value[i], b.value[i]);
  }
}

/* Pauses that one domain has sent to another. */
static int64_t border_pauses(weft_sim *sim) {
  int64_t pauses = 0;
  for (uint32_t i = 0; i < sim->domains.shared->borders.n; i++)
    pauses += cell(sim, WEFT_TABLE_PORTS, "pauses", sim->domains.shared->borders.at[i].port);
  return pauses;
}

TEST(threads_change_nothing_on_fabrics_of_the_usual_kinds) {
  int64_t pauses = 0;
  for (enum kind kind = 0; kind < KINDS; kind++)
    for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc += kind == FAT_TREE ? 1 : 3) {
      const uint32_t threads = kind == DUMBBELL ? 64 : 2 + cc % 3; /* more than switches */
      weft_sim *one = usual_scene(kind, cc, 1), *many = usual_scene(kind, cc, threads);
      run_to_end(one);
      run_to_end(many);
      ensure_same(100 * kind + cc, threads, one, many);
      ensure_same_series(one, many);
      ENSURE(kind == STAR ? many->domains.shared->count == 1 : many->domains.shared->count > 1);
      pauses += border_pauses(many);
      weft_sim_destroy(one);
      weft_sim_destroy(many);
    }
  ENSURE(pauses > 100);
}

/* ---- what is rare ---- */

/* A patience that is far too short, so that data arrives when its sender has given up; a change of
 * a link in between ends the time of the views that had known. */
TEST(flows_that_fail_while_data_is_under_way_fail_on_threads) {
  uint64_t failed = 0;
  for (int completion = 0; completion < 2; completion++)
    for (weft_time between = 0; between < 1400 * (weft_time)US; between += 170 * (weft_time)US) {
      weft_sim *sims[2];
      for (uint32_t i = 0; i < 2; i++) {
        weft_config config = quiet_config();
        config.give_up_ps = 500 * (weft_time)US;
        config.completion = (uint32_t)completion;
        config.threads = 1 + i;
        sims[i] =
            dumbbell(&config, 2, 100 * (uint64_t)GBPS, 100 * (uint64_t)GBPS, 400 * (weft_time)US);
        sims[i]->domains.always_split = 1;
        for (uint32_t f = 0; f < 4; f++) add_flow(sims[i], f, (f + 2) % 4, 1000, 5 * f * US);
        const weft_link_change change = {.at_ps = between, .link = 4, .factor = 1, .loss = -1};
        MUST(sims[i], weft_link_schedule(sims[i], &change));
        run_to_end(sims[i]);
      }
      ensure_same((uint64_t)between, 2, sims[0], sims[1]);
      failed += stats_of(sims[1]).flows_failed;
      weft_sim_destroy(sims[0]);
      weft_sim_destroy(sims[1]);
    }
  ENSURE(failed > 0);
}

TEST(a_run_on_threads_in_many_pieces_takes_no_more_memory) {
  weft_config config = quiet_config();
  config.threads = 2;
  weft_sim *sim = dumbbell(&config, 2, 100 * (uint64_t)GBPS, 100 * (uint64_t)GBPS, US);
  sim->domains.always_split = 1;
  for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, (i + 2) % 4, 20000000, 0);
  MUST(sim, weft_run(sim, 100 * (weft_time)US, 0));
  const uint64_t before = stats_of(sim).memory_bytes;
  for (weft_time until = 101; until < 200; until++) MUST(sim, weft_run(sim, until * US, 0));
  ENSURE(stats_of(sim).memory_bytes < before + before / 10);
  ENSURE(stats_of(sim).flows_done == 0);
  weft_sim_destroy(sim);
}

/* An interrupt may come between two runs, and then finds what is to happen now undone. */
TEST(an_interrupt_loses_nothing_on_threads) {
  for (uint64_t key = 1400; key < 1406; key++) {
    weft_sim *one = random_scene(key, 1), *many = random_scene(key, 3);
    run_to_end(one);
    for (int result = WEFT_RUN_BUDGET; result != WEFT_RUN_DONE;) {
      result = MUST(many, weft_run(many, -1, 311));
      if (result != WEFT_RUN_DONE) {
        weft_interrupt(many);
        result = MUST(many, weft_run(many, -1, 0));
      }
    }
    ensure_same(key, 3, one, many);
    weft_sim_destroy(one);
    weft_sim_destroy(many);
  }
}

TEST(a_limit_of_events_is_exact_with_threads) {
  weft_sim *sim = random_scene(1500, 3);
  sim->domains.always_split = 0;
  ENSURE_EQ(MUST(sim, weft_run(sim, -1, 7)), WEFT_RUN_BUDGET);
  ENSURE_EQ(stats_of(sim).events, 7);
  weft_sim_destroy(sim);
}

typedef struct purse {
  uint64_t calls, fail_at;
} purse;

static void *resize_from_purse(void *user, void *block, size_t old_size, size_t new_size) {
  purse *from = user;
  (void)old_size;
  if (new_size == 0) {
    free(block);
    return NULL;
  }
  return ++from->calls == from->fail_at ? NULL : realloc(block, new_size);
}

/* Which allocation fails depends on the order of threads; that nothing but ENOMEM comes of it, and
 * nothing is lost, does not. */
static int live_on_threads(uint64_t fail_at) {
  purse from = {0};
  const weft_allocator allocator = {resize_from_purse, &from};
  weft_config config = weft_config_default();
  config.threads = 3;
  config.cc = WEFT_CC_HPCC;
  weft_sim *sim = fat_tree_open(&config, &allocator, 4, 100 * (uint64_t)GBPS, US);
  from.fail_at = from.calls + fail_at;
  int status = weft_fabric_ready(sim);
  sim->domains.always_split = 1;
  for (uint32_t i = 0; i < 48 && status >= 0; i++) {
    const weft_flow_def flow = {
        .src = i % 16, .dst = (i + 7) % 16, .size_bytes = 40000, .start_ps = i / 16 * 5 * US};
    status = weft_flow_add(sim, &flow);
  }
  if (status >= 0) status = weft_run(sim, -1, 0);
  if (status >= 0) status = weft_check(sim);
  if (status >= 0) ENSURE_EQ(stats_of(sim).flows_done, 48);
  weft_sim_destroy(sim);
  return status;
}

TEST(the_failure_of_any_allocation_is_survived_on_threads) {
  int status = WEFT_ENOMEM;
  for (uint64_t n = 1; status != WEFT_OK; n += 1 + n / 8) {
    status = live_on_threads(n);
    ENSURE(status == WEFT_OK || status == WEFT_ENOMEM);
  }
}
