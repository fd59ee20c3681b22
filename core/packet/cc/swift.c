/* Swift (Kumar et al., "Swift: Delay is Simple and Effective for Congestion Control in the
 * Datacenter", SIGCOMM 2020), algorithm 1 for the fabric's delay.
 *
 * The window grows by ai packets per round trip while the delay of an ACK is below the target,
 * and else shrinks by the factor 1 - beta (delay - target) / delay, at least 1 - max_mdf, at most
 * once per round trip. Target (section 3.5):
 *   base + hops h + max(0, min(a / sqrt(cwnd) + b, fs_range)),
 *   a = fs_range / (1 / sqrt(fs_min_cwnd) - 1 / sqrt(fs_max_cwnd)),  b = -a / sqrt(fs_max_cwnd)
 *
 * Deviations: the base target is by default the empty round trip of the flow's own path. Rates
 * instead of windows, as for the other algorithms: rate = cwnd / RTT, of the empty path as built,
 * so packets are always paced, and below one packet by RTT / cwnd. A flow begins at line rate,
 * which is also the largest window. The time of the last decrease is noted at decreases alone (to
 * the letter, algorithm 1 also notes it when the window stays, and would then never decrease
 * again). Hosts have no delay, so there is no endpoint window. A NACK is the sign of loss; a
 * timeout changes nothing. */
#include <math.h>

#include "packet/cc/algorithms.h"
#include "packet/rtt.h"

#define SWIFT_FIELDS(X)                                                                        \
  X(VALUE, STATE, double, cwnd) /* packets */                                                  \
  X(BYTES, STATE, uint64_t, acked) /* by the ACK before */                                     \
  X(VALUE, STATE, weft_time, empty_rtt) /* of the path */                                      \
  X(VALUE, STATE, weft_time, rtt) /* makes rates of windows: as built, or base_rtt if given */ \
  X(TIME, STATE, weft_time, last_decrease)                                                     \
  X(VALUE, STATE, uint32_t, rate_epoch) /* for which empty_rtt holds */                        \
  X(VALUE, STATE, uint32_t, path_seq) /* likewise */

FIELDS_STRUCT(swift, SWIFT_FIELDS);
static const struct field_desc fields[] = {SWIFT_FIELDS(FIELD_LINE)};

static void learn_path(weft_sim *sim, uint32_t slot, struct swift *swift) {
  const uint32_t *path = slot_path(sim, slot);
  const int hops = sim->packet.tx.at[slot].hops, ack_hops = sim->flow.slots.at[slot].ack_hops;
  swift->empty_rtt = weft__path_rtt(sim, path, hops, path + hops, ack_hops);
  swift->rtt = weft__flow_own_rtt(sim, slot);
  swift->rate_epoch = sim->fabric.rate_epoch;
  swift->path_seq = sim->packet.tx_warm.at[slot].path_seq;
}

/* Packets per round trip at a rate. */
static double cwnd_of(const weft_sim *sim, const struct swift *swift, uint64_t rate_bps) {
  const double bits = (double)rate_bps * (double)swift->rtt * 1e-12;
  return bits / (8.0 * sim->config.mtu_bytes);
}

static void start(weft_sim *sim, uint32_t slot) {
  struct swift *swift = cc_state(sim, slot);
  learn_path(sim, slot, swift);
  swift->cwnd = cwnd_of(sim, swift, sim->packet.tx_warm.at[slot].line_bps);
  swift->last_decrease = sim->now;
}

static double target_ps(const weft_config *config, const struct swift *swift, uint32_t hops) {
  const weft_time base =
      config->swift_base_target_ps != 0 ? config->swift_base_target_ps : swift->empty_rtt;
  const double range = (double)config->swift_fs_range_ps;
  const double end = 1 / sqrt(config->swift_fs_max_cwnd);
  const double a = range / (1 / sqrt(config->swift_fs_min_cwnd) - end);
  const double scaling = fmin(a / sqrt(swift->cwnd) - a * end, range);
  return (double)(base + hops * config->swift_hop_ps) + fmax(0, scaling);
}

/* The window that an ACK leads to. */
static double react(const weft_sim *sim, struct swift *swift, const struct cc_ack *ack) {
  const weft_config *config = &sim->config;
  const weft_time delay = sim->now - ack->sent_at;
  const int can_decrease = sim->now - swift->last_decrease >= delay;
  const double cwnd = swift->cwnd, target = target_ps(config, swift, ack->hops);
  const double acked = (double)(ack->acked - swift->acked) / config->mtu_bytes;
  if (!ack->nack && (double)delay < target)
    return cwnd + config->swift_ai * acked / (cwnd >= 1 ? cwnd : 1);
  if (!can_decrease) return cwnd;
  swift->last_decrease = sim->now;
  const double least = 1 - config->swift_max_mdf;
  if (ack->nack) return least * cwnd;
  return fmax(1 - config->swift_beta * ((double)delay - target) / (double)delay, least) * cwnd;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct swift *swift = cc_state(sim, slot);
  const weft_config *config = &sim->config;
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (swift->rate_epoch != sim->fabric.rate_epoch || swift->path_seq != warm->path_seq)
    learn_path(sim, slot, swift);
  const double least = fmax(config->swift_min_cwnd, cwnd_of(sim, swift, config->min_rate_bps));
  const double most = cwnd_of(sim, swift, warm->line_bps);
  swift->cwnd = fmin(fmax(react(sim, swift, ack), least), most);
  swift->acked = ack->acked;
  const uint64_t rate = cc_whole((double)warm->line_bps * (swift->cwnd / most));
  weft__cc_set_rate(sim, slot, cc_at_least(rate, config->min_rate_bps));
}

const struct cc_ops weft__cc_swift[1] = {{.name = "swift",
                                          .extra = CC_TIMESTAMP,
                                          .paced = 1,
                                          .state = FIELDS_OF("swift", fields, sizeof(struct swift)),
                                          .start = start,
                                          .on_ack = on_ack,
                                          .counts_hops = 1}};
