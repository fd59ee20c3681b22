/* Audits: some of what is skipped is simulated all the same, on a copy, and compared.
 *
 * A span by itself, at its end: how far have its flows come? That is what the span alone did, from
 * the state in which its partition was left. It does not see what was wrong with that state: a rate
 * that would have crept on, a record of flows that had begun otherwise. So for the same spans a
 * copy is made before them, in which this partition is not skipped any more, and simulated until
 * its flows are over; their completion times are kept, and compared with those of the run. */
#include <math.h>

#include "packet/accel/partitions/partitions.h"
#include "packet/cc/cc.h"
#include "base/rng_i.h"

/* Welford's mean and variance of |error|, the mean of errors, and the largest. */
struct tally {
  uint64_t n;
  double mean, m2, largest, bias;
};

static void tally_add(struct tally *t, double error) {
  const double size = fabs(error), off = size - t->mean;
  ++t->n;
  t->mean += off / (double)t->n;
  t->m2 += off * (size - t->mean);
  t->bias += (error - t->bias) / (double)t->n;
  if (size > t->largest) t->largest = size;
}

int weft__audit_is_drawn(const weft_sim *sim, uint32_t partition, weft_time parked_at) {
  return sim->config.audit > 0 &&
         rng_uniform(sim->config.seed, RNG_AUDIT, sim->accel.partitions.at[partition].serial,
                     (uint64_t)parked_at) < sim->config.audit;
}

/* A copy that audits nothing; NULL if there is no memory, or if congestion control keeps what no
 * copy has: one audit less. */
static weft_sim *copy_of(const weft_sim *sim) {
  weft_sim *copy;
  if (sim->packet.cc->outside) return NULL;
  if (sim->whole->fork(sim, &copy) != WEFT_OK) {
    sim->whole->destroy(copy);
    return NULL;
  }
  copy->config.audit = 0;
  copy->config.threads = 1;
  return copy;
}

/* ---- a span ---- */

/* By what part a flow was put too far. Who is over in the copy before the span is would have gone
 * on as it did in the copy's part of the span: else that nothing was left of it would bound what it
 * is put too little by. It is over when all has arrived, so arrivals are counted there. */
static double off_by(const weft_sim *sim, const weft_sim *copy, uint32_t slot, weft_time begin) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct flow *flow = &copy->flow.rows.at[tx->row];
  if (flow->state == FLOW_ACTIVE)
    return (double)(tx->next + weft__parked_sent(sim, slot)) /
               (double)copy->packet.tx.at[slot].next -
           1;
  const double received = sim->packet.rx.at[slot].next, all = tx->total;
  const double skipped = received + (double)weft__parked_received(sim, slot);
  const weft_time end = flow->start_ps + flow->fct_ps;
  if (end <= begin) return skipped / all - 1;
  const double rate = (all - received) / (double)(end - begin);
  return skipped / (all + rate * (double)(sim->now - end)) - 1;
}

/* A flow that is so much ahead at the end of a span will be over earlier by that part of its time.
 */
static void compare(weft_sim *sim, double error) {
  weft_acceleration *a = &sim->accel.totals;
  struct tally t = {a->audited, a->audit_mean, sim->accel.audit_m2, a->audit_largest,
                    a->audit_bias};
  tally_add(&t, error);
  a->audited = t.n;
  a->audit_mean = t.mean;
  sim->accel.audit_m2 = t.m2;
  a->audit_largest = t.largest;
  a->audit_bias = t.bias;
}

void weft__audit(weft_sim *sim, uint32_t partition) {
  weft_sim *copy = copy_of(sim);
  if (copy == NULL) return;
  weft__partition_list_ports(copy, partition);
  weft__partition_mark(copy, partition, 0);
  copy->packet.accel_hooks = NULL; /* flows may end there, and what is left is of no interest */
  weft__replay(copy, partition, copy->now - 1);
  const struct partition *p = &sim->accel.partitions.at[partition];
  FOR_MEMBERS(slot, sim, p)
  if (!copy->failed && copy->flow.rows.at[sim->packet.tx.at[slot].row].state != FLOW_FAILED)
    compare(sim, off_by(sim, copy, slot, p->parked_at));
  sim->whole->destroy(copy);
}

/* ---- whole flows ---- */

enum {
  TURN = 1 << 16, /* events between two looks at whether they are over */
  EVENTS_MOST = 1 << 25 /* of a copy: flows that take longer are not compared */
};

/* From now on the partition is simulated, whatever joins it; all others are skipped as they are in
 * the run itself. */
static void stop_skipping(weft_sim *copy, uint32_t partition) {
  struct partition *p = &copy->accel.partitions.at[partition];
  p->plain = 1;
  p->record = 0; /* which it is about to take */
  p->look = LATEST_PS;
  weft__partition_go_live(copy, partition);
}

/* Once a flow, from before the first of its spans that is drawn. */
static int is_known(const weft_sim *sim, uint32_t slot) {
  return sim->accel.members.at[slot].audited == sim->packet.tx.at[slot].row + 1;
}

static int are_over(const weft_sim *sim, const weft_sim *copy, uint32_t partition) {
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition])
  if (!is_known(sim, slot) && copy->flow.rows.at[sim->packet.tx.at[slot].row].fct_ps < 0) return 0;
  return 1;
}

void weft__audit_flows(weft_sim *sim, uint32_t partition) {
  const uint64_t flows = sim->accel.partitions.at[partition].flows;
  if (are_over(sim, sim, partition)) return;
  if (!pool_reserve(sim, sim->accel.audit_rows, sim->accel.audit_rows.n + flows)) return;
  weft_sim *copy = copy_of(sim);
  if (copy == NULL) return;
  stop_skipping(copy, partition);
  int result = WEFT_RUN_BUDGET;
  for (uint32_t turn = 0; turn < EVENTS_MOST / TURN && result == WEFT_RUN_BUDGET; ++turn) {
    if (sim->interrupted || are_over(sim, copy, partition)) break;
    result = sim->whole->run(copy, -1, TURN);
  }
  FOR_MEMBERS(slot, sim, &sim->accel.partitions.at[partition]) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    const struct flow *flow = &copy->flow.rows.at[row];
    const int is_other = flow->start_ps != sim->flow.rows.at[row].start_ps; /* a row used again */
    if (is_known(sim, slot) || flow->fct_ps < 0 || is_other) continue;
    sim->accel.members.at[slot].audited = row + 1;
    sim->accel.audit_rows.at[sim->accel.audit_rows.n++] =
        (struct audit_row){.start = flow->start_ps, .fct = flow->fct_ps, .row = row};
  }
  sim->whole->destroy(copy);
}

void weft__audit_report(const weft_sim *sim, weft_acceleration *out) {
  struct tally t = {0};
  for (uint32_t i = 0; i < sim->accel.audit_rows.n; ++i) {
    const struct audit_row *plain = &sim->accel.audit_rows.at[i];
    const struct flow *flow = &sim->flow.rows.at[plain->row];
    if (flow->start_ps != plain->start || flow->fct_ps < 0) continue; /* another, or not over */
    tally_add(&t, (double)(flow->fct_ps - plain->fct) / (double)plain->fct);
  }
  out->audited_flows = t.n;
  out->flows_mean = t.mean;
  out->flows_deviation = t.n > 1 ? sqrt(t.m2 / (double)(t.n - 1)) : 0;
  out->flows_largest = t.largest;
  out->flows_bias = t.bias;
}
