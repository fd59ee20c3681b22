/* Acceleration as the engine sees it: what it is told and asked (packet/hooks.h), and what it tells
 * of itself and of partitions that are being skipped right now. */
#include "engine.h"
#include "packet/accel/accel.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "packet/accel/contention/contention.h"
#include "packet/accel/partitions/partitions.h"
#include "packet/cc/cc.h"
#include "packet/model.h"
#include "packet/hooks.h"

/* ---- hooks ---- */

static int is_busy(const weft_sim *sim) {
  return sim->accel.parked + sim->accel.unarmed > 0;
}

static uint32_t events(const weft_sim *sim) {
  return sim->accel.events;
}

/* A partition that is apart has reserved there what it could come to hold. */
static uint64_t held(const weft_sim *sim, uint32_t port) {
  const struct port_share *share = &sim->accel.port_shares.at[port];
  return share->reserved ? share->bound : sim->packet.ports.at[port].queue_bytes;
}

static const struct span_row *spans(const weft_sim *sim, uint32_t *count) {
  *count = sim->accel.span_rows.n;
  return sim->accel.span_rows.at;
}

static const struct accel_hooks hooks = {.joined = weft__partition_join,
                                         .received = weft__partition_received,
                                         .left = weft__partition_leave,
                                         .wake_port = weft__partition_wake_port,
                                         .wake_all = weft__partitions_wake_all,
                                         .disturbed = weft__partition_disturbed,
                                         .event = weft__partition_event,
                                         .catch_up = weft__partitions_catch_up,
                                         .rest = weft__crew_rest,
                                         .is_busy = is_busy,
                                         .events = events,
                                         .parked_received = weft__parked_received,
                                         .goes_on_unseen = weft__goes_on_unseen,
                                         .parked_port = weft__parked_port,
                                         .parked_stats = weft__parked_stats,
                                         .held = held,
                                         .spans = spans};

int weft__acceleration_init(weft_sim *sim) {
  const weft_config *config = &sim->config;
  if (!config->memoize && !config->fast_forward) return WEFT_OK;
  if (sim->packet.model->asked_order)
    return weft__fail(sim, WEFT_EINVAL,
                      "option %s: expected compat = none, whose events can be foreseen",
                      config->memoize ? "memoize" : "fast_forward");
  if (!weft__cc_is_described(sim->packet.cc))
    return weft__fail(sim, WEFT_EINVAL,
                      "option %s: the congestion control %s does not describe its state; expected "
                      "one that does",
                      config->memoize ? "memoize" : "fast_forward", sim->packet.cc->name);
  if (config->memoize && sim->packet.cc->outside)
    return weft__fail(sim, WEFT_EINVAL,
                      "option memoize: the state of a congestion control from outside cannot be "
                      "kept; expected an algorithm of the engine, or fast_forward alone");
  if (config->steady_samples > 0 && config->steady_samples < 4)
    return weft__fail(sim, WEFT_EINVAL, "option steady_samples: expected 0 or 4 to 64, got %u",
                      config->steady_samples);
  if (!pool_reserve(sim, sim->accel.port_shares, sim->packet.ports.n) ||
      !pool_reserve(sim, sim->accel.partition_ports, sim->packet.ports.n) ||
      !pool_reserve(sim, sim->accel.node_visits, sim->fabric.nodes.n))
    return weft__fail(sim, WEFT_ENOMEM, "fabric: out of memory");
  memset(sim->accel.port_shares.at, 0, sim->packet.ports.n * sizeof *sim->accel.port_shares.at);
  sim->accel.port_shares.n = sim->packet.ports.n;
  memset(sim->accel.node_visits.at, 0, sim->fabric.nodes.n * sizeof *sim->accel.node_visits.at);
  sim->accel.node_visits.n = sim->fabric.nodes.n;
  weft__credit_init(sim);
  const struct colouring colouring = {.acks = WEFT_ACKS_ALL, .kept = 1};
  sim->accel.memo_namespace = weft__graph_namespace(sim, &colouring);
  if (config->theta != 0) sim->packet.accel_hooks = &hooks;
  return WEFT_OK;
}

/* ---- what it tells of itself ---- */

void weft_acceleration_get(const weft_sim *sim, weft_acceleration *out) {
  *out = sim->accel.totals;
  if (out->audited > 1)
    out->audit_deviation = sqrt(sim->accel.audit_m2 / (double)(out->audited - 1));
  weft__audit_report(sim, out);
  if (sim->accel.skipped_ps > 0) out->error_estimate = sim->accel.doubt_ps / sim->accel.skipped_ps;
  for (uint32_t i = 0; i < sim->accel.partitions.n; ++i) {
    const struct partition *p = &sim->accel.partitions.at[i];
    if (p->phase == PARTITION_LIVE || p->phase == PARTITION_APART)
      out->transient_ps += sim->now - p->since;
  }
}

int weft_trace_spans(weft_sim *sim, uint32_t capacity) {
  if (!engine_can(sim, WEFT_CAN_ACCELERATE))
    return weft__engine_needs(sim, WEFT_CAN_ACCELERATE, "spans", "acceleration");
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
  const struct partition *p = &sim->accel.partitions.at[index];
  weft_time since = p->since;
  int phase = phases[p->phase];
  if (p->phase == PARTITION_MEMO && weft__memo_end(sim, index) <= sim->now) {
    phase = WEFT_PHASE_STEADY;
    since = weft__memo_end(sim, index);
  }
  if (since_ps != NULL) *since_ps = since;
  return phase;
}
