/* Flows whose way is closed in one direction or for a while, and those that give up: when they go
 * on, and what they and their tasks are called in the end.
 *
 * Stars of 100 Gbit/s, 1 us a link. A packet of 1048 B takes 83.84 ns on a link and an ACK of 60 B
 * 4.8 ns, so an empty round trip is 4 us + 2 x 88.64 ns. */
#include "fixture.h"
#include "sim_i.h"

enum { MS = 1000 };

#define RATE (100 * (uint64_t)GBPS)
#define PACKET ((weft_time)83840)
#define RTT (4 * (weft_time)US + 177280)

static void change_at(weft_sim *sim, weft_time at, uint32_t link, uint32_t direction, double factor,
                      weft_time detect) {
  const weft_link_change change = {.at_ps = at,
                                   .link = link,
                                   .direction = direction,
                                   .factor = factor,
                                   .loss = -1,
                                   .detect_ps = detect};
  MUST(sim, weft_link_schedule(sim, &change));
}

static int64_t flow_cell(weft_sim *sim, const char *column, uint32_t row) {
  return cell(sim, WEFT_TABLE_FLOWS, column, row);
}

/* Flow 0 of 10,000 packets, of which the link of one of its hosts stops data or ACKs at 20 us. The
 * window is a round trip's, so it has as much to send after a repair as it had then. */
static weft_time late_after(weft_time rto, uint32_t link, uint32_t direction, weft_time down,
                            weft_time detect, uint32_t recovery) {
  weft_config config = quiet_config();
  config.rto_ps = rto;
  config.recovery = recovery;
  weft_sim *sim = star(&config, 3, RATE, US);
  const uint32_t flow = add_flow(sim, 0, 1, 10000000, 0);
  change_at(sim, 20 * (weft_time)US, link, direction, 0, detect);
  change_at(sim, 20 * (weft_time)US + down, link, direction, 1, detect);
  run_to_end(sim);
  ENSURE_EQ(flow_cell(sim, "state", flow), 2);
  const weft_time late = flow_cell(sim, "fct_ps", flow) - flow_cell(sim, "ideal_ps", flow);
  weft_sim_destroy(sim);
  return late - down;
}

/* Link 1 from host 1 is the ACKs', and of the data the other direction. After the repair the flow
 * asks or sends within a round trip, and repeats at most what a round trip holds. */
TEST(a_flow_goes_on_within_two_round_trips_of_the_repair_of_its_way) {
  for (uint32_t recovery = 1; recovery < WEFT_RECOVERY_COUNT; ++recovery)
    for (uint32_t link = 0; link < 2; ++link)
      for (uint32_t direction = WEFT_BOTH; direction <= WEFT_B_TO_A; ++direction)
        for (weft_time down = 1500; down < 1000 * MS; down = down * 5 / 2)
          for (int noticed = 0; noticed < 2; ++noticed) {
            const weft_time detect = noticed ? 10 * (weft_time)US : 0;
            const weft_time late =
                late_after(WEFT_RTO_ADAPTIVE, link, direction, down * US, detect, recovery);
            if (late > 3 * RTT + detect)
              test_fail(__FILE__, __LINE__,
                        "link %" PRIu32 ", direction %" PRIu32 ", down %" PRId64 " us: %" PRId64
                        " ps late",
                        link, direction, down, late);
          }
}

/* Who goes by the clock doubles 320 us up to 64 times, and finds the way open when that says so. */
TEST(a_real_sender_does_not_know_of_a_repair) {
  const weft_time down = 30 * MS * (weft_time)US;
  ENSURE(late_after(WEFT_RTO_RFC6298, 1, WEFT_A_TO_B, down, 0, WEFT_RECOVERY_GO_BACK_N) >
         MS * (weft_time)US);
}

/* ---- giving up ---- */

/* Flow 0 of one packet, whose ACK is lost: it is there at 2 x (83.84 ns + 1 us). */
static weft_sim *without_last_ack(uint32_t completion, uint32_t recovery, weft_time give_up,
                                  uint32_t threads) {
  weft_config config = quiet_config();
  config.completion = completion;
  config.recovery = recovery;
  config.give_up_ps = give_up;
  config.threads = threads;
  weft_sim *sim = star(&config, 3, RATE, US);
  sim->domains.always_split = threads > 1;
  change_at(sim, 0, 1, WEFT_A_TO_B, 0, 10 * MS * (weft_time)US); /* of host 1, unnoticed */
  return sim;
}

/* Delivered is done where the receiver is asked, whatever becomes of its sender. */
TEST(a_flow_that_was_delivered_does_not_fail_when_its_sender_gives_up) {
  for (uint32_t completion = WEFT_AT_RECEIVER; completion <= WEFT_AT_SENDER; ++completion)
    for (uint32_t recovery = 0; recovery < WEFT_RECOVERY_COUNT; ++recovery)
      for (uint32_t threads = 1; threads <= 3; ++threads) {
        const weft_time give_up = 5 * MS * (weft_time)US;
        weft_sim *sim = without_last_ack(completion, recovery, give_up, threads);
        const uint32_t flow = add_flow(sim, 0, 1, 1000, 0);
        run_to_end(sim);
        const int done = completion == WEFT_AT_RECEIVER;
        ENSURE_EQ(flow_cell(sim, "received_ps", flow), 2 * (PACKET + US));
        ENSURE_EQ(flow_cell(sim, "fct_ps", flow), done ? 2 * (PACKET + US) : -1);
        ENSURE_EQ(flow_cell(sim, "acked_ps", flow), -1);
        ENSURE_EQ(flow_cell(sim, "state", flow), done ? 2 : 3);
        ENSURE_EQ(flow_cell(sim, "delivered_bytes", flow), done ? 1000 : 0);
        ENSURE_EQ(stats_of(sim).flows_done, done);
        ENSURE_EQ(stats_of(sim).flows_failed, !done);
        weft_sim_destroy(sim);
      }
}

/* Where the sender is asked, a flow without its last ACK is in trouble. */
TEST(the_watchdog_names_no_flow_that_is_complete) {
  for (uint32_t completion = WEFT_AT_RECEIVER; completion <= WEFT_AT_SENDER; ++completion) {
    weft_sim *sim = without_last_ack(completion, WEFT_RECOVERY_GO_BACK_N, 0, 1);
    add_flow(sim, 0, 1, 1000, 0);
    const uint32_t other = add_flow(sim, 0, 1, 10000000, 0); /* more than a window */
    uint32_t rows[4];
    MUST(sim, weft_run(sim, MS * (weft_time)US, 0));
    weft_stalled(sim, 3 * MS * (weft_time)US, rows, 4);
    MUST(sim, weft_run(sim, 9 * MS * (weft_time)US, 0));
    const int named = completion == WEFT_AT_RECEIVER ? 1 : 2;
    ENSURE_EQ(weft_stalled(sim, 3 * MS * (weft_time)US, rows, 4), named);
    ENSURE_EQ(rows[named - 1], other);
    weft_sim_destroy(sim);
  }
}

/* ---- tasks ---- */

static int64_t task_cell(weft_sim *sim, const char *column, uint32_t row) {
  return cell(sim, WEFT_TABLE_TASKS, column, row);
}

static uint32_t add_task(weft_sim *sim, uint32_t kind, uint32_t src, uint32_t dst) {
  const weft_task_def task = {.kind = kind, .src = src, .dst = dst, .size_bytes = 1000};
  return (uint32_t)MUST(sim, weft_task_add(sim, &task));
}

/* Hosts 0 and 1 at a switch, host 2 at another that no link joins to it. */
static weft_sim *apart(const weft_config *config) {
  weft_sim *sim = new_sim(config, NULL);
  for (uint32_t i = 0; i < 3; ++i) add_node(sim, WEFT_HOST);
  for (uint32_t i = 0; i < 2; ++i) add_node(sim, WEFT_SWITCH);
  for (uint32_t i = 0; i < 3; ++i) add_link(sim, i, i < 2 ? 3 : 4, RATE, US);
  MUST(sim, weft_fabric_ready(sim));
  return sim;
}

TEST(a_task_whose_flow_fails_is_failed_and_what_waits_for_it_too) {
  for (uint32_t compat = 0; compat < 2; ++compat)
    for (uint32_t before = 0; before < 2; ++before) {
      weft_config config = quiet_config();
      config.compat = compat ? WEFT_COMPAT_NS3 : 0;
      config.rto_ps = 0;
      weft_sim *sim = apart(&config);
      const uint32_t first = add_task(sim, WEFT_TASK_SEND, 0, 1);
      const uint32_t lost = add_task(sim, WEFT_TASK_SEND, 0, 2);
      const uint32_t next = add_task(sim, WEFT_TASK_SEND, 1, 0);
      const uint32_t last = add_task(sim, WEFT_TASK_BARRIER, 0, 0);
      if (before) MUST(sim, weft_task_after(sim, lost, first));
      MUST(sim, weft_task_after(sim, next, lost));
      MUST(sim, weft_task_after(sim, last, next));
      MUST(sim, weft_task_after(sim, last, first));
      run_to_end(sim);
      ENSURE_EQ(task_cell(sim, "state", first), 3);
      ENSURE_EQ(task_cell(sim, "state", lost), 4);
      ENSURE_EQ(task_cell(sim, "state", next), 4);
      ENSURE_EQ(task_cell(sim, "state", last), 4);
      ENSURE_EQ(stats_of(sim).tasks_done, 1);
      ENSURE_EQ(stats_of(sim).flows_failed, 1);
      /* What is put after it later fails as well, and what has been put after that. */
      const uint32_t late = add_task(sim, WEFT_TASK_BARRIER, 0, 0);
      const uint32_t later = add_task(sim, WEFT_TASK_BARRIER, 0, 0);
      const uint32_t free = add_task(sim, WEFT_TASK_BARRIER, 0, 0);
      MUST(sim, weft_task_after(sim, later, late));
      MUST(sim, weft_task_after(sim, late, last));
      MUST(sim, weft_task_after(sim, free, first));
      run_to_end(sim);
      ENSURE_EQ(task_cell(sim, "state", late), 4);
      ENSURE_EQ(task_cell(sim, "state", later), 4);
      ENSURE_EQ(task_cell(sim, "state", free), 3);
      weft_sim_destroy(sim);
    }
}

/* A chain as long as the graph, and more failures at once than there are other tasks. */
TEST(failures_spread_over_a_large_graph) {
  enum { COUNT = 20000 };
  weft_config config = quiet_config();
  weft_sim *sim = apart(&config);
  for (uint32_t i = 0; i < COUNT; ++i) {
    add_task(sim, WEFT_TASK_SEND, i % 2, 2);
    const uint32_t next = add_task(sim, WEFT_TASK_BARRIER, 0, 0);
    MUST(sim, weft_task_after(sim, next, next - 1));
    if (i > 0) MUST(sim, weft_task_after(sim, next, next - 2));
  }
  run_to_end(sim);
  for (uint32_t i = 0; i < 2 * COUNT; ++i) ENSURE_EQ(task_cell(sim, "state", i), 4);
  ENSURE_EQ(stats_of(sim).flows_failed, COUNT);
  weft_sim_destroy(sim);
}
