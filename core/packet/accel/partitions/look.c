/* Looking at partitions: what is to be done with each, and how to go on with it.
 *
 * A partition that has changed is divided into what is connected, and looked up by its pattern or
 * its state; if that is not known, it is sampled until it is steady. That is done on credit: a part
 * of the events simulated or skipped, so that traffic that never becomes steady costs little more
 * than without. */
#include "base/sort.h"
#include "packet/accel/contention/contention.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/transport/transport.h"

enum {
  COST_LOOK_UP = 40, /* events' worth of dividing a partition and making its graph, per flow */
  COST_SAMPLE = 2,
  TRIFLE = 1 /* expected events per flow that are not worth looking at a state for */
};

/* ---- what it is ---- */

/* By state: where no class says how it goes on. */
static int is_exact(const weft_sim *sim, uint32_t partition) {
  return sim->accel.partitions.at[partition].exact || weft__has_near_end(sim, partition);
}

/* Is an end so near that looking at the state of a partition costs more than simulating up to
 * there? At most the packets that are out there now come by a port in an empty round trip. */
static int is_trifle(const weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  const weft_time time = weft__tail_time(sim, partition) - sim->now;
  double hops = 0;
  FOR_MEMBERS(slot, sim, p) {
    hops += (double)sim->packet.tx_warm.at[slot].packets_out *
            weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  }
  return hops * (double)time < (double)p->flows * TRIFLE * (double)base_rtt(sim);
}

/* Which of its flows are to be looked up by their state: none, those of a part in which one is
 * near its end, all. */
enum by_state { BY_CLASS, WHERE_AN_END_IS_NEAR, BY_STATE };

static enum by_state how_to_look_up(const weft_sim *sim, uint32_t partition) {
  if (!sim->config.memoize || !weft__credit_is_ample(sim)) return BY_CLASS;
  if (sim->accel.partitions.at[partition].exact) return BY_STATE;
  return is_exact(sim, partition) ? WHERE_AN_END_IS_NEAR : BY_CLASS;
}

static uint32_t slot_of(const weft_sim *sim, const struct conflict *conflict, uint32_t flow) {
  return sim->flow.rows.at[sim->accel.divided.flows.at[conflict->first_flow + flow]].slot;
}

static int is_near_an_end(const weft_sim *sim, const struct conflict *conflict) {
  for (uint32_t f = 0; f < conflict->flows; ++f)
    if (weft__is_near_end(sim, slot_of(sim, conflict, f))) return 1;
  return 0;
}

/* Find what is connected in a partition, as conflicts in sim->accel.divided, with their graphs if
 * patterns are of interest. 0 when out of memory. */
static int find_parts(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  struct conflict_set *set = &sim->accel.divided;
  struct colouring colouring = {
      .acks = WEFT_ACKS_ALL, .namespace = sim->accel.memo_namespace, .kept = 1};
  weft__partition_settle(sim, partition, sim->now); /* queues are in the pattern */
  const enum by_state how = how_to_look_up(sim, partition);
  if (sim->config.memoize && !weft__exact_note(sim, partition)) return 0;
  uint64_t *flows = weft__arena_take(sim, &sim->arena, p->flows * sizeof *flows);
  if (flows == NULL) return 0;
  uint32_t n = 0;
  FOR_MEMBERS(slot, sim, p) flows[n++] = (uint64_t)sim->packet.tx.at[slot].row << 32 | slot;
  weft__sort_words(flows, n);
  if (!weft__conflicts_find(sim, set, flows, n, colouring.acks)) return 0;
  for (uint32_t i = 0; sim->config.memoize && i < set->conflicts.n; ++i) {
    const struct conflict *conflict = &set->conflicts.at[i];
    colouring.by_state = how == BY_STATE || (how != BY_CLASS && is_near_an_end(sim, conflict));
    if (!weft__graph_build(sim, set, i, &colouring)) return 0;
  }
  return 1;
}

/* Make a partition of each part; the first stays what it is. WEFT_NONE when out of memory. */
static uint32_t home_of(weft_sim *sim, uint32_t partition, uint32_t part) {
  const struct conflict *conflict = &sim->accel.divided.conflicts.at[part];
  if (part == 0) return partition;
  const uint32_t home = weft__partition_new(sim);
  if (home == WEFT_NONE) return WEFT_NONE;
  const struct partition *p = &sim->accel.partitions.at[partition];
  struct partition *to = &sim->accel.partitions.at[home];
  to->disturbed = p->disturbed;
  to->plain = p->plain;
  to->exact = p->exact;
  weft__partition_set_unarmed(sim, to, p->unarmed);
  for (uint32_t f = 0; f < conflict->flows; ++f)
    weft__partition_take(sim, slot_of(sim, conflict, f), home);
  return home;
}

/* Divide a partition into those that are connected: `homes` of the conflicts that it has become in
 * sim->accel.divided. NULL when out of memory. */
static uint32_t *divide(weft_sim *sim, uint32_t partition) {
  if (!find_parts(sim, partition)) return NULL;
  const uint32_t n = sim->accel.divided.conflicts.n;
  uint32_t *homes = weft__arena_take(sim, &sim->arena, n * sizeof *homes);
  sim->accel.partitions.at[partition].may_split = 0;
  for (uint32_t i = 0; homes != NULL && i < n; ++i) {
    homes[i] = home_of(sim, partition, i);
    if (homes[i] == WEFT_NONE) return NULL;
  }
  return homes;
}

/* ---- how to go on ---- */

/* No class says where it is: behind a record that ended before rates were steady, or near an end.
 */
static void look_by_state(weft_sim *sim, uint32_t partition, weft_time at) {
  struct partition *p = &sim->accel.partitions.at[partition];
  weft__steady_begin(sim, partition);
  p->looked_up = 0;
  p->exact = 1;
  p->look = at;
}

/* Go on with a live partition until it is looked at again: by itself, or among all others. */
static void live_on(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  if (p->phase != PARTITION_LIVE || sim->failed) return;
  if (p->look <= sim->now) { /* its flows have news, which tasks are to hear first */
    weft__partition_call(sim, partition, sim->now);
    return;
  }
  if (weft__apart_begin(sim, partition)) return;
  weft__partition_go_live(sim, partition);
  if (p->look < LATEST_PS) weft__partition_call(sim, partition, p->look);
}

/* Look at a partition when it is to be sampled, or its record closed, whichever comes first. One
 * that drains ends by itself, which will be a change. */
static void plan(weft_sim *sim, uint32_t partition, weft_time period) {
  struct partition *p = &sim->accel.partitions.at[partition];
  p->look = p->draining == 0 ? sim->now + period : LATEST_PS;
  if (p->record == 0) return;
  const weft_time close = weft__memo_close_time(sim, partition);
  if (close <= sim->now) {
    const int exact = weft__memo_is_exact(sim, partition);
    weft__known_close(sim, partition, 0);
    look_by_state(sim, partition, sim->now + exact);
  } else if (close < p->look) {
    p->look = close;
  }
}

/* Go on with a partition about which nothing more is known. */
static void begin(weft_sim *sim, uint32_t partition) {
  sim->accel.partitions.at[partition].looked_up = 1;
  if (sim->accel.partitions.at[partition].draining == 0) weft__steady_sample(sim, partition);
  plan(sim, partition, weft__steady_first_wait(sim, partition));
  live_on(sim, partition);
}

/* A partition that is connected, and whose graph is entry `index` if patterns are of interest. */
static void begin_transient(weft_sim *sim, uint32_t partition, uint32_t index) {
  struct partition *p = &sim->accel.partitions.at[partition];
  p->looked_up = 1;
  if (sim->config.memoize &&
      (sim->accel.divided.conflicts.at[index].exact || !is_exact(sim, partition)) &&
      !weft__known_look_up(sim, partition, index) &&
      !sim->accel.divided.conflicts.at[index].exact) {
    look_by_state(sim, partition, sim->now);
    live_on(sim, partition);
    return;
  }
  if (sim->accel.partitions.at[partition].phase == PARTITION_LIVE) begin(sim, partition);
}

/* Nothing is to be found out that would be of use: the next look comes soon. */
static int may_wait(weft_sim *sim, uint32_t partition) {
  return sim->config.memoize &&
         weft__afford(sim, (int64_t)sim->accel.partitions.at[partition].flows * COST_SAMPLE) &&
         is_exact(sim, partition) && is_trifle(sim, partition);
}

static void look_up(weft_sim *sim, uint32_t partition) {
  if (may_wait(sim, partition)) {
    begin(sim, partition);
    return;
  }
  if (!weft__afford(sim, (int64_t)sim->accel.partitions.at[partition].flows * COST_LOOK_UP)) {
    sim->accel.partitions.at[partition].look = sim->now + sim->accel.steady_period;
    live_on(sim, partition);
    return;
  }
  if (!sim->config.memoize && !sim->accel.partitions.at[partition].may_split) {
    begin_transient(sim, partition, 0);
    return;
  }
  const size_t mark = weft__arena_mark(&sim->arena);
  const uint32_t *homes = divide(sim, partition), n = sim->accel.divided.conflicts.n;
  if (homes == NULL) weft__no_memory(sim);
  for (uint32_t i = 0; i < n && !sim->failed; ++i) begin_transient(sim, homes[i], i);
  weft__arena_reset(sim, &sim->arena, mark);
}

static int is_short(const weft_sim *sim, uint32_t partition) {
  return weft__park_end(sim, partition) - sim->now < 2 * sim->accel.steady_period;
}

static void end_transient(weft_sim *sim, uint32_t partition) {
  const int refusal = weft__park_refusal(sim, partition);
  if (refusal >= 0) {
    ++sim->accel.totals.refused[refusal];
    weft__steady_begin(sim, partition);
    weft__known_drop(sim, partition);
    sim->accel.partitions.at[partition].look = sim->now + sim->accel.steady_period;
    return;
  }
  sim->accel.partitions.at[partition].disturbed = 0;
  const int too_short = sim->config.fast_forward && is_short(sim, partition);
  if (too_short) ++sim->accel.totals.refused[WEFT_REFUSED_SHORT];
  if (too_short &&
      weft__memo_is_exact(sim, partition)) { /* which goes on to the end that is near */
    weft__steady_begin(sim, partition);
    plan(sim, partition, sim->accel.steady_period);
    return;
  }
  weft__known_close(sim, partition, 1);
  if (!sim->config.fast_forward) return; /* nothing more to learn until it changes */
  if (too_short) {
    if (sim->config.memoize) look_by_state(sim, partition, sim->now);
    return;
  }
  weft__park(sim, partition, PARTITION_STEADY);
}

static void sample(weft_sim *sim, uint32_t partition) {
  const struct partition *p = &sim->accel.partitions.at[partition];
  if (p->draining == 0 && weft__afford(sim, (int64_t)p->flows * COST_SAMPLE)) {
    if (weft__steady_sample(sim, partition) && weft__steady_test(sim, partition)) {
      end_transient(sim, partition);
      return;
    }
  }
  plan(sim, partition, weft__steady_wait(sim, partition));
}

/* ---- EV_PARTITION ---- */

/* The end of what a parked partition was parked for. */
static void end_of_span(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  const int followed = p->phase == PARTITION_FOLLOW, apart = p->phase == PARTITION_APART;
  const int steady = p->phase != PARTITION_MEMO || weft__memo_is_steady(sim, partition);
  /* Right behind an exact record a flow is through, or there is something to be found out. */
  const weft_time pause = !steady && weft__memo_is_exact(sim, partition);
  if (!apart) p->look = followed ? sim->now + sim->accel.steady_period : LATEST_PS;
  weft__partition_let_go(sim, partition, sim->now);
  p = &sim->accel.partitions.at[partition];
  if (p->phase == PARTITION_FREE || followed || apart || !sim->config.memoize) return;
  if (sim->config.fast_forward || !steady) look_by_state(sim, partition, sim->now + pause);
}

void weft__partition_event(weft_sim *sim, uint32_t partition) {
  struct partition *p = &sim->accel.partitions.at[partition];
  --sim->accel.events;
  if (p->event != sim->now || p->phase == PARTITION_FREE) {
    event_is_stale(sim);
    return;
  }
  p->event = -1;
  const weft_time follow_end =
      p->phase == PARTITION_FOLLOW ? weft__known_follow_end(sim, partition) : -1;
  if (follow_end > sim->now) {
    weft__partition_ask(sim, partition, follow_end);
    return;
  }
  const int was_parked = p->phase != PARTITION_LIVE;
  if (p->phase == PARTITION_APART) weft__crew_advance(sim, sim->now - 1);
  if (was_parked) end_of_span(sim, partition);
  p = &sim->accel.partitions.at[partition];
  if (p->phase != PARTITION_LIVE) return;
  const int has_news = was_parked && sim->flow.news.n > 0;
  if (p->look > sim->now || has_news) {
    live_on(sim, partition);
    return;
  }
  p->look = LATEST_PS;
  if (!p->looked_up || p->may_split) {
    look_up(sim, partition);
    return;
  }
  sample(sim, partition);
  live_on(sim, partition);
}
