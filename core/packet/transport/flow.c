/* The life of a flow: a row for ever, a slot while it is active.
 *
 * Rows are what results show; slots hold what the engine works with and are reused, so that memory
 * grows with the flows in flight. A slot is free again when the flow is over and the last packet
 * that names it has left the network. */
#include <inttypes.h>
#include <string.h>

#include "flow/rows.h"
#include "packet/accel/partition.h"
#include "base/hash_i.h"
#include "packet/cc/cc.h"
#include "packet/domains/domains.h"
#include "fabric/fabric.h"
#include "fabric/path.h"
#include "packet/transport/selective.h"
#include "work/work.h"

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

static void init_row(weft_sim *sim, uint32_t row, const weft_flow_def *def, uint32_t task) {
  sim->flow.rows.at[row] = (struct flow){.size_bytes = def->size_bytes,
                                         .start_ps = def->start_ps,
                                         .received_ps = -1,
                                         .acked_ps = -1,
                                         .fct_ps = -1,
                                         .ideal_ps = -1,
                                         .src = def->src,
                                         .dst = def->dst,
                                         .tag = def->tag,
                                         .task = task,
                                         .sport = (uint16_t)def->sport,
                                         .dport = (uint16_t)def->dport,
                                         .slot = WEFT_NONE};
}

int weft__flow_row(weft_sim *sim, const weft_flow_def *def, uint32_t task) {
  if (sim->flow.rows.n >= INT32_MAX) return WEFT_ELIMIT;
  if (!pool_reserve(sim, sim->flow.rows, sim->flow.rows.n + 1u)) return WEFT_ENOMEM;
  init_row(sim, sim->flow.rows.n, def, task);
  return (int)sim->flow.rows.n++;
}

int weft__flow_row_to_forget(weft_sim *sim, const weft_flow_def *def, uint32_t task) {
  const uint32_t row = row_again(sim);
  if (row == WEFT_NONE)
    return row_forget_reserve(sim) ? weft__flow_row(sim, def, task) : WEFT_ENOMEM;
  init_row(sim, row, def, task);
  ++sim->stats.flows_added; /* those without a row of their own */
  return (int)row;
}

/* May the row of a flow be used again, once it is over? */
static int is_to_forget(const weft_sim *sim, const struct flow *flow) {
  if (flow->task == WEFT_NONE || flow->state == FLOW_FAILED) return 0;
  const uint32_t collective = sim->work.tasks.at[flow->task].collective;
  return collective != WEFT_NONE && sim->work.collectives.at[collective].forgets;
}

static int is_quiet(const weft_sim *sim, uint32_t slot) {
  return sim->packet.tx_warm.at[slot].packets_out == 0 &&
         !(sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_IN_LIST));
}

int weft__flow_rows_wait(const weft_sim *sim) {
  if (sim->flow.forgotten_rows.cap == 0) return 0;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot)
    if (!is_quiet(sim, slot) && is_to_forget(sim, &sim->flow.rows.at[sim->packet.tx.at[slot].row]))
      return 1;
  return 0;
}

/* ---- slots ---- */

/* A longer path than any before: give all slots room for it. Rare, and only for active flows. */
int weft__slots_widen(weft_sim *sim, uint32_t path_ports) {
  const struct cc_ops *cc = sim->packet.cc;
  const uint32_t old_ports = sim->flow.path_ports, old_words = sim->packet.cc_words;
  const uint32_t words = cc->state_words(sim, path_ports);
  const uint64_t slots = sim->packet.tx.n,
                 blocks = old_ports ? sim->packet.telemetry.n / old_ports : 0;
  if (!pool_reserve(sim, sim->flow.paths, slots * 2 * path_ports) ||
      !pool_reserve(sim, sim->packet.cc_state, slots * words) ||
      !pool_reserve(sim, sim->packet.telemetry, blocks * path_ports))
    return 0;
  for (uint64_t i = slots; i-- > 0;) {
    uint32_t *path = &sim->flow.paths.at[i * 2 * path_ports];
    memmove(path, &sim->flow.paths.at[i * 2 * old_ports], 2 * old_ports * sizeof *path);
    memset(path + 2 * old_ports, 0xff, 2 * (path_ports - old_ports) * sizeof *path);
    uint64_t *state = &sim->packet.cc_state.at[i * words];
    if (old_words > 0)
      memmove(state, &sim->packet.cc_state.at[i * old_words], old_words * sizeof *state);
    if (words > old_words) memset(state + old_words, 0, (words - old_words) * sizeof *state);
  }
  for (uint64_t i = blocks; i-- > 0;) {
    struct telemetry *block = &sim->packet.telemetry.at[i * path_ports];
    memmove(block, &sim->packet.telemetry.at[i * old_ports], old_ports * sizeof *block);
    memset(block + old_ports, 0, (path_ports - old_ports) * sizeof *block);
  }
  sim->flow.paths.n = (uint32_t)(slots * 2 * path_ports);
  sim->packet.cc_state.n = (uint32_t)(slots * words);
  sim->packet.telemetry.n = (uint32_t)(blocks * path_ports);
  sim->flow.path_ports = path_ports;
  sim->packet.cc_words = words;
  return 1;
}

static uint32_t take_slot(weft_sim *sim) {
  if (sim->flow.free_slots.n > 0) return sim->flow.free_slots.at[--sim->flow.free_slots.n];
  const uint64_t n = sim->packet.tx.n + 1ull;
  if (n > EVENT_SOURCE_MASK / CC_TIMERS) return WEFT_NONE;
  if (!pool_reserve(sim, sim->packet.tx, n) || !pool_reserve(sim, sim->packet.tx_warm, n) ||
      !pool_reserve(sim, sim->packet.rx, n) || !pool_reserve(sim, sim->flow.free_slots, n) ||
      !pool_reserve(sim, sim->flow.paths, n * 2 * sim->flow.path_ports) ||
      !pool_reserve(sim, sim->packet.cc_state, n * sim->packet.cc_words))
    return WEFT_NONE;
  if (is_selective(sim)) {
    if (!pool_reserve(sim, sim->packet.selective, n)) return WEFT_NONE;
    sim->packet.selective.n = (uint32_t)n;
  }
  sim->packet.tx.n = sim->packet.tx_warm.n = sim->packet.rx.n = (uint32_t)n;
  sim->flow.paths.n = (uint32_t)n * 2 * sim->flow.path_ports;
  sim->packet.cc_state.n = (uint32_t)n * sim->packet.cc_words;
  return (uint32_t)n - 1;
}

void weft__flow_free_when_quiet(weft_sim *sim, uint32_t slot) {
  if (!is_quiet(sim, slot)) return;
  sim->flow.free_slots.at[sim->flow.free_slots.n++] = slot;
  const uint32_t row = sim->packet.tx.at[slot].row;
  if (is_to_forget(sim, &sim->flow.rows.at[row]))
    sim->flow.forgotten_rows.at[sim->flow.forgotten_rows.n++] = row;
}

void weft__packet_release(weft_sim *sim, const struct packet *packet) {
  if (packet->telemetry != 0)
    sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] = packet->telemetry;
  --sim->packet.tx_warm.at[packet->flow].packets_out;
  weft__flow_free_when_quiet(sim, packet->flow);
}

void weft__packet_gone(weft_sim *sim, const struct packet *packet) {
  if (packet->telemetry != 0)
    sim->packet.telemetry_free.at[sim->packet.telemetry_free.n++] = packet->telemetry;
  if (sim->domains.index != 0 && weft__domain_of_slot(sim, packet->flow) != sim->domains.index)
    weft__domain_send_gone(sim, packet->flow);
  else
    weft__packet_gone_at(sim, packet->flow, sim->now);
}

void weft__packet_gone_at(weft_sim *sim, uint32_t slot, weft_time time) {
  weft__rto_gone(sim, slot, time);
  --sim->packet.tx_warm.at[slot].packets_out;
  weft__flow_free_when_quiet(sim, slot);
}

uint32_t weft__telemetry_new(weft_sim *sim) {
  const uint32_t blocks = sim->packet.telemetry.n / sim->flow.path_ports + 1;
  if (!pool_reserve(sim, sim->packet.telemetry, (uint64_t)blocks * sim->flow.path_ports) ||
      !pool_reserve(sim, sim->packet.telemetry_free, blocks) ||
      (is_selective(sim) && !pool_reserve(sim, sim->packet.triggers, blocks))) {
    weft__no_memory(sim);
    return 0;
  }
  memset(&sim->packet.telemetry.at[sim->packet.telemetry.n], 0,
         sim->flow.path_ports * sizeof *sim->packet.telemetry.at);
  sim->packet.telemetry.n = blocks * sim->flow.path_ports;
  if (is_selective(sim)) sim->packet.triggers.n = blocks;
  return blocks;
}

uint32_t weft__telemetry_take(weft_sim *sim) {
  if (sim->packet.telemetry_free.n > 0)
    return sim->packet.telemetry_free.at[--sim->packet.telemetry_free.n];
  return weft__telemetry_new(sim);
}

/* ---- start ---- */

int weft__flow_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_hops) {
  const struct flow *flow = &sim->flow.rows.at[row];
  const int hops = weft__route(sim, flow->src, flow->dst, row, 0, data);
  *ack_hops = weft__route(sim, flow->src, flow->dst, row, 1, ack);
  return hops < 0 || *ack_hops < 0 ? 0 : hops;
}

void weft__flow_take_path(weft_sim *sim, uint32_t slot, const uint32_t *data, int hops,
                          const uint32_t *ack, int ack_hops) {
  uint32_t *path = slot_path(sim, slot);
  memset(path, 0xff,
         2 * sim->flow.path_ports * sizeof *path); /* WEFT_NONE: nothing of an older path */
  memcpy(path, data, (size_t)hops * sizeof *path);
  memcpy(path + hops, ack, (size_t)ack_hops * sizeof *path);
  sim->packet.tx.at[slot].hops = (uint8_t)hops;
  sim->packet.tx.at[slot].port = data[0];
  sim->packet.rx.at[slot].port = ack[0];
  sim->packet.rx.at[slot].hop = (uint32_t)hops + 1;
}

static void init_slot(weft_sim *sim, uint32_t slot, uint32_t row) {
  const struct cc_ops *cc = sim->packet.cc;
  const weft_config *config = &sim->config;
  const uint64_t size = sim->flow.rows.at[row].size_bytes, mtu = config->mtu_bytes;
  const uint32_t total = (uint32_t)((size + mtu - 1) / mtu);
  const int paced = cc->paced || config->max_rate_bps != 0;
  sim->packet.tx.at[slot] = (struct tx){.total = total,
                                        .list_next = WEFT_NONE,
                                        .list_prev = WEFT_NONE,
                                        .row = row,
                                        .last_bytes = (uint16_t)(size - (total - 1) * mtu),
                                        .flags = (uint8_t)(TX_ACTIVE | (paced ? TX_PACED : 0))};
  sim->packet.tx_warm.at[slot] = (struct tx_warm){
      .progress_at = sim->now, .rto_event = -1, .asked_at = -1, .answer_at = -1, .gone_at = -1};
  sim->packet.rx.at[slot] = (struct rx){.total = total, .row = row};
  if (is_selective(sim)) sim->packet.selective.at[slot] = (struct selective){.resend = 0};
  if (sim->packet.cc_words > 0)
    memset(cc_state(sim, slot), 0, sim->packet.cc_words * sizeof(uint64_t));
}

/* Line rate, base RTT and the window that they call for. */
static void init_rate(weft_sim *sim, uint32_t slot, int hops, int ack_hops) {
  const weft_config *config = &sim->config;
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  /* As built: a NIC that runs degraded throttles by itself, and may be repaired. */
  warm->line_bps = sim->packet.port_cold.at[path[0]].built_rate_bps;
  if (config->max_rate_bps != 0 && config->max_rate_bps < warm->line_bps)
    warm->line_bps = config->max_rate_bps;
  weft__flow_take_rtt(sim, slot, path, hops, path + hops, ack_hops);
  weft__cc_set_rate(sim, slot, warm->line_bps);
}

/* While there is no way: that of the fabric as built, for a flow that waits for a repair. */
static int built_paths(weft_sim *sim, uint32_t row, uint32_t *data, uint32_t *ack, int *ack_count) {
  const struct flow *flow = &sim->flow.rows.at[row];
  const int hops = weft__route_as_built(sim, flow->src, flow->dst, row, 0, data);
  if (hops > 0) *ack_count = weft__route_as_built(sim, flow->src, flow->dst, row, 1, ack);
  if (hops == WEFT_ENOMEM || *ack_count == WEFT_ENOMEM) weft__no_memory(sim);
  return hops < 0 || *ack_count < 0 ? 0 : hops;
}

uint32_t weft__flow_prepare(weft_sim *sim, uint32_t row) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  struct flow *flow = &sim->flow.rows.at[row];
  ++sim->stats.flows_started;
  flow->start_ps = sim->now;
  int ack_hops;
  int hops = weft__flow_paths(sim, row, data, ack, &ack_hops);
  const int waits = hops == 0;
  if (waits) hops = built_paths(sim, row, data, ack, &ack_hops);
  if (sim->failed) return WEFT_NONE;
  if (hops == 0) {
    flow->state = FLOW_FAILED;
    ++sim->stats.flows_failed;
    if (flow->task != WEFT_NONE) weft__task_flow_done(sim, row, 0);
    return WEFT_NONE;
  }
  flow->ideal_ps = weft__path_ideal(sim, data, hops, flow->size_bytes);
  const uint32_t longest = (uint32_t)(hops > ack_hops ? hops : ack_hops);
  if (longest > sim->flow.path_ports && !weft__slots_widen(sim, longest)) {
    weft__no_memory(sim);
    return WEFT_NONE;
  }
  const uint32_t slot = take_slot(sim);
  if (slot == WEFT_NONE) {
    weft__no_memory(sim);
    return WEFT_NONE;
  }
  flow->slot = slot;
  flow->state = FLOW_ACTIVE;
  init_slot(sim, slot, row);
  weft__flow_take_path(sim, slot, data, hops, ack, ack_hops);
  init_rate(sim, slot, hops, ack_hops);
  sim->packet.cc->start(sim, slot);
  if (waits) weft__rto_cut_off(sim, slot);
  return slot;
}

void weft__flow_activate(weft_sim *sim, uint32_t slot) {
  ++sim->flow.active;
  if (sim->accel.on) weft__partition_join(sim, slot);
  if (!(sim->packet.tx.at[slot].flags & TX_CUT_OFF)) {
    weft__nic_add(sim, slot);
    weft__nic_kick_flow(sim, slot);
  }
  if (sim->config.give_up_ps != 0) weft__rto_arm(sim, slot);
}

void weft__flow_start(weft_sim *sim, uint32_t row) {
  const uint32_t slot = weft__flow_prepare(sim, row);
  if (slot != WEFT_NONE) weft__flow_activate(sim, slot);
}

/* ---- end ---- */

uint64_t weft__flow_delivered(const weft_sim *sim, uint32_t row) {
  const struct flow *flow = &sim->flow.rows.at[row];
  if (flow->state != FLOW_ACTIVE) return flow->delivered_bytes;
  uint64_t packets = sim->packet.rx.at[flow->slot].next;
  if (sim->packet.tx.at[flow->slot].flags & TX_PARKED)
    packets += weft__parked_received(sim, flow->slot);
  const uint64_t bytes = packets * sim->config.mtu_bytes;
  return bytes < flow->size_bytes ? bytes : flow->size_bytes;
}

static void leave(weft_sim *sim, uint32_t slot, enum flow_state state) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct flow *flow = &sim->flow.rows.at[tx->row];
  /* The ns-3 model's NIC takes finished flows off its list when it next walks over them. */
  if ((tx->flags & TX_IN_LIST) && !is_ns3(sim)) weft__nic_remove(sim, slot);
  weft__rto_rejoin(sim, slot);
  tx->flags &= (uint8_t)~TX_ACTIVE;
  if (sim->accel.on) weft__partition_leave(sim, slot);
  if (is_selective(sim)) weft__selective_release(sim, slot);
  /* Of a flow that has failed: as far as its sender knows. */
  const uint64_t acked = (uint64_t)tx->una * sim->config.mtu_bytes;
  flow->delivered_bytes = acked < flow->size_bytes ? acked : flow->size_bytes;
  flow->retransmits = sim->packet.tx_warm.at[slot].retransmits;
  flow->ecn_marks = sim->packet.tx_warm.at[slot].ecn_marks;
  flow->state = state;
  flow->slot = WEFT_NONE;
  --sim->flow.active;
  weft__flow_free_when_quiet(sim, slot);
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
  if (flow->task != WEFT_NONE) weft__task_flow_done(sim, row, 1);
}

void weft__flow_received(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.rx.at[slot].row;
  sim->flow.rows.at[row].received_ps = sim->now;
  if (sim->accel.on) weft__partition_received(sim, slot);
  complete(sim, row, WEFT_AT_RECEIVER);
}

void weft__flow_acked(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  sim->flow.rows.at[row].acked_ps = sim->now;
  leave(sim, slot, FLOW_DONE);
  complete(sim, row, WEFT_AT_SENDER);
}

void weft__flow_fail(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  const struct flow *flow = &sim->flow.rows.at[row];
  if (sim->domains.index != 0) weft__domain_note_failed(sim, slot);
  leave(sim, slot, FLOW_FAILED);
  if (sim->domains.index != 0) return;
  sim->packet.rx.at[slot].total = 0; /* what still comes will never be all */
  const int had_completed = flow->received_ps >= 0 && sim->config.completion == WEFT_AT_RECEIVER;
  sim->stats.flows_failed += !had_completed;
  if (flow->task != WEFT_NONE && !had_completed) weft__task_flow_done(sim, row, 0);
}

void weft__flow_failed_at(weft_sim *sim, uint32_t slot, uint32_t row, weft_time time) {
  struct flow *flow = &sim->flow.rows.at[row];
  if (sim->packet.rx.at[slot].row == row) sim->packet.rx.at[slot].total = 0;
  const int counts = sim->config.completion == WEFT_AT_RECEIVER;
  if (flow->received_ps > time) { /* its receiver could not know: as if it had not been received */
    sim->fingerprint -= done_hash(flow->received_ps, WEFT_AT_RECEIVER, row);
    sim->stats.flows_done -= counts ? 1 : 0;
    flow->received_ps = -1;
    if (counts) flow->fct_ps = -1;
  }
  sim->stats.flows_failed += flow->received_ps < 0 || !counts;
}
