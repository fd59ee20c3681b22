/* The life of a flow: a row for ever, which results show, and what it tells. */
#include "flow/flow.h"

#include <inttypes.h>
#include <math.h>

#include "base/hash_i.h"
#include "engine.h"
#include "fabric/fabric.h"
#include "flow/path.h"

int weft__flow_check(weft_sim *sim, const weft_flow_def *def) {
  if (!sim->ready) return weft__fail(sim, WEFT_ESTATE, "flow: call weft_fabric_ready first");
  const uint32_t ends[2] = {def->src, def->dst};
  for (int i = 0; i < 2; ++i)
    if (ends[i] >= sim->fabric.nodes.n || sim->fabric.nodes.at[ends[i]].kind != WEFT_HOST)
      return weft__fail(sim, WEFT_EINVAL, "flow %s: expected a host, got node %" PRIu32,
                        i == 0 ? "src" : "dst", ends[i]);
  if (def->src == def->dst)
    return weft__fail(sim, WEFT_EINVAL, "flow dst: expected another host than src %" PRIu32,
                      def->src);
  const uint64_t most = (uint64_t)(UINT32_MAX - 1) * sim->config.mtu_bytes;
  if (def->size_bytes < 1 || def->size_bytes > most)
    return weft__fail(sim, WEFT_EINVAL, "flow size_bytes: expected 1 to %" PRIu64 ", got %" PRIu64,
                      most, def->size_bytes);
  if (def->sport > UINT16_MAX || def->dport > UINT16_MAX)
    return weft__fail(sim, WEFT_EINVAL,
                      "flow sport, dport: expected at most 65535, got %" PRIu32 ", %" PRIu32,
                      def->sport, def->dport);
  return WEFT_OK;
}

static void init_row(weft_sim *sim, uint32_t row, const weft_flow_def *def,
                     struct flow_owner owner) {
  sim->flow.rows.at[row] = (struct flow){.size_bytes = def->size_bytes,
                                         .start_ps = def->start_ps,
                                         .received_ps = -1,
                                         .acked_ps = -1,
                                         .fct_ps = -1,
                                         .ideal_ps = -1,
                                         .src = def->src,
                                         .dst = def->dst,
                                         .tag = def->tag,
                                         .task = owner.task,
                                         .part = owner.part,
                                         .sport = (uint16_t)def->sport,
                                         .dport = (uint16_t)def->dport,
                                         .slot = WEFT_NONE};
}

/* What is to be heard of a row's flow; most rows want nothing, and then there is no list. */
static int set_wants(weft_sim *sim, uint32_t row, uint32_t wants) {
  if (wants == 0 && row >= sim->flow.wants.n) return 1;
  if (!pool_reserve(sim, sim->flow.wants, row + 1u)) return 0;
  for (; sim->flow.wants.n <= row; ++sim->flow.wants.n) sim->flow.wants.at[sim->flow.wants.n] = 0;
  sim->flow.wants.at[row] = (uint8_t)wants;
  return 1;
}

/* For most rows it is 1, and then there is no list. */
static int set_messages(weft_sim *sim, uint32_t row, uint32_t messages) {
  if (messages <= 1 && row >= sim->flow.messages.n) return 1;
  if (!pool_reserve(sim, sim->flow.messages, row + 1u)) return 0;
  while (sim->flow.messages.n <= row) sim->flow.messages.at[sim->flow.messages.n++] = 1;
  sim->flow.messages.at[row] = messages > 1 ? messages : 1;
  return 1;
}

static int reuse_row(weft_sim *sim, const weft_flow_def *def, struct flow_owner owner) {
  const uint32_t row = sim->flow.forgotten_rows.at[sim->flow.forgotten_rows.n - 1];
  if (!set_messages(sim, row, owner.messages)) return WEFT_ENOMEM;
  --sim->flow.forgotten_rows.n;
  while (sim->flow.generations.n <= row) /* room was made when the row was */
    sim->flow.generations.at[sim->flow.generations.n++] = 0;
  ++sim->flow.generations.at[row];
  init_row(sim, row, def, owner);
  sim->flow.wants.at[row] = (uint8_t)owner.wants;
  ++sim->stats.flows_added; /* those without a row of their own */
  return (int)row;
}

int weft__flow_row(weft_sim *sim, const weft_flow_def *def, struct flow_owner owner) {
  const uint32_t wants = owner.wants;
  if ((wants & FLOW_FORGETS) && sim->flow.forgotten_rows.n > 0) return reuse_row(sim, def, owner);
  const uint32_t row = sim->flow.rows.n;
  if (row >= INT32_MAX) return WEFT_ELIMIT;
  if ((wants & FLOW_FORGETS) && !(pool_reserve(sim, sim->flow.forgotten_rows, row + 1u) &&
                                  pool_reserve(sim, sim->flow.generations, row + 1u)))
    return WEFT_ENOMEM;
  if (!pool_reserve(sim, sim->flow.rows, row + 1u) || !set_wants(sim, row, wants) ||
      !set_messages(sim, row, owner.messages))
    return WEFT_ENOMEM;
  init_row(sim, row, def, owner);
  return (int)sim->flow.rows.n++;
}

/* ---- news ---- */

void weft__flow_tell(weft_sim *sim, uint32_t row, enum news_kind kind) {
  const uint32_t wanted = kind == NEWS_SENT ? FLOW_TELLS_SENT : FLOW_TELLS_END;
  if (!(flow_wants(sim, row) & wanted)) return;
  if (!pool_reserve(sim, sim->flow.news, sim->flow.news.n + 1u)) {
    weft__no_memory(sim);
    return;
  }
  const struct flow *flow = &sim->flow.rows.at[row];
  sim->flow.news.at[sim->flow.news.n++] = (struct news){flow->task, flow->part, kind};
}

/* ---- what it takes ---- */

weft_time weft__flow_ideal(const weft_sim *sim, uint32_t row, const uint32_t *ports, int hops) {
  const uint64_t size = sim->flow.rows.at[row].size_bytes, n = row_messages(sim, row);
  const uint64_t longer = size % n; /* by a byte */
  const weft_time one = weft__path_ideal(sim, ports, hops, size / n);
  if (n == 1) return one;
  const weft_time more = longer > 0 ? weft__path_ideal(sim, ports, hops, size / n + 1) : 0;
  return (weft_time)(n - longer) * one + (weft_time)longer * more;
}

static uint64_t packets_of(const weft_sim *sim, uint64_t bytes) {
  const uint64_t mtu = sim->config.mtu_bytes;
  return (bytes + mtu - 1) / mtu;
}

/* Of several messages, in the proportion of the payload. */
uint64_t weft__flow_packets(const weft_sim *sim, uint32_t row, uint64_t payload) {
  const uint64_t n = row_messages(sim, row);
  if (n == 1) return packets_of(sim, payload);
  const uint64_t size = sim->flow.rows.at[row].size_bytes, longer = size % n;
  const uint64_t all =
      (n - longer) * packets_of(sim, size / n) + longer * packets_of(sim, size / n + 1);
  return (uint64_t)ceil((double)all * ((double)payload / (double)size));
}

/* ---- begin ---- */

/* While there is no way: that of the fabric as built, for a flow that waits for a repair. */
static int built_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_count) {
  const struct flow *flow = &sim->flow.rows.at[row];
  const int hops = weft__route_as_built(sim, flow->src, flow->dst, row, 0, data);
  if (hops > 0) *ack_count = weft__route_as_built(sim, flow->src, flow->dst, row, 1, ack);
  if (hops == WEFT_ENOMEM || *ack_count == WEFT_ENOMEM) weft__no_memory(sim);
  return hops < 0 || *ack_count < 0 ? 0 : hops;
}

uint32_t weft__flow_begin(weft_sim *sim, uint32_t row, int *waits) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  struct flow *flow = &sim->flow.rows.at[row];
  ++sim->stats.flows_started;
  flow->start_ps = sim->now;
  int ack_hops;
  int hops = weft__flow_paths(sim, row, data, ack, &ack_hops);
  *waits = hops == 0;
  if (*waits) hops = built_paths(sim, row, data, ack, &ack_hops);
  if (sim->failed) return WEFT_NONE;
  if (hops == 0) {
    flow->state = FLOW_FAILED;
    ++sim->stats.flows_failed;
    weft__flow_tell(sim, row, NEWS_FAILED);
    return WEFT_NONE;
  }
  flow->ideal_ps = weft__flow_ideal(sim, row, data, hops);
  const uint32_t slot = weft__slot_take(sim, row);
  if (slot == WEFT_NONE || !weft__slot_take_path(sim, slot, data, hops, ack, ack_hops)) {
    weft__no_memory(sim);
    return WEFT_NONE;
  }
  flow->slot = slot;
  flow->state = FLOW_ACTIVE;
  return slot;
}

/* ---- end ---- */

uint64_t weft__flow_delivered(const weft_sim *sim, uint32_t row) {
  const struct flow *flow = &sim->flow.rows.at[row];
  if (flow->state != FLOW_ACTIVE) return flow->delivered_bytes;
  const uint64_t bytes = sim->engine->delivered(sim, flow->slot);
  return bytes < flow->size_bytes ? bytes : flow->size_bytes;
}

void weft__flows_settle(weft_sim *sim) {
  for (uint32_t slot = 0; slot < sim->flow.slots.n; ++slot) {
    const uint32_t row = sim->flow.slots.at[slot].row;
    if (sim->flow.slots.at[slot].active)
      flow_row_note(sim, row, weft__flow_delivered(sim, row), 0, 0);
  }
}

void weft__flows_take_rates(weft_sim *sim) {
  for (uint32_t slot = 0; sim->engine->rate != NULL && slot < sim->flow.slots.n; ++slot)
    if (sim->flow.slots.at[slot].active)
      sim->flow.rows.at[sim->flow.slots.at[slot].row].rate_bps =
          (uint64_t)(sim->engine->rate(sim, slot) + 0.5);
}

static uint64_t done_hash(weft_time time, enum weft_completion where, uint32_t row) {
  return hash_event(time, EV_FLOW_DONE + 16u * where, row);
}

static void complete(weft_sim *sim, uint32_t row, enum weft_completion where) {
  struct flow *flow = &sim->flow.rows.at[row];
  sim->fingerprint += done_hash(sim->now, where, row);
  if (sim->config.completion != where) return;
  flow->fct_ps = sim->now - flow->start_ps;
  ++sim->stats.flows_done;
  weft__flow_tell(sim, row, NEWS_DONE);
}

void weft__flow_is_received(weft_sim *sim, uint32_t row) {
  sim->flow.rows.at[row].received_ps = sim->now;
  complete(sim, row, WEFT_AT_RECEIVER);
}

void weft__flow_is_acked(weft_sim *sim, uint32_t row) {
  sim->flow.rows.at[row].acked_ps = sim->now;
  complete(sim, row, WEFT_AT_SENDER);
}

void weft__flow_over(weft_sim *sim, uint32_t slot, enum flow_state state) {
  struct flow *flow = &sim->flow.rows.at[sim->flow.slots.at[slot].row];
  sim->flow.slots.at[slot].active = 0;
  flow->state = state;
  flow->slot = WEFT_NONE;
  flow->rate_bps = 0;
  --sim->flow.active;
}

int weft__flow_is_complete(const weft_sim *sim, uint32_t row) {
  return sim->flow.rows.at[row].received_ps >= 0 && sim->config.completion == WEFT_AT_RECEIVER;
}

void weft__flow_has_failed(weft_sim *sim, uint32_t row) {
  struct flow *flow = &sim->flow.rows.at[row];
  if (weft__flow_is_complete(sim, row)) {
    flow->state = FLOW_DONE;
    flow->delivered_bytes = flow->size_bytes;
    return;
  }
  ++sim->stats.flows_failed;
  weft__flow_tell(sim, row, NEWS_FAILED);
}

void weft__flow_undo_received(weft_sim *sim, uint32_t row, weft_time time) {
  struct flow *flow = &sim->flow.rows.at[row];
  const int counts = sim->config.completion == WEFT_AT_RECEIVER;
  if (flow->received_ps <= time) return;
  sim->fingerprint -= done_hash(flow->received_ps, WEFT_AT_RECEIVER, row);
  sim->stats.flows_done -= counts ? 1 : 0;
  flow->received_ps = -1;
  if (counts) flow->fct_ps = -1;
}
