/* Lists that grow: blocks of 1 << room units, which are given back and used again. */
#include <string.h>

#include "fluid/fluid_i.h"

/* The first word of a block that is free names the next of its room, + 1. */
static uint64_t *link_of(const weft_sim *sim, uint32_t block) {
  return &sim->fluid.units.at[block].words[0];
}

void weft__fluid_give_back(weft_sim *sim, uint32_t block, uint32_t room) {
  if (block == WEFT_NONE) return;
  *link_of(sim, block) = sim->fluid.free_block[room];
  sim->fluid.free_block[room] = block + 1;
}

int weft__fluid_grow(weft_sim *sim, uint32_t *block, uint8_t *room, uint8_t least) {
  const uint8_t next = *block == WEFT_NONE ? least : (uint8_t)(*room + 1);
  if (next >= FLUID_ROOMS) return 0;
  uint32_t taken = sim->fluid.free_block[next];
  if (taken != 0) {
    sim->fluid.free_block[next] = (uint32_t)*link_of(sim, --taken);
  } else {
    taken = sim->fluid.units.n;
    if (!pool_reserve(sim, sim->fluid.units, taken + (1ull << next))) return 0;
    sim->fluid.units.n += 1u << next;
  }
  if (*block != WEFT_NONE)
    memcpy(&sim->fluid.units.at[taken], &sim->fluid.units.at[*block],
           sizeof(struct fluid_unit) << *room);
  weft__fluid_give_back(sim, *block, *room);
  *block = taken;
  *room = next;
  return 1;
}
