/* Which flow ends next: a heap of the flows of each class, by the service at which they end, and a
 * heap of classes by the time of their first. Both are 4-ary and hold their keys. */
#include "fluid/fluid_i.h"

/* ---- flows of a class ---- */

static struct fluid_end *queue_of(const weft_sim *sim, const struct fluid_class *class) {
  return (struct fluid_end *)(void *)&sim->fluid.units.at[class->queue];
}

/* To where it belongs among n, from a place that is free. */
static void settle(struct fluid_end *at, uint32_t n, uint32_t hole, struct fluid_end item) {
  for (uint32_t above; hole > 0 && item.end < at[above = (hole - 1) / 4].end; hole = above)
    at[hole] = at[above];
  for (uint64_t first; (first = 4ull * hole + 1) < n;) {
    uint64_t least = first;
    for (uint64_t i = first + 1; i < n && i < first + 4; ++i)
      if (at[i].end < at[least].end) least = i;
    if (!(at[least].end < item.end)) break;
    at[hole] = at[least];
    hole = (uint32_t)least;
  }
  at[hole] = item;
}

int weft__fluid_end_add(weft_sim *sim, uint32_t slot) {
  const struct fluid_flow *flow = &sim->fluid.flows.at[slot];
  struct fluid_class *class = &sim->fluid.classes.at[flow->class];
  const uint32_t n = class->flows++;
  if (n == 0) {
    class->first = slot;
    return 1;
  }
  const uint32_t had = class->queue;
  if ((had == WEFT_NONE || n == 1u << class->room) &&
      !weft__fluid_grow(sim, &class->queue, &class->room, 1))
    return 0;
  struct fluid_end *at = queue_of(sim, class);
  if (had == WEFT_NONE)
    at[0] = (struct fluid_end){sim->fluid.flows.at[class->first].end, class->first, 0};
  settle(at, n + 1, n, (struct fluid_end){flow->end, slot, 0});
  class->first = at[0].slot;
  return 1;
}

void weft__fluid_end_remove(weft_sim *sim, uint32_t slot) {
  struct fluid_class *class = &sim->fluid.classes.at[sim->fluid.flows.at[slot].class];
  const uint32_t last = --class->flows;
  if (class->queue == WEFT_NONE) return;
  struct fluid_end *at = queue_of(sim, class);
  uint32_t hole = 0; /* mostly the first; others leave when ways change */
  while (at[hole].slot != slot) ++hole;
  if (hole < last) settle(at, last, hole, at[last]);
  class->first = at[0].slot;
}

/* ---- classes ---- */

static int ends_before(const struct fluid_due *a, const struct fluid_due *b) {
  if (a->end.ps != b->end.ps) return a->end.ps < b->end.ps;
  return a->end.part < b->end.part || (a->end.part == b->end.part && a->class < b->class);
}

static void put(weft_sim *sim, uint32_t place, const struct fluid_due *item) {
  sim->fluid.ends.at[place] = *item;
  sim->fluid.classes.at[item->class].place = place;
}

/* To where it belongs, from a place that is free. */
static void sift(weft_sim *sim, uint32_t hole, const struct fluid_due *item) {
  const struct fluid_due *at = sim->fluid.ends.at;
  const uint32_t n = sim->fluid.ends.n;
  for (uint32_t above; hole > 0 && ends_before(item, &at[above = (hole - 1) / 4]); hole = above)
    put(sim, hole, &at[above]);
  for (uint64_t first; (first = 4ull * hole + 1) < n;) {
    uint64_t least = first;
    for (uint64_t i = first + 1; i < n && i < first + 4; ++i)
      if (ends_before(&at[i], &at[least])) least = i;
    if (!ends_before(&at[least], item)) break;
    put(sim, hole, &at[least]);
    hole = (uint32_t)least;
  }
  put(sim, hole, item);
}

int weft__fluid_end_moved(weft_sim *sim, uint32_t index) {
  struct fluid_class *class = &sim->fluid.classes.at[index];
  if (class->rate == 0) return 1;
  const double left = sim->fluid.flows.at[class->first].end - class->service;
  const struct fluid_due item = {fluid_after(class->since, left > 0 ? left / class->rate : 0),
                                 index, 0};
  if (class->place == WEFT_NONE) {
    if (!pool_reserve(sim, sim->fluid.ends, sim->fluid.ends.n + 1u)) return 0;
    class->place = sim->fluid.ends.n++;
  }
  sift(sim, class->place, &item);
  return 1;
}

void weft__fluid_end_none(weft_sim *sim, uint32_t index) {
  const uint32_t place = sim->fluid.classes.at[index].place;
  if (place == WEFT_NONE) return;
  sim->fluid.classes.at[index].place = WEFT_NONE;
  const struct fluid_due last = sim->fluid.ends.at[--sim->fluid.ends.n];
  if (last.class != index) sift(sim, place, &last);
}
