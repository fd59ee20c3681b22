/* One flow alone completes at its ideal time, to the picosecond. The expected time is computed
 * here, packet by packet over store-and-forward hops, from the definition of a port alone: a
 * transmission takes size / rate, and fractions of a picosecond are carried while the port is
 * busy. */
#include <stdlib.h>

#include "fixture.h"

/* Packets are at a port at the times `at`; make that the times when they are at its far end. */
static void cross(const weft_port_info *port, const uint64_t *wire_bytes, int64_t *at,
                  uint64_t packets) {
  int64_t free_at = -1;
  uint64_t carry = 0; /* of a picosecond, in 1 / rate */
  for (uint64_t i = 0; i < packets; i++) {
    if (at[i] > free_at) {
      free_at = at[i];
      carry = 0;
    }
    /* size x 8e12 overflows 64 bits from 2.3 MB on: packets are far smaller. */
    uint64_t work = wire_bytes[i] * UINT64_C(8000000000000) + carry;
    free_at += (int64_t)(work / port->rate_bps);
    carry = work % port->rate_bps;
    at[i] = free_at + port->delay_ps;
  }
}

static int64_t expected_fct(weft_sim *sim, const uint32_t *ports, int hops, uint64_t size) {
  const weft_config config = weft_sim_config(sim);
  uint64_t packets = (size + config.mtu_bytes - 1) / config.mtu_bytes;
  uint64_t *wire = calloc(packets, sizeof *wire);
  int64_t *at = calloc(packets, sizeof *at);
  ENSURE(wire != NULL && at != NULL);
  for (uint64_t i = 0; i < packets; i++) {
    uint64_t left = size - i * config.mtu_bytes;
    wire[i] = (left < config.mtu_bytes ? left : config.mtu_bytes) + config.header_bytes;
  }
  for (int hop = 0; hop < hops; hop++) {
    weft_port_info info;
    MUST(sim, weft_port_info_get(sim, ports[hop], &info));
    cross(&info, wire, at, packets);
  }
  int64_t last = at[packets - 1];
  free(wire);
  free(at);
  return last;
}

/* Run one flow of each size, one after the other, from host `src` to host `dst`, `links` away. */
static void check_pair(weft_sim *sim, uint32_t src, uint32_t dst, int links) {
  static const uint64_t sizes[] = {1, 999, 1000, 1001, 2000, 2001, 10000000};
  for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
    weft_time start = stats_of(sim).now_ps + 7;
    uint32_t flow = add_flow(sim, src, dst, sizes[i], start);
    uint32_t ports[WEFT_PATH_MAX];
    ENSURE_EQ(MUST(sim, weft_path(sim, src, dst, flow, ports)), links);
    int64_t expected = expected_fct(sim, ports, links, sizes[i]);
    weft_time ideal;
    MUST(sim, weft_ideal_fct(sim, src, dst, sizes[i], &ideal));
    run_to_end(sim);
    int64_t fct = cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
    if (fct != expected || ideal != expected) {
      test_fail(__FILE__, __LINE__,
                "%" PRIu64 " B from %u to %u: expected %" PRId64 " ps, fct %" PRId64
                ", ideal %" PRId64,
                sizes[i], src, dst, expected, fct, ideal);
    }
  }
}

/* Rates whose byte time is whole (80 ps), is not (3.33 ps, 266.67 ps), and repeats (1142.86 ps). */
static const uint64_t rates[] = {100 * (uint64_t)GBPS, 2400 * (uint64_t)GBPS, 30 * (uint64_t)GBPS,
                                 7 * (uint64_t)GBPS};
enum { RATES = sizeof rates / sizeof rates[0] };

TEST(a_lone_flow_takes_its_ideal_time_on_a_star) {
  weft_config config = quiet_config();
  for (int i = 0; i < RATES; i++) {
    weft_sim *sim = star(&config, 4, rates[i], US);
    check_pair(sim, 0, 3, 2);
    check_pair(sim, 2, 1, 2);
    weft_sim_destroy(sim);
  }
}

TEST(a_lone_flow_takes_its_ideal_time_on_a_dumbbell) {
  weft_config config = quiet_config();
  for (int edge = 0; edge < RATES; edge++) {
    for (int middle = 0; middle < RATES; middle++) {
      weft_sim *sim = dumbbell(&config, 2, rates[edge], rates[middle], US / 2);
      check_pair(sim, 0, 2, 3);
      weft_sim_destroy(sim);
    }
  }
}

TEST(a_lone_flow_takes_its_ideal_time_on_a_fat_tree) {
  weft_config config = quiet_config();
  for (int i = 0; i < RATES; i++) {
    weft_sim *sim = fat_tree(&config, 4, rates[i], US);
    check_pair(sim, 0, 1, 2);
    check_pair(sim, 0, 2, 4);
    check_pair(sim, 0, 15, 6);
    weft_sim_destroy(sim);
  }
}

TEST(a_lone_flow_takes_its_ideal_time_under_dctcp) {
  weft_config config = quiet_config();
  config.cc = WEFT_CC_DCTCP;
  weft_sim *sim = fat_tree(&config, 4, rates[0], US);
  check_pair(sim, 0, 15, 6);
  weft_sim_destroy(sim);
}

/* Rates of which a byte takes a fraction of a ps: remainders come again after 3 (30, 300, 2400
 * Gbit/s), 7, 9 or thousands of packets, or never in a flow; a slower link behind or before. */
TEST(flows_that_go_in_periods_take_the_time_of_every_packet) {
  static const uint64_t mbps[] = {300000, 30000,  70000, 900000, 2400000, 100000,
                                  29999,  299999, 35007, 48000,  300001,  69999};
  enum { CHAINS = 200, CHOICES = sizeof mbps / sizeof mbps[0] };
  const weft_config config = quiet_config();
  for (uint64_t key = 1, n = 0; key <= CHAINS; ++key) {
    weft_sim *sim = new_sim(&config, NULL);
    const uint32_t links = 2 + (uint32_t)(4 * uniform(key, ++n)) % 4;
    uint32_t before = add_node(sim, WEFT_HOST), ports[WEFT_PATH_MAX];
    for (uint32_t i = 0; i < links; ++i) {
      const uint32_t node = add_node(sim, i + 1 < links ? WEFT_SWITCH : WEFT_HOST);
      const uint64_t rate = mbps[(uint32_t)(CHOICES * uniform(key, ++n)) % CHOICES] * (GBPS / 1000);
      add_link(sim, before, node, rate, (weft_time)(2 * US * uniform(key, ++n)));
      before = node;
    }
    MUST(sim, weft_fabric_ready(sim));
    const int hops = MUST(sim, weft_path(sim, 0, before, 0, ports));
    const uint64_t size = (uint64_t)(20e6 * uniform(key, ++n)) + 1;
    weft_time ideal;
    MUST(sim, weft_ideal_fct(sim, 0, before, size, &ideal));
    ENSURE_EQ(ideal, expected_fct(sim, ports, hops, size));
    weft_sim_destroy(sim);
  }
}

/* 3e12 bytes at 300 Gbit/s over two such links, without delays: of packets of 1048 B the first
 * takes 27,946.67 ps and three 83,840. */
TEST(the_ideal_time_of_a_terabyte_is_not_worked_out_by_packets) {
  const weft_config config = quiet_config();
  weft_sim *sim = star(&config, 2, 300 * (uint64_t)GBPS, 0);
  weft_time ideal;
  const uint64_t packets = 3000000000; /* a multiple of 3, all of them full */
  MUST(sim, weft_ideal_fct(sim, 0, 1, packets * 1000, &ideal));
  /* On the second link a packet is sent when it has come: the last one begins at 83,840 x 1e9. */
  ENSURE_EQ(ideal, 83840000000000 + 27946);
  weft_sim_destroy(sim);
}
