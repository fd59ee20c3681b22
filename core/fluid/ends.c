/* Which flow ends next: a pairing heap of the flows of each class, by the service at which they
 * end, and a heap of classes by the time of their first. */
#include "fluid/fluid_i.h"

/* ---- flows of a class ---- */

/* The one that ends first becomes the parent of the other. Either may be WEFT_NONE. */
static uint32_t merge(struct fluid_flow *flows, uint32_t a, uint32_t b) {
  if (a == WEFT_NONE) return b;
  if (b == WEFT_NONE) return a;
  if (flows[b].end < flows[a].end) {
    const uint32_t other = a;
    a = b;
    b = other;
  }
  flows[b].next = flows[a].child;
  flows[b].back = a;
  if (flows[a].child != WEFT_NONE) flows[flows[a].child].back = b;
  flows[a].child = b;
  return a;
}

static uint32_t detached(struct fluid_flow *flows, uint32_t slot) {
  flows[slot].next = flows[slot].back = WEFT_NONE;
  return slot;
}

/* Siblings become one: by pairs from the first on, then all pairs from the last on. */
static uint32_t merge_siblings(struct fluid_flow *flows, uint32_t first) {
  uint32_t pairs = WEFT_NONE; /* through back, the last first */
  while (first != WEFT_NONE) {
    const uint32_t second = flows[first].next;
    const uint32_t rest = second != WEFT_NONE ? flows[second].next : WEFT_NONE;
    detached(flows, first);
    const uint32_t pair =
        merge(flows, first, second != WEFT_NONE ? detached(flows, second) : WEFT_NONE);
    flows[pair].back = pairs;
    pairs = pair;
    first = rest;
  }
  uint32_t root = WEFT_NONE;
  while (pairs != WEFT_NONE) {
    const uint32_t before = flows[pairs].back;
    root = merge(flows, root, detached(flows, pairs));
    pairs = before;
  }
  return root;
}

void weft__fluid_end_add(weft_sim *sim, uint32_t slot) {
  struct fluid_flow *flows = sim->fluid.flows.at;
  struct fluid_class *class = &sim->fluid.classes.at[flows[slot].class];
  flows[slot].child = WEFT_NONE;
  class->first = merge(flows, class->first, detached(flows, slot));
}

void weft__fluid_end_remove(weft_sim *sim, uint32_t slot) {
  struct fluid_flow *flows = sim->fluid.flows.at, *flow = &flows[slot];
  struct fluid_class *class = &sim->fluid.classes.at[flow->class];
  const uint32_t below = merge_siblings(flows, flow->child);
  if (class->first == slot) {
    class->first = below;
    return;
  }
  if (flows[flow->back].child == slot)
    flows[flow->back].child = flow->next;
  else
    flows[flow->back].next = flow->next;
  if (flow->next != WEFT_NONE) flows[flow->next].back = flow->back;
  class->first = merge(flows, class->first, below);
}

/* ---- classes ---- */

static int ends_before(const weft_sim *sim, uint32_t a, uint32_t b) {
  const struct fluid_time x = sim->fluid.classes.at[a].end, y = sim->fluid.classes.at[b].end;
  if (x.ps != y.ps) return x.ps < y.ps;
  return x.part < y.part || (x.part == y.part && a < b);
}

static void put(weft_sim *sim, uint32_t place, uint32_t class) {
  sim->fluid.ends.at[place] = class;
  sim->fluid.classes.at[class].place = place;
}

/* To where it belongs, from a place that is free. */
static void sift(weft_sim *sim, uint32_t hole, uint32_t class) {
  const uint32_t *at = sim->fluid.ends.at, n = sim->fluid.ends.n;
  for (uint32_t above; hole > 0 && ends_before(sim, class, at[above = (hole - 1) / 4]);
       hole = above)
    put(sim, hole, at[above]);
  for (;;) {
    const uint64_t first = 4ull * hole + 1;
    uint32_t best = class, place = hole;
    for (uint64_t i = first; i < n && i < first + 4; ++i)
      if (ends_before(sim, at[i], best)) {
        place = (uint32_t)i;
        best = at[i];
      }
    if (place == hole) break;
    put(sim, hole, best);
    hole = place;
  }
  put(sim, hole, class);
}

int weft__fluid_end_moved(weft_sim *sim, uint32_t index) {
  struct fluid_class *class = &sim->fluid.classes.at[index];
  if (class->rate == 0) return 1;
  const double left = sim->fluid.flows.at[class->first].end - class->service;
  class->end = fluid_after(class->since, left > 0 ? left / class->rate : 0);
  if (class->place == WEFT_NONE) {
    if (!pool_reserve(sim, sim->fluid.ends, sim->fluid.ends.n + 1u)) return 0;
    class->place = sim->fluid.ends.n++;
  }
  sift(sim, class->place, index);
  return 1;
}

void weft__fluid_end_none(weft_sim *sim, uint32_t index) {
  const uint32_t place = sim->fluid.classes.at[index].place;
  if (place == WEFT_NONE) return;
  sim->fluid.classes.at[index].place = WEFT_NONE;
  const uint32_t last = sim->fluid.ends.at[--sim->fluid.ends.n];
  if (last != index) sift(sim, place, last);
}
