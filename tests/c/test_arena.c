/* Scratch memory: what was taken stays where it is as more is taken, is given back in order, and
 * once warm nothing is allocated. */
#include "fixture.h"
#include "sim_i.h"

static weft_sim *empty_sim(void) {
  weft_config config = weft_config_default();
  return new_sim(&config, NULL);
}

TEST(scratch_memory_stays_where_it_is_as_more_is_taken) {
  weft_sim *sim = empty_sim();
  uint64_t *at[64];
  for (uint64_t i = 0; i < 64; i++) {
    at[i] = weft__arena_take(sim, &sim->arena, 100 * i + 1);
    ENSURE((uintptr_t)at[i] % 8 == 0);
    for (uint64_t k = 0; k < (100 * i + 8) / 8; k++) at[i][k] = i << 32 | k;
  }
  for (uint64_t i = 0; i < 64; i++)
    for (uint64_t k = 0; k < (100 * i + 8) / 8; k++) ENSURE_EQ(at[i][k], i << 32 | k);
  weft__arena_reset(sim, &sim->arena, 0);
  weft_sim_destroy(sim);
}

TEST(scratch_memory_is_given_back_down_to_a_mark) {
  weft_sim *sim = empty_sim();
  uint64_t *kept = weft__arena_take(sim, &sim->arena, 16);
  kept[0] = 7;
  kept[1] = 9;
  const size_t mark = weft__arena_mark(&sim->arena);
  ENSURE_EQ(mark, 16);
  for (int i = 0; i < 5; i++) {
    memset(weft__arena_take(sim, &sim->arena, 100000), 0xff, 100000);
    memset(weft__arena_take(sim, &sim->arena, 8), 0xff, 8);
    weft__arena_reset(sim, &sim->arena, mark);
    ENSURE_EQ(sim->arena.used, 16);
    ENSURE(kept[0] == 7 && kept[1] == 9);
  }
  ENSURE_EQ(sim->arena.most, 16 + 100000 + 8);
  weft__arena_reset(sim, &sim->arena, 0);
  ENSURE_EQ(sim->arena.used, 0);
  weft_sim_destroy(sim);
}

TEST(scratch_memory_that_was_once_enough_stays_enough) {
  weft_sim *sim = empty_sim();
  uint64_t bytes = 0;
  for (int round = 0; round < 4; round++) {
    for (uint64_t i = 1; i < 40; i++) weft__arena_take(sim, &sim->arena, 1000 * i);
    if (round >= 2) ENSURE_EQ(sim->memory_bytes, bytes);
    bytes = sim->memory_bytes;
    weft__arena_reset(sim, &sim->arena, 0);
    if (round >= 1) ENSURE_EQ(sim->memory_bytes, bytes);
  }
  ENSURE_EQ(sim->arena.most, 1000 * 39 * 20);
  ENSURE(weft__arena_take(sim, &sim->arena, UINT64_MAX - 3) == NULL);
  weft_sim_destroy(sim);
}
