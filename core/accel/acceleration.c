/* What acceleration tells of itself, and of zones that are being skipped right now. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "accel/accel.h"
#include "accel/zone.h"

void weft_acceleration_get(const weft_sim *sim, weft_acceleration *out) {
  *out = sim->acceleration;
  if (out->audited > 1) out->audit_deviation = sqrt(sim->audit_m2 / (double)(out->audited - 1));
  weft__audit_report(sim, out);
  if (sim->skipped_ps > 0) out->error_estimate = sim->doubt_ps / sim->skipped_ps;
  for (uint32_t i = 0; i < sim->zones.n; ++i) {
    const struct zone *z = &sim->zones.at[i];
    if (z->phase == ZONE_LIVE || z->phase == ZONE_APART) out->transient_ps += sim->now - z->since;
  }
}

int weft_trace_spans(weft_sim *sim, uint32_t capacity) {
  if (!pool_reserve(sim, sim->span_rows, capacity))
    return weft__fail(sim, WEFT_ENOMEM, "spans: out of memory");
  sim->span_capacity = capacity;
  return WEFT_OK;
}

int weft_flow_phase(const weft_sim *sim, uint32_t flow, weft_time *since_ps) {
  static const uint8_t phases[] = {
      [ZONE_FREE] = WEFT_PHASE_NONE,     [ZONE_LIVE] = WEFT_PHASE_TRANSIENT,
      [ZONE_STEADY] = WEFT_PHASE_STEADY, [ZONE_MEMO] = WEFT_PHASE_MEMO,
      [ZONE_FOLLOW] = WEFT_PHASE_MEMO,   [ZONE_APART] = WEFT_PHASE_TRANSIENT};
  if (since_ps != NULL) *since_ps = sim->now;
  if (flow >= sim->flows.n) return WEFT_EINVAL;
  const struct flow *f = &sim->flows.at[flow];
  if (f->state != FLOW_ACTIVE) return WEFT_PHASE_NONE;
  if (f->slot >= sim->members.n || sim->members.at[f->slot].zone == WEFT_NONE)
    return WEFT_PHASE_TRANSIENT;
  const uint32_t index = sim->members.at[f->slot].zone;
  const struct zone *z = &sim->zones.at[index];
  weft_time since = z->since;
  int phase = phases[z->phase];
  if (z->phase == ZONE_MEMO && weft__memo_end(sim, index) <= sim->now) {
    phase = WEFT_PHASE_STEADY;
    since = weft__memo_end(sim, index);
  }
  if (since_ps != NULL) *since_ps = since;
  return phase;
}
