/* Classes: flows of one way, weight and cap; and of each port the list of classes that use it. */
#include <string.h>

#include "base/hash_i.h"
#include "fluid/fluid_i.h"

/* ---- lists of ports ---- */

enum { UNIT_ENTRIES = 4 }; /* in a unit */

static int enter(weft_sim *sim, struct fluid_member *member, uint32_t class, uint32_t is_ack) {
  struct fluid_port *port = &sim->fluid.ports.at[member->port];
  if ((port->list == WEFT_NONE || port->count == (uint32_t)UNIT_ENTRIES << port->room) &&
      !weft__fluid_grow(sim, &port->list, &port->room, 0))
    return 0;
  member->place = port->count;
  fluid_list(sim, port)[port->count++] = class << 1 | is_ack;
  return 1;
}

/* The last of the list takes its place. */
static void strike(weft_sim *sim, const struct fluid_member *member) {
  struct fluid_port *port = &sim->fluid.ports.at[member->port];
  uint32_t *list = fluid_list(sim, port);
  const uint32_t last = --port->count, moved = list[last];
  if (last == member->place) return;
  list[member->place] = moved;
  struct fluid_member *other = fluid_members(sim, moved >> 1);
  while (other->port != member->port || other->place != last) ++other;
  other->place = member->place;
}

/* ---- the table ---- */

static uint32_t hash_of(const struct fluid_claim *claim) {
  uint64_t bits[2];
  memcpy(&bits[0], &claim->weight, sizeof bits[0]);
  memcpy(&bits[1], &claim->cap, sizeof bits[1]);
  uint64_t x = hash_mix(bits[0] ^ hash_mix(bits[1]) ^ claim->hops);
  for (uint32_t i = 0; i < claim->hops + claim->ack_hops; ++i) x = hash_mix(x ^ claim->path[i]);
  return (uint32_t)x;
}

static int is_of(const weft_sim *sim, uint32_t index, uint32_t hash,
                 const struct fluid_claim *claim) {
  const struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_share *share = &sim->fluid.shares.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  if (class->hash != hash || share->hops != claim->hops || share->ack_hops != claim->ack_hops ||
      class->weight != claim->weight || class->cap != claim->cap)
    return 0;
  uint32_t i = 0;
  while (i < claim->hops + claim->ack_hops && members[i].port == claim->path[i]) ++i;
  return i == claim->hops + claim->ack_hops;
}

static uint32_t *chain_of(const weft_sim *sim, uint32_t hash) {
  return &sim->fluid.table.at[hash & ((1u << sim->fluid.table_bits) - 1)];
}

/* As many chains as classes at least: 0 when out of memory. */
static int grow_table(weft_sim *sim) {
  const uint32_t bits = sim->fluid.table.n == 0 ? 4 : sim->fluid.table_bits + 1;
  if (!pool_reserve(sim, sim->fluid.table, 1ull << bits)) return 0;
  sim->fluid.table_bits = bits;
  sim->fluid.table.n = 1u << bits;
  memset(sim->fluid.table.at, 0xff, sim->fluid.table.n * sizeof(uint32_t));
  for (uint32_t i = 0; i < sim->fluid.classes.n; ++i) {
    struct fluid_class *class = &sim->fluid.classes.at[i];
    if (class->flows == 0) continue;
    class->next = *chain_of(sim, class->hash);
    *chain_of(sim, class->hash) = i;
  }
  return 1;
}

/* ---- a class ---- */

int weft__fluid_widen(weft_sim *sim, uint32_t width) {
  const uint32_t old = sim->fluid.width;
  if (width <= old) return 1;
  const uint64_t count = sim->fluid.classes.n;
  if (!pool_reserve(sim, sim->fluid.members, count * width)) return 0;
  for (uint64_t i = count; i-- > 0;)
    memmove(&sim->fluid.members.at[i * width], &sim->fluid.members.at[i * old],
            old * sizeof(struct fluid_member));
  sim->fluid.members.n = (uint32_t)(count * width);
  sim->fluid.width = width;
  return 1;
}

/* A number for a class; WEFT_NONE when out of memory. */
static uint32_t take(weft_sim *sim) {
  if (sim->fluid.live >= sim->fluid.table.n && !grow_table(sim)) return WEFT_NONE;
  if (sim->fluid.free_class != 0) {
    const uint32_t index = sim->fluid.free_class - 1;
    sim->fluid.free_class = sim->fluid.classes.at[index].next;
    return index;
  }
  const uint32_t index = sim->fluid.classes.n;
  const uint64_t n = index + 1ull;
  if (!pool_reserve(sim, sim->fluid.classes, n) || !pool_reserve(sim, sim->fluid.shares, n) ||
      !pool_reserve(sim, sim->fluid.members, n * sim->fluid.width))
    return WEFT_NONE;
  sim->fluid.classes.n = sim->fluid.shares.n = (uint32_t)n;
  sim->fluid.members.n = (uint32_t)(n * sim->fluid.width);
  return index;
}

static uint32_t found(weft_sim *sim, const struct fluid_claim *claim) {
  const uint32_t hash = hash_of(claim);
  uint32_t index = sim->fluid.table.n > 0 ? *chain_of(sim, hash) : WEFT_NONE;
  while (index != WEFT_NONE && !is_of(sim, index, hash, claim))
    index = sim->fluid.classes.at[index].next;
  if (index != WEFT_NONE) return index;
  index = take(sim);
  if (index == WEFT_NONE) return WEFT_NONE;
  uint32_t *chain = chain_of(sim, hash);
  sim->fluid.classes.at[index] = (struct fluid_class){.weight = claim->weight,
                                                      .cap = claim->cap,
                                                      .since = {sim->now, 0},
                                                      .first = WEFT_NONE,
                                                      .queue = WEFT_NONE,
                                                      .place = WEFT_NONE,
                                                      .next = *chain,
                                                      .hash = hash};
  *chain = index;
  ++sim->fluid.live;
  sim->fluid.shares.at[index] = (struct fluid_share){.at = FLUID_OPEN,
                                                     .hops = (uint8_t)claim->hops,
                                                     .ack_hops = (uint8_t)claim->ack_hops,
                                                     .has_cap = claim->cap < INFINITY};
  struct fluid_member *members = fluid_members(sim, index);
  for (uint32_t i = 0; i < claim->hops + claim->ack_hops; ++i) {
    members[i].port = claim->path[i];
    if (!enter(sim, &members[i], index, i >= claim->hops)) return WEFT_NONE;
  }
  return index;
}

void weft__fluid_join(weft_sim *sim, uint32_t slot, const struct fluid_claim *claim, double bits) {
  const uint32_t index = found(sim, claim);
  if (index == WEFT_NONE) {
    weft__no_memory(sim);
    return;
  }
  struct fluid_class *class = &sim->fluid.classes.at[index];
  struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  flow->class = index;
  flow->end = fluid_service(class, (struct fluid_time){sim->now, 0}) + bits;
  flow->state = FLUID_RUNS;
  if (!weft__fluid_end_add(sim, slot)) {
    weft__no_memory(sim);
    return;
  }
  weft__fluid_load(sim, index, class->weight * class->flows);
  weft__fluid_ask(sim, index);
  if (class->first == slot && !weft__fluid_end_moved(sim, index)) weft__no_memory(sim);
}

static void release(weft_sim *sim, uint32_t index) {
  struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  for (uint32_t i = 0; i < fluid_hops(&sim->fluid.shares.at[index]); ++i) strike(sim, &members[i]);
  uint32_t *chain = chain_of(sim, class->hash);
  while (*chain != index) chain = &sim->fluid.classes.at[*chain].next;
  *chain = class->next;
  weft__fluid_give_back(sim, class->queue, class->room);
  class->next = sim->fluid.free_class;
  sim->fluid.free_class = index + 1;
  --sim->fluid.live;
  weft__fluid_end_none(sim, index);
}

void weft__fluid_leave(weft_sim *sim, uint32_t slot, struct fluid_time time) {
  const uint32_t index = sim->fluid.flows.at[slot].class;
  struct fluid_class *class = &sim->fluid.classes.at[index];
  const uint32_t was_first = class->first == slot;
  weft__fluid_end_remove(sim, slot);
  const int is_alone = weft__fluid_is_alone(sim, index);
  if (is_alone && class->flows == 0) {
    weft__fluid_leave_empty(sim, index);
    release(sim, index);
    return;
  }
  weft__fluid_load(sim, index, class->weight * class->flows);
  /* What each has been served: no less than the one that has sent all now. */
  const double service = fluid_service(class, time);
  class->service = service > class->service ? service : class->service;
  class->since = time;
  if (is_alone) {
    weft__fluid_ask(sim, index);
  } else {
    const struct fluid_member *members = fluid_members(sim, index);
    for (uint32_t i = 0; i < fluid_hops(&sim->fluid.shares.at[index]); ++i)
      weft__fluid_relieve(sim, members[i].port);
  }
  if (class->flows == 0)
    release(sim, index);
  else if (was_first && !weft__fluid_end_moved(sim, index))
    weft__no_memory(sim);
}
