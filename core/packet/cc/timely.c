/* TIMELY (Mittal et al., "TIMELY: RTT-based Congestion Control for the Datacenter", SIGCOMM 2015),
 * algorithm 1, once per round trip.
 *
 * The gradient is the averaged difference of successive RTTs over min_rtt. Below T_low the rate
 * increases, above T_high it decreases by beta (1 - T_high / RTT); in between it increases while
 * the gradient is not positive and else decreases by beta x gradient. Hyper increase after five
 * increases in a row (HAI). Deviation, as in the HPCC ns-3 model: a new sample counts with weight
 * timely_alpha = 0.875 (the paper's EWMA), and the average is kept also where thresholds decide.
 * The paper's times are for a network whose shortest RTT is min_rtt, 20 us. Above T_high a rate
 * would fall for ever, with queues or without, so they grow with a base RTT that is longer.
 * The increase is a part of the NIC's rate, the paper's 10 Mbit/s of 10 Gbit/s (scripts of the HPCC
 * simulator have 1/1000 and 5/1000 of any). The defaults are those at 100 Gbit/s and grow with a
 * faster NIC, since one gradient above 1 / beta takes a rate to min_rate, from which it climbs. */
#include "packet/cc/algorithms.h"

enum { HAI_STAGE = 5 };

#define TIMELY_FIELDS(X)                                                                      \
  X(VALUE, STATE, double, rtt_diff) /* averaged, ticks */                                     \
  X(VALUE, STATE, int64_t, last_rtt) /* ticks */                                              \
  X(BYTES_OR_0, STATE, uint64_t, update_at) /* whose ACK brings the next update; 0: no RTT */ \
  X(VALUE, STATE, uint64_t, rate_bps)                                                         \
  X(VALUE, STATE, uint32_t, stage) /* increases in a row */                                   \
  X(VALUE, OWN, uint32_t, unused)

FIELDS_STRUCT(timely, TIMELY_FIELDS);
static const struct field_desc fields[] = {TIMELY_FIELDS(FIELD_LINE)};

static void start(weft_sim *sim, uint32_t slot) {
  struct timely *timely = cc_state(sim, slot);
  timely->rate_bps = cc_nic_rate(sim, slot);
}

/* A time in ticks, as it is for the flow's round trip. */
static int64_t ticks(const weft_sim *sim, uint32_t slot, weft_time time) {
  return weft__cc_stretch(sim, slot, time, sim->config.timely_min_rtt_ps) / cc_tick(sim);
}

static void update(weft_sim *sim, uint32_t slot, struct timely *timely, int64_t rtt) {
  const weft_config *config = &sim->config;
  const int64_t low = ticks(sim, slot, config->timely_low_ps);
  const int64_t high = ticks(sim, slot, config->timely_high_ps);
  timely->rtt_diff = (1 - config->timely_alpha) * timely->rtt_diff +
                     config->timely_alpha * (double)(rtt - timely->last_rtt);
  const double gradient = timely->rtt_diff / (double)ticks(sim, slot, config->timely_min_rtt_ps);
  if (rtt < low || (rtt <= high && gradient <= 0)) {
    const uint64_t step =
        timely->stage < HAI_STAGE ? config->timely_ai_bps : config->timely_hai_bps;
    timely->rate_bps = cc_at_most(timely->rate_bps + weft__cc_step(sim, slot, step),
                                  sim->packet.tx_warm.at[slot].line_bps);
    ++timely->stage;
  } else {
    double factor = 1 - config->timely_beta * gradient;
    if (rtt > high) factor = 1 - config->timely_beta * (1 - (double)high / (double)rtt);
    if (factor < 0) factor = 0;
    timely->rate_bps =
        cc_at_least(cc_whole((double)timely->rate_bps * factor), config->min_rate_bps);
    timely->stage = 0;
  }
  weft__cc_set_rate(sim, slot, timely->rate_bps);
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct timely *timely = cc_state(sim, slot);
  if (ack->acked <= timely->update_at) return;
  const int64_t rtt = (sim->now - ack->sent_at) / cc_tick(sim);
  if (timely->update_at != 0) update(sim, slot, timely, rtt);
  if (ack->sent > timely->update_at) {
    timely->update_at = ack->sent;
    timely->last_rtt = rtt;
  }
}

/* A step per round trip, until the increase is another. */
static double swing(const weft_config *config, double rtt_ps, double window_packets) {
  (void)config;
  (void)rtt_ps;
  (void)window_packets;
  return HAI_STAGE;
}

const struct cc_ops weft__cc_timely[1] = {
    {.name = "timely",
     .extra = CC_TIMESTAMP,
     .paced = 1,
     .state = FIELDS_OF("timely", fields, sizeof(struct timely)),
     .start = start,
     .on_ack = on_ack,
     .swing = swing}};
