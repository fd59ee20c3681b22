/* Congestion control from outside, such as a table of Lua functions: weft_script.
 *
 * The script sees a copy of what it may know of a flow and says a rate and a timer; it cannot reach
 * into the simulation. When it fails, the run stops after the event. What it keeps for itself is
 * not part of the simulation: who forks one copies that too, and gives the copy a script of its
 * own. */
#include "engine.h"
#include "packet/cc/algorithms.h"

typedef weft_time timer_times[1];

#define SCRIPT_FIELDS(X) X(DUE, STATE, timer_times, due)

FIELDS_STRUCT(script, SCRIPT_FIELDS);
static const struct field_desc fields[] = {SCRIPT_FIELDS(FIELD_LINE)};

static weft_script_flow describe(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const struct flow *flow = &sim->flow.rows.at[tx->row];
  return (weft_script_flow){.now_ps = sim->now,
                            .base_rtt_ps = warm->base_rtt_ps,
                            .line_bps = warm->line_bps,
                            .acked_bytes = seq_bytes(sim, tx, tx->una),
                            .sent_bytes = seq_bytes(sim, tx, tx->next),
                            .rate_bps = (double)tx->rate_bps,
                            .timer_ps = -1,
                            .flow = tx->row,
                            .slot = slot,
                            .src = flow->src,
                            .dst = flow->dst,
                            .mtu_bytes = sim->config.mtu_bytes,
                            .switches = tx->hops - 1u};
}

/* Let the script look at a flow, and do what it says. */
static void call(weft_sim *sim, uint32_t slot, enum weft_script_call what, weft_script_flow *flow,
                 const weft_script_ack *ack) {
  if (sim->failed) return;
  const double before = flow->rate_bps;
  if (sim->packet.script.call(sim->packet.script.user, what, flow, ack) != 0) {
    sim->failed = WEFT_ESCRIPT;
    return;
  }
  if (flow->rate_bps != before) {
    const uint64_t rate = cc_at_most(cc_whole(flow->rate_bps), flow->line_bps);
    weft__cc_set_rate(sim, slot, cc_at_least(rate, sim->config.min_rate_bps));
  }
  if (flow->timer_ps >= 0) {
    struct script *script = cc_state(sim, slot);
    weft__cc_timer(sim, slot, 0, &script->due[0], flow->timer_ps);
  }
}

static void start(weft_sim *sim, uint32_t slot) {
  struct script *script = cc_state(sim, slot);
  weft_script_flow flow = describe(sim, slot);
  script->due[0] = -1;
  call(sim, slot, WEFT_SCRIPT_START, &flow, NULL);
}

static void on_ack(weft_sim *sim, uint32_t slot, const struct cc_ack *ack) {
  weft_script_hop hops[WEFT_PATH_MAX];
  weft_script_flow flow = describe(sim, slot);
  weft_script_ack seen = {.rtt_ps = -1, .ecn = ack->ecn != 0, .nack = ack->nack != 0};
  flow.acked_bytes = ack->acked;
  flow.sent_bytes = ack->sent;
  if (sim->packet.script.needs == WEFT_SCRIPT_TIMESTAMP) seen.rtt_ps = sim->now - ack->sent_at;
  if (ack->telemetry != NULL) {
    const uint32_t *path = slot_path(sim, slot);
    for (uint32_t i = 0; i < ack->hops; ++i) {
      const struct telemetry *from = &ack->telemetry[i];
      hops[i] = (weft_script_hop){from->time, sim->fabric.ports.at[path[i + 1]].rate_bps,
                                  from->tx_bytes, from->queue_bytes};
    }
    seen.hops = hops;
    seen.hop_count = ack->hops;
  }
  call(sim, slot, WEFT_SCRIPT_ACK, &flow, &seen);
}

static void on_timer(weft_sim *sim, uint32_t slot, uint32_t timer) {
  struct script *script = cc_state(sim, slot);
  (void)timer;
  script->due[0] = -1;
  weft_script_flow flow = describe(sim, slot);
  call(sim, slot, WEFT_SCRIPT_TIMER, &flow, NULL);
}

int weft_sim_set_script(weft_sim *sim, const weft_script *script) {
  if (!engine_can(sim, WEFT_CAN_CC))
    return weft__engine_needs(sim, WEFT_CAN_CC, "script", "congestion control");
  if (!sim->ready && sim->config.cc != WEFT_CC_SCRIPT)
    return weft__fail(sim, WEFT_ESTATE, "script: expected option cc = script");
  if (script->call == NULL || script->needs >= WEFT_SCRIPT_NEEDS_COUNT)
    return weft__fail(sim, WEFT_EINVAL, "script: expected a function and needs below %d, got %u",
                      WEFT_SCRIPT_NEEDS_COUNT, script->needs);
  sim->packet.script = *script;
  if (!sim->ready) weft__cc_use(sim, &weft__cc_script[script->needs]);
  return WEFT_OK;
}

static uint32_t variant(const weft_sim *sim) {
  return sim->packet.script.needs;
}

static int ready(weft_sim *sim) {
  if (sim->packet.script.call != NULL) return WEFT_OK;
  return weft__fail(sim, WEFT_ESTATE, "fabric: cc = script needs weft_sim_set_script first");
}

/* One for each enum weft_script_needs: what packets carry is a constant of an algorithm. */
#define OF_SCRIPT(carried)                                                                       \
  {                                                                                              \
    .name = "script", .extra = (carried), .paced = 1, .outside = 1, .variant = variant,          \
    .ready = ready, .state = FIELDS_OF("script", fields, sizeof(struct script)), .start = start, \
    .on_ack = on_ack, .on_timer = on_timer                                                       \
  }
const struct cc_ops weft__cc_script[WEFT_SCRIPT_NEEDS_COUNT] = {
    OF_SCRIPT(CC_NOTHING), OF_SCRIPT(CC_TELEMETRY), OF_SCRIPT(CC_TIMESTAMP)};
