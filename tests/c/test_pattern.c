/* Patterns of contention: the same wherever it is and however it is numbered, different as soon as
 * one thing that matters is different. */
#include "fixture.h"

enum { LEAVES = 4, HOSTS = 12, FLOWS = 14 };

/* How an island differs from the first. */
typedef struct twist {
  uint64_t middle_bps; /* rate of one of the links in the middle */
  weft_time middle_delay, host_delay; /* delay of that, and of one host's link */
  double factor; /* of that link in the middle, degraded */
} twist;

static const twist plain = {200 * (uint64_t)GBPS, US, US, 1};

/* A permutation of n numbers. */
static void shuffle(uint64_t key, uint32_t *at, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) {
    uint32_t j = (uint32_t)(uniform(key, i) * (i + 0.999));
    at[i] = at[j];
    at[j] = i;
  }
}

/* Add an island: leaves around a spine, so every path is the only one. Its nodes, links and ports
 * are numbered by `key`; hosts[i] is where its i-th host is. Returns a middle link. */
static uint32_t add_island(weft_sim *sim, uint64_t key, const twist *how, uint32_t *hosts) {
  uint32_t leaf[LEAVES], host_order[HOSTS], leaf_order[LEAVES], middle = 0;
  shuffle(key, host_order, HOSTS);
  shuffle(key + 1, leaf_order, LEAVES);
  for (uint32_t i = 0; i < HOSTS; i++) hosts[host_order[i]] = add_node(sim, WEFT_HOST);
  uint32_t spine = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < LEAVES; i++) leaf[leaf_order[i]] = add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < HOSTS; i++) {
    uint32_t h = host_order[HOSTS - 1 - i];
    weft_time delay = h == 0 ? how->host_delay : US;
    add_link(sim, hosts[h], leaf[h % LEAVES], 100 * (uint64_t)GBPS, delay);
  }
  for (uint32_t i = 0; i < LEAVES; i++) {
    uint32_t l = leaf_order[i];
    uint32_t link =
        add_link(sim, l % 2 == 0 ? leaf[l] : spine, l % 2 == 0 ? spine : leaf[l],
                 l == 0 ? how->middle_bps : 200 * (uint64_t)GBPS, l == 0 ? how->middle_delay : US);
    if (l == 0) middle = link;
  }
  return middle;
}

/* The scene's flows between the hosts of an island, in an order of their own. */
static void add_flows(weft_sim *sim, uint64_t scene, uint64_t key, const uint32_t *hosts) {
  uint32_t order[FLOWS];
  shuffle(key + 2, order, FLOWS);
  for (uint32_t i = 0; i < FLOWS; i++) {
    uint32_t f = order[i]; /* the first goes from host 0 through the middle */
    uint32_t src = f == 0 ? 0 : (uint32_t)(uniform(scene, 2 * f) * (HOSTS - 0.001));
    uint32_t far = f == 0 ? 1 : 1 + (uint32_t)(uniform(scene, 2 * f + 1) * (HOSTS - 1.001));
    add_flow(sim, hosts[src], hosts[(src + far) % HOSTS], 1000000, 0);
  }
}

static weft_sim *islands(const weft_config *config, uint64_t scene, const twist *second) {
  uint32_t hosts[2][HOSTS];
  weft_sim *sim = new_sim(config, NULL);
  add_island(sim, scene, &plain, hosts[0]);
  uint32_t middle = add_island(sim, scene + 1000, second, hosts[1]);
  MUST(sim, weft_fabric_ready(sim));
  if (second->factor < 1) {
    weft_link_change change = {.link = middle, .factor = second->factor, .loss = -1};
    MUST(sim, weft_link_schedule(sim, &change));
  }
  for (uint32_t i = 0; i < 2; i++) add_flows(sim, scene, scene + 1000 * i, hosts[i]);
  MUST(sim, weft_run(sim, 3 * US, 0));
  return sim;
}

/* Partitions of both islands, whose flows are FLOWS apart. */
static uint32_t on_side(weft_sim *sim, uint32_t side, uint32_t *found) {
  uint32_t n = 0;
  weft_partition p;
  for (uint32_t i = 0; weft_partition_get(sim, i, &p) == WEFT_OK; i++)
    if (p.flows[0] / FLOWS == side) found[n++] = i;
  return n;
}

/* At how many ports two flows of a partition meet, and how. */
static uint32_t meetings(const weft_partition *p, uint32_t a, uint32_t b) {
  uint32_t sum = 0;
  for (uint32_t i = 0; i < p->use_count; i++)
    for (uint32_t j = 0; j < p->use_count; j++)
      if (p->uses[i].flow == a && p->uses[j].flow == b && p->uses[i].port == p->uses[j].port)
        sum += 1 + 100 * p->uses[i].ack + 10000 * p->uses[j].ack;
  return sum;
}

/* A map is one to one, and flows meet as their counterparts do. */
static void check_map(weft_sim *sim, uint32_t a, uint32_t b, const uint32_t *map) {
  weft_partition of_a, of_b;
  MUST(sim, weft_partition_get(sim, a, &of_a));
  MUST(sim, weft_partition_get(sim, b, &of_b));
  ENSURE_EQ(of_a.flow_count, of_b.flow_count);
  for (uint32_t i = 0; i < of_a.flow_count; i++)
    for (uint32_t j = 0; j < of_a.flow_count; j++) {
      if (i != j) ENSURE(map[i] != map[j]);
      ENSURE_EQ(meetings(&of_a, of_a.flows[i], of_a.flows[j]), meetings(&of_b, map[i], map[j]));
    }
}

TEST(a_pattern_does_not_depend_on_place_and_numbers) {
  for (uint64_t scene = 0; scene < 20; scene++) {
    weft_config config = weft_config_default();
    weft_sim *sim = islands(&config, 10 * scene, &plain);
    for (int acks = WEFT_ACKS_NONE; acks <= WEFT_ACKS_ALL; acks++) {
      uint32_t here[FLOWS], there[FLOWS], map[FLOWS], matched = 0;
      bool taken[FLOWS] = {0};
      MUST(sim, weft_partitions_find(sim, acks, 64));
      uint32_t n = on_side(sim, 0, here);
      ENSURE_EQ(on_side(sim, 1, there), n);
      for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
          weft_partition a, b;
          MUST(sim, weft_partition_get(sim, here[i], &a));
          MUST(sim, weft_partition_get(sim, there[j], &b));
          int same = MUST(sim, weft_partition_match(sim, here[i], there[j], map));
          ENSURE_EQ(same, a.pattern == b.pattern);
          ENSURE_EQ(same, a.key == b.key);
          if (same) check_map(sim, here[i], there[j], map);
          if (!same || taken[j]) continue;
          taken[j] = true;
          matched++;
          break;
        }
      ENSURE_EQ(matched, n); /* every partition has its twin on the other island */
    }
    weft_sim_destroy(sim);
  }
}

/* The pattern of flow 0's partition on either island. */
static bool same_pattern(const weft_config *config, const twist *second) {
  uint32_t pattern[2] = {0};
  weft_sim *sim = islands(config, 7, second);
  const uint32_t n = (uint32_t)MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 0));
  uint32_t largest[2] = {0};
  for (uint32_t i = 0; i < n; i++) {
    weft_partition p;
    MUST(sim, weft_partition_get(sim, i, &p));
    uint32_t side = p.flows[0] / FLOWS;
    if (p.flow_count <= largest[side]) continue;
    largest[side] = p.flow_count;
    pattern[side] = p.pattern;
  }
  ENSURE(largest[0] > FLOWS / 2); /* so flow 0 is among them */
  weft_sim_destroy(sim);
  return pattern[0] == pattern[1];
}

TEST(one_difference_makes_another_pattern) {
  weft_config config = weft_config_default();
  ENSURE(same_pattern(&config, &plain));
  twist other = plain;
  other.middle_bps = 201 * (uint64_t)GBPS;
  ENSURE(!same_pattern(&config, &other));
  other = plain;
  other.middle_delay += 1;
  ENSURE(!same_pattern(&config, &other));
  other = plain;
  other.host_delay = 3 * US; /* another class of round trips of the host's flows */
  ENSURE(!same_pattern(&config, &other));
  other = plain;
  other.factor = 0.5;
  ENSURE(!same_pattern(&config, &other));
}

static uint64_t key_of(const weft_config *config) {
  weft_sim *sim = islands(config, 7, &plain);
  weft_partition p;
  ENSURE(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 0)) > 0);
  MUST(sim, weft_partition_get(sim, 0, &p));
  weft_sim_destroy(sim);
  return p.key;
}

TEST(keys_hold_what_decides_how_flows_share_and_nothing_else) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  const uint64_t key = key_of(&config);
  config.seed = 99;
  config.dctcp_g = 0.5; /* of another algorithm */
  ENSURE(key_of(&config) == key);
  config.hpcc_eta = 0.9;
  ENSURE(key_of(&config) != key);
  config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  config.buffer_bytes *= 2;
  ENSURE(key_of(&config) != key);
  config = weft_config_default();
  config.cc = WEFT_CC_DCTCP;
  ENSURE(key_of(&config) != key);
}

/* Rates tell apart what structure does not: flows that have just started from ones that share. */
TEST(rates_tell_patterns_apart_if_wanted) {
  weft_config config = weft_config_default();
  config.cc = WEFT_CC_HPCC;
  weft_sim *sim = star(&config, 6, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 4; i++)
    add_flow(sim, i < 2 ? i : i + 1, i < 2 ? 2 : 5, 10000000, i < 2 ? 0 : 200 * (weft_time)US);
  MUST(sim, weft_run(sim, 201 * (weft_time)US, 0));
  for (uint32_t steps = 0; steps <= 20; steps += 20) {
    weft_partition p[2];
    ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, steps)), 2);
    for (uint32_t i = 0; i < 2; i++) MUST(sim, weft_partition_get(sim, i, &p[i]));
    ENSURE_EQ(p[0].pattern == p[1].pattern, steps == 0);
  }
  weft_sim_destroy(sim);
}

/* ---- graphs that colour refinement cannot tell apart ---- */

enum { RING = 8, PETERSEN_PORTS = 2 * RING, PETERSEN_EDGES = 3 * RING };

/* The generalised Petersen graph GP(8, skip) as contention: its vertices are ports, in two stages
 * because it is bipartite for odd skips, and its edges are flows, each through one port of either
 * stage. GP(8, 1), a prism, and GP(8, 3), the Moebius-Kantor graph, are both connected and regular
 * of degree 3, but only the prism has cycles of length 4. */
static void add_petersen(weft_sim *sim, uint64_t key, uint32_t skip, uint32_t ends[][2]) {
  uint32_t in[PETERSEN_PORTS], out[PETERSEN_PORTS], order[PETERSEN_PORTS];
  shuffle(key, order, PETERSEN_PORTS);
  for (uint32_t i = 0; i < PETERSEN_PORTS; i++) {
    in[order[i]] = add_node(sim, WEFT_SWITCH);
    out[order[i]] = add_node(sim, WEFT_SWITCH);
    add_link(sim, in[order[i]], out[order[i]], 100 * (uint64_t)GBPS, US);
  }
  shuffle(key + 1, order, PETERSEN_PORTS);
  for (uint32_t k = 0; k < PETERSEN_EDGES; k++) {
    uint32_t kind = k / RING, i = k % RING, j = (i + 1) % RING;
    uint32_t a = kind == 2 ? RING + i : i;
    uint32_t b = kind == 0 ? j : RING + (kind == 1 ? i : (i + skip) % RING);
    bool a_first = (kind == 2 ? i + 1 : i) % 2 == 0;
    uint32_t first = a_first ? a : b, second = a_first ? b : a;
    ends[k][0] = add_node(sim, WEFT_HOST);
    ends[k][1] = add_node(sim, WEFT_HOST);
    add_link(sim, ends[k][0], in[first], 100 * (uint64_t)GBPS, US);
    add_link(sim, out[first], in[second], 100 * (uint64_t)GBPS, US);
    add_link(sim, out[second], ends[k][1], 100 * (uint64_t)GBPS, US);
  }
}

TEST(what_refinement_cannot_tell_apart_is_not_matched) {
  weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  static const uint32_t skips[] = {1, 3, 1, 3};
  uint32_t ends[4][PETERSEN_EDGES][2], order[PETERSEN_EDGES];
  for (uint32_t g = 0; g < 4; g++) add_petersen(sim, 50 * g, skips[g], ends[g]);
  MUST(sim, weft_fabric_ready(sim));
  for (uint32_t g = 0; g < 4; g++) {
    shuffle(50 * g + 9, order, PETERSEN_EDGES);
    for (uint32_t k = 0; k < PETERSEN_EDGES; k++)
      add_flow(sim, ends[g][order[k]][0], ends[g][order[k]][1], 1000000, 0);
  }
  MUST(sim, weft_run(sim, US, 0));
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)), 4);
  weft_partition p[4];
  for (uint32_t g = 0; g < 4; g++) {
    MUST(sim, weft_partition_get(sim, g, &p[g]));
    ENSURE_EQ(p[g].flow_count, PETERSEN_EDGES);
    ENSURE_EQ(p[g].shared_count, PETERSEN_PORTS);
    ENSURE(p[g].key == p[0].key);
  }
  ENSURE(p[0].pattern != p[1].pattern);
  ENSURE_EQ(p[2].pattern, p[0].pattern);
  ENSURE_EQ(p[3].pattern, p[1].pattern);
  uint32_t map[PETERSEN_EDGES];
  ENSURE_EQ(weft_partition_match(sim, 0, 1, map), 0);
  ENSURE_EQ(weft_partition_match(sim, 1, 3, map), 1);
  check_map(sim, 1, 3, map);
  weft_sim_destroy(sim);
}

/* Flows that could change places are no work: each takes the first that is free. */
TEST(large_incasts_are_matched) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 802, 100 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 800; i++) add_flow(sim, i, 800 + i % 2, 1000000, 0);
  MUST(sim, weft_run(sim, US, 0));
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)), 2);
  weft_partition p[2];
  for (uint32_t i = 0; i < 2; i++) MUST(sim, weft_partition_get(sim, i, &p[i]));
  ENSURE_EQ(p[0].pattern, p[1].pattern);
  weft_sim_destroy(sim);
}
