/* Max-min shares, kept up to date by progressive filling (Bertsekas and Gallager, Data Networks,
 * 6.5.2) of what a change reaches.
 *
 * Water rises at all ports alike: at level x a class that nothing bounds has the rate weight x x.
 * A port that is full at a level bounds its classes that are not bounded yet, and a cap its class.
 * So an allocation is a level for each full port, and for each class what bounds it.
 *
 * After a change the filling is gone through again from below, but only where something differs.
 * Ports that may differ are looked at by the level at which something happens there: where one was
 * full, or will be. Of the lowest, two things can have become:
 * - nobody asks for more of it than it has: its classes are open, and other ports of theirs are
 *   looked at, all of them at this level or above;
 * - it is full, at a level that its classes, those that are open, and those that are bounded higher
 *   elsewhere, have here from now on. Where they leave more than before, other ports are looked at,
 *   if they were full; where they ask for more, those that have not enough for it.
 * What lies below is done with, as the water only rises. The level of a port that rises is what it
 * would be if nothing else happened in between; where something does, and takes classes from it, it
 * is looked at again when the water has come that far. Where a port is full at the level that it
 * had before, nothing goes on from it. With rounding a port might be visited again and again, and
 * then all is filled anew.
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

/* ---- what comes next ---- */

/* Ports in a 4-ary heap by the levels at which they are to be looked at; few are at a time. */

static int comes_before(const struct fluid_pending *a, const struct fluid_pending *b) {
  return a->level < b->level || (a->level == b->level && a->port < b->port);
}

static void put(weft_sim *sim, uint32_t place, const struct fluid_pending *item) {
  sim->fluid.pending.at[place] = *item;
  port_at(sim, item->port)->place = place;
}

/* To where it belongs, from a place that is free. */
static void sift(weft_sim *sim, uint32_t hole, struct fluid_pending item) {
  const struct fluid_pending *at = sim->fluid.pending.at;
  const uint32_t n = sim->fluid.pending.n;
  for (uint32_t above; hole > 0 && comes_before(&item, &at[above = (hole - 1) / 4]); hole = above)
    put(sim, hole, &at[above]);
  for (uint32_t first; (first = 4 * hole + 1) < n;) {
    uint32_t least = first;
    for (uint32_t i = first + 1; i < n && i < first + 4; ++i)
      if (comes_before(&at[i], &at[least])) least = i;
    if (!comes_before(&at[least], &item)) break;
    put(sim, hole, &at[least]);
    hole = least;
  }
  put(sim, hole, &item);
}

static void forget(weft_sim *sim, struct fluid_port *port) {
  const uint32_t place = port->place;
  if (place == WEFT_NONE) return;
  port->place = WEFT_NONE;
  const uint32_t last = --sim->fluid.pending.n; /* there is room for all */
  if (place < last) sift(sim, place, sim->fluid.pending.at[last]);
}

/* Look at a port at that level at the latest. */
static void look_at(weft_sim *sim, uint32_t index, double level) {
  struct fluid_port *port = port_at(sim, index);
  if (!(level < INFINITY)) return;
  const uint32_t is_new = port->place == WEFT_NONE;
  if (!is_new && sim->fluid.pending.at[port->place].level <= level) return;
  const uint32_t place = is_new ? sim->fluid.pending.n++ : port->place;
  sift(sim, place, (struct fluid_pending){level, index, 0});
}

static int is_before(const struct fluid_capped *a, const struct fluid_capped *b) {
  return a->cap < b->cap || (a->cap == b->cap && a->class < b->class);
}

/* A heap of classes by their caps. */
static void mark_cap(weft_sim *sim, uint32_t class) {
  if (!pool_reserve(sim, sim->fluid.capped, sim->fluid.capped.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  struct fluid_capped *at = sim->fluid.capped.at;
  const struct fluid_capped item = {.cap = sim->fluid.classes.at[class].cap, .class = class};
  uint32_t hole = sim->fluid.capped.n++;
  for (uint32_t above; hole > 0 && is_before(&item, &at[above = (hole - 1) / 2]); hole = above)
    at[hole] = at[above];
  at[hole] = item;
}

static struct fluid_capped take_capped(weft_sim *sim) {
  struct fluid_capped *at = sim->fluid.capped.at;
  const struct fluid_capped first = at[0], item = at[--sim->fluid.capped.n];
  const uint32_t n = sim->fluid.capped.n;
  uint32_t hole = 0;
  for (uint32_t child; (child = 2 * hole + 1) < n; hole = child) {
    if (child + 1 < n && is_before(&at[child + 1], &at[child])) ++child;
    if (!is_before(&at[child], &item)) break;
    at[hole] = at[child];
  }
  at[hole] = item;
  return first;
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

/* More may be asked of all ports of its way. */
static void mark_all(weft_sim *sim, uint32_t class) {
  const struct fluid_share *share = &sim->fluid.shares.at[class];
  const struct fluid_member *members = fluid_members(sim, class);
  if (share->has_cap && share->at == FLUID_OPEN) mark_cap(sim, class);
  for (uint32_t i = 0, n = fluid_hops(share); i < n; ++i) weft__fluid_mark(sim, members[i].port);
}

void weft__fluid_ask(weft_sim *sim, uint32_t class) {
  if (!weft__fluid_is_alone(sim, class))
    mark_all(sim, class);
  else if (pool_reserve(sim, sim->fluid.alone, sim->fluid.alone.n + 1u))
    sim->fluid.alone.at[sim->fluid.alone.n++] = class;
  else
    weft__no_memory(sim);
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
  const uint32_t *entry = fluid_list(sim, port);
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
  port->rising = sum.rising;
  port->age = 0;
  port->water = water(sim, index, sum);
}

/* Nobody asks for more of a port, and others leave it enough; by sums that rounding may be in. */
static int is_at_rest(const struct fluid_port *port) {
  return port->rising == 0 && port->rates <= port->rate * (1 + SLACK / 2);
}

/* When something happens there at the earliest. Where one that is bounded elsewhere is above the
 * level that is left to others, these have more in the end. */
static double guess(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  if (port->age > AGE_MOST)
    sound(sim, index);
  else if (port->age > 0 && is_at_rest(port))
    port->water = INFINITY;
  else if (port->age > 0 && port->rising > 0 && port->rates < port->rate)
    port->water = (port->rate - port->rates) / port->weights;
  else if (port->age > 0)
    port->water = 0;
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
  struct fluid_share *share = &sim->fluid.shares.at[index];
  if (share->touched == sim->fluid.filling) return;
  share->touched = sim->fluid.filling;
  if (!pool_reserve(sim, sim->fluid.touched, sim->fluid.touched.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  sim->fluid.touched.at[sim->fluid.touched.n++] = index;
}

/* Whether a class's share of a port rises with the water there. */
static int rises(const struct fluid_share *share, uint32_t port) {
  return (share->at == port) | (share->at == FLUID_OPEN);
}

/* What a class asks of ports where its share does not rise, bit/ps. */
static double fixed_rate(const struct fluid_share *share) {
  return share->at == FLUID_OPEN ? 0 : share->load * share->level;
}

/* Nobody asks for more of a port that is not full: it needs no look. */
static int leave_at_rest(weft_sim *sim, struct fluid_port *port) {
  if (port->level < INFINITY || !is_at_rest(port)) return 0;
  forget(sim, port);
  return 1;
}

void weft__fluid_load(weft_sim *sim, uint32_t index, double load) {
  const struct fluid_member *members = fluid_members(sim, index);
  struct fluid_share *share = &sim->fluid.shares.at[index];
  const double weights = load - share->load, before = fixed_rate(share);
  const int is_first = share->load == 0, is_last = load == 0;
  share->load = load;
  const double rates = fixed_rate(share) - before;
  for (uint32_t i = 0; i < fluid_hops(share); ++i) {
    struct fluid_port *port = port_at(sim, members[i].port);
    const double factor = i < share->hops ? 1 : sim->fluid.ack_load;
    ++port->age;
    if (rises(share, members[i].port)) {
      port->weights += factor * weights;
      port->rising += (uint32_t)is_first - (uint32_t)is_last;
    } else {
      port->rates += factor * rates;
    }
    leave_at_rest(sim, port);
  }
}

/* A class has another share. Where it leaves more than before, ports that were full are looked at;
 * where it asks for more, or is open, those that may not have enough. */
static void change_share(weft_sim *sim, uint32_t index, uint32_t at, double level) {
  struct fluid_share *share = &sim->fluid.shares.at[index];
  const struct fluid_member *members = fluid_members(sim, index);
  const struct fluid_share was = *share;
  const int asks_more = at == FLUID_OPEN || (was.at != FLUID_OPEN && level > was.level);
  touch(sim, index);
  share->at = at;
  share->level = level;
  const double before = fixed_rate(&was), rate = fixed_rate(share);
  for (uint32_t i = 0, n = fluid_hops(share); i < n; ++i) {
    const uint32_t hop = members[i].port;
    const int was_rising = rises(&was, hop), is_rising = rises(share, hop);
    if (was_rising & is_rising) continue; /* the same is asked of it */
    struct fluid_port *port = port_at(sim, hop);
    const double factor = i < share->hops ? 1 : sim->fluid.ack_load;
    ++port->age;
    port->rates += factor * ((is_rising ? 0 : rate) - (was_rising ? 0 : before));
    port->weights += factor * share->load * (is_rising - was_rising);
    port->rising += (uint32_t)(is_rising - was_rising);
    if (leave_at_rest(sim, port)) continue;
    if (!asks_more)
      weft__fluid_relieve(sim, hop);
    else
      weft__fluid_mark(sim, hop);
  }
  if (at == FLUID_OPEN && share->has_cap) mark_cap(sim, index);
}

/* Nobody asks for more than it has. */
static void open_port(weft_sim *sim, uint32_t index) {
  struct fluid_port *port = port_at(sim, index);
  port->level = INFINITY;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t class = fluid_list(sim, port)[i] >> 1;
    const struct fluid_share *share = &sim->fluid.shares.at[class];
    if (share->at == index) change_share(sim, class, FLUID_OPEN, share->level);
  }
}

/* It is full. `stays`: at the level at which it was, so that its classes have what they had. */
static void fill_port(weft_sim *sim, uint32_t index, int stays) {
  struct fluid_port *port = port_at(sim, index);
  if (!stays) port->level = port->water;
  const double level = port->level;
  for (uint32_t i = 0; i < port->count; ++i) {
    const uint32_t class = fluid_list(sim, port)[i] >> 1;
    const struct fluid_share *share = &sim->fluid.shares.at[class];
    if (!(share->at == FLUID_OPEN ||
          (share->at == index ? !stays : share->level > level * (1 + TIE))))
      continue;
    const double cap = share->has_cap ? sim->fluid.classes.at[class].cap : INFINITY;
    if (cap <= level)
      change_share(sim, class, FLUID_AT_CAP, cap);
    else
      change_share(sim, class, index, level);
  }
}

static void open_all(weft_sim *sim) {
  sim->fluid.capped.n = 0;
  for (uint32_t p = 0; p < sim->fluid.ports.n; ++p) {
    struct fluid_port *port = port_at(sim, p);
    port->level = INFINITY;
    forget(sim, port);
    port->visits = 0;
    port->age = AGE_MOST;
    if (port->count > 0) weft__fluid_mark(sim, p);
  }
  for (uint32_t i = 0; i < sim->fluid.classes.n; ++i)
    if (sim->fluid.classes.at[i].flows > 0) change_share(sim, i, FLUID_OPEN, 0);
}

static void reach_cap(weft_sim *sim) {
  const struct fluid_capped next = take_capped(sim);
  const struct fluid_class *class = &sim->fluid.classes.at[next.class]; /* or of one before */
  if (class->flows > 0 && sim->fluid.shares.at[next.class].at == FLUID_OPEN &&
      class->cap == next.cap)
    change_share(sim, next.class, FLUID_AT_CAP, next.cap);
}

/* Whether it has been visited too often. */
static int is_worn(const weft_sim *sim, struct fluid_port *port) {
  if (port->filling != sim->fluid.filling) port->visits = 0;
  port->filling = sim->fluid.filling;
  return ++port->visits > VISITS_MOST;
}

static int is_same_level(double a, double b) {
  return a > b * (1 - TIE) && a < b * (1 + TIE);
}

/* At the port that comes first. */
static void step(weft_sim *sim) {
  const struct fluid_pending first = sim->fluid.pending.at[0];
  const uint32_t index = first.port;
  struct fluid_port *port = port_at(sim, index);
  const double now = first.level * (1 + TIE);
  double key = guess(sim, index);
  if (key <= now && port->age > 0) {
    sound(sim, index);
    key = port->level < port->water ? port->level : port->water;
  }
  if (key > now) { /* more has become free since */
    if (key < INFINITY)
      sift(sim, 0, (struct fluid_pending){key, index, 0});
    else
      forget(sim, port);
    return;
  }
  forget(sim, port);
  if (is_worn(sim, port))
    open_all(sim);
  else if (port->level < INFINITY && port->water == INFINITY)
    open_port(sim, index);
  else if (port->water < INFINITY)
    fill_port(sim, index, is_same_level(port->water, port->level));
}

/* Whether anything is to come; caps first, at one level. */
static int go_on(weft_sim *sim) {
  const double next = sim->fluid.pending.n > 0 ? sim->fluid.pending.at[0].level : INFINITY;
  if (sim->fluid.capped.n > 0 && sim->fluid.capped.at[0].cap <= next)
    reach_cap(sim);
  else if (next < INFINITY)
    step(sim);
  else
    return 0;
  return !sim->failed;
}

/* A class goes on at its new rate. */
static void apply(weft_sim *sim, uint32_t index, struct fluid_time time) {
  struct fluid_class *class = &sim->fluid.classes.at[index];
  WEFT_ASSERT(sim->fluid.shares.at[index].at != FLUID_OPEN);
  const double rate = class->weight * sim->fluid.shares.at[index].level;
  if (rate == class->rate) return;
  class->service = fluid_service(class, time);
  class->since = time;
  class->rate = rate;
  if (!weft__fluid_end_moved(sim, index)) weft__no_memory(sim);
}

/* Those that were alone when they changed, and are so still; or have left, and are others' now. */
static void fill_alone(weft_sim *sim, struct fluid_time time) {
  for (uint32_t i = 0; i < sim->fluid.alone.n && !sim->failed; ++i) {
    const uint32_t index = sim->fluid.alone.at[i];
    if (sim->fluid.classes.at[index].flows == 0) continue;
    if (weft__fluid_is_alone(sim, index)) {
      weft__fluid_fill_alone(sim, index);
      apply(sim, index, time);
    } else {
      mark_all(sim, index);
    }
  }
  sim->fluid.alone.n = 0;
}

void weft__fluid_fill(weft_sim *sim, struct fluid_time time) {
  fill_alone(sim, time);
  ++sim->fluid.filling;
  look_at_marked(sim);
  while (go_on(sim)) look_at_marked(sim);
  for (uint32_t i = 0; i < sim->fluid.touched.n && !sim->failed; ++i)
    apply(sim, sim->fluid.touched.at[i], time);
  sim->fluid.touched.n = 0;
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
    const uint32_t entry = fluid_list(sim, port)[i];
    const struct fluid_share *share = &sim->fluid.shares.at[entry >> 1];
    sum += share->load * share->level * (entry & 1 ? sim->fluid.ack_load : 1);
    if (share->level > *highest) *highest = share->level;
  }
  return sum;
}

int weft__fluid_check_shares(weft_sim *sim) {
  if (sim->fluid.is_asked) return WEFT_OK; /* it is to be filled */
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
    for (uint32_t m = 0; m < fluid_hops(share) && !is_bounded; ++m) {
      const double asked = asked_of(sim, members[m].port, &highest);
      is_bounded = relative(asked, port_at(sim, members[m].port)->rate) < 1e-9 &&
                   relative(share->level, highest) < 1e-9;
    }
    if (!is_bounded) return weft__fail(sim, WEFT_EINTERNAL, "fluid: a flow could have more");
  }
  return WEFT_OK;
}
