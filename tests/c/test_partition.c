/* Partitions against the definition: the transitive closure of "these two flows meet at a port". */
#include <stdlib.h>

#include "fixture.h"

enum { FLOWS = 60, HOSTS = 16, PORTS = 256 };

typedef struct way {
  bool active, data[PORTS], ack[PORTS];
} way;

static void find_ways(weft_sim *sim, way *ways) {
  uint32_t ports[WEFT_PATH_MAX];
  memset(ways, 0, FLOWS * sizeof *ways);
  for (uint32_t f = 0; f < FLOWS; f++) {
    ways[f].active = cell(sim, WEFT_TABLE_FLOWS, "state", f) == 1 &&
                     cell(sim, WEFT_TABLE_FLOWS, "received_ps", f) < 0;
    uint32_t src = (uint32_t)cell(sim, WEFT_TABLE_FLOWS, "src", f);
    uint32_t dst = (uint32_t)cell(sim, WEFT_TABLE_FLOWS, "dst", f);
    int n = MUST(sim, weft_path(sim, src, dst, f, ports));
    for (int i = 0; i < n; i++) ways[f].data[ports[i]] = true;
    n = MUST(sim, weft_ack_path(sim, src, dst, f, ports));
    for (int i = 0; i < n; i++) ways[f].ack[ports[i]] = true;
  }
}

static bool meet_at(const way *a, const way *b, int acks, uint32_t port) {
  if (a->data[port] && b->data[port]) return true;
  if (acks == WEFT_ACKS_NONE) return false;
  if ((a->data[port] && b->ack[port]) || (a->ack[port] && b->data[port])) return true;
  return acks == WEFT_ACKS_ALL && a->ack[port] && b->ack[port];
}

/* Warshall's algorithm over what meets directly. */
static void close_over(const way *ways, int acks, bool together[FLOWS][FLOWS]) {
  for (uint32_t a = 0; a < FLOWS; a++)
    for (uint32_t b = 0; b < FLOWS; b++) {
      together[a][b] = a == b;
      for (uint32_t p = 0; p < PORTS && ways[a].active && ways[b].active; p++)
        together[a][b] |= meet_at(&ways[a], &ways[b], acks, p);
    }
  for (uint32_t k = 0; k < FLOWS; k++)
    for (uint32_t a = 0; a < FLOWS; a++)
      for (uint32_t b = 0; b < FLOWS; b++) together[a][b] |= together[a][k] && together[k][b];
}

static void check_ports(const way *ways, const weft_partition *p, int acks) {
  bool shared[PORTS] = {0};
  for (uint32_t i = 0; i < p->port_count; i++) shared[p->ports[i]] = i < p->shared_count;
  for (uint32_t port = 0; port < PORTS; port++) {
    bool meets = false;
    for (uint32_t i = 0; i < p->flow_count; i++)
      for (uint32_t j = 0; j < i; j++)
        meets |= meet_at(&ways[p->flows[i]], &ways[p->flows[j]], acks, port);
    /* Of the ports where ACKs meet data, all who pass there share it. */
    ENSURE_EQ(shared[port], meets);
  }
  for (uint32_t i = 0; i < p->use_count; i++) {
    const weft_partition_use *use = &p->uses[i];
    ENSURE(shared[use->port]);
    ENSURE(use->ack ? ways[use->flow].ack[use->port] : ways[use->flow].data[use->port]);
  }
}

static void check_scene(weft_sim *sim, const way *ways, int acks) {
  static bool together[FLOWS][FLOWS];
  uint32_t owner[FLOWS];
  memset(owner, 0xff, sizeof owner);
  close_over(ways, acks, together);
  int n = MUST(sim, weft_partitions_find(sim, acks, 0));
  int64_t last_first = -1;
  for (int i = 0; i < n; i++) {
    weft_partition p;
    MUST(sim, weft_partition_get(sim, (uint32_t)i, &p));
    ENSURE(p.flow_count > 0 && p.flows[0] > last_first);
    last_first = p.flows[0];
    for (uint32_t f = 0; f < p.flow_count; f++) {
      ENSURE(f == 0 || p.flows[f] > p.flows[f - 1]);
      owner[p.flows[f]] = (uint32_t)i;
    }
    check_ports(ways, &p, acks);
  }
  for (uint32_t a = 0; a < FLOWS; a++) {
    ENSURE_EQ(owner[a] != UINT32_MAX, ways[a].active);
    for (uint32_t b = 0; b < FLOWS; b++)
      if (ways[a].active && ways[b].active) ENSURE_EQ(owner[a] == owner[b], together[a][b]);
  }
}

TEST(partitions_are_the_closure_of_meeting_at_ports) {
  static way ways[FLOWS];
  uint32_t several = 0;
  for (uint32_t scene = 0; scene < 12; scene++) {
    weft_config config = quiet_config();
    weft_sim *sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
    for (uint32_t f = 0; f < FLOWS; f++) {
      uint32_t src = (uint32_t)(uniform(scene, 3 * f) * (HOSTS - 0.001));
      uint32_t far = 1 + (uint32_t)(uniform(scene, 3 * f + 1) * (HOSTS - 1.001));
      uint64_t bytes = (uint64_t)(uniform(scene, 3 * f + 2) * 600000);
      add_flow(sim, src, (src + far) % HOSTS, bytes + 1, f * (weft_time)US * (scene % 4));
    }
    for (weft_time until = 5; until <= 80; until += 25) {
      MUST(sim, weft_run(sim, until * US, 0));
      find_ways(sim, ways);
      for (int acks = WEFT_ACKS_NONE; acks <= WEFT_ACKS_ALL; acks++) check_scene(sim, ways, acks);
      several += MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)) > 1;
    }
    weft_sim_destroy(sim);
  }
  ENSURE(several > 5); /* the scenes are not all one lump */
}

TEST(without_active_flows_there_are_no_partitions) {
  weft_config config = quiet_config();
  weft_sim *sim = star(&config, 3, 100 * (uint64_t)GBPS, US);
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 0)), 0);
  add_flow(sim, 0, 1, 1000, 0);
  run_to_end(sim);
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 0)), 0);
  weft_partition p;
  ENSURE_EQ(weft_partition_get(sim, 0, &p), WEFT_EINVAL);
  ENSURE_HAS(weft_sim_error(sim), "expected less than the 0 partitions found, got 0");
  ENSURE_EQ(weft_partitions_find(sim, 3, 0), WEFT_EINVAL);
  weft_sim_destroy(sim);
}

/* Looking changes nothing: not the events that follow. */
TEST(partitions_leave_the_run_as_it_was) {
  uint64_t fingerprint[2];
  for (int look = 0; look < 2; look++) {
    weft_config config = weft_config_default();
    weft_sim *sim = fat_tree(&config, 4, 100 * (uint64_t)GBPS, US);
    for (uint32_t i = 0; i < HOSTS; i++) add_flow(sim, i, (i + 5) % HOSTS, 500000, 0);
    for (int i = 0; i < 10; i++) {
      MUST(sim, weft_run(sim, -1, 3000));
      if (look) MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 64));
    }
    run_to_end(sim);
    fingerprint[look] = stats_of(sim).fingerprint;
    weft_sim_destroy(sim);
  }
  ENSURE(fingerprint[0] == fingerprint[1]);
}

/* Figure 4 of Wormhole, as its description goes: a trunk that three flows share, and a flow that
 * meets one other on its first link and another on its last. */
TEST(a_triangle_and_a_path_are_two_partitions) {
  weft_config config = quiet_config();
  weft_sim *sim = dumbbell(&config, 6, 100 * (uint64_t)GBPS, 400 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 3; i++) add_flow(sim, i, 6 + i, 1000000, 0);
  add_flow(sim, 3, 4, 1000000, 0);
  add_flow(sim, 3, 5, 1000000, 0);
  add_flow(sim, 1, 5, 1000000, 0); /* joins 0's group by host 1, and 3's by host 5 */
  MUST(sim, weft_run(sim, 2 * US, 0));
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)), 1);
  weft_sim_destroy(sim);

  sim = dumbbell(&config, 6, 100 * (uint64_t)GBPS, 400 * (uint64_t)GBPS, US);
  for (uint32_t i = 0; i < 3; i++) add_flow(sim, i, 6 + i, 1000000, 0);
  add_flow(sim, 9, 10, 1000000, 0); /* no port in common: another direction, other hosts */
  add_flow(sim, 9, 11, 1000000, 0);
  add_flow(sim, 8, 11, 1000000, 0);
  MUST(sim, weft_run(sim, 2 * US, 0));
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_NONE, 0)), 2);
  weft_partition p;
  MUST(sim, weft_partition_get(sim, 0, &p));
  ENSURE_EQ(p.flow_count, 3);
  ENSURE_EQ(p.shared_count, 1);
  MUST(sim, weft_partition_get(sim, 1, &p));
  ENSURE_EQ(p.flow_count, 3);
  ENSURE_EQ(p.shared_count, 2);
  weft_sim_destroy(sim);
}

/* The accelerator divides partitions of its own all the time; what was asked for stays until it is
 * asked for again, and goes with a fork. */
TEST(partitions_that_were_asked_for_outlive_an_accelerated_run) {
  weft_config config = weft_config_default();
  config.memoize = config.fast_forward = 1;
  weft_sim *sim = star(&config, 10, 100 * (uint64_t)GBPS, US), *fork;
  static const uint32_t pairs[7][2] = {{0, 6}, {3, 7}, {1, 6}, {4, 7}, {2, 6}, {5, 7}, {8, 9}};
  for (uint32_t i = 0; i < 7; i++) add_flow(sim, pairs[i][0], pairs[i][1], 3000000, 0);
  MUST(sim, weft_run(sim, 2 * US, 0));
  ENSURE_EQ(MUST(sim, weft_partitions_find(sim, WEFT_ACKS_DATA, 0)), 3);
  weft_partition before[3];
  for (uint32_t i = 0; i < 3; i++) MUST(sim, weft_partition_get(sim, i, &before[i]));
  ENSURE_EQ(before[0].pattern, before[1].pattern);
  add_flow(sim, 1, 9, 300000, 400 * (weft_time)US); /* joins two of them */
  MUST(sim, weft_run(sim, 500 * (weft_time)US, 0));
  MUST(sim, weft_sim_fork(sim, &fork));
  for (weft_sim *of = sim;; of = fork) {
    run_to_end(of);
    for (uint32_t i = 0; i < 3; i++) {
      weft_partition after;
      uint32_t map[3];
      MUST(of, weft_partition_get(of, i, &after));
      ENSURE_EQ(after.key, before[i].key);
      ENSURE_EQ(after.pattern, before[i].pattern);
      ENSURE_EQ(after.flow_count, i < 2 ? 3 : 1);
      for (uint32_t f = 0; f < after.flow_count; f++)
        ENSURE_EQ(after.flows[f], i < 2 ? i + 2 * f : 6);
      if (i > 1) continue;
      ENSURE_EQ(MUST(of, weft_partition_match(of, i, 1 - i, map)), 1);
      for (uint32_t f = 0; f < 3; f++) ENSURE_EQ(map[f] % 2, 1 - i); /* the other receiver's */
    }
    weft_acceleration acceleration;
    weft_acceleration_get(of, &acceleration);
    ENSURE(acceleration.events_skipped > 0);
    if (of == fork) break;
  }
  weft_sim_destroy(fork);
  weft_sim_destroy(sim);
}
