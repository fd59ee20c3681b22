/* The retransmission timer: when it runs, and for how long. What happens when it runs out is in
 * timeout.c.
 *
 * It runs while something of the flow is on its way: from the packet that left when nothing was, or
 * from the last progress. What waits in the flow's own NIC is not on its way.
 *
 * How long: RFC 6298 with the constants of a data centre. RTO = SRTT + 4 RTTVAR, at least RTO_MIN
 * and two empty round trips of the flow's own path; before the first sample three of these (what
 * the RFC makes of a first sample of one) and RTO_FIRST. RTO_MIN is the high timeout of IRN (Mittal
 * et al., SIGCOMM 2018): its longest path with one full buffer. Each repetition doubles it, up to
 * 64 times, and adds up to a half of it, drawn from the seed, so that retries don't keep step with
 * a link that flaps. A fixed rto stands for RTO_MIN and RTO_FIRST. */
#include "packet/transport/rto_i.h"

#include "base/rng_i.h"
#include "packet/model.h"
#include "packet/rtt.h"
#include "packet/transport/bitmap.h"

enum {
  BACKOFF_MAX = 6, /* doublings, up to RETRIES_MAX retries; then one more for each, */
  CHANCES = 256, /* or for so many where packets are lost by chance, */
  DOUBLINGS_MAX = 14 /* which end: 10 s of rto are 2 days */
};

#define NEVER INT64_MAX
#define RTO_MIN ((weft_time)320000000) /* 320 us */
#define RTO_FIRST ((weft_time)1000000000) /* 1 ms */

static int is_fixed(const weft_sim *sim) {
  return sim->config.rto_ps >= 0;
}

/* ---- how long ---- */

weft_time weft__rto_empty_rtt(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int hops = sim->packet.tx.at[slot].hops;
  return weft__path_rtt(sim, path, hops, path + hops, sim->flow.slots.at[slot].ack_hops);
}

static weft_time longest(weft_time a, weft_time b) {
  return a > b ? a : b;
}

weft_time weft__rto_least(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const weft_time empty = weft__rto_empty_rtt(sim, slot), given = sim->config.rto_ps;
  if (warm->rtt == 0) return longest(is_fixed(sim) ? given : RTO_FIRST, 3 * empty);
  return longest(longest(is_fixed(sim) ? given : RTO_MIN, 2 * empty),
                 warm->rtt + 4 * warm->rtt_deviation);
}

int weft__rto_may_lose(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int ports = sim->packet.tx.at[slot].hops + sim->flow.slots.at[slot].ack_hops;
  for (int i = 0; i < ports; ++i) {
    const struct fabric_port *port = &sim->fabric.ports.at[path[i]];
    if (port->loss > 0 || port->impairment != 0) return 1;
  }
  return 0;
}

/* A function of where the flow is, so that neither threads nor forks need a counter for it. */
static double draw(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  const uint64_t n = (uint64_t)tx->una << 16 | (sim->packet.tx_warm.at[slot].retries & 0xffff);
  return rng_uniform(sim->config.seed, RNG_TIMEOUT, tx->row, n);
}

static uint32_t doublings(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t kept = warm->backoff + warm->retries;
  if (warm->retries <= RETRIES_MAX) return kept < BACKOFF_MAX ? kept : BACKOFF_MAX;
  const uint32_t more = warm->retries - RETRIES_MAX;
  return BACKOFF_MAX + (weft__rto_may_lose(sim, slot) ? more / CHANCES : more);
}

/* Progress after a timeout says nothing of the round trip: the ACK may be that of what was sent
 * before. So the doubled timeout is kept until a measurement ends (Karn and Partridge; RFC 6298,
 * section 5), or one below the round trip would run out in each. An adaptive timer has run out for
 * a loss. */
void weft__rto_progress(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps != WEFT_RTO_ADAPTIVE) warm->backoff = doublings(sim, slot);
  if (warm->backoff > BACKOFF_MAX) warm->backoff = BACKOFF_MAX;
  warm->retries = 0;
}

weft_time weft__rto_timeout(const weft_sim *sim, uint32_t slot) {
  const uint32_t backoff = doublings(sim, slot);
  if (backoff > DOUBLINGS_MAX) return LATEST_PS;
  const weft_time rto = weft__rto_least(sim, slot) << backoff;
  if (backoff == 0) return rto;
  return rto + (weft_time)(draw(sim, slot) * (double)(rto / 2));
}

/* ---- when ---- */

int weft__rto_waits_to_send(const weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  if (tx->next == tx->una) return 1;
  if (!(tx->flags & TX_RESEND)) return 0;
  if (sim->packet.recovery != WEFT_RECOVERY_SACK)
    return sim->packet.selective.at[slot].resend <= tx->una;
  return bitmap_has(sim, &sim->packet.sack.at[slot].lost, tx->una, tx->una);
}

/* When it runs out, or what it waits for is due. */
weft_time weft__rto_deadline(const weft_sim *sim, uint32_t slot) {
  const struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps == 0) return NEVER;
  const int is_cut_off = sim->packet.tx.at[slot].flags & TX_CUT_OFF;
  if (is_cut_off || (rto_is_asked(warm) && warm->answer_at >= 0))
    return warm->answer_at >= 0 ? warm->answer_at : NEVER;
  if (weft__rto_waits_to_send(sim, slot)) return NEVER;
  if (!rto_is_asked(warm)) return rto_since(warm) + weft__rto_timeout(sim, slot);
  return warm->gone_at >= 0 ? warm->gone_at + weft__rto_timeout(sim, slot) : NEVER;
}

weft_time weft__rto_gives_up_at(const weft_sim *sim, uint32_t slot) {
  if (sim->config.give_up_ps == 0) return NEVER;
  return sim->packet.tx_warm.at[slot].progress_at + sim->config.give_up_ps;
}

weft_time weft__rto_harms_at(const weft_sim *sim, uint32_t slot) {
  const weft_time end = weft__rto_gives_up_at(sim, slot);
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) return end;
  const weft_time at = weft__rto_deadline(sim, slot);
  return at < end ? at : end;
}

static void look_at(weft_sim *sim, uint32_t slot, weft_time at) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (at == NEVER || (warm->rto_event >= 0 && warm->rto_event <= at)) return;
  warm->rto_event = at; /* an event for later is stale */
  ++sim->packet.rto_events;
  event_of_flow(sim, EV_RTO, slot, sim->packet.tx.at[slot].row, at);
}

void weft__rto_rearm(weft_sim *sim, uint32_t slot) {
  const weft_time at = weft__rto_deadline(sim, slot), end = weft__rto_gives_up_at(sim, slot);
  const weft_time next = at < end ? at : end;
  look_at(sim, slot, next <= LATEST_PS ? next : NEVER);
}

/* No timeout is shorter, and what it exactly is need not be worked out before. */
void weft__rto_arm(weft_sim *sim, uint32_t slot) {
  if (sim->packet.model->no_timeouts) return;
  if (sim->config.rto_ps == 0 || sim->config.give_up_ps != 0)
    weft__rto_rearm(sim, slot);
  else
    look_at(sim, slot, sim->now + (is_fixed(sim) ? sim->config.rto_ps : RTO_MIN));
}

/* Timeouts have become much shorter. */
static void shorten(weft_sim *sim, uint32_t slot) {
  if (sim->packet.tx_warm.at[slot].rto_event >= 0) weft__rto_rearm(sim, slot);
}

void weft__rto_measured(weft_sim *sim, uint32_t slot, weft_time rtt) {
  enum { SHORTER = 4, LONG_PS = 1000000000 }; /* worth another event */
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const weft_time off = rtt > warm->rtt ? rtt - warm->rtt : warm->rtt - rtt;
  const int first = warm->rtt == 0;
  warm->rtt_deviation = first ? rtt / 2 : (3 * warm->rtt_deviation + off) / 4;
  warm->rtt = first ? rtt : (7 * warm->rtt + rtt) / 8;
  warm->backoff = 0;
  const weft_time rto = warm->rtt + 4 * warm->rtt_deviation;
  if (warm->rto_event - sim->now > LONG_PS + SHORTER * rto) shorten(sim, slot);
}

/* ---- packets that are gone ---- */

void weft__rto_gone(weft_sim *sim, uint32_t slot, weft_time time) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t flags = sim->packet.tx.at[slot].flags & (TX_ACTIVE | TX_CUT_OFF);
  if (flags != TX_ACTIVE || !rto_is_asked(warm)) return;
  if (time <= warm->asked_at) { /* late news, from another thread */
    ++warm->missing;
    return;
  }
  if (warm->gone_at >= 0 && warm->gone_at <= time) return;
  warm->gone_at = time;
  if (warm->answer_at < 0) weft__rto_rearm(sim, slot);
}

/* ---- flows that are cut off ---- */

void weft__rto_note_closed(weft_sim *sim, uint32_t slot, uint8_t how) {
  if (!(sim->packet.tx.at[slot].flags & (TX_CUT_OFF | TX_DEAF))) ++sim->packet.cut_off;
  sim->packet.tx.at[slot].flags |= how;
}

void weft__rto_cut_off(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  weft__rto_note_closed(sim, slot, TX_CUT_OFF);
  if (tx->flags & TX_IN_LIST) weft__nic_remove(sim, slot);
  warm->restarted_at = sim->now;
  warm->answer_at = -1;
}

void weft__rto_rejoin(weft_sim *sim, uint32_t slot) {
  if (sim->packet.tx.at[slot].flags & (TX_CUT_OFF | TX_DEAF)) --sim->packet.cut_off;
  sim->packet.tx.at[slot].flags &= (uint8_t) ~(TX_CUT_OFF | TX_DEAF);
}
