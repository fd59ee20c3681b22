/* What is left out must not be missed: for every congestion control, on several fabrics, with rates
 * at which no byte takes a whole number of ps, flows take as long as in the plain engine, and what
 * ports and flows count agrees in the middle of skips and at their end. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"

enum { MEMOIZE = 1, SKIP = 2 };

/* Servers of two GPUs, the k-th of each on switch k, and two spines. */
static weft_sim *rails(const weft_config *config, uint64_t rate_bps) {
  enum { SERVERS = 4, GPUS = 2, SPINES = 2 };
  weft_sim *sim = new_sim(config, NULL);
  const uint32_t leaf = SERVERS * GPUS, spine = leaf + GPUS;
  for (uint32_t i = 0; i < leaf; i++) add_node(sim, WEFT_HOST);
  for (uint32_t i = 0; i < GPUS + SPINES; i++) add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < leaf; i++) add_link(sim, i, leaf + i % GPUS, rate_bps, US / 2);
  for (uint32_t i = 0; i < GPUS * SPINES; i++)
    add_link(sim, leaf + i % GPUS, spine + i / GPUS, 4 * rate_bps, US / 2);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

/* What would be the scripted one stands for HPCC with a rate per hop. */
static bool is_hpcc(uint32_t cc) {
  return cc == WEFT_CC_HPCC || cc == WEFT_CC_SCRIPT;
}

static weft_sim *build(uint32_t fabric, uint32_t cc, int mode) {
  weft_config config = weft_config_default();
  config.cc = is_hpcc(cc) ? WEFT_CC_HPCC : cc;
  config.hpcc_multi_rate = cc == WEFT_CC_SCRIPT;
  config.mtu_bytes = 1437;
  config.memoize = mode & MEMOIZE;
  config.fast_forward = (mode & SKIP) != 0;
  const uint64_t rate = 40 * (uint64_t)GBPS;
  if (fabric == 0) return star(&config, 8, rate, US);
  if (fabric == 1) return fat_tree(&config, 4, rate, US);
  return rails(&config, rate);
}

/* Three steps of two rings of four, on the fat tree of pairs; then two flows to one host and, in
 * their middle, a short one, which is over within a few round trips. */
static uint32_t add_work(weft_sim *sim, uint32_t fabric) {
  uint32_t flows = 0;
  for (uint32_t step = 0; step < 3; step++)
    for (uint32_t i = 0; i < 8; i++, flows++)
      add_flow(sim, i, fabric == 1 ? i ^ 1 : (i + 2) % 8, 4000000 + 7 * step,
               step * 1200 * (weft_time)US);
  for (uint32_t i = 0; i < 2; i++, flows++) add_flow(sim, i, 7, 2500000, 3900 * (weft_time)US);
  add_flow(sim, 2, 7, 40000, 4200 * (weft_time)US);
  return flows + 1;
}

static void check_ports(weft_sim *sim, uint32_t flows) {
  const uint32_t ports = 2 * weft_link_count(sim);
  uint64_t *sent = calloc(ports, sizeof *sent);
  for (uint32_t f = 0; f < flows; f++) {
    weft_flow_traffic traffic;
    MUST(sim, weft_flow_traffic_get(sim, f, &traffic));
    for (uint32_t h = 0; h < traffic.data_hops; h++)
      sent[traffic.data_ports[h]] += traffic.data_bytes;
    for (uint32_t h = 0; h < traffic.ack_hops; h++) sent[traffic.ack_ports[h]] += traffic.ack_bytes;
  }
  for (uint32_t p = 0; p < ports; p++)
    ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", p), sent[p]);
  free(sent);
}

/* Mean error of completion times; the largest may not be above a bound. The last flow does not
 * count: how long it waits depends on the queue that it happens to find. */
static double error_of(weft_sim *plain, weft_sim *fast, uint32_t flows, double bound) {
  double sum = 0;
  for (uint32_t f = 0; f + 1 < flows; f++) {
    const double exact = (double)cell(plain, WEFT_TABLE_FLOWS, "fct_ps", f);
    const double off = fabs((double)cell(fast, WEFT_TABLE_FLOWS, "fct_ps", f) / exact - 1);
    if (off > bound) test_fail(__FILE__, __LINE__, "flow %u is off by %g", f, off);
    sum += off / (flows - 1);
  }
  return sum;
}

static void compare(uint32_t fabric, uint32_t cc, int mode, weft_sim *plain, uint32_t flows) {
  weft_sim *fast = build(fabric, cc, mode);
  weft_acceleration a;
  add_work(fast, fabric);
  for (weft_time until = 100; until < 5000; until += 700) {
    MUST(fast, weft_run(fast, until * US, 0));
    MUST(fast, weft_check(fast));
  }
  run_to_end(fast);
  check_ports(fast, flows);
  weft_acceleration_get(fast, &a);
  const double mean = error_of(plain, fast, flows, is_hpcc(cc) ? 2e-2 : 5e-3);
  const double left = (double)stats_of(fast).events / (double)stats_of(plain).events;
  const double bound = mode == MEMOIZE ? 1e-5 : is_hpcc(cc) ? 1e-3 : 2e-4;
  if (mean > bound || (mode == (MEMOIZE | SKIP) ? left > 0.2 : left > 0.95))
    test_fail(__FILE__, __LINE__, "cc %u, fabric %u, mode %d: %g of the events left, mean error %g",
              cc, fabric, mode, left, mean);
  ENSURE(mode == SKIP || a.hits >= 5);
  weft_sim_destroy(fast);
}

TEST(flows_take_as_long_when_skipped) {
  for (uint32_t cc = 0; cc <= WEFT_CC_SCRIPT; cc++)
    for (uint32_t fabric = 0; fabric < 3; fabric++) {
      weft_sim *plain = build(fabric, cc, 0);
      const uint32_t flows = add_work(plain, fabric);
      run_to_end(plain);
      for (int mode = MEMOIZE; mode <= (MEMOIZE | SKIP); mode++)
        compare(fabric, cc, mode, plain, flows);
      weft_sim_destroy(plain);
    }
}

/* However many threads may work on it: an accelerated run takes one. */
TEST(accelerated_runs_do_not_depend_on_threads) {
  uint64_t fingerprint[2], skipped[2];
  for (uint32_t i = 0; i < 2; i++) {
    weft_config config = weft_config_default();
    weft_acceleration a;
    config.threads = 1 + 3 * i;
    config.memoize = config.fast_forward = 1;
    weft_sim *sim = fat_tree(&config, 4, 40 * (uint64_t)GBPS, US);
    add_work(sim, 1);
    run_to_end(sim);
    weft_acceleration_get(sim, &a);
    fingerprint[i] = stats_of(sim).fingerprint;
    skipped[i] = a.events_skipped;
    weft_sim_destroy(sim);
  }
  ENSURE(skipped[0] > 100000 && skipped[0] == skipped[1]);
  ENSURE_EQ(fingerprint[0], fingerprint[1]);
}

/* The periods of a series add up to what is wanted, and none is beyond a limit. */
static void check_series(weft_sim *sim, uint32_t watch, int64_t wanted, uint64_t limit) {
  weft_series series;
  uint64_t total = 0;
  MUST(sim, weft_series_get(sim, watch, &series));
  for (uint64_t i = 0; i < series.count; i++) {
    total += series.value[i];
    if (series.value[i] > limit)
      test_fail(__FILE__, __LINE__, "watch %u: %" PRIu64 " bytes in a period, at most %" PRIu64,
                watch, series.value[i], limit);
  }
  ENSURE_EQ(total, wanted);
}

/* What is sampled while nothing is simulated adds up, and no period has more than twice what a line
 * carries: where in a known transient a flow is remains open. */
TEST(series_go_on_while_flows_are_skipped) {
  const uint64_t limit = 40 * (uint64_t)GBPS / 8 / 100000 * 2; /* in 10 us */
  for (int mode = 0; mode <= (MEMOIZE | SKIP); mode++) {
    weft_sim *sim = build(0, WEFT_CC_WINDOW, mode);
    MUST(sim, weft_sample(sim, 10 * (weft_time)US, 1024));
    const uint32_t flows = add_work(sim, 0);
    for (uint32_t f = 0; f < flows; f++) MUST(sim, weft_watch(sim, WEFT_FLOW_BYTES, f));
    for (uint32_t p = 0; p < 16; p++) MUST(sim, weft_watch(sim, WEFT_PORT_BYTES, p));
    run_to_end(sim);
    for (uint32_t f = 0; f < flows; f++)
      check_series(sim, f, cell(sim, WEFT_TABLE_FLOWS, "size_bytes", f), limit);
    for (uint32_t p = 0; p < 16; p++)
      check_series(sim, flows + p, cell(sim, WEFT_TABLE_PORTS, "tx_bytes", p), limit);
    weft_sim_destroy(sim);
  }
}
