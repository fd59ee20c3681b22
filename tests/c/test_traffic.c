/* What flows say they have put on their ways adds up to what ports have counted. */
#include "fixture.h"

enum { HOSTS = 16, FLOWS = 200 };

/* Random flows over a fat tree; all bytes of all ports have an owner. */
static void ensure_owned(const weft_config *config) {
  weft_sim *sim = fat_tree(config, 4, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < FLOWS; i++) {
    const uint32_t src = (uint32_t)(uniform(1, i) * (HOSTS - 1));
    const uint32_t dst = (src + 1 + (uint32_t)(uniform(2, i) * (HOSTS - 2))) % HOSTS;
    add_flow(sim, src, dst, 1 + (uint64_t)(uniform(3, i) * 50000), (weft_time)i * US / 10);
  }
  run_to_end(sim);
  ENSURE_EQ(stats_of(sim).packets_dropped, 0);
  uint64_t owned[2 * 1024] = {0};
  const uint32_t ports = 2 * weft_link_count(sim);
  ENSURE(ports <= 2 * 1024);
  for (uint32_t f = 0; f < FLOWS; f++) {
    weft_flow_traffic traffic;
    MUST(sim, weft_flow_traffic_get(sim, f, &traffic));
    ENSURE(traffic.data_hops >= 2 && traffic.ack_hops == traffic.data_hops);
    for (uint32_t i = 0; i < traffic.data_hops; i++)
      owned[traffic.data_ports[i]] += traffic.data_bytes;
    for (uint32_t i = 0; i < traffic.ack_hops; i++)
      owned[traffic.ack_ports[i]] += traffic.ack_bytes;
  }
  for (uint32_t p = 0; p < ports; p++)
    ENSURE_EQ(owned[p], cell(sim, WEFT_TABLE_PORTS, "tx_bytes", p));
  weft_sim_destroy(sim);
}

TEST(traffic_of_all_flows_is_what_ports_have_sent) {
  for (uint32_t cc = 0; cc < WEFT_CC_SCRIPT; cc++) {
    weft_config config = weft_config_default();
    config.cc = cc;
    ensure_owned(&config);
    config.compat = WEFT_COMPAT_NS3;
    config.ecmp = WEFT_ECMP_NS3;
    ensure_owned(&config);
  }
}

TEST(traffic_of_a_flow_under_way_is_what_has_arrived) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, 1000000, US);
  weft_flow_traffic traffic;
  MUST(sim, weft_flow_traffic_get(sim, 0, &traffic));
  ENSURE_EQ(traffic.data_hops + traffic.data_bytes + traffic.ack_bytes, 0);
  ENSURE_EQ(weft_run(sim, 20 * US, 0), WEFT_RUN_UNTIL);
  MUST(sim, weft_flow_traffic_get(sim, 0, &traffic));
  const uint64_t arrived = (uint64_t)cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", 0);
  ENSURE(arrived > 0 && arrived < 1000000);
  const uint64_t packets = arrived / config.mtu_bytes;
  ENSURE_EQ(traffic.data_hops, 2);
  ENSURE_EQ(traffic.data_bytes, arrived + packets * config.header_bytes);
  ENSURE_EQ(traffic.ack_bytes, packets * config.ack_bytes);
  ENSURE_EQ(weft_flow_traffic_get(sim, 1, &traffic), WEFT_EINVAL);
  weft_sim_destroy(sim);
}

/* Number of different ways among flows 0 to n - 1 from host 0 to host 15. */
static int ways(weft_sim *sim, uint32_t n) {
  uint32_t ports[WEFT_PATH_MAX], seen[64];
  int count = 0;
  for (uint32_t f = 0; f < n; f++) {
    const int hops = MUST(sim, weft_path(sim, 0, HOSTS - 1, f, ports));
    ENSURE_EQ(hops, 6);
    const uint32_t way = ports[1] << 16 | ports[2]; /* the two choices in a fat tree */
    int known = 0;
    for (int i = 0; i < count; i++) known |= seen[i] == way;
    if (!known) seen[count++] = way;
  }
  return count;
}

TEST(flows_of_a_pair_take_one_way_unless_their_ports_differ) {
  weft_config config = quiet_config();
  weft_sim *sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
  ENSURE_EQ(ways(sim, 64), 4);
  weft_sim_destroy(sim);
  config.ecmp = WEFT_ECMP_PAIR;
  sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
  for (uint32_t f = 0; f < 64; f++) add_flow(sim, 0, HOSTS - 1, 1000, 0);
  ENSURE_EQ(ways(sim, 64), 1);
  weft_sim_destroy(sim);
  sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
  for (uint32_t f = 0; f < 64; f++) {
    const weft_flow_def def = {.src = 0, .dst = HOSTS - 1, .size_bytes = 1000, .sport = 1 + f};
    MUST(sim, weft_flow_add(sim, &def));
  }
  ENSURE_EQ(ways(sim, 64), 4);
  weft_sim_destroy(sim);
}
