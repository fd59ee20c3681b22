/* Looking at partitions: what is to be done with each, and how to go on with it.
 *
 * A partition that has changed is divided into what is connected, and looked up by its pattern or
 * its state; if that is not known, it is sampled until it is steady. That is done on credit: a part
 * of the events simulated or skipped, so that traffic that never becomes steady costs little more
 * than without. */
#include "packet/accel/contention/contention.h"
#include "packet/accel/partition.h"
#include "packet/transport/transport.h"

enum {
  CREDIT_OF_SKIPPED = 10, /* 1 / so much of the events skipped may go into looking at partitions */
  CREDIT_OF_SIMULATED = 32, /* and of those simulated */
  CREDIT_FIRST = 1000000, /* before there are any: some 70 ms */
  CREDIT_LEFT = CREDIT_FIRST / 4, /* what looking at states leaves for patterns by classes */
  COST_LOOK_UP = 40, /* events' worth of dividing a partition and making its graph, per flow */
  COST_SAMPLE = 2,
  TRIFLE = 1 /* expected events per flow that are not worth looking at a state for */
};

/* ---- credit ---- */

void weft__credit_init(weft_sim *sim) {
  sim->accel.credit = CREDIT_FIRST;
}

int weft__afford(weft_sim *sim, int64_t cost) {
  /* Not what partitions apart have done that others need not have taken so far yet. */
  const uint64_t hops = sim->stats.packet_hops - sim->accel.skipped_hops - sim->accel.apart_hops;
  const uint64_t all =
      hops / CREDIT_OF_SIMULATED + sim->accel.totals.events_skipped / CREDIT_OF_SKIPPED;
  sim->accel.credit += (int64_t)(all - sim->accel.credited);
  sim->accel.credited = all;
  if (sim->accel.credit < cost) return 0;
  sim->accel.credit -= cost;
  return 1;
}

/* ---- what it is ---- */

/* By state: where no class says how it goes on. */
static int is_exact(const weft_sim *sim, uint32_t partition) {
  return sim->accel.partitions.at[partition].exact || weft__has_near_end(sim, partition);
}

/* Is an end so near that looking at the state of a partition costs more than simulating up to
 * there? At most the packets that are out there now come by a port in an empty round trip. */
static int is_trifle(const weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  const weft_time time = weft__tail_time(sim, partition) - sim->now;
  double hops = 0;
  FOR_MEMBERS(slot, sim, z) {
    hops += (double)sim->packet.tx_warm.at[slot].packets_out *
            weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  }
  return hops * (double)time < (double)z->flows * TRIFLE * (double)base_rtt(sim);
}

/* Divide a partition into those that are connected; each becomes an entry of sim->accel.conflicts
 * with its conflict graph and, in `pattern`, its partition. 0 when out of memory. */
static int divide(weft_sim *sim, uint32_t partition) {
  const uint32_t flows = sim->accel.partitions.at[partition].flows;
  struct colouring colouring = {.acks = WEFT_ACKS_ALL,
                                .namespace = sim->accel.memo_namespace,
                                .kept = 1,
                                .without_graph = !sim->config.memoize};
  weft__partition_settle(sim, partition, sim->now); /* queues are in the pattern */
  if (sim->config.memoize && sim->accel.credit > CREDIT_LEFT)
    colouring.noted = sim->accel.partitions.at[partition].exact ? 2 : is_exact(sim, partition);
  if (colouring.noted && !weft__exact_note(sim, partition)) return 0;
  if (!pool_reserve(sim, sim->accel.words, flows)) return 0;
  uint32_t n = 0;
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  sim->accel.words.at[n++] = (uint64_t)sim->packet.tx.at[slot].row << 32 | slot;
  weft__sort_words(sim->accel.words.at, flows);
  if (!weft__conflicts_among(sim, flows, &colouring)) return 0;
  sim->accel.partitions.at[partition].may_split = 0;
  for (uint32_t i = 0; i < sim->accel.conflicts.n; ++i) {
    const struct conflict *p = &sim->accel.conflicts.at[i];
    const uint32_t home = i == 0 ? partition : weft__partition_new(sim);
    if (home == WEFT_NONE) return 0;
    sim->accel.partitions.at[home].disturbed = sim->accel.partitions.at[partition].disturbed;
    sim->accel.partitions.at[home].plain = sim->accel.partitions.at[partition].plain;
    partition_set_unarmed(sim, &sim->accel.partitions.at[home],
                          sim->accel.partitions.at[partition].unarmed);
    sim->accel.partitions.at[home].exact = sim->accel.partitions.at[partition].exact;
    sim->accel.conflicts.at[i].pattern = home;
    for (uint32_t f = 0; i > 0 && f < p->flows; ++f)
      weft__partition_take(
          sim, sim->flow.rows.at[sim->accel.conflict_flows.at[p->first_flow + f]].slot, home);
  }
  return 1;
}

/* ---- how to go on ---- */

/* No class says where it is: behind a record that ended before rates were steady, or near an end.
 */
static void look_by_state(weft_sim *sim, uint32_t partition, weft_time at) {
  struct partition *z = &sim->accel.partitions.at[partition];
  weft__steady_begin(sim, partition);
  z->looked_up = 0;
  z->exact = 1;
  z->look = at;
}

/* Go on with a live partition until it is looked at again: by itself, or among all others. */
static void live_on(weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  if (z->phase != PARTITION_LIVE || sim->failed) return;
  if (z->look <= sim->now) { /* its flows have news, which tasks are to hear first */
    weft__partition_call(sim, partition, sim->now);
    return;
  }
  if (weft__apart_begin(sim, partition)) return;
  weft__partition_go_live(sim, partition);
  if (z->look < LATEST_PS) weft__partition_call(sim, partition, z->look);
}

/* Look at a partition when it is to be sampled, or its record closed, whichever comes first. One
 * that drains ends by itself, which will be a change. */
static void plan(weft_sim *sim, uint32_t partition, weft_time period) {
  struct partition *z = &sim->accel.partitions.at[partition];
  z->look = z->draining == 0 ? sim->now + period : LATEST_PS;
  if (z->record == 0) return;
  const weft_time close = weft__memo_close_time(sim, partition);
  if (close <= sim->now) {
    const int exact = weft__memo_is_exact(sim, partition);
    weft__memo_close(sim, partition, 0);
    look_by_state(sim, partition, sim->now + exact);
  } else if (close < z->look) {
    z->look = close;
  }
}

/* Go on with a partition about which nothing more is known. */
static void begin(weft_sim *sim, uint32_t partition) {
  sim->accel.partitions.at[partition].looked_up = 1;
  if (sim->accel.partitions.at[partition].draining == 0) weft__steady_sample(sim, partition);
  plan(sim, partition, sim->accel.steady_period);
  live_on(sim, partition);
}

/* A partition that is connected, and whose graph is entry `index` if patterns are of interest. */
static void begin_transient(weft_sim *sim, uint32_t partition, uint32_t index) {
  struct partition *z = &sim->accel.partitions.at[partition];
  z->looked_up = 1;
  if (sim->config.memoize && (sim->accel.conflicts.at[index].exact || !is_exact(sim, partition)) &&
      !weft__memo_look_up(sim, partition, index) && !sim->accel.conflicts.at[index].exact) {
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
  if (!divide(sim, partition)) {
    weft__no_memory(sim);
    return;
  }
  const uint32_t n = sim->accel.conflicts.n;
  for (uint32_t i = 0; i < n && !sim->failed; ++i)
    begin_transient(sim, sim->accel.conflicts.at[i].pattern, i);
}

static int is_short(const weft_sim *sim, uint32_t partition) {
  return weft__park_end(sim, partition) - sim->now < 2 * sim->accel.steady_period;
}

static void end_transient(weft_sim *sim, uint32_t partition) {
  const int refusal = weft__park_refusal(sim, partition);
  if (refusal >= 0) {
    ++sim->accel.totals.refused[refusal];
    weft__steady_begin(sim, partition);
    weft__memo_drop(sim, partition);
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
  weft__memo_close(sim, partition, 1);
  if (!sim->config.fast_forward) return; /* nothing more to learn until it changes */
  if (too_short) {
    if (sim->config.memoize) look_by_state(sim, partition, sim->now);
    return;
  }
  weft__park(sim, partition, PARTITION_STEADY);
}

static void sample(weft_sim *sim, uint32_t partition) {
  const struct partition *z = &sim->accel.partitions.at[partition];
  if (z->draining == 0 && weft__afford(sim, (int64_t)z->flows * COST_SAMPLE)) {
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
  struct partition *z = &sim->accel.partitions.at[partition];
  const int followed = z->phase == PARTITION_FOLLOW, apart = z->phase == PARTITION_APART;
  const int steady = z->phase != PARTITION_MEMO || weft__memo_is_steady(sim, partition);
  /* Right behind an exact record a flow is through, or there is something to be found out. */
  const weft_time pause = !steady && weft__memo_is_exact(sim, partition);
  if (!apart) z->look = followed ? sim->now + sim->accel.steady_period : LATEST_PS;
  weft__unpark(sim, partition, sim->now);
  z = &sim->accel.partitions.at[partition];
  if (z->phase == PARTITION_FREE || followed || apart || !sim->config.memoize) return;
  if (sim->config.fast_forward || !steady) look_by_state(sim, partition, sim->now + pause);
}

void weft__partition_event(weft_sim *sim, uint32_t partition) {
  struct partition *z = &sim->accel.partitions.at[partition];
  --sim->accel.events;
  if (z->event != sim->now || z->phase == PARTITION_FREE) {
    event_is_stale(sim);
    return;
  }
  z->event = -1;
  const weft_time follow_end = z->phase == PARTITION_FOLLOW ? weft__follow_end(sim, partition) : -1;
  if (follow_end > sim->now) {
    weft__partition_ask(sim, partition, follow_end);
    return;
  }
  const int was_parked = z->phase != PARTITION_LIVE;
  if (z->phase == PARTITION_APART) weft__crew_advance(sim, sim->now - 1);
  if (was_parked) end_of_span(sim, partition);
  z = &sim->accel.partitions.at[partition];
  if (z->phase != PARTITION_LIVE) return;
  const int has_news = was_parked && sim->flow.news.n > 0;
  if (z->look > sim->now || has_news) {
    live_on(sim, partition);
    return;
  }
  z->look = LATEST_PS;
  if (!z->looked_up || z->may_split) {
    look_up(sim, partition);
    return;
  }
  sample(sim, partition);
  live_on(sim, partition);
}
