/* Random scenes with acceleration against the plain engine. Whatever is skipped: packets are
 * conserved at every moment, every port has sent what its flows have put there, the same flows are
 * completed with the same bytes, and a run in steps with forks in between, and one on three
 * threads, equal the run at once on one.
 * WEFT_FUZZ_FIRST and WEFT_FUZZ_COUNT choose other scenes than the first few; WEFT_FUZZ_SHOW
 * prints what each has skipped and how far off it is. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "fixture.h"
#include "sim_i.h"

typedef struct dice {
  uint64_t key, n;
} dice;

typedef struct scene {
  uint64_t key;
  int mode; /* 0: plain; 1: memoize, 2: fast_forward, 3: both */
  weft_sim *sim;
  uint32_t hosts, flows, tasks, changes;
  uint32_t flow_at, change_at; /* the next that comes unannounced */
  weft_flow_def flow[80]; /* in the order in which they come */
  weft_link_change change[8];
  bool calm; /* nothing happens to links, so that what has been sent is known by the flows */
  bool forgets; /* rows of flows are used again */
  uint32_t threads;
  bool open; /* may come unannounced: no way is ever cut, and there are no collectives */
} scene;

static uint32_t roll(dice *d, uint32_t sides) {
  uint32_t side = (uint32_t)(uniform(d->key, d->n++) * sides);
  return side < sides ? side : sides - 1;
}

static uint64_t pick_rate(dice *d) {
  const uint64_t rates[] = {100, 40, 25, 10, 7, 400};
  return rates[roll(d, 6)] * (uint64_t)GBPS;
}

static weft_config random_config(dice *d, int mode, uint32_t threads) {
  const uint32_t mtu[] = {1000, 1500, 4096, 937, 2311};
  weft_config config = weft_config_default();
  config.seed = d->key;
  config.threads = threads;
  config.cc = roll(d, WEFT_CC_SCRIPT);
  config.hpcc_multi_rate = roll(d, 2);
  config.completion = roll(d, 2);
  config.recovery = roll(d, 2) ? WEFT_RECOVERY_GO_BACK_N : WEFT_RECOVERY_SELECTIVE;
  config.mtu_bytes = mtu[roll(d, 5)];
  config.pfc = roll(d, 2);
  if (roll(d, 3) == 0) config.buffer_bytes = (config.pfc ? 3000000 : 400000) + roll(d, 3000000);
  config.memoize = mode & 1;
  config.fast_forward = mode > 1;
  if (roll(d, 4) == 0) config.audit = 0.5;
  if (roll(d, 2)) { /* skip what is not steady at all: errors are large, but nothing may break */
    config.theta = 0.1 + 0.2 * roll(d, 4);
    config.steady_samples = 4 + roll(d, 8);
    config.steady_period_ps = (1 + roll(d, 20)) * (weft_time)US;
  }
  return config;
}

static void random_fabric(scene *s, dice *d) {
  weft_config config = random_config(d, s->mode, s->threads);
  const uint64_t rate = pick_rate(d);
  const weft_time delay = roll(d, 3) ? US : roll(d, 3 * US);
  const uint32_t kind = roll(d, 4);
  const uint32_t n = 2 + roll(d, 6);
  s->hosts = kind == 0 ? n + 1 : kind == 3 ? 16 : 2 * n;
  if (kind == 0) s->sim = star(&config, s->hosts, rate, delay);
  if (kind == 1) s->sim = dumbbell(&config, n, rate, rate, delay);
  if (kind == 2) s->sim = dumbbell(&config, n, rate, pick_rate(d), delay);
  if (kind == 3) s->sim = fat_tree(&config, 4, rate, delay);
  s->sim->domains.always_split = 1; /* however little there is to do for several threads */
}

/* No two of them come at the same time, nor with anything else, unless at the very begin. */
static void add(scene *s, uint32_t src, uint32_t dst, uint64_t bytes, weft_time at) {
  const weft_flow_def flow = {
      .src = src, .dst = dst, .size_bytes = bytes, .start_ps = at > 0 ? at + 7 * s->flows + 1 : 0};
  uint32_t place = s->flows++;
  for (; place > 0 && s->flow[place - 1].start_ps > flow.start_ps; place--)
    s->flow[place] = s->flow[place - 1];
  s->flow[place] = flow;
}

static void change(scene *s, weft_link_change change) {
  uint32_t place = s->changes++;
  for (; place > 0 && s->change[place - 1].at_ps > change.at_ps; place--)
    s->change[place] = s->change[place - 1];
  s->change[place] = change;
}

/* Say what happens up to a time; returns when the next thing does. */
static weft_time announce(scene *s, weft_time until) {
  for (; s->flow_at < s->flows && s->flow[s->flow_at].start_ps <= until; s->flow_at++)
    MUST(s->sim, weft_flow_add(s->sim, &s->flow[s->flow_at]));
  for (; s->change_at < s->changes && s->change[s->change_at].at_ps <= until; s->change_at++)
    MUST(s->sim, weft_link_schedule(s->sim, &s->change[s->change_at]));
  weft_time next = INT64_MAX;
  if (s->flow_at < s->flows) next = s->flow[s->flow_at].start_ps;
  if (s->change_at < s->changes && s->change[s->change_at].at_ps < next)
    next = s->change[s->change_at].at_ps;
  return next;
}

/* The same step of a ring, an incast or pairs again and again, on hosts that move. */
static void repeated_flows(scene *s, dice *d) {
  const uint32_t steps = 1 + roll(d, 4), kind = roll(d, 3), far = 1 + roll(d, s->hosts - 1);
  const uint32_t width = 1 + roll(d, s->hosts - 1), moves = roll(d, 2);
  const uint64_t bytes = 1000000 + roll(d, 9000000);
  const weft_time apart = roll(d, 3000) * (weft_time)US;
  for (uint32_t step = 0; step < steps; step++)
    for (uint32_t i = 0; i < width && s->flows < 60; i++) {
      const uint32_t src = (i + moves * step) % s->hosts;
      const uint32_t sink = (width + moves * step) % s->hosts;
      add(s, src, kind == 0 ? sink : (src + far) % s->hosts, bytes + (kind == 2 ? 9999 * i : 0),
          step * apart);
    }
}

/* And now and then flows of any size from anywhere. */
static void random_flows(scene *s, dice *d) {
  const uint32_t count = roll(d, 2) * roll(d, 8);
  repeated_flows(s, d);
  for (uint32_t i = 0; i < count; i++) {
    const uint32_t src = roll(d, s->hosts);
    add(s, src, (src + 1 + roll(d, s->hosts - 1)) % s->hosts, 10000u << roll(d, 10),
        roll(d, 3000) * (weft_time)US);
  }
}

/* Collectives that follow one another, on the same hosts or on others. */
static void random_collectives(scene *s, dice *d) {
  const uint32_t algorithms[] = {WEFT_RING, WEFT_RING, WEFT_TREE, WEFT_HALVING_DOUBLING};
  const uint32_t count = 1 + roll(d, 4), width = s->hosts < 5 ? 2 : 4, moves = roll(d, 2);
  weft_collective_def def = {.kind = WEFT_ALLREDUCE,
                             .algorithm = algorithms[roll(d, 4)],
                             .rank_count = width,
                             .forget = roll(d, 3) == 0};
  def.size_bytes = width * (uint64_t)(100000 + roll(d, 4000000));
  if (roll(d, 3) == 0) def.chunk_bytes = 200000 + roll(d, 1000000);
  const bool chained = roll(d, 2);
  s->forgets = def.forget;
  for (uint32_t i = 0; i < count; i++) {
    uint32_t ranks[4];
    for (uint32_t k = 0; k < width; k++) ranks[k] = (i * moves + k) % s->hosts;
    def.ranks = ranks;
    def.start_ps = chained ? 0 : i * 900 * (weft_time)US;
    const uint32_t task = (uint32_t)MUST(s->sim, weft_collective_add(s->sim, &def));
    def.after = chained ? task + 1 : 0;
    ++s->tasks;
  }
}

/* Late packets and storms of pauses, which are over at some time. */
static void random_trouble(scene *s, dice *d) {
  weft_link_impairment wire = {.at_ps = roll(d, 2000) * (weft_time)US,
                               .link = roll(d, weft_link_count(s->sim)),
                               .delay_ps = roll(d, 2) ? roll(d, 20 * US) : 0,
                               .jitter_ps = roll(d, 2) ? roll(d, 5 * US) : 0};
  if (roll(d, 3) == 0) {
    wire.enter = 0.001;
    wire.leave = wire.loss_bad = 0.5;
  }
  MUST(s->sim, weft_link_impair(s->sim, &wire));
  wire =
      (weft_link_impairment){.at_ps = wire.at_ps + roll(d, 900) * (weft_time)US, .link = wire.link};
  MUST(s->sim, weft_link_impair(s->sim, &wire));
  const weft_storm storm = {.at_ps = roll(d, 2000) * (weft_time)US,
                            .port = roll(d, 2 * weft_link_count(s->sim)),
                            .duration_ps = 1 + roll(d, 300 * US),
                            .period_ps = roll(d, 2) ? 9 * US : 0,
                            .pause_ps = 2 * US};
  if (weft_sim_config(s->sim).pfc) MUST(s->sim, weft_storm_add(s->sim, &storm));
}

static void random_changes(scene *s, dice *d) {
  const uint32_t count = roll(d, 2) ? 0 : 1 + roll(d, 3);
  s->calm = count == 0;
  for (uint32_t i = 0; i < count; i++) {
    const double factors[] = {s->open ? 0.1 : 0, 0.5, 0.25, 0.9};
    weft_link_change trouble = {.at_ps = (100 + roll(d, 3000)) * (weft_time)US + 3 + 10 * i,
                                .link = roll(d, weft_link_count(s->sim)),
                                .factor = factors[roll(d, 4)],
                                .loss = -1,
                                .detect_ps = roll(d, 2) ? roll(d, 50 * US) : 0};
    if (roll(d, 4) == 0) trouble.loss = 0.001;
    change(s, trouble);
    change(s, (weft_link_change){.at_ps = trouble.at_ps + roll(d, 500) * (weft_time)US + 2,
                                 .link = trouble.link,
                                 .factor = 1});
  }
}

/* Unannounced, all but the begin is left for later. A flow without a way would be refused then, not
 * fail, and flows of collectives take rows in the order in which they start. */
static scene make(uint64_t key, int mode, bool unannounced, uint32_t threads) {
  dice d = {key, 0};
  scene s = {.key = key, .mode = mode, .threads = threads};
  random_fabric(&s, &d);
  s.open = roll(&d, 2);
  random_flows(&s, &d);
  random_changes(&s, &d);
  if (!s.open && roll(&d, 2)) random_collectives(&s, &d);
  if (roll(&d, 8) == 0) {
    s.calm = false;
    random_trouble(&s, &d);
  }
  announce(&s, unannounced && s.open ? 0 : INT64_MAX);
  return s;
}

#define HOLDS(s, condition)                                                               \
  do {                                                                                    \
    if (!(condition))                                                                     \
      test_fail(__FILE__, __LINE__, "scene %" PRIu64 " mode %d: %s", (s)->key, (s)->mode, \
                #condition);                                                              \
  } while (0)

static uint32_t rows(const scene *s) {
  weft_column column;
  MUST(s->sim, weft_column_get(s->sim, WEFT_TABLE_FLOWS, 0, &column));
  return (uint32_t)column.count;
}

static void check_conserved(const scene *s) {
  const weft_stats t = stats_of(s->sim);
  HOLDS(s, t.packets_injected == t.packets_delivered + t.packets_dropped + t.packets_in_flight);
  HOLDS(s, t.bytes_injected == t.bytes_delivered + t.bytes_dropped + t.bytes_in_flight);
  if (weft_check(s->sim) != WEFT_OK)
    test_fail(__FILE__, __LINE__, "scene %" PRIu64 " mode %d: %s", s->key, s->mode,
              weft_sim_error(s->sim));
}

/* Each port has sent what the flows on it say that they have put there. */
static void check_ports(const scene *s) {
  const uint32_t ports = 2 * weft_link_count(s->sim);
  const uint32_t n = rows(s);
  uint64_t *sent = calloc(ports, sizeof *sent);
  for (uint32_t f = 0; f < n; f++) {
    weft_flow_traffic traffic;
    MUST(s->sim, weft_flow_traffic_get(s->sim, f, &traffic));
    for (uint32_t h = 0; h < traffic.data_hops; h++)
      sent[traffic.data_ports[h]] += traffic.data_bytes;
    for (uint32_t h = 0; h < traffic.ack_hops; h++) sent[traffic.ack_ports[h]] += traffic.ack_bytes;
  }
  for (uint32_t p = 0; p < ports; p++) {
    const uint64_t counted = (uint64_t)cell(s->sim, WEFT_TABLE_PORTS, "tx_bytes", p);
    if (counted != sent[p])
      test_fail(__FILE__, __LINE__,
                "scene %" PRIu64 ": port %u has sent %" PRIu64 " bytes, flows say %" PRIu64, s->key,
                p, counted, sent[p]);
  }
  free(sent);
}

/* A flow fails that finds no way; all others arrive whole. */
static void check_end(const scene *s) {
  const weft_stats t = stats_of(s->sim);
  const uint32_t n = s->forgets ? 0 : rows(s);
  uint64_t bytes = 0;
  check_conserved(s);
  HOLDS(s, t.packets_in_flight == 0 && t.bytes_in_flight == 0);
  HOLDS(s,
        t.flows_failed > 0 ? !s->calm : t.flows_done == t.flows_added && t.tasks_done == s->tasks);
  for (uint32_t f = 0; f < n; f++) {
    const int64_t delivered = cell(s->sim, WEFT_TABLE_FLOWS, "delivered_bytes", f);
    const int64_t size = cell(s->sim, WEFT_TABLE_FLOWS, "size_bytes", f);
    HOLDS(s, delivered == size || cell(s->sim, WEFT_TABLE_FLOWS, "fct_ps", f) < 0);
    bytes += (uint64_t)delivered;
  }
  HOLDS(s, t.payload_delivered == bytes || t.flows_failed > 0 || s->forgets);
  if (s->calm && !s->forgets && t.packets_dropped == 0 && t.retransmits == 0) check_ports(s);
}

static void run_at_once(scene *s) {
  HOLDS(s, MUST(s->sim, weft_run(s->sim, -1, 0)) == WEFT_RUN_DONE);
  check_end(s);
}

/* In steps by events or time, with checks and forks in between; flows and changes that have not
 * been announced come when their time has. */
static void run_in_steps(scene *s) {
  dice d = {~s->key, 0};
  int result = WEFT_RUN_BUDGET;
  uint64_t before = 0;
  weft_time next = announce(s, 0);
  while (result != WEFT_RUN_DONE) {
    const weft_time now = stats_of(s->sim).now_ps;
    const int by_time = roll(&d, 2) == 0;
    const weft_time end = now + 1 + roll(&d, 200) * (weft_time)US;
    const weft_time until = by_time && end < next ? end : next - 1;
    result = MUST(s->sim, weft_run(s->sim, until, by_time ? 0 : 1 + roll(&d, 20000)));
    if (next < INT64_MAX &&
        (result == WEFT_RUN_DONE || (result == WEFT_RUN_UNTIL && until == next - 1))) {
      MUST(s->sim, weft_run(s->sim, next, 0));
      next = announce(s, next);
      result = WEFT_RUN_BUDGET;
    }
    check_conserved(s);
    const uint32_t n = s->forgets ? 0 : rows(s);
    uint64_t delivered = 0;
    for (uint32_t f = 0; f < n; f++)
      delivered += (uint64_t)cell(s->sim, WEFT_TABLE_FLOWS, "delivered_bytes", f);
    HOLDS(s, delivered >= before || s->mode != 2); /* inside a known transient it is a guess */
    before = delivered;
    if (roll(&d, 4) == 0) { /* looking changes nothing */
      MUST(s->sim, weft_partitions_find(s->sim, (int)roll(&d, 3), roll(&d, 2) * 8));
      MUST(s->sim, weft_stalled(s->sim, 500 * (weft_time)US, NULL, 0));
    }
    if (roll(&d, 10) != 0) continue;
    weft_sim *fork = NULL;
    MUST(s->sim, weft_sim_fork(s->sim, &fork));
    weft_sim_destroy(s->sim);
    s->sim = fork;
  }
  check_end(s);
}

static void check_same(const scene *a, const scene *b) {
  const uint32_t n = rows(a);
  HOLDS(a, n == rows(b));
  for (uint32_t f = 0; f < n; f++)
    HOLDS(a, cell(a->sim, WEFT_TABLE_FLOWS, "fct_ps", f) ==
                 cell(b->sim, WEFT_TABLE_FLOWS, "fct_ps", f));
  HOLDS(a, stats_of(a->sim).fingerprint == stats_of(b->sim).fingerprint);
}

/* Whatever the threads, nothing that a user can see differs. */
static void check_same_on_threads(const scene *one, const scene *many) {
  weft_acceleration a, b;
  weft_acceleration_get(one->sim, &a);
  weft_acceleration_get(many->sim, &b);
  check_same(one, many);
  HOLDS(one, stats_of(one->sim).events == stats_of(many->sim).events);
  HOLDS(one, a.events_skipped == b.events_skipped && a.hits == b.hits && a.misses == b.misses);
  HOLDS(one, a.transient_ps == b.transient_ps && a.events_replayed == b.events_replayed);
}

/* Where none fails for want of a way, which may depend on a little. */
static void check_same_work(const scene *plain, const scene *fast) {
  const weft_stats a = stats_of(plain->sim), b = stats_of(fast->sim);
  if (a.flows_failed + b.flows_failed > 0) return;
  HOLDS(fast, a.flows_done == b.flows_done && a.tasks_done == b.tasks_done);
  HOLDS(fast, a.payload_delivered == b.payload_delivered);
}

static void show(const scene *plain, const scene *fast, int mode) {
  const uint32_t n = rows(plain);
  double sum = 0, worst = 0;
  for (uint32_t f = 0; f < n; f++) {
    const double exact = (double)cell(plain->sim, WEFT_TABLE_FLOWS, "fct_ps", f);
    const double off = fabs((double)cell(fast->sim, WEFT_TABLE_FLOWS, "fct_ps", f) / exact - 1);
    sum += off;
    if (off > worst) worst = off;
  }
  weft_acceleration a;
  weft_acceleration_get(fast->sim, &a);
  const weft_config config = weft_sim_config(fast->sim);
  printf("# %5" PRIu64 " cc %u mode %d theta %4.1f calm %d flows %2u events %8" PRIu64
         " skipped %5.1f %% hits %3" PRIu64 " misses %3" PRIu64 " replayed %6" PRIu64
         " mean %.2e worst %.2e\n",
         plain->key, config.cc, mode, config.theta, plain->calm, n, stats_of(plain->sim).events,
         100.0 * (double)a.events_skipped / (double)(a.events_skipped + stats_of(fast->sim).events),
         a.hits, a.misses, a.events_replayed, sum / n, worst);
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *text = getenv(variable);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

TEST(accelerated_scenes_lose_nothing) {
  const uint64_t first = number_from("WEFT_FUZZ_FIRST", 0);
  const uint64_t count = number_from("WEFT_FUZZ_COUNT", 16);
  for (uint64_t key = first; key < first + count; key++) {
    const int mode = 1 + (int)(key % 3);
    scene plain = make(key, 0, false, 1), fast = make(key, mode, false, 1);
    scene steps = make(key, mode, true, 1 + (uint32_t)key % 2);
    scene many = make(key, mode, false, 3);
    run_at_once(&plain);
    run_at_once(&fast);
    check_same_work(&plain, &fast);
    run_in_steps(&steps);
    check_same(&fast, &steps);
    run_at_once(&many);
    check_same_on_threads(&fast, &many);
    if (getenv("WEFT_FUZZ_SHOW") != NULL) show(&plain, &fast, mode);
    weft_sim_destroy(plain.sim);
    weft_sim_destroy(fast.sim);
    weft_sim_destroy(steps.sim);
    weft_sim_destroy(many.sim);
  }
}
