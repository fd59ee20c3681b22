/* The fluid with the congestion control's own laws: what can be worked out by hand. */
#include <stdlib.h>

#include "fixture.h"

/* A full packet of 1000 + 48 bytes takes 83,840 ps at 100 Gbit/s, an ACK of 60 bytes 4,800. */
enum { FRAME_PS = 83840, FRAME = 1048 };
#define MSEC ((weft_time)1000 * US)

static weft_config fluid_config(uint32_t cc) {
  weft_config config = quiet_config();
  config.engine = WEFT_ENGINE_FLUID_CC;
  config.cc = cc;
  return config;
}

static const uint32_t all_ccs[] = {WEFT_CC_WINDOW, WEFT_CC_DCTCP,  WEFT_CC_HPCC,
                                   WEFT_CC_DCQCN,  WEFT_CC_TIMELY, WEFT_CC_SWIFT};

static int64_t fct(weft_sim *sim, uint32_t flow) {
  return cell(sim, WEFT_TABLE_FLOWS, "fct_ps", flow);
}

static void change_link(weft_sim *sim, uint32_t link, weft_time at_ps, double factor,
                        weft_time detect_ps) {
  weft_link_change change = weft_link_change_default();
  change.link = link;
  change.at_ps = at_ps;
  change.factor = factor;
  change.detect_ps = detect_ps;
  MUST(sim, weft_link_schedule(sim, &change));
}

TEST(fluid_cc_flows_alone_take_their_ideal_time) {
  static const uint64_t sizes[] = {1, 999, 1000, 1001, 2000, 65537, 10000000};
  for (uint32_t c = 0; c < 6; c++) {
    const weft_config config = fluid_config(all_ccs[c]);
    weft_sim *sim = fat_tree(&config, 4, 30ull * GBPS, 1 * US); /* a byte takes no whole ps */
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
      const uint32_t flow =
          add_flow(sim, 0, i == 0 ? 1 : 2 * i + 1, sizes[i], stats_of(sim).now_ps + 7);
      run_to_end(sim);
      ENSURE_EQ(fct(sim, flow), cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", flow));
    }
    weft_sim_destroy(sim);
  }
}

/* 200 packets of each in turn leave the switch, the last of them FRAME_PS x (1 + 400) after the
 * start, over two wires of 1 us. */
TEST(fluid_cc_flows_share_a_port) {
  const weft_config config = fluid_config(WEFT_CC_WINDOW);
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 1, 0, 200000, 0);
  add_flow(sim, 2, 0, 200000, 0);
  run_to_end(sim);
  const int64_t last = 401 * FRAME_PS + 2 * US;
  for (uint32_t i = 0; i < 2; i++) {
    ENSURE(fct(sim, i) <= last + FRAME_PS);
    ENSURE(fct(sim, i) >= last - 8 * FRAME_PS); /* a parcel */
  }
  ENSURE_EQ(cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1), 400 * FRAME);
  ENSURE_EQ(stats_of(sim).payload_delivered, 400000);
  weft_sim_destroy(sim);
}

/* At a NIC flows share packet by packet: a short one does not wait for what a long one has. */
TEST(fluid_cc_flows_share_a_nic_packet_by_packet) {
  const weft_config config = fluid_config(WEFT_CC_WINDOW);
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  add_flow(sim, 0, 1, 1000000, 0);
  const uint32_t lone = add_flow(sim, 0, 2, 1000, 20 * US);
  run_to_end(sim);
  ENSURE(fct(sim, lone) <= 3 * FRAME_PS + 2 * US); /* one of the other's before it, at most */
  ENSURE(fct(sim, lone) >= 2 * FRAME_PS + 2 * US);
  weft_sim_destroy(sim);
}

static void sum_queue(weft_sim *sim, uint32_t port, weft_time from, weft_time to, double *mean,
                      double *most) {
  const uint32_t steps = 400;
  *mean = *most = 0;
  for (uint32_t i = 0; i < steps; i++) {
    MUST(sim, weft_run(sim, from + (to - from) / steps * i, 0));
    const double queue = (double)cell(sim, WEFT_TABLE_PORTS, "queue_bytes", port);
    *mean += queue / steps;
    if (queue > *most) *most = queue;
  }
}

/* DCTCP, section 3.3: the queue swings around K, and the link stays busy. */
TEST(fluid_cc_dctcp_holds_the_queue_at_the_threshold) {
  weft_config config = fluid_config(WEFT_CC_DCTCP);
  config.ecn_kmin_bytes = config.ecn_kmax_bytes = 100000;
  weft_sim *sim = star(&config, 5, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 5; i++) add_flow(sim, i, 0, 25000000, 0);
  double mean, most;
  sum_queue(sim, 1, 2 * MSEC, 6 * MSEC, &mean, &most);
  ENSURE(mean > 50000 && mean < 120000);
  ENSURE(most < 200000);
  run_to_end(sim);
  const double busy_ps = 4.0 * 25000 * FRAME_PS;
  ENSURE((double)stats_of(sim).now_ps < 1.01 * busy_ps);
  weft_sim_destroy(sim);
}

/* HPCC, section 3.2: utilisation goes to eta, and the queue to nothing. */
TEST(fluid_cc_hpcc_uses_eta_of_the_link) {
  weft_config config = fluid_config(WEFT_CC_HPCC);
  config.hpcc_eta = 0.9;
  config.hpcc_ai_bps = 10000000;
  config.int_bytes = 42;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 3; i++) add_flow(sim, i, 0, 25000000, 0);
  double mean, most;
  sum_queue(sim, 1, 1 * MSEC, 3 * MSEC, &mean, &most);
  const double part = (double)cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1);
  MUST(sim, weft_run(sim, 4 * MSEC, 0));
  const double rate = ((double)cell(sim, WEFT_TABLE_PORTS, "tx_bytes", 1) - part) * 8 / 1.005e-3;
  ENSURE(rate > 0.87e11 && rate < 0.93e11);
  ENSURE(mean < 5 * FRAME);
  weft_sim_destroy(sim);
}

/* Four NICs give more than the port takes: each is paused at its part of the buffer, and nothing
 * beyond threshold and headroom ever waits. */
TEST(fluid_cc_pauses_are_back_pressure) {
  weft_config config = fluid_config(WEFT_CC_WINDOW);
  config.window_bytes = 1000000;
  config.pfc = 1;
  config.buffer_bytes = 600000;
  config.pfc_headroom_bytes = 40000;
  config.buffer_alpha = 0.125;
  weft_sim *sim = star(&config, 5, 100ull * GBPS, 1 * US);
  for (uint32_t i = 1; i < 5; i++) add_flow(sim, i, 0, 5000000, 0);
  run_to_end(sim);
  /* shared: 600,000 - 5 x 44,096; of it x = alpha (shared - 4 x) each, with reserve and headroom */
  const double shared = 600000 - 5 * 44096.0, each = 0.125 * shared / 1.5 + 4096 + 40000;
  ENSURE(stats_of(sim).pfc_pauses > 0);
  ENSURE((double)stats_of(sim).max_queue_bytes < 4 * each);
  ENSURE((double)stats_of(sim).max_queue_bytes > 0.125 * shared / 1.5);
  ENSURE(stats_of(sim).now_ps < 20100 * (weft_time)FRAME_PS);
  ENSURE(cell(sim, WEFT_TABLE_PORTS, "paused_ps", 2) > 0);
  weft_sim_destroy(sim);
}

static weft_sim *busy(uint32_t cc, uint64_t seed) {
  weft_config config = fluid_config(cc);
  config.ecn_kmin_bytes = 20000;
  config.ecn_kmax_bytes = 80000;
  config.ecn_pmax = 0.5;
  config.int_bytes = 42;
  config.seed = seed;
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 1 * US);
  for (uint32_t i = 0; i < 200; i++) {
    const uint32_t src = (uint32_t)(uniform(seed, 4 * i) * 15.99);
    const uint32_t other = (uint32_t)(uniform(seed, 4 * i + 1) * 14.99);
    const double size = 1 + 300000 * uniform(seed, 4 * i + 2) * uniform(seed, 4 * i + 2);
    add_flow(sim, src, other < src ? other : other + 1, (uint64_t)size,
             (weft_time)(200 * US * uniform(seed, 4 * i + 3)));
  }
  return sim;
}

TEST(fluid_cc_conserves_bytes_at_any_moment) {
  for (uint32_t c = 0; c < 6; c++) {
    weft_sim *sim = busy(all_ccs[c], 7 + c);
    change_link(sim, 3, 60 * US, 0, 0);
    change_link(sim, 20, 80 * US, 0, 10 * US);
    change_link(sim, 3, 150 * US, 0.25, 0);
    change_link(sim, 20, 250 * US, 1, 10 * US);
    for (weft_time t = 0; t < 400 * US; t += 9 * US) {
      MUST(sim, weft_run(sim, t, 0));
      MUST(sim, weft_check(sim));
    }
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).flows_done, 200);
    uint64_t payload = 0;
    for (uint32_t i = 0; i < 200; i++)
      payload += (uint64_t)cell(sim, WEFT_TABLE_FLOWS, "delivered_bytes", i);
    ENSURE_EQ(stats_of(sim).payload_delivered, payload);
    weft_sim_destroy(sim);
  }
}

TEST(fluid_cc_in_steps_and_forked_is_the_same) {
  for (uint32_t c = 0; c < 6; c++) {
    weft_sim *whole = busy(all_ccs[c], 40 + c), *steps = busy(all_ccs[c], 40 + c), *fork = NULL;
    run_to_end(whole);
    for (weft_time t = 0; t < 300 * US; t += 7 * US) {
      MUST(steps, weft_run(steps, t, 0));
      cell(steps, WEFT_TABLE_PORTS, "queue_bytes", 1); /* looking changes nothing */
      cell(steps, WEFT_TABLE_FLOWS, "delivered_bytes", 1);
      if (t == 98 * US) MUST(steps, weft_sim_fork(steps, &fork));
    }
    run_to_end(steps);
    run_to_end(fork);
    ENSURE_EQ(stats_of(steps).fingerprint, stats_of(whole).fingerprint);
    ENSURE_EQ(stats_of(fork).fingerprint, stats_of(whole).fingerprint);
    ENSURE_EQ(stats_of(steps).events, stats_of(whole).events);
    for (uint32_t p = 0; p < 96; p++)
      ENSURE_EQ(cell(steps, WEFT_TABLE_PORTS, "tx_bytes", p),
                cell(whole, WEFT_TABLE_PORTS, "tx_bytes", p));
    weft_sim_destroy(whole);
    weft_sim_destroy(steps);
    weft_sim_destroy(fork);
  }
}

/* Half of a flow's bytes leave at line rate, the rest at a quarter of it. */
TEST(fluid_cc_goes_on_at_the_rate_of_a_degraded_link) {
  const weft_config config = fluid_config(WEFT_CC_WINDOW);
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  const uint32_t flow = add_flow(sim, 1, 0, 1000000, 0);
  change_link(sim, 1, 500 * FRAME_PS, 0.25, 0);
  run_to_end(sim);
  const int64_t expected = 500 * FRAME_PS + 4 * 500 * FRAME_PS + FRAME_PS + 2 * US;
  ENSURE(llabs(fct(sim, flow) - expected) < expected / 50);
  weft_sim_destroy(sim);
}

/* What was under way when the link failed is sent again 320 us after the last ACK. */
TEST(fluid_cc_notices_losses_after_a_timeout) {
  const weft_config config = fluid_config(WEFT_CC_WINDOW);
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  const uint32_t flow = add_flow(sim, 1, 0, 1000000, 0);
  change_link(sim, 1, 40 * US, 0, 0);
  change_link(sim, 1, 50 * US, 1, 0);
  run_to_end(sim);
  const int64_t ideal = cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", flow);
  ENSURE(fct(sim, flow) > ideal + 315 * US && fct(sim, flow) < ideal + 330 * US);
  weft_sim_destroy(sim);
}

TEST(fluid_cc_flows_take_another_way_and_give_up) {
  weft_config config = fluid_config(WEFT_CC_DCTCP);
  config.give_up_ps = 2 * MSEC;
  weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 1 * US);
  uint32_t ports[WEFT_PATH_MAX];
  const uint32_t saved = add_flow(sim, 0, 15, 500000, 0), lost = add_flow(sim, 2, 13, 500000, 0);
  ENSURE_EQ(MUST(sim, weft_path(sim, 0, 15, saved, ports)), 6);
  change_link(sim, ports[2] / 2, 20 * US, 0, 5 * US);
  ENSURE_EQ(MUST(sim, weft_path(sim, 2, 13, lost, ports)), 6);
  change_link(sim, ports[0] / 2, 20 * US, 0, 0);
  run_to_end(sim);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", saved), 2);
  ENSURE(fct(sim, saved) < 500 * US);
  ENSURE_EQ(cell(sim, WEFT_TABLE_FLOWS, "state", lost), 3);
  ENSURE_EQ(stats_of(sim).now_ps, 20 * US + 2 * MSEC);
  weft_sim_destroy(sim);
}

/* Nothing waits for ever where buffers are small and pauses many. */
TEST(fluid_cc_pauses_end) {
  for (uint64_t seed = 1; seed <= 6; seed++) {
    weft_config config = fluid_config(seed % 2 ? WEFT_CC_WINDOW : WEFT_CC_DCTCP);
    config.buffer_bytes = 200000;
    config.pfc_headroom_bytes = 30000;
    config.buffer_alpha = 0.5;
    weft_sim *sim = fat_tree(&config, 4, 100ull * GBPS, 1 * US);
    for (uint32_t i = 0; i < 150; i++) {
      const uint32_t src = (uint32_t)(uniform(seed, 3 * i) * 15.99), dst = i % 3;
      if (src != dst)
        add_flow(sim, src, dst, (uint64_t)(1 + 60000 * uniform(seed, 3 * i + 1)),
                 (weft_time)(100 * US * uniform(seed, 3 * i + 2)));
    }
    run_to_end(sim);
    ENSURE_EQ(stats_of(sim).flows_done, stats_of(sim).flows_added);
    ENSURE(stats_of(sim).pfc_pauses > 0);
    weft_sim_destroy(sim);
  }
}

/* Mean completion time, us, of n flows to host 0 of a star, over starts that differ a little:
 * single runs of DCTCP and DCQCN differ by 5 %. */
static double incast_us(const weft_config *config, uint32_t n, uint64_t size, weft_time step) {
  enum { VARIANTS = 8 };
  double sum = 0;
  for (uint32_t v = 0; v < VARIANTS; v++) {
    weft_config its = *config;
    its.seed = v + 1;
    weft_sim *sim = star(&its, n + 1, 100ull * GBPS, 1 * US);
    for (uint32_t i = 1; i <= n; i++) add_flow(sim, i, 0, size * i, i * step + 3000 * v * i * i);
    run_to_end(sim);
    for (uint32_t i = 0; i < n; i++) sum += (double)fct(sim, i) / 1e6 / n / VARIANTS;
    weft_sim_destroy(sim);
  }
  return sum;
}

/* Packets and the fluid agree about incasts, for every law. */
TEST(fluid_cc_completion_times_are_those_of_packets) {
  for (uint32_t c = 0; c < 6; c++) {
    double staggered[2], at_once[2];
    for (uint32_t e = 0; e < 2; e++) {
      weft_config config = weft_config_default();
      config.cc = all_ccs[c];
      config.engine = e == 0 ? WEFT_ENGINE_PACKET : WEFT_ENGINE_FLUID_CC;
      staggered[e] = incast_us(&config, 8, 200000, 1 * US);
      at_once[e] = incast_us(&config, 16, 20000, 100000);
    }
    ENSURE(staggered[1] > 0.97 * staggered[0] && staggered[1] < 1.03 * staggered[0]);
    ENSURE(at_once[1] > 0.95 * at_once[0] && at_once[1] < 1.05 * at_once[0]);
  }
}

/* Flows of one NIC, each paced by a part of its rate that is more than an equal one, leave no queue
 * behind it: what they have too much stays at the NIC. */
TEST(fluid_cc_flows_of_a_nic_leave_no_queue_in_a_switch) {
  weft_config config = fluid_config(WEFT_CC_DCTCP);
  config.min_rate_bps = 30ull * GBPS;
  weft_sim *sim = star(&config, 3, 100ull * GBPS, 1 * US);
  for (uint32_t i = 0; i < 12; i++) add_flow(sim, 1, 0, 2000000, i * 900000);
  MUST(sim, weft_run(sim, 1500 * US, 0));
  ENSURE(stats_of(sim).max_queue_bytes < 30000);
  weft_sim_destroy(sim);
}

/* A model that counts in whole ns rounds down the time of each packet: 20.96 ns at 400 Gbit/s. */
TEST(whole_ns_make_links_faster) {
  for (uint32_t e = 0; e < 2; e++) {
    weft_config config = weft_config_default();
    config.compat = WEFT_COMPAT_NS3;
    config.cc = WEFT_CC_DCTCP;
    config.engine = e == 0 ? WEFT_ENGINE_PACKET : WEFT_ENGINE_FLUID_CC;
    weft_sim *sim = star(&config, 3, 400ull * GBPS, 1 * US);
    add_flow(sim, 1, 0, 1000000, 0);
    run_to_end(sim);
    const int64_t ideal_ps = cell(sim, WEFT_TABLE_FLOWS, "ideal_ps", 0);
    /* 1,000 packets of 1,048 bytes, a switch between */
    ENSURE_EQ(ideal_ps, (1000 + 1) * 20000 + 2 * US);
    ENSURE(fct(sim, 0) >= ideal_ps && fct(sim, 0) < ideal_ps + 100000);
    weft_sim_destroy(sim);
  }
}
