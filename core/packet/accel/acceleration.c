/* What acceleration tells of itself, and of partitions that are being skipped right now. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "packet/accel/contention/contention.h"
#include "packet/accel/partition.h"

void weft_acceleration_get(const weft_sim *sim, weft_acceleration *out) {
  *out = sim->accel.totals;
  if (out->audited > 1)
    out->audit_deviation = sqrt(sim->accel.audit_m2 / (double)(out->audited - 1));
  weft__audit_report(sim, out);
  if (sim->accel.skipped_ps > 0) out->error_estimate = sim->accel.doubt_ps / sim->accel.skipped_ps;
  for (uint32_t i = 0; i < sim->accel.partitions.n; ++i) {
    const struct partition *z = &sim->accel.partitions.at[i];
    if (z->phase == PARTITION_LIVE || z->phase == PARTITION_APART)
      out->transient_ps += sim->now - z->since;
  }
}

int weft_trace_spans(weft_sim *sim, uint32_t capacity) {
  if (!pool_reserve(sim, sim->accel.span_rows, capacity))
    return weft__fail(sim, WEFT_ENOMEM, "spans: out of memory");
  sim->accel.span_capacity = capacity;
  return WEFT_OK;
}

int weft_flow_phase(const weft_sim *sim, uint32_t flow, weft_time *since_ps) {
  static const uint8_t phases[] = {
      [PARTITION_FREE] = WEFT_PHASE_NONE,     [PARTITION_LIVE] = WEFT_PHASE_TRANSIENT,
      [PARTITION_STEADY] = WEFT_PHASE_STEADY, [PARTITION_MEMO] = WEFT_PHASE_MEMO,
      [PARTITION_FOLLOW] = WEFT_PHASE_MEMO,   [PARTITION_APART] = WEFT_PHASE_TRANSIENT};
  if (since_ps != NULL) *since_ps = sim->now;
  if (flow >= sim->flow.rows.n) return WEFT_EINVAL;
  const struct flow *f = &sim->flow.rows.at[flow];
  if (f->state != FLOW_ACTIVE) return WEFT_PHASE_NONE;
  if (f->slot >= sim->accel.members.n || sim->accel.members.at[f->slot].partition == WEFT_NONE)
    return WEFT_PHASE_TRANSIENT;
  const uint32_t index = sim->accel.members.at[f->slot].partition;
  const struct partition *z = &sim->accel.partitions.at[index];
  weft_time since = z->since;
  int phase = phases[z->phase];
  if (z->phase == PARTITION_MEMO && weft__memo_end(sim, index) <= sim->now) {
    phase = WEFT_PHASE_STEADY;
    since = weft__memo_end(sim, index);
  }
  if (since_ps != NULL) *since_ps = since;
  return phase;
}
