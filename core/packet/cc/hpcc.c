/* HPCC (Li et al., "HPCC: High Precision Congestion Control", SIGCOMM 2019), algorithm 1.
 *
 * Every ACK brings each hop's telemetry; the utilisation of hop j is
 *   U_j = txRate_j / B_j + min(q_now, q_before) / (B_j T)              (lines 3-6)
 * U, an average of the largest U_j over one T, sets the rate to R_c / (U / eta) + AI, or R_c + AI
 * while U < eta for at most max_stage steps (lines 13-20). R_c is the reference rate, renewed once
 * per round trip; in between the rate reacts to every ACK from the same R_c (fast react). With
 * hpcc_multi_rate each hop has an average and a reference of its own and the smallest rate wins.
 * Deviation: rates instead of windows, as in the authors' simulator. T of the queue, with which it
 * is held against the window, is base_rtt, by default the longest of the fabric; T of the average
 * is the round trip of the flow's own path, unless base_rtt is given: see packet/rtt.c.
 */
#include <math.h>

#include "packet/cc/algorithms.h"
#include "packet/rtt.h"

#define REFERENCE_FIELDS(X)                                      \
  X(VALUE, STATE, uint64_t, bps) /* R_c */                       \
  X(VALUE, STATE, double, u) /* average utilisation */           \
  X(VALUE, STATE, uint32_t, stage) /* additive steps in a row */ \
  X(VALUE, OWN, uint32_t, unused)

FIELDS_STRUCT(reference, REFERENCE_FIELDS);

#define HOP_FIELDS(X) X(VALUE, STATE, uint64_t, bps) /* B_j */

/* With hpcc_multi_rate its reference follows it. */
struct hop {
  struct telemetry last;
  HOP_FIELDS(FIELD_MEMBER)
};

#define HPCC_FIELDS(X)                                                                     \
  X(GATE, STATE, uint64_t, update_at) /* R_c is renewed when it is acked; 0: no ACK yet */ \
  X(VALUE, STATE, weft_time, rtt) /* what U is averaged over */                            \
  X(VALUE, STATE, uint32_t, rate_epoch) /* for which the hops' bps hold */                 \
  X(VALUE, STATE, uint32_t, path_seq) /* of the path that the hops' last is from */

struct hpcc {
  struct reference whole;
  HPCC_FIELDS(FIELD_MEMBER)
  uint64_t hops[];
};

static const struct field_desc fields[] = {REFERENCE_FIELDS(FIELD_LINE) HPCC_FIELDS(FIELD_LINE)};
static const struct field_desc hop_fields[] = {TELEMETRY_FIELDS(FIELD_LINE) HOP_FIELDS(FIELD_LINE)};
static const struct field_desc multi_fields[] = {TELEMETRY_FIELDS(FIELD_LINE) HOP_FIELDS(FIELD_LINE)
                                                     REFERENCE_FIELDS(FIELD_LINE)};

/* What passed at a hop between two ACKs, in the units of their telemetry. */
struct progress {
  int64_t ticks;
  uint64_t bytes;
  uint32_t queue; /* the smaller of the two */
};

static struct hop *hop_at(const weft_sim *sim, struct hpcc *hpcc, uint32_t i) {
  return (struct hop *)(hpcc->hops + i * (sim->packet.cc->hop.size / sizeof(uint64_t)));
}

static struct reference *own_reference(struct hop *hop) {
  return (struct reference *)(hop + 1);
}

static void learn_rates(weft_sim *sim, uint32_t slot, struct hpcc *hpcc) {
  const uint32_t *path = slot_path(sim, slot);
  for (uint32_t i = 0; i + 1 < sim->packet.tx.at[slot].hops; ++i)
    hop_at(sim, hpcc, i)->bps = sim->fabric.ports.at[path[i + 1]].rate_bps;
  hpcc->rate_epoch = sim->fabric.rate_epoch;
  hpcc->rtt = weft__flow_own_rtt(sim, slot);
}

static void start(weft_sim *sim, uint32_t slot) {
  struct hpcc *hpcc = cc_state(sim, slot);
  const struct reference fresh = {.bps = cc_nic_rate(sim, slot), .u = 1};
  hpcc->whole = fresh;
  for (uint32_t i = 0; sim->config.hpcc_multi_rate && i + 1 < sim->packet.tx.at[slot].hops; ++i)
    *own_reference(hop_at(sim, hpcc, i)) = fresh;
  learn_rates(sim, slot, hpcc);
}

/* As a header of a format has carried it. */
static struct progress unpacked(const weft_sim *sim, const struct int_format *format,
                                const struct telemetry *a, const struct telemetry *b) {
  const uint32_t multi = sim->config.hpcc_int_multi;
  const uint32_t byte_unit = format->byte_unit * multi, queue_unit = format->queue_unit * multi;
  const weft_time tick = cc_tick(sim);
  const uint64_t ticks = (uint64_t)(b->time / tick - a->time / tick) & format->tick_mask;
  const uint32_t bytes = (b->tx_bytes / byte_unit - a->tx_bytes / byte_unit) & format->byte_mask;
  const uint32_t qa = (a->queue_bytes / queue_unit & format->queue_mask) * queue_unit;
  const uint32_t qb = (b->queue_bytes / queue_unit & format->queue_mask) * queue_unit;
  return (struct progress){(int64_t)ticks, (uint64_t)bytes * byte_unit, qa < qb ? qa : qb};
}

static struct progress progress_of(const weft_sim *sim, const struct telemetry *a,
                                   const struct telemetry *b) {
  const struct int_format *format = sim->packet.model->int_format;
  if (format != NULL) return unpacked(sim, format, a, b);
  return (struct progress){b->time - a->time, b->tx_bytes - a->tx_bytes,
                           a->queue_bytes < b->queue_bytes ? a->queue_bytes : b->queue_bytes};
}

/* Recorded rates of a fused model agree to the last bit when its sum is a fused multiply-add, as
 * compilers make of it where the machine has one; asked for by name it is the same everywhere. */
static void average(const weft_sim *sim, struct reference *reference, double u, int64_t ticks,
                    int64_t rtt) {
  if (ticks > rtt) ticks = rtt;
  const double before = (double)(rtt - ticks), now = u * (double)ticks;
  const double sum =
      sim->packet.model->fused ? fma(reference->u, before, now) : reference->u * before + now;
  reference->u = sum / (double)rtt;
}

/* B x T of the queue's term (algorithm 1, line 5): the window at line rate, or where there is none
 * what the NIC sends in a base round trip. */
static double held(const weft_sim *sim, const struct tx_warm *warm) {
  if (warm->base_window != UINT64_MAX || sim->packet.model->int_format != NULL)
    return (double)warm->base_window;
  return (double)warm->line_bps * (double)warm->base_rtt_ps / 8e12;
}

/* Fold the telemetry of an ACK into the averages. */
static void measure(weft_sim *sim, uint32_t slot, struct hpcc *hpcc, const struct cc_ack *ack) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const double tick_s = sim->packet.model->tick_s;
  const int64_t rtt = hpcc->rtt / cc_tick(sim);
  double worst = 0;
  int64_t worst_ticks = 0;
  for (uint32_t i = 0; i < ack->hops; ++i) {
    struct hop *hop = hop_at(sim, hpcc, i);
    const struct progress passed = progress_of(sim, &hop->last, &ack->telemetry[i]);
    const double seconds = (double)passed.ticks * tick_s;
    const double tx_bps = (double)(passed.bytes * 8) / seconds;
    const double u = tx_bps / (double)hop->bps + (double)passed.queue * (double)warm->line_bps /
                                                     (double)hop->bps / held(sim, warm);
    hop->last = ack->telemetry[i];
    if (sim->config.hpcc_multi_rate) {
      average(sim, own_reference(hop), u, passed.ticks, rtt);
    } else if (u > worst) { /* false also when nothing was sent in no time */
      worst = u;
      worst_ticks = passed.ticks;
    }
  }
  if (!sim->config.hpcc_multi_rate) average(sim, &hpcc->whole, worst, worst_ticks, rtt);
}

/* The rate that a reference calls for; a renewal makes it the new reference. */
static uint64_t react(const weft_sim *sim, struct reference *reference, uint64_t line_bps,
                      int renew) {
  const weft_config *config = &sim->config;
  const double excess = reference->u / config->hpcc_eta;
  const int decrease = excess >= 1 || reference->stage >= config->hpcc_max_stage;
  uint64_t rate = decrease ? cc_whole((double)reference->bps / excess) : reference->bps;
  rate = cc_at_most(cc_at_least(rate + config->hpcc_ai_bps, config->min_rate_bps), line_bps);
  if (renew) {
    reference->bps = rate;
    reference->stage = decrease ? 0 : reference->stage + 1;
  }
  return rate;
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  struct hpcc *hpcc = cc_state(sim, slot);
  if (ack->telemetry == NULL || ack->hops == 0) return; /* without a switch nothing is measured */
  if (hpcc->rate_epoch != sim->fabric.rate_epoch) learn_rates(sim, slot, hpcc);
  if (hpcc->path_seq != sim->packet.tx_warm.at[slot].path_seq) { /* other counters: begin anew */
    hpcc->path_seq = sim->packet.tx_warm.at[slot].path_seq;
    learn_rates(sim, slot, hpcc);
    hpcc->update_at = 0;
  }
  const int renew = ack->acked > hpcc->update_at;
  if (hpcc->update_at == 0) { /* the first ACK has nothing to compare with */
    if (!renew && !sim->config.hpcc_fast_react) return;
    hpcc->update_at = ack->sent;
    for (uint32_t i = 0; i < ack->hops; ++i) hop_at(sim, hpcc, i)->last = ack->telemetry[i];
    return;
  }
  if (!renew && !sim->config.hpcc_fast_react) return;
  measure(sim, slot, hpcc, ack);
  const uint64_t line_bps = sim->packet.tx_warm.at[slot].line_bps;
  uint64_t rate = line_bps;
  if (sim->config.hpcc_multi_rate)
    for (uint32_t i = 0; i < ack->hops; ++i)
      rate = cc_at_most(rate, react(sim, own_reference(hop_at(sim, hpcc, i)), line_bps, renew));
  else
    rate = react(sim, &hpcc->whole, line_bps, renew);
  weft__cc_rescale_rate(sim, slot, rate);
  if (renew && ack->sent > hpcc->update_at) hpcc->update_at = ack->sent;
}

static uint32_t variant(const weft_sim *sim) {
  return sim->config.hpcc_multi_rate;
}

#define OF_HPCC(hops)                                                                     \
  {                                                                                       \
    .name = "hpcc", .extra = CC_TELEMETRY, .paced = 1, .variant = variant,                \
    .state = FIELDS_OF("hpcc", fields, sizeof(struct hpcc)), .hop = hops, .start = start, \
    .on_ack = on_ack                                                                      \
  }

/* With one rate, and with hpcc_multi_rate. */
const struct cc_ops weft__cc_hpcc[2] = {
    OF_HPCC(FIELDS_OF("hop", hop_fields, sizeof(struct hop))),
    OF_HPCC(
        FIELDS_OF("hop with a rate", multi_fields, sizeof(struct hop) + sizeof(struct reference)))};
