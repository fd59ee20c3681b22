/* Senders: the packet model's part of a flow's life. A slot is given back when the flow is over and
 * the last packet that names it has left the network. */
#include "base/hash_i.h"
#include <string.h>

#include "packet/accel/partition.h"
#include "packet/cc/cc.h"
#include "packet/domains/domains.h"
#include "packet/transport/selective.h"

static int is_quiet(const weft_sim *sim, uint32_t slot) {
  return sim->packet.tx_warm.at[slot].packets_out == 0 &&
         !(sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_IN_LIST));
}

int weft__flow_rows_wait(const weft_sim *sim) {
  if (sim->flow.forgotten_rows.cap == 0) return 0;
  for (uint32_t slot = 0; slot < sim->packet.tx.n; ++slot) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    if (!is_quiet(sim, slot) && (flow_wants(sim, row) & FLOW_FORGETS) &&
        sim->flow.rows.at[row].state != FLOW_FAILED)
      return 1;
  }
  return 0;
}

/* ---- slots ---- */

static void widen_telemetry(weft_sim *sim, uint64_t blocks, uint32_t path_ports) {
  const uint32_t old = sim->flow.path_ports;
  for (uint64_t i = blocks; i-- > 0;) {
    struct telemetry *block = &sim->packet.telemetry.at[i * path_ports];
    memmove(block, &sim->packet.telemetry.at[i * old], old * sizeof *block);
    memset(block + old, 0, (path_ports - old) * sizeof *block);
  }
  sim->packet.telemetry.n = (uint32_t)(blocks * path_ports);
}

static void widen_cc(weft_sim *sim, uint64_t slots, uint32_t words) {
  const uint32_t old = sim->packet.cc_words;
  for (uint64_t i = slots; i-- > 0;) {
    uint64_t *state = &sim->packet.cc_state.at[i * words];
    if (old > 0) memmove(state, &sim->packet.cc_state.at[i * old], old * sizeof *state);
    if (words > old) memset(state + old, 0, (words - old) * sizeof *state);
  }
  sim->packet.cc_words = words;
}

/* Paths are longer than any before: telemetry has an entry per port, and so may congestion
 * control. */
static int widen(weft_sim *sim, uint32_t path_ports) {
  const uint32_t old = sim->flow.path_ports, words = sim->packet.cc->state_words(sim, path_ports);
  const uint64_t slots = sim->packet.tx.n, blocks = old > 0 ? sim->packet.telemetry.n / old : 0;
  if (!pool_reserve(sim, sim->packet.cc_state, slots * words) ||
      !pool_reserve(sim, sim->packet.telemetry, blocks * path_ports))
    return 0;
  widen_cc(sim, slots, words);
  widen_telemetry(sim, blocks, path_ports);
  sim->packet.cc_state.n = (uint32_t)(slots * words);
  return 1;
}

int weft__senders_reserve(weft_sim *sim, uint32_t n, uint32_t path_ports) {
  if (path_ports > sim->flow.path_ports && !widen(sim, path_ports)) return 0;
  const uint64_t words = (uint64_t)n * sim->packet.cc_words;
  if (!pool_reserve(sim, sim->packet.tx, n) || !pool_reserve(sim, sim->packet.tx_warm, n) ||
      !pool_reserve(sim, sim->packet.rx, n) || !pool_reserve(sim, sim->packet.cc_state, words) ||
      (is_selective(sim) && !pool_reserve(sim, sim->packet.selective, n)))
    return 0;
  sim->packet.tx.n = sim->packet.tx_warm.n = sim->packet.rx.n = n;
  sim->packet.cc_state.n = (uint32_t)words;
  if (is_selective(sim)) sim->packet.selective.n = n;
  return 1;
}

void weft__flow_free_when_quiet(weft_sim *sim, uint32_t slot) {
  if (is_quiet(sim, slot)) weft__slot_free(sim, slot);
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

void weft__flow_take_path(weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot), hops = sim->flow.slots.at[slot].hops;
  sim->packet.tx.at[slot].hops = (uint8_t)hops;
  sim->packet.tx.at[slot].port = path[0];
  sim->packet.rx.at[slot].port = path[hops];
  sim->packet.rx.at[slot].hop = hops + 1;
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
static void init_rate(weft_sim *sim, uint32_t slot) {
  const weft_config *config = &sim->config;
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t *path = slot_path(sim, slot);
  /* As built: a NIC that runs degraded throttles by itself, and may be repaired. */
  warm->line_bps = sim->fabric.ports.at[path[0]].built_rate_bps;
  if (config->max_rate_bps != 0 && config->max_rate_bps < warm->line_bps)
    warm->line_bps = config->max_rate_bps;
  weft__flow_take_rtt(sim, slot);
  weft__cc_set_rate(sim, slot, warm->line_bps);
}

uint32_t weft__flow_prepare(weft_sim *sim, uint32_t row) {
  int waits;
  const uint32_t slot = weft__flow_begin(sim, row, &waits);
  if (slot == WEFT_NONE) return slot;
  init_slot(sim, slot, row);
  weft__flow_take_path(sim, slot);
  init_rate(sim, slot);
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

uint64_t weft__sender_delivered(const weft_sim *sim, uint32_t slot) {
  uint64_t packets = sim->packet.rx.at[slot].next;
  if (sim->packet.tx.at[slot].flags & TX_PARKED) packets += weft__parked_received(sim, slot);
  return packets * sim->config.mtu_bytes;
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
  weft__flow_over(sim, slot, state);
  weft__flow_free_when_quiet(sim, slot);
}

void weft__flow_received(weft_sim *sim, uint32_t slot) {
  if (sim->accel.on) weft__partition_received(sim, slot);
  weft__flow_is_received(sim, sim->packet.rx.at[slot].row);
}

void weft__flow_acked(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  leave(sim, slot, FLOW_DONE);
  weft__flow_is_acked(sim, row);
}

void weft__flow_fail(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  if (sim->domains.index != 0) weft__domain_note_failed(sim, slot);
  leave(sim, slot, FLOW_FAILED);
  if (sim->domains.index != 0) return;
  sim->packet.rx.at[slot].total = 0; /* what still comes will never be all */
  weft__flow_has_failed(sim, row);
}

void weft__flow_failed_at(weft_sim *sim, uint32_t slot, uint32_t row, weft_time time) {
  if (sim->packet.rx.at[slot].row == row) sim->packet.rx.at[slot].total = 0;
  weft__flow_undo_received(sim, row, time); /* its receiver could not know */
  weft__flow_has_failed(sim, row);
}
