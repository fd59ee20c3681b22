/* Max-min shares, kept up to date by progressive filling (Bertsekas and Gallager, Data Networks,
 * 6.5.2) of what a change reaches.
 *
 * Water rises at all ports alike: at level x a class that nothing bounds has the rate weight x x.
 * A port that is full at a level bounds its classes that are not bounded yet, and a cap its class.
 * So an allocation is a level for each full port, and for each class what bounds it.
 *
 * After a change the filling is gone through again from below, but only where something differs.
 * Ports that may differ are in a queue by the level at which something happens there: where it was
 * full, or will be. Of the lowest, two things can have become of it:
 * - it was full at this level and is not any more: its classes are open, and other ports of theirs
 *   are looked at, all of them at this level or above;
 * - it is full now, at this level or as before: its classes, those that are open, and those that
 *   are bounded higher elsewhere, are bounded here. Where they leave more than before, other ports
 *   are looked at, if they were full.
 * What lies below is done with, as the water only rises. Where a port is full at the level that it
 * had before, nothing goes on from it. In exact arithmetic each port is opened once and filled once
 * at most; with rounding a port might be visited again and again, and then all is filled anew.
 *
 * How high water stands at a port is summed up anew each time: no sum is kept, so none drifts. */
#include "fluid/fluid_i.h"

/* Levels that differ by less, relative, are one level. */
#define TIE 1e-12

/* By so much classes that are bounded elsewhere may be above what a port has, by rounding. */
#define SLACK 1e-11

enum { VISITS_MOST = 64 };

static struct fluid_port *port_at(const weft_sim *sim, uint32_t port) {
  return &sim->fluid.ports.at[port];
}

/* ---- the queue ---- */

static int is_before(const struct fluid_item *a, const struct fluid_item *b) {
  return a->key < b->key || (a->key == b->key && a->what < b->what);
}

static void put(weft_sim *sim, uint32_t place, struct fluid_item item) {
  sim->fluid.queue.at[place] = item;
  if (item.what < sim->fluid.ports.n) port_at(sim, item.what)->place = place;
}

/* To where it belongs, from a place that is free. */
static void sift(weft_sim *sim, uint32_t hole, struct fluid_item item) {
  const struct fluid_item *at = sim->fluid.queue.at;
  const uint32_t n = sim->fluid.queue.n;
  for (uint32_t above; hole > 0 && is_before(&item, &at[above = (hole - 1) / 2]); hole = above)
    put(sim, hole, at[above]);
  for (uint32_t child; (child = 2 * hole + 1) < n; hole = child) {
    if (child + 1 < n && is_before(&at[child + 1], &at[child])) ++child;
    if (!is_before(&at[child], &item)) break;
    put(sim, hole, at[child]);
  }
  put(sim, hole, item);
}

static void enqueue(weft_sim *sim, uint32_t what, double key) {
  const uint32_t place = what < sim->fluid.ports.n ? port_at(sim, what)->place : WEFT_NONE;
  if (place == WEFT_NONE && !pool_reserve(sim, sim->fluid.queue, sim->fluid.queue.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  sift(sim, place == WEFT_NONE ? sim->fluid.queue.n++ : place,
       (struct fluid_item){.key = key, .what = what});
}

static void take_first(weft_sim *sim) {
  const struct fluid_item first = sim->fluid.queue.at[0];
  if (first.what < sim->fluid.ports.n) port_at(sim, first.what)->place = WEFT_NONE;
  const struct fluid_item last = sim->fluid.queue.at[--sim->fluid.queue.n];
  if (sim->fluid.queue.n > 0) sift(sim, 0, last);
}

void weft__fluid_mark(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  if (port->is_marked) return;
  if (!pool_reserve(sim, sim->fluid.marked, sim->fluid.marked.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  port->is_marked = 1;
  sim->fluid.marked.at[sim->fluid.marked.n++] = index;
}

/* It was full at its level at most, and water stands no lower now. */
void weft__fluid_relieve(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  port->is_fresh = 0;
  if (port->place == WEFT_NONE && port->level < INFINITY) enqueue(sim, index, port->level);
}

void weft__fluid_mark_cap(weft_sim *sim, uint32_t class) {
  enqueue(sim, sim->fluid.ports.n + class, sim->fluid.classes.at[class].cap);
}

/* ---- water ---- */

/* What is asked of a port: by weight of those that rise with the water, in bit/ps of others. */
struct demand {
  double weights, rates;
  double highest; /* level of one that is bounded elsewhere */
};

/* Those that are open or bounded here rise, and those that are bounded above a level. */
static struct demand demand_of(const weft_sim *sim, uint32_t index, double above) {
  const struct fluid_port *port = port_at(sim, index);
  const uint32_t *entry = &sim->fluid.entries.at[port->list];
  const struct fluid_share *shares = sim->fluid.shares.at;
  struct demand sum = {0, 0, 0};
  for (uint32_t i = 0; i < port->count; ++i) {
    const struct fluid_share *share = &shares[entry[i] >> 1];
    const double load = entry[i] & 1 ? share->load * sim->fluid.ack_load : share->load;
    if (share->at == index || share->at == FLUID_OPEN || share->level > above) {
      sum.weights += load;
    } else {
      sum.rates += load * share->level;
      if (share->level > sum.highest) sum.highest = share->level;
    }
  }
  return sum;
}

/* The level at which a port is full; INFINITY: never. Who is bounded elsewhere, but higher, will be
 * bounded here; from below, so that there are ever fewer of those. */
static double water(const weft_sim *sim, uint32_t index) {
  const double rate = port_at(sim, index)->rate;
  if (port_at(sim, index)->count == 0) return INFINITY;
  struct demand sum = demand_of(sim, index, INFINITY);
  if (sum.weights == 0 && sum.rates <= rate * (1 + SLACK)) return INFINITY;
  double level = sum.weights > 0 ? (rate - sum.rates) / sum.weights : 0;
  if (level >= sum.highest * (1 - TIE)) return level;
  for (double before = -INFINITY; level > before;) {
    before = level > 0 ? level : 0;
    sum = demand_of(sim, index, before * (1 + TIE));
    level = (rate - sum.rates) / sum.weights;
  }
  return level;
}

static void look_at(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  port->water = water(sim, index);
  port->is_fresh = 1;
  const double key = port->level < port->water ? port->level : port->water;
  if (key < INFINITY || port->place != WEFT_NONE) enqueue(sim, index, key);
}

static void look_at_marked(weft_sim *sim) {
  while (sim->fluid.marked.n > 0 && !sim->failed) {
    const uint32_t index = sim->fluid.marked.at[--sim->fluid.marked.n];
    port_at(sim, index)->is_marked = 0;
    look_at(sim, index);
  }
}

/* ---- what happens at a level ---- */

static void touch(weft_sim *sim, uint32_t index) {
  struct fluid_class *class = &sim->fluid.classes.at[index];
  if (class->touched == sim->fluid.filling) return;
  class->touched = sim->fluid.filling;
  if (!pool_reserve(sim, sim->fluid.touched, sim->fluid.touched.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  sim->fluid.touched.at[sim->fluid.touched.n++] = index;
}

/* A class is bounded, at no more than it had if it was bounded before. */
static void bound(weft_sim *sim, uint32_t index, uint32_t at, double level) {
  const struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  touch(sim, index);
  sim->fluid.shares.at[index].at = at;
  sim->fluid.shares.at[index].level = level;
  for (uint32_t i = 0; i < class->hops + (uint32_t) class->ack_hops; ++i)
    if (members[i].port != at) weft__fluid_relieve(sim, members[i].port);
}

static void open_class(weft_sim *sim, uint32_t index) {
  const struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  touch(sim, index);
  sim->fluid.shares.at[index].at = FLUID_OPEN;
  if (class->cap < INFINITY) weft__fluid_mark_cap(sim, index);
  for (uint32_t i = 0; i < class->hops + (uint32_t) class->ack_hops; ++i)
    weft__fluid_mark(sim, members[i].port);
}

/* It is not full any more at the level at which it was. */
static void open_port(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  port->level = INFINITY;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t class = sim->fluid.entries.at[port->list + i] >> 1;
    if (sim->fluid.shares.at[class].at == index) open_class(sim, class);
  }
  if (port->water < INFINITY) weft__fluid_mark(sim, index);
}

/* It is full. `stays`: at the level at which it was, so that its classes have what they had. */
static void fill_port(weft_sim *sim, uint32_t index, int stays) {
  struct fluid_port *port = port_at(sim, index);
  if (!stays) port->level = port->water;
  const double level = port->level;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t class = sim->fluid.entries.at[port->list + i] >> 1;
    const struct fluid_share *share = &sim->fluid.shares.at[class];
    if (share->at == FLUID_OPEN || (share->at == index ? !stays : share->level > level * (1 + TIE)))
      bound(sim, class, index, level);
  }
}

static void open_all(weft_sim *sim) {
  sim->fluid.queue.n = 0;
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p) {
    struct fluid_port *port = port_at(sim, p);
    port->level = INFINITY;
    port->place = WEFT_NONE;
    port->filling = 0;
    if (port->count > 0) weft__fluid_mark(sim, p);
  }
  for (uint32_t i = 0; i < sim->fluid.classes.n; ++i)
    if (sim->fluid.classes.at[i].flows > 0) open_class(sim, i);
}

/* Whether it has been visited too often. */
static int is_worn(weft_sim *sim, struct fluid_port *port) {
  if (port->filling != sim->fluid.filling) port->visits = 0;
  port->filling = sim->fluid.filling;
  return ++port->visits > VISITS_MOST;
}

/* The lowest of the queue. */
static void step(weft_sim *sim) {
  const struct fluid_item item = sim->fluid.queue.at[0];
  if (item.what >= sim->fluid.ports.n) {
    const uint32_t class = item.what - sim->fluid.ports.n;
    take_first(sim);
    const struct fluid_class *its = &sim->fluid.classes.at[class]; /* or of one before */
    if (sim->fluid.shares.at[class].at == FLUID_OPEN && its->flows > 0 && its->cap <= item.key)
      bound(sim, class, FLUID_AT_CAP, its->cap);
    return;
  }
  struct fluid_port *port = port_at(sim, item.what);
  if (!port->is_fresh) port->water = water(sim, item.what);
  port->is_fresh = 1;
  const double key = port->level < port->water ? port->level : port->water;
  if (key > item.key * (1 + TIE) && key < INFINITY) { /* more has become free since */
    enqueue(sim, item.what, key);
    return;
  }
  take_first(sim);
  if (is_worn(sim, port))
    open_all(sim);
  else if (port->level < INFINITY && port->water > port->level * (1 + TIE))
    open_port(sim, item.what);
  else if (port->water < INFINITY)
    fill_port(sim, item.what, port->water > port->level * (1 - TIE) && port->level < INFINITY);
}

/* Classes go on at their new rates. */
static void apply(weft_sim *sim, struct fluid_time time) {
  for (uint32_t i = 0; i < sim->fluid.touched.n && !sim->failed; ++i) {
    const uint32_t index = sim->fluid.touched.at[i];
    struct fluid_class *class = &sim->fluid.classes.at[index];
    WEFT_ASSERT(sim->fluid.shares.at[index].at != FLUID_OPEN);
    const double rate = class->weight * sim->fluid.shares.at[index].level;
    if (rate == class->rate) continue;
    class->service = fluid_service(class, time);
    class->since = time;
    class->rate = rate;
    if (!weft__fluid_end_moved(sim, index)) weft__no_memory(sim);
  }
  sim->fluid.touched.n = 0;
}

void weft__fluid_fill(weft_sim *sim, struct fluid_time time) {
  ++sim->fluid.filling;
  look_at_marked(sim);
  while (sim->fluid.queue.n > 0 && !sim->failed) {
    step(sim);
    look_at_marked(sim);
  }
  apply(sim, time);
}

/* ---- check ---- */

static double relative(double a, double b) {
  return fabs(a - b) / (fabs(a) > fabs(b) ? fabs(a) : fabs(b));
}

/* What classes ask of a port, and the highest level of one. */
static double asked_of(const weft_sim *sim, uint32_t index, double *highest) {
  const struct fluid_port *port = port_at(sim, index);
  double sum = 0;
  *highest = 0;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t entry = sim->fluid.entries.at[port->list + i];
    const struct fluid_share *share = &sim->fluid.shares.at[entry >> 1];
    sum += share->load * share->level * (entry & 1 ? sim->fluid.ack_load : 1);
    if (share->level > *highest) *highest = share->level;
  }
  return sum;
}

int weft__fluid_check_shares(weft_sim *sim) {
  if (sim->fluid.queue.n > 0 || sim->fluid.marked.n > 0) return WEFT_OK; /* in the middle of it */
  double highest;
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p)
    if (asked_of(sim, p, &highest) > port_at(sim, p)->rate * (1 + 1e-9))
      return weft__fail(sim, WEFT_EINTERNAL, "fluid: a port carries more than it can");
  for (uint32_t i = 0; i < sim->fluid.classes.n; ++i) {
    const struct fluid_class *class = &sim->fluid.classes.at[i];
    const struct fluid_share *share = &sim->fluid.shares.at[i];
    if (class->flows == 0) continue;
    int is_bounded = relative(share->level, class->cap) < 1e-9;
    const struct fluid_member *members = fluid_members(sim, i);
    for (uint32_t m = 0; m < class->hops + (uint32_t) class->ack_hops && !is_bounded; ++m) {
      const double asked = asked_of(sim, members[m].port, &highest);
      is_bounded = relative(asked, port_at(sim, members[m].port)->rate) < 1e-9 &&
                   relative(share->level, highest) < 1e-9;
    }
    if (!is_bounded) return weft__fail(sim, WEFT_EINTERNAL, "fluid: a flow could have more");
  }
  return WEFT_OK;
}
