/* Looking at zones: what is to be done with each, and how to go on with it.
 *
 * A zone that has changed is divided into what is connected, and looked up by its pattern or its
 * state; if that is not known, it is sampled until it is steady. That is done on credit: a part of
 * the events simulated or skipped, so that traffic that never becomes steady costs little more than
 * without. */
#include "accel/accel.h"
#include "accel/zone.h"
#include "transport/transport.h"

enum {
  CREDIT_OF_SKIPPED = 10, /* 1 / so much of the events skipped may go into looking at zones */
  CREDIT_OF_SIMULATED = 32, /* and of those simulated */
  CREDIT_FIRST = 1000000, /* before there are any: some 70 ms */
  CREDIT_LEFT = CREDIT_FIRST / 4, /* what looking at states leaves for patterns by classes */
  COST_LOOK_UP = 40, /* events' worth of dividing a zone and making its graph, per flow */
  COST_SAMPLE = 2,
  TRIFLE = 1 /* expected events per flow that are not worth looking at a state for */
};

/* ---- credit ---- */

void weft__credit_init(weft_sim *sim) {
  sim->accel_credit = CREDIT_FIRST;
}

int weft__afford(weft_sim *sim, int64_t cost) {
  /* Not what zones apart have done that others need not have taken so far yet. */
  const uint64_t hops = sim->stats.packet_hops - sim->skipped_hops - sim->apart_hops;
  const uint64_t all =
      hops / CREDIT_OF_SIMULATED + sim->acceleration.events_skipped / CREDIT_OF_SKIPPED;
  sim->accel_credit += (int64_t)(all - sim->credited);
  sim->credited = all;
  if (sim->accel_credit < cost) return 0;
  sim->accel_credit -= cost;
  return 1;
}

/* ---- what it is ---- */

/* By state: where no class says how it goes on. */
static int is_exact(const weft_sim *sim, uint32_t zone) {
  return sim->zones.at[zone].exact || weft__has_near_end(sim, zone);
}

/* Is an end so near that looking at the state of a zone costs more than simulating up to there? At
 * most the packets that are out there now come by a port in an empty round trip. */
static int is_trifle(const weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  const weft_time time = weft__tail_time(sim, zone) - sim->now;
  double hops = 0;
  FOR_MEMBERS(slot, sim, z) {
    hops += (double)sim->tx_warm.at[slot].packets_out * weft__flow_ports(sim, slot, WEFT_ACKS_ALL);
  }
  return hops * (double)time < (double)z->flows * TRIFLE * (double)base_rtt(sim);
}

/* Divide a zone into those that are connected; each becomes an entry of sim->partitions with its
 * conflict graph and, in `pattern`, its zone. 0 when out of memory. */
static int divide(weft_sim *sim, uint32_t zone) {
  const uint32_t flows = sim->zones.at[zone].flows;
  struct colouring colouring = {.acks = WEFT_ACKS_ALL,
                                .namespace = sim->memo_namespace,
                                .kept = 1,
                                .without_graph = !sim->config.memoize};
  weft__zone_settle(sim, zone, sim->now); /* queues are in the pattern */
  if (sim->config.memoize && sim->accel_credit > CREDIT_LEFT)
    colouring.noted = sim->zones.at[zone].exact ? 2 : is_exact(sim, zone);
  if (colouring.noted && !weft__exact_note(sim, zone)) return 0;
  if (!pool_reserve(sim, sim->accel_words, flows)) return 0;
  uint32_t n = 0;
  FOR_MEMBERS(slot, sim, &sim->zones.at[zone])
  sim->accel_words.at[n++] = (uint64_t)sim->tx.at[slot].row << 32 | slot;
  weft__sort_words(sim->accel_words.at, flows);
  if (!weft__partitions_among(sim, flows, &colouring)) return 0;
  sim->zones.at[zone].may_split = 0;
  for (uint32_t i = 0; i < sim->partitions.n; ++i) {
    const struct partition *p = &sim->partitions.at[i];
    const uint32_t home = i == 0 ? zone : weft__zone_new(sim);
    if (home == WEFT_NONE) return 0;
    sim->zones.at[home].disturbed = sim->zones.at[zone].disturbed;
    sim->zones.at[home].plain = sim->zones.at[zone].plain;
    zone_set_unarmed(sim, &sim->zones.at[home], sim->zones.at[zone].unarmed);
    sim->zones.at[home].exact = sim->zones.at[zone].exact;
    sim->partitions.at[i].pattern = home;
    for (uint32_t f = 0; i > 0 && f < p->flows; ++f)
      weft__zone_take(sim, sim->flows.at[sim->partition_flows.at[p->first_flow + f]].slot, home);
  }
  return 1;
}

/* ---- how to go on ---- */

/* No class says where it is: behind a record that ended before rates were steady, or near an end.
 */
static void look_by_state(weft_sim *sim, uint32_t zone, weft_time at) {
  struct zone *z = &sim->zones.at[zone];
  weft__steady_begin(sim, zone);
  z->looked_up = 0;
  z->exact = 1;
  z->look = at;
}

/* Go on with a live zone until it is looked at again: by itself, or among all others. */
static void live_on(weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  if (z->phase != ZONE_LIVE || sim->failed) return;
  if (z->look <= sim->now) { /* its flows have news, which tasks are to hear first */
    weft__zone_call(sim, zone, sim->now);
    return;
  }
  if (weft__apart_begin(sim, zone)) return;
  weft__zone_go_live(sim, zone);
  if (z->look < LATEST_PS) weft__zone_call(sim, zone, z->look);
}

/* Look at a zone when it is to be sampled, or its record closed, whichever comes first. One that
 * drains ends by itself, which will be a change. */
static void plan(weft_sim *sim, uint32_t zone, weft_time period) {
  struct zone *z = &sim->zones.at[zone];
  z->look = z->draining == 0 ? sim->now + period : LATEST_PS;
  if (z->record == 0) return;
  const weft_time close = weft__memo_close_time(sim, zone);
  if (close <= sim->now) {
    const int exact = weft__memo_is_exact(sim, zone);
    weft__memo_close(sim, zone, 0);
    look_by_state(sim, zone, sim->now + exact);
  } else if (close < z->look) {
    z->look = close;
  }
}

/* Go on with a zone about which nothing more is known. */
static void begin(weft_sim *sim, uint32_t zone) {
  sim->zones.at[zone].looked_up = 1;
  if (sim->zones.at[zone].draining == 0) weft__steady_sample(sim, zone);
  plan(sim, zone, sim->steady_period);
  live_on(sim, zone);
}

/* A zone that is connected, and whose graph is entry `index` if patterns are of interest. */
static void begin_transient(weft_sim *sim, uint32_t zone, uint32_t index) {
  struct zone *z = &sim->zones.at[zone];
  z->looked_up = 1;
  if (sim->config.memoize && (sim->partitions.at[index].exact || !is_exact(sim, zone)) &&
      !weft__memo_look_up(sim, zone, index) && !sim->partitions.at[index].exact) {
    look_by_state(sim, zone, sim->now);
    live_on(sim, zone);
    return;
  }
  if (sim->zones.at[zone].phase == ZONE_LIVE) begin(sim, zone);
}

/* Nothing is to be found out that would be of use: the next look comes soon. */
static int may_wait(weft_sim *sim, uint32_t zone) {
  return sim->config.memoize &&
         weft__afford(sim, (int64_t)sim->zones.at[zone].flows * COST_SAMPLE) &&
         is_exact(sim, zone) && is_trifle(sim, zone);
}

static void look_up(weft_sim *sim, uint32_t zone) {
  if (may_wait(sim, zone)) {
    begin(sim, zone);
    return;
  }
  if (!weft__afford(sim, (int64_t)sim->zones.at[zone].flows * COST_LOOK_UP)) {
    sim->zones.at[zone].look = sim->now + sim->steady_period;
    live_on(sim, zone);
    return;
  }
  if (!sim->config.memoize && !sim->zones.at[zone].may_split) {
    begin_transient(sim, zone, 0);
    return;
  }
  if (!divide(sim, zone)) {
    weft__no_memory(sim);
    return;
  }
  const uint32_t n = sim->partitions.n;
  for (uint32_t i = 0; i < n && !sim->failed; ++i)
    begin_transient(sim, sim->partitions.at[i].pattern, i);
}

static int is_short(const weft_sim *sim, uint32_t zone) {
  return weft__park_end(sim, zone) - sim->now < 2 * sim->steady_period;
}

static void end_transient(weft_sim *sim, uint32_t zone) {
  const int refusal = weft__park_refusal(sim, zone);
  if (refusal >= 0) {
    ++sim->acceleration.refused[refusal];
    weft__steady_begin(sim, zone);
    weft__memo_drop(sim, zone);
    sim->zones.at[zone].look = sim->now + sim->steady_period;
    return;
  }
  sim->zones.at[zone].disturbed = 0;
  const int too_short = sim->config.fast_forward && is_short(sim, zone);
  if (too_short) ++sim->acceleration.refused[WEFT_REFUSED_SHORT];
  if (too_short && weft__memo_is_exact(sim, zone)) { /* which goes on to the end that is near */
    weft__steady_begin(sim, zone);
    plan(sim, zone, sim->steady_period);
    return;
  }
  weft__memo_close(sim, zone, 1);
  if (!sim->config.fast_forward) return; /* nothing more to learn until it changes */
  if (too_short) {
    if (sim->config.memoize) look_by_state(sim, zone, sim->now);
    return;
  }
  weft__park(sim, zone, ZONE_STEADY);
}

static void sample(weft_sim *sim, uint32_t zone) {
  const struct zone *z = &sim->zones.at[zone];
  if (z->draining == 0 && weft__afford(sim, (int64_t)z->flows * COST_SAMPLE)) {
    if (weft__steady_sample(sim, zone) && weft__steady_test(sim, zone)) {
      end_transient(sim, zone);
      return;
    }
  }
  plan(sim, zone, weft__steady_wait(sim, zone));
}

/* ---- EV_ZONE ---- */

/* The end of what a parked zone was parked for. */
static void end_of_span(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  const int followed = z->phase == ZONE_FOLLOW, apart = z->phase == ZONE_APART;
  const int steady = z->phase != ZONE_MEMO || weft__memo_is_steady(sim, zone);
  /* Right behind an exact record a flow is through, or there is something to be found out. */
  const weft_time pause = !steady && weft__memo_is_exact(sim, zone);
  if (!apart) z->look = followed ? sim->now + sim->steady_period : LATEST_PS;
  weft__unpark(sim, zone, sim->now);
  z = &sim->zones.at[zone];
  if (z->phase == ZONE_FREE || followed || apart || !sim->config.memoize) return;
  if (sim->config.fast_forward || !steady) look_by_state(sim, zone, sim->now + pause);
}

void weft__zone_event(weft_sim *sim, uint32_t zone) {
  struct zone *z = &sim->zones.at[zone];
  --sim->zone_events;
  if (z->event != sim->now || z->phase == ZONE_FREE) {
    event_is_stale(sim);
    return;
  }
  z->event = -1;
  const weft_time follow_end = z->phase == ZONE_FOLLOW ? weft__follow_end(sim, zone) : -1;
  if (follow_end > sim->now) {
    weft__zone_ask(sim, zone, follow_end);
    return;
  }
  const int was_parked = z->phase != ZONE_LIVE;
  if (z->phase == ZONE_APART) weft__crew_advance(sim, sim->now - 1);
  if (was_parked) end_of_span(sim, zone);
  z = &sim->zones.at[zone];
  if (z->phase != ZONE_LIVE) return;
  const int has_news = was_parked && sim->late_news.n > 0;
  if (z->look > sim->now || has_news) {
    live_on(sim, zone);
    return;
  }
  z->look = LATEST_PS;
  if (!z->looked_up || z->may_split) {
    look_up(sim, zone);
    return;
  }
  sample(sim, zone);
  live_on(sim, zone);
}
