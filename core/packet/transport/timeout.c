/* What happens when the retransmission timer (rto.c) runs out.
 *
 * Adaptive: a sender of ours can be told what a real one has to guess, whether anything of what it
 * has out is gone. The network holds a packet of the flow, data or ACK, for each one that is not
 * acknowledged; if it holds fewer, something was lost, and the flow sends again. If not, the timer
 * is put off until there is news: an ACK that is progress, or a packet of the flow that goes
 * without being any. So it never fires where nothing is lost, however long a queue or a pause, and
 * a flow that waits for ever costs no events.
 *
 * With several threads the news of a packet that is gone comes to the sender's domain at the end of
 * a window, which is no longer than any link of the path that leads to another domain. So the
 * question is put at one time and answered the longest delay of a link later, by what was gone at
 * the time of the question; the same for any number of threads.
 *
 * A flow whose way loses everything, as a link of it is down, has no use for its retries. They are
 * not simulated: it is cut off, and an adaptive one goes on within a round trip of the change that
 * opens its way again. Likewise where only the way back is closed, and retries go on meanwhile.
 * The same holds for one whose retries have come to nothing for long enough, such as those of a
 * sender by the clock into a deadlock. So flows that wait for ever don't keep a run alive. */
#include "base/hash_i.h"
#include "base/rng_i.h"
#include "packet/cc/cc.h"
#include "packet/port/port.h"
#include "packet/rtt.h"
#include "packet/transport/rto_i.h"
#include "packet/transport/selective.h"

enum { RETRIES_LAST = 18 }; /* retries where no packet is lost by chance */

/* Send again what is not acknowledged. */
void weft__resend(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  if (sim->packet.recovery == WEFT_RECOVERY_NONE) return;
  if (is_selective(sim)) {
    weft__selective_timeout(sim, slot);
    return;
  }
  tx->next = tx->una;
  if (!(tx->flags & TX_IN_LIST)) weft__nic_add(sim, slot);
}

void weft__rto_resend(weft_sim *sim, uint32_t slot) {
  if (sim->packet.cc->on_timeout != NULL) sim->packet.cc->on_timeout(sim, slot);
  weft__resend(sim, slot);
}

/* Whether every packet of a port is lost, until something of it is changed. */
static int is_dead(const weft_sim *sim, uint32_t port) {
  return sim->fabric.ports.at[port].down || weft__wire_loses_all(sim, port);
}

static int has_dead(const weft_sim *sim, const uint32_t *ports, int count) {
  for (int i = 0; i < count; ++i)
    if (is_dead(sim, ports[i])) return 1;
  return 0;
}

static int is_way_there_dead(const weft_sim *sim, uint32_t slot) {
  return has_dead(sim, slot_path(sim, slot), sim->packet.tx.at[slot].hops);
}

static int is_way_back_dead(const weft_sim *sim, uint32_t slot) {
  return has_dead(sim, slot_path(sim, slot) + sim->packet.tx.at[slot].hops,
                  sim->flow.slots.at[slot].ack_hops);
}

/* A way back that is dead does not keep data from arriving: after some retries all of it has. */
static int is_way_dead(const weft_sim *sim, uint32_t slot) {
  if (is_way_there_dead(sim, slot)) return 1;
  return sim->packet.tx_warm.at[slot].retries > RETRIES_MAX && is_way_back_dead(sim, slot);
}

/* Whether retries are of no use. What a NIC holds while its link is down is sent at the repair. */
static int is_cut(const weft_sim *sim, uint32_t slot) {
  if (sim->fabric.ports.at[slot_path(sim, slot)[0]].down) return 0;
  if (is_way_dead(sim, slot)) return 1;
  return sim->packet.tx_warm.at[slot].retries > RETRIES_LAST && !weft__rto_may_lose(sim, slot);
}

static void go_on(weft_sim *sim, uint32_t slot) {
  weft__rto_rejoin(sim, slot);
  if (is_way_back_dead(sim, slot)) weft__rto_note_closed(sim, slot, TX_DEAF);
  sim->packet.tx_warm.at[slot].restarted_at = sim->now;
  weft__rto_resend(sim, slot);
  weft__nic_kick_flow(sim, slot);
}

static void time_out(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  ++sim->stats.timeouts;
  sim->fingerprint += hash_event(sim->now, EV_RTO, sim->packet.tx.at[slot].row);
  ++warm->retries;
  if (sim->packet.recovery == WEFT_RECOVERY_NONE &&
      (sim->config.rto_ps == WEFT_RTO_ADAPTIVE || warm->retries > RETRIES_MAX))
    weft__flow_fail(sim, slot);
  else if (is_cut(sim, slot))
    weft__rto_cut_off(sim, slot);
  else
    go_on(sim, slot);
  if (sim->packet.tx.at[slot].flags & TX_ACTIVE) weft__rto_rearm(sim, slot);
}

/* ---- whether anything is gone (adaptive) ---- */

static weft_time longest_delay(const weft_sim *sim, uint32_t slot) {
  const uint32_t *path = slot_path(sim, slot);
  const int ports = sim->packet.tx.at[slot].hops + sim->flow.slots.at[slot].ack_hops;
  weft_time delay = 1;
  for (int i = 0; i < ports; ++i)
    if (sim->packet.ports.at[path[i]].delay_ps > delay)
      delay = sim->packet.ports.at[path[i]].delay_ps;
  return delay;
}

static void ask(weft_sim *sim, uint32_t slot) {
  const struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  const uint32_t out = is_selective(sim) ? weft__selective_out(sim, slot) : tx->next - tx->una;
  warm->asked_at = sim->now;
  warm->answer_at = sim->now + longest_delay(sim, slot);
  warm->gone_at = -1;
  warm->missing = (int32_t)(out - warm->packets_out);
  weft__rto_rearm(sim, slot);
}

static void answer(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  warm->answer_at = -1;
  if (warm->missing > 0) {
    time_out(sim, slot);
    return;
  }
  ++sim->stats.timeouts_put_off;
  weft__rto_rearm(sim, slot);
}

/* ---- events ---- */

static int is_over(weft_sim *sim, uint32_t slot) {
  if (weft__rto_gives_up_at(sim, slot) > sim->now) return 0;
  sim->fingerprint += hash_event(sim->now, EV_RTO, sim->packet.tx.at[slot].row);
  weft__flow_fail(sim, slot);
  return 1;
}

void weft__rto_event(weft_sim *sim, uint32_t slot) {
  struct tx *tx = &sim->packet.tx.at[slot];
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  --sim->packet.rto_events;
  const int is_former = warm->rto_event != sim->now; /* of the slot's former flow, or put forward */
  if (is_former || (tx->flags & (TX_ACTIVE | TX_PARKED)) != TX_ACTIVE) {
    if (!is_former && !(tx->flags & TX_PARKED)) warm->rto_event = -1;
    event_is_stale(sim);
    return;
  }
  warm->rto_event = -1;
  if (is_over(sim, slot)) return;
  if (weft__rto_deadline(sim, slot) > sim->now) {
    event_is_stale(sim);
    weft__rto_rearm(sim, slot);
  } else if (tx->flags & TX_CUT_OFF) {
    time_out(sim, slot);
  } else if (rto_is_asked(warm) && warm->answer_at >= 0) {
    answer(sim, slot);
  } else if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) {
    ask(sim, slot);
  } else {
    time_out(sim, slot);
  }
}

/* ---- flows that are cut off ---- */

/* A flow that has never had a way begins when routing has found one. */
static int may_begin(weft_sim *sim, uint32_t slot) {
  uint32_t data[WEFT_PATH_MAX], ack[WEFT_PATH_MAX];
  int hops;
  if (sim->packet.tx_warm.at[slot].highest > 0) return 0;
  return weft__flow_paths(sim, sim->packet.tx.at[slot].row, data, ack, &hops) > 0;
}

static void begin_all(weft_sim *sim, uint32_t first) {
  for (uint32_t slot = first, next; slot != WEFT_NONE; slot = next) {
    next = sim->packet.tx.at[slot].list_next;
    weft__rto_rejoin(sim, slot);
    weft__nic_add(sim, slot);
    weft__nic_kick_flow(sim, slot);
  }
}

/* The retries that were not simulated have been made; the next one is to come. A sender that can be
 * told of its way does not wait for it: it sends within a round trip, drawn so that those that wait
 * for the same link do not come in one burst. */
static void wake(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps == WEFT_RTO_ADAPTIVE) {
    const uint32_t row = sim->packet.tx.at[slot].row;
    const double part = rng_uniform(sim->config.seed, RNG_TIMEOUT, row, (uint64_t)sim->now);
    warm->retries = 0;
    warm->answer_at = sim->now + 1 + (weft_time)(part * (double)weft__rto_empty_rtt(sim, slot));
    weft__rto_rearm(sim, slot);
    return;
  }
  if (warm->retries > RETRIES_MAX) warm->retries = RETRIES_MAX;
  weft_time at = warm->restarted_at + weft__rto_timeout(sim, slot);
  while (at <= sim->now) {
    warm->restarted_at = at;
    if (warm->retries < RETRIES_MAX) ++warm->retries;
    at += weft__rto_timeout(sim, slot);
  }
  warm->answer_at = at;
  weft__rto_rearm(sim, slot);
}

/* The way back was closed as the timer ran out. The network may hold what has gone again since, so
 * the question is put anew. A sender by the clock knows nothing of its way. */
static void ask_anew(weft_sim *sim, uint32_t slot) {
  struct tx_warm *warm = &sim->packet.tx_warm.at[slot];
  if (sim->config.rto_ps != WEFT_RTO_ADAPTIVE) return;
  if (is_way_there_dead(sim, slot) || is_way_back_dead(sim, slot)) return;
  weft__rto_rejoin(sim, slot);
  warm->retries = 0;
  const int is_answered = !rto_is_asked(warm) || warm->answer_at < 0;
  if (is_answered && rto_since(warm) < sim->now && !weft__rto_waits_to_send(sim, slot))
    ask(sim, slot);
}

void weft__rto_wake_all(weft_sim *sim) {
  uint32_t first = WEFT_NONE, last = WEFT_NONE;
  for (uint32_t slot = 0; sim->packet.cut_off > 0 && slot < sim->packet.tx.n; ++slot) {
    const uint32_t flags = sim->packet.tx.at[slot].flags;
    if ((flags & (TX_CUT_OFF | TX_DEAF)) == TX_DEAF) ask_anew(sim, slot);
    const int waits = (flags & TX_CUT_OFF) && sim->packet.tx_warm.at[slot].answer_at < 0;
    if (!waits || is_way_dead(sim, slot)) continue;
    if (may_begin(sim, slot))
      weft__list_by_row(sim, &first, &last, slot);
    else if (sim->packet.tx_warm.at[slot].highest > 0)
      wake(sim, slot);
  }
  begin_all(sim, first);
}
