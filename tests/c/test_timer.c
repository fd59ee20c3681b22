/* The retransmission timer: never where nothing was lost, always where something was; and flows
 * that wait for a way. WEFT_FUZZ_FIRST and WEFT_FUZZ_COUNT choose other random scenes than the
 * first few. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "packet/transport/transport.h"
#include "sim_i.h"

enum { MS = 1000 };

typedef struct dice {
  uint64_t key, n;
} dice;

static uint32_t roll(dice *d, uint32_t sides) {
  uint32_t side = (uint32_t)(uniform(d->key, d->n++) * sides);
  return side < sides ? side : sides - 1;
}

static uint64_t number_from(const char *variable, uint64_t otherwise) {
  const char *text = getenv(variable);
  return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Between two numbers, evenly on a logarithmic scale. */
static double spread(dice *d, double from, double to) {
  return from * pow(to / from, uniform(d->key, d->n++));
}

/* ---- nothing is lost ---- */

static void ensure_once(weft_sim *sim, uint64_t key) {
  run_to_end(sim);
  const weft_stats s = stats_of(sim);
  if (s.retransmits + s.timeouts + s.packets_dropped > 0 || s.flows_done != s.flows_added)
    test_fail(__FILE__, __LINE__,
              "scene %" PRIu64 ": %" PRIu64 " sent again, %" PRIu64 " timeouts, %" PRIu64
              " dropped, %" PRIu64 " of %" PRIu64 " flows",
              key, s.retransmits, s.timeouts, s.packets_dropped, s.flows_done, s.flows_added);
}

/* Without a window below the path's, it takes its ideal time to the picosecond. */
TEST(a_lone_flow_sends_nothing_twice_at_any_rate_and_distance) {
  const uint64_t first = number_from("WEFT_FUZZ_FIRST", 0);
  for (uint64_t key = first; key < first + number_from("WEFT_FUZZ_COUNT", 40); key++) {
    dice d = {key, 0};
    weft_config config = quiet_config();
    config.seed = key;
    config.rto_ps = roll(&d, 4) ? WEFT_RTO_ADAPTIVE : WEFT_RTO_RFC6298;
    config.recovery = 1 + roll(&d, 2);
    config.buffer_bytes = 1000000000000;
    config.min_rate_bps = 1000000;
    weft_sim *sim =
        star(&config, 2, (uint64_t)spread(&d, 1e7, 3.2e12), (weft_time)spread(&d, US, 1e5 * US));
    add_flow(sim, 0, 1, (uint64_t)spread(&d, 1, 3e6), 0);
    ensure_once(sim, key);
    ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "fct_ps", 0), cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", 0));
    weft_sim_destroy(sim);
  }
}

/* Leaves with hosts, all linked to one spine, up to 32 to 1. */
static weft_sim *tree(const weft_config *config, dice *d, uint32_t leaves, uint32_t hosts) {
  const uint64_t rates[] = {10, 25, 100, 400};
  const uint64_t rate = rates[roll(d, 4)] * (uint64_t)GBPS;
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i < leaves * hosts; i++) add_node(sim, WEFT_HOST);
  for (uint32_t i = 0; i <= leaves; i++) add_node(sim, WEFT_SWITCH);
  const uint32_t spine = leaves * hosts + leaves, over = 1u << roll(d, 6);
  const weft_time delay = (weft_time)spread(d, 100000, 20 * US);
  for (uint32_t i = 0; i < leaves * hosts; i++)
    add_link(sim, i, leaves * hosts + i / hosts, rate, delay);
  for (uint32_t i = 0; i < leaves; i++)
    add_link(sim, leaves * hosts + i, spine, rate * hosts / over, delay);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

static void add_incast(weft_sim *sim, dice *d, uint32_t hosts) {
  const uint32_t dst = roll(d, hosts);
  for (uint32_t i = 0; i < hosts; i++)
    for (uint32_t k = 1 + roll(d, 3); i != dst && k > 0; k--)
      add_flow(sim, i, dst, (uint64_t)spread(d, 1000, 200000), roll(d, 10 * US));
}

static void add_all_to_all(weft_sim *sim, dice *d, uint32_t hosts) {
  const uint64_t size = (uint64_t)spread(d, 1000, 40000);
  for (uint32_t i = 0; i < hosts; i++)
    for (uint32_t k = 0; k < hosts; k++)
      if (i != k) add_flow(sim, i, k, size, 0);
}

TEST(lossless_fabrics_never_send_a_packet_twice) {
  const uint64_t first = number_from("WEFT_FUZZ_FIRST", 0);
  uint64_t put_off = 0;
  for (uint64_t key = first; key < first + number_from("WEFT_FUZZ_COUNT", 60); key++) {
    dice d = {key, 0};
    weft_config config = weft_config_default();
    config.seed = key;
    config.cc = (uint32_t)(key % WEFT_CC_SCRIPT);
    config.threads = 1 + roll(&d, 3);
    config.recovery = 1 + roll(&d, 2);
    config.memoize = roll(&d, 4) == 0;
    config.fast_forward = roll(&d, 4) == 0;
    const uint32_t leaves = 2 + roll(&d, 3), hosts = 2 + roll(&d, 7);
    weft_sim *sim = tree(&config, &d, leaves, hosts);
    if (roll(&d, 2))
      add_incast(sim, &d, leaves * hosts);
    else
      add_all_to_all(sim, &d, leaves * hosts);
    ensure_once(sim, key);
    put_off += stats_of(sim).timeouts_put_off;
    weft_sim_destroy(sim);
  }
  ENSURE(put_off > 0);
}

/* 1000 flows of 10 packets of 1048 B on one NIC of 10 Mbit/s: packet k leaves at k x 838.4 us, and
 * is at the far end two hops later; a flow's turn comes every 838 ms. Whoever measures time. */
TEST(a_flow_that_waits_for_its_own_nic_does_not_time_out) {
  const weft_time laws[] = {WEFT_RTO_ADAPTIVE, WEFT_RTO_RFC6298, 5 * (weft_time)MS * US};
  for (int i = 0; i < 3; i++)
    for (uint32_t recovery = 1; recovery < WEFT_RECOVERY_COUNT; recovery++) {
      weft_config config = quiet_config();
      config.rto_ps = laws[i];
      config.recovery = recovery;
      config.min_rate_bps = 1000000;
      weft_sim *sim = star(&config, 3, 10000000, US);
      for (uint32_t f = 0; f < 1000; f++) add_flow(sim, 0, 1, 10000, 0);
      ensure_once(sim, 0);
      ENSURE_EQ(stats_of(sim).timeouts_put_off, 0);
      const weft_time last = 10001 * (weft_time)838400000 + 2 * US;
      int64_t latest = 0;
      for (uint64_t row = 0; row < 1000; row++) {
        const int64_t at = cell(sim, WEFT_TABLE_FLOWS, "received_ps", row);
        if (at > latest) latest = at;
      }
      ENSURE_EQ(latest, last);
      weft_sim_destroy(sim);
    }
}

/* A host that is paused for 20 ms stops 4 flows, which is 60 timeouts of a real sender. */
TEST(a_pause_puts_timers_off_and_a_real_sender_sends_again) {
  for (int real = 0; real < 2; real++) {
    weft_config config = quiet_config();
    config.rto_ps = real ? WEFT_RTO_RFC6298 : WEFT_RTO_ADAPTIVE;
    weft_sim *sim = star(&config, 6, 100 * (uint64_t)GBPS, US);
    for (uint32_t i = 0; i < 4; i++) add_flow(sim, i, 5, 2000000, 0);
    const weft_storm storm = {
        .at_ps = 50 * (weft_time)US, .port = 2 * 5 + 1, .duration_ps = 20 * (weft_time)MS * US};
    MUST(sim, weft_storm_add(sim, &storm));
    run_to_end(sim);
    const weft_stats s = stats_of(sim);
    ENSURE_EQ(s.flows_done, 4);
    ENSURE_EQ(s.timeouts_put_off, real ? 0 : 4);
    ENSURE_EQ(s.retransmits > 0, real);
    ENSURE_EQ(s.retransmits_spurious, s.retransmits);
    weft_sim_destroy(sim);
  }
}

/* ACKs of what was sent before a timeout look like those of what was sent after it. In a pause of
 * 14 ms there are 3 timeouts: 1, 2 and 4 ms, the latter two with up to a half more, are 7 to 10;
 * the next would come after 15. Then it is 8 to 12 until one packet that was sent once is
 * acknowledged. */
TEST(a_doubled_timeout_is_kept_until_a_round_trip_is_measured) {
  for (int adaptive = 0; adaptive < 2; adaptive++) {
    const weft_time ms = (weft_time)MS * US;
    weft_config config = quiet_config();
    config.rto_ps = adaptive ? WEFT_RTO_ADAPTIVE : ms;
    weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
    add_flow(sim, 0, 1, 2000000, 0);
    const weft_storm storm = {.at_ps = 50 * (weft_time)US, .port = 3, .duration_ps = 14 * ms};
    MUST(sim, weft_storm_add(sim, &storm));
    MUST(sim, weft_run(sim, storm.at_ps + storm.duration_ps, 0));
    const struct tx *tx = &sim->packet.tx.at[0];
    const struct tx_warm *warm = &sim->packet.tx_warm.at[0];
    const uint32_t una = tx->una, sent = warm->highest, backoff = adaptive ? 0 : 3;
    ENSURE_EQ(stats_of(sim).timeouts, backoff);
    ENSURE_EQ(warm->retries, backoff);
    uint32_t steps = 0;
    for (; tx->una <= sent; MUST(sim, weft_run(sim, sim->now + 100000, 0))) {
      ENSURE_EQ(warm->backoff, tx->una > una ? backoff : 0);
      if (tx->una == una) continue;
      steps++;
      ENSURE_EQ(warm->retries, 0);
      const weft_time runs = weft__rto_deadline(sim, 0) - warm->progress_at;
      if (!adaptive) ENSURE(runs >= 8 * ms && runs < 12 * ms);
    }
    ENSURE(steps > 10);
    ENSURE_EQ(warm->backoff, 0);
    if (!adaptive) ENSURE_EQ(weft__rto_deadline(sim, 0) - warm->progress_at, ms);
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).timeouts, backoff);
    ENSURE_EQ(stats_of(sim).flows_done, 1);
    weft_sim_destroy(sim);
  }
}

/* ---- something is lost ---- */

static weft_sim *lossy_scene(uint64_t key, uint32_t recovery, uint32_t threads) {
  dice d = {key, 0};
  weft_config config = weft_config_default();
  config.seed = key;
  config.cc = (uint32_t)(key % WEFT_CC_SCRIPT);
  config.recovery = recovery;
  config.threads = threads;
  config.rto_ps = roll(&d, 3) ? WEFT_RTO_ADAPTIVE : WEFT_RTO_RFC6298;
  config.pfc = 0;
  config.buffer_bytes = 60000 + roll(&d, 400000);
  const uint32_t leaves = 2 + roll(&d, 3), hosts = 2 + roll(&d, 4);
  weft_sim *sim = tree(&config, &d, leaves, hosts);
  sim->domains.always_split = 1;
  if (roll(&d, 2))
    add_incast(sim, &d, leaves * hosts);
  else
    add_all_to_all(sim, &d, leaves * hosts);
  for (uint32_t i = roll(&d, 4); i > 0; i--) {
    const weft_link_change lossy = {.at_ps = roll(&d, 100) * (weft_time)US,
                                    .factor = -1,
                                    .link = roll(&d, weft_link_count(sim)),
                                    .loss = spread(&d, 1e-4, 0.3)};
    MUST(sim, weft_link_schedule(sim, &lossy));
  }
  for (uint32_t i = roll(&d, 3); i > 0; i--) {
    weft_link_change flap = {.link = roll(&d, weft_link_count(sim)),
                             .loss = -1,
                             .detect_ps = roll(&d, 2) * (weft_time)spread(&d, US, MS * US)};
    const weft_time period = (weft_time)spread(&d, 50 * US, 2e9);
    for (uint32_t k = 0; k < 40; k++) {
      flap.at_ps = (20 * (weft_time)US + period * k) / 2;
      flap.factor = k % 2;
      MUST(sim, weft_link_schedule(sim, &flap));
    }
  }
  const weft_link_impairment burst = {.link = roll(&d, weft_link_count(sim)),
                                      .delay_ps = -1,
                                      .enter = 0.01,
                                      .leave = 0.3,
                                      .loss_bad = 1};
  if (roll(&d, 3) == 0) MUST(sim, weft_link_impair(sim, &burst));
  return sim;
}

TEST(every_loss_is_made_up_for_on_any_number_of_threads) {
  const uint64_t first = number_from("WEFT_FUZZ_FIRST", 0);
  for (uint64_t key = first; key < first + number_from("WEFT_FUZZ_COUNT", 40); key++)
    for (uint32_t recovery = 1; recovery < WEFT_RECOVERY_COUNT; recovery++) {
      weft_stats all[3];
      for (uint32_t threads = 1; threads <= 3; threads++) {
        weft_sim *sim = lossy_scene(key, recovery, threads);
        run_to_end(sim);
        MUST(sim, weft_check(sim));
        weft_stats *s = &all[threads - 1];
        *s = stats_of(sim);
        s->events = s->memory_bytes = 0;
        if (s->flows_done != s->flows_added || s->flows_failed > 0 || s->packets_in_flight > 0)
          test_fail(__FILE__, __LINE__,
                    "scene %" PRIu64 " recovery %" PRIu32 " threads %" PRIu32 ": %" PRIu64
                    " of %" PRIu64 " flows",
                    key, recovery, threads, s->flows_done, s->flows_added);
        if (memcmp(s, &all[0], sizeof *s) != 0)
          test_fail(__FILE__, __LINE__, "scene %" PRIu64 ": %" PRIu32 " threads differ", key,
                    threads);
        weft_sim_destroy(sim);
      }
    }
}

/* ---- ways that are closed ---- */

/* A star of 100 Gbit/s; link 0 fails at 20 us, or loses all. Packets of 1048 B. */
static weft_sim *broken(weft_time rto, weft_time give_up, double loss, uint32_t direction,
                        uint32_t link) {
  weft_config config = quiet_config();
  config.rto_ps = rto;
  config.give_up_ps = give_up;
  weft_sim *sim = star(&config, 3, 100 * (uint64_t)GBPS, US);
  add_flow(sim, 0, 1, 1000000, 0);
  const weft_link_change change = {.at_ps = 20 * (weft_time)US,
                                   .link = link,
                                   .factor = loss > 0 ? 1 : 0,
                                   .loss = loss > 0 ? loss : -1,
                                   .direction = direction};
  MUST(sim, weft_link_schedule(sim, &change));
  return sim;
}

TEST(flows_into_the_void_end_the_run_and_go_on_after_a_repair) {
  const weft_time laws[] = {WEFT_RTO_ADAPTIVE, WEFT_RTO_RFC6298, 100 * (weft_time)US};
  for (int law = 0; law < 3; law++)
    for (uint32_t link = 0; link < 2; link++)
      for (uint32_t how = 0; how < 4; how++) {
        const double loss = how == 0 ? 0 : 1;
        weft_sim *sim = broken(laws[law], 0, loss, how > 0 ? how - 1 : WEFT_BOTH, link);
        run_to_end(sim);
        ENSURE_EQ(stats_of(sim).flows_done, how == 3 - link ? 0 : stats_of(sim).flows_done);
        ENSURE_EQ(stats_of(sim).flows_failed, 0);
        ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", 0), 1);
        ENSURE(stats_of(sim).events < 10000);
        const weft_time repaired = sim->now + 5 * (weft_time)MS * US;
        const weft_link_change repair = {.at_ps = repaired, .link = link, .factor = 1};
        MUST(sim, weft_link_schedule(sim, &repair));
        run_to_end(sim);
        ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", 0), 2);
        ENSURE_EQ(stats_of(sim).flows_done, 1);
        weft_sim_destroy(sim);
      }
}

TEST(a_flow_fails_only_when_the_patience_that_it_was_given_is_over) {
  for (weft_time patience = 100; patience < 100000; patience *= 10)
    for (int law = 0; law < 2; law++) {
      weft_sim *sim = broken(law ? 0 : WEFT_RTO_ADAPTIVE, patience * US, 0, WEFT_BOTH, 1);
      add_flow(sim, 2, 1, 1000, 50 * (weft_time)US); /* never has a way */
      run_to_end(sim);
      ENSURE_EQ(stats_of(sim).flows_failed, 2);
      ENSURE_EQ(sim->now, (50 + patience) * US); /* the first had progress until 20 us */
      weft_sim_destroy(sim);
    }
}

/* A packet of 1048 B takes 83.84 ns on each of two links, and 1 us each. */
TEST(a_flow_that_has_no_way_at_its_start_begins_when_there_is_one) {
  for (uint32_t link = 0; link < 2; link++)
    for (weft_time detect = 0; detect < 300; detect += 100)
      for (uint32_t recovery = 0; recovery < WEFT_RECOVERY_COUNT; recovery++) {
        weft_config config = quiet_config();
        config.recovery = recovery;
        weft_sim *sim = star(&config, 3, 100 * (uint64_t)GBPS, US);
        weft_link_change change = {.at_ps = US, .link = link, .loss = -1};
        MUST(sim, weft_link_schedule(sim, &change));
        change = (weft_link_change){.at_ps = 700 * (weft_time)MS * US,
                                    .link = link,
                                    .factor = 1,
                                    .loss = -1,
                                    .detect_ps = detect * US};
        MUST(sim, weft_link_schedule(sim, &change));
        MUST(sim, weft_run(sim, 2 * US, 0));
        add_flow(sim, 0, 1, 1000, 10 * (weft_time)US); /* there is none as it is added, either */
        run_to_end(sim);
        const weft_time begin = change.at_ps + detect * US;
        ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "received_ps", 0), begin + 2 * (83840 + US));
        ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "start_ps", 0), 10 * (weft_time)US);
        ENSURE_EQ(stats_of(sim).packets_dropped, 0);
        weft_sim_destroy(sim);
      }
}

TEST(a_way_that_was_never_there_is_refused) {
  weft_config config = quiet_config();
  weft_sim *sim = new_sim(&config, NULL);
  for (int i = 0; i < 3; i++) add_node(sim, WEFT_HOST);
  add_node(sim, WEFT_SWITCH);
  add_link(sim, 0, 3, 100 * (uint64_t)GBPS, US);
  add_link(sim, 1, 3, 100 * (uint64_t)GBPS, US);
  MUST(sim, weft_fabric_ready(sim));
  const weft_flow_def flow = {.src = 0, .dst = 2, .size_bytes = 1};
  ENSURE_EQ(weft_flow_add(sim, &flow), WEFT_ENOROUTE);
  weft_sim_destroy(sim);
}

/* Up for 100 us of each period, 600 of them, and the flow needs some. Without a draw the doubled
 * timeouts of 2^k x 320 us would meet it down every time where the period divides them. */
TEST(retries_do_not_keep_step_with_a_link_that_flaps) {
  for (weft_time period = 320; period <= 1280; period *= 2) {
    weft_config config = quiet_config();
    weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
    add_flow(sim, 0, 1, 10000000, 0);
    for (weft_time k = 0; k < 1200; k++) {
      const weft_link_change change = {.at_ps = (k / 2 * period + k % 2 * (period - 100)) * US,
                                       .link = 1,
                                       .factor = (double)(k % 2),
                                       .loss = -1,
                                       .detect_ps = 10000 * (weft_time)MS * US};
      MUST(sim, weft_link_schedule(sim, &change));
    }
    MUST(sim, weft_run(sim, 600 * period * US, 0));
    ENSURE_EQ(stats_of(sim).flows_done, 1);
    weft_sim_destroy(sim);
  }
}

/* At the worst, one packet in a hundred gets there and its ACK back. */
TEST(chance_alone_never_ends_a_flow) {
  for (uint32_t recovery = 1; recovery < WEFT_RECOVERY_COUNT; recovery++)
    for (double loss = 0.3; loss < 1; loss += 0.3) {
      weft_config config = quiet_config();
      config.recovery = recovery;
      weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
      add_flow(sim, 0, 1, 10000, 0);
      const weft_link_change lossy = {.factor = 1, .loss = loss};
      MUST(sim, weft_link_schedule(sim, &lossy));
      run_to_end(sim);
      ENSURE_EQ(stats_of(sim).flows_done, 1);
      weft_sim_destroy(sim);
    }
}
