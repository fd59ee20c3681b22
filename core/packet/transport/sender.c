/* Senders: the packet model's part of a flow's life. */
#include <string.h>

#include "packet/cc/cc.h"
#include "packet/hooks.h"
#include "packet/model.h"
#include "packet/transport/selective.h"

/* ---- start ---- */

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
  if (is_sack(sim)) sim->packet.sack.at[slot] = (struct sack){.delivered_at = sim->now};
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

void weft__flow_renew_cc(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  tx->flags &= (uint8_t)~TX_PACED;
  if (sim->packet.cc->paced || sim->config.max_rate_bps != 0) tx->flags |= TX_PACED;
  warm->path_seq = warm->highest;
  weft__flow_take_rtt(sim, slot);
  tx->rate_bps = 0; /* packets have another size: the gap is worked out anew */
  weft__cc_set_rate(sim, slot, warm->line_bps);
  sim->packet.cc->start(sim, slot);
  if (!(tx->flags & TX_CUT_OFF)) weft__nic_kick_flow(sim, slot);
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
  flow_is_under_way(sim);
  accel_joined(sim, slot);
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
  const uint64_t packets = sim->packet.rx.at[slot].next + accel_parked_received(sim, slot);
  return packets * sim->config.mtu_bytes;
}

static void leave(weft_sim *sim, uint32_t slot, enum flow_state state) {
  struct tx *tx = &sim->packet.tx.at[slot];
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if ((tx->flags & TX_IN_LIST) && !sim->packet.model->keeps_finished) weft__nic_remove(sim, slot);
  weft__rto_rejoin(sim, slot);
  tx->flags &= (uint8_t)~TX_ACTIVE;
  accel_left(sim, slot);
  if (is_selective(sim)) weft__selective_release(sim, slot);
  uint64_t delivered = sim->flow.rows.at[tx->row].size_bytes;
  if (state == FLOW_FAILED) { /* as far as its sender knows */
    const uint64_t acked = (uint64_t)tx->una * sim->config.mtu_bytes;
    if (acked < delivered) delivered = acked;
  }
  flow_row_note(sim, tx->row, delivered, warm->retransmits, warm->ecn_marks);
  weft__flow_over(sim, slot, state);
  weft__flow_free_when_quiet(sim, slot);
}

void weft__flow_received(weft_sim *sim, uint32_t slot) {
  accel_received(sim, slot);
  weft__flow_is_received(sim, sim->packet.rx.at[slot].row);
}

void weft__flow_acked(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  leave(sim, slot, FLOW_DONE);
  weft__flow_is_acked(sim, row);
}

void weft__flow_fail(weft_sim *sim, uint32_t slot) {
  const uint32_t row = sim->packet.tx.at[slot].row;
  const struct domain_hooks *domain = sim->packet.domain_hooks;
  if (domain != NULL) { /* a view may not know what has arrived: see weft__flow_failed_at() */
    domain->failed(sim, slot);
    leave(sim, slot, FLOW_FAILED);
    return;
  }
  leave(sim, slot, weft__flow_is_complete(sim, row) ? FLOW_DONE : FLOW_FAILED);
  sim->packet.rx.at[slot].total = 0; /* what still comes will never be all */
  weft__flow_has_failed(sim, row);
}

void weft__flow_failed_at(weft_sim *sim, uint32_t slot, uint32_t row, weft_time time) {
  if (sim->packet.rx.at[slot].row == row) sim->packet.rx.at[slot].total = 0;
  weft__flow_undo_received(sim, row, time); /* its receiver could not know */
  weft__flow_has_failed(sim, row);
}
