/* Poisson arrivals, constant service, one server: the mean wait is rho / (2 (1 - rho)) services
 * (Pollaczek-Khinchine). One million one-packet flows are the arrivals; the server is a NIC, or the
 * egress port of a switch behind a link so fast that it adds nothing.
 *
 * The formula holds for the process, the recursion of Lindley (1952) for these very arrivals: the
 * sum of all waits must equal it to the picosecond where the NIC is the server. */
#include <math.h>
#include <stdlib.h>

#include "fixture.h"

enum { ARRIVALS = 1000000, BATCH = 10000, PAYLOAD = 1000 };

typedef struct queue {
  int64_t service_ps;
  int64_t empty_fct_ps; /* of one packet alone */
  double load;
  uint32_t src, dst;
} queue;

/* Sum of the waits by Lindley's recursion: a packet waits for the work that it finds. */
static double lindley(const queue *q, const int64_t *start) {
  double sum = 0;
  int64_t free_at = 0;
  for (int i = 0; i < ARRIVALS; i++) {
    if (free_at < start[i]) free_at = start[i];
    sum += (double)(free_at - start[i]);
    free_at += q->service_ps;
  }
  return sum;
}

static void draw_arrivals(const queue *q, uint64_t key, int64_t *start) {
  double mean_gap = (double)q->service_ps / q->load;
  double now = 0;
  for (int i = 0; i < ARRIVALS; i++) {
    now -= log(uniform(key, (uint64_t)i)) * mean_gap;
    start[i] = (int64_t)now;
  }
}

/* Feed the arrivals in batches, so that few flows are ever known and not begun. */
static void serve(weft_sim *sim, const queue *q, const int64_t *start) {
  for (int first = 0; first < ARRIVALS; first += BATCH) {
    for (int i = first; i < first + BATCH; i++) add_flow(sim, q->src, q->dst, PAYLOAD, start[i]);
    MUST(sim, weft_run(sim, start[first + BATCH - 1], 0));
  }
  run_to_end(sim);
}

static double sum_of_waits(weft_sim *sim, const queue *q) {
  double sum = 0;
  weft_column column;
  uint32_t i = 0;
  do {
    MUST(sim, weft_column_get(sim, WEFT_TABLE_FLOWS, i++, &column));
  } while (strcmp(column.name, "fct_ps") != 0);
  ENSURE_EQ(column.count, ARRIVALS);
  for (uint64_t row = 0; row < column.count; row++) {
    const char *at = (const char *)column.data + row * column.stride;
    sum += (double)(*(const int64_t *)(const void *)at - q->empty_fct_ps);
  }
  return sum;
}

/* Runs a load through the queue; `tolerance` is relative to the sum by Lindley's recursion. */
static void check(weft_sim *sim, queue *q, uint64_t key, double tolerance) {
  weft_time fct;
  MUST(sim, weft_ideal_fct(sim, q->src, q->dst, PAYLOAD, &fct));
  q->empty_fct_ps = fct;
  int64_t *start = malloc(ARRIVALS * sizeof *start);
  ENSURE(start != NULL);
  draw_arrivals(q, key, start);
  serve(sim, q, start);
  double sum = sum_of_waits(sim, q);
  double exact = lindley(q, start);
  free(start);
  ENSURE_NEAR(sum, exact, tolerance);
  double wait = sum / ARRIVALS / (double)q->service_ps;
  ENSURE_NEAR(wait, q->load / (2 * (1 - q->load)), 0.03);
}

static const double loads[] = {0.3, 0.6, 0.9};

TEST(the_mean_wait_at_a_nic_is_that_of_md1) {
  weft_config config = quiet_config();
  for (int i = 0; i < 3; i++) {
    weft_sim *sim = star(&config, 2, 100 * (uint64_t)GBPS, US);
    queue q = {.service_ps = (PAYLOAD + config.header_bytes) * 80, .load = loads[i], .dst = 1};
    check(sim, &q, 11 + (uint64_t)i, 0);
    weft_sim_destroy(sim);
  }
}

TEST(the_mean_wait_at_a_switch_port_is_that_of_md1) {
  weft_config config = quiet_config();
  for (int i = 0; i < 3; i++) {
    weft_sim *sim = new_sim(&config, NULL);
    for (int n = 0; n < 2; n++) add_node(sim, WEFT_HOST);
    add_node(sim, WEFT_SWITCH);
    /* 500 times as fast: the wait before the switch is below a thousandth of that behind it. */
    add_link(sim, 0, 2, 50000 * (uint64_t)GBPS, US);
    add_link(sim, 2, 1, 100 * (uint64_t)GBPS, US);
    MUST(sim, weft_fabric_ready(sim));
    queue q = {.service_ps = (PAYLOAD + config.header_bytes) * 80, .load = loads[i], .dst = 1};
    check(sim, &q, 11 + (uint64_t)i, 1e-3);
    weft_sim_destroy(sim);
  }
}
