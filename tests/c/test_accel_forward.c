/* What is taken from memory moves everything forward. Random incasts, in which flows of a kind meet
 * in ever other states, so that patterns by classes are found again and do not fit: whatever is
 * taken, no flow and no port is ever behind where it was, and all flows are completed whole. */
#include <stdlib.h>

#include "packet/port/port_i.h"
#include "fixture.h"
#include "sim_i.h"

enum { GROUPS = 4, FLOWS_MOST = GROUPS * 36, PORTS_MOST = 400 };

typedef struct scene {
  weft_sim *sim;
  uint32_t flows;
  uint64_t bytes;
} scene;

static uint32_t roll(uint64_t key, uint32_t *n, uint32_t sides) {
  const uint32_t side = (uint32_t)(uniform(key, (*n)++) * sides);
  return side < sides ? side : sides - 1;
}

/* Four groups of senders, one after the other, the first and the third to one host, the others to
 * another; of a group some begin a little later. */
static scene incast(uint64_t key) {
  const weft_time delays[] = {US, US / 10, US / 100};
  const uint32_t mtus[] = {1000, 2311, 4096};
  uint32_t n = 0;
  weft_config config = weft_config_default();
  config.seed = key;
  config.memoize = 1;
  config.fast_forward = roll(key, &n, 2);
  config.cc = roll(key, &n, WEFT_CC_SCRIPT);
  config.mtu_bytes = mtus[roll(key, &n, 3)];
  config.recovery = roll(key, &n, 2) ? WEFT_RECOVERY_SELECTIVE : WEFT_RECOVERY_GO_BACK_N;
  config.window_mode = roll(key, &n, 2);
  config.completion = roll(key, &n, 2);
  config.buffer_bytes = 4000000000u;
  const uint32_t group = 6 + roll(key, &n, 30);
  const weft_time delay = delays[roll(key, &n, 3)];
  scene s = {.sim = star(&config, 2 * group + 4, 400 * (uint64_t)GBPS, delay)};
  for (uint32_t g = 0; g < GROUPS; ++g) {
    const weft_time begin = g * (weft_time)1500 * US;
    const uint32_t first = g % 2 == 0 ? 0 : group, to = 2 * group + g % 2;
    for (uint32_t i = 0; i < group; ++i) {
      const uint64_t bytes = 400000 + 200000 * roll(key, &n, 2);
      const weft_time apart = roll(key, &n, 2) * roll(key, &n, 200) * (weft_time)US / 10;
      const weft_time jitter = roll(key, &n, 5) * (weft_time)100;
      add_flow(s.sim, first + i, to, bytes, begin + (i > 0 ? apart : 0) + jitter);
      s.bytes += bytes;
      ++s.flows;
    }
  }
  return s;
}

/* Where all was when it was looked at last. */
static struct {
  struct {
    uint32_t row, next, una, received;
  } flow[FLOWS_MOST];
  struct {
    uint64_t bytes, packets;
  } port[PORTS_MOST];
} was;

static void look_whether_all_is_forward(const weft_sim *sim) {
  ENSURE(sim->packet.tx.n <= FLOWS_MOST && sim->packet.ports.n <= PORTS_MOST);
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    const struct tx *tx = &sim->packet.tx.at[slot];
    const uint32_t received = sim->packet.rx.at[slot].next, row = tx->row + 1;
    if (!(tx->flags & TX_ACTIVE)) continue;
    ENSURE(received <= tx->next && tx->una <= received);
    if (was.flow[slot].row == row)
      ENSURE(tx->next >= was.flow[slot].next && tx->una >= was.flow[slot].una &&
             received >= was.flow[slot].received);
    was.flow[slot].row = row;
    was.flow[slot].next = tx->next;
    was.flow[slot].una = tx->una;
    was.flow[slot].received = received;
  }
  for (uint32_t p = 0; p < sim->packet.ports.n; ++p) {
    const uint64_t bytes = port_tx_bytes(sim, p);
    const uint64_t packets = sim->packet.ports.at[p].deq + sim->packet.port_cold.at[p].skipped;
    ENSURE(bytes >= was.port[p].bytes && packets >= was.port[p].packets);
    was.port[p].bytes = bytes;
    was.port[p].packets = packets;
  }
}

static uint64_t run_forward(uint64_t key) {
  const scene s = incast(key);
  memset(&was, 0, sizeof was);
  int result = WEFT_RUN_UNTIL;
  for (weft_time at = 7 * US; result == WEFT_RUN_UNTIL; at += 7 * US) {
    result = MUST(s.sim, weft_run(s.sim, at, 0));
    look_whether_all_is_forward(s.sim);
  }
  ENSURE_EQ(result, WEFT_RUN_DONE);
  MUST(s.sim, weft_check(s.sim));
  const weft_stats stats = stats_of(s.sim);
  ENSURE_EQ(stats.flows_done, s.flows);
  ENSURE_EQ(stats.payload_delivered, s.bytes);
  ENSURE_EQ(stats.packets_in_flight, 0);
  for (uint32_t row = 0; row < s.flows; ++row)
    ENSURE_EQ(cell(s.sim, WEFT_TABLE_FLOWS, "delivered_bytes", row),
              cell(s.sim, WEFT_TABLE_FLOWS, "size_bytes", row));
  weft_acceleration report;
  weft_acceleration_get(s.sim, &report);
  weft_sim_destroy(s.sim);
  return report.hits;
}

/* WEFT_FUZZ_FIRST and WEFT_FUZZ_COUNT choose others. */
TEST(what_is_remembered_moves_all_forward) {
  const char *first = getenv("WEFT_FUZZ_FIRST"), *count = getenv("WEFT_FUZZ_COUNT");
  const uint64_t from = first != NULL ? strtoull(first, NULL, 10) : 140;
  const uint64_t number = count != NULL ? strtoull(count, NULL, 10) : 60;
  uint64_t hits = 0;
  for (uint64_t key = from; key < from + number; ++key) hits += run_forward(key);
  ENSURE(hits > number);
}
