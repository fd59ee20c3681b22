/* Selective repeat as in IRN (Mittal et al., "Revisiting Network Support for RDMA", SIGCOMM 2018,
 * section 3).
 *
 * The receiver keeps what comes out of order and answers each such packet with a NACK that says
 * which packet it expects and which one came. The sender notes the latter as sacked. A packet is
 * lost if it is not sacked and one sent after it is; lost packets are sent again, each once, before
 * new ones. A retransmission that is lost too, or a lost tail, waits for the timer. The window is
 * the paper's BDP-FC: bytes in flight count from the oldest packet not acknowledged, so a gap stops
 * new packets after one window.
 *
 * Deviations. The paper's sender is in recovery from the first NACK until all is acknowledged that
 * was sent before it, and its mode ends up letting each lost packet go once; here a cursor over the
 * lost packets says the same without a mode, also for losses behind the end of a recovery, which
 * the paper's sender would send twice. After a timeout all that is not sacked counts as lost, as
 * TCP does (RFC 6675, section 5.1): the paper sends only the oldest, and a lost tail of n packets
 * takes n timeouts. There is one timeout, not a low and a high one.
 *
 * Where a NACK names the packet that caused it: all fields of a packet are taken. What is free on
 * an ACK (in_port, ser_ps, arrive) is rewritten at every hop, and the sender can't infer the number
 * from the order of ACKs, because ACKs get lost. So it lies beside the telemetry block that a NACK
 * then has in any case (sim->packet.triggers, by block): a packet stays 32 bytes, and only NACKs
 * pay. */
#include "packet/transport/selective.h"

#include "packet/sizes_i.h"
#include "packet/transport/bitmap.h"
#include "packet/transport/sack.h"

/* ---- sender ---- */

/* Move the cursor to the next lost packet, and say in the flags whether there is one. */
static void find_lost(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct selective *state = &sim->packet.selective.at[slot];
  if (state->resend < tx->una) state->resend = tx->una;
  while (state->resend < state->lost_end && bitmap_has(sim, &state->sacked, tx->una, state->resend))
    ++state->resend;
  if (state->resend < state->lost_end)
    tx->flags |= TX_RESEND;
  else
    tx->flags &= (uint8_t)~TX_RESEND;
}

uint32_t weft__selective_resend(weft_sim *sim, uint32_t slot) {
  if (is_sack(sim)) return weft__sack_resend(sim, slot);
  WEFT_ASSERT(sim->packet.selective.at[slot].resend < sim->packet.selective.at[slot].lost_end);
  const uint32_t seq = sim->packet.selective.at[slot].resend++;
  find_lost(sim, slot);
  return seq;
}

static void note_sacked(weft_sim *sim, uint32_t slot, uint32_t seq) {
  struct selective *state = &sim->packet.selective.at[slot];
  const uint32_t una = sim->packet.tx.at[slot].una;
  if (seq <= una) return; /* the news is old: a later ACK has overtaken it on another path */
  if (weft__bitmap_add(sim, &state->sacked, una, seq) && state->lost_end < seq)
    state->lost_end = seq;
}

void weft__selective_ack(weft_sim *sim, const struct packet *packet, uint32_t old_una) {
  const uint32_t slot = packet->flow;
  const uint32_t una = sim->packet.tx.at[slot].una;
  const struct bitmap *sacked = &sim->packet.selective.at[slot].sacked;
  for (uint32_t seq = old_una; seq < una && seq - old_una < bitmap_size(sacked); ++seq)
    bitmap_remove(sim, sacked, seq);
  const int nack = (packet->flags & PACKET_NACK) && packet->telemetry != 0;
  if (nack) note_sacked(sim, slot, sim->packet.triggers.at[packet->telemetry - 1]);
  if (!nack && !(sim->packet.tx.at[slot].flags & TX_RESEND)) return;
  find_lost(sim, slot);
  weft__nic_relist(sim, slot);
}

void weft__selective_timeout(weft_sim *sim, uint32_t slot) {
  if (is_sack(sim)) {
    weft__sack_timeout(sim, slot);
    return;
  }
  struct selective *state = &sim->packet.selective.at[slot];
  state->resend = sim->packet.tx.at[slot].una;
  state->lost_end = sim->packet.tx.at[slot].next;
  find_lost(sim, slot);
  weft__nic_relist(sim, slot);
}

uint32_t weft__selective_out(const weft_sim *sim, uint32_t slot) {
  if (is_sack(sim)) return sack_pipe(sim, slot);
  const struct tx *tx = &sim->packet.tx.at[slot];
  const struct selective *state = &sim->packet.selective.at[slot];
  uint32_t count = 0;
  for (uint32_t seq = tx->una; seq < tx->next; ++seq) {
    const int waits = seq >= state->resend && seq < state->lost_end;
    count += !waits && !bitmap_has(sim, &state->sacked, tx->una, seq);
  }
  return count;
}

/* ---- receiver ---- */

#define HELD_MOST (1u << 20) /* packets beyond a gap that selective repeat keeps */

int weft__selective_hold(weft_sim *sim, const struct packet *packet) {
  const uint32_t slot = packet->flow, next = sim->packet.rx.at[slot].next;
  if (packet->seq - next >= (is_sack(sim) ? (uint32_t)BITMAP_SPAN : HELD_MOST)) return 0;
  struct bitmap *held = &sim->packet.selective.at[slot].held;
  if (bitmap_has(sim, held, next, packet->seq)) ++sim->stats.retransmits_spurious;
  if (!weft__bitmap_add(sim, held, next, packet->seq)) return 0;
  if (is_sack(sim)) weft__sack_hold(sim, slot, packet->seq);
  return 1;
}

int weft__selective_pass(weft_sim *sim, uint32_t slot) {
  struct rx *rx = &sim->packet.rx.at[slot];
  const struct bitmap *held = &sim->packet.selective.at[slot].held;
  const uint32_t first = rx->next;
  for (; bitmap_has(sim, held, rx->next, rx->next); ++rx->next) bitmap_remove(sim, held, rx->next);
  const struct tx *tx = &sim->packet.tx.at[slot];
  sim->stats.payload_delivered += seq_bytes(sim, tx, rx->next) - seq_bytes(sim, tx, first);
  return is_sack(sim) && weft__sack_pass(sim, slot);
}

uint32_t weft__selective_name(weft_sim *sim, const struct packet *data) {
  const uint32_t block = data->telemetry != 0 ? data->telemetry : weft__telemetry_take(sim);
  if (block == 0) return 0;
  if (is_sack(sim))
    weft__sack_name(sim, data->flow, block);
  else
    sim->packet.triggers.at[block - 1] = data->seq;
  return block;
}

/* ---- end ---- */

void weft__selective_release(weft_sim *sim, uint32_t slot) {
  weft__bitmap_release(sim, &sim->packet.selective.at[slot].sacked);
  weft__bitmap_release(sim, &sim->packet.selective.at[slot].held);
  if (is_sack(sim)) weft__sack_release(sim, slot);
}
