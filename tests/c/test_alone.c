/* A lone flow on any fabric: 2 to 400 hosts, links of 10 Mbit/s to 3.2 Tbit/s and 10 ns to 100 ms,
 * parallel ones and NVLink beside NICs. Nothing competes and nothing is lost, so what its time is
 * above the ideal one is what congestion control does to itself.
 *
 * WEFT_ALONE_FIRST and WEFT_ALONE_COUNT choose other worlds than the first 2000. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "sim_i.h" /* WEFT_CHECK */

typedef struct dice {
  uint64_t key, n;
} dice;

static uint32_t roll(dice *d, uint32_t sides) {
  const uint32_t side = (uint32_t)(uniform(d->key, d->n++) * sides);
  return side < sides ? side : sides - 1;
}

/* Between a and b, evenly in the logarithm. */
static double spread(dice *d, double a, double b) {
  return a * pow(b / a, uniform(d->key, d->n++));
}

/* Every link its own, or all alike. */
typedef struct links {
  int alike;
  uint64_t rate_bps;
  weft_time delay_ps;
} links;

static links random_links(dice *d) {
  return (links){.alike = roll(d, 5) < 2,
                 .rate_bps = (uint64_t)spread(d, 1e7, 3.2e12),
                 .delay_ps = (weft_time)spread(d, 1e4, 1e11)};
}

static void join(weft_sim *sim, dice *d, links *all, uint32_t a, uint32_t b) {
  if (!all->alike) {
    const int alike = all->alike;
    *all = random_links(d);
    all->alike = alike;
  }
  add_link(sim, a, b, all->rate_bps, all->delay_ps);
}

static uint32_t put(weft_sim *sim, int kind, uint32_t count) {
  const uint32_t first = weft_node_count(sim);
  for (uint32_t i = 0; i < count; ++i) add_node(sim, kind);
  return first;
}

static void put_star(weft_sim *sim, dice *d, links *all, uint32_t hosts) {
  put(sim, WEFT_HOST, hosts);
  const uint32_t hub = put(sim, WEFT_SWITCH, 1);
  for (uint32_t i = 0; i < hosts; ++i) join(sim, d, all, i, hub);
}

static void put_leaf_spine(weft_sim *sim, dice *d, links *all, uint32_t hosts) {
  const uint32_t leaves = 2 + roll(d, 5), spines = 1 + roll(d, 4);
  put(sim, WEFT_HOST, hosts);
  const uint32_t leaf = put(sim, WEFT_SWITCH, leaves), spine = put(sim, WEFT_SWITCH, spines);
  for (uint32_t i = 0; i < hosts; ++i) join(sim, d, all, i, leaf + i % leaves);
  for (uint32_t l = 0; l < leaves; ++l)
    for (uint32_t s = 0; s < spines; ++s)
      for (uint32_t k = 1 + roll(d, 2); k > 0; --k) join(sim, d, all, leaf + l, spine + s);
}

static void put_chain(weft_sim *sim, dice *d, links *all, uint32_t hosts) {
  const uint32_t count = 1 + roll(d, 5);
  put(sim, WEFT_HOST, hosts);
  const uint32_t first = put(sim, WEFT_SWITCH, count);
  for (uint32_t i = 0; i < hosts; ++i) join(sim, d, all, i, first + i % count);
  for (uint32_t i = 0; i + 1 < count; ++i)
    for (uint32_t k = 1 + roll(d, 3); k > 0; --k) join(sim, d, all, first + i, first + i + 1);
}

static void put_rails(weft_sim *sim, dice *d, links *all, uint32_t hosts) {
  const uint32_t each = 2 + roll(d, 7), servers = (hosts + each - 1) / each;
  put(sim, WEFT_HOST, servers * each);
  const uint32_t inside = put(sim, WEFT_NVSWITCH, servers), rail = put(sim, WEFT_SWITCH, each);
  const uint32_t spine = put(sim, WEFT_SWITCH, 1);
  for (uint32_t i = 0; i < servers * each; ++i) {
    join(sim, d, all, i, inside + i / each);
    join(sim, d, all, i, rail + i % each);
  }
  for (uint32_t r = 0; r < each; ++r) join(sim, d, all, rail + r, spine);
}

typedef struct lone {
  weft_time fct_ps, ideal_ps, delay_ps;
  uint64_t retransmits, dropped;
  uint64_t first_bps, slowest_bps; /* of its way */
  int first_is_slowest;
  int acks_pass; /* the way back carries the ACKs, a tenth of the data at most, as fast */
  uint64_t size;
  uint32_t done;
} lone;

/* World `key` under a congestion control, with `extra` bytes more of headers than it asks for. */
static lone run_alone(uint64_t key, uint32_t cc, uint32_t extra) {
  static void (*const shapes[])(weft_sim *, dice *, links *, uint32_t) = {put_star, put_leaf_spine,
                                                                          put_chain, put_rails};
  dice d = {key, 0};
  weft_config config = weft_config_default();
  config.cc = cc;
  config.seed = key;
  config.header_bytes += extra;
  config.buffer_bytes = 1000000000000;
  config.pfc = 0; /* that of 100 ms at 3.2 Tbit/s takes 80 GB of headroom */
  weft_sim *sim = new_sim(&config, NULL);
  links all = random_links(&d);
  const uint32_t hosts = (uint32_t)spread(&d, 2, 401), shape = roll(&d, 4);
  shapes[shape](sim, &d, &all, hosts);
  MUST(sim, weft_fabric_ready(sim));
  const uint32_t src = roll(&d, hosts), dst = (src + 1 + roll(&d, hosts - 1)) % hosts;
  const uint32_t packets = roll(&d, 20) == 0 ? 20000 : 500;
  const uint64_t size = 1 + (uint64_t)(spread(&d, 1, packets) * 1000 * uniform(key, d.n++));
  const uint32_t flow = add_flow(sim, src, dst, size, 0);
  uint32_t ports[WEFT_PATH_MAX];
  const int hops = MUST(sim, weft_path(sim, src, dst, flow, ports));
  lone found = {.slowest_bps = UINT64_MAX, .size = size};
  for (int i = 0; i < hops; ++i) {
    weft_port_info info;
    MUST(sim, weft_port_info_get(sim, ports[i], &info));
    if (i == 0) found.first_bps = info.rate_bps;
    if (info.rate_bps < found.slowest_bps) found.slowest_bps = info.rate_bps;
    found.delay_ps += info.delay_ps;
  }
  found.first_is_slowest = found.first_bps == found.slowest_bps;
  found.acks_pass = 1;
  const int back = MUST(sim, weft_ack_path(sim, src, dst, flow, ports));
  for (int i = 0; i < back; ++i) {
    weft_port_info info;
    MUST(sim, weft_port_info_get(sim, ports[i], &info));
    found.acks_pass &= info.rate_bps >= found.slowest_bps / 10;
  }
  run_to_end(sim);
  found.fct_ps = cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
  found.ideal_ps = cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", flow);
  found.retransmits = stats_of(sim).retransmits;
  found.dropped = stats_of(sim).packets_dropped;
  found.done = stats_of(sim).flows_done == 1;
  weft_sim_destroy(sim);
  return found;
}

static uint64_t number(const char *name, uint64_t otherwise) {
  const char *text = getenv(name);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Check builds and sanitizers are slow, and see other faults. */
static uint64_t worlds(void) {
  return number("WEFT_ALONE_COUNT", WEFT_CHECK ? 100 : 2000);
}

static void fail_in(uint64_t key, const char *cc, const lone *got, double most) {
  test_fail(__FILE__, __LINE__,
            "world %" PRIu64 ", %s: %" PRIu64 " bytes, first link %" PRIu64 ", slowest %" PRIu64
            " bit/s, delay %" PRId64 " ps: took %" PRId64 " ps, at most %.0f (%" PRIu64
            " sent again, %" PRIu64 " lost)",
            key, cc, got->size, got->first_bps, got->slowest_bps, got->delay_ps, got->fct_ps, most,
            got->retransmits, got->dropped);
}

/* Nothing is sent twice, and it takes no more than `factor` of the ideal time with `extra` bytes
 * more of headers; where `exact`, to the ps. */
static void expect(uint64_t key, const char *name, uint32_t cc, uint32_t extra, double factor,
                   int exact) {
  const lone got = run_alone(key, cc, 0);
  const weft_time ideal =
      extra == 0 ? got.ideal_ps : run_alone(key, WEFT_CC_WINDOW, extra).ideal_ps;
  const double most = (double)ideal * factor;
  const int good = exact ? got.fct_ps == ideal : (double)got.fct_ps <= most;
  if (!good || !got.done || got.retransmits != 0 || got.dropped != 0)
    fail_in(key, name, &got, most);
}

/* Where the first link is the slowest no queue builds, and these see neither marks nor delay. ACKs
 * may have another way than data, and one with a slow link holds any window up. */
TEST(a_lone_flow_takes_its_ideal_time_on_any_fabric) {
  const uint64_t first = number("WEFT_ALONE_FIRST", 1);
  for (uint64_t key = first; key < first + worlds(); ++key) {
    const lone plain = run_alone(key, WEFT_CC_WINDOW, 0);
    if (!plain.acks_pass) continue;
    expect(key, "window", WEFT_CC_WINDOW, 0, 1, 1);
    if (!plain.first_is_slowest) continue;
    expect(key, "dctcp", WEFT_CC_DCTCP, 0, 1, 1);
    expect(key, "dcqcn", WEFT_CC_DCQCN, 0, 1, 1);
  }
}

/* HPCC's rate is eta, 0.95, over the utilisation that it measures: that of a busy link and, of the
 * queue, at most the packet that is leaving, over what is in flight in a round trip. What a cut has
 * done is seen a round trip later, so the first comes twice, and max_stage, 5, round trips pass
 * with small steps until the rate is multiplied again: 0.95^2 in place of 0.95 for so long. */
static double hpcc_bound(const lone *plain) {
  const double frame_s = 1090 * 8.0 / (double)plain->slowest_bps;
  const double rtt_s = 2e-12 * (double)plain->delay_ps + 2 * frame_s;
  return (1 + frame_s / rtt_s) / 0.95 + 6 * 0.05 * rtt_s / (1e-12 * (double)plain->ideal_ps);
}

/* What they carry: TIMELY and Swift a timestamp of 8 bytes, HPCC 42 of telemetry. Delay is that of
 * an empty way, below the thresholds of TIMELY and Swift (of which the former grow with the round
 * trip). */
TEST(a_lone_flow_pays_for_headers_and_targets_alone) {
  const uint64_t first = number("WEFT_ALONE_FIRST", 1);
  for (uint64_t key = first; key < first + worlds(); ++key) {
    const lone plain = run_alone(key, WEFT_CC_WINDOW, 0);
    if (!plain.acks_pass || !plain.first_is_slowest) continue;
    expect(key, "timely", WEFT_CC_TIMELY, 8, 1 + 1e-6, 0);
    expect(key, "swift", WEFT_CC_SWIFT, 8, 1 + 1e-6, 0);
    expect(key, "hpcc", WEFT_CC_HPCC, 42, hpcc_bound(&plain), 0);
  }
}

/* TIMELY falls to min_rate at once when round trips have grown by more than min_rtt / beta, and
 * comes back by hyper increase, 500 Mbit/s in a round trip, or 5/1000 of a NIC above 100 Gbit/s:
 * part of the ideal time that takes. */
static double timely_climb(const lone *plain) {
  const double rtt_ps = 2 * (double)plain->delay_ps + 8 * 1056 * 8e12 / (double)plain->slowest_bps;
  const double step_bps = fmax(5e8, (double)plain->first_bps * 5e-3);
  return (10 + (double)plain->slowest_bps / step_bps) * rtt_ps / (double)plain->ideal_ps;
}

/* Where a later link is slower, a queue builds before it in the first round trip, and a rate falls
 * until the queue has drained. But for TIMELY no algorithm falls by more than a half in a round
 * trip, so when the link runs dry the rate is half of the link's at least, and grows from there. */
TEST(a_lone_flow_behind_a_slower_link_loses_less_than_half) {
  const uint64_t first = number("WEFT_ALONE_FIRST", 1);
  for (uint64_t key = first; key < first + worlds(); ++key) {
    const lone plain = run_alone(key, WEFT_CC_WINDOW, 0);
    if (!plain.acks_pass || plain.first_is_slowest) continue;
    expect(key, "dctcp", WEFT_CC_DCTCP, 0, 2, 0);
    expect(key, "dcqcn", WEFT_CC_DCQCN, 0, 2, 0);
    expect(key, "timely", WEFT_CC_TIMELY, 8, 2 + timely_climb(&plain), 0);
    expect(key, "swift", WEFT_CC_SWIFT, 8, 2, 0);
    expect(key, "hpcc", WEFT_CC_HPCC, 42, 2, 0);
  }
}
