/* Selective acknowledgement: RFC 2018 at the receiver, RFC 6675 at the sender, and of RACK (RFC
 * 8985) what finds a lost retransmission.
 *
 * The receiver keeps what comes out of order, as with selective repeat, and its ACKs name up to
 * three stretches of what it keeps, the one that has just grown first. So an ACK that is lost costs
 * nothing. The sender has a scoreboard: of the packets from una to next each is on its way, sacked,
 * or lost and waiting to be sent again. A packet is lost when three that left after it have
 * arrived. One that was sent again is lost when another has arrived that left a quarter of a round
 * trip later or more; that takes timestamps, without which it waits for the timer.
 *
 * What is on its way (pipe) is held against the congestion window, for lost packets as for new
 * ones; lost ones go first. tx.window counts from una, so it is the congestion window and what is
 * not on its way any more: the NIC has one comparison, whatever the recovery. A control that sets
 * rates has its window in proportion to them, and lost packets go at once, as in IRN.
 *
 * A timeout makes all lost that is not sacked (RFC 6675, section 5.1). Not here: limited transmit,
 * tail loss probes, duplicate SACKs and the undoing of what was a mistake; an adaptive timer makes
 * few. Stretches in ACKs take no bytes on the wire. */
#include "packet/transport/sack.h"

#include "packet/cc/cc.h"
#include "packet/sizes_i.h"
#include "packet/transport/bitmap.h"

enum { REORDER_PART = 4 }; /* of a round trip; RFC 8985, section 6.2 */

static weft_time reorder_ps(const weft_sim *sim, uint32_t slot) {
  return sim->packet.tx_warm.at[slot].rtt / REORDER_PART;
}

static int has_times(const weft_sim *sim) {
  return sim->packet.cc->extra == CC_TIMESTAMP;
}

/* ---- what was sent again ---- */

/* The ring is in the pool of bitmaps: a word with the time and one with the number. */
static uint32_t again_room(const struct sack *sack) {
  return bitmap_size(&sack->again) / 128;
}

static uint64_t *again_at(const weft_sim *sim, const struct sack *sack, uint32_t i) {
  return &sim->packet.bits.at[sack->again.first + 2 * (i & (again_room(sack) - 1))];
}

static void again_grow(weft_sim *sim, struct sack *sack) {
  const uint32_t room = again_room(sack), count = sack->again_tail - sack->again_head;
  struct bitmap wide = {.log2 = 0};
  if (!weft__bitmap_make(sim, &wide, room > 0 ? 256 * room : 1024)) return;
  struct sack next = *sack;
  next.again = wide;
  for (uint32_t i = 0; i < count; ++i) {
    const uint64_t *from = again_at(sim, sack, sack->again_head + i);
    uint64_t *to = again_at(sim, &next, i);
    to[0] = from[0];
    to[1] = from[1];
  }
  weft__bitmap_release(sim, &sack->again);
  sack->again = wide;
  sack->again_head = 0;
  sack->again_tail = count;
}

/* Beyond what memory a flow may have the oldest is forgotten: it waits for the timer. */
static void again_add(weft_sim *sim, uint32_t slot, uint32_t seq) {
  struct sack *sack = &sim->packet.sack.at[slot];
  if (!has_times(sim)) return;
  if (sack->again_tail - sack->again_head == again_room(sack)) {
    if (again_room(sack) < BITMAP_SPAN / 128)
      again_grow(sim, sack);
    else
      ++sack->again_head;
    if (sim->failed) return;
  }
  uint64_t *entry = again_at(sim, sack, sack->again_tail++);
  entry[0] = (uint64_t)sim->now;
  entry[1] = seq;
}

/* ---- the scoreboard ---- */

static void find(weft_sim *sim, uint32_t slot, uint32_t seq) {
  if (seq - sim->packet.tx.at[slot].una >= BITMAP_SPAN) return; /* at the next timeout */
  struct sack *sack = &sim->packet.sack.at[slot];
  struct selective *state = &sim->packet.selective.at[slot];
  if (!weft__bitmap_add(sim, &sack->lost, sim->packet.tx.at[slot].una, seq)) return;
  ++sack->waiting;
  ++sack->found;
  if (seq < state->resend) state->resend = seq;
}

static void unfind(weft_sim *sim, uint32_t slot, uint32_t base, uint32_t seq) {
  struct sack *sack = &sim->packet.sack.at[slot];
  if (!bitmap_has(sim, &sack->lost, base, seq)) return;
  bitmap_remove(sim, &sack->lost, seq);
  --sack->waiting;
}

/* Packets from old_una on have arrived in order, or had arrived. */
static void pass(weft_sim *sim, uint32_t slot, uint32_t old_una) {
  struct sack *sack = &sim->packet.sack.at[slot];
  const struct bitmap *sacked = &sim->packet.selective.at[slot].sacked;
  const uint32_t una = sim->packet.tx.at[slot].una;
  for (uint32_t seq = old_una; seq < una; ++seq)
    if (bitmap_has(sim, sacked, old_una, seq)) {
      bitmap_remove(sim, sacked, seq);
      --sack->sacked;
    } else {
      unfind(sim, slot, old_una, seq);
      ++sack->fresh;
    }
}

static void note_top(struct sack *sack, uint32_t seq) {
  uint32_t i = SACK_TOP;
  for (; i > 0 && seq > sack->top[i - 1]; --i)
    if (i < SACK_TOP) sack->top[i] = sack->top[i - 1];
  if (i < SACK_TOP) sack->top[i] = seq;
}

static void mark(weft_sim *sim, uint32_t slot, uint32_t begin, uint32_t end) {
  struct sack *sack = &sim->packet.sack.at[slot];
  struct bitmap *sacked = &sim->packet.selective.at[slot].sacked;
  const uint32_t una = sim->packet.tx.at[slot].una;
  for (uint32_t seq = begin > una ? begin : una; seq < end; ++seq) {
    if (bitmap_has(sim, sacked, una, seq)) continue;
    if (!weft__bitmap_add(sim, sacked, una, seq)) return;
    ++sack->sacked;
    ++sack->fresh;
    unfind(sim, slot, una, seq);
    note_top(sack, seq);
  }
}

/* A stretch grows a packet at a time: what the ACK before has told of it is not looked at again. */
static void mark_span(weft_sim *sim, uint32_t slot, struct span span) {
  const struct sack *sack = &sim->packet.sack.at[slot];
  for (int i = 0; i < SACK_SPANS; ++i) {
    const struct span told = sack->told[i];
    if (told.begin >= told.end || told.end <= span.begin || told.begin >= span.end) continue;
    if (span.begin < told.begin) mark(sim, slot, span.begin, told.begin);
    span.begin = told.end;
  }
  mark(sim, slot, span.begin, span.end);
}

/* What three packets that left later have overtaken. */
static void find_overtaken(weft_sim *sim, uint32_t slot) {
  struct selective *state = &sim->packet.selective.at[slot];
  const uint32_t una = sim->packet.tx.at[slot].una,
                 end = sim->packet.sack.at[slot].top[SACK_TOP - 1];
  for (uint32_t seq = state->lost_end > una ? state->lost_end : una; seq < end; ++seq)
    if (!bitmap_has(sim, &state->sacked, una, seq)) find(sim, slot, seq);
  if (end > state->lost_end) state->lost_end = end;
}

/* What was sent again and is lost again. */
static void find_again(weft_sim *sim, uint32_t slot) {
  struct sack *sack = &sim->packet.sack.at[slot];
  const struct bitmap *sacked = &sim->packet.selective.at[slot].sacked;
  const uint32_t una = sim->packet.tx.at[slot].una;
  const weft_time before = sack->newest - reorder_ps(sim, slot);
  for (; sack->again_head != sack->again_tail; ++sack->again_head) {
    const uint64_t *entry = again_at(sim, sack, sack->again_head);
    const uint32_t seq = (uint32_t)entry[1];
    const int is_here = seq < una || bitmap_has(sim, sacked, una, seq);
    if (!is_here && (weft_time)entry[0] >= before) return;
    if (!is_here && !bitmap_has(sim, &sack->lost, una, seq)) find(sim, slot, seq);
  }
}

/* Delivery between the departure of the packet that is acknowledged and now: no faster than what
 * was delivered then had been sent (draft-cheng-iccrg-delivery-rate-estimation). */
static void sample(weft_sim *sim, uint32_t slot, uint32_t block) {
  struct sack *sack = &sim->packet.sack.at[slot];
  const struct sack_note *note = &sim->packet.notes.at[block - 1];
  const weft_time sent =
      sim->packet.telemetry.at[(uint64_t)(block - 1) * sim->flow.path_ports].time;
  const weft_time sending = sent - note->first_sent_at, coming = sim->now - note->delivered_at;
  if (sent > sack->newest) sack->newest = sent;
  sack->sample_prior = note->delivered;
  sack->sample_ps = sending > coming ? sending : coming;
  sack->first_sent_at = sent;
  if (sent < sack->measured_at) return;
  sack->measured_at = sim->now; /* one in a round trip */
  weft__rto_measured(sim, slot, sim->now - sent);
}

void weft__sack_hear(weft_sim *sim, const struct packet *packet, uint32_t old_una) {
  const uint32_t slot = packet->flow, block = packet->telemetry;
  struct sack *sack = &sim->packet.sack.at[slot];
  sack->flight = sim->packet.tx.at[slot].next - old_una - sack->sacked - sack->waiting;
  sack->fresh = sack->found = 0;
  sack->sample_ps = 0;
  pass(sim, slot, old_una);
  if ((packet->flags & PACKET_NACK) && block != 0) {
    const struct span *spans = sim->packet.notes.at[block - 1].spans;
    for (int i = 0; i < SACK_SPANS; ++i) mark_span(sim, slot, spans[i]);
    for (int i = 0; i < SACK_SPANS; ++i) sack->told[i] = spans[i];
  }
  if (sack->fresh > 0) {
    sack->delivered += sack->fresh;
    sack->delivered_at = sim->now;
    if (has_times(sim) && block != 0) sample(sim, slot, block);
  }
  find_overtaken(sim, slot);
  find_again(sim, slot);
}

void weft__sack_departs(weft_sim *sim, uint32_t slot, uint32_t block) {
  struct sack *sack = &sim->packet.sack.at[slot];
  if (sack_pipe(sim, slot) <= 1) sack->first_sent_at = sack->delivered_at = sim->now; /* it */
  struct sack_note *note = &sim->packet.notes.at[block - 1];
  note->delivered = sack->delivered;
  note->delivered_at = sack->delivered_at;
  note->first_sent_at = sack->first_sent_at;
}

/* ---- sending ---- */

static void permit(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  const struct sack *sack = &sim->packet.sack.at[slot];
  const uint64_t mtu = sim->config.mtu_bytes;
  int is_open = 1;
  if (sim->packet.cc->windowed) {
    const uint64_t window = sim->packet.tx_warm.at[slot].base_window;
    const uint64_t most = weft__cc_window_most(sim);
    is_open = sack_pipe(sim, slot) * mtu < window;
    tx->window = window + (sack->sacked + (uint64_t)sack->waiting) * mtu;
    if (tx->window > most) tx->window = most;
  }
  if (sack->waiting > 0 && is_open)
    tx->flags |= TX_RESEND;
  else
    tx->flags &= (uint8_t)~TX_RESEND;
}

void weft__sack_permit(weft_sim *sim, uint32_t slot) {
  permit(sim, slot);
  weft__nic_relist(sim, slot);
}

uint32_t weft__sack_resend(weft_sim *sim, uint32_t slot) {
  struct sack *sack = &sim->packet.sack.at[slot];
  struct selective *state = &sim->packet.selective.at[slot];
  const uint32_t una = sim->packet.tx.at[slot].una;
  uint32_t seq = state->resend > una ? state->resend : una;
  WEFT_ASSERT(sack->waiting > 0);
  while (!bitmap_has(sim, &sack->lost, una, seq)) ++seq;
  bitmap_remove(sim, &sack->lost, seq);
  --sack->waiting;
  state->resend = seq + 1;
  again_add(sim, slot, seq);
  permit(sim, slot);
  return seq;
}

void weft__sack_timeout(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  struct sack *sack = &sim->packet.sack.at[slot];
  struct selective *state = &sim->packet.selective.at[slot];
  for (uint32_t seq = tx->una; seq < tx->next; ++seq)
    if (!bitmap_has(sim, &state->sacked, tx->una, seq) &&
        !bitmap_has(sim, &sack->lost, tx->una, seq))
      find(sim, slot, seq);
  sack->again_head = sack->again_tail;
  state->lost_end = tx->next;
  weft__sack_permit(sim, slot);
}

/* ---- receiver ---- */

static int is_empty(struct span span) {
  return span.begin >= span.end;
}

void weft__sack_hold(weft_sim *sim, uint32_t slot, uint32_t seq) {
  struct span *holds = sim->packet.sack.at[slot].holds;
  struct span grown = {seq, seq + 1};
  struct span rest[SACK_SPANS];
  int count = 0;
  for (int i = 0; i < SACK_SPANS; ++i) {
    if (is_empty(holds[i])) continue;
    if (holds[i].begin > grown.end || holds[i].end < grown.begin) {
      rest[count++] = holds[i];
      continue;
    }
    if (holds[i].begin < grown.begin) grown.begin = holds[i].begin;
    if (holds[i].end > grown.end) grown.end = holds[i].end;
  }
  holds[0] = grown;
  for (int i = 1; i < SACK_SPANS; ++i) holds[i] = i <= count ? rest[i - 1] : (struct span){0, 0};
}

int weft__sack_pass(weft_sim *sim, uint32_t slot) {
  struct span *holds = sim->packet.sack.at[slot].holds;
  const uint32_t next = sim->packet.rx.at[slot].next;
  int count = 0;
  for (int i = 0; i < SACK_SPANS; ++i) {
    const struct span span = holds[i];
    if (!is_empty(span) && span.end > next) holds[count++] = span;
  }
  for (int i = count; i < SACK_SPANS; ++i) holds[i] = (struct span){0, 0};
  return count > 0;
}

void weft__sack_name(const weft_sim *sim, uint32_t slot, uint32_t block) {
  const struct span *holds = sim->packet.sack.at[slot].holds;
  struct sack_note *note = &sim->packet.notes.at[block - 1];
  for (int i = 0; i < SACK_SPANS; ++i) note->spans[i] = holds[i];
}

/* ---- end ---- */

void weft__sack_release(weft_sim *sim, uint32_t slot) {
  weft__bitmap_release(sim, &sim->packet.sack.at[slot].lost);
  weft__bitmap_release(sim, &sim->packet.sack.at[slot].again);
}
