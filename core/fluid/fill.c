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
 * Sums of what is asked of a port are kept, and say when it is to be looked at. They are made anew
 * before it is full or open, and now and then besides, so that no level has their rounding. */
#include "fluid/fluid_i.h"

/* Levels that differ by less, relative, are one level. */
#define TIE 1e-12

/* By so much classes that are bounded elsewhere may be above what a port has, by rounding. */
#define SLACK 1e-11

enum { VISITS_MOST = 64, AGE_MOST = 255 };

static struct fluid_port *port_at(const weft_sim *sim, uint32_t port) {
  return &sim->fluid.ports.at[port];
}

/* ---- the queue ---- */

static int is_before(const struct fluid_item *a, const struct fluid_item *b) {
  return a->key < b->key || (a->key == b->key && a->what < b->what);
}

static void push(weft_sim *sim, uint32_t what, double key) {
  if (!pool_reserve(sim, sim->fluid.queue, sim->fluid.queue.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  struct fluid_item *at = sim->fluid.queue.at;
  const struct fluid_item item = {.key = key, .what = what};
  uint32_t hole = sim->fluid.queue.n++;
  for (uint32_t above; hole > 0 && is_before(&item, &at[above = (hole - 1) / 4]); hole = above)
    at[hole] = at[above];
  at[hole] = item;
}

static struct fluid_item pop(weft_sim *sim) {
  struct fluid_item *at = sim->fluid.queue.at;
  const struct fluid_item first = at[0], item = at[--sim->fluid.queue.n];
  const uint32_t n = sim->fluid.queue.n;
  uint32_t hole = 0;
  for (uint32_t child; (child = 4 * hole + 1) < n;) {
    const uint32_t end = child + 4 < n ? child + 4 : n;
    uint32_t best = child;
    for (uint32_t i = child + 1; i < end; ++i)
      if (is_before(&at[i], &at[best])) best = i;
    if (!is_before(&at[best], &item)) break;
    at[hole] = at[best];
    hole = best;
  }
  at[hole] = item;
  return first;
}

/* Look at a port at that level at the latest. An item with a higher key counts no more. */
static void look_at(weft_sim *sim, uint32_t index, double key) {
  struct fluid_port *port = port_at(sim, index);
  if (key >= port->key) return;
  sim->fluid.waiting += port->key == INFINITY;
  port->key = key;
  push(sim, index, key);
}

/* Its item counts no more. */
static void forget(weft_sim *sim, struct fluid_port *port) {
  sim->fluid.waiting -= port->key < INFINITY;
  port->key = INFINITY;
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
  look_at(sim, index, port_at(sim, index)->level);
}

void weft__fluid_mark_cap(weft_sim *sim, uint32_t class) {
  ++sim->fluid.waiting;
  push(sim, sim->fluid.ports.n + class, sim->fluid.classes.at[class].cap);
}

/* ---- water ---- */

/* What is asked of a port: by weight of those that rise with the water, in bit/ps of others. */
struct demand {
  double weights, rates;
  double highest; /* level of one that is bounded elsewhere */
  uint32_t rising;
};

/* Those that are open or bounded here rise, and those that are bounded above a level. */
static struct demand demand_of(const weft_sim *sim, uint32_t index, double above) {
  const struct fluid_port *port = port_at(sim, index);
  const uint32_t *entry = &sim->fluid.entries.at[port->list];
  const struct fluid_share *shares = sim->fluid.shares.at;
  struct demand sum = {0, 0, 0, 0};
  for (uint32_t i = 0; i < port->count; ++i) {
    const struct fluid_share *share = &shares[entry[i] >> 1];
    const double load = entry[i] & 1 ? share->load * sim->fluid.ack_load : share->load;
    if (share->at == index || share->at == FLUID_OPEN || share->level > above) {
      sum.weights += load;
      ++sum.rising;
    } else {
      sum.rates += load * share->level;
      if (share->level > sum.highest) sum.highest = share->level;
    }
  }
  return sum;
}

/* The level at which a port is full; INFINITY: never. Who is bounded elsewhere, but higher, will be
 * bounded here; from below, so that there are ever fewer of those. */
static double water(const weft_sim *sim, uint32_t index, struct demand sum) {
  const double rate = port_at(sim, index)->rate;
  if (sum.rising == 0 && sum.rates <= rate * (1 + SLACK)) return INFINITY;
  double level = sum.rising > 0 ? (rate - sum.rates) / sum.weights : 0;
  if (level >= sum.highest * (1 - TIE)) return level;
  for (double before = -INFINITY; level > before;) {
    before = level > 0 ? level : 0;
    sum = demand_of(sim, index, before * (1 + TIE));
    level = (rate - sum.rates) / sum.weights;
  }
  return level;
}

/* Find the water of a port anew. */
static void sound(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  const struct demand sum = demand_of(sim, index, INFINITY);
  port->weights = sum.weights;
  port->rates = sum.rates;
  port->highest = sum.highest;
  port->rising = sum.rising;
  port->age = 0;
  port->water = water(sim, index, sum);
}

/* When something happens there, by sums that may be off by rounding. */
static double guess(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  const double left = port->rate - port->rates;
  if (port->age > AGE_MOST)
    sound(sim, index);
  else if (port->rising > 0 && left >= port->highest * port->weights)
    port->water = left / port->weights;
  else if (port->rising == 0 && left >= 0)
    port->water = INFINITY;
  else if (port->age > 0)
    sound(sim, index);
  return port->level < port->water ? port->level : port->water;
}

static void look_at_marked(weft_sim *sim) {
  while (sim->fluid.marked.n > 0 && !sim->failed) {
    const uint32_t index = sim->fluid.marked.at[--sim->fluid.marked.n];
    port_at(sim, index)->is_marked = 0;
    look_at(sim, index, guess(sim, index));
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

/* Keep the sums of a port, of a class that was one thing there and is another. A port of which
 * nobody asks for more and that is not full needs no look. */
static void resum(weft_sim *sim, uint32_t index, double factor, const struct fluid_share *was,
                  const struct fluid_share *is) {
  struct fluid_port *port = port_at(sim, index);
  ++port->age;
  if (was->load == 0) {
  } else if (was->at == index || was->at == FLUID_OPEN) {
    port->weights -= factor * was->load;
    --port->rising;
  } else {
    port->rates -= factor * was->load * was->level;
  }
  if (is->load == 0) {
  } else if (is->at == index || is->at == FLUID_OPEN) {
    port->weights += factor * is->load;
    ++port->rising;
  } else {
    port->rates += factor * is->load * is->level;
    if (is->level > port->highest) port->highest = is->level;
  }
  if (port->rising == 0 && port->level == INFINITY && port->rates <= port->rate) forget(sim, port);
}

void weft__fluid_load(weft_sim *sim, uint32_t index, double load) {
  const struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  struct fluid_share *share = &sim->fluid.shares.at[index];
  const struct fluid_share was = *share;
  share->load = load;
  for (uint32_t i = 0; i < class->hops + (uint32_t) class->ack_hops; ++i)
    resum(sim, members[i].port, i < class->hops ? 1 : sim->fluid.ack_load, &was, share);
}

/* A class has another share. Where it leaves more than before, ports that were full are looked at;
 * where it is open, all of its ports. */
static void change_share(weft_sim *sim, uint32_t index, uint32_t at, double level) {
  const struct fluid_class *class = &sim->fluid.classes.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  struct fluid_share *share = &sim->fluid.shares.at[index];
  const struct fluid_share was = *share;
  touch(sim, index);
  share->at = at;
  share->level = level;
  for (uint32_t i = 0; i < class->hops + (uint32_t) class->ack_hops; ++i) {
    const uint32_t port = members[i].port;
    resum(sim, port, i < class->hops ? 1 : sim->fluid.ack_load, &was, share);
    if (at == FLUID_OPEN)
      weft__fluid_mark(sim, port);
    else if (port != at)
      weft__fluid_relieve(sim, port);
  }
  if (at == FLUID_OPEN && class->cap < INFINITY) weft__fluid_mark_cap(sim, index);
}

/* It is not full any more at the level at which it was. */
static void open_port(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  port->level = INFINITY;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t class = sim->fluid.entries.at[port->list + i] >> 1;
    const struct fluid_share *share = &sim->fluid.shares.at[class];
    if (share->at == index) change_share(sim, class, FLUID_OPEN, share->level);
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
      change_share(sim, class, index, level);
  }
}

static void open_all(weft_sim *sim) {
  sim->fluid.queue.n = sim->fluid.waiting = 0;
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p) {
    struct fluid_port *port = port_at(sim, p);
    port->level = port->key = INFINITY;
    port->visits = 0;
    port->age = AGE_MOST;
    if (port->count > 0) weft__fluid_mark(sim, p);
  }
  for (uint32_t i = 0; i < sim->fluid.classes.n; ++i)
    if (sim->fluid.classes.at[i].flows > 0) change_share(sim, i, FLUID_OPEN, 0);
}

static void reach_cap(weft_sim *sim, uint32_t class, double level) {
  const struct fluid_class *its = &sim->fluid.classes.at[class]; /* or of one before */
  if (its->flows > 0 && sim->fluid.shares.at[class].at == FLUID_OPEN && its->cap <= level)
    change_share(sim, class, FLUID_AT_CAP, its->cap);
}

/* Whether it has been visited too often. */
static int is_worn(const weft_sim *sim, struct fluid_port *port) {
  if (port->filling != sim->fluid.filling) port->visits = 0;
  port->filling = sim->fluid.filling;
  return ++port->visits > VISITS_MOST;
}

/* The lowest of the queue. */
static void step(weft_sim *sim) {
  const struct fluid_item item = pop(sim);
  if (item.what >= sim->fluid.ports.n) {
    --sim->fluid.waiting;
    reach_cap(sim, item.what - sim->fluid.ports.n, item.key);
    return;
  }
  struct fluid_port *port = port_at(sim, item.what);
  if (port->key != item.key) return; /* there is a lower one, or none */
  forget(sim, port);
  double key = guess(sim, item.what);
  if (key <= item.key * (1 + TIE) && port->age > 0) {
    sound(sim, item.what);
    key = port->level < port->water ? port->level : port->water;
  }
  if (key > item.key * (1 + TIE)) /* more has become free since */
    look_at(sim, item.what, key);
  else if (is_worn(sim, port))
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
  while (sim->fluid.waiting > 0 && !sim->failed) {
    step(sim);
    look_at_marked(sim);
  }
  sim->fluid.queue.n = 0;
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
  if (sim->fluid.waiting > 0 || sim->fluid.marked.n > 0) return WEFT_OK; /* it is to be filled */
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
